/* u_access_rights.c: what a credential opens, how much and how long: kept,
 * changed, rotated, used; and what an earlier program makes of its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "files.h"
#include "json.h"
#include "sys.h"

enum { DAY_MS = 86400000 };

static char dir[] = "/tmp/gt-rights-XXXXXX", path[64], used[64], why[400];

static struct gt_access *opened(void)
{
	struct gt_access *a;
	assert_int_equal(gt_access_open(&a, path, NULL, why, sizeof why), 0);
	assert_true(gt_access_usage(a, used));
	return a;
}

static int fresh(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(used);
	return 0;
}

static void add(struct gt_access *a, struct gt_access_wanted w,
                char secret[GT_CREDENTIAL_SECRET])
{
	assert_int_equal(gt_access_add(a, &w, secret, why, sizeof why), 0);
}

static int at(struct gt_access *a, const char *name, const char *secret,
              int64_t later_ms)
{
	struct gt_access_caller who;
	struct gt_now now = gt_sys_now();
	now.wall_ms += later_ms;
	now.mono_ms += (uint64_t)(later_ms > 0 ? later_ms : 0);
	int one = gt_access_prove(a, name, secret, now, &who);
	struct gt_access_caller also;
	int other = gt_access_bearer(a, secret, now, &also);
	/* both ways come to the same */
	assert_int_equal(one, other);
	if (one == 0) {
		assert_string_equal(who.name, also.name);
		assert_int_equal(who.scopes, also.scopes);
	}
	return one;
}

static json_t *file(const char *name)
{
	struct gt_buffer text;
	assert_int_equal(gt_files_read(name, 1 << 20, &text, why, sizeof why),
	                 0);
	json_t *v = gt_json_load(gt_buffer_bytes(&text), 0, NULL);
	gt_buffer_free(&text);
	assert_non_null(v);
	return v;
}

static void scopes_are_kept(void **state)
{
	char one[GT_CREDENTIAL_SECRET], two[GT_CREDENTIAL_SECRET];
	struct gt_access_caller who;
	(void)state;
	struct gt_access *a = opened();
	add(a,
	    (struct gt_access_wanted){
	            .name = "kiosk", .scopes = GT_SCOPE_WRITE | GT_SCOPE_STATE},
	    one);
	add(a, (struct gt_access_wanted){.name = "school"}, two);
	for (unsigned again = 0; again < 2; again++) {
		assert_int_equal(
		        gt_access_prove(a, "kiosk", one, gt_sys_now(), &who),
		        0);
		assert_int_equal(who.scopes, GT_SCOPE_WRITE | GT_SCOPE_STATE);
		assert_int_equal(
		        gt_access_prove(a, "school", two, gt_sys_now(), &who),
		        0);
		assert_int_equal(who.scopes, GT_SCOPE_TERMINAL);
		gt_access_free(a);
		a = opened();
	}
	struct gt_access_change c = {.name = "kiosk",
	                             .scopes = GT_SCOPE_ALL,
	                             .quota = {true, false, false},
	                             .most = {{600, 1, 1}}};
	assert_int_equal(gt_access_change(a, &c, why, sizeof why), 0);
	assert_int_equal(at(a, "kiosk", one, 0), 0);
	json_t *list = gt_access_list(a, "kiosk");
	json_t *row = json_array_get(list, 0);
	assert_string_equal(gt_json_member(row, "role"), "all");
	assert_int_equal(json_object_size(json_object_get(row, "quota")), 1);
	json_decref(list);
	c.name = "nobody";
	assert_int_equal(gt_access_change(a, &c, why, sizeof why),
	                 -GT_EUNKNOWN);
	gt_access_free(a);
}

/* An earlier program reads "credentials" and "removed": it finds nobody there
 * whom it would open more to, or for longer. */
static void an_earlier_program_opens_no_more(void **state)
{
	static const struct gt_access_wanted w[] = {
	        {.name = "plain"},
	        {.name = "reads", .scopes = GT_SCOPE_READER},
	        {.name = "hasty", .quota = {.most = {6, 0, 0}}},
	        {.name = "narrow", .scopes = GT_SCOPE_STATE},
	        {.name = "wide", .scopes = GT_SCOPE_ALL},
	        {.name = "short", .expires_ms = (int64_t)1 << 60},
	};
	char secret[GT_CREDENTIAL_SECRET];
	(void)state;
	struct gt_access *a = opened();
	for (size_t i = 0; i < sizeof w / sizeof *w; i++) {
		struct gt_access_wanted one = w[i];
		if (one.expires_ms)
			one.expires_ms = gt_sys_now().wall_ms + DAY_MS;
		add(a, one, secret);
	}
	gt_access_free(a);
	json_t *v = file(path);
	const json_t *list = json_object_get(v, "credentials");
	assert_int_equal(json_array_size(list), 3);
	assert_int_equal(json_array_size(json_object_get(v, "scoped")), 3);
	for (size_t i = 0; i < 3; i++) {
		const char *name =
		        gt_json_member(json_array_get(list, i), "name");
		assert_true(strcmp(name, "plain") == 0 ||
		            strcmp(name, "reads") == 0 ||
		            strcmp(name, "hasty") == 0);
	}
	json_decref(v);
	a = opened();
	assert_int_equal(gt_access_count(a, 0), 6);
	assert_int_equal(gt_access_remove(a, "narrow", why, sizeof why), 0);
	gt_access_free(a);
	a = opened();
	assert_int_equal(gt_access_count(a, 0), 5);
	gt_access_free(a);
}

