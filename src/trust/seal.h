/* seal.h: signatures, Ed25519 (RFC 8032) over batches of bodies.
 *
 * One signature is made over the root of an RFC 6962 Merkle tree of up to
 * GT_SEAL_MAX bodies, so that importing a thousand entries costs one signature
 * and checking them one verification. The signed text is
 *     "guantong seal v1\n" || root
 * and a leaf is SHA-256(00 || kind || body), a node SHA-256(01 || l || r).
 *
 * The room trust/ is what is signed and with which key: keys and seals here,
 * envelopes and what lies in them in signed.h, JSON that carries its signature in
 * proof.h. It uses base/, the messages of the protocol, jansson, and OpenSSL for
 * Ed25519 alone. It promises: a signature is
 * called bad only if it is, never for want of memory; no key is kept; nothing
 * is said of whose a key is, which the roster says and the node asks.
 *
 * Tests: u_seal.c; the vectors of u_vectors.c fix the bytes. */
#ifndef GT_SEAL_H
#define GT_SEAL_H

#include "arena.h"
#include "base.h"
#include "guantong.pb-c.h"

enum { GT_KEY_BYTES = 32, GT_SIGNATURE_BYTES = 64 };

struct gt_key {
	uint8_t seed[GT_KEY_BYTES]; /* secret */
	uint8_t public[GT_KEY_BYTES];
};

/* Derives the public half. 0 or -GT_ENOMEM. */
int gt_key_from_seed(struct gt_key *key, const uint8_t seed[GT_KEY_BYTES]);

/* Signs free-standing text (Hello proofs). 0, -GT_ENOMEM. */
int gt_sign(const struct gt_key *key, struct gt_bytes text,
            uint8_t sig[GT_SIGNATURE_BYTES]);
/* Checks it. 0, -GT_ENOMEM; -GT_ESIGNATURE is never said for want of memory. */
int gt_verify(const uint8_t public[GT_KEY_BYTES], struct gt_bytes text,
              const uint8_t sig[GT_SIGNATURE_BYTES]);

/* Seals n bodies of one kind. out[i] is an encoded Signed message, allocated
 * in the arena. 0, -GT_ENOMEM or -GT_ELIMIT. */
int gt_seal(const struct gt_key *key, Gt__Kind kind,
            const struct gt_bytes *bodies, size_t n, struct gt_arena *arena,
            struct gt_bytes *out);

/* Remembers the last roots found good, so that a batch is verified once. Not
 * safe for use by two threads. NULL: out of memory. */
struct gt_seal_cache;
struct gt_seal_cache *gt_seal_cache_new(void);
void gt_seal_cache_free(struct gt_seal_cache *cache); /* NULL is fine */

/* The signature is good for exactly this kind and body by signed->key. Says
 * nothing about who that key belongs to. 0, -GT_EMALFORMED, -GT_ESIGNATURE,
 * -GT_ENOMEM. cache may be NULL. */
int gt_unseal(const Gt__Signed *signed_, struct gt_seal_cache *cache);

#endif
