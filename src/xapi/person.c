#include "person.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

static bool keep_key(struct gt_person *p, struct gt_bytes key)
{
	return gt_buffer_add(&p->keys, key.p, key.n) &&
	       gt_buffer_add(&p->keys, "", 1);
}

/* What his line of the alias file says he is called too. */
static int add_aliases(struct gt_person *p, const struct gt_canon *c)
{
	struct gt_bytes first, texts;
	if (!gt_aliases_find(p->aliases, c, &first, &texts))
		return 0;
	for (size_t at = 0; at < texts.n;) {
		size_t k = strlen((const char *)texts.p + at);
		gt_trace_add(&p->trace, texts.p + at, k);
		at += k + 1;
	}
	return keep_key(p, first) ? 0 : -GT_ENOMEM;
}

static int add_name(struct gt_person *p, const char *name, size_t n)
{
	struct gt_canon c = {0};
	int status = gt_canon_written(&c, name, n);
	size_t blank = 0;
	while (status == 0 && blank < c.text.n && c.text.p[blank] == ' ')
		blank++;
	if (status == 0 && (c.key.n == 0 || blank == c.text.n))
		status = -GT_EINVALID;
	if (status == 0)
		status = keep_key(p, gt_buffer_bytes(&c.key)) ? 0 : -GT_ENOMEM;
	if (status == 0) {
		gt_trace_add(&p->trace, c.text.p, c.text.n);
		/* a mailbox is called by its hash too */
		if (c.key.n > 2 && c.key.p[0] == 's')
			gt_trace_add(&p->trace, c.key.p + 2, c.key.n - 2);
		status = add_aliases(p, &c);
	}
	gt_canon_free(&c);
	return status;
}

static bool bare_address(const char *name)
{
	const char *at = strchr(name, '@');
	return at && at > name && at[1] && !strpbrk(name, ":|/ ");
}

int gt_person_name(struct gt_person *p, const char *name)
{
	char mailbox[GT_PERSON_NAME + sizeof "mailto:"];
	size_t n = strlen(name);
	if (p->names == GT_PERSON_NAMES || n > GT_PERSON_NAME)
		return -GT_ELIMIT;
	p->names++;
	p->trace.only = true;
	int status = add_name(p, name, n);
	if (status == 0 && bare_address(name)) {
		gt_format(mailbox, sizeof mailbox, "mailto:%s", name);
		status = add_name(p, mailbox, strlen(mailbox));
	}
	return status ? status : p->trace.failed ? -GT_ENOMEM : 0;
}

static bool has_key(const struct gt_person *p, struct gt_bytes key)
{
	for (size_t at = 0; key.n > 0 && at < p->keys.n;) {
		const char *known = (const char *)p->keys.p + at;
		size_t k = strlen(known);
		if (k == key.n && memcmp(known, key.p, k) == 0)
			return true;
		at += k + 1;
	}
	return false;
}

static bool is_he(const struct gt_person *p, const json_t *v)
{
	struct gt_canon c = {0};
	struct gt_bytes first, texts;
	int status = gt_canon_agent(&c, v);
	bool is = status == -GT_ENOMEM || has_key(p, gt_buffer_bytes(&c.key)) ||
	          has_key(p, gt_buffer_bytes(&c.bare));
	if (!is && gt_aliases_find(p->aliases, &c, &first, &texts))
		is = has_key(p, first);
	gt_canon_free(&c);
	return is;
}

static enum gt_person_met in(struct gt_person *p, const json_t *v, int depth)
{
	enum gt_person_met met = GT_PERSON_NOT, one;
	const char *key;
	json_t *value;
	if (depth == GT_JSON_DEPTH)
		return GT_PERSON_AGENT;
	if (json_is_string(v))
		return gt_trace_in(&p->trace, gt_json_string(v))
		               ? GT_PERSON_TEXT
		               : GT_PERSON_NOT;
	if (json_is_object(v) && is_he(p, v))
		return GT_PERSON_AGENT;
	for (size_t i = 0; i < json_array_size(v) && met != GT_PERSON_AGENT;
	     i++) {
		one = in(p, json_array_get(v, i), depth + 1);
		met = one > met ? one : met;
	}
	if (!json_is_object(v))
		return met;
	json_object_foreach((json_t *)gt_lend(v), key, value)
	{
		if (gt_trace_in(&p->trace, key) && met == GT_PERSON_NOT)
			met = GT_PERSON_TEXT;
		one = in(p, value, depth + 1);
		met = one > met ? one : met;
	}
	return met;
}

enum gt_person_met gt_person_in(struct gt_person *p, const json_t *v)
{
	enum gt_person_met met = in(p, v, 0);
	return p->trace.failed ? GT_PERSON_AGENT : met;
}

enum gt_person_met gt_person_in_bytes(struct gt_person *p, struct gt_bytes b)
{
	char *text = malloc(b.n + 1);
	bool is = !text;
	for (size_t i = 0; text && i < b.n; i++)
		text[i] = b.p[i] ? (char)b.p[i] : ' ';
	if (text) {
		text[b.n] = '\0';
		is = gt_trace_in(&p->trace, text);
	}
	free(text);
	return is ? GT_PERSON_TEXT : GT_PERSON_NOT;
}

void gt_person_free(struct gt_person *p)
{
	gt_buffer_free(&p->keys);
	gt_trace_free(&p->trace);
	*p = (struct gt_person){0};
}
