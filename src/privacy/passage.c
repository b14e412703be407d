#include "passage.h"

#include <string.h>

#include "code.h"
#include "counted.h"
#include "xapi.h"

static_assert((int)GT_REDACT_NAMES == GT_IDENTITY_NAMES &&
                      (int)GT_REDACT_RESPONSES == GT_IDENTITY_RESPONSES &&
                      (int)GT_REDACT_TEXT == GT_IDENTITY_TEXT &&
                      (int)GT_REDACT_EXTENSIONS == GT_IDENTITY_EXTENSIONS &&
                      (int)GT_REDACT_ATTACHMENTS == GT_IDENTITY_ATTACHMENTS,
              "policy/ and xapi/ number fields alike");

struct gt_traits gt_passage_traits(const struct gt_passage *p,
                                   const struct gt_goer *r)
{
	const struct gt_about *a = &p->about;
	const char *counts = p->done.treatment == GT_AGGREGATE
	                             ? gt_counted_verb(a->statement)
	                             : NULL;
	return (struct gt_traits){
	        .verb = counts ? counts : a->verb,
	        .activities = a->activities,
	        .nactivities = a->nactivities,
	        .region = r->region,
	        .classes = a->classes,
	        .nclasses = a->nclasses,
	        .minor = GT_MINOR_UNKNOWN,
	        .voids = r->flags & GT_STATEMENT_VOIDS,
	};
}

int gt_passage_open(struct gt_passage *p, const struct gt_edge *e,
                    const struct gt_goer *r)
{
	const char *level = gt_level_name(gt_code_depth(e->to));
	const struct gt_receiver to = {e->to, level ? level : ""};
	*p = (struct gt_passage){.demand = gt_demand_none()};
	int status = gt_about_open(&p->about, r->body);
	if (status != 0)
		return status;
	p->done = gt_done_parse(r->policy);
	struct gt_traits traits = gt_passage_traits(p, r);
	p->demand = gt_demand_of(e->layers, e->nlayers, &traits, e->from, &to);
	return 0;
}

void gt_passage_close(struct gt_passage *p)
{
	gt_about_close(&p->about);
}

bool gt_passage_is_done(const struct gt_passage *p)
{
	return gt_done_satisfies(&p->done, &p->demand);
}

static int was_counted(const struct gt_passage *p, const struct gt_goer *r,
                       bool *was)
{
	struct gt_counted c;
	int status = gt_counted_read(&c, p->about.statement, r->body, r->id,
	                             r->region);
	*was = status == 0 && c.cell.learners == p->done.group;
	return status == -GT_ENOMEM ? status : 0;
}

int gt_passage_was_done(struct gt_passage *p, const struct gt_goer *r,
                        bool *was)
{
	struct gt_buffer again = {0};
	if (p->done.treatment == GT_AGGREGATE)
		return was_counted(p, r, was);
	if (p->demand.treatment >= GT_PSEUDONYMISE) {
		json_t *who = *r->authority
		                      ? gt_json_load(gt_bytes_str(r->authority),
		                                     GT_JSON_STRICT, NULL)
		                      : NULL;
		*was = gt_identity_is_bare(p->about.statement) &&
		       gt_identity_is_bare(who);
		json_decref(who);
		return 0;
	}
	int status = gt_identity_redact(&again, &p->about, p->demand.fields);
	*was = status == 0 && gt_bytes_eq(gt_buffer_bytes(&again), r->body);
	gt_buffer_free(&again);
	return status == -GT_ENOMEM ? status : 0;
}

const struct gt_pseudonym_key *
gt_passage_key(const struct gt_pseudonym_source *names, const char *from,
               int64_t stored_ms)
{
	return names ? gt_pseudonym_key_at(names->keys, names->nkeys, from,
	                                   stored_ms)
	             : NULL;
}

/* What it has become is taken for a statement by everybody. */
static int reads_again(const struct gt_goer *r, struct gt_passed *out)
{
	struct gt_statement s;
	char why[256];
	uint8_t id[GT_UUID_BYTES];
	memcpy(id, r->id, GT_UUID_BYTES);
	const uint8_t(*ids)[GT_UUID_BYTES] =
	        (const uint8_t(*)[GT_UUID_BYTES]) & id;
	int count =
	        gt_statements_parse(gt_buffer_bytes(&out->body), GT_XAPI_ANY,
	                            ids, 1, &s, 1, why, sizeof why);
	if (count == -GT_ENOMEM)
		return count;
	if (count != 1 || memcmp(s.id, r->id, GT_UUID_BYTES) != 0 ||
	    gt_buffer_bytes(&out->authority).n > GT_TEXT_MAX)
		return -GT_ELIMIT;
	out->form = s.form;
	return 0;
}

static int transform(struct gt_passage *p, const struct gt_goer *r,
                     const struct gt_pseudonyms *how, struct gt_passed *out)
{
	uint32_t fields = p->demand.fields | p->done.fields;
	int status;
	if (p->demand.treatment == GT_PSEUDONYMISE) {
		status = gt_identity_pseudonymise(&out->body, &p->about,
		                                  r->authority, how);
		if (status == 0)
			status = gt_identity_authority(&out->authority,
			                               r->authority, how);
		return status;
	}
	status = gt_identity_redact(&out->body, &p->about, fields);
	if (status == 0)
		status = gt_identity_authority_redact(&out->authority,
		                                      r->authority, fields);
	return status;
}

int gt_passage_become(struct gt_passage *p, const struct gt_goer *r,
                      const struct gt_pseudonyms *how, struct gt_passed *out)
{
	char name[GT_PSEUDONYM_NAME] = "";
	*out = (struct gt_passed){0};
	if (p->demand.treatment > GT_PSEUDONYMISE)
		return -GT_ELIMIT;
	const struct gt_done done = {p->demand.treatment,
	                             p->demand.fields | p->done.fields, 0};
	int status = transform(p, r, how, out);
	if (status == 0)
		status = reads_again(r, out);
	if (p->demand.treatment == GT_PSEUDONYMISE)
		gt_pseudonym_name(name, how->key);
	gt_done_format(out->policy, &done, &p->demand, name);
	return status;
}

void gt_passed_free(struct gt_passed *out)
{
	gt_buffer_free(&out->body);
	gt_buffer_free(&out->authority);
}
