/* statement_draw.h: statements of every shape, drawn: every property, texts in
 * every spelling, numbers in all forms, groups, SubStatements, attachments,
 * extensions, voids. With `wild` set, one value in so many is something else. */
#ifndef GT_TEST_STATEMENT_DRAW_H
#define GT_TEST_STATEMENT_DRAW_H

#include <stdio.h>
#include <string.h>

#include "buffer.h"

struct draw {
	struct gt_buffer o;
	uint64_t random;
	unsigned wild;  /* 0: never */
	bool nuls;      /* \u0000 in texts that may have any character */
	bool own_times; /* always a timestamp; else half the time */
	bool modern;    /* contextAgents, contextGroups, version 2.0 */
};

static uint32_t draw(struct draw *d, uint32_t below)
{
	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return (uint32_t)(d->random >> 11) % below;
}

static void say(struct draw *d, const char *s)
{
	gt_buffer_str(&d->o, s);
}

#define PICK(d, list) (list)[draw(d, sizeof(list) / sizeof *(list))]

static void draw_space(struct draw *d)
{
	static const char *const some[] = {" ", "\n", "\t", "\r\n  "};
	if (draw(d, 20) == 0)
		say(d, PICK(d, some));
}

/* A string that may be anything. */
static void draw_text(struct draw *d)
{
	static const char *const piece[] = {"a",
	                                    "Zz 9",
	                                    "\xe4\xb8\xad\xe6\x96\x87",
	                                    "\\u4e2d",
	                                    "\\n",
	                                    "\\\"",
	                                    "\\\\",
	                                    "\\/",
	                                    "/",
	                                    "\\t\\b\\f\\r",
	                                    "\xf0\x9f\x98\x80",
	                                    "\\ud83d\\ude00",
	                                    "\\u001f",
	                                    "\x7f",
	                                    "\\u00e9",
	                                    "\xc3\xa9",
	                                    "\xef\xbf\xbf",
	                                    "{",
	                                    "]",
	                                    ",",
	                                    "null"};
	say(d, "\"");
	for (uint32_t n = draw(d, 6); n > 0; n--)
		say(d, d->nuls && draw(d, 6) == 0 ? "\\u0000" : PICK(d, piece));
	say(d, "\"");
}

static void draw_number(struct draw *d)
{
	static const char *const some[] = {"0",
	                                   "-0",
	                                   "0.0",
	                                   "-0e7",
	                                   "1",
	                                   "1.0",
	                                   "1e0",
	                                   "10E-1",
	                                   "100",
	                                   "0.1",
	                                   "1e-7",
	                                   "1E+2",
	                                   "123456789012345678",
	                                   "1e21",
	                                   "5e-324",
	                                   "2.2250738585072014e-308",
	                                   "1.7976931348623157e308",
	                                   "0.30000000000000004",
	                                   "9007199254740993",
	                                   "1e-400",
	                                   "0.000000000000000000000000001",
	                                   "-12.50",
	                                   "3.14159265358979"};
	char text[64];
	if (draw(d, 2)) {
		say(d, PICK(d, some));
		return;
	}
	(void)snprintf(text, sizeof text, "%s%u.%0*u%s", draw(d, 3) ? "" : "-",
	               draw(d, 5) ? draw(d, 1000) : draw(d, 4000000000u),
	               (int)draw(d, 9) + 1, draw(d, 100000),
	               draw(d, 4) ? "" : "e-3");
	say(d, text);
}

static void draw_any(struct draw *d, int depth);

static void draw_members(struct draw *d, int depth)
{
	say(d, "{");
	for (uint32_t i = 0, n = draw(d, 4); i < n; i++) {
		char key[48];
		uint32_t f = draw(d, 4);
		if (f == 1)
			(void)snprintf(key, sizeof key,
			               "%s\"\\u00%02x\":", i ? "," : "",
			               0x61 + i);
		else
			(void)snprintf(key, sizeof key,
			               "%s\"%s%u\":", i ? "," : "",
			               f == 0   ? "k"
			               : f == 2 ? "\xee\x80\x80"
			                        : "\xf0\x9f\x98\x80",
			               i);
		say(d, key);
		draw_space(d);
		draw_any(d, depth + 1);
	}
	say(d, "}");
}

static void draw_any(struct draw *d, int depth)
{
	static const char *const words[] = {"true", "false", "null", "[]",
	                                    "{}"};
	switch (draw(d, depth > 4 ? 3 : 5)) {
	case 0:
		draw_number(d);
		break;
	case 1:
		say(d, PICK(d, words));
		break;
	case 2:
		draw_text(d);
		break;
	case 3:
		say(d, "[");
		for (uint32_t i = 0, n = draw(d, 4); i < n; i++) {
			if (i)
				say(d, ",");
			draw_any(d, depth + 1);
		}
		say(d, "]");
		break;
	default:
		draw_members(d, depth);
	}
}

