/* u_start.c: which member is opened first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "start.h"
#include "unit/index_kit.h"

enum { NONE = -1 };

/* The members of a package, in order, and what is opened first of it: by
 * index. Both ways of asking must agree. */
static const struct {
	const char *members[6], *named;
	int first;
} rows[] = {
        {{"b.mp4"}, "", 0},
        {{"b.mp4"}, "b.mp4", 0},
        {{"b.mp4"}, "c.mp4", 0},
        {{"b.mp4", "c.mp4"}, "", NONE},
        {{"b.mp4", "c.mp4"}, "c.mp4", 1},
        {{"b.mp4", "c.mp4"}, "d.mp4", NONE},
        {{"a.js", "index.html"}, "", 1},
        {{"a.js", "index.html"}, "a.js", 0},
        {{"a.js", "index.html"}, "nofile.html", 1},
        {{"INDEX.HTM", "a", "index.htm"}, "", 2},
        {{"INDEX.HTM", "a"}, "", 0},
        {{"Index.htm", "index.htm", "index.html"}, "", 2},
        {{"a/index.html", "b/index.html"}, "", NONE},
        {{"index.html.bak", "xindex.html"}, "", NONE},
        {{"INDEX.html", "b"}, "", NONE}, /* nobody writes it so */
};

static int first_of(const struct pack *p, const char *named)
{
	struct kit_index k;
	struct gt_index_cursor c;
	struct gt_member m;
	kit_index(&k, p);
	int status = gt_start_first(&c, &k.ix, named, &m);
	kit_clear(&k);
	assert_true(status == 0 || status == -GT_EUNKNOWN);
	return status == 0 ? (int)m.number : NONE;
}

static void first(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pack p = {.n = 0};
		struct gt_start s;
		size_t n = 0;
		while (n < 6 && rows[i].members[n])
			pack_add(&p, rows[i].members[n++], "x", 1);
		pack_make(&p, 1, 0);
		struct gt_manifest *m = pack_manifest(&p);
		assert_int_equal((int)gt_start_of(m, rows[i].named),
		                 rows[i].first);
		assert_int_equal(first_of(&p, rows[i].named), rows[i].first);
		for (int backwards = 0; backwards < 2; backwards++) {
			gt_start_begin(&s, rows[i].named);
			for (size_t k = 0; k < n; k++)
				gt_start_member(
				        &s,
				        rows[i].members[backwards ? n - 1 - k
				                                  : k]);
			if (rows[i].first == NONE)
				assert_null(gt_start_end(&s));
			else
				assert_string_equal(
				        gt_start_end(&s),
				        rows[i].members[rows[i].first]);
		}
		gt_manifest_free(m);
		pack_clear(&p);
	}
	struct gt_start s;
	gt_start_begin(&s, NULL);
	assert_null(gt_start_end(&s));
}

static void folders(void **state)
{
	static const char *const members[] = {
	        "a",           "b-c/x", "b.txt",         "b/Index.html",
	        "b/index.htm", "b0",    "c/d/index.html"};
	static const struct {
		const char *folder;
		bool is;
		int index;
	} asked[] = {{"a", false, NONE},  {"b", true, 4},
	             {"b-c", true, NONE}, {"b.txt", false, NONE},
	             {"b0", false, NONE}, {"c", true, NONE},
	             {"c/d", true, 6},    {"c/d/index.html", false, NONE},
	             {"d", false, NONE},  {"c/", false, NONE},
	             {"0", false, NONE}};
	struct pack p = {.n = 0};
	(void)state;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		pack_add(&p, members[i], "x", 1);
	pack_make(&p, 1, 0);
	struct kit_index k;
	kit_index(&k, &p);
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		struct gt_index_cursor c;
		struct gt_member m;
		assert_int_equal(gt_start_folder(&c, &k.ix, asked[i].folder),
		                 asked[i].is ? 0 : -GT_EUNKNOWN);
		int status = gt_start_index(&c, &k.ix, asked[i].folder, &m);
		assert_int_equal(status,
		                 asked[i].index == NONE ? -GT_EUNKNOWN : 0);
		if (status == 0)
			assert_int_equal(m.number, asked[i].index);
	}
	kit_clear(&k);
	pack_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(first),
	                                   cmocka_unit_test(folders)};
	return cmocka_run_group_tests_name("start", tests, NULL, NULL);
}
