#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buffer.h"
#include "object.h"
#include "say.h"
#include "translate.h"

/* Folders still to be read, as paths from the root. */
struct folders {
	char **v;
	size_t n, cap;
};

/* What is refused by its name or kind: all of it is looked for, and the first
 * of it told, so that nobody has to mend a thousand names one by one. */
enum { TOLD = 20 };
struct refused {
	size_t n;
	struct gt_buffer lines; /* of the first TOLD */
	bool not_utf8, not_nfc; /* what convmv mends */
};

struct job {
	struct gt_walk *w;
	struct folders folders;
	struct refused refused;
	uint64_t listed; /* of a manifest, by the files so far */
	char *why;
	size_t why_cap;
};

const char *gt_walk_errno(char *buf, size_t cap, int error)
{
	char text[GT_TRANSLATE_MAX];
	if (strerror_r(error, buf, cap) != 0)
		gt_format(buf, cap, "errno %d", error);
	const char *said = gt_translate(text, NULL, buf);
	if (said != buf)
		(void)gt_copy(buf, cap, said);
	return buf;
}

void gt_walk_why(char *why, size_t why_cap, int key, const char *path,
                 const char *detail)
{
	char shown[GT_PATH_SHOWN];
	gt_say_into(why, why_cap, (enum gt_text)key,
	            gt_path_show(shown, path, strlen(path)), detail);
}

static int refuse(struct job *j, int status, int key, const char *path,
                  const char *detail)
{
	gt_walk_why(j->why, j->why_cap, key, path, detail);
	return status;
}

static int refuse_errno(struct job *j, const char *path)
{
	char buf[128];
	int error = errno;
	if (error == ENOENT)
		return refuse(j, -GT_EUNKNOWN, GT_T_STAGE_NONE, path, NULL);
	if (error == ELOOP)
		return refuse(j, -GT_EINVALID, GT_T_STAGE_LINK, path, NULL);
	return refuse(j, error == ENOMEM ? -GT_ENOMEM : -GT_EIO,
	              GT_T_STAGE_SYSTEM, path,
	              gt_walk_errno(buf, sizeof buf, error));
}

static const char *fault_text(enum gt_path_fault fault)
{
	switch (fault) {
	case GT_PATH_FINE:
		break;
#define X(name, en)          \
	case GT_PATH_##name: \
		return gt_text(GT_T_STAGE_PATH_##name);
		GT_PATH_FAULTS(X)
#undef X
	}
	return "";
}

/* ---------------------------------------------------------- refused */

/* Not published, but what else there is shall be known too. */
static int note(struct job *j, int key, const char *path, const char *detail)
{
	char line[GT_PATH_SHOWN + 256];
	struct refused *r = &j->refused;
	if (r->n++ >= TOLD)
		return 0;
	gt_walk_why(line, sizeof line, key, path, detail);
	gt_buffer_str(&r->lines, r->n > 1 ? "\n  " : "");
	gt_buffer_str(&r->lines, line);
	return 0;
}

static int note_name(struct job *j, const char *path, enum gt_path_fault fault)
{
	j->refused.not_utf8 |= fault == GT_PATH_UTF8;
	j->refused.not_nfc |= fault == GT_PATH_NFC;
	return note(j, GT_T_STAGE_NAME, path, fault_text(fault));
}

/* source as one word of a shell's command. */
static void quote(struct gt_buffer *o, const char *source)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
	                            "qrstuvwxyz0123456789-._/+:,@";
	if (*source == '-')
		gt_buffer_str(o, "./");
	if (*source && source[strspn(source, plain)] == '\0') {
		gt_buffer_str(o, source);
		return;
	}
	gt_buffer_str(o, "'");
	for (; *source; source++)
		if (*source == '\'')
			gt_buffer_str(o, "'\\''");
		else
			gt_buffer_add(o, source, 1);
	gt_buffer_str(o, "'");
}

/* The command that mends what of it a command can. */
static void mend(struct gt_buffer *o, bool is, int key, const char *options,
                 const char *source)
{
	if (!is)
		return;
	gt_buffer_str(o, "\n");
	gt_buffer_str(o, gt_text((enum gt_text)key));
	gt_buffer_format(o, "\n  convmv -r --notest %s ", options);
	quote(o, source);
}

