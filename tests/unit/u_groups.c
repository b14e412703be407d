/* u_groups.c: groups of learners, and somebody who subtracts whatever he can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "groups.h"
#include "nomem.h"

static struct gt_group_row row(const char *activity, const char *part,
                               uint64_t who, uint32_t least)
{
	return (struct gt_group_row){.verb = "v",
	                             .activity = activity,
	                             .part = part,
	                             .month = "2026-10",
	                             .least = least,
	                             .who = {who},
	                             .nwho = 1};
}

/* n rows of n learners, from `who` on. */
static void add(struct gt_groups *g, const char *activity, const char *part,
                uint64_t who, unsigned n, uint32_t least)
{
	for (unsigned i = 0; i < n; i++) {
		struct gt_group_row r = row(activity, part, who + i, least);
		assert_int_equal(gt_groups_add(g, &r), 0);
	}
}

static struct gt_groups *begin(void)
{
	struct gt_groups *g = gt_groups_new();
	assert_non_null(g);
	return g;
}

static size_t settle(struct gt_groups *g)
{
	assert_int_equal(gt_groups_settle(g), 0);
	return gt_groups_cells(g);
}

static void none_below_k(void **state)
{
	(void)state;
	struct gt_groups *g = begin();
	add(g, "a", "330106", 1, 4, 5);
	add(g, "a", "330106", 1, 4, 5); /* the same four again */
	assert_int_equal(settle(g), 0);
	gt_groups_free(g);
	g = begin();
	add(g, "a", "330106", 1, 5, 5);
	add(g, "a", "330106", 1, 4, 5);
	assert_int_equal(settle(g), 1);
	struct gt_group_cell c = gt_groups_cell(g, 0);
	assert_int_equal(c.statements, 9);
	assert_int_equal(c.learners, 5);
	assert_int_equal(c.least, 5);
	assert_string_equal(c.activity, "a");
	assert_string_equal(c.month, "2026-10");
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(gt_groups_cell_of(g, i), 0);
	gt_groups_free(g);
	g = begin();
	assert_int_equal(settle(g), 0); /* of nothing */
	gt_groups_free(g);
}

static void the_greatest_k_counts(void **state)
{
	(void)state;
	struct gt_groups *g = begin();
	add(g, "a", "330106", 1, 9, 5);
	add(g, "a", "330106", 1, 1, 10);
	assert_int_equal(settle(g), 0);
	gt_groups_free(g);
}

/* Whoever knows his own, and the sum, knows the other's. */
static void four_and_one_of_two_children_are_no_five(void **state)
{
	(void)state;
	struct gt_groups *g = begin();
	add(g, "a", "330106", 1, 4, 5);
	add(g, "a", "330108", 11, 1, 5);
	assert_int_equal(settle(g), 0);
	gt_groups_free(g);
	/* six and one: the six alone; but the one would be left, and be seen */
	g = begin();
	add(g, "a", "330106", 1, 6, 5);
	add(g, "a", "330108", 11, 1, 5);
	assert_int_equal(settle(g), 0);
	gt_groups_free(g);
	/* with others it is not */
	g = begin();
	add(g, "a", "330106", 1, 6, 5);
	add(g, "a", "330108", 11, 1, 5);
	add(g, "b", "330108", 12, 4, 5);
	assert_int_equal(settle(g), 2);
	assert_int_equal(gt_groups_cell(g, 0).learners, 6);
	/* and five of one place are told of together */
	assert_int_equal(gt_groups_cell_of(g, 6), 1);
	assert_string_equal(gt_groups_cell(g, 1).activity, "");
	assert_int_equal(gt_groups_cell(g, 1).learners, 5);
	gt_groups_free(g);
	/* five and five; three and three and three */
	g = begin();
	add(g, "a", "330106", 1, 5, 5);
	add(g, "a", "330108", 11, 5, 5);
	add(g, "b", "330106", 1, 3, 5);
	add(g, "b", "330108", 11, 3, 5);
	add(g, "b", "330109", 21, 3, 5);
	assert_int_equal(settle(g), 2);
	assert_int_equal(gt_groups_cell(g, 0).learners, 10);
	assert_int_equal(gt_groups_cell(g, 1).learners, 9);
	gt_groups_free(g);
}

static void the_rare_ones_are_counted_together(void **state)
{
	(void)state;
	struct gt_groups *g = begin();
	add(g, "a", "330106", 1, 3, 5);
	add(g, "b", "330106", 3, 3, 5); /* one of them did both */
	assert_int_equal(settle(g), 1);
	assert_string_equal(gt_groups_cell(g, 0).activity, "");
	assert_int_equal(gt_groups_cell(g, 0).learners, 5);
	assert_int_equal(gt_groups_cell(g, 0).statements, 6);
	gt_groups_free(g);
}

