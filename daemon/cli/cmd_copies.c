/* guantong copies: of two nodes of one code, which is right.
 * Tests: u_cli.c, e2e/test_copies.py. */
#include <string.h>

#include "cli.h"
#include "listing.h"
#include "say.h"

static enum gt_exit copies_ls(struct gt_cli *cli, const struct gt_args *args)
{
	static const struct gt_listing copies = {
	        "/admin/copies",
	        "copies",
	        "llllll",
	        6,
	        {"code", "since", "tried", "address", "linked_seen", "right"},
	        "tiitit",
	        {GT_T_CLI_C_CODE, GT_T_CLI_C_HELD_SINCE, GT_T_CLI_C_TRIED,
	         GT_T_CLI_C_ADDRESS, GT_T_CLI_C_LINKED_SEEN, GT_T_CLI_C_RIGHT}};
	(void)args;
	return gt_listing_run(cli, &copies);
}

static enum gt_exit copies_keep(struct gt_cli *cli, const struct gt_args *args)
{
	const char *code = gt_args_word(args, 0);
	const char *right = gt_args_word(args, 1);
	bool held = strcmp(right, "held") == 0;
	enum gt_exit end;
	json_t *answer;
	if (!held && strcmp(right, "linked") != 0) {
		(void)fputs("guantong: ", cli->err);
		gt_say(cli->err, GT_T_CLI_COPIES_WHICH, right);
		return GT_EXIT_USAGE;
	}
	struct gt_client *client = gt_cli_open(cli, &end);
	if (!client)
		return end;
	json_t *body = json_pack("{s:s,s:s}", "code", code, "right", right);
	int status = gt_client_post_json(client, "/admin/copies/keep", body,
	                                 &answer);
	if (gt_cli_answered(cli, client, status, answer, &end))
		gt_say(cli->out,
		       held ? GT_T_CLI_COPIES_LET_IN : GT_T_CLI_COPIES_LEFT,
		       code);
	json_decref(answer);
	json_decref(body);
	gt_client_close(client);
	return end;
}

const struct gt_command gt_cmd_copies[] = {
        {"ls", "", GT_T_CLI_A_COPIES_LS, 0, 0, NULL, "guantong copies ls\n",
         copies_ls, NULL},
        {"keep", "CODE held|linked", GT_T_CLI_A_COPIES_KEEP, 2, 2, NULL,
         "guantong copies keep 330106 held\n"
         "guantong copies keep 330106 linked\n",
         copies_keep, NULL},
        {0},
};
