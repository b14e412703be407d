/* schema.h: the database, one string. store.c creates it; readers rely on it.
 * Tests: u_store.c, u_read.c.
 *
 * Ids are text, hashes and epochs BLOBs, times milliseconds since the Unix
 * epoch. Enumerations are those of guantong.proto and the enums below. */
#ifndef GT_SCHEMA_H
#define GT_SCHEMA_H

enum { GT_SCHEMA_VERSION = 1 };

/* object.state: how much of an object's file is here. An object nobody wants
 * has no row. Allowed: WANTED -> PARTIAL -> CHECKING -> COMPLETE; CHECKING ->
 * PARTIAL (frames rotted) or REFUSED; WANTED -> REFUSED; COMPLETE -> PARTIAL (a
 * frame rotted). completed_ms stays: below COMPLETE it says that the object was
 * whole, and is *damaged* until it is so again. */
enum gt_object_state {
	GT_OBJECT_WANTED = 1,  /* no manifest yet */
	GT_OBJECT_PARTIAL = 2, /* manifest known, some frames durable */
	GT_OBJECT_CHECKING = 3,
	GT_OBJECT_COMPLETE = 4,
	GT_OBJECT_REFUSED = 5, /* hostile: never asked for again */
};

/* stuck.why: what keeps an object from coming. */
enum gt_stuck {
	GT_STUCK_ABOVE = 1, /* the node above has it not, or not whole */
	GT_STUCK_FILE = 2,  /* its file here cannot be made or written */
};

/* clock_era.cause: why it begins. */
enum gt_era_cause {
	GT_ERA_KEPT = 0,  /* stored by a program that knew no eras */
	GT_ERA_START = 1, /* this node was started */
	GT_ERA_BACK = 2,  /* the clock was set back */
	GT_ERA_AHEAD = 3, /* it was set ahead */
	GT_ERA_WRONG = 4, /* times of era 0 beyond the clock that was right */
};

/* spoilt.state: who may still have it. */
enum gt_spoilt {
	GT_SPOILT_ASK = 0,   /* the parent, or else a child */
	GT_SPOILT_BELOW = 1, /* a child: the parent has not */
	GT_SPOILT_LEFT = 2,  /* somebody gave it up: nobody is asked */
};

/* attachment.state: where its bytes are. */
enum gt_attachment_state {
	GT_ATTACHMENT_AWAITED = 0, /* named by a record, and never here */
	GT_ATTACHMENT_HERE = 1,
	GT_ATTACHMENT_LOST = 2, /* they were, and are gone or altered */
};

