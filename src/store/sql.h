/* sql.h: every statement the core runs, by name. Readers have their own. */
#ifndef GT_SQL_H
#define GT_SQL_H

#include "voided.h"

/* Whoever voids it by its key does. */
#define GT_VOIDED_ALL(flags) ")"
#define GT_VOIDED_BY_KEY     GT_VOIDED(GT_VOIDED_ALL)

#define GT_ITEM_COLUMNS                                                    \
	"rid,kind,id,seq,version,state,hash,signed,verdict,priority,rule," \
	"layer,own,object,prior,asked"

/* ... of objects o of items i that are none that must be here; oldest first */
#define GT_ONLY_ASKED_REST                                             \
	" AND i.verdict=2 AND i.state=0 AND o.state<5 AND NOT EXISTS(" \
	"SELECT 1 FROM item k WHERE k.object=o.id AND k.state=0"       \
	" AND (k.verdict=3 OR k.own=1)) AND NOT EXISTS("               \
	"SELECT 1 FROM item k WHERE k.prior=o.id AND k.state=0"        \
	" AND (k.verdict=3 OR k.own=1))"                               \
	" GROUP BY o.oid ORDER BY o.created_ms,o.oid"
#define GT_ONLY_ASKED     " WHERE 1" GT_ONLY_ASKED_REST
#define GT_ONLY_ASKED_FOR " WHERE i.asked=1" GT_ONLY_ASKED_REST

/* ... of a record r */
#define GT_RECORD_ROW                                                   \
	"SELECT r.seq,s.code,s.epoch,r.origin_seq,r.id,r.form,r.flags," \
	"r.target,r.origin_ms,r.policy,r.body,r.authority,r.stream"     \
	" FROM record r LEFT JOIN stream s ON s.sid=r.stream"

/* A document, and the version of it that is here. */
#define GT_DOCUMENT_ROW                                                    \
	"SELECT did,kind,agent,activity,registration,id,origin,epoch,seq," \
	"seen,first_ms,updated_ms,up,gone,etag,actor,type,body,"           \
	"beaten FROM document"

