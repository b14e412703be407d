/* guantong pki: the secrets of a tree, kept by its operator.
 * Tests: e2e/test_house.py, e2e/test_kept.py. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cert.h"
#include "cli.h"
#include "files.h"
#include "measure.h"
#include "pki.h"
#include "say.h"
#include "term.h"
#include "word.h"

enum { WHY = 4608, TREE_FILE_MAX = 64 << 20 };

static const struct gt_option days_options[] = {
        {"days", "N", GT_T_CLI_O_DAYS, 0},
        {NULL, NULL, 0, 0},
};
static const struct gt_option revoke_options[] = {
        {"output", "FILE", GT_T_CLI_O_REVOKE_FILE, 'o'},
        {NULL, NULL, 0, 0},
};

static const struct gt_option rekey_options[] = {
        {"lost", NULL, GT_T_CLI_O_REKEY_LOST, 0},
        {"output", "FILE", GT_T_CLI_O_REKEY_FILE, 'o'},
        {NULL, NULL, 0, 0},
};

static enum gt_exit read_tree(struct gt_cli *cli, const char *path,
                              struct gt_tree *tree)
{
	char why[WHY];
	struct gt_buffer text;
	int status = gt_files_take(path, TREE_FILE_MAX, &text, why, sizeof why);
	if (status)
		return gt_cli_fail(cli, status, why);
	status = gt_tree_parse(tree, path, gt_buffer_bytes(&text), cli->err);
	gt_buffer_free(&text);
	if (status == -GT_ENOMEM)
		return gt_cli_fail(cli, status, gt_text(GT_T_CLI_NOMEM));
	return gt_cli_exit(status);
}

static bool is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static const char *root_of(const struct gt_tree *tree)
{
	for (size_t i = 0; i < tree->n; i++)
		if (!tree->v[i].publisher && !*tree->v[i].parent)
			return tree->v[i].code;
	return "";
}

/* The certificates that end first are what an operator must remember. */
static void tell_added(struct gt_cli *cli, const struct gt_pki *pki,
                       const char *dir, const struct gt_pki_enrolled *done)
{
	int64_t first = INT64_MAX;
	char at[GT_MEASURE_TIME], local[GT_LOCAL_TIME];
	for (size_t i = 0; i < gt_pki_count(pki); i++) {
		int64_t e = gt_pki_at(pki, i)->expires_s;
		first = e > 0 && e < first ? e : first;
	}
	gt_measure_time(at, first == INT64_MAX ? 0 : first * 1000);
	if (cli->json)
		(void)fprintf(cli->out,
		              "{\"added\": %zu, \"renamed\": %zu, "
		              "\"members\": %zu, \"expires\": \"%s\"}\n",
		              done->added, done->renamed, gt_pki_count(pki),
		              at);
	else
		gt_say(cli->out, GT_T_CLI_PKI_ADDED, done->added,
		       gt_pki_count(pki), dir, gt_local_iso(local, at));
	if (!cli->json && done->renamed)
		gt_say(cli->out, GT_T_CLI_PKI_RENAMED, done->renamed, dir,
		       GT_PKI_MEMBERS);
}

static enum gt_exit enrol(struct gt_cli *cli, const struct gt_args *args,
                          bool create)
{
	const char *file = gt_args_word(args, 0), *dir = gt_args_word(args, 1);
	if (is_file(dir) && !is_file(file)) {
		/* the other way round can only mean the same */
		const char *swap = file;
		file = dir;
		dir = swap;
	}
	uint64_t days = GT_CERT_DAYS;
	struct gt_pki_enrolled done = {0};
	char why[WHY];
	struct gt_tree tree = {0};
	struct gt_pki *pki = NULL;
	if (!gt_cli_number(cli, args, "days", 1, GT_CERT_DAYS, &days))
		return GT_EXIT_USAGE;
	enum gt_exit code = read_tree(cli, file, &tree);
	if (code)
		return code;
	char name[GT_CODE_MAX + 16];
	gt_format(name, sizeof name, "guantong CA %s", root_of(&tree));
	int status = create ? gt_pki_create(dir, name, why, sizeof why) : 0;
	if (!status)
		status = gt_pki_open(&pki, dir, why, sizeof why);
	if (!status)
		status = gt_pki_enrol(pki, &tree, (unsigned)days, &done, why,
		                      sizeof why);
	gt_tree_free(&tree);
	if (status == -GT_EINVALID && done.added) {
		/* a row of the tree is wrong: why begins with its place */
		(void)fprintf(cli->err, "%s:%s\n", file, why);
		code = GT_EXIT_FAILED;
	} else if (status) {
		code = gt_cli_fail(cli, status, why);
	} else {
		tell_added(cli, pki, dir, &done);
	}
	gt_pki_close(pki);
	return code;
}

