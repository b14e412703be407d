/* u_multipart.c: bodies of several parts, read in pieces of every size, and
 * written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "multipart.h"

/* What was met, as text: "[type|encoding|hash]bytes." for each part. */
struct seen {
	struct gt_buffer text;
	int refuse_part; /* the part with this number is refused; 0: none */
	int parts;
};

static int on_part(void *arg, const struct gt_part *p)
{
	struct seen *s = arg;
	if (++s->parts == s->refuse_part)
		return -GT_ENOSPACE;
	gt_buffer_format(&s->text, "[%s|%s|%s]", p->type, p->encoding, p->hash);
	return 0;
}

static int on_bytes(void *arg, struct gt_bytes piece)
{
	struct seen *s = arg;
	assert_true(piece.n > 0);
	gt_buffer_add(&s->text, piece.p, piece.n);
	return 0;
}

static int on_end(void *arg)
{
	struct seen *s = arg;
	gt_buffer_str(&s->text, ".");
	return 0;
}

static const struct gt_multipart_events events = {on_part, on_bytes, on_end};

/* Reads in pieces of `step`; *why: as the reader left it. */
static int read_by(struct seen *s, const char *boundary, struct gt_bytes in,
                   size_t step, const char **why)
{
	struct gt_multipart m;
	int status = 0;
	gt_multipart_begin(&m, boundary, &events, s);
	for (size_t at = 0; status == 0 && at < in.n; at += step) {
		size_t n = in.n - at < step ? in.n - at : step;
		status = gt_multipart_feed(&m, gt_bytes_of(in.p + at, n));
	}
	if (status == 0)
		status = gt_multipart_end(&m);
	*why = m.why;
	gt_multipart_free(&m);
	return status;
}

static void expect(const char *body, const char *seen)
{
	struct gt_bytes in = gt_bytes_str(body);
	for (size_t step = 1; step <= in.n; step++) {
		struct seen s = {0};
		const char *why;
		assert_int_equal(read_by(&s, "B", in, step, &why), 0);
		gt_buffer_add(&s.text, "", 1);
		assert_string_equal((const char *)s.text.p, seen);
		gt_buffer_free(&s.text);
	}
}

static void expect_refused(const char *body, int code, const char *why)
{
	struct gt_bytes in = gt_bytes_str(body);
	for (size_t step = 1; step <= in.n; step++) {
		struct seen s = {0};
		const char *said;
		assert_int_equal(read_by(&s, "B", in, step, &said), code);
		assert_string_equal(said, why);
		gt_buffer_free(&s.text);
	}
}

#define JSON "Content-Type: application/json\r\n\r\n"

static void parts(void **state)
{
	(void)state;
	expect("--B\r\n" JSON "{}\r\n--B--", "[application/json||]{}.");
	expect("\r\n--B\r\n" JSON "{}\r\n--B--\r\nafter",
	       "[application/json||]{}.");
	expect("before\r\n--B \t\r\n" JSON "{}\r\n--B\r\n"
	       "content-TYPE:text/plain\r\nX-Other: 1\r\n"
	       "Content-transfer-encoding:  binary \r\n"
	       "x-experience-api-HASH:abc\r\n\r\nhere\r\n--B--\r\n",
	       "[application/json||]{}.[text/plain|binary|abc]here.");
	/* a folded line */
	expect("--B\r\nContent-Type: text/plain;\r\n charset=ascii\r\n\r\nx"
	       "\r\n--B--",
	       "[text/plain;   charset=ascii||]x.");
	/* no head, no bytes */
	expect("--B\r\n\r\nx\r\n--B\r\n\r\n\r\n--B\r\n\r\n--B--",
	       "[||]x.[||].[||].");
}

/* What looks like the beginning of a boundary and is none. */
static void nearly_boundaries(void **state)
{
	(void)state;
	expect("--B\r\n\r\n\r\r\n\r\n-\r\n--\r\n--C\r\n--B--",
	       "[||]\r\r\n\r\n-\r\n--\r\n--C.");
	expect("--B\r\n\r\nx--B\r\n--B--", "[||]x--B.");
}

static void refused(void **state)
{
	(void)state;
	expect_refused("{}", -GT_EINVALID,
	               "the boundary that Content-Type names is not in the "
	               "body");
	expect_refused("--B\r\n" JSON "{}", -GT_EINVALID,
	               "the boundary that ends the body is missing");
	expect_refused("--B\r\n" JSON "{}\r\n--B", -GT_EINVALID,
	               "the boundary that ends the body is missing");
	expect_refused("--B\r\n" JSON "{}\r\n--B-x", -GT_EINVALID,
	               "the line of a boundary does not end with it");
	expect_refused("--B\r\n" JSON "{}\r\n--BC\r\n\r\n\r\n--B--",
	               -GT_EINVALID,
	               "the line of a boundary does not end with it");
	expect_refused("--B\r\nContent-Type\r\n\r\n\r\n--B--", -GT_EINVALID,
	               "a line in a part's head has no name");
	expect_refused("--B\r\nContent-Type: a/b\r\ncontent-type: a/b\r\n\r\n"
	               "\r\n--B--",
	               -GT_EINVALID, "a part has a field of its head twice");
	expect_refused("--B\r\nContent-Type: a\x01\r\n\r\n\r\n--B--",
	               -GT_EINVALID, "control characters in a part's head");
}

