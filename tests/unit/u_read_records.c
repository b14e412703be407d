/* u_read_records.c: where records are, and what was set aside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buffer.h"
#include "unit/read_kit.h"

static void records(void **state)
{
	uint8_t id[GT_UUID_BYTES] = {0};
	bool voided;
	int64_t stored;
	int rc;
	(void)state;
	add_record(1, 0,
	           ",\"context\":{\"extensions\":{\"http://e.cn/n\":1.0,"
	           "\"http://e.cn/big\":123456789012345678901}}");
	add_record(2, 0, ",\"timestamp\":\"2020-01-01T00:00:00Z\"");
	add_record(3, 1, "");
	add_record(4, 3, "");
	json_t *v = gt_read_records(reader, 0, 2);
	json_t *row = json_array_get(json_object_get(v, "records"), 0);
	assert_string_equal(word(row, "origin"), "330106");
	assert_string_equal(word(row, "stored"), "2026-11-22T22:27:38.000Z");
	assert_string_equal(word(row, "id"),
	                    "00000000-0000-0000-0000-000000000001");
	assert_true(json_is_true(json_object_get(row, "voided")));
	json_t *st = json_object_get(row, "statement");
	assert_string_equal(word(st, "timestamp"), "2026-11-22T22:27:37.000Z");
	assert_string_equal(word(st, "stored"), "2026-11-22T22:27:38.000Z");
	assert_string_equal(word(st, "version"), "1.0.0");
	row = json_array_get(json_object_get(v, "records"), 1);
	assert_true(json_is_false(json_object_get(row, "voided")));
	assert_int_equal(number(v, "next"), 2);
	json_decref(v);
	/* what voids cannot be voided */
	v = gt_read_records(reader, 2, 2);
	row = json_array_get(json_object_get(v, "records"), 0);
	assert_true(json_is_false(json_object_get(row, "voided")));
	assert_true(json_is_null(json_object_get(v, "next")));
	json_decref(v);
	id[15] = 1;
	char *text = gt_read_statement(reader, id, NULL, &voided, &stored, &rc);
	assert_int_equal(rc, 0);
	assert_true(voided);
	assert_int_equal(stored, 1795386458000);
	assert_non_null(strstr(text, "/n\":1.0,\"http://e.cn/big\":"
	                             "123456789012345678901"));
	free(text);
	id[15] = 9;
	assert_null(gt_read_statement(reader, id, NULL, &voided, &stored, &rc));
	assert_int_equal(rc, -GT_EUNKNOWN);
}

/* The least seq stored after ms: where a page that has no room begins. */
static int64_t behind(int64_t ms)
{
	struct gt_buffer out = {0};
	struct gt_statements_query q = {
	        .since_ms = ms, .until_ms = INT64_MAX, .ascending = true};
	assert_int_equal(gt_read_statements(reader, &q, &out), 0);
	assert_int_equal(out.n, 0);
	return q.low;
}

static void order(void **state)
{
	int64_t at = 9, ms = 9;
	(void)state;
	sql("DELETE FROM record");
	sql("DELETE FROM sqlite_sequence WHERE name='record'");
	assert_int_equal(gt_read_newest(reader, &at, &ms), 0);
	assert_int_equal(at, 0);
	assert_int_equal(ms, 0);
	assert_int_equal(behind(0), 1);
	for (int i = 1; i <= 40; i++)
		add_record(i, 0, "");
	/* two a moment, and some that are no longer here */
	sql("UPDATE record SET stored_ms=1000+seq/2");
	sql("DELETE FROM record WHERE seq<5 OR seq IN(20,21,40)");
	assert_int_equal(gt_read_newest(reader, &at, &ms), 0);
	assert_int_equal(at, 39);
	assert_int_equal(ms, 1019);
	/* what is not there is of the moment of the one behind it */
	assert_int_equal(behind(0), 1);
	assert_int_equal(behind(1002), 6);
	assert_int_equal(behind(1009), 20);
	assert_int_equal(behind(1011), 24);
	assert_int_equal(behind(1018), 38);
	assert_int_equal(behind(1019), 40);
	assert_int_equal(behind(INT64_MAX), 40);
}

static void quarantine(void **state)
{
	(void)state;
	sql("INSERT INTO quarantine(via,stream,origin_seq,id,form,origin_ms,"
	    "at_ms,reason,body) VALUES('330106',1,4,"
	    "x'00000000000000000000000000000001',x'00',0,1000,'other form',"
	    "CAST('{\"a\":1}' AS BLOB)),('330106',1,5,x'00',x'00',0,1000,'bad',"
	    "x'ff')");
	json_t *v = gt_read_quarantine(reader, 0, 0);
	json_t *list = json_object_get(v, "quarantine");
	assert_int_equal(json_array_size(list), 2);
	json_t *row = json_array_get(list, 0);
	assert_string_equal(word(row, "reason"), "other form");
	assert_string_equal(word(row, "via"), "330106");
	assert_int_equal(number(json_object_get(row, "statement"), "a"), 1);
	assert_true(json_is_null(
	        json_object_get(json_array_get(list, 1), "statement")));
	json_decref(v);
	v = gt_read_quarantine(reader, 1, 0);
	assert_int_equal(json_array_size(json_object_get(v, "quarantine")), 1);
	json_decref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(records),
	        cmocka_unit_test(order),
	        cmocka_unit_test(quarantine),
	};
	return cmocka_run_group_tests_name("read_records", tests, setup,
	                                   teardown);
}
