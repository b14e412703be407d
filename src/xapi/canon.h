/* canon.h: one spelling for whatever names a person.
 *
 * An address or account may be written in capitals, percent-encoded, full
 * width, in a Unicode normal form or in Punycode, and any of these within
 * another. The canonical text is what is left when all are taken away: the same
 * for the same person, and what a search for a person compares with. Pure.
 *
 * Tests: u_canon.c. */
#ifndef GT_CANON_H
#define GT_CANON_H

#include <jansson.h>

#include "buffer.h"

/* Appends the canonical text of n bytes: percent-decoded, NFKC, case folded,
 * "xn--" labels in Unicode. Bytes that are no UTF-8 stay, ASCII in lower case;
 * a NUL becomes a space. 0, -GT_ENOMEM. */
int gt_canon_text(struct gt_buffer *out, const char *s, size_t n);
/* The same of an account's name or what stands for one: a telephone number's
 * digits alone, without China's 86. */
int gt_canon_name(struct gt_buffer *out, const char *s, size_t n);

/* What names somebody: a key that is the same for the same one, and the text a
 * search compares with. */
struct gt_canon {
	struct gt_buffer key, text;
	/* where in key the name of an account stands by itself, behind "n:" of
	 * `bare`; empty: it is no account */
	struct gt_buffer bare;
};

/* Of an agent or identified group; a mailbox and its mbox_sha1sum have one key
 * where it was made of the canonical spelling. Empty: nothing identifies it. 0,
 * -GT_ENOMEM. */
int gt_canon_agent(struct gt_canon *out, const json_t *agent);
/* The same as an operator writes it: "mailto:...", "sha1:HEX", "tel:...",
 * "openid:IRI", "HOMEPAGE|NAME", else the name of an account wherever it is. */
int gt_canon_written(struct gt_canon *out, const char *s, size_t n);
/* Empties it for another. */
void gt_canon_clear(struct gt_canon *c);
void gt_canon_free(struct gt_canon *c);

#endif
