/* u_check.c: files that are not what their manifest says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "nomem.h"
#include "tar.h"
#include "unit/object_kit.h"

/* No bit of an object file can change unseen. */
static void flipped_bits(void **state)
{
	char why[300];
	(void)state;
	for (uint64_t seed = 100; seed < 110; seed++) {
		struct pack p;
		uint64_t r = seed;
		pack_random(&p, seed, 1, 0);
		struct gt_manifest *m = pack_manifest(&p);
		for (int i = 0; i < 60; i++) {
			size_t at = kit_random(&r) % p.out_n;
			uint8_t bit = (uint8_t)(1 << kit_random(&r) % 8);
			if (i < 20) /* the seek table too */
				at = p.out_n - 1 - (size_t)i;
			p.out[at] ^= bit;
			why[0] = '\0';
			if (gt_object_check(m, true, read_pack, &p, why,
			                    sizeof why) != -GT_EDAMAGED)
				fail_msg("seed %d: a flip at %zu of %zu",
				         (int)seed, at, p.out_n);
			assert_true(strstr(why, "frame ") ||
			            strstr(why, "seek table"));
			p.out[at] ^= bit;
		}
		p.out_n--;
		assert_int_equal(gt_object_check(m, false, read_pack, &p, why,
		                                 sizeof why),
		                 -GT_EIO);
		p.out_n++;
		gt_manifest_free(m);
		pack_clear(&p);
	}
}

/* A publisher signs a stream whose tar headers say something else than the
 * manifest: a member by another name, a link, a set-uid file. */
static void lying_headers(void **state)
{
	static const struct {
		size_t at;
		char c;
		const char *member;
	} rows[] = {
	        {0, 'x', "\"aa\""},        /* name */
	        {106, '7', "\"aa\""},      /* mode */
	        {156, '2', "\"aa\""},      /* type: symbolic link */
	        {157, '/', "\"aa\""},      /* link name */
	        {515, 'x', "\"bb\""},      /* padding after aa */
	        {1024, 'x', "\"bb\""},     /* name of bb */
	        {1024 + 1023, 'x', "end"}, /* padding after bb */
	        {1024 + 1024, 'x', "end"}, /* the end */
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pack p;
		char why[300] = "";
		memset(&p, 0, sizeof p);
		pack_add(&p, "aa", "AA", 2);
		pack_add(&p, "bb", "BB", 2);
		pack_make(&p, 3, 0);
		struct gt_manifest *m = pack_manifest(&p);
		assert_int_equal(m->nframes, 1);
		uint8_t *plain = inflate_all(&p, m);
		plain[rows[i].at] = (uint8_t)rows[i].c;
		/* the same manifest, but for this frame's id and size */
		uint8_t stored[4096];
		uint64_t at[2] = {0, 0};
		uint32_t size = (uint32_t)ZSTD_compress(
		        stored, sizeof stored, plain, m->plain_at[1], 3);
		struct gt_id id;
		gt_sha256_one(&id, stored, size);
		at[1] = size;
		struct gt_manifest forged = *m;
		forged.ids = id.b;
		forged.stored = &size;
		forged.stored_at = at;
		forged.file_size = size + gt_manifest_tail_size(1);
		p.out_n = forged.file_size;
		memcpy(p.out, stored, size);
		gt_manifest_tail(&forged, p.out + size);
		if (gt_object_check(&forged, false, read_pack, &p, why,
		                    sizeof why) != -GT_EINVALID ||
		    !strstr(why, rows[i].member))
			fail_msg("row %zu: %s", i, why);
		free(plain);
		gt_manifest_free(m);
		pack_clear(&p);
	}
}

/* A package and its manifest with one frame's bytes for others, signed anew. */
struct forgery {
	struct pack p;
	struct gt_manifest *m, forged;
	uint8_t *ids, *out;
	uint32_t *sizes;
	uint64_t *at;
};

