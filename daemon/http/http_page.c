/* http_page.c: what people see: the node and its catalogue, one resource. */
#include <stdlib.h>
#include <string.h>

#include "http_html.h"
#include "http_parse.h"

enum { CARDS = 60, FILES_SHOWN = 500 };

static void fact(struct gt_page *p, enum gt_text name)
{
	gt_out_str(&p->out, "<div><dt>");
	gt_page_say(p, name);
	gt_out_str(&p->out, "</dt><dd>");
}

static void fact_end(struct gt_page *p)
{
	gt_out_str(&p->out, "</dd></div>");
}

static void number(struct gt_page *p, enum gt_text name, uint64_t n)
{
	fact(p, name);
	gt_out_format(&p->out, "%llu", (unsigned long long)n);
	fact_end(p);
}

/* ------------------------------------------------------------- the node */

static void link_state(struct gt_page *p, const struct gt_node_status *s)
{
	const struct gt_config *c = gt_http_env_of(p->rq->http)->config;
	enum gt_text text = GT_T_HTTP_P_ROOT;
	const char *kind = "good";
	if (*c->parent) {
		kind = s->parent_up ? "good" : "bad";
		text = s->parent_up ? GT_T_HTTP_P_UP : GT_T_HTTP_P_DOWN;
	}
	fact(p, GT_T_HTTP_P_LINK);
	gt_out_format(&p->out, "<span class=\"%s\">", kind);
	gt_page_say(p, text);
	gt_out_str(&p->out, "</span>");
	if (*c->parent) {
		gt_out_str(&p->out, " <span class=\"soft\">");
		gt_page_text(p, c->parent);
		gt_out_str(&p->out, "</span>");
	}
	fact_end(p);
	fact(p, GT_T_HTTP_P_SYNC);
	bool behind = *c->parent && (!s->synced || !s->parent_up);
	gt_page_say(p, s->bulk_paused ? GT_T_HTTP_P_PAUSED
	               : behind       ? GT_T_HTTP_P_BEHIND
	                              : GT_T_HTTP_P_SYNCED);
	fact_end(p);
}

static uint64_t all_resources(const json_t *status)
{
	json_t *verdicts = json_object_get(status, "resources");
	const char *verdict, *state;
	json_t *states, *n;
	uint64_t sum = 0;
	json_object_foreach(verdicts, verdict, states)
	{
		json_object_foreach(states, state, n)
		{
			sum += gt_page_count(states, state);
		}
	}
	return sum;
}

static void facts(struct gt_page *p, const json_t *status)
{
	const json_t *records = json_object_get(status, "records");
	struct gt_node_status *s = malloc(sizeof *s);
	if (!s)
		return;
	gt_core_status(gt_http_env_of(p->rq->http)->core, s);
	gt_out_str(&p->out, "<dl class=\"facts\">");
	link_state(p, s);
	number(p, GT_T_HTTP_P_RESOURCES, all_resources(status));
	fact(p, GT_T_HTTP_P_STORED);
	gt_out_size(&p->out, gt_page_count(status, "bytes"));
	fact_end(p);
	number(p, GT_T_HTTP_P_RECORDS, gt_page_count(records, "count"));
	number(p, GT_T_HTTP_P_WAITING, s->records_waiting);
	number(p, GT_T_HTTP_P_TRANSFERS, s->ntransfers);
	number(p, GT_T_HTTP_P_CHILDREN, s->children_up);
	gt_out_str(&p->out, "</dl>");
	free(s);
}

/* ------------------------------------------------------------ the catalogue */

static void option(struct gt_page *p, const char *type, const char *chosen)
{
	bool here = chosen && strcmp(type, chosen) == 0;
	gt_out_str(&p->out, "<option value=\"");
	gt_page_text(p, type);
	gt_out_str(&p->out, here ? "\" selected>" : "\">");
	gt_page_text(p, gt_page_word(p, type));
	gt_out_str(&p->out, "</option>");
}

