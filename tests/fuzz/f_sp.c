/* f_sp.c: whatever arrives, framing stays inside its bytes and its limits. */
#include <assert.h>
#include <string.h>

#include "limit.h"
#include "sp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static size_t one_message(const uint8_t *p, size_t n)
{
	struct gt_sp_prefix prefix;
	uint8_t lead[GT_SP_LEAD_BYTES];
	size_t head;
	enum gt_sp_status status = gt_sp_parse(p, n, GT_MESSAGE_MAX, &prefix);
	assert(gt_sp_strerror(status));
	if (status != GT_SP_OK)
		return 0;
	assert(n >= GT_SP_PREFIX_BYTES);
	assert(prefix.body <= GT_MESSAGE_MAX - 4);
	assert(prefix.token <= GT_SP_TOKEN_MAX);
	if (prefix.body > n - GT_SP_PREFIX_BYTES)
		return 0;
	const uint8_t *body = p + GT_SP_PREFIX_BYTES;
	if (gt_sp_split(body, prefix.body, GT_HEAD_MAX, GT_PAYLOAD_MAX,
	                &head)) {
		assert(head <= prefix.body - 4 && head <= GT_HEAD_MAX);
		/* what was read is what would be written */
		gt_sp_put_lead(lead, prefix.token, head,
		               prefix.body - 4 - head);
		assert(memcmp(lead, p, sizeof lead) == 0);
	}
	return GT_SP_PREFIX_BYTES + prefix.body;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t at = 0, step;
	if (n >= GT_SP_HEADER_BYTES) {
		bool req = gt_sp_header_is(p, GT_SP_REQ);
		bool rep = gt_sp_header_is(p, GT_SP_REP);
		assert(!(req && rep));
		if (req || rep)
			at = GT_SP_HEADER_BYTES;
	}
	while ((step = one_message(p + at, n - at)) > 0)
		at += step;
	return 0;
}
