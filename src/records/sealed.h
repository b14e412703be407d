/* sealed.h: seals over records (sealed.c, sealed_take.c; PROTOCOL.md M49). */
#ifndef GT_SEALED_H
#define GT_SEALED_H

#include "merkle.h"
#include "record_seal.h"
#include "records_inside.h"

/* What a record says of its seal beyond what goes on the wire: on its way out,
 * it has become another one here. */
enum { GT_SEAL_ANEW = UINT32_MAX / 2 };

/* A seal, with the gaps of its tree. */
struct gt_seal_of {
	const char *by;
	int64_t sid; /* 0: not stored here */
	uint32_t count;
	struct gt_bytes signature;
	struct gt_gap *gaps; /* of count */
	size_t ngaps;
};

/* The row of the active member of that code, in the arena; NULL: none. */
int gt_sealed_maker(struct gt_node *n, const char *code,
                    const Gt__Member **out);

/* The seal number `sid`, in the arena; *found. */
int gt_sealed_get(struct gt_node *n, int64_t sid, struct gt_seal_of *out,
                  bool *found);
/* Records here are leaves of it: rows[i] (0: none) is leaf i. */
int gt_sealed_map(struct gt_node *n, int64_t sid, const int64_t *rows,
                  uint32_t count);
/* What of a stored one is not here. */
int gt_sealed_gaps(struct gt_node *n, const struct gt_seal_of *s);
/* Stores one; s->sid. */
int gt_sealed_new(struct gt_node *n, struct gt_seal_of *s);

/* A batch on its way to a parent of version 6: m's records are given their
 * seals, made where there is none yet and it is this node that has to. */
int gt_sealed_send(struct gt_node *n, Gt__Records *m);
/* Record number seq is to leave its row: its leaf is remembered. */
int gt_sealed_leave(struct gt_node *n, int64_t seq);

/* What was damaged under that number is back, under another: it is the leaf that
 * it was. */
int gt_sealed_moved(struct gt_node *n, int64_t from, int64_t to);

/* ------------------------------------------------------------- take */

enum gt_sealed { GT_UNSEALED, GT_SEALED, GT_SEAL_BROKEN };

/* The seals of a batch that came, and which of its records is under which. */
struct came;
struct gt_sealing {
	const Gt__Records *m;
	struct gt_seal_of *seals;
	int32_t *seal;        /* of each record; -1: none */
	uint32_t *leaf;       /* ... as which leaf */
	enum gt_sealed *is;   /* each record */
	int64_t *row;         /* each record's number here; 0: not taken */
	struct gt_id *leaves; /* of each record */
	struct came *came;    /* of one seal at a time */
};
/* m was untied. -GT_EMALFORMED, -GT_ENOMEM. */
int gt_sealed_check(struct gt_node *n, const struct gt_peer *p,
                    const Gt__Records *m, struct gt_sealing *out);
/* What was taken under good seals is known to be. */
int gt_sealed_keep(struct gt_node *n, const struct gt_sealing *s);

#endif
