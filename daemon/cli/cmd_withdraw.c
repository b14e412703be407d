/* guantong withdraw: takes a resource back everywhere.
 * Tests: e2e/test_house.py, e2e/test_sync.py. */
#include "cli.h"
#include "say.h"

const struct gt_option gt_cmd_withdraw_options[] = {
        {"reason", "TEXT", GT_T_CLI_O_REASON, 'r'},
        {NULL, NULL, 0, 0},
};

enum gt_exit gt_cmd_withdraw(struct gt_cli *cli, const struct gt_args *args)
{
	char rid[GT_RID_MAX + 1];
	const char *reason = gt_args_get(args, "reason");
	enum gt_exit code;
	json_t *answer;
	if (!gt_cli_rid(cli, gt_args_word(args, 0), rid, &code))
		return code;
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	json_t *body = json_pack("{s:s, s:s}", "id", rid, "reason",
	                         reason ? reason : "");
	int status =
	        gt_client_post_json(client, "/admin/withdraw", body, &answer);
	if (gt_cli_answered(cli, client, status, answer, &code))
		gt_say(cli->out, GT_T_CLI_WITHDRAWN, rid);
	json_decref(answer);
	json_decref(body);
	gt_client_close(client);
	return code;
}
