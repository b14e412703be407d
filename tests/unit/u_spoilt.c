/* u_spoilt.c: records that rot in the database, or are gone: given to nobody,
 * and back from the neighbour that has them, each exactly once. */
/* memmem */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "protocol.h"

enum { TOP, MID, LOW };

static void sql(struct nodes *t, unsigned i, const char *text)
{
	assert_int_equal(sqlite3_exec(t->v[i].db, text, NULL, NULL, NULL),
	                 SQLITE_OK);
}

static const char spoil_two[] =
        "UPDATE record SET body=replace(CAST(body AS TEXT),'a@b','q@b')"
        " WHERE seq=2";

static const char *records(struct nodes *t, unsigned i)
{
	return nodes_text(t, i,
	                  "SELECT group_concat(hex(substr(id,1,4))||':'||"
	                  "hex(form)||hex(body)||authority||flags) FROM "
	                  "(SELECT * FROM record ORDER BY id)");
}

static void same_records(struct nodes *t, unsigned a, unsigned b)
{
	char *one = strdup(records(t, a));
	assert_non_null(one);
	assert_true(*one);
	assert_string_equal(one, records(t, b));
	free(one);
}

static void nothing_spoilt(struct nodes *t, unsigned i)
{
	assert_int_equal(nodes_int(t, i, "SELECT count(*) FROM spoilt"), 0);
	assert_int_equal(nodes_int(t, i, "SELECT count(*) FROM quarantine"), 0);
	assert_int_equal(nodes_status(t, i)->records_spoilt, 0);
}

static int64_t rows(struct nodes *t, unsigned i, const char *event)
{
	return nodes_int(t, i, "SELECT count(*) FROM audit WHERE event='%s'",
	                 event);
}

/* What was handed up the parent has: it takes its old place. */
static void back_from_above(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	nodes_minute(t, MID);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 3);
	sql(t, MID, spoil_two);
	nodes_restart(t, MID);
	nodes_minute(t, MID);
	same_records(t, MID, TOP);
	nothing_spoilt(t, MID);
	assert_int_equal(rows(t, MID, "damage"), 1);
	assert_int_equal(rows(t, MID, "repair"), 1);
	assert_int_equal(nodes_int(t, MID, "SELECT max(seq) FROM record"), 3);
	assert_int_equal(nodes_status(t, MID)->records_back, 1);
	assert_int_equal(nodes_status(t, MID)->records_asked_back, 1);
	/* nothing was sent again */
	assert_int_equal(nodes_int(t, TOP, "SELECT max(seq) FROM record"), 3);
	assert_int_equal(nodes_status(t, MID)->records_waiting, 0);
}

/* A running node comes by it within a day. */
static void found_within_a_day(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	nodes_minute(t, MID);
	sql(t, MID, spoil_two);
	nodes_minute(t, MID);
	assert_int_equal(rows(t, MID, "damage"), 0);
	nodes_cut(t, 0);
	nodes_pass(t, 24 * 3600 * 1000);
	nodes_minute(t, MID);
	assert_int_equal(rows(t, MID, "damage"), 1);
	same_records(t, MID, TOP);
	nothing_spoilt(t, MID);
}

/* What a child handed up, and rotted before it went on: the mark has passed
 * over it, so it comes anew, and counts as at the root only then. */
static void back_from_below(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM record"), 3);
	sql(t, MID, spoil_two);
	nodes_cut(t, 0);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	/* it was passed over */
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 2);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT value FROM meta WHERE key='hop'"), 3);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 1);
	assert_int_equal(nodes_int(t, MID, "SELECT rooted FROM child"), 0);
	nodes_minute(t, LOW);
	same_records(t, TOP, LOW);
	same_records(t, MID, LOW);
	nothing_spoilt(t, MID);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 3);
	assert_int_equal(nodes_int(t, MID, "SELECT rooted FROM child"), 3);
	assert_int_equal(nodes_status(t, LOW)->records_unrooted, 0);
}

/* Rotten before it was ever handed up: no parent can have it, and the child is
 * asked while there is none. */
static void back_from_below_with_nobody_above(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM record"), 3);
	sql(t, MID, spoil_two);
	nodes_restart(t, MID);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
	same_records(t, MID, LOW);
	nothing_spoilt(t, MID);
	nodes_minute(t, LOW);
	same_records(t, TOP, LOW);
	assert_int_equal(nodes_status(t, LOW)->records_unrooted, 0);
}

/* The parent says that it has not got it while the child is linked already: the
 * child is asked then, not when it links anew. */
static void below_is_asked_once_above_has_not(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	nodes_minute(t, LOW);
	sql(t, MID, spoil_two);
	nodes_restart(t, MID);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
	/* it was handed up: the parent is asked first */
	assert_int_equal(nodes_int(t, MID, "SELECT state FROM spoilt"), 0);
	sql(t, TOP, spoil_two);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	same_records(t, MID, LOW);
	nothing_spoilt(t, MID);
	nodes_minute(t, LOW);
	same_records(t, TOP, LOW);
	nothing_spoilt(t, TOP);
}

