/* access_change.c: credentials made, changed and removed.
 * Tests: u_access.c, u_access_rights.c. */
#include <openssl/crypto.h>
#include <string.h>

#include "access_inside.h"
#include "name.h"
#include "say.h"
#include "sys.h"

/* password NULL: one is made, into secret. */
static int make_key(struct gt_key *key, const char *password,
                    char secret[GT_CREDENTIAL_SECRET], char *why,
                    size_t why_cap)
{
	*key = (struct gt_key){.right = {.is = false}};
	secret[0] = '\0';
	if (!password)
		gt_secret_make(secret);
	int status = gt_secret_keep(&key->secret, password ? password : secret,
	                            password != NULL);
	if (status != 0)
		gt_copy(why, why_cap, gt_strerror(status));
	return status;
}

static int make_row(struct gt_credential *row, const char *name,
                    const char *password, char secret[GT_CREDENTIAL_SECRET],
                    char *why, size_t why_cap)
{
	*row = (struct gt_credential){.scopes = GT_SCOPE_TERMINAL,
	                              .created_ms = gt_sys_now().wall_ms};
	gt_copy(row->name, sizeof row->name, name);
	return make_key(&row->key, password, secret, why, why_cap);
}

static int password_fits(const char *password, char *why, size_t why_cap)
{
	if (!password || (strlen(password) >= GT_CREDENTIAL_LEAST &&
	                  strlen(password) < GT_CREDENTIAL_PASSWORD))
		return 0;
	gt_say_into(why, why_cap, GT_T_ACCESS_BAD_PASSWORD, GT_CREDENTIAL_LEAST,
	            GT_CREDENTIAL_PASSWORD - 1);
	return -GT_ELIMIT;
}

/* Looks for a name that looks like w->name, the same or another, into w->other.
 * What there is counts more than what was. 0, -GT_ENOMEM. */
static int find_alike(const struct gt_credentials *rows,
                      struct gt_access_wanted *w)
{
	int found = 0;
	for (size_t i = 0; found == 0 && i < rows->n; i++)
		if ((found = gt_access_name_alike(rows->v[i].name, w->name)) >
		    0)
			gt_copy(w->other, sizeof w->other, rows->v[i].name);
	for (size_t i = 0; found == 0 && i < rows->nformer; i++)
		if ((found = gt_access_name_alike(rows->former[i].name,
		                                  w->name)) > 0) {
			gt_copy(w->other, sizeof w->other,
			        rows->former[i].name);
			w->removed_ms = rows->former[i].removed_ms;
		}
	return found < 0 ? -GT_ENOMEM : 0;
}

/* May the name be given away? */
static int name_free(const struct gt_credentials *rows,
                     struct gt_access_wanted *w, char *why, size_t why_cap)
{
	bool there;
	if (find_alike(rows, w) != 0)
		return gt_access_no_memory(why, why_cap);
	size_t at = gt_credentials_find_former(rows, w->name, &there);
	if (w->again && there) {
		w->removed_ms = rows->former[at].removed_ms;
		return 0;
	}
	if (*w->other) {
		gt_say_into(why, why_cap, GT_T_ACCESS_THERE, w->other,
		            w->other);
		return -GT_ECONFLICT;
	}
	if (w->again) {
		gt_say_into(why, why_cap, GT_T_ACCESS_NOT_REMOVED, w->name);
		return -GT_EUNKNOWN;
	}
	if (gt_access_name_plain(w->name))
		return 0;
	gt_say_into(why, why_cap, GT_T_ACCESS_BAD_NAME, w->name);
	return -GT_EINVALID;
}

