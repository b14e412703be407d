/* u_advice.c: how people are told to start a node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "advice.h"

static void what_is_said(void **state)
{
	static const struct {
		struct gt_advice facts;
		const char *said;
	} rows[] = {
	        {{"/home/li/county", false, 1000, 1000, "li"},
	         "guantongd -C /home/li/county"},
	        {{"/home/li/county", true, 0, 0, "root"},
	         "guantongd -C /home/li/county"},
	        {{"/home/li/county", true, 0, 1000, "li"},
	         "sudo -u li guantongd -C /home/li/county"},
	        {{"/home/li/county", true, 0, 1000, ""},
	         "sudo -u '#1000' guantongd -C /home/li/county"},
	        {{"/var/lib/guantong/330106", true, 0, 997, "guantong"},
	         "systemctl start guantongd@330106"},
	        {{"/var/lib/guantong/330106", true, 1000, 997, "guantong"},
	         "sudo systemctl start guantongd@330106"},
	        {{"/var/lib/guantong/330106", true, 997, 997, "guantong"},
	         "sudo systemctl start guantongd@330106"},
	        /* no systemd here, or no node of the unit's */
	        {{"/var/lib/guantong/330106", false, 0, 997, "guantong"},
	         "sudo -u guantong guantongd -C /var/lib/guantong/330106"},
	        {{"/var/lib/guantong/a/330106", true, 997, 997, "guantong"},
	         "guantongd -C /var/lib/guantong/a/330106"},
	        {{"/var/lib/guantong/", true, 997, 997, "guantong"},
	         "guantongd -C /var/lib/guantong/"},
	};
	char out[GT_ADVICE_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gt_advice_of(out, &rows[i].facts);
		assert_string_equal(out, rows[i].said);
	}
}

/* One's own directory is named as it was written. */
static void a_directory_as_it_is(void **state)
{
	char out[GT_ADVICE_MAX], dir[] = "/tmp/gt-advice-XXXXXX", want[64];
	(void)state;
	assert_non_null(mkdtemp(dir));
	gt_advice_start(out, dir);
	gt_format(want, sizeof want, "guantongd -C %s", dir);
	assert_string_equal(out, want);
	if (geteuid() == 0) {
		assert_int_equal(chown(dir, 54321, 54321), 0);
		gt_advice_start(out, dir);
		gt_format(want, sizeof want, "sudo -u '#54321' guantongd -C %s",
		          dir);
		assert_string_equal(out, want);
	}
	assert_int_equal(rmdir(dir), 0);
	gt_advice_start(out, "not/there");
	assert_string_equal(out, "guantongd -C not/there");
}

static void whose_it_is(void **state)
{
	char dir[] = "/tmp/gt-advice-XXXXXX", name[32];
	char user[GT_ADVICE_USER];
	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_null(gt_advice_foreign());
	assert_int_equal(mkdir("data", 0700), 0);
	assert_null(gt_advice_foreign());
	if (geteuid() == 0) {
		assert_int_equal(chown("data", 54321, 54321), 0);
		assert_string_equal(gt_advice_foreign(), "data");
		gt_advice_owner(name, sizeof name, "data");
		assert_string_equal(name, "54321");
		gt_advice_user(user, "data");
		assert_string_equal(user, "'#54321'");
		gt_advice_user(user, ".");
		assert_string_equal(user, "root");
		gt_advice_owner(name, sizeof name, ".");
		assert_string_equal(name, "root");
	}
	gt_advice_owner(name, sizeof name, "nothing");
	assert_string_equal(name, "");
	assert_int_equal(rmdir("data"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_said),
	        cmocka_unit_test(a_directory_as_it_is),
	        cmocka_unit_test(whose_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
