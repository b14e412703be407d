/* u_node_object.c: objects from publisher to grandchild, through real cores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "content_inside.h"
#include "nodes.h"
#include "unit/node_kit.h"

/* -------------------------------------------------------- good ways */

static void three_levels(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 900000);
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 3000);
	assert_holds(t, TOP, &p);
	assert_holds(t, MID, &p);
	assert_holds(t, LOW, &p);
	/* double entry: one name, the same bytes, at both ends of each link */
	for (unsigned i = MID; i <= LOW; i++) {
		const char *name = nodes_text(
		        t, i, "SELECT transfer FROM audit WHERE event='fetch'");
		int64_t bytes = nodes_int(
		        t, i, "SELECT bytes FROM audit WHERE event='fetch'");
		assert_int_equal(strlen(name), 32);
		assert_true(bytes >= (int64_t)p.manifest_n);
		assert_int_equal(
		        nodes_int(t, i - 1,
		                  "SELECT bytes FROM audit WHERE event = "
		                  "'serve' AND transfer = '%s' AND peer = '%s'",
		                  name, t->v[i].code),
		        bytes);
	}
	pack_clear(&p);
}

/* MID's disk says "placed" but not yet "synced": LOW has its frame already. */
static void relayed_before_it_is_durable(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_run(t);
	size_t serves = nodes_count(t, MID, GT_ACT_SERVE);
	struct gt_manifest *m = pack_manifest(&p);
	/* no time has passed: nothing was due to be synced, or is complete */
	assert_int_equal(serves, m->nframes);
	const struct done *serve = nodes_last(t, MID, GT_ACT_SERVE, 0);
	const struct done *sync = nodes_last(t, MID, GT_ACT_SYNC, 0);
	assert_true(!sync || serve < sync);
	gt_manifest_free(m);
	nodes_pass(t, 2000);
	assert_holds(t, LOW, &p);
	pack_clear(&p);
}

/* Frames asked for and not yet here, at most, once a few have come; each byte
 * takes the time it takes at t->hooked bytes per millisecond. */
static size_t ahead, frames_come;

static bool at_a_rate(struct nodes *t, struct message *m)
{
	size_t asked = nodes_asked_count(t, MID, GT__REQUEST__BODY_FRAME);
	if (m->to != MID || m->npayload == 0 || asked == 0)
		return true;
	if (frames_come >= 3 && asked - frames_come > ahead)
		ahead = asked - frames_come;
	frames_come++;
	t->now.mono_ms += m->npayload / (size_t)t->hooked;
	return true;
}

static void bulk_at(struct nodes *t, int bytes_a_ms)
{
	struct pack p;
	package(&p, 1, 3 << 20);
	ahead = frames_come = 0;
	t->hooked = bytes_a_ms;
	t->hook = at_a_rate;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	assert_true(frames_come > 8);
	pack_clear(&p);
}

/* At 1 Mbit/s a frame takes two seconds: a change would wait behind each. */
static void a_thin_link_is_asked_for_little(void **state)
{
	bulk_at(*state, 125);
	assert_int_equal(ahead, 1);
}

static void a_fast_link_is_asked_for_much(void **state)
{
	bulk_at(*state, 12500);
	assert_true(ahead > 2);
}

static void an_update_copies_what_it_has(void **state)
{
	struct nodes *t = *state;
	struct pack one, two;
	package(&one, 1, 20 << 20);
	package(&two, 2, 20 << 20);
	struct gt_manifest *m = pack_manifest(&two);
	assert_true(m->nframes > 80); /* more than are copied at once */
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &one), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &one);
	nodes_clear(t, MID);
	nodes_clear(t, TOP);
	assert_int_equal(publish(t, TOP, "a", &two), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &two);
	/* the frame with a.txt in it crossed the link, the rest did not */
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_FRAME), 1);
	assert_int_equal(nodes_count(t, MID, GT_ACT_COPY), m->nframes - 1);
	/* and the old one is gone, at both ends */
	assert_null(nodes_file(t, MID, &one.object));
	assert_null(nodes_file(t, TOP, &one.object));
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM object"), 1);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM object"), 1);
	gt_manifest_free(m);
	pack_clear(&one);
	pack_clear(&two);
}

