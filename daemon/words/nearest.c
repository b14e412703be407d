#include "nearest.h"

#include "base.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LETTERS = 64 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Keystrokes from a to b: insert, delete, replace, swap neighbours. Both are
 * shorter than LETTERS. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][LETTERS];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];
	size_t n = strlen(b);
	for (size_t j = 0; j <= n; j++)
		before[j] = last[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		now[0] = i;
		for (size_t j = 1; j <= n; j++) {
			bool same = a[i - 1] == b[j - 1];
			now[j] = least(last[j - 1] + !same,
			               least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		size_t *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[n];
}

/* "warning" for "warn", "conf" for "config". */
static bool begins(const char *a, const char *b)
{
	size_t n = least(strlen(a), strlen(b));
	return n >= 3 && strncmp(a, b, n) == 0;
}

/* A third wrong is a slip of the hand, more is another word: "restart" is no
 * slip for "roster", nor "stop" for "show". */
static size_t forgiven(size_t len, enum gt_slips slips)
{
	if (slips == GT_SLIPS_TYPED)
		return len < 5 ? 1 : len < 9 ? 2 : len / 3;
	return len < 6 ? len > 1 : len / 3;
}

static size_t slips_to(const char *known, const char *word, enum gt_slips slips)
{
	size_t len = strlen(word);
	if (strlen(known) >= LETTERS)
		return SIZE_MAX;
	if (slips == GT_SLIPS_TYPED && len > 2 &&
	    strncmp(known, word, len) == 0)
		return 1;
	return distance(word, known);
}

const char *gt_nearest(const char *word, const char *const *known, size_t n,
                       enum gt_slips slips)
{
	const char *best = NULL;
	size_t limit = forgiven(strlen(word), slips);
	if (strlen(word) >= LETTERS)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t d = slips_to(known[i], word, slips);
		if (d < limit + (best == NULL)) {
			best = known[i];
			limit = d;
		}
	}
	for (size_t i = 0; i < n && !best; i++)
		if (begins(word, known[i]))
			best = known[i];
	return best;
}

void gt_nearest_list(char *out, size_t cap, const char *const *known, size_t n)
{
	size_t at = 0;
	out[0] = '\0';
	for (size_t i = 0; i < n && at < cap - 1; i++) {
		gt_format(out + at, cap - at, "%s%s", i ? ", " : "", known[i]);
		at += strlen(out + at);
	}
}
