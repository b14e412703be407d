/* http_page.c: the page of a node: how it is, what it has.
 * Tests: u_http.c. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "code.h"
#include "http_cert.h"
#include "http_html.h"
#include "http_query.h"
#include "local.h"
#include "measure.h"
#include "page.h"
#include "sys.h"

enum { ROWS = 50, CHILDREN_SHOWN = 200, NAME = 256 };

struct home {
	struct gt_page p;
	const struct gt_http_env *env;
	const struct gt_config *config;
	struct gt_access *access;
	struct gt_http_cert *certs;   /* of doors */
	struct gt_node_status status; /* of the running node */
	char parent[NAME];            /* gt_read_name */
	json_t *names;                /* gt_read_names; NULL: not known */
	json_t *kept;                 /* gt_read_status */
	json_t *rows;                 /* gt_read_resources */
	struct gt_resource_query q;
};

static void number(struct gt_page *p, enum gt_text name, uint64_t n)
{
	gt_page_fact(p, name);
	gt_buffer_format(&p->out, "%llu", (unsigned long long)n);
	gt_page_fact_end(p);
}

static void alert(struct gt_page *p, const char *kind, enum gt_text text)
{
	gt_buffer_format(&p->out, "<p class=\"alert %s\" role=\"status\">",
	                 kind);
	gt_page_say(p, text);
	gt_buffer_str(&p->out, "</p>");
}

static void say_alert(struct gt_page *p, const char *text)
{
	gt_buffer_str(&p->out, "<p class=\"alert bad\" role=\"status\">");
	gt_page_text(p, text);
	gt_buffer_str(&p->out, "</p>");
}

/* "三墩镇 330106109"; the code alone when nobody named it. */
static void node_name(struct gt_page *p, const char *name, const char *code)
{
	if (*name && strlen(name) < NAME) {
		gt_page_text(p, name);
		gt_page_text(p, " ");
	}
	gt_page_text(p, code);
}

/* --------------------------------------------------------- the node */

static void link_state(struct home *h)
{
	struct gt_page *p = &h->p;
	bool top = !*h->config->parent, up = h->status.parent_up;
	gt_buffer_format(&p->out, "<p><span class=\"chip %s\">",
	                 top  ? "plain"
	                 : up ? "good"
	                      : "bad");
	gt_page_say(p, top  ? GT_T_HTTP_P_ROOT
	               : up ? GT_T_HTTP_P_UP
	                    : GT_T_HTTP_P_DOWN);
	gt_buffer_str(&p->out, "</span>");
	if (!top) {
		gt_buffer_str(&p->out, " ");
		node_name(p, h->parent, h->config->parent);
		gt_buffer_str(&p->out, " <span class=\"soft small\">");
		if (h->status.parent_seen_ms)
			gt_page_ago(p, h->status.parent_seen_ms);
		gt_buffer_str(&p->out, "</span>");
	}
	gt_buffer_str(&p->out, "</p>");
}

/* What is the matter with the link, and what to do about it. */
static void fault(struct home *h)
{
	struct gt_page *p = &h->p;
	struct gt_fault f = {0};
	gt_links_fault(h->env->links, &h->status, &f);
	if (f.at_ms == 0)
		return;
	gt_buffer_str(&p->out, "<p class=\"alert bad\" role=\"status\">");
	gt_page_say(p, gt_fault_text(f.kind));
	gt_buffer_str(&p->out, " <span class=\"small\">");
	gt_page_sentence(p, f.why);
	gt_buffer_str(&p->out, " · ");
	gt_page_ago(p, f.at_ms);
	gt_buffer_str(&p->out, "</span></p>");
}

/* This node's certificate, or its CA's, ends soon or has ended. */
static void expiry(struct home *h)
{
	struct gt_page *p = &h->p;
	char text[400], at[GT_LOCAL_TIME];
	int64_t until = gt_validity_first(&h->env->certificate, &h->env->ca);
	int64_t left = until - gt_sys_now().wall_ms;
	if (until == 0 || left >= GT_VALIDITY_WARN_MS)
		return;
	gt_local_time(at, until);
	gt_http_say(text, sizeof text, p->lang,
	            left < 0 ? GT_T_EXPIRY_PAST : GT_T_EXPIRY_SOON, at);
	say_alert(p, text);
}

