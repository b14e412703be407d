/* f_query.c: the arguments of a request, and statements asked for.
 *
 * The first byte says which request it is, up to the line's end stand its
 * arguments, "name=value&..." as they are once decoded; behind it a statement.
 * What fits must seem to at a glance; what is told in a format must be JSON that
 * tells the same in it again, and fit nothing that the whole does not. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "query.h"
#include "tell.h"
#include "xapi.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void is_text(const char *text)
{
	for (; *text; text++)
		assert(*text > ' ' && *text < 0x7f);
}

static bool take_all(struct gt_query_args *q, char *text)
{
	struct gt_query_flaw flaw;
	char *save = NULL;
	bool fine = true;
	for (char *p = strtok_r(text, "&", &save); fine && p;
	     p = strtok_r(NULL, "&", &save)) {
		char *value = strchr(p, '=');
		if (value)
			*value++ = '\0';
		fine = gt_query_take(q, p, value ? value : "", &flaw);
	}
	fine = fine && gt_query_end(q, &flaw);
	if (fine)
		return true;
	is_text(flaw.name);
	json_t *v = json_string(flaw.what);
	assert(v); /* UTF-8 */
	json_decref(v);
	assert((flaw.wrong == GT_WRONG_CASE ||
	        flaw.wrong == GT_WRONG_TOGETHER) == (flaw.other != NULL));
	return false;
}

static bool is_statement(struct gt_bytes text)
{
	char why[200];
	struct gt_json_fault fault;
	const struct gt_json_node *v;
	struct gt_arena *arena = gt_arena_new();
	bool is =
	        arena && gt_json_tree(&v, arena, text, &fault) == 0 &&
	        gt_xapi_check(v, GT_XAPI_ANY, arena, "", why, sizeof why) == 0;
	gt_arena_free(arena);
	return is;
}

static void told(const struct gt_filter *f, struct gt_bytes text,
                 enum gt_telling how, bool fits)
{
	char *once = gt_tell(text, how, "zh-CN, en;q=0.5");
	assert(once); /* what jansson has read */
	char *twice = gt_tell(gt_bytes_str(once), how, "zh-CN, en;q=0.5");
	assert(twice && strcmp(once, twice) == 0);
	json_t *v = gt_json_load(gt_bytes_str(once), GT_JSON_STRICT, NULL);
	assert(v);
	assert(is_statement(gt_bytes_str(once)));
	assert(fits || !gt_query_matches(f, v, NULL));
	json_decref(v);
	free(once);
	free(twice);
}

static void ask(const struct gt_filter *f, struct gt_bytes text)
{
	uint8_t id[GT_UUID_BYTES];
	json_t *v = gt_json_load(text, GT_JSON_STRICT, NULL);
	free(gt_tell(text, GT_TELL_IDS, NULL));
	free(gt_tell(text, GT_TELL_CANONICAL, (const char *)text.p));
	if (v && is_statement(text)) {
		bool fits = gt_query_matches(f, v, NULL);
		assert(!fits || gt_query_may_match(f, text, ""));
		if (gt_query_target(v, id))
			assert(gt_query_may_match(f, text, ""));
		told(f, text, GT_TELL_IDS, fits);
		told(f, text, GT_TELL_CANONICAL, fits);
	}
	json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct gt_query_args q;
	char *text = malloc(n + 1);
	if (!text)
		return 0;
	if (n > 0)
		memcpy(text, p, n);
	text[n] = '\0';
	char *line = n > 0 ? memchr(text, '\n', n) : NULL;
	size_t head = line ? (size_t)(line - text) : n;
	text[head] = '\0';
	gt_query_begin(&q, n > 0 ? (enum gt_query_kind)(p[0] % GT_QUERY_KINDS)
	                         : GT_QUERY_STATEMENTS);
	if (take_all(&q, n > 0 ? text + 1 : text) && line)
		ask(&q.filter, gt_bytes_of(line + 1, n - head - 1));
	gt_query_free(&q);
	free(text);
	return 0;
}
