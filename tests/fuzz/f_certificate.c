/* f_certificate.c: a file that is said to be a certificate, or a list of those
 * revoked: JSON of anybody's.
 *
 * Whatever it is, it is told what it is and why; a list is opened by the key it
 * names alone. What was signed here and then spoilt in one byte is never taken
 * for signed: the first byte of the input says where. */
#include <stdlib.h>
#include <string.h>

#include "credential.h"
#include "json.h"
#include "status_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct gt_bytes text)
{
	struct gt_certificate_read r;
	enum gt_genuine is;
	json_error_t error;
	json_t *v = gt_json_load(text, GT_JSON_STRICT, &error);
	if (!v)
		return;
	assert(gt_credential_read(v, &r, &is) == 0);
	assert(is == GT_CERTIFICATE_SIGNED || (r.why && *r.why));
	assert(r.id && r.list && r.title && r.index < GT_CERTIFICATE_BITS);
	struct gt_list l;
	int status = gt_list_open(v, &l);
	assert(status != -GT_ENOMEM);
	if (status == 0) {
		assert(gt_list_covers(&l, &l));
		gt_list_close(&l);
	}
	json_decref(v);
}

/* What a neighbour sends for a packed list. */
static void unpack(struct gt_bytes packed)
{
	json_t *v;
	struct gt_list l;
	int status = gt_list_unpack(&v, packed);
	assert((status == 0) == (v != NULL));
	assert(status == 0 || status == -GT_EMALFORMED);
	if (status == 0 && gt_list_open(v, &l) == 0)
		gt_list_close(&l);
	json_decref(v);
}

/* One of our own, with one byte of its text another. */
static void spoil(uint8_t at, uint8_t by)
{
	static char *whole;
	static size_t n;
	struct gt_certificate_read r;
	enum gt_genuine is;
	json_error_t error;
	if (!whole) {
		static const uint8_t seed[GT_KEY_BYTES] = {7};
		static const struct gt_credential c = {
		        .id = "urn:uuid:1",
		        .issuer_code = "33",
		        .issuer_name = "n",
		        .from = "2026-01-01T00:00:00.000Z",
		        .identifier = "i",
		        .identifier_type = "accountId",
		        .salt = "s",
		        .name = "w",
		        .activity = "http://a.cn/1",
		        .title = "t",
		        .description = ""};
		struct gt_key key;
		struct gt_buffer b = {0};
		assert(gt_key_from_seed(&key, seed) == 0);
		json_t *v = gt_credential_sign(&c, &key);
		assert(v && gt_json_canon(&b, v) == 0);
		json_decref(v);
		whole = gt_buffer_text(&b, &n);
		assert(whole);
	}
	size_t i = (size_t)at * n / 256;
	if (by == 0)
		return;
	whole[i] = (char)(whole[i] ^ by);
	json_t *v = gt_json_load(gt_bytes_of(whole, n), GT_JSON_STRICT, &error);
	if (v) {
		assert(gt_credential_read(v, &r, &is) == 0);
		assert(is != GT_CERTIFICATE_SIGNED);
	}
	json_decref(v);
	whole[i] = (char)(whole[i] ^ by);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	spoil(data[0], data[1]);
	look(gt_bytes_of(data + 2, size - 2));
	unpack(gt_bytes_of(data + 2, size - 2));
	return 0;
}
