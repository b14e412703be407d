#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "say.h"
#include "version.h"

enum { NAMES = 64 };

static const struct gt_option globals[] = {
        {"directory", "DIR", GT_T_CLI_O_DIR, 'C'},
        {"json", NULL, GT_T_CLI_O_JSON, 0},
        {"lang", "LANG", GT_T_CLI_O_LANG, 0},
        {"help", NULL, GT_T_CLI_O_HELP, 'h'},
        {NULL, NULL, 0, 0},
};
/* understood without a command only */
static const struct gt_option fronts[] = {
        {"version", NULL, GT_T_CLI_O_VERSION, 0},
        {NULL, NULL, 0, 0},
};

static enum gt_exit run_version(struct gt_cli *cli, const struct gt_args *args)
{
	(void)args;
	if (cli->json)
		(void)fprintf(cli->out, "{\"version\": \"%s\"}\n", GT_VERSION);
	else
		(void)fprintf(cli->out, "guantong %s\n", GT_VERSION);
	return GT_EXIT_OK;
}

const struct gt_command gt_cli_commands[] = {
        {"init", "DIR", GT_T_CLI_A_INIT, 1, 1, gt_cmd_init_options,
         "guantong init --code 33 --pki pki /srv/guantong/33\n"
         "guantong init --code 330106 --parent 3301 "
         "--parent-address city.example:7700 --pki pki county\n",
         gt_cmd_init, NULL},
        {"pki", "", GT_T_CLI_A_PKI, 0, 0, NULL, NULL, NULL, gt_cmd_pki},
        {"roster", "", GT_T_CLI_A_ROSTER, 0, 0, NULL, NULL, NULL,
         gt_cmd_roster},
        {"copies", "", GT_T_CLI_A_COPIES, 0, 0, NULL, NULL, NULL,
         gt_cmd_copies},
        {"publish", "[PATH]", GT_T_CLI_A_PUBLISH, 0, 1, gt_cmd_publish_options,
         "guantong publish --id phone-basics --type video --title "
         "zh-CN=长者学用智能手机 --audience elderly FOLDER\n"
         "guantong publish --id 33/notice --type announcement --title "
         "'en=Class moved' --no-content\n"
         "guantong publish --meta course.yaml FOLDER\n"
         "guantong publish --from catalogue.jsonl --files /srv/content\n",
         gt_cmd_publish, NULL},
        {"withdraw", "ID", GT_T_CLI_A_WITHDRAW, 1, 1, gt_cmd_withdraw_options,
         "guantong withdraw 33/phone-basics --reason 'new edition'\n",
         gt_cmd_withdraw, NULL},
        {"ls", "", GT_T_CLI_A_LS, 0, 0, gt_cmd_ls_options,
         "guantong ls\n"
         "guantong ls --type video --state complete\n"
         "guantong ls --verdict on-demand --search 手机 --json\n",
         gt_cmd_ls, NULL},
        {"show", "ID", GT_T_CLI_A_SHOW, 1, 1, NULL,
         "guantong show 33/phone-basics\n", gt_cmd_show, NULL},
        {"get", "ID [PATH]", GT_T_CLI_A_GET, 1, 2, gt_cmd_get_options,
         "guantong get 33/phone-basics\n"
         "guantong get 33/phone-basics -o lessons\n"
         "guantong get 33/phone-basics lesson-1.mp4 -o lesson.mp4\n",
         gt_cmd_get, NULL},
        {"explain", "ID", GT_T_CLI_A_EXPLAIN, 1, 1, gt_cmd_explain_options,
         "guantong explain 33/phone-basics\n"
         "guantong explain 33/phone-basics --for 330106109210\n",
         gt_cmd_explain, NULL},
        {"status", "", GT_T_CLI_A_STATUS, 0, 0, gt_cmd_status_options,
         "guantong status\nguantong status --watch\n", gt_cmd_status, NULL},
        {"wait", "--until CONDITION", GT_T_CLI_A_WAIT, 0, 0,
         gt_cmd_wait_options,
         "guantong wait --until synced\n"
         "guantong wait --until resource=33/phone-basics:complete "
         "--timeout 5m\n"
         "guantong wait --until gone=33/phone-basics\n"
         "guantong wait --until records-rooted\n",
         gt_cmd_wait, NULL},
        {"records", "", GT_T_CLI_A_RECORDS, 0, 0, gt_cmd_records_options,
         "guantong records --limit 20\nguantong records --quarantine\n",
         gt_cmd_records, gt_cmd_records_sub},
        {"documents", "", GT_T_CLI_A_DOCUMENTS, 0, 0, NULL, NULL, NULL,
         gt_cmd_documents},
        {"certificate", "", GT_T_CLI_A_CERTIFICATE, 0, 0, NULL, NULL, NULL,
         gt_cmd_certificate},
        {"person", "", GT_T_CLI_A_PERSON, 0, 0, NULL, NULL, NULL,
         gt_cmd_person},
        {"credential", "", GT_T_CLI_A_CREDENTIAL, 0, 0, NULL, NULL, NULL,
         gt_cmd_credential},
        {"audit", "", GT_T_CLI_A_AUDIT, 0, 0, NULL, NULL, NULL, gt_cmd_audit},
        {"policy", "", GT_T_CLI_A_POLICY, 0, 0, NULL, NULL, NULL,
         gt_cmd_policy},
        {"config", "", GT_T_CLI_A_CONFIG, 0, 0, NULL, NULL, NULL,
         gt_cmd_config},
        {"reload", "", GT_T_CLI_A_RELOAD, 0, 0, NULL,
         "guantong -C /srv/guantong/33 reload\n", gt_cmd_reload, NULL},
        {"version", "", GT_T_CLI_A_VERSION, 0, 0, NULL, "guantong version\n",
         run_version, NULL},
        {0},
};

