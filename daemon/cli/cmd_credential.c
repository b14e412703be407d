/* guantong credential: who may hand in and read records over the network.
 * Tests: e2e/test_access.py. */
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "access.h"
#include "cli.h"
#include "listing.h"
#include "say.h"
#include "word.h"

static const struct gt_option add_options[] = {
        {"role", "ROLE", GT_T_CLI_O_ROLE, 0},
        {"password", NULL, GT_T_CLI_O_PASSWORD, 0},
        {"again", NULL, GT_T_CLI_O_AGAIN, 0},
        {NULL, NULL, 0, 0},
};
static const struct gt_option ls_options[] = {
        {"removed", NULL, GT_T_CLI_O_REMOVED, 0},
        {NULL, NULL, 0, 0},
};

/* A line of standard input, unseen where a person types it. False: none, or it
 * is too long; said. */
static bool read_password(struct gt_cli *cli, char *out, size_t cap)
{
	struct termios seen, unseen;
	bool typed = tcgetattr(STDIN_FILENO, &seen) == 0;
	if (typed) {
		unseen = seen;
		unseen.c_lflag &= ~(tcflag_t)ECHO;
		gt_say(cli->err, GT_T_CLI_PASSWORD);
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
	}
	bool ok = fgets(out, (int)cap, stdin) != NULL;
	if (typed) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &seen);
		(void)fputc('\n', cli->err);
	}
	size_t n = ok ? strcspn(out, "\n") : 0;
	ok = ok && (out[n] == '\n' || feof(stdin));
	if (ok)
		out[n] = '\0';
	else
		gt_say(cli->err, GT_T_CLI_NO_PASSWORD);
	return ok;
}

static void told(struct gt_cli *cli, const json_t *answer, const char *name)
{
	const char *secret = gt_json_member(answer, "secret");
	const char *removed = gt_json_member(answer, "removed");
	const char *role = gt_word(gt_json_member(answer, "role"));
	char at[GT_LOCAL_TIME];
	if (strcmp(name, GT_ACCESS_ANONYMOUS) == 0)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_OPEN);
	else if (*secret)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_MADE, name, role, secret);
	else
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_KEPT, name, role);
	if (*removed && strcmp(gt_json_member(answer, "role"), "terminal") == 0)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_AGAIN,
		       gt_local_iso(at, removed));
	if (json_is_true(json_object_get(answer, "forgot")))
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_FORGOT);
}

/* Takes the body. */
static enum gt_exit order(struct gt_cli *cli, const char *path, json_t *body,
                          json_t **answer, bool *tell)
{
	enum gt_exit code;
	struct gt_client *client = gt_cli_open(cli, &code);
	*answer = NULL;
	*tell = false;
	if (client) {
		int status = gt_client_post_json(client, path, body, answer);
		*tell = gt_cli_answered(cli, client, status, *answer, &code);
	}
	gt_client_close(client);
	json_decref(body);
	return code;
}

static enum gt_exit credential_add(struct gt_cli *cli,
                                   const struct gt_args *args)
{
	static const char *const roles[] = {"terminal", "reader", NULL};
	const char *name = gt_args_word(args, 0);
	const char *role = gt_args_get(args, "role");
	char password[2 * GT_CREDENTIAL_PASSWORD];
	bool tell, typed = gt_args_get(args, "password") != NULL;
	json_t *answer;
	if (!gt_cli_choice(cli, args, "role", roles, GT_T_CLI_ROLES))
		return GT_EXIT_USAGE;
	if (typed && !read_password(cli, password, sizeof password))
		return GT_EXIT_USAGE;
	json_t *body = json_pack("{s:s,s:s,s:s*,s:b}", "name", name, "role",
	                         role ? role : "terminal", "password",
	                         typed ? password : NULL, "again",
	                         gt_args_get(args, "again") != NULL);
	enum gt_exit code =
	        order(cli, "/admin/credentials", body, &answer, &tell);
	if (tell)
		told(cli, answer, name);
	json_decref(answer);
	return code;
}

static enum gt_exit credential_rm(struct gt_cli *cli,
                                  const struct gt_args *args)
{
	const char *name = gt_args_word(args, 0);
	json_t *answer;
	bool tell;
	enum gt_exit code =
	        order(cli, "/admin/credentials/remove",
	              json_pack("{s:s}", "name", name), &answer, &tell);
	if (tell && strcmp(name, GT_ACCESS_ANONYMOUS) == 0)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_SHUT);
	else if (tell)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_GONE, name, name);
	json_decref(answer);
	return code;
}

static enum gt_exit credential_ls(struct gt_cli *cli,
                                  const struct gt_args *args)
{
	static const struct gt_listing rows = {
	        "/admin/credentials",
	        "credentials",
	        "llll",
	        4,
	        {"name", "role", "kind", "created"},
	        "twwi",
	        {GT_T_CLI_C_NAME, GT_T_CLI_C_ROLE, GT_T_CLI_C_KIND,
	         GT_T_CLI_C_CREATED}};
	static const struct gt_listing removed = {
	        "/admin/credentials",
	        "removed",
	        "ll",
	        2,
	        {"name", "removed"},
	        "ti",
	        {GT_T_CLI_C_NAME, GT_T_CLI_C_REMOVED}};
	return gt_listing_run(cli,
	                      gt_args_get(args, "removed") ? &removed : &rows);
}

const struct gt_command gt_cmd_credential[] = {
        {"add", "NAME", GT_T_CLI_A_CREDENTIAL_ADD, 1, 1, add_options,
         "guantong credential add school-3\n"
         "guantong credential add county-report --role reader\n"
         "guantong credential add school-4 --password <password.txt\n"
         "guantong credential add school-3 --again\n"
         "guantong credential add anonymous\n",
         credential_add, NULL},
        {"ls", "", GT_T_CLI_A_CREDENTIAL_LS, 0, 0, ls_options,
         "guantong credential ls\n"
         "guantong credential ls --removed\n",
         credential_ls, NULL},
        {"rm", "NAME", GT_T_CLI_A_CREDENTIAL_RM, 1, 1, NULL,
         "guantong credential rm school-3\n"
         "guantong credential rm anonymous\n",
         credential_rm, NULL},
        {0},
};
