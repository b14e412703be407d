/* b_records.c: records taken in and found, by how many there are.
 *
 *	b_records DIR ROWS [PIECE]
 *
 * One node in this process, its database in DIR: statements of some 650 bytes
 * with random ids are handed in by turns of 400 as the HTTP server hands them
 * over (parsed beforehand), all indexes on, each turn durable. At 0 rows and at
 * the end a PIECE of them (100,000) is timed; between, they are only put in.
 * What is in DIR stays and is gone on with. Then pages of 100 are asked for, of
 * each kind. Beside it, in the same run and of the same rows: bare SQLite with a
 * unique index on the id and a table of the same terms; and *ordered*, bare
 * SQLite without an index on the id, and without terms. A JSON line for each
 * figure. Of what the core does alone: HTTP, parsing and clients come on top. */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "buffer.h"
#include "json.h"
#include "node.h"
#include "read.h"
#include "xapi_term.h"

enum { TURN = 400, ASKS = 200, LEARNERS = 100000, LESSONS = 977 };

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

/* Of this process alone, on a machine that others work on too. */
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

static void figure(const char *name, const char *metric, double is,
                   const char *peer, double peer_is)
{
	printf("{\"case\":\"%s\",\"metric\":\"%s\",\"guantong\":%.6g", name,
	       metric, is);
	if (peer)
		printf(",\"peer\":\"%s\",\"peer_value\":%.6g,\"ratio\":%.3g",
		       peer, peer_is, is / peer_is);
	printf("}\n");
	fflush(stdout);
}

/* -------------------------------------------------------- statements */

static void random_id(uint8_t id[GT_UUID_BYTES])
{
	for (int i = 0; i < GT_UUID_BYTES; i++)
		id[i] = (uint8_t)draw(256);
	id[6] = (uint8_t)((id[6] & 15) | 0x40);
	id[8] = (uint8_t)((id[8] & 63) | 0x80);
}

static void statement(struct gt_buffer *b)
{
	char id[GT_UUID_TEXT], registration[GT_UUID_TEXT];
	uint8_t raw[GT_UUID_BYTES];
	static const char *const verbs[] = {"completed", "answered", "launched",
	                                    "passed", "experienced"};
	unsigned learner = (unsigned)draw(LEARNERS);
	unsigned lesson = (unsigned)draw(LESSONS);
	random_id(raw);
	gt_uuid_format(id, raw);
	/* a learner has some ten attempts */
	gt_format(registration, sizeof registration,
	          "%08x-0000-4000-8000-%012x", learner, (unsigned)draw(10));
	gt_buffer_format(
	        b,
	        "{\"id\":\"%s\",\"actor\":{\"objectType\":\"Agent\","
	        "\"account\":{\"homePage\":\"https://xuexi.example.cn\","
	        "\"name\":\"l%u\"}},\"verb\":{\"id\":\"http://adlnet.gov/"
	        "expapi/verbs/%s\",\"display\":{\"en\":\"%s\"}},\"object\":{"
	        "\"id\":\"https://xuexi.example.cn/lesson/%u\",\"definition\":{"
	        "\"name\":{\"zh-CN\":\"第 %u 课\"},\"type\":\"http://adlnet.gov"
	        "/expapi/activities/lesson\"}},\"context\":{\"registration\":"
	        "\"%s\",\"contextActivities\":{\"parent\":[{\"id\":\"https://"
	        "xuexi.example.cn/course/%u\"}]}},\"result\":{\"score\":{"
	        "\"scaled\":0.%02u},\"completion\":true},\"timestamp\":"
	        "\"2026-11-30T08:00:%02u.%03uZ\"}",
	        id, learner, verbs[draw(5)], "x", lesson, lesson, registration,
	        lesson / 20, (unsigned)draw(100), (unsigned)draw(60),
	        (unsigned)draw(1000));
}

struct batch {
	struct gt_buffer body[TURN];
	struct gt_statement s[TURN];
	uint64_t bytes;
};

