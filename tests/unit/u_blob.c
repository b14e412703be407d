/* u_blob.c: object files on a real disk, jobs on libuv's real pool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "blob.h"
#include "files.h"
#include "object.h"
#include "sys.h"

enum { EVENTS_MAX = 4096, SERVED_MAX = 64 };

/* What came back, in order. */
struct seen {
	struct gt_event v[EVENTS_MAX];
	char last_why[2048];
	size_t n;
	pthread_mutex_t lock; /* served: pool threads */
	uint8_t *served[SERVED_MAX];
	size_t served_n[SERVED_MAX];
	size_t nserved;
};

struct bench {
	char dir[64];
	uv_loop_t loop;
	struct gt_blobs *blobs;
	struct seen seen;
	bool mounted;
};

static void done(void *arg, const struct gt_event *e)
{
	struct seen *s = arg;
	assert_true(s->n < EVENTS_MAX);
	s->v[s->n] = *e;
	if (e->body.n) {
		assert_true(e->body.n < sizeof s->last_why);
		memcpy(s->last_why, e->body.p, e->body.n);
		s->last_why[e->body.n] = '\0';
	}
	s->n++;
}

static void serve(void *arg, const struct gt_action *a, void *p, size_t n)
{
	struct seen *s = arg;
	(void)a;
	pthread_mutex_lock(&s->lock);
	assert(s->nserved < SERVED_MAX);
	s->served[s->nserved] = p;
	s->served_n[s->nserved++] = n;
	pthread_mutex_unlock(&s->lock);
}