/* a column per line, which the formatter would not leave so */
/* clang-format off */
#define GT_SCHEMA \
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;" \
	/* Everything in the feed: resources, layers, members. One row per \
	 * thing, at its latest seq. verdict..layer: what applies to this \
	 * node. */ \
	"CREATE TABLE item(" \
	" rid INTEGER PRIMARY KEY," \
	" kind INTEGER NOT NULL," /* Kind */ \
	" id TEXT NOT NULL," /* resource id, or a code */ \
	" seq INTEGER NOT NULL," /* place in this node's feed */ \
	" version INTEGER NOT NULL," \
	" state INTEGER NOT NULL," /* State; members: Standing */ \
	" hash BLOB NOT NULL," /* SHA-256 of the signed body */ \
	" signed BLOB NOT NULL," /* encoded Signed, as received */ \
	" verdict INTEGER NOT NULL," /* effective here */ \
	" priority INTEGER NOT NULL," \
	" rule TEXT NOT NULL," \
	" layer TEXT NOT NULL," \
	" own INTEGER NOT NULL," /* published at this node */ \
	" type TEXT NOT NULL," /* for listings; '' if no resource */ \
	" title TEXT NOT NULL," \
	" object BLOB," /* wanted by the latest version */ \
	" prior BLOB," /* complete object of an older version, served until then */ \
	" asked INTEGER NOT NULL DEFAULT 0," /* on-demand and asked for */ \
	" updated_ms INTEGER NOT NULL);" \
	"CREATE UNIQUE INDEX item_id ON item(kind, id);" \
	"CREATE UNIQUE INDEX item_seq ON item(kind, seq);" \
	"CREATE INDEX item_object ON item(object) WHERE object IS NOT NULL;" \
	"CREATE INDEX item_prior ON item(prior) WHERE prior IS NOT NULL;" \
	"CREATE TABLE object(" \
	" oid INTEGER PRIMARY KEY," \
	" id BLOB NOT NULL UNIQUE," \
	" state INTEGER NOT NULL," /* enum gt_object_state */ \
	" size INTEGER NOT NULL," /* object file, bytes */ \
	" frames INTEGER NOT NULL," \
	" present INTEGER NOT NULL," /* frames durable */ \
	" transfer BLOB," /* 16 bytes, of the last fetch */ \
	" created_ms INTEGER NOT NULL," \
	" completed_ms INTEGER NOT NULL," /* whole last; 0: it never was */ \
	/* the large ones last: a small one is read without walking them */ \
	" have BLOB," /* bitmap of durable frames, bit i of byte i/8, low first */ \
	" manifest BLOB);" \
	"CREATE INDEX object_open ON object(state) WHERE state<4;" \
	/* Children and what each has been told. */ \
	"CREATE TABLE child(" \
	" cid INTEGER PRIMARY KEY," \
	" code TEXT NOT NULL UNIQUE," \
	" epoch BLOB," /* of the child's database */ \
	" filter BLOB," /* hash of the layers judged with */ \
	" judged_members INTEGER NOT NULL," /* feed seq judged up to: members */ \
	" judged INTEGER NOT NULL," /* the same for resources; layers are few */ \
	" vseq INTEGER NOT NULL," /* last change number given out */ \
	" acked INTEGER NOT NULL," /* last change it holds */ \
	" records INTEGER NOT NULL," /* its record seq we have */ \
	" rooted INTEGER NOT NULL," /* its record seq the root has */ \
	" status BLOB," /* encoded NodeStatus */ \
	" seen_ms INTEGER NOT NULL);" \
	/* The verdict for each (child, item), and the change that carried \
	 * it. vseq 0: nothing to tell (denied and never sent). A retraction \
	 * keeps its vseq until acknowledged. */ \
	"CREATE TABLE view(" \
	" cid INTEGER NOT NULL, rid INTEGER NOT NULL," \
	" vseq INTEGER NOT NULL," \
	" seq INTEGER NOT NULL," /* feed seq of the image judged */ \
	" verdict INTEGER NOT NULL," \
	" priority INTEGER NOT NULL," \
	" rule TEXT NOT NULL, layer TEXT NOT NULL," \
	" PRIMARY KEY(cid, rid)) WITHOUT ROWID;" \
	"CREATE UNIQUE INDEX view_vseq ON view(cid, vseq) WHERE vseq > 0;" \
	/* Learner records. seq is this node's own order, what its parent's \
	 * cursor counts. */ \
	"CREATE TABLE record(" \
	" seq INTEGER PRIMARY KEY AUTOINCREMENT," \
	" stream INTEGER NOT NULL," /* stream.sid */ \
	" origin_seq INTEGER NOT NULL," \
	" id BLOB NOT NULL," /* statement id, 16 bytes */ \
	" form BLOB NOT NULL," \
	" flags INTEGER NOT NULL," \
	" target BLOB," /* statement it voids */ \
	" origin_ms INTEGER NOT NULL," /* stored at the origin */ \
	" stored_ms INTEGER NOT NULL," /* stored here, never decreasing */ \
	" policy TEXT NOT NULL," \
	" authority TEXT NOT NULL," \
	" body BLOB NOT NULL);" \
	"CREATE UNIQUE INDEX record_id ON record(id);" \
	"CREATE UNIQUE INDEX record_key ON record(stream, origin_seq);" \
	"CREATE INDEX record_target ON record(target) WHERE target IS NOT NULL;" \
	"CREATE TABLE stream(" \
	" sid INTEGER PRIMARY KEY, code TEXT NOT NULL, epoch BLOB NOT NULL," \
	" last INTEGER NOT NULL," /* greatest origin_seq here */ \
	" UNIQUE(code, epoch));" \
	/* Same id, other form: kept, listed, never merged. */ \
	"CREATE TABLE quarantine(" \
	" qid INTEGER PRIMARY KEY, via TEXT NOT NULL, stream INTEGER NOT NULL," \
	" origin_seq INTEGER NOT NULL, id BLOB NOT NULL, form BLOB NOT NULL," \
	" origin_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL," \
	" reason TEXT NOT NULL, body BLOB NOT NULL," \
	" UNIQUE(stream, origin_seq, form));" \
	/* A child's batch: all its records up to `upto` are at the root once \
	 * our own record `need` is. */ \
	"CREATE TABLE batch(" \
	" cid INTEGER NOT NULL, upto INTEGER NOT NULL, need INTEGER NOT NULL," \
	" PRIMARY KEY(cid, upto)) WITHOUT ROWID;" \
	/* Who did what, when, under which rule, with what result. */ \
	"CREATE TABLE audit(" \
	" aid INTEGER PRIMARY KEY AUTOINCREMENT," \
	" at_ms INTEGER NOT NULL," \
	" node TEXT NOT NULL," /* where: this node's code */ \
	" actor TEXT NOT NULL," /* who: a code, or user:name */ \
	" event TEXT NOT NULL," /* publish, judge, receive, ... */ \
	" kind TEXT NOT NULL," /* resource, layer, object, ... */ \
	" subject TEXT NOT NULL," /* resource id, code, object id */ \
	" version INTEGER NOT NULL," \
	" peer TEXT NOT NULL," /* other end, '' if none */ \
	" verdict TEXT NOT NULL," \
	" rule TEXT NOT NULL, layer TEXT NOT NULL," \
	" result TEXT NOT NULL," /* ok, or an error's name */ \
	" bytes INTEGER NOT NULL," \
	" transfer TEXT NOT NULL," /* hex; same at both ends */ \
	" detail TEXT NOT NULL);" \
	"CREATE INDEX audit_at ON audit(at_ms);" \
	"CREATE INDEX audit_subject ON audit(subject);"

