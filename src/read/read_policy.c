/* read_policy.c: who may hold what and why; layers and members.
 * Tests: u_read_shapes.c; and u_read.c, without memory. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "read_inside.h"
#include "signed.h"

/* ---------------------------------------------------------- loading */

/* Runs GT_Q_ITEM for one thing. Returns its Signed in the reader's arena, NULL
 * when there is none or on an error, which ok tells. */
static Gt__Signed *load(struct gt_reader *r, Gt__Kind kind, const char *id,
                        bool *ok)
{
	Gt__Signed *found = NULL;
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_ITEM);
	if (!s) {
		*ok = false;
		return NULL;
	}
	(void)sqlite3_bind_int(s, 1, (int)kind);
	gt_reader_bind(s, 2, id);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		found = gt_signed_open(r->arena, gt_col_bytes(s, 0));
	if (!gt_reader_end(r, s, rc) || gt_arena_short(r->arena))
		*ok = false;
	return found;
}

/* ----------------------------------------------------------- places */

/* Codes from the root down, the last the one in question. */
struct chain {
	char code[GT_LEVELS_MAX + 1][GT_CODE_MAX + 1];
	size_t n;
};

/* Every place the code lies in, as layers of any may bind it. bare: the place
 * of a suffixed code too; as a node that would stand beside it. */
static void places_of(struct chain *c, const char *code, bool bare)
{
	size_t lead = strspn(code, "0123456789");
	bool suffixed = code[lead] != '\0';
	c->n = 0;
	for (int depth = 0; gt_code_digits(depth) > 0; depth++) {
		size_t digits = gt_code_digits(depth);
		if (digits > lead || (digits == lead && !(suffixed && bare)))
			break;
		gt_format(c->code[c->n++], GT_CODE_MAX + 1, "%.*s", (int)digits,
		          code);
	}
	gt_copy(c->code[c->n++], GT_CODE_MAX + 1, code);
}

/* Whether there is a node: this one, or one the roster has. */
static bool is_node(struct gt_reader *r, const char *own, const char *code,
                    bool *ok)
{
	if (strcmp(own, code) == 0)
		return true;
	const Gt__Member *m =
	        gt_signed_member(r->arena, load(r, GT__KIND__MEMBER, code, ok));
	return m && m->standing == GT__STANDING__ACTIVE;
}

/* The nodes a resource passes on its way to the code: where there is none it
 * passes nobody, whatever the rules say of such a place. */
static bool hops_of(struct gt_reader *r, struct chain *c, const char *own,
                    const char *code)
{
	struct chain all;
	bool ok = true;
	c->n = 0;
	places_of(&all, code, false);
	for (size_t i = 0; i < all.n && ok; i++)
		if (i + 1 == all.n || is_node(r, own, all.code[i], &ok))
			gt_copy(c->code[c->n++], GT_CODE_MAX + 1, all.code[i]);
	return ok;
}

bool gt_reader_above(struct gt_reader *r, const char *code,
                     char out[GT_LEVELS_MAX + 1][GT_CODE_MAX + 1], size_t *n)
{
	struct chain c;
	bool ok = hops_of(r, &c, code, code);
	*n = c.n;
	for (size_t i = 0; i < c.n; i++)
		gt_copy(out[i], GT_CODE_MAX + 1, c.code[i]);
	return ok;
}

void gt_reader_layers_free(struct gt_reader_layers *l)
{
	for (size_t i = 0; i < l->n; i++)
		gt_layer_free(l->layer[i]);
}

/* The layers held here of every place the code lies in. */
bool gt_reader_layers_load(struct gt_reader *r, struct gt_reader_layers *l,
                           const char *code)
{
	struct chain c;
	bool ok = true;
	l->n = 0;
	places_of(&c, code, true);
	for (size_t i = 0; i < c.n && ok; i++) {
		Gt__Signed *outer = load(r, GT__KIND__LAYER, c.code[i], &ok);
		if (!outer)
			continue;
		struct gt_bytes body =
		        gt_bytes_of(outer->body.data, outer->body.len);
		char why[sizeof r->why];
		if (gt_layer_new(&l->layer[l->n], body, why, sizeof why) == 0)
			l->n++;
		else
			ok = gt_reader_fail(r, why) != NULL;
	}
	if (!ok)
		gt_reader_layers_free(l);
	return ok;
}

