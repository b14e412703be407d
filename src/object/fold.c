#include "fold.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "utf8.h"

/* No two bytes decompose and fold into more than three characters (U+0390). */
enum { ROOM = GT_PATH_MAX / 2 * 3 };

/* What stands at the end of a name and is dropped there; all of it if there is
 * nothing else. */
static size_t trimmed(const uint8_t *name, size_t n)
{
	size_t k = n;
	while (k > 0 && (name[k - 1] == '.' || name[k - 1] == ' '))
		k--;
	return k > 0 ? k : n;
}

static bool add_folded(struct gt_buffer *out, const int32_t *c, size_t n)
{
	size_t name = out->n; /* where the last one begins */
	bool ok = true;
	for (size_t i = 0; ok && i <= n; i++) {
		uint8_t bytes[GT_UTF8_MAX];
		if (i == n || c[i] == '/') {
			out->n = name + trimmed(out->p + name, out->n - name);
			name = out->n + 1;
		}
		if (i < n)
			ok = gt_buffer_add(
			        out, bytes,
			        (size_t)utf8proc_encode_char(c[i], bytes));
	}
	return ok && gt_buffer_add(out, "", 0); /* its NUL, where it ends now */
}

bool gt_fold(struct gt_buffer *out, const char *path)
{
	utf8proc_int32_t c[ROOM];
	utf8proc_ssize_t n = utf8proc_decompose(
	        (const utf8proc_uint8_t *)path, (utf8proc_ssize_t)strlen(path),
	        c, ROOM,
	        UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD);
	assert(n >= 0 && n <= ROOM); /* gt_path_check has seen it */
	return gt_buffer_add(out, "", 0) && add_folded(out, c, (size_t)n);
}

bool gt_fold_name(struct gt_buffer *out, const char *name)
{
	utf8proc_uint8_t *folded =
	        utf8proc_NFKC_Casefold((const utf8proc_uint8_t *)name);
	bool ok = folded &&
	          gt_buffer_add(out, folded, strlen((const char *)folded));
	free(folded);
	return ok;
}

static bool is_word(const char *name, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (gt_lower(name[i]) != word[i])
			return false;
	return word[n] == '\0';
}

/* CON, also as "con .txt"; COM1 to LPT9. */
static bool is_device(const char *name, size_t n)
{
	static const char *const words[] = {"con", "prn", "aux", "nul"};
	size_t k = 0;
	while (k < n && name[k] != '.')
		k++;
	while (k > 0 && name[k - 1] == ' ')
		k--;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (is_word(name, k, words[i]))
			return true;
	return k == 4 && name[3] >= '1' && name[3] <= '9' &&
	       (is_word(name, 3, "com") || is_word(name, 3, "lpt"));
}

bool gt_fold_reserved(const char *path)
{
	if (path[strcspn(path, "<>:\"|?*")])
		return true;
	for (;; path++) {
		size_t n = strcspn(path, "/");
		if (is_device(path, n))
			return true;
		path += n;
		if (!*path)
			return false;
	}
}
