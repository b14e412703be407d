/* u_read_audit.c: the audit trail, by what it is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/read_kit.h"

static const char *trail(struct gt_audit_query q)
{
	static char out[400];
	size_t n = 0, i;
	json_t *v = gt_read_audit(reader, &q), *row;
	if (!v)
		print_error("%s\n", gt_reader_why(reader));
	assert_non_null(v);
	out[0] = '\0';
	json_array_foreach(json_object_get(v, "rows"), i, row)
	{
		gt_format(out + n, sizeof out - n, "%s%lld", n ? " " : "",
		          (long long)number(row, "aid"));
		n += strlen(out + n);
	}
	if (!json_is_null(json_object_get(v, "next")))
		gt_format(out + n, sizeof out - n, " +%lld",
		          (long long)number(v, "next"));
	json_decref(v);
	return out;
}

#define TRAIL(...) trail((struct gt_audit_query){__VA_ARGS__})

static void audit(void **state)
{
	static const char *const row[][5] = {
	        /* actor, event, subject, peer, result */
	        {"33", "publish", "33/a", "", "ok"},
	        {"33", "judge", "33/a", "330106", "ok"},
	        {"user:li[1]", "withdraw", "33/c", "", "ok"},
	        {"3301", "receive", "33/c", "33", "DAMAGED"},
	        {"3301", "receive", "33/f", "33", "ok"},
	        {"33", "layer", "33", "", "ok"},
	};
	char text[500];
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		gt_format(text, sizeof text,
		          "INSERT INTO audit(at_ms,node,actor,event,kind,"
		          "subject,version,peer,verdict,rule,layer,result,"
		          "bytes,transfer,detail) VALUES(%zu,'3301','%s','%s',"
		          "'%s','%s',7,'%s','mirror','r','33','%s',5,'ab','d')",
		          1000 + i * 10, row[i][0], row[i][1],
		          i == 5 ? "layer" : "resource", row[i][2], row[i][3],
		          row[i][4]);
		sql(text);
	}
	assert_string_equal(TRAIL(0), "1 2 3 4 5 6");
	assert_string_equal(TRAIL(.from_ms = 1010), "2 3 4 5 6");
	assert_string_equal(TRAIL(.to_ms = 1010), "1");
	assert_string_equal(TRAIL(.from_ms = 1010, .to_ms = 1030), "2 3");
	assert_string_equal(TRAIL(.actor = "33"), "1 2 6");
	assert_string_equal(TRAIL(.actor = "33*"), "1 2 4 5 6");
	assert_string_equal(TRAIL(.actor = "user:li[1]"), "3");
	assert_string_equal(TRAIL(.subject = "33/c"), "3 4");
	assert_string_equal(TRAIL(.subject = "33/?"), "1 2 3 4 5");
	assert_string_equal(TRAIL(.subject = "33/c", .from_ms = 1025), "4");
	assert_string_equal(TRAIL(.peer = "3301*"), "2");
	assert_string_equal(TRAIL(.event = "receive", .result = "ok"), "5");
	assert_string_equal(TRAIL(.kind = "layer"), "6");
	assert_string_equal(TRAIL(.type = "course"), "1 2");
	assert_string_equal(TRAIL(.type = "video", .event = "re*"), "4");
	assert_string_equal(TRAIL(.limit = 2), "1 2 +2");
	assert_string_equal(TRAIL(.limit = 2, .after = 4), "5 6");
	assert_string_equal(TRAIL(.limit = 1, .subject = "33/a"), "1 +1");
	/* a hole larger than one scan */
	sql("INSERT INTO audit SELECT 1000000,at_ms,node,actor,event,kind,"
	    "subject,version,peer,verdict,rule,layer,result,bytes,transfer,"
	    "detail FROM audit WHERE aid=1");
	assert_string_equal(TRAIL(.event = "publish"), "1 1000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(audit),
	};
	return cmocka_run_group_tests_name("read_audit", tests, setup,
	                                   teardown);
}
