/* date.c: how new the roster is known to be (PROTOCOL.md M35).
 *
 * A key that is online at the root, and that the roster names, signs a date
 * every hour; it goes down through every node, and along with what is carried by
 * hand. So a node that is cut off, or whose parent holds the roster back, knows
 * that it is. What it has it goes on giving out; new entries it takes up again
 * when a newer date has come, however it came.
 * Tests: u_date.c, e2e/test_date.py. */
#include "catalogue_inside.h"

#include <string.h>

#include "iso8601.h"

static struct gt_date *date(const struct gt_node *n)
{
	return &n->catalogue->date;
}

/* ------------------------------------------------------ who signs it */

static int key_of(struct gt_node *n, const char *code, uint8_t key[32],
                  bool *found)
{
	const Gt__Member *m = NULL;
	int status = gt_member(n, code, &m);
	*found =
	        m && m->date_key.len == GT_KEY_BYTES &&
	        (strcmp(n->code, code) == 0 || gt_code_child_of(n->code, code));
	if (*found)
		memcpy(key, m->date_key.data, GT_KEY_BYTES);
	return status;
}

/* Of those this node lies in, by digits; and of the last that was heard of. */
static int find_key(struct gt_node *n, char by[GT_CODE_MAX + 1],
                    uint8_t key[32], bool *found)
{
	struct gt_date *d = date(n);
	char code[GT_CODE_MAX + 1];
	int status = *d->by ? key_of(n, d->by, key, found) : 0;
	memcpy(by, d->by, sizeof d->by);
	if (status == 0 && !*found && *d->heard) {
		memcpy(by, d->heard, sizeof d->heard);
		status = key_of(n, by, key, found);
	}
	gt_code_place(code, n->code);
	for (size_t len = strlen(code); status == 0 && !*found && len >= 2;
	     len--) {
		code[len] = '\0';
		memcpy(by, code, sizeof code);
		status = key_of(n, by, key, found);
	}
	return status;
}

static int set_by(struct gt_node *n, const char *by)
{
	struct gt_date *d = date(n);
	bool first = !*d->by;
	if (strcmp(d->by, by) == 0)
		return 0;
	gt_copy(d->by, sizeof d->by, by);
	int status = gt_meta_put_bytes(n->store, "date_by", gt_bytes_str(by));
	if (status != 0 || !first)
		return status;
	d->since_ms = n->now.wall_ms;
	return gt_meta_put(n->store, "date_since", d->since_ms);
}

/* The roster changed. */
static int settle_key(struct gt_node *n)
{
	struct gt_date *d = date(n);
	char by[GT_CODE_MAX + 1];
	uint8_t key[GT_KEY_BYTES];
	bool found = false;
	if (!d->news)
		return 0;
	d->news = false;
	int status = find_key(n, by, key, &found);
	if (status == 0)
		status = set_by(n, found ? by : "");
	d->signs = status == 0 && found && n->config.has_date_seed &&
	           strcmp(by, n->code) == 0 &&
	           memcmp(key, d->key.public, sizeof key) == 0;
	if (status == 0 && n->config.has_date_seed && !d->signs)
		status = gt_log(n, GT_LOG_WARN,
		                "there is a date key here that the roster does "
		                "not name for %s: import the roster that "
		                "`guantong pki date` wrote",
		                n->code);
	return status;
}

/* -------------------------------------------------------------- load */

static void hold(struct gt_date *d, const Gt__Dated *m, struct gt_bytes sealed)
{
	d->at_ms = m->at_ms;
	d->roster = m->roster;
	memcpy(d->sealed, sealed.p, sealed.n);
	d->n = sealed.n;
}

int gt_date_load(struct gt_node *n)
{
	struct gt_date *d = date(n);
	struct gt_bytes by, sealed;
	int64_t missed = 0;
	int status = gt_meta_get_bytes(n->store, "date_by", n->arena, &by);
	if (status == 0 && by.n > 0 && by.n < sizeof d->by)
		memcpy(d->by, by.p, by.n);
	if (status == 0)
		status = gt_meta_get(n->store, "date_since", n->now.wall_ms,
		                     &d->since_ms);
	if (status == 0)
		status = gt_meta_get(n->store, "date_missed", 0, &missed);
	if (status == 0)
		status = gt_meta_get_bytes(n->store, "date", n->arena, &sealed);
	if (status != 0)
		return status;
	d->missed = missed != 0;
	const Gt__Dated *m =
	        gt_signed_date(n->arena, gt_signed_open(n->arena, sealed));
	if (m && sealed.n <= sizeof d->sealed)
		hold(d, m, sealed);
	d->news = true;
	return n->config.has_date_seed
	               ? gt_key_from_seed(&d->key, n->config.date_seed)
	               : 0;
}

