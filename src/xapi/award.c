#include "award.h"

#include <math.h>
#include <string.h>

#include "canon.h"
#include "code.h"

/* The last words of the verbs, which stand by themselves however a program
 * writes the slashes before them. */
static const char *const verbs[][2] = {
        {"http://adlnet.gov/expapi/verbs/completed", "completed"},
        {"http://adlnet.gov/expapi/verbs/passed", "passed"},
        {"http://adlnet.gov/expapi/verbs/mastered", "mastered"},
        {"https://w3id.org/xapi/adl/verbs/satisfied", "satisfied"},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

bool gt_award_verb(const char *verb)
{
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verb, verbs[i][0]) == 0)
			return true;
	return false;
}

static bool holds(struct gt_bytes b, const char *word)
{
	size_t n = strlen(word);
	const uint8_t *p = b.p, *end = b.p + b.n;
	while (p && (size_t)(end - p) >= n) {
		if (memcmp(p, word, n) == 0)
			return true;
		p = memchr(p + 1, word[0], (size_t)(end - p) - 1);
	}
	return false;
}

bool gt_award_maybe(struct gt_bytes body)
{
	for (size_t i = 0; body.n > 0 && i < VERBS; i++)
		if (holds(body, verbs[i][1]))
			return true;
	return false;
}

/* Between 0 and 1; negative: none is said. */
static double score_of(const json_t *result)
{
	const json_t *s = json_object_get(result, "score");
	const json_t *scaled = json_object_get(s, "scaled");
	const json_t *raw = json_object_get(s, "raw");
	double max = json_number_value(json_object_get(s, "max"));
	double min = json_number_value(json_object_get(s, "min"));
	if (json_is_number(scaled))
		return json_number_value(scaled);
	if (!json_is_number(raw) || !json_is_number(json_object_get(s, "max")))
		return -1;
	return max > min ? (json_number_value(raw) - min) / (max - min) : -1;
}

bool gt_award_fits(const struct gt_award_rule *rule,
                   const struct gt_about *about)
{
	const json_t *s = about->statement;
	const json_t *object = json_object_get(s, "object");
	const json_t *result = json_object_get(s, "result");
	const char *kind = gt_json_member(object, "objectType");
	if (!gt_award_verb(about->verb) ||
	    (*kind && strcmp(kind, "Activity") != 0) ||
	    json_is_false(json_object_get(result, "success")) ||
	    json_is_false(json_object_get(result, "completion")))
		return false;
	if (*rule->activity &&
	    !gt_glob(rule->activity, gt_json_member(object, "id")))
		return false;
	/* of a score that is written 0.8 no last bit is to be missing */
	return rule->score < 0 ||
	       floor(score_of(result) * GT_AWARD_SCORE + 1e-6) >= rule->score;
}

int gt_award_key(struct gt_id *out, const struct gt_about *about,
                 const uint8_t secret[GT_ID_BYTES])
{
	static const char what[] = "guantong award v1\n";
	const json_t *s = about->statement;
	const char *activity =
	        gt_json_member(json_object_get(s, "object"), "id");
	struct gt_canon who = {0};
	int status = gt_canon_agent(&who, json_object_get(s, "actor"));
	if (status == 0 && (who.key.n == 0 || !*activity))
		status = -GT_EINVALID;
	if (status == 0) {
		const struct gt_bytes parts[] = {
		        gt_bytes_of(what, sizeof what),
		        gt_bytes_of(secret, GT_ID_BYTES),
		        gt_buffer_bytes(&who.key), gt_bytes_of("", 1),
		        gt_bytes_str(activity)};
		gt_sha256(out, parts, sizeof parts / sizeof *parts);
	}
	gt_canon_free(&who);
	return status;
}
