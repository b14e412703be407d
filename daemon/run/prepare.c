/* prepare.c: what must be right before the node opens, and before it runs.
 * Tests: e2e/test_faults.py. */
#include "run_inside.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "annex.h"
#include "database.h"
#include "dir.h"
#include "files.h"
#include "log.h"
#include "look.h"
#include "measure.h"
#include "ready.h"
#include "rewrite.h"
#include "say.h"
#include "seal.h"
#include "sweep.h"
#include "sys.h"
#include "text.h"
#include "translate.h"
#include "version.h"

enum {
	/* a look at the database before a node of it runs */
	CHECK_MS = 3000,
	CHECK_ROWS_MS = 1000, /* of that */
	AGAIN_MS = 1000,      /* until a full disk is looked at again */
};

int prepare_refused(const char *what, const char *why, int exit_status)
{
	gt_log_line(GT_LOG_ERROR, "cannot-start", "part", what, "why", why,
	            NULL);
	return exit_status;
}

/* ---------------------------------------------------- waiting for room */

void prepare_say_lack(const struct gt_service *s, char *out, size_t cap)
{
	struct rlimit size = {RLIM_INFINITY, RLIM_INFINITY};
	char most[GT_MEASURE_SIZE];
	enum gt_lack lack = gt_room_lack(s->room);
	(void)getrlimit(RLIMIT_FSIZE, &size);
	gt_measure_size(most, size.rlim_cur);
	if (lack == GT_LACK_LIMIT)
		gt_say_into(out, cap, GT_T_DAEMON_STALLED_LIMIT, most);
	else
		gt_copy(out, cap,
		        gt_text(lack == GT_LACK_QUOTA
		                        ? GT_T_DAEMON_STALLED_QUOTA
		                        : GT_T_DAEMON_STALLED));
}

static void say_what_is_needed(const struct gt_service *s, uint64_t avail,
                               uint64_t needed)
{
	char free[GT_MEASURE_SIZE], need[GT_MEASURE_SIZE], why[RUN_WHY];
	gt_measure_size(free, avail);
	gt_measure_size(need, needed);
	if (gt_room_lack(s->room) < GT_LACK_QUOTA)
		gt_say_into(why, sizeof why, GT_T_DAEMON_WAITS, free, need);
	else
		prepare_say_lack(s, why, sizeof why);
	gt_log_line(GT_LOG_ERROR, "waiting", "why", why, NULL);
	(void)sd_notifyf(0, "STATUS=%s", why);
}

static void on_again(uv_timer_t *timer)
{
	bool *due = timer->data;
	*due = true;
}

static void on_again_closed(uv_handle_t *h)
{
	bool *due = h->data;
	*due = false;
}

/* Runs the loop for a while, for signals. False: it is called off. */
static bool pass_the_time(struct gt_service *s)
{
	bool due = false;
	uv_timer_t again;
	(void)uv_timer_init(s->loop, &again); /* cannot fail, nor the next */
	again.data = &due;
	(void)uv_timer_start(&again, on_again, AGAIN_MS, 0);
	mend_extend(s);
	while (!due && !s->events.stopping(s->arg))
		uv_run(s->loop, UV_RUN_ONCE);
	due = true;
	uv_close((uv_handle_t *)&again, on_again_closed);
	while (due)
		uv_run(s->loop, UV_RUN_ONCE);
	return !s->events.stopping(s->arg);
}

/* Until a start has its room. What it lacks is said once. */
static int wait_for_room(struct gt_service *s, bool *said)
{
	uint64_t avail = 0;
	while (!gt_room_start(s->room, &avail)) {
		if (!*said)
			say_what_is_needed(s, avail, GT_ROOM_START);
		*said = true;
		if (!pass_the_time(s))
			return GT_SERVICE_CALLED_OFF;
	}
	return 0;
}

