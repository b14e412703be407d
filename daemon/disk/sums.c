/* sync_file_range */
#define _GNU_SOURCE
#include "sums.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"

enum {
	WORD = GT_SUMS_WORD,
	BEGIN = 512,    /* of the file, before the first entry */
	MARK = 256,     /* where it lies in that */
	TOLD_MAX = 256, /* bad pages remembered as told */
	PATH = 512,
	SUFFIX = 8,
};

static const char magic[16] = {"guantong-sums-1"};

/* Begins the file. A log may begin with either: the next is noted before it is
 * written, and only when the database has all of the last. Both none: the log
 * may only be empty. */
struct head {
	char magic[16];
	uint8_t next[GT_SUMS_LOG], last[GT_SUMS_LOG];
	uint64_t own; /* of all above */
};

/* With an `own` that is not its: there is none. */
struct mark {
	struct gt_sums_mark is;
	uint64_t own;
};

/* All zero, or with an `own` that is not theirs: there is none. */
struct entry {
	struct gt_page_sum is;
	uint64_t own;
};

/*   1. lock: who writes a page and its sum, and whoever must see the two agree
 *   2. met_lock: met, bad; taken last
 *   3. at, told: of whoever looks
 *   4. database, settled: set before there is a second thread */
struct gt_sums {
	char path[PATH - SUFFIX]; /* the database's */
	int fd;                   /* of the sums; -1: there are none */
	int database;             /* -1: not yet */
	pthread_mutex_t lock;
	bool dirty;
	struct head head;
	struct mark mark;

	pthread_mutex_t met_lock;
	uint32_t met[GT_SUMS_TOLD]; /* not right, and not looked at yet */
	size_t nmet;
	uint32_t bad;

	bool settled;
	uint32_t at;
	uint32_t told[TOLD_MAX];
	size_t ntold;
};

/* ------------------------------------------------------------- sums */

static uint64_t own_of(uint32_t page, const struct entry *e)
{
	uint64_t own = gt_sum_mix(gt_sum_mix(gt_sum_mix(5, page), e->is.sum),
	                          e->is.parity);
	return own ? own : 1;
}

static uint64_t place(uint32_t page)
{
	return BEGIN + (uint64_t)(page - 1) * sizeof(struct entry);
}

/* *at: the word that was mended. */
static enum gt_sum compare(const struct gt_sums *s, uint32_t page, uint8_t *p,
                           size_t *at)
{
	struct entry e;
	if (s->fd < 0 ||
	    pread(s->fd, &e, sizeof e, (off_t)place(page)) != (ssize_t)sizeof e)
		return GT_SUM_NONE;
	if (e.own != own_of(page, &e))
		return GT_SUM_NONE;
	return gt_page_compare(&e.is, p, at);
}

/* --------------------------------------------------------- the file */

static uint64_t mix_all(uint64_t own, const void *p, size_t n)
{
	uint64_t w;
	for (size_t i = 0; i < n; i += WORD) {
		memcpy(&w, (const uint8_t *)p + i, WORD);
		own = gt_sum_mix(own, w);
	}
	return own;
}

static uint64_t head_own(const struct head *h)
{
	return mix_all(7, h, offsetof(struct head, own));
}

static uint64_t mark_own(const struct mark *m)
{
	return mix_all(11, m, offsetof(struct mark, own));
}

static int write_head(struct gt_sums *s)
{
	s->dirty = true;
	s->head.own = head_own(&s->head);
	return gt_sys_pwrite(s->fd, &s->head, sizeof s->head, 0);
}

static bool read_head(int fd, struct head *h)
{
	static_assert(sizeof(struct head) <= BEGIN, "it has its place");
	return gt_sys_pread(fd, h, sizeof *h, 0) == 0 &&
	       memcmp(h->magic, magic, sizeof magic) == 0 &&
	       h->own == head_own(h);
}

/* It is no more than a help: what cannot be written is told by the index. */
static void write_mark(struct gt_sums *s)
{
	static_assert(MARK + sizeof(struct mark) <= BEGIN &&
	                      sizeof(struct head) <= MARK,
	              "each has its place");
	if (s->fd < 0)
		return;
	s->dirty = true;
	s->mark.own = mark_own(&s->mark);
	(void)gt_sys_pwrite(s->fd, &s->mark, sizeof s->mark, MARK);
}

static void read_mark(int fd, struct mark *m)
{
	if (gt_sys_pread(fd, m, sizeof *m, MARK) != 0 || m->own != mark_own(m))
		memset(m, 0, sizeof *m);
}

