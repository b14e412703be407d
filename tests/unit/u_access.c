/* u_access.c: credentials: made, kept, asked, changed; and what is a network
 * this machine is attached to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <ifaddrs.h>
#include <linux/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "attached.h"
#include "json.h"
#include "nomem.h"
#include "secret.h"

static char dir[] = "/tmp/gt-access-XXXXXX", path[64], why[400];

static struct gt_access *opened(void)
{
	struct gt_access *a;
	int status = gt_access_open(&a, path, NULL, why, sizeof why);
	if (status != 0)
		print_error("%s\n", why);
	assert_int_equal(status, 0);
	return a;
}

static int fresh(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static int add(struct gt_access *a, const char *name, unsigned role,
               const char *password, char secret[GT_CREDENTIAL_SECRET])
{
	struct gt_access_wanted w = {
	        .name = name, .scopes = role, .password = password};
	return gt_access_add(a, &w, secret, why, sizeof why);
}

/* The name, of a terminal; w says what came of it. */
static int wish(struct gt_access *a, const char *name, bool again,
                struct gt_access_wanted *w)
{
	char secret[GT_CREDENTIAL_SECRET];
	*w = (struct gt_access_wanted){.name = name, .again = again};
	return gt_access_add(a, w, secret, why, sizeof why);
}

static uint64_t now_ms = 1000;

