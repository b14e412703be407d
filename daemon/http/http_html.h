/* http_html.h: the frame around every page, errors' included, and words a page
 * is made of.
 * Tests: u_http.c. */
#ifndef GT_HTTP_HTML_H
#define GT_HTTP_HTML_H

#include "http_out.h"
#include "http_request.h"

struct gt_page {
	struct gt_request *rq;
	struct gt_buffer out;
	const char *lang;
};

/* In pieces, ended by NULL. http_style.c */
extern const char *const gt_page_style[];

/* Doctype to the opening of <main>: title (escaped here), the node's name and
 * the two languages. The page's own <h1> is the caller's. */
void gt_page_begin(struct gt_page *p, struct gt_request *rq, const char *title);
/* Closes the page and sends it. */
enum MHD_Result gt_page_end(struct gt_page *p, unsigned status);
/* The same, and the browser asks again by itself soon. */
enum MHD_Result gt_page_again(struct gt_page *p, unsigned status);
/* Is it a browser that shows the answer to somebody? */
bool gt_page_wanted(struct gt_request *rq);
/* A page instead of {"error","message"}. */
enum MHD_Result gt_page_error(struct gt_request *rq, unsigned status,
                              const char *name, const char *message);

/* One of our texts in the page's language, escaped. */
void gt_page_say(struct gt_page *p, enum gt_text key);
/* A text, escaped. */
void gt_page_text(struct gt_page *p, const char *text);
/* "<h2>name</h2>" */
void gt_page_heading(struct gt_page *p, enum gt_text name);
/* A name and, until gt_page_fact_end, what is written behind it, in a <dl>. */
void gt_page_fact(struct gt_page *p, enum gt_text name);
/* Ends the fact that was begun. */
void gt_page_fact_end(struct gt_page *p);
/* "<span class='chip KIND'>word</span>", KIND being a plain word. */
void gt_page_chip(struct gt_page *p, const char *kind, const char *word);
/* The address of the node's first page, in the page's language, wherever this
 * page is. */
void gt_page_home(struct gt_page *p);
/* The kind of chip a verdict or state is shown as. */
const char *gt_page_kind(const char *word);
/* What people call a type, verdict, state, audience or subject; the word itself
 * if it is not known. */
const char *gt_page_word(const struct gt_page *p, const char *word);
/* A title in the page's language, else any. "" when there is none. */
const char *gt_page_pick(const struct gt_page *p, const json_t *texts);
/* "&amp;name=value", encoded; nothing without a value. */
void gt_page_pair(struct gt_page *p, const char *name, const char *value);
/* Words, with what the language puts between them. */
void gt_page_list(struct gt_page *p, const json_t *values);
/* The chip of a resource's state, and how much of it has arrived. */
void gt_page_state(struct gt_page *p, const json_t *resource);
/* A bar of progress. */
void gt_page_bar(struct gt_page *p, uint64_t done, uint64_t all);
/* "3 s ago" */
void gt_page_ago(struct gt_page *p, int64_t then_ms);
/* An ISO time in local time with its zone, down to the minute. */
void gt_page_time(struct gt_page *p, const char *iso);
/* A sentence of the core's, in the page's language, its times in local time. */
void gt_page_sentence(struct gt_page *p, const char *sentence);

#endif
