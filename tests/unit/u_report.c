/* u_report.c: what was learnt, beside a count that keeps every record. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "code.h"
#include "nomem.h"
#include "unit/read_kit.h"

enum { RECORDS = 700, PLACES = 5, ABOUTS = 5, DAYS = 6 };

static const char *const places[PLACES] = {"33", "3301-b", "330106",
                                           "330106109", "330106109210"};
/* 33/a has the subject "health" (read_kit.h), 33/nope is not in the catalogue */
static const struct {
	const char *activity, *resource, *subject;
} about[ABOUTS] = {
        {"https://x.cn/33/a/1", "33/a", "health"},
        {"https://x.cn/33/a/2", "33/a", "health"},
        {"https://x.cn/33/nope", "33/nope", "-"},
        {"urn:guantong:subject:farming", "-", "farming"},
        {"https://x.cn/", "-", "-"},
};
static const char *const days[DAYS] = {"2025-10-31", "2025-11-01",
                                       "2025-11-02", "2025-12-31",
                                       "2026-01-01", "2026-01-02"};
/* noon of each in China */
static const int64_t noon[DAYS] = {1761883200000, 1761969600000, 1762056000000,
                                   1767153600000, 1767240000000, 1767326400000};
static const char *const verbs[] = {"http://adlnet.gov/expapi/verbs/completed",
                                    "http://v.cn/1", "urn:guantong:verb:needs",
                                    "urn:guantong:verb:visited"};

/* Record i. */
static struct made {
	int place, about, day, stored, verb, learner, secs;
	bool voided;
} made[RECORDS + 1];

static unsigned drawn = 1;

static int draw(int n)
{
	drawn = drawn * 1103515245u + 12345u;
	return (int)(drawn >> 16) % n;
}

static void put(int i, int64_t seq_at)
{
	struct made *m = &made[i];
	char text[1500], time[80] = "";
	*m = (struct made){draw(PLACES), draw(ABOUTS), draw(DAYS), draw(DAYS),
	                   draw(4),      draw(20),     draw(100),  false};
	gt_format(time, sizeof time, "%sT04:00:00Z", days[m->day]);
	gt_format(text, sizeof text,
	          "INSERT INTO record(seq,stream,origin_seq,id,form,flags,"
	          "target,origin_ms,stored_ms,policy,authority,body) VALUES("
	          "%lld,%d,%d,x'%032x',x'00',0,NULL,%lld,%lld,'','',CAST("
	          "'{\"actor\":{\"mbox\":\"mailto:l%d@b.cn\"},\"verb\":{\"id\":"
	          "\"%s\"},\"object\":{\"id\":\"%s\"},\"result\":{\"duration\":"
	          "\"PT%dS\"},\"timestamp\":\"%s\"}' AS BLOB))",
	          (long long)seq_at, m->place + 10, i, (unsigned)i,
	          (long long)noon[m->day], (long long)noon[m->stored],
	          m->learner, verbs[m->verb], about[m->about].activity, m->secs,
	          time);
	sql(text);
}

/* An operator of the province voids record i. */
static void void_it(int i, int seq_at)
{
	char text[600];
	gt_format(text, sizeof text,
	          "INSERT INTO record(seq,stream,origin_seq,id,form,flags,"
	          "target,origin_ms,stored_ms,policy,authority,body) VALUES("
	          "%d,10,%d,x'%032x',x'00',7,x'%032x',0,0,'','',x'7b7d')",
	          seq_at, seq_at, (unsigned)seq_at + 100000, (unsigned)i);
	sql(text);
	made[i].voided = true;
}

static int setup_all(void **state)
{
	if (setup(state) != 0)
		return 1;
	sql(GT_SCHEMA_FIGURES "DELETE FROM record;DELETE FROM stream");
	for (int i = 0; i < PLACES; i++) {
		char text[200];
		gt_format(text, sizeof text,
		          "INSERT INTO stream VALUES(%d,'%s',x'%02x',1000)",
		          i + 10, places[i], i);
		sql(text);
	}
	for (int i = 1; i <= RECORDS; i++)
		put(i, i);
	for (int i = 1; i <= RECORDS; i += 13)
		void_it(i, RECORDS + i);
	return 0;
}

/* ------------------------------------------------------------- the model */

