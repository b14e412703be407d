/* world.c: the loop and the turns. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "certify.h"
#include "code.h"
#include "erase.h"
#include "flood.h"
#include "protocol.h"
#include "revoke.h"
#include "spoil.h"
#include "vfs.h"
#include "whisper.h"

void sim_trace(struct world *w, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t parts[4] = {w->now, a, b, c};
	for (unsigned i = 0; i < 4; i++) {
		w->trace ^= parts[i];
		w->trace *= 0x100000001b3u;
	}
}

void world_fail(struct world *w, const char *invariant, const char *fmt, ...)
{
	va_list ap;
	bool lied = false;
	if (w->invariant)
		return;
	/* With a disk that lies nothing can be promised: what broke is the
	 * disk's contract, and it must be seen that it broke. */
	for (unsigned i = 0; i <= w->count; i++)
		lied = lied || w->nodes[i].disk.lied;
	w->invariant = lied ? "disk-breach" : invariant;
	va_start(ap, fmt);
	vsnprintf(w->failure, sizeof w->failure, fmt, ap);
	va_end(ap);
}

bool sim_may(const struct world *w, enum fault f)
{
	return !w->calm && (w->faults & (unsigned)f);
}

uint64_t sim_rare(const struct world *w, uint64_t ms)
{
	return w->calendar ? 3000 * ms : ms;
}

struct prng *sim_draws(struct world *w, enum fault f)
{
	unsigned bit = 0;
	while ((1u << bit) != (unsigned)f)
		bit++;
	return &w->draws[bit];
}

int64_t world_wall(const struct world *w, unsigned node)
{
	const struct sim_node *s = &w->nodes[node];
	int64_t now = (int64_t)w->now;
	return 1767225600000 + now + now * s->drift / 1000000 + s->clock_off;
}

int64_t world_date_limit(const struct world *w)
{
	return w->calendar ? 2 * GT_DAY_MS : GT_DAY_MS / 12;
}

/* ------------------------------------------------------------ turns */

static void watch_deadline(struct world *w, struct sim_node *s)
{
	uint64_t at = gt_node_deadline(s->core);
	if (at == UINT64_MAX || (s->deadline > w->now && s->deadline <= at))
		return;
	if (at <= w->now)
		at = w->now + 1;
	s->deadline = at;
	sim_plan(w, at, TIMER, s->index)->incarnation = s->incarnation;
}

void sim_turn(struct world *w, struct sim_node *s, const struct gt_event *e)
{
	struct gt_actions actions;
	struct gt_now now = {w->now, world_wall(w, s->index), s->told_ms, 0};
	size_t taken;
	uint64_t incarnation = s->incarnation;
	w->events++;
	sim_trace(w, s->index, (uint64_t)e->type, e->token);
	int status = gt_node_turn(s->core, now, e, 1, &taken, &actions);
	if (status != 0) {
		/* Only a disk that fails may stop a node; not a full one:
		 * content and records wait. */
		if (!s->disk.dead && !s->disk.failed)
			world_fail(w, "turn", "node %s stopped: %s", s->code,
			           gt_node_why(s->core));
		if (s->disk.failed && !s->disk.dead)
			power_end(w, s);
		else
			power_cut(w, s);
		return;
	}
	for (size_t i = 0;
	     i < actions.n && s->incarnation == incarnation && !s->disk.dead;
	     i++)
		blob_perform(w, s, &actions.v[i]);
	if (s->incarnation != incarnation)
		return;
	if (s->disk.dead) {
		power_cut(w, s);
		return;
	}
	watch_deadline(w, s);
	check_node(w, s->index);
	revoke_turn(w, s);
	bound_turn(w, s, e);
	spoil_turn(w, s);
	reader_turn(w, s);
	figures_turn(w, s);
}

bool world_command(struct world *w, unsigned node, struct gt_event *e)
{
	struct sim_node *s = &w->nodes[node];
	if (!s->core)
		return false;
	sim_turn(w, s, e);
	return true;
}

