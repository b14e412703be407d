#include "draft.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"
#include "code.h"
#include "encoding.h"
#include "files.h"
#include "json.h"
#include "nearest.h"
#include "object.h"
#include "say.h"
#include "slip.h"
#include "translate.h"
#include "utf8.h"
#include "word.h"
#include "yaml.h"

enum { FILE_MAX = 256 << 20, WHERE = 4608 };

enum form { TEXT_FORM, BY_LANG, LIST };

static const struct {
	const char *key, *option;
	enum form form;
} fields[] = {
        {"id", "id", TEXT_FORM},
        {"title", "title", BY_LANG},
        {"description", "description", BY_LANG},
        {"type", "type", TEXT_FORM},
        {"subjects", "subject", LIST},
        {"audiences", "audience", LIST},
        {"languages", "language", LIST},
        {"licence", "licence", TEXT_FORM},
        {"regions", "region", LIST},
        {"keywords", "keyword", LIST},
        {"start", "start", TEXT_FORM},
        {"thumbnail", "thumbnail", TEXT_FORM},
        {"path", NULL, TEXT_FORM},
        {"content", NULL, TEXT_FORM},
};
enum { FIELDS = sizeof fields / sizeof *fields };

static bool say_wrong(FILE *err, const char *where, enum gt_text text,
                      const char *key)
{
	(void)fprintf(err, "%s: ", where);
	gt_say(err, text, key);
	return false;
}

static bool unknown(FILE *err, const char *where, const char *key)
{
	const char *names[FIELDS];
	for (size_t i = 0; i < FIELDS; i++)
		names[i] = fields[i].key;
	const char *near = gt_nearest(key, names, FIELDS, GT_SLIPS_TYPED);
	char known[256];
	gt_nearest_list(known, sizeof known, names, FIELDS);
	(void)fprintf(err, "%s: ", where);
	if (near)
		gt_say(err, GT_T_CLI_TREE_KEY, key, near);
	else
		gt_say(err, GT_T_CLI_TREE_KEY_FAR, key, known);
	return false;
}

/* "zh-CN=文字" or plain text in lang. */
static bool put_by_lang(json_t *draft, const char *key, const char *text,
                        const char *lang)
{
	char tag[GT_SLIP_TAG];
	const char *eq = strchr(text, '=');
	size_t n = eq ? (size_t)(eq - text) : 0;
	json_t *map = json_object_get(draft, key);
	/* anything else is a title with '=' in it */
	bool tagged = eq && gt_slip_language(text, n);
	(void)gt_copy(tag, sizeof tag, tagged ? text : lang);
	if (tagged) {
		tag[n] = '\0';
		text = eq + 1;
	}
	if (!map) {
		map = json_object();
		if (!map || json_object_set_new(draft, key, map))
			return false;
	}
	return json_object_set_new(map, tag, json_string(text)) == 0;
}

static bool put_item(json_t *draft, const char *key, const json_t *text)
{
	json_t *list = json_object_get(draft, key);
	if (!list) {
		list = json_array();
		if (!list || json_object_set_new(draft, key, list))
			return false;
	}
	return json_array_append_new(list,
	                             json_string(json_string_value(text))) == 0;
}

/* Not const: jansson's loops hand out members that may be changed. */
static bool all_strings(json_t *v)
{
	size_t i;
	const char *key;
	json_t *item;
	json_array_foreach(v, i, item) if (!json_is_string(item)) return false;
	json_object_foreach(v, key,
	                    item) if (!json_is_string(item)) return false;
	return true;
}

static bool is_form(json_t *v, enum form form)
{
	if (json_is_string(v) || form == TEXT_FORM)
		return json_is_string(v);
	return form == BY_LANG ? json_is_object(v) && all_strings(v)
	                       : json_is_array(v) && all_strings(v);
}

