/* guantongd: the daemon of one node. Reads the arguments and the
 * configuration, then waits for signals; service.c does the rest.
 *
 * The folder daemon/ itself holds the two programs alone: this one, over run/,
 * and guantong.c, over cli/. Each is a main: it takes what the shell gives it,
 * hands it to its room, and ends with the status that room says. Nothing else
 * uses what stands here; both promise that a word that is not understood stops
 * them before anything is done.
 * Tests: e2e/test_house.py, e2e/test_faults.py. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "advice.h"
#include "config.h"
#include "dir.h"
#include "json.h"
#include "local.h"
#include "log.h"
#include "ready.h"
#include "say.h"
#include "service.h"
#include "sys.h"
#include "text.h"
#include "translate.h"
#include "version.h"
#include "yaml.h"

enum {
	STOP_S = 20, /* an orderly stop takes no longer */
};

/* Where the configuration comes from. */
struct from {
	const char *dir;
	const char *lang; /* --lang, in place of node.language; NULL: none */
};

struct daemon {
	uv_loop_t *loop;
	struct gt_service *service;
	const struct gt_config *config;
	const struct from *from;
	uv_signal_t signals[3];
	int exit_status;
	bool stopping;
	bool stopped; /* the status is known, signals change nothing */
};

/* -------------------------------------------- configuration, policy */

/* The file is named by its folder too: who starts the daemon is elsewhere. */
static void complain(struct gt_complaints *c, const char *dir)
{
	static const char own[] = GT_DIR_CONFIG ":";
	for (size_t i = 0; i < c->n; i++) {
		char text[GT_LOCAL_TEXT], told[GT_SAY_ADVICE];
		bool ours = strncmp(c->v[i], own, sizeof own - 1) == 0;
		(void)fprintf(
		        stderr, "%s%s%s\n", ours ? dir : "", ours ? "/" : "",
		        gt_say_advice(told, gt_local_text(text, c->v[i])));
	}
	gt_complaints_free(c);
}

/* What is wrong is said in the process's language: the file's own is not known
 * until it is read. */
static bool load_config(struct gt_config *out, const struct from *from,
                        struct gt_complaints *c)
{
	int status = gt_config_load(out, GT_DIR_CONFIG, NULL, c);
	if (status != 0 && c->n == 0) {
		char why[256];
		gt_format(why, sizeof why, GT_DIR_CONFIG ": %s",
		          gt_translate_error(status));
		(void)gt_complaints_add(c, why);
	}
	if (from->lang)
		(void)gt_copy(out->lang, sizeof out->lang, from->lang);
	return status == 0;
}

static int check(const struct gt_config *config, const char *dir)
{
	struct gt_complaints c = {0};
	int status = gt_ready_check(config, gt_sys_now().wall_ms, &c);
	complain(&c, dir);
	if (status != 0)
		return GT_SERVICE_CONFIG;
	gt_say(stdout, GT_T_DAEMON_CHECK_OK, config->code);
	return 0;
}

/* ----------------------------------------------------------- reload */

/* What differs from the running configuration and waits for a restart. */
static void say_what_waits(const struct gt_config *now,
                           const struct gt_config *next)
{
	char keys[GT_CONFIG_WAITS];
	if (gt_config_waits(now, next, keys, sizeof keys))
		gt_log_line(GT_LOG_WARN, "needs-restart", "keys", keys, "why",
		            gt_text(GT_T_DAEMON_NEEDS_RESTART), NULL);
}

/* Nobody reads what is told to a terminal that the start had. */
static void refuse_reload(struct gt_complaints *c)
{
	for (size_t i = 0; i < c->n; i++)
		gt_log_line(GT_LOG_ERROR, "reload", "why", c->v[i], NULL);
	gt_complaints_free(c);
	gt_log_line(GT_LOG_ERROR, "reload", "why",
	            gt_text(GT_T_DAEMON_RELOAD_REFUSED), NULL);
}