static void say_room(bool said)
{
	if (!said)
		return;
	gt_log_line(GT_LOG_INFO, "disk", "why", gt_text(GT_T_DAEMON_ROOM),
	            NULL);
	(void)sd_notify(0, "STATUS=");
}

/* ------------------------------------------------------- the database */

/* Moves what a killed run left in its log: then the pages are what they are, and
 * the next turn writes to the log from its beginning. The node is open: a
 * connection that has read nothing does not know yet that it has a log. A disk
 * without room for it has its sums compared as they are read, and no more. */
static void settle(const struct gt_service *s, sqlite3 *db)
{
	int log = 0, done = 0;
	uint64_t avail;
	if (sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log,
	                              &done) == SQLITE_OK &&
	    log == done)
		gt_sums_settle(s->sums);
	/* that did without what it lacked */
	(void)gt_room_start(s->room, &avail);
}

static int open_database(const struct gt_service *s, sqlite3 **db, char *why,
                         size_t why_cap)
{
	/* The core's thread alone uses this connection. */
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	            SQLITE_OPEN_NOMUTEX;
	int status = gt_rewrite_drop(GT_DIR_DATABASE, why, why_cap);
	if (status != 0)
		return status;
	status = -GT_ESTORE;
	/* opened, it has not looked at its log yet */
	if (sqlite3_open_v2(GT_DIR_DATABASE, db, flags,
	                    gt_room_vfs_name(s->vfs)) == SQLITE_OK)
		status = gt_rewrite(
		        sqlite3_filename_wal(sqlite3_db_filename(*db, "main")),
		        why, why_cap);
	else
		gt_format(why, why_cap, GT_DIR_DATABASE ": %s",
		          *db ? sqlite3_errmsg(*db) : gt_strerror(-GT_ENOMEM));
	if (status != 0)
		sqlite3_close(*db);
	return status;
}

/* A run that was killed leaves its log, with what it promised last, and the
 * file that says it runs. */
static bool lost_log(void)
{
	struct stat st;
	return access(GT_DIR_RUN, F_OK) == 0 &&
	       stat(GT_DIR_DATABASE, &st) == 0 && st.st_size > 0 &&
	       access(GT_DIR_LOG, F_OK) != 0 && errno == ENOENT;
}

/* Whether some of what the last run acknowledged is gone; then that is logged,
 * and s->log_missing says whether all of its log is. */
static bool say_lost(struct gt_service *s)
{
	s->log_missing = lost_log();
	s->lost = s->log_missing || s->left.is == GT_WAL_LOST;
	if (s->lost)
		gt_log_line(GT_LOG_ERROR, "database", "file", GT_DIR_LOG,
		            "frames_lost", GT_LOG_U(s->left.lost), "why",
		            gt_text(s->log_missing ? GT_T_DAEMON_LOG_MISSING
		                                   : GT_T_DAEMON_LOG_LOST),
		            NULL);
	return s->lost;
}

/* A log without the database it belongs to: SQLite would throw it away, and
 * with it all that is left. */
static bool lost_database(void)
{
	struct stat st, log;
	bool none = stat(GT_DIR_DATABASE, &st) == 0 ? st.st_size == 0
	                                            : errno == ENOENT;
	return none && stat(GT_DIR_LOG, &log) == 0 && log.st_size > 0;
}

static bool enough(void *arg)
{
	const uint64_t *until = arg;
	return gt_sys_now().mono_ms >= *until;
}

/* Rows that hold what no program writes, as many as a second shows. What a
 * neighbour has too is fetched again; what nobody has waits for a word. */
static int check_rows(const struct gt_service *s, struct gt_reader *r,
                      char *why, size_t why_cap)
{
	uint64_t until = gt_sys_now().mono_ms + CHECK_ROWS_MS;
	char said[GT_TRANSLATE_MAX];
	bool only_here;
	int is = gt_read_possible(r, s->config->code, !*s->config->parent,
	                          enough, &until, &only_here);
	if (is != -GT_EDAMAGED)
		return 0; /* a page that cannot be read is found below */
	const char *what = gt_translate(said, NULL, gt_reader_why(r));
	if (!only_here && s->mended[0] == '\0') {
		gt_copy(why, why_cap, what);
		return is;
	}
	gt_say_into(why, why_cap, GT_T_DAEMON_DB_ODD_HERE, what);
	return -GT_EINVALID;
}

