#include "resource.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

enum {
	HEAD_MAX = 4 << 20,
	FILE_MAX = 64 << 10,
	URL = 6144,
};

/* Quotes within a string are escaped, so this is never within one. */
static const char files_begin[] = ",\"files\":[";

static int fail(struct gt_resource_reading *r, int status)
{
	r->status = status;
	return -1;
}

/* ----------------------------------------------------------- reading */

static json_t *parse(struct gt_resource_reading *r, size_t n, const char *more)
{
	r->text.n = n;
	json_t *v = gt_buffer_str(&r->text, more)
	                    ? gt_json_load(gt_buffer_bytes(&r->text),
	                                   JSON_DECODE_ANY, NULL)
	                    : NULL;
	r->text.n = 0;
	return v;
}

/* Looks for the end of the head in what came; how many bytes of p were needed
 * for it, 0: all, and it is not there yet. */
static size_t find_head(struct gt_resource_reading *r, const char *p, size_t n)
{
	const size_t mark = sizeof files_begin - 1;
	size_t before = r->text.n;
	if (n > HEAD_MAX - before || !gt_buffer_add(&r->text, p, n)) {
		(void)fail(r,
		           n > HEAD_MAX - before ? -GT_EMALFORMED : -GT_ENOMEM);
		return 0;
	}
	const char *text = (const char *)r->text.p;
	for (; r->looked + mark <= r->text.n; r->looked++)
		if (memcmp(text + r->looked, files_begin, mark) == 0)
			break;
	if (r->looked + mark > r->text.n)
		return 0;
	size_t used = r->looked + mark - before;
	r->head = parse(r, r->looked, "}");
	r->where = GT_RESOURCE_FILES;
	if (!r->head)
		(void)fail(r, -GT_EMALFORMED);
	return used;
}

/* The file in r->text is whole. */
static int end_file(struct gt_resource_reading *r)
{
	json_t *v = parse(r, r->text.n, "");
	if (!v)
		return fail(r, -GT_EMALFORMED);
	bool ok = !r->file || r->file(r->arg, v);
	json_decref(v);
	return ok ? 0 : fail(r, -GT_ENOMEM);
}

/* A byte of the list. */
static int take_byte(struct gt_resource_reading *r, char c)
{
	if (r->depth == 0 && c == ']')
		r->where = GT_RESOURCE_TAIL;
	if (r->depth == 0 && c != '{')
		return 0; /* between files */
	if (r->text.n >= FILE_MAX)
		return fail(r, -GT_EMALFORMED);
	if (!gt_buffer_add(&r->text, &c, 1))
		return fail(r, -GT_ENOMEM);
	if (r->quoted) {
		r->quoted = r->escaped || c != '"';
		r->escaped = !r->escaped && c == '\\';
	} else if (c == '"') {
		r->quoted = true;
	} else if (c == '{' || c == '[') {
		r->depth++;
	} else if ((c == '}' || c == ']') && --r->depth == 0) {
		return end_file(r);
	}
	return 0;
}

int gt_resource_take(void *reading, const void *p, size_t n)
{
	struct gt_resource_reading *r = reading;
	const char *c = p, *end = c + n;
	if (r->where == GT_RESOURCE_HEAD) {
		size_t used = find_head(r, c, n);
		c = used ? c + used : end;
	}
	while (!r->status && c < end && r->where == GT_RESOURCE_FILES)
		(void)take_byte(r, *c++);
	return r->status;
}

int gt_resource_end(struct gt_resource_reading *r)
{
	if (!r->status && r->where == GT_RESOURCE_HEAD) {
		/* none of its files are known here, or none were asked for */
		r->head = parse(r, r->text.n, "");
		if (!r->head)
			r->status = -GT_EMALFORMED;
	} else if (!r->status && r->where == GT_RESOURCE_FILES) {
		r->status = -GT_EMALFORMED; /* broken off */
	}
	return r->status;
}

/* ------------------------------------------------------------ asking */

/* With the head in *head as soon as it is there. */
struct asking {
	struct gt_resource_reading reading;
	gt_resource_file *file;
	void *arg;
	json_t **head;
};

static bool hand_on(void *arg, const json_t *file)
{
	struct asking *a = arg;
	*a->head = a->reading.head;
	return a->file(a->arg, file);
}

int gt_resource_ask(struct gt_client *client, const char *rid,
                    gt_resource_file *file, void *arg, json_t **head)
{
	char path[URL] = "/api/resources/";
	struct asking a = {.file = file, .arg = arg, .head = head};
	a.reading.file = file ? hand_on : NULL;
	a.reading.arg = &a;
	*head = NULL;
	bool fits = gt_client_escape(path, sizeof path - 16, rid, true);
	assert(fits); /* a rid that is valid does */
	if (!file)
		(void)gt_copy(path + strlen(path), 16, "?files=0");
	int status =
	        gt_client_download(client, path, gt_resource_take, &a.reading);
	int bad = a.reading.status;
	if (!status || bad)
		bad = gt_resource_end(&a.reading);
	if (bad)
		status = gt_client_failed(client, bad);
	gt_buffer_free(&a.reading.text);
	*head = status ? NULL : a.reading.head;
	if (status)
		json_decref(a.reading.head);
	return status;
}

/* -------------------------------------------------------------- JSON */

struct printing {
	struct gt_cli *cli;
	json_t *head;
	size_t n;
};

static bool print_file(void *arg, const json_t *file)
{
	struct printing *p = arg;
	FILE *out = p->cli->out;
	char *head = p->n ? NULL : json_dumps(p->head, JSON_INDENT(2));
	char *text = json_dumps(file, JSON_INDENT(2));
	bool ok = text && (head || p->n > 0);
	/* the head but for its last line, "}" */
	if (ok && p->n == 0)
		(void)fprintf(out, "%.*s,\n  \"files\": [",
		              (int)(strlen(head) - 2), head);
	if (ok)
		(void)fputs(p->n++ ? ",\n    " : "\n    ", out);
	for (const char *c = text; ok && *c; c++) {
		(void)fputc(*c, out);
		if (*c == '\n')
			(void)fputs("    ", out);
	}
	free(head);
	free(text);
	return ok;
}

enum gt_exit gt_resource_json(struct gt_cli *cli, struct gt_client *client,
                              const char *rid)
{
	struct printing p = {.cli = cli};
	enum gt_exit code = GT_EXIT_OK;
	int status = gt_resource_ask(client, rid, print_file, &p, &p.head);
	if (status)
		code = gt_cli_refused(cli, status, client);
	else if (p.n > 0)
		(void)fputs("\n  ]\n}\n", cli->out);
	else if (!gt_cli_json(cli, p.head))
		code = gt_cli_no_memory(cli);
	json_decref(p.head);
	return code;
}
