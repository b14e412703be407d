/* u_read.c: a reader beside a writer on a real database in WAL mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "buffer.h"
#include "guantong.pb-c.h"
#include "json.h"
#include "nomem.h"
#include "read.h"
#include "schema.h"
#include "seal.h"
#include "statement.h"
#include "tally.h"

static char dir[] = "/tmp/gt-read-XXXXXX";
static char path[64];
static sqlite3 *db;
static struct gt_reader *reader;
static char refused[256];
static struct gt_arena *arena;
static int64_t seq;

/* ---------------------------------------------------------- writing */

static void sql(const char *text)
{
	char *why = NULL;
	int rc = sqlite3_exec(db, text, NULL, NULL, &why);
	if (rc != SQLITE_OK)
		print_error("%s: %s\n", text, why);
	assert_int_equal(rc, SQLITE_OK);
}

static void insert(const char *text, const char *id, struct gt_bytes a,
                   struct gt_bytes b)
{
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
	sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
	sqlite3_bind_blob(s, 2, a.p, (int)a.n, SQLITE_STATIC);
	if (b.n)
		sqlite3_bind_blob(s, 3, b.p, (int)b.n, SQLITE_STATIC);
	sqlite3_bind_int64(s, 4, ++seq);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
}

static struct gt_bytes sealed(Gt__Kind kind, const ProtobufCMessage *m)
{
	Gt__Signed outer;
	struct gt_bytes body = gt_arena_pack(arena, m);
	gt__signed__init(&outer);
	outer.kind = kind;
	outer.body.len = body.n;
	outer.body.data = gt_arena_copy(arena, body.p, body.n);
	return gt_arena_pack(arena, &outer.base);
}

static uint8_t object_ids[16][GT_ID_BYTES];

static struct gt_bytes object_id(int n)
{
	memset(object_ids[n], n, GT_ID_BYTES);
	return gt_bytes_of(object_ids[n], GT_ID_BYTES);
}

struct given {
	const char *id, *type, *audience;
	char *zh;
	int verdict, state, object, asked; /* object 0: none */
};

static void add(const struct given *g)
{
	char id[200], publisher[] = "33", audience[20], type[20], zh[] = "zh",
	              en[] = "en";
	char english[] = "Title of it", subject[] = "health";
	char *audiences[] = {audience}, *subjects[] = {subject}, text[400];
	Gt__Text t[2];
	Gt__Text *titles[] = {&t[0], &t[1]};
	Gt__Entry e;
	struct gt_bytes object = {0};
	gt__entry__init(&e);
	gt__text__init(&t[0]);
	gt__text__init(&t[1]);
	gt_copy(id, sizeof id, g->id);
	gt_copy(audience, sizeof audience, g->audience);
	gt_copy(type, sizeof type, g->type);
	t[0].lang = zh;
	t[0].text = g->zh;
	t[1].lang = en;
	t[1].text = english;
	e.id = id;
	e.version = 7;
	e.publisher = publisher;
	e.type = type;
	e.title = titles;
	e.n_title = 2;
	e.description = titles;
	e.n_description = 1;
	e.audiences = audiences;
	e.n_audiences = 1;
	e.subjects = subjects;
	e.n_subjects = 1;
	e.stored_size = 1000;
	e.plain_size = 3000;
	e.created_ms = 1795386457120;
	if (g->object) {
		object = object_id(g->object);
		e.object.len = object.n;
		e.object.data = object_ids[g->object];
	}
	gt_format(text, sizeof text,
	          "INSERT INTO item(kind,id,seq,version,state,hash,signed,"
	          "verdict,priority,rule,layer,own,type,title,object,asked,"
	          "updated_ms) VALUES(1,?1,?4,7,%d,x'00',?2,%d,50,'a rule',"
	          "'33',0,'%s','',?3,%d,0)",
	          g->state, g->verdict, g->type, g->asked);
	insert(text, g->id, sealed(GT__KIND__RESOURCE, &e.base), object);
}

static void add_object(int n, int state, int frames, int present)
{
	char text[200];
	static char name[] = "index.html", media[] = "text/html";
	Gt__File f;
	Gt__File *files[] = {&f};
	Gt__Manifest m;
	gt__file__init(&f);
	gt__manifest__init(&m);
	f.path = name;
	f.media_type = media;
	f.size = 12;
	m.files = files;
	m.n_files = 1;
	gt_format(text, sizeof text,
	          "INSERT INTO object(id,state,manifest,size,frames,present,"
	          "created_ms,completed_ms) SELECT ?2,%d,%s,1000,%d,%d,0,0"
	          " WHERE ?1='' AND ?4>0",
	          state, state == GT_OBJECT_WANTED ? "NULL" : "?3", frames,
	          present);
	insert(text, "", object_id(n), gt_arena_pack(arena, &m.base));
}

static void add_rule(Gt__Rule *rule, char *name, char *audience, int verdict,
                     char **level)
{
	static Gt__Predicate p[4];
	static Gt__Predicate *when[4];
	static char *value[4];
	static size_t n;
	gt__rule__init(rule);
	gt__predicate__init(&p[n]);
	value[n] = audience;
	p[n].field = GT__FIELD__AUDIENCE;
	p[n].values = &value[n];
	p[n].n_values = 1;
	when[n] = &p[n];
	rule->name = name;
	rule->when = &when[n];
	rule->n_when = 1;
	rule->levels = level;
	rule->n_levels = level ? 1 : 0;
	rule->verdict = (Gt__Verdict)verdict;
	rule->priority = 60;
	n++;
}

static void add_layer(const char *origin, Gt__Rule *rule)
{
	Gt__Layer l;
	char code[20];
	Gt__Rule *rules[] = {rule};
	gt_copy(code, sizeof code, origin);
	gt__layer__init(&l);
	l.origin = code;
	l.version = 3;
	l.rules = rules;
	l.n_rules = 1;
	l.fallback = GT__VERDICT__MIRROR;
	l.priority = 50;
	insert("INSERT INTO item(kind,id,seq,version,state,hash,signed,verdict,"
	       "priority,rule,layer,own,type,title,updated_ms) SELECT 2,?1,?4,"
	       "3,0,x'00',?2,3,50,'','',?1='3301','','',0 WHERE ?3 IS NULL",
	       origin, sealed(GT__KIND__LAYER, &l.base), (struct gt_bytes){0});
}

static void enrol(const char *code, const char *name, bool publisher,
                  bool active)
{
	Gt__Member m;
	uint8_t key[GT_KEY_BYTES] = {1};
	gt__member__init(&m);
	m.key.data = key;
	m.key.len = sizeof key;
	m.code = gt_lend(code);
	m.name = gt_lend(name);
	m.version = 2;
	m.publisher = publisher;
	m.standing = active ? GT__STANDING__ACTIVE : GT__STANDING__REVOKED;
	insert("INSERT INTO item(kind,id,seq,version,state,hash,signed,verdict,"
	       "priority,rule,layer,own,type,title,updated_ms) SELECT 3,?1,?4,"
	       "2,1,x'00',?2,3,50,'','',0,'','',0 WHERE ?3 IS NULL",
	       code, sealed(GT__KIND__MEMBER, &m.base), (struct gt_bytes){0});
}

