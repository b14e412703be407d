#include "domain.h"

#include <string.h>

#include "store.h"

/* SQL, whose lines the formatter would break anywhere */
/* clang-format off */

/* Of a column c: */
#define INT(c, lo, hi) "typeof(" c ")='integer' AND " c " BETWEEN " lo " AND " hi
#define COUNT(c) INT(c, "0", "9007199254740992")
#define LONG(c) INT(c, "0", "9223372036854775806")
#define TIME(c) INT(c, "-62135596800000", "253402300799999")
#define TEXT(c, max) "typeof(" c ")='text' AND length(" c ")<=" max
#define BLOB(c, min, max) \
	"typeof(" c ")='blob' AND length(" c ") BETWEEN " min " AND " max
#define OR_NULL(c, what) c " IS NULL OR (" what ")"
#define ID(c) BLOB(c, "32", "32")

/* table, column, what it may be. Small tables first. */
static const struct domain {
	const char *table, *column, *may;
} domains[] = {
	{"meta", "key", "typeof(key)='text'"},
	{"meta", "value",
	 "CASE WHEN key IN('cursor','date_missed','date_since','hop','met_to',"
	 "'erased_met','erased_told','lists_met','lists_told','awarded','replaced','receipt','root','sent',"
	 "'version_floor','entries_missed','indexed','runs_anew','pool_floor',"
	 "'pool_month') OR key GLOB 'again/*'"
	 " THEN " INT("value", "-1", "9007199254740992")
	 " WHEN key='code' THEN " BLOB("value", "1", "48")
	 " AND CAST(value AS TEXT) GLOB '[0-9]*'"
	 " WHEN key IN('date','date_by','epoch','hop_of','met',"
	 "'parent_epoch','certified_in','award_secret','recall','figures_key') OR key GLOB 'lineage/*' OR key GLOB 'waits/*'"
	" OR key GLOB 'documents/*'"
	" THEN typeof(value)='blob'"
	 " ELSE 1 END"},
	{"sqlite_sequence", "name", "typeof(name)='text'"},
	{"sqlite_sequence", "seq", COUNT("seq")},
	{"tally_resource", "verdict", INT("verdict", "0", "3")},
	{"tally_resource", "state", "typeof(state)='text'"},
	{"tally_resource", "n", COUNT("n")},
	{"tally_object", "state", INT("state", "1", "5")},
	{"tally_object", "some", INT("some", "0", "1")},
	{"tally_object", "n", COUNT("n")},
	{"tally_object", "bytes", LONG("bytes")},
	{"stream", "sid", COUNT("sid")},
	{"stream", "code", TEXT("code", "48")},
	{"stream", "epoch", BLOB("epoch", "1", "64")},
	{"stream", "last", COUNT("last")},
	{"clock_era", "era", COUNT("era")},
	{"clock_era", "seq", COUNT("seq")},
	{"clock_era", "begin_ms", TIME("begin_ms")},
	{"clock_era", "end_ms", OR_NULL("end_ms", TIME("end_ms"))},
	{"clock_era", "cause", INT("cause", "0", "4")},
	{"clock_era", "step_ms",
	 INT("step_ms", "-315537897600000", "315537897600000")},
	{"clock_era", "at_ms", TIME("at_ms")},
	{"child", "cid", COUNT("cid")},
	{"child", "code", TEXT("code", "48")},
	{"child", "epoch", OR_NULL("epoch", BLOB("epoch", "0", "64"))},
	{"child", "filter", OR_NULL("filter", BLOB("filter", "0", "64"))},
	{"child", "judged_members", COUNT("judged_members")},
	{"child", "judged", COUNT("judged")},
	{"child", "vseq", COUNT("vseq")},
	{"child", "acked", COUNT("acked")},
	{"child", "records", COUNT("records")},
	{"child", "rooted", COUNT("rooted")},
	{"child", "status", OR_NULL("status", "typeof(status)='blob'")},
	{"child", "seen_ms", TIME("seen_ms")},
	{"batch", "cid", COUNT("cid")},
	{"batch", "upto", COUNT("upto")},
	{"batch", "need", COUNT("need")},
	{"handover", "hid", COUNT("hid")},
	{"handover", "parent", TEXT("parent", "48")},
	{"handover", "transfer", BLOB("transfer", "16", "16")},
	{"handover", "object", ID("object")},
	{"handover", "bytes", LONG("bytes")},
	{"handover", "frames", COUNT("frames")},
	{"void_kept", "seq", COUNT("seq")},
	{"spoilt", "seq", COUNT("seq")},
	{"spoilt", "stream", COUNT("stream")},
	{"spoilt", "origin_seq", COUNT("origin_seq")},
	{"spoilt", "id", BLOB("id", "0", "16")},
	{"spoilt", "form", BLOB("form", "0", "32")},
	{"spoilt", "state", INT("state", "0", "2")},
	{"spoilt", "held", INT("held", "0", "1")},
	{"stuck", "object", ID("object")},
	{"stuck", "why", INT("why", "1", "2")},
	{"stuck", "since_ms", TIME("since_ms")},
	{"stuck", "tried_ms", COUNT("tried_ms")},
	{"stuck", "detail", "typeof(detail)='text'"},
	{"attachment", "aid", COUNT("aid")},
	{"attachment", "sha2", BLOB("sha2", "28", "64")},
	{"attachment", "size", COUNT("size")},
	{"attachment", "state", INT("state", "0", "2")},
	{"attachment", "at_ms", TIME("at_ms")},
	{"attached", "aid", COUNT("aid")},
	{"attached", "seq", COUNT("seq")},
	{"certificate_list", "number", COUNT("number")},
	{"certificate_list", "at_ms", TIME("at_ms")},
	{"certificate_list", "document", "typeof(document)='blob'"},
	{"award", "wid", COUNT("wid")},
	{"award", "key", BLOB("key", "32", "32")},
	{"award", "record", BLOB("record", "16", "16")},
	{"award", "at_ms", TIME("at_ms")},
	{"pool", "seq", COUNT("seq")},
	{"pool", "least", INT("least", "0", "1000000")},
	{"pool", "cell", INT("cell", "-2", "9007199254740992")},
	{"status_list", "lid", COUNT("lid")},
	{"status_list", "code", TEXT("code", "48")},
	{"status_list", "number", INT("number", "0", "255")},
	{"status_list", "at_ms", TIME("at_ms")},
	{"status_list", "version", LONG("version")},
	{"status_list", "member", BLOB("member", "1", "4096")},
	{"status_list", "packed", BLOB("packed", "1", "32768")},
	{"certificate", "cid", COUNT("cid")},
	{"certificate", "id", TEXT("id", "48")},
	{"certificate", "record", BLOB("record", "16", "16")},
	{"certificate", "at_ms", TIME("at_ms")},
	{"certificate", "revoked_ms", TIME("revoked_ms")},
	{"certificate", "why", TEXT("why", "4096")},
	{"certificate", "document", "typeof(document)='blob'"},
	{"figures", "fid", COUNT("fid")},
	{"figures", "last", COUNT("last")},
	{"figures", "body", "typeof(body)='blob'"},
	{"erased", "eid", COUNT("eid")},
	{"erased", "id", BLOB("id", "16", "16")},
	{"erased", "code", TEXT("code", "48")},
	{"erased", "at_ms", TIME("at_ms")},
	{"erased", "receipt", COUNT("receipt")},
	{"seal", "sid", COUNT("sid")},
	{"seal", "by", TEXT("by", "48")},
	{"seal", "count", INT("count", "1", "512")},
	{"seal", "signature", BLOB("signature", "64", "64")},
	{"seal", "gaps", BLOB("gaps", "0", "18432")},
	{"sealed", "seq", COUNT("seq")},
	{"sealed", "n", INT("n", "1", "512")},
	{"sealed", "sid", COUNT("sid")},
	{"sealed", "leaf", INT("leaf", "0", "511")},
	{"held", "hid", COUNT("hid")},
	{"held", "code", TEXT("code", "48")},
	{"held", "shown", BLOB("shown", "32", "32")},
	{"held", "epoch", BLOB("epoch", "16", "16")},
	{"held", "since_ms", TIME("since_ms")},
	{"held", "tried_ms", TIME("tried_ms")},
	{"held", "address", TEXT("address", "64")},
	{"held", "word", INT("word", "0", "2")},
	{"said", "rid", COUNT("rid")},
	{"said", "seq", COUNT("seq")},
	{"said", "verdict", INT("verdict", "0", "3")},
	{"said", "priority", COUNT("priority")},
	{"said", "rule", TEXT("rule", "1024")},
	{"said", "layer", TEXT("layer", "1024")},
	{"item", "rid", COUNT("rid")},
	/* what is signed begins with its kind, if it is said where the
	 * programs say it */
	{"item", "kind",
	 INT("kind", "1", "3") " AND (kind=1)=(id GLOB '*/*')"
	 " AND (hex(substr(signed,1,1))<>'08'"
	 " OR hex(substr(signed,2,1))='0'||kind)"},
	{"item", "id", TEXT("id", "152") " AND id<>''"},
	{"item", "seq", COUNT("seq")},
	{"item", "version", LONG("version")},
	{"item", "state", INT("state", "0", "1")},
	{"item", "hash", BLOB("hash", "0", "32")},
	{"item", "signed", "typeof(signed)='blob'"},
	{"item", "verdict", INT("verdict", "0", "3")},
	{"item", "priority", COUNT("priority")},
	{"item", "rule", TEXT("rule", "1024")},
	{"item", "layer", TEXT("layer", "1024")},
	{"item", "own", INT("own", "0", "1")},
	{"item", "type", TEXT("type", "8192")},
	{"item", "title", TEXT("title", "8192")},
	{"item", "object", OR_NULL("object", ID("object"))},
	{"item", "prior", OR_NULL("prior", ID("prior"))},
	{"item", "asked", INT("asked", "0", "1")},
	{"item", "updated_ms", TIME("updated_ms")},
	{"object", "oid", COUNT("oid")},
	{"object", "id", ID("id")},
	{"object", "state", INT("state", "1", "5")},
	{"object", "size", COUNT("size")},
	{"object", "frames", INT("frames", "0", "4294967295")},
	{"object", "present", COUNT("present") " AND present<=frames"},
	{"object", "transfer",
	 OR_NULL("transfer", BLOB("transfer", "0", "16"))},
	{"object", "created_ms", TIME("created_ms")},
	{"object", "completed_ms", TIME("completed_ms")},
	{"object", "have", OR_NULL("have", "typeof(have)='blob'")},
	{"object", "manifest", OR_NULL("manifest", "typeof(manifest)='blob'")},
	{"object", "received", LONG("received")},
	{"object", "supplier", TEXT("supplier", "1024")},
	{"view", "cid", COUNT("cid")},
	{"view", "rid", COUNT("rid")},
	{"view", "vseq", COUNT("vseq")},
	{"view", "seq", COUNT("seq")},
	{"view", "verdict", INT("verdict", "0", "3")},
	{"view", "priority", COUNT("priority")},
	{"view", "rule", TEXT("rule", "1024")},
	{"view", "layer", TEXT("layer", "1024")},
	{"quarantine", "qid", COUNT("qid")},
	{"quarantine", "via", TEXT("via", "1024")},
	{"quarantine", "stream", COUNT("stream")},
	{"quarantine", "origin_seq", COUNT("origin_seq")},
	{"quarantine", "id", "typeof(id)='blob'"},
	{"quarantine", "form", "typeof(form)='blob'"},
	{"quarantine", "origin_ms", "typeof(origin_ms)='integer'"},
	{"quarantine", "at_ms", TIME("at_ms")},
	{"quarantine", "reason", TEXT("reason", "65536")},
	{"quarantine", "body", "typeof(body)='blob'"},
	{"voids", "target", BLOB("target", "16", "16")},
	{"voids", "how", INT("how", "0", "2")},
	{"voids", "code", TEXT("code", "48")},
	{"voids", "authority", "typeof(authority)='text'"},
	{"voids", "seq", COUNT("seq")},
	{"run", "run", COUNT("run")},
	{"run", "kind", INT("kind", "1", "3")},
	{"run", "level", INT("level", "0", "12")},
	{"run", "place", COUNT("place")},
	{"run", "n", COUNT("n")},
	{"run", "low", COUNT("low")},
	{"run", "high", COUNT("high")},
	{"run", "state", INT("state", "0", "2")},
	{"run", "target", COUNT("target")},
	{"run", "cursor", OR_NULL("cursor", BLOB("cursor", "16", "16"))},
	{"run_group", "gid", COUNT("gid")},
	{"run_group", "run", COUNT("run")},
	{"run_group", "first", BLOB("first", "16", "16")},
	{"run_group", "n", COUNT("n")},
	{"run_group", "guide", BLOB("guide", "24", "3984")},
	{"run_tail", "tid", COUNT("tid")},
	{"run_tail", "kind", INT("kind", "1", "3")},
	{"run_tail", "n", COUNT("n")},
	{"run_tail", "body", "typeof(body)='blob'"},
	{"run_block", "bid", COUNT("bid")},
	{"run_block", "body", BLOB("body", "8", "4048")},
	{"record", "seq", COUNT("seq")},
	{"record", "stream", COUNT("stream")},
	{"record", "origin_seq", COUNT("origin_seq")},
	{"record", "id", BLOB("id", "16", "16")},
	{"record", "form", ID("form")},
	{"record", "flags", INT("flags", "0", "4294967295")},
	{"record", "target", OR_NULL("target", BLOB("target", "16", "16"))},
	{"record", "origin_ms", "typeof(origin_ms)='integer'"},
	{"record", "stored_ms", TIME("stored_ms")},
	{"record", "policy", "typeof(policy)='text'"},
	{"record", "authority", "typeof(authority)='text'"},
	/* what a record vouches for itself, spoilt.c looks after */
	{"record", "body", "typeof(body)IN('blob','text')"},
#define DOCUMENT(t) \
	{t, "kind", INT("kind", "1", "3")}, \
	{t, "agent", TEXT("agent", "2048")}, \
	{t, "activity", TEXT("activity", "2048")}, \
	{t, "registration", TEXT("registration", "36")}, \
	{t, "id", TEXT("id", "2048")}, \
	{t, "origin", TEXT("origin", "48")}, \
	{t, "epoch", BLOB("epoch", "16", "16")}, \
	{t, "seq", COUNT("seq")}, \
	{t, "first_ms", TIME("first_ms")}, \
	{t, "updated_ms", TIME("updated_ms")}, \
	{t, "gone", INT("gone", "0", "1")}, \
	{t, "actor", TEXT("actor", "8192")}, \
	{t, "type", TEXT("type", "8192")}, \
	{t, "body", BLOB("body", "0", "1048576")}
	{"document_lost", "lid", COUNT("lid")},
	{"document_lost", "at_ms", TIME("at_ms")},
	{"document_lost", "won", TEXT("won", "48")},
	DOCUMENT("document_lost"),
	{"document", "did", COUNT("did")},
	DOCUMENT("document"),
	{"document", "seen", "typeof(seen)='blob'"},
	{"document", "beaten", "typeof(beaten)='blob'"},
	{"document", "stored_ms", TIME("stored_ms")},
	{"document", "up", INT("up", "0", "1")},
	{"document", "size", COUNT("size")},
	{"document", "etag", TEXT("etag", "42")},
	{"audit", "aid", COUNT("aid")},
	{"audit", "at_ms", TIME("at_ms")},
	{"audit", "node", "typeof(node)='text'"},
	{"audit", "actor", "typeof(actor)='text'"},
	{"audit", "event", "typeof(event)='text'"},
	{"audit", "kind", "typeof(kind)='text'"},
	{"audit", "subject", "typeof(subject)='text'"},
	{"audit", "version", LONG("version")},
	{"audit", "peer", "typeof(peer)='text'"},
	{"audit", "verdict", "typeof(verdict)='text'"},
	{"audit", "rule", "typeof(rule)='text'"},
	{"audit", "layer", "typeof(layer)='text'"},
	{"audit", "result", "typeof(result)='text'"},
	{"audit", "bytes", LONG("bytes")},
	{"audit", "transfer", "typeof(transfer)='text'"},
	{"audit", "detail", "typeof(detail)='text'"},
};

