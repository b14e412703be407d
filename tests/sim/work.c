/* work.c: what people do: publish, update, withdraw, change rules, hand in
 * records, ask for things. Keeps what was promised to them. */
#include "work.h"
#include "certify.h"
#include "erase.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "code.h"
#include "object.h"
#include "policy.h"
#include "roam.h"

struct work work;

static struct prng draw;
static struct prng voices; /* of its own: who speaks changes nothing else */
static unsigned burst, burst_node; /* hand-ins to come at once, and where */
static unsigned storm, storm_node, storm_type; /* rule changes likewise */
static struct record *flooding; /* by who never stops: the newest */
static uint64_t pace, skipped;  /* mean time between two deeds; see --skip */

struct resource *work_resource(const char *id)
{
	const char *number =
	        strstr(id, "/r"); /* as some_publishing() names it */
	unsigned long i = number ? strtoul(number + 2, NULL, 10) : ULONG_MAX;
	if (i >= work.nresources || strcmp(work.resources[i].id, id) != 0)
		return NULL;
	return &work.resources[i];
}

/* ----------------------------------------------------------- asking */

static struct promise *promise_new(struct world *w, unsigned node,
                                   enum promise_kind kind)
{
	for (size_t i = 0; i < PROMISES_MAX; i++) {
		struct promise *p = &work.promises[i];
		if (p->kind != NO_PROMISE)
			continue;
		*p = (struct promise){.kind = kind, .node = node};
		p->token = ++w->tokens;
		return p;
	}
	return NULL;
}

static void command(struct world *w, unsigned node, struct gt_event *e)
{
	work.deeds += w->nodes[node].core != NULL;
	world_command(w, node, e);
}

void work_crashed(struct world *w, unsigned node)
{
	roam_crashed(node);
	erase_crashed(node);
	certify_crashed(node);
	for (size_t i = 0; i < PROMISES_MAX; i++) {
		struct promise *p = &work.promises[i];
		if (p->kind == NO_PROMISE || p->node != node)
			continue;
		if (p->resource)
			p->resource->unsure = true;
		if (p->kind == LAYER_PROMISE) {
			work.layer_unsure[clone_home(w, node)] = true;
			work.layer_open[clone_home(w, node)] = false;
		}
		for (size_t k = 0; k < 4; k++)
			if (p->records[k])
				p->records[k]->maybe = true;
		*p = (struct promise){0};
	}
}

/* ------------------------------------------------------- publishing */

struct buffer {
	uint8_t *p;
	size_t n, cap;
};

