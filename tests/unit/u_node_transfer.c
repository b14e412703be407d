/* u_node_transfer.c: how a transfer is written down at both ends, through cut
 * links, restarts and neighbours of an older version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "content_inside.h"
#include "limit.h"
#include "nodes.h"
#include "unit/node_kit.h"

/* Starts the node again, as another version perhaps. */
static void restart(struct nodes *t, unsigned i, uint32_t protocol)
{
	t->v[i].protocol = protocol;
	nodes_restart(t, i);
}

static int64_t count(struct nodes *t, unsigned i, const char *event)
{
	return nodes_int(t, i, "SELECT count(*) FROM audit WHERE event='%s'",
	                 event);
}

static int64_t kept(struct nodes *t)
{
	return nodes_int(t, MID, "SELECT count(*) FROM handover");
}

/* One row at each end, of the same transfer, object and bytes. */
static void assert_agree(struct nodes *t)
{
	char name[40], subject[70];
	gt_copy(name, sizeof name,
	        nodes_text(t, MID,
	                   "SELECT transfer FROM audit WHERE event='fetch'"));
	gt_copy(subject, sizeof subject,
	        nodes_text(t, MID,
	                   "SELECT subject FROM audit WHERE event='fetch'"));
	assert_int_equal(strlen(name), 32);
	assert_int_equal(count(t, MID, "fetch"), 1);
	assert_int_equal(count(t, TOP, "serve"), 1);
	assert_int_equal(
	        nodes_int(t, TOP,
	                  "SELECT bytes FROM audit WHERE event='serve' AND "
	                  "transfer='%s' AND subject='%s' AND peer='3301'",
	                  name, subject),
	        nodes_int(t, MID,
	                  "SELECT bytes FROM audit WHERE event='fetch'"));
	assert_int_equal(kept(t), 0);
	assert_int_equal(t->v[MID].node->content->handovers.rows, 0);
	assert_int_equal(t->v[MID].node->content->handovers.asked, 0);
}

static Gt__Request__BodyCase asks(const struct message *m)
{
	if (m->reply)
		return GT__REQUEST__BODY__NOT_SET;
	Gt__Request *r = gt__request__unpack(NULL, m->nhead, m->head);
	assert_non_null(r);
	Gt__Request__BodyCase what = r->body_case;
	gt__request__free_unpacked(r, NULL);
	return what;
}

static bool says_ok(const struct message *m)
{
	if (!m->reply)
		return false;
	Gt__Reply *r = gt__reply__unpack(NULL, m->nhead, m->head);
	assert_non_null(r);
	bool yes = r->body_case == GT__REPLY__BODY_OK;
	gt__reply__free_unpacked(r, NULL);
	return yes;
}

static bool lose_done(struct nodes *t, struct message *m)
{
	bool it = asks(m) == GT__REQUEST__BODY_DONE;
	t->hooked += it;
	return !it;
}

static bool lose_ok(struct nodes *t, struct message *m)
{
	bool it = says_ok(m);
	t->hooked += it;
	return !it;
}

/* An object comes from TOP to MID; the hook sees to what gets lost. */
static unsigned fetch(struct nodes *t, struct pack *p, size_t n,
                      bool (*hook)(struct nodes *t, struct message *m))
{
	package(p, 1, n);
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->hook = hook;
	assert_int_equal(publish(t, TOP, "a", p), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, p);
	t->hook = NULL;
	return wire;
}

static void link_again(struct nodes *t)
{
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 1000);
}

/* -------------------------------------------------------- version 2 */

static void told_and_forgotten(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	char detail[100];
	fetch(t, &p, 300000, NULL);
	struct gt_manifest *m = pack_manifest(&p);
	assert_agree(t);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_DONE), 1);
	gt_format(detail, sizeof detail,
	          "protocol=6 resource=33/a frames=%u copied=0 bytes",
	          m->nframes);
	assert_string_equal(
	        nodes_text(t, MID,
	                   "SELECT detail FROM audit WHERE event='fetch'"),
	        detail);
	gt_manifest_free(m);
	pack_clear(&p);
}