bool world_stage(struct world *w, unsigned node, const char *name,
                 const uint8_t *p, size_t n)
{
	struct disk *d = &w->nodes[node].disk;
	struct disk_file *f = disk_open(d, name, true);
	bool good = f && disk_write(d, f, 0, p, n) == 0;
	if (d->dead)
		power_cut(w, &w->nodes[node]);
	return good;
}

/* --------------------------------------------------------- episodes */

/* How long on average until a fault of that class strikes somewhere. */
static uint64_t pause_of(enum fault_bit bit)
{
	switch (bit) {
	case FAULT_BIT_ONE_WAY:
	case FAULT_BIT_SLOW:
		return 400000;
	case FAULT_BIT_ROT:
	case FAULT_BIT_LOSE:
	case FAULT_BIT_SPOIL:
	case FAULT_BIT_ERASE:
		return 200000;
	case FAULT_BIT_WHISPER:
		return 60000;
	case FAULT_BIT_CERTIFY:
		return 120000;
	case FAULT_BIT_FULL:
	case FAULT_BIT_OUTAGE:
	case FAULT_BIT_RESTORE:
		return 900000;
	case FAULT_BIT_REPLACE:
	case FAULT_BIT_FLOOD:
		return 2400000;
	case FAULT_BIT_VERSION:
	case FAULT_BIT_CLOCK:
	case FAULT_BIT_FREEZE:
	case FAULT_BIT_REVOKE:
		return 600000;
	case FAULT_BIT_SYNC:
		return 300000;
	case FAULT_BIT_CLONE:
		return 1200000;
	case FAULT_BIT_LIE:
		return 60000;
	case FAULT_BIT_LOSS:
	case FAULT_BIT_DUPLICATE:
	case FAULT_BIT_REORDER:
	case FAULT_BIT_CUT:
	case FAULT_BIT_HALF_OPEN:
	case FAULT_BIT_THIN:
	case FAULT_BIT_FORGE:
	case FAULT_BIT_CRASH:
	case FAULT_BIT_CRASH_CALL:
	case FAULT_BITS:
	default:
		return 0;
	}
}

static void plan_episode(struct world *w, enum fault_bit bit)
{
	uint64_t pause = sim_rare(w, pause_of(bit));
	if (pause && sim_may(w, 1 << bit))
		sim_plan(w, w->now + 1 + prng_below(&w->draws[bit], 2 * pause),
		         EPISODE, 0)
		        ->peer = bit;
}

static void episode(struct world *w, enum fault_bit bit)
{
	if (!sim_may(w, 1 << bit))
		return;
	if (bit != FAULT_BIT_ROT && bit != FAULT_BIT_RESTORE &&
	    bit != FAULT_BIT_VERSION && bit != FAULT_BIT_CLONE &&
	    bit != FAULT_BIT_SYNC && bit != FAULT_BIT_LOSE &&
	    bit != FAULT_BIT_FLOOD && bit != FAULT_BIT_REVOKE &&
	    bit != FAULT_BIT_SPOIL && bit != FAULT_BIT_ERASE &&
	    bit != FAULT_BIT_WHISPER && bit != FAULT_BIT_CERTIFY)
		w->struck[bit]++;
	if (bit == FAULT_BIT_OUTAGE || bit == FAULT_BIT_ONE_WAY ||
	    bit == FAULT_BIT_FREEZE)
		net_episode(w, 1 << bit);
	else if (bit == FAULT_BIT_CLONE)
		clone_episode(w);
	else if (bit == FAULT_BIT_FLOOD)
		flood_episode(w);
	else if (bit == FAULT_BIT_REVOKE)
		revoke_episode(w);
	else if (bit == FAULT_BIT_SPOIL)
		spoil_episode(w);
	else if (bit == FAULT_BIT_ERASE)
		erase_episode(w);
	else if (bit == FAULT_BIT_WHISPER)
		whisper_episode(w);
	else if (bit == FAULT_BIT_CERTIFY)
		certify_episode(w);
	else
		power_episode(w, 1 << bit);
	plan_episode(w, bit);
}

/* ------------------------------------------------------------- loop */