/* The old version rotted: what cannot be copied is asked for. */
static void a_copy_that_fails(void **state)
{
	struct nodes *t = *state;
	struct pack one, two;
	package(&one, 1, 600000);
	package(&two, 2, 600000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &one), 0);
	nodes_pass(t, 3000);
	struct blob *b = nodes_file(t, MID, &one.object);
	b->p[b->n / 2] ^= 1;
	assert_int_equal(publish(t, TOP, "a", &two), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &two);
	/* that is nobody's fault above */
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='damage'"),
	                 0);
	assert_int_equal(nodes_status(t, MID)->frames_damaged, 0);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='remove' AND kind='object' AND "
	                           "length(subject)=64"),
	                 1);
	pack_clear(&one);
	pack_clear(&two);
}

/* Two resources end up with one object while one of them had another before:
 * nothing stays that nobody needs. */
static void nothing_is_left_behind(void **state)
{
	struct nodes *t = *state;
	struct pack a, b;
	package(&a, 1, 70000);
	package(&b, 2, 70000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "x", &a), 0);
	assert_int_equal(publish(t, TOP, "y", &b), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &a);
	assert_holds(t, MID, &b);
	assert_int_equal(publish(t, TOP, "y", &a), 0);
	nodes_pass(t, 3000);
	for (unsigned i = TOP; i <= MID; i++) {
		assert_null(nodes_file(t, i, &b.object));
		assert_holds(t, i, &a);
		assert_int_equal(nodes_int(t, i, "SELECT count(*) FROM object"),
		                 1);
	}
	/* the same bytes published once more by another name change nothing */
	assert_int_equal(publish(t, TOP, "z", &a), 0);
	nodes_pass(t, 3000);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM object"), 1);
	assert_holds(t, MID, &a);
	assert_int_equal(nodes_withdraw(t, TOP, "x"), 0);
	assert_int_equal(nodes_withdraw(t, TOP, "y"), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &a);
	assert_int_equal(nodes_withdraw(t, TOP, "z"), 0);
	nodes_pass(t, 3000);
	for (unsigned i = TOP; i <= MID; i++) {
		assert_null(nodes_file(t, i, &a.object));
		assert_int_equal(nodes_int(t, i, "SELECT count(*) FROM object"),
		                 0);
	}
	pack_clear(&a);
	pack_clear(&b);
}

static void removed_when_no_job_is_under_way(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	held_back(t, &p, 300000);
	assert_true(nodes_count(t, MID, GT_ACT_PLACE) > 1);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM object"), 0);
	assert_int_equal(nodes_count(t, MID, GT_ACT_REMOVE), 0);
	t->v[MID].held = false;
	nodes_run(t);
	assert_int_equal(nodes_count(t, MID, GT_ACT_REMOVE), 1);
	assert_null(nodes_file(t, MID, &p.object));
	/* and it may come back */
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	pack_clear(&p);
}

/* Let go of while it is checked. */
static void removed_when_it_is_checked(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	held_back(t, &p, 1000);
	while (nodes_count(t, MID, GT_ACT_CHECK) == 0)
		nodes_hear(t, 0);
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_CHECKING);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	nodes_run(t);
	assert_int_equal(nodes_count(t, MID, GT_ACT_REMOVE), 0);
	t->v[MID].held = false;
	nodes_run(t);
	assert_int_equal(nodes_count(t, MID, GT_ACT_REMOVE), 1);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM object"), 0);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='fetch'"),
	                 0);
	pack_clear(&p);
}