/* What was added since. Programs of the same schema version work with and
 * without it, so that a database goes back to the program before: nothing here
 * may change what that one reads or writes. `handover` comes last and says by
 * being there that all of it is: nothing is added to this block any more, for a
 * database that has it would never get that. What comes next is a block of its
 * own, with a mark of its own (store.c, add), as what is counted has (tally.h,
 * `tally_object`) and what the parent said (below, `said`). */
#define GT_SCHEMA_ADDED \
	/* bytes received so far of the transfer under way */ \
	"ALTER TABLE object ADD COLUMN received INTEGER NOT NULL DEFAULT 0;" \
	/* has this transfer been written down here? */ \
	"CREATE INDEX audit_serve ON audit(transfer) WHERE event='serve';" \
	/* Transfers that are done here, and written down, until the parent \
	 * has written them down too. */ \
	"CREATE TABLE handover(" \
	" hid INTEGER PRIMARY KEY," /* in the order they ended */ \
	" parent TEXT NOT NULL," \
	" transfer BLOB NOT NULL," \
	" object BLOB NOT NULL," \
	" bytes INTEGER NOT NULL," \
	" frames INTEGER NOT NULL);"

/* What the parent said of a resource beyond what the layers here allow
 * (catalogue/cap.c), while the item is as it was put under that seq. */
#define GT_SCHEMA_SAID \
	"CREATE TABLE said(" \
	" rid INTEGER PRIMARY KEY," \
	" seq INTEGER NOT NULL," \
	" verdict INTEGER NOT NULL," \
	" priority INTEGER NOT NULL," \
	" rule TEXT NOT NULL, layer TEXT NOT NULL);"

/* Numbers of the records that voided another one when anybody's void did: what
 * was voided stays so. There is none in a database made since. */
#define GT_SCHEMA_VOIDS \
	"CREATE TABLE void_kept(seq INTEGER PRIMARY KEY);" \
	"INSERT INTO void_kept SELECT seq FROM record" \
	" WHERE target IS NOT NULL AND flags&1;"

/* Whose voids a statement has met, in the order in which they are looked for: so
 * that it costs one look-up to know that none of them counts, however many
 * there are. Kept by triggers, whoever writes records. how: 0, counts under that
 * authority of that node; 1, an operator's, counts at that node and below,
 * whatever the authority; 2, of void_kept, counts. A record has no more than one
 * row. A block of its own, whose mark is the table. */
#define GT_VOIDS_OF(which) \
	"SELECT r.target,CASE WHEN r.seq IN(SELECT seq FROM void_kept) THEN 2" \
	" ELSE (r.flags&4)>0 END,s.code," \
	"CASE WHEN r.flags&4 THEN '' ELSE r.authority END,r.seq" \
	" FROM record r CROSS JOIN stream s ON s.sid=r.stream" \
	" WHERE r.target IS NOT NULL AND r.flags&1" which