/* Of what nobody else can have: ?1 the node's code, ?2 whether it is the
 * root. */
static const struct only {
	const char *table, *here;
} only[] = {
	{"item", "own=1 OR (kind=1 AND substr(id,1,length(?1)+1)=?1||'/')"},
	{"record", "stream IN(SELECT sid FROM stream WHERE code=?1) AND (?2 OR"
	 " seq>ifnull((SELECT value FROM meta WHERE key='hop'),0))"},
};
/* clang-format on */

enum { DOMAINS = sizeof domains / sizeof *domains };

static bool has(sqlite3 *db, const char *table, const char *column)
{
	return sqlite3_table_column_metadata(db, NULL, table, column, NULL,
	                                     NULL, NULL, NULL,
	                                     NULL) == SQLITE_OK;
}

char *gt_domain_of(sqlite3 *db, const char *table)
{
	sqlite3_str *o = sqlite3_str_new(db);
	sqlite3_str_appendall(o, "CASE WHEN 0 THEN ''");
	for (size_t i = 0; i < DOMAINS; i++) {
		const struct domain *d = &domains[i];
		if (strcmp(d->table, table) == 0 && has(db, table, d->column))
			sqlite3_str_appendf(o,
			                    " WHEN ifnull(NOT(%s),1) THEN %Q",
			                    d->may, d->column);
	}
	sqlite3_str_appendall(o, " END");
	return sqlite3_str_finish(o);
}