/* What of the database can be looked at in CHECK_MS. 0; negative: why. */
static int check_database(const struct gt_service *s, char *why, size_t why_cap)
{
	uint64_t until = gt_sys_now().mono_ms + CHECK_MS;
	struct gt_reader *r = gt_database_reader(s->database, why, why_cap);
	if (!r)
		return -GT_ESTORE;
	int odd = check_rows(s, r, why, why_cap);
	int whole = odd ? 1 : gt_read_whole(r, enough, &until);
	if (whole < 0)
		gt_copy(why, why_cap, gt_reader_why(r));
	else if (whole == 0)
		gt_log_line(GT_LOG_INFO, "database", "looked_at_ms",
		            GT_LOG_U(CHECK_MS), "why",
		            gt_text(GT_T_DAEMON_DB_LARGE), NULL);
	gt_reader_free(r);
	return odd ? odd : whole < 0 ? whole : 0;
}

/* As gt_tls_rehearse, of the signatures that are not TLS's. Asked for its
 * global context, OpenSSL says whether it could make it; asked for anything
 * else, it would follow a null pointer into it. */
static bool rehearse_key(const uint8_t seed[32])
{
	struct gt_key key;
	uint8_t sig[64];
	struct gt_bytes text = gt_bytes_str("rehearsal");
	return OSSL_LIB_CTX_get0_global_default() &&
	       gt_key_from_seed(&key, seed) == 0 &&
	       gt_sign(&key, text, sig) == 0 &&
	       gt_verify(key.public, text, sig) == 0;
}

/* What was only asked for may take a quarter of the disk, if nothing else is
 * said. */
static uint64_t on_demand(const struct gt_config *c)
{
	struct statvfs v;
	if (c->on_demand > 0 || statvfs(".", &v) != 0)
		return c->on_demand;
	uint64_t unit = v.f_frsize ? v.f_frsize : v.f_bsize;
	return v.f_blocks * unit / 4;
}

/* The node keeps a link until it has heard that it is gone, so it has room for
 * a few more than may be open: for the parent's, and for those that took the
 * place of another. Without children two at a time are all there are. */
static uint32_t node_links(const struct gt_config *c)
{
	enum { PARENT = 4, OVERLAP = 4 };
	return *c->listen ? run_small(c->max_links) + PARENT + OVERLAP : PARENT;
}

static int open_sums(struct gt_service *s)
{
	bool kept;
	int status = gt_sums_open(&s->sums, GT_DIR_DATABASE,
	                          s->config->restored, &kept);
	if (status == 0 && !kept && s->mended[0] == '\0' &&
	    access(GT_DIR_DATABASE, F_OK) == 0)
		gt_log_line(GT_LOG_INFO, "database", "why",
		            gt_text(GT_T_DAEMON_SUMS_ANEW), NULL);
	if (status == 0)
		status = gt_log_sums_open(&s->log_sums, GT_DIR_LOG);
	if (status == 0)
		status = gt_sums_vfs_open(&s->sums_vfs, s->sums, s->log_sums);
	if (status == 0)
		gt_format(s->database, sizeof s->database,
		          "file:" GT_DIR_DATABASE "?vfs=%s",
		          gt_sums_vfs_name(s->sums_vfs));
	return status;
}

/* A run that got ready had committed, and beside sums a log is never cut to
 * less than its beginning. */
static bool cut_log(void)
{
	struct stat st;
	return access(GT_DIR_RUN, F_OK) == 0 &&
	       access(GT_DIR_SUMS, F_OK) == 0 &&
	       stat(GT_DIR_DATABASE, &st) == 0 && st.st_size > 0 &&
	       stat(GT_DIR_LOG, &st) == 0 && st.st_size < GT_WAL_BEGIN;
}

