#include "launch.h"

#include <dirent.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "iso8601.h"
#include "json.h"
#include "secret.h"
#include "sys.h"

enum { PATH = 512, FILE_MAX = 64 << 10 };

/* What a session may: requests a minute, statements and bytes an hour. */
static const struct gt_quota quota = {.most = {[GT_QUOTA_REQUESTS] = 600,
                                               [GT_QUOTA_STATEMENTS] = 3000,
                                               [GT_QUOTA_BYTES] = 64 << 20}};

struct session {
	char id[GT_LAUNCH_ID];
	json_t *bound; /* what gt_launches_prove gives */
	struct gt_secret key, token;
	bool fetched; /* there is a token; the key is spent */
	int64_t fetch_until_ms, session_ms;
	int64_t until_ms; /* if fetched: of the token */
	struct gt_quota_meter meter;
};

/*   1. v is in order of id, and n <= GT_LAUNCHES_MAX
 *   2. a session whose file is not there is not in v */
struct gt_launches {
	pthread_mutex_t lock;
	char *folder;
	bool made; /* the folder */
	struct session *v[GT_LAUNCHES_MAX];
	size_t n;
};

/* ------------------------------------------------------------- in order */

static size_t find(const struct gt_launches *l, const char *id, bool *there)
{
	size_t low = 0, high = l->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(l->v[mid]->id, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*there = low < l->n && strcmp(l->v[low]->id, id) == 0;
	return low;
}

static struct session *get(const struct gt_launches *l, const char *id)
{
	bool there;
	size_t at = find(l, id, &there);
	return there ? l->v[at] : NULL;
}

static void session_free(struct session *s)
{
	if (!s)
		return;
	json_decref(s->bound);
	OPENSSL_cleanse(s, sizeof *s);
	free(s);
}

static void insert(struct gt_launches *l, struct session *s)
{
	bool there;
	size_t at = find(l, s->id, &there);
	assert(!there && l->n < GT_LAUNCHES_MAX);
	memmove(&l->v[at + 1], &l->v[at], (l->n - at) * sizeof *l->v);
	l->v[at] = s;
	l->n++;
}

static void path_of(const struct gt_launches *l, const char *id, char out[PATH])
{
	gt_format(out, PATH, "%s/%s.json", l->folder, id);
}

static void remove_at(struct gt_launches *l, size_t at)
{
	char path[PATH];
	path_of(l, l->v[at]->id, path);
	(void)unlink(path);
	session_free(l->v[at]);
	l->n--;
	memmove(&l->v[at], &l->v[at + 1], (l->n - at) * sizeof *l->v);
}

static bool has_ended(const struct session *s, int64_t now_ms)
{
	return now_ms >= (s->fetched ? s->until_ms : s->fetch_until_ms);
}

/* ---------------------------------------------------------- on the disk */

static json_t *hashed(const struct gt_secret *s)
{
	char salt[2 * GT_SECRET_SALT + 1], hash[2 * GT_ID_BYTES + 1];
	gt_hex(salt, s->salt, GT_SECRET_SALT);
	gt_hex(hash, s->hash.b, GT_ID_BYTES);
	return json_pack("{s:s,s:s}", "salt", salt, "hash", hash);
}

static bool hashed_read(struct gt_secret *s, const json_t *v)
{
	const char *salt = gt_json_member(v, "salt");
	const char *hash = gt_json_member(v, "hash");
	*s = (struct gt_secret){.thought_of = false};
	return strlen(salt) == 2 * GT_SECRET_SALT &&
	       gt_unhex(s->salt, GT_SECRET_SALT, salt) &&
	       strlen(hash) == 2 * GT_ID_BYTES &&
	       gt_unhex(s->hash.b, GT_ID_BYTES, hash);
}

/* Makes a session as it is durable. The lock is held. */
static int keep(struct gt_launches *l, const struct session *s, char *why,
                size_t why_cap)
{
	char path[PATH];
	int status =
	        l->made ? 0 : gt_files_mkdir(l->folder, 0700, why, why_cap);
	if (status != 0)
		return status;
	l->made = true;
	json_t *v = json_pack("{s:i,s:O,s:o,s:I,s:I}", "version", 1, "bound",
	                      s->bound, "key", hashed(&s->key), "fetch_until",
	                      (json_int_t)s->fetch_until_ms, "session_ms",
	                      (json_int_t)s->session_ms);
	bool ok = v != NULL;
	if (ok && s->fetched)
		ok = json_object_set_new(v, "token", hashed(&s->token)) == 0 &&
		     json_object_set_new(
		             v, "until",
		             json_integer((json_int_t)s->until_ms)) == 0;
	char *text = ok ? json_dumps(v, JSON_COMPACT) : NULL;
	json_decref(v);
	path_of(l, s->id, path);
	status = -GT_ENOMEM;
	gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
	if (text)
		status = gt_files_write(path, 0600, GT_FILES_OURS,
		                        gt_bytes_str(text), why, why_cap);
	free(text);
	return status;
}

static bool is_id(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef-");
	return n == GT_LAUNCH_ID - 1 && text[n] == '\0';
}

static bool session_read(struct session *s, const json_t *v)
{
	const json_t *token = json_object_get(v, "token");
	const json_t *bound = json_object_get(v, "bound");
	s->fetched = token != NULL;
	s->fetch_until_ms =
	        json_integer_value(json_object_get(v, "fetch_until"));
	s->session_ms = json_integer_value(json_object_get(v, "session_ms"));
	s->until_ms = json_integer_value(json_object_get(v, "until"));
	s->bound = json_incref(json_object_get(v, "bound"));
	return json_integer_value(json_object_get(v, "version")) == 1 &&
	       is_id(gt_json_member(bound, "session")) &&
	       gt_copy(s->id, sizeof s->id, gt_json_member(bound, "session")) &&
	       is_id(gt_json_member(bound, "registration")) &&
	       *gt_json_member(bound, "activity") &&
	       json_is_object(json_object_get(bound, "agent")) &&
	       hashed_read(&s->key, json_object_get(v, "key")) &&
	       (!token || hashed_read(&s->token, token));
}

/* NULL: it is none. */
static struct session *read_file(const char *path)
{
	char why[256];
	struct gt_buffer text;
	struct session *s = calloc(1, sizeof *s);
	if (!s || gt_files_read(path, FILE_MAX, &text, why, sizeof why) != 0) {
		free(s);
		return NULL;
	}
	json_t *v = gt_json_load(gt_buffer_bytes(&text), JSON_REJECT_DUPLICATES,
	                         NULL);
	gt_buffer_free(&text);
	bool ok = session_read(s, v);
	json_decref(v);
	if (ok)
		return s;
	session_free(s);
	return NULL;
}

static void read_folder(struct gt_launches *l, int64_t now_ms)
{
	DIR *d = opendir(l->folder);
	const struct dirent *e;
	if (!d)
		return;
	l->made = true;
	while ((e = readdir(d)) && l->n < GT_LAUNCHES_MAX) {
		char path[PATH], name[64];
		bool there = true;
		if (e->d_name[0] == '.' ||
		    !gt_copy(name, sizeof name, e->d_name))
			continue;
		gt_format(path, sizeof path, "%s/%s", l->folder, name);
		struct session *s = read_file(path);
		if (s)
			(void)find(l, s->id, &there);
		if (!there && strncmp(name, s->id, strlen(s->id)) == 0 &&
		    strcmp(name + strlen(s->id), ".json") == 0 &&
		    !has_ended(s, now_ms)) {
			insert(l, s);
			continue;
		}
		session_free(s);
		(void)unlink(path);
	}
	(void)closedir(d);
}

struct gt_launches *gt_launches_new(const char *folder)
{
	struct gt_launches *l = calloc(1, sizeof *l);
	if (!l || !(l->folder = strdup(folder)) ||
	    pthread_mutex_init(&l->lock, NULL) != 0) {
		if (l)
			free(l->folder);
		free(l);
		return NULL;
	}
	read_folder(l, gt_sys_now().wall_ms);
	return l;
}

void gt_launches_free(struct gt_launches *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		session_free(l->v[i]);
	pthread_mutex_destroy(&l->lock);
	free(l->folder);
	free(l);
}

/* ------------------------------------------------------------- launches */

static void sweep(struct gt_launches *l, int64_t now_ms)
{
	for (size_t i = l->n; i-- > 0;)
		if (has_ended(l->v[i], now_ms))
			remove_at(l, i);
}

/* Sessions of the same learner in the same course's part end. */
static void end_others(struct gt_launches *l, const json_t *bound)
{
	static const char *const same[] = {"registration", "activity", "agent"};
	for (size_t i = l->n; i-- > 0;) {
		bool is = strcmp(gt_json_member(bound, "session"),
		                 l->v[i]->id) != 0;
		for (size_t k = 0; k < sizeof same / sizeof *same; k++)
			is = is && json_equal(json_object_get(bound, same[k]),
			                      json_object_get(l->v[i]->bound,
			                                      same[k]));
		if (is)
			remove_at(l, i);
	}
}

static json_t *bound_of(const struct gt_launch *launch)
{
	json_t *agent = gt_json_load(gt_bytes_str(launch->agent), 0, NULL);
	return agent ? json_pack("{s:s,s:s,s:s,s:o}", "session",
	                         launch->session, "registration",
	                         launch->registration, "activity",
	                         launch->activity, "agent", agent)
	             : NULL;
}

static int no_memory(char *why, size_t why_cap)
{
	gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
	return -GT_ENOMEM;
}

/* The lock is held. Takes the session, if it returns 0. */
static int add(struct gt_launches *l, struct session *s, char *why,
               size_t why_cap)
{
	sweep(l, gt_sys_now().wall_ms);
	gt_copy(why, why_cap, "");
	if (get(l, s->id))
		return -GT_ECONFLICT;
	end_others(l, s->bound);
	if (l->n == GT_LAUNCHES_MAX)
		return -GT_ESTATE;
	int status = keep(l, s, why, why_cap);
	if (status == 0)
		insert(l, s);
	return status;
}

int gt_launches_add(struct gt_launches *l, const struct gt_launch *launch,
                    char key[GT_LAUNCH_KEY], char *why, size_t why_cap)
{
	char secret[GT_CREDENTIAL_SECRET];
	struct session *s = calloc(1, sizeof *s);
	assert(is_id(launch->session) && is_id(launch->registration));
	if (s)
		s->bound = bound_of(launch);
	if (!s || !s->bound) {
		session_free(s);
		return no_memory(why, why_cap);
	}
	gt_copy(s->id, sizeof s->id, launch->session);
	s->fetch_until_ms = launch->fetch_until_ms;
	s->session_ms = launch->session_ms;
	gt_secret_make(secret);
	int status = gt_secret_keep(&s->key, secret, false);
	pthread_mutex_lock(&l->lock);
	if (status == 0)
		status = add(l, s, why, why_cap);
	pthread_mutex_unlock(&l->lock);
	if (status == 0)
		gt_format(key, GT_LAUNCH_KEY, "%s.%s", launch->session, secret);
	else
		session_free(s);
	OPENSSL_cleanse(secret, sizeof secret);
	return status;
}

void gt_launches_end(struct gt_launches *l, const char *session)
{
	bool there;
	pthread_mutex_lock(&l->lock);
	size_t at = find(l, session, &there);
	if (there)
		remove_at(l, at);
	pthread_mutex_unlock(&l->lock);
}

/* The lock is held. */
static int fetch(struct gt_launches *l, struct session *s, const char *secret,
                 int64_t now_ms, char token[GT_CREDENTIAL_SECRET])
{
	char why[256];
	bool same;
	int status = gt_secret_try(&same, &s->key, secret);
	if (status != 0 || !same)
		return status ? status : -GT_EIDENTITY;
	if (s->fetched || now_ms >= s->fetch_until_ms)
		return -GT_ESTATE;
	gt_secret_make(token);
	status = gt_secret_keep(&s->token, token, false);
	if (status != 0)
		return status;
	s->fetched = true;
	s->until_ms = now_ms + s->session_ms;
	status = keep(l, s, why, sizeof why);
	/* the file is the old one or the new one: while that is not known, the
	 * token is told to nobody, and another may be made */
	if (status != 0)
		s->fetched = false;
	return status;
}

int gt_launches_fetch(struct gt_launches *l, const char *key, int64_t now_ms,
                      char session[GT_LAUNCH_ID],
                      char token[GT_CREDENTIAL_SECRET])
{
	const char *dot = strchr(key, '.');
	token[0] = session[0] = '\0';
	if (!dot || dot - key != GT_LAUNCH_ID - 1)
		return -GT_EIDENTITY;
	memcpy(session, key, GT_LAUNCH_ID - 1);
	session[GT_LAUNCH_ID - 1] = '\0';
	pthread_mutex_lock(&l->lock);
	struct session *s = get(l, session);
	int status = s ? fetch(l, s, dot + 1, now_ms, token) : -GT_EIDENTITY;
	pthread_mutex_unlock(&l->lock);
	if (status != 0)
		OPENSSL_cleanse(token, GT_CREDENTIAL_SECRET);
	return status;
}

bool gt_launches_has(struct gt_launches *l, const char *session, int64_t now_ms)
{
	pthread_mutex_lock(&l->lock);
	const struct session *s = get(l, session);
	bool has = s && s->fetched && !has_ended(s, now_ms);
	pthread_mutex_unlock(&l->lock);
	return has;
}

int gt_launches_prove(struct gt_launches *l, const char *session,
                      const char *token, int64_t now_ms, json_t **bound)
{
	bool same = false;
	int status = 0;
	*bound = NULL;
	pthread_mutex_lock(&l->lock);
	const struct session *s = get(l, session);
	if (s && s->fetched)
		status = gt_secret_try(&same, &s->token, token);
	if (status == 0 && !same)
		status = -GT_EIDENTITY;
	else if (status == 0 && has_ended(s, now_ms))
		status = -GT_ESTATE;
	/* a copy: counts of jansson are no thread's business but ours */
	if (status == 0 && !(*bound = json_deep_copy(s->bound)))
		status = -GT_ENOMEM;
	pthread_mutex_unlock(&l->lock);
	return status;
}

int gt_launches_spend(struct gt_launches *l, const char *session,
                      enum gt_quota_kind kind, uint64_t n, uint64_t now_ms,
                      int64_t *wait_ms)
{
	int status = 0;
	*wait_ms = 0;
	pthread_mutex_lock(&l->lock);
	struct session *s = get(l, session);
	if (s)
		status = gt_quota_take(&quota, &s->meter, kind, n,
		                       (int64_t)now_ms, wait_ms);
	pthread_mutex_unlock(&l->lock);
	return status;
}

void gt_launches_sweep(struct gt_launches *l, int64_t now_ms)
{
	pthread_mutex_lock(&l->lock);
	sweep(l, now_ms);
	pthread_mutex_unlock(&l->lock);
}

size_t gt_launches_count(struct gt_launches *l)
{
	pthread_mutex_lock(&l->lock);
	size_t n = l->n;
	pthread_mutex_unlock(&l->lock);
	return n;
}
