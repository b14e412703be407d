/* u_manifest.c: the manifest's encoding, its rules, and who is named when one
 * is broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arena.h"
#include "guantong.pb-c.h"
#include "nomem.h"
#include "order.h"
#include "tar.h"
#include "unit/object_kit.h"

/* A valid package of four members: "a" (3 bytes), "b/c" (100000), "b/空" (0),
 * "z" (700). Frames: the head of a .. b/c, b/c, the rest. */
static void sample(struct pack *p)
{
	uint8_t *bytes = calloc(1, 100000);
	assert_non_null(bytes);
	memset(p, 0, sizeof *p);
	pack_add(p, "a", "abc", 3);
	pack_add(p, "b/c", bytes, 100000);
	pack_add(p, "b/空", "", 0);
	pack_add(p, "z", bytes, 700);
	pack_make(p, 3, 0);
	free(bytes);
}

static struct gt_arena *arena; /* for what is encoded */

static Gt__Manifest *decode(const struct pack *p)
{
	Gt__Manifest *m =
	        gt__manifest__unpack(NULL, p->manifest_n, p->manifest);
	assert_non_null(m);
	return m;
}

static void expect(struct gt_bytes bytes, int status, const char *say)
{
	struct gt_manifest *m;
	char why[300] = "";
	/* a copy of the exact size, so that a sanitizer sees any overrun */
	uint8_t *exact = malloc(bytes.n ? bytes.n : 1);
	assert_non_null(exact);
	if (bytes.n)
		memcpy(exact, bytes.p, bytes.n);
	int got = gt_manifest_new(&m, gt_bytes_of(exact, bytes.n), why,
	                          sizeof why);
	if (got != status || !strstr(why, say))
		fail_msg("%s (%s), wanted %s (%s)", gt_errname(got), why,
		         gt_errname(status), say);
	assert_true((got == 0) == (m != NULL));
	gt_manifest_free(m);
	free(exact);
}

/* --------------------------------------------------------- encoding */

/* What we write is what protobuf writes, and what it writes we read. */
static void as_protobuf(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 20; seed++) {
		struct pack p;
		pack_random(&p, seed, 1, 0);
		Gt__Manifest *pb = decode(&p);
		struct gt_manifest *m = pack_manifest(&p);
		assert_int_equal(pb->n_files, m->nfiles);
		assert_int_equal(pb->n_stored_sizes, m->nframes);
		for (uint32_t i = 0; i < m->nfiles; i++) {
			assert_string_equal(pb->files[i]->path,
			                    m->files[i].path);
			assert_string_equal(pb->files[i]->media_type,
			                    m->files[i].media_type);
			assert_int_equal(pb->files[i]->offset,
			                 m->files[i].offset);
		}
		struct gt_bytes again = gt_arena_pack(arena, &pb->base);
		assert_true(gt_bytes_eq(again,
		                        gt_bytes_of(p.manifest, p.manifest_n)));
		expect(again, 0, "");
		gt__manifest__free_unpacked(pb, NULL);
		gt_manifest_free(m);
		pack_clear(&p);
	}
}

/* Every proper prefix and every insertion of a byte is refused: there is one
 * encoding of a package. */
static void one_encoding(void **state)
{
	struct pack p;
	(void)state;
	sample(&p);
	uint8_t *longer = malloc(p.manifest_n + 1);
	assert_non_null(longer);
	for (size_t n = 0; n < p.manifest_n; n++) {
		struct gt_manifest *m;
		char why[300];
		assert_int_not_equal(gt_manifest_new(&m,
		                                     gt_bytes_of(p.manifest, n),
		                                     why, sizeof why),
		                     0);
	}
	memcpy(longer, p.manifest, p.manifest_n);
	static const uint8_t unknown[] = {0x30, 0x0a, 0x2a, 0x00, 0x08};
	for (size_t i = 0; i < sizeof unknown; i++) {
		longer[p.manifest_n] = unknown[i];
		expect(gt_bytes_of(longer, p.manifest_n + 1), -GT_EMALFORMED,
		       "files is malformed");
	}
	/* format 1 in two bytes: 81 00 */
	static const uint8_t wide[] = {0x08, 0x81, 0x00};
	memcpy(longer, wide, 3);
	memcpy(longer + 3, p.manifest + 2, p.manifest_n - 2);
	expect(gt_bytes_of(longer, p.manifest_n + 1), -GT_EMALFORMED, "");
	expect(gt_bytes_of(NULL, 0), -GT_EMALFORMED, "not a manifest");
	free(longer);
	pack_clear(&p);
}

