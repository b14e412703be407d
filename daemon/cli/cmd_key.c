/* guantong records key: the secrets under which records lose their names.
 * Tests: e2e/test_demand.py. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "code.h"
#include "dir.h"
#include "files.h"
#include "iso8601.h"
#include "keyring.h"
#include "measure.h"
#include "say.h"
#include "sys.h"
#include "term.h"

enum { WHY = 2304, PATH = 4096, FILE_MAX = 64 << 10 };

static const struct gt_option new_options[] = {
        {"scope", "CODE", GT_T_CLI_O_SCOPE_CODE, 0},
        {"from", "TIME", GT_T_CLI_O_KEY_FROM, 0},
        {NULL, NULL, 0, 0},
};

/* There is a node to have keys. */
static bool is_node(struct gt_cli *cli, enum gt_exit *code)
{
	struct gt_config *config = gt_cli_config(cli, code);
	free(config);
	return config != NULL;
}

static void path_of(const struct gt_cli *cli, char out[PATH])
{
	gt_format(out, PATH, "%.4000s/%s", cli->dir, GT_DIR_KEYRING);
}

/* No file is an empty ring. */
static int load(struct gt_cli *cli, struct gt_keyring *ring, char why[WHY])
{
	char path[PATH];
	struct gt_buffer text;
	path_of(cli, path);
	ring->n = 0;
	int status = gt_files_read(path, FILE_MAX, &text, why, WHY);
	if (status == 0)
		status = gt_keyring_parse(ring, gt_buffer_bytes(&text), why,
		                          WHY);
	gt_buffer_wipe(&text);
	return status == -GT_EUNKNOWN ? 0 : status;
}

static int save(struct gt_cli *cli, const struct gt_keyring *ring,
                char why[WHY])
{
	char path[PATH];
	struct gt_buffer text = {0};
	path_of(cli, path);
	gt_format(why, WHY, "%s", gt_strerror(GT_ENOMEM));
	int status = gt_keyring_print(ring, &text)
	                     ? gt_files_write(path, 0600, GT_FILES_REPLACE,
	                                      gt_buffer_bytes(&text), why, WHY)
	                     : -GT_ENOMEM;
	gt_buffer_wipe(&text);
	return status;
}

static bool read_from(struct gt_cli *cli, const struct gt_args *args,
                      int64_t *out)
{
	const char *text = gt_args_get(args, "from");
	*out = gt_sys_now().wall_ms;
	if (!text || gt_measure_read_date(out, text, false))
		return true;
	gt_say(cli->err, GT_T_CLI_KEY_FROM, text);
	return false;
}

/* Of the node's own place, or a wider one. */
static bool read_scope(struct gt_cli *cli, const struct gt_args *args,
                       char out[GT_CODE_MAX + 1], enum gt_exit *code)
{
	const char *scope = gt_args_get(args, "scope");
	struct gt_config *config = gt_cli_config(cli, code);
	if (!config)
		return false;
	gt_code_place(out, config->code);
	bool ok = !scope || gt_code_within(config->code, scope);
	if (ok && scope)
		gt_copy(out, GT_CODE_MAX + 1, scope);
	if (!ok) {
		gt_say(cli->err, GT_T_CLI_KEY_SCOPE, scope, config->code);
		*code = GT_EXIT_USAGE;
	}
	free(config);
	return ok;
}

static enum gt_exit key_new(struct gt_cli *cli, const struct gt_args *args)
{
	struct gt_keyring ring;
	char why[WHY], scope[GT_CODE_MAX + 1], name[GT_PSEUDONYM_NAME];
	char path[PATH];
	int64_t from;
	enum gt_exit code;
	if (!read_from(cli, args, &from))
		return GT_EXIT_USAGE;
	if (!read_scope(cli, args, scope, &code))
		return code;
	int status = load(cli, &ring, why);
	if (status == 0 && !gt_keyring_add(&ring, scope, from)) {
		gt_say_into(why, sizeof why, GT_T_CLI_KEY_LATER, scope);
		status = -GT_ECONFLICT;
	}
	if (status == 0)
		status = save(cli, &ring, why);
	if (status == 0)
		gt_pseudonym_name(name, &ring.keys[ring.n - 1]);
	gt_keyring_wipe(&ring);
	if (status != 0)
		return gt_cli_fail(cli, status, why);
	path_of(cli, path);
	gt_say(cli->out, GT_T_CLI_KEY_MADE, name, path, scope);
	return GT_EXIT_OK;
}