/* What is placed is synced half a second later, if nothing more comes. */
static void synced_when_it_is_due(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	held_back(t, &p, 300000);
	t->now.mono_ms += 7;
	nodes_hear(t, 0);
	assert_int_equal(gt_node_deadline(t->v[MID].node),
	                 t->now.mono_ms + 500);
	nodes_pass(t, 499);
	assert_int_equal(nodes_count(t, MID, GT_ACT_SYNC), 0);
	nodes_pass(t, 1);
	assert_int_equal(nodes_count(t, MID, GT_ACT_SYNC), 1);
	/* while that is under way there is not another */
	nodes_hear(t, 0);
	nodes_pass(t, 2000);
	assert_int_equal(nodes_count(t, MID, GT_ACT_SYNC), 1);
	pack_clear(&p);
}

/* As many at once as are configured, and some more that people wait for. */
static void as_many_at_once(void **state)
{
	enum { MANY = 12 };
	static const char *const rules[] = {"course", "mirror", "video",
	                                    "on-demand", NULL};
	struct nodes *t = *state;
	assert_int_equal(nodes_layer(t, TOP, rules), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->v[MID].held = true;
	for (unsigned k = 0; k < MANY; k++) {
		struct pack p;
		char slug[8];
		package(&p, k, 10);
		gt_format(slug, sizeof slug, "r%u", k);
		assert_int_equal(
		        nodes_publish(t, TOP, slug, k < 6 ? "course" : "video",
		                      gt_bytes_of(p.manifest, p.manifest_n),
		                      gt_bytes_of(p.out, p.out_n)),
		        0);
		pack_clear(&p);
	}
	nodes_run(t);
	const struct gt_node_status *s = nodes_status(t, MID);
	assert_int_equal(s->ntransfers, 4);
	for (uint32_t i = 0; i < s->ntransfers; i++) {
		char slug[8];
		gt_format(slug, sizeof slug, "33/r%u", i);
		assert_string_equal(s->transfers[i].resource, slug);
		assert_true(s->transfers[i].frames > 0);
		assert_true(s->transfers[i].total > 0);
		assert_int_equal(s->transfers[i].present, 0);
		assert_int_equal(s->transfers[i].bytes, 0);
	}
	for (unsigned k = 6; k < MANY; k++) {
		char id[12];
		gt_format(id, sizeof id, "33/r%u", k);
		assert_int_equal(nodes_want(t, MID, id), 0);
	}
	nodes_run(t);
	assert_int_equal(nodes_status(t, MID)->ntransfers, 8);
	t->v[MID].held = false;
	nodes_pass(t, 3000);
	assert_int_equal(nodes_status(t, MID)->ntransfers, 0);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT count(*) FROM object WHERE state=4"),
	        MANY);
}

