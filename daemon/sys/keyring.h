/* keyring.h: the secrets under which records lose their names, in a file of the
 * node's, and the alias file beside it.
 *
 * A line a key: scope, number, first and last moment ("-": still used), secret
 * in 64 hexadecimal digits. '#' begins a comment. The file is 0600 and is copied
 * by hand to the nodes of the scope that shall give the same names.
 * Tests: u_keyring.c. */
#ifndef GT_KEYRING_H
#define GT_KEYRING_H

#include "pseudonym.h"

struct gt_keyring {
	struct gt_pseudonym_key keys[GT_PSEUDONYM_KEYS];
	size_t n;
};

/* Reads the file's text. 0; -GT_EINVALID or -GT_ELIMIT, and why names the line
 * and says nothing of the secret. */
int gt_keyring_parse(struct gt_keyring *out, struct gt_bytes text, char *why,
                     size_t why_cap);
/* Writes it, to be wiped by who has it. False: out of memory. */
bool gt_keyring_print(const struct gt_keyring *ring, struct gt_buffer *out);
/* A key of that scope from then on, its secret the kernel's; what was used
 * until now is until then. False: there are as many as may be, or one begins
 * later already. */
bool gt_keyring_add(struct gt_keyring *ring, const char *scope,
                    int64_t from_ms);
/* Takes out a key by its name ("3301.1"). -GT_EUNKNOWN; -GT_ESTATE: records
 * stored at now_ms still take it. */
int gt_keyring_retire(struct gt_keyring *ring, const char *name,
                      int64_t now_ms);
/* Overwrites the secrets. */
void gt_keyring_wipe(struct gt_keyring *ring);

/* The node's own two files, relative to its directory; neither need be there.
 * *aliases is the caller's, NULL: there is no such file. 0, or what is wrong,
 * and why. */
int gt_keyring_load(struct gt_keyring *out, struct gt_aliases **aliases,
                    char *why, size_t why_cap);

#endif
