/* pool_tell.c: reports of what was set apart (pool.c).
 *
 * Once a month, a day into it so that what children have of the last one has come,
 * when the parent is there and all that is here was looked at, one is made of what
 * was stored in months that are over: records of this node's own
 * (privacy/counted.h), in one transaction with who is in them, which go up as all
 * do. Each is made of what no other one told of.
 * Tests: u_pool.c. */
#include "records_inside.h"

#include "canon.h"
#include "counted.h"
#include "deed.h"
#include "draw.h"
#include "passage.h"
#include "schema.h"

#include <stdlib.h>
#include <string.h>

enum { LATE_MS = 24 * 3600 * 1000 };

static const char month_key[] = "pool_month"; /* of the last report */

static int set(struct gt_node *n, int64_t seq, int64_t cell)
{
	gt_store_bind(n->store, GT_SQL_POOL_SET, "ii", seq, cell);
	return gt_store_run(n->store, GT_SQL_POOL_SET);
}

/* ------------------------------------------------------------ what waits */

struct report {
	struct gt_groups *groups;
	int64_t *seqs;  /* of the rows that were added */
	int64_t *never; /* of those that are in none */
	size_t n, nnever, looked;
	struct gt_demand by;         /* the join of theirs */
	char month[GT_GROUPS_MONTH]; /* it is now */
};

static void month_of(char out[GT_GROUPS_MONTH], int64_t ms)
{
	char day[GT_DEED_DAY];
	gt_deed_day(day, ms);
	gt_format(out, GT_GROUPS_MONTH, "%.7s", day);
}

/* The place below this node that code lies in; itself, where it is this one's
 * own or no other's. */
static void part_of(char out[GT_CODE_MAX + 1], const char *own,
                    const char *code)
{
	size_t digits = gt_code_digits(gt_code_depth(own) + 1);
	if (digits > 0 && digits < strlen(code))
		gt_format(out, GT_CODE_MAX + 1, "%.*s", (int)digits, code);
	else
		gt_copy(out, GT_CODE_MAX + 1, code);
}

/* Adds whoever that is, by the first of his names. */
static int add_learner(struct gt_node *n, const json_t *agent,
                       struct gt_group_row *row)
{
	struct gt_canon c = {0};
	struct gt_id id;
	struct gt_bytes texts;
	int status = gt_canon_agent(&c, agent);
	struct gt_bytes key = gt_buffer_bytes(&c.key);
	if (status == 0 && key.n > 0 && row->nwho < GT_GROUPS_WHO) {
		if (n->config.pseudonyms)
			(void)gt_aliases_find(n->config.pseudonyms->aliases, &c,
			                      &key, &texts);
		gt_sha256_one(&id, key.p, key.n);
		row->who[row->nwho++] =
		        (uint64_t)gt_get32(id.b) << 32 | gt_get32(id.b + 4);
	}
	gt_canon_free(&c);
	return status;
}

static int add_learners(struct gt_node *n, const json_t *statement,
                        struct gt_group_row *row)
{
	const json_t *actor = json_object_get(statement, "actor");
	const json_t *members = json_object_get(actor, "member");
	int status = add_learner(n, actor, row);
	if (row->nwho > 0)
		return status;
	for (size_t i = 0; status == 0 && i < json_array_size(members); i++)
		status = add_learner(n, json_array_get(members, i), row);
	return status;
}

/* *activity: what the statement is about, "" where that is no activity, or says
 * who. *fit: false, the verb says who. */
static int names_of(struct gt_node *n, const struct gt_about *a,
                    const char **activity, bool *fit)
{
	struct gt_trace t = {0};
	const json_t *object = json_object_get(a->statement, "object");
	gt_trace_people(&t, a->statement,
	                n->config.pseudonyms ? n->config.pseudonyms->aliases
	                                     : NULL);
	*activity = gt_json_member(object, "id");
	if (strcmp(gt_json_member(object, "objectType"), "StatementRef") == 0 ||
	    strlen(*activity) > GT_TEXT_MAX / 4 || gt_trace_in(&t, *activity))
		*activity = "";
	*fit = !gt_trace_in(&t, a->verb) && strlen(a->verb) <= GT_TEXT_MAX / 4;
	int status = t.failed ? -GT_ENOMEM : 0;
	gt_trace_free(&t);
	return status;
}

