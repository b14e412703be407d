/* u_cli.c: the command line: options, help, suggestions, exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "text.h"
#include "version.h"

enum { WORDS = 16 };

static char *out_text, *err_text;

/* Runs a command given as words apart by spaces. */
static int run(const char *line)
{
	char words[512], *argv[WORDS + 1] = {NULL};
	int argc = 0;
	size_t n;
	free(out_text);
	free(err_text);
	out_text = err_text = NULL;
	FILE *out = open_memstream(&out_text, &n);
	FILE *err = open_memstream(&err_text, &n);
	assert_non_null(out);
	assert_non_null(err);
	assert_true(gt_copy(words, sizeof words, line));
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " ")) {
		assert_true(argc < WORDS);
		argv[argc++] = w;
	}
	int code = gt_cli_main(argc, argv, out, err);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(fclose(err), 0);
	return code;
}

static void help_of(const char *path, const struct gt_command *table,
                    const char *lang)
{
	for (; table->name; table++) {
		char line[128];
		gt_format(line, sizeof line, "guantong --lang %s %s%s --help",
		          lang, path, table->name);
		assert_int_equal(run(line), GT_EXIT_OK);
		assert_string_equal(err_text, "");
		assert_non_null(strstr(out_text, gt_text(table->about)));
		const char *examples =
		        strstr(out_text, gt_text(GT_T_CLI_H_EXAMPLES));
		assert_non_null(examples);
		assert_non_null(strstr(examples, "guantong "));
		if (table->sub) {
			gt_format(line, sizeof line, "%s%s ", path,
			          table->name);
			help_of(line, table->sub, lang);
		}
	}
}

static void every_command_helps(void **state)
{
	(void)state;
	assert_int_equal(run("guantong --help"), GT_EXIT_OK);
	help_of("", gt_cli_commands, "en");
	help_of("", gt_cli_commands, "zh-CN");
	assert_int_equal(run("guantong --lang en version"), GT_EXIT_OK);
}

static void the_version_is_an_option_too(void **state)
{
	(void)state;
	assert_int_equal(run("guantong --version"), GT_EXIT_OK);
	assert_string_equal(out_text, "guantong " GT_VERSION "\n");
	assert_int_equal(run("guantong --json --version"), GT_EXIT_OK);
	assert_string_equal(out_text, "{\"version\": \"" GT_VERSION "\"}\n");
	/* not of a command: there it may mean something else one day */
	assert_int_equal(run("guantong ls --version"), GT_EXIT_USAGE);
	assert_int_equal(run("guantong pki --version"), GT_EXIT_USAGE);
}

/* What is another word is not guessed at. */
static void verbs_nobody_knows(void **state)
{
	static const char *const words[] = {"restart", "stop",   "start",
	                                    "remove",  "delete", "fetch",
	                                    "login",   "update", "sync"};
	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		char line[64];
		gt_format(line, sizeof line, "guantong --lang en %s", words[i]);
		assert_int_equal(run(line), GT_EXIT_USAGE);
		if (strstr(err_text, "did you mean"))
			fail_msg("%s", err_text);
	}
}

/* A line for each command, and "help" where people expect it. */
static void the_list_of_commands(void **state)
{
	(void)state;
	assert_int_equal(run("guantong --lang en --help"), GT_EXIT_OK);
	size_t lines = 0;
	for (const struct gt_command *c = gt_cli_commands; c->name; c++)
		lines++;
	const char *at = strstr(out_text, "Commands:\n");
	assert_non_null(at);
	for (at += 9; at[0] == '\n' && at[1] != '\n'; lines--)
		at += 1 + strcspn(at + 1, "\n");
	assert_int_equal(lines, 0);
	char *all = strdup(out_text);
	assert_int_equal(run("guantong --lang en help"), GT_EXIT_OK);
	assert_string_equal(out_text, all);
	free(all);
	assert_int_equal(run("guantong --lang en help wait"), GT_EXIT_OK);
	assert_non_null(strstr(out_text, "records-rooted"));
	assert_int_equal(run("guantong --lang en help pki create"), GT_EXIT_OK);
	assert_non_null(strstr(out_text, "guantong pki create"));
	assert_int_equal(run("guantong --lang en help pki craete"),
	                 GT_EXIT_USAGE);
	assert_non_null(strstr(err_text, "'pki create'"));
	assert_int_equal(run("guantong --lang en help ls x"), GT_EXIT_OK);
}

