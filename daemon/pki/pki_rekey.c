/* pki_rekey.c: another signing key for a member that has one.
 *
 * The new key lies beside the old one, as node.key.new, before the roster names
 * it; only then does it take the old one's place, which stays as
 * node.key.VERSION. So a run cut short at any point is gone on with by the next,
 * and no key is lost or written over.
 * Tests: u_pki.c. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "pki_have.h"
#include "say.h"

/* What a row keeps of the past, the newest last. */
enum { FORMER_MAX = 16, KEY = 32 };

static int read_seed(const char *path, uint8_t public[KEY], char *why,
                     size_t why_cap)
{
	struct gt_buffer hex;
	struct gt_key key;
	int status =
	        gt_files_read(path, GT_PKI_SEED_FILE_MAX, &hex, why, why_cap);
	if (status)
		return status;
	status = gt_pki_seed_of(&hex, &key);
	if (status)
		gt_say_into(why, why_cap, GT_T_CLI_PKI_NOT_KEY, path);
	else
		memcpy(public, key.public, KEY);
	OPENSSL_cleanse(&key, sizeof key);
	gt_buffer_wipe(&hex);
	return status;
}

/* The old key behind those that were before it; lost: it vouches for nothing. */
static int remember(struct gt_pki *pki, struct gt_pki_member *m, bool lost)
{
	struct gt_bytes old = m->former;
	if (lost)
		return 0;
	if (old.n >= (size_t)FORMER_MAX * KEY) {
		old.p += old.n - (size_t)(FORMER_MAX - 1) * KEY;
		old.n = (size_t)(FORMER_MAX - 1) * KEY;
	}
	uint8_t *p = gt_arena_get(pki->arena, old.n + KEY);
	if (!p)
		return -GT_ENOMEM;
	if (old.n)
		memcpy(p, old.p, old.n);
	memcpy(p + old.n, m->key, KEY);
	m->former = gt_bytes_of(p, old.n + KEY);
	return 0;
}

/* Whoever had that key, a publisher that signs through a node too, has the new
 * one. */
static int give(struct gt_pki *pki, const uint8_t old[KEY],
                const uint8_t public[KEY], bool lost, size_t *list, size_t *n)
{
	int status = 0;
	for (size_t i = 0; !status && i < pki->n; i++) {
		struct gt_pki_member *m = &pki->v[i];
		if (m->revoked || memcmp(m->key, old, KEY) != 0)
			continue;
		status = remember(pki, m, lost);
		memcpy(m->key, public, KEY);
		m->version++;
		m->row = gt_bytes_of(NULL, 0);
		list[(*n)++] = i;
	}
	return status;
}

static int swap(const char *path, const char *made, uint64_t version, char *why,
                size_t why_cap)
{
	char kept[GT_PKI_PATH + 32];
	gt_format(kept, sizeof kept, "%s.%llu", path,
	          (unsigned long long)version);
	/* the old one is there under both names until the new one has its own */
	if ((link(path, kept) == 0 || errno == EEXIST) &&
	    rename(made, path) == 0)
		return 0;
	gt_format(why, why_cap, "%s: %s", path, strerror(errno));
	return -GT_EIO;
}

/* The rows that are to be handed out: of all that have the key now. */
static size_t with_key(const struct gt_pki *pki, const uint8_t key[KEY],
                       size_t *list)
{
	size_t n = 0;
	for (size_t i = 0; i < pki->n; i++)
		if (!pki->v[i].revoked && memcmp(pki->v[i].key, key, KEY) == 0)
			list[n++] = i;
	return n;
}

static int rekey(struct gt_pki *pki, struct gt_pki_member *m, bool lost,
                 const char *path, const char *file, char *why, size_t why_cap)
{
	char made[GT_PKI_PATH + 32];
	uint8_t old[KEY], public[KEY];
	size_t n = 0, *list = calloc(pki->n + 1, sizeof *list);
	gt_format(made, sizeof made, "%s.new", path);
	gt_say_into(why, why_cap, GT_T_CLI_NOMEM);
	int status = list ? read_seed(path, old, why, why_cap) : -GT_ENOMEM;
	if (!status)
		status = gt_pki_seed(made, public, why, why_cap);
	if (status == -GT_ECONFLICT)
		status = read_seed(made, public, why, why_cap);
	/* a run that was cut short had the roster name it already */
	if (!status && memcmp(m->key, public, KEY) != 0) {
		gt_say_into(why, why_cap, GT_T_CLI_NOMEM);
		status = give(pki, m->key, public, lost, list, &n);
		if (!status)
			status = gt_pki_sign(pki);
		if (!status)
			status = gt_pki_save(pki, why, why_cap);
	}
	n = !status ? with_key(pki, public, list) : 0;
	if (!status)
		status = gt_pki_write_rows(pki, file, list, n, why, why_cap);
	if (!status)
		status = swap(path, made, m->version - 1, why, why_cap);
	free(list);
	return status;
}

int gt_pki_rekey(struct gt_pki *pki, const char *code, bool lost,
                 const char *file, char *why, size_t why_cap)
{
	char path[GT_PKI_PATH];
	const struct gt_pki_member *found = gt_pki_find(pki, code);
	if (!found) {
		gt_say_into(why, why_cap, GT_T_CLI_PKI_NO_CODE, code, pki->dir);
		return -GT_EUNKNOWN;
	}
	if (found->revoked) {
		gt_say_into(why, why_cap, GT_T_CLI_PKI_REVOKED, code);
		return -GT_ESTATE;
	}
	if (!gt_pki_path(pki, path, found->publisher ? "publishers" : "nodes",
	                 code, "node.key", why, why_cap))
		return -GT_ELIMIT;
	if (found->publisher && access(path, F_OK) != 0) {
		gt_say_into(why, why_cap, GT_T_CLI_PKI_THROUGH, code);
		return -GT_ESTATE;
	}
	return rekey(pki, &pki->v[found - pki->v], lost, path, file, why,
	             why_cap);
}