/* What is wanted more is asked for first. */
static void by_priority(void **state)
{
	static const char *const rules[] = {"course", "mirror", NULL};
	struct nodes *t = *state;
	struct pack p, q;
	package(&p, 1, 300000);
	package(&q, 2, 400000);
	assert_int_equal(nodes_layer(t, TOP, rules), 0);
	assert_int_equal(nodes_publish(t, TOP, "a", "video",
	                               gt_bytes_of(p.manifest, p.manifest_n),
	                               gt_bytes_of(p.out, p.out_n)),
	                 0);
	assert_int_equal(publish(t, TOP, "b", &q), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	assert_holds(t, MID, &q);
	const struct gt_id *first = NULL;
	for (size_t k = 0; k < t->v[MID].nlog && !first; k++)
		if (t->v[MID].log[k].a.type == GT_ACT_PLACE)
			first = &t->v[MID].log[k].a.object;
	assert_non_null(first);
	assert_true(gt_id_eq(first, &q.object));
	pack_clear(&p);
	pack_clear(&q);
}

static void assert_told(struct nodes *t, unsigned i, const char *text)
{
	assert_string_equal(nodes_last(t, i, GT_ACT_REPLY, 0)->a.text, text);
}

static void on_demand(void **state)
{
	static const char *const rules[] = {"course", "on-demand", NULL};
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 70000);
	assert_int_equal(nodes_layer(t, TOP, rules), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 3000);
	assert_null(nodes_file(t, MID, &p.object));
	/* LOW wants it: MID fetches it to pass it on */
	assert_int_equal(nodes_want(t, LOW, "33/a"), 0);
	assert_told(t, LOW,
	            "{\"id\":\"33/a\",\"state\":\"wanted\","
	            "\"present\":0,\"frames\":0}");
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='want' AND actor='user:test' AND "
	                           "kind='resource' AND subject='33/a' AND "
	                           "version=1 AND verdict='on-demand' AND "
	                           "rule='course' AND layer='33'"),
	                 1);
	nodes_pass(t, 3000);
	assert_holds(t, LOW, &p);
	assert_holds(t, MID, &p);
	/* asked for again, it is here */
	assert_int_equal(nodes_want(t, LOW, "33/a"), 0);
	char text[100];
	struct gt_manifest *m = pack_manifest(&p);
	gt_format(text, sizeof text,
	          "{\"id\":\"33/a\",\"state\":\"complete\",\"present\":%u,"
	          "\"frames\":%u}",
	          m->nframes, m->nframes);
	gt_manifest_free(m);
	assert_told(t, LOW, text);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='want'"),
	                 1);
	assert_int_equal(nodes_want(t, LOW, "33/nothing"), -GT_EUNKNOWN);
	assert_told(t, LOW, "33/nothing is not known here");
	/* what has no content has all of it */
	struct gt_bytes none = {0};
	assert_int_equal(nodes_publish(t, TOP, "n", "course", none, none), 0);
	nodes_run(t);
	assert_int_equal(nodes_want(t, LOW, "33/n"), 0);
	assert_told(t, LOW,
	            "{\"id\":\"33/n\",\"state\":\"complete\","
	            "\"present\":0,\"frames\":0}");
	assert_int_equal(nodes_withdraw(t, TOP, "n"), 0);
	nodes_run(t);
	assert_int_equal(nodes_want(t, LOW, "33/n"), -GT_EUNAVAILABLE);
	assert_told(t, LOW, "33/n has been withdrawn by its publisher");
	/* listed is not to be had; denied is not known */
	static const char *const list[] = {"course", "metadata", NULL};
	assert_int_equal(nodes_layer(t, LOW, list), 0);
	nodes_run(t);
	assert_int_equal(nodes_want(t, LOW, "33/a"), -GT_EDENIED);
	assert_told(t, LOW,
	            "policy lists 33/a here but does not let it be fetched "
	            "(rule course of 330106)");
	static const char *const deny[] = {"course", "deny", NULL};
	assert_int_equal(nodes_layer(t, LOW, deny), 0);
	nodes_run(t);
	assert_int_equal(nodes_want(t, LOW, "33/a"), -GT_EUNKNOWN);
	pack_clear(&p);
}

/* -------------------------------------------------------- bad bytes */

static bool damage_one(struct nodes *t, struct message *m)
{
	if (m->to != MID || m->npayload < 60000 || t->hooked > 0)
		return true;
	t->hooked++;
	m->payload[100] ^= 1;
	return true;
}

static void a_damaged_frame(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	t->hook = damage_one;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 5000);
	assert_int_equal(t->hooked, 1);
	assert_holds(t, MID, &p);
	/* asked again with suspect, served checked, written down */
	const struct done *again = nodes_asked(t, MID, GT__REQUEST__BODY_FRAME);
	assert_true(again->request->frame->suspect);
	assert_int_equal(nodes_status(t, MID)->frames_damaged, 1);
	assert_true(nodes_last(t, TOP, GT_ACT_SERVE, 0)->a.check);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'damage' AND result = 'DAMAGED'"),
	                 1);
	pack_clear(&p);
}

