/* pki_have.h: what an open PKI is, for the files that make it up. */
#ifndef GT_PKI_HAVE_H
#define GT_PKI_HAVE_H

#include "cert.h"
#include "pki.h"
#include "seal.h"

enum {
	GT_PKI_PATH = 4096,
	GT_PKI_ROWS_FILE_MAX = 1 << 30,
	GT_PKI_SEED_FILE_MAX = 80,
};

struct gt_pki {
	char dir[GT_PKI_PATH / 2];
	X509 *ca;
	EVP_PKEY *ca_key;
	struct gt_key roster;
	struct gt_arena *arena;  /* rows live here */
	struct gt_pki_member *v; /* sorted by code */
	size_t n, cap;
};

/* "DIR/nodes/CODE/FILE" and the like. False: too long (why says so). */
bool gt_pki_path(const struct gt_pki *pki, char out[GT_PKI_PATH],
                 const char *kind, const char *code, const char *file,
                 char *why, size_t why_cap);
/* A member more, empty, at the end: sort when all are there. NULL: no memory.
 * Pointers to members end here. */
struct gt_pki_member *gt_pki_add(struct gt_pki *pki);
/* Puts the members in the order of their codes, of each the newest version
 * only. */
void gt_pki_sort(struct gt_pki *pki);
/* Signs the rows of the members that have none (row.p NULL). 0, -GT_ENOMEM. */
int gt_pki_sign(struct gt_pki *pki);
/* The key of a seed's file, whose text is cut at its line end. 0,
 * -GT_EINVALID. */
int gt_pki_seed_of(const struct gt_buffer *hex, struct gt_key *key);
/* Writes every members.bin. 0, or negative with why. */
int gt_pki_save(struct gt_pki *pki, char *why, size_t why_cap);
/* Writes the rows of the n members listed as one file (node_dir.h). 0, or
 * negative with why. */
int gt_pki_write_rows(const struct gt_pki *pki, const char *path,
                      const size_t *list, size_t n, char *why, size_t why_cap);

#endif