static void make(struct batch *m)
{
	char why[200];
	for (int i = 0; i < TURN; i++) {
		m->body[i].n = 0;
		statement(&m->body[i]);
		m->bytes += m->body[i].n;
		if (gt_statements_parse(gt_bytes_of(m->body[i].p, m->body[i].n),
		                        GT_XAPI_ANY, NULL, 0, &m->s[i], 1, why,
		                        sizeof why) != 1)
			die("statement", why);
		m->s[i].authority = "{\"account\":{\"homePage\":\"https://"
		                    "33.cn\",\"name\":\"kiosk-1\"}}";
		m->s[i].flags |= GT_STATEMENT_NAMED;
	}
}

/* ------------------------------------------------------------ the node */

static struct gt_node *node;
static double slowest;

/* What rows took. */
struct took {
	double wall, cpu;
};

static void turn(const struct gt_event *e)
{
	struct gt_actions actions;
	size_t taken;
	double at = now();
	struct gt_now t = {.mono_ms = (uint64_t)(at * 1000) + 1,
	                   .wall_ms = (int64_t)time(NULL) * 1000};
	if (gt_node_turn(node, t, e, e ? 1 : 0, &taken, &actions) != 0)
		die("turn", gt_node_why(node));
	double took = now() - at;
	slowest = took > slowest ? took : slowest;
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
	turn(&e);
}

/* Until nothing is left to be merged. */
static void settle(void)
{
	struct gt_event e = {.type = GT_EV_TIME};
	for (int i = 0; i < 1000000 &&
	                gt_node_deadline(node) <= (uint64_t)(now() * 1000) + 1;
	     i++)
		turn(&e);
}

/* Takes so many in. */
static struct took take(struct batch *m, int64_t rows)
{
	struct took took = {0, 0};
	slowest = 0;
	for (int64_t i = 0; i < rows; i += TURN) {
		make(m);
		struct gt_event e = {.type = GT_EV_STATEMENTS,
		                     .statements = m->s,
		                     .count = TURN,
		                     .actor = "user:b"};
		double at = now(), used = cpu();
		turn(&e);
		took.wall += now() - at;
		took.cpu += cpu() - used;
	}
	return took;
}

/* ----------------------------------------------------------- the peer */

static sqlite3 *peer;

static sqlite3_stmt *prepare(const char *sql)
{
	sqlite3_stmt *st = NULL;
	if (sqlite3_prepare_v2(peer, sql, -1, &st, NULL) != SQLITE_OK)
		die(sql, sqlite3_errmsg(peer));
	return st;
}

static void open_peer(const char *path, bool ordered)
{
	if (sqlite3_open(path, &peer) != SQLITE_OK ||
	    sqlite3_exec(peer,
	                 "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
	                 "PRAGMA cache_size=-4000;"
	                 "CREATE TABLE IF NOT EXISTS record(seq INTEGER PRIMARY"
	                 " KEY, id BLOB, form BLOB, stored INTEGER, authority"
	                 " TEXT, body BLOB);",
	                 NULL, NULL, NULL) != SQLITE_OK)
		die(path, sqlite3_errmsg(peer));
	if (!ordered)
		sqlite3_exec(peer,
		             "CREATE UNIQUE INDEX IF NOT EXISTS i ON record(id)"
		             ";CREATE TABLE IF NOT EXISTS term(t INTEGER, seq "
		             "INTEGER, PRIMARY KEY(t,seq)) WITHOUT ROWID;",
		             NULL, NULL, NULL);
}

static void step(sqlite3_stmt *st)
{
	if (sqlite3_step(st) != SQLITE_DONE)
		die("peer", sqlite3_errmsg(peer));
	sqlite3_reset(st);
}

