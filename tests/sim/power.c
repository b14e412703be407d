/* power.c: power cuts, disks that fill up or forget, backups, wrong clocks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "ask.h"
#include "certify.h"
#include "code.h"
#include "flood.h"
#include "protocol.h"
#include "revoke.h"
#include "vfs.h"

static void say(const struct world *w, const struct sim_node *s,
                const char *what)
{
	if (w->verbose)
		printf("%10llu %-12s %s\n", (unsigned long long)w->now, s->code,
		       what);
}

/* -------------------------------------------------------- going off */

/* Closed in order, SQLite moves its log into the database. */
static void stop(struct world *w, struct sim_node *s, bool in_order)
{
	s->incarnation++;
	s->disk.dead = s->disk.dead || !in_order;
	ask_forget(s);
	gt_node_close(s->core);
	s->core = NULL;
	s->broken = false;
	s->deadline = 0;
	work_crashed(w, s->index);
}

void power_off(struct world *w, struct sim_node *s)
{
	if (s->core)
		stop(w, s, false);
	net_power_cut(w, s);
}

void power_cut(struct world *w, struct sim_node *s)
{
	if (!s->core)
		return;
	stop(w, s, false);
	disk_power_cycle(&s->disk, &w->disks);
	say(w, s, "power cut");
	net_power_cut(w, s);
	sim_plan(w, w->now + 500 + prng_below(&w->power, 60000), POWER_ON,
	         s->index);
}

void power_end(struct world *w, struct sim_node *s)
{
	struct prng *p = sim_draws(w, FAULT_SYNC);
	bool in_order = prng_below(p, 2);
	w->struck[FAULT_BIT_SYNC]++;
	say(w, s,
	    in_order ? "ends for a failed sync" : "dies of a failed sync");
	stop(w, s, in_order);
	if (s->disk.dead && in_order)
		disk_power_cycle(&s->disk, p);
	s->disk.dead = false;
	if (prng_once_in(p, 3))
		disk_evict(&s->disk);
	net_power_cut(w, s);
	sim_plan(w, w->now + 500 + prng_below(p, 10000), POWER_ON, s->index);
	sim_plan(w, w->now + 15000 + prng_below(p, 300000), POWER_CUT, s->index)
	        ->incarnation = s->incarnation;
}

/* -------------------------------------------------------- coming on */

/* The root's operator keeps the roster; a node that joins is given the rows
 * from itself up to the root. by: whose rows they are, the root's as they stand
 * or anybody's as they once were. */
static void give_members(struct world *w, struct sim_node *s,
                         const struct sim_node *by)
{
	struct gt_arena *arena = sim_must(gt_arena_new());
	static struct gt_bytes bodies[NODES_MAX + 1], sealed[NODES_MAX + 1];
	Gt__Member rogue;
	size_t n = 0;
	for (unsigned i = 0; i < w->count; i++) {
		Gt__Member m = GT__MEMBER__INIT;
		if (s->parent >= 0 &&
		    !gt_code_within(s->code, w->nodes[i].code))
			continue;
		m.code = w->nodes[i].code;
		m.version = 1;
		if (w->nodes[i].parent >= 0)
			m.parent = w->nodes[w->nodes[i].parent].code;
		revoke_row(w, by, i, &m);
		m.key = (ProtobufCBinaryData){32, w->nodes[i].key.public};
		if (w->nodes[i].parent < 0)
			m.date_key = (ProtobufCBinaryData){32, w->dates.public};
		bodies[n++] = gt_arena_pack(arena, &m.base);
	}
	if (flood_member(w, s, &rogue))
		bodies[n++] = gt_arena_pack(arena, &rogue.base);
	if (gt_seal(&w->roster, GT__KIND__MEMBER, bodies, n, arena, sealed) !=
	    0)
		exit(2);
	struct gt_event e = {
	        .type = GT_EV_MEMBERS, .members = sealed, .count = n};
	sim_turn(w, s, &e);
	gt_arena_free(arena);
}

