#include "order.h"

#include <string.h>

void gt_order_init(struct gt_order *o)
{
	o->n = 0;
	o->last[0] = '\0'; /* sorts before any path */
}

const char *gt_order_next(struct gt_order *o, const char *path)
{
	size_t same = 0, n = o->n;
	int order = strcmp(o->last, path);
	bool fits;
	if (order == 0)
		return "the path is there twice";
	if (order > 0)
		return "out of order";
	while (o->last[same] && o->last[same] == path[same])
		same++;
	if (o->last[same] == '\0' && same > 0)
		o->len[n++] = (uint16_t)same;
	while (n > 0 && o->len[n - 1] > same)
		n--;
	for (size_t i = 0; i < n; i++)
		if (path[o->len[i]] == '/')
			return "it lies under a member that is a file";
	o->n = n;
	fits = gt_copy(o->last, sizeof o->last, path);
	assert(fits);
	return NULL;
}
