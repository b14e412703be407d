/* u_documents.c: documents put, merged and deleted at a node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "nodes.h"

enum { TOP, MID };

static const char learner[] = "sha1:0123456789012345678901234567890123456789";

static struct gt_document_key state_key(const char *id)
{
	return (struct gt_document_key){GT_DOCUMENT_STATE, "http://x.cn/a",
	                                learner, "", id};
}

static struct gt_document_edit edit(enum gt_document_verb verb, const char *id,
                                    const char *body)
{
	return (struct gt_document_edit){.key = state_key(id),
	                                 .verb = verb,
	                                 .actor = "{}",
	                                 .type = "application/json",
	                                 .body = gt_bytes_str(body)};
}

static int give(struct nodes *t, unsigned i, const struct gt_document_edit *d)
{
	struct gt_event e = {.type = GT_EV_DOCUMENT,
	                     .token = ++t->tokens,
	                     .actor = "user:test",
	                     .detail = t->v[i].terminal,
	                     .document = d};
	assert_int_equal(nodes_event(t, i, &e), 0);
	const struct done *r = nodes_last(t, i, GT_ACT_REPLY, 0);
	assert_true(r && r->a.token == e.token);
	return r->a.status;
}

static const char *body_of(struct nodes *t, unsigned i, const char *id)
{
	return nodes_text(t, i,
	                  "SELECT CAST(body AS TEXT) FROM document WHERE "
	                  "id='%s' AND gone=0",
	                  id);
}

static void put_merge_delete(void **state)
{
	struct nodes *t = *state;
	char etag[GT_ETAG_TEXT];
	struct gt_document_edit d = edit(GT_DOCUMENT_PUT, "a", "{\"x\":1}");
	assert_int_equal(give(t, MID, &d), 0);
	gt_document_etag(etag, d.body);
	assert_string_equal(nodes_last(t, MID, GT_ACT_REPLY, 0)->a.text, etag);
	d = edit(GT_DOCUMENT_POST, "a", "{\"y\":[2]}");
	assert_int_equal(give(t, MID, &d), 0);
	assert_string_equal(body_of(t, MID, "a"), "{\"x\":1,\"y\":[2]}");
	d = edit(GT_DOCUMENT_POST, "a", "no JSON");
	assert_int_equal(give(t, MID, &d), -GT_EINVALID);
	d.type = "text/plain";
	assert_int_equal(give(t, MID, &d), -GT_EINVALID);
	assert_string_equal(body_of(t, MID, "a"), "{\"x\":1,\"y\":[2]}");
	/* one that is not there is put, whatever it is */
	d.key.id = "b";
	assert_int_equal(give(t, MID, &d), 0);
	assert_string_equal(body_of(t, MID, "b"), "no JSON");
	d = edit(GT_DOCUMENT_DELETE, "a", "");
	assert_int_equal(give(t, MID, &d), 0);
	assert_string_equal(nodes_last(t, MID, GT_ACT_REPLY, 0)->a.text, "");
	assert_string_equal(body_of(t, MID, "a"), "");
	assert_int_equal(give(t, MID, &d), 0); /* and once more */
	/* who did what is written down, and not of whom */
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE kind="
	                           "'document' AND event='accept' AND "
	                           "result='ok'"),
	                 4);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(DISTINCT subject) FROM audit "
	                           "WHERE kind='document' AND result='ok'"),
	                 1);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE subject "
	                           "LIKE '%%0123456789%%' OR detail LIKE "
	                           "'%%0123456789%%'"),
	                 0);
}

/* Of two who say what they replace one wins, also within one turn. */
static void one_of_two_writers(void **state)
{
	struct nodes *t = *state;
	char etag[GT_ETAG_TEXT];
	struct gt_document_edit d = edit(GT_DOCUMENT_PUT, "a", "{}");
	assert_int_equal(give(t, MID, &d), 0);
	gt_document_etag(etag, d.body);
	struct gt_document_edit two[2] = {edit(GT_DOCUMENT_PUT, "a", "1"),
	                                  edit(GT_DOCUMENT_PUT, "a", "2")};
	struct gt_event e[2];
	struct gt_actions a;
	size_t taken;
	for (int i = 0; i < 2; i++) {
		two[i].if_match = etag;
		e[i] = (struct gt_event){.type = GT_EV_DOCUMENT,
		                         .token = (uint64_t)(900 + i),
		                         .actor = "user:test",
		                         .document = &two[i]};
	}
	assert_int_equal(gt_node_turn(t->v[MID].node, t->now, e, 2, &taken, &a),
	                 0);
	assert_int_equal(taken, 2);
	int status[2] = {1, 1};
	for (size_t i = 0; i < a.n; i++)
		if (a.v[i].type == GT_ACT_REPLY)
			status[a.v[i].token - 900] = a.v[i].status;
	assert_int_equal(status[0], 0);
	assert_int_equal(status[1], -GT_ESTALE);
	assert_string_equal(body_of(t, MID, "a"), "1");
}

