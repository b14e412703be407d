/* read.h: what readers (HTTP, command line, auditors) ask of the database.
 *
 * Here lives every question about what a node holds: its SQL, the plan of a
 * long search, and the shape of the answer. Nobody above plans a query; who
 * needs another answer adds a question. The room may use base, policy, xapi,
 * trust and store; it opens no database and touches no file.
 *
 * A reader has a read-only connection of its own and never checkpoints.
 * Transactions are one statement long, so that checkpoints do not starve; a
 * long scan is many. Functions that return a jansson value give it to the
 * caller, or NULL with gt_reader_why() set; the others say how they fail. JSON
 * shapes are given at each function; times are ISO 8601 in UTC, ids and hashes
 * hex or text. One reader, one thread.
 * Tests: u_read.c, u_read_shapes.c. */
#ifndef GT_READ_H
#define GT_READ_H

#include <jansson.h>

#include "base.h"
#include "figures.h"
#include "person.h"
#include "policy.h"
#include "query.h"
#include "sha2.h"

struct sqlite3;
struct gt_buffer;
struct gt_reader;

/* A reader on a database the caller opened, best read-only. It owns db from
 * here, also on failure, and sets what a reader must not forget: query_only, no
 * checkpoint ever, a busy timeout of five seconds, a small cache. NULL, with
 * why: out of memory, or not the schema. */
struct gt_reader *gt_reader_new(struct sqlite3 *db, char *why, size_t why_cap);
/* Closes its database. NULL is fine. */
void gt_reader_free(struct gt_reader *r);
/* Nothing is asked for a while: gives back what the last answer lies in. */
void gt_reader_rest(struct gt_reader *r);
/* What went wrong last, for people; good until the next question. */
const char *gt_reader_why(const struct gt_reader *r);
/* Whether since this was asked last the database could not be read, and will not
 * be tomorrow: damage, or a disk that does not give it. */
bool gt_reader_broke(struct gt_reader *r);
/* Can the database be read? One row is, whatever it holds. */
bool gt_read_ping(struct gt_reader *r);

/* Looks at how every page of the database hangs together (PRAGMA quick_check),
 * until `enough` says so. 1: it is whole; 0: there was no time for all of it;
 * -GT_EDAMAGED: it is damaged; -GT_ESTORE: it cannot be read just now. */
int gt_read_whole(struct gt_reader *r, bool (*enough)(void *arg), void *arg);
/* Looks through the rows for what no program writes (store/domain.h), until
 * `enough` says so. 1: there is none; 0: there was no time for all of them;
 * -GT_EDAMAGED: there is some, gt_reader_why says which; *only_here: of a row
 * that no neighbour can have. -GT_ESTORE: they cannot be read. */
int gt_read_possible(struct gt_reader *r, const char *code, bool root,
                     bool (*enough)(void *arg), void *arg, bool *only_here);

/* What the rows of a page of the lists below may come to, as they are stored:
 * with more it ends, short, and says `next`. One that is larger comes alone. */
enum { GT_PAGE_BYTES = 4 << 20 };

/* -------------------------------------------------------- catalogue */

struct gt_resource_query {
	const char *text;     /* in the id or any title, ASCII letters in
	                         either case; NULL: any */
	const char *type;     /* NULL: any */
	const char *audience; /* NULL: any */
	const char *subject;  /* NULL: any */
	int verdict;          /* -1: any */
	const char *state;    /* one of the words below, NULL: any */
	const char *after;    /* id to continue after, NULL: from the start */
	size_t limit;         /* 0: 100; at most 1000 */
};
/* {"resources": [R...], "next": id or null}; next: there may be more, also where
 * the page is short or empty (GT_LOOK_ENTRIES, GT_PAGE_BYTES).
 * R = {"id","version","type","title":{lang:text},"publisher","audiences":[],
 *      "subjects":[],"languages":[],"licence","regions":[],"keywords":[],
 *      "verdict","priority","rule","layer","state","size","plain_size",
 *      "members","present","frames","object","created","modified","own",
 *      "repair"}
 *
 * States. The first line that fits is a resource's state at this node:
 *   withdrawn  its latest version is withdrawn
 *   excluded   verdict deny
 *   listed     verdict metadata: known, not to be stored
 *   complete   it has no content, or its object is here whole
 *   refused    its object is not what was signed, or hostile: see the audit
 *   damaged    it was here whole, and its file is gone or damaged
 *   partial    some frames are durable, or the file is being checked
 *   wanted     the object is known to be missing, or the verdict is mirror, or
 *              it is on-demand and was asked for
 *   listed     on-demand, and nobody asked
 * repair, of what is damaged (else null): what makes it whole again.
 *   parent     it is fetched again from the node above
 *   asked      so it is, once somebody asks for it
 *   publish    nobody above has it: it was published here, and must be again
 * stuck, of what is wanted and does not come (else null): {why, since, detail}
 *   above      the node above, detail, has it not, or not whole
 *   file       its file here cannot be used: detail, in English */
