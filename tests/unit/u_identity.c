/* u_identity.c: nothing is left of anybody in what leaves. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "identity.h"
#include "nomem.h"
#include "statement.h"

static struct gt_pseudonym_key the_key(uint32_t number)
{
	struct gt_pseudonym_key k = {.number = number, .until_ms = INT64_MAX};
	gt_copy(k.scope, sizeof k.scope, "3301");
	memset(k.secret, 7, sizeof k.secret);
	return k;
}

static struct gt_aliases *aliases_of(const char *text)
{
	struct gt_aliases *a;
	char why[200];
	assert_int_equal(
	        gt_aliases_new(&a, gt_bytes_str(text), why, sizeof why), 0);
	return a;
}

/* The statement under pseudonyms; the caller frees. It must be one. */
static char *under(const char *body, const char *authority,
                   const struct gt_pseudonyms *how)
{
	struct gt_buffer out = {0};
	struct gt_about about;
	struct gt_statement s;
	char why[300] = "";
	static const uint8_t ids[1][GT_UUID_BYTES];
	assert_int_equal(gt_about_open(&about, gt_bytes_str(body)), 0);
	assert_int_equal(gt_identity_pseudonymise(&out, &about, authority, how),
	                 0);
	gt_about_close(&about);
	int n = gt_statements_parse(gt_buffer_bytes(&out), GT_XAPI_ANY, ids, 1,
	                            &s, 1, why, sizeof why);
	if (n != 1)
		fail_msg("%s\n%s", why, (const char *)out.p);
	return gt_buffer_text(&out, NULL);
}

static char *redacted(const char *body, uint32_t fields)
{
	struct gt_buffer out = {0};
	struct gt_about about;
	assert_int_equal(gt_about_open(&about, gt_bytes_str(body)), 0);
	assert_int_equal(gt_identity_redact(&out, &about, fields), 0);
	gt_about_close(&about);
	return gt_buffer_text(&out, NULL);
}

/* -------------------------------------------------------- the property */

enum { IDS = 6, ENCODINGS = 6, TEXT = 400, PLACES = 44 };

/* What one learner is called. */
static void names_of(unsigned who, char ids[IDS][TEXT])
{
	gt_format(ids[0], TEXT, "wang.lei%05u@例子.cn", who);
	gt_format(ids[1], TEXT, "wanglei%05u", who);
	gt_format(ids[2], TEXT, "138%08u", who * 7 + 10000);
	gt_format(ids[3], TEXT, "3301061990%07ux", who);
	gt_format(ids[4], TEXT, "王磊%05u", who);
	gt_format(ids[5], TEXT, "lei_%05u@mail.example", who);
}

static void base64(char *out, const char *in)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = strlen(in), k = 0;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)(uint8_t)in[i] << 16;
		v |= i + 1 < n ? (uint32_t)(uint8_t)in[i + 1] << 8 : 0;
		v |= i + 2 < n ? (uint32_t)(uint8_t)in[i + 2] : 0;
		out[k++] = abc[v >> 18];
		out[k++] = abc[v >> 12 & 63];
		out[k++] = i + 1 < n ? abc[v >> 6 & 63] : '=';
		out[k++] = i + 2 < n ? abc[v & 63] : '=';
	}
	out[k] = '\0';
}

