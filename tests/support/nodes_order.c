/* nodes_order.c: what people ask of the nodes of nodes.h. */
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "policy.h"

static int replied(struct nodes *t, unsigned i, uint64_t token)
{
	const struct done *d = nodes_last(t, i, GT_ACT_REPLY, 0);
	assert(d && d->a.token == token);
	return d->a.status;
}

static int order(struct nodes *t, unsigned i, struct gt_event *e)
{
	e->token = ++t->tokens;
	e->actor = "user:test";
	int status = nodes_event(t, i, e);
	return status ? status : replied(t, i, e->token);
}

static void stage(struct nodes *t, unsigned i, struct gt_bytes file,
                  char name[32])
{
	for (unsigned f = 0; f < NODES_FILES; f++) {
		struct blob *b = &t->v[i].staged[f].file;
		if (b->p)
			continue;
		gt_format(name, 32, "staged-%u", f);
		gt_copy(t->v[i].staged[f].name, 32, name);
		b->p = malloc(file.n);
		b->n = file.n;
		assert(b->p);
		memcpy(b->p, file.p, file.n);
		return;
	}
	assert(false && "too many staged files");
}

uint64_t nodes_publish_begin(struct nodes *t, unsigned i, const char *slug,
                             const char *type, struct gt_bytes manifest,
                             struct gt_bytes file)
{
	char id[GT_RID_MAX + 1], staged[32] = "", licence[32];
	Gt__Entry m;
	gt__entry__init(&m);
	/* what says nothing new is no new version */
	gt_format(licence, sizeof licence, "once-%llu",
	          (unsigned long long)(t->alike ? 0 : t->tokens));
	m.licence = licence;
	gt_format(id, sizeof id, "%s/%s", t->v[i].code, slug);
	m.id = id;
	m.type = gt_arena_str(t->arena, type);
	if (manifest.n > 0)
		stage(t, i, file, staged);
	struct gt_draft d = {gt_arena_pack(t->arena, &m.base), manifest,
	                     staged};
	struct gt_event e = {.type = GT_EV_PUBLISH,
	                     .token = ++t->tokens,
	                     .actor = "user:test",
	                     .drafts = &d,
	                     .count = 1};
	return nodes_event(t, i, &e) ? 0 : e.token;
}

int nodes_publish_end(struct nodes *t, unsigned i, uint64_t token)
{
	if (token == 0)
		return t->v[i].failed;
	nodes_run(t); /* the file is adopted before the answer */
	for (size_t k = 0;; k++) {
		const struct done *r = nodes_last(t, i, GT_ACT_REPLY, k);
		assert(r);
		if (r->a.token == token)
			return r->a.status;
	}
}

int nodes_publish(struct nodes *t, unsigned i, const char *slug,
                  const char *type, struct gt_bytes manifest,
                  struct gt_bytes file)
{
	return nodes_publish_end(
	        t, i, nodes_publish_begin(t, i, slug, type, manifest, file));
}

int nodes_withdraw(struct nodes *t, unsigned i, const char *slug)
{
	char id[GT_RID_MAX + 1];
	struct gt_event e = {
	        .type = GT_EV_WITHDRAW, .text = id, .detail = "a mistake"};
	gt_format(id, sizeof id, "%s/%s", t->v[i].code, slug);
	return order(t, i, &e);
}

int nodes_want(struct nodes *t, unsigned i, const char *id)
{
	struct gt_event e = {.type = GT_EV_WANT, .text = id};
	return order(t, i, &e);
}

int nodes_layer(struct nodes *t, unsigned i, const char *const *rules)
{
	Gt__Layer m;
	gt__layer__init(&m);
	Gt__Rule *list[8];
	m.rules = list;
	for (; *rules; rules += 2) {
		Gt__Rule *r = gt_arena_get(t->arena, sizeof *r);
		Gt__Predicate *p = gt_arena_get(t->arena, sizeof *p);
		char **value = gt_arena_get(t->arena, sizeof *value);
		Gt__Predicate **when = gt_arena_get(t->arena, sizeof *when);
		assert(r && p && value && when && m.n_rules < 8);
		gt__rule__init(r);
		gt__predicate__init(p);
		*value = gt_arena_str(t->arena, rules[0]);
		*when = p;
		p->field = GT__FIELD__TYPE;
		p->values = value;
		p->n_values = 1;
		r->name = *value;
		r->when = when;
		r->n_when = 1;
		r->verdict = (Gt__Verdict)gt_verdict_parse(rules[1]);
		r->priority = 60;
		list[m.n_rules++] = r;
	}
	m.fallback = GT__VERDICT__MIRROR;
	m.priority = 50;
	struct gt_event e = {.type = GT_EV_LAYER,
	                     .body = gt_arena_pack(t->arena, &m.base)};
	return order(t, i, &e);
}

struct gt_statement nodes_statement(struct nodes *t, uint32_t n, unsigned form)
{
	struct gt_statement s;
	char why[200], id[GT_UUID_TEXT];
	uint8_t bytes[GT_UUID_BYTES] = {0};
	char *body = gt_arena_get(t->arena, 200);
	assert(body);
	gt_put32(bytes, n);
	gt_uuid_format(id, bytes);
	gt_format(body, 200,
	          "{\"id\":\"%s\",\"actor\":{\"mbox\":\"mailto:a@b.cn\"},"
	          "\"verb\":{\"id\":\"http://v.cn/%u\"},"
	          "\"object\":{\"id\":\"http://o.cn/%u\"}}",
	          id, form, n);
	int found = gt_statements_parse(gt_bytes_str(body), GT_XAPI_ANY, NULL,
	                                0, &s, 1, why, sizeof why);
	assert(found == 1);
	return s;
}

int nodes_statements(struct nodes *t, unsigned i, uint32_t n, size_t count,
                     unsigned form)
{
	struct gt_statement *s = gt_arena_get(t->arena, count * sizeof *s);
	assert(s);
	for (size_t k = 0; k < count; k++)
		s[k] = nodes_statement(t, n + (uint32_t)k, form);
	struct gt_event e = {
	        .type = GT_EV_STATEMENTS, .statements = s, .count = count};
	e.detail = t->v[i].terminal;
	return order(t, i, &e);
}