json_t *gt_read_resources(struct gt_reader *r,
                          const struct gt_resource_query *q);
/* R with "description":{lang:text}, "start" and "thumbnail" as its entry names
 * them. JSON null: none, or retracted. */
json_t *gt_read_resource(struct gt_reader *r, const char *id);
/* The same of a resource whose content is, or shall be, that object: one that
 * was published here before others. */
json_t *gt_read_resource_of(struct gt_reader *r, const struct gt_id *object);

/* What is needed to serve a resource: the object held complete (the latest, or
 * the older one while the new one is being fetched). 0, or -GT_EUNKNOWN (no such
 * resource, or denied), -GT_EUNAVAILABLE (not here yet), -GT_ESTORE. */
int gt_read_object(struct gt_reader *r, const char *id, struct gt_id *object);
/* 0: the object is held complete. -GT_EUNKNOWN: it is not; -GT_ESTORE. */
int gt_read_complete(struct gt_reader *r, const struct gt_id *object);

/* The manifest of an object, complete or not, which may have 64 MiB and is read
 * in pieces: its size; the bytes, within it; and that this is over. One at a
 * time, and no other question meanwhile. 0, -GT_EUNKNOWN (it is not here),
 * -GT_ESTORE. */
int gt_read_manifest_begin(struct gt_reader *r, const struct gt_id *object,
                           uint64_t *n);
/* A gt_bytes_at (base.h), of a reader. */
int gt_read_manifest_at(void *reader, uint64_t offset, uint8_t *out, size_t n);
/* Also when none was begun. */
void gt_read_manifest_end(struct gt_reader *r);

/* What an object's file has to do with this node. */
enum gt_claim {
	GT_CLAIM_WANTED, /* something of it counts, or it was published here */
	GT_CLAIM_GIVEN_UP, /* refused; or nothing of it counts; or the audit log
	                      says it was removed or about to be adopted */
	GT_CLAIM_UNKNOWN,  /* the database never heard of it */
};
/* 0 with *claim, or -GT_ESTORE. */
int gt_read_claim(struct gt_reader *r, const struct gt_id *object,
                  enum gt_claim *claim);

/* An object of which something counts, and what its file must be. */
struct gt_held {
	struct gt_id id;
	uint64_t size;
};
/* The next of them, at most cap, after those an earlier call left at *after (0:
 * from the first). *n < cap: there are no more. 0, or -GT_ESTORE. */
int gt_read_held(struct gt_reader *r, int64_t *after, struct gt_held *v,
                 size_t cap, size_t *n);

/* ----------------------------------------------------------- status */

/* Counts for status: {"code","resources":{verdict:{state:n}},"bytes",
 * "objects":{"complete","partial","wanted"},"records":{"count","quarantined",
 * "last_seq"},"certificates":{"issued","revoked"},"erased","clock":{"era",
 * "began","moved"},"children":[{"code","acked","vseq","seen","status":{...}}],
 * "audit_rows"}. moved: {"era","at","by_s"} of the last time the clock was
 * found set, null: never; quarantined, issued, revoked, erased: at most
 * GT_LOOK_ROWS are counted. */
json_t *gt_read_status(struct gt_reader *r);

/* ------------------------------------------------------------ audit */

