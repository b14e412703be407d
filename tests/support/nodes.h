/* nodes.h: real cores on real databases, wired by hand, for tests.
 *
 * Nothing happens by itself. A test feeds a node an event; the actions of the
 * turn are kept in its log, messages wait on a wire, blob actions are carried
 * out on bytes in memory and their answers wait too. nodes_run() carries what
 * waits until nothing does; a hook may look at each message, change or lose it.
 * A node may also face a script: what it sends to a link nobody is wired to
 * stays in the log, and nodes_ask() and nodes_answer() speak to it.
 *
 * Every failure aborts by assertion. */
#ifndef NODES_H
#define NODES_H

#include <sqlite3.h>

#include "arena.h"
#include "guantong.pb-c.h"
#include "node.h"
#include "seal.h"

enum { NODES_MAX = 4, NODES_LOG = 4096, NODES_FILES = 80 };

/* An action as it was, with copies of all it pointed to. A message's head is
 * decoded into one of request and reply. */
struct done {
	struct gt_action a;
	Gt__Request *request;
	Gt__Reply *reply;
};

struct blob {
	struct gt_id id;
	uint8_t *p;
	size_t n;
};

struct message {
	unsigned to;
	uint32_t peer;
	uint64_t token;
	bool reply; /* travels to the child */
	uint8_t *head, *payload;
	size_t nhead, npayload;
};

struct one {
	struct gt_node *node;
	sqlite3 *db; /* the node's own connection, for looking */
	char code[GT_CODE_MAX + 1], parent[GT_CODE_MAX + 1];
	struct gt_node_config config;
	struct gt_key key;
	struct done log[NODES_LOG];
	size_t nlog;
	struct blob files[NODES_FILES];
	struct {
		char name[32];
		struct blob file;
	} staged[NODES_FILES];
	bool full;          /* the disk takes no more bytes */
	size_t disk;        /* bytes that files have room in; 0: plenty */
	uint64_t on_demand; /* set before nodes_open: storage.on_demand */
	uint64_t entries, feed_rows; /* set before nodes_open, node.h */
	bool late;  /* the disk is full, but only says so when it is to sync;
	               what it was given is gone then, all of it */
	bool held;  /* blob answers wait until it is cleared */
	int failed; /* what the last turn failed with */
	uint32_t protocol;    /* protocol_max when it is opened next */
	uint64_t hourly;      /* ... what one may hand in per hour */
	uint64_t waiting;     /* ... what of his may wait for the parent */
	uint64_t attachments; /* ... what of attachments, per hour */
	/* ... rules for certificates */
	const struct gt_award_rule *awards;
	size_t nawards;
	const char *terminal; /* whose nodes_statements are; NULL: nobody's */
	bool restored;        /* ... and that its database is a backup */
	/* ... and under which records lose their names */
	struct gt_pseudonym_source names;
	uint8_t lives;   /* times it was opened */
	uint8_t entropy; /* what START brings; 0: what nobody else has */
};

struct wire {
	unsigned child, parent;
	uint32_t near, far; /* link ids at the child and at the parent */
	bool up;
};

struct answer {
	unsigned node;
	struct gt_event e;
	char why[300];
};

struct nodes {
	struct one v[NODES_MAX];
	struct wire wires[16];
	size_t nwires;
	struct message *queue;
	size_t nqueue, capqueue;
	struct answer *answers;
	size_t nanswers, capanswers;
	struct gt_now now;
	uint32_t links;
	uint64_t tokens;
	Gt__ProveReply proved; /* what the parent of nodes_parent says */
	struct gt_key roster;
	struct gt_arena *arena; /* what the log points to */
	bool alike;   /* what is published by one name is the same each time */
	char dir[40]; /* of the databases, "": they are in memory */
	/* False: the message is lost. */
	bool (*hook)(struct nodes *t, struct message *m);
	int hooked; /* for the hook's own use */
	/* what links opened from now on say of certificates */
	int64_t theirs_until_ms, ours_until_ms;
	uint64_t above_ms; /* nodes opened from now on may dial above */
	bool roster_only;  /* ... and links lead there */
	/* ... and node 0, as its rows from now on say, signs dates with this */
	const struct gt_key *date_key;
	uint64_t date_warn_ms, date_limit_ms; /* ... with these limits */
	/* Is shown each event before its turn. */
	void (*trial)(struct nodes *t, unsigned i, const struct gt_event *e);
};

/* None of them open yet; nodes_free closes those that are. */
struct nodes *nodes_new(void);
void nodes_free(struct nodes *t);
/* Node i on a database in memory, or at path; started. Once closed by
 * gt_node_close it may be opened again. */
void nodes_open(struct nodes *t, unsigned i, const char *code,
                const char *parent, const char *path);
/* 33, 3301 and 330106 as nodes 0 to 2, each the parent of the next, enrolled
 * and not wired: set-up of a cmocka test, with what ends it. */
int nodes_two(void **state); /* the first two */
int nodes_three(void **state);
int nodes_two_on_disk(void **state);
int nodes_three_on_disk(void **state);
int nodes_gone(void **state);
/* Puts member rows for all open nodes into every open node. */
void nodes_enrol(struct nodes *t);
/* An encoded Signed roster row; standing: GT__STANDING__... */
struct gt_bytes nodes_member(struct nodes *t, const char *code,
                             const uint8_t key[32], uint64_t version,
                             int standing);
/* Gives node i such a row. */
void nodes_members(struct nodes *t, unsigned i, struct gt_bytes sealed);

