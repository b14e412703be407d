/* prng.h: randomness that is the same on every machine.
 *
 * One stream for each (seed, purpose, node), so that switching one kind of
 * fault off leaves every other draw as it was. splitmix64 (Steele, Lea, Flood
 * 2014), public domain algorithm. */
#ifndef SIM_PRNG_H
#define SIM_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prng {
	uint64_t state;
};

enum prng_purpose {
	FOR_NETWORK = 1,
	FOR_DISK,
	FOR_CRASHES,
	FOR_WORKLOAD,
	FOR_ENTROPY,
	FOR_SQLITE,
	FOR_FAULTS,
};

struct prng prng_new(uint64_t seed, enum prng_purpose purpose, uint64_t node);
uint64_t prng_next(struct prng *p);
/* Uniform in [0, n), n > 0. */
uint64_t prng_below(struct prng *p, uint64_t n);
/* True once in `n` draws; n == 0: never. */
bool prng_once_in(struct prng *p, uint64_t n);
void prng_fill(struct prng *p, uint8_t *out, size_t n);

#endif
