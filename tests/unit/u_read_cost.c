/* u_read_cost.c: no question costs more than its page, however much there is.
 * What SQLite does is counted, not timed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <sqlite3.h>
#include <string.h>

#include "buffer.h"
#include "json.h"
#include "limit.h"
#include "read_inside.h"
#include "read_kit.h"

enum { MANY = 60000, EACH = 50 /* operations */, VOIDED = 99 };

#define TARGET "x'00000000000000000000000000000063'" /* uuid_of(VOIDED) */
#define WHOSE  "{\"mbox\":\"mailto:lrs@33.cn\"}"     /* of add_record() */

/* Of everything from the first number to the second. */
static void grow(int from, int to)
{
	static const char *const all[] = {
	        "INSERT INTO audit SELECT x,x,'n','a','e','k','s',0,'p','',''"
	        ",'','',0,'','' FROM c",
	        "INSERT INTO "
	        "item(kind,id,seq,version,state,hash,signed,verdict,"
	        "priority,rule,layer,own,type,title,object,asked,updated_ms)"
	        " SELECT "
	        "1,printf('35/%06d',x),x+100,1,0,hash,signed,2,51,'','',"
	        "0,'course','',NULL,0,0 FROM c,item WHERE id='33/a'",
	        "INSERT INTO record SELECT x+100,1,x+100,"
	        "CAST(printf('%016d',x) AS BLOB),x'00',0,NULL,1000,x,'','',"
	        "CAST('{}' AS BLOB) FROM c",
	        "INSERT INTO clock_era SELECT x,x+100,x,x,1,0,x FROM c",
	        "INSERT INTO quarantine SELECT x+9,'',1,x,x'00',x'00',0,0,'',"
	        "x'00' FROM c",
	        /* voids of one statement that do not count: another's here,
	         * another node's that bears the same name, an operator's of
	         * elsewhere */
	        "INSERT INTO record SELECT 1000000+x,1+(x%3>0),1000000+x,"
	        "CAST(printf('v%015d',x) AS BLOB),x'00',iif(x%3>1,7,3)," TARGET
	        ",1000,x,'',iif(x%3,'" WHOSE "','other'),"
	        "CAST('{}' AS BLOB) FROM c",
	};
	char text[700];
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		gt_format(text, sizeof text,
		          "WITH RECURSIVE c(x) AS (SELECT %d UNION ALL SELECT "
		          "x+1 FROM c WHERE x<%d) %s",
		          from, to, all[i]);
		sql(text);
	}
}

static int tick(void *arg)
{
	++*(unsigned *)arg;
	return 0;
}

static json_t *resources(struct gt_resource_query q)
{
	return gt_read_resources(reader, &q);
}

static json_t *audit(struct gt_audit_query q)
{
	return gt_read_audit(reader, &q);
}

static json_t *statements(int64_t since_ms, unsigned mark)
{
	struct gt_buffer out = {0};
	struct gt_statements_query q = {.since_ms = since_ms,
	                                .until_ms = INT64_MAX,
	                                .since_mark = mark,
	                                .authority = "nobody",
	                                .limit = 5,
	                                .bytes = 1000};
	assert_int_equal(gt_read_statements(reader, &q, &out), 0);
	gt_buffer_free(&out);
	return json_null();
}

/* What strangers have tried to void, by its id, and in a page. */
static json_t *statement(void)
{
	uint8_t id[GT_UUID_BYTES] = {[15] = VOIDED};
	bool voided;
	int64_t stored_ms;
	int status;
	char *text = gt_read_statement(reader, id, NULL, &voided, &stored_ms,
	                               &status);
	assert_non_null(text);
	assert_false(voided);
	free(text);
	return json_null();
}

static json_t *page_with_it(void)
{
	struct gt_buffer out = {0};
	struct gt_statements_query q = {.since_ms = INT64_MIN,
	                                .until_ms = INT64_MAX,
	                                .low = VOIDED,
	                                .high = VOIDED,
	                                .limit = 1,
	                                .bytes = 1000};
	assert_int_equal(gt_read_statements(reader, &q, &out), 0);
	assert_true(out.n > 0);
	gt_buffer_free(&out);
	return json_null();
}