/* v is of the form; false: no memory. */
static bool put_form(json_t *draft, const char *key, enum form form, json_t *v,
                     const char *lang)
{
	size_t i;
	json_t *item;
	bool ok = true;
	if (form == BY_LANG && json_is_string(v))
		return put_by_lang(draft, key, json_string_value(v), lang);
	if (form != LIST)
		return json_object_set(draft, key, v) == 0;
	if (json_is_string(v))
		return put_item(draft, key, v);
	json_array_foreach(v, i, item) ok = ok && put_item(draft, key, item);
	return ok;
}

/* A language whose tag is written otherwise: said how it goes. */
static bool tag_fits(const char *s, size_t n, const char *where, FILE *err)
{
	char tag[GT_SLIP_TAG], written[2 * GT_SLIP_TAG];
	if (!gt_slip_tag(tag, s, n))
		return true;
	gt_format(written, sizeof written, "%.*s", (int)n, s);
	(void)fprintf(err, "%s: ", where);
	gt_say(err, GT_T_CLI_DRAFT_TAG, written, tag);
	return false;
}

/* Every tag that a value of this key holds. Not const: jansson's loops. */
static bool tags_fit(const char *key, enum form form, json_t *value,
                     const char *where, FILE *err)
{
	const char *text = gt_json_string(value), *eq = strchr(text, '=');
	const char *tag;
	json_t *item;
	size_t i;
	bool ok = true;
	if (form == BY_LANG) {
		ok = !eq || tag_fits(text, (size_t)(eq - text), where, err);
		json_object_foreach(value, tag, item) ok =
		        tag_fits(tag, strlen(tag), where, err) && ok;
	} else if (strcmp(key, "languages") == 0) {
		ok = tag_fits(text, strlen(text), where, err);
		json_array_foreach(value, i, item) ok =
		        tag_fits(gt_json_string(item), json_string_length(item),
		                 where, err) &&
		        ok;
	}
	return ok;
}

static bool word_fits(const json_t *value, const char *const *known,
                      const char *where, FILE *err)
{
	const char *word = gt_json_string(value);
	const char *meant = gt_word_slip(word, known);
	if (!meant)
		return true;
	(void)fprintf(err, "%s: ", where);
	gt_say(err, GT_T_CLI_DRAFT_WORD, word, meant);
	return false;
}

/* A path whose folders are set apart as on Windows: said how it goes. */
static bool path_fits(const char *key, const json_t *value, const char *where,
                      FILE *err)
{
	static const char *const keys[] = {"path", "content", "start",
	                                   "thumbnail"};
	char meant[1024], shown[GT_PATH_SHOWN];
	const char *path = gt_json_string(value);
	bool is_path = false;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		is_path = is_path || strcmp(key, keys[i]) == 0;
	if (!is_path || !gt_slip_path(meant, sizeof meant, path))
		return true;
	(void)fprintf(err, "%s: ", where);
	gt_say(err, GT_T_CLI_DRAFT_BACKSLASH, key,
	       gt_path_show(shown, path, strlen(path)), key, meant);
	return false;
}

/* A type, audience or subject by the word that people read for it, or by a slip
 * of the hand: said which of programs' it is. Others than the usual ones there may be. Not const:
 * jansson's loops. */
static bool words_fit(const char *key, json_t *value, const char *where,
                      FILE *err)
{
	static const struct {
		const char *key;
		const char *const *known;
	} rows[] = {{"type", gt_word_types},
	            {"audiences", gt_word_audiences},
	            {"subjects", gt_word_subjects}};
	bool ok = true;
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		size_t i;
		json_t *item;
		if (strcmp(key, rows[r].key) != 0)
			continue;
		if (json_is_string(value))
			ok = word_fits(value, rows[r].known, where, err);
		json_array_foreach(value, i, item) ok =
		        word_fits(item, rows[r].known, where, err) && ok;
	}
	return ok;
}

static bool no_memory(FILE *err)
{
	(void)fprintf(err, "guantong: %s\n", gt_text(GT_T_CLI_NOMEM));
	return false;
}