/* A listener's own. */
static void https_expiry(struct home *h, enum gt_http_door door)
{
	struct gt_page *p = &h->p;
	char text[400], at[GT_LOCAL_TIME];
	int64_t until = gt_http_cert_validity(&h->certs[door]).until_ms;
	int64_t left = until - gt_sys_now().wall_ms;
	if (until == 0 || left >= GT_VALIDITY_WARN_MS)
		return;
	gt_local_time(at, until);
	gt_http_say(text, sizeof text, p->lang,
	            left < 0 ? GT_T_EXPIRY_HTTPS_PAST : GT_T_EXPIRY_HTTPS_SOON,
	            gt_http_door_name(door), at);
	say_alert(p, text);
}

/* A second copy, or a backup that came back: only people know which. */
static void stranger(struct home *h)
{
	struct gt_page *p = &h->p;
	char text[600];
	if (h->status.strangers == 0)
		return;
	gt_http_say(text, sizeof text, p->lang, GT_T_HTTP_P_STRANGER,
	            h->status.stranger);
	gt_buffer_str(&p->out, "<p class=\"alert bad\" role=\"status\">");
	gt_page_text(p, text);
	gt_buffer_str(&p->out, " <span class=\"small\">");
	gt_page_ago(p, h->status.stranger_ms);
	gt_buffer_str(&p->out, "</span></p>");
}

static void held(struct home *h)
{
	char text[400];
	const struct gt_node_status *s = &h->status;
	if (s->copies_held > 0) {
		gt_http_say(text, sizeof text, h->p.lang, GT_T_HTTP_P_COPIES,
		            (unsigned long long)s->copies_held);
		say_alert(&h->p, text);
	}
	if (s->copies_below > 0) {
		gt_http_say(text, sizeof text, h->p.lang,
		            GT_T_HTTP_P_COPIES_BELOW,
		            (unsigned long long)s->copies_below);
		say_alert(&h->p, text);
	}
}

/* How much of the content is damaged, and leads to it. */
static void damaged(struct home *h)
{
	struct gt_page *p = &h->p;
	char text[600];
	const json_t *n = json_object_get(h->kept, "damaged");
	uint64_t publish = gt_http_count(n, "publish");
	uint64_t above = gt_http_count(n, "parent") + gt_http_count(n, "asked");
	if (publish + above == 0)
		return;
	gt_http_say(text, sizeof text, p->lang, GT_T_HTTP_P_SOME_DAMAGED,
	            (unsigned long long)(publish + above),
	            (unsigned long long)above, (unsigned long long)publish);
	gt_buffer_format(&p->out, "<p class=\"alert%s\" role=\"status\">",
	                 publish ? " bad" : "");
	gt_page_text(p, text);
	gt_buffer_format(&p->out,
	                 " <a href=\"/?lang=%s&amp;state=damaged#list\">",
	                 p->lang);
	gt_page_say(p, GT_T_HTTP_P_WHICH);
	gt_buffer_str(&p->out, "</a></p>");
}

/* How much does not come at present. */
static void stuck(struct home *h)
{
	char text[600];
	const json_t *n = json_object_get(h->kept, "stuck");
	uint64_t file = gt_http_count(n, "file");
	uint64_t above = gt_http_count(n, "above");
	if (file + above == 0)
		return;
	gt_http_say(text, sizeof text, h->p.lang, GT_T_HTTP_P_SOME_STUCK,
	            (unsigned long long)(file + above),
	            (unsigned long long)above, (unsigned long long)file);
	gt_buffer_format(&h->p.out, "<p class=\"alert%s\" role=\"status\">",
	                 file ? " bad" : "");
	gt_page_text(&h->p, text);
	gt_buffer_str(&h->p.out, "</p>");
}