/* ------------------------------------------------------------ rules */

static char longest[GT_PATH_MAX + 2];

static void set_path(Gt__Manifest *m, size_t i, const char *path)
{
	free(m->files[i]->path);
	m->files[i]->path = strdup(path);
	assert_non_null(m->files[i]->path);
}

static void set_media(Gt__Manifest *m, size_t i, const char *type)
{
	free(m->files[i]->media_type);
	m->files[i]->media_type = strdup(type);
	assert_non_null(m->files[i]->media_type);
}

enum change {
	FORMAT,
	NO_FILES,
	NO_FRAMES,
	ODD_IDS,
	PATH_0,
	PATH_1,
	PATH_3,
	MEDIA,
	OFFSET,
	SIZE,
	HUGE_SIZE,
	SWAP,
	STORED_0,
	STORED_BIG,
	PLAIN_0,
	PLAIN_BIG,
	PLAIN_OFF,
	FEWER_SIZES,
	MORE_SIZES,
};

static void apply(Gt__Manifest *m, enum change change, const char *text)
{
	Gt__File *f;
	switch (change) {
	case FORMAT:
		m->format = 2;
		break;
	case NO_FILES:
		while (m->n_files > 0)
			gt__file__free_unpacked(m->files[--m->n_files], NULL);
		break;
	case NO_FRAMES:
		m->frame_ids.len = 0;
		m->n_stored_sizes = m->n_plain_sizes = 0;
		break;
	case ODD_IDS:
		m->frame_ids.len--;
		break;
	case PATH_0:
		set_path(m, 0, text);
		break;
	case PATH_1:
		set_path(m, 1, text);
		break;
	case PATH_3:
		set_path(m, 3, text);
		break;
	case MEDIA:
		set_media(m, 1, text);
		break;
	case OFFSET:
		m->files[2]->offset += 512;
		break;
	case SIZE:
		m->files[1]->size += 512;
		break;
	case HUGE_SIZE:
		m->files[3]->size = UINT64_MAX;
		break;
	case SWAP:
		f = m->files[0];
		m->files[0] = m->files[1];
		m->files[1] = f;
		break;
	case STORED_0:
		m->stored_sizes[1] = 0;
		break;
	case STORED_BIG:
		m->stored_sizes[2] = GT_FRAME_STORED_MAX + 1;
		break;
	case PLAIN_0:
		m->plain_sizes[0] = 0;
		break;
	case PLAIN_BIG:
		m->plain_sizes[1] = GT_FRAME_PLAIN_MAX + 1;
		break;
	case PLAIN_OFF:
		m->plain_sizes[1]++;
		break;
	case FEWER_SIZES:
		m->n_plain_sizes--;
		break;
	case MORE_SIZES:
		m->frame_ids.len -= 32;
		break;
	}
}

