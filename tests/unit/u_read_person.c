/* u_read_person.c: all that is here of one person. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "person.h"
#include "unit/read_kit.h"

/* Every page; the list of all that was found. */
static json_t *all_of(const char *name, size_t *pages)
{
	struct gt_person p = {0};
	json_t *all = json_array();
	enum gt_person_part part = GT_PERSON_STATEMENTS;
	int64_t after = 0;
	bool more = true;
	assert_int_equal(gt_person_name(&p, name), 0);
	for (*pages = 0; more; ++*pages) {
		json_t *v = gt_read_of_person(reader, &p, part, after);
		assert_non_null(v);
		json_array_extend(all, json_object_get(v, "found"));
		const json_t *next = json_object_get(v, "next");
		more = !json_is_null(next);
		part = more ? (enum gt_person_part)number(next, "part") : part;
		after = more ? number(next, "after") : 0;
		json_decref(v);
	}
	gt_person_free(&p);
	return all;
}

static void clear(void)
{
	sql("DELETE FROM record;DELETE FROM quarantine;DELETE FROM document;"
	    "DELETE FROM document_lost");
}

#define DOCUMENT                                                          \
	"(kind,agent,activity,registration,id,origin,epoch,seq,first_ms," \
	"updated_ms,gone,actor,type,body"
#define PUT(who)                                                          \
	"(1,'key of " who "','http://a','','" who "','33',x'00',1,0,1,0," \
	"'{\"mbox\":\"mailto:" who "@b.cn\"}','text/plain',CAST('3' AS BLOB)"

static int setup_documents(void **state)
{
	int status = setup(state);
	if (status == 0)
		sql(GT_SCHEMA_DOCUMENTS);
	return status;
}

static void is(const json_t *row, const char *part, const char *as)
{
	assert_string_equal(word(row, "part"), part);
	assert_string_equal(word(row, "as"), as);
}

static void in_every_place(void **state)
{
	size_t pages;
	(void)state;
	clear();
	add_record(1, 0, "");
	add_record(2, 0,
	           ",\"context\":{\"instructor\":{\"mbox\":"
	           "\"mailto:li@b.cn\"}}");
	add_record(3, 0,
	           ",\"context\":{\"extensions\":{\"http://e\":"
	           "\"asked LI@b.cn\"}}");
	sql("INSERT INTO "
	    "quarantine(qid,via,stream,origin_seq,id,form,origin_ms,"
	    "at_ms,reason,body) VALUES(7,'3301',1,4,x'00',x'00',1,2,'odd',"
	    "CAST('{\"actor\":{\"mbox\":\"mailto:li@b.cn\"}}' AS BLOB)),"
	    "(8,'3301',1,5,x'01',x'00',1,2,'odd',x'ff00'),"
	    "(9,'3301',1,6,x'02',x'00',1,2,'odd',CAST('li@b.cn {' AS BLOB))");
	sql("INSERT INTO document" DOCUMENT ",seen,stored_ms,up,size,etag)"
	    " VALUES" PUT("li") ",x'',5,0,1,'e')," PUT(
	            "wang") ",x'',5,0,1,'e')");
	sql("INSERT INTO document_lost" DOCUMENT
	    ",at_ms,won) VALUES" PUT("li") ",1,'33')");
	json_t *all = all_of("li@b.cn", &pages);
	assert_int_equal(pages, 1);
	assert_int_equal(json_array_size(all), 6);
	is(json_array_get(all, 0), "statement", "agent");
	is(json_array_get(all, 1), "statement", "text");
	is(json_array_get(all, 2), "quarantine", "agent");
	is(json_array_get(all, 3), "quarantine", "text");
	is(json_array_get(all, 4), "document", "agent");
	is(json_array_get(all, 5), "lost", "agent");
	assert_string_equal(word(json_array_get(all, 0), "id"),
	                    "00000000-0000-0000-0000-000000000002");
	assert_string_equal(word(json_array_get(all, 3), "body"), "li@b.cn {");
	assert_string_equal(word(json_array_get(all, 4), "name"), "li");
	json_decref(all);
	/* who vouched for a statement is in it too */
	all = all_of("lrs@33.cn", &pages);
	assert_int_equal(json_array_size(all), 3);
	json_decref(all);
	all = all_of("nobody@b.cn", &pages);
	assert_int_equal(json_array_size(all), 0);
	json_decref(all);
}

/* Each is found once, however the pages fall. */
static void page_by_page(void **state)
{
	enum { RECORDS = 4500 };
	size_t pages;
	(void)state;
	clear();
	sql("BEGIN");
	for (int i = 1; i <= RECORDS; i++)
		add_record(i, 0,
		           i % 10 ? ""
		                  : ",\"context\":{\"instructor\":{\"mbox\":"
		                    "\"mailto:li@b.cn\"}}");
	sql("COMMIT");
	json_t *all = all_of("mailto:li@b.cn", &pages);
	assert_int_equal(pages, 3);
	assert_int_equal(json_array_size(all), RECORDS / 10);
	for (size_t i = 0; i < RECORDS / 10; i++)
		assert_int_equal(number(json_array_get(all, i), "number"),
		                 number(json_array_get(all, 0), "number") +
		                         10 * (json_int_t)i);
	json_decref(all);
	all = all_of("a@b.cn", &pages);
	assert_int_equal(json_array_size(all), RECORDS);
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(in_every_place),
	        cmocka_unit_test(page_by_page),
	};
	return cmocka_run_group_tests(tests, setup_documents, teardown);
}
