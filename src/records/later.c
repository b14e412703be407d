/* later.c: what is not taken now: the disk has no room, or it is more than the
 * share of who hands it in.
 *
 * Nothing is written of a hand-in that is put off, and nothing acknowledged
 * gives way: terminals and children keep what they have and come again. A child
 * is answered by merge.c. */
#include "certificate_list.h"
#include "reckon.h"
#include "records_inside.h"
#include "terms.h"

#include <string.h>

enum {
	ROOM_AGAIN_MS = 30 * 1000,
	ROOM_ENOUGH = 1 << 20,    /* that it does not come and go */
	TELL_MS = 10 * 60 * 1000, /* between two rows of it */
	/* Beside its body what a record writes, to the log first: pages of
	 * the table and of indexes by ids that are random; and a turn. */
	ROW_BYTES = 16 << 10,
	TURN_BYTES = 64 << 10,
	ROW_SHARE = 512, /* for good; the audit's row of all is one more */
	WAITS_AGAIN_MS = 60 * 1000,
	RETRY_MIN_MS = 1000,
	RETRY_MAX_MS = 10 * 60 * 1000,
};

/* ------------------------------------------------------------- room */

static int say_full(struct gt_node *n)
{
	struct gt_records *r = n->records;
	static const char what[] =
	        "the disk has no room for more records: hand-ins are put off, "
	        "reading and links go on. Make room, it resumes by itself";
	n->full = true;
	n->touched = true;
	if (r->told_ms && n->now.mono_ms - r->told_ms < TELL_MS)
		return 0;
	r->told_ms = n->now.mono_ms ? n->now.mono_ms : 1;
	r->told = true;
	int status = gt_log(n, GT_LOG_WARN, what);
	if (status != 0)
		return status;
	struct gt_audit row = {.event = "note",
	                       .kind = "daemon",
	                       .subject = "records put off",
	                       .result = -GT_ENOSPACE,
	                       .detail = what};
	return gt_audit_row(n, &row);
}

int gt_records_room(struct gt_node *n, const struct gt_event *e)
{
	struct gt_records *r = n->records;
	r->room = e->count == SIZE_MAX ? UINT64_MAX : e->count;
	if (!n->full)
		return r->room == 0 ? say_full(n) : 0;
	if (r->room < ROOM_ENOUGH)
		return 0;
	n->full = false;
	n->touched = true;
	if (!r->told)
		return 0;
	r->told = false;
	return gt_log(n, GT_LOG_INFO, "there is room for records again");
}

static int no_room(struct gt_node *n, struct gt_refusal *out)
{
	*out = (struct gt_refusal){-GT_ENOSPACE, ROOM_AGAIN_MS,
	                           "the disk has no room for more records: "
	                           "what is left is kept for the database "
	                           "(records.reserve)"};
	n->status.records_no_room++;
	return n->full ? 0 : say_full(n);
}

static uint64_t weight(const struct gt_hand_in *h)
{
	return h->bytes + ROW_SHARE * (uint64_t)(h->count + 1);
}

/* --------------------------------------------- waiting for the parent */

/* Of whom nothing waits one hand-in is always taken, however much it is. */
static bool fits(struct gt_node *n, const struct gt_hand_in *h)
{
	struct gt_records *r = n->records;
	if (!h->whom || h->waiting == 0)
		return true;
	uint64_t now = gt_waiting_bytes(r->by_whom, h->whom, r->hop);
	return now == 0 || (now < h->waiting && weight(h) <= h->waiting - now);
}

static int say_crowded(struct gt_node *n, const struct gt_hand_in *h,
                       struct gt_refusal *out)
{
	struct gt_records *r = n->records;
	*out = (struct gt_refusal){-GT_EBUDGET, WAITS_AGAIN_MS,
	                           "as many of these records as may wait here "
	                           "for the node above wait already"};
	n->status.records_over_waiting++;
	gt_copy(r->crowd->whom, sizeof r->crowd->whom, h->whom);
	r->crowd->limit = h->waiting;
	n->touched = true;
	if (r->crowd->ms && n->now.mono_ms - r->crowd->ms < TELL_MS)
		return 0;
	r->crowd->ms = n->now.mono_ms ? n->now.mono_ms : 1;
	return gt_log(n, GT_LOG_WARN,
	              "as many records of %s as may wait for the node above "
	              "wait here: more are put off until the link has taken "
	              "them",
	              h->whom);
}

/* ---------------------------------------- ... and over a restart */

#define WAITS_KEY "waits/"

static int forget(struct gt_node *n, const char *whom)
{
	gt_store_bind(n->store, GT_SQL_WAITS_DROP, "t", whom);
	return gt_store_run(n->store, GT_SQL_WAITS_DROP);
}

