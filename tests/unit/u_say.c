/* u_say.c: sentences with values, and the folder in the commands they advise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "say.h"

/* What is said of a credential nobody knows. */
static const char *unknown(void)
{
	static char text[GT_SAY_ADVICE];
	gt_say_into(text, sizeof text, GT_T_ACCESS_UNKNOWN, "a%s");
	return strstr(text, "guantong -C ");
}

static void the_folder_is_named(void **state)
{
	static const struct {
		const char *dir, *command;
	} rows[] = {
	        {NULL, "guantong -C DIR credential ls`"},
	        {"/var/lib/guantong/330106",
	         "guantong -C /var/lib/guantong/330106 credential ls`"},
	        {"/srv/贯通", "guantong -C /srv/贯通 credential ls`"},
	        {"/a b", "guantong -C '/a b' credential ls`"},
	        {"/a'b", "guantong -C '/a'\\''b' credential ls`"},
	        {"/$(x)", "guantong -C '/$(x)' credential ls`"},
	        {"/100%s%n", "guantong -C '/100%s%n' credential ls`"},
	        {NULL, "guantong -C DIR credential ls`"},
	};
	(void)state;
	gt_text_language("en");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gt_say_node(rows[i].dir);
		const char *got = unknown();
		assert_non_null(got);
		if (strncmp(got, rows[i].command, strlen(rows[i].command)) != 0)
			fail_msg("%s", got);
	}
}

/* Values are what they are, whatever stands in them. */
static void values_stay(void **state)
{
	char text[512];
	(void)state;
	gt_say_node("/x");
	gt_say_into(text, sizeof text, GT_T_CLI_FILE_FAILED,
	            "guantong -C DIR ls", "%s");
	assert_string_equal(text, "guantong -C DIR ls: %s");
	gt_say_node(NULL);
}

static void of_others(void **state)
{
	char out[GT_SAY_ADVICE];
	static const char both[] = "guantong -C DIR a, guantong -C DIR b%",
	                  none[] = "guantong -C ABOVE a, guantongd -C DIR b";
	(void)state;
	assert_ptr_equal(gt_say_advice(out, both), both);
	gt_say_node("/x%");
	assert_string_equal(gt_say_advice(out, both),
	                    "guantong -C '/x%' a, guantong -C '/x%' b%");
	assert_ptr_equal(gt_say_advice(out, none), none);
	gt_say_node(NULL);
}

/* Where there is no room the sentence is whole, with DIR. */
static void no_room(void **state)
{
	char *dir = malloc(5000), *long_one = malloc(GT_SAY_ADVICE + 1);
	char out[GT_SAY_ADVICE];
	(void)state;
	assert_non_null(dir);
	assert_non_null(long_one);
	memset(dir, 'd', 5000);
	dir[4999] = '\0';
	gt_say_node(dir); /* no folder has so long a name */
	assert_non_null(strstr(unknown(), "-C DIR "));
	dir[4000] = '\0';
	gt_say_node(dir);
	assert_null(strstr(unknown(), "-C DIR "));
	memset(long_one, 'x', GT_SAY_ADVICE);
	memcpy(long_one, "guantong -C DIR ", 16);
	for (size_t n = 3000; n <= GT_SAY_ADVICE; n++) {
		long_one[n] = '\0';
		const char *got = gt_say_advice(out, long_one);
		bool room = n - 3 + 4000 < GT_SAY_ADVICE;
		assert_ptr_equal(got, room ? out : long_one);
		assert_int_equal(strlen(got), room ? n - 3 + 4000 : n);
		long_one[n] = 'x';
	}
	gt_say_node(NULL);
	free(dir);
	free(long_one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_folder_is_named),
	        cmocka_unit_test(values_stay),
	        cmocka_unit_test(of_others),
	        cmocka_unit_test(no_room),
	};
	return cmocka_run_group_tests_name("say", tests, NULL, NULL);
}