/* The lock is held. row NULL: the one of who has no name. */
static int add(struct gt_access *a, const struct gt_credential *row,
               struct gt_access_wanted *w, char *why, size_t why_cap)
{
	struct gt_credentials rows;
	int status = row ? name_free(&a->rows, w, why, why_cap) : 0;
	if (status != 0)
		return status;
	if (!row && a->rows.anonymous) {
		gt_say_into(why, why_cap, GT_T_ACCESS_THERE, w->name, w->name);
		gt_copy(w->other, sizeof w->other, w->name);
		return -GT_ECONFLICT;
	}
	if (a->rows.n == GT_CREDENTIALS_MAX ||
	    (!w->again && a->rows.n + a->rows.nformer == GT_CREDENTIAL_NAMES)) {
		gt_say_into(why, why_cap, GT_T_ACCESS_MANY, GT_CREDENTIALS_MAX,
		            GT_CREDENTIAL_NAMES);
		return -GT_ESTATE;
	}
	if (!gt_credentials_copy(&rows, &a->rows))
		return gt_access_no_memory(why, why_cap);
	if (row) {
		gt_credentials_add(&rows, row);
	} else {
		rows.anonymous = true;
	}
	return gt_access_commit(a, &rows, why, why_cap);
}

/* The node itself goes by these: one that looks like them is nobody's. */
static bool looks_reserved(const char *name)
{
	static const char *const ours[] = {GT_ACCESS_ANONYMOUS, "terminal"};
	bool is = false;
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		is = is || gt_access_name_alike(ours[i], name) != 0;
	return is;
}

/* Nothing but the name is wanted. */
static bool is_bare(const struct gt_access_wanted *w)
{
	const struct gt_quota none = {0};
	return !w->password && !w->again && w->expires_ms == 0 &&
	       (w->scopes == 0 || w->scopes == GT_SCOPE_TERMINAL) &&
	       memcmp(&w->quota, &none, sizeof none) == 0;
}

int gt_access_add(struct gt_access *a, struct gt_access_wanted *w,
                  char secret[GT_CREDENTIAL_SECRET], char *why, size_t why_cap)
{
	const char *name = w->name, *password = w->password;
	bool nobody = strcmp(name, GT_ACCESS_ANONYMOUS) == 0;
	struct gt_credential row;
	secret[0] = w->other[0] = '\0';
	w->removed_ms = w->created_ms = 0;
	if (nobody ? !is_bare(w)
	           : !gt_access_name_valid(name) || looks_reserved(name)) {
		gt_say_into(why, why_cap, GT_T_ACCESS_BAD_NAME, name);
		return -GT_EINVALID;
	}
	int status = password_fits(password, why, why_cap);
	if (status == 0 && !nobody)
		status = make_row(&row, name, password, secret, why, why_cap);
	if (status != 0)
		return status;
	if (!nobody) {
		row.scopes = w->scopes ? w->scopes : row.scopes;
		row.expires_ms = w->expires_ms;
		row.quota = w->quota;
	}
	pthread_mutex_lock(&a->lock);
	status = gt_access_refresh(a, why, why_cap);
	w->forgot = a->lost && !a->recalled;
	if (status >= 0)
		status = add(a, nobody ? NULL : &row, w, why, why_cap);
	pthread_mutex_unlock(&a->lock);
	if (status != 0)
		OPENSSL_cleanse(secret, GT_CREDENTIAL_SECRET);
	else if (!nobody)
		w->created_ms = row.created_ms;
	return status;
}

/* The lock is held. */
static int drop(struct gt_access *a, const char *name, char *why,
                size_t why_cap)
{
	struct gt_credentials rows;
	bool nobody = strcmp(name, GT_ACCESS_ANONYMOUS) == 0;
	bool there = a->rows.anonymous;
	size_t at = nobody ? 0 : gt_credentials_find(&a->rows, name, &there);
	if (!there) {
		gt_say_into(why, why_cap, GT_T_ACCESS_UNKNOWN, name);
		return -GT_EUNKNOWN;
	}
	if (!gt_credentials_copy(&rows, &a->rows))
		return gt_access_no_memory(why, why_cap);
	if (nobody) {
		rows.anonymous = false;
	} else {
		gt_credentials_drop(&rows, at, gt_sys_now().wall_ms);
	}
	return gt_access_commit(a, &rows, why, why_cap);
}