#define GT_VOIDS_TRIGGER(when, row, what) \
	"CREATE TRIGGER voids_" when " ON record WHEN " row \
	".target IS NOT NULL BEGIN " what "(" \
	GT_VOIDS_OF(" AND r.seq=" row ".seq") ");END;"
#define GT_VOIDS_PUT "INSERT INTO voids SELECT * FROM"
#define GT_VOIDS_TAKE \
	"DELETE FROM voids WHERE (target,how,code,authority,seq) IN"
#define GT_SCHEMA_VOIDERS \
	"CREATE TABLE voids(" \
	" target BLOB NOT NULL," \
	" how INTEGER NOT NULL," \
	" code TEXT NOT NULL," \
	" authority TEXT NOT NULL," \
	" seq INTEGER NOT NULL," /* the record that voids */ \
	" PRIMARY KEY(target, how, code, authority, seq)) WITHOUT ROWID;" \
	"INSERT INTO voids " GT_VOIDS_OF("") ";" \
	GT_VOIDS_TRIGGER("new AFTER INSERT", "new", GT_VOIDS_PUT) \
	GT_VOIDS_TRIGGER("was BEFORE UPDATE OF stream,flags,target,authority", \
		"old", GT_VOIDS_TAKE) \
	GT_VOIDS_TRIGGER("is AFTER UPDATE OF stream,flags,target,authority", \
		"new", GT_VOIDS_PUT) \
	GT_VOIDS_TRIGGER("gone BEFORE DELETE", "old", GT_VOIDS_TAKE)

/* Stretches of this node's clock along the records: within one `stored` never
 * decreases (records/era.h). A block of its own, whose mark is the table: what
 * is there when it is made is era 0. */
#define GT_SCHEMA_ERAS \
	"CREATE TABLE clock_era(" \
	" era INTEGER PRIMARY KEY," \
	" seq INTEGER NOT NULL," /* the first record in it */ \
	" begin_ms INTEGER NOT NULL," \
	" end_ms INTEGER," /* the last moment it may bear; NULL: goes on */ \
	" cause INTEGER NOT NULL," /* enum gt_era_cause */ \
	" step_ms INTEGER NOT NULL," /* by which the clock was moved */ \
	" at_ms INTEGER NOT NULL);" /* when that was seen, by the new clock */ \
	"CREATE INDEX clock_era_seq ON clock_era(seq);" \
	"INSERT INTO clock_era SELECT 0,1,ifnull((SELECT stored_ms FROM record" \
	" ORDER BY seq LIMIT 1),0),NULL,0,0,0;"

/* Who gives the bytes of the fetch under way, or gave them: '' before anything
 * was asked for. A fetch that an earlier program began has none. */
#define GT_SCHEMA_SUPPLIER \
	"ALTER TABLE object ADD COLUMN supplier TEXT NOT NULL DEFAULT '';"

/* Records that are not what they were any more, or are not there: by their
 * number here and what is left of their names, until they come back from a
 * neighbour (records/spoilt.c) or are given up. */
#define GT_SCHEMA_SPOILT \
	"CREATE TABLE spoilt(" \
	" seq INTEGER PRIMARY KEY," \
	" stream INTEGER NOT NULL," \
	" origin_seq INTEGER NOT NULL," \
	" id BLOB NOT NULL," \
	" form BLOB NOT NULL," /* empty: not known */ \
	" state INTEGER NOT NULL," /* enum gt_spoilt */ \
	/* it was not at the root yet, as far as was known: nor counts what \
	 * a child handed up with it as there */ \
	" held INTEGER NOT NULL);" \
	"CREATE INDEX spoilt_id ON spoilt(id);"

/* Objects that are wanted and do not come, why and since when: for people
 * (content/stuck.c). A block of its own, whose mark is the table. */
#define GT_SCHEMA_STUCK \
	"CREATE TABLE stuck(" \
	" object BLOB PRIMARY KEY," \
	" why INTEGER NOT NULL," /* enum gt_stuck */ \
	" since_ms INTEGER NOT NULL," \
	" tried_ms INTEGER NOT NULL," /* last; the others come first */ \
	" detail TEXT NOT NULL) WITHOUT ROWID;" \
	"CREATE TRIGGER stuck_gone AFTER DELETE ON object BEGIN" \
	" DELETE FROM stuck WHERE object=old.id;END;"

