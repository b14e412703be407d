#include "tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "code.h"
#include "encoding.h"
#include "nearest.h"
#include "say.h"
#include "translate.h"

enum { NODES_MAX = 1000000 };

struct reading {
	const char *name;
	yaml_document_t *doc;
	FILE *out;
	struct gt_tree tree;
	size_t cap;
	bool bad;
};

struct keys {
	const char *const known[4];
	size_t n;
};

static const struct keys node_keys = {{"code", "level", "name", "parent"}, 4};
static const struct keys publisher_keys = {{"code", "name", "node"}, 3};
static const struct keys top_keys = {{"nodes", "publishers"}, 2};

static void at(struct reading *r, size_t line, size_t column)
{
	r->bad = true;
	(void)fprintf(r->out, "%s:%zu:%zu: ", r->name, line, column);
}

static void at_node(struct reading *r, const yaml_node_t *n)
{
	at(r, n->start_mark.line + 1, n->start_mark.column + 1);
}

static void at_row(struct reading *r, const struct gt_tree_node *n)
{
	at(r, n->line, n->column);
}

/* NULL: it is none, or none of one line; what is complained of is quoted, a
 * line each. */
static const char *scalar(const yaml_node_t *n)
{
	const char *text = n->type == YAML_SCALAR_NODE
	                           ? (const char *)n->data.scalar.value
	                           : NULL;
	for (const char *p = text; p && *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return NULL;
	return text;
}

static void unknown_key(struct reading *r, const yaml_node_t *key,
                        const struct keys *keys)
{
	const char *text = scalar(key);
	const char *near = gt_nearest(text ? text : "", keys->known, keys->n,
	                              GT_SLIPS_TYPED);
	char known[64];
	gt_nearest_list(known, sizeof known, keys->known, keys->n);
	at_node(r, key);
	if (near)
		gt_say(r->out, GT_T_CLI_TREE_KEY, text, near);
	else
		gt_say(r->out, GT_T_CLI_TREE_KEY_FAR, text ? text : "?", known);
}

/* Takes one scalar into out; says so when it is missing or too long. */
static void take(struct reading *r, const yaml_node_t *v, char *out, size_t cap)
{
	const char *text = scalar(v);
	if (text && *text && strlen(text) == v->data.scalar.length &&
	    gt_copy(out, cap, text))
		return;
	at_node(r, v);
	gt_say(r->out, GT_T_CLI_TREE_TEXT, cap - 1);
}

static void take_pair(struct reading *r, struct gt_tree_node *n,
                      const yaml_node_t *key, const yaml_node_t *value)
{
	const struct keys *keys = n->publisher ? &publisher_keys : &node_keys;
	const char *text = scalar(key);
	const char *parent = n->publisher ? "node" : "parent";
	if (text && strcmp(text, "code") == 0)
		take(r, value, n->code, sizeof n->code);
	else if (text && strcmp(text, "name") == 0)
		take(r, value, n->name, sizeof n->name);
	else if (text && strcmp(text, parent) == 0)
		take(r, value, n->parent, sizeof n->parent);
	else if (text && strcmp(text, "level") == 0 && !n->publisher)
		take(r, value, n->level, sizeof n->level);
	else
		unknown_key(r, key, keys);
}

static void check_row(struct reading *r, struct gt_tree_node *n)
{
	if (!gt_code_valid(n->code)) {
		at_row(r, n);
		gt_say(r->out, GT_T_CLI_TREE_CODE, n->code);
		return;
	}
	if (!n->publisher && !*n->level)
		(void)gt_copy(n->level, sizeof n->level,
		              gt_level_name(gt_code_depth(n->code)));
}

static struct gt_tree_node *add_row(struct reading *r)
{
	if (r->tree.n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 16;
		void *p = cap <= NODES_MAX
		                  ? realloc(r->tree.v, cap * sizeof *r->tree.v)
		                  : NULL;
		if (!p)
			return NULL;
		r->tree.v = p;
		r->cap = cap;
	}
	struct gt_tree_node *n = &r->tree.v[r->tree.n++];
	memset(n, 0, sizeof *n);
	return n;
}

static int read_row(struct reading *r, const yaml_node_t *map, bool publisher)
{
	struct gt_tree_node *n = add_row(r);
	if (!n)
		return -GT_ENOMEM;
	n->publisher = publisher;
	n->line = map->start_mark.line + 1;
	n->column = map->start_mark.column + 1;
	if (map->type != YAML_MAPPING_NODE) {
		at_node(r, map);
		gt_say(r->out, GT_T_CLI_TREE_ROW);
		return 0;
	}
	const yaml_node_pair_t *p = map->data.mapping.pairs.start;
	for (; p < map->data.mapping.pairs.top; p++)
		take_pair(r, n, yaml_document_get_node(r->doc, p->key),
		          yaml_document_get_node(r->doc, p->value));
	check_row(r, n);
	return 0;
}

static int read_list(struct reading *r, const yaml_node_t *list, bool publisher)
{
	int status = 0;
	if (list->type != YAML_SEQUENCE_NODE) {
		at_node(r, list);
		gt_say(r->out, GT_T_CLI_TREE_LIST);
		return 0;
	}
	const yaml_node_item_t *i = list->data.sequence.items.start;
	for (; !status && i < list->data.sequence.items.top; i++)
		status = read_row(r, yaml_document_get_node(r->doc, *i),
		                  publisher);
	return status;
}

static int read_top(struct reading *r)
{
	const yaml_node_t *top = yaml_document_get_root_node(r->doc);
	int status = 0;
	if (!top || top->type != YAML_MAPPING_NODE) {
		at(r, 1, 1);
		gt_say(r->out, GT_T_CLI_TREE_TOP);
		return 0;
	}
	const yaml_node_pair_t *p = top->data.mapping.pairs.start;
	for (; !status && p < top->data.mapping.pairs.top; p++) {
		const yaml_node_t *k = yaml_document_get_node(r->doc, p->key);
		const yaml_node_t *v = yaml_document_get_node(r->doc, p->value);
		const char *text = scalar(k);
		if (text && strcmp(text, "nodes") == 0)
			status = read_list(r, v, false);
		else if (text && strcmp(text, "publishers") == 0)
			status = read_list(r, v, true);
		else
			unknown_key(r, k, &top_keys);
	}
	return status;
}

static int by_code(const void *a, const void *b)
{
	const struct gt_tree_node *x = a, *y = b;
	return strcmp(x->code, y->code);
}

static int code_of(const void *code, const void *node)
{
	const struct gt_tree_node *n = node;
	return strcmp(code, n->code);
}

const struct gt_tree_node *gt_tree_find(const struct gt_tree *tree,
                                        const char *code)
{
	return tree->n ? bsearch(code, tree->v, tree->n, sizeof *tree->v,
	                         code_of)
	               : NULL;
}

bool gt_tree_up(char code[GT_CODE_MAX + 1])
{
	size_t n = strspn(code, "0123456789");
	if (n > 0 && code[n] == '\0')
		n--;
	code[n] = '\0';
	return n >= 2;
}

/* The longest code of the tree that the node's place lies in. */
static void derive_parent(const struct gt_tree *tree, struct gt_tree_node *n)
{
	char code[GT_CODE_MAX + 1];
	memcpy(code, n->code, sizeof code);
	while (gt_tree_up(code)) {
		const struct gt_tree_node *p = gt_tree_find(tree, code);
		if (p && !p->publisher) {
			memcpy(n->parent, code, sizeof code);
			return;
		}
	}
}

static void check_tree(struct reading *r)
{
	struct gt_tree *t = &r->tree;
	if (t->n)
		qsort(t->v, t->n, sizeof *t->v, by_code);
	for (size_t i = 0; i < t->n; i++) {
		struct gt_tree_node *n = &t->v[i];
		if (i > 0 && strcmp(n->code, t->v[i - 1].code) == 0) {
			at_row(r, n);
			gt_say(r->out, GT_T_CLI_TREE_TWICE, n->code);
		}
		if (!*n->parent && !n->publisher && gt_code_valid(n->code))
			derive_parent(t, n);
		else if (*n->parent && !n->publisher &&
		         !gt_code_child_of(n->code, n->parent)) {
			at_row(r, n);
			gt_say(r->out, GT_T_CLI_TREE_PARENT, n->code,
			       n->parent);
		}
	}
}

static int read_document(struct reading *r, yaml_parser_t *parser)
{
	yaml_document_t doc;
	if (!yaml_parser_load(parser, &doc)) {
		at(r, parser->problem_mark.line + 1,
		   parser->problem_mark.column + 1);
		char text[GT_TRANSLATE_MAX];
		gt_say(r->out, GT_T_CLI_TREE_YAML,
		       gt_translate(text, NULL,
		                    parser->problem ? parser->problem : "?"));
		return 0;
	}
	r->doc = &doc;
	int status = read_top(r);
	r->doc = NULL;
	yaml_document_delete(&doc);
	return status;
}

/* Not UTF-8: said what it is, as far as that can be told. */
static bool refuse_encoding(struct reading *r, struct gt_bytes text)
{
	struct gt_encoding e;
	if (!gt_encoding_other(&e, text))
		return false;
	at(r, (size_t)e.line, (size_t)e.column);
	if (e.name)
		gt_say(r->out, GT_T_ENCODING_FILE, e.name, e.shown);
	else
		gt_say(r->out, GT_T_YAML_ENCODING);
	(void)fputc('\n', r->out);
	return true;
}

int gt_tree_parse(struct gt_tree *out, const char *name, struct gt_bytes text,
                  FILE *complaints)
{
	struct reading r = {.name = name, .out = complaints};
	yaml_parser_t parser;
	*out = (struct gt_tree){NULL, 0};
	if (!yaml_parser_initialize(&parser))
		return -GT_ENOMEM;
	yaml_parser_set_input_string(&parser, text.p, text.n);
	int status = refuse_encoding(&r, text) ? -GT_EINVALID
	                                       : read_document(&r, &parser);
	yaml_parser_delete(&parser);
	if (!status && !r.bad)
		check_tree(&r);
	if (!status && r.bad)
		status = -GT_EINVALID;
	if (status)
		gt_tree_free(&r.tree);
	*out = r.tree;
	return status;
}

void gt_tree_free(struct gt_tree *tree)
{
	free(tree->v);
	*tree = (struct gt_tree){NULL, 0};
}
