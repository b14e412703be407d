#include "client.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "advice.h"
#include "buffer.h"
#include "dir.h"
#include "node_dir.h"
#include "say.h"
#include "translate.h"

enum {
	ANSWER_MAX = 256 << 20,
	URL_MAX = 8 << 10,
	TIMEOUT_MS = 60000,
	FIND_DEPTH = 4,
};

struct gt_client {
	CURL *curl;
	int dirfd;
	struct curl_slist *heads; /* of the request being made */
	char dir[512];            /* for messages */
	char lang[16];
	char why[1024];
};

/* What one request brings. */
struct answer {
	struct gt_client *client;
	struct gt_buffer kept;
	gt_client_take *take; /* NULL: the answer is kept */
	void *arg;
	bool refused; /* take or memory */
};

static const struct {
	const char *name;
	int code;
} errors[] = {
#define X(name, number, en, zh) {#name, GT_E##name},
        GT_ERRORS(X)
#undef X
};

int gt_client_open(struct gt_client **out, const char *dir, const char *lang,
                   char *why, size_t why_cap)
{
	struct gt_client *c = calloc(1, sizeof *c);
	*out = NULL;
	if (!c || !(c->curl = curl_easy_init())) {
		free(c);
		gt_say_into(why, why_cap, GT_T_CLI_NOMEM);
		return -GT_ENOMEM;
	}
	(void)gt_copy(c->dir, sizeof c->dir, dir);
	(void)gt_copy(c->lang, sizeof c->lang, lang);
	c->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dirfd < 0) {
		gt_say_into(why, why_cap, GT_T_CLI_FILE_FAILED, dir,
		            gt_translate_errno(errno));
		gt_client_close(c);
		return -GT_EUNKNOWN;
	}
	*out = c;
	return 0;
}

void gt_client_close(struct gt_client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	curl_slist_free_all(c->heads);
	if (c->dirfd >= 0)
		(void)close(c->dirfd);
	free(c);
}

const char *gt_client_why(const struct gt_client *c)
{
	return c->why;
}

/* ---------------------------------------------------------- request */

static bool keep(struct answer *a, const char *p, size_t n)
{
	return n <= ANSWER_MAX - a->kept.n && gt_buffer_add(&a->kept, p, n);
}

static size_t receive(char *p, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	long status = 0;
	(void)curl_easy_getinfo(a->client->curl, CURLINFO_RESPONSE_CODE,
	                        &status);
	bool body = a->take && status / 100 == 2;
	bool ok =
	        body ? a->take(a->arg, p, size * n) == 0 : keep(a, p, size * n);
	a->refused = a->refused || !ok;
	return ok ? size * n : 0;
}

static int not_running(struct gt_client *c)
{
	char start[GT_ADVICE_MAX];
	long pid = gt_dir_runs(c->dirfd);
	if (pid > 0) {
		gt_say_into(c->why, sizeof c->why, GT_T_CLI_NO_SOCKET, c->dir,
		            pid, GT_DIR_CONTROL);
		return -GT_EUNAVAILABLE;
	}
	gt_advice_start(start, c->dir);
	gt_say_into(c->why, sizeof c->why, GT_T_CLI_NOT_RUNNING, c->dir, start);
	return -GT_ECLOSED;
}

/* Nothing came back: which of our errors is it? */
static int curl_failed(struct gt_client *c, const struct answer *a,
                       CURLcode code)
{
	if (code == CURLE_COULDNT_CONNECT)
		return not_running(c);
	if (a->refused) {
		gt_say_into(c->why, sizeof c->why, GT_T_CLI_TAKE_FAILED);
		return -GT_EIO;
	}
	if (code == CURLE_UNSUPPORTED_PROTOCOL ||
	    code == CURLE_WEIRD_SERVER_REPLY) {
		gt_say_into(c->why, sizeof c->why, GT_T_CLI_NO_HTTP,
		            GT_DIR_CONTROL);
		return -GT_EIO;
	}
	char text[GT_TRANSLATE_MAX];
	gt_say_into(c->why, sizeof c->why, GT_T_CLI_ASK_FAILED,
	            gt_translate_library(text, NULL, curl_easy_strerror(code)));
	/* It ran and went away while we asked. */
	if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
	    code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE)
		return -GT_ECLOSED;
	return code == CURLE_OPERATION_TIMEDOUT ? -GT_ETIMEOUT : -GT_EIO;
}

