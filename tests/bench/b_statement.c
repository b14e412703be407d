/* b_statement.c: statements per second of processor time, from bytes to form
 * hash.
 *
 * Batches of 100 statements of some 600 bytes, parsed as JSON, validated, cut
 * into slices and hashed. Prints one JSON line. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "statement.h"

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
	free(text);
	printf("{\"case\":\"statement\",\"statements_per_s\":%.0f,"
	       "\"mb_per_s\":%.1f,\"bytes_each\":%zu}\n",
	       (double)done / spent, (double)bytes / spent / 1e6, n / BATCH);
	return 0;
}
