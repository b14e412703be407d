/* u_sp.c: SP framing, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sp.h"

enum { MAX = 1000 };

static void headers(void **state)
{
	static const uint8_t req[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
	uint8_t out[8];
	(void)state;
	gt_sp_put_header(out, GT_SP_REQ);
	assert_memory_equal(out, req, sizeof req);
	assert_true(gt_sp_header_is(req, GT_SP_REQ));
	assert_false(gt_sp_header_is(req, GT_SP_REP));
	for (int i = 0; i < 8; i++) {
		memcpy(out, req, sizeof out);
		out[i] ^= 0x40;
		assert_false(gt_sp_header_is(out, GT_SP_REQ));
	}
}

/* The example of PROTOCOL.md, as a stock REQ socket and as we write it. */
static void example(void **state)
{
	static const uint8_t wire[] = {0,    0,    0,    0,    0,    0,   0,
	                               0x0d, 0x80, 0,    0,    7,    0,   0,
	                               0,    3,    0x1a, 0x01, 0x02, 'h', 'i'};
	uint8_t lead[GT_SP_LEAD_BYTES];
	struct gt_sp_prefix prefix;
	size_t head;
	(void)state;
	gt_sp_put_lead(lead, 7, 3, 2);
	assert_memory_equal(lead, wire, sizeof lead);
	assert_int_equal(gt_sp_parse(wire, sizeof wire, MAX, &prefix),
	                 GT_SP_OK);
	assert_int_equal(prefix.token, 7);
	assert_int_equal(prefix.body, 9);
	assert_true(gt_sp_split(wire + 12, prefix.body, 100, 100, &head));
	assert_int_equal(head, 3);
}

struct row {
	uint64_t length;
	uint32_t word;
	size_t n; /* bytes that are here */
	enum gt_sp_status want;
};

static void prefixes(void **state)
{
	static const struct row rows[] = {
	        {4, 0x80000000, 12, GT_SP_OK},
	        {MAX, 0xffffffff, 12, GT_SP_OK},
	        {4, 0x80000000, 11, GT_SP_MORE},
	        {4, 0x80000000, 8, GT_SP_MORE},
	        {4, 0x80000000, 7, GT_SP_MORE},
	        {4, 0x80000000, 0, GT_SP_MORE},
	        /* refused on the length alone */
	        {0, 0, 8, GT_SP_SHORT},
	        {3, 0, 8, GT_SP_SHORT},
	        {MAX + 1, 0, 8, GT_SP_LONG},
	        {UINT64_MAX, 0x80000000, 12, GT_SP_LONG},
	        {1ull << 63, 0x80000000, 12, GT_SP_LONG},
	        {(1ull << 32) + 8, 0x80000000, 12, GT_SP_LONG},
	        /* a word of a device in between comes first */
	        {8, 0x7fffffff, 12, GT_SP_ID},
	        {4, 0, 12, GT_SP_ID},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		struct gt_sp_prefix prefix;
		uint8_t p[12];
		for (int k = 0; k < 8; k++)
			p[k] = (uint8_t)(r->length >> (56 - 8 * k));
		for (int k = 0; k < 4; k++)
			p[8 + k] = (uint8_t)(r->word >> (24 - 8 * k));
		assert_int_equal(gt_sp_parse(p, r->n, MAX, &prefix), r->want);
		if (r->want == GT_SP_OK) {
			assert_int_equal(prefix.body, r->length - 4);
			assert_int_equal(prefix.token, r->word & 0x7fffffff);
		}
		assert_non_null(gt_sp_strerror(r->want));
	}
}

static void bodies(void **state)
{
	uint8_t body[12] = {0};
	size_t head = 99;
	(void)state;
	assert_false(gt_sp_split(body, 0, 8, 8, &head));
	assert_false(gt_sp_split(body, 3, 8, 8, &head));
	assert_true(gt_sp_split(body, 4, 8, 8, &head));
	assert_int_equal(head, 0);
	body[3] = 8;
	assert_true(gt_sp_split(body, 12, 8, 0, &head));
	assert_int_equal(head, 8);
	assert_false(gt_sp_split(body, 11, 8, 8, &head)); /* beyond the end */
	assert_false(gt_sp_split(body, 12, 7, 8, &head)); /* head too long */
	body[3] = 0;
	assert_false(gt_sp_split(body, 12, 8, 7, &head)); /* payload too long */
	memset(body, 0xff, 4);
	assert_false(gt_sp_split(body, 12, SIZE_MAX, SIZE_MAX, &head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(headers),
	        cmocka_unit_test(example),
	        cmocka_unit_test(prefixes),
	        cmocka_unit_test(bodies),
	};
	return cmocka_run_group_tests_name("sp", tests, NULL, NULL);
}
