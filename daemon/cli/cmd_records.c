/* guantong records: what was handed in.
 * Tests: e2e/test_house.py, e2e/test_records.py. */
#include <stdlib.h>
#include <string.h>

#include "cmd_report.h"
#include "code.h"
#include "pages.h"
#include "say.h"
#include "statement.h"
#include "term.h"
#include "word.h"

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
	char seq[32], gap[GT_CLI_SENTENCE + 32], why[GT_CLI_SENTENCE];
	char stored[GT_LOCAL_TIME];
	const json_t *s = json_object_get(r, "statement");
	const char *damage = gt_json_member(r, "gap");
	gt_say_into(gap, sizeof gap, GT_T_CLI_RECORDS_GAP,
	            gt_cli_sentence(why, damage));
	const char *cells[] = {
	        gt_pages_cell(r, "seq", seq),
	        gt_local_iso(stored, gt_json_member(r, "stored")),
	        gt_json_member(r, "origin"),
	        gt_json_member(r, "id"),
	        verb_of(s),
	        *damage ? gap
	                : gt_json_member(json_object_get(s, "object"), "id")};
	return gt_table_row(t, cells);
}

static bool add_refused(struct gt_table *t, json_t *r)
{
	char reason[GT_CLI_SENTENCE], qid[32], at[GT_LOCAL_TIME];
	const char *cells[] = {
	        gt_pages_cell(r, "qid", qid),
	        gt_local_iso(at, gt_json_member(r, "at")),
	        gt_json_member(r, "origin"), gt_json_member(r, "id"),
	        gt_cli_sentence(reason, gt_json_member(r, "reason"))};
	return gt_table_row(t, cells);
}

static enum gt_exit print_records(struct gt_pages *p, bool aside)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_SEQ),    gt_text(GT_T_CLI_C_STORED),
	        gt_text(GT_T_CLI_C_ORIGIN), gt_text(GT_T_CLI_C_ID),
	        gt_text(GT_T_CLI_C_VERB),   gt_text(GT_T_CLI_C_OBJECT)};
	const char *odd[] = {gt_text(GT_T_CLI_C_NUMBER), gt_text(GT_T_CLI_C_AT),
	                     gt_text(GT_T_CLI_C_ORIGIN), gt_text(GT_T_CLI_C_ID),
	                     gt_text(GT_T_CLI_C_REASON)};
	return aside ? gt_pages_table(p, gt_table_new("rlll*", odd),
	                              add_refused, GT_T_CLI_RECORDS_NONE)
	             : gt_pages_table(p, gt_table_new("rllll*", heads),
	                              add_record, GT_T_CLI_RECORDS_NONE);
}

static enum gt_exit list(struct gt_cli *cli, const struct gt_args *args,
                         bool aside)
{
	struct gt_pages p = {.cli = cli,
	                     .list = aside ? "quarantine" : "records"};
	enum gt_exit code;
	gt_format(p.path, sizeof p.path, "/admin/%s", p.list);
	if (!gt_pages_begin(&p, args))
		return GT_EXIT_USAGE;
	p.client = gt_cli_open(cli, &code);
	if (!p.client)
		return code;
	code = cli->json ? gt_pages_json(&p) : print_records(&p, aside);
	gt_client_close(p.client);
	return code;
}

enum gt_exit gt_cmd_records(struct gt_cli *cli, const struct gt_args *args)
{
	return list(cli, args, gt_args_get(args, "quarantine") != NULL);
}

/* ------------------------------------------------------- quarantine */

static const struct gt_option list_options[] = {
        {"after", "NUMBER", GT_T_CLI_O_AFTER, 0},
        {"limit", "N", GT_T_CLI_O_LIMIT, 'n'},
        {NULL, NULL, 0, 0},
};

static enum gt_exit quarantine_ls(struct gt_cli *cli,
                                  const struct gt_args *args)
{
	return list(cli, args, true);
}