static void the_parents_copy_rots(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	fetched(t, &p, 300000);
	struct blob *b = nodes_file(t, MID, &p.object);
	b->p[b->n / 2] ^= 1;
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 10000);
	/* LOW found out, MID looked, refetched, and both are whole */
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'damage'"),
	                 1);
	assert_holds(t, LOW, &p);
	assert_holds(t, MID, &p);
	assert_int_equal(nodes_status(t, MID)->frames_damaged, 1);
	/* the frame was counted when it went, damaged and mended, and not when
	 * it was found damaged */
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT detail LIKE '%%; sent '||bytes||' "
	                           "bytes in %%' FROM audit WHERE "
	                           "event='serve'"),
	                 1);
	pack_clear(&p);
}

/* ---------------------------------- full disks, faults, who may ask */

static void a_full_disk_pauses_bulk_only(void **state)
{
	static struct gt_node_status st;
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->v[MID].full = true;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_run(t);
	gt_node_status(t->v[MID].node, &st);
	assert_true(st.bulk_paused);
	/* time that passes is not yet room */
	struct gt_event now = {.type = GT_EV_TIME};
	assert_int_equal(nodes_event(t, MID, &now), 0);
	assert_true(nodes_status(t, MID)->bulk_paused);
	/* records and metadata go on */
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	assert_int_equal(nodes_publish(t, TOP, "news", "announcement",
	                               (struct gt_bytes){0},
	                               (struct gt_bytes){0}),
	                 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 3);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT count(*) FROM item WHERE kind=1"), 2);
	/* it looks again every five seconds, not more often */
	nodes_clear(t, MID);
	nodes_pass(t, 4900);
	assert_int_equal(nodes_count(t, MID, GT_ACT_PLACE), 0);
	nodes_pass(t, 20000);
	assert_true(nodes_count(t, MID, GT_ACT_PLACE) > 0);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE subject = "
	                           "'bulk paused' AND result = 'NOSPACE'"),
	                 1);
	t->v[MID].full = false;
	nodes_pass(t, 10000);
	assert_holds(t, MID, &p);
	gt_node_status(t->v[MID].node, &st);
	assert_false(st.bulk_paused);
	pack_clear(&p);
}

static int64_t told(struct nodes *t)
{
	return nodes_int(t, MID,
	                 "SELECT count(*) FROM audit WHERE subject="
	                 "'bulk paused'");
}

static void pass_long(struct nodes *t, unsigned minutes)
{
	for (unsigned i = 0; i < minutes; i++) {
		nodes_clear(t, TOP);
		nodes_clear(t, MID);
		nodes_pass(t, 60000);
	}
}

/* It is told of once an hour while it lasts, and anew when it comes again. */
static void a_full_disk_is_no_flood(void **state)
{
	struct nodes *t = *state;
	struct pack p, q;
	package(&p, 1, 300000);
	package(&q, 2, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->v[MID].full = true;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	pass_long(t, 50);
	assert_int_equal(told(t), 1);
	pass_long(t, 20);
	assert_int_equal(told(t), 2);
	t->v[MID].full = false;
	pass_long(t, 2);
	assert_holds(t, MID, &p);
	assert_int_equal(told(t), 2);
	t->v[MID].full = true;
	assert_int_equal(publish(t, TOP, "b", &q), 0);
	nodes_pass(t, 1000);
	assert_int_equal(told(t), 3);
	pack_clear(&p);
	pack_clear(&q);
}

/* A disk that takes what it has no room for, and says so at the sync. */
static void a_disk_that_is_full_late(void **state)
{
	static struct gt_node_status st;
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->v[MID].late = true;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 600);
	gt_node_status(t->v[MID].node, &st);
	assert_true(st.bulk_paused);
	assert_int_equal(t->v[MID].failed, 0);
	/* nothing that was lost is taken for kept */
	assert_int_equal(nodes_int(t, MID, "SELECT present FROM object"), 0);
	nodes_pass(t, 20000);
	assert_int_equal(nodes_int(t, MID, "SELECT present FROM object"), 0);
	t->v[MID].late = false;
	nodes_pass(t, 10000);
	assert_holds(t, MID, &p);
	gt_node_status(t->v[MID].node, &st);
	assert_false(st.bulk_paused);
	pack_clear(&p);
}

