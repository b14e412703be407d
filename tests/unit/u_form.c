/* u_form.c: what the walk along the table says of a statement, beside the plain
 * way of tests/support/statement_model.h; and that what is given out is the same
 * when it comes back, at every level. COUNT=100000 in the environment draws as
 * many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "statement.h"
#include "statement_draw.h"
#include "statement_model.h"

static const uint8_t ids[1][GT_UUID_BYTES] = {{0x12, [6] = 0x40, [8] = 0x80}};

static int count(int fewest)
{
	const char *text = getenv("COUNT");
	return text ? atoi(text) : fewest;
}

static void show(const struct draw *d, const char *what, const char *why)
{
	print_error("%s: %s\n%.*s\n", what, why, (int)d->o.n,
	            (const char *)d->o.p);
}

/* The text is read, or not, as jansson reads it; and written alike. */
static json_t *both(struct draw *d, const struct gt_json_node **v,
                    struct gt_arena *arena)
{
	struct gt_json_fault fault;
	struct gt_buffer one = {0}, other = {0};
	int rc = gt_json_tree(v, arena, gt_buffer_bytes(&d->o), &fault);
	json_t *model = gt_json_load(gt_buffer_bytes(&d->o),
	                             GT_JSON_STRICT | JSON_DECODE_ANY, NULL);
	if ((rc == 0) != (model != NULL))
		show(d, "read", rc ? fault.what : "");
	assert_true((rc == 0) == (model != NULL));
	if (rc == 0) {
		gt_json_put(&one, *v);
		assert_int_equal(gt_json_canon(&other, model), 0);
		if (!gt_bytes_eq(gt_buffer_bytes(&one),
		                 gt_buffer_bytes(&other)))
			show(d, "written", (const char *)one.p);
		assert_true(gt_bytes_eq(gt_buffer_bytes(&one),
		                        gt_buffer_bytes(&other)));
	}
	gt_buffer_free(&one);
	gt_buffer_free(&other);
	return model;
}

/* How many of the versions take it. */
static int judged(struct draw *d, struct gt_arena *arena)
{
	const struct gt_json_node *v;
	json_t *model = both(d, &v, arena);
	struct gt_buffer scratch = {0};
	struct gt_id form, want;
	char why[300] = "", other[300] = "";
	int taken = 0;
	for (enum gt_xapi_version as = GT_XAPI_ANY; model && as <= GT_XAPI_2;
	     as++) {
		bool ok = gt_xapi_check(v, as, arena, "", why, sizeof why) == 0;
		if (ok != model_check(model, as, other, sizeof other))
			show(d, why, other);
		assert_true(ok == model_check(model, as, other, sizeof other));
		assert_true(ok || *why);
		taken += ok;
	}
	if (taken > 0) {
		assert_int_equal(gt_form_hash(&form, v, arena, &scratch), 0);
		struct gt_buffer mine = scratch;
		scratch = (struct gt_buffer){0};
		assert_int_equal(model_hash(&want, model, &scratch), 0);
		if (!gt_id_eq(&form, &want))
			show(d, (const char *)mine.p, (const char *)scratch.p);
		assert_true(gt_id_eq(&form, &want));
		gt_buffer_free(&mine);
	}
	gt_buffer_free(&scratch);
	json_decref(model);
	gt_arena_reset(arena);
	return taken;
}

static void as_the_plain_way(void **state)
{
	struct draw d = {.random = 88172645463325252u};
	struct gt_arena *arena = gt_arena_new();
	int taken = 0, refused = 0, n = count(6000);
	(void)state;
	for (int i = 0; i < n; i++) {
		d.wild = i % 3 == 1 ? 60 : 0;
		d.modern = i % 2;
		draw_statement(&d);
		if (i % 3 == 2)
			draw_damage(&d);
		/* which jansson cannot hold in a name */
		if (strstr((const char *)d.o.p, "\\u0000"))
			continue;
		int k = judged(&d, arena);
		if (k == 0 && i % 3 == 0)
			show(&d, "refused", "");
		assert_true(k > 0 || i % 3 != 0);
		taken += k > 0;
		refused += k == 0;
	}
	/* of both there are many */
	assert_true(taken > n / 3 && refused > n / 4);
	gt_buffer_free(&d.o);
	gt_arena_free(arena);
}

/* ------------------------------------------------------- round trip */

enum { LEVELS = 3 };

/* Of the body at one level: what it gives out. */
static char *given(const struct gt_statement *s, int level)
{
	return gt_statement_render_at(s->body, s->id,
	                              1795386457120 + 1000 * level,
	                              "2026-11-22T22:27:37.123004Z",
	                              "{\"mbox\":\"mailto:lrs@b.cn\"}");
}

static void same_as(struct draw *d, const struct gt_statement *s,
                    const char *text, enum gt_xapi_version version, int level)
{
	struct gt_statement back;
	char why[300];
	bool twins = false;
	int rc = gt_statements_parse(gt_bytes_str(text), version, NULL, 0,
	                             &back, 1, why, sizeof why);
	if (rc != 1)
		show(d, text, why);
	assert_int_equal(rc, 1);
	assert_memory_equal(back.id, s->id, GT_UUID_BYTES);
	assert_int_equal(back.flags, s->flags);
	assert_memory_equal(back.target, s->target, GT_UUID_BYTES);
	int64_t ms = 1795386457120 + 1000 * level;
	if (!gt_id_eq(&back.form, &s->form)) {
		assert_int_equal(
		        gt_statement_twins(&twins, s->body, ms, back.body, 7),
		        0);
		if (!twins)
			show(d, "other", text);
		assert_true(twins);
	}
	assert_int_equal(gt_statement_verify(&back, why, sizeof why), 0);
}

/* What a level keeps is what came; what it gives out is the same statement at
 * every other, which keeps that, or what it had before, and gives it out. */
static void given_out_anywhere(void **state)
{
	struct draw d = {.random = 362436069u, .nuls = true};
	int n = count(2000);
	(void)state;
	for (int i = 0; i < n; i++) {
		struct gt_statement s;
		char why[300], *text[LEVELS];
		d.modern = i % 2;
		draw_statement(&d);
		int rc = gt_statements_parse(gt_buffer_bytes(&d.o), GT_XAPI_2,
		                             ids, 1, &s, 1, why, sizeof why);
		if (rc != 1)
			show(&d, "refused", why);
		assert_int_equal(rc, 1);
		assert_int_equal(gt_statement_verify(&s, why, sizeof why), 0);
		for (int k = 0; k < LEVELS; k++) {
			text[k] = given(&s, k);
			assert_non_null(text[k]);
			same_as(&d, &s, text[k], GT_XAPI_2, k);
			if (!d.modern)
				same_as(&d, &s, text[k], GT_XAPI_1, k);
		}
		/* the level that got it from another gives it on */
		struct gt_statement next = s;
		next.body = gt_bytes_str(text[0]);
		char *again = given(&next, 1);
		same_as(&d, &s, again, GT_XAPI_2, 0);
		free(again);
		for (int k = 0; k < LEVELS; k++)
			free(text[k]);
	}
	gt_buffer_free(&d.o);
}

int main(void)
{
	gt_json_watch();
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(as_the_plain_way),
	        cmocka_unit_test(given_out_anywhere),
	};
	return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
