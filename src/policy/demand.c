#include "policy_inside.h"

#include <stdlib.h>
#include <string.h>

#include "code.h"

static const char *const treatments[GT_TREATMENTS] = {
        "pass", "redact", "pseudonymise", "aggregate", "drop"};
static const char *const fields[] = {"names", "responses", "text", "extensions",
                                     "attachments"};
static const char *const traits[] = {NULL,     "verb",  "activity",
                                     "region", "class", "minor"};
static const char *const minors[] = {"yes", "no", "unknown"};

enum { FIELDS = sizeof fields / sizeof *fields };

static int find(const char *const *v, int first, int n, const char *name)
{
	for (int i = first; i < n; i++)
		if (strcmp(v[i], name) == 0)
			return i;
	return -1;
}

const char *gt_treatment_name(enum gt_treatment t)
{
	unsigned i = (unsigned)t;
	return i < GT_TREATMENTS ? treatments[i] : NULL;
}

int gt_treatment_parse(const char *name)
{
	return find(treatments, 0, GT_TREATMENTS, name);
}

const char *gt_redact_name(uint32_t bit)
{
	for (int i = 0; i < FIELDS; i++)
		if (bit == 1u << i)
			return fields[i];
	return NULL;
}

uint32_t gt_redact_parse(const char *name)
{
	int i = find(fields, 0, FIELDS, name);
	return i < 0 ? 0 : 1u << i;
}

const char *gt_trait_name(Gt__Trait trait)
{
	unsigned i = (unsigned)trait;
	return i < sizeof traits / sizeof *traits ? traits[i] : NULL;
}

int gt_trait_parse(const char *name)
{
	return find(traits, 1, sizeof traits / sizeof *traits, name);
}

const char *gt_minor_name(enum gt_minor m)
{
	unsigned i = (unsigned)m;
	return i < sizeof minors / sizeof *minors ? minors[i] : NULL;
}

/* ------------------------------------------------------------- join */

struct gt_demand gt_demand_none(void)
{
	return (struct gt_demand){.rule = "", .layer = ""};
}

/* The one that names both: of the larger treatment; among equals nearest the
 * root, and then by name, so that it is the same in any order. */
static const struct gt_demand *named(const struct gt_demand *a,
                                     const struct gt_demand *b)
{
	size_t na = strlen(a->layer), nb = strlen(b->layer);
	if (a->treatment != b->treatment)
		return a->treatment > b->treatment ? a : b;
	if (!*a->layer || !*b->layer)
		return *a->layer ? a : b;
	if (na != nb)
		return na < nb ? a : b;
	int c = strcmp(a->layer, b->layer);
	if (c == 0)
		c = (a->version > b->version) - (a->version < b->version);
	if (c == 0)
		c = strcmp(a->rule, b->rule);
	return c <= 0 ? a : b;
}

struct gt_demand gt_demand_join(struct gt_demand a, struct gt_demand b)
{
	struct gt_demand out = *named(&a, &b);
	out.fields = a.fields | b.fields;
	out.group = a.group > b.group ? a.group : b.group;
	return out;
}

bool gt_demand_any(const struct gt_demand *d)
{
	return d->treatment != GT_PASS;
}

/* ------------------------------------------------------------- rules */

static bool any_of(const struct gt_trait_test *t, const char *const *v,
                   size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (gt_pattern_any(t->values, t->nvalues, v[i]))
			return true;
	return false;
}

static bool holds(const struct gt_trait_test *t, const struct gt_traits *r)
{
	switch (t->trait) {
	case GT__TRAIT__TRAIT_VERB:
		return gt_pattern_any(t->values, t->nvalues, r->verb);
	case GT__TRAIT__TRAIT_ACTIVITY:
		return any_of(t, r->activities, r->nactivities);
	case GT__TRAIT__TRAIT_REGION:
		return gt_pattern_any(t->values, t->nvalues, r->region);
	case GT__TRAIT__TRAIT_CLASS:
		return any_of(t, r->classes, r->nclasses);
	case GT__TRAIT__TRAIT_MINOR:
		return gt_pattern_any(t->values, t->nvalues,
		                      gt_minor_name(r->minor));
	case GT__TRAIT__TRAIT_NONE:
	case _GT__TRAIT_IS_INT_SIZE:
		break;
	}
	assert(false); /* gt_layer_new lets no other through */
	return false;
}

static bool all_hold(const struct gt_demand_rule *d, const struct gt_traits *r)
{
	for (uint32_t i = 0; i < d->ntests; i++)
		if (holds(&d->tests[i], r) == d->tests[i].negate)
			return false;
	return true;
}

bool gt_layer_demands(const struct gt_layer *layer)
{
	return layer->ndemands > 0;
}