static void reload(void *arg)
{
	static struct gt_config next; /* too large for a stack */
	struct daemon *d = arg;
	struct gt_complaints c = {0};
	struct gt_ready_policy policy;
	(void)sd_notify(0, "RELOADING=1");
	gt_service_renew(d->service);
	memset(&next, 0, sizeof next);
	if (!load_config(&next, d->from, &c) ||
	    gt_ready_policy(&policy, &next, NULL, &c) != 0) {
		refuse_reload(&c);
	} else {
		gt_log_set_level(next.log_level);
		say_what_waits(d->config, &next);
		gt_service_layer(d->service, gt_buffer_bytes(&policy.layer),
		                 &policy.hash);
		gt_buffer_free(&policy.layer);
		complain(&c, d->from->dir);
		gt_log_line(GT_LOG_INFO, "reload", "file", GT_DIR_CONFIG, NULL);
	}
	(void)sd_notify(0, "READY=1");
}

/* ---------------------------------------------------------- signals */

/* The line of on_alarm, which may not make one. */
static char hangs[512];

static void prepare_hangs(void)
{
	gt_format(hangs, sizeof hangs, "level=error event=hangs why=\"%s\"\n",
	          gt_text(GT_T_DAEMON_HANGS));
}

/* A start or a stop that hangs is ended by force: a kill at any moment loses
 * nothing. */
static void on_alarm(int number)
{
	(void)number;
	ssize_t n = write(STDERR_FILENO, hangs, strlen(hangs));
	_exit(n < 0 ? GT_SERVICE_SYSTEM : GT_SERVICE_FAILED);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct daemon *d = handle->data;
	if (d->stopped)
		return;
	if (number == SIGHUP) {
		if (d->service) /* one that starts has just read it */
			reload(d);
		return;
	}
	if (d->stopping)
		_exit(128 + number); /* asked twice */
	d->stopping = true;
	uv_stop(d->loop);
}

static void on_failed(void *arg, int exit_status)
{
	struct daemon *d = arg;
	d->exit_status = exit_status;
	uv_stop(d->loop);
}

static bool is_stopping(void *arg)
{
	const struct daemon *d = arg;
	return d->stopping;
}

static bool catch_signals(struct daemon *d)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction alarm_action = {.sa_handler = on_alarm};
	prepare_hangs();
	/* a closed socket and a file over its limit are errors of a call */
	bool ok = sigaction(SIGPIPE, &ignore, NULL) == 0 &&
	          sigaction(SIGXFSZ, &ignore, NULL) == 0 &&
	          sigaction(SIGALRM, &alarm_action, NULL) == 0;
	for (int i = 0; i < 3; i++) {
		ok = ok && uv_signal_init(d->loop, &d->signals[i]) == 0;
		d->signals[i].data = d;
		ok = ok && uv_signal_start(&d->signals[i], on_signal,
		                           numbers[i]) == 0;
	}
	return ok;
}

/* -------------------------------------------------------------- run */

/* Certificates are judged by this clock, and by nothing else here. */
static void look_at_clock(void)
{
	int64_t days = gt_sys_now().wall_ms / 86400000;
	/* 2024-01-01 and 2081-01-01 */
	if (days < 19723 || days >= 40543)
		gt_log_line(GT_LOG_WARN, "clock", "why",
		            gt_text(GT_T_DAEMON_CLOCK), NULL);
}

