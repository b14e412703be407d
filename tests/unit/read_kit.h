/* read_kit.h: a reader beside a writer on a real database in WAL mode. */
#ifndef GT_READ_KIT_H
#define GT_READ_KIT_H

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "buffer.h"
#include "guantong.pb-c.h"
#include "read.h"
#include "schema.h"
#include "seal.h"
#include "statement.h"
#include "tally.h"

__attribute__((unused)) static char dir[] = "/tmp/gt-read-XXXXXX";
__attribute__((unused)) static char path[64];
__attribute__((unused)) static sqlite3 *db;
__attribute__((unused)) static struct gt_reader *reader;
__attribute__((unused)) static char refused[256];
__attribute__((unused)) static struct gt_arena *arena;
__attribute__((unused)) static int64_t seq;

/* ---------------------------------------------------------- writing */

__attribute__((unused)) static void sql(const char *text)
{
	char *why = NULL;
	int rc = sqlite3_exec(db, text, NULL, NULL, &why);
	if (rc != SQLITE_OK)
		print_error("%s: %s\n", text, why);
	assert_int_equal(rc, SQLITE_OK);
}

__attribute__((unused)) static void insert(const char *text, const char *id,
                                           struct gt_bytes a, struct gt_bytes b)
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

__attribute__((unused)) static struct gt_bytes sealed(Gt__Kind kind,
                                                      const ProtobufCMessage *m)
{
	Gt__Signed outer;
	struct gt_bytes body = gt_arena_pack(arena, m);
	gt__signed__init(&outer);
	outer.kind = kind;
	outer.body.len = body.n;
	outer.body.data = gt_arena_copy(arena, body.p, body.n);
	return gt_arena_pack(arena, &outer.base);
}

__attribute__((unused)) static uint8_t object_ids[16][GT_ID_BYTES];

__attribute__((unused)) static struct gt_bytes object_id(int n)
{
	memset(object_ids[n], n, GT_ID_BYTES);
	return gt_bytes_of(object_ids[n], GT_ID_BYTES);
}

struct given {
	const char *id, *type, *audience;
	char *zh;
	int verdict, state, object, asked; /* object 0: none */
};

__attribute__((unused)) static void add(const struct given *g)
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

__attribute__((unused)) static void add_object(int n, int state, int frames,
                                               int present)
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

__attribute__((unused)) static void uuid_of(char out[GT_UUID_TEXT], int64_t n)
{
	gt_format(out, GT_UUID_TEXT, "00000000-0000-0000-0000-%012llx",
	          (unsigned long long)n);
}

/* Statement n, with the score n, which voids number `voids` or (0) none; extra:
 * more members, each after a comma. */
