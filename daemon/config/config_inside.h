/* config_inside.h: what the files that read a policy share. */
#ifndef GT_CONFIG_INSIDE_H
#define GT_CONFIG_INSIDE_H

#include "config.h"
#include "demand.h"
#include "yaml.h"

enum {
	GT_READING_FIELDS = 12,
	GT_READING_VERDICTS = 4,
	GT_READING_LEVELS = 5,
};

/* A policy file being read, and the words its slips are compared with. */
struct gt_reading {
	struct gt_yaml yaml;
	const char *fields[GT_READING_FIELDS];
	const char *verdicts[GT_READING_VERDICTS];
	const char *levels[GT_READING_LEVELS];
	bool strict; /* a slip in a free word is an error */
};

/* Whom a rule is for: arrays as protobuf-c's repeated fields are. */
struct gt_reading_receivers {
	char **levels, **regions;
	size_t nlevels, nregions;
};

/* n zeroed bytes of the reading's arena; NULL, and no_memory is set. */
void *gt_reading_get(struct gt_reading *r, size_t n);
/* An array of n pointers, as protobuf-c's repeated fields are. */
void *gt_reading_pointers(struct gt_reading *r, size_t n);
/* A mistake at that place of the file. */
void gt_reading_complain(struct gt_reading *r, const struct gt_yaml_node *n,
                         enum gt_text what, const char *a);
/* A scalar's text, copied; NULL: it is none, which is said. */
char *gt_reading_text(struct gt_reading *r, const struct gt_yaml_node *n);
/* The text holds * or ?. */
bool gt_reading_glob(const char *s);
/* The map has this key, or a complaint says that it lacks it, and NULL. */
const struct gt_yaml_node *gt_reading_need(struct gt_reading *r,
                                           const struct gt_yaml_node *map,
                                           const char *key);
/* All keys of the map are among n known ones; else it is said, and false. */
bool gt_reading_keys(struct gt_reading *r, const struct gt_yaml_node *map,
                     const char *const *known, size_t n);
/* The conditions of a rule, one map or a list of maps (for two on one thing): each
 * map is given to `take` with arg; what is none is complained of. */
void gt_reading_when(struct gt_reading *r, const struct gt_yaml_node *when,
                     void (*take)(struct gt_reading *r, void *arg,
                                  const struct gt_yaml_node *map),
                     void *arg);
/* A rule's receivers, levels and regions apart; what is wrong is said. */
struct gt_reading_receivers gt_reading_to(struct gt_reading *r,
                                          const struct gt_yaml_node *n);
/* A rule's name, never NULL; what is wrong with it is said. */
char *gt_reading_name(struct gt_reading *r, const struct gt_yaml_node *n);
/* The rules for records, in policy_demands.c, into the layer. */
void gt_reading_demands(struct gt_reading *r, Gt__Layer *layer,
                        const struct gt_yaml_node *n);

#endif
