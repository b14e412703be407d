/* turn.h: what the files of the node share. Private to src/node*.c and the
 * rooms of the state machine:
 *
 *   node.c     events in, actions out, the turn          settle at its end
 *   act.c      sends, asks, drops, answers               for all the others
 *   dispatch.c which message goes to which file          both ends
 *   session.c  Hello and Prove, who a link is            both ends
 *   lineage.c  whether both remember the same past       both ends
 *   item.c     verified items into the feed              both ends
 *   contest.c  two bodies under one name                 both ends
 *   publish.c  what people here publish, withdraw, order own
 *   judge.c    which items a child may have, its view    parent's side
 *   serve.c    answers to Changes, manifests, frames     parent's side
 *   follow.c   keeps up with the parent's feed           child's side
 *   object.c   objects in memory and their rows          both ends
 *   fetch.c    asks the parent for manifests and frames  child's side
 *   fill.c     places, copies, syncs and checks them     child's side
 *   transfer.c what a fetch is called, cost, and Done    both ends
 *   record.c   learner records in and up                 both ends
 *   audit.c    one row for each of the above
 *
 * Every function that returns int returns 0 or a fatal -GT_E... (the store or
 * memory): the turn is rolled back and the node stops. What a neighbour did
 * wrong is never fatal: it becomes a drop. */
#ifndef GT_TURN_H
#define GT_TURN_H

#include "audit.h"
#include "code.h"
#include "node.h"
#include "object.h"
#include "policy.h"
#include "protocol.h"
#include "seal.h"
#include "store.h"

enum {
	GT_OBJECTS_OPEN = 64,    /* objects in memory at once */
	GT_WAITERS_MAX = 8192,   /* parked requests in all */
	GT_PENDING_MAX = 64,     /* publishes being adopted */
	GT_SERVED_MAX = 16,      /* transfers counted a child */
	GT_HANDOVER_WINDOW = 16, /* Done outstanding */
	GT_LAYERS_MAX = 1024,    /* ancestors' and children's */
	GT_RECORD_WINDOW = 2,    /* record batches outstanding */
	GT_SYNC_BYTES = 16 << 20,
	GT_SYNC_MS = 500,
	GT_PROBE_MS = 5000, /* after a full disk */
	GT_SOON_MS = 1000,  /* retry of what a parent could not give */
	GT_AGE_MS = 3600 * 1000,
};

/* A link's life. NEW -> PROVING -> READY; every state -> GONE.
 *   our parent: NEW (Hello sent) -> PROVING (Prove sent) -> READY
 *   a child:    NEW (nothing heard) -> PROVING (Hello answered) -> READY */
enum gt_session { GT_S_NEW, GT_S_PROVING, GT_S_READY, GT_S_GONE };

enum gt_asked {
	GT_ASKED_NONE,
	GT_ASKED_HELLO,
	GT_ASKED_PROVE,
	GT_ASKED_CHANGES,
	GT_ASKED_MANIFEST,
	GT_ASKED_FRAME,
	GT_ASKED_RECORDS,
	GT_ASKED_OFFER,   /* our own layer */
	GT_ASKED_CONTEST, /* contest.c */
	GT_ASKED_INVENTORY,
	GT_ASKED_DONE,
};

/* A request of ours to the parent that has no answer yet. */
struct gt_asking {
	enum gt_asked what;
	uint32_t generation;
	uint32_t frame;
	uint32_t bytes;
	uint64_t sent_ms;
	uint64_t upto; /* RECORDS: last seq in the batch; MANIFEST: offset;
	                  DONE: its hid, 0: it is not kept; CONTEST: the
	                  token of the child `frame` (peer id), 0: ours */
	struct gt_id object;
};

/* What a child was sent under one name, for the audit row at its end. */
struct gt_served {
	int64_t cid; /* 0: free */
	uint8_t transfer[16];
	uint32_t frames;
	uint64_t bytes;
};

struct gt_peer {
	uint32_t id; /* 0: slot is free */
	bool parent; /* the link leads to our parent */
	enum gt_session session;
	uint32_t version; /* of the protocol, from Hello on; 0: not agreed */
	char code[GT_CODE_MAX + 1]; /* proved, or claimed until READY */
	char address[64];
	bool certified; /* code came from a certificate */
	uint8_t nonce_ours[32], nonce_theirs[32];
	uint8_t epoch[GT_EPOCH_BYTES]; /* theirs */
	uint64_t heard_ms;

