/* deed.h: what reports count of a statement.
 *
 *   learner      who did it, by his canonical key (canon.h); of a group that has
 *                no name of its own each member, the first GT_DEED_LEARNERS
 *   visit        one learner, one activity, one day: however many statements
 *                there are of it. Of the verb GT_DEED_VISITED (a hall that asks
 *                nobody who he is) each statement is one
 *   completion   a statement whose verb is "completed", or whose result says
 *                "completion": true
 *   time spent   result.duration, of which a month has 30 days and a year 365;
 *                at most GT_DEED_SPENT_MAX a statement
 *   need         a statement of the verb GT_DEED_NEEDS
 *
 * What it was about is a resource where the path of the activity's IRI has a
 * place's code and a name side by side, the first such two, as in
 * "https://xuexi.example.cn/33/first-lesson/2"; or a subject by itself, as
 * GT_DEED_SUBJECT "rural-revitalisation". The catalogue says which subjects a
 * resource has.
 *
 * The verbs and types are those of our xAPI profile, proto/profile.jsonld.
 * Months and days are China's, UTC+8, at every node, so that what two of them
 * count can be put together. Pure.
 * Tests: u_deed.c. */
#ifndef GT_DEED_H
#define GT_DEED_H

#include "json.h"
#include "limit.h"
#include "sketch.h"

#define GT_DEED_NEEDS   "urn:guantong:verb:needs"
#define GT_DEED_VISITED "urn:guantong:verb:visited"
#define GT_DEED_SUBJECT "urn:guantong:subject:"

/* Milliseconds: a thousand hours. */
#define GT_DEED_SPENT_MAX UINT64_C(3600000000)

enum {
	GT_DEED_LEARNERS = 32,
	GT_DEED_EAST_MS = 8 * 3600 * 1000,
	GT_DEED_DAY = 11, /* "2026-11-22", with its NUL */
};

/* Texts are borrowed from the statement. */
struct gt_deed {
	json_t *statement;
	const char *verb, *activity; /* "": its object is none */
	/* the resource's id; "=" and a subject; "": neither */
	char about[GT_RID_MAX + 2];
	int64_t timestamp_ms; /* INT64_MIN: it says none */
	uint64_t spent_ms;
	bool completion, need, visited;
	/* numbers of the learners, under the secret */
	uint64_t learner[GT_DEED_LEARNERS];
	size_t nlearners;
};

/* Of a body that is a valid statement. 0; -GT_EINVALID, it is none; -GT_ENOMEM:
 * out is empty. */
int gt_deed_open(struct gt_deed *out, struct gt_bytes body,
                 const uint8_t key[GT_SKETCH_KEY]);
void gt_deed_close(struct gt_deed *d); /* an empty one is fine */

/* The number of the visit that i-th learner's deed is part of, on that day; with
 * nlearners 0 there is one all the same. id: the statement's. */
uint64_t gt_deed_visit(const struct gt_deed *d, size_t i,
                       const uint8_t key[GT_SKETCH_KEY],
                       const char day[GT_DEED_DAY],
                       const uint8_t id[GT_UUID_BYTES]);
/* The day of a moment. */
void gt_deed_day(char out[GT_DEED_DAY], int64_t ms);

/* Milliseconds of an ISO 8601 duration, as gt_iso_duration takes them; 0: it is
 * none. */
uint64_t gt_deed_spent(const char *duration);
/* What the activity is about, as above. */
void gt_deed_about(char out[GT_RID_MAX + 2], const char *activity);

#endif
