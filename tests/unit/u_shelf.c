/* u_shelf.c: indexes are opened once, made where they are missing or damaged,
 * and the disk's room is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "database.h"
#include "dir.h"
#include "nomem.h"
#include "schema.h"
#include "shelf.h"
#include "sweep.h"
#include "tally.h"
#include "unit/object_kit.h"

enum { PACKS = GT_SHELVES_KEPT + 4, THREADS = 8 };

static char dir[] = "/tmp/gt-shelf-XXXXXX";
static struct pack packs[PACKS];
static struct gt_reader *reader;
static struct gt_shelves *all;

static void sql(const char *text)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open("db", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void add_object(const struct pack *p)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_open("db", &db), SQLITE_OK);
	sqlite3_prepare_v2(db,
	                   "INSERT INTO object(id,state,manifest,size,frames,"
	                   "present,created_ms,completed_ms) VALUES"
	                   "(?1,4,?2,1,1,1,0,0)",
	                   -1, &s, NULL);
	sqlite3_bind_blob(s, 1, p->object.b, GT_ID_BYTES, SQLITE_STATIC);
	sqlite3_bind_blob(s, 2, p->manifest, (int)p->manifest_n, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
	sqlite3_close(db);
}

static int setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	sql(GT_SCHEMA);
	sql(GT_SCHEMA_TALLY);
	for (uint64_t i = 0; i < PACKS; i++) {
		pack_random(&packs[i], i + 1, 1, 0);
		add_object(&packs[i]);
	}
	return 0;
}

static int teardown(void **state)
{
	char command[100];
	(void)state;
	for (size_t i = 0; i < PACKS; i++)
		pack_clear(&packs[i]);
	assert_int_equal(chdir("/"), 0);
	gt_format(command, sizeof command, "rm -rf %s", dir);
	return system(command); /* NOLINT */
}

static void clear_indexes(void)
{
	int status = system("rm -rf index"); /* NOLINT */
	assert_int_equal(status, 0);
}

static int begin_with(uint64_t reserve)
{
	char why[200];
	reader = gt_database_reader("db", why, sizeof why);
	all = gt_shelves_new(".", reserve);
	assert_true(reader && all);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	clear_indexes();
	return begin_with(0);
}

static int end(void **state)
{
	(void)state;
	gt_shelves_free(all);
	gt_reader_free(reader);
	return 0;
}

static struct gt_shelf_counts counts(void)
{
	struct gt_shelf_counts c;
	gt_shelves_count(all, &c);
	return c;
}

static struct gt_shelf *take(const struct pack *p)
{
	struct gt_shelf *s;
	assert_int_equal(gt_shelf_take(all, reader, &p->object, &s), 0);
	assert_non_null(s);
	return s;
}

static const char *name_of(const struct pack *p)
{
	static char name[100];
	char hex[GT_HEX_ID];
	gt_id_hex(hex, &p->object);
	gt_format(name, sizeof name, GT_DIR_INDEX "/%s", hex);
	return name;
}

/* The first member, by way of its path. */
static int find_first(const struct gt_index *ix, void *arg)
{
	const struct pack *p = arg;
	struct gt_index_cursor c;
	struct gt_member m;
	int status = gt_index_find(&c, ix, p->members[0].path, &m);
	if (status == 0)
		assert_int_equal(m.file.size, p->members[0].n);
	return status;
}

/* The index is whole, however it came to be. */
static void works(struct pack *p)
{
	struct gt_shelf *s = take(p);
	assert_int_equal(gt_shelf_ask(all, reader, &s, find_first, p), 0);
	gt_shelf_give(all, s);
}

/* ---------------------------------------------------------------- shared */

static void opened_once(void **state)
{
	struct gt_shelf *s[60];
	(void)state;
	for (int i = 0; i < 60; i++) {
		s[i] = take(&packs[0]);
		assert_ptr_equal(s[i], s[0]);
	}
	assert_int_equal(counts().open, 1);
	assert_int_equal(counts().users, 60);
	assert_int_equal(counts().made, 1);
	assert_int_equal(counts().bytes, 0);
	for (int i = 0; i < 60; i++)
		gt_shelf_give(all, s[i]);
	assert_int_equal(counts().users, 0);
	assert_int_equal(counts().open, 1);
	assert_int_equal(access(name_of(&packs[0]), R_OK), 0);
}

