#include "blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "blob_file.h"
#include "bulk.h"
#include "dir.h"
#include "object.h"
#include "sys.h"

enum {
	LANES = 256,
	STAGED_AGE_S = 60,
	STAGED_LOOK_MS = 60000,
	WHY_MAX = GT_PATH_MAX + 256, /* a sentence that names a member */
};

/* What a job does to its object, for the order of jobs. */
enum job_kind { READ, WRITE, SYNC, CHECK, ALONE, KINDS };

/* later_waits[earlier][later] */
static const bool later_waits[KINDS][KINDS] = {
        [READ] = {[ALONE] = true},
        [WRITE] = {[SYNC] = true, [CHECK] = true, [ALONE] = true},
        [SYNC] = {[SYNC] = true, [CHECK] = true, [ALONE] = true},
        [CHECK] =
                {[WRITE] = true, [SYNC] = true, [CHECK] = true, [ALONE] = true},
        [ALONE] = {true, true, true, true, true},
};

/* An action under way and, behind it in the same allocation, the bytes it
 * points to. */
struct job {
	uv_work_t work;
	struct gt_blobs *b;
	struct job *next;
	struct lane *lane;
	struct lane *spare; /* for the first job of an object; NULL: used */
	enum job_kind kind;
	struct gt_action a;
	int status;
	char why[WHY_MAX];
};

/* The jobs of one object: those running, by kind, and those that must wait
 * for an earlier one, in order.
 *
 *   1. it is there exactly while a job of its object waits or runs
 *   2. while one waits, one runs: the first that waits, waits for that
 *   3. last points at the last one's `next`, or at first */
struct lane {
	struct lane *next;
	struct gt_id object;
	unsigned running[KINDS];
	struct job *first, **last;
};

/*   1. a job is in the inbox, waits in its object's lane, or runs; it has a
 *      lane once it has left the inbox
 *   2. one lane per object, in lanes[first byte of its id]
 *   3. running = jobs libuv has, of all lanes, and the one that warms it
 *   4. closing is never taken back: nothing is started or reported after it
 *   5. done is called by the loop's thread, serve by the pool's, neither with
 *      the lock held */
struct gt_blobs {
	uv_loop_t *loop;
	struct gt_blob_store *store;
	struct gt_blob_events events;
	void *arg;
	uv_async_t wake;
	int closed; /* of the two handles */
	pthread_mutex_t lock;
	struct job *inbox, **inbox_last; /* under lock */

	/* the loop thread's own */
	struct lane *lanes[LANES];
	unsigned running;
	bool closing;
	uv_work_t warm, clear;
	uv_timer_t minute;
	bool clearing; /* the pool looks at what is staged */
};

/* ----------------------------------------------------- what jobs do */

static int verify(const struct gt_id *id, const void *p, size_t n)
{
	struct gt_id is;
	gt_sha256_one(&is, p, n);
	return gt_id_eq(&is, id) ? 0 : -GT_EDAMAGED;
}

/* What the system said of the object's file, for people; the status. */
static int failed(struct job *j, int status, int error)
{
	char name[GT_BLOB_NAME_MAX], text[128];
	if (status == 0 || error == 0 || j->why[0] != '\0')
		return status;
	if (strerror_r(error, text, sizeof text) != 0)
		gt_format(text, sizeof text, "errno %d", error);
	gt_blob_name(name, &j->a.object);
	gt_format(j->why, sizeof j->why, "%s: %s", name, text);
	return status;
}

static int place_bytes(struct job *j, struct gt_bytes bytes)
{
	const struct gt_action *a = &j->a;
	struct gt_blob_store *s = j->b->store;
	struct gt_blob_file *f;
	uint64_t total = a->total ? a->total : a->offset + bytes.n;
	if (a->offset > total || bytes.n > total - a->offset)
		return -GT_EDAMAGED;
	errno = 0;
	int status = gt_blob_get(s, &a->object, total, &f);
	if (status != 0)
		return failed(j, status, errno);
	status = gt_blob_write(s, f, bytes, a->offset);
	int error = errno;
	gt_blob_put(s, f);
	return failed(j, status, error);
}

static int do_place(struct job *j)
{
	const struct gt_bulk *m = j->a.bulk;
	struct gt_bytes bytes = m ? m->payload : j->a.payload;
	if (bytes.n != j->a.n || verify(&j->a.id, bytes.p, bytes.n) != 0)
		return -GT_EDAMAGED;
	return place_bytes(j, bytes);
}