static enum gt_wal_run last_run(const struct gt_service *s)
{
	char why[RUN_WHY];
	struct gt_buffer text = {0};
	if (s->config->restored)
		return GT_WAL_RESTORED;
	if (access(GT_DIR_RUN, F_OK) != 0)
		return GT_WAL_ENDED;
	bool sums = gt_files_read(GT_DIR_RUN, RUN_TEXT, &text, why,
	                          sizeof why) == 0 &&
	            text.p && strstr((const char *)text.p, RUN_SUMS);
	gt_buffer_free(&text);
	return sums ? GT_WAL_KILLED : GT_WAL_KILLED_WITHOUT;
}

int prepare_log(struct gt_service *s)
{
	char why[RUN_WHY];
	int status = gt_wal_look(GT_DIR_DATABASE, last_run(s), &s->left);
	if (status == 0 && s->left.is == GT_WAL_WHOLE && !s->left.index &&
	    cut_log())
		s->left.is = GT_WAL_LOST;
	if (status == 0 && s->left.aside[0])
		gt_log_line(GT_LOG_ERROR, "database", "file", s->left.aside,
		            "why", gt_text(GT_T_DAEMON_LOG_OTHER), NULL);
	if (status != 0)
		gt_say_into(why, sizeof why, GT_T_DAEMON_REWRITE, GT_DIR_LOG,
		            gt_translate_errno(errno));
	else if (s->left.is == GT_WAL_TANGLED)
		gt_say_into(why, sizeof why, GT_T_DAEMON_DB_DAMAGED,
		            gt_text(GT_T_DAEMON_LOG_TANGLED));
	else
		return 0;
	return prepare_refused("database", why, GT_SERVICE_SYSTEM);
}

static int open_layers(struct gt_service *s)
{
	int status = open_sums(s);
	return status ? status
	              : gt_room_vfs_open(&s->vfs, s->room,
	                                 gt_sums_vfs_name(s->sums_vfs));
}

static void close_layers(struct gt_service *s)
{
	gt_room_vfs_close(s->vfs);
	gt_sums_vfs_close(s->sums_vfs);
	gt_sums_close(s->sums);
	gt_log_sums_close(s->log_sums);
	s->vfs = NULL;
	s->sums_vfs = NULL;
	s->sums = NULL;
	s->log_sums = NULL;
}

int prepare_room(struct gt_service *s, const struct gt_room_events *events)
{
	int status = gt_room_open(&s->room, GT_DIR_RESERVE, GT_DIR_LOG,
	                          s->config->records_reserve, events, s);
	if (status == 0)
		status = open_layers(s);
	if (status != 0)
		return prepare_refused("room", gt_strerror(status),
		                       GT_SERVICE_SYSTEM);
	bool said = false;
	status = wait_for_room(s, &said);
	say_room(said && status == 0);
	return status;
}

int prepare_kinds(const struct gt_config *config)
{
	char why[RUN_WHY] = "";
	return gt_ready_kinds(config, why, sizeof why) == 0
	               ? 0
	               : prepare_refused("directory", why, GT_SERVICE_SYSTEM);
}

static int close_to_others(const char *file)
{
	char why[RUN_WHY] = "";
	int had = gt_files_close_to_others(file, why, sizeof why);
	if (had < 0) {
		gt_ready_advise(NULL, had, errno, file, why, sizeof why);
		return prepare_refused("modes", why, GT_SERVICE_SYSTEM);
	}
	if (had)
		gt_log_line(GT_LOG_WARN, "modes", "file", file, "why",
		            gt_text(GT_T_DAEMON_OPEN_FILE), NULL);
	return 0;
}

