/* u_translate.c: the core's sentences in the reader's language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <errno.h>
#include <nng/nng.h>
#include <openssl/x509.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "error.h"
#include "log.h"
#include "text.h"
#include "translate.h"

static const struct {
	const char *en, *zh;
} rows[] = {
#define SENTENCE(en, zh) {en, zh},
#define LIBRARY(en, zh)
#include "texts_core.def"
#undef LIBRARY
#undef SENTENCE
};
static const struct {
	const char *en, *zh;
} foreign[] = {
#define SENTENCE(en, zh)
#define LIBRARY(en, zh) {en, zh},
#include "texts_core.def"
#undef LIBRARY
#undef SENTENCE
};
enum { ROWS = sizeof rows / sizeof *rows };

static char out[GT_TRANSLATE_MAX];

static const char *zh(const char *sentence)
{
	return gt_translate(out, "zh-CN", sentence);
}

#define SAYS(en, chinese) assert_string_equal(zh(en), chinese)
#define STAYS(en)         assert_ptr_equal(zh(en), en)

static char *end_of(char *s)
{
	return s + strlen(s);
}

/* What the k-th conversion stands for here: a text of its own, no word of any
 * row, or a number. */
static void sample(char piece[32], unsigned k, bool text)
{
	gt_format(piece, 32, text ? "<piece%u>" : "90%u", k);
}

/* The format with its samples, and the Chinese as it must come out. */
static void fill(const char *en, const char *chinese, char *said, char *wanted)
{
	char piece[10][32];
	unsigned k = 0;
	for (; *en; en++) {
		if (*en != '%') {
			*said++ = *en;
			continue;
		}
		if (en[1] == '%') {
			*said++ = *en++;
			continue;
		}
		en += strcspn(en, "sduxi");
		assert_true(k < 9);
		k++;
		sample(piece[k], k, *en == 's');
		said = end_of(strcpy(said, piece[k]));
	}
	*said = '\0';
	for (; *chinese; chinese++) {
		if (*chinese != '{') {
			*wanted++ = *chinese;
			continue;
		}
		assert_in_range(chinese[1], '1', '0' + (int)k);
		assert_int_equal(chinese[2], '}');
		wanted = end_of(strcpy(wanted, piece[chinese[1] - '0']));
		chinese += 2;
	}
	*wanted = '\0';
}

static void every_row_is_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		char said[1024], wanted[1024];
		assert_true(strlen(rows[i].en) < 500);
		fill(rows[i].en, rows[i].zh, said, wanted);
		SAYS(said, wanted);
	}
}

static void every_error_is_known(void **state)
{
	(void)state;
	for (int code = 1; code <= GT_ETIMEOUT; code++)
		SAYS(gt_strerror(code), gt_strerror_zh(code));
}

/* libyaml has no table: each is what it says of a text that is wrong so. */
static const char *const yaml_slips[] = {
        "a: - b",
        "a: \x01",
        "- a\nb",
        "[a, b",
        "{a]",
        "- - a\n - b",
        "--- a b\n... c",
        "a: &",
        "a: |3x\n",
        "\"\\xzz\"",
        "a: 'b' c",
        "[: a: b",
        "%YAML\n--- a",
        "a: !<x y",
        "x: [\ta: b\n\t- c",
        "a: |\n\tb",
        "a: |0\n x",
        "a: @x",
        "a: *x",
        "a: !x!y z",
        "\"a\n--- \"",
        "\"a",
        "%FOO x\n---\na",
        "\"\\q\"",
        "a: ? b",
        "a: b: c",
        "&a b: &a c",
        "%YAML 9.9\n--- a",
        "%YAML 1.1\n%YAML 1.1\n--- a",
        "%TAG !a! b\n%TAG !a! b\n--- a",
        "%TAG a b\n--- a",
        "a: !<> x",
        "[a:,b]",
        "%YAML 1234567890.1\n--- a",
        "a: !<%zz> b",
        "a: !<%ff> b",
        "a: !<%c3%00> b",
        "\"\\ud800\"",
        "% x\n--- a",
        "%a:b\n--- a",
        "%YAML 1x\n--- a",
        "%TAG !a!b c\n--- a",
        "a: !x{b",
};