/* Documents that courses keep (xapi/document.h), each as it was put last, or as
 * the trace of one that was deleted, and what lost against another when neither
 * knew of the other. A block of its own, whose mark is the table. A version is
 * who put it and his number for it; what it knew of is records/versions.h's. */
#define GT_DOCUMENT_OF \
	" kind INTEGER NOT NULL," /* enum gt_document_kind */ \
	" agent TEXT NOT NULL," \
	" activity TEXT NOT NULL," \
	" registration TEXT NOT NULL," \
	" id TEXT NOT NULL," \
	" origin TEXT NOT NULL," \
	" epoch BLOB NOT NULL," \
	" seq INTEGER NOT NULL," \
	" first_ms INTEGER NOT NULL," /* a parent had it first; 0: none yet */ \
	" updated_ms INTEGER NOT NULL," /* by the clock of its origin */
#define GT_DOCUMENT_REST \
	" gone INTEGER NOT NULL," \
	" actor TEXT NOT NULL," /* the agent as it came */ \
	" type TEXT NOT NULL," \
	" body BLOB NOT NULL);"
#define GT_SCHEMA_DOCUMENTS \
	"CREATE TABLE document_lost(" \
	" lid INTEGER PRIMARY KEY AUTOINCREMENT," \
	" at_ms INTEGER NOT NULL," \
	" won TEXT NOT NULL," /* origin of what won */ \
	GT_DOCUMENT_OF GT_DOCUMENT_REST \
	"CREATE INDEX document_lost_of ON document_lost(agent, activity);" \
	"CREATE TABLE document(" \
	/* in the order in which they came to be as they are here */ \
	" did INTEGER PRIMARY KEY AUTOINCREMENT," \
	GT_DOCUMENT_OF \
	" seen BLOB NOT NULL," /* versions that this one knew of */ \
	" stored_ms INTEGER NOT NULL," /* by the clock here */ \
	" up INTEGER NOT NULL," /* 1: the parent is yet to be told */ \
	" size INTEGER NOT NULL," \
	" etag TEXT NOT NULL," \
	GT_DOCUMENT_REST \
	"CREATE UNIQUE INDEX document_key" \
	" ON document(kind, agent, activity, registration, id);" \
	"CREATE INDEX document_owner ON document(agent, activity, size);" \
	"CREATE INDEX document_up ON document(did) WHERE up=1;"

/* Which versions lost against the one that is here, or against one that it was
 * put upon: who still has one of them keeps it for people (records/documents_take.h). */
#define GT_SCHEMA_BEATEN \
	"ALTER TABLE document ADD COLUMN beaten BLOB NOT NULL DEFAULT x'';"

/* What records name by its sha2, and which of them do. The bytes are files,
 * durable before they are called here (records/attach.c). A block of its own,
 * whose mark is the table. */
#define GT_SCHEMA_ATTACHMENTS \
	"CREATE TABLE attachment(" \
	" aid INTEGER PRIMARY KEY," \
	" sha2 BLOB NOT NULL UNIQUE," /* as long as its function's are */ \
	" size INTEGER NOT NULL," /* bytes; 0 until they were here */ \
	" state INTEGER NOT NULL," /* enum gt_attachment_state */ \
	" at_ms INTEGER NOT NULL);" /* since when it is so */ \
	"CREATE TABLE attached(" \
	" aid INTEGER NOT NULL," \
	" seq INTEGER NOT NULL," /* a record that names it */ \
	" PRIMARY KEY(aid, seq)) WITHOUT ROWID;"

/* A child that is held off, for another of its code is linked (node/twin.h). A
 * block of its own, whose mark is the table. */
enum gt_heldoff {
	GT_HELDOFF_UNJUDGED, /* nobody has said which is right */
	GT_HELDOFF_WRONG,    /* the other one is */
	GT_HELDOFF_RIGHT,    /* this one is: it is let in when it comes */
};
#define GT_SCHEMA_HELD \
	"CREATE TABLE held(" \
	" hid INTEGER PRIMARY KEY," \
	" code TEXT NOT NULL UNIQUE," \
	" shown BLOB NOT NULL," /* the token it shows */ \
	" epoch BLOB NOT NULL," /* of its database */ \
	" since_ms INTEGER NOT NULL," \
	" tried_ms INTEGER NOT NULL," /* the last time it came */ \
	" address TEXT NOT NULL," /* ... from there */ \
	" word INTEGER NOT NULL);" /* enum gt_heldoff */

