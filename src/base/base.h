/* base.h: the few types and functions every file of the core uses.
 *
 * The room base/ is the ground: what any other may include, and what knows
 * nothing of any other.
 *
 *   base arena buffer           bytes and ids, memory
 *   limit error                 every limit, every error
 *   utf8 iso8601 json code      text: characters, times, JSON, codes of places
 *   protocol                    what each version of the protocol adds
 *
 * It uses the C library, jansson, protobuf-c's messages and OpenSSL's SHA-256.
 * It promises: no clock, no file, no socket, no state but what a caller holds;
 * the same answer to the same question, from any thread. Memory is the
 * caller's, an arena's, or said to be otherwise. */
#ifndef GT_BASE_H
#define GT_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "limit.h"

enum {
	GT_ID_BYTES = 32,
	GT_EPOCH_BYTES = 16,
	GT_TRANSFER_BYTES = 16,
	GT_UUID_BYTES = 16,
	GT_SHA1_BYTES = 20,

	/* the same as text, with the NUL that ends it */
	GT_HEX_ID = 2 * GT_ID_BYTES + 1,
	GT_HEX_EPOCH = 2 * GT_EPOCH_BYTES + 1,
	GT_HEX_TRANSFER = 2 * GT_TRANSFER_BYTES + 1,
	GT_UUID_TEXT = 2 * GT_UUID_BYTES + 4 + 1, /* 8-4-4-4-12 digits */
};

/* SHA-256 of what it names. */
struct gt_id {
	uint8_t b[GT_ID_BYTES];
};

/* What one fetching of an object is called at both ends, drawn by the child.
 * All zero: none. */
struct gt_transfer_id {
	uint8_t b[GT_TRANSFER_BYTES];
};

/* Bytes that belong to somebody else. Never owned, never freed. */
struct gt_bytes {
	const uint8_t *p;
	size_t n;
};

/* Bytes that lie elsewhere: fills out with n of them at offset, all, or returns
 * what failed, -GT_E..., which whoever asked passes on. */
typedef int gt_bytes_at(void *arg, uint64_t offset, uint8_t *out, size_t n);

/* Time as handed to the core. mono_ms never jumps and has no meaning outside
 * one run; wall_ms is milliseconds since the Unix epoch and may be anything. */
struct gt_now {
	uint64_t mono_ms;
	int64_t wall_ms;
	/* readers were told that all stored up to then is to be seen; 0: they
	 * were told nothing (gt_node_clock) */
	int64_t told_ms;
	/* how long the machine has slept, which mono_ms does not count */
	uint64_t slept_ms;
};

/* n bytes at p; p may be NULL where n is 0. */
struct gt_bytes gt_bytes_of(const void *p, size_t n);
/* A string without the NUL that ends it; NULL is no bytes. */
struct gt_bytes gt_bytes_str(const char *s);
/* As many, and the same; of none, where they lie does not matter. */
bool gt_bytes_eq(struct gt_bytes a, struct gt_bytes b);
/* The same name. */
bool gt_id_eq(const struct gt_id *a, const struct gt_id *b);
/* All zero, which is the name of nothing. */
bool gt_id_is_zero(const struct gt_id *a);
/* The same transfer. */
bool gt_transfer_id_eq(const struct gt_transfer_id *a,
                       const struct gt_transfer_id *b);
/* All zero, which is no transfer. */
bool gt_transfer_id_is_zero(const struct gt_transfer_id *a);

/* Lower-case hexadecimal. out holds 2n+1 chars. */
void gt_hex(char *out, const uint8_t *p, size_t n);
/* The same of an id and of a transfer's. */
void gt_id_hex(char out[GT_HEX_ID], const struct gt_id *id);
void gt_transfer_id_hex(char out[GT_HEX_TRANSFER],
                        const struct gt_transfer_id *id);
/* An ASCII capital's small letter; anything else as it is, whatever the locale
 * says. */
char gt_lower(char c);
/* Are the first n bytes the same but for that, or the texts where they end
 * before? */
bool gt_alike(const char *a, const char *b, size_t n);
/* 0 to 15 for a hex digit of either case, else -1. */
int gt_hex_digit(char c);
/* Reads exactly 2n hex digits and the end of the string; false: it is not
 * that. */
bool gt_unhex(uint8_t *out, size_t n, const char *hex);

/* Copies s, cut to fit, always terminated: cap must not be 0. True if it
 * fitted. No character is halved (utf8.h). */
bool gt_copy(char *out, size_t cap, const char *s);
/* snprintf that asserts a sane format; cut to fit, always terminated, and no
 * character is halved. */
void gt_format(char *out, size_t cap, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* Lends what is only read to a type that cannot say so: messages of
 * protobuf-c on their way out, objects jansson walks. Whoever gets it must not
 * write to it nor free it. The one place where const goes. */
void *gt_lend(const void *p);

/* Big-endian, as on the wire. p has, or gets, 4 or 8 bytes. */
uint32_t gt_get32(const uint8_t *p);
void gt_put32(uint8_t *p, uint32_t v);
void gt_put64(uint8_t *p, uint64_t v);

/* SHA-256 of the parts one after the other; of n bytes at p. */
void gt_sha256(struct gt_id *out, const struct gt_bytes *parts, size_t n);
void gt_sha256_one(struct gt_id *out, const void *p, size_t n);
/* The same of n bytes from 0 on that read gives, never all of them at once. 0,
 * or read's. */
int gt_sha256_at(struct gt_id *out, uint64_t n, gt_bytes_at *read, void *arg);
/* SHA-1, for what others name by it; it vouches for nothing. */
void gt_sha1(uint8_t out[GT_SHA1_BYTES], struct gt_bytes text);

#endif
