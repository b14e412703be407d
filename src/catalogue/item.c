/* item.c: from a signed body somebody sent to a row of this node's feed.
 * Tests: u_item.c, u_publish.c, u_node_lies.c, u_node_restore.c. */
#include "catalogue_inside.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------- rows */

int gt_item_of_row(struct gt_node *n, sqlite3_stmt *st, struct gt_item *out)
{
	struct gt_bytes b = gt_col_bytes(st, 7);
	*out = (struct gt_item){0};
	out->rid = gt_col_int(st, 0);
	out->kind = (Gt__Kind)gt_col_int(st, 1);
	out->id = gt_arena_str(n->arena, gt_col_text(st, 2));
	out->seq = gt_col_int(st, 3);
	out->version = gt_col_int(st, 4);
	out->state = (int)gt_col_int(st, 5);
	gt_col_fixed(st, 6, out->hash.b, sizeof out->hash.b);
	out->sealed = (struct gt_bytes){gt_arena_copy(n->arena, b.p, b.n), b.n};
	out->verdict = (enum gt_verdict)gt_col_int(st, 8);
	out->priority = (uint32_t)gt_col_int(st, 9);
	out->rule = gt_arena_str(n->arena, gt_col_text(st, 10));
	out->layer = gt_arena_str(n->arena, gt_col_text(st, 11));
	out->own = gt_col_int(st, 12) != 0;
	out->has_object = gt_col_fixed(st, 13, out->object.b, GT_ID_BYTES);
	out->has_prior = gt_col_fixed(st, 14, out->prior.b, GT_ID_BYTES);
	out->asked = gt_col_int(st, 15) != 0;
	if (!out->id || !out->rule || !out->layer || (b.n && !out->sealed.p))
		return -GT_ENOMEM;
	return 0;
}

int gt_item_get(struct gt_node *n, Gt__Kind kind, const char *id,
                struct gt_item *out, bool *found)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ITEM_BY_ID, "it",
	                                 (int64_t)kind, id);
	int row = gt_store_step(n->store, GT_SQL_ITEM_BY_ID);
	int status = row < 0 ? row : 0;
	*found = row == 1;
	if (row == 1)
		status = gt_item_of_row(n, st, out);
	gt_store_reset(n->store, GT_SQL_ITEM_BY_ID);
	return status;
}

Gt__Entry *gt_item_entry(struct gt_node *n, struct gt_bytes sealed)
{
	return gt_signed_entry(n->arena, gt_signed_open(n->arena, sealed));
}

const char *gt_kind_name(Gt__Kind kind)
{
	static const char *const names[] = {"", "resource", "layer", "member"};
	assert(kind <= GT__KIND__MEMBER);
	return names[kind];
}

int gt_member(struct gt_node *n, const char *code, const Gt__Member **out)
{
	struct gt_item item;
	bool found;
	*out = NULL;
	int status = gt_item_get(n, GT__KIND__MEMBER, code, &item, &found);
	if (status != 0 || !found)
		return status;
	const Gt__Member *m = gt_signed_member(
	        n->arena, gt_signed_open(n->arena, item.sealed));
	if (m && m->standing == GT__STANDING__ACTIVE)
		*out = m;
	return 0;
}

int gt_member_key(struct gt_node *n, const char *code, uint8_t key[32],
                  bool *found)
{
	const Gt__Member *m;
	int status = gt_member(n, code, &m);
	*found = m != NULL;
	if (m && key)
		memcpy(key, m->key.data, 32);
	return status;
}

/* --------------------------------------------------------- checking */

static bool key_is(const Gt__Signed *s, const uint8_t key[32])
{
	return memcmp(s->key.data, key, 32) == 0;
}

/* By the key it has, or had before (M51). */
static int check_signer(struct gt_node *n, const Gt__Signed *s,
                        const char *code, struct gt_claim *out, int *verdict,
                        char why[GT_WHY])
{
	const Gt__Member *m;
	int status = gt_member(n, code, &m);
	if (status == 0 && !(m && gt_member_vouches(m, s->key.data))) {
		*verdict = -GT_ESIGNATURE;
		out->unborne = code;
		gt_format(why, GT_WHY, "not signed by an active key of %s",
		          code);
	}
	return status;
}

static void refuse(int *verdict, char why[GT_WHY], int code, const char *text)
{
	*verdict = -code;
	gt_copy(why, GT_WHY, text);
}

