/* documents_seek.c: documents of learners who come from elsewhere, asked for
 * above.
 *
 * What a terminal asks for, and what a child asks for in a terminal's stead, is
 * asked of the parent first, as long as there is time, and then answered from
 * what is here; so is all that cannot be asked for. Nothing waits longer than
 * WAIT_MS, at each level a little less than below it. What was asked for just
 * now is not asked for again, and a parent that does not answer in time is left
 * alone for a while. What comes late is taken all the same.
 * Tests: u_seek.c. */
#include <stdlib.h>
#include <string.h>

#include "documents.h"
#include "documents_take.h"
#include "records_inside.h"
#include "utf8.h"

enum {
	SEEKS = 64,      /* at once */
	SEEKS_CHILD = 8, /* ... of one child */
	WAIT_MS = 2000,
	HOP_MS = 200, /* that a level leaves to the one below */
	FRESH = 128,  /* keys that are known to be as above */
	FRESH_MS = 2000,
	REST_MS = 10000,
	PAGES = 128, /* of one seek: more than one owner may have */
	QUESTION_BYTES = 16 << 10, /* that is kept, without what is known to
	                              whoever asks if it is more */
	FOUND_BYTES = 768 << 10,
};

/* Somebody who waits.
 *   1. number 0: the slot is free
 *   2. question and after are malloc'ed */
struct seek {
	uint32_t number;
	uint32_t peer; /* the child; 0: a terminal */
	uint64_t token;
	uint64_t due;
	unsigned pages;
	uint8_t *question; /* a Seek, packed; of a terminal's the key alone */
	size_t n;
	/* of all: where the next page begins */
	char registration[GT_UUID_TEXT];
	char *after;
};

struct gt_seeks {
	struct seek v[SEEKS];
	uint32_t last;
	uint64_t rest_ms; /* the parent is not asked before */
	struct {
		uint8_t key[8];
		uint64_t until;
	} fresh[FRESH];
	unsigned next;
};

static void forget(struct seek *s)
{
	free(s->question);
	free(s->after);
	*s = (struct seek){0};
}

void gt_seeks_free(struct gt_seeks *all)
{
	for (size_t i = 0; all && i < SEEKS; i++)
		forget(&all->v[i]);
	free(all);
}

/* -------------------------------------------------------------- fresh */

static void name_of(uint8_t out[8], const struct gt_document_key *k)
{
	static const uint8_t end = 0;
	const uint8_t kind = (uint8_t)k->kind, one = k->id != NULL;
	const struct gt_bytes stop = gt_bytes_of(&end, 1);
	struct gt_id id;
	struct gt_bytes parts[9] = {gt_bytes_of(&kind, 1),
	                            gt_bytes_str(k->agent),
	                            stop,
	                            gt_bytes_str(k->activity),
	                            stop,
	                            gt_bytes_str(k->id ? k->registration : ""),
	                            stop,
	                            gt_bytes_of(&one, 1),
	                            gt_bytes_str(k->id ? k->id : "")};
	gt_sha256(&id, parts, 9);
	memcpy(out, id.b, 8);
}

static bool is_fresh(const struct gt_node *n, const struct gt_document_key *k)
{
	const struct gt_seeks *all = n->records->documents->seeks;
	uint8_t name[8];
	name_of(name, k);
	for (size_t i = 0; all && i < FRESH; i++)
		if (all->fresh[i].until > n->now.mono_ms &&
		    memcmp(all->fresh[i].key, name, sizeof name) == 0)
			return true;
	return false;
}

static void make_fresh(struct gt_node *n, const struct gt_document_key *k)
{
	struct gt_seeks *all = n->records->documents->seeks;
	unsigned at = all->next++ % FRESH;
	name_of(all->fresh[at].key, k);
	all->fresh[at].until = n->now.mono_ms + FRESH_MS;
}

/* ------------------------------------------------------------- waiting */

static struct gt_document_key key_of(const Gt__Seek *m)
{
	return (struct gt_document_key){(enum gt_document_kind)m->kind,
	                                m->activity, m->agent, m->registration,
	                                *m->id ? m->id : NULL};
}

