/* pages.h: a list of the daemon that comes in pages, one after the other.
 * Tests: e2e/test_house.py. */
#ifndef GT_PAGES_H
#define GT_PAGES_H

#include "cli.h"
#include "term.h"

enum { GT_PAGES_PATH = 4096 };

struct gt_pages {
	struct gt_cli *cli;
	struct gt_client *client;
	const char *list;         /* the array's name in an answer */
	char path[GT_PAGES_PATH]; /* with everything but after and limit */
	uint64_t after, left;     /* rows still wanted */
	bool over;
};

/* Takes --limit and --after. False: said what is wrong with them. */
bool gt_pages_begin(struct gt_pages *p, const struct gt_args *args);
/* The next page's rows, owned by the caller; NULL: no more, or *code. */
json_t *gt_pages_next(struct gt_pages *p, enum gt_exit *code);
/* Every row, under the list's name, as one object of JSON. */
enum gt_exit gt_pages_json(struct gt_pages *p);
/* Adds one row to a table. False: no memory. */
typedef bool gt_pages_row(struct gt_table *t, json_t *row);
/* Every row, as a table; `none` is said when there is none. Frees t, which may
 * be NULL: no memory. */
enum gt_exit gt_pages_table(struct gt_pages *p, struct gt_table *t,
                            gt_pages_row *add, enum gt_text none);
/* A row's member as text: numbers and truths are written out, in out. */
const char *gt_pages_cell(const json_t *row, const char *name, char out[32]);

#endif