/* How many stay can be seen above: a few would be what is left of all. */
static void what_is_left_is_of_no_few(void **state)
{
	(void)state;
	struct gt_groups *g = begin();
	struct gt_group_row r = row("b", "330106", 99, 5);
	r.verb = "w";
	add(g, "a", "330106", 1, 7, 5);
	add(g, "c", "330106", 21, 6, 5);
	assert_int_equal(gt_groups_add(g, &r), 0);
	assert_int_equal(settle(g), 1);
	assert_string_equal(gt_groups_cell(g, 0).activity, "a");
	assert_int_equal(gt_groups_cell_of(g, 7), -1);
	assert_int_equal(gt_groups_cell_of(g, 13), -1);
	gt_groups_free(g);
	/* of nobody who is known */
	g = begin();
	r.nwho = 0;
	add(g, "a", "330106", 1, 7, 5);
	assert_int_equal(gt_groups_add(g, &r), 0);
	assert_int_equal(settle(g), 0);
	gt_groups_free(g);
}

static void it_is_bounded(void **state)
{
	(void)state;
	struct gt_groups *g = begin();
	struct gt_group_row r = row("a", "330106", 1, 5);
	for (unsigned i = 0; i < GT_GROUPS_ROWS; i++) {
		r.who[0] = i % 5000;
		r.part = i % 2 ? "330106" : "330108";
		r.activity = i % 3 ? "a" : "b";
		assert_int_equal(gt_groups_add(g, &r), 0);
	}
	assert_int_equal(gt_groups_add(g, &r), -GT_ELIMIT);
	assert_int_equal(settle(g), 2);
	gt_groups_free(g);
}

static void without_memory(void **state)
{
	(void)state;
	size_t at = 0;
	while (nomem_each(&at)) {
		struct gt_groups *g = gt_groups_new();
		int status = g ? 0 : -GT_ENOMEM;
		for (uint64_t i = 0; status == 0 && i < 100; i++) {
			struct gt_group_row r = row("a", "330106", i, 5);
			status = gt_groups_add(g, &r);
		}
		if (status == 0)
			status = gt_groups_settle(g);
		assert_true(status == 0 || status == -GT_ENOMEM);
		gt_groups_free(g);
	}
	assert_true(at > 5);
}

/* ---------------------------------------------------- who subtracts it all */

enum {
	MONTHS = 6,
	ROWS = 600,
	CELLS = 200,
	LEARNERS = 60,
	ASKED = 300, /* subtractions tried of a history */
};

/* Everything that was ever told, as sets of the records it was told of: of each
 * cell, and of what could be seen to lie here when a report was made. */
struct history {
	uint32_t seed;
	struct {
		uint64_t who[2];
		size_t nwho;
		char part[8], verb[4], activity[4], month[GT_GROUPS_MONTH];
		uint32_t least;
		int told; /* cell, -1: in the pool */
	} row[ROWS];
	size_t rows, cells;
	/* of each report that told anything: rows there were, cells told up to
	 * it */
	size_t seen[MONTHS], upto[MONTHS], reports;
};

static uint32_t draw(struct history *h, uint32_t n)
{
	h->seed = h->seed * 1664525u + 1013904223u;
	return (h->seed >> 8) % n;
}

/* The learners that come to a month; most things are rare. */
static void live(struct history *h, unsigned month, uint32_t k)
{
	size_t n = draw(h, ROWS / MONTHS);
	for (size_t i = 0; i < n && h->rows < ROWS; i++) {
		size_t at = h->rows++;
		uint32_t rare = draw(h, 2) ? draw(h, 3) : draw(h, 12);
		h->row[at].who[0] = draw(h, LEARNERS);
		h->row[at].who[1] = draw(h, LEARNERS);
		h->row[at].nwho = draw(h, 8) ? 1 : draw(h, 3);
		gt_format(h->row[at].part, 8, "33010%u", draw(h, 4));
		gt_format(h->row[at].verb, 4, "v%u", draw(h, 2));
		gt_format(h->row[at].activity, 4, "%u", rare);
		gt_format(h->row[at].month, GT_GROUPS_MONTH, "2026-%02u",
		          month > 0 && !draw(h, 5) ? month : month + 1);
		h->row[at].least = draw(h, 40) ? k : k + 3;
		h->row[at].told = -1;
	}
}

