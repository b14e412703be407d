/* u_config.c: configuration and policy files: what is taken, what is said of
 * what is not, and that the examples do what they say. Runs from the root of
 * the repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "demand.h"
#include "policy.h"
#include "text.h"
#include "yaml.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct gt_config config, again; /* too large for the stack */

static int parse(const char *yaml, const char *lang, struct gt_complaints *c)
{
	*c = (struct gt_complaints){0};
	return gt_config_parse(&config, "f", gt_bytes_str(yaml), lang, c);
}

static void show(const struct gt_complaints *c)
{
	for (size_t i = 0; i < c->n; i++)
		print_error("%s\n", c->v[i]);
}

/* Parses what must be right, without a word said. */
static void taken_with(const char *yaml, size_t warnings)
{
	struct gt_complaints c;
	int rc = parse(yaml, "en", &c);
	if (c.n != warnings)
		show(&c);
	assert_int_equal(rc, 0);
	assert_int_equal(c.n, warnings);
	gt_complaints_free(&c);
}

static void taken(const char *yaml)
{
	taken_with(yaml, 0);
}

/* ---------------------------------------------------- what is taken */

static void defaults(void **state)
{
	(void)state;
	taken("node: {code: 33}");
	assert_string_equal(config.code, "33");
	assert_string_equal(config.lang, "zh-CN");
	assert_string_equal(config.parent, "");
	assert_string_equal(config.listen, "");
	assert_string_equal(config.http, "127.0.0.1:8080");
	assert_string_equal(config.content, "auto");
	assert_string_equal(config.staff, "auto");
	assert_string_equal(config.policy, "policy.yaml");
	assert_false(config.insecure);
	assert_true(config.heartbeat_ms == 15000 && config.dead_ms == 45000);
	assert_true(config.window_min == 512 << 10);
	assert_true(config.window_max == 8 << 20);
	assert_true(config.max_links == 256 && config.max_per_address == 64);
	assert_true(config.reserve == 64 << 20 && config.transfers == 4);
	assert_int_equal(config.entries, GT_ENTRIES_MAX);
	assert_int_equal(config.log_level, 2);
	assert_true(config.nusers == 0 && config.naddresses == 0);
}

static void everything(void **state)
{
	(void)state;
	taken_with(
	        "# a comment\n"
	        "node: {code: 330106-b, name: \"西湖 \\\"b\\\"\", language: "
	        "en}\n"
	        "parent:\n"
	        "  code: '330106'\n"
	        "  addresses: [\"[::1]:7700\", a.example:7701]\n"
	        "link: {listen: 127.0.0.1:0, insecure: false, heartbeat: 2s,\n"
	        "  dead: 1m, window_min: 1MiB, window_max: 1MiB,\n"
	        "  max_links: 3, max_per_address: 2}\n"
	        "http:\n"
	        "  listen: \"[::]:80\"\n"
	        "  listen_tls: own\n"
	        "  terminals:\n"
	        "  - {name: a, password: \"p: #\"}\n"
	        "  - name: 教室\n"
	        "    password: yes\n"
	        "storage: {reserve: 0, transfers: 8}\n"
	        "policy: {file: }\n"
	        "log: {level: debug}\n",
	        1);
	assert_string_equal(config.code, "330106-b");
	assert_string_equal(config.name, "西湖 \"b\"");
	assert_string_equal(config.lang, "en");
	assert_string_equal(config.parent, "330106");
	assert_int_equal(config.naddresses, 2);
	assert_string_equal(config.addresses[0], "[::1]:7700");
	assert_string_equal(config.addresses[1], "a.example:7701");
	assert_string_equal(config.listen, "127.0.0.1:0");
	assert_true(config.dead_ms == 60000 && config.max_links == 3);
	assert_int_equal(config.nusers, 2);
	assert_string_equal(config.users[0].password, "p: #");
	assert_string_equal(config.users[1].name, "教室");
	assert_string_equal(config.users[1].password, "yes");
	assert_string_equal(config.policy, "");
	assert_int_equal(config.log_level, 3);
}

/* Where content and staff are, when a file names one listener alone. */
static void listeners_follow(void **state)
{
	static const struct {
		const char *http, *content, *staff;
	} rows[] = {
	        {"0.0.0.0:8080", "0.0.0.0:8081", "127.0.0.1:8090"},
	        {"[::]:80", "[::]:81", "127.0.0.1:90"},
	        {"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"},
	        {"a.example.cn:65530", "a.example.cn:65531", "127.0.0.1:0"},
	        {"a:65535", "a:0", "127.0.0.1:0"},
	};
	char out[256];
	(void)state;
	gt_config_defaults(&config);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gt_copy(config.http, sizeof config.http, rows[i].http);
		assert_true(gt_config_content(&config, out));
		assert_string_equal(out, rows[i].content);
		assert_true(gt_config_staff(&config, out));
		assert_string_equal(out, rows[i].staff);
	}
	taken("node: {code: 33}\n"
	      "http: {content: off, staff: \"127.0.0.1:1\"}\n");
	assert_false(gt_config_content(&config, out));
	assert_string_equal(out, "");
	assert_false(gt_config_staff(&config, out));
	assert_string_equal(out, "127.0.0.1:1");
	taken("node: {code: 33}\n"
	      "http: {listen: \"127.0.0.1:0\", content: \"127.0.0.1:0\", "
	      "staff: \"127.0.0.1:0\"}\n");
}

