/* guantong documents: what lost when two places put a document at once.
 * Tests: u_cli.c, e2e/test_roam.py. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "pages.h"
#include "say.h"
#include "term.h"

static const struct gt_option list_options[] = {
        {"after", "NUMBER", GT_T_CLI_O_AFTER, 0},
        {"limit", "N", GT_T_CLI_O_LIMIT, 'n'},
        {NULL, NULL, 0, 0},
};

/* The nth of the words that stand between bars. */
static const char *kind_of(json_t *v, char out[64])
{
	const char *s = gt_text(GT_T_CLI_DOCUMENTS_KIND);
	uint64_t kind = gt_client_number(v, "kind");
	for (uint64_t i = 1; i < kind && *s; i++) {
		s += strcspn(s, "|");
		s += *s == '|';
	}
	gt_format(out, 64, "%.*s", (int)strcspn(s, "|"), s);
	return out;
}

static bool add(struct gt_table *t, json_t *r)
{
	char lid[32], at[GT_LOCAL_TIME], kind[64];
	const char *cells[] = {gt_pages_cell(r, "lid", lid),
	                       gt_local_iso(at, gt_json_member(r, "at")),
	                       kind_of(r, kind),
	                       gt_json_member(r, "origin"),
	                       gt_json_member(r, "id"),
	                       gt_json_member(r, "activity")};
	return gt_table_row(t, cells);
}

static enum gt_exit ls(struct gt_cli *cli, const struct gt_args *args)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_NUMBER), gt_text(GT_T_CLI_C_AT),
	        gt_text(GT_T_CLI_C_KIND),   gt_text(GT_T_CLI_C_ORIGIN),
	        gt_text(GT_T_CLI_C_ID),     gt_text(GT_T_CLI_C_ACTIVITY)};
	struct gt_pages p = {
	        .cli = cli, .list = "conflicts", .path = "/admin/documents"};
	enum gt_exit code;
	if (!gt_pages_begin(&p, args))
		return GT_EXIT_USAGE;
	p.client = gt_cli_open(cli, &code);
	if (!p.client)
		return code;
	code = cli->json ? gt_pages_json(&p)
	                 : gt_pages_table(&p, gt_table_new("rllll*", heads),
	                                  add, GT_T_CLI_DOCUMENTS_NONE);
	gt_client_close(p.client);
	return code;
}

/* False: said what is wrong with it. */
static bool number(struct gt_cli *cli, const char *word)
{
	size_t n = strspn(word, "0123456789");
	if (n > 0 && n < 19 && word[n] == '\0' && strspn(word, "0") < n)
		return true;
	(void)fputs("guantong: ", cli->err);
	gt_say(cli->err, GT_T_CLI_DOCUMENTS_NUMBER, word);
	return false;
}

/* What somebody put must not speak to the terminal. */
static void plain(char *text)
{
	for (char *c = text; *c; c++)
		if (((unsigned char)*c < ' ' && *c != '\n' && *c != '\t') ||
		    *c == 0x7f)
			*c = '?';
}

static bool tell(struct gt_cli *cli, json_t *v)
{
	char put[GT_LOCAL_TIME], at[GT_LOCAL_TIME], kind[64];
	char *text[5];
	static const char *const names[] = {"agent", "activity", "id", "type",
	                                    "body"};
	bool ok = true;
	for (int i = 0; i < 5; i++) {
		text[i] = strdup(gt_json_member(v, names[i]));
		ok = ok && text[i];
		if (text[i])
			plain(text[i]);
	}
	if (ok)
		gt_say(cli->out, GT_T_CLI_DOCUMENTS_ONE,
		       (unsigned long long)gt_client_number(v, "lid"),
		       kind_of(v, kind), text[0], text[1], text[2],
		       gt_json_member(v, "origin"),
		       gt_local_iso(put, gt_json_member(v, "updated")),
		       gt_json_member(v, "won"),
		       gt_local_iso(at, gt_json_member(v, "at")), text[3],
		       (unsigned long long)gt_client_number(v, "bytes"),
		       text[4]);
	for (int i = 0; i < 5; i++)
		free(text[i]);
	return ok;
}

static enum gt_exit show(struct gt_cli *cli, const struct gt_args *args)
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
	gt_format(path, sizeof path, "/admin/documents/%s", word);
	int status = gt_client_get(client, path, 0, &answer);
	if (gt_cli_answered(cli, client, status, answer, &code) &&
	    !tell(cli, answer))
		code = gt_cli_no_memory(cli);
	json_decref(answer);
	gt_client_close(client);
	return code;
}

static enum gt_exit decide_one(struct gt_cli *cli, struct gt_client *client,
                               const char *word, const char *path,
                               enum gt_text done)
{
	enum gt_exit code;
	json_t *answer;
	json_t *body = json_pack("{s:I}", "lid", (json_int_t)atoll(word));
	int status = gt_client_post_json(client, path, body, &answer);
	if (gt_cli_answered(cli, client, status, answer, &code))
		gt_say(cli->out, done, word);
	json_decref(answer);
	json_decref(body);
	return code;
}

static enum gt_exit decide(struct gt_cli *cli, const struct gt_args *args,
                           const char *path, enum gt_text done)
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
		code = decide_one(cli, client, gt_args_word(args, i), path,
		                  done);
	gt_client_close(client);
	return code;
}

static enum gt_exit drop(struct gt_cli *cli, const struct gt_args *args)
{
	return decide(cli, args, "/admin/documents/drop",
	              GT_T_CLI_DOCUMENTS_DROPPED);
}

static enum gt_exit restore(struct gt_cli *cli, const struct gt_args *args)
{
	return decide(cli, args, "/admin/documents/restore",
	              GT_T_CLI_DOCUMENTS_RESTORED);
}

const struct gt_command gt_cmd_documents[] = {
        {"ls", "", GT_T_CLI_A_DOCUMENTS_LS, 0, 0, list_options,
         "guantong documents ls\n", ls, NULL},
        {"show", "NUMBER", GT_T_CLI_A_DOCUMENTS_SHOW, 1, 1, NULL,
         "guantong documents show 7\n", show, NULL},
        {"drop", "NUMBER...", GT_T_CLI_A_DOCUMENTS_DROP, 1, 1000, NULL,
         "guantong documents drop 7 8\n", drop, NULL},
        {"restore", "NUMBER...", GT_T_CLI_A_DOCUMENTS_RESTORE, 1, 1000, NULL,
         "guantong documents restore 7\n", restore, NULL},
        {0},
};
