#include "access.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access_inside.h"
#include "files.h"
#include "iso8601.h"
#include "sys.h"
#include "usage.h"

enum {
	NAMES_MAX =
	        GT_CREDENTIAL_NAMES * GT_CREDENTIAL_NAME + 100 /* the mark */
};

int gt_access_no_memory(char *why, size_t why_cap)
{
	gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
	return -GT_ENOMEM;
}

/* ------------------------------------------------------- on the disk */

static void see(struct gt_access_seen *out, const char *path)
{
	struct stat st;
	memset(out, 0, sizeof *out); /* compared as bytes */
	if (stat(path, &st) != 0)
		return;
	out->device = st.st_dev;
	out->inode = st.st_ino;
	out->size = (uint64_t)st.st_size;
	out->written = st.st_mtim;
	out->changed = st.st_ctim;
}

static bool same(const struct gt_access_seen *a, const struct gt_access_seen *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

void gt_access_mark(const struct gt_access *a)
{
	char why[256];
	struct gt_buffer is = {0}, was = {0};
	if (!a->mark || a->fresh || a->lost)
		return;
	bool same =
	        gt_files_read(a->mark, NAMES_MAX, &was, why, sizeof why) == 0;
	bool ok = gt_credentials_names(&is, &a->rows);
	same = same && ok && is.n == was.n && memcmp(is.p, was.p, is.n) == 0;
	if (ok && !same)
		(void)gt_files_write(a->mark, 0600, GT_FILES_OURS,
		                     gt_bytes_of(is.p, is.n), why, sizeof why);
	gt_buffer_free(&is);
	gt_buffer_free(&was);
}

/* Names that were given here, which the file no longer has. False: out of
 * memory. */
static bool recall(struct gt_access *a, struct gt_credentials *rows)
{
	char why[256];
	struct stat st;
	struct gt_buffer text = {0};
	a->recalled = false;
	if (!a->mark || stat(a->mark, &st) != 0 ||
	    gt_files_read(a->mark, NAMES_MAX, &text, why, sizeof why) != 0)
		return true;
	bool ok = gt_buffer_add(&text, "", 1) &&
	          gt_credentials_recall(rows, (const char *)text.p,
	                                (int64_t)st.st_mtim.tv_sec * 1000 + 1,
	                                &a->recalled);
	gt_buffer_free(&text);
	return ok;
}

int gt_access_commit(struct gt_access *a, struct gt_credentials *rows,
                     char *why, size_t why_cap)
{
	int status = gt_credentials_write(rows, a->path, why, why_cap);
	if (status != 0) {
		gt_credentials_free(rows);
		return status;
	}
	gt_credentials_free(&a->rows);
	a->rows = *rows;
	a->fresh = a->lost = false;
	see(&a->read, a->path);
	gt_access_mark(a);
	return 0;
}

void gt_access_carry(const struct gt_access *a, struct gt_credentials *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		struct gt_credential *to = &rows->v[i];
		bool there;
		size_t at = gt_credentials_find(&a->rows, to->name, &there);
		if (!there)
			continue;
		to->used_ms = a->rows.v[at].used_ms;
		to->meter = a->rows.v[at].meter;
	}
}

/* Where there is no file: had one tells whether there was. What cannot be read
 * leaves what counts as it is. The lock is held, or nobody else is there. */
static int read_file(struct gt_access *a, bool had, char *why, size_t why_cap)
{
	struct gt_credentials rows;
	see(&a->read, a->path); /* before: what changes meanwhile is seen */
	int status = gt_credentials_read(&rows, a->path, why, why_cap);
	bool none = status == -GT_EUNKNOWN;
	a->bad = status != 0 && !none;
	if (a->bad)
		return status;
	if (!recall(a, &rows)) {
		a->bad = true;
		gt_credentials_free(&rows);
		return gt_access_no_memory(why, why_cap);
	}
	a->lost = none && (had || (a->mark && access(a->mark, F_OK) == 0));
	a->fresh = none && !a->lost;
	rows.anonymous = none ? a->fresh : rows.anonymous;
	gt_access_carry(a, &rows);
	gt_credentials_free(&a->rows);
	a->rows = rows;
	return 0;
}

