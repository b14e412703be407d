/* document.h: documents that courses keep: where a learner is in an activity,
 * what is known of a learner, of an activity.
 *
 * A document is bytes of some type under a key. The learner in the key is
 * *canonical*: one learner is one text, however the agent was written. Of an
 * identifier that is
 *
 *   mbox           the SHA-1 of it, the host in small letters: an agent that is
 *                  known by his mbox_sha1sum is the same
 *   mbox_sha1sum   its digits in small letters
 *   openid         scheme and host in small letters
 *   account        home page, scheme and host in small letters, and name
 *
 * A group that something identifies is another one than an agent of the same
 * identifier. Pure, like all of the room (statement.h).
 * Tests: u_document.c, fuzz/f_document.c. */
#ifndef GT_DOCUMENT_H
#define GT_DOCUMENT_H

#include "base.h"
#include "buffer.h"

enum gt_document_kind {
	GT_DOCUMENT_STATE = 1,    /* of a learner in an activity */
	GT_DOCUMENT_AGENT = 2,    /* profile of a learner */
	GT_DOCUMENT_ACTIVITY = 3, /* profile of an activity */
};

/* Texts are borrowed, and none is NULL but id. */
struct gt_document_key {
	enum gt_document_kind kind;
	const char *activity;     /* IRI; "": of an agent's profile */
	const char *agent;        /* canonical; "": of an activity's profile */
	const char *registration; /* UUID in small letters; "": none */
	const char *id;           /* NULL: each there is */
};

enum gt_document_verb {
	GT_DOCUMENT_PUT,
	GT_DOCUMENT_POST,   /* merged with what is there */
	GT_DOCUMENT_DELETE, /* one, or without an id all states of the key;
	                       without a registration of each */
};

/* Whether what is there may be replaced by who says nothing of it. */
enum gt_document_guard {
	GT_GUARD_NONE,   /* it may */
	GT_GUARD_THERE,  /* where something is there he has to (xAPI 2.0) */
	GT_GUARD_ALWAYS, /* he has to anyway (xAPI 1.0.3, of profiles) */
};

/* What a terminal asks for. Borrowed. */
struct gt_document_edit {
	struct gt_document_key key;
	enum gt_document_verb verb;
	enum gt_document_guard guard;
	const char *actor;                  /* the agent as it came; "" */
	const char *type;                   /* of the body */
	const char *if_match, *if_no_match; /* headers; NULL: none */
	struct gt_bytes body;
};

enum { GT_ETAG_TEXT = 2 * GT_SHA1_BYTES + 3 };

/* Puts the canonical form of an agent, JSON as it came, behind what out holds.
 * 0; -GT_EINVALID (it is none that one identifier names), with why;
 * -GT_ELIMIT, -GT_ENOMEM. */
int gt_document_agent(struct gt_buffer *out, struct gt_bytes json, char *why,
                      size_t why_cap);
/* Why no document can have that key, a sentence; NULL: it can. */
const char *gt_document_unfit(const struct gt_document_key *key);
/* What all documents of one owner have in their key, the learner or else the
 * activity: whose share of the room they take. */
const char *gt_document_owner(const struct gt_document_key *key);

/* "<sha1>", quoted, of a body. */
void gt_document_etag(char out[GT_ETAG_TEXT], struct gt_bytes body);
/* Whether a header, If-Match or If-None-Match, names the etag; NULL: there is
 * no document. "*" names any there is. Quotes may lack, as some clients have
 * it, and a weak tag counts: what it is made of is all of the body. */
bool gt_document_named(const char *header, const char *etag);
/* May the edit be done where the document there has that etag (NULL: there is
 * none)? 0; -GT_ESTALE, a precondition fails; -GT_ECONFLICT, one is missing;
 * -GT_EINVALID, one is missing, though nothing is there. why says which. */
int gt_document_may(const struct gt_document_edit *e, const char *etag,
                    char *why, size_t why_cap);

/* Whether a media type is JSON's, whatever its parameters. */
bool gt_document_is_json(const char *type);
/* The body is one JSON object, as what is merged has to be. 0, -GT_EINVALID
 * with why, -GT_ENOMEM. */
int gt_document_object(struct gt_bytes body, char *why, size_t why_cap);
/* Puts a JSON object into out: the members of `there`, byte for byte, each that
 * `more` has too with the value it has there, and behind them what `more` has
 * beside. One level deep. 0; -GT_EINVALID with why: one of them is no such
 * object; -GT_ELIMIT: it comes to more than GT_DOCUMENT_MAX; -GT_ENOMEM. */
int gt_document_merge(struct gt_buffer *out, struct gt_bytes there,
                      struct gt_bytes more, char *why, size_t why_cap);

#endif