static int of_status(long status)
{
	switch (status) {
	case 403:
		return -GT_EDENIED;
	case 404:
	case 410:
		return -GT_EUNKNOWN;
	case 409:
		return -GT_ECONFLICT;
	case 503:
		return -GT_EUNAVAILABLE;
	default:
		return -GT_EINVALID;
	}
}

/* {"error":NAME,"message":sentence} */
static int answered_no(struct gt_client *c, const struct answer *a, long status)
{
	int code = of_status(status);
	json_t *v = a->kept.n
	                    ? json_loadb((char *)a->kept.p, a->kept.n, 0, NULL)
	                    : NULL;
	const char *name = gt_json_member(v, "error");
	const char *message = gt_json_member(v, "message");
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (strcmp(errors[i].name, name) == 0)
			code = -errors[i].code;
	if (*message)
		(void)gt_copy(c->why, sizeof c->why, message);
	else
		gt_say_into(c->why, sizeof c->why, GT_T_CLI_HTTP_STATUS,
		            status);
	json_decref(v);
	return code;
}

/* Adds a header to the request being made. */
static bool add_head(struct gt_client *c, const char *name, const char *value)
{
	char line[192];
	gt_format(line, sizeof line, "%s:%s%s", name, *value ? " " : "", value);
	struct curl_slist *more = curl_slist_append(c->heads, line);
	if (more)
		c->heads = more;
	return more && curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER,
	                                c->heads) == CURLE_OK;
}

static bool prepare(struct gt_client *c, const char *path, uint32_t timeout_ms,
                    struct answer *a)
{
	char url[URL_MAX], sock[64];
	if (strlen(path) + 32 > sizeof url)
		return false;
	gt_format(url, sizeof url, "http://guantong%s", path);
	gt_format(sock, sizeof sock, "/proc/self/fd/%d/%s", c->dirfd,
	          GT_DIR_CONTROL);
	curl_easy_reset(c->curl);
	curl_slist_free_all(c->heads);
	c->heads = NULL;
	bool ok =
	        curl_easy_setopt(c->curl, CURLOPT_URL, url) == CURLE_OK &&
	        curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, sock) ==
	                CURLE_OK &&
	        /* no proxy of the environment stands between us */
	        curl_easy_setopt(c->curl, CURLOPT_PROXY, "") == CURLE_OK &&
	        curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	        curl_easy_setopt(c->curl, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	        curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, receive) ==
	                CURLE_OK &&
	        curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, a) == CURLE_OK;
	return ok && add_head(c, "Accept-Language", c->lang) &&
	       curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS,
	                        (long)timeout_ms) == CURLE_OK;
}

static int perform(struct gt_client *c, struct answer *a)
{
	long status = 0;
	if (faccessat(c->dirfd, GT_DIR_CONTROL, F_OK, 0) != 0)
		return not_running(c);
	CURLcode code = curl_easy_perform(c->curl);
	if (code != CURLE_OK)
		return curl_failed(c, a, code);
	if (curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status) !=
	            CURLE_OK ||
	    status / 100 != 2)
		return answered_no(c, a, status);
	return 0;
}

static int no_memory(struct gt_client *c)
{
	gt_say_into(c->why, sizeof c->why, GT_T_CLI_NOMEM);
	return -GT_ENOMEM;
}

int gt_client_failed(struct gt_client *c, int status)
{
	if (status != -GT_EMALFORMED)
		return no_memory(c);
	gt_say_into(c->why, sizeof c->why, GT_T_CLI_NOT_JSON);
	return status;
}

