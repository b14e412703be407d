#include "tail.h"

static const uint32_t skippable_magic = 0x184d2a5e, seekable_magic = 0x8f92eab1;

static uint8_t *put_le32(uint8_t *out, uint32_t v)
{
	for (unsigned shift = 0; shift < 32; shift += 8)
		*out++ = (uint8_t)(v >> shift);
	return out;
}

void gt_tail_head(uint8_t out[GT_TAIL_HEAD], uint32_t nframes)
{
	out = put_le32(out, skippable_magic);
	put_le32(out, nframes * GT_TAIL_ENTRY + GT_TAIL_FOOT);
}

void gt_tail_entry(uint8_t out[GT_TAIL_ENTRY], uint32_t stored, uint32_t plain)
{
	put_le32(put_le32(out, stored), plain);
}

void gt_tail_foot(uint8_t out[GT_TAIL_FOOT], uint32_t nframes)
{
	out = put_le32(out, nframes);
	*out++ = 0; /* descriptor: no checksums */
	put_le32(out, seekable_magic);
}
