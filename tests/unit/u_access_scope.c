/* u_access_scope.c: scopes: a text and the set it is, against a naive model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "scope.h"

/* What each name opens, written out: one letter a scope. */
static const struct {
	const char *name, *opens;
} model[] = {
        {"statements/write", "w"},
        {"write", "w"},
        {"statements/read/mine", "m"},
        {"mine", "m"},
        {"statements/read", "rm"},
        {"read", "rm"},
        {"state", "s"},
        {"define", "d"},
        {"profile", "p"},
        {"all/read", "arm"},
        {"all", "wmrsdpa"},
};
enum { NAMES = sizeof model / sizeof *model };
static const char letters[] = "wmrsdpa"; /* by bit */

static unsigned set_of(const char *opens)
{
	unsigned set = 0;
	for (; *opens; opens++)
		set |= 1u << (strchr(letters, *opens) - letters);
	return set;
}

static unsigned draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % n;
}

/* Any list of names opens what its names do together, and the text of a set is
 * read as that set. */
static void texts_and_sets(void **state)
{
	unsigned seed = 7;
	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		char text[512] = "", again[GT_SCOPE_TEXT];
		unsigned want = 0, got, back, n = 1 + draw(&seed, 6);
		for (unsigned i = 0; i < n; i++) {
			unsigned k = draw(&seed, NAMES);
			size_t at = strlen(text);
			want |= set_of(model[k].opens);
			gt_format(text + at, sizeof text - at, "%s%s%s%s",
			          i ? "," : "", draw(&seed, 2) ? " " : "",
			          model[k].name, draw(&seed, 2) ? " " : "");
		}
		assert_true(gt_scope_parse(&got, text, NULL, 0));
		assert_int_equal(got, want);
		gt_scope_text(again, got);
		assert_true(gt_scope_parse(&back, again, NULL, 0));
		assert_int_equal(back, want);
		json_t *list = gt_scope_list(got);
		assert_true(gt_scope_from_list(&back, list));
		assert_int_equal(back, want);
		json_decref(list);
	}
}

static void what_is_none(void **state)
{
	static const struct {
		const char *text, *wrong;
	} bad[] = {
	        {"", ""},
	        {" ", ""},
	        {",", ""},
	        {"state,", ""},
	        {"state,,profile", ""},
	        {"states", "states"},
	        {"state profile", "state profile"},
	        {"write,Statements/Write", "Statements/Write"},
	        {"statements/write/mine", "statements/write/mine"},
	        {"all/write", "all/write"},
	        {"state,\xff", "\xff"},
	};
	char wrong[80];
	unsigned set = 77;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(
		        gt_scope_parse(&set, bad[i].text, wrong, sizeof wrong));
		assert_string_equal(wrong, bad[i].wrong);
		assert_int_equal(set, 77);
	}
	/* a file has the names of xAPI alone */
	json_t *list = json_pack("[s]", "write");
	assert_false(gt_scope_from_list(&set, list));
	json_decref(list);
	list = json_pack("[s,i]", "state", 7);
	assert_false(gt_scope_from_list(&set, list));
	json_decref(list);
	list = json_array();
	assert_false(gt_scope_from_list(&set, list));
	json_decref(list);
	assert_false(gt_scope_from_list(&set, NULL));
}

static void texts(void **state)
{
	static const struct {
		const char *from, *text, *role;
	} rows[] = {
	        {"read", "statements/read", "reader"},
	        {"all/read", "all/read", "custom"},
	        {"all/read,read,mine", "all/read", "custom"},
	        {"mine,write,profile,define,state",
	         "statements/write,statements/read/mine,state,define,profile",
	         "terminal"},
	        {"write,mine,read,state,define,profile,all/read", "all", "all"},
	        {"define", "define", "custom"},
	};
	char text[GT_SCOPE_TEXT];
	unsigned set, of;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(gt_scope_parse(&set, rows[i].from, NULL, 0));
		gt_scope_text(text, set);
		assert_string_equal(text, rows[i].text);
		assert_string_equal(gt_scope_role(set), rows[i].role);
		if (gt_scope_of_role(&of, rows[i].role))
			assert_int_equal(of, set);
	}
	for (unsigned i = 0; i < GT_SCOPE_SCOPES; i++) {
		assert_true(
		        gt_scope_parse(&set, gt_scope_name(1u << i), NULL, 0));
		assert_true(set & 1u << i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(texts_and_sets),
	        cmocka_unit_test(what_is_none),
	        cmocka_unit_test(texts),
	};
	return cmocka_run_group_tests_name("access_scope", tests, NULL, NULL);
}
