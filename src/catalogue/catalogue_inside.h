/* catalogue_inside.h: what the files of catalogue/ share.
 *
 *   item.c      verified items into the feed             both ends
 *   contest.c   two bodies under one name                both ends
 *   again.c     when what others gave up is issued anew  own
 *   publish.c   what people here publish, withdraw, order  own
 *   want.c      what people here ask for                 own
 *   date.c      how new the roster is known to be        both ends
 *   signer.c    whom the roster did not bear out         child's side
 *   judge.c     which items a child may have, its view   parent's side
 *   feed.c      tells the child; answers Changes, Offer  parent's side
 *   heal.c      items that are damaged on disk           both ends
 *   follow.c    keeps up with the parent's feed          child's side
 *   entries.c   ... as many as may be here               child's side
 *   cap.c       ... as far as the layers here allow      child's side
 *   catalogue.c the room as one: load, time, go */
#ifndef GT_CATALOGUE_INSIDE_H
#define GT_CATALOGUE_INSIDE_H

#include "catalogue.h"
#include "schema.h"
#include "signed.h"

enum {
	GT_PENDING_MAX = GT_ADOPTING_MAX, /* publishes being adopted */
	GT_LAYERS_MAX = 1024,             /* ancestors' and children's */
	GT_AGE_MS = 3600 * 1000,
	GT_AGAIN_MAX = 64, /* names issued anew in a while */
};

/* A publish whose file is being adopted.
 *
 *   1. a free one is all zero
 *   2. a used one is an ADOPT handed out and not yet answered, and holds one
 *      place of the content's `adopting`; of several of one object an answer
 *      is taken for the first
 *   3. entry and manifest fill copy; object is the manifest's id
 *   4. whoever has the token is answered once, when it becomes free */
struct gt_pending {
	bool used;
	uint64_t token;
	struct gt_id object;
	uint8_t *copy; /* owned; entry and manifest lie in it */
	struct gt_bytes entry, manifest;
	char actor[64];
};

/* A name that was issued anew, and when; "": none. */
struct gt_again {
	char id[GT_RID_MAX + 1];
	uint64_t at_ms;
};

struct gt_layer_row {
	struct gt_layer *layer;
	struct gt_id hash;
};

/* What is here, for the parent; counted anew when something was written. */
struct gt_counts {
	int64_t changes; /* gt_store_changes() they were counted at */
	uint64_t resources, complete, wanted, bytes;
};

/* The newest date of the tree.
 *
 *   1. by "": no row of the roster names a key for dates, and there is no date
 *   2. n 0: none is known, and its age counts from since_ms, when `by` was
 *      first heard of
 *   3. at_ms and roster are what sealed says, and go back only where at_ms lies
 *      ahead of the clock
 *   4. missed is in the database before what was missed is acknowledged, until
 *      all was compared with the parent anew */
struct gt_date {
	char by[GT_CODE_MAX + 1];
	/* a row of the roster came that may change it, last of this code */
	bool news;
	char heard[GT_CODE_MAX + 1];
	int64_t since_ms, at_ms;
	uint64_t roster;
	uint8_t sealed[GT_DATE_MAX];
	size_t n;
	bool missed;
	bool signs; /* with config.date_seed */
	struct gt_key key;
};

/*   1. an item's seq <= seq[its kind]; each change takes the next one
 *   2. layers: all rows of kind LAYER, or the first GT_LAYERS_MAX of them
 *   3. contest: the database names an epoch that no parent has, until what was
 *      shown is answered; else it names parent_epoch
 *   4. contests = requests of that kind that are outstanding
 *   5. all up to met_to were met with the layers met_by; while meeting, those
 *      behind it are to be; without a parent never
 *   6. said false: the table of that name is empty */
struct gt_catalogue {
	int64_t seq[4]; /* last in the feed, by Kind */
	struct gt_layer_row *layers;
	size_t nlayers, caplayers;
	bool ages; /* some rule looks at age */
	uint64_t age_due;
	uint64_t layers_generation; /* grows when the layers were loaded anew */
	int64_t strangers;          /* names only children know */
	uint64_t entries;           /* resources, and names of such */
	bool entries_missed;        /* some were not taken (entries.c) */
	uint64_t entries_ms;        /* when that was last said; 0: never */
	uint64_t signers_missed; /* whose was refused (signer.c); 0: nobody's */
	int64_t looked;        /* heal.c: rows up to this one, in this round */
	uint64_t look_due;     /* ... and when to look on */
	bool looking;          /* ... which no other event may bring about */
	int64_t version_floor; /* least version of what is published from now */