static void place_of(char out[GT_CODE_MAX + 1], const struct made *m, int level)
{
	gt_copy(out, GT_CODE_MAX + 1, places[m->place]);
	if (level < 0)
		return;
	char *dash = strchr(out, '-');
	if (dash)
		*dash = '\0';
	static const size_t digits[] = {2, 4, 6, 9, 12};
	if (strlen(out) > digits[level])
		out[digits[level]] = '\0';
}

/* What the record has for that. */
static void value_of(char out[64], const struct made *m, const char *name,
                     const struct gt_report_query *q)
{
	const char *day =
	        days[q->counts_by == GT_BY_STORED ? m->stored : m->day];
	if (strcmp(name, "region") == 0)
		place_of(out, m, q->level);
	else if (strcmp(name, "subject") == 0)
		gt_copy(out, 64, about[m->about].subject);
	else if (strcmp(name, "resource") == 0)
		gt_copy(out, 64, about[m->about].resource);
	else if (strcmp(name, "activity") == 0)
		gt_copy(out, 64, about[m->about].activity);
	else if (strcmp(name, "verb") == 0)
		gt_copy(out, 64, verbs[m->verb]);
	else
		gt_format(out, 64, "%.*s",
		          *name == 'd'   ? 10
		          : *name == 'm' ? 7
		                         : 4,
		          day);
}

static bool counted(const struct made *m, const struct gt_report_query *q)
{
	const char *day =
	        days[q->counts_by == GT_BY_STORED ? m->stored : m->day];
	char at[GT_CODE_MAX + 1];
	place_of(at, m, -1);
	return !m->voided && (!q->within || gt_code_within(at, q->within)) &&
	       (!q->from || strncmp(day, q->from, 7) >= 0) &&
	       (!q->until || strncmp(day, q->until, 7) <= 0);
}

static bool fits(const struct made *m, const json_t *row,
                 const struct gt_report_query *q)
{
	char value[64];
	for (size_t k = 0; row && k < q->nby; k++) {
		const char *name = gt_report_by_name(q->by[k]);
		value_of(value, m, name, q);
		if (strcmp(value, word(row, name)) != 0)
			return false;
	}
	return counted(m, q);
}

/* Holds a row, or the total (row NULL), to all records. Its statements. */
static int64_t hold(const json_t *is, const json_t *row,
                    const struct gt_report_query *q)
{
	int64_t statements = 0, completions = 0, needs = 0, learners = 0,
	        secs = 0, visits = 0;
	bool known[20] = {false}, seen[20][ABOUTS][DAYS] = {{{false}}};
	for (int i = 1; i <= RECORDS; i++) {
		const struct made *m = &made[i];
		int day = q->counts_by == GT_BY_STORED ? m->stored : m->day;
		if (!fits(m, row, q))
			continue;
		statements++;
		completions += m->verb == 0;
		needs += m->verb == 2;
		secs += m->secs;
		learners += !known[m->learner];
		known[m->learner] = true;
		if (m->verb == 3) {
			visits++;
			continue;
		}
		visits += !seen[m->learner][m->about][day];
		seen[m->learner][m->about][day] = true;
	}
	assert_int_equal(number(is, "statements"), statements);
	assert_int_equal(number(is, "completions"), completions);
	assert_int_equal(number(is, "needs"), needs);
	assert_int_equal(number(is, "learners"), learners);
	assert_int_equal(number(is, "visits"), visits);
	double hours = json_real_value(json_object_get(is, "hours"));
	assert_true(fabs(hours - (double)secs / 3600) < 0.00501);
	return statements;
}

static json_t *ask(const struct gt_report_query *q)
{
	int status;
	json_t *v = gt_read_report(reader, q, &status);
	assert_int_equal(status, 0);
	assert_non_null(v);
	return v;
}

/* Every row is what the model has, and none is missing. */
static void compare(const struct gt_report_query *q)
{
	json_t *v = ask(q);
	const json_t *rows = json_object_get(v, "rows"), *row;
	int64_t sum = 0;
	size_t i;
	json_array_foreach(rows, i, row) sum += hold(row, row, q);
	assert_int_equal(hold(json_object_get(v, "total"), NULL, q), sum);
	json_decref(v);
}

/* ----------------------------------------------------------------- tests */