struct gt_demand gt_layer_demand(const struct gt_layer *l,
                                 const struct gt_traits *r,
                                 const struct gt_receiver *to)
{
	uint32_t level = gt_level_mask(l, to->level);
	for (uint32_t i = 0; i < l->ndemands; i++) {
		const struct gt_demand_rule *d = &l->demands[i];
		if (!gt_is_for(&d->to, level, to->code) || !all_hold(d, r))
			continue;
		return (struct gt_demand){.treatment = d->treatment,
		                          .fields = d->treatment > GT_REDACT
		                                            ? GT_REDACT_ALL
		                                            : d->fields,
		                          .group = d->group,
		                          .rule = d->name,
		                          .layer = l->origin,
		                          .version = l->version};
	}
	return gt_demand_none();
}

struct gt_demand gt_demand_of(const struct gt_layer *const *layers, size_t n,
                              const struct gt_traits *r, const char *from,
                              const struct gt_receiver *to)
{
	struct gt_demand out = gt_demand_none();
	for (size_t i = 0; i < n; i++) {
		const struct gt_layer *l = layers[i];
		if (l->origin[0] && !gt_code_within(from, l->origin))
			continue;
		out = gt_demand_join(out, gt_layer_demand(l, r, to));
	}
	if (r->voids && out.treatment > GT_PSEUDONYMISE) {
		out.treatment = GT_PSEUDONYMISE;
		out.group = 0;
	}
	return out;
}

static bool asks_of(const struct gt_layer *l, const struct gt_receiver *to)
{
	uint32_t level = gt_level_mask(l, to->level);
	for (uint32_t i = 0; i < l->ndemands; i++)
		if (l->demands[i].treatment != GT_PASS &&
		    gt_is_for(&l->demands[i].to, level, to->code))
			return true;
	return false;
}

bool gt_demand_binds(const struct gt_layer *const *layers, size_t n,
                     const char *from, const struct gt_receiver *to)
{
	for (size_t i = 0; i < n; i++)
		if ((!layers[i]->origin[0] ||
		     gt_code_within(from, layers[i]->origin)) &&
		    asks_of(layers[i], to))
			return true;
	return false;
}

/* ------------------------------------------------------------- done */

void gt_done_format(char out[GT_DONE_CHARS], const struct gt_done *done,
                    const struct gt_demand *by, const char *key)
{
	char what[64] = "";
	size_t at = 0;
	if (done->treatment == GT_AGGREGATE)
		gt_format(what, sizeof what, ":%u", done->group);
	for (int i = 0; done->treatment == GT_REDACT && i < FIELDS; i++) {
		if (!(done->fields & 1u << i))
			continue;
		gt_format(what + at, sizeof what - at, "%s%s", at ? "+" : ":",
		          fields[i]);
		at += strlen(what + at);
	}
	gt_format(out, GT_DONE_CHARS, "%s%s@%s/%llu%s%s",
	          treatments[done->treatment], what, by->layer,
	          (unsigned long long)by->version, *key ? ";" : "", key);
}

/* The word at *at up to one of `ends`, which *at is on behind it. */
static bool word(char out[32], const char **at, const char *ends)
{
	size_t n = strcspn(*at, ends);
	if (n == 0 || n >= 32 || !(*at)[n])
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n;
	return true;
}

static bool read_fields(struct gt_done *done, const char **at)
{
	char name[32];
	do {
		(*at)++;
		uint32_t bit = word(name, at, "+@") ? gt_redact_parse(name) : 0;
		if (bit == 0)
			return false;
		done->fields |= bit;
	} while (**at == '+');
	return true;
}

static bool read_group(struct gt_done *done, const char **at)
{
	char digits[32];
	(*at)++;
	if (!word(digits, at, "@") || strlen(digits) > 9 ||
	    strspn(digits, "0123456789") != strlen(digits))
		return false;
	done->group = (uint32_t)atoi(digits);
	return true;
}

struct gt_done gt_done_parse(const char *policy)
{
	static const struct gt_done nothing = {GT_PASS, 0, 0};
	struct gt_done done = nothing;
	char name[32];
	const char *at = policy;
	int t = word(name, &at, ":@") ? gt_treatment_parse(name) : -1;
	if (t <= GT_PASS || t >= GT_DROP)
		return nothing;
	done.treatment = (enum gt_treatment)t;
	bool detail = *at == ':';
	if (detail != (t == GT_REDACT || t == GT_AGGREGATE))
		return nothing;
	if (t == GT_REDACT && !read_fields(&done, &at))
		return nothing;
	if (t == GT_AGGREGATE && !read_group(&done, &at))
		return nothing;
	if (t > GT_REDACT)
		done.fields = GT_REDACT_ALL;
	return *at == '@' ? done : nothing;
}

bool gt_done_satisfies(const struct gt_done *done, const struct gt_demand *d)
{
	if (done->treatment < d->treatment)
		return false;
	if (done->treatment == GT_AGGREGATE)
		return done->group >= d->group;
	return (done->fields & d->fields) == d->fields;
}