/* False: said what is wrong with it. */
static bool number(struct gt_cli *cli, const char *word)
{
	size_t n = strspn(word, "0123456789");
	if (n > 0 && n < 19 && word[n] == '\0' && strspn(word, "0") < n)
		return true;
	(void)fputs("guantong: ", cli->err);
	gt_say(cli->err, GT_T_CLI_QUARANTINE_NUMBER, word);
	return false;
}

/* What others sent must not speak to the terminal. */
static char *plain(const char *body)
{
	char *text = strdup(body);
	for (char *c = text; c && *c; c++)
		if (((unsigned char)*c < ' ' && *c != '\n' && *c != '\t') ||
		    *c == 0x7f)
			*c = '?';
	return text;
}

static bool tell_one(struct gt_cli *cli, json_t *v)
{
	char reason[GT_CLI_SENTENCE], stored[GT_LOCAL_TIME], at[GT_LOCAL_TIME];
	char *body = plain(gt_json_member(v, "body"));
	if (!body)
		return false;
	gt_say(cli->out, GT_T_CLI_QUARANTINE_ONE,
	       (unsigned long long)gt_client_number(v, "qid"),
	       gt_cli_sentence(reason, gt_json_member(v, "reason")),
	       gt_json_member(v, "id"), gt_json_member(v, "origin"),
	       gt_json_member(v, "via"),
	       (unsigned long long)gt_client_number(v, "origin_seq"),
	       gt_local_iso(stored, gt_json_member(v, "stored")),
	       gt_local_iso(at, gt_json_member(v, "at")),
	       gt_json_member(v, "form"),
	       (unsigned long long)gt_client_number(v, "bytes"), body);
	free(body);
	return true;
}

static enum gt_exit quarantine_show(struct gt_cli *cli,
                                    const struct gt_args *args)
{
	char path[64];
	enum gt_exit code;
	json_t *answer;
	const char *word = gt_args_word(args, 0);
	if (!number(cli, word))
		return GT_EXIT_USAGE;
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	gt_format(path, sizeof path, "/admin/quarantine/%s", word);
	int status = gt_client_get(client, path, 0, &answer);
	if (gt_cli_answered(cli, client, status, answer, &code) &&
	    !tell_one(cli, answer))
		code = gt_cli_no_memory(cli);
	json_decref(answer);
	gt_client_close(client);
	return code;
}

static enum gt_exit drop_one(struct gt_cli *cli, struct gt_client *client,
                             const char *word)
{
	enum gt_exit code;
	json_t *answer;
	json_t *body = json_pack("{s:I}", "qid", (json_int_t)atoll(word));
	int status = gt_client_post_json(client, "/admin/quarantine/drop", body,
	                                 &answer);
	if (gt_cli_answered(cli, client, status, answer, &code))
		gt_say(cli->out, GT_T_CLI_QUARANTINE_DROPPED, word);
	json_decref(answer);
	json_decref(body);
	return code;
}

static enum gt_exit quarantine_drop(struct gt_cli *cli,
                                    const struct gt_args *args)
{
	enum gt_exit code = GT_EXIT_OK;
	size_t n = gt_args_words(args);
	for (size_t i = 0; i < n; i++)
		if (!number(cli, gt_args_word(args, i)))
			return GT_EXIT_USAGE;
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	code = GT_EXIT_OK;
	for (size_t i = 0; i < n && code == GT_EXIT_OK; i++)
		code = drop_one(cli, client, gt_args_word(args, i));
	gt_client_close(client);
	return code;
}

static const struct gt_command quarantine[] = {
        {"ls", "", GT_T_CLI_A_QUARANTINE_LS, 0, 0, list_options,
         "guantong records quarantine ls\n", quarantine_ls, NULL},
        {"show", "NUMBER", GT_T_CLI_A_QUARANTINE_SHOW, 1, 1, NULL,
         "guantong records quarantine show 7\n", quarantine_show, NULL},
        {"drop", "NUMBER...", GT_T_CLI_A_QUARANTINE_DROP, 1, 1000, NULL,
         "guantong records quarantine drop 7 8\n", quarantine_drop, NULL},
        {0},
};

