/* certificate_list.c: lists of revoked certificates, this node's own and those
 * of others, with the row of the roster that says whose each is (M50, M51).
 *
 * Of each issuer's each list the newest is held, and none that lacks what the one
 * before it had: what was revoked stays so, whatever state its issuer forgot. An
 * issuer that hears of a list of its own which it has not any more takes over
 * what that says. A row of the roster takes the place of an older one wherever it
 * comes from, so that one who was revoked is known to be wherever he is known.
 *
 * Rows have the numbers under which neighbours are told of them
 * (certificate_carry.c): what changes gets a new one.
 *
 * Tests: u_certificate_list.c, e2e/test_certificates.py. */
#include <stdlib.h>
#include <string.h>

#include "certificate_list.h"
#include "iso8601.h"
#include "json.h"
#include "records_inside.h"
#include "signed.h"
#include "status_list.h"

enum { ROW_MAX = 4 << 10 };
#define LATEST_MS INT64_C(253370764800000) /* the year 9999 */

/* ------------------------------------------------------ the roster's word */

/* A row of the roster: which version, and as it was signed. */
struct row {
	int64_t version;
	struct gt_bytes sealed;
	const Gt__Member *member; /* NULL: none */
};

/* The row if it is one, and signed by the roster's key; none: is refused. */
static int open_row(struct gt_node *n, struct gt_bytes sealed, struct row *out)
{
	*out = (struct row){0};
	Gt__Signed *s =
	        sealed.n <= ROW_MAX ? gt_signed_open(n->arena, sealed) : NULL;
	Gt__Member *m = gt_signed_member(n->arena, s);
	if (gt_arena_short(n->arena))
		return -GT_ENOMEM;
	if (!m || m->version == 0 || m->version > INT64_MAX ||
	    !gt_code_valid(m->code) ||
	    memcmp(s->key.data, n->config.roster_key, GT_KEY_BYTES) != 0)
		return 0;
	int bad = gt_unseal(s, n->seals);
	if (bad == 0)
		*out = (struct row){(int64_t)m->version, sealed, m};
	return bad == -GT_ENOMEM ? bad : 0;
}

/* A column of bytes of the one row, copied into the arena. */
static int one(struct gt_node *n, enum gt_sql which, sqlite3_stmt *st, int at,
               struct gt_bytes *out)
{
	*out = (struct gt_bytes){0};
	int row = gt_store_step(n->store, which);
	if (row == 1) {
		struct gt_bytes b = gt_col_bytes(st, at);
		out->p = gt_arena_copy(n->arena, b.p, b.n);
		out->n = b.n;
		row = out->p ? 1 : -GT_ENOMEM;
	}
	gt_store_reset(n->store, which);
	return row < 0 ? row : 0;
}

/* The newer of the two takes the place of the first. */
static int newer(struct gt_node *n, struct row *r, struct gt_bytes sealed)
{
	struct row other;
	int status = sealed.n ? open_row(n, sealed, &other) : 0;
	if (status == 0 && sealed.n && other.member &&
	    other.version > r->version)
		*r = other;
	return status;
}

/* What the roster here says of that code, and what came with its lists: the
 * newest. */
static int newest(struct gt_node *n, const char *code, struct row *r)
{
	struct gt_bytes here, held = {0};
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ITEM_BY_ID, "it",
	                                 (int64_t)GT__KIND__MEMBER, code);
	int status = one(n, GT_SQL_ITEM_BY_ID, st, 7, &here);
	if (status == 0) {
		st = gt_store_bind(n->store, GT_SQL_STATUS_LIST_OF, "t", code);
		status = one(n, GT_SQL_STATUS_LIST_OF, st, 0, &held);
	}
	if (status == 0)
		status = newer(n, r, here);
	return status ? status : newer(n, r, held);
}

/* ------------------------------------------------------------ keeping */

enum { WAKE_MS = 5000 };

/* Something changed. */
static void wake(struct gt_node *n)
{
	struct gt_lists *l = &n->records->erasures->lists;
	uint64_t at = l->wake_at ? l->wake_at + WAKE_MS : 0;
	/* one is due already, or the last is long ago */
	if (l->wake_at <= n->now.mono_ms)
		l->wake_at = at > n->now.mono_ms ? at : n->now.mono_ms;
	n->touched = true;
}

static int count(struct gt_node *n)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_STATUS_LIST_LAST, "");
	int row = gt_store_step(n->store, GT_SQL_STATUS_LIST_LAST);
	if (row == 1)
		n->records->erasures->lists.last = gt_col_int(st, 0);
	gt_store_reset(n->store, GT_SQL_STATUS_LIST_LAST);
	return row < 0 ? row : 0;
}