	/* what the parent gives, met with the layers here (cap.c) */
	struct gt_id met_by;
	int64_t met_to;
	uint64_t met_generation; /* of the layers, when last looked at */
	bool meeting, said;
	bool missed; /* of what is to be held again the words are gone */
	size_t ncapped;
	char capped_first[GT_RID_MAX + 1];

	/* following the parent */
	struct gt_counts counts;
	int64_t cursor;
	uint8_t parent_epoch[GT_EPOCH_BYTES];
	bool layer_news;     /* our own layer is to be offered */
	bool contest;        /* shown to the parent, and not all answered */
	bool contests_left;  /* ... nor all asked */
	uint32_t contests;   /* under way, for us and for children */
	bool inventory_done; /* the last page is sent */
	char inventory_after[GT_RID_MAX + 1];

	struct gt_pending pending[GT_PENDING_MAX];
	struct gt_again again[GT_AGAIN_MAX];
	uint64_t again_due; /* something waits until then; 0: nothing does */
	struct gt_date date;
};

/* ------------------------------------------------------------- item */

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
	const char *unborne;      /* the member whose key this needs to bear and
	                      * does not by the roster here; NULL: it does */
	const Gt__Entry *entry;   /* RESOURCE */
	const Gt__Layer *layer;   /* LAYER */
	const Gt__Member *member; /* MEMBER */
};

/* *found false: no such item. */
int gt_item_get(struct gt_node *n, Gt__Kind kind, const char *id,
                struct gt_item *out, bool *found);
/* The item a row of ITEM_BY_ID or ITEMS_AFTER holds. */
int gt_item_of_row(struct gt_node *n, sqlite3_stmt *st, struct gt_item *out);
/* Entry of a stored Signed, which may be changed; NULL: not one, or out of
 * memory. */
Gt__Entry *gt_item_entry(struct gt_node *n, struct gt_bytes sealed);
/* "resource", "layer", "member", as audit rows say it. */
const char *gt_kind_name(Gt__Kind kind);
/* Decodes and checks a Signed. *verdict is 0 or the -GT_E... it is refused
 * with; why says more. */
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
/* Counts them, at START. */
int gt_item_strangers(struct gt_node *n);
/* Takes an item out of this node's holding: denied from now on. *had: it was
 * there to be taken out. */
int gt_item_retract(struct gt_node *n, const char *id, bool *had);
/* The signed body is what the hash of its row says; a hash of no hash's length
 * says nothing. */
bool gt_item_whole(struct gt_node *n, struct gt_bytes hash,
                   struct gt_bytes sealed);
/* That row is not whole: it is looked at next. */
void gt_heal_suspect(struct gt_node *n, int64_t rid);
/* Looks at more rows, if it is time; gives up and asks again for what is
 * damaged. */
int gt_heal_time(struct gt_node *n);
/* Loads all layers from the store anew. */
int gt_layers_load(struct gt_node *n);
/* Names the layers that bind a place: equal if they are the same. */
void gt_layers_hash(const struct gt_node *n, const char *code,
                    struct gt_id *out);

/* ---------------------------------------------------------- publish */

/* Issues what this node published once more, above version `above`: others
 * hold something else under its name. */
int gt_publish_again(struct gt_node *n, Gt__Kind kind, const char *id,
                     int64_t above);
/* What is published from now on is newer than anything forgotten. */
int gt_publish_renew(struct gt_node *n);

/* ------------------------------------------------------------ again */

/* START: what waits still does. */
int gt_again_load(struct gt_node *n);
/* A node below gave up version `above` of what this node published, which is at
 * version `held`, not above it: it is issued anew, now or in a while. */
int gt_again(struct gt_node *n, const char *id, int64_t held, int64_t above);
/* TIME: what has waited long enough. */
int gt_again_time(struct gt_node *n);

/* ---------------------------------------------------------- contest */

/* The parent sent what this node cannot take (gt_item_take's result). */
int gt_contest_refused(struct gt_node *n, const struct gt_claim *c, int result);
/* Whether a checked claim is one a child may show: of this node or one
 * above. */
bool gt_contest_concerns(const struct gt_node *n, const struct gt_claim *c);
/* A child shows a body; it is answered at once or when the parent has
 * answered. */
int gt_contest_shown(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                     const struct gt_claim *c);
/* A child gave up that version of a resource, which has no body to show. */
int gt_contest_named(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const char *id, uint64_t version);
/* The next link compares everything: the parent may not know what is here. */
int gt_contest_all(struct gt_node *n);
/* The link to the parent is gone: nothing is under way. */
int gt_contest_down(struct gt_node *n);

/* ------------------------------------------------------ judge, feed */

/* Judges what the child has not been judged for, up to a bounded amount; *more
 * is set if there is some left. */
