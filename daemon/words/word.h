/* word.h: the word that people read for a word of programs, by words.def.
 *
 * In JSON, in the database and behind options things go by words of English:
 * "mirror", "complete", "judge". A page shows its own word for each, in either
 * language; the command line shows the program's where it speaks English, for
 * scripts read that, and the pages' where it speaks Chinese. */
#ifndef GT_WORD_H
#define GT_WORD_H

#include <stdbool.h>
#include <stddef.h>

/* A page's word for it, in the language of lang (as gt_text_in); the word itself
 * if it is none of the table. */
const char *gt_word_in(const char *lang, const char *word);
/* What the command line shows for it, in the process's language; names of errors
 * (src/base/error.h) are known too. "" for NULL. */
const char *gt_word(const char *word);
/* Of the n known words the one that this is the Chinese of; NULL: of none. */
const char *gt_word_meant(const char *chinese, const char *const *known,
                          size_t n);

/* The usual types, audiences and subjects, each list ended by NULL. A
 * publisher may have words of its own besides. */
extern const char *const gt_word_types[], *const gt_word_audiences[],
                                                  *const gt_word_subjects[];
/* It is one of the list. */
bool gt_word_usual(const char *word, const char *const *known);
/* The word of the list that this was meant to be: the one it is the Chinese of,
 * or else the one it is a slip of the hand for. NULL: it is one of them, a word
 * of one's own, or a pattern. */
const char *gt_word_slip(const char *word, const char *const *known);

#endif
