/* u_reckon.c: what is kept added up is what looking at every record adds up to:
 * behind voids, erasures, restarts, damage, an earlier program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "person.h"
#include "read.h"
#include "reckon.h"
#include "records_inside.h"
#include "unit/node_kit.h"

enum { SPAN = GT_RECKON_SPAN, BATCH = 512 };

static uint64_t seed = 88172645463325252u;

static unsigned draw(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static unsigned handed; /* statements so far */

static void uuid(char out[GT_UUID_TEXT], unsigned n)
{
	gt_format(out, GT_UUID_TEXT, "%08x-0000-4000-8000-000000000000", n + 1);
}

static void statement(struct gt_buffer *b, unsigned n)
{
	static const char *const abouts[] = {
	        "https://x.cn/33/a/1", "https://x.cn/33/a/2",
	        "https://x.cn/33/b", "urn:guantong:subject:farming", "x:y"};
	static const char *const verbs[] = {
	        "http://adlnet.gov/expapi/verbs/completed", "http://v.cn/1",
	        "urn:guantong:verb:needs", "urn:guantong:verb:visited"};
	char id[GT_UUID_TEXT];
	uuid(id, n);
	gt_buffer_format(
	        b,
	        "{\"id\":\"%s\",\"actor\":{\"mbox\":\"mailto:l%u@s.cn\"},"
	        "\"verb\":{\"id\":\"%s\"},\"object\":{\"id\":\"%s\"},"
	        "\"result\":{\"duration\":\"PT%uS\"},\"timestamp\":"
	        "\"20%02u-%02u-15T04:00:00Z\"}",
	        id, draw(900), verbs[draw(4)], abouts[draw(5)], draw(900),
	        24 + draw(2), 1 + draw(12));
}

/* Hands in what lies in the buffers; who says who does. */
static void hand(struct nodes *t, unsigned i, struct gt_buffer *b,
                 unsigned count, const char *who)
{
	struct gt_statement *s = calloc(count, sizeof *s);
	char why[200];
	for (unsigned k = 0; k < count; k++) {
		int n = gt_statements_parse(gt_buffer_bytes(&b[k]), GT_XAPI_ANY,
		                            NULL, 0, &s[k], 1, why, sizeof why);
		if (n != 1)
			print_error("%s\n", why);
		assert_int_equal(n, 1);
		s[k].authority = who;
		s[k].flags |= GT_STATEMENT_NAMED;
	}
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .statements = s,
	                     .count = count,
	                     .token = 7};
	assert_int_equal(nodes_event(t, i, &e), 0);
	for (unsigned k = 0; k < count; k++)
		gt_buffer_free(&b[k]);
	free(s);
}

static void hand_in(struct nodes *t, unsigned i, unsigned count)
{
	static struct gt_buffer b[BATCH];
	while (count > 0) {
		unsigned n = count < BATCH ? count : BATCH;
		memset(b, 0, sizeof b);
		for (unsigned k = 0; k < n; k++)
			statement(&b[k], handed++);
		hand(t, i, b, n, "{\"mbox\":\"mailto:lrs@s.cn\"}");
		count -= n;
	}
	nodes_run(t);
}

static void void_it(struct nodes *t, unsigned i, unsigned which,
                    const char *who)
{
	struct gt_buffer b = {0};
	char id[GT_UUID_TEXT], target[GT_UUID_TEXT];
	uuid(target, which);
	uuid(id, handed++);
	gt_buffer_format(
	        &b,
	        "{\"id\":\"%s\",\"actor\":{\"mbox\":\"mailto:l1@s.cn\"},"
	        "\"verb\":{\"id\":\"http://adlnet.gov/expapi/verbs/voided\"},"
	        "\"object\":{\"objectType\":\"StatementRef\",\"id\":\"%s\"}}",
	        id, target);
	hand(t, i, &b, 1, who);
	nodes_run(t);
}

/* ---------------------------------------------------------------- reports */