static int append(void *arg, const uint8_t *p, size_t n)
{
	struct buffer *b = arg;
	if (b->n + n > b->cap) {
		b->cap = 2 * (b->n + n);
		b->p = realloc(b->p, b->cap);
		if (!b->p)
			return -GT_ENOMEM;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
	return 0;
}

/* Half text, half noise: frames of very different sizes. */
static void fill(struct prng *noise, uint8_t *p, size_t n)
{
	static const char text[] = "终身学习";
	size_t word = sizeof text - 1;
	for (size_t at = 0; at < n; at += word)
		memcpy(p + at, text, n - at < word ? n - at : word);
	for (size_t at = 4096; at < n; at += 8192)
		prng_fill(noise, p + at, n - at < 4096 ? n - at : 4096);
}

/* Most of what a month brings is small; storms shall meet big things too. */
static size_t member_size(const struct world *w, struct prng *p, bool first)
{
	enum { SMALL = 8 << 10, MIDDLE = 200 << 10, BIG = 900 << 10 };
	size_t n = (size_t)prng_below(p, w->calendar ? SMALL : MIDDLE);
	return first && prng_once_in(p, w->calendar ? 40 : 4) ? BIG : n;
}

/* Now and then the same files as before, or as of another: one object under two
 * names. */
static uint64_t some_content(void)
{
	uint64_t fresh = prng_next(&draw);
	if (work.nresources == 0 || !prng_once_in(&draw, 6))
		return fresh;
	uint64_t old =
	        work.resources[prng_below(&draw, work.nresources)].content;
	return old ? old : fresh;
}

static void pack(struct world *w, struct resource *r, struct buffer *file,
                 struct gt_bytes *manifest, struct gt_packer **packer)
{
	static uint8_t content[900 << 10];
	struct prng p = {r->content};
	size_t members = 1 + (size_t)prng_below(&p, 4);
	uint64_t plain, stored;
	*packer = gt_packer_new(1, append, file);
	for (size_t i = 0; i < members; i++) {
		char path[48];
		size_t n = member_size(w, &p, i == 0);
		fill(&p, content, n);
		snprintf(path, sizeof path, "m%zu/index.html", i);
		if (gt_packer_file(*packer, path, n, NULL) != 0 ||
		    gt_packer_write(*packer, content, n) != 0)
			exit(2);
	}
	if (gt_packer_finish(*packer, manifest, &r->next_object, &plain,
	                     &stored) != 0)
		exit(2);
}

static struct gt_bytes entry_of(const struct resource *r, uint8_t *out)
{
	Gt__Entry m;
	gt__entry__init(&m);
	Gt__Text title, *titles[] = {&title};
	gt__text__init(&title);
	title.lang = title.text = gt_lend("课程");
	m.id = gt_lend(r->id);
	m.type = gt_lend(work_types[r->type]);
	m.n_title = 1;
	m.title = titles;
	return gt_bytes_of(out, gt__entry__pack(&m, out));
}

static void publish(struct world *w, struct resource *r, uint64_t content)
{
	unsigned at = clone_used(w, r->node);
	struct sim_node *s = &w->nodes[at];
	struct promise *p = promise_new(w, at, PUBLISH_PROMISE);
	uint8_t entry[512];
	char staged[DISK_NAME];
	struct buffer file = {0};
	struct gt_packer *packer = NULL;
	struct gt_draft d = {.staged = ""};
	if (!p || !s->core || r->pending) {
		if (p)
			p->kind = NO_PROMISE;
		return;
	}
	d.entry = entry_of(r, entry);
	memset(r->next_object.b, 0, sizeof r->next_object.b);
	if (r->type != 4) {
		r->content = content;
		pack(w, r, &file, &d.manifest, &packer);
		snprintf(staged, sizeof staged, "s/%llu",
		         (unsigned long long)p->token);
		d.staged = staged;
		if (!world_stage(w, at, staged, file.p, file.n)) {
			/* no room, or the power went: they try again later */
			p->kind = NO_PROMISE;
			r->unsure = true;
			gt_packer_free(packer);
			free(file.p);
			return;
		}
	}
	p->resource = r;
	r->pending = true;
	struct gt_event e = {.type = GT_EV_PUBLISH,
	                     .token = p->token,
	                     .drafts = &d,
	                     .count = 1,
	                     .actor = "user:sim"};
	command(w, at, &e);
	gt_packer_free(packer);
	free(file.p);
}

static void withdraw(struct world *w, struct resource *r)
{
	unsigned at = clone_used(w, r->node);
	struct promise *p = promise_new(w, at, WITHDRAW_PROMISE);
	if (!p || r->pending || !r->version || !w->nodes[at].core) {
		if (p)
			p->kind = NO_PROMISE;
		return;
	}
	p->resource = r;
	r->pending = true;
	struct gt_event e = {.type = GT_EV_WITHDRAW,
	                     .token = p->token,
	                     .text = r->id,
	                     .actor = "user:sim"};
	command(w, at, &e);
}

static struct resource *new_resource(const struct world *w, unsigned node,
                                     unsigned type)
{
	struct resource *r = &work.resources[work.nresources];
	r->node = node;
	r->type = type;
	snprintf(r->id, sizeof r->id, "%s/r%u", w->nodes[node].code,
	         work.nresources++);
	return r;
}

static void some_publishing(struct world *w)
{
	bool fresh = work.nresources < RESOURCES_MAX && prng_below(&draw, 3);
	struct resource *r =
	        work.nresources
	                ? &work.resources[prng_below(&draw, work.nresources)]
	                : NULL;
	if (fresh && r && r->content && prng_once_in(&draw, 8)) {
		/* the same under a better name, in one go */
		publish(w, new_resource(w, r->node, r->type), r->content);
		withdraw(w, r);
	} else if (fresh) {
		unsigned node = prng_below(&draw, 2)
		                        ? 0
		                        : (unsigned)prng_below(&draw, w->count);
		unsigned type = (unsigned)prng_below(&draw, 5);
		uint64_t content = some_content();
		publish(w, new_resource(w, node, type), content);
	} else if (r && prng_below(&draw, 3)) {
		publish(w, r, some_content());
	} else if (r) {
		withdraw(w, r);
	}
}

/* ------------------------------------------------------------ rules */

/* What was barred by a node's rules may not be any more. */
static void unbar(const struct world *w, unsigned node)
{
	for (unsigned i = 0; i < work.nresources; i++) {
		const char *from = w->nodes[work.resources[i].node].code;
		if (gt_code_within(from, w->nodes[node].code))
			work.resources[i].barred = 0;
	}
}

void work_rules(struct world *w, unsigned node, unsigned choice)
{
	unsigned at = clone_used(w, node);
	struct promise *p = promise_new(w, at, LAYER_PROMISE);
	uint8_t body[1024];
	if (!p || !w->nodes[at].core) {
		if (p)
			p->kind = NO_PROMISE;
		return;
	}
	p->choice = choice;
	work.layer_open[node] = true;
	unbar(w, node);
	struct gt_event e = {.type = GT_EV_LAYER,
	                     .token = p->token,
	                     .body = {body, work_layer(node, choice, body)},
	                     .actor = "user:sim"};
	command(w, at, &e);
}

/* ---------------------------------------------------------- records */

bool work_may_void(const struct world *w, const struct record *by,
                   const struct record *target)
{
	if (by->voice == OPERATOR)
		return gt_code_within(w->nodes[target->home].code,
		                      w->nodes[by->home].code);
	return by->voice != NOBODY && by->voice == target->voice &&
	       by->home == target->home;
}

/* People mostly know what is theirs to void. */
static const struct record *some_target(const struct world *w,
                                        const struct record *by)
{
	unsigned first = (unsigned)prng_below(&draw, work.nrecords - 1);
	for (unsigned i = 0; i < 24; i++) {
		const struct record *r =
		        &work.records[prng_below(&voices, work.nrecords - 1)];
		if (!r->voids && work_may_void(w, by, r) &&
		    !prng_once_in(&voices, 8))
			return r;
	}
	return &work.records[first];
}

static struct record *record_new(const struct world *w, unsigned home,
                                 unsigned voice)
{
	if (work.nrecords == RECORDS_MAX)
		return NULL;
	struct record *r = &work.records[work.nrecords++];
	prng_fill(&draw, r->id, sizeof r->id);
	r->form_number = 0;
	r->home = home;
	r->voice = voice;
	/* Sometimes a teacher takes one back, ... */
	if (work.nrecords > 1 && prng_once_in(&draw, 12)) {
		r->voids = true;
		memcpy(r->target, some_target(w, r)->id, sizeof r->target);
		return r;
	}
	/* ... or the id is another's, with the same or other words. */
	if (work.nrecords > 1 && prng_once_in(&draw, 10)) {
		struct record *old =
		        &work.records[prng_below(&draw, work.nrecords - 1)];
		old->shared = true;
		*r = *old;
		r->acknowledged = r->maybe = r->excused = r->unheard = false;
		r->home = home;
		r->voice = voice;
		if (prng_below(&draw, 2)) {
			r->form_number++;
			r->voids = false;
		}
	}
	return r;
}

bool work_completes(const struct record *r)
{
	return !r->voids && r->id[GT_UUID_BYTES - 1] % 3 == 0;
}

size_t work_record_body(const struct record *r, char out[256])
{
	char id[GT_UUID_TEXT], target[GT_UUID_TEXT];
	gt_uuid_format(id, r->id);
	gt_uuid_format(target, r->target);
	if (r->voids)
		return (size_t)snprintf(
		        out, 256,
		        "{\"id\":\"%s\",\"actor\":{\"mbox\":\"mailto:t@b.cn\"},"
		        "\"verb\":{\"id\":"
		        "\"http://adlnet.gov/expapi/verbs/voided\"},"
		        "\"object\":{\"objectType\":\"StatementRef\","
		        "\"id\":\"%s\"}}",
		        id, target);
	if (work_completes(r))
		return (size_t)snprintf(
		        out, 256,
		        "{\"id\":\"%s\",\"actor\":{\"mbox\":\"mailto:a@b.cn\"},"
		        "\"verb\":{\"id\":"
		        "\"http://adlnet.gov/expapi/verbs/completed\"},"
		        "\"object\":{\"id\":\"http://o.cn/c%u\"}}",
		        id, r->form_number);
	return (size_t)snprintf(out, 256,
	                        "{\"id\":\"%s\",\"actor\":{\"mbox\":"
	                        "\"mailto:a@b.cn\"},\"verb\":{\"id\":"
	                        "\"http://v.cn/%u\"},\"object\":{\"id\":"
	                        "\"http://o.cn/1\"}}",
	                        id, r->form_number);
}

/* Who vouches: an agent of the node's, and how far he is known. */
static void speak(const struct world *w, unsigned home, unsigned voice,
                  struct gt_statement *s)
{
	static char who[80];
	snprintf(who, sizeof who,
	         "{\"account\":{\"homePage\":\"urn:sim:%s\",\"name\":\"%u\"}}",
	         w->nodes[home].code, voice);
	s->authority = who;
	s->flags |= voice ? GT_STATEMENT_NAMED : 0;
	s->flags |= voice == OPERATOR ? GT_STATEMENT_OPERATOR : 0;
}

static void hand_in(struct world *w, unsigned home)
{
	unsigned voice = (unsigned)prng_below(&voices, VOICES);
	unsigned node = clone_used(w, home);
	struct promise *p = promise_new(w, node, RECORD_PROMISE);
	struct gt_statement s[4];
	char bodies[4][256], why[200];
	size_t count = 0, want = 1 + (size_t)prng_below(&draw, 4);
	if (!p || !w->nodes[node].core) {
		if (p)
			p->kind = NO_PROMISE;
		return;
	}
	for (; count < want; count++) {
		struct record *r = record_new(w, home, voice);
		if (!r)
			break;
		size_t n = work_record_body(r, bodies[count]);
		p->records[count] = r;
		if (gt_statements_parse(gt_bytes_of(bodies[count], n),
		                        GT_XAPI_ANY, NULL, 0, &s[count], 1, why,
		                        sizeof why) != 1) {
			world_fail(w, "statement", "%s", why);
			return;
		}
		speak(w, home, voice, &s[count]);
	}
	/* No id twice in one batch: that is refused before it gets here. */
	for (size_t i = 1; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (memcmp(s[i].id, s[k].id, 16) == 0)
				count = i;
	for (size_t i = count; i < 4; i++)
		p->records[i] = NULL;
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = p->token,
	                     .statements = s,
	                     .count = count,
	                     .actor = "user:sim"};
	if (count > 0)
		command(w, node, &e);
	else
		p->kind = NO_PROMISE;
}

static void ask_for(struct world *w, unsigned node, struct prng *p)
{
	if (work.nresources == 0)
		return;
	struct gt_event e = {
	        .type = GT_EV_WANT,
	        .token = ++w->tokens,
	        .text = work.resources[prng_below(p, work.nresources)].id,
	        .actor = "terminal"};
	command(w, node, &e);
}

/* Again what it was not told is taken; or what is, or another under that id; or
 * something new. NULL: enough is enough. */
static struct record *flood_record(unsigned home, struct prng *p)
{
	unsigned kind = (unsigned)prng_below(p, 6);
	if (flooding && flooding->home == home && kind < 3 &&
	    !flooding->acknowledged && flooding->form_number == 0)
		return flooding;
	if (work.nrecords == RECORDS_MAX)
		return NULL;
	struct record *r = &work.records[work.nrecords++];
	if (flooding && kind >= 4) {
		flooding->shared = true;
		*r = *flooding;
		r->acknowledged = r->maybe = r->excused = r->unheard = false;
		r->form_number += kind == 5;
		return r;
	}
	*r = (struct record){.home = home, .voice = 1};
	prng_fill(p, r->id, sizeof r->id);
	flooding = r;
	return r;
}

void work_flood(struct world *w, unsigned home, struct prng *p)
{
	unsigned node = clone_used(w, home);
	struct gt_statement s[4];
	char bodies[4][256], why[200];
	size_t count = 0, want = 1 + (size_t)prng_below(p, 4);
	if (!w->nodes[node].core)
		return;
	if (work.nresources > 0 && prng_once_in(p, 4)) {
		ask_for(w, node, p);
		return;
	}
	struct promise *q = promise_new(w, node, RECORD_PROMISE);
	for (; q && count < want; count++) {
		struct record *r = flood_record(home, p);
		for (size_t i = 0; r && i < count; i++)
			r = memcmp(r->id, q->records[i]->id, 16) ? r : NULL;
		if (!r)
			break;
		size_t n = work_record_body(r, bodies[count]);
		q->records[count] = r;
		if (gt_statements_parse(gt_bytes_of(bodies[count], n),
		                        GT_XAPI_ANY, NULL, 0, &s[count], 1, why,
		                        sizeof why) != 1) {
			world_fail(w, "statement", "%s", why);
			return;
		}
		speak(w, home, 1, &s[count]);
	}
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = q ? q->token : 0,
	                     .statements = s,
	                     .count = count,
	                     .detail = "10.9.9.9",
	                     .actor = "flood"};
	if (count > 0)
		world_command(w, node, &e);
	else if (q)
		q->kind = NO_PROMISE;
}

