#include "access.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "credentials.h"
#include "files.h"
#include "iso8601.h"
#include "name.h"
#include "say.h"
#include "sys.h"

enum {
	TRIES = 5,         /* passwords looked at in a row */
	TRY_EACH_MS = 500, /* ... and one more after each such time */
	NAMES_MAX =
	        GT_CREDENTIAL_NAMES * GT_CREDENTIAL_NAME + 100 /* the mark */
};

/* The file as it was; zeros: there was none. */
struct seen {
	uint64_t device, inode, size;
	struct timespec written, changed;
};

/*   1. rows.n <= GT_CREDENTIALS_MAX
 *   2. rows.n + rows.nformer <= GT_CREDENTIAL_NAMES, so that there is always
 *      room to remove one
 *   3. tries <= TRIES */
struct gt_access {
	pthread_mutex_t lock; /* of all below */
	pthread_mutex_t slow; /* one scrypt at a time */
	char *path;
	char *mark; /* a file that says there once was one; NULL: none */
	bool fresh, lost;
	bool recalled;    /* the mark has names, if it is there */
	struct seen read; /* what rows are of */
	struct seen last; /* what gt_access_look saw last */
	bool bad;         /* what was read last cannot be: rows are older */
	struct gt_credentials rows;
	uint8_t key[32]; /* digests are this process's own */
	unsigned tries;
	uint64_t tried_ms;
};

static int no_memory(char *why, size_t why_cap)
{
	gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
	return -GT_ENOMEM;
}

/* ------------------------------------------------------- on the disk */

static void see(struct seen *out, const char *path)
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

static bool same(const struct seen *a, const struct seen *b)
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

/* Makes it durable, then the rows that count; they are taken over in any
 * case. */
static int commit(struct gt_access *a, struct gt_credentials *rows, char *why,
                  size_t why_cap)
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
		return no_memory(why, why_cap);
	}
	a->lost = none && (had || (a->mark && access(a->mark, F_OK) == 0));
	a->fresh = none && !a->lost;
	rows.anonymous = none ? a->fresh : rows.anonymous;
	gt_credentials_free(&a->rows);
	a->rows = rows;
	return 0;
}

/* Reads it once more if it is another one. 1: it was. The lock is held. */
static int refresh(struct gt_access *a, char *why, size_t why_cap)
{
	struct seen now;
	see(&now, a->path);
	if (!a->bad && same(&now, &a->read))
		return 0;
	int status = read_file(a, !a->fresh, why, why_cap);
	return status != 0 ? status : 1;
}

int gt_access_look(struct gt_access *a, bool asked, char *why, size_t why_cap)
{
	struct seen now;
	int status = 0;
	pthread_mutex_lock(&a->lock);
	see(&now, a->path);
	bool rests = same(&now, &a->last), new = !same(&now, &a->read);
	a->last = now;
	if (asked || (rests && (new || a->bad)))
		status = refresh(a, why, why_cap);
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
	a->tries = TRIES;
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

size_t gt_access_count(struct gt_access *a, enum gt_role role)
{
	size_t n = 0;
	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->rows.n; i++)
		n += a->rows.v[i].role == role;
	pthread_mutex_unlock(&a->lock);
	return n;
}

bool gt_access_any(struct gt_access *a)
{
	return gt_access_count(a, GT_ROLE_TERMINAL) > 0 ||
	       gt_access_count(a, GT_ROLE_READER) > 0;
}

/* ---------------------------------------------------------- changes */

static int make_row(struct gt_credential *row, const char *name,
                    enum gt_role role, const char *password,
                    char secret[GT_CREDENTIAL_SECRET], char *why,
                    size_t why_cap)
{
	*row = (struct gt_credential){.role = role,
	                              .created_ms = gt_sys_now().wall_ms};
	gt_copy(row->name, sizeof row->name, name);
	secret[0] = '\0';
	if (!password)
		gt_secret_make(secret);
	int status = gt_secret_keep(&row->secret, password ? password : secret,
	                            password != NULL);
	if (status != 0)
		gt_copy(why, why_cap, gt_strerror(status));
	return status;
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
		return no_memory(why, why_cap);
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
		return no_memory(why, why_cap);
	if (row) {
		gt_credentials_add(&rows, row);
	} else {
		rows.anonymous = true;
	}
	return commit(a, &rows, why, why_cap);
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

int gt_access_add(struct gt_access *a, struct gt_access_wanted *w,
                  char secret[GT_CREDENTIAL_SECRET], char *why, size_t why_cap)
{
	const char *name = w->name, *password = w->password;
	bool nobody = strcmp(name, GT_ACCESS_ANONYMOUS) == 0;
	struct gt_credential row;
	secret[0] = w->other[0] = '\0';
	w->removed_ms = w->created_ms = 0;
	if (nobody ? password || w->again || w->role != GT_ROLE_TERMINAL
	           : !gt_access_name_valid(name) || looks_reserved(name)) {
		gt_say_into(why, why_cap, GT_T_ACCESS_BAD_NAME, name);
		return -GT_EINVALID;
	}
	if (password && (strlen(password) < GT_CREDENTIAL_LEAST ||
	                 strlen(password) >= GT_CREDENTIAL_PASSWORD)) {
		gt_say_into(why, why_cap, GT_T_ACCESS_BAD_PASSWORD,
		            GT_CREDENTIAL_LEAST, GT_CREDENTIAL_PASSWORD - 1);
		return -GT_ELIMIT;
	}
	int status = nobody ? 0
	                    : make_row(&row, name, w->role, password, secret,
	                               why, why_cap);
	if (status != 0)
		return status;
	pthread_mutex_lock(&a->lock);
	status = refresh(a, why, why_cap);
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
		return no_memory(why, why_cap);
	if (nobody) {
		rows.anonymous = false;
	} else {
		gt_credentials_drop(&rows, at, gt_sys_now().wall_ms);
	}
	return commit(a, &rows, why, why_cap);
}

int gt_access_remove(struct gt_access *a, const char *name, char *why,
                     size_t why_cap)
{
	pthread_mutex_lock(&a->lock);
	int status = refresh(a, why, why_cap);
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
		status = make_row(&row, v[i].name, GT_ROLE_TERMINAL,
		                  v[i].password, none, why, why_cap);
		if (status == 0)
			gt_credentials_add(&rows, &row);
	}
	if (status != 0) {
		gt_credentials_free(&rows);
		return status;
	}
	pthread_mutex_lock(&a->lock);
	status = commit(a, &rows, why, why_cap);
	pthread_mutex_unlock(&a->lock);
	return status;
}

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

