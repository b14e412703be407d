/* u_annex.c: files of attachments: named by what they are, held while somebody
 * may yet take them, gone when nobody did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "annex.h"

static char dir[64];

static unsigned count(const char *folder)
{
	char path[200];
	unsigned n = 0;
	snprintf(path, sizeof path, "%s/attachments/%s", dir, folder);
	DIR *d = opendir(path);
	for (const struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static struct gt_annexed *bring(struct gt_annex *x, const char *text,
                                struct gt_sha2 *is)
{
	struct gt_annexed *a;
	struct gt_bytes b = gt_bytes_str(text);
	assert_int_equal(gt_annex_begin(x, 32, &a), 0);
	assert_int_equal(gt_annex_add(a, gt_bytes_of(b.p, 1)), 0);
	assert_int_equal(gt_annex_add(a, gt_bytes_of(b.p + 1, b.n - 1)), 0);
	assert_int_equal(gt_annex_end(a, is), 0);
	assert_int_equal(gt_annex_size(a), b.n);
	return a;
}

static void read_as(const struct gt_annex *x, const struct gt_sha2 *sha2,
                    const char *text)
{
	struct gt_buffer b = {0};
	uint64_t size;
	int fd = gt_annex_open(x, sha2, &size);
	if (!text) {
		assert_int_equal(fd, -GT_EUNKNOWN);
		return;
	}
	assert_true(fd >= 0);
	assert_int_equal(size, strlen(text));
	assert_int_equal(gt_annex_read(fd, size, sha2, 100, &b), 0);
	assert_string_equal((char *)b.p, text);
	gt_buffer_free(&b);
}

static void kept_and_let_go(void **state)
{
	struct gt_annex *x = *state;
	struct gt_sha2 is, again;
	struct gt_buffer b = {0};
	/* what is only on its way goes with who brought it */
	gt_annex_let_go(bring(x, "abc", &is), false);
	gt_annex_let_go(NULL, true);
	assert_int_equal(count("new"), 0);
	/* kept, and nobody took it */
	struct gt_annexed *a = bring(x, "abc", &is);
	assert_int_equal(gt_annex_back(a, 2, &b), -GT_ELIMIT);
	assert_int_equal(gt_annex_back(a, 3, &b), 0);
	assert_string_equal((char *)b.p, "abc");
	gt_buffer_free(&b);
	assert_int_equal(gt_annex_keep(a), 0);
	assert_int_equal(count("new"), 0);
	read_as(x, &is, "abc");
	gt_annex_let_go(a, false);
	read_as(x, &is, NULL);
	/* two brought it: one is enough, whoever goes first */
	for (int known = 0; known < 3; known++) {
		struct gt_annexed *one = bring(x, "abc", &is);
		struct gt_annexed *other = bring(x, "abc", &again);
		assert_true(gt_sha2_eq(&is, &again));
		assert_int_equal(gt_annex_keep(one), 0);
		assert_int_equal(gt_annex_keep(other), 0);
		gt_annex_let_go(one, known == 1);
		read_as(x, &is, "abc");
		gt_annex_let_go(other, known == 2);
		read_as(x, &is, known ? "abc" : NULL);
	}
	/* what was there before stays, whatever becomes of who brings it again */
	a = bring(x, "abc", &is);
	assert_int_equal(gt_annex_keep(a), 0);
	gt_annex_let_go(a, false);
	read_as(x, &is, "abc");
}

/* What rotted is whole again once it is brought again. */
static void rotten(void **state)
{
	struct gt_annex *x = *state;
	struct gt_sha2 is;
	struct gt_buffer b = {0};
	uint64_t size;
	char path[300];
	struct gt_annexed *a = bring(x, "abc", &is);
	assert_int_equal(gt_annex_keep(a), 0);
	gt_annex_let_go(a, true);
	snprintf(path, sizeof path,
	         "%s/attachments/ba/7816bf8f01cfea414140de5dae2223b00361a39617"
	         "7a9cb410ff61f20015ad",
	         dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs("abd", f);
	fclose(f);
	int fd = gt_annex_open(x, &is, &size);
	assert_int_equal(gt_annex_read(fd, size, &is, 100, &b), -GT_EDAMAGED);
	gt_buffer_free(&b);
	fd = gt_annex_open(x, &is, &size);
	assert_int_equal(gt_annex_read(fd, size, &is, 2, &b), -GT_ELIMIT);
	a = bring(x, "abc", &is);
	assert_int_equal(gt_annex_keep(a), 0);
	gt_annex_let_go(a, true);
	read_as(x, &is, "abc");
	/* a link is none of ours */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	read_as(x, &is, NULL);
}

static void no_room(void **state)
{
	(void)state;
	struct gt_annex *x = gt_annex_new(dir, UINT64_C(1) << 60);
	struct gt_annexed *a;
	assert_int_equal(gt_annex_begin(x, 64, &a), 0);
	assert_int_equal(gt_annex_add(a, gt_bytes_str("abc")), -GT_ENOSPACE);
	gt_annex_let_go(a, false);
	assert_int_equal(count("new"), 0);
	gt_annex_free(x);
}

static int setup(void **state)
{
	snprintf(dir, sizeof dir, "/tmp/gt-annex-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	*state = gt_annex_new(dir, 0);
	return 0;
}

static int teardown(void **state)
{
	char command[100];
	gt_annex_free(*state);
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(kept_and_let_go, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(rotten, setup, teardown),
	        cmocka_unit_test_setup_teardown(no_room, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