static void add_member(void)
{
	enrol("33-nju", "\xe6\xb5\x99\xe5\xa4\xa7", true, false);
}

static void uuid_of(char out[GT_UUID_TEXT], int64_t n)
{
	gt_format(out, GT_UUID_TEXT, "00000000-0000-0000-0000-%012llx",
	          (unsigned long long)n);
}

/* Statement n, with the score n, which voids number `voids` or (0) none; extra:
 * more members, each after a comma. */
static void add_record(int64_t n, int64_t voids, const char *extra)
{
	char body[500], text[1500], id[GT_UUID_TEXT], why[200];
	char form[GT_HEX_ID], target[40] = "NULL", hex[33];
	struct gt_statement st;
	uint8_t ids[1][GT_UUID_BYTES];
	uuid_of(id, n);
	assert_true(gt_uuid_parse(ids[0], id));
	uuid_of(id, voids);
	gt_format(body, sizeof body,
	          "{\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":"
	          "\"%s\"},\"object\":{%s%s%s},\"result\":{\"score\":{\"raw\":"
	          "%lld}}%s}",
	          voids ? "http://adlnet.gov/expapi/verbs/voided"
	                : "http://v.cn/1",
	          voids ? "\"objectType\":\"StatementRef\",\"id\":\"" : "",
	          voids ? id : "\"id\":\"http://o.cn/1\"", voids ? "\"" : "",
	          (long long)n, extra);
	assert_int_equal(gt_statements_parse(gt_bytes_str(body),
	                                     (const uint8_t(*)[16])ids, 1, &st,
	                                     1, why, sizeof why),
	                 1);
	gt_hex(form, st.form.b, GT_ID_BYTES);
	gt_hex(hex, st.target, GT_UUID_BYTES);
	if (voids)
		gt_format(target, sizeof target, "x'%s'", hex);
	gt_format(text, sizeof text,
	          "INSERT INTO record(stream,origin_seq,id,form,flags,target,"
	          "origin_ms,stored_ms,policy,authority,body) VALUES(1,%lld,"
	          "x'%032llx',x'%s',%u,%s,1795386457000,1795386458000,'','%s',"
	          "CAST('%s' AS BLOB))",
	          (long long)n, (unsigned long long)n, form, st.flags, target,
	          "{\"mbox\":\"mailto:lrs@33.cn\"}", body);
	sql(text);
}

/* -------------------------------------------------------- a fixture */

static char t_phone[] = "\xe6\x89\x8b\xe6\x9c\xba";
static char t_bad[] = "\xff\xfe";

static const struct given given[] = {
        {"33/a", "course", "all", t_phone, 3, 0, 1, 0},
        {"33/b", "course", "staff", t_phone, 3, 0, 2, 0},
        {"33/c", "video", "all", t_phone, 3, 0, 3, 0},
        {"33/d", "video", "all", t_phone, 2, 0, 4, 0},
        {"33/e", "video", "all", t_phone, 2, 0, 4, 1},
        {"33/f", "case", "all", t_phone, 1, 0, 1, 0},
        {"33/g", "case", "all", t_phone, 0, 0, 1, 0},
        {"33/h", "case", "all", t_phone, 3, 1, 1, 0},
        {"33/i", "announcement", "all", t_bad, 3, 0, 0, 0},
        {"33/j", "announcement", "all", t_phone, 2, 0, 5, 0},
        {"33/k", "announcement", "all", t_phone, 3, 0, 6, 0},
};

static void open_reader(void)
{
	sqlite3 *ro;
	assert_int_equal(sqlite3_open_v2(path, &ro, SQLITE_OPEN_READONLY, NULL),
	                 SQLITE_OK);
	reader = gt_reader_new(ro, refused, sizeof refused);
	assert_non_null(reader);
}

static int setup(void **state)
{
	(void)state;
	arena = gt_arena_new();
	if (!arena || !mkdtemp(dir))
		return 1;
	gt_format(path, sizeof path, "%s/node.db", dir);
	if (sqlite3_open(path, &db) != SQLITE_OK)
		return 1;
	sql("PRAGMA journal_mode=WAL;PRAGMA wal_autocheckpoint=0;" GT_SCHEMA);
	sql(GT_SCHEMA_TALLY);
	sql(GT_SCHEMA_TALLY_OBJECTS);
	sql("INSERT INTO meta VALUES('code',CAST('3301' AS BLOB))");
	for (size_t i = 0; i < sizeof given / sizeof *given; i++)
		add(&given[i]);
	add_object(1, GT_OBJECT_COMPLETE, 4, 4);
	add_object(2, GT_OBJECT_PARTIAL, 4, 1);
	add_object(5, GT_OBJECT_WANTED, 0, 0);
	add_object(6, GT_OBJECT_CHECKING, 4, 4);
	open_reader();
	return 0;
}

static int teardown(void **state)
{
	char text[80];
	(void)state;
	gt_reader_free(reader);
	sqlite3_close(db);
	gt_arena_free(arena);
	static const char *const ends[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < 3; i++) {
		gt_format(text, sizeof text, "%s%s", path, ends[i]);
		(void)unlink(text);
	}
	return rmdir(dir);
}

/* ---------------------------------------------------------- reading */

static const char *word(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));
	assert_non_null(s);
	return s;
}

static json_int_t number(const json_t *v, const char *key)
{
	const json_t *n = json_object_get(v, key);
	assert_true(json_is_integer(n));
	return json_integer_value(n);
}

/* "a b c": the slugs listed, " +" when there is more. */
static const char *listed(struct gt_resource_query q)
{
	static char out[200];
	size_t n = 0;
	json_t *v = gt_read_resources(reader, &q), *row;
	size_t i;
	if (!v)
		print_error("%s\n", gt_reader_why(reader));
	assert_non_null(v);
	out[0] = '\0';
	json_array_foreach(json_object_get(v, "resources"), i, row)
	{
		gt_format(out + n, sizeof out - n, "%s%s", n ? " " : "",
		          word(row, "id") + 3);
		n += strlen(out + n);
	}
	if (!json_is_null(json_object_get(v, "next")))
		gt_format(out + n, sizeof out - n, " +%s", word(v, "next") + 3);
	json_decref(v);
	return out;
}

#define LISTED(...) listed((struct gt_resource_query){__VA_ARGS__})