static const char *yaml_problem(const char *text)
{
	const char *problem = NULL; /* libyaml's own, it stays */
	yaml_parser_t p;
	yaml_document_t d;
	assert_true(yaml_parser_initialize(&p));
	yaml_parser_set_input_string(&p, (const uint8_t *)text, strlen(text));
	for (bool end = false; !end;) {
		if (!yaml_parser_load(&p, &d)) {
			problem = p.problem;
			break;
		}
		end = !yaml_document_get_root_node(&d);
		yaml_document_delete(&d);
	}
	yaml_parser_delete(&p);
	assert_non_null(problem);
	return problem;
}

static bool said_by_yaml(const char *en)
{
	for (size_t i = 0; i < sizeof yaml_slips / sizeof *yaml_slips; i++)
		if (strcmp(yaml_problem(yaml_slips[i]), en) == 0)
			return true;
	return false;
}

static bool said_by_a_library(const char *en)
{
	for (int i = 0; i < 102; i++)
		if (strcmp(sqlite3_errstr(i), en) == 0 ||
		    (i > 0 && strcmp(curl_easy_strerror((CURLcode)i), en) == 0))
			return true;
	if (said_by_yaml(en))
		return true;
	if (strcmp(nng_strerror(1000), en) == 0) /* of its own doings */
		return true;
	for (int i = 1; i < 140; i++)
		if (strcmp(strerror(i), en) == 0 ||
		    strcmp(nng_strerror(i), en) == 0 ||
		    strcmp(X509_verify_cert_error_string(i), en) == 0)
			return true;
	return false;
}

static void what_libraries_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
		if (!said_by_a_library(foreign[i].en))
			fail_msg("no library says: %s", foreign[i].en);
		SAYS(foreign[i].en, foreign[i].zh);
	}
	SAYS("cannot dial tcp://x:1: Connection refused",
	     "无法连接 tcp://x:1：连接被拒绝");
	SAYS("data: Permission denied", "data: 权限不足");
	gt_text_language("zh-CN");
	assert_string_equal(gt_translate_errno(ENOSPC), "磁盘空间不足");
	assert_string_equal(gt_translate_errno(EXDEV),
	                    "未预料到的故障（Invalid cross-device link）");
	gt_text_language("en");
	assert_string_equal(gt_translate_errno(ENOSPC), strerror(ENOSPC));
}

/* No word of a library reaches a reader of Chinese but in the brackets of a
 * sentence of ours. */
static void in_chinese(const char *said)
{
	const char *open = strstr(said, "（");
	for (const char *p = said; *p && (!open || p < open); p++)
		if (p[0] == ' ' && p > said && (unsigned char)p[-1] < 0x80 &&
		    p[-1] >= 'a' && p[-1] <= 'z' && (unsigned char)p[1] < 0x80)
			fail_msg("not in Chinese: %s", said);
}

static void no_word_of_a_library_alone(void **state)
{
	char text[GT_TRANSLATE_MAX], where[512];
	(void)state;
	SAYS("x: Invalid cross-device link",
	     "x: 未预料到的故障（Invalid cross-device link）");
	for (int i = 0; i < 102; i++) {
		in_chinese(zh(sqlite3_errstr(i)));
		gt_format(where, sizeof where, "SQLite %d: %s", i,
		          sqlite3_errstr(i));
		in_chinese(zh(where));
		gt_format(where, sizeof where, "certificate refused (%s)",
		          X509_verify_cert_error_string(i));
		in_chinese(zh(where));
		if (i == 0)
			continue;
		in_chinese(gt_translate_library(
		        text, "zh", curl_easy_strerror((CURLcode)i)));
		assert_memory_equal(
		        gt_translate_library(text, "en", "Unheard of"),
		        "an unforeseen failure (", 23);
	}
	for (int i = 1; i < 140; i++) {
		if (i < 32)
			in_chinese(zh(nng_strerror(i)));
		/* none of its own */
		if (strncmp(strerror(i), "Unknown error", 13) == 0)
			continue;
		in_chinese(zh(strerror(i)));
		in_chinese(zh(nng_strerror(NNG_ESYSERR + i)));
	}
	for (size_t i = 0; i < sizeof yaml_slips / sizeof *yaml_slips; i++)
		in_chinese(gt_translate_library(text, "zh",
		                                yaml_problem(yaml_slips[i])));
}