/* Keeps the question until it is answered. */
static bool keep(struct seek *s, const Gt__Seek *asked)
{
	Gt__Seek m = *asked;
	if (gt__seek__get_packed_size(&m) > QUESTION_BYTES)
		m.n_known = 0;
	s->n = gt__seek__get_packed_size(&m);
	s->question = malloc(s->n + 1);
	s->after = strdup("");
	if (s->question)
		gt__seek__pack(&m, s->question);
	return s->question && s->after;
}

/* In the arena; NULL: out of memory. */
static Gt__Seek *question_of(struct gt_node *n, const struct seek *s)
{
	return gt__seek__unpack(gt_arena_allocator(n->arena), s->n,
	                        s->question);
}

/* A free slot; NULL: there is none, or none more for that child. */
static struct seek *slot(struct gt_node *n, uint32_t peer)
{
	struct gt_documents *d = n->records->documents;
	struct seek *found = NULL;
	size_t count = 0;
	if (!d->seeks)
		d->seeks = calloc(1, sizeof *d->seeks);
	for (size_t i = 0; d->seeks && i < SEEKS; i++) {
		struct seek *s = &d->seeks->v[i];
		count += s->number && peer && s->peer == peer;
		if (!s->number)
			found = s;
	}
	return count < SEEKS_CHILD ? found : NULL;
}

static struct seek *by_number(struct gt_node *n, uint64_t number)
{
	struct gt_seeks *all = n->records->documents->seeks;
	for (size_t i = 0; all && i < SEEKS; i++)
		if (all->v[i].number && all->v[i].number == number)
			return &all->v[i];
	return NULL;
}

/* Whether the parent is to be asked at all. */
static bool may_ask(const struct gt_node *n, const struct gt_document_key *k)
{
	const struct gt_seeks *all = n->records->documents->seeks;
	return gt_up_ready(n) && gt_version_carries(n->up->version) &&
	       !n->full && !(all && n->now.mono_ms < all->rest_ms) &&
	       /* whose name may not be told above, he is not asked for there */
	       !(*k->agent && gt_documents_barred(n, n->code, gt_up_code(n))) &&
	       !is_fresh(n, k);
}

/* -------------------------------------------------------------- asking */

/* The next row of the seek that is here, behind a place; did 0: none. */
static int next_here(struct gt_node *n, const struct gt_document_key *k,
                     const char *registration, const char *after, bool whole,
                     struct gt_document_row *out)
{
	sqlite3_stmt *st = gt_store_bind(
	        n->store, GT_SQL_DOCUMENTS_OF, "itttti", (int64_t)k->kind,
	        k->agent, k->activity, registration, after, (int64_t)1);
	int row = gt_store_step(n->store, GT_SQL_DOCUMENTS_OF);
	int status = row < 0 ? row : 0;
	*out = (struct gt_document_row){0};
	if (row == 1)
		status = whole ? gt_document_row(n, st, out)
		               : gt_document_head(n, st, out);
	gt_store_reset(n->store, GT_SQL_DOCUMENTS_OF);
	return status;
}

static Gt__Seek__Known *known(struct gt_node *n,
                              const struct gt_document_row *r)
{
	Gt__Seek__Known *m = gt_arena_get(n->arena, sizeof *m);
	if (!m)
		return NULL;
	gt__seek__known__init(m);
	m->registration = gt_lend(r->key.registration);
	m->id = gt_lend(r->key.id);
	m->origin = gt_arena_str(n->arena, r->version.origin);
	m->epoch = gt_record_field(
	        n, gt_bytes_of(r->version.epoch, GT_EPOCH_BYTES));
	m->seq = (uint64_t)r->version.seq;
	return gt_arena_short(n->arena) ? NULL : m;
}

/* The versions that are here of what is sought. */
static int what_is_here(struct gt_node *n, Gt__Seek *m)
{
	const struct gt_document_key key = key_of(m);
	Gt__Seek__Known *v[GT_DOCUMENTS_ROWS];
	const char *registration = m->after_registration;
	const char *after = m->after_id;
	struct gt_document_row r;
	int status = 0;
	m->n_known = 0;
	for (;;) {
		status = key.id ? gt_document_look(n, &key, &r)
		                : next_here(n, &key, registration, after, false,
		                            &r);
		if (status != 0 || r.did == 0)
			break;
		registration = r.key.registration;
		after = r.key.id;
		if (!(v[m->n_known++] = known(n, &r)))
			return -GT_ENOMEM;
		if (key.id || m->n_known == GT_DOCUMENTS_ROWS)
			break;
	}
	if (status != 0 || m->n_known == 0)
		return status;
	m->known = gt_arena_copy(n->arena, v, m->n_known * sizeof *v);
	return m->known ? 0 : -GT_ENOMEM;
}