bool gt_sums_noted(const char *database, struct gt_sums_noted *out)
{
	char path[PATH];
	struct head h;
	struct mark m;
	gt_format(path, sizeof path, "%s-sums", database);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool some = fd >= 0 && read_head(fd, &h);
	if (some)
		read_mark(fd, &m);
	if (fd >= 0)
		close(fd);
	if (!some)
		return false;
	memcpy(out->next, h.next, GT_SUMS_LOG);
	memcpy(out->last, h.last, GT_SUMS_LOG);
	out->mark = m.is;
	return true;
}

/* How the log begins; one that is not there, or empty, begins with zeros. */
static bool read_log(const char *database, uint8_t begin[GT_SUMS_LOG])
{
	char path[PATH];
	memset(begin, 0, GT_SUMS_LOG);
	gt_format(path, sizeof path, "%s-wal", database);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool some = fd >= 0 && gt_sys_pread(fd, begin, GT_SUMS_LOG, 0) == 0;
	if (fd >= 0)
		close(fd);
	return some;
}

/* The sums that are there, if they hold; else none. */
static void begin(struct gt_sums *s, bool anew, bool *kept)
{
	uint8_t log[GT_SUMS_LOG];
	bool some = read_log(s->path, log);
	*kept = !anew && read_head(s->fd, &s->head) && some &&
	        (memcmp(log, s->head.next, sizeof log) == 0 ||
	         memcmp(log, s->head.last, sizeof log) == 0);
	if (*kept) {
		read_mark(s->fd, &s->mark);
		return;
	}
	memset(&s->head, 0, sizeof s->head);
	memcpy(s->head.magic, magic, sizeof magic);
	if (some)
		memcpy(s->head.next, log, sizeof log);
	/* a disk that is full takes the head later */
	int status = ftruncate(s->fd, 0) == 0 ? write_head(s) : -GT_EIO;
	if (status != 0 && status != -GT_ENOSPACE) {
		close(s->fd);
		s->fd = -1;
	}
}

int gt_sums_open(struct gt_sums **out, const char *database, bool anew,
                 bool *kept)
{
	char path[PATH];
	struct gt_sums *s = calloc(1, sizeof *s);
	*kept = false;
	if (!s)
		return -GT_ENOMEM;
	int bad = pthread_mutex_init(&s->lock, NULL) |
	          pthread_mutex_init(&s->met_lock, NULL);
	assert(!bad); /* on Linux these fail for bad arguments only */
	s->fd = -1;
	s->database = -1;
	gt_format(path, sizeof path, "%s-sums", database);
	if (gt_copy(s->path, sizeof s->path, database))
		s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		             0600);
	if (s->fd >= 0)
		begin(s, anew, kept);
	*out = s;
	return 0;
}

void gt_sums_close(struct gt_sums *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->database >= 0)
		close(s->database);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->met_lock);
	free(s);
}

bool gt_sums_here(const struct gt_sums *s)
{
	return s->fd >= 0;
}

/* -------------------------------------------------- for connections */

/* What is remembered is bounded; the look comes by all. */
static void meet(struct gt_sums *s, uint32_t page, bool bad)
{
	pthread_mutex_lock(&s->met_lock);
	bool known = false;
	for (size_t i = 0; i < s->nmet; i++)
		known = known || s->met[i] == page;
	if (!known && s->nmet < GT_SUMS_TOLD)
		s->met[s->nmet++] = page;
	if (bad)
		s->bad = page;
	pthread_mutex_unlock(&s->met_lock);
}

enum gt_sum gt_sums_check(struct gt_sums *s, uint32_t page,
                          uint8_t p[GT_SUMS_PAGE])
{
	size_t at;
	enum gt_sum is = compare(s, page, p, &at);
	if (is == GT_SUM_MENDED || is == GT_SUM_BAD)
		meet(s, page, is == GT_SUM_BAD);
	return is;
}

void gt_sums_lock(struct gt_sums *s)
{
	pthread_mutex_lock(&s->lock);
}

void gt_sums_unlock(struct gt_sums *s)
{
	pthread_mutex_unlock(&s->lock);
}

int gt_sums_put(struct gt_sums *s, uint32_t page, const uint8_t p[GT_SUMS_PAGE])
{
	struct entry e;
	if (s->fd < 0)
		return 0;
	gt_page_sum(&e.is, p);
	e.own = own_of(page, &e);
	s->dirty = true;
	return gt_sys_pwrite(s->fd, &e, sizeof e, place(page));
}

int gt_sums_forget(struct gt_sums *s, uint32_t first, uint32_t n)
{
	static const struct entry none;
	struct stat st;
	if (s->fd < 0)
		return 0;
	if (fstat(s->fd, &st) != 0)
		return -GT_EIO;
	s->dirty = true;
	if (n == UINT32_MAX)
		return (uint64_t)st.st_size <= place(first) ||
		                       ftruncate(s->fd, (off_t)place(first)) ==
		                               0
		               ? 0
		               : -GT_EIO;
	int status = 0;
	for (uint32_t i = 0; status == 0 && i < n; i++)
		if (place(first + i) < (uint64_t)st.st_size)
			status = gt_sys_pwrite(s->fd, &none, sizeof none,
			                       place(first + i));
	return status;
}

