/* node.h: the whole node as one deterministic state machine.
 *
 * No clock, socket, file or thread is touched in here. Time and everything
 * that happens arrive as events; everything to be done leaves as actions.
 *
 * Events are taken in turns. A turn is one store transaction: every event in
 * it is decided, the transaction commits once, and only then are the actions
 * handed out (durable before audible). Any action may be lost in a crash:
 * GT_EV_START produces it again.
 *
 * Bulk bytes never enter the core. A message's payload travels beside it as a
 * gt_bulk the core can only pass on, to be placed in an object's file by
 * whoever performs the action.
 *
 * Lending: an event and all it points to live for the call. An action and all
 * it points to live until the next turn. A gt_bulk named by an action is the
 * performer's to keep alive. */
#ifndef GT_NODE_H
#define GT_NODE_H

#include "base.h"
#include "document.h"
#include "pseudonym.h"
#include "sha2.h"
#include "statement.h"

struct sqlite3;
struct gt_node;
struct gt_bulk; /* opaque: the daemon's or the simulator's */

/* ------------------------------------------------------- what it is */

struct gt_node_config {
	const char *code;   /* own division code */
	const char *parent; /* parent's code; "" at the root */
	const char *software;
	uint8_t seed[32]; /* Ed25519 secret of this node */
	/* Ed25519 public key the roster is signed with */
	uint8_t roster_key[32];
	uint32_t window_min; /* bytes outstanding to the parent, adaptive */
	uint32_t window_max;
	uint32_t heartbeat_ms; /* a parked Changes is answered at the latest
	                          then */
	uint32_t dead_ms;      /* silence after which a link is dropped */
	uint32_t transfers;    /* objects filled at once */
	uint64_t on_demand;    /* bytes of what is here because somebody asked;
	                          0: as much as there is room for */
	uint32_t max_links;    /* neighbours at once; what a node's memory is
	                          sized by. 0 or more: GT_PEERS_MAX */
	uint32_t log_pages;    /* of the database's log, before it is moved
	                          into it; 0 or more than 4,096: so many */
	uint64_t above_ms; /* how often a node above the parent is asked for the
	                      roster though the parent is there; 0: none can
	                      be dialled, it never is */
	/* The secret that signs dates of the tree, if has_date_seed. */
	uint8_t date_seed[32];
	bool has_date_seed;
	bool restored; /* the database is a backup, or new in place of a lost
	                  one: what neighbours remember of this node may be
	                  newer than what it remembers itself */
	uint16_t reckon_span;  /* records that are added up at a time
	                          (records/reckon.h); 0: 2,048 */
	uint32_t protocol_max; /* newest version to speak, protocol.h; 0 or more
	                          than there is: the newest there is */
	/* How old the newest of them may be before it is warned of, before new
	 * entries are refused; 0: as old as it likes. */
	uint64_t date_warn_ms, date_limit_ms;
	/* Bytes of records that one terminal, one child may hand in per hour;
	 * 0: as many as they like. */
	uint64_t terminal_hour, child_hour;
	/* Bytes of records of one terminal, one child that may wait here for
	 * the parent; 0: as many as they like. */
	uint64_t terminal_waiting, child_waiting;
	/* Bytes of attachments that one terminal may hand in per hour; 0: as
	 * many as it likes. */
	uint64_t attachments_hour;
	/* Entries of the catalogue, with the names of those that went, beyond
	 * which the parent's are not taken; audit rows of one neighbour's feed
	 * in an hour. 0: GT_ENTRIES_MAX, GT_FEED_ROWS_HOUR. */
	uint64_t entries, feed_rows;
	/* Under what records lose their names; lent for the node's life. NULL,
	 * or no keys: what is demanded to lose them waits. */
	const struct gt_pseudonym_source *pseudonyms;
	/* Who has a certificate without anybody's doing (xapi/award.h); lent for
	 * the node's life. */
	const struct gt_award_rule *awards;
	size_t nawards;
};
/* code, parent and software are copied; numbers 0 take the default. */

/* ----------------------------------------------------------- events */

