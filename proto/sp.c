#include "sp.h"

#include <string.h>

static const uint32_t top = 0x80000000u;

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void gt_sp_put_header(uint8_t out[GT_SP_HEADER_BYTES], uint16_t protocol)
{
	memcpy(out, "\0SP\0\0\0\0\0", GT_SP_HEADER_BYTES);
	out[4] = (uint8_t)(protocol >> 8);
	out[5] = (uint8_t)protocol;
}

bool gt_sp_header_is(const uint8_t in[GT_SP_HEADER_BYTES], uint16_t protocol)
{
	uint8_t want[GT_SP_HEADER_BYTES];
	gt_sp_put_header(want, protocol);
	return memcmp(in, want, sizeof want) == 0;
}

const char *gt_sp_strerror(enum gt_sp_status status)
{
	switch (status) {
	case GT_SP_OK:
		return "ok";
	case GT_SP_MORE:
		return "not whole yet";
	case GT_SP_SHORT:
		return "message too short for a request id";
	case GT_SP_LONG:
		return "message longer than allowed";
	case GT_SP_ID:
		return "message does not start with a request id";
	}
	return "unknown";
}

enum gt_sp_status gt_sp_parse(const uint8_t *p, size_t n, size_t max,
                              struct gt_sp_prefix *out)
{
	if (n < 8)
		return GT_SP_MORE;
	uint64_t length = (uint64_t)get32(p) << 32 | get32(p + 4);
	/* Judged on the length alone: a peer that never sends the rest must
	 * not keep an impossible message open. */
	if (length < 4)
		return GT_SP_SHORT;
	if (length > max)
		return GT_SP_LONG;
	if (n < GT_SP_PREFIX_BYTES)
		return GT_SP_MORE;
	uint32_t id = get32(p + 8);
	if (!(id & top))
		return GT_SP_ID;
	*out = (struct gt_sp_prefix){(size_t)length - 4, id & ~top};
	return GT_SP_OK;
}

bool gt_sp_split(const uint8_t *body, size_t n, size_t head_max,
                 size_t payload_max, size_t *head)
{
	if (n < 4)
		return false;
	size_t h = get32(body);
	if (h > n - 4 || h > head_max || n - 4 - h > payload_max)
		return false;
	*head = h;
	return true;
}

void gt_sp_put_lead(uint8_t out[GT_SP_LEAD_BYTES], uint32_t token, size_t head,
                    size_t payload)
{
	uint64_t length = (uint64_t)head + payload + 8;
	put32(out, (uint32_t)(length >> 32));
	put32(out + 4, (uint32_t)length);
	put32(out + 8, token | top);
	put32(out + 12, (uint32_t)head);
}