/* What is placed beside a sync that fails is as lost as what was before it. */
static void placed_beside_a_failed_sync(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 900000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->v[MID].held = t->v[MID].late = true;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_run(t);
	assert_true(t->nanswers > 2);
	nodes_hear(t, 0);
	nodes_pass(t, 600);
	assert_int_equal(nodes_count(t, MID, GT_ACT_SYNC), 1);
	assert_int_equal(t->answers[t->nanswers - 1].e.type, GT_EV_SYNCED);
	nodes_hear(t, t->nanswers - 1);
	t->v[MID].held = t->v[MID].late = false;
	nodes_run(t);
	assert_int_equal(nodes_int(t, MID, "SELECT present FROM object"), 0);
	nodes_pass(t, 10000);
	assert_holds(t, MID, &p);
	/* the check at the end is no excuse */
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'damage'"),
	                 0);
	pack_clear(&p);
}

/* Nobody knows what else a disk forgot that does not take a name. */
static void a_name_that_is_not_durable_ends_it(void **state)
{
	struct nodes *t = *state;
	struct gt_event e = {.type = GT_EV_ADOPTED, .status = -GT_EIO};
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	e.status = -GT_ESTORE;
	assert_int_equal(nodes_event(t, TOP, &e), -GT_EIO);
	assert_non_null(strstr(gt_node_why(t->v[TOP].node), "sync"));
}

/* ------------------------------------------------- files that go */

static void lose_file(struct nodes *t, unsigned i, const struct gt_id *id)
{
	struct blob *b = nodes_file(t, i, id);
	assert_non_null(b);
	free(b->p);
	*b = (struct blob){0};
}

/* What a look at the files found, or somebody who read. */
static void tell_lost(struct nodes *t, unsigned i, const struct gt_id *ids,
                      size_t n)
{
	struct gt_event e = {.type = GT_EV_LOST,
	                     .body = gt_bytes_of(ids, n * sizeof *ids),
	                     .detail = "the file is gone"};
	assert_int_equal(nodes_event(t, i, &e), 0);
	nodes_run(t);
}

static int64_t damages(struct nodes *t, unsigned i)
{
	return nodes_int(t, i,
	                 "SELECT count(*) FROM audit WHERE event='damage' AND "
	                 "detail='the file is gone'");
}

static void a_file_that_is_gone(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	char first[40];
	gt_copy(first, sizeof first,
	        nodes_text(t, MID,
	                   "SELECT transfer FROM audit WHERE event='fetch'"));
	/* in memory, and not; twice said is as good as once; and a stranger */
	for (int again = 0; again < 2; again++) {
		struct gt_id ids[] = {p.object, {.b = {1}}, p.object};
		lose_file(t, MID, &p.object);
		if (again)
			nodes_restart(t, MID);
		tell_lost(t, MID, ids, 3);
		if (again)
			nodes_wire(t, MID, TOP, true);
		nodes_pass(t, 5000);
		assert_holds(t, MID, &p);
		assert_int_equal(damages(t, MID), again + 1);
		assert_int_equal(nodes_status(t, MID)->objects_lost, 1);
		/* under a name of its own, in both books */
		assert_int_equal(
		        nodes_int(t, MID,
		                  "SELECT count(DISTINCT transfer) FROM audit "
		                  "WHERE event='fetch'"),
		        again + 2);
	}
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='serve'"),
	                 3);
	pack_clear(&p);
}