struct gt_audit_query {
	int64_t from_ms, to_ms; /* [from, to); 0: open */
	/* globs; NULL: any */
	const char *actor, *peer, *subject, *event, *kind, *result;
	const char *type; /* type of the resource in subject, NULL: any */
	/* its id: rows about it, and about its content (damage, removal,
	 * repair, transfers), that of now and what was removed last; NULL: any
	 * subject */
	const char *resource;
	int64_t after; /* aid to continue after */
	size_t limit;  /* 0: 100; at most 10000 */
};
/* {"rows":[{"aid","at","node","actor","event","kind","subject","version",
 * "peer","verdict","rule","layer","result","bytes","transfer","detail"}],
 * "next": aid or null}; next: there may be more, also where the page is short or
 * empty (GT_LOOK_ROWS, GT_PAGE_BYTES). */
json_t *gt_read_audit(struct gt_reader *r, const struct gt_audit_query *q);

/* ---------------------------------------------------------- records */

/* A row that is not what it says it is - its statement, id, form or authority
 * were damaged, or came so from an earlier program - is a *gap*: it is never
 * given out as good and hides no other row. What holds rows says so in its
 * place. How many this reader has met: */
uint64_t gt_reader_gaps(const struct gt_reader *r);

/* {"records":[{"seq","id","origin","origin_seq","stored","era","voided":bool,
 * "statement":{...}}],"next"} ; after: seq. era: the clock era (records/era.h),
 * 0: of a program that knew none, when the clock may have been any. A gap has null for its statement,
 * and "gap": what is wrong. next: seq or null; short as above. */
json_t *gt_read_records(struct gt_reader *r, int64_t after, size_t limit);
/* One statement as an LRS renders it, malloc'ed, with *voided told; NULL with
 * *status -GT_EUNKNOWN, -GT_EDAMAGED (a gap), -GT_ESTORE. Another's than the
 * authority's (NULL: anybody's) is not known. */
char *gt_read_statement(struct gt_reader *r, const uint8_t id[GT_UUID_BYTES],
                        const char *authority, bool *voided, int64_t *stored_ms,
                        int *status);
/* The newest record's seq and when it was stored; 0 and 0 when there is none.
 * 0, or -GT_ESTORE and nothing written. */
int gt_read_newest(struct gt_reader *r, int64_t *seq, int64_t *stored_ms);

struct gt_statements_query {
	/* Stored behind that moment, not behind that one; INT64_MIN, INT64_MAX:
	 * ever. With the mark of an era (stored.h) that had such a moment it is
	 * a place in the order of (clock era, seq). Else it is a time: behind
	 * it is what bears a later one, in whichever era, and what comes after
	 * the first place that may be meant, so that who reads on from what he
	 * was told misses nothing; until a moment of the era that goes on comes
	 * what lies before its place too. (Of times behind the begin of the
	 * newest GT_LOOK_ERAS nothing older is looked through.) */
	int64_t since_ms, until_ms;
	unsigned since_mark, until_mark;
	/* The seqs among which to look, both ends with them: as an earlier
	 * answer left them, or a stranger says, from 1. low 0: those stored
	 * in the time above, which otherwise counts if timed, as an earlier
	 * answer left it, and else for nothing. */
	int64_t low, high;
	bool timed;
	/* as the node wrote it; NULL: anybody's. Others are passed over as what
	 * is voided is. */
	const char *authority;
	/* those that fit it, or target one that does; NULL: all */
	const struct gt_filter *filter;
	/* how they are told, in which languages (tell.h) */
	enum gt_telling how;
	const char *languages;
	bool ascending; /* the first stored comes first; or the last */
	size_t limit;   /* statements and gaps at most */
	size_t bytes;   /* with more than that told, none is begun */
	/* {"seq","id","stored","why"} of each gap is put behind what it holds,
	 * a comma between them; NULL: nobody asks */
	struct gt_buffer *gaps;
};
/* Puts a page of statements behind what out holds, a comma between them, each
 * as gt_read_statement renders it; what is voided is left out. low and high
 * become what is left to be looked at: nothing when low > high. That may hold
 * no statement any more, and a page that met very many voided ones may end
 * short of its limit, even empty, with some left: it costs what it tells and
 * at most ten thousand rows more, with a filter twenty, wherever low and high
 * lie. 0; or -GT_ESTORE,
 * and out, low and high are of no use. out->failed is the caller's to look
 * at. */
int gt_read_statements(struct gt_reader *r, struct gt_statements_query *q,
                       struct gt_buffer *out);

/* {"copies":[{"hid","code","since","tried","address","epoch","right",
 * "linked_seen","linked_epoch"}],"next"}: children that are held off, for another
 * of their code is linked; right: "linked", "held", or "": nobody has said.
 * after: hid. In read_copies.c. */
