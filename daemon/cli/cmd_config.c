/* guantong config: what a node is told in its guantong.yaml.
 * Tests: e2e/test_house.py, e2e/test_gateways.py. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "cli.h"
#include "dir.h"
#include "ready.h"
#include "ready_tree.h"
#include "say.h"
#include "sys.h"
#include "term.h"

enum { PATH = 4096 };

/* One listener: its key, where it listens, who reaches it and how what passes is
 * sent: "off", "node" or "own" as http.listen_tls has them, "mutual" where both
 * ends show certificates. */
static json_t *listener(const char *key, const char *address, const char *tls)
{
	bool clear = strcmp(tls, "off") == 0;
	if (!*address)
		return json_pack("{s:s,s:n,s:b,s:s,s:b}", "key", key, "address",
		                 "open", 0, "tls", tls, "clear", 0);
	return json_pack("{s:s,s:s,s:b,s:s,s:b}", "key", key, "address",
	                 address, "open", !gt_config_loopback(address), "tls",
	                 tls, "clear", clear);
}

static json_t *listeners(const struct gt_config *c)
{
	char content[256], staff[256];
	json_t *list = json_array();
	(void)gt_config_content(c, content);
	(void)gt_config_staff(c, staff);
	(void)json_array_append_new(list,
	                            listener("link.listen", c->listen,
	                                     c->insecure ? "off" : "mutual"));
	(void)json_array_append_new(
	        list, listener("http.listen", c->http, c->listen_tls));
	(void)json_array_append_new(
	        list, listener("http.content", content, c->content_tls));
	(void)json_array_append_new(
	        list, listener("http.staff", staff, c->staff_tls));
	return list;
}

/* What is open over the network, as JSON; NULL: it was said what is wrong. */
static json_t *open_json(struct gt_cli *cli, const struct gt_config *config)
{
	char why[PATH];
	struct gt_access *access;
	if (gt_access_open(&access, GT_DIR_CREDENTIALS, GT_DIR_ADMITTED, why,
	                   sizeof why) != 0) {
		(void)fprintf(cli->err, "%s\n", why);
		return NULL;
	}
	/* what a node without credentials takes over at its next start */
	bool old = config->nusers > 0 && gt_access_fresh(access);
	size_t n = gt_access_count(access, 0) + (old ? config->nusers : 0);
	json_t *v = json_pack(
	        "{s:o,s:b,s:b,s:I,s:b}", "listeners", listeners(config),
	        "credentials_lost", gt_access_lost(access), "anonymous",
	        gt_access_anonymous(access) && !old, "credentials",
	        (json_int_t)n, "passwords_clear",
	        gt_config_listen_clear(config, old || gt_access_any(access)));
	gt_access_free(access);
	return v;
}

static void tell_listeners(struct gt_cli *cli, const json_t *list)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_LISTENER), gt_text(GT_T_CLI_C_ADDRESS),
	        gt_text(GT_T_CLI_C_OPEN), gt_text(GT_T_CLI_C_TRAVELS)};
	struct gt_table *t = gt_table_new("lll*", heads);
	for (size_t i = 0; t && i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);
		const char *address = gt_json_member(v, "address");
		bool open = json_is_true(json_object_get(v, "open"));
		bool clear = json_is_true(json_object_get(v, "clear"));
		const char *cells[] = {
		        gt_json_member(v, "key"), *address ? address : "-",
		        *address ? gt_text(open ? GT_T_CLI_W_NETWORK
		                                : GT_T_CLI_W_MACHINE)
		                 : gt_text(GT_T_CLI_W_OFF),
		        *address ? gt_text(clear ? GT_T_CLI_W_CLEAR
		                                 : GT_T_CLI_W_SEALED)
		                 : ""};
		if (!gt_table_row(t, cells))
			break;
	}
	if (t)
		gt_table_print(t, cli->out, gt_term_columns(cli->out));
	gt_table_free(t);
}