static void a_secret_that_was_rotated(void **state)
{
	char was[GT_CREDENTIAL_SECRET], is[GT_CREDENTIAL_SECRET],
	        next[GT_CREDENTIAL_SECRET];
	(void)state;
	struct gt_access *a = opened();
	add(a, (struct gt_access_wanted){.name = "school"}, was);
	assert_int_equal(gt_access_rotate(a, "school", NULL, 7 * DAY_MS, is,
	                                  why, sizeof why),
	                 0);
	assert_string_not_equal(was, is);
	for (unsigned again = 0; again < 2; again++) {
		assert_int_equal(at(a, "school", is, 0), 0);
		assert_int_equal(at(a, "school", was, 0), 0);
		assert_int_equal(at(a, "school", was, 7 * DAY_MS - 60000), 0);
		assert_int_equal(at(a, "school", was, 7 * DAY_MS), -GT_ESTATE);
		assert_int_equal(at(a, "school", is, 400 * (int64_t)DAY_MS), 0);
		gt_access_free(a);
		a = opened();
	}
	/* of two the last counts, and without grace none */
	assert_int_equal(gt_access_rotate(a, "school", NULL, DAY_MS, next, why,
	                                  sizeof why),
	                 0);
	assert_int_equal(at(a, "school", was, 0), -GT_EIDENTITY);
	assert_int_equal(at(a, "school", is, 0), 0);
	assert_int_equal(at(a, "school", next, 0), 0);
	assert_int_equal(
	        gt_access_rotate(a, "school", NULL, 0, was, why, sizeof why),
	        0);
	assert_int_equal(at(a, "school", next, 0), -GT_EIDENTITY);
	assert_int_equal(at(a, "school", was, 0), 0);
	assert_int_equal(
	        gt_access_rotate(a, "nobody", NULL, 0, is, why, sizeof why),
	        -GT_EUNKNOWN);
	assert_string_equal(is, "");
	gt_access_free(a);
}

/* A password people thought of is nobody's bearer, and both of two count. */
static void a_password_that_was_rotated(void **state)
{
	struct gt_access_caller who;
	struct gt_now now = gt_sys_now();
	char none[GT_CREDENTIAL_SECRET];
	(void)state;
	struct gt_access *a = opened();
	add(a,
	    (struct gt_access_wanted){.name = "home",
	                              .password = "open sesame"},
	    none);
	assert_int_equal(gt_access_rotate(a, "home", "close sesame", DAY_MS,
	                                  none, why, sizeof why),
	                 0);
	assert_string_equal(none, "");
	assert_int_equal(gt_access_rotate(a, "home", "short", DAY_MS, none, why,
	                                  sizeof why),
	                 -GT_ELIMIT);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(
		        gt_access_prove(a, "home", "open sesame", now, &who),
		        0);
		assert_int_equal(
		        gt_access_prove(a, "home", "close sesame", now, &who),
		        0);
	}
	assert_int_equal(gt_access_bearer(a, "open sesame", now, &who),
	                 -GT_EIDENTITY);
	assert_int_equal(gt_access_prove(a, "home", "sesame", now, &who),
	                 -GT_EIDENTITY);
	gt_access_free(a);
}

static void one_that_expires(void **state)
{
	char secret[GT_CREDENTIAL_SECRET];
	int64_t end = gt_sys_now().wall_ms + DAY_MS;
	(void)state;
	struct gt_access *a = opened();
	add(a, (struct gt_access_wanted){.name = "guest", .expires_ms = end},
	    secret);
	for (unsigned again = 0; again < 2; again++) {
		assert_int_equal(at(a, "guest", secret, 0), 0);
		assert_int_equal(at(a, "guest", secret, DAY_MS), -GT_ESTATE);
		assert_int_equal(at(a, "guest", "wrong", DAY_MS),
		                 -GT_EIDENTITY);
		gt_access_free(a);
		a = opened();
	}
	struct gt_access_change c = {.name = "guest", .expires = true};
	assert_int_equal(gt_access_change(a, &c, why, sizeof why), 0);
	assert_int_equal(at(a, "guest", secret, DAY_MS), 0);
	gt_access_free(a);
}

static int spend(struct gt_access *a, const char *name, uint64_t n)
{
	int64_t wait;
	return gt_access_spend(a, name, GT_QUOTA_STATEMENTS, n, gt_sys_now(),
	                       &wait);
}

