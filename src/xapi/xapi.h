/* xapi.h: is this JSON a statement? One table of what xAPI 1.0.3 and 2.0.0 say
 * (xapi_table.c).
 *
 * Refused: properties the specification does not know, values of another type,
 * null outside extensions, missing properties, anything but exactly one (at
 * most one, for a group) identifier of an actor, and every string that must
 * have a form (UUID, IRI, language tag, time, duration, mailto:, hexadecimal
 * digest) and has not. The version that judges is the request's, whatever the
 * body says: under 1.0 contextAgents, contextGroups and a version 2.0 are
 * refused. Taken, since terminals send it: a time without offset, a score whose
 * max is its min. Not asked: whether an attachment's bytes are at hand.
 *
 * Tests: u_statement.c, u_form.c, fuzz/f_statement.c. */
#ifndef GT_XAPI_H
#define GT_XAPI_H

#include "json_tree.h"

/* What judges: the version a request names in its header. */
enum gt_xapi_version {
	GT_XAPI_ANY, /* whatever one of them allows: what was taken before */
	GT_XAPI_1,   /* 1.0.3 */
	GT_XAPI_2,   /* 2.0.0 */
};

/* Is it a statement? place is where it stands, "statements[3]", or "". 0;
 * -GT_EINVALID, and why names the path and what is wrong,
 * "statements[3].context.registration: not a UUID; write it as ...";
 * -GT_ENOMEM, the arena is short. */
int gt_xapi_check(const struct gt_json_node *statement,
                  enum gt_xapi_version version, struct gt_arena *arena,
                  const char *place, char *why, size_t why_cap);

/* What may be asked of JSON that is no statement. */
enum gt_xapi_kind {
	GT_XAPI_AUTHORITY, /* an agent, or a group of two, by itself */
	GT_XAPI_AGENT,     /* an agent: of State, profiles, Agents */
	GT_XAPI_ACTOR,     /* an agent or a group that has an identifier: of a
	                      question for statements */
};

/* Is this text one? 0; -GT_EINVALID, and why says what is wrong, "account.name:
 * is missing"; -GT_ENOMEM. */
int gt_xapi_check_text(struct gt_bytes json, enum gt_xapi_kind kind,
                       enum gt_xapi_version version, char *why, size_t why_cap);

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", either case. */
bool gt_xapi_is_uuid(const char *text);
/* An absolute IRI: a scheme, a colon, something, none of the characters RFC
 * 3987 keeps out. */
bool gt_xapi_is_iri(const char *text);
/* Shaped like a BCP 47 tag. */
bool gt_xapi_is_language(const char *text);
/* "mailto:" and an address, by its '@'. */
bool gt_xapi_is_mailto(const char *text);
/* 40 hexadecimal digits. */
bool gt_xapi_is_sha1(const char *text);
/* Hexadecimal, as long as one of SHA-224, -256, -384, -512. */
bool gt_xapi_is_sha2(const char *text);
/* type/subtype, perhaps with parameters, which are not looked at. */
bool gt_xapi_is_media_type(const char *text);
/* 1.0, 1.0.x, 2.0, 2.0.x; of them the first two */
bool gt_xapi_is_version(const char *text);
bool gt_xapi_is_version_1(const char *text);
/* One of the ten words of xAPI, as "choice". */
bool gt_xapi_is_interaction(const char *text);
/* A date and a time as gt_iso_parse takes them. */
bool gt_xapi_is_time(const char *text);

#endif
