#include "secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "sys.h"

/* Of scrypt: 16 MiB, some 50 ms on what a county has. */
enum { COST = 1 << 14, BLOCK = 8, LANES = 1, MEMORY = 32 << 20 };

void gt_secret_make(char out[GT_CREDENTIAL_SECRET])
{
	static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t draw[25];
	size_t at = 0;
	static_assert(sizeof letters == 33, "five bits a letter");
	gt_sys_random(draw, sizeof draw);
	for (size_t i = 0; i < sizeof draw; i++) {
		if (i > 0 && i % 5 == 0)
			out[at++] = '-';
		out[at++] = letters[draw[i] & 31];
	}
	out[at] = '\0';
	assert(at + 1 == GT_CREDENTIAL_SECRET);
	OPENSSL_cleanse(draw, sizeof draw);
}

static int hash(struct gt_id *out, const struct gt_secret *s,
                const char *secret)
{
	static const char domain[] = "guantong credential v1\n";
	struct gt_bytes parts[3] = {gt_bytes_str(domain),
	                            gt_bytes_of(s->salt, sizeof s->salt),
	                            gt_bytes_str(secret)};
	if (!s->thought_of) {
		gt_sha256(out, parts, 3);
		return 0;
	}
	return EVP_PBE_scrypt(secret, strlen(secret), s->salt, sizeof s->salt,
	                      COST, BLOCK, LANES, MEMORY, out->b,
	                      sizeof out->b) == 1
	               ? 0
	               : -GT_ENOMEM;
}

int gt_secret_keep(struct gt_secret *out, const char *secret, bool thought_of)
{
	out->thought_of = thought_of;
	gt_sys_random(out->salt, sizeof out->salt);
	return hash(&out->hash, out, secret);
}

int gt_secret_try(bool *same, const struct gt_secret *kept, const char *secret)
{
	struct gt_id got;
	int status = hash(&got, kept, secret);
	*same = status == 0 &&
	        CRYPTO_memcmp(got.b, kept->hash.b, sizeof got.b) == 0;
	return status;
}
