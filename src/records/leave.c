/* leave.c: what the layers demand of records on their way up, done at the moment
 * they are sent and looked for in what comes from below.
 * Tests: u_leave.c. */
#include "records_inside.h"

#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "schema.h"

static_assert((int)GT_REDACT_NAMES == GT_IDENTITY_NAMES &&
                      (int)GT_REDACT_RESPONSES == GT_IDENTITY_RESPONSES &&
                      (int)GT_REDACT_TEXT == GT_IDENTITY_TEXT &&
                      (int)GT_REDACT_EXTENSIONS == GT_IDENTITY_EXTENSIONS &&
                      (int)GT_REDACT_ATTACHMENTS == GT_IDENTITY_ATTACHMENTS,
              "policy/ and xapi/ number fields alike");

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

/* A record that is looked at, and what is demanded of it. */
struct looked {
	struct gt_about about;
	struct gt_demand demand;
	struct gt_done done;
};

static int look(struct gt_node *n, const Gt__Record *r, const char *from,
                const char *to, struct looked *l)
{
	const char *level = gt_level_name(gt_code_depth(to));
	const struct gt_receiver receiver = {to, level ? level : ""};
	int status = gt_about_open(&l->about,
	                           gt_bytes_of(r->body.data, r->body.len));
	if (status != 0)
		return status;
	const struct gt_traits traits = {
	        .verb = l->about.verb,
	        .activities = l->about.activities,
	        .nactivities = l->about.nactivities,
	        .region = r->origin,
	        .classes = l->about.classes,
	        .nclasses = l->about.nclasses,
	        .minor = GT_MINOR_UNKNOWN,
	        .voids = r->flags & GT_STATEMENT_VOIDS,
	};
	l->demand = gt_demand_of(n->records->layers, n->records->nlayers,
	                         &traits, from, &receiver);
	l->done = gt_done_parse(r->policy);
	return 0;
}

/* What somebody says he did is looked for in what he sends, as far as that can be
 * seen. */
static int did_it(const Gt__Record *w, struct looked *l, bool *did)
{
	struct gt_buffer again = {0};
	if (l->demand.treatment >= GT_PSEUDONYMISE) {
		json_t *who = *w->authority
		                      ? gt_json_load(gt_bytes_str(w->authority),
		                                     GT_JSON_STRICT, NULL)
		                      : NULL;
		*did = gt_identity_is_bare(l->about.statement) &&
		       gt_identity_is_bare(who);
		json_decref(who);
		return 0;
	}
	int status = gt_identity_redact(&again, &l->about, l->demand.fields);
	*did = status == 0 &&
	       gt_bytes_eq(gt_buffer_bytes(&again),
	                   gt_bytes_of(w->body.data, w->body.len));
	gt_buffer_free(&again);
	return status == -GT_ENOMEM ? status : 0;
}