int gt_access_refresh(struct gt_access *a, char *why, size_t why_cap)
{
	struct gt_access_seen now;
	see(&now, a->path);
	if (!a->bad && same(&now, &a->read))
		return 0;
	int status = read_file(a, !a->fresh, why, why_cap);
	return status != 0 ? status : 1;
}

int gt_access_look(struct gt_access *a, bool asked, char *why, size_t why_cap)
{
	struct gt_access_seen now;
	int status = 0;
	pthread_mutex_lock(&a->lock);
	see(&now, a->path);
	bool rests = same(&now, &a->last), new = !same(&now, &a->read);
	a->last = now;
	if (asked || (rests && (new || a->bad)))
		status = gt_access_refresh(a, why, why_cap);
	if (status < 0 && !asked && !new)
		status = 0; /* that has been said */
	if (status > 0)
		gt_access_mark(a);
	pthread_mutex_unlock(&a->lock);
	return status;
}

/* ------------------------------------------------------ open, close */

int gt_access_open(struct gt_access **out, const char *path, const char *mark,
                   char *why, size_t why_cap)
{
	struct gt_access *a = calloc(1, sizeof *a);
	*out = a;
	if (a) {
		a->path = strdup(path);
		a->mark = mark ? strdup(mark) : NULL;
	}
	if (!a || !a->path || (mark && !a->mark)) {
		if (a) {
			free(a->path);
			free(a->mark);
		}
		free(a);
		*out = NULL;
		gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
		return -GT_ENOMEM;
	}
	pthread_mutex_init(&a->lock, NULL);
	pthread_mutex_init(&a->slow, NULL);
	gt_sys_random(a->key, sizeof a->key);
	a->tries = GT_ACCESS_TRIES;
	int status = read_file(a, false, why, why_cap);
	a->last = a->read;
	if (status != 0) {
		gt_access_free(a);
		*out = NULL;
	}
	return status;
}

void gt_access_free(struct gt_access *a)
{
	if (!a)
		return;
	pthread_mutex_destroy(&a->lock);
	pthread_mutex_destroy(&a->slow);
	gt_credentials_free(&a->rows);
	free(a->path);
	free(a->mark);
	free(a->used);
	OPENSSL_cleanse(a->key, sizeof a->key);
	free(a);
}

bool gt_access_fresh(struct gt_access *a)
{
	pthread_mutex_lock(&a->lock);
	bool fresh = a->fresh;
	pthread_mutex_unlock(&a->lock);
	return fresh;
}

bool gt_access_lost(struct gt_access *a)
{
	pthread_mutex_lock(&a->lock);
	bool lost = a->lost;
	pthread_mutex_unlock(&a->lock);
	return lost;
}

bool gt_access_anonymous(struct gt_access *a)
{
	pthread_mutex_lock(&a->lock);
	bool anonymous = a->rows.anonymous;
	pthread_mutex_unlock(&a->lock);
	return anonymous;
}

size_t gt_access_count(struct gt_access *a, unsigned scopes)
{
	size_t n = 0;
	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->rows.n; i++)
		n += scopes == 0 || (a->rows.v[i].scopes & scopes) != 0;
	pthread_mutex_unlock(&a->lock);
	return n;
}

bool gt_access_any(struct gt_access *a)
{
	return gt_access_count(a, 0) > 0;
}

/* ------------------------------------------------------- what was used */

bool gt_access_usage(struct gt_access *a, const char *path)
{
	pthread_mutex_lock(&a->lock);
	a->used = strdup(path);
	bool ok = a->used != NULL;
	if (ok)
		gt_usage_read(&a->rows, path, gt_sys_now());
	pthread_mutex_unlock(&a->lock);
	return ok;
}