static int prove(struct gt_access *a, const char *name, const char *secret)
{
	struct gt_access_caller who;
	return gt_access_prove(a, name, secret,
	                       (struct gt_now){.mono_ms = now_ms, .wall_ms = 1},
	                       &who);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* ------------------------------------------------------------ store */

static void made_and_asked(void **state)
{
	char one[GT_CREDENTIAL_SECRET], two[GT_CREDENTIAL_SECRET];
	const struct gt_now now = {.mono_ms = 1000, .wall_ms = 1};
	struct gt_access_caller who;
	struct stat st;
	(void)state;
	struct gt_access *a = opened();
	assert_true(gt_access_fresh(a));
	assert_int_equal(prove(a, "school", "x"), -GT_EIDENTITY);
	assert_int_equal(add(a, "school", GT_SCOPE_TERMINAL, NULL, one), 0);
	assert_int_equal(add(a, "report", GT_SCOPE_READER, NULL, two), 0);
	assert_false(gt_access_fresh(a));
	assert_int_equal(strlen(one), 29);
	assert_string_not_equal(one, two);
	/* at once, and for as long as the file is there */
	for (unsigned again = 0; again < 2; again++) {
		assert_int_equal(gt_access_prove(a, "school", one, now, &who),
		                 0);
		assert_int_equal(who.scopes, GT_SCOPE_TERMINAL);
		assert_string_equal(who.name, "school");
		assert_int_equal(gt_access_prove(a, "report", two, now, &who),
		                 0);
		assert_int_equal(who.scopes, GT_SCOPE_READER);
		assert_int_equal(prove(a, "school", two), -GT_EIDENTITY);
		assert_int_equal(prove(a, "nobody", one), -GT_EIDENTITY);
		assert_int_equal(prove(a, "school", ""), -GT_EIDENTITY);
		assert_int_equal(gt_access_count(a, GT_SCOPE_WRITE), 1);
		assert_int_equal(gt_access_count(a, GT_SCOPE_READ), 1);
		gt_access_free(a);
		a = opened();
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(add(a, "school", GT_SCOPE_READER, NULL, two),
	                 -GT_ECONFLICT);
	assert_string_equal(two, "");
	assert_int_equal(gt_access_remove(a, "school", why, sizeof why), 0);
	assert_int_equal(prove(a, "school", one), -GT_EIDENTITY);
	assert_int_equal(gt_access_remove(a, "school", why, sizeof why),
	                 -GT_EUNKNOWN);
	gt_access_free(a);
}

/* Nothing that could be used is in the file. */
static void no_secret_is_kept(void **state)
{
	char secret[GT_CREDENTIAL_SECRET], none[GT_CREDENTIAL_SECRET];
	char text[4096];
	(void)state;
	struct gt_access *a = opened();
	assert_int_equal(add(a, "made", GT_SCOPE_TERMINAL, NULL, secret), 0);
	assert_int_equal(
	        add(a, "thought", GT_SCOPE_TERMINAL, "open sesame", none), 0);
	assert_string_equal(none, "");
	gt_access_free(a);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	(void)fclose(f);
	assert_non_null(strstr(text, "\"made\""));
	assert_null(strstr(text, secret));
	assert_null(strstr(text, "sesame"));
}

static void passwords(void **state)
{
	char none[GT_CREDENTIAL_SECRET], text[GT_CREDENTIAL_PASSWORD + 1];
	(void)state;
	struct gt_access *a = opened();
	assert_int_equal(add(a, "x", GT_SCOPE_TERMINAL, "seven77", none),
	                 -GT_ELIMIT);
	memset(text, 'x', sizeof text);
	text[GT_CREDENTIAL_PASSWORD] = '\0';
	assert_int_equal(add(a, "x", GT_SCOPE_TERMINAL, text, none),
	                 -GT_ELIMIT);
	assert_int_equal(add(a, "x", GT_SCOPE_READER, "eight888", none), 0);
	assert_int_equal(prove(a, "x", "eight888"), 0);
	/* who proved it, and who did not, is remembered: neither is a try */
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(prove(a, "x", "eight888"), 0);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(prove(a, "x", "eight889"), -GT_EIDENTITY);
	/* other guesses are few at a time, whosever name it is: one of them
	 * was the wrong one above, and one the right one */
	for (unsigned i = 0; i < 3; i++) {
		char guess[32];
		gt_format(guess, sizeof guess, "guess-%u", i);
		assert_int_equal(prove(a, i % 2 ? "x" : "y", guess),
		                 -GT_EIDENTITY);
	}
	assert_int_equal(prove(a, "x", "guess"), -GT_EBUSY);
	assert_int_equal(prove(a, "y", "guess"), -GT_EBUSY);
	assert_int_equal(prove(a, "x", "eight888"), 0);
	now_ms += 500;
	assert_int_equal(prove(a, "x", "guess"), -GT_EIDENTITY);
	assert_int_equal(prove(a, "x", "guess again"), -GT_EBUSY);
	now_ms += 499;
	assert_int_equal(prove(a, "x", "guess again"), -GT_EBUSY);
	now_ms += 100000;
	for (unsigned i = 0; i < 5; i++) {
		char guess[32];
		gt_format(guess, sizeof guess, "late-%u", i);
		assert_int_equal(prove(a, "x", guess), -GT_EIDENTITY);
	}
	assert_int_equal(prove(a, "x", "guess again"), -GT_EBUSY);
	/* and forgotten with the row */
	assert_int_equal(gt_access_remove(a, "x", why, sizeof why), 0);
	assert_int_not_equal(prove(a, "x", "eight888"), 0);
	gt_access_free(a);
}

static void names(void **state)
{
	static const char *const bad[] = {
	        "",
	        "a:b",
	        "anonymous",
	        "terminal",
	        " a",
	        "a ",
	        "a\nb",
	        "a\x7f",
	        "\xff",
	        ("0123456789012345678901234567890123456789012345678901234567890"
	         "123")};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(gt_access_name_valid(bad[i]));
	assert_true(gt_access_name_valid("书屋 1"));
	assert_true(gt_access_name_valid(
	        "01234567890123456789012345678901234567890123456789012345678901"
	        "2"));
	unsigned set;
	assert_true(gt_scope_of_role(&set, "reader"));
	assert_int_equal(set, GT_SCOPE_READER);
	assert_false(gt_scope_of_role(&set, "staff"));
	assert_string_equal(gt_scope_role(GT_SCOPE_TERMINAL), "terminal");
}

static void nobody_known(void **state)
{
	char secret[GT_CREDENTIAL_SECRET];
	(void)state;
	struct gt_access *a = opened();
	assert_true(gt_access_anonymous(a));
	assert_int_equal(gt_access_remove(a, "anonymous", why, sizeof why), 0);
	gt_access_free(a);
	a = opened();
	assert_false(gt_access_anonymous(a));
	assert_int_equal(gt_access_remove(a, "anonymous", why, sizeof why),
	                 -GT_EUNKNOWN);
	assert_int_equal(add(a, "anonymous", GT_SCOPE_READER, NULL, secret),
	                 -GT_EINVALID);
	assert_int_equal(
	        add(a, "anonymous", GT_SCOPE_TERMINAL, "password", secret),
	        -GT_EINVALID);
	assert_int_equal(add(a, "anonymous", GT_SCOPE_TERMINAL, NULL, secret),
	                 0);
	assert_string_equal(secret, "");
	assert_true(gt_access_anonymous(a));
	assert_int_equal(add(a, "anonymous", GT_SCOPE_TERMINAL, NULL, secret),
	                 -GT_ECONFLICT);
	assert_int_equal(prove(a, "anonymous", ""), -GT_EIDENTITY);
	json_t *list = gt_access_list(a, NULL);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(gt_json_member(json_array_get(list, 0), "name"),
	                    "anonymous");
	json_decref(list);
	gt_access_free(a);
}

static void in_order(void **state)
{
	static const char *const names[] = {"m", "b", "z", "a", "n"};
	char secret[5][GT_CREDENTIAL_SECRET], last[GT_CREDENTIAL_NAME] = "";
	(void)state;
	struct gt_access *a = opened();
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(
		        add(a, names[i], GT_SCOPE_TERMINAL, NULL, secret[i]),
		        0);
	assert_int_equal(gt_access_remove(a, "anonymous", why, sizeof why), 0);
	assert_int_equal(gt_access_remove(a, "n", why, sizeof why), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(prove(a, names[i], secret[i]), 0);
	json_t *list = gt_access_list(a, NULL);
	assert_int_equal(json_array_size(list), 4);
	for (size_t i = 0; i < 4; i++) {
		const char *name =
		        gt_json_member(json_array_get(list, i), "name");
		assert_true(strcmp(last, name) < 0);
		gt_copy(last, sizeof last, name);
	}
	json_decref(list);
	gt_access_free(a);
}

/* A name that was removed is nobody else's, nor is one that looks like it; its
 * holder may come back. Through the file as well as in memory. */
static void a_removed_name_is_given_to_nobody_else(void **state)
{
	static const char *const seem[] = {"School", "SCHOOL", "ｓｃｈｏｏｌ",
	                                   "sch\xe2\x80\x8bool"};
	struct gt_access_wanted w;
	(void)state;
	struct gt_access *a = opened();
	assert_int_equal(wish(a, "school", true, &w), -GT_EUNKNOWN);
	assert_int_equal(wish(a, "school", false, &w), 0);
	/* what looks like one that is there */
	assert_int_equal(wish(a, "School", false, &w), -GT_ECONFLICT);
	assert_string_equal(w.other, "school");
	assert_int_equal(w.removed_ms, 0);
	assert_int_equal(wish(a, "school", true, &w), -GT_ECONFLICT);
	assert_int_equal(gt_access_remove(a, "school", why, sizeof why), 0);
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(wish(a, "school", false, &w), -GT_ECONFLICT);
		assert_string_equal(w.other, "school");
		assert_true(w.removed_ms > 0);
		for (size_t i = 0; i < sizeof seem / sizeof *seem; i++) {
			assert_int_equal(wish(a, seem[i], twice, &w),
			                 -GT_ECONFLICT);
			assert_string_equal(w.other, "school");
			assert_true(w.removed_ms > 0);
		}
		assert_int_equal(wish(a, "school 2", true, &w), -GT_EUNKNOWN);
		json_t *list = gt_access_removed(a);
		assert_int_equal(json_array_size(list), 1);
		json_decref(list);
		gt_access_free(a);
		a = opened();
	}
	assert_int_equal(wish(a, "Terminal", false, &w), -GT_EINVALID);
	assert_int_equal(wish(a, "ANONYMOUS", false, &w), -GT_EINVALID);
	assert_int_equal(wish(a, "anonymous", true, &w), -GT_EINVALID);
	assert_int_equal(wish(a, "school", true, &w), 0);
	assert_true(w.removed_ms > 0);
	json_t *list = gt_access_removed(a);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	gt_access_free(a);
}

/* There is room to remove each that is there, and not more. */
static void removed_names_are_bounded(void **state)
{
	static char text[GT_CREDENTIAL_NAMES * 64 + 256];
	char name[16];
	size_t n = 0;
	struct gt_access_wanted w;
	(void)state;
	gt_format(text, sizeof text, "%s",
	          "{\"version\":1,\"anonymous\":false,\"credentials\":[],"
	          "\"removed\":[");
	for (int i = 0; i < GT_CREDENTIAL_NAMES - 1; i++) {
		n += strlen(text + n);
		gt_format(text + n, sizeof text - n,
		          "%s{\"name\":\"n%d\",\"removed\":"
		          "\"2026-01-01T00:00:00Z\"}",
		          i ? "," : "", i);
	}
	n += strlen(text + n);
	gt_format(text + n, sizeof text - n, "]}");
	write_file(text);
	struct gt_access *a = opened();
	assert_int_equal(wish(a, "last", false, &w), 0);
	assert_int_equal(wish(a, "more", false, &w), -GT_ESTATE);
	assert_int_equal(gt_access_remove(a, "last", why, sizeof why), 0);
	assert_int_equal(wish(a, "more", false, &w), -GT_ESTATE);
	gt_format(name, sizeof name, "n%d", 7);
	assert_int_equal(wish(a, name, true, &w), 0);
	gt_access_free(a);
	a = opened();
	assert_int_equal(wish(a, "n8", true, &w), 0);
	gt_access_free(a);
}

/* What was in http.terminals, and nobody without a name any more. */
static void taken_over(void **state)
{
	static const struct gt_access_old old[] = {
	        {"school", "pw"}, {"terminal", "other"}, {"home", "x"}};
	size_t left;
	(void)state;
	struct gt_access *a = opened();
	assert_int_equal(gt_access_take_over(a, old, 3, &left, why, sizeof why),
	                 0);
	assert_int_equal(left, 1);
	gt_access_free(a);
	a = opened();
	assert_false(gt_access_fresh(a));
	assert_false(gt_access_anonymous(a));
	assert_int_equal(gt_access_count(a, GT_SCOPE_WRITE), 2);
	assert_int_equal(prove(a, "school", "pw"), 0);
	assert_int_equal(prove(a, "home", "x"), 0);
	assert_int_equal(prove(a, "home", "pw"), -GT_EIDENTITY);
	gt_access_free(a);
}

/* A new name is of letters that look like no other; those an earlier program gave
 * count on, and nobody gets one that looks like them. */
static void names_of_an_earlier_program(void **state)
{
	static const struct gt_access_old old[] = {{"школа", "pw"},
	                                           {"асе-3", "pw"}};
	struct gt_access_wanted w;
	size_t left;
	(void)state;
	struct gt_access *a = opened();
	assert_int_equal(wish(a, "школа", false, &w), -GT_EINVALID);
	assert_int_equal(gt_access_take_over(a, old, 2, &left, why, sizeof why),
	                 0);
	assert_int_equal(left, 0);
	gt_access_free(a);
	a = opened();
	assert_int_equal(prove(a, "школа", "pw"), 0);
	assert_int_equal(wish(a, "ace-3", false, &w), -GT_ECONFLICT);
	assert_string_equal(w.other, "асе-3");
	assert_int_equal(gt_access_remove(a, "школа", why, sizeof why), 0);
	assert_int_equal(wish(a, "школа", false, &w), -GT_ECONFLICT);
	assert_int_equal(wish(a, "школа", true, &w), 0);
	assert_int_equal(wish(a, "школа-2", false, &w), -GT_EINVALID);
	gt_access_free(a);
}

/* A file that is not whole opens nothing, not even to nobody known. */
static void bad_files(void **state)
{
	static const char *const bad[] = {
	        "",
	        "{}",
	        "[]",
	        "{\"version\":2,\"anonymous\":true,\"credentials\":[]}",
	        "{\"version\":1,\"credentials\":[]}",
	        "{\"version\":1,\"anonymous\":1,\"credentials\":[]}",
	        "{\"version\":1,\"anonymous\":true,\"credentials\":{}}",
	        "{\"version\":1,\"anonymous\":true,\"credentials\":[7]}",
	        ("{\"version\":1,\"anonymous\":true,\"credentials\":[],"
	         "\"removed\":{}}"),
	        ("{\"version\":1,\"anonymous\":true,\"credentials\":[],"
	         "\"removed\":[{\"name\":\"a\"}]}"),
	        "{\"version\":1,\"anonymous\":true,\"credentials\":[{\"name\":"
	        "\"a\",\"role\":\"reader\",\"kind\":\"sha256\",\"salt\":\"00\","
	        "\"hash\":\"00\",\"created\":\"2026-01-01T00:00:00Z\"}]}"};
	struct gt_access *a;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		write_file(bad[i]);
		assert_int_equal(
		        gt_access_open(&a, path, NULL, why, sizeof why),
		        -GT_EINVALID);
		assert_null(a);
		assert_non_null(strstr(why, path));
	}
}

static void rename_ok(const char *from, const char *to)
{
	assert_int_equal(rename(from, to), 0);
}

static void look(struct gt_access *a, int is)
{
	/* once to see it, once that it rests */
	assert_int_equal(gt_access_look(a, false, why, sizeof why), 0);
	assert_int_equal(gt_access_look(a, false, why, sizeof why), is);
	assert_int_equal(gt_access_look(a, false, why, sizeof why), 0);
}

/* What somebody moves away, or puts there, counts; and no change of the node's
 * own writes over it. */
static void a_file_put_back_is_taken_up(void **state)
{
	char secret[GT_CREDENTIAL_SECRET], other[GT_CREDENTIAL_SECRET];
	char away[80];
	struct gt_access_wanted w;
	(void)state;
	gt_format(away, sizeof away, "%s.away", path);
	struct gt_access *a = opened();
	look(a, 0);
	assert_int_equal(add(a, "school", GT_SCOPE_TERMINAL, NULL, secret), 0);
	look(a, 0); /* its own */
	rename_ok(path, away);
	look(a, 1);
	assert_true(gt_access_lost(a));
	assert_false(gt_access_anonymous(a));
	assert_int_equal(prove(a, "school", secret), -GT_EIDENTITY);
	rename_ok(away, path);
	look(a, 1);
	assert_false(gt_access_lost(a));
	assert_true(gt_access_anonymous(a));
	assert_int_equal(prove(a, "school", secret), 0);
	/* at once, if asked */
	rename_ok(path, away);
	assert_int_equal(gt_access_look(a, true, why, sizeof why), 1);
	rename_ok(away, path);
	assert_int_equal(gt_access_look(a, true, why, sizeof why), 1);
	assert_int_equal(gt_access_look(a, true, why, sizeof why), 0);
	/* and before a change */
	rename_ok(path, away);
	assert_int_equal(gt_access_look(a, true, why, sizeof why), 1);
	rename_ok(away, path);
	assert_int_equal(wish(a, "home", false, &w), 0);
	assert_false(w.forgot);
	assert_int_equal(prove(a, "school", secret), 0);
	rename_ok(path, away);
	assert_int_equal(gt_access_remove(a, "home", why, sizeof why),
	                 -GT_EUNKNOWN);
	assert_int_equal(wish(a, "new", false, &w), 0);
	assert_true(w.forgot);
	rename_ok(away, path);
	assert_int_equal(gt_access_remove(a, "home", why, sizeof why), 0);
	gt_access_free(a);
	a = opened();
	assert_int_equal(prove(a, "school", secret), 0);
	assert_int_equal(add(a, "home", GT_SCOPE_TERMINAL, NULL, other),
	                 -GT_ECONFLICT);
	gt_access_free(a);
}

/* A file that cannot be read leaves all as it is, and is not written over. */
static void a_bad_file_is_not_written_over(void **state)
{
	char secret[GT_CREDENTIAL_SECRET], other[GT_CREDENTIAL_SECRET];
	struct stat st;
	(void)state;
	struct gt_access *a = opened();
	assert_int_equal(add(a, "school", GT_SCOPE_TERMINAL, NULL, secret), 0);
	write_file("{\"version\":1");
	look(a, -GT_EINVALID);
	assert_non_null(strstr(why, path));
	assert_int_equal(prove(a, "school", secret), 0);
	assert_int_equal(add(a, "home", GT_SCOPE_TERMINAL, NULL, other),
	                 -GT_EINVALID);
	assert_string_equal(other, "");
	assert_int_equal(gt_access_remove(a, "school", why, sizeof why),
	                 -GT_EINVALID);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 12);
	assert_int_equal(prove(a, "school", secret), 0);
	gt_access_free(a);
}