static void limits(void **state)
{
	(void)state;
	struct gt_buffer b = {0};
	struct seen s = {0};
	const char *why;
	gt_buffer_str(&b, "--B\r\nX-Hash: ");
	for (size_t i = 0; i < GT_PART_HEAD_MAX; i++)
		gt_buffer_str(&b, "a");
	gt_buffer_str(&b, "\r\n\r\n\r\n--B--");
	assert_int_equal(read_by(&s, "B", gt_buffer_bytes(&b), 7, &why),
	                 -GT_ELIMIT);
	assert_string_equal(why, "a part's head is too long");
	b.n = 0;
	gt_buffer_str(&b, "--B\r\nContent-Type: ");
	for (size_t i = 0; i < GT_PART_FIELD_MAX; i++)
		gt_buffer_str(&b, "a");
	gt_buffer_str(&b, "\r\n\r\n\r\n--B--");
	assert_int_equal(read_by(&s, "B", gt_buffer_bytes(&b), b.n, &why),
	                 -GT_ELIMIT);
	assert_string_equal(why, "a field of a part's head is too long");
	gt_buffer_free(&b);
	gt_buffer_free(&s.text);
}

/* What an event says is what the reader says. */
static void stopped(void **state)
{
	(void)state;
	struct seen s = {.refuse_part = 2};
	const char *why;
	struct gt_bytes in = gt_bytes_str("--B\r\n\r\nx\r\n--B\r\n\r\ny\r\n--B"
	                                  "--");
	assert_int_equal(read_by(&s, "B", in, in.n, &why), -GT_ENOSPACE);
	assert_null(why);
	gt_buffer_free(&s.text);
}

static void boundaries(void **state)
{
	(void)state;
	static const struct {
		const char *type, *boundary;
	} rows[] = {
	        {"multipart/mixed; boundary=abc", "abc"},
	        {"Multipart/Mixed;charset=utf-8;BOUNDARY=\"a b'c\"", "a b'c"},
	        {"multipart/mixed; boundary=-------314159265358979323846",
	         "-------314159265358979323846"},
	        {"multipart/mixed; boundary=a; x=y", "a"},
	        {"multipart/mixed;", NULL},
	        {"multipart/mixed", NULL},
	        {"multipart/mixed; boundary=", NULL},
	        {"multipart/mixed; boundary=\"a", NULL},
	        {"multipart/mixed; boundary=\"a \"", NULL},
	        {"multipart/mixed; boundary=\"a\x01\"", NULL},
	        {"multipart/mixedx; boundary=a", NULL},
	        {"multipart/form-data; boundary=a", NULL},
	        {"application/json", NULL},
	        {"", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[GT_BOUNDARY_MAX + 1];
		bool is = gt_multipart_boundary(out, rows[i].type);
		assert_int_equal(is, rows[i].boundary != NULL);
		if (is)
			assert_string_equal(out, rows[i].boundary);
	}
	char longest[128] = "multipart/mixed; boundary=", out[71];
	size_t n = strlen(longest);
	memset(longest + n, 'x', 70);
	assert_true(gt_multipart_boundary(out, longest));
	longest[n + 70] = 'x';
	assert_false(gt_multipart_boundary(out, longest));
	assert_true(gt_multipart_is("MULTIPART/form-data"));
	assert_false(gt_multipart_is("application/json"));
}

/* What is written is read back. */
static void written(void **state)
{
	(void)state;
	struct gt_buffer b = {0};
	gt_multipart_put(&b, "B", true, "application/json", "");
	gt_buffer_str(&b, "{}");
	gt_multipart_put(&b, "B", false, "text/plain", "00ff");
	gt_buffer_add(&b, "\r\n--\0", 5);
	gt_multipart_close(&b, "B");
	struct seen s = {0};
	const char *why;
	assert_int_equal(read_by(&s, "B", gt_buffer_bytes(&b), 3, &why), 0);
	static const char want[] = "[application/json||]{}."
	                           "[text/plain|binary|00ff]\r\n--\0.";
	assert_int_equal(s.text.n, sizeof want - 1);
	assert_memory_equal(s.text.p, want, sizeof want - 1);
	gt_buffer_free(&b);
	gt_buffer_free(&s.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(parts),   cmocka_unit_test(nearly_boundaries),
	        cmocka_unit_test(refused), cmocka_unit_test(limits),
	        cmocka_unit_test(stopped), cmocka_unit_test(boundaries),
	        cmocka_unit_test(written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