static enum gt_exit run_create(struct gt_cli *cli, const struct gt_args *args)
{
	return enrol(cli, args, true);
}

static enum gt_exit run_add(struct gt_cli *cli, const struct gt_args *args)
{
	return enrol(cli, args, false);
}

static enum gt_exit run_renew(struct gt_cli *cli, const struct gt_args *args)
{
	const char *dir = gt_args_word(args, 0), *only = gt_args_word(args, 1);
	uint64_t days = GT_CERT_DAYS;
	size_t done = 0;
	char why[WHY];
	struct gt_pki *pki;
	if (!gt_cli_number(cli, args, "days", 1, GT_CERT_DAYS, &days))
		return GT_EXIT_USAGE;
	int status = gt_pki_open(&pki, dir, why, sizeof why);
	if (!status && only) {
		status = gt_pki_renew(pki, only, (unsigned)days, why,
		                      sizeof why);
		done = 1;
	}
	for (size_t i = 0; !status && !only && i < gt_pki_count(pki); i++) {
		const struct gt_pki_member *m = gt_pki_at(pki, i);
		if (m->publisher || m->revoked)
			continue;
		status = gt_pki_renew(pki, m->code, (unsigned)days, why,
		                      sizeof why);
		done++;
	}
	size_t placed = 0;
	if (!status)
		status = gt_pki_place(pki, &placed, why, sizeof why);
	gt_pki_close(pki);
	if (status)
		return gt_cli_fail(cli, status, why);
	if (!cli->json)
		gt_say(cli->out, GT_T_CLI_PKI_RENEWED, done, dir);
	else
		(void)fprintf(cli->out, "{\"renewed\": %zu, \"placed\": %zu}\n",
		              done, placed);
	if (!cli->json && placed)
		gt_say(cli->out, GT_T_CLI_PKI_PLACED, placed, dir,
		       GT_PKI_MEMBERS);
	return GT_EXIT_OK;
}

static enum gt_exit run_date(struct gt_cli *cli, const struct gt_args *args)
{
	const char *dir = gt_args_word(args, 0), *code = gt_args_word(args, 1);
	char why[WHY], file[WHY], key[WHY];
	const char *named = "";
	struct gt_pki *pki;
	int status = gt_pki_open(&pki, dir, why, sizeof why);
	if (!status)
		status = gt_pki_date(pki, code, &named, why, sizeof why);
	gt_format(file, sizeof file, "%s/date-%s.bin", dir, named);
	gt_format(key, sizeof key, "%s/nodes/%s/date.key", dir, named);
	if (!status)
		status = gt_pki_row(pki, named, file, why, sizeof why);
	if (!status && !cli->json)
		gt_say(cli->out, GT_T_CLI_PKI_DATE_DONE, named, key, file);
	else if (!status)
		(void)fprintf(cli->out, "{\"signs\": \"%s\"}\n", named);
	gt_pki_close(pki);
	return status ? gt_cli_fail(cli, status, why) : GT_EXIT_OK;
}

static enum gt_exit run_revoke(struct gt_cli *cli, const struct gt_args *args)
{
	const char *code = gt_args_word(args, 0), *dir = gt_args_word(args, 1);
	const char *file = gt_args_get(args, "output");
	char why[WHY], named[WHY];
	struct gt_pki *pki;
	gt_format(named, sizeof named, "%s/revoked-%s.bin", dir, code);
	if (!file)
		file = named;
	int status = gt_pki_open(&pki, dir, why, sizeof why);
	if (!status)
		status = gt_pki_revoke(pki, code, file, why, sizeof why);
	gt_pki_close(pki);
	if (status)
		return gt_cli_fail(cli, status, why);
	if (!cli->json)
		gt_say(cli->out, GT_T_CLI_PKI_REVOKE_DONE, code, file, file);
	else
		(void)fprintf(cli->out, "{\"revoked\": \"%s\"}\n", code);
	return GT_EXIT_OK;
}

static enum gt_exit run_rekey(struct gt_cli *cli, const struct gt_args *args)
{
	const char *code = gt_args_word(args, 0), *dir = gt_args_word(args, 1);
	const char *file = gt_args_get(args, "output");
	char why[WHY], named[WHY];
	struct gt_pki *pki;
	gt_format(named, sizeof named, "%s/rekeyed-%s.bin", dir, code);
	if (!file)
		file = named;
	int status = gt_pki_open(&pki, dir, why, sizeof why);
	if (!status)
		status = gt_pki_rekey(pki, code, gt_args_get(args, "lost"),
		                      file, why, sizeof why);
	gt_pki_close(pki);
	if (status)
		return gt_cli_fail(cli, status, why);
	if (!cli->json)
		gt_say(cli->out, GT_T_CLI_PKI_REKEY_DONE, code, dir, code,
		       file);
	else
		(void)fprintf(cli->out, "{\"rekeyed\": \"%s\"}\n", code);
	return GT_EXIT_OK;
}

