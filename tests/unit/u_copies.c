/* u_copies.c: what was put aside beside a database is counted, and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copies.h"

struct box {
	char dir[32], db[48];
	char gone[256];
};

static int made(void **state)
{
	struct box *b = calloc(1, sizeof *b);
	assert_non_null(b);
	gt_format(b->dir, sizeof b->dir, "/tmp/gt-copies-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	gt_format(b->db, sizeof b->db, "%s/db", b->dir);
	*state = b;
	return 0;
}

static int gone(void **state)
{
	struct box *b = *state;
	char command[64];
	gt_format(command, sizeof command, "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

static void put(struct box *b, const char *end)
{
	static const char page[4096];
	char path[96];
	gt_format(path, sizeof path, "%s%s", b->db, end);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, page, sizeof page), sizeof page);
	close(fd);
}

static bool here(struct box *b, const char *end)
{
	char path[96];
	gt_format(path, sizeof path, "%s%s", b->db, end);
	return access(path, F_OK) == 0;
}

static void on_gone(void *arg, const char *path)
{
	struct box *b = arg;
	size_t n = strlen(b->gone);
	gt_format(b->gone + n, sizeof b->gone - n, "%s ", path + strlen(b->db));
}

/* The oldest of each kind go, by their numbers, with what is theirs; and
 * nothing else. */
static void the_newest_stay(void **state)
{
	static const char *const stay[] = {"",
	                                   "-wal",
	                                   "-sums",
	                                   ".damaged-",
	                                   ".damaged-x",
	                                   ".damaged-5.tgz",
	                                   "-wal.other-7",
	                                   "x.damaged-1",
	                                   ".damaged-999",
	                                   ".damaged-1000",
	                                   ".damaged-1001",
	                                   ".damaged-1000-sums",
	                                   ".damaged-1001-sums"};
	static const char *const go[] = {".damaged-98", ".damaged-99",
	                                 ".damaged-99-sums"};
	struct box *b = *state;
	struct gt_copies c;
	for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
		put(b, stay[i]);
	for (size_t i = 0; i < sizeof go / sizeof *go; i++)
		put(b, go[i]);
	gt_copies_look(b->db, &c);
	assert_int_equal(c.count, 6);
	assert_int_equal(c.bytes, 9 * 4096);
	gt_copies_trim(b->db, on_gone, b);
	assert_string_equal(b->gone, ".damaged-98 .damaged-99 ");
	for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
		assert_true(here(b, stay[i]));
	for (size_t i = 0; i < sizeof go / sizeof *go; i++)
		assert_false(here(b, go[i]));
	gt_copies_look(b->db, &c);
	assert_int_equal(c.count, 4);
	assert_int_equal(c.bytes, 6 * 4096);
	gt_copies_trim(b->db, on_gone, b);
	assert_string_equal(b->gone, ".damaged-98 .damaged-99 ");
}

/* One that cannot be removed is told of by being here still. */
static void what_cannot_go_stays(void **state)
{
	struct box *b = *state;
	char path[96];
	struct gt_copies c;
	gt_format(path, sizeof path, "%s-wal.other-1", b->db);
	assert_int_equal(mkdir(path, 0700), 0);
	put(b, "-wal.other-2");
	put(b, "-wal.other-3");
	put(b, "-wal.other-4");
	gt_copies_trim(b->db, on_gone, b);
	assert_string_equal(b->gone, "");
	gt_copies_look(b->db, &c);
	assert_int_equal(c.count, 4);
	/* nothing at all is there */
	gt_copies_look("/tmp/gt-copies-none/db", &c);
	assert_int_equal(c.count + c.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(the_newest_stay, made, gone),
	        cmocka_unit_test_setup_teardown(what_cannot_go_stays, made,
	                                        gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
