/* b_policy.c: verdicts per second on one core.
 *
 * Five layers of ten rules over entries like those of seeds/. A verdict is one
 * layer's word; a meet is five of them. Prints one JSON line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy.h"

enum { LAYERS = 5, RULES = 10, ENTRIES = 1024, VALUES = 3 };

static const char *const origins[] = {"33", "3301", "330106", "330106109",
                                      "330106109210"};
static const char *const types[] = {"course",       "lecture", "video",
                                    "announcement", "case",    "document",
                                    "package"};
static const char *const audiences[] = {"elderly", "rural-teachers",
                                        "employees", "everyone"};
static const char *const licences[] = {
        "CC-BY-4.0", "CC-BY-SA-3.0", "GPL-2.0-or-later", "LicenseRef-internal"};

static char *text(const char *s)
{
	return gt_lend(s);
}

struct parts {
	Gt__Rule rule[RULES], *rules[RULES];
	Gt__Predicate test[RULES][2], *tests[RULES][2];
	char *values[RULES][VALUES];
	char *levels[2];
	char name[RULES][8];
};

/* Rules as people write them: a type here, a licence there, a size. */
static void fill_rule(struct parts *p, unsigned i)
{
	Gt__Rule *r = &p->rule[i];
	Gt__Predicate *a = &p->test[i][0], *b = &p->test[i][1];
	gt__rule__init(r);
	gt__predicate__init(a);
	gt__predicate__init(b);
	gt_format(p->name[i], sizeof p->name[i], "r%u", i);
	r->name = p->name[i];
	r->verdict = (Gt__Verdict)(i % 4);
	r->when = p->tests[i];
	r->n_when = 1 + i % 2;
	r->levels = p->levels;
	r->n_levels = i % 3 ? 2 : 0;
	p->tests[i][0] = a;
	p->tests[i][1] = b;
	a->values = p->values[i];
	a->n_values = 2;
	a->field = i % 3 == 0   ? GT__FIELD__LICENCE
	           : i % 3 == 1 ? GT__FIELD__KEYWORD
	                        : GT__FIELD__AUDIENCE;
	p->values[i][0] = text(i % 3 ? "never-there" : "proprietary*");
	p->values[i][1] = text(i % 3 == 2 ? "miners" : "LicenseRef-x*");
	b->field = GT__FIELD__SIZE;
	b->ranged = true;
	b->min = 1 << 20;
	b->max = INT64_MAX;
}

static struct gt_layer *make_layer(unsigned k)
{
	static struct parts p;
	struct gt_layer *out;
	char why[200];
	Gt__Layer l;
	gt__layer__init(&l);
	l.origin = text(origins[k]);
	l.fallback = GT__VERDICT__MIRROR;
	l.rules = p.rules;
	l.n_rules = RULES;
	p.levels[0] = text("township");
	p.levels[1] = text("village");
	for (unsigned i = 0; i < RULES; i++) {
		fill_rule(&p, i);
		p.rules[i] = &p.rule[i];
	}
	static uint8_t body[1 << 16];
	size_t n = gt__layer__pack(&l, body);
	if (gt_layer_new(&out, gt_bytes_of(body, n), why, sizeof why) != 0) {
		(void)fprintf(stderr, "%s\n", why);
		exit(1);
	}
	return out;
}

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static Gt__Entry entries[ENTRIES];
static char *audience[ENTRIES][1], *language[1];

static void make_entries(void)
{
	language[0] = text("zh-CN");
	for (unsigned i = 0; i < ENTRIES; i++) {
		Gt__Entry *e = &entries[i];
		gt__entry__init(e);
		e->type = text(types[i % 7]);
		e->licence = text(licences[i % 4]);
		e->publisher = text("33");
		e->origin_level = text("province");
		audience[i][0] = text(audiences[i % 4]);
		e->audiences = audience[i];
		e->n_audiences = 1;
		e->languages = language;
		e->n_languages = 1;
		e->stored_size = (uint64_t)i << 14;
		e->modified_ms = 1700000000000 + i;
	}
}

int main(void)
{
	const struct gt_receiver to = {"330106109210", "village"};
	const struct gt_layer *view[LAYERS];
	struct gt_layer *layers[LAYERS];
	unsigned long rounds = 400, sum = 0;
	make_entries();
	for (unsigned k = 0; k < LAYERS; k++)
		view[k] = layers[k] = make_layer(k);
	double start = now_s();
	for (unsigned long r = 0; r < rounds; r++)
		for (unsigned i = 0; i < ENTRIES; i++)
			sum += gt_policy_meet(view, LAYERS, &entries[i], &to,
			                      1750000000000)
			               .verdict;
	double took = now_s() - start;
	double meets = (double)(rounds * ENTRIES) / took;
	printf("{\"case\": \"policy\", \"verdicts_per_s\": %.0f, "
	       "\"meets_per_s\": %.0f, \"layers\": %d, \"rules\": %d, "
	       "\"sum\": %lu}\n",
	       meets * LAYERS, meets, LAYERS, RULES, sum);
	for (unsigned k = 0; k < LAYERS; k++)
		gt_layer_free(layers[k]);
	return 0;
}
