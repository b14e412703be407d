/* pki_have.h: what an open PKI is, for the files that make it up. */
#ifndef GT_PKI_HAVE_H
#define GT_PKI_HAVE_H

#include "cert.h"
#include "pki.h"
#include "seal.h"

enum { GT_PKI_PATH = 4096, GT_PKI_ROWS_FILE_MAX = 1 << 30 };

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
struct gt_pki_member *gt_pki_add(struct gt_pki *pki);
void gt_pki_sort(struct gt_pki *pki);
/* Signs the rows of members [i] with row.p NULL. */
int gt_pki_sign(struct gt_pki *pki);
/* Writes every members.bin. */
int gt_pki_save(struct gt_pki *pki, char *why, size_t why_cap);
/* Length-prefixed rows of the listed members as one file. */
int gt_pki_write_rows(const struct gt_pki *pki, const char *path,
                      const size_t *list, size_t n, char *why, size_t why_cap);

#endif
