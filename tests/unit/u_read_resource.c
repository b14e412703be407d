/* u_read_resource.c: the catalogue and its objects, as readers see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/read_kit.h"

/* "a b c": the slugs listed, " +" when there is more. */
static const char *listed(struct gt_resource_query q)
{
	static char out[200];
	size_t n = 0;
	json_t *v = gt_read_resources(reader, &q), *row;
	size_t i;
	if (!v)
		print_error("%s\n", gt_reader_why(reader));
	assert_non_null(v);
	out[0] = '\0';
	json_array_foreach(json_object_get(v, "resources"), i, row)
	{
		gt_format(out + n, sizeof out - n, "%s%s", n ? " " : "",
		          word(row, "id") + 3);
		n += strlen(out + n);
	}
	if (!json_is_null(json_object_get(v, "next")))
		gt_format(out + n, sizeof out - n, " +%s", word(v, "next") + 3);
	json_decref(v);
	return out;
}

#define LISTED(...) listed((struct gt_resource_query){__VA_ARGS__})

static void listing(void **state)
{
	(void)state;
	assert_string_equal(LISTED(.verdict = -1), "a b c d e f g h i j k");
	assert_string_equal(LISTED(.verdict = -1, .type = "video"), "c d e");
	assert_string_equal(LISTED(.verdict = 2), "d e j");
	assert_string_equal(LISTED(.verdict = -1, .audience = "staff"), "b");
	assert_string_equal(LISTED(.verdict = -1, .subject = "law"), "");
	assert_string_equal(LISTED(.verdict = -1, .text = "33/C"), "c");
	assert_string_equal(LISTED(.verdict = 3, .text = "tItle OF"),
	                    "a b c h i k");
	assert_string_equal(LISTED(.verdict = 0, .text = t_phone), "g");
	assert_string_equal(LISTED(.verdict = -1, .limit = 3), "a b c +c");
	assert_string_equal(LISTED(.verdict = -1, .limit = 3, .after = "33/c"),
	                    "d e f +f");
	assert_string_equal(LISTED(.verdict = -1, .limit = 3, .after = "33/h"),
	                    "i j k");
	assert_string_equal(
	        LISTED(.verdict = -1, .limit = 1, .type = "video", .text = "d"),
	        "d");
}

static void states(void **state)
{
	(void)state;
	assert_string_equal(LISTED(.verdict = -1, .state = "withdrawn"), "h");
	assert_string_equal(LISTED(.verdict = -1, .state = "excluded"), "g");
	assert_string_equal(LISTED(.verdict = -1, .state = "listed"), "d f");
	assert_string_equal(LISTED(.verdict = -1, .state = "complete"), "a i");
	assert_string_equal(LISTED(.verdict = -1, .state = "partial"), "b k");
	assert_string_equal(LISTED(.verdict = -1, .state = "wanted"), "c e j");
}

static void one(void **state)
{
	(void)state;
	json_t *v = gt_read_resource(reader, "33/b");
	assert_non_null(v);
	assert_string_equal(word(v, "id"), "33/b");
	assert_string_equal(word(v, "verdict"), "mirror");
	assert_string_equal(word(v, "rule"), "a rule");
	assert_string_equal(word(v, "state"), "partial");
	assert_string_equal(word(v, "created"), "2026-11-22T22:27:37.120Z");
	assert_string_equal(word(json_object_get(v, "title"), "zh"), t_phone);
	assert_int_equal(number(v, "version"), 7);
	assert_int_equal(number(v, "present"), 1);
	assert_int_equal(number(v, "frames"), 4);
	assert_int_equal(number(v, "size"), 1000);
	assert_true(json_is_false(json_object_get(v, "own")));
	/* which those are is for who has the index to say */
	assert_null(json_object_get(v, "files"));
	json_decref(v);
	/* bytes that are no UTF-8 do not hide the row */
	v = gt_read_resource(reader, "33/i");
	assert_string_equal(word(json_object_get(v, "title"), "zh"), "??");
	assert_true(json_is_null(json_object_get(v, "object")));
	json_decref(v);
	v = gt_read_resource(reader, "33/none");
	assert_true(json_is_null(v));
	json_decref(v);
	/* what was retracted keeps its row and is as if it had never been */
	insert("INSERT INTO item(kind,id,seq,version,state,hash,signed,verdict,"
	       "priority,rule,layer,own,type,title,updated_ms) SELECT 1,?1,?4,"
	       "7,0,x'00',x'',0,50,'','',0,'','',0 WHERE ?2 IS NULL AND ?3 IS "
	       "NULL",
	       "33/retracted", (struct gt_bytes){0}, (struct gt_bytes){0});
	v = gt_read_resource(reader, "33/retracted");
	assert_true(json_is_null(v));
	json_decref(v);
}

static int served(const char *id, int *first)
{
	struct gt_id object = {0};
	int rc = gt_read_object(reader, id, &object);
	*first = object.b[0];
	return rc;
}

static void objects(void **state)
{
	static const struct {
		const char *id;
		int status, object;
	} row[] = {{"33/a", 0, 1},
	           {"33/b", -GT_EUNAVAILABLE, 0},
	           {"33/d", -GT_EUNAVAILABLE, 0},
	           {"33/f", -GT_EUNAVAILABLE, 0}, /* metadata: not to be kept */
	           {"33/g", -GT_EUNKNOWN, 0},
	           {"33/h", -GT_EUNKNOWN, 0},
	           {"33/i", -GT_EUNAVAILABLE, 0},
	           {"33/none", -GT_EUNKNOWN, 0}};
	int first;
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		assert_int_equal(served(row[i].id, &first), row[i].status);
		assert_int_equal(first, row[i].object);
	}
	assert_int_equal(held(1), 0);
	for (int i = 2; i < 8; i++)
		assert_int_equal(held(i), -GT_EUNKNOWN);
	/* the older version goes on being served */
	sql("UPDATE item SET prior=(SELECT id FROM object WHERE state=4)"
	    " WHERE id='33/b'");
	assert_int_equal(served("33/b", &first), 0);
	assert_int_equal(first, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(listing),
	        cmocka_unit_test(states),
	        cmocka_unit_test(one),
	        cmocka_unit_test(objects),
	};
	return cmocka_run_group_tests_name("read_resource", tests, setup,
	                                   teardown);
}