static int keep(struct gt_node *n, const char *code, int64_t number,
                int64_t at_ms, const struct row *r, struct gt_bytes packed)
{
	gt_store_bind(n->store, GT_SQL_STATUS_LIST_PUT, "tiiibb", code, number,
	              at_ms, r->version, r->sealed, packed);
	int status = gt_store_run(n->store, GT_SQL_STATUS_LIST_PUT);
	wake(n);
	return status ? status : count(n);
}

/* Lists of that code whose row is an older one have this from now on. */
static int renew_rows(struct gt_node *n, const char *code, const struct row *r)
{
	gt_store_bind(n->store, GT_SQL_STATUS_LIST_ROW, "tib", code, r->version,
	              r->sealed);
	int64_t before = gt_store_changes(n->store);
	int status = gt_store_run(n->store, GT_SQL_STATUS_LIST_ROW);
	if (gt_store_changes(n->store) != before)
		wake(n);
	return status ? status : count(n);
}

/* A list as it is held. */
struct held {
	int64_t at_ms; /* -1: there is none */
	struct gt_bytes packed;
	json_t *json;
	struct gt_list list;
};

static void let_go(struct held *h)
{
	gt_list_close(&h->list);
	json_decref(h->json);
}

/* To be let go of. One that is damaged is none. */
static int get(struct gt_node *n, const char *code, int64_t number,
               struct held *out)
{
	*out = (struct held){.at_ms = -1};
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_STATUS_LIST_GET, "ti",
	                                 code, number);
	int row = gt_store_step(n->store, GT_SQL_STATUS_LIST_GET);
	int64_t at_ms = row == 1 ? gt_col_int(st, 0) : -1;
	int status = row < 0 ? row : 0;
	if (row == 1) {
		struct gt_bytes b = gt_col_bytes(st, 1);
		out->packed = (struct gt_bytes){
		        gt_arena_copy(n->arena, b.p, b.n), b.n};
		status = out->packed.p ? 0 : -GT_ENOMEM;
	}
	gt_store_reset(n->store, GT_SQL_STATUS_LIST_GET);
	if (status != 0 || row != 1)
		return status;
	int read = gt_list_unpack(&out->json, out->packed);
	if (read == 0)
		read = gt_list_open(out->json, &out->list);
	if (read == 0)
		out->at_ms = at_ms;
	return read == -GT_ENOMEM ? read : 0;
}

/* ---------------------------------------------------------- our own */

/* Bits that grow. */
struct bits {
	int64_t *v;
	size_t n, cap;
};

static bool add(struct bits *b, int64_t bit)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 64;
		int64_t *more = realloc(b->v, cap * sizeof *more);
		if (!more)
			return false;
		b->v = more;
		b->cap = cap;
	}
	b->v[b->n++] = bit;
	return true;
}

static bool add_all(struct bits *b, const struct gt_list *l)
{
	for (int64_t i = 0; l && i < GT_CERTIFICATE_BITS; i++)
		if (gt_list_has(l, i) && !add(b, i))
			return false;
	return true;
}

/* What was revoked here. */
static int add_ours(struct gt_node *n, int64_t number, struct bits *b)
{
	int64_t first = number * GT_CERTIFICATE_BITS;
	int row, status = 0;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_CERTIFICATES_REVOKED, "ii",
	                      first, first + GT_CERTIFICATE_BITS);
	while (status == 0 &&
	       (row = gt_store_step(n->store, GT_SQL_CERTIFICATES_REVOKED)) !=
	               0)
		status = row < 0                             ? row
		         : add(b, gt_col_int(st, 0) - first) ? 0
		                                             : -GT_ENOMEM;
	gt_store_reset(n->store, GT_SQL_CERTIFICATES_REVOKED);
	return status;
}

/* Our own, in both places: as others ask for it, and as neighbours are told. The
 * latter when the roster has us by that key. */
static int keep_own(struct gt_node *n, int64_t number, int64_t at_ms,
                    const json_t *v)
{
	struct gt_buffer text = {0}, packed = {0};
	struct row r = {0};
	int status = gt_json_canon(&text, v);
	if (status == 0) {
		gt_store_bind(n->store, GT_SQL_CERTIFICATE_LIST, "iib", number,
		              at_ms, gt_buffer_bytes(&text));
		status = gt_store_run(n->store, GT_SQL_CERTIFICATE_LIST);
	}
	if (status == 0)
		status = newest(n, n->code, &r);
	if (status == 0 && r.member &&
	    gt_member_vouches(r.member, n->key.public)) {
		status = gt_list_pack(&packed, v);
		if (status == 0)
			status = keep(n, n->code, number, at_ms, &r,
			              gt_buffer_bytes(&packed));
	}
	gt_buffer_free(&text);
	gt_buffer_free(&packed);
	return status;
}

