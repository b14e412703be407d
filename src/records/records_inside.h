/* records_inside.h: what the files of records/ share. */
#ifndef GT_RECORDS_INSIDE_H
#define GT_RECORDS_INSIDE_H

#include "records.h"
#include "waiting.h"

/* The clock era records are stored in (era.h). */
struct gt_era {
	int64_t number, first; /* its first record, once there is one */
	int64_t begin_ms;
	int64_t stamp_ms; /* what this turn stores bears; 0: nothing yet */
	/* the last turn's clocks */
	int64_t wall_ms, clock_ms; /* clock_ms: it cannot be set */
};

/*   1. hop <= seq, root <= seq; after a parent was restored, and under another
 *      one, hop may be the lesser one
 *   2. sent <= high
 *   3. batches <= GT_RECORD_WINDOW
 *   4. at the root hop = root = seq
 *   5. sent <= looked: what lies between is not fit to be sent
 *   6. hop is what hop_of has, or 0 until a parent of another place says what
 *      it has */
struct gt_records {
	int64_t seq; /* last here */
	int64_t ms;  /* last stored_ms in this era; 0: none */
	struct gt_era era;
	int64_t sent;                 /* last sent to the parent on this link */
	int64_t looked;               /* where the next batch is read from */
	int64_t high;                 /* ... on any, in this epoch; durable */
	int64_t hop, root;            /* marks, in our own order */
	char hop_of[GT_CODE_MAX + 1]; /* the parent that has them; "": none */
	uint32_t batches;             /* outstanding */
	int64_t stream;               /* our own */
	int64_t stream_seq;
	bool aside;       /* something was set aside, and not yet counted */
	int64_t replaced; /* numbers up to seq whose record gave way */
	/* what may be taken in */
	uint64_t room;     /* bytes, until the next ROOM; UINT64_MAX: plenty */
	uint64_t told_ms;  /* when that was last said to be too little; 0:
	                      never */
	bool told;         /* ... and not yet that there is room again */
	uint64_t retry_ms; /* the parent takes nothing before; 0: it does */
	struct gt_waiting *by_whom;     /* what waits for the parent */
	char crowd[112];                /* of whom too much does; "": nobody */
	uint64_t crowd_limit, crowd_ms; /* when that was last said; 0: never */
};

/* ----------------------------------------------------------- stream */

/* The stream of that origin and epoch, made if there is none, and the last
 * number in it. */
int gt_stream_of(struct gt_node *n, const char *code, const uint8_t *epoch,
                 int64_t *sid, int64_t *last);
/* Writes down the last number in a stream. */
int gt_stream_last(struct gt_node *n, int64_t sid, int64_t last);

/* A record on its way into a stream. Bytes are borrowed. */
struct gt_arrival {
	int64_t stream, origin_seq;
	const uint8_t *id;   /* GT_UUID_BYTES */
	const uint8_t *form; /* GT_ID_BYTES */
	uint32_t flags;
	const uint8_t *target; /* GT_UUID_BYTES if flags say that it voids */
	int64_t origin_ms;
	const char *policy, *authority;
	struct gt_bytes body;
};
/* Stores it as the last record here. */
int gt_record_insert(struct gt_node *n, const struct gt_arrival *r);

/* What cannot be taken, or what lies here damaged: kept for people to look at.
 * Bytes are borrowed. */
struct gt_set_aside {
	const char *via; /* the child it came from; this node itself */
	int64_t stream, origin_seq;
	struct gt_bytes id, form; /* as they are, whatever that is */
	int64_t origin_ms;
	const char *reason; /* a sentence */
	int result;         /* -GT_E..., for the audit row */
	struct gt_bytes body;
};
/* Puts it into the quarantine; *fresh: it was not there yet. */
int gt_record_set_aside(struct gt_node *n, const struct gt_set_aside *r,
                        bool *fresh);

/* Of what came that way no more stays in the quarantine than may. */
int gt_record_trim_aside(struct gt_node *n, const char *via);

enum gt_known { GT_RECORD_NEW, GT_RECORD_SAME, GT_RECORD_OTHER };
/* What there is of an id. */
struct gt_found {
	enum gt_known known; /* the same, or another (gt_statement_twins) */
	int64_t seq;         /* its number here */
	bool lesser;         /* nobody vouches for it, but for what comes: it
	                        has to give way */
};
/* The record of r's id. */
int gt_record_look_up(struct gt_node *n, const struct gt_arrival *r,
                      struct gt_found *found);
/* A lesser record gives way to one that comes (via: the child it comes from, or
 * this node): else whoever knows an id could hand in something else under it
 * first, and hide what a known terminal hands in. If it is another one it is
 * set aside. */
int gt_record_give_way(struct gt_node *n, const struct gt_found *found,
                       const struct gt_arrival *r, const char *via);

/* ------------------------------------------------------------ later */

/* Why a hand-in is not taken now. */
struct gt_refusal {
	int code; /* 0: it is taken, and counted; -GT_ENOSPACE, -GT_EBUDGET */
	uint64_t retry_ms;
	const char *why; /* a sentence */
};
/* What somebody hands in. */
struct gt_hand_in {
	const char *whom; /* NULL: of anybody, but for the room */
	uint64_t hourly;  /* bytes he may per hour; 0: as many as he likes */
	uint64_t waiting; /* bytes of his that may wait for the parent; 0 */
	size_t count;     /* records of it */
	uint64_t bytes;   /* of them all */
};
/* Whether it may be taken. */
int gt_record_admit(struct gt_node *n, const struct gt_hand_in *h,
                    struct gt_refusal *out);
/* It was: what of it is here since record number `before` waits for the
 * parent. */
int gt_record_waits(struct gt_node *n, const struct gt_hand_in *h,
                    int64_t before);
/* Knows again what waited when the node was stopped; the marks are loaded, and
 * nothing else is known of anybody yet. */
int gt_record_waits_load(struct gt_node *n);
/* Too much waited of somebody: says so when it does no more. */
int gt_record_uncrowd(struct gt_node *n);

/* ------------------------------------------------------ send, merge */

/* One row for a batch that went up or came from below. */
int gt_record_audit(struct gt_node *n, const char *event, const char *peer,
                    const uint8_t *epoch, const Gt__Records *m, size_t count);

#endif