/* -------------------------------------------------------------- take */

bool gt_date_is(struct gt_node *n, struct gt_bytes sealed)
{
	const Gt__Signed *s = gt_signed_open(n->arena, sealed);
	return s && s->kind == GT__KIND__DATED;
}

static bool ahead(const struct gt_node *n, int64_t at_ms)
{
	return at_ms > n->now.wall_ms + GT_DATE_AHEAD_MS;
}

static int refuse(int *result, char why[GT_WHY], int code, const char *text)
{
	*result = -code;
	gt_copy(why, GT_WHY, text);
	return 0;
}

/* What is wrong with a date whose signature is good. */
static int judge(struct gt_node *n, const Gt__Signed *s, const Gt__Dated *m,
                 int *result, char why[GT_WHY])
{
	const struct gt_date *d = date(n);
	uint8_t key[GT_KEY_BYTES];
	bool found = false;
	if (memcmp(m->tree.data, n->config.roster_key, sizeof key) != 0)
		return refuse(result, why, GT_EIDENTITY,
		              "a date of another tree");
	int status = key_of(n, m->code, key, &found);
	if (status != 0)
		return status;
	if (!found || memcmp(key, s->key.data, sizeof key) != 0)
		return refuse(result, why, GT_ESIGNATURE,
		              "a date that no key of the roster signed");
	if (m->at_ms <= 0 || ahead(n, m->at_ms))
		return refuse(result, why, GT_EINVALID,
		              "a date that lies ahead of the clock here");
	if (d->n == 0 || ahead(n, d->at_ms))
		return 0; /* what was held was never to be believed */
	if (m->at_ms <= d->at_ms)
		return refuse(result, why, GT_ESTALE, "a date from before");
	if (m->roster < d->roster)
		return refuse(result, why, GT_ECONFLICT,
		              "a date by a roster older than the one before "
		              "went by: who signed it forgot rows");
	return 0;
}

static int keep(struct gt_node *n, const Gt__Dated *m, struct gt_bytes sealed)
{
	hold(date(n), m, sealed);
	n->touched = true;
	return gt_meta_put_bytes(n->store, "date", sealed);
}

int gt_date_take(struct gt_node *n, struct gt_bytes sealed, int *result,
                 char why[GT_WHY])
{
	Gt__Signed *s = gt_signed_open(n->arena, sealed);
	Gt__Dated *m = gt_signed_date(n->arena, s);
	*result = 0;
	why[0] = '\0';
	if (!m || sealed.n > GT_DATE_MAX)
		return refuse(result, why, GT_EMALFORMED, "a malformed date");
	*result = gt_unseal(s, n->seals);
	if (*result == -GT_ENOMEM)
		return *result;
	if (*result != 0)
		gt_copy(why, GT_WHY, gt_strerror(*result));
	int status = *result ? 0 : judge(n, s, m, result, why);
	return status || *result ? status : keep(n, m, sealed);
}

int gt_date_try(struct gt_node *n, ProtobufCBinaryData sealed)
{
	char why[GT_WHY];
	int result;
	return sealed.len
	               ? gt_date_take(n, gt_bytes_of(sealed.data, sealed.len),
	                              &result, why)
	               : 0;
}

int gt_date_from(struct gt_node *n, ProtobufCBinaryData sealed)
{
	char why[GT_WHY];
	int result;
	if (sealed.len == 0)
		return 0;
	int status = gt_date_take(n, gt_bytes_of(sealed.data, sealed.len),
	                          &result, why);
	return status || result == 0 || result == -GT_ESTALE
	               ? status
	               : gt_log(n, GT_LOG_WARN,
	                        "refused a date of the tree from %s: %s",
	                        gt_up_code(n), why);
}

/* -------------------------------------------------------------- sign */

static bool sign_due(const struct gt_node *n)
{
	const struct gt_date *d = date(n);
	return d->signs && (d->n == 0 || ahead(n, d->at_ms) ||
	                    n->now.wall_ms >= d->at_ms + GT_DATE_EVERY_MS);
}

static int roster_sum(struct gt_node *n, uint64_t *out)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ROSTER_SUM, "");
	int row = gt_store_step(n->store, GT_SQL_ROSTER_SUM);
	*out = row == 1 ? (uint64_t)gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_ROSTER_SUM);
	return row < 0 ? row : 0;
}