void power_members(struct world *w, struct sim_node *s)
{
	give_members(w, s, s);
}

void power_bundle(struct world *w, struct sim_node *s)
{
	give_members(w, s, &w->nodes[0]);
}

/* A node comes back as it was, or as the version before or after: on the same
 * database, whichever way. */
static void choose_version(struct world *w, struct sim_node *s)
{
	struct prng *p = sim_draws(w, FAULT_VERSION);
	uint32_t was = s->protocol;
	if (!was)
		s->protocol = GT_PROTOCOL_MAX;
	if (sim_may(w, FAULT_VERSION) && prng_once_in(p, 2))
		s->protocol = GT_PROTOCOL_MAX - (uint32_t)prng_below(p, 2);
	s->ran_old = s->ran_old || s->protocol < GT_PROTOCOL_MAX;
	if (s->protocol == was || (!was && s->protocol == GT_PROTOCOL_MAX))
		return;
	w->struck[FAULT_BIT_VERSION]++;
	say(w, s,
	    s->protocol < GT_PROTOCOL_MAX ? "is of the version before"
	                                  : "is of the newest version");
}

/* The daemon's rule for what a run before may have left in memory only, see
 * daemon/disk/rewrite.h. */
static int rewrite(struct disk *d, const char *name)
{
	struct disk_file *f = disk_open(d, name, true);
	int status = f ? disk_rewrite(d, f) : -GT_EIO;
	if (status == 0)
		status = disk_sync(d, f);
	return status ? status : disk_sync_names(d, "");
}

static void drop_empty(struct disk *d, const char *name)
{
	struct disk_file *f = disk_open(d, name, false);
	if (f && disk_size(f) == 0)
		(void)disk_remove(d, name);
}

static sqlite3 *open_database(struct sim_node *s)
{
	drop_empty(&s->disk, "db");
	(void)disk_open(&s->disk, "db", true); /* as SQLite does first */
	drop_empty(&s->disk, "db-wal");
	if (rewrite(&s->disk, "db-wal") == 0)
		return vfs_open_db(s->index);
	drop_empty(&s->disk, "db-wal");
	return NULL;
}

/* A node whose operator would escape a level: until it starts again its file
 * names its parent's parent. */
static const char *parent_of(struct world *w, struct sim_node *s)
{
	if (s->parent < 0)
		return "";
	const struct sim_node *up = &w->nodes[s->parent];
	s->skips = !s->hung && up->parent >= 0 && sim_may(w, FAULT_FORGE) &&
	           prng_once_in(sim_draws(w, FAULT_FORGE), 12);
	return s->skips || s->hung ? w->nodes[up->parent].code : up->code;
}

static bool open_core(struct world *w, struct sim_node *s)
{
	char why[256] = "";
	choose_version(w, s);
	struct gt_node_config c = {
	        .code = s->code,
	        .parent = parent_of(w, s),
	        .software = "sim",
	        .window_min = 64 << 10,
	        .window_max = 512 << 10,
	        .heartbeat_ms = w->heartbeat,
	        .dead_ms = 3 * w->heartbeat,
	        .log_pages = 256, /* it shall be moved often */
	        .reckon_span = 4, /* there shall be many */
	        .protocol_max = s->protocol,
	        .above_ms = revoke_above_ms(w, s),
	        .has_date_seed = s->parent < 0,
	        .date_warn_ms = (uint64_t)world_date_limit(w) / 2,
	        .date_limit_ms = (uint64_t)world_date_limit(w),
	        .restored = s->restored && !s->untold};
	flood_config(w, s, &c);
	memcpy(c.seed, s->key.seed, 32);
	memcpy(c.date_seed, w->dates.seed, 32);
	memcpy(c.roster_key, w->roster.public, 32);
	s->disk.failed = false;
	sqlite3 *db = open_database(s);
	if (db && gt_node_open(&s->core, &c, db, why, sizeof why) == 0)
		return true;
	s->core = NULL;
	bool excused = s->disk.dead || s->disk.failed;
	if (s->disk.dead)
		disk_power_cycle(&s->disk, &w->disks);
	if (!excused)
		world_fail(w, "restart", "%s does not start: %s", s->code, why);
	sim_plan(w, w->now + 5000, POWER_ON, s->index);
	return false;
}