static json_t *row_of(const struct gt_pseudonym_key *k)
{
	char from[GT_ISO_CHARS], until[GT_ISO_CHARS] = "";
	char name[GT_PSEUDONYM_NAME];
	gt_pseudonym_name(name, k);
	gt_iso_format(from, k->from_ms);
	if (k->until_ms != INT64_MAX)
		gt_iso_format(until, k->until_ms);
	return json_pack("{s:s,s:s,s:s,s:s*}", "key", name, "scope", k->scope,
	                 "from", from, "until", *until ? until : NULL);
}

static enum gt_exit list_json(struct gt_cli *cli, const struct gt_keyring *ring)
{
	json_t *rows = json_array();
	for (size_t i = 0; i < ring->n; i++)
		if (json_array_append_new(rows, row_of(&ring->keys[i])) != 0) {
			json_decref(rows);
			return gt_cli_no_memory(cli);
		}
	json_t *v = json_pack("{s:o}", "keys", rows);
	bool ok = v && gt_cli_json(cli, v);
	json_decref(v);
	return ok ? GT_EXIT_OK : gt_cli_no_memory(cli);
}

static enum gt_exit list_table(struct gt_cli *cli,
                               const struct gt_keyring *ring)
{
	const char *heads[] = {gt_text(GT_T_CLI_C_KEY),
	                       gt_text(GT_T_CLI_C_FROM),
	                       gt_text(GT_T_CLI_C_UNTIL)};
	struct gt_table *t = gt_table_new("lll", heads);
	bool ok = t != NULL;
	for (size_t i = 0; ok && i < ring->n; i++) {
		json_t *row = row_of(&ring->keys[i]);
		const char *cells[] = {gt_json_member(row, "key"),
		                       gt_json_member(row, "from"),
		                       gt_json_member(row, "until")};
		ok = row && gt_table_row(t, cells);
		json_decref(row);
	}
	if (ok && ring->n > 0)
		gt_table_print(t, cli->out, 0);
	else if (ok)
		gt_say(cli->out, GT_T_CLI_KEY_NONE);
	gt_table_free(t);
	return ok ? GT_EXIT_OK : gt_cli_no_memory(cli);
}

static enum gt_exit key_ls(struct gt_cli *cli, const struct gt_args *args)
{
	struct gt_keyring ring;
	char why[WHY];
	enum gt_exit code;
	(void)args;
	if (!is_node(cli, &code))
		return code;
	int status = load(cli, &ring, why);
	code = status      ? gt_cli_fail(cli, status, why)
	       : cli->json ? list_json(cli, &ring)
	                   : list_table(cli, &ring);
	gt_keyring_wipe(&ring);
	return code;
}

static enum gt_exit key_retire(struct gt_cli *cli, const struct gt_args *args)
{
	struct gt_keyring ring;
	char why[WHY];
	const char *name = gt_args_word(args, 0);
	enum gt_exit code;
	if (!is_node(cli, &code))
		return code;
	int status = load(cli, &ring, why);
	if (status == 0) {
		status = gt_keyring_retire(&ring, name, gt_sys_now().wall_ms);
		if (status == -GT_EUNKNOWN)
			gt_say_into(why, sizeof why, GT_T_CLI_KEY_UNKNOWN,
			            name);
		else if (status != 0)
			gt_say_into(why, sizeof why, GT_T_CLI_KEY_USED, name);
	}
	if (status == 0)
		status = save(cli, &ring, why);
	gt_keyring_wipe(&ring);
	if (status != 0)
		return gt_cli_fail(cli, status, why);
	gt_say(cli->out, GT_T_CLI_KEY_RETIRED, name);
	return GT_EXIT_OK;
}

const struct gt_command gt_cmd_key[] = {
        {"new", "", GT_T_CLI_A_KEY_NEW, 0, 0, new_options,
         "guantong -C 330106 records key new\n"
         "guantong -C 330106 records key new --scope 3301 "
         "--from 2027-01-01\n",
         key_new, NULL},
        {"ls", "", GT_T_CLI_A_KEY_LS, 0, 0, NULL,
         "guantong -C 330106 records key ls\n", key_ls, NULL},
        {"retire", "KEY", GT_T_CLI_A_KEY_RETIRE, 1, 1, NULL,
         "guantong -C 330106 records key retire 3301.1\n", key_retire, NULL},
        {0},
};
