/* draft.h: what is to be published, as people write it: options of a command,
 * a YAML file, lines of JSON. All become the JSON of POST /admin/publish. */
#ifndef GT_DRAFT_H
#define GT_DRAFT_H

#include <jansson.h>
#include <stdio.h>

#include "args.h"
#include "flaws.h"

/* Takes a draft's value of a key in any of the forms people use: title and
 * description as text (in `lang`) or {lang: text}; lists as lists or one text;
 * "path" and "content" name the files and are kept as "path". False: said on
 * err, behind `where`, what is wrong. */
bool gt_draft_set(json_t *draft, const char *key, json_t *value,
                  const char *lang, const char *where, FILE *err);
/* All of an object's keys. */
bool gt_draft_take(json_t *draft, json_t *object, const char *lang,
                   const char *where, FILE *err);
/* The options of `publish` that describe. */
bool gt_draft_options(json_t *draft, const struct gt_args *args,
                      const char *lang, FILE *err);
/* The first of those options that was given; *key: what it is called in a file.
 * NULL: none was. */
const char *gt_draft_option_given(const struct gt_args *args, const char **key);
/* What a file holds, in its order. */
struct gt_drafts {
	json_t *v; /* an array; null for what cannot be read at all */
	struct gt_draft_at {
		int line, column; /* where each began */
	} * at;
};
/* Reads a YAML file (name ends in .yaml or .yml: a draft, or a map with a list
 * "resources") or lines of JSON; what they say is looked at later (gt_draft_take).
 * A file without any is said on err too.
 * Lines that are no JSON are flaws, by their places in v; where the file itself
 * cannot be read, or is not YAML, it is said on err. Free in any case. */
enum gt_exit gt_draft_read(struct gt_drafts *out, const char *path,
                           const char *lang, struct gt_flaws *flaws, FILE *err);
/* Frees what was read; *d is empty then. */
void gt_drafts_free(struct gt_drafts *d);
/* id and title are there, no title blank; a slug alone becomes "<code>/<slug>". False: said what
 * is wrong, all of it. */
bool gt_draft_check(json_t *draft, const char *code, const char *where,
                    FILE *err);

#endif
