/* f_document.c: agents, headers and JSON to be merged, from anybody.
 *
 * The first byte says which. An agent that is taken has one canonical form,
 * which fits; what is merged is one JSON object, that has each name of either
 * with the value of the latter, and merging the same once more changes
 * nothing. What a neighbour says was seen is looked at too. */
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "json.h"
#include "versions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	LOAD = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL
};

static void agents(struct gt_bytes text)
{
	struct gt_buffer a = {0}, b = {0};
	char why[300];
	int status = gt_document_agent(&a, text, why, sizeof why);
	assert(status == 0 || status == -GT_EINVALID || status == -GT_ELIMIT);
	if (status == 0) {
		assert(a.n > 0 && a.n <= GT_DOCUMENT_NAME_MAX);
		assert(gt_document_agent(&b, text, why, sizeof why) == 0);
		assert(gt_bytes_eq(gt_buffer_bytes(&a), gt_buffer_bytes(&b)));
		struct gt_document_key key = {GT_DOCUMENT_AGENT, "",
		                              (const char *)a.p, "", "id"};
		assert(gt_document_unfit(&key) == NULL);
	}
	gt_buffer_free(&a);
	gt_buffer_free(&b);
}

static void headers(struct gt_bytes text)
{
	char etag[GT_ETAG_TEXT], *header = malloc(text.n + 1);
	assert(header);
	if (text.n)
		memcpy(header, text.p, text.n);
	header[text.n] = '\0';
	gt_document_etag(etag, text);
	assert(!gt_document_named(header, NULL));
	(void)gt_document_named(header, etag);
	(void)gt_document_is_json(header);
	free(header);
}

static void check(json_t *a, json_t *b, struct gt_bytes text)
{
	json_t *v = gt_json_load(text, LOAD, NULL);
	const char *key;
	json_t *value;
	assert(json_is_object(v));
	json_object_foreach(v, key, value)
	{
		json_t *want = json_object_get(b, key);
		want = want ? want : json_object_get(a, key);
		assert(want && json_equal(want, value));
	}
	json_object_foreach(a, key, value) assert(json_object_get(v, key));
	json_object_foreach(b, key, value) assert(json_object_get(v, key));
	json_decref(v);
}

static void merge(struct gt_bytes text)
{
	const uint8_t *cut = memchr(text.p, '\n', text.n);
	struct gt_buffer out = {0}, again = {0};
	char why[300];
	if (!cut)
		return;
	size_t n = (size_t)(cut - text.p);
	struct gt_bytes a = gt_bytes_of(text.p, n);
	struct gt_bytes b = gt_bytes_of(cut + 1, text.n - n - 1);
	int status = gt_document_merge(&out, a, b, why, sizeof why);
	assert(status == 0 || status == -GT_EINVALID || status == -GT_ELIMIT);
	if (status == 0) {
		json_t *x = gt_json_load(gt_json_unmarked(a), LOAD, NULL);
		json_t *y = gt_json_load(gt_json_unmarked(b), LOAD, NULL);
		check(x, y, gt_buffer_bytes(&out));
		json_decref(x);
		json_decref(y);
		assert(gt_document_merge(&again, gt_buffer_bytes(&out), b, why,
		                         sizeof why) == 0);
		assert(gt_bytes_eq(gt_buffer_bytes(&out),
		                   gt_buffer_bytes(&again)));
	}
	gt_buffer_free(&out);
	gt_buffer_free(&again);
}

static void seen(struct gt_bytes text)
{
	struct gt_seen s = {0};
	struct gt_version v = {.origin = "33", .seq = 7};
	(void)gt_seen_has(text, &v);
	if (!gt_seen_valid(text))
		return;
	gt_seen_add(&s, &v);
	gt_seen_merge(&s, text);
	assert(gt_seen_valid(gt_bytes_of(s.b, s.n)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const what[])(struct gt_bytes) = {agents, headers, merge,
	                                                seen};
	if (size > 0)
		what[data[0] % 4](gt_bytes_of(data + 1, size - 1));
	return 0;
}
