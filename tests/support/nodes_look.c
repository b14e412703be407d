/* nodes_look.c: what the nodes of nodes.h did and hold. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nodes.h"
#include "sheaf.h"

const struct done *nodes_last(struct nodes *t, unsigned i,
                              enum gt_action_type type, size_t nth)
{
	for (size_t k = t->v[i].nlog; k-- > 0;)
		if (t->v[i].log[k].a.type == type && nth-- == 0)
			return &t->v[i].log[k];
	return NULL;
}

size_t nodes_count(struct nodes *t, unsigned i, enum gt_action_type type)
{
	size_t n = 0;
	while (nodes_last(t, i, type, n))
		n++;
	return n;
}

const struct done *nodes_replied(struct nodes *t, unsigned i,
                                 Gt__Reply__BodyCase what)
{
	for (size_t k = t->v[i].nlog; k-- > 0;)
		if (t->v[i].log[k].reply &&
		    t->v[i].log[k].reply->body_case == what)
			return &t->v[i].log[k];
	return NULL;
}

const struct done *nodes_asked(struct nodes *t, unsigned i,
                               Gt__Request__BodyCase what)
{
	for (size_t k = t->v[i].nlog; k-- > 0;)
		if (t->v[i].log[k].request &&
		    t->v[i].log[k].request->body_case == what)
			return &t->v[i].log[k];
	return NULL;
}

size_t nodes_rows(const Gt__Records *said)
{
	struct gt_arena *a = gt_arena_new();
	Gt__Records m = *said;
	bool *derived;
	bool fits =
	        a && (m.sheaf.len == 0 || gt_sheaf_untie(a, &m, &derived) == 0);
	gt_arena_free(a);
	return fits ? m.n_records : 0;
}

size_t nodes_asked_count(struct nodes *t, unsigned i,
                         Gt__Request__BodyCase what)
{
	size_t n = 0;
	for (size_t k = 0; k < t->v[i].nlog; k++)
		n += t->v[i].log[k].request &&
		     t->v[i].log[k].request->body_case == what;
	return n;
}

void nodes_clear(struct nodes *t, unsigned i)
{
	t->v[i].nlog = 0;
}

bool nodes_dropped(struct nodes *t, unsigned i, const char *why)
{
	const struct done *d = nodes_last(t, i, GT_ACT_DROP, 0);
	bool same = d && strcmp(d->a.text, why) == 0;
	if (!same)
		fprintf(stderr, "%s: dropped with \"%s\", not \"%s\"\n",
		        t->v[i].code, d ? d->a.text : "(nothing)", why);
	return same;
}

const struct gt_node_status *nodes_status(struct nodes *t, unsigned i)
{
	static struct gt_node_status s;
	gt_node_status(t->v[i].node, &s);
	return &s;
}

__attribute__((format(printf, 3, 0))) static sqlite3_stmt *
query(struct nodes *t, unsigned i, const char *sql, va_list ap)
{
	char text[600];
	sqlite3_stmt *st;
	int n = vsnprintf(text, sizeof text, sql, ap);
	assert(n > 0 && (size_t)n < sizeof text);
	int rc = sqlite3_prepare_v2(t->v[i].db, text, -1, &st, NULL);
	if (rc != SQLITE_OK)
		fprintf(stderr, "%s: %s\n", text, sqlite3_errmsg(t->v[i].db));
	assert(rc == SQLITE_OK);
	return st;
}

int64_t nodes_int(struct nodes *t, unsigned i, const char *sql, ...)
{
	va_list ap;
	va_start(ap, sql);
	sqlite3_stmt *st = query(t, i, sql, ap);
	va_end(ap);
	int64_t v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0)
	                                           : 0;
	sqlite3_finalize(st);
	return v;
}

const char *nodes_text(struct nodes *t, unsigned i, const char *sql, ...)
{
	va_list ap;
	va_start(ap, sql);
	sqlite3_stmt *st = query(t, i, sql, ap);
	va_end(ap);
	const char *v = sqlite3_step(st) == SQLITE_ROW
	                        ? (const char *)sqlite3_column_text(st, 0)
	                        : "";
	v = gt_arena_str(t->arena, v ? v : "");
	assert(v);
	sqlite3_finalize(st);
	return v;
}
