#include "http_html.h"

#include <string.h>

#include "code.h"
#include "http_origin.h"
#include "http_query.h"
#include "local.h"
#include "sys.h"
#include "translate.h"
#include "word.h"

/* what a catalogue was asked for, kept when the language changes */
static const char *const kept[] = {"q",     "type",    "audience", "subject",
                                   "state", "verdict", "after"};

void gt_page_say(struct gt_page *p, enum gt_text key)
{
	gt_out_html(&p->out, gt_text_in(p->lang, key));
}

void gt_page_text(struct gt_page *p, const char *text)
{
	gt_out_html(&p->out, text);
}

void gt_page_heading(struct gt_page *p, enum gt_text name)
{
	gt_buffer_str(&p->out, "<h2>");
	gt_page_say(p, name);
	gt_buffer_str(&p->out, "</h2>");
}

void gt_page_fact(struct gt_page *p, enum gt_text name)
{
	gt_buffer_str(&p->out, "<div><dt>");
	gt_page_say(p, name);
	gt_buffer_str(&p->out, "</dt><dd>");
}

void gt_page_fact_end(struct gt_page *p)
{
	gt_buffer_str(&p->out, "</dd></div>");
}

void gt_page_chip(struct gt_page *p, const char *kind, const char *word)
{
	gt_buffer_format(&p->out, "<span class=\"chip %s\">", kind);
	gt_out_html(&p->out, gt_page_word(p, word));
	gt_buffer_str(&p->out, "</span>");
}

const char *gt_page_word(const struct gt_page *p, const char *word)
{
	return gt_word_in(p->lang, word);
}

const char *gt_page_kind(const char *word)
{
	static const struct {
		const char *word, *kind;
	} rows[] = {
	        {"complete", "good"},   {"mirror", "good"},
	        {"partial", "warn"},    {"wanted", "warn"},
	        {"on-demand", "plain"}, {"withdrawn", "bad"},
	        {"refused", "bad"},     {"deny", "bad"},
	        {"damaged", "bad"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(word, rows[i].word) == 0)
			return rows[i].kind;
	return "plain";
}

void gt_page_pair(struct gt_page *p, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	gt_buffer_format(&p->out, "&amp;%s=", name);
	gt_out_url(&p->out, value);
}

void gt_page_list(struct gt_page *p, const json_t *values)
{
	const char *between = strcmp(p->lang, "en") == 0 ? ", " : "、";
	size_t n = json_array_size(values);
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(values, i));
		gt_page_text(p, i ? between : "");
		gt_page_text(p, s ? gt_page_word(p, s) : "");
	}
}

void gt_page_bar(struct gt_page *p, uint64_t done, uint64_t all)
{
	gt_buffer_str(&p->out, "<progress aria-label=\"");
	gt_page_say(p, GT_T_HTTP_P_PROGRESS);
	gt_buffer_format(&p->out, "\" max=\"%llu\" value=\"%llu\"></progress>",
	                 (unsigned long long)(all ? all : 1),
	                 (unsigned long long)(done < all ? done : all));
}

void gt_page_state(struct gt_page *p, const json_t *r)
{
	const char *state = gt_json_member(r, "state");
	const char *verdict = gt_json_member(r, "verdict");
	bool unasked = strcmp(state, "listed") == 0 &&
	               strcmp(verdict, "on-demand") == 0;
	if (!*state)
		return;
	gt_buffer_format(&p->out, "<span class=\"chip %s\">",
	                 gt_page_kind(state));
	gt_page_text(p, unasked ? gt_text_in(p->lang, GT_T_HTTP_W_UNASKED)
	                        : gt_page_word(p, state));
	gt_buffer_str(&p->out, "</span>");
	if (strcmp(state, "partial") == 0 || strcmp(state, "damaged") == 0)
		gt_page_bar(p, gt_http_count(r, "present"),
		            gt_http_count(r, "frames"));
}