static struct took take_peer(struct batch *m, int64_t rows, bool ordered)
{
	static struct gt_terms t;
	sqlite3_stmt *put = prepare("INSERT INTO record VALUES(NULL,?1,?2,0,"
	                            "?3,?4)");
	sqlite3_stmt *term =
	        ordered ? NULL : prepare("INSERT INTO term VALUES(?1,?2)");
	struct took took = {0, 0};
	for (int64_t i = 0; i < rows; i += TURN) {
		make(m);
		double at = now(), used = cpu();
		sqlite3_exec(peer, "BEGIN", NULL, NULL, NULL);
		for (int k = 0; k < TURN; k++) {
			struct gt_statement *s = &m->s[k];
			sqlite3_bind_blob(put, 1, s->id, 16, SQLITE_STATIC);
			sqlite3_bind_blob(put, 2, s->form.b, 32, SQLITE_STATIC);
			sqlite3_bind_text(put, 3, s->authority, -1,
			                  SQLITE_STATIC);
			sqlite3_bind_blob(put, 4, s->body.p, (int)s->body.n,
			                  SQLITE_STATIC);
			step(put);
			if (ordered)
				continue;
			int64_t seq = sqlite3_last_insert_rowid(peer);
			t.n = 0;
			json_t *v = gt_json_load(s->body, 0, NULL);
			gt_terms_of(&t, v, NULL);
			json_decref(v);
			for (size_t j = 0; j < t.n; j++) {
				sqlite3_bind_int64(term, 1, (int64_t)t.v[j]);
				sqlite3_bind_int64(term, 2, seq);
				step(term);
			}
		}
		sqlite3_exec(peer, "COMMIT", NULL, NULL, NULL);
		took.wall += now() - at;
		took.cpu += cpu() - used;
	}
	sqlite3_finalize(put);
	sqlite3_finalize(term);
	return took;
}

/* ------------------------------------------------------------ queries */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void ask(struct gt_reader *r, const char *name, int kind, bool up)
{
	static double took[ASKS];
	char metric[120];
	size_t bytes = 0;
	double spent = 0;
	for (int i = 0; i < ASKS; i++) {
		char text[100];
		struct gt_filter f = {0};
		struct gt_buffer out = {0};
		unsigned learner = (unsigned)draw(LEARNERS);
		gt_format(text, sizeof text, "l%u", learner);
		if (kind == 0 || kind == 4)
			f.agent = (struct gt_agent){GT_AGENT_ACCOUNT, text,
			                            "https://xuexi.example.cn"};
		if (kind == 1)
			f.verb = "http://adlnet.gov/expapi/verbs/answered";
		f.related_agents = kind == 4;
		f.related_activities = kind == 5;
		if (kind == 2)
			gt_format(text, sizeof text,
			          "https://xuexi.example.cn/lesson/%u",
			          (unsigned)draw(LESSONS));
		if (kind == 5)
			gt_format(text, sizeof text,
			          "https://xuexi.example.cn/course/%u",
			          (unsigned)draw(LESSONS / 20));
		if (kind == 2 || kind == 5 || kind == 6)
			f.activity = text;
		if (kind == 6) {
			gt_format(text, sizeof text,
			          "https://xuexi.example.cn/lesson/%u",
			          (unsigned)draw(LESSONS));
			f.verb = "http://adlnet.gov/expapi/verbs/passed";
		}
		if (kind == 3) {
			char id[GT_UUID_TEXT];
			gt_format(id, sizeof id, "%08x-0000-4000-8000-%012x",
			          learner, (unsigned)draw(10));
			f.registered = gt_uuid_parse(f.registration, id);
		}
		struct gt_statements_query q = {.since_ms = INT64_MIN,
		                                .until_ms = INT64_MAX,
		                                .filter = &f,
		                                .ascending = up,
		                                .limit = 100,
		                                .bytes = 4 << 20};
		double at = now(), used = cpu();
		if (gt_read_statements(r, &q, &out) != 0)
			die("query", gt_reader_why(r));
		took[i] = (now() - at) * 1000;
		spent += cpu() - used;
		bytes += out.n;
		gt_buffer_free(&out);
	}
	qsort(took, ASKS, sizeof *took, by_value);
	gt_format(metric, sizeof metric,
	          "ms p99 of a page by %s%s (p50 %.2f, "
	          "CPU %.2f, %.0f bytes)",
	          name, up ? ", ascending" : "", took[ASKS / 2],
	          spent * 1000 / ASKS, (double)bytes / ASKS);
	figure("records-query", metric, took[ASKS * 99 / 100], NULL, 0);
}

