/* u_pb.c: varints in their shortest form and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "pb.h"

static void round_trips(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits <= 64; bits++)
		for (int off = -1; off <= 1; off++) {
			uint64_t v = (bits < 64 ? UINT64_C(1) << bits : 0) +
			             (uint64_t)off;
			uint64_t back = 0;
			uint8_t b[GT_PB_VARINT_MAX + 1];
			size_t n = gt_pb_put(b, v), want = 1;
			for (uint64_t rest = v / 128; rest; rest /= 128)
				want++;
			assert_int_equal(n, want);
			assert_int_equal(gt_pb_size(v), want);
			b[n] = 0;
			struct gt_pb in = {b, b + n + 1};
			assert_true(gt_pb_varint(&in, &back));
			assert_int_equal(back, v);
			assert_ptr_equal(in.p, b + n);
			in = (struct gt_pb){b, b + n - 1};
			assert_false(gt_pb_varint(&in, &back));
		}
}

static void refused(void **state)
{
	static const struct {
		const char *p;
		size_t n;
	} rows[] = {
	        {"", 0},
	        {"\x80\x00", 2}, /* a zero at the end */
	        {"\x81\x80\x00", 3},
	        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10}, /* 65 bits */
	        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01", 11},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const uint8_t *p = (const uint8_t *)rows[i].p;
		struct gt_pb in = {p, p + rows[i].n};
		uint64_t v;
		assert_false(gt_pb_varint(&in, &v));
	}
}

static void fields(void **state)
{
	(void)state;
	/* field 5: "ab"; field 1: 150 */
	static const uint8_t bytes[] = {0x2a, 2, 'a', 'b', 0x08, 0x96, 0x01};
	struct gt_pb in = {bytes, bytes + sizeof bytes};
	struct gt_bytes v;
	uint64_t n;
	assert_false(gt_pb_tag(&in, 5, GT_PB_VARINT));
	assert_false(gt_pb_tag(&in, 4, GT_PB_BYTES));
	assert_ptr_equal(in.p, bytes);
	assert_true(gt_pb_tag(&in, 5, GT_PB_BYTES));
	assert_true(gt_pb_bytes(&in, &v));
	assert_ptr_equal(v.p, bytes + 2);
	assert_int_equal(v.n, 2);
	assert_true(gt_pb_tag(&in, 1, GT_PB_VARINT));
	assert_true(gt_pb_varint(&in, &n));
	assert_int_equal(n, 150);
	assert_ptr_equal(in.p, in.end);
	assert_false(gt_pb_tag(&in, 1, GT_PB_VARINT));
	/* all there is, a byte more than there is, no length */
	in = (struct gt_pb){bytes + 1, bytes + 4};
	assert_true(gt_pb_bytes(&in, &v));
	in = (struct gt_pb){bytes + 1, bytes + 3};
	assert_false(gt_pb_bytes(&in, &v));
	in = (struct gt_pb){bytes + 1, bytes + 1};
	assert_false(gt_pb_bytes(&in, &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(round_trips),
	        cmocka_unit_test(refused),
	        cmocka_unit_test(fields),
	};
	return cmocka_run_group_tests_name("pb", tests, NULL, NULL);
}
