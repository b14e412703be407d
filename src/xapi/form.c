#include "form.h"

#include <stdlib.h>
#include <string.h>

#include "iso8601.h"
#include "json.h"
#include "xapi_table.h"

/* Written as it is walked: names come in the order of RFC 8785, each value as
 * its type says. A value that is not of its type (only a likeness meets any) is
 * written as it stands. What memory is short for, the buffer and the arena say
 * at the end. */
struct form {
	struct gt_buffer *o;
	struct gt_arena *arena;
	bool like;         /* the likeness */
	const char *given; /* the time to put in, NULL once it is, or none is */
};

static void put(struct form *f, const struct gt_type *t,
                const struct gt_json_node *v);

static void put_comma(struct form *f, bool *any)
{
	if (*any)
		gt_buffer_add(f->o, ",", 1);
	*any = true;
}

/* ------------------------------------------------------------ texts */

static char *lower(struct form *f, const char *s, uint32_t n)
{
	char *text = gt_arena_get(f->arena, n + 1);
	for (uint32_t i = 0; text && i < n; i++)
		text[i] = gt_lower(s[i]);
	return text;
}

static void put_lower(struct form *f, const struct gt_json_node *v)
{
	char *text = lower(f, v->text, v->n);
	if (text)
		gt_json_put_string(f->o, text, v->n);
}

/* A duration without what is below its hundredths, nor zeros at its end. */
static void put_cut(struct form *f, const struct gt_json_node *v)
{
	size_t at = strcspn(v->text, ".,");
	size_t n = strspn(v->text + at + (at < v->n), "0123456789");
	char *text = gt_arena_get(f->arena, v->n + 1);
	if (!text)
		return;
	if (at >= v->n || at + 1 + n + 1 != v->n || v->text[v->n - 1] != 'S') {
		gt_json_put_string(f->o, v->text, v->n);
		return;
	}
	n = n > 2 ? 2 : n;
	memcpy(text, v->text, v->n);
	text[at] = '.';
	while (n > 0 && text[at + n] == '0')
		n--;
	at += n > 0 ? n + 1 : 0;
	text[at] = 'S';
	gt_json_put_string(f->o, text, at + 1);
}

static void put_text(struct form *f, const struct gt_type *t,
                     const struct gt_json_node *v)
{
	char utc[GT_ISO_UTC_CHARS];
	if (t->form == GT_FORM_CASE)
		put_lower(f, v);
	else if (t->form == GT_FORM_LENGTH && f->like)
		put_cut(f, v);
	else if (t->form == GT_FORM_TIME && gt_iso_utc(utc, v->text))
		gt_json_put_string(f->o, utc, strlen(utc));
	else
		gt_json_put_string(f->o, v->text, v->n);
}

/* ------------------------------------------------- objects and maps */

static void put_given(struct form *f, bool *any)
{
	static const char name[] = "\"timestamp\":";
	struct gt_json_node v = {.type = GT_JSON_STRING};
	static const struct gt_type time = {.form = GT_FORM_TIME};
	v.text = f->given;
	v.n = (uint32_t)strlen(f->given);
	f->given = NULL;
	put_comma(f, any);
	gt_buffer_add(f->o, name, sizeof name - 1);
	put_text(f, &time, &v);
}

static void put_object(struct form *f, const struct gt_type *t,
                       const struct gt_json_node *v)
{
	bool any = false, whole = t == &gt_type_statement;
	gt_buffer_add(f->o, "{", 1);
	for (uint32_t i = 0; i < v->n; i++) {
		const struct gt_json_node *m = v->sorted[i];
		const struct gt_prop *p = gt_type_prop(t, m, GT_XAPI_ANY);
		if (whole && f->given && strcmp(m->key, "timestamp") > 0)
			put_given(f, &any);
		if (p && p->flags & GT_PROP_DROPPED)
			continue;
		put_comma(f, &any);
		gt_json_put_string(f->o, m->key, m->nkey);
		gt_buffer_add(f->o, ":", 1);
		if (p)
			put(f, p->type, m);
		else
			gt_json_put(f->o, m);
	}
	if (whole && f->given)
		put_given(f, &any);
	gt_buffer_add(f->o, "}", 1);
}

/* A tag in lower case, and its text. */
struct tag {
	const char *key;
	const struct gt_json_node *v;
};

static int by_tag(const void *a, const void *b)
{
	const struct tag *x = a, *y = b;
	int order = strcmp(x->key, y->key);
	return order ? order
	             : strcmp(gt_json_text_of(x->v), gt_json_text_of(y->v));
}