static void ask_all(const char *path)
{
	static const char *const names[] = {"agent",
	                                    "verb",
	                                    "activity",
	                                    "registration",
	                                    "related agent",
	                                    "related activity",
	                                    "verb and activity"};
	char why[200];
	sqlite3 *db;
	if (sqlite3_open(path, &db) != SQLITE_OK)
		die(path, "cannot be opened");
	struct gt_reader *r = gt_reader_new(db, why, sizeof why);
	if (!r)
		die("reader", why);
	for (int k = 0; k < 7; k++) {
		ask(r, names[k], k, false);
		ask(r, names[k], k, true);
	}
	gt_reader_free(r);
}

static double number(const char *path, const char *sql)
{
	sqlite3_stmt *st;
	sqlite3 *db;
	double v = 0;
	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		if (sqlite3_step(st) == SQLITE_ROW)
			v = sqlite3_column_double(st, 0);
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	return v;
}

static void rates(int64_t at, int64_t rows, struct took is, struct took other,
                  const char *peer_is)
{
	char metric[100];
	gt_format(metric, sizeof metric, "rows/s at %lld rows", (long long)at);
	figure("records-take-in", metric, (double)rows / is.wall, peer_is,
	       (double)rows / other.wall);
	gt_format(metric, sizeof metric, "us of CPU a row at %lld rows",
	          (long long)at);
	figure("records-take-in", metric, is.cpu * 1e6 / (double)rows, peer_is,
	       other.cpu * 1e6 / (double)rows);
}

int main(int argc, char **argv)
{
	static struct batch m;
	char path[300], bare[300], ordered[300], metric[100];
	int64_t rows = argc > 2 ? atoll(argv[2]) : 0;
	int64_t piece = argc > 3 ? atoll(argv[3]) : 100000;
	if (rows < 1)
		die("usage", "b_records DIR ROWS [PIECE]");
	gt_format(path, sizeof path, "%s/records.db", argv[1]);
	gt_format(bare, sizeof bare, "%s/bare.db", argv[1]);
	gt_format(ordered, sizeof ordered, "%s/ordered.db", argv[1]);
	open_node(path);
	int64_t have = (int64_t)number(path, "SELECT count(*) FROM record");
	seed = 88172645463325252u + (uint64_t)have;
	if (have == 0) {
		open_peer(bare, false);
		struct took of_bare = take_peer(&m, piece, false);
		sqlite3_close(peer);
		open_peer(ordered, true);
		struct took of_ordered = take_peer(&m, piece, true);
		sqlite3_close(peer);
		struct took is = take(&m, piece);
		have = piece;
		rates(0, piece, is, of_bare, "bare SQLite, same indexes");
		rates(0, piece, is, of_ordered, "ordered");
		figure("records-take-in", "ms, slowest turn at 0 rows",
		       slowest * 1000, NULL, 0);
	}
	if (have < rows - piece) {
		take(&m, rows - piece - have);
		open_peer(bare, false);
		take_peer(&m, rows - piece - have, false);
		sqlite3_close(peer);
	}
	open_peer(bare, false);
	struct took of_bare = take_peer(&m, piece, false);
	sqlite3_close(peer);
	rates(rows, piece, take(&m, piece), of_bare,
	      "bare SQLite, same indexes");
	gt_format(metric, sizeof metric, "ms, slowest turn at %lld rows",
	          (long long)rows);
	figure("records-take-in", metric, slowest * 1000, NULL, 0);
	settle();
	gt_node_close(node);
	ask_all(path);
	double n = number(path, "SELECT count(*) FROM record");
	figure("records-disk", "bytes a record, index of terms",
	       number(path, "SELECT 4096.0*((SELECT count(*) FROM run_block)+"
	                    "(SELECT count(*) FROM run_group))+"
	                    "(SELECT ifnull(sum(length(body)),0) FROM"
	                    " run_tail)") /
	               n,
	       NULL, 0);
	figure("records-disk", "bytes a record, database",
	       number(path, "SELECT page_count*4096.0 FROM pragma_page_count"
	                    "()") /
	               n,
	       "bare SQLite, same indexes",
	       number(bare, "SELECT page_count*4096.0 FROM pragma_page_count"
	                    "()") /
	               number(bare, "SELECT count(*) FROM record"));
	return 0;
}