/* True: something else stands there. */
static bool wild(struct draw *d)
{
	if (!d->wild || draw(d, d->wild))
		return false;
	draw_any(d, 3);
	return true;
}

/* The name of a property, now and then spelt otherwise. */
static void name(struct draw *d, bool *any, const char *key)
{
	char text[16];
	say(d, *any ? "," : "");
	draw_space(d);
	*any = true;
	say(d, "\"");
	if (draw(d, 40) == 0) {
		(void)snprintf(text, sizeof text, "\\u%04x", *key++);
		say(d, text);
	}
	say(d, d->wild && draw(d, 4 * d->wild) == 0 ? "x" : "");
	say(d, key);
	say(d, "\":");
	draw_space(d);
}

static void quoted(struct draw *d, const char *s)
{
	if (wild(d))
		return;
	say(d, "\"");
	say(d, s);
	say(d, "\"");
}

static void draw_uuid(struct draw *d)
{
	char text[48];
	uint32_t v[5];
	for (int i = 0; i < 5; i++)
		v[i] = draw(d, UINT32_MAX);
	bool odd = d->wild && draw(d, 2 * d->wild) == 0;
	(void)snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x%s%012x", v[0],
	               v[1] & 0xffff, v[2] & 0xfff, v[3] & 0xfff,
	               odd ? "" : "-", v[4]);
	for (size_t i = 0, upper = draw(d, 2); upper && text[i]; i++)
		text[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
	quoted(d, text);
}

static void draw_iri(struct draw *d)
{
	static const char *const some[] = {"http://example.cn/1",
	                                   "urn:x:1",
	                                   "x:y",
	                                   "http://example.cn/\xe4\xb8\xad",
	                                   "http:\\/\\/example.cn\\/2",
	                                   "HTTP://EXAMPLE.cn",
	                                   "a+b-c.d:e#f?g"};
	static const char *const none[] = {
	        "", "x", ":", "1x:y", "x y:z", "http://a b", "x:", "x:<y>"};
	quoted(d, d->wild && draw(d, 3 * d->wild) == 0 ? PICK(d, none)
	                                               : PICK(d, some));
}

static void draw_time(struct draw *d)
{
	static const char *const some[] = {"2026-11-22T22:27:37.123Z",
	                                   "2026-11-22T22:27:37Z",
	                                   "2026-11-23T06:27:37.12+08:00",
	                                   "2026-11-23t06:27:37,5+0800",
	                                   "2026-11-22T22:27:37",
	                                   "2024-02-29T23:59:60.123456789123Z",
	                                   "2026-11-22T22:27:37.100-05",
	                                   "0000-01-01T00:00:00+23:59"};
	static const char *const none[] = {"2026-11-22",
	                                   "2026-11-22T22:27Z",
	                                   "2025-02-29T00:00:00Z",
	                                   "2026-11-22T22:27:37-00:00",
	                                   "then",
	                                   "2026-11-22 22:27:37Z"};
	quoted(d, d->wild && draw(d, 2 * d->wild) == 0 ? PICK(d, none)
	                                               : PICK(d, some));
}

static void draw_languages(struct draw *d)
{
	static const char *const tags[] = {"en",       "en-US",      "en-us",
	                                   "zh-CN",    "zh-Hans-CN", "x-a",
	                                   "i-klingon"};
	static const char *const none[] = {"", "e", "en_US", "123", "en-"};
	bool any = false;
	uint32_t at = draw(d, 7), n = draw(d, 4);
	if (wild(d))
		return;
	say(d, "{");
	for (uint32_t i = 0; i < n; i++) {
		bool odd = d->wild && draw(d, 4 * d->wild) == 0;
		name(d, &any, odd ? PICK(d, none) : tags[(at + i) % 7]);
		if (!wild(d))
			draw_text(d);
	}
	say(d, "}");
}

static void draw_extensions(struct draw *d)
{
	bool any = false;
	char key[40];
	if (wild(d))
		return;
	say(d, "{");
	for (uint32_t i = 0, n = draw(d, 3); i < n; i++) {
		(void)snprintf(key, sizeof key, "http://e.cn/%u", i);
		name(d, &any, key);
		draw_any(d, 0);
	}
	say(d, "}");
}

/* ----------------------------------------------------------- actors */