/* A value that can only be a slip is none that passes in silence. */
static void values_that_are_slips(void **state)
{
	static const struct {
		const char *line, *said;
		int code;
	} rows[] = {
	        {"guantong --lang fr ls", "--lang cannot be 'fr'", 2},
	        {"guantong ls --lang englisch", "--lang cannot be", 2},
	        {"guantong --lang en-GB ls --type vidoe",
	         "did you mean 'video'?", 2},
	        {"guantong --lang en ls --type 课程", "did you mean 'course'?",
	         2},
	        {"guantong --lang zh-CN publish --type 课程 --id a",
	         "您是指“course”吗", 2},
	        {"guantong --lang zh-CN ls --state 已损坏", "您是指“damaged”吗",
	         2},
	        {"guantong --lang zh-CN ls --verdict 本地保存",
	         "您是指“mirror”吗", 2},
	        {"guantong --lang zh-CN audit query --event 裁决",
	         "您是指“judge”吗", 2},
	        {"guantong --lang zh-CN credential add a --role 读取者",
	         "您是指“reader”吗", 2},
	        {"guantong --lang en ls --audience eldery",
	         "did you mean 'elderly'?", 2},
	        {"guantong --lang en audit query --event publsh",
	         "did you mean 'publish'?", 2},
	        {"guantong --lang en publish --id a --title a --type corse",
	         "did you mean 'course'?", 2},
	        {"guantong --lang en -C /nonexistent ls --type podcast",
	         "note that 'podcast' is none of course, lecture,", 4},
	        {"guantong --lang en -C /nonexistent audit query --event pub*",
	         "/nonexistent", 4},
	        {"guantong --lang en show a b",
	         "guantong show: 'b' is one word too many", 2},
	        {"guantong --lang en records quarantine show x",
	         "guantong: 'x' is not a number of a row", 2},
	        {"guantong --lang en pki show /nonexistent",
	         "guantong pki create TREE.yaml /nonexistent", 4},
	        {"guantong --lang en -x", "see guantong --help", 2},
	        {"guantong --lang en pki -x", "see guantong pki --help", 2},
	        {"guantong --lang en ls videos",
	         "guantong ls takes no words: 'videos' is too many", 2},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int code = run(rows[i].line);
		if (code != rows[i].code || !strstr(err_text, rows[i].said))
			fail_msg("%s: %d, %s", rows[i].line, code, err_text);
	}
}

/* Whoever leaves a word out, or gives one too many, is told which, how it goes,
 * an example, and where there is more. */
static void what_is_missing_is_told(const char *path,
                                    const struct gt_command *table,
                                    const char *lang)
{
	for (; table->name; table++) {
		char line[512], want[64];
		if (table->sub) {
			gt_format(line, sizeof line, "%s%s ", path,
			          table->name);
			what_is_missing_is_told(line, table->sub, lang);
		}
		if (!table->run || table->max_words > 2)
			continue;
		for (int many = 0; many < 2; many++) {
			if (table->sub || (!many && table->min_words == 0))
				continue;
			gt_format(line, sizeof line,
			          "guantong --lang %s %s%s%s", lang, path,
			          table->name, many ? " a b c" : "");
			assert_int_equal(run(line), GT_EXIT_USAGE);
			gt_format(want, sizeof want, "%.*s",
			          (int)strcspn(table->words, " "),
			          table->words);
			if (!strstr(err_text, many ? "'" : want) &&
			    !strstr(err_text, "\u201c"))
				fail_msg("%s: %s", line, err_text);
			assert_non_null(strstr(err_text, "[OPTIONS]"));
			assert_non_null(strstr(err_text, " --help\n"));
			gt_format(
			        want, sizeof want, "%.*s",
			        (int)(strcspn(gt_text(GT_T_CLI_EXAMPLE), "%")),
			        gt_text(GT_T_CLI_EXAMPLE));
			assert_non_null(strstr(err_text, want));
		}
	}
}

static void every_command_says_what_is_missing(void **state)
{
	(void)state;
	what_is_missing_is_told("", gt_cli_commands, "en");
	what_is_missing_is_told("", gt_cli_commands, "zh-CN");
}

