#include "shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dir.h"
#include "sys.h"

enum { NAME = sizeof GT_DIR_INDEX + GT_HEX_ID + 8 };

struct gt_shelves {
	int dir;
	uint64_t reserve;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t opened;
	struct gt_shelf *first;
	struct gt_shelf_counts counts;
};

/* --------------------------------------------------------------- names */

static void name_of(char out[NAME], const struct gt_id *object,
                    const char *more)
{
	char hex[GT_HEX_ID];
	gt_id_hex(hex, object);
	gt_format(out, NAME, GT_DIR_INDEX "/%s%s", hex, more);
}

void gt_shelf_remove(int dir, const struct gt_id *object)
{
	char name[NAME];
	name_of(name, object, "");
	(void)unlinkat(dir, name, 0);
}

bool gt_shelf_named(const char *name, struct gt_id *object)
{
	return gt_unhex(object->b, GT_ID_BYTES, name);
}

/* ------------------------------------------------------- open and close */

struct gt_shelves *gt_shelves_new(const char *dir, uint64_t reserve)
{
	struct gt_shelves *all = calloc(1, sizeof *all);
	if (!all)
		return NULL;
	all->reserve = reserve;
	all->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int bad = pthread_mutex_init(&all->lock, NULL);
	assert(!bad);
	bad = pthread_cond_init(&all->opened, NULL);
	assert(!bad);
	if (all->dir >= 0)
		return all;
	gt_shelves_free(all);
	return NULL;
}

static void shelf_free(struct gt_shelf *s)
{
	if (s->fd >= 0)
		close(s->fd);
	gt_buffer_free(&s->memory);
	free(s);
}

void gt_shelves_free(struct gt_shelves *all)
{
	if (!all)
		return;
	for (struct gt_shelf *s = all->first, *next; s; s = next) {
		next = s->next;
		assert(s->users == 0);
		shelf_free(s);
	}
	if (all->dir >= 0)
		close(all->dir);
	pthread_cond_destroy(&all->opened);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

void gt_shelves_count(struct gt_shelves *all, struct gt_shelf_counts *out)
{
	pthread_mutex_lock(&all->lock);
	*out = all->counts;
	pthread_mutex_unlock(&all->lock);
}

/* ------------------------------------------------------------- reading */

static int read_file(void *arg, uint64_t offset, uint8_t *out, size_t n)
{
	const struct gt_shelf *s = arg;
	return gt_sys_pread(s->fd, out, n, offset);
}

static int read_memory(void *arg, uint64_t offset, uint8_t *out, size_t n)
{
	const struct gt_shelf *s = arg;
	if (offset > s->memory.n || n > s->memory.n - offset)
		return -GT_EDAMAGED;
	memcpy(out, s->memory.p + offset, n);
	return 0;
}

/* Takes fd. -GT_EDAMAGED: there is none to be believed. */
static int use_file(struct gt_shelf *s, const struct gt_id *object, int fd)
{
	struct stat st;
	if (fd < 0)
		return -GT_EDAMAGED;
	s->fd = fd;
	int status =
	        fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)
	                ? -GT_EDAMAGED
	                : gt_index_open(&s->index, object, (uint64_t)st.st_size,
	                                read_file, s);
	if (status == 0)
		return 0;
	close(fd);
	s->fd = -1;
	return status;
}

