/* u_launch.c: launches: a key that is good once, a token that is good for a while,
 * kept over a restart, and no more than there may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "json.h"
#include "launch.h"
#include "sys.h"

#define REGISTRATION "11111111-1111-4111-8111-111111111111"

static char dir[] = "/tmp/gt-launch-XXXXXX", folder[64], why[400];
static int64_t now;

static void id_of(char out[GT_LAUNCH_ID], unsigned n)
{
	gt_format(out, GT_LAUNCH_ID, "%08x-0000-4000-8000-000000000000", n);
}

/* The learner of that number, in a session of that number. */
static int add(struct gt_launches *l, unsigned session, unsigned learner,
               char key[GT_LAUNCH_KEY])
{
	char agent[200];
	gt_format(
	        agent, sizeof agent,
	        "{\"account\":{\"homePage\":\"https://a.cn\",\"name\":\"%u\"}}",
	        learner);
	struct gt_launch launch = {.registration = REGISTRATION,
	                           .activity = "https://a.cn/course",
	                           .agent = agent,
	                           .fetch_until_ms = now + 60000,
	                           .session_ms = 3600000};
	id_of(launch.session, session);
	return gt_launches_add(l, &launch, key, why, sizeof why);
}

static int prove(struct gt_launches *l, const char *session, const char *token,
                 int64_t at)
{
	json_t *bound;
	int status = gt_launches_prove(l, session, token, at, &bound);
	assert_int_equal(status == 0, bound != NULL);
	if (bound)
		assert_string_equal(gt_json_member(bound, "session"), session);
	json_decref(bound);
	return status;
}

