/* u_pack.c: members in, a file and its manifest out; what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nomem.h"
#include "unit/object_kit.h"

static int count_bytes(void *arg, const uint8_t *p, size_t n)
{
	uint64_t *sum = arg;
	assert_true(n <= GT_FRAME_STORED_MAX);
	(void)p;
	*sum += n;
	return 0;
}

/* A gibibyte of zeros is a small object, and opening a frame of it never
 * writes more than a frame. */
static void gibibyte_of_zeros(void **state)
{
	static const uint8_t zeros[1 << 20];
	uint64_t sum = 0, plain, stored;
	struct gt_packer *p = gt_packer_new(1, count_bytes, &sum);
	struct gt_bytes bytes;
	struct gt_manifest *m;
	struct gt_id id;
	char why[300];
	(void)state;
	assert_int_equal(gt_packer_file(p, "zeros", 1 << 30, NULL), 0);
	for (int i = 0; i < 1024; i++)
		assert_int_equal(gt_packer_write(p, zeros, sizeof zeros), 0);
	assert_int_equal(gt_packer_finish(p, &bytes, &id, &plain, &stored), 0);
	assert_int_equal(gt_manifest_new(&m, bytes, why, sizeof why), 0);
	assert_int_equal(stored, sum);
	assert_true(stored < 1 << 20);
	assert_int_equal(m->nframes, 4096 + 2);
	gt_manifest_free(m);
	gt_packer_free(p);
}

static void refused_members(void **state)
{
	static const struct {
		const char *first, *second, *say;
	} rows[] = {
	        {"a", "/etc/passwd", "member \"/etc/passwd\": the path is abs"},
	        {"a", "../x", "member \"../x\": the path has a \"..\""},
	        {"a", "a", "member \"a\": the path is there twice"},
	        {"b", "a", "member \"a\": out of order"},
	        {"a", "a/b", "member \"a/b\": it lies under a member that"},
	        {"a", "b\n", "member \"b\\x0a\": the path has a control"},
	};
	struct gt_bytes manifest;
	struct gt_id id;
	uint64_t plain, stored, sum = 0;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct gt_packer *p = gt_packer_new(3, count_bytes, &sum);
		assert_int_equal(gt_packer_file(p, rows[i].first, 0, NULL), 0);
		assert_int_equal(gt_packer_file(p, rows[i].second, 0, NULL),
		                 -GT_EINVALID);
		if (strncmp(gt_packer_why(p), rows[i].say,
		            strlen(rows[i].say)) != 0)
			fail_msg("row %zu: %s", i, gt_packer_why(p));
		/* it stays broken */
		assert_int_equal(gt_packer_file(p, "zz", 0, NULL),
		                 -GT_EINVALID);
		assert_int_equal(
		        gt_packer_finish(p, &manifest, &id, &plain, &stored),
		        -GT_EINVALID);
		gt_packer_free(p);
	}
	struct gt_packer *p = gt_packer_new(3, count_bytes, &sum);
	assert_int_equal(gt_packer_finish(p, &manifest, &id, &plain, &stored),
	                 -GT_EINVALID);
	gt_packer_free(p);
	p = gt_packer_new(3, count_bytes, &sum);
	assert_int_equal(gt_packer_file(p, "a", 3, NULL), 0);
	assert_int_equal(gt_packer_write(p, "ab", 2), 0);
	assert_int_equal(gt_packer_file(p, "b", 0, NULL), -GT_EINVALID);
	assert_non_null(strstr(gt_packer_why(p), "\"a\": it has fewer"));
	gt_packer_free(p);
	p = gt_packer_new(3, count_bytes, &sum);
	assert_int_equal(gt_packer_file(p, "a", 1, NULL), 0);
	assert_int_equal(gt_packer_file(p, "b", 0, NULL), -GT_EINVALID);
	gt_packer_free(p);
	p = gt_packer_new(3, count_bytes, &sum);
	assert_int_equal(gt_packer_file(p, "a", 1, NULL), 0);
	assert_int_equal(gt_packer_finish(p, &manifest, &id, &plain, &stored),
	                 -GT_EINVALID);
	gt_packer_free(p);
	p = gt_packer_new(3, count_bytes, &sum);
	assert_int_equal(gt_packer_file(p, "a", 3, NULL), 0);
	assert_int_equal(gt_packer_write(p, "abcd", 4), -GT_EINVALID);
	assert_non_null(strstr(gt_packer_why(p), "\"a\": it has more"));
	gt_packer_free(p);
}

