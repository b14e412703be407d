/* credentials.h: the credentials there are and the names there were, and the
 * file that holds both. It knows nothing of locks and of who may ask for what
 * (access.h).
 * A credential that an earlier program would open more with than it opens, or for
 * longer, stands in a list of its own there, which such a program passes over.
 * Tests: u_access.c. */
#ifndef GT_CREDENTIALS_H
#define GT_CREDENTIALS_H

#include "buffer.h"
#include "quota.h"
#include "scope.h"
#include "secret.h"

/* What was proved, or was not, so that it need not be asked of scrypt again;
 * in memory only. */
struct gt_remembered {
	bool is;
	struct gt_id digest;
};

/* A secret with what is remembered of it. */
struct gt_key {
	struct gt_secret secret;
	struct gt_remembered right, wrong;
};

struct gt_credential {
	char name[GT_CREDENTIAL_NAME];
	unsigned scopes; /* scope.h; never none */
	struct gt_key key;
	struct gt_key before;    /* the one that was rotated away */
	int64_t before_until_ms; /* ... counts until then; 0: there is none */
	int64_t created_ms;
	int64_t expires_ms; /* 0: never */
	struct gt_quota quota;
	/* kept in a file of their own (usage.h) */
	int64_t used_ms; /* last; 0: not yet */
	struct gt_quota_meter meter;
};

/* A name that was removed. */
struct gt_former {
	char name[GT_CREDENTIAL_NAME];
	int64_t removed_ms;
};

/* Both by name; none of the names that were is one that is. */
struct gt_credentials {
	struct gt_credential *v;
	size_t n;
	struct gt_former *former;
	size_t nformer;
	bool anonymous;
};

/* Empty, with room for so many. False: out of memory, nothing to free. */
bool gt_credentials_new(struct gt_credentials *out, size_t n, size_t nformer);
/* The same with room for one more of each. False: out of memory. */
bool gt_credentials_copy(struct gt_credentials *to,
                         const struct gt_credentials *from);
void gt_credentials_free(struct gt_credentials *c);

/* Where the name is, or would be. */
size_t gt_credentials_find(const struct gt_credentials *c, const char *name,
                           bool *there);
size_t gt_credentials_find_former(const struct gt_credentials *c,
                                  const char *name, bool *there);
/* One more, whose name is not there; if it was, it no longer is one that was.
 * There has to be room. */
void gt_credentials_add(struct gt_credentials *c,
                        const struct gt_credential *row);
/* The one at that place goes, and its name is one that was. There has to be
 * room. */
void gt_credentials_drop(struct gt_credentials *c, size_t at,
                         int64_t removed_ms);

/* A name that was, at its place, where it is not. There has to be room. */
void gt_credentials_put_former(struct gt_credentials *c, size_t at,
                               const struct gt_former *f);

/* Appends every name that is or was, a line each, below one that says so. False:
 * out of memory. */
bool gt_credentials_names(struct gt_buffer *out,
                          const struct gt_credentials *c);
/* Takes names of such a text that are not known as ones that were, until then;
 * *told: it is such a text. No more than there may be. False: out of memory. */
bool gt_credentials_recall(struct gt_credentials *c, const char *text,
                           int64_t removed_ms, bool *told);

/* [{"name", "removed"}...]; NULL: out of memory. */
json_t *gt_credentials_removed(const struct gt_credentials *c);
/* The quota as members, those that limit nothing left out. NULL: out of memory. */
json_t *gt_credentials_quota(const struct gt_quota *quota);
/* The quota of such members, all of which may be missing (NULL: so is the object).
 * False: it is none. */
bool gt_credentials_quota_read(struct gt_quota *out, const json_t *v);

/* In credentials_file.c: the text of a file, from malloc; NULL: out of memory. */
char *gt_credentials_text(const struct gt_credentials *c);
/* What such a text says. 0; -GT_EINVALID, -GT_ENOMEM, and nothing to free. */
int gt_credentials_parse(struct gt_credentials *out, struct gt_bytes text);
/* What the file says. 0; -GT_EUNKNOWN: there is none; or what is wrong with it,
 * and nothing to free. */
int gt_credentials_read(struct gt_credentials *out, const char *path, char *why,
                        size_t why_cap);
/* The file is these, durably, when it returns 0. */
int gt_credentials_write(const struct gt_credentials *c, const char *path,
                         char *why, size_t why_cap);

#endif