int prepare_modes(const struct gt_config *config)
{
	const char *key = config->key;
	int status = 0;
	for (size_t i = 0; status == 0 && gt_ready_secrets[i]; i++)
		status = close_to_others(gt_ready_secrets[i]);
	if (status == 0 && gt_ready_is_ours(key))
		return close_to_others(key);
	if (status == 0 && gt_ready_is_open(key))
		gt_log_line(GT_LOG_WARN, "modes", "file", key, "why",
		            gt_text(GT_T_DAEMON_OPEN_KEY), NULL);
	return status;
}

static void configure(struct gt_node_config *n, const struct gt_config *c)
{
	*n = (struct gt_node_config){
	        .code = c->code,
	        .parent = c->parent,
	        .software = "guantong " GT_VERSION,
	        .window_min = run_small(c->window_min),
	        .window_max = run_small(c->window_max),
	        .heartbeat_ms = run_small(c->heartbeat_ms),
	        .dead_ms = run_small(c->dead_ms),
	        .transfers = run_small(c->transfers),
	        .on_demand = on_demand(c),
	        .max_links = node_links(c),
	        .date_warn_ms = c->date_warn_ms,
	        .date_limit_ms = c->date_limit_ms,
	        .above_ms = c->nabove > 0 ? c->above_every_ms : 0,
	        .protocol_max = run_small(c->protocol),
	        .terminal_hour = c->terminal_hour,
	        .child_hour = c->child_hour,
	        .attachments_hour = c->attachments_hour,
	        .terminal_waiting = c->terminal_waiting,
	        .child_waiting = c->child_waiting,
	        .entries = c->entries,
	        .restored = c->restored,
	};
}

/* Rules for certificates, in the node's words. */
static void read_awards(struct gt_service *s, struct gt_node_config *n)
{
	for (size_t i = 0; i < s->config->ncertify; i++) {
		const struct gt_certify *r = &s->config->certify[i];
		s->awards[i] = (struct gt_award_rule){r->name, r->activity,
		                                      r->subject, r->score};
	}
	n->awards = s->awards;
	n->nawards = s->config->ncertify;
}

static int read_keys(const struct gt_config *c, struct gt_node_config *n)
{
	char why[RUN_WHY] = "";
	if (gt_ready_key(c, GT_DIR_NODE_KEY, n->seed, why, sizeof why) != 0 ||
	    gt_ready_key(c, GT_DIR_ROSTER_KEY, n->roster_key, why,
	                 sizeof why) != 0)
		return prepare_refused("keys", why, GT_SERVICE_CONFIG);
	n->has_date_seed = access(GT_DIR_DATE_KEY, F_OK) == 0;
	if (n->has_date_seed && gt_ready_key(c, GT_DIR_DATE_KEY, n->date_seed,
	                                     why, sizeof why) != 0)
		return prepare_refused("keys", why, GT_SERVICE_CONFIG);
	if (!rehearse_key(n->seed))
		return prepare_refused("keys", gt_strerror(-GT_ENOMEM),
		                       GT_SERVICE_SYSTEM);
	return 0;
}

static int read_keyring(struct gt_service *s, struct gt_node_config *n)
{
	char why[RUN_WHY] = "";
	if (gt_keyring_load(&s->keyring, &s->aliases, why, sizeof why) != 0)
		return prepare_refused("keys", why, GT_SERVICE_CONFIG);
	s->names = (struct gt_pseudonym_source){s->keyring.keys, s->keyring.n,
	                                        s->aliases};
	n->pseudonyms = &s->names;
	return 0;
}

/* The result code of SQLite's that why begins with; 0: none. */
static unsigned code_of(const char *why)
{
	unsigned code = 0;
	return sscanf(why, "SQLite %u:", &code) == 1 ? code & 0xff : 0;
}

/* What did not open is damaged: in few words. False: it is something else. */
static bool is_damage(const struct gt_service *s, int status, char *why,
                      size_t why_cap)
{
	uint32_t page = gt_sums_bad(s->sums), left, pages;
	bool damaged = status == -GT_EDAMAGED || page > 0 ||
	               code_of(why) == SQLITE_CORRUPT;
	if (damaged && mend_cut(&left, &pages))
		gt_say_into(why, why_cap, GT_T_DAEMON_DB_CUT, left, pages);
	else if (page > 0)
		gt_say_into(why, why_cap, GT_T_DAEMON_DB_PAGE, page);
	return damaged;
}

