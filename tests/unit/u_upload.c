/* u_upload.c: what a form of a page sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "upload.h"

#define FORM  "multipart/form-data; boundary=AaB03x"
#define FIRST "--AaB03x\r\nContent-Disposition: form-data; name=\"f\"; "
#define FILE_ \
	FIRST "filename=\"\xe8\xaf\x81.json\"\r\nContent-Type: a/b\r\n\r\n"
#define TEXT_ \
	"\r\n--AaB03x\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n"
#define LAST "\r\n--AaB03x--\r\n"

static void is(const char *type, const char *body, int status, const char *want)
{
	struct gt_buffer out = {0};
	assert_int_equal(gt_upload(&out, type, gt_bytes_str(body)), status);
	if (status == 0) {
		assert_int_equal(out.n, strlen(want));
		assert_memory_equal(out.p ? out.p : (const uint8_t *)"", want,
		                    out.n);
	}
	gt_buffer_free(&out);
}

static void forms(void **state)
{
	(void)state;
	is(FORM, FILE_ "{\"a\":1}" TEXT_ LAST, 0, "{\"a\":1}");
	is(FORM, FILE_ TEXT_ "{\"b\":1}" LAST, 0, "{\"b\":1}");
	is(FORM, FILE_ " \r\n" TEXT_ "{}" LAST, 0, "{}");
	is(FORM, FILE_ "{1}" TEXT_ "{2}" LAST, 0, "{1}");
	is(FORM, FILE_ TEXT_ LAST, 0, "");
	is("Multipart/Form-Data;charset=utf-8;boundary=\"AaB03x\"",
	   FILE_ "x" LAST, 0, "x");
}

static void the_thing_itself(void **state)
{
	(void)state;
	is(NULL, "{}", 0, "{}");
	is("application/json", "{}", 0, "{}");
	is("text/plain", "", 0, "");
}

static void what_is_not_whole(void **state)
{
	(void)state;
	is(FORM, "", -GT_EINVALID, "");
	is(FORM, FILE_ "{}", -GT_EINVALID, "");
	is(FORM, "{}", -GT_EINVALID, "");
	is("multipart/form-data", FILE_ "{}" LAST, -GT_EINVALID, "");
	is("multipart/mixed; boundary=AaB03x", FILE_ "{}" LAST, -GT_EINVALID,
	   "");
	char type[700] = FORM ";x=";
	memset(type + strlen(type), 'y', sizeof type - strlen(type) - 1);
	is(type, FILE_ "{}" LAST, -GT_EINVALID, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(forms),
	        cmocka_unit_test(the_thing_itself),
	        cmocka_unit_test(what_is_not_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