/* Ids of records that were erased at somebody's wish, in the order in which that
 * was heard of here: they are known, and never taken again, and neighbours that
 * may have them are told (records/erase.c, erase_carry.c). A block of its own,
 * whose mark is the table. */
#define GT_SCHEMA_ERASED \
	"CREATE TABLE erased(" \
	" eid INTEGER PRIMARY KEY AUTOINCREMENT," \
	" id BLOB NOT NULL UNIQUE," /* the statement's */ \
	" code TEXT NOT NULL," /* where it was handed in; receipt 0: within which \
	                        * place it is not taken again, '': anywhere */ \
	" at_ms INTEGER NOT NULL," \
	" receipt INTEGER NOT NULL);" /* of the order; 0: given elsewhere */

/* Signatures over trees of records, made where they were handed in or changed
 * last, and which records here are which of their leaves: runs of numbers and of
 * leaves (records/sealed.c). A block of its own, whose mark is the table. */
#define GT_SCHEMA_SEALS \
	"CREATE TABLE seal(" \
	" sid INTEGER PRIMARY KEY," \
	" by TEXT NOT NULL," /* the node that made it */ \
	" count INTEGER NOT NULL," /* leaves */ \
	" signature BLOB NOT NULL UNIQUE," \
	" gaps BLOB NOT NULL);" /* of leaves that are not here, merkle.h */ \
	"CREATE TABLE sealed(" \
	" seq INTEGER PRIMARY KEY," /* the first record */ \
	" n INTEGER NOT NULL," \
	" sid INTEGER NOT NULL," \
	" leaf INTEGER NOT NULL);" /* the first record's */ \
	"CREATE INDEX sealed_of ON sealed(sid);"

/* Certificates of completion that were issued here, by the statement that tells
 * of it, and the lists that say which were revoked, as they were signed last
 * (records/certificate.c). A block of its own, whose mark is the table. */
#define GT_SCHEMA_CERTIFICATES \
	"CREATE TABLE certificate_list(" \
	" number INTEGER PRIMARY KEY," /* its bits: number * 131072 and on */ \
	" at_ms INTEGER NOT NULL," \
	" document BLOB NOT NULL);" \
	"CREATE TABLE certificate(" \
	" cid INTEGER PRIMARY KEY," /* its bit */ \
	" id TEXT NOT NULL UNIQUE," \
	" record BLOB NOT NULL UNIQUE," /* the statement's id */ \
	" at_ms INTEGER NOT NULL," \
	" revoked_ms INTEGER NOT NULL," /* 0: it is not */ \
	" why TEXT NOT NULL," /* it was */ \
	" document BLOB NOT NULL);"

/* Lists of revoked certificates, of everybody's whose came here, packed
 * (trust/status_list.h), in the order in which they came to be as they are, and
 * with each the row of the roster that says whose it is. A block of its own, whose
 * mark is the table. */
#define GT_SCHEMA_STATUS_LISTS \
	"CREATE TABLE status_list(" \
	" lid INTEGER PRIMARY KEY AUTOINCREMENT," \
	" code TEXT NOT NULL," /* its issuer */ \
	" number INTEGER NOT NULL," /* of the lists of that one */ \
	" at_ms INTEGER NOT NULL," /* when it was signed, by its issuer */ \
	" version INTEGER NOT NULL," /* of the row */ \
	" member BLOB NOT NULL," /* the row: Signed */ \
	" packed BLOB NOT NULL," \
	" UNIQUE(code, number));"

/* What was done, added up (records/reckon.h): of all records from fid / 2 to
 * last, by the one clock and, fid % 2, by the other (xapi/figures.h). It can be
 * made anew from them, and is once the row is gone: whoever changes a record, or
 * whether one counts, has the rows of those it lies among removed, the program
 * before this one too. A block of its own, whose mark is the table. */
#define GT_FIGURES_GONE(when, seq) \
	"CREATE TRIGGER figures_" when " BEGIN DELETE FROM figures WHERE fid" \
	" BETWEEN (SELECT max(fid)/2*2 FROM figures WHERE fid<=2*" seq "+1)" \
	" AND 2*" seq "+1 AND last>=" seq ";END;"
