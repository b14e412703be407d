/* http_who.c: who a caller is, and whether a route is his.
 * Tests: u_http_api.c. */
#include <arpa/inet.h>
#include <asm/socket.h> /* SO_PEERCRED, which POSIX does not show */
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access.h"
#include "address.h"
#include "attached.h"
#include "dir.h"
#include "door_inside.h"
#include "http_guess.h"
#include "http_origin.h"
#include "http_parse.h"
#include "json.h"
#include "launch.h"
#include "log.h"
#include "sys.h"

/* glibc reads its switch of name services with the first look-up, and dies of
 * an assertion or worse when memory is short just then: let it be now. */
void gt_http_who_warm(void)
{
	char room[4096];
	struct passwd pw, *found = NULL;
	(void)getpwuid_r(geteuid(), &pw, room, sizeof room, &found);
}

/* The operator's name: whoever opened the socket, as the kernel tells. */
static void name_operator(struct gt_request *rq)
{
	struct {
		pid_t pid;
		uid_t uid;
		gid_t gid;
	} peer; /* struct ucred, which POSIX does not show */
	socklen_t n = sizeof peer;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	        rq->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	gt_copy(rq->actor, sizeof rq->actor, "user:operator");
	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED,
	                        &peer, &n) != 0)
		return;
	char room[4096];
	struct passwd pw, *found = NULL;
	if (getpwuid_r(peer.uid, &pw, room, sizeof room, &found) == 0 && found)
		gt_format(rq->actor, sizeof rq->actor, "user:%.80s",
		          found->pw_name);
	else
		gt_format(rq->actor, sizeof rq->actor, "user:%u",
		          (unsigned)peer.uid);
}

struct gt_http_callers {
	const struct gt_config *config;
	char machine[256]; /* its own name, in small letters */
	pthread_mutex_t lock;
	struct gt_http_guess *guesses; /* under the lock */
	bool open;                     /* as it was told */
};

struct gt_http_callers *gt_http_callers_new(const struct gt_config *config)
{
	struct gt_http_callers *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->config = config;
	c->guesses = gt_http_guess_new();
	if (!c->guesses || pthread_mutex_init(&c->lock, NULL) != 0) {
		gt_http_guess_free(c->guesses);
		free(c);
		return NULL;
	}
	char name[sizeof c->machine] = "";
	if (gethostname(name, sizeof name - 1) != 0 ||
	    !gt_http_host(c->machine, name))
		c->machine[0] = '\0';
	return c;
}