static void link_cut(struct world *w, struct sim_node *s, uint32_t peer)
{
	if (peer != s->uplink && peer != s->uplink_far)
		return; /* an older link's end */
	w->struck[FAULT_BIT_CUT] += sim_may(w, FAULT_CUT);
	net_cut(w, s);
}

static void happen_to(struct world *w, struct sim_node *s, struct happening *h)
{
	switch (h->kind) {
	case DELIVER:
		net_deliver(w, s, h);
		break;
	case TIMER:
		if (h->at == s->deadline) {
			struct gt_event e = {.type = GT_EV_TIME};
			s->deadline = 0;
			sim_turn(w, s, &e);
		}
		break;
	case BLOB_DONE:
		sim_turn(w, s, &h->event);
		break;
	case POWER_CUT:
		w->struck[FAULT_BIT_CRASH] += !w->calm;
		if (!w->calm)
			power_cut(w, s);
		break;
	case LINK_TRY:
	case LINK_CUT:
	case POWER_ON:
	case TICK:
	case EPISODE:
	case DISK_CLEAR:
	case ROOM_LOOK:
	case WAY_OPEN:
	case RESTORE:
	case COPY_SEEN:
	case FLOOD:
	default:
		break;
	}
}

static void happen(struct world *w, struct happening *h)
{
	struct sim_node *s = &w->nodes[h->node];
	switch (h->kind) {
	case LINK_TRY:
		net_try(w, s);
		break;
	case LINK_CUT:
		link_cut(w, s, h->peer);
		break;
	case POWER_ON:
		power_on(w, s);
		break;
	case TICK:
		work_tick(w);
		break;
	case EPISODE:
		episode(w, (enum fault_bit)h->peer);
		break;
	case DISK_CLEAR:
		s->disk.limit = 0;
		power_room(w, s);
		break;
	case ROOM_LOOK:
		power_room(w, s);
		if (s->disk.limit)
			sim_plan(w, w->now + 1000, ROOM_LOOK, s->index);
		break;
	case WAY_OPEN:
		s->blocked = 0;
		break;
	case RESTORE:
		power_restore(w, s);
		break;
	case COPY_SEEN:
		clone_look(w);
		break;
	case FLOOD:
		flood_step(w, h->peer);
		break;
	case DELIVER:
	case TIMER:
	case BLOB_DONE:
	case POWER_CUT:
	default:
		if (s->core && h->incarnation == s->incarnation)
			happen_to(w, s, h);
	}
}

void world_run(struct world *w, uint64_t until)
{
	while (!w->invariant && sim_next_at(w->heap) <= until) {
		struct happening *h = sim_pop(w->heap);
		w->now = h->at;
		happen(w, h);
		sim_discard(h);
	}
	if (!w->invariant)
		w->now = until;
}

void world_tick_at(struct world *w, uint64_t at)
{
	sim_plan(w, at, TICK, 0);
}

void world_heal(struct world *w)
{
	w->calm = true;
	clone_look(w);
	for (unsigned i = 0; i <= w->count; i++) {
		struct sim_node *s = &w->nodes[i];
		if (s->off)
			continue;
		s->disk.die_at = s->disk.limit = s->disk.fail_in = 0;
		s->disk.lies = false;
		s->clock_off = s->drift = 0;
		s->blocked = 0;
		power_room(w, s);
		if (!s->core)
			power_on(w, s);
		else if (s->skips)
			power_cut(w, s);
		else if (s->parent >= 0)
			sim_plan(w, w->now + 1, LINK_TRY, i);
	}
}

bool world_upgrade(struct world *w)
{
	bool any = false;
	for (unsigned i = 0; i < w->count; i++) {
		struct sim_node *s = &w->nodes[i];
		if (s->protocol == GT_PROTOCOL_MAX)
			continue;
		s->protocol = GT_PROTOCOL_MAX;
		any = true;
		power_cut(w, s);
	}
	return any;
}

/* --------------------------------------------------- beginning, end */

