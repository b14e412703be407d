#include "word.h"

#include <string.h>

#include "error.h"
#include "nearest.h"
#include "text.h"

static const struct row {
	const char *word;
	enum gt_text text;
} rows[] = {
#define WORD(word, text) {word, GT_T_##text},
#include "words.def"
#undef WORD
};

static const struct row *find(const char *word)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(word, rows[i].word) == 0)
			return &rows[i];
	return NULL;
}

const char *gt_word_in(const char *lang, const char *word)
{
	const struct row *r = find(word);
	return r ? gt_text_in(lang, r->text) : word;
}

/* What people read for the name of an error; the name if it is none. */
static const char *error_word(const char *name)
{
#define X(known, number, en, zh)       \
	if (strcmp(name, #known) == 0) \
		return zh;
	GT_ERRORS(X)
#undef X
	return name;
}

const char *gt_word(const char *word)
{
	if (!word || !gt_text_chinese(NULL))
		return word ? word : "";
	return find(word) ? gt_word_in(NULL, word) : error_word(word);
}

const char *gt_word_meant(const char *chinese, const char *const *known,
                          size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (find(known[i]) &&
		    strcmp(gt_word_in("zh", known[i]), chinese) == 0)
			return known[i];
	return NULL;
}

/* --------------------------------------------------- vocabularies */

const char *const gt_word_types[] = {"course",       "lecture",  "video",
                                     "case",         "document", "package",
                                     "announcement", NULL};
const char *const gt_word_audiences[] = {
        "everyone",       "elderly",         "educators", "employees",
        "rural-teachers", "migrant-workers", "staff",     NULL};
const char *const gt_word_subjects[] = {"lifelong-learning",
                                        "digital-technology",
                                        "artificial-intelligence",
                                        "vocational-training",
                                        "rural-revitalisation",
                                        "higher-education",
                                        "teaching",
                                        "languages",
                                        "energy",
                                        NULL};

bool gt_word_usual(const char *word, const char *const *known)
{
	for (; *known; known++)
		if (strcmp(word, *known) == 0)
			return true;
	return false;
}

const char *gt_word_slip(const char *word, const char *const *known)
{
	size_t n = 0;
	if (strpbrk(word, "*?") || gt_word_usual(word, known))
		return NULL;
	while (known[n])
		n++;
	const char *meant = gt_word_meant(word, known, n);
	return meant ? meant : gt_nearest(word, known, n, GT_SLIPS_TYPED);
}