json_t *gt_read_copies(struct gt_reader *r, int64_t after, size_t limit);
/* {"quarantine":[{"qid","id","origin","via","at","reason","statement"}],
 * "next"} ; after: qid. next: qid or null; short as above. */
json_t *gt_read_quarantine(struct gt_reader *r, int64_t after, size_t limit);
/* One row of it, with "origin_seq", "stored" (at its origin, as it said),
 * "form", "bytes" (of the body) and "body": the text as it came, bytes that are
 * no UTF-8 as '?'. JSON null: there is none of that number. */
json_t *gt_read_quarantined(struct gt_reader *r, int64_t qid);

/* ------------------------------------------------------------ preview */

struct gt_pseudonym_source;

/* {"to","level","looked","did":{"pass","redact","pseudonymise","aggregate",
 * "drop"},"keyless","samples":[{"seq","treatment","rule","layer","version",
 * "body"}]}: what the layers held here would make of the last `limit` records
 * here (1,000 if 0, 10,000 at most) on their way to the node of that code.
 * keyless: would leave under pseudonyms, and no key is here for them. A sample
 * of each treatment, the newest, as it would leave; body null: it would not.
 * names: NULL, no keys. NULL: why is set. */
json_t *gt_read_preview(struct gt_reader *r, const char *to, size_t limit,
                        const struct gt_pseudonym_source *names);

/* -------------------------------------------------------------- seals */

/* {"seq","id","form","body" (its SHA-256),"flags","stored","stored_ms","origin","policy",
 * "authority","is":"genuine"|"changed"|"altered"|"unknown"|"unsealed"}, and of its seal
 * "by", "leaf", "leaves", "key" (the first bytes of the one it was made with, if
 * it is genuine), "path":[{"at","n","hash"}], "signature": all that is needed to
 * work the root out and check it elsewhere (PROTOCOL.md M49). changed: by another than
 * where it was handed in, as its policy says. unknown: no node of the roster here
 * made it. {}: there is no such record. NULL: why is set. */
json_t *gt_read_seal(struct gt_reader *r, const uint8_t id[GT_UUID_BYTES]);

/* ------------------------------------------------------------ reports */

/* What a report may be told apart by. */
enum gt_report_by {
	GT_REPORT_REGION,  /* the place where it was handed in */
	GT_REPORT_SUBJECT, /* of the resource, as the catalogue here has it */
	GT_REPORT_RESOURCE,
	GT_REPORT_MONTH, /* 2026-11 */
	GT_REPORT_DAY,
	GT_REPORT_YEAR,
	GT_REPORT_VERB,
	GT_REPORT_ACTIVITY,
	GT_REPORT_BYS
};
/* Its name; NULL beyond. That of a name; -1: there is none. */
const char *gt_report_by_name(unsigned by);
int gt_report_by_parse(const char *name, size_t n);

struct gt_report_query {
	enum gt_report_by by[GT_REPORT_BYS]; /* each once */
	size_t nby;
	int level; /* places are those of that depth (code.h); -1: the nodes */
	enum gt_counts_by counts_by; /* figures.h */
	const char *within;          /* only of that place; NULL: of all */
	const char *from, *until;    /* months, both with it; NULL: all */
	bool plain; /* looks at every record, whatever sums there are */
	/* whoever asks waits no longer; NULL: he does */
	bool (*enough)(void *arg);
	void *arg;
};

/* Whether sums are kept for it (records/reckon.h); else every record is looked
 * at. */
bool gt_report_kept(const struct gt_report_query *q);
/* {"node","by":[...],"level","counts_by","rows":[{"region",... as by,"visits",
 * "learners","completions","hours","needs","statements"}],"total":{the same},
 * "ahead","gaps"}: what was done, of all records here but those that are voided
 * or void (deed.h says what counts as what). level: "" or its name. A statement about something of
 * several subjects counts for each, and once in the total; "-": of no subject,
 * about no resource. ahead: statements whose timestamp lies an hour behind the
 * time at which this node received them, or more; gaps: rows that cannot be
 * read. NULL: why is set; *status -GT_ELIMIT: it comes to too many rows,
 * -GT_ETIMEOUT: enough said so, -GT_ESTORE. */