/* Into the report, if it may be told of: *fit. */
static int add_row(struct gt_node *n, struct report *p, sqlite3_stmt *st,
                   struct gt_passage *way, bool *fit)
{
	struct gt_group_row row = {.least = (uint32_t)gt_col_int(st, 1)};
	char part[GT_CODE_MAX + 1];
	const struct gt_demand *d = &way->demand;
	*fit = d->treatment < GT_DROP;
	if (!*fit)
		return 0;
	if (d->group > row.least)
		row.least = d->group;
	if (row.least < GT_GROUP_MIN)
		row.least = GT_GROUP_MIN;
	row.verb = way->about.verb;
	int status = names_of(n, &way->about, &row.activity, fit);
	if (status != 0 || !*fit)
		return status;
	part_of(part, n->code, gt_col_text(st, 5));
	row.part = part;
	month_of(row.month, gt_col_int(st, 7));
	status = add_learners(n, way->about.statement, &row);
	if (status == 0)
		status = gt_groups_add(p->groups, &row);
	if (status == 0) {
		p->seqs[p->n++] = gt_col_int(st, 0);
		p->by = gt_demand_join(p->by, *d);
	}
	return status;
}

static int look(struct gt_node *n, struct report *p, sqlite3_stmt *st)
{
	const struct gt_records *r = n->records;
	const struct gt_edge e = {r->layers, r->nlayers, n->code,
	                          gt_up_code(n)};
	const struct gt_goer goer = {.body = gt_col_bytes(st, 2),
	                             .id = gt_col_bytes(st, 8).p,
	                             .region = gt_col_text(st, 5),
	                             .authority = gt_col_text(st, 3),
	                             .policy = gt_col_text(st, 4),
	                             .flags = (uint32_t)gt_col_int(st, 6)};
	struct gt_passage way;
	char month[GT_GROUPS_MONTH];
	bool fit = false;
	month_of(month, gt_col_int(st, 7));
	p->looked++;
	if (goer.id && strcmp(month, p->month) >= 0)
		return 0; /* it is not over */
	int status = goer.id ? gt_passage_open(&way, &e, &goer) : -GT_EINVALID;
	if (status == 0)
		status = add_row(n, p, st, &way, &fit);
	if (goer.id)
		gt_passage_close(&way);
	if (status == -GT_EINVALID)
		status = 0; /* it is gone, or damaged */
	if (status == 0 && !fit)
		p->never[p->nnever++] = gt_col_int(st, 0);
	return status;
}

static int read_pool(struct gt_node *n, struct report *p)
{
	int row, status = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_POOL_WAITS, "i",
	                                 (int64_t)GT_GROUPS_ROWS);
	while ((row = gt_store_step(n->store, GT_SQL_POOL_WAITS)) == 1 &&
	       status == 0)
		status = look(n, p, st);
	gt_store_reset(n->store, GT_SQL_POOL_WAITS);
	return row < 0 ? row : status;
}

/* ---------------------------------------------------------------- cells */

/* A cell as a record of this node's own. */
static int put_record(struct gt_node *n, struct gt_bytes body,
                      const char *authority, const char *policy)
{
	struct gt_statement s;
	char why[GT_WHY];
	int count = gt_statements_parse(body, GT_XAPI_ANY, NULL, 0, &s, 1, why,
	                                sizeof why);
	if (count != 1)
		return count == -GT_ENOMEM ? count : -GT_EINVALID;
	struct gt_arrival r = {.stream = n->records->stream,
	                       .origin_seq = ++n->records->stream_seq,
	                       .id = s.id,
	                       .form = s.form.b,
	                       .flags = s.flags,
	                       .target = s.target,
	                       .origin_ms = n->now.wall_ms,
	                       .policy = policy,
	                       .authority = authority,
	                       .body = body};
	int status = gt_record_insert(n, &r);
	return status ? status : gt_stream_last(n, r.stream, r.origin_seq);
}