static void search_form(struct gt_page *p, const struct gt_resource_query *q)
{
	static const char *const types[] = {
	        "course",   "lecture", "video",       "case",
	        "document", "package", "announcement"};
	bool known = !q->type;
	gt_out_format(&p->out,
	              "<form method=\"get\" action=\"/\" role=\"search\">"
	              "<input type=\"hidden\" name=\"lang\" value=\"%s\">"
	              "<label>",
	              p->lang);
	gt_page_say(p, GT_T_HTTP_P_SEARCH);
	gt_out_str(&p->out, "<input type=\"search\" name=\"q\" value=\"");
	gt_page_text(p, q->text ? q->text : "");
	gt_out_str(&p->out, "\"></label><label>");
	gt_page_say(p, GT_T_HTTP_P_TYPE);
	gt_out_str(&p->out, "<select name=\"type\"><option value=\"\">");
	gt_page_say(p, GT_T_HTTP_P_ANY);
	gt_out_str(&p->out, "</option>");
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		known = known || strcmp(types[i], q->type) == 0;
		option(p, types[i], q->type);
	}
	if (!known)
		option(p, q->type, q->type);
	gt_out_str(&p->out, "</select></label><button>");
	gt_page_say(p, GT_T_HTTP_P_FIND);
	gt_out_str(&p->out, "</button></form>");
}

static const char *kind_of(const char *word)
{
	if (strcmp(word, "complete") == 0 || strcmp(word, "mirror") == 0)
		return "good";
	if (strcmp(word, "partial") == 0 || strcmp(word, "wanted") == 0 ||
	    strcmp(word, "on-demand") == 0)
		return "warn";
	return strcmp(word, "withdrawn") == 0 ? "bad" : "plain";
}

static void word_chip(struct gt_page *p, const char *word)
{
	if (*word)
		gt_page_chip(p, kind_of(word), word);
}

static void chips(struct gt_page *p, const json_t *r)
{
	word_chip(p, gt_page_member(r, "verdict"));
	word_chip(p, gt_page_member(r, "state"));
	if (strcmp(gt_page_member(r, "state"), "partial") != 0)
		return;
	uint64_t present = gt_page_count(r, "present");
	uint64_t frames = gt_page_count(r, "frames");
	gt_out_str(&p->out, "<progress aria-label=\"");
	gt_page_say(p, GT_T_HTTP_P_PROGRESS);
	gt_out_format(&p->out, "\" max=\"%llu\" value=\"%llu\"></progress>",
	              (unsigned long long)(frames ? frames : 1),
	              (unsigned long long)present);
}

static void list(struct gt_page *p, const json_t *values)
{
	size_t n = json_array_size(values);
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(values, i));
		gt_page_text(p, i ? "、" : "");
		gt_page_text(p, s ? s : "");
	}
}

static void card(struct gt_page *p, const json_t *r)
{
	const char *id = gt_page_member(r, "id");
	const char *title = gt_page_pick(p, json_object_get(r, "title"));
	uint64_t size = gt_page_count(r, "size");
	gt_out_str(&p->out, "<li><article><h3><a href=\"/r/");
	gt_out_url(&p->out, id);
	gt_out_format(&p->out, "?lang=%s\">", p->lang);
	gt_page_text(p, *title ? title : id);
	gt_out_str(&p->out, "</a></h3><p class=\"soft\">");
	gt_page_text(p, gt_page_word(p, gt_page_member(r, "type")));
	const json_t *audiences = json_object_get(r, "audiences");
	if (json_array_size(audiences) > 0) {
		gt_page_text(p, " · ");
		list(p, audiences);
	}
	if (size > 0) {
		gt_page_text(p, " · ");
		gt_out_size(&p->out, size);
	}
	gt_out_str(&p->out, "</p><p class=\"soft\">");
	gt_page_text(p, id);
	gt_out_str(&p->out, "</p>");
	chips(p, r);
	gt_out_str(&p->out, "</article></li>");
}

static void pair(struct gt_page *p, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	gt_out_format(&p->out, "&amp;%s=", name);
	gt_out_url(&p->out, value);
}