enum gt_event_type {
	GT_EV_START,     /* first event of every run */
	GT_EV_TIME,      /* gt_node_deadline() has passed */
	GT_EV_PEER_UP,   /* a link opened; nothing has been said on it */
	GT_EV_PEER_DOWN, /* that link is gone; its id is never used again */
	GT_EV_MSG,       /* one whole message from a neighbour */
	/* answers to blob actions: object, frame and status tell which */
	GT_EV_PLACED, /* bytes of a frame are verified and in the file, not
	                  yet durable; or -GT_EDAMAGED, -GT_ENOSPACE, -GT_ENOMEM;
	                  -GT_EIO: the object's own file cannot be used */
	GT_EV_SYNCED, /* everything placed before the SYNC is durable; or
	                  -GT_ENOSPACE: nothing placed since the SYNC before it
	                  may be believed, nor what is being placed; or
	                  -GT_EUNKNOWN: the file went, and all that was in it;
	                  or -GT_ENOMEM: nothing was asked of the disk.
	                  Any other status ends the node */
	/* the whole object is what its manifest says, or why not */
	GT_EV_CHECKED,
	/* a staged file is the object, durable; or why not. -GT_ESTORE,
	 * its name could not be synced, ends the node */
	GT_EV_ADOPTED,
	GT_EV_FAULT, /* a frame asked for by SERVE could not be read or, when
	                  checked, was damaged: -GT_EDAMAGED, -GT_EIO, its bytes
	                  are gone; -GT_EUNKNOWN, the whole file is, or is not
	                  this node's; -GT_ENOMEM, nothing is known of them.
	                  frame UINT32_MAX: a reader could make nothing of the
	                  object's manifest */
	GT_EV_LOST,  /* files of objects are gone, or not what they were: body
	                is the ids, one behind the other; detail: what is wrong
	                with them, some of it in the audit row of each */
	GT_EV_ROOM,  /* count: bytes that records may take of the disk from now
	                on; SIZE_MAX: there is plenty */
	/* commands from people and terminals; each is answered by one REPLY */
	GT_EV_PUBLISH,
	GT_EV_WITHDRAW,
	GT_EV_LAYER,
	GT_EV_MEMBERS,
	GT_EV_STATEMENTS,
	GT_EV_WANT,     /* fetch an on-demand resource now */
	GT_EV_DOCUMENT, /* put, merge or delete a document */
	/* documents are about to be read, by the key of an edit; the answer, 0
	 * always, comes when what is above of them is here, if it can be had */
	GT_EV_DOCUMENT_SEEK,
	/* somebody has looked at a document that lost: it is given up; with a
	 * count it is put anew first, and counts */
	GT_EV_DOCUMENT_LOST,
	GT_EV_QUARANTINE_DROP, /* somebody has looked at it and done with it */
	/* that statement, body is its id, tells of something completed: text,
	 * to be printed, did; detail: what this node is called */
	GT_EV_CERTIFY,
	GT_EV_REVOKE, /* the certificate whose id is text; detail: why */
	/* what a person wants gone: body is GT_ERASE_ITEM bytes of each, which
	 * enum gt_person_part it is in (person.h), its number there, 8 bytes,
	 * the highest first, and a statement's id; detail: why */
	GT_EV_ERASE,
	/* the bytes of the attachment whose sha2 is the body are gone, or
	 * altered: status */
	GT_EV_ATTACHMENT_LOST,
	/* which of two nodes of the code `text` is right: the one that is linked
	 * (number 0), or the one that is held off (1) */
	GT_EV_KEEP,
	/* the daemon has something for the audit log; count, number: of the
	 * database's pages so many were put right, or cannot be */
	GT_EV_NOTE,
};

enum { GT_ERASE_ITEM = 1 + 8 + GT_UUID_BYTES, GT_ERASE_MAX = 500 };

/* A resource to publish. entry is an encoded Entry whose id and descriptive
 * fields are set; the node sets version, publisher, state, dates, sizes, object
 * and origin level. */
struct gt_draft {
	struct gt_bytes entry;
	struct gt_bytes manifest; /* n == 0: no content */
	const char *staged;       /* name of the staged object file, "": none */
};

/* The bytes of an attachment, handed in with statements: a file of the daemon's
 * that is durable already, and stays if the statements are taken. */
struct gt_brought {
	struct gt_sha2 sha2;
	uint64_t size;
};