/* ---------------------------------------------------------- groups */

static bool add_group(struct gt_table *t, json_t *r)
{
	char learners[32], statements[32];
	const char *verb = gt_json_member(r, "verb");
	const char *slash = strrchr(verb, '/');
	const char *activity = gt_json_member(r, "activity");
	const char *cells[] = {gt_json_member(r, "region"),
	                       gt_json_member(r, "month"),
	                       gt_pages_cell(r, "learners", learners),
	                       gt_pages_cell(r, "statements", statements),
	                       slash && slash[1] ? slash + 1 : verb,
	                       *activity ? activity
	                                 : gt_text(GT_T_CLI_GROUPS_SEVERAL)};
	return json_is_null(r) || gt_table_row(t, cells);
}

static enum gt_exit groups(struct gt_cli *cli, const struct gt_args *args)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_REGION),   gt_text(GT_T_CLI_C_MONTH),
	        gt_text(GT_T_CLI_C_LEARNERS), gt_text(GT_T_CLI_C_STATEMENTS),
	        gt_text(GT_T_CLI_C_VERB),     gt_text(GT_T_CLI_C_OBJECT)};
	struct gt_pages p = {.cli = cli, .list = "groups"};
	enum gt_exit code;
	gt_format(p.path, sizeof p.path, "/admin/records/groups");
	if (!gt_pages_begin(&p, args))
		return GT_EXIT_USAGE;
	p.client = gt_cli_open(cli, &code);
	if (!p.client)
		return code;
	code = cli->json ? gt_pages_json(&p)
	                 : gt_pages_table(&p, gt_table_new("llrrl*", heads),
	                                  add_group, GT_T_CLI_GROUPS_NONE);
	gt_client_close(p.client);
	return code;
}

/* --------------------------------------------------------- preview */

static const struct gt_option preview_options[] = {
        {"to", "CODE", GT_T_CLI_O_PREVIEW_TO, 0},
        {"limit", "N", GT_T_CLI_O_PREVIEW_LIMIT, 'n'},
        {NULL, NULL, 0, 0},
};

static void tell_sample(struct gt_cli *cli, const json_t *s)
{
	char seq[32];
	json_t *body = json_object_get(s, "body");
	char *text =
	        json_is_null(body) ? NULL : json_dumps(body, JSON_INDENT(2));
	gt_say(cli->out, GT_T_CLI_PREVIEW_SAMPLE, gt_pages_cell(s, "seq", seq),
	       gt_word(gt_json_member(s, "treatment")),
	       gt_json_member(s, "rule"), gt_json_member(s, "layer"));
	if (text)
		(void)fprintf(cli->out, "%s\n", text);
	else
		gt_say(cli->out, GT_T_CLI_PREVIEW_STAYS);
	free(text);
}

static void tell_preview(struct gt_cli *cli, json_t *v)
{
	size_t i;
	json_t *s, *did = json_object_get(v, "did");
	gt_say(cli->out, GT_T_CLI_PREVIEW,
	       (unsigned long long)gt_client_number(v, "looked"),
	       gt_json_member(v, "to"),
	       (unsigned long long)gt_client_number(did, "pass"),
	       (unsigned long long)gt_client_number(did, "redact"),
	       (unsigned long long)gt_client_number(did, "pseudonymise"),
	       (unsigned long long)gt_client_number(did, "aggregate"),
	       (unsigned long long)gt_client_number(did, "drop"));
	if (gt_client_number(v, "keyless"))
		gt_say(cli->out, GT_T_CLI_PREVIEW_KEYLESS,
		       (unsigned long long)gt_client_number(v, "keyless"));
	json_array_foreach(json_object_get(v, "samples"), i, s)
	        tell_sample(cli, s);
}