/* A five-level chain, then siblings at the lower levels. */
static void name_nodes(struct world *w, unsigned count)
{
	static const char *const chain[] = {"33", "3301", "330106", "330106109",
	                                    "330106109210"};
	w->count = count;
	for (unsigned i = 0; i < count; i++) {
		struct sim_node *s = &w->nodes[i];
		if (i < 5) {
			gt_copy(s->code, sizeof s->code, chain[i]);
			s->parent = (int)i - 1;
		} else if (i % 3 == 0) {
			gt_format(s->code, sizeof s->code, "3301061%02u",
			          10 + i);
			s->parent = 2;
		} else {
			gt_format(s->code, sizeof s->code, "330106109%03u",
			          300 + i);
			s->parent = 3;
		}
	}
}

static void seed_all(struct world *w)
{
	uint8_t key[32];
	w->net = prng_new(w->seed, FOR_NETWORK, 0);
	w->disks = prng_new(w->seed, FOR_DISK, 0);
	w->power = prng_new(w->seed, FOR_CRASHES, 0);
	for (unsigned i = 0; i < FAULT_BITS; i++)
		w->draws[i] = prng_new(w->seed, FOR_FAULTS, i);
	struct prng p = prng_new(w->seed, FOR_ENTROPY, 1u << 20);
	prng_fill(&p, key, sizeof key);
	if (gt_key_from_seed(&w->roster, key) != 0)
		exit(2);
	for (unsigned i = 0; i < w->count; i++) {
		prng_fill(&p, key, sizeof key);
		if (gt_key_from_seed(&w->nodes[i].key, key) != 0)
			exit(2);
	}
	prng_fill(&p, key, sizeof key);
	if (gt_key_from_seed(&w->dates, key) != 0)
		exit(2);
}

/* Quartz is wrong by up to 200 parts in a million, and each by another. */
static void set_clocks(struct world *w)
{
	for (unsigned i = 0; i <= w->count && sim_may(w, FAULT_CLOCK); i++)
		w->nodes[i].drift =
		        (int64_t)prng_below(sim_draws(w, FAULT_CLOCK), 401) -
		        200;
}

bool world_init(struct world *w, uint64_t seed, unsigned faults,
                const struct shape *shape)
{
	memset(w, 0, sizeof *w);
	w->seed = seed;
	w->faults = faults;
	w->calendar = shape->calendar;
	w->heartbeat = shape->heartbeat  ? shape->heartbeat
	               : shape->calendar ? 900000
	                                 : 15000;
	w->trace = 0xcbf29ce484222325u;
	w->heap = sim_heap_new();
	if (!shape->file)
		name_nodes(w, shape->nodes);
	else if (!tree_shape(w, shape))
		return false;
	check_init();
	reader_init();
	audit_init();
	seed_all(w);
	/* A version that knows nothing of copies cannot be safe from them. */
	if ((w->faults & FAULT_CLONE) && (w->faults & FAULT_VERSION))
		w->faults &= prng_below(&w->draws[FAULT_BIT_CLONE], 2)
		                     ? ~(unsigned)FAULT_VERSION
		                     : ~(unsigned)FAULT_CLONE;
	whisper_init(w);
	spoil_init(w);
	erase_init();
	certify_init();
	revoke_init(w);
	set_clocks(w);
	flood_init(w, shape->flood);
	for (unsigned i = 0; i < w->count; i++) {
		w->nodes[i].index = i;
		w->nodes[i].far = w->nodes[i].parent;
	}
	w->nodes[w->count].off = true;
	for (unsigned i = 0; i <= w->count; i++)
		vfs_announce(i, &w->nodes[i].disk);
	for (unsigned i = 0; i < w->count; i++)
		power_on(w, &w->nodes[i]);
	for (unsigned i = 0; i < FAULT_BITS; i++)
		plan_episode(w, (enum fault_bit)i);
	return true;
}

void world_free(struct world *w)
{
	for (unsigned i = 0; i <= w->count; i++) {
		w->nodes[i].disk.dead = true;
		ask_forget(&w->nodes[i]);
		gt_node_close(w->nodes[i].core);
		disk_free(&w->nodes[i].disk);
		disk_free(&w->nodes[i].backup);
	}
	free(w->link_child);
	sim_heap_free(w->heap);
}