/* Where passwords would travel in clear, the file says so; HTTPS, loopback and
 * no passwords are no matter. */
static void passwords_in_clear(void **state)
{
	static const struct {
		const char *http;
		const char *said; /* NULL: nothing */
	} rows[] = {
	        {"{listen: \"0.0.0.0:1\", terminals: [{name: a, password: b}]}",
	         "f:2:16: http.listen: passwords travel in clear"},
	        {"{staff: \"10.0.0.1:1\"}",
	         "f:2:15: http.staff: passwords travel in clear"},
	        {"{listen: \"0.0.0.0:1\", listen_tls: node, "
	         "terminals: [{name: a, password: b}]}",
	         NULL},
	        {"{terminals: [{name: a, password: b}]}", NULL},
	        {"{listen: \"0.0.0.0:1\"}", NULL},
	        {"{staff: \"10.0.0.1:1\", staff_tls: own}", NULL},
	        {"{staff: \"[::1]:1\"}", NULL},
	        {"{listen: \"localhost:1\", "
	         "terminals: [{name: a, password: b}]}",
	         NULL},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gt_complaints c;
		char yaml[300];
		gt_format(yaml, sizeof yaml, "node: {code: 33}\nhttp: %s\n",
		          rows[i].http);
		assert_int_equal(parse(yaml, "en", &c), 0);
		show(&c);
		size_t old = strstr(rows[i].http, "terminals") != NULL;
		assert_int_equal(c.n, (rows[i].said != NULL) + old);
		if (rows[i].said)
			assert_memory_equal(c.v[0], rows[i].said,
			                    strlen(rows[i].said));
		gt_complaints_free(&c);
	}
}

/* What browsers write, where a proxy stands before a listener. */
static void origins(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} rows[] = {
	        {"https://xuexi.example.cn", true},
	        {"http://10.0.0.1:8081", true},
	        {"https://[::1]:444", true},
	        {"https://[::1]", true},
	        {"xuexi.example.cn", false},
	        {"https://", false},
	        {"https://:80", false},
	        {"https://a/", false},
	        {"https://a:80/x", false},
	        {"https://u@a", false},
	        {"https://a?b", false},
	        {"https://a b", false},
	        {"https://a\\nb", false},
	        {"https://a:0", false},
	        {"https://a\\\"b", false},
	        {"https://a<b", false},
	        {"ftp://a", false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gt_complaints c;
		char yaml[300];
		gt_format(yaml, sizeof yaml,
		          "node: {code: 33}\nhttp: {content_url: \"%s\"}\n",
		          rows[i].url);
		int status = parse(yaml, "en", &c);
		if ((status == 0) != rows[i].good)
			print_error("%s\n", rows[i].url);
		assert_true((status == 0) == rows[i].good);
		gt_complaints_free(&c);
	}
	struct gt_complaints c;
	assert_int_not_equal(parse("node: {code: 33}\nhttp: {listen_url: "
	                           "\"https://a\", content_url: "
	                           "\"https://A\"}\n",
	                           "en", &c),
	                     0);
	assert_non_null(strstr(c.v[0], "http.listen_url"));
	gt_complaints_free(&c);
}

/* Every key that waits for a restart is named, and no other. */
static void differences(void **state)
{
	static const struct {
		const char *yaml, *keys;
	} rows[] = {
	        {"parent: {code: 33, addresses: [\"a:1\", \"b:2\"]}",
	         "parent.code, parent.addresses"},
	        {"link: {listen: \"a:2\"}", "link.listen"},
	        {"link: {insecure: true}", "link.insecure"},
	        {"link: {heartbeat: 14s}", "link.heartbeat"},
	        {"link: {max_links: 9}", "link.max_links"},
	        {"http: {listen_url: \"https://a\"}", "http.listen_url"},
	        {"http: {names: [a]}", "http.names"},
	        {"http: {terminals: [{name: a, password: b}]}",
	         "http.terminals"},
	        {"records: {child_hour: 9MiB}", "records.child_hour"},
	        {"records: {certify: [{activity: \"http://a/*\"}]}",
	         "records.certify"},
	        {"trust: {date_warn: 2d}", "trust.date_warn"},
	        {"storage: {transfers: 3}", "storage.transfers"},
	        {"policy: {file: other.yaml}", ""},
	        {"log: {level: debug}", ""},
	};
	static struct gt_config plain;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gt_complaints c;
		char yaml[300], keys[GT_CONFIG_WAITS];
		memset(&config, 0, sizeof config);
		taken("node: {code: 3301}");
		plain = config;
		memset(&config, 0, sizeof config);
		gt_format(yaml, sizeof yaml, "node: {code: 3301}\n%s\n",
		          rows[i].yaml);
		assert_int_equal(parse(yaml, "en", &c), 0);
		gt_complaints_free(&c);
		assert_true(gt_config_waits(&plain, &config, keys,
		                            sizeof keys) == (*keys != '\0'));
		assert_string_equal(keys, rows[i].keys);
	}
}

