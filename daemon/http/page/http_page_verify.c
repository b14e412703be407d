/* http_page_verify.c: whether a certificate is genuine, for whoever has its
 * file: a page with a form, and the answer.
 *
 * What a file says that nobody of the tree signed is not shown as if it were
 * so: of one that was altered, or is of nobody known, only that.
 * Tests: e2e/test_certificates.py. */
#include <string.h>

#include "http_html.h"
#include "http_worker.h"
#include "json.h"
#include "page.h"
#include "read.h"
#include "upload.h"

static void form(struct gt_page *p)
{
	gt_buffer_format(&p->out,
	                 "<form method=\"post\" enctype=\"multipart/form-data\""
	                 " action=\"/verify?lang=%s\"><label class=\"grow\">",
	                 p->lang);
	gt_page_say(p, GT_T_HTTP_P_VERIFY_FILE);
	gt_buffer_str(&p->out, "<input type=\"file\" name=\"file\" "
	                       "accept=\".json,application/json,"
	                       "application/vc+ld+json\"></label>"
	                       "<label class=\"grow\">");
	gt_page_say(p, GT_T_HTTP_P_VERIFY_TEXT);
	gt_buffer_str(&p->out, "<input name=\"text\" autocomplete=\"off\">"
	                       "</label><button>");
	gt_page_say(p, GT_T_HTTP_P_VERIFY_GO);
	gt_buffer_str(&p->out, "</button></form><p class=\"soft small\">");
	gt_page_say(p, GT_T_HTTP_P_VERIFY_HOW);
	gt_buffer_str(&p->out, "</p>");
}

/* In words, what the verdict means for whoever holds the paper. */
static enum gt_text meaning(const char *verdict, bool listed)
{
	static const struct {
		const char *verdict;
		enum gt_text text;
	} rows[] = {
	        {"altered", GT_T_HTTP_P_VERIFY_ALTERED},
	        {"revoked", GT_T_HTTP_P_VERIFY_REVOKED},
	        {"unknown", GT_T_HTTP_P_VERIFY_UNKNOWN},
	        {"bad-list", GT_T_HTTP_P_VERIFY_BAD_LIST},
	        {"none", GT_T_HTTP_P_VERIFY_NONE},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].verdict, verdict) == 0)
			return rows[i].text;
	return listed ? GT_T_HTTP_P_VERIFY_GENUINE
	              : GT_T_HTTP_P_VERIFY_UNLISTED;
}

static void answer(struct gt_page *p, const json_t *v)
{
	const char *is = gt_json_member(v, "verdict");
	bool good = strcmp(is, "genuine") == 0;
	bool ours = good || strcmp(is, "revoked") == 0 ||
	            strcmp(is, "bad-list") == 0;
	gt_buffer_format(&p->out, "<div class=\"alert%s\" role=\"status\"><p>",
	                 good ? "" : " bad");
	if (strcmp(is, "none") != 0) {
		gt_page_chip(p, good ? "good" : "bad", is);
		gt_buffer_str(&p->out, " ");
	}
	gt_page_say(p, meaning(is, *gt_json_member(v, "list_as_of") != '\0'));
	gt_buffer_str(&p->out, "</p>");
	/* of those whom the roster vouches for, it is said below who */
	if (!ours && *gt_json_member(v, "why")) {
		gt_buffer_str(&p->out, "<p class=\"small\">");
		gt_page_sentence(p, gt_json_member(v, "why"));
		gt_buffer_str(&p->out, "</p>");
	}
	gt_buffer_str(&p->out, "</div>");
	if (ours)
		gt_page_certificate(p, v);
}

/* What was sent, looked at. NULL with *status 0: it is no JSON; else why. */
static json_t *looked(struct gt_request *rq, int *status)
{
	json_error_t error;
	struct gt_buffer text = {0};
	json_t *v = NULL;
	*status = gt_upload(&text, gt_rq_header(rq, "Content-Type"),
	                    gt_bytes_of(rq->body, rq->nbody));
	json_t *document =
	        *status == 0
	                ? gt_json_load(gt_json_unmarked(gt_buffer_bytes(&text)),
	                               GT_JSON_STRICT, &error)
	                : NULL;
	gt_buffer_free(&text);
	if (!document) {
		if (*status == -GT_EINVALID)
			*status = 0;
		else if (*status == 0 && !*error.text)
			*status = -GT_ENOMEM;
		return NULL;
	}
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	v = w ? gt_read_verify(w->reader, document, NULL) : NULL;
	gt_worker_give(rq->http->workers, w);
	json_decref(document);
	*status = v ? 0 : -GT_ESTORE;
	return v;
}

enum MHD_Result gt_http_verify_page(struct gt_request *rq)
{
	struct gt_page p;
	int status = 0;
	bool asked = rq->method == GT_HTTP_POST;
	json_t *v = asked ? looked(rq, &status) : NULL;
	if (status != 0)
		return gt_rq_error(rq, status, "");
	/* for programs */
	if (asked && !gt_page_wanted(rq))
		return v ? gt_rq_json(rq, 200, v)
		         : gt_rq_fail(rq, 400, -GT_EINVALID,
		                      GT_T_HTTP_NOT_JSON);
	gt_page_begin(&p, rq, gt_text_in(rq->lang, GT_T_HTTP_P_VERIFY));
	gt_buffer_str(&p.out, "<h1>");
	gt_page_say(&p, GT_T_HTTP_P_VERIFY);
	gt_buffer_str(&p.out, "</h1>");
	if (v) {
		answer(&p, v);
	} else if (asked) {
		gt_buffer_str(&p.out,
		              "<div class=\"alert bad\" role=\"status\"><p>");
		gt_page_say(&p, GT_T_HTTP_P_VERIFY_NONE);
		gt_buffer_str(&p.out, "</p></div>");
	}
	form(&p);
	json_decref(v);
	return gt_page_end(&p, 200);
}
