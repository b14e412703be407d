/* read_sql.c: every statement a reader runs, side by side with its columns.
 * Tests: u_read.c, u_read_cost.c, u_read_resource.c, u_read_shapes.c. */
#include "read_inside.h"
#include "tally.h"
#include "voided.h"

#define STATE GT_RESOURCE_STATE

/* Of a retracted resource only the name is kept, for the feed: it is not
 * here. */
#define RESOURCE(signed)                                                    \
	"SELECT " signed ",i.verdict,i.priority,i.rule,i.layer," STATE      \
	                 ",o.present,o.frames,i.own,i.id,i.hash,i.asked"    \
	                 ",t.why,t.since_ms,t.detail"                       \
	                 " FROM item i LEFT JOIN object o ON o.id=i.object" \
	                 " LEFT JOIN stuck t ON t.object=o.id "             \
	                 "WHERE i.kind=1"

/* Who looks through a table must know how much of it he looks at. So these give
 * every row there is, in the order of an index, and whether it is wanted: of an
 * entry by its signed bytes, which are not even read else, of an audit row by
 * the last column. They are stepped no further than needed. */
#define WANTED                           \
	"CASE WHEN length(i.signed)>0"   \
	" AND (?2 IS NULL OR i.type=?2)" \
	" AND (?3<0 OR i.verdict=?3)"    \
	" AND (?4 IS NULL OR ?4=" STATE ") THEN i.signed END"
#define AUDIT                                                                  \
	"SELECT aid,at_ms,node,actor,event,kind,subject,version,peer,verdict," \
	"rule,layer,result,bytes,transfer,detail,"                             \
	"at_ms>=?3 AND at_ms<?4"                                               \
	" AND (?5 IS NULL OR actor GLOB ?5) AND (?6 IS NULL OR peer GLOB ?6)"  \
	" AND (?7 IS NULL OR subject GLOB ?7)"                                 \
	" AND (?8 IS NULL OR event GLOB ?8) AND (?9 IS NULL OR kind GLOB ?9)"  \
	" AND (?10 IS NULL OR result GLOB ?10)"                                \
	" AND (?11 IS NULL OR EXISTS(SELECT 1 FROM item i WHERE i.kind=1"      \
	" AND i.id=audit.subject AND i.type=?11)) FROM audit "

/* Of one subject, in order, by the index: several are merged, not sorted. */
#define ABOUT(subject)                                          \
	AUDIT "INDEXED BY audit_subject WHERE subject=" subject \
	      " AND aid>?1 AND aid<=?2"

/* Whether a statement is voided; which of those that name it counts, may_void
 * says (read.c). */
#define COUNTS(flags) \
	" AND may_void(v.code,v.authority," flags ",c.code,r.authority))"
#define VOIDED GT_VOIDED(COUNTS)
/* The clock era in which a record was stored (records/era.h). */
#define ERA(seq)                                           \
	"(SELECT e.era FROM clock_era e WHERE e.seq<=" seq \
	" ORDER BY e.seq DESC,e.era DESC LIMIT 1)"
/* What a statement is rendered from, and asked whether it is what it says. */
#define STATEMENT(body)                              \
	"SELECT r.seq,r.id,r.stored_ms,r.origin_ms," \
	"r.authority," body ",r.form,r.flags,r.target," ERA("r.seq")
#define RECORD                         \
	STATEMENT("r.body")            \
	",s.code,r.origin_seq," VOIDED \
	" FROM record r LEFT JOIN stream s ON s.sid=r.stream"
/* Of what is voided, or not of authority ?4, the body, which may be large, is
 * not even read. */
#define STATEMENTS                                            \
	STATEMENT("CASE WHEN r.authority<>?4 OR (" VOIDED ")" \
	          " THEN NULL ELSE r.body END")               \
	" FROM record r WHERE r.seq BETWEEN ?1 AND ?2"