/* ---------------------------------------------------------- explain */

struct question {
	const Gt__Entry *entry;
	const struct gt_reader_layers *layers;
	int64_t now_ms;
};

static json_t *verdict(enum gt_verdict v)
{
	return gt_json_text(gt_verdict_name(v));
}

static json_t *word(const struct question *q, const struct gt_layer *layer,
                    const struct gt_receiver *to)
{
	struct gt_decision d = gt_layer_decide(layer, q->entry, to, q->now_ms);
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "layer", gt_json_text(gt_layer_origin(layer)));
	gt_json_set(&ok, v, "version",
	            json_integer((int64_t)gt_layer_version(layer)));
	gt_json_set(&ok, v, "rule", gt_json_text(d.rule));
	gt_json_set(&ok, v, "verdict", verdict(d.verdict));
	gt_json_set(&ok, v, "priority", json_integer(d.priority));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* The hop that published it: it has it whatever any rule says. */
static json_t *own_hop(const char *code)
{
	const char *level = gt_level_name(gt_code_depth(code));
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "code", gt_json_text(code));
	gt_json_set(&ok, v, "level", gt_json_text(level ? level : ""));
	gt_json_set(&ok, v, "verdict", verdict(GT_MIRROR));
	gt_json_set(&ok, v, "effective", verdict(GT_MIRROR));
	gt_json_set(&ok, v, "own", json_true());
	gt_json_set(&ok, v, "layers", json_array());
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* effective comes in as the parent's, goes out as the hop's. */
static json_t *hop(const struct question *q, const char *code,
                   enum gt_verdict *effective)
{
	const struct gt_layer *asked[GT_LEVELS_MAX + 1];
	const char *level = gt_level_name(gt_code_depth(code));
	struct gt_receiver to = {code, level ? level : ""};
	json_t *list = json_array(), *v = json_object();
	bool ok = list && v;
	size_t n = 0;
	for (size_t i = 0; i < q->layers->n; i++) {
		struct gt_layer *layer = q->layers->layer[i];
		if (!gt_code_within(code, gt_layer_origin(layer)))
			continue;
		asked[n++] = layer;
		gt_json_add(&ok, list, word(q, layer, &to));
	}
	struct gt_decision d =
	        gt_policy_meet(asked, n, q->entry, &to, q->now_ms);
	enum gt_verdict ceiling = gt_verdict_ceiling(*effective);
	*effective = d.verdict < ceiling ? d.verdict : ceiling;
	gt_json_set(&ok, v, "code", gt_json_text(code));
	gt_json_set(&ok, v, "level", gt_json_text(to.level));
	gt_json_set(&ok, v, "verdict", verdict(d.verdict));
	gt_json_set(&ok, v, "effective", verdict(*effective));
	gt_json_set(&ok, v, "layers", list);
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* Are this place's layers all here? Those of ancestors come down, and those of
 * children are offered when they link. */
static bool known(struct gt_reader *r, const char *own, const char *code,
                  bool *ok)
{
	int64_t child;
	if (gt_code_within(own, code))
		return true;
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_LINKED);
	if (!s) {
		*ok = false;
		return false;
	}
	gt_reader_bind(s, 1, code);
	*ok = gt_reader_numbers(r, s, &child, 1) && *ok;
	return *ok && child == 1;
}

/* Where in the chain it was published, from where it goes down; 0: not in it. */
static size_t start_of(const struct chain *c, const char *publisher)
{
	size_t i = c->n;
	while (i > 0 && strcmp(c->code[i - 1], publisher) != 0)
		i--;
	return i ? i - 1 : 0;
}