static void draw_identifier(struct draw *d, bool *any)
{
	static const char *const mail[] = {"mailto:a@b.cn", "mailto:A@B.cn"};
	static const char *const sha[] = {
	        "ebd31e95054c018b10727ccffd2ef2ec3a016ee9",
	        "EBD31E95054C018B10727CCFFD2EF2EC3A016EE9"};
	bool in = false;
	switch (draw(d, 4)) {
	case 0:
		name(d, any, "mbox");
		quoted(d, PICK(d, mail));
		break;
	case 1:
		name(d, any, "mbox_sha1sum");
		quoted(d, PICK(d, sha));
		break;
	case 2:
		name(d, any, "openid");
		draw_iri(d);
		break;
	default:
		name(d, any, "account");
		if (wild(d))
			return;
		say(d, "{");
		name(d, &in, "homePage");
		draw_iri(d);
		name(d, &in, "name");
		draw_text(d);
		say(d, "}");
	}
}

static void draw_agent(struct draw *d, bool typed)
{
	bool any = false;
	if (wild(d))
		return;
	say(d, "{");
	if (typed || draw(d, 2)) {
		name(d, &any, "objectType");
		quoted(d, "Agent");
	}
	if (draw(d, 3) == 0) {
		name(d, &any, "name");
		draw_text(d);
	}
	if (!d->wild || draw(d, 4 * d->wild))
		draw_identifier(d, &any);
	say(d, "}");
}

static void draw_group(struct draw *d)
{
	bool any = false, who = draw(d, 2);
	if (wild(d))
		return;
	say(d, "{");
	name(d, &any, "objectType");
	quoted(d, "Group");
	if (who)
		draw_identifier(d, &any);
	if (!who || draw(d, 2)) {
		name(d, &any, "member");
		say(d, "[");
		for (uint32_t i = 0, n = draw(d, 4) + 1; i < n; i++) {
			say(d, i ? "," : "");
			draw_agent(d, false);
		}
		say(d, "]");
	}
	say(d, "}");
}

static void draw_actor(struct draw *d)
{
	if (draw(d, 4))
		draw_agent(d, false);
	else
		draw_group(d);
}

/* ------------------------------------------------------- activities */

static void draw_components(struct draw *d, bool *any, const char *key)
{
	char id[16];
	name(d, any, key);
	if (wild(d))
		return;
	say(d, "[");
	for (uint32_t i = 0, n = draw(d, 4); i < n; i++) {
		bool in = false;
		say(d, i ? ",{" : "{");
		(void)snprintf(id, sizeof id, "c%u",
		               d->wild && draw(d, 9) == 0 ? 0 : i);
		name(d, &in, "id");
		quoted(d, id);
		if (draw(d, 2)) {
			name(d, &in, "description");
			draw_languages(d);
		}
		say(d, "}");
	}
	say(d, "]");
}

static void draw_interaction(struct draw *d, bool *any)
{
	static const struct {
		const char *type, *list[2];
	} row[] = {{"choice", {"choices", NULL}},
	           {"sequencing", {"choices", NULL}},
	           {"likert", {"scale", NULL}},
	           {"matching", {"source", "target"}},
	           {"performance", {"steps", NULL}},
	           {"fill-in", {NULL, NULL}},
	           {"numeric", {NULL, NULL}}};
	uint32_t i = draw(d, 7), k = i;
	if (d->wild && draw(d, 20) == 0)
		k = draw(d, 7);
	name(d, any, "interactionType");
	quoted(d, row[i].type);
	for (int n = 0; n < 2; n++)
		if (row[k].list[n] && draw(d, 2))
			draw_components(d, any, row[k].list[n]);
	if (draw(d, 2)) {
		name(d, any, "correctResponsesPattern");
		say(d, "[");
		draw_text(d);
		say(d, "]");
	}
}

static void draw_activity(struct draw *d)
{
	bool any = false, in = false;
	if (wild(d))
		return;
	say(d, "{");
	if (draw(d, 2)) {
		name(d, &any, "objectType");
		quoted(d, "Activity");
	}
	name(d, &any, "id");
	draw_iri(d);
	if (draw(d, 2)) {
		name(d, &any, "definition");
		say(d, "{");
		name(d, &in, "name");
		draw_languages(d);
		if (draw(d, 2)) {
			name(d, &in, "type");
			draw_iri(d);
		}
		if (draw(d, 2)) {
			name(d, &in, "extensions");
			draw_extensions(d);
		}
		if (draw(d, 3) == 0)
			draw_interaction(d, &in);
		say(d, "}");
	}
	say(d, "}");
}