const char *const gt_queries[GT_Q_COUNT] = {
        [GT_Q_META] = "SELECT value FROM meta WHERE key=?1",
        [GT_Q_RESOURCES] = RESOURCE(WANTED) " AND i.id>?1 ORDER BY i.id"
                                            " LIMIT ?5",
        [GT_Q_RESOURCE] = RESOURCE("i.signed") " AND length(i.signed)>0"
                                               " AND i.id=?1",
        [GT_Q_RESOURCE_OF] = RESOURCE("i.signed") " AND length(i.signed)>0"
                                                  " AND i.object=?1"
                                                  " AND i.verdict>=2"
                                                  " AND i.state=0"
                                                  " ORDER BY i.own DESC"
                                                  " LIMIT 1",
        [GT_Q_SERVED] =
                "SELECT i.verdict,i.state,i.object,o.state,i.prior,p.state"
                " FROM item i"
                " LEFT JOIN object o ON o.id=i.object"
                " LEFT JOIN object p ON p.id=i.prior"
                " WHERE i.kind=1 AND i.id=?1",
        [GT_Q_CONTENT] = "SELECT signed,object,prior FROM item"
                         " WHERE kind=1 AND id=?1",
        [GT_Q_COMPLETE] = "SELECT 1 FROM object WHERE id=?1 AND state=4",
        [GT_Q_MANIFEST] = "SELECT oid FROM object WHERE id=?1"
                          " AND length(manifest)>0",
        /* 2: refused, or none of it counts and it was not published here */
        [GT_Q_CLAIM] =
                "SELECT (SELECT CASE WHEN state=5 OR (state<4 AND present=0"
                " AND NOT EXISTS(SELECT 1 FROM item WHERE own=1 AND object=?1))"
                " THEN 2 ELSE 1 END FROM object WHERE id=?1),"
                "EXISTS(SELECT 1 FROM audit WHERE subject=?2 AND kind='object'"
                " AND event IN('remove','adopt'))",
        [GT_Q_HELD] = "SELECT oid,id,size FROM object WHERE oid>?1"
                      " AND (state=4 OR (state IN(2,3) AND present>0))"
                      " ORDER BY oid LIMIT ?2",
        [GT_Q_STATES] = "SELECT verdict,state,n FROM tally_resource WHERE n>0"
                        " AND state NOT IN ('','stranger')",
        /* by what mends it */
        [GT_Q_DAMAGED] =
                "SELECT ifnull(sum(i.own),0),"
                "ifnull(sum(NOT i.own AND (i.verdict=3 OR i.asked)),0),"
                "ifnull(sum(NOT i.own AND i.verdict=2 AND NOT i.asked),0)"
                " FROM (SELECT id FROM object INDEXED BY object_damaged"
                " WHERE state<4 AND completed_ms>0 LIMIT ?1) o"
                " CROSS JOIN item i ON i.object=o.id"
                " WHERE i.kind=1 AND i.state=0 AND i.verdict>=2",
        [GT_Q_STUCK] = "SELECT ifnull(sum(why=1),0),ifnull(sum(why=2),0)"
                       " FROM (SELECT why FROM stuck LIMIT ?1)",
        [GT_Q_OBJECTS] =
                "SELECT ifnull(sum(CASE WHEN state=4 THEN n END),0),"
                "ifnull(sum(CASE WHEN state=3 OR (state<>4 AND some)"
                " THEN n END),0),"
                "ifnull(sum(CASE WHEN state<3 AND NOT some THEN n END),0),"
                "ifnull(sum(bytes),0) FROM tally_object",
        [GT_Q_RECORD_ENDS] =
                "SELECT (SELECT min(seq) FROM record),"
                "(SELECT max(seq) FROM record),"
                "ifnull((SELECT value FROM meta WHERE key='replaced'),0)",
        [GT_Q_QUARANTINED] =
                "SELECT count(*) FROM (SELECT 1 FROM quarantine LIMIT ?1)",
        [GT_Q_AUDIT_ENDS] = "SELECT (SELECT min(aid) FROM audit),"
                            "(SELECT max(aid) FROM audit)",
        [GT_Q_CHILDREN] = "SELECT code,acked,vseq,seen_ms,status FROM child"
                          " ORDER BY code",
        [GT_Q_CHILD] = "SELECT 1 FROM child WHERE code=?1",
        /* between which the rows of a time lie, of no more than ?3 of
         * them */
        [GT_Q_AUDIT_AT] =
                "SELECT min(aid),max(aid),count(*) FROM (SELECT aid FROM audit"
                " INDEXED BY audit_at WHERE at_ms>=?1 AND at_ms<?2 LIMIT ?3)",
        [GT_Q_AUDIT_SUBJECT] = ABOUT("?12") " ORDER BY aid",
        /* of all that read_audit.c finds */
        [GT_Q_AUDIT_ABOUT] =
                ABOUT("?12") " UNION ALL " ABOUT("?13") " UNION ALL " ABOUT(
                        "?1"
                        "4") " UNION ALL " ABOUT("?15") " UNION ALL " ABOUT("?1"
                                                                            "6") " UNION ALL " ABOUT("?17") " UNION ALL " ABOUT("?18") " ORDER BY 1",
        /* what of its content was removed, the last first, as far as ?3 rows
         * about it say */
        [GT_Q_AUDIT_REMOVED] =
                "SELECT detail FROM (SELECT aid,event,kind,detail FROM audit"
                " INDEXED BY audit_subject WHERE subject=?1"
                " ORDER BY aid DESC LIMIT ?3)"
                " WHERE event='remove' AND kind='resource'"
                " ORDER BY aid DESC LIMIT ?2",
        [GT_Q_AUDIT_ALL] = AUDIT "NOT INDEXED WHERE aid>?1 AND aid<=?2"
                                 " ORDER BY aid",
        [GT_Q_RECORDS] = RECORD " WHERE r.seq>?1 ORDER BY r.seq LIMIT ?2",
        [GT_Q_RECORD] = RECORD " WHERE r.id=?1",
        /* where each era begins and the next one does */
        [GT_Q_ERAS] = "SELECT era,seq,begin_ms,end_ms FROM (SELECT * FROM"
                      " clock_era ORDER BY era DESC LIMIT ?1) ORDER BY era",
        [GT_Q_ERA_MOVED] = "SELECT era,cause,step_ms,at_ms FROM (SELECT * FROM"
                           " clock_era ORDER BY era DESC LIMIT ?1)"
                           " WHERE cause>1 ORDER BY era DESC LIMIT 1",
        [GT_Q_ERA_LAST] = "SELECT era,begin_ms FROM clock_era"
                          " ORDER BY era DESC LIMIT 1",
        [GT_Q_RECORD_NEWEST] = "SELECT seq,stored_ms FROM record"
                               " ORDER BY seq DESC LIMIT 1",
        [GT_Q_RECORD_FROM] = "SELECT seq,stored_ms FROM record WHERE seq>=?1"
                             " ORDER BY seq LIMIT 1",
        [GT_Q_STATEMENTS_UP] = STATEMENTS " ORDER BY r.seq LIMIT ?3",
        [GT_Q_STATEMENTS_DOWN] = STATEMENTS " ORDER BY r.seq DESC LIMIT ?3",
        [GT_Q_QUARANTINE] =
                "SELECT q.qid,q.id,s.code,q.via,q.at_ms,q.reason,q.body"
                " FROM quarantine q LEFT JOIN stream s ON s.sid=q.stream"
                " WHERE q.qid>?1 ORDER BY q.qid LIMIT ?2",
        [GT_Q_COPIES] =
                "SELECT h.hid,h.code,h.since_ms,h.tried_ms,h.address,h.epoch,"
                "h.word,c.seen_ms,c.epoch"
                " FROM held h LEFT JOIN child c ON c.code=h.code"
                " WHERE h.hid>?1 ORDER BY h.hid LIMIT ?2",
        [GT_Q_QUARANTINED_ONE] =
                "SELECT q.qid,q.id,s.code,q.via,q.at_ms,q.reason,q.body,"
                "q.origin_seq,q.origin_ms,q.form"
                " FROM quarantine q LEFT JOIN stream s ON s.sid=q.stream"
                " WHERE q.qid=?1",
        [GT_Q_DOCUMENT] =
                "SELECT etag,type,body,updated_ms FROM document WHERE kind=?1"
                " AND agent=?2 AND activity=?3 AND registration=?4 AND id=?5"
                " AND gone=0",
        [GT_Q_DOCUMENT_IDS] =
                "SELECT id,max(updated_ms) FROM document WHERE kind=?1"
                " AND agent=?2 AND activity=?3 AND (?4='' OR registration=?4)"
                " AND gone=0 AND stored_ms>?5 GROUP BY id ORDER BY id",
        [GT_Q_DOCUMENTS_LOST] =
                "SELECT lid,at_ms,won,kind,activity,id,origin,updated_ms,type,"
                "length(body) FROM document_lost WHERE lid>?1 ORDER BY lid"
                " LIMIT ?2",
        [GT_Q_DOCUMENT_LOST] =
                "SELECT lid,at_ms,won,kind,activity,id,origin,updated_ms,type,"
                "length(body),agent,registration,body FROM document_lost"
                " WHERE lid=?1",
        /* of the newest ?3 those that hold one of two texts */
        [GT_Q_MENTIONS] =
                "SELECT body FROM record WHERE seq>(SELECT ifnull(max(seq),0)"
                " FROM record)-?3 AND (instr(CAST(body AS BLOB),?1)>0"
                " OR instr(CAST(body AS BLOB),?2)>0)"
                " ORDER BY seq DESC LIMIT ?4",
        [GT_Q_ITEM] = "SELECT signed,own FROM item WHERE kind=?1 AND id=?2",
        [GT_Q_KIND] = "SELECT signed,own FROM item WHERE kind=?1 ORDER BY id",
        /* CROSS: children are few, members are many */
        [GT_Q_NAMES] = "SELECT c.code,i.signed FROM child c CROSS JOIN item i"
                       " ON i.kind=?1 AND i.id=c.code",
        [GT_Q_NEXT] = "SELECT signed FROM item WHERE kind=?1 AND id>?2"
                      " ORDER BY id LIMIT 1",
        [GT_Q_LINKED] = "SELECT count(*) FROM child WHERE code=?1",
        [GT_Q_PREVIEW] =
                "SELECT r.seq,r.body,r.authority,s.code,r.policy,r.flags,"
                /* a void takes the key of what it is about */
                "ifnull((SELECT t.origin_ms FROM record t WHERE t.id=r.target"
                " AND r.flags&1),r.origin_ms),r.id"
                " FROM record r LEFT JOIN stream s"
                " ON s.sid=r.stream ORDER BY r.seq DESC LIMIT ?1",
        /* what read_report.c adds up: of what is voided, or voids, no body */
        [GT_Q_REPORT] =
                "SELECT r.seq,r.id,s.code,r.origin_ms,r.stored_ms,"
                /* what tells of groups is nobody's deed */
                "CASE WHEN r.flags&1 OR r.policy GLOB 'aggregate:*' OR (" VOIDED
                ") THEN NULL ELSE r.body END"
                " FROM record r LEFT JOIN stream s ON s.sid=r.stream"
                " WHERE r.seq BETWEEN ?1 AND ?2 ORDER BY r.seq LIMIT ?3",
        /* sums of it, kept (records/reckon.h): of that clock */
        [GT_Q_FIGURES] = "SELECT fid,last,body FROM figures WHERE fid%2=?1"
                         " ORDER BY fid",
        /* pool_cells is an index of cell -2 */
        [GT_Q_GROUPS] =
                "SELECT r.seq,r.body,r.id,s.code,r.origin_ms FROM pool p"
                " JOIN record r ON r.seq=p.seq JOIN stream s ON s.sid=r.stream"
                " WHERE p.cell=-2 AND p.seq>?1 ORDER BY p.seq LIMIT ?2",
        [GT_Q_DEMANDED] =
                "SELECT r.seq,r.body,r.authority,s.code,r.policy,r.flags"
                " FROM record r LEFT JOIN stream s"
                " ON s.sid=r.stream WHERE r.id=?1",
        [GT_Q_CERTIFICATES] =
                "SELECT cid,id,record,at_ms,revoked_ms,why,document"
                " FROM certificate WHERE cid>=?1 ORDER BY cid LIMIT ?2",
        [GT_Q_CERTIFICATE] = "SELECT document FROM certificate WHERE id=?1"
                             " AND length(document)>0",
        [GT_Q_CERTIFICATE_LIST] =
                "SELECT document FROM certificate_list WHERE number=?1",
        [GT_Q_LIST_OWNER] = "SELECT member FROM status_list WHERE code=?1"
                            " ORDER BY version DESC LIMIT 1",
        [GT_Q_LIST_HELD] = "SELECT packed FROM status_list"
                           " WHERE code=?1 AND number=?2",
        /* of each an index is looked through, and no document */
        [GT_Q_CERTIFIED] =
                "SELECT (SELECT count(*) FROM (SELECT record FROM certificate"
                " LIMIT ?1)),"
                "(SELECT count(*) FROM (SELECT 1 FROM certificate"
                " WHERE revoked_ms>0 LIMIT ?1)),"
                "(SELECT count(*) FROM (SELECT 1 FROM erased LIMIT ?1))",
        /* what read_person.c looks for somebody in: all of one shape */
        [GT_Q_PERSON_RECORDS] =
                "SELECT r.seq,r.id,s.code,r.stored_ms,r.authority,r.body,"
                "'','',''"
                " FROM record r LEFT JOIN stream s ON s.sid=r.stream"
                " WHERE r.seq>?1 ORDER BY r.seq LIMIT ?2",
        [GT_Q_PERSON_ASIDE] =
                "SELECT q.qid,q.id,s.code,q.at_ms,'',q.body,'','',''"
                " FROM quarantine q LEFT JOIN stream s ON s.sid=q.stream"
                " WHERE q.qid>?1 ORDER BY q.qid LIMIT ?2",
        [GT_Q_PERSON_DOCUMENTS] =
                "SELECT did,NULL,origin,stored_ms,actor,body,agent,activity,"
                "id FROM document WHERE did>?1 ORDER BY did LIMIT ?2",
        [GT_Q_PERSON_LOST] =
                "SELECT lid,NULL,origin,at_ms,actor,body,agent,activity,"
                "id FROM document_lost WHERE lid>?1 ORDER BY lid LIMIT ?2",
        /* what a leaf is of (records/sealed.c), the record's body and target */
        [GT_Q_SEAL_RECORD] =
                "SELECT r.seq,r.id,r.form,r.flags,r.origin_ms,"
                "ifnull(s.code,''),r.policy,r.authority,r.body,r.target"
                " FROM record r LEFT JOIN stream s ON s.sid=r.stream"
                " WHERE r.id=?1",
        [GT_Q_SEALED_AT] = "SELECT seq,n,sid,leaf FROM sealed WHERE seq<=?1"
                           " ORDER BY seq DESC LIMIT 1",
        [GT_Q_SEAL] = "SELECT by,count,signature,gaps FROM seal WHERE sid=?1",
        [GT_Q_SEALED_OF] =
                "SELECT r.seq-d.seq+d.leaf,r.id,r.body,r.flags,r.origin_ms,"
                "s.code,r.policy,r.authority FROM sealed d JOIN record r"
                " ON r.seq BETWEEN d.seq AND d.seq+d.n-1"
                " JOIN stream s ON s.sid=r.stream WHERE d.sid=?1",
        [GT_Q_ATTACHMENT] = "SELECT state FROM attachment WHERE sha2=?1",
        [GT_Q_ATTACHMENT_NEXT] =
                "SELECT aid,sha2,size FROM attachment WHERE aid>?1"
                " AND state=1 ORDER BY aid LIMIT 1",
};