static json_t *hops(struct gt_reader *r, const struct question *q,
                    const char *code, char known_below[GT_CODE_MAX + 1])
{
	char own[GT_CODE_MAX + 1];
	struct chain c;
	json_t *list = json_array();
	enum gt_verdict effective = GT_MIRROR;
	bool ok = list && gt_reader_code(r, own) && hops_of(r, &c, own, code);
	size_t start = ok ? start_of(&c, q->entry->publisher) : 0;
	bool here = true;
	known_below[0] = '\0';
	for (size_t i = 0; ok && i < c.n; i++) {
		here = here && known(r, own, c.code[i], &ok);
		if (here)
			gt_copy(known_below, GT_CODE_MAX + 1, c.code[i]);
		if (i < start)
			continue;
		bool own_one = strcmp(c.code[i], q->entry->publisher) == 0;
		gt_json_add(&ok, list,
		            own_one ? own_hop(c.code[i])
		                    : hop(q, c.code[i], &effective));
	}
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

json_t *gt_read_explain(struct gt_reader *r, const char *id, const char *code,
                        int64_t now_ms)
{
	bool ok = true;
	struct gt_reader_layers layers;
	char below[GT_CODE_MAX + 1];
	gt_arena_reset(r->arena);
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	if (!gt_code_valid(code))
		return gt_reader_fail(r, "not a division code");
	const Gt__Entry *e =
	        gt_signed_entry(r->arena, load(r, GT__KIND__RESOURCE, id, &ok));
	if (!e)
		return ok && !gt_arena_short(r->arena) ? json_null() : NULL;
	if (!gt_reader_layers_load(r, &layers, code))
		return NULL;
	struct question q = {e, &layers, now_ms};
	json_t *v = json_object();
	ok = v != NULL;
	gt_json_set(&ok, v, "id", gt_json_text(id));
	gt_json_set(&ok, v, "for", gt_json_text(code));
	gt_json_set(&ok, v, "hops", hops(r, &q, code, below));
	gt_json_set(&ok, v, "known_below", gt_json_text(below));
	gt_reader_layers_free(&layers);
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* ----------------------------------------------- layers and members */

static json_t *layer_row(struct gt_arena *arena, const Gt__Signed *outer,
                         bool own)
{
	const Gt__Layer *l = gt_signed_layer(arena, outer);
	json_t *v = l ? json_object() : NULL;
	bool ok = v != NULL;
	if (!l)
		return json_null();
	gt_json_set(&ok, v, "origin", gt_json_text(l->origin));
	gt_json_set(&ok, v, "version", json_integer((int64_t)l->version));
	gt_json_set(&ok, v, "rules", json_integer((int64_t)l->n_rules));
	gt_json_set(&ok, v, "demands", json_integer((int64_t)l->n_demands));
	const char *name = gt_verdict_name((enum gt_verdict)l->fallback);
	gt_json_set(&ok, v, "fallback", gt_json_text(name ? name : ""));
	gt_json_set(&ok, v, "own", json_boolean(own));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *member_row(struct gt_arena *arena, const Gt__Signed *outer,
                          bool own)
{
	const Gt__Member *m = gt_signed_member(arena, outer);
	json_t *v = m ? json_object() : NULL;
	bool ok = v != NULL;
	(void)own;
	if (!m)
		return json_null();
	bool active = m->standing == GT__STANDING__ACTIVE;
	gt_json_set(&ok, v, "code", gt_json_text(m->code));
	gt_json_set(&ok, v, "level", gt_json_text(m->level));
	gt_json_set(&ok, v, "name", gt_json_text(m->name));
	gt_json_set(&ok, v, "standing",
	            json_string(active ? "active" : "revoked"));
	gt_json_set(&ok, v, "publisher", json_boolean(m->publisher));
	gt_json_set(&ok, v, "version", json_integer((int64_t)m->version));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *all_of(struct gt_reader *r, Gt__Kind kind, const char *key,
                      json_t *(*row)(struct gt_arena *, const Gt__Signed *,
                                     bool))
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_KIND);
	if (!s)
		return NULL;
	json_t *list = json_array();
	bool ok = list != NULL;
	int rc = SQLITE_DONE;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	(void)sqlite3_bind_int(s, 1, (int)kind);
	while (ok && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		gt_arena_reset(r->arena);
		const Gt__Signed *outer =
		        gt_signed_open(r->arena, gt_col_bytes(s, 0));
		if (outer)
			gt_json_add(&ok, list,
			            row(r->arena, outer,
			                sqlite3_column_int(s, 1) != 0));
		ok = ok && !gt_arena_short(r->arena);
	}
	ok = gt_reader_end(r, s, rc) && ok;
	return ok ? json_pack("{s:o}", key, list) : (json_decref(list), NULL);
}

json_t *gt_read_layers(struct gt_reader *r)
{
	return all_of(r, GT__KIND__LAYER, "layers", layer_row);
}

json_t *gt_read_members(struct gt_reader *r)
{
	return all_of(r, GT__KIND__MEMBER, "members", member_row);
}

/* Bytes of a column as hex. NULL: no memory. */
static json_t *hex_of(struct gt_arena *arena, struct gt_bytes b)
{
	char *text = gt_arena_get(arena, 2 * b.n + 1);
	if (text)
		gt_hex(text, b.p, b.n);
	return text ? json_string(text) : NULL;
}

/* The bytes a query of one bound value gives, row by row. */
static bool add_rows(struct gt_reader *r, sqlite3_stmt *s, json_t *rows)
{
	bool ok = true;
	int rc = SQLITE_DONE;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	while (ok && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		gt_arena_reset(r->arena);
		gt_json_add(&ok, rows, hex_of(r->arena, gt_col_bytes(s, 0)));
	}
	return gt_reader_end(r, s, rc) && ok;
}

json_t *gt_read_roster(struct gt_reader *r)
{
	json_t *rows = json_array();
	sqlite3_stmt *s = rows ? gt_reader_query(r, GT_Q_KIND) : NULL;
	if (s)
		(void)sqlite3_bind_int(s, 1, GT__KIND__MEMBER);
	bool ok = s && add_rows(r, s, rows);
	s = ok ? gt_reader_query(r, GT_Q_META) : NULL;
	if (s)
		(void)sqlite3_bind_text(s, 1, "date", -1, SQLITE_STATIC);
	ok = s && add_rows(r, s, rows);
	return ok ? json_pack("{s:o}", "rows", rows)
	          : (json_decref(rows), NULL);
}

int gt_read_enrolled(struct gt_reader *r, const char *code)
{
	bool ok = true;
	gt_arena_reset(r->arena);
	bool is = load(r, GT__KIND__MEMBER, code, &ok) != NULL;
	return !ok || gt_arena_short(r->arena) ? -GT_ESTORE : is;
}

bool gt_read_name(struct gt_reader *r, const char *code, char *out, size_t cap)
{
	bool ok = true;
	if (!gt_copy(out, cap, ""))
		return false;
	gt_arena_reset(r->arena);
	const Gt__Signed *outer = load(r, GT__KIND__MEMBER, code, &ok);
	if (!outer)
		return ok;
	const Gt__Member *m = gt_signed_member(r->arena, outer);
	return m && gt_copy(out, cap, m->name);
}

json_t *gt_read_names(struct gt_reader *r)
{
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_NAMES);
	json_t *names = json_object();
	bool ok = s && names;
	int rc = SQLITE_DONE;
	if (ok)
		(void)sqlite3_bind_int(s, 1, GT__KIND__MEMBER);
	while (ok && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		gt_arena_reset(r->arena);
		const Gt__Member *m = gt_signed_member(
		        r->arena, gt_signed_open(r->arena, gt_col_bytes(s, 1)));
		if (m)
			gt_json_set(&ok, names, gt_col_text(s, 0),
			            gt_json_text(m->name));
		ok = ok && !gt_arena_short(r->arena);
	}
	if (s && gt_reader_end(r, s, rc) && ok)
		return names;
	json_decref(names);
	return NULL;
}

/* ----------------------------------------------- who has yet to come */

/* The member behind that code, which becomes its own; NULL: there is none, or
 * an error, which ok tells. */
static const Gt__Member *member_behind(struct gt_reader *r,
                                       char at[GT_CODE_MAX + 2], bool *ok)
{
	const Gt__Member *m = NULL;
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_NEXT);
	if (!s) {
		*ok = false;
		return NULL;
	}
	gt_arena_reset(r->arena);
	(void)sqlite3_bind_int(s, 1, GT__KIND__MEMBER);
	gt_reader_bind(s, 2, at);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		m = gt_signed_member(
		        r->arena, gt_signed_open(r->arena, gt_col_bytes(s, 0)));
	if (!gt_reader_end(r, s, rc) || gt_arena_short(r->arena))
		*ok = false;
	if (m && *ok)
		*ok = gt_copy(at, GT_CODE_MAX + 2, m->code);
	return m;
}

