/* u_read_statements.c: statements by page, by bytes, voided ones not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buffer.h"
#include "unit/read_kit.h"

/* "5 4 +1-3": the seqs told in their order, and those left; the bodies hold
 * what the seq is. What is 0 is open, or plenty. */
static const char *told(struct gt_statements_query q)
{
	static char text[2000];
	struct gt_buffer out = {0};
	size_t n = 0, i;
	json_t *row;
	q.since_ms = q.since_ms ? q.since_ms : INT64_MIN;
	q.until_ms = q.until_ms ? q.until_ms : INT64_MAX;
	q.limit = q.limit ? q.limit : 100;
	q.bytes = q.bytes ? q.bytes : 1 << 20;
	gt_buffer_str(&out, "[");
	assert_int_equal(gt_read_statements(reader, &q, &out), 0);
	gt_buffer_str(&out, "]");
	assert_false(out.failed);
	json_t *v = json_loadb((const char *)out.p, out.n, 0, NULL);
	assert_non_null(v);
	gt_buffer_free(&out);
	text[0] = '\0';
	json_array_foreach(v, i, row)
	{
		gt_format(
		        text + n, sizeof text - n, "%s%lld", n ? " " : "",
		        (long long)json_number_value(json_object_get(
		                json_object_get(json_object_get(row, "result"),
		                                "score"),
		                "raw")));
		n += strlen(text + n);
	}
	json_decref(v);
	if (q.low <= q.high)
		gt_format(text + n, sizeof text - n, " +%lld-%lld",
		          (long long)q.low, (long long)q.high);
	return text;
}

#define TOLD(...) told((struct gt_statements_query){__VA_ARGS__})

static void set_records(int n)
{
	sql("DELETE FROM record;"
	    "DELETE FROM sqlite_sequence WHERE name='record'");
	for (int i = 1; i <= n; i++)
		add_record(i, 0, "");
	sql("UPDATE record SET stored_ms=1000*seq");
}

static void statements(void **state)
{
	(void)state;
	set_records(0);
	assert_string_equal(TOLD(.ascending = true), "");
	assert_string_equal(TOLD(.ascending = false), "");
	assert_string_equal(TOLD(.since_ms = 5, .until_ms = 9), "");
	assert_string_equal(TOLD(.low = 1, .high = 9), "");
	set_records(6);
	assert_string_equal(TOLD(.ascending = true), "1 2 3 4 5 6");
	assert_string_equal(TOLD(.ascending = false), "6 5 4 3 2 1");
	/* exactly as many as there are, and as many as asked for */
	assert_string_equal(TOLD(.limit = 6), "6 5 4 3 2 1");
	assert_string_equal(TOLD(.limit = 6, .ascending = true), "1 2 3 4 5 6");
	assert_string_equal(TOLD(.limit = 2), "6 5 +1-4");
	assert_string_equal(TOLD(.limit = 2, .ascending = true), "1 2 +3-6");
	assert_string_equal(TOLD(.limit = 2, .low = 1, .high = 4), "4 3 +1-2");
	assert_string_equal(TOLD(.limit = 2, .low = 1, .high = 2), "2 1");
	assert_string_equal(
	        TOLD(.limit = 2, .low = 3, .high = 6, .ascending = true),
	        "3 4 +5-6");
	/* after since, not after until */
	assert_string_equal(TOLD(.since_ms = 2000, .until_ms = 4000), "4 3");
	assert_string_equal(TOLD(.since_ms = 1999, .until_ms = 3999), "3 2");
	assert_string_equal(TOLD(.since_ms = 6000), "");
	assert_string_equal(TOLD(.until_ms = 999), "");
	assert_string_equal(TOLD(.since_ms = 5000, .until_ms = 2000), "");
	/* the seqs stand in place of the times */
	assert_string_equal(TOLD(.since_ms = 5000, .low = 2, .high = 3), "3 2");
}

