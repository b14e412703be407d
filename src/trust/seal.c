#include "seal.h"

#include "merkle.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const char context[] = "guantong seal v1\n";
enum { CONTEXT = sizeof context - 1, SIGNED_TEXT = CONTEXT + GT_ID_BYTES };

int gt_key_from_seed(struct gt_key *key, const uint8_t seed[GT_KEY_BYTES])
{
	size_t n = sizeof key->public;
	EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
	                                           GT_KEY_BYTES);
	bool ok = k && EVP_PKEY_get_raw_public_key(k, key->public, &n) == 1 &&
	          n == GT_KEY_BYTES;
	EVP_PKEY_free(k);
	memcpy(key->seed, seed, GT_KEY_BYTES);
	return ok ? 0 : -GT_ENOMEM;
}

int gt_sign(const struct gt_key *key, struct gt_bytes text,
            uint8_t sig[GT_SIGNATURE_BYTES])
{
	size_t n = GT_SIGNATURE_BYTES;
	EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
	                                           key->seed, GT_KEY_BYTES);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = k && c && EVP_DigestSignInit(c, NULL, NULL, NULL, k) == 1 &&
	          EVP_DigestSign(c, sig, &n, text.p, text.n) == 1;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	return ok ? 0 : -GT_ENOMEM;
}

/* 1: good. 0: bad, or OpenSSL ran out of memory where it does not tell. No
 * bytes of the caller's can make the steps before fail. */
static int verify_once(const uint8_t public[GT_KEY_BYTES], struct gt_bytes text,
                       const uint8_t sig[GT_SIGNATURE_BYTES])
{
	EVP_PKEY *k = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
	                                          public, GT_KEY_BYTES);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int status = -GT_ENOMEM;
	if (k && c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, k) == 1)
		status = EVP_DigestVerify(c, sig, GT_SIGNATURE_BYTES, text.p,
		                          text.n) == 1;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	return status;
}

/* A signature known to be good, RFC 8032 7.1, test 1. */
static int verify_known(void)
{
	static const uint8_t public[GT_KEY_BYTES] =
	        "\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64"
	        "\x07\x3a\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68"
	        "\xf7\x07\x51\x1a";
	static const uint8_t sig[GT_SIGNATURE_BYTES] =
	        "\xe5\x56\x43\x00\xc3\x60\xac\x72\x90\x86\xe2\xcc\x80\x6e"
	        "\x82\x8a\x84\x87\x7f\x1e\xb8\xe5\xd9\x74\xd8\x73\xe0\x65"
	        "\x22\x49\x01\x55\x5f\xb8\x82\x15\x90\xa3\x3b\xac\xc6\x1e"
	        "\x39\x70\x1c\xf9\xb4\x6b\xd2\x5b\xf5\xf0\x59\x5b\xbe\x24"
	        "\x65\x51\x41\x43\x8e\x7a\x10\x0b";
	return verify_once(public, gt_bytes_str(""), sig);
}

/* A verdict of "bad" is for ever: an item refused is not asked for again. So
 * it is believed only of an OpenSSL that at the same time finds a good one
 * good. */
int gt_verify(const uint8_t public[GT_KEY_BYTES], struct gt_bytes text,
              const uint8_t sig[GT_SIGNATURE_BYTES])
{
	int status = verify_once(public, text, sig);
	if (status == 0)
		status = verify_once(public, text, sig);
	if (status == 0 && verify_known() != 1)
		status = -GT_ENOMEM;
	if (status < 0)
		return status;
	return status == 1 ? 0 : -GT_ESIGNATURE;
}

/* ---------------------------------------- the Merkle tree, RFC 6962 */

static void leaf_hash(struct gt_id *out, Gt__Kind kind, struct gt_bytes body)
{
	uint8_t head[2] = {0, (uint8_t)kind};
	struct gt_bytes parts[2] = {{head, 2}, body};
	gt_sha256(out, parts, 2);
}

struct tree {
	const struct gt_id *leaves;
	struct gt_id (*paths)[GT_SEAL_DEPTH]; /* of each leaf, leaf to root */
	uint8_t *depth;
	size_t n;
};

/* Hashes leaves [at, at + n) and appends each half's root to the paths of the
 * other half. Recursion is at most GT_SEAL_DEPTH deep. */
static void subtree(struct tree *t, size_t at, size_t n, struct gt_id *root)
{
	if (n == 1) {
		*root = t->leaves[at];
		return;
	}
	struct gt_id l, r;
	size_t k = gt_merkle_split(n);
	subtree(t, at, k, &l);
	subtree(t, at + k, n - k, &r);
	for (size_t i = at; i < at + n; i++)
		t->paths[i][t->depth[i]++] = i < at + k ? r : l;
	gt_merkle_node(root, &l, &r);
}

/* The root that leaf `index` of `count` and its path lead to (RFC 9162
 * 2.1.3.2). False: the path is not of the right length. */
