/* guantong roster: who belongs to the tree, as a node knows it.
 * Tests: e2e/test_house.py. */
#include <stdlib.h>

#include "cli.h"
#include "files.h"
#include "listing.h"
#include "say.h"

enum { WHY = 2304, ROSTER_MAX = 1 << 30 };

static enum gt_exit roster_import(struct gt_cli *cli,
                                  const struct gt_args *args)
{
	const char *path = gt_args_word(args, 0);
	char why[WHY];
	struct gt_buffer rows;
	enum gt_exit code;
	json_t *answer;
	int status = gt_files_take(path, ROSTER_MAX, &rows, why, sizeof why);
	if (status)
		return gt_cli_fail(cli, status, why);
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client) {
		gt_buffer_free(&rows);
		return code;
	}
	status = gt_client_post(client, "/admin/members",
	                        "application/octet-stream",
	                        gt_buffer_bytes(&rows), &answer);
	gt_buffer_free(&rows);
	if (gt_cli_answered(cli, client, status, answer, &code))
		gt_say(cli->out, GT_T_CLI_ROSTER_DONE, path);
	json_decref(answer);
	gt_client_close(client);
	return code;
}

static enum gt_exit roster_ls(struct gt_cli *cli, const struct gt_args *args)
{
	static const struct gt_listing members = {
	        "/admin/members",
	        "members",
	        "lllr*",
	        5,
	        {"code", "level", "standing", "version", "name"},
	        {GT_T_CLI_C_CODE, GT_T_CLI_C_LEVEL, GT_T_CLI_C_STANDING,
	         GT_T_CLI_C_VERSION, GT_T_CLI_C_NAME}};
	(void)args;
	return gt_listing_run(cli, &members);
}

const struct gt_command gt_cmd_roster[] = {
        {"import", "FILE", GT_T_CLI_A_ROSTER_IMPORT, 1, 1, NULL,
         "guantong -C 33 roster import pki/revoked-330106.bin\n", roster_import,
         NULL},
        {"ls", "", GT_T_CLI_A_ROSTER_LS, 0, 0, NULL, "guantong roster ls\n",
         roster_ls, NULL},
        {0},
};
