/* config_print.c: a configuration as the file that says it, each key with what
 * it is for.
 * Tests: u_config.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_table.h"
#include "measure.h"

/* How a configuration is written out, and what of it is. */
struct printer {
	const char *lang; /* of the comments, NULL: none */
	bool secrets;     /* passwords as they are */
	struct gt_buffer text;
};

static void put_bytes(struct printer *p, const char *s, size_t n)
{
	gt_buffer_add(&p->text, s, n);
}

static void put(struct printer *p, const char *s)
{
	put_bytes(p, s, strlen(s));
}

static const void *field(const struct gt_config *c,
                         const struct gt_config_row *row)
{
	return (const char *)c + row->offset;
}

/* Plain where nothing can be mistaken, else in double quotes. */
static void put_text(struct printer *p, const char *s)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
	                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                           "0123456789._/-:";
	size_t n = strlen(s);
	if (n > 0 && strspn(s, safe) == n && s[n - 1] != ':' && s[0] != '-' &&
	    s[0] != ':' && strcmp(s, "null") != 0) {
		put(p, s);
		return;
	}
	put(p, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			put(p, "\\");
		put_bytes(p, s, 1);
	}
	put(p, "\"");
}

static void put_texts(struct printer *p, const char (*v)[256], size_t n)
{
	put(p, "[");
	for (size_t i = 0; i < n; i++) {
		put(p, i ? ", " : "");
		put(p, "\"");
		put(p, v[i]);
		put(p, "\"");
	}
	put(p, "]");
}

static void put_users(struct printer *p, const struct gt_config *c)
{
	if (c->nusers == 0)
		put(p, "[]");
	for (size_t i = 0; i < c->nusers; i++) {
		put(p, "\n    - name: ");
		put_text(p, c->users[i].name);
		put(p, "\n      password: ");
		put_text(p, p->secrets ? c->users[i].password : "***");
	}
}

static void put_certify(struct printer *p, const struct gt_config *c)
{
	if (c->ncertify == 0)
		put(p, "[]");
	for (size_t i = 0; i < c->ncertify; i++) {
		const struct gt_certify *r = &c->certify[i];
		char score[16];
		put(p, "\n    - name: ");
		put_text(p, r->name);
		put(p, "\n      activity: ");
		put_text(p, r->activity);
		put(p, "\n      subject: ");
		put_text(p, r->subject);
		gt_format(score, sizeof score, "%d.%03d", r->score / 1000,
		          r->score % 1000);
		put(p, r->score < 0 ? "" : "\n      score: ");
		put(p, r->score < 0 ? "" : score);
	}
}

static uint64_t number_of(const struct gt_config *c,
                          const struct gt_config_row *row)
{
	uint64_t v;
	memcpy(&v, field(c, row), sizeof v);
	return v;
}

static void put_value(struct printer *p, const struct gt_config *c,
                      const struct gt_config_row *row)
{
	char text[32];
	int level;
	switch (row->type) {
	case GT_CONFIG_CODE:
	case GT_CONFIG_TEXT:
	case GT_CONFIG_WORD:
	case GT_CONFIG_LISTEN:
	case GT_CONFIG_DOOR:
	case GT_CONFIG_ORIGIN:
		put_text(p, field(c, row));
		break;
	case GT_CONFIG_LEVEL:
		memcpy(&level, field(c, row), sizeof level);
		put(p, row->choices[level]);
		break;
	case GT_CONFIG_ADDRESSES:
		if (row->offset == offsetof(struct gt_config, above))
			put_texts(p, c->above, c->nabove);
		else
			put_texts(p, c->addresses, c->naddresses);
		break;
	case GT_CONFIG_NAMES:
		put_texts(p, c->names, c->nnames);
		break;
	case GT_CONFIG_BOOL:
		put(p, *(const bool *)field(c, row) ? "true" : "false");
		break;
	case GT_CONFIG_COUNT:
		gt_format(text, sizeof text, "%" PRIu64, number_of(c, row));
		put(p, text);
		break;
	case GT_CONFIG_SIZE:
		gt_measure_size_exact(text, number_of(c, row));
		put(p, text);
		break;
	case GT_CONFIG_DURATION:
		gt_measure_duration_exact(text, number_of(c, row));
		put(p, text);
		break;
	case GT_CONFIG_USERS:
		put_users(p, c);
		break;
	case GT_CONFIG_CERTIFY:
		put_certify(p, c);
		break;
	}
}

/* A text as comment lines. */
static void put_comment(struct printer *p, const char *indent, enum gt_text doc)
{
	const char *s;
	if (!p->lang)
		return;
	s = gt_text_in(p->lang, doc);
	while (*s) {
		size_t n = strcspn(s, "\n");
		put(p, indent);
		put(p, "# ");
		put_bytes(p, s, n);
		put(p, "\n");
		s += n + (s[n] == '\n');
	}
}

static void put_section(struct printer *p, const struct gt_config *c,
                        const struct gt_config_section *section)
{
	put_comment(p, "", section->doc);
	put(p, section->name);
	put(p, ":\n");
	for (size_t i = 0; i < GT_CONFIG_ROWS; i++) {
		const struct gt_config_row *row = &gt_config_rows[i];
		if (strcmp(row->section, section->name) != 0)
			continue;
		put_comment(p, "  ", row->doc);
		put(p, "  ");
		put(p, row->key);
		put(p, ": ");
		put_value(p, c, row);
		put(p, "\n");
	}
}

static char *print(struct printer *p, const struct gt_config *c)
{
	for (size_t i = 0; i < GT_CONFIG_SECTIONS; i++) {
		put(p, i && p->lang ? "\n" : "");
		put_section(p, c, &gt_config_sections[i]);
	}
	return gt_buffer_text(&p->text, NULL);
}

char *gt_config_print(const struct gt_config *config)
{
	struct printer p = {.lang = NULL};
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