static void listing(void **state)
{
	(void)state;
	assert_string_equal(LISTED(.verdict = -1), "a b c d e f g h i j k");
	assert_string_equal(LISTED(.verdict = -1, .type = "video"), "c d e");
	assert_string_equal(LISTED(.verdict = 2), "d e j");
	assert_string_equal(LISTED(.verdict = -1, .audience = "staff"), "b");
	assert_string_equal(LISTED(.verdict = -1, .subject = "law"), "");
	assert_string_equal(LISTED(.verdict = -1, .text = "33/C"), "c");
	assert_string_equal(LISTED(.verdict = 3, .text = "tItle OF"),
	                    "a b c h i k");
	assert_string_equal(LISTED(.verdict = 0, .text = t_phone), "g");
	assert_string_equal(LISTED(.verdict = -1, .limit = 3), "a b c +c");
	assert_string_equal(LISTED(.verdict = -1, .limit = 3, .after = "33/c"),
	                    "d e f +f");
	assert_string_equal(LISTED(.verdict = -1, .limit = 3, .after = "33/h"),
	                    "i j k");
	assert_string_equal(
	        LISTED(.verdict = -1, .limit = 1, .type = "video", .text = "d"),
	        "d");
}

static void states(void **state)
{
	(void)state;
	assert_string_equal(LISTED(.verdict = -1, .state = "withdrawn"), "h");
	assert_string_equal(LISTED(.verdict = -1, .state = "excluded"), "g");
	assert_string_equal(LISTED(.verdict = -1, .state = "listed"), "d f");
	assert_string_equal(LISTED(.verdict = -1, .state = "complete"), "a i");
	assert_string_equal(LISTED(.verdict = -1, .state = "partial"), "b k");
	assert_string_equal(LISTED(.verdict = -1, .state = "wanted"), "c e j");
}

/* What SQL writes as numbers is what the messages say. */
static void numbers(void **state)
{
	(void)state;
	assert_int_equal(GT__KIND__RESOURCE, 1);
	assert_int_equal(GT__KIND__LAYER, 2);
	assert_int_equal(GT__KIND__MEMBER, 3);
	assert_int_equal(GT__STATE__WITHDRAWN, 1);
	assert_int_equal(GT_DENY, 0);
	assert_int_equal(GT_METADATA, 1);
	assert_int_equal(GT_MIRROR, 3);
	assert_int_equal(GT_OBJECT_CHECKING, 3);
	assert_int_equal(GT_OBJECT_COMPLETE, 4);
	assert_int_equal(GT_STATEMENT_VOIDS, 1);
}

static void one(void **state)
{
	(void)state;
	json_t *v = gt_read_resource(reader, "33/b");
	assert_non_null(v);
	assert_string_equal(word(v, "id"), "33/b");
	assert_string_equal(word(v, "verdict"), "mirror");
	assert_string_equal(word(v, "rule"), "a rule");
	assert_string_equal(word(v, "state"), "partial");
	assert_string_equal(word(v, "created"), "2026-11-22T22:27:37.120Z");
	assert_string_equal(word(json_object_get(v, "title"), "zh"), t_phone);
	assert_int_equal(number(v, "version"), 7);
	assert_int_equal(number(v, "present"), 1);
	assert_int_equal(number(v, "frames"), 4);
	assert_int_equal(number(v, "size"), 1000);
	assert_true(json_is_false(json_object_get(v, "own")));
	json_t *file = json_array_get(json_object_get(v, "files"), 0);
	assert_string_equal(word(file, "path"), "index.html");
	json_decref(v);
	v = gt_read_resource(reader, "33/c");
	assert_null(json_object_get(v, "files"));
	json_decref(v);
	/* bytes that are no UTF-8 do not hide the row */
	v = gt_read_resource(reader, "33/i");
	assert_string_equal(word(json_object_get(v, "title"), "zh"), "??");
	assert_true(json_is_null(json_object_get(v, "object")));
	json_decref(v);
	v = gt_read_resource(reader, "33/none");
	assert_true(json_is_null(v));
	json_decref(v);
	/* what was retracted keeps its row and is as if it had never been */
	insert("INSERT INTO item(kind,id,seq,version,state,hash,signed,verdict,"
	       "priority,rule,layer,own,type,title,updated_ms) SELECT 1,?1,?4,"
	       "7,0,x'00',x'',0,50,'','',0,'','',0 WHERE ?2 IS NULL AND ?3 IS "
	       "NULL",
	       "33/retracted", (struct gt_bytes){0}, (struct gt_bytes){0});
	v = gt_read_resource(reader, "33/retracted");
	assert_true(json_is_null(v));
	json_decref(v);
}

static int served(const char *id, int *first)
{
	struct gt_id object = {0};
	struct gt_bytes manifest = {0};
	int rc = gt_read_object(reader, id, &object, &manifest);
	*first = object.b[0];
	assert_int_equal(rc == 0, manifest.p != NULL);
	return rc;
}

static int held(int n)
{
	struct gt_id object;
	struct gt_bytes manifest = {0};
	memcpy(object.b, object_id(n).p, GT_ID_BYTES);
	int rc = gt_read_manifest(reader, &object, &manifest);
	assert_int_equal(rc == 0, manifest.n > 0);
	return rc;
}

static void objects(void **state)
{
	static const struct {
		const char *id;
		int status, object;
	} row[] = {{"33/a", 0, 1},
	           {"33/b", -GT_EUNAVAILABLE, 0},
	           {"33/d", -GT_EUNAVAILABLE, 0},
	           {"33/f", -GT_EUNAVAILABLE, 0}, /* metadata: not to be kept */
	           {"33/g", -GT_EUNKNOWN, 0},
	           {"33/h", -GT_EUNKNOWN, 0},
	           {"33/i", -GT_EUNAVAILABLE, 0},
	           {"33/none", -GT_EUNKNOWN, 0}};
	int first;
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		assert_int_equal(served(row[i].id, &first), row[i].status);
		assert_int_equal(first, row[i].object);
	}
	assert_int_equal(held(1), 0);
	for (int i = 2; i < 8; i++)
		assert_int_equal(held(i), -GT_EUNKNOWN);
	/* the older version goes on being served */
	sql("UPDATE item SET prior=(SELECT id FROM object WHERE state=4)"
	    " WHERE id='33/b'");
	assert_int_equal(served("33/b", &first), 0);
	assert_int_equal(first, 1);
}