static void sections_may_be_empty(void **state)
{
	(void)state;
	taken("\xef\xbb\xbfnode:\n  code: 33\nparent:\nlink: ~\nhttp: {}\n");
	taken("---\nnode: {code: 33}\nparent: {code: , addresses: }\n...\n");
	taken("node: {code: 33}\r\nlink:\r\n  listen: a:1\r\n");
	assert_string_equal(config.listen, "a:1");
}

static void an_old_protocol_is_mentioned(void **state)
{
	(void)state;
	struct gt_complaints c = {0};
	assert_int_equal(
	        parse("node: {code: 33}\nlink:\n  protocol: 1\n", "en", &c), 0);
	assert_int_equal(config.protocol, 1);
	assert_int_equal(c.n, 1);
	assert_non_null(strstr(c.v[0], "f:3:13: link.protocol: links are held "
	                               "to protocol version 1"));
	gt_complaints_free(&c);
	/* the newest, by name or by itself, is nothing to talk about */
	taken("node: {code: 33}\nlink: {protocol: 6}\n");
	taken("node: {code: 33}\nlink: {protocol: 0}\n");
	assert_int_not_equal(
	        parse("node: {code: 33}\nlink: {protocol: 7}\n", "en", &c), 0);
	assert_non_null(strstr(c.v[0], "must lie between 0 and 6"));
	gt_complaints_free(&c);
}

static void insecure_is_shouted_about(void **state)
{
	(void)state;
	struct gt_complaints c;
	assert_int_equal(
	        parse("node: {code: 33}\nlink:\n  insecure: true\n", "en", &c),
	        0);
	assert_true(config.insecure);
	assert_int_equal(c.n, 1);
	assert_non_null(strstr(c.v[0], "f:3:13: link.insecure: WARNING"));
	gt_complaints_free(&c);
}

/* ----------------------------------------- what is said of mistakes */

/* A case of a golden file: "##### title", the YAML, "##### says", one complaint
 * a line. */
struct golden {
	const char *title, *yaml, *complaints;
};

static void check_golden(const struct golden *g, const char *lang, bool policy)
{
	struct gt_complaints c = {0};
	struct gt_buffer layer;
	char all[8192] = "";
	int rc = policy ? gt_policy_parse(&layer, "f", gt_bytes_str(g->yaml),
	                                  lang, &c)
	                : parse(g->yaml, lang, &c);
	for (size_t i = 0; i < c.n; i++) {
		size_t n = strlen(all);
		gt_format(all + n, sizeof all - n, "%s\n", c.v[i]);
	}
	if (strcmp(all, g->complaints) != 0)
		print_error("%s:\n%s", g->title, g->yaml);
	assert_string_equal(all, g->complaints);
	assert_int_equal(rc, -GT_EINVALID);
	if (policy)
		assert_null(layer.p);
	gt_complaints_free(&c);
}

/* Cuts text at the next "##### ..." line. The rest of that line, NULL: the
 * end. */
static char *next_part(char **text)
{
	char *mark = strncmp(*text, "##### ", 6) == 0
	                     ? *text
	                     : strstr(*text, "\n##### ");
	if (!mark)
		return NULL;
	if (*mark == '\n')
		*mark++ = '\0';
	char *title = mark + 6;
	char *end = strchr(title, '\n');
	assert_non_null(end);
	*mark = *end = '\0';
	*text = end + 1;
	return title;
}

static void check_goldens(const char *path, bool policy)
{
	static char text[1 << 16];
	size_t n = 0, cases = 0;
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof text - 1, f);
	assert_int_equal(fclose(f), 0);
	text[n] = '\0';
	/* the line break before a mark belongs to the part it ends */
	char *at = text, *title = next_part(&at);
	while (title) {
		char yaml[4096], says[4096];
		struct golden g = {title, yaml, says};
		char *part = at, *mark = next_part(&at);
		assert_non_null(mark);
		assert_string_equal(mark, "says");
		gt_format(yaml, sizeof yaml, "%s\n", part);
		part = at;
		title = next_part(&at);
		gt_format(says, sizeof says, "%s%s", part, title ? "\n" : "");
		check_golden(&g, "en", policy);
		cases++;
	}
	assert_true(cases > 10);
}

