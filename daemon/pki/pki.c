#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "code.h"
#include "files.h"
#include "node_dir.h"
#include "pki_have.h"
#include "say.h"
#include "signed.h"

enum { PEM_MAX = 64 << 10 };

bool gt_pki_path(const struct gt_pki *pki, char out[GT_PKI_PATH],
                 const char *kind, const char *code, const char *file,
                 char *why, size_t why_cap)
{
	size_t n = strlen(pki->dir) + strlen(kind) + strlen(code) +
	           strlen(file) + 4;
	if (n > GT_PKI_PATH) {
		gt_say_into(why, why_cap, GT_T_CLI_PATH_LONG, pki->dir);
		return false;
	}
	gt_format(out, GT_PKI_PATH, "%s/%s%s%s%s%s", pki->dir, kind,
	          *kind ? "/" : "", code, *code && *file ? "/" : "", file);
	return true;
}

/* ----------------------------------------------------------- create */

static int write_hex(const char *path, unsigned mode, const uint8_t b[32],
                     char *why, size_t why_cap)
{
	char hex[2 * 32 + 2];
	gt_hex(hex, b, 32);
	hex[64] = '\n';
	int status = gt_files_write(path, mode, GT_FILES_NEW,
	                            gt_bytes_of(hex, 65), why, why_cap);
	OPENSSL_cleanse(hex, sizeof hex);
	return status;
}

int gt_pki_seed(const char *path, uint8_t public[32], char *why, size_t why_cap)
{
	uint8_t seed[32];
	struct gt_key key;
	if (RAND_priv_bytes(seed, sizeof seed) != 1) {
		gt_say_into(why, why_cap, GT_T_CLI_PKI_OPENSSL);
		return -GT_EIO;
	}
	int status = gt_key_from_seed(&key, seed);
	if (!status)
		status = write_hex(path, 0600, seed, why, why_cap);
	else
		gt_say_into(why, why_cap, GT_T_CLI_PKI_OPENSSL);
	memcpy(public, key.public, sizeof key.public);
	OPENSSL_cleanse(seed, sizeof seed);
	OPENSSL_cleanse(&key, sizeof key);
	return status;
}

/* pem is used up. */
static int write_pem(const char *path, unsigned mode, struct gt_buffer pem,
                     char *why, size_t why_cap)
{
	int status = -GT_EIO;
	if (pem.p)
		status = gt_files_write(path, mode, GT_FILES_NEW,
		                        gt_buffer_bytes(&pem), why, why_cap);
	else
		gt_say_into(why, why_cap, GT_T_CLI_PKI_OPENSSL);
	gt_buffer_wipe(&pem);
	return status;
}

static int make_authority(const struct gt_pki *pki, const char *name, char *why,
                          size_t why_cap)
{
	char path[GT_PKI_PATH];
	int status = -GT_EIO;
	EVP_PKEY *key = gt_cert_key();
	X509 *ca =
	        key ? gt_cert_authority(key, name, (int64_t)time(NULL)) : NULL;
	if (!ca)
		gt_say_into(why, why_cap, GT_T_CLI_PKI_OPENSSL);
	else if (gt_pki_path(pki, path, "", GT_PKI_CA_KEY, "", why, why_cap))
		status = write_pem(path, 0600, gt_cert_key_pem(key), why,
		                   why_cap);
	if (!status && gt_pki_path(pki, path, "", GT_PKI_CA, "", why, why_cap))
		status = write_pem(path, 0644, gt_cert_pem(ca), why, why_cap);
	X509_free(ca);
	EVP_PKEY_free(key);
	return status;
}

int gt_pki_create(const char *dir, const char *name, char *why, size_t why_cap)
{
	struct gt_pki pki = {0};
	char path[GT_PKI_PATH];
	uint8_t public[32];
	if (!gt_copy(pki.dir, sizeof pki.dir, dir)) {
		gt_say_into(why, why_cap, GT_T_CLI_PATH_LONG, dir);
		return -GT_ELIMIT;
	}
	if (!gt_files_empty(dir)) {
		gt_say_into(why, why_cap, GT_T_CLI_PKI_EXISTS, dir, dir);
		return -GT_ECONFLICT;
	}
	int status = gt_files_mkdir(dir, 0700, why, why_cap);
	if (!status)
		status = make_authority(&pki, name, why, why_cap);
	if (!status &&
	    gt_pki_path(&pki, path, "", GT_PKI_SEED, "", why, why_cap))
		status = gt_pki_seed(path, public, why, why_cap);
	if (!status &&
	    gt_pki_path(&pki, path, "", GT_PKI_ROSTER, "", why, why_cap))
		status = write_hex(path, 0644, public, why, why_cap);
	if (!status &&
	    gt_pki_path(&pki, path, "", GT_PKI_MEMBERS, "", why, why_cap))
		status = gt_files_write(path, 0644, GT_FILES_NEW,
		                        gt_bytes_of("", 0), why, why_cap);
	return status;
}

