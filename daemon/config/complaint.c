/* complaint.c: what is wrong with a YAML file, where it stands, and what was
 * probably meant.
 * Tests: u_config.c. */
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "word.h"
#include "yaml.h"

enum { PATH = 256, LINE = 1200 };

void gt_complaints_free(struct gt_complaints *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i]);
	free(c->v);
	*c = (struct gt_complaints){0};
}

bool gt_complaints_add(struct gt_complaints *c, const char *line)
{
	char *copy = strdup(line);
	/* what a file says is quoted, and a complaint is one line */
	for (char *p = copy; p && *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	char **v = copy ? realloc(c->v, (c->n + 1) * sizeof *v) : NULL;
	if (!v) {
		free(copy);
		return false;
	}
	c->v = v;
	c->v[c->n++] = copy;
	return true;
}

/* -------------------------------------------------------- sentences */

static void append(char *out, size_t cap, const char *s)
{
	size_t n = strlen(out);
	(void)gt_copy(out + n, cap - n, s);
}

/* The texts' %s are filled here and not by printf: a format that comes from a
 * table cannot be checked by the compiler. */
static void fill(char *out, size_t cap, const char *text, const char *a,
                 const char *b)
{
	const char *args[] = {a, b, NULL};
	const char *const *arg = args;
	for (; *text; text++) {
		if (text[0] == '%' && text[1] == 's') {
			assert(*arg);
			append(out, cap, *arg++);
			text++;
			continue;
		}
		size_t n = strlen(out);
		if (n + 1 < cap) {
			out[n] = *text;
			out[n + 1] = '\0';
		}
	}
}

static void append_item(char *out, size_t cap, const struct gt_yaml_node *item)
{
	const struct gt_yaml_node *name = gt_yaml_get(item, "name");
	char place[32];
	size_t i = 1;
	append(out, cap, "[");
	if (name && name->kind == GT_YAML_SCALAR && name->text[0]) {
		append(out, cap, name->text);
	} else {
		for (const struct gt_yaml_node *n = item->parent->first;
		     n && n != item; n = n->next)
			i++;
		gt_format(place, sizeof place, "%zu", i);
		append(out, cap, place);
	}
	append(out, cap, "]");
}

static void path_of(char *out, size_t cap, const struct gt_yaml_node *node,
                    const char *key)
{
	const struct gt_yaml_node *way[GT_YAML_DEPTH + 1];
	int n = 0;
	out[0] = '\0';
	for (; node && node->parent && n <= GT_YAML_DEPTH; node = node->parent)
		way[n++] = node;
	while (n-- > 0) {
		if (way[n]->key) {
			append(out, cap, out[0] ? "." : "");
			append(out, cap, way[n]->key);
		} else {
			append_item(out, cap, way[n]);
		}
	}
	if (key) {
		append(out, cap, out[0] ? "." : "");
		append(out, cap, key);
	}
}

static void say(struct gt_yaml *y, int line, int column, const char *path,
                enum gt_text what, const char *a, const char *b)
{
	char text[LINE];
	gt_format(text, sizeof text, "%s:%d:%d: %s%s", y->name, line, column,
	          path, path[0] ? ": " : "");
	fill(text, sizeof text, gt_text_in(y->lang, what), a, b);
	if (y->complaints->n >= GT_YAML_COMPLAINTS)
		return;
	if (!gt_complaints_add(y->complaints, text))
		y->no_memory = true;
}

void gt_yaml_complain(struct gt_yaml *y, const struct gt_yaml_node *at,
                      const char *key, enum gt_text what, const char *a,
                      const char *b)
{
	char path[PATH];
	bool lacks = key && at->key;
	path_of(path, sizeof path, at, key);
	y->errors++;
	say(y, lacks ? at->key_line : at->line,
	    lacks ? at->key_column : at->column, path, what, a, b);
}

void gt_yaml_warn(struct gt_yaml *y, const struct gt_yaml_node *at,
                  enum gt_text what, const char *a, const char *b)
{
	char path[PATH];
	path_of(path, sizeof path, at, NULL);
	say(y, at->line, at->column, path, what, a, b);
}

static void enumerate(char *out, size_t cap, const char *const *known, size_t n)
{
	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		append(out, cap, i ? ", " : "");
		append(out, cap, known[i]);
	}
}

void gt_yaml_unknown_key(struct gt_yaml *y, const struct gt_yaml_node *node,
                         const char *const *known, size_t n)
{
	char path[PATH], all[512];
	const char *near = gt_nearest(node->key, known, n, GT_SLIPS_WRITTEN);
	path_of(path, sizeof path, node, NULL);
	enumerate(all, sizeof all, known, n);
	y->errors++;
	say(y, node->key_line, node->key_column, path,
	    near ? GT_T_YAML_UNKNOWN_NEAR : GT_T_YAML_UNKNOWN,
	    near ? near : all, NULL);
}

/* Each with what people read for it, where that is another word. */
static void enumerate_words(const struct gt_yaml *y, char *out, size_t cap,
                            const char *const *known, size_t n)
{
	out[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		append(out, cap, i ? ", " : "");
		append(out, cap, known[i]);
		if (!gt_text_chinese(y->lang) ||
		    strcmp(gt_word_in(y->lang, known[i]), known[i]) == 0)
			continue;
		append(out, cap, "（");
		append(out, cap, gt_word_in(y->lang, known[i]));
		append(out, cap, "）");
	}
}

void gt_yaml_unknown_word(struct gt_yaml *y, const struct gt_yaml_node *node,
                          enum gt_text what, enum gt_text all,
                          const char *const *known, size_t n)
{
	char words[512];
	const char *near = gt_word_meant(node->text, known, n);
	if (!near)
		near = gt_nearest(node->text, known, n, GT_SLIPS_WRITTEN);
	enumerate_words(y, words, sizeof words, known, n);
	gt_yaml_complain(y, node, NULL, near ? what : all, node->text,
	                 near ? near : words);
}
