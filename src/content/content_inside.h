/* content_inside.h: what the files of content/ share.
 *
 *   holding.c   objects in memory and their rows
 *   waiter.c    children that wait for a frame or a manifest
 *   transfer.c  what a fetch is called, cost, and Done
 *   fill.c      places, copies, syncs and checks frames
 *   fetch.c     asks the parent for manifests and frames
 *   window.c    how many bytes of them at once (window.h)
 *   stuck.c     what keeps an object from coming, for people
 *   evict.c     what gives way to what must be here
 *   serve.c     answers what children ask
 *   content.c   the room as one: load, time, go, status */
#ifndef GT_CONTENT_INSIDE_H
#define GT_CONTENT_INSIDE_H

#include "content.h"
#include "object.h"
#include "schema.h"
#include "window.h"

enum {
	GT_OBJECTS_OPEN = 64,    /* objects in memory at once */
	GT_WAITERS_MAX = 8192,   /* parked requests in all */
	GT_SERVED_MAX = 16,      /* transfers counted per child */
	GT_HANDOVER_WINDOW = 16, /* Done outstanding */
	GT_SYNC_BYTES = 16 << 20,
	GT_SYNC_MS = 500,
};

/* What a child was sent under one name, for the audit row at its end. */
struct gt_served {
	int64_t cid; /* 0: free */
	struct gt_transfer_id transfer;
	uint32_t frames;
	uint64_t bytes;
};

/* By cid, so that a link that drops takes no count with it. */
struct gt_served_set {
	struct gt_served v[GT_SERVED_MAX];
	uint8_t next;
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
/*   1. peer is a child's link that is READY: what goes takes its waiters along
 *   2. after a turn, if the manifest is here, frame is one of its frames */
struct gt_waiter {
	struct gt_waiter *next;
	uint32_t peer;
	uint32_t frame;
	uint64_t token;
	uint64_t offset; /* of a manifest piece */
	uint64_t until;
	bool check;
	struct gt_transfer_id transfer;
};

/* An object in memory: being filled, or held open to be served.
 *
 *   1. m is set exactly when the manifest is whole and good; then the counts
 *      of all frame states add up to m->nframes
 *   2. no frame below scan is MISSING
 *   3. jobs = blob actions handed out since it was born and not yet
 *      answered; a slot is not given away before they are, but when the
 *      object is published here: then one more is past, and what is
 *      answered of what was born before is about a file that is gone
 *   4. a doomed object has jobs under way, no waiters and no row, but for one
 *      of state WANTED if it has come to be wanted again
 *   5. a filling object is not doomed, COMPLETE or REFUSED; m is set in
 *      PARTIAL, CHECKING and COMPLETE, not in WANTED
 *   6. nothing is ASKED, nor the manifest, without a link to the parent; no
 *      frame of one not doomed is without a request that is outstanding
 *   7. from is set only while there is a prior
 *   8. lost and syncing only while there are jobs
 *   9. expiry is not after any waiter's until
 *  10. bytes only while m is not set, and of all objects within
 *      GT_MANIFESTS_BYTES
 *  11. received is of the supplier alone, under the transfer's name; of_up
 *      only while there is a link to the parent */
struct gt_object {
	bool used;
	bool filling; /* has a transfer slot or somebody waits */
	bool doomed;  /* nobody may have it any more: remove when jobs == 0 */
	bool demand;  /* ... as one that is fetched on demand */
	bool no_room; /* it met a full disk in this turn */
	bool starved; /* must be here, and the disk had no room for it */
	bool news;    /* something came that a waiter may have waited for */
	bool of_up;   /* the supplier in its row is who is asked on this link */
	int state;    /* enum gt_object_state */
	uint32_t jobs; /* blob actions not yet answered */
	struct gt_id id;
	char resource[GT_RID_MAX + 1]; /* one that uses it, for people */
	uint32_t priority;
	struct gt_transfer_id transfer;
	uint64_t used_ms;