static void back_to_the_root(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	nodes_minute(t, LOW);
	sql(t, TOP, spoil_two);
	nodes_restart(t, TOP);
	nodes_minute(t, LOW);
	same_records(t, TOP, LOW);
	nothing_spoilt(t, TOP);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 3);
}

/* Its row is gone, as when a page of the table could not be read: its names are
 * left. */
static void a_lost_one_comes_back(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, MID, 1, 12, 0), 0);
	nodes_minute(t, MID);
	sql(t, MID,
	    "INSERT INTO spoilt SELECT seq,stream,origin_seq,id,x'',0,0 FROM "
	    "record WHERE seq BETWEEN 2 AND 12; DELETE FROM record WHERE seq "
	    "BETWEEN 2 AND 12;"
	    "INSERT INTO meta VALUES('replaced',11)");
	nodes_restart(t, MID);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 11);
	nodes_minute(t, MID);
	same_records(t, MID, TOP);
	nothing_spoilt(t, MID);
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT value FROM meta WHERE key='replaced'"),
	        0);
	assert_int_equal(nodes_int(t, MID, "SELECT max(seq) FROM record"), 12);
	assert_int_equal(nodes_statements(t, MID, 13, 1, 0), 0);
	nodes_minute(t, MID);
	same_records(t, MID, TOP);
}

/* Nobody has it: it stays where it is, is not asked for for ever, and who hands
 * it in again brings it back, and it goes up. */
static void handed_in_again(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	sql(t, MID, spoil_two);
	nodes_minute(t, MID);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 2);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 1);
	assert_int_equal(nodes_status(t, MID)->records_asked_back, 1);
	nodes_minute(t, MID);
	assert_int_equal(nodes_status(t, MID)->records_asked_back, 1);
	assert_int_equal(nodes_statements(t, MID, 2, 1, 0), 0);
	nodes_minute(t, MID);
	same_records(t, MID, TOP);
	nothing_spoilt(t, MID);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 3);
}

/* It was wrong for a while, memory say, and was passed over: it is sent. */
static void whole_by_itself(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	sql(t, MID, spoil_two);
	nodes_minute(t, MID);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 2);
	sql(t, MID,
	    "UPDATE record SET body=CAST(replace(CAST(body AS TEXT),'q@b',"
	    "'a@b') AS BLOB) WHERE seq=2");
	nodes_restart(t, MID);
	nodes_minute(t, MID);
	same_records(t, MID, TOP);
	nothing_spoilt(t, MID);
}

/* Who has looked at it may give it up: nobody is asked, nothing waits. */
static void given_up(void **state)
{
	struct nodes *t = *state;
	struct gt_event e = {.type = GT_EV_QUARANTINE_DROP,
	                     .number = 1,
	                     .actor = "user:test"};
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	sql(t, MID, spoil_two);
	nodes_minute(t, MID);
	assert_int_equal(nodes_event(t, MID, &e), 0);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 0);
	nodes_restart(t, MID);
	nodes_minute(t, MID);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 0);
	assert_int_equal(rows(t, MID, "damage"), 1);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM quarantine"),
	                 0);
}

/* Between programs that do not know how to ask nothing is said of it, and the
 * rest goes on. */
static void older_neighbours(void **state)
{
	struct nodes *t = *state;
	t->v[MID].protocol = 2;
	nodes_restart(t, MID);
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	nodes_minute(t, LOW);
	sql(t, LOW, spoil_two);
	sql(t, TOP, spoil_two);
	nodes_restart(t, TOP);
	nodes_restart(t, LOW);
	assert_int_equal(nodes_statements(t, LOW, 4, 3, 0), 0);
	nodes_minute(t, LOW);
	assert_int_equal(nodes_status(t, LOW)->records_asked_back, 0);
	assert_int_equal(nodes_status(t, TOP)->records_asked_back, 0);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 6);
	/* ... until they do */
	t->v[MID].protocol = GT_PROTOCOL_MAX;
	nodes_restart(t, MID);
	nodes_minute(t, LOW);
	same_records(t, LOW, MID);
	same_records(t, TOP, MID);
}

/* A bit of a row's id flips in the table alone: what the index knows otherwise
 * may not be touched. */
