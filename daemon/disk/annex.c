#include "annex.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dir.h"
#include "read.h"
#include "sys.h"

enum {
	PATH_BYTES = sizeof GT_DIR_ATTACHMENTS + GT_SHA2_HEX + 8,
	SPACE_STEP = 1 << 20, /* free space is asked for again after so much */
	RANDOM = 16,
	NEW_BYTES = 2 * RANDOM + 1,
};

#define NEW GT_DIR_ATTACHMENTS "/new"

/* What somebody holds, by its name. */
struct held {
	struct gt_sha2 sha2;
	unsigned holders;
	bool known; /* its file stays whoever lets go of it */
	struct held *next;
};

/* held is as long as requests with attachments are under way. */
struct gt_annex {
	int dir;
	uint64_t reserve;
	pthread_mutex_t lock;
	struct held *held; /* under lock; as are names that come and go */
};

struct gt_annexed {
	struct gt_annex *x;
	int fd; /* -1: all of it has come */
	char temp[sizeof NEW + 1 + NEW_BYTES];
	bool temporary;       /* the file has that name */
	uint64_t size, asked; /* bytes; when room was asked for last */
	struct gt_sha2_run run;
	struct gt_sha2 sha2;
	struct held *held;
};

struct gt_annex *gt_annex_new(const char *dir, uint64_t reserve)
{
	struct gt_annex *x = calloc(1, sizeof *x);
	if (!x || pthread_mutex_init(&x->lock, NULL) != 0) {
		free(x);
		return NULL;
	}
	x->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	x->reserve = reserve;
	if (x->dir >= 0)
		return x;
	pthread_mutex_destroy(&x->lock);
	free(x);
	return NULL;
}

