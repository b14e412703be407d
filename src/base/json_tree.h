/* json_tree.h: JSON read once, into an arena, to be walked.
 *
 * Strict, as what judges strangers' texts must be: RFC 8259 to the letter, UTF-8
 * by RFC 3629, no name twice in an object, no number beyond a double, nothing
 * deeper than GT_JSON_DEPTH. A text may hold \u0000: its length says where it
 * ends. Numbers are kept as they were written.
 *
 * The tree of n bytes takes up to some 70 n, all of it gone with the arena; the
 * time is that of n log n, whatever the shape (tests/bench/b_shapes.c). */
#ifndef GT_JSON_TREE_H
#define GT_JSON_TREE_H

#include "arena.h"
#include "buffer.h"

enum gt_json_type {
	GT_JSON_NULL,
	GT_JSON_FALSE,
	GT_JSON_TRUE,
	GT_JSON_NUMBER,
	GT_JSON_STRING,
	GT_JSON_ARRAY,
	GT_JSON_OBJECT,
};

/* A value. Invariants: text ends with a NUL that n does not count, a number's
 * too is n bytes but ends with none; first, next: in the order of the text;
 * sorted: the n members by name, as RFC 8785 has it. */
struct gt_json_node {
	const char *key; /* its name in an object, with a NUL; else NULL */
	struct gt_json_node *next;
	union {
		const char *text; /* of a string, as it reads; of a number, as
		                     it was written */
		struct gt_json_node *first;
	};
	struct gt_json_node **sorted; /* of an object */
	uint32_t nkey;
	uint32_t n; /* bytes, members, elements */
	enum gt_json_type type;
};

/* What is wrong with a text, and at which byte. */
struct gt_json_fault {
	const char *what; /* a sentence, as of gt_json_flaw */
	size_t at;
};

/* Reads one value, with space around it. The tree lives as long as the arena;
 * text may go. 0 with *out; -GT_EMALFORMED with *fault; -GT_ENOMEM. */
int gt_json_tree(const struct gt_json_node **out, struct gt_arena *arena,
                 struct gt_bytes text, struct gt_json_fault *fault);

/* The member of that name; NULL: there is none, or v is no object, or NULL. */
const struct gt_json_node *gt_json_find(const struct gt_json_node *v,
                                        const char *name);
/* Is it (not NULL) this very string? */
bool gt_json_is(const struct gt_json_node *v, const char *text);
/* The text of a string up to the first NUL, "" when it is none (NULL too). */
const char *gt_json_text_of(const struct gt_json_node *v);
/* The double nearest to a number. */
double gt_json_double(const struct gt_json_node *v);

/* Appends RFC 8785 bytes of the value. What is wrong is the buffer's to say. */
void gt_json_put(struct gt_buffer *o, const struct gt_json_node *v);

#endif
