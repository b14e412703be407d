/* f_manifest.c: any bytes as a manifest. What is accepted must keep every
 * promise of gt_manifest, and be encoded in the one way there is. An index is
 * made of it just when it is accepted, and has the same members. */
#include <stdlib.h>
#include <string.h>

#include "guantong.pb-c.h"
#include "unit/index_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct gt_manifest *m)
{
	const char *last = "";
	assert(m->nframes > 0 && m->nfiles > 0);
	for (uint32_t i = 0; i < m->nframes; i++) {
		assert(m->plain[i] > 0 && m->plain[i] <= GT_FRAME_PLAIN_MAX);
		assert(m->stored[i] > 0 && m->stored[i] <= GT_FRAME_STORED_MAX);
		assert(gt_manifest_frame_at(m, m->plain_at[i]) == i);
	}
	for (uint32_t i = 0; i < m->nfiles; i++) {
		const struct gt_file *f = &m->files[i];
		assert(!gt_path_refusal(f->path, strlen(f->path)));
		assert(strcmp(last, f->path) < 0);
		assert(f->offset + f->size <= m->plain_at[m->nframes]);
		assert(gt_manifest_find(m, f->path) == i);
		last = f->path;
	}
	uint64_t tail = m->file_size - m->stored_at[m->nframes];
	uint8_t *out = malloc(tail);
	assert(out);
	gt_manifest_tail(m, out);
	free(out);
}

static void check_encoding(const uint8_t *data, size_t n)
{
	Gt__Manifest *pb = gt__manifest__unpack(NULL, n, data);
	uint8_t *again = malloc(n);
	assert(pb && again);
	assert(gt__manifest__get_packed_size(pb) == n);
	assert(gt__manifest__pack(pb, again) == n);
	assert(memcmp(again, data, n) == 0);
	gt__manifest__free_unpacked(pb, NULL);
	free(again);
}

static void check_index(const uint8_t *data, size_t n,
                        const struct gt_manifest *m)
{
	struct kit_index k;
	struct gt_index_cursor c;
	struct gt_member got;
	struct gt_id id;
	char why[300] = "";
	gt_manifest_id(&id, gt_bytes_of(data, n));
	int status = kit_make(&k, &id, gt_bytes_of(data, n), why, sizeof why);
	assert(!m == (status != 0) && !m == (why[0] != '\0'));
	if (m) {
		status = kit_open(&k, &id);
		assert(status == 0 && k.ix.nfiles == m->nfiles);
	}
	for (uint32_t i = 0; m && i < m->nfiles; i++) {
		status = gt_index_find(&c, &k.ix, m->files[i].path, &got);
		assert(status == 0 && got.number == i &&
		       got.file.offset == m->files[i].offset);
	}
	kit_clear(&k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct gt_manifest *m;
	char why[300] = "";
	int status = gt_manifest_new(&m, gt_bytes_of(data, n), why, sizeof why);
	if (status) {
		assert(!m && why[0] != '\0');
		check_index(data, n, NULL);
		return 0;
	}
	check_index(data, n, m);
	check(m);
	check_encoding(data, n);
	gt_manifest_free(m);
	return 0;
}