bool gt_draft_set(json_t *draft, const char *key, json_t *value,
                  const char *lang, const char *where, FILE *err)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (strcmp(key, fields[i].key) != 0)
			continue;
		const char *to = strcmp(key, "content") == 0 ? "path" : key;
		if (json_is_null(value))
			return true;
		if (!is_form(value, fields[i].form))
			return say_wrong(err, where, GT_T_CLI_DRAFT_VALUE, key);
		if (!tags_fit(key, fields[i].form, value, where, err) ||
		    !path_fits(key, value, where, err) ||
		    !words_fit(key, value, where, err))
			return false;
		return put_form(draft, to, fields[i].form, value, lang) ||
		       no_memory(err);
	}
	return unknown(err, where, key);
}

bool gt_draft_take(json_t *draft, json_t *object, const char *lang,
                   const char *where, FILE *err)
{
	bool ok = json_is_object(object);
	const char *key;
	json_t *value;
	if (!ok)
		return say_wrong(err, where, GT_T_CLI_DRAFT_OBJECT, "");
	json_object_foreach(object, key, value)
	{
		ok = gt_draft_set(draft, key, value, lang, where, err) && ok;
	}
	return ok;
}

/* NULL, and a word: it is not UTF-8, or there is no memory. */
static json_t *option_text(const char *v, const char *option, FILE *err)
{
	char what[32];
	gt_format(what, sizeof what, "--%s", option);
	json_t *text = gt_args_utf8(what, v, err) ? json_string(v) : NULL;
	if (!text && gt_utf8_valid(v, strlen(v)))
		(void)no_memory(err);
	return text;
}

bool gt_draft_options(json_t *draft, const struct gt_args *args,
                      const char *lang, FILE *err)
{
	bool ok = true;
	for (size_t i = 0; ok && i < FIELDS; i++) {
		size_t at = 0;
		const char *v;
		bool first = true;
		while (ok && fields[i].option &&
		       (v = gt_args_next(args, fields[i].option, &at))) {
			json_t *text = option_text(v, fields[i].option, err);
			/* options replace what a file said, all of it */
			if (first)
				(void)json_object_del(draft, fields[i].key);
			first = false;
			ok = text && gt_draft_set(draft, fields[i].key, text,
			                          lang, "guantong", err);
			json_decref(text);
		}
	}
	return ok;
}

const char *gt_draft_option_given(const struct gt_args *args, const char **key)
{
	for (size_t i = 0; i < FIELDS; i++) {
		*key = fields[i].key;
		if (fields[i].option && gt_args_get(args, fields[i].option))
			return fields[i].option;
	}
	return NULL;
}

/* ------------------------------------------------------------- read */

static json_t *of_yaml(const struct gt_yaml_node *n)
{
	json_t *v = NULL;
	bool ok = true;
	if (n->kind == GT_YAML_SCALAR)
		return gt_yaml_is_null(n) ? json_null() : json_string(n->text);
	v = n->kind == GT_YAML_MAP ? json_object() : json_array();
	for (const struct gt_yaml_node *c = n->first; v && ok && c; c = c->next)
		ok = n->kind == GT_YAML_MAP
		             ? json_object_set_new(v, c->key, of_yaml(c)) == 0
		             : json_array_append_new(v, of_yaml(c)) == 0;
	if (!ok) {
		json_decref(v);
		return NULL;
	}
	return v;
}

/* Takes v, NULL for one that cannot be read. */
static bool add(struct gt_drafts *d, json_t *v, int line, int column, FILE *err)
{
	size_t n = json_array_size(d->v);
	/* room doubles: whenever n is a power of two */
	struct gt_draft_at *at = d->at;
	if ((n & (n - 1)) == 0)
		at = realloc(d->at, (n ? 2 * n : 1) * sizeof *at);
	if (!at || json_array_append_new(d->v, v ? v : json_null())) {
		if (!at)
			json_decref(v);
		else
			d->at = at;
		return no_memory(err);
	}
	d->at = at;
	at[n] = (struct gt_draft_at){line, column};
	return true;
}

static bool add_yaml(struct gt_drafts *d, const struct gt_yaml_node *n,
                     FILE *err)
{
	json_t *v = of_yaml(n);
	return v ? add(d, v, n->line, n->column, err) : no_memory(err);
}

