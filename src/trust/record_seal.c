#include "record_seal.h"

#include <string.h>

static const char context[] = "guantong records v1\n";

static void put_be(uint8_t *out, uint64_t v, int n)
{
	for (int i = n; i-- > 0; v >>= 8)
		out[i] = (uint8_t)v;
}

void gt_record_leaf(struct gt_id *out, const Gt__Record *r)
{
	uint8_t head = 0, numbers[12];
	struct gt_id body;
	struct gt_bytes text = gt_bytes_of(r->body.data, r->body.len);
	gt_sha256(&body, &text, 1);
	put_be(numbers, r->flags & ~(uint32_t)GT_RECORD_RESERVED, 4);
	put_be(numbers + 4, (uint64_t)r->stored_ms, 8);
	struct gt_bytes parts[] = {
	        {&head, 1},
	        gt_bytes_of(r->id.data, r->id.len),
	        {body.b, GT_ID_BYTES},
	        {numbers, sizeof numbers},
	        gt_bytes_of(r->origin, strlen(r->origin) + 1),
	        gt_bytes_of(r->policy, strlen(r->policy) + 1),
	        gt_bytes_str(r->authority)};
	gt_sha256(out, parts, sizeof parts / sizeof *parts);
}

enum { SIGNED = sizeof context + GT_CODE_MAX + 1 + 4 + GT_ID_BYTES };

/* by is of GT_CODE_MAX at most. */
static struct gt_bytes signed_text(uint8_t out[SIGNED], const char *by,
                                   uint32_t count, const struct gt_id *root)
{
	size_t n = sizeof context - 1, code = strlen(by) + 1;
	memcpy(out, context, n);
	memcpy(out + n, by, code);
	n += code;
	put_be(out + n, count, 4);
	memcpy(out + n + 4, root->b, GT_ID_BYTES);
	return gt_bytes_of(out, n + 4 + GT_ID_BYTES);
}

uint32_t gt_record_seal_hint(const uint8_t key[GT_KEY_BYTES])
{
	return (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 |
	       (uint32_t)key[2] << 8 | key[3];
}

int gt_record_seal_sign(const struct gt_key *key, const char *by,
                        uint32_t count, const struct gt_id *root,
                        uint8_t signature[GT_SIGNATURE_BYTES])
{
	uint8_t text[SIGNED];
	return gt_sign(key, signed_text(text, by, count, root), signature);
}

int gt_record_seal_check(const Gt__Member *m, const struct gt_record_seal *s,
                         const struct gt_id *root, uint32_t *hint)
{
	uint8_t text[SIGNED];
	int status = -GT_EUNKNOWN;
	if (strlen(s->by) > GT_CODE_MAX || s->signature.n != GT_SIGNATURE_BYTES)
		return -GT_ESIGNATURE;
	struct gt_bytes signed_ = signed_text(text, s->by, s->count, root);
	for (size_t i = 0; i <= m->n_former && status != 0; i++) {
		const ProtobufCBinaryData *k = i ? &m->former[i - 1] : &m->key;
		if (k->len != GT_KEY_BYTES)
			continue;
		*hint = gt_record_seal_hint(k->data);
		if (s->key != 0 && s->key != *hint)
			continue;
		status = gt_verify(k->data, signed_, s->signature.p);
		if (status == -GT_ENOMEM)
			return status;
	}
	return status;
}