static void complaints_of_yaml(void **state)
{
	(void)state;
	static const struct golden latin1 = {
	        "not UTF-8", "node:\n  name: caf\xe9\n",
	        "f:2:12: not UTF-8 text; save the file as UTF-8\n"};
	check_golden(&latin1, "en", false);
	check_goldens("tests/unit/golden/yaml.txt", false);
}

static void complaints_of_config(void **state)
{
	(void)state;
	check_goldens("tests/unit/golden/config.txt", false);
}

/* A rule that asks for a usual word with a slip in it, or for the Chinese of
 * one, is not put in force; a node starts with one it has, and warns. A word of
 * one's own and a pattern go. */
static void slips_in_a_rule(void **state)
{
	static const char form[] = "default: mirror\nrules:\n"
	                           "  - {name: a, %s}\n";
	static const struct {
		const char *rule, *lang, *says;
		bool starts;
	} rows[] = {
	        {"when: {audience: 老年人}, verdict: deny", "zh",
	         "f:3:32: rules[a].when.audience: 无法识别 `老年人`；是否想写 "
	         "`elderly`？",
	         true},
	        {"when: {type: 课程}, verdict: deny", "en",
	         "f:3:28: rules[a].when.type: `课程` is not known; did you "
	         "mean "
	         "`course`?",
	         true},
	        {"when: {audience: {not: [staff, eldrly]}}, verdict: deny",
	         "en",
	         "f:3:46: rules[a].when.audience.not[2]: `eldrly` is not "
	         "known; "
	         "did you mean `elderly`?",
	         true},
	        {"when: {type: corse}, verdict: deny", "en",
	         "f:3:28: rules[a].when.type: `corse` is not known; did you "
	         "mean `course`?",
	         true},
	        {"when: {subject: enrgy}, verdict: deny", "en",
	         "f:3:31: rules[a].when.subject: `enrgy` is not known; did you "
	         "mean `energy`?",
	         true},
	        {"when: {type: 钓鱼, audience: [anglers, eld*]}, verdict: deny",
	         "en", NULL, true},
	        {"when: {keyword: vidoe}, verdict: deny", "en", NULL, true},
	        {"verdict: 仅列目录", "zh",
	         "f:3:24: rules[a].verdict: 无法识别 `仅列目录`；是否想写 "
	         "`metadata`？",
	         false},
	        {"verdict: 也许", "zh",
	         "f:3:24: rules[a].verdict: 无法识别 "
	         "`也许`；可用：deny（不下发）, "
	         "metadata（仅列目录）, on-demand（按需获取）, "
	         "mirror（本地保存）",
	         false},
	        {"to: [县], verdict: deny", "zh",
	         "f:3:20: rules[a].to[1]: `县` 既不是层级也不是代码；是否想写 "
	         "`county`？",
	         false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct gt_complaints c = {0};
		struct gt_buffer layer;
		char text[256];
		const char *at = strstr(form, "%s");
		gt_format(text, sizeof text, "%.*s%s%s", (int)(at - form), form,
		          rows[i].rule, at + 2);
		assert_int_equal(gt_policy_take(&layer, "f", gt_bytes_str(text),
		                                rows[i].lang, &c),
		                 rows[i].says ? -GT_EINVALID : 0);
		assert_int_equal(c.n, rows[i].says != NULL);
		if (rows[i].says)
			assert_string_equal(c.v[0], rows[i].says);
		gt_buffer_free(&layer);
		gt_complaints_free(&c);
		assert_int_equal(gt_policy_parse(&layer, "f",
		                                 gt_bytes_str(text),
		                                 rows[i].lang, &c),
		                 rows[i].starts ? 0 : -GT_EINVALID);
		assert_int_equal(c.n, rows[i].says != NULL);
		gt_buffer_free(&layer);
		gt_complaints_free(&c);
	}
}

static void complaints_of_policy(void **state)
{
	(void)state;
	check_goldens("tests/unit/golden/policy.txt", true);
}

static void complaints_in_chinese(void **state)
{
	(void)state;
	static const struct golden g = {
	        "Chinese",
	        "node: {code: 33}\nlink:\n  hartbeat: 3s\n  dead: 1\n",
	        "f:3:3: link.hartbeat: 没有这个键；是否想写 `heartbeat`？\n"
	        "f:4:9: link.dead: 不是时长；请写数字加 ms、s、m、h 或 d，"
	        "范围 200ms 到 1d\n"};
	check_golden(&g, "zh-CN", false);
}

static void bombs(void **state)
{
	(void)state;
	struct gt_complaints c;
	size_t n = GT_YAML_BYTES + 1;
	char *text = malloc(n + 1);
	assert_non_null(text);
	memset(text, '[', n);
	text[n] = '\0';
	assert_int_equal(parse(text, "en", &c), -GT_EINVALID);
	assert_int_equal(c.n, 1);
	gt_complaints_free(&c);
	text[200] = '\0';
	assert_int_equal(parse(text, "en", &c), -GT_EINVALID);
	assert_string_equal(c.v[0], "f:1:17: the file is too large or too "
	                            "deeply nested");
	gt_complaints_free(&c);
	/* more items than nodes are allowed, and more mistakes than are told */
	for (size_t i = 0; i < n; i++)
		text[i] = "- a\n"[i % 4];
	text[GT_YAML_BYTES] = '\0';
	assert_int_equal(parse(text, "en", &c), -GT_EINVALID);
	gt_complaints_free(&c);
	text[0] = '\0';
	for (size_t i = 0; i < 200; i++)
		gt_format(text + strlen(text), 32, "k%zu: 1\n", i);
	assert_int_equal(parse(text, "en", &c), -GT_EINVALID);
	assert_int_equal(c.n, GT_YAML_COMPLAINTS);
	gt_complaints_free(&c);
	free(text);
}

/* Every text both languages have takes the same arguments. */
static void texts_agree(void **state)
{
	(void)state;
	for (int k = 0; k < GT_T_COUNT; k++) {
		const char *en = gt_text_in("en", (enum gt_text)k);
		const char *zh = gt_text_in("zh", (enum gt_text)k);
		while ((en = strchr(en, '%')) && (zh = strchr(zh, '%'))) {
			en++;
			zh++;
			assert_int_equal(*en, *zh);
		}
		assert_true(!en == !zh || (!en && !strchr(zh, '%')));
	}
}

/* --------------------------------------------------------- printing */

static void same_config(void)
{
	assert_memory_equal(&config, &again, sizeof config);
}

static void printing_is_parsing_back(void **state)
{
	(void)state;
	struct gt_complaints c = {0};
	taken_with(
	        "node: {code: 330106, name: \" a: b\\\\\\\"#\", language: en}\n"
	        "parent: {code: 3301, addresses: [\"[::1]:1\", \"b:2\"]}\n"
	        "link: {listen: \"[::]:0\", heartbeat: 1500ms, dead: 1h,\n"
	        "  window_min: 65537B}\n"
	        "http: {terminals: [{name: ~, password: '***'}]}\n"
	        "records: {certify: [{name: '\": #', activity: 'a*', subject: "
	        "b,\n"
	        "  score: 0.05}, {subject: c}]}\n"
	        "policy: {file: \"\"}\n"
	        "log: {level: error}\n",
	        1);
	char *text = gt_config_print(&config);
	assert_non_null(text);
	assert_int_equal(
	        gt_config_parse(&again, "p", gt_bytes_str(text), "en", &c), 0);
	free(text);
	same_config();
	gt_complaints_free(&c);
	text = gt_config_write(&config, "zh-CN");
	assert_non_null(text);
	assert_int_equal(
	        gt_config_parse(&again, "p", gt_bytes_str(text), "en", &c), 0);
	free(text);
	same_config();
	assert_int_equal(c.n, 1);
	gt_complaints_free(&c);
}

static void rules_for_certificates(void **state)
{
	static const struct {
		const char *text;
		int score;
	} good[] = {{"0", 0},      {"1", 1000},   {"0.8", 800},
	            {"1.0", 1000}, {"0.75", 750}, {"0.005", 5}};
	static const char *const bad[] = {
	        "{certify: {activity: a}}",
	        "{certify: [a]}",
	        "{certify: [{}]}",
	        "{certify: [{name: a}]}",
	        "{certify: [{activity: a, scor: 1}]}",
	        "{certify: [{activity: [a]}]}",
	        "{certify: [{activity: a, score: 1.1}]}",
	        "{certify: [{activity: a, score: 80}]}",
	        "{certify: [{activity: a, score: 0.}]}",
	        "{certify: [{activity: a, score: -0.5}]}",
	        "{certify: [{activity: a, score: 0.1234}]}",
	        "{certify: [{activity: a, score: 1e-1}]}",
	};
	char yaml[300];
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		memset(&config, 0, sizeof config);
		gt_format(yaml, sizeof yaml,
		          "node: {code: 33}\nrecords: {certify: [{name: n, "
		          "activity: \"http://a/*\", score: %s}]}\n",
		          good[i].text);
		taken(yaml);
		assert_int_equal(config.ncertify, 1);
		assert_string_equal(config.certify[0].name, "n");
		assert_string_equal(config.certify[0].activity, "http://a/*");
		assert_string_equal(config.certify[0].subject, "");
		assert_int_equal(config.certify[0].score, good[i].score);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct gt_complaints c;
		memset(&config, 0, sizeof config);
		gt_format(yaml, sizeof yaml, "node: {code: 33}\nrecords: %s\n",
		          bad[i]);
		assert_int_not_equal(parse(yaml, "en", &c), 0);
		assert_true(c.n > 0);
		gt_complaints_free(&c);
	}
	memset(&config, 0, sizeof config);
	taken("node: {code: 33}\nrecords: {certify: [{subject: s}]}\n");
	assert_int_equal(config.certify[0].score, -1);
}