static void the_last_used_stay_open(void **state)
{
	(void)state;
	struct gt_shelf *held = take(&packs[0]);
	for (size_t i = 1; i < PACKS; i++)
		works(&packs[i]);
	assert_int_equal(counts().open, GT_SHELVES_KEPT + 1);
	assert_int_equal(counts().made, PACKS);
	for (size_t i = 0; i < PACKS; i++)
		works(&packs[i]);
	/* none was made again: they are on the disk */
	assert_int_equal(counts().made, PACKS);
	gt_shelf_give(all, held);
	assert_int_equal(counts().open, GT_SHELVES_KEPT);
}

/* Whoever wants what another thread is making waits for it. */
static void *reads(void *arg)
{
	char why[200];
	struct gt_reader *r = gt_database_reader("db", why, sizeof why);
	(void)arg;
	for (size_t i = 0; r && i < 40 * PACKS; i++) {
		struct pack *p = &packs[i % PACKS];
		struct gt_shelf *s;
		int status = gt_shelf_take(all, r, &p->object, &s);
		if (status == 0)
			status = gt_shelf_ask(all, r, &s, find_first, p);
		assert(status == 0);
		gt_shelf_give(all, s);
	}
	gt_reader_free(r);
	return r;
}

static void threads(void **state)
{
	pthread_t t[THREADS];
	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, reads, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		void *fine;
		assert_int_equal(pthread_join(t[i], &fine), 0);
		assert_non_null(fine);
	}
	assert_int_equal(counts().made, PACKS);
	assert_int_equal(counts().users, 0);
}

/* --------------------------------------------- damaged, missing, foreign */

static void flip(const char *name, off_t at)
{
	uint8_t b;
	int fd = open(name, O_RDWR);
	assert_true(fd >= 0);
	if (at < 0)
		at += lseek(fd, 0, SEEK_END);
	assert_int_equal(pread(fd, &b, 1, at), 1);
	b ^= 1;
	assert_int_equal(pwrite(fd, &b, 1, at), 1);
	close(fd);
}

static void never_believed(void **state)
{
	struct pack *p = &packs[0];
	char other[200], mine[200];
	(void)state;
	works(p);
	gt_copy(mine, sizeof mine, name_of(p));
	/* met in a block that is asked for, while it is open */
	flip(mine, GT_INDEX_BLOCK + 20);
	struct gt_shelf *s = take(p), *old = s, *held = take(p);
	assert_int_equal(gt_shelf_ask(all, reader, &s, find_first, p), 0);
	assert_ptr_not_equal(s, old);
	assert_int_equal(counts().made, 2);
	assert_int_equal(counts().open, 2);
	/* who had the old one comes to the same new one */
	assert_int_equal(gt_shelf_ask(all, reader, &held, find_first, p), 0);
	assert_ptr_equal(s, held);
	assert_int_equal(counts().open, 1);
	assert_int_equal(counts().made, 2);
	gt_shelf_give(all, s);
	gt_shelf_give(all, held);
	/* met when it is opened: by a new start */
	end(NULL);
	flip(mine, -100);
	begin_with(0);
	works(p);
	assert_int_equal(counts().made, 1);
	end(NULL);
	assert_int_equal(truncate(mine, GT_INDEX_BLOCK), 0);
	begin_with(0);
	works(p);
	assert_int_equal(counts().made, 1);
	works(&packs[1]);
	gt_copy(other, sizeof other, name_of(&packs[1]));
	end(NULL);
	assert_int_equal(rename(other, mine), 0);
	begin_with(0);
	works(p);
	works(&packs[1]);
	assert_int_equal(counts().made, 2);
	end(NULL);
	/* what is no file at all is let be, and done without */
	assert_int_equal(unlink(mine), 0);
	assert_int_equal(mkdir(mine, 0700), 0);
	begin_with(0);
	works(p);
	assert_int_equal(counts().made, 1);
	assert_int_equal(rmdir(mine), 0);
	end(NULL);
	begin_with(0);
	works(p);
	assert_int_equal(counts().made, 1);
	end(NULL);
	begin_with(0);
	works(p);
	assert_int_equal(counts().made, 0);
}

