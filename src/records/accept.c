/* accept.c: statements people hand in.
 * Tests: u_node_record.c. */
#include "records_inside.h"

#include <string.h>

static int refuse_conflict(struct gt_node *n, const struct gt_event *e,
                           const struct gt_statement *s)
{
	char id[GT_UUID_TEXT];
	gt_uuid_format(id, s->id);
	struct gt_audit row = {.actor = e->actor,
	                       .event = "accept",
	                       .kind = "record",
	                       .result = -GT_ECONFLICT};
	int status = gt_audit_row(n, &row);
	return status ? status
	              : gt_reply(n, e->token, -GT_ECONFLICT,
	                         "statement %s is already here with other "
	                         "contents",
	                         id);
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
	                           .origin_ms = gt_stored_now(n),
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
		enum gt_known known;
		int64_t seq;
		status = gt_record_look_up(n, &r, &known, &seq);
		if (status != 0 || known == GT_RECORD_SAME) {
			n->status.records_duplicate++;
			continue;
		}
		r.origin_seq = ++n->records->stream_seq;
		status = gt_record_insert(n, &r);
		bytes += r.body.n;
		fresh++;
	}
	if (status == 0 && fresh > 0) {
		status = gt_stream_last(n, n->records->stream,
		                        n->records->stream_seq);
	}
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
	uint64_t seconds = (r->retry_ms + 999) / 1000;
	int status = gt_reply(n, e->token, r->code,
	                      "%s; nothing of this was taken. Send it again in "
	                      "%llu s",
	                      r->why, (unsigned long long)seconds);
	if (status == 0)
		n->actions[n->nactions - 1].retry_ms = r->retry_ms;
	return status;
}

static int admit(struct gt_node *n, const struct gt_event *e,
                 struct gt_refusal *out)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < e->count; i++)
		bytes += e->statements[i].body.n;
	return gt_record_admit(n, e->detail, n->config.terminal_hour, e->count,
	                       bytes, out);
}

int gt_records_accept(struct gt_node *n, const struct gt_event *e)
{
	struct gt_refusal later;
	int bad = admit(n, e, &later);
	if (bad != 0 || later.code != 0)
		return bad ? bad : refuse_for_now(n, e, &later);
	/* All or nothing: a conflict refuses the whole batch (xAPI 1.0.3 part
	 * three, 2.1.1), so look before storing any. */
	for (size_t i = 0; i < e->count; i++) {
		struct gt_arrival r = arrival(n, &e->statements[i]);
		enum gt_known known;
		int64_t seq;
		int status = gt_record_look_up(n, &r, &known, &seq);
		if (status != 0)
			return status;
		if (known == GT_RECORD_OTHER)
			return refuse_conflict(n, e, &e->statements[i]);
	}
	int status = accept(n, e);
	return status ? status : reply_ids(n, e);
}
