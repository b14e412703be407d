/* u_evict.c: what must be here comes first; what was asked for gives way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "node_kit.h"

enum { SIZE = 100000, SLACK = 20000 };

/* A package of n bytes under that name: of the type course it is mirrored, of
 * video only fetched when somebody asks. */
static void put_out(struct nodes *t, const char *slug, const char *type,
                    unsigned version, size_t n, struct pack *p)
{
	package(p, version, n);
	assert_int_equal(nodes_publish(t, TOP, slug, type,
	                               gt_bytes_of(p->manifest, p->manifest_n),
	                               gt_bytes_of(p->out, p->out_n)),
	                 0);
	nodes_run(t);
}

static struct nodes *three(size_t disk, uint64_t on_demand)
{
	static const char *const rules[] = {"course", "mirror", "video",
	                                    "on-demand", NULL};
	struct nodes *t = nodes_new();
	t->v[MID].disk = disk;
	t->v[MID].on_demand = on_demand;
	nodes_open(t, TOP, "33", "", NULL);
	nodes_open(t, MID, "3301", "33", NULL);
	nodes_open(t, LOW, "330106", "3301", NULL);
	nodes_enrol(t);
	assert_int_equal(nodes_layer(t, TOP, rules), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	return t;
}

/* Videos v0, v1, ..., each asked for, and time for it to come. */
static void ask_for(struct nodes *t, struct pack *packs, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char slug[8], id[12];
		gt_format(slug, sizeof slug, "v%u", i);
		gt_format(id, sizeof id, "33/v%u", i);
		put_out(t, slug, "video", 10 + i, SIZE, &packs[i]);
		assert_int_equal(nodes_want(t, MID, id), 0);
		nodes_pass(t, 2000);
	}
}

static void clear(struct pack *packs, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		pack_clear(&packs[i]);
}

static int64_t evicted(struct nodes *t)
{
	return nodes_int(t, MID,
	                 "SELECT count(*) FROM audit WHERE event='remove' AND "
	                 "detail='gave way to other content'");
}

/* On a small disk, full of what people asked for, what is mirrored comes. */
static void mirrored_comes_first(void **state)
{
	struct pack v[3], m;
	struct nodes *t = three(3 * SIZE + SLACK, 0);
	(void)state;
	ask_for(t, v, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_holds(t, MID, &v[i]);
	put_out(t, "m", "course", 1, 2 * SIZE, &m);
	nodes_pass(t, 30000);
	assert_holds(t, MID, &m);
	/* the oldest went, as many as it took */
	assert_null(nodes_file(t, MID, &v[0].object));
	assert_null(nodes_file(t, MID, &v[1].object));
	assert_holds(t, MID, &v[2]);
	assert_int_equal(evicted(t), 2);
	assert_int_equal(nodes_status(t, MID)->objects_evicted, 2);
	assert_false(nodes_status(t, MID)->bulk_paused);
	/* what went can be asked for again: another one makes room */
	assert_int_equal(nodes_want(t, MID, "33/v0"), 0);
	nodes_pass(t, 30000);
	assert_holds(t, MID, &v[0]);
	assert_holds(t, MID, &m);
	clear(v, 3);
	pack_clear(&m);
	nodes_free(t);
}

/* The mirrored one needs more than there is, whoever gives way: meanwhile
 * nobody, here or below, gets what would take the rest. */
static void refused_while_it_lacks(void **state)
{
	struct pack v[2], m;
	struct nodes *t = three(2 * SIZE + SLACK, 0);
	(void)state;
	ask_for(t, v, 1);
	put_out(t, "m", "course", 1, 3 * SIZE, &m);
	put_out(t, "w", "video", 20, SIZE, &v[1]);
	nodes_pass(t, 8000);
	assert_null(nodes_file(t, MID, &v[0].object));
	assert_int_equal(nodes_want(t, MID, "33/w"), -GT_ENOSPACE);
	assert_non_null(strstr(nodes_last(t, MID, GT_ACT_REPLY, 0)->a.text,
	                       "what must be here"));
	assert_int_equal(nodes_want(t, LOW, "33/w"), 0);
	nodes_pass(t, 200000);
	assert_null(nodes_file(t, MID, &v[1].object));
	assert_int_equal(nodes_int(t, MID, "SELECT sum(asked) FROM item"), 0);
	assert_true(nodes_status(t, MID)->bulk_paused ||
	            !nodes_file(t, MID, &m.object));
	/* room is made: all of it comes, at LOW too */
	t->v[MID].disk = 0;
	nodes_pass(t, 200000);
	assert_holds(t, MID, &m);
	assert_holds(t, LOW, &v[1]);
	clear(v, 2);
	pack_clear(&m);
	nodes_free(t);
}

/* What is on its way gives way too, and is not what pauses the rest. */
static void half_fetched_gives_way(void **state)
{
	struct pack v[4], m;
	struct nodes *t = three(2 * SIZE + SLACK, 0);
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		char slug[8], id[12];
		gt_format(slug, sizeof slug, "v%u", i);
		gt_format(id, sizeof id, "33/v%u", i);
		put_out(t, slug, "video", 10 + i, SIZE, &v[i]);
	}
	t->v[MID].held = true;
	for (unsigned i = 0; i < 4; i++) {
		char id[12];
		gt_format(id, sizeof id, "33/v%u", i);
		assert_int_equal(nodes_want(t, MID, id), 0);
	}
	put_out(t, "m", "course", 1, 2 * SIZE, &m);
	t->v[MID].held = false;
	nodes_pass(t, 60000);
	assert_holds(t, MID, &m);
	clear(v, 4);
	pack_clear(&m);
	nodes_free(t);
}