/* No room for the change: what was there counts on. */
static void no_disk(void **state)
{
	char secret[GT_CREDENTIAL_SECRET], other[GT_CREDENTIAL_SECRET];
	(void)state;
	struct gt_access *a = opened();
	assert_int_equal(add(a, "school", GT_SCOPE_TERMINAL, NULL, secret), 0);
	gt_access_free(a);
	char gone[100], kept[64];
	gt_format(gone, sizeof gone, "%s/folder/c.json", dir);
	gt_copy(kept, sizeof kept, path);
	gt_format(path, sizeof path, "%s", gone);
	a = opened();
	assert_true(gt_access_fresh(a));
	assert_int_not_equal(add(a, "home", GT_SCOPE_TERMINAL, NULL, other), 0);
	assert_string_equal(other, "");
	assert_int_equal(gt_access_count(a, GT_SCOPE_WRITE), 0);
	assert_true(gt_access_fresh(a));
	gt_access_free(a);
	gt_copy(path, sizeof path, kept);
}

/* --------------------------------------------------------- networks */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static struct sockaddr *address(union address *a, const char *text)
{
	memset(a, 0, sizeof *a);
	if (strchr(text, ':')) {
		a->v6.sin6_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, text, &a->v6.sin6_addr),
		                 1);
	} else {
		a->v4.sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, text, &a->v4.sin_addr), 1);
	}
	return &a->any;
}

