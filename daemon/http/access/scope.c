#include "scope.h"

#include <string.h>

/* By what is asked for first. with: what comes with it. */
static const struct {
	const char *name, *brief;
	unsigned bit, with;
} scopes[] = {
        {"statements/write", "write", GT_SCOPE_WRITE, 0},
        {"statements/read/mine", "mine", GT_SCOPE_OWN, 0},
        {"statements/read", "read", GT_SCOPE_READ, GT_SCOPE_OWN},
        {"state", NULL, GT_SCOPE_STATE, 0},
        {"define", NULL, GT_SCOPE_DEFINE, 0},
        {"profile", NULL, GT_SCOPE_PROFILE, 0},
        {"all/read", NULL, GT_SCOPE_ALL_READ, GT_SCOPE_READER},
        {"all", NULL, GT_SCOPE_ALL, 0},
};
enum { ROWS = sizeof scopes / sizeof *scopes };
static_assert(ROWS == GT_SCOPE_SCOPES + 1, "each, and all");

static const struct {
	const char *name;
	unsigned set;
} roles[] = {
        {"terminal", GT_SCOPE_TERMINAL},
        {"reader", GT_SCOPE_READER},
        {"all", GT_SCOPE_ALL},
};
enum { ROLES = sizeof roles / sizeof *roles };

/* -1: none has that name. */
static int row_of(const char *name, size_t n, bool brief)
{
	for (int i = 0; i < ROWS; i++) {
		const char *other = scopes[i].brief;
		if (strlen(scopes[i].name) == n &&
		    memcmp(scopes[i].name, name, n) == 0)
			return i;
		if (brief && other && strlen(other) == n &&
		    memcmp(other, name, n) == 0)
			return i;
	}
	return -1;
}

static unsigned set_of(int row)
{
	return scopes[row].bit | scopes[row].with;
}

bool gt_scope_parse(unsigned *out, const char *text, char *wrong, size_t cap)
{
	unsigned set = 0;
	const char *p = text;
	for (;; p++) {
		p += strspn(p, " ");
		size_t n = strcspn(p, ","), all = n;
		while (n > 0 && p[n - 1] == ' ')
			n--;
		int row = row_of(p, n, true);
		if (row < 0) {
			if (wrong)
				gt_format(wrong, cap, "%.*s",
				          (int)(n < 64 ? n : 64), p);
			return false;
		}
		set |= set_of(row);
		p += all;
		if (!*p)
			break;
	}
	*out = set;
	return true;
}

/* Whether the row has to be named: the set has it, and none of the set brings it
 * along. */
static bool is_said(unsigned set, int row)
{
	if (set == GT_SCOPE_ALL)
		return row == ROWS - 1;
	if (row == ROWS - 1 || !(set & scopes[row].bit))
		return false;
	for (int i = 0; i < ROWS - 1; i++)
		if (set & scopes[i].bit && scopes[i].with & scopes[row].bit)
			return false;
	return true;
}

void gt_scope_text(char out[GT_SCOPE_TEXT], unsigned set)
{
	size_t n = 0;
	out[0] = '\0';
	for (int i = 0; i < ROWS; i++) {
		if (!is_said(set, i))
			continue;
		gt_format(out + n, GT_SCOPE_TEXT - n, "%s%s", n ? "," : "",
		          scopes[i].name);
		n = strlen(out);
	}
	assert(n + 1 < GT_SCOPE_TEXT);
}

json_t *gt_scope_list(unsigned set)
{
	json_t *list = json_array();
	for (int i = 0; i < ROWS; i++)
		if (is_said(set, i) &&
		    json_array_append_new(list, json_string(scopes[i].name)) !=
		            0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

bool gt_scope_from_list(unsigned *out, const json_t *list)
{
	size_t n = json_array_size(list);
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(list, i));
		int row = name ? row_of(name, strlen(name), false) : -1;
		if (row < 0)
			return false;
		*out |= set_of(row);
	}
	return n > 0;
}

const char *gt_scope_name(unsigned set)
{
	for (int i = 0; i < ROWS - 1; i++)
		if (set & scopes[i].bit)
			return scopes[i].name;
	return scopes[ROWS - 1].name;
}

const char *gt_scope_role(unsigned set)
{
	for (int i = 0; i < ROLES; i++)
		if (roles[i].set == set)
			return roles[i].name;
	return "custom";
}

bool gt_scope_of_role(unsigned *out, const char *role)
{
	for (int i = 0; i < ROLES; i++)
		if (strcmp(roles[i].name, role) == 0) {
			*out = roles[i].set;
			return true;
		}
	return false;
}