/* ---------------------------------------------------------- answers */

static void published(struct resource *r, const struct gt_action *a,
                      bool withdrawn)
{
	r->pending = false;
	if (a->status != 0)
		return;
	r->unsure = false;
	r->version++;
	r->withdrawn = withdrawn;
	if (!withdrawn)
		r->object = r->next_object;
}

/* The layer a node of that code has, -1: none. */
static int64_t layer_at(const struct sim_node *s, const char *code)
{
	return ask_one(s, "SELECT version FROM item WHERE kind=2 AND id=?1",
	               code, NULL, 0);
}

/* Levels that a place's rules keep this type from, as bits, if a publisher
 * below has those rules; 0 if that is not known. */
static unsigned barred_by(const struct world *w, const struct resource *r,
                          unsigned place)
{
	const struct sim_node *s = &w->nodes[place], *at = &w->nodes[r->node];
	int64_t version = s->core ? layer_at(s, s->code) : -1;
	unsigned bits = 0;
	if (version < 0 || work.layer_open[place] || work.layer_unsure[place] ||
	    s->two_pasts || !at->core || layer_at(at, s->code) != version)
		return 0;
	for (int depth = 0; depth < 5; depth++)
		if (work_verdict(place, r->type, depth) == GT_DENY)
			bits |= 1u << depth;
	return bits;
}

