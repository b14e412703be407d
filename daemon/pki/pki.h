/* pki.h: the directory an operator keeps the secrets of a tree in.
 *
 * In the room daemon/pki/ trees are read (tree.h), keys and certificates made
 * (cert.h) and rosters signed, for the command line alone: a running daemon has
 * no key of the CA's. It uses OpenSSL, libyaml, src/trust, words/ and sys/. It
 * promises that a key is never written over and that a run cut short can be
 * run again.
 *
 *   PKIDIR/ca.pem ca.key         the CA's certificate and key (0600)
 *   PKIDIR/roster.seed           Ed25519 seed the roster is signed with, 0600,
 *                                64 hex digits;  roster.key: its public half
 *   PKIDIR/members.bin           every row of the roster, latest version
 *   PKIDIR/nodes/CODE/           what `guantong init --pki` copies to a node:
 *       ca.pem cert.pem key.pem node.key roster.key members.bin  (dir.h)
 *       date.key                   of who signs dates, if that was made
 *       node.key.N                 it had until version N of its row
 *   PKIDIR/publishers/CODE/node.key   of publishers that sign for themselves
 *
 * A node's members.bin holds itself, its ancestors, what lies below its place,
 * second nodes of places and publishers. Keys are made once and never written
 * over; certificates and roster rows are replaced whole. The directory is
 * 0700. */
#ifndef GT_PKI_H
#define GT_PKI_H

#include "tree.h"

#define GT_PKI_CA      "ca.pem"
#define GT_PKI_CA_KEY  "ca.key"
#define GT_PKI_SEED    "roster.seed"
#define GT_PKI_ROSTER  "roster.key"
#define GT_PKI_MEMBERS "members.bin"

struct gt_pki;

struct gt_pki_member {
	char code[GT_CODE_MAX + 1];
	char parent[GT_CODE_MAX + 1]; /* "" for a root or a publisher */
	char level[GT_LEVEL_NAME_MAX + 1];
	char name[128];
	bool publisher, revoked;
	bool placed; /* its row names the parent */
	bool dated;  /* its row names a key for dates */
	uint8_t date_key[32];
	uint64_t version;
	uint8_t key[32];
	struct gt_bytes former; /* keys it had before, one behind the other */
	int64_t expires_s;      /* the certificate's notAfter, 0: none */
	struct gt_bytes row;    /* encoded Signed */
};

/* Makes the CA and the roster key. 0, -GT_ECONFLICT (there is one), -GT_EIO,
 * -GT_ENOMEM; why: a sentence. name: for the certificate's subject. */
int gt_pki_create(const char *dir, const char *name, char *why, size_t why_cap);
/* Opens one and checks every row of the roster. 0, -GT_EUNKNOWN (none there),
 * -GT_EINVALID, -GT_ESIGNATURE, -GT_EIO, -GT_ENOMEM. */
int gt_pki_open(struct gt_pki **out, const char *dir, char *why,
                size_t why_cap);
/* Wipes the keys and frees it all; NULL is fine. */
void gt_pki_close(struct gt_pki *pki);
/* How many members there are, revoked ones too. */
size_t gt_pki_count(const struct gt_pki *pki);
/* The i-th member, in the order of their codes. Lives until the next change. */
const struct gt_pki_member *gt_pki_at(const struct gt_pki *pki, size_t i);
/* The member of that code; NULL: none. Lives as long. */
const struct gt_pki_member *gt_pki_find(const struct gt_pki *pki,
                                        const char *code);

/* What came of a tree. */
struct gt_pki_enrolled {
	size_t added, renamed;
};
/* Keys, certificates and rows for what the tree has and the PKI has not, a row
 * one version up for what has another name there; the rest stays as it is. Then
 * writes every members.bin. Interrupted, it can be run again. days: of a
 * certificate, 1..90. */
int gt_pki_enrol(struct gt_pki *pki, const struct gt_tree *tree, unsigned days,
                 struct gt_pki_enrolled *done, char *why, size_t why_cap);
/* A new certificate for the same key. 0; -GT_EUNKNOWN: no such node;
 * -GT_ESTATE: a publisher, or revoked; -GT_EIO. why: a sentence. */
int gt_pki_renew(struct gt_pki *pki, const char *code, unsigned days, char *why,
                 size_t why_cap);
/* A row one version up that says REVOKED, into PKIDIR/members.bin and those of
 * the nodes, and alone into `file`. -GT_EUNKNOWN, -GT_ESTATE: is revoked. */
int gt_pki_revoke(struct gt_pki *pki, const char *code, const char *file,
                  char *why, size_t why_cap);

/* Another signing key for a member, and rows one version up for all that have the
 * old one, also alone into `file`. What the old one signed counts on (M51), unless
 * it is lost to somebody. -GT_EUNKNOWN; -GT_ESTATE: is revoked, or signs through a
 * node. A run that was cut short is gone on with. pki_rekey.c */
int gt_pki_rekey(struct gt_pki *pki, const char *code, bool lost,
                 const char *file, char *why, size_t why_cap);

/* A key for dates of that node's (NULL: the root's), made if there is none, and
 * a row one version up that names it, as gt_pki_revoke; *named: whose it is.
 * -GT_EUNKNOWN, -GT_ESTATE: a publisher, or revoked. */
int gt_pki_date(struct gt_pki *pki, const char *code, const char **named,
                char *why, size_t why_cap);
/* Writes that member's row alone into a file. */
int gt_pki_row(const struct gt_pki *pki, const char *code, const char *file,
               char *why, size_t why_cap);
/* Rows one version up for those from before rows said who the parent is; *n:
 * how many. */
int gt_pki_place(struct gt_pki *pki, size_t *n, char *why, size_t why_cap);

/* "spiffe://guantong/33/3301": every code from the root. False: too long, or
 * the parents go in a ring. */
bool gt_pki_uri(const struct gt_pki *pki, const char *code, char *out,
                size_t cap);

/* An Ed25519 seed, fresh from the system, as 64 hex digits and a line end into
 * a new file of mode 0600. public: its public half. */
int gt_pki_seed(const char *path, uint8_t public[32], char *why,
                size_t why_cap);

#endif