static enum gt_exit read_yaml(struct gt_drafts *d, const char *name,
                              struct gt_bytes text, const char *lang, FILE *err)
{
	struct gt_yaml y;
	struct gt_complaints c = {NULL, 0};
	bool is_yaml = gt_yaml_parse(&y, name, text, lang, &c), ok = true;
	if (is_yaml) {
		const struct gt_yaml_node *list =
		        gt_yaml_get(y.root, "resources");
		const struct gt_yaml_node *n = list ? list->first : NULL;
		if (!list && y.root->first)
			ok = add_yaml(d, y.root, err);
		for (; ok && n; n = n->next)
			ok = add_yaml(d, n, err);
	} else if (c.n == 0) {
		ok = no_memory(err);
	}
	for (size_t i = 0; i < c.n; i++)
		(void)fprintf(err, "%s\n", c.v[i]);
	gt_complaints_free(&c);
	gt_yaml_free(&y);
	if (!ok)
		return GT_EXIT_FAILED;
	return is_yaml ? GT_EXIT_OK : GT_EXIT_USAGE;
}

/* Says, behind where it is, that the text is not UTF-8, and what it seems to
 * be. */
static void say_encoding(FILE *err, const char *name, int line,
                         const struct gt_encoding *e)
{
	(void)fprintf(err, "%s:%d:%d: ", name, line, e->column);
	if (e->name)
		gt_say(err, GT_T_ENCODING_FILE, e->name, e->shown);
	else
		gt_say(err, GT_T_YAML_ENCODING);
	(void)fputc('\n', err);
}

/* A line of JSON; false: no memory. One that is none is a flaw. */
static bool add_line(struct gt_drafts *d, const char *name, int line,
                     struct gt_bytes text, struct gt_flaws *flaws, FILE *err)
{
	char flaw[GT_TRANSLATE_MAX];
	json_error_t e;
	struct gt_encoding other;
	json_t *v = gt_json_load(text, JSON_REJECT_DUPLICATES, &e);
	FILE *said = v ? NULL : gt_flaws_open(flaws);
	if (said && gt_encoding_other(&other, text)) {
		say_encoding(said, name, line, &other);
	} else if (said) {
		(void)fprintf(said, "%s:%d:%d: ", name, line, e.column);
		gt_say(said, GT_T_CLI_DRAFT_JSON,
		       gt_translate(flaw, NULL, gt_json_flaw(&e)));
		if (gt_slip_escape(text))
			gt_say(said, GT_T_CLI_DRAFT_ESCAPE);
	}
	if (!v)
		gt_flaws_close(flaws, json_array_size(d->v), GT_EXIT_USAGE,
		               err);
	return add(d, v, line, 1, err);
}

/* Whether what stands below that line is not UTF-8 either. */
static bool other_below(struct gt_bytes text, int line)
{
	const char *p = (const char *)text.p, *end = p + text.n;
	for (; p && line > 0; line--) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return p && !gt_utf8_valid(p, (size_t)(end - p));
}

static enum gt_exit read_lines(struct gt_drafts *d, const char *name,
                               struct gt_bytes text, struct gt_flaws *flaws,
                               FILE *err)
{
	struct gt_encoding other;
	bool ok = true;
	/* of two bytes a character there are no lines to be read, and of other
	 * text as a whole no line need be told by itself */
	if (gt_encoding_other(&other, text) && other.name &&
	    (strncmp(other.name, "UTF-16", 6) == 0 ||
	     other_below(text, other.line))) {
		say_encoding(err, name, other.line, &other);
		return GT_EXIT_USAGE;
	}
	const char *p = (const char *)text.p, *end = p + text.n;
	for (int line = 1; ok && p < end; line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);
		/* files put one behind the other have marks within */
		struct gt_bytes one = gt_json_unmarked(gt_bytes_of(p, n));
		size_t blank = 0;
		while (blank < one.n && strchr(" \t\r", one.p[blank]))
			blank++;
		if (blank < one.n)
			ok = add_line(d, name, line, one, flaws, err);
		p += n + (nl != NULL);
	}
	return ok ? GT_EXIT_OK : GT_EXIT_FAILED;
}

