/* guantong policy test, explain, diff: what layers demand of records.
 * Tests: u_cli.c, e2e/test_demand.py. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "code.h"
#include "files.h"
#include "pages.h"
#include "passage.h"
#include "term.h"
#include "word.h"

enum { WHY = 2304, PATH = 512, POLICY_MAX = 1 << 20, TELL = 512 };

const struct gt_option gt_cmd_policy_test_options[] = {
        {"statement", "FILE", GT_T_CLI_O_TEST_STATEMENT, 's'},
        {"from", "CODE", GT_T_CLI_O_TEST_FROM, 0},
        {"to", "CODE", GT_T_CLI_O_TEST_TO, 0},
        {NULL, NULL, 0, 0},
};
const struct gt_option gt_cmd_policy_diff_options[] = {
        {"to", "CODE", GT_T_CLI_O_PREVIEW_TO, 0},
        {"limit", "N", GT_T_CLI_O_PREVIEW_LIMIT, 'n'},
        {NULL, NULL, 0, 0},
};

/* An option's value is a code. False: said what is wrong. */
static bool is_code(struct gt_cli *cli, const char *code)
{
	char why[WHY];
	if (code && gt_code_valid(code))
		return true;
	if (code)
		gt_say_into(why, sizeof why, GT_T_CLI_CODE_BAD, code);
	else
		gt_say_into(why, sizeof why, GT_T_CLI_TEST_WHOM);
	(void)gt_cli_fail(cli, -GT_EINVALID, why);
	return false;
}

/* "redact names, text", "aggregate, 10 or more". */
static const char *asked(char out[TELL], const json_t *v)
{
	size_t i;
	json_t *f;
	json_int_t group = json_integer_value(json_object_get(v, "group"));
	gt_format(out, TELL, "%s", gt_word(gt_json_member(v, "treatment")));
	if (strcmp(gt_json_member(v, "treatment"), "redact") == 0)
		json_array_foreach(json_object_get(v, "fields"), i, f)
		{
			size_t n = strlen(out);
			gt_format(out + n, TELL - n, "%s%s", i ? ", " : " ",
			          json_string_value(f));
		}
	if (group > 0) {
		size_t n = strlen(out);
		gt_format(out + n, TELL - n, " %lld", (long long)group);
	}
	return out;
}

/* -------------------------------------------------------------- test */

/* A file of rules, a statement, and where it would go. */
struct trial {
	const char *from, *to;
	struct gt_layer *layer;
	struct gt_buffer statement;
};

/* Nobody's: what is made with it shows the form, and is good for nothing else. */
static const struct gt_pseudonym_key made_up = {
        .scope = "0", .number = 1, .until_ms = INT64_MAX};

static json_t *demand_json(const struct gt_demand *d)
{
	json_t *fields = json_array();
	for (uint32_t bit = 1; fields && bit <= GT_REDACT_ALL; bit <<= 1)
		if (d->treatment == GT_REDACT && d->fields & bit)
			(void)json_array_append_new(
			        fields, json_string(gt_redact_name(bit)));
	return json_pack("{s:s,s:s,s:I,s:o}", "treatment",
	                 gt_treatment_name(d->treatment), "rule", d->rule,
	                 "group", (json_int_t)d->group, "fields", fields);
}

/* {"treatment","rule","group","fields","body"}; NULL: no memory. */
static json_t *outcome(const struct trial *t, const struct gt_statement *s)
{
	const struct gt_layer *layer = t->layer;
	const struct gt_edge edge = {&layer, 1, t->from, t->to};
	const struct gt_goer goer = {.body = s->body,
	                             .id = s->id,
	                             .region = t->from,
	                             .authority = "",
	                             .policy = "",
	                             .flags = s->flags};
	const struct gt_pseudonyms how = {&made_up, NULL};
	struct gt_passage way;
	struct gt_passed to = {0};
	json_t *v = NULL, *body = NULL;
	int status = gt_passage_open(&way, &edge, &goer);
	if (status == 0) {
		v = demand_json(&way.demand);
		bool as_is = gt_passage_is_done(&way);
		if (!as_is)
			status = gt_passage_become(&way, &goer, &how, &to);
		if (status == 0)
			body = gt_json_load(as_is ? s->body
			                          : gt_buffer_bytes(&to.body),
			                    0, NULL);
	}
	gt_passage_close(&way);
	gt_passed_free(&to);
	if (v)
		(void)json_object_set_new(v, "body", body ? body : json_null());
	return v;
}