static void a_lost_done_is_repeated(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	unsigned wire = fetch(t, &p, 300000, lose_done);
	assert_int_equal(t->hooked, 1);
	assert_int_equal(count(t, TOP, "serve"), 0);
	assert_int_equal(kept(t), 1);
	nodes_cut(t, wire);
	link_again(t);
	assert_agree(t);
	/* what the link took with it, the count did not go with */
	assert_non_null(strstr(
	        nodes_text(t, TOP,
	                   "SELECT detail FROM audit WHERE event='serve'"),
	        "protocol=6 frames="));
	assert_int_equal(
	        nodes_int(t, TOP,
	                  "SELECT detail LIKE '%%; sent '||bytes||' bytes in "
	                  "%%' FROM audit WHERE event='serve'"),
	        1);
	pack_clear(&p);
}

static void a_lost_answer_writes_no_second_row(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	unsigned wire = fetch(t, &p, 300000, lose_ok);
	assert_int_equal(t->hooked, 1);
	assert_int_equal(count(t, TOP, "serve"), 1);
	assert_int_equal(kept(t), 1);
	nodes_cut(t, wire);
	link_again(t);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_DONE), 2);
	assert_agree(t);
	pack_clear(&p);
}

static void both_ends_restart(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	fetch(t, &p, 300000, lose_done);
	restart(t, MID, 0);
	restart(t, TOP, 0);
	link_again(t);
	assert_agree(t);
	/* the count is gone, and says so */
	assert_int_equal(
	        nodes_int(t, TOP,
	                  "SELECT detail LIKE '%%; sent 0 bytes in 0 frames' "
	                  "FROM audit WHERE event='serve'"),
	        1);
	pack_clear(&p);
}

static bool lose_late_frames(struct nodes *t, struct message *m)
{
	return m->to != MID || m->npayload < 20000 || ++t->hooked <= 3;
}

/* What was received before a restart is in the figure after it. */
static void a_restart_in_the_middle(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 2000000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->hook = lose_late_frames;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 3000);
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_PARTIAL);
	t->hook = NULL;
	restart(t, MID, 0);
	link_again(t);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	assert_agree(t);
	struct gt_manifest *m = pack_manifest(&p);
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT bytes FROM audit WHERE event='fetch'"),
	        p.manifest_n + m->stored_at[m->nframes]);
	gt_manifest_free(m);
	pack_clear(&p);
}

/* A backup of the middle of a transfer: its name may have been used up
 * since. */
static void a_backup_uses_no_name_again(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	char name[64];
	package(&p, 1, 2000000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->hook = lose_late_frames;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 3000);
	t->hook = NULL;
	gt_copy(name, sizeof name,
	        nodes_text(t, MID, "SELECT hex(transfer) FROM object"));
	restart(t, MID, 0);
	assert_string_equal(
	        nodes_text(t, MID, "SELECT hex(transfer) FROM object"), name);
	t->v[MID].restored = true;
	restart(t, MID, 0);
	link_again(t);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	assert_agree(t);
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT count(*) FROM audit WHERE transfer=lower("
	                  "'%s')",
	                  name),
	        0);
	pack_clear(&p);
}

static void finished_without_a_link(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->v[MID].held = true; /* the disk takes its time */
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_run(t);
	nodes_cut(t, wire);
	t->v[MID].held = false;
	nodes_pass(t, 3000);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	assert_agree(t);
	pack_clear(&p);
}

/* What rots after it was whole is another transfer. */
static void fetched_again_is_another(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	fetch(t, &p, 300000, NULL);
	struct gt_event fault = {.type = GT_EV_FAULT,
	                         .object = p.object,
	                         .status = -GT_EDAMAGED};
	assert_int_equal(nodes_event(t, MID, &fault), 0);
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_PARTIAL);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(DISTINCT transfer) FROM audit "
	                           "WHERE event='fetch'"),
	                 2);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(DISTINCT transfer) FROM audit "
	                           "WHERE event='serve'"),
	                 2);
	assert_int_equal(kept(t), 0);
	pack_clear(&p);
}

/* -------------------------------------------------------- version 1 */

static void older_parent(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	restart(t, TOP, 1);
	unsigned wire = fetch(t, &p, 300000, lose_ok);
	/* said once, as ever */
	assert_int_equal(count(t, TOP, "serve"), 1);
	assert_int_equal(kept(t), 0);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT detail LIKE 'protocol=1 %%' FROM "
	                           "audit WHERE event='fetch'"),
	                 1);
	nodes_cut(t, wire);
	link_again(t);
	assert_agree(t);
	pack_clear(&p);
}

