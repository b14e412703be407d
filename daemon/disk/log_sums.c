#include "log_sums.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"

enum {
	BEGIN = 32, /* bytes begin a log */
	HEAD = 24,  /* bytes begin a frame */
	FRAME = HEAD + GT_SUMS_PAGE,
	PATH = 512,
	FIRST = 256, /* frames there is room for, at first */
	SEEN_MS = 1000,
};

/*   1. lock: all below; who writes takes the sum away, writes, and puts the new
 *      one: so under the lock a sum and what it is of agree
 *   2. v[i]: frame i + 1; both zero: it has none
 *   3. end: the file has as many bytes at least */
struct gt_log_sums {
	char path[PATH];
	pthread_mutex_t lock;
	uint8_t begin[BEGIN];
	bool begun; /* begin is known */
	bool synced;
	uint64_t end;
	/* the last that is whole; the one of which the head is written */
	struct gt_log_commit commit, heading;
	size_t first, last; /* frames whose pages were written since a sync */
	struct gt_page_sum *v;
	size_t n, cap;
	enum gt_log_wrong wrong;

	size_t at;        /* of the look */
	size_t seen;      /* frames, from the first, before a checkpoint */
	uint64_t seen_ms; /* when they were looked at from the first on */
	uint32_t met[GT_LOG_TOLD]; /* mended for a reader */
	size_t nmet;
	uint32_t told[GT_LOG_TOLD]; /* mended, and nobody was told yet */
	size_t ntold;
};

static bool none(const struct gt_page_sum *s)
{
	return s->sum == 0 && s->parity == 0;
}

/* The frame whose page lies there, 0: none does. */
static size_t frame_of(uint64_t at, size_t n)
{
	bool whole = n == FRAME && at >= BEGIN && (at - BEGIN) % FRAME == 0;
	bool page = n == GT_SUMS_PAGE && at >= BEGIN + HEAD &&
	            (at - BEGIN - HEAD) % FRAME == 0;
	return whole || page ? (size_t)((at - BEGIN) / FRAME) + 1 : 0;
}

static uint64_t page_at(size_t frame)
{
	return BEGIN + (uint64_t)(frame - 1) * FRAME + HEAD;
}

/* ------------------------------------------------------------- file */

