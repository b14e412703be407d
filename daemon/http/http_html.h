/* http_html.h: the frame around every page, and words a page is made of. */
#ifndef GT_HTTP_HTML_H
#define GT_HTTP_HTML_H

#include "http_request.h"

struct gt_page {
	struct gt_request *rq;
	struct gt_out out;
	const char *lang;
};

/* Doctype to the opening of <main>: title (escaped here), the node's name and
 * the two languages. */
void gt_page_begin(struct gt_page *p, struct gt_request *rq, const char *title);
/* Closes the page and sends it. */
enum MHD_Result gt_page_end(struct gt_page *p, unsigned status);

void gt_page_say(struct gt_page *p, enum gt_text key);  /* escaped */
void gt_page_text(struct gt_page *p, const char *text); /* escaped */
/* "<span class='chip KIND'>word</span>", KIND being a plain word. */
void gt_page_chip(struct gt_page *p, const char *kind, const char *word);
/* What people call a type, verdict or state; the word itself if unknown. */
const char *gt_page_word(const struct gt_page *p, const char *word);
/* A title in the page's language, else any. "" when there is none. */
const char *gt_page_pick(const struct gt_page *p, const json_t *texts);
/* A member of an object as text; "". */
const char *gt_page_member(const json_t *v, const char *key);
uint64_t gt_page_count(const json_t *v, const char *key);

#endif
