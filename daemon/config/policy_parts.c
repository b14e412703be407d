/* policy_parts.c: what all rules of a policy file have in common.
 * Tests: u_config.c. */
#include <string.h>

#include "code.h"
#include "config_inside.h"

void *gt_reading_get(struct gt_reading *r, size_t n)
{
	void *p = gt_arena_get(r->yaml.arena, n ? n : 1);
	if (!p)
		r->yaml.no_memory = true;
	else
		memset(p, 0, n);
	return p;
}

void gt_reading_complain(struct gt_reading *r, const struct gt_yaml_node *n,
                         enum gt_text what, const char *a)
{
	gt_yaml_complain(&r->yaml, n, NULL, what, a, NULL);
}

/* An array of n pointers, as protobuf-c's repeated fields are. */
void *gt_reading_pointers(struct gt_reading *r, size_t n)
{
	return gt_reading_get(r, n * sizeof(void *));
}

/* protobuf-c wants char *, and never writes to it. */
char *gt_reading_text(struct gt_reading *r, const struct gt_yaml_node *n)
{
	char *copy;
	if (n->kind != GT_YAML_SCALAR) {
		gt_reading_complain(r, n, GT_T_YAML_NOT_SCALAR, NULL);
		return NULL;
	}
	copy = gt_arena_str(r->yaml.arena, n->text);
	r->yaml.no_memory |= !copy;
	return copy;
}

bool gt_reading_glob(const char *s)
{
	return strpbrk(s, "*?") != NULL;
}

/* The map has this key, or a complaint says that it lacks it. */
const struct gt_yaml_node *gt_reading_need(struct gt_reading *r,
                                           const struct gt_yaml_node *map,
                                           const char *key)
{
	const struct gt_yaml_node *n = gt_yaml_get(map, key);
	if (!n)
		gt_yaml_complain(&r->yaml, map, key, GT_T_CONF_MISSING, NULL,
		                 NULL);
	return n;
}

bool gt_reading_keys(struct gt_reading *r, const struct gt_yaml_node *map,
                     const char *const *known, size_t n)
{
	size_t errors = r->yaml.errors;
	for (const struct gt_yaml_node *k = map->first; k; k = k->next) {
		size_t i = 0;
		while (i < n && strcmp(known[i], k->key) != 0)
			i++;
		if (i == n)
			gt_yaml_unknown_key(&r->yaml, k, known, n);
	}
	return r->yaml.errors == errors;
}

/* A region begins with a digit or is a glob; all else should be a level. */
static void read_receiver(struct gt_reading *r, struct gt_reading_receivers *to,
                          const struct gt_yaml_node *n)
{
	char *text = gt_reading_text(r, n);
	if (!text)
		return;
	if (gt_reading_glob(text) || (text[0] >= '0' && text[0] <= '9')) {
		if (strlen(text) > GT_CODE_MAX)
			gt_reading_complain(r, n, GT_T_CONF_LONG, "48");
		else if (!gt_reading_glob(text) && !gt_code_valid(text))
			gt_reading_complain(r, n, GT_T_CONF_BAD_CODE, text);
		to->regions[to->nregions++] = text;
	} else if (gt_level_depth(text) >= 0) {
		to->levels[to->nlevels++] = text;
	} else {
		gt_yaml_unknown_word(&r->yaml, n, GT_T_POLICY_LEVEL_NEAR,
		                     GT_T_POLICY_LEVEL, r->levels,
		                     GT_READING_LEVELS);
	}
}

struct gt_reading_receivers gt_reading_to(struct gt_reading *r,
                                          const struct gt_yaml_node *n)
{
	struct gt_reading_receivers to = {0};
	bool list = n->kind == GT_YAML_LIST;
	size_t count = list ? n->count : 1;
	/* to nobody would be to everybody on the wire */
	if (count == 0 || n->kind == GT_YAML_MAP || gt_yaml_is_null(n)) {
		gt_reading_complain(r, n, GT_T_POLICY_NO_RECEIVER, NULL);
		return to;
	}
	to.levels = gt_reading_pointers(r, count);
	to.regions = gt_reading_pointers(r, count);
	const struct gt_yaml_node *item = list ? n->first : n;
	for (; to.levels && to.regions && item; item = list ? item->next : NULL)
		read_receiver(r, &to, item);
	return to;
}

char *gt_reading_name(struct gt_reading *r, const struct gt_yaml_node *n)
{
	char *text = gt_reading_text(r, n);
	if (!text)
		return gt_lend("");
	if (!text[0])
		gt_reading_complain(r, n, GT_T_CONF_EMPTY, NULL);
	else if (strlen(text) > GT_RULE_NAME_MAX)
		gt_reading_complain(r, n, GT_T_CONF_LONG, "64");
	return text;
}

void gt_reading_when(struct gt_reading *r, const struct gt_yaml_node *when,
                     void (*take)(struct gt_reading *r, void *arg,
                                  const struct gt_yaml_node *map),
                     void *arg)
{
	bool list = when->kind == GT_YAML_LIST;
	const struct gt_yaml_node *map = list ? when->first : when;
	for (; map; map = list ? map->next : NULL)
		if (map->kind == GT_YAML_MAP)
			take(r, arg, map);
		else
			gt_reading_complain(r, map, GT_T_YAML_NOT_MAP, NULL);
}