int gt_sums_log(struct gt_sums *s, const uint8_t log[GT_SUMS_LOG])
{
	if (s->fd < 0)
		return 0;
	pthread_mutex_lock(&s->lock);
	struct head old = s->head;
	(void)read_log(s->path, s->head.last);
	memcpy(s->head.next, log, GT_SUMS_LOG);
	int status = write_head(s);
	if (status != 0) /* it is tried again */
		s->head = old;
	pthread_mutex_unlock(&s->lock);
	return status ? status : gt_sums_sync(s);
}

/* Not durable at once: until then the log may begin as the last too. */
static void put_last(struct gt_sums *s, const uint8_t last[GT_SUMS_LOG])
{
	if (s->fd < 0 || memcmp(s->head.last, last, GT_SUMS_LOG) == 0)
		return;
	memcpy(s->head.last, last, GT_SUMS_LOG);
	(void)write_head(s);
}

static const uint8_t *salt_of(const uint8_t begin[GT_SUMS_LOG])
{
	return begin + 16;
}

static bool is_marked(const struct gt_sums *s)
{
	const struct gt_sums_mark *m = &s->mark.is;
	return m->frames > 0 &&
	       memcmp(m->salt, salt_of(s->head.next), sizeof m->salt) == 0;
}

void gt_sums_commit(struct gt_sums *s, uint32_t frame, const uint8_t sums[8])
{
	struct gt_sums_mark *m = &s->mark.is;
	pthread_mutex_lock(&s->lock);
	put_last(s, s->head.next);
	if (!is_marked(s))
		memset(m, 0, sizeof *m);
	if (m->frames != frame || memcmp(m->sums, sums, sizeof m->sums) != 0) {
		memcpy(m->salt, salt_of(s->head.next), sizeof m->salt);
		memcpy(m->sums, sums, sizeof m->sums);
		m->frames = frame;
		write_mark(s);
	}
	pthread_mutex_unlock(&s->lock);
}

void gt_sums_copying(struct gt_sums *s)
{
	struct gt_sums_mark *m = &s->mark.is;
	pthread_mutex_lock(&s->lock);
	if (is_marked(s) && m->attempted != m->frames) {
		m->attempted = m->frames;
		write_mark(s);
	}
	pthread_mutex_unlock(&s->lock);
}

void gt_sums_copied(struct gt_sums *s)
{
	struct gt_sums_mark *m = &s->mark.is;
	pthread_mutex_lock(&s->lock);
	if (is_marked(s) && m->copied != m->attempted) {
		m->copied = m->attempted;
		write_mark(s);
	}
	pthread_mutex_unlock(&s->lock);
}

void gt_sums_emptied(struct gt_sums *s)
{
	static const uint8_t none[GT_SUMS_LOG];
	pthread_mutex_lock(&s->lock);
	put_last(s, none);
	pthread_mutex_unlock(&s->lock);
}