static json_t *ask(unsigned i)
{
	switch (i) {
	case 0:
		return resources((struct gt_resource_query){
		        .verdict = -1, .text = "no such thing"});
	case 1:
		return resources((struct gt_resource_query){.verdict = -1,
		                                            .type = "no"});
	case 2:
		return resources((struct gt_resource_query){
		        .verdict = -1, .state = "refused"});
	case 3:
		return resources((struct gt_resource_query){.verdict = 1});
	case 4:
		return resources((struct gt_resource_query){
		        .verdict = -1, .audience = "nobody"});
	case 5:
		return audit((struct gt_audit_query){.event = "no"});
	case 6:
		return audit((struct gt_audit_query){.subject = "*no*"});
	case 7: /* an index leads to all of it */
		return audit((struct gt_audit_query){.subject = "s",
		                                     .result = "no"});
	case 8:
		return audit(
		        (struct gt_audit_query){.from_ms = 1, .actor = "no"});
	case 9:
		return audit((struct gt_audit_query){.to_ms = 1 << 30,
		                                     .kind = "no"});
	case 10:
		return audit((struct gt_audit_query){.type = "no"});
	case 11:
		return statements(1, 0);
	case 12:
		return statements(5, 7);
	case 13:
		return gt_read_status(reader);
	case 14:
		return gt_read_names(reader);
	case 15:
		return gt_read_records(reader, 0, 0);
	case 16:
		return gt_read_quarantine(reader, 0, 0);
	case 17:
		return statement();
	case 18:
		return page_with_it();
	case 19: /* one record, and that it is not voided */
		return gt_read_records(reader, VOIDED - 1, 1);
	case 20: /* one of several that are merged */
		return audit((struct gt_audit_query){.resource = "s",
		                                     .result = "no"});
	default:
		return NULL;
	}
}

static unsigned cost(unsigned i)
{
	unsigned n = 0;
	sqlite3_progress_handler(reader->db, EACH, tick, &n);
	json_t *v = ask(i);
	sqlite3_progress_handler(reader->db, 0, NULL, NULL);
	assert_non_null(v);
	json_decref(v);
	return n;
}

/* Twice as much there, and every question costs what it did. */
static void a_question_costs_its_page(void **state)
{
	enum { ALL = 21 };
	unsigned before[ALL];
	(void)state;
	sql("INSERT INTO stream VALUES(2,'330702',x'02',0)");
	add_record(VOIDED, 0, "");
	sql("UPDATE record SET seq=99 WHERE origin_seq=99");
	grow(10, MANY);
	for (unsigned i = 0; i < ALL; i++)
		before[i] = cost(i);
	grow(MANY + 1, 2 * MANY);
	for (unsigned i = 0; i < ALL; i++) {
		unsigned after = cost(i);
		if (after > before[i] + before[i] / 20 + 2)
			fail_msg("question %u: %u, then %u", i, before[i],
			         after);
	}
}

/* The pages lead to what is looked for, though most are empty. */
static void the_pages_go_on(void **state)
{
	unsigned pages = 0;
	int64_t after = 0;
	char at[GT_RID_MAX + 1] = "";
	size_t found = 0;
	(void)state;
	sql("UPDATE audit SET event='sought' WHERE aid=119999;"
	    "UPDATE item SET type='sought' WHERE id='35/119999'");
	for (bool more = true; more; pages++) {
		json_t *v = audit((struct gt_audit_query){.event = "sought",
		                                          .after = after});
		found += json_array_size(json_object_get(v, "rows"));
		more = json_is_integer(json_object_get(v, "next"));
		after = json_integer_value(json_object_get(v, "next"));
		json_decref(v);
	}
	assert_int_equal(found, 1);
	assert_int_equal(pages, 2 * MANY / GT_LOOK_ROWS + 1);
	pages = 0;
	for (bool more = true; more; pages++) {
		json_t *v = resources((struct gt_resource_query){
		        .verdict = -1, .type = "sought", .after = at});
		found += json_array_size(json_object_get(v, "resources"));
		more = json_is_string(json_object_get(v, "next"));
		gt_copy(at, sizeof at, gt_json_member(v, "next"));
		json_decref(v);
	}
	assert_int_equal(found, 2);
	assert_int_equal(pages, 2 * MANY / GT_LOOK_ENTRIES + 1);
	/* few rows of a time: an index says where they are */
	json_t *v = audit((struct gt_audit_query){
	        .from_ms = 2 * MANY - 5, .to_ms = 2 * MANY, .event = "sought"});
	assert_int_equal(json_array_size(json_object_get(v, "rows")), 1);
	assert_true(json_is_null(json_object_get(v, "next")));
	json_decref(v);
}

/* ------------------------------------------------- pages by their bytes */

enum { LARGE = 60 << 10, HEAVY = 160, FIRST = 5000001, HUGE_AT = 80 };

static json_t *of_records(json_t *next)
{
	int64_t at = next ? json_integer_value(next) : FIRST - 1;
	return gt_read_records(reader, at, 1000);
}