void gt_http_callers_free(struct gt_http_callers *c)
{
	if (!c)
		return;
	gt_http_guess_free(c->guesses);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ------------------------------------------------------------ hosts */

/* "*", "*.example.cn", "example.cn"; in any letters. */
static bool fits_name(const char *pattern, const char *host)
{
	size_t n = strlen(pattern), have = strlen(host);
	if (strcmp(pattern, "*") == 0)
		return true;
	if (strncmp(pattern, "*.", 2) != 0)
		return strcasecmp(pattern, host) == 0;
	return have >= n && strcasecmp(pattern + 1, host + have - n + 1) == 0;
}

/* "machine.local", as it calls itself to its neighbours (mDNS). */
static bool of_machine(const char *machine, const char *host)
{
	size_t n = strlen(machine);
	return strncmp(host, machine, n) == 0 &&
	       strcmp(host + n, ".local") == 0;
}

/* What browsers are told to write for a listener: http(s)://host[:port]. */
static bool called_as(const char *url, const char *host)
{
	char name[GT_HOST_MAX];
	const char *slashes = strstr(url, "//");
	return slashes && gt_http_host(name, slashes + 2) &&
	       strcmp(name, host) == 0;
}

/* What a listener's address begins with, if that is a name. */
static bool listens_as(const char *address, const char *host)
{
	char name[256];
	const char *port;
	return gt_address_split(address, name, sizeof name, &port) &&
	       strcasecmp(name, host) == 0;
}

static bool is_literal(const char *host)
{
	struct in_addr four;
	return host[0] == '[' || inet_pton(AF_INET, host, &four) == 1;
}

bool gt_http_host_ours(struct gt_request *rq)
{
	const struct gt_http_callers *who = rq->http->callers;
	const struct gt_config *c = who->config;
	char host[GT_HOST_MAX];
	const char *named = gt_rq_host(rq);
	if (!named) /* HTTP/1.0, so no browser */
		return true;
	if (!gt_http_host(host, named))
		return false;
	size_t n = strlen(host);
	if (n > 1 && host[n - 1] == '.')
		host[n - 1] = '\0';
	bool ours = is_literal(host) || fits_name("localhost", host) ||
	            fits_name("*.localhost", host) ||
	            (*who->machine && (strcmp(host, who->machine) == 0 ||
	                               of_machine(who->machine, host))) ||
	            listens_as(c->http, host) || listens_as(c->content, host) ||
	            listens_as(c->staff, host) ||
	            called_as(c->listen_url, host) ||
	            called_as(c->content_url, host);
	for (size_t i = 0; i < c->nnames && !ours; i++)
		ours = fits_name(c->names[i], host);
	return ours;
}

/* -------------------------------------------------------- passwords */

static void log_guess(struct gt_request *rq, int level, const char *name,
                      const uint8_t from[GT_HTTP_FROM_BYTES], unsigned n)
{
	char address[GT_HTTP_FROM_TEXT];
	gt_http_from_text(address, from);
	gt_log_line(level, "wrong-password", "door",
	            gt_http_door_name(rq->door), "address", address, "name",
	            name, "times", GT_LOG_U(n), NULL);
}

/* Whether a password for that name may be looked at just now. */
static bool may_try(struct gt_request *rq, const char *name)
{
	struct gt_http_callers *who = rq->http->callers;
	int64_t now_ms = (int64_t)gt_sys_now().mono_ms;
	uint8_t from[GT_HTTP_FROM_BYTES];
	unsigned told = 0;
	gt_http_place_from(rq->place, from);
	pthread_mutex_lock(&who->lock);
	rq->wait_ms = gt_http_guess_wait(who->guesses, from, name, now_ms);
	if (rq->wait_ms > 0)
		told = gt_http_guess_tell(who->guesses, from, true, now_ms);
	pthread_mutex_unlock(&who->lock);
	if (told > 0)
		log_guess(rq, GT_LOG_WARN, name, from, told);
	return rq->wait_ms == 0;
}

static void tried(struct gt_request *rq, const char *name, bool right)
{
	struct gt_http_callers *who = rq->http->callers;
	uint8_t from[GT_HTTP_FROM_BYTES];
	int64_t now_ms = (int64_t)gt_sys_now().mono_ms;
	unsigned n = 0, told = 0;
	gt_http_place_from(rq->place, from);
	pthread_mutex_lock(&who->lock);
	if (right)
		gt_http_guess_right(who->guesses, from, name);
	else
		n = gt_http_guess_wrong(who->guesses, from, name, now_ms);
	if (n >= GT_GUESS_FREE)
		told = gt_http_guess_tell(who->guesses, from, false, now_ms);
	pthread_mutex_unlock(&who->lock);
	if (told > 0)
		log_guess(rq, GT_LOG_WARN, name, from, told);
	/* the first, and then each time it has doubled */
	else if (n > 0 && (n & (n - 1)) == 0)
		log_guess(rq, GT_LOG_INFO, name, from, n);
}

/* ------------------------------------------------------- credentials */

/* What is open over the network to who shows no credential is told even where
 * little is logged, once. */
static void tell(struct gt_http *http)
{
	bool open = gt_access_anonymous(http->access) &&
	            !gt_config_loopback(http->env.config->http);
	bool anew = open && !http->callers->open;
	http->callers->open = open;
	gt_log_line(
	        anew ? GT_LOG_WARN : GT_LOG_INFO, "credentials", "anonymous",
	        gt_access_anonymous(http->access) ? "attached" : "nobody",
	        "terminals",
	        GT_LOG_U(gt_access_count(http->access, GT_SCOPE_WRITE)),
	        "readers",
	        GT_LOG_U(gt_access_count(http->access, GT_SCOPE_READ)), NULL);
	if (gt_access_lost(http->access))
		gt_log_line(GT_LOG_WARN, "credentials", "why",
		            gt_text(GT_T_ACCESS_LOST), NULL);
}

/* Once: from then on the file is there. */
static int take_over(struct gt_http *http, char *why, size_t why_cap)
{
	const struct gt_config *c = http->env.config;
	struct gt_access_old old[GT_USERS_MAX];
	char said[256];
	size_t left;
	for (size_t i = 0; i < c->nusers; i++)
		old[i] = (struct gt_access_old){c->users[i].name,
		                                c->users[i].password};
	int status = gt_access_take_over(http->access, old, c->nusers, &left,
	                                 why, why_cap);
	if (status != 0)
		return status;
	gt_http_say(said, sizeof said, NULL, GT_T_HTTP_TAKEN_OVER,
	            c->nusers - left, left);
	gt_log_line(left ? GT_LOG_WARN : GT_LOG_INFO, "credentials", "why",
	            said, NULL);
	return 0;
}

int gt_http_who_open(struct gt_http *http, char *why, size_t why_cap)
{
	int status = gt_access_open(&http->access, GT_DIR_CREDENTIALS,
	                            GT_DIR_ADMITTED, why, why_cap);
	if (status == 0 && http->env.config->nusers > 0 &&
	    gt_access_fresh(http->access))
		status = take_over(http, why, why_cap);
	if (status != 0)
		return status;
	gt_access_mark(http->access);
	http->launches = gt_launches_new(GT_DIR_LAUNCHES);
	if (!http->launches || !gt_access_usage(http->access, GT_DIR_USED)) {
		gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
		return -GT_ENOMEM;
	}
	tell(http);
	return 0;
}

void gt_http_who_renew(struct gt_http *http, bool asked)
{
	char why[512], text[1200];
	int status = gt_access_look(http->access, asked, why, sizeof why);
	gt_access_keep(http->access, asked);
	gt_launches_sweep(http->launches, gt_sys_now().wall_ms);
	if (status > 0)
		tell(http);
	if (status >= 0)
		return;
	gt_http_say(text, sizeof text, NULL, GT_T_ACCESS_KEPT, why);
	gt_log_line(GT_LOG_ERROR, "credentials", "why", text, NULL);
}

/* ---------------------------------------------------------- judging */

/* What a credential opens is what its holder is. */
static unsigned may(unsigned scopes)
{
	static const unsigned is[GT_SCOPE_SCOPES] = {
	        GT_HTTP_HAND_IN, GT_HTTP_OWN,    GT_HTTP_READ,
	        GT_HTTP_STATE,   GT_HTTP_DEFINE, GT_HTTP_PROFILE,
	        GT_HTTP_READ_ALL};
	unsigned who = 0;
	for (unsigned i = 0; i < GT_SCOPE_SCOPES; i++)
		who |= scopes & 1u << i ? is[i] : 0;
	return who;
}

/* The token of a course that was launched: its records are the registration's, of
 * which no credential has the name. */
static int ask_launch(struct gt_request *rq, const char *session,
                      const char *token, struct gt_access_caller *caller)
{
	int status = gt_launches_prove(rq->http->launches, session, token,
	                               gt_sys_now().wall_ms, &rq->launch);
	if (status == 0 || status == -GT_EIDENTITY)
		tried(rq, session, status == 0);
	if (status != 0)
		return status;
	caller->scopes = GT_SCOPE_TERMINAL;
	gt_format(caller->name, sizeof caller->name, "launch:%s",
	          gt_json_member(rq->launch, "registration"));
	return 0;
}

/* Who he is by what he sent. A secret alone is nobody's guess: it is counted as
 * one for the name "". */
static int ask(struct gt_request *rq, struct gt_access_caller *caller)
{
	const char *header = gt_rq_header(rq, "Authorization");
	char name[GT_CREDENTIAL_NAME] = "", secret[GT_CREDENTIAL_PASSWORD];
	bool bearer = gt_http_bearer(header, secret, sizeof secret);
	if (!bearer &&
	    !gt_http_basic(header, name, sizeof name, secret, sizeof secret))
		return -GT_EIDENTITY;
	if (!may_try(rq, name))
		return -GT_EBUSY;
	if (!bearer &&
	    gt_launches_has(rq->http->launches, name, gt_sys_now().wall_ms))
		return ask_launch(rq, name, secret, caller);
	int status = bearer ? gt_access_bearer(rq->http->access, secret,
	                                       gt_sys_now(), caller)
	                    : gt_access_prove(rq->http->access, name, secret,
	                                      gt_sys_now(), caller);
	if (status == 0 || status == -GT_EIDENTITY)
		tried(rq, name, status == 0);
	return status;
}

static int prove(struct gt_request *rq)
{
	struct gt_access_caller caller;
	int status = ask(rq, &caller);
	if (status != 0)
		return status;
	rq->who |= may(caller.scopes);
	rq->named = true;
	gt_format(rq->actor, sizeof rq->actor, "user:%s", caller.name);
	return 0;
}

/* A node that never gave a credential away does not look for one. */
static bool shows_one(struct gt_request *rq)
{
	return gt_rq_header(rq, "Authorization") &&
	       (gt_access_any(rq->http->access) ||
	        gt_launches_count(rq->http->launches) > 0);
}

/* From here, or from a network that this machine is attached to. */
static bool is_near(struct gt_request *rq)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	        rq->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	return info && info->client_addr && gt_attached(info->client_addr);
}

