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
 * (one copy with and one without are two forms), durations as strings, mbox and
 * every IRI as text, names of actors, the order of attachments and context
 * activities, extensions (but a number is a number: 1, 1.0 and 1e0 are the
 * same).
 *
 * The hash travels with a record, and every program there ever was works out
 * the same one; what xAPI says beyond it is the same makes no other form, but is
 * looked at where two of one id meet (gt_statement_twins): the *likeness* of a
 * statement is its form with
 *
 *   lower case  language tags in maps
 *   rewritten   durations: cut to hundredths (1.0.3 part two, 4.6)
 *   put in      the timestamp that an LRS gave, where it brought none
 *
 * The table of xapi_table.h says which is which.
 *
 * Tests: u_form.c, u_statement.c; the vectors of u_vectors.c fix it. */
#ifndef GT_FORM_H
#define GT_FORM_H

#include "json_tree.h"

/* The hash of a valid statement's form; its bytes lie in scratch, which is
 * emptied before. 0, -GT_ENOMEM. */
int gt_form_hash(struct gt_id *out, const struct gt_json_node *statement,
                 struct gt_arena *arena, struct gt_buffer *scratch);

/* The hash of its likeness; given: the timestamp it gets if it has none, NULL:
 * none. Of what is no statement it is a hash too. 0, -GT_ENOMEM. */
int gt_form_like(struct gt_id *out, const struct gt_json_node *statement,
                 const char *given, struct gt_arena *arena,
                 struct gt_buffer *scratch);

#endif
