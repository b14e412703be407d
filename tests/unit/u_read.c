/* u_read.c: what is counted, a reader without memory, a reader beside a writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buffer.h"
#include "nomem.h"
#include "statement.h"
#include "unit/read_kit.h"

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

static void status(void **state)
{
	(void)state;
	Gt__NodeStatus n;
	char software[] = "guantong 1";
	gt__node_status__init(&n);
	n.resources = 5;
	n.software = software;
	add_record(1, 0, "");
	sql("INSERT INTO audit(at_ms,node,actor,event,kind,subject,version,"
	    "peer,verdict,rule,layer,result,bytes,transfer,detail)"
	    " VALUES(1000,'3301','33','publish','resource','33/a',7,'',"
	    "'mirror','','33','ok',5,'','')");
	insert("UPDATE child SET status=?2 WHERE code=?1 AND ?3 IS NULL AND "
	       "?4>0",
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

/* -------------------------------------------------------- no memory */

/* Something of everything that can be asked for. */
static int filled(void **state)
{
	(void)state;
	add_layers();
	add_member();
	for (int n = 1; n <= 5; n++)
		add_record(n, 0, "");
	sql("INSERT INTO quarantine(via,stream,origin_seq,id,form,origin_ms,"
	    "at_ms,reason,body) VALUES('330106',1,4,x'01',x'00',0,1000,'other',"
	    "CAST('{\"a\":1}' AS BLOB)),('330106',1,5,x'00',x'00',0,1000,'bad',"
	    "x'ff');"
	    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c "
	    "WHERE "
	    "i<3) INSERT INTO "
	    "audit(at_ms,node,actor,event,kind,subject,version,"
	    "peer,verdict,rule,layer,result,bytes,transfer,detail) SELECT "
	    "1000*i,'3301','33','publish','resource','33/a',i,'330106',"
	    "'mirror','r','33','ok',5,'ab','d' FROM c");
	return 0;
}

static int emptied(void **state)
{
	(void)state;
	sql("DELETE FROM record;DELETE FROM audit;DELETE FROM quarantine;"
	    "DELETE FROM item WHERE kind>1;DELETE FROM sqlite_sequence");
	return 0;
}

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

static json_t *ask_never(void)
{
	return gt_read_never(reader, 9);
}

