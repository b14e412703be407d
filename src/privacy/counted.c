#include "counted.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "iso8601.h"
#include "statement.h"

enum { NAME = 41, HOME = 96, LEARNERS = 64 };

/* ------------------------------------------------------------- writing */

static json_t *agent(const char *code)
{
	static const char domain[] = "guantong counts v1\n";
	char home[HOME], name[2 * GT_ID_BYTES + 1];
	struct gt_id id;
	const struct gt_bytes parts[2] = {gt_bytes_str(domain),
	                                  gt_bytes_str(code)};
	gt_sha256(&id, parts, 2);
	gt_hex(name, id.b, NAME / 2);
	gt_format(home, sizeof home, "%s%s", GT_COUNTED_HOME, code);
	return json_pack("{s:s,s:{s:s,s:s}}", "objectType", "Agent", "account",
	                 "homePage", home, "name", name);
}

static int written(struct gt_buffer *out, json_t *v)
{
	int status = v ? gt_json_canon(out, v) : -GT_ENOMEM;
	json_decref(v);
	return status;
}

int gt_counted_agent(struct gt_buffer *out, const char *code)
{
	return written(out, agent(code));
}

/* The first moment of "2026-11" in China. */
static bool begins(char out[GT_ISO_CHARS], const char *month)
{
	char text[40];
	int64_t ms;
	gt_format(text, sizeof text, "%.7s-01T00:00:00+08:00", month);
	if (!gt_iso_parse(&ms, text))
		return false;
	gt_iso_format(out, ms);
	return true;
}

int gt_counted_write(struct gt_buffer *out, const uint8_t *id, const char *code,
                     const struct gt_group_cell *c)
{
	char text[GT_UUID_TEXT], when[GT_ISO_CHARS], who[LEARNERS];
	const char *object = *c->activity ? c->activity : GT_COUNTED_SEVERAL;
	if (!begins(when, c->month))
		return -GT_ELIMIT;
	gt_uuid_format(text, id);
	gt_format(who, sizeof who, "%s%llu", GT_COUNTED_LEARNERS,
	          (unsigned long long)c->learners);
	json_t *actor = agent(code);
	json_t *v = actor ? json_pack("{s:s,s:o,s:{s:s},s:{s:s},s:{s:{s:I}},"
	                              "s:{s:{s:[{s:s}],s:[{s:s}]}},s:s}",
	                              "id", text, "actor", actor, "verb", "id",
	                              GT_COUNTED_VERB, "object", "id", object,
	                              "result", "score", "raw",
	                              (json_int_t)c->statements, "context",
	                              "contextActivities", "category", "id",
	                              c->verb, "other", "id", who, "timestamp",
	                              when)
	                  : NULL;
	return written(out, v);
}

/* ------------------------------------------------------------- reading */

/* The id of the one activity in a list of the context's. */
static const char *listed(const json_t *s, const char *list)
{
	const json_t *in = json_object_get(json_object_get(s, "context"),
	                                   "contextActivities");
	return gt_json_member(json_array_get(json_object_get(in, list), 0),
	                      "id");
}

const char *gt_counted_verb(const json_t *s)
{
	const char *verb = gt_json_member(json_object_get(s, "verb"), "id");
	return strcmp(verb, GT_COUNTED_VERB) == 0 ? listed(s, "category")
	                                          : NULL;
}

static bool number(uint64_t *out, const char *text)
{
	size_t n = strlen(text);
	if (n == 0 || n > 9 || strspn(text, "0123456789") != n || *text == '0')
		return false;
	*out = strtoull(text, NULL, 10);
	return true;
}

static bool read_it(struct gt_counted *out, const json_t *s)
{
	static const char prefix[] = GT_COUNTED_LEARNERS;
	const char *who = listed(s, "other");
	const json_t *score =
	        json_object_get(json_object_get(s, "result"), "score");
	double raw = json_number_value(json_object_get(score, "raw"));
	int64_t ms;
	char day[GT_ISO_CHARS];
	if (!gt_counted_verb(s) || raw < 1 || raw > 1e9 ||
	    strncmp(who, prefix, sizeof prefix - 1) != 0 ||
	    !number(&out->cell.learners, who + sizeof prefix - 1) ||
	    !gt_iso_parse(&ms, gt_json_member(s, "timestamp")))
		return false;
	gt_iso_format(day, ms + 8 * 3600 * INT64_C(1000));
	gt_format(out->month, sizeof out->month, "%.7s", day);
	const char *object = gt_json_member(json_object_get(s, "object"), "id");
	out->cell.statements = (uint64_t)raw;
	out->cell.verb = listed(s, "category");
	out->cell.activity =
	        strcmp(object, GT_COUNTED_SEVERAL) == 0 ? "" : object;
	return true;
}

int gt_counted_read(struct gt_counted *out, const json_t *s,
                    struct gt_bytes body, const uint8_t *id, const char *code)
{
	struct gt_buffer again = {0};
	*out = (struct gt_counted){{0}, ""};
	if (!read_it(out, s))
		return -GT_EINVALID;
	out->cell.month = out->month;
	int status = gt_counted_write(&again, id, code, &out->cell);
	bool same = status == 0 && gt_bytes_eq(gt_buffer_bytes(&again), body);
	gt_buffer_free(&again);
	return status == -GT_ENOMEM ? status : same ? 0 : -GT_EINVALID;
}