/* What anybody may do, and from where. */
static void tell_open(struct gt_cli *cli, const struct gt_config *config,
                      const json_t *v)
{
	bool open = json_is_true(json_object_get(v, "anonymous"));
	bool local = gt_config_loopback(config->http);
	const char *reach =
	        gt_text(local ? GT_T_CLI_CHECK_LOCAL : GT_T_CLI_CHECK_NETWORK);
	tell_listeners(cli, json_object_get(v, "listeners"));
	if (json_is_true(json_object_get(v, "credentials_lost")))
		gt_say(cli->out, GT_T_CLI_CHECK_LOST, reach, config->http);
	else
		gt_say(cli->out, GT_T_CLI_CHECK_OPEN, reach, config->http,
		       gt_text(!open   ? GT_T_CLI_CHECK_NAMED
		               : local ? GT_T_CLI_CHECK_HERE
		                       : GT_T_CLI_CHECK_ATTACHED),
		       (size_t)json_integer_value(
		               json_object_get(v, "credentials")));
	/* of http.terminals it has been said with its line */
	if (config->nusers == 0 &&
	    json_is_true(json_object_get(v, "passwords_clear")))
		gt_say(cli->out, GT_T_CLI_CHECK_CLEAR);
}

/* The same lines for people and for programs. */
static enum gt_exit tell_all(struct gt_cli *cli, const struct gt_config *config,
                             const char *path, int status,
                             struct gt_complaints *c)
{
	char named[GT_CODE_MAX + 1];
	gt_ready_parent(config, named);
	json_t *open = open_json(cli, config);
	if (cli->json && open)
		(void)json_object_set_new(open, "parent_named",
		                          *named ? json_string(named)
		                                 : json_null());
	enum gt_exit code = gt_cli_complaints(
	        cli, path, status, c, cli->json ? json_incref(open) : NULL);
	if (!cli->json && open)
		tell_open(cli, config, open);
	json_decref(open);
	return code;
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
	enum gt_exit code;
	struct gt_complaints c = {NULL, 0};
	struct gt_config *config = malloc(sizeof *config);
	if (!path)
		gt_cli_here(cli->dir);
	gt_format(own, sizeof own, "%.4000s/%s", cli->dir, GT_DIR_CONFIG);
	if (!config)
		return gt_cli_no_memory(cli);
	int status = path ? gt_config_take(config, path, cli->lang, &c)
	                  : gt_config_load(config, own, cli->lang, &c);
	/* said as the daemon says it; the code is that of every command */
	if (status && access(path ? path : own, F_OK) != 0)
		status = errno == ENOENT   ? -GT_EUNKNOWN
		         : errno == EACCES ? -GT_EDENIED
		                           : status;
	bool ours = status == 0 && !path;
	int here = ours ? enter(cli->dir) : -1;
	/* what the start will look at beside the file; it is a start all the
	 * same where only a certificate's time is wrong */
	if (ours)
		status = here < 0 ? -GT_EIO
		                  : gt_ready_check(config, gt_sys_now().wall_ms,
		                                   &c);
	if (status == -GT_ESTALE)
		status = 0;
	code = here >= 0 ? tell_all(cli, config, own, status, &c)
	                 : gt_cli_complaints(cli, path ? path : own, status, &c,
	                                     NULL);
	leave(here);
	free(config);
	return code;
}

/* What the daemon will make of the file, and what waits for a restart. */
static void tell_reload(struct gt_cli *cli, const json_t *v)
{
	const char *keys = gt_json_member(v, "waits");
	const json_t *list = json_object_get(v, "complaints");
	for (size_t i = 0; i < json_array_size(list); i++)
		(void)fprintf(cli->err, "%s\n",
		              gt_json_string(json_array_get(list, i)));
	if (!json_is_true(json_object_get(v, "ok")))
		gt_say(cli->err, GT_T_CLI_RELOAD_REFUSED);
	else if (*keys)
		gt_say(cli->out, GT_T_CLI_RELOAD_WAITS, keys);
	else
		gt_say(cli->out, GT_T_CLI_RELOADED);
}

enum gt_exit gt_cmd_reload(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	json_t *v, *body = json_object();
	struct gt_client *client = gt_cli_open(cli, &code);
	(void)args;
	if (!client) {
		json_decref(body);
		return code;
	}
	int status = gt_client_post_json(client, "/admin/reload", body, &v);
	if (gt_cli_answered(cli, client, status, v, &code))
		tell_reload(cli, v);
	if (!code && json_is_false(json_object_get(v, "ok")))
		code = GT_EXIT_FAILED;
	json_decref(v);
	json_decref(body);
	gt_client_close(client);
	return code;
}

static enum gt_exit config_show(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	struct gt_config *config = gt_cli_config(cli, &code);
	char *text = config ? gt_config_print(config) : NULL;
	(void)args;
	if (text)
		(void)fputs(text, cli->out);
	else if (config)
		code = gt_cli_no_memory(cli);
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