/* More values than a reader should ever have to look through. */
static bool entry_fits(const Gt__Entry *m)
{
	return m->n_subjects <= GT_VALUES_MAX &&
	       m->n_audiences <= GT_VALUES_MAX &&
	       m->n_languages <= GT_VALUES_MAX &&
	       m->n_regions <= GT_VALUES_MAX &&
	       m->n_keywords <= GT_VALUES_MAX && m->n_title <= GT_VALUES_MAX &&
	       m->n_description <= GT_VALUES_MAX;
}

static int check_entry(struct gt_node *n, const Gt__Signed *s,
                       struct gt_claim *out, int *verdict, char why[GT_WHY])
{
	char publisher[GT_CODE_MAX + 1];
	Gt__Entry *m = gt_signed_entry(n->arena, s);
	if (!m || s->body.len > GT_ENTRY_MAX) {
		refuse(verdict, why, GT_EMALFORMED, "malformed entry");
		return 0;
	}
	out->entry = m;
	out->id = m->id;
	out->version = (int64_t)m->version;
	out->state = (int)m->state;
	if (!gt_rid_valid(m->id) || !gt_rid_publisher(publisher, m->id) ||
	    strcmp(publisher, m->publisher) != 0)
		refuse(verdict, why, GT_EIDENTITY,
		       "the id does not begin with the publisher's code");
	else if (!entry_fits(m))
		refuse(verdict, why, GT_ELIMIT, "too many values in a field");
	else if (m->object.len != 0 && m->object.len != GT_ID_BYTES)
		refuse(verdict, why, GT_EMALFORMED, "malformed object id");
	else if (m->version == 0 || m->version > INT64_MAX)
		refuse(verdict, why, GT_EMALFORMED, "version out of range");
	else
		return check_signer(n, s, m->publisher, out, verdict, why);
	return 0;
}

static int check_layer(struct gt_node *n, const Gt__Signed *s,
                       struct gt_claim *out, int *verdict, char why[GT_WHY])
{
	Gt__Layer *m = gt_signed_layer(n->arena, s);
	struct gt_layer *layer = NULL;
	if (!m) {
		refuse(verdict, why, GT_EMALFORMED, "malformed layer");
		return 0;
	}
	out->layer = m;
	out->id = m->origin;
	out->version = (int64_t)m->version;
	int bad = gt_layer_new(&layer, gt_bytes_of(s->body.data, s->body.len),
	                       why, GT_WHY);
	gt_layer_free(layer);
	if (bad == -GT_ENOMEM)
		return bad;
	if (bad)
		*verdict = bad;
	else if (!gt_code_valid(m->origin))
		refuse(verdict, why, GT_EMALFORMED, "malformed origin");
	else
		return check_signer(n, s, m->origin, out, verdict, why);
	return 0;
}

static int check_member(struct gt_node *n, const Gt__Signed *s,
                        struct gt_claim *out, int *verdict, char why[GT_WHY])
{
	Gt__Member *m = gt_signed_member(n->arena, s);
	if (!m || !gt_code_valid(m->code)) {
		refuse(verdict, why, GT_EMALFORMED, "malformed member");
		return 0;
	}
	out->member = m;
	out->id = m->code;
	out->version = (int64_t)m->version;
	out->state = (int)m->standing;
	if (!key_is(s, n->config.roster_key))
		refuse(verdict, why, GT_ESIGNATURE,
		       "not signed with the roster key");
	return 0;
}

int gt_item_check(struct gt_node *n, struct gt_bytes sealed,
                  struct gt_claim *out, int *verdict, char why[GT_WHY])
{
	*out = (struct gt_claim){.sealed = sealed, .id = ""};
	*verdict = 0;
	why[0] = '\0';
	Gt__Signed *s = gt_signed_open(n->arena, sealed);
	if (!s) {
		refuse(verdict, why, GT_EMALFORMED, "malformed signed item");
		return 0;
	}
	out->kind = s->kind;
	*verdict = gt_unseal(s, n->seals);
	if (*verdict == -GT_ENOMEM)
		return *verdict;
	if (*verdict != 0) {
		gt_copy(why, GT_WHY, gt_strerror(*verdict));
		return 0;
	}
	gt_sha256_one(&out->hash, s->body.data, s->body.len);
	if (s->kind == GT__KIND__RESOURCE)
		return check_entry(n, s, out, verdict, why);
	if (s->kind == GT__KIND__LAYER)
		return check_layer(n, s, out, verdict, why);
	if (s->kind == GT__KIND__MEMBER)
		return check_member(n, s, out, verdict, why);
	refuse(verdict, why, GT_EMALFORMED, "unknown kind of signed item");
	return 0;
}

