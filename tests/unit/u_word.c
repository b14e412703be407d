/* u_word.c: the words people read for those of programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "error.h"
#include "text.h"
#include "word.h"

static const char *const keys[] = {
#define WORD(word, text) word,
#include "words.def"
#undef WORD
};
enum { KEYS = sizeof keys / sizeof *keys };

/* Scripts read what the command line says in English. */
static void english_is_the_key(void **state)
{
	(void)state;
	gt_text_language("en");
	for (size_t i = 0; i < KEYS; i++)
		assert_string_equal(gt_word(keys[i]), keys[i]);
	assert_string_equal(gt_word("DENIED"), "DENIED");
	assert_string_equal(gt_word(NULL), "");
}

static bool is_ascii(const char *s)
{
	while (*s && (signed char)*s > 0)
		s++;
	return !*s;
}

/* Every key has a word, the pages' own, and no key is there twice. */
static void chinese_has_a_word(void **state)
{
	(void)state;
	gt_text_language("zh-CN");
	for (size_t i = 0; i < KEYS; i++) {
		if (is_ascii(gt_word(keys[i])))
			fail_msg("%s", keys[i]);
		assert_string_equal(gt_word(keys[i]),
		                    gt_word_in("zh-CN", keys[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(keys[i], keys[j]);
	}
	assert_string_equal(gt_word("mirror"), "本地保存");
	assert_string_equal(gt_word("33/course"), "33/course");
	assert_string_equal(gt_word(""), "");
	for (int code = 1; *gt_errname(code) && code <= GT_EUNDATED; code++)
		assert_string_equal(gt_word(gt_errname(code)),
		                    gt_strerror_zh(code));
	gt_text_language("en");
}

static void pages_speak_both(void **state)
{
	(void)state;
	assert_string_equal(gt_word_in("en", "mirror"), "kept here");
	assert_string_equal(gt_word_in("zh-CN", "mirror"), "本地保存");
	assert_string_equal(gt_word_in("en", "else"), "else");
}

static void what_was_meant(void **state)
{
	static const char *const types[] = {"lecture", "course", "x"};
	(void)state;
	assert_string_equal(gt_word_meant("课程", types, 3), "course");
	assert_null(gt_word_meant("课程", types, 1));
	assert_null(gt_word_meant("已损坏", types, 3));
	assert_null(gt_word_meant("course", types, 3));
	assert_null(gt_word_meant("", types, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(english_is_the_key),
	        cmocka_unit_test(chinese_has_a_word),
	        cmocka_unit_test(pages_speak_both),
	        cmocka_unit_test(what_was_meant),
	};
	return cmocka_run_group_tests_name("word", tests, NULL, NULL);
}