static void jump(struct sim_node *s, struct prng *p)
{
	s->clock_off = ((int64_t)prng_below(p, 20) - 10) * 365 * 86400000;
}

static void plan_faults(struct world *w, struct sim_node *s)
{
	if (sim_may(w, FAULT_CRASH_CALL) &&
	    prng_once_in(sim_draws(w, FAULT_CRASH_CALL), 3)) {
		s->disk.die_at =
		        s->disk.calls + 1 +
		        prng_below(sim_draws(w, FAULT_CRASH_CALL), 400);
		w->struck[FAULT_BIT_CRASH_CALL]++;
	}
	if (sim_may(w, FAULT_CRASH))
		sim_plan(w,
		         w->now + 1000 +
		                 prng_below(sim_draws(w, FAULT_CRASH),
		                            sim_rare(w, 900000)),
		         POWER_CUT, s->index)
		        ->incarnation = s->incarnation;
	if (sim_may(w, FAULT_CLOCK) &&
	    prng_once_in(sim_draws(w, FAULT_CLOCK), 4)) {
		jump(s, sim_draws(w, FAULT_CLOCK));
		w->struck[FAULT_BIT_CLOCK]++;
	}
}

void power_room(struct world *w, struct sim_node *s)
{
	uint64_t limit = s->disk.limit, used = s->disk.used;
	uint64_t left = limit > used ? limit - used : 0;
	struct gt_event e = {.type = GT_EV_ROOM,
	                     .count = limit ? (size_t)left : SIZE_MAX};
	s->room = limit ? left : UINT64_MAX;
	if (s->core)
		sim_turn(w, s, &e);
}

void power_on(struct world *w, struct sim_node *s)
{
	uint8_t entropy[64];
	if (s->core || s->off || !open_core(w, s))
		return;
	s->told_ms = 0;
	s->room = UINT64_MAX;
	s->dated_ms = -1;
	/* Whoever restores a node looks at its clock first. */
	if (s->restored && !s->untold)
		s->clock_off = 0;
	else
		blob_sweep(s);
	struct prng p = prng_new(w->seed, FOR_ENTROPY,
	                         s->index * 100003u + s->incarnation);
	prng_fill(&p, entropy, sizeof entropy);
	struct gt_event e = {.type = GT_EV_START,
	                     .body = {entropy, sizeof entropy}};
	sim_turn(w, s, &e);
	if (s->core && s->disk.limit)
		power_room(w, s);
	if (s->core)
		blob_look(w, s);
	if (!s->core)
		return;
	if (s->restored)
		audit_kept(w, s->index, s->index);
	if (s->restored)
		work_restored(w, s->index);
	s->restored = s->untold = false;
	check_started(w, s->index);
	power_members(w, s);
	if (s->core && s->parent >= 0)
		sim_plan(w, w->now + prng_below(&w->net, 3000), LINK_TRY,
		         s->index);
	if (s->core)
		plan_faults(w, s);
}

/* --------------------------------------------------------- episodes */

void power_fill(struct world *w, struct sim_node *s, struct prng *p)
{
	s->disk.limit = s->disk.used + prng_below(p, 200 << 10);
	s->disk.late = s->disk.limit % 4 == 0;
	say(w, s, "the disk fills up");
	power_room(w, s);
	sim_plan(w, w->now + 1000, ROOM_LOOK, s->index);
	sim_plan(w, w->now + 10000 + prng_below(p, 300000), DISK_CLEAR,
	         s->index);
}

