/* turn.c: actions, answers, questions to the parent. */
#include "turn.h"

#include "peer.h"

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

uint64_t gt_sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
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

/* --------------------------------------------------------- messages */

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

int gt_send_ok(struct gt_node *n, const struct gt_peer *p, uint64_t token)
{
	Gt__Reply r = GT__REPLY__INIT;
	Gt__Ok ok = GT__OK__INIT;
	r.body_case = GT__REPLY__BODY_OK;
	r.ok = &ok;
	return gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

/* ------------------------------------------------ asking the parent */

enum {
	ASKS_FIRST = 32, /* slots at first */
	URGENT = 64,     /* slots kept for records, changes and the like */
	TOKEN_BITS = 10, /* of the slot; above them its generation */
};
static_assert(GT_REQUESTS_MAX == 1 << TOKEN_BITS, "a token names every slot");

uint64_t gt_answer_ms(const struct gt_node *n)
{
	return 2 * (uint64_t)n->config.dead_ms;
}

bool gt_ask_room(const struct gt_node *n)
{
	return n->asks.count < GT_REQUESTS_MAX - URGENT;
}

static bool grow(struct gt_asks *asks)
{
	uint32_t cap = asks->cap ? 2 * asks->cap : ASKS_FIRST;
	struct gt_asking *v = realloc(asks->v, cap * sizeof *v);
	if (!v)
		return false;
	memset(v + asks->cap, 0, (cap - asks->cap) * sizeof *v);
	asks->next = asks->cap;
	asks->v = v;
	asks->cap = cap;
	return true;
}

int gt_ask(struct gt_node *n, const Gt__Request *r,
           const struct gt_asking *asking, bool *full)
{
	struct gt_asks *asks = &n->asks;
	if (full)
		*full = asks->count == GT_REQUESTS_MAX;
	if (asks->count == GT_REQUESTS_MAX)
		return 0;
	if (asks->count == asks->cap && !grow(asks))
		return -GT_ENOMEM;
	while (asks->v[asks->next].what != GT_ASKED_NONE)
		asks->next = (asks->next + 1) % asks->cap;
	uint32_t slot = asks->next;
	struct gt_asking *a = &asks->v[slot];
	*a = *asking;
	a->sent_ms = n->now.mono_ms;
	a->generation = ++asks->generation & 0xfffff;
	asks->count++;
	assert(asks->count <= asks->cap);
	if (!asks->due)
		asks->due = n->now.mono_ms + gt_answer_ms(n);
	asks->next = (slot + 1) % asks->cap;
	return gt_send(n, n->up, (uint64_t)a->generation << TOKEN_BITS | slot,
	               false, gt_arena_pack(n->arena, &r->base),
	               (struct gt_bytes){0});
}

bool gt_asked(struct gt_node *n, uint64_t token, struct gt_asking *out)
{
	uint64_t slot = token % GT_REQUESTS_MAX;
	if (slot >= n->asks.cap)
		return false;
	*out = n->asks.v[slot];
	if (out->what == GT_ASKED_NONE ||
	    out->generation != token >> TOKEN_BITS)
		return false;
	n->asks.v[slot] = (struct gt_asking){0};
	assert(n->asks.count > 0);
	n->asks.count--;
	return true;
}

void gt_ask_reset(struct gt_node *n)
{
	struct gt_asks *asks = &n->asks;
	if (asks->v)
		memset(asks->v, 0, asks->cap * sizeof *asks->v);
	asks->count = 0;
	asks->due = 0;
}

bool gt_ask_overdue(struct gt_node *n)
{
	struct gt_asks *asks = &n->asks;
	uint64_t oldest = UINT64_MAX;
	for (uint32_t i = 0; i < asks->cap; i++)
		if (asks->v[i].what != GT_ASKED_NONE &&
		    asks->v[i].sent_ms < oldest)
			oldest = asks->v[i].sent_ms;
	asks->due = oldest == UINT64_MAX ? 0 : oldest + gt_answer_ms(n);
	return n->up && asks->due && n->now.mono_ms >= asks->due;
}
