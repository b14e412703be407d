/* status_list.h: a list of what was revoked (credential.h) on its way: its name,
 * and its text packed as neighbours tell it each other and databases keep it.
 *
 * A list is some 23 KB, most of which says that nothing was revoked; packed by
 * zstd it is some hundred bytes more than what it says. Whoever unpacks one has
 * the same JSON, and so what was signed.
 *
 * Pure.
 * Tests: u_status_list.c, fuzz/f_certificate.c. */
#ifndef GT_STATUS_LIST_H
#define GT_STATUS_LIST_H

#include "code.h"
#include "credential.h"

enum {
	GT_LIST_NUMBERS = 256,         /* lists of one issuer */
	GT_LIST_PACKED_MAX = 32 << 10, /* bytes, packed */
	GT_LIST_TEXT_MAX = 64 << 10,   /* and as text */
};

/* What gt_list_name wrote. False: another name. */
bool gt_list_named(const char *name, char code[GT_CODE_MAX + 1],
                   int64_t *number);
/* Appends it, packed. 0, -GT_ENOMEM, -GT_ELIMIT. */
int gt_list_pack(struct gt_buffer *out, const json_t *list);
/* 0 and *out, to be given back; -GT_EMALFORMED: no packed JSON, or larger than
 * a list may be; -GT_ENOMEM. */
int gt_list_unpack(json_t **out, struct gt_bytes packed);

#endif
