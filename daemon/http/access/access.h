/* access.h: who may hand in records over the network, and who may read them.
 *
 * The room daemon/http/access/ keeps a node's credentials in a file of its own
 * in the node's directory (0600), not in the database: init makes the first one
 * before there is a database, they belong to this machine's doors and not to
 * what the core decides, and a copy of the database handed to somebody tells
 * nothing of them. It may use sys/ and words/, runs nothing, and is a room
 * below HTTP so that the command line can make a file too. It promises that a
 * change is durable before it counts, counts at once, and that neither file nor
 * memory holds a secret that could be used again.
 *
 *   access      the store: changed, asked, one at a time
 *   credentials those there are, and their file
 *   secret      one secret: made, hashed, compared
 *   attached    is an address on this machine or on a network it is attached to
 *
 * Two kinds of secret. What the node makes (125 bits) is hashed with a salt by
 * SHA-256: nobody can try so many, and it is checked at every request. What
 * people think of is hashed by scrypt (16 MiB, some 50 ms), one at a time and
 * not many a second; who proved it is remembered until it changes, so that a
 * terminal pays once.
 *
 * "anonymous" is a row like others: while it is there, terminals on this
 * machine and on attached networks may hand in records without a name.
 *
 * What was handed in under a name is the name's, whoever has it. So a name that
 * was removed stays known, and is given away once more only if somebody says
 * that it is for the same holder; and no two names look the same (fold.h), for
 * people go by what they see. */
#ifndef GT_ACCESS_H
#define GT_ACCESS_H

#include <jansson.h>

#include "base.h"

enum {
	GT_CREDENTIALS_MAX = 1024,
	GT_CREDENTIAL_NAMES = 2560,   /* those that were removed with them */
	GT_CREDENTIAL_NAME = 64,      /* bytes, the end with them */
	GT_CREDENTIAL_PASSWORD = 128, /* the same */
	GT_CREDENTIAL_SECRET = 30,    /* of one that is made, the same */
	GT_CREDENTIAL_LEAST = 8,      /* characters people must think of */
};
#define GT_ACCESS_ANONYMOUS "anonymous"

enum gt_role {
	GT_ROLE_TERMINAL, /* hands in records, reads its own */
	GT_ROLE_READER,   /* reads everybody's */
	GT_ROLES,
};
/* "terminal", "reader". This and the next two are in credentials.c. */
const char *gt_role_name(enum gt_role role);
/* False: no role has that name. */
bool gt_role_parse(enum gt_role *role, const char *name);

/* A name people may choose: 1 to 63 bytes of UTF-8, no colon (HTTP Basic splits
 * there), no control character, no space at its ends, not one that the node
 * gives itself ("anonymous", "terminal"). */
bool gt_access_name_valid(const char *name);

struct gt_access;

/* Reads the store at path; with no file there it has one row, anonymous, unless
 * the file mark (NULL: none) says that there once was one: then none at all,
 * for what was closed must not open because a file is lost. The mark has the names
 * that were given, so that they stay known as such (one of an earlier program has
 * none, and they are forgotten). Any
 * thread may call what follows, unless it says otherwise. 0; -GT_EINVALID,
 * -GT_EIO, -GT_ENOMEM, with why, a sentence that names the file. */
int gt_access_open(struct gt_access **out, const char *path, const char *mark,
                   char *why, size_t why_cap);
void gt_access_free(struct gt_access *a); /* NULL is fine */
/* Takes up what somebody put in the file's place: at once if asked; else, called
 * now and then, once it has come to rest. A file that went leaves nobody who
 * may do anything; what cannot be read leaves all as it was. 1: others may do
 * things now; 0: nothing is new; -GT_EINVALID, -GT_EIO, -GT_ENOMEM with why. */
int gt_access_look(struct gt_access *a, bool asked, char *why, size_t why_cap);
/* There is no file yet: nobody has changed anything. */
bool gt_access_fresh(struct gt_access *a);
/* Where there is a file, makes the mark that says so, with its names; a change of
 * the store does too. Without room for it, or right, a file that goes before there is one is
 * not missed. */
void gt_access_mark(const struct gt_access *a);
/* There is no file any more: nobody may do anything until there is. */
bool gt_access_lost(struct gt_access *a);

/* What http.terminals of an earlier program held. */
struct gt_access_old {
	const char *name, *password;
};
/* Takes those over as terminals that thought of their passwords, and the row of
 * who has no name away, since they all had one. Costs a moment each. Names that
 * are not valid are left out, *left counts them. 0, -GT_EIO, -GT_ENOMEM with
 * why. */
int gt_access_take_over(struct gt_access *a, const struct gt_access_old *v,
                        size_t n, size_t *left, char *why, size_t why_cap);

/* A credential somebody wants, and what there is to know of its name. */
struct gt_access_wanted {
	const char *name;
	enum gt_role role;
	const char *password; /* NULL: one is made */
	bool again;           /* the name was removed, and its holder is back */
	/* set by gt_access_add: */
	char other[GT_CREDENTIAL_NAME]; /* the name in the way, or "" */
	int64_t removed_ms; /* when that was removed, or, again, this; 0: never */
	int64_t created_ms;
	bool forgot; /* the file was lost, and what was removed is not known */
};

/* Adds a row to what is in the file at that moment, whoever wrote it; one that
 * cannot be read is not written over. secret is what to tell whoever is to use it, "" if it came in or
 * is for nobody. `anonymous` takes neither password, nor role, nor again. 0;
 * -GT_EINVALID (the name), -GT_ELIMIT (the password is too short or long),
 * -GT_ESTATE (there are too many), -GT_ECONFLICT (`other` is it or looks like
 * it), -GT_EUNKNOWN (`again`, and it was never removed), -GT_EIO, -GT_ENOMEM,
 * with why. */
int gt_access_add(struct gt_access *a, struct gt_access_wanted *wanted,
                  char secret[GT_CREDENTIAL_SECRET], char *why, size_t why_cap);
/* Removes a row, of what is in the file; its name stays known as one that was. 0, -GT_EUNKNOWN, -GT_EIO,
 * -GT_ENOMEM, with why. */
int gt_access_remove(struct gt_access *a, const char *name, char *why,
                     size_t why_cap);
/* What a row's secret is: "secret" if it was made here, "password" if a person
 * thought of it, "none" for `anonymous`. */
const char *gt_access_kind(const char *name, bool password);
/* [{"name","role","kind","created": time or null}], by name. NULL: out of
 * memory. */
json_t *gt_access_list(struct gt_access *a);
/* [{"name","removed": time}]: names that were, by name. NULL: out of memory. */
json_t *gt_access_removed(struct gt_access *a);
/* Whether there is the row of who has no name. */
bool gt_access_anonymous(struct gt_access *a);
/* How many rows have a role. */
size_t gt_access_count(struct gt_access *a, enum gt_role role);
/* Whether any has: somebody may send a secret. */
bool gt_access_any(struct gt_access *a);

/* Is that the secret of that name, at a monotonic time? 0 with its role; -GT_EIDENTITY, whichever of
 * the two is wrong; -GT_EBUSY: so many passwords were tried just now that this
 * one is not looked at; -GT_ENOMEM. */
int gt_access_prove(struct gt_access *a, const char *name, const char *secret,
                    uint64_t now_ms, enum gt_role *role);

#endif