static void hero(struct home *h)
{
	struct gt_page *p = &h->p;
	const struct gt_config *c = h->config;
	const char *level = gt_level_name(gt_code_depth(c->code));
	gt_buffer_str(&p->out, "<div class=\"hero\"><div><p class=\"soft\">");
	gt_page_text(p, level ? gt_page_word(p, level) : "");
	gt_page_text(p, " · ");
	gt_page_text(p, c->code);
	gt_buffer_str(&p->out, "</p><h1>");
	gt_page_text(p, *c->name ? c->name : c->code);
	gt_buffer_str(&p->out, "</h1></div>");
	link_state(h);
	gt_buffer_str(&p->out, "</div>");
	if (h->status.bulk_paused)
		alert(p, "bad",
		      h->status.bulk_paused_by == -GT_ENOMEM
		              ? GT_T_HTTP_P_FULL_MEMORY
		              : GT_T_HTTP_P_FULL);
	if (h->status.entries_missed)
		alert(p, "bad", GT_T_HTTP_P_ENTRIES);
	if (h->status.records_short)
		alert(p, "bad", GT_T_HTTP_P_RECORDS_FULL);
	if (h->status.records_crowded)
		alert(p, "", GT_T_HTTP_P_RECORDS_CROWDED);
	damaged(h);
	stuck(h);
	if (h->status.pages_bad > 0)
		alert(p, "bad", GT_T_HTTP_P_PAGES_BAD);
	if (h->status.records_spoilt > 0)
		alert(p, "", GT_T_HTTP_P_RECORDS_SPOILT);
	if (*c->parent && !h->status.parent_up) {
		alert(p, "", GT_T_HTTP_P_ALONE);
		fault(h);
	}
	if (h->status.date == GT_DATE_OLD)
		alert(p, "bad", GT_T_DATE_OLD);
	if (h->status.date == GT_DATE_TOO_OLD)
		alert(p, "bad", GT_T_DATE_TOO_OLD);
	expiry(h);
	for (unsigned i = 0; i < GT_DOOR_CONTROL; i++)
		https_expiry(h, i);
	if (gt_config_listen_clear(c, gt_access_any(h->access)))
		alert(p, "bad", GT_T_HTTP_P_CLEAR);
	stranger(h);
	held(h);
}

static uint64_t count_state(const json_t *kept, const char *wanted)
{
	json_t *verdicts = json_object_get(kept, "resources");
	const char *verdict, *state;
	json_t *states, *n;
	uint64_t sum = 0;
	json_object_foreach(verdicts, verdict, states)
	{
		json_object_foreach(states, state, n)
		{
			if (!wanted || strcmp(wanted, state) == 0)
				sum += gt_http_count(states, state);
		}
	}
	return sum;
}

/* When the clock was found set, and by how much. */
static void clock_moved(struct home *h)
{
	struct gt_page *p = &h->p;
	const json_t *moved =
	        json_object_get(json_object_get(h->kept, "clock"), "moved");
	if (!json_is_object(moved))
		return;
	gt_page_fact(p, GT_T_HTTP_P_CLOCK);
	gt_page_text(p, gt_json_member(moved, "at"));
	gt_buffer_format(
	        &p->out, " (%+lld s)",
	        (long long)json_integer_value(json_object_get(moved, "by_s")));
	gt_page_fact_end(p);
}

