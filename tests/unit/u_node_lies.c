/* u_node_lies.c: a publisher and a parent that lie about content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "content_inside.h"
#include "unit/node_kit.h"
#include "unit/script_kit.h"

/* Frames and manifest agree, the tar stream inside is not what the manifest
 * says: the publisher lies, however often it is fetched. */
static void hostile(struct pack *p)
{
	struct gt_manifest *m;
	Gt__Manifest *w;
	package(p, 1, 70000);
	m = pack_manifest(p);
	struct gt_inflater *z = gt_inflater_new();
	uint8_t *plain = malloc(m->plain[0]), *stored;
	/* the first frame again, with another name in its header */
	assert(z && plain);
	int status = gt_frame_inflate(z, m, 0,
	                              gt_bytes_of(p->out, m->stored[0]), plain);
	assert(status == 0);
	memcpy(plain, "../x\0", 6);
	size_t cap = 2 * m->plain[0] + 1000, n;
	stored = malloc(cap + p->out_n);
	assert(stored);
	n = ZSTD_compress(stored, cap, plain, m->plain[0], 3);
	assert(!ZSTD_isError(n));
	size_t rest = p->out_n - m->stored[0];
	memcpy(stored + n, p->out + m->stored[0], rest);
	w = gt__manifest__unpack(NULL, p->manifest_n, p->manifest);
	assert(w);
	w->stored_sizes[0] = (uint32_t)n;
	struct gt_id id;
	gt_sha256_one(&id, stored, n);
	memcpy(w->frame_ids.data, id.b, 32);
	free(p->manifest);
	p->manifest_n = gt__manifest__get_packed_size(w);
	p->manifest = malloc(p->manifest_n);
	assert(p->manifest);
	gt__manifest__pack(w, p->manifest);
	gt__manifest__free_unpacked(w, NULL);
	free(p->out);
	p->out = stored;
	p->out_n = n + rest;
	gt_manifest_id(&p->object, gt_bytes_of(p->manifest, p->manifest_n));
	gt_manifest_free(m);
	m = pack_manifest(p);
	/* the seek table of the new sizes */
	gt_manifest_tail(m, p->out + m->stored_at[m->nframes]);
	assert(m->file_size == p->out_n);
	p->plain = m->plain_at[m->nframes];
	gt_manifest_free(m);
	gt_inflater_free(z);
	free(plain);
}

static void entry_of(Gt__Entry *e, const struct pack *p, const char *id)
{
	static struct gt_id object;
	object = p->object;
	gt__entry__init(e);
	e->id = gt_lend(id);
	e->publisher = gt_lend("33");
	e->version = 1;
	e->object = (ProtobufCBinaryData){32, object.b};
	e->plain_size = p->plain;
	e->stored_size = p->out_n;
	struct gt_manifest *m = pack_manifest(p);
	e->members = m->nfiles;
	gt_manifest_free(m);
}

static uint64_t manifest_token(struct script *s)
{
	const struct done *d =
	        nodes_asked(s->t, MID, GT__REQUEST__BODY_MANIFEST);
	assert_non_null(d);
	return d->a.token;
}

static void answer_piece(struct script *s, uint64_t token, uint64_t size,
                         uint64_t offset, struct gt_bytes bytes)
{
	Gt__Reply r = GT__REPLY__INIT;
	Gt__ManifestPiece m = GT__MANIFEST_PIECE__INIT;
	m.size = size;
	m.offset = offset;
	r.body_case = GT__REPLY__BODY_MANIFEST;
	r.manifest = &m;
	nodes_answer(s->t, MID, s->peer, token, &r, bytes);
}

static void send_piece(struct script *s, uint64_t size, uint64_t offset,
                       struct gt_bytes bytes)
{
	answer_piece(s, manifest_token(s), size, offset, bytes);
}

/* A package that is announced by the script, as "33/a", and so wanted. */
static void wanted(struct script *s, struct nodes *t, struct pack *p,
                   Gt__Entry *e, size_t n)
{
	package(p, 1, n);
	script_up(s, t);
	entry_of(e, p, "33/a");
	send_entry(s, &t->v[TOP].key, e);
}

/* The same, and its manifest is here: its frames are asked for. */
static void asked_for(struct script *s, struct nodes *t, struct pack *p,
                      Gt__Entry *e, size_t n)
{
	wanted(s, t, p, e, n);
	send_piece(s, p->manifest_n, 0,
	           gt_bytes_of(p->manifest, p->manifest_n));
}