static void within_its_share(void **state)
{
	struct pack v[4], big;
	struct nodes *t = three(0, 2 * SIZE + SLACK);
	(void)state;
	ask_for(t, v, 4);
	assert_holds(t, MID, &v[3]);
	assert_holds(t, MID, &v[2]);
	assert_null(nodes_file(t, MID, &v[1].object));
	assert_null(nodes_file(t, MID, &v[0].object));
	put_out(t, "big", "video", 30, 3 * SIZE, &big);
	assert_int_equal(nodes_want(t, MID, "33/big"), -GT_ENOSPACE);
	assert_non_null(strstr(nodes_last(t, MID, GT_ACT_REPLY, 0)->a.text,
	                       "storage.on_demand"));
	/* nor by way of a child, who is told so in the end */
	assert_int_equal(nodes_want(t, LOW, "33/big"), 0);
	nodes_pass(t, 20000);
	static const char held[] = "SELECT ifnull(sum(size),0) FROM object";
	assert_in_range(nodes_int(t, MID, held), 0, 2 * SIZE + SLACK);
	clear(v, 4);
	pack_clear(&big);
	nodes_free(t);
}

/* However many are asked for, what is mirrored has its own places. */
static void a_flood_of_wants(void **state)
{
	static struct pack v[20], m;
	struct nodes *t = three(0, 0);
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		char slug[8];
		gt_format(slug, sizeof slug, "v%u", i);
		put_out(t, slug, "video", 10 + i, 10, &v[i]);
	}
	t->v[MID].held = true;
	for (unsigned i = 0; i < 20; i++) {
		char id[12];
		gt_format(id, sizeof id, "33/v%u", i);
		assert_int_equal(nodes_want(t, MID, id), 0);
	}
	put_out(t, "m", "course", 1, SIZE, &m);
	const struct gt_node_status *s = nodes_status(t, MID);
	bool under_way = false;
	for (uint32_t i = 0; i < s->ntransfers; i++)
		under_way |= strcmp(s->transfers[i].resource, "33/m") == 0;
	assert_true(under_way);
	assert_true(s->ntransfers < GT_TRANSFERS_MAX);
	t->v[MID].held = false;
	nodes_pass(t, 10000);
	assert_holds(t, MID, &m);
	for (unsigned i = 0; i < 20; i++)
		assert_holds(t, MID, &v[i]);
	clear(v, 20);
	pack_clear(&m);
	nodes_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(mirrored_comes_first),
	        cmocka_unit_test(refused_while_it_lacks),
	        cmocka_unit_test(half_fetched_gives_way),
	        cmocka_unit_test(within_its_share),
	        cmocka_unit_test(a_flood_of_wants),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