static void facts(struct home *h)
{
	struct gt_page *p = &h->p;
	const struct gt_node_status *s = &h->status;
	const json_t *records = json_object_get(h->kept, "records");
	uint64_t quarantined = gt_http_count(records, "quarantined");
	gt_buffer_str(&p->out, "<dl>");
	if (*h->config->parent) {
		gt_page_fact(p, GT_T_HTTP_P_SYNC);
		gt_page_say(p, !s->parent_up ? GT_T_HTTP_P_UNLINKED
		               : s->synced   ? GT_T_HTTP_P_SYNCED
		                             : GT_T_HTTP_P_BEHIND);
		gt_page_fact_end(p);
	}
	number(p, GT_T_HTTP_P_RESOURCES, count_state(h->kept, NULL));
	gt_page_fact(p, GT_T_HTTP_P_STORED);
	gt_out_size(&p->out, gt_http_count(h->kept, "bytes"));
	gt_page_fact_end(p);
	number(p, GT_T_HTTP_P_RECORDS, gt_http_count(records, "count"));
	if (*h->config->parent)
		number(p, GT_T_HTTP_P_WAITING, s->records_waiting);
	if (quarantined)
		number(p, GT_T_HTTP_P_QUARANTINED, quarantined);
	gt_page_fact(p, GT_T_HTTP_P_HAND_IN);
	gt_page_say(p, gt_access_anonymous(h->access) ? GT_T_HTTP_P_NEAR
	                                              : GT_T_HTTP_P_NAMED);
	gt_page_fact_end(p);
	clock_moved(h);
	gt_buffer_str(&p->out, "</dl>");
}

static void transfers(struct home *h)
{
	struct gt_page *p = &h->p;
	const struct gt_node_status *s = &h->status;
	if (s->ntransfers == 0)
		return;
	gt_page_heading(p, GT_T_HTTP_P_TRANSFERS);
	gt_buffer_str(&p->out, "<div class=\"box\">");
	for (uint32_t i = 0; i < s->ntransfers; i++) {
		const struct gt_transfer_status *t = &s->transfers[i];
		gt_buffer_str(&p->out, "<p><a href=\"/r/");
		gt_out_url(&p->out, t->resource);
		gt_buffer_format(&p->out, "?lang=%s\">", p->lang);
		gt_page_text(p, t->resource);
		gt_buffer_str(&p->out, "</a> <span class=\"soft small\">");
		gt_out_size(&p->out, t->bytes);
		gt_buffer_str(&p->out, " / ");
		gt_out_size(&p->out, t->total);
		gt_buffer_str(&p->out, "</span>");
		gt_page_bar(p, t->bytes, t->total);
		gt_buffer_str(&p->out, "</p>");
	}
	gt_buffer_str(&p->out, "</div>");
}

/* ------------------------------------------------------ nodes below */

static const struct gt_child_status *child_of(const struct home *h,
                                              const char *code)
{
	for (uint32_t i = 0; i < h->status.nchildren; i++)
		if (strcmp(h->status.children[i].code, code) == 0)
			return &h->status.children[i];
	return NULL;
}

/* A cell that names its column where there is no head above it. */
static void cell(struct gt_page *p, enum gt_text name, bool right)
{
	gt_buffer_format(&p->out, "<td%s data-l=\"",
	                 right ? " class=\"n\"" : "");
	gt_page_say(p, name);
	gt_buffer_str(&p->out, "\">");
}

static void count_cell(struct gt_page *p, enum gt_text name, uint64_t n)
{
	cell(p, name, true);
	gt_buffer_format(&p->out, "%llu</td>", (unsigned long long)n);
}

/* Since when and why it is not linked. */
static void absent(struct home *h, const char *code)
{
	struct gt_page *p = &h->p;
	struct gt_fault f;
	gt_links_absent(h->env->links, code, &f);
	if (f.at_ms == 0)
		return;
	gt_buffer_str(&p->out, "<div class=\"soft small\">");
	gt_page_ago(p, f.since_ms);
	gt_page_text(p, " · ");
	gt_page_sentence(p, f.why);
	gt_buffer_str(&p->out, "</div>");
}