static bool climb(struct gt_id *root, const Gt__Signed *s)
{
	uint64_t fn = s->index, sn = s->count - 1;
	struct gt_id h = *root;
	for (size_t i = 0; i < s->n_path; i++) {
		struct gt_id sibling;
		if (s->path[i].len != GT_ID_BYTES || sn == 0)
			return false;
		memcpy(sibling.b, s->path[i].data, GT_ID_BYTES);
		if ((fn & 1) || fn == sn) {
			gt_merkle_node(&h, &sibling, &h);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			gt_merkle_node(&h, &h, &sibling);
		}
		fn >>= 1;
		sn >>= 1;
	}
	*root = h;
	return sn == 0;
}

static void signed_text(uint8_t out[SIGNED_TEXT], const struct gt_id *root)
{
	memcpy(out, context, CONTEXT);
	memcpy(out + CONTEXT, root->b, GT_ID_BYTES);
}

/* ------------------------------------------------------------- seal */

static struct gt_bytes encode(const struct gt_key *key, Gt__Kind kind,
                              struct gt_bytes body,
                              const uint8_t sig[GT_SIGNATURE_BYTES],
                              const struct tree *t, size_t i,
                              struct gt_arena *arena)
{
	Gt__Signed s = GT__SIGNED__INIT;
	ProtobufCBinaryData path[GT_SEAL_DEPTH];
	s.kind = kind;
	s.body = gt_lend_bytes(body);
	s.key = gt_lend_bytes(gt_bytes_of(key->public, GT_KEY_BYTES));
	s.signature = gt_lend_bytes(gt_bytes_of(sig, GT_SIGNATURE_BYTES));
	s.index = i;
	s.count = t->n;
	s.n_path = t->depth[i];
	s.path = path;
	for (size_t k = 0; k < s.n_path; k++)
		path[k] = (ProtobufCBinaryData){GT_ID_BYTES, t->paths[i][k].b};
	return gt_arena_pack(arena, &s.base);
}

int gt_seal(const struct gt_key *key, Gt__Kind kind,
            const struct gt_bytes *bodies, size_t n, struct gt_arena *arena,
            struct gt_bytes *out)
{
	if (n == 0 || n > GT_SEAL_MAX)
		return -GT_ELIMIT;
	struct gt_id *leaves = gt_arena_get(arena, n * sizeof *leaves);
	struct tree t = {
	        leaves,
	        gt_arena_get(arena, n * sizeof(struct gt_id) * GT_SEAL_DEPTH),
	        gt_arena_get(arena, n), n};
	if (!leaves || !t.paths || !t.depth)
		return -GT_ENOMEM;
	memset(t.depth, 0, n);
	for (size_t i = 0; i < n; i++)
		leaf_hash(&leaves[i], kind, bodies[i]);
	struct gt_id root;
	uint8_t text[SIGNED_TEXT], sig[GT_SIGNATURE_BYTES];
	subtree(&t, 0, n, &root);
	signed_text(text, &root);
	int status = gt_sign(key, gt_bytes_of(text, sizeof text), sig);
	for (size_t i = 0; status == 0 && i < n; i++) {
		out[i] = encode(key, kind, bodies[i], sig, &t, i, arena);
		if (!out[i].p)
			status = -GT_ENOMEM;
	}
	return status;
}

/* ----------------------------------------------------------- unseal */

enum { CACHE = 64 };

struct gt_seal_cache {
	unsigned next;
	struct gt_id good[CACHE]; /* SHA-256(key || signature || root) */
};

struct gt_seal_cache *gt_seal_cache_new(void)
{
	return calloc(1, sizeof(struct gt_seal_cache));
}

void gt_seal_cache_free(struct gt_seal_cache *cache)
{
	free(cache);
}

static bool remembered(const struct gt_seal_cache *cache,
                       const struct gt_id *what)
{
	for (unsigned i = 0; i < CACHE; i++)
		if (gt_id_eq(&cache->good[i], what))
			return true;
	return false;
}

int gt_unseal(const Gt__Signed *s, struct gt_seal_cache *cache)
{
	if (s->key.len != GT_KEY_BYTES ||
	    s->signature.len != GT_SIGNATURE_BYTES || s->count > GT_SEAL_MAX ||
	    s->index >= s->count)
		return -GT_EMALFORMED;
	struct gt_id root, token;
	uint8_t text[SIGNED_TEXT];
	leaf_hash(&root, s->kind, gt_bytes_of(s->body.data, s->body.len));
	if (!climb(&root, s))
		return -GT_EMALFORMED;
	struct gt_bytes parts[3] = {{s->key.data, GT_KEY_BYTES},
	                            {s->signature.data, GT_SIGNATURE_BYTES},
	                            {root.b, GT_ID_BYTES}};
	gt_sha256(&token, parts, 3);
	if (cache && remembered(cache, &token))
		return 0;
	signed_text(text, &root);
	int status = gt_verify(s->key.data, gt_bytes_of(text, sizeof text),
	                       s->signature.data);
	if (status == 0 && cache)
		cache->good[cache->next++ % CACHE] = token;
	return status;
}
