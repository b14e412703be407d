/* guantong config: what a node is told in its guantong.yaml.
 * Tests: e2e/test_house.py, e2e/test_gateways.py. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "arena.h"
#include "cli.h"
#include "code.h"
#include "dir.h"
#include "node_dir.h"
#include "ready.h"
#include "say.h"
#include "signed.h"
#include "sys.h"

enum { PATH = 4096 };

/* What anybody may do over the network. */
static void tell_open(struct gt_cli *cli, const struct gt_config *config)
{
	char why[PATH];
	struct gt_access *access;
	if (gt_access_open(&access, GT_DIR_CREDENTIALS, GT_DIR_ADMITTED, why,
	                   sizeof why) != 0) {
		(void)fprintf(cli->err, "%s\n", why);
		return;
	}
	/* what a node without credentials takes over at its next start */
	bool old = config->nusers > 0 && gt_access_fresh(access);
	bool open = gt_access_anonymous(access) && !old;
	gt_say(cli->out, GT_T_CLI_CHECK_OPEN, config->http,
	       gt_text(open ? GT_T_CLI_CHECK_ATTACHED : GT_T_CLI_CHECK_NAMED),
	       gt_access_count(access, GT_ROLE_READER) +
	               gt_access_count(access, GT_ROLE_TERMINAL) +
	               (old ? config->nusers : 0));
	/* of http.terminals it has been said with its line */
	if (config->nusers == 0 &&
	    gt_config_listen_clear(config, gt_access_any(access)))
		gt_say(cli->out, GT_T_CLI_CHECK_CLEAR);
	gt_access_free(access);
}

/* The place that the roster, as it was known at set-up, names as the node's
 * parent; "": none. */
static void parent_of(const char *code, const struct gt_dir_members *rows,
                      char out[GT_CODE_MAX + 1])
{
	struct gt_arena *arena = gt_arena_new();
	uint64_t version = 0;
	*out = '\0';
	for (size_t i = 0; arena && i < rows->n; i++) {
		const Gt__Member *m = gt_signed_member(
		        arena, gt_signed_open(arena, rows->v[i]));
		if (m && strcmp(m->code, code) == 0 && m->version >= version) {
			version = m->version;
			if (!gt_copy(out, GT_CODE_MAX + 1, m->parent))
				*out = '\0';
		}
		gt_arena_reset(arena);
	}
	gt_arena_free(arena);
}

/* Whom the file calls its parent refuses the node if the roster does not. */
static void tell_parent(struct gt_cli *cli, const struct gt_config *config)
{
	char why[PATH], named[GT_CODE_MAX + 1];
	struct gt_dir_members rows;
	if (gt_dir_read_members(GT_DIR_MEMBERS, &rows, why, sizeof why) != 0) {
		(void)fprintf(cli->err, "%s\n", why);
		return;
	}
	parent_of(config->code, &rows, named);
	gt_dir_members_free(&rows);
	if (*named && !gt_code_same_place(named, config->parent))
		gt_say(cli->out, GT_T_CLI_CHECK_PARENT, config->parent,
		       config->code, named);
}

/* Into the node's directory, where its daemon will be. The one that was left;
 * -1: it cannot be entered. */
static int enter(const char *dir)
{
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (here >= 0 && chdir(dir) == 0)
		return here;
	if (here >= 0)
		close(here);
	return -1;
}

static void leave(int here)
{
	if (here >= 0 && fchdir(here) == 0)
		close(here);
}

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
	bool ours = status == 0 && path == own;
	int here = ours ? enter(cli->dir) : -1;
	/* what the start will look at beside the file; it is a start all the
	 * same where only a certificate's time is wrong */
	if (ours)
		status = here < 0 ? -GT_EIO
		                  : gt_ready_check(config, gt_sys_now().wall_ms,
		                                   &c);
	if (status == -GT_ESTALE)
		status = 0;
	enum gt_exit code = gt_cli_complaints(cli, path, status, &c);
	if (here >= 0 && !cli->json) {
		tell_parent(cli, config);
		tell_open(cli, config);
	}
	leave(here);
	free(config);
	return code;
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