/* It is withdrawn again, and forgotten. */
static void withdrawn(struct script *s, const struct pack *p, Gt__Entry e)
{
	e.version++;
	e.object.len = 0;
	e.state = GT__STATE__WITHDRAWN;
	send_entry(s, &s->t->v[TOP].key, &e);
	assert_null(gt_object_find(s->t->v[MID].node, &p->object));
}

static void send_frames(struct script *s, const struct pack *p)
{
	struct nodes *t = s->t;
	struct gt_manifest *m = pack_manifest(p);
	for (size_t k = 0; k < t->v[MID].nlog; k++) {
		const struct done d = t->v[MID].log[k];
		if (!d.request ||
		    d.request->body_case != GT__REQUEST__BODY_FRAME)
			continue;
		Gt__Reply r = GT__REPLY__INIT;
		Gt__FrameHead h = GT__FRAME_HEAD__INIT;
		uint32_t f = d.request->frame->frame;
		h.frame = f;
		r.body_case = GT__REPLY__BODY_FRAME;
		r.frame = &h;
		nodes_answer(
		        t, MID, s->peer, d.a.token, &r,
		        gt_bytes_of(p->out + m->stored_at[f], m->stored[f]));
		t->v[MID].log[k].request = NULL;
	}
	gt_manifest_free(m);
	nodes_run(t);
}

static void a_hostile_tar(void **state)
{
	struct nodes *t = *state;
	struct script s;
	struct pack p;
	Gt__Entry e;
	hostile(&p);
	/* at publish */
	assert_int_equal(publish(t, TOP, "a", &p), -GT_EINVALID);
	assert_null(nodes_file(t, TOP, &p.object));
	assert_int_equal(
	        nodes_int(t, TOP, "SELECT count(*) FROM item WHERE kind=1"), 0);
	/* at receipt */
	script_up(&s, t);
	entry_of(&e, &p, "33/a");
	send_entry(&s, &t->v[TOP].key, &e);
	send_piece(&s, p.manifest_n, 0, gt_bytes_of(p.manifest, p.manifest_n));
	send_frames(&s, &p);
	nodes_pass(t, 1000);
	assert_int_equal(nodes_count(t, MID, GT_ACT_CHECK), 1);
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_REFUSED);
	assert_null(nodes_file(t, MID, &p.object));
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'fetch' AND result = 'INVALID' AND detail "
	                           "LIKE '%%a.txt%%'"),
	                 1);
	const struct done *line = NULL;
	for (size_t k = 0;; k++) {
		line = nodes_last(t, MID, GT_ACT_LOG, k);
		assert_non_null(line);
		if (line->a.status == GT_LOG_ERROR)
			break;
	}
	assert_non_null(strstr(line->a.text, "refused the content of 33/a: "));
	/* and never again */
	nodes_clear(t, MID);
	nodes_pass(t, 30000);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_FRAME), 0);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_MANIFEST),
	                 0);
	pack_clear(&p);
}

static void a_manifest_that_is_another(void **state)
{
	struct nodes *t = *state;
	struct script s;
	struct pack p, q;
	Gt__Entry e;
	package(&p, 1, 70000);
	package(&q, 2, 70000);
	script_up(&s, t);
	entry_of(&e, &p, "33/a");
	send_entry(&s, &t->v[TOP].key, &e);
	send_piece(&s, q.manifest_n, 0, gt_bytes_of(q.manifest, q.manifest_n));
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_WANTED);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'damage'"),
	                 1);
	/* asked for again a second later, and taken when it is right */
	nodes_pass(t, 1000);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_MANIFEST),
	                 2);
	send_piece(&s, p.manifest_n, 0, gt_bytes_of(p.manifest, p.manifest_n));
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_PARTIAL);
	pack_clear(&p);
	pack_clear(&q);
}

