/* u_http_media.c: media types as they are sent, and which may run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_media.h"

static void in_small_letters(void **state)
{
	static const struct {
		const char *type, *served;
	} rows[] = {
	        {"text/HTML", "text/html"},
	        {"Text/Plain; charset=GB18030", "text/plain; charset=GB18030"},
	        {"text/plain;charset=utf-8; x=y",
	         "text/plain;charset=utf-8; x=y"},
	        {"text/plain; charset", "text/plain"},
	        {"text/plain; =a", "text/plain"},
	        {"text/plain; a=", "text/plain"},
	        {"text/plain ; a=b c", "application/octet-stream"},
	        {"text/plain;;", "text/plain"},
	        {"", "application/octet-stream"},
	        {"text", "application/octet-stream"},
	        {"text/html\r\nX: y", "application/octet-stream"},
	        {"text/html, text/plain", "application/octet-stream"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char served[GT_MEDIA_SERVED];
		gt_http_media(served, rows[i].type);
		assert_string_equal(served, rows[i].served);
	}
}

/* Every type the packer gives is decided on purpose; so is whatever a browser
 * would take for a document with scripts. */
static void the_list(void **state)
{
	static const char *const shown[] = {
	        "x.css", "x.js",  "x.json", "x.wasm", "x.woff2", "x.png",
	        "x.jpg", "x.mp4", "x.mp3",  "x.vtt",  "x.txt",   "x.pdf",
	        "x.zip", "x.bin", "x.csv",  "x.ico"};
	static const char *const held[] = {"text/html",
	                                   "text/HTML",
	                                   "application/xhtml+xml",
	                                   "image/svg+xml",
	                                   "text/xsl",
	                                   "text/xml",
	                                   "application/xml",
	                                   "application/rss+xml",
	                                   "application/mathml+xml",
	                                   "multipart/related",
	                                   "message/rfc822",
	                                   "application/x-shockwave-flash",
	                                   "text/html;charset=x",
	                                   "text/htm",
	                                   "text/x-component",
	                                   "audio/",
	                                   "image/png+xml",
	                                   "image/",
	                                   "text/plainx",
	                                   "application/vnd.wap.xhtml+xml"};
	char served[GT_MEDIA_SERVED];
	(void)state;
	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
		gt_http_media(served, gt_media_type(shown[i]));
		if (!gt_http_inert(served))
			print_error("%s\n", served);
		assert_true(gt_http_inert(served));
	}
	for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
		gt_media_type_lower(served, held[i]);
		if (gt_http_inert(served))
			print_error("%s\n", served);
		assert_false(gt_http_inert(served));
	}
	assert_true(gt_http_page("text/html"));
	assert_true(gt_http_page("text/html; charset=utf-8"));
	assert_true(gt_http_page("application/xhtml+xml"));
	assert_false(gt_http_page("text/htm"));
	assert_false(gt_http_page("text/htmlx"));
	assert_false(gt_http_page("image/svg+xml"));
	assert_true(gt_http_inert("text/plain; charset=utf-8"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(in_small_letters),
	        cmocka_unit_test(the_list),
	};
	return cmocka_run_group_tests_name("http media", tests, NULL, NULL);
}
