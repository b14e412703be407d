/* http_page_certificate.c: a certificate that was issued here, for people to
 * print, with what checking it says now.
 * Tests: e2e/test_certificates.py. */
#include <stdlib.h>
#include <string.h>

#include "http_html.h"
#include "http_origin.h"
#include "http_worker.h"
#include "json.h"
#include "page.h"
#include "qr.h"
#include "read.h"

static void fact(struct gt_page *p, enum gt_text name, const char *text)
{
	if (!*text)
		return;
	gt_page_fact(p, name);
	gt_page_text(p, text);
	gt_page_fact_end(p);
}

static void time_fact(struct gt_page *p, enum gt_text name, const char *iso)
{
	if (!*iso)
		return;
	gt_page_fact(p, name);
	gt_page_time(p, iso);
	gt_page_fact_end(p);
}

/* Genuine, or how it is not. */
static void standing(struct gt_page *p, const json_t *v)
{
	const char *is = gt_json_member(v, "verdict");
	gt_buffer_str(&p->out, "<p role=\"status\">");
	gt_page_chip(p, strcmp(is, "genuine") == 0 ? "good" : "bad", is);
	gt_buffer_str(&p->out, " ");
	gt_page_sentence(p, gt_json_member(v, "why"));
	gt_buffer_str(&p->out, "</p>");
}

/* Where this page is asked for again: from paper, by a telephone. */
static void code(struct gt_page *p, const char *id)
{
	char origin[GT_ORIGIN_MAX];
	struct gt_buffer url = {0};
	if (!gt_http_address(p->rq, GT_DOOR_LEARNER, origin))
		return;
	gt_buffer_format(&url, "%s/verify/", origin);
	gt_out_url(&url, id);
	char *text = gt_buffer_text(&url, NULL);
	if (text &&
	    gt_out_qr(&p->out, text,
	              gt_text_in(p->lang, GT_T_HTTP_P_CERTIFICATE_CODE))) {
		gt_buffer_str(&p->out, "<p class=\"soft small\">");
		gt_page_text(p, text);
		gt_buffer_str(&p->out, "</p>");
	}
	free(text);
}

void gt_page_certificate(struct gt_page *p, const json_t *v)
{
	gt_buffer_str(&p->out, "<dl class=\"details\">");
	fact(p, GT_T_HTTP_P_CERTIFICATE_WHO, gt_json_member(v, "name"));
	fact(p, GT_T_HTTP_P_CERTIFICATE_WHAT, gt_json_member(v, "title"));
	/* without a title, the activity is what is shown for it */
	if (strcmp(gt_json_member(v, "activity"), gt_json_member(v, "title")) !=
	    0)
		fact(p, GT_T_HTTP_P_CERTIFICATE_ACTIVITY,
		     gt_json_member(v, "activity"));
	gt_page_fact(p, GT_T_HTTP_P_CERTIFICATE_BY);
	gt_page_text(p, gt_json_member(v, "issuer_name"));
	gt_buffer_str(&p->out, " ");
	gt_page_text(p, gt_json_member(v, "issuer"));
	gt_page_fact_end(p);
	time_fact(p, GT_T_HTTP_P_CERTIFICATE_AT, gt_json_member(v, "from"));
	time_fact(p, GT_T_HTTP_P_CERTIFICATE_LIST,
	          gt_json_member(v, "list_as_of"));
	fact(p, GT_T_HTTP_P_CERTIFICATE_ID, gt_json_member(v, "id"));
	gt_buffer_str(&p->out, "</dl>");
}

static void body(struct gt_page *p, const json_t *v)
{
	const char *id = gt_json_member(v, "id");
	gt_buffer_str(&p->out, "<h1>");
	gt_page_say(p, GT_T_HTTP_P_CERTIFICATE);
	gt_buffer_str(&p->out, "</h1>");
	standing(p, v);
	gt_page_certificate(p, v);
	code(p, id);
	gt_buffer_str(&p->out,
	              "<p class=\"soft small\"><a href=\"/certificate/");
	gt_out_url(&p->out, id);
	gt_buffer_str(&p->out, "\">");
	gt_page_say(p, GT_T_HTTP_P_CERTIFICATE_FILE);
	gt_buffer_str(&p->out, "</a>. ");
	gt_page_say(p, GT_T_HTTP_P_CERTIFICATE_CHECK);
	gt_buffer_format(
	        &p->out,
	        " <a href=\"/verify?lang=%s\"><code>/verify</code></a>,"
	        " <code>guantong certificate verify</code></p>",
	        p->lang);
}

/* What gt_read_verify says of the one of that id; NULL, and *status. */
static json_t *looked(struct gt_request *rq, int *status)
{
	json_t *v = NULL;
	json_error_t error;
	*status = -GT_ESTORE;
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	char *text =
	        w ? gt_read_certificate(w->reader, rq->rest, status) : NULL;
	if (text) {
		json_t *document = gt_json_load(gt_bytes_str(text),
		                                GT_JSON_STRICT, &error);
		v = document ? gt_read_verify(w->reader, document, NULL) : NULL;
		*status = v ? 0 : -GT_ESTORE;
		json_decref(document);
	}
	gt_worker_give(rq->http->workers, w);
	free(text);
	return v;
}

enum MHD_Result gt_http_certificate_page(struct gt_request *rq)
{
	int status;
	struct gt_page p;
	json_t *v = looked(rq, &status);
	if (status == -GT_EUNKNOWN)
		return gt_page_error(
		        rq, 404, gt_errname(status),
		        gt_text_in(rq->lang, GT_T_HTTP_NO_CERTIFICATE));
	if (!v)
		return gt_rq_error(rq, status, "");
	gt_page_begin(&p, rq, gt_text_in(rq->lang, GT_T_HTTP_P_CERTIFICATE));
	body(&p, v);
	json_decref(v);
	return gt_page_end(&p, 200);
}
