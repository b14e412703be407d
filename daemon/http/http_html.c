#include "http_html.h"

#include <string.h>

#include "code.h"

/* No script, no font, no picture from anywhere: a page is this one file. */
static const char style[] =
        ":root{--ink:#1c2530;--soft:#55606e;--line:#d9dfe6;--paper:#fff;"
        "--ground:#f3f5f8;--brand:#0b5d8a;--good:#17693a;--warn:#8a4b00;"
        "--bad:#a3212b}"
        "@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;"
        "--soft:#a9b4c0;--line:#36414d;--paper:#1b232c;--ground:#12181f;"
        "--brand:#7cc4ee;--good:#7fd6a0;--warn:#f0b76a;--bad:#ff9aa2}}"
        "*{box-sizing:border-box}body{margin:0;background:var(--ground);"
        "color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',"
        "'Noto Sans CJK SC','Microsoft YaHei',sans-serif}"
        "a{color:var(--brand)}a:focus-visible,input:focus-visible,"
        "select:focus-visible,button:focus-visible{outline:3px solid "
        "var(--brand);outline-offset:2px}"
        "header,main,footer{max-width:68rem;margin:0 auto;padding:1rem}"
        "header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;"
        "align-items:baseline}h1{font-size:1.5rem;margin:0}"
        "h2{font-size:1.15rem;margin:1.6rem 0 .6rem}"
        "header nav{margin-left:auto}.soft{color:var(--soft)}"
        ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem}"
        "dl.facts{display:grid;gap:.75rem;margin:0;"
        "grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr))}"
        "dl.facts>div,article,.box{background:var(--paper);border:1px solid "
        "var(--line);border-radius:.6rem;padding:.75rem .9rem}"
        "dt{font-size:.85rem;color:var(--soft)}dd{margin:0;font-weight:600;"
        "overflow-wrap:anywhere}"
        "form{display:flex;flex-wrap:wrap;gap:.6rem;align-items:end;"
        "margin:1rem 0}form label{display:grid;gap:.2rem;font-size:.85rem;"
        "color:var(--soft)}input,select,button{font:inherit;color:inherit;"
        "background:var(--paper);border:1px solid var(--soft);"
        "border-radius:.4rem;padding:.4rem .6rem;min-height:2.6rem}"
        "button{background:var(--brand);color:var(--paper);border:0;"
        "padding:.4rem 1.2rem}"
        ".cards{display:grid;gap:.8rem;padding:0;list-style:none;margin:0;"
        "grid-template-columns:repeat(auto-fill,minmax(18rem,1fr))}"
        "article{height:100%}article h3{font-size:1.05rem;margin:0 0 .3rem;"
        "overflow-wrap:anywhere}article p{margin:.25rem 0}"
        ".chip{display:inline-block;font-size:.8rem;border:1px solid "
        "currentColor;border-radius:1rem;padding:0 .6rem;margin:.15rem "
        ".3rem .15rem 0}.good{color:var(--good)}.warn{color:var(--warn)}"
        ".bad{color:var(--bad)}.plain{color:var(--soft)}"
        "progress{width:100%;height:.7rem}"
        ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;"
        "background:var(--paper)}th,td{text-align:left;padding:.4rem .7rem;"
        "border-bottom:1px solid var(--line)}td.n{text-align:right;"
        "white-space:nowrap}";

void gt_page_say(struct gt_page *p, enum gt_text key)
{
	gt_out_html(&p->out, gt_text_in(p->lang, key));
}

void gt_page_text(struct gt_page *p, const char *text)
{
	gt_out_html(&p->out, text);
}

void gt_page_chip(struct gt_page *p, const char *kind, const char *word)
{
	gt_out_format(&p->out, "<span class=\"chip %s\">", kind);
	gt_out_html(&p->out, gt_page_word(p, word));
	gt_out_str(&p->out, "</span>");
}