static void passwords_stay_inside(void **state)
{
	(void)state;
	taken_with("node: {code: 33}\n"
	           "http: {terminals: [{name: a, password: sesame}]}\n",
	           1);
	char *text = gt_config_print(&config);
	assert_non_null(text);
	assert_null(strstr(text, "sesame"));
	assert_non_null(strstr(text, "\"***\""));
	free(text);
	text = gt_config_write(&config, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "sesame"));
	free(text);
}

static void the_documentation_parses(void **state)
{
	(void)state;
	static const char *const langs[] = {"en", "zh-CN"};
	for (size_t i = 0; i < COUNT(langs); i++) {
		char *text = gt_config_document(langs[i]);
		assert_non_null(text);
		taken(text);
		free(text);
		assert_string_equal(config.code, "33");
		assert_string_equal(config.http, "127.0.0.1:8080");
	}
}

/* --------------------------------------------------------- examples */

static void example_configs(void **state)
{
	(void)state;
	static const struct {
		const char *level, *code, *parent;
	} rows[] = {{"province", "33", ""},
	            {"city", "3301", "33"},
	            {"county", "330106", "3301"},
	            {"township", "330106109", "330106"},
	            {"village", "330106109210", "330106109"}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gt_complaints c = {0};
		char path[64];
		gt_format(path, sizeof path, "configs/%s.yaml", rows[i].level);
		int rc = gt_config_load(&config, path, "en", &c);
		show(&c);
		assert_int_equal(rc, 0);
		assert_int_equal(c.n, 0);
		gt_complaints_free(&c);
		assert_string_equal(config.code, rows[i].code);
		assert_string_equal(config.parent, rows[i].parent);
		assert_int_equal(config.listen[0] == '\0',
		                 strcmp(rows[i].level, "village") == 0);
	}
	struct gt_complaints c = {0};
	assert_int_equal(gt_config_load(&config, "configs/none.yaml", "en", &c),
	                 -GT_EINVALID);
	assert_string_equal(c.v[0],
	                    "configs/none.yaml: there is no such file: is this "
	                    "the folder of a node (-C)? Put it back from a "
	                    "backup, or make a new node: guantong init");
	gt_complaints_free(&c);
	assert_int_equal(gt_config_take(&config, "configs/none.yaml", "en", &c),
	                 -GT_EINVALID);
	assert_string_equal(c.v[0], "configs/none.yaml: cannot be read: No "
	                            "such file or directory");
	gt_complaints_free(&c);
}