static void report(struct history *h)
{
	struct gt_groups *g = begin();
	size_t added[ROWS], n = 0;
	for (size_t i = 0; i < h->rows; i++) {
		if (h->row[i].told >= 0)
			continue;
		struct gt_group_row r = {
		        .verb = h->row[i].verb,
		        .activity = h->row[i].activity,
		        .part = h->row[i].part,
		        .least = h->row[i].least,
		        .who = {h->row[i].who[0], h->row[i].who[1]},
		        .nwho = h->row[i].nwho};
		gt_copy(r.month, sizeof r.month, h->row[i].month);
		assert_int_equal(gt_groups_add(g, &r), 0);
		added[n++] = i;
	}
	size_t cells = settle(g);
	for (size_t i = 0; i < n; i++)
		if (gt_groups_cell_of(g, i) >= 0)
			h->row[added[i]].told =
			        (int)h->cells + gt_groups_cell_of(g, i);
	h->cells += cells;
	assert_true(h->cells <= CELLS);
	if (cells > 0) {
		h->seen[h->reports] = h->rows;
		h->upto[h->reports++] = h->cells;
	}
	gt_groups_free(g);
}

/* Distinct learners, and the greatest k, of the rows in a set, of those of one
 * place left out (NULL: none is). */
static uint32_t count(const struct history *h, const bool *in, const char *but,
                      uint32_t *k)
{
	bool is[LEARNERS] = {false};
	uint32_t n = 0;
	*k = 0;
	for (size_t i = 0; i < h->rows; i++) {
		if (!in[i] || (but && strcmp(h->row[i].part, but) == 0))
			continue;
		if (h->row[i].least > *k)
			*k = h->row[i].least;
		for (size_t w = 0; w < h->row[i].nwho; w++)
			is[h->row[i].who[w]] = true;
	}
	for (size_t i = 0; i < LEARNERS; i++)
		n += is[i];
	return n;
}

/* Takes some cells from a union of others, or from all that lay there when some
 * report was made: what is left is none, or k. What lies there is known by its
 * number alone, so nothing that was told of later can be taken from it. */
static void subtract(struct history *h)
{
	bool left[ROWS] = {false}, whole[CELLS], part[CELLS], any = false;
	size_t report = draw(h, (uint32_t)h->reports), seen = 0;
	size_t upto = h->cells;
	uint32_t k, one_of = 1 + draw(h, 4), but = 1 + draw(h, 4);
	if (draw(h, 2)) {
		seen = h->seen[report];
		upto = h->upto[report];
	}
	for (size_t i = 0; i < h->cells; i++) {
		whole[i] = i < upto && !draw(h, one_of);
		part[i] = i < upto && !draw(h, but);
	}
	for (size_t i = 0; i < h->rows; i++) {
		int told = h->row[i].told;
		bool in = i < seen || (told >= 0 && whole[told]);
		left[i] = in && !(told >= 0 && part[told]);
		any = any || left[i];
	}
	uint32_t n = count(h, left, NULL, &k);
	if (any && n < 5)
		fail_msg("seed %u: %u learners are left", h->seed, n);
}

static void cells_hold(struct history *h)
{
	static const char *const parts[] = {"330100", "330101", "330102",
	                                    "330103"};
	uint32_t k, unused;
	for (size_t c = 0; c < h->cells; c++) {
		bool in[ROWS] = {false};
		for (size_t i = 0; i < h->rows; i++)
			in[i] = h->row[i].told == (int)c;
		uint32_t n = count(h, in, NULL, &k);
		assert_true(n >= k);
		for (size_t p = 0; p < 4; p++) {
			uint32_t rest = count(h, in, parts[p], &unused);
			assert_true(rest == 0 || rest >= k);
		}
	}
}

static void nobody_learns_of_a_few_by_subtracting(void **state)
{
	(void)state;
	struct history *h = calloc(1, sizeof *h);
	size_t cells = 0;
	assert_non_null(h);
	for (uint32_t seed = 1; seed <= 400; seed++) {
		memset(h, 0, sizeof *h);
		h->seed = seed;
		for (unsigned m = 0; m < MONTHS; m++) {
			live(h, m, 5);
			report(h);
		}
		cells += h->cells;
		cells_hold(h);
		for (int i = 0; h->reports > 0 && i < ASKED; i++)
			subtract(h);
	}
	assert_true(cells > 2000); /* it is not that nothing is ever told */
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(none_below_k),
	        cmocka_unit_test(the_greatest_k_counts),
	        cmocka_unit_test(four_and_one_of_two_children_are_no_five),
	        cmocka_unit_test(the_rare_ones_are_counted_together),
	        cmocka_unit_test(what_is_left_is_of_no_few),
	        cmocka_unit_test(it_is_bounded),
	        cmocka_unit_test(without_memory),
	        cmocka_unit_test(nobody_learns_of_a_few_by_subtracting),
	};
	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