/* One more is begun while no more than that much is told. */
static void statements_bytes(void **state)
{
	struct gt_buffer out = {0};
	struct gt_statements_query q = {
	        .low = 1, .high = 6, .limit = 1, .bytes = 1000};
	(void)state;
	assert_int_equal(gt_read_statements(reader, &q, &out), 0);
	size_t one = out.n;
	gt_buffer_free(&out);
	assert_string_equal(TOLD(.bytes = 1), "6 +1-5");
	assert_string_equal(TOLD(.bytes = one - 1), "6 +1-5");
	assert_string_equal(TOLD(.bytes = one), "6 5 +1-4");
	assert_string_equal(TOLD(.bytes = 2 * one, .ascending = true),
	                    "1 2 +3-6");
	assert_string_equal(TOLD(.bytes = 2 * one + 1, .ascending = true),
	                    "1 2 3 +4-6");
}

static void statements_hidden(void **state)
{
	(void)state;
	add_record(7, 2, "");
	add_record(8, 6, "");
	/* what voids cannot be voided */
	add_record(9, 7, "");
	sql("UPDATE record SET stored_ms=9000 WHERE seq>6");
	assert_string_equal(TOLD(.ascending = true), "1 3 4 5 7 8 9");
	assert_string_equal(TOLD(.ascending = false), "9 8 7 5 4 3 1");
	assert_string_equal(TOLD(.limit = 4), "9 8 7 5 +1-4");
	assert_string_equal(TOLD(.limit = 2, .ascending = true), "1 3 +4-9");
	/* one at the end is not looked at before there is room again */
	assert_string_equal(TOLD(.limit = 1, .low = 2, .high = 3), "3 +2-2");
	assert_string_equal(TOLD(.limit = 1, .low = 2, .high = 2), "");
	/* more than a page may pass over */
	sql("WITH RECURSIVE x(i) AS(SELECT 1 UNION ALL SELECT i+1 FROM x"
	    " WHERE i<10002) INSERT INTO record SELECT NULL,1,100+i,"
	    "CAST(printf('%016d',100+i) AS BLOB),x'00',0,NULL,0,9000,'','',"
	    "x'7b7d' FROM x");
	sql("WITH RECURSIVE x(i) AS(SELECT 1 UNION ALL SELECT i+1 FROM x"
	    " WHERE i<10002) INSERT INTO record SELECT NULL,1,20000+i,"
	    "CAST(printf('%016d',20000+i) AS BLOB),x'00',1,"
	    "CAST(printf('%016d',100+i) AS BLOB),0,9000,'','',x'7b7d' FROM x");
	assert_string_equal(TOLD(.limit = 1, .low = 1, .high = 10011),
	                    " +1-10");
	assert_string_equal(
	        TOLD(.limit = 1, .low = 10, .high = 10011, .ascending = true),
	        " +10011-10011");
	assert_string_equal(TOLD(.limit = 3, .low = 1, .high = 10011),
	                    "9 +1-8");
}

/* Cursors nobody here wrote: steps over what is not there would never end. */
static void statements_beyond(void **state)
{
	(void)state;
	set_records(6);
	sql("DELETE FROM record WHERE seq<3");
	assert_string_equal(TOLD(.low = 1, .high = INT64_MAX), "6 5 4 3");
	assert_string_equal(
	        TOLD(.low = 1, .high = INT64_MAX, .ascending = true),
	        "3 4 5 6");
	assert_string_equal(TOLD(.low = 1, .high = INT64_MAX, .limit = 1),
	                    "6 +1-5");
	assert_string_equal(TOLD(.low = INT64_MAX - 1, .high = INT64_MAX), "");
	assert_string_equal(
	        TOLD(.low = 7, .high = INT64_MAX, .ascending = true), "");
	/* none there, many behind it */
	assert_string_equal(TOLD(.low = 1, .high = 2), "");
	assert_string_equal(TOLD(.low = 1, .high = 2, .ascending = true), "");
	assert_string_equal(TOLD(.low = 5, .high = 4), "");
	assert_string_equal(TOLD(.low = INT64_MAX, .high = 1), "");
}

/* Rows an earlier program took from below, or that rotted: each is a gap that
 * says so, counts towards the page, and hides no other. */
