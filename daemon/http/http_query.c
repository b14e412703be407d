#include "http_query.h"

#include "http_parse.h"

bool gt_http_resource_query(struct gt_request *rq, struct gt_resource_query *q,
                            const char **bad)
{
	const char *verdict = gt_rq_arg(rq, "verdict");
	const char *limit = gt_rq_arg(rq, "limit");
	uint64_t n = 0;
	*q = (struct gt_resource_query){
	        .text = gt_rq_arg(rq, "q"),
	        .type = gt_rq_arg(rq, "type"),
	        .audience = gt_rq_arg(rq, "audience"),
	        .subject = gt_rq_arg(rq, "subject"),
	        .state = gt_rq_arg(rq, "state"),
	        .after = gt_rq_arg(rq, "after"),
	        .verdict = -1,
	};
	/* a form sends its empty fields too */
	const char **const texts[] = {&q->text,    &q->type,  &q->audience,
	                              &q->subject, &q->state, &q->after};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (*texts[i] && !**texts[i])
			*texts[i] = NULL;
	*bad = NULL;
	if (verdict && *verdict) {
		q->verdict = gt_verdict_parse(verdict);
		if (q->verdict < 0)
			*bad = "verdict";
	}
	if (limit && !gt_http_number(limit, 1000, &n))
		*bad = "limit";
	q->limit = (size_t)n;
	return !*bad;
}

uint64_t gt_http_count(const json_t *v, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(v, key));
	return n > 0 ? (uint64_t)n : 0;
}
