/* turn.c: what the other files of the node do the world's part with: actions,
 * requests, drops, answers. */
#include "turn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gt_action *gt_act(struct gt_node *n, enum gt_action_type type)
{
	if (n->nactions == n->capactions) {
		size_t cap = n->capactions ? 2 * n->capactions : 256;
		void *v = realloc(n->actions, cap * sizeof *n->actions);
		if (!v)
			return NULL;
		n->actions = v;
		n->capactions = cap;
	}
	struct gt_action *a = &n->actions[n->nactions++];
	*a = (struct gt_action){.type = type};
	return a;
}

int gt_send(struct gt_node *n, const struct gt_peer *p, uint64_t token,
            bool reply, struct gt_bytes head, struct gt_bytes payload)
{
	struct gt_action *a = gt_act(n, GT_ACT_SEND);
	if (!a || !head.p)
		return -GT_ENOMEM;
	a->peer = p->id;
	a->token = token;
	a->reply = reply;
	a->head = head;
	a->payload = payload;
	n->turn_bytes += head.n + payload.n;
	n->status.messages_out++;
	n->status.bytes_out += head.n + payload.n;
	return 0;
}

int gt_send_reply(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                  const Gt__Reply *r, struct gt_bytes payload)
{
	return gt_send(n, p, token, true, gt_arena_pack(n->arena, &r->base),
	               payload);
}

int gt_send_error(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                  int code, const char *text, uint64_t retry_ms)
{
	Gt__Error e;
	gt__error__init(&e);
	Gt__Reply r = GT__REPLY__INIT;
	e.code = (uint32_t)(code < 0 ? -code : code);
	e.text = gt_arena_str(n->arena, text ? text : gt_strerror(code));
	if (!e.text)
		return -GT_ENOMEM;
	e.retry_ms = retry_ms;
	r.body_case = GT__REPLY__BODY_ERROR;
	r.error = &e;
	return gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

uint64_t gt_sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t gt_answer_ms(const struct gt_node *n)
{
	return 2 * (uint64_t)n->config.dead_ms;
}

int gt_ask(struct gt_node *n, const Gt__Request *r,
           const struct gt_asking *asking, bool *full)
{
	if (full)
		*full = n->asking_count == GT_REQUESTS_MAX;
	if (n->asking_count == GT_REQUESTS_MAX)
		return 0;
	while (n->asking[n->asking_next].what != GT_ASKED_NONE)
		n->asking_next = (n->asking_next + 1) % GT_REQUESTS_MAX;
	uint32_t slot = n->asking_next;
	struct gt_asking *a = &n->asking[slot];
	*a = *asking;
	a->sent_ms = n->now.mono_ms;
	a->generation = ++n->asking_generation & 0xfffff;
	n->asking_count++;
	if (!n->asking_due)
		n->asking_due = n->now.mono_ms + gt_answer_ms(n);
	n->asking_next = (slot + 1) % GT_REQUESTS_MAX;
	return gt_send(n, n->up, (uint64_t)a->generation << 10 | slot, false,
	               gt_arena_pack(n->arena, &r->base), (struct gt_bytes){0});
}

static int drop(struct gt_node *n, struct gt_peer *p, int how, const char *why)
{
	struct gt_action *a = gt_act(n, GT_ACT_DROP);
	if (!a)
		return -GT_ENOMEM;
	a->peer = p->id;
	a->status = how;
	a->text = gt_arena_str(n->arena, why);
	if (!a->text)
		return -GT_ENOMEM;
	n->status.drops++;
	struct gt_audit row = {.event = "link",
	                       .kind = "link",
	                       .subject = p->code,
	                       .peer = p->code,
	                       .result = -GT_ECLOSED,
	                       .detail = why};
	int status = gt_audit_row(n, &row);
	if (status == 0)
		status = gt_log(
		        n, GT_LOG_WARN, "dropping the link to %s (%s): %s",
		        p->code[0] ? p->code : "a stranger", p->address, why);
	if (status == 0)
		status = gt_session_down(n, p);
	return status;
}

int gt_send_ok(struct gt_node *n, const struct gt_peer *p, uint64_t token)
{
	Gt__Reply r = GT__REPLY__INIT;
	Gt__Ok ok = GT__OK__INIT;
	r.body_case = GT__REPLY__BODY_OK;
	r.ok = &ok;
	return gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

int gt_drop(struct gt_node *n, struct gt_peer *p, const char *why)
{
	return drop(n, p, 0, why);
}

int gt_drop_silent(struct gt_node *n, struct gt_peer *p, const char *why)
{
	return drop(n, p, -GT_ECLOSED, why);
}

__attribute__((format(printf, 5, 0))) static int
text_action(struct gt_node *n, enum gt_action_type type, uint64_t token,
            int status, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	struct gt_action *a = gt_act(n, type);
	char *text = gt_arena_get(n->arena, (size_t)len + 1);
	if (!a || !text || len < 0)
		return -GT_ENOMEM;
	(void)vsnprintf(text, (size_t)len + 1, fmt, ap);
	a->token = token;
	a->status = status;
	a->text = text;
	return 0;
}

int gt_reply(struct gt_node *n, uint64_t token, int status, const char *fmt,
             ...)
{
	va_list ap;
	va_start(ap, fmt);
	int rc = text_action(n, GT_ACT_REPLY, token, status, fmt, ap);
	va_end(ap);
	return rc;
}

int gt_log(struct gt_node *n, enum gt_log_level level, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int rc = text_action(n, GT_ACT_LOG, 0, (int)level, fmt, ap);
	va_end(ap);
	return rc;
}

void gt_stir(struct gt_node *n, struct gt_bytes more)
{
	struct gt_id id;
	struct gt_bytes parts[2] = {{n->entropy, sizeof n->entropy}, more};
	gt_sha256(&id, parts, 2);
	memcpy(n->entropy, id.b, sizeof id.b);
}

void gt_draw(struct gt_node *n, uint8_t *out, size_t len)
{
	while (len > 0) {
		struct gt_id block;
		uint8_t count[8];
		gt_put64(count, n->drawn++);
		struct gt_bytes parts[2] = {{n->entropy, sizeof n->entropy},
		                            {count, sizeof count}};
		gt_sha256(&block, parts, 2);
		size_t take = len < sizeof block.b ? len : sizeof block.b;
		memcpy(out, block.b, take);
		out += take;
		len -= take;
	}
}

struct gt_peer *gt_peer_by_id(struct gt_node *n, uint32_t id)
{
	for (uint32_t i = 0; id != 0 && i < n->npeers; i++)
		if (n->peers[i].id == id)
			return &n->peers[i];
	return NULL;
}

struct gt_peer *gt_peer_by_code(struct gt_node *n, const char *code)
{
	for (uint32_t i = 0; i < n->npeers; i++) {
		struct gt_peer *p = &n->peers[i];
		if (p->id && p->session == GT_S_READY && !p->parent &&
		    strcmp(p->code, code) == 0)
			return p;
	}
	return NULL;
}
