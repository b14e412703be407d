/* documents_take.c: see documents_take.h.
 * Tests: u_roam.c. */
#include "documents_take.h"

#include <string.h>

#include "records_inside.h"
#include "utf8.h"

/* --------------------------------------------------------------- wire */

static bool plain(const char *text, size_t most)
{
	size_t n = strlen(text);
	return n <= most && gt_utf8_valid(text, n);
}

static struct gt_document_key key_of(const Gt__Document *w)
{
	return (struct gt_document_key){(enum gt_document_kind)w->kind,
	                                w->activity, w->agent, w->registration,
	                                w->id};
}

const char *gt_document_shapeless(const Gt__Document *w)
{
	const struct gt_document_key key = key_of(w);
	const char *unfit = w->kind > GT_DOCUMENT_ACTIVITY
	                            ? "a document of an unknown kind"
	                    : *w->id == '\0' ? "a document without an id"
	                                     : gt_document_unfit(&key);
	if (unfit)
		return unfit;
	if (!plain(w->agent, GT_DOCUMENT_NAME_MAX) ||
	    !plain(w->activity, GT_DOCUMENT_NAME_MAX) ||
	    !plain(w->id, GT_DOCUMENT_NAME_MAX) ||
	    !plain(w->actor, GT_TEXT_MAX) ||
	    !plain(w->type, GT_DOCUMENT_TYPE_MAX))
		return "a text of it is too long, or none";
	if (!gt_code_valid(w->origin) || w->epoch.len != GT_EPOCH_BYTES ||
	    w->seq == 0 || w->seq > INT64_MAX ||
	    !gt_seen_valid(gt_bytes_of(w->seen.data, w->seen.len)) ||
	    !gt_seen_valid(gt_bytes_of(w->beaten.data, w->beaten.len)))
		return "a version without a name";
	if (w->first_ms < 0 || w->updated_ms < 0)
		return "a time that cannot be";
	return w->body.len > GT_DOCUMENT_MAX || (w->gone && w->body.len > 0)
	               ? "a body that cannot be"
	               : NULL;
}

struct gt_document_row gt_document_from(const Gt__Document *w)
{
	struct gt_document_row r = {
	        .key = key_of(w),
	        .version = {.seq = (int64_t)w->seq, .first_ms = w->first_ms},
	        .seen = gt_bytes_of(w->seen.data, w->seen.len),
	        .beaten = gt_bytes_of(w->beaten.data, w->beaten.len),
	        .updated_ms = w->updated_ms,
	        .gone = w->gone,
	        .actor = w->actor,
	        .type = w->type,
	        .body = gt_bytes_of(w->body.data, w->body.len)};
	gt_copy(r.version.origin, sizeof r.version.origin, w->origin);
	memcpy(r.version.epoch, w->epoch.data, GT_EPOCH_BYTES);
	return r;
}

/* protobuf-c's strings are not const, and nobody writes into them. */
static char *text(struct gt_node *n, const char *s)
{
	return gt_arena_str(n->arena, s);
}

Gt__Document *gt_document_to(struct gt_node *n, const struct gt_document_row *r)
{
	const struct gt_version *v = &r->version;
	Gt__Document *w = gt_arena_get(n->arena, sizeof *w);
	if (!w)
		return NULL;
	gt__document__init(w);
	w->number = (uint64_t)r->did;
	w->kind = (uint32_t)r->key.kind;
	w->agent = text(n, r->key.agent);
	w->activity = text(n, r->key.activity);
	w->registration = text(n, r->key.registration);
	w->id = text(n, r->key.id);
	w->origin = text(n, v->origin);
	w->epoch = gt_record_field(n, gt_bytes_of(v->epoch, GT_EPOCH_BYTES));
	w->seq = (uint64_t)v->seq;
	w->seen = gt_record_field(n, r->seen);
	w->beaten = gt_record_field(n, r->beaten);
	w->first_ms = v->first_ms;
	w->updated_ms = r->updated_ms;
	w->gone = r->gone;
	w->actor = text(n, r->actor);
	w->type = text(n, r->type);
	w->body = gt_record_field(n, r->body);
	return gt_arena_short(n->arena) ? NULL : w;
}

size_t gt_document_weight(const struct gt_document_row *r)
{
	return r->body.n + r->seen.n + r->beaten.n + strlen(r->actor) +
	       strlen(r->type) + strlen(r->key.agent) +
	       strlen(r->key.activity) + strlen(r->key.id) + 200;
}

bool gt_documents_barred(const struct gt_node *n, const char *from,
                         const char *to)
{
	const char *level = gt_level_name(gt_code_depth(to));
	const struct gt_receiver receiver = {to, level ? level : ""};
	return gt_demand_binds(n->records->layers, n->records->nlayers, from,
	                       &receiver);
}

/* ------------------------------------------------------------- taking */

/* By its ETag, which stands for all of the body. */
static bool alike(const struct gt_document_row *a,
                  const struct gt_document_row *b)
{
	return a->gone == b->gone && strcmp(a->etag, b->etag) == 0 &&
	       strcmp(a->type, b->type) == 0;
}

/* A number that was given twice, by an origin that forgot or by two copies of
 * it: the one that comes second gets a name that follows from what it says. */
static void rename_it(struct gt_document_row *r)
{
	static const char domain[] = "guantong second document v1\n";
	struct gt_id id;
	const uint8_t gone = r->gone;
	struct gt_bytes parts[5] = {
	        gt_bytes_str(domain),
	        gt_bytes_of(r->version.epoch, GT_EPOCH_BYTES),
	        gt_bytes_of(&gone, 1), gt_bytes_str(r->type), r->body};
	gt_sha256(&id, parts, 5);
	memcpy(r->version.epoch, id.b, GT_EPOCH_BYTES);
}

