/* again.c: when a name that nodes below gave up is issued anew.
 *
 * Whoever names a version without showing it proves nothing, and what follows
 * is a new version for the whole tree. So it follows at most once in a while
 * for one name, and for so many names in all; what is named meanwhile waits in
 * the database. A version is not followed beyond what a clock that was years
 * ahead could have made of one.
 * Tests: u_again.c. */
#include "catalogue_inside.h"

#include <string.h>

enum { PAUSE_MS = 600000, SOME = 32 };

/* A forgotten past began at a clock's milliseconds (gt_publish_renew), of which
 * the clock is 17 years ahead at most, and went on by draws of 24 bits. */
static const int64_t years_ahead = INT64_C(1) << 39;
static const int64_t draws_ahead = INT64_C(1) << 26;

static bool sane(const struct gt_node *n, int64_t held, int64_t above)
{
	return above - held <= draws_ahead ||
	       above - n->now.wall_ms <= years_ahead;
}

/* The slot of that name, or one that may be had for it. NULL: it has to
 * wait. */
static struct gt_again *slot_of(struct gt_node *n, const char *id)
{
	struct gt_again *free = NULL;
	for (size_t i = 0; i < GT_AGAIN_MAX; i++) {
		struct gt_again *a = &n->catalogue->again[i];
		bool over = !*a->id || n->now.mono_ms - a->at_ms >= PAUSE_MS;
		if (strcmp(a->id, id) == 0)
			return over ? a : NULL;
		if (over)
			free = a;
	}
	return free;
}

static int issue(struct gt_node *n, struct gt_again *slot, const char *id,
                 int64_t above)
{
	gt_copy(slot->id, sizeof slot->id, id);
	slot->at_ms = n->now.mono_ms;
	return gt_publish_again(n, GT__KIND__RESOURCE, id, above);
}

static int wait(struct gt_node *n, const char *id, int64_t above)
{
	if (!n->catalogue->again_due)
		n->catalogue->again_due = n->now.mono_ms + PAUSE_MS;
	gt_store_bind(n->store, GT_SQL_AGAIN_PUT, "ti", id, above);
	return gt_store_run(n->store, GT_SQL_AGAIN_PUT);
}

int gt_again(struct gt_node *n, const char *id, int64_t held, int64_t above)
{
	if (!sane(n, held, above))
		return gt_log(n, GT_LOG_WARN,
		              "%s: a node below names version %lld, which no "
		              "clock and no copy of this node can have made: "
		              "not followed",
		              id, (long long)above);
	struct gt_again *slot = slot_of(n, id);
	return slot ? issue(n, slot, id, above) : wait(n, id, above);
}

struct waiting {
	const char *id;
	int64_t above;
};

static int read_waiting(struct gt_node *n, struct waiting v[SOME], size_t *got)
{
	int row = 0;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_AGAIN_SOME, "i", (int64_t)SOME);
	for (*got = 0; *got < SOME &&
	               (row = gt_store_step(n->store, GT_SQL_AGAIN_SOME)) == 1;
	     ++*got) {
		v[*got].id = gt_arena_str(n->arena, gt_col_text(st, 0));
		v[*got].above = gt_col_int(st, 1);
		if (!v[*got].id)
			break;
	}
	gt_store_reset(n->store, GT_SQL_AGAIN_SOME);
	return row < 0 ? row : gt_arena_short(n->arena) ? -GT_ENOMEM : 0;
}

/* Unless it has gone beyond that by itself. */
static int take_one(struct gt_node *n, const struct waiting *w, bool *left)
{
	struct gt_item item;
	bool found;
	int status = gt_item_get(n, GT__KIND__RESOURCE, w->id, &item, &found);
	bool open =
	        status == 0 && found && item.own && item.version <= w->above;
	struct gt_again *slot = open ? slot_of(n, w->id) : NULL;
	if (status != 0)
		return status;
	if (open && !slot) {
		*left = true;
		return 0;
	}
	gt_store_bind(n->store, GT_SQL_AGAIN_DROP, "t", w->id);
	status = gt_store_run(n->store, GT_SQL_AGAIN_DROP);
	return status || !open ? status : issue(n, slot, w->id, w->above);
}

int gt_again_time(struct gt_node *n)
{
	struct waiting v[SOME];
	size_t got;
	bool left = false;
	uint64_t *due = &n->catalogue->again_due;
	if (!*due || n->now.mono_ms < *due)
		return 0;
	int status = read_waiting(n, v, &got);
	for (size_t i = 0; status == 0 && i < got; i++)
		status = take_one(n, &v[i], &left);
	*due = left || got == SOME ? n->now.mono_ms + PAUSE_MS : 0;
	return status;
}

int gt_again_load(struct gt_node *n)
{
	struct waiting v[SOME];
	size_t got;
	int status = read_waiting(n, v, &got);
	if (status == 0 && got > 0)
		n->catalogue->again_due = n->now.mono_ms + PAUSE_MS;
	return status;
}