int gt_record_waits(struct gt_node *n, const struct gt_hand_in *h,
                    int64_t before)
{
	struct gt_records *r = n->records;
	uint8_t packed[GT_WAITING_BYTES];
	char key[sizeof WAITS_KEY + 128];
	/* at the root nothing waits */
	if (!h->whom || !h->waiting || r->seq <= before || r->seq <= r->hop)
		return 0;
	const char *gone =
	        gt_waiting_add(r->by_whom, h->whom, r->hop, weight(h), r->seq);
	int status = gone ? forget(n, gone) : 0;
	size_t size = gt_waiting_pack(r->by_whom, h->whom, packed);
	gt_format(key, sizeof key, WAITS_KEY "%s", h->whom);
	return status ? status
	              : gt_meta_put_bytes(n->store, key,
	                                  gt_bytes_of(packed, size));
}

int gt_record_waits_load(struct gt_node *n)
{
	struct gt_records *r = n->records;
	const char *stale[GT_SHARES_MAX];
	size_t nstale = 0;
	int row = 0, status = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_WAITS_ALL, "i",
	                                 (int64_t)GT_SHARES_MAX);
	while (status == 0 &&
	       (row = gt_store_step(n->store, GT_SQL_WAITS_ALL)) == 1) {
		const char *whom = gt_col_text(st, 0);
		if (gt_waiting_unpack(r->by_whom, whom, gt_col_bytes(st, 1),
		                      r->hop, r->seq))
			continue;
		stale[nstale] = gt_arena_str(n->arena, whom);
		status = stale[nstale++] ? 0 : -GT_ENOMEM;
	}
	gt_store_reset(n->store, GT_SQL_WAITS_ALL);
	if (row < 0)
		status = row;
	for (size_t i = 0; status == 0 && i < nstale; i++)
		status = forget(n, stale[i]);
	return status;
}

int gt_record_uncrowd(struct gt_node *n)
{
	struct gt_records *r = n->records;
	if (r->crowd->whom[0] == '\0' ||
	    gt_waiting_bytes(r->by_whom, r->crowd->whom, r->hop) >
	            r->crowd->limit / 2)
		return 0;
	n->touched = true;
	int status = gt_log(n, GT_LOG_INFO, "records of %s are taken again",
	                    r->crowd->whom);
	r->crowd->whom[0] = '\0';
	return status;
}

/* ------------------------------------------------------------- both */

int gt_record_admit(struct gt_node *n, const struct gt_hand_in *h,
                    struct gt_refusal *out)
{
	struct gt_records *r = n->records;
	uint64_t cost =
	        2 * h->bytes + ROW_BYTES * (uint64_t)h->count + TURN_BYTES;
	uint64_t wait_ms = 0;
	if (n->full || r->room < cost)
		return no_room(n, out);
	if (!fits(n, h))
		return say_crowded(n, h, out);
	if (h->whom && h->hourly)
		wait_ms = gt_share_take(n->shares, h->whom, h->hourly,
		                        weight(h), n->now.mono_ms);
	*out = (struct gt_refusal){0};
	if (wait_ms > 0) {
		*out = (struct gt_refusal){-GT_EBUDGET, wait_ms,
		                           "these are more records than one "
		                           "may hand in per hour"};
		n->status.records_over_share++;
	} else if (r->room != UINT64_MAX) {
		r->room -= cost;
	}
	return 0;
}

/* ------------------------------------------------ the parent's word */

uint64_t gt_records_deadline(const struct gt_node *n)
{
	uint64_t at = n->records->retry_ms ? n->records->retry_ms : UINT64_MAX;
	at = gt_sooner(at, gt_terms_deadline(n));
	at = gt_sooner(at, gt_reckon_deadline(n));
	at = gt_sooner(at, gt_award_deadline(n));
	at = gt_sooner(at, gt_lists_deadline(n));
	if (n->records->looking)
		at = gt_sooner(at, n->records->look_due);
	if (n->records->spoilt > 0)
		at = gt_sooner(at, n->records->again_due);
	for (uint32_t i = 0; i < n->npeers; i++)
		if (gt_peer_here(&n->peers[i]) && n->peers[i].child.nlater > 0)
			at = gt_sooner(at, n->peers[i].child.later_until);
	return at;
}

int gt_records_later(struct gt_node *n, const struct gt_asking *a,
                     uint64_t retry_ms)
{
	struct gt_records *r = n->records;
	if (a->upto == 0) { /* no batch: what was asked back, or is */
		r->refused = r->nasked > 0;
		r->nasked = 0;
		return 0;
	}
	if (retry_ms < RETRY_MIN_MS)
		retry_ms = RETRY_MIN_MS;
	if (retry_ms > RETRY_MAX_MS)
		retry_ms = RETRY_MAX_MS;
	if (r->batches > 0)
		r->batches--;
	if (r->batches == 0 && r->hop < r->sent)
		r->sent = r->looked = r->hop;
	r->retry_ms = n->now.mono_ms + retry_ms;
	n->status.records_put_off++;
	return gt_log(n, GT_LOG_DEBUG, "the parent puts records off");
}