static bool ends_in(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);
	return n >= m && strcmp(s + n - m, tail) == 0;
}

/* What office programs save tables as. */
static bool is_table(const char *path)
{
	static const char *const kinds[] = {"csv",  "tsv", "xls",
	                                    "xlsx", "ods", "et"};
	const char *dot = strrchr(path, '.');
	for (size_t i = 0; dot && i < sizeof kinds / sizeof *kinds; i++)
		if (strcasecmp(dot + 1, kinds[i]) == 0)
			return true;
	return false;
}

static enum gt_exit read_text(struct gt_drafts *out, const char *path,
                              struct gt_bytes text, const char *lang,
                              struct gt_flaws *flaws, FILE *err)
{
	bool yaml = ends_in(path, ".yaml") || ends_in(path, ".yml");
	if (is_table(path)) {
		gt_say(err, GT_T_CLI_DRAFT_TABLE, path);
		return GT_EXIT_USAGE;
	}
	enum gt_exit code = yaml ? read_yaml(out, path, text, lang, err)
	                         : read_lines(out, path, text, flaws, err);
	if (!code && json_array_size(out->v) == 0) {
		gt_say(err, GT_T_CLI_DRAFT_EMPTY, path);
		code = GT_EXIT_USAGE;
	}
	return code;
}

enum gt_exit gt_draft_read(struct gt_drafts *out, const char *path,
                           const char *lang, struct gt_flaws *flaws, FILE *err)
{
	char why[WHERE];
	struct gt_buffer text;
	*out = (struct gt_drafts){.v = json_array()};
	int status =
	        out->v ? gt_files_take(path, FILE_MAX, &text, why, sizeof why)
	               : -GT_ENOMEM;
	if (!out->v)
		(void)no_memory(err);
	else if (status)
		(void)fprintf(err, "guantong: %s\n", why);
	if (status)
		return gt_cli_exit(status);
	enum gt_exit code =
	        read_text(out, path, gt_buffer_bytes(&text), lang, flaws, err);
	gt_buffer_free(&text);
	return code;
}

void gt_drafts_free(struct gt_drafts *d)
{
	json_decref(d->v);
	free(d->at);
	*d = (struct gt_drafts){NULL, NULL};
}

static bool missing(FILE *err, const char *where, const char *key)
{
	(void)fprintf(err, "%s: ", where);
	gt_say(err, GT_T_CLI_DRAFT_MISSING, key, key);
	return false;
}

/* Of spaces alone, the wide one of Chinese among them. */
static bool is_blank(const json_t *text)
{
	static const char wide[] = "\xe3\x80\x80";
	const char *s = json_string_value(text);
	while (s && *s)
		if (strchr(" \t\r\n", *s))
			s++;
		else if (strncmp(s, wide, sizeof wide - 1) == 0)
			s += sizeof wide - 1;
		else
			return false;
	return true;
}

bool gt_draft_check(json_t *draft, const char *code, const char *where,
                    FILE *err)
{
	const char *id = json_string_value(json_object_get(draft, "id"));
	const char *tag;
	json_t *text, *title = json_object_get(draft, "title");
	char rid[GT_RID_MAX + 1];
	bool ok = true;
	if (!id)
		ok = missing(err, where, "id");
	if (id && !strchr(id, '/') &&
	    strlen(id) + strlen(code) + 1 < sizeof rid) {
		gt_format(rid, sizeof rid, "%s/%s", code, id);
		if (json_object_set_new(draft, "id", json_string(rid)))
			return no_memory(err);
		id = rid;
	}
	if (id && !gt_rid_valid(id))
		ok = say_wrong(err, where, GT_T_CLI_RID_BAD, id);
	if (json_object_size(title) == 0)
		ok = missing(err, where, "title");
	json_object_foreach(title, tag, text) if (is_blank(text)) ok =
	        say_wrong(err, where, GT_T_CLI_DRAFT_BLANK, tag);
	return ok;
}