/* An hour's quota is an hour's, whatever is restarted, changed or put back. */
static void a_quota_outlives_a_restart(void **state)
{
	char secret[GT_CREDENTIAL_SECRET], other[GT_CREDENTIAL_SECRET];
	(void)state;
	struct gt_access *a = opened();
	add(a,
	    (struct gt_access_wanted){.name = "kiosk",
	                              .quota = {.most = {0, 1000, 0}}},
	    secret);
	add(a, (struct gt_access_wanted){.name = "school"}, other);
	assert_int_equal(spend(a, "kiosk", 1001), -GT_ELIMIT);
	assert_int_equal(spend(a, "kiosk", 1000), 0);
	assert_int_equal(spend(a, "kiosk", 100), -GT_EBUSY);
	gt_access_keep(a, true);
	gt_access_free(a);
	a = opened();
	assert_int_equal(spend(a, "kiosk", 100), -GT_EBUSY);
	assert_int_equal(spend(a, "school", 100000), 0);
	/* another secret is the same holder's */
	assert_int_equal(
	        gt_access_rotate(a, "kiosk", NULL, 0, secret, why, sizeof why),
	        0);
	assert_int_equal(spend(a, "kiosk", 100), -GT_EBUSY);
	assert_int_equal(gt_access_look(a, true, why, sizeof why), 0);
	/* nobody has none, and nothing is kept of him */
	assert_int_equal(spend(a, "nobody", 1), 0);
	json_t *list = gt_access_list(a, NULL);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		bool named = strcmp(gt_json_member(row, "name"),
		                    GT_ACCESS_ANONYMOUS) != 0;
		assert_int_equal(*gt_json_member(row, "used") != '\0', named);
	}
	json_decref(list);
	gt_access_free(a);
	/* a file that is none is no obstacle, and opens nothing */
	assert_int_equal(gt_files_write(used, 0600, GT_FILES_REPLACE,
	                                gt_bytes_str("{\"used\":[7,{\"name\":"
	                                             "\"kiosk\",\"until_ms\":"
	                                             "[1e300,\"x\"]}]}"),
	                                why, sizeof why),
	                 0);
	a = opened();
	assert_int_equal(at(a, "kiosk", secret, 0), 0);
	gt_access_free(a);
}

static void files_that_are_none(void **state)
{
#define ROW(more)                                                             \
	"{\"version\":1,\"anonymous\":false,\"credentials\":[],\"scoped\":[{" \
	"\"name\":\"a\",\"kind\":\"sha256\",\"salt\":"                        \
	"\"00000000000000000000000000000000\",\"hash\":"                      \
	"\"0000000000000000000000000000000000000000000000000000000000000000"  \
	"\",\"created\":\"2026-01-01T00:00:00Z\"" more "}]}"
	static const struct {
		const char *text;
		int is;
	} files[] = {
	        {ROW(",\"scopes\":[\"state\"]"), 0},
	        {ROW(",\"scopes\":[\"all\"],\"expires\":"
	             "\"2027-01-01T00:00:00Z\",\"quota\":{\"bytes\":7}"),
	         0},
	        {ROW(""), -GT_EINVALID},
	        {ROW(",\"scopes\":[]"), -GT_EINVALID},
	        {ROW(",\"scopes\":\"state\""), -GT_EINVALID},
	        {ROW(",\"scopes\":[\"state\",\"states\"]"), -GT_EINVALID},
	        {ROW(",\"scopes\":[\"state\"],\"expires\":7"), -GT_EINVALID},
	        {ROW(",\"scopes\":[\"state\"],\"expires\":\"soon\""),
	         -GT_EINVALID},
	        {ROW(",\"scopes\":[\"state\"],\"quota\":[]"), -GT_EINVALID},
	        {ROW(",\"scopes\":[\"state\"],\"quota\":{\"bytes\":-1}"),
	         -GT_EINVALID},
	        {ROW(",\"scopes\":[\"state\"],\"quota\":{\"byte\":1}"),
	         -GT_EINVALID},
	        {ROW(",\"scopes\":[\"state\"],\"before\":{}"), -GT_EINVALID},
	        {"{\"version\":1,\"anonymous\":false,\"credentials\":[],"
	         "\"scoped\":{}}",
	         -GT_EINVALID},
	};
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct gt_access *a;
		assert_int_equal(gt_files_write(path, 0600, GT_FILES_REPLACE,
		                                gt_bytes_str(files[i].text),
		                                why, sizeof why),
		                 0);
		int is = gt_access_open(&a, path, NULL, why, sizeof why);
		if (is != files[i].is)
			print_error("%s\n", files[i].text);
		assert_int_equal(is, files[i].is);
		gt_access_free(a);
	}
}

int main(void)
{
	assert_non_null(mkdtemp(dir));
	gt_format(path, sizeof path, "%s/c.json", dir);
	gt_format(used, sizeof used, "%s/used.json", dir);
#define T(f) cmocka_unit_test_setup(f, fresh)
	const struct CMUnitTest tests[] = {
	        T(scopes_are_kept),
	        T(an_earlier_program_opens_no_more),
	        T(a_secret_that_was_rotated),
	        T(a_password_that_was_rotated),
	        T(one_that_expires),
	        T(a_quota_outlives_a_restart),
	        T(files_that_are_none),
	};
	int failed =
	        cmocka_run_group_tests_name("access_rights", tests, NULL, NULL);
	(void)unlink(path);
	(void)unlink(used);
	(void)rmdir(dir);
	return failed;
}
