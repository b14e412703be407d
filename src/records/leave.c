/* leave.c: what the layers demand of records on their way up, done at the moment
 * they are sent and looked for in what comes from below.
 * Tests: u_leave.c. */
#include "records_inside.h"

#include <stdlib.h>
#include <string.h>

#include "passage.h"
#include "schema.h"

int gt_records_layers(struct gt_node *n, const struct gt_layer *const *layers,
                      size_t count)
{
	struct gt_records *r = n->records;
	r->nlayers = 0;
	r->keyless = false; /* it may be demanded no more */
	r->documents->looked = 0;
	const struct gt_layer **v =
	        realloc(r->layers, (count + 1) * sizeof(void *));
	if (!v)
		return -GT_ENOMEM;
	r->layers = v;
	for (size_t i = 0; i < count; i++)
		if (gt_layer_demands(layers[i]))
			r->layers[r->nlayers++] = layers[i];
	return 0;
}

bool gt_record_keeps(const struct gt_node *n)
{
	const struct gt_records *r = n->records;
	const char *to = gt_up_code(n), *level;
	level = gt_level_name(gt_code_depth(to));
	const struct gt_receiver receiver = {to, level ? level : ""};
	return r->pooled ||
	       gt_demand_binds(r->layers, r->nlayers, n->code, &receiver);
}

int gt_record_demanded(struct gt_node *n, const char *code,
                       ProtobufCBinaryData *out)
{
	struct gt_id all = {{0}}, one;
	bool any = false;
	for (size_t i = 0; i < n->records->nlayers; i++) {
		const struct gt_layer *l = n->records->layers[i];
		char name[GT_CODE_MAX + 32];
		if (!gt_code_within(code, gt_layer_origin(l)))
			continue;
		gt_format(name, sizeof name, "%s/%llu", gt_layer_origin(l),
		          (unsigned long long)gt_layer_version(l));
		gt_sha256_one(&one, name, strlen(name));
		for (int k = 0; k < GT_ID_BYTES; k++)
			all.b[k] ^= one.b[k];
		any = true;
	}
	*out = (ProtobufCBinaryData){0, NULL};
	if (any)
		*out = gt_record_field(n, gt_bytes_of(all.b, sizeof all.b));
	return any && !out->data ? -GT_ENOMEM : 0;
}

/* ------------------------------------------------------------- demand */

static struct gt_goer goer_of(const Gt__Record *r)
{
	return (struct gt_goer){
	        .body = gt_bytes_of(r->body.data, r->body.len),
	        .id = r->id.data,
	        .region = r->origin,
	        .authority = r->authority,
	        .policy = r->policy,
	        .flags = r->flags,
	};
}

static int look(struct gt_node *n, const struct gt_goer *r, const char *from,
                const char *to, struct gt_passage *p)
{
	const struct gt_edge e = {n->records->layers, n->records->nlayers, from,
	                          to};
	return gt_passage_open(p, &e, r);
}

int gt_record_heeds(struct gt_node *n, const struct gt_peer *p,
                    const Gt__Record *w, bool *heeds)
{
	struct gt_passage way;
	*heeds = true;
	if (n->records->nlayers == 0)
		return 0;
	const struct gt_goer r = goer_of(w);
	int status = look(n, &r, p->code, n->code, &way);
	if (status == 0)
		*heeds = gt_passage_is_done(&way);
	if (status == 0 && *heeds && gt_demand_any(&way.demand))
		status = gt_passage_was_done(&way, &r, heeds);
	gt_passage_close(&way);
	/* what is none is set aside for that */
	return status == -GT_EINVALID ? 0 : status;
}

/* ---------------------------------------------------------- transform */

/* When what a void is about was stored: both must get one authority. */
static int64_t time_of(struct gt_node *n, const Gt__Record *r)
{
	int64_t ms = r->stored_ms;
	if (!(r->flags & GT_STATEMENT_VOIDS) || r->target.len != GT_UUID_BYTES)
		return ms;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_RECORD_WHEN, "b",
	                      gt_bytes_of(r->target.data, r->target.len));
	if (gt_store_step(n->store, GT_SQL_RECORD_WHEN) == 1)
		ms = gt_col_int(st, 0);
	gt_store_reset(n->store, GT_SQL_RECORD_WHEN);
	return ms;
}

