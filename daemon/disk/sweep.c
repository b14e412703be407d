#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "database.h"
#include "dir.h"
#include "shelf.h"

struct sweep {
	struct gt_reader *reader;
	struct gt_swept *out;
	char *why;
	size_t why_cap;
	bool failed; /* something was passed over */
};

/* What cannot be read, or removed, is passed over: the first of it is told at
 * the end. */
static int passed_over(struct sweep *s, const char *path)
{
	if (!s->failed)
		gt_format(s->why, s->why_cap, "%s: %s", path, strerror(errno));
	s->failed = true;
	return 0;
}

static int judge(struct sweep *s, const char *hex, enum gt_claim *claim)
{
	struct gt_id id;
	*claim = GT_CLAIM_WANTED; /* no object's file: none of our business */
	if (!gt_unhex(id.b, GT_ID_BYTES, hex))
		return 0;
	int status = gt_read_claim(s->reader, &id, claim);
	if (status != 0)
		gt_copy(s->why, s->why_cap, gt_reader_why(s->reader));
	return status;
}

/* "ab" and "cdef….tar.zst" make the object's name. */
static int sweep_file(struct sweep *s, int fd, const char *folder,
                      const char *name)
{
	static const char end[] = ".tar.zst";
	char hex[GT_HEX_ID];
	size_t n = strlen(name), rest = sizeof hex - 1 - 2;
	struct stat st;
	enum gt_claim claim;
	if (n != rest + sizeof end - 1 || strcmp(name + rest, end) != 0)
		return 0;
	gt_format(hex, sizeof hex, "%.2s%.62s", folder, name);
	int status = judge(s, hex, &claim);
	if (status != 0 || claim == GT_CLAIM_WANTED)
		return status;
	if (claim == GT_CLAIM_GIVEN_UP) {
		if (unlinkat(fd, name, 0) != 0)
			return passed_over(s, name);
		s->out->removed++;
	} else if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		s->out->unknown++;
		s->out->unknown_bytes += (uint64_t)st.st_size;
	}
	return 0;
}

static int sweep_folder(struct sweep *s, int objects, const char *folder)
{
	int fd = openat(objects, folder,
	                O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int status = 0;
	if (!d) {
		status = passed_over(s, folder);
		if (fd >= 0)
			close(fd);
		return status;
	}
	for (const struct dirent *e; status == 0 && (e = readdir(d));)
		status = sweep_file(s, fd, folder, e->d_name);
	closedir(d);
	return status;
}

static int sweep_all(struct sweep *s, const char *dir)
{
	char path[4096];
	gt_format(path, sizeof path, "%s/" GT_DIR_OBJECTS, dir);
	DIR *d = opendir(path);
	int status = 0;
	if (!d)
		return errno == ENOENT ? 0 : passed_over(s, path);
	for (const struct dirent *e; status == 0 && (e = readdir(d));)
		if (strlen(e->d_name) == 2 && e->d_name[0] != '.')
			status = sweep_folder(s, dirfd(d), e->d_name);
	closedir(d);
	return status;
}

/* An index can always be made again: one that nobody wants goes, and what is
 * left of making one. */
static int sweep_index(struct sweep *s, int fd, const char *name)
{
	struct gt_id id;
	enum gt_claim claim = GT_CLAIM_UNKNOWN;
	int status = 0;
	if (*name == '.')
		return 0;
	if (gt_shelf_named(name, &id))
		status = gt_read_claim(s->reader, &id, &claim);
	if (status != 0)
		gt_copy(s->why, s->why_cap, gt_reader_why(s->reader));
	else if (claim != GT_CLAIM_WANTED)
		(void)unlinkat(fd, name, 0);
	return status;
}

static int sweep_indexes(struct sweep *s, const char *dir)
{
	char path[4096];
	gt_format(path, sizeof path, "%s/" GT_DIR_INDEX, dir);
	/* where a link leads lies what is somebody else's */
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int status = 0;
	if (!d) {
		status = errno == ENOENT ? 0 : passed_over(s, path);
		if (fd >= 0)
			close(fd);
		return status;
	}
	for (const struct dirent *e; status == 0 && (e = readdir(d));)
		status = sweep_index(s, dirfd(d), e->d_name);
	closedir(d);
	return status;
}

int gt_sweep(const char *dir, const char *database, struct gt_swept *out,
             char *why, size_t why_cap) /* NOLINT: written further down */
{
	struct sweep s = {.out = out, .why = why, .why_cap = why_cap};
	*out = (struct gt_swept){0};
	s.reader = gt_database_reader(database, why, why_cap);
	if (!s.reader)
		return -GT_ESTORE;
	int status = sweep_all(&s, dir);
	if (status == 0)
		status = sweep_indexes(&s, dir);
	gt_reader_free(s.reader);
	return status || !s.failed ? status : -GT_EIO;
}