/* When the list here was signed; 0: there is none. */
static int signed_at(struct gt_node *n, int64_t number, int64_t *at_ms)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_CERTIFICATE_LIST_AT,
	                                 "i", number);
	int row = gt_store_step(n->store, GT_SQL_CERTIFICATE_LIST_AT);
	*at_ms = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_CERTIFICATE_LIST_AT);
	return row < 0 ? row : 0;
}

/* also: a list of ours from elsewhere, whose bits it has too; NULL. */
static int sign(struct gt_node *n, int64_t number, const struct gt_list *also,
                int64_t beyond_ms)
{
	char from[GT_ISO_CHARS];
	struct bits b = {0};
	struct held h;
	int64_t at_ms = 0;
	json_t *v = NULL;
	int status = get(n, n->code, number, &h);
	if (status == 0)
		status = signed_at(n, number, &at_ms);
	/* a clock that was set back makes none that is older */
	int64_t last = at_ms > h.at_ms ? at_ms : h.at_ms;
	last = last > beyond_ms ? last : beyond_ms;
	at_ms = n->now.wall_ms > last ? n->now.wall_ms : last + 1;
	if (status == 0)
		status = add_ours(n, number, &b);
	if (status == 0 &&
	    !(add_all(&b, h.at_ms >= 0 ? &h.list : NULL) && add_all(&b, also)))
		status = -GT_ENOMEM;
	gt_iso_format(from, at_ms);
	if (status == 0) {
		v = gt_list_sign(n->code, number, from, b.v, b.n, &n->key);
		status = v ? keep_own(n, number, at_ms, v) : -GT_ENOMEM;
	}
	json_decref(v);
	free(b.v);
	let_go(&h);
	return status;
}

int gt_certificate_list_sign(struct gt_node *n, int64_t number)
{
	return sign(n, number, NULL, 0);
}

int gt_certificate_list_begin(struct gt_node *n, int64_t number)
{
	int64_t at_ms;
	int status = signed_at(n, number, &at_ms);
	return status || at_ms > 0 ? status : sign(n, number, NULL, 0);
}

/* One of our own that neighbours have not been told as it is: an earlier program
 * signed it, or the roster had us not. *found. */
static int tell_own(struct gt_node *n, const struct row *r, bool *found)
{
	json_error_t error;
	struct gt_bytes text = {0};
	struct gt_buffer packed = {0};
	int64_t number = 0, at_ms = 0;
	sqlite3_stmt *st = gt_store_bind(
	        n->store, GT_SQL_CERTIFICATE_LIST_UNTOLD, "t", n->code);
	int row = gt_store_step(n->store, GT_SQL_CERTIFICATE_LIST_UNTOLD);
	*found = row == 1;
	if (row == 1) {
		struct gt_bytes b = gt_col_bytes(st, 2);
		number = gt_col_int(st, 0);
		at_ms = gt_col_int(st, 1);
		text = (struct gt_bytes){gt_arena_copy(n->arena, b.p, b.n),
		                         b.n};
		row = text.p ? 1 : -GT_ENOMEM;
	}
	gt_store_reset(n->store, GT_SQL_CERTIFICATE_LIST_UNTOLD);
	if (row <= 0)
		return row;
	json_t *v = gt_json_load(text, GT_JSON_STRICT, &error);
	if (!v) { /* damaged on disk: it is signed anew */
		*found = false;
		return *error.text ? sign(n, number, NULL, 0) : -GT_ENOMEM;
	}
	int status = gt_list_pack(&packed, v);
	if (status == 0)
		status = keep(n, n->code, number, at_ms, r,
		              gt_buffer_bytes(&packed));
	gt_buffer_free(&packed);
	json_decref(v);
	/* nor is what no list can be */
	return status == -GT_ELIMIT ? sign(n, number, NULL, 0) : status;
}

static int tell_all_own(struct gt_node *n)
{
	struct row r = {0};
	bool found = true;
	int status = newest(n, n->code, &r);
	if (status != 0 || !r.member ||
	    !gt_member_vouches(r.member, n->key.public))
		return status;
	while (status == 0 && found)
		status = tell_own(n, &r, &found);
	return status;
}

int gt_lists_load(struct gt_node *n)
{
	int status = count(n);
	if (status == 0)
		status = gt_meta_get(n->store, "lists_told", 0,
		                     &n->records->erasures->lists.told);
	if (status == 0)
		status = gt_meta_get(n->store, "lists_met", 0,
		                     &n->records->erasures->lists.met);
	return status ? status : tell_all_own(n);
}

