/* access_prove.c: whose secret is it, and how much may he do.
 * Tests: u_access.c, u_access_rights.c. */
#include <openssl/crypto.h>
#include <string.h>

#include "access_inside.h"

static struct gt_id digest(const struct gt_access *a, const char *secret)
{
	struct gt_id out;
	struct gt_bytes parts[2] = {gt_bytes_of(a->key, sizeof a->key),
	                            gt_bytes_str(secret)};
	gt_sha256(&out, parts, 2);
	return out;
}

static bool remembers(const struct gt_remembered *r, const struct gt_id *digest)
{
	return r->is &&
	       CRYPTO_memcmp(r->digest.b, digest->b, sizeof digest->b) == 0;
}

/* One of the tries there are. The lock is held. */
static bool may_try(struct gt_access *a, uint64_t now)
{
	uint64_t more = (now - a->tried_ms) / GT_ACCESS_TRY_EACH_MS;
	if (a->tries == GT_ACCESS_TRIES || more >= GT_ACCESS_TRIES) {
		a->tries = GT_ACCESS_TRIES;
		a->tried_ms = now;
	} else {
		a->tries += (unsigned)more;
		a->tries =
		        a->tries > GT_ACCESS_TRIES ? GT_ACCESS_TRIES : a->tries;
		a->tried_ms += more * GT_ACCESS_TRY_EACH_MS;
	}
	if (a->tries == 0)
		return false;
	a->tries--;
	return true;
}

/* The row to compare with. Whoever has no row has somebody's who thought of a
 * password, if there is one, so that time does not tell. */
static const struct gt_credential *look_up(const struct gt_access *a,
                                           const char *name, bool *there)
{
	size_t at = gt_credentials_find(&a->rows, name, there);
	if (*there)
		return &a->rows.v[at];
	for (size_t i = 0; i < a->rows.n; i++)
		if (a->rows.v[i].key.secret.thought_of)
			return &a->rows.v[i];
	return a->rows.n > 0 ? a->rows.v : NULL;
}

/* What came of it, if the row still has that secret. */
static void remember(struct gt_access *a, const char *name,
                     const struct gt_key *key, const struct gt_id *digest,
                     bool same)
{
	bool there;
	pthread_mutex_lock(&a->lock);
	size_t at = gt_credentials_find(&a->rows, name, &there);
	for (unsigned i = 0; there && i < 2; i++) {
		struct gt_credential *r = &a->rows.v[at];
		struct gt_key *k = i ? &r->before : &r->key;
		if (gt_id_eq(&k->secret.hash, &key->secret.hash))
			*(same ? &k->right : &k->wrong) =
			        (struct gt_remembered){true, *digest};
	}
	pthread_mutex_unlock(&a->lock);
}

/* Is the secret that of the key, of a row that is there or not? 0 with *same;
 * -GT_EBUSY, -GT_ENOMEM. */
static int try_key(struct gt_access *a, const char *name, bool there,
                   const struct gt_key *key, const char *secret, uint64_t now,
                   bool *same)
{
	struct gt_id mine = digest(a, secret);
	*same = false;
	if (!key->secret.thought_of) {
		int status = gt_secret_try(same, &key->secret, secret);
		*same = *same && there;
		return status;
	}
	if (there && remembers(&key->right, &mine)) {
		*same = true;
		return 0;
	}
	if (there && remembers(&key->wrong, &mine))
		return 0;
	pthread_mutex_lock(&a->lock);
	bool may = may_try(a, now);
	pthread_mutex_unlock(&a->lock);
	if (!may)
		return -GT_EBUSY;
	pthread_mutex_lock(&a->slow); /* scrypt */
	int status = gt_secret_try(same, &key->secret, secret);
	pthread_mutex_unlock(&a->slow);
	*same = *same && there;
	if (status == 0 && there)
		remember(a, name, key, &mine, *same);
	return status;
}

/* Whose secret it is, is known: does it still count? */
static int admit(const struct gt_credential *row, bool before,
                 struct gt_now now, struct gt_access_caller *who)
{
	if (row->expires_ms > 0 && now.wall_ms >= row->expires_ms)
		return -GT_ESTATE;
	if (before && now.wall_ms >= row->before_until_ms)
		return -GT_ESTATE;
	gt_copy(who->name, sizeof who->name, row->name);
	who->scopes = row->scopes;
	return 0;
}

int gt_access_prove(struct gt_access *a, const char *name, const char *secret,
                    struct gt_now now, struct gt_access_caller *who)
{
	bool there, same = false, before = false;
	*who = (struct gt_access_caller){.scopes = 0};
	pthread_mutex_lock(&a->lock);
	const struct gt_credential *found = look_up(a, name, &there);
	struct gt_credential row = found ? *found : (struct gt_credential){0};
	pthread_mutex_unlock(&a->lock);
	int status =
	        try_key(a, name, there, &row.key, secret, now.mono_ms, &same);
	if (status == 0 && !same && there && row.before_until_ms > 0) {
		before = true;
		status = try_key(a, name, true, &row.before, secret,
		                 now.mono_ms, &same);
	}
	if (status == 0)
		status = same ? admit(&row, before, now, who) : -GT_EIDENTITY;
	OPENSSL_cleanse(&row, sizeof row);
	return status;
}

/* The row that has that secret, made here; which one of its two. -1: none. The lock
 * is held. */
static int whose(struct gt_access *a, const char *secret, bool *before)
{
	struct gt_id mine = digest(a, secret);
	bool same;
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < 2 * a->rows.n; i++) {
			struct gt_credential *r = &a->rows.v[i / 2];
			struct gt_key *k = i % 2 ? &r->before : &r->key;
			*before = i % 2;
			if (k->secret.thought_of ||
			    (*before && r->before_until_ms == 0))
				continue;
			if (pass == 0 && remembers(&k->right, &mine))
				return (int)(i / 2);
			if (pass == 0 ||
			    gt_secret_try(&same, &k->secret, secret) != 0 ||
			    !same)
				continue;
			k->right = (struct gt_remembered){true, mine};
			return (int)(i / 2);
		}
	return -1;
}

int gt_access_bearer(struct gt_access *a, const char *secret, struct gt_now now,
                     struct gt_access_caller *who)
{
	bool before;
	*who = (struct gt_access_caller){.scopes = 0};
	pthread_mutex_lock(&a->lock);
	int at = whose(a, secret, &before);
	int status = at < 0 ? -GT_EIDENTITY
	                    : admit(&a->rows.v[at], before, now, who);
	pthread_mutex_unlock(&a->lock);
	return status;
}

int gt_access_spend(struct gt_access *a, const char *name,
                    enum gt_quota_kind kind, uint64_t n, struct gt_now now,
                    int64_t *wait_ms)
{
	bool there;
	int status = 0;
	*wait_ms = 0;
	pthread_mutex_lock(&a->lock);
	size_t at = gt_credentials_find(&a->rows, name, &there);
	if (there) {
		struct gt_credential *r = &a->rows.v[at];
		status = gt_quota_take(&r->quota, &r->meter, kind, n,
		                       (int64_t)now.mono_ms, wait_ms);
		r->used_ms = now.wall_ms;
		a->news = true;
	}
	pthread_mutex_unlock(&a->lock);
	return status;
}
