/* u_object.c: whole objects: made, read, opened by stock tools, made again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tar.h"
#include "unit/object_kit.h"

/* ------------------------------------------------------- round trip */

/* Members by the naive model: the manifest's numbers against the bytes. */
static void assert_same(const struct pack *p, const struct gt_manifest *m)
{
	uint8_t *plain = inflate_all(p, m);
	assert_int_equal(m->nfiles, p->n);
	for (uint32_t i = 0; i < m->nfiles; i++) {
		assert_string_equal(m->files[i].path, p->members[i].path);
		assert_int_equal(m->files[i].size, p->members[i].n);
		if (p->members[i].n > 0)
			assert_memory_equal(plain + m->files[i].offset,
			                    p->members[i].p, p->members[i].n);
		assert_int_equal(gt_manifest_find(m, m->files[i].path), i);
	}
	free(plain);
}

static void random_packages(void **state)
{
	char why[300];
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct pack p, again;
		struct gt_manifest *m;
		pack_random(&p, seed, 3, 0);
		pack_random(&again, seed, 3, seed + 1);
		if (!gt_id_eq(&p.object, &again.object) ||
		    !gt_bytes_eq(gt_bytes_of(p.out, p.out_n),
		                 gt_bytes_of(again.out, again.out_n)))
			fail_msg("seed %d: two packings differ", (int)seed);
		m = pack_manifest(&p);
		assert_int_equal(m->file_size, p.out_n);
		assert_int_equal(m->file_size, p.stored);
		assert_int_equal(m->plain_at[m->nframes], p.plain);
		assert_int_equal(
		        gt_object_check(m, true, read_pack, &p, why, 300), 0);
		assert_int_equal(
		        gt_object_check(m, false, read_pack, &p, why, 300), 0);
		assert_same(&p, m);
		gt_manifest_free(m);
		pack_clear(&p);
		pack_clear(&again);
	}
}

/* Every frame holds the plain bytes its numbers say, and members of
 * GT_FRAME_PLAIN_MIN and more begin and end with a frame. */
static void ranges(void **state)
{
	struct pack p;
	struct gt_manifest *m;
	(void)state;
	pack_random(&p, 7, 5, 0);
	m = pack_manifest(&p);
	for (uint32_t i = 0; i < m->nframes; i++) {
		assert_int_equal(gt_manifest_frame_at(m, m->plain_at[i]), i);
		assert_int_equal(
		        gt_manifest_frame_at(m, m->plain_at[i + 1] - 1), i);
	}
	for (uint32_t i = 0; i < m->nfiles; i++) {
		const struct gt_file *f = &m->files[i];
		if (f->size < GT_FRAME_PLAIN_MIN)
			continue;
		uint32_t a = gt_manifest_frame_at(m, f->offset);
		uint32_t b = gt_manifest_frame_at(m, f->offset + f->size);
		assert_int_equal(m->plain_at[a], f->offset);
		assert_int_equal(m->plain_at[b], f->offset + f->size);
	}
	gt_manifest_free(m);
	pack_clear(&p);
}

/* Bytes put in near the front leave the frames behind them alone. */
static void edits_are_local(void **state)
{
	enum { N = 8 << 20, MORE = 37 };
	uint8_t *bytes = malloc(N + MORE);
	struct pack a, b;
	uint64_t r = 9;
	uint32_t kept = 0;
	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < N + MORE; i++)
		bytes[i] = (uint8_t)kit_random(&r);
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	pack_add(&a, "v", bytes + MORE, N);
	pack_add(&b, "v", bytes, N + MORE);
	pack_make(&a, 1, 0);
	pack_make(&b, 1, 0);
	struct gt_manifest *m = pack_manifest(&a), *n = pack_manifest(&b);
	for (uint32_t i = 0; i < m->nframes; i++)
		for (uint32_t j = 0; j < n->nframes; j++)
			if (!memcmp(m->ids + 32 * (size_t)i,
			            n->ids + 32 * (size_t)j, 32)) {
				kept++;
				break;
			}
	assert_true(m->nframes > 40);
	if (kept + 6 < m->nframes)
		fail_msg("%u of %u frames kept", kept, m->nframes);
	gt_manifest_free(m);
	gt_manifest_free(n);
	pack_clear(&a);
	pack_clear(&b);
	free(bytes);
}

/* ------------------------------------------------------ stock tools */

static void run(const char *command)
{
	int status = system(command);
	if (status != 0)
		fail_msg("%s: status %d", command, status);
}

