/* advice.h: how a node's daemon is started here, for sentences that say so.
 *
 * Whoever starts it as the wrong user leaves files behind that the right one
 * cannot open, so no sentence says just `guantongd -C DIR`.
 * Tests: u_advice.c. */
#ifndef GT_ADVICE_H
#define GT_ADVICE_H

#include "base.h"

enum { GT_ADVICE_MAX = 640, GT_ADVICE_USER = 80 };

/* What the advice depends on. */
struct gt_advice {
	const char *dir;        /* of the node, without links in it */
	bool systemd;           /* it runs this machine */
	unsigned me;            /* user id of who asks */
	unsigned owner;         /* of the directory */
	const char *owner_name; /* "": nobody knows */
};

/* The command: `systemctl` for a directory of the unit's (deploy/), else the
 * daemon itself, by sudo where the directory is another user's. */
void gt_advice_of(char out[GT_ADVICE_MAX], const struct gt_advice *facts);
/* The same of a directory as it is, by whoever asks. */
void gt_advice_start(char out[GT_ADVICE_MAX], const char *dir);
/* Root must not run a node whose directory, or one of these in it, is another
 * user's: the first such, by name; NULL: there is none, or this is not root.
 * The process is in the node's directory. */
const char *gt_advice_foreign(void);
/* What `sudo -u` takes for whoever owns a file: a name or '#number'; root where
 * the file cannot be seen. */
void gt_advice_user(char out[GT_ADVICE_USER], const char *path);
/* The name of the user who owns a file, or his number; "" without one. */
void gt_advice_owner(char *out, size_t cap, const char *path);

#endif
