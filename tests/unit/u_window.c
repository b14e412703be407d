/* u_window.c: the window of bytes outstanding, on links of every kind, driven
 * by a model of one: bytes go out in order at a rate, behind a way there and
 * back and behind what others have in the queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "window.h"

enum {
	FRAME = 256 << 10,
	OUTSTANDING = 256,
	LEAST = 512 << 10,
	MOST = 8 << 20
};

struct link {
	struct gt_window w;
	uint64_t rate; /* bytes per ms */
	uint64_t way_ms, now_ms;
	uint64_t free_ms; /* when the last byte asked for is out */
	uint64_t sent[OUTSTANDING], due[OUTSTANDING];
	unsigned head, count;
	uint64_t asked, answered, most; /* bytes; most outstanding at once */
};

static void link_new(struct link *l, uint64_t rate, uint64_t way_ms)
{
	*l = (struct link){.rate = rate, .way_ms = way_ms};
	l->w.least = LEAST;
	l->w.most = MOST;
	l->w.base_ms = 2 * way_ms;
	gt_window_reset(&l->w);
}

static void ask(struct link *l)
{
	unsigned at = (l->head + l->count++) % OUTSTANDING;
	assert_true(l->count <= OUTSTANDING);
	uint64_t begin = l->now_ms + l->way_ms;
	if (begin < l->free_ms)
		begin = l->free_ms;
	l->free_ms = begin + FRAME / l->rate;
	l->sent[at] = l->now_ms;
	l->due[at] = l->free_ms + l->way_ms;
	l->asked += FRAME;
	gt_window_ask(&l->w, FRAME);
	if (l->w.inflight > l->most)
		l->most = l->w.inflight;
}

static void answer(struct link *l)
{
	unsigned at = l->head++ % OUTSTANDING;
	l->head %= OUTSTANDING;
	l->count--;
	l->now_ms = l->due[at];
	l->answered += FRAME;
	gt_window_answered(&l->w, FRAME, l->sent[at], l->now_ms);
	assert_int_equal(l->w.inflight, l->asked - l->answered);
	assert_true(l->w.size >= GT_WINDOW_THIN && l->w.size <= MOST);
}

static void run(struct link *l, unsigned frames)
{
	l->most = 0;
	for (unsigned i = 0; i < frames; i++) {
		while (gt_window_room(&l->w))
			ask(l);
		answer(l);
	}
}

static void begins_with_one_frame(void **state)
{
	(void)state;
	struct link l;
	link_new(&l, 1000, 10);
	assert_int_equal(l.w.size, GT_WINDOW_THIN);
	assert_true(gt_window_room(&l.w));
	ask(&l);
	assert_false(gt_window_room(&l.w));
}

/* 1 Mbit/s: the least window would take four seconds. */
static void a_thin_link_has_one_frame_on_its_way(void **state)
{
	(void)state;
	struct link l;
	link_new(&l, 125, 10);
	run(&l, 50);
	assert_int_equal(l.most, FRAME);
}

/* 100 Mbit/s and 1 s away: 25 MB are on the way at once. */
static void a_long_fast_link_is_filled_to_the_limit(void **state)
{
	(void)state;
	struct link l;
	link_new(&l, 12500, 1000);
	run(&l, 200);
	assert_int_equal(l.w.size, MOST);
	assert_true(l.most >= MOST && l.most < MOST + FRAME);
}

/* Once it has settled, what waits in the queue takes from a quarter to half a
 * second (272 to 524 ms at these rates), never more; and the link never
 * idles. */
static void a_queue_is_not_built_up(void **state)
{
	(void)state;
	static const uint64_t rates[] = {1250, 2500, 6250, 12500};
	for (unsigned i = 0; i < 4; i++) {
		struct link l;
		link_new(&l, rates[i], 5);
		run(&l, 2000);
		uint64_t began = l.now_ms, before = l.answered;
		run(&l, 400);
		uint64_t queue_ms = l.most / l.rate;
		assert_in_range(queue_ms, 0, 550);
		assert_true(l.answered - before >=
		            (l.now_ms - began) * l.rate * 9 / 10);
	}
}

