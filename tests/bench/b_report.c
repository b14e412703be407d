/* b_report.c: reports, by how many records there are.
 *
 *	b_report DIR ROWS
 *
 * One node in this process, its database in DIR: statements of some 400 bytes,
 * of 100,000 learners, 20 resources and 12 months, are handed in by turns of
 * 400; then they are made to come from 20 places, and added up as a node that
 * is at rest does (records/reckon.h). What is in DIR stays and is gone on with.
 * Then reports are asked for. A JSON line for each figure. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buffer.h"
#include "node.h"
#include "read.h"

enum { TURN = 400, LEARNERS = 100000, RESOURCES = 20, PLACES = 20, ASKS = 5 };

static uint64_t seed;

static uint64_t draw(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static void figure(const char *metric, double is)
{
	printf("{\"case\":\"report\",\"metric\":\"%s\",\"guantong\":%.6g}\n",
	       metric, is);
	fflush(stdout);
}

static void statement(struct gt_buffer *b)
{
	static const char *const verbs[] = {"completed", "answered", "launched",
	                                    "passed", "experienced"};
	gt_buffer_format(
	        b,
	        "{\"id\":\"%08x-%04x-4%03x-8%03x-%012llx\",\"actor\":{"
	        "\"account\":{\"homePage\":\"https://xuexi.example.cn\","
	        "\"name\":\"l%u\"}},\"verb\":{\"id\":\"http://adlnet.gov/"
	        "expapi/"
	        "verbs/%s\"},\"object\":{\"id\":\"https://xuexi.example.cn/33/"
	        "c%u/%u\",\"definition\":{\"type\":\"http://adlnet.gov/expapi/"
	        "activities/lesson\"}},\"result\":{\"duration\":\"PT%uM\"},"
	        "\"timestamp\":\"2026-%02u-%02uT08:00:00.000Z\"}",
	        (unsigned)draw(1u << 31), (unsigned)draw(1 << 16),
	        (unsigned)draw(1 << 12), (unsigned)draw(1 << 12),
	        (unsigned long long)draw(1ull << 48), (unsigned)draw(LEARNERS),
	        verbs[draw(5)], (unsigned)draw(RESOURCES), (unsigned)draw(9),
	        (unsigned)draw(60), 1 + (unsigned)draw(12),
	        1 + (unsigned)draw(28));
}

/* ------------------------------------------------------------ the node */

static struct gt_node *node;

static void turn(const struct gt_event *e, uint64_t ms)
{
	struct gt_actions actions;
	size_t taken;
	struct gt_now t = {.mono_ms = ms,
	                   .wall_ms = (int64_t)time(NULL) * 1000};
	if (gt_node_turn(node, t, e, e ? 1 : 0, &taken, &actions) != 0)
		die("turn", gt_node_why(node));
}

static void open_node(const char *path)
{
	char why[256];
	uint8_t entropy[64];
	sqlite3 *db;
	struct gt_node_config c = {.code = "33", .parent = "", .software = "b"};
	memset(c.seed, 7, sizeof c.seed);
	memset(entropy, 9, sizeof entropy);
	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    gt_node_open(&node, &c, db, why, sizeof why) != 0)
		die(path, why);
	struct gt_event e = {.type = GT_EV_START,
	                     .body = gt_bytes_of(entropy, sizeof entropy)};
	turn(&e, 1);
}

static void take(int64_t rows)
{
	static struct gt_buffer body[TURN];
	static struct gt_statement s[TURN];
	char why[200];
	for (int64_t i = 0; i < rows; i += TURN) {
		for (int k = 0; k < TURN; k++) {
			body[k].n = 0;
			statement(&body[k]);
			if (gt_statements_parse(gt_buffer_bytes(&body[k]),
			                        GT_XAPI_ANY, NULL, 0, &s[k], 1,
			                        why, sizeof why) != 1)
				die("statement", why);
			s[k].authority = "{\"mbox\":\"mailto:k@33.cn\"}";
		}
		struct gt_event e = {.type = GT_EV_STATEMENTS,
		                     .statements = s,
		                     .count = TURN,
		                     .actor = "user:b"};
		turn(&e, 2);
	}
}

