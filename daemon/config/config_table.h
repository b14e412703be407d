/* config_table.h: the one table of configuration keys. Private to config*.c.
 * Tests: u_config.c. */
#ifndef GT_CONFIG_TABLE_H
#define GT_CONFIG_TABLE_H

#include "config.h"
#include "text.h"

/* What a key's value is, and so the type of its field. */
enum gt_config_type {
	GT_CONFIG_CODE,      /* char[]: a division code */
	GT_CONFIG_TEXT,      /* char[] */
	GT_CONFIG_WORD,      /* char[]: one of choices */
	GT_CONFIG_LEVEL,     /* int: index into choices */
	GT_CONFIG_LISTEN,    /* char[]: host:port, port 0 allowed */
	GT_CONFIG_DOOR,      /* char[]: the same, or auto, or off */
	GT_CONFIG_ORIGIN,    /* char[]: http(s)://host[:port] */
	GT_CONFIG_ADDRESSES, /* char[][256] and a count beside it */
	GT_CONFIG_NAMES,     /* the same: host names, *.domain, * */
	GT_CONFIG_BOOL,      /* bool */
	GT_CONFIG_COUNT,     /* uint64_t */
	GT_CONFIG_SIZE,      /* uint64_t, bytes */
	GT_CONFIG_DURATION,  /* uint64_t, ms */
	GT_CONFIG_USERS,     /* struct gt_user[] and a count beside it */
	GT_CONFIG_CERTIFY,   /* struct gt_certify[] and a count beside it */
};

struct gt_config_row {
	const char *section, *key;
	size_t offset, cap;   /* of the field in struct gt_config */
	const char *fallback; /* as it would be written; NULL: required */
	uint64_t min, max;    /* of numbers; min 1 of text: not empty */
	const char *const *choices;
	size_t nchoices;
	enum gt_config_type type;
	enum gt_text doc;
};

struct gt_config_section {
	const char *name;
	enum gt_text doc;
};

enum { GT_CONFIG_ROWS = 49, GT_CONFIG_SECTIONS = 9 };
extern const struct gt_config_row gt_config_rows[GT_CONFIG_ROWS];
extern const struct gt_config_section gt_config_sections[GT_CONFIG_SECTIONS];

#endif