static void child_row(struct home *h, const json_t *c)
{
	struct gt_page *p = &h->p;
	const char *code = gt_json_member(c, "code");
	const json_t *said = json_object_get(c, "status");
	const struct gt_child_status *now = child_of(h, code);
	bool up = now && now->up;
	gt_buffer_str(&p->out, "<tr><th scope=\"row\" class=\"title\">");
	node_name(p, gt_json_member(h->names, code), code);
	gt_buffer_format(&p->out, "</th><td><span class=\"chip %s\">",
	                 up ? "good" : "bad");
	gt_page_say(p, up ? GT_T_HTTP_P_UP : GT_T_HTTP_P_DOWN);
	gt_buffer_str(&p->out, "</span>");
	if (!up)
		absent(h, code);
	gt_buffer_str(&p->out, "</td>");
	cell(p, GT_T_HTTP_P_LAG, true);
	if (now)
		gt_buffer_format(&p->out, "%llu", (unsigned long long)now->lag);
	gt_buffer_str(&p->out, "</td>");
	count_cell(p, GT_T_HTTP_P_HELD, gt_http_count(said, "complete"));
	cell(p, GT_T_HTTP_P_STORED, true);
	gt_out_size(&p->out, gt_http_count(said, "bytes"));
	gt_buffer_str(&p->out, "</td>");
	count_cell(p, GT_T_HTTP_P_RECORDS, gt_http_count(said, "records"));
	count_cell(p, GT_T_HTTP_P_WAITING,
	           gt_http_count(said, "records_waiting"));
	cell(p, GT_T_HTTP_P_SEEN, false);
	gt_page_time(p, gt_json_member(c, "seen"));
	gt_buffer_str(&p->out, "</td></tr>");
}

static void table_head(struct gt_page *p, const enum gt_text *heads,
                       const char *align)
{
	gt_buffer_str(&p->out, "<div class=\"scroll\"><table class=\"cards\">"
	                       "<thead><tr>");
	for (size_t i = 0; align[i]; i++) {
		gt_buffer_format(&p->out, "<th scope=\"col\"%s>",
		                 align[i] == 'r' ? " class=\"n\"" : "");
		gt_page_say(p, heads[i]);
		gt_buffer_str(&p->out, "</th>");
	}
	gt_buffer_str(&p->out, "</tr></thead><tbody>");
}

static void children(struct home *h)
{
	static const enum gt_text heads[] = {
	        GT_T_HTTP_P_NODE,    GT_T_HTTP_P_LINK,   GT_T_HTTP_P_LAG,
	        GT_T_HTTP_P_HELD,    GT_T_HTTP_P_STORED, GT_T_HTTP_P_RECORDS,
	        GT_T_HTTP_P_WAITING, GT_T_HTTP_P_SEEN};
	const json_t *list = json_object_get(h->kept, "children");
	size_t n = json_array_size(list);
	if (n == 0)
		return;
	gt_page_heading(&h->p, GT_T_HTTP_P_CHILDREN);
	table_head(&h->p, heads, "llrrrrrl");
	for (size_t i = 0; i < n && i < CHILDREN_SHOWN; i++)
		child_row(h, json_array_get(list, i));
	gt_buffer_str(&h->p.out, "</tbody></table></div>");
	if (n > CHILDREN_SHOWN)
		gt_buffer_format(&h->p.out,
		                 "<p class=\"soft\">… %llu / %llu · "
		                 "<code>guantong status</code></p>",
		                 (unsigned long long)CHILDREN_SHOWN,
		                 (unsigned long long)n);
}

/* ---------------------------------------------------- the catalogue */

static void state_chip(struct home *h, const char *state, const char *name,
                       uint64_t n)
{
	struct gt_page *p = &h->p;
	bool here = h->q.state ? strcmp(h->q.state, state) == 0 : !*state;
	gt_buffer_format(&p->out, "<li><a class=\"chip %s\" href=\"/?lang=%s",
	                 *state ? gt_page_kind(state) : "plain", p->lang);
	gt_page_pair(p, "q", h->q.text);
	gt_page_pair(p, "type", h->q.type);
	gt_page_pair(p, "state", state);
	gt_buffer_format(&p->out, "\"%s>",
	                 here ? " aria-current=\"true\"" : "");
	gt_page_text(p, name);
	/* how many of what was searched for is not known */
	if (!h->q.text && !h->q.type)
		gt_buffer_format(&p->out, " %llu", (unsigned long long)n);
	gt_buffer_str(&p->out, "</a></li>");
}