/* The newer of what both hold, and of v, unless it is NULL. In the arena. */
static int both(struct gt_node *n, struct gt_bytes *to, struct gt_bytes more,
                const struct gt_version *v)
{
	struct gt_seen s = {0};
	gt_seen_merge(&s, more);
	gt_seen_merge(&s, *to);
	if (v)
		gt_seen_add(&s, v);
	*to = gt_bytes_of(gt_arena_copy(n->arena, s.b, s.n), s.n);
	return to->p ? 0 : -GT_ENOMEM;
}

/* a has seen b, and what b had, from now on; and has beaten it. */
static int has_seen(struct gt_node *n, struct gt_document_row *a,
                    const struct gt_document_row *b, bool beaten)
{
	int status = both(n, &a->seen, b->seen, &b->version);
	return status ? status
	              : both(n, &a->beaten, b->beaten,
	                     beaten ? &b->version : NULL);
}

/* It takes the place of what is here, if there is room for it. */
static int store(struct gt_node *n, struct gt_document_taking *t)
{
	const struct gt_document_row *was = &t->here;
	bool fits = true;
	int status = 0;
	if (!t->row.gone)
		status = gt_document_room(n, &t->row.key, was->did == 0,
		                          t->row.body.n, was->body.n, &fits);
	t->fate = fits ? GT_DOCUMENT_TAKEN : GT_DOCUMENT_FULL;
	if (status != 0 || !fits)
		return status;
	t->row.up = t->below && n->parent[0];
	status = gt_document_store(n, &t->row);
	t->here = t->row;
	return status;
}

/* The same version: both go by the time that is known of it longer. */
static int same(struct gt_node *n, struct gt_document_taking *t)
{
	struct gt_document_row *h = &t->here;
	int64_t first = t->row.version.first_ms;
	int64_t have = h->version.first_ms;
	t->fate = GT_DOCUMENT_TAKEN;
	if (have != 0 && have <= first)
		first = have;
	h->version.first_ms = first;
	bool told = !t->below && h->up; /* the parent has it */
	if (!told && first == have)
		return 0;
	h->up = h->up && !told;
	if (told)
		return gt_document_told(n, h->did, first);
	n->touched = true;
	gt_store_bind(n->store, GT_SQL_DOCUMENT_FIRST, "ii", h->did, first);
	return gt_store_run(n->store, GT_SQL_DOCUMENT_FIRST);
}

/* beats: neither knew of the other. */
static int newer(struct gt_node *n, struct gt_document_taking *t, bool beats)
{
	struct gt_document_row was = t->here;
	bool lost = !alike(&was, &t->row) &&
	            (beats || gt_seen_has(t->row.beaten, &was.version));
	int status = has_seen(n, &t->row, &was, beats && lost);
	if (status == 0 && lost)
		status = gt_document_load(n, &was);
	if (status == 0)
		status = store(n, t);
	if (status != 0 || t->fate != GT_DOCUMENT_TAKEN || !lost)
		return status;
	return gt_document_lose(n, &was, t->row.version.origin, t->peer);
}

/* Ours wins, and goes up once more, for what it has seen now. */
static int ours_wins(struct gt_node *n, struct gt_document_taking *t)
{
	bool lost = !alike(&t->here, &t->row);
	int status = has_seen(n, &t->here, &t->row, lost);
	t->fate = GT_DOCUMENT_PASSED;
	t->here.up = n->parent[0] != '\0';
	if (status == 0)
		status = gt_document_knows(n, &t->here);
	if (status != 0 || !lost)
		return status;
	return gt_document_lose(n, &t->row, t->here.version.origin, t->peer);
}

static int beside(struct gt_node *n, struct gt_document_taking *t)
{
	return gt_version_wins(&t->row.version, &t->here.version)
	               ? newer(n, t, true)
	               : ours_wins(n, t);
}

/* The parent has an older one than it was told of: it forgot, or decided
 * otherwise. */
static int tell_above(struct gt_node *n, struct gt_document_row *here)
{
	if (here->up)
		return 0;
	here->up = true;
	return gt_document_knows(n, here);
}

int gt_document_take(struct gt_node *n, struct gt_document_taking *t)
{
	struct gt_document_row *r = &t->row;
	int64_t *first = &r->version.first_ms, now = n->now.wall_ms;
	char etag[GT_ETAG_TEXT];
	gt_document_etag(etag, r->body);
	r->etag = gt_arena_str(n->arena, etag);
	if (!r->etag)
		return -GT_ENOMEM;
	/* what a child says came in times to come came now */
	if (t->below && (*first == 0 || *first > now))
		*first = now;
	int status = gt_document_look(n, &r->key, &t->here);
	if (status != 0)
		return status;
	if (t->here.did == 0)
		return store(n, t);
	if (gt_version_same(&r->version, &t->here.version) &&
	    !alike(r, &t->here))
		rename_it(r);
	switch (gt_version_compare(&r->version, r->seen, &t->here.version,
	                           t->here.seen)) {
	case GT_VERSION_SAME:
		return same(n, t);
	case GT_VERSION_NEWER:
		return newer(n, t, false);
	case GT_VERSION_BESIDE:
		return beside(n, t);
	case GT_VERSION_OLDER:
	default:
		t->fate = GT_DOCUMENT_PASSED;
		return t->below ? 0 : tell_above(n, &t->here);
	}
}
