/* guantong records, audit query: what was handed in, and what was done. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "measure.h"
#include "say.h"
#include "term.h"
#include "translate.h"

enum { PATH = 4096, PAGE = 1000 };

const struct gt_option gt_cmd_records_options[] = {
        {"quarantine", NULL, GT_T_CLI_O_QUARANTINE, 'q'},
        {"after", "SEQ", GT_T_CLI_O_AFTER, 0},
        {"limit", "N", GT_T_CLI_O_LIMIT, 'n'},
        {NULL, NULL, 0, 0},
};
static const struct gt_option audit_options[] = {
        {"from", "TIME", GT_T_CLI_O_AUDIT_FROM, 0},
        {"to", "TIME", GT_T_CLI_O_AUDIT_TO, 0},
        {"node", "CODE", GT_T_CLI_O_AUDIT_NODE, 0},
        {"actor", "WHO", GT_T_CLI_O_AUDIT_ACTOR, 0},
        {"resource", "ID", GT_T_CLI_O_AUDIT_RESOURCE, 0},
        {"type", "TYPE", GT_T_CLI_O_TYPE, 0},
        {"event", "EVENT", GT_T_CLI_O_AUDIT_EVENT, 0},
        {"kind", "KIND", GT_T_CLI_O_AUDIT_KIND, 0},
        {"result", "RESULT", GT_T_CLI_O_AUDIT_RESULT, 0},
        {"after", "ID", GT_T_CLI_O_AFTER, 0},
        {"limit", "N", GT_T_CLI_O_LIMIT, 'n'},
        {"csv", NULL, GT_T_CLI_O_CSV, 0},
        {NULL, NULL, 0, 0},
};

/* Pages of a list, one after the other. */
struct pages {
	struct gt_cli *cli;
	struct gt_client *client;
	const char *list;     /* the array's name in an answer */
	char path[PATH];      /* with everything but after and limit */
	uint64_t after, left; /* rows still wanted */
	bool over;
};

/* The next page's rows, owned by the caller; NULL: no more, or *code. */
static json_t *next_page(struct pages *p, enum gt_exit *code)
{
	char path[PATH + 64];
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
	p->over = next <= p->after || !json_array_size(rows);
	p->after = next;
	p->left -= json_array_size(rows) < p->left ? json_array_size(rows)
	                                           : p->left;
	json_decref(page);
	return rows;
}

static bool begin(struct pages *p, const struct gt_args *args)
{
	p->left = UINT64_MAX;
	return gt_cli_number(p->cli, args, "limit", 1, UINT32_MAX, &p->left) &&
	       gt_cli_number(p->cli, args, "after", 0, INT64_MAX, &p->after);
}

/* Every row, under the list's name, as one object. */
static enum gt_exit print_json(struct pages *p)
{
	enum gt_exit code = GT_EXIT_OK;
	json_t *all = json_array(), *rows;
	json_t *whole = json_pack("{s:O}", p->list, all);
	while (whole && (rows = next_page(p, &code))) {
		(void)json_array_extend(all, rows);
		json_decref(rows);
	}
	if (!code && !gt_cli_json(p->cli, whole))
		code = gt_cli_no_memory(p->cli);
	json_decref(whole);
	json_decref(all);
	return code;
}

/* A member as text: numbers and truths are written out. */
static const char *cell(const json_t *row, const char *name, char out[32])
{
	const json_t *v = json_object_get(row, name);
	if (json_is_integer(v)) {
		gt_format(out, 32, "%lld", (long long)json_integer_value(v));
		return out;
	}
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	return gt_client_text(row, name);
}

/* ---------------------------------------------------------- records */

static const char *verb_of(const json_t *statement)
{
	const char *id =
	        gt_client_text(json_object_get(statement, "verb"), "id");
	const char *slash = strrchr(id, '/');
	return slash && slash[1] ? slash + 1 : id;
}