static void sql(struct nodes *t, unsigned i, const char *text)
{
	sqlite3 *db;
	char *why = NULL;
	assert_int_equal(sqlite3_open(nodes_path(t, i), &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, 5000);
	int rc = sqlite3_exec(db, text, NULL, NULL, &why);
	if (rc != SQLITE_OK)
		print_error("%s\n", why);
	assert_int_equal(rc, SQLITE_OK);
	sqlite3_close(db);
}

static char *report(struct nodes *t, unsigned i,
                    const struct gt_report_query *q)
{
	char why[200];
	sqlite3 *db;
	int status;
	assert_int_equal(sqlite3_open(nodes_path(t, i), &db), SQLITE_OK);
	struct gt_reader *r = gt_reader_new(db, why, sizeof why);
	assert_non_null(r);
	json_t *v = gt_read_report(r, q, &status);
	assert_int_equal(status, 0);
	/* jansson's memory is not ours to give back (nomem.h) */
	json_free_t give;
	json_get_alloc_funcs(NULL, &give);
	char *its = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
	char *text = its ? strdup(its) : NULL;
	give(its);
	assert_non_null(text);
	json_decref(v);
	gt_reader_free(r);
	return text;
}

/* Rows of figures. */
static int64_t rows(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM figures");
}

/* A report with the sums that are kept, and one without: the same. */
static void assert_same(struct nodes *t, unsigned i)
{
	static const struct gt_report_query asked[] = {
	        {.by = {GT_REPORT_REGION, GT_REPORT_SUBJECT, GT_REPORT_MONTH},
	         .nby = 3,
	         .level = -1},
	        {.by = {GT_REPORT_RESOURCE, GT_REPORT_YEAR},
	         .nby = 2,
	         .level = 2,
	         .counts_by = GT_BY_STORED},
	        {.nby = 0, .level = 0, .from = "2024-03", .until = "2025-06"},
	        {.by = {GT_REPORT_MONTH},
	         .nby = 1,
	         .level = 0,
	         .within = "3301",
	         .counts_by = GT_BY_STORED}};
	enum { N = sizeof asked / sizeof *asked };
	char *kept[N];
	for (size_t k = 0; k < N; k++)
		kept[k] = report(t, i, &asked[k]);
	sql(t, i,
	    "CREATE TABLE kept AS SELECT * FROM figures;DELETE FROM figures");
	for (size_t k = 0; k < N; k++) {
		char *plain = report(t, i, &asked[k]);
		assert_string_equal(kept[k], plain);
		free(kept[k]);
		free(plain);
	}
	sql(t, i, "INSERT INTO figures SELECT * FROM kept;DROP TABLE kept");
}

/* ------------------------------------------------------------------ tests */

/* Adds up all that there is. */
static void settle(struct nodes *t)
{
	for (int i = 0; i < 60; i++)
		nodes_pass(t, 100);
}

/* Of eight full spans there is one, by each clock; then those behind it. */
static void kept_is_what_every_record_says(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	nodes_wire(t, MID, TOP, false);
	hand_in(t, MID, 10 * SPAN + 100);
	settle(t);
	for (unsigned i = MID;; i = TOP) {
		assert_int_equal(nodes_int(t, i, "SELECT count(*) FROM record"),
		                 handed);
		assert_int_equal(rows(t, i), 2 * 3);
		assert_int_equal(
		        nodes_int(t, i, "SELECT last FROM figures WHERE fid=2"),
		        8 * SPAN);
		assert_int_equal(
		        nodes_int(t, i, "SELECT max(last) FROM figures"),
		        10 * SPAN);
		assert_same(t, i);
		if (i == TOP)
			break;
	}
	/* what came last is not added up until its span is full */
	hand_in(t, MID, SPAN - 101);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 3);
	hand_in(t, MID, 1);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 4);
	assert_same(t, MID);
}

/* The sums of what a voided one lies among are gone at once, and come again. */
static void voided_ones_do_not_count(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	hand_in(t, MID, 9 * SPAN);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 2);
	/* a stranger's is refused; his own */
	void_it(t, MID, 8 * SPAN + 5, "{\"mbox\":\"mailto:other@s.cn\"}");
	assert_int_equal(rows(t, MID), 2 * 2);
	void_it(t, MID, 5 * SPAN + 3, "{\"mbox\":\"mailto:lrs@s.cn\"}");
	assert_int_equal(rows(t, MID), 2 * 1);
	assert_same(t, MID);
	void_it(t, MID, 8 * SPAN + 5, "{\"mbox\":\"mailto:lrs@s.cn\"}");
	assert_int_equal(rows(t, MID), 0);
	assert_same(t, MID);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 2);
	assert_same(t, MID);
	/* before its target: counts from the beginning */
	void_it(t, MID, 9 * SPAN + 10, "{\"mbox\":\"mailto:lrs@s.cn\"}");
	hand_in(t, MID, SPAN);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 3);
	assert_same(t, MID);
}

static void erase(struct nodes *t, unsigned i, unsigned which)
{
	uint8_t item[GT_ERASE_ITEM] = {GT_PERSON_STATEMENTS};
	char id[GT_UUID_TEXT];
	uint64_t seq = which + 1;
	uuid(id, which);
	for (int k = 0; k < 8; k++)
		item[1 + k] = (uint8_t)(seq >> (56 - 8 * k));
	assert_true(gt_uuid_parse(item + 9, id));
	struct gt_event e = {.type = GT_EV_ERASE,
	                     .token = 9,
	                     .body = gt_bytes_of(item, sizeof item),
	                     .actor = "user:root"};
	assert_int_equal(nodes_event(t, i, &e), 0);
	nodes_run(t);
}