int gt_access_remove(struct gt_access *a, const char *name, char *why,
                     size_t why_cap)
{
	pthread_mutex_lock(&a->lock);
	int status = gt_access_refresh(a, why, why_cap);
	if (status >= 0)
		status = drop(a, name, why, why_cap);
	pthread_mutex_unlock(&a->lock);
	return status;
}

int gt_access_take_over(struct gt_access *a, const struct gt_access_old *v,
                        size_t n, size_t *left, char *why, size_t why_cap)
{
	struct gt_credentials rows;
	int status = gt_credentials_new(&rows, n, 0) ? 0 : -GT_ENOMEM;
	char none[GT_CREDENTIAL_SECRET];
	*left = 0;
	if (status != 0)
		gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
	for (size_t i = 0; status == 0 && i < n; i++) {
		struct gt_credential row;
		bool there = false;
		bool valid = rows.n < GT_CREDENTIALS_MAX &&
		             gt_access_name_valid(v[i].name);
		if (valid)
			(void)gt_credentials_find(&rows, v[i].name, &there);
		if (!valid || there) {
			++*left;
			continue;
		}
		status = make_row(&row, v[i].name, v[i].password, none, why,
		                  why_cap);
		if (status == 0)
			gt_credentials_add(&rows, &row);
	}
	if (status != 0) {
		gt_credentials_free(&rows);
		return status;
	}
	pthread_mutex_lock(&a->lock);
	status = gt_access_commit(a, &rows, why, why_cap);
	pthread_mutex_unlock(&a->lock);
	return status;
}

/* A copy of the rows, with one to be changed. The lock is held. */
static int copy_for(struct gt_access *a, const char *name,
                    struct gt_credentials *rows, struct gt_credential **row,
                    char *why, size_t why_cap)
{
	bool there;
	int status = gt_access_refresh(a, why, why_cap);
	if (status < 0)
		return status;
	size_t at = gt_credentials_find(&a->rows, name, &there);
	if (!there) {
		gt_say_into(why, why_cap, GT_T_ACCESS_UNKNOWN, name);
		return -GT_EUNKNOWN;
	}
	if (!gt_credentials_copy(rows, &a->rows))
		return gt_access_no_memory(why, why_cap);
	*row = &rows->v[at];
	return 0;
}

int gt_access_rotate(struct gt_access *a, const char *name,
                     const char *password, int64_t grace_ms,
                     char secret[GT_CREDENTIAL_SECRET], char *why,
                     size_t why_cap)
{
	struct gt_credentials rows;
	struct gt_credential *row;
	struct gt_key key;
	secret[0] = '\0';
	int status = password_fits(password, why, why_cap);
	if (status == 0)
		status = make_key(&key, password, secret, why, why_cap);
	if (status != 0)
		return status;
	pthread_mutex_lock(&a->lock);
	status = copy_for(a, name, &rows, &row, why, why_cap);
	if (status == 0) {
		row->before = row->key;
		row->before_until_ms =
		        grace_ms > 0 ? gt_sys_now().wall_ms + grace_ms : 0;
		row->key = key;
		status = gt_access_commit(a, &rows, why, why_cap);
	}
	pthread_mutex_unlock(&a->lock);
	OPENSSL_cleanse(&key, sizeof key);
	if (status != 0)
		OPENSSL_cleanse(secret, GT_CREDENTIAL_SECRET);
	return status;
}

int gt_access_change(struct gt_access *a, const struct gt_access_change *change,
                     char *why, size_t why_cap)
{
	struct gt_credentials rows;
	struct gt_credential *row;
	pthread_mutex_lock(&a->lock);
	int status = copy_for(a, change->name, &rows, &row, why, why_cap);
	if (status == 0) {
		if (change->scopes)
			row->scopes = change->scopes;
		if (change->expires)
			row->expires_ms = change->expires_ms;
		for (unsigned k = 0; k < GT_QUOTAS; k++)
			if (change->quota[k])
				row->quota.most[k] = change->most.most[k];
		status = gt_access_commit(a, &rows, why, why_cap);
	}
	pthread_mutex_unlock(&a->lock);
	return status;
}
