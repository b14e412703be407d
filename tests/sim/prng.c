#include "prng.h"

uint64_t prng_next(struct prng *p)
{
	uint64_t z = p->state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct prng prng_new(uint64_t seed, enum prng_purpose purpose, uint64_t node)
{
	struct prng p = {seed};
	p.state = prng_next(&p) ^ (uint64_t)purpose << 32;
	p.state = prng_next(&p) ^ node;
	return p;
}

uint64_t prng_below(struct prng *p, uint64_t n)
{
	return prng_next(p) % n;
}

bool prng_once_in(struct prng *p, uint64_t n)
{
	return n > 0 && prng_below(p, n) == 0;
}

void prng_fill(struct prng *p, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t word = prng_next(p);
		for (size_t k = 0; k < 8 && i + k < n; k++, word >>= 8)
			out[i + k] = (uint8_t)word;
	}
}
