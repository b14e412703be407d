/* fit.h: whether what is to be published can be: asked of every entry before a
 * byte of the first is packed, so that nobody hears of a slip after an hour.
 * Tests: e2e/test_publish.py, e2e/test_newcomer.py. */
#ifndef GT_FIT_H
#define GT_FIT_H

#include "cli.h"
#include "draft.h"
#include "flaws.h"
#include "walk.h"

enum { GT_FIT_PATH = 4096, GT_FIT_WHERE = 4608 };

struct gt_fit {
	struct gt_cli *cli;
	struct gt_client *client;
	const char *code;         /* the node's */
	const char *file;         /* of a batch; NULL: one resource by itself */
	char base[GT_FIT_PATH];   /* where a batch's paths lead from, and what
	                             none of them leaves; "": here */
	bool bare;                /* no files are meant: somebody said so */
	struct gt_drafts *drafts; /* as they were read, then as they are to be
	                             published */
	struct gt_flaws flaws;    /* of reading them */
};

/* Looks at all of them, tells all that is wrong, and gives the exit code of the
 * first that is. GT_EXIT_OK: each is as the node takes it, but for "path". */
enum gt_exit gt_fit_all(struct gt_fit *f);
/* The files of a draft, which has some. GT_EXIT_OK, or said on err, behind
 * `where`, why not; then there is nothing to clear. */
enum gt_exit gt_fit_files(const struct gt_fit *f, const json_t *draft,
                          const char *where, FILE *err, struct gt_walk *walk);
/* What an entry is called where somebody must mend it. */
void gt_fit_where(const struct gt_fit *f, size_t entry, char out[GT_FIT_WHERE]);
/* A draft as the daemon takes it, new: where its files are is not its business.
 * NULL: no memory. */
json_t *gt_fit_bare(json_t *draft);
/* The exit code for what the node says of a description: one that is wrong is
 * as wrong as one that is found to be here. */
enum gt_exit gt_fit_exit(int status);

#endif
