#include "pages.h"

#include <string.h>

#include "say.h"

enum { PAGE = 1000 };

json_t *gt_pages_next(struct gt_pages *p, enum gt_exit *code)
{
	char path[GT_PAGES_PATH + 64];
	json_t *page;
	if (p->over || p->left == 0)
		return NULL;
	gt_format(path, sizeof path, "%s%cafter=%llu&limit=%u", p->path,
	          strchr(p->path, '?') ? '&' : '?',
	          (unsigned long long)p->after,
	          (unsigned)(p->left < PAGE ? p->left : PAGE));
	int status = gt_client_get(p->client, path, 0, &page);
	if (status) {
		*code = gt_cli_refused(p->cli, status, p->client);
		return NULL;
	}
	json_t *rows = json_incref(json_object_get(page, p->list));
	uint64_t next = gt_client_number(page, "next");
	/* a page that leads nowhere new is the last */
	p->over = next <= p->after;
	p->after = next;
	p->left -= json_array_size(rows) < p->left ? json_array_size(rows)
	                                           : p->left;
	json_decref(page);
	return rows;
}

bool gt_pages_begin(struct gt_pages *p, const struct gt_args *args)
{
	p->left = UINT64_MAX;
	return gt_cli_number(p->cli, args, "limit", 1, UINT32_MAX, &p->left) &&
	       gt_cli_number(p->cli, args, "after", 0, INT64_MAX, &p->after);
}

enum gt_exit gt_pages_table(struct gt_pages *p, struct gt_table *t,
                            gt_pages_row *add, enum gt_text none)
{
	enum gt_exit code = GT_EXIT_OK;
	size_t i, n = 0;
	json_t *rows, *r;
	bool ok = t != NULL;
	while (ok && (rows = gt_pages_next(p, &code))) {
		json_array_foreach(rows, i, r) ok = ok && add(t, r);
		n += i;
		json_decref(rows);
	}
	if (!ok)
		code = gt_cli_no_memory(p->cli);
	else if (!code && n == 0)
		gt_say(p->cli->out, none);
	else if (!code)
		gt_table_print(t, p->cli->out, gt_term_columns(p->cli->out));
	gt_table_free(t);
	return code;
}

enum gt_exit gt_pages_json(struct gt_pages *p)
{
	enum gt_exit code = GT_EXIT_OK;
	json_t *all = json_array(), *rows;
	json_t *whole = json_pack("{s:O}", p->list, all);
	while (whole && (rows = gt_pages_next(p, &code))) {
		(void)json_array_extend(all, rows);
		json_decref(rows);
	}
	if (!code && !gt_cli_json(p->cli, whole))
		code = gt_cli_no_memory(p->cli);
	json_decref(whole);
	json_decref(all);
	return code;
}

const char *gt_pages_cell(const json_t *row, const char *name, char out[32])
{
	const json_t *v = json_object_get(row, name);
	if (json_is_integer(v)) {
		gt_format(out, 32, "%lld", (long long)json_integer_value(v));
		return out;
	}
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	return gt_json_member(row, name);
}