/* ----------------------------------------------------------- layers */

static int layer_room(struct gt_catalogue *c)
{
	if (c->nlayers < c->caplayers)
		return 0;
	size_t cap = c->caplayers ? 2 * c->caplayers : 16;
	void *v = realloc(c->layers, cap * sizeof *c->layers);
	if (!v)
		return -GT_ENOMEM;
	c->layers = v;
	c->caplayers = cap;
	return 0;
}

bool gt_item_whole(struct gt_node *n, struct gt_bytes hash,
                   struct gt_bytes sealed)
{
	struct gt_id is;
	const Gt__Signed *s = gt_signed_open(n->arena, sealed);
	if (!s || hash.n != GT_ID_BYTES)
		return s != NULL;
	gt_sha256_one(&is, s->body.data, s->body.len);
	return memcmp(is.b, hash.p, GT_ID_BYTES) == 0;
}

static int load_layer(struct gt_node *n, sqlite3_stmt *st)
{
	struct gt_catalogue *c = n->catalogue;
	char why[GT_WHY];
	Gt__Signed *s = gt_signed_open(n->arena, gt_col_bytes(st, 2));
	bool whole = gt_item_whole(n, gt_col_bytes(st, 1), gt_col_bytes(st, 2));
	if (gt_arena_short(n->arena) || layer_room(c) != 0)
		return -GT_ENOMEM;
	/* It was good when it was taken: anything else is damage on disk. To
	 * go on without it would be to widen what it narrows. */
	if (!s || !whole) {
		gt_format(n->why, sizeof n->why,
		          "the layer %.32s in the database is damaged",
		          gt_col_text(st, 0));
		return -GT_ESTORE;
	}
	struct gt_layer_row *row = &c->layers[c->nlayers];
	gt_col_fixed(st, 1, row->hash.b, sizeof row->hash.b);
	int status = gt_layer_new(&row->layer,
	                          gt_bytes_of(s->body.data, s->body.len), why,
	                          sizeof why);
	if (status == 0) {
		c->ages = c->ages || gt_layer_ages(row->layer);
		c->nlayers++;
	}
	return status == 0 || status == -GT_ENOMEM ? status : -GT_ESTORE;
}

void gt_layers_hash(const struct gt_node *n, const char *code,
                    struct gt_id *out)
{
	static const uint8_t seed[] = "guantong filter v1";
	gt_sha256_one(out, seed, sizeof seed);
	for (size_t i = 0; i < n->catalogue->nlayers; i++) {
		const struct gt_layer_row *l = &n->catalogue->layers[i];
		if (!gt_code_within(code, gt_layer_origin(l->layer)))
			continue;
		struct gt_bytes parts[2] = {{out->b, GT_ID_BYTES},
		                            {l->hash.b, GT_ID_BYTES}};
		gt_sha256(out, parts, 2);
	}
}

/* What they demand of records is for records/ to know. */
static int demand(struct gt_node *n)
{
	const struct gt_layer *layers[GT_LAYERS_MAX];
	const struct gt_catalogue *c = n->catalogue;
	for (size_t i = 0; i < c->nlayers; i++)
		layers[i] = c->layers[i].layer;
	return gt_records_layers(n, layers, c->nlayers);
}

int gt_layers_load(struct gt_node *n)
{
	struct gt_catalogue *c = n->catalogue;
	while (c->nlayers > 0)
		gt_layer_free(c->layers[--c->nlayers].layer);
	c->ages = false;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_LAYERS, "");
	int row, status = 0;
	while (status == 0 && c->nlayers < GT_LAYERS_MAX &&
	       (row = gt_store_step(n->store, GT_SQL_LAYERS)) != 0)
		status = row < 0 ? row : load_layer(n, st);
	gt_store_reset(n->store, GT_SQL_LAYERS);
	if (c->ages && !c->age_due)
		c->age_due = n->now.mono_ms + GT_AGE_MS;
	c->layers_generation++;
	return status ? status : demand(n);
}

int gt_layer_known(struct gt_node *n, const char *code, int64_t *version,
                   struct gt_id *hash, bool *found)
{
	struct gt_item layer;
	int status = gt_item_get(n, GT__KIND__LAYER, code, &layer, found);
	if (status == 0 && *found) {
		*version = layer.version;
		*hash = layer.hash;
	}
	return status;
}