static void delete_many(void **state)
{
	struct nodes *t = *state;
	static const char uuid[] = "01234567-89ab-cdef-0123-456789abcdef";
	char id[8];
	for (int i = 0; i < 40; i++) {
		gt_format(id, sizeof id, "s%d", i);
		struct gt_document_edit d = edit(GT_DOCUMENT_PUT, id, "1");
		if (i % 2)
			d.key.registration = uuid;
		assert_int_equal(give(t, MID, &d), 0);
	}
	struct gt_document_edit d = edit(GT_DOCUMENT_DELETE, NULL, "");
	d.key.registration = uuid;
	assert_int_equal(give(t, MID, &d), 0);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM document "
	                           "WHERE gone=0"),
	                 20);
	d.key.registration = "";
	assert_int_equal(give(t, MID, &d), 0);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM document "
	                           "WHERE gone=0"),
	                 0);
	/* profiles go one by one */
	d.key = (struct gt_document_key){GT_DOCUMENT_AGENT, "", learner, "",
	                                 NULL};
	assert_int_equal(give(t, MID, &d), -GT_EINVALID);
}

static void limits(void **state)
{
	struct nodes *t = *state;
	uint8_t *big = calloc(1, GT_DOCUMENT_MAX + 1);
	char id[8];
	int status = 0, taken = 0;
	struct gt_document_edit d = edit(GT_DOCUMENT_PUT, "big", "");
	d.type = "application/octet-stream";
	d.body = gt_bytes_of(big, GT_DOCUMENT_MAX + 1);
	assert_int_equal(give(t, MID, &d), -GT_ELIMIT);
	d.body.n--;
	for (; status == 0 && taken < 100; taken++) {
		gt_format(id, sizeof id, "%d", taken);
		d.key.id = id;
		status = give(t, MID, &d);
	}
	assert_int_equal(status, -GT_ELIMIT);
	assert_int_equal(taken - 1, GT_DOCUMENTS_BYTES / GT_DOCUMENT_MAX);
	/* smaller ones in the place of larger ones find room */
	d.key.id = "0";
	d.body.n = 10;
	assert_int_equal(give(t, MID, &d), 0);
	free(big);
}

/* Bytes as they came, and after a restart too. */
static void kept_byte_for_byte(void **state)
{
	struct nodes *t = *state;
	uint8_t all[256];
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	struct gt_document_edit d = edit(GT_DOCUMENT_PUT, "bin", "");
	d.type = "image/png";
	d.body = gt_bytes_of(all, sizeof all);
	assert_int_equal(give(t, MID, &d), 0);
	nodes_stop(t, MID);
	nodes_restart(t, MID);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT length(body)=256 AND hex(body) LIKE "
	                           "'000102%%FDFEFF' AND type='image/png' "
	                           "FROM document"),
	                 1);
	d.body.n = 1;
	assert_int_equal(give(t, MID, &d), 0);
	/* numbers go on */
	assert_int_equal(nodes_int(t, MID, "SELECT did FROM document"), 2);
}

static void more_than_a_share(void **state)
{
	struct nodes *t = *state;
	uint8_t *some = calloc(1, 4000);
	t->v[MID].terminal = "user:t";
	t->v[MID].hourly = 5000;
	nodes_stop(t, MID);
	nodes_restart(t, MID);
	struct gt_document_edit d = edit(GT_DOCUMENT_PUT, "a", "");
	d.body = gt_bytes_of(some, 4000);
	assert_int_equal(give(t, MID, &d), 0);
	assert_int_equal(give(t, MID, &d), -GT_EBUDGET);
	assert_true(nodes_last(t, MID, GT_ACT_REPLY, 0)->a.retry_ms > 0);
	free(some);
}