/* r becomes that, in the arena. */
static int put(struct gt_node *n, Gt__Record *r, struct gt_passed *to)
{
	struct gt_bytes who = gt_buffer_bytes(&to->authority);
	r->body = gt_record_field(n, gt_buffer_bytes(&to->body));
	r->form = gt_record_field(n, gt_bytes_of(to->form.b, GT_ID_BYTES));
	r->authority = gt_arena_get(n->arena, who.n + 1);
	r->policy = gt_arena_str(n->arena, to->policy);
	if (!r->body.data || !r->form.data || !r->authority || !r->policy)
		return -GT_ENOMEM;
	gt_format(r->authority, who.n + 1, "%.*s", (int)who.n,
	          who.n ? (const char *)who.p : "");
	return 0;
}

static int transform(struct gt_node *n, Gt__Record *r, struct gt_passage *way,
                     const struct gt_pseudonym_key *key, bool *fits)
{
	const struct gt_pseudonyms how = {
	        key,
	        n->config.pseudonyms ? n->config.pseudonyms->aliases : NULL};
	const struct gt_goer goer = goer_of(r);
	struct gt_passed to;
	int status = gt_passage_become(way, &goer, &how, &to);
	*fits = status == 0;
	if (status == 0)
		status = put(n, r, &to);
	gt_passed_free(&to);
	return status == -GT_ELIMIT ? 0 : status;
}

/* Nobody may guess at a name until there is a key; what lies behind waits too,
 * in its order. */
static int lacks_key(struct gt_node *n, const struct gt_passage *l)
{
	if (n->records->keyless)
		return 0;
	n->records->keyless = true;
	return gt_log(n, GT_LOG_ERROR,
	              "records wait here: rule %s of %s demands that they go "
	              "up under pseudonyms, and this node has no key for that. "
	              "Make one (guantong -C DIR records key new) or bring the "
	              "one of the place, and start the node anew",
	              l->demand.rule, l->demand.layer);
}

static int leave(struct gt_node *n, Gt__Record *r, struct gt_passage *l,
                 struct gt_left *left, enum gt_leaving *out)
{
	const struct gt_pseudonym_key *key = NULL;
	bool fits = true;
	int status = 0;
	*out = GT_LEAVES;
	if (gt_passage_is_done(l)) {
		left->did[l->done.treatment]++;
		return 0;
	}
	if (l->demand.treatment == GT_PSEUDONYMISE) {
		key = gt_passage_key(n->config.pseudonyms, n->code,
		                     time_of(n, r));
		if (!key) {
			*out = GT_LACKS_A_KEY;
			return lacks_key(n, l);
		}
	}
	status = transform(n, r, l, key, &fits);
	if (status == 0 && l->demand.treatment == GT_AGGREGATE &&
	    l->done.treatment != GT_AGGREGATE)
		status = gt_pool_add(n, (int64_t)r->seq, l->demand.group);
	if (status != 0)
		return status;
	*out = fits ? GT_LEAVES : GT_STAYS;
	left->did[fits                                  ? l->demand.treatment
	          : l->demand.treatment == GT_AGGREGATE ? GT_AGGREGATE
	                                                : GT_DROP]++;
	if (fits)
		n->status.records_transformed++;
	else
		n->status.records_withheld++;
	return 0;
}

int gt_record_leave(struct gt_node *n, Gt__Record *r, struct gt_left *left,
                    enum gt_leaving *out)
{
	struct gt_passage l;
	bool pooled;
	*out = GT_LEAVES;
	int status = gt_pool_holds(n, (int64_t)r->seq, &pooled);
	if (status != 0)
		return status;
	if (pooled) {
		*out = GT_STAYS;
		left->did[GT_AGGREGATE]++;
		return 0;
	}
	if (n->records->nlayers == 0) {
		left->did[GT_PASS]++;
		return 0;
	}
	const struct gt_goer goer = goer_of(r);
	status = look(n, &goer, n->code, gt_up_code(n), &l);
	if (status == 0)
		status = leave(n, r, &l, left, out);
	gt_passage_close(&l);
	assert(status != -GT_EINVALID); /* it was verified */
	return status;
}
