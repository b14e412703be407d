#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_table.h"
#include "units.h"

/* How a configuration is written out. */
struct printer {
	FILE *f;
	const char *lang; /* of the comments, NULL: none */
	bool secrets;     /* passwords as they are */
};

static const void *field(const struct gt_config *c,
                         const struct gt_config_row *row)
{
	return (const char *)c + row->offset;
}

/* Plain where nothing can be mistaken, else in double quotes. */
static void put_text(FILE *f, const char *s)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
	                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                           "0123456789._/-:";
	size_t n = strlen(s);
	if (n > 0 && strspn(s, safe) == n && s[n - 1] != ':' && s[0] != '-' &&
	    s[0] != ':' && strcmp(s, "null") != 0) {
		fputs(s, f);
		return;
	}
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

static void put_addresses(const struct printer *p, const struct gt_config *c)
{
	fputs("[", p->f);
	for (size_t i = 0; i < c->naddresses; i++) {
		fputs(i ? ", " : "", p->f);
		fputc('"', p->f);
		fputs(c->addresses[i], p->f);
		fputc('"', p->f);
	}
	fputs("]", p->f);
}

static void put_users(const struct printer *p, const struct gt_config *c)
{
	if (c->nusers == 0)
		fputs("[]", p->f);
	for (size_t i = 0; i < c->nusers; i++) {
		fputs("\n    - name: ", p->f);
		put_text(p->f, c->users[i].name);
		fputs("\n      password: ", p->f);
		put_text(p->f, p->secrets ? c->users[i].password : "***");
	}
}

static uint64_t number_of(const struct gt_config *c,
                          const struct gt_config_row *row)
{
	uint64_t v;
	memcpy(&v, field(c, row), sizeof v);
	return v;
}

static void put_value(const struct printer *p, const struct gt_config *c,
                      const struct gt_config_row *row)
{
	char text[32];
	int level;
	switch (row->type) {
	case GT_CONFIG_CODE:
	case GT_CONFIG_TEXT:
	case GT_CONFIG_WORD:
	case GT_CONFIG_LISTEN:
		put_text(p->f, field(c, row));
		break;
	case GT_CONFIG_LEVEL:
		memcpy(&level, field(c, row), sizeof level);
		fputs(row->choices[level], p->f);
		break;
	case GT_CONFIG_ADDRESSES:
		put_addresses(p, c);
		break;
	case GT_CONFIG_BOOL:
		fputs(*(const bool *)field(c, row) ? "true" : "false", p->f);
		break;
	case GT_CONFIG_COUNT:
		fprintf(p->f, "%" PRIu64, number_of(c, row));
		break;
	case GT_CONFIG_SIZE:
		gt_size_format(text, number_of(c, row));
		fputs(text, p->f);
		break;
	case GT_CONFIG_DURATION:
		gt_duration_format(text, number_of(c, row));
		fputs(text, p->f);
		break;
	case GT_CONFIG_USERS:
		put_users(p, c);
		break;
	}
}

/* A text as comment lines. */
static void put_comment(const struct printer *p, const char *indent,
                        enum gt_text doc)
{
	const char *s;
	if (!p->lang)
		return;
	s = gt_text_in(p->lang, doc);
	while (*s) {
		size_t n = strcspn(s, "\n");
		fprintf(p->f, "%s# %.*s\n", indent, (int)n, s);
		s += n + (s[n] == '\n');
	}
}

static void put_section(const struct printer *p, const struct gt_config *c,
                        const struct gt_config_section *section)
{
	put_comment(p, "", section->doc);
	fprintf(p->f, "%s:\n", section->name);
	for (size_t i = 0; i < GT_CONFIG_ROWS; i++) {
		const struct gt_config_row *row = &gt_config_rows[i];
		if (strcmp(row->section, section->name) != 0)
			continue;
		put_comment(p, "  ", row->doc);
		fprintf(p->f, "  %s: ", row->key);
		put_value(p, c, row);
		fputc('\n', p->f);
	}
}

static char *print(struct printer *p, const struct gt_config *c)
{
	char *text = NULL;
	size_t n = 0;
	p->f = open_memstream(&text, &n);
	if (!p->f)
		return NULL;
	for (size_t i = 0; i < GT_CONFIG_SECTIONS; i++) {
		if (i && p->lang)
			fputc('\n', p->f);
		put_section(p, c, &gt_config_sections[i]);
	}
	bool bad = ferror(p->f) != 0;
	if (fclose(p->f) != 0 || bad) {
		free(text);
		return NULL;
	}
	return text;
}

char *gt_config_print(const struct gt_config *config)
{
	struct printer p = {0};
	return print(&p, config);
}

char *gt_config_write(const struct gt_config *config, const char *lang)
{
	struct printer p = {.lang = lang ? lang : "en", .secrets = true};
	return print(&p, config);
}

char *gt_config_document(const char *lang)
{
	struct gt_config *c = malloc(sizeof *c);
	char *text;
	if (!c)
		return NULL;
	gt_config_defaults(c);
	gt_copy(c->code, sizeof c->code, "33");
	text = gt_config_write(c, lang);
	free(c);
	return text;
}
