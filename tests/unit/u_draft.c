/* u_draft.c: what is to be published, from options, YAML and lines of JSON;
 * and commands that find no daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "draft.h"
#include "files.h"

static char dir[256];
static char said[4096];

static const char *put(const char *name, const char *text)
{
	static char path[512];
	char why[1024];
	gt_format(path, sizeof path, "%s/%s", dir, name);
	assert_int_equal(gt_files_write(path, 0600, GT_FILES_REPLACE,
	                                gt_bytes_str(text), why, sizeof why),
	                 0);
	return path;
}

/* Reads a file of drafts, and takes each; NULL: something is wrong. What was
 * said is in `said`. */
static json_t *read_drafts(const char *name, const char *text)
{
	char *heard = NULL;
	size_t n;
	struct gt_drafts drafts;
	struct gt_flaws flaws = {.n = 0};
	FILE *err = open_memstream(&heard, &n);
	assert_non_null(err);
	json_t *all = json_array();
	bool ok = gt_draft_read(&drafts, put(name, text), "zh-CN", &flaws,
	                        err) == GT_EXIT_OK;
	for (size_t i = 0; i < json_array_size(drafts.v); i++) {
		json_t *one = json_object(), *v = json_array_get(drafts.v, i);
		char where[600];
		gt_format(where, sizeof where, "%s:%d:%d", name,
		          drafts.at[i].line, drafts.at[i].column);
		if (!json_is_null(v))
			ok = gt_draft_take(one, v, "zh-CN", where, err) && ok;
		assert_int_equal(json_array_append_new(all, one), 0);
	}
	ok = gt_flaws_tell(&flaws, json_array_size(all), err) == GT_EXIT_OK &&
	     ok;
	gt_drafts_free(&drafts);
	assert_int_equal(fclose(err), 0);
	(void)gt_copy(said, sizeof said, heard);
	free(heard);
	if (ok)
		return all;
	json_decref(all);
	return NULL;
}

static void assert_json(const json_t *v, const char *want)
{
	json_t *w = json_loads(want, JSON_DECODE_ANY, NULL);
	assert_non_null(w);
	if (!json_equal(v, w)) {
		char *got = json_dumps(v, JSON_SORT_KEYS | JSON_ENCODE_ANY);
		fail_msg("%s", got ? got : "nothing");
	}
	json_decref(w);
}

static void lines_of_json(void **state)
{
	(void)state;
	json_t *all = read_drafts("a.jsonl",
	                          "{\"id\":\"33/a\",\"title\":\"题\","
	                          "\"content\":\"x\",\"subjects\":\"s\"}\n\n"
	                          "{\"id\":\"b\",\"title\":{\"en\":\"t\"}}");
	assert_json(all, "[{\"id\":\"33/a\",\"title\":{\"zh-CN\":\"题\"},"
	                 "\"path\":\"x\",\"subjects\":[\"s\"]},"
	                 "{\"id\":\"b\",\"title\":{\"en\":\"t\"}}]");
	assert_string_equal(said, "");
	assert_true(gt_draft_check(json_array_get(all, 1), "33", "w", stderr));
	assert_string_equal(gt_json_member(json_array_get(all, 1), "id"),
	                    "33/b");
	json_decref(all);
}

static void yaml(void **state)
{
	(void)state;
	json_t *all = read_drafts("a.yaml", "id: a\ntitle: {zh-CN: 题}\n"
	                                    "audiences: [elderly, all]\n");
	assert_json(all, "[{\"id\":\"a\",\"title\":{\"zh-CN\":\"题\"},"
	                 "\"audiences\":[\"elderly\",\"all\"]}]");
	json_decref(all);
	all = read_drafts("b.yaml", "resources:\n  - id: a\n  - id: b\n");
	assert_json(all, "[{\"id\":\"a\"},{\"id\":\"b\"}]");
	json_decref(all);
}