static int open_file(struct gt_shelves *all, struct gt_shelf *s,
                     const struct gt_id *object)
{
	char name[NAME];
	name_of(name, object, "");
	return use_file(s, object,
	                openat(all->dir, name,
	                       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

/* -------------------------------------------------------------- making */

struct writer {
	int fd;
	uint64_t at;
};

static int put_file(void *arg, const uint8_t *p, size_t n)
{
	struct writer *w = arg;
	int status = gt_sys_pwrite(w->fd, p, n, w->at);
	w->at += n;
	return status;
}

/* An index is seldom larger than its manifest, and never three times. */
static bool affords(const struct gt_shelves *all, uint64_t manifest)
{
	struct statvfs v;
	if (fstatvfs(all->dir, &v) != 0)
		return false;
	uint64_t unit = v.f_frsize ? v.f_frsize : v.f_bsize;
	uint64_t avail = v.f_bavail * unit;
	return avail >= all->reserve &&
	       avail - all->reserve >= 3 * manifest + 4 * GT_INDEX_BLOCK;
}

/* What the manifest came to, as who asked for its index takes it. */
static int judged(int status)
{
	switch (-status) {
	case 0:
	case GT_ENOMEM:
	case GT_EIO:
	case GT_ENOSPACE:
		return status;
	default: /* it was good when it was stored */
		return -GT_ESTORE;
	}
}

/* Not synced: what a crash leaves half done is not believed. */
static int make_file(struct gt_shelves *all, struct gt_shelf *s,
                     const struct gt_id *object, struct gt_reader *r,
                     uint64_t n)
{
	char name[NAME], part[NAME], why[300];
	struct writer w = {0};
	name_of(name, object, "");
	name_of(part, object, ".part");
	(void)mkdirat(all->dir, GT_DIR_INDEX, 0700);
	(void)unlinkat(all->dir, part, 0);
	w.fd = openat(all->dir, part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
	              0600);
	if (w.fd < 0)
		return gt_sys_status(errno);
	int status = judged(gt_index_make(object, n, gt_read_manifest_at, r,
	                                  put_file, &w, why, sizeof why));
	if (status == 0 && renameat(all->dir, part, all->dir, name) != 0)
		status = gt_sys_status(errno);
	if (status != 0) {
		(void)unlinkat(all->dir, part, 0);
		close(w.fd);
		return status;
	}
	return use_file(s, object, w.fd);
}

struct memory {
	struct gt_shelves *all;
	struct gt_shelf *s;
};

static int put_memory(void *arg, const uint8_t *p, size_t n)
{
	const struct memory *m = arg;
	pthread_mutex_lock(&m->all->lock);
	bool fits = m->all->counts.bytes + n <= GT_SHELVES_BYTES;
	m->all->counts.bytes += fits ? n : 0;
	pthread_mutex_unlock(&m->all->lock);
	if (!fits)
		return -GT_ENOSPACE;
	if (gt_buffer_add(&m->s->memory, p, n))
		return 0;
	pthread_mutex_lock(&m->all->lock);
	m->all->counts.bytes -= n;
	pthread_mutex_unlock(&m->all->lock);
	return -GT_ENOMEM;
}

static int make_memory(struct gt_shelves *all, struct gt_shelf *s,
                       const struct gt_id *object, struct gt_reader *r,
                       uint64_t n)
{
	char why[300];
	struct memory m = {all, s};
	int status = gt_index_make(object, n, gt_read_manifest_at, r,
	                           put_memory, &m, why, sizeof why);
	if (status == -GT_ENOSPACE)
		return -GT_EBUSY;
	if (status != 0)
		return judged(status);
	return gt_index_open(&s->index, object, s->memory.n, read_memory, s);
}

static int make(struct gt_shelves *all, struct gt_shelf *s,
                const struct gt_id *object, struct gt_reader *r)
{
	uint64_t n;
	int status = gt_read_manifest_begin(r, object, &n);
	if (status != 0)
		return status;
	status = affords(all, n) ? make_file(all, s, object, r, n)
	                         : -GT_ENOSPACE;
	/* a disk that does not even give back what it took is no place for it
	 */
	if (status == -GT_ENOSPACE || status == -GT_EIO ||
	    status == -GT_EDAMAGED)
		status = make_memory(all, s, object, r, n);
	gt_read_manifest_end(r);
	pthread_mutex_lock(&all->lock);
	all->counts.made += status == 0;
	pthread_mutex_unlock(&all->lock);
	return status;
}

/* ------------------------------------------------- taking and giving */

/* All below: lock held. */

static void unlist(struct gt_shelves *all, struct gt_shelf *s)
{
	for (struct gt_shelf **p = &all->first; *p; p = &(*p)->next)
		if (*p == s) {
			*p = s->next;
			break;
		}
	s->listed = false;
}

static void enlist(struct gt_shelves *all, struct gt_shelf *s)
{
	s->next = all->first;
	all->first = s;
	s->listed = true;
}

static void drop(struct gt_shelves *all, struct gt_shelf *s)
{
	all->counts.open--;
	all->counts.bytes -= s->memory.n;
	shelf_free(s);
}

/* Of those nobody reads the last used stay, and none in memory. */
static void trim(struct gt_shelves *all)
{
	size_t idle = 0;
	for (struct gt_shelf *s = all->first, *next; s; s = next) {
		next = s->next;
		if (s->users > 0 || (s->fd >= 0 && ++idle <= GT_SHELVES_KEPT))
			continue;
		unlist(all, s);
		drop(all, s);
	}
}

static void give(struct gt_shelves *all, struct gt_shelf *s)
{
	assert(s->users > 0);
	all->counts.users--;
	if (--s->users > 0)
		return;
	if (s->listed)
		trim(all);
	else
		drop(all, s);
}

static struct gt_shelf *find(struct gt_shelves *all, const struct gt_id *object)
{
	for (struct gt_shelf *s = all->first; s; s = s->next)
		if (gt_id_eq(&s->object, object))
			return s;
	return NULL;
}

/* Listed before it is open, so that whoever else wants it waits for this one.
 * The lock is let go meanwhile. */
static void open_new(struct gt_shelves *all, struct gt_shelf *s,
                     struct gt_reader *r)
{
	s->opening = true;
	enlist(all, s);
	pthread_mutex_unlock(&all->lock);
	int status = open_file(all, s, &s->object);
	if (status == -GT_EDAMAGED || status == -GT_EIO)
		status = make(all, s, &s->object, r);
	pthread_mutex_lock(&all->lock);
	s->opening = false;
	s->status = status;
	if (status != 0)
		unlist(all, s);
	pthread_cond_broadcast(&all->opened);
}

static struct gt_shelf *shelf_new(struct gt_shelves *all,
                                  const struct gt_id *object)
{
	struct gt_shelf *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->fd = -1;
	s->object = *object;
	all->counts.open++;
	return s;
}

static int take(struct gt_shelves *all, struct gt_reader *r,
                const struct gt_id *object, struct gt_shelf **out)
{
	struct gt_shelf *s = find(all, object);
	bool fresh = !s;
	if (fresh)
		s = shelf_new(all, object);
	if (!s)
		return -GT_ENOMEM;
	s->users++;
	all->counts.users++;
	if (fresh)
		open_new(all, s, r);
	while (s->opening)
		pthread_cond_wait(&all->opened, &all->lock);
	int status = s->status;
	if (status == 0 && s->listed) {
		unlist(all, s);
		enlist(all, s);
	}
	if (status == 0)
		*out = s;
	else
		give(all, s);
	return status;
}

int gt_shelf_take(struct gt_shelves *all, struct gt_reader *r,
                  const struct gt_id *object, struct gt_shelf **out)
{
	*out = NULL;
	pthread_mutex_lock(&all->lock);
	int status = take(all, r, object, out);
	pthread_mutex_unlock(&all->lock);
	return status;
}

void gt_shelf_give(struct gt_shelves *all, struct gt_shelf *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&all->lock);
	give(all, s);
	pthread_mutex_unlock(&all->lock);
}

/* --------------------------------------------------------------- asking */

/* The first to meet the damage removes the file; none has been made in its
 * place while the shelf was listed. */
static int renew(struct gt_shelves *all, struct gt_reader *r,
                 struct gt_shelf **s)
{
	struct gt_id object = (*s)->object;
	pthread_mutex_lock(&all->lock);
	if ((*s)->listed) {
		unlist(all, *s);
		gt_shelf_remove(all->dir, &object);
	}
	give(all, *s);
	*s = NULL;
	int status = take(all, r, &object, s);
	pthread_mutex_unlock(&all->lock);
	return status;
}

int gt_shelf_ask(struct gt_shelves *all, struct gt_reader *r,
                 struct gt_shelf **s, gt_shelf_question *ask, void *arg)
{
	int status = ask(&(*s)->index, arg);
	if (status != -GT_EDAMAGED)
		return status;
	status = renew(all, r, s);
	return status ? status : ask(&(*s)->index, arg);
}