static struct gt_layer *load_layer(const char *path)
{
	static char text[1 << 16];
	struct gt_complaints c = {0};
	struct gt_buffer body;
	struct gt_layer *layer;
	char why[200];
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof text, f);
	assert_int_equal(fclose(f), 0);
	int rc = gt_policy_parse(&body, path, gt_bytes_of(text, n), "en", &c);
	show(&c);
	assert_int_equal(rc, 0);
	assert_int_equal(c.n, 0);
	assert_int_equal(
	        gt_layer_new(&layer, gt_buffer_bytes(&body), why, sizeof why),
	        0);
	gt_buffer_free(&body);
	return layer;
}

/* What the province's and the county's layers make of things like the
 * demo's. */
static void example_layers(void **state)
{
	(void)state;
	static const struct {
		const char *type, *audience, *language, *licence;
		uint64_t size;
		enum gt_verdict county, township, village;
	} rows[] = {
	        {"document", "elderly", "zh-CN", "CC-BY-4.0", 9000, GT_MIRROR,
	         GT_MIRROR, GT_MIRROR},
	        {"video", "elderly", "zh-CN", "CC-BY-4.0", 5 << 20, GT_MIRROR,
	         GT_MIRROR, GT_MIRROR},
	        {"video", "employees", "zh-CN", "CC-BY-4.0", 60 << 20,
	         GT_MIRROR, GT_ON_DEMAND, GT_ON_DEMAND},
	        {"course", "employees", "zh-CN", "CC-BY-SA-3.0", 1 << 20,
	         GT_MIRROR, GT_MIRROR, GT_ON_DEMAND},
	        {"package", "educators", "ja", "CC-BY-SA-3.0", 9 << 20,
	         GT_ON_DEMAND, GT_METADATA, GT_METADATA},
	        {"announcement", "everyone", "zh-CN", "CC-BY-4.0", 0,
	         GT_METADATA, GT_METADATA, GT_METADATA},
	        {"course", "staff", "zh-CN", "LicenseRef-internal", 1000,
	         GT_DENY, GT_DENY, GT_DENY},
	};
	struct gt_layer *l[] = {load_layer("configs/policy-province.yaml"),
	                        load_layer("configs/policy-county.yaml")};
	const struct gt_layer *const view[] = {l[0], l[1]};
	const struct gt_receiver to[] = {{"330106", "county"},
	                                 {"330106109", "township"},
	                                 {"330106109210", "village"}};
	unsigned seen = 0;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char type[32], licence[32], audience[32], language[32];
		char *audiences[] = {audience}, *languages[] = {language};
		enum gt_verdict want[] = {rows[i].county, rows[i].township,
		                          rows[i].village};
		Gt__Entry e;
		gt__entry__init(&e);
		gt_copy(type, sizeof type, rows[i].type);
		gt_copy(licence, sizeof licence, rows[i].licence);
		gt_copy(audience, sizeof audience, rows[i].audience);
		gt_copy(language, sizeof language, rows[i].language);
		e.type = type;
		e.licence = licence;
		e.audiences = audiences;
		e.languages = languages;
		e.n_audiences = e.n_languages = 1;
		e.stored_size = rows[i].size;
		e.modified_ms = 1750000000000;
		for (size_t k = 0; k < COUNT(to); k++)
			assert_int_equal(gt_policy_meet(view, 2, &e, &to[k],
			                                1760000000000)
			                         .verdict,
			                 want[k]);
		seen |= 1u << rows[i].village;
	}
	assert_int_equal(seen, 15);
	gt_layer_free(l[0]);
	gt_layer_free(l[1]);
	gt_layer_free(load_layer("configs/policy-village.yaml"));
}

