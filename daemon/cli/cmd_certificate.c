/* guantong certificate: certificates of completion.
 * Tests: e2e/test_certificates.py. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "files.h"
#include "pages.h"
#include "say.h"
#include "term.h"

enum { FILE_MAX = 1 << 20, WHY = 512, SHOWN = 300 };

static const struct gt_option issue_options[] = {
        {"name", "NAME", GT_T_CLI_O_CERTIFICATE_NAME, 0},
        {"output", "FILE", GT_T_CLI_O_CERTIFICATE_OUT, 'o'},
        {NULL, NULL, 0, 0},
};
static const struct gt_option show_options[] = {
        {"output", "FILE", GT_T_CLI_O_CERTIFICATE_OUT, 'o'},
        {NULL, NULL, 0, 0},
};
static const struct gt_option list_options[] = {
        {"number", "N", GT_T_CLI_O_CERTIFICATE_NUMBER, 0},
        {"output", "FILE", GT_T_CLI_O_CERTIFICATE_OUT, 'o'},
        {NULL, NULL, 0, 0},
};
static const struct gt_option revoke_options[] = {
        {"why", "TEXT", GT_T_CLI_O_CERTIFICATE_WHY, 0},
        {NULL, NULL, 0, 0},
};
static const struct gt_option verify_options[] = {
        {"list", "FILE", GT_T_CLI_O_CERTIFICATE_LIST, 0},
        {NULL, NULL, 0, 0},
};

/* A document, to the file that is named, or to people. */
static enum gt_exit put(struct gt_cli *cli, const struct gt_args *args,
                        const json_t *document)
{
	char why[WHY];
	const char *path = gt_args_get(args, "output");
	if (!path)
		return gt_cli_json(cli, document) ? GT_EXIT_OK
		                                  : gt_cli_no_memory(cli);
	char *text = json_dumps(document, JSON_INDENT(2));
	if (!text)
		return gt_cli_no_memory(cli);
	int status = gt_files_write(path, 0644, GT_FILES_NEW,
	                            gt_bytes_str(text), why, sizeof why);
	free(text);
	if (status != 0)
		return gt_cli_fail(cli, status, why);
	gt_say(cli->out, GT_T_CLI_CERTIFICATE_WRITTEN, path);
	return GT_EXIT_OK;
}

/* Asks by GET, or by POST of body, which is taken; the answer, NULL: said why,
 * and *code. */
static json_t *ask(struct gt_cli *cli, const char *path, json_t *body,
                   enum gt_exit *code)
{
	json_t *answer = NULL;
	struct gt_client *client = gt_cli_open(cli, code);
	if (client) {
		int status =
		        body ? gt_client_post_json(client, path, body, &answer)
		             : gt_client_get(client, path, 0, &answer);
		if (status != 0)
			*code = gt_cli_refused(cli, status, client);
	}
	gt_client_close(client);
	json_decref(body);
	return answer;
}

static enum gt_exit issue(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	const char *name = gt_args_get(args, "name");
	json_t *v =
	        ask(cli, "/admin/certificates/issue",
	            json_pack("{s:s,s:s}", "statement", gt_args_word(args, 0),
	                      "name", name ? name : ""),
	            &code);
	if (v)
		code = put(cli, args, v);
	json_decref(v);
	return code;
}

static bool add_row(struct gt_table *t, json_t *r)
{
	char at[GT_LOCAL_TIME], revoked[GT_LOCAL_TIME];
	const char *cells[] = {
	        gt_json_member(r, "id"),
	        gt_local_iso(at, gt_json_member(r, "at")),
	        gt_local_iso(revoked, gt_json_member(r, "revoked")),
	        gt_json_member(r, "name"), gt_json_member(r, "title")};
	return gt_table_row(t, cells);
}