static void draw_ref(struct draw *d)
{
	bool any = false;
	if (wild(d))
		return;
	say(d, "{");
	name(d, &any, "objectType");
	quoted(d, "StatementRef");
	name(d, &any, "id");
	draw_uuid(d);
	say(d, "}");
}

/* -------------------------------------------------- result, context */

static void draw_result(struct draw *d)
{
	static const char *const long_[] = {"PT1M", "P1Y2M3DT4H5M6.789S", "P4W",
	                                    "PT0,50S", "PT12.3456S"};
	static const char *const none[] = {"P", "PT", "1M", "P1W1D",
	                                   "PT1.5M1S"};
	static const char *const yes[] = {"true", "false"};
	static const char *const keys[] = {"success", "completion"};
	bool any = false, in = false;
	say(d, "{");
	if (draw(d, 2)) {
		name(d, &any, "score");
		say(d, "{");
		if (draw(d, 2)) {
			name(d, &in, "scaled");
			say(d, draw(d, 2) ? "0.5" : "-1");
		}
		if (draw(d, 2)) {
			name(d, &in, "raw");
			if (!wild(d))
				draw_number(d);
		}
		if (draw(d, 4) == 0) {
			name(d, &in, "max");
			say(d, "1.7976931348623157e308");
		}
		if (draw(d, 4) == 0) {
			name(d, &in, "min");
			say(d, "-1.7976931348623157e308");
		}
		say(d, "}");
	}
	for (int i = 0; i < 2; i++)
		if (draw(d, 2)) {
			name(d, &any, keys[i]);
			if (!wild(d))
				say(d, PICK(d, yes));
		}
	if (draw(d, 2)) {
		name(d, &any, "response");
		if (!wild(d))
			draw_text(d);
	}
	if (draw(d, 2)) {
		name(d, &any, "duration");
		quoted(d, d->wild && draw(d, 2 * d->wild) == 0
		                  ? PICK(d, none)
		                  : PICK(d, long_));
	}
	if (draw(d, 3) == 0) {
		name(d, &any, "extensions");
		draw_extensions(d);
	}
	say(d, "}");
}

static void draw_context_activities(struct draw *d)
{
	static const char *const keys[] = {"parent", "grouping", "category",
	                                   "other"};
	bool any = false;
	say(d, "{");
	for (int i = 0; i < 4; i++) {
		if (draw(d, 2))
			continue;
		name(d, &any, keys[i]);
		if (draw(d, 2)) {
			draw_activity(d);
			continue;
		}
		say(d, "[");
		for (uint32_t k = 0, n = draw(d, 3); k < n; k++) {
			say(d, k ? "," : "");
			draw_activity(d);
		}
		say(d, "]");
	}
	say(d, "}");
}

static void draw_context_actors(struct draw *d, bool *any, bool group)
{
	bool in = false;
	name(d, any, group ? "contextGroups" : "contextAgents");
	say(d, "[{");
	if (draw(d, 2)) {
		name(d, &in, "objectType");
		quoted(d, group ? "contextGroup" : "contextAgent");
	}
	name(d, &in, group ? "group" : "agent");
	if (group)
		draw_group(d);
	else
		draw_agent(d, false);
	if (draw(d, 2)) {
		name(d, &in, "relevantTypes");
		say(d, "[");
		draw_iri(d);
		say(d, "]");
	}
	say(d, "}]");
}

/* activity: the object is one */
static void draw_context(struct draw *d, bool activity)
{
	bool any = false;
	say(d, "{");
	if (draw(d, 2)) {
		name(d, &any, "registration");
		draw_uuid(d);
	}
	if (draw(d, 3) == 0) {
		name(d, &any, "instructor");
		draw_actor(d);
	}
	if (draw(d, 4) == 0) {
		name(d, &any, "team");
		draw_group(d);
	}
	if (draw(d, 2)) {
		name(d, &any, "contextActivities");
		draw_context_activities(d);
	}
	if (d->modern && draw(d, 3) == 0)
		draw_context_actors(d, &any, false);
	if (d->modern && draw(d, 3) == 0)
		draw_context_actors(d, &any, true);
	if (activity && draw(d, 3) == 0) {
		name(d, &any, "platform");
		draw_text(d);
	}
	if (draw(d, 2)) {
		name(d, &any, "language");
		quoted(d, draw(d, 2) ? "zh-CN" : "ZH-cn");
	}
	if (draw(d, 4) == 0) {
		name(d, &any, "statement");
		draw_ref(d);
	}
	if (draw(d, 3) == 0) {
		name(d, &any, "extensions");
		draw_extensions(d);
	}
	say(d, "}");
}