/* From the moment it is published no node of a level that is barred by rules
 * its publisher had then, its own or of any place above, may ever have it. */
static void barred(const struct world *w, struct resource *r, const char *text)
{
	const char *at = text ? strstr(text, "\"version\":") : NULL;
	uint64_t version = at ? strtoull(at + 10, NULL, 10) : 0;
	/* published again as it is, it goes on under the rules of then */
	bool same = version <= r->barred_from;
	r->barred = 0;
	if (!at || same || w->nodes[r->node].two_pasts)
		return;
	r->barred_from = version;
	for (int i = (int)r->node; i >= 0; i = w->nodes[i].parent)
		r->barred |= barred_by(w, r, (unsigned)i);
}

/* What may not be taken was not, and what may was not refused as if not. */
static void check_denied(struct world *w, const struct promise *p, int status)
{
	bool voids = false, nobody = false;
	for (size_t i = 0; i < 4; i++)
		if (p->records[i] && p->records[i]->voids) {
			voids = true;
			/* one that is known voided already */
			nobody = p->records[i]->voice == NOBODY &&
			         !p->records[i]->shared;
		}
	if (status == 0 && nobody)
		world_fail(w, "void", "nobody known voids a record at %s",
		           w->nodes[p->node].code);
	if (status == -GT_EDENIED && !voids)
		world_fail(w, "void", "%s refused what voids nothing",
		           w->nodes[p->node].code);
}