static void broken_rules(void **state)
{
	const struct {
		enum change change;
		const char *text;
		int status;
		const char *say;
	} rows[] = {
	        {FORMAT, "", -GT_EINVALID, "format"},
	        {NO_FILES, "", -GT_EINVALID, "no files"},
	        {NO_FRAMES, "", -GT_EMALFORMED, "frames is malformed"},
	        {ODD_IDS, "", -GT_EMALFORMED, "32 bytes"},
	        {PATH_0, "/etc/cron.d/x", -GT_EINVALID,
	         "member \"/etc/cron.d/x\": the path is absolute"},
	        {PATH_0, "", -GT_EMALFORMED, "member 0: it has no path"},
	        {PATH_0, "../a", -GT_EINVALID, "member \"../a\": "},
	        {PATH_0, "a/../../b", -GT_EINVALID, "\"a/../../b\": "},
	        {PATH_0, "a\\b", -GT_EINVALID, "member \"a\\b\": "},
	        {PATH_0, "a\x1b[2J", -GT_EINVALID, "\"a\\x1b[2J\": "},
	        {PATH_0, "\xff", -GT_EINVALID, "member \"\\xff\": "},
	        {PATH_0, "A\xcc\x8a", -GT_EINVALID, "form C"},
	        {PATH_0, longest, -GT_EINVALID, "longer than 1024"},
	        /* the change alone is not what fails */
	        {PATH_0, "aa", 0, ""},
	        {PATH_1, "a", -GT_EINVALID, "member \"a\": the path is there"},
	        {PATH_1, "a/c", -GT_EINVALID, "member \"a/c\": it lies under"},
	        {PATH_1, "x", -GT_EINVALID, "member \"b/空\": out of order"},
	        {PATH_3, "b/空/x", -GT_EINVALID, "member \"b/空/x\": it lies"},
	        {MEDIA, "", -GT_EMALFORMED, "member \"b/c\": malformed"},
	        {MEDIA, "html", -GT_EINVALID, "member \"b/c\": the media"},
	        {MEDIA, "text/html\r\nSet-Cookie: a", -GT_EINVALID,
	         "member \"b/c\": the media"},
	        {OFFSET, "", -GT_EINVALID, "member \"b/空\": it is not where"},
	        {SIZE, "", -GT_EINVALID, "member \"b/空\": it is not where"},
	        {HUGE_SIZE, "", -GT_EINVALID, "member \"z\": "},
	        {SWAP, "", -GT_EINVALID, "member \"b/c\": it is not where"},
	        {STORED_0, "", -GT_EINVALID, "frame 1: its stored size"},
	        {STORED_BIG, "", -GT_EINVALID, "frame 2: its stored size"},
	        {PLAIN_0, "", -GT_EINVALID, "frame 0: its plain size"},
	        {PLAIN_BIG, "", -GT_EINVALID, "frame 1: its plain size"},
	        {PLAIN_OFF, "", -GT_EINVALID, "do not add up"},
	        {FEWER_SIZES, "", -GT_EMALFORMED, "frame 2: its size is"},
	        {MORE_SIZES, "", -GT_EMALFORMED, "more frame sizes"},
	};
	(void)state;
	memset(longest, 'a', sizeof longest - 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pack p;
		sample(&p);
		Gt__Manifest *m = decode(&p);
		apply(m, rows[i].change, rows[i].text);
		struct gt_bytes bytes = gt_arena_pack(arena, &m->base);
		expect(bytes, rows[i].status, rows[i].say);
		gt__manifest__free_unpacked(m, NULL);
		pack_clear(&p);
	}
}

