#include "deed.h"

#include <string.h>

#include "canon.h"
#include "code.h"
#include "error.h"
#include "iso8601.h"

/* ------------------------------------------------------------ time spent */

/* Seconds of a part: 'M' is minutes behind a 'T'. */
static double seconds_of(char unit, bool time)
{
	switch (unit) {
	case 'Y':
		return 365 * 86400.0;
	case 'M':
		return time ? 60 : 30 * 86400.0;
	case 'W':
		return 7 * 86400.0;
	case 'D':
		return 86400;
	case 'H':
		return 3600;
	default:
		return 1;
	}
}

uint64_t gt_deed_spent(const char *duration)
{
	double sum = 0, value = 0, unit = 1;
	bool time = false, fraction = false;
	if (!gt_iso_duration(duration))
		return 0;
	for (const char *c = duration + 1; *c; c++) {
		if (*c == 'T') {
			time = true;
		} else if (*c == '.' || *c == ',') {
			fraction = true;
		} else if (*c >= '0' && *c <= '9' && !fraction) {
			value = value * 10 + (*c - '0');
		} else if (*c >= '0' && *c <= '9') {
			unit /= 10;
			value += unit * (*c - '0');
		} else {
			sum += value * seconds_of(*c, time);
			value = 0;
			unit = 1;
			fraction = false;
		}
	}
	sum = sum * 1000 + 0.5;
	return sum < (double)GT_DEED_SPENT_MAX ? (uint64_t)sum
	                                       : GT_DEED_SPENT_MAX;
}

/* ----------------------------------------------------------------- about */

static bool is_word(const char *s)
{
	size_t n = 0;
	for (; s[n]; n++)
		if ((unsigned char)s[n] <= ' ' || s[n] == 0x7f || s[n] == ',')
			return false;
	return n > 0 && n < GT_RID_MAX;
}

/* Bytes of a segment of a path. */
static size_t segment(const char *s)
{
	return strcspn(s, "/?#");
}

void gt_deed_about(char out[GT_RID_MAX + 2], const char *activity)
{
	static const char subject[] = GT_DEED_SUBJECT;
	const char *s = strstr(activity, "://");
	out[0] = '\0';
	if (strncmp(activity, subject, sizeof subject - 1) == 0 &&
	    is_word(activity + sizeof subject - 1)) {
		gt_format(out, GT_RID_MAX + 2, "=%s",
		          activity + sizeof subject - 1);
		return;
	}
	s = s ? s + 3 + segment(s + 3) : "";
	while (*s == '/') {
		size_t first = segment(s + 1);
		const char *next = s + 1 + first;
		size_t both = *next == '/' ? first + 1 + segment(next + 1) : 0;
		if (both > 0 && both <= GT_RID_MAX) {
			gt_format(out, GT_RID_MAX + 2, "%.*s", (int)both,
			          s + 1);
			if (gt_rid_valid(out))
				return;
		}
		s = next;
	}
	out[0] = '\0';
}

/* -------------------------------------------------------------- learners */

static bool is_group(const json_t *actor)
{
	return strcmp(gt_json_member(actor, "objectType"), "Group") == 0;
}

static int learner(struct gt_deed *d, const json_t *agent, const uint8_t *key,
                   struct gt_canon *c)
{
	gt_canon_clear(c);
	int status = gt_canon_agent(c, agent);
	struct gt_bytes of = gt_buffer_bytes(&c->key);
	if (status == 0 && of.n > 0 && d->nlearners < GT_DEED_LEARNERS)
		d->learner[d->nlearners++] = gt_sketch_hash(key, &of, 1);
	return status;
}

static int learners(struct gt_deed *d, const uint8_t *key)
{
	const json_t *actor = json_object_get(d->statement, "actor");
	struct gt_canon c = {0};
	const json_t *member;
	size_t i;
	int status = learner(d, actor, key, &c);
	if (status == 0 && d->nlearners == 0 && is_group(actor))
		json_array_foreach(json_object_get(actor, "member"), i, member)
		{
			if (status != 0 || d->nlearners == GT_DEED_LEARNERS)
				break;
			status = learner(d, member, key, &c);
		}
	gt_canon_free(&c);
	return status;
}

/* ------------------------------------------------------------------ deed */

static bool is_activity(const json_t *object)
{
	const char *type = gt_json_member(object, "objectType");
	return !*type || strcmp(type, "Activity") == 0;
}

static void read_it(struct gt_deed *d)
{
	static const char completed[] =
	        "http://adlnet.gov/expapi/verbs/completed";
	const json_t *s = d->statement, *object = json_object_get(s, "object");
	const json_t *result = json_object_get(s, "result");
	d->verb = gt_json_member(json_object_get(s, "verb"), "id");
	d->activity = is_activity(object) ? gt_json_member(object, "id") : "";
	d->completion = strcmp(d->verb, completed) == 0 ||
	                json_is_true(json_object_get(result, "completion"));
	d->need = strcmp(d->verb, GT_DEED_NEEDS) == 0;
	d->visited = strcmp(d->verb, GT_DEED_VISITED) == 0;
	d->spent_ms = gt_deed_spent(gt_json_member(result, "duration"));
	if (!gt_iso_parse(&d->timestamp_ms, gt_json_member(s, "timestamp")))
		d->timestamp_ms = INT64_MIN;
	gt_deed_about(d->about, d->activity);
}

int gt_deed_open(struct gt_deed *out, struct gt_bytes body,
                 const uint8_t key[GT_SKETCH_KEY])
{
	json_error_t error;
	*out = (struct gt_deed){0};
	out->statement = gt_json_load(
	        body, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	if (!out->statement)
		return *error.text ? -GT_EINVALID : -GT_ENOMEM;
	if (!json_is_object(out->statement)) {
		gt_deed_close(out);
		return -GT_EINVALID;
	}
	read_it(out);
	int status = learners(out, key);
	if (status != 0)
		gt_deed_close(out);
	return status;
}

void gt_deed_close(struct gt_deed *d)
{
	json_decref(d->statement);
	*d = (struct gt_deed){0};
}

uint64_t gt_deed_visit(const struct gt_deed *d, size_t i,
                       const uint8_t key[GT_SKETCH_KEY],
                       const char day[GT_DEED_DAY],
                       const uint8_t id[GT_UUID_BYTES])
{
	uint8_t who[8] = {0};
	if (i < d->nlearners)
		gt_put64(who, d->learner[i]);
	const struct gt_bytes by[] = {
	        gt_bytes_str("visit\n"), gt_bytes_of(who, sizeof who),
	        gt_bytes_str(day), gt_bytes_str(d->activity)};
	const struct gt_bytes each[] = {gt_bytes_str("visited\n"),
	                                gt_bytes_of(id, GT_UUID_BYTES)};
	return d->visited ? gt_sketch_hash(key, each, 2)
	                  : gt_sketch_hash(key, by, 4);
}

void gt_deed_day(char out[GT_DEED_DAY], int64_t ms)
{
	char whole[GT_ISO_CHARS];
	gt_iso_format(whole, ms < INT64_MAX - GT_DEED_EAST_MS
	                             ? ms + GT_DEED_EAST_MS
	                             : ms);
	gt_format(out, GT_DEED_DAY, "%.10s", whole);
}