static bool add_record(struct gt_table *t, const json_t *r, bool quarantine)
{
	char seq[32];
	const json_t *s = json_object_get(r, "statement");
	const char *object = gt_client_text(json_object_get(s, "object"), "id");
	if (quarantine) {
		char reason[GT_TRANSLATE_MAX];
		const char *cells[] = {
		        gt_client_text(r, "at"), gt_client_text(r, "origin"),
		        gt_client_text(r, "id"),
		        gt_translate(reason, NULL,
		                     gt_client_text(r, "reason"))};
		return gt_table_row(t, cells);
	}
	const char *cells[] = {cell(r, "seq", seq),
	                       gt_client_text(r, "stored"),
	                       gt_client_text(r, "origin"),
	                       gt_client_text(r, "id"),
	                       verb_of(s),
	                       object};
	return gt_table_row(t, cells);
}

static enum gt_exit print_records(struct pages *p, bool quarantine)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_SEQ),    gt_text(GT_T_CLI_C_STORED),
	        gt_text(GT_T_CLI_C_ORIGIN), gt_text(GT_T_CLI_C_ID),
	        gt_text(GT_T_CLI_C_VERB),   gt_text(GT_T_CLI_C_OBJECT)};
	const char *odd[] = {gt_text(GT_T_CLI_C_AT), gt_text(GT_T_CLI_C_ORIGIN),
	                     gt_text(GT_T_CLI_C_ID),
	                     gt_text(GT_T_CLI_C_REASON)};
	struct gt_table *t = quarantine ? gt_table_new("lll*", odd)
	                                : gt_table_new("rllll*", heads);
	enum gt_exit code = GT_EXIT_OK;
	size_t i, n = 0;
	json_t *rows, *r;
	bool ok = t != NULL;
	while (ok && (rows = next_page(p, &code))) {
		json_array_foreach(rows, i, r) ok =
		        ok && add_record(t, r, quarantine);
		n += i;
		json_decref(rows);
	}
	if (!ok)
		code = gt_cli_no_memory(p->cli);
	else if (!code && n == 0)
		gt_say(p->cli->out, GT_T_CLI_RECORDS_NONE);
	else if (!code)
		gt_table_print(t, p->cli->out, gt_term_columns(p->cli->out));
	gt_table_free(t);
	return code;
}

enum gt_exit gt_cmd_records(struct gt_cli *cli, const struct gt_args *args)
{
	bool quarantine = gt_args_get(args, "quarantine") != NULL;
	struct pages p = {.cli = cli,
	                  .list = quarantine ? "quarantine" : "records"};
	enum gt_exit code;
	gt_format(p.path, sizeof p.path, "/admin/%s", p.list);
	if (!begin(&p, args))
		return GT_EXIT_USAGE;
	p.client = gt_cli_open(cli, &code);
	if (!p.client)
		return code;
	code = cli->json ? print_json(&p) : print_records(&p, quarantine);
	gt_client_close(p.client);
	return code;
}

/* ------------------------------------------------------------ audit */

static const char *const columns[] = {
        "aid",     "at",      "node",     "actor",   "event", "kind",
        "subject", "version", "peer",     "verdict", "rule",  "layer",
        "result",  "bytes",   "transfer", "detail"};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* RFC 4180, with cells a spreadsheet would take for a formula disarmed. */
static void csv_cell(FILE *out, const char *text, bool last)
{
	bool formula = *text && strchr("=+-@\t\r", *text);
	(void)fputc('"', out);
	if (formula)
		(void)fputc('\'', out);
	for (; *text; text++) {
		if (*text == '"')
			(void)fputc('"', out);
		(void)fputc(*text, out);
	}
	(void)fputs(last ? "\"\r\n" : "\",", out);
}

static enum gt_exit print_csv(struct pages *p)
{
	enum gt_exit code = GT_EXIT_OK;
	json_t *rows, *r;
	size_t i;
	for (size_t c = 0; c < COLUMNS; c++)
		csv_cell(p->cli->out, columns[c], c + 1 == COLUMNS);
	while ((rows = next_page(p, &code))) {
		json_array_foreach(rows, i, r)
		{
			char text[32];
			for (size_t c = 0; c < COLUMNS; c++)
				csv_cell(p->cli->out, cell(r, columns[c], text),
				         c + 1 == COLUMNS);
		}
		json_decref(rows);
	}
	return code;
}

