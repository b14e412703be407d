/* rules.c: the rules that people choose from, by number, and what they say. */
#include "policy.h"
#include "whisper.h"
#include "work.h"

const char *const work_types[5] = {"course", "video", "document", "secret",
                                   "announcement"};

static Gt__Rule *rule(Gt__Rule *r, Gt__Predicate *p, char **value, char **level,
                      unsigned type, const char *to, Gt__Verdict verdict)
{
	static Gt__Predicate *when[8];
	static unsigned next;
	gt__rule__init(r);
	gt__predicate__init(p);
	*value = gt_lend(work_types[type]);
	*level = gt_lend(to);
	p->field = GT__FIELD__TYPE;
	p->n_values = 1;
	p->values = value;
	when[next % 8] = p;
	r->name = gt_lend(to);
	r->n_levels = 1;
	r->levels = level;
	r->n_when = 1;
	r->when = &when[next++ % 8];
	r->verdict = verdict;
	r->priority = 10;
	return r;
}

size_t work_layer(unsigned node, unsigned choice, uint8_t out[1024])
{
	static const Gt__Verdict fallbacks[] = {
	        GT__VERDICT__MIRROR, GT__VERDICT__MIRROR,
	        GT__VERDICT__ON_DEMAND, GT__VERDICT__METADATA};
	Gt__Layer m;
	gt__layer__init(&m);
	Gt__Rule r[3], *rules[3];
	Gt__Predicate p[3];
	char *values[3], *levels[3];
	/* The first rule of the root's layer never changes. */
	rules[0] = rule(&r[0], &p[0], &values[0], &levels[0], 3, "village",
	                GT__VERDICT__DENY);
	rules[1] = rule(&r[1], &p[1], &values[1], &levels[1], choice % 5,
	                choice & 1 ? "township" : "county",
	                (Gt__Verdict)(choice / 2 % 4));
	rules[2] = rule(&r[2], &p[2], &values[2], &levels[2], choice / 3 % 5,
	                "village", (Gt__Verdict)(choice / 5 % 4));
	r[0].name = gt_lend("never");
	r[1].name = gt_lend("one");
	r[2].name = gt_lend("two");
	m.n_rules = 3;
	m.rules = rules;
	m.fallback =
	        node == 0 ? GT__VERDICT__MIRROR : fallbacks[choice / 7 % 4];
	m.priority = 50;
	Gt__Demand *demand = whisper_demand(choice);
	m.demands = &demand;
	m.n_demands = demand != NULL;
	return gt__layer__pack(&m, out);
}

unsigned work_verdict(unsigned node, unsigned type, int depth)
{
	static const unsigned fallbacks[] = {GT_MIRROR, GT_MIRROR, GT_ON_DEMAND,
	                                     GT_METADATA};
	unsigned choice = work.layer[node];
	if (choice-- == 0)
		return GT_MIRROR;
	if (type == 3 && depth == 4)
		return GT_DENY;
	if (type == choice % 5 && depth == (choice & 1 ? 3 : 2))
		return choice / 2 % 4;
	if (type == choice / 3 % 5 && depth == 4)
		return choice / 5 % 4;
	return node == 0 ? GT_MIRROR : fallbacks[choice / 7 % 4];
}