/* ------------------------------------------------------------- open */

static int by_code(const void *a, const void *b)
{
	const struct gt_pki_member *x = a, *y = b;
	int d = strcmp(x->code, y->code);
	if (d)
		return d;
	return x->version < y->version ? 1 : x->version > y->version ? -1 : 0;
}

void gt_pki_sort(struct gt_pki *pki)
{
	size_t kept = 0;
	if (pki->n)
		qsort(pki->v, pki->n, sizeof *pki->v, by_code);
	for (size_t i = 0; i < pki->n; i++)
		if (i == 0 ||
		    strcmp(pki->v[i].code, pki->v[kept - 1].code) != 0)
			pki->v[kept++] = pki->v[i];
	pki->n = kept;
}

struct gt_pki_member *gt_pki_add(struct gt_pki *pki)
{
	if (pki->n == pki->cap) {
		size_t cap = pki->cap ? 2 * pki->cap : 16;
		void *p = realloc(pki->v, cap * sizeof *pki->v);
		if (!p)
			return NULL;
		pki->v = p;
		pki->cap = cap;
	}
	struct gt_pki_member *m = &pki->v[pki->n++];
	memset(m, 0, sizeof *m);
	return m;
}

size_t gt_pki_count(const struct gt_pki *pki)
{
	return pki->n;
}

const struct gt_pki_member *gt_pki_at(const struct gt_pki *pki, size_t i)
{
	assert(i < pki->n);
	return &pki->v[i];
}

static int code_of(const void *code, const void *member)
{
	const struct gt_pki_member *m = member;
	return strcmp(code, m->code);
}

const struct gt_pki_member *gt_pki_find(const struct gt_pki *pki,
                                        const char *code)
{
	return pki->n ? bsearch(code, pki->v, pki->n, sizeof *pki->v, code_of)
	              : NULL;
}

static int take_row(struct gt_pki *pki, struct gt_bytes row,
                    struct gt_seal_cache *cache)
{
	Gt__Signed *s = gt_signed_open(pki->arena, row);
	if (!s || s->kind != GT__KIND__MEMBER || s->key.len != 32)
		return -GT_EMALFORMED;
	if (memcmp(s->key.data, pki->roster.public, 32) != 0)
		return -GT_ESIGNATURE;
	int status = gt_unseal(s, cache);
	if (status)
		return status;
	Gt__Member *m = gt_signed_member(pki->arena, s);
	if (!m || !gt_code_valid(m->code))
		return -GT_EMALFORMED;
	struct gt_pki_member *out = gt_pki_add(pki);
	if (!out)
		return -GT_ENOMEM;
	memcpy(out->key, m->key.data, 32);
	out->version = m->version;
	out->publisher = m->publisher;
	out->revoked = m->standing == GT__STANDING__REVOKED;
	out->placed = *m->parent != '\0';
	out->dated = m->date_key.len == sizeof out->date_key;
	if (out->dated)
		memcpy(out->date_key, m->date_key.data, sizeof out->date_key);
	uint8_t *former = gt_arena_get(pki->arena, m->n_former * 32 + 1);
	for (size_t i = 0; former && i < m->n_former; i++) {
		if (m->former[i].len != 32)
			continue;
		memcpy(former + out->former.n, m->former[i].data, 32);
		out->former = gt_bytes_of(former, out->former.n + 32);
	}
	if (!former)
		return -GT_ENOMEM;
	out->row = gt_bytes_of(gt_arena_copy(pki->arena, row.p, row.n), row.n);
	bool fits = gt_copy(out->code, sizeof out->code, m->code) &&
	            gt_copy(out->level, sizeof out->level, m->level) &&
	            gt_copy(out->name, sizeof out->name, m->name);
	if (!fits)
		return -GT_EMALFORMED;
	return out->row.p ? 0 : -GT_ENOMEM;
}

static int take_rows(struct gt_pki *pki, struct gt_bytes file)
{
	struct gt_seal_cache *cache = gt_seal_cache_new();
	struct gt_bytes row;
	int status = cache ? 0 : -GT_ENOMEM, got = 0;
	while (!status && (got = gt_dir_next_member(&file, &row)) > 0)
		status = take_row(pki, row, cache);
	if (!status)
		status = got;
	gt_seal_cache_free(cache);
	if (!status)
		gt_pki_sort(pki);
	return status;
}

static int read_part(const struct gt_pki *pki, const char *file, size_t max,
                     struct gt_buffer *out, char *why, size_t why_cap)
{
	char path[GT_PKI_PATH];
	if (!gt_pki_path(pki, path, "", file, "", why, why_cap))
		return -GT_ELIMIT;
	return gt_files_read(path, max, out, why, why_cap);
}

static void unreadable(const struct gt_pki *pki, const char *file, char *why,
                       size_t why_cap)
{
	gt_say_into(why, why_cap, GT_T_CLI_PKI_DAMAGED, pki->dir, file);
}