/* Reads [offset, +n) of an object into fresh memory. */
static int fetch(struct job *j, const struct gt_id *object, uint64_t offset,
                 void **out)
{
	struct gt_blob_store *s = j->b->store;
	struct gt_blob_file *f;
	int status = gt_blob_get(s, object, 0, &f);
	if (status != 0)
		return status;
	void *p = malloc(j->a.n ? j->a.n : 1);
	status = p ? gt_sys_pread(f->fd, p, j->a.n, offset) : -GT_ENOMEM;
	gt_blob_put(s, f);
	if (status != 0) {
		free(p);
		return status;
	}
	*out = p;
	return 0;
}

static int do_copy(struct job *j)
{
	void *p;
	int status = fetch(j, &j->a.from, j->a.from_offset, &p);
	/* a source that cannot be read is no loss: the parent has it too */
	if (status == -GT_EIO || status == -GT_EUNKNOWN)
		status = -GT_EDAMAGED;
	if (status != 0)
		return status;
	status = verify(&j->a.id, p, j->a.n);
	if (status == 0)
		status = place_bytes(j, gt_bytes_of(p, j->a.n));
	free(p);
	return status;
}

static int do_serve(struct job *j)
{
	void *p;
	int status = fetch(j, &j->a.object, j->a.offset, &p);
	if (status != 0)
		return status;
	if (j->a.check)
		status = verify(&j->a.id, p, j->a.n);
	if (status == 0)
		j->b->events.serve(j->b->arg, &j->a, p, j->a.n);
	else
		free(p);
	return status;
}

static int do_sync(struct job *j)
{
	struct gt_blob_file *f;
	errno = 0;
	int status = gt_blob_get(j->b->store, &j->a.object, 0, &f);
	if (status == -GT_ENOMEM) /* nothing is known, nor lost */
		return failed(j, status, errno);
	if (status != 0) /* what cannot be opened is not synced: as if gone */
		return -GT_EUNKNOWN;
	status = gt_blob_sync(j->b->store, f);
	gt_blob_put(j->b->store, f);
	return status;
}

static int read_fd(void *arg, uint64_t offset, uint8_t *out, size_t n)
{
	return gt_sys_pread(*(int *)arg, out, n, offset);
}

/* The file is what the manifest in the action's payload says. */
static int check_file(struct job *j, int fd, bool all)
{
	struct gt_manifest *m;
	struct stat st;
	int status = gt_manifest_new(&m, j->a.payload, j->why, sizeof j->why);
	if (status != 0)
		return status;
	if (fstat(fd, &st) != 0) {
		status = -GT_EIO;
	} else if (!S_ISREG(st.st_mode)) {
		gt_copy(j->why, sizeof j->why, "it is no file");
		status = -GT_EINVALID;
	} else if ((uint64_t)st.st_size != m->file_size) {
		gt_format(j->why, sizeof j->why,
		          "the file has %lld bytes, its manifest says %llu",
		          (long long)st.st_size,
		          (unsigned long long)m->file_size);
		status = -GT_EDAMAGED;
	} else {
		status = gt_object_check(m, all, read_fd, &fd, j->why,
		                         sizeof j->why);
	}
	gt_manifest_free(m);
	return status;
}

static int do_check(struct job *j)
{
	struct gt_blob_file *f;
	errno = 0;
	int status = gt_blob_get(j->b->store, &j->a.object, 0, &f);
	if (status == -GT_EUNKNOWN) {
		gt_format(j->why, sizeof j->why, "the file is gone");
		return -GT_EDAMAGED;
	}
	if (status != 0)
		return failed(j, status, errno);
	status = check_file(j, f->fd, j->a.check);
	gt_blob_put(j->b->store, f);
	return status;
}

static bool staged_name_ok(const char *name)
{
	return name && *name && *name != '.' && !strchr(name, '/') &&
	       strlen(name) < 200;
}

static int do_adopt(struct job *j)
{
	char path[256];
	if (!staged_name_ok(j->a.text)) {
		gt_format(j->why, sizeof j->why, "not a name of a staged file");
		return -GT_EINVALID;
	}
	gt_format(path, sizeof path, GT_DIR_STAGED "/%s", j->a.text);
	int dir = gt_blob_store_dir(j->b->store);
	int fd = openat(dir, path,
	                O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		gt_format(j->why, sizeof j->why, "%s: %s", path,
		          strerror(errno));
		return gt_blob_open_status(errno) == -GT_EUNKNOWN
		               ? -GT_EINVALID
		               : gt_sys_status(errno);
	}
	(void)flock(fd, LOCK_SH); /* ours, now (stage.h) */
	int status = check_file(j, fd, true);
	errno = 0;
	if (status == 0) {
		status =
		        gt_blob_adopt(j->b->store, j->a.text, fd, &j->a.object);
		status = failed(j, status, errno);
	}
	close(fd);
	if (status != 0 && status != -GT_EIO)
		unlinkat(dir, path, 0); /* refused: nobody can use it */
	return status;
}

