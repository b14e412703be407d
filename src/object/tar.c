#include "tar.h"

#include <stdio.h>
#include <string.h>

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12],
	        checksum[8], type, link[100], magic[6], version[2], user[32],
	        group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct ustar) == GT_TAR_BLOCK, "a header is one block");

static const uint64_t ustar_size_max = (UINT64_C(1) << 33) - 1; /* 11 octal */

/* Where path is cut into prefix and name: 0 when it needs no prefix, n + 1
 * when ustar cannot hold it. */
static size_t split_at(const char *path, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)path[i] >= 0x80)
			return n + 1;
	if (n <= sizeof((struct ustar *)0)->name)
		return 0;
	for (size_t i = n - sizeof((struct ustar *)0)->name - 1; i < n; i++)
		if (path[i] == '/')
			return i <= sizeof((struct ustar *)0)->prefix ? i
			                                              : n + 1;
	return n + 1;
}

static void octal(char *out, size_t cap, uint64_t v)
{
	gt_format(out, cap, "%0*llo", (int)cap - 1, (unsigned long long)v);
}

static void put_name(struct ustar *h, const char *path, size_t n)
{
	size_t at = split_at(path, n);
	if (at <= n) {
		memcpy(h->prefix, path, at);
		at += at > 0;
		memcpy(h->name, path + at, n - at);
		return;
	}
	/* The extended header has the real path. This is for a reader that
	 * does not know pax: a harmless name in the current folder. */
	size_t k = n < sizeof h->name ? n : sizeof h->name;
	for (size_t i = 0; i < k; i++) {
		char c = path[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9') || c == '.' || c == '-';
		if (plain)
			h->name[i] = c;
		else
			h->name[i] = '_';
	}
}

static void finish_head(struct ustar *h, uint64_t size, char type)
{
	const uint8_t *p = (const uint8_t *)h;
	unsigned sum = 0;
	octal(h->mode, sizeof h->mode, 0644);
	octal(h->uid, sizeof h->uid, 0);
	octal(h->gid, sizeof h->gid, 0);
	octal(h->size, sizeof h->size, size);
	octal(h->mtime, sizeof h->mtime, 0);
	octal(h->major, sizeof h->major, 0);
	octal(h->minor, sizeof h->minor, 0);
	h->type = type;
	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->checksum, ' ', sizeof h->checksum);
	for (size_t i = 0; i < sizeof *h; i++)
		sum += p[i];
	octal(h->checksum, 7, sum); /* leaves the space after the NUL */
}

/* "<length> <key>=<value>\n", the length counting its own digits. */
static size_t put_record(uint8_t *out, const char *key, const char *value,
                         size_t n)
{
	size_t rest = 1 + strlen(key) + 1 + n + 1, digits = 1;
	char head[40];
	for (size_t power = 10; rest + digits >= power; power *= 10)
		digits++;
	size_t len = rest + digits;
	gt_format(head, sizeof head, "%zu %s=", len, key);
	size_t k = len - n - 1;
	assert(head[k] == '\0' && head[k - 1] == '=');
	memcpy(out, head, k);
	memcpy(out + k, value, n);
	out[k + n] = '\n';
	return len;
}

size_t gt_tar_padding(uint64_t size)
{
	return (size_t)(-size & (GT_TAR_BLOCK - 1));
}

size_t gt_tar_head(uint8_t out[GT_TAR_HEAD_MAX], const char *path,
                   uint64_t size)
{
	size_t n = strlen(path), data = 0, used = 0;
	struct ustar h;
	assert(n > 0 && n <= GT_PATH_MAX);
	memset(out, 0, GT_TAR_HEAD_MAX);
	if (split_at(path, n) > n)
		data += put_record(out + GT_TAR_BLOCK, "path", path, n);
	if (size > ustar_size_max) {
		char digits[24];
		gt_format(digits, sizeof digits, "%llu",
		          (unsigned long long)size);
		data += put_record(out + GT_TAR_BLOCK + data, "size", digits,
		                   strlen(digits));
	}
	if (data > 0) {
		memset(&h, 0, sizeof h);
		memcpy(h.name, "PaxHeaders/next", 16);
		finish_head(&h, data, 'x');
		memcpy(out, &h, sizeof h);
		used = GT_TAR_BLOCK + data + gt_tar_padding(data);
	}
	memset(&h, 0, sizeof h);
	put_name(&h, path, n);
	finish_head(&h, size > ustar_size_max ? 0 : size, '0');
	memcpy(out + used, &h, sizeof h);
	return used + GT_TAR_BLOCK;
}
