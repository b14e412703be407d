#include "translate.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "error.h"
#include "text.h"

enum { PIECES = 9, ERRNOS = 140 };

struct row {
	const char *en, *zh;
};

static const struct row rows[] = {
#define SENTENCE(en, zh) {en, zh},
#define LIBRARY          SENTENCE
#include "texts_core.def"
#undef LIBRARY
#undef SENTENCE
#define X(name, number, en, zh) {en, zh},
        GT_ERRORS(X)
#undef X
};

struct span {
	const char *p;
	size_t n;
};

/* --------------------------------------------------------- matching */

/* A sentence against a format. */
struct match {
	const char *format;
	struct span s;
	size_t at; /* in s */
	struct span piece[PIECES];
	bool text[PIECES]; /* else a number */
	size_t pieces;
	size_t before; /* bytes that are the format's own, before a piece */
	size_t own;    /* and in all */

	/* the last %s, which takes more when what follows does not fit */
	const char *retry;
	size_t retry_at, retry_pieces;
};

/* Length of the conversion a format begins with, 0: none, it is a character. */
static size_t conversion(const char *format)
{
	if (format[0] != '%' || format[1] == '%')
		return 0;
	size_t n = 1 + strspn(format + 1, "-0123456789.*");
	n += strspn(format + n, "hlzj");
	return n + 1;
}

static bool take_number(struct match *m)
{
	const char *p = m->s.p;
	size_t from = m->at, at = from;
	if (at < m->s.n && p[at] == '-')
		at++;
	size_t digits = at;
	while (at < m->s.n && p[at] >= '0' && p[at] <= '9')
		at++;
	if (at == digits)
		return false;
	m->piece[m->pieces++] = (struct span){p + from, at - from};
	m->at = at;
	return true;
}

/* Length of what stands in quotes here: a path, in which a sentence's own ": "
 * must not be looked for (gt_path_show). */
static size_t quoted(const struct match *m)
{
	const char *p = m->s.p + m->at, *end = NULL;
	if (m->s.n - m->at > 1 && *p == '"')
		end = memchr(p + 1, '"', m->s.n - m->at - 1);
	return end ? (size_t)(end - p) + 1 : 0;
}

/* One step of the format. False: it does not fit here. */
static bool step(struct match *m)
{
	size_t n = conversion(m->format);
	if (n) {
		bool text = m->format[n - 1] == 's';
		m->format += n;
		m->text[m->pieces] = text;
		if (!text)
			return take_number(m);
		size_t taken = quoted(m);
		m->piece[m->pieces++] = (struct span){m->s.p + m->at, taken};
		m->at += taken;
		m->retry = m->format;
		m->retry_at = m->at;
		m->retry_pieces = m->pieces;
		return true;
	}
	if (m->at == m->s.n || m->s.p[m->at] != *m->format)
		return false;
	m->format += *m->format == '%' ? 2 : 1;
	m->at++;
	return true;
}

/* Lets the last %s take one byte more. */
static bool retry(struct match *m)
{
	if (!m->retry || m->retry_at == m->s.n)
		return false;
	m->format = m->retry;
	m->at = ++m->retry_at;
	m->pieces = m->retry_pieces;
	m->piece[m->pieces - 1].n++;
	return true;
}

static bool fits(struct match *m, const struct row *row, struct span s)
{
	*m = (struct match){.format = row->en, .s = s};
	while (*m->format || m->at < s.n) {
		bool open = *m->format != '\0';
		/* nothing comes behind it: it takes all that is left */
		if (!open && m->retry == m->format) {
			m->piece[m->pieces - 1].n += s.n - m->at;
			m->at = s.n;
		} else if (!(open && step(m)) && !retry(m)) {
			return false;
		}
	}
	m->before = m->pieces ? (size_t)(m->piece[0].p - s.p) : s.n;
	m->own = s.n;
	for (size_t i = 0; i < m->pieces; i++)
		m->own -= m->piece[i].n;
	return true;
}

static const struct row *find(struct match *best, struct span s)
{
	const struct row *found = NULL;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct match m;
		if (!fits(&m, &rows[i], s))
			continue;
		if (!found || m.before > best->before ||
		    (m.before == best->before && m.own > best->own)) {
			found = &rows[i];
			*best = m;
		}
	}
	return found;
}

