/* guantong audit query: what was done.
 * Tests: e2e/test_house.py, e2e/test_sync.py. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "csv.h"
#include "measure.h"
#include "pages.h"
#include "say.h"
#include "term.h"
#include "word.h"

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

static const char *const columns[] = {
        "aid",     "at",      "node",     "actor",   "event", "kind",
        "subject", "version", "peer",     "verdict", "rule",  "layer",
        "result",  "bytes",   "transfer", "detail"};
enum { COLUMNS = sizeof columns / sizeof *columns };

static enum gt_exit print_csv(struct gt_pages *p)
{
	enum gt_exit code = GT_EXIT_OK;
	json_t *rows, *r;
	size_t i;
	for (size_t c = 0; c < COLUMNS; c++)
		gt_csv_cell(p->cli->out, columns[c], c + 1 == COLUMNS);
	while ((rows = gt_pages_next(p, &code))) {
		json_array_foreach(rows, i, r)
		{
			char text[32];
			for (size_t c = 0; c < COLUMNS; c++)
				gt_csv_cell(p->cli->out,
				            gt_pages_cell(r, columns[c], text),
				            c + 1 == COLUMNS);
		}
		json_decref(rows);
	}
	return code;
}

static bool add_audit(struct gt_table *t, json_t *r)
{
	char bytes[GT_MEASURE_SIZE] = "", detail[GT_CLI_SENTENCE];
	char at[GT_LOCAL_TIME];
	const char *event = gt_json_member(r, "event");
	/* of a note it is a word, of others what people or nodes have named */
	const char *subject = gt_json_member(r, "subject");
	uint64_t n = gt_client_number(r, "bytes");
	if (n)
		gt_measure_size(bytes, n);
	const char *cells[] = {
	        gt_local_iso(at, gt_json_member(r, "at")),
	        gt_word(gt_json_member(r, "actor")),
	        gt_word(event),
	        strcmp(event, "note") == 0 ? gt_word(subject) : subject,
	        gt_json_member(r, "peer"),
	        gt_word(gt_json_member(r, "verdict")),
	        gt_json_member(r, "rule"),
	        gt_word(gt_json_member(r, "result")),
	        bytes,
	        gt_cli_sentence(detail, gt_json_member(r, "detail"))};
	return gt_table_row(t, cells);
}

static enum gt_exit print_audit(struct gt_pages *p)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_AT),    gt_text(GT_T_CLI_C_ACTOR),
	        gt_text(GT_T_CLI_C_EVENT), gt_text(GT_T_CLI_C_SUBJECT),
	        gt_text(GT_T_CLI_C_PEER),  gt_text(GT_T_CLI_C_VERDICT),
	        gt_text(GT_T_CLI_C_RULE),  gt_text(GT_T_CLI_C_RESULT),
	        gt_text(GT_T_CLI_C_BYTES), gt_text(GT_T_CLI_C_DETAIL)};
	return gt_pages_table(p, gt_table_new("llllllllr*", heads), add_audit,
	                      GT_T_CLI_AUDIT_NONE);
}

/* Appends &key=value. False: too long. */
static bool filter(char path[GT_PAGES_PATH], const char *key, const char *value)
{
	size_t n = strlen(path);
	if (!value)
		return true;
	if (n + strlen(key) + 3 > GT_PAGES_PATH)
		return false;
	gt_format(path + n, GT_PAGES_PATH - n,
	          "%c%s=", strchr(path, '?') ? '&' : '?', key);
	return gt_client_escape(path, GT_PAGES_PATH, value, false);
}

static bool filter_time(struct gt_cli *cli, char path[GT_PAGES_PATH],
                        const char *key, const struct gt_args *args)
{
	const char *text = gt_args_get(args, key);
	char ms[32];
	int64_t at;
	if (!text)
		return true;
	if (!(gt_local_day(&at, text) || gt_measure_read_time(&at, text)) ||
	    at < 0) {
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
	        {"node", "peer"},   {"actor", "actor"}, {"type", "type"},
	        {"event", "event"}, {"kind", "kind"},   {"result", "result"}};
	const char *about = gt_args_get(args, "resource");
	struct gt_pages p = {
	        .cli = cli, .list = "rows", .path = "/admin/audit"};
	enum gt_exit code;
	/* what nodes write down today; a newer one may write more */
	static const char *const events[] = {
	        "accept",  "adopt",  "cap",    "conflict", "count",
	        "damage",  "drop",   "fetch",  "judge",    "link",
	        "merge",   "note",   "policy", "publish",  "quarantine",
	        "receive", "remove", "repair", "replace",  "retract",
	        "roster",  "send",   "serve",  "want",     "withdraw",
	        NULL};
	static const char *const kinds[] = {
	        "resource", "layer",  "member", "object",   "record",
	        "link",     "daemon", "clock",  "document", NULL};
	bool ok = gt_cli_words(cli, args, "event", events) &&
	          gt_cli_words(cli, args, "kind", kinds) &&
	          gt_cli_words(cli, args, "type", gt_word_types) &&
	          gt_pages_begin(&p, args) &&
	          filter_time(cli, p.path, "from", args) &&
	          filter_time(cli, p.path, "to", args);
	for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++)
		ok = filter(p.path, names[i][1],
		            gt_args_get(args, names[i][0]));
	/* of a resource also what befell its content */
	ok = ok && filter(p.path,
	                  about && gt_rid_valid(about) ? "resource" : "subject",
	                  about);
	if (!ok)
		return GT_EXIT_USAGE;
	p.client = gt_cli_open(cli, &code);
	if (!p.client)
		return code;
	if (gt_args_get(args, "csv"))
		code = print_csv(&p);
	else
		code = cli->json ? gt_pages_json(&p) : print_audit(&p);
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
