/* protocol.h: the versions of the protocol this program speaks, and what each
 * adds. Nothing else in the code compares version numbers.
 *
 *   1  all of proto/PROTOCOL.md, but:
 *   2  Done is handed over: kept by the child until the parent has answered,
 *      repeated on later links, written down by the parent once (M24);
 *      both ends keep a token of their last session (lineage.h)
 *   3  Hello says what the link is for (node/kind.c); a parent may be any node
 *      of the place that was asked for; records that are damaged at one end
 *      are asked back from the other (M37), and what a child forgot from
 *      its parent (M38)
 *   4  a batch of records says up to which number it speaks for: what is not in
 *      it is not for the parent (M41)
 *   5  documents go up and are sought above (M46, M47), and neighbours are
 *      told what was erased (M60)
 *   6  who forgot is told where what he had goes on (M38), and of his records
 *      those travel that the parent has not (M54); records travel in sheaves
 *      (M48), under seals (M49); lists of revoked certificates are told (M50)
 *
 * A node speaks every version from GT_PROTOCOL_MIN to the newest it was built
 * with or is held to (gt_node_config.protocol_max).
 *
 * Tests: u_session.c, and real daemons of two versions in tests/e2e. */
#ifndef GT_PROTOCOL_H
#define GT_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

enum { GT_PROTOCOL_MIN = 1, GT_PROTOCOL_MAX = 6 };

/* The highest version in both min..max and GT_PROTOCOL_MIN..ours; 0: none. */
static inline uint32_t gt_version_common(uint32_t min, uint32_t max,
                                         uint32_t ours)
{
	uint32_t top = max < ours ? max : ours;
	return top >= min && top >= GT_PROTOCOL_MIN ? top : 0;
}

/* A Done is handed over (2, above). */
static inline bool gt_version_hands_over(uint32_t version)
{
	return version >= 2;
}

/* Both ends keep a token of their last session (2, above). */
static inline bool gt_version_tokens(uint32_t version)
{
	return version >= 2;
}

/* Records that are damaged are asked back (3, above). */
static inline bool gt_version_asks_back(uint32_t version)
{
	return version >= 3;
}

/* A batch of records may leave out what is not for the parent (4, above). */
static inline bool gt_version_leaves_out(uint32_t version)
{
	return version >= 4;
}

/* Documents travel, and what was erased is told (5, above). */
static inline bool gt_version_carries(uint32_t version)
{
	return version >= 5;
}

/* Who asks for what he forgot is told where it goes on (6, above). */
static inline bool gt_version_goes_on(uint32_t version)
{
	return version >= 6;
}

/* Lists of revoked certificates travel (6, above). */
static inline bool gt_version_lists(uint32_t version)
{
	return version >= 6;
}

/* A child asks which of its records are there (6, above). */
static inline bool gt_version_compares(uint32_t version)
{
	return version >= 6;
}

/* Records travel in sheaves (6, above). */
static inline bool gt_version_sheaves(uint32_t version)
{
	return version >= 6;
}

/* Hello names the kind of link and a place for a parent (3, above). */
static inline bool gt_version_kinds(uint32_t version)
{
	return version >= 3;
}

#endif
