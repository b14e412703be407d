/* guantong policy, config, roster: what a node goes by. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "dir.h"
#include "files.h"
#include "say.h"
#include "term.h"

enum { WHY = 2304, PATH = 4096, POLICY_MAX = 1 << 20, ROSTER_MAX = 1 << 30 };

/* ----------------------------------------------------------- policy */

static void drop(struct gt_bytes b)
{
	free((void *)(uintptr_t)b.p);
}

/* Complaints, as lines or as JSON, and whether that is a failure. */
static enum gt_exit tell_complaints(struct gt_cli *cli, const char *what,
                                    int status, struct gt_complaints *c)
{
	enum gt_exit code = gt_cli_exit(status);
	json_t *list = cli->json ? json_array() : NULL;
	for (size_t i = 0; i < c->n; i++) {
		if (cli->json)
			(void)json_array_append_new(list, json_string(c->v[i]));
		else
			(void)fprintf(cli->err, "%s\n", c->v[i]);
	}
	if (cli->json) {
		json_t *v = json_pack("{s:s, s:b, s:O}", "file", what, "ok",
		                      status == 0, "complaints", list);
		if (!gt_cli_json(cli, v))
			code = gt_cli_no_memory(cli);
		json_decref(v);
	} else if (status == 0) {
		gt_say(cli->out, GT_T_CLI_CHECK_OK, what);
	}
	json_decref(list);
	gt_complaints_free(c);
	return code;
}

static enum gt_exit check_policy(struct gt_cli *cli, const char *path,
                                 struct gt_bytes text)
{
	struct gt_complaints c = {NULL, 0};
	struct gt_bytes layer = {NULL, 0};
	int status = gt_policy_parse(&layer, path, text, cli->lang, &c);
	if (!status)
		drop(layer);
	return tell_complaints(cli, path, status, &c);
}

static enum gt_exit run_check(struct gt_cli *cli, const struct gt_args *args)
{
	const char *path = gt_args_word(args, 0);
	char why[WHY];
	struct gt_bytes text;
	int status = gt_files_read(path, POLICY_MAX, &text, why, sizeof why);
	if (status)
		return gt_cli_fail(cli, status, why);
	enum gt_exit code = check_policy(cli, path, text);
	drop(text);
	return code;
}

/* What the daemon took is also what it shall find when it starts again. */
static enum gt_exit keep_policy(struct gt_cli *cli, struct gt_bytes text)
{
	char path[PATH], why[WHY];
	struct gt_config *config = gt_cli_config(cli);
	if (!config)
		return GT_EXIT_FAILED;
	int status = 0;
	const char *file = config->policy;
	gt_format(path, sizeof path, "%.4000s%s%s",
	          *file == '/' ? "" : cli->dir, *file == '/' ? "" : "/", file);
	if (*file)
		status = gt_files_write(path, 0600, GT_FILES_REPLACE, text, why,
		                        sizeof why);
	free(config);
	return status ? gt_cli_fail(cli, status, why) : GT_EXIT_OK;
}

static enum gt_exit send_policy(struct gt_cli *cli, const char *name,
                                struct gt_bytes text)
{
	char path[PATH] = "/admin/policy?name=";
	enum gt_exit code;
	json_t *answer;
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	if (!gt_client_escape(path, sizeof path, name, false))
		path[strlen("/admin/policy")] = '\0';
	int status = gt_client_post(client, path, "text/yaml", text, &answer);
	if (status == -GT_EINVALID) {
		/* lines that begin with file:line:column */
		(void)fprintf(cli->err, "%s\n", gt_client_why(client));
		code = GT_EXIT_FAILED;
	} else {
		code = status ? GT_EXIT_OK : keep_policy(cli, text);
		if (!code &&
		    gt_cli_answered(cli, client, status, answer, &code))
			gt_say(cli->out, GT_T_CLI_POLICY_SET, name);
	}
	json_decref(answer);
	gt_client_close(client);
	return code;
}

static enum gt_exit run_set(struct gt_cli *cli, const struct gt_args *args)
{
	const char *path = gt_args_word(args, 0);
	char why[WHY];
	struct gt_bytes text;
	int status = gt_files_read(path, POLICY_MAX, &text, why, sizeof why);
	if (status)
		return gt_cli_fail(cli, status, why);
	enum gt_exit code = send_policy(cli, path, text);
	drop(text);
	return code;
}

/* One table of a list the daemon has. */
struct listing {
	const char *path, *list;
	const char *align;
	size_t n;
	const char *keys[6];
	enum gt_text heads[6];
};

static enum gt_exit print_listing(struct gt_cli *cli, const struct listing *l,
                                  const json_t *answer)
{
	const char *heads[6];
	for (size_t i = 0; i < l->n; i++)
		heads[i] = gt_text(l->heads[i]);
	struct gt_table *t = gt_table_new(l->align, heads);
	bool ok = t != NULL;
	size_t row;
	json_t *r;
	json_array_foreach(json_object_get(answer, l->list), row, r)
	{
		const char *cells[6] = {NULL};
		char numbers[6][32];
		for (size_t i = 0; i < l->n; i++) {
			const json_t *v = json_object_get(r, l->keys[i]);
			cells[i] = gt_cli_level(json_string_value(v));
			if (!json_is_integer(v))
				continue;
			gt_format(numbers[i], sizeof numbers[i], "%lld",
			          (long long)json_integer_value(v));
			cells[i] = numbers[i];
		}
		ok = ok && gt_table_row(t, cells);
	}
	if (ok)
		gt_table_print(t, cli->out, gt_term_columns(cli->out));
	gt_table_free(t);
	return ok ? GT_EXIT_OK : gt_cli_no_memory(cli);
}