static void older_child(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	restart(t, MID, 1);
	unsigned wire = fetch(t, &p, 300000, lose_done);
	nodes_cut(t, wire);
	link_again(t);
	/* lost with the link, as ever */
	assert_int_equal(count(t, MID, "fetch"), 1);
	assert_int_equal(count(t, TOP, "serve"), 0);
	pack_clear(&p);
}

/* The parent goes back to version 1 and comes again: it is told nothing
 * twice. */
static void back_and_forth(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	fetch(t, &p, 300000, lose_ok);
	restart(t, TOP, 1);
	link_again(t);
	assert_int_equal(kept(t), 1);
	assert_int_equal(count(t, TOP, "serve"), 1);
	restart(t, TOP, 2);
	link_again(t);
	assert_agree(t);
	/* so does the child, with something to say */
	restart(t, MID, 1);
	link_again(t);
	restart(t, MID, 2);
	link_again(t);
	assert_agree(t);
	pack_clear(&p);
}

/* ----------------------------------------------------------- limits */

static Gt__Done done(struct gt_transfer_id *transfer, struct gt_id *object)
{
	Gt__Done d = GT__DONE__INIT;
	d.transfer = (ProtobufCBinaryData){sizeof transfer->b, transfer->b};
	d.object = (ProtobufCBinaryData){sizeof object->b, object->b};
	d.bytes = 12;
	return d;
}

static void say_done(struct nodes *t, uint32_t peer, Gt__Done *d)
{
	Gt__Request r = GT__REQUEST__INIT;
	r.body_case = GT__REQUEST__BODY_DONE;
	r.done = d;
	nodes_ask(t, TOP, peer, 9, &r);
}

static void strange_dones(void **state)
{
	struct nodes *t = *state;
	struct gt_transfer_id transfer = {{7}};
	struct gt_id object = {{8}};
	/* one it never sent anything of, in other words the second time */
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	Gt__Done d = done(&transfer, &object);
	say_done(t, peer, &d);
	d.bytes = 13;
	say_done(t, peer, &d);
	assert_non_null(nodes_replied(t, TOP, GT__REPLY__BODY_OK));
	assert_int_equal(count(t, TOP, "serve"), 1);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT bytes FROM audit WHERE "
	                           "event='serve'"),
	                 12);
	/* bytes there can be, and ids of their length */
	transfer.b[0]++;
	d.bytes = INT64_MAX;
	say_done(t, peer, &d);
	assert_int_equal(count(t, TOP, "serve"), 2);
	const struct {
		uint64_t bytes;
		size_t transfer, object;
	} bad[] = {{(uint64_t)INT64_MAX + 1, 16, 32}, {1, 15, 32}, {1, 16, 31}};
	for (size_t i = 0; i < 3; i++) {
		transfer.b[0]++;
		d.bytes = bad[i].bytes;
		d.transfer.len = bad[i].transfer;
		d.object.len = bad[i].object;
		nodes_clear(t, TOP);
		say_done(t, peer, &d);
		assert_true(nodes_dropped(t, TOP, "malformed Done"));
		assert_int_equal(count(t, TOP, "serve"), 2);
		peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	}
}

/* MID is started with so many transfers to tell of. */
static void burden(struct nodes *t, int many)
{
	char sql[300];
	gt_format(sql, sizeof sql,
	          "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c"
	          " WHERE i<%d) INSERT INTO handover SELECT i,'33',"
	          "CAST(printf('%%016d',i) AS BLOB),zeroblob(32),i,1 FROM c",
	          many);
	assert_int_equal(sqlite3_exec(t->v[MID].db, sql, NULL, NULL, NULL), 0);
	restart(t, MID, 0);
}

static void many_are_told_in_turn(void **state)
{
	struct nodes *t = *state;
	burden(t, 40);
	t->hook = lose_done;
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(t->hooked, 16); /* outstanding, and no more */
	nodes_cut(t, wire);
	t->hook = NULL;
	nodes_clear(t, MID);
	link_again(t);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_DONE), 40);
	assert_int_equal(count(t, TOP, "serve"), 40);
	assert_int_equal(kept(t), 0);
	/* what was meant for another parent is not told to this one */
	burden(t, 3);
	sqlite3_exec(t->v[MID].db, "UPDATE handover SET parent='34'", NULL,
	             NULL, NULL);
	link_again(t);
	assert_int_equal(count(t, TOP, "serve"), 40);
}