static void a_manifest_that_lies(void **state)
{
	struct gt_shelf *s;
	struct gt_id none = {{1}};
	(void)state;
	assert_int_equal(gt_shelf_take(all, reader, &none, &s), -GT_EUNKNOWN);
	assert_null(s);
	sql("INSERT INTO object(id,state,manifest,size,frames,present,"
	    "created_ms,completed_ms) "
	    "VALUES(zeroblob(32),4,x'0102',1,1,1,0,0)");
	none.b[0] = 0;
	assert_int_equal(gt_shelf_take(all, reader, &none, &s), -GT_ESTORE);
	assert_null(s);
	assert_int_equal(counts().open, 0);
	assert_int_equal(counts().users, 0);
	int left = system("test -z \"$(ls index)\""); /* NOLINT */
	assert_int_equal(left, 0);
}

/* -------------------------------------------------------- without room */

static void no_room_on_the_disk(void **state)
{
	(void)state;
	end(NULL);
	begin_with(UINT64_MAX / 2);
	struct gt_shelf *s = take(&packs[0]);
	assert_int_equal(gt_shelf_ask(all, reader, &s, find_first, &packs[0]),
	                 0);
	assert_true(counts().bytes > 0);
	assert_int_equal(counts().bytes % GT_INDEX_BLOCK, 0);
	assert_int_not_equal(access(GT_DIR_INDEX, F_OK), 0);
	gt_shelf_give(all, s);
	/* nobody reads it: it goes */
	assert_int_equal(counts().bytes, 0);
	assert_int_equal(counts().open, 0);
}

static void no_memory(void **state)
{
	(void)state;
	for (int in_memory = 0; in_memory < 2; in_memory++) {
		end(NULL);
		clear_indexes();
		begin_with(in_memory ? UINT64_MAX / 2 : 0);
		for (size_t n = 0; nomem_each(&n);) {
			struct gt_shelf *s;
			int status = gt_shelf_take(all, reader,
			                           &packs[0].object, &s);
			bool hit = nomem_hit();
			assert_int_equal(status, hit ? -GT_ENOMEM : 0);
			gt_shelf_give(all, s);
			if (hit)
				assert_int_equal(counts().bytes, 0);
			end(NULL);
			clear_indexes();
			begin_with(in_memory ? UINT64_MAX / 2 : 0);
		}
	}
}

/* ----------------------------------------------------- nobody's any more */

static void swept(void **state)
{
	struct gt_swept out;
	char why[300];
	(void)state;
	works(&packs[0]);
	works(&packs[1]);
	FILE *f = fopen("index/0123.part", "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	sqlite3 *db;
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_open("db", &db), SQLITE_OK);
	sqlite3_prepare_v2(db, "DELETE FROM object WHERE id=?1", -1, &s, NULL);
	sqlite3_bind_blob(s, 1, packs[0].object.b, GT_ID_BYTES, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
	sqlite3_close(db);
	assert_int_equal(gt_sweep(".", "db", &out, why, sizeof why), 0);
	assert_int_not_equal(access(name_of(&packs[0]), F_OK), 0);
	assert_int_equal(access(name_of(&packs[1]), F_OK), 0);
	assert_int_not_equal(access("index/0123.part", F_OK), 0);
	add_object(&packs[0]);
	int fd = open(".", O_RDONLY | O_DIRECTORY);
	gt_shelf_remove(fd, &packs[1].object);
	close(fd);
	assert_int_not_equal(access(name_of(&packs[1]), F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(opened_once, begin, end),
	        cmocka_unit_test_setup_teardown(the_last_used_stay_open, begin,
	                                        end),
	        cmocka_unit_test_setup_teardown(threads, begin, end),
	        cmocka_unit_test_setup_teardown(never_believed, begin, end),
	        cmocka_unit_test_setup_teardown(a_manifest_that_lies, begin,
	                                        end),
	        cmocka_unit_test_setup_teardown(no_room_on_the_disk, begin,
	                                        end),
	        cmocka_unit_test_setup_teardown(no_memory, begin, end),
	        cmocka_unit_test_setup_teardown(swept, begin, end),
	};
	return cmocka_run_group_tests_name("shelf", tests, setup, teardown);
}