static enum gt_exit run_listing(struct gt_cli *cli, const struct listing *l)
{
	enum gt_exit code;
	json_t *answer;
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	int status = gt_client_get(client, l->path, 0, &answer);
	if (gt_cli_answered(cli, client, status, answer, &code))
		code = print_listing(cli, l, answer);
	json_decref(answer);
	gt_client_close(client);
	return code;
}

static enum gt_exit run_show(struct gt_cli *cli, const struct gt_args *args)
{
	static const struct listing layers = {
	        "/admin/layers",
	        "layers",
	        "lrr*",
	        4,
	        {"origin", "version", "rules", "fallback"},
	        {GT_T_CLI_C_LAYER, GT_T_CLI_C_VERSION, GT_T_CLI_C_RULES,
	         GT_T_CLI_C_FALLBACK}};
	(void)args;
	return run_listing(cli, &layers);
}

const struct gt_command gt_cmd_policy[] = {
        {"check", "FILE", GT_T_CLI_A_POLICY_CHECK, 1, 1, NULL,
         "guantong policy check policy.yaml\n", run_check, NULL},
        {"set", "FILE", GT_T_CLI_A_POLICY_SET, 1, 1, NULL,
         "guantong -C 33 policy set policy.yaml\n", run_set, NULL},
        {"show", "", GT_T_CLI_A_POLICY_SHOW, 0, 0, NULL,
         "guantong policy show\n", run_show, NULL},
        {0},
};

/* ----------------------------------------------------------- config */

static enum gt_exit config_check(struct gt_cli *cli, const struct gt_args *args)
{
	const char *path = gt_args_word(args, 0);
	char own[PATH];
	struct gt_complaints c = {NULL, 0};
	struct gt_config *config = malloc(sizeof *config);
	gt_format(own, sizeof own, "%.4000s/%s", cli->dir, GT_DIR_CONFIG);
	if (!config)
		return gt_cli_no_memory(cli);
	if (!path)
		path = own;
	int status = gt_config_load(config, path, cli->lang, &c);
	free(config);
	return tell_complaints(cli, path, status, &c);
}

static enum gt_exit config_show(struct gt_cli *cli, const struct gt_args *args)
{
	struct gt_config *config = gt_cli_config(cli);
	char *text = config ? gt_config_print(config) : NULL;
	enum gt_exit code = text ? GT_EXIT_OK : GT_EXIT_FAILED;
	(void)args;
	if (text)
		(void)fputs(text, cli->out);
	free(text);
	free(config);
	return code;
}

static enum gt_exit config_keys(struct gt_cli *cli, const struct gt_args *args)
{
	char *text = gt_config_document(cli->lang);
	(void)args;
	if (!text)
		return gt_cli_no_memory(cli);
	(void)fputs(text, cli->out);
	free(text);
	return GT_EXIT_OK;
}

const struct gt_command gt_cmd_config[] = {
        {"check", "[FILE]", GT_T_CLI_A_CONFIG_CHECK, 0, 1, NULL,
         "guantong -C /srv/guantong/33 config check\n"
         "guantong config check configs/county.yaml\n",
         config_check, NULL},
        {"show", "", GT_T_CLI_A_CONFIG_SHOW, 0, 0, NULL,
         "guantong config show\n", config_show, NULL},
        {"keys", "", GT_T_CLI_A_CONFIG_KEYS, 0, 0, NULL,
         "guantong config keys\n", config_keys, NULL},
        {0},
};

/* ----------------------------------------------------------- roster */

static enum gt_exit roster_import(struct gt_cli *cli,
                                  const struct gt_args *args)
{
	const char *path = gt_args_word(args, 0);
	char why[WHY];
	struct gt_bytes rows;
	enum gt_exit code;
	json_t *answer;
	int status = gt_files_read(path, ROSTER_MAX, &rows, why, sizeof why);
	if (status)
		return gt_cli_fail(cli, status, why);
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client) {
		drop(rows);
		return code;
	}
	status = gt_client_post(client, "/admin/members",
	                        "application/octet-stream", rows, &answer);
	drop(rows);
	if (gt_cli_answered(cli, client, status, answer, &code))
		gt_say(cli->out, GT_T_CLI_ROSTER_DONE, path);
	json_decref(answer);
	gt_client_close(client);
	return code;
}

static enum gt_exit roster_ls(struct gt_cli *cli, const struct gt_args *args)
{
	static const struct listing members = {
	        "/admin/members",
	        "members",
	        "lllr*",
	        5,
	        {"code", "level", "standing", "version", "name"},
	        {GT_T_CLI_C_CODE, GT_T_CLI_C_LEVEL, GT_T_CLI_C_STANDING,
	         GT_T_CLI_C_VERSION, GT_T_CLI_C_NAME}};
	(void)args;
	return run_listing(cli, &members);
}

const struct gt_command gt_cmd_roster[] = {
        {"import", "FILE", GT_T_CLI_A_ROSTER_IMPORT, 1, 1, NULL,
         "guantong -C 33 roster import pki/revoked-330106.bin\n", roster_import,
         NULL},
        {"ls", "", GT_T_CLI_A_ROSTER_LS, 0, 0, NULL, "guantong roster ls\n",
         roster_ls, NULL},
        {0},
};