/* plain, case, percent, Punycode, full width, Base64. */
static void encode(char out[TEXT], const char *id, unsigned how)
{
	static const char host[] = "例子.cn", puny[] = "xn--fsqu00a.cn";
	const char *at = strstr(id, host);
	size_t k = 0;
	if (how == 0 || (how == 3 && !at)) {
		gt_copy(out, TEXT, id);
	} else if (how == 3) {
		gt_format(out, TEXT, "%.*s%s", (int)(at - id), id, puny);
	} else if (how == 5) {
		base64(out, id);
	} else {
		for (const char *s = id; *s; s++) {
			unsigned char c = (unsigned char)*s;
			if (how == 1)
				k += (size_t)snprintf(out + k, TEXT - k, "%c",
				                      toupper(c));
			else if (how == 2)
				k += (size_t)snprintf(out + k, TEXT - k,
				                      "%%%02X", c);
			else if (c > 0x20 && c < 0x7f) /* U+FF01 is '!' */
				k += (size_t)snprintf(out + k, TEXT - k,
				                      "\xef%c%c",
				                      0xbc + (c - 0x20) / 64,
				                      0x80 + (c - 0x20) % 64);
			else
				k += (size_t)snprintf(out + k, TEXT - k, "%c",
				                      c);
		}
	}
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* The k-th place of a statement that may hold anything; places 0 and 1 are an
 * agent's. */
static const char statement[] =
        "{\"id\":\"%08x-0000-4000-8000-000000000000\","
        "\"actor\":{\"name\":\"%s\",\"account\":{\"homePage\":"
        "\"https://lms.example/%s\",\"name\":\"%s\"}},"
        "\"verb\":{\"id\":\"https://v.example/"
        "%s\",\"display\":{\"zh\":\"%s\"}},"
        "\"object\":{\"objectType\":\"SubStatement\",\"actor\":{\"objectType\":"
        "\"Group\",\"name\":\"%s\",\"member\":[{\"name\":\"%s\",\"mbox\":"
        "\"mailto:x%s@m.example\"},{\"openid\":\"https://id.example/%s\"}]},"
        "\"verb\":{\"id\":\"urn:x:%s\"},\"object\":{\"id\":"
        "\"https://a.example/%s/1\",\"definition\":{\"type\":"
        "\"https://t.example/%s\",\"name\":{\"en\":\"%s\"},\"description\":"
        "{\"en\":\"%s\"},\"moreInfo\":\"https://i.example/%s\","
        "\"interactionType\":\"fill-in\",\"correctResponsesPattern\":[\"%s\"],"
        "\"extensions\":{\"https://e.example/%s\":{\"a\":[\"%s\"]}}}},"
        "\"context\":{\"contextActivities\":{\"other\":[{\"id\":"
        "\"https://o.example?u=%s\"}]}}},"
        "\"result\":{\"response\":\"%s\",\"score\":{\"raw\":%s},\"extensions\":"
        "{\"https://e.example\":\"%s\"}},"
        "\"context\":{\"registration\":\"%08x-1111-4111-8111-111111111111\","
        "\"instructor\":{\"name\":\"%s\",\"account\":{\"homePage\":"
        "\"https://s.example\",\"name\":\"%s\"}},"
        "\"team\":{\"objectType\":\"Group\",\"name\":\"%s\",\"account\":"
        "{\"homePage\":\"https://s.example/%s\",\"name\":\"%s\"},\"member\":"
        "[{\"account\":{\"homePage\":\"https://s.example\",\"name\":\"%s\"}}]},"
        "\"contextAgents\":[{\"objectType\":\"contextAgent\",\"agent\":"
        "{\"account\":{\"homePage\":\"https://s.example\",\"name\":\"%s\"}},"
        "\"relevantTypes\":[\"https://r.example/%s\"]}],"
        "\"contextGroups\":[{\"objectType\":\"contextGroup\",\"group\":"
        "{\"objectType\":\"Group\",\"member\":[{\"name\":\"%s\",\"account\":"
        "{\"homePage\":\"https://s.example\",\"name\":\"%s\"}}]},"
        "\"relevantTypes\":[\"https://r.example/#%s\"]}],"
        "\"language\":\"zh-x-%s\",\"extensions\":{\"https://e.example/%s\":"
        "{\"mbox\":\"%s\"}},\"contextActivities\":{\"parent\":[{\"id\":"
        "\"https://p.example/u/%s\"}],\"grouping\":{\"id\":\"urn:g:%s\"},"
        "\"category\":[{\"id\":\"https://c.example/%s/x\"}]}},"
        "\"attachments\":[{\"usageType\":\"https://u.example/%s\",\"display\":"
        "{\"en\":\"%s\"},\"contentType\":\"text/plain\",\"length\":1,\"sha2\":"
        "\"495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a"
        "\",\"fileUrl\":\"https://f.example/%s\"}],"
        "\"authority\":{\"account\":{\"homePage\":\"https://s.example\","
        "\"name\":\"%s\"}}}";

/* Fills the places with names in spellings; the actor's account is always the
 * learner's own, so that he is known. */
static void fill(struct gt_buffer *out, uint32_t who, uint32_t *seed,
                 char ids[IDS][TEXT])
{
	static char v[PLACES][TEXT];
	uint32_t number = who;
	size_t p = 0;
	out->n = 0;
	for (size_t i = 0; i < PLACES; i++)
		encode(v[i], ids[next(seed) % IDS], next(seed) % ENCODINGS);
	encode(v[2], ids[1 + who % 2], who / 2 % 5);
	for (const char *s = statement; *s; s++) {
		if (strncmp(s, "%08x", 4) == 0) {
			gt_buffer_format(out, "%08x", number);
			s += 3;
		} else if (strncmp(s, "\"raw\":%s", 8) == 0) {
			gt_buffer_format(out, "\"raw\":%s", ids[2]);
			s += 7;
		} else if (strncmp(s, "zh-x-%s", 7) == 0) {
			gt_buffer_format(out, "zh-x-%.8s", ids[2]);
			s += 6;
		} else if (strncmp(s, "%s", 2) == 0) {
			assert_true(p < PLACES);
			gt_buffer_str(out, v[p++]);
			s += 1;
		} else {
			gt_buffer_add(out, s, 1);
		}
	}
	assert_false(out->failed);
	assert_true(p >= 40);
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

/* The naive model: the bytes of every name in every spelling. */
static void holds_none(const char *text, char ids[IDS][TEXT])
{
	char *low = strdup(text);
	assert_non_null(low);
	lower(low);
	for (size_t i = 0; i < IDS; i++)
		for (unsigned e = 0; e < ENCODINGS; e++) {
			char spelt[TEXT];
			encode(spelt, ids[i], e);
			if (strstr(text, spelt))
				fail_msg("%s in %s", spelt, text);
			lower(spelt);
			if (strstr(low, spelt))
				fail_msg("%s in %s", spelt, text);
		}
	free(low);
}

static void no_name_is_left_in_any_place_and_spelling(void **state)
{
	(void)state;
	enum { STATEMENTS = 10000 };
	struct gt_pseudonym_key key = the_key(1);
	struct gt_buffer body = {0};
	uint32_t seed = 10;
	for (uint32_t who = 0; who < STATEMENTS; who++) {
		char ids[IDS][TEXT], line[IDS * TEXT], authority[TEXT + 100];
		struct gt_buffer agent = {0};
		names_of(who, ids);
		gt_format(line, sizeof line, "%s mailto:%s mailto:%s %s %s %s",
		          ids[1], ids[0], ids[5], ids[2], ids[3], ids[4]);
		struct gt_aliases *a = aliases_of(line);
		const struct gt_pseudonyms how = {&key, a};
		gt_format(authority, sizeof authority,
		          "{\"mbox\":\"mailto:%s\",\"name\":\"%s\"}",
		          ids[who % 2 ? 0 : 5], ids[4]);
		fill(&body, who, &seed, ids);
		char *out = under((const char *)body.p, authority, &how);
		holds_none(out, ids);
		free(out);
		assert_int_equal(gt_identity_authority(&agent, authority, &how),
		                 0);
		holds_none((const char *)agent.p, ids);
		gt_buffer_free(&agent);
		gt_aliases_free(a);
	}
	gt_buffer_free(&body);
}

/* ------------------------------------------------------------- linked */

static void actor_of(const char *agent, const struct gt_pseudonyms *how,
                     char out[300])
{
	char body[600];
	gt_format(body, sizeof body,
	          "{\"actor\":%s,\"verb\":{\"id\":\"urn:v\"},\"object\":{"
	          "\"id\":\"urn:o\"}}",
	          agent);
	char *text = under(body, "", how);
	json_t *v = json_loads(text, 0, NULL);
	const json_t *account =
	        json_object_get(json_object_get(v, "actor"), "account");
	gt_format(out, 300, "%s %s", gt_json_member(account, "homePage"),
	          gt_json_member(account, "name"));
	json_decref(v);
	free(text);
}

static void one_learner_has_one_pseudonym(void **state)
{
	(void)state;
	static const char *const agents[] = {
	        "{\"mbox\":\"mailto:Alice@example.cn\",\"name\":\"A\"}",
	        "{\"mbox\":\"mailto:%61lice@EXAMPLE.cn\"}",
	        "{\"objectType\":\"Agent\",\"account\":{\"homePage\":"
	        "\"https://x.example\",\"name\":\"138 0000 1111\"}}",
	        "{\"account\":{\"homePage\":\"https://y.example\",\"name\":"
	        "\"ALICE\"}}"};
	struct gt_pseudonym_key key = the_key(1), later = the_key(2);
	struct gt_aliases *a =
	        aliases_of("alice mailto:alice@example.cn 13800001111");
	struct gt_pseudonyms how = {&key, a};
	char one[300], other[300];
	actor_of(agents[0], &how, one);
	assert_true(strncmp(one, "https://pseudonyms.invalid/3301/1 ", 34) ==
	            0);
	for (size_t i = 1; i < 4; i++) {
		actor_of(agents[i], &how, other);
		assert_string_equal(one, other);
	}
	actor_of("{\"account\":{\"homePage\":\"https://y.example\",\"name\":"
	         "\"bob\"}}",
	         &how, other);
	assert_string_not_equal(one, other);
	how.key = &later;
	actor_of(agents[0], &how, other);
	assert_true(strncmp(other, "https://pseudonyms.invalid/3301/2 ", 34) ==
	            0);
	gt_aliases_free(a);
}

static void what_was_done_is_kept_without_who_did_it(void **state)
{
	(void)state;
	struct gt_pseudonym_key key = the_key(1);
	const struct gt_pseudonyms how = {&key, NULL};
	char *out = under(
	        "{\"id\":\"FD41C918-B88B-4B20-A0A5-A4C32391AAA0\","
	        "\"actor\":{\"mbox\":\"mailto:a@b.example\"},"
	        "\"verb\":{\"id\":\"http://adlnet.gov/expapi/verbs/completed\","
	        "\"display\":{\"en\":\"x\"}},"
	        "\"object\":{\"objectType\":\"Activity\",\"id\":"
	        "\"https://x.example/course/20250101/"
	        "3fa85f64-5717-4562-b3fc-2c963f66afa6\",\"definition\":{"
	        "\"type\":"
	        "\"http://adlnet.gov/expapi/activities/"
	        "course\",\"name\":{\"en\":"
	        "\"C\"}}},"
	        "\"result\":{\"score\":{\"scaled\":0.95,\"raw\":95,\"max\":100}"
	        ","
	        "\"success\":true,\"completion\":false,\"duration\":\"PT1H0."
	        "5S\"},"
	        "\"context\":{\"language\":\"zh-Hans-CN\"},"
	        "\"timestamp\":\"2026-01-02T03:04:05.6789012345+08:00\","
	        "\"version\":\"1.0.3\"}",
	        "", &how);
	assert_string_not_equal(out, "");
	static const char *const kept[] = {
	        "\"id\":\"fd41c918-b88b-4b20-a0a5-a4c32391aaa0\"",
	        "\"verb\":{\"id\":\"http://adlnet.gov/expapi/verbs/"
	        "completed\"}",
	        "{\"definition\":{\"type\":\"http://adlnet.gov/expapi/"
	        "activities/course\"},\"id\":\"https://x.example/course/"
	        "20250101/"
	        "3fa85f64-5717-4562-b3fc-2c963f66afa6\"",
	        "\"score\":{\"max\":100,\"raw\":95,\"scaled\":0.95}",
	        "\"completion\":false",
	        "\"success\":true",
	        "\"duration\":\"PT1H0.5S\"",
	        "\"language\":\"zh-Hans-CN\"",
	        "\"timestamp\":\"2026-01-01T19:04:05.678Z\"",
	};
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (!strstr(out, kept[i]))
			fail_msg("%s not in %s", kept[i], out);
	free(out);
}

/* An activity that is somebody's own stays one and the same. */
static void a_hidden_iri_is_the_same_each_time(void **state)
{
	(void)state;
	struct gt_pseudonym_key key = the_key(1);
	const struct gt_pseudonyms how = {&key, NULL};
	static const char body[] =
	        "{\"actor\":{\"mbox\":\"mailto:alice@b.example\"},\"verb\":{"
	        "\"id\":\"urn:v\"},\"object\":{\"id\":"
	        "\"https://x.example/u/Alice/%s\"}}";
	char one[400], other[400];
	gt_format(one, sizeof one, body, "a");
	gt_format(other, sizeof other, body, "%61");
	char *a = under(one, "", &how), *b = under(other, "", &how);
	assert_non_null(strstr(a, "urn:guantong:hidden:"));
	assert_string_equal(a, b);
	free(a);
	free(b);
}

static void a_signature_that_no_longer_fits_goes_and_is_named(void **state)
{
	(void)state;
	static const char body[] =
	        "{\"actor\":{\"name\":\"A\",\"mbox\":\"mailto:a@b.example\"},"
	        "\"verb\":{\"id\":\"urn:v\"},\"object\":{\"id\":\"urn:o\"},"
	        "\"attachments\":[{\"usageType\":"
	        "\"http://adlnet.gov/expapi/attachments/"
	        "signature\",\"display\":"
	        "{\"en\":\"s\"},\"contentType\":\"application/octet-stream\","
	        "\"length\":1,\"sha2\":"
	        "\"495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd"
	        "84"
	        "8a\"},{\"usageType\":\"urn:u\",\"display\":{\"en\":\"t\"},"
	        "\"contentType\":\"text/plain\",\"length\":1,\"sha2\":"
	        "\"495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd"
	        "84"
	        "8a\"}]}";
	struct gt_pseudonym_key key = the_key(1);
	const struct gt_pseudonyms how = {&key, NULL};
	char *out = redacted(body, GT_IDENTITY_NAMES);
	assert_non_null(strstr(out, "urn:u"));
	assert_null(strstr(out, "attachments/signature"));
	assert_non_null(strstr(out, "{\"extensions\":{\"urn:guantong:"
	                            "stripped\":[\"signature\"]}}"));
	free(out);
	out = redacted(body, GT_IDENTITY_ATTACHMENTS);
	assert_non_null(strstr(
	        out,
	        "\"urn:guantong:stripped\":[\"attachments\",\"signature\"]"));
	free(out);
	out = under(body, "", &how);
	assert_non_null(strstr(
	        out,
	        "\"urn:guantong:stripped\":[\"attachments\",\"signature\"]"));
	assert_null(strstr(out, "sha2"));
	free(out);
}

static void each_field_is_taken_out_alone(void **state)
{
	(void)state;
	static const char body[] =
	        "{\"actor\":{\"objectType\":\"Group\",\"name\":\"N\","
	        "\"member\":"
	        "[{\"name\":\"N\",\"mbox\":\"mailto:a@b.example\"}]},"
	        "\"verb\":{\"id\":\"urn:v\",\"display\":{\"en\":\"T\"}},"
	        "\"object\":{\"objectType\":\"SubStatement\",\"actor\":{"
	        "\"name\":"
	        "\"N\",\"mbox\":\"mailto:a@b.example\"},\"verb\":{\"id\":\"urn:"
	        "v\"},"
	        "\"object\":{\"id\":\"urn:o\",\"definition\":{\"name\":{\"en\":"
	        "\"T\"},\"extensions\":{\"urn:e\":\"E\"}}},\"result\":{"
	        "\"response\":"
	        "\"R\",\"extensions\":{\"urn:e\":\"E\"}}},"
	        "\"result\":{\"response\":\"R\"},"
	        "\"context\":{\"instructor\":{\"name\":\"N\",\"mbox\":"
	        "\"mailto:a@b.example\"},\"extensions\":{\"urn:e\":\"E\"}}}";
	static const struct {
		uint32_t field;
		const char *gone;
	} rows[] = {{GT_IDENTITY_NAMES, "\"N\""},
	            {GT_IDENTITY_RESPONSES, "\"R\""},
	            {GT_IDENTITY_TEXT, "\"T\""},
	            {GT_IDENTITY_EXTENSIONS, "\"E\""}};
	for (size_t i = 0; i < 4; i++) {
		char *out = redacted(body, rows[i].field);
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(strstr(out, rows[k].gone) == NULL,
			                 k == i);
		free(out);
	}
}

static void rules_see_what_a_statement_is_about(void **state)
{
	(void)state;
	struct gt_about a;
	static const char body[] =
	        "{\"verb\":{\"id\":\"urn:v\"},\"object\":{\"objectType\":"
	        "\"SubStatement\",\"object\":{\"id\":\"urn:sub\"},\"context\":{"
	        "\"contextActivities\":{\"category\":{\"id\":\"urn:c2\"}}}},"
	        "\"context\":{\"contextActivities\":{\"parent\":{\"id\":"
	        "\"urn:p\"},\"grouping\":[{\"id\":\"urn:g\"},{\"id\":\"urn:h\"}"
	        "],"
	        "\"category\":[{\"id\":\"urn:c1\"}],\"other\":[{\"id\":"
	        "\"urn:x\"}]}}}";
	static const char *const activities[] = {"urn:p", "urn:g", "urn:h",
	                                         "urn:sub"};
	assert_int_equal(gt_about_open(&a, gt_bytes_str(body)), 0);
	assert_string_equal(a.verb, "urn:v");
	assert_int_equal(a.nactivities, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(a.activities[i], activities[i]);
	assert_int_equal(a.nclasses, 2);
	assert_string_equal(a.classes[0], "urn:c1");
	assert_string_equal(a.classes[1], "urn:c2");
	gt_about_close(&a);
	assert_int_equal(gt_about_open(&a, gt_bytes_str("{")), -GT_EINVALID);
	gt_about_close(&a);
}

static void no_memory_gives_nothing(void **state)
{
	(void)state;
	struct gt_pseudonym_key key = the_key(1);
	struct gt_buffer body = {0};
	char ids[IDS][TEXT];
	uint32_t seed = 3;
	names_of(5, ids);
	fill(&body, 5, &seed, ids);
	struct gt_aliases *a = aliases_of(ids[1]);
	const struct gt_pseudonyms how = {&key, a};
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_buffer out = {0};
		struct gt_about about;
		int status = gt_about_open(&about, gt_buffer_bytes(&body));
		if (status == 0)
			status = gt_identity_pseudonymise(&out, &about, "",
			                                  &how);
		gt_about_close(&about);
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
		gt_buffer_free(&out);
	}
	gt_aliases_free(a);
	gt_buffer_free(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(no_name_is_left_in_any_place_and_spelling),
	        cmocka_unit_test(one_learner_has_one_pseudonym),
	        cmocka_unit_test(what_was_done_is_kept_without_who_did_it),
	        cmocka_unit_test(a_hidden_iri_is_the_same_each_time),
	        cmocka_unit_test(
	                a_signature_that_no_longer_fits_goes_and_is_named),
	        cmocka_unit_test(each_field_is_taken_out_alone),
	        cmocka_unit_test(rules_see_what_a_statement_is_about),
	        cmocka_unit_test(no_memory_gives_nothing),
	};
	nomem_json();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