static void open_blobs(struct bench *b, uint64_t reserve)
{
	const struct gt_blob_events events = {done, serve};
	char why[256] = "";
	int rc = gt_blobs_open(&b->blobs, &b->loop, b->dir, reserve, &events,
	                       &b->seen, why, sizeof why);
	if (rc != 0)
		print_error("%s\n", why);
	assert_int_equal(rc, 0);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	strcpy(b->dir, "/tmp/guantong-blob-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	assert_int_equal(uv_loop_init(&b->loop), 0);
	assert_int_equal(pthread_mutex_init(&b->seen.lock, NULL), 0);
	open_blobs(b, 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char command[128];
	gt_blobs_close(b->blobs);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	for (size_t i = 0; i < b->seen.nserved; i++)
		free(b->seen.served[i]);
	pthread_mutex_destroy(&b->seen.lock);
	gt_format(command, sizeof command, "umount %s", b->dir);
	if (b->mounted)
		assert_int_equal(system(command), 0);
	gt_format(command, sizeof command, "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

static void submit(struct bench *b, const struct gt_action *a)
{
	assert_true(gt_blobs_submit(b->blobs, a));
}

/* Runs the loop until n events are there. */
static const struct gt_event *await(struct bench *b, size_t n)
{
	while (b->seen.n < n)
		uv_run(&b->loop, UV_RUN_ONCE);
	assert_int_equal(b->seen.n, n);
	return &b->seen.v[n - 1];
}

static struct gt_id an_object(uint8_t x)
{
	struct gt_id id;
	memset(id.b, x, sizeof id.b);
	return id;
}

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

/* A placement of bytes that are not a message's. */
static struct gt_action placement(const struct gt_id *object, uint32_t frame,
                                  uint64_t offset, uint64_t total,
                                  const uint8_t *p, size_t n)
{
	struct gt_action a = {.type = GT_ACT_PLACE,
	                      .object = *object,
	                      .frame = frame,
	                      .offset = offset,
	                      .total = total,
	                      .n = n,
	                      .payload = {p, n}};
	gt_sha256_one(&a.id, p, n);
	return a;
}

static void read_back(struct bench *b, const struct gt_id *object,
                      uint64_t offset, const uint8_t *p, size_t n)
{
	uint8_t *is = malloc(n);
	int fd = gt_blobs_open_object(b->dir, object);
	assert_non_null(is);
	assert_true(fd >= 0);
	assert_int_equal(gt_sys_pread(fd, is, n, offset), 0);
	assert_memory_equal(is, p, n);
	close(fd);
	free(is);
}

static void frames_in_any_order(void **state)
{
	enum { FRAMES = 100, SIZE = 1000 };
	struct bench *b = *state;
	struct gt_id object = an_object(0x3c);
	static uint8_t bytes[FRAMES * SIZE];
	struct stat st;
	fill(bytes, sizeof bytes, 1);
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint32_t f = i * 37 % FRAMES;
		struct gt_action a =
		        placement(&object, f, (uint64_t)f * SIZE, sizeof bytes,
		                  bytes + (size_t)f * SIZE, SIZE);
		submit(b, &a);
	}
	submit(b, &(struct gt_action){.type = GT_ACT_SYNC, .object = object});
	/* the sync comes last, though it was not waited for */
	const struct gt_event *e = await(b, FRAMES + 1);
	assert_int_equal(e->type, GT_EV_SYNCED);
	assert_int_equal(e->status, 0);
	for (size_t i = 0; i < FRAMES; i++) {
		assert_int_equal(b->seen.v[i].type, GT_EV_PLACED);
		assert_int_equal(b->seen.v[i].status, 0);
	}
	read_back(b, &object, 0, bytes, sizeof bytes);
	int fd = gt_blobs_open_object(b->dir, &object);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, sizeof bytes);
	close(fd);
}

static void damaged_bytes_are_refused(void **state)
{
	struct bench *b = *state;
	struct gt_id object = an_object(1);
	uint8_t bytes[100];
	fill(bytes, sizeof bytes, 2);
	struct gt_action a =
	        placement(&object, 7, 0, sizeof bytes, bytes, sizeof bytes);
	a.id.b[31] ^= 1;
	submit(b, &a);
	const struct gt_event *e = await(b, 1);
	assert_int_equal(e->type, GT_EV_PLACED);
	assert_int_equal(e->status, -GT_EDAMAGED);
	assert_int_equal(e->frame, 7);
	assert_true(gt_id_eq(&e->object, &object));
	assert_int_equal(gt_blobs_open_object(b->dir, &object), -GT_EUNKNOWN);
	/* right bytes, wrong length */
	a.id.b[31] ^= 1;
	a.n--;
	submit(b, &a);
	assert_int_equal(await(b, 2)->status, -GT_EDAMAGED);
	/* beyond the end of the object */
	a.n++;
	a.offset = 1;
	submit(b, &a);
	assert_int_equal(await(b, 3)->status, -GT_EDAMAGED);
}

static void serving(void **state)
{
	struct bench *b = *state;
	struct gt_id object = an_object(2);
	uint8_t bytes[300];
	fill(bytes, sizeof bytes, 3);
	struct gt_action a =
	        placement(&object, 0, 0, sizeof bytes, bytes, sizeof bytes);
	submit(b, &a);
	/* asked for at once: served from the file as soon as it is there or
	 * refused, but never other bytes */
	await(b, 1);
	struct gt_action s = {.type = GT_ACT_SERVE,
	                      .object = object,
	                      .frame = 5,
	                      .peer = 9,
	                      .token = 77,
	                      .offset = 100,
	                      .n = 50,
	                      .check = true};
	gt_sha256_one(&s.id, bytes + 100, 50);
	submit(b, &s);
	/* a job behind it on the same object tells when it is done */
	submit(b, &(struct gt_action){.type = GT_ACT_SYNC, .object = object});
	submit(b, &(struct gt_action){.type = GT_ACT_REMOVE, .object = object});
	s.check = false;
	submit(b, &s); /* removed before: nothing to serve */
	const struct gt_event *e = await(b, 3);
	assert_int_equal(b->seen.nserved, 1);
	assert_int_equal(b->seen.served_n[0], 50);
	assert_memory_equal(b->seen.served[0], bytes + 100, 50);
	assert_int_equal(e->type, GT_EV_FAULT);
	assert_int_equal(e->status, -GT_EUNKNOWN);
	assert_int_equal(e->frame, 5);
	assert_int_equal(e->peer, 9);
	assert_int_equal(e->token, 77);
}

static void rot_is_found_when_asked(void **state)
{
	struct bench *b = *state;
	struct gt_id object = an_object(2);
	uint8_t bytes[300];
	char path[256], hex[GT_HEX_ID];
	fill(bytes, sizeof bytes, 4);
	struct gt_action a =
	        placement(&object, 0, 0, sizeof bytes, bytes, sizeof bytes);
	submit(b, &a);
	await(b, 1);
	gt_hex(hex, object.b, 32);
	gt_format(path, sizeof path, "%s/objects/02/%s.tar.zst", b->dir,
	          hex + 2);
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, 10), 1);
	close(fd);
	struct gt_action s = {.type = GT_ACT_SERVE,
	                      .object = object,
	                      .n = sizeof bytes,
	                      .check = true,
	                      .id = a.id};
	submit(b, &s);
	const struct gt_event *e = await(b, 2);
	assert_int_equal(e->type, GT_EV_FAULT);
	assert_int_equal(e->status, -GT_EDAMAGED);
	assert_int_equal(b->seen.nserved, 0);
}

