/* u_log.c: what a line looks like, whatever is put into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "say.h"

static FILE *file; /* that no writer ever waits for, as he may for a pipe */
static off_t seen;
static char text[1 << 20];

static int setup(void **state)
{
	(void)state;
	file = tmpfile();
	assert_non_null(file);
	seen = 0;
	gt_log_set_fd(fileno(file));
	gt_log_set_level(GT_LOG_DEBUG);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	gt_log_flush();
	gt_log_set_fd(STDERR_FILENO);
	return fclose(file);
}

/* All that was written since the last call. */
static const char *written(void)
{
	size_t at = 0;
	ssize_t n;
	while ((n = pread(fileno(file), text + at, sizeof text - 1 - at,
	                  seen)) > 0) {
		at += (size_t)n;
		seen += n;
	}
	text[at] = '\0';
	return text;
}

static size_t lines(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += *s == '\n';
	return n;
}

/* line fits the pattern: 0 is a digit, + a sign, all else itself. */
static bool fits(const char *line, const char *pattern)
{
	for (; *pattern; pattern++, line++) {
		bool ok = *pattern == '0'   ? *line >= '0' && *line <= '9'
		          : *pattern == '+' ? *line == '+' || *line == '-'
		                            : *line == *pattern;
		if (!ok)
			return false;
	}
	return true;
}

static void a_plain_line(void **state)
{
	static const char time[] = "time=0000-00-00T00:00:00.000+00:00";
	(void)state;
	gt_log_line(GT_LOG_WARN, "plain", "code", "330106", "why", NULL, "n",
	            GT_LOG_U(7), NULL);
	const char *line = written();
	assert_true(fits(line, time));
	assert_string_equal(line + strlen(time),
	                    " level=warn event=plain code=330106 n=7\n");
}

static void nothing_a_peer_says_forges_a_line(void **state)
{
	(void)state;
	gt_log_line(GT_LOG_INFO, "forge", "a", "x\nlevel=error", "b", "", "c",
	            "q\"\\", "d", "\x1b[2J", "e", "村", "f", "\xc2\x85", "g",
	            "\xff\xe6\x9d", "h", "\xe2\x80\xae", "i", "k=v", "j",
	            "\xc0\x8a", NULL);
	const char *line = written();
	assert_int_equal(lines(line), 1);
	assert_non_null(strstr(
	        line, " a=\"x\\x0alevel=error\" b=\"\" c=\"q\\\"\\\\\" "
	              "d=\"\\x1b[2J\" e=\"村\" f=\"\\xc2\\x85\" "
	              "g=\"\\xff\\xe6\\x9d\" h=\"\\xe2\\x80\\xae\" i=\"k=v\" "
	              "j=\"\\xc0\\x8a\"\n"));
}

/* Whoever reads the log stands elsewhere. */
static void advice_names_the_folder(void **state)
{
	(void)state;
	gt_say_node("/srv/a b");
	gt_log_line(GT_LOG_INFO, "advice", "advice", "see `guantong -C DIR ls`",
	            "why", "see `guantong -C DIR ls`", NULL);
	gt_say_node(NULL);
	const char *line = written();
	assert_non_null(strstr(line,
	                       " advice=\"see `guantong -C '/srv/a b' ls`\" "
	                       "why=\"see `guantong -C '/srv/a b' ls`\"\n"));
}

static void long_values_are_cut(void **state)
{
	static char value[100000];
	(void)state;
	memset(value, '\n', sizeof value - 1);
	gt_log_line(GT_LOG_INFO, "long", "v", value, "w", value, NULL);
	const char *line = written();
	assert_int_equal(lines(line), 1);
	assert_true(strlen(line) <= GT_LOG_LINE_MAX);
	/* both values are closed again */
	assert_non_null(strstr(line, "\\x0a...\" w=\"...\"\n"));
}

static void levels(void **state)
{
	(void)state;
	gt_log_set_level(GT_LOG_WARN);
	gt_log_line(GT_LOG_INFO, "levels", NULL);
	assert_string_equal(written(), "");
	gt_log_line(GT_LOG_ERROR, "levels", NULL);
	assert_int_equal(lines(written()), 1);
}

/* Time that is let pass; the test's own function is found before libc's. */
static time_t passed;

int clock_gettime(clockid_t id, struct timespec *t)
{
	int base = timespec_get(t, TIME_UTC);
	if (id == CLOCK_MONOTONIC)
		t->tv_sec += passed;
	return base == TIME_UTC ? 0 : -1;
}

/* Who goes on for a day at the rate that is let through in a second. */
static void a_flood_that_lasts(void **state)
{
	enum { DAY = 24 * 3600 };
	size_t n = 0, held = 0;
	(void)state;
	for (int i = 0; i < DAY; i += 10, passed += 10) {
		for (int k = 0; k < 2 * GT_LOG_BURST; k++)
			gt_log_line(GT_LOG_WARN, "day-long", NULL);
		const char *s = written();
		n += lines(s);
		for (const char *p = s; (p = strstr(p, " suppressed=")); p++)
			held++;
	}
	assert_true(n < 2 * GT_LOG_HOUR + DAY + DAY / 60);
	assert_true(held > 100 && held < DAY / 10);
	gt_log_flush();
	(void)written();
}

static void a_flood_is_held_back_and_counted(void **state)
{
	struct timespec from, to;
	unsigned long total = 0;
	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < 1000; i++)
		gt_log_line(GT_LOG_WARN, "flood", NULL);
	gt_log_flush();
	clock_gettime(CLOCK_MONOTONIC, &to);
	const char *s = written();
	size_t seconds = (size_t)(to.tv_sec - from.tv_sec) + 1;
	assert_true(lines(s) <= seconds * (GT_LOG_BURST + 1));
	for (const char *p = s; (p = strstr(p, " suppressed=")); p++)
		total += strtoul(p + strlen(" suppressed="), NULL, 10);
	for (const char *p = s; (p = strstr(p, " event=flood\n")); p++)
		total++;
	assert_int_equal(total, 1000);
	/* another event is not held back by it */
	gt_log_line(GT_LOG_WARN, "calm", NULL);
	assert_int_equal(lines(written()), 1);
}

static void *many(void *arg)
{
	for (int i = 0; i < 200; i++)
		gt_log_node(GT_LOG_INFO, arg);
	return NULL;
}

static void threads_do_not_mix_lines(void **state)
{
	static char names[4][16] = {"alpha", "beta", "gamma", "delta"};
	pthread_t threads[4];
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(
		        pthread_create(&threads[i], NULL, many, names[i]), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (char *s = strtok(gt_lend(written()), "\n"); s;
	     s = strtok(NULL, "\n"))
		assert_int_equal(strncmp(s, "time=", 5), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(a_plain_line),
	        T(nothing_a_peer_says_forges_a_line),
	        T(advice_names_the_folder),
	        T(long_values_are_cut),
	        T(levels),
	        T(a_flood_that_lasts),
	        T(a_flood_is_held_back_and_counted),
	        T(threads_do_not_mix_lines),
	};
	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