/* After all is found: 0, or -GT_EINVALID and why. */
static int tell_refused(struct job *j, const char *source)
{
	struct refused *r = &j->refused;
	struct gt_buffer all = {0};
	char head[160] = "";
	if (r->n == 0)
		return 0;
	if (r->n > 1) {
		gt_say_into(head, sizeof head, GT_T_STAGE_REFUSED, r->n);
		gt_buffer_str(&all, head);
		gt_buffer_str(&all, "\n  ");
	}
	gt_buffer_add(&all, r->lines.p, r->lines.n);
	if (r->n > TOLD)
		gt_buffer_str(&all, "\n  ...");
	mend(&all, r->not_utf8, GT_T_STAGE_MEND_GBK, "-f gbk -t utf8", source);
	mend(&all, r->not_nfc, GT_T_STAGE_MEND_NFC, "--nfc -f utf8 -t utf8",
	     source);
	char *text = gt_buffer_text(&all, NULL);
	gt_copy(j->why, j->why_cap, text ? text : gt_text(GT_T_CLI_NOMEM));
	int status = text ? -GT_EINVALID : -GT_ENOMEM;
	free(text);
	return status;
}

/* ---------------------------------------------------------- opening */

/* Opens path under root one component at a time: O_NOFOLLOW speaks only of the
 * last. */
static int open_beneath(int root, const char *path, int flags)
{
	char name[NAME_MAX + 1];
	int at = root;
	for (;;) {
		const char *slash = strchr(path, '/');
		size_t n = slash ? (size_t)(slash - path) : strlen(path);
		assert(n < sizeof name); /* gt_path_check has seen it */
		memcpy(name, path, n);
		name[n] = '\0';
		int fd = openat(at, name,
		                O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
		                        (slash ? O_DIRECTORY : flags));
		int error = errno;
		if (at != root)
			close(at);
		errno = error;
		if (fd < 0 || !slash)
			return fd;
		at = fd;
		path = slash + 1;
	}
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool gt_walk_unchanged(const struct gt_walk *w, size_t i, int fd)
{
	const struct gt_walk_file *f = &w->files[i];
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_dev == f->device &&
	       (uint64_t)st.st_ino == f->inode &&
	       (uint64_t)st.st_size == f->size &&
	       same_time(st.st_mtim, f->modified) &&
	       same_time(st.st_ctim, f->changed);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct gt_walk_file *)a)->path,
	              ((const struct gt_walk_file *)b)->path);
}

size_t gt_walk_find(const struct gt_walk *w, const char *path)
{
	const struct gt_walk_file key = {.path = gt_lend(path)};
	const struct gt_walk_file *f =
	        w->n ? bsearch(&key, w->files, w->n, sizeof key, by_path)
	             : NULL;
	return f ? (size_t)(f - w->files) : SIZE_MAX;
}

int gt_walk_open(const struct gt_walk *w, size_t i)
{
	/* O_NONBLOCK: a FIFO put in the file's place must not hold us up */
	int fd = open_beneath(w->root, w->files[i].path, O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && !gt_walk_unchanged(w, i, fd)) {
		close(fd);
		errno = ESTALE;
		return -1;
	}
	return fd;
}

/* ---------------------------------------------------------- finding */

static bool push_folder(struct folders *f, const char *path)
{
	if (f->n == f->cap) {
		size_t cap = 2 * f->cap + 16;
		char **v = realloc(f->v, cap * sizeof *v);
		if (!v)
			return false;
		f->v = v;
		f->cap = cap;
	}
	f->v[f->n] = strdup(path);
	return f->v[f->n++] != NULL;
}

static bool push_file(struct gt_walk *w, const char *path,
                      const struct stat *st)
{
	if (w->n == w->cap) {
		size_t cap = 2 * w->cap + 64;
		struct gt_walk_file *v = realloc(w->files, cap * sizeof *v);
		if (!v)
			return false;
		w->files = v;
		w->cap = cap;
	}
	struct gt_walk_file *f = &w->files[w->n];
	*f = (struct gt_walk_file){.path = strdup(path),
	                           .device = (uint64_t)st->st_dev,
	                           .inode = (uint64_t)st->st_ino,
	                           .size = (uint64_t)st->st_size,
	                           .modified = st->st_mtim,
	                           .changed = st->st_ctim};
	if (!f->path)
		return false;
	w->n++;
	w->bytes += f->size;
	return true;
}