/* ----------------------------------------------------------- taking */

static const char *title_of(const struct gt_claim *c)
{
	if (c->member)
		return c->member->name;
	if (!c->entry || c->entry->n_title == 0)
		return "";
	return c->entry->title[0]->text;
}

static struct gt_bytes id_bytes(const struct gt_id *id)
{
	return gt_bytes_of(id ? id->b : NULL, id ? GT_ID_BYTES : 0);
}

static int put(struct gt_node *n, const struct gt_claim *c,
               const struct gt_decision *d, bool own,
               const struct gt_id *object, const struct gt_id *prior)
{
	gt_store_bind(n->store, GT_SQL_ITEM_PUT, "itiiibbiittittooi",
	              (int64_t)c->kind, c->id, ++n->catalogue->seq[c->kind],
	              c->version, (int64_t)c->state, id_bytes(&c->hash),
	              c->sealed, (int64_t)d->verdict, (int64_t)d->priority,
	              d->rule, d->layer, (int64_t)own,
	              c->entry ? c->entry->type : "", title_of(c),
	              id_bytes(object), id_bytes(prior), n->now.wall_ms);
	return gt_store_run(n->store, GT_SQL_ITEM_PUT);
}

/* The older complete object a reader is served until the new one is here. */
static int prior_of(struct gt_node *n, const struct gt_item *old,
                    const struct gt_id *object, struct gt_id *out, bool *has)
{
	bool complete = false, here;
	*has = false;
	if (old->has_object && gt_id_eq(&old->object, object)) {
		*out = old->prior;
		*has = old->has_prior;
		return 0;
	}
	int status = gt_object_complete(n, object, &here);
	if (status != 0 || here)
		return status;
	if (old->has_object)
		status = gt_object_complete(n, &old->object, &complete);
	if (complete) {
		*out = old->object;
		*has = true;
	} else if (old->has_prior && !gt_id_eq(&old->prior, object)) {
		*out = old->prior;
		*has = true;
	}
	return status;
}

/* After an entry changed: what is no longer needed goes, what is needed
 * comes. */
static int settle_objects(struct gt_node *n, const struct gt_item *old,
                          bool had, const struct gt_id *object,
                          const struct gt_decision *d, bool asked)
{
	int status = 0;
	if (object &&
	    (d->verdict == GT_MIRROR || (d->verdict == GT_ON_DEMAND && asked)))
		status = gt_object_want(n, object);
	if (status == 0 && had && old->has_object)
		status = gt_object_release(n, &old->object, old->id);
	if (status == 0 && had && old->has_prior)
		status = gt_object_release(n, &old->prior, old->id);
	gt_object_look(n);
	return status;
}

static int take_resource(struct gt_node *n, const struct gt_claim *c,
                         const struct gt_decision *d, bool own,
                         const struct gt_item *old, bool had)
{
	struct gt_id object, prior;
	bool has = c->entry && c->entry->object.len == GT_ID_BYTES &&
	           c->entry->state == GT__STATE__LIVE;
	bool has_prior = false;
	int status = 0;
	if (has) {
		memcpy(object.b, c->entry->object.data, GT_ID_BYTES);
		if (had && d->verdict >= GT_ON_DEMAND)
			status = prior_of(n, old, &object, &prior, &has_prior);
	}
	if (status == 0)
		status = put(n, c, d, own, has ? &object : NULL,
		             has_prior ? &prior : NULL);
	if (status == 0)
		status = settle_objects(n, old, had, has ? &object : NULL, d,
		                        had && old->asked);
	return status;
}

/* Whether the roster revokes us, or who is above us, is said once, and stands
 * in the status. */
static int take_standing(struct gt_node *n, const struct gt_claim *c)
{
	bool gone = c->state != GT__STANDING__ACTIVE;
	bool ours = strcmp(c->id, n->code) == 0;
	bool *is = ours ? &n->status.revoked : &n->status.parent_revoked;
	if (!ours && strcmp(c->id, n->parent) != 0)
		return 0;
	bool was = *is;
	*is = gone;
	if (!gone || was)
		return 0;
	return ours ? gt_log(n, GT_LOG_ERROR,
	                     "the roster revokes this node, %s: it goes on "
	                     "with what is here, and no neighbour will take "
	                     "anything from it",
	                     n->code)
	            : gt_log(n, GT_LOG_ERROR,
	                     "the roster revokes %s, the parent of this node: "
	                     "nothing comes from it any more. Ask whoever runs "
	                     "the tree who the parent is now, and say so in "
	                     "parent.code and parent.addresses",
	                     c->id);
}

