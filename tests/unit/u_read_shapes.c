/* u_read_shapes.c: answers letter for letter, with every member set; pages as
 * long as they may be; what is damaged; a database that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "guantong.pb-c.h"
#include "json.h"
#include "read.h"
#include "schema.h"
#include "seal.h"
#include "statement.h"
#include "tally.h"

/* One connection, the reader's: what is written goes behind its back. */
static sqlite3 *db;
static struct gt_reader *reader;
static struct gt_arena *arena;

static void run(const char *text)
{
	char *why = NULL;
	int rc = sqlite3_exec(db, text, NULL, NULL, &why);
	if (rc != SQLITE_OK)
		fail_msg("%s: %s", text, why);
}

static void sql(const char *text)
{
	run("PRAGMA query_only=0");
	run(text);
	run("PRAGMA query_only=1");
}

/* Runs text with bytes as ?1. */
static void put(const char *text, struct gt_bytes bytes)
{
	sqlite3_stmt *s;
	run("PRAGMA query_only=0");
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
	sqlite3_bind_blob(s, 1, bytes.p, (int)bytes.n, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
	run("PRAGMA query_only=1");
}

static struct gt_bytes sealed(Gt__Kind kind, const ProtobufCMessage *m)
{
	Gt__Signed outer;
	gt__signed__init(&outer);
	outer.kind = kind;
	outer.body = gt_lend_bytes(gt_arena_pack(arena, m));
	return gt_arena_pack(arena, &outer.base);
}

static int setup(void **state)
{
	char why[256];
	(void)state;
	arena = gt_arena_new();
	if (!arena || sqlite3_open(":memory:", &db) != SQLITE_OK)
		return 1;
	run(GT_SCHEMA);
	run(GT_SCHEMA_TALLY);
	run(GT_SCHEMA_VOIDS);
	run(GT_SCHEMA_VOIDERS);
	run(GT_SCHEMA_TALLY_OBJECTS);
	run(GT_SCHEMA_DAMAGED);
	run(GT_SCHEMA_ERAS);
	run(GT_SCHEMA_STUCK);
	run(GT_SCHEMA_DOCUMENTS);
	run(GT_SCHEMA_ERASED);
	run(GT_SCHEMA_HELD);
	run(GT_SCHEMA_CERTIFICATES);
	run(GT_SCHEMA_STATUS_LISTS);
	reader = gt_reader_new(db, why, sizeof why);
	return reader == NULL;
}

static int teardown(void **state)
{
	(void)state;
	gt_reader_free(reader);
	gt_arena_free(arena);
	return 0;
}

static void is(json_t *v, const char *want)
{
	assert_non_null(v);
	char *got = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	assert_string_equal(got, want);
	free(got);
	json_decref(v);
}

/* ----------------------------------------------------------- shapes */

#define ITEM                                                              \
	"INSERT INTO item(kind,id,seq,version,state,hash,signed,verdict," \
	"priority,rule,layer,own,type,title,object,asked,updated_ms) "

static char s_all[] = "all", s_law[] = "law", s_zh[] = "zh", s_en[] = "en";

/* 33/full: a different value in each of its members; its package has a.html and
 * t.png. */
static void add_full(const char *begins, const char *shows)
{
	static char id[] = "33/full", publisher[] = "33", type[] = "course",
	            licence[] = "CC-BY-4.0", start[20], thumbnail[20],
	            html_path[] = "a.html", png_path[] = "t.png", title[] = "T",
	            about[] = "D", farmers[] = "farmers", city[] = "3301",
	            key[] = "k";
	char *audiences[] = {s_all, farmers}, *subjects[] = {s_law},
	     *languages[] = {s_zh, s_en}, *regions[] = {city},
	     *keywords[] = {key};
	Gt__Text t, d, *titles[] = {&t}, *descriptions[] = {&d};
	Gt__Entry e;
	static uint8_t object[GT_ID_BYTES] = {0xab, [31] = 0xcd};
	gt__text__init(&t);
	t.lang = s_zh;
	t.text = title;
	d = t;
	d.lang = s_en;
	d.text = about;
	gt__entry__init(&e);
	e.id = id;
	e.version = 7;
	e.publisher = publisher;
	e.type = type;
	e.title = titles;
	e.description = descriptions;
	e.n_title = e.n_description = 1;
	e.audiences = audiences;
	e.n_audiences = 2;
	e.subjects = subjects;
	e.n_subjects = 1;
	e.languages = languages;
	e.n_languages = 2;
	e.licence = licence;
	e.regions = regions;
	e.n_regions = 1;
	e.keywords = keywords;
	e.n_keywords = 1;
	e.created_ms = 1000;
	e.modified_ms = 2000;
	e.stored_size = 10;
	e.plain_size = 30;
	e.members = 4;
	e.object.data = object;
	e.object.len = sizeof object;
	gt_copy(start, sizeof start, begins);
	gt_copy(thumbnail, sizeof thumbnail, shows);
	e.start = start;
	e.thumbnail = thumbnail;
	put(ITEM "VALUES(1,'33/full',1,7,0,x'00',?1,2,51,'a rule','3301',1,"
	         "'course','T',x'ab000000000000000000000000000000000000000000"
	         "000000000000000000cd',1,0)",
	    sealed(GT__KIND__RESOURCE, &e.base));
	Gt__File f, g, *files[] = {&f, &g};
	Gt__Manifest m;
	gt__file__init(&f);
	gt__manifest__init(&m);
	static char html[] = "text/html";
	f.path = html_path;
	f.media_type = html;
	f.size = 5;
	g = f;
	g.path = png_path;
	g.size = 6;
	m.files = files;
	m.n_files = 2;
	put("INSERT INTO object(id,state,manifest,size,frames,present,"
	    "created_ms,completed_ms) VALUES(x'ab0000000000000000000000000000"
	    "00000000000000000000000000000000cd',2,?1,10,9,8,0,0)",
	    gt_arena_pack(arena, &m.base));
}

#define FULL                                                               \
	"{\"id\":\"33/full\",\"version\":7,\"type\":\"course\",\"title\":" \
	"{\"zh\":\"T\"},\"publisher\":\"33\",\"audiences\":[\"all\","      \
	"\"farmers\"],\"subjects\":[\"law\"],\"languages\":[\"zh\","       \
	"\"en\"],\"licence\":\"CC-BY-4.0\",\"regions\":[\"3301\"],"        \
	"\"keywords\":[\"k\"],\"size\":10,\"plain_size\":30,\"members\":"  \
	"4,\"object\":\"ab0000000000000000000000000000000000000000000000"  \
	"00000000000000cd\",\"created\":\"1970-01-01T00:00:01.000Z\","     \
	"\"modified\":\"1970-01-01T00:00:02.000Z\",\"verdict\":"           \
	"\"on-demand\",\"priority\":51,\"rule\":\"a rule\",\"layer\":"     \
	"\"3301\",\"state\":\"partial\",\"present\":8,\"frames\":9,"       \
	"\"own\":true,\"repair\":null,\"stuck\":null"

static void resources(void **state)
{
	(void)state;
	add_full("a.html", "t.png");
	is(gt_read_resource(reader, "33/full"),
	   FULL ",\"description\":{\"en\":\"D\"},\"start\":\"a.html\","
	        "\"thumbnail\":\"t.png\"}");
	is(gt_read_resources(reader,
	                     &(struct gt_resource_query){.verdict = -1}),
	   "{\"resources\":[" FULL "}],\"next\":null}");
	is(gt_read_resource(reader, "33/none"), "null");
}

static void repair_is(const char *set, const char *state, const char *how)
{
	sql(set);
	json_t *v = gt_read_resource(reader, "33/full");
	assert_string_equal(gt_json_member(v, "state"), state);
	assert_string_equal(gt_json_member(v, "repair"), how);
	json_decref(v);
	v = gt_read_status(reader);
	json_t *all = json_object_get(v, "damaged");
	const char *name;
	json_t *n;
	json_object_foreach(all, name, n)
	        assert_int_equal(json_integer_value(n), strcmp(name, how) == 0);
	json_decref(v);
	struct gt_resource_query q = {.verdict = -1, .state = "damaged"};
	v = gt_read_resources(reader, &q);
	assert_int_equal(json_array_size(json_object_get(v, "resources")),
	                 *how != '\0');
	json_decref(v);
}

/* What was whole and is not, by what mends it. */
static void what_is_damaged(void **state)
{
	(void)state;
	repair_is("UPDATE object SET state=4,completed_ms=7", "complete", "");
	repair_is("UPDATE object SET state=2", "damaged", "publish");
	repair_is("UPDATE item SET own=0,asked=0 WHERE id='33/full'", "damaged",
	          "asked");
	repair_is("UPDATE item SET asked=1 WHERE id='33/full'", "damaged",
	          "parent");
	repair_is("UPDATE item SET asked=0,verdict=3 WHERE id='33/full'",
	          "damaged", "parent");
	repair_is("UPDATE object SET present=0,state=3", "damaged", "parent");
	repair_is("UPDATE object SET state=4", "complete", "");
	repair_is("UPDATE object SET state=5", "refused", "");
	repair_is("UPDATE object SET completed_ms=0;UPDATE object SET "
	          "state=2,present=8;"
	          "UPDATE item SET own=1,verdict=2,asked=1 WHERE id='33/full'",
	          "partial", "");
}

/* Rows about a resource, and about its content: what it has and what it had. */
static void audit_of_a_resource(void **state)
{
	static const char now[] =
	        "ab000000000000000000000000000000000000000000000000000000000000"
	        "cd";
	char text[600];
	(void)state;
	gt_format(text, sizeof text,
	          "INSERT INTO audit(aid,at_ms,node,actor,event,kind,subject,"
	          "version,peer,verdict,rule,layer,result,bytes,transfer,"
	          "detail) SELECT column1+900,1,'','',column2,column3,column4,"
	          "0,'','','','','',0,'',column5 FROM (VALUES"
	          "(1,'damage','object','%s',''),"
	          "(2,'publish','resource','33/full',''),"
	          "(3,'remove','object','0d',''),"
	          "(4,'remove','resource','33/full','0d'),"
	          "(5,'remove','object','0e',''),"
	          "(6,'repair','object','%s',''))",
	          now, now);
	sql(text);
	json_t *v = gt_read_audit(
	        reader, &(struct gt_audit_query){.resource = "33/full"});
	json_t *rows = json_object_get(v, "rows");
	static const int want[] = {901, 902, 903, 904, 906};
	assert_int_equal(json_array_size(rows), 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(json_integer_value(json_object_get(
		                         json_array_get(rows, i), "aid")),
		                 want[i]);
	json_decref(v);
	v = gt_read_audit(reader,
	                  &(struct gt_audit_query){.resource = "33/full",
	                                           .event = "remove"});
	assert_int_equal(json_array_size(json_object_get(v, "rows")), 2);
	json_decref(v);
	v = gt_read_audit(reader,
	                  &(struct gt_audit_query){.resource = "33/none"});
	assert_int_equal(json_array_size(json_object_get(v, "rows")), 0);
	json_decref(v);
	sql("DELETE FROM audit WHERE aid>900");
}

#define PLAIN                                                       \
	"{\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":" \
	"\"http://v.cn/1\"},\"object\":{\"id\":\"http://o.cn/1\"}"

/* Record `seq` is PLAIN, of the id asked for below. */
static void put_record(int seq)
{
	static const uint8_t ids[1][GT_UUID_BYTES] = {{0x12, [15] = 0x34}};
	struct gt_statement s;
	char text[600], form[GT_HEX_ID], why[100];
	assert_int_equal(gt_statements_parse(gt_bytes_str(PLAIN "}"),
	                                     GT_XAPI_ANY, ids, 1, &s, 1, why,
	                                     sizeof why),
	                 1);
	gt_hex(form, s.form.b, GT_ID_BYTES);
	gt_format(text, sizeof text,
	          "INSERT INTO record VALUES(%d,1,9,"
	          "x'12000000000000000000000000000034',x'%s',0,NULL,1000,2000,"
	          "'','{\"mbox\":\"mailto:a@b\"}',CAST('" PLAIN "}' AS BLOB))",
	          seq, form);
	sql(text);
}

static void records(void **state)
{
	uint8_t id[GT_UUID_BYTES] = {0x12, [15] = 0x34};
	bool voided = true;
	int64_t stored = 0;
	int status;
	(void)state;
	is(gt_read_records(reader, 0, 0), "{\"records\":[],\"next\":null}");
	is(gt_read_quarantine(reader, 0, 0),
	   "{\"quarantine\":[],\"next\":null}");
	is(gt_read_copies(reader, 0, 0), "{\"copies\":[],\"next\":null}");
	sql("INSERT INTO stream VALUES(1,'330106',x'00',3)");
	put_record(5);
	is(gt_read_records(reader, 0, 0),
	   "{\"records\":[{\"seq\":5,\"id\":"
	   "\"12000000-0000-0000-0000-000000000034\",\"origin\":\"330106\","
	   "\"origin_seq\":9,\"stored\":\"1970-01-01T00:00:02.000Z\","
	   "\"era\":0,\"voided\":false,\"statement\":" PLAIN ",\"id\":"
	   "\"12000000-0000-0000-0000-000000000034\",\"timestamp\":"
	   "\"1970-01-01T00:00:01.000Z\",\"stored\":"
	   "\"1970-01-01T00:00:02.000Z\",\"authority\":{\"mbox\":"
	   "\"mailto:a@b\"},\"version\":\"1.0.0\"}}],\"next\":null}");
	char *text =
	        gt_read_statement(reader, id, NULL, &voided, &stored, &status);
	assert_non_null(text);
	assert_false(voided);
	assert_int_equal(stored, 2000);
	assert_int_equal(status, 0);
	free(text);
	id[0]++;
	assert_null(gt_read_explain(reader, "", "no code", 0));
	assert_null(
	        gt_read_statement(reader, id, NULL, &voided, &stored, &status));
	assert_int_equal(status, -GT_EUNKNOWN);
	assert_string_equal(gt_reader_why(reader), "no such statement");
	/* an id that is none, of a stream that is not there */
	sql("INSERT INTO record VALUES(6,2,1,x'12',x'00',0,NULL,1000,2000,'',"
	    "'',CAST('{}' AS BLOB))");
	is(gt_read_records(reader, 5, 0),
	   "{\"records\":[{\"seq\":6,\"id\":null,\"origin\":\"\","
	   "\"origin_seq\":1,\"stored\":\"1970-01-01T00:00:02.000Z\","
	   "\"era\":0,\"voided\":false,\"statement\":null,\"gap\":"
	   "\"a malformed record\"}],\"next\":null}");
	sql("INSERT INTO held VALUES(3,'3302',zeroblob(32),zeroblob(16),"
	    "1000,2000,'10.0.0.1:9',2)");
	is(gt_read_copies(reader, 0, 0),
	   "{\"copies\":[{\"hid\":3,\"code\":\"3302\","
	   "\"since\":\"1970-01-01T00:00:01.000Z\","
	   "\"tried\":\"1970-01-01T00:00:02.000Z\","
	   "\"address\":\"10.0.0.1:9\","
	   "\"epoch\":\"00000000000000000000000000000000\","
	   "\"right\":\"held\",\"linked_seen\":null,"
	   "\"linked_epoch\":null}],\"next\":null}");
	sql("INSERT INTO quarantine VALUES(7,'3301',1,4,"
	    "x'12000000000000000000000000000034',x'00',0,3000,'other form',"
	    "CAST('{\"a\":1}' AS BLOB))");
	is(gt_read_quarantine(reader, 0, 0),
	   "{\"quarantine\":[{\"qid\":7,\"id\":"
	   "\"12000000-0000-0000-0000-000000000034\",\"origin\":\"330106\","
	   "\"via\":\"3301\",\"at\":\"1970-01-01T00:00:03.000Z\","
	   "\"reason\":\"other form\",\"statement\":{\"a\":1}}],"
	   "\"next\":null}");
	/* of which no statement can be made */
	sql("UPDATE record SET id=x'13000000000000000000000000000034',"
	    "body=CAST('[]' AS BLOB) WHERE seq=6");
	assert_null(
	        gt_read_statement(reader, id, NULL, &voided, &stored, &status));
	assert_int_equal(status, -GT_EDAMAGED);
	assert_string_equal(gt_reader_why(reader), "a malformed record");
	sql("DELETE FROM record WHERE seq=6");
}

static void audit(void **state)
{
	(void)state;
	is(gt_read_audit(reader, &(struct gt_audit_query){.after = 0}),
	   "{\"rows\":[],\"next\":null}");
	sql("INSERT INTO audit VALUES(3,4000,'n','ac','ev','ki','su',8,'pe',"
	    "'ve','ru','la','re',9,'tr','de')");
	is(gt_read_audit(reader, &(struct gt_audit_query){.after = 0}),
	   "{\"rows\":[{\"aid\":3,\"at\":\"1970-01-01T00:00:04.000Z\","
	   "\"node\":\"n\",\"actor\":\"ac\",\"event\":\"ev\",\"kind\":\"ki\","
	   "\"subject\":\"su\",\"peer\":\"pe\",\"verdict\":\"ve\",\"rule\":"
	   "\"ru\",\"layer\":\"la\",\"result\":\"re\",\"transfer\":\"tr\","
	   "\"detail\":\"de\",\"version\":8,\"bytes\":9}],\"next\":null}");
}

static void documents(void **state)
{
	static char code[] = "33-nju", level[] = "city", name[] = "N";
	uint8_t key[GT_KEY_BYTES] = {1};
	Gt__Member m;
	Gt__Layer l;
	char out[3];
	(void)state;
	is(gt_read_layers(reader), "{\"layers\":[]}");
	is(gt_read_members(reader), "{\"members\":[]}");
	gt__member__init(&m);
	m.code = code;
	m.level = level;
	m.name = name;
	m.key.data = key;
	m.key.len = sizeof key;
	m.version = 2;
	m.standing = GT__STANDING__ACTIVE;
	put(ITEM "VALUES(3,'33-nju',2,2,1,x'00',?1,3,50,'','',0,'','',NULL,0,"
	         "0)",
	    sealed(GT__KIND__MEMBER, &m.base));
	is(gt_read_members(reader),
	   "{\"members\":[{\"code\":\"33-nju\",\"level\":\"city\",\"name\":"
	   "\"N\",\"standing\":\"active\",\"publisher\":false,\"version\":2}]"
	   "}");
	gt__layer__init(&l);
	l.origin = code;
	l.version = 3;
	l.fallback = GT__VERDICT__METADATA;
	l.priority = 50;
	put(ITEM "VALUES(2,'33',3,3,0,x'00',?1,3,50,'','',1,'','',NULL,0,0)",
	    sealed(GT__KIND__LAYER, &l.base));
	is(gt_read_layers(reader), "{\"layers\":[{\"origin\":\"33-nju\","
	                           "\"version\":3,\"rules\":0,\"demands\":0,"
	                           "\"fallback\":\"metadata\",\"own\":true}]}");
	sql("UPDATE item SET own=0 WHERE kind=2");
	/* a body that is not one, and no envelope at all */
	sql(ITEM "SELECT 2,'34',4,3,0,x'00',signed,3,50,'','',0,'','',NULL,0,"
	         "0 FROM item WHERE kind=3");
	sql(ITEM "VALUES(2,'35',5,3,0,x'00',x'ffff',3,50,'','',0,'','',NULL,"
	         "0,0)");
	is(gt_read_layers(reader),
	   "{\"layers\":[{\"origin\":\"33-nju\",\"version\":3,\"rules\":0,"
	   "\"demands\":0,"
	   "\"fallback\":\"metadata\",\"own\":false},null]}");
	sql("DELETE FROM item WHERE kind=2");
	assert_true(gt_read_name(reader, "33-nju", out, sizeof out));
	assert_string_equal(out, "N");
	assert_true(gt_read_name(reader, "33-nju", out, 2));
	assert_false(gt_read_name(reader, "33-nju", out, 1));
	assert_true(gt_read_name(reader, "44", out, sizeof out));
	assert_string_equal(out, "");
}

static void enrol(const char *code)
{
	uint8_t key[GT_KEY_BYTES] = {1};
	char text[400];
	Gt__Member m;
	gt__member__init(&m);
	m.code = gt_lend(code);
	m.key = (ProtobufCBinaryData){sizeof key, key};
	gt_format(text, sizeof text,
	          ITEM "SELECT 3,'%s',1+max(seq),2,0,x'00',?1,3,50,'','',0,'',"
	               "'',NULL,0,0 FROM item",
	          code);
	put(text, sealed(GT__KIND__MEMBER, &m.base));
}

static void explained(void **state)
{
	static char code[] = "33", no[] = "no", county[] = "county";
	Gt__Rule rule, *rules[] = {&rule};
	char *level[] = {county};
	Gt__Layer l;
	(void)state;
	is(gt_read_explain(reader, "33/none", "33", 0), "null");
	/* a node that does not know yet who it is */
	is(gt_read_explain(reader, "33/full", "33", 0),
	   "{\"id\":\"33/full\",\"for\":\"33\",\"hops\":[{\"code\":\"33\","
	   "\"level\":\"province\",\"verdict\":\"mirror\",\"effective\":"
	   "\"mirror\",\"own\":true,\"layers\":[]}],\"known_below\":\"\"}");
	sql("INSERT INTO meta VALUES('code',CAST('3301' AS BLOB))");
	gt__rule__init(&rule);
	rule.name = no;
	rule.levels = level;
	rule.n_levels = 1;
	rule.verdict = GT__VERDICT__METADATA;
	rule.priority = 61;
	gt__layer__init(&l);
	l.origin = code;
	l.version = 4;
	l.rules = rules;
	l.n_rules = 1;
	l.fallback = GT__VERDICT__ON_DEMAND;
	l.priority = 50;
	put(ITEM "VALUES(2,'33',3,3,0,x'00',?1,3,50,'','',1,'','',NULL,0,0)",
	    sealed(GT__KIND__LAYER, &l.base));
	enrol("33");
	is(gt_read_explain(reader, "33/full", "330106", 0),
	   "{\"id\":\"33/full\",\"for\":\"330106\",\"hops\":[{\"code\":\"33\","
	   "\"level\":\"province\",\"verdict\":\"mirror\",\"effective\":"
	   "\"mirror\",\"own\":true,\"layers\":[]},"
	   "{\"code\":\"3301\",\"level\":\"city\",\"verdict\":\"on-demand\","
	   "\"effective\":\"on-demand\",\"layers\":[{\"layer\":\"33\","
	   "\"version\":4,\"rule\":\"\",\"verdict\":\"on-demand\","
	   "\"priority\":50}]},{\"code\":\"330106\",\"level\":\"county\","
	   "\"verdict\":\"metadata\",\"effective\":\"metadata\",\"layers\":"
	   "[{\"layer\":\"33\",\"version\":4,\"rule\":\"no\",\"verdict\":"
	   "\"metadata\",\"priority\":61}]}],\"known_below\":\"3301\"}");
}

/* The longest code known above `code`, which is the last of so many hops. */
static const char *known_below(const char *code, size_t nhops)
{
	static char below[GT_CODE_MAX + 1];
	json_t *v = gt_read_explain(reader, "33/full", code, 0);
	assert_non_null(v);
	gt_copy(below, sizeof below,
	        json_string_value(json_object_get(v, "known_below")));
	json_t *hops = json_object_get(v, "hops");
	assert_int_equal(json_array_size(hops), nhops);
	json_t *last = json_array_get(hops, nhops - 1);
	assert_string_equal(json_string_value(json_object_get(last, "code")),
	                    code);
	json_decref(v);
	return below;
}

static void known(void **state)
{
	(void)state;
	/* the longest code there is; a child that has linked is known */
	char longest[GT_CODE_MAX + 1], text[200];
	memset(longest, 'a', GT_CODE_MAX);
	memcpy(longest, "330106-", 7);
	longest[GT_CODE_MAX] = '\0';
	gt_format(text, sizeof text,
	          "INSERT INTO child(code,judged_members,judged,vseq,acked,"
	          "records,rooted,seen_ms) VALUES('%s',0,0,1,2,0,0,5000)",
	          longest);
	sql(text);
	enrol("330106");
	enrol("330106109");
	assert_string_equal(known_below(longest, 3), longest);
	/* between two known places one is not */
	assert_string_equal(known_below("330106109210", 5), "3301");
	/* what is no envelope says nothing */
	sql("UPDATE item SET signed=x'ffff' WHERE kind=2");
	assert_string_equal(known_below("330106", 3), "3301");
	Gt__Signed outer;
	gt__signed__init(&outer);
	static uint8_t junk[] = {0xff, 0xff};
	outer.kind = GT__KIND__LAYER;
	outer.body = (ProtobufCBinaryData){sizeof junk, junk};
	put("UPDATE item SET signed=?1 WHERE kind=2",
	    gt_arena_pack(arena, &outer.base));
	assert_null(gt_read_explain(reader, "33/full", "330106", 0));
	assert_string_equal(gt_reader_why(reader), "not an encoded layer");
	sql("DELETE FROM item WHERE kind=2");
}

static void status(void **state)
{
	Gt__NodeStatus n;
	static char software[] = "guantong 1";
	(void)state;
	sql("DELETE FROM child");
	sql("INSERT INTO child(code,judged_members,judged,vseq,acked,records,"
	    "rooted,seen_ms) VALUES('330106',0,0,1,2,0,0,5000)");
	gt__node_status__init(&n);
	n.resources = 1;
	n.complete = 2;
	n.wanted = 3;
	n.bytes = 4;
	n.records = 5;
	n.records_waiting = 6;
	n.software = software;
	put("INSERT INTO child(code,judged_members,judged,vseq,acked,records,"
	    "rooted,status,seen_ms) VALUES('330107',0,0,3,4,0,0,?1,6000)",
	    gt_arena_pack(arena, &n.base));
	/* a verdict of a later version has no name here */
	sql("INSERT INTO tally_resource VALUES(9,'complete',1)");
	is(gt_read_status(reader),
	   "{\"code\":\"3301\",\"resources\":{\"on-demand\":{\"partial\":1}},"
	   "\"objects\":{\"complete\":0,\"partial\":1,\"wanted\":0},\"bytes\":"
	   "8,\"records\":{\"count\":1,\"quarantined\":1,\"last_seq\":5},"
	   "\"certificates\":{\"issued\":0,\"revoked\":0},\"erased\":0,"
	   "\"damaged\":{\"publish\":0,\"parent\":0,\"asked\":0},"
	   "\"stuck\":{\"above\":0,\"file\":0},"
	   "\"clock\":{\"era\":0,\"began\":\"1970-01-01T00:00:00.000Z\","
	   "\"moved\":null},"
	   "\"children\":[{\"code\":\"330106\",\"acked\":2,\"vseq\":1,"
	   "\"seen\":\"1970-01-01T00:00:05.000Z\",\"status\":null},{\"code\":"
	   "\"330107\",\"acked\":4,\"vseq\":3,\"seen\":"
	   "\"1970-01-01T00:00:06.000Z\",\"status\":{\"resources\":1,"
	   "\"complete\":2,\"wanted\":3,\"bytes\":4,\"records\":5,"
	   "\"records_waiting\":6,\"software\":\"guantong 1\",\"copies\":0}}],"
	   "\"audit_rows\":1}");
	sql("DELETE FROM tally_resource WHERE verdict=9");
	/* the longest code a node may have */
	static const char longest[] =
	        "330106-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	assert_int_equal(strlen(longest), GT_CODE_MAX);
	put("UPDATE meta SET value=?1", gt_bytes_str(longest));
	json_t *v = gt_read_status(reader);
	assert_string_equal(json_string_value(json_object_get(v, "code")),
	                    longest);
	json_decref(v);
	assert_true(gt_read_ping(reader));
}

/* -------------------------------------------------- claims and more */

static enum gt_claim claim(uint8_t first)
{
	struct gt_id id = {{first}};
	enum gt_claim c = GT_CLAIM_UNKNOWN;
	assert_int_equal(gt_read_claim(reader, &id, &c), 0);
	return c;
}

static void claims(void **state)
{
	(void)state;
	/* refused; counted; nothing counts; nothing counts, but published
	 * here; only in the audit log: removed, another event, not an object */
	sql("INSERT INTO object(id,state,size,frames,present,created_ms,"
	    "completed_ms) VALUES(x'01' || zeroblob(31),5,1,9,9,0,0),"
	    "(x'02' || zeroblob(31),2,1,9,1,0,0),"
	    "(x'03' || zeroblob(31),2,1,9,0,0,0),"
	    "(x'04' || zeroblob(31),2,1,9,0,0,0),"
	    "(x'08' || zeroblob(31),4,1,0,0,0,0)");
	sql("UPDATE object SET id=CAST(id AS BLOB)");
	sql(ITEM "VALUES(1,'33/own',9,1,0,x'00',x'00',3,50,'','',1,'','',"
	         "CAST(x'04' || zeroblob(31) AS BLOB),0,0)");
	static const char *const rows[][3] = {
	        {"05", "remove", "object"},
	        {"06", "receive", "object"},
	        {"07", "remove", "resource"},
	        {"09", "adopt", "object"},
	};
	for (size_t i = 0; i < 4; i++) {
		char text[300];
		gt_format(text, sizeof text,
		          "INSERT INTO audit(at_ms,node,actor,event,kind,"
		          "subject,version,peer,verdict,rule,layer,result,"
		          "bytes,transfer,detail) VALUES(0,'','','%s','%s',"
		          "'%s%062d',0,'','','','','',0,'','')",
		          rows[i][1], rows[i][2], rows[i][0], 0);
		sql(text);
	}
	assert_int_equal(claim(1), GT_CLAIM_GIVEN_UP);
	assert_int_equal(claim(2), GT_CLAIM_WANTED);
	assert_int_equal(claim(3), GT_CLAIM_GIVEN_UP);
	assert_int_equal(claim(4), GT_CLAIM_WANTED);
	assert_int_equal(claim(5), GT_CLAIM_GIVEN_UP);
	assert_int_equal(claim(6), GT_CLAIM_UNKNOWN);
	assert_int_equal(claim(7), GT_CLAIM_UNKNOWN);
	assert_int_equal(claim(8), GT_CLAIM_WANTED);
	assert_int_equal(claim(9), GT_CLAIM_GIVEN_UP);
	assert_int_equal(claim(10), GT_CLAIM_UNKNOWN);
	sql("DELETE FROM item WHERE id='33/own'");
	sql("DELETE FROM object WHERE hex(id)>='01' AND hex(id)<'10'");
	sql("DELETE FROM audit WHERE aid>3");
}

/* Reads a manifest whole. */
static int whole_manifest(const struct gt_id *object, struct gt_buffer *out)
{
	uint64_t n;
	int rc = gt_read_manifest_begin(reader, object, &n);
	if (rc == 0 && gt_buffer_room(out, n)) {
		rc = gt_read_manifest_at(reader, 0, out->p, n);
		out->n = n;
	}
	gt_read_manifest_end(reader);
	return rc;
}

/* What is no entry is passed over in a list, and alone it is a complaint. */
static void damaged(void **state)
{
	struct gt_id object;
	struct gt_buffer manifest = {0};
	(void)state;
	sql(ITEM "VALUES(1,'33/bad',8,1,0,x'00',x'ffff',3,50,'','',0,'','',"
	         "NULL,0,0)");
	assert_null(gt_read_resource(reader, "33/bad"));
	assert_string_equal(gt_reader_why(reader),
	                    "an entry in the database is damaged");
	is(gt_read_resources(reader,
	                     &(struct gt_resource_query){.verdict = -1}),
	   "{\"resources\":[" FULL "}],\"next\":null}");
	/* complete, but without its manifest, or by an id that is none */
	sql("INSERT INTO object(id,state,size,frames,present,created_ms,"
	    "completed_ms) VALUES(x'77',4,1,1,1,0,0)");
	sql("UPDATE item SET object=x'77' WHERE id='33/bad'");
	assert_int_equal(gt_read_object(reader, "33/bad", &object), -GT_ESTORE);
	sql("UPDATE object SET id=zeroblob(32),manifest=NULL WHERE id=x'77'");
	sql("UPDATE item SET object=zeroblob(32) WHERE id='33/bad'");
	object.b[0] = 1;
	assert_int_equal(gt_read_object(reader, "33/bad", &object), 0);
	assert_int_equal(object.b[0], 0);
	assert_int_equal(gt_read_complete(reader, &object), 0);
	assert_int_equal(whole_manifest(&object, &manifest), -GT_EUNKNOWN);
	sql("UPDATE object SET manifest=x'0102',state=2 WHERE id=zeroblob(32)");
	assert_int_equal(gt_read_complete(reader, &object), -GT_EUNKNOWN);
	assert_int_equal(whole_manifest(&object, &manifest), 0);
	assert_int_equal(manifest.n, 2);
	assert_memory_equal(manifest.p, "\1\2", 2);
	gt_buffer_free(&manifest);
	object.b[0] = 1;
	assert_int_equal(whole_manifest(&object, &manifest), -GT_EUNKNOWN);
	sql("DELETE FROM item WHERE id='33/bad'");
	sql("DELETE FROM object WHERE id=zeroblob(32)");
}

/* ------------------------------------------------------------ pages */

static size_t rows_of(json_t *v, const char *key, json_int_t next)
{
	assert_non_null(v);
	size_t n = json_array_size(json_object_get(v, key));
	json_t *more = json_object_get(v, "next");
	assert_int_equal(json_is_integer(more), next != 0);
	assert_int_equal(json_integer_value(more), next);
	json_decref(v);
	return n;
}

static size_t audited(struct gt_audit_query q, json_int_t next)
{
	return rows_of(gt_read_audit(reader, &q), "rows", next);
}

static size_t listed(size_t limit, const char *next)
{
	json_t *v = gt_read_resources(
	        reader,
	        &(struct gt_resource_query){.verdict = -1, .limit = limit});
	assert_non_null(v);
	size_t n = json_array_size(json_object_get(v, "resources"));
	const char *more = json_string_value(json_object_get(v, "next"));
	assert_string_equal(more ? more : "", next);
	json_decref(v);
	return n;
}

#define TIMES(n)                                                       \
	"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c" \
	" WHERE x<" #n ") "

static void documents_that_lost(void **state)
{
	(void)state;
	is(gt_read_document_conflicts(reader, 0, 0),
	   "{\"conflicts\":[],\"next\":null}");
	sql("INSERT INTO document_lost VALUES(7,3000,'33',1,'sha1:00',"
	    "'http://x.cn/a','','k','3301',zeroblob(16),5,1000,2000,0,'{}',"
	    "'text/plain',CAST('as it was' AS BLOB))");
#define LOST                                                                 \
	"\"lid\":7,\"at\":\"1970-01-01T00:00:03.000Z\",\"won\":\"33\","      \
	"\"kind\":1,\"activity\":\"http://x.cn/a\",\"id\":\"k\",\"origin\":" \
	"\"3301\",\"updated\":\"1970-01-01T00:00:02.000Z\",\"type\":"        \
	"\"text/plain\",\"bytes\":9"
	is(gt_read_document_conflicts(reader, 0, 0),
	   "{\"conflicts\":[{" LOST "}],\"next\":null}");
	is(gt_read_document_conflict(reader, 7),
	   "{" LOST ",\"agent\":\"sha1:00\",\"registration\":\"\",\"body\":"
	   "\"as it was\"}");
	is(gt_read_document_conflict(reader, 8), "null");
	sql("DELETE FROM document_lost");
}

/* A hundred if nothing is said; never more than a page may have. */
static void pages(void **state)
{
	(void)state;
	sql("DELETE FROM record;DELETE FROM quarantine;DELETE FROM audit");
	sql(TIMES(1001) "INSERT INTO record SELECT x,1,x,"
	                "CAST(printf('%016d',x) AS BLOB),x'00',0,NULL,1000,"
	                "2000,'','',CAST('{}' AS BLOB) FROM c");
	assert_int_equal(rows_of(gt_read_records(reader, 0, 0), "records", 100),
	                 100);
	assert_int_equal(
	        rows_of(gt_read_records(reader, 0, 5000), "records", 1000),
	        1000);
	assert_int_equal(
	        rows_of(gt_read_records(reader, 1, 1000), "records", 0), 1000);
	assert_int_equal(
	        rows_of(gt_read_records(reader, 1000, 5), "records", 0), 1);
	sql(TIMES(1001) "INSERT INTO quarantine SELECT x,'',1,x,"
	                "x'00',x'00',0,0,'',x'00' FROM c");
	assert_int_equal(rows_of(gt_read_quarantine(reader, 0, 5000),
	                         "quarantine", 1000),
	                 1000);
	sql(TIMES(10002) "INSERT INTO audit SELECT x,x,'','','','','s',0,'',"
	                 "'','','','',0,'','' FROM c WHERE x>1");
	assert_int_equal(audited((struct gt_audit_query){.after = 0}, 101),
	                 100);
	assert_int_equal(
	        audited((struct gt_audit_query){.limit = 20000}, 10001), 10000);
	assert_int_equal(
	        audited((struct gt_audit_query){.limit = 20000, .after = 2}, 0),
	        10000);
	assert_int_equal(
	        audited((struct gt_audit_query){.subject = "s", .limit = 20000},
	                10001),
	        10000);
	/* what was pruned at the front hides nothing */
	assert_int_equal(
	        audited((struct gt_audit_query){.to_ms = 4, .limit = 5}, 0), 2);
	assert_int_equal(
	        audited((struct gt_audit_query){.from_ms = 4, .to_ms = 6}, 0),
	        2);
	sql(TIMES(2100) ITEM
	    "SELECT 1,printf('34/%04d',x),x+9,1,0,x'00',signed,2,51,'','',0,"
	    "'','',NULL,0,0 FROM c,item WHERE id='33/full'");
	assert_int_equal(listed(0, "34/0099"), 100);
	assert_int_equal(listed(5000, "34/0999"), 1000);
	/* more rows looked at than one transaction may */
	json_t *v = gt_read_resources(
	        reader, &(struct gt_resource_query){.verdict = -1,
	                                            .text = "no such thing"});
	is(v, "{\"resources\":[],\"next\":null}");
	sql("UPDATE item SET signed=(SELECT signed FROM item WHERE kind=3)"
	    " WHERE id<'34/2099' AND kind=1");
	v = gt_read_resources(reader,
	                      &(struct gt_resource_query){.verdict = -1});
	assert_int_equal(json_array_size(json_object_get(v, "resources")), 2);
	json_decref(v);
}

/* A pattern of any length is taken, as far as names go. */
static void long_patterns(void **state)
{
	char many[700];
	(void)state;
	memset(many, '[', sizeof many - 1);
	many[sizeof many - 1] = '\0';
	struct gt_audit_query q = {.actor = many,
	                           .peer = many,
	                           .event = many,
	                           .kind = many,
	                           .result = many};
	assert_int_equal(audited(q, 0), 0);
	memset(many, 'a', sizeof many - 1);
	assert_int_equal(audited(q, 0), 0);
	/* what is behind 508 bytes of it is not looked at */
	sql("UPDATE audit SET actor=replace(hex(zeroblob(254)),'0','a')"
	    " WHERE aid=7");
	assert_int_equal(audited((struct gt_audit_query){.actor = many}, 0), 1);
	many[508] = '\0';
	assert_int_equal(audited((struct gt_audit_query){.actor = many}, 0), 1);
	many[507] = '\0';
	assert_int_equal(audited((struct gt_audit_query){.actor = many}, 0), 0);
}

/* ------------------------------------------------ a broken database */

/* Every question says that it failed and why, whether its statement was made
 * before or is asked for the first time. */
static void fails(void)
{
	struct gt_id object = {{1}};
	uint64_t manifest;
	uint8_t id[GT_UUID_BYTES] = {1};
	enum gt_claim c;
	int64_t n, ms;
	bool voided;
	char name[20];
	int rc = 0;
	struct gt_resource_query resources = {.verdict = -1};
	struct gt_audit_query audits[] = {
	        {.after = 0}, {.subject = "s"}, {.from_ms = 1}};
#define FAILS(ask)                                                          \
	do {                                                                \
		assert_null(gt_read_explain(reader, "33/a", "3", 0));       \
		assert_false(ask);                                          \
		assert_non_null(strstr(gt_reader_why(reader), "no such ")); \
	} while (0)
	FAILS(gt_read_ping(reader));
	FAILS(gt_read_resources(reader, &resources));
	FAILS(gt_read_resource(reader, "33/full"));
	FAILS(gt_read_object(reader, "33/full", &object) != -GT_ESTORE);
	FAILS(gt_read_complete(reader, &object) != -GT_ESTORE);
	FAILS(gt_read_manifest_begin(reader, &object, &manifest) != -GT_ESTORE);
	FAILS(gt_read_claim(reader, &object, &c) != -GT_ESTORE);
	FAILS(gt_read_status(reader));
	for (size_t i = 0; i < 3; i++)
		FAILS(gt_read_audit(reader, &audits[i]));
	FAILS(gt_read_records(reader, 0, 0));
	FAILS(gt_read_statement(reader, id, NULL, &voided, &ms, &rc));
	assert_int_equal(rc, -GT_ESTORE);
	FAILS(gt_read_newest(reader, &n, &ms) != -GT_ESTORE);
	struct gt_statements_query pages[] = {
	        {.low = 1, .high = 9, .limit = 9},
	        {.low = 1, .high = 9, .limit = 9, .ascending = true},
	        {.since_ms = 1, .until_ms = 9, .limit = 9},
	};
	struct gt_buffer out = {0};
	for (size_t i = 0; i < 3; i++)
		FAILS(gt_read_statements(reader, &pages[i], &out) !=
		      -GT_ESTORE);
	FAILS(gt_read_names(reader));
	FAILS(gt_read_never(reader, 9));
	FAILS(gt_read_quarantine(reader, 0, 0));
	FAILS(gt_read_explain(reader, "33/full", "33", 0));
	FAILS(gt_read_layers(reader));
	FAILS(gt_read_members(reader));
	FAILS(gt_read_name(reader, "33-nju", name, sizeof name));
}

static void no_tables(void **state)
{
	static const char drop[] =
	        "DROP TABLE meta;DROP TABLE object;DROP TABLE audit;"
	        "DROP TABLE record;DROP TABLE quarantine;DROP TABLE child;"
	        "DROP TABLE stream;DROP VIEW tally_item;"
	        "DROP TABLE tally_resource;DROP TABLE item";
	char why[256];
	(void)state;
	json_decref(gt_read_status(reader));
	sql(drop);
	fails();
	gt_reader_free(reader);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	run(GT_SCHEMA);
	run(GT_SCHEMA_TALLY);
	run(GT_SCHEMA_VOIDS);
	run(GT_SCHEMA_VOIDERS);
	reader = gt_reader_new(db, why, sizeof why);
	assert_non_null(reader);
	sql(drop);
	fails();
}

/* Statements a reader has made go with it. */
static void given_back(void **state)
{
	char why[256];
	(void)state;
	for (int i = 0; i < 2; i++) {
		sqlite3_int64 used = sqlite3_memory_used();
		sqlite3 *other;
		assert_int_equal(sqlite3_open(":memory:", &other), SQLITE_OK);
		assert_int_equal(
		        sqlite3_exec(other, GT_SCHEMA, NULL, NULL, NULL),
		        SQLITE_OK);
		struct gt_reader *r = gt_reader_new(other, why, sizeof why);
		assert_non_null(r);
		assert_true(gt_read_ping(r));
		gt_reader_free(r);
		assert_true(sqlite3_memory_used() < used + 5000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(resources),
	        cmocka_unit_test(what_is_damaged),
	        cmocka_unit_test(audit_of_a_resource),
	        cmocka_unit_test(records),
	        cmocka_unit_test(audit),
	        cmocka_unit_test(documents),
	        cmocka_unit_test(explained),
	        cmocka_unit_test(known),
	        cmocka_unit_test(status),
	        cmocka_unit_test(claims),
	        cmocka_unit_test(damaged),
	        cmocka_unit_test(documents_that_lost),
	        cmocka_unit_test(pages),
	        cmocka_unit_test(long_patterns),
	        cmocka_unit_test(given_back),
	        cmocka_unit_test(no_tables),
	};
	return cmocka_run_group_tests_name("read shapes", tests, setup,
	                                   teardown);
}