int gt_http_who_judge(struct gt_request *rq)
{
	const unsigned over_network = GT_HTTP_HAND_IN | GT_HTTP_OWN |
	                              GT_HTTP_READ | GT_HTTP_STATE |
	                              GT_HTTP_PROFILE | GT_HTTP_READ_ALL;
	unsigned who = rq->route->who;
	int status = 0;
	bool named = false;
	if (rq->door == GT_DOOR_CONTROL) {
		name_operator(rq);
		rq->who = GT_HTTP_ALL;
		return 0;
	}
	rq->who = GT_HTTP_ANYBODY;
	/* a browser asks what it may send before it says for whom */
	if (who & GT_HTTP_ANYBODY || rq->method == GT_HTTP_OPTIONS)
		return 0;
	if (!(who & over_network))
		return -GT_EDENIED;
	if (shows_one(rq)) {
		named = true;
		status = prove(rq);
	} else if (gt_access_anonymous(rq->http->access) && is_near(rq) &&
	           !gt_http_foreign(rq)) {
		/* not a page from elsewhere, though its reader is near */
		rq->who |= GT_HTTP_HAND_IN;
	}
	if (status != 0 || rq->who & who)
		return status;
	return named ? -GT_EDENIED : -GT_EIDENTITY;
}

/* The least that a route wants. */
static const char *lacks(unsigned who)
{
	for (unsigned i = 0; i < GT_SCOPE_SCOPES; i++)
		if (may(1u << i) & who)
			return gt_scope_name(1u << i);
	return gt_scope_name(GT_SCOPE_ALL);
}