/* What its rows are found by. */
static const char *key_of(const char *table)
{
	static const char *const keys[][2] = {
	        {"meta", "key"},           {"tally_resource", "state"},
	        {"tally_object", "state"}, {"batch", "cid||'/'||upto"},
	        {"view", "cid||'/'||rid"}, {"voids", "seq"},
	        {"stuck", "hex(object)"},  {"attached", "aid||'/'||seq"},
	};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(keys[i][0], table) == 0)
			return keys[i][1];
	return "rowid";
}

static const char *only_here(const char *table)
{
	for (size_t i = 0; i < sizeof only / sizeof *only; i++)
		if (strcmp(only[i].table, table) == 0)
			return only[i].here;
	return "0";
}

/* The value itself, in a second look: which column it is of is known now. */
static void value_of(sqlite3 *db, struct gt_odd *odd)
{
	char sql[400];
	sqlite3_stmt *st = NULL;
	gt_format(sql, sizeof sql,
	          "SELECT CASE typeof(%s) WHEN 'blob' THEN "
	          "'x'''||hex(substr(%s,1,8))||'''' WHEN 'null' THEN 'NULL' "
	          "ELSE substr(%s,1,20) END FROM %s WHERE %s=?1",
	          odd->column, odd->column, odd->column, odd->table,
	          key_of(odd->table));
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		(void)sqlite3_bind_text(st, 1, odd->row, -1, SQLITE_STATIC);
		if (sqlite3_step(st) == SQLITE_ROW)
			gt_copy(odd->value, sizeof odd->value,
			        gt_col_text(st, 0));
	}
	sqlite3_finalize(st);
}