/* A parent whose pieces do not add up must not make us write past anything. */
static void pieces_that_do_not_fit(void **state)
{
	enum { PIECE = 256 << 10, FIRST = 300000 };
	static uint8_t zeros[PIECE];
	struct nodes *t = *state;
	struct script s;
	struct pack p;
	Gt__Entry e;
	wanted(&s, t, &p, &e, 1000);
	const struct {
		uint64_t size, offset;
		size_t n;
	} rows[][2] = {
	        {{FIRST, 0, PIECE}, {1, PIECE, PIECE}}, /* it shrank */
	        {{FIRST, 0, PIECE}, {FIRST, PIECE, PIECE}},
	        {{FIRST, 0, PIECE}, {FIRST, 0, 10}},
	        {{FIRST, 0, PIECE}, {PIECE, PIECE, 1}},
	        {{0, 0, 10}, {0, 0, 0}},
	        {{10, 0, 0}, {0, 0, 0}},
	        {{UINT64_MAX, 0, 10}, {0, 0, 0}},
	        {{GT_MANIFEST_MAX + 1, 0, 10}, {0, 0, 0}},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t damaged = nodes_int(
		        t, MID,
		        "SELECT count(*) FROM audit WHERE event='damage'");
		for (unsigned k = 0; k < 2 && (k == 0 || rows[i][0].size);
		     k++) {
			if (k == 1 && rows[i][1].size == 0)
				break;
			send_piece(&s, rows[i][k].size, rows[i][k].offset,
			           gt_bytes_of(zeros, rows[i][k].n));
		}
		assert_int_equal(nodes_int(t, MID,
		                           "SELECT count(*) FROM audit WHERE "
		                           "event='damage'"),
		                 damaged + 1);
		assert_int_equal(object_state(t, MID, &p.object),
		                 GT_OBJECT_WANTED);
		nodes_pass(t, 1000);
	}
	pack_clear(&p);
}

static void sizes_that_were_not_signed(void **state)
{
	struct nodes *t = *state;
	struct script s;
	struct pack p;
	Gt__Entry e;
	package(&p, 1, 70000);
	script_up(&s, t);
	entry_of(&e, &p, "33/a");
	e.plain_size--;
	send_entry(&s, &t->v[TOP].key, &e);
	send_piece(&s, p.manifest_n, 0, gt_bytes_of(p.manifest, p.manifest_n));
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_REFUSED);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_FRAME), 0);
	pack_clear(&p);
}

/* One entry lies about an object another is honest about, whichever comes
 * first: the liar must not take it away from the other. */
static void a_liar_beside_an_honest_one(void **state)
{
	struct nodes *t = *state;
	for (unsigned first = 0; first < 2; first++) {
		struct script s;
		struct pack p;
		Gt__Entry e;
		package(&p, first, 70000);
		script_up(&s, t);
		s.seq = first ? 2 : 0;
		entry_of(&e, &p, first ? "33/d" : "33/a");
		e.stored_size -= first == 0;
		send_entry(&s, &t->v[TOP].key, &e);
		entry_of(&e, &p, first ? "33/c" : "33/b");
		e.stored_size -= first == 1;
		send_entry(&s, &t->v[TOP].key, &e);
		send_piece(&s, p.manifest_n, 0,
		           gt_bytes_of(p.manifest, p.manifest_n));
		assert_int_equal(object_state(t, MID, &p.object),
		                 GT_OBJECT_PARTIAL);
		pack_clear(&p);
	}
}

/* A file that an entry names and its package has not is told of, once, and
 * nobody loses the package for it. */
static void names_without_files(void **state)
{
	struct nodes *t = *state;
	struct script s;
	struct pack p;
	Gt__Entry e;
	package(&p, 1, 70000);
	script_up(&s, t);
	for (int i = 0; i < 2; i++) {
		entry_of(&e, &p, i ? "33/b" : "33/a");
		e.start = gt_lend(i ? "a.txt" : "nofile.html");
		e.thumbnail = gt_lend(i ? "none.png" : "a.txt");
		send_entry(&s, &t->v[TOP].key, &e);
	}
	send_piece(&s, p.manifest_n, 0, gt_bytes_of(p.manifest, p.manifest_n));
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_PARTIAL);
	const struct done *d = nodes_last(t, MID, GT_ACT_LOG, 0);
	assert_non_null(d);
	assert_string_equal(d->a.text,
	                    "33/a names a file that its package has not: "
	                    "nofile.html. Publish it again there");
	assert_int_equal(d->a.status, GT_LOG_WARN);
	pack_clear(&p);
}

static struct gt_object *held(struct nodes *t, const struct pack *p)
{
	struct gt_object *o = gt_object_find(t->v[MID].node, &p->object);
	assert_non_null(o);
	return o;
}

static void refuse(struct script *s, const struct done *d, uint32_t code,
                   uint64_t retry_ms)
{
	Gt__Reply r = GT__REPLY__INIT;
	Gt__Error e;
	gt__error__init(&e);
	e.code = code;
	e.retry_ms = retry_ms;
	r.body_case = GT__REPLY__BODY_ERROR;
	r.error = &e;
	nodes_answer(s->t, MID, s->peer, d->a.token, &r, (struct gt_bytes){0});
}