/* ------------------------------------------------------------- help */

static void help_options(FILE *out, const struct gt_option *o)
{
	for (; o && o->name; o++) {
		char left[48];
		gt_format(left, sizeof left, "%c%c%s--%s%s%s",
		          o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
		          o->letter ? ", " : "  ", o->name, o->value ? " " : "",
		          o->value ? o->value : "");
		(void)fprintf(out, "  %-30s %s\n", left, gt_text(o->about));
	}
}

static void help_list(FILE *out, const struct gt_command *table)
{
	for (; table->name; table++) {
		/* what more there is to say of one stands in its own help */
		const char *about = gt_text(table->about);
		(void)fprintf(out, "  %-12s %.*s\n", table->name,
		              (int)strcspn(about, "\n"), about);
	}
}

static void help_examples(FILE *out, const char *examples)
{
	while (examples && *examples) {
		size_t n = strcspn(examples, "\n");
		(void)fprintf(out, "  %.*s\n", (int)n, examples);
		examples += n + (examples[n] == '\n');
	}
}

/* path: the commands above, "" or "pki ". */
static void help(FILE *out, const char *path, const struct gt_command *c)
{
	bool list = c->sub != NULL, group = list && !c->run;
	(void)fprintf(out, "%s guantong %s%s %s%s%s\n\n%s\n",
	              gt_text(GT_T_CLI_H_USAGE), path, c->name,
	              group ? gt_text(GT_T_CLI_H_COMMAND) : "[OPTIONS]",
	              group || *c->words ? " " : "", group ? "..." : c->words,
	              gt_text(c->about));
	if (list) {
		(void)fprintf(out, "\n%s\n", gt_text(GT_T_CLI_H_COMMANDS));
		help_list(out, c->sub);
	}
	(void)fprintf(out, "\n%s\n", gt_text(GT_T_CLI_H_OPTIONS));
	help_options(out, c->options);
	help_options(out, globals);
	(void)fprintf(out, "\n%s\n", gt_text(GT_T_CLI_H_EXAMPLES));
	help_examples(out, c->examples);
	for (const struct gt_command *sub = c->sub; list && sub->name; sub++)
		help_examples(out, sub->examples);
}

static void help_all(FILE *out)
{
	(void)fprintf(out, "%s guantong [-C DIR] [--json] %s ...\n\n%s\n\n%s\n",
	              gt_text(GT_T_CLI_H_USAGE), gt_text(GT_T_CLI_H_COMMAND),
	              gt_text(GT_T_CLI_H_ABOUT), gt_text(GT_T_CLI_H_COMMANDS));
	help_list(out, gt_cli_commands);
	(void)fprintf(out, "\n%s\n", gt_text(GT_T_CLI_H_OPTIONS));
	help_options(out, globals);
	help_options(out, fronts);
	(void)fprintf(out, "\n%s\n", gt_text(GT_T_CLI_H_EXITS));
	(void)fprintf(out, "\n%s\n", gt_text(GT_T_CLI_H_EXAMPLES));
	help_examples(out, "guantong -C /srv/guantong/33 status\n"
	                   "guantong publish --help\n");
}