int gt_record_heeds(struct gt_node *n, const struct gt_peer *p,
                    const Gt__Record *w, bool *heeds)
{
	struct looked l;
	*heeds = true;
	if (n->records->nlayers == 0)
		return 0;
	int status = look(n, w, p->code, n->code, &l);
	if (status == 0)
		*heeds = gt_done_satisfies(&l.done, &l.demand);
	if (status == 0 && *heeds && gt_demand_any(&l.demand))
		status = did_it(w, &l, heeds);
	gt_about_close(&l.about);
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

/* What it has become is taken for a statement by everybody. */
static int become(struct gt_node *n, Gt__Record *r, struct gt_bytes body,
                  struct gt_bytes authority, bool *fits)
{
	struct gt_statement s;
	char why[GT_WHY];
	uint8_t id[GT_UUID_BYTES];
	memcpy(id, r->id.data, GT_UUID_BYTES);
	const uint8_t(*ids)[GT_UUID_BYTES] =
	        (const uint8_t(*)[GT_UUID_BYTES]) & id;
	int count = gt_statements_parse(body, GT_XAPI_ANY, ids, 1, &s, 1, why,
	                                sizeof why);
	*fits = count == 1 && memcmp(s.id, r->id.data, GT_UUID_BYTES) == 0 &&
	        authority.n <= GT_TEXT_MAX;
	if (count == -GT_ENOMEM || !*fits)
		return count == -GT_ENOMEM ? count : 0;
	r->body = gt_record_field(n, body);
	r->form = gt_record_field(n, gt_bytes_of(s.form.b, GT_ID_BYTES));
	r->authority = gt_arena_get(n->arena, authority.n + 1);
	if (!r->body.data || !r->form.data || !r->authority)
		return -GT_ENOMEM;
	gt_format(r->authority, authority.n + 1, "%.*s", (int)authority.n,
	          authority.n ? (const char *)authority.p : "");
	return 0;
}

static int transform(struct gt_node *n, Gt__Record *r, struct looked *l,
                     const struct gt_pseudonym_key *key, bool *fits)
{
	const struct gt_pseudonyms how = {
	        key,
	        n->config.pseudonyms ? n->config.pseudonyms->aliases : NULL};
	struct gt_buffer body = {0}, authority = {0};
	char name[GT_PSEUDONYM_NAME] = "", policy[GT_DONE_CHARS];
	uint32_t fields = l->demand.fields | l->done.fields;
	int status;
	if (key) {
		status = gt_identity_pseudonymise(&body, &l->about,
		                                  r->authority, &how);
		if (status == 0)
			status = gt_identity_authority(&authority, r->authority,
			                               &how);
		gt_pseudonym_name(name, key);
	} else {
		status = gt_identity_redact(&body, &l->about, fields);
		if (status == 0)
			status = gt_identity_authority_redact(
			        &authority, r->authority, fields);
	}
	*fits = status == 0;
	if (status == 0)
		status = become(n, r, gt_buffer_bytes(&body),
		                gt_buffer_bytes(&authority), fits);
	gt_buffer_free(&body);
	gt_buffer_free(&authority);
	const struct gt_done done = {l->demand.treatment, fields, 0};
	gt_done_format(policy, &done, &l->demand, name);
	r->policy = gt_arena_str(n->arena, policy);
	if (status == 0 && !r->policy)
		status = -GT_ENOMEM;
	return status == -GT_ELIMIT ? 0 : status;
}

/* Nobody may guess at a name until there is a key; what lies behind waits too,
 * in its order. */
static int lacks_key(struct gt_node *n, const struct looked *l)
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

static int leave(struct gt_node *n, Gt__Record *r, struct looked *l,
                 struct gt_left *left, enum gt_leaving *out)
{
	const struct gt_pseudonym_source *names = n->config.pseudonyms;
	const struct gt_pseudonym_key *key = NULL;
	bool fits = true;
	int status = 0;
	*out = GT_LEAVES;
	if (gt_done_satisfies(&l->done, &l->demand)) {
		left->did[l->done.treatment]++;
		return 0;
	}
	if (l->demand.treatment == GT_PSEUDONYMISE) {
		if (names)
			key = gt_pseudonym_key_at(names->keys, names->nkeys,
			                          n->code, time_of(n, r));
		if (!key) {
			*out = GT_LACKS_A_KEY;
			return lacks_key(n, l);
		}
	}
	if (l->demand.treatment <= GT_PSEUDONYMISE)
		status = transform(n, r, l, key, &fits);
	else
		fits = false;
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
	struct looked l;
	*out = GT_LEAVES;
	if (n->records->nlayers == 0) {
		left->did[GT_PASS]++;
		return 0;
	}
	int status = look(n, r, n->code, gt_up_code(n), &l);
	if (status == 0)
		status = leave(n, r, &l, left, out);
	gt_about_close(&l.about);
	assert(status != -GT_EINVALID); /* it was verified */
	return status;
}