/* Pool thread. */
static void work(uv_work_t *w)
{
	struct job *j = w->data;
	switch (j->a.type) {
	case GT_ACT_PLACE:
		j->status = do_place(j);
		break;
	case GT_ACT_COPY:
		j->status = do_copy(j);
		break;
	case GT_ACT_TAIL:
		j->status = place_bytes(j, j->a.payload);
		break;
	case GT_ACT_SERVE:
		j->status = do_serve(j);
		break;
	case GT_ACT_SYNC:
		j->status = do_sync(j);
		break;
	case GT_ACT_CHECK:
		j->status = do_check(j);
		break;
	case GT_ACT_ADOPT:
		j->status = do_adopt(j);
		break;
	case GT_ACT_REMOVE:
		j->status = gt_blob_remove(j->b->store, &j->a.object);
		break;
	case GT_ACT_SEND:
	case GT_ACT_DROP:
	case GT_ACT_DIAL_ABOVE:
	case GT_ACT_REPLY:
	case GT_ACT_LOG:
		assert(false && "no blob action");
	}
}

/* ------------------------------------------------------ their order */

static enum job_kind kind_of(enum gt_action_type type)
{
	switch (type) {
	case GT_ACT_SERVE:
		return READ;
	case GT_ACT_PLACE:
	case GT_ACT_COPY:
	case GT_ACT_TAIL:
		return WRITE;
	case GT_ACT_SYNC:
		return SYNC;
	case GT_ACT_CHECK:
		return CHECK;
	case GT_ACT_ADOPT:
	case GT_ACT_REMOVE:
		return ALONE;
	case GT_ACT_SEND:
	case GT_ACT_DROP:
	case GT_ACT_DIAL_ABOVE:
	case GT_ACT_REPLY:
	case GT_ACT_LOG:
		break;
	}
	assert(false && "no blob action");
	return ALONE;
}

static struct lane *lane_of(struct gt_blobs *b, struct job *j)
{
	const struct gt_id *object = &j->a.object;
	struct lane **at = &b->lanes[object->b[0] % LANES];
	while (*at && !gt_id_eq(&(*at)->object, object))
		at = &(*at)->next;
	if (!*at) {
		*at = j->spare;
		j->spare = NULL;
		(*at)->object = *object;
		(*at)->last = &(*at)->first;
	}
	return *at;
}

static void lane_free_if_idle(struct gt_blobs *b, struct lane *lane)
{
	struct lane **at = &b->lanes[lane->object.b[0] % LANES];
	if (lane->first)
		return;
	for (int c = 0; c < KINDS; c++)
		if (lane->running[c])
			return;
	while (*at != lane)
		at = &(*at)->next;
	*at = lane->next;
	free(lane);
}

static bool waits(const unsigned before[KINDS], enum job_kind kind)
{
	for (int c = 0; c < KINDS; c++)
		if (before[c] && later_waits[c][kind])
			return true;
	return false;
}

static void job_free(struct job *j)
{
	if (j->a.bulk)
		gt_bulk_unref(j->a.bulk);
	free(j->spare);
	free(j);
}

/* a job that has finished lets others start */
static void finished(uv_work_t *w, int canceled);

static void start(struct gt_blobs *b, struct job *j)
{
	j->lane->running[j->kind]++;
	b->running++;
	j->work.data = j;
	int rc = uv_queue_work(b->loop, &j->work, work, finished);
	assert(rc == 0);
}

/* Starts what no earlier job of the lane keeps back. */
static void advance(struct gt_blobs *b, struct lane *lane)
{
	unsigned before[KINDS];
	struct job **at = &lane->first;
	memcpy(before, lane->running, sizeof before);
	while (*at) {
		struct job *j = *at;
		bool held = waits(before, j->kind);
		before[j->kind]++;
		if (held) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		if (lane->last == &j->next)
			lane->last = at;
		start(b, j);
	}
}