static void catalogue(struct gt_page *p, const json_t *page,
                      const struct gt_resource_query *q)
{
	const json_t *rows = json_object_get(page, "resources");
	const char *next = gt_page_member(page, "next");
	size_t n = json_array_size(rows);
	gt_out_str(&p->out, "<h2>");
	gt_page_say(p, GT_T_HTTP_P_CATALOGUE);
	gt_out_str(&p->out, "</h2>");
	search_form(p, q);
	if (n == 0) {
		gt_out_str(&p->out, "<p class=\"box\">");
		gt_page_say(p, GT_T_HTTP_P_NOTHING);
		gt_out_str(&p->out, "</p>");
	}
	gt_out_str(&p->out, "<ul class=\"cards\">");
	for (size_t i = 0; i < n; i++)
		card(p, json_array_get(rows, i));
	gt_out_str(&p->out, "</ul>");
	if (!*next)
		return;
	gt_out_format(&p->out, "<p><a rel=\"next\" href=\"/?lang=%s", p->lang);
	pair(p, "q", q->text);
	pair(p, "type", q->type);
	pair(p, "after", next);
	gt_out_str(&p->out, "\">");
	gt_page_say(p, GT_T_HTTP_P_MORE);
	gt_out_str(&p->out, "</a></p>");
}

enum MHD_Result gt_http_home(struct gt_request *rq)
{
	const struct gt_config *c = gt_http_env_of(rq->http)->config;
	struct gt_resource_query q;
	const char *bad;
	if (!gt_http_resource_query(rq, &q, &bad))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG,
		                  bad);
	if (q.limit == 0 || q.limit > CARDS)
		q.limit = CARDS;
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *status = w ? gt_read_status(w->reader) : NULL;
	json_t *rows = w ? gt_read_resources(w->reader, &q) : NULL;
	gt_worker_give(rq->http, w);
	if (!status || !rows) {
		json_decref(status);
		json_decref(rows);
		return gt_rq_error(rq, -GT_ESTORE, "");
	}
	struct gt_page p;
	gt_page_begin(&p, rq, *c->name ? c->name : c->code);
	facts(&p, status);
	catalogue(&p, rows, &q);
	json_decref(status);
	json_decref(rows);
	return gt_page_end(&p, 200);
}

/* ------------------------------------------------------------- one resource */

static void text_fact(struct gt_page *p, enum gt_text name, const char *text)
{
	if (!*text)
		return;
	fact(p, name);
	gt_page_text(p, text);
	fact_end(p);
}

static void list_fact(struct gt_page *p, enum gt_text name, const json_t *v)
{
	if (json_array_size(v) == 0)
		return;
	fact(p, name);
	list(p, v);
	fact_end(p);
}

static void details(struct gt_page *p, const json_t *r)
{
	uint64_t size = gt_page_count(r, "size");
	gt_out_str(&p->out, "<dl class=\"facts\">");
	text_fact(p, GT_T_HTTP_P_TYPE,
	          gt_page_word(p, gt_page_member(r, "type")));
	list_fact(p, GT_T_HTTP_P_AUDIENCE, json_object_get(r, "audiences"));
	list_fact(p, GT_T_HTTP_P_SUBJECT, json_object_get(r, "subjects"));
	text_fact(p, GT_T_HTTP_P_PUBLISHER, gt_page_member(r, "publisher"));
	text_fact(p, GT_T_HTTP_P_LICENCE, gt_page_member(r, "licence"));
	number(p, GT_T_HTTP_P_VERSION, gt_page_count(r, "version"));
	if (size > 0) {
		fact(p, GT_T_HTTP_P_SIZE);
		gt_out_size(&p->out, size);
		fact_end(p);
	}
	text_fact(p, GT_T_HTTP_P_MODIFIED, gt_page_member(r, "modified"));
	gt_out_str(&p->out, "</dl>");
}

/* Which rule of whose layer put it here. */
static void reason(struct gt_page *p, const json_t *r)
{
	const char *rule = gt_page_member(r, "rule");
	gt_out_str(&p->out, "<h2>");
	gt_page_say(p, GT_T_HTTP_P_WHY);
	gt_out_str(&p->out, "</h2><dl class=\"facts\">");
	text_fact(p, GT_T_HTTP_P_VERDICT,
	          gt_page_word(p, gt_page_member(r, "verdict")));
	fact(p, GT_T_HTTP_P_RULE);
	gt_page_text(p,
	             *rule ? rule : gt_text_in(p->lang, GT_T_HTTP_P_FALLBACK));
	fact_end(p);
	text_fact(p, GT_T_HTTP_P_LAYER, gt_page_member(r, "layer"));
	gt_out_str(&p->out, "</dl>");
}