static void the_index_disagrees(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	nodes_minute(t, MID);
	char path[80];
	uint8_t key[8 + GT_UUID_BYTES];
	gt_copy(path, sizeof path, nodes_path(t, MID));
	struct gt_statement s = nodes_statement(t, 2, 0);
	memcpy(key, s.id, GT_UUID_BYTES);
	memcpy(key + GT_UUID_BYTES, s.form.b, 8);
	nodes_stop(t, MID);
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	static uint8_t all[1 << 20];
	size_t n = fread(all, 1, sizeof all, f);
	uint8_t *at = memmem(all, n, key, sizeof key);
	assert_non_null(at);
	assert_int_equal(fseek(f, at - all, SEEK_SET), 0);
	assert_int_equal(fputc(*at ^ 1, f), *at ^ 1);
	assert_int_equal(fclose(f), 0);
	nodes_restart(t, MID);
	nodes_minute(t, MID);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 1);
	assert_int_equal(nodes_statements(t, MID, 2, 1, 0), 0);
	assert_int_equal(nodes_statements(t, MID, 4, 1, 0), 0);
	nodes_minute(t, MID);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 4);
}

/* Nobody takes what he did not ask for. */
static void unasked(void **state)
{
	struct nodes *t = *state;
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	Gt__Record r = GT__RECORD__INIT, *v = &r;
	uint8_t epoch[GT_EPOCH_BYTES] = {7};
	struct gt_statement s = nodes_statement(t, 1, 0);
	r.seq = r.origin_seq = 1;
	r.origin = t->v[LOW].code;
	r.origin_epoch = (ProtobufCBinaryData){sizeof epoch, epoch};
	r.id = (ProtobufCBinaryData){GT_UUID_BYTES, s.id};
	r.form = (ProtobufCBinaryData){GT_ID_BYTES, s.form.b};
	r.body = (ProtobufCBinaryData){
	        s.body.n, gt_arena_copy(t->arena, s.body.p, s.body.n)};
	m.again = &v;
	m.n_again = 1;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	nodes_ask(t, MID, peer, 1, &q);
	assert_non_null(nodes_replied(t, MID, GT__REPLY__BODY_RECORDS));
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM record"), 0);
	Gt__Record *many[GT_WANTED_ROWS + 1];
	for (size_t i = 0; i <= GT_WANTED_ROWS; i++)
		many[i] = v;
	m.again = many;
	m.n_again = GT_WANTED_ROWS + 1;
	nodes_ask(t, MID, peer, 2, &q);
	assert_true(nodes_dropped(t, MID, "a batch of records over the limit"));
}

/* What comes back while the disk has no room is not taken: it is asked for
 * again when there is. */
static void asked_for_again_when_there_is_room(void **state)
{
	struct nodes *t = *state;
	struct gt_event full = {.type = GT_EV_ROOM};
	struct gt_event plenty = {.type = GT_EV_ROOM, .count = SIZE_MAX};
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	nodes_minute(t, MID);
	sql(t, MID, spoil_two);
	nodes_restart(t, MID);
	assert_int_equal(nodes_event(t, MID, &full), 0);
	nodes_minute(t, MID);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 1);
	assert_int_equal(nodes_event(t, MID, &plenty), 0);
	nodes_minute(t, MID);
	same_records(t, MID, TOP);
	nothing_spoilt(t, MID);
}

/* It was damaged there as well; an hour later it is whole. */
static void asked_for_again_of_whom_had_it_not(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	nodes_minute(t, MID);
	sql(t, MID, spoil_two);
	sql(t, TOP, spoil_two);
	nodes_restart(t, MID);
	nodes_minute(t, MID);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 1);
	assert_int_equal(nodes_int(t, MID, "SELECT state FROM spoilt"), 1);
	sql(t, TOP,
	    "UPDATE record SET body=replace(CAST(body AS TEXT),'q@b','a@b')"
	    " WHERE seq=2");
	nodes_pass(t, 3600 * 1000 + 1000);
	nodes_run(t);
	same_records(t, MID, TOP);
	nothing_spoilt(t, MID);
}

/* In a new epoch nothing was handed up by its count, but the root has it: the
 * parent is asked all the same. */
static void asked_above_for_what_is_at_the_root(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	nodes_minute(t, LOW);
	sql(t, MID, spoil_two);
	sql(t, MID, "UPDATE meta SET value=0 WHERE key='sent'");
	nodes_restart(t, MID);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT value FROM meta"
	                           " WHERE key='root'"),
	                 3);
	nodes_minute(t, MID);
	same_records(t, MID, TOP);
	nothing_spoilt(t, MID);
}

/* Back at its old number it is of its old time, though the clock was set back
 * behind it. */
static void back_at_its_old_time(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, MID, 1, 2, 0), 0);
	nodes_minute(t, MID);
	t->now.wall_ms -= 10 * 365 * 86400000LL;
	assert_int_equal(nodes_statements(t, MID, 3, 1, 0), 0);
	nodes_minute(t, MID);
	int64_t was =
	        nodes_int(t, MID, "SELECT stored_ms FROM record WHERE seq=2");
	assert_true(
	        nodes_int(t, MID, "SELECT stored_ms FROM record WHERE seq=3") <
	        was);
	sql(t, MID, spoil_two);
	nodes_restart(t, MID);
	nodes_minute(t, MID);
	same_records(t, MID, TOP);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT stored_ms FROM record"
	                           " WHERE seq=2"),
	                 was);
}

