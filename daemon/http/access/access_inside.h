/* access_inside.h: what the files of access share: the store. */
#ifndef GT_ACCESS_INSIDE_H
#define GT_ACCESS_INSIDE_H

#include <pthread.h>
#include <time.h>

#include "access.h"
#include "credentials.h"

enum {
	GT_ACCESS_TRIES = 5,         /* passwords looked at in a row */
	GT_ACCESS_TRY_EACH_MS = 500, /* ... one more after each such time */
};

/* The file as it was; zeros: there was none. */
struct gt_access_seen {
	uint64_t device, inode, size;
	struct timespec written, changed;
};

/*   1. rows.n <= GT_CREDENTIALS_MAX
 *   2. rows.n + rows.nformer <= GT_CREDENTIAL_NAMES, so that there is always
 *      room to remove one
 *   3. tries <= GT_ACCESS_TRIES */
struct gt_access {
	pthread_mutex_t lock; /* of all below */
	pthread_mutex_t slow; /* one scrypt at a time */
	char *path;
	char *mark; /* a file that says there once was one; NULL: none */
	char *used; /* usage.h; NULL: none */
	bool fresh, lost;
	bool recalled;              /* the mark has names, if it is there */
	struct gt_access_seen read; /* what rows are of */
	struct gt_access_seen last; /* what gt_access_look saw last */
	bool bad; /* what was read last cannot be: rows are older */
	struct gt_credentials rows;
	uint8_t key[32]; /* digests are this process's own */
	unsigned tries;
	uint64_t tried_ms;
	bool news;        /* of uses: not in their file yet */
	uint64_t kept_ms; /* when that was written */
};

/* -GT_ENOMEM, said in why. */
int gt_access_no_memory(char *why, size_t why_cap);
/* Reads the file once more if it is another one. 1: it was; 0; or why not. The
 * lock is held. */
int gt_access_refresh(struct gt_access *a, char *why, size_t why_cap);
/* Makes rows durable, then the ones that count; they are taken over in any case.
 * 0; -GT_EIO, -GT_ENOMEM, with why. The lock is held. */
int gt_access_commit(struct gt_access *a, struct gt_credentials *rows,
                     char *why, size_t why_cap);
/* Copies what was used from the rows that count to those of the same name. The
 * lock is held. */
void gt_access_carry(const struct gt_access *a, struct gt_credentials *rows);

#endif