static bool add_audit(struct gt_table *t, const json_t *r)
{
	char bytes[GT_MEASURE_SIZE] = "", detail[GT_TRANSLATE_MAX];
	uint64_t n = gt_client_number(r, "bytes");
	if (n)
		gt_measure_size(bytes, n);
	const char *cells[] = {
	        gt_client_text(r, "at"),
	        gt_client_text(r, "actor"),
	        gt_client_text(r, "event"),
	        gt_client_text(r, "subject"),
	        gt_client_text(r, "peer"),
	        gt_client_text(r, "verdict"),
	        gt_client_text(r, "rule"),
	        gt_client_text(r, "result"),
	        bytes,
	        gt_translate(detail, NULL, gt_client_text(r, "detail"))};
	return gt_table_row(t, cells);
}

static enum gt_exit print_audit(struct pages *p)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_AT),    gt_text(GT_T_CLI_C_ACTOR),
	        gt_text(GT_T_CLI_C_EVENT), gt_text(GT_T_CLI_C_SUBJECT),
	        gt_text(GT_T_CLI_C_PEER),  gt_text(GT_T_CLI_C_VERDICT),
	        gt_text(GT_T_CLI_C_RULE),  gt_text(GT_T_CLI_C_RESULT),
	        gt_text(GT_T_CLI_C_BYTES), gt_text(GT_T_CLI_C_DETAIL)};
	struct gt_table *t = gt_table_new("llllllllr*", heads);
	enum gt_exit code = GT_EXIT_OK;
	size_t i, n = 0;
	json_t *rows, *r;
	bool ok = t != NULL;
	while (ok && (rows = next_page(p, &code))) {
		json_array_foreach(rows, i, r) ok = ok && add_audit(t, r);
		n += i;
		json_decref(rows);
	}
	if (!ok)
		code = gt_cli_no_memory(p->cli);
	else if (!code && n == 0)
		gt_say(p->cli->out, GT_T_CLI_AUDIT_NONE);
	else if (!code)
		gt_table_print(t, p->cli->out, gt_term_columns(p->cli->out));
	gt_table_free(t);
	return code;
}

/* Appends &key=value. False: too long. */
static bool filter(char path[PATH], const char *key, const char *value)
{
	size_t n = strlen(path);
	if (!value)
		return true;
	if (n + strlen(key) + 3 > PATH)
		return false;
	gt_format(path + n, PATH - n, "%c%s=", strchr(path, '?') ? '&' : '?',
	          key);
	return gt_client_escape(path, PATH, value, false);
}

static bool filter_time(struct gt_cli *cli, char path[PATH], const char *key,
                        const struct gt_args *args)
{
	const char *text = gt_args_get(args, key);
	char ms[32];
	int64_t at;
	if (!text)
		return true;
	if (!gt_measure_read_time(&at, text) || at < 0) {
		gt_say(cli->err, GT_T_CLI_AUDIT_TIME, key, text);
		return false;
	}
	gt_format(ms, sizeof ms, "%lld", (long long)at);
	return filter(path, key, ms);
}

static enum gt_exit run_query(struct gt_cli *cli, const struct gt_args *args)
{
	/* options and what the query calls them */
	static const char *const names[][2] = {
	        {"node", "peer"},        {"actor", "actor"},
	        {"resource", "subject"}, {"type", "type"},
	        {"event", "event"},      {"kind", "kind"},
	        {"result", "result"}};
	struct pages p = {.cli = cli, .list = "rows", .path = "/admin/audit"};
	enum gt_exit code;
	bool ok = begin(&p, args) && filter_time(cli, p.path, "from", args) &&
	          filter_time(cli, p.path, "to", args);
	for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++)
		ok = filter(p.path, names[i][1],
		            gt_args_get(args, names[i][0]));
	if (!ok)
		return GT_EXIT_USAGE;
	p.client = gt_cli_open(cli, &code);
	if (!p.client)
		return code;
	if (gt_args_get(args, "csv"))
		code = print_csv(&p);
	else
		code = cli->json ? print_json(&p) : print_audit(&p);
	gt_client_close(p.client);
	return code;
}

const struct gt_command gt_cmd_audit[] = {
        {"query", "", GT_T_CLI_A_AUDIT_QUERY, 0, 0, audit_options,
         "guantong audit query --resource 33/phone-basics --csv\n"
         "guantong audit query --from 2025-11-01 --to 2025-12-01 "
         "--event receive --result ok\n"
         "guantong audit query --node '330106*' --type video --json\n",
         run_query, NULL},
        {0},
};