	/* a child's side of things */
	uint8_t lineage[GT_ID_BYTES]; /* token it showed; zero: none */
	bool unconfirmed; /* it has not spoken under the new one yet */
	int64_t cid;
	struct gt_id filter;
	struct gt_receiver receiver;
	int64_t judged_members, judged_layers, judged; /* by kind: feed seq */
	int64_t vseq, acked, records, rooted;
	int64_t rooted_told;
	uint64_t layers_generation; /* n->layers_generation judged with */
	bool parked;                /* a Changes waits for news */
	bool following;             /* its cursor was found good on this link */
	uint64_t parked_token, parked_after, parked_until;
	uint64_t frames_sent, bytes_sent;
	struct gt_id status_hash; /* of the last NodeStatus written down */
	struct gt_id allowed;     /* last object found allowed, at that vseq */
	int64_t allowed_vseq;
};

enum gt_frame_state {
	GT_FRAME_MISSING,
	GT_FRAME_ASKED,
	GT_FRAME_PLACING,
	GT_FRAME_PLACED,  /* verified and in the file: may be passed on */
	GT_FRAME_SYNCING, /* placed before the sync under way */
	GT_FRAME_PRESENT, /* durable */
	GT_FRAME_STATES,
};

/* Someone below waits for a frame, or (MANIFEST) for the manifest. */
#define GT_WAIT_MANIFEST UINT32_MAX
struct gt_waiter {
	struct gt_waiter *next;
	uint32_t peer;
	uint32_t frame;
	uint64_t token;
	uint64_t offset; /* of a manifest piece */
	uint64_t until;
	bool check;
	uint8_t transfer[16];
};

/* An object in memory: being filled, or held open to be served. */
struct gt_object {
	bool used;
	bool filling;  /* has a transfer slot or somebody waits */
	bool doomed;   /* nobody may have it any more: remove when jobs == 0 */
	int state;     /* enum gt_object_state */
	uint32_t jobs; /* blob actions not yet answered */
	struct gt_id id;
	char resource[GT_RID_MAX + 1]; /* one that uses it, for people */
	uint32_t priority;
	uint8_t transfer[16];
	uint64_t used_ms;

	uint8_t *bytes; /* the manifest, whole or so far */
	size_t nbytes, cap;
	bool asked_manifest;
	struct gt_manifest *m; /* NULL until whole and good */

	uint8_t *frames;  /* enum gt_frame_state; NULL when COMPLETE */
	uint8_t *suspect; /* a byte a frame: the last copy was damaged */
	uint32_t *from;   /* frame of `prior` with the same bytes */
	uint32_t scan;    /* no MISSING frame below */
	uint32_t count[GT_FRAME_STATES]; /* frames in each state */
	enum gt_frame_state tail;        /* of the seek table */
	bool syncing;
	bool lost; /* a sync met a full disk: what is under way may be gone, and
	              is not believed when it comes */
	uint64_t unsynced, unsynced_since;
	uint64_t retry_ms;  /* nothing is asked for before */
	uint64_t received;  /* bytes, under the transfer's name */
	uint64_t copied;    /* bytes, this run */
	struct gt_id prior; /* object to copy equal frames from; zero: none */
	struct gt_waiter *waiters;
	uint64_t expiry; /* of the first waiter, at the earliest */
};

/* A publish whose file is being adopted. */
struct gt_pending {
	bool used;
	uint64_t token;
	struct gt_id object;
	struct gt_bytes entry, manifest; /* owned */
	char actor[64];
};

struct gt_layer_row {
	struct gt_layer *layer;
	struct gt_id hash;
};

struct gt_node {
	struct gt_node_config config;
	char code[GT_CODE_MAX + 1], parent[GT_CODE_MAX + 1], software[64];
	const char *level;
	struct gt_key key;
	struct gt_store *store;
	struct gt_arena *arena; /* reset when a turn begins */
	struct gt_seal_cache *seals;
	char why[256];

	uint8_t epoch[GT_EPOCH_BYTES];
	int64_t version_floor; /* least version of what is published from now */
	uint8_t entropy[64];
	uint64_t drawn;
	bool started;

	/* this turn */
	struct gt_now now;
	struct gt_action *actions;
	size_t nactions, capactions;
	size_t turn_bytes;
	bool touched; /* something a reader sees changed */

	/* feed and policy */
	int64_t seq[4]; /* last in the feed, by Kind */
	struct gt_layer_row layers[GT_LAYERS_MAX];
	size_t nlayers;
	bool ages;
	uint64_t age_due;
	uint64_t layers_generation;
	int64_t strangers; /* names only children know */