/* What the parent does not have is asked for again when it says, but neither at
 * once nor never. */
static void not_before_it_is_time(void **state)
{
	static const struct {
		uint32_t code;
		uint64_t says, waits;
	} rows[] = {{GT_EUNAVAILABLE, 0, 100},   {GT_EUNAVAILABLE, 99, 100},
	            {GT_EUNAVAILABLE, 101, 101}, {GT_EBUSY, 59999, 59999},
	            {GT_EBUSY, 60001, 60000},    {GT_EBUSY, UINT64_MAX, 60000},
	            {GT_EDENIED, 1, 10000},      {GT_EDENIED, 50000, 10000}};
	struct nodes *t = *state;
	struct script s;
	struct pack p;
	Gt__Entry e;
	wanted(&s, t, &p, &e, 1000); /* all of it is one frame */
	struct gt_object *o = held(t, &p);
	const struct gt_window *w = &t->v[MID].node->content->window;
	for (int frame = 0; frame < 2; frame++) {
		Gt__Request__BodyCase what = frame ? GT__REQUEST__BODY_FRAME
		                                   : GT__REQUEST__BODY_MANIFEST;
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			struct gt_event now = {.type = GT_EV_TIME};
			const struct done *d = nodes_asked(t, MID, what);
			uint64_t before = w->inflight;
			refuse(&s, d, rows[i].code, rows[i].says);
			assert_int_equal(o->retry_ms - t->now.mono_ms,
			                 rows[i].waits);
			assert_int_equal(
			        before - w->inflight,
			        frame ? o->m->stored[d->request->frame->frame]
			              : 0);
			nodes_clear(t, MID);
			t->now.mono_ms += rows[i].waits - 1;
			script_goes_on(&s, NULL, 0, (uint64_t)s.seq);
			assert_int_equal(nodes_event(t, MID, &now), 0);
			assert_null(nodes_asked(t, MID, what));
			assert_int_equal(gt_node_deadline(t->v[MID].node) -
			                         t->now.mono_ms,
			                 1);
			t->now.mono_ms++;
			assert_int_equal(nodes_event(t, MID, &now), 0);
			assert_int_equal(nodes_asked_count(t, MID, what), 1);
		}
		if (frame == 0)
			send_piece(&s, p.manifest_n, 0,
			           gt_bytes_of(p.manifest, p.manifest_n));
	}
	pack_clear(&p);
}

/* Answers to what was asked of an object that is gone meanwhile. */
static void too_late(void **state)
{
	struct nodes *t = *state;
	struct script s;
	struct pack p;
	Gt__Entry e;
	asked_for(&s, t, &p, &e, 300000);
	const struct done asked = *nodes_asked(t, MID, GT__REQUEST__BODY_FRAME);
	withdrawn(&s, &p, e);
	struct gt_window *w = &t->v[MID].node->content->window;
	struct gt_manifest *m = pack_manifest(&p);
	uint64_t before = w->inflight;
	refuse(&s, &asked, GT_EBUSY, 0);
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	assert_int_equal(before - w->inflight,
	                 m->stored[asked.request->frame->frame]);
	gt_manifest_free(m);
	pack_clear(&p);
}

/* The same, and it is wanted again and its frames are under way to the disk:
 * they stay so. */
static void too_late_and_come_meanwhile(void **state)
{
	struct nodes *t = *state;
	struct script s;
	struct pack p;
	Gt__Entry e;
	asked_for(&s, t, &p, &e, 1000); /* all of it is one frame */
	const struct done asked = *nodes_asked(t, MID, GT__REQUEST__BODY_FRAME);
	withdrawn(&s, &p, e);
	e.version = 3;
	nodes_clear(t, MID);
	send_entry(&s, &t->v[TOP].key, &e);
	send_piece(&s, p.manifest_n, 0, gt_bytes_of(p.manifest, p.manifest_n));
	t->v[MID].held = true;
	send_frames(&s, &p);
	struct gt_object *o = held(t, &p);
	assert_int_equal(o->frames[0], GT_FRAME_PLACING);
	refuse(&s, &asked, GT_EUNAVAILABLE, 0);
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	assert_int_equal(o->frames[0], GT_FRAME_PLACING);
	assert_int_equal(o->count[GT_FRAME_PLACING], 1);
	t->v[MID].held = false;
	nodes_pass(t, 1000);
	assert_holds(t, MID, &p);
	pack_clear(&p);
}

