#include "ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 300000 }; /* what takes longer hangs */

static void on_poke(uv_async_t *poke)
{
	(void)poke;
}

static void on_limit(uv_timer_t *timer)
{
	struct rig *rig = timer->data;
	rig->late = true;
}

void rig_start(struct rig *rig)
{
	rig->nends = 0;
	int rv = uv_loop_init(&rig->loop);
	assert(rv == 0);
	rv = uv_async_init(&rig->loop, &rig->poke, on_poke);
	assert(rv == 0);
	rv = uv_timer_init(&rig->loop, &rig->limit);
	assert(rv == 0);
	rig->limit.data = rig;
}

void rig_stop(struct rig *rig)
{
	uv_close((uv_handle_t *)&rig->poke, NULL);
	uv_close((uv_handle_t *)&rig->limit, NULL);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	int rv = uv_loop_close(&rig->loop);
	assert(rv == 0); /* somebody left a handle behind */
}

bool rig_turn(struct rig *rig, bool first)
{
	if (first) {
		rig->late = false;
		uv_update_time(&rig->loop);
		uv_timer_start(&rig->limit, on_limit, WAIT_MS, 0);
	}
	uv_run(&rig->loop, UV_RUN_ONCE);
	return !rig->late;
}

void end_tell(struct end *end)
{
	pthread_mutex_lock(&end->lock);
	fprintf(stderr, "%u up, %u down (last: %s), %u messages; log:\n%s",
	        (unsigned)end->ups, (unsigned)end->downs, end->why,
	        (unsigned)end->messages, end->log);
	pthread_mutex_unlock(&end->lock);
}

void rig_give_up(struct rig *rig, const char *file, int line, const char *what)
{
	for (size_t i = 0; i < rig->nends; i++)
		end_tell(rig->ends[i]);
	fprintf(stderr, "%s:%d: never came true: %s\n", file, line, what);
	abort();
}

void pattern_fill(uint8_t *p, size_t n, uint64_t token)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 7 + (i >> 8) * 13 + token * 31);
}

bool pattern_is(const uint8_t *p, size_t n, uint64_t token)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != (uint8_t)(i * 7 + (i >> 8) * 13 + token * 31))
			return false;
	return true;
}

static void check_turn(struct end *end)
{
	if (end->stopped)
		end->disorder++;
}

static void on_up(void *arg, uint32_t peer, enum gt_link_way way,
                  const char *code, const char *above, int64_t until_ms,
                  const char *address)
{
	(void)above;
	(void)until_ms;
	struct end *end = arg;
	check_turn(end);
	end->way = (int)way;
	pthread_mutex_lock(&end->lock);
	gt_copy(end->code, sizeof end->code, code);
	gt_copy(end->address, sizeof end->address, address);
	pthread_mutex_unlock(&end->lock);
	if (peer <= end->peer)
		end->disorder++; /* an id used again */
	end->peer = peer;
	end->ups++;
	uv_async_send(&end->rig->poke);
}

static void on_down(void *arg, uint32_t peer, const char *why)
{
	struct end *end = arg;
	(void)peer;
	check_turn(end);
	pthread_mutex_lock(&end->lock);
	gt_copy(end->why, sizeof end->why, why);
	pthread_mutex_unlock(&end->lock);
	end->downs++;
	if (end->downs > end->ups)
		end->disorder++;
	uv_async_send(&end->rig->poke);
}

static void on_message(void *arg, uint32_t peer, struct gt_bulk *m)
{
	struct end *end = arg;
	check_turn(end);
	if (end->ups == 0)
		end->disorder++;
	if (end->ordered && m->token != end->expect++)
		end->disorder++;
	if (m->malformed)
		end->malformed++;
	else if (!pattern_is(m->payload.p, m->payload.n, m->token))
		end->damaged++;
	end->bytes += m->head.n + m->payload.n;
	if (end->echo && !m->malformed)
		(void)gt_link_send(end->links, peer, m->token, m->head,
		                   m->payload);
	if (end->answer && m->malformed)
		(void)gt_link_send(end->links, peer, m->token,
		                   gt_bytes_str(end->answer),
		                   gt_bytes_of(NULL, 0));
	end->messages++;
	gt_bulk_unref(m);
	uv_async_send(&end->rig->poke);
	if (end->amid)
		end->amid(end->amid_arg);
}

static void on_log(void *arg, int level, const char *what, const char *address,
                   const char *shown, const char *why)
{
	struct end *end = arg;
	(void)level;
	check_turn(end);
	pthread_mutex_lock(&end->lock);
	size_t n = strlen(end->log);
	gt_format(end->log + n, sizeof end->log - n, "%s %s [%s]: %s\n", what,
	          address, shown, why);
	pthread_mutex_unlock(&end->lock);
	end->logs++;
	uv_async_send(&end->rig->poke);
}

void end_init(struct end *end, struct rig *rig)
{
	memset(end, 0, sizeof *end);
	end->rig = rig;
	if (rig->nends < sizeof rig->ends / sizeof *rig->ends)
		rig->ends[rig->nends++] = end;
	int rv = pthread_mutex_init(&end->lock, NULL);
	assert(rv == 0);
}

int end_start(struct end *end, const struct gt_links_config *config)
{
	static const struct gt_link_events events = {on_up, on_down, on_message,
	                                             on_log};
	char why[256] = "";
	end->stopped = 0;
	end->peer = 0;
	int rv = gt_links_start(&end->links, &end->rig->loop, config, &events,
	                        end, why, sizeof why);
	if (rv != 0)
		end->links = NULL;
	pthread_mutex_lock(&end->lock);
	gt_copy(end->why, sizeof end->why, why);
	pthread_mutex_unlock(&end->lock);
	return rv;
}

void end_stop(struct end *end)
{
	if (!end->links)
		return;
	gt_links_stop(end->links);
	end->stopped = 1;
	end->links = NULL;
}

void end_fini(struct end *end)
{
	end_stop(end);
	pthread_mutex_destroy(&end->lock);
}

bool end_logged(struct end *end, const char *text)
{
	pthread_mutex_lock(&end->lock);
	bool has = strstr(end->log, text) != NULL;
	pthread_mutex_unlock(&end->lock);
	return has;
}

bool end_why_has(struct end *end, const char *text)
{
	pthread_mutex_lock(&end->lock);
	bool has = strstr(end->why, text) != NULL;
	pthread_mutex_unlock(&end->lock);
	return has;
}