/* ---------------------------------------------------------- writing */

struct writer {
	char *out;
	size_t n;
	bool full, changed;
};

static void put(struct writer *w, const char *p, size_t n)
{
	if (w->full || n >= GT_TRANSLATE_MAX - w->n) {
		w->full = true;
		return;
	}
	memcpy(w->out + w->n, p, n);
	w->n += n;
}

/* a piece of a sentence may be a sentence itself */
static void put_sentence(struct writer *w, struct span s, unsigned depth);

static void put_row(struct writer *w, const char *zh, const struct match *m,
                    unsigned depth)
{
	w->changed = true;
	while (*zh) {
		size_t n = strcspn(zh, "{");
		put(w, zh, n);
		zh += n;
		if (!*zh)
			return;
		/* the table's, held to {1}...{9} that are there by a test */
		size_t i = (size_t)(zh[1] - '1');
		assert(i < m->pieces);
		zh += 3;
		if (m->text[i])
			put_sentence(w, m->piece[i], depth + 1);
		else
			put(w, m->piece[i].p, m->piece[i].n);
	}
}

/* Bytes up to and with the first ": ". */
static size_t behind_colon(struct span s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i - 1] == ':' && s.p[i] == ' ')
			return i + 1;
	return 0;
}

/* Ours, and the word of a library that no row knows in its brackets. */
static void put_unknown(struct writer *w, const char *tag, struct span s)
{
	const char *text = gt_text_in(tag, GT_T_LIBRARY_WORD);
	const char *at = strstr(text, "%s");
	assert(at);
	w->changed = true;
	put(w, text, (size_t)(at - text));
	put(w, s.p, s.n);
	put(w, at + 2, strlen(at + 2));
}

/* What the C library says of an errno: more than have a row. */
static bool of_errno(struct span s)
{
	for (int i = 1; i < ERRNOS; i++) {
		char en[128];
		if (strerror_r(i, en, sizeof en) == 0 && strlen(en) == s.n &&
		    memcmp(en, s.p, s.n) == 0)
			return true;
	}
	return false;
}

static void put_sentence(struct writer *w, struct span s, unsigned depth)
{
	struct match m;
	bool word = depth > 0 && !memchr(s.p, ' ', s.n);
	bool known = !word && depth < GT_TRANSLATE_DEPTH;
	const struct row *row = known ? find(&m, s) : NULL;
	size_t head = known && !row ? behind_colon(s) : 0;
	if (row) {
		put_row(w, row->zh, &m, depth);
		return;
	}
	if (known && of_errno(s)) {
		put_unknown(w, "zh-CN", s);
		return;
	}
	put(w, s.p, head ? head : s.n);
	if (head)
		put_sentence(w, (struct span){s.p + head, s.n - head},
		             depth + 1);
}

const char *gt_translate(char out[GT_TRANSLATE_MAX], const char *tag,
                         const char *sentence)
{
	struct writer w = {.out = out};
	size_t n = strlen(sentence);
	if (n >= GT_TRANSLATE_MAX || !gt_text_chinese(tag))
		return sentence;
	put_sentence(&w, (struct span){sentence, n}, 0);
	if (w.full || !w.changed)
		return sentence;
	out[w.n] = '\0';
	return out;
}

const char *gt_translate_error(int code)
{
	return gt_text_chinese(NULL) ? gt_strerror_zh(code) : gt_strerror(code);
}

const char *gt_translate_library(char out[GT_TRANSLATE_MAX], const char *tag,
                                 const char *word)
{
	bool chinese = gt_text_chinese(tag);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].en, word) == 0)
			return chinese ? rows[i].zh : word;
	struct writer w = {.out = out};
	put_unknown(&w, chinese ? "zh-CN" : "en",
	            (struct span){word, strlen(word)});
	if (w.full)
		return word;
	out[w.n] = '\0';
	return out;
}

const char *gt_translate_errno(int error)
{
	static _Thread_local char out[GT_TRANSLATE_MAX];
	const char *en = strerror(error);
	return gt_text_chinese(NULL) ? gt_translate_library(out, NULL, en) : en;
}
