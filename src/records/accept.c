/* accept.c: statements people hand in.
 * Tests: u_node_record.c, u_vouched.c. */
#include "records_inside.h"

#include <string.h>

static int refuse(struct gt_node *n, const struct gt_event *e, int code,
                  const char *why)
{
	struct gt_audit row = {.actor = e->actor,
	                       .event = "accept",
	                       .kind = "record",
	                       .result = code};
	int status = e->detail ? gt_audit_told(n, e->detail, &row, NULL)
	                       : gt_audit_row(n, &row);
	return status ? status : gt_reply(n, e->token, code, "%s", why);
}

static int reply_ids(struct gt_node *n, const struct gt_event *e)
{
	size_t cap = e->count * 40 + 3, at = 0;
	char *text = gt_arena_get(n->arena, cap);
	if (!text)
		return -GT_ENOMEM;
	text[at++] = '[';
	for (size_t i = 0; i < e->count; i++) {
		char id[GT_UUID_TEXT];
		gt_uuid_format(id, e->statements[i].id);
		gt_format(text + at, cap - at, "%s\"%s\"", i ? "," : "", id);
		at += strlen(text + at);
	}
	text[at++] = ']';
	text[at] = '\0';
	return gt_reply(n, e->token, 0, "%s", text);
}

/* Its number in the stream is not given yet. */
static struct gt_arrival arrival(struct gt_node *n,
                                 const struct gt_statement *s)
{
	return (struct gt_arrival){.stream = n->records->stream,
	                           .id = s->id,
	                           .form = s->form.b,
	                           .flags = s->flags,
	                           .target = s->target,
	                           .origin_ms = n->now.wall_ms,
	                           .policy = "",
	                           .authority =
	                                   s->authority ? s->authority : "",
	                           .body = s->body};
}

static int accept(struct gt_node *n, const struct gt_event *e)
{
	uint64_t bytes = 0;
	size_t fresh = 0;
	char detail[64];
	int status = 0;
	for (size_t i = 0; status == 0 && i < e->count; i++) {
		struct gt_arrival r = arrival(n, &e->statements[i]);
		struct gt_found f;
		status = gt_record_look_up(n, &r, &f);
		if (status != 0 || (f.known == GT_RECORD_SAME && !f.lesser)) {
			n->status.records_duplicate++;
			continue;
		}
		if (f.lesser)
			status = gt_record_give_way(n, &f, &r, n->code);
		r.origin_seq = ++n->records->stream_seq;
		if (status == 0)
			status = gt_record_insert(n, &r);
		bytes += r.body.n;
		fresh++;
	}
	if (status == 0 && fresh > 0) {
		status = gt_stream_last(n, n->records->stream,
		                        n->records->stream_seq);
	}
	if (status == 0)
		status = gt_record_trim_aside(n, n->code);
	gt_format(detail, sizeof detail, "new=%zu again=%zu", fresh,
	          e->count - fresh);
	struct gt_audit row = {.actor = e->actor,
	                       .event = "accept",
	                       .kind = "record",
	                       .bytes = bytes,
	                       .detail = detail};
	return status ? status : gt_audit_row(n, &row);
}

/* Nothing is written of it: whoever is told to come later would fill the disk
 * with what was said to him. */
static int refuse_for_now(struct gt_node *n, const struct gt_event *e,
                          const struct gt_refusal *r)
{
	int status = gt_reply(n, e->token, r->code,
	                      "%s; nothing of this was taken", r->why);
	if (status == 0)
		n->actions[n->nactions - 1].retry_ms = r->retry_ms;
	return status;
}

static struct gt_hand_in hand_in(const struct gt_node *n,
                                 const struct gt_event *e)
{
	struct gt_hand_in h = {.whom = e->detail,
	                       .hourly = n->config.terminal_hour,
	                       .waiting = n->config.terminal_waiting,
	                       .count = e->count};
	for (size_t i = 0; i < e->count; i++)
		h.bytes += e->statements[i].body.n;
	return h;
}

/* *may: the statement voids nothing that is here and not its authority's. */
static int may_void(struct gt_node *n, const struct gt_statement *s, bool *may)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORD_VOUCHER, "b",
	                                 gt_bytes_of(s->target, GT_UUID_BYTES));
	int row = gt_store_step(n->store, GT_SQL_RECORD_VOUCHER);
	*may = true;
	if (row == 1) {
		struct gt_voucher by = {n->code, s->authority, s->flags};
		struct gt_voucher target = {gt_col_text(st, 0),
		                            gt_col_text(st, 1),
		                            (uint32_t)gt_col_int(st, 2)};
		*may = gt_statement_may_void(&by, &target);
	}
	gt_store_reset(n->store, GT_SQL_RECORD_VOUCHER);
	return row < 0 ? row : 0;
}

/* Why a statement cannot be taken: what it would void. *code 0: it can. */
static int judge_void(struct gt_node *n, const struct gt_statement *s,
                      const char *id, int *code, char why[256])
{
	bool may;
	if (!(s->flags & GT_STATEMENT_NAMED)) {
		gt_format(why, 256,
		          "statement %s voids another one, and nobody may "
		          "without a name: send a credential (the operator "
		          "makes one: guantong -C DIR credential add NAME)",
		          id);
		*code = -GT_EDENIED;
		return 0;
	}
	int status = may_void(n, s, &may);
	if (status != 0 || may)
		return status;
	gt_format(why, 256,
	          "statement %s voids one that was handed in under another "
	          "name: only that name may, or an operator",
	          id);
	*code = -GT_EDENIED;
	return 0;
}

/* The same for any reason. */
static int judge(struct gt_node *n, const struct gt_event *e,
                 const struct gt_statement *s, int *code, char why[256])
{
	struct gt_arrival r = arrival(n, s);
	struct gt_found f;
	char id[GT_UUID_TEXT];
	int status = gt_record_look_up(n, &r, &f);
	gt_uuid_format(id, s->id);
	*code = 0;
	if (status == 0 && f.known == GT_RECORD_OTHER && !f.lesser) {
		gt_format(why, 256,
		          "statement %s is already here with other contents",
		          id);
		*code = -GT_ECONFLICT;
	} else if (status == 0 && s->flags & GT_STATEMENT_VOIDS &&
	           f.known != GT_RECORD_SAME) {
		status = judge_void(n, s, id, code, why);
	}
	/* what is known here may be handed in again, as it was given out */
	if (status == 0 && *code == 0 && f.known != GT_RECORD_SAME)
		status = gt_attach_judge(e, s, id, code, why);
	return status;
}

int gt_records_accept(struct gt_node *n, const struct gt_event *e)
{
	struct gt_refusal later;
	struct gt_hand_in h = hand_in(n, e);
	int64_t before = n->records->seq;
	gt_attach_admit(n, e, &later);
	int bad = later.code ? 0 : gt_record_admit(n, &h, &later);
	if (bad != 0 || later.code != 0)
		return bad ? bad : refuse_for_now(n, e, &later);
	/* All or nothing: a conflict refuses the whole batch (xAPI 1.0.3 part
	 * three, 2.1.1), so look before storing any. */
	char why[256];
	int code = 0, status = 0;
	for (size_t i = 0; status == 0 && code == 0 && i < e->count; i++)
		status = judge(n, e, &e->statements[i], &code, why);
	if (status == 0 && code != 0)
		return refuse(n, e, code, why);
	if (status == 0)
		status = accept(n, e);
	if (status == 0)
		status = gt_attach_brought(n, e);
	if (status == 0)
		status = gt_record_waits(n, &h, before);
	return status ? status : reply_ids(n, e);
}
