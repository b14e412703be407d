/* u_read_policy.c: why a verdict is what it is; layers and members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/read_kit.h"

static const char *explain(const char *id, const char *code)
{
	static char out[400];
	size_t n = 0, i;
	json_t *v = gt_read_explain(reader, id, code, 1795386457000), *hop;
	assert_non_null(v);
	json_array_foreach(json_object_get(v, "hops"), i, hop)
	{
		json_t *layers = json_object_get(hop, "layers");
		gt_format(out + n, sizeof out - n, "%s:%s/%s:%zu ",
		          word(hop, "code"), word(hop, "verdict"),
		          word(hop, "effective"), json_array_size(layers));
		n += strlen(out + n);
	}
	gt_format(out + n, sizeof out - n, "known %s", word(v, "known_below"));
	json_decref(v);
	return out;
}

static void explained(void **state)
{
	(void)state;
	add_layers();
	/* where there is no node nothing passes, and nothing is held back */
	assert_string_equal(explain("33/b", "330106109"),
	                    "3301:mirror/mirror:1 330106109:mirror/mirror:2 "
	                    "known 3301");
	enrol("33", "", false, true);
	enrol("330106", "", false, false);
	assert_string_equal(explain("33/b", "330106109"),
	                    "33:mirror/mirror:0 3301:mirror/mirror:1 "
	                    "330106109:mirror/mirror:2 known 3301");
	sql("DELETE FROM item WHERE kind=3 AND id='330106'");
	enrol("330106", "", false, true);
	assert_string_equal(explain("33/b", "330106109"),
	                    "33:mirror/mirror:0 3301:mirror/mirror:1 "
	                    "330106:deny/deny:2 330106109:mirror/deny:2 "
	                    "known 330106");
	assert_string_equal(explain("33/a", "330106"),
	                    "33:mirror/mirror:0 3301:mirror/mirror:1 "
	                    "330106:on-demand/on-demand:2 known 330106");
	assert_string_equal(explain("33/a", "330106-b"),
	                    "33:mirror/mirror:0 3301:mirror/mirror:1 "
	                    "330106-b:on-demand/on-demand:2 known 3301");
	assert_string_equal(explain("33/a", "3302"),
	                    "33:mirror/mirror:0 3302:mirror/mirror:1 "
	                    "known 33");
	json_t *v = gt_read_explain(reader, "33/b", "330106", 0);
	json_t *hop = json_array_get(json_object_get(v, "hops"), 0);
	assert_true(json_is_true(json_object_get(hop, "own")));
	hop = json_array_get(json_object_get(v, "hops"), 2);
	assert_null(json_object_get(hop, "own"));
	json_t *layer = json_array_get(json_object_get(hop, "layers"), 0);
	assert_string_equal(word(layer, "rule"), "no staff");
	assert_string_equal(word(layer, "layer"), "33");
	assert_int_equal(number(layer, "version"), 3);
	assert_int_equal(number(layer, "priority"), 60);
	json_decref(v);
	v = gt_read_explain(reader, "33/none", "3301", 0);
	assert_true(json_is_null(v));
	json_decref(v);
	assert_null(gt_read_explain(reader, "33/a", "3", 0));
	assert_string_equal(gt_reader_why(reader), "not a division code");
	sql("DELETE FROM item WHERE kind=3");
}

/* What was published at the county itself starts there, and is there whatever a
 * rule of above says of counties. */
static void own_explained(void **state)
{
	static char id[] = "330106/xian", publisher[] = "330106",
	            type[] = "course", staff[] = "staff";
	char *audiences[] = {staff};
	Gt__Entry e;
	(void)state;
	gt__entry__init(&e);
	e.id = id;
	e.version = 1;
	e.publisher = publisher;
	e.type = type;
	e.audiences = audiences;
	e.n_audiences = 1;
	insert("UPDATE item SET signed=?2 WHERE kind=1 AND id=?1", "33/b",
	       sealed(GT__KIND__RESOURCE, &e.base), (struct gt_bytes){0});
	enrol("33", "", false, true);
	enrol("330106", "", false, true);
	assert_string_equal(explain("33/b", "330106"),
	                    "330106:mirror/mirror:0 known 330106");
	assert_string_equal(explain("33/b", "330106109"),
	                    "330106:mirror/mirror:0 330106109:mirror/mirror:2 "
	                    "known 330106");
	sql("DELETE FROM item WHERE kind=3");
}

