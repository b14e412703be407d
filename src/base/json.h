/* json.h: what jansson does not do: numbers and strings as RFC 8785 writes them,
 * and the bounds of a value within its text so that a slice can be kept byte for
 * byte. Whole trees of strangers' texts are json_tree.h's.
 *
 * Tests: u_json.c, u_json_tree.c. */
#ifndef GT_JSON_H
#define GT_JSON_H

#include <jansson.h>

#include "buffer.h"

/* How a hostile text is read: a name twice is refused, and every number is the
 * double ECMAScript would see, which RFC 8785 builds on. */
#define GT_JSON_STRICT (JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL)

/* The text without the byte order mark that some programs put before it. */
struct gt_bytes gt_json_unmarked(struct gt_bytes text);
/* From now on memory that jansson does not get is noticed: it goes on without a
 * byte of the token it is reading, and may give another value than was written,
 * or call it no JSON. To be called before anything of jansson's is. */
void gt_json_watch(void);
/* json_loadb, for everything that is read. NULL with no text in *error (NULL is
 * fine): memory was short. */
json_t *gt_json_load(struct gt_bytes text, size_t flags, json_error_t *error);
/* What jansson found wrong with a text, in our words. */
const char *gt_json_flaw(const json_error_t *error);

/* A string's text, "" when it is none (NULL too). Lives as long as v. */
const char *gt_json_string(const json_t *v);
/* The same of an object's member. Lives as long as object. */
const char *gt_json_member(const json_t *object, const char *key);

/* Appends the string in quotes, escaped as RFC 8785 has it. */
void gt_json_put_string(struct gt_buffer *o, const char *s, size_t n);

enum { GT_JSON_NUMBER_CHARS = 32 };
/* ECMAScript Number::toString: the fewest digits that read back as d. d must be
 * finite. Returns the length. */
size_t gt_json_number(char out[GT_JSON_NUMBER_CHARS], double d);

/* A number as JSON writes it, n bytes of text: does it lie within a double? */
bool gt_json_number_fits(const char *text, size_t n);
/* The double nearest to one that fits. */
double gt_json_number_value(const char *text, size_t n);
/* Appends one that fits as gt_json_number writes it. */
void gt_json_put_number(struct gt_buffer *o, const char *text, size_t n);

/* Appends RFC 8785 bytes of what jansson holds. 0, -GT_ENOMEM, -GT_ELIMIT (deeper
 * than GT_JSON_DEPTH). */
int gt_json_canon(struct gt_buffer *o, const json_t *v);

/* A value's members or elements by their place in the text. Bounds only: what
 * lies within a slice is for jansson to judge. Refuses what nests deeper than
 * GT_JSON_DEPTH. */
struct gt_json_iter {
	struct gt_bytes in;
	size_t at;
	char close; /* ']' or '}' */
	bool begun;
};

/* '[' or '{' when in is one (space around it allowed), else 0. */
char gt_json_open(struct gt_json_iter *it, struct gt_bytes in);
/* 1 with the next element; key is the quoted name in an object, empty in an
 * array. 0 at the end, when nothing but space follows. -GT_EMALFORMED. */
int gt_json_next(struct gt_json_iter *it, struct gt_bytes *key,
                 struct gt_bytes *value);
/* The value alone, without the space around it. False: not exactly one. */
bool gt_json_trim(struct gt_bytes *in);
/* Offset of the first byte at or after `at` that is not space. */
size_t gt_json_space(struct gt_bytes in, size_t at);

#endif