static void mistakes_are_usage(void **state)
{
	(void)state;
	assert_int_equal(run("guantong"), GT_EXIT_USAGE);
	assert_int_equal(run("guantong --lang en inti x"), GT_EXIT_USAGE);
	assert_non_null(strstr(err_text, "'init'"));
	assert_int_equal(run("guantong --lang en pki craete"), GT_EXIT_USAGE);
	assert_non_null(strstr(err_text, "'pki create'"));
	assert_int_equal(run("guantong --lang en init --cod 33 x"),
	                 GT_EXIT_USAGE);
	assert_non_null(strstr(err_text, "--code"));
	assert_int_equal(run("guantong --lang en pblsh x"), GT_EXIT_USAGE);
	assert_non_null(strstr(err_text, "'publish'"));
	assert_int_equal(run("guantong init --code"), GT_EXIT_USAGE);
	assert_int_equal(run("guantong version --json=1"), GT_EXIT_USAGE);
	assert_int_equal(run("guantong version more"), GT_EXIT_USAGE);
	assert_int_equal(run("guantong pki create --days 91 a b"),
	                 GT_EXIT_USAGE);
	assert_int_equal(run("guantong pki show /nonexistent"),
	                 GT_EXIT_NOT_FOUND);
}

static void languages(void **state)
{
	(void)state;
	assert_int_equal(run("guantong --lang zh-CN nope"), GT_EXIT_USAGE);
	assert_non_null(strstr(err_text, "没有命令"));
	assert_int_equal(run("guantong --lang en nope"), GT_EXIT_USAGE);
	assert_non_null(strstr(err_text, "no command"));
}

static const struct gt_option options[] = {
        {"title", "TEXT", GT_T_CLI_O_NAME, 't'},
        {"all", NULL, GT_T_CLI_O_NAME, 'a'},
        {"brief", NULL, GT_T_CLI_O_NAME, 'b'},
        {NULL, NULL, 0, 0},
};

static void options_are_read(void **state)
{
	(void)state;
	static const char *const given[] = {"one", "--title",     "a",   "-abt",
	                                    "b",   "--title=c=d", "-te", "-",
	                                    "--",  "--all x"};
	char *argv[10];
	struct gt_args args;
	for (size_t i = 0; i < 10; i++)
		argv[i] = gt_lend(given[i]);
	assert_true(gt_args_parse(&args, options, NULL, 10, argv, false, NULL,
	                          stderr));
	size_t at = 0;
	assert_string_equal(gt_args_next(&args, "title", &at), "a");
	assert_string_equal(gt_args_next(&args, "title", &at), "b");
	assert_string_equal(gt_args_next(&args, "title", &at), "c=d");
	assert_string_equal(gt_args_next(&args, "title", &at), "e");
	assert_null(gt_args_next(&args, "title", &at));
	assert_string_equal(gt_args_get(&args, "title"), "e");
	assert_non_null(gt_args_get(&args, "all"));
	assert_non_null(gt_args_get(&args, "brief"));
	assert_int_equal(gt_args_words(&args), 3);
	assert_string_equal(gt_args_word(&args, 0), "one");
	assert_string_equal(gt_args_word(&args, 1), "-");
	assert_string_equal(gt_args_word(&args, 2), "--all x");
	assert_null(gt_args_word(&args, 3));
	gt_args_free(&args);
}

static void exit_codes(void **state)
{
	(void)state;
	assert_int_equal(gt_cli_exit(0), 0);
	assert_int_equal(gt_cli_exit(-GT_EIO), 1);
	assert_int_equal(gt_cli_exit(-GT_ECLOSED), 3);
	assert_int_equal(gt_cli_exit(-GT_EUNKNOWN), 4);
	assert_int_equal(gt_cli_exit(-GT_EDENIED), 5);
	assert_int_equal(gt_cli_exit(-GT_ECONFLICT), 5);
}

/* What does not stand in the directory given is 4 with every command: the node
 * itself, or a file that is named. `%s` is an empty folder. */
static const char *const not_there[] = {
        "ls",
        "show a",
        "show 33/a",
        "get a",
        "get 33/a",
        "explain a",
        "status",
        "wait --until synced",
        "publish --id a --title t --no-content",
        "publish --id a --title t %s/none",
        "publish --from %s/none.jsonl",
        "withdraw a",
        "records",
        "records preview --to 33",
        "records proof 7c1b3a5e-0d7f-4e67-9a53-2f3f0c0a9d11",
        "records groups",
        "records report",
        "records quarantine ls",
        "copies ls",
        "copies keep 330106 held",
        "records key new",
        "records key ls",
        "records key retire 33.1",
        "records quarantine show 1",
        "records quarantine drop 1",
        "documents ls",
        "documents show 1",
        "documents drop 1",
        "documents restore 1",
        "certificate issue a",
        "certificate ls",
        "certificate show a",
        "certificate revoke a --why b",
        "certificate list",
        "certificate verify %s/none",
        "person find a",
        "person export a",
        "person erase a",
        "person erase --yes a",
        "credential add a",
        "credential ls",
        "credential rm a",
        "audit query",
        "policy show",
        "policy check %s/none",
        "policy set %s/none",
        "policy test %s/none --statement %s/none --from 330106 --to 3301",
        "policy explain 6690e6c9-3ef0-4ed3-8b37-7f3964730bee",
        "policy diff %s/none --to 3301",
        "credential show school",
        "credential set school --scope read",
        "credential rotate school",
        "credential launch --activity=a:b --agent={} --url=https://a.cn/",
        "config check",
        "config check %s/none",
        "config show",
        "reload",
        "roster ls",
        "roster import %s/none",
        "roster export %s/out",
        "pki show %s/none",
        "pki add %s/none %s/pki",
        "pki create %s/none %s/pki",
        "pki renew %s/none",
        "pki revoke 33 %s/none",
        "pki rekey 33 %s/none",
        "pki date %s/none",
        "init --code 33 --pki %s/none %s/new",
};

