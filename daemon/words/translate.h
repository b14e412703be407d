/* translate.h: what the core says, in the reader's language.
 *
 * The core, and what of daemon/ speaks to it (links, the object store), speaks
 * English only: its sentences stand in the database and in audit rows, go over
 * the wire and into --json, where programs compare them. Whoever shows one to a
 * person translates it here.
 *
 * texts_core.def holds the sentences as they stand in the source, with their
 * conversions, and what libraries say in them; tests/layers/sentences.py holds
 * it to the source. Of the rows a sentence fits, the one that says most before
 * its first conversion counts, then the one that says most in all. A %s takes
 * as little as it can, and what is in quotes whole. What it stood for is
 * translated too, unless it is a single word: ids, codes and names are left
 * alone. A sentence no row fits is translated from behind its first ": " on, so
 * that a place may stand before it ("actor.mbox: is missing"). */
#ifndef GT_TRANSLATE_H
#define GT_TRANSLATE_H

enum {
	GT_TRANSLATE_MAX = 2048, /* bytes of a translation, NUL included */
	GT_TRANSLATE_DEPTH = 6,  /* sentences within sentences */
};

/* The sentence in the language of tag (as gt_text_in; NULL: the process's). It
 * is out that is returned, or sentence itself: in English, when nothing in it
 * is known, or when the translation has no room. The sentence may be hostile;
 * bytes of it that are not translated come out as they are, control characters
 * too. Any thread. */
const char *gt_translate(char out[GT_TRANSLATE_MAX], const char *tag,
                         const char *sentence);
/* The text of a code, gt_strerror, in the process's language. */
const char *gt_translate_error(int code);
/* What a library says, in the language of tag; where that is not known, a
 * sentence of ours with the library's word in brackets. Any thread. */
const char *gt_translate_library(char out[GT_TRANSLATE_MAX], const char *tag,
                                 const char *word);
/* The text of an errno, strerror, in the process's language, as of a library;
 * not to be kept: until the same thread asks again. */
const char *gt_translate_errno(int error);

#endif
