#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "schema.h"

struct sweep {
	sqlite3 *db;
	sqlite3_stmt *state, *known;
	struct gt_swept *out;
	char *why;
	size_t why_cap;
};

enum fate { KEEP, UNKNOWN, GO };

static int failed(struct sweep *s)
{
	gt_format(s->why, s->why_cap, "%s",
	          s->db ? sqlite3_errmsg(s->db) : gt_strerror(-GT_ENOMEM));
	return -GT_ESTORE;
}

static int io_failed(struct sweep *s, const char *path)
{
	gt_format(s->why, s->why_cap, "%s: %s", path, strerror(errno));
	return -GT_EIO;
}

static int prepare(struct sweep *s, const char *database)
{
	/* 5: refused; and so is a file of which nothing counts */
	static const char state[] =
	        "SELECT CASE WHEN state<4 AND present=0 AND NOT EXISTS("
	        "SELECT 1 FROM item WHERE own=1 AND object=?1)"
	        " THEN 5 ELSE state END FROM object WHERE id=?1";
	static const char known[] =
	        "SELECT 1 FROM audit WHERE subject=?1 AND kind='object'"
	        " AND event IN('remove','adopt') LIMIT 1";
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(database, &s->db, flags, NULL) != SQLITE_OK ||
	    sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	                      NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(s->db, state, -1, &s->state, NULL) !=
	            SQLITE_OK ||
	    sqlite3_prepare_v2(s->db, known, -1, &s->known, NULL) != SQLITE_OK)
		return failed(s);
	return 0;
}

/* One row or none; *value is its first column. */
static int look(struct sweep *s, sqlite3_stmt *st, int *value)
{
	int rc = sqlite3_step(st);
	*value = rc == SQLITE_ROW ? sqlite3_column_int(st, 0) : 0;
	sqlite3_reset(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return failed(s);
	return 0;
}

static int judge(struct sweep *s, const char *hex, enum fate *fate)
{
	struct gt_id id;
	int state, known;
	*fate = KEEP;
	if (!gt_unhex(id.b, GT_ID_BYTES, hex))
		return 0;
	if (sqlite3_bind_blob(s->state, 1, id.b, GT_ID_BYTES,
	                      SQLITE_TRANSIENT) != SQLITE_OK ||
	    sqlite3_bind_text(s->known, 1, hex, -1, SQLITE_TRANSIENT) !=
	            SQLITE_OK)
		return failed(s);
	int status = look(s, s->state, &state);
	if (status == 0)
		status = look(s, s->known, &known);
	if (status != 0)
		return status;
	if (state == GT_OBJECT_REFUSED || (state == 0 && known))
		*fate = GO;
	else if (state == 0)
		*fate = UNKNOWN;
	return 0;
}

/* "ab" and "cdef….tar.zst" make the object's name. */
static int sweep_file(struct sweep *s, int fd, const char *folder,
                      const char *name)
{
	static const char end[] = ".tar.zst";
	char hex[2 * GT_ID_BYTES + 1];
	size_t n = strlen(name), rest = sizeof hex - 1 - 2;
	struct stat st;
	enum fate fate;
	if (n != rest + sizeof end - 1 || strcmp(name + rest, end) != 0)
		return 0;
	gt_format(hex, sizeof hex, "%.2s%.62s", folder, name);
	int status = judge(s, hex, &fate);
	if (status != 0 || fate == KEEP)
		return status;
	if (fate == GO) {
		if (unlinkat(fd, name, 0) != 0)
			return io_failed(s, name);
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
		status = io_failed(s, folder);
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
		return errno == ENOENT ? 0 : io_failed(s, path);
	for (const struct dirent *e; status == 0 && (e = readdir(d));)
		if (strlen(e->d_name) == 2 && e->d_name[0] != '.')
			status = sweep_folder(s, dirfd(d), e->d_name);
	closedir(d);
	return status;
}

int gt_sweep(const char *dir, const char *database, struct gt_swept *out,
             char *why, size_t why_cap) /* NOLINT: written further down */
{
	struct sweep s = {.out = out, .why = why, .why_cap = why_cap};
	*out = (struct gt_swept){0};
	int status = prepare(&s, database);
	if (status == 0)
		status = sweep_all(&s, dir);
	sqlite3_finalize(s.state);
	sqlite3_finalize(s.known);
	sqlite3_close(s.db);
	return status;
}
