/* object_kit.h: packages in memory, for the tests of objects. Header only; a
 * test uses what it needs. Every failure aborts by assertion. */
#ifndef GT_OBJECT_KIT_H
#define GT_OBJECT_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

enum { KIT_MEMBERS = 64 };

struct member {
	char *path;
	uint8_t *p;
	size_t n;
};

struct pack {
	struct member members[KIT_MEMBERS];
	size_t n;
	uint8_t *out; /* the object file */
	size_t out_n, out_cap;
	uint8_t *manifest;
	size_t manifest_n;
	struct gt_id object;
	uint64_t plain, stored;
};

__attribute__((unused)) static uint64_t kit_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* A letter of a text that compresses. */
__attribute__((unused)) static uint8_t kit_letter(uint64_t *state)
{
	static const char text[] = "the quick brown fox";
	return (uint8_t)text[kit_random(state) % (sizeof text - 1)];
}

static int put_pack(void *arg, const uint8_t *p, size_t n)
{
	struct pack *k = arg;
	if (k->out_cap - k->out_n < n) {
		k->out_cap = 2 * k->out_cap + n;
		k->out = realloc(k->out, k->out_cap);
		assert(k->out);
	}
	memcpy(k->out + k->out_n, p, n);
	k->out_n += n;
	return 0;
}

__attribute__((unused)) static int read_pack(void *arg, uint64_t offset,
                                             uint8_t *out, size_t n)
{
	const struct pack *k = arg;
	if (offset > k->out_n || n > k->out_n - offset)
		return -1;
	memcpy(out, k->out + offset, n);
	return 0;
}

/* Adds a member, copying path and bytes. */
__attribute__((unused)) static void pack_add(struct pack *k, const char *path,
                                             const void *p, size_t n)
{
	struct member *m = &k->members[k->n++];
	assert(k->n <= KIT_MEMBERS);
	m->path = malloc(strlen(path) + 1);
	m->p = malloc(n ? n : 1);
	m->n = n;
	assert(m->path && m->p);
	memcpy(m->path, path, strlen(path) + 1);
	memcpy(m->p, p, n);
}

/* Packs the members; with cuts nonzero in pieces of random sizes. */
static void pack_make(struct pack *k, int level, uint64_t cuts)
{
	struct gt_packer *packer = gt_packer_new(level, put_pack, k);
	struct gt_bytes manifest;
	int status = 0;
	assert(packer);
	for (size_t i = 0; i < k->n; i++) {
		const struct member *m = &k->members[i];
		status = gt_packer_file(packer, m->path, m->n, NULL);
		for (size_t at = 0, step; !status && at < m->n; at += step) {
			step = cuts ? 1 + kit_random(&cuts) % 300000 : m->n;
			if (step > m->n - at)
				step = m->n - at;
			status = gt_packer_write(packer, m->p + at, step);
		}
		assert(!status);
	}
	status = gt_packer_finish(packer, &manifest, &k->object, &k->plain,
	                          &k->stored);
	assert(!status);
	k->manifest = malloc(manifest.n);
	assert(k->manifest);
	memcpy(k->manifest, manifest.p, manifest.n);
	k->manifest_n = manifest.n;
	gt_packer_free(packer);
}

__attribute__((unused)) static void pack_clear(struct pack *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->members[i].path);
		free(k->members[i].p);
	}
	free(k->out);
	free(k->manifest);
	memset(k, 0, sizeof *k);
}

__attribute__((unused)) static struct gt_manifest *
pack_manifest(const struct pack *k)
{
	struct gt_manifest *m = NULL;
	char why[300] = "";
	int status = gt_manifest_new(
	        &m, gt_bytes_of(k->manifest, k->manifest_n), why, sizeof why);
	if (status)
		fprintf(stderr, "manifest: %s\n", why);
	assert(!status);
	return m;
}

/* The whole tar stream, by frames. */
__attribute__((unused)) static uint8_t *inflate_all(const struct pack *k,
                                                    const struct gt_manifest *m)
{
	struct gt_inflater *z = gt_inflater_new();
	uint8_t *plain = malloc(m->plain_at[m->nframes]);
	assert(z && plain);
	for (uint32_t i = 0; i < m->nframes; i++) {
		struct gt_bytes stored = {k->out + m->stored_at[i],
		                          m->stored[i]};
		int status = gt_frame_verify(m, i, stored);
		assert(!status);
		status = gt_frame_inflate(z, m, i, stored,
		                          plain + m->plain_at[i]);
		assert(!status);
	}
	gt_inflater_free(z);
	return plain;
}

static int kit_order(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->path,
	              ((const struct member *)b)->path);
}

/* 1..12 members of all kinds of sizes and contents, by seed. */
__attribute__((unused)) static void pack_random(struct pack *k, uint64_t seed,
                                                int level, uint64_t cuts)
{
	static const size_t edges[] = {0,      1,      511,    512,    513,
	                               65535,  65536,  65537,  262143, 262144,
	                               262145, 300000, 1000000};
	uint64_t r = seed * 1000003;
	size_t n = 1 + kit_random(&r) % 12;
	memset(k, 0, sizeof *k);
	for (size_t i = 0; i < n; i++) {
		char path[400];
		size_t deep = kit_random(&r) % 4, size;
		gt_format(path, sizeof path, "%0*d-%s%s%d",
		          kit_random(&r) % 5 == 0 ? 150 : 2,
		          (int)(kit_random(&r) % 90),
		          kit_random(&r) % 3 ? "" : "课件",
		          deep == 0   ? ""
		          : deep == 1 ? "/a/"
		                      : "/b/第二讲/",
		          (int)i);
		size = edges[kit_random(&r) % (sizeof edges / sizeof *edges)];
		if (kit_random(&r) % 2)
			size = kit_random(&r) % 5000;
		uint8_t *p = malloc(size ? size : 1);
		uint64_t kind = kit_random(&r) % 3, x = r;
		assert(p);
		for (size_t j = 0; j < size; j++)
			p[j] = kind == 0   ? 0
			       : kind == 1 ? (uint8_t)kit_random(&x)
			                   : kit_letter(&x);
		pack_add(k, path, p, size);
		free(p);
	}
	qsort(k->members, k->n, sizeof *k->members, kit_order);
	pack_make(k, level, cuts);
}

#endif