/* 0, or negative with nothing left open: why, -GT_EDAMAGED: in few words. */
static int open_node(struct gt_service *s, const struct gt_node_config *n,
                     char *why, size_t why_cap)
{
	sqlite3 *db = NULL;
	int status = open_database(s, &db, why, why_cap);
	if (status == 0)
		status = gt_node_open(&s->node, n, db, why, why_cap);
	if (status == 0)
		settle(s, db);
	if (status == 0)
		status = check_database(s, why, why_cap);
	if (status == 0)
		return 0;
	gt_node_close(s->node);
	s->node = NULL;
	return is_damage(s, status, why, why_cap) ? -GT_EDAMAGED : status;
}

/* Out of what of it can be read. */
static int make_anew(struct gt_service *s, struct gt_node_config *n, char *why,
                     size_t why_cap)
{
	char what[RUN_WHY], no[RUN_WHY] = "", text[GT_TRANSLATE_MAX];
	bool restored = false;
	gt_copy(what, sizeof what, gt_translate(text, NULL, why));
	int status = mend(s, what, &restored, no, sizeof no);
	if (status != 0) {
		gt_say_into(why, why_cap, GT_T_DAEMON_DB_PAST_MENDING, what,
		            gt_translate(text, NULL, no));
		return -GT_ESTORE;
	}
	n->restored = n->restored || restored;
	/* the new one's pages have no sums yet */
	close_layers(s);
	status = open_layers(s);
	if (status != 0)
		gt_copy(why, why_cap, gt_strerror(status));
	return status ? status : open_node(s, n, why, why_cap);
}

/* Somebody said that it is to be made anew, or a run that met what it could not
 * read. */
static int open_or_mend(struct gt_service *s, struct gt_node_config *n,
                        char *why, size_t why_cap)
{
	bool told = s->mended[0] == '\0' &&
	            access(GT_DIR_DATABASE, F_OK) == 0 &&
	            (s->config->mend || mend_due());
	int status = -GT_EDAMAGED;
	if (told)
		gt_copy(why, why_cap, gt_text(GT_T_DAEMON_MEND_TOLD));
	else
		status = open_node(s, n, why, why_cap);
	if (status == -GT_EDAMAGED && s->mended[0] == '\0')
		status = make_anew(s, n, why, why_cap);
	return status;
}

/* What SQLite says is told with what to do; other sentences end with that. */
static int refuse_database(const char *why)
{
	char line[2 * RUN_WHY], text[GT_TRANSLATE_MAX];
	const char *said = gt_translate(text, NULL, why);
	unsigned code = code_of(why);
	bool own = code == 0 && strncmp(why, GT_DIR_DATABASE ": ",
	                                sizeof GT_DIR_DATABASE + 1) != 0;
	if (own)
		return prepare_refused("database", why, GT_SERVICE_SYSTEM);
	if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
		gt_say_into(line, sizeof line, GT_T_DAEMON_DB_DAMAGED, said);
	else
		gt_say_into(line, sizeof line, GT_T_DAEMON_DB_REFUSED, said,
		            gt_text(GT_T_DAEMON_ADVICE));
	return prepare_refused("database", line, GT_SERVICE_SYSTEM);
}

/* As often as it takes while the disk has no room for it. */
static int open_patiently(struct gt_service *s, struct gt_node_config *n)
{
	char why[RUN_WHY] = "";
	bool said = false;
	uint64_t avail = 0;
	int status = open_or_mend(s, n, why, sizeof why);
	while (status != 0 &&
	       (status == -GT_ENOSPACE || gt_room_lack(s->room))) {
		if (!said)
			gt_room_blame(s->room, &avail);
		if (!said)
			say_what_is_needed(s, avail, avail + GT_ROOM_START);
		said = true;
		if (!pass_the_time(s) || wait_for_room(s, &said) != 0)
			return GT_SERVICE_CALLED_OFF;
		status = open_or_mend(s, n, why, sizeof why);
	}
	say_room(said && status == 0);
	return status ? refuse_database(why) : 0;
}

