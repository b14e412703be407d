/* u_figures.c: sums of deeds, put together and packed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "figures.h"
#include "nomem.h"

static const uint8_t key[GT_SKETCH_KEY] = {9};

/* Record i: of one of 40 learners, 7 activities, 3 days; counted under one of
 * `keys` keys. */
static int add(struct gt_figures *f, unsigned i, unsigned keys)
{
	char text[400], name[32], day[GT_DEED_DAY];
	uint8_t id[GT_UUID_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8)};
	struct gt_receipt r = {id, 1000, 2000};
	struct gt_deed d;
	gt_format(text, sizeof text,
	          "{\"actor\":{\"mbox\":\"mailto:%u@x.cn\"},\"verb\":{\"id\":"
	          "\"x:%s\"},\"object\":{\"id\":\"x:%u\"},\"result\":{"
	          "\"duration\":\"PT%uS\",\"completion\":%s},"
	          "\"timestamp\":\"2025-11-%02uT08:00:00Z\"}",
	          i % 40, "v", i % 7, i % 5, i % 4 ? "false" : "true",
	          1 + i % 3);
	gt_format(name, sizeof name, "k%u", i * 7919 % keys);
	int status = gt_deed_open(&d, gt_bytes_str(text), key);
	struct gt_figure *at =
	        status == 0 ? gt_figures_at(f, gt_bytes_str(name)) : NULL;
	if (status == 0 && !at)
		status = -GT_ENOMEM;
	if (status == 0) {
		gt_figure_day(day, &d, &r, GT_BY_TIMESTAMP);
		status = gt_figure_add(at, &d, &r, day, key);
	}
	gt_deed_close(&d);
	return status;
}

static struct gt_figures *of(unsigned from, unsigned to, unsigned keys)
{
	struct gt_figures *f = gt_figures_new();
	assert_non_null(f);
	for (unsigned i = from; i < to; i++)
		assert_int_equal(add(f, i, keys), 0);
	return f;
}

static void what_was_done_is_added_up(void **state)
{
	(void)state;
	struct gt_figures *f = of(0, 1000, 1);
	struct gt_bytes name;
	assert_int_equal(gt_figures_count(f), 1);
	struct gt_figure *at = gt_figures_nth(f, 0, &name);
	assert_int_equal(at->n[GT_STATEMENTS], 1000);
	assert_int_equal(at->n[GT_COMPLETIONS], 250);
	assert_int_equal(at->n[GT_NEEDS], 0);
	assert_int_equal(at->n[GT_SPENT_MS], 2000 * 1000);
	/* received in 1970, done in 2025 */
	assert_int_equal(at->n[GT_AHEAD], 1000);
	assert_int_equal(gt_sketch_count(&at->learners), 40);
	assert_int_equal(gt_sketch_count(&at->visits), 840);
	gt_figures_free(f);
}

static void a_clock_says_which_day(void **state)
{
	(void)state;
	char day[GT_DEED_DAY];
	uint8_t id[GT_UUID_BYTES] = {0};
	struct gt_receipt r = {id, 86400000, 2 * 86400000};
	struct gt_deed d = {.timestamp_ms = 0};
	gt_figure_day(day, &d, &r, GT_BY_TIMESTAMP);
	assert_string_equal(day, "1970-01-01");
	gt_figure_day(day, &d, &r, GT_BY_STORED);
	assert_string_equal(day, "1970-01-03");
	d.timestamp_ms = INT64_MIN;
	gt_figure_day(day, &d, &r, GT_BY_TIMESTAMP);
	assert_string_equal(day, "1970-01-02");
}

/* Adds what lies packed there. */
static int unpack(struct gt_figures *f, struct gt_bytes in)
{
	struct gt_packed p;
	int more, status = 0;
	while (status == 0 && (more = gt_packed_next(&in, &p)) != 0) {
		struct gt_figure *at =
		        more == 1 ? gt_figures_at(f, p.key) : NULL;
		status = more < 0 ? more
		         : at     ? gt_figure_unpack(at, &p)
		                  : -GT_ENOMEM;
	}
	return status;
}

/* However the records are divided, in whatever order the parts are put together,
 * packed or not: the bytes of the whole. */