static void accepted(struct record *r, unsigned node)
{
	r->acknowledged = true;
	r->node = node;
}

void work_replied(struct world *w, unsigned node, const struct gt_action *a)
{
	struct promise *p = NULL;
	roam_replied(a);
	erase_replied(a);
	certify_replied(a);
	for (size_t i = 0; i < PROMISES_MAX; i++)
		if (work.promises[i].kind != NO_PROMISE &&
		    work.promises[i].token == a->token)
			p = &work.promises[i];
	if (!p)
		return;
	switch (p->kind) {
	case PUBLISH_PROMISE:
	case WITHDRAW_PROMISE:
		/* The other copy may have it, and this one not. */
		if (a->status != 0 &&
		    (w->nodes[node].disk.limit || w->nodes[node].disk.failed ||
		     clone_alive(w))) {
			p->resource->pending = false;
			p->resource->unsure = true;
			break;
		}
		published(p->resource, a, p->kind == WITHDRAW_PROMISE);
		if (a->status == 0 && p->kind == PUBLISH_PROMISE)
			barred(w, p->resource, a->text);
		if (a->status != 0)
			world_fail(w, "publish", "%s refused %s: %s",
			           w->nodes[node].code, p->resource->id,
			           a->text);
		break;
	case LAYER_PROMISE:
		if (a->status != 0)
			world_fail(w, "layer", "%s: %s", w->nodes[node].code,
			           a->text);
		node = clone_home(w, node);
		work.layer[node] = p->choice + 1;
		work.layer_unsure[node] = false;
		work.layer_open[node] = false;
		break;
	case RECORD_PROMISE:
		check_denied(w, p, a->status);
		for (size_t i = 0; a->status == 0 && i < 4; i++)
			if (p->records[i])
				accepted(p->records[i], node);
		break;
	case NO_PROMISE:
	default:
		break;
	}
	*p = (struct promise){0};
}

