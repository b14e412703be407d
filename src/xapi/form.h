/* form.h: when are two statements the same? When their reduced forms are.
 *
 * xAPI lets a statement come back changed in ways that mean nothing. The form
 * is what is left without them; its hash is SHA-256 over its RFC 8785 bytes:
 *
 *   dropped     id, stored, authority, version (an LRS may assign or change
 *               them); activity definitions; verb display; objectType where it
 *               says the default ("Agent" for an actor, "Activity" otherwise)
 *   rewritten   timestamp: to UTC, fraction without trailing zeros, at most
 *               nine digits; one context activity: to a list of one
 *   sorted      members of groups, by their own RFC 8785 bytes
 *   lower case  UUIDs, mbox_sha1sum, sha2, context.language
 *
 * Kept, so that a difference in it makes another form: a timestamp of the body
 * (one copy with and one without are two forms; whether it is the one that an
 * LRS gave the other, gt_statement_twins says), durations as strings, mbox and every IRI as text,
 * names of actors, the order of attachments and context activities, extensions
 * (but a number is a number: 1, 1.0 and 1e0 are the same).
 *
 * Tests: u_statement.c; the vectors of u_vectors.c fix it. */
#ifndef GT_FORM_H
#define GT_FORM_H

#include <jansson.h>

#include "json.h"

/* Changes a valid statement into its reduced form. 0, -GT_ENOMEM. */
int gt_form_reduce(json_t *statement);

/* Reduces the statement and hashes it; scratch is reused. 0, -GT_ENOMEM,
 * -GT_ELIMIT. */
int gt_form_hash(struct gt_id *out, json_t *statement,
                 struct gt_buffer *scratch);

#endif
