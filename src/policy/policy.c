#include "policy_inside.h"

#include <string.h>

#include "code.h"

static const char *const verdicts[] = {"deny", "metadata", "on-demand",
                                       "mirror"};

static const char *const fields[] = {
        NULL,        "type",    "audience", "subject", "language",
        "publisher", "licence", "region",   "keyword", "size",
        "age",       "date",    "origin",
};

const char *gt_verdict_name(enum gt_verdict v)
{
	unsigned i = (unsigned)v;
	return i < sizeof verdicts / sizeof *verdicts ? verdicts[i] : NULL;
}

int gt_verdict_parse(const char *name)
{
	for (int i = GT_DENY; i <= GT_MIRROR; i++)
		if (strcmp(verdicts[i], name) == 0)
			return i;
	return -1;
}

const char *gt_field_name(Gt__Field field)
{
	unsigned i = (unsigned)field;
	return i < sizeof fields / sizeof *fields ? fields[i] : NULL;
}

int gt_field_parse(const char *name)
{
	for (int i = 1; i < (int)(sizeof fields / sizeof *fields); i++)
		if (strcmp(fields[i], name) == 0)
			return i;
	return -1;
}

bool gt_field_ranged(Gt__Field field)
{
	return field == GT__FIELD__SIZE || field == GT__FIELD__AGE ||
	       field == GT__FIELD__DATE;
}

enum gt_verdict gt_verdict_ceiling(enum gt_verdict parent)
{
	return parent >= GT_ON_DEMAND ? GT_MIRROR : parent;
}

bool gt_pattern_match(const struct gt_pattern *p, const char *text)
{
	switch (p->kind) {
	case GT_PATTERN_EXACT:
		return *p->text == *text && strcmp(p->text, text) == 0;
	case GT_PATTERN_PREFIX:
		return *p->text == *text && strncmp(p->text, text, p->n) == 0;
	case GT_PATTERN_ANY:
		return true;
	case GT_PATTERN_GLOB:
		return gt_glob(p->text, text);
	}
	return false;
}

bool gt_pattern_any(const struct gt_pattern *v, uint32_t n, const char *text)
{
	for (uint32_t i = 0; i < n; i++)
		if (gt_pattern_match(&v[i], text))
			return true;
	return false;
}

static bool any_of(const struct gt_test *t, char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (gt_pattern_any(t->values, t->nvalues, texts[i]))
			return true;
	return false;
}

/* A clock may say anything: what is dated after now has age 0, and a distance
 * that does not fit is as long as one that does. */
static int64_t age_s(const Gt__Entry *e, int64_t now_ms)
{
	int64_t ms;
	if (now_ms <= e->modified_ms)
		return 0;
	if (__builtin_sub_overflow(now_ms, e->modified_ms, &ms))
		ms = INT64_MAX;
	return ms / 1000;
}

static bool in_range(const struct gt_test *t, int64_t v)
{
	return t->min <= v && v <= t->max;
}

static bool holds(const struct gt_test *t, const Gt__Entry *e, int64_t now_ms)
{
	switch (t->field) {
	case GT__FIELD__TYPE:
		return gt_pattern_any(t->values, t->nvalues, e->type);
	case GT__FIELD__AUDIENCE:
		return any_of(t, e->audiences, e->n_audiences);
	case GT__FIELD__SUBJECT:
		return any_of(t, e->subjects, e->n_subjects);
	case GT__FIELD__LANGUAGE:
		return any_of(t, e->languages, e->n_languages);
	case GT__FIELD__PUBLISHER:
		return gt_pattern_any(t->values, t->nvalues, e->publisher);
	case GT__FIELD__LICENCE:
		return gt_pattern_any(t->values, t->nvalues, e->licence);
	case GT__FIELD__REGION:
		return any_of(t, e->regions, e->n_regions);
	case GT__FIELD__KEYWORD:
		return any_of(t, e->keywords, e->n_keywords);
	case GT__FIELD__SIZE:
		return in_range(t, e->stored_size > INT64_MAX
		                           ? INT64_MAX
		                           : (int64_t)e->stored_size);
	case GT__FIELD__AGE:
		return in_range(t, age_s(e, now_ms));
	case GT__FIELD__DATE:
		return in_range(t, e->modified_ms);
	case GT__FIELD__ORIGIN:
		return gt_pattern_any(t->values, t->nvalues, e->origin_level);
	case GT__FIELD__FIELD_NONE:
	case _GT__FIELD_IS_INT_SIZE:
		break;
	}
	assert(false); /* gt_layer_new lets no other field through */
	return false;
}

static bool all_hold(const struct gt_rule *r, const Gt__Entry *e,
                     int64_t now_ms)
{
	for (uint32_t i = 0; i < r->ntests; i++)
		if (holds(&r->tests[i], e, now_ms) == r->tests[i].negate)
			return false;
	return true;
}

uint32_t gt_level_mask(const struct gt_layer *l, const char *level)
{
	for (uint32_t i = 0; i < l->nlevels; i++)
		if (strcmp(l->levels[i], level) == 0)
			return 1u << i;
	return 0;
}

bool gt_is_for(const struct gt_to *to, uint32_t level, const char *code)
{
	if (to->levels && !(to->levels & level))
		return false;
	return to->nregions == 0 ||
	       gt_pattern_any(to->regions, to->nregions, code);
}

struct gt_decision gt_layer_decide(const struct gt_layer *l,
                                   const Gt__Entry *entry,
                                   const struct gt_receiver *to, int64_t now_ms)
{
	uint32_t level = gt_level_mask(l, to->level);
	for (uint32_t i = 0; i < l->nrules; i++) {
		const struct gt_rule *r = &l->rules[i];
		if (gt_is_for(&r->to, level, to->code) &&
		    all_hold(r, entry, now_ms))
			return (struct gt_decision){r->verdict, r->priority,
			                            r->name, l->origin};
	}
	return (struct gt_decision){l->fallback, l->priority, "", l->origin};
}

/* Below 0: a is nearer the root. Of two layers that both govern a node the one
 * with the shorter origin is; origins of one length are one origin, and the
 * version only makes the order total. */
static int by_root(const struct gt_layer *a, const struct gt_layer *b)
{
	size_t na = strlen(a->origin), nb = strlen(b->origin);
	if (na != nb)
		return na < nb ? -1 : 1;
	return (a->version > b->version) - (a->version < b->version);
}

struct gt_decision gt_policy_meet(const struct gt_layer *const *layers,
                                  size_t n, const Gt__Entry *entry,
                                  const struct gt_receiver *to, int64_t now_ms)
{
	struct gt_decision least = {GT_MIRROR, 50, "", ""};
	const struct gt_layer *named = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct gt_layer *l = layers[i];
		if (!gt_code_within(to->code, l->origin))
			continue;
		struct gt_decision d = gt_layer_decide(l, entry, to, now_ms);
		if (named && d.verdict > least.verdict)
			continue;
		if (!named || d.verdict < least.verdict) {
			least = d;
			named = l;
			continue;
		}
		if (d.priority < least.priority)
			least.priority = d.priority;
		int c = by_root(l, named);
		if (c < 0 || (c == 0 && strcmp(d.rule, least.rule) < 0)) {
			least.rule = d.rule;
			least.layer = d.layer;
			named = l;
		}
	}
	return least;
}
