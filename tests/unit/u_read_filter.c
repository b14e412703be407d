/* u_read_filter.c: pages of what is asked for, by itself or as a target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buffer.h"
#include "unit/read_kit.h"

#define LRS "{\"mbox\":\"mailto:lrs@33.cn\"}"

/* Number n, of the verb, whose object is the number target if that is not 0. */
static void add_verb(int n, const char *verb, int target)
{
	char body[500], text[1500], id[GT_UUID_TEXT], of[GT_UUID_TEXT];
	char form[GT_HEX_ID], why[200];
	struct gt_statement st;
	uuid_of(id, n);
	uuid_of(of, target);
	gt_format(body, sizeof body,
	          "{\"id\":\"%s\",\"actor\":{\"mbox\":\"mailto:a@b.cn\"},"
	          "\"verb\":{\"id\":\"http://v.cn/%s\"},\"object\":{%s\"id\":"
	          "\"%s\"},\"result\":{\"score\":{\"raw\":%d}}}",
	          id, verb, target ? "\"objectType\":\"StatementRef\"," : "",
	          target ? of : "http://o.cn/1", n);
	assert_int_equal(gt_statements_parse(gt_bytes_str(body), GT_XAPI_ANY,
	                                     NULL, 0, &st, 1, why, sizeof why),
	                 1);
	gt_hex(form, st.form.b, GT_ID_BYTES);
	gt_format(text, sizeof text,
	          "INSERT INTO record(stream,origin_seq,id,form,flags,target,"
	          "origin_ms,stored_ms,policy,authority,body) VALUES(1,%d,"
	          "x'%032x',x'%s',0,NULL,1795386457000,1795386458000,'','" LRS
	          "',CAST('%s' AS BLOB))",
	          n, (unsigned)n, form, body);
	sql(text);
}

static struct gt_filter of_verb = {.verb = "http://v.cn/V"};

/* The numbers told, the last first, and the seqs left: "3 1 +1-2". */
static const char *told(struct gt_statements_query q)
{
	static char text[2000];
	struct gt_buffer out = {0};
	size_t n = 0, i;
	json_t *row;
	q.filter = &of_verb;
	q.since_ms = INT64_MIN;
	q.until_ms = INT64_MAX;
	q.limit = q.limit ? q.limit : 100;
	q.bytes = 1 << 20;
	gt_buffer_str(&out, "[");
	assert_int_equal(gt_read_statements(reader, &q, &out), 0);
	gt_buffer_str(&out, "]");
	json_t *v = json_loadb((const char *)out.p, out.n, 0, NULL);
	assert_non_null(v);
	gt_buffer_free(&out);
	text[0] = '\0';
	json_array_foreach(v, i, row)
	{
		json_t *score = json_object_get(json_object_get(row, "result"),
		                                "score");
		gt_format(
		        text + n, sizeof text - n, "%s%d", n ? " " : "",
		        (int)json_number_value(json_object_get(score, "raw")));
		n += strlen(text + n);
	}
	json_decref(v);
	if (q.low <= q.high)
		gt_format(text + n, sizeof text - n, " +%lld-%lld",
		          (long long)q.low, (long long)q.high);
	return text;
}

#define TOLD(...) told((struct gt_statements_query){__VA_ARGS__})

static void empty(void)
{
	sql("DELETE FROM record;"
	    "DELETE FROM sqlite_sequence WHERE name='record'");
}

static void by_itself(void **state)
{
	(void)state;
	empty();
	assert_string_equal(TOLD(.limit = 1), "");
	add_verb(1, "V", 0);
	add_verb(2, "W", 0);
	add_verb(3, "V", 0);
	add_verb(4, "W", 0);
	assert_string_equal(TOLD(.limit = 0), "3 1");
	assert_string_equal(TOLD(.ascending = true), "1 3");
	assert_string_equal(TOLD(.limit = 1), "3 +1-2");
	assert_string_equal(TOLD(.limit = 1, .low = 1, .high = 2), "1");
	assert_string_equal(TOLD(.authority = LRS), "3 1");
	assert_string_equal(TOLD(.authority = "{}"), "");
}

/* xAPI 1.0.3 part three, 2.1.3: whoever targets what fits fits, and so on. */
static void as_a_target(void **state)
{
	(void)state;
	empty();
	add_verb(1, "V", 0);
	add_verb(2, "confirmed", 1);
	add_verb(3, "seen", 2);
	add_verb(4, "seen", 9);
	add_verb(5, "W", 0);
	add_verb(6, "seen", 5);
	assert_string_equal(TOLD(.ascending = true), "1 2 3");
	/* also where the target is voided, and told of no more */
	add_record(7, 1, "");
	assert_string_equal(TOLD(.ascending = true), "2 3 7");
	/* of others' nothing is told, not even that they fit */
	sql("UPDATE record SET authority='{\"mbox\":\"mailto:x@y.cn\"}'"
	    " WHERE seq=1");
	assert_string_equal(TOLD(.ascending = true, .authority = LRS), "");
	assert_string_equal(TOLD(.ascending = true), "1 2 3 7");
}

static void targets_end(void **state)
{
	(void)state;
	empty();
	/* round in a circle */
	add_verb(1, "W", 2);
	add_verb(2, "W", 1);
	add_verb(3, "W", 3);
	assert_string_equal(TOLD(.limit = 9), "");
	/* eight are gone after, the ninth is not */
	empty();
	add_verb(1, "V", 0);
	for (int i = 2; i <= 10; i++)
		add_verb(i, "W", i - 1);
	assert_string_equal(TOLD(.ascending = true), "1 2 3 4 5 6 7 8 9");
}

static void damage(void **state)
{
	struct gt_buffer gaps = {0};
	(void)state;
	empty();
	add_verb(1, "V", 0);
	add_verb(2, "W", 0);
	add_verb(3, "W", 1);
	/* what cannot be read may have fitted */
	sql("UPDATE record SET body=x'5c' WHERE seq=2");
	assert_string_equal(TOLD(.gaps = &gaps), "3 1");
	assert_non_null(strstr((char *)gaps.p, "{\"seq\":2,"));
	gaps.n = 0;
	sql("UPDATE record SET body=x'5c' WHERE seq=1");
	assert_string_equal(TOLD(.gaps = &gaps), "");
	assert_non_null(strstr((char *)gaps.p, "{\"seq\":1,"));
	gt_buffer_free(&gaps);
}

/* A page costs so much and no more, and goes on where it ended. */
static void cost(void **state)
{
	(void)state;
	empty();
	add_verb(1, "V", 0);
	sql("WITH RECURSIVE x(i) AS(SELECT 2 UNION ALL SELECT i+1 FROM x"
	    " WHERE i<20200) INSERT INTO record SELECT NULL,1,i,"
	    "CAST(printf('%016d',i) AS BLOB),x'00',0,NULL,0,9000,'','',"
	    "x'7b7d' FROM x");
	assert_string_equal(TOLD(.limit = 1), " +1-199");
	assert_string_equal(TOLD(.limit = 1, .low = 1, .high = 199), "1");
	/* what has to be read costs more, and what has a target */
	sql("UPDATE record SET body=CAST('{\"a\":\"\\n\"}' AS BLOB)"
	    " WHERE seq>1");
	assert_string_equal(TOLD(.limit = 1), " +1-15199");
	empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(by_itself),   cmocka_unit_test(as_a_target),
	        cmocka_unit_test(targets_end), cmocka_unit_test(damage),
	        cmocka_unit_test(cost),
	};
	return cmocka_run_group_tests_name("read_filter", tests, setup,
	                                   teardown);
}