/* *full: it cannot be asked now. */
static int ask(struct gt_node *n, const struct seek *s, bool *full)
{
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Seek *m = question_of(n, s);
	struct gt_asking a = {.what = GT_ASKED_SEEK, .upto = s->number};
	if (!m)
		return -GT_ENOMEM;
	m->after_registration = gt_lend(s->registration);
	m->after_id = s->after;
	m->wait_ms = (uint32_t)(s->due - n->now.mono_ms);
	m->wait_ms -= m->wait_ms > HOP_MS ? HOP_MS : 0;
	int status = what_is_here(n, m);
	q.body_case = GT__REQUEST__BODY_SEEK;
	q.seek = m;
	n->status.documents_sought++;
	return status ? status : gt_ask(n, &q, &a, full);
}

/* Who asks waits, unless nothing is to be had above: *waits. */
static int begin(struct gt_node *n, const Gt__Seek *m, uint32_t peer,
                 uint64_t token, uint64_t wait_ms, bool *waits)
{
	const struct gt_document_key key = key_of(m);
	struct seek *s = may_ask(n, &key) ? slot(n, peer) : NULL;
	bool full = false;
	*waits = false;
	if (!s)
		return 0;
	s->number = ++n->records->documents->seeks->last;
	if (s->number == 0) /* it went round */
		s->number = n->records->documents->seeks->last = 1;
	s->peer = peer;
	s->token = token;
	s->due = n->now.mono_ms + wait_ms;
	int status = keep(s, m) ? ask(n, s, &full) : -GT_ENOMEM;
	*waits = status == 0 && !full;
	if (!*waits)
		forget(s);
	return status;
}

int gt_documents_seek(struct gt_node *n, const struct gt_event *e)
{
	const struct gt_document_key *k = &e->document->key;
	Gt__Seek m;
	bool waits;
	gt__seek__init(&m);
	m.kind = (uint32_t)k->kind;
	m.agent = gt_lend(k->agent);
	m.activity = gt_lend(k->activity);
	m.registration = gt_lend(k->registration);
	m.id = gt_lend(k->id ? k->id : "");
	int status = begin(n, &m, 0, e->token, WAIT_MS, &waits);
	return status || waits ? status : gt_reply(n, e->token, 0, "%s", "");
}

/* ----------------------------------------------------------- answering */

/* The version of it that is known there; seq 0: none is. */
static struct gt_version known_of(const Gt__Seek *m,
                                  const struct gt_document_row *r)
{
	struct gt_version v = {.seq = 0};
	for (size_t i = 0; i < m->n_known; i++) {
		const Gt__Seek__Known *k = m->known[i];
		if (strcmp(k->id, r->key.id) != 0 ||
		    strcmp(k->registration, r->key.registration) != 0 ||
		    k->epoch.len != GT_EPOCH_BYTES || k->seq > INT64_MAX ||
		    !gt_copy(v.origin, sizeof v.origin, k->origin))
			continue;
		memcpy(v.epoch, k->epoch.data, GT_EPOCH_BYTES);
		v.seq = (int64_t)k->seq;
	}
	return v;
}

/* An answer to a child. */
struct finding {
	struct gt_document_key key;
	const Gt__Seek *asked;
	const char *registration, *after;
	Gt__Found m;
	size_t bytes, looked;
};

static int add(struct gt_node *n, struct finding *f,
               const struct gt_document_row *r)
{
	struct gt_version there = known_of(f->asked, r);
	if (gt_version_same(&there, &r->version))
		return 0;
	f->bytes += gt_document_weight(r);
	Gt__Document *w = gt_document_to(n, r);
	f->m.documents[f->m.n_documents++] = w;
	return w ? 0 : -GT_ENOMEM;
}