/* Lives: for nodes that were opened at nodes_path, in t->dir, which
 * nodes_dir_new makes and nodes_gone removes. Stopping cuts the node's links;
 * what is started again is what it was, by its database. */
void nodes_dir_new(struct nodes *t);
const char *nodes_path(const struct nodes *t, unsigned i);
void nodes_stop(struct nodes *t, unsigned i);
void nodes_restart(struct nodes *t, unsigned i);
/* What node i has on its disk now is kept as number `as`: what another node may
 * be opened on, or this one put back to, started anew; then it is used up. */
void nodes_snapshot(struct nodes *t, unsigned i, unsigned as);
void nodes_restore(struct nodes *t, unsigned i, unsigned from);

/* One event, one turn. Returns what the turn returned. */
int nodes_event(struct nodes *t, unsigned i, const struct gt_event *e);
/* A link between two nodes. cert: the certificate says who is who. Returns the
 * wire's number. */
unsigned nodes_wire(struct nodes *t, unsigned child, unsigned parent,
                    bool cert);
/* Both ends are told that it is down. */
void nodes_cut(struct nodes *t, unsigned wire);
/* A link to nobody; cert is the code in the certificate, "" for none. */
uint32_t nodes_link(struct nodes *t, unsigned i, bool parent, const char *cert);
/* Carries messages and blob answers until there are none. */
void nodes_run(struct nodes *t);
/* The nth of the blob answers that wait is heard, be it held or not. */
void nodes_hear(struct nodes *t, size_t nth);
/* Moves the clock, tells every node whose deadline has passed, and runs. */
void nodes_pass(struct nodes *t, uint64_t ms);
/* A minute in a chain of nodes 0 to last: links that were cut are dialled
 * again. */
void nodes_minute(struct nodes *t, unsigned last);

/* Speaks to node i on a link to nobody. */
void nodes_ask(struct nodes *t, unsigned i, uint32_t peer, uint64_t token,
               const Gt__Request *r);
void nodes_answer(struct nodes *t, unsigned i, uint32_t peer, uint64_t token,
                  const Gt__Reply *r, struct gt_bytes payload);
/* Hello and Prove by a script: as child `code` with that key, and as node i's
 * parent. The link is READY afterwards. The parent returns the token of the
 * Changes it was asked. */
uint32_t nodes_child(struct nodes *t, unsigned i, const char *code,
                     const struct gt_key *key);
uint32_t nodes_parent(struct nodes *t, unsigned i, const struct gt_key *key,
                      const uint8_t epoch[16], uint64_t *changes);

/* For hooks: the message is this reply instead. */
void nodes_replace(struct message *m, const Gt__Reply *r);
/* For hooks: takes the date out of a reply of changes. False: it has none. */
bool nodes_undate(struct message *m);
/* The log of node i: the nth from the end (0: the last) of a type, NULL: there
 * is none. nodes_clear forgets what is there. */
const struct done *nodes_last(struct nodes *t, unsigned i,
                              enum gt_action_type type, size_t nth);
size_t nodes_count(struct nodes *t, unsigned i, enum gt_action_type type);
/* The last reply or request of that kind; NULL: none. */
const struct done *nodes_replied(struct nodes *t, unsigned i,
                                 Gt__Reply__BodyCase what);
const struct done *nodes_asked(struct nodes *t, unsigned i,
                               Gt__Request__BodyCase what);
size_t nodes_asked_count(struct nodes *t, unsigned i,
                         Gt__Request__BodyCase what);
/* How many records a batch on its way holds, as it came or in a sheaf. */
size_t nodes_rows(const Gt__Records *said);
void nodes_clear(struct nodes *t, unsigned i);
/* Node i dropped a link, last with this reason. */
bool nodes_dropped(struct nodes *t, unsigned i, const char *why);
/* What node i says of itself, until the next one is asked. */
const struct gt_node_status *nodes_status(struct nodes *t, unsigned i);

/* First column of the first row; 0 or "" if there is none. Printf formats. */
int64_t nodes_int(struct nodes *t, unsigned i, const char *sql, ...)
        __attribute__((format(printf, 3, 4)));
const char *nodes_text(struct nodes *t, unsigned i, const char *sql, ...)
        __attribute__((format(printf, 3, 4)));

/* Publishes at node i; id's slug is given. manifest and file may be empty.
 * Returns the reply's status. */
int nodes_publish(struct nodes *t, unsigned i, const char *slug,
                  const char *type, struct gt_bytes manifest,
                  struct gt_bytes file);
/* The same in two: what is between happens while the file is adopted, if the
 * node's answers are held. */
uint64_t nodes_publish_begin(struct nodes *t, unsigned i, const char *slug,
                             const char *type, struct gt_bytes manifest,
                             struct gt_bytes file);
int nodes_publish_end(struct nodes *t, unsigned i, uint64_t token);
/* The other commands; each returns the reply's status. */
int nodes_withdraw(struct nodes *t, unsigned i, const char *slug);
int nodes_want(struct nodes *t, unsigned i, const char *id);
/* A layer of node i: each rule denies or whatever a type; ends with NULL.
 * Rules are pairs (type, verdict name). */
int nodes_layer(struct nodes *t, unsigned i, const char *const *rules);
/* A statement of id n, in the arena; form differs with `form`. */
struct gt_statement nodes_statement(struct nodes *t, uint32_t n, unsigned form);
/* Statements with ids n, n+1, ...; form differs with `form`. */
int nodes_statements(struct nodes *t, unsigned i, uint32_t n, size_t count,
                     unsigned form);
/* That object's file at node i; NULL: none. */
struct blob *nodes_file(struct nodes *t, unsigned i, const struct gt_id *id);

#endif
