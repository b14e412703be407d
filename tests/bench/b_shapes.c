/* b_shapes.c: what a statement as long as it may be costs, by its shape: parsed,
 * judged and hashed as it is handed in, which is what each reading of it costs
 * again, since a record is compared with its form before it is shown.
 *
 * Prints one JSON line a shape, in processor time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "limit.h"
#include "statement.h"

#define HEAD                                                                 \
	"{\"id\":\"12345678-1234-4234-8234-000000000001\",\"actor\":{"       \
	"\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":\"http://a.b/c\"},"    \
	"\"object\":{\"id\":\"http://a.b/d\"},\"context\":{\"extensions\":{" \
	"\"http://x/y\":"
#define TAIL "}}}"
#define DEEP "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
#define UP   "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"

static char text[GT_STATEMENT_MAX];

/* The pieces between an opening and an end, `%06d` in one being its number. */
static size_t fill(const char *open, const char *each, const char *sep,
                   const char *end)
{
	size_t n = (size_t)snprintf(text, sizeof text, "%s%s", HEAD, open);
	const char *mark = strstr(each, "%06d");
	for (int i = 0;; i++) {
		char one[200];
		size_t k =
		        (size_t)snprintf(one, sizeof one, "%s", i ? sep : "");
		if (mark)
			k += (size_t)snprintf(one + k, sizeof one - k,
			                      "%.*s%06d%s", (int)(mark - each),
			                      each, i, mark + 4);
		else
			k += (size_t)snprintf(one + k, sizeof one - k, "%s",
			                      each);
		if (n + k + strlen(end) + sizeof TAIL > sizeof text)
			break;
		memcpy(text + n, one, k);
		n += k;
	}
	return n +
	       (size_t)snprintf(text + n, sizeof text - n, "%s%s", end, TAIL);
}

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
	static const struct {
		const char *name, *open, *each, *sep, *end;
	} shapes[] = {
	        {"plain text", "\"", "rrrrrrrrrr", "", "\""},
	        {"escapes", "\"", "\\u4e00", "", "\""},
	        {"quotes", "\"", "\\\"", "", "\""},
	        {"one number of 256 KiB", "0.", "1", "", ""},
	        {"whole numbers", "[", "7", ",", "]"},
	        {"fractions", "[", "0.1", ",", "]"},
	        {"smallest numbers", "[", "2.2250738585072011e-308", ",", "]"},
	        {"names", "{", "\"%06d\":1", ",", "}"},
	        {"empty objects", "[", "{}", ",", "]"},
	        {"deep arrays", "[", DEEP UP, ",", "]"},
	};
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		static struct gt_statement out;
		char why[200];
		size_t n = fill(shapes[i].open, shapes[i].each, shapes[i].sep,
		                shapes[i].end);
		int times = 0;
		double from = now_s(), spent = 0;
		for (; spent < 0.3; times++, spent = now_s() - from)
			if (gt_statements_parse(gt_bytes_of(text, n),
			                        GT_XAPI_ANY, NULL, 0, &out, 1,
			                        why, sizeof why) != 1) {
				fprintf(stderr, "%s: %s\n", shapes[i].name,
				        why);
				return 1;
			}
		printf("{\"case\":\"shapes\",\"shape\":\"%s\","
		       "\"ms_each\":%.1f,\"ms_per_mib\":%.0f}\n",
		       shapes[i].name, spent / times * 1000,
		       spent / times * 1000 * (1 << 20) / (double)n);
	}
	return 0;
}