static int find_all(struct gt_node *n, struct finding *f)
{
	struct gt_document_row r;
	int status = 0;
	while (status == 0) {
		status = next_here(n, &f->key, f->registration, f->after, true,
		                   &r);
		if (status != 0 || r.did == 0)
			break;
		f->m.more = f->m.n_documents == GT_DOCUMENTS_ROWS ||
		            f->looked == 4 * GT_DOCUMENTS_ROWS ||
		            (f->looked > 0 &&
		             f->bytes + gt_document_weight(&r) > FOUND_BYTES);
		if (f->m.more)
			break;
		f->looked++;
		f->registration = r.key.registration;
		f->after = r.key.id;
		status = add(n, f, &r);
	}
	f->m.registration = gt_lend(f->registration);
	f->m.id = gt_lend(f->after);
	return status;
}

static int find(struct gt_node *n, struct finding *f)
{
	struct gt_document_row r;
	f->m.documents =
	        gt_arena_get(n->arena, GT_DOCUMENTS_ROWS * sizeof(void *));
	if (!f->m.documents)
		return -GT_ENOMEM;
	if (!f->key.id)
		return find_all(n, f);
	int status = gt_document_get(n, &f->key, &r);
	return status || r.did == 0 ? status : add(n, f, &r);
}

static int told(struct gt_node *n, const char *event, const char *peer,
                Gt__Document *const *v, size_t count)
{
	char name[GT_OWNER_NAME], detail[64];
	uint64_t bytes = 0;
	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		bytes += v[i]->body.len;
	int status = gt_document_owner_name(
	        n, *v[0]->agent ? v[0]->agent : v[0]->activity, name);
	gt_format(detail, sizeof detail, "count=%zu", count);
	struct gt_audit row = {.event = event,
	                       .kind = "document",
	                       .subject = name,
	                       .peer = peer,
	                       .bytes = bytes,
	                       .detail = detail};
	return status ? status : gt_audit_told(n, peer, &row, NULL);
}