static void status(void **state)
{
	(void)state;
	Gt__NodeStatus n;
	char software[] = "guantong 1";
	gt__node_status__init(&n);
	n.resources = 5;
	n.software = software;
	sql("INSERT INTO stream VALUES(1,'330106',x'00',3)");
	add_record(1, 0, "");
	sql("INSERT INTO audit(at_ms,node,actor,event,kind,subject,version,"
	    "peer,verdict,rule,layer,result,bytes,transfer,detail)"
	    " VALUES(1000,'3301','33','publish','resource','33/a',7,'',"
	    "'mirror','','33','ok',5,'','')");
	insert("INSERT INTO "
	       "child(code,judged_members,judged,vseq,acked,records,"
	       "rooted,status,seen_ms) SELECT ?1,0,0,9,?4-?4+8,0,0,?2,1000"
	       " WHERE ?3 IS NULL",
	       "330106", gt_arena_pack(arena, &n.base), (struct gt_bytes){0});
	for (int again = 0; again < 2; again++) {
		json_t *v = gt_read_status(reader);
		assert_non_null(v);
		assert_string_equal(word(v, "code"), "3301");
		json_t *r = json_object_get(v, "resources");
		assert_int_equal(
		        number(json_object_get(r, "mirror"), "complete"), 2);
		assert_int_equal(
		        number(json_object_get(r, "on-demand"), "wanted"), 2);
		json_t *o = json_object_get(v, "objects");
		assert_int_equal(number(o, "complete"), 1);
		assert_int_equal(number(o, "partial"), 2);
		assert_int_equal(number(o, "wanted"), 1);
		assert_int_equal(number(v, "bytes"), 2250);
		assert_int_equal(number(v, "audit_rows"), 1);
		json_t *rec = json_object_get(v, "records");
		assert_int_equal(number(rec, "count"), 1 + again);
		assert_int_equal(number(rec, "last_seq"), 1 + again);
		json_t *c = json_array_get(json_object_get(v, "children"), 0);
		assert_string_equal(word(c, "code"), "330106");
		assert_int_equal(number(c, "acked"), 8);
		assert_int_equal(
		        number(json_object_get(c, "status"), "resources"), 5);
		json_decref(v);
		add_record(2 + again, 0, "");
	}
	/* pruned at the front: counted anew */
	sql("DELETE FROM record WHERE seq<3");
	json_t *v = gt_read_status(reader);
	assert_int_equal(number(json_object_get(v, "records"), "count"), 1);
	json_decref(v);
	sql("DELETE FROM record;DELETE FROM audit;DELETE FROM sqlite_sequence");
}

static void records(void **state)
{
	uint8_t id[GT_UUID_BYTES] = {0};
	bool voided;
	int64_t stored;
	int rc;
	(void)state;
	add_record(1, 0,
	           ",\"context\":{\"extensions\":{\"http://e.cn/n\":1.0,"
	           "\"http://e.cn/big\":123456789012345678901}}");
	add_record(2, 0, ",\"timestamp\":\"2020-01-01T00:00:00Z\"");
	add_record(3, 1, "");
	add_record(4, 3, "");
	json_t *v = gt_read_records(reader, 0, 2);
	json_t *row = json_array_get(json_object_get(v, "records"), 0);
	assert_string_equal(word(row, "origin"), "330106");
	assert_string_equal(word(row, "stored"), "2026-11-22T22:27:38.000Z");
	assert_string_equal(word(row, "id"),
	                    "00000000-0000-0000-0000-000000000001");
	assert_true(json_is_true(json_object_get(row, "voided")));
	json_t *st = json_object_get(row, "statement");
	assert_string_equal(word(st, "timestamp"), "2026-11-22T22:27:37.000Z");
	assert_string_equal(word(st, "stored"), "2026-11-22T22:27:38.000Z");
	assert_string_equal(word(st, "version"), "1.0.0");
	row = json_array_get(json_object_get(v, "records"), 1);
	assert_true(json_is_false(json_object_get(row, "voided")));
	assert_int_equal(number(v, "next"), 2);
	json_decref(v);
	/* what voids cannot be voided */
	v = gt_read_records(reader, 2, 2);
	row = json_array_get(json_object_get(v, "records"), 0);
	assert_true(json_is_false(json_object_get(row, "voided")));
	assert_true(json_is_null(json_object_get(v, "next")));
	json_decref(v);
	id[15] = 1;
	char *text = gt_read_statement(reader, id, &voided, &stored, &rc);
	assert_int_equal(rc, 0);
	assert_true(voided);
	assert_int_equal(stored, 1795386458000);
	assert_non_null(strstr(text, "/n\":1.0,\"http://e.cn/big\":"
	                             "123456789012345678901"));
	free(text);
	id[15] = 9;
	assert_null(gt_read_statement(reader, id, &voided, &stored, &rc));
	assert_int_equal(rc, -GT_EUNKNOWN);
}

/* The least seq stored after ms: where a page that has no room begins. */
static int64_t behind(int64_t ms)
{
	struct gt_buffer out = {0};
	struct gt_statements_query q = {
	        .since_ms = ms, .until_ms = INT64_MAX, .ascending = true};
	assert_int_equal(gt_read_statements(reader, &q, &out), 0);
	assert_int_equal(out.n, 0);
	return q.low;
}

static void order(void **state)
{
	int64_t at = 9, ms = 9;
	(void)state;
	sql("DELETE FROM record");
	sql("DELETE FROM sqlite_sequence WHERE name='record'");
	assert_int_equal(gt_read_newest(reader, &at, &ms), 0);
	assert_int_equal(at, 0);
	assert_int_equal(ms, 0);
	assert_int_equal(behind(0), 1);
	for (int i = 1; i <= 40; i++)
		add_record(i, 0, "");
	/* two a moment, and some that are no longer here */
	sql("UPDATE record SET stored_ms=1000+seq/2");
	sql("DELETE FROM record WHERE seq<5 OR seq IN(20,21,40)");
	assert_int_equal(gt_read_newest(reader, &at, &ms), 0);
	assert_int_equal(at, 39);
	assert_int_equal(ms, 1019);
	/* what is not there is of the moment of the one behind it */
	assert_int_equal(behind(0), 1);
	assert_int_equal(behind(1002), 6);
	assert_int_equal(behind(1009), 20);
	assert_int_equal(behind(1011), 24);
	assert_int_equal(behind(1018), 38);
	assert_int_equal(behind(1019), 40);
	assert_int_equal(behind(INT64_MAX), 40);
}

/* "5 4 +1-3": the seqs told in their order, and those left; the bodies hold
 * what the seq is. What is 0 is open, or plenty. */
static const char *told(struct gt_statements_query q)
{
	static char text[2000];
	struct gt_buffer out = {0};
	size_t n = 0, i;
	json_t *row;
	q.since_ms = q.since_ms ? q.since_ms : INT64_MIN;
	q.until_ms = q.until_ms ? q.until_ms : INT64_MAX;
	q.limit = q.limit ? q.limit : 100;
	q.bytes = q.bytes ? q.bytes : 1 << 20;
	gt_buffer_str(&out, "[");
	assert_int_equal(gt_read_statements(reader, &q, &out), 0);
	gt_buffer_str(&out, "]");
	assert_false(out.failed);
	json_t *v = json_loadb((const char *)out.p, out.n, 0, NULL);
	assert_non_null(v);
	gt_buffer_free(&out);
	text[0] = '\0';
	json_array_foreach(v, i, row)
	{
		gt_format(
		        text + n, sizeof text - n, "%s%lld", n ? " " : "",
		        (long long)json_number_value(json_object_get(
		                json_object_get(json_object_get(row, "result"),
		                                "score"),
		                "raw")));
		n += strlen(text + n);
	}
	json_decref(v);
	if (q.low <= q.high)
		gt_format(text + n, sizeof text - n, " +%lld-%lld",
		          (long long)q.low, (long long)q.high);
	return text;
}

#define TOLD(...) told((struct gt_statements_query){__VA_ARGS__})

static void set_records(int n)
{
	sql("DELETE FROM record;"
	    "DELETE FROM sqlite_sequence WHERE name='record'");
	for (int i = 1; i <= n; i++)
		add_record(i, 0, "");
	sql("UPDATE record SET stored_ms=1000*seq");
}