/* What comes too late, too large or in no order of calls. */
static void refused_calls(void **state)
{
	const uint64_t most = (uint64_t)GT_MANIFEST_MAX * GT_FRAME_PLAIN_MAX;
	struct gt_bytes manifest;
	struct gt_id id;
	uint64_t plain, stored, sum = 0;
	(void)state;
	struct gt_packer *p = gt_packer_new(3, count_bytes, &sum);
	assert_int_equal(gt_packer_write(p, "", 0), 0);
	assert_int_equal(gt_packer_write(p, "a", 1), -GT_EINVALID);
	assert_string_equal(gt_packer_why(p),
	                    "it has more bytes than announced");
	gt_packer_free(p);

	p = gt_packer_new(3, count_bytes, &sum);
	assert_int_equal(gt_packer_file(p, "a", most + 1, NULL), -GT_ELIMIT);
	assert_string_equal(gt_packer_why(p), "member \"a\": too large");
	assert_int_equal(gt_packer_write(p, "a", 1), -GT_ELIMIT);
	gt_packer_free(p);
	p = gt_packer_new(3, count_bytes, &sum);
	assert_int_equal(gt_packer_file(p, "a", most, NULL), 0);
	assert_int_equal(gt_packer_finish(p, &manifest, &id, &plain, &stored),
	                 -GT_EINVALID);
	assert_string_equal(gt_packer_why(p),
	                    "member \"a\": it has fewer bytes than announced");
	gt_packer_free(p);

	p = gt_packer_new(3, count_bytes, &sum);
	assert_int_equal(gt_packer_file(p, "a", 0, "html"), -GT_EINVALID);
	assert_string_equal(gt_packer_why(p),
	                    "member \"a\": the media type is not one");
	gt_packer_free(p);

	for (int i = 0; i < 3; i++) {
		p = gt_packer_new(3, count_bytes, &sum);
		assert_int_equal(gt_packer_file(p, "a", 1, NULL), 0);
		assert_int_equal(gt_packer_write(p, "a", 1), 0);
		assert_int_equal(
		        gt_packer_finish(p, &manifest, &id, &plain, &stored),
		        0);
		assert_string_equal(gt_packer_why(p), "");
		int late = i == 0   ? gt_packer_file(p, "b", 0, NULL)
		           : i == 1 ? gt_packer_write(p, "b", 1)
		                    : gt_packer_finish(p, &manifest, &id,
		                                       &plain, &stored);
		assert_int_equal(late, -GT_ESTATE);
		assert_non_null(
		        strstr(gt_packer_why(p), "the package is closed"));
		gt_packer_free(p);
	}
}

/* Names alone make a manifest too large: it is refused, not written. */
static void too_many_names(void **state)
{
	char path[1001];
	uint64_t sum = 0;
	int status = 0;
	size_t n = 0;
	(void)state;
	struct gt_packer *p = gt_packer_new(1, count_bytes, &sum);
	memset(path, 'a', sizeof path);
	for (size_t i = 200; i < 1000; i += 200)
		path[i] = '/';
	for (; !status && n < 100000; n++) {
		gt_format(path + 993, 8, "%07zu", n);
		status = gt_packer_file(p, path, 0, NULL);
	}
	assert_int_equal(status, -GT_ELIMIT);
	/* each costs its name, its type and some twenty bytes */
	assert_in_range(n, GT_MANIFEST_MAX / 1070, GT_MANIFEST_MAX / 1030);
	assert_non_null(strstr(gt_packer_why(p), "too many files"));
	gt_packer_free(p);
}

struct broken {
	size_t after;
};

static int put_broken(void *arg, const uint8_t *p, size_t n)
{
	struct broken *b = arg;
	(void)p;
	(void)n;
	return b->after-- == 0 ? -GT_ENOSPACE : 0;
}

static void failing_output(void **state)
{
	static const uint8_t zeros[400000];
	(void)state;
	for (size_t after = 0; after < 5; after++) {
		struct broken b = {after};
		struct gt_packer *p = gt_packer_new(3, put_broken, &b);
		struct gt_bytes manifest;
		struct gt_id id;
		uint64_t plain, stored;
		int status = gt_packer_file(p, "a", sizeof zeros, NULL);
		if (!status)
			status = gt_packer_write(p, zeros, sizeof zeros);
		if (!status)
			status = gt_packer_finish(p, &manifest, &id, &plain,
			                          &stored);
		/* header, two of zeros, the end, the seek table */
		assert_int_equal(status, -GT_ENOSPACE);
		gt_packer_free(p);
	}
}