static void note(struct gt_odd *odd, const char *table, sqlite3_stmt *st)
{
	bool mine = gt_col_int(st, 2) != 0;
	if (odd->rows++ > 0 && (!mine || odd->only_here))
		return;
	gt_copy(odd->table, sizeof odd->table, table);
	gt_copy(odd->column, sizeof odd->column, gt_col_text(st, 1));
	gt_copy(odd->row, sizeof odd->row, gt_col_text(st, 0));
	odd->only_here = mine;
}

static int look_through(sqlite3 *db, const char *table, const char *code,
                        bool root, struct gt_odd *out)
{
	sqlite3_stmt *st = NULL;
	char *what = gt_domain_of(db, table);
	char *sql = what ? sqlite3_mprintf(
	                           "SELECT k,c,%s FROM (SELECT *,%s AS k,%s "
	                           "AS c FROM %s) WHERE c IS NOT NULL",
	                           only_here(table), key_of(table), what, table)
	                 : NULL;
	int rc =
	        sql ? sqlite3_prepare_v2(db, sql, -1, &st, NULL) : SQLITE_NOMEM;
	sqlite3_free(what);
	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return rc == SQLITE_NOMEM ? -GT_ENOMEM : -GT_ESTORE;
	(void)sqlite3_bind_text(st, 1, code, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int(st, 2, root);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		note(out, table, st);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 1 : -GT_ESTORE;
}

int gt_domain_look(sqlite3 *db, const char *code, bool root, struct gt_odd *out)
{
	int status = 1;
	*out = (struct gt_odd){0};
	for (size_t i = 0; status == 1 && i < DOMAINS; i++) {
		const char *table = domains[i].table;
		bool seen = i > 0 && strcmp(domains[i - 1].table, table) == 0;
		if (!seen && has(db, table, NULL))
			status = look_through(db, table, code, root, out);
	}
	if (out->rows == 0)
		return status;
	value_of(db, out);
	return 0;
}

void gt_odd_say(char out[GT_ODD_SAID], const struct gt_odd *odd)
{
	gt_format(out, GT_ODD_SAID,
	          "table %s, row %s, column %s: it cannot be %s; such rows: "
	          "%llu",
	          odd->table, odd->row, odd->column, odd->value,
	          (unsigned long long)odd->rows);
}