static json_t *of_quarantine(json_t *next)
{
	int64_t at = next ? json_integer_value(next) : FIRST - 1;
	return gt_read_quarantine(reader, at, 1000);
}

static json_t *of_audit(json_t *next)
{
	return audit((struct gt_audit_query){
	        .after = next ? json_integer_value(next) : FIRST - 1,
	        .limit = 10000});
}

static json_t *of_resources(json_t *next)
{
	return resources((struct gt_resource_query){
	        .verdict = -1,
	        .after = next ? json_string_value(next) : "36/",
	        .limit = 1000});
}

/* That rows are of what they should be, each once, and no page of more than it
 * may be: the huge one is alone. */
static void heavy(json_t *(*lists)(json_t *), const char *list, const char *key)
{
	size_t seen = 0, i;
	json_t *next = NULL, *row;
	do {
		json_t *v = lists(next);
		json_t *rows = json_object_get(v, list);
		bool with_huge = false;
		assert_non_null(v);
		json_array_foreach(rows, i, row)
		{
			const json_t *is = json_object_get(row, key);
			int64_t n = json_is_string(is)
			                    ? atoll(json_string_value(is) + 3)
			                    : json_integer_value(is);
			with_huge = with_huge || (n == FIRST + HUGE_AT &&
			                          lists != of_resources);
			assert_int_equal(n, FIRST + (int64_t)seen++);
		}
		assert_true(i > 0);
		assert_true(i * LARGE <= GT_PAGE_BYTES);
		assert_true(!with_huge || i == 1);
		json_decref(next);
		next = json_incref(json_object_get(v, "next"));
		json_decref(v);
	} while (!json_is_null(next));
	json_decref(next);
	assert_int_equal(seen, HEAVY);
}

static void add_heavy(const char *rows)
{
	char text[700];
	gt_format(text, sizeof text,
	          "WITH RECURSIVE c(x,big) AS (SELECT %d,printf('%%%ds','{}') "
	          "UNION ALL SELECT x+1,printf('%%%ds','{}') FROM c WHERE "
	          "x<%d) %s",
	          FIRST, LARGE, LARGE, FIRST + HEAVY - 1, rows);
	sql(text);
}

static void add_heavy_resources(void)
{
	char id[20];
	char *title = calloc(1, LARGE + 1);
	assert_non_null(title);
	memset(title, 't', LARGE);
	for (seq = FIRST; seq < FIRST + HEAVY;) {
		gt_format(id, sizeof id, "36/%lld", (long long)seq);
		add(&(struct given){id, "course", "all", title, 3, 0, 0, 0});
	}
	free(title);
}

static void a_page_of_large_rows_ends_by_its_bytes(void **state)
{
	char text[300];
	(void)state;
	add_heavy("INSERT INTO record SELECT x,1,x,CAST(printf('%016d',x) AS "
	          "BLOB),x'00',0,NULL,1000,x,'','',CAST(big AS BLOB) FROM c");
	add_heavy("INSERT INTO quarantine SELECT x,'',1,x,x'00',x'00',0,0,'',"
	          "CAST(big AS BLOB) FROM c");
	add_heavy("INSERT INTO audit SELECT x,x,'n','a','e','k','s',0,'p','',"
	          "'','','',0,'',big FROM c");
	gt_format(text, sizeof text,
	          "UPDATE record SET body=zeroblob(%d) WHERE seq=%d;"
	          "UPDATE quarantine SET body=zeroblob(%d) WHERE qid=%d;"
	          "UPDATE audit SET detail=printf('%%%dd',1) WHERE aid=%d",
	          GT_PAGE_BYTES + 1, FIRST + HUGE_AT, GT_PAGE_BYTES + 1,
	          FIRST + HUGE_AT, GT_PAGE_BYTES + 1, FIRST + HUGE_AT);
	sql(text);
	heavy(of_records, "records", "seq");
	heavy(of_quarantine, "quarantine", "qid");
	heavy(of_audit, "rows", "aid");
}

static void a_page_of_large_entries_ends_by_its_bytes(void **state)
{
	(void)state;
	add_heavy_resources();
	heavy(of_resources, "resources", "id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_question_costs_its_page),
	        cmocka_unit_test(the_pages_go_on),
	        cmocka_unit_test(a_page_of_large_rows_ends_by_its_bytes),
	        cmocka_unit_test(a_page_of_large_entries_ends_by_its_bytes),
	};
	return cmocka_run_group_tests_name("read_cost", tests, setup, teardown);
}