/* How many are in which state; each leads to those. */
static void states(struct home *h)
{
	static const char *const all[] = {"complete", "partial", "wanted",
	                                  "damaged",  "listed",  "refused",
	                                  "withdrawn"};
	gt_buffer_str(&h->p.out, "<ul class=\"chips\">");
	state_chip(h, "", gt_text_in(h->p.lang, GT_T_HTTP_P_ANY),
	           count_state(h->kept, NULL));
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		uint64_t n = count_state(h->kept, all[i]);
		if (n)
			state_chip(h, all[i], gt_page_word(&h->p, all[i]), n);
	}
	gt_buffer_str(&h->p.out, "</ul>");
}

static void option(struct gt_page *p, const char *type, const char *chosen)
{
	bool here = chosen && strcmp(type, chosen) == 0;
	gt_buffer_str(&p->out, "<option value=\"");
	gt_page_text(p, type);
	gt_buffer_str(&p->out, here ? "\" selected>" : "\">");
	gt_page_text(p, gt_page_word(p, type));
	gt_buffer_str(&p->out, "</option>");
}

static void type_field(struct gt_page *p, const struct gt_resource_query *q)
{
	static const char *const types[] = {
	        "course",   "lecture", "video",       "case",
	        "document", "package", "announcement"};
	bool known = !q->type;
	gt_buffer_str(&p->out, "<label>");
	gt_page_say(p, GT_T_HTTP_P_TYPE);
	gt_buffer_str(&p->out, "<select name=\"type\"><option value=\"\">");
	gt_page_say(p, GT_T_HTTP_P_ANY);
	gt_buffer_str(&p->out, "</option>");
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		known = known || strcmp(types[i], q->type) == 0;
		option(p, types[i], q->type);
	}
	if (!known)
		option(p, q->type, q->type);
	gt_buffer_str(&p->out, "</select></label>");
}

static void search_form(struct gt_page *p, const struct gt_resource_query *q)
{
	gt_buffer_format(&p->out,
	                 "<form method=\"get\" action=\"/\" role=\"search\">"
	                 "<input type=\"hidden\" name=\"lang\" value=\"%s\">",
	                 p->lang);
	if (q->state) {
		gt_buffer_str(&p->out, "<input type=\"hidden\" name=\"state\" "
		                       "value=\"");
		gt_page_text(p, q->state);
		gt_buffer_str(&p->out, "\">");
	}
	gt_buffer_str(&p->out, "<label class=\"grow\">");
	gt_page_say(p, GT_T_HTTP_P_SEARCH);
	gt_buffer_str(&p->out, "<input type=\"search\" name=\"q\" value=\"");
	gt_page_text(p, q->text ? q->text : "");
	gt_buffer_str(&p->out, "\"></label>");
	type_field(p, q);
	gt_buffer_str(&p->out, "<button>");
	gt_page_say(p, GT_T_HTTP_P_FIND);
	gt_buffer_str(&p->out, "</button></form>");
}

static void resource_row(struct gt_page *p, const json_t *r)
{
	const char *id = gt_json_member(r, "id");
	const char *title = gt_page_pick(p, json_object_get(r, "title"));
	const char *verdict = gt_json_member(r, "verdict");
	uint64_t size = gt_http_count(r, "size");
	gt_buffer_str(&p->out, "<tr><th scope=\"row\"><a class=\"title\" "
	                       "href=\"/r/");
	gt_out_url(&p->out, id);
	gt_buffer_format(&p->out, "?lang=%s\">", p->lang);
	gt_page_text(p, *title ? title : id);
	gt_buffer_str(&p->out, "</a><div class=\"soft small\">");
	gt_page_text(p, id);
	gt_buffer_str(&p->out, "</div></th><td>");
	gt_page_text(p, gt_page_word(p, gt_json_member(r, "type")));
	gt_buffer_str(&p->out, "</td>");
	cell(p, GT_T_HTTP_P_AUDIENCE, false);
	gt_page_list(p, json_object_get(r, "audiences"));
	gt_buffer_str(&p->out, "</td><td class=\"n\">");
	if (size)
		gt_out_size(&p->out, size);
	gt_buffer_str(&p->out, "</td>");
	cell(p, GT_T_HTTP_P_VERDICT, false);
	gt_page_chip(p, "line", verdict);
	gt_buffer_str(&p->out, "</td><td>");
	gt_page_state(p, r);
	gt_buffer_str(&p->out, "</td></tr>");
}

