/* secret.h: one secret: made, hashed, compared.
 * Tests: u_access.c. */
#ifndef GT_SECRET_H
#define GT_SECRET_H

#include "access.h"

enum { GT_SECRET_SALT = 16 };

/* A secret as it is kept. */
struct gt_secret {
	bool thought_of; /* by a person: scrypt; else made here: SHA-256 */
	uint8_t salt[GT_SECRET_SALT];
	struct gt_id hash;
};

/* A secret nobody can guess: five groups of five letters and digits, none of
 * which looks like another. */
void gt_secret_make(char out[GT_CREDENTIAL_SECRET]);
/* How it is to be kept, with a new salt. 0, -GT_ENOMEM. */
int gt_secret_keep(struct gt_secret *out, const char *secret, bool thought_of);
/* *same: it is that. Takes as long for one that is not. 0, -GT_ENOMEM. */
int gt_secret_try(bool *same, const struct gt_secret *kept, const char *secret);

#endif
