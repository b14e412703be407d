/* guantong records: what was handed in.
 * Tests: e2e/test_house.py, e2e/test_records.py. */
#include <stdlib.h>
#include <string.h>

#include "pages.h"
#include "say.h"
#include "term.h"
#include "translate.h"

const struct gt_option gt_cmd_records_options[] = {
        {"quarantine", NULL, GT_T_CLI_O_QUARANTINE, 'q'},
        {"after", "SEQ", GT_T_CLI_O_AFTER, 0},
        {"limit", "N", GT_T_CLI_O_LIMIT, 'n'},
        {NULL, NULL, 0, 0},
};
static const char *verb_of(const json_t *statement)
{
	const char *id =
	        gt_json_member(json_object_get(statement, "verb"), "id");
	const char *slash = strrchr(id, '/');
	return slash && slash[1] ? slash + 1 : id;
}

static bool add_record(struct gt_table *t, json_t *r)
{
	char seq[32];
	const json_t *s = json_object_get(r, "statement");
	const char *cells[] = {
	        gt_pages_cell(r, "seq", seq),
	        gt_json_member(r, "stored"),
	        gt_json_member(r, "origin"),
	        gt_json_member(r, "id"),
	        verb_of(s),
	        gt_json_member(json_object_get(s, "object"), "id")};
	return gt_table_row(t, cells);
}

static bool add_refused(struct gt_table *t, json_t *r)
{
	char reason[GT_TRANSLATE_MAX];
	const char *cells[] = {
	        gt_json_member(r, "at"), gt_json_member(r, "origin"),
	        gt_json_member(r, "id"),
	        gt_translate(reason, NULL, gt_json_member(r, "reason"))};
	return gt_table_row(t, cells);
}

static enum gt_exit print_records(struct gt_pages *p, bool quarantine)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_SEQ),    gt_text(GT_T_CLI_C_STORED),
	        gt_text(GT_T_CLI_C_ORIGIN), gt_text(GT_T_CLI_C_ID),
	        gt_text(GT_T_CLI_C_VERB),   gt_text(GT_T_CLI_C_OBJECT)};
	const char *odd[] = {gt_text(GT_T_CLI_C_AT), gt_text(GT_T_CLI_C_ORIGIN),
	                     gt_text(GT_T_CLI_C_ID),
	                     gt_text(GT_T_CLI_C_REASON)};
	return quarantine ? gt_pages_table(p, gt_table_new("lll*", odd),
	                                   add_refused, GT_T_CLI_RECORDS_NONE)
	                  : gt_pages_table(p, gt_table_new("rllll*", heads),
	                                   add_record, GT_T_CLI_RECORDS_NONE);
}

enum gt_exit gt_cmd_records(struct gt_cli *cli, const struct gt_args *args)
{
	bool quarantine = gt_args_get(args, "quarantine") != NULL;
	struct gt_pages p = {.cli = cli,
	                     .list = quarantine ? "quarantine" : "records"};
	enum gt_exit code;
	gt_format(p.path, sizeof p.path, "/admin/%s", p.list);
	if (!gt_pages_begin(&p, args))
		return GT_EXIT_USAGE;
	p.client = gt_cli_open(cli, &code);
	if (!p.client)
		return code;
	code = cli->json ? gt_pages_json(&p) : print_records(&p, quarantine);
	gt_client_close(p.client);
	return code;
}