static void put_languages(struct form *f, const struct gt_json_node *v)
{
	struct tag *tags = gt_arena_get(f->arena, (v->n + 1) * sizeof *tags);
	size_t n = 0;
	for (const struct gt_json_node *m = v->first; tags && m; m = m->next) {
		char *key = lower(f, m->key, m->nkey);
		if (!key)
			return;
		key[m->nkey] = '\0';
		tags[n++] = (struct tag){key, m};
	}
	if (n)
		qsort(tags, n, sizeof *tags, by_tag);
	gt_buffer_add(f->o, "{", 1);
	for (size_t i = 0; i < n; i++) {
		if (i)
			gt_buffer_add(f->o, ",", 1);
		gt_json_put_string(f->o, tags[i].key, tags[i].v->nkey);
		gt_buffer_add(f->o, ":", 1);
		gt_json_put(f->o, tags[i].v);
	}
	gt_buffer_add(f->o, "}", 1);
}

/* ------------------------------------------------------------ lists */

/* No text of an object begins another's. */
static int by_text(const void *a, const void *b)
{
	const struct gt_bytes *x = a, *y = b;
	return memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
}

/* What was written behind `from`, whose pieces end at ends[], in their order. */
static void put_sorted(struct form *f, size_t from, const size_t *ends,
                       size_t n)
{
	uint8_t *copy = gt_arena_copy(f->arena, f->o->p + from, f->o->n - from);
	struct gt_bytes *row = gt_arena_get(f->arena, n * sizeof *row);
	if (!copy || !row)
		return;
	for (size_t i = 0; i < n; i++) {
		size_t begin = i ? ends[i - 1] : from;
		row[i] = gt_bytes_of(copy + (begin - from), ends[i] - begin);
	}
	qsort(row, n, sizeof *row, by_text);
	f->o->n = from;
	for (size_t i = 0; i < n; i++) {
		if (i)
			gt_buffer_add(f->o, ",", 1);
		gt_buffer_add(f->o, row[i].p, row[i].n);
	}
}

static void put_list(struct form *f, const struct gt_type *t,
                     const struct gt_json_node *v)
{
	bool any = false, sorted = t->form == GT_FORM_ORDER && v->n > 1;
	size_t *ends = NULL, n = 0;
	if (sorted)
		ends = gt_arena_get(f->arena, v->n * sizeof *ends);
	gt_buffer_add(f->o, "[", 1);
	size_t from = f->o->n;
	for (const struct gt_json_node *m = v->first; m; m = m->next) {
		if (!sorted)
			put_comma(f, &any);
		put(f, t->of, m);
		if (ends)
			ends[n++] = f->o->n;
	}
	if (ends && !f->o->failed)
		put_sorted(f, from, ends, n);
	gt_buffer_add(f->o, "]", 1);
}

static void put_one(struct form *f, const struct gt_type *t,
                    const struct gt_json_node *v)
{
	gt_buffer_add(f->o, "[", 1);
	put(f, t->of, v);
	gt_buffer_add(f->o, "]", 1);
}

/* ------------------------------------------------------- everything */

static void put(struct form *f, const struct gt_type *t,
                const struct gt_json_node *v)
{
	if (t->shape == GT_SHAPE_CHOICE)
		t = gt_type_chosen(t, v);
	if (!t)
		gt_json_put(f->o, v);
	else if (t->shape == GT_SHAPE_TEXT && v->type == GT_JSON_STRING)
		put_text(f, t, v);
	else if (t->shape == GT_SHAPE_OBJECT && v->type == GT_JSON_OBJECT)
		put_object(f, t, v);
	else if (t->of && v->type == GT_JSON_ARRAY)
		put_list(f, t, v);
	else if (t->shape == GT_SHAPE_ONE && v->type == GT_JSON_OBJECT)
		put_one(f, t, v);
	else if (t->shape == GT_SHAPE_LANGUAGES && f->like &&
	         v->type == GT_JSON_OBJECT)
		put_languages(f, v);
	else
		gt_json_put(f->o, v);
}

static int hash(struct gt_id *out, struct form *f,
                const struct gt_json_node *statement)
{
	f->o->n = 0;
	put(f, &gt_type_statement, statement);
	if (f->o->failed || gt_arena_short(f->arena))
		return -GT_ENOMEM;
	gt_sha256_one(out, f->o->p, f->o->n);
	return 0;
}

int gt_form_hash(struct gt_id *out, const struct gt_json_node *statement,
                 struct gt_arena *arena, struct gt_buffer *scratch)
{
	struct form f = {.o = scratch, .arena = arena};
	return hash(out, &f, statement);
}

int gt_form_like(struct gt_id *out, const struct gt_json_node *statement,
                 const char *given, struct gt_arena *arena,
                 struct gt_buffer *scratch)
{
	struct form f = {.o = scratch, .arena = arena, .like = true};
	if (!gt_json_find(statement, "timestamp"))
		f.given = given;
	return hash(out, &f, statement);
}