const char *gt_page_word(const struct gt_page *p, const char *word)
{
	static const struct {
		const char *word;
		enum gt_text text;
	} rows[] = {
	        {"course", GT_T_HTTP_W_COURSE},
	        {"lecture", GT_T_HTTP_W_LECTURE},
	        {"video", GT_T_HTTP_W_VIDEO},
	        {"case", GT_T_HTTP_W_CASE},
	        {"document", GT_T_HTTP_W_DOCUMENT},
	        {"package", GT_T_HTTP_W_PACKAGE},
	        {"announcement", GT_T_HTTP_W_ANNOUNCEMENT},
	        {"deny", GT_T_HTTP_W_DENY},
	        {"metadata", GT_T_HTTP_W_METADATA},
	        {"on-demand", GT_T_HTTP_W_ON_DEMAND},
	        {"mirror", GT_T_HTTP_W_MIRROR},
	        {"excluded", GT_T_HTTP_W_EXCLUDED},
	        {"listed", GT_T_HTTP_W_LISTED},
	        {"wanted", GT_T_HTTP_W_WANTED},
	        {"partial", GT_T_HTTP_W_PARTIAL},
	        {"complete", GT_T_HTTP_W_COMPLETE},
	        {"withdrawn", GT_T_HTTP_W_WITHDRAWN},
	        {"province", GT_T_PROVINCE},
	        {"city", GT_T_CITY},
	        {"county", GT_T_COUNTY},
	        {"township", GT_T_TOWNSHIP},
	        {"village", GT_T_VILLAGE},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(word, rows[i].word) == 0)
			return gt_text_in(p->lang, rows[i].text);
	return word;
}

const char *gt_page_member(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));
	return s ? s : "";
}

uint64_t gt_page_count(const json_t *v, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(v, key));
	return n > 0 ? (uint64_t)n : 0;
}

const char *gt_page_pick(const struct gt_page *p, const json_t *texts)
{
	json_t *from = json_incref((json_t *)(uintptr_t)texts), *v;
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

static void languages(struct gt_page *p)
{
	const char *const tags[] = {"zh-CN", "en"};
	const char *const names[] = {"中文", "English"};
	gt_out_str(&p->out, "<nav aria-label=\"");
	gt_page_say(p, GT_T_HTTP_P_LANGUAGE);
	gt_out_str(&p->out, "\">");
	for (int i = 0; i < 2; i++) {
		bool here = strcmp(tags[i], p->lang) == 0;
		gt_out_format(&p->out,
		              "%s<a href=\"?lang=%s\" lang=\"%s\" "
		              "hreflang=\"%s\"%s>%s</a>",
		              i ? " · " : "", tags[i], tags[i], tags[i],
		              here ? " aria-current=\"true\"" : "", names[i]);
	}
	gt_out_str(&p->out, "</nav>");
}

void gt_page_begin(struct gt_page *p, struct gt_request *rq, const char *title)
{
	const struct gt_config *c = gt_http_env_of(rq->http)->config;
	const char *level = gt_level_name(gt_code_depth(c->code));
	*p = (struct gt_page){.rq = rq, .lang = rq->lang};
	struct gt_out *o = &p->out;
	gt_out_format(o,
	              "<!doctype html>\n<html lang=\"%s\"><head>"
	              "<meta charset=\"utf-8\"><meta name=\"viewport\" "
	              "content=\"width=device-width,initial-scale=1\"><title>",
	              p->lang);
	gt_out_html(o, title);
	gt_out_str(o, "</title><style>");
	gt_out_str(o, style);
	gt_out_str(o, "</style></head><body><a class=\"skip\" href=\"#main\">");
	gt_page_say(p, GT_T_HTTP_P_SKIP);
	gt_out_format(o, "</a><header><h1><a href=\"/?lang=%s\">", p->lang);
	gt_out_html(o, *c->name ? c->name : c->code);
	gt_out_str(o, "</a></h1><span class=\"soft\">");
	gt_out_html(o, level ? gt_page_word(p, level) : "");
	gt_out_str(o, " ");
	gt_out_html(o, c->code);
	gt_out_str(o, "</span>");
	languages(p);
	gt_out_str(o, "</header><main id=\"main\">");
}

enum MHD_Result gt_page_end(struct gt_page *p, unsigned status)
{
	size_t n;
	gt_out_str(&p->out, "</main><footer class=\"soft\">guantong 贯通 · ");
	gt_page_say(p, GT_T_HTTP_P_FOOTER);
	gt_out_str(&p->out, "</footer></body></html>\n");
	char *text = gt_out_take(&p->out, &n);
	struct MHD_Response *rs =
	        gt_rs_text("text/html; charset=utf-8", text, n);
	if (rs) {
		gt_rs_header(rs, "Content-Security-Policy",
		             "default-src 'none'; style-src 'unsafe-inline'; "
		             "img-src 'self' data:; form-action 'self'; "
		             "base-uri 'none'; frame-ancestors 'none'");
		gt_rs_header(rs, "Vary", "Accept-Language");
		gt_rs_header(rs, "Content-Language", p->lang);
	}
	return gt_rq_send(p->rq, status, rs);
}