/* What is just within a limit is not refused for it. */
static void limits(void **state)
{
	static const struct {
		uint32_t stored, plain; /* of frames 2 and 1, 0: as it is */
		bool sized;             /* the last member is as large as all */
		uint64_t more;          /* than that */
		int status;
		const char *say;
	} rows[] = {
	        {.stored = GT_FRAME_STORED_MAX, .say = ""},
	        {0, GT_FRAME_PLAIN_MAX, false, 0, -GT_EINVALID, "do not add"},
	        {0, 0, true, 0, -GT_EINVALID, "do not add up"},
	        {0, 0, true, 1, -GT_EINVALID,
	         "member \"z\": it is larger than all frames"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pack p;
		uint64_t total = rows[i].more;
		sample(&p);
		Gt__Manifest *m = decode(&p);
		for (size_t k = 0; k < m->n_plain_sizes; k++)
			total += m->plain_sizes[k];
		if (rows[i].stored)
			m->stored_sizes[2] = rows[i].stored;
		if (rows[i].plain)
			m->plain_sizes[1] = rows[i].plain;
		if (rows[i].sized)
			m->files[3]->size = total;
		expect(gt_arena_pack(arena, &m->base), rows[i].status,
		       rows[i].say);
		gt__manifest__free_unpacked(m, NULL);
		pack_clear(&p);
	}
}

/* ----------------------------------------------------- large things */

static uint8_t *put(uint8_t *out, const void *p, size_t n)
{
	memcpy(out, p, n);
	return out + n;
}

/* 2 MB that would be a million empty File messages and then one more. */
static void too_many_files(void **state)
{
	size_t cap = 200 + 2 * ((size_t)GT_FILES_MAX + 1);
	uint8_t *bytes = calloc(1, cap), *at = bytes;
	(void)state;
	assert_non_null(bytes);
	at = put(at, "\x08\x01\x12\x20", 4) + 32;
	at = put(at, "\x1a\x01\x09\x22\x01\x09", 6);
	for (size_t i = 0; i <= GT_FILES_MAX; i++)
		at = put(at, "\x2a\x00", 2);
	expect(gt_bytes_of(bytes, (size_t)(at - bytes)), -GT_ELIMIT,
	       "too many files");
	expect(gt_bytes_of(bytes, (size_t)(at - bytes) - 2), -GT_EMALFORMED,
	       "member 0: it has no path");
	free(bytes);
}

/* A tar stream of 2048 bytes cut into a frame a byte. */
static void too_many_frames(void **state)
{
	enum { N = 2048 };
	Gt__Manifest m;
	Gt__File f, *files[1] = {&f};
	uint8_t *ids = calloc(N, 32);
	uint32_t sizes[N];
	char path[] = "a", type[] = "text/plain";
	(void)state;
	assert_non_null(ids);
	gt__manifest__init(&m);
	gt__file__init(&f);
	for (size_t i = 0; i < N; i++)
		sizes[i] = 1;
	m.format = 1;
	m.frame_ids.len = (size_t)N * 32;
	m.frame_ids.data = ids;
	m.n_stored_sizes = m.n_plain_sizes = N;
	m.stored_sizes = m.plain_sizes = sizes;
	m.n_files = 1;
	m.files = files;
	f.path = path;
	f.media_type = type;
	f.offset = 512;
	f.size = 1;
	struct gt_bytes bytes = gt_arena_pack(arena, &m.base);
	expect(bytes, -GT_ELIMIT, "more frames");
	/* fewer of them: two are what so few bytes may be cut into */
	for (size_t n = 1; n <= 3; n++) {
		m.frame_ids.len = n * 32;
		m.n_stored_sizes = m.n_plain_sizes = n;
		sizes[0] = (uint32_t)(N + 1 - n);
		bytes = gt_arena_pack(arena, &m.base);
		expect(bytes, n > 2 ? -GT_ELIMIT : 0,
		       n > 2 ? "more frames" : "");
	}
	/* and a whole frame of the least size allows three more */
	f.size = (64 << 10) - 512 - 1024;
	for (size_t n = 5; n <= 6; n++) {
		m.frame_ids.len = n * 32;
		m.n_stored_sizes = m.n_plain_sizes = n;
		sizes[0] = (uint32_t)((64 << 10) + 1 - n);
		bytes = gt_arena_pack(arena, &m.base);
		expect(bytes, n > 5 ? -GT_ELIMIT : 0,
		       n > 5 ? "more frames" : "");
	}
	free(ids);
}

/* Of so many bytes nothing is looked at. */
static void too_large(void **state)
{
	size_t most = GT_MANIFEST_MAX;
	uint8_t *zeros = calloc(1, most + 1);
	struct gt_manifest *m;
	char why[300];
	(void)state;
	assert_non_null(zeros);
	assert_int_equal(gt_manifest_new(&m, gt_bytes_of(zeros, most + 1), why,
	                                 sizeof why),
	                 -GT_ELIMIT);
	assert_string_equal(why, "the manifest is too large");
	assert_int_equal(
	        gt_manifest_new(&m, gt_bytes_of(zeros, most), why, sizeof why),
	        -GT_EMALFORMED);
	assert_string_equal(why, "not a manifest");
	free(zeros);
}

/* What follows what, member by member. */
static void orders(void **state)
{
	static const struct {
		const char *path, *say;
	} rows[] = {
	        {"a", NULL},
	        {"a", "the path is there twice"},
	        {"a-b", NULL},
	        {"a", "out of order"},
	        {"a-b/c", "it lies under a member that is a file"},
	        {"a.b", NULL},
	        {"a.b.c", NULL},
	        {"a.b/x", "it lies under a member that is a file"},
	        {"a.b.c/x", "it lies under a member that is a file"},
	        {"a/x", "it lies under a member that is a file"},
	        {"a.bc", NULL},
	        {"aa/b", NULL},
	        {"aa/b/c", "it lies under a member that is a file"},
	        {"aa/c", NULL},
	        {"aa/c.d", NULL},
	        {"aa/cd/e", NULL},
	        {"aa/cd/e/f", "it lies under a member that is a file"},
	        {"b", NULL},
	        {"b/c", "it lies under a member that is a file"},
	        {"ba", NULL},
	        {"c", NULL},
	        {"c.d", NULL},
	        {"d/e", NULL}, /* c has no more to say */
	};
	struct gt_order order;
	(void)state;
	gt_order_init(&order);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = gt_order_next(&order, rows[i].path);
		if (!got != !rows[i].say ||
		    (got && strcmp(got, rows[i].say) != 0))
			fail_msg("%s: %s", rows[i].path, got ? got : "fine");
	}
}

