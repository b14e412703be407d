/* tally.h: counts that the database keeps of itself, so that a status does not
 * walk a catalogue of a million. Triggers, not code beside every statement that
 * writes: the counts hold whoever writes, the program before this one too. */
#ifndef GT_TALLY_H
#define GT_TALLY_H

/* SQL, whose lines the formatter would break anywhere */
/* clang-format off */

/* The state of a resource at this node, by the rule of read.h, "states": i is
 * its item, o its object if there is one. Kinds, verdicts, states and object
 * states are numbers of guantong.proto and schema.h; u_read_resource.c holds
 * them to that. */
#define GT_RESOURCE_STATE \
	" CASE WHEN i.state=1 THEN 'withdrawn'" \
	" WHEN i.verdict=0 THEN 'excluded'" \
	" WHEN i.verdict=1 THEN 'listed'" \
	" WHEN i.object IS NULL OR o.state=4 THEN 'complete'" \
	" WHEN o.state=5 THEN 'refused'" \
	" WHEN o.completed_ms>0 THEN 'damaged'" \
	" WHEN o.state=3 OR o.present>0 THEN 'partial'" \
	" WHEN o.state IS NOT NULL OR i.verdict=3 OR i.asked THEN 'wanted'" \
	" ELSE 'listed' END"

/* Of a name only, nothing is here: it is retracted (''), or only a child knows
 * it. */
#define GT_TALLY_VIEW \
	"CREATE VIEW tally_item AS SELECT i.rid,i.object,i.verdict," \
	" CASE WHEN length(i.signed)>0 THEN" GT_RESOURCE_STATE \
	" WHEN i.version>0 THEN '' ELSE 'stranger' END AS state" \
	" FROM item i LEFT JOIN object o ON o.id=i.object WHERE i.kind=1;"

/* Before a change what it touches is taken out of the counts as it is, after it
 * put in as it has become. */
#define GT_TALLY_RESOURCES(sign, which) \
	"INSERT INTO tally_resource SELECT verdict,state," sign "1" \
	" FROM tally_item WHERE " which \
	" ON CONFLICT DO UPDATE SET n=n+excluded.n;"
#define GT_TALLY_OBJECTS(sign, which) \
	"INSERT INTO tally_object SELECT state,present>0," sign "1," \
	sign "CASE WHEN state=4 THEN size WHEN frames>0" \
	" THEN size/frames*present ELSE 0 END" \
	" FROM object WHERE " which \
	" ON CONFLICT DO UPDATE SET n=n+excluded.n,bytes=bytes+excluded.bytes;"
#define GT_TALLY_TRIGGER(when, what) \
	"CREATE TRIGGER tally_" when " BEGIN " what "END;"

#define GT_ITEM_CHANGES \
	"UPDATE OF version,state,signed,verdict,object,asked ON item" \
	" WHEN new.kind=1 AND (old.verdict<>new.verdict" \
	" OR old.state<>new.state OR old.asked<>new.asked" \
	" OR old.object IS NOT new.object" \
	" OR (length(old.signed)>0)<>(length(new.signed)>0)" \
	" OR (old.version>0)<>(new.version>0))"
#define GT_OBJECT_CHANGES "UPDATE OF state,size,frames,present ON object"
/* what its resources are changes with it */
#define GT_OBJECT_STEPS \
	"UPDATE OF state,present ON object WHEN old.state<>new.state" \
	" OR (old.present>0)<>(new.present>0)"

#define GT_SCHEMA_TALLY \
	GT_TALLY_VIEW \
	"CREATE TABLE tally_resource(" \
	" verdict INTEGER NOT NULL, state TEXT NOT NULL," \
	" n INTEGER NOT NULL," \
	" PRIMARY KEY(verdict, state)) WITHOUT ROWID;" \
	"CREATE TABLE tally_object(" \
	" state INTEGER NOT NULL," \
	" some INTEGER NOT NULL," /* frames are durable */ \
	" n INTEGER NOT NULL," \
	" bytes INTEGER NOT NULL," /* here, about */ \
	" PRIMARY KEY(state, some)) WITHOUT ROWID;" \
	GT_TALLY_RESOURCES("", "true") \
	GT_TALLY_OBJECTS("", "true") \
	GT_TALLY_TRIGGER("item_new AFTER INSERT ON item WHEN new.kind=1", \
		GT_TALLY_RESOURCES("", "rid=new.rid")) \
	GT_TALLY_TRIGGER("item_was BEFORE " GT_ITEM_CHANGES, \
		GT_TALLY_RESOURCES("-", "rid=old.rid")) \
	GT_TALLY_TRIGGER("item_is AFTER " GT_ITEM_CHANGES, \
		GT_TALLY_RESOURCES("", "rid=new.rid")) \
	GT_TALLY_TRIGGER("item_gone BEFORE DELETE ON item", \
		GT_TALLY_RESOURCES("-", "rid=old.rid"))
/* and with it, in the same transaction: ISO C bounds the length of a string */
#define GT_SCHEMA_TALLY_OBJECTS \
	GT_TALLY_TRIGGER("object_none BEFORE INSERT ON object", \
		GT_TALLY_RESOURCES("-", "object=new.id")) \
	GT_TALLY_TRIGGER("object_new AFTER INSERT ON object", \
		GT_TALLY_OBJECTS("", "oid=new.oid") \
		GT_TALLY_RESOURCES("", "object=new.id")) \
	GT_TALLY_TRIGGER("object_was BEFORE " GT_OBJECT_CHANGES, \
		GT_TALLY_OBJECTS("-", "oid=old.oid")) \
	GT_TALLY_TRIGGER("object_is AFTER " GT_OBJECT_CHANGES, \
		GT_TALLY_OBJECTS("", "oid=new.oid")) \
	GT_TALLY_TRIGGER("step_was BEFORE " GT_OBJECT_STEPS, \
		GT_TALLY_RESOURCES("-", "object=old.id")) \
	GT_TALLY_TRIGGER("step_is AFTER " GT_OBJECT_STEPS, \
		GT_TALLY_RESOURCES("", "object=new.id")) \
	GT_TALLY_TRIGGER("object_gone BEFORE DELETE ON object", \
		GT_TALLY_OBJECTS("-", "oid=old.oid") \
		GT_TALLY_RESOURCES("-", "object=old.id")) \
	GT_TALLY_TRIGGER("object_left AFTER DELETE ON object", \
		GT_TALLY_RESOURCES("", "object=old.id"))

/* What was whole and is not any more, which programs before this one told from
 * nothing else: of theirs only what was published here can be known. Counted
 * anew by the rule above. The index, which finds the few of them, is the mark. */
#define GT_SCHEMA_DAMAGED \
	"UPDATE object SET completed_ms=max(created_ms,1)" \
	" WHERE state<4 AND completed_ms=0" \
	" AND id IN (SELECT object FROM item WHERE own=1);" \
	"DROP VIEW tally_item;" \
	GT_TALLY_VIEW \
	"DELETE FROM tally_resource;" \
	GT_TALLY_RESOURCES("", "true") \
	"CREATE INDEX object_damaged ON object(id)" \
	" WHERE state<4 AND completed_ms>0;"

/* clang-format on */

#endif
