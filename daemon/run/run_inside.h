/* run_inside.h: what the files of run/ share. service.c
 * calls the others, they do not call it back. */
#ifndef GT_RUN_INSIDE_H
#define GT_RUN_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "blob.h"
#include "core.h"
#include "fault.h"
#include "http.h"
#include "keyring.h"
#include "link.h"
#include "node_dir.h"
#include "room_vfs.h"
#include "service.h"
#include "sums_vfs.h"
#include "wal.h"

enum {
	RUN_WHY = 1024,
	RUN_TEXT = 4096, /* of GT_DIR_RUN */
	RUN_FILES = 3,   /* that are looked after, guard.c */
	RUN_ANNEX_LOST = 16,
};

/* In GT_DIR_RUN: whoever runs keeps sums, and notes what log the database
 * has. */
#define RUN_SUMS "\"sums\":true"

/* A file by what it is, not by its name; inode 0: there was none. */
struct run_file {
	dev_t device;
	ino_t inode;
};

/* Whom to answer, where it is not HTTP. */
#define TOKEN_MEMBERS UINT64_MAX
#define TOKEN_LAYER   (UINT64_MAX - 1)

/* The slow look over the files of attachments. The pool's while it looks. */
struct run_annex {
	int64_t aid;  /* the last one looked at */
	uint64_t due; /* when to begin again */
	struct {
		struct gt_sha2 sha2;
		int status;
	} lost[RUN_ANNEX_LOST];
	size_t nlost;
};

/* The loop thread's, but for what is atomic, what mark_lock guards, and what
 * other threads only read.
 *
 *   1. node, blobs, core, links and http are set in this order and stay until
 *      all are taken apart; the core's thread waits at the gate until all are,
 *      and links is atomic since its callbacks may come before it has started
 *   2. gated: the loop thread holds the gate; whole is set as it lets go, for
 *      good, and nothing is performed before
 *   3. failed: 0, or the first exit status there was; told once
 *   4. mark_lock may be taken with the gate held, not the other way round, and
 *      no part is called with it held
 *   5. wake and the timers are open until every thread that may send to the
 *      first has ended
 *   6. crowd runs while HTTP has connections: a node at rest is not woken */
struct gt_service {
	uv_loop_t *loop;
	const struct gt_config *config;
	struct gt_service_events events;
	void *arg;
	int lock_fd;
	struct gt_room *room;
	struct gt_log_sums *log_sums;
	struct gt_sums *sums;
	struct gt_sums_vfs *sums_vfs; /* readers' */
	struct gt_room_vfs *vfs;      /* upon it, of the one that writes */
	char database[80];            /* as readers open it */
	struct gt_award_rule awards[GT_AWARD_RULES];
	struct gt_node *node;
	struct gt_blobs *blobs;
	struct gt_core *core;
	_Atomic(struct gt_links *) links;
	struct gt_http *http;
	uv_async_t wake;
	uv_timer_t daily; /* looks when the certificates end */
	struct gt_validity certificate, ca;
	int64_t warned_days;     /* that were left when it was last said */
	uv_timer_t crowd, watch; /* gt_http_tick; the watchdog */
	uv_timer_t guard;        /* looks whether the files are there */
	unsigned handles;        /* of the five, as far as they are open */
	int64_t patience_ms;     /* of the watchdog */
	bool stuck;              /* and the log knows */
	uv_timer_t look;         /* at the room on the disk */
	bool look_open;
	size_t room_said;    /* to the core */
	uint64_t extend_due; /* systemd's patience with a start that waits */
	bool run_due;        /* GT_DIR_RUN found no room yet */
	atomic_bool stalled; /* the core waits for room */
	struct run_file files[RUN_FILES];
	struct run_file control_file;
	struct run_control *control; /* in place of HTTP's own; NULL: none */
	unsigned control_handles;    /* of these, that are open */
	bool control_failed;         /* to make one, and the log knows */
	bool abandoned; /* the database is not the node's any more: nothing
	                   is written to it, and nothing of it is removed */
	/* what node reads as long as it lives */
	struct gt_keyring keyring;
	struct gt_aliases *aliases;
	struct gt_pseudonym_source names;
	uv_work_t scrub;
	bool scrubbing;
	struct gt_sums_look scrubbed;
	uint64_t scrub_due;                 /* who looks has it */
	uint32_t scrubbed_log[GT_LOG_TOLD]; /* frames that were mended */
	size_t nscrubbed_log;
	struct run_annex annex;
	struct gt_wal_found left; /* of the last run's log */
	char mended[200];         /* the database was made anew: how it went */
	bool lost;         /* some of what the last run acknowledged is */
	bool log_missing;  /* the last run was killed, and its log is gone */
	atomic_int failed; /* exit status */
	atomic_bool reload;
	atomic_bool busy; /* HTTP has connections, and nobody ticks yet */
	bool failed_told;

	/* Held while the parts are put together: the core waits at it before
	 * its first action, and so never meets half a service. */
	pthread_mutex_t gate;
	atomic_bool whole;
	bool gated;

	pthread_mutex_t mark_lock;
	struct gt_id mark; /* of the policy file posted last */
	char broke[256];   /* why a reader could not read; "": none, or seen */
	bool broke_told;   /* of that, in this run */
};