static void report(struct gt_blobs *b, const struct job *j)
{
	static const enum gt_event_type types[] = {
	        [GT_ACT_PLACE] = GT_EV_PLACED,  [GT_ACT_COPY] = GT_EV_PLACED,
	        [GT_ACT_TAIL] = GT_EV_PLACED,   [GT_ACT_SYNC] = GT_EV_SYNCED,
	        [GT_ACT_CHECK] = GT_EV_CHECKED, [GT_ACT_ADOPT] = GT_EV_ADOPTED,
	        [GT_ACT_SERVE] = GT_EV_FAULT,
	};
	const struct gt_action *a = &j->a;
	if (b->closing || a->type == GT_ACT_REMOVE ||
	    (a->type == GT_ACT_SERVE && j->status == 0))
		return;
	struct gt_event e = {
	        .type = types[a->type],
	        .peer = a->peer,
	        .token = a->token,
	        .frame = a->type == GT_ACT_TAIL ? UINT32_MAX : a->frame,
	        .status = j->status,
	        .object = a->object,
	        .body = j->status ? gt_bytes_str(j->why)
	                          : (struct gt_bytes){NULL, 0},
	};
	e.transfer = a->transfer;
	b->events.done(b->arg, &e);
}

static void finished(uv_work_t *w, int canceled)
{
	struct job *j = w->data;
	struct gt_blobs *b = j->b;
	struct lane *lane = j->lane;
	assert(lane->running[j->kind] > 0 && b->running > 0);
	lane->running[j->kind]--;
	b->running--;
	if (canceled == 0)
		report(b, j);
	job_free(j);
	if (lane->first && !b->closing)
		advance(b, lane);
	lane_free_if_idle(b, lane);
}

/* ------------------------------------------------------- submitting */

static struct gt_bytes keep(uint8_t **at, struct gt_bytes from)
{
	struct gt_bytes to = {*at, from.n};
	if (from.n)
		memcpy(*at, from.p, from.n);
	*at += from.n;
	return to;
}

static struct job *job_new(struct gt_blobs *b, const struct gt_action *a)
{
	/* a placement's payload is its bulk's */
	struct gt_bytes payload =
	        a->bulk ? (struct gt_bytes){NULL, 0} : a->payload;
	struct gt_bytes text = gt_bytes_str(a->text);
	struct job *j = malloc(sizeof *j + a->head.n + payload.n + text.n + 1);
	/* now, while the job can still be refused: one that is neither run nor
	 * reported would stall the core for ever */
	struct lane *spare = calloc(1, sizeof *spare);
	if (!j || !spare) {
		free(j);
		free(spare);
		return NULL;
	}
	uint8_t *at = (uint8_t *)(j + 1);
	j->b = b;
	j->next = NULL;
	j->lane = NULL;
	j->spare = spare;
	j->kind = kind_of(a->type);
	j->a = *a;
	j->status = 0;
	j->why[0] = '\0';
	j->a.head = keep(&at, a->head);
	j->a.payload = keep(&at, payload);
	j->a.text = (const char *)keep(&at, text).p;
	*at = '\0';
	if (a->bulk)
		gt_bulk_ref(a->bulk);
	return j;
}

bool gt_blobs_submit(struct gt_blobs *b, const struct gt_action *a)
{
	struct job *j = job_new(b, a);
	if (!j)
		return false;
	pthread_mutex_lock(&b->lock);
	bool first = !b->inbox;
	*b->inbox_last = j;
	b->inbox_last = &j->next;
	pthread_mutex_unlock(&b->lock);
	if (first) /* one wake-up per batch */
		uv_async_send(&b->wake);
	return true;
}

static struct job *take_inbox(struct gt_blobs *b)
{
	pthread_mutex_lock(&b->lock);
	struct job *j = b->inbox;
	b->inbox = NULL;
	b->inbox_last = &b->inbox;
	pthread_mutex_unlock(&b->lock);
	return j;
}

static void on_wake(uv_async_t *wake)
{
	struct gt_blobs *b = wake->data;
	struct job *j = b->closing ? NULL : take_inbox(b);
	while (j) {
		struct job *next = j->next;
		struct lane *lane = lane_of(b, j);
		j->lane = lane;
		j->next = NULL;
		*lane->last = j;
		lane->last = &j->next;
		advance(b, lane);
		j = next;
	}
}

/* ------------------------------------------------- opening, closing */

static void warm(uv_work_t *w)
{
	(void)w;
}

static void warmed(uv_work_t *w, int canceled)
{
	(void)canceled;
	((struct gt_blobs *)w->data)->running--;
}

/* libuv makes its threads with the first job and aborts the process when it
 * cannot: better as the daemon starts than in the middle of a publish. */
static void start_pool(struct gt_blobs *b)
{
	b->warm.data = b;
	b->running++;
	int rc = uv_queue_work(b->loop, &b->warm, warm, warmed);
	assert(rc == 0);
}

