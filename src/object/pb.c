#include "pb.h"

bool gt_pb_varint(struct gt_pb *in, uint64_t *v)
{
	uint64_t x = 0;
	for (unsigned shift = 0; shift < 64 && in->p < in->end; shift += 7) {
		uint8_t b = *in->p++;
		if (shift == 63 && b > 1)
			return false;
		x |= (uint64_t)(b & 0x7f) << shift;
		if (b & 0x80)
			continue;
		*v = x;
		return b != 0 || shift == 0;
	}
	return false;
}

bool gt_pb_bytes(struct gt_pb *in, struct gt_bytes *v)
{
	uint64_t n;
	if (!gt_pb_varint(in, &n) || n > (uint64_t)(in->end - in->p))
		return false;
	*v = gt_bytes_of(in->p, (size_t)n);
	in->p += n;
	return true;
}

bool gt_pb_tag(struct gt_pb *in, unsigned number, unsigned type)
{
	assert(number < 16);
	if (in->p == in->end || *in->p != (number << 3 | type))
		return false;
	in->p++;
	return true;
}

size_t gt_pb_put(uint8_t *out, uint64_t v)
{
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	return n;
}

size_t gt_pb_size(uint64_t v)
{
	size_t n = 1;
	for (; v >= 0x80; v >>= 7)
		n++;
	return n;
}