/* ------------------------------------------------------ a naive model */

enum { IDS = 5, STEPS = 1500 };

static struct model {
	char *body;
	bool json;
} model[IDS];

static uint32_t draw(uint32_t *seed, uint32_t most)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % most;
}

/* What ought to come of it, and what is there then. */
static int ought(const struct gt_document_edit *d, struct model *m)
{
	char etag[GT_ETAG_TEXT] = "";
	bool json = strcmp(d->type, "application/json") == 0;
	if (m->body)
		gt_document_etag(etag, gt_bytes_str(m->body));
	if (d->if_match && (!m->body || (strcmp(d->if_match, "*") != 0 &&
	                                 strcmp(d->if_match, etag) != 0)))
		return -GT_ESTALE;
	if (d->if_no_match && m->body)
		return -GT_ESTALE;
	if (d->verb == GT_DOCUMENT_PUT && !d->if_match && !d->if_no_match &&
	    d->guard != GT_GUARD_NONE) {
		if (m->body)
			return -GT_ECONFLICT;
		if (d->guard == GT_GUARD_ALWAYS)
			return -GT_EINVALID;
	}
	if (d->verb == GT_DOCUMENT_DELETE) {
		free(m->body);
		m->body = NULL;
		return 0;
	}
	json_t *v = json_loadb((const char *)d->body.p, d->body.n, 0, NULL);
	char *now = malloc(200); /* counted, as what libraries give is not */
	assert_non_null(now);
	memcpy(now, d->body.p, d->body.n);
	now[d->body.n] = '\0';
	int status = 0;
	if (d->verb == GT_DOCUMENT_POST && json && !json_is_object(v))
		status = -GT_EINVALID;
	if (d->verb == GT_DOCUMENT_POST && m->body) {
		json_t *was = json_loads(m->body, 0, NULL);
		if (!json || !m->json || !json_is_object(was) ||
		    !json_is_object(v))
			status = -GT_EINVALID;
		if (status == 0) {
			json_object_update(was, v);
			size_t n = json_dumpb(was, now, 199, JSON_COMPACT);
			now[n] = '\0';
		}
		json_decref(was);
	}
	json_decref(v);
	if (status != 0) {
		free(now);
		return status;
	}
	free(m->body);
	m->body = now;
	m->json = json;
	return 0;
}

static void as_a_naive_one_has_it(void **state)
{
	struct nodes *t = *state;
	uint32_t seed = 11;
	static const char *const types[] = {"application/json", "text/plain"};
	for (int step = 0; step < STEPS; step++) {
		char id[4], body[40], etag[GT_ETAG_TEXT];
		uint32_t at = draw(&seed, IDS), how = draw(&seed, 6);
		struct model *m = &model[at];
		gt_format(id, sizeof id, "%u", at);
		gt_format(body, sizeof body,
		          draw(&seed, 5) ? "{\"k%u\":%u}" : "%u %u",
		          draw(&seed, 4), draw(&seed, 9));
		struct gt_document_edit d =
		        edit((enum gt_document_verb)draw(&seed, 3), id, body);
		d.guard = (enum gt_document_guard)draw(&seed, 3);
		d.type = types[draw(&seed, 6) == 0];
		gt_document_etag(etag, gt_bytes_str(m->body ? m->body : "x"));
		if (how == 1 || how == 2)
			d.if_match = etag;
		if (how == 3)
			d.if_match = draw(&seed, 2) ? "*" : "\"1\"";
		if (how == 4)
			d.if_no_match = "*";
		int want = ought(&d, m);
		assert_int_equal(give(t, MID, &d), want);
		assert_string_equal(body_of(t, MID, id),
		                    m->body ? m->body : "");
	}
	for (size_t i = 0; i < IDS; i++)
		free(model[i].body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)
#define D(f) cmocka_unit_test_setup_teardown(f, nodes_two_on_disk, nodes_gone)
	        T(put_merge_delete),      T(one_of_two_writers),
	        T(delete_many),           T(limits),
	        D(kept_byte_for_byte),    D(more_than_a_share),
	        T(as_a_naive_one_has_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