static enum gt_exit ls(struct gt_cli *cli, const struct gt_args *args)
{
	const char *heads[] = {gt_text(GT_T_CLI_C_ID), gt_text(GT_T_CLI_C_AT),
	                       gt_text(GT_T_CLI_C_REVOKED),
	                       gt_text(GT_T_CLI_C_LEARNER),
	                       gt_text(GT_T_CLI_C_TITLE_OF)};
	struct gt_pages p = {.cli = cli,
	                     .list = "certificates",
	                     .path = "/admin/certificates"};
	enum gt_exit code;
	if (!gt_pages_begin(&p, args))
		return GT_EXIT_USAGE;
	p.client = gt_cli_open(cli, &code);
	if (!p.client)
		return code;
	code = cli->json ? gt_pages_json(&p)
	                 : gt_pages_table(&p, gt_table_new("llll*", heads),
	                                  add_row, GT_T_CLI_CERTIFICATES_NONE);
	gt_client_close(p.client);
	return code;
}

static enum gt_exit show(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	char path[256] = "/certificate/";
	size_t n = strlen(path);
	if (!gt_client_escape(path + n, sizeof path - n, gt_args_word(args, 0),
	                      false))
		return gt_cli_fail(cli, -GT_EUNKNOWN,
		                   gt_text(GT_T_HTTP_NO_CERTIFICATE));
	json_t *v = ask(cli, path, NULL, &code);
	if (v)
		code = put(cli, args, v);
	json_decref(v);
	return code;
}

static enum gt_exit list(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	char path[64];
	uint64_t number = 0;
	if (!gt_cli_number(cli, args, "number", 0, INT32_MAX, &number))
		return GT_EXIT_USAGE;
	gt_format(path, sizeof path, "/certificates/%llu",
	          (unsigned long long)number);
	json_t *v = ask(cli, path, NULL, &code);
	if (v)
		code = put(cli, args, v);
	json_decref(v);
	return code;
}

static enum gt_exit revoke(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	const char *why = gt_args_get(args, "why");
	json_t *v = ask(cli, "/admin/certificates/revoke",
	                json_pack("{s:s,s:s}", "id", gt_args_word(args, 0),
	                          "why", why ? why : ""),
	                &code);
	if (!v)
		return code;
	code = GT_EXIT_OK;
	if (!cli->json)
		gt_say(cli->out, GT_T_CLI_CERTIFICATE_REVOKED,
		       gt_args_word(args, 0));
	else if (!gt_cli_json(cli, v))
		code = gt_cli_no_memory(cli);
	json_decref(v);
	return code;
}

/* -------------------------------------------------------------- verify */

/* The JSON in a file; NULL: said why, and *code. */
static json_t *read_json(struct gt_cli *cli, const char *path,
                         enum gt_exit *code)
{
	char why[WHY];
	struct gt_buffer text = {0};
	json_error_t error;
	json_t *v = NULL;
	int status = gt_files_take(path, FILE_MAX, &text, why, sizeof why);
	if (status != 0) {
		*code = gt_cli_fail(cli, status, why);
		return NULL;
	}
	v = gt_json_load(gt_json_unmarked(gt_buffer_bytes(&text)),
	                 JSON_REJECT_DUPLICATES, &error);
	gt_buffer_free(&text);
	if (v)
		return v;
	(void)fputs("guantong: ", cli->err);
	gt_say(cli->err, GT_T_CLI_CERTIFICATE_NOT_JSON, path);
	*code = GT_EXIT_FAILED;
	return NULL;
}

/* What a stranger's file says must not speak to the terminal. */
static const char *plain(char out[SHOWN], const json_t *v, const char *name)
{
	gt_copy(out, SHOWN, gt_json_member(v, name));
	for (uint8_t *c = (uint8_t *)out; *c; c++) {
		bool high = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;
		if (*c < ' ' || *c == 0x7f || high)
			*c = '?';
		if (high)
			c[1] = '?';
	}
	return out;
}

