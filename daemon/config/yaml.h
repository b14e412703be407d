/* yaml.h: a YAML document as a tree that knows where everything stood.
 *
 * Takes what a configuration needs and refuses the rest: one document, UTF-8,
 * no anchors, aliases, tags, control characters or repeated keys, and no more
 * than GT_YAML_… of anything. Scalars stay text: who reads them knows what they
 * should be, so `code: 330106` is never a number and `no` never a boolean.
 *
 * A complaint reads "file:line:column: path.to.key: what; try this"; an item of
 * a list is named by its `name`, else by its place counted from 1.
 * Tests: u_config.c. */
#ifndef GT_YAML_H
#define GT_YAML_H

#include "arena.h"
#include "config.h"
#include "text.h"

enum {
	GT_YAML_BYTES = 1 << 20,
	GT_YAML_NODES = 100000,
	GT_YAML_KEYS = 256, /* of one map */
	GT_YAML_DEPTH = 16,
	GT_YAML_COMPLAINTS = 50,
};

enum gt_yaml_kind { GT_YAML_SCALAR, GT_YAML_MAP, GT_YAML_LIST };

struct gt_yaml_node {
	enum gt_yaml_kind kind;
	bool plain;       /* a scalar without quotes */
	int line, column; /* from 1; column counts characters */
	const char *key;  /* in a map, else NULL */
	int key_line, key_column;
	const char *text; /* of a scalar */
	size_t count;     /* children */
	struct gt_yaml_node *first, *next, *parent;
};

struct gt_yaml {
	struct gt_arena *arena;
	struct gt_yaml_node *root; /* a map */
	const char *name, *lang;
	struct gt_complaints *complaints;
	size_t errors; /* complaints that are not warnings */
	bool no_memory;
};

/* Reads text into y, which borrows name, lang and complaints. Complains of
 * everything that is not as above or whose root is not a map. Free it in any
 * case. True: there is a tree. */
bool gt_yaml_parse(struct gt_yaml *y, const char *name, struct gt_bytes text,
                   const char *lang, struct gt_complaints *complaints);
/* Frees the tree, and with it every text that was in it. */
void gt_yaml_free(struct gt_yaml *y);
/* 0, -GT_EINVALID when there were errors, -GT_ENOMEM. */
int gt_yaml_status(const struct gt_yaml *y);

/* The value of a map's key, NULL: it has none. */
const struct gt_yaml_node *gt_yaml_get(const struct gt_yaml_node *map,
                                       const char *key);
/* Nothing was written: `key:`, `key: ~`. */
bool gt_yaml_is_null(const struct gt_yaml_node *node);

/* An error at a node, or, when key is given, at a key the map lacks. Up to two
 * %s of the text take a and b (NULL: unused). */
void gt_yaml_complain(struct gt_yaml *y, const struct gt_yaml_node *at,
                      const char *key, enum gt_text what, const char *a,
                      const char *b);
/* The same, but nothing that stops anyone. */
void gt_yaml_warn(struct gt_yaml *y, const struct gt_yaml_node *at,
                  enum gt_text what, const char *a, const char *b);
/* node stands under a key that is none of the known ones. */
void gt_yaml_unknown_key(struct gt_yaml *y, const struct gt_yaml_node *node,
                         const char *const *known, size_t n);
/* node's text is none of the known words; `what` is a text for when one is
 * near or it is the Chinese of one (word, that one), and `all` for when none is
 * (word, every word; in Chinese each with what people read for it). */
void gt_yaml_unknown_word(struct gt_yaml *y, const struct gt_yaml_node *node,
                          enum gt_text what, enum gt_text all,
                          const char *const *known, size_t n);

/* Adds a line, copied. False: out of memory. */
bool gt_complaints_add(struct gt_complaints *c, const char *line);

#endif
