/* text.h: every sentence a person reads, in one place, in every language.
 *
 * texts.def holds rows TEXT(KEY, "English", "简体中文"); %-conversions must be
 * the same, in the same order, in both (a test says so).
 *
 * The room daemon/words/ holds all that people read and write as text: texts
 * and their tables (*.def), sentences with values (say.h), what the core says
 * in the reader's language (translate.h), sizes and times (measure.h), what was
 * meant by a slip (nearest.h). It uses src/base alone, keeps no state but the
 * process's language, and opens no file. Every other room of the daemon may use
 * it; none writes a sentence for people of its own.
 * Tests: u_translate.c. */
#ifndef GT_TEXT_H
#define GT_TEXT_H

#include <stdbool.h>

enum gt_text {
#define TEXT(key, en, zh) GT_T_##key,
#include "texts.def"
#undef TEXT
	GT_T_COUNT
};

/* Sets the process's language, before threads start: "zh-CN", "zh_CN.UTF-8",
 * "zh" → Chinese; all else English. */
void gt_text_language(const char *tag);
/* The same by the environment: LC_ALL, LC_MESSAGES, LANG or GUANTONG_LANG, the
 * last first. */
void gt_text_language_from_env(void);
/* Whether texts of tag are Chinese; NULL: the process's. */
bool gt_text_chinese(const char *tag);
/* The text of key in the process's language. Static. */
const char *gt_text(enum gt_text key);
/* The same in the language of tag, for a page whose reader's language differs
 * from the process's; NULL: the process's. */
const char *gt_text_in(const char *tag, enum gt_text key);

#endif