static void forge(struct forgery *f, uint32_t frame, const uint8_t *plain)
{
	const struct gt_manifest *m = f->m;
	uint32_t n = m->nframes;
	uint64_t tail = gt_manifest_tail_size(n);
	size_t before = m->stored_at[frame], after;
	uint8_t *stored = malloc(GT_FRAME_STORED_MAX);
	assert_non_null(stored);
	size_t size = ZSTD_compress(stored, GT_FRAME_STORED_MAX, plain,
	                            m->plain[frame], 1);
	after = m->stored_at[n] - m->stored_at[frame + 1];
	f->ids = malloc(32 * (size_t)n);
	f->sizes = malloc(n * sizeof *f->sizes);
	f->at = calloc(n + 1, sizeof *f->at);
	f->out = malloc(before + size + after + tail);
	assert_true(f->ids && f->sizes && f->at && f->out);
	memcpy(f->ids, m->ids, 32 * (size_t)n);
	memcpy(f->sizes, m->stored, n * sizeof *f->sizes);
	struct gt_id id;
	gt_sha256_one(&id, stored, size);
	memcpy(f->ids + 32 * (size_t)frame, id.b, 32);
	f->sizes[frame] = (uint32_t)size;
	for (uint32_t i = 0; i < n; i++)
		f->at[i + 1] = f->at[i] + f->sizes[i];
	f->forged = *m;
	f->forged.ids = f->ids;
	f->forged.stored = f->sizes;
	f->forged.stored_at = f->at;
	f->forged.file_size = f->at[n] + tail;
	memcpy(f->out, f->p.out, before);
	memcpy(f->out + before, stored, size);
	memcpy(f->out + before + size, f->p.out + m->stored_at[frame + 1],
	       after);
	gt_manifest_tail(&f->forged, f->out + f->at[n]);
	free(stored);
}

static int check_forgery(struct forgery *f, bool all, char why[300])
{
	struct pack lie = {.out = f->out, .out_n = f->forged.file_size};
	return gt_object_check(&f->forged, all, read_pack, &lie, why, 300);
}

static void forget(struct forgery *f)
{
	free(f->ids);
	free(f->sizes);
	free(f->at);
	free(f->out);
}

/* The member in whose header or content the byte lies, or before whose header
 * it is padding; the last one for what follows all. */
static const char *member_at(const struct gt_manifest *m, uint64_t at,
                             bool *header)
{
	uint32_t i = 0;
	while (i < m->nfiles && m->files[i].offset + m->files[i].size <= at)
		i++;
	*header = i == m->nfiles || at < m->files[i].offset;
	return m->files[i < m->nfiles ? i : m->nfiles - 1].path;
}

/* The package with one bit of its tar stream turned. */
static void try_bit(struct forgery *f, uint8_t *plain, uint64_t at)
{
	bool header;
	const char *name = member_at(f->m, at, &header);
	uint32_t frame = gt_manifest_frame_at(f->m, at);
	char why[300], shown[GT_PATH_SHOWN], want[300];
	plain[at] ^= 1;
	forge(f, frame, plain + f->m->plain_at[frame]);
	plain[at] ^= 1;
	gt_format(want, sizeof want, "frame %u, member %s: ", frame,
	          gt_path_show(shown, name, strlen(name)));
	for (int all = 0; all < 2; all++) {
		int status = check_forgery(f, all, why);
		if (status != (header ? -GT_EINVALID : 0) ||
		    (header && strncmp(why, want, strlen(want)) != 0))
			fail_msg("byte %d: %s (%s), wanted %s", (int)at,
			         gt_errname(status), why, want);
	}
	forget(f);
}

/* In a package of many frames: any byte of a header, of padding or of the end
 * is missed, whether or not all frames are asked for, and the frame and the
 * member are named. A member's byte is as good as another. */