/* It is to link to this node: its row says so. A row from before that was said
 * names nobody: then whoever is nearest above it. */
static bool is_expected(struct gt_reader *r, const char *own,
                        const Gt__Member *m, bool *ok)
{
	struct chain all;
	if (*m->parent)
		return strcmp(m->parent, own) == 0;
	bool is = gt_code_child_of(m->code, own);
	places_of(&all, m->code, false);
	for (size_t i = 0; is && *ok && i + 1 < all.n; i++)
		is = gt_code_depth(all.code[i]) <= gt_code_depth(own) ||
		     !is_node(r, own, all.code[i], ok);
	return is;
}

static bool is_child(struct gt_reader *r, const char *code, bool *ok)
{
	int64_t n = 0;
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_LINKED);
	if (s)
		gt_reader_bind(s, 1, code);
	*ok = gt_reader_numbers(r, s, &n, 1) && *ok;
	return n > 0;
}

/* {"code","name"}, behind those in list. */
static void add_never(bool *ok, json_t *list, const Gt__Member *m)
{
	json_t *row = json_object();
	*ok = *ok && row;
	gt_json_set(ok, row, "code", gt_json_text(m->code));
	gt_json_set(ok, row, "name", gt_json_text(m->name));
	gt_json_add(ok, list, row);
}

