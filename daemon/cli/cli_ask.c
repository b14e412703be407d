/* What commands that ask the daemon share.
 * Tests: e2e/test_house.py. */
#define _XOPEN_SOURCE 700 /* realpath */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "advice.h"
#include "cli.h"
#include "code.h"
#include "dir.h"
#include "say.h"

enum { WHY = 4608, PATH = 4096 };

/* A node's directory is its user's alone; everybody else is told whose. */
static bool is_closed(struct gt_cli *cli)
{
	char owner[64], user[GT_ADVICE_USER];
	if (access(cli->dir, X_OK) == 0 || errno != EACCES)
		return false;
	gt_advice_owner(owner, sizeof owner, cli->dir);
	gt_advice_user(user, cli->dir);
	gt_say(cli->err, GT_T_CLI_CLOSED, cli->dir, *owner ? owner : "?", user,
	       cli->dir);
	return true;
}

void gt_cli_here(const char *dir)
{
	char *whole = realpath(dir, NULL);
	gt_say_node(whole);
	free(whole);
}

/* Somebody in the wrong directory must not be told to start a daemon there. */
static bool is_node(struct gt_cli *cli)
{
	char path[PATH];
	if (strlen(cli->dir) < PATH - sizeof "/" GT_DIR_CONFIG) {
		gt_format(path, sizeof path, "%s/" GT_DIR_CONFIG, cli->dir);
		if (access(path, F_OK) == 0 || errno != ENOENT) {
			gt_cli_here(cli->dir);
			return true;
		}
	}
	gt_say(cli->err, GT_T_CLI_NOT_A_NODE, cli->dir, GT_DIR_CONFIG);
	return false;
}

bool gt_cli_node(struct gt_cli *cli, enum gt_exit *code)
{
	*code = GT_EXIT_OK;
	if (is_closed(cli))
		*code = GT_EXIT_DENIED;
	else if (!is_node(cli))
		*code = GT_EXIT_NOT_FOUND;
	return *code == GT_EXIT_OK;
}

struct gt_client *gt_cli_open(struct gt_cli *cli, enum gt_exit *code)
{
	struct gt_client *c;
	char why[WHY];
	if (!gt_cli_node(cli, code))
		return NULL;
	int status = gt_client_open(&c, cli->dir, cli->lang, why, sizeof why);
	*code = status ? gt_cli_fail(cli, status, why) : GT_EXIT_OK;
	return c;
}

enum gt_exit gt_cli_refused(struct gt_cli *cli, int status,
                            const struct gt_client *client)
{
	return gt_cli_fail(cli, status, gt_client_why(client));
}

bool gt_cli_answered(struct gt_cli *cli, const struct gt_client *client,
                     int status, const json_t *answer, enum gt_exit *code)
{
	*code = GT_EXIT_OK;
	if (status)
		*code = gt_cli_refused(cli, status, client);
	else if (!cli->json)
		return true;
	else if (!gt_cli_json(cli, answer))
		*code = gt_cli_no_memory(cli);
	return false;
}

struct gt_config *gt_cli_config(struct gt_cli *cli, enum gt_exit *code)
{
	char path[PATH];
	struct gt_complaints complaints = {NULL, 0};
	struct gt_config *c;
	if (!gt_cli_node(cli, code))
		return NULL;
	c = malloc(sizeof *c);
	if (!c) {
		*code = gt_cli_no_memory(cli);
		return NULL;
	}
	gt_format(path, sizeof path, "%s/%s", cli->dir, GT_DIR_CONFIG);
	int status = gt_config_load(c, path, cli->lang, &complaints);
	for (size_t i = 0; status && i < complaints.n; i++)
		(void)fprintf(cli->err, "%s\n", complaints.v[i]);
	if (status && complaints.n == 0)
		(void)gt_cli_fail(cli, status, gt_strerror(status));
	gt_complaints_free(&complaints);
	*code = gt_cli_exit(status);
	if (!status)
		return c;
	free(c);
	return NULL;
}

bool gt_cli_rid(struct gt_cli *cli, const char *word, char out[GT_RID_MAX + 1],
                enum gt_exit *code)
{
	bool fits = true;
	if (strchr(word, '/')) {
		fits = gt_copy(out, GT_RID_MAX + 1, word);
	} else {
		struct gt_config *c = gt_cli_config(cli, code);
		if (!c)
			return false;
		fits = strlen(c->code) + strlen(word) + 1 <= GT_RID_MAX;
		gt_format(out, GT_RID_MAX + 1, "%s/%s", c->code, word);
		free(c);
	}
	*code = GT_EXIT_USAGE;
	if (fits && gt_rid_valid(out))
		return true;
	(void)fputs("guantong: ", cli->err);
	gt_say(cli->err, GT_T_CLI_RID_BAD, word);
	return false;
}

const char *gt_cli_title(const struct gt_cli *cli, const json_t *resource)
{
	json_t *titles = json_object_get(resource, "title"), *title;
	const char *best = gt_json_member(titles, cli->lang), *any = "", *lang;
	/* the language itself, else one of its kind, else any */
	json_object_foreach(titles, lang, title)
	{
		const char *text = gt_json_string(title);
		if (!*any)
			any = text;
		if (!*best && strncmp(lang, cli->lang, 2) == 0)
			best = text;
	}
	return *best ? best : any;
}
