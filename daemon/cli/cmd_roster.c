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

/* One row of the answer, as roster files hold them. */
static bool put_row(struct gt_buffer *out, const json_t *hex)
{
	const char *text = json_string_value(hex);
	size_t n = json_string_length(hex) / 2;
	uint8_t head[4], *row = malloc(n + 1);
	gt_put32(head, (uint32_t)n);
	bool ok = row && text && gt_unhex(row, n, text) &&
	          gt_buffer_add(out, head, sizeof head) &&
	          gt_buffer_add(out, row, n);
	free(row);
	return ok;
}

static enum gt_exit roster_export(struct gt_cli *cli,
                                  const struct gt_args *args)
{
	const char *path = gt_args_word(args, 0);
	char why[WHY];
	enum gt_exit code;
	json_t *answer = NULL, *row;
	struct gt_buffer file = {0};
	size_t i;
	bool ok = true;
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	int status = gt_client_get(client, "/admin/roster", 0, &answer);
	json_t *rows = json_object_get(answer, "rows");
	json_array_foreach(rows, i, row) ok = ok && put_row(&file, row);
	if (status)
		code = gt_cli_refused(cli, status, client);
	else if (!ok)
		code = gt_cli_no_memory(cli);
	else if (gt_files_write(path, 0644, GT_FILES_REPLACE,
	                        gt_buffer_bytes(&file), why, sizeof why))
		code = gt_cli_fail(cli, -GT_EIO, why);
	else if (cli->json)
		(void)fprintf(cli->out, "{\"rows\": %zu}\n",
		              json_array_size(rows));
	else
		gt_say(cli->out, GT_T_CLI_ROSTER_WRITTEN, json_array_size(rows),
		       path);
	json_decref(answer);
	gt_buffer_free(&file);
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
	        "twwtt",
	        {GT_T_CLI_C_CODE, GT_T_CLI_C_LEVEL, GT_T_CLI_C_STANDING,
	         GT_T_CLI_C_VERSION, GT_T_CLI_C_NAME}};
	(void)args;
	return gt_listing_run(cli, &members);
}

const struct gt_command gt_cmd_roster[] = {
        {"export", "FILE", GT_T_CLI_A_ROSTER_EXPORT, 1, 1, NULL,
         "guantong -C 330106 roster export /media/stick/roster.bin\n",
         roster_export, NULL},
        {"import", "FILE", GT_T_CLI_A_ROSTER_IMPORT, 1, 1, NULL,
         "guantong -C 33 roster import pki/revoked-330106.bin\n", roster_import,
         NULL},
        {"ls", "", GT_T_CLI_A_ROSTER_LS, 0, 0, NULL, "guantong roster ls\n",
         roster_ls, NULL},
        {0},
};