static void mistakes_have_a_place(void **state)
{
	(void)state;
	assert_null(read_drafts("a.jsonl", "{\"id\":\"a\"}\n{\"titel\":1}\n"));
	assert_non_null(strstr(said, "a.jsonl:2:1: "));
	assert_non_null(strstr(said, "title"));
	assert_null(read_drafts("a.jsonl", "{\"zebra\":1}\n"));
	assert_non_null(strstr(said, "known here: id, title, "));
	assert_null(read_drafts("a.jsonl", "{\"id\":\n"));
	assert_non_null(strstr(said, "a.jsonl:1:"));
	assert_null(read_drafts("a.jsonl", "{\"subjects\":[1]}\n"));
	assert_null(read_drafts("a.jsonl", "[]\n"));
	assert_null(read_drafts("a.yaml", "resources:\n  - {typo: a}\n"));
	assert_non_null(strstr(said, "a.yaml:2:"));
	struct gt_drafts drafts;
	struct gt_flaws flaws = {.n = 0};
	assert_int_equal(
	        gt_draft_read(&drafts, "/nonexistent", "en", &flaws, stderr),
	        GT_EXIT_NOT_FOUND);
	gt_drafts_free(&drafts);
}

/* A usual word with a slip in it is refused in a file as it is behind an option;
 * a word of one's own goes. */