static int give(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                const Gt__Seek *asked)
{
	Gt__Reply r = GT__REPLY__INIT;
	struct finding f = {.key = key_of(asked),
	                    .asked = asked,
	                    .registration = asked->after_registration,
	                    .after = asked->after_id};
	gt__found__init(&f.m);
	int status = find(n, &f);
	if (status == 0)
		status = told(n, "serve", p->code, f.m.documents,
		              f.m.n_documents);
	r.body_case = GT__REPLY__BODY_FOUND;
	r.found = &f.m;
	return status ? status
	              : gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

static bool plain(const char *text)
{
	size_t n = strlen(text);
	return n <= GT_DOCUMENT_NAME_MAX && gt_utf8_valid(text, n);
}

static const char *bad_seek(const struct gt_peer *p, const Gt__Seek *m)
{
	const struct gt_document_key key = key_of(m);
	if (!gt_version_carries(p->version))
		return "unknown request";
	bool texts = plain(m->agent) && plain(m->activity) && plain(m->id) &&
	             plain(m->after_id) && plain(m->after_registration);
	bool kind = m->kind <= GT_DOCUMENT_ACTIVITY;
	return texts && kind && m->n_known <= GT_DOCUMENTS_ROWS &&
	                       !gt_document_unfit(&key)
	               ? NULL
	               : "a malformed question for documents";
}

int gt_documents_sought(struct gt_node *n, struct gt_peer *p, uint64_t token,
                        const Gt__Seek *m)
{
	const char *no = bad_seek(p, m);
	uint64_t wait = m->wait_ms < WAIT_MS ? m->wait_ms : WAIT_MS;
	bool waits = false;
	int status = 0;
	if (no)
		return gt_drop(n, p, no);
	/* what lies behind the first page was asked for above with it */
	if (wait > HOP_MS && *m->after_id == '\0')
		status = begin(n, m, p->id, token, wait, &waits);
	return status || waits ? status : give(n, p, token, m);
}

/* ---------------------------------------------------------------- over */

/* Whoever waits is answered from what is here. */
static int finish(struct gt_node *n, struct seek *s)
{
	struct gt_peer *p = s->peer ? gt_peer_by_id(n, s->peer) : NULL;
	const Gt__Seek *m = question_of(n, s);
	int status = 0;
	if (!m)
		return -GT_ENOMEM;
	if (s->peer == 0)
		status = gt_reply(n, s->token, 0, "%s", "");
	else if (p)
		status = give(n, p, s->token, m);
	forget(s);
	return status;
}

static int take(struct gt_node *n, const Gt__Document *w)
{
	struct gt_document_taking t = {.row = gt_document_from(w),
	                               .peer = gt_up_code(n)};
	return gt_document_take(n, &t);
}

static int take_all(struct gt_node *n, const Gt__Found *m)
{
	struct gt_hand_in h = {.count = m->n_documents};
	struct gt_refusal later = {0};
	for (size_t i = 0; i < m->n_documents; i++)
		h.bytes += m->documents[i]->body.len;
	int status = h.count > 0 ? gt_record_admit(n, &h, &later) : 0;
	if (status != 0 || later.code != 0)
		return status;
	for (size_t i = 0; status == 0 && i < m->n_documents; i++)
		status = take(n, m->documents[i]);
	n->status.documents_came += m->n_documents;
	return status;
}

static const char *bad_found(const Gt__Found *m)
{
	if (m->n_documents > GT_DOCUMENTS_ROWS || !plain(m->id) ||
	    strlen(m->registration) >= GT_UUID_TEXT)
		return "an answer about documents over the limit";
	for (size_t i = 0; i < m->n_documents; i++)
		if (gt_document_shapeless(m->documents[i]))
			return "a malformed document";
	return NULL;
}

/* Another page of it. *full: there is none to be had. */
static int go_on(struct gt_node *n, struct seek *s, const Gt__Found *m,
                 bool *full)
{
	char *after = strdup(m->id);
	if (!after)
		return -GT_ENOMEM;
	free(s->after);
	s->after = after;
	gt_copy(s->registration, sizeof s->registration, m->registration);
	s->pages++;
	return ask(n, s, full);
}

int gt_documents_found(struct gt_node *n, const struct gt_asking *a,
                       const Gt__Found *m)
{
	struct seek *s = by_number(n, a->upto);
	const char *no = bad_found(m);
	bool full = true;
	if (no)
		return gt_drop(n, n->up, no);
	int status = take_all(n, m);
	if (status == 0)
		status = told(n, "receive", gt_up_code(n), m->documents,
		              m->n_documents);
	if (status != 0 || !s)
		return status;
	const Gt__Seek *q = question_of(n, s);
	if (!q)
		return -GT_ENOMEM;
	if (m->more && *q->id == '\0' && s->pages < PAGES &&
	    n->now.mono_ms < s->due)
		status = go_on(n, s, m, &full);
	if (status != 0 || !full)
		return status;
	const struct gt_document_key key = key_of(q);
	if (!m->more)
		make_fresh(n, &key);
	return finish(n, s);
}

int gt_documents_unfound(struct gt_node *n, const struct gt_asking *a)
{
	struct seek *s = by_number(n, a->upto);
	return s ? finish(n, s) : 0;
}

int gt_documents_time(struct gt_node *n)
{
	struct gt_seeks *all = n->records->documents->seeks;
	int status = 0;
	for (size_t i = 0; all && status == 0 && i < SEEKS; i++) {
		if (!all->v[i].number || n->now.mono_ms < all->v[i].due)
			continue;
		all->rest_ms = n->now.mono_ms + REST_MS;
		status = finish(n, &all->v[i]);
	}
	return status;
}

uint64_t gt_documents_due(const struct gt_node *n)
{
	const struct gt_seeks *all = n->records->documents->seeks;
	uint64_t at = UINT64_MAX;
	for (size_t i = 0; all && i < SEEKS; i++)
		if (all->v[i].number)
			at = gt_sooner(at, all->v[i].due);
	return at;
}

int gt_documents_alone(struct gt_node *n)
{
	struct gt_seeks *all = n->records->documents->seeks;
	int status = 0;
	for (size_t i = 0; all && status == 0 && i < SEEKS; i++)
		if (all->v[i].number)
			status = finish(n, &all->v[i]);
	return status;
}
