/* u_blob_errno.c: what the system may say of an object's file, at each call
 * that can say it, and what is made of that:
 *
 *   no room on the disk      ENOSPC EDQUOT EFBIG         -GT_ENOSPACE
 *   the node is short        ENOMEM EMFILE ENFILE        -GT_ENOMEM
 *   this object's file alone all others                  -GT_EIO, and why
 *
 * Only the first two are of the node; and what failed once goes well when it is
 * tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob.h"
#include "files.h"
#include "unit/object_kit.h"

enum call {
	OPEN,
	AGAIN,
	MKDIR,
	TRUNCATE,
	ALLOCATE,
	WRITE,
	RENAME,
	SYNC,
	CALLS
};
static const char *const calls[] = {"open",     "open again", "mkdir",
                                    "truncate", "allocate",   "write",
                                    "rename",   "sync"};
static _Atomic int failing = -1; /* enum call */
static _Atomic int with;

/* True, with errno: this call fails. */
static bool fails(enum call call)
{
	if (failing != (int)call)
		return false;
	errno = with;
	return true;
}

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...)
{
	mode_t mode = 0;
	if (flags & O_CREAT) {
		va_list ap;
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
		if (fails(OPEN))
			return -1;
	}
	if (!(flags & O_CREAT) && strncmp(name, "objects/", 8) == 0 &&
	    fails(AGAIN))
		return -1;
	return __real_openat(dir, name, flags, mode);
}
int __real_mkdirat(int dir, const char *name, mode_t mode);
int __wrap_mkdirat(int dir, const char *name, mode_t mode);
int __wrap_mkdirat(int dir, const char *name, mode_t mode)
{
	return fails(MKDIR) ? -1 : __real_mkdirat(dir, name, mode);
}
int __real_ftruncate(int fd, off_t n);
int __wrap_ftruncate(int fd, off_t n);
int __wrap_ftruncate(int fd, off_t n)
{
	return fails(TRUNCATE) ? -1 : __real_ftruncate(fd, n);
}
int __real_posix_fallocate(int fd, off_t at, off_t n);
int __wrap_posix_fallocate(int fd, off_t at, off_t n);
int __wrap_posix_fallocate(int fd, off_t at, off_t n)
{
	return fails(ALLOCATE) ? errno : __real_posix_fallocate(fd, at, n);
}
ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
	return fails(WRITE) ? -1 : __real_pwrite(fd, p, n, at);
}
int __real_renameat(int from, const char *a, int to, const char *b);
int __wrap_renameat(int from, const char *a, int to, const char *b);
int __wrap_renameat(int from, const char *a, int to, const char *b)
{
	return fails(RENAME) ? -1 : __real_renameat(from, a, to, b);
}
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	return fails(SYNC) ? -1 : __real_fsync(fd);
}

struct bench {
	char dir[64];
	uv_loop_t loop;
	struct gt_blobs *blobs;
	int status;
	char why[600];
	bool done;
};

static void done(void *arg, const struct gt_event *e)
{
	struct bench *b = arg;
	b->status = e->status;
	gt_format(b->why, sizeof b->why, "%.*s", (int)e->body.n,
	          e->body.n ? (const char *)e->body.p : "");
	b->done = true;
}

static void serve(void *arg, const struct gt_action *a, void *p, size_t n)
{
	(void)arg;
	(void)a;
	(void)n;
	free(p);
}