static void slips_of_words(void **state)
{
	static const char *const bad[][3] = {
	        {"a.jsonl", "{\"type\":\"vidoe\"}\n", "'video'"},
	        {"a.jsonl", "{\"audiences\":\"eldrly\"}\n", "'elderly'"},
	        {"a.yaml", "type: vidoe\n", "'video'"},
	        {"a.yaml", "type: annoucement\n", "'announcement'"},
	        {"a.yaml", "audiences: [eldrly]\n", "'elderly'"},
	        {"a.yaml", "resources:\n  - subjects: [enrgy]\n", "'energy'"},
	        {"a.yaml", "audiences: [staff, 老年人]\n", "'elderly'"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_null(read_drafts(bad[i][0], bad[i][1]));
		assert_non_null(strstr(said, bad[i][2]));
	}
	json_decref(
	        read_drafts("a.yaml", "type: 钓鱼\naudiences: [anglers]\n"));
	assert_string_equal(said, "");
}

/* What is wrong with one line hides nothing of another. */
static void flaws_of_every_line(void **state)
{
	(void)state;
	assert_null(read_drafts("a.jsonl",
	                        "{\"id\":\n\n\xef\xbb\xbf{\"titel\":1}\n"
	                        "{\"title\":\"\xb5\xda\xd2\xbb\xbf\xce\"}\n"
	                        "{\"id\":1}\n"));
	for (const char *const *w =
	             (const char *const[]){
	                     "a.jsonl:1:", "a.jsonl:3:1: ", "a.jsonl:4:11: ",
	                     "a.jsonl:5:1: ", NULL};
	     *w; w++)
		assert_non_null(strstr(said, *w));
	assert_non_null(strstr(said, "GB18030"));
	assert_non_null(strstr(said, "{\"title\":\"第一课\"}"));
	/* two bytes a character */
	assert_null(read_drafts("a.jsonl", "\xff\xfe{"));
	assert_null(read_drafts("b.yaml", "id: a\ntitle: \xb5\xda\xd2\xbb\n"));
	assert_non_null(strstr(said, "b.yaml:2:8: "));
	assert_non_null(strstr(said, "title: 第一"));
}

/* Twenty are told, those that come first in the file, and how many there are. */
static void flaws_are_told_together(void **state)
{
	struct gt_flaws f = {.n = 0};
	char *heard = NULL;
	size_t n;
	(void)state;
	FILE *err = open_memstream(&heard, &n);
	for (size_t i = 0; i < 50; i++) {
		size_t entry = i * 7 % 50;
		FILE *to = gt_flaws_open(&f);
		(void)fprintf(to, "<%zu>", entry);
		gt_flaws_close(&f, entry,
		               entry == 0 ? GT_EXIT_DENIED : GT_EXIT_USAGE,
		               err);
	}
	(void)fputs("a warning", gt_flaws_open(&f));
	gt_flaws_close(&f, 3, GT_EXIT_OK, err);
	assert_int_equal(gt_flaws_tell(&f, 60, err), GT_EXIT_DENIED);
	assert_int_equal(gt_flaws_tell(&f, 60, err), GT_EXIT_OK);
	assert_int_equal(fclose(err), 0);
	assert_non_null(strstr(heard, "a warning<0><1><2>"));
	assert_non_null(strstr(heard, "<19>"));
	assert_null(strstr(heard, "<20>"));
	assert_non_null(strstr(heard, "50"));
	assert_non_null(strstr(heard, "60"));
	free(heard);
}

static void options_replace(void **state)
{
	(void)state;
	static const struct gt_option options[] = {
	        {"title", "T", GT_T_CLI_O_TITLE, 0},
	        {"subject", "S", GT_T_CLI_O_SUBJECT, 0},
	        {NULL, NULL, 0, 0}};
	static const char *const given[] = {"--title",   "en=a=b",    "--title",
	                                    "一加一=二", "--subject", "x",
	                                    "--subject", "y"};
	char *argv[8];
	struct gt_args args;
	json_t *draft =
	        json_loads("{\"subjects\":[\"old\"],\"type\":\"t\"}", 0, NULL);
	for (size_t i = 0; i < 8; i++)
		argv[i] = gt_lend(given[i]);
	assert_true(gt_args_parse(&args, options, NULL, 8, argv, false, NULL,
	                          stderr));
	assert_true(gt_draft_options(draft, &args, "zh-CN", stderr));
	assert_json(draft,
	            "{\"type\":\"t\",\"subjects\":[\"x\",\"y\"],"
	            "\"title\":{\"en\":\"a=b\",\"zh-CN\":\"一加一=二\"}}");
	gt_args_free(&args);
	json_decref(draft);
}

/* What stands before '=' is a language, or the title begins there. */
/* A language as a locale has it is no beginning of a title. */
static void tags_of_locales(void **state)
{
	static const char *const rows[][2] = {
	        {"{\"title\":\"zh_CN=甲\"}", "'zh_CN'"},
	        {"{\"title\":\"ZH-CN=甲\"}", "'ZH-CN'"},
	        {"{\"title\":{\"zh_cn\":\"甲\"}}", "'zh_cn'"},
	        {"{\"description\":{\"zh_CN\":\"甲\"}}", "'zh_CN'"},
	        {"{\"languages\":[\"en\",\"zh_CN\"]}", "'zh_CN'"},
	        {"{\"languages\":\"zh_CN\"}", "'zh_CN'"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_null(read_drafts("a.jsonl", rows[i][0]));
		assert_non_null(strstr(said, "a.jsonl:1:1: "));
		assert_non_null(strstr(said, rows[i][1]));
		assert_non_null(strstr(said, "write zh-CN\n"));
	}
	/* these are titles, and languages */
	json_t *all = read_drafts("a.jsonl",
	                          "{\"title\":\"IT=甲\","
	                          "\"languages\":[\"zh-CN\",\"zh-Hans\"]}\n"
	                          "{\"title\":\"C_1=x\"}");
	assert_json(all, "[{\"title\":{\"zh-CN\":\"IT=甲\"},"
	                 "\"languages\":[\"zh-CN\",\"zh-Hans\"]},"
	                 "{\"title\":{\"zh-CN\":\"C_1=x\"}}]");
	json_decref(all);
	assert_null(
	        read_drafts("a.jsonl", "{\"title\":{\"zh_Hans_cn\":\"x\"}}"));
	assert_non_null(strstr(said, "write zh-Hans-CN\n"));
}

/* Words as the pages have them are none of the catalogue's. */
static void words_of_the_pages(void **state)
{
	static const char *const rows[][2] = {
	        {"{\"type\":\"课程\"}", "'course'"},
	        {"{\"audiences\":[\"elderly\",\"乡村教师\"]}",
	         "'rural-teachers'"},
	        {"{\"subjects\":\"能源\"}", "'energy'"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_null(read_drafts("a.jsonl", rows[i][0]));
		assert_non_null(strstr(said, "a.jsonl:1:1: there is no '"));
		assert_non_null(strstr(said, rows[i][1]));
	}
	json_t *all = read_drafts("a.jsonl", "{\"type\":\"微课\","
	                                     "\"keywords\":[\"课程\"]}");
	assert_json(all, "[{\"type\":\"微课\",\"keywords\":[\"课程\"]}]");
	json_decref(all);
}

/* Paths as Windows has them, and what JSON and YAML make of them. */
static void paths_of_windows(void **state)
{
	static const char *const rows[][3] = {
	        {"a.jsonl", "{\"path\":\"a\\b\"}", "write path: a/b\n"},
	        {"a.jsonl", "{\"path\":\"a\\\\c\"}", "write path: a/c\n"},
	        {"a.jsonl", "{\"content\":\"课\\first\\next\"}",
	         "write content: 课/first/next\n"},
	        {"a.jsonl", "{\"start\":\"a\\red.html\"}",
	         "write start: a/red.html\n"},
	        {"a.yaml", "path: a\\b\n", "write path: a/b\n"},
	        {"a.yaml", "thumbnail: \"a\\b.png\"\n", "目录请用 / 分隔\n"},
	        {"a.jsonl", "{\"path\":\"C:\\data\"}", "\"lessons/first\"\n"},
	        {"a.jsonl", "{\"path\":\"a\\users\"}", "\"lessons/first\"\n"},
	        {"a.yaml", "path: \"C:\\data\"\n", "目录请用 / 分隔\n"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (read_drafts(rows[i][0], rows[i][1]))
			fail_msg("%s", rows[i][1]);
		if (!strstr(said, rows[i][2]) ||
		    !(strstr(said, "backslash") || strstr(said, "反斜杠")))
			fail_msg("%s: %s", rows[i][1], said);
	}
	/* elsewhere they are what they are */
	assert_null(read_drafts("a.jsonl", "{\"title\":\"a\\b\",\"path\":\n"));
	assert_null(strstr(said, "backslash"));
	json_t *all = read_drafts("a.jsonl", "{\"title\":\"a\\\\b\"}");
	assert_json(all, "[{\"title\":{\"zh-CN\":\"a\\\\b\"}}]");
	json_decref(all);
}

static void titles_with_equals(void **state)
{
	static const struct {
		const char *given, *lang, *title;
	} rows[] = {
	        {"Lesson=1 intro", "zh-CN", "Lesson=1 intro"},
	        {"en=Lesson=1", "en", "Lesson=1"},
	        {"zh-Hans=a", "zh-Hans", "a"},
	        {"ug=a", "ug", "a"},
	        {"yue=a", "yue", "a"},
	        {"VR=virtual", "zh-CN", "VR=virtual"},
	        {"ppt=a", "zh-CN", "ppt=a"},
	        {"x=y", "zh-CN", "x=y"},
	        {"=x", "zh-CN", "=x"},
	        {"en-=x", "zh-CN", "en-=x"},
	        {"n b=x", "zh-CN", "n b=x"},
	        {"english=x", "zh-CN", "english=x"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *draft = json_object(), *v = json_string(rows[i].given);
		assert_true(
		        gt_draft_set(draft, "title", v, "zh-CN", "w", stderr));
		json_t *title = json_object_get(draft, "title");
		assert_int_equal(json_object_size(title), 1);
		assert_string_equal(gt_json_member(title, rows[i].lang),
		                    rows[i].title);
		json_decref(v);
		json_decref(draft);
	}
}

static void options_that_are_no_text(void **state)
{
	(void)state;
	static const struct gt_option options[] = {
	        {"title", "T", GT_T_CLI_O_TITLE, 0}, {NULL, NULL, 0, 0}};
	static const char *const given[] = {"--title", "\xff\xfe"};
	char *argv[2] = {gt_lend(given[0]), gt_lend(given[1])};
	char *text = NULL;
	size_t n;
	struct gt_args args;
	FILE *err = open_memstream(&text, &n);
	json_t *draft = json_object();
	assert_true(gt_args_parse(&args, options, NULL, 2, argv, false, NULL,
	                          stderr));
	assert_false(gt_draft_options(draft, &args, "zh-CN", err));
	assert_int_equal(fclose(err), 0);
	assert_non_null(strstr(text, "title"));
	free(text);
	gt_args_free(&args);
	json_decref(draft);
}

static int run(const char *const *words)
{
	char *argv[16] = {NULL}, *text = NULL;
	int argc = 0;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	assert_non_null(out);
	while (words[argc]) {
		argv[argc] = gt_lend(words[argc]);
		argc++;
	}
	int code = gt_cli_main(argc, argv, out, out);
	assert_int_equal(fclose(out), 0);
	(void)gt_copy(said, sizeof said, text);
	free(text);
	return code;
}

static void without_a_daemon(void **state)
{
	(void)state;
	gt_text_language("en");
	char node[300];
	gt_format(node, sizeof node, "%s/node", dir);
	const char *const init[] = {"guantong", "init", "--code",
	                            "33",       node,   NULL};
	assert_int_equal(run(init), GT_EXIT_OK);
	assert_int_equal(run(init), GT_EXIT_DENIED);
	const char *const check[] = {"guantong", "-C",    node,
	                             "config",   "check", NULL};
	/* nobody has enrolled it: it would not start */
	assert_int_equal(run(check), GT_EXIT_FAILED);
	assert_non_null(strstr(said, "pki/roster.key"));
	assert_non_null(strstr(said, "pki/ca.pem"));
	static const char *const asks[][3] = {
	        {"ls"},           {"status"},         {"show", "33/a"},
	        {"get", "33/a"},  {"records"},        {"withdraw", "33/a"},
	        {"roster", "ls"}, {"policy", "show"}, {"audit", "query"}};
	for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
		const char *const ask[] = {"guantong", "-C",       node,
		                           asks[i][0], asks[i][1], NULL};
		assert_int_equal(run(ask), GT_EXIT_NOT_RUNNING);
		assert_non_null(strstr(said, "guantongd -C "));
	}
	const char *const wait[] = {"guantong", "-C",     node, "wait",
	                            "--until",  "synced", NULL};
	assert_int_equal(run(wait), GT_EXIT_NOT_RUNNING);
	const char *const bad[] = {"guantong", "-C",     node, "wait",
	                           "--until",  "synked", NULL};
	assert_int_equal(run(bad), GT_EXIT_USAGE);
	assert_non_null(strstr(said, "did you mean 'synced'?"));
	/* what is far from all is not guessed at */
	const char *const far[] = {"guantong", "-C",      node, "wait",
	                           "--until",  "tuesday", NULL};
	assert_int_equal(run(far), GT_EXIT_USAGE);
	assert_null(strstr(said, "did you mean"));
	assert_non_null(strstr(said, "records-rooted"));
	const char *const state_[] = {
	        "guantong",           "-C", node, "wait", "--until",
	        "resource=33/a:done", NULL};
	assert_int_equal(run(state_), GT_EXIT_USAGE);
	const char *const none[] = {"guantong", "-C", "/nonexistent", "ls",
	                            NULL};
	assert_int_equal(run(none), GT_EXIT_NOT_FOUND);
}

static int setup(void **state)
{
	(void)state;
	gt_format(dir, sizeof dir, "/tmp/gt-draft-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	char line[512];
	gt_format(line, sizeof line, "rm -rf '%s'", dir);
	return system(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(lines_of_json),
	        cmocka_unit_test(yaml),
	        cmocka_unit_test(mistakes_have_a_place),
	        cmocka_unit_test(slips_of_words),
	        cmocka_unit_test(flaws_of_every_line),
	        cmocka_unit_test(flaws_are_told_together),
	        cmocka_unit_test(options_replace),
	        cmocka_unit_test(titles_with_equals),
	        cmocka_unit_test(tags_of_locales),
	        cmocka_unit_test(paths_of_windows),
	        cmocka_unit_test(words_of_the_pages),
	        cmocka_unit_test(options_that_are_no_text),
	        cmocka_unit_test(without_a_daemon),
	};
	return cmocka_run_group_tests_name("draft", tests, setup, teardown);
}