static void lying_frames(void **state)
{
	uint64_t r = 11;
	(void)state;
	for (uint64_t seed = 200; seed < 212; seed++) {
		struct forgery f;
		memset(&f, 0, sizeof f);
		pack_random(&f.p, seed, 1, 0);
		f.m = pack_manifest(&f.p);
		uint8_t *plain = inflate_all(&f.p, f.m);
		uint64_t total = f.m->plain_at[f.m->nframes];
		for (int k = 0; k < 30; k++) {
			const struct gt_file *v = f.m->files;
			uint32_t i = (uint32_t)(kit_random(&r) % f.m->nfiles);
			uint64_t from = i ? v[i - 1].offset + v[i - 1].size : 0;
			try_bit(&f, plain,
			        from + kit_random(&r) % (v[i].offset - from));
		}
		for (unsigned k = 0; k < 5; k++) {
			try_bit(&f, plain, kit_random(&r) % total);
			try_bit(&f, plain, total - 1 - k * 250);
		}
		free(plain);
		gt_manifest_free(f.m);
		pack_clear(&f.p);
	}
}

struct watched {
	struct pack p;
	const struct gt_manifest *m;
	uint32_t frames; /* read so far */
	uint32_t fails;  /* at the n-th */
};

static int read_watched(void *arg, uint64_t offset, uint8_t *out, size_t n)
{
	struct watched *w = arg;
	if (offset < w->m->stored_at[w->m->nframes] && ++w->frames == w->fails)
		return -1;
	return read_pack(&w->p, offset, out, n);
}

/* Frames within one member are passed over unless all are asked for; who
 * cannot be read is named. */
static void frames_read(void **state)
{
	struct watched w = {.fails = UINT32_MAX};
	char why[300];
	uint8_t *bytes = calloc(1, 2 << 20);
	(void)state;
	assert_non_null(bytes);
	pack_add(&w.p, "a", "a", 1);
	pack_add(&w.p, "b", bytes, 2 << 20);
	pack_add(&w.p, "c", "c", 1);
	pack_make(&w.p, 1, 0);
	struct gt_manifest *m = pack_manifest(&w.p);
	w.m = m;
	assert_int_equal(m->nframes, 10);
	assert_int_equal(gt_object_check(m, false, read_watched, &w, why, 300),
	                 0);
	assert_int_equal(w.frames, 2);
	w.frames = 0;
	assert_int_equal(gt_object_check(m, true, read_watched, &w, why, 300),
	                 0);
	assert_int_equal(w.frames, 10);
	static const char *const say[] = {
	        "frame 0, member \"a\": it cannot be read",
	        "frame 1, member \"b\": it cannot be read",
	        "frame 8, member \"b\": it cannot be read",
	        "frame 9, member \"c\": it cannot be read",
	};
	static const uint32_t at[] = {1, 2, 9, 10};
	for (size_t i = 0; i < 4; i++) {
		w.frames = 0;
		w.fails = at[i];
		assert_int_equal(
		        gt_object_check(m, true, read_watched, &w, why, 300),
		        -GT_EIO);
		assert_string_equal(why, say[i]);
	}
	/* inside b nothing is seen but by who reads all */
	w.fails = UINT32_MAX;
	w.p.out[m->stored_at[5]] ^= 1;
	assert_int_equal(gt_object_check(m, false, read_watched, &w, why, 300),
	                 0);
	assert_int_equal(gt_object_check(m, true, read_watched, &w, why, 300),
	                 -GT_EDAMAGED);
	assert_string_equal(why, "frame 5, member \"b\": its bytes differ from "
	                         "its hash");
	gt_manifest_free(m);
	pack_clear(&w.p);
	free(bytes);
}

/* An object of so many frames that its seek table is read in pieces; but for
 * the first and the last they are only promised. */
struct vast {
	struct gt_manifest m;
	uint8_t ends[2][200];
	uint8_t *tail;
};

enum { VAST = 70000, VAST_TAIL = 8 + 8 * VAST + 9 };

static int read_vast(void *arg, uint64_t offset, uint8_t *out, size_t n)
{
	struct vast *v = arg;
	uint64_t tail = v->m.stored_at[VAST];
	if (offset == 0 || offset == v->m.stored_at[VAST - 1])
		memcpy(out, v->ends[offset > 0], n);
	else if (offset >= tail && offset - tail + n <= VAST_TAIL)
		memcpy(out, v->tail + (offset - tail), n);
	else
		return -1;
	return 0;
}

