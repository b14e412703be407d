#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob_file.h"
#include "database.h"

struct batch {
	struct gt_id v[GT_LOOK_MANY];
	size_t n;
};

struct look {
	int dir;
	uid_t user;
	struct batch batches[GT_LOOKS];
	gt_look_found *found;
	void *arg;
};

const char *gt_look_why(enum gt_look what)
{
	switch (what) {
	case GT_LOOK_GONE:
		return "the file is gone";
	case GT_LOOK_SIZE:
		return "the file has not its size";
	case GT_LOOK_FOREIGN:
		return "the file is another user's, or no file";
	case GT_LOOKS:
		break;
	}
	return "";
}

static void flush(struct look *l, enum gt_look what)
{
	struct batch *b = &l->batches[what];
	if (b->n > 0)
		l->found(l->arg, what, b->v, b->n);
	b->n = 0;
}

static void tell(struct look *l, enum gt_look what, const struct gt_id *id)
{
	struct batch *b = &l->batches[what];
	b->v[b->n++] = *id;
	if (b->n == GT_LOOK_MANY)
		flush(l, what);
}

/* To root all files are as good as its own. */
static bool ours(const struct look *l, const struct stat *st)
{
	return l->user == 0 ||
	       (st->st_uid == l->user && (st->st_mode & 0600) == 0600);
}

static void look_at(struct look *l, const struct gt_held *held)
{
	char name[GT_BLOB_NAME_MAX];
	struct stat st;
	gt_blob_name(name, &held->id);
	if (fstatat(l->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		/* what the disk cannot say is not said of the file */
		if (gt_blob_open_status(errno) == -GT_EUNKNOWN)
			tell(l, GT_LOOK_GONE, &held->id);
	} else if (!S_ISREG(st.st_mode) || !ours(l, &st)) {
		tell(l, GT_LOOK_FOREIGN, &held->id);
	} else if ((uint64_t)st.st_size != held->size) {
		tell(l, GT_LOOK_SIZE, &held->id);
	}
}

static int look_at_all(struct look *l, struct gt_reader *r)
{
	enum { PAGE = 128 };
	struct gt_held held[PAGE];
	int64_t after = 0;
	size_t n;
	int status;
	do {
		status = gt_read_held(r, &after, held, PAGE, &n);
		for (size_t i = 0; status == 0 && i < n; i++)
			look_at(l, &held[i]);
	} while (status == 0 && n == PAGE);
	return status;
}

int gt_look(const char *dir, const char *database, gt_look_found *found,
            void *arg, char *why, size_t why_cap)
{
	struct look l = {.user = geteuid(), .found = found, .arg = arg};
	l.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct gt_reader *r =
	        l.dir < 0 ? NULL : gt_database_reader(database, why, why_cap);
	int status = r ? look_at_all(&l, r) : -GT_ESTORE;
	if (r && status != 0)
		gt_copy(why, why_cap, gt_reader_why(r));
	else if (l.dir < 0)
		gt_copy(why, why_cap, gt_strerror(-GT_EIO));
	for (int w = 0; w < GT_LOOKS; w++)
		flush(&l, (enum gt_look)w);
	gt_reader_free(r);
	if (l.dir >= 0)
		close(l.dir);
	return status;
}
