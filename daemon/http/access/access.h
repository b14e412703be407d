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
 *   scope       what each opens, quota: how much of it, usage: what it used
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
#include "quota.h"
#include "scope.h"

enum {
	GT_CREDENTIALS_MAX = 1024,
	GT_CREDENTIAL_NAMES = 2560,   /* those that were removed with them */
	GT_CREDENTIAL_NAME = 64,      /* bytes, the end with them */
	GT_CREDENTIAL_PASSWORD = 128, /* the same */
	GT_CREDENTIAL_SECRET = 30,    /* of one that is made, the same */
	GT_CREDENTIAL_LEAST = 8,      /* characters people must think of */
};
#define GT_CREDENTIAL_GRACE_MS ((int64_t)366 * 86400000) /* the longest */
#define GT_ACCESS_ANONYMOUS    "anonymous"

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
	unsigned scopes;      /* scope.h; 0: a terminal's */
	const char *password; /* NULL: one is made */
	bool again;           /* the name was removed, and its holder is back */
	int64_t expires_ms;   /* 0: never */
	struct gt_quota quota;
	/* set by gt_access_add: */
	char other[GT_CREDENTIAL_NAME]; /* the name in the way, or "" */
	int64_t removed_ms; /* when that was removed, or, again, this; 0: never */
	int64_t created_ms;
	bool forgot; /* the file was lost, and what was removed is not known */
};

/* Adds a row to what is in the file at that moment, whoever wrote it; one that
 * cannot be read is not written over. secret is what to tell whoever is to use it, "" if it came in or
 * is for nobody. `anonymous` takes a name alone. 0;
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
/* Gives a row another secret, as gt_access_add. The one it had counts for grace_ms
 * more, one that was rotated away before no more. 0; -GT_EUNKNOWN, -GT_ELIMIT,
 * -GT_EIO, -GT_ENOMEM, with why. */
int gt_access_rotate(struct gt_access *a, const char *name,
                     const char *password, int64_t grace_ms,
                     char secret[GT_CREDENTIAL_SECRET], char *why,
                     size_t why_cap);
/* What is to be changed of a row. */
struct gt_access_change {
	const char *name;
	unsigned scopes; /* 0: stays */
	bool expires, quota[GT_QUOTAS];
	int64_t expires_ms; /* if expires; 0: never */
	struct gt_quota most;
};
/* Changes it; its secret counts on. 0; -GT_EUNKNOWN, -GT_EIO, -GT_ENOMEM, with
 * why. */
int gt_access_change(struct gt_access *a, const struct gt_access_change *change,
                     char *why, size_t why_cap);
/* What a row's secret is: "secret" if it was made here, "password" if a person
 * thought of it, "none" for `anonymous`. */
const char *gt_access_kind(const char *name, bool password);
/* [{"name","role","kind","created","expires","used","scopes":[...],"quota":{},
 * "using":{},"before"}], by name; times, or null: of `before`, until when the
 * secret that was rotated away counts. `name` (NULL: all): that one's alone.
 * NULL: out of memory. */
json_t *gt_access_list(struct gt_access *a, const char *name);
/* [{"name","removed": time}]: names that were, by name. NULL: out of memory. */
json_t *gt_access_removed(struct gt_access *a);
/* Whether there is the row of who has no name. */
bool gt_access_anonymous(struct gt_access *a);
/* How many rows have one of the scopes; 0: how many there are. */
size_t gt_access_count(struct gt_access *a, unsigned scopes);
/* Whether there is any: somebody may send a secret. */
bool gt_access_any(struct gt_access *a);

/* Who proved who he is. */
struct gt_access_caller {
	char name[GT_CREDENTIAL_NAME];
	unsigned scopes;
};
/* Is that the secret of that name, at that moment? 0, with who it is;
 * -GT_EIDENTITY, whichever of the two is wrong; -GT_ESTATE: it is, but the
 * credential has expired, or that secret was rotated away and its grace is over;
 * -GT_EBUSY: so many passwords were tried just now that this one is not looked
 * at; -GT_ENOMEM. */
int gt_access_prove(struct gt_access *a, const char *name, const char *secret,
                    struct gt_now now, struct gt_access_caller *who);
/* The same of a secret alone, which has to be one that was made here. */
int gt_access_bearer(struct gt_access *a, const char *secret, struct gt_now now,
                     struct gt_access_caller *who);
/* Takes n of a kind from the quota of whoever proved that name; notes that he was
 * there. As gt_quota_take; one who is gone has none. */
int gt_access_spend(struct gt_access *a, const char *name,
                    enum gt_quota_kind kind, uint64_t n, struct gt_now now,
                    int64_t *wait_ms);

/* From now on the file at path tells of uses and quotas (usage.h): it is read, and
 * written by gt_access_keep, at most once in GT_ACCESS_KEEP_MS unless it is the
 * last time, and only if there is something new. One that cannot be written is
 * tried again. */
enum { GT_ACCESS_KEEP_MS = 60000 };
bool gt_access_usage(struct gt_access *a, const char *path);
void gt_access_keep(struct gt_access *a, bool last);

#endif
