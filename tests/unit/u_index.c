/* u_index.c: an index answers as the manifest it was made of, and is believed
 * only where it is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nomem.h"
#include "unit/index_kit.h"

static void same_file(const struct gt_manifest *m, const struct gt_member *got)
{
	const struct gt_file *want = &m->files[got->number];
	assert_string_equal(got->file.path, want->path);
	assert_string_equal(got->file.media_type, want->media_type);
	assert_int_equal(got->file.offset, want->offset);
	assert_int_equal(got->file.size, want->size);
}

static void same_frame(const struct gt_manifest *m,
                       const struct gt_index_frame *got)
{
	uint32_t i = got->number;
	assert_memory_equal(got->id.b, m->ids + (size_t)i * GT_ID_BYTES,
	                    GT_ID_BYTES);
	assert_int_equal(got->stored, m->stored[i]);
	assert_int_equal(got->plain, m->plain[i]);
	assert_int_equal(got->stored_at, m->stored_at[i]);
	assert_int_equal(got->plain_at, m->plain_at[i]);
}

/* -------------------------------------------------------- as a manifest */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* So many names, drawn; some long, many alike. Sorted, each once. */
static size_t draw_names(char **names, size_t n, uint64_t *r)
{
	for (size_t i = 0; i < n; i++) {
		char text[1200];
		uint64_t kind = kit_random(r) % 8;
		gt_format(text, sizeof text, "%s%0*u/%s%u.%s",
		          kind < 3 ? "课件/" : "img-", kind == 7 ? 200 : 3,
		          (unsigned)(kit_random(r) % 300),
		          kind == 1 ? "Å-" : "",
		          (unsigned)(kit_random(r) % 9000),
		          kind == 2 ? "html" : "png");
		names[i] = strdup(text);
		assert_non_null(names[i]);
	}
	qsort(names, n, sizeof *names, by_text);
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && strcmp(names[kept - 1], names[i]) == 0)
			free(names[i]);
		else
			names[kept++] = names[i];
	}
	return kept;
}

static void pack_names(struct pack *p, char **names, size_t n)
{
	static const uint8_t zeros[3000];
	struct gt_packer *packer = gt_packer_new(1, put_pack, p);
	struct gt_bytes manifest;
	for (size_t i = 0; i < n; i++) {
		size_t size = i % 7 * 400;
		assert_int_equal(gt_packer_file(packer, names[i], size, NULL),
		                 0);
		assert_int_equal(gt_packer_write(packer, zeros, size), 0);
	}
	assert_int_equal(gt_packer_finish(packer, &manifest, &p->object,
	                                  &p->plain, &p->stored),
	                 0);
	p->manifest = malloc(manifest.n);
	assert_non_null(p->manifest);
	memcpy(p->manifest, manifest.p, manifest.n);
	p->manifest_n = manifest.n;
	gt_packer_free(packer);
}

/* The answers to one path, there or not. */
static void ask(const struct gt_manifest *m, const struct gt_index *ix,
                const char *path)
{
	struct gt_index_cursor c;
	struct gt_member got;
	uint32_t want = gt_manifest_find(m, path);
	int status = gt_index_find(&c, ix, path, &got);
	assert_int_equal(status, want == UINT32_MAX ? -GT_EUNKNOWN : 0);
	if (status != 0)
		return;
	assert_int_equal(got.number, want);
	same_file(m, &got);
}

/* Those not there: just before and just after each that is. */
static void ask_around(const struct gt_manifest *m, const struct gt_index *ix,
                       const char *path)
{
	char near[1300];
	size_t n = strlen(path);
	ask(m, ix, path);
	gt_format(near, sizeof near, "%s!", path);
	ask(m, ix, near);
	gt_format(near, sizeof near, "%.*s", (int)n - 1, path);
	ask(m, ix, near);
	near[n - 2]++;
	ask(m, ix, near);
}

