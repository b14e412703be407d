#include "json_tree.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

/* ---------------------------------------------------------- reading */

/* p walks a copy of the text in the arena, in which strings are put in order
 * where they stand and get their NUL in the place of the closing quote. A NUL
 * stands at the end, and stops whatever looks no further. */
struct reader {
	struct gt_arena *arena;
	char *p, *begin, *end;
	struct gt_json_fault *fault;
	unsigned depth;
};

/* Always false. The first thing that is wrong counts. */
static bool fail(struct reader *r, const char *at, const char *what)
{
	static const char early[] = "it ends too early";
	if (r->fault->what)
		return false;
	r->fault->what = at >= r->end ? early : what;
	r->fault->at = (size_t)(at - r->begin);
	return false;
}

static bool unexpected(struct reader *r, const char *at)
{
	return fail(r, at, "a character is not expected there");
}

static void space(struct reader *r)
{
	while (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t')
		r->p++;
}

static bool take(struct reader *r, char c)
{
	space(r);
	if (*r->p != c)
		return false;
	r->p++;
	return true;
}

/* ---------------------------------------------------------- strings */

/* ASCII that means itself in a string. */
static bool plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The next byte that ends a run of characters which mean themselves. */
static char *run_end(const struct reader *r, char *p)
{
	for (;;) {
		size_t len;
		while (plain((unsigned char)*p))
			p++;
		if ((unsigned char)*p < 0x80 ||
		    gt_utf8_next(p, (size_t)(r->end - p), &len) ==
		            GT_UTF8_BROKEN)
			return p;
		p += len;
	}
}

static char *put_utf8(char *w, uint32_t c)
{
	if (c < 0x80) {
		*w++ = (char)c;
		return w;
	}
	int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
	*w++ = (char)(lead[more] | (c >> (6 * more)));
	while (more-- > 0)
		*w++ = (char)(0x80 | (c >> (6 * more) & 0x3f));
	return w;
}

/* Behind "\u". -1: no four digits. */
static int32_t unit(const char *p)
{
	int32_t c = 0;
	for (int i = 0; i < 4; i++) {
		int d = gt_hex_digit(p[i]);
		if (d < 0)
			return -1;
		c = c << 4 | d;
	}
	return c;
}

/* An escape at p; *w goes on. Returns what follows it, NULL: it is none. No
 * escape is shorter than what it stands for. */
static char *unescape(char *p, char **w)
{
	static const char named[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
	for (size_t i = 0; i + 1 < sizeof named; i += 2)
		if (p[1] == named[i]) {
			*(*w)++ = named[i + 1];
			return p + 2;
		}
	int32_t c = p[1] == 'u' ? unit(p + 2) : -1;
	if (c < 0 || (c >= 0xdc00 && c <= 0xdfff))
		return NULL;
	p += 6;
	if (c >= 0xd800 && c < 0xdc00) {
		int32_t low = p[0] == '\\' && p[1] == 'u' ? unit(p + 2) : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	*w = put_utf8(*w, (uint32_t)c);
	return p;
}

/* p is on the opening quote. */
static bool read_string(struct reader *r, const char **text, uint32_t *n)
{
	char *from = r->p + 1, *p = from, *w = from;
	for (;;) {
		char *stop = run_end(r, p);
		if (w != p)
			memmove(w, p, (size_t)(stop - p));
		w += stop - p;
		p = stop;
		if (*p == '"')
			break;
		if ((unsigned char)*p >= 0x80)
			return fail(r, p, "a text is not UTF-8");
		char *next = *p == '\\' ? unescape(p, &w) : NULL;
		if (!next)
			return unexpected(r, p);
		p = next;
	}
	*w = '\0';
	r->p = p + 1;
	*text = from;
	*n = (uint32_t)(w - from);
	return true;
}

/* ------------------------------------------------ numbers and words */

static const char *digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* One past the number that p begins; NULL: it is none. *at: where it is not. */
static const char *number_end(const char *p, const char **at)
{
	p += *p == '-';
	*at = p;
	const char *end = *p == '0' ? p + 1 : digits(p);
	if (end == p)
		return NULL;
	if (*end == '.') {
		*at = p = end + 1;
		end = digits(p);
		if (end == p)
			return NULL;
	}
	if (*end != 'e' && *end != 'E')
		return end;
	p = end + 1;
	*at = p += *p == '+' || *p == '-';
	end = digits(p);
	return end == p ? NULL : end;
}

static bool read_number(struct reader *r, struct gt_json_node *v)
{
	const char *at, *end = number_end(r->p, &at);
	if (!end)
		return unexpected(r, at);
	v->type = GT_JSON_NUMBER;
	v->text = r->p;
	v->n = (uint32_t)(end - r->p);
	if (!gt_json_number_fits(v->text, v->n))
		return fail(r, r->p, "a number is too large");
	r->p += v->n;
	return true;
}

static bool read_word(struct reader *r, struct gt_json_node *v)
{
	static const struct {
		const char *word;
		size_t n;
		enum gt_json_type type;
	} words[] = {{"null", 4, GT_JSON_NULL},
	             {"false", 5, GT_JSON_FALSE},
	             {"true", 4, GT_JSON_TRUE}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strncmp(r->p, words[i].word, words[i].n) == 0) {
			v->type = words[i].type;
			r->p += words[i].n;
			return true;
		}
	return unexpected(r, r->p);
}

/* -------------------------------------------------- arrays, objects */

/* RFC 8785 sorts by UTF-16 units. UTF-8 sorts by code point, which differs only
 * in that U+10000 and beyond come before U+E000..U+FFFF. */
static int rank(unsigned char lead)
{
	return lead == 0xee || lead == 0xef ? lead + 0x20 : lead;
}

static int by_units(const struct gt_json_node *x, const struct gt_json_node *y)
{
	uint32_t n = x->nkey < y->nkey ? x->nkey : y->nkey;
	for (uint32_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)x->key[i];
		unsigned char d = (unsigned char)y->key[i];
		if (c != d)
			return rank(c) - rank(d);
	}
	return x->nkey < y->nkey ? -1 : x->nkey > y->nkey;
}

static int compare(const void *a, const void *b)
{
	return by_units(*(struct gt_json_node *const *)a,
	                *(struct gt_json_node *const *)b);
}

/* Few are sorted as they come. */
static void insert(struct gt_json_node **row, uint32_t n,
                   struct gt_json_node *v)
{
	while (n > 0 && by_units(row[n - 1], v) > 0) {
		row[n] = row[n - 1];
		n--;
	}
	row[n] = v;
}

static bool sort(struct reader *r, struct gt_json_node *v)
{
	enum { FEW = 16 };
	uint32_t n = 0;
	if (v->n == 0)
		return true;
	v->sorted = gt_arena_get(r->arena, v->n * sizeof(*v->sorted));
	if (!v->sorted)
		return false;
	for (struct gt_json_node *m = v->first; m; m = m->next, n++)
		if (v->n <= FEW)
			insert(v->sorted, n, m);
		else
			v->sorted[n] = m;
	if (n > FEW)
		qsort(v->sorted, n, sizeof(*v->sorted), compare);
	for (uint32_t i = 1; i < n; i++)
		if (by_units(v->sorted[i - 1], v->sorted[i]) == 0)
			return fail(r, r->p - 1, "duplicate name in an object");
	return true;
}

/* a value may hold values */
static bool read_value(struct reader *r, struct gt_json_node *v);

static bool read_name(struct reader *r, struct gt_json_node *v)
{
	space(r);
	if (*r->p != '"')
		return unexpected(r, r->p);
	return read_string(r, &v->key, &v->nkey) &&
	       (take(r, ':') || unexpected(r, r->p));
}

static bool read_members(struct reader *r, struct gt_json_node *v, char close)
{
	struct gt_json_node **last = &v->first;
	v->type = close == '}' ? GT_JSON_OBJECT : GT_JSON_ARRAY;
	r->p++;
	if (take(r, close))
		return true;
	do {
		struct gt_json_node *m = gt_arena_get(r->arena, sizeof *m);
		if (!m)
			return false;
		memset(m, 0, sizeof *m);
		if ((close == '}' && !read_name(r, m)) || !read_value(r, m))
			return false;
		*last = m;
		last = &m->next;
		v->n++;
	} while (take(r, ','));
	if (*r->p != close)
		return unexpected(r, r->p);
	r->p++;
	return close == ']' || sort(r, v);
}

static bool read_nested(struct reader *r, struct gt_json_node *v, char close)
{
	if (r->depth == GT_JSON_DEPTH)
		return fail(r, r->p, "nested too deep");
	r->depth++;
	bool ok = read_members(r, v, close);
	r->depth--;
	return ok;
}

static bool read_value(struct reader *r, struct gt_json_node *v)
{
	space(r);
	switch (*r->p) {
	case '{':
		return read_nested(r, v, '}');
	case '[':
		return read_nested(r, v, ']');
	case '"':
		v->type = GT_JSON_STRING;
		return read_string(r, &v->text, &v->n);
	case 'n':
	case 'f':
	case 't':
		return read_word(r, v);
	default:
		return read_number(r, v);
	}
}

int gt_json_tree(const struct gt_json_node **out, struct gt_arena *arena,
                 struct gt_bytes text, struct gt_json_fault *fault)
{
	struct gt_json_node *v = gt_arena_get(arena, sizeof *v);
	char *copy = gt_arena_get(arena, text.n + 1);
	*fault = (struct gt_json_fault){0};
	if (!v || !copy || text.n > UINT32_MAX)
		return -GT_ENOMEM;
	if (text.n)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	memset(v, 0, sizeof *v);
	struct reader r = {.arena = arena,
	                   .p = copy,
	                   .begin = copy,
	                   .end = copy + text.n,
	                   .fault = fault};
	bool ok = read_value(&r, v);
	space(&r);
	if (ok && r.p != r.end)
		ok = fail(&r, r.p, "something follows it");
	*out = v;
	return ok ? 0 : fault->what ? -GT_EMALFORMED : -GT_ENOMEM;
}

/* ---------------------------------------------------------- walking */

const struct gt_json_node *gt_json_find(const struct gt_json_node *v,
                                        const char *name)
{
	size_t n = strlen(name);
	if (!v || v->type != GT_JSON_OBJECT)
		return NULL;
	for (v = v->first; v; v = v->next)
		if (v->nkey == n && memcmp(v->key, name, n) == 0)
			return v;
	return NULL;
}

bool gt_json_is(const struct gt_json_node *v, const char *text)
{
	size_t n = strlen(text);
	return v && v->type == GT_JSON_STRING && v->n == n &&
	       memcmp(v->text, text, n) == 0;
}

const char *gt_json_text_of(const struct gt_json_node *v)
{
	return v && v->type == GT_JSON_STRING ? v->text : "";
}

double gt_json_double(const struct gt_json_node *v)
{
	assert(v->type == GT_JSON_NUMBER);
	return gt_json_number_value(v->text, v->n);
}

/* ---------------------------------------------------------- writing */

static void put_members(struct gt_buffer *o, const struct gt_json_node *v)
{
	for (uint32_t i = 0; i < v->n; i++) {
		const struct gt_json_node *m = v->sorted[i];
		if (i)
			gt_buffer_add(o, ",", 1);
		gt_json_put_string(o, m->key, m->nkey);
		gt_buffer_add(o, ":", 1);
		gt_json_put(o, m);
	}
}

void gt_json_put(struct gt_buffer *o, const struct gt_json_node *v)
{
	switch (v->type) {
	case GT_JSON_NULL:
		gt_buffer_add(o, "null", 4);
		break;
	case GT_JSON_FALSE:
		gt_buffer_add(o, "false", 5);
		break;
	case GT_JSON_TRUE:
		gt_buffer_add(o, "true", 4);
		break;
	case GT_JSON_NUMBER:
		gt_json_put_number(o, v->text, v->n);
		break;
	case GT_JSON_STRING:
		gt_json_put_string(o, v->text, v->n);
		break;
	case GT_JSON_ARRAY:
		gt_buffer_add(o, "[", 1);
		for (const struct gt_json_node *m = v->first; m; m = m->next) {
			gt_json_put(o, m);
			if (m->next)
				gt_buffer_add(o, ",", 1);
		}
		gt_buffer_add(o, "]", 1);
		break;
	case GT_JSON_OBJECT:
		gt_buffer_add(o, "{", 1);
		put_members(o, v);
		gt_buffer_add(o, "}", 1);
		break;
	}
}