static void tune(void)
{
	struct rlimit files;
	umask(077);
	gt_sys_keep_secrets();
	/* two arenas are enough for threads that mostly hand over; a frame
	 * must not cost a mmap, nor a burst return its pages one by one: core.c
	 * gives them back when it rests */
	(void)mallopt(M_ARENA_MAX, 2);
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
	(void)setenv("UV_THREADPOOL_SIZE", "4", 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* Signals stay caught to the last moment: one that came behind the closing
 * would end the process in its own way, with the status lost. */
static void close_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (uv_handle_get_type(h) == UV_SIGNAL)
		uv_unref(h);
	else if (!uv_is_closing(h))
		uv_close(h, NULL);
}

static int run(const struct gt_config *config, const struct from *from)
{
	static struct daemon d; /* signals are caught until the process ends */
	const struct gt_service_events events = {on_failed, reload,
	                                         is_stopping};
	struct gt_complaints c = {0};
	struct gt_ready_policy policy;
	d.loop = uv_default_loop();
	d.config = config;
	d.from = from;
	bool ok = gt_ready_policy(&policy, config, NULL, &c) == 0;
	complain(&c, from->dir);
	if (!ok)
		return GT_SERVICE_CONFIG;
	if (!d.loop || !catch_signals(&d)) {
		gt_log_line(GT_LOG_ERROR, "cannot-start", "part", "loop", "why",
		            gt_strerror(-GT_ENOMEM), NULL);
		gt_buffer_free(&policy.layer);
		return GT_SERVICE_SYSTEM;
	}
	look_at_clock();
	int status = gt_service_start(&d.service, d.loop, config,
	                              gt_buffer_bytes(&policy.layer),
	                              &policy.hash, &events, &d);
	gt_buffer_free(&policy.layer);
	if (status == 0) {
		uv_run(d.loop, UV_RUN_DEFAULT);
		alarm(STOP_S);
		bool whole = gt_service_stop(d.service);
		status = d.exit_status;
		if (!whole && status == 0)
			status = GT_SERVICE_FAILED;
		gt_log_line(GT_LOG_INFO, "stopped", "status", GT_LOG_U(status),
		            NULL);
	}
	if (status == GT_SERVICE_CALLED_OFF)
		status = 0;
	d.stopped = true;
	uv_walk(d.loop, close_handle, NULL);
	uv_run(d.loop, UV_RUN_DEFAULT);
	gt_log_flush();
	return status;
}

static bool wrong_user(const char *start)
{
	char owner[64];
	const char *foreign = gt_advice_foreign();
	if (!foreign)
		return false;
	gt_advice_owner(owner, sizeof owner, foreign);
	gt_say(stderr, GT_T_DAEMON_ROOT, foreign, owner, start);
	return true;
}

static int usage(const char *what)
{
	if (what)
		gt_say(stderr, GT_T_DAEMON_BAD_ARGUMENT, what);
	(void)fputs(gt_text(GT_T_DAEMON_USAGE), stderr);
	return GT_SERVICE_USAGE;
}

/* What the arguments ask for. */
struct asked {
	struct from from;
	bool check, restored, mend;
};

/* False: it is no language there are texts in. */
static bool speak(struct asked *a, const char *lang)
{
	bool zh = strncmp(lang, "zh", 2) == 0;
	if ((!zh && strncmp(lang, "en", 2) != 0) ||
	    (lang[2] && !strchr("-_.", lang[2])))
		return false;
	a->from.lang = zh ? "zh-CN" : "en";
	gt_text_language(lang);
	return true;
}

/* One argument, and what belongs to it; false: it cannot be used. */
static bool take(struct asked *a, int argc, char **argv, int *i)
{
	const char *what = argv[*i];
	if (strcmp(what, "--check") == 0)
		a->check = true;
	else if (strcmp(what, "--restored") == 0)
		a->restored = true;
	else if (strcmp(what, "--mend") == 0)
		a->mend = true;
	else if (strcmp(what, "-C") == 0 && *i + 1 < argc && !a->from.dir)
		a->from.dir = argv[++*i];
	else if (strncmp(what, "--lang=", 7) == 0)
		return speak(a, what + 7);
	else if (strcmp(what, "--lang") == 0 && *i + 1 < argc)
		return speak(a, argv[++*i]);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	static struct gt_config config; /* too large for a stack */
	static struct asked a;          /* a reload asks it too */
	gt_json_watch();
	gt_text_language_from_env();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			(void)fputs(gt_text(GT_T_DAEMON_HELP), stdout);
			return 0;
		}
		if (strcmp(argv[i], "--version") == 0) {
			(void)puts("guantongd " GT_VERSION);
			return 0;
		}
		if (!take(&a, argc, argv, &i))
			return usage(argv[i]);
	}
	const char *dir = a.from.dir;
	if (!dir)
		return usage(NULL);
	tune();
	char start[GT_ADVICE_MAX];
	gt_advice_start(start, dir);
	if (chdir(dir) != 0) {
		int error = errno;
		if (error == EACCES)
			gt_say(stderr, GT_T_DAEMON_CLOSED, dir, start);
		else
			gt_say(stderr, GT_T_DAEMON_NO_DIR, dir,
			       gt_translate_errno(error));
		return GT_SERVICE_CONFIG;
	}
	char whole[4096];
	gt_say_node(getcwd(whole, sizeof whole));
	struct gt_complaints c = {0};
	bool ok = load_config(&config, &a.from, &c);
	complain(&c, dir);
	if (!ok)
		return GT_SERVICE_CONFIG;
	config.restored = a.restored;
	config.mend = a.mend;
	gt_text_language(config.lang);
	gt_log_set_level(config.log_level);
	if (a.check)
		return check(&config, dir);
	return wrong_user(start) ? GT_SERVICE_CONFIG : run(&config, &a.from);
}
