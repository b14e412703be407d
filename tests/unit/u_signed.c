/* u_signed.c: an envelope gives the body of the kind it names, no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seal.h"
#include "signed.h"

static struct gt_key key;

/* The encoded message in an envelope of that kind, opened. */
static Gt__Signed *sealed(struct gt_arena *a, Gt__Kind kind,
                          const ProtobufCMessage *m)
{
	struct gt_bytes body = gt_arena_pack(a, m), out;
	assert_int_equal(gt_seal(&key, kind, &body, 1, a, &out), 0);
	Gt__Signed *s = gt_signed_open(a, out);
	assert_non_null(s);
	assert_int_equal(s->kind, kind);
	assert_int_equal(gt_unseal(s, NULL), 0);
	return s;
}

static Gt__Signed *sealed_member(struct gt_arena *a, size_t n)
{
	Gt__Member m = GT__MEMBER__INIT;
	m.code = gt_lend("3301");
	m.key = gt_lend_bytes(gt_bytes_of(key.public, n));
	return sealed(a, GT__KIND__MEMBER, &m.base);
}

static void bodies(void **state)
{
	(void)state;
	struct gt_arena *a = gt_arena_new();
	Gt__Entry e = GT__ENTRY__INIT;
	Gt__Layer l = GT__LAYER__INIT;
	e.id = gt_lend("33/a");
	l.origin = gt_lend("33");
	const Gt__Signed *entry = sealed(a, GT__KIND__RESOURCE, &e.base);
	const Gt__Signed *layer = sealed(a, GT__KIND__LAYER, &l.base);
	const Gt__Signed *member = sealed_member(a, GT_KEY_BYTES);
	assert_string_equal(gt_signed_entry(a, entry)->id, "33/a");
	assert_string_equal(gt_signed_layer(a, layer)->origin, "33");
	assert_string_equal(gt_signed_member(a, member)->code, "3301");

	const Gt__Signed *none[] = {NULL, entry, layer, member};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		if (none[i] != entry)
			assert_null(gt_signed_entry(a, none[i]));
		if (none[i] != layer)
			assert_null(gt_signed_layer(a, none[i]));
		if (none[i] != member)
			assert_null(gt_signed_member(a, none[i]));
	}
	assert_false(gt_arena_short(a));
	gt_arena_free(a);
}

static void shapes(void **state)
{
	(void)state;
	struct gt_arena *a = gt_arena_new();
	assert_null(gt_signed_open(a, gt_bytes_of(NULL, 0)));
	assert_null(gt_signed_open(a, gt_bytes_str("\xff")));
	assert_null(gt_signed_member(a, sealed_member(a, GT_KEY_BYTES - 1)));
	assert_null(gt_signed_member(a, sealed_member(a, 0)));

	Gt__Signed s = GT__SIGNED__INIT;
	s.body = gt_lend_bytes(gt_bytes_str("\xff"));
	s.kind = GT__KIND__RESOURCE;
	assert_null(gt_signed_entry(a, &s));
	s.kind = GT__KIND__LAYER;
	assert_null(gt_signed_layer(a, &s));
	s.kind = GT__KIND__MEMBER;
	assert_null(gt_signed_member(a, &s));
	gt_arena_free(a);
}

int main(void)
{
	const uint8_t seed[GT_KEY_BYTES] = {7};
	if (gt_key_from_seed(&key, seed) != 0)
		return 1;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(bodies),
	        cmocka_unit_test(shapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
