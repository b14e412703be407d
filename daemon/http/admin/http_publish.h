/* http_publish.h: what POST /admin/publish is given, as drafts for the node.
 * Tests: u_http_parse.c. */
#ifndef GT_HTTP_PUBLISH_H
#define GT_HTTP_PUBLISH_H

#include <jansson.h>

#include "arena.h"
#include "node.h"

/* One object, or an array of objects without content. Everything the drafts
 * point to is the arena's or the value's. Returns 0 with *n drafts, or
 * -GT_EINVALID, -GT_ELIMIT, -GT_ENOMEM with a sentence that names the key, in
 * lang. */
int gt_publish_parse(const json_t *value, const char *lang,
                     struct gt_arena *arena, struct gt_draft **drafts,
                     size_t *n, char *why, size_t why_cap);

#endif
