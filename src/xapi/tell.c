#include "tell.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

enum { RANGES = 16, RANGE_CHARS = 40 };

struct teller {
	struct gt_buffer o;
	bool ids; /* else one language of each */
	/* what is asked for, the best first */
	struct {
		char text[RANGE_CHARS];
		unsigned weight; /* in thousandths */
	} range[RANGES];
	size_t n;
};

/* Where in a statement a value lies. What is not on the way to an actor, a verb
 * or an activity is told as it stands. */
enum place {
	ELSEWHERE,
	STATEMENT, /* or a SubStatement */
	OBJECT,    /* of either: what it is, its objectType says */
	VERB,
	ACTIVITY,
	ACTOR,
	OBJECT_ACTOR, /* where it is an object, and must say so */
	CONTEXT,
	ACTIVITIES,
	PARTAKER, /* of contextAgents, contextGroups */
	DEFINITION,
	COMPONENT, /* of an interaction */
	LANGUAGES,
};

static enum place within(enum place outer, const char *name)
{
	static const struct {
		enum place outer, inner;
		const char *name;
	} row[] = {
	        {STATEMENT, ACTOR, "actor"},
	        {STATEMENT, VERB, "verb"},
	        {STATEMENT, OBJECT, "object"},
	        {STATEMENT, CONTEXT, "context"},
	        {STATEMENT, ACTOR, "authority"},
	        {VERB, LANGUAGES, "display"},
	        {ACTIVITY, DEFINITION, "definition"},
	        {DEFINITION, LANGUAGES, "name"},
	        {DEFINITION, LANGUAGES, "description"},
	        {DEFINITION, COMPONENT, "choices"},
	        {DEFINITION, COMPONENT, "scale"},
	        {DEFINITION, COMPONENT, "source"},
	        {DEFINITION, COMPONENT, "target"},
	        {DEFINITION, COMPONENT, "steps"},
	        {COMPONENT, LANGUAGES, "description"},
	        {ACTOR, ACTOR, "member"},
	        {OBJECT_ACTOR, ACTOR, "member"},
	        {CONTEXT, ACTOR, "instructor"},
	        {CONTEXT, ACTOR, "team"},
	        {CONTEXT, ACTIVITIES, "contextActivities"},
	        {CONTEXT, PARTAKER, "contextAgents"},
	        {CONTEXT, PARTAKER, "contextGroups"},
	        {PARTAKER, ACTOR, "agent"},
	        {PARTAKER, ACTOR, "group"},
	        {ACTIVITIES, ACTIVITY, "parent"},
	        {ACTIVITIES, ACTIVITY, "grouping"},
	        {ACTIVITIES, ACTIVITY, "category"},
	        {ACTIVITIES, ACTIVITY, "other"},
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (row[i].outer == outer && strcmp(row[i].name, name) == 0)
			return row[i].inner;
	return ELSEWHERE;
}

/* ---------------------------------------------------------- reading */

enum { NAME_CHARS = 32 };

/* The character an escape stands for, as far as names of properties have such;
 * '\0': none of them. *n is how long it is. */
static char unescape(const uint8_t *p, size_t left, size_t *n)
{
	char hex[5] = "";
	uint8_t code[2];
	*n = 2;
	if (left < 2 || p[1] != 'u')
		return left >= 2 && strchr("\"\\/", p[1]) ? (char)p[1] : '\0';
	*n = 6;
	if (left < 6)
		return '\0';
	memcpy(hex, p + 2, 4);
	return gt_unhex(code, 2, hex) && code[0] == 0 && code[1] < 0x7f
	               ? (char)code[1]
	               : '\0';
}

/* A string's text, perhaps spelt with escapes; "" of what no property is called,
 * and no language. */
static void read_text(char out[NAME_CHARS], struct gt_bytes quoted)
{
	size_t k = 0, n = 1;
	out[0] = '\0';
	if (quoted.n < 2 || quoted.p[0] != '"')
		return;
	for (size_t i = 1; i + 1 < quoted.n; i += n) {
		char c = (char)quoted.p[i];
		n = 1;
		if (c == '\\')
			c = unescape(quoted.p + i, quoted.n - 1 - i, &n);
		if (c == '\0' || k + 1 == NAME_CHARS) {
			out[0] = '\0';
			return;
		}
		out[k++] = c;
		out[k] = '\0';
	}
}

/* An object's member of that name. False: it has none. */
static bool member(struct gt_bytes object, const char *want,
                   struct gt_bytes *value)
{
	struct gt_json_iter it;
	struct gt_bytes key;
	char name[NAME_CHARS];
	if (gt_json_open(&it, object) != '{')
		return false;
	while (gt_json_next(&it, &key, value) == 1) {
		read_text(name, key);
		if (strcmp(name, want) == 0)
			return true;
	}
	return false;
}

static bool is_kind(struct gt_bytes object, const char *kind)
{
	struct gt_bytes value;
	char text[NAME_CHARS];
	if (!member(object, "objectType", &value))
		return false;
	read_text(text, value);
	return strcmp(text, kind) == 0;
}

static enum place kind_of(struct gt_bytes object)
{
	if (is_kind(object, "Agent") || is_kind(object, "Group"))
		return OBJECT_ACTOR;
	if (is_kind(object, "SubStatement"))
		return STATEMENT;
	return is_kind(object, "StatementRef") ? ELSEWHERE : ACTIVITY;
}

static bool is_identifier(const char *name)
{
	static const char *const names[] = {"mbox", "mbox_sha1sum", "openid",
	                                    "account"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool identified(struct gt_bytes actor)
{
	struct gt_bytes value;
	return member(actor, "mbox", &value) ||
	       member(actor, "mbox_sha1sum", &value) ||
	       member(actor, "openid", &value) ||
	       member(actor, "account", &value);
}

/* Is a property part of what identifies the object it is of? */
static bool identifies(enum place place, struct gt_bytes object,
                       const char *name)
{
	bool actor = place == ACTOR || place == OBJECT_ACTOR;
	if (place == VERB || place == ACTIVITY)
		return strcmp(name, "id") == 0;
	if (!actor)
		return true;
	if (strcmp(name, "objectType") == 0)
		return place == OBJECT_ACTOR || is_kind(object, "Group");
	if (strcmp(name, "member") == 0)
		return !identified(object);
	return is_identifier(name);
}

/* -------------------------------------------------------- languages */

/* How well a language fits a range: 0: not at all. */
static unsigned fits(const char *range, const char *language)
{
	size_t n = strlen(range), k = strlen(language);
	if (gt_alike(range, language, SIZE_MAX))
		return 3;
	if (n < k && language[n] == '-' && gt_alike(range, language, n))
		return 2;
	/* asked for more closely than the map tells it apart */
	if (k < n && range[k] == '-' && gt_alike(range, language, k))
		return 1;
	return 0;
}

/* One language of a map, the first if none is asked for. False: no JSON. */
static bool put_language(struct teller *t, struct gt_json_iter *it)
{
	struct gt_bytes key, value, best_key = {0}, best = {0};
	unsigned best_score = 0;
	char language[NAME_CHARS];
	int more;
	while ((more = gt_json_next(it, &key, &value)) == 1) {
		unsigned score = 1;
		read_text(language, key);
		for (size_t i = 0; *language && i < t->n; i++) {
			unsigned fit =
			        strcmp(t->range[i].text, "*") == 0
			                ? 1
			                : fits(t->range[i].text, language);
			if (fit > 0 && score == 1)
				score = 2 + (unsigned)(RANGES - i) * 4 + fit;
		}
		if (score > best_score) {
			best_score = score;
			best_key = key;
			best = value;
		}
	}
	gt_buffer_str(&t->o, "{");
	if (best_score > 0) {
		gt_buffer_add(&t->o, best_key.p, best_key.n);
		gt_buffer_str(&t->o, ":");
		gt_buffer_add(&t->o, best.p, best.n);
	}
	gt_buffer_str(&t->o, "}");
	return more == 0;
}

/* "0.8" in thousandths; 1 where it is none. */
static unsigned weight_of(const char *p, size_t n)
{
	unsigned w = 0, unit = 100;
	if (n == 0 || *p != '0')
		return 1000;
	for (size_t i = 2; i < n && unit > 0; i++, unit /= 10)
		if (p[i] >= '0' && p[i] <= '9')
			w += (unsigned)(p[i] - '0') * unit;
	return w;
}

/* The best first; of equals in the order they are named. */
static void add_range(struct teller *t, const char *p, size_t n)
{
	size_t k = strcspn(p, "; \t,");
	unsigned weight = 1000;
	k = k < n ? k : n;
	for (size_t i = k; i + 1 < n; i++)
		if (p[i] == 'q' && p[i + 1] == '=')
			weight = weight_of(p + i + 2, n - i - 2);
	if (k == 0 || k >= RANGE_CHARS || weight == 0 || t->n == RANGES)
		return;
	size_t at = t->n++;
	for (; at > 0 && t->range[at - 1].weight < weight; at--)
		t->range[at] = t->range[at - 1];
	gt_format(t->range[at].text, RANGE_CHARS, "%.*s", (int)k, p);
	t->range[at].weight = weight;
}

static void read_ranges(struct teller *t, const char *p)
{
	while (*p) {
		p += strspn(p, ", \t");
		size_t n = strcspn(p, ",");
		add_range(t, p, n);
		p += n;
	}
}

/* ---------------------------------------------------------- telling */

static bool put(struct teller *t, enum place place, struct gt_bytes value);

static bool put_list(struct teller *t, enum place place,
                     struct gt_json_iter *it)
{
	struct gt_bytes key, value;
	bool any = false;
	int more;
	gt_buffer_str(&t->o, "[");
	while ((more = gt_json_next(it, &key, &value)) == 1) {
		gt_buffer_str(&t->o, any ? "," : "");
		any = true;
		if (!put(t, place, value))
			return false;
	}
	gt_buffer_str(&t->o, "]");
	return more == 0;
}

static bool put_members(struct teller *t, enum place place,
                        struct gt_bytes object, struct gt_json_iter *it)
{
	struct gt_bytes key, value;
	char name[NAME_CHARS];
	bool any = false;
	int more;
	gt_buffer_str(&t->o, "{");
	while ((more = gt_json_next(it, &key, &value)) == 1) {
		read_text(name, key);
		if (t->ids && !identifies(place, object, name))
			continue;
		gt_buffer_str(&t->o, any ? "," : "");
		any = true;
		gt_buffer_add(&t->o, key.p, key.n);
		gt_buffer_str(&t->o, ":");
		if (!put(t, within(place, name), value))
			return false;
	}
	gt_buffer_str(&t->o, "}");
	return more == 0;
}

static bool put(struct teller *t, enum place place, struct gt_bytes value)
{
	struct gt_json_iter it;
	char open = place == ELSEWHERE ? '\0' : gt_json_open(&it, value);
	if (open == '[')
		return put_list(t, place, &it);
	if (open == '{' && place == OBJECT)
		place = kind_of(value);
	if (open == '{' && place == LANGUAGES)
		return put_language(t, &it);
	if (open == '{' && place != ELSEWHERE)
		return put_members(t, place, value, &it);
	gt_buffer_add(&t->o, value.p, value.n);
	return true;
}

char *gt_tell(struct gt_bytes statement, enum gt_telling how,
              const char *languages)
{
	struct gt_json_iter it;
	struct teller t = {.ids = how == GT_TELL_IDS};
	if (gt_json_open(&it, statement) != '{')
		return NULL;
	if (languages)
		read_ranges(&t, languages);
	bool fine = how == GT_TELL_EXACT
	                    ? gt_buffer_add(&t.o, statement.p, statement.n)
	                    : put_members(&t, STATEMENT, statement, &it);
	if (!fine)
		gt_buffer_free(&t.o);
	return fine ? gt_buffer_text(&t.o, NULL) : NULL;
}