/* ------------------------------------------------------------ ticks */

static bool still_open(unsigned resource)
{
	for (size_t i = 0; i < PROMISES_MAX; i++)
		if (work.promises[i].kind != NO_PROMISE &&
		    work.promises[i].resource == &work.resources[resource])
			return true;
	return false;
}

void work_copied(struct world *w, unsigned node)
{
	unbar(w, node);
}

void work_moved(unsigned from, unsigned to)
{
	for (unsigned i = 0; i < work.nrecords; i++)
		if (work.records[i].node == from)
			work.records[i].node = to;
}

void work_restored(struct world *w, unsigned node)
{
	unbar(w, node);
	for (unsigned i = 0; i < work.nresources; i++) {
		struct resource *r = &work.resources[i];
		if (r->node != node)
			continue;
		r->unsure = r->unsure || r->version || r->pending;
	}
	if (work.layer[node])
		work.layer_unsure[node] = true;
}

/* A terminal plays something; what is damaged is reported, as the HTTP side
 * does. */
static void read_one(struct world *w, unsigned node)
{
	node = clone_used(w, node);
	if (work.nresources == 0)
		return;
	const struct resource *r =
	        &work.resources[prng_below(&draw, work.nresources)];
	if (!w->nodes[node].core || gt_id_is_zero(&r->object))
		return;
	work.deeds++;
	(void)world_read(w, node, &r->object);
}