/* A parent that cannot take it now is told on the next link. */
static void refused_and_told_again(void **state)
{
	static const uint8_t epoch[16] = {9};
	struct nodes *t = *state;
	burden(t, 1);
	for (unsigned k = 0; k < 2; k++) {
		nodes_clear(t, MID);
		uint32_t peer =
		        nodes_parent(t, MID, &t->v[TOP].key, epoch, NULL);
		const struct done *d =
		        nodes_asked(t, MID, GT__REQUEST__BODY_DONE);
		assert_non_null(d);
		Gt__Reply r = GT__REPLY__INIT;
		Gt__Error e;
		gt__error__init(&e);
		e.code = GT_EBUSY;
		r.body_case = GT__REPLY__BODY_ERROR;
		r.error = &e;
		nodes_answer(t, MID, peer, d->a.token, &r,
		             (struct gt_bytes){0});
		assert_int_equal(t->v[MID].node->content->handovers.asked, 0);
		assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), k);
		assert_int_equal(
		        nodes_asked_count(t, MID, GT__REQUEST__BODY_DONE), 1);
		assert_int_equal(kept(t), 1);
	}
}

/* One that says when it can be is told then, on this link: it may last for
 * months. */
static void put_off_and_told_again(void **state)
{
	struct nodes *t = *state;
	struct gt_event full = {.type = GT_EV_ROOM};
	struct gt_event plenty = {.type = GT_EV_ROOM, .count = SIZE_MAX};
	burden(t, 20);
	assert_int_equal(nodes_event(t, TOP, &full), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	for (unsigned i = 0; i < 20; i++)
		nodes_pass(t, 500);
	/* not all the time */
	assert_in_range(nodes_asked_count(t, MID, GT__REQUEST__BODY_DONE), 17,
	                200);
	assert_int_equal(count(t, TOP, "serve"), 0);
	assert_int_equal(kept(t), 20);
	assert_int_equal(nodes_event(t, TOP, &plenty), 0);
	for (unsigned i = 0; i < 10; i++)
		nodes_pass(t, 500);
	assert_int_equal(count(t, TOP, "serve"), 20);
	assert_int_equal(kept(t), 0);
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	assert_int_equal(t->v[MID].node->content->handovers.asked, 0);
}

static void the_oldest_is_given_up(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	burden(t, GT_HANDOVERS_MAX);
	t->hook = lose_done;
	fetch(t, &p, 1000, lose_done);
	/* the first sixteen are outstanding, one of them is forgotten */
	assert_int_equal(kept(t), GT_HANDOVERS_MAX);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT bytes FROM audit WHERE event='note'"
	                           " AND result='LIMIT'"),
	                 1);
	assert_int_equal(nodes_int(t, MID, "SELECT min(hid) FROM handover"), 2);
	pack_clear(&p);
}

/* A database of the program before is taken as it is, and added to. */
static void an_older_database(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	fetch(t, &p, 300000, NULL);
	sqlite3_exec(t->v[MID].db,
	             "DROP TABLE handover; DROP INDEX audit_serve;"
	             "ALTER TABLE object DROP COLUMN received",
	             NULL, NULL, NULL);
	restart(t, MID, 0);
	assert_holds(t, MID, &p);
	assert_int_equal(kept(t), 0);
	assert_int_equal(nodes_int(t, MID, "SELECT sum(received) FROM object"),
	                 0);
	assert_int_equal(nodes_int(t, MID, "PRAGMA user_version"),
	                 GT_SCHEMA_VERSION);
	link_again(t);
	assert_agree(t);
	pack_clear(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two_on_disk, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(told_and_forgotten),
	        T(a_lost_done_is_repeated),
	        T(a_lost_answer_writes_no_second_row),
	        T(both_ends_restart),
	        T(a_restart_in_the_middle),
	        T(a_backup_uses_no_name_again),
	        T(finished_without_a_link),
	        T(fetched_again_is_another),
	        T(older_parent),
	        T(older_child),
	        T(back_and_forth),
	        T(strange_dones),
	        T(many_are_told_in_turn),
	        T(refused_and_told_again),
	        T(put_off_and_told_again),
	        T(the_oldest_is_given_up),
	        T(an_older_database),
	};
	return cmocka_run_group_tests_name("node_transfer", tests, NULL, NULL);
}
