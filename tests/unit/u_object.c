/* u_object.c: objects made, opened by stock tools, checked, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/object_kit.h"

/* ---------------------------------------------------------------- the paths */

static void paths(void **state)
{
	static const struct {
		const char *path;
		enum gt_path_fault fault;
	} rows[] = {
	        {"a", GT_PATH_FINE},
	        {"课程/第一讲/讲义 (最终).pdf", GT_PATH_FINE},
	        {"...", GT_PATH_FINE},
	        {".hidden", GT_PATH_FINE},
	        {"a/..b/c", GT_PATH_FINE},
	        {"caf\xc3\xa9", GT_PATH_FINE},  /* composed */
	        {"\xef\xa8\x8e", GT_PATH_FINE}, /* U+FA0E: unified after all */
	        {"m\xcc\x80", GT_PATH_FINE},    /* m + grave: no such letter */
	        {"", GT_PATH_EMPTY},
	        {"/etc/passwd", GT_PATH_ABSOLUTE},
	        {"a//b", GT_PATH_COMPONENT},
	        {"a/", GT_PATH_COMPONENT},
	        {".", GT_PATH_DOT},
	        {"a/./b", GT_PATH_DOT},
	        {"..", GT_PATH_ESCAPE},
	        {"a/../../etc", GT_PATH_ESCAPE},
	        {"a/..", GT_PATH_ESCAPE},
	        {"a\\b", GT_PATH_BACKSLASH},
	        {"a\nb", GT_PATH_CONTROL},
	        {"a\x7f", GT_PATH_CONTROL},
	        {"a\xc2\x85", GT_PATH_CONTROL},            /* C1 */
	        {"a\xe2\x80\xaetxt.exe", GT_PATH_CONTROL}, /* bidi override */
	        {"a\xe2\x80\xa8", GT_PATH_CONTROL},        /* line separator */
	        {"\xff", GT_PATH_UTF8},
	        {"\xc0\xaf", GT_PATH_UTF8},         /* overlong slash */
	        {"\xe0\x80\xaf", GT_PATH_UTF8},     /* overlong, longer */
	        {"\xed\xa0\x80", GT_PATH_UTF8},     /* surrogate */
	        {"\xf4\x90\x80\x80", GT_PATH_UTF8}, /* beyond Unicode */
	        {"\xe8\xaf", GT_PATH_UTF8},         /* cut short */
	        {"\xbf\xce\xb3\xcc", GT_PATH_UTF8}, /* GBK: 课程 */
	        {"cafe\xcc\x81", GT_PATH_NFC},      /* e + acute */
	        {"\xe3\x81\x8b\xe3\x82\x99", GT_PATH_NFC}, /* ka + voicing */
	        {"\xe3\x83\x8f\xe3\x82\x9a",
	         GT_PATH_NFC}, /* ha + half voicing */
	        {"\xe1\x84\x80\xe1\x85\xa1", GT_PATH_NFC}, /* jamo */
	        {"\xea\xb0\x80\xe1\x86\xa8", GT_PATH_NFC}, /* LV + T */
	        {"\xe2\x84\xab", GT_PATH_NFC},             /* angstrom sign */
	        {"\xef\xa4\x80", GT_PATH_NFC},             /* U+F900 */
	        {"\xf0\xaf\xa0\x80", GT_PATH_NFC},         /* U+2F800 */
	};
	char longest[GT_PATH_MAX + 2];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum gt_path_fault f =
		        gt_path_check(rows[i].path, strlen(rows[i].path));
		if (f != rows[i].fault)
			fail_msg("row %zu %s: %d", i, rows[i].path, (int)f);
		assert_true((f == GT_PATH_FINE) ==
		            (gt_path_refusal(rows[i].path,
		                             strlen(rows[i].path)) == NULL));
	}
	assert_int_equal(gt_path_check("a\0b", 3), GT_PATH_CONTROL);
	memset(longest, 'a', sizeof longest);
	for (size_t i = 200; i < sizeof longest; i += 200)
		longest[i] = '/';
	assert_int_equal(gt_path_check(longest, GT_PATH_MAX), GT_PATH_FINE);
	assert_int_equal(gt_path_check(longest, GT_PATH_MAX + 1), GT_PATH_LONG);
	longest[200] = 'a';
	assert_int_equal(gt_path_check(longest, 399), GT_PATH_NAME_LONG);
}