static void a_frame_of_another_size(void **state)
{
	struct nodes *t = *state;
	struct script s;
	struct pack p;
	Gt__Entry e;
	asked_for(&s, t, &p, &e, 300000);
	const struct done *d = nodes_asked(t, MID, GT__REQUEST__BODY_FRAME);
	Gt__Reply r = GT__REPLY__INIT;
	Gt__FrameHead h = GT__FRAME_HEAD__INIT;
	r.body_case = GT__REPLY__BODY_FRAME;
	r.frame = &h;
	nodes_answer(t, MID, s.peer, d->a.token, &r, gt_bytes_of(p.out, 5));
	assert_true(nodes_dropped(t, MID, "a frame of the wrong size"));
	assert_int_equal(nodes_count(t, MID, GT_ACT_PLACE), 0);
	pack_clear(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)

/* How many of the requests in MID's log are for this manifest, from there. */
static unsigned asked_from(struct nodes *t, const struct pack *p,
                           uint64_t offset)
{
	unsigned found = 0;
	for (size_t k = 0; k < t->v[MID].nlog; k++) {
		const struct done *d = &t->v[MID].log[k];
		const Gt__GetManifest *m =
		        d->request && d->request->body_case ==
		                                GT__REQUEST__BODY_MANIFEST
		                ? d->request->manifest
		                : NULL;
		found += m && m->offset == offset &&
		         memcmp(m->object.data, p->object.b, GT_ID_BYTES) == 0;
	}
	return found;
}

/* Manifests on their way here are bounded in bytes, of all objects, whatever
 * the parent says of their sizes: one that has no room waits for it. */
static void manifests_without_room(void **state)
{
	struct nodes *t = *state;
	struct script s;
	struct pack p, q;
	Gt__Entry e, f;
	uint8_t *piece = calloc(1, GT_MANIFEST_PIECE);
	struct gt_bytes bytes = {piece, GT_MANIFEST_PIECE};
	assert_non_null(piece);
	wanted(&s, t, &p, &e, 1000);
	/* as large as may be: there is room for this one alone */
	send_piece(&s, GT_MANIFEST_MAX, 0, bytes);
	assert_int_equal(asked_from(t, &p, GT_MANIFEST_PIECE), 1);
	uint64_t token = manifest_token(&s);
	package(&q, 2, 1000);
	entry_of(&f, &q, "33/b");
	nodes_clear(t, MID);
	send_entry(&s, &t->v[TOP].key, &f);
	assert_int_equal(asked_from(t, &q, 0), 1);
	send_piece(&s, q.manifest_n, 0, gt_bytes_of(q.manifest, q.manifest_n));
	const struct gt_object *o = gt_object_find(t->v[MID].node, &q.object);
	assert_non_null(o);
	assert_null(o->m);
	assert_null(o->bytes);
	/* not again, as long as the other is on its way */
	assert_int_equal(asked_from(t, &q, 0), 1);
	answer_piece(&s, token, GT_MANIFEST_MAX, GT_MANIFEST_PIECE, bytes);
	assert_int_equal(asked_from(t, &p, 2 * GT_MANIFEST_PIECE), 1);
	assert_int_equal(asked_from(t, &q, 0), 1);
	token = manifest_token(&s);
	answer_piece(&s, token, GT_MANIFEST_MAX, 7, bytes);
	assert_int_equal(asked_from(t, &q, 0), 2);
	send_piece(&s, q.manifest_n, 0, gt_bytes_of(q.manifest, q.manifest_n));
	assert_non_null(o->m);
	/* of which the frames are held, and no more */
	assert_int_equal(o->m->nfiles, 0);
	assert_null(o->bytes);
	free(piece);
	pack_clear(&p);
	pack_clear(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(a_hostile_tar),
	        T(a_manifest_that_is_another),
	        T(manifests_without_room),
	        T(pieces_that_do_not_fit),
	        T(sizes_that_were_not_signed),
	        T(a_liar_beside_an_honest_one),
	        T(names_without_files),
	        T(a_frame_of_another_size),
	        T(not_before_it_is_time),
	        T(too_late),
	        T(too_late_and_come_meanwhile),
	};
	return cmocka_run_group_tests_name("node_lies", tests, NULL, NULL);
}