/* ------------------------------------------------- files that go */

static void object_path(const struct bench *b, const struct gt_id *object,
                        char out[256])
{
	char hex[GT_HEX_ID];
	gt_id_hex(hex, object);
	gt_format(out, 256, "%s/objects/%.2s/%s.tar.zst", b->dir, hex, hex + 2);
}

/* Puts the object in place and makes it durable. */
static void put_object(struct bench *b, const struct gt_action *a)
{
	size_t n = b->seen.n;
	submit(b, a);
	submit(b,
	       &(struct gt_action){.type = GT_ACT_SYNC, .object = a->object});
	assert_int_equal(await(b, n + 2)->status, 0);
}

/* Its descriptor is still open: what is read from there is nobody's. */
static void a_file_removed_while_it_was_open(void **state)
{
	struct bench *b = *state;
	struct gt_id object = an_object(3);
	uint8_t bytes[300];
	char path[256];
	struct stat st;
	fill(bytes, sizeof bytes, 5);
	struct gt_action a =
	        placement(&object, 0, 0, sizeof bytes, bytes, sizeof bytes);
	put_object(b, &a);
	object_path(b, &object, path);
	assert_int_equal(unlink(path), 0);
	submit(b, &(struct gt_action){.type = GT_ACT_SERVE,
	                              .object = object,
	                              .n = sizeof bytes});
	const struct gt_event *e = await(b, 3);
	assert_int_equal(e->type, GT_EV_FAULT);
	assert_int_equal(e->status, -GT_EUNKNOWN);
	assert_int_equal(b->seen.nserved, 0);
	submit(b, &(struct gt_action){.type = GT_ACT_CHECK, .object = object});
	assert_int_equal(await(b, 4)->status, -GT_EDAMAGED);
	assert_string_equal(b->seen.last_why, "the file is gone");
	/* what is placed from now on is in a file that has the name */
	put_object(b, &a);
	assert_int_equal(stat(path, &st), 0);
	read_back(b, &object, 0, bytes, sizeof bytes);
}

/* Half of it was there, and is not believed any more. */
static void a_file_removed_before_its_sync(void **state)
{
	struct bench *b = *state;
	struct gt_id object = an_object(4);
	uint8_t bytes[300];
	char path[256];
	fill(bytes, sizeof bytes, 6);
	struct gt_action a = placement(&object, 0, 0, 300, bytes, 150);
	struct gt_action z = placement(&object, 1, 150, 300, bytes + 150, 150);
	submit(b, &a);
	await(b, 1);
	object_path(b, &object, path);
	assert_int_equal(unlink(path), 0);
	submit(b, &z);
	submit(b, &(struct gt_action){.type = GT_ACT_SYNC, .object = object});
	assert_int_equal(await(b, 3)->status, -GT_EUNKNOWN);
	submit(b, &a);
	submit(b, &(struct gt_action){.type = GT_ACT_SYNC, .object = object});
	assert_int_equal(await(b, 5)->status, 0);
	/* there is none at all */
	assert_int_equal(unlink(path), 0);
	submit(b, &(struct gt_action){.type = GT_ACT_SYNC, .object = object});
	assert_int_equal(await(b, 6)->status, -GT_EUNKNOWN);
}