static void gaps(void **state)
{
	static const struct {
		const char *spoil, *why;
	} rows[] = {
	        {"body=x'5b312c325d'", "must be an object"},
	        {"body=x'7b'", "not JSON, or nested too deep"},
	        {"body=x''", "not JSON, or nested too deep"},
	        {"body=replace(CAST(body AS TEXT),'a@b','q@b')",
	         "the form is not its statement's"},
	        {"form=x'00'", "a malformed record"},
	        {"form=zeroblob(32)", "the form is not its statement's"},
	        {"id=x'0001'", "a malformed record"},
	        {"flags=1", "a malformed record"},
	        {"flags=1,target=x'00000000000000000000000000000099'",
	         "what it voids is not what its statement voids"},
	        {"authority='}, \"stolen\":{'",
	         "authority: not JSON: a character is not expected there at "
	         "byte 0"},
	        {"authority='{\"mbox\":\"x\"}'",
	         "authority: mbox: not mailto: and an address; write it as "
	         "mailto:name@example.org"},
	};
	char text[300];
	(void)state;
	uint64_t met = gt_reader_gaps(reader);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct gt_buffer out = {0}, aside = {0};
		struct gt_statements_query q = {.low = 1,
		                                .high = 3,
		                                .limit = 9,
		                                .bytes = 9999,
		                                .gaps = &aside};
		set_records(3);
		gt_format(text, sizeof text, "UPDATE record SET %s WHERE seq=2",
		          rows[i].spoil);
		sql(text);
		assert_int_equal(gt_read_statements(reader, &q, &out), 0);
		gt_buffer_free(&out);
		assert_string_equal(TOLD(.ascending = true), "1 3");
		assert_string_equal(TOLD(.ascending = true, .limit = 2),
		                    "1 +3-3");
		json_t *v = json_loadb((const char *)aside.p, aside.n, 0, NULL);
		assert_non_null(v);
		assert_int_equal(number(v, "seq"), 2);
		assert_string_equal(word(v, "why"), rows[i].why);
		assert_string_equal(word(v, "stored"),
		                    "1970-01-01T00:00:02.000Z");
		json_decref(v);
		gt_buffer_free(&aside);
		v = gt_read_records(reader, 0, 0);
		json_t *list = json_object_get(v, "records");
		assert_int_equal(json_array_size(list), 3);
		json_t *row = json_array_get(list, 1);
		assert_string_equal(word(row, "gap"), rows[i].why);
		assert_true(json_is_null(json_object_get(row, "statement")));
		assert_null(json_object_get(json_array_get(list, 2), "gap"));
		json_decref(v);
		/* a page, a page that ended before the third, and the list */
		met += 4;
		assert_int_equal(gt_reader_gaps(reader), met);
	}
	/* asked for by itself it says what is wrong with it */
	uint8_t id[GT_UUID_BYTES] = {[15] = 2};
	bool voided;
	int64_t stored;
	int rc;
	set_records(3);
	sql("UPDATE record SET body=x'5b5d' WHERE seq=2");
	assert_null(gt_read_statement(reader, id, NULL, &voided, &stored, &rc));
	assert_int_equal(rc, -GT_EDAMAGED);
	assert_string_equal(gt_reader_why(reader), "must be an object");
	/* nothing but gaps: the page ends, and another goes on */
	set_records(6);
	sql("UPDATE record SET body=x'5b5d' WHERE seq<6");
	assert_string_equal(TOLD(.limit = 3), "6 +1-3");
	assert_string_equal(TOLD(.limit = 3, .low = 1, .high = 3), "");
	assert_string_equal(TOLD(.limit = 2, .low = 1, .high = 3), " +1-1");
}

/* A page of somebody's (NULL: anybody's) statements, and how many there are. */
static char *page_of(const char *who, size_t *n)
{
	struct gt_buffer out = {0};
	struct gt_statements_query q = {.since_ms = INT64_MIN,
	                                .until_ms = INT64_MAX,
	                                .authority = who,
	                                .limit = 100,
	                                .bytes = 100000};
	assert_int_equal(gt_read_statements(reader, &q, &out), 0);
	char *text = gt_buffer_text(&out, NULL);
	*n = 0;
	for (const char *p = text; (p = strstr(p, "/own\"")); p++)
		++*n;
	return text;
}