/* date.c looks at it when the turn is through. */
static void take_date_key(struct gt_node *n, const struct gt_claim *c)
{
	struct gt_date *d = &n->catalogue->date;
	bool names = c->member && c->member->date_key.len > 0;
	if (!names && strcmp(c->id, d->by) != 0)
		return;
	d->news = true;
	if (names)
		gt_copy(d->heard, sizeof d->heard, c->id);
}

static int take_member(struct gt_node *n, const struct gt_claim *c)
{
	take_date_key(n, c);
	int status = take_standing(n, c);
	if (status == 0)
		status = gt_records_lists_member(n, c->id);
	if (status == 0 && c->state == GT__STANDING__ACTIVE)
		return gt_signer_heard(n, c->id);
	if (status != 0)
		return status;
	for (uint32_t i = 0; status == 0 && i < n->npeers; i++) {
		struct gt_peer *p = &n->peers[i];
		if (!gt_peer_here(p) || p->session != GT_S_READY ||
		    strcmp(p->code, c->id) != 0)
			continue;
		status = gt_drop(n, p,
		                 p->parent ? "the roster revokes our parent"
		                           : "the roster revokes this node");
	}
	return status;
}

int gt_item_take(struct gt_node *n, const struct gt_claim *c,
                 const struct gt_decision *d, bool own, int *result)
{
	struct gt_item old;
	bool had;
	int status = gt_item_get(n, c->kind, c->id, &old, &had);
	if (status != 0)
		return status;
	*result = 0;
	if (had && old.own && !own)
		*result = -GT_EDENIED; /* only we say what is ours */
	else if (had && c->version < old.version)
		*result = -GT_ESTALE;
	else if (had && c->version == old.version &&
	         !gt_id_eq(&c->hash, &old.hash))
		*result = -GT_ECONFLICT;
	if (*result != 0)
		return 0;
	if (had && c->version == old.version && old.sealed.n > 0 &&
	    old.verdict == d->verdict && old.priority == d->priority &&
	    strcmp(old.rule, d->rule) == 0 && strcmp(old.layer, d->layer) == 0)
		return 0; /* nothing new */
	n->touched = true;
	if (had && old.version == 0 && c->kind == GT__KIND__RESOURCE &&
	    n->catalogue->strangers > 0)
		n->catalogue->strangers--;
	n->catalogue->entries += !had && c->kind == GT__KIND__RESOURCE;
	if (c->kind == GT__KIND__RESOURCE)
		return take_resource(n, c, d, own, &old, had);
	status = put(n, c, d, own, NULL, NULL);
	if (status == 0 && c->kind == GT__KIND__LAYER)
		status = gt_layers_load(n);
	if (status == 0 && c->kind == GT__KIND__MEMBER)
		status = take_member(n, c);
	return status;
}

static const struct gt_decision denied = {GT_DENY, 0, "", ""};

int gt_item_stranger(struct gt_node *n, const char *id)
{
	struct gt_claim c = {.kind = GT__KIND__RESOURCE, .id = id};
	if (n->catalogue->strangers >= GT_STRANGERS_MAX)
		return 0;
	n->catalogue->strangers++;
	n->catalogue->entries++;
	return put(n, &c, &denied, false, NULL, NULL);
}

int gt_item_strangers(struct gt_node *n)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ITEM_STRANGERS, "");
	int row = gt_store_step(n->store, GT_SQL_ITEM_STRANGERS);
	n->catalogue->strangers = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_ITEM_STRANGERS);
	return row < 0 ? row : 0;
}

int gt_item_retract(struct gt_node *n, const char *id, bool *had)
{
	/* Of what may not be here only the name stays, so that those below are
	 * told and an older version cannot come back. */
	struct gt_item old;
	int status = gt_item_get(n, GT__KIND__RESOURCE, id, &old, had);
	if (status != 0 || !*had || old.own || old.verdict == GT_DENY) {
		*had = *had && !old.own && old.verdict != GT_DENY;
		return status;
	}
	struct gt_claim c = {.kind = GT__KIND__RESOURCE,
	                     .id = old.id,
	                     .version = old.version,
	                     .state = old.state,
	                     .hash = old.hash};
	n->touched = true;
	status = put(n, &c, &denied, false, NULL, NULL);
	if (status == 0)
		status = settle_objects(n, &old, true, NULL, &denied, false);
	return status;
}