static enum gt_exit preview(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	char path[128];
	uint64_t limit = 1000;
	json_t *v;
	const char *to = gt_args_get(args, "to");
	if (!gt_cli_number(cli, args, "limit", 1, 10000, &limit))
		return GT_EXIT_USAGE;
	if (!to || !gt_code_valid(to)) {
		(void)fputs("guantong: ", cli->err);
		gt_say(cli->err, GT_T_CLI_PREVIEW_WHOM);
		return GT_EXIT_USAGE;
	}
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	gt_format(path, sizeof path, "/admin/records/preview?to=%s&limit=%llu",
	          to, (unsigned long long)limit);
	int status = gt_client_get(client, path, 0, &v);
	if (gt_cli_answered(cli, client, status, v, &code))
		tell_preview(cli, v);
	json_decref(v);
	gt_client_close(client);
	return code;
}

/* ----------------------------------------------------------- proof */

static enum gt_exit tell_proof(struct gt_cli *cli, const json_t *v)
{
	char at[GT_LOCAL_TIME];
	const char *is = gt_json_member(v, "is");
	const char *origin = gt_json_member(v, "origin");
	const char *by = gt_json_member(v, "by");
	gt_local_iso(at, gt_json_member(v, "stored"));
	if (strcmp(is, "altered") == 0) {
		gt_say(cli->out, GT_T_CLI_PROOF_ALTERED, origin, at);
		return GT_EXIT_FAILED;
	}
	if (strcmp(is, "genuine") == 0)
		gt_say(cli->out, GT_T_CLI_PROOF_GENUINE, origin, at, by,
		       gt_json_member(v, "key"));
	else if (strcmp(is, "changed") == 0)
		gt_say(cli->out, GT_T_CLI_PROOF_CHANGED, by,
		       gt_json_member(v, "policy"), by,
		       gt_json_member(v, "key"), origin, at);
	else if (strcmp(is, "unknown") == 0)
		gt_say(cli->out, GT_T_CLI_PROOF_UNKNOWN, origin, at, by);
	else
		gt_say(cli->out, GT_T_CLI_PROOF_UNSEALED, origin, at);
	return GT_EXIT_OK;
}

static enum gt_exit proof(struct gt_cli *cli, const struct gt_args *args)
{
	char path[96];
	enum gt_exit code;
	json_t *answer;
	uint8_t id[GT_UUID_BYTES];
	const char *word = gt_args_word(args, 0);
	if (!gt_uuid_parse(id, word)) {
		(void)fputs("guantong: ", cli->err);
		gt_say(cli->err, GT_T_CLI_PROOF_ID, word);
		return GT_EXIT_USAGE;
	}
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	gt_format(path, sizeof path, "/admin/records/seal/%s", word);
	int status = gt_client_get(client, path, 0, &answer);
	if (gt_cli_answered(cli, client, status, answer, &code))
		code = tell_proof(cli, answer);
	json_decref(answer);
	gt_client_close(client);
	return code;
}

const struct gt_command gt_cmd_records_sub[] = {
        {"preview", "--to CODE", GT_T_CLI_A_PREVIEW, 0, 0, preview_options,
         "guantong records preview --to 3301\n", preview, NULL},
        {"proof", "ID", GT_T_CLI_A_PROOF, 1, 1, NULL,
         "guantong records proof 7c1b3a5e-0d7f-4e67-9a53-2f3f0c0a9d11\n"
         "guantong --json records proof 7c1b3a5e-0d7f-4e67-9a53-2f3f0c0a9d11\n",
         proof, NULL},
        {"report", "", GT_T_CLI_A_REPORT, 0, 0, gt_cmd_report_options,
         "guantong records report\n"
         "guantong records report --by region,month --level county\n"
         "guantong records report --by subject --from 2025-11 --csv\n"
         "guantong records report --by region --measure learners --svg "
         "learners.svg\n",
         gt_cmd_report, NULL},
        {"groups", "", GT_T_CLI_A_GROUPS, 0, 0, list_options,
         "guantong records groups\n", groups, NULL},
        {"quarantine", "", GT_T_CLI_A_QUARANTINE, 0, 0, NULL, NULL, NULL,
         quarantine},
        {"key", "", GT_T_CLI_A_KEY, 0, 0, NULL, NULL, NULL, gt_cmd_key},
        {0},
};
