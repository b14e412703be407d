/* u_core.c: the core's thread around a real node on a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "core.h"
#include "sys.h"

/* What the wall clock is set ahead by. */
static atomic_llong ahead_ms;

struct gt_now __real_gt_sys_now(void);
struct gt_now __wrap_gt_sys_now(void);
struct gt_now __wrap_gt_sys_now(void)
{
	struct gt_now now = __real_gt_sys_now();
	now.wall_ms += atomic_load(&ahead_ms);
	return now;
}

enum { THREADS = 4, EACH = 250, ALL = THREADS * EACH, BODY_MAX = 64 << 10 };

struct bench {
	char dir[64], db[96];
	struct gt_node *node;
	struct gt_core *core;
	atomic_int replies[ALL + 1]; /* by token */
	atomic_int answered, accepted, failed, last_status;
	char why[256];
	pthread_mutex_t gate; /* held by a test to keep the core busy */
};

static void perform(void *arg, const struct gt_action *a)
{
	struct bench *b = arg;
	assert(b->core); /* known before anything is performed */
	if (a->type != GT_ACT_REPLY || a->token == 0)
		return;
	pthread_mutex_lock(&b->gate);
	pthread_mutex_unlock(&b->gate);
	assert(a->token <= ALL);
	atomic_fetch_add(&b->replies[a->token], 1);
	atomic_fetch_add(&b->answered, 1);
	if (a->status == 0)
		atomic_fetch_add(&b->accepted, 1);
	atomic_store(&b->last_status, a->status);
}

static void failed(void *arg, int status, const char *why)
{
	struct bench *b = arg;
	(void)gt_copy(b->why, sizeof b->why, why);
	atomic_store(&b->last_status, status);
	atomic_fetch_add(&b->failed, 1);
}

static void start(struct bench *b)
{
	const struct gt_core_events events = {perform, failed};
	struct gt_node_config config = {
	        .code = "33", .parent = "", .software = "test", .seed = {1}};
	char why[256] = "";
	sqlite3 *db;
	assert_int_equal(sqlite3_open(b->db, &db), SQLITE_OK);
	int rc = gt_node_open(&b->node, &config, db, why, sizeof why);
	if (rc != 0)
		print_error("%s\n", why);
	assert_int_equal(rc, 0);
	assert_int_equal(gt_core_start(&b->core, b->node, &events, b), 0);
}

