#include "text.h"

#include <stdlib.h>
#include <string.h>

static const char *const english[] = {
#define TEXT(key, en, zh) en,
#include "texts.def"
#undef TEXT
};

static const char *const chinese[] = {
#define TEXT(key, en, zh) zh,
#include "texts.def"
#undef TEXT
};

static const char *const *table = english;

static const char *const *table_of(const char *tag)
{
	return tag && strncmp(tag, "zh", 2) == 0 ? chinese : english;
}

bool gt_text_chinese(const char *tag)
{
	return (tag ? table_of(tag) : table) == chinese;
}

void gt_text_language(const char *tag)
{
	table = table_of(tag);
}

void gt_text_language_from_env(void)
{
	static const char *const names[] = {"GUANTONG_LANG", "LC_ALL",
	                                    "LC_MESSAGES", "LANG"};
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		const char *tag = getenv(names[i]);
		if (tag && *tag) {
			gt_text_language(tag);
			return;
		}
	}
}

const char *gt_text(enum gt_text key)
{
	return table[key];
}

const char *gt_text_in(const char *tag, enum gt_text key)
{
	return (tag ? table_of(tag) : table)[key];
}
