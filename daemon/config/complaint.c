#include <stdlib.h>
#include <string.h>

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
	char **v = copy ? realloc(c->v, (c->n + 1) * sizeof *v) : NULL;
	if (!v) {
		free(copy);
		return false;
	}
	c->v = v;
	c->v[c->n++] = copy;
	return true;
}

/* --------------------------------------------------- what was meant */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Keystrokes from a to b: insert, delete, replace, swap neighbours. Both are
 * shorter than 64. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][64], *before = rows[0], *last = rows[1], *now = rows[2];
	size_t n = strlen(b);
	for (size_t j = 0; j <= n; j++)
		before[j] = last[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		now[0] = i;
		for (size_t j = 1; j <= n; j++) {
			bool same = a[i - 1] == b[j - 1];
			now[j] = least(last[j - 1] + !same,
			               least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		size_t *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[n];
}

/* "warning" for "warn", "conf" for "config". */
static bool begins(const char *a, const char *b)
{
	size_t n = least(strlen(a), strlen(b));
	return n >= 3 && strncmp(a, b, n) == 0;
}

const char *gt_nearest(const char *word, const char *const *known, size_t n)
{
	const char *best = NULL;
	size_t len = strlen(word);
	/* a third wrong is a slip of the hand, more is another word */
	size_t limit = len < 6 ? 1 : len / 3;
	if (len < 2 || len >= 64)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t d = strlen(known[i]) < 64 ? distance(word, known[i])
		                                 : SIZE_MAX;
		if (d < limit + (best == NULL)) {
			best = known[i];
			limit = d;
		}
	}
	for (size_t i = 0; i < n && !best; i++)
		if (begins(word, known[i]))
			best = known[i];
	return best;
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
	const char *near = gt_nearest(node->key, known, n);
	path_of(path, sizeof path, node, NULL);
	enumerate(all, sizeof all, known, n);
	y->errors++;
	say(y, node->key_line, node->key_column, path,
	    near ? GT_T_YAML_UNKNOWN_NEAR : GT_T_YAML_UNKNOWN,
	    near ? near : all, NULL);
}

void gt_yaml_unknown_word(struct gt_yaml *y, const struct gt_yaml_node *node,
                          enum gt_text what, enum gt_text all,
                          const char *const *known, size_t n)
{
	char words[512];
	const char *near = gt_nearest(node->text, known, n);
	enumerate(words, sizeof words, known, n);
	gt_yaml_complain(y, node, NULL, near ? what : all, node->text,
	                 near ? near : words);
}