static void ten_thousand_names(void **state)
{
	enum { NAMES = 10000 };
	static char *names[NAMES];
	struct pack p = {.n = 0};
	struct kit_index k;
	uint64_t r = 13;
	(void)state;
	size_t n = draw_names(names, NAMES, &r);
	assert_true(n > 9000);
	pack_names(&p, names, n);
	struct gt_manifest *m = pack_manifest(&p);
	kit_index(&k, &p);
	assert_int_equal(k.ix.nfiles, n);
	assert_true(k.ix.file_blocks > 50);
	for (size_t i = 0; i < n; i++)
		ask_around(m, &k.ix, names[i]);
	ask(m, &k.ix, "");
	ask(m, &k.ix, "\x7f");
	struct gt_index_cursor c;
	struct gt_member got;
	assert_int_equal(gt_index_seek(&c, &k.ix, ""), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(gt_index_next(&c, &got), 0);
		assert_int_equal(got.number, i);
		same_file(m, &got);
	}
	assert_int_equal(gt_index_next(&c, &got), -GT_EUNKNOWN);
	gt_manifest_free(m);
	kit_clear(&k);
	pack_clear(&p);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
}

/* Frames enough for several blocks, met by number, by either stream, and in the
 * seek table cut anywhere. */
static void ask_frames(const struct gt_manifest *m, const struct gt_index *ix)
{
	struct gt_index_frame f;
	for (uint32_t i = 0; i < m->nframes; i++) {
		assert_int_equal(gt_index_frame(ix, i, &f), 0);
		assert_int_equal(f.number, i);
		same_frame(m, &f);
		uint64_t at[] = {m->plain_at[i], m->plain_at[i + 1] - 1};
		uint64_t in[] = {m->stored_at[i], m->stored_at[i + 1] - 1};
		for (int end = 0; end < 2; end++) {
			assert_int_equal(gt_index_plain_at(ix, at[end], &f), 0);
			assert_int_equal(f.number, i);
			same_frame(m, &f);
			assert_int_equal(gt_index_stored_at(ix, in[end], &f),
			                 0);
			assert_int_equal(f.number, i);
		}
	}
	assert_int_equal(gt_index_frame(ix, m->nframes, &f), -GT_EUNKNOWN);
	assert_int_equal(gt_index_plain_at(ix, m->plain_at[m->nframes], &f),
	                 -GT_EUNKNOWN);
	assert_int_equal(gt_index_stored_at(ix, m->stored_at[m->nframes], &f),
	                 -GT_EUNKNOWN);
}

static void ask_tail(const struct gt_manifest *m, const struct gt_index *ix,
                     uint64_t seed)
{
	uint64_t n = gt_manifest_tail_size(m->nframes);
	uint8_t *want = malloc(n), *got = malloc(n);
	assert_true(want && got);
	gt_manifest_tail(m, want);
	assert_int_equal(ix->file_size, m->file_size);
	for (int i = 0; i < 200; i++) {
		size_t some;
		uint64_t from = kit_random(&seed) % (n + 1);
		size_t most = kit_random(&seed) % n + 1;
		assert_int_equal(gt_index_tail(ix, from, got, most, &some), 0);
		assert_int_equal(some, most < n - from ? most : n - from);
		assert_memory_equal(got, want + from, some);
	}
	free(want);
	free(got);
}

static void frames(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 12; seed++) {
		struct pack p;
		struct kit_index k;
		pack_random(&p, seed, 1, 0);
		struct gt_manifest *m = pack_manifest(&p);
		kit_index(&k, &p);
		ask_frames(m, &k.ix);
		ask_tail(m, &k.ix, seed);
		for (uint32_t i = 0; i < m->nfiles; i++)
			ask(m, &k.ix, m->files[i].path);
		gt_manifest_free(m);
		kit_clear(&k);
		pack_clear(&p);
	}
}

/* A package of 20 MiB that does not compress, in cuts. */
static void many_frames(void **state)
{
	enum { SIZE = 20 << 20 };
	struct pack p = {.n = 0};
	struct kit_index k;
	uint64_t r = 5;
	uint8_t *bytes = malloc(SIZE);
	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < SIZE; i += 8) {
		uint64_t x = kit_random(&r);
		memcpy(bytes + i, &x, 8);
	}
	pack_add(&p, "a.bin", bytes, SIZE);
	pack_make(&p, 1, 0);
	struct gt_manifest *m = pack_manifest(&p);
	kit_index(&k, &p);
	assert_true(k.ix.frame_blocks > 1);
	ask_frames(m, &k.ix);
	ask_tail(m, &k.ix, 1);
	gt_manifest_free(m);
	kit_clear(&k);
	pack_clear(&p);
	free(bytes);
}

/* ------------------------------------------------------------- hostile */

