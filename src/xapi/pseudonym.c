#include "pseudonym.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "code.h"
#include "statement.h"

/* --------------------------------------------------------------- keys */

/* a is to be taken rather than b. */
static bool nearer(const struct gt_pseudonym_key *a,
                   const struct gt_pseudonym_key *b, int64_t ms)
{
	size_t na = strlen(a->scope), nb = strlen(b->scope);
	bool in_a = a->from_ms <= ms && ms < a->until_ms;
	bool in_b = b->from_ms <= ms && ms < b->until_ms;
	bool next_a = a->from_ms > ms, next_b = b->from_ms > ms;
	if (na != nb)
		return na < nb;
	if (in_a != in_b)
		return in_a;
	if (in_a)
		return a->number > b->number;
	if (next_a != next_b)
		return next_a;
	if (next_a)
		return a->from_ms < b->from_ms;
	return a->until_ms > b->until_ms;
}

const struct gt_pseudonym_key *
gt_pseudonym_key_at(const struct gt_pseudonym_key *keys, size_t n,
                    const char *code, int64_t stored_ms)
{
	const struct gt_pseudonym_key *best = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!gt_code_within(code, keys[i].scope))
			continue;
		if (!best || nearer(&keys[i], best, stored_ms))
			best = &keys[i];
	}
	return best;
}

void gt_pseudonym_name(char out[GT_PSEUDONYM_NAME],
                       const struct gt_pseudonym_key *key)
{
	gt_format(out, GT_PSEUDONYM_NAME, "%s.%u", key->scope, key->number);
}

void gt_pseudonym_home(char out[GT_PSEUDONYM_HOME],
                       const struct gt_pseudonym_key *key)
{
	gt_format(out, GT_PSEUDONYM_HOME, GT_PSEUDONYM_PAGES "%s/%u",
	          key->scope, key->number);
}

/* ------------------------------------------------------------ aliases */

struct alias {
	struct gt_bytes key;
	uint32_t who;
};

struct person {
	struct gt_bytes first; /* key */
	struct gt_bytes texts;
};

struct gt_aliases {
	struct gt_arena *arena;
	struct alias *v; /* by key */
	size_t n, cap;
	struct person *people;
	size_t npeople, cappeople;
};