int gt_judge(struct gt_node *n, struct gt_peer *child, bool *more);
/* True if gt_judge would find something to do. */
bool gt_judge_due(const struct gt_node *n, const struct gt_peer *child);
/* True if that is worth doing now, though the child asks for nothing yet: it is
 * busy taking in what it was sent, and should not have to wait after that. */
bool gt_judge_ahead(const struct gt_node *n, const struct gt_peer *child);
/* MIRROR or DENY: whether that row of the roster is its business. */
enum gt_verdict gt_judge_member(const struct gt_item *item,
                                const struct gt_peer *c);
/* All children here are judged again from the start, for resources. */
void gt_judge_anew(struct gt_node *n);
/* Answers the child's parked Changes if there is news or its time is up. */
int gt_feed_parked(struct gt_node *n, struct gt_peer *p);

/* -------------------------------------------------------------- cap */

/* START, when feed and layers are loaded: how far all was met, by what. */
int gt_cap_load(struct gt_node *n);
/* Takes a resource as the parent gives it, as far as the layers here allow;
 * *result as gt_item_take. */
int gt_cap_take(struct gt_node *n, const struct gt_claim *c,
                const struct gt_decision *said, int *result);
/* After an answer of the parent's: one line for the operator if any was held
 * back. */
int gt_cap_tell(struct gt_node *n);
/* The parent says nothing of that resource, or of any, any more. */
int gt_cap_forget(struct gt_node *n, const char *id);
int gt_cap_forget_all(struct gt_node *n);
/* All is met again. */
void gt_cap_anew(struct gt_node *n);
/* Whether something is to be met: other layers than before, or what is left. */
bool gt_cap_due(const struct gt_node *n);
/* TIME: meets some of it. */
int gt_cap_time(struct gt_node *n);

/* ------------------------------------------------------------- date */

/* START. */
int gt_date_load(struct gt_node *n);
/* Whether that is a date, not an item. */
bool gt_date_is(struct gt_node *n, struct gt_bytes sealed);
/* Takes a date that somebody sent, if it is good and newer. *result: 0, or the
 * -GT_E... it is refused with, and why; -GT_ESTALE: not newer. */
int gt_date_take(struct gt_node *n, struct gt_bytes sealed, int *result,
                 char why[GT_WHY]);
/* The same of a neighbour's. None: nothing. */
int gt_date_try(struct gt_node *n, ProtobufCBinaryData sealed);
/* As that, and what is wrong with it is logged. */
int gt_date_from(struct gt_node *n, ProtobufCBinaryData sealed);
/* After a turn's events: signs a new one, if that is this node's to do and due,
 * and says what has become of the newest. */
int gt_date_look(struct gt_node *n);
/* When that is due by time alone, in mono_ms; UINT64_MAX: never. */
uint64_t gt_date_deadline(const struct gt_node *n);
/* How new it is by the clock of now. */
enum gt_date_state gt_date_state(const struct gt_node *n);
/* What a neighbour is to be told that was last told the date told_ms; empty:
 * nothing. */
struct gt_bytes gt_date_news(const struct gt_node *n, int64_t told_ms);
/* A new entry was refused. */
int gt_date_miss(struct gt_node *n);
/* Some were, and are to be had: all is to be compared with the parent. */
bool gt_date_back(const struct gt_node *n);
/* That is done. */
int gt_date_caught_up(struct gt_node *n);

/* ----------------------------------------------------------- signer */

/* START. */
int gt_signer_load(struct gt_node *n);
/* What that member should have signed was refused: by the roster here it is none,
 * or has another key. */
int gt_signer_miss(struct gt_node *n, const char *code);
/* The roster has a new row by which that one is an active member. */
int gt_signer_heard(struct gt_node *n, const char *code);
/* Of somebody heard of since something was refused: all is to be compared with
 * the parent. */
bool gt_signer_back(const struct gt_node *n);
/* That is done. */
int gt_signer_caught_up(struct gt_node *n);

/* ---------------------------------------------------------- entries */

/* START: how many there are, and whether some were not taken. */
int gt_entries_load(struct gt_node *n);
/* *is: the claim is an entry not known yet, and there are as many as may be. It
 * is not taken then, and that is told. */
int gt_entries_over(struct gt_node *n, const struct gt_claim *c, bool *is);
/* Some were not taken, and more may be here now: all is to be compared with the
 * parent. */
bool gt_entries_back(const struct gt_node *n);
/* That is done. */
int gt_entries_caught_up(struct gt_node *n);

/* ----------------------------------------------------------- follow */

/* The parent is READY: asks for changes, or compares everything first. */
int gt_follow_start(struct gt_node *n);

#endif