/* What a crash left open is done again, as people would. */
static void repeat_unsure(struct world *w)
{
	for (unsigned i = 0; i < work.nresources; i++)
		if (work.resources[i].unsure) {
			work.resources[i].pending = still_open(i);
			publish(w, &work.resources[i], some_content());
		}
	for (unsigned i = 0; i < w->count; i++)
		if (work.layer_unsure[i])
			work_rules(w, i, (unsigned)prng_below(&draw, 200));
}

/* People above one node deny it a type, and take it back, and deny again: what
 * a child must be told changes before it has acknowledged the last. */
static void change_of_mind(struct world *w)
{
	unsigned choice, node = storm_node;
	while (w->nodes[node].parent >= 0 && prng_below(&draw, 3))
		node = (unsigned)w->nodes[node].parent;
	bool deny = prng_below(&draw, 3) > 0;
	do
		choice = (unsigned)prng_below(&draw, 200);
	while (deny && (choice / 3 % 5 != storm_type || choice / 5 % 4 != 0));
	work_rules(w, node, choice);
}

void work_tick(struct world *w)
{
	unsigned node = (unsigned)prng_below(&draw, w->count);
	if (burst > 0 && !w->calm) {
		burst--;
		hand_in(w, burst_node);
		world_tick_at(w, w->now + 5 + prng_below(&draw, 30));
		return;
	}
	if (storm > 0 && !w->calm) {
		storm--;
		change_of_mind(w);
		world_tick_at(w, w->now + 20 + prng_below(&draw, 3000));
		return;
	}
	repeat_unsure(w);
	if (w->calm) {
		bool open = false;
		for (size_t i = 0; i < PROMISES_MAX; i++)
			open = open || work.promises[i].kind != NO_PROMISE;
		for (unsigned i = 0; i < work.nresources; i++)
			open = open || work.resources[i].unsure;
		for (unsigned i = 0; i < w->count; i++)
			open = open || work.layer_unsure[i];
		if (open)
			world_tick_at(w, w->now + 5000);
		return;
	}
	roam_tick(w);
	/* Each kind of deed can be left out, for shrinking. */
	uint64_t deed = prng_below(&draw, 9);
	if (skipped >> deed & 1 ||
	    (w->calendar && !calendar_busy(w, deed < 3, &draw)))
		deed = UINT64_MAX;
	switch (deed) {
	case 0:
	case 1:
		some_publishing(w);
		break;
	case 2:
		if (prng_once_in(&draw, 2))
			work_rules(w, node, (unsigned)prng_below(&draw, 200));
		if (prng_once_in(&draw, 3)) {
			storm = 2 + (unsigned)prng_below(&draw, 6);
			storm_node = node;
			storm_type = (unsigned)prng_below(&draw, 5);
		}
		break;
	case 3:
		ask_for(w, clone_used(w, node), &draw);
		break;
	case 4:
		read_one(w, node);
		break;
	case UINT64_MAX:
		break;
	default:
		hand_in(w, node);
		/* A class ends and all its terminals hand in at once. */
		if (prng_once_in(&draw, 8)) {
			burst = 2 + (unsigned)prng_below(&draw, 12);
			burst_node = node;
		}
	}
	world_tick_at(w, w->now + 100 + prng_below(&draw, 2 * pace));
}

void work_init(struct world *w, uint64_t tick_ms, uint64_t skip)
{
	memset(&work, 0, sizeof work);
	burst = storm = 0;
	flooding = NULL;
	pace = tick_ms;
	skipped = skip;
	draw = prng_new(w->seed, FOR_WORKLOAD, 0);
	voices = prng_new(w->seed, FOR_WORKLOAD, 1);
	roam_init(w, skip >> 9 & 1);
	work_rules(w, 0, (unsigned)prng_below(&draw, 200));
	world_tick_at(w, w->now + 1000);
}

void work_free(void)
{
	for (unsigned i = 0; i < work.nresources; i++)
		free(work.resources[i].issues.v);
	for (unsigned i = 0; i < NODES_MAX; i++)
		free(work.layers[i].v);
	memset(&work, 0, sizeof work);
}

uint64_t work_records(void)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < work.nrecords; i++)
		n += work.records[i].acknowledged;
	return n;
}