/* One thing found: path from the root, st not followed. */
static int take(struct job *j, const char *path, const struct stat *st)
{
	enum gt_path_fault fault = gt_path_offer(path, strlen(path));
	bool room;
	if (fault != GT_PATH_FINE)
		return note_name(j, path, fault);
	if (S_ISLNK(st->st_mode))
		return note(j, GT_T_STAGE_LINK, path, NULL);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return note(j, GT_T_STAGE_SPECIAL, path, NULL);
	if (S_ISREG(st->st_mode))
		j->listed += gt_packer_least(path, (uint64_t)st->st_size);
	if (j->w->n == GT_FILES_MAX || j->folders.n == GT_FILES_MAX ||
	    j->listed > GT_MANIFEST_MAX)
		return refuse(j, -GT_ELIMIT, GT_T_STAGE_MANY, path, NULL);
	room = S_ISDIR(st->st_mode) ? push_folder(&j->folders, path)
	                            : push_file(j->w, path, st);
	if (room)
		return 0;
	errno = ENOMEM;
	return refuse_errno(j, path);
}

/* name in folder, which is "" for the root. */
static int take_name(struct job *j, int fd, const char *folder,
                     const char *name)
{
	char path[GT_PATH_MAX + 2 + NAME_MAX];
	struct stat st;
	gt_format(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "",
	          name);
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return refuse_errno(j, path);
	return take(j, path, &st);
}

static int read_folder(struct job *j, const char *folder)
{
	int fd = *folder ? open_beneath(j->w->root, folder, O_DIRECTORY)
	                 : openat(j->w->root, ".",
	                          O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int status = 0;
	if (!dir) {
		status = refuse_errno(j, *folder ? folder : ".");
		if (fd >= 0)
			close(fd);
		return status;
	}
	while (!status) {
		errno = 0;
		const struct dirent *e = readdir(dir);
		if (!e && errno)
			status = refuse_errno(j, *folder ? folder : ".");
		if (!e)
			break;
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			status = take_name(j, fd, folder, e->d_name);
	}
	closedir(dir);
	return status;
}

/* source without slashes at its end, in two: the folder it lies in and its
 * name. Both malloc'ed. */
static bool split(const char *source, char **folder, char **name)
{
	size_t n = strlen(source), at;
	while (n > 1 && source[n - 1] == '/')
		n--;
	for (at = n; at > 0 && source[at - 1] != '/'; at--)
		;
	*name = strndup(source + at, n - at);
	*folder = at > 0 ? strndup(source, at) : strdup(".");
	return *name && *folder;
}

static int start(struct job *j, const char *source)
{
	char *folder = NULL, *name = NULL;
	struct stat st;
	int status = 0, flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	bool is_dir = false;
	if (!split(source, &folder, &name))
		status = -GT_ENOMEM;
	/* a name is missing only in "/": that is a directory */
	if (!status)
		status = lstat(*name ? source : "/", &st) ? -GT_EIO : 0;
	if (!status && S_ISDIR(st.st_mode)) {
		is_dir = true;
		j->w->root = open(source, flags);
	} else if (!status) {
		j->w->root = open(folder, flags);
	}
	if (status || j->w->root < 0)
		status = refuse_errno(j, source);
	else
		status = is_dir ? read_folder(j, "") : take(j, name, &st);
	free(folder);
	free(name);
	return status;
}

int gt_walk_new(struct gt_walk *out, const char *source, char *why,
                size_t why_cap)
{
	struct job j = {.w = out, .why = why, .why_cap = why_cap};
	int status;
	assert(why_cap > 0);
	why[0] = '\0';
	*out = (struct gt_walk){.root = -1};
	status = start(&j, source);
	while (!status && j.folders.n > 0) {
		char *folder = j.folders.v[--j.folders.n];
		status = read_folder(&j, folder);
		free(folder);
	}
	while (j.folders.n > 0)
		free(j.folders.v[--j.folders.n]);
	free(j.folders.v);
	if (!status)
		status = tell_refused(&j, source);
	gt_buffer_free(&j.refused.lines);
	if (!status && out->n == 0)
		status = refuse(&j, -GT_EINVALID, GT_T_STAGE_EMPTY, source,
		                NULL);
	if (status)
		gt_walk_clear(out);
	else
		qsort(out->files, out->n, sizeof *out->files, by_path);
	return status;
}

void gt_walk_clear(struct gt_walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->files[i].path);
	free(w->files);
	if (w->root >= 0)
		close(w->root);
	*w = (struct gt_walk){.root = -1};
}