static enum MHD_Result refuse_guess(struct gt_request *rq)
{
	char seconds[24];
	gt_format(seconds, sizeof seconds, "%lld",
	          (long long)(rq->wait_ms + 999) / 1000);
	gt_rq_also(rq, "Retry-After", seconds);
	return gt_rq_fail(rq, 429, -GT_EBUSY, GT_T_HTTP_GUESSED);
}

enum MHD_Result gt_http_who_refuse(struct gt_request *rq, int status)
{
	unsigned who = rq->route->who;
	char message[600];
	if (status == -GT_EDENIED && rq->named)
		return gt_rq_fail(rq, 403, status, GT_T_HTTP_ROLE, lacks(who),
		                  rq->actor + strlen("user:"), lacks(who));
	/* nobody has such a role over the network */
	if (status == -GT_EDENIED)
		return gt_rq_fail(rq, 403, status, GT_T_HTTP_OPERATORS);
	if (rq->wait_ms > 0)
		return refuse_guess(rq);
	if (status != -GT_EIDENTITY && status != -GT_ESTATE)
		return gt_rq_fail(rq, 503, status, GT_T_HTTP_TRIES);
	gt_http_say(message, sizeof message, rq->lang,
	            status == -GT_ESTATE ? GT_T_HTTP_EXPIRED
	            : shows_one(rq)      ? GT_T_HTTP_WRONG
	            : who & GT_HTTP_READ ? GT_T_HTTP_WHO_READS
	                                 : GT_T_HTTP_WHO);
	struct MHD_Response *rs = gt_rs_error(-GT_EIDENTITY, message);
	if (rs) {
		gt_rs_header(rs, "WWW-Authenticate",
		             "Basic realm=\"guantong\", charset=\"UTF-8\"");
		gt_rs_header(rs, "WWW-Authenticate",
		             "Bearer realm=\"guantong\"");
	}
	return gt_rq_send(rq, 401, rs);
}
