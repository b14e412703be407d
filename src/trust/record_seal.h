/* record_seal.h: what a seal over records is of, and whose (PROTOCOL.md M49).
 * The tree is merkle.h's; who may have made a seal of what, its readers ask.
 * Tests: u_sealed.c, u_read_seal.c. */
#ifndef GT_RECORD_SEAL_H
#define GT_RECORD_SEAL_H

#include "seal.h"

/* A flag that no record has: it means something on the wire alone
 * (records/sheaf.h). */
enum { GT_RECORD_RESERVED = 1 << 30 };

struct gt_record_seal {
	const char *by; /* code of its maker */
	uint32_t count; /* leaves */
	struct gt_bytes signature;
	uint32_t key; /* which of its maker's, as gt_record_seal_hint has it;
	                 0: any */
};

/* What of a record is under a seal: all that the way up may not change. */
void gt_record_leaf(struct gt_id *out, const Gt__Record *r);

/* The first four bytes of a key. */
uint32_t gt_record_seal_hint(const uint8_t key[GT_KEY_BYTES]);
/* 0, -GT_ENOMEM. */
int gt_record_seal_sign(const struct gt_key *key, const char *by,
                        uint32_t count, const struct gt_id *root,
                        uint8_t signature[GT_SIGNATURE_BYTES]);
/* Whether the member of that row signed a tree of that root, with his key or one
 * that was his before: *hint tells which. -GT_ESIGNATURE: he did not;
 * -GT_EUNKNOWN: the row has no such key; -GT_ENOMEM. */
int gt_record_seal_check(const Gt__Member *m, const struct gt_record_seal *s,
                         const struct gt_id *root, uint32_t *hint);

#endif