/* --------------------------------------------------------- dispatch */

static const struct gt_command *find(const struct gt_command *table,
                                     const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static void no_command(FILE *err, const struct gt_command *table,
                       const char *path, const char *name)
{
	const char *names[NAMES];
	size_t n = 0;
	for (; table->name && n < NAMES; table++)
		names[n++] = table->name;
	const char *near = gt_nearest(name, names, n, GT_SLIPS_TYPED);
	if (near)
		gt_say(err, GT_T_CLI_COMMAND_NEAR, path, name, path, near);
	else
		gt_say(err, GT_T_CLI_COMMAND_UNKNOWN, path, name, path);
}

/* "zh", "zh-CN", "en-GB", "en_US.UTF-8" */
static bool speaks(const char *lang)
{
	return (strncmp(lang, "zh", 2) == 0 || strncmp(lang, "en", 2) == 0) &&
	       (lang[2] == '\0' || strchr("-_.", lang[2]));
}

/* False: said what is wrong. */
static bool take_globals(struct gt_cli *cli, const struct gt_args *args)
{
	const char *dir = gt_args_get(args, "directory");
	const char *lang = gt_args_get(args, "lang");
	if (dir)
		cli->dir = dir;
	if (gt_args_get(args, "json"))
		cli->json = true;
	if (lang && !speaks(lang)) {
		gt_say(cli->err, GT_T_CLI_CHOICE, "lang", lang, "zh-CN, en");
		return false;
	}
	if (lang) {
		gt_text_language(lang);
		cli->lang = strncmp(lang, "zh", 2) == 0 ? "zh-CN" : "en";
	}
	return true;
}

/* There are too few words, or too many: which, how it goes, and an example. */
static void say_words(struct gt_cli *cli, const char *path,
                      const struct gt_command *c, const struct gt_args *args)
{
	size_t words = gt_args_words(args);
	const char *missing = c->words;
	if (words > c->max_words) {
		gt_say(cli->err,
		       c->max_words ? GT_T_CLI_WORD_EXTRA : GT_T_CLI_WORD_NONE,
		       path, c->name, gt_args_word(args, c->max_words));
	} else {
		char word[32];
		for (; words > 0; words--)
			missing += strcspn(missing, " ") + 1;
		gt_format(word, sizeof word, "%.*s", (int)strcspn(missing, " "),
		          missing);
		gt_say(cli->err, GT_T_CLI_WORD_MISSING, path, c->name, word);
	}
	gt_say(cli->err, GT_T_CLI_WORDS, path, c->name, *c->words ? " " : "",
	       c->words);
	if (c->examples) {
		char example[256];
		gt_format(example, sizeof example, "%.*s",
		          (int)strcspn(c->examples, "\n"), c->examples);
		gt_say(cli->err, GT_T_CLI_EXAMPLE, example);
	}
	gt_say(cli->err, GT_T_CLI_SEE_HELP, path, c->name);
}

static enum gt_exit run_command(struct gt_cli *cli, const char *path,
                                const struct gt_command *c, int argc,
                                char *const *argv)
{
	struct gt_args args;
	enum gt_exit code = GT_EXIT_USAGE;
	bool ok = gt_args_parse(&args, c->options, globals, argc, argv, false,
	                        NULL, cli->err);
	size_t words = gt_args_words(&args);
	if (ok && !take_globals(cli, &args)) {
		gt_args_free(&args);
		return code;
	}
	if (ok && gt_args_get(&args, "help")) {
		help(cli->out, path, c);
		code = GT_EXIT_OK;
	} else if (ok && (words < c->min_words || words > c->max_words)) {
		say_words(cli, path, c, &args);
	} else if (ok) {
		if (gt_args_text(&args, c->words, cli->err))
			code = c->run(cli, &args);
	} else {
		gt_say(cli->err, GT_T_CLI_SEE_HELP, path, c->name);
	}
	gt_args_free(&args);
	return code;
}

enum instead { COMMAND, HELP, VERSION };

/* The options before a command's name, which is argv[*used], out of globals and
 * more; *instead: what was asked for in its place. */
static bool take_front(struct gt_cli *cli, const struct gt_option *more,
                       int argc, char *const *argv, int *used,
                       enum instead *instead)
{
	struct gt_args args;
	bool ok = gt_args_parse(&args, globals, more, argc, argv, true, used,
	                        cli->err);
	*instead = COMMAND;
	if (ok && gt_args_get(&args, "help"))
		*instead = HELP;
	else if (ok && gt_args_get(&args, "version"))
		*instead = VERSION;
	if (ok)
		ok = take_globals(cli, &args);
	gt_args_free(&args);
	return ok;
}

/* above: the commands above it, as in help(). */
static enum gt_exit run_group(struct gt_cli *cli, const char *above,
                              const struct gt_command *c, int argc,
                              char *const *argv)
{
	char path[64];
	int used = 0;
	enum instead instead;
	if (!take_front(cli, NULL, argc, argv, &used, &instead)) {
		gt_say(cli->err, GT_T_CLI_SEE_HELP, above, c->name);
		return GT_EXIT_USAGE;
	}
	if (instead == HELP || used == argc) {
		help(instead == HELP ? cli->out : cli->err, above, c);
		return instead == HELP ? GT_EXIT_OK : GT_EXIT_USAGE;
	}
	gt_format(path, sizeof path, "%s%s ", above, c->name);
	const struct gt_command *sub = find(c->sub, argv[used]);
	if (sub && sub->sub)
		return run_group(cli, path, sub, argc - used - 1,
		                 argv + used + 1);
	if (sub)
		return run_command(cli, path, sub, argc - used - 1,
		                   argv + used + 1);
	no_command(cli->err, c->sub, path, argv[used]);
	return GT_EXIT_USAGE;
}

/* "guantong help", "guantong help pki create": as with --help. argv: behind
 * the word. */
static enum gt_exit run_help(struct gt_cli *cli, int argc, char *const *argv)
{
	const struct gt_command *table = gt_cli_commands, *c = NULL;
	char path[32] = "";
	for (int i = 0; i < argc && table; i++) {
		if (c)
			gt_format(path, sizeof path, "%s ", c->name);
		c = find(table, argv[i]);
		if (!c) {
			no_command(cli->err, table, path, argv[i]);
			return GT_EXIT_USAGE;
		}
		table = c->sub;
	}
	if (c)
		help(cli->out, path, c);
	else
		help_all(cli->out);
	return GT_EXIT_OK;
}

static enum gt_exit run_all(struct gt_cli *cli, int argc, char *const *argv)
{
	int used = 0;
	enum instead instead;
	if (!take_front(cli, fronts, argc, argv, &used, &instead)) {
		gt_say(cli->err, GT_T_CLI_SEE_ALL);
		return GT_EXIT_USAGE;
	}
	if (instead == VERSION)
		return run_version(cli, NULL);
	if (instead == HELP || used == argc) {
		help_all(instead == HELP ? cli->out : cli->err);
		return instead == HELP ? GT_EXIT_OK : GT_EXIT_USAGE;
	}
	const struct gt_command *c = find(gt_cli_commands, argv[used]);
	argc -= used + 1;
	argv += used + 1;
	if (strcmp(argv[-1], "help") == 0)
		return run_help(cli, argc, argv);
	if (!c) {
		no_command(cli->err, gt_cli_commands, "", argv[-1]);
		return GT_EXIT_USAGE;
	}
	bool alone = c->run && (argc == 0 || argv[0][0] == '-');
	return c->sub && !alone ? run_group(cli, "", c, argc, argv)
	                        : run_command(cli, "", c, argc, argv);
}

/* What is wrong at the very front is said in the language asked for, wherever
 * --lang stands. */
static void look_for_language(int argc, char *const *argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strncmp(argv[i], "--lang=", 7) == 0)
			gt_text_language(argv[i] + 7);
		else if (strcmp(argv[i], "--lang") == 0 && i + 1 < argc)
			gt_text_language(argv[i + 1]);
	}
}

int gt_cli_main(int argc, char *const *argv, FILE *out, FILE *err)
{
	struct gt_cli cli = {
	        .dir = getenv("GUANTONG_DIR"), .out = out, .err = err};
	gt_say_node(NULL);
	gt_text_language_from_env();
	look_for_language(argc, argv);
	if (!cli.dir || !*cli.dir)
		cli.dir = ".";
	/* the language of the texts, told by a word that differs */
	cli.lang = strcmp(gt_text(GT_T_PROVINCE), "province") == 0 ? "en"
	                                                           : "zh-CN";
	enum gt_exit code =
	        run_all(&cli, argc > 0 ? argc - 1 : 0, argv + (argc > 0));
	/* A full disk or a closed pipe must not look like success. */
	if ((fflush(out) != 0 || ferror(out)) && code == GT_EXIT_OK)
		code = GT_EXIT_FAILED;
	return (int)code;
}