	/* links */
	struct gt_peer peers[GT_PEERS_MAX];
	uint32_t npeers;    /* slots in use are below this */
	struct gt_peer *up; /* the parent's link, any session state; or NULL */
	struct gt_asking asking[GT_REQUESTS_MAX];
	uint32_t asking_next, asking_count;
	uint32_t asking_generation;
	uint64_t asking_due; /* the oldest must be answered by then; 0: none */

	/* following the parent */
	struct gt_counts {
		int64_t changes; /* gt_store_changes() they were counted at */
		uint64_t resources, complete, wanted, bytes;
	} counts; /* of what is here, for the parent */
	int64_t cursor;
	uint8_t parent_epoch[GT_EPOCH_BYTES];
	bool reconciling;
	bool contest;        /* shown to the parent, and not all answered */
	bool contests_left;  /* ... nor all asked */
	uint32_t contests;   /* under way, for us and for children */
	bool inventory_done; /* the last page is sent */
	char inventory_after[GT_RID_MAX + 1];

	/* objects */
	struct gt_object objects[GT_OBJECTS_OPEN];
	uint32_t nwaiters;
	/* by cid, so that a link that drops takes no count with it */
	struct gt_served served[GT_PEERS_MAX][GT_SERVED_MAX];
	uint8_t next_served[GT_PEERS_MAX];
	/* of the handover table, child's side */
	int64_t handovers;       /* rows */
	int64_t handover_last;   /* greatest hid given */
	int64_t handover_told;   /* greatest hid sent on this link */
	uint32_t handover_asked; /* outstanding */
	bool wanted_dirty;       /* look for objects to fill */
	uint64_t window, inflight, rtt_min;
	uint64_t base_ms; /* Hello's round trip: the link's without a queue */
	uint64_t answered_ms;         /* when a frame last came */
	uint64_t busy_ms, busy_bytes; /* spent on frames lately, and for what */
	bool paused;
	uint64_t probe_due;
	struct gt_pending pending[GT_PENDING_MAX];

	/* records */
	int64_t record_seq;      /* last here */
	int64_t record_ms;       /* last stored_ms here */
	int64_t record_sent;     /* last sent to the parent on this link */
	int64_t record_high;     /* ... on any, in this epoch; durable */
	int64_t hop, root;       /* marks, in our own order */
	uint32_t record_batches; /* outstanding */
	int64_t stream;          /* our own */
	int64_t stream_seq;

	struct gt_node_status status;
};

/* ------------------------------------------------------------ act.c */

/* A zeroed action at the end of this turn's list; NULL: out of memory. */
struct gt_action *gt_act(struct gt_node *n, enum gt_action_type type);
int gt_send(struct gt_node *n, const struct gt_peer *p, uint64_t token,
            bool reply, struct gt_bytes head, struct gt_bytes payload);
int gt_send_reply(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                  const Gt__Reply *r, struct gt_bytes payload);
int gt_send_ok(struct gt_node *n, const struct gt_peer *p, uint64_t token);
int gt_send_error(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                  int code, const char *text, uint64_t retry_ms);
uint64_t gt_sooner(uint64_t a, uint64_t b);
/* How long an answer may take before the link counts as dead. */
uint64_t gt_answer_ms(const struct gt_node *n);
/* Sends a request to the parent and remembers it; *full (may be NULL) is set
 * instead when too many are outstanding. asking->what etc. are the caller's. */
int gt_ask(struct gt_node *n, const Gt__Request *r,
           const struct gt_asking *asking, bool *full);
/* Closes the link and forgets it: the peer's slot is free on return. Writes
 * down why. */
int gt_drop(struct gt_node *n, struct gt_peer *p, const char *why);
/* As gt_drop, for a link nobody is at the other end of. */
int gt_drop_silent(struct gt_node *n, struct gt_peer *p, const char *why);
int gt_reply(struct gt_node *n, uint64_t token, int status, const char *fmt,
             ...) __attribute__((format(printf, 4, 5)));