static void english_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		const char *en = rows[i].en;
		assert_ptr_equal(gt_translate(out, "en", en), en);
		assert_ptr_equal(gt_translate(out, NULL, en), en);
	}
	gt_text_language("zh-CN");
	assert_string_equal(gt_translate(out, NULL, "too large"), "过大");
	assert_string_equal(gt_translate_error(-GT_EBUSY),
	                    gt_strerror_zh(GT_EBUSY));
	assert_string_equal(gt_translate(out, "en", "too large"), "too large");
	gt_text_language("en");
	assert_string_equal(gt_translate_error(-GT_EBUSY),
	                    gt_strerror(GT_EBUSY));
}

static void pieces_change_places(void **state)
{
	(void)state;
	SAYS("policy lists 33/a here but does not let it be fetched (rule big "
	     "of 3301)",
	     "依策略，33/a 在此仅列目录，不可获取（3301 的规则 big）");
	SAYS("protocol=2 frames=7; sent 1024 bytes in 9 frames",
	     "协议版本 2，下级收到 7 帧；本节点发出 9 帧，共 1024 字节");
}

static void sentences_within_sentences(void **state)
{
	(void)state;
	SAYS("3301 and this node remember different pasts: what it showed of "
	     "its last session is not known here. If neither was just "
	     "restored from a backup, a second copy of 3301 or of this node "
	     "is running: stop one of the two",
	     "3301 与本节点记住的往来不一致：它所出示的上次会话在本节点没有"
	     "记录。如果两者都不是刚从备份恢复的，则 3301 或本节点有第二份"
	     "副本正在运行，请停掉其中一份");
	SAYS("dropping the link to a stranger (10.0.0.1:7): the parent "
	     "answered BUSY: too many links",
	     "断开与 未表明身份的节点（10.0.0.1:7）的链路：上级答复 BUSY："
	     "链路过多");
	SAYS("refused the content of 33/a: frame 3, member \"b: c.txt\": it "
	     "cannot be read",
	     "拒收 33/a 的内容：第 3 帧，文件 \"b: c.txt\"：无法读取");
	SAYS("row 2 (33/a): 33/a is not known here",
	     "第 2 行（33/a）：此处没有 33/a");
	SAYS("too many links (and 12 more like it)",
	     "链路过多（另有 12 条类似）");
	SAYS("TLS failed: bad (and 2 more like it)",
	     "TLS 失败：bad（另有 2 条类似）");
}