static int open_log(const struct gt_log_sums *l, int how)
{
	return open(l->path, how | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* One that has no name any more is for who watches names. */
static enum gt_log_wrong look_at_file(const struct gt_log_sums *l)
{
	uint8_t begin[BEGIN];
	struct stat st;
	int fd = open_log(l, O_RDONLY);
	enum gt_log_wrong is = GT_LOG_WHOLE;
	if (fd < 0)
		return is;
	if (fstat(fd, &st) == 0 && (uint64_t)st.st_size < l->end)
		is = GT_LOG_SHORT;
	else if (l->begun && gt_sys_pread(fd, begin, BEGIN, 0) == 0 &&
	         memcmp(begin, l->begin, BEGIN) != 0)
		is = GT_LOG_OTHER;
	close(fd);
	return is;
}

/* Lock held. */
static bool whole(struct gt_log_sums *l)
{
	if (l->wrong == GT_LOG_WHOLE)
		l->wrong = look_at_file(l);
	return l->wrong == GT_LOG_WHOLE;
}

int gt_log_sums_open(struct gt_log_sums **out, const char *path)
{
	struct gt_log_sums *l = calloc(1, sizeof *l);
	if (!l)
		return -GT_ENOMEM;
	int bad = pthread_mutex_init(&l->lock, NULL);
	assert(!bad); /* on Linux this fails for bad arguments only */
	bool fits = gt_copy(l->path, sizeof l->path, path);
	assert(fits);
	int fd = open_log(l, O_RDONLY);
	l->begun = fd >= 0 && gt_sys_pread(fd, l->begin, BEGIN, 0) == 0;
	l->end = l->begun ? BEGIN : 0;
	if (fd >= 0)
		close(fd);
	*out = l;
	return 0;
}

void gt_log_sums_close(struct gt_log_sums *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l->v);
	free(l);
}

void gt_log_sums_lock(struct gt_log_sums *l)
{
	pthread_mutex_lock(&l->lock);
}

void gt_log_sums_unlock(struct gt_log_sums *l)
{
	pthread_mutex_unlock(&l->lock);
}

/* ---------------------------------------------------------- writing */

/* A log that begins anew has no frames. */
static void begin_anew(struct gt_log_sums *l)
{
	l->begun = false;
	l->end = 0;
	l->n = l->at = l->seen = l->nmet = 0;
	l->commit.frame = l->heading.frame = 0;
	l->first = l->last = 0;
}

static void take_away(struct gt_log_sums *l, uint64_t at, size_t n)
{
	static const struct gt_page_sum gone;
	if (at < BEGIN) {
		begin_anew(l);
		return;
	}
	uint64_t from = (at - BEGIN) / FRAME, to = (at + n - 1 - BEGIN) / FRAME;
	if (n <= HEAD && (at - BEGIN) % FRAME == 0) /* no page is touched */
		return;
	for (uint64_t i = from; i <= to && i < l->n; i++)
		l->v[i] = gone;
	if (l->seen > from)
		l->seen = (size_t)from;
}

/* Without memory it has no sum, and is believed. */
static void put(struct gt_log_sums *l, size_t frame,
                const struct gt_page_sum *is)
{
	size_t cap = l->cap ? l->cap : FIRST;
	while (cap < frame)
		cap *= 2;
	if (cap > l->cap) {
		struct gt_page_sum *v = realloc(l->v, cap * sizeof *v);
		if (!v)
			return;
		l->v = v;
		l->cap = cap;
	}
	if (frame > l->n) {
		memset(l->v + l->n, 0, (frame - l->n) * sizeof *l->v);
		l->n = frame;
	}
	l->v[frame - 1] = *is;
}

bool gt_log_sums_before(struct gt_log_sums *l, uint64_t at, size_t n)
{
	gt_log_sums_lock(l);
	bool ok = l->synced ? whole(l) : l->wrong == GT_LOG_WHOLE;
	l->synced = false;
	if (ok)
		take_away(l, at, n);
	gt_log_sums_unlock(l);
	return ok;
}

/* A frame's head that says it ends a commit; those of another size lie
 * elsewhere. It does when its page is behind it: on a disk that is full it may
 * never be. SQLite writes heads anew, too, of which it has the pages there. */
static void note_head(struct gt_log_sums *l, uint64_t at, const uint8_t *p,
                      size_t n)
{
	if (n != HEAD || at < BEGIN || (at - BEGIN) % FRAME != 0 || !l->begun ||
	    gt_get32(l->begin + 8) != GT_SUMS_PAGE)
		return;
	bool ends = gt_get32(p + 4) != 0;
	l->heading.frame = ends ? (uint32_t)((at - BEGIN) / FRAME) + 1 : 0;
	memcpy(l->heading.sums, p + HEAD - GT_LOG_SUMS_OF, GT_LOG_SUMS_OF);
	if (ends && l->heading.frame >= l->first && l->heading.frame <= l->last)
		l->commit = l->heading;
}

/* The page of that frame is there. */
static void note_page(struct gt_log_sums *l, size_t frame)
{
	if (l->heading.frame == frame)
		l->commit = l->heading;
	l->heading.frame = 0;
	if (l->last == 0 || frame < l->first)
		l->first = frame;
	if (frame > l->last)
		l->last = frame;
}

void gt_log_sums_after(struct gt_log_sums *l, uint64_t at, const void *p,
                       size_t n)
{
	struct gt_page_sum is;
	size_t frame = frame_of(at, n);
	if (frame && n == GT_SUMS_PAGE)
		gt_page_sum(&is, p);
	gt_log_sums_lock(l);
	if (at == 0 && n == BEGIN) {
		memcpy(l->begin, p, BEGIN);
		l->begun = true;
	}
	if (frame && n == GT_SUMS_PAGE) {
		put(l, frame, &is);
		note_page(l, frame);
	}
	note_head(l, at, p, n);
	if (l->end < at + n)
		l->end = at + n;
	gt_log_sums_unlock(l);
}

struct gt_log_commit gt_log_sums_synced(struct gt_log_sums *l)
{
	gt_log_sums_lock(l);
	l->synced = true;
	l->first = l->last = 0;
	struct gt_log_commit last = l->commit;
	gt_log_sums_unlock(l);
	return last;
}

void gt_log_sums_cut(struct gt_log_sums *l, uint64_t n)
{
	size_t frames = n > BEGIN ? (size_t)((n - BEGIN) / FRAME) : 0;
	if (l->n > frames)
		l->n = frames;
	if (l->seen > frames)
		l->seen = frames;
	if (l->end > n)
		l->end = n;
	if (n < BEGIN)
		l->begun = false;
}

/* ---------------------------------------------------------- reading */

static void add(uint32_t v[GT_LOG_TOLD], size_t *n, size_t frame)
{
	for (size_t i = 0; i < *n; i++)
		if (v[i] == frame)
			return;
	if (*n < GT_LOG_TOLD)
		v[(*n)++] = (uint32_t)frame;
}

/* False: there is none. */
static bool sum_of(struct gt_log_sums *l, size_t frame, struct gt_page_sum *out)
{
	gt_log_sums_lock(l);
	bool known = frame <= l->n && !none(&l->v[frame - 1]);
	if (known)
		*out = l->v[frame - 1];
	gt_log_sums_unlock(l);
	return known;
}

static void learn(struct gt_log_sums *l, size_t frame, const uint8_t *page)
{
	struct gt_page_sum is;
	gt_page_sum(&is, page);
	gt_log_sums_lock(l);
	put(l, frame, &is);
	if (l->end < page_at(frame) + GT_SUMS_PAGE)
		l->end = page_at(frame) + GT_SUMS_PAGE;
	gt_log_sums_unlock(l);
}

/* Nobody reads a page of the log that is being written: a reader's mark keeps
 * it. */
bool gt_log_sums_read(struct gt_log_sums *l, uint64_t at, void *p, size_t n)
{
	size_t frame = frame_of(at, n), word;
	struct gt_page_sum want;
	if (!frame)
		return true;
	uint8_t *page = (uint8_t *)p + (n - GT_SUMS_PAGE);
	if (!sum_of(l, frame, &want)) {
		if (n == FRAME)
			learn(l, frame, page);
		return true;
	}
	enum gt_sum is = gt_page_compare(&want, page, &word);
	if (is == GT_SUM_SAME)
		return true;
	gt_log_sums_lock(l);
	if (is == GT_SUM_MENDED)
		add(l->met, &l->nmet, frame);
	else if (whole(l))
		l->wrong = GT_LOG_FRAME;
	gt_log_sums_unlock(l);
	return is == GT_SUM_MENDED;
}

void gt_log_sums_missed(struct gt_log_sums *l)
{
	gt_log_sums_lock(l);
	(void)whole(l);
	gt_log_sums_unlock(l);
}

/* --------------------------------------------------------- the look */

/* Lock held: nobody writes to it. */
static void see_to(struct gt_log_sums *l, int fd, size_t frame)
{
	uint8_t page[GT_SUMS_PAGE];
	size_t at;
	if (frame > l->n || none(&l->v[frame - 1]))
		return;
	if (gt_sys_pread(fd, page, sizeof page, page_at(frame)) != 0) {
		l->wrong = GT_LOG_SHORT;
		return;
	}
	enum gt_sum is = gt_page_compare(&l->v[frame - 1], page, &at);
	if (is == GT_SUM_MENDED && gt_sys_pwrite(fd, page + at, GT_SUMS_WORD,
	                                         page_at(frame) + at) == 0)
		add(l->told, &l->ntold, frame);
	else if (is == GT_SUM_BAD && whole(l))
		l->wrong = GT_LOG_FRAME;
}

/* One lock a frame: who writes does not wait for more. */
static bool look_at(struct gt_log_sums *l, int fd, size_t frame)
{
	gt_log_sums_lock(l);
	bool more = frame <= l->n && l->wrong == GT_LOG_WHOLE;
	if (more)
		see_to(l, fd, frame);
	gt_log_sums_unlock(l);
	return more;
}

enum gt_log_wrong gt_log_sums_found(struct gt_log_sums *l)
{
	gt_log_sums_lock(l);
	enum gt_log_wrong is = l->wrong;
	gt_log_sums_unlock(l);
	return is;
}

bool gt_log_sums_all(struct gt_log_sums *l)
{
	uint64_t now = gt_sys_now().mono_ms;
	gt_log_sums_lock(l);
	size_t frame = now < l->seen_ms + SEEN_MS ? l->seen : 0;
	bool some = whole(l) && l->n > frame;
	if (frame == 0)
		l->seen_ms = now;
	gt_log_sums_unlock(l);
	int fd = some ? open_log(l, O_RDWR) : -1;
	while (fd >= 0 && look_at(l, fd, frame + 1))
		frame++;
	if (fd >= 0)
		close(fd);
	gt_log_sums_lock(l);
	bool is = l->wrong == GT_LOG_WHOLE;
	if (is && fd >= 0)
		l->seen = frame;
	gt_log_sums_unlock(l);
	return is;
}

bool gt_log_sums_last(struct gt_log_sums *l)
{
	gt_log_sums_lock(l);
	l->seen = 0;
	gt_log_sums_unlock(l);
	return gt_log_sums_all(l);
}

/* What readers have met, and the next. */
static size_t choose(struct gt_log_sums *l, size_t frames,
                     uint32_t met[GT_LOG_TOLD], size_t *first)
{
	gt_log_sums_lock(l);
	size_t nmet = l->nmet;
	memcpy(met, l->met, nmet * sizeof *met);
	l->nmet = 0;
	*first = l->at < l->n ? l->at : 0;
	l->at = *first + frames;
	gt_log_sums_unlock(l);
	return nmet;
}

size_t gt_log_sums_look(struct gt_log_sums *l, size_t frames,
                        uint32_t told[GT_LOG_TOLD])
{
	uint32_t met[GT_LOG_TOLD];
	size_t first, nmet = choose(l, frames, met, &first);
	int fd = open_log(l, O_RDWR);
	for (size_t i = 0; fd >= 0 && i < nmet; i++)
		(void)look_at(l, fd, met[i]);
	for (size_t i = 1; fd >= 0 && i <= frames; i++)
		if (!look_at(l, fd, first + i))
			break;
	if (fd >= 0)
		close(fd);
	gt_log_sums_lock(l);
	size_t n = l->ntold;
	memcpy(told, l->told, n * sizeof *told);
	l->ntold = 0;
	gt_log_sums_unlock(l);
	return n;
}

bool gt_log_sums_some(struct gt_log_sums *l)
{
	gt_log_sums_lock(l);
	bool some = l->n > 0 || l->ntold > 0;
	gt_log_sums_unlock(l);
	return some;
}

enum gt_log_wrong gt_log_sums_wrong(struct gt_log_sums *l)
{
	gt_log_sums_lock(l);
	(void)whole(l);
	enum gt_log_wrong is = l->wrong;
	gt_log_sums_unlock(l);
	return is;
}
