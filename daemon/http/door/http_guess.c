#include "http_guess.h"

#include <stdlib.h>
#include <string.h>

/* Rows of each kind. When all are taken the one longest not tried goes: who
 * fills them with names pays with his address. */
enum { ROWS = 1024 };

struct row {
	struct gt_id key;
	unsigned wrong; /* 0: free */
	int64_t at_ms;  /* of the last */

	/* of an address: not looked at, and when it was told, 0: not yet */
	unsigned refused;
	int64_t told_ms;
};

struct gt_http_guess {
	struct row names[ROWS], addresses[ROWS];
};

struct gt_http_guess *gt_http_guess_new(void)
{
	return calloc(1, sizeof(struct gt_http_guess));
}

void gt_http_guess_free(struct gt_http_guess *g)
{
	free(g);
}

static struct gt_id key_of(const uint8_t from[GT_HTTP_FROM_BYTES],
                           const char *name)
{
	uint8_t text[GT_HTTP_FROM_BYTES + 256];
	size_t n = strlen(name);
	struct gt_id key;
	n = n < 256 ? n : 256;
	memcpy(text, from, GT_HTTP_FROM_BYTES);
	memcpy(text + GT_HTTP_FROM_BYTES, name, n);
	gt_sha256_one(&key, text, GT_HTTP_FROM_BYTES + n);
	return key;
}

static struct row *find(struct row rows[ROWS], const struct gt_id *key)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].wrong > 0 && gt_id_eq(&rows[i].key, key))
			return &rows[i];
	return NULL;
}

/* Its row, or the one it takes. */
static struct row *settle(struct row rows[ROWS], const struct gt_id *key)
{
	struct row *oldest = find(rows, key);
	if (oldest)
		return oldest;
	oldest = rows;
	for (size_t i = 0; i < ROWS && oldest->wrong > 0; i++)
		if (rows[i].wrong == 0 || rows[i].at_ms < oldest->at_ms)
			oldest = &rows[i];
	*oldest = (struct row){.key = *key};
	return oldest;
}

/* Once for the first beyond what is free, twice for the next. */
static int64_t wait_of(const struct row *r, unsigned free_ones, int64_t now_ms)
{
	if (!r || r->wrong < free_ones ||
	    now_ms - r->at_ms >= GT_GUESS_FORGET_MS)
		return 0;
	unsigned beyond = r->wrong - free_ones;
	int64_t ms = beyond < 6 ? (int64_t)1000 << beyond : GT_GUESS_MOST_MS;
	int64_t until = r->at_ms + ms;
	return until > now_ms ? until - now_ms : 0;
}

int64_t gt_http_guess_wait(struct gt_http_guess *g,
                           const uint8_t from[GT_HTTP_FROM_BYTES],
                           const char *name, int64_t now_ms)
{
	struct gt_id by_name = key_of(from, name),
	             by_address = key_of(from, "");
	int64_t a = wait_of(find(g->names, &by_name), GT_GUESS_FREE, now_ms);
	int64_t b = wait_of(find(g->addresses, &by_address),
	                    GT_GUESS_FREE_ADDRESS, now_ms);
	return a > b ? a : b;
}

static unsigned count(struct row rows[ROWS], const struct gt_id *key,
                      int64_t now_ms)
{
	struct row *r = settle(rows, key);
	if (r->wrong > 0 && now_ms - r->at_ms >= GT_GUESS_FORGET_MS)
		*r = (struct row){.key = *key};
	r->at_ms = now_ms;
	return ++r->wrong;
}

unsigned gt_http_guess_wrong(struct gt_http_guess *g,
                             const uint8_t from[GT_HTTP_FROM_BYTES],
                             const char *name, int64_t now_ms)
{
	struct gt_id by_name = key_of(from, name),
	             by_address = key_of(from, "");
	(void)count(g->addresses, &by_address, now_ms);
	return count(g->names, &by_name, now_ms);
}

unsigned gt_http_guess_tell(struct gt_http_guess *g,
                            const uint8_t from[GT_HTTP_FROM_BYTES],
                            bool refused, int64_t now_ms)
{
	struct gt_id by_address = key_of(from, "");
	struct row *r = find(g->addresses, &by_address);
	if (!r)
		return 0;
	r->refused += refused;
	if (r->told_ms && now_ms - r->told_ms < GT_GUESS_TELL_MS)
		return 0;
	r->told_ms = now_ms;
	return r->wrong + r->refused;
}

void gt_http_guess_right(struct gt_http_guess *g,
                         const uint8_t from[GT_HTTP_FROM_BYTES],
                         const char *name)
{
	struct gt_id key = key_of(from, name);
	struct row *r = find(g->names, &key);
	if (r)
		r->wrong = 0;
}