static void statements(void **state)
{
	(void)state;
	set_records(0);
	assert_string_equal(TOLD(.ascending = true), "");
	assert_string_equal(TOLD(.ascending = false), "");
	assert_string_equal(TOLD(.since_ms = 5, .until_ms = 9), "");
	assert_string_equal(TOLD(.low = 1, .high = 9), "");
	set_records(6);
	assert_string_equal(TOLD(.ascending = true), "1 2 3 4 5 6");
	assert_string_equal(TOLD(.ascending = false), "6 5 4 3 2 1");
	/* exactly as many as there are, and as many as asked for */
	assert_string_equal(TOLD(.limit = 6), "6 5 4 3 2 1");
	assert_string_equal(TOLD(.limit = 6, .ascending = true), "1 2 3 4 5 6");
	assert_string_equal(TOLD(.limit = 2), "6 5 +1-4");
	assert_string_equal(TOLD(.limit = 2, .ascending = true), "1 2 +3-6");
	assert_string_equal(TOLD(.limit = 2, .low = 1, .high = 4), "4 3 +1-2");
	assert_string_equal(TOLD(.limit = 2, .low = 1, .high = 2), "2 1");
	assert_string_equal(
	        TOLD(.limit = 2, .low = 3, .high = 6, .ascending = true),
	        "3 4 +5-6");
	/* after since, not after until */
	assert_string_equal(TOLD(.since_ms = 2000, .until_ms = 4000), "4 3");
	assert_string_equal(TOLD(.since_ms = 1999, .until_ms = 3999), "3 2");
	assert_string_equal(TOLD(.since_ms = 6000), "");
	assert_string_equal(TOLD(.until_ms = 999), "");
	assert_string_equal(TOLD(.since_ms = 5000, .until_ms = 2000), "");
	/* the seqs stand in place of the times */
	assert_string_equal(TOLD(.since_ms = 5000, .low = 2, .high = 3), "3 2");
}

/* One more is begun while no more than that much is told. */
static void statements_bytes(void **state)
{
	struct gt_buffer out = {0};
	struct gt_statements_query q = {
	        .low = 1, .high = 6, .limit = 1, .bytes = 1000};
	(void)state;
	assert_int_equal(gt_read_statements(reader, &q, &out), 0);
	size_t one = out.n;
	gt_buffer_free(&out);
	assert_string_equal(TOLD(.bytes = 1), "6 +1-5");
	assert_string_equal(TOLD(.bytes = one - 1), "6 +1-5");
	assert_string_equal(TOLD(.bytes = one), "6 5 +1-4");
	assert_string_equal(TOLD(.bytes = 2 * one, .ascending = true),
	                    "1 2 +3-6");
	assert_string_equal(TOLD(.bytes = 2 * one + 1, .ascending = true),
	                    "1 2 3 +4-6");
}

static void statements_hidden(void **state)
{
	(void)state;
	add_record(7, 2, "");
	add_record(8, 6, "");
	/* what voids cannot be voided */
	add_record(9, 7, "");
	sql("UPDATE record SET stored_ms=9000 WHERE seq>6");
	assert_string_equal(TOLD(.ascending = true), "1 3 4 5 7 8 9");
	assert_string_equal(TOLD(.ascending = false), "9 8 7 5 4 3 1");
	assert_string_equal(TOLD(.limit = 4), "9 8 7 5 +1-4");
	assert_string_equal(TOLD(.limit = 2, .ascending = true), "1 3 +4-9");
	/* one at the end is not looked at before there is room again */
	assert_string_equal(TOLD(.limit = 1, .low = 2, .high = 3), "3 +2-2");
	assert_string_equal(TOLD(.limit = 1, .low = 2, .high = 2), "");
	/* more than a page may pass over */
	sql("WITH RECURSIVE x(i) AS(SELECT 1 UNION ALL SELECT i+1 FROM x"
	    " WHERE i<10002) INSERT INTO record SELECT NULL,1,100+i,"
	    "CAST(printf('%016d',100+i) AS BLOB),x'00',0,NULL,0,9000,'','',"
	    "x'7b7d' FROM x");
	sql("WITH RECURSIVE x(i) AS(SELECT 1 UNION ALL SELECT i+1 FROM x"
	    " WHERE i<10002) INSERT INTO record SELECT NULL,1,20000+i,"
	    "CAST(printf('%016d',20000+i) AS BLOB),x'00',1,"
	    "CAST(printf('%016d',100+i) AS BLOB),0,9000,'','',x'7b7d' FROM x");
	assert_string_equal(TOLD(.limit = 1, .low = 1, .high = 10011),
	                    " +1-10");
	assert_string_equal(
	        TOLD(.limit = 1, .low = 10, .high = 10011, .ascending = true),
	        " +10011-10011");
	assert_string_equal(TOLD(.limit = 3, .low = 1, .high = 10011),
	                    "9 +1-8");
}

/* Cursors nobody here wrote: steps over what is not there would never end. */
static void statements_beyond(void **state)
{
	(void)state;
	set_records(6);
	sql("DELETE FROM record WHERE seq<3");
	assert_string_equal(TOLD(.low = 1, .high = INT64_MAX), "6 5 4 3");
	assert_string_equal(
	        TOLD(.low = 1, .high = INT64_MAX, .ascending = true),
	        "3 4 5 6");
	assert_string_equal(TOLD(.low = 1, .high = INT64_MAX, .limit = 1),
	                    "6 +1-5");
	assert_string_equal(TOLD(.low = INT64_MAX - 1, .high = INT64_MAX), "");
	assert_string_equal(
	        TOLD(.low = 7, .high = INT64_MAX, .ascending = true), "");
	/* none there, many behind it */
	assert_string_equal(TOLD(.low = 1, .high = 2), "");
	assert_string_equal(TOLD(.low = 1, .high = 2, .ascending = true), "");
	assert_string_equal(TOLD(.low = 5, .high = 4), "");
	assert_string_equal(TOLD(.low = INT64_MAX, .high = 1), "");
}

/* Rows an earlier program took from below, or that rotted: each is a gap that
 * says so, counts towards the page, and hides no other. */