static void told_genuine(struct gt_cli *cli, const json_t *v)
{
	char at[GT_LOCAL_TIME], as_of[GT_LOCAL_TIME];
	char name[SHOWN], title[SHOWN], issuer[SHOWN], called[SHOWN];
	const char *list = gt_json_member(v, "list_as_of");
	(void)plain(name, v, "name");
	gt_say(cli->out, GT_T_CLI_VERIFY_GENUINE, *name ? name : "?",
	       plain(title, v, "title"), plain(issuer, v, "issuer"),
	       plain(called, v, "issuer_name"),
	       gt_local_iso(at, gt_json_member(v, "from")));
	if (*list)
		gt_say(cli->out, GT_T_CLI_VERIFY_LISTED,
		       gt_local_iso(as_of, list));
	else
		gt_say(cli->out, GT_T_CLI_VERIFY_NO_LIST, issuer);
}

static void told(struct gt_cli *cli, const json_t *v)
{
	char at[GT_LOCAL_TIME], why[GT_CLI_SENTENCE];
	char issuer[SHOWN], called[SHOWN];
	const char *is = gt_json_member(v, "verdict");
	const char *reason = gt_cli_sentence(why, gt_json_member(v, "why"));
	(void)plain(issuer, v, "issuer");
	(void)plain(called, v, "issuer_name");
	if (strcmp(is, "genuine") == 0)
		told_genuine(cli, v);
	else if (strcmp(is, "revoked") == 0)
		gt_say(cli->out, GT_T_CLI_VERIFY_REVOKED,
		       gt_local_iso(at, gt_json_member(v, "list_as_of")),
		       issuer, called);
	else if (strcmp(is, "bad-list") == 0)
		gt_say(cli->out, GT_T_CLI_VERIFY_BAD_LIST, issuer);
	else if (strcmp(is, "altered") == 0)
		gt_say(cli->out, GT_T_CLI_VERIFY_ALTERED, reason);
	else if (strcmp(is, "unknown") == 0)
		gt_say(cli->out, GT_T_CLI_VERIFY_UNKNOWN, issuer);
	else
		gt_say(cli->out, GT_T_CLI_VERIFY_NONE, reason);
}

static enum gt_exit verify(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code = GT_EXIT_OK;
	const char *path = gt_args_get(args, "list");
	json_t *document = read_json(cli, gt_args_word(args, 0), &code);
	json_t *of = document && path ? read_json(cli, path, &code) : NULL;
	json_t *v = NULL;
	if (document && (of || !path))
		v = ask(cli, "/admin/certificates/verify",
		        json_pack("{s:O,s:O*}", "document", document, "list",
		                  of),
		        &code);
	if (v) {
		const char *is = gt_json_member(v, "verdict");
		code = strcmp(is, "genuine") == 0 ? GT_EXIT_OK : GT_EXIT_FAILED;
		if (!cli->json)
			told(cli, v);
		else if (!gt_cli_json(cli, v))
			code = gt_cli_no_memory(cli);
	}
	json_decref(v);
	json_decref(of);
	json_decref(document);
	return code;
}

const struct gt_command gt_cmd_certificate[] = {
        {"issue", "STATEMENT", GT_T_CLI_A_CERTIFICATE_ISSUE, 1, 1,
         issue_options,
         "guantong certificate issue 8f0c1d0e-5f0b-4b1e-9a53-0d1c7a2b9e11 "
         "-o li.json\n",
         issue, NULL},
        {"ls", "", GT_T_CLI_A_CERTIFICATE_LS, 0, 0, NULL,
         "guantong certificate ls\n", ls, NULL},
        {"show", "ID", GT_T_CLI_A_CERTIFICATE_SHOW, 1, 1, show_options,
         "guantong certificate show urn:uuid:... -o li.json\n", show, NULL},
        {"verify", "FILE", GT_T_CLI_A_CERTIFICATE_VERIFY, 1, 1, verify_options,
         "guantong certificate verify li.json\n"
         "guantong certificate verify li.json --list revoked.json\n",
         verify, NULL},
        {"revoke", "ID", GT_T_CLI_A_CERTIFICATE_REVOKE, 1, 1, revoke_options,
         "guantong certificate revoke urn:uuid:... --why 'issued twice'\n",
         revoke, NULL},
        {"list", "", GT_T_CLI_A_CERTIFICATE_LIST, 0, 0, list_options,
         "guantong certificate list -o revoked.json\n", list, NULL},
        {0},
};