json_t *gt_read_report(struct gt_reader *r, const struct gt_report_query *q,
                       int *status);
/* {"groups":[{"seq","region","verb","activity","month","statements","learners",
 * "counted"}],"next"}: what was told of groups of learners, here and below
 * (privacy/counted.h). activity null: of several, each too rare. after: seq. */
json_t *gt_read_groups(struct gt_reader *r, int64_t after, size_t limit);
/* What is demanded of the record of that id (GT_UUID_BYTES), on its way from
 * here to the root: {"id","seq","origin","policy","hops":[{"from","to","level",
 * "treatment","fields","group","rule","layer","version","done","layers":[{
 * "layer","version","rule","treatment","fields","group"}]}]}. The first of the
 * fields are the join, the layers what each of them says; rule "": none of its
 * rules is for it. done: what was done to it on the way before satisfies that. It
 * is judged everywhere as it is here. JSON null: there is none of that id. NULL:
 * why is set. */
json_t *gt_read_demanded(struct gt_reader *r, const uint8_t *id);
/* {"to","looked","changed","changes":[{"was","becomes","count","seq"}]}: what
 * that layer would change for the last `limit` records here (as above) on their
 * way there, if it was this node's own. was, becomes: treatments, the same where
 * fields, or the group, differ; seq: of the newest. NULL: why is set. */
json_t *gt_read_demand_diff(struct gt_reader *r, struct gt_bytes layer,
                            const char *to, size_t limit);

/* ------------------------------------------------------ certificates */

/* {"certificates":[{"id","statement","at","revoked","why","title","name"}],
 * "next"}: those issued here, from number `after` on. revoked: when, or null. */
json_t *gt_read_certificates(struct gt_reader *r, int64_t after, size_t limit);
/* A document that was issued here, the list of that number as it was signed last;
 * malloc'ed. NULL: *status is -GT_EUNKNOWN, there is none, -GT_ENOMEM or
 * -GT_ESTORE. */
char *gt_read_certificate(struct gt_reader *r, const char *id, int *status);
char *gt_read_certificate_list(struct gt_reader *r, int64_t number,
                               int *status);
/* What the roster calls this node, "": nothing. False: why is set. */
bool gt_read_own_name(struct gt_reader *r, char *name, size_t cap);
/* {"verdict","why","id","title","name","activity","from","issuer",
 * "issuer_name","list_as_of"}: whether the document, read with GT_JSON_STRICT, is
 * a certificate of somebody whom this node's roster has, or a row of the roster
 * that came with that one's list. verdict: "genuine", "altered", "revoked",
 * "unknown" (its issuer is, or was revoked), "bad-list" (a list that should say
 * whether it was revoked cannot be read, or is another's), "none" (it is no
 * certificate). list: the issuer's list of those revoked, NULL; what came here
 * counts beside it, and this node's own if it is the issuer; list_as_of: the time
 * of the latest of them, or null: whether it was revoked is not known here. NULL:
 * why is set. */
json_t *gt_read_verify(struct gt_reader *r, const json_t *document,
                       const json_t *list);

/* ----------------------------------------------------------- a person */

/* {"found":[{"part","number","id","origin","at","as","activity","name",
 * "body"}],"next":{"part","after"}}: where the person is met, from that part on
 * and, in it, after that number. part: "statement", "quarantine", "document",
 * "lost"; as: "agent", "text"; id of a statement, activity and name (its id) of
 * a document; body: JSON, or a text where it is none. A page looks at some
 * thousand rows and may find nothing in them: next is null when all is looked
 * through. */
json_t *gt_read_of_person(struct gt_reader *r, struct gt_person *p,
                          enum gt_person_part part, int64_t after);
/* As it is called there. */
const char *gt_person_part_name(enum gt_person_part part);

/* -------------------------------------------------------- documents */

struct gt_document_key;

/* A document, malloc'ed. */
struct gt_document_found {
	char *type;
	uint8_t *body; /* one byte more than n is there */
	size_t n;
	char etag[43];      /* quoted */
	int64_t updated_ms; /* put or merged last, by its origin's clock */
};
/* Also of one that is all zero. */
void gt_document_found_free(struct gt_document_found *d);
/* The document of a key with an id. 0; -GT_EUNKNOWN, none or deleted;
 * -GT_ESTORE. */
