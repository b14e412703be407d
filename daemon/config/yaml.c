#include "yaml.h"

#include <string.h>
#include <yaml.h>

#include "encoding.h"
#include "translate.h"
#include "utf8.h"

/* The system's yaml.h is reached by <>: this file's own by "". */

struct reader {
	struct gt_yaml *y;
	yaml_parser_t parser;
	yaml_event_t event; /* the one looked at; valid while held */
	bool held;
	size_t nodes;
	const char *key; /* of the node to come, NULL outside a map */
	yaml_mark_t key_mark;
};

static int line_of(yaml_mark_t m)
{
	return m.line < 1000000000 ? (int)m.line + 1 : 1000000000;
}

static int column_of(yaml_mark_t m)
{
	return m.column < 1000000000 ? (int)m.column + 1 : 1000000000;
}

/* A complaint at a place that is no node yet. */
static void complain_at(struct gt_yaml *y, yaml_mark_t m, enum gt_text what,
                        const char *a)
{
	struct gt_yaml_node here = {.line = line_of(m), .column = column_of(m)};
	gt_yaml_complain(y, &here, NULL, what, a, NULL);
}

static void drop_event(struct reader *r)
{
	if (r->held)
		yaml_event_delete(&r->event);
	r->held = false;
}

/* Where the reader, which knows bytes only, stumbled. */
static yaml_mark_t mark_of(struct gt_bytes text, size_t offset)
{
	yaml_mark_t m = {0};
	size_t n = offset < text.n ? offset : text.n, len = 0;
	for (size_t i = 0; i < n; i += len) {
		const char *at = (const char *)text.p + i;
		if (gt_utf8_next(at, n - i, &len) != '\n') {
			m.column++;
			continue;
		}
		m.line++;
		m.column = 0;
	}
	return m;
}

static void complain_syntax(struct reader *r, struct gt_bytes text)
{
	const yaml_parser_t *p = &r->parser;
	if (p->error == YAML_MEMORY_ERROR) {
		r->y->no_memory = true;
		return;
	}
	if (p->error == YAML_READER_ERROR) {
		complain_at(r->y, mark_of(text, p->problem_offset),
		            GT_T_YAML_ENCODING, NULL);
		return;
	}
	char text_room[GT_TRANSLATE_MAX];
	bool escape = p->problem && strstr(p->problem, "escape character");
	complain_at(r->y, p->problem_mark,
	            escape ? GT_T_YAML_ESCAPE : GT_T_YAML_SYNTAX,
	            gt_translate_library(text_room, r->y->lang,
	                                 p->problem ? p->problem : "?"));
}

/* Looks at the next event. */
static bool next_event(struct reader *r)
{
	drop_event(r);
	r->held = yaml_parser_parse(&r->parser, &r->event) != 0;
	return r->held;
}

static bool refuse_extras(struct reader *r, const yaml_char_t *anchor,
                          const yaml_char_t *tag)
{
	if (anchor)
		complain_at(r->y, r->event.start_mark, GT_T_YAML_ANCHOR, NULL);
	else if (tag)
		complain_at(r->y, r->event.start_mark, GT_T_YAML_TAG, NULL);
	return anchor || tag;
}

/* Characters that would change the meaning of the line they are printed in. */
static bool unprintable(const char *s, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i += len) {
		uint32_t c = gt_utf8_next(s + i, n - i, &len);
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
		    c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff)
			return true;
	}
	return false;
}

/* Copies the scalar looked at. NULL: refused. */
static const char *scalar(struct reader *r)
{
	size_t n = r->event.data.scalar.length;
	const yaml_char_t *v = r->event.data.scalar.value;
	if (refuse_extras(r, r->event.data.scalar.anchor,
	                  r->event.data.scalar.tag))
		return NULL;
	if (unprintable((const char *)v, n)) {
		bool quoted = r->event.data.scalar.style ==
		              YAML_DOUBLE_QUOTED_SCALAR_STYLE;
		complain_at(r->y, r->event.start_mark,
		            quoted ? GT_T_YAML_CONTROL_QUOTED
		                   : GT_T_YAML_CONTROL,
		            NULL);
		return NULL;
	}
	/* libyaml ends values with NUL */
	char *copy = gt_arena_copy(r->y->arena, v, n + 1);
	r->y->no_memory |= !copy;
	return copy;
}