int prepare_node(struct gt_service *s)
{
	struct gt_node_config n;
	configure(&n, s->config);
	read_awards(s, &n);
	int status = read_keys(s->config, &n);
	if (status == 0)
		status = read_keyring(s, &n);
	if (status != 0)
		return status;
	if (lost_database())
		return prepare_refused("database", gt_text(GT_T_DAEMON_DB_GONE),
		                       GT_SERVICE_SYSTEM);
	/* what neighbours remember may be newer than what is left */
	n.restored = say_lost(s) || n.restored;
	return open_patiently(s, &n);
}

int prepare_pems(const struct gt_config *config, struct gt_dir_pems *pems)
{
	char why[RUN_WHY] = "";
	int status = gt_ready_pems(config, pems, why, sizeof why);
	if (status == 0)
		return 0;
	return prepare_refused("certificates", why,
	                       status == -GT_EINVALID ? GT_SERVICE_CONFIG
	                                              : GT_SERVICE_SYSTEM);
}

static void sweep_attachments(const struct gt_service *s)
{
	char why[RUN_WHY] = "";
	struct gt_reader *r = gt_database_reader(s->database, why, sizeof why);
	struct gt_annex *x = gt_annex_new(".", 0);
	int gone = r && x ? gt_annex_sweep(x, r) : 0;
	if (gone < 0)
		gt_copy(why, sizeof why, gt_reader_why(r));
	gt_annex_free(x);
	if (!r || gone < 0)
		gt_log_line(GT_LOG_WARN, "sweep", "why", why, NULL);
	if (gone > 0)
		gt_log_line(GT_LOG_INFO, "sweep", "attachments", GT_LOG_U(gone),
		            NULL);
	gt_reader_free(r);
}

/* Not where the database may be older than the files: behind a restore, or a
 * log of which the end is lost. */
void prepare_sweep(const struct gt_service *s)
{
	struct gt_swept swept;
	char why[RUN_WHY] = "";
	if (s->config->restored || s->lost)
		return;
	sweep_attachments(s);
	if (gt_sweep(".", s->database, &swept, why, sizeof why) != 0)
		gt_log_line(GT_LOG_WARN, "sweep", "why", why, NULL);
	if (swept.removed)
		gt_log_line(GT_LOG_INFO, "sweep", "removed",
		            GT_LOG_U(swept.removed), NULL);
	if (swept.unknown)
		gt_log_line(GT_LOG_WARN, "sweep", "unknown",
		            GT_LOG_U(swept.unknown), "bytes",
		            GT_LOG_U(swept.unknown_bytes), "why",
		            gt_text(GT_T_DAEMON_UNKNOWN_OBJECTS), NULL);
}

static void on_found(void *arg, enum gt_look what, const struct gt_id *objects,
                     size_t n)
{
	struct gt_event e = {
	        .type = GT_EV_LOST,
	        .body = gt_bytes_of(objects, n * sizeof *objects),
	        .detail = gt_look_why(what),
	};
	if (what == GT_LOOK_FOREIGN)
		gt_log_line(GT_LOG_WARN, "objects", "files", GT_LOG_U(n), "why",
		            gt_text(GT_T_DAEMON_FOREIGN_OBJECTS), NULL);
	(void)gt_core_post(arg, &e, NULL);
}

void prepare_look(const struct gt_service *s)
{
	char why[RUN_WHY] = "";
	if (gt_look(".", s->database, on_found, s->core, why, sizeof why) != 0)
		gt_log_line(GT_LOG_WARN, "objects", "why", why, NULL);
}
