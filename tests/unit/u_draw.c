/* u_draw.c: the same bytes from the same events, and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "draw.h"

/* Block `count` of what is drawn from `entropy`, as it is defined. */
static struct gt_id block(const uint8_t entropy[64], uint64_t count)
{
	struct gt_id id;
	uint8_t number[8];
	gt_put64(number, count);
	struct gt_bytes parts[2] = {{entropy, 64}, {number, sizeof number}};
	gt_sha256(&id, parts, 2);
	return id;
}

static void blocks_of_what_was_brought(void **state)
{
	(void)state;
	static struct gt_node n = {.entropy = {1, 2, 3}};
	uint8_t out[71];
	struct gt_id blocks[3];
	for (uint64_t i = 0; i < 3; i++)
		blocks[i] = block(n.entropy, i);
	memset(out, 0xee, sizeof out);
	gt_draw(&n, out, 70);
	assert_memory_equal(out, blocks[0].b, 32);
	assert_memory_equal(out + 32, blocks[1].b, 32);
	assert_memory_equal(out + 64, blocks[2].b, 6);
	assert_int_equal(out[70], 0xee);
	/* what is left of a block is not drawn again */
	blocks[0] = block(n.entropy, 3);
	gt_draw(&n, out, 1);
	assert_int_equal(out[0], blocks[0].b[0]);
	/* and nothing is drawn for nothing */
	gt_draw(&n, out, 0);
	blocks[0] = block(n.entropy, 4);
	gt_draw(&n, out, 32);
	assert_memory_equal(out, blocks[0].b, 32);
}

static void all_of_it_is_stirred_in(void **state)
{
	(void)state;
	static struct gt_node n = {.entropy = {1, 2, 3}};
	struct gt_id id;
	struct gt_bytes parts[2] = {{n.entropy, sizeof n.entropy},
	                            gt_bytes_str("more")};
	n.entropy[63] = 9;
	gt_sha256(&id, parts, 2);
	gt_stir(&n, gt_bytes_str("more"));
	assert_memory_equal(n.entropy, id.b, 32);
	assert_int_equal(n.entropy[63], 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(blocks_of_what_was_brought),
	        cmocka_unit_test(all_of_it_is_stirred_in),
	};
	return cmocka_run_group_tests_name("draw", tests, NULL, NULL);
}
