#include "copies.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 512 };

static const char *const kinds[] = {".damaged-", "-wal.other-"};
static const char sums[] = "-sums";

/* Of one kind. */
struct found {
	size_t count;
	uint64_t bytes;
	uint64_t oldest; /* its number */
};

/* The number in a name that is the database's with the kind behind it. */
static bool number_of(const char *name, const char *base, const char *kind,
                      uint64_t *number, bool *is_sums)
{
	size_t n = strlen(base), k = strlen(kind);
	char *end;
	if (strncmp(name, base, n) != 0 || strncmp(name + n, kind, k) != 0 ||
	    name[n + k] < '0' || name[n + k] > '9')
		return false;
	*number = strtoull(name + n + k, &end, 10);
	*is_sums = strcmp(end, sums) == 0;
	return *end == '\0' || *is_sums;
}

static void split(const char *database, char folder[PATH], const char **base)
{
	const char *slash = strrchr(database, '/');
	*base = slash ? slash + 1 : database;
	gt_format(folder, PATH, "%.*s", slash ? (int)(slash - database) : 1,
	          slash ? database : ".");
}

static void look(const char *database, const char *kind, struct found *out)
{
	char folder[PATH], path[PATH];
	const char *base;
	struct stat st;
	uint64_t number;
	bool is_sums;
	memset(out, 0, sizeof *out);
	out->oldest = UINT64_MAX;
	split(database, folder, &base);
	DIR *d = opendir(folder);
	if (!d)
		return;
	for (const struct dirent *e; (e = readdir(d));) {
		if (!number_of(e->d_name, base, kind, &number, &is_sums))
			continue;
		gt_format(path, sizeof path, "%s/%s", folder, e->d_name);
		if (lstat(path, &st) == 0)
			out->bytes += (uint64_t)st.st_size;
		if (is_sums)
			continue;
		out->count++;
		if (number < out->oldest)
			out->oldest = number;
	}
	closedir(d);
}

void gt_copies_look(const char *database, struct gt_copies *out)
{
	*out = (struct gt_copies){0};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct found f;
		look(database, kinds[i], &f);
		out->count += f.count;
		out->bytes += f.bytes;
	}
}

static void trim(const char *database, const char *kind,
                 void (*gone)(void *arg, const char *path), void *arg)
{
	char path[PATH], its[PATH + 8];
	struct found f;
	for (look(database, kind, &f); f.count > GT_COPIES_KEPT;
	     look(database, kind, &f)) {
		gt_format(path, sizeof path, "%s%s%llu", database, kind,
		          (unsigned long long)f.oldest);
		gt_format(its, sizeof its, "%s%s", path, sums);
		if (unlink(path) != 0)
			return;
		(void)unlink(its);
		gone(arg, path);
	}
}

void gt_copies_trim(const char *database,
                    void (*gone)(void *arg, const char *path), void *arg)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		trim(database, kinds[i], gone, arg);
}