/* Its own, for who may read no more: one, a page, and what is voided. */
static void of_one_authority(void **state)
{
	static const char who[] = "{\"mbox\":\"mailto:lrs@33.cn\"}";
	uint8_t id[GT_UUID_BYTES] = {[15] = 1};
	bool voided;
	int64_t stored;
	size_t n;
	int rc;
	(void)state;
	sql("DELETE FROM record");
	for (int i = 1; i <= 30; i++)
		add_record(i, 0,
		           ",\"context\":{\"extensions\":{\"http://e.cn/own\":"
		           "1}}");
	sql("UPDATE record SET authority='{\"mbox\":\"mailto:b@33.cn\"}' WHERE "
	    "origin_seq%2=0");
	/* a void of another's, and one of its own */
	add_record(31, 2, "");
	add_record(32, 3, "");
	char *text = page_of(who, &n);
	assert_int_equal(n, 14);
	assert_null(strstr(text, "\"raw\":2}"));
	free(text);
	free(page_of(NULL, &n));
	assert_int_equal(n, 29);
	text = gt_read_statement(reader, id, who, &voided, &stored, &rc);
	assert_non_null(text);
	free(text);
	id[15] = 2;
	assert_null(gt_read_statement(reader, id, who, &voided, &stored, &rc));
	assert_int_equal(rc, -GT_EUNKNOWN);
	text = gt_read_statement(reader, id, NULL, &voided, &stored, &rc);
	assert_non_null(text);
	assert_false(voided);
	free(text);
	/* one that gave way is not counted */
	sql("DELETE FROM record WHERE origin_seq=7;"
	    "INSERT OR REPLACE INTO meta VALUES('replaced',1)");
	json_t *v = gt_read_status(reader);
	assert_int_equal(number(json_object_get(v, "records"), "count"), 31);
	json_decref(v);
	sql("DELETE FROM meta WHERE key='replaced'");
}

#define VOICE(n) "{\"mbox\":\"mailto:" n "@33.cn\"}"

static bool voided_now(void)
{
	uint8_t id[GT_UUID_BYTES] = {[15] = 1};
	bool voided = false;
	int64_t stored;
	int rc;
	char *text = gt_read_statement(reader, id, NULL, &voided, &stored, &rc);
	assert_non_null(text);
	free(text);
	return voided;
}

static int64_t voids(void)
{
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM voids",
	                                    -1, &s, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

/* What is looked up by its key is what the rule says of every pair. */
static void voided_as_the_rule_says(void **state)
{
	static const char *const codes[] = {
	        "33",       "33-n",      "33-nju",    "3301",
	        "330106-b", "330106",    "330106-bb", "34",
	        "3401",     "330106109", "330106110", "330106109210"};
	enum { N = sizeof codes / sizeof *codes };
	char text[300];
	size_t yes = 0;
	(void)state;
	for (size_t i = 0; i < N; i++) {
		gt_format(text, sizeof text,
		          "INSERT INTO stream VALUES(%zu,'%s',x'7%zx',0)",
		          100 + i, codes[i], i);
		sql(text);
	}
	set_records(1);
	add_record(2, 1, "");
	for (size_t i = 0; i < N * N * 4; i++) {
		uint32_t flags = i & 1 ? 7 : 3;
		const char *who = i & 2 ? VOICE("a") : VOICE("b");
		size_t of = i / 4 % N, by = i / 4 / N;
		struct gt_voucher one = {codes[by], who, flags};
		struct gt_voucher other = {codes[of], VOICE("a"), 2};
		gt_format(text, sizeof text,
		          "UPDATE record SET stream=%zu,authority='" VOICE(
		                  "a") "' WHERE seq=1;"
		                       "UPDATE record SET stream=%zu,flags=%u,"
		                       "authority='%s' WHERE seq=2",
		          100 + of, 100 + by, (unsigned)flags, who);
		sql(text);
		assert_int_equal(voids(), 1);
		if (voided_now() != gt_statement_may_void(&one, &other))
			fail_msg("%s %s %u of %s", codes[by], who,
			         (unsigned)flags, codes[of]);
		yes += voided_now();
	}
	assert_int_equal(yes, 2 * 34 + 12);
	sql("DELETE FROM record WHERE seq=2");
	assert_int_equal(voids(), 0);
	assert_false(voided_now());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(of_one_authority),
	        cmocka_unit_test(statements),
	        cmocka_unit_test(statements_bytes),
	        cmocka_unit_test(statements_hidden),
	        cmocka_unit_test(statements_beyond),
	        cmocka_unit_test(gaps),
	        cmocka_unit_test(voided_as_the_rule_says),
	};
	return cmocka_run_group_tests_name("read_statements", tests, setup,
	                                   teardown);
}
