/* b_statement.c: statements per second of processor time, from bytes to form
 * hash; and what of it each step takes (with some 0.3 us of the clock's own in
 * each), and what gt_statement_verify does.
 *
 * Batches of 100 statements of some 600 bytes, parsed as JSON, validated, cut
 * into slices and hashed. Prints one JSON line. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "form.h"
#include "json_tree.h"
#include "statement.h"
#include "xapi.h"

enum { BATCH = 100, EACH = 1024 };

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t put(char *out, size_t cap, int i)
{
	int n = snprintf(
	        out, cap,
	        "%s{\"id\":\"12345678-1234-4234-8234-%012d\",\"actor\":{"
	        "\"objectType\":\"Agent\",\"account\":{\"homePage\":"
	        "\"https://id.example.cn/v1\",\"name\":\"%08d\"}},\"verb\":{"
	        "\"id\":\"http://adlnet.gov/expapi/verbs/completed\","
	        "\"display\":{\"en\":\"completed\"}},\"object\":{\"id\":"
	        "\"https://33.example.cn/r/33/phone-basics\",\"definition\":{"
	        "\"name\":{\"zh-CN\":\"phone basics\"}}},\"result\":{\"score\":"
	        "{\"scaled\":0.%d,\"raw\":%d,\"min\":0,\"max\":100},"
	        "\"success\":true,\"duration\":\"PT%dS\"},\"context\":{"
	        "\"registration\":\"87654321-1234-4234-8234-1234567890ab\","
	        "\"language\":\"zh-CN\"},\"timestamp\":"
	        "\"2026-11-22T22:27:37.123+08:00\"}",
	        i ? "," : "[", i, i, i % 100, i % 100, i);
	return (size_t)n;
}

/* Microseconds a statement: of reading it, judging it, reducing it, and of what a
 * parent asks of a record. */
static int stages(const struct gt_statement *v, int n)
{
	static const char by[] = "{\"objectType\":\"Agent\",\"account\":{"
	                         "\"homePage\":\"urn:guantong:330106\","
	                         "\"name\":\"kiosk-1\"}}";
	double spent[4] = {0};
	struct gt_buffer scratch = {0};
	struct gt_arena *arena = gt_arena_new();
	char why[300];
	long done = 0;
	while (arena && spent[3] < 0.5) {
		for (int i = 0; i < n; i++) {
			const struct gt_json_node *tree;
			struct gt_json_fault fault;
			struct gt_statement said = v[i];
			struct gt_id form;
			said.authority = by;
			gt_arena_reset(arena);
			double at[5] = {now_s()};
			int rc = gt_json_tree(&tree, arena, v[i].body, &fault);
			at[1] = now_s();
			if (rc == 0)
				rc = gt_xapi_check(tree, GT_XAPI_2, arena, "",
				                   why, sizeof why);
			at[2] = now_s();
			if (rc == 0)
				rc = gt_form_hash(&form, tree, arena, &scratch);
			at[3] = now_s();
			if (rc == 0)
				rc = gt_statement_verify(&said, why,
				                         sizeof why);
			at[4] = now_s();
			for (int k = 0; k < 4; k++)
				spent[k] += at[k + 1] - at[k];
			if (rc != 0)
				return rc;
		}
		done += n;
	}
	gt_buffer_free(&scratch);
	gt_arena_free(arena);
	double each = (double)(done ? done : 1) / 1e6;
	printf("{\"case\":\"statement-stages\",\"us_parse\":%.2f,\"us_check\":"
	       "%.2f,\"us_form\":%.2f,\"us_verify\":%.2f}\n",
	       spent[0] / each, spent[1] / each, spent[2] / each,
	       spent[3] / each);
	return 0;
}

int main(void)
{
	static struct gt_statement out[BATCH];
	char *text = malloc(BATCH * EACH + 2), why[200];
	size_t n = 0, bytes = 0;
	long done = 0;
	if (!text)
		return 1;
	for (int i = 0; i < BATCH; i++)
		n += put(text + n, EACH, i);
	text[n++] = ']';
	double from = now_s(), spent = 0;
	while (spent < 1.0) {
		if (gt_statements_parse(gt_bytes_of(text, n), GT_XAPI_ANY, NULL,
		                        0, out, BATCH, why,
		                        sizeof why) != BATCH) {
			fprintf(stderr, "%s\n", why);
			return 1;
		}
		done += BATCH;
		bytes += n;
		spent = now_s() - from;
	}
	if (stages(out, BATCH) != 0)
		return 1;
	free(text);
	printf("{\"case\":\"statement\",\"statements_per_s\":%.0f,"
	       "\"mb_per_s\":%.1f,\"bytes_each\":%zu}\n",
	       (double)done / spent, (double)bytes / spent / 1e6, n / BATCH);
	return 0;
}