/* Whether a row begins with the command. */
static bool has_row(const char *command)
{
	size_t n = strlen(command);
	for (size_t i = 0; i < sizeof not_there / sizeof *not_there; i++)
		if (strncmp(not_there[i], command, n) == 0 &&
		    strchr(" ", not_there[i][n]))
			return true;
	return false;
}

static void each_has_a_row(const char *path, const struct gt_command *table)
{
	for (; table->name; table++) {
		char name[64];
		gt_format(name, sizeof name, "%s%s", path, table->name);
		/* these need nothing */
		if (strcmp(name, "version") == 0 ||
		    strcmp(name, "config keys") == 0)
			continue;
		if (table->run && !has_row(name))
			fail_msg("no row for %s", name);
		gt_format(name, sizeof name, "%s%s ", path, table->name);
		if (table->sub)
			each_has_a_row(name, table->sub);
	}
}

static void what_is_not_there_is_4(void **state)
{
	char dir[] = "/tmp/guantong-cli-XXXXXX";
	(void)state;
	each_has_a_row("", gt_cli_commands);
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < sizeof not_there / sizeof *not_there; i++) {
		char line[400];
		size_t n;
		gt_format(line, sizeof line, "guantong --lang en -C %s ", dir);
		for (const char *c = not_there[i]; *c; c++) {
			n = strlen(line);
			bool here = strncmp(c, "%s", 2) == 0;
			gt_format(line + n, sizeof line - n, "%.*s",
			          here ? (int)strlen(dir) : 1, here ? dir : c);
			c += here;
		}
		int code = run(line);
		if (code != GT_EXIT_NOT_FOUND)
			fail_msg("%d: %s", code, line);
		/* one sentence, and the same of every command but the check,
		 * which says what the daemon would */
		if (!strstr(line, "none") && !strstr(line, "config check") &&
		    !strstr(err_text, "is not a node's directory"))
			fail_msg("%s: %s", line, err_text);
	}
	assert_int_equal(rmdir(dir), 0);
}

/* The conversions of a format, in order, with their lengths. */
static void conversions(const char *s, char *out, size_t cap)
{
	size_t n = 0;
	for (; *s; s++) {
		if (*s != '%')
			continue;
		for (s++; *s && n + 2 < cap; s++) {
			out[n++] = *s;
			if (strchr("diouxXcsfegp%", *s))
				break;
		}
	}
	out[n] = '\0';
}

static void languages_take_the_same_values(void **state)
{
	(void)state;
	for (int k = 0; k < GT_T_COUNT; k++) {
		char en[128], zh[128];
		conversions(gt_text_in("en", (enum gt_text)k), en, sizeof en);
		conversions(gt_text_in("zh", (enum gt_text)k), zh, sizeof zh);
		assert_string_equal(en, zh);
	}
}

static int cleanup(void **state)
{
	(void)state;
	free(out_text);
	free(err_text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_command_helps),
	        cmocka_unit_test(the_version_is_an_option_too),
	        cmocka_unit_test(mistakes_are_usage),
	        cmocka_unit_test(every_command_says_what_is_missing),
	        cmocka_unit_test(verbs_nobody_knows),
	        cmocka_unit_test(the_list_of_commands),
	        cmocka_unit_test(values_that_are_slips),
	        cmocka_unit_test(languages),
	        cmocka_unit_test(options_are_read),
	        cmocka_unit_test(exit_codes),
	        cmocka_unit_test(what_is_not_there_is_4),
	        cmocka_unit_test(languages_take_the_same_values),
	};
	return cmocka_run_group_tests_name("cli", tests, NULL, cleanup);
}