/* What cannot be opened as the object's file makes way for one that can. */
static void what_has_the_name_and_is_no_file(void **state)
{
	struct bench *b = *state;
	struct gt_id object = an_object(7);
	uint8_t bytes[300];
	char path[256];
	struct stat st;
	fill(bytes, sizeof bytes, 7);
	struct gt_action a =
	        placement(&object, 0, 0, sizeof bytes, bytes, sizeof bytes);
	put_object(b, &a);
	object_path(b, &object, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_int_equal(gt_blobs_open_object(b->dir, &object), -GT_EUNKNOWN);
	gt_blobs_close(b->blobs);
	open_blobs(b, 0);
	put_object(b, &a);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	read_back(b, &object, 0, bytes, sizeof bytes);
}

static void copy_between_objects(void **state)
{
	struct bench *b = *state;
	struct gt_id from = an_object(5), to = an_object(6);
	uint8_t bytes[400];
	fill(bytes, sizeof bytes, 5);
	struct gt_action a =
	        placement(&from, 0, 0, sizeof bytes, bytes, sizeof bytes);
	submit(b, &a);
	await(b, 1);
	struct gt_action c = {.type = GT_ACT_COPY,
	                      .object = to,
	                      .from = from,
	                      .from_offset = 200,
	                      .offset = 10,
	                      .total = 500,
	                      .n = 100};
	gt_sha256_one(&c.id, bytes + 200, 100);
	submit(b, &c);
	assert_int_equal(await(b, 2)->status, 0);
	read_back(b, &to, 10, bytes + 200, 100);
	c.from = an_object(7); /* is not there */
	submit(b, &c);
	assert_int_equal(await(b, 3)->status, -GT_EDAMAGED);
	c.from = from;
	c.from_offset = 350; /* runs over the end */
	submit(b, &c);
	assert_int_equal(await(b, 4)->status, -GT_EDAMAGED);
}

/* Many objects, each removed and placed again at once: the order of jobs of
 * one object is kept, so that each ends with its second bytes. */
static void order_within_an_object(void **state)
{
	enum { SIZE = 5000 };
	const uint8_t objects = 100;
	struct bench *b = *state;
	static uint8_t first[SIZE], second[SIZE];
	fill(first, SIZE, 6);
	fill(second, SIZE, 7);
	for (uint8_t i = 0; i < objects; i++) {
		struct gt_id object = an_object(i);
		struct gt_action p =
		        placement(&object, 0, 0, SIZE, first, SIZE);
		submit(b, &p);
		submit(b, &(struct gt_action){.type = GT_ACT_REMOVE,
		                              .object = object});
		p = placement(&object, 1, 0, SIZE, second, SIZE);
		submit(b, &p);
		submit(b, &(struct gt_action){.type = GT_ACT_SYNC,
		                              .object = object});
	}
	await(b, (size_t)3 * objects);
	for (uint8_t i = 0; i < objects; i++) {
		struct gt_id object = an_object(i);
		read_back(b, &object, 0, second, SIZE);
	}
	for (size_t i = 0; i < b->seen.n; i++)
		assert_int_equal(b->seen.v[i].status, 0);
}

/* ---------------------------------------------------- whole objects */

struct packed {
	uint8_t *p;
	size_t n;
	struct gt_packer *packer;
	struct gt_bytes manifest;
	struct gt_id object;
};

static int pack_put(void *arg, const uint8_t *p, size_t n)
{
	struct packed *k = arg;
	uint8_t *more = realloc(k->p, k->n + n);
	assert_non_null(more);
	memcpy(more + k->n, p, n);
	k->p = more;
	k->n += n;
	return 0;
}

static void pack(struct packed *k)
{
	static uint8_t big[300000];
	uint64_t plain, stored;
	*k = (struct packed){0};
	fill(big, sizeof big, 8);
	k->packer = gt_packer_new(3, pack_put, k);
	assert_non_null(k->packer);
	assert_int_equal(gt_packer_file(k->packer, "a.txt", 5, NULL), 0);
	assert_int_equal(gt_packer_write(k->packer, "hello", 5), 0);
	assert_int_equal(
	        gt_packer_file(k->packer, "video.mp4", sizeof big, NULL), 0);
	assert_int_equal(gt_packer_write(k->packer, big, sizeof big), 0);
	assert_int_equal(gt_packer_finish(k->packer, &k->manifest, &k->object,
	                                  &plain, &stored),
	                 0);
	assert_int_equal(stored, k->n);
}

static void unpack(struct packed *k)
{
	gt_packer_free(k->packer);
	free(k->p);
}

static void stage(struct bench *b, const char *name, const uint8_t *p, size_t n)
{
	char path[256], why[512];
	gt_blobs_staged_path(b->dir, name, path, sizeof path);
	assert_int_equal(gt_files_write(path, 0600, GT_FILES_OURS,
	                                gt_bytes_of(p, n), why, sizeof why),
	                 0);
}

static bool staged(struct bench *b, const char *name)
{
	char path[256];
	gt_blobs_staged_path(b->dir, name, path, sizeof path);
	return access(path, F_OK) == 0;
}

static struct gt_action adoption(const struct packed *k, const char *name)
{
	return (struct gt_action){.type = GT_ACT_ADOPT,
	                          .object = k->object,
	                          .payload = k->manifest,
	                          .text = name};
}

static void adopt_and_check(void **state)
{
	struct bench *b = *state;
	struct packed k;
	pack(&k);
	stage(b, "one", k.p, k.n);
	struct gt_action a = adoption(&k, "one");
	submit(b, &a);
	a.type = GT_ACT_CHECK;
	a.check = true;
	submit(b, &a);
	const struct gt_event *e = await(b, 2);
	assert_int_equal(b->seen.v[0].type, GT_EV_ADOPTED);
	assert_int_equal(b->seen.v[0].status, 0);
	assert_int_equal(e->type, GT_EV_CHECKED);
	assert_int_equal(e->status, 0);
	assert_false(staged(b, "one"));
	read_back(b, &k.object, 0, k.p, k.n);
	unpack(&k);
}

static void corrupt_staged_is_refused_by_name(void **state)
{
	struct bench *b = *state;
	struct packed k;
	pack(&k);
	uint8_t *damaged = malloc(k.n);
	assert_non_null(damaged);
	memcpy(damaged, k.p, k.n);
	damaged[k.n / 2] ^= 0x40; /* within the video */
	stage(b, "bad", damaged, k.n);
	struct gt_action a = adoption(&k, "bad");
	submit(b, &a);
	const struct gt_event *e = await(b, 1);
	assert_int_equal(e->type, GT_EV_ADOPTED);
	assert_int_equal(e->status, -GT_EDAMAGED);
	assert_non_null(strstr(b->seen.last_why, "video.mp4"));
	assert_false(staged(b, "bad"));
	assert_int_equal(gt_blobs_open_object(b->dir, &k.object), -GT_EUNKNOWN);
	/* cut short, and with something behind its end */
	stage(b, "short", k.p, k.n - 1);
	a = adoption(&k, "short");
	submit(b, &a);
	assert_int_equal(await(b, 2)->status, -GT_EDAMAGED);
	free(damaged);
	unpack(&k);
}

static void hostile_staged_names(void **state)
{
	static const char *const names[] = {
	        "", "..", "../guantong.yaml", "a/b", ".hidden", "link", "none"};
	struct bench *b = *state;
	struct packed k;
	char path[256];
	pack(&k);
	gt_blobs_staged_path(b->dir, "link", path, sizeof path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct gt_action a = adoption(&k, names[i]);
		submit(b, &a);
		assert_int_equal(await(b, i + 1)->status, -GT_EINVALID);
	}
	unpack(&k);
}

static void an_object_placed_piece_by_piece(void **state)
{
	struct bench *b = *state;
	struct packed k;
	struct gt_manifest *m;
	char why[256];
	pack(&k);
	assert_int_equal(gt_manifest_new(&m, k.manifest, why, sizeof why), 0);
	for (uint32_t f = 0; f < m->nframes; f++) {
		struct gt_action a =
		        placement(&k.object, f, m->stored_at[f], m->file_size,
		                  k.p + m->stored_at[f], m->stored[f]);
		assert_memory_equal(a.id.b, m->ids + (size_t)32 * f, 32);
		submit(b, &a);
	}
	uint64_t end = m->stored_at[m->nframes];
	size_t ntail = (size_t)(m->file_size - end);
	uint8_t *tail = malloc(ntail);
	assert_non_null(tail);
	gt_manifest_tail(m, tail);
	submit(b, &(struct gt_action){.type = GT_ACT_TAIL,
	                              .object = k.object,
	                              .offset = end,
	                              .total = m->file_size,
	                              .payload = {tail, ntail}});
	submit(b, &(struct gt_action){.type = GT_ACT_SYNC, .object = k.object});
	submit(b, &(struct gt_action){.type = GT_ACT_CHECK,
	                              .object = k.object,
	                              .payload = k.manifest});
	const struct gt_event *e = await(b, m->nframes + 3u);
	assert_int_equal(e->type, GT_EV_CHECKED);
	assert_int_equal(e->status, 0);
	read_back(b, &k.object, 0, k.p, k.n);
	free(tail);
	gt_manifest_free(m);
	unpack(&k);
}

/* -------------------------------------------------------- full disk */

static void a_reserve_is_kept(void **state)
{
	struct bench *b = *state;
	struct gt_id object = an_object(9);
	uint8_t bytes[10] = {0};
	gt_blobs_close(b->blobs);
	open_blobs(b, UINT64_MAX / 2);
	struct gt_action a = placement(&object, 0, 0, 10, bytes, 10);
	submit(b, &a);
	assert_int_equal(await(b, 1)->status, -GT_ENOSPACE);
	/* it took nothing */
	assert_int_equal(gt_blobs_open_object(b->dir, &object), -GT_EUNKNOWN);
	gt_blobs_close(b->blobs);
	open_blobs(b, 0);
	submit(b, &a);
	assert_int_equal(await(b, 2)->status, 0);
}

static void a_full_disk_and_room_again(void **state)
{
	struct bench *b = *state;
	struct gt_id big = an_object(10), small = an_object(11);
	static uint8_t bytes[4096];
	char command[160];
	gt_blobs_close(b->blobs);
	gt_format(command, sizeof command,
	          "mount -t tmpfs -o size=2m none %s 2>/dev/null", b->dir);
	if (geteuid() != 0 || system(command) != 0) {
		open_blobs(b, 0);
		print_message("no right to mount a small disk: skipped\n");
		skip();
	}
	b->mounted = true;
	open_blobs(b, 0);
	struct gt_action a =
	        placement(&big, 0, 0, 3 << 20, bytes, sizeof bytes);
	submit(b, &a);
	assert_int_equal(await(b, 1)->status, -GT_ENOSPACE);
	assert_int_equal(gt_blobs_open_object(b->dir, &big), -GT_EUNKNOWN);
	a = placement(&small, 0, 0, 1 << 20, bytes, sizeof bytes);
	submit(b, &a);
	assert_int_equal(await(b, 2)->status, 0);
	a = placement(&big, 0, 0, 3 << 19, bytes, sizeof bytes);
	submit(b, &a);
	assert_int_equal(await(b, 3)->status, -GT_ENOSPACE);
	submit(b, &(struct gt_action){.type = GT_ACT_REMOVE, .object = small});
	submit(b, &(struct gt_action){.type = GT_ACT_SYNC, .object = small});
	await(b, 4);
	submit(b, &a);
	assert_int_equal(await(b, 5)->status, 0);
}

static void a_file_over_its_limit(void **state)
{
	struct bench *b = *state;
	struct gt_id object = an_object(12);
	static uint8_t bytes[4096];
	struct rlimit was, less;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	less = was;
	less.rlim_cur = 64 << 10;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
	struct gt_action a =
	        placement(&object, 0, 0, 1 << 20, bytes, sizeof bytes);
	submit(b, &a);
	assert_int_equal(await(b, 1)->status, -GT_ENOSPACE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	submit(b, &a);
	assert_int_equal(await(b, 2)->status, 0);
}

static void more_objects_than_descriptors(void **state)
{
	struct bench *b = *state;
	uint8_t bytes[64];
	fill(bytes, sizeof bytes, 9);
	for (uint8_t i = 0; i < 100; i++) {
		struct gt_id object = an_object(i);
		struct gt_action a = placement(&object, 0, 0, sizeof bytes,
		                               bytes, sizeof bytes);
		submit(b, &a);
	}
	await(b, 100);
	for (uint8_t i = 0; i < 100; i++)
		submit(b, &(struct gt_action){.type = GT_ACT_SYNC,
		                              .object = an_object(i)});
	await(b, 200);
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(b->seen.v[i].status, 0);
}

static void old_staged_files_go(void **state)
{
	struct bench *b = *state;
	char path[256];
	struct timespec old[2] = {{time(NULL) - 7200, 0},
	                          {time(NULL) - 7200, 0}};
	stage(b, "old", (const uint8_t *)"x", 1);
	stage(b, "young", (const uint8_t *)"x", 1);
	gt_blobs_staged_path(b->dir, "old", path, sizeof path);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	gt_blobs_close(b->blobs);
	open_blobs(b, 0);
	assert_false(staged(b, "old"));
	assert_true(staged(b, "young"));
}

/* As long as he lives who made it, or somebody adopts it. */
static void a_staged_file_that_is_held_stays(void **state)
{
	struct bench *b = *state;
	char path[256];
	struct timespec old[2] = {{time(NULL) - 7200, 0},
	                          {time(NULL) - 7200, 0}};
	stage(b, "held", (const uint8_t *)"x", 1);
	gt_blobs_staged_path(b->dir, "held", path, sizeof path);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	gt_blobs_close(b->blobs);
	open_blobs(b, 0);
	assert_true(staged(b, "held"));
	close(fd);
	gt_blobs_close(b->blobs);
	open_blobs(b, 0);
	assert_false(staged(b, "held"));
}

static void closing_with_work_under_way(void **state)
{
	struct bench *b = *state;
	static uint8_t bytes[1 << 16];
	struct gt_id object = an_object(13);
	for (uint32_t i = 0; i < 64; i++) {
		struct gt_action a = placement(&object, i, (uint64_t)i << 16,
		                               64 << 16, bytes, sizeof bytes);
		submit(b, &a);
		submit(b, &(struct gt_action){.type = GT_ACT_SYNC,
		                              .object = object});
	}
	while (b->seen.n == 0)
		uv_run(&b->loop, UV_RUN_ONCE);
	gt_blobs_close(b->blobs);
	size_t n = b->seen.n;
	open_blobs(b, 0);
	uv_run(&b->loop, UV_RUN_NOWAIT);
	assert_int_equal(b->seen.n, n);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(frames_in_any_order),
	        T(damaged_bytes_are_refused),
	        T(serving),
	        T(rot_is_found_when_asked),
	        T(a_file_removed_while_it_was_open),
	        T(a_file_removed_before_its_sync),
	        T(what_has_the_name_and_is_no_file),
	        T(copy_between_objects),
	        T(order_within_an_object),
	        T(adopt_and_check),
	        T(corrupt_staged_is_refused_by_name),
	        T(hostile_staged_names),
	        T(an_object_placed_piece_by_piece),
	        T(a_reserve_is_kept),
	        T(a_full_disk_and_room_again),
	        T(a_file_over_its_limit),
	        T(more_objects_than_descriptors),
	        T(old_staged_files_go),
	        T(a_staged_file_that_is_held_stays),
	        T(closing_with_work_under_way),
	};
	return cmocka_run_group_tests_name("blob", tests, NULL, NULL);
}
