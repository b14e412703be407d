#include "draw.h"

#include <string.h>

void gt_stir(struct gt_node *n, struct gt_bytes more)
{
	struct gt_id id;
	struct gt_bytes parts[2] = {{n->entropy, sizeof n->entropy}, more};
	gt_sha256(&id, parts, 2);
	memcpy(n->entropy, id.b, sizeof id.b);
}

void gt_draw(struct gt_node *n, uint8_t *out, size_t len)
{
	while (len > 0) {
		struct gt_id block;
		uint8_t count[8];
		gt_put64(count, n->drawn++);
		struct gt_bytes parts[2] = {{n->entropy, sizeof n->entropy},
		                            {count, sizeof count}};
		gt_sha256(&block, parts, 2);
		size_t take = len < sizeof block.b ? len : sizeof block.b;
		memcpy(out, block.b, take);
		out += take;
		len -= take;
	}
}