static struct gt_yaml_node *
new_node(struct reader *r, struct gt_yaml_node *parent, enum gt_yaml_kind kind)
{
	struct gt_yaml_node *n = gt_arena_get(r->y->arena, sizeof *n);
	if (!n) {
		r->y->no_memory = true;
		return NULL;
	}
	*n = (struct gt_yaml_node){.kind = kind,
	                           .parent = parent,
	                           .line = line_of(r->event.start_mark),
	                           .column = column_of(r->event.start_mark),
	                           .key = r->key,
	                           .key_line = line_of(r->key_mark),
	                           .key_column = column_of(r->key_mark)};
	r->key = NULL;
	return n;
}

/* lists and mappings hold nodes, which may be lists and mappings */
static struct gt_yaml_node *read_node(struct reader *r,
                                      struct gt_yaml_node *parent, int depth);

static bool read_items(struct reader *r, struct gt_yaml_node *list, int depth)
{
	struct gt_yaml_node **end = &list->first;
	for (;;) {
		if (!next_event(r))
			return false;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		struct gt_yaml_node *n = read_node(r, list, depth);
		if (!n)
			return false;
		*end = n;
		end = &n->next;
		list->count++;
	}
}

/* The key looked at, checked. NULL: refused. */
static const char *read_key(struct reader *r, const struct gt_yaml_node *map)
{
	if (r->event.type == YAML_ALIAS_EVENT) {
		complain_at(r->y, r->event.start_mark, GT_T_YAML_ANCHOR, NULL);
		return NULL;
	}
	if (r->event.type != YAML_SCALAR_EVENT) {
		complain_at(r->y, r->event.start_mark, GT_T_YAML_KEY, NULL);
		return NULL;
	}
	const char *key = scalar(r);
	if (!key)
		return NULL;
	if (map->count >= GT_YAML_KEYS) {
		complain_at(r->y, r->event.start_mark, GT_T_YAML_LARGE, NULL);
		return NULL;
	}
	const struct gt_yaml_node *twin = gt_yaml_get(map, key);
	if (twin) {
		struct gt_yaml_node here = *twin;
		char line[16];
		here.line = line_of(r->event.start_mark);
		here.column = column_of(r->event.start_mark);
		gt_format(line, sizeof line, "%d", twin->key_line);
		gt_yaml_complain(r->y, &here, NULL, GT_T_YAML_TWICE, line,
		                 NULL);
		return NULL;
	}
	return key;
}

static bool read_pairs(struct reader *r, struct gt_yaml_node *map, int depth)
{
	struct gt_yaml_node **end = &map->first;
	for (;;) {
		if (!next_event(r))
			return false;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			return true;
		const char *key = read_key(r, map);
		r->key_mark = r->event.start_mark;
		if (!key || !next_event(r))
			return false;
		r->key = key;
		struct gt_yaml_node *n = read_node(r, map, depth);
		if (!n)
			return false;
		*end = n;
		end = &n->next;
		map->count++;
	}
}

/* Reads the node whose first event is looked at. NULL: refused. */
static struct gt_yaml_node *read_node(struct reader *r,
                                      struct gt_yaml_node *parent, int depth)
{
	struct gt_yaml_node *n = NULL;
	if (++r->nodes > GT_YAML_NODES || depth >= GT_YAML_DEPTH) {
		complain_at(r->y, r->event.start_mark, GT_T_YAML_LARGE, NULL);
		return NULL;
	}
	if (r->event.type == YAML_SCALAR_EVENT) {
		n = new_node(r, parent, GT_YAML_SCALAR);
		if (n) {
			n->plain = r->event.data.scalar.plain_implicit;
			n->text = scalar(r);
		}
		return n && n->text ? n : NULL;
	}
	if (r->event.type == YAML_SEQUENCE_START_EVENT) {
		if (refuse_extras(r, r->event.data.sequence_start.anchor,
		                  r->event.data.sequence_start.tag))
			return NULL;
		n = new_node(r, parent, GT_YAML_LIST);
		return n && read_items(r, n, depth + 1) ? n : NULL;
	}
	if (r->event.type == YAML_MAPPING_START_EVENT) {
		if (refuse_extras(r, r->event.data.mapping_start.anchor,
		                  r->event.data.mapping_start.tag))
			return NULL;
		n = new_node(r, parent, GT_YAML_MAP);
		return n && read_pairs(r, n, depth + 1) ? n : NULL;
	}
	complain_at(r->y, r->event.start_mark, GT_T_YAML_ANCHOR, NULL);
	return NULL;
}