static struct gt_report_query by(const char *names)
{
	struct gt_report_query q = {.level = -1};
	for (const char *s = names; *s;) {
		size_t n = strcspn(s, ",");
		int is = gt_report_by_parse(s, n);
		assert_true(is >= 0);
		q.by[q.nby++] = (enum gt_report_by)is;
		s += n + (s[n] == ',');
	}
	return q;
}

static const char *const bys[] = {
        "region,subject,month",
        "region",
        "subject",
        "resource",
        "month",
        "year,region",
        "day",
        "verb",
        "activity",
        "",
        "region,subject,resource,month,day,year,verb,activity"};

static void every_row_is_what_was_done(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bys / sizeof *bys; i++)
		for (int level = -1; level < 5; level += 1 + (i > 1) * 3) {
			struct gt_report_query q = by(bys[i]);
			q.level = level;
			compare(&q);
			q.counts_by = GT_BY_STORED;
			compare(&q);
		}
}

static void a_report_may_be_of_a_place_and_a_time(void **state)
{
	(void)state;
	struct gt_report_query q = by("region,month");
	q.within = "330106";
	compare(&q);
	q.from = "2025-11";
	compare(&q);
	q.until = "2025-12";
	compare(&q);
	q.counts_by = GT_BY_STORED;
	q.within = NULL;
	q.from = NULL;
	compare(&q);
}

static void it_says_what_it_counts_by(void **state)
{
	(void)state;
	struct gt_report_query q = by("month,region");
	q.level = 2;
	q.counts_by = GT_BY_STORED;
	json_t *v = ask(&q);
	int64_t ahead = 0;
	for (int i = 1; i <= RECORDS; i++)
		ahead += !made[i].voided && made[i].day > made[i].stored;
	assert_string_equal(word(v, "counts_by"), "stored");
	assert_string_equal(word(v, "level"), "county");
	assert_string_equal(word(v, "node"), "3301");
	assert_string_equal(
	        json_string_value(json_array_get(json_object_get(v, "by"), 0)),
	        "month");
	assert_int_equal(number(v, "ahead"), ahead);
	assert_int_equal(number(v, "gaps"), 0);
	json_decref(v);
}

static void what_cannot_be_read_is_a_gap(void **state)
{
	(void)state;
	struct gt_report_query q = by("region");
	sql("INSERT INTO record(seq,stream,origin_seq,id,form,flags,target,"
	    "origin_ms,stored_ms,policy,authority,body) VALUES(5000,10,5000,"
	    "x'00112233445566778899aabbccddeeff',x'00',0,NULL,0,0,'','',"
	    "x'7b')");
	json_t *v = ask(&q);
	assert_int_equal(number(v, "gaps"), 1);
	json_decref(v);
	compare(&q);
	sql("DELETE FROM record WHERE seq=5000");
}

static bool at_once(void *arg)
{
	int *left = arg;
	return (*left)-- <= 0;
}

static void who_waits_no_longer_is_told(void **state)
{
	(void)state;
	struct gt_report_query q = by("region");
	int status, left = 0;
	q.enough = at_once;
	q.arg = &left;
	assert_null(gt_read_report(reader, &q, &status));
	assert_int_equal(status, -GT_ETIMEOUT);
	assert_string_equal(gt_reader_why(reader), "timed out");
	left = 5;
	json_decref(gt_read_report(reader, &q, &status));
	assert_int_equal(status, 0);
}

static void no_memory_is_said(void **state)
{
	(void)state;
	struct gt_report_query q = by("region,subject");
	q.within = "3301-b";
	q.until = "2025-10";
	for (size_t n = 0; nomem_each(&n); n += n / 8) {
		int status;
		json_t *v = gt_read_report(reader, &q, &status);
		assert_true(v ? status == 0 : status == -GT_ESTORE);
		assert_true(v || nomem_hit());
		json_decref(v);
	}
	compare(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_row_is_what_was_done),
	        cmocka_unit_test(a_report_may_be_of_a_place_and_a_time),
	        cmocka_unit_test(it_says_what_it_counts_by),
	        cmocka_unit_test(what_cannot_be_read_is_a_gap),
	        cmocka_unit_test(who_waits_no_longer_is_told),
	        cmocka_unit_test(no_memory_is_said),
	};
	return cmocka_run_group_tests(tests, setup_all, teardown);
}