json_t *gt_access_list(struct gt_access *a)
{
	json_t *list = json_array();
	bool ok = list != NULL;
	pthread_mutex_lock(&a->lock);
	if (ok && a->rows.anonymous)
		ok = json_array_append_new(
		             list,
		             json_pack(
		                     "{s:s,s:s,s:s,s:n}", "name",
		                     GT_ACCESS_ANONYMOUS, "role",
		                     gt_role_name(GT_ROLE_TERMINAL), "kind",
		                     gt_access_kind(GT_ACCESS_ANONYMOUS, false),
		                     "created")) == 0;
	for (size_t i = 0; ok && i < a->rows.n; i++) {
		const struct gt_credential *r = &a->rows.v[i];
		char at[GT_ISO_CHARS];
		gt_iso_format(at, r->created_ms);
		ok = json_array_append_new(
		             list,
		             json_pack("{s:s,s:s,s:s,s:s}", "name", r->name,
		                       "role", gt_role_name(r->role), "kind",
		                       gt_access_kind(r->name,
		                                      r->secret.thought_of),
		                       "created", at)) == 0;
	}
	pthread_mutex_unlock(&a->lock);
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

/* ---------------------------------------------------------- proving */

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
	uint64_t more = (now - a->tried_ms) / TRY_EACH_MS;
	if (a->tries == TRIES || more >= TRIES) {
		a->tries = TRIES;
		a->tried_ms = now;
	} else {
		a->tries += (unsigned)more;
		a->tries = a->tries > TRIES ? TRIES : a->tries;
		a->tried_ms += more * TRY_EACH_MS;
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
		if (a->rows.v[i].secret.thought_of)
			return &a->rows.v[i];
	return a->rows.n > 0 ? a->rows.v : NULL;
}

/* What came of it, if the row is still the same. */
static void remember(struct gt_access *a, const struct gt_credential *row,
                     const struct gt_id *digest, bool same)
{
	bool there;
	pthread_mutex_lock(&a->lock);
	size_t at = gt_credentials_find(&a->rows, row->name, &there);
	struct gt_credential *r = there ? &a->rows.v[at] : NULL;
	if (r && gt_id_eq(&r->secret.hash, &row->secret.hash))
		*(same ? &r->right : &r->wrong) =
		        (struct gt_remembered){true, *digest};
	pthread_mutex_unlock(&a->lock);
}

/* Asks scrypt. */
static int think(struct gt_access *a, const struct gt_credential *row,
                 bool there, const char *secret, const struct gt_id *digest,
                 bool *same)
{
	pthread_mutex_lock(&a->slow);
	int status = gt_secret_try(same, &row->secret, secret);
	pthread_mutex_unlock(&a->slow);
	*same = *same && there;
	if (status == 0 && there)
		remember(a, row, digest, *same);
	return status;
}

int gt_access_prove(struct gt_access *a, const char *name, const char *secret,
                    uint64_t now_ms, enum gt_role *role)
{
	struct gt_id mine = digest(a, secret);
	bool there, same = false, slow = false, may = true;
	int status = 0;
	pthread_mutex_lock(&a->lock);
	const struct gt_credential *found = look_up(a, name, &there);
	struct gt_credential row = found ? *found : (struct gt_credential){0};
	if (there && row.secret.thought_of && remembers(&row.right, &mine))
		same = true;
	else if (!(there && remembers(&row.wrong, &mine)))
		slow = row.secret.thought_of;
	if (slow)
		may = may_try(a, now_ms);
	pthread_mutex_unlock(&a->lock);
	if (slow && may)
		status = think(a, &row, there, secret, &mine, &same);
	else if (!row.secret.thought_of)
		status = gt_secret_try(&same, &row.secret, secret);
	*role = row.role;
	OPENSSL_cleanse(&row, sizeof row);
	if (status != 0 || !may)
		return status ? status : -GT_EBUSY;
	return same && there ? 0 : -GT_EIDENTITY;
}