static void seek_table(void **state)
{
	struct pack p;
	(void)state;
	sample(&p);
	struct gt_manifest *m = pack_manifest(&p);
	const uint8_t *t = p.out + m->stored_at[m->nframes];
	assert_int_equal(m->nframes, 3);
	assert_int_equal(m->file_size - m->stored_at[3], 8 + 3 * 8 + 9);
	assert_memory_equal(t, "\x5e\x2a\x4d\x18\x21\0\0\0", 8);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(t[8 + 8 * i] | t[9 + 8 * i] << 8,
		                 m->stored[i]);
		assert_int_equal(t[12 + 8 * i] | t[13 + 8 * i] << 8 |
		                         t[14 + 8 * i] << 16,
		                 m->plain[i]);
	}
	assert_memory_equal(t + 32, "\x03\0\0\0\0\xb1\xea\x92\x8f", 9);
	assert_int_equal(gt_manifest_find(m, "b/c"), 1);
	assert_int_equal(gt_manifest_find(m, "b"), UINT32_MAX);
	assert_int_equal(gt_manifest_find(m, ""), UINT32_MAX);
	assert_int_equal(gt_manifest_find(m, "zz"), UINT32_MAX);
	assert_int_equal(gt_manifest_find(m, "a"), 0);
	assert_int_equal(gt_manifest_find(m, "z"), 3);
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t from = m->plain_at[i], to = m->plain_at[i + 1];
		assert_int_equal(gt_manifest_frame_at(m, from), i);
		assert_int_equal(gt_manifest_frame_at(m, to - 1), i);
	}
	struct gt_id id;
	gt_manifest_id(&id, gt_bytes_of(p.manifest, p.manifest_n));
	assert_memory_equal(id.b, p.object.b, sizeof id.b);
	gt_manifest_free(m);
	pack_clear(&p);
}

static void no_memory(void **state)
{
	struct pack p;
	struct gt_manifest *m;
	char why[300];
	(void)state;
	sample(&p);
	long held = nomem_held();
	for (size_t n = 0; nomem_each(&n);) {
		int status = gt_manifest_new(
		        &m, gt_bytes_of(p.manifest, p.manifest_n), why,
		        sizeof why);
		bool hit = nomem_hit();
		assert_int_equal(status, hit ? -GT_ENOMEM : 0);
		assert_string_equal(why, hit ? "out of memory" : "");
		assert_true(hit == !m);
		gt_manifest_free(m);
		assert_int_equal(nomem_held(), held);
	}
	/* nor is anything kept of what is refused */
	expect(gt_bytes_of(p.manifest, p.manifest_n - 1), -GT_EMALFORMED, "");
	assert_int_equal(nomem_held(), held);
	pack_clear(&p);
}

int main(void)
{
	arena = gt_arena_new();
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(as_protobuf),
	        cmocka_unit_test(one_encoding),
	        cmocka_unit_test(broken_rules),
	        cmocka_unit_test(too_many_files),
	        cmocka_unit_test(too_many_frames),
	        cmocka_unit_test(limits),
	        cmocka_unit_test(too_large),
	        cmocka_unit_test(orders),
	        cmocka_unit_test(seek_table),
	        cmocka_unit_test(no_memory),
	};
	int failed = cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
	gt_arena_free(arena);
	return failed;
}