	uint8_t *bytes; /* the manifest so far; it is whole in the row alone */
	size_t nbytes, cap;
	uint64_t expects; /* its size, once it was known and had no room */
	bool asked_manifest;
	uint8_t stuck;         /* enum gt_stuck, as in its row; 0: none */
	uint32_t born;         /* content's past when it came into memory */
	struct gt_manifest *m; /* of frames alone, once it is in the row */

	uint8_t *frames;  /* enum gt_frame_state, a byte per frame */
	uint8_t *suspect; /* a byte per frame: the last copy was damaged */
	uint32_t *from;   /* frame of `prior` with the same bytes */
	uint32_t scan;
	uint32_t count[GT_FRAME_STATES]; /* frames in each state */
	enum gt_frame_state tail;        /* of the seek table */
	bool syncing;
	/* a sync met a full disk: what is under way may be gone, and is not
	 * believed when it comes */
	bool lost;
	uint16_t file_wait_s; /* between tries of its file; 0: it is fine */
	/* asked in vain since, or last tried: of mono_ms what has room; 0 */
	uint32_t lacks_ms;
	uint64_t unsynced, unsynced_since;
	uint64_t retry_ms;  /* nothing is asked for before */
	uint64_t file_due;  /* nothing is done to its file before */
	uint64_t received;  /* bytes, under the transfer's name */
	uint64_t copied;    /* bytes, this run */
	struct gt_id prior; /* object to copy equal frames from; zero: none */
	struct gt_waiter *waiters;
	uint64_t expiry; /* of the first waiter, at the earliest */
};

/* Finished transfers the parent has not acknowledged (transfer.c).
 *
 *   1. told <= last
 *   2. asked <= GT_HANDOVER_WINDOW */
struct gt_handovers {
	int64_t rows;
	int64_t last;      /* greatest hid given */
	int64_t told;      /* greatest hid sent on this link */
	uint32_t asked;    /* outstanding */
	uint64_t again_ms; /* nothing is told before; 0: it may be */
};

/*   1. no two objects in memory have the same id
 *   2. nwaiters = waiters of all objects
 *   3. news: of any object only with that of all; of none after a turn
 *   4. adopting: the objects of the publishes under way, one for each
 *      (catalogue_inside.h, gt_pending)
 *   5. what served holds of a child lies in the set at its cid % links
 *   6. while paused nothing more is asked for, copied, synced or checked, until
 *      probe_due */
struct gt_content {
	struct gt_object objects[GT_OBJECTS_OPEN];
	struct gt_id adopting[GT_ADOPTING_MAX]; /* zero: free */
	uint32_t nwaiters;                      /* <= GT_WAITERS_MAX */
	uint32_t past; /* slots given away with jobs under way */
	bool news;     /* of some object */
	bool look;     /* for objects to fill */
	bool no_room;  /* of some object */
	bool weigh;    /* what is here on demand has become more */
	struct gt_window window;
	struct gt_handovers handovers;
	bool paused;   /* the disk is full, or memory is short */
	int paused_by; /* -GT_ENOSPACE, -GT_ENOMEM */
	uint64_t probe_due;
	int told;         /* why it was last said to be paused; 0: never */
	uint64_t told_ms; /* when */
	uint32_t links;
	struct gt_served_set *served; /* links of them */
};

/* The next object in memory after this one, by slot; NULL: begins, none. */
static inline struct gt_object *gt_object_next(struct gt_content *c,
                                               struct gt_object *o)
{
	for (o = o ? o + 1 : c->objects; o < c->objects + GT_OBJECTS_OPEN; o++)
		if (o->used)
			return o;
	return NULL;
}
#define GT_EACH_OBJECT(o, c)                                   \
	for (struct gt_object *o = gt_object_next(c, NULL); o; \
	     o = gt_object_next(c, o))

/* ---------------------------------------------------------- holding */

/* The object's id as a value to bind. */
static inline struct gt_bytes gt_object_key(const struct gt_id *id)
{
	return gt_bytes_of(id->b, GT_ID_BYTES);
}

/* The object in memory, loaded from its row if need be. *out NULL: no such
 * object here, it was refused, it is being removed, or too many are open. */
int gt_object_open(struct gt_node *n, const struct gt_id *id,
                   struct gt_object **out);
/* The object if it is in memory; NULL. */
struct gt_object *gt_object_find(struct gt_node *n, const struct gt_id *id);
/* Frees its slot; who waits is forgotten. */
void gt_object_close(struct gt_content *c, struct gt_object *o);
/* It is complete: nobody is served an older version from now on. Several
 * resources may use the object, each with another one before it. */
int gt_object_drop_priors(struct gt_node *n, const struct gt_id *id);
/* Forgets it and removes its file, whoever may hold it; why is for the audit
 * row. Its slot may be free on return. */
int gt_object_let_go(struct gt_node *n, const struct gt_id *id,
                     const char *why);
/* Removes its file, unless it is being adopted. */
int gt_object_remove(struct gt_node *n, const struct gt_id *id);
/* An action on the object's file, of which the answer is the object's: NULL, no
 * memory. */
struct gt_action *gt_object_act(struct gt_node *n, struct gt_object *o,
                                enum gt_action_type type);
/* The object an answer to such an action is about; NULL: it is not here any
 * more, or was not when the action was handed out. */
struct gt_object *gt_object_answered(struct gt_node *n,
                                     const struct gt_event *e);
/* One blob action fewer under way; removes a doomed object at the last. */
int gt_object_job_done(struct gt_node *n, struct gt_object *o);
/* Moves a frame from one state to another. */
void gt_frame_set(struct gt_object *o, uint32_t frame, enum gt_frame_state to);
/* The frame's bytes are in the file, verified. */
bool gt_frame_here(const struct gt_object *o, uint32_t frame);
/* The hash a frame must have. */
struct gt_id gt_frame_id(const struct gt_object *o, uint32_t frame);
/* Takes a whole manifest apart: o->m, o->frames. -GT_EDAMAGED: it is not the
 * object's; else gt_manifest_new's refusal. */
int gt_object_manifest(struct gt_object *o, struct gt_bytes bytes,
                       char why[GT_WHY]);
/* The manifest in the object's row, whole and as it was hashed, in the turn's
 * memory. -GT_EDAMAGED: it is not that any more. */
int gt_object_bytes(struct gt_node *n, const struct gt_object *o,
                    struct gt_bytes *out);
/* Why a manifest is not taken for the object's. */
extern const char gt_not_its_own[];
/* 1: it was published here; 0; or an error. */
int gt_object_own(struct gt_node *n, const struct gt_id *id);
/* What the object's row has of its manifest is damaged, or gone: nothing of it
 * is known any more, and its manifest is fetched again; why is for the audit
 * row. */
int gt_object_unread(struct gt_node *n, struct gt_object *o, const char *why);
/* Somebody could not read it: looks whether it is what it was. */
int gt_object_verify(struct gt_node *n, struct gt_object *o);
/* Says of an object that was whole that it is damaged, and what mends it. */
int gt_object_tell(struct gt_node *n, const struct gt_object *o);
/* A piece of it from the offset on, in the turn's memory, none beyond its end,
 * and its size. Of an object whose m is set. */
int gt_object_piece(struct gt_node *n, const struct gt_object *o,
                    uint64_t offset, uint64_t *size, struct gt_bytes *out);

/* ----------------------------------------------------------- waiter */

/* Remembers that the child's request waits; `like` says which transfer it
 * belongs to, and whether to check. Answers BUSY if too many wait. */
int gt_waiter_park(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                   struct gt_object *o, uint32_t frame, uint64_t offset,
                   const struct gt_waiter *like);
/* Something came for the object: serve.c answers at the end of the turn. */
void gt_waiter_news(struct gt_node *n, struct gt_object *o);
/* Tells waiters whose time is up to ask again, or all of them. */
int gt_waiter_expire(struct gt_node *n, struct gt_object *o, bool all);
/* Takes the waiter at *at out of the list and frees it. */
void gt_waiter_drop(struct gt_content *c, struct gt_waiter **at);

/* --------------------------------------------------------- transfer */

/* Parent: `bytes` in so many frames went to a child, or, negative, did not go
 * after all. */
void gt_transfer_count(struct gt_node *n, struct gt_peer *p,
                       const struct gt_transfer_id *transfer, int frames,
                       int64_t bytes);
/* The name as a message has it; zero if it has none of that length. */
struct gt_transfer_id gt_transfer_of(ProtobufCBinaryData name);
/* Child: counts what is kept, at START. */
int gt_transfer_load(struct gt_node *n);
/* The object is whole: writes the transfer down and tells the parent, now or
 * when it can be told. */
int gt_transfer_finish(struct gt_node *n, struct gt_object *o);
/* Tells the parent what is kept and was not told on this link. */
int gt_transfer_go(struct gt_node *n);
/* What the object is fetched under from now on is another transfer. */
int gt_transfer_rename(struct gt_node *n, struct gt_object *o);
/* Something of it is about to be asked of the parent on the link: from now on
 * that one is the supplier. What another gave is closed as a part. *wait: of
 * what that one gave some is on its way to the disk, nothing is asked yet. */
int gt_transfer_ask(struct gt_node *n, struct gt_object *o, bool *wait);
/* Who gave what of the object came under its transfer's name. */
int gt_transfer_by(struct gt_node *n, const struct gt_object *o,
                   char by[GT_CODE_MAX + 1]);

/* ------------------------------------------------------------- fill */

/* Copies, seek table, sync and check as far as they are due. */
int gt_fill_go(struct gt_node *n, struct gt_object *o);
/* The object can never be right: says so and never asks for it again. */
int gt_fill_refuse(struct gt_node *n, struct gt_object *o, int result,
                   const char *why);
/* A durable frame turned out damaged: it is missing again. */
int gt_fill_lost(struct gt_node *n, struct gt_object *o, uint32_t frame);
/* Its file is gone: all frames are missing again; why is for the audit row.
 * *counted is set if something of it counted until now. */
int gt_fill_forget(struct gt_node *n, const struct gt_id *id, const char *why,
                   bool *counted);

/* ------------------------------------------------------------ stuck */

/* START: what was stuck in the last run need not be in this one. */
int gt_stuck_load(struct gt_node *n);
/* What the object's row says, when it comes into memory. */
int gt_stuck_open(struct gt_node *n, struct gt_object *o);
/* The parent has not what it was asked for at sent_ms: said once that lasts. */
int gt_stuck_above(struct gt_node *n, struct gt_object *o, uint64_t sent_ms);
/* Its file cannot be made or written, with result, for what `why` says (empty:
 * the result's words): nothing is done to it for a while. */
int gt_stuck_file(struct gt_node *n, struct gt_object *o, int result,
                  struct gt_bytes why);
/* That is over. */
int gt_stuck_over(struct gt_node *n, struct gt_object *o, enum gt_stuck why);

/* ------------------------------------------------------------ evict */

/* 1: it must be here: mirrored, or published here; 0; or an error. */
int gt_object_kept(struct gt_node *n, const struct gt_id *id);
/* Something that must be here met a disk without room, and still lacks some. */
bool gt_content_starved(const struct gt_node *n);
/* Lets go of what has to give way after this turn's events. */
int gt_evict_go(struct gt_node *n);

/* ----------------------------------------------------- fetch, serve */

/* Starts what can be started: transfers, requests within the window. */
int gt_fetch_go(struct gt_node *n);
/* The link is gone: no manifest and no frame is asked for. */
void gt_fetch_down(struct gt_node *n);
/* When a fetch is due by time alone; UINT64_MAX. */
uint64_t gt_fetch_deadline(const struct gt_node *n);
/* Answers those who waited for what came in this turn. */
int gt_serve_go(struct gt_node *n);

#endif