/* LOW handed it up, MID has altered the id, and meanwhile somebody hands in
 * something else under it. */
static void whose_id_is_taken(struct nodes *t, bool named)
{
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	if (named)
		sql(t, LOW, "UPDATE record SET flags=flags|2");
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	sql(t, MID,
	    "UPDATE record SET id=CAST('0123456789abcdef' AS BLOB) "
	    "WHERE seq=2");
	nodes_restart(t, MID);
	assert_int_equal(nodes_statements(t, MID, 2, 1, 1), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 0);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM record"), 3);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM quarantine"),
	                 1);
}

/* The same, but that its id is all that is left. */
static void another_took_its_place(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	sql(t, MID, spoil_two);
	nodes_restart(t, MID);
	nodes_pass(t, 2000);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 1);
	assert_int_equal(nodes_statements(t, MID, 2, 1, 1), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 0);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM record"), 3);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM quarantine q "
	                           "JOIN record r ON r.id=q.id WHERE "
	                           "r.form<>q.form AND q.via='330106'"),
	                 1);
}

/* And the parent has what took its place, when it is asked. */
static void another_took_its_place_above(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	nodes_minute(t, LOW);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 3);
	sql(t, TOP, "DELETE FROM record WHERE seq=2");
	sql(t, MID, spoil_two);
	nodes_restart(t, MID);
	nodes_pass(t, 2000);
	assert_int_equal(nodes_statements(t, MID, 2, 1, 1), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 0);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM quarantine q "
	                           "JOIN record r ON r.id=q.id WHERE "
	                           "r.form<>q.form AND q.via='330106'"),
	                 1);
}

/* Its form is what was altered: by its words it is what is handed in. */
static void its_form_was_altered(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	sql(t, MID, "UPDATE record SET form=zeroblob(32) WHERE seq=2");
	nodes_restart(t, MID);
	nodes_pass(t, 2000);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 1);
	assert_int_equal(nodes_statements(t, MID, 2, 1, 0), 0);
	nothing_spoilt(t, MID);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM record"), 3);
}

/* Both were acknowledged: what comes back is set aside as on any day. */
static void its_id_was_taken(void **state)
{
	struct nodes *t = *state;
	whose_id_is_taken(t, false);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM quarantine q "
	                           "JOIN record r ON r.id=q.id WHERE "
	                           "r.form<>q.form AND q.via='330106'"),
	                 1);
	nodes_minute(t, LOW);
	same_records(t, TOP, MID);
	assert_int_equal(nodes_status(t, LOW)->records_unrooted, 0);
}

/* Nobody known has its id: he gives way, as on any day. */
static void its_id_is_taken_back(void **state)
{
	struct nodes *t = *state;
	whose_id_is_taken(t, true);
	same_records(t, MID, LOW);
	nodes_minute(t, LOW);
	same_records(t, TOP, LOW);
	assert_int_equal(nodes_status(t, LOW)->records_unrooted, 0);
}

int main(void)
{
#define T(f, up) cmocka_unit_test_setup_teardown(f, up, nodes_gone)
	const struct CMUnitTest tests[] = {
	        T(back_from_above, nodes_two_on_disk),
	        T(found_within_a_day, nodes_two),
	        T(back_from_below, nodes_three),
	        T(back_from_below_with_nobody_above, nodes_three_on_disk),
	        T(below_is_asked_once_above_has_not, nodes_three_on_disk),
	        T(back_to_the_root, nodes_three_on_disk),
	        T(a_lost_one_comes_back, nodes_two_on_disk),
	        T(handed_in_again, nodes_two),
	        T(whole_by_itself, nodes_two_on_disk),
	        T(given_up, nodes_two_on_disk),
	        T(older_neighbours, nodes_three_on_disk),
	        T(the_index_disagrees, nodes_two_on_disk),
	        T(unasked, nodes_three),
	        T(asked_for_again_when_there_is_room, nodes_two_on_disk),
	        T(asked_for_again_of_whom_had_it_not, nodes_two_on_disk),
	        T(asked_above_for_what_is_at_the_root, nodes_three_on_disk),
	        T(back_at_its_old_time, nodes_two_on_disk),
	        T(another_took_its_place, nodes_three_on_disk),
	        T(another_took_its_place_above, nodes_three_on_disk),
	        T(its_form_was_altered, nodes_three_on_disk),
	        T(its_id_was_taken, nodes_three_on_disk),
	        T(its_id_is_taken_back, nodes_three_on_disk),
	};
	return cmocka_run_group_tests_name("spoilt", tests, NULL, NULL);
}