/* The database and the files of one moment. */
static void back_up(struct world *w, struct sim_node *s, struct prng *p)
{
	if (s->has_backup || !s->core)
		return;
	disk_copy(&s->backup, &s->disk);
	s->has_backup = true;
	sim_plan(w, w->now + 30000 + prng_below(p, sim_rare(w, 1800000)),
	         RESTORE, s->index);
}

static void come_back(struct world *w, struct sim_node *s)
{
	s->restored = s->forgot = true;
	certify_forgot(s->index);
	for (unsigned i = 0; i <= w->count; i++)
		if (w->nodes[i].parent == (int)s->index)
			w->nodes[i].marks_unsure = true;
	net_power_cut(w, s);
	sim_plan(w, w->now + 500 + prng_below(&w->power, 60000), POWER_ON,
	         s->index);
}

void power_restore(struct world *w, struct sim_node *s)
{
	if (!s->core || !s->has_backup || w->calm)
		return;
	say(w, s, "an old backup is restored");
	w->struck[FAULT_BIT_RESTORE]++;
	check_restored(w, s->index);
	audit_lost(w, s->index, s->index);
	stop(w, s, false);
	disk_copy(&s->disk, &s->backup);
	disk_free(&s->backup);
	s->untold = sim_may(w, FAULT_CLONE) &&
	            prng_once_in(sim_draws(w, FAULT_CLONE), 2);
	if (s->untold)
		clone_past(w, s);
	s->has_backup = false;
	come_back(w, s);
}

/* Of the log, of an object or what is to be one, or of the database itself as a
 * stop moves the log into it; of the names of objects, or of the log's, which
 * is new after a stop in order. */
static void spoil_sync(struct world *w, struct sim_node *s, struct prng *p)
{
	static const struct {
		const char *file;
		bool names, ends;
		unsigned within;
	} all[] = {{"db-wal", false, false, 8}, {"o/", false, false, 8},
	           {"s/", false, false, 8},     {"db", false, true, 1},
	           {"o/", true, false, 8},      {"", true, true, 2}};
	unsigned which = (unsigned)prng_below(p, sizeof all / sizeof *all);
	if (!s->core)
		return;
	s->disk.fail_file = all[which].file;
	s->disk.fail_names = all[which].names;
	s->disk.fail_in = 1 + prng_below(p, all[which].within);
	s->disk.fail_times = 1 + prng_below(p, 3);
	if (all[which].ends)
		power_end(w, s);
	else
		sim_plan(w, w->now + prng_below(p, 600000), POWER_CUT, s->index)
		        ->incarnation = s->incarnation;
}

static void replace(struct world *w, struct sim_node *s)
{
	if (!s->core)
		return;
	say(w, s, "is lost and replaced");
	check_restored(w, s->index);
	audit_lost(w, s->index, s->index);
	stop(w, s, false);
	disk_free(&s->disk);
	s->disk = (struct disk){0};
	s->untold = false;
	s->emptied = true;
	certify_forgot(s->index);
	come_back(w, s);
}

void power_episode(struct world *w, enum fault f)
{
	struct prng *p = sim_draws(w, f);
	struct sim_node *s = &w->nodes[prng_below(p, w->count)];
	if (f == FAULT_FULL)
		power_fill(w, s, p);
	else if (f == FAULT_ROT && s->core)
		blob_rot(w, s);
	else if (f == FAULT_LOSE && s->core)
		blob_lose(w, s);
	else if (f == FAULT_SLOW)
		s->slow_until = w->now + 10000 + prng_below(p, 120000);
	else if (f == FAULT_RESTORE)
		back_up(w, s, p);
	else if (f == FAULT_CLOCK)
		jump(s, p); /* as it runs */
	else if (f == FAULT_REPLACE)
		replace(w, s);
	else if (f == FAULT_VERSION)
		power_cut(w, s); /* to be upgraded, or to go back */
	else if (f == FAULT_SYNC)
		spoil_sync(w, s, p);
	else if (f == FAULT_LIE)
		s->disk.lies = true;
}