/* One frame that cannot be read is one; a file that is not there is all. */
static void a_child_meets_a_file_that_is_gone(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 900000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 3000);
	lose_file(t, MID, &p.object);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 10000);
	assert_holds(t, LOW, &p);
	assert_holds(t, MID, &p);
	assert_int_equal(damages(t, MID), 1);
	assert_int_equal(nodes_status(t, MID)->frames_damaged, 0);
	pack_clear(&p);
}

/* What was published here is fetched from nobody, and takes no place from what
 * is. The same bytes again mend it. */
static void what_was_published_here_is_gone(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, MID, "a", &p), 0);
	nodes_pass(t, 3000);
	lose_file(t, MID, &p.object);
	tell_lost(t, MID, &p.object, 1);
	nodes_pass(t, 5000);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT n FROM tally_resource WHERE"
	                           " state='damaged'"),
	                 1);
	assert_int_equal(nodes_status(t, MID)->ntransfers, 0);
	assert_int_equal(publish(t, MID, "a", &p), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE"
	                           " event='repair' AND kind='object'"),
	                 1);
	pack_clear(&p);
}

static void a_file_that_goes_while_it_comes(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 900000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->v[MID].held = true;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_run(t);
	assert_true(t->nanswers > 2);
	nodes_hear(t, 0);
	lose_file(t, MID, &p.object);
	nodes_pass(t, 600);
	/* the sync finds none, and the node goes on */
	t->v[MID].held = false;
	nodes_run(t);
	nodes_pass(t, 10000);
	assert_holds(t, MID, &p);
	pack_clear(&p);
}

/* Nobody above has it: it is not called complete, and people hear of it. */
static void a_file_of_what_was_published_here(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	lose_file(t, TOP, &p.object);
	nodes_clear(t, TOP);
	tell_lost(t, TOP, &p.object, 1);
	const struct done *d = nodes_last(t, TOP, GT_ACT_LOG, 0);
	assert_non_null(d);
	assert_int_equal(d->a.status, GT_LOG_ERROR);
	assert_non_null(strstr(d->a.text, "publish it again"));
	assert_int_equal(nodes_int(t, TOP, "SELECT state FROM object"), 2);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	assert_holds(t, TOP, &p);
	pack_clear(&p);
}

/* A child asked for a frame; the disk said this. The answer to the child. */
static const Gt__Error *faulted(struct nodes *t, const struct gt_id *object,
                                uint32_t peer, int status)
{
	struct gt_event fault = {.type = GT_EV_FAULT,
	                         .peer = peer,
	                         .token = 77,
	                         .object = *object,
	                         .status = status};
	nodes_clear(t, TOP);
	assert_int_equal(nodes_event(t, TOP, &fault), 0);
	const struct done *e = nodes_replied(t, TOP, GT__REPLY__BODY_ERROR);
	assert_non_null(e);
	assert_int_equal(e->a.token, 77);
	return e->reply->error;
}

/* The only copy there is must not be given up because it was not looked at. */
static void a_fault_for_want_of_memory(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	const Gt__Error *e = faulted(t, &p.object, peer, -GT_ENOMEM);
	assert_int_equal(e->code, GT_EBUSY);
	assert_true(e->retry_ms > 0);
	assert_holds(t, TOP, &p);
	pack_clear(&p);
}

/* A child's request whose file went away is answered, not forgotten. */
static void a_fault_of_what_is_gone(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	const Gt__Error *e = faulted(t, &p.object, peer, -GT_EIO);
	assert_int_equal(e->code, GT_EUNAVAILABLE);
	pack_clear(&p);
}

static uint32_t ask_frame(struct nodes *t, uint32_t peer,
                          const struct gt_id *id, uint32_t frame)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__GetFrame g = GT__GET_FRAME__INIT;
	g.object = (ProtobufCBinaryData){32, gt_arena_copy(t->arena, id, 32)};
	g.frame = frame;
	r.body_case = GT__REQUEST__BODY_FRAME;
	r.frame = &g;
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, peer, 50, &r);
	const struct done *e = nodes_replied(t, TOP, GT__REPLY__BODY_ERROR);
	return e ? e->reply->error->code : 0;
}

