#include "node_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "dir.h"
#include "say.h"
#include "sys.h"
#include "text.h"
#include "translate.h"

enum {
	KEY_FILE_MAX = 256,
	PEM_MAX = 1 << 20,
	MEMBERS_MAX = 256 << 20,
};
#define LOCK_FILE "data/lock"

static int read_file(const char *path, size_t max, struct gt_bytes *out,
                     char *why, size_t why_cap)
{
	errno = 0;
	int status = gt_sys_read_file(path, max, out);
	if (status != 0)
		gt_format(why, why_cap, "%s: %s", path,
		          status == -GT_EIO && errno
		                  ? gt_translate_errno(errno)
		                  : gt_translate_error(status));
	return status;
}

/* Memory that held a secret; a plain memset before free may be left out by the
 * compiler. */
static void wipe(void *p, size_t n)
{
	volatile uint8_t *at = p;
	while (n--)
		*at++ = 0;
}

int gt_dir_read_key(const char *path, uint8_t out[32], char *why,
                    size_t why_cap)
{
	struct gt_bytes file;
	int status = read_file(path, KEY_FILE_MAX, &file, why, why_cap);
	if (status != 0)
		return status;
	char *text = (char *)(uintptr_t)file.p;
	text[strcspn(text, " \t\r\n")] = '\0';
	if (!gt_unhex(out, 32, text)) {
		gt_say_into(why, why_cap, GT_T_DAEMON_BAD_KEY, path);
		status = -GT_EINVALID;
	}
	wipe(text, file.n);
	free(text);
	return status;
}

int gt_dir_split_members(struct gt_bytes bytes, struct gt_dir_members *out)
{
	size_t n = 0, at = 0;
	*out = (struct gt_dir_members){0};
	while (bytes.n - at >= 4) {
		uint32_t len = gt_get32(bytes.p + at);
		if (len > bytes.n - at - 4)
			return -GT_EMALFORMED;
		at += 4 + (size_t)len;
		n++;
	}
	if (at != bytes.n)
		return -GT_EMALFORMED;
	struct gt_bytes *v = malloc((n ? n : 1) * sizeof *v);
	if (!v)
		return -GT_ENOMEM;
	at = 0;
	for (size_t i = 0; i < n; i++) {
		v[i] = gt_bytes_of(bytes.p + at + 4, gt_get32(bytes.p + at));
		at += 4 + v[i].n;
	}
	out->v = v;
	out->n = n;
	return 0;
}

int gt_dir_read_members(const char *path, struct gt_dir_members *out, char *why,
                        size_t why_cap)
{
	struct gt_bytes file;
	*out = (struct gt_dir_members){0};
	int status = read_file(path, MEMBERS_MAX, &file, why, why_cap);
	if (status == -GT_EIO && errno == ENOENT)
		return 0;
	if (status != 0)
		return status;
	status = gt_dir_split_members(file, out);
	out->file = file;
	if (status != 0) {
		gt_format(why, why_cap, "%s: %s", path,
		          gt_translate_error(status));
		gt_dir_members_free(out);
	}
	return status;
}

void gt_dir_members_free(struct gt_dir_members *m)
{
	free((void *)(uintptr_t)m->file.p);
	free(m->v);
	*m = (struct gt_dir_members){0};
}

static int read_pem(const char *path, char **out, char *why, size_t why_cap)
{
	struct gt_bytes file;
	int status = read_file(path, PEM_MAX, &file, why, why_cap);
	if (status == 0)
		*out = (char *)(uintptr_t)file.p;
	return status;
}

int gt_dir_read_pems(struct gt_dir_pems *out, char *why, size_t why_cap)
{
	*out = (struct gt_dir_pems){0};
	int status = read_pem(GT_DIR_CA, &out->ca, why, why_cap);
	if (status == 0)
		status = read_pem(GT_DIR_CERT, &out->cert, why, why_cap);
	if (status == 0)
		status = read_pem(GT_DIR_KEY, &out->key, why, why_cap);
	if (status != 0)
		gt_dir_pems_free(out);
	return status;
}

void gt_dir_pems_free(struct gt_dir_pems *p)
{
	if (p->key)
		wipe(p->key, strlen(p->key));
	free(p->ca);
	free(p->cert);
	free(p->key);
	*p = (struct gt_dir_pems){0};
}

int gt_dir_lock(char *why, size_t why_cap)
{
	if (gt_sys_mkdir("data") != 0) {
		gt_format(why, why_cap, "data: %s", gt_translate_errno(errno));
		return -GT_EIO;
	}
	int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		gt_format(why, why_cap, LOCK_FILE ": %s",
		          gt_translate_errno(errno));
		return -GT_EIO;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	int status = errno == EWOULDBLOCK ? -GT_EBUSY : -GT_EIO;
	if (status == -GT_EBUSY)
		gt_format(why, why_cap, "%s", gt_text(GT_T_DAEMON_RUNNING));
	else
		gt_format(why, why_cap, LOCK_FILE ": %s",
		          gt_translate_errno(errno));
	close(fd);
	return status;
}