/* Whatever bytes: both refuse, or neither. */
static void judge_alike(struct gt_bytes bytes)
{
	struct gt_manifest *m;
	struct kit_index k;
	struct gt_id id;
	char one[300], other[300];
	gt_manifest_id(&id, bytes);
	int a = gt_manifest_new(&m, bytes, one, sizeof one);
	int b = kit_make(&k, &id, bytes, other, sizeof other);
	if (!a != !b)
		fail_msg("manifest %s (%s), index %s (%s)", gt_errname(a), one,
		         gt_errname(b), other);
	assert_int_equal(b != 0, other[0] != '\0');
	assert_int_equal(kit_open(&k, &id), b == 0 ? 0 : -GT_EDAMAGED);
	gt_manifest_free(m);
	kit_clear(&k);
}

static void hostile(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 8; seed++) {
		struct pack p;
		pack_random(&p, seed, 1, 0);
		uint64_t r = seed;
		for (size_t n = 0; n < p.manifest_n; n += 1 + n / 40)
			judge_alike(gt_bytes_of(p.manifest, n));
		for (int i = 0; i < 1500; i++) {
			uint8_t *at =
			        &p.manifest[kit_random(&r) % p.manifest_n];
			uint8_t was = *at;
			*at = (uint8_t)(kit_random(&r) % 2 ? was ^ 1
			                                   : kit_random(&r));
			judge_alike(gt_bytes_of(p.manifest, p.manifest_n));
			*at = was;
		}
		pack_clear(&p);
	}
}

/* Two members, encoded by hand as the wire would bring them. */
static void encode(struct gt_buffer *b, const char *one, const char *other)
{
	const char *const paths[] = {one, other};
	uint8_t id[GT_ID_BYTES] = {1};
	gt_buffer_add(b, "\x08\x01\x12\x20", 4);
	gt_buffer_add(b, id, sizeof id);
	/* 512 + 512 for the heads, 1024 for the end */
	gt_buffer_add(b, "\x1a\x01\x05\x22\x02\x80\x10", 7);
	for (int i = 0; i < 2; i++) {
		uint8_t n = (uint8_t)strlen(paths[i]);
		uint8_t head[] = {0x2a, (uint8_t)(n + 2 + 3 + 5), 0x0a, n};
		uint8_t rest[] = {0x10, 0x80, (uint8_t)(i ? 0x08 : 0x04),
		                  0x22, 3,    't',
		                  '/',  'x'};
		gt_buffer_add(b, head, sizeof head);
		gt_buffer_str(b, paths[i]);
		gt_buffer_add(b, rest, sizeof rest);
	}
}

static void names_that_lie(void **state)
{
	static const struct {
		const char *one, *other, *why;
		int status;
	} rows[] = {
	        {"a", "b", "", 0},
	        {"b", "a", "member \"a\": out of order", -GT_EINVALID},
	        {"a", "a", "member \"a\": the path is there twice",
	         -GT_EINVALID},
	        {"a", "a/b", "under a member that is a file", -GT_EINVALID},
	        {"a", "../b", "\"..\" component", -GT_EINVALID},
	        {"a", "b\n", "control character", -GT_EINVALID},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct gt_buffer b = {0};
		struct kit_index k;
		struct gt_id id;
		char why[300];
		encode(&b, rows[i].one, rows[i].other);
		gt_manifest_id(&id, gt_buffer_bytes(&b));
		int status =
		        kit_make(&k, &id, gt_buffer_bytes(&b), why, sizeof why);
		if (status != rows[i].status || !strstr(why, rows[i].why))
			fail_msg("%zu: %s (%s)", i, gt_errname(status), why);
		kit_clear(&k);
		judge_alike(gt_buffer_bytes(&b));
		gt_buffer_free(&b);
	}
}

/* ------------------------------------------------------------- damaged */

/* Every answer is the right one, or none. */
static void ask_all(const struct gt_manifest *m, const struct gt_index *ix,
                    unsigned *refused)
{
	struct gt_index_cursor c;
	struct gt_member got;
	struct gt_index_frame f;
	for (uint32_t i = 0; i < m->nfiles; i++) {
		int status = gt_index_find(&c, ix, m->files[i].path, &got);
		*refused += status == -GT_EDAMAGED;
		assert_true(status == 0 || status == -GT_EDAMAGED);
		if (status == 0)
			same_file(m, &got);
	}
	for (uint32_t i = 0; i < m->nframes; i++) {
		int status = gt_index_plain_at(ix, m->plain_at[i], &f);
		*refused += status == -GT_EDAMAGED;
		assert_true(status == 0 || status == -GT_EDAMAGED);
		if (status == 0)
			same_frame(m, &f);
	}
}