int gt_log(struct gt_node *n, enum gt_log_level level, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* The database is older than what neighbours remember of it: begins a new
 * epoch. */
int gt_node_renew(struct gt_node *n);
/* A machine resumed twice from one snapshot draws the same bytes twice, until
 * something only one of the two was given is stirred in. */
void gt_stir(struct gt_node *n, struct gt_bytes more);
/* Bytes nobody can guess, from the entropy START and PEER_UP brought. */
void gt_draw(struct gt_node *n, uint8_t *out, size_t len);
struct gt_peer *gt_peer_by_id(struct gt_node *n, uint32_t id);
struct gt_peer *gt_peer_by_code(struct gt_node *n, const char *code);

/* ------------------------------------------------------- dispatch.c */

int gt_dispatch_up(struct gt_node *n, const struct gt_event *e);
int gt_dispatch_down(struct gt_node *n, const struct gt_event *e);
int gt_dispatch_message(struct gt_node *n, const struct gt_event *e);

/* -------------------------------------------------------- session.c */

int gt_session_up(struct gt_node *n, struct gt_peer *p);
int gt_session_down(struct gt_node *n, struct gt_peer *p);
int gt_session_hello(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Hello *m);
int gt_session_prove(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Prove *m);
int gt_session_hello_reply(struct gt_node *n, const Gt__HelloReply *m);
int gt_session_prove_reply(struct gt_node *n, const Gt__ProveReply *m);
/* Writes the child's counters back to its row. */
int gt_session_save(struct gt_node *n, struct gt_peer *p);

/* ----------------------------------------------------------- item.c */

/* A row of the feed, decoded. Texts and bytes live in the arena. */
struct gt_item {
	int64_t rid;
	Gt__Kind kind;
	const char *id;
	int64_t seq, version;
	int state;
	struct gt_id hash;
	struct gt_bytes sealed;
	enum gt_verdict verdict;
	uint32_t priority;
	const char *rule, *layer;
	bool own;
	bool has_object, has_prior, asked;
	struct gt_id object, prior;
};

/* What a Signed says, checked: signature, signer's standing, names. */
struct gt_claim {
	Gt__Kind kind;
	const char *id; /* resource id or code */
	int64_t version;
	int state;
	struct gt_id hash;
	struct gt_bytes sealed;
	const Gt__Entry *entry;   /* RESOURCE */
	const Gt__Layer *layer;   /* LAYER */
	const Gt__Member *member; /* MEMBER */
};

/* *found false: no such item. */
int gt_item_get(struct gt_node *n, Gt__Kind kind, const char *id,
                struct gt_item *out, bool *found);
int gt_item_of_row(struct gt_node *n, sqlite3_stmt *st, struct gt_item *out);
/* Decodes and checks a Signed. *verdict is 0 or the -GT_E... it is refused
 * with; why (of GT_WHY bytes) says more. */
enum { GT_WHY = 200 };
int gt_item_check(struct gt_node *n, struct gt_bytes sealed,
                  struct gt_claim *out, int *verdict, char why[GT_WHY]);
/* Takes a checked claim into the feed under a decision; *result 0, -GT_ESTALE,
 * -GT_ECONFLICT, -GT_EDENIED (a neighbour sends what this node itself
 * published). Releases and wants objects as the change asks. */
int gt_item_take(struct gt_node *n, const struct gt_claim *c,
                 const struct gt_decision *d, bool own, int *result);
/* Keeps the name of a resource that only a child knows of: it holds it from a
 * time this node has forgotten. Denied, version 0. */
int gt_item_stranger(struct gt_node *n, const char *id);
int gt_item_strangers(struct gt_node *n); /* counts them, at START */
/* Takes an item out of this node's holding: denied from now on. */
int gt_item_retract(struct gt_node *n, const char *id, bool *had);
/* The active member of that code; *found false: none or revoked. key may be
 * NULL. */
int gt_member_key(struct gt_node *n, const char *code, uint8_t key[32],
                  bool *found);
int gt_layers_load(struct gt_node *n);
/* Entry of a stored Signed; NULL: not one, or out of memory. */
const Gt__Entry *gt_item_entry(struct gt_node *n, struct gt_bytes sealed);

/* -------------------------------------------------------- publish.c */

int gt_publish(struct gt_node *n, const struct gt_event *e);
int gt_publish_adopted(struct gt_node *n, const struct gt_event *e);
/* A file is being adopted as this object. */
bool gt_publishing(const struct gt_node *n, const struct gt_id *object);
int gt_withdraw(struct gt_node *n, const struct gt_event *e);
/* Issues what this node published once more, above version `above`: others
 * hold something else under its name. */
int gt_publish_again(struct gt_node *n, Gt__Kind kind, const char *id,
                     int64_t above);
/* Newer than `above` by a number drawn: another past of this node, which it has
 * forgotten, did not go on from the same one. */
int64_t gt_version_beyond(struct gt_node *n, int64_t above);
int gt_publish_layer(struct gt_node *n, const struct gt_event *e);
int gt_publish_members(struct gt_node *n, const struct gt_event *e);

/* -------------------------------------------------------- contest.c */

/* The parent sent what this node cannot take (gt_item_take's result). */
int gt_contest_refused(struct gt_node *n, const struct gt_claim *c, int result);
/* Whether a checked claim is one a child may show: of this node or one
 * above. */
bool gt_contest_concerns(const struct gt_node *n, const struct gt_claim *c);
/* They answer the child, at once or when the parent has answered. */
int gt_contest_shown(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                     const struct gt_claim *c);
/* A child gave up that version of a resource, which has no body to show. */
int gt_contest_named(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const char *id, uint64_t version);
int gt_contest_answered(struct gt_node *n, const struct gt_asking *a);
/* The link to the parent is gone. */
int gt_contest_down(struct gt_node *n);

/* ---------------------------------------------------------- judge.c */

/* Judges what the child has not been judged for, up to a bounded amount; *more
 * is set if there is some left. */
int gt_judge(struct gt_node *n, struct gt_peer *child, bool *more);
/* True if gt_judge would find something to do. */
bool gt_judge_due(const struct gt_node *n, const struct gt_peer *child);
/* True if that is worth doing now, though the child asks for nothing yet: it is
 * busy taking in what it was sent, and should not have to wait after that. */
bool gt_judge_ahead(const struct gt_node *n, const struct gt_peer *child);
void gt_judge_filter(const struct gt_node *n, const struct gt_peer *child,
                     struct gt_id *out);
/* The name a change goes by in both ends' audit. */
enum { GT_CHANGE_NAME = 64 };
void gt_change_name(char out[GT_CHANGE_NAME], const uint8_t *epoch,
                    int64_t vseq);
int gt_judge_inventory(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       const Gt__Inventory *m);

/* ---------------------------------------------------------- serve.c */

int gt_serve_changes(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Changes *m);
/* Answers the child's parked Changes if there is news or its time is up. */
int gt_serve_parked(struct gt_node *n, struct gt_peer *p);
int gt_serve_manifest(struct gt_node *n, struct gt_peer *p, uint64_t token,
                      const Gt__GetManifest *m);
int gt_serve_frame(struct gt_node *n, struct gt_peer *p, uint64_t token,
                   const Gt__GetFrame *m);
int gt_serve_offer(struct gt_node *n, struct gt_peer *p, uint64_t token,
                   const Gt__Offer *m);
/* A frame (or the manifest) has come: answers those who waited for it. */
int gt_serve_waiters(struct gt_node *n, struct gt_object *o, uint32_t frame);
/* Answers waiters whose time is up, or all of them when all is set. */
int gt_serve_expire(struct gt_node *n, struct gt_object *o, bool all);
void gt_serve_forget(struct gt_node *n, uint32_t peer);
int gt_serve_fault(struct gt_node *n, const struct gt_event *e);

/* --------------------------------------------------------- follow.c */

int gt_follow_start(struct gt_node *n);
int gt_follow_changes(struct gt_node *n, const Gt__ChangesReply *m);
int gt_follow_inventory(struct gt_node *n);
int gt_follow_offer(struct gt_node *n);

/* --------------------------------------------------------- object.c */

/* The object in memory, loaded from its row if need be. *out NULL: no such
 * object here, it was refused, it is being removed, or too many are open. */
int gt_object_open(struct gt_node *n, const struct gt_id *id,
                   struct gt_object **out);
struct gt_object *gt_object_find(struct gt_node *n, const struct gt_id *id);
void gt_object_close(struct gt_node *n, struct gt_object *o);
void gt_objects_close(struct gt_node *n);
/* 1: somebody here may hold it, 0: nobody; or an error. */
int gt_object_needed(struct gt_node *n, const struct gt_id *id);
/* There must be a row for the object; makes one (WANTED) if there is none. */
int gt_object_want(struct gt_node *n, const struct gt_id *id);
/* Somebody may have stopped needing the object: if nobody may hold it any
 * more, forgets it and removes its file. */
int gt_object_release(struct gt_node *n, const struct gt_id *id);
/* It is complete: nobody is served an older version from now on. Several
 * resources may use the object, each with another one before it. */
int gt_object_drop_priors(struct gt_node *n, const struct gt_id *id);
/* Removes its file, unless it is being adopted: an unlink behind that would
 * take what was adopted. */
int gt_object_remove(struct gt_node *n, const struct gt_id *id);
/* A publish of it has come to nothing: whatever was let go meanwhile, its file
 * too, goes now. */
int gt_object_unpublished(struct gt_node *n, const struct gt_id *id);
/* One blob action fewer under way; removes a doomed object at the last. */
int gt_object_job_done(struct gt_node *n, struct gt_object *o);
/* Moves a frame from one state to another. */
void gt_frame_set(struct gt_object *o, uint32_t frame, enum gt_frame_state to);
/* Takes a whole manifest into memory: o->m, o->frames. -GT_EDAMAGED: it is not
 * the object's; else gt_manifest_new's refusal. */
int gt_object_manifest(struct gt_object *o, char why[GT_WHY]);

/* ---------------------------------------------------------- fetch.c */

/* Starts what can be started: transfers, requests within the window. */
int gt_fetch_go(struct gt_node *n);
/* The link is gone: nothing is outstanding. */
void gt_fetch_reset(struct gt_node *n);
int gt_fetch_manifest(struct gt_node *n, const struct gt_asking *a,
                      const Gt__ManifestPiece *m, struct gt_bytes payload);
int gt_fetch_frame(struct gt_node *n, const struct gt_asking *a,
                   const struct gt_event *e);
/* The parent answered with an error. */
int gt_fetch_refused(struct gt_node *n, const struct gt_asking *a,
                     const Gt__Error *m);
int gt_fetch_time(struct gt_node *n);
uint64_t gt_fetch_deadline(const struct gt_node *n);
int gt_fetch_want(struct gt_node *n, const struct gt_event *e);
/* A durable frame turned out damaged: it is missing again. */
int gt_fetch_lost(struct gt_node *n, struct gt_object *o, uint32_t frame);
void gt_transfer_status(const struct gt_node *n, struct gt_node_status *out);

/* ----------------------------------------------------------- fill.c */

int gt_fill_placed(struct gt_node *n, const struct gt_event *e);
int gt_fill_synced(struct gt_node *n, const struct gt_event *e);
int gt_fill_checked(struct gt_node *n, const struct gt_event *e);
/* Copies, seek table, sync and check as far as they are due. */
int gt_fill_go(struct gt_node *n, struct gt_object *o);
/* The object can never be right: says so and never asks for it again. */
int gt_fill_refuse(struct gt_node *n, struct gt_object *o, int result,
                   const char *why);
/* Writes down which frames are durable. */
int gt_fill_save(struct gt_node *n, struct gt_object *o);
/* Stops bulk for a while: the disk is full or fails. */
int gt_fill_pause(struct gt_node *n, int result);

/* ------------------------------------------------------- transfer.c */

/* Parent: `bytes` in so many frames went to a child, or, negative, did not go
 * after all. */
void gt_transfer_count(struct gt_node *n, struct gt_peer *p,
                       const uint8_t transfer[16], int frames, int64_t bytes);
int gt_transfer_done(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Done *m);
/* Child: counts what is kept, at START. */
int gt_transfer_load(struct gt_node *n);
/* The object is whole: writes the transfer down and tells the parent, now or
 * when it can be told. */
int gt_transfer_finish(struct gt_node *n, struct gt_object *o);
/* Tells the parent what is kept and was not told on this link. */
int gt_transfer_go(struct gt_node *n);
/* The parent answered a Done. */
int gt_transfer_told(struct gt_node *n, const struct gt_asking *a, bool ok);
/* The link is gone: all that is kept will be told again. */
void gt_transfer_reset(struct gt_node *n);
/* What the object is fetched under from now on is another transfer. */
int gt_transfer_rename(struct gt_node *n, struct gt_object *o);
/* Names used since the database was backed up must not be used again. */
int gt_transfer_renew(struct gt_node *n);

/* --------------------------------------------------------- record.c */

int gt_record_load(struct gt_node *n);
/* The epoch changed: all that was handed in here moves to the new stream. */
int gt_record_renew(struct gt_node *n);
int gt_record_statements(struct gt_node *n, const struct gt_event *e);
/* Sends batches to the parent while there is something to send. */
int gt_record_go(struct gt_node *n);
int gt_record_batch(struct gt_node *n, struct gt_peer *p, uint64_t token,
                    const Gt__Records *m);
int gt_record_reply(struct gt_node *n, const Gt__RecordsReply *m);
int gt_record_root(struct gt_node *n, int64_t root);
/* What of the child's records the root has, by our own root mark. */
int gt_record_child_root(struct gt_node *n, struct gt_peer *p);

#endif