int gt_records_lists_member(struct gt_node *n, const char *code)
{
	struct row r = {0};
	struct gt_bytes held;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_STATUS_LIST_OF, "t", code);
	int status = one(n, GT_SQL_STATUS_LIST_OF, st, 0, &held);
	if (status == 0 && held.n > 0)
		status = newest(n, code, &r);
	if (status == 0 && r.member)
		status = renew_rows(n, code, &r);
	return status || strcmp(code, n->code) != 0 ? status : tell_all_own(n);
}

/* ------------------------------------------------------------- taking */

/* One that came. */
struct came {
	struct row row;
	struct held it;
	char code[GT_CODE_MAX + 1];
	int64_t number;
};

static int open_came(struct gt_node *n, const Gt__StatusList *m, struct came *c)
{
	*c = (struct came){.it = {.at_ms = -1}};
	c->it.packed = gt_bytes_of(m->list.data, m->list.len);
	int status = open_row(n, gt_bytes_of(m->member.data, m->member.len),
	                      &c->row);
	if (status != 0 || !c->row.member)
		return status;
	status = gt_list_unpack(&c->it.json, c->it.packed);
	if (status == 0)
		status = gt_list_open(c->it.json, &c->it.list);
	if (status == 0 &&
	    (!gt_list_named(c->it.list.name, c->code, &c->number) ||
	     strcmp(c->code, c->row.member->code) != 0 ||
	     !gt_iso_parse(&c->it.at_ms, c->it.list.from) ||
	     c->it.at_ms > LATEST_MS))
		c->it.at_ms = -1;
	return status == -GT_ENOMEM ? status : 0;
}

/* One of our own. Where it has all of ours it is ours from now on; where it lacks
 * some, one is signed that has both. */
static int take_own(struct gt_node *n, const struct came *c)
{
	struct held h;
	struct bits b = {0};
	int64_t at_ms;
	int status = get(n, n->code, c->number, &h);
	if (status == 0)
		status = signed_at(n, c->number, &at_ms);
	if (status == 0)
		status = add_ours(n, c->number, &b);
	bool covers = h.at_ms < 0 || gt_list_covers(&c->it.list, &h.list);
	bool known = h.at_ms >= 0 && gt_list_covers(&h.list, &c->it.list);
	for (size_t i = 0; i < b.n; i++)
		covers = covers && gt_list_has(&c->it.list, b.v[i]);
	if (status == 0 && !(known && c->it.at_ms <= at_ms))
		status = covers && c->it.at_ms > at_ms
		                 ? keep_own(n, c->number, c->it.at_ms,
		                            c->it.json)
		                 : sign(n, c->number, &c->it.list, c->it.at_ms);
	free(b.v);
	let_go(&h);
	return status;
}

/* Beside the one held. Says why it is not taken. */
static int take_others(struct gt_node *n, const struct came *c,
                       const char **why)
{
	struct held h;
	int status = get(n, c->code, c->number, &h);
	bool covers = status == 0 &&
	              (h.at_ms < 0 || gt_list_covers(&c->it.list, &h.list));
	bool news = h.at_ms < 0 || c->it.at_ms > h.at_ms ||
	            (c->it.at_ms == h.at_ms && covers &&
	             !gt_list_covers(&h.list, &c->it.list));
	if (status == 0 && news && covers)
		status = keep(n, c->code, c->number, c->it.at_ms, &c->row,
		              c->it.packed);
	else if (status == 0 && news) {
		/* its issuer forgot: let him hear of it again */
		*why = "a list of revoked certificates lacks some that were "
		       "revoked before";
		status =
		        keep(n, c->code, c->number, h.at_ms, &c->row, h.packed);
	}
	let_go(&h);
	return status;
}

int gt_list_take(struct gt_node *n, const char *within, const Gt__StatusList *m,
                 const char **why)
{
	struct came c;
	*why = "a list of revoked certificates is not its issuer's";
	int status = open_came(n, m, &c);
	bool fits = status == 0 && c.row.member &&
	            (!*within || gt_code_under(c.row.member->code, within));
	if (fits)
		status = newest(n, c.row.member->code, &c.row);
	/* whom the roster has revoked is told whatever the list is */
	if (status == 0 && fits)
		status = renew_rows(n, c.row.member->code, &c.row);
	fits = fits && c.it.at_ms >= 0 &&
	       gt_member_vouches(c.row.member, c.it.list.key);
	if (status == 0 && fits) {
		*why = NULL;
		status = strcmp(c.code, n->code) == 0 ? take_own(n, &c)
		                                      : take_others(n, &c, why);
	}
	let_go(&c.it);
	return status;
}