/* Whoever makes it holds it as long as he lives, and whoever adopts it; one of
 * a program that does not is not old while it is written. */
static bool abandoned(int dir, const char *name, time_t now)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    S_ISDIR(st.st_mode) || now - st.st_mtime <= STAGED_AGE_S)
		return false;
	int fd = openat(dir, name,
	                O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 &&
	            errno == EWOULDBLOCK;
	if (fd >= 0)
		close(fd);
	return !held;
}

/* Nothing is removed where a link leads: what lies there is somebody else's. */
static void clear_staged(struct gt_blob_store *s)
{
	int fd = openat(gt_blob_store_dir(s), GT_DIR_STAGED,
	                O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	time_t now = time(NULL);
	for (const struct dirent *e = readdir(d); e; e = readdir(d))
		if (abandoned(fd, e->d_name, now))
			unlinkat(fd, e->d_name, 0);
	closedir(d);
}

static void clear_work(uv_work_t *w)
{
	clear_staged(((struct gt_blobs *)w->data)->store);
}

static void cleared(uv_work_t *w, int canceled)
{
	struct gt_blobs *b = w->data;
	(void)canceled;
	b->running--;
	b->clearing = false;
}

static void on_minute(uv_timer_t *timer)
{
	struct gt_blobs *b = timer->data;
	if (b->clearing || b->closing)
		return;
	b->clearing = true;
	b->clear.data = b;
	b->running++;
	int rc = uv_queue_work(b->loop, &b->clear, clear_work, cleared);
	assert(rc == 0);
}

/* It keeps no loop alive. */
static bool start_minutes(struct gt_blobs *b)
{
	b->minute.data = b;
	if (uv_timer_init(b->loop, &b->minute) != 0)
		return false;
	uv_unref((uv_handle_t *)&b->minute);
	return uv_timer_start(&b->minute, on_minute, STAGED_LOOK_MS,
	                      STAGED_LOOK_MS) == 0;
}

int gt_blobs_open(struct gt_blobs **out, uv_loop_t *loop, const char *dir,
                  uint64_t reserve, const struct gt_blob_events *events,
                  void *arg, char *why, size_t why_cap)
{
	struct gt_blobs *b = calloc(1, sizeof *b);
	if (!b) {
		gt_format(why, why_cap, "%s", gt_strerror(-GT_ENOMEM));
		return -GT_ENOMEM;
	}
	int status = gt_blob_store_open(&b->store, dir, reserve, why, why_cap);
	if (status != 0) {
		free(b);
		return status;
	}
	b->loop = loop;
	b->events = *events;
	b->arg = arg;
	b->inbox_last = &b->inbox;
	b->wake.data = b;
	int bad = pthread_mutex_init(&b->lock, NULL);
	assert(!bad);
	if (uv_async_init(loop, &b->wake, on_wake) != 0) {
		gt_format(why, why_cap, "%s", gt_strerror(-GT_EIO));
		gt_blob_store_close(b->store);
		free(b);
		return -GT_EIO;
	}
	bool timed = start_minutes(b);
	assert(timed); /* neither call can fail */
	clear_staged(b->store);
	start_pool(b);
	*out = b;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	((struct gt_blobs *)h->data)->closed++;
}

static void free_jobs(struct job *j)
{
	while (j) {
		struct job *next = j->next;
		job_free(j);
		j = next;
	}
}

void gt_blobs_close(struct gt_blobs *b)
{
	b->closing = true;
	uv_close((uv_handle_t *)&b->wake, on_closed);
	uv_close((uv_handle_t *)&b->minute, on_closed);
	for (int i = 0; i < LANES; i++) {
		for (struct lane *l = b->lanes[i]; l; l = l->next) {
			free_jobs(l->first);
			l->first = NULL;
			l->last = &l->first;
		}
	}
	while (b->running || b->closed < 2)
		uv_run(b->loop, UV_RUN_ONCE);
	free_jobs(take_inbox(b));
	gt_blob_store_close(b->store);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

int gt_blobs_open_object(const char *dir, const struct gt_id *object)
{
	char name[GT_BLOB_NAME_MAX], path[4096];
	gt_blob_name(name, object);
	int n = snprintf(path, sizeof path, "%s/%s", dir, name);
	if (n < 0 || (size_t)n >= sizeof path)
		return -GT_EIO;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	if (fd < 0)
		return gt_blob_open_status(errno);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -GT_EUNKNOWN;
}

void gt_blobs_staged_path(const char *dir, const char *name, char *out,
                          size_t cap)
{
	gt_format(out, cap, "%s/" GT_DIR_STAGED "/%s", dir, name);
}
