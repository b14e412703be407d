#include "http_publish.h"

#include <string.h>

#include "code.h"
#include "guantong.pb-c.h"
#include "http_parse.h"
#include "http_request.h"
#include "object.h"
#include "stage.h"

enum { WORD_MAX = 256, TITLE_MAX = 1024 };

struct parse {
	const json_t *from;
	const char *lang;
	struct gt_arena *arena;
	int status; /* the first thing wrong */
	char *why;
	size_t why_cap;
};

static void wrong(struct parse *p, int status, enum gt_text text,
                  const char *key)
{
	if (p->status != 0)
		return;
	p->status = status;
	gt_http_say(p->why, p->why_cap, p->lang, text, key);
}

/* jansson lends const strings, protobuf-c's structs hold plain ones. */
static char *copy(struct parse *p, const char *s)
{
	char *out = gt_arena_str(p->arena, s);
	if (!out)
		wrong(p, -GT_ENOMEM, GT_T_HTTP_MEMORY, "");
	return out;
}

static char *text_of(struct parse *p, const char *key, const json_t *v,
                     size_t max)
{
	const char *s = json_string_value(v);
	if (!s)
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_TEXT, key);
	else if (json_string_length(v) > max)
		wrong(p, -GT_ELIMIT, GT_T_HTTP_KEY_LONG, key);
	else if (strlen(s) != json_string_length(v))
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_VALUE, key);
	return p->status == 0 ? copy(p, s) : NULL;
}

/* An optional text; "" when absent or null. */
static char *word(struct parse *p, const char *key)
{
	static char none[] = "";
	const json_t *v = json_object_get(p->from, key);
	if (!v || json_is_null(v))
		return none;
	char *s = text_of(p, key, v, WORD_MAX);
	return s ? s : none;
}

static bool count_fits(struct parse *p, const char *key, size_t n)
{
	if (n > GT_VALUES_MAX)
		wrong(p, -GT_ELIMIT, GT_T_HTTP_KEY_MANY, key);
	return p->status == 0;
}

static void words(struct parse *p, const char *key, char ***out, size_t *n)
{
	const json_t *v = json_object_get(p->from, key);
	if (!v || json_is_null(v))
		return;
	if (!json_is_array(v)) {
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_LIST, key);
		return;
	}
	size_t count = json_array_size(v);
	if (count == 0 || !count_fits(p, key, count))
		return;
	*out = gt_arena_get(p->arena, count * sizeof **out);
	if (!*out) {
		wrong(p, -GT_ENOMEM, GT_T_HTTP_MEMORY, "");
		return;
	}
	for (size_t i = 0; i < count && p->status == 0; i++) {
		(*out)[i] = text_of(p, key, json_array_get(v, i), WORD_MAX);
		if (p->status == 0 && !*(*out)[i])
			wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_VALUE, key);
	}
	*n = p->status == 0 ? count : 0;
}

static bool tag_fits(const char *tag)
{
	size_t n = strspn(tag, "abcdefghijklmnopqrstuvwxyz"
	                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
	return n > 0 && n <= 35 && tag[n] == '\0';
}

/* {"zh-CN": "…"} */
static void texts(struct parse *p, const char *key, size_t max, Gt__Text ***out,
                  size_t *n)
{
	json_t *v = json_object_get(p->from, key);
	const char *tag;
	json_t *text;
	if (!v || json_is_null(v))
		return;
	if (!json_is_object(v)) {
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_TEXTS, key);
		return;
	}
	size_t count = json_object_size(v);
	if (count == 0 || !count_fits(p, key, count))
		return;
	*out = gt_arena_get(p->arena, count * sizeof **out);
	Gt__Text *room = gt_arena_get(p->arena, count * sizeof *room);
	if (!*out || !room) {
		wrong(p, -GT_ENOMEM, GT_T_HTTP_MEMORY, "");
		return;
	}
	json_object_foreach(v, tag, text)
	{
		if (!tag_fits(tag))
			wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_TEXTS, key);
		Gt__Text *t = room + *n;
		gt__text__init(t);
		t->text = text_of(p, key, text, max);
		if (p->status != 0)
			return;
		t->lang = copy(p, tag);
		(*out)[(*n)++] = t;
	}
}

static bool known(const char *key)
{
	static const char *const keys[] = {
	        "id",        "title",     "description", "type",     "subjects",
	        "audiences", "languages", "licence",     "regions",  "keywords",
	        "start",     "thumbnail", "staged",      "manifest",
	};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static void check_keys(struct parse *p)
{
	json_t *from = json_incref(gt_lend(p->from)), *v;
	const char *key;
	json_object_foreach(from, key, v)
	{
		if (!known(key))
			wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_UNKNOWN, key);
	}
	json_decref(from);
}