static void stop(struct bench *b)
{
	gt_core_free(b->core);
	gt_node_close(b->node);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	strcpy(b->dir, "/tmp/guantong-core-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	gt_format(b->db, sizeof b->db, "%s/node.db", b->dir);
	assert_int_equal(pthread_mutex_init(&b->gate, NULL), 0);
	start(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char command[128];
	stop(b);
	gt_format(command, sizeof command, "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	pthread_mutex_destroy(&b->gate);
	free(b);
	return 0;
}

/* A statement made of nothing that outlives the call. */
static bool post(struct bench *b, uint32_t number, uint64_t token, size_t n)
{
	char *body = malloc(n + 1);
	assert(body && n >= 16);
	memset(body, 'x', n);
	gt_format(body, 16, "\"%010u\"", number);
	body[12] = 'x';
	char *authority = strdup("{}"), *actor = strdup("user:test");
	assert(authority && actor);
	struct gt_statement s = {.body = gt_bytes_of(body, n),
	                         .authority = authority};
	gt_put32(s.id, number);
	gt_sha256_one(&s.form, body, n);
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = token,
	                     .actor = actor,
	                     .statements = &s,
	                     .count = 1};
	bool ok = gt_core_post(b->core, &e, NULL);
	memset(body, 0, n); /* the core must have its own */
	memset(authority, 0, 2);
	memset(&s, 0, sizeof s);
	free(body);
	free(authority);
	free(actor);
	return ok;
}

static int64_t ask(struct bench *b, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	assert_int_equal(
	        sqlite3_open_v2(b->db, &db, SQLITE_OPEN_READONLY, NULL),
	        SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

struct poster {
	struct bench *b;
	uint32_t first;
};

static void *post_many(void *arg)
{
	struct poster *p = arg;
	for (uint32_t i = 0; i < EACH; i++)
		if (!post(p->b, p->first + i, p->first + i, 200))
			return p;
	return NULL;
}

static void every_command_is_answered_once(void **state)
{
	struct bench *b = *state;
	pthread_t threads[THREADS];
	struct poster posters[THREADS];
	static struct gt_node_status s; /* too large for a stack */
	pthread_mutex_lock(&b->gate);   /* until all is posted */
	for (uint32_t i = 0; i < THREADS; i++) {
		posters[i] = (struct poster){b, 1 + i * EACH};
		assert_int_equal(pthread_create(&threads[i], NULL, post_many,
		                                &posters[i]),
		                 0);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		void *bad;
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
	pthread_mutex_unlock(&b->gate);
	assert_true(gt_core_settle(b->core, 60000));
	for (uint32_t i = 1; i <= ALL; i++)
		assert_int_equal(atomic_load(&b->replies[i]), 1);
	assert_int_equal(atomic_load(&b->accepted), ALL);
	/* what it was given, byte for byte, though the caller's is gone */
	assert_int_equal(ask(b, "SELECT count(*) FROM record WHERE "
	                        "length(body) = 200 AND substr(CAST(body AS "
	                        "TEXT), 1, 13) GLOB '\"[0-9]*x'"),
	                 ALL);
	/* one commit for many events: that is what turns are for */
	assert_true(gt_core_wait(b->core, 0, 60000));
	gt_core_status(b->core, &s);
	assert_true(s.commits < ALL);
}

struct waiter {
	struct bench *b;
	uint64_t seen;
	bool past;
};

static void *wait_for_change(void *arg)
{
	struct waiter *w = arg;
	w->past = gt_core_wait(w->b->core, w->seen, 60000);
	return NULL;
}

static void a_change_wakes_who_waits(void **state)
{
	struct bench *b = *state;
	static struct gt_node_status s; /* too large for a stack */
	pthread_t thread;
	assert_true(gt_core_settle(b->core, 60000));
	gt_core_status(b->core, &s);
	struct waiter w = {b, s.generation, false};
	assert_int_equal(pthread_create(&thread, NULL, wait_for_change, &w), 0);
	assert_true(post(b, 1, 1, 100));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(w.past);
	gt_core_status(b->core, &s);
	assert_true(s.generation > w.seen);
	assert_int_equal(s.records_in, 1);
	/* once nothing more happens, the time runs out */
	while (gt_core_wait(b->core, s.generation, 20))
		gt_core_status(b->core, &s);
}

static void stopping_lets_waiters_go(void **state)
{
	struct bench *b = *state;
	pthread_t thread;
	struct waiter w = {b, UINT64_MAX - 1, true};
	assert_int_equal(pthread_create(&thread, NULL, wait_for_change, &w), 0);
	gt_core_stop(b->core);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(w.past);
	/* it can still be asked, and refuses */
	assert_false(post(b, 1, 1, 100));
	assert_false(gt_core_settle(b->core, 1000));
}

static void the_queue_has_a_limit(void **state)
{
	struct bench *b = *state;
	struct gt_event down = {.type = GT_EV_PEER_DOWN, .peer = 99};
	uint32_t n = 0;
	assert_true(gt_core_settle(b->core, 60000));
	pthread_mutex_lock(&b->gate);
	/* the first reply keeps the core; all else piles up */
	while (post(b, n + 1, 1, BODY_MAX))
		n++;
	assert_true((uint64_t)n * BODY_MAX <= GT_CORE_QUEUE_BYTES);
	assert_true((uint64_t)n * BODY_MAX > GT_CORE_QUEUE_BYTES / 2);
	/* what the node must hear gets through all the same */
	assert_true(gt_core_post(b->core, &down, NULL));
	pthread_mutex_unlock(&b->gate);
	assert_true(gt_core_settle(b->core, 60000));
	assert_int_equal(atomic_load(&b->answered), n);
	assert_true(post(b, n + 1, 2, BODY_MAX));
	assert_true(gt_core_settle(b->core, 60000));
	assert_int_equal(atomic_load(&b->replies[2]), 1);
}

/* A disk that takes no more: the node stops and says so once, nothing that was
 * not committed was answered, and what was is there after a restart. */
static void a_database_that_cannot_commit(void **state)
{
	struct bench *b = *state;
	struct rlimit was, less;
	uint32_t n = 0;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	less = was;
	less.rlim_cur = 2 << 20;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
	for (; n < ALL && post(b, n + 1, n + 1, BODY_MAX); n++)
		if (!gt_core_settle(b->core, 60000))
			break;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	gt_core_stop(b->core);
	assert_int_equal(atomic_load(&b->failed), 1);
	assert_int_equal(atomic_load(&b->last_status), -GT_ESTORE);
	assert_true(strlen(b->why) > 0);
	int accepted = atomic_load(&b->accepted);
	assert_true(accepted > 0);
	assert_true((uint32_t)accepted <= n);
	stop(b);
	start(b);
	assert_true(gt_core_settle(b->core, 60000));
	assert_int_equal(ask(b, "SELECT count(*) FROM record"), accepted);
	assert_true(post(b, 1, 1, BODY_MAX)); /* the same again: known */
	assert_true(post(b, n + 100, 2, BODY_MAX));
	assert_true(gt_core_settle(b->core, 60000));
	assert_int_equal(ask(b, "SELECT count(*) FROM record"), accepted + 1);
}

/* Whoever waited for a turn hears of it a moment before the turn is over. */
static void rest(struct bench *b)
{
	assert_true(gt_core_settle(b->core, 60000));
	while (gt_core_stuck(b->core, 0) != 0)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* A core that does not get on is seen, for as long as it does not. */
static void a_core_that_hangs(void **state)
{
	struct bench *b = *state;
	rest(b);
	pthread_mutex_lock(&b->gate);
	assert_true(post(b, 1, 1, 100));
	assert_int_equal(gt_core_stuck(b->core, 600000), 0);
	while (gt_core_stuck(b->core, 5) <= 5)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	pthread_mutex_unlock(&b->gate);
	rest(b);
}

/* What was stored is up to the moment a reader is told afterwards, and behind
 * the one he was told before; the moment goes on with the clock. */
static void what_readers_are_told(void **state)
{
	struct bench *b = *state;
	int64_t before, after, later, era, same;
	assert_true(gt_core_settle(b->core, 60000));
	while (!gt_core_consistent(b->core, &before, &era)) /* it starts */
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(era, 1);
	assert_true(post(b, 1, 1, 100));
	assert_true(gt_core_settle(b->core, 60000));
	assert_true(gt_core_consistent(b->core, &after, &same));
	assert_int_equal(same, era);
	int64_t stored = ask(b, "SELECT stored_ms FROM record");
	assert_true(before < stored && stored <= after);
	do {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		assert_true(gt_core_consistent(b->core, &later, &same));
		assert_true(later >= after);
	} while (later == after);
	assert_int_equal(same, era);
	assert_true(post(b, 2, 2, 100));
	assert_true(gt_core_settle(b->core, 60000));
	assert_true(ask(b, "SELECT max(stored_ms) FROM record") > later);
	/* a start is an era of its own */
	stop(b);
	start(b);
	assert_true(gt_core_settle(b->core, 60000));
	while (!gt_core_consistent(b->core, &later, &same))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(same, era + 1);
}

/* The clock was set ahead while nothing happened: a moment is told that is not a
 * second old, and of the era that has begun. */
static void a_clock_that_leaps_at_rest(void **state)
{
	struct bench *b = *state;
	int64_t before, later, era, same;
	assert_true(gt_core_settle(b->core, 60000));
	while (!gt_core_consistent(b->core, &before, &era)) /* it starts */
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	atomic_store(&ahead_ms, 3600000);
	do {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		assert_true(gt_core_consistent(b->core, &later, &same));
	} while (same == era);
	assert_int_equal(same, era + 1);
	assert_true(later < gt_sys_now().wall_ms);
	while (later + 1000 < gt_sys_now().wall_ms) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		assert_true(gt_core_consistent(b->core, &later, &same));
	}
	atomic_store(&ahead_ms, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(every_command_is_answered_once),
	        T(a_change_wakes_who_waits),
	        T(stopping_lets_waiters_go),
	        T(the_queue_has_a_limit),
	        T(a_database_that_cannot_commit),
	        T(a_core_that_hangs),
	        T(what_readers_are_told),
	        T(a_clock_that_leaps_at_rest),
	};
	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
