#include "code.h"

#include <string.h>

static const size_t digits[] = {2, 4, 6, 9, 12};
static const char *const names[] = {"province", "city", "county", "township",
                                    "village"};
enum { DEPTHS = sizeof digits / sizeof *digits };

static size_t lead(const char *s)
{
	return strspn(s, "0123456789");
}

static bool suffix_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

int gt_code_depth(const char *code)
{
	size_t n = lead(code);
	for (int i = 0; i < DEPTHS; i++)
		if (digits[i] == n)
			return i;
	return -1;
}

size_t gt_code_digits(int depth)
{
	return depth >= 0 && depth < DEPTHS ? digits[depth] : 0;
}

bool gt_code_valid(const char *code)
{
	size_t n = lead(code);
	if (gt_code_depth(code) < 0 || strlen(code) > GT_CODE_MAX)
		return false;
	if (code[n] == '\0')
		return true;
	if (code[n] != '-' || code[n + 1] == '\0')
		return false;
	for (const char *p = code + n; *p; p++)
		if (!suffix_char(*p))
			return false;
	return true;
}

const char *gt_level_name(int depth)
{
	return depth >= 0 && depth < DEPTHS ? names[depth] : NULL;
}

int gt_level_depth(const char *name)
{
	for (int i = 0; i < DEPTHS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

bool gt_code_within(const char *inner, const char *outer)
{
	size_t n = lead(outer);
	if (strcmp(inner, outer) == 0)
		return true;
	if (outer[n] != '\0')
		return false;
	return strncmp(inner, outer, n) == 0;
}

void gt_code_place(char out[GT_CODE_MAX + 1], const char *code)
{
	size_t n = lead(code);
	assert(n <= GT_CODE_MAX);
	memcpy(out, code, n);
	out[n] = '\0';
}

bool gt_code_same_place(const char *a, const char *b)
{
	size_t n = lead(a);
	return n == lead(b) && strncmp(a, b, n) == 0;
}

bool gt_code_child_of(const char *child, const char *parent)
{
	/* A node with a suffix stands for its place: 330106-b may have children
	 * of 330106, and may itself be a child of 330106. */
	size_t n = lead(parent);
	if (strcmp(child, parent) == 0 || strncmp(child, parent, n) != 0)
		return false;
	return lead(child) > n ||
	       (lead(child) == n && child[n] == '-' && parent[n] == '\0');
}

bool gt_code_under(const char *inner, const char *outer)
{
	return strcmp(inner, outer) == 0 || gt_code_child_of(inner, outer);
}

bool gt_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *mark = NULL;
	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			mark = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++mark;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool slug_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '_' || c == '-';
}

bool gt_rid_publisher(char out[GT_CODE_MAX + 1], const char *id)
{
	const char *slash = strchr(id, '/');
	if (!slash || (size_t)(slash - id) > GT_CODE_MAX)
		return false;
	memcpy(out, id, (size_t)(slash - id));
	out[slash - id] = '\0';
	return gt_code_valid(out);
}

bool gt_rid_valid(const char *id)
{
	char publisher[GT_CODE_MAX + 1];
	if (!gt_rid_publisher(publisher, id))
		return false;
	const char *slug = strchr(id, '/') + 1;
	size_t n = strlen(slug);
	if (n == 0 || n > GT_SLUG_MAX || slug[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!slug_char(slug[i]))
			return false;
	return true;
}