static void path_fits(struct parse *p, const char *key, const char *path)
{
	if (*path && gt_path_refusal(path, strlen(path)))
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_PATH, key);
}

static void check_entry(struct parse *p, const Gt__Entry *e)
{
	if (!gt_rid_valid(e->id))
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_ID, "id");
	if (e->n_title == 0)
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_MISSING, "title");
	if (!*e->type)
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_MISSING, "type");
	for (size_t i = 0; i < e->n_regions; i++)
		if (!gt_code_valid(e->regions[i]))
			wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_REGION,
			      e->regions[i]);
	for (size_t i = 0; i < e->n_languages; i++)
		if (!tag_fits(e->languages[i]))
			wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_VALUE,
			      "languages");
	path_fits(p, "start", e->start);
	path_fits(p, "thumbnail", e->thumbnail);
}

static void content(struct parse *p, struct gt_draft *d, bool may)
{
	const json_t *staged = json_object_get(p->from, "staged");
	const json_t *manifest = json_object_get(p->from, "manifest");
	d->staged = "";
	if (!staged && !manifest)
		return;
	if (!may) {
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_CONTENT, "staged");
		return;
	}
	char *name = text_of(p, "staged", staged, GT_STAGED_NAME_MAX);
	if (!name)
		return;
	if (!*name || *name == '.' || strchr(name, '/'))
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_VALUE, "staged");
	const char *text = json_string_value(manifest);
	if (!text) {
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_MISSING, "manifest");
		return;
	}
	size_t n = json_string_length(manifest), len = 0;
	if (n == 0 || n / 4 * 3 > GT_MANIFEST_MAX + 3) {
		wrong(p, -GT_ELIMIT, GT_T_HTTP_KEY_LONG, "manifest");
		return;
	}
	uint8_t *bytes = gt_arena_get(p->arena, n / 4 * 3 + 3);
	if (!bytes)
		wrong(p, -GT_ENOMEM, GT_T_HTTP_MEMORY, "");
	else if (!gt_http_unbase64(bytes, &len, text, n))
		wrong(p, -GT_EINVALID, GT_T_HTTP_KEY_BASE64, "manifest");
	d->staged = name;
	d->manifest = gt_bytes_of(bytes, len);
}

static void draft(struct parse *p, struct gt_draft *d, bool may_content)
{
	Gt__Entry e;
	gt__entry__init(&e);
	if (!json_is_object(p->from)) {
		wrong(p, -GT_EINVALID, GT_T_HTTP_NOT_OBJECT, "");
		return;
	}
	check_keys(p);
	e.id = word(p, "id");
	e.type = word(p, "type");
	e.licence = word(p, "licence");
	e.start = word(p, "start");
	e.thumbnail = word(p, "thumbnail");
	texts(p, "title", TITLE_MAX, &e.title, &e.n_title);
	texts(p, "description", GT_TEXT_MAX, &e.description, &e.n_description);
	words(p, "subjects", &e.subjects, &e.n_subjects);
	words(p, "audiences", &e.audiences, &e.n_audiences);
	words(p, "languages", &e.languages, &e.n_languages);
	words(p, "regions", &e.regions, &e.n_regions);
	words(p, "keywords", &e.keywords, &e.n_keywords);
	if (p->status == 0)
		check_entry(p, &e);
	content(p, d, may_content);
	if (p->status != 0)
		return;
	d->entry = gt_arena_pack(p->arena, &e.base);
	if (!d->entry.p)
		wrong(p, -GT_ENOMEM, GT_T_HTTP_MEMORY, "");
	else if (d->entry.n > GT_ENTRY_MAX)
		wrong(p, -GT_ELIMIT, GT_T_HTTP_KEY_LONG, "description");
}

int gt_publish_parse(const json_t *value, const char *lang,
                     struct gt_arena *arena, struct gt_draft **drafts,
                     /* NOLINTNEXTLINE(readability-non-const-parameter) */
                     size_t *n, char *why, size_t why_cap)
{
	struct parse p = {
	        .lang = lang, .arena = arena, .why = why, .why_cap = why_cap};
	bool many = json_is_array(value);
	*n = many ? json_array_size(value) : 1;
	if (*n == 0 || *n > GT_SEAL_MAX) {
		wrong(&p, -GT_ELIMIT, GT_T_HTTP_BATCH, "");
		return p.status;
	}
	*drafts = gt_arena_get(arena, *n * sizeof **drafts);
	if (!*drafts) {
		wrong(&p, -GT_ENOMEM, GT_T_HTTP_MEMORY, "");
		return p.status;
	}
	memset(*drafts, 0, *n * sizeof **drafts);
	for (size_t i = 0; i < *n && p.status == 0; i++) {
		p.from = many ? json_array_get(value, i) : value;
		draft(&p, *drafts + i, !many);
	}
	return p.status;
}