__attribute__((unused)) static void add_record(int64_t n, int64_t voids,
                                               const char *extra)
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
	assert_int_equal(gt_statements_parse(gt_bytes_str(body), GT_XAPI_ANY,
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

/* A rule of that audience for that level of places, NULL: all. */
__attribute__((unused)) static void
add_rule(Gt__Rule *rule, char *name, char *audience, int verdict, char **level)
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

/* With that rule alone. */
__attribute__((unused)) static void add_layer(const char *origin,
                                              Gt__Rule *rule)
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

/* Two, one of which denies counties what is for staff. */
__attribute__((unused)) static void add_layers(void)
{
	static char staff[] = "staff", all[] = "all", name[] = "no staff",
	            name2[] = "thin", county[] = "county";
	char *level[] = {county};
	Gt__Rule rule;
	add_rule(&rule, name, staff, GT_DENY, level);
	add_layer("33", &rule);
	add_rule(&rule, name2, all, GT_ON_DEMAND, NULL);
	add_layer("330106", &rule);
}

/* parent: whom the row names, "" for one from before that was said. */
__attribute__((unused)) static void enrol_under(const char *code,
                                                const char *name,
                                                const char *parent,
                                                bool publisher, bool active)
{
	Gt__Member m;
	uint8_t key[GT_KEY_BYTES] = {1};
	gt__member__init(&m);
	m.key.data = key;
	m.key.len = sizeof key;
	m.code = gt_lend(code);
	m.name = gt_lend(name);
	m.parent = gt_lend(parent);
	m.version = 2;
	m.publisher = publisher;
	m.standing = active ? GT__STANDING__ACTIVE : GT__STANDING__REVOKED;
	insert("INSERT INTO item(kind,id,seq,version,state,hash,signed,verdict,"
	       "priority,rule,layer,own,type,title,updated_ms) SELECT 3,?1,?4,"
	       "2,1,x'00',?2,3,50,'','',0,'','',0 WHERE ?3 IS NULL",
	       code, sealed(GT__KIND__MEMBER, &m.base), (struct gt_bytes){0});
}

__attribute__((unused)) static void enrol(const char *code, const char *name,
                                          bool publisher, bool active)
{
	enrol_under(code, name, "", publisher, active);
}

__attribute__((unused)) static void add_member(void)
{
	enrol("33-nju", "\xe6\xb5\x99\xe5\xa4\xa7", true, false);
}

/* -------------------------------------------------------- a fixture */

__attribute__((unused)) static char t_phone[] = "\xe6\x89\x8b\xe6\x9c\xba";

__attribute__((unused)) static char t_bad[] = "\xff\xfe";

__attribute__((unused)) static const struct given given[] = {
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

__attribute__((unused)) static void open_reader(void)
{
	sqlite3 *ro;
	assert_int_equal(sqlite3_open_v2(path, &ro, SQLITE_OPEN_READONLY, NULL),
	                 SQLITE_OK);
	reader = gt_reader_new(ro, refused, sizeof refused);
	assert_non_null(reader);
}

__attribute__((unused)) static int setup(void **state)
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
	sql(GT_SCHEMA_VOIDS);
	sql(GT_SCHEMA_VOIDERS);
	sql(GT_SCHEMA_TALLY_OBJECTS);
	sql(GT_SCHEMA_DAMAGED);
	sql(GT_SCHEMA_ERAS);
	sql(GT_SCHEMA_STUCK);
	sql(GT_SCHEMA_ERASED);
	sql(GT_SCHEMA_CERTIFICATES);
	sql(GT_SCHEMA_STATUS_LISTS);
	sql("INSERT INTO meta VALUES('code',CAST('3301' AS BLOB))");
	for (size_t i = 0; i < sizeof given / sizeof *given; i++)
		add(&given[i]);
	add_object(1, GT_OBJECT_COMPLETE, 4, 4);
	add_object(2, GT_OBJECT_PARTIAL, 4, 1);
	add_object(5, GT_OBJECT_WANTED, 0, 0);
	add_object(6, GT_OBJECT_CHECKING, 4, 4);
	sql("INSERT INTO stream VALUES(1,'330106',x'00',3);"
	    "INSERT INTO child(code,judged_members,judged,vseq,acked,records,"
	    "rooted,status,seen_ms) VALUES('330106',0,0,9,8,0,0,x'',1000)");
	open_reader();
	return 0;
}

__attribute__((unused)) static int teardown(void **state)
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

__attribute__((unused)) static const char *word(const json_t *v,
                                                const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));
	assert_non_null(s);
	return s;
}

__attribute__((unused)) static json_int_t number(const json_t *v,
                                                 const char *key)
{
	const json_t *n = json_object_get(v, key);
	assert_true(json_is_integer(n));
	return json_integer_value(n);
}

/* Reads a manifest whole, in two pieces. */
__attribute__((unused)) static int whole_manifest(const struct gt_id *object,
                                                  struct gt_buffer *out)
{
	uint64_t n;
	int rc = gt_read_manifest_begin(reader, object, &n);
	if (rc == 0 && gt_buffer_room(out, n)) {
		uint64_t half = n / 2;
		rc = gt_read_manifest_at(reader, half, out->p + half, n - half);
		assert_int_equal(rc, 0);
		rc = gt_read_manifest_at(reader, 0, out->p, half);
		out->n = n;
	}
	gt_read_manifest_end(reader);
	return rc;
}

__attribute__((unused)) static int held(int n)
{
	struct gt_id object;
	struct gt_buffer manifest = {0};
	memcpy(object.b, object_id(n).p, GT_ID_BYTES);
	int rc = gt_read_complete(reader, &object);
	if (rc == 0)
		assert_int_equal(whole_manifest(&object, &manifest), 0);
	assert_int_equal(rc == 0, manifest.n > 0);
	gt_buffer_free(&manifest);
	return rc;
}

#endif