int gt_read_document(struct gt_reader *r, const struct gt_document_key *key,
                     struct gt_document_found *out);
/* The ids of all of a key, of any registration if it names none, that were
 * stored here behind since_ms, each once, in order: an array of texts.
 * *newest_ms: when the last of them was put, 0: there are none. */
json_t *gt_read_document_ids(struct gt_reader *r,
                             const struct gt_document_key *key,
                             int64_t since_ms, int64_t *newest_ms);
/* Documents that lost against others: {"conflicts":[{"lid","at","won","kind",
 * "activity","id","origin","updated","type","bytes"}],"next"}; whose they are is
 * not said. */
json_t *gt_read_document_conflicts(struct gt_reader *r, int64_t after,
                                   size_t limit);
/* One of them, with "agent", "registration" and "body" beside; JSON null: there
 * is none of that number. */
json_t *gt_read_document_conflict(struct gt_reader *r, int64_t lid);

/* The activity: {"objectType","id","definition"}, the last if a statement that
 * was looked at has one. What several say is put together, what a newer one says
 * counts, names and descriptions language by language. Looked at are the newest
 * GT_LOOK_ROWS records, and of them the first thousand that name it. */
json_t *gt_read_activity(struct gt_reader *r, const char *id);
/* The person an agent is, JSON that was found to be one and its canonical form
 * (document.h): {"objectType":"Person",...}, lists of its identifiers and names
 * as statements have them, among those that gt_read_activity looks at. */
json_t *gt_read_person(struct gt_reader *r, struct gt_bytes agent,
                       struct gt_bytes canonical);

/* Of an attachment's bytes: wanted, some row says that they are or were here;
 * here, that they are (NULL: nobody asks). 0; -GT_ESTORE. */
int gt_read_attachment(struct gt_reader *r, const struct gt_sha2 *sha2,
                       bool *wanted, bool *here);
/* The next that is here after *aid (0: the first), which is its number then. 1;
 * 0: there is none; -GT_ESTORE. */
int gt_read_attachment_next(struct gt_reader *r, int64_t *aid,
                            struct gt_sha2 *sha2, uint64_t *size);

/* ------------------------------------------------ policy and roster */

/* The decision for a resource at a receiver, hop by hop from the root:
 * {"id","for","hops":[{"code","level","verdict","effective","layers":[
 * {"layer","version","rule","verdict","priority"}]}],"known_below": code}.
 * The hops are the shorter places the code lies in, then the code itself (a
 * suffixed node stands beside the node of its place), from the publisher down
 * if it is one of them: that one has what is its own whatever a rule says, and
 * has "own": true and no layers. verdict is the meet of
 * the hop's layers, effective the least of that and what the hop above can pass
 * on (policy.h). Layers the node does not hold are not asked; known_below names
 * the deepest code whose layers are all here: an ancestor, this node, or a
 * child that has linked. JSON null: no such resource. */
json_t *gt_read_explain(struct gt_reader *r, const char *id, const char *code,
                        int64_t now_ms);
/* {"layers":[{"origin","version","rules","demands": how many,"fallback",
 * "own"}]} */
json_t *gt_read_layers(struct gt_reader *r);
/* {"members":[{"code","level","name","standing","publisher","version"}]} */
json_t *gt_read_members(struct gt_reader *r);
/* {"rows":[HEX,...]}: every row of the roster as it was signed, and behind them
 * the newest date of the tree if there is one. */
json_t *gt_read_roster(struct gt_reader *r);
/* 1: the roster has that code, active or revoked; 0: it has not; -GT_ESTORE. */
int gt_read_enrolled(struct gt_reader *r, const char *code);
/* What people call an enrolled node or publisher; "" if the roster does not
 * say. False: -GT_ESTORE, or cap is too small. */
bool gt_read_name(struct gt_reader *r, const char *code, char *out, size_t cap);
/* The same of all children: {code: name}; who is not in the roster is not in
 * it. */
json_t *gt_read_names(struct gt_reader *r);
/* Who is enrolled under this very node and never was linked to it, by code:
 * {"count","first":[{"code","name"}]}, at most so many of them. Costs what lies
 * right below, not the whole tree: where a node is, what is in its place is left
 * to it. */
json_t *gt_read_never(struct gt_reader *r, size_t limit);

#endif