/* The whole answer or none, and why; never a part of it. */
static void no_memory(void **state)
{
	static json_t *(*const ask[])(void) = {
	        ask_resources, ask_resource, ask_odd_text,   ask_status,
	        ask_audit,     ask_records,  ask_quarantine, ask_explain,
	        ask_layers,    ask_members,  ask_names,      ask_never,
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
	uint8_t id[GT_UUID_BYTES] = {[15] = 5};
	bool voided;
	int64_t stored;
	char name[20];
	int status, failed = 0;
	(void)state;
	for (size_t n = 0; nomem_each(&n);) {
		char *text = gt_read_statement(reader, id, NULL, &voided,
		                               &stored, &status);
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

/* What is given out of 33/a with these bytes; NULL: nothing is. */
static char *shown(sqlite3_stmt *put, const uint8_t *bytes, size_t n,
                   const struct gt_id *hash)
{
	sqlite3_bind_blob(put, 1, bytes, (int)n, SQLITE_STATIC);
	sqlite3_bind_blob(put, 2, hash->b, GT_ID_BYTES, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(put), SQLITE_DONE);
	sqlite3_reset(put);
	json_t *v = gt_read_resource(reader, "33/a");
	char *text = v ? json_dumps(v, JSON_SORT_KEYS) : NULL;
	json_decref(v);
	return text;
}

/* Every bit of a row's signed bytes flips once: what is given out is what was
 * signed, or nothing is. */
static void no_flip_is_given_out(void **state)
{
	static const char read_sql[] =
	        "SELECT signed FROM item WHERE kind=1 AND id='33/a'";
	static const char put_sql[] = "UPDATE item SET signed=?1,hash=?2 WHERE "
	                              "kind=1 AND id='33/a'";
	struct gt_id hash;
	sqlite3_stmt *get, *put;
	size_t hidden = 0;
	(void)state;
	assert_int_equal(sqlite3_prepare_v2(db, read_sql, -1, &get, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, put_sql, -1, &put, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(get), SQLITE_ROW);
	size_t n = (size_t)sqlite3_column_bytes(get, 0);
	uint8_t *bytes = malloc(n);
	assert_non_null(bytes);
	memcpy(bytes, sqlite3_column_blob(get, 0), n);
	sqlite3_finalize(get);
	Gt__Signed *s = gt__signed__unpack(NULL, n, bytes);
	assert_non_null(s);
	gt_sha256_one(&hash, s->body.data, s->body.len);
	gt__signed__free_unpacked(s, NULL);
	char *want = shown(put, bytes, n, &hash);
	assert_non_null(want);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		char *got = shown(put, bytes, n, &hash);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (got)
			assert_string_equal(got, want);
		hidden += got == NULL;
		free(got);
	}
	assert_true(hidden > 7 * n);
	free(want);
	free(bytes);
	sqlite3_finalize(put);
	sql("UPDATE item SET hash=x'00' WHERE kind=1 AND id='33/a'");
}

static bool at_once(void *arg)
{
	++*(int *)arg;
	return true;
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static struct gt_reader *reader_of(const char *file)
{
	sqlite3 *own;
	assert_int_equal(sqlite3_open(file, &own), SQLITE_OK);
	struct gt_reader *r = gt_reader_new(own, refused, sizeof refused);
	assert_non_null(r);
	return r;
}

static void whole_or_damaged(void **state)
{
	static const char many[] =
	        "INSERT INTO quarantine(via,stream,origin_seq,id,form,"
	        "origin_ms,at_ms,reason,body)"
	        " WITH n(i) AS(SELECT 1 UNION ALL SELECT i+1 FROM n WHERE"
	        " i<3000) SELECT '',1,i,randomblob(16),x'00',0,0,'',"
	        "randomblob(100) FROM n";
	char file[80], page[16];
	sqlite3 *own;
	int asked = 0;
	(void)state;
	gt_format(file, sizeof file, "%s/whole", dir);
	assert_int_equal(sqlite3_open(file, &own), SQLITE_OK);
	assert_int_equal(sqlite3_exec(own, GT_SCHEMA, NULL, NULL, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_exec(own, many, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(own);
	struct gt_reader *r = reader_of(file);
	assert_int_equal(gt_read_whole(r, never, NULL), 1);
	assert_int_equal(gt_read_whole(r, at_once, &asked), 0);
	assert_int_equal(asked, 1);
	/* it can be asked on */
	assert_true(gt_read_ping(r));
	gt_reader_free(r);
	/* the last page is one of the rows' */
	FILE *f = fopen(file, "r+b");
	assert_non_null(f);
	memset(page, 0xff, sizeof page);
	assert_int_equal(fseek(f, -4096, SEEK_END), 0);
	assert_int_equal(fwrite(page, 1, sizeof page, f), sizeof page);
	assert_int_equal(fclose(f), 0);
	r = reader_of(file);
	assert_int_equal(gt_read_whole(r, never, NULL), -GT_EDAMAGED);
	assert_true(strlen(gt_reader_why(r)) > 0);
	gt_reader_free(r);
	assert_int_equal(unlink(file), 0);
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
	        cmocka_unit_test(status),
	        cmocka_unit_test_setup_teardown(no_memory, filled, emptied),
	        cmocka_unit_test(no_memory_to_open),
	        cmocka_unit_test_setup_teardown(no_memory_for_bytes, filled,
	                                        emptied),
	        cmocka_unit_test(beside_writer),
	        cmocka_unit_test(while_writing),
	        cmocka_unit_test(no_flip_is_given_out),
	        cmocka_unit_test(leaves_the_log),
	        cmocka_unit_test(whole_or_damaged),
	        cmocka_unit_test(no_schema),
	};
	return cmocka_run_group_tests_name("read", tests, setup, teardown);
}