void gt_annex_free(struct gt_annex *x)
{
	if (!x)
		return;
	assert(!x->held);
	close(x->dir);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

/* "attachments/ab/cdef...", or its folder */
static void path_of(char out[PATH_BYTES], const struct gt_sha2 *sha2,
                    bool folder)
{
	char hex[GT_SHA2_HEX];
	gt_sha2_hex(hex, sha2);
	gt_format(out, PATH_BYTES, GT_DIR_ATTACHMENTS "/%.2s%s%s", hex,
	          folder ? "" : "/", folder ? "" : hex + 2);
}

/* ------------------------------------------------------ on their way */

static int make_folders(int dir)
{
	int status = gt_sys_make_folder(dir, GT_DIR_ATTACHMENTS, 0700);
	return status ? status : gt_sys_make_folder(dir, NEW, 0700);
}

static int make_file(struct gt_annexed *a)
{
	uint8_t random[RANDOM];
	char hex[NEW_BYTES];
	int status = make_folders(a->x->dir);
	if (status != 0)
		return status;
	gt_sys_random(random, sizeof random);
	gt_hex(hex, random, sizeof random);
	gt_format(a->temp, sizeof a->temp, NEW "/%s", hex);
	a->fd = openat(a->x->dir, a->temp,
	               O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	               0600);
	a->temporary = a->fd >= 0;
	return a->fd < 0 ? gt_sys_status(errno) : 0;
}

int gt_annex_begin(struct gt_annex *x, uint8_t n, struct gt_annexed **out)
{
	struct gt_annexed *a = calloc(1, sizeof *a);
	*out = NULL;
	if (!a)
		return -GT_ENOMEM;
	a->x = x;
	a->fd = -1;
	gt_sha2_begin(&a->run, n);
	int status = make_file(a);
	int error = errno;
	if (status == 0)
		*out = a;
	else
		gt_annex_let_go(a, false);
	errno = error;
	/* that a folder's name could not be synced concerns this one alone */
	return status == -GT_ESTORE ? -GT_EIO : status;
}

/* Whether n bytes more leave the reserve free, as far as is known. */
static int has_room(struct gt_annexed *a, size_t n)
{
	struct statvfs v;
	if (a->asked > 0 && a->size + n < a->asked)
		return 0;
	a->asked = a->size + n + SPACE_STEP;
	if (fstatvfs(a->fd, &v) != 0)
		return gt_sys_status(errno);
	uint64_t avail =
	        (uint64_t)v.f_bavail * (v.f_frsize ? v.f_frsize : v.f_bsize);
	errno = ENOSPC;
	return avail < a->x->reserve + n + SPACE_STEP ? -GT_ENOSPACE : 0;
}

int gt_annex_add(struct gt_annexed *a, struct gt_bytes piece)
{
	int status = has_room(a, piece.n);
	if (status == 0)
		status = gt_sys_pwrite(a->fd, piece.p, piece.n, a->size);
	if (status != 0)
		return status;
	gt_sha2_add(&a->run, piece);
	a->size += piece.n;
	return 0;
}

int gt_annex_end(struct gt_annexed *a, struct gt_sha2 *is)
{
	gt_sha2_end(&a->run, &a->sha2);
	*is = a->sha2;
	int status = fsync(a->fd) != 0 ? gt_sys_status(errno) : 0;
	int error = errno;
	close(a->fd);
	a->fd = -1;
	errno = error;
	return status;
}

uint64_t gt_annex_size(const struct gt_annexed *a)
{
	return a->size;
}

int gt_annex_back(const struct gt_annexed *a, size_t max, struct gt_buffer *out)
{
	if (a->size > max)
		return -GT_ELIMIT;
	if (!gt_buffer_room(out, (size_t)a->size))
		return -GT_ENOMEM;
	int fd = openat(a->x->dir, a->temp, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return gt_sys_status(errno);
	int status = gt_sys_pread(fd, out->p + out->n, (size_t)a->size, 0);
	close(fd);
	if (status == 0)
		out->n += (size_t)a->size;
	out->p[out->n] = '\0';
	return status == -GT_EDAMAGED ? -GT_EIO : status;
}

/* ------------------------------------------------------------ names */

/* Who holds the name. Lock held. NULL: out of memory. */
static struct held *hold(struct gt_annex *x, const struct gt_sha2 *sha2,
                         bool there)
{
	struct held *h = x->held;
	while (h && !gt_sha2_eq(&h->sha2, sha2))
		h = h->next;
	if (!h) {
		h = calloc(1, sizeof *h);
		if (!h)
			return NULL;
		h->sha2 = *sha2;
		h->known = there;
		h->next = x->held;
		x->held = h;
	}
	h->holders++;
	return h;
}

/* One fewer. True: it was the last, and nobody knows it. Lock held. */
static bool unhold(struct gt_annex *x, struct held *h, bool known)
{
	h->known = h->known || known;
	if (--h->holders > 0)
		return false;
	struct held **p = &x->held;
	while (*p != h)
		p = &(*p)->next;
	*p = h->next;
	bool gone = !h->known;
	free(h);
	return gone;
}

int gt_annex_keep(struct gt_annexed *a)
{
	char path[PATH_BYTES], folder[PATH_BYTES];
	path_of(path, &a->sha2, false);
	path_of(folder, &a->sha2, true);
	int status = gt_sys_make_folder(a->x->dir, folder, 0700);
	if (status != 0)
		return status == -GT_ESTORE ? -GT_EIO : status;
	pthread_mutex_lock(&a->x->lock);
	bool there = faccessat(a->x->dir, path, F_OK, 0) == 0;
	a->held = hold(a->x, &a->sha2, there);
	int rc = a->held ? renameat(a->x->dir, a->temp, a->x->dir, path) : -1;
	int error = a->held ? errno : ENOMEM;
	a->temporary = rc != 0;
	pthread_mutex_unlock(&a->x->lock);
	errno = error;
	if (rc != 0)
		return gt_sys_status(error);
	return gt_sys_sync_folder(a->x->dir, folder);
}

void gt_annex_let_go(struct gt_annexed *a, bool known)
{
	char path[PATH_BYTES];
	if (!a)
		return;
	if (a->held) {
		path_of(path, &a->sha2, false);
		pthread_mutex_lock(&a->x->lock);
		if (unhold(a->x, a->held, known))
			(void)unlinkat(a->x->dir, path, 0);
		pthread_mutex_unlock(&a->x->lock);
	}
	if (a->temporary)
		(void)unlinkat(a->x->dir, a->temp, 0);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

/* ---------------------------------------------------------- reading */

int gt_annex_open(const struct gt_annex *x, const struct gt_sha2 *sha2,
                  uint64_t *size)
{
	char path[PATH_BYTES];
	struct stat st;
	path_of(path, sha2, false);
	int fd = openat(x->dir, path,
	                O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int error = errno;
	if (fd < 0)
		return error == ENOENT || error == ELOOP || error == EACCES
		               ? -GT_EUNKNOWN
		               : gt_sys_status(error);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -GT_EUNKNOWN;
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

int gt_annex_read(int fd, uint64_t size, const struct gt_sha2 *sha2, size_t max,
                  struct gt_buffer *out)
{
	struct gt_sha2_run run;
	struct gt_sha2 is;
	size_t n = size > max ? 0 : (size_t)size;
	int status = size > max ? -GT_ELIMIT : 0;
	if (status == 0 && !gt_buffer_room(out, n))
		status = -GT_ENOMEM;
	if (status == 0)
		status = gt_sys_pread(fd, out->p + out->n, n, 0);
	close(fd);
	if (status != 0)
		return status;
	gt_sha2_begin(&run, sha2->n);
	gt_sha2_add(&run, gt_bytes_of(out->p + out->n, n));
	gt_sha2_end(&run, &is);
	out->n += n;
	out->p[out->n] = '\0';
	return gt_sha2_eq(&is, sha2) ? 0 : -GT_EDAMAGED;
}

/* --------------------------------------------------------- sweeping */

/* "ab" and "cdef..." are a name; what else lies there is none of our
 * business. */
static int sweep_file(int fd, const char *folder, const char *name,
                      struct gt_reader *reader, int *gone)
{
	char hex[GT_SHA2_HEX];
	struct gt_sha2 sha2;
	bool wanted = true;
	if (strlen(name) + 2 >= sizeof hex)
		return 0;
	gt_format(hex, sizeof hex, "%s%s", folder, name);
	if (!gt_sha2_parse(&sha2, hex))
		return 0;
	int status = gt_read_attachment(reader, &sha2, &wanted, NULL);
	if (status == 0 && !wanted && unlinkat(fd, name, 0) == 0)
		++*gone;
	return status;
}

/* folder NULL: of what was on its way in, all goes. */
static int sweep_folder(int dir, const char *path, const char *folder,
                        struct gt_reader *reader, int *gone)
{
	int fd = openat(dir, path,
	                O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int status = 0;
	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (const struct dirent *e; status == 0 && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		if (folder)
			status =
			        sweep_file(fd, folder, e->d_name, reader, gone);
		else
			*gone += unlinkat(fd, e->d_name, 0) == 0;
	}
	closedir(d);
	return status;
}

int gt_annex_sweep(struct gt_annex *x, struct gt_reader *reader)
{
	int fd = x->dir, gone = 0, status = 0;
	(void)sweep_folder(fd, NEW, NULL, reader, &gone);
	for (int i = 0; status == 0 && i < 256; i++) {
		char name[3], path[PATH_BYTES];
		gt_format(name, sizeof name, "%02x", (unsigned)i);
		gt_format(path, sizeof path, GT_DIR_ATTACHMENTS "/%s", name);
		status = sweep_folder(fd, path, name, reader, &gone);
	}
	return status ? status : gone;
}