/* Where the walk over the members is. */
struct below {
	char own[GT_CODE_MAX + 1], place[GT_CODE_MAX + 1];
	char at[GT_CODE_MAX + 2];
	char above[GT_CODE_MAX +
	           1]; /* the node in whose place that is, or "" */
};

/* The next one to be asked about; NULL: it is over, or ok tells an error. */
static const Gt__Member *step_below(struct gt_reader *r, struct below *b,
                                    bool *ok)
{
	const Gt__Member *m = member_behind(r, b->at, ok);
	/* what is in another node's place is that node's: over it in one step,
	 * a ':' being behind every digit */
	if (m && *ok && *b->above && gt_code_within(b->at, b->above) &&
	    !gt_code_same_place(b->at, b->above)) {
		gt_format(b->at, sizeof b->at, "%s:", b->above);
		m = member_behind(r, b->at, ok);
	}
	return m && *ok && gt_code_within(b->at, b->place) ? m : NULL;
}

json_t *gt_read_never(struct gt_reader *r, size_t limit)
{
	enum { STEPS = 4096 }; /* members looked at */
	struct below b = {"", "", "", ""};
	const Gt__Member *m;
	json_t *first = json_array();
	json_int_t count = 0;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	bool ok = first && gt_reader_code(r, b.own);
	size_t steps = *b.own ? STEPS : 0; /* it has no code yet */
	gt_code_place(b.place, b.own);
	gt_copy(b.at, sizeof b.at, b.place);
	for (size_t i = 0; ok && i < steps && (m = step_below(r, &b, &ok));
	     i++) {
		if (m->standing != GT__STANDING__ACTIVE || m->publisher ||
		    strcmp(m->code, b.own) == 0)
			continue;
		if (!strchr(b.at, '-'))
			gt_copy(b.above, sizeof b.above, b.at);
		if (!is_expected(r, b.own, m, &ok) || is_child(r, b.at, &ok))
			continue;
		if ((size_t)count++ < limit)
			add_never(&ok, first, m);
	}
	if (ok)
		return json_pack("{s:I,s:o}", "count", count, "first", first);
	json_decref(first);
	return NULL;
}