static void networks(void **state)
{
	static const struct {
		const char *own, *mask;
		unsigned flags;
	} interfaces[] = {
	        {"192.168.1.10", "255.255.255.0", IFF_UP},
	        {"172.16.0.1", "255.255.0.0", 0},
	        {"10.9.8.7", "255.255.255.0", IFF_UP | IFF_POINTOPOINT},
	        {"100.1.2.3", "0.0.0.0", IFF_UP},
	        {"101.1.2.3", "254.0.0.0", IFF_UP},
	        {"fe80::1", "ffff:ffff:ffff:ffff::", IFF_UP},
	};
	static const struct {
		const char *peer;
		bool near;
	} peers[] = {
	        {"127.0.0.1", true},     {"127.9.9.9", true},
	        {"::1", true},           {"::ffff:127.0.0.1", true},
	        {"192.168.1.200", true}, {"::ffff:192.168.1.200", true},
	        {"192.168.2.10", false}, {"172.16.0.9", false},
	        {"10.9.8.1", false},     {"100.1.2.4", false},
	        {"101.1.2.4", false},    {"8.8.8.8", false},
	        {"fe80::99", true},      {"fe81::99", false},
	        {"2001:db8::1", false},  {"::ffff:8.8.8.8", false},
	};
	enum { N = sizeof interfaces / sizeof *interfaces };
	union address own[N], mask[N], peer;
	struct ifaddrs list[N], none = {0};
	(void)state;
	memset(list, 0, sizeof list);
	for (size_t i = 0; i < N; i++) {
		list[i].ifa_addr = address(&own[i], interfaces[i].own);
		list[i].ifa_netmask = address(&mask[i], interfaces[i].mask);
		list[i].ifa_flags = interfaces[i].flags;
		list[i].ifa_next = i + 1 < N ? &list[i + 1] : &none;
	}
	none.ifa_flags = IFF_UP; /* one without an address */
	for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
		bool near = gt_attached_by(list, address(&peer, peers[i].peer));
		if (near != peers[i].near)
			print_error("%s\n", peers[i].peer);
		assert_int_equal(near, peers[i].near);
	}
	assert_true(gt_attached(address(&peer, "127.0.0.1")));
	assert_false(gt_attached(address(&peer, "203.0.113.7")));
	peer.any.sa_family = AF_UNIX;
	assert_false(gt_attached_by(list, &peer.any));
}

int main(void)
{
	assert_non_null(mkdtemp(dir));
	gt_format(path, sizeof path, "%s/c.json", dir);
#define T(f) cmocka_unit_test_setup(f, fresh)
	const struct CMUnitTest tests[] = {
	        T(made_and_asked),
	        T(no_secret_is_kept),
	        T(passwords),
	        T(names),
	        T(nobody_known),
	        T(in_order),
	        T(taken_over),
	        T(names_of_an_earlier_program),
	        T(bad_files),
	        T(a_file_put_back_is_taken_up),
	        T(a_bad_file_is_not_written_over),
	        T(no_disk),
	        T(networks),
	        T(a_removed_name_is_given_to_nobody_else),
	        T(removed_names_are_bounded),
	};
	int failed = cmocka_run_group_tests_name("access", tests, NULL, NULL);
	(void)unlink(path);
	(void)rmdir(dir);
	return failed;
}