static void write_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void assert_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *got = malloc(n + 1);
	if (!f)
		fail_msg("%s is not there", path);
	assert_non_null(got);
	assert_int_equal(fread(got, 1, n + 1, f), n);
	assert_memory_equal(got, p, n);
	fclose(f);
	free(got);
}

/* A path of n bytes, "ddd.../ddd.../..." of full components. */
static void path_of(char *out, size_t n, char c)
{
	memset(out, c, n);
	for (size_t i = 90; i + 1 < n; i += 90)
		out[i] = '/';
	out[n] = '\0';
}

static void stock_tools(void **state)
{
	static const size_t lengths[] = {99,  100, 101, 154, 155,  156,
	                                 191, 255, 256, 257, 1000, 1024};
	char dir[] = "/tmp/gt-object-XXXXXX", path[4096], command[4096];
	uint8_t *big = malloc(3000000);
	uint64_t r = 42;
	struct pack p;
	(void)state;
	memset(&p, 0, sizeof p);
	assert_non_null(big);
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < 3000000; i++)
		big[i] = (uint8_t)(kit_random(&r) % 7 ? 'a' : kit_random(&r));
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		path_of(path, lengths[i], (char)('a' + i));
		pack_add(&p, path, big, 100 * i);
	}
	pack_add(&p, "video/第一讲 认识手机.mp4", big, 3000000);
	pack_add(&p, "video/空文件", "", 0);
	pack_add(&p, "~ with 'quotes' and spaces", "x\n", 2);
	pack_add(&p, "课程/乡村振兴/讲义.html", "<p>你好</p>", 13);
	qsort(p.members, p.n, sizeof *p.members, kit_order);
	pack_make(&p, 3, 0);

	gt_format(path, sizeof path, "%s/o.tar.zst", dir);
	write_file(path, p.out, p.out_n);
	gt_format(command, sizeof command,
	          "cd %s && zstd -dqc o.tar.zst > o.tar && mkdir a b && "
	          "tar -xf o.tar -C a && tar --zstd -xf o.tar.zst -C b && "
	          "diff -r a b && zstd -dqc o.tar.zst | "
	          "LC_ALL=C.UTF-8 tar --quoting-style=literal -tf - > list",
	          dir);
	run(command);
	char *list = calloc(1, 65536), *at = list;
	assert_non_null(list);
	for (size_t i = 0; i < p.n; i++) {
		at += strlen(strcpy(at, p.members[i].path));
		*at++ = '\n';
		gt_format(path, sizeof path, "%s/a/%s", dir, p.members[i].path);
		assert_file(path, p.members[i].p, p.members[i].n);
	}
	gt_format(path, sizeof path, "%s/list", dir);
	assert_file(path, list, strlen(list));
	gt_format(command, sizeof command, "rm -rf %s", dir);
	run(command);
	free(list);
	free(big);
	pack_clear(&p);
}

/* A size ustar cannot say: tar lists it from the header alone, then complains
 * that the bytes are missing. */
static void eight_gigabytes(void **state)
{
	char dir[] = "/tmp/gt-object-XXXXXX", path[64], command[200];
	char line[300] = "";
	uint8_t head[GT_TAR_HEAD_MAX];
	(void)state;
	assert_int_equal(gt_tar_head(head, "a", (UINT64_C(1) << 33) - 1), 512);
	size_t n = gt_tar_head(head, "a", UINT64_C(1) << 33);
	assert_int_equal(n, 512 * 3);
	assert_non_null(mkdtemp(dir));
	gt_format(path, sizeof path, "%s/t", dir);
	write_file(path, head, n);
	gt_format(command, sizeof command,
	          "LC_ALL=C tar -tvf %s 2>/dev/null; rm -r %s", path, dir);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	pclose(f);
	if (!strstr(line, " 8589934592 1970-01-01"))
		fail_msg("tar says %s", line);
}

/* What the members take of the manifest at the least is never more than it
 * is. */
static void least_of_a_manifest(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct pack k;
		uint64_t least = 0;
		pack_random(&k, seed, 1, 0);
		for (size_t i = 0; i < k.n; i++)
			least += gt_packer_least(k.members[i].path,
			                         k.members[i].n);
		assert_true(least <= k.manifest_n);
		assert_true(least + 200 + 60 * k.n > k.manifest_n);
		pack_clear(&k);
	}
	assert_true(gt_packer_least("a", UINT64_MAX) > GT_MANIFEST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(least_of_a_manifest),
	        cmocka_unit_test(random_packages),
	        cmocka_unit_test(ranges),
	        cmocka_unit_test(edits_are_local),
	        cmocka_unit_test(stock_tools),
	        cmocka_unit_test(eight_gigabytes),
	};
	return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
