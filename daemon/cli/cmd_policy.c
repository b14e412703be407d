/* guantong policy: the layer a node adds.
 * Tests: e2e/test_house.py. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "files.h"
#include "listing.h"
#include "say.h"

enum { WHY = 2304, PATH = 4096, POLICY_MAX = 1 << 20 };

static enum gt_exit check_policy(struct gt_cli *cli, const char *path,
                                 struct gt_bytes text)
{
	struct gt_complaints c = {NULL, 0};
	struct gt_buffer layer;
	int status = gt_policy_take(&layer, path, text, cli->lang, &c);
	gt_buffer_free(&layer);
	return gt_cli_complaints(cli, path, status, &c, NULL);
}

/* What the daemon took is also what it shall find when it starts again. */
static enum gt_exit keep_policy(struct gt_cli *cli, struct gt_bytes text)
{
	char path[PATH], why[WHY];
	enum gt_exit code;
	struct gt_config *config = gt_cli_config(cli, &code);
	if (!config)
		return code;
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

typedef enum gt_exit with_policy(struct gt_cli *cli, const char *path,
                                 struct gt_bytes text);

static enum gt_exit with_file(struct gt_cli *cli, const struct gt_args *args,
                              with_policy *run)
{
	const char *path = gt_args_word(args, 0);
	char why[WHY];
	struct gt_buffer text;
	int status = gt_files_take(path, POLICY_MAX, &text, why, sizeof why);
	if (status)
		return gt_cli_fail(cli, status, why);
	enum gt_exit code = run(cli, path, gt_buffer_bytes(&text));
	gt_buffer_free(&text);
	return code;
}

static enum gt_exit run_check(struct gt_cli *cli, const struct gt_args *args)
{
	return with_file(cli, args, check_policy);
}

static enum gt_exit run_set(struct gt_cli *cli, const struct gt_args *args)
{
	return with_file(cli, args, send_policy);
}

static enum gt_exit run_show(struct gt_cli *cli, const struct gt_args *args)
{
	static const struct gt_listing layers = {
	        "/admin/layers",
	        "layers",
	        "lrrr*",
	        5,
	        {"origin", "version", "rules", "demands", "fallback"},
	        "ttttw",
	        {GT_T_CLI_C_LAYER, GT_T_CLI_C_VERSION, GT_T_CLI_C_RULES,
	         GT_T_CLI_C_DEMANDS, GT_T_CLI_C_FALLBACK}};
	(void)args;
	return gt_listing_run(cli, &layers);
}

const struct gt_command gt_cmd_policy[] = {
        {"check", "FILE", GT_T_CLI_A_POLICY_CHECK, 1, 1, NULL,
         "guantong policy check policy.yaml\n", run_check, NULL},
        {"set", "FILE", GT_T_CLI_A_POLICY_SET, 1, 1, NULL,
         "guantong -C 33 policy set policy.yaml\n", run_set, NULL},
        {"show", "", GT_T_CLI_A_POLICY_SHOW, 0, 0, NULL,
         "guantong policy show\n", run_show, NULL},
        {"test", "FILE", GT_T_CLI_A_POLICY_TEST, 1, 1,
         gt_cmd_policy_test_options,
         "guantong policy test policy.yaml --statement s.json --from 330106 "
         "--to 3301\n",
         gt_cmd_policy_test, NULL},
        {"explain", "RECORD", GT_T_CLI_A_POLICY_EXPLAIN, 1, 1, NULL,
         "guantong -C 330106 policy explain "
         "6690e6c9-3ef0-4ed3-8b37-7f3964730bee\n",
         gt_cmd_policy_explain, NULL},
        {"diff", "FILE", GT_T_CLI_A_POLICY_DIFF, 1, 1,
         gt_cmd_policy_diff_options,
         "guantong -C 330106 policy diff policy.yaml --to 3301\n",
         gt_cmd_policy_diff, NULL},
        {0},
};