static int order(struct gt_bytes a, struct gt_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int by_key(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;
	return order(x->key, y->key);
}

static bool room(void **v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return true;
	size_t more = *cap ? 2 * *cap : 64;
	void *p = realloc(*v, more * size);
	if (!p)
		return false;
	*v = p;
	*cap = more;
	return true;
}

static bool keep(struct gt_aliases *a, const struct gt_buffer *b,
                 struct gt_bytes *out)
{
	out->n = b->n;
	out->p = gt_arena_copy(a->arena, b->p, b->n);
	return out->p != NULL;
}

static int add_name(struct gt_aliases *a, const struct gt_canon *c, bool first)
{
	struct gt_bytes key;
	if (a->n == GT_ALIASES_MAX)
		return -GT_ELIMIT;
	if (!room((void **)&a->v, a->n, &a->cap, sizeof *a->v) ||
	    !keep(a, &c->key, &key))
		return -GT_ENOMEM;
	if (first)
		a->people[a->npeople].first = key;
	a->v[a->n++] = (struct alias){key, (uint32_t)a->npeople};
	return 0;
}

/* A mailbox is called by its hash too. */
static bool add_texts(struct gt_buffer *texts, const struct gt_canon *c)
{
	return gt_buffer_add(texts, c->text.p, c->text.n + 1) &&
	       (c->key.p[0] != 's' ||
	        gt_buffer_add(texts, c->key.p + 2, c->key.n - 1));
}

/* One line: the names of one. */
static int add_person(struct gt_aliases *a, const char *s, size_t n,
                      struct gt_canon *c, struct gt_buffer *texts)
{
	bool first = true;
	int status = 0;
	texts->n = 0;
	if (!room((void **)&a->people, a->npeople, &a->cappeople,
	          sizeof *a->people))
		return -GT_ENOMEM;
	for (size_t i = 0; status == 0 && i < n;) {
		size_t k = 0;
		while (i < n && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r'))
			i++;
		while (i + k < n && !strchr(" \t\r", s[i + k]))
			k++;
		if (k == 0)
			break;
		gt_canon_clear(c);
		status = gt_canon_written(c, s + i, k);
		if (status == 0 && c->text.n == 0)
			status = -GT_EINVALID;
		if (status == 0)
			status = add_name(a, c, first);
		if (status == 0 && !add_texts(texts, c))
			status = -GT_ENOMEM;
		first = false;
		i += k;
	}
	if (status != 0 || first)
		return status;
	if (!keep(a, texts, &a->people[a->npeople].texts))
		return -GT_ENOMEM;
	a->npeople++;
	return 0;
}

/* Whose name would two people's be? */
static int check(struct gt_aliases *a, char *why, size_t why_cap)
{
	if (a->n > 0)
		qsort(a->v, a->n, sizeof *a->v, by_key);
	for (size_t i = 1; i < a->n; i++) {
		if (by_key(&a->v[i - 1], &a->v[i]) != 0 ||
		    a->v[i - 1].who == a->v[i].who)
			continue;
		gt_format(why, why_cap, "persons %u and %u share a name",
		          a->v[i - 1].who + 1, a->v[i].who + 1);
		return -GT_EINVALID;
	}
	return 0;
}

static int read_lines(struct gt_aliases *a, struct gt_bytes text, char *why,
                      size_t why_cap)
{
	struct gt_canon c = {0};
	struct gt_buffer texts = {0};
	size_t line = 0;
	int status = 0;
	for (size_t i = 0; status == 0 && i < text.n;) {
		const char *s = (const char *)text.p + i;
		const char *end = memchr(s, '\n', text.n - i);
		size_t n = end ? (size_t)(end - s) : text.n - i;
		const char *comment = memchr(s, '#', n);
		line++;
		i += n + 1;
		if (memchr(s, '\0', n))
			status = -GT_EINVALID;
		else
			status = add_person(a, s,
			                    comment ? (size_t)(comment - s) : n,
			                    &c, &texts);
	}
	if (status != 0 && status != -GT_ENOMEM)
		gt_format(why, why_cap,
		          status == -GT_ELIMIT
		                  ? "line %zu: more names than there may be"
		                  : "line %zu: a name that names nobody",
		          line);
	gt_canon_free(&c);
	gt_buffer_free(&texts);
	return status;
}

int gt_aliases_new(struct gt_aliases **out, struct gt_bytes text, char *why,
                   size_t why_cap)
{
	*out = NULL;
	gt_format(why, why_cap, "%s", gt_strerror(GT_ENOMEM));
	struct gt_aliases *a = calloc(1, sizeof *a);
	if (!a)
		return -GT_ENOMEM;
	a->arena = gt_arena_new();
	int status = a->arena ? read_lines(a, text, why, why_cap) : -GT_ENOMEM;
	if (status == 0)
		status = check(a, why, why_cap);
	if (status != 0) {
		gt_aliases_free(a);
		return status;
	}
	*out = a;
	return 0;
}

void gt_aliases_free(struct gt_aliases *a)
{
	if (!a)
		return;
	gt_arena_free(a->arena);
	free(a->v);
	free(a->people);
	free(a);
}

static const struct person *who(const struct gt_aliases *a,
                                const struct gt_buffer *key)
{
	struct alias asked = {.key = gt_buffer_bytes(key)};
	const struct alias *found =
	        key->n > 0 && a->n > 0
	                ? bsearch(&asked, a->v, a->n, sizeof *a->v, by_key)
	                : NULL;
	return found ? &a->people[found->who] : NULL;
}

bool gt_aliases_find(const struct gt_aliases *a, const struct gt_canon *c,
                     struct gt_bytes *key, struct gt_bytes *texts)
{
	const struct person *p = a ? who(a, &c->key) : NULL;
	if (!p && a)
		p = who(a, &c->bare);
	if (!p)
		return false;
	*key = p->first;
	*texts = p->texts;
	return true;
}

/* ---------------------------------------------------------- pseudonyms */

/* RFC 2104 with a key shorter than a block. */
static void hmac(struct gt_id *out, const uint8_t secret[32],
                 const struct gt_bytes *parts, size_t n)
{
	uint8_t inner[64] = {0}, outer[64] = {0};
	struct gt_bytes all[8] = {{inner, sizeof inner}};
	struct gt_id id;
	assert(n < sizeof all / sizeof *all);
	for (int i = 0; i < 32; i++)
		inner[i] = outer[i] = secret[i];
	for (int i = 0; i < 64; i++) {
		inner[i] ^= 0x36;
		outer[i] ^= 0x5c;
	}
	memcpy(all + 1, parts, n * sizeof *parts);
	gt_sha256(&id, all, n + 1);
	const struct gt_bytes last[] = {{outer, sizeof outer},
	                                {id.b, sizeof id.b}};
	gt_sha256(out, last, 2);
}

static void make(struct gt_id *out, const struct gt_pseudonyms *p,
                 const char *what, struct gt_bytes of)
{
	static const char domain[] = "guantong pseudonym v1\n";
	const struct gt_bytes parts[] = {
	        gt_bytes_str(domain), gt_bytes_str(p->key->scope),
	        gt_bytes_str("\n"),   gt_bytes_str(what),
	        gt_bytes_str("\n"),   of};
	hmac(out, p->key->secret, parts, sizeof parts / sizeof *parts);
}

void gt_pseudonym(char out[GT_PSEUDONYM_CHARS], const struct gt_pseudonyms *p,
                  const char *what, struct gt_bytes of)
{
	struct gt_id id;
	make(&id, p, what, of);
	gt_hex(out, id.b, (GT_PSEUDONYM_CHARS - 1) / 2);
}

/* RFC 9562, version 8: of nobody's making but ours. */
void gt_pseudonym_uuid(char out[GT_UUID_TEXT], const struct gt_pseudonyms *p,
                       struct gt_bytes of)
{
	struct gt_id id;
	make(&id, p, "uuid", of);
	id.b[6] = (uint8_t)((id.b[6] & 0x0f) | 0x80);
	id.b[8] = (uint8_t)((id.b[8] & 0x3f) | 0x80);
	gt_uuid_format(out, id.b);
}