static void damaged(void **state)
{
	struct pack p;
	struct kit_index k;
	uint64_t r = 3;
	unsigned refused = 0, shut = 0;
	(void)state;
	pack_random(&p, 4, 1, 0);
	struct gt_manifest *m = pack_manifest(&p);
	kit_index(&k, &p);
	for (int i = 0; i < 600; i++) {
		size_t at = kit_random(&r) % k.bytes.n;
		k.bytes.p[at] ^= (uint8_t)(1 << kit_random(&r) % 8);
		unsigned before = refused + shut;
		if (kit_open(&k, &p.object) == 0)
			ask_all(m, &k.ix, &refused);
		else
			shut++;
		assert_true(refused + shut > before);
		kit_clear(&k);
		kit_index(&k, &p);
	}
	assert_true(shut > 0 && refused > 0);
	/* of any other size; or another object's, though each block is whole */
	struct gt_id other = p.object;
	other.b[31] ^= 1;
	assert_int_equal(kit_open(&k, &other), -GT_EDAMAGED);
	for (size_t n = 0; n < k.bytes.n; n += 512)
		assert_int_equal(
		        gt_index_open(&k.ix, &p.object, n, kit_at, &k.bytes),
		        -GT_EDAMAGED);
	/* two blocks that have changed places */
	uint8_t swap[GT_INDEX_BLOCK];
	memcpy(swap, k.bytes.p, sizeof swap);
	memcpy(k.bytes.p, k.bytes.p + GT_INDEX_BLOCK, GT_INDEX_BLOCK);
	memcpy(k.bytes.p + GT_INDEX_BLOCK, swap, sizeof swap);
	assert_int_equal(kit_open(&k, &p.object), 0);
	refused = 0;
	ask_all(m, &k.ix, &refused);
	assert_int_equal(refused, m->nfiles + m->nframes);
	gt_manifest_free(m);
	kit_clear(&k);
	pack_clear(&p);
}

/* The manifest is another object's, or cannot be read; the disk is full. */
static int full(void *arg, const uint8_t *p, size_t n)
{
	size_t *left = arg;
	(void)p;
	if (*left < n)
		return -GT_ENOSPACE;
	*left -= n;
	return 0;
}

static int unreadable(void *arg, uint64_t offset, uint8_t *out, size_t n)
{
	struct gt_bytes *have = arg;
	if (offset + n > have->n)
		return -GT_EIO;
	memcpy(out, have->p + offset, n);
	return 0;
}

static void failures(void **state)
{
	struct pack p;
	struct kit_index k;
	char why[300];
	(void)state;
	pack_random(&p, 4, 1, 0);
	struct gt_bytes bytes = {p.manifest, p.manifest_n};
	struct gt_id other = p.object;
	other.b[0] ^= 1;
	assert_int_equal(kit_make(&k, &other, bytes, why, sizeof why),
	                 -GT_EDAMAGED);
	kit_clear(&k);
	for (size_t room = 0; room < 3; room++) {
		size_t left = room * GT_INDEX_BLOCK;
		assert_int_equal(gt_index_make(&p.object, bytes.n, unreadable,
		                               &bytes, full, &left, why,
		                               sizeof why),
		                 room < 3 ? -GT_ENOSPACE : 0);
	}
	struct gt_bytes less = {p.manifest, p.manifest_n - 1};
	size_t left = 1 << 20;
	assert_int_equal(gt_index_make(&p.object, bytes.n, unreadable, &less,
	                               full, &left, why, sizeof why),
	                 -GT_EIO);
	for (size_t n = 0; nomem_each(&n);) {
		int status = kit_make(&k, &p.object, bytes, why, sizeof why);
		assert_int_equal(status != 0, nomem_hit());
		kit_clear(&k);
	}
	pack_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ten_thousand_names), cmocka_unit_test(frames),
	        cmocka_unit_test(many_frames),        cmocka_unit_test(hostile),
	        cmocka_unit_test(names_that_lie),     cmocka_unit_test(damaged),
	        cmocka_unit_test(failures),
	};
	return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
