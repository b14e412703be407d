/* u_object.c: objects made, opened by stock tools, checked, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "nomem.h"
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

/* ------------------------------------------------------------ bombs */

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

/* A one-frame manifest around any bytes, as a hostile publisher makes it. */
static int inflate_as(const void *stored, size_t n, uint32_t plain)
{
	uint32_t stored_size = (uint32_t)n;
	uint64_t stored_at[2] = {0, n}, plain_at[2] = {0, plain};
	struct gt_id id;
	struct gt_manifest m = {.nframes = 1,
	                        .ids = id.b,
	                        .stored = &stored_size,
	                        .plain = &plain,
	                        .stored_at = stored_at,
	                        .plain_at = plain_at};
	struct gt_inflater *z = gt_inflater_new();
	/* exactly as large as signed: the sanitizer sees a byte too many */
	uint8_t *out = malloc(plain);
	assert_non_null(z);
	assert_non_null(out);
	gt_sha256_one(&id, stored, n);
	assert_int_equal(gt_frame_verify(&m, 0, gt_bytes_of(stored, n)), 0);
	int status = gt_frame_inflate(z, &m, 0, gt_bytes_of(stored, n), out);
	free(out);
	gt_inflater_free(z);
	return status;
}

static void bombs(void **state)
{
	enum { HUGE = 64 << 20, CAP = 256 << 10 };
	uint8_t *zeros = calloc(1, HUGE), *frame = malloc(CAP);
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t n;
	(void)state;
	assert_true(zeros && frame && ctx);
	n = ZSTD_compressCCtx(ctx, frame, CAP, zeros, HUGE, 1);
	assert_false(ZSTD_isError(n));
	assert_int_equal(inflate_as(frame, n, 1000), -GT_EDAMAGED);
	assert_int_equal(inflate_as(frame, n, CAP), -GT_EDAMAGED);
	/* honest ones */
	n = ZSTD_compressCCtx(ctx, frame, CAP, zeros, 1000, 1);
	assert_int_equal(inflate_as(frame, n, 1000), 0);
	assert_int_equal(inflate_as(frame, n, 999), -GT_EDAMAGED);
	assert_int_equal(inflate_as(frame, n, 1001), -GT_EDAMAGED);
	assert_int_equal(inflate_as(frame, n - 1, 1000), -GT_EDAMAGED);
	/* two frames for one, and one with a skippable frame behind it */
	memcpy(frame + n, frame, n);
	assert_int_equal(inflate_as(frame, 2 * n, 1000), -GT_EDAMAGED);
	memcpy(frame + n, "\x50\x2a\x4d\x18\0\0\0\0", 8);
	assert_int_equal(inflate_as(frame, n + 8, 1000), -GT_EDAMAGED);
	assert_int_equal(inflate_as("\x50\x2a\x4d\x18\0\0\0\0", 8, 1),
	                 -GT_EDAMAGED);
	/* no content size in the header */
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0);
	n = ZSTD_compress2(ctx, frame, CAP, zeros, 1000);
	assert_int_equal(inflate_as(frame, n, 1000), -GT_EDAMAGED);
	/* a window of 16 MiB for a thousand bytes: RFC 8878 by hand */
	static const uint8_t wide[] = {0x28, 0xb5, 0x2f, 0xfd, 0x40, 0x70,
	                               0xe8, 0x02, 0x43, 0x1f, 0x00, 0x00};
	uint8_t fits[sizeof wide];
	memcpy(fits, wide, sizeof wide);
	fits[5] = 0x68; /* 8 MiB */
	assert_int_equal(inflate_as(fits, sizeof fits, 1000), 0);
	assert_int_equal(inflate_as(wide, sizeof wide, 1000), -GT_EDAMAGED);
	fits[5] = 0x67; /* 4 MiB and seven eighths of it */
	assert_int_equal(inflate_as(fits, sizeof fits, 1000), 0);
	fits[5] = 0x69; /* 8 MiB and one eighth */
	assert_int_equal(inflate_as(fits, sizeof fits, 1000), -GT_EDAMAGED);
	assert_int_equal(inflate_as(fits, 5, 1000), -GT_EDAMAGED);
	ZSTD_freeCCtx(ctx);
	free(zeros);
	free(frame);
}

/* ----------------------------------------------------------- damage */

/* Whoever signs what is no frame: zstd has the last word. */
static void damaged_frames(void **state)
{
	uint8_t text[1000], frame[2000], out[1000];
	uint64_t r = 8;
	size_t refused = 0;
	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = kit_letter(&r);
	size_t n = ZSTD_compress(frame, sizeof frame, text, sizeof text, 3);
	for (size_t i = 8; i < n; i++) {
		frame[i] ^= 0x55;
		size_t k = ZSTD_decompress(out, sizeof out, frame, n);
		bool good = k == sizeof out;
		refused += !good;
		assert_int_equal(inflate_as(frame, n, sizeof text),
		                 good ? 0 : -GT_EDAMAGED);
		frame[i] ^= 0x55;
	}
	assert_true(refused > 10);
}

/* The right bytes by their hash, of another number than was signed; and a frame
 * there is not. */
static void other_sizes(void **state)
{
	uint32_t size = 3, plain = 1;
	struct gt_id id;
	struct gt_manifest m = {
	        .nframes = 1, .ids = id.b, .stored = &size, .plain = &plain};
	(void)state;
	gt_sha256_one(&id, "abc", 3);
	assert_int_equal(gt_frame_verify(&m, 0, gt_bytes_str("abc")), 0);
	assert_int_equal(gt_frame_verify(&m, 1, gt_bytes_str("abc")),
	                 -GT_EDAMAGED);
	assert_int_equal(gt_frame_verify(&m, 0, gt_bytes_str("abd")),
	                 -GT_EDAMAGED);
	size = 4;
	assert_int_equal(gt_frame_verify(&m, 0, gt_bytes_str("abc")),
	                 -GT_EDAMAGED);
}

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

/* ---------------------------------------------------- at the packer */

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

/* -------------------------------------------------------- no memory */

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

/* ---------------------------------------------------------- editing */

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
	        cmocka_unit_test(stock_tools),
	        cmocka_unit_test(eight_gigabytes),
	        cmocka_unit_test(gibibyte_of_zeros),
	        cmocka_unit_test(bombs),
	        cmocka_unit_test(damaged_frames),
	        cmocka_unit_test(other_sizes),
	        cmocka_unit_test(flipped_bits),
	        cmocka_unit_test(lying_headers),
	        cmocka_unit_test(lying_frames),
	        cmocka_unit_test(frames_read),
	        cmocka_unit_test(refused_members),
	        cmocka_unit_test(vast_seek_table),
	        cmocka_unit_test(refused_calls),
	        cmocka_unit_test(too_many_names),
	        cmocka_unit_test(failing_output),
	        cmocka_unit_test(no_memory_to_pack),
	        cmocka_unit_test(no_memory_to_check),
	        cmocka_unit_test(levels),
	        cmocka_unit_test(level_ends),
	        cmocka_unit_test(edits_are_local),
	};
	return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