struct gt_event {
	enum gt_event_type type;
	uint32_t peer;  /* link the event belongs to, 0: none */
	uint32_t frame; /* PLACED, FAULT */
	uint64_t token; /* MSG: request id; commands: whom to answer */
	int status;     /* 0 or -GT_E... of a finished action */
	struct gt_id object;
	/* START: 64 random bytes. PEER_UP: 32 random bytes. MSG: head. LAYER:
	 * encoded Layer draft. PLACED, SYNCED, CHECKED, ADOPTED:
	 * why */
	struct gt_bytes body;
	struct gt_bytes payload; /* MSG: raw bytes behind the head */
	struct gt_bulk *bulk;    /* MSG: the same bytes, to be passed on */
	struct gt_transfer_id transfer; /* FAULT: as in the SERVE */
	/* PEER_UP: code in the certificate, "" if insecure; WITHDRAW, WANT:
	 * resource id; NOTE: what */
	const char *text;
	/* WITHDRAW: reason. NOTE: detail. PEER_UP: address. STATEMENTS,
	 * DOCUMENT: the terminal, whose share it is; NULL: an operator's, nobody's */
	const char *detail;
	/* PEER_UP: the code above it in the certificate; "", NULL: none */
	const char *above;
	/* PEER_UP: wall time until when the peer's certificate, and what it
	 * leads to, and our own are good; 0: there is none */
	int64_t theirs_until_ms, ours_until_ms;
	const char *actor; /* commands: who asked, for the audit row */
	bool parent;       /* PEER_UP: we dialled it */
	/* PEER_UP, with parent: for DIAL_ABOVE, and for the roster alone */
	bool roster_only;
	/* PUBLISH; more than one: none has content */
	const struct gt_draft *drafts;
	/* PUBLISH: nothing is taken, the answer is what it would be, but for
	 * the content, which none has yet */
	bool dry;
	const struct gt_bytes *members; /* MEMBERS: encoded Signed */
	const struct gt_statement *statements;
	const struct gt_document_edit *document; /* DOCUMENT; SEEK: its key */
	/* STATEMENTS: what came with them; each is named by one of them */
	const struct gt_brought *brought;
	size_t nbrought;
	int64_t number; /* QUARANTINE_DROP, DOCUMENT_LOST: the row's */
	size_t count;   /* of drafts, members or statements */
};

/* ---------------------------------------------------------- actions */

enum gt_action_type {
	/* head, then payload, to peer as message `token` */
	GT_ACT_SEND,
	/* head, then bytes [offset, offset+n) of object, to peer; with check,
	 * verify against id first. On failure send nothing and answer FAULT */
	GT_ACT_SERVE,
	/* close the link to peer; text says why. status 0: once it has what
	 * was sent; -GT_ECLOSED: now, it is silent */
	GT_ACT_DROP,
	/* verify bulk's payload against id (n bytes), put it at offset of
	 * object (total bytes in all): PLACED */
	GT_ACT_PLACE,
	/* as PLACE, from [from_offset, +n) of object `from` */
	GT_ACT_COPY,
	/* put payload (the seek table) at offset of object: PLACED with frame
	 * UINT32_MAX */
	GT_ACT_TAIL,
	/* make object durable, name included: SYNCED */
	GT_ACT_SYNC,
	/* gt_object_check against payload, the manifest: CHECKED */
	GT_ACT_CHECK,
	/* gt_object_check(all) staged file `text` against payload, fsync,
	 * rename to object, sync folder: ADOPTED */
	GT_ACT_ADOPT,
	/* object is no longer needed; unlink its file */
	GT_ACT_REMOVE,
	/* answer the caller who holds token: status, text (JSON when status is
	 * 0, else a sentence) */
	GT_ACT_REPLY,
	/* one line for the operator: status is a level */
	GT_ACT_LOG,
	/* dial a node above the parent before the parent is dialled again:
	 * PEER_UP with roster_only. Nobody need be reached */
	GT_ACT_DIAL_ABOVE,
};

enum gt_log_level { GT_LOG_ERROR, GT_LOG_WARN, GT_LOG_INFO, GT_LOG_DEBUG };

struct gt_action {
	enum gt_action_type type;
	uint32_t peer;
	uint32_t frame;
	uint64_t token;
	int status;
	/* REPLY of a status that says so: not to be asked again before */
	uint64_t retry_ms;
	bool check;
	bool reply; /* SEND: answers the peer's request; else it is our own */
	struct gt_id object;
	struct gt_id id;                /* SHA-256 the bytes must have */
	struct gt_id from;              /* COPY */
	struct gt_transfer_id transfer; /* SERVE: counted under this */
	uint64_t offset;
	uint64_t from_offset;
	uint64_t total;
	size_t n;
	struct gt_bytes head;
	struct gt_bytes payload;
	struct gt_bulk *bulk;
	const char *text;
};