void gt_page_ago(struct gt_page *p, int64_t then_ms)
{
	static const struct {
		int64_t from_s, unit_s;
		enum gt_text text;
	} rows[] = {
	        {INT64_C(2) * 86400, 86400, GT_T_HTTP_P_AGO_D},
	        {INT64_C(2) * 3600, 3600, GT_T_HTTP_P_AGO_H},
	        {120, 60, GT_T_HTTP_P_AGO_M},
	        {0, 1, GT_T_HTTP_P_AGO_S},
	};
	char text[64];
	int64_t s = (gt_sys_now().wall_ms - then_ms) / 1000;
	size_t i = 0;
	s = s < 0 ? 0 : s; /* the clock was set back */
	while (s < rows[i].from_s)
		i++;
	gt_http_say(text, sizeof text, p->lang, rows[i].text,
	            (unsigned long long)(s / rows[i].unit_s));
	gt_page_text(p, text);
}

void gt_page_time(struct gt_page *p, const char *iso)
{
	enum { MINUTE = 16, SECOND = 19 }; /* of "2026-11-30 21:43:10 +08:00" */
	char local[GT_LOCAL_TIME], minute[MINUTE + 1];
	if (gt_local_iso(local, iso) != local || strlen(local) < SECOND) {
		gt_page_text(p, iso);
		return;
	}
	gt_format(minute, sizeof minute, "%.*s", (int)MINUTE, local);
	gt_buffer_str(&p->out, "<time datetime=\"");
	gt_page_text(p, iso);
	gt_buffer_str(&p->out, "\">");
	gt_page_text(p, minute);
	gt_page_text(p, local + SECOND);
	gt_buffer_str(&p->out, "</time>");
}

void gt_page_sentence(struct gt_page *p, const char *sentence)
{
	char text[GT_TRANSLATE_MAX], local[GT_LOCAL_TEXT];
	gt_page_text(
	        p, gt_local_text(local, gt_translate(text, p->lang, sentence)));
}

const char *gt_page_pick(const struct gt_page *p, const json_t *texts)
{
	json_t *from = json_incref(gt_lend(texts)), *v;
	const char *tag, *found = NULL, *any = "";
	json_object_foreach(from, tag, v)
	{
		const char *s = json_string_value(v);
		if (!s)
			continue;
		if (!*any)
			any = s;
		if (!found && strncmp(tag, p->lang, 2) == 0)
			found = s;
	}
	json_decref(from);
	return found ? found : any;
}

/* The same page in both languages, with what was asked for. */
static void languages(struct gt_page *p)
{
	const char *const tags[] = {"zh-CN", "en"};
	const char *const names[] = {"中文", "English"};
	gt_buffer_str(&p->out, "<nav aria-label=\"");
	gt_page_say(p, GT_T_HTTP_P_LANGUAGE);
	gt_buffer_str(&p->out, "\">");
	for (int i = 0; i < 2; i++) {
		bool here = strcmp(tags[i], p->lang) == 0;
		gt_buffer_format(&p->out, "<a href=\"?lang=%s", tags[i]);
		for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
			gt_page_pair(p, kept[k], gt_rq_arg(p->rq, kept[k]));
		gt_buffer_format(
		        &p->out, "\" lang=\"%s\" hreflang=\"%s\"%s>%s</a>",
		        tags[i], tags[i], here ? " aria-current=\"true\"" : "",
		        names[i]);
	}
	gt_buffer_str(&p->out, "</nav>");
}

void gt_page_home(struct gt_page *p)
{
	gt_out_origin(&p->out, p->rq, GT_DOOR_LEARNER);
	gt_buffer_format(&p->out, "/?lang=%s", p->lang);
}

void gt_page_begin(struct gt_page *p, struct gt_request *rq, const char *title)
{
	const struct gt_config *c = rq->http->env.config;
	*p = (struct gt_page){.rq = rq, .lang = rq->lang};
	struct gt_buffer *o = &p->out;
	gt_buffer_format(o,
	                 "<!doctype html>\n<html lang=\"%s\"><head>"
	                 "<meta charset=\"utf-8\"><meta name=\"viewport\" "
	                 "content=\"width=device-width,initial-scale=1\">"
	                 "<link rel=\"icon\" href=\"data:,\"><title>",
	                 p->lang);
	gt_out_html(o, title);
	gt_buffer_str(o, " · ");
	gt_page_say(p, GT_T_HTTP_P_PRODUCT);
	gt_buffer_str(o, "</title><style>");
	for (const char *const *css = gt_page_style; *css; css++)
		gt_buffer_str(o, *css);
	gt_buffer_str(o,
	              "</style></head><body><a class=\"skip\" href=\"#main\">");
	gt_page_say(p, GT_T_HTTP_P_SKIP);
	gt_buffer_str(o, "</a><header><div class=\"wrap\"><a class=\"brand\" "
	                 "href=\"");
	gt_page_home(p);
	gt_buffer_str(o, "\">");
	gt_page_say(p, GT_T_HTTP_P_PRODUCT);
	gt_buffer_str(o, "<span>");
	gt_out_html(o, *c->name ? c->name : c->code);
	gt_buffer_str(o, "</span></a>");
	languages(p);
	gt_buffer_str(o, "</div></header><main id=\"main\" class=\"wrap\">");
}