static size_t files(void)
{
	size_t n = 0;
	DIR *d = opendir(folder);
	for (const struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	if (d)
		(void)closedir(d);
	return n;
}

static int empty(void **state)
{
	(void)state;
	now = gt_sys_now().wall_ms;
	DIR *d = opendir(folder);
	for (const struct dirent *e; d && (e = readdir(d));) {
		char path[400];
		gt_format(path, sizeof path, "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			(void)unlink(path);
	}
	if (d)
		(void)closedir(d);
	(void)rmdir(folder);
	return 0;
}

static void once(void **state)
{
	char key[GT_LAUNCH_KEY], session[GT_LAUNCH_ID],
	        token[GT_CREDENTIAL_SECRET], none[GT_CREDENTIAL_SECRET];
	struct stat st;
	(void)state;
	struct gt_launches *l = gt_launches_new(folder);
	assert_int_equal(add(l, 1, 1, key), 0);
	id_of(session, 1);
	/* before it is fetched there is no token to have */
	assert_false(gt_launches_has(l, session, now));
	assert_int_equal(prove(l, session, "", now), -GT_EIDENTITY);
	for (unsigned again = 0; again < 2; again++) {
		key[strlen(key) - 1] ^= 1;
		assert_int_equal(gt_launches_fetch(l, key, now, session, none),
		                 -GT_EIDENTITY);
		key[strlen(key) - 1] ^= 1;
		gt_launches_free(l);
		l = gt_launches_new(folder);
	}
	assert_int_equal(gt_launches_fetch(l, key, now, session, token), 0);
	for (unsigned again = 0; again < 2; again++) {
		assert_int_equal(gt_launches_fetch(l, key, now, session, none),
		                 -GT_ESTATE);
		assert_string_equal(none, "");
		assert_true(gt_launches_has(l, session, now));
		assert_int_equal(prove(l, session, token, now), 0);
		assert_int_equal(prove(l, session, token, now + 3599999), 0);
		assert_int_equal(prove(l, session, token, now + 3600000),
		                 -GT_ESTATE);
		assert_int_equal(prove(l, session, "x", now + 3600000),
		                 -GT_EIDENTITY);
		assert_int_equal(prove(l, "nobody", token, now), -GT_EIDENTITY);
		gt_launches_free(l);
		l = gt_launches_new(folder);
	}
	/* nothing that could be used is on the disk, and only its owner reads */
	char path[400];
	struct gt_buffer text;
	gt_format(path, sizeof path, "%s/%s.json", folder, session);
	assert_int_equal(gt_files_read(path, 65536, &text, why, sizeof why), 0);
	assert_true(gt_buffer_add(&text, "", 1));
	assert_null(strstr((const char *)text.p, token));
	assert_null(strstr((const char *)text.p, strchr(key, '.') + 1));
	gt_buffer_free(&text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	gt_launches_end(l, session);
	assert_int_equal(prove(l, session, token, now), -GT_EIDENTITY);
	assert_int_equal(files(), 0);
	gt_launches_free(l);
}

static void too_late(void **state)
{
	char key[GT_LAUNCH_KEY], session[GT_LAUNCH_ID],
	        token[GT_CREDENTIAL_SECRET];
	(void)state;
	struct gt_launches *l = gt_launches_new(folder);
	assert_int_equal(add(l, 1, 1, key), 0);
	assert_int_equal(gt_launches_fetch(l, key, now + 60000, session, token),
	                 -GT_ESTATE);
	gt_launches_sweep(l, now + 59999);
	assert_int_equal(gt_launches_count(l), 1);
	gt_launches_sweep(l, now + 60000);
	assert_int_equal(gt_launches_count(l), 0);
	assert_int_equal(gt_launches_fetch(l, key, now, session, token),
	                 -GT_EIDENTITY);
	/* one that was fetched lives on */
	assert_int_equal(add(l, 2, 1, key), 0);
	assert_int_equal(gt_launches_fetch(l, key, now, session, token), 0);
	gt_launches_sweep(l, now + 60000);
	assert_int_equal(gt_launches_count(l), 1);
	gt_launches_free(l);
}

static void keys_that_are_none(void **state)
{
	static const char *const bad[] = {
	        "",
	        ".",
	        "x",
	        "00000001-0000-4000-8000-000000000000",
	        "00000001-0000-4000-8000-000000000000.",
	        "00000001-0000-4000-8000-000000000000.x.y",
	        "../../../../../../../../../etc/passw.x",
	};
	char key[GT_LAUNCH_KEY], session[GT_LAUNCH_ID],
	        token[GT_CREDENTIAL_SECRET];
	(void)state;
	struct gt_launches *l = gt_launches_new(folder);
	assert_int_equal(add(l, 1, 1, key), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(
		        gt_launches_fetch(l, bad[i], now, session, token),
		        -GT_EIDENTITY);
	gt_launches_free(l);
}

/* Who launches the same again is in another session, and the first is over. */
static void another_of_the_same(void **state)
{
	char one[GT_LAUNCH_KEY], two[GT_LAUNCH_KEY], session[GT_LAUNCH_ID],
	        token[GT_CREDENTIAL_SECRET];
	(void)state;
	struct gt_launches *l = gt_launches_new(folder);
	assert_int_equal(add(l, 1, 1, one), 0);
	assert_int_equal(add(l, 2, 2, two), 0);
	assert_int_equal(gt_launches_fetch(l, one, now, session, token), 0);
	assert_int_equal(add(l, 3, 1, two), 0);
	assert_int_equal(prove(l, session, token, now), -GT_EIDENTITY);
	assert_int_equal(gt_launches_count(l), 2);
	assert_int_equal(files(), 2);
	assert_int_equal(add(l, 3, 7, two), -GT_ECONFLICT);
	gt_launches_free(l);
}

struct race {
	struct gt_launches *l;
	const char *key;
	int status;
};

static void *fetch(void *arg)
{
	struct race *r = arg;
	char session[GT_LAUNCH_ID], token[GT_CREDENTIAL_SECRET];
	r->status = gt_launches_fetch(r->l, r->key, now, session, token);
	return NULL;
}

static void two_at_once(void **state)
{
	enum { THREADS = 8 };
	char key[GT_LAUNCH_KEY];
	(void)state;
	struct gt_launches *l = gt_launches_new(folder);
	for (unsigned round = 0; round < 20; round++) {
		pthread_t threads[THREADS];
		struct race races[THREADS];
		unsigned good = 0;
		assert_int_equal(add(l, round + 1, round, key), 0);
		for (unsigned i = 0; i < THREADS; i++) {
			races[i] = (struct race){l, key, 0};
			assert_int_equal(pthread_create(&threads[i], NULL,
			                                fetch, &races[i]),
			                 0);
		}
		for (unsigned i = 0; i < THREADS; i++) {
			assert_int_equal(pthread_join(threads[i], NULL), 0);
			good += races[i].status == 0;
			assert_true(races[i].status == 0 ||
			            races[i].status == -GT_ESTATE);
		}
		assert_int_equal(good, 1);
	}
	gt_launches_free(l);
}

/* Made without their files: 4,096 of them. */
static void no_more_than_there_may_be(void **state)
{
	char key[GT_LAUNCH_KEY], first[GT_LAUNCH_ID];
	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	for (unsigned i = 0; i < GT_LAUNCHES_MAX; i++) {
		char path[400], text[700], id[GT_LAUNCH_ID];
		id_of(id, i);
		gt_format(path, sizeof path, "%s/%s.json", folder, id);
		gt_format(text, sizeof text,
		          "{\"version\":1,\"bound\":{\"session\":\"%s\","
		          "\"registration\":\"" REGISTRATION "\",\"activity\":"
		          "\"a:b\",\"agent\":{\"n\":%u}},\"key\":{\"salt\":"
		          "\"%032x\",\"hash\":\"%064x\"},\"fetch_until\":%lld,"
		          "\"session_ms\":1}",
		          id, i, i, i, (long long)now + 600000);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		assert_true(fputs(text, f) >= 0);
		assert_int_equal(fclose(f), 0);
	}
	struct gt_launches *l = gt_launches_new(folder);
	assert_int_equal(gt_launches_count(l), GT_LAUNCHES_MAX);
	assert_int_equal(add(l, 0xffff, 1, key), -GT_ESTATE);
	id_of(first, 0);
	gt_launches_end(l, first);
	assert_int_equal(add(l, 0xffff, 1, key), 0);
	gt_launches_sweep(l, now + 600000);
	assert_int_equal(gt_launches_count(l), 0);
	assert_int_equal(files(), 0);
	gt_launches_free(l);
}

/* What is no launch is removed, and nothing beside the folder. */
static void files_that_are_none(void **state)
{
	static const char *const bad[] = {
	        "", "{}", "[]", "{\"version\":1}",
	        "{\"version\":1,\"bound\":{\"session\":\"../x\"}}"};
	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char path[400];
		gt_format(path, sizeof path, "%s/%zu.json", folder, i);
		assert_int_equal(gt_files_write(path, 0600, GT_FILES_REPLACE,
		                                gt_bytes_str(bad[i]), why,
		                                sizeof why),
		                 0);
	}
	struct gt_launches *l = gt_launches_new(folder);
	assert_int_equal(gt_launches_count(l), 0);
	assert_int_equal(files(), 0);
	gt_launches_free(l);
}

int main(void)
{
	assert_non_null(mkdtemp(dir));
	gt_format(folder, sizeof folder, "%s/launches", dir);
#define T(f) cmocka_unit_test_setup(f, empty)
	const struct CMUnitTest tests[] = {
	        T(once),
	        T(too_late),
	        T(keys_that_are_none),
	        T(another_of_the_same),
	        T(two_at_once),
	        T(no_more_than_there_may_be),
	        T(files_that_are_none),
	};
	int failed = cmocka_run_group_tests_name("launch", tests, NULL, NULL);
	(void)empty(NULL);
	(void)rmdir(dir);
	return failed;
}
