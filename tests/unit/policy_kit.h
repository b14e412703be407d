/* policy_kit.h: what tests of policy share. */
#ifndef GT_POLICY_KIT_H
#define GT_POLICY_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

static inline char *text(const char *s)
{
	return gt_lend(s);
}

static inline struct gt_layer *compile(const Gt__Layer *layer)
{
	struct gt_layer *out;
	char why[200] = "";
	size_t n = gt__layer__get_packed_size(layer);
	uint8_t *p = malloc(n + 1);
	assert_non_null(p);
	gt__layer__pack(layer, p);
	int rc = gt_layer_new(&out, gt_bytes_of(p, n), why, sizeof why);
	if (rc != 0)
		print_error("%s\n", why);
	assert_int_equal(rc, 0);
	/* the layer keeps nothing of what it was made from */
	memset(p, 0xff, n);
	free(p);
	return out;
}

#endif