static void pager(struct home *h)
{
	struct gt_page *p = &h->p;
	const char *next = gt_json_member(h->rows, "next");
	if (!*next)
		return;
	gt_buffer_format(&p->out,
	                 "<p><a class=\"button quiet\" rel=\"next\" "
	                 "href=\"/?lang=%s",
	                 p->lang);
	gt_page_pair(p, "q", h->q.text);
	gt_page_pair(p, "type", h->q.type);
	gt_page_pair(p, "audience", h->q.audience);
	gt_page_pair(p, "subject", h->q.subject);
	gt_page_pair(p, "state", h->q.state);
	gt_page_pair(p, "verdict", gt_rq_arg(p->rq, "verdict"));
	gt_page_pair(p, "after", next);
	gt_buffer_str(&p->out, "#list\">");
	gt_page_say(p, GT_T_HTTP_P_MORE);
	gt_buffer_str(&p->out, "</a></p>");
}

static void catalogue(struct home *h)
{
	static const enum gt_text heads[] = {
	        GT_T_HTTP_P_TITLE, GT_T_HTTP_P_TYPE,    GT_T_HTTP_P_AUDIENCE,
	        GT_T_HTTP_P_SIZE,  GT_T_HTTP_P_VERDICT, GT_T_HTTP_P_STATE};
	struct gt_page *p = &h->p;
	const json_t *rows = json_object_get(h->rows, "resources");
	size_t n = json_array_size(rows);
	gt_buffer_str(&p->out, "<h2 id=\"list\">");
	gt_page_say(p, GT_T_HTTP_P_CATALOGUE);
	gt_buffer_str(&p->out, "</h2>");
	search_form(p, &h->q);
	states(h);
	if (n == 0) {
		gt_buffer_str(&p->out, "<p class=\"box\">");
		gt_page_say(p, *gt_json_member(h->rows, "next")
		                       ? GT_T_HTTP_P_NOT_YET
		                       : GT_T_HTTP_P_NOTHING);
		gt_buffer_str(&p->out, "</p>");
		pager(h);
		return;
	}
	table_head(p, heads, "lllrll");
	for (size_t i = 0; i < n; i++)
		resource_row(p, json_array_get(rows, i));
	gt_buffer_str(&p->out, "</tbody></table></div>");
	pager(h);
}

/* --------------------------------------------------------- the page */

static enum MHD_Result show(struct home *h, struct gt_request *rq)
{
	const char *name = *h->config->name ? h->config->name : h->config->code;
	gt_page_begin(&h->p, rq, name);
	hero(h);
	facts(h);
	transfers(h);
	children(h);
	catalogue(h);
	return gt_page_end(&h->p, 200);
}

enum MHD_Result gt_http_home(struct gt_request *rq)
{
	const char *bad;
	enum MHD_Result done;
	struct home *h = calloc(1, sizeof *h);
	if (!h)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	h->env = &rq->http->env;
	h->certs = rq->http->certs;
	h->config = h->env->config;
	h->access = rq->http->access;
	if (!gt_http_resource_query(rq, &h->q, &bad)) {
		free(h);
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG,
		                  bad);
	}
	if (h->q.limit == 0 || h->q.limit > ROWS)
		h->q.limit = ROWS;
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	if (w) {
		gt_core_status(rq->http->env.core, &h->status);
		if (!gt_read_name(w->reader, h->config->parent, h->parent,
		                  sizeof h->parent))
			*h->parent = '\0';
		h->names = gt_read_names(w->reader);
		h->kept = gt_read_status(w->reader);
		h->rows = gt_read_resources(w->reader, &h->q);
	}
	done = h->kept && h->rows ? show(h, rq)
	                          : gt_rq_error(rq, -GT_ESTORE, "");
	gt_worker_give(rq->http->workers, w);
	json_decref(h->names);
	json_decref(h->kept);
	json_decref(h->rows);
	free(h);
	return done;
}