static void vast_seek_table(void **state)
{
	const uint64_t size = (uint64_t)(VAST - 2) * GT_FRAME_PLAIN_MAX;
	struct gt_file file = {"a", "text/plain", 512, size};
	struct vast v;
	uint8_t *ids = calloc(VAST, 32), head[GT_TAR_HEAD_MAX];
	uint32_t *sizes = calloc(2 * VAST, sizeof *sizes);
	uint64_t *at = calloc(2 * (VAST + 1), sizeof *at);
	static const uint8_t end[GT_TAR_END];
	char why[300];
	(void)state;
	v.tail = calloc(1, VAST_TAIL);
	assert_true(ids && sizes && at && v.tail);
	file.offset = gt_tar_head(head, "a", size);
	v.m = (struct gt_manifest){.nframes = VAST,
	                           .ids = ids,
	                           .stored = sizes,
	                           .plain = sizes + VAST,
	                           .stored_at = at,
	                           .plain_at = at + VAST + 1,
	                           .nfiles = 1,
	                           .files = &file};
	for (int i = 0; i < 2; i++) {
		uint32_t which = i ? VAST - 1 : 0, plain;
		struct gt_id id;
		plain = i ? GT_TAR_END : (uint32_t)file.offset;
		sizes[which] = (uint32_t)ZSTD_compress(
		        v.ends[i], sizeof v.ends[i], i ? end : head, plain, 1);
		sizes[VAST + which] = plain;
		gt_sha256_one(&id, v.ends[i], sizes[which]);
		memcpy(ids + 32 * (size_t)which, id.b, 32);
	}
	for (uint32_t i = 1; i < VAST - 1; i++) {
		sizes[i] = 1 + i % 1000;
		sizes[VAST + i] = GT_FRAME_PLAIN_MAX;
	}
	for (uint32_t i = 0; i < VAST; i++) {
		at[i + 1] = at[i] + sizes[i];
		at[VAST + 1 + i + 1] = at[VAST + 1 + i] + sizes[VAST + i];
	}
	v.m.file_size = at[VAST] + VAST_TAIL;
	gt_manifest_tail(&v.m, v.tail);
	assert_int_equal(gt_manifest_tail_size(VAST), VAST_TAIL);
	assert_int_equal(gt_object_check(&v.m, false, read_vast, &v, why, 300),
	                 0);
	for (size_t i = 0; i < VAST_TAIL; i += 1 + VAST_TAIL / 40) {
		v.tail[i] ^= 1;
		assert_int_equal(
		        gt_object_check(&v.m, false, read_vast, &v, why, 300),
		        -GT_EDAMAGED);
		assert_non_null(strstr(why, "the seek table: "));
		v.tail[i] ^= 1;
	}
	assert_int_equal(gt_object_check(&v.m, true, read_vast, &v, why, 300),
	                 -GT_EIO);
	free(ids);
	free(sizes);
	free(at);
	free(v.tail);
}

static void no_memory_to_check(void **state)
{
	struct pack p;
	char why[300];
	(void)state;
	pack_random(&p, 3, 1, 0);
	struct gt_manifest *m = pack_manifest(&p);
	long held = nomem_held();
	for (size_t n = 0; nomem_each(&n);) {
		int status = gt_object_check(m, true, read_pack, &p, why,
		                             sizeof why);
		bool hit = nomem_hit();
		assert_int_equal(status, hit ? -GT_ENOMEM : 0);
		assert_true(!hit || strstr(why, "out of memory"));
		assert_int_equal(nomem_held(), held);
	}
	gt_manifest_free(m);
	pack_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(flipped_bits),
	        cmocka_unit_test(lying_headers),
	        cmocka_unit_test(lying_frames),
	        cmocka_unit_test(frames_read),
	        cmocka_unit_test(vast_seek_table),
	        cmocka_unit_test(no_memory_to_check),
	};
	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