static int sign(struct gt_node *n)
{
	const struct gt_date *d = date(n);
	Gt__Dated m;
	gt__dated__init(&m);
	struct gt_bytes sealed;
	int status = roster_sum(n, &m.roster);
	if (d->roster > m.roster) /* a database that is a backup */
		m.roster = d->roster;
	m.code = n->code;
	m.tree = (ProtobufCBinaryData){GT_KEY_BYTES, n->config.roster_key};
	m.at_ms = n->now.wall_ms;
	struct gt_bytes body = gt_arena_pack(n->arena, &m.base);
	if (status == 0 && !body.p)
		status = -GT_ENOMEM;
	if (status == 0)
		status = gt_seal(&d->key, GT__KIND__DATED, &body, 1, n->arena,
		                 &sealed);
	return status ? status : keep(n, &m, sealed);
}

/* --------------------------------------------------------- how new */

static int64_t since(const struct gt_date *d)
{
	return d->n ? d->at_ms : d->since_ms;
}

static bool older(const struct gt_node *n, uint64_t than_ms)
{
	return than_ms != 0 &&
	       n->now.wall_ms - since(date(n)) >= (int64_t)than_ms;
}

enum gt_date_state gt_date_state(const struct gt_node *n)
{
	const struct gt_date *d = date(n);
	if (!*d->by)
		return GT_DATE_OFF;
	if (d->signs)
		return GT_DATE_GOOD;
	return older(n, n->config.date_limit_ms)  ? GT_DATE_TOO_OLD
	       : older(n, n->config.date_warn_ms) ? GT_DATE_OLD
	                                          : GT_DATE_GOOD;
}

static int say(struct gt_node *n, enum gt_date_state was)
{
	char at[GT_ISO_CHARS];
	gt_iso_format(at, since(date(n)));
	switch (n->status.date) {
	case GT_DATE_OLD:
		return gt_log(
		        n, GT_LOG_WARN,
		        "nothing newer than %s vouches for the roster "
		        "here: this node is cut off from who signs dates, "
		        "or its parent holds them back",
		        at);
	case GT_DATE_TOO_OLD:
		return gt_log(n, GT_LOG_ERROR,
		              "nothing newer than %s vouches for the roster "
		              "here: no new entries are taken until a newer "
		              "date comes, by the link or by `guantong -C DIR "
		              "roster import`; what is here is given out as "
		              "before",
		              at);
	case GT_DATE_OFF:
	case GT_DATE_GOOD:
	default:
		return was >= GT_DATE_OLD
		               ? gt_log(n, GT_LOG_INFO,
		                        "a date of the tree is here that is "
		                        "new enough: %s",
		                        at)
		               : 0;
	}
}

int gt_date_look(struct gt_node *n)
{
	const struct gt_date *d = date(n);
	int status = settle_key(n);
	if (status == 0 && sign_due(n))
		status = sign(n);
	enum gt_date_state was = n->status.date, is = gt_date_state(n);
	n->status.date = is;
	n->status.date_ms = *d->by && d->n ? d->at_ms : 0;
	n->status.date_missed = d->missed;
	if (status != 0 || was == is)
		return status;
	n->touched = true;
	return say(n, was);
}

static uint64_t due(const struct gt_node *n, int64_t at_ms)
{
	int64_t left = at_ms - n->now.wall_ms;
	return left > 0 ? n->now.mono_ms + (uint64_t)left : UINT64_MAX;
}

uint64_t gt_date_deadline(const struct gt_node *n)
{
	const struct gt_date *d = date(n);
	if (d->signs)
		return due(n, d->at_ms + GT_DATE_EVERY_MS);
	if (!*d->by)
		return UINT64_MAX;
	uint64_t warn = n->config.date_warn_ms, limit = n->config.date_limit_ms;
	return gt_sooner(warn ? due(n, since(d) + (int64_t)warn) : UINT64_MAX,
	                 limit ? due(n, since(d) + (int64_t)limit)
	                       : UINT64_MAX);
}

struct gt_bytes gt_date_news(const struct gt_node *n, int64_t told_ms)
{
	const struct gt_date *d = date(n);
	return *d->by && d->n && d->at_ms != told_ms
	               ? gt_bytes_of(d->sealed, d->n)
	               : (struct gt_bytes){0};
}

/* ------------------------------------------------- what was missed */

static int set_missed(struct gt_node *n, bool is)
{
	struct gt_date *d = date(n);
	if (d->missed == is)
		return 0;
	d->missed = is;
	n->touched = true;
	return gt_meta_put(n->store, "date_missed", is);
}

int gt_date_miss(struct gt_node *n)
{
	return set_missed(n, true);
}

bool gt_date_back(const struct gt_node *n)
{
	return date(n)->missed && gt_date_state(n) != GT_DATE_TOO_OLD;
}

int gt_date_caught_up(struct gt_node *n)
{
	return set_missed(n, false);
}