static int setup(void **state)
{
	const struct gt_blob_events events = {done, serve};
	struct bench *b = calloc(1, sizeof *b);
	char why[256];
	assert_non_null(b);
	strcpy(b->dir, "/tmp/guantong-errno-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	assert_int_equal(uv_loop_init(&b->loop), 0);
	assert_int_equal(gt_blobs_open(&b->blobs, &b->loop, b->dir, 0, &events,
	                               b, why, sizeof why),
	                 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char command[128];
	gt_blobs_close(b->blobs);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	gt_format(command, sizeof command, "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

/* What came of it; it fails there with that errno, or, -1, nowhere. */
static int run(struct bench *b, const struct gt_action *a, int call, int error)
{
	b->done = false;
	with = error;
	failing = call;
	assert_true(gt_blobs_submit(b->blobs, a));
	while (!b->done)
		uv_run(&b->loop, UV_RUN_ONCE);
	failing = -1;
	return b->status;
}

static const struct {
	int error, status;
} table[] = {
        {ENOSPC, -GT_ENOSPACE},  {EDQUOT, -GT_ENOSPACE}, {EFBIG, -GT_ENOSPACE},
        {ENOMEM, -GT_ENOMEM},    {EMFILE, -GT_ENOMEM},   {ENFILE, -GT_ENOMEM},
        {EISDIR, -GT_EIO},       {EACCES, -GT_EIO},      {ENOTDIR, -GT_EIO},
        {ELOOP, -GT_EIO},        {EPERM, -GT_EIO},       {EIO, -GT_EIO},
        {ENAMETOOLONG, -GT_EIO}, {EROFS, -GT_EIO},       {EBUSY, -GT_EIO},
        {ENXIO, -GT_EIO},        {ESTALE, -GT_EIO},      {ENODEV, -GT_EIO},
};
enum { ERRORS = sizeof table / sizeof *table };

static void when_a_frame_is_placed(void **state)
{
	struct bench *b = *state;
	const uint8_t bytes[100] = {7};
	for (int call = OPEN; call <= WRITE; call++)
		for (size_t i = 0; i < ERRORS; i++) {
			struct gt_action a = {.type = GT_ACT_PLACE,
			                      .total = sizeof bytes,
			                      .n = sizeof bytes,
			                      .payload = {bytes, sizeof bytes}};
			/* a folder and a file of its own */
			a.object.b[0] = (uint8_t)((size_t)call * 20 + i);
			a.object.b[1] = 1;
			gt_sha256_one(&a.id, bytes, sizeof bytes);
			int error = table[i].error, want = table[i].status;
			/* a file system that cannot: a sparse file must do */
			if (call == ALLOCATE && error == ENODEV)
				want = 0;
			int is = run(b, &a, call, error);
			if (is != want)
				print_error("%s, %s: %s\n", calls[call],
				            strerror(error), gt_errname(is));
			assert_int_equal(is, want);
			if (want == -GT_EIO && call != MKDIR)
				assert_non_null(
				        strstr(b->why, strerror(error)));
			if (want != 0)
				assert_memory_equal(b->why, "objects/", 8);
			assert_int_equal(run(b, &a, -1, 0), 0);
		}
}

/* As if it had been there before the node began. */
static void a_file(const struct bench *b, const struct gt_id *object)
{
	char hex[GT_HEX_ID], path[256], command[600];
	gt_id_hex(hex, object);
	gt_format(path, sizeof path, "%s/objects/%.2s", b->dir, hex);
	gt_format(command, sizeof command,
	          "mkdir -p %s && echo x >%s/%s.tar.zst", path, path, hex + 2);
	assert_int_equal(system(command), 0);
}

/* A sync that cannot open its file has asked nothing of the disk: short of
 * descriptors it is asked again; else the file counts for nothing. */
static void when_a_file_is_opened_to_be_synced(void **state)
{
	struct bench *b = *state;
	for (size_t i = 0; i < ERRORS; i++) {
		struct gt_action a = {.type = GT_ACT_SYNC};
		a.object.b[0] = (uint8_t)i;
		a_file(b, &a.object);
		assert_int_equal(run(b, &a, AGAIN, table[i].error),
		                 table[i].status == -GT_ENOMEM ? -GT_ENOMEM
		                                               : -GT_EUNKNOWN);
		assert_int_equal(run(b, &a, -1, 0), 0);
	}
}

/* What was staged is refused, or may be tried again; the disk's own failure of
 * a sync alone ends the node. */
static void when_a_file_is_adopted(void **state)
{
	struct bench *b = *state;
	struct pack k = {0};
	char path[128], why[256];
	pack_add(&k, "a.txt", "hello", 5);
	pack_make(&k, 3, 0);
	struct gt_action a = {.type = GT_ACT_ADOPT,
	                      .object = k.object,
	                      .payload = {k.manifest, k.manifest_n},
	                      .text = "one"};
	gt_blobs_staged_path(b->dir, "one", path, sizeof path);
	for (size_t i = 0; i <= ERRORS; i++) {
		bool last = i == ERRORS;
		int error = last ? 0 : table[i].error;
		int want = last ? 0 : table[i].status;
		assert_int_equal(gt_files_write(path, 0600, GT_FILES_OURS,
		                                gt_bytes_of(k.out, k.out_n),
		                                why, sizeof why),
		                 0);
		int is = run(b, &a, last ? -1 : RENAME, error);
		if (is != want)
			print_error("%s: %s\n", strerror(error),
			            gt_errname(is));
		assert_int_equal(is, want);
		if (!last)
			assert_non_null(strstr(b->why, strerror(error)));
	}
	pack_clear(&k);
}

/* A folder where its file belongs, when it is published: aside with it. */
static void when_a_folder_has_its_place(void **state)
{
	struct bench *b = *state;
	struct pack k = {0};
	char path[256], hex[GT_HEX_ID], command[600], why[256];
	pack_add(&k, "a.txt", "hello", 5);
	pack_make(&k, 3, 0);
	gt_id_hex(hex, &k.object);
	gt_format(path, sizeof path, "%s/objects/%.2s/%s.tar.zst", b->dir, hex,
	          hex + 2);
	gt_format(command, sizeof command, "mkdir -p %s/kept", path);
	assert_int_equal(system(command), 0);
	struct gt_action a = {.type = GT_ACT_ADOPT,
	                      .object = k.object,
	                      .payload = {k.manifest, k.manifest_n},
	                      .text = "one"};
	gt_blobs_staged_path(b->dir, "one", path, sizeof path);
	assert_int_equal(gt_files_write(path, 0600, GT_FILES_OURS,
	                                gt_bytes_of(k.out, k.out_n), why,
	                                sizeof why),
	                 0);
	assert_int_equal(run(b, &a, -1, 0), 0);
	gt_format(command, sizeof command,
	          "test -d %s/objects/%.2s/*.aside-*/kept", b->dir, hex);
	assert_int_equal(system(command), 0);
	int fd = gt_blobs_open_object(b->dir, &k.object);
	assert_true(fd >= 0);
	close(fd);
	pack_clear(&k);
}

/* A folder that has the name of what is to be published. */
static void when_what_is_staged_is_no_file(void **state)
{
	struct bench *b = *state;
	char path[128];
	struct pack k = {0};
	pack_add(&k, "a.txt", "hello", 5);
	pack_make(&k, 3, 0);
	struct gt_action a = {.type = GT_ACT_ADOPT,
	                      .payload = {k.manifest, k.manifest_n},
	                      .text = "folder"};
	gt_blobs_staged_path(b->dir, "folder", path, sizeof path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(run(b, &a, -1, 0), -GT_EINVALID);
	assert_string_equal(b->why, "it is no file");
	pack_clear(&k);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(when_a_frame_is_placed),
	        T(when_a_file_is_opened_to_be_synced),
	        T(when_a_file_is_adopted),
	        T(when_a_folder_has_its_place),
	        T(when_what_is_staged_is_no_file),
	};
	return cmocka_run_group_tests_name("blob_errno", tests, NULL, NULL);
}