/* The text to be kept, if it is time. */
static char *used(struct gt_access *a, struct gt_now now, bool last)
{
	char *text = NULL;
	pthread_mutex_lock(&a->lock);
	bool due = last || now.mono_ms - a->kept_ms >= GT_ACCESS_KEEP_MS;
	if (a->used && a->news && due) {
		text = gt_usage_text(&a->rows, now);
		a->news = false;
		a->kept_ms = now.mono_ms;
	}
	pthread_mutex_unlock(&a->lock);
	return text;
}

void gt_access_keep(struct gt_access *a, bool last)
{
	char why[256];
	char *text = used(a, gt_sys_now(), last);
	if (!text)
		return;
	/* nobody waits for the disk meanwhile */
	if (gt_files_write(a->used, 0600, GT_FILES_OURS, gt_bytes_str(text),
	                   why, sizeof why) != 0) {
		pthread_mutex_lock(&a->lock);
		a->news = true;
		pthread_mutex_unlock(&a->lock);
	}
	free(text);
}

/* ------------------------------------------------------------- told */

const char *gt_access_kind(const char *name, bool password)
{
	if (strcmp(name, GT_ACCESS_ANONYMOUS) == 0)
		return "none";
	return password ? "password" : "secret";
}

json_t *gt_access_removed(struct gt_access *a)
{
	pthread_mutex_lock(&a->lock);
	json_t *list = gt_credentials_removed(&a->rows);
	pthread_mutex_unlock(&a->lock);
	return list;
}

static json_t *time_or_null(int64_t ms)
{
	char at[GT_ISO_CHARS];
	gt_iso_format(at, ms);
	return ms > 0 ? json_string(at) : json_null();
}

static json_t *row_told(const struct gt_credential *r, struct gt_now now)
{
	json_t *using = json_object();
	for (unsigned k = 0; using && k < GT_QUOTAS; k++)
		if (r->quota.most[k] > 0 &&
		    json_object_set_new(using, gt_quota_name(k),
		                        json_integer((json_int_t)gt_quota_used(
		                                &r->quota, &r->meter, k,
		                                (int64_t)now.mono_ms))) != 0) {
			json_decref(using);
			return NULL;
		}
	int64_t until_ms =
	        r->before_until_ms > now.wall_ms ? r->before_until_ms : 0;
	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "name",
	                 r->name, "role", gt_scope_role(r->scopes), "kind",
	                 gt_access_kind(r->name, r->key.secret.thought_of),
	                 "created", time_or_null(r->created_ms), "expires",
	                 time_or_null(r->expires_ms), "used",
	                 time_or_null(r->used_ms), "scopes",
	                 gt_scope_list(r->scopes), "quota",
	                 gt_credentials_quota(&r->quota), "using", using,
	                 "before", time_or_null(until_ms));
}

static json_t *anonymous_told(void)
{
	return json_pack(
	        "{s:s,s:s,s:s,s:n,s:n,s:n,s:o,s:{},s:{},s:n}", "name",
	        GT_ACCESS_ANONYMOUS, "role", gt_scope_role(GT_SCOPE_TERMINAL),
	        "kind", gt_access_kind(GT_ACCESS_ANONYMOUS, false), "created",
	        "expires", "used", "scopes", gt_scope_list(GT_SCOPE_WRITE),
	        "quota", "using", "before");
}

json_t *gt_access_list(struct gt_access *a, const char *name)
{
	json_t *list = json_array();
	struct gt_now now = gt_sys_now();
	bool ok = list != NULL;
	pthread_mutex_lock(&a->lock);
	if (ok && a->rows.anonymous &&
	    (!name || strcmp(name, GT_ACCESS_ANONYMOUS) == 0))
		ok = json_array_append_new(list, anonymous_told()) == 0;
	for (size_t i = 0; ok && i < a->rows.n; i++)
		if (!name || strcmp(name, a->rows.v[i].name) == 0)
			ok = json_array_append_new(
			             list, row_told(&a->rows.v[i], now)) == 0;
	pthread_mutex_unlock(&a->lock);
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}
