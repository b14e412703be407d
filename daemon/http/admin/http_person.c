/* http_person.c: what is here of one person, and that it goes. Who looked is in the audit log; whom
 * he looked for is not, for that would keep what may have to be erased.
 * Tests: u_http_api.c, e2e/test_person.py. */
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "http_admin.h"
#include "http_worker.h"
#include "json.h"
#include "person.h"
#include "read.h"

/* False: answered what is wrong with them. */
static bool take_names(struct gt_request *rq, const json_t *v,
                       struct gt_person *p, enum MHD_Result *answer)
{
	const json_t *names = json_object_get(v, "names");
	size_t n = json_array_size(names);
	if (n == 0 || n > GT_PERSON_NAMES) {
		*answer = gt_rq_fail(rq, 400, -GT_EINVALID,
		                     GT_T_HTTP_PERSON_NAMES, GT_PERSON_NAMES);
		return false;
	}
	if (rq->http->env.names)
		p->aliases = rq->http->env.names->aliases;
	for (size_t i = 0; i < n; i++) {
		const char *name = gt_json_string(json_array_get(names, i));
		int status = gt_person_name(p, name);
		if (status == 0)
			continue;
		*answer = status == -GT_ENOMEM
		                  ? gt_rq_error(rq, status, "")
		                  : gt_rq_fail(rq, 400, -GT_EINVALID,
		                               GT_T_HTTP_PERSON_NAME, i);
		return false;
	}
	return true;
}

/* Where it goes on; false: answered what is wrong with it. */
static bool take_place(struct gt_request *rq, const json_t *v,
                       enum gt_person_part *part, int64_t *after,
                       enum MHD_Result *answer)
{
	json_int_t which = json_integer_value(json_object_get(v, "part"));
	*after = json_integer_value(json_object_get(v, "after"));
	bool ok = which >= 0 && which < GT_PERSON_PARTS && *after >= 0;
	*part = ok ? (enum gt_person_part)which : GT_PERSON_STATEMENTS;
	if (!ok)
		*answer = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_ID,
		                     "part");
	return ok;
}

/* Once for each search, when it begins. */
static void note(struct gt_request *rq, size_t names)
{
	char detail[32];
	gt_format(detail, sizeof detail, "names=%zu", names);
	struct gt_event e = {.type = GT_EV_NOTE,
	                     .text = "person-find",
	                     .detail = detail,
	                     .actor = rq->actor};
	(void)gt_core_post(rq->http->env.core, &e, NULL);
}

static enum MHD_Result look(struct gt_request *rq, const json_t *v)
{
	struct gt_person p = {0};
	enum gt_person_part part;
	int64_t after;
	enum MHD_Result done;
	if (take_names(rq, v, &p, &done) &&
	    take_place(rq, v, &part, &after, &done)) {
		struct gt_worker *w = gt_worker_take(rq->http->workers);
		json_t *found =
		        w ? gt_read_of_person(w->reader, &p, part, after)
		          : NULL;
		gt_worker_give(rq->http->workers, w);
		if (part == GT_PERSON_STATEMENTS && after == 0)
			note(rq, p.names);
		done = gt_rq_json(rq, 200, found);
	}
	gt_person_free(&p);
	return done;
}

/* ------------------------------------------------------------- erase */

static bool take_item(uint8_t out[GT_ERASE_ITEM], const json_t *v)
{
	const char *name = gt_json_member(v, "part");
	json_int_t number = json_integer_value(json_object_get(v, "number"));
	uint8_t part = 0;
	while (part < GT_PERSON_PARTS &&
	       strcmp(name, gt_person_part_name(part)) != 0)
		part++;
	out[0] = part;
	for (int i = 0; i < 8; i++)
		out[1 + i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
	bool id = gt_uuid_parse(out + 9, gt_json_member(v, "id"));
	return part < GT_PERSON_PARTS && number > 0 &&
	       (id || part != GT_PERSON_STATEMENTS);
}

static enum MHD_Result erase(struct gt_request *rq, const json_t *v)
{
	const json_t *items = json_object_get(v, "items");
	size_t n = json_array_size(items);
	uint8_t *packed =
	        n > 0 && n <= GT_ERASE_MAX ? calloc(n, GT_ERASE_ITEM) : NULL;
	bool ok = packed != NULL;
	for (size_t i = 0; ok && i < n; i++)
		ok = take_item(packed + i * GT_ERASE_ITEM,
		               json_array_get(items, i));
	struct gt_event e = {.type = GT_EV_ERASE,
	                     .body = gt_bytes_of(packed, n * GT_ERASE_ITEM)};
	enum MHD_Result done = ok ? gt_rq_command(rq, &e, gt_http_replied)
	                          : gt_rq_fail(rq, 400, -GT_EINVALID,
	                                       GT_T_HTTP_KEY_ID, "items");
	free(packed);
	return done;
}

/* ----------------------------------------------------------- requests */

static enum MHD_Result with_json(struct gt_request *rq,
                                 enum MHD_Result (*then)(struct gt_request *,
                                                         const json_t *))
{
	json_error_t error;
	struct gt_bytes text =
	        gt_json_unmarked(gt_bytes_of(rq->body, rq->nbody));
	json_t *v = gt_json_load(text, JSON_REJECT_DUPLICATES, &error);
	if (!v)
		return *error.text ? gt_rq_fail(rq, 400, -GT_EINVALID,
		                                GT_T_HTTP_NOT_JSON)
		                   : gt_rq_error(rq, -GT_ENOMEM, "");
	enum MHD_Result done = then(rq, v);
	json_decref(v);
	return done;
}

enum MHD_Result gt_http_person(struct gt_request *rq)
{
	return with_json(rq, look);
}

enum MHD_Result gt_http_erase(struct gt_request *rq)
{
	return with_json(rq, erase);
}