static bool show_table(struct gt_cli *cli, const struct gt_pki *pki)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_CODE),     gt_text(GT_T_CLI_C_LEVEL),
	        gt_text(GT_T_CLI_C_NAME),     gt_text(GT_T_CLI_C_PARENT),
	        gt_text(GT_T_CLI_C_STANDING), gt_text(GT_T_CLI_C_EXPIRES)};
	struct gt_table *t = gt_table_new("ll*lll", heads);
	bool ok = t != NULL;
	for (size_t i = 0; ok && i < gt_pki_count(pki); i++) {
		const struct gt_pki_member *m = gt_pki_at(pki, i);
		char at[GT_LOCAL_TIME] = "";
		if (m->expires_s)
			gt_local_time(at, m->expires_s * 1000);
		const char *level =
		        gt_word(m->publisher ? "publisher" : m->level);
		const char *cells[] = {
		        m->code,
		        level,
		        m->name,
		        m->parent,
		        gt_word(m->revoked ? "revoked" : "active"),
		        at};
		ok = gt_table_row(t, cells);
	}
	if (ok)
		gt_table_print(t, cli->out, gt_term_columns(cli->out));
	gt_table_free(t);
	return ok;
}

static bool show_json(struct gt_cli *cli, const struct gt_pki *pki)
{
	json_t *rows = json_array();
	bool ok = rows != NULL;
	for (size_t i = 0; ok && i < gt_pki_count(pki); i++) {
		const struct gt_pki_member *m = gt_pki_at(pki, i);
		char key[GT_HEX_ID];
		gt_hex(key, m->key, sizeof m->key);
		json_t *row = json_pack(
		        "{s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:s, s:I}", "code",
		        m->code, "parent", m->parent, "level", m->level, "name",
		        m->name, "publisher", m->publisher, "revoked",
		        m->revoked, "version", (json_int_t)m->version, "key",
		        key, "expires_s", (json_int_t)m->expires_s);
		ok = row && json_array_append_new(rows, row) == 0;
	}
	ok = ok && gt_cli_json(cli, rows);
	json_decref(rows);
	return ok;
}

static enum gt_exit run_show(struct gt_cli *cli, const struct gt_args *args)
{
	char why[WHY];
	struct gt_pki *pki;
	int status = gt_pki_open(&pki, gt_args_word(args, 0), why, sizeof why);
	if (status)
		return gt_cli_fail(cli, status, why);
	bool ok = cli->json ? show_json(cli, pki) : show_table(cli, pki);
	gt_pki_close(pki);
	return ok ? GT_EXIT_OK
	          : gt_cli_fail(cli, -GT_ENOMEM, gt_text(GT_T_CLI_NOMEM));
}

const struct gt_command gt_cmd_pki[] = {
        {"create", "TREE.yaml PKIDIR", GT_T_CLI_A_PKI_CREATE, 2, 2,
         days_options,
         "guantong pki create seeds/tree.yaml pki\n"
         "guantong pki create --days 30 tree.yaml /root/guantong-pki\n",
         run_create, NULL},
        {"add", "TREE.yaml PKIDIR", GT_T_CLI_A_PKI_ADD, 2, 2, days_options,
         "guantong pki add tree.yaml pki\n", run_add, NULL},
        {"date", "PKIDIR [CODE]", GT_T_CLI_A_PKI_DATE, 1, 2, NULL,
         "guantong pki date pki\n"
         "guantong -C 33 roster import pki/date-33.bin\n",
         run_date, NULL},
        {"rekey", "CODE PKIDIR", GT_T_CLI_A_PKI_REKEY, 2, 2, rekey_options,
         "guantong pki rekey 330106 pki\n"
         "guantong -C 33 roster import pki/rekeyed-330106.bin\n",
         run_rekey, NULL},
        {"renew", "PKIDIR [CODE]", GT_T_CLI_A_PKI_RENEW, 1, 2, days_options,
         "guantong pki renew pki\nguantong pki renew pki 330106\n", run_renew,
         NULL},
        {"revoke", "CODE PKIDIR", GT_T_CLI_A_PKI_REVOKE, 2, 2, revoke_options,
         "guantong pki revoke 330106109 pki\n"
         "guantong -C 33 roster import pki/revoked-330106109.bin\n",
         run_revoke, NULL},
        {"show", "PKIDIR", GT_T_CLI_A_PKI_SHOW, 1, 1, NULL,
         "guantong pki show pki\nguantong --json pki show pki\n", run_show,
         NULL},
        {0},
};