/* -------------------------------------------------------- perform.c */

/* Performs one action of the core's. arg: the service. Core thread. */
void perform(void *arg, const struct gt_action *a);
/* The core cannot go on: logs why, and lets the loop know. arg: the service.
 * Core thread. */
void perform_failed(void *arg, int status, const char *why);
/* Whether this policy file is the one the node took last. Loop thread. */
bool perform_is_taken(const struct gt_id *layer_hash);

/* The service is to end with that status; the first counts. Any thread. */
void perform_end(struct gt_service *s, int exit_status);

/* -------------------------------------------------------- control.c */

/* Remembers which file the control socket is. Loop thread, as all here. */
void control_remember(struct gt_service *s);
/* Makes it again if it is not there any more, or is another file. Where that
 * fails the log says why, once, and the next look tries anew. HTTP runs. */
void control_look(struct gt_service *s);
/* Lets nobody in any more by a socket that was made again. The loop runs until
 * control_handles is 0. */
void control_stop(struct gt_service *s);

/* ---------------------------------------------------------- guard.c */

/* Remembers the files that are open, and looks after them until guard is
 * stopped. Loop thread. */
void guard_start(struct gt_service *s);

/* ----------------------------------------------------------- mend.c */

/* The database is made anew at the next start. Any thread. */
void mend_later(void);
/* Whether that was said. */
bool mend_due(void);
/* Who waits, or mends, has not failed to start: tells systemd so, now and then.
 * Loop thread. */
void mend_extend(struct gt_service *s);
/* Whether the database's file is shorter than it says: how many whole pages are
 * left of how many. So is one whose log holds the rest. Nobody has it open. */
bool mend_cut(uint32_t *left, uint32_t *pages);
/* Makes it anew, now; nobody has it open. what: is wrong with it. *restored: the
 * node is to start as one restored. 0, with s->mended set; else why, and all is
 * as it was. Loop thread. */
int mend(struct gt_service *s, const char *what, bool *restored, char *why,
         size_t why_cap);

/* -------------------------------------------------------- prepare.c */

/* Logs why the service cannot start. Returns exit_status. */
int prepare_refused(const char *what, const char *why, int exit_status);
/* Opens s->node: reads its keys, makes sure of its log (rewrite.h), opens its
 * database, and waits where the disk has no room for that. 0, or an exit status,
 * with the reason logged. */
int prepare_node(struct gt_service *s);
/* Looks at the log the last run left (wal.h), puts it right as far as it can,
 * and remembers in s->left what is to be told. 0, or an exit status, with the
 * reason logged. */
int prepare_log(struct gt_service *s);
/* Sees to s->room and s->sums, before anything else is written, and waits until
 * there is room for a start. 0, or an exit status. */
int prepare_room(struct gt_service *s, const struct gt_room_events *events);
/* Says in out why what the database has to write does not fit. */
void prepare_say_lack(const struct gt_service *s, char *out, size_t cap);
/* Certificates and key, read and tried (ready.h). 0, or an exit status, with the
 * reason logged; *pems is to be freed in any case. Loop thread, as all here. */
int prepare_pems(const struct gt_config *config, struct gt_dir_pems *pems);
/* Refuses what is no file where the node has one: it would wait for a pipe for
 * ever. 0, or an exit status, with the reason logged. */
int prepare_kinds(const struct gt_config *config);
/* Takes what holds secrets, or what only this node may write, from the hands of
 * other users; of a key that is kept elsewhere it tells whose hands it is in. 0, or
 * an exit status, with the reason logged. */
int prepare_modes(const struct gt_config *config);
/* Removes what the last run decided to remove and was stopped before it could
 * (sweep.h). The node and its objects are open, and nothing runs yet. */
void prepare_sweep(const struct gt_service *s);
/* Tells the core which object files are not what the database counts on
 * (look.h). The core runs, and waits at the gate before its first action. */
void prepare_look(const struct gt_service *s);

/* --------------------------------------------------------- scrub.c */

/* Writes into the audit log, and the operator's, what was done to the last
 * run's log (s->left). Loop thread. */
void scrub_left(struct gt_service *s);
/* Looks at once where a reader could not read: what page it is is told, or that
 * none is known, once. Loop thread. */
void scrub_broke(struct gt_service *s);
/* The log is not what this process wrote: logs that. False: it is. Any
 * thread. */
bool scrub_wrong(const struct gt_service *s);
/* As scrub_wrong, after a look at all of the log; what was mended by it is
 * logged. The node writes no more. */
bool scrub_last(const struct gt_service *s);
/* Looks at some more of the database's pages, on the pool; while scrubbing is
 * set nothing it needs may go. Loop thread. */
void scrub_step(struct gt_service *s);

/* --------------------------------------------------------- watch.c */

/* Starts to tell systemd that the node is well, if it wants to know: the loop
 * runs, the core gets on with what waits, and no thread of HTTP's is lost in a
 * request. Loop thread; http and core run until watch is closed. */
void watch_start(struct gt_service *s);

/* What the configuration holds as 64 bits and the parts as 32. */
static inline uint32_t run_small(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

#endif
