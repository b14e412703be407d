/* args.h: the words of a command line, read by a table of options.
 * Tests: u_cli.c, u_draft.c. */
#ifndef GT_ARGS_H
#define GT_ARGS_H

#include <stdio.h>

#include "base.h"
#include "text.h"

enum { GT_ARGS_MAX = 4096 };

struct gt_option {
	const char *name;  /* without the dashes; NULL ends a table */
	const char *value; /* what the value is called, NULL: takes none */
	enum gt_text about;
	char letter; /* 0: none */
};

struct gt_arg {
	const struct gt_option *option; /* NULL: a plain word */
	const char *value;              /* "" for an option without one */
};

struct gt_args {
	struct gt_arg *v; /* in the order given */
	size_t n;
};

/* Reads --name VALUE, --name=VALUE, -x VALUE, -xVALUE and -- (the rest are
 * words) by up to two tables; stop_at_word leaves the rest unread, in *used.
 * Values point into argv. False: said on err what is wrong, and for an unknown
 * option what may have been meant. Free in any case. */
bool gt_args_parse(struct gt_args *out, const struct gt_option *a,
                   const struct gt_option *b, int argc, char *const *argv,
                   bool stop_at_word, int *used, FILE *err);
/* Frees what gt_args_parse has filled; *args is empty then. */
void gt_args_free(struct gt_args *args);

/* Whether what must be text (all but files and folders; `words` is what the
 * usage line says of the plain ones) is UTF-8. False: said on err of the first
 * that is not, what it looks like, and what to do. */
bool gt_args_text(const struct gt_args *args, const char *words, FILE *err);
/* The same of one; `what` is its name, as "--title". */
bool gt_args_utf8(const char *what, const char *value, FILE *err);

/* The option's last value, NULL: it was not given. */
const char *gt_args_get(const struct gt_args *args, const char *name);
/* Its values in turn: *at begins at 0; NULL: no more. */
const char *gt_args_next(const struct gt_args *args, const char *name,
                         size_t *at);
/* The i-th plain word, NULL: there are fewer. */
const char *gt_args_word(const struct gt_args *args, size_t i);
/* How many plain words there are. */
size_t gt_args_words(const struct gt_args *args);

#endif
