/* read_person.c: all that is here of one person.
 * Tests: u_read_person.c, e2e/test_person.py. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "person.h"
#include "read_inside.h"

enum { ROWS = 2000 }; /* a page looks at */

static const struct {
	enum gt_query query;
	const char *name;
} parts[GT_PERSON_PARTS] = {
        [GT_PERSON_STATEMENTS] = {GT_Q_PERSON_RECORDS, "statement"},
        [GT_PERSON_ASIDE] = {GT_Q_PERSON_ASIDE, "quarantine"},
        [GT_PERSON_DOCUMENTS] = {GT_Q_PERSON_DOCUMENTS, "document"},
        [GT_PERSON_LOST] = {GT_Q_PERSON_LOST, "lost"},
};

struct search {
	struct gt_reader *r;
	struct gt_person *p;
	json_t *list;
	size_t bytes; /* of what is in it */
	bool ok, full;
};

static enum gt_person_met more(enum gt_person_met a, enum gt_person_met b)
{
	return a > b ? a : b;
}

/* *body: what it is as JSON, NULL: it is none. */
static enum gt_person_met in_body(struct search *s, struct gt_bytes text,
                                  json_t **body)
{
	json_error_t error;
	*body = gt_json_load(text, JSON_ALLOW_NUL, &error);
	if (*body)
		return gt_person_in(s->p, *body);
	s->ok = s->ok && *error.text;
	return gt_person_in_bytes(s->p, text);
}

/* Agents are written as JSON, whole (a statement's authority, the one a document
 * was put for) or as their key (document.h). */
static enum gt_person_met in_agent(struct search *s, const char *text)
{
	json_error_t error;
	json_t *v;
	if (!*text)
		return GT_PERSON_NOT;
	v = gt_json_load(gt_bytes_str(text), 0, &error);
	s->ok = s->ok && (v || *error.text);
	enum gt_person_met met =
	        v ? gt_person_in(s->p, v)
	          : gt_person_in_bytes(s->p, gt_bytes_str(text));
	json_decref(v);
	return met;
}

static void put(struct search *s, enum gt_person_part part, sqlite3_stmt *st,
                enum gt_person_met met, json_t *body)
{
	json_t *v = json_object();
	bool *ok = &s->ok;
	gt_json_set(ok, v, "part", json_string(parts[part].name));
	gt_json_set(ok, v, "number", json_integer(gt_col_int(st, 0)));
	gt_json_set(ok, v, "id", gt_json_uuid(gt_col_bytes(st, 1)));
	gt_json_set(ok, v, "origin", gt_json_text(gt_col_text(st, 2)));
	gt_json_set(ok, v, "at", gt_json_time(gt_col_int(st, 3)));
	gt_json_set(ok, v, "as",
	            json_string(met == GT_PERSON_AGENT ? "agent" : "text"));
	gt_json_set(ok, v, "activity", gt_json_text(gt_col_text(st, 7)));
	gt_json_set(ok, v, "name", gt_json_text(gt_col_text(st, 8)));
	gt_json_set(ok, v, "body",
	            body ? json_incref(body)
	                 : gt_json_body(gt_col_bytes(st, 5)));
	gt_json_add(ok, s->list, v);
}

/* One row: false, it has no room any more and is the next page's. */
static bool look(struct search *s, enum gt_person_part part, sqlite3_stmt *st)
{
	json_t *body;
	enum gt_person_met met = in_body(s, gt_col_bytes(st, 5), &body);
	met = more(met, in_agent(s, gt_col_text(st, 4)));
	met = more(met, in_agent(s, gt_col_text(st, 6)));
	met = more(met,
	           gt_person_in_bytes(s->p, gt_bytes_str(gt_col_text(st, 7))));
	if (met != GT_PERSON_NOT)
		s->full = gt_reader_full(st, s->list, ROWS, &s->bytes);
	if (met != GT_PERSON_NOT && !s->full)
		put(s, part, st, met, body);
	json_decref(body);
	return !s->full;
}

/* Rows of one part. True: to its end. */
static bool part_of(struct search *s, enum gt_person_part part, int64_t *after,
                    size_t *left)
{
	sqlite3_stmt *st = gt_reader_query(s->r, parts[part].query);
	int rc = SQLITE_DONE;
	size_t asked = *left;
	s->ok = s->ok && st != NULL;
	if (!s->ok)
		return false;
	(void)sqlite3_bind_int64(st, 1, *after);
	(void)sqlite3_bind_int64(st, 2, (int64_t)asked);
	while (s->ok && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (!look(s, part, st))
			break;
		*after = gt_col_int(st, 0);
		--*left;
	}
	s->ok = gt_reader_end(s->r, st, rc) && s->ok;
	return rc == SQLITE_DONE && *left > 0;
}

static json_t *next_of(enum gt_person_part part, int64_t after)
{
	return part == GT_PERSON_PARTS
	               ? json_null()
	               : json_pack("{s:i,s:I}", "part", (int)part, "after",
	                           (json_int_t)after);
}

const char *gt_person_part_name(enum gt_person_part part)
{
	return parts[part].name;
}

json_t *gt_read_of_person(struct gt_reader *r, struct gt_person *p,
                          enum gt_person_part part, int64_t after)
{
	struct search s = {.r = r, .p = p, .list = json_array()};
	size_t left = ROWS;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	s.ok = s.list != NULL;
	while (s.ok && part < GT_PERSON_PARTS &&
	       part_of(&s, part, &after, &left)) {
		part++;
		after = 0;
	}
	s.ok = s.ok && !p->trace.failed;
	return gt_json_page(r, s.ok, "found", s.list, next_of(part, after));
}