static void who_may_have_it(void **state)
{
	static const char *const rules[] = {"course", "metadata", NULL};
	static const struct gt_id zero;
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	/* never judged: nothing may be had; nor does a made-up id exist */
	assert_int_equal(ask_frame(t, peer, &p.object, 0), GT_EDENIED);
	assert_int_equal(ask_frame(t, peer, &zero, 0), GT_EDENIED);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM object"), 1);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_SERVE), 0);
	nodes_wire(t, MID, TOP, true); /* takes the script's place */
	nodes_pass(t, 1000);
	peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	assert_int_equal(ask_frame(t, peer, &p.object, 0), 0);
	assert_int_equal(ask_frame(t, peer, &p.object, 999), GT_EINVALID);
	assert_int_equal(nodes_layer(t, TOP, rules), 0);
	/* somebody else was 3301 in between: it begins anew, and comes again */
	struct gt_event down = {.type = GT_EV_PEER_DOWN, .peer = peer};
	assert_int_equal(nodes_event(t, TOP, &down), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 1000);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 1000);
	peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	assert_int_equal(ask_frame(t, peer, &p.object, 0), GT_EDENIED);
	assert_null(nodes_file(t, MID, &p.object));
	pack_clear(&p);
}

static bool lose_late_frames(struct nodes *t, struct message *m)
{
	return m->to != MID || m->npayload < 20000 || ++t->hooked <= 12;
}

static void a_restart_keeps_what_is_durable(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 6000000);
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->hook = lose_late_frames;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	assert_int_equal(nodes_count(t, MID, GT_ACT_CHECK), 0);
	t->hook = NULL;
	nodes_cut(t, wire);
	nodes_pass(t, 600);
	int64_t present = nodes_int(t, MID, "SELECT present FROM object");
	struct gt_manifest *m = pack_manifest(&p);
	assert_true(present >= 12 && present < m->nframes);
	nodes_restart(t, MID);
	nodes_clear(t, MID);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_FRAME),
	                 m->nframes - present);
	gt_manifest_free(m);
	pack_clear(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(three_levels),
	        T(relayed_before_it_is_durable),
	        T(a_thin_link_is_asked_for_little),
	        T(a_fast_link_is_asked_for_much),
	        T(an_update_copies_what_it_has),
	        T(a_copy_that_fails),
	        T(nothing_is_left_behind),
	        T(removed_when_no_job_is_under_way),
	        T(removed_when_it_is_checked),
	        T(synced_when_it_is_due),
	        T(as_many_at_once),
	        T(by_priority),
	        T(on_demand),
	        T(a_damaged_frame),
	        T(the_parents_copy_rots),
	        T(a_full_disk_pauses_bulk_only),
	        T(a_full_disk_is_no_flood),
	        T(a_disk_that_is_full_late),
	        T(placed_beside_a_failed_sync),
	        T(a_name_that_is_not_durable_ends_it),
	        T(a_child_meets_a_file_that_is_gone),
	        T(what_was_published_here_is_gone),
	        T(a_file_that_goes_while_it_comes),
	        T(a_file_of_what_was_published_here),
	        T(a_fault_for_want_of_memory),
	        T(a_fault_of_what_is_gone),
	        T(who_may_have_it),
	        cmocka_unit_test_setup_teardown(a_file_that_is_gone,
	                                        nodes_two_on_disk, nodes_gone),
	        cmocka_unit_test_setup_teardown(a_restart_keeps_what_is_durable,
	                                        nodes_two_on_disk, nodes_gone),
	};
	return cmocka_run_group_tests_name("node_object", tests, NULL, NULL);
}