/* Goes through all that is due, as if time passed as fast as that; the most
 * CPU a turn took. */
static double rest(void)
{
	struct gt_event e = {.type = GT_EV_TIME};
	uint64_t ms = 2, day = ms + 20 * 3600 * 1000;
	double most = 0;
	while (gt_node_deadline(node) < day) {
		double at = cpu();
		ms = gt_node_deadline(node) > ms ? gt_node_deadline(node)
		                                 : ms + 1;
		turn(&e, ms);
		most = cpu() - at > most ? cpu() - at : most;
	}
	return most;
}

static double number(const char *path, const char *sql)
{
	sqlite3_stmt *st;
	sqlite3 *db;
	double v = 0;
	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		while (sqlite3_step(st) == SQLITE_ROW)
			v = sqlite3_column_double(st, 0);
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	return v;
}

static void from_places(const char *path)
{
	char sql[200];
	for (int i = 0; i < PLACES; i++) {
		gt_format(sql, sizeof sql,
		          "INSERT OR IGNORE INTO stream VALUES(%d,'3301%02d',"
		          "x'%032d',1)",
		          100 + i, i + 1, i);
		(void)number(path, sql);
	}
	(void)number(path, "UPDATE record SET stream=100+(seq%20)"
	                   " WHERE stream<100");
}

static void ask(const char *path, const char *name,
                const struct gt_report_query *q, int asks)
{
	char why[200], metric[200];
	sqlite3 *db;
	double least = 1e9, least_cpu = 1e9;
	size_t n = 0;
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die(path, "cannot be opened");
	struct gt_reader *r = gt_reader_new(db, why, sizeof why);
	if (!r)
		die("reader", why);
	for (int i = 0; i < asks; i++) {
		int status;
		double at = now();
		double used = cpu();
		json_t *v = gt_read_report(r, q, &status);
		if (!v)
			die("report", gt_reader_why(r));
		least = now() - at < least ? now() - at : least;
		least_cpu = cpu() - used < least_cpu ? cpu() - used : least_cpu;
		n = json_array_size(json_object_get(v, "rows"));
		json_decref(v);
	}
	gt_reader_free(r);
	gt_format(metric, sizeof metric, "s, by %s (%zu rows, CPU %.3f)", name,
	          n, least_cpu);
	figure(metric, least);
}

int main(int argc, char **argv)
{
	char path[300];
	int64_t rows = argc > 2 ? atoll(argv[2]) : 0;
	if (rows < 1)
		die("usage", "b_report DIR ROWS");
	gt_format(path, sizeof path, "%s/report.db", argv[1]);
	open_node(path);
	int64_t have = (int64_t)number(path, "SELECT count(*) FROM record");
	seed = 88172645463325252u + (uint64_t)have;
	double used = cpu();
	if (have < rows) {
		take(rows - have);
		figure("us of CPU a row, taken in and made",
		       (cpu() - used) * 1e6 / (double)(rows - have));
	}
	gt_node_close(node);
	from_places(path);
	double kept = number(path, "SELECT ifnull(max(last),0) FROM figures");
	open_node(path);
	used = cpu();
	double most = rest();
	if (kept + 2048 < (double)rows)
		figure("us of CPU a row, added up (looked after, too)",
		       (cpu() - used) * 1e6 / ((double)rows - kept));
	figure("ms of CPU, the longest turn of that", most * 1000);
	gt_node_close(node);
	figure("bytes a record, sums",
	       number(path, "SELECT sum(length(body)) FROM figures") /
	               (double)rows);
	figure("spans", number(path, "SELECT count(*)/2 FROM figures"));
	const struct gt_report_query
	        cube = {.by = {GT_REPORT_REGION, GT_REPORT_RESOURCE,
	                       GT_REPORT_MONTH},
	                .nby = 3,
	                .level = -1},
	        month = {.by = {GT_REPORT_MONTH}, .nby = 1, .level = -1},
	        day = {.by = {GT_REPORT_DAY}, .nby = 1, .level = -1};
	ask(path, "region, resource, month", &cube, ASKS);
	ask(path, "month", &month, ASKS);
	ask(path, "day, each record looked at", &day, 1);
	return 0;
}
