/* u_versions.c: which of two versions is newer, against what they truly knew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "versions.h"

static struct gt_version version(const char *origin, uint8_t epoch, int64_t seq)
{
	struct gt_version v = {.seq = seq};
	gt_copy(v.origin, sizeof v.origin, origin);
	memset(v.epoch, epoch, sizeof v.epoch);
	return v;
}

static struct gt_bytes of(const struct gt_seen *s)
{
	return gt_bytes_of(s->b, s->n);
}

static void seen(void **state)
{
	struct gt_seen s = {0};
	struct gt_version a5 = version("3301", 1, 5),
	                  a7 = version("3301", 1, 7);
	struct gt_version other = version("3301", 2, 5);
	(void)state;
	assert_true(gt_seen_valid(of(&s)));
	assert_false(gt_seen_has(of(&s), &a5));
	gt_seen_add(&s, &a7);
	assert_true(gt_seen_has(of(&s), &a5));
	assert_true(gt_seen_has(of(&s), &a7));
	assert_false(gt_seen_has(of(&s), &other));
	gt_seen_add(&s, &a5); /* does not go back */
	assert_true(gt_seen_has(of(&s), &a7));
	gt_seen_add(&s, &other);
	assert_true(gt_seen_has(of(&s), &other));
	assert_true(gt_seen_valid(of(&s)));
	for (size_t cut = 1; cut < 29; cut++)
		assert_false(gt_seen_valid(gt_bytes_of(s.b, s.n - cut)));
}

static void the_oldest_goes_first(void **state)
{
	struct gt_seen s = {0};
	char code[GT_CODE_MAX + 1];
	memset(code, '3', GT_CODE_MAX);
	code[GT_CODE_MAX] = '\0';
	(void)state;
	for (int i = 1; i <= GT_SEEN_MAX + 3; i++) {
		struct gt_version v = version(code, (uint8_t)i, i);
		gt_seen_add(&s, &v);
		assert_true(gt_seen_valid(of(&s)));
		assert_true(gt_seen_has(of(&s), &v));
	}
	for (int i = 1; i <= GT_SEEN_MAX + 3; i++) {
		struct gt_version v = version(code, (uint8_t)i, i);
		assert_int_equal(gt_seen_has(of(&s), &v), i > 3);
	}
}

static void order(void **state)
{
	struct gt_version a = version("3301", 1, 5), b = version("3302", 1, 4);
	(void)state;
	assert_true(gt_version_wins(&b, &a));
	assert_false(gt_version_wins(&a, &b));
	a.first_ms = 2000;
	b.first_ms = 1000;
	assert_true(gt_version_wins(&a, &b));
	b.first_ms = 0; /* has yet to be had by a parent */
	assert_true(gt_version_wins(&b, &a));
	assert_false(gt_version_wins(&a, &b));
	b = a;
	assert_false(gt_version_wins(&a, &b));
	b.epoch[0]++;
	assert_true(gt_version_wins(&b, &a) != gt_version_wins(&a, &b));
}

/* ---------------------------------------------------------- property */

enum { PLACES = 4, STEPS = 200 };

/* What a place has, and what truly went into it: a bit for each version. */
struct place {
	struct gt_version v;
	struct gt_seen seen;
	uint8_t knows[STEPS + 1];
};

static uint32_t draw(uint32_t *seed, uint32_t most)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % most;
}

static void edit(struct place *p, unsigned i, int step)
{
	char code[8];
	if (p->v.seq)
		gt_seen_add(&p->seen, &p->v);
	gt_format(code, sizeof code, "33%02u", i + 1);
	p->v = version(code, 9, step);
	p->knows[step] = 1;
}

/* The version that is a's was put upon all that `knows` of it says. */
static void copy(struct place *to, const struct place *from)
{
	const struct place was = *to;
	bool knows = from->knows[was.v.seq], known = was.knows[from->v.seq];
	enum gt_precedence how = gt_version_compare(&from->v, of(&from->seen),
	                                            &was.v, of(&was.seen));
	if (from->v.seq == was.v.seq)
		assert_int_equal(how, GT_VERSION_SAME);
	else if (knows && !known)
		assert_int_equal(how, GT_VERSION_NEWER);
	else if (known && !knows)
		assert_int_equal(how, GT_VERSION_OLDER);
	else if (!knows && !known)
		assert_int_equal(how, GT_VERSION_BESIDE);
	bool takes =
	        how == GT_VERSION_NEWER ||
	        (how == GT_VERSION_BESIDE && gt_version_wins(&from->v, &was.v));
	if (takes)
		*to = *from;
	if (how == GT_VERSION_OLDER || how == GT_VERSION_SAME)
		return;
	gt_seen_merge(&to->seen, of(takes ? &was.seen : &from->seen));
	gt_seen_add(&to->seen, takes ? &was.v : &from->v);
	for (int k = 0; k <= STEPS; k++)
		to->knows[k] |= was.knows[k] | from->knows[k];
}

static void as_they_truly_knew(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++) {
		static struct place p[PLACES];
		uint32_t s = seed;
		memset(p, 0, sizeof p);
		for (unsigned i = 0; i < PLACES; i++)
			edit(&p[i], i, (int)i + 1);
		for (int step = PLACES + 1; step <= STEPS; step++) {
			unsigned i = draw(&s, PLACES), k = draw(&s, PLACES);
			if (draw(&s, 3) == 0)
				edit(&p[i], i, step);
			else if (i != k)
				copy(&p[i], &p[k]);
		}
		/* all tell all until nothing changes: one is left */
		for (int round = 0; round < 3; round++)
			for (unsigned i = 0; i < PLACES; i++)
				for (unsigned k = 0; k < PLACES; k++)
					if (i != k)
						copy(&p[i], &p[k]);
		for (unsigned i = 1; i < PLACES; i++)
			assert_true(gt_version_same(&p[0].v, &p[i].v));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(seen),
	        cmocka_unit_test(the_oldest_goes_first),
	        cmocka_unit_test(order),
	        cmocka_unit_test(as_they_truly_knew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