static void a_place_may_stand_before(void **state)
{
	(void)state;
	SAYS("statement 4: actor.account.name: must be a string",
	     "语句 4：actor.account.name: 须为字符串");
	SAYS("result.score.min: must be less than max",
	     "result.score.min: 须小于 max");
	SAYS("statements[3].context.registration: not a UUID; write it as "
	     "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx in hexadecimal",
	     "statements[3].context.registration: 不是 UUID；请写成十六进制的 "
	     "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
	SAYS("statements[12]: not JSON: it ends too early at byte 7",
	     "statements[12]: 不是合法的 JSON：内容不完整（第 7 字节）");
	STAYS("actor.account.name: something unheard of");
}

static void what_is_not_known_stays(void **state)
{
	(void)state;
	STAYS("");
	STAYS("33/phone-basics");
	STAYS("nobody ever said this");
	STAYS("已经是中文：is missing");
	STAYS("too large ");
	STAYS(" too large");
	STAYS("more than x rules");
	STAYS("more than  rules");
	STAYS("more than - rules");
	SAYS("more than -1 rules", "规则超过 -1 条");
	/* a name is no sentence, though it may look like one */
	SAYS("rule down: an empty region", "规则 down：区域为空");
	SAYS("down", "已断开");
	/* cut where a writer had no more room */
	STAYS("frame 3, member \"x\" it can");
	SAYS("the parent answered BUSY: too many req",
	     "上级答复 BUSY：too many req");
}

static void hostile(void **state)
{
	static char s[100000];
	(void)state;
	STAYS("%s%s%s%n%n%n%s");
	SAYS("the parent answered %n: %s%s%s", "上级答复 %n：%s%s%s");
	SAYS("the parent answered {1}: {2} {9} {", "上级答复 {1}：{2} {9} {");
	SAYS("refused the content of x\n: \x1b[2J\xff\xfe",
	     "拒收 x\n 的内容：\x1b[2J\xff\xfe");
	memset(s, '%', sizeof s - 1);
	STAYS(s);
	/* many places where a piece could end, and none that fits */
	for (size_t n = 0; n + 16 < sizeof s; n += strlen(" (and 1 more: "))
		strcpy(s + n, " (and 1 more: ");
	STAYS(s);
	s[GT_TRANSLATE_MAX - 1] = '\0';
	STAYS(s);
	/* deeper than anybody speaks: the rest is left as it is */
	s[0] = '\0';
	while (strlen(s) < 1900)
		strcat(s, "the parent answered BUSY: ");
	assert_memory_equal(zh(s), "上级答复 BUSY：上级答复 BUSY：", 40);
	assert_string_equal(out + strlen(out) - 26,
	                    "the parent answered BUSY: ");
}

/* A translation is whole or not at all. */
static void no_room(void **state)
{
	char s[GT_TRANSLATE_MAX];
	(void)state;
	for (size_t n = 1900; n < GT_TRANSLATE_MAX; n++) {
		memset(s, 'x', n);
		memcpy(s + n - 16, " is not known he", 16);
		memcpy(s, "row 1 (", 7);
		memcpy(s + 20, "): ", 3);
		s[n] = '\0';
		const char *t = zh(s);
		size_t wanted = n - strlen("row 1 (") + strlen("第 1 行（") -
		                strlen("): ") + strlen("）：");
		if (wanted < GT_TRANSLATE_MAX)
			assert_int_equal(strlen(t), wanted);
		else
			assert_ptr_equal(t, s);
	}
}

static void the_log_speaks_the_process_language(void **state)
{
	char text[2048] = "";
	FILE *f = tmpfile();
	(void)state;
	assert_non_null(f);
	gt_log_set_fd(fileno(f));
	gt_text_language("zh-CN");
	gt_log_node(GT_LOG_INFO, "33/a is complete");
	gt_log_line(GT_LOG_WARN, "link", "why", "too many links", "name",
	            "too many links", NULL);
	gt_text_language("en");
	gt_log_node(GT_LOG_INFO, "33/a is complete");
	gt_log_set_fd(2);
	rewind(f);
	size_t n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	assert_int_equal(fclose(f), 0);
	assert_non_null(strstr(text, "event=node msg=\"33/a 已完整\"\n"));
	assert_non_null(strstr(
	        text, "event=link why=\"链路过多\" name=\"too many links\"\n"));
	assert_non_null(strstr(text, "event=node msg=\"33/a is complete\"\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_row_is_its_own),
	        cmocka_unit_test(every_error_is_known),
	        cmocka_unit_test(what_libraries_say),
	        cmocka_unit_test(no_word_of_a_library_alone),
	        cmocka_unit_test(english_stays),
	        cmocka_unit_test(pieces_change_places),
	        cmocka_unit_test(sentences_within_sentences),
	        cmocka_unit_test(a_place_may_stand_before),
	        cmocka_unit_test(what_is_not_known_stays),
	        cmocka_unit_test(hostile),
	        cmocka_unit_test(no_room),
	        cmocka_unit_test(the_log_speaks_the_process_language),
	};
	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests_name("translate", tests, NULL, NULL);
}
