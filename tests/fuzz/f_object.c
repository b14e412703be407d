/* f_object.c: hostile frames.
 *
 * The first byte chooses. Even: the rest is a plain size (16 bits, less 1) and
 * a stored frame whose publisher signed both, so only gt_frame_inflate stands
 * between it and memory. Odd: the rest edits a good object file, (16-bit
 * offset, byte) again and again; the check must refuse it unless it ends up the
 * same. */
#include <stdlib.h>
#include <string.h>

#include "unit/object_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void inflate(const uint8_t *stored, size_t n)
{
	if (n < 3 || n - 2 > GT_FRAME_STORED_MAX)
		return;
	uint32_t plain = 1U + ((uint32_t)stored[0] << 8 | stored[1]);
	uint32_t size = (uint32_t)n - 2;
	uint64_t at[2] = {0, size}, plain_at[2] = {0, plain};
	struct gt_id id;
	struct gt_manifest m = {.nframes = 1,
	                        .ids = id.b,
	                        .stored = &size,
	                        .plain = &plain,
	                        .stored_at = at,
	                        .plain_at = plain_at};
	static struct gt_inflater *z; /* kept, as a reader keeps it */
	uint8_t *out = malloc(plain);
	int status;
	if (!z)
		z = gt_inflater_new();
	assert(z && out);
	gt_sha256_one(&id, stored + 2, size);
	status = gt_frame_verify(&m, 0, gt_bytes_of(stored + 2, size));
	assert(status == 0);
	status = gt_frame_inflate(z, &m, 0, gt_bytes_of(stored + 2, size), out);
	assert(status == 0 || status == -GT_EDAMAGED);
	free(out);
}

/* A good object: packed once, spoilt each time in another way. */
static const struct gt_manifest *good_object(struct pack *p, uint8_t **good)
{
	pack_add(p, "a.txt", "hello, hello, hello", 19);
	pack_add(p, "b/空.html", "", 0);
	pack_add(p, "c", "0123456789", 10);
	pack_make(p, 3, 0);
	*good = malloc(p->out_n);
	assert(*good);
	memcpy(*good, p->out, p->out_n);
	return pack_manifest(p);
}

static void edit(const uint8_t *edits, size_t n)
{
	static struct pack p;
	static uint8_t *good;
	static const struct gt_manifest *m;
	char why[300] = "";
	if (!m)
		m = good_object(&p, &good);
	for (size_t i = 0; i + 3 <= n; i += 3)
		p.out[(size_t)(edits[i] << 8 | edits[i + 1]) % p.out_n] =
		        edits[i + 2];
	int status = gt_object_check(m, true, read_pack, &p, why, sizeof why);
	assert((status == 0) == (memcmp(good, p.out, p.out_n) == 0));
	assert(status == 0 || (status == -GT_EDAMAGED && why[0]));
	memcpy(p.out, good, p.out_n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	if (data[0] & 1)
		edit(data + 1, n - 1);
	else
		inflate(data + 1, n - 1);
	return 0;
}
