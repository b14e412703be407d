/* u_counted.c: a cell as a statement, and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "counted.h"
#include "error.h"
#include "identity.h"
#include "statement.h"

static const uint8_t id[GT_UUID_BYTES] = {0x11, 0, 0, 0, 0, 0, 0x40, 0, 0x80};
static const struct gt_group_cell cell = {
        .verb = "http://adlnet.gov/expapi/verbs/completed",
        .activity = "https://xuexi.example.cn/33/first-lesson",
        .month = "2026-11",
        .statements = 40,
        .learners = 12};

static char *write(const struct gt_group_cell *c)
{
	struct gt_buffer out = {0};
	assert_int_equal(gt_counted_write(&out, id, "330106", c), 0);
	char *text = gt_buffer_text(&out, NULL);
	assert_non_null(text);
	return text;
}

static int look(const char *text, const char *code, struct gt_counted *out)
{
	json_t *v = gt_json_load(gt_bytes_str(text), GT_JSON_STRICT, NULL);
	assert_non_null(v);
	int status = gt_counted_read(out, v, gt_bytes_str(text), id, code);
	if (status == 0) { /* its texts go with v */
		out->cell.verb = out->cell.activity = "";
	}
	json_decref(v);
	return status;
}

static void what_is_written_is_a_statement_that_names_nobody(void **state)
{
	(void)state;
	struct gt_statement s;
	struct gt_counted is;
	char why[256];
	char *text = write(&cell);
	assert_int_equal(gt_statements_parse(gt_bytes_str(text), GT_XAPI_ANY,
	                                     NULL, 0, &s, 1, why, sizeof why),
	                 1);
	assert_memory_equal(s.id, id, sizeof id);
	json_t *v = gt_json_load(gt_bytes_str(text), GT_JSON_STRICT, NULL);
	assert_true(gt_identity_is_bare(v));
	assert_string_equal(gt_counted_verb(v), cell.verb);
	assert_int_equal(
	        gt_counted_read(&is, v, gt_bytes_str(text), id, "330106"), 0);
	assert_string_equal(is.cell.verb, cell.verb);
	assert_string_equal(is.cell.activity, cell.activity);
	assert_string_equal(is.month, "2026-11");
	assert_int_equal(is.cell.statements, 40);
	assert_int_equal(is.cell.learners, 12);
	json_decref(v);
	free(text);
	struct gt_group_cell several = cell;
	several.activity = "";
	text = write(&several);
	v = gt_json_load(gt_bytes_str(text), GT_JSON_STRICT, NULL);
	assert_int_equal(
	        gt_counted_read(&is, v, gt_bytes_str(text), id, "330106"), 0);
	assert_string_equal(is.cell.activity, "");
	json_decref(v);
	free(text);
}

static void replace(char *text, const char *a, const char *b)
{
	char *at = strstr(text, a);
	assert_non_null(at);
	assert_int_equal(strlen(a), strlen(b));
	memcpy(at, b, strlen(b));
}

static void what_only_looks_like_one_is_none(void **state)
{
	(void)state;
	static const char *const changes[][2] = {
	        {"learners:12", "learners:x2"},
	        {"learners:12", "learners:02"},
	        {"\"raw\":40", "\"raw\":-4"},
	        {"verb:counted", "verb:bounted"},
	        {"node/330106", "node/330108"},
	        {"16:00:00.000Z", "16:00:01.000Z"},
	        {"\"other\"", "\"ather\""},
	        {"\"Agent\"", "\"Group\""},
	        {"\"score\"", "\"scora\""},
	};
	struct gt_counted is;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		char *text = write(&cell);
		assert_int_equal(look(text, "330106", &is), 0);
		assert_int_equal(look(text, "3301", &is), -GT_EINVALID);
		replace(text, changes[i][0], changes[i][1]);
		assert_int_equal(look(text, "330106", &is), -GT_EINVALID);
		free(text);
	}
	/* more than is said: a member, white space */
	char *text = write(&cell), more[2000];
	gt_format(more, sizeof more, "%.*s,\"version\":\"1.0.0\"}",
	          (int)strlen(text) - 1, text);
	assert_int_equal(look(more, "330106", &is), -GT_EINVALID);
	gt_format(more, sizeof more, " %s", text);
	assert_int_equal(look(more, "330106", &is), -GT_EINVALID);
	assert_int_equal(look("{}", "330106", &is), -GT_EINVALID);
	free(text);
}

static void a_month_that_is_none_is_refused(void **state)
{
	(void)state;
	struct gt_buffer out = {0};
	struct gt_group_cell bad = cell;
	bad.month = "2026-13";
	assert_int_equal(gt_counted_write(&out, id, "330106", &bad),
	                 -GT_ELIMIT);
	gt_buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(
	                what_is_written_is_a_statement_that_names_nobody),
	        cmocka_unit_test(what_only_looks_like_one_is_none),
	        cmocka_unit_test(a_month_that_is_none_is_refused),
	};
	return cmocka_run_group_tests_name("counted", tests, NULL, NULL);
}