static bool skip_events(struct reader *r, int n)
{
	while (n > 0 && next_event(r))
		n--;
	return n == 0;
}

/* Stream and document around the root; an empty file is an empty map. */
static struct gt_yaml_node *read_document(struct reader *r)
{
	if (!skip_events(r, 2))
		return NULL;
	if (r->event.type == YAML_STREAM_END_EVENT) {
		r->event.start_mark = (yaml_mark_t){0};
		return new_node(r, NULL, GT_YAML_MAP);
	}
	if (!next_event(r))
		return NULL;
	struct gt_yaml_node *root = read_node(r, NULL, 0);
	if (!root || !skip_events(r, 2))
		return NULL;
	if (r->event.type != YAML_STREAM_END_EVENT) {
		complain_at(r->y, r->event.start_mark, GT_T_YAML_SECOND, NULL);
		return NULL;
	}
	if (gt_yaml_is_null(root))
		root->kind = GT_YAML_MAP;
	if (root->kind != GT_YAML_MAP) {
		gt_yaml_complain(r->y, root, NULL, GT_T_YAML_NOT_MAP, NULL,
		                 NULL);
		return NULL;
	}
	return root;
}

/* Not UTF-8: said what it is, as far as that can be told. */
static bool refuse_encoding(struct gt_yaml *y, struct gt_bytes text)
{
	struct gt_encoding e;
	if (!gt_encoding_other(&e, text))
		return false;
	struct gt_yaml_node here = {.line = e.line, .column = e.column};
	if (e.name)
		gt_yaml_complain(y, &here, NULL, GT_T_ENCODING_FILE, e.name,
		                 e.shown);
	else
		gt_yaml_complain(y, &here, NULL, GT_T_YAML_ENCODING, NULL,
		                 NULL);
	return true;
}

bool gt_yaml_parse(struct gt_yaml *y, const char *name, struct gt_bytes text,
                   const char *lang, struct gt_complaints *complaints)
{
	struct reader r = {.y = y};
	*y = (struct gt_yaml){.name = name,
	                      .lang = lang,
	                      .complaints = complaints,
	                      .arena = gt_arena_new()};
	if (!y->arena || !yaml_parser_initialize(&r.parser)) {
		y->no_memory = true;
		return false;
	}
	/* libyaml would count a byte order mark as a column */
	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
		text = gt_bytes_of(text.p + 3, text.n - 3);
	if (text.n > GT_YAML_BYTES) {
		complain_at(y, (yaml_mark_t){0}, GT_T_YAML_LARGE, NULL);
	} else if (!refuse_encoding(y, text)) {
		yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(
		        &r.parser, text.n ? text.p : (const uint8_t *)"",
		        text.n);
		y->root = read_document(&r);
		if (!y->root && r.parser.error != YAML_NO_ERROR)
			complain_syntax(&r, text);
	}
	drop_event(&r);
	yaml_parser_delete(&r.parser);
	assert(y->root || y->errors > 0 || y->no_memory);
	return y->root != NULL;
}

void gt_yaml_free(struct gt_yaml *y)
{
	gt_arena_free(y->arena);
	y->arena = NULL;
	y->root = NULL;
}

int gt_yaml_status(const struct gt_yaml *y)
{
	if (y->no_memory)
		return -GT_ENOMEM;
	return y->errors ? -GT_EINVALID : 0;
}