void gt_sums_hurry(struct gt_sums *s)
{
	if (s->fd >= 0)
		(void)sync_file_range(s->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int gt_sums_sync(struct gt_sums *s)
{
	pthread_mutex_lock(&s->lock);
	int status = 0;
	if (s->dirty && fdatasync(s->fd) != 0)
		status = -GT_EIO;
	s->dirty = s->dirty && status != 0;
	pthread_mutex_unlock(&s->lock);
	return status;
}

void gt_sums_attach(struct gt_sums *s)
{
	if (s->fd >= 0 && s->database < 0)
		s->database = open(s->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
}

/* ---------------------------------------------------- the slow look */

void gt_sums_settle(struct gt_sums *s)
{
	s->settled = true;
}

/* Whether page is among those the file of sums has places for. */
static bool has_place(const struct gt_sums *s, uint32_t page)
{
	struct stat st;
	return fstat(s->fd, &st) == 0 && place(page) < (uint64_t)st.st_size;
}

/* The first page of which the database has lost the end, as far as can be told
 * beside one who writes; 0: none. */
static uint32_t cut_at(const struct gt_sums *s)
{
	struct stat st;
	if (!s->settled || s->fd < 0 || s->database < 0 ||
	    fstat(s->database, &st) != 0)
		return 0;
	uint32_t next = (uint32_t)(st.st_size / GT_SUMS_PAGE) + 1;
	return has_place(s, next) ? next : 0;
}

bool gt_sums_met(struct gt_sums *s)
{
	pthread_mutex_lock(&s->met_lock);
	bool some = s->nmet > 0;
	pthread_mutex_unlock(&s->met_lock);
	return some || cut_at(s) > 0;
}

uint32_t gt_sums_bad(struct gt_sums *s)
{
	pthread_mutex_lock(&s->met_lock);
	uint32_t bad = s->bad;
	pthread_mutex_unlock(&s->met_lock);
	return bad;
}

/* What is not there is zeros, as it is for SQLite. False: some is not. */
static bool read_page(int fd, uint32_t page, uint8_t *p)
{
	off_t at = (off_t)(page - 1) * GT_SUMS_PAGE;
	ssize_t n = pread(fd, p, GT_SUMS_PAGE, at);
	size_t here = n > 0 ? (size_t)n : 0;
	memset(p + here, 0, GT_SUMS_PAGE - here);
	return here == GT_SUMS_PAGE;
}

/* The word alone: who reads the page meanwhile has the old one, or this. */
static bool write_back(int fd, uint32_t page, const uint8_t *p, size_t at)
{
	uint64_t to = (uint64_t)(page - 1) * GT_SUMS_PAGE + at;
	return gt_sys_pwrite(fd, p + at, WORD, to) == 0 && fdatasync(fd) == 0;
}

static bool tell_once(struct gt_sums *s, uint32_t page)
{
	for (size_t i = 0; i < s->ntold; i++)
		if (s->told[i] == page)
			return false;
	if (s->ntold < TOLD_MAX)
		s->told[s->ntold++] = page;
	return true;
}

/* Again, with nobody writing. */
static enum gt_sum see_to(struct gt_sums *s, int fd, uint32_t page, uint8_t *p)
{
	size_t at = 0;
	pthread_mutex_lock(&s->lock);
	bool here = read_page(fd, page, p);
	enum gt_sum is = compare(s, page, p, &at);
	if (is == GT_SUM_MENDED && !write_back(fd, page, p, at))
		is = GT_SUM_BAD;
	else if (is == GT_SUM_NONE && here)
		(void)gt_sums_put(s, page, p); /* or the next time */
	pthread_mutex_unlock(&s->lock);
	return is;
}

static void found(struct gt_sums *s, uint32_t page, enum gt_sum is,
                  struct gt_sums_look *out)
{
	size_t n = out->mended + out->bad;
	if (is == GT_SUM_MENDED) {
		out->pages[n] = out->pages[out->mended];
		out->pages[out->mended++] = page;
	} else if (is == GT_SUM_BAD && tell_once(s, page)) {
		out->pages[n] = page;
		out->bad++;
		meet(s, page, true);
	}
}

/* Those that connections met. */
static void look_at_met(struct gt_sums *s, int fd, uint8_t *p,
                        struct gt_sums_look *out)
{
	uint32_t met[GT_SUMS_TOLD];
	pthread_mutex_lock(&s->met_lock);
	size_t n = s->nmet;
	memcpy(met, s->met, n * sizeof *met);
	s->nmet = 0;
	pthread_mutex_unlock(&s->met_lock);
	for (size_t i = 0; i < n; i++)
		found(s, met[i], see_to(s, fd, met[i], p), out);
}

static void look_on(struct gt_sums *s, int fd, uint32_t pages, uint8_t *p,
                    struct gt_sums_look *out)
{
	size_t at;
	for (uint32_t i = 0; i < pages && !out->end; i++) {
		uint32_t page = s->at + 1;
		if (out->mended + out->bad == GT_SUMS_TOLD)
			return;
		if (!read_page(fd, page, p) && !has_place(s, page)) {
			out->end = true;
			s->at = 0;
			return;
		}
		s->at = page;
		if (compare(s, page, p, &at) != GT_SUM_SAME)
			found(s, page, see_to(s, fd, page, p), out);
	}
}

void gt_sums_look(struct gt_sums *s, uint32_t pages, struct gt_sums_look *out)
{
	uint8_t p[GT_SUMS_PAGE];
	int fd = s->database;
	memset(out, 0, sizeof *out);
	if (s->fd < 0 || fd < 0)
		return;
	uint32_t cut = cut_at(s);
	if (cut > 0)
		meet(s, cut, false);
	look_at_met(s, fd, p, out);
	if (s->settled)
		look_on(s, fd, pages, p, out);
	(void)gt_sums_sync(s);
}

void gt_sums_why(char out[GT_SUMS_WHY], uint32_t page, bool mended)
{
	if (page == 0)
		gt_format(out, GT_SUMS_WHY, "the database could not be read");
	else
		gt_format(out, GT_SUMS_WHY,
		          mended ? "page %u was altered on disk and was mended"
		                 : "page %u is altered on disk",
		          page);
}
