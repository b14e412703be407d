#include "versions.h"

#include <string.h>

/* One of `seen`, and the bytes behind it. False: none, or malformed. */
static bool next(struct gt_bytes *seen, struct gt_version *out)
{
	size_t code = seen->n > 0 ? seen->p[0] : 0;
	size_t size = 1 + code + GT_EPOCH_BYTES + 8;
	if (code == 0 || code > GT_CODE_MAX || seen->n < size)
		return false;
	const uint8_t *p = seen->p + 1;
	memcpy(out->origin, p, code);
	out->origin[code] = '\0';
	p += code;
	memcpy(out->epoch, p, GT_EPOCH_BYTES);
	p += GT_EPOCH_BYTES;
	out->seq = (int64_t)((uint64_t)gt_get32(p) << 32 | gt_get32(p + 4));
	out->first_ms = 0;
	*seen = gt_bytes_of(seen->p + size, seen->n - size);
	return strlen(out->origin) == code && out->seq > 0;
}

/* Of the same origin in the same epoch. */
static bool akin(const struct gt_version *a, const struct gt_version *b)
{
	return strcmp(a->origin, b->origin) == 0 &&
	       memcmp(a->epoch, b->epoch, GT_EPOCH_BYTES) == 0;
}

bool gt_seen_valid(struct gt_bytes seen)
{
	struct gt_version v;
	size_t count = 0;
	while (seen.n > 0)
		if (!next(&seen, &v) || ++count > GT_SEEN_MAX)
			return false;
	return true;
}

bool gt_seen_has(struct gt_bytes seen, const struct gt_version *v)
{
	struct gt_version one;
	while (next(&seen, &one))
		if (akin(&one, v))
			return one.seq >= v->seq;
	return false;
}

static void put(struct gt_seen *to, const struct gt_version *v)
{
	size_t code = strlen(v->origin);
	uint8_t *p = to->b + to->n;
	assert(code > 0 && to->n + GT_SEEN_ONE <= sizeof to->b);
	*p++ = (uint8_t)code;
	memcpy(p, v->origin, code);
	memcpy(p + code, v->epoch, GT_EPOCH_BYTES);
	gt_put64(p + code + GT_EPOCH_BYTES, (uint64_t)v->seq);
	to->n += 1 + code + GT_EPOCH_BYTES + 8;
}

void gt_seen_add(struct gt_seen *to, const struct gt_version *v)
{
	struct gt_seen was = *to;
	struct gt_version one, last = *v;
	struct gt_bytes rest = gt_bytes_of(was.b, was.n);
	size_t count = 0;
	while (next(&rest, &one))
		count += !akin(&one, v);
	rest = gt_bytes_of(was.b, was.n);
	to->n = 0;
	while (next(&rest, &one)) {
		if (akin(&one, v))
			last.seq = one.seq > last.seq ? one.seq : last.seq;
		else if (count-- < GT_SEEN_MAX)
			put(to, &one);
	}
	put(to, &last);
}

void gt_seen_merge(struct gt_seen *to, struct gt_bytes more)
{
	struct gt_version one;
	while (next(&more, &one))
		gt_seen_add(to, &one);
}

bool gt_version_same(const struct gt_version *a, const struct gt_version *b)
{
	return akin(a, b) && a->seq == b->seq;
}

/* By what is the same at every node. */
static bool greater(const struct gt_version *a, const struct gt_version *b)
{
	int order = strcmp(a->origin, b->origin);
	if (order == 0 && a->seq != b->seq)
		return a->seq > b->seq;
	if (order == 0)
		order = memcmp(a->epoch, b->epoch, GT_EPOCH_BYTES);
	return order > 0;
}

bool gt_version_wins(const struct gt_version *a, const struct gt_version *b)
{
	if (a->first_ms != b->first_ms)
		return b->first_ms != 0 &&
		       (a->first_ms == 0 || a->first_ms > b->first_ms);
	return greater(a, b);
}

enum gt_precedence gt_version_compare(const struct gt_version *a,
                                      struct gt_bytes a_seen,
                                      const struct gt_version *b,
                                      struct gt_bytes b_seen)
{
	if (gt_version_same(a, b))
		return GT_VERSION_SAME;
	bool knows = gt_seen_has(a_seen, b), known = gt_seen_has(b_seen, a);
	if (akin(a, b))
		knows = a->seq > b->seq, known = !knows;
	if (knows && known)
		knows = greater(a, b), known = !knows;
	if (!knows && !known)
		return GT_VERSION_BESIDE;
	return knows ? GT_VERSION_NEWER : GT_VERSION_OLDER;
}