static void draw_attachments(struct draw *d)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	say(d, "[");
	for (uint32_t i = 0, n = draw(d, 3); i < n; i++) {
		char sha[65] = "", length[16];
		bool any = false;
		say(d, i ? ",{" : "{");
		name(d, &any, "usageType");
		draw_iri(d);
		name(d, &any, "display");
		draw_languages(d);
		if (draw(d, 2)) {
			name(d, &any, "description");
			draw_languages(d);
		}
		name(d, &any, "contentType");
		quoted(d,
		       draw(d, 2) ? "text/plain" : "text/plain; charset=utf-8");
		name(d, &any, "length");
		(void)snprintf(length, sizeof length, "%u%s", draw(d, 100000),
		               draw(d, 3) ? "" : ".0");
		say(d, length);
		for (int k = 0; k < 64; k++)
			sha[k] = hex[draw(d, 22)];
		name(d, &any, "sha2");
		quoted(d, sha);
		/* the bytes may lie elsewhere */
		name(d, &any, "fileUrl");
		draw_iri(d);
		say(d, "}");
	}
	say(d, "]");
}

/* ------------------------------------------------------- statements */

/* What a statement has, beside id and the like. sub: within another. */
static void draw_done(struct draw *d, bool *any, bool sub)
{
	static const char voided[] = "http://adlnet.gov/expapi/verbs/voided";
	uint32_t kind = draw(d, sub ? 6 : 8);
	bool voids = !sub && draw(d, 20) == 0, in = false;
	name(d, any, "actor");
	draw_actor(d);
	name(d, any, "verb");
	say(d, "{");
	name(d, &in, "id");
	if (voids)
		quoted(d, voided);
	else
		draw_iri(d);
	if (draw(d, 2)) {
		name(d, &in, "display");
		draw_languages(d);
	}
	say(d, "}");
	name(d, any, "object");
	if (voids || kind == 3) {
		draw_ref(d);
	} else if (kind < 3) {
		draw_activity(d);
	} else if (kind == 4) {
		draw_agent(d, true);
	} else if (kind == 5) {
		draw_group(d);
	} else {
		bool within = false;
		say(d, "{");
		name(d, &within, "objectType");
		quoted(d, "SubStatement");
		draw_done(d, &within, true);
		say(d, "}");
	}
	if (draw(d, 2)) {
		name(d, any, "result");
		draw_result(d);
	}
	if (draw(d, 2)) {
		name(d, any, "context");
		draw_context(d, kind < 3 && !voids);
	}
	if (d->own_times || draw(d, 2)) {
		name(d, any, "timestamp");
		draw_time(d);
	}
	if (draw(d, 6) == 0) {
		name(d, any, "attachments");
		draw_attachments(d);
	}
}

/* One statement into d->o, which is emptied before. */
static void draw_statement(struct draw *d)
{
	bool any = false;
	d->o.n = 0;
	draw_space(d);
	say(d, "{");
	if (draw(d, 2)) {
		name(d, &any, "id");
		draw_uuid(d);
	}
	if (draw(d, 8) == 0) {
		name(d, &any, "stored");
		draw_time(d);
	}
	draw_done(d, &any, false);
	if (draw(d, 8) == 0) {
		name(d, &any, "authority");
		draw_agent(d, false);
	}
	if (draw(d, 4) == 0) {
		name(d, &any, "version");
		quoted(d, d->modern && draw(d, 2) ? "2.0.0" : "1.0.3");
	}
	draw_space(d);
	say(d, "}");
}

/* Some bytes of what was drawn are others. */
static void draw_damage(struct draw *d)
{
	static const char bytes[] =
	        "\"{}[],:0123456789eE+-.\\/untrfalse \xc3\xa9";
	for (uint32_t n = draw(d, 3) + 1; n > 0 && d->o.n > 1; n--) {
		size_t at = draw(d, (uint32_t)d->o.n);
		char c = bytes[draw(d, sizeof bytes - 1)];
		size_t len = 1 + draw(d, 4);
		switch (draw(d, 3)) {
		case 0:
			d->o.p[at] = (uint8_t)c;
			break;
		case 1: /* without some */
			len = len > d->o.n - at ? d->o.n - at : len;
			memmove(d->o.p + at, d->o.p + at + len,
			        d->o.n - at - len);
			d->o.n -= len;
			break;
		default: /* with one more */
			gt_buffer_add(&d->o, "", 1);
			memmove(d->o.p + at + 1, d->o.p + at, d->o.n - at - 1);
			d->o.p[at] = (uint8_t)c;
		}
	}
}

#endif