static void gaps(void **state)
{
	static const struct {
		const char *spoil, *why;
	} rows[] = {
	        {"body=x'5b312c325d'", "must be an object"},
	        {"body=x'7b'", "not JSON, or nested too deep"},
	        {"body=x''", "not JSON, or nested too deep"},
	        {"body=replace(CAST(body AS TEXT),'a@b','q@b')",
	         "the form is not its statement's"},
	        {"form=x'00'", "a malformed record"},
	        {"form=zeroblob(32)", "the form is not its statement's"},
	        {"id=x'0001'", "a malformed record"},
	        {"flags=1", "a malformed record"},
	        {"flags=1,target=x'00000000000000000000000000000099'",
	         "what it voids is not what its statement voids"},
	        {"authority='}, \"stolen\":{'",
	         "authority: not JSON, or nested too deep"},
	        {"authority='{\"mbox\":\"x\"}'",
	         "authority: mbox: not mailto: and an address"},
	};
	char text[300];
	(void)state;
	uint64_t met = gt_reader_gaps(reader);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct gt_buffer out = {0}, aside = {0};
		struct gt_statements_query q = {.low = 1,
		                                .high = 3,
		                                .limit = 9,
		                                .bytes = 9999,
		                                .gaps = &aside};
		set_records(3);
		gt_format(text, sizeof text, "UPDATE record SET %s WHERE seq=2",
		          rows[i].spoil);
		sql(text);
		assert_int_equal(gt_read_statements(reader, &q, &out), 0);
		gt_buffer_free(&out);
		assert_string_equal(TOLD(.ascending = true), "1 3");
		assert_string_equal(TOLD(.ascending = true, .limit = 2),
		                    "1 +3-3");
		json_t *v = json_loadb((const char *)aside.p, aside.n, 0, NULL);
		assert_non_null(v);
		assert_int_equal(number(v, "seq"), 2);
		assert_string_equal(word(v, "why"), rows[i].why);
		assert_string_equal(word(v, "stored"),
		                    "1970-01-01T00:00:02.000Z");
		json_decref(v);
		gt_buffer_free(&aside);
		v = gt_read_records(reader, 0, 0);
		json_t *list = json_object_get(v, "records");
		assert_int_equal(json_array_size(list), 3);
		json_t *row = json_array_get(list, 1);
		assert_string_equal(word(row, "gap"), rows[i].why);
		assert_true(json_is_null(json_object_get(row, "statement")));
		assert_null(json_object_get(json_array_get(list, 2), "gap"));
		json_decref(v);
		/* a page, a page that ended before the third, and the list */
		met += 4;
		assert_int_equal(gt_reader_gaps(reader), met);
	}
	/* asked for by itself it says what is wrong with it */
	uint8_t id[GT_UUID_BYTES] = {[15] = 2};
	bool voided;
	int64_t stored;
	int rc;
	set_records(3);
	sql("UPDATE record SET body=x'5b5d' WHERE seq=2");
	assert_null(gt_read_statement(reader, id, &voided, &stored, &rc));
	assert_int_equal(rc, -GT_EDAMAGED);
	assert_string_equal(gt_reader_why(reader), "must be an object");
	/* nothing but gaps: the page ends, and another goes on */
	set_records(6);
	sql("UPDATE record SET body=x'5b5d' WHERE seq<6");
	assert_string_equal(TOLD(.limit = 3), "6 +1-3");
	assert_string_equal(TOLD(.limit = 3, .low = 1, .high = 3), "");
	assert_string_equal(TOLD(.limit = 2, .low = 1, .high = 3), " +1-1");
}

static void quarantine(void **state)
{
	(void)state;
	sql("INSERT INTO quarantine(via,stream,origin_seq,id,form,origin_ms,"
	    "at_ms,reason,body) VALUES('330106',1,4,"
	    "x'00000000000000000000000000000001',x'00',0,1000,'other form',"
	    "CAST('{\"a\":1}' AS BLOB)),('330106',1,5,x'00',x'00',0,1000,'bad',"
	    "x'ff')");
	json_t *v = gt_read_quarantine(reader, 0, 0);
	json_t *list = json_object_get(v, "quarantine");
	assert_int_equal(json_array_size(list), 2);
	json_t *row = json_array_get(list, 0);
	assert_string_equal(word(row, "reason"), "other form");
	assert_string_equal(word(row, "via"), "330106");
	assert_int_equal(number(json_object_get(row, "statement"), "a"), 1);
	assert_true(json_is_null(
	        json_object_get(json_array_get(list, 1), "statement")));
	json_decref(v);
	v = gt_read_quarantine(reader, 1, 0);
	assert_int_equal(json_array_size(json_object_get(v, "quarantine")), 1);
	json_decref(v);
}

/* ------------------------------------------------------------ audit */

static const char *trail(struct gt_audit_query q)
{
	static char out[400];
	size_t n = 0, i;
	json_t *v = gt_read_audit(reader, &q), *row;
	if (!v)
		print_error("%s\n", gt_reader_why(reader));
	assert_non_null(v);
	out[0] = '\0';
	json_array_foreach(json_object_get(v, "rows"), i, row)
	{
		gt_format(out + n, sizeof out - n, "%s%lld", n ? " " : "",
		          (long long)number(row, "aid"));
		n += strlen(out + n);
	}
	if (!json_is_null(json_object_get(v, "next")))
		gt_format(out + n, sizeof out - n, " +%lld",
		          (long long)number(v, "next"));
	json_decref(v);
	return out;
}

#define TRAIL(...) trail((struct gt_audit_query){__VA_ARGS__})

static void audit(void **state)
{
	static const char *const row[][5] = {
	        /* actor, event, subject, peer, result */
	        {"33", "publish", "33/a", "", "ok"},
	        {"33", "judge", "33/a", "330106", "ok"},
	        {"user:li[1]", "withdraw", "33/c", "", "ok"},
	        {"3301", "receive", "33/c", "33", "DAMAGED"},
	        {"3301", "receive", "33/f", "33", "ok"},
	        {"33", "layer", "33", "", "ok"},
	};
	char text[500];
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		gt_format(text, sizeof text,
		          "INSERT INTO audit(at_ms,node,actor,event,kind,"
		          "subject,version,peer,verdict,rule,layer,result,"
		          "bytes,transfer,detail) VALUES(%zu,'3301','%s','%s',"
		          "'%s','%s',7,'%s','mirror','r','33','%s',5,'ab','d')",
		          1000 + i * 10, row[i][0], row[i][1],
		          i == 5 ? "layer" : "resource", row[i][2], row[i][3],
		          row[i][4]);
		sql(text);
	}
	assert_string_equal(TRAIL(0), "1 2 3 4 5 6");
	assert_string_equal(TRAIL(.from_ms = 1010), "2 3 4 5 6");
	assert_string_equal(TRAIL(.to_ms = 1010), "1");
	assert_string_equal(TRAIL(.from_ms = 1010, .to_ms = 1030), "2 3");
	assert_string_equal(TRAIL(.actor = "33"), "1 2 6");
	assert_string_equal(TRAIL(.actor = "33*"), "1 2 4 5 6");
	assert_string_equal(TRAIL(.actor = "user:li[1]"), "3");
	assert_string_equal(TRAIL(.subject = "33/c"), "3 4");
	assert_string_equal(TRAIL(.subject = "33/?"), "1 2 3 4 5");
	assert_string_equal(TRAIL(.subject = "33/c", .from_ms = 1025), "4");
	assert_string_equal(TRAIL(.peer = "3301*"), "2");
	assert_string_equal(TRAIL(.event = "receive", .result = "ok"), "5");
	assert_string_equal(TRAIL(.kind = "layer"), "6");
	assert_string_equal(TRAIL(.type = "course"), "1 2");
	assert_string_equal(TRAIL(.type = "video", .event = "re*"), "4");
	assert_string_equal(TRAIL(.limit = 2), "1 2 +2");
	assert_string_equal(TRAIL(.limit = 2, .after = 4), "5 6");
	assert_string_equal(TRAIL(.limit = 1, .subject = "33/a"), "1 +1");
	/* a hole larger than one scan */
	sql("INSERT INTO audit SELECT 1000000,at_ms,node,actor,event,kind,"
	    "subject,version,peer,verdict,rule,layer,result,bytes,transfer,"
	    "detail FROM audit WHERE aid=1");
	assert_string_equal(TRAIL(.event = "publish"), "1 1000000");
}