static void tell_body(struct gt_cli *cli, const json_t *body)
{
	char *text =
	        json_is_null(body) ? NULL : json_dumps(body, JSON_INDENT(2));
	if (text)
		(void)fprintf(cli->out, "%s\n", text);
	else
		gt_say(cli->out, GT_T_CLI_PREVIEW_STAYS);
	free(text);
}

static enum gt_exit tell_trial(struct gt_cli *cli, const struct trial *t,
                               const struct gt_statement *s)
{
	char what[TELL];
	json_t *v = outcome(t, s);
	if (!v)
		return gt_cli_no_memory(cli);
	if (cli->json) {
		(void)gt_cli_json(cli, v);
	} else {
		const char *rule = gt_json_member(v, "rule");
		gt_say(cli->out, GT_T_CLI_TEST, t->from, t->to, asked(what, v),
		       *rule ? rule : gt_text(GT_T_CLI_W_FALLBACK));
		if (strcmp(gt_json_member(v, "treatment"), "pseudonymise") == 0)
			gt_say(cli->out, GT_T_CLI_TEST_KEY);
		tell_body(cli, json_object_get(v, "body"));
	}
	json_decref(v);
	return GT_EXIT_OK;
}

/* One statement, which a terminal could hand in. */
static enum gt_exit try_it(struct gt_cli *cli, const struct trial *t)
{
	static const uint8_t ids[1][GT_UUID_BYTES] = {
	        {0x47, 0, 0, 0, 0, 0, 0x40, 0, 0x80}};
	struct gt_statement s;
	char why[WHY], told[GT_CLI_SENTENCE];
	int n = gt_statements_parse(gt_buffer_bytes(&t->statement), GT_XAPI_ANY,
	                            ids, 1, &s, 1, why, sizeof why);
	if (n == 1)
		return tell_trial(cli, t, &s);
	if (n == 0)
		return gt_cli_fail(cli, -GT_EINVALID,
		                   gt_text(GT_T_CLI_TEST_NONE));
	return gt_cli_fail(cli, n, gt_cli_sentence(told, why));
}

/* The rules of that file. */
static enum gt_exit with_rules(struct gt_cli *cli, const char *path,
                               struct trial *t)
{
	char why[WHY];
	struct gt_complaints c = {NULL, 0};
	struct gt_buffer text, layer;
	int status = gt_files_take(path, POLICY_MAX, &text, why, sizeof why);
	if (status)
		return gt_cli_fail(cli, status, why);
	status = gt_policy_take(&layer, path, gt_buffer_bytes(&text), cli->lang,
	                        &c);
	gt_buffer_free(&text);
	if (status)
		return gt_cli_complaints(cli, path, status, &c, NULL);
	gt_complaints_free(&c);
	status = gt_layer_new(&t->layer, gt_buffer_bytes(&layer), why,
	                      sizeof why);
	gt_buffer_free(&layer);
	return status ? gt_cli_fail(cli, status, why) : try_it(cli, t);
}

enum gt_exit gt_cmd_policy_test(struct gt_cli *cli, const struct gt_args *args)
{
	char why[WHY];
	const char *file = gt_args_get(args, "statement");
	struct trial t = {.from = gt_args_get(args, "from"),
	                  .to = gt_args_get(args, "to")};
	if (!is_code(cli, t.from) || !is_code(cli, t.to))
		return GT_EXIT_USAGE;
	if (!file) {
		(void)gt_cli_fail(cli, -GT_EINVALID,
		                  gt_text(GT_T_CLI_TEST_NONE));
		return GT_EXIT_USAGE;
	}
	int status = gt_files_take(file, GT_STATEMENT_MAX, &t.statement, why,
	                           sizeof why);
	if (status)
		return gt_cli_fail(cli, status, why);
	enum gt_exit code = with_rules(cli, gt_args_word(args, 0), &t);
	gt_layer_free(t.layer);
	gt_buffer_free(&t.statement);
	return code;
}

/* ----------------------------------------------------------- explain */

