/* yaml_tree.c: looking for a key in what a YAML file holds.
 * Tests: u_config.c. */
#include "yaml.h"

#include <string.h>

const struct gt_yaml_node *gt_yaml_get(const struct gt_yaml_node *map,
                                       const char *key)
{
	if (map->kind != GT_YAML_MAP)
		return NULL;
	for (const struct gt_yaml_node *n = map->first; n; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

bool gt_yaml_is_null(const struct gt_yaml_node *n)
{
	return n->kind == GT_YAML_SCALAR && n->plain &&
	       (n->text[0] == '\0' || strcmp(n->text, "~") == 0 ||
	        strcmp(n->text, "null") == 0);
}
