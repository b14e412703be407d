#include "node_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "dir.h"
#include "files.h"
#include "say.h"
#include "sys.h"
#include "text.h"
#include "translate.h"

enum {
	KEY_FILE_MAX = 256,
	PEM_MAX = 1 << 20,
	MEMBERS_MAX = 256 << 20,
};

int gt_dir_read_key(const char *path, uint8_t out[32], char *why,
                    size_t why_cap)
{
	struct gt_buffer file;
	int status = gt_files_read(path, KEY_FILE_MAX, &file, why, why_cap);
	if (status == -GT_ELIMIT)
		gt_say_into(why, why_cap, GT_T_DAEMON_BAD_KEY, path);
	if (status != 0)
		return status;
	file.p[strcspn((char *)file.p, " \t\r\n")] = '\0';
	if (!gt_unhex(out, 32, (char *)file.p)) {
		gt_say_into(why, why_cap, GT_T_DAEMON_BAD_KEY, path);
		status = -GT_EINVALID;
	}
	gt_buffer_wipe(&file);
	return status;
}

int gt_dir_next_member(struct gt_bytes *rest, struct gt_bytes *row)
{
	if (rest->n == 0)
		return 0;
	size_t n = rest->n >= 4 ? gt_get32(rest->p) : SIZE_MAX;
	if (rest->n < 4 || n > rest->n - 4)
		return -GT_EMALFORMED;
	*row = gt_bytes_of(rest->p + 4, n);
	*rest = gt_bytes_of(row->p + n, rest->n - 4 - n);
	return 1;
}

int gt_dir_split(struct gt_bytes in, size_t most, struct gt_bytes **v,
                 size_t *n)
{
	struct gt_bytes rest = in, row;
	size_t count = 0;
	int got;
	*v = NULL;
	*n = 0;
	while ((got = gt_dir_next_member(&rest, &row)) > 0)
		if (count++ == most)
			return -GT_ELIMIT;
	if (got < 0)
		return got;
	*v = malloc((count ? count : 1) * sizeof **v);
	if (!*v)
		return -GT_ENOMEM;
	while (*n < count && gt_dir_next_member(&in, &(*v)[*n]) > 0)
		++*n;
	return 0;
}

int gt_dir_read_members(const char *path, struct gt_dir_members *out, char *why,
                        size_t why_cap)
{
	*out = (struct gt_dir_members){0};
	int status = gt_files_read(path, MEMBERS_MAX, &out->file, why, why_cap);
	if (status != 0)
		return status == -GT_EUNKNOWN ? 0 : status;
	status = out->file.n == 0 ? -GT_EMALFORMED
	                          : gt_dir_split(gt_buffer_bytes(&out->file),
	                                         SIZE_MAX, &out->v, &out->n);
	if (status == -GT_EMALFORMED)
		gt_say_into(why, why_cap, GT_T_DAEMON_BAD_MEMBERS, path);
	else if (status != 0)
		gt_say_into(why, why_cap, GT_T_CLI_FILE_FAILED, path,
		            gt_translate_error(status));
	if (status != 0)
		gt_dir_members_free(out);
	return status;
}

void gt_dir_members_free(struct gt_dir_members *m)
{
	gt_buffer_free(&m->file);
	free(m->v);
	*m = (struct gt_dir_members){0};
}

int gt_dir_read_pems(struct gt_dir_pems *out, const char **file, char *why,
                     size_t why_cap)
{
	const struct {
		const char *file;
		struct gt_buffer *to;
	} parts[] = {{GT_DIR_CA, &out->ca},
	             {GT_DIR_CERT, &out->cert},
	             {GT_DIR_KEY, &out->key}};
	int status = 0;
	*out = (struct gt_dir_pems){0};
	for (size_t i = 0; status == 0 && i < sizeof parts / sizeof *parts;
	     i++) {
		if (file)
			*file = parts[i].file;
		status = gt_files_read(parts[i].file, PEM_MAX, parts[i].to, why,
		                       why_cap);
	}
	int error = errno;
	if (status != 0)
		gt_dir_pems_free(out);
	errno = error;
	return status;
}

void gt_dir_pems_free(struct gt_dir_pems *p)
{
	gt_buffer_free(&p->ca);
	gt_buffer_free(&p->cert);
	gt_buffer_wipe(&p->key);
}

int gt_dir_lock(char *why, size_t why_cap)
{
	if (gt_sys_make_folder(AT_FDCWD, "data", 0700) != 0) {
		gt_format(why, why_cap, "data: %s", gt_translate_errno(errno));
		return -GT_EIO;
	}
	int fd = open(GT_DIR_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		gt_format(why, why_cap, GT_DIR_LOCK ": %s",
		          gt_translate_errno(errno));
		return -GT_EIO;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	int status = errno == EWOULDBLOCK ? -GT_EBUSY : -GT_EIO;
	if (status == -GT_EBUSY)
		gt_format(why, why_cap, "%s", gt_text(GT_T_DAEMON_RUNNING));
	else
		gt_format(why, why_cap, GT_DIR_LOCK ": %s",
		          gt_translate_errno(errno));
	close(fd);
	return status;
}

/* "12: FLOCK  ADVISORY  WRITE 4711 08:01:123456 0 EOF". A lock that was tried
 * would be in the way of a daemon that starts. */
static long holder(const char *line, const struct stat *st)
{
	unsigned major_of, minor_of;
	unsigned long long inode;
	long pid;
	/* NOLINTNEXTLINE(cert-err34-c): what does not fit is no line of ours */
	if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%llu", &pid, &major_of,
	           &minor_of, &inode) != 4)
		return 0;
	return inode == st->st_ino && major_of == major(st->st_dev) &&
	                       minor_of == minor(st->st_dev)
	               ? pid
	               : 0;
}

long gt_dir_runs(int dirfd)
{
	char line[256];
	struct stat st;
	long pid = 0;
	FILE *locks = fstatat(dirfd, GT_DIR_LOCK, &st, 0) == 0
	                      ? fopen("/proc/locks", "re")
	                      : NULL;
	while (locks && pid == 0 && fgets(line, sizeof line, locks))
		pid = holder(line, &st);
	if (locks)
		(void)fclose(locks);
	return pid;
}