static void erased_ones_are_gone(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	hand_in(t, MID, 3 * SPAN);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 3);
	erase(t, MID, SPAN + 7);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM record"),
	                 handed - 1);
	assert_int_equal(rows(t, MID), 2 * 2);
	assert_same(t, MID);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 3);
	assert_same(t, MID);
}

/* Whoever changes rows has them added up anew: no program but the triggers is
 * asked. */
static void whoever_writes(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	hand_in(t, MID, 4 * SPAN);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 4);
	sql(t, MID, "UPDATE record SET stored_ms=stored_ms+1 WHERE seq=3");
	assert_int_equal(rows(t, MID), 2 * 3);
	sql(t, MID, "UPDATE record SET origin_ms=origin_ms+1 WHERE seq=2*2048");
	assert_int_equal(rows(t, MID), 2 * 2);
	sql(t, MID, "UPDATE record SET policy='' WHERE seq=2*2048+1");
	assert_int_equal(rows(t, MID), 2 * 2);
	sql(t, MID,
	    "INSERT INTO voids SELECT id,2,'','',1 FROM record WHERE seq="
	    "2*2048+1");
	assert_int_equal(rows(t, MID), 2 * 1);
	assert_same(t, MID);
	sql(t, MID, "DELETE FROM voids");
	assert_same(t, MID);
	nodes_restart(t, MID);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 4);
	assert_same(t, MID);
}

/* What makes no sense is passed over, and added up anew once it is met. */
static void damage_is_no_end(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	hand_in(t, MID, 7 * SPAN);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 7);
	sql(t, MID, "UPDATE figures SET body=x'ff01' WHERE fid=2*2048+2");
	assert_same(t, MID);
	sql(t, MID,
	    "UPDATE figures SET body=x'0161000000000000' WHERE fid="
	    "4*2048+2");
	assert_same(t, MID);
	hand_in(t, MID, SPAN);
	settle(t);
	settle(t);
	assert_int_equal(rows(t, MID), 2);
	assert_same(t, MID);
	/* under a secret that is gone nothing is of use */
	sql(t, MID, "DELETE FROM meta WHERE key='figures_key'");
	assert_same(t, MID);
	hand_in(t, MID, SPAN);
	settle(t);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 2);
	assert_same(t, MID);
}

static void an_earlier_program_has_none(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	hand_in(t, MID, 2 * SPAN);
	settle(t);
	nodes_stop(t, MID);
	sql(t, MID,
	    "DROP TRIGGER figures_gone;DROP TRIGGER figures_put;"
	    "DROP TRIGGER figures_is;DROP TRIGGER figures_void;"
	    "DROP TRIGGER figures_unvoid;DROP TABLE figures");
	nodes_restart(t, MID);
	assert_same(t, MID);
	settle(t);
	assert_int_equal(rows(t, MID), 2 * 2);
	assert_same(t, MID);
}

/* Records that come without end do not put it off for ever, nor does it come
 * between them all the time. */
static void while_records_come(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	hand_in(t, MID, 3 * SPAN);
	for (int i = 0; i < 500; i++) {
		nodes_pass(t, 100);
		hand_in(t, MID, 1);
	}
	assert_int_equal(rows(t, MID), 0);
	for (int i = 0; i < 150; i++) {
		nodes_pass(t, 100);
		hand_in(t, MID, 1);
	}
	assert_int_equal(rows(t, MID), 2 * 3);
	assert_same(t, MID);
}

/* One that rests has nothing to wake up for. */
static void at_rest_nothing_is_due(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	hand_in(t, MID, SPAN + 5);
	settle(t);
	assert_true(gt_reckon_deadline(t->v[MID].node) == UINT64_MAX);
	nodes_restart(t, MID);
	settle(t);
	assert_true(gt_reckon_deadline(t->v[MID].node) == UINT64_MAX);
}

#define ON_DISK(f) \
	cmocka_unit_test_setup_teardown(f, nodes_two_on_disk, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        ON_DISK(kept_is_what_every_record_says),
	        ON_DISK(voided_ones_do_not_count),
	        ON_DISK(erased_ones_are_gone),
	        ON_DISK(whoever_writes),
	        ON_DISK(damage_is_no_end),
	        ON_DISK(an_earlier_program_has_none),
	        ON_DISK(while_records_come),
	        ON_DISK(at_rest_nothing_is_due),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
