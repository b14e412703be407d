/* records_inside.h: what the files of records/ share. */
#ifndef GT_RECORDS_INSIDE_H
#define GT_RECORDS_INSIDE_H

#include "demand.h"
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
/* An epoch of this node's own, of which the parent may have what is not here any
 * more (recall.c). Written down as it is. */
struct gt_recall {
	uint8_t epoch[GT_EPOCH_BYTES];
	int64_t next; /* number in it that is asked for next */
	int64_t left; /* that may come yet */
};

/* What queries find records by (terms.h). */
struct gt_index {
	int64_t seq;         /* the last record that is indexed */
	uint64_t backlog_ms; /* since when a child's comes, + 1; 0: none does */
	uint64_t lull_due; /* if nothing more comes of it, it has ended then */
	uint64_t rest_due;
	bool more;  /* to merge */
	bool clear; /* nothing of it is believed */
};

/* What reports are added up from (reckon.h). */
struct gt_reckoning {
	int64_t next; /* with the record of that number a span is full */
	int64_t seen; /* the last record there was */
	uint64_t quiet_due, patient_due, rest_due;
	bool look; /* there is something to do, or may be */
};

/* Up to where a batch of documents spoke, and what was drawn for it. */
enum { GT_DOCUMENTS_MARK = 8 };
struct gt_documents_mark {
	int64_t upto;
	uint8_t mark[GT_DOCUMENTS_MARK];
};
/* documents.h */
struct gt_documents {
	int64_t last; /* number of the last change here */
	/* of what is put here until the next start: a state of this node that
	 * forgot, or a copy of it, gives no name that was given */
	uint8_t epoch[GT_EPOCH_BYTES];
	int64_t looked;        /* what is to be sent lies behind */
	bool sending;          /* a batch is on its way */
	int64_t waiting, lost; /* rows: yet to be sent; of those that lost */
	/* to this parent: the last that it took, and the last that was sent */
	struct gt_documents_mark acked, sent;
	struct gt_seeks *seeks;     /* documents_seek.c; NULL: none yet */
	uint64_t retry_ms, next_ms; /* none is sent before; and none while
	                               records wait */
};

/* Of whom too much waits. */
struct gt_crowd {
	char whom[112];     /* "": nobody */
	uint64_t limit, ms; /* when that was last said; 0: never */
};

/* Lists of revoked certificates (certificate_list.c, certificate_carry.c): as
 * below. */
struct gt_lists {
	int64_t last;
	int64_t told, met;
	/* children that wait are told from then on, mono_ms: an issuer that
	 * signs without end wakes nobody without end */
	uint64_t wake_at;
};

/* What was erased (erase.c, erase_carry.c), and what else goes the same way. */
struct gt_erasures {
	struct gt_lists lists;
	bool any;     /* something was, here, once */
	int64_t last; /* number of the last of it */
	/* of the parent of this epoch: it has ours up to there, and we have its */
	int64_t told, met;
};

struct gt_compare; /* compare.h */