/* Returns as all do; *seq: its number here. */
static int tell_cell(struct gt_node *n, const struct report *p, size_t i,
                     const char *authority, int64_t *seq)
{
	struct gt_group_cell c = gt_groups_cell(p->groups, i);
	const struct gt_done done = {GT_AGGREGATE, GT_REDACT_ALL,
	                             (uint32_t)c.learners};
	char policy[GT_DONE_CHARS];
	uint8_t id[GT_UUID_BYTES];
	struct gt_buffer body = {0};
	gt_draw(n, id, sizeof id);
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	gt_done_format(policy, &done, &p->by, "");
	int status = gt_counted_write(&body, id, n->code, &c);
	if (status == 0)
		status = put_record(n, gt_buffer_bytes(&body), authority,
		                    policy);
	gt_buffer_free(&body);
	*seq = status == 0 ? n->records->seq : GT_POOL_NEVER;
	/* such a verb or activity nobody takes */
	return status == -GT_EINVALID || status == -GT_ELIMIT ? 0 : status;
}

static int write_down(struct gt_node *n, const struct report *p)
{
	char detail[96];
	gt_format(detail, sizeof detail, "groups=%zu looked=%zu",
	          gt_groups_cells(p->groups), p->n);
	struct gt_audit row = {.event = "count",
	                       .kind = "record",
	                       .rule = p->by.rule,
	                       .layer = p->by.layer,
	                       .detail = detail};
	return gt_audit_row(n, &row);
}

/* The cells, and who is in which. */
static int tell_all(struct gt_node *n, struct report *p)
{
	size_t cells = gt_groups_cells(p->groups);
	struct gt_buffer who = {0};
	int64_t *seq = gt_arena_get(n->arena, (cells + 1) * sizeof *seq);
	int status = gt_counted_agent(&who, n->code);
	char *authority = gt_buffer_text(&who, NULL);
	if (!seq || !authority)
		status = -GT_ENOMEM;
	for (size_t i = 0; status == 0 && i < cells; i++)
		status = tell_cell(n, p, i, authority, &seq[i]);
	for (size_t i = 0; status == 0 && i < p->n; i++) {
		int cell = gt_groups_cell_of(p->groups, i);
		if (cell >= 0)
			status = set(n, p->seqs[i], seq[cell]);
	}
	free(authority);
	return status ? status : write_down(n, p);
}

static int make(struct gt_node *n, struct report *p)
{
	int status = read_pool(n, p);
	for (size_t i = 0; status == 0 && i < p->nnever; i++)
		status = set(n, p->never[i], GT_POOL_NEVER);
	if (status == 0)
		status = gt_groups_settle(p->groups);
	if (status == 0 && gt_groups_cells(p->groups) > 0)
		status = tell_all(n, p);
	return status;
}

/* 202611 */
static int64_t number_of(const char *month)
{
	return atoi(month) * 100 + atoi(month + 5);
}

static int report(struct gt_node *n, const char *month)
{
	struct report p = {.groups = gt_groups_new(), .by = gt_demand_none()};
	size_t room = GT_GROUPS_ROWS * sizeof *p.seqs;
	gt_copy(p.month, sizeof p.month, month);
	p.seqs = malloc(room);
	p.never = malloc(room);
	int status = p.groups && p.seqs && p.never ? make(n, &p) : -GT_ENOMEM;
	/* as many as may be: more wait, if any of these went */
	bool more =
	        p.looked == GT_GROUPS_ROWS &&
	        (p.nnever > 0 || (p.groups && gt_groups_cells(p.groups) > 0));
	gt_groups_free(p.groups);
	free(p.seqs);
	free(p.never);
	if (status != 0 || more)
		return status;
	return gt_meta_put(n->store, month_key, number_of(month));
}

int gt_pool_go(struct gt_node *n)
{
	const struct gt_records *r = n->records;
	char month[GT_GROUPS_MONTH];
	int64_t last;
	if (!r->pooled || n->parent[0] == '\0' || n->full || !gt_up_ready(n) ||
	    r->recalls || r->recalling || r->looked < r->seq)
		return 0;
	month_of(month, n->now.wall_ms - LATE_MS);
	int status = gt_meta_get(n->store, month_key, 0, &last);
	if (status != 0 || last == number_of(month))
		return status;
	return report(n, month);
}
