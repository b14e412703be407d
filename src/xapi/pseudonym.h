/* pseudonym.h: names that lead back to nobody without a key.
 *
 * A pseudonym is HMAC-SHA256 of somebody's canonical key (canon.h) under a
 * secret that lies outside the database. It is the same for the same person
 * wherever that secret is used: its *scope* is the place whose nodes have it,
 * the widest that must link. It is used for a period: a record takes the secret
 * of the period in which its origin stored it, however late it goes up, and so
 * nobody counts twice within one. Scope and number stand in the account's home
 * page.
 *
 * Who has several names is one where an operator says so: an alias file has a
 * line for each person, his names (gt_canon_written) with spaces between, the
 * first of which his pseudonym is made of. '#' begins a comment.
 *
 * Pure.
 * Tests: u_pseudonym.c. */
#ifndef GT_PSEUDONYM_H
#define GT_PSEUDONYM_H

#include "canon.h"

enum {
	GT_PSEUDONYM_CHARS = 41,
	GT_PSEUDONYM_HOME = 96,
	GT_PSEUDONYM_KEYS = 64,    /* of one node */
	GT_PSEUDONYM_NAME = 64,    /* "3301.2", as gt_pseudonym_name says it */
	GT_ALIASES_MAX = 2000000,  /* names in an alias file */
	GT_ALIAS_FILE = 256 << 20, /* and its bytes */
};

/* What the home pages of pseudonyms begin with. */
#define GT_PSEUDONYM_PAGES "https://pseudonyms.invalid/"

struct gt_pseudonym_key {
	char scope[GT_CODE_MAX + 1];
	uint32_t number;
	/* stored from then until before then; until INT64_MAX: still used */
	int64_t from_ms, until_ms;
	uint8_t secret[32];
};

/* The key for what was stored then at a node of that code: of the widest scope
 * it lies in; of what no period covers, the next one's, else the last. NULL:
 * there is none. */
const struct gt_pseudonym_key *
gt_pseudonym_key_at(const struct gt_pseudonym_key *keys, size_t n,
                    const char *code, int64_t stored_ms);
/* "3301.2". */
void gt_pseudonym_name(char out[GT_PSEUDONYM_NAME],
                       const struct gt_pseudonym_key *key);

struct gt_aliases;
/* Reads an alias file, keeping nothing of it. why: the line, and what is wrong
 * with it, without what stands there. 0, -GT_EINVALID, -GT_ELIMIT,
 * -GT_ENOMEM. */
int gt_aliases_new(struct gt_aliases **out, struct gt_bytes text, char *why,
                   size_t why_cap);
void gt_aliases_free(struct gt_aliases *a); /* NULL is fine */
/* Whose name that is: the first key of his, *texts the canonical texts of all,
 * each ended by a NUL. False: nobody's. a NULL: there are none. */
bool gt_aliases_find(const struct gt_aliases *a, const struct gt_canon *c,
                     struct gt_bytes *key, struct gt_bytes *texts);

/* All keys of a node, and who is one. */
struct gt_pseudonym_source {
	const struct gt_pseudonym_key *keys;
	size_t nkeys;
	const struct gt_aliases *aliases; /* NULL: none */
};

/* How names are made. Borrowed. */
struct gt_pseudonyms {
	const struct gt_pseudonym_key *key;
	const struct gt_aliases *aliases; /* NULL: none */
};

/* 40 hexadecimal digits for that, which is of kind `what`. */
void gt_pseudonym(char out[GT_PSEUDONYM_CHARS], const struct gt_pseudonyms *p,
                  const char *what, struct gt_bytes of);
/* The home page of accounts that bear them. */
void gt_pseudonym_home(char out[GT_PSEUDONYM_HOME],
                       const struct gt_pseudonym_key *key);
/* An id for that. */
void gt_pseudonym_uuid(char out[GT_UUID_TEXT], const struct gt_pseudonyms *p,
                       struct gt_bytes of);

#endif