static void content_link(struct gt_page *p, const char *id, const char *path,
                         const char *text)
{
	gt_out_str(&p->out, "<a href=\"/c/");
	gt_out_url(&p->out, id);
	gt_out_str(&p->out, "/");
	gt_out_url(&p->out, path);
	gt_out_str(&p->out, "\">");
	gt_page_text(p, text);
	gt_out_str(&p->out, "</a>");
}

static void files(struct gt_page *p, const json_t *r, const char *id)
{
	const json_t *rows = json_object_get(r, "files");
	size_t n = json_array_size(rows);
	if (n == 0)
		return;
	gt_out_str(&p->out, "<h2>");
	gt_page_say(p, GT_T_HTTP_P_FILES);
	gt_out_format(&p->out,
	              " (%llu)</h2><div class=\"scroll\"><table><thead>"
	              "<tr><th scope=\"col\">",
	              (unsigned long long)n);
	gt_page_say(p, GT_T_HTTP_P_PATH);
	gt_out_str(&p->out, "</th><th scope=\"col\">");
	gt_page_say(p, GT_T_HTTP_P_SIZE);
	gt_out_str(&p->out, "</th></tr></thead><tbody>");
	for (size_t i = 0; i < n && i < FILES_SHOWN; i++) {
		const json_t *f = json_array_get(rows, i);
		const char *path = gt_page_member(f, "path");
		gt_out_str(&p->out, "<tr><td>");
		content_link(p, id, path, path);
		gt_out_str(&p->out, "</td><td class=\"n\">");
		gt_out_size(&p->out, gt_page_count(f, "size"));
		gt_out_str(&p->out, "</td></tr>");
	}
	gt_out_str(&p->out, "</tbody></table></div>");
	if (n > FILES_SHOWN)
		gt_out_str(&p->out, "<p class=\"soft\">…</p>");
}

static void resource_body(struct gt_page *p, const json_t *r)
{
	const char *id = gt_page_member(r, "id");
	const char *title = gt_page_pick(p, json_object_get(r, "title"));
	const char *start = gt_page_member(r, "start");
	const char *text = gt_page_pick(p, json_object_get(r, "description"));
	gt_out_str(&p->out, "<h2>");
	gt_page_text(p, *title ? title : id);
	gt_out_str(&p->out, "</h2><p class=\"soft\">");
	gt_page_text(p, id);
	gt_out_str(&p->out, "</p><p>");
	chips(p, r);
	gt_out_str(&p->out, "</p>");
	if (*text) {
		gt_out_str(&p->out, "<p class=\"box\">");
		gt_page_text(p, text);
		gt_out_str(&p->out, "</p>");
	}
	bool held = strcmp(gt_page_member(r, "verdict"), "mirror") == 0 ||
	            strcmp(gt_page_member(r, "verdict"), "on-demand") == 0;
	bool gone = strcmp(gt_page_member(r, "state"), "withdrawn") == 0;
	if (*start && held && !gone) {
		gt_out_str(&p->out, "<p>");
		content_link(p, id, start,
		             gt_text_in(p->lang, GT_T_HTTP_P_OPEN));
		gt_out_str(&p->out, "</p>");
	}
	details(p, r);
	reason(p, r);
	files(p, r, id);
}

enum MHD_Result gt_http_resource_page(struct gt_request *rq)
{
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *r = w ? gt_read_resource(w->reader, rq->rest) : NULL;
	gt_worker_give(rq->http, w);
	if (!r)
		return gt_rq_error(rq, -GT_ESTORE, "");
	struct gt_page p;
	unsigned status = json_is_object(r) ? 200 : 404;
	gt_page_begin(&p, rq, rq->rest);
	if (status == 200) {
		resource_body(&p, r);
	} else {
		gt_out_str(&p.out, "<p class=\"box\">");
		gt_page_say(&p, GT_T_HTTP_P_NO_RESOURCE);
		gt_out_str(&p.out, "</p>");
	}
	json_decref(r);
	return gt_page_end(&p, status);
}