static void tell_hop(struct gt_cli *cli, const json_t *hop)
{
	char what[TELL], rule[256];
	size_t i;
	json_t *l;
	gt_say(cli->out, GT_T_CLI_DEMANDED_HOP, gt_json_member(hop, "from"),
	       gt_json_member(hop, "to"), asked(what, hop));
	json_array_foreach(json_object_get(hop, "layers"), i, l)
	{
		const char *name = gt_json_member(l, "rule");
		gt_term_clean(rule, sizeof rule,
		              *name ? name : gt_text(GT_T_CLI_W_FALLBACK), 64);
		gt_say(cli->out, GT_T_CLI_EXPLAIN_LAYER,
		       gt_json_member(l, "layer"),
		       (unsigned long long)json_integer_value(
		               json_object_get(l, "version")),
		       rule, asked(what, l));
	}
	if (i == 0)
		gt_say(cli->out, GT_T_CLI_EXPLAIN_NO_LAYER);
}

static void tell_demanded(struct gt_cli *cli, const json_t *v)
{
	char seq[32];
	size_t i;
	json_t *hop;
	const char *done = gt_json_member(v, "policy");
	gt_say(cli->out, GT_T_CLI_DEMANDED, gt_pages_cell(v, "seq", seq),
	       gt_json_member(v, "origin"));
	if (*done)
		gt_say(cli->out, GT_T_CLI_DEMANDED_DONE, done);
	json_array_foreach(json_object_get(v, "hops"), i, hop)
	        tell_hop(cli, hop);
	if (i == 0)
		gt_say(cli->out, GT_T_CLI_DEMANDED_ROOT);
}

enum gt_exit gt_cmd_policy_explain(struct gt_cli *cli,
                                   const struct gt_args *args)
{
	char path[PATH] = "/admin/policy/explain?record=";
	uint8_t id[GT_UUID_BYTES];
	enum gt_exit code;
	json_t *v;
	if (!gt_uuid_parse(id, gt_args_word(args, 0))) {
		(void)gt_cli_fail(cli, -GT_EINVALID,
		                  gt_text(GT_T_CLI_DEMANDED_ID));
		return GT_EXIT_USAGE;
	}
	gt_uuid_format(path + strlen(path), id);
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	int status = gt_client_get(client, path, 0, &v);
	if (gt_cli_answered(cli, client, status, v, &code))
		tell_demanded(cli, v);
	json_decref(v);
	gt_client_close(client);
	return code;
}

/* -------------------------------------------------------------- diff */

static void tell_diff(struct gt_cli *cli, json_t *v)
{
	char seq[32];
	size_t i;
	json_t *c;
	gt_say(cli->out, GT_T_CLI_DIFF,
	       (unsigned long long)gt_client_number(v, "looked"),
	       gt_json_member(v, "to"),
	       (unsigned long long)gt_client_number(v, "changed"));
	json_array_foreach(json_object_get(v, "changes"), i, c)
	        gt_say(cli->out, GT_T_CLI_DIFF_ROW,
	               (unsigned long long)gt_client_number(c, "count"),
	               gt_word(gt_json_member(c, "was")),
	               gt_word(gt_json_member(c, "becomes")),
	               gt_pages_cell(c, "seq", seq));
}

static enum gt_exit ask_diff(struct gt_cli *cli, const char *path,
                             struct gt_bytes text)
{
	enum gt_exit code;
	json_t *v;
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	int status = gt_client_post(client, path, "text/yaml", text, &v);
	if (status == -GT_EINVALID) {
		/* lines that begin with file:line:column */
		(void)fprintf(cli->err, "%s\n", gt_client_why(client));
		code = GT_EXIT_FAILED;
	} else if (gt_cli_answered(cli, client, status, v, &code)) {
		tell_diff(cli, v);
	}
	json_decref(v);
	gt_client_close(client);
	return code;
}

enum gt_exit gt_cmd_policy_diff(struct gt_cli *cli, const struct gt_args *args)
{
	char why[WHY], path[PATH];
	const char *file = gt_args_word(args, 0), *to = gt_args_get(args, "to");
	uint64_t limit = 1000;
	struct gt_buffer text;
	if (!gt_cli_number(cli, args, "limit", 1, 10000, &limit) ||
	    !is_code(cli, to))
		return GT_EXIT_USAGE;
	int status = gt_files_take(file, POLICY_MAX, &text, why, sizeof why);
	if (status)
		return gt_cli_fail(cli, status, why);
	gt_format(path, sizeof path,
	          "/admin/policy/diff?to=%s&limit=%llu&name=", to,
	          (unsigned long long)limit);
	if (!gt_client_escape(path, sizeof path, file, false))
		*strstr(path, "&name=") = '\0';
	enum gt_exit code = ask_diff(cli, path, gt_buffer_bytes(&text));
	gt_buffer_free(&text);
	return code;
}