int gt_pki_seed_of(const struct gt_buffer *hex, struct gt_key *key)
{
	uint8_t seed[32];
	hex->p[strcspn((char *)hex->p, "\r\n")] = '\0';
	bool ok = gt_unhex(seed, 32, (char *)hex->p) &&
	          gt_key_from_seed(key, seed) == 0;
	OPENSSL_cleanse(seed, sizeof seed);
	return ok ? 0 : -GT_EINVALID;
}

static int open_keys(struct gt_pki *pki, char *why, size_t why_cap)
{
	struct gt_buffer pem = {0}, key = {0}, hex = {0};
	int status = read_part(pki, GT_PKI_CA, PEM_MAX, &pem, why, why_cap);
	if (status == -GT_EUNKNOWN)
		gt_say_into(why, why_cap, GT_T_CLI_PKI_NONE, pki->dir,
		            GT_PKI_CA, pki->dir);
	if (!status)
		status = read_part(pki, GT_PKI_CA_KEY, PEM_MAX, &key, why,
		                   why_cap);
	if (!status)
		status = read_part(pki, GT_PKI_SEED, GT_PKI_SEED_FILE_MAX, &hex,
		                   why, why_cap);
	if (!status) {
		pki->ca = gt_cert_of_pem(gt_buffer_bytes(&pem));
		pki->ca_key = gt_cert_key_of_pem(gt_buffer_bytes(&key));
		bool ok = pki->ca && pki->ca_key &&
		          X509_check_private_key(pki->ca, pki->ca_key) == 1;
		status = ok ? gt_pki_seed_of(&hex, &pki->roster) : -GT_EINVALID;
		if (status)
			unreadable(pki, ok ? GT_PKI_SEED : GT_PKI_CA_KEY, why,
			           why_cap);
	}
	gt_buffer_free(&pem);
	gt_buffer_wipe(&key);
	gt_buffer_wipe(&hex);
	return status;
}

/* The parent is what the certificate says: the last but one of its codes. */
static void take_certificate(struct gt_pki_member *m, X509 *cert)
{
	char uri[GT_CERT_URI_MAX];
	m->expires_s = gt_cert_expires(cert);
	if (!gt_cert_uri(cert, uri, sizeof uri))
		return;
	char *last = strrchr(uri, '/');
	if (last)
		*last = '\0';
	char *parent = strrchr(uri, '/');
	if (parent && gt_code_valid(parent + 1))
		(void)gt_copy(m->parent, sizeof m->parent, parent + 1);
}

static int open_certificates(struct gt_pki *pki, char *why, size_t why_cap)
{
	char path[GT_PKI_PATH];
	for (size_t i = 0; i < pki->n; i++) {
		struct gt_pki_member *m = &pki->v[i];
		struct gt_buffer pem;
		if (m->publisher)
			continue;
		if (!gt_pki_path(pki, path, "nodes", m->code, "cert.pem", why,
		                 why_cap))
			return -GT_ELIMIT;
		int status = gt_files_read(path, PEM_MAX, &pem, why, why_cap);
		if (status)
			return status;
		X509 *cert = gt_cert_of_pem(gt_buffer_bytes(&pem));
		gt_buffer_free(&pem);
		if (!cert) {
			unreadable(pki, path, why, why_cap);
			return -GT_EINVALID;
		}
		take_certificate(m, cert);
		X509_free(cert);
	}
	return 0;
}

int gt_pki_open(struct gt_pki **out, const char *dir, char *why, size_t why_cap)
{
	struct gt_pki *pki = calloc(1, sizeof *pki);
	struct gt_buffer rows = {0};
	int status = -GT_ENOMEM;
	*out = NULL;
	gt_say_into(why, why_cap, GT_T_CLI_NOMEM);
	if (!pki || !(pki->arena = gt_arena_new()))
		goto done;
	status = gt_copy(pki->dir, sizeof pki->dir, dir) ? 0 : -GT_ELIMIT;
	if (status)
		gt_say_into(why, why_cap, GT_T_CLI_PATH_LONG, dir);
	if (!status)
		status = open_keys(pki, why, why_cap);
	if (!status)
		status = read_part(pki, GT_PKI_MEMBERS, GT_PKI_ROWS_FILE_MAX,
		                   &rows, why, why_cap);
	if (!status && (status = take_rows(pki, gt_buffer_bytes(&rows))))
		unreadable(pki, GT_PKI_MEMBERS, why, why_cap);
	gt_buffer_free(&rows);
	if (!status)
		status = open_certificates(pki, why, why_cap);
done:
	if (status)
		gt_pki_close(pki);
	else
		*out = pki;
	return status;
}

void gt_pki_close(struct gt_pki *pki)
{
	if (!pki)
		return;
	OPENSSL_cleanse(&pki->roster, sizeof pki->roster);
	X509_free(pki->ca);
	EVP_PKEY_free(pki->ca_key);
	gt_arena_free(pki->arena);
	free(pki->v);
	free(pki);
}