/* A policy file says what the encoded layer holds, field by field. */
static void layers_in_full(void **state)
{
	(void)state;
	static const char yaml[] =
	        "policy: 标题\n"
	        "default: metadata\n"
	        "priority: 7\n"
	        "rules:\n"
	        "- name: 一\n"
	        "  to: [village, \"3301*\", 330106]\n"
	        "  when:\n"
	        "    type: [course, video]\n"
	        "    audience: elderly\n"
	        "    licence: {not: [\"proprietary*\"]}\n"
	        "    size: {max: 200MiB}\n"
	        "    age: {not: {min: 2h, max: 365d}}\n"
	        "    date: {min: 2024-01-01, max: 2024-01-02}\n"
	        "  verdict: mirror\n"
	        "  priority: 80\n"
	        "- {name: two, to: county, verdict: on-demand, when:\n"
	        "   [{region: \"*\"}, {region: {not: 33}}]}\n";
	struct gt_complaints c = {0};
	struct gt_buffer body;
	int rc = gt_policy_parse(&body, "f", gt_bytes_str(yaml), "en", &c);
	show(&c);
	assert_int_equal(rc, 0);
	Gt__Layer *l = gt__layer__unpack(NULL, body.n, body.p);
	assert_non_null(l);
	assert_string_equal(l->origin, "");
	assert_int_equal(l->version, 0);
	assert_int_equal(l->fallback, GT__VERDICT__METADATA);
	assert_int_equal(l->priority, 7);
	assert_int_equal(l->n_rules, 2);
	const Gt__Rule *r = l->rules[0];
	assert_string_equal(r->name, "一");
	assert_int_equal(r->verdict, GT__VERDICT__MIRROR);
	assert_int_equal(r->priority, 80);
	assert_int_equal(r->n_levels, 1);
	assert_string_equal(r->levels[0], "village");
	assert_int_equal(r->n_regions, 2);
	assert_string_equal(r->regions[1], "330106");
	assert_int_equal(r->n_when, 6);
	assert_int_equal(r->when[0]->field, GT__FIELD__TYPE);
	assert_int_equal(r->when[0]->n_values, 2);
	assert_string_equal(r->when[0]->values[1], "video");
	assert_false(r->when[1]->negate);
	assert_string_equal(r->when[1]->values[0], "elderly");
	assert_true(r->when[2]->negate);
	assert_true(r->when[3]->ranged);
	assert_true(r->when[3]->min == 0);
	assert_true(r->when[3]->max == 200 << 20);
	assert_true(r->when[4]->negate && r->when[4]->ranged);
	assert_true(r->when[4]->min == 7200);
	assert_true(r->when[4]->max == 31536000);
	assert_true(r->when[5]->min == 1704067200000);
	assert_true(r->when[5]->max == 1704067200000 + 2 * 86400000LL - 1);
	r = l->rules[1];
	assert_int_equal(r->priority, 50);
	assert_int_equal(r->n_when, 2);
	assert_int_equal(r->when[1]->field, GT__FIELD__REGION);
	assert_true(r->when[1]->negate);
	gt__layer__free_unpacked(l, NULL);
	gt_buffer_free(&body);
}