/* A link that turns thin is asked for less as soon as that is known. */
static void a_link_may_turn_thin(void **state)
{
	(void)state;
	struct link l;
	link_new(&l, 12500, 10);
	run(&l, 200);
	assert_true(l.w.size >= LEAST);
	l.rate = 125;
	run(&l, 40);
	run(&l, 10);
	assert_int_equal(l.most, FRAME);
	/* and fast again */
	l.rate = 12500;
	run(&l, 100);
	assert_true(l.w.size >= LEAST);
}

static void what_is_refused_is_not_outstanding(void **state)
{
	(void)state;
	struct link l;
	link_new(&l, 1000, 10);
	ask(&l);
	uint64_t size = l.w.size;
	gt_window_refused(&l.w, FRAME);
	assert_int_equal(l.w.inflight, 0);
	assert_int_equal(l.w.size, size);
	assert_int_equal(l.w.rtt_min, 0);
}

/* A new link knows how far the parent is, and nothing else. */
static void a_reset_forgets_what_was_measured(void **state)
{
	(void)state;
	struct link l;
	link_new(&l, 12500, 7);
	run(&l, 100);
	ask(&l);
	gt_window_reset(&l.w);
	assert_int_equal(l.w.size, GT_WINDOW_THIN);
	assert_int_equal(l.w.inflight, 0);
	assert_int_equal(l.w.rtt_min, 0);
	assert_int_equal(l.w.busy_bytes, 0);
	assert_int_equal(l.w.base_ms, 14);
	assert_int_equal(l.w.least, LEAST);
	assert_int_equal(l.w.most, MOST);
}

/* One answer after the other, reckoned by hand. */
static void reckoned(void **state)
{
	(void)state;
	enum { QUARTER = 256 << 10 };
	static const struct {
		uint32_t bytes;
		uint64_t sent_ms, now_ms;
		uint64_t busy_ms, busy_bytes, rtt_min, size;
	} rows[] = {
	        /* 100 ms of it is the way; 4 * 100 * 262144 / 900 */
	        {QUARTER, 0, 1000, 900, QUARTER, 1001, 116508},
	        /* since the one before; 4 * 100 * 524288 / 1400 */
	        {QUARTER, 0, 1500, 1400, 2 * QUARTER, 1001, 149796},
	        /* in no time at all, as if it had waited there: no thin link
	         * any more */
	        {QUARTER, 1490, 1500, 1400, 3 * QUARTER, 11, LEAST},
	        /* what is long ago counts half */
	        {QUARTER, 1500, 1520, 700, 2 * QUARTER, 11, LEAST + QUARTER},
	        {QUARTER, 1520, 1610, 700, 3 * QUARTER, 11,
	         LEAST + 2 * QUARTER},
	        /* 99 ms more than the least, then 100 */
	        {QUARTER, 1610, 1719, 354, 2 * QUARTER, 11,
	         LEAST + 3 * QUARTER},
	        {QUARTER, 1719, 1829, 364, 3 * QUARTER, 11,
	         LEAST + 3 * QUARTER - QUARTER / 8},
	};
	struct gt_window w = {.least = LEAST, .most = MOST, .base_ms = 100};
	gt_window_reset(&w);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gt_window_ask(&w, rows[i].bytes);
		gt_window_answered(&w, rows[i].bytes, rows[i].sent_ms,
		                   rows[i].now_ms);
		assert_int_equal(w.busy_ms, rows[i].busy_ms);
		assert_int_equal(w.busy_bytes, rows[i].busy_bytes);
		assert_int_equal(w.answered_ms, rows[i].now_ms);
		assert_int_equal(w.rtt_min, rows[i].rtt_min);
		assert_int_equal(w.size, rows[i].size);
		assert_int_equal(w.inflight, 0);
	}
}

#define T(test) cmocka_unit_test(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(begins_with_one_frame),
	        T(a_thin_link_has_one_frame_on_its_way),
	        T(a_long_fast_link_is_filled_to_the_limit),
	        T(a_queue_is_not_built_up),
	        T(a_link_may_turn_thin),
	        T(what_is_refused_is_not_outstanding),
	        T(reckoned),
	        T(a_reset_forgets_what_was_measured),
	};
	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