/* ----------------------------------------------------------- policy */

static const char *explain(const char *id, const char *code)
{
	static char out[400];
	size_t n = 0, i;
	json_t *v = gt_read_explain(reader, id, code, 1795386457000), *hop;
	assert_non_null(v);
	json_array_foreach(json_object_get(v, "hops"), i, hop)
	{
		json_t *layers = json_object_get(hop, "layers");
		gt_format(out + n, sizeof out - n, "%s:%s/%s:%zu ",
		          word(hop, "code"), word(hop, "verdict"),
		          word(hop, "effective"), json_array_size(layers));
		n += strlen(out + n);
	}
	gt_format(out + n, sizeof out - n, "known %s", word(v, "known_below"));
	json_decref(v);
	return out;
}

static void explained(void **state)
{
	static char staff[] = "staff", all[] = "all", name[] = "no staff",
	            name2[] = "thin", county[] = "county";
	char *level[] = {county};
	Gt__Rule rule;
	(void)state;
	add_rule(&rule, name, staff, GT_DENY, level);
	add_layer("33", &rule);
	add_rule(&rule, name2, all, GT_ON_DEMAND, NULL);
	add_layer("330106", &rule);
	/* where there is no node nothing passes, and nothing is held back */
	assert_string_equal(explain("33/b", "330106109"),
	                    "3301:mirror/mirror:1 330106109:mirror/mirror:2 "
	                    "known 3301");
	enrol("33", "", false, true);
	enrol("330106", "", false, false);
	assert_string_equal(explain("33/b", "330106109"),
	                    "33:mirror/mirror:1 3301:mirror/mirror:1 "
	                    "330106109:mirror/mirror:2 known 3301");
	sql("DELETE FROM item WHERE kind=3 AND id='330106'");
	enrol("330106", "", false, true);
	assert_string_equal(explain("33/b", "330106109"),
	                    "33:mirror/mirror:1 3301:mirror/mirror:1 "
	                    "330106:deny/deny:2 330106109:mirror/deny:2 "
	                    "known 330106");
	assert_string_equal(explain("33/a", "330106"),
	                    "33:mirror/mirror:1 3301:mirror/mirror:1 "
	                    "330106:on-demand/on-demand:2 known 330106");
	assert_string_equal(explain("33/a", "330106-b"),
	                    "33:mirror/mirror:1 3301:mirror/mirror:1 "
	                    "330106-b:on-demand/on-demand:2 known 3301");
	assert_string_equal(explain("33/a", "3302"),
	                    "33:mirror/mirror:1 3302:mirror/mirror:1 "
	                    "known 33");
	json_t *v = gt_read_explain(reader, "33/b", "330106", 0);
	json_t *hop = json_array_get(json_object_get(v, "hops"), 2);
	json_t *layer = json_array_get(json_object_get(hop, "layers"), 0);
	assert_string_equal(word(layer, "rule"), "no staff");
	assert_string_equal(word(layer, "layer"), "33");
	assert_int_equal(number(layer, "version"), 3);
	assert_int_equal(number(layer, "priority"), 60);
	json_decref(v);
	v = gt_read_explain(reader, "33/none", "3301", 0);
	assert_true(json_is_null(v));
	json_decref(v);
	assert_null(gt_read_explain(reader, "33/a", "3", 0));
	assert_string_equal(gt_reader_why(reader), "not a division code");
	sql("DELETE FROM item WHERE kind=3");
}

static void documents(void **state)
{
	(void)state;
	add_member();
	json_t *v = gt_read_layers(reader);
	json_t *row = json_array_get(json_object_get(v, "layers"), 0);
	assert_string_equal(word(row, "origin"), "33");
	assert_string_equal(word(row, "fallback"), "mirror");
	assert_int_equal(number(row, "rules"), 1);
	json_decref(v);
	char name[40];
	assert_true(gt_read_name(reader, "33-nju", name, sizeof name));
	sql("INSERT INTO child(code,judged_members,judged,vseq,acked,records,"
	    "rooted,seen_ms) VALUES('33-nju',0,0,0,0,0,0,0)");
	v = gt_read_names(reader);
	/* of the children; the other one nobody named */
	assert_int_equal(json_object_size(v), 1);
	assert_string_equal(word(v, "33-nju"), name);
	json_decref(v);
	v = gt_read_members(reader);
	row = json_array_get(json_object_get(v, "members"), 0);
	assert_string_equal(word(row, "code"), "33-nju");
	assert_string_equal(word(row, "standing"), "revoked");
	assert_true(json_is_true(json_object_get(row, "publisher")));
	json_decref(v);
}

/* -------------------------------------------------------- no memory */

static json_t *ask_resources(void)
{
	struct gt_resource_query q = {.verdict = -1, .limit = 5};
	return gt_read_resources(reader, &q);
}

static json_t *ask_resource(void)
{
	return gt_read_resource(reader, "33/a");
}

static json_t *ask_odd_text(void)
{
	return gt_read_resource(reader, "33/i");
}

static json_t *ask_status(void)
{
	return gt_read_status(reader);
}

static json_t *ask_audit(void)
{
	struct gt_audit_query q = {.limit = 2};
	return gt_read_audit(reader, &q);
}

/* Without the statements: jansson's reader, short of memory, drops a character
 * now and then and says nothing. */
static json_t *unsaid(json_t *v, const char *key)
{
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(v, key), i, row)
	{
		json_object_del(row, "statement");
	}
	return v;
}

static json_t *ask_records(void)
{
	return unsaid(gt_read_records(reader, 0, 2), "records");
}

static json_t *ask_quarantine(void)
{
	return unsaid(gt_read_quarantine(reader, 0, 1), "quarantine");
}

static json_t *ask_explain(void)
{
	return gt_read_explain(reader, "33/b", "330106109", 1795386457000);
}

static json_t *ask_layers(void)
{
	return gt_read_layers(reader);
}

static json_t *ask_members(void)
{
	return gt_read_members(reader);
}

static json_t *ask_names(void)
{
	return gt_read_names(reader);
}

/* The whole answer or none, and why; never a part of it. */
static void no_memory(void **state)
{
	static json_t *(*const ask[])(void) = {
	        ask_resources, ask_resource, ask_odd_text,   ask_status,
	        ask_audit,     ask_records,  ask_quarantine, ask_explain,
	        ask_layers,    ask_members,  ask_names,
	};
	(void)state;
	for (size_t i = 0; i < sizeof ask / sizeof *ask; i++) {
		json_t *whole = ask[i]();
		assert_non_null(whole);
		long held = nomem_held();
		for (size_t n = 0; nomem_each(&n);) {
			assert_null(gt_read_explain(reader, "", "no code", 0));
			json_t *v = ask[i]();
			bool hit = nomem_hit();
			assert_true(v ? json_equal(v, whole) : hit);
			assert_true(v || strcmp(gt_reader_why(reader),
			                        "not a division code") != 0);
			json_decref(v);
			assert_int_equal(nomem_held(), held);
		}
		json_decref(whole);
	}
}