struct gt_records {
	struct gt_compare *compare; /* on this link; NULL: nothing is */
	struct gt_erasures *erasures;
	struct gt_documents *documents;
	int64_t seq; /* last here */
	/* awards.c: the last that was looked at; -1: there are no rules */
	int64_t awarded;
	int64_t ms; /* last stored_ms in this era; 0: none */
	struct gt_era era;
	int64_t sent;                 /* last sent to the parent on this link */
	int64_t looked;               /* where the next batch is read from */
	int64_t high;                 /* ... on any, in this epoch; durable */
	int64_t hop, root;            /* marks, in our own order */
	char hop_of[GT_CODE_MAX + 1]; /* the parent that has them; "": none */
	uint16_t nlayers;             /* of layers, below */
	uint32_t batches;             /* outstanding */
	int64_t stream;               /* our own */
	int64_t stream_seq;
	bool aside;   /* something was set aside, and not yet counted */
	bool refused; /* spoilt.c: it did not want to be asked, on this link */
	/* recall.c: something is to be asked for; and is, now */
	bool recalls, recalling;
	bool pooled;  /* pool.c: records were set apart once */
	bool keyless; /* leave.c: the next one waits for a key, which was said */
	bool looking; /* spoilt.c: there is more, which no other event may bring
	                 about */
	bool told;    /* room was said to be too little, and not yet that there
	                 is again */
	int64_t replaced; /* numbers up to seq whose record gave way or is
	                     lost */
	/* spoilt.c */
	uint64_t spoilt; /* rows that are waited for */
	int64_t look;    /* the row looked at last */
	uint64_t look_due;
	int64_t asked[GT_WANTED_ROWS]; /* of the parent, now */
	size_t nasked;
	/* leave.c: the layers that demand something of records */
	const struct gt_layer **layers;
	uint64_t again_due; /* all are asked for all that is waited for */
	struct gt_index *index;
	struct gt_reckoning *reckoning; /* NULL: there are too few of them */
	/* what may be taken in */
	uint64_t room;     /* bytes, until the next ROOM; UINT64_MAX: plenty */
	uint64_t told_ms;  /* when that was last said to be too little; 0:
	                      never */
	uint64_t retry_ms; /* the parent takes nothing before; 0: it does */
	struct gt_waiting *by_whom; /* what waits for the parent */
	struct gt_crowd *crowd;
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
/* A column as a field of a message: copied, of no length if memory is short. In
 * row.c. */
ProtobufCBinaryData gt_record_field(struct gt_node *n, struct gt_bytes b);
/* What the wire says of it; its stream is not known yet. In row.c. */
struct gt_arrival gt_record_arrival(const Gt__Record *w);
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
/* The same, counted and told in the audit log. Acknowledged like any other: a
 * stream that waited for it would stand still, and with it all that lies
 * behind. peer: who brought it. */
int gt_record_quarantine(struct gt_node *n, const char *peer,
                         const struct gt_set_aside *r);
int gt_record_quarantine_arrival(struct gt_node *n, const char *via,
                                 const char *peer, const struct gt_arrival *r,
                                 int result, const char *why);

/* Of what came that way no more stays in the quarantine than may. */
int gt_record_trim_aside(struct gt_node *n, const char *via);

/* How a record is not what it should be: the first that is met. */
struct gt_damaged {
	size_t count;     /* met for the first time */
	char why[GT_WHY]; /* of the last of them */
};
/* The row of GT_SQL_RECORDS_AFTER, in the arena. -GT_EDAMAGED: it is not what it
 * was, is set aside if that is new, and counted in d; *out is what is left of
 * it. Else as usual. */
int gt_record_read(struct gt_node *n, sqlite3_stmt *st, struct gt_damaged *d,
                   Gt__Record **out);
/* Behind such reading, no statement stepped: the operator is told. */
int gt_record_tell_damaged(struct gt_node *n, const struct gt_damaged *d);
/* Whether it is what it says. 0; -GT_EDAMAGED, and why; -GT_ENOMEM. */
int gt_record_verify(const Gt__Record *r, char *why, size_t why_cap);
/* Why it cannot be looked at as a record of `who` or of one below; NULL: it
 * can. */
const char *gt_record_shapeless(const char *who, const Gt__Record *r);
/* r's place in its stream is free, or it gets one of its own, which follows
 * from code, epoch and its id; *another: it did (may be NULL). */
int gt_record_place(struct gt_node *n, const char *code, const uint8_t *epoch,
                    struct gt_arrival *r, bool *another);

enum gt_known { GT_RECORD_NEW, GT_RECORD_SAME, GT_RECORD_OTHER };
/* What there is of an id. */
struct gt_found {
	enum gt_known known; /* the same, or another (gt_statement_twins) */
	int64_t seq;         /* its number here */
	bool lesser;         /* nobody vouches for it, but for what comes, or
	                        it is damaged: it has to give way */
	bool spoilt;         /* it is damaged */
	/* known SAME and seq 0: it was erased (erase.c), and goes for known */
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

/* ------------------------------------------------------------ erase */

/* START: whether anything ever was. */
int gt_erased_load(struct gt_node *n);
/* In awards.c. START; the end of a turn; when there is more to do. */
int gt_award_load(struct gt_node *n);
int gt_award_go(struct gt_node *n);
uint64_t gt_award_deadline(const struct gt_node *n);
/* START: the marks of erase_carry.c. */
int gt_erased_marks(struct gt_node *n);
/* The id is known from now on as that of a record that was erased. code: where it
 * was handed in, if the order was given here (receipt > 0); else the place
 * within which nobody may bring it again, "": anywhere. */
int gt_erased_bury(struct gt_node *n, struct gt_bytes id, const char *code,
                   int64_t receipt);
/* A record of that id, handed in within that place, goes, or is not waited for
 * any more: *gone. What voids another stays. */
int gt_erase_id(struct gt_node *n, struct gt_bytes id, const char *within,
                bool *gone);
/* Whether it was for all that can come from within that place; "": anywhere. */
int gt_erased_covers(struct gt_node *n, const uint8_t id[GT_UUID_BYTES],
                     const char *place, bool *covers);
/* Whether that id's record was, for what comes in that stream; 0: in any. */
int gt_erased_is(struct gt_node *n, const uint8_t id[GT_UUID_BYTES],
                 int64_t stream, bool *is);

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

/* ------------------------------------------------------ attachments */

/* Record number seq is that body: what it names is known from now on. */
int gt_attach_named(struct gt_node *n, int64_t seq, struct gt_bytes body);
/* Whether all that a new statement names comes with it in e, or need not: *code
 * 0; or it does not, and why. That its bytes are here counts for nothing: who
 * knows a digest need not know what it is of. id: the statement's. */
int gt_attach_judge(const struct gt_event *e, const struct gt_statement *s,
                    const char *id, int *code, char why[256]);
/* The statements of e are taken: what came with them is here. */
int gt_attach_brought(struct gt_node *n, const struct gt_event *e);
/* Whether who hands in e has brought more bytes than he may. */
void gt_attach_admit(struct gt_node *n, const struct gt_event *e,
                     struct gt_refusal *out);

/* ----------------------------------------------------------- spoilt */

/* Rows of records that are damaged, or gone, and waited for. In row.c: */

/* The first column, by one number; 0: there is no row. */
int gt_record_int(struct gt_node *n, enum gt_sql which, int64_t a,
                  int64_t *out);
/* Whether a row is one, and may be taken out. */
int gt_spoilt_is(struct gt_node *n, int64_t seq, bool *is);
/* Its row leaves. *gone: it did, or there was none. False: the indexes do not
 * know the row for what it is, and it has to stay. */
int gt_spoilt_take_out(struct gt_node *n, int64_t seq, bool *gone);
/* It is not waited for any more: it is back, as record `need` that is yet to be
 * sent, 0: where it was. */
int gt_spoilt_forget(struct gt_node *n, int64_t seq, int64_t stream,
                     int64_t origin_seq, int64_t need);
/* r was put in: so is what was waited for under its id. What was known to be
 * another is waited for all the same: it was acknowledged too. */
int gt_spoilt_came(struct gt_node *n, const struct gt_arrival *r);
/* Who is below is asked anew for all that a child may have. */
void gt_spoilt_below(struct gt_node *n);
/* One number more (1), or fewer (-1), without a record. */
int gt_record_replaced(struct gt_node *n, int change);
/* The last number that was handed up, in this epoch or another, as far as that
 * is known. */
int64_t gt_spoilt_handed(const struct gt_node *n);
/* START: how many there are; what no parent was ever handed is a child's to
 * give. */
int gt_spoilt_load(struct gt_node *n);
/* In spoilt.c. Another link to the parent: nothing is asked of it now. */
void gt_spoilt_anew(struct gt_node *n);
/* The parent is asked for some, if it knows how to be. */
int gt_spoilt_ask(struct gt_node *n);
/* It has answered request `a`: what it gave is taken. */
int gt_spoilt_answered(struct gt_node *n, const struct gt_asking *a,
                       const Gt__RecordsReply *m);
/* What the child gives of what it was asked for is taken. */
int gt_spoilt_from_child(struct gt_node *n, struct gt_peer *p,
                         const Gt__Records *m);
/* What of that the child wants is here: the answer has it. */
int gt_spoilt_give(struct gt_node *n, const struct gt_peer *p,
                   const Gt__Records *m, Gt__RecordsReply *out);
/* Lowers *root to what of the child's does not hang on one that is spoilt. */
int gt_spoilt_held(struct gt_node *n, const struct gt_peer *p, int64_t *root);
/* A piece of the look, if one is due. */
int gt_spoilt_time(struct gt_node *n);

/* ----------------------------------------------------------- recall */

/* START, or a new epoch: what is yet to be asked for. */
int gt_recall_load(struct gt_node *n);
/* That epoch ends: what the parent has of it and is not here is asked for. */
int gt_recall_begin(struct gt_node *n, const uint8_t epoch[GT_EPOCH_BYTES]);
/* What is to be asked for now. */
int gt_recall_first(struct gt_node *n, struct gt_recall *out);
/* The first was asked for, so many came, and it goes on there, as the parent
 * says: the next follow, if there are any. */
int gt_recall_next(struct gt_node *n, size_t came, uint64_t next);
/* In recall_take.c. The parent is asked for some, if it knows how to be and there is room. */
int gt_recall_ask(struct gt_node *n);
/* It has answered: what it gave is taken, and the next are asked for. */
int gt_recall_answered(struct gt_node *n, const Gt__RecordsReply *m);

/* ------------------------------------------------------------ leave */

/* What became of records on their way, by gt_treatment. */
struct gt_left {
	size_t did[GT_TREATMENTS];
};
enum gt_leaving {
	GT_LEAVES,      /* as it is, or as it has become */
	GT_STAYS,       /* it is not for the parent */
	GT_LACKS_A_KEY, /* it would leave, under a pseudonym */
};
/* What the layers demand of r on its way to the parent: r becomes that, body,
 * form, authority and policy, in the arena; it is counted. */
int gt_record_leave(struct gt_node *n, Gt__Record *r, struct gt_left *left,
                    enum gt_leaving *out);
/* Whether any record may not go up as it is, by the layers or because it is told
 * of in a group. */
bool gt_record_keeps(const struct gt_node *n);
/* Whether w, from child p, says no more than the layers let it; 0; -GT_ENOMEM. */
int gt_record_heeds(struct gt_node *n, const struct gt_peer *p,
                    const Gt__Record *w, bool *heeds);
/* Names the demands that bind what leaves that node; of no length: there are
 * none. In the arena. */
int gt_record_demanded(struct gt_node *n, const char *code,
                       ProtobufCBinaryData *out);

/* ------------------------------------------------------------- pool */

/* START: whether anything was ever set apart. */
int gt_pool_load(struct gt_node *n);
/* A new epoch: of what was here nobody knows any more what was told of it. */
int gt_pool_renew(struct gt_node *n);
/* Whether record number seq is told of in a group, now or later: it does not go
 * up itself, whatever the layers say by now. */
int gt_pool_holds(struct gt_node *n, int64_t seq, bool *holds);
/* Record number seq stays here, and may be told of among so many learners. */
int gt_pool_add(struct gt_node *n, int64_t seq, uint32_t least);
/* The parent knows record number seq itself: it is told of in no group. */
int gt_pool_never(struct gt_node *n, int64_t seq);
/* Record number seq was put in, and tells of a group. */
int gt_pool_cell(struct gt_node *n, int64_t seq);
/* In pool_tell.c. Makes a report if one is due. */
int gt_pool_go(struct gt_node *n);

/* ------------------------------------------------------ send, merge */

/* The number up to which a batch speaks; 0: it is empty. */
uint64_t gt_record_upto(const Gt__Records *m);
/* One row for a batch that went up or came from below, `count` records of it
 * new; left: what became of them. */
int gt_record_audit(struct gt_node *n, const char *event, const char *peer,
                    const uint8_t *epoch, const Gt__Records *m, size_t count,
                    const struct gt_left *left);

#endif