static void shown(void **state)
{
	char out[GT_PATH_SHOWN], big[1000];
	(void)state;
	assert_string_equal(gt_path_show(out, "课\n\"\xff", 6),
	                    "\"课\\x0a\\x22\\xff\"");
	for (size_t n = 0; n < sizeof big; n++) {
		memset(big, n % 2 ? 1 : 'x', sizeof big);
		gt_path_show(out, big, n);
		assert_true(strlen(out) < sizeof out);
		assert_int_equal(out[strlen(out) - 1], '"');
	}
}

static void media_types(void **state)
{
	(void)state;
	assert_string_equal(gt_media_type("a/b.HTML"), "text/html");
	assert_string_equal(gt_media_type("b.d/a"), "application/octet-stream");
	assert_string_equal(gt_media_type("讲义.pdf"), "application/pdf");
	assert_true(gt_media_type_valid("text/plain; charset=gbk", 23));
	assert_false(gt_media_type_valid("text/plain\r\nX: y", 16));
	assert_false(gt_media_type_valid("text", 4));
	assert_false(gt_media_type_valid("text/", 5));
	assert_false(gt_media_type_valid("/x", 2));
	assert_false(gt_media_type_valid("", 0));
}

/* --------------------------------------------------------------- round trip */

/* Members by the naive model: the manifest's numbers against the bytes. */
static void assert_same(const struct pack *p, const struct gt_manifest *m)
{
	uint8_t *plain = inflate_all(p, m);
	assert_int_equal(m->nfiles, p->n);
	for (uint32_t i = 0; i < m->nfiles; i++) {
		assert_string_equal(m->files[i].path, p->members[i].path);
		assert_int_equal(m->files[i].size, p->members[i].n);
		if (p->members[i].n > 0)
			assert_memory_equal(plain + m->files[i].offset,
			                    p->members[i].p, p->members[i].n);
		assert_int_equal(gt_manifest_find(m, m->files[i].path), i);
	}
	free(plain);
}

static void random_packages(void **state)
{
	char why[300];
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct pack p, again;
		struct gt_manifest *m;
		pack_random(&p, seed, 3, 0);
		pack_random(&again, seed, 3, seed + 1);
		if (!gt_id_eq(&p.object, &again.object) ||
		    !gt_bytes_eq(gt_bytes_of(p.out, p.out_n),
		                 gt_bytes_of(again.out, again.out_n)))
			fail_msg("seed %d: two packings differ", (int)seed);
		m = pack_manifest(&p);
		assert_int_equal(m->file_size, p.out_n);
		assert_int_equal(m->file_size, p.stored);
		assert_int_equal(m->plain_at[m->nframes], p.plain);
		assert_int_equal(
		        gt_object_check(m, true, read_pack, &p, why, 300), 0);
		assert_int_equal(
		        gt_object_check(m, false, read_pack, &p, why, 300), 0);
		assert_same(&p, m);
		gt_manifest_free(m);
		pack_clear(&p);
		pack_clear(&again);
	}
}

/* Every frame holds the plain bytes its numbers say, and members of
 * GT_FRAME_PLAIN_MIN and more begin and end with a frame. */
static void ranges(void **state)
{
	struct pack p;
	struct gt_manifest *m;
	(void)state;
	pack_random(&p, 7, 5, 0);
	m = pack_manifest(&p);
	for (uint32_t i = 0; i < m->nframes; i++) {
		assert_int_equal(gt_manifest_frame_at(m, m->plain_at[i]), i);
		assert_int_equal(
		        gt_manifest_frame_at(m, m->plain_at[i + 1] - 1), i);
	}
	for (uint32_t i = 0; i < m->nfiles; i++) {
		const struct gt_file *f = &m->files[i];
		if (f->size < GT_FRAME_PLAIN_MIN)
			continue;
		uint32_t a = gt_manifest_frame_at(m, f->offset);
		uint32_t b = gt_manifest_frame_at(m, f->offset + f->size);
		assert_int_equal(m->plain_at[a], f->offset);
		assert_int_equal(m->plain_at[b], f->offset + f->size);
	}
	gt_manifest_free(m);
	pack_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(paths),
	        cmocka_unit_test(shown),
	        cmocka_unit_test(media_types),
	        cmocka_unit_test(random_packages),
	        cmocka_unit_test(ranges),
	};
	return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