/* The database is the reader's, also when there is none. */
static void no_memory_to_open(void **state)
{
	(void)state;
	long held = nomem_held();
	sqlite3_int64 used = sqlite3_memory_used();
	for (size_t n = 0; nomem_each(&n);) {
		sqlite3 *ro;
		assert_int_equal(
		        sqlite3_open_v2(path, &ro, SQLITE_OPEN_READONLY, NULL),
		        SQLITE_OK);
		struct gt_reader *r =
		        gt_reader_new(ro, refused, sizeof refused);
		bool hit = nomem_hit();
		assert_true(hit == !r);
		if (hit)
			assert_string_equal(refused, "out of memory");
		gt_reader_free(r);
		assert_int_equal(nomem_held(), held);
		/* a connection would be tens of thousands of bytes */
		assert_true(sqlite3_memory_used() < used + 5000);
	}
}

static void no_memory_for_bytes(void **state)
{
	struct gt_id object;
	struct gt_bytes manifest;
	uint8_t id[GT_UUID_BYTES] = {[15] = 5};
	bool voided;
	int64_t stored;
	char name[20];
	int status, failed = 0;
	(void)state;
	for (size_t n = 0; nomem_each(&n);) {
		status = gt_read_object(reader, "33/a", &object, &manifest);
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
	}
	for (size_t n = 0; nomem_each(&n);) {
		status = gt_read_manifest(reader, &object, &manifest);
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
	}
	for (size_t n = 0; nomem_each(&n);) {
		char *text = gt_read_statement(reader, id, &voided, &stored,
		                               &status);
		/* jansson can do without some of what it asks for */
		assert_true(status == 0 ||
		            (nomem_hit() && status == -GT_ESTORE));
		assert_true(!text == !!status);
		failed += status != 0;
		free(text);
	}
	assert_true(failed > 10);
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_buffer out = {0};
		struct gt_statements_query q = {
		        .low = 1, .high = 5, .limit = 9, .bytes = 1000};
		status = gt_read_statements(reader, &q, &out);
		/* of a record, or of the text they are put into */
		bool short_of = status == -GT_ESTORE || out.failed;
		assert_true(!short_of || nomem_hit());
		failed += short_of;
		free(out.p);
	}
	assert_true(failed > 100);
	for (size_t n = 0; nomem_each(&n);)
		assert_true(gt_read_name(reader, "33-nju", name, sizeof name) !=
		            nomem_hit());
}

/* -------------------------------------------------- beside a writer */

/* The writer commits and checkpoints between a reader's pages: every page is
 * whole, rows that were there are seen once, and the log can be emptied. */
static void beside_writer(void **state)
{
	char id[40], after[40] = "";
	size_t seen = 0, pages = 0;
	(void)state;
	for (int i = 0; i < 300; i++) {
		gt_format(id, sizeof id, "34/x%04d", i);
		add(&(struct given){id, "bulk", "all", t_phone, 3, 0, 0, 0});
	}
	for (bool more = true; more; pages++) {
		struct gt_resource_query q = {.verdict = -1,
		                              .type = "bulk",
		                              .after = after,
		                              .limit = 50};
		json_t *v = gt_read_resources(reader, &q);
		assert_non_null(v);
		seen += json_array_size(json_object_get(v, "resources"));
		more = json_is_string(json_object_get(v, "next"));
		if (more)
			gt_copy(after, sizeof after, word(v, "next"));
		json_decref(v);
		sql("BEGIN IMMEDIATE;UPDATE item SET updated_ms=updated_ms+1;"
		    "COMMIT");
		int log, done;
		assert_int_equal(sqlite3_wal_checkpoint_v2(
		                         db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
		                         &log, &done),
		                 SQLITE_OK);
	}
	assert_int_equal(seen, 300);
	assert_int_equal(pages, 6);
}

/* While a writer has its transaction open, readers see what was committed. */
static void while_writing(void **state)
{
	(void)state;
	sql("BEGIN IMMEDIATE");
	sql("UPDATE item SET state=1 WHERE id='33/a'");
	json_t *v = gt_read_resource(reader, "33/a");
	assert_string_equal(word(v, "state"), "complete");
	json_decref(v);
	sql("COMMIT");
	v = gt_read_resource(reader, "33/a");
	assert_string_equal(word(v, "state"), "withdrawn");
	json_decref(v);
}

static void leaves_the_log(void **state)
{
	char wal[80];
	(void)state;
	gt_reader_free(reader);
	reader = NULL;
	/* even as the last one out: the log stays, with what it holds */
	sqlite3 *rw;
	assert_int_equal(sqlite3_open(path, &rw), SQLITE_OK);
	struct gt_reader *r = gt_reader_new(rw, refused, sizeof refused);
	assert_non_null(r);
	assert_int_not_equal(
	        sqlite3_exec(rw, "DELETE FROM item", NULL, NULL, NULL),
	        SQLITE_OK);
	sql("UPDATE item SET updated_ms=5");
	int on = 1;
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &on);
	sqlite3_close(db);
	db = NULL;
	gt_reader_free(r);
	gt_format(wal, sizeof wal, "%s-wal", path);
	FILE *f = fopen(wal, "rb");
	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	assert_true(ftell(f) > 0);
	fclose(f);
}

static void no_schema(void **state)
{
	sqlite3 *empty;
	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &empty), SQLITE_OK);
	assert_null(gt_reader_new(empty, refused, sizeof refused));
	assert_true(strlen(refused) > 0);
}

int main(void)
{
	nomem_json();
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(numbers),
	        cmocka_unit_test(listing),
	        cmocka_unit_test(states),
	        cmocka_unit_test(one),
	        cmocka_unit_test(objects),
	        cmocka_unit_test(status),
	        cmocka_unit_test(records),
	        cmocka_unit_test(gaps),
	        cmocka_unit_test(order),
	        cmocka_unit_test(statements),
	        cmocka_unit_test(statements_bytes),
	        cmocka_unit_test(statements_hidden),
	        cmocka_unit_test(statements_beyond),
	        cmocka_unit_test(quarantine),
	        cmocka_unit_test(audit),
	        cmocka_unit_test(explained),
	        cmocka_unit_test(documents),
	        cmocka_unit_test(no_memory),
	        cmocka_unit_test(no_memory_to_open),
	        cmocka_unit_test(no_memory_for_bytes),
	        cmocka_unit_test(beside_writer),
	        cmocka_unit_test(while_writing),
	        cmocka_unit_test(leaves_the_log),
	        cmocka_unit_test(no_schema),
	};
	return cmocka_run_group_tests_name("read", tests, setup, teardown);
}