#define GT_STATEMENTS(X)                                                       \
	X(BEGIN, "BEGIN")                                                      \
	X(COMMIT, "COMMIT")                                                    \
	X(META_GET, "SELECT value FROM meta WHERE key=?1")                     \
	X(META_PUT, "INSERT INTO meta VALUES(?1,?2)"                           \
	            " ON CONFLICT(key) DO UPDATE SET value=excluded.value")    \
	X(LINEAGE_FORGET, "DELETE FROM meta WHERE key LIKE 'lineage/%'")       \
	/* items */                                                            \
	X(ITEM_BY_ID,                                                          \
	  "SELECT " GT_ITEM_COLUMNS " FROM item WHERE kind=?1 AND id=?2")      \
	X(ITEM_PUT,                                                            \
	  "INSERT INTO item(kind,id,seq,version,state,hash,signed,verdict,"    \
	  "priority,rule,layer,own,type,title,object,prior,updated_ms)"        \
	  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,"        \
	  "?16,?17)"                                                           \
	  " ON CONFLICT(kind,id) DO UPDATE SET seq=excluded.seq,"              \
	  "version=excluded.version,state=excluded.state,hash=excluded.hash,"  \
	  "signed=excluded.signed,verdict=excluded.verdict,"                   \
	  "priority=excluded.priority,rule=excluded.rule,"                     \
	  "layer=excluded.layer,"                                              \
	  "own=excluded.own,type=excluded.type,title=excluded.title,"          \
	  "object=excluded.object,prior=excluded.prior,"                       \
	  "updated_ms=excluded.updated_ms")                                    \
	X(ITEM_ASK, "UPDATE item SET asked=?2 WHERE rid=?1")                   \
	X(ITEM_DROP_PRIOR,                                                     \
	  "UPDATE item SET prior=NULL WHERE object=?1 AND prior=?2")           \
	X(ITEM_STRANGERS, "SELECT ifnull(sum(n),0) FROM tally_resource"        \
	                  " WHERE state='stranger'")                           \
	X(ITEM_ENTRIES, "SELECT ifnull(sum(n),0) FROM tally_resource")         \
	X(ITEM_MAX_SEQ, "SELECT ifnull(max(seq),0) FROM item WHERE kind=?1")   \
	X(ITEMS_AFTER,                                                         \
	  "SELECT " GT_ITEM_COLUMNS " FROM item WHERE kind=?1 AND seq>?2"      \
	  " ORDER BY seq LIMIT ?3")                                            \
	X(ITEMS_PAGE,                                                          \
	  "SELECT id,hash,verdict FROM item WHERE kind=1 AND verdict>0"        \
	  " AND own=0 AND id>?1 ORDER BY id LIMIT ?2")                         \
	X(ITEMS_LOOK,                                                          \
	  "SELECT rid,kind,id,hash,signed,own FROM item"                       \
	  " WHERE rid>?1 AND length(signed)>0 ORDER BY rid LIMIT ?2")          \
	/* of what is damaged the name stays; of a layer all, but as old */    \
	X(ITEM_SPOILT,                                                         \
	  "UPDATE item SET version=0,hash=zeroblob(32),signed=x''"             \
	  " WHERE rid=?1")                                                     \
	X(ITEM_DOUBT, "UPDATE item SET version=0 WHERE rid=?1")                \
	X(LAYERS, "SELECT id,hash,signed,version FROM item WHERE kind=2"       \
	          " ORDER BY id")                                              \
	/* is any resource here that may keep this object's bytes? */          \
	X(OBJECT_USERS,                                                        \
	  "SELECT id,priority,verdict,asked FROM item WHERE object=?1"         \
	  " AND verdict>=2 AND state=0 UNION ALL"                              \
	  " SELECT id,priority,verdict,asked FROM item WHERE prior=?1"         \
	  " AND verdict>=2 AND state=0 ORDER BY 2 DESC LIMIT 1")               \
	X(OBJECT_ASK, "UPDATE item SET asked=1 WHERE object=?1 AND verdict=2"  \
	              " AND state=0")                                          \
	X(OBJECT_PRIOR, "SELECT prior,id FROM item WHERE object=?1"            \
	                " AND prior IS NOT NULL LIMIT 1")                      \
	/* of every resource the object is fetched for */                      \
	X(OBJECT_ENTRIES, "SELECT signed FROM item WHERE object=?1"            \
	                  " AND state=0 AND verdict>=2")                       \
	/* may child ?2 have it? judged (judge.c) GT_ON_DEMAND or better, */   \
	/* of the version here or as what is served until that is here; */     \
	/* what it only claims has no vseq. 1: this very image was, by the */  \
	/* rules of now, which have judged up to ?3 */                         \
	X(OBJECT_ALLOWED,                                                      \
	  "SELECT v.seq=i.seq AND i.seq<=?3 FROM item i"                       \
	  " JOIN view v ON v.cid=?2 AND v.rid=i.rid"                           \
	  " WHERE i.object=?1 AND v.verdict>=2 AND v.vseq>0 AND i.state=0"     \
	  " UNION ALL SELECT v.seq=i.seq AND i.seq<=?3 FROM item i"            \
	  " JOIN view v ON v.cid=?2 AND v.rid=i.rid"                           \
	  " WHERE i.prior=?1 AND v.verdict>=2 AND v.vseq>0 AND i.state=0"      \
	  " ORDER BY 1 DESC LIMIT 1")                                          \
	/* what the parent said beyond what the layers allow (cap.c) */        \
	X(SAID_PUT, "INSERT INTO said SELECT rid,seq,?2,?3,?4,?5 FROM item"    \
	            " WHERE kind=1 AND id=?1 ON CONFLICT(rid) DO UPDATE SET"   \
	            " seq=excluded.seq,verdict=excluded.verdict,"              \
	            "priority=excluded.priority,rule=excluded.rule,"           \
	            "layer=excluded.layer")                                    \
	X(SAID_GET, "SELECT verdict,priority,rule,layer FROM said"             \
	            " WHERE rid=?1 AND seq=?2")                                \
	X(SAID_DROP, "DELETE FROM said WHERE rid="                             \
	             "(SELECT rid FROM item WHERE kind=1 AND id=?1)")          \
	X(SAID_CLEAR, "DELETE FROM said")                                      \
	X(SAID_ANY, "SELECT 1 FROM said LIMIT 1")                              \
	/* what is to be issued again, when it may be (again.c) */             \
	X(AGAIN_PUT, "INSERT INTO meta VALUES('again/'||?1,?2)"                \
	             " ON CONFLICT(key) DO UPDATE SET value=max(value,?2)")    \
	X(AGAIN_SOME, "SELECT substr(key,7),value FROM meta"                   \
	              " WHERE key>'again/' AND key<'again0' LIMIT ?1")         \
	X(AGAIN_DROP, "DELETE FROM meta WHERE key='again/'||?1")               \
	/* whose records wait for the parent (waiting.h) */                    \
	X(WAITS_ALL, "SELECT substr(key,7),value FROM meta"                    \
	             " WHERE key>'waits/' AND key<'waits0' LIMIT ?1")          \
	X(WAITS_DROP, "DELETE FROM meta WHERE key='waits/'||?1")               \
	/* objects */                                                          \
	X(OBJECT_BY_ID,                                                        \
	  "SELECT oid,state,manifest,size,frames,present,have,transfer,"       \
	  "received FROM object WHERE id=?1")                                  \
	X(OBJECT_PIECE, "SELECT oid,length(manifest) FROM object"              \
	                " WHERE id=?1 AND length(manifest)>0")                 \
	X(OBJECT_NEW,                                                          \
	  "INSERT INTO object(id,state,manifest,size,frames,present,have,"     \
	  "transfer,created_ms,completed_ms)"                                  \
	  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)")                           \
	X(OBJECT_MANIFEST, "UPDATE object SET state=2,manifest=?2,size=?3,"    \
	                   "frames=?4,present=0,have=?5,received=?6"           \
	                   " WHERE id=?1")                                     \
	X(OBJECT_UNREAD,                                                       \
	  "UPDATE object SET state=1,manifest=NULL,size=0,frames=0,present=0," \
	  "have=NULL WHERE id=?1")                                             \
	X(OBJECT_FILL,                                                         \
	  "UPDATE object SET present=?2,have=?3,received=?4 WHERE id=?1")      \
	X(OBJECT_TRANSFER,                                                     \
	  "UPDATE object SET transfer=?2,received=0 WHERE id=?1")              \
	X(OBJECT_SUPPLIER, "SELECT supplier FROM object WHERE id=?1")          \
	X(OBJECT_SUPPLY, "UPDATE object SET supplier=?2 WHERE id=?1")          \
	/* one without a name is given one when it is loaded */                \
	X(OBJECTS_UNNAME,                                                      \
	  "UPDATE object SET transfer=NULL,received=0 WHERE state<4")          \
	X(OBJECT_STATE,                                                        \
	  "UPDATE object SET state=?2,completed_ms=CASE ?2 WHEN 4 THEN ?3"     \
	  " ELSE completed_ms END WHERE id=?1")                                \
	X(OBJECT_DAMAGED, "SELECT 1 FROM object WHERE id=?1 AND state<4"       \
	                  " AND completed_ms>0")                               \
	/* nothing of its file counts; a whole one is fetched under a name */  \
	/* that is drawn when it is loaded */                                  \
	X(OBJECT_GONE,                                                         \
	  "UPDATE object SET state=2,present=0,have=NULL,"                     \
	  "transfer=CASE state WHEN 4 THEN NULL ELSE transfer END,"            \
	  "received=CASE state WHEN 4 THEN 0 ELSE received END"                \
	  " WHERE id=?1 AND (state=4 OR (state IN(2,3) AND present>0))"        \
	  " RETURNING size")                                                   \
	X(OBJECT_OWN, "SELECT id FROM item WHERE own=1 AND object=?1 LIMIT 1") \
	X(OBJECT_DELETE, "DELETE FROM object WHERE id=?1")                     \
	/* nobody above has what was published here; what does not come now */ \
	/* is tried last, in turns */                                          \
	X(OBJECTS_WANTED,                                                      \
	  "SELECT o.id,t.tried_ms,max(i.asked),max(i.priority) FROM object o"  \
	  " CROSS JOIN item i ON i.object=o.id"                                \
	  " LEFT JOIN stuck t ON t.object=o.id WHERE o.state<4"                \
	  " AND i.state=0 AND i.verdict=3 AND i.own=0"                         \
	  " GROUP BY o.oid ORDER BY 2,3 DESC,4 DESC,min(i.rid) LIMIT ?1")      \
	X(OBJECTS_ASKED,                                                       \
	  "SELECT o.id,t.tried_ms,max(i.priority) FROM object o"               \
	  " CROSS JOIN item i ON i.object=o.id"                                \
	  " LEFT JOIN stuck t ON t.object=o.id WHERE o.state<4"                \
	  " AND i.state=0 AND i.verdict=2 AND i.asked=1"                       \
	  " GROUP BY o.oid ORDER BY 2,3 DESC,min(i.rid) LIMIT ?1")             \
	/* what must be here, and what is only because it was asked for */     \
	X(OBJECT_KEPT, "SELECT 1 FROM item WHERE object=?1 AND state=0"        \
	               " AND (verdict=3 OR own=1) UNION ALL"                   \
	               " SELECT 1 FROM item WHERE prior=?1 AND state=0"        \
	               " AND (verdict=3 OR own=1) LIMIT 1")                    \
	X(OBJECTS_LACKING,                                                     \
	  "SELECT 1 FROM object o CROSS JOIN item i ON i.object=o.id"          \
	  " WHERE o.state<4 AND i.state=0 AND i.verdict=3 AND i.own=0 LIMIT "  \
	  "1")                                                                 \
	X(OBJECTS_SPARE, "SELECT o.id,o.size,o.state FROM object o"            \
	                 " CROSS JOIN item i ON i.object=o.id" GT_ONLY_ASKED)  \
	X(OBJECTS_DEMANDED,                                                    \
	  "SELECT o.id,o.size,o.state FROM item i INDEXED BY item_asked"       \
	  " CROSS JOIN object o ON o.id=i.object" GT_ONLY_ASKED_FOR)           \
	X(OBJECT_UNASK, "UPDATE item SET asked=0 WHERE object=?1"              \
	                " AND verdict=2")                                      \
	X(OBJECT_UNPRIOR, "UPDATE item SET prior=NULL WHERE prior=?1")         \
	/* attachments of records (attach.c) */                                \
	X(ATTACHMENT_GET, "SELECT aid,state FROM attachment WHERE sha2=?1")    \
	X(ATTACHMENT_NEW, "INSERT INTO attachment VALUES(NULL,?1,0,0,?2)")     \
	X(ATTACHMENT_NAMED, "INSERT OR IGNORE INTO attached VALUES(?1,?2)")    \
	X(ATTACHMENT_HERE, "UPDATE attachment SET size=?2,state=1,at_ms=?3"    \
	                   " WHERE sha2=?1")                                   \
	X(ATTACHMENT_LOST, "UPDATE attachment SET state=2,at_ms=?2"            \
	                   " WHERE sha2=?1 AND state=1")                       \
	/* what goes at somebody's wish (erase.c) */                           \
	/* ... by whose word, and where what comes was handed in */            \
	/* seals (sealed.c) */                                                 \
	X(SEALED_AT, "SELECT seq,n,sid,leaf FROM sealed WHERE seq<=?1"         \
	             " ORDER BY seq DESC LIMIT 1")                             \
	X(SEALED_OF, "SELECT r.seq-d.seq+d.leaf,r.id,r.body,r.flags,"          \
	             "r.origin_ms,s.code,r.policy,r.authority FROM sealed d"   \
	             " JOIN record r ON r.seq BETWEEN d.seq AND d.seq+d.n-1"   \
	             " JOIN stream s ON s.sid=r.stream WHERE d.sid=?1")        \
	X(SEALED_LEAF, "SELECT r.seq,r.id,r.body,r.flags,r.origin_ms,s.code,"  \
	               "r.policy,r.authority FROM record r JOIN stream s"      \
	               " ON s.sid=r.stream WHERE r.seq=?1")                    \
	X(SEALED_PUT, "INSERT OR REPLACE INTO sealed VALUES(?1,?2,?3,?4)")     \
	X(SEAL_GET, "SELECT by,count,signature,gaps FROM seal WHERE sid=?1")   \
	X(SEAL_OF, "SELECT sid,by,count,gaps FROM seal WHERE signature=?1")    \
	X(SEAL_NEW, "INSERT OR REPLACE INTO seal(by,count,signature,gaps)"     \
	            " VALUES(?1,?2,?3,?4)")                                    \
	X(SEAL_KEY, "SELECT signed FROM item WHERE kind=?1 AND id=?2")         \
	X(SEAL_GAPS, "UPDATE seal SET gaps=?2 WHERE sid=?1")                   \
	X(ERASED_GET,                                                          \
	  "SELECT e.receipt,e.code,ifnull(s.code,'') FROM erased e"            \
	  " LEFT JOIN stream s ON s.sid=?2 WHERE e.id=?1")                     \
	X(POOL_ANY, "SELECT EXISTS(SELECT 1 FROM pool)")                       \
	X(POOL_GET, "SELECT cell FROM pool WHERE seq=?1")                      \
	X(POOL_ADD, "INSERT OR IGNORE INTO pool VALUES(?1,?2,?3)")             \
	X(POOL_SET, "UPDATE pool SET cell=?2 WHERE seq=?1")                    \
	X(POOL_NEVER, "UPDATE pool SET cell=-1 WHERE cell=0")                  \
	X(POOL_WAITS,                                                          \
	  "SELECT p.seq,p.least,r.body,r.authority,r.policy,s.code,r.flags,"   \
	  "min(r.origin_ms,r.stored_ms),r.id"                                  \
	  " FROM pool p LEFT JOIN record r ON r.seq=p.seq"                     \
	  " LEFT JOIN stream s ON s.sid=r.stream WHERE p.cell=0"               \
	  " ORDER BY p.seq LIMIT ?1")                                          \
	X(ERASED_ANY, "SELECT count(*),ifnull(max(eid),0) FROM erased")        \
	X(ERASED_FORGET, "DELETE FROM erased WHERE id=?1")                     \
	X(ERASED_NEW, "INSERT OR IGNORE INTO erased(id,code,at_ms,receipt)"    \
	              " VALUES(?1,?2,?3,?4)")                                  \
	X(ERASED_AFTER, "SELECT eid,id,code FROM erased WHERE eid>?1"          \
	                " ORDER BY eid LIMIT ?2")                              \
	X(ERASE_RECORD, "SELECT r.body,r.authority,r.stream,r.origin_seq,"     \
	                "r.flags,ifnull(s.code,''),r.seq FROM record r"        \
	                " LEFT JOIN stream s ON s.sid=r.stream"                \
	                " WHERE r.id=?1")                                      \
	/* numbers are used again: it is the one that was looked at */         \
	X(ERASE_ASIDE, "DELETE FROM quarantine WHERE qid=?1 AND (id=?2"        \
	               " OR (length(id)<>16 AND ?2=zeroblob(16)))")            \
	X(ERASE_WAITED, "SELECT s.code FROM spoilt p JOIN stream s"            \
	                " ON s.sid=p.stream WHERE p.id=?1 AND p.state<2")      \
	X(ERASE_SPOILT, "DELETE FROM spoilt WHERE id=?1 AND state<2")          \
	X(ERASE_ASIDE_OF, "DELETE FROM quarantine WHERE id=?1 AND stream IN"   \
	                  " (SELECT sid FROM stream WHERE code=?2)")           \
	X(ERASE_DOCUMENT, "DELETE FROM document WHERE did=?1")                 \
	X(ERASE_LOST, "DELETE FROM document_lost WHERE lid=?1")                \
	X(ERASE_ATTACHMENT, "DELETE FROM attachment WHERE aid IN"              \
	                    " (SELECT aid FROM attached WHERE seq=?1)"         \
	                    " AND NOT EXISTS(SELECT 1 FROM attached o"         \
	                    " WHERE o.aid=attachment.aid AND o.seq<>?1)")      \
	/* its bit stays its own */                                            \
	X(ERASE_CERTIFICATE, "UPDATE certificate SET document=x''"             \
	                     " WHERE record=?1")                               \
	X(ERASE_ATTACHED, "DELETE FROM attached WHERE seq=?1")                 \
	/* certificates (certificate.c) */                                     \
	X(CERTIFICATE_OF, "SELECT document FROM certificate WHERE record=?1"   \
	                  " AND length(document)>0")                           \
	X(CERTIFICATE_GET, "SELECT cid,revoked_ms FROM certificate"            \
	                   " WHERE id=?1")                                     \
	X(CERTIFICATE_LAST, "SELECT ifnull(max(cid),-1) FROM certificate")     \
	X(CERTIFICATE_NEW,                                                     \
	  "INSERT INTO certificate VALUES(?1,?2,?3,?4,0,'',?5)")               \
	X(CERTIFICATE_REVOKE, "UPDATE certificate SET revoked_ms=?2,why=?3"    \
	                      " WHERE cid=?1")                                 \
	X(CERTIFICATES_REVOKED, "SELECT cid FROM certificate"                  \
	                        " WHERE revoked_ms>0 AND cid>=?1 AND cid<?2"   \
	                        " ORDER BY cid")                               \
	X(CERTIFICATE_LIST,                                                    \
	  "INSERT OR REPLACE INTO certificate_list VALUES(?1,?2,?3)")          \
	X(CERTIFICATE_LIST_AT,                                                 \
	  "SELECT at_ms FROM certificate_list WHERE number=?1")                \
	X(CERTIFICATE_LIST_UNTOLD,                                             \
	  "SELECT c.number,c.at_ms,c.document FROM certificate_list c"         \
	  " LEFT JOIN status_list s ON s.code=?1 AND s.number=c.number"        \
	  " WHERE s.lid IS NULL OR s.at_ms<c.at_ms LIMIT 1")                   \
	/* lists of everybody's (certificate_list.c, certificate_carry.c) */   \
	X(STATUS_LIST_GET, "SELECT at_ms,packed FROM status_list"              \
	                   " WHERE code=?1 AND number=?2")                     \
	X(STATUS_LIST_OF, "SELECT member FROM status_list WHERE code=?1"       \
	                  " ORDER BY version DESC LIMIT 1")                    \
	X(STATUS_LIST_PUT, "INSERT OR REPLACE INTO status_list"                \
	                   "(code,number,at_ms,version,member,packed)"         \
	                   " VALUES(?1,?2,?3,?4,?5,?6)")                       \
	X(STATUS_LIST_ROW,                                                     \
	  "INSERT OR REPLACE INTO status_list"                                 \
	  "(code,number,at_ms,version,member,packed)"                          \
	  " SELECT code,number,at_ms,?2,?3,packed FROM status_list"            \
	  " WHERE code=?1 AND version<?2")                                     \
	X(STATUS_LIST_LAST, "SELECT ifnull(max(lid),0) FROM status_list")      \
	X(STATUS_LISTS_AFTER, "SELECT lid,code,member,packed FROM status_list" \
	                      " WHERE lid>?1 ORDER BY lid")                    \
	/* given by rules (awards.c) */                                        \
	X(AWARD_AFTER, "SELECT seq,id,body FROM record WHERE seq>?1"           \
	               " ORDER BY seq")                                        \
	X(AWARD_IS, "SELECT 1 FROM award WHERE key=?1")                        \
	X(AWARD_VOIDED, "SELECT 1 FROM voids WHERE target=?1")                 \
	X(AWARD_NEW, "INSERT INTO award(key,record,at_ms) VALUES(?1,?2,?3)")   \
	X(ERASE_AWARD, "DELETE FROM award WHERE record=?1")                    \
	X(CERTIFICATE_BODY, "SELECT body FROM record WHERE id=?1")             \
	/* objects that do not come (stuck.c) */                               \
	X(STUCK_CLEAR, "DELETE FROM stuck")                                    \
	X(STUCK_GET, "SELECT why FROM stuck WHERE object=?1")                  \
	X(STUCK_PUT,                                                           \
	  "INSERT INTO stuck VALUES(?1,?2,?3,?4,?5) ON CONFLICT DO UPDATE SET" \
	  " why=excluded.why,since_ms=excluded.since_ms,"                      \
	  "tried_ms=excluded.tried_ms,detail=excluded.detail")                 \
	X(STUCK_TRIED, "UPDATE stuck SET tried_ms=?2 WHERE object=?1")         \
	X(STUCK_DROP, "DELETE FROM stuck WHERE object=?1")                     \
	/* transfers that ended */                                             \
	X(HANDOVER_NEW, "INSERT INTO handover VALUES(?1,?2,?3,?4,?5,?6)")      \
	X(HANDOVERS_AFTER,                                                     \
	  "SELECT hid,transfer,object,bytes,frames FROM handover"              \
	  " WHERE hid>?1 AND parent=?2 ORDER BY hid LIMIT ?3")                 \
	X(HANDOVER_OLDEST, "SELECT hid,parent,transfer,object,bytes"           \
	                   " FROM handover ORDER BY hid LIMIT 1")              \
	X(HANDOVER_DELETE, "DELETE FROM handover WHERE hid=?1 RETURNING hid")  \
	X(HANDOVER_COUNT, "SELECT count(*),ifnull(max(hid),0) FROM handover")  \
	X(SERVE_KNOWN, "SELECT 1 FROM audit WHERE event='serve'"               \
	               " AND transfer=?1 AND peer=?2 LIMIT 1")                 \
	/* children */                                                         \
	/* children that are held off */                                       \
	X(HELD_GET, "SELECT shown,word,tried_ms FROM held WHERE code=?1")      \
	X(HELD_PUT,                                                            \
	  "INSERT INTO held(code,shown,epoch,since_ms,tried_ms,address,word)"  \
	  " VALUES(?1,?2,?3,?4,?4,?5,0) ON CONFLICT(code) DO UPDATE SET"       \
	  " shown=?2,epoch=?3,since_ms=?4,tried_ms=?4,address=?5,word=0")      \
	X(HELD_TRIED, "UPDATE held SET tried_ms=?2,address=?3 WHERE code=?1")  \
	X(HELD_WORD, "UPDATE held SET word=?2 WHERE code=?1")                  \
	X(HELD_DROP, "DELETE FROM held WHERE code=?1")                         \
	X(HELD_OLD, "DELETE FROM held WHERE tried_ms<?1")                      \
	X(HELD_COUNT, "SELECT count(*) FROM held WHERE word=0")                \
	X(CHILD_SEEN, "SELECT seen_ms FROM child WHERE code=?1")               \
	X(CHILD_BY_CODE,                                                       \
	  "SELECT cid,epoch,filter,judged_members,judged,vseq,acked,records,"  \
	  "rooted FROM child WHERE code=?1")                                   \
	X(CHILD_NEW,                                                           \
	  "INSERT INTO child(code,judged_members,judged,vseq,acked,records,"   \
	  "rooted,seen_ms) VALUES(?1,0,0,0,0,0,0,?2)")                         \
	X(CHILD_PUT,                                                           \
	  "UPDATE child SET epoch=?2,filter=?3,judged_members=?4,judged=?5,"   \
	  "vseq=?6,acked=?7,records=?8,rooted=?9,seen_ms=?10 WHERE cid=?1")    \
	X(CHILD_STATUS, "UPDATE child SET status=?2,seen_ms=?3 WHERE cid=?1")  \
	X(CHILDREN_JUDGED, "UPDATE child SET judged=?1")                       \
	X(VIEW_GET, "SELECT vseq,seq,verdict,priority,rule,layer FROM view"    \
	            " WHERE cid=?1 AND rid=?2")                                \
	X(VIEW_PUT, "INSERT INTO view VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"         \
	            " ON CONFLICT(cid,rid) DO UPDATE SET vseq=excluded.vseq,"  \
	            "seq=excluded.seq,verdict=excluded.verdict,"               \
	            "priority=excluded.priority,rule=excluded.rule,"           \
	            "layer=excluded.layer")                                    \
	X(VIEW_AFTER,                                                          \
	  "SELECT v.vseq,v.verdict,v.priority,v.rule,v.layer,i.kind,i.id,"     \
	  "i.signed,i.hash,i.rid FROM view v JOIN item i ON i.rid=v.rid"       \
	  " WHERE v.cid=?1 AND v.vseq>?2 AND v.vseq>0"                         \
	  " ORDER BY v.vseq LIMIT ?3")                                         \
	X(VIEW_ACK,                                                            \
	  "UPDATE view SET vseq=0 WHERE cid=?1 AND vseq>?2 AND vseq<=?3"       \
	  " AND vseq>0 AND verdict=0")                                         \
	X(VIEW_CLEAR, "DELETE FROM view WHERE cid=?1")                         \
	/* resources, complete and wanted objects, bytes */                    \
	X(ROSTER_SUM, "SELECT ifnull(sum(version),0) FROM item WHERE kind=3")  \
	X(COUNTS, "SELECT (SELECT ifnull(sum(n),0) FROM tally_resource"        \
	          " WHERE verdict>0),"                                         \
	          "ifnull(sum(CASE WHEN state=4 THEN n END),0),"               \
	          "ifnull(sum(CASE WHEN state<4 THEN n END),0),"               \
	          "ifnull(sum(CASE WHEN state=4 THEN bytes END),0)"            \
	          " FROM tally_object")                                        \
	/* records */                                                          \
	X(ERA_LAST, "SELECT era,seq,begin_ms,cause FROM clock_era"             \
	            " ORDER BY era DESC LIMIT 1")                              \
	X(ERA_NEW, "INSERT INTO clock_era VALUES(?1,?2,?3,NULL,?4,?5,?6)")     \
	X(ERA_END, "UPDATE clock_era SET end_ms=max(ifnull(end_ms,?2),?2)"     \
	           " WHERE era=?1")                                            \
	X(ERA_DROP, "DELETE FROM clock_era WHERE era=?1")                      \
	X(RECORD_FROM, "SELECT seq,stored_ms FROM record WHERE seq>=?1"        \
	               " ORDER BY seq LIMIT 1")                                \
	X(STREAM_GET,                                                          \
	  "SELECT sid,last FROM stream WHERE code=?1 AND epoch=?2")            \
	X(STREAM_NEW, "INSERT INTO stream(code,epoch,last) VALUES(?1,?2,0)")   \
	X(STREAM_LAST, "UPDATE stream SET last=max(last,?2) WHERE sid=?1")     \
	X(RECORD_BY_ID, "SELECT seq,form,origin_ms,body,flags,policy"          \
	                " FROM record WHERE id=?1")                            \
	/* what it is found by */                                              \
	X(RECORDS_WORDS, "SELECT seq,body,authority FROM record WHERE seq>?1"  \
	                 " ORDER BY seq LIMIT ?2")                             \
	/* what is added up of records, and the sums */                        \
	X(FIGURES_OF, "SELECT r.seq,r.id,s.code,r.origin_ms,r.stored_ms,"      \
	              "CASE WHEN r.flags&1 OR r.policy GLOB 'aggregate:*' OR " \
	              "(" GT_VOIDED_BY_KEY ") THEN"                            \
	              " NULL ELSE r.body END FROM record r LEFT JOIN stream s" \
	              " ON s.sid=r.stream WHERE r.seq BETWEEN ?1 AND ?2"       \
	              " ORDER BY r.seq")                                       \
	X(FIGURES, "SELECT fid,last,length(body) FROM figures ORDER BY fid")   \
	X(FIGURES_GET, "SELECT body FROM figures WHERE fid BETWEEN ?1 AND ?2"  \
	               " AND fid%2=?3 ORDER BY fid")                           \
	X(FIGURES_NEW, "INSERT OR REPLACE INTO figures VALUES(?1,?2,?3)")      \
	X(FIGURES_DROP, "DELETE FROM figures WHERE fid BETWEEN ?1 AND ?2")     \
	X(RECORD_WORDS, "SELECT body,authority FROM record WHERE id=?1")       \
	X(RECORD_WHEN, "SELECT origin_ms FROM record WHERE id=?1")             \
	X(RECORD_VOUCHER, "SELECT s.code,r.authority,r.flags FROM record r"    \
	                  " JOIN stream s ON s.sid=r.stream WHERE r.id=?1")    \
	/* ... is set aside, and is no record any more */                      \
	X(RECORD_ASIDE,                                                        \
	  "INSERT OR IGNORE INTO quarantine(via,stream,origin_seq,id,form,"    \
	  "origin_ms,at_ms,reason,body) SELECT ?2,stream,origin_seq,id,form,"  \
	  "origin_ms,?3,?4,body FROM record WHERE seq=?1")                     \
	X(RECORD_DELETE, "DELETE FROM record WHERE seq=?1")                    \
	X(RECORD_BY_KEY,                                                       \
	  "SELECT seq FROM record WHERE stream=?1 AND origin_seq=?2")          \
	/* what a comparison looks at (compare.h) */                           \
	X(COMPARE_CODE, "SELECT code FROM stream WHERE code>?1"                \
	                " ORDER BY code LIMIT 1")                              \
	X(COMPARE_NEXT, "SELECT min((SELECT min(r.origin_seq) FROM record r"   \
	                " WHERE r.stream=s.sid AND r.origin_seq>=?2))"         \
	                " FROM stream s WHERE s.code=?1")                      \
	X(COMPARE_STREAMS, "SELECT count(*) FROM (SELECT 1 FROM stream"        \
	                   " WHERE code=?1 LIMIT ?2)")                         \
	X(COMPARE_ROWS,                                                        \
	  "SELECT r.origin_seq,r.id,r.form,r.flags,r.seq FROM stream s"        \
	  " CROSS JOIN record r INDEXED BY record_key ON r.stream=s.sid"       \
	  " AND r.origin_seq BETWEEN ?2 AND ?3 WHERE s.code=?1"                \
	  " ORDER BY r.origin_seq,r.id LIMIT ?4")                              \
	X(COMPARE_ID, "SELECT r.seq,r.form,r.flags,r.policy,s.code"            \
	              " FROM record r JOIN stream s ON s.sid=r.stream"         \
	              " WHERE r.id=?1")                                        \
	X(RECORD_LAST_SENT,                                                    \
	  "SELECT origin_seq FROM record WHERE stream=(SELECT sid FROM stream" \
	  " WHERE code=?1 AND epoch=?2) AND seq<=?3"                           \
	  " ORDER BY origin_seq DESC LIMIT 1")                                 \
	X(RECORD_NEXT,                                                         \
	  "SELECT origin_seq FROM record WHERE stream=?1 AND origin_seq>?2"    \
	  " ORDER BY origin_seq LIMIT 1")                                      \
	X(RECORD_NEW,                                                          \
	  "INSERT INTO record(stream,origin_seq,id,form,flags,target,"         \
	  "origin_ms,stored_ms,policy,authority,body)"                         \
	  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)")                       \
	X(RECORD_MOVE, "UPDATE record SET stream=?2 WHERE stream=?1")          \
	/* the last number ever given; its record may be lost */               \
	X(RECORD_MAX, "SELECT max(ifnull(max(seq),0),ifnull((SELECT seq FROM"  \
	              " sqlite_sequence WHERE name='record'),0)),"             \
	              "ifnull(max(stored_ms),0)"                               \
	              " FROM (SELECT seq,stored_ms FROM record"                \
	              " ORDER BY seq DESC LIMIT 1)")                           \
	/* LEFT: a row whose stream is lost is met, not passed over */         \
	X(RECORDS_AFTER, GT_RECORD_ROW " WHERE r.seq>?1 ORDER BY r.seq"        \
	                               " LIMIT ?2")                            \
	X(RECORD_BY_SEQ, GT_RECORD_ROW " WHERE r.seq=?1")                      \
	/* records that are damaged or lost */                                 \
	X(SPOILT_COUNT, "SELECT count(*) FROM spoilt WHERE state<2")           \
	X(SPOILT_UNSENT, "UPDATE spoilt SET state=1 WHERE state=0"             \
	                 " AND seq>?1 AND stream<>?2")                         \
	X(SPOILT_AGAIN, "UPDATE spoilt SET state=0 WHERE state=1"              \
	                " AND (seq<=?1 OR stream=?2)")                         \
	X(SPOILT_KNOWN, "SELECT 1 FROM spoilt WHERE seq=?1")                   \
	X(SPOILT_NEW, "INSERT INTO spoilt VALUES(?1,?2,?3,?4,?5,?6,?7)")       \
	X(SPOILT_STATE, "UPDATE spoilt SET state=?2 WHERE seq=?1 AND state=0") \
	X(SPOILT_FORM, "UPDATE spoilt SET form=?2 WHERE seq=?1")               \
	X(SPOILT_DROP_LEFT, "DELETE FROM spoilt WHERE seq=?1 AND state=2")     \
	X(SPOILT_DROP, "DELETE FROM spoilt WHERE seq=?1")                      \
	X(SPOILT_LEAVE, "UPDATE spoilt SET state=2 WHERE stream=?1"            \
	                " AND origin_seq=?2 AND id=?3 AND state<2")            \
	X(SPOILT_MOVE, "UPDATE spoilt SET stream=?2 WHERE stream=?1")          \
	X(SPOILT_BY_ID, "SELECT seq,stream,origin_seq,form,0 FROM spoilt"      \
	                " WHERE id=?1 AND state<2 ORDER BY seq LIMIT 1")       \
	X(SPOILT_BY_KEY, "SELECT seq,stream,origin_seq,form,"                  \
	                 "length(id)+length(form)=0 FROM spoilt"               \
	                 " WHERE stream=?1 AND origin_seq=?2 AND state<2"      \
	                 " LIMIT 1")                                           \
	X(SPOILT_ASK, "SELECT p.seq,s.code,s.epoch,p.origin_seq,p.id"          \
	              " FROM spoilt p LEFT JOIN stream s ON s.sid=p.stream"    \
	              " WHERE p.seq>?1 AND p.state<=?2 AND p.state>=?3"        \
	              " ORDER BY p.seq")                                       \
	X(SPOILT_HELD, "SELECT p.seq,s.code FROM spoilt p"                     \
	               " LEFT JOIN stream s ON s.sid=p.stream"                 \
	               " WHERE p.held=1 AND p.state<2 ORDER BY p.seq")         \
	/* row ?1 is in the indexes as it is itself: it may be removed; */     \
	/* else SQLite takes it for damage of everything */                    \
	X(RECORD_SOUND,                                                        \
	  "SELECT 1 FROM record r WHERE r.seq=?1"                              \
	  " AND EXISTS(SELECT 1 FROM record i INDEXED BY record_id"            \
	  " WHERE i.id=r.id AND i.seq=r.seq)"                                  \
	  " AND EXISTS(SELECT 1 FROM record k INDEXED BY record_key"           \
	  " WHERE k.stream=r.stream AND k.origin_seq=r.origin_seq"             \
	  " AND k.seq=r.seq) AND (r.target IS NULL OR EXISTS("                 \
	  "SELECT 1 FROM record t INDEXED BY record_target"                    \
	  " WHERE t.target=r.target AND t.seq=r.seq))")                        \
	/* a row at ?1 was stored then, or with the one before it in its */    \
	/* clock era, or before the next */                                    \
	X(RECORD_COUNT, "SELECT count(*) FROM record")                         \
	X(RECORD_STORED,                                                       \
	  "SELECT ifnull((SELECT stored_ms FROM record WHERE seq=?1),"         \
	  "ifnull((SELECT stored_ms FROM record WHERE seq<?1 AND seq>="        \
	  "(SELECT ifnull(max(e.seq),0) FROM clock_era e WHERE e.seq<=?1)"     \
	  " ORDER BY seq DESC LIMIT 1),ifnull((SELECT stored_ms FROM record"   \
	  " WHERE seq>?1 ORDER BY seq LIMIT 1),0)))")                          \
	X(RECORD_AT,                                                           \
	  "INSERT INTO record(seq,stream,origin_seq,id,form,flags,target,"     \
	  "origin_ms,stored_ms,policy,authority,body)"                         \
	  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)")                   \
	X(STREAM_CODE, "SELECT code FROM stream WHERE sid=?1")                 \
	X(QUARANTINE_BACK, "DELETE FROM quarantine WHERE stream=?1"            \
	                   " AND origin_seq=?2 AND via=?3")                    \
	/* each child's batch that may have brought record ?1 needs ?2 too */  \
	X(BATCH_NEED, "UPDATE batch SET need=max(need,?2) WHERE (cid,upto) IN" \
	              " (SELECT cid,min(upto) FROM batch WHERE need>=?1"       \
	              " GROUP BY cid)")                                        \
	X(QUARANTINE,                                                          \
	  "INSERT OR IGNORE INTO quarantine(via,stream,origin_seq,id,form,"    \
	  "origin_ms,at_ms,reason,body) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)")   \
	X(QUARANTINE_OF,                                                       \
	  "SELECT qid,length(body) FROM quarantine INDEXED BY quarantine_via"  \
	  " WHERE via=?1 ORDER BY qid DESC")                                   \
	X(QUARANTINE_TRIM, "DELETE FROM quarantine WHERE via=?1 AND qid<=?2")  \
	X(QUARANTINE_DROP, "DELETE FROM quarantine WHERE qid=?1"               \
	                   " RETURNING id,reason,stream,origin_seq")           \
	X(BATCH_NEW, "INSERT OR IGNORE INTO batch VALUES(?1,?2,?3)")           \
	X(BATCHES, "SELECT upto,need FROM batch WHERE cid=?1 ORDER BY upto")   \
	X(BATCH_DONE, "DELETE FROM batch WHERE cid=?1 AND upto<=?2")           \
	X(BATCH_CLEAR, "DELETE FROM batch WHERE cid=?1")                       \
	/* documents (records/document.c) */                                   \
	X(DOCUMENT_GET,                                                        \
	  GT_DOCUMENT_ROW " WHERE kind=?1 AND agent=?2 AND activity=?3"        \
	                  " AND registration=?4 AND id=?5")                    \
	X(DOCUMENTS_UP,                                                        \
	  GT_DOCUMENT_ROW " WHERE up=1 AND did>?1 AND (?3=0 OR agent='')"      \
	                  " ORDER BY did LIMIT ?2")                            \
	X(DOCUMENTS_OF, GT_DOCUMENT_ROW                                        \
	  " WHERE kind=?1 AND agent=?2 AND activity=?3"                        \
	  " AND (registration,id)>(?4,?5) ORDER BY registration,id LIMIT ?6")  \
	X(DOCUMENT_PUT,                                                        \
	  "INSERT OR REPLACE INTO document(did,kind,agent,activity,"           \
	  "registration,id,origin,epoch,seq,seen,first_ms,updated_ms,up,gone," \
	  "etag,actor,type,body,stored_ms,size,beaten) "                       \
	  "VALUES(?1,?2,?3,?4,?5,?6,?7,"                                       \
	  "?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)")            \
	X(DOCUMENT_LAST,                                                       \
	  "SELECT max(ifnull((SELECT max(did) FROM document),0),"              \
	  "ifnull((SELECT seq FROM sqlite_sequence WHERE "                     \
	  "name='document'),0))")                                              \
	X(DOCUMENT_SHARE,                                                      \
	  "SELECT count(*),ifnull(sum(size),0) FROM document WHERE agent=?1")  \
	X(DOCUMENT_SHARE_ACTIVITY,                                             \
	  "SELECT count(*),ifnull(sum(size),0) FROM document WHERE agent=''"   \
	  " AND activity=?1")                                                  \
	X(DOCUMENTS_PRUNE,                                                     \
	  "DELETE FROM document WHERE did IN(SELECT did FROM document WHERE"   \
	  " agent=?1 AND (?1<>'' OR activity=?2) AND gone=1 AND up=0"          \
	  " ORDER BY did LIMIT ?3)")                                           \
	X(DOCUMENT_TOLD, "UPDATE document SET up=0,first_ms="                  \
	                 "iif(?2>0,?2,first_ms) WHERE did=?1 AND up=1")        \
	X(DOCUMENT_WAITS, "SELECT 1 FROM document WHERE kind=?1 AND agent=?2"  \
	                  " AND activity=?3 AND registration=?4 AND id=?5"     \
	                  " AND up=1")                                         \
	X(DOCUMENT_COUNTS,                                                     \
	  "SELECT (SELECT count(*) FROM document WHERE up=1),"                 \
	  "(SELECT count(*) FROM document_lost)")                              \
	X(DOCUMENT_KNOWS, "UPDATE document SET did=?2,seen=?3,up=?4,"          \
	                  "stored_ms=?5,beaten=?6 WHERE did=?1")               \
	X(DOCUMENT_FIRST, "UPDATE document SET first_ms=?2 WHERE did=?1")      \
	X(DOCUMENTS_AGAIN, "UPDATE document SET up=1 WHERE up=0 AND did>?1")   \
	X(DOCUMENT_LOSE,                                                       \
	  "INSERT INTO document_lost(at_ms,won,kind,agent,activity,"           \
	  "registration,id,origin,epoch,seq,first_ms,updated_ms,gone,actor,"   \
	  "type,body) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,"  \
	  "?15,?16)")                                                          \
	X(DOCUMENT_LOST, "SELECT 1 FROM document_lost WHERE agent=?1"          \
	                 " AND activity=?2 AND kind=?3 AND registration=?4"    \
	                 " AND id=?5 AND origin=?6 AND epoch=?7 AND seq=?8"    \
	                 " AND body=?9")                                       \
	X(DOCUMENTS_LOST_OF, "SELECT count(*),ifnull(sum(length(body)),0),"    \
	                     "min(lid) FROM document_lost WHERE agent=?1"      \
	                     " AND (?1<>'' OR activity=?2)")                   \
	X(DOCUMENT_LOST_TRIM, "DELETE FROM document_lost WHERE lid=?1")        \
	X(DOCUMENT_LOST_ROW,                                                   \
	  "SELECT lid,kind,agent,activity,registration,id,origin,epoch,seq,"   \
	  "x'',first_ms,updated_ms,0,gone,'',actor,type,body,x''"              \
	  " FROM document_lost WHERE lid=?1")                                  \
	/* audit */                                                            \
	X(AUDIT,                                                               \
	  "INSERT INTO audit(at_ms,node,actor,event,kind,subject,version,"     \
	  "peer,verdict,rule,layer,result,bytes,transfer,detail)"              \
	  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)")

enum gt_sql {
#define X(name, text) GT_SQL_##name,
	GT_STATEMENTS(X)
#undef X
	        GT_SQL_COUNT
};

#endif