/* The page as a response; NULL: out of memory. */
static struct MHD_Response *finished(struct gt_page *p)
{
	const struct gt_config *c = p->rq->http->env.config;
	const char *level = gt_level_name(gt_code_depth(c->code));
	size_t n;
	gt_buffer_str(&p->out, "</main><footer class=\"wrap\">");
	gt_page_say(p, GT_T_HTTP_P_PRODUCT);
	gt_buffer_str(&p->out, " · ");
	gt_page_text(p, level ? gt_page_word(p, level) : "");
	gt_page_text(p, " ");
	gt_page_text(p, c->code);
	gt_buffer_str(&p->out, " · ");
	gt_page_say(p, GT_T_HTTP_P_FOOTER);
	gt_buffer_str(&p->out, "</footer></body></html>\n");
	char *text = gt_buffer_text(&p->out, &n);
	struct MHD_Response *rs =
	        gt_rs_text("text/html; charset=utf-8", text, n);
	if (!rs)
		return NULL;
	gt_rs_header(rs, "Content-Security-Policy",
	             "default-src 'none'; style-src 'unsafe-inline'; "
	             "img-src 'self' data:; form-action 'self'; "
	             "base-uri 'none'; frame-ancestors 'none'");
	gt_rs_header(rs, "Vary", "Accept, Accept-Language");
	gt_rs_header(rs, "Content-Language", p->lang);
	return rs;
}

enum MHD_Result gt_page_end(struct gt_page *p, unsigned status)
{
	return gt_rq_send(p->rq, status, finished(p));
}

enum MHD_Result gt_page_again(struct gt_page *p, unsigned status)
{
	struct MHD_Response *rs = finished(p);
	if (rs) {
		gt_rs_header(rs, "Refresh", "2");
		gt_rs_header(rs, "Retry-After", "2");
	}
	return gt_rq_send(p->rq, status, rs);
}

bool gt_page_wanted(struct gt_request *rq)
{
	const char *accept = gt_rq_header(rq, "Accept");
	const char *path = rq->path ? rq->path : "/";
	/* forms that are posted are of this one page */
	bool form = rq->method == GT_HTTP_POST && strcmp(path, "/verify") == 0;
	/* "/" is a page whoever asks */
	return rq->door != GT_DOOR_CONTROL &&
	       (rq->method == GT_HTTP_GET || form) &&
	       (strcmp(path, "/") == 0 ||
	        (accept && strstr(accept, "text/html"))) &&
	       strncmp(path, "/api/", 5) != 0 &&
	       strncmp(path, "/xapi/", 6) != 0;
}

enum MHD_Result gt_page_error(struct gt_request *rq, unsigned status,
                              const char *name, const char *message)
{
	struct gt_page p;
	gt_page_begin(&p, rq, gt_text_in(rq->lang, GT_T_HTTP_P_SORRY));
	gt_buffer_str(&p.out, "<h1>");
	gt_page_say(&p, GT_T_HTTP_P_SORRY);
	gt_buffer_str(&p.out, "</h1><p class=\"box\">");
	gt_page_text(&p, message);
	gt_buffer_format(&p.out, "</p><p class=\"soft small\">HTTP %u · ",
	                 status);
	gt_page_text(&p, name);
	gt_buffer_str(&p.out, "</p><p><a class=\"button\" href=\"");
	gt_page_home(&p);
	gt_buffer_str(&p.out, "\">");
	gt_page_say(&p, GT_T_HTTP_P_ALL);
	gt_buffer_str(&p.out, "</a></p>");
	return gt_page_end(&p, status);
}