static void demands_in_full(void **state)
{
	(void)state;
	static const char yaml[] =
	        "default: mirror\n"
	        "records:\n"
	        "- name: 姓名不出县\n"
	        "  to: [city, \"33*\"]\n"
	        "  when:\n"
	        "    verb: [\"http://a/*\", \"http://b\"]\n"
	        "    region: {not: 330106}\n"
	        "    minor: [yes, unknown]\n"
	        "  demand: pseudonymise\n"
	        "- {name: two, demand: redact, fields: [names, text]}\n"
	        "- {name: three, demand: redact, when: {class: x}}\n"
	        "- {name: four, demand: aggregate}\n"
	        "- {name: five, demand: aggregate, group: 25}\n"
	        "- {name: six, demand: pass}\n";
	struct gt_complaints c = {0};
	struct gt_buffer body;
	int rc = gt_policy_parse(&body, "f", gt_bytes_str(yaml), "en", &c);
	assert_int_equal(rc, 0);
	assert_int_equal(c.n, 4); /* two takes all */
	gt_complaints_free(&c);
	Gt__Layer *l = gt__layer__unpack(NULL, body.n, body.p);
	assert_non_null(l);
	assert_int_equal(l->n_demands, 6);
	const Gt__Demand *d = l->demands[0];
	assert_string_equal(d->name, "姓名不出县");
	assert_string_equal(d->levels[0], "city");
	assert_string_equal(d->regions[0], "33*");
	assert_int_equal(d->n_when, 3);
	assert_int_equal(d->when[0]->trait, GT__TRAIT__TRAIT_VERB);
	assert_int_equal(d->when[0]->n_values, 2);
	assert_true(d->when[1]->negate);
	assert_string_equal(d->when[2]->values[1], "unknown");
	assert_int_equal(d->treatment, GT__TREATMENT__TREAT_PSEUDONYMISE);
	assert_int_equal(l->demands[1]->fields,
	                 GT_REDACT_NAMES | GT_REDACT_TEXT);
	assert_int_equal(l->demands[2]->fields, GT_REDACT_ALL);
	assert_int_equal(l->demands[3]->group, GT_GROUP_USUAL);
	assert_int_equal(l->demands[4]->group, 25);
	gt__layer__free_unpacked(l, NULL);
	gt_buffer_free(&body);
}

static void unreached_rules_are_mentioned(void **state)
{
	(void)state;
	struct gt_complaints c = {0};
	struct gt_buffer body;
	assert_int_equal(
	        gt_policy_parse(&body, "f",
	                        gt_bytes_str("default: deny\nrules:\n"
	                                     "- {name: a, verdict: mirror}\n"
	                                     "- {name: b, verdict: deny}\n"),
	                        "en", &c),
	        0);
	gt_buffer_free(&body);
	assert_int_equal(c.n, 1);
	assert_string_equal(c.v[0],
	                    "f:4:3: rules[b]: never reached: rule `a` above "
	                    "takes everything; move it down or narrow it");
	gt_complaints_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(defaults),
	        cmocka_unit_test(everything),
	        cmocka_unit_test(listeners_follow),
	        cmocka_unit_test(passwords_in_clear),
	        cmocka_unit_test(origins),
	        cmocka_unit_test(differences),
	        cmocka_unit_test(sections_may_be_empty),
	        cmocka_unit_test(an_old_protocol_is_mentioned),
	        cmocka_unit_test(insecure_is_shouted_about),
	        cmocka_unit_test(complaints_of_yaml),
	        cmocka_unit_test(complaints_of_config),
	        cmocka_unit_test(complaints_of_policy),
	        cmocka_unit_test(slips_in_a_rule),
	        cmocka_unit_test(complaints_in_chinese),
	        cmocka_unit_test(bombs),
	        cmocka_unit_test(texts_agree),
	        cmocka_unit_test(printing_is_parsing_back),
	        cmocka_unit_test(rules_for_certificates),
	        cmocka_unit_test(passwords_stay_inside),
	        cmocka_unit_test(the_documentation_parses),
	        cmocka_unit_test(example_configs),
	        cmocka_unit_test(example_layers),
	        cmocka_unit_test(layers_in_full),
	        cmocka_unit_test(demands_in_full),
	        cmocka_unit_test(unreached_rules_are_mentioned),
	};
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