#define GT_SCHEMA_FIGURES \
	"CREATE TABLE figures(" \
	" fid INTEGER PRIMARY KEY," \
	" last INTEGER NOT NULL," \
	" body BLOB NOT NULL);" \
	GT_FIGURES_GONE("gone AFTER DELETE ON record", "old.seq") \
	GT_FIGURES_GONE("put AFTER INSERT ON record", "new.seq") \
	GT_FIGURES_GONE("is AFTER UPDATE OF flags,origin_ms,stored_ms," \
		"authority,body ON record", "new.seq") \
	GT_FIGURES_GONE("void AFTER INSERT ON voids", \
		"(SELECT seq FROM record WHERE id=new.target)") \
	GT_FIGURES_GONE("unvoid AFTER DELETE ON voids", \
		"(SELECT seq FROM record WHERE id=old.target)")

/* To whom a certificate was given by a rule, once for each learner and activity:
 * a hash under a secret of this database's names the two (xapi/award.h). A block of its own, whose mark is the
 * table. */
#define GT_SCHEMA_AWARDS \
	"CREATE TABLE award(" \
	" wid INTEGER PRIMARY KEY," \
	" key BLOB NOT NULL UNIQUE," \
	" record BLOB NOT NULL," /* the statement's id */ \
	" at_ms INTEGER NOT NULL);" \
	"CREATE INDEX award_record ON award(record);"

/* Records that stay here and are told of as groups (records/pool.c), and those
 * that tell of groups. Numbers of records are never given twice, so a row may
 * outlive its record. A block of its own, whose mark is the table. */
#define GT_SCHEMA_POOL \
	"CREATE TABLE pool(" \
	" seq INTEGER PRIMARY KEY," /* the record's */ \
	" least INTEGER NOT NULL," /* learners of the group it may be told in */ \
	/* number of the record that tells of it; 0: none yet; or enum gt_pooled */ \
	" cell INTEGER NOT NULL);" \
	"CREATE INDEX pool_waits ON pool(seq) WHERE cell=0;" \
	"CREATE INDEX pool_cells ON pool(seq) WHERE cell=-2;"
enum gt_pooled { GT_POOL_WAITS = 0, GT_POOL_NEVER = -1, GT_POOL_CELL = -2 };

/* What was asked for on demand: few, among all that is listed; certificates that
 * were revoked: few, among documents of some kilobytes each; and what is set
 * aside, by the child it came from. */
#define GT_SCHEMA_INDEXES \
	"CREATE INDEX IF NOT EXISTS item_asked ON item(object) WHERE asked=1;" \
	"CREATE INDEX IF NOT EXISTS certificate_revoked ON certificate(cid)" \
	" WHERE revoked_ms>0;" \
	"CREATE INDEX IF NOT EXISTS quarantine_via ON quarantine(via);"

/* Sorted runs (runs.h): what can be made anew from the records. A block of its
 * own, whose mark is the table. */
#define GT_SCHEMA_RUNS \
	"CREATE TABLE run(" \
	" run INTEGER PRIMARY KEY AUTOINCREMENT," \
	" kind INTEGER NOT NULL," /* enum gt_run_kind */ \
	" level INTEGER NOT NULL," \
	" place INTEGER NOT NULL," /* in age, the newest last */ \
	" n INTEGER NOT NULL," /* entries */ \
	" low INTEGER NOT NULL," /* least and greatest value, or posting */ \
	" high INTEGER NOT NULL," \
	" state INTEGER NOT NULL," /* enum gt_run_state */ \
	" target INTEGER NOT NULL," /* is merged into that run; 0: into none */ \
	" cursor BLOB);" /* of one that is being made: its last key */ \
	"CREATE TABLE run_group(" \
	" gid INTEGER PRIMARY KEY," \
	" run INTEGER NOT NULL," \
	" first BLOB NOT NULL," /* its first key */ \
	" n INTEGER NOT NULL," \
	" guide BLOB NOT NULL);" \
	"CREATE INDEX run_first ON run_group(run, first);" \
	"CREATE TABLE run_block(" \
	" bid INTEGER PRIMARY KEY," /* gid * 16 + which of the group */ \
	" body BLOB NOT NULL);" \
	"CREATE TABLE run_tail(" \
	" tid INTEGER PRIMARY KEY," \
	" kind INTEGER NOT NULL," \
	" n INTEGER NOT NULL," /* entries */ \
	" body BLOB NOT NULL);"
/* clang-format on */

#endif