static int as_json(struct gt_client *c, struct answer *a, int status,
                   json_t **out)
{
	json_error_t e;
	*out = NULL;
	if (!status) {
		*out = gt_json_load(a->kept.p ? gt_buffer_bytes(&a->kept)
		                              : gt_bytes_str(""),
		                    JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
		if (!*out)
			status = gt_client_failed(c, -GT_EMALFORMED);
	}
	gt_buffer_free(&a->kept);
	return status;
}

int gt_client_get(struct gt_client *c, const char *path, uint32_t timeout_ms,
                  json_t **out)
{
	struct answer a = {.client = c};
	*out = NULL;
	if (!prepare(c, path, timeout_ms ? timeout_ms : TIMEOUT_MS, &a))
		return no_memory(c);
	return as_json(c, &a, perform(c, &a), out);
}

int gt_client_post(struct gt_client *c, const char *path, const char *type,
                   struct gt_bytes body, json_t **out)
{
	struct answer a = {.client = c};
	*out = NULL;
	/* Adopting gigabytes means reading them all again: no deadline. And no
	 * "Expect: 100-continue": it would only wait. */
	bool ok = prepare(c, path, 0, &a) &&
	          add_head(c, "Content-Type", type) &&
	          add_head(c, "Expect", "") &&
	          curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE,
	                           (curl_off_t)body.n) == CURLE_OK &&
	          curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS,
	                           body.n ? (const char *)body.p : "") ==
	                  CURLE_OK;
	return ok ? as_json(c, &a, perform(c, &a), out) : no_memory(c);
}

int gt_client_post_json(struct gt_client *c, const char *path,
                        const json_t *body, json_t **out)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	*out = NULL;
	if (!text)
		return no_memory(c);
	int status = gt_client_post(c, path, "application/json",
	                            gt_bytes_str(text), out);
	free(text);
	return status;
}

int gt_client_download(struct gt_client *c, const char *path,
                       gt_client_take *take, void *arg)
{
	struct answer a = {.client = c, .take = take, .arg = arg};
	if (!prepare(c, path, 0, &a))
		return no_memory(c);
	int status = perform(c, &a);
	gt_buffer_free(&a.kept);
	return status;
}

int gt_client_wait(struct gt_client *c, uint64_t seen, uint32_t timeout_ms,
                   json_t **out)
{
	char path[128];
	gt_format(path, sizeof path,
	          "/admin/wait?generation=%llu&timeout_ms=%u",
	          (unsigned long long)seen, timeout_ms);
	return gt_client_get(c, path, timeout_ms + TIMEOUT_MS, out);
}

/* ------------------------------------------------------------- text */

bool gt_client_escape(char *out, size_t cap, const char *text, bool keep_slash)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "abcdefghijklmnopqrstuvwxyz0123456789-._~";
	size_t n = strlen(out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool as_is = strchr(plain, c) || (keep_slash && c == '/');
		if (n + (as_is ? 1 : 3) + 1 > cap)
			return false;
		if (as_is)
			out[n++] = (char)c;
		else
			gt_format(out + n, cap - n, "%%%02X", c), n += 3;
	}
	out[n] = '\0';
	return true;
}

static json_t *find_below(json_t *v, const char *name, int depth)
{
	const char *key;
	json_t *found = json_object_get(v, name), *below;
	if (found || depth == 0)
		return found;
	json_object_foreach(v, key, below)
	{
		/* what a child says of itself is not about us */
		if (!found && strcmp(key, "children") != 0)
			found = find_below(below, name, depth - 1);
	}
	return found;
}

json_t *gt_client_find(json_t *object, const char *name)
{
	return find_below(object, name, FIND_DEPTH);
}

uint64_t gt_client_number(json_t *object, const char *name)
{
	const json_t *v = gt_client_find(object, name);
	json_int_t n = json_is_integer(v) ? json_integer_value(v) : 0;
	return n > 0 ? (uint64_t)n : 0;
}

bool gt_client_true(json_t *object, const char *name)
{
	return json_is_true(gt_client_find(object, name));
}