struct gt_actions {
	const struct gt_action *v;
	size_t n;
};

/* -------------------------------------------------------- functions */

/* Opens the node on a database the caller opened read-write on any VFS; the
 * node owns db from here, also on failure. why: a sentence on failure. */
int gt_node_open(struct gt_node **out, const struct gt_node_config *config,
                 struct sqlite3 *db, char *why, size_t why_cap);
/* The files of the database went, or are others: closing it will leave alone
 * what is there. */
void gt_node_leave(struct gt_node *node);
/* Closes the database. Nothing is lost by not calling it. */
void gt_node_close(struct gt_node *node);

/* Takes events in order, all of them or fewer (*taken), commits once, hands out
 * actions. 0, or a negative GT_E... after which this node must be closed:
 * nothing was committed and no action may be performed. A neighbour's bad
 * message is no error of the node; it comes out as GT_ACT_DROP. */
int gt_node_turn(struct gt_node *n, struct gt_now now,
                 const struct gt_event *events, size_t count, size_t *taken,
                 struct gt_actions *actions);

/* When GT_EV_TIME is due next, in mono_ms; UINT64_MAX: never. */
uint64_t gt_node_deadline(const struct gt_node *node);

/* What went wrong in the last failed turn, for people. */
const char *gt_node_why(const struct gt_node *node);

/* What readers may be told of the time (records/era.h). As of the last turn. */
struct gt_node_clock {
	int64_t era;       /* the clock era records are stored in */
	int64_t stored_ms; /* the last of them; what comes is stored later. 0:
	                      none in this run */
};
/* Whoever tells readers that all stored in `era` up to some moment can be seen
 * hands the latest such moment to the next turn (gt_now.told_ms): what is
 * stored then is later, or of another era. */
void gt_node_clock(const struct gt_node *node, struct gt_node_clock *out);

/* The newest date of the tree known here: the roster names nobody who signs
 * one; it is as new as it should be; older; so old that no new entry is
 * taken. */
enum gt_date_state { GT_DATE_OFF, GT_DATE_GOOD, GT_DATE_OLD, GT_DATE_TOO_OLD };

/* Soft state, for status pages and tests. Counters run since START. */
struct gt_transfer_status {
	struct gt_id object;
	char resource[GT_RID_MAX + 1];
	uint32_t frames, present;
	uint64_t bytes, total;
};
struct gt_child_status {
	char code[GT_CODE_MAX + 1];
	bool up;
	uint64_t lag; /* changes scanned but not yet acknowledged */
	uint64_t frames_sent, bytes_sent;
};
struct gt_node_status {
	bool parent_up; /* Hello and Prove are done */
	bool synced;    /* the parent had nothing more for us */
	/* the roster revokes this node; the node that parent.code names */
	bool revoked, parent_revoked;
	enum gt_date_state date;
	int64_t date_ms;  /* of that date, 0: none is known */
	bool date_missed; /* new entries were refused, and wait there */
	bool bulk_paused;
	int bulk_paused_by; /* -GT_ENOSPACE, -GT_ENOMEM; 0: it is not */
	bool records_short; /* the disk has no room for more records */
	/* somebody's are put off until more of his are at the parent */
	bool records_crowded;
	bool entries_missed; /* the parent's are not all here: there are as many
	                        as may be */
	/* wall time of the last word from it, 0: never */
	int64_t parent_seen_ms;
	/* while it is up, until when its certificate is good; 0: there is
	 * none */
	int64_t parent_until_ms;
	/* what is counted: a field for each row of the table */
#define COUNTER(name, kind, help) uint64_t name;
#include "counters.def"
#undef COUNTER
	/* the last of the strangers */
	int64_t stranger_ms; /* wall time, 0: never */
	char stranger[GT_CODE_MAX + 1];
	uint64_t generation; /* grows whenever anything a reader sees changes */
	uint32_t ntransfers;
	struct gt_transfer_status transfers[GT_TRANSFERS_MAX];
	uint32_t nchildren;
	struct gt_child_status children[GT_PEERS_MAX];
};
/* As of the last turn. */
void gt_node_status(const struct gt_node *node, struct gt_node_status *out);

#endif