static void documents(void **state)
{
	(void)state;
	add_member();
	json_t *v = gt_read_layers(reader);
	json_t *row = json_array_get(json_object_get(v, "layers"), 0);
	assert_string_equal(word(row, "origin"), "33");
	assert_string_equal(word(row, "fallback"), "mirror");
	assert_int_equal(number(row, "rules"), 1);
	assert_int_equal(number(row, "demands"), 0);
	json_decref(v);
	char name[40];
	assert_true(gt_read_name(reader, "33-nju", name, sizeof name));
	sql("INSERT INTO child(code,judged_members,judged,vseq,acked,records,"
	    "rooted,seen_ms) VALUES('33-nju',0,0,0,0,0,0,0)");
	v = gt_read_names(reader);
	/* of the children; the other one nobody named */
	assert_int_equal(json_object_size(v), 1);
	assert_string_equal(word(v, "33-nju"), name);
	json_decref(v);
	v = gt_read_members(reader);
	row = json_array_get(json_object_get(v, "members"), 0);
	assert_string_equal(word(row, "code"), "33-nju");
	assert_string_equal(word(row, "standing"), "revoked");
	assert_true(json_is_true(json_object_get(row, "publisher")));
	json_decref(v);
}

/* "n: code code", of the node that asks: 3301. */
static const char *never(size_t limit)
{
	static char out[400];
	size_t i;
	json_t *v = gt_read_never(reader, limit), *row;
	assert_non_null(v);
	gt_format(out, sizeof out, "%d:", (int)number(v, "count"));
	json_array_foreach(json_object_get(v, "first"), i, row)
	{
		size_t n = strlen(out);
		gt_format(out + n, sizeof out - n, " %s", word(row, "code"));
	}
	json_decref(v);
	return out;
}

static void children_that_never_came(void **state)
{
	(void)state;
	sql("DELETE FROM item WHERE kind=3");
	sql("DELETE FROM child");
	assert_string_equal(never(9), "0:");
	enrol_under("33", "", "", false, true);
	enrol_under("3301", "", "33", false, true);
	enrol_under("3302", "", "33", false, true);
	enrol_under("330106", "", "3301", false, true);
	enrol_under("330106-b", "", "3301", false, true);
	/* theirs, publishers, and who is struck off */
	enrol_under("330106109", "", "330106", false, true);
	enrol_under("330106109210", "", "330106109", false, true);
	enrol_under("3301-p", "", "", true, true);
	enrol_under("330107", "", "3301", false, false);
	/* rows that name nobody: the one below 330106 is its, the next ours */
	enrol_under("330106110", "", "", false, true);
	enrol_under("330108109", "", "", false, true);
	assert_string_equal(never(9), "3: 330106 330106-b 330108109");
	assert_string_equal(never(1), "3: 330106");
	assert_string_equal(never(0), "3:");
	sql("INSERT INTO child(code,judged_members,judged,vseq,acked,records,"
	    "rooted,seen_ms) VALUES('330106',0,0,0,0,0,0,0)");
	assert_string_equal(never(9), "2: 330106-b 330108109");
	sql("DELETE FROM item WHERE kind=3");
	sql("DELETE FROM child");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(explained),
	        cmocka_unit_test(own_explained),
	        cmocka_unit_test(documents),
	        cmocka_unit_test(children_that_never_came),
	};
	return cmocka_run_group_tests_name("read_policy", tests, setup,
	                                   teardown);
}