static void parts_make_the_whole(void **state)
{
	(void)state;
	for (unsigned keys = 1; keys < 600; keys = keys * 5 + 1) {
		struct gt_figures *whole = of(0, 1200, keys);
		struct gt_figures *sum = gt_figures_new();
		struct gt_buffer a = {0}, b = {0};
		static const unsigned cut[][2] = {
		        {700, 1200}, {0, 300}, {650, 700}, {300, 650}};
		for (size_t i = 0; i < 4; i++) {
			struct gt_figures *part =
			        of(cut[i][0], cut[i][1], keys);
			b.n = 0;
			gt_figures_pack(&b, part);
			assert_int_equal(unpack(sum, gt_buffer_bytes(&b)), 0);
			gt_figures_free(part);
		}
		b.n = 0;
		gt_figures_pack(&a, whole);
		gt_figures_pack(&b, sum);
		assert_false(a.failed || b.failed);
		assert_int_equal(gt_figures_count(whole), keys);
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.p, b.p, a.n);
		/* one that was packed takes more all the same */
		assert_int_equal(add(sum, 1200, keys), 0);
		gt_figures_free(whole);
		gt_figures_free(sum);
		gt_buffer_free(&a);
		gt_buffer_free(&b);
	}
}

static void figures_are_put_together(void **state)
{
	(void)state;
	struct gt_figures *a = of(0, 500, 1), *b = of(400, 900, 1);
	struct gt_bytes name;
	struct gt_figure *x = gt_figures_nth(a, 0, &name);
	assert_int_equal(gt_figure_merge(x, gt_figures_nth(b, 0, &name)), 0);
	assert_int_equal(x->n[GT_STATEMENTS], 1000);
	assert_int_equal(gt_sketch_count(&x->learners), 40);
	gt_figures_free(a);
	gt_figures_free(b);
}

static void what_is_not_packed_is_refused(void **state)
{
	(void)state;
	struct gt_figures *f = of(0, 50, 3), *to;
	struct gt_buffer b = {0};
	gt_figures_pack(&b, f);
	for (size_t n = 1; n < b.n; n++) {
		to = gt_figures_new();
		int status = unpack(to, gt_bytes_of(b.p, n));
		/* cut where one ends it is one the less */
		assert_true(status == -GT_EMALFORMED ||
		            (status == 0 && gt_figures_count(to) < 3));
		gt_figures_free(to);
	}
	for (size_t i = 0; i < b.n; i++) {
		to = gt_figures_new();
		b.p[i] ^= 0x80;
		int status = unpack(to, gt_buffer_bytes(&b));
		assert_true(status == 0 || status == -GT_EMALFORMED);
		b.p[i] ^= 0x80;
		gt_figures_free(to);
	}
	gt_figures_free(f);
	gt_buffer_free(&b);
}

static void a_key_has_an_end(void **state)
{
	(void)state;
	struct gt_figures *f = gt_figures_new();
	char name[GT_FIGURE_KEY + 2];
	memset(name, 'k', sizeof name);
	assert_null(gt_figures_at(f, gt_bytes_of(name, GT_FIGURE_KEY + 1)));
	assert_non_null(gt_figures_at(f, gt_bytes_of(name, GT_FIGURE_KEY)));
	assert_non_null(gt_figures_at(f, gt_bytes_of(NULL, 0)));
	assert_int_equal(gt_figures_count(f), 2);
	gt_figures_free(f);
	gt_figures_free(NULL);
}

static void no_memory_is_said(void **state)
{
	(void)state;
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_figures *f = gt_figures_new();
		struct gt_buffer b = {0};
		int status = f ? 0 : -GT_ENOMEM;
		for (unsigned i = 0; status == 0 && i < 90; i++)
			status = add(f, i, 70);
		if (status == 0)
			gt_figures_pack(&b, f);
		if (status == 0 && b.failed)
			status = -GT_ENOMEM;
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
		gt_figures_free(f);
		gt_buffer_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_done_is_added_up),
	        cmocka_unit_test(a_clock_says_which_day),
	        cmocka_unit_test(parts_make_the_whole),
	        cmocka_unit_test(figures_are_put_together),
	        cmocka_unit_test(what_is_not_packed_is_refused),
	        cmocka_unit_test(a_key_has_an_end),
	        cmocka_unit_test(no_memory_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
