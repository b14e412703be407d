/* f_attachment.c: what anybody says of attachments: a statement that names
 * them, and a statement's signature. Both stand in one input, behind each other:
 * the signature, a line's end, the statement. */
#include <stdlib.h>
#include <string.h>

#include "attachment.h"
#include "jws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void names(struct gt_bytes body)
{
	struct gt_attachments l = {0};
	int status = gt_attachments_add(&l, body);
	assert(status == 0);
	for (size_t i = 0; i < l.n; i++) {
		assert(l.v[i].type[0] && l.v[i].path[0]);
		assert(gt_attachments_find(&l, &l.v[i].sha2));
	}
	gt_attachments_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gt_buffer payload = {0};
	char why[300] = "";
	bool checked;
	const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
	size_t n = lf ? (size_t)(lf - data) : size;
	struct gt_bytes body = {lf ? lf + 1 : data, lf ? size - n - 1 : size};
	names(body);
	int status = gt_jws_open(gt_bytes_of(data, n), &payload, &checked, why,
	                         sizeof why);
	assert((status != 0) == (why[0] != '\0'));
	assert(status == 0 || !checked);
	if (status == 0) {
		why[0] = '\0';
		status = gt_attachment_signs(body, gt_buffer_bytes(&payload),
		                             why, sizeof why);
		assert((status != 0) == (why[0] != '\0'));
	}
	gt_buffer_free(&payload);
	return 0;
}