/* A high level is spent where it gains something and nowhere else. */
static void levels(void **state)
{
	enum { N = 500000 };
	uint8_t *bytes = malloc(N);
	uint64_t r = 3;
	(void)state;
	assert_non_null(bytes);
	for (int text = 0; text < 2; text++) {
		struct pack low, high;
		memset(&low, 0, sizeof low);
		memset(&high, 0, sizeof high);
		for (size_t i = 0; i < N; i++)
			bytes[i] = (uint8_t)kit_random(&r);
		/* of which a high level would gain a little */
		for (size_t at = 40000; !text && at + 5 < N; at += 60)
			memmove(bytes + at,
			        bytes + at - 1000 - kit_random(&r) % 30000, 5);
		/* phrases of 8 to 39 bytes, each many times */
		for (size_t at = 40000, n; text && at + 40 < N; at += n) {
			n = 8 + kit_random(&r) % 32;
			memmove(bytes + at, bytes + kit_random(&r) % 500 * 40,
			        n);
		}
		pack_add(&low, "m", bytes, N);
		pack_add(&high, "m", bytes, N);
		pack_make(&low, 1, 0);
		pack_make(&high, 12, 0);
		if (text) {
			assert_true(high.stored < low.stored);
		} else {
			struct gt_manifest *m = pack_manifest(&low);
			struct gt_manifest *n = pack_manifest(&high);
			/* all but the first and last frames: the headers */
			assert_int_equal(m->nframes, n->nframes);
			assert_true(m->nframes > 3);
			assert_memory_equal(m->ids + 32, n->ids + 32,
			                    32 * (m->nframes - 2));
			gt_manifest_free(m);
			gt_manifest_free(n);
		}
		pack_clear(&low);
		pack_clear(&high);
	}
	free(bytes);
}

/* Levels beyond the first and last are those. */
static void level_ends(void **state)
{
	static const int pairs[][2] = {{1, 0}, {1, -5}, {19, 20}, {19, 100}};
	struct pack p[2];
	static uint8_t bytes[20000];
	uint64_t r = 4;
	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = kit_letter(&r);
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		for (int k = 0; k < 2; k++) {
			memset(&p[k], 0, sizeof p[k]);
			pack_add(&p[k], "a", bytes, sizeof bytes);
			pack_make(&p[k], pairs[i][k], 0);
		}
		assert_int_equal(p[0].out_n, p[1].out_n);
		assert_memory_equal(p[0].out, p[1].out, p[0].out_n);
		pack_clear(&p[0]);
		pack_clear(&p[1]);
	}
}

/* Two frames and many small members, so that each list of the packer grows
 * more than once. */
static int pack_many(struct gt_packer *p, struct gt_bytes *manifest)
{
	enum { MANY = 60 };
	static const uint8_t zeros[GT_FRAME_PLAIN_MIN];
	struct gt_id id;
	uint64_t plain, stored;
	char path[MANY + 10];
	int status = gt_packer_file(p, "0", sizeof zeros, NULL);
	if (!status)
		status = gt_packer_write(p, zeros, sizeof zeros);
	for (unsigned i = 0; i < MANY && !status; i++) {
		gt_format(path, sizeof path, "%02u%0*d", i, 1 + (int)i, 0);
		status = gt_packer_file(p, path, i % 2, NULL);
		if (!status && i % 2)
			status = gt_packer_write(p, "x", 1);
	}
	return status ? status
	              : gt_packer_finish(p, manifest, &id, &plain, &stored);
}

static void no_memory_to_pack(void **state)
{
	uint64_t sum = 0;
	long held = nomem_held();
	(void)state;
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_bytes manifest;
		struct gt_packer *p = gt_packer_new(1, count_bytes, &sum);
		int status = p ? pack_many(p, &manifest) : -GT_ENOMEM;
		bool hit = nomem_hit();
		assert_int_equal(status, hit ? -GT_ENOMEM : 0);
		if (p && hit) {
			assert_non_null(
			        strstr(gt_packer_why(p), "out of memory"));
			/* it stays broken */
			assert_int_equal(gt_packer_file(p, "z", 0, NULL),
			                 -GT_ENOMEM);
		}
		gt_packer_free(p);
		assert_int_equal(nomem_held(), held);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(gibibyte_of_zeros),
	        cmocka_unit_test(refused_members),
	        cmocka_unit_test(refused_calls),
	        cmocka_unit_test(too_many_names),
	        cmocka_unit_test(failing_output),
	        cmocka_unit_test(levels),
	        cmocka_unit_test(level_ends),
	        cmocka_unit_test(no_memory_to_pack),
	};
	return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
