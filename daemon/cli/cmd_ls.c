/* guantong ls, show, explain: what is here, and why.
 * Tests: e2e/test_house.py. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "code.h"
#include "measure.h"
#include "resource.h"
#include "say.h"
#include "term.h"
#include "word.h"

enum { PATH = 4096, PAGE = 1000 };

const struct gt_option gt_cmd_ls_options[] = {
        {"type", "TYPE", GT_T_CLI_O_TYPE, 0},
        {"verdict", "VERDICT", GT_T_CLI_O_VERDICT, 0},
        {"state", "STATE", GT_T_CLI_O_STATE, 0},
        {"audience", "AUDIENCE", GT_T_CLI_O_AUDIENCE, 0},
        {"subject", "SUBJECT", GT_T_CLI_O_SUBJECT, 0},
        {"search", "TEXT", GT_T_CLI_O_SEARCH, 's'},
        {"limit", "N", GT_T_CLI_O_LIMIT, 'n'},
        {NULL, NULL, 0, 0},
};
const struct gt_option gt_cmd_explain_options[] = {
        {"for", "CODE", GT_T_CLI_O_FOR, 0},
        {NULL, NULL, 0, 0},
};

/* Options and what the query calls them. */
static const char *const asked[][2] = {
        {"type", "type"},         {"verdict", "verdict"}, {"state", "state"},
        {"audience", "audience"}, {"subject", "subject"}, {"search", "q"},
};

static bool query(const struct gt_args *args, uint64_t limit, const char *after,
                  char path[PATH])
{
	gt_format(path, PATH, "/api/resources?limit=%u",
	          (unsigned)(limit < PAGE ? limit : PAGE));
	bool ok = true;
	for (size_t i = 0; ok && i < sizeof asked / sizeof *asked; i++) {
		const char *v = gt_args_get(args, asked[i][0]);
		size_t n = strlen(path);
		if (!v)
			continue;
		gt_format(path + n, PATH - n, "&%s=", asked[i][1]);
		ok = gt_client_escape(path, PATH, v, false);
	}
	size_t n = strlen(path);
	if (ok && after && n + 8 < PATH) {
		gt_format(path + n, PATH - n, "&after=");
		ok = gt_client_escape(path, PATH, after, false);
	}
	return ok;
}

/* All pages up to limit as one array. */
static enum gt_exit collect(struct gt_cli *cli, const struct gt_args *args,
                            uint64_t limit, json_t *all)
{
	enum gt_exit code;
	char after[GT_RID_MAX + 1] = "", path[PATH];
	struct gt_client *client = gt_cli_open(cli, &code);
	bool more = client != NULL;
	while (more && json_array_size(all) < limit) {
		json_t *page;
		if (!query(args, limit - json_array_size(all),
		           *after ? after : NULL, path)) {
			code = gt_cli_fail(cli, -GT_ELIMIT,
			                   gt_text(GT_T_CLI_TOO_LONG));
			break;
		}
		int status = gt_client_get(client, path, 0, &page);
		if (status) {
			code = gt_cli_refused(cli, status, client);
			break;
		}
		more = gt_copy(after, sizeof after,
		               gt_json_member(page, "next")) &&
		       *after;
		if (json_array_extend(all, json_object_get(page, "resources")))
			more = false;
		json_decref(page);
	}
	gt_client_close(client);
	return code;
}

static bool add_row(const struct gt_cli *cli, struct gt_table *t, json_t *r)
{
	char size[GT_MEASURE_SIZE] = "";
	uint64_t bytes = gt_client_number(r, "size");
	if (bytes)
		gt_measure_size(size, bytes);
	const char *cells[] = {gt_json_member(r, "id"),
	                       gt_word(gt_json_member(r, "type")),
	                       gt_word(gt_json_member(r, "verdict")),
	                       gt_word(gt_json_member(r, "state")),
	                       size,
	                       gt_cli_title(cli, r)};
	return gt_table_row(t, cells);
}

/* What becomes of one that is damaged. */
static void repair_text(struct gt_cli *cli, json_t *r, char *out, size_t cap)
{
	const char *how = gt_json_member(r, "repair");
	enum gt_exit code;
	struct gt_config *config = gt_cli_config(cli, &code);
	const char *parent = config ? config->parent : "";
	if (strcmp(how, "publish") == 0)
		gt_say_into(out, cap, GT_T_CLI_REPAIR_PUBLISH,
		            gt_json_member(r, "id"));
	else if (strcmp(how, "asked") == 0)
		gt_say_into(out, cap, GT_T_CLI_REPAIR_ASKED, parent,
		            gt_json_member(r, "id"));
	else if (*how)
		gt_say_into(out, cap, GT_T_CLI_REPAIR_PARENT, parent);
	else
		gt_copy(out, cap, "");
	free(config);
}

/* What keeps it from coming; "": nothing. */
static void stuck_text(json_t *r, char *out, size_t cap)
{
	const json_t *v = json_object_get(r, "stuck");
	char text[GT_CLI_SENTENCE], at[GT_LOCAL_TIME];
	const char *since = gt_local_iso(at, gt_json_member(v, "since"));
	const char *detail = gt_json_member(v, "detail");
	if (!json_is_object(v))
		gt_copy(out, cap, "");
	else if (strcmp(gt_json_member(v, "why"), "above") == 0)
		gt_say_into(out, cap, GT_T_CLI_STUCK_ABOVE, detail, since);
	else
		gt_say_into(out, cap, GT_T_CLI_STUCK_FILE, since,
		            gt_cli_sentence(text, detail));
}

/* A line under the list for each that does not come. */
static void print_stuck(struct gt_cli *cli, json_t *all)
{
	size_t i;
	json_t *r;
	json_array_foreach(all, i, r)
	{
		char text[GT_RID_MAX + 600];
		stuck_text(r, text, sizeof text);
		if (*text)
			gt_say(cli->out, GT_T_CLI_LS_STUCK,
			       gt_json_member(r, "id"), text);
	}
}

/* A line under the list for each that is damaged. */
static void print_damaged(struct gt_cli *cli, json_t *all)
{
	size_t i;
	json_t *r;
	json_array_foreach(all, i, r)
	{
		char text[GT_RID_MAX + 400];
		repair_text(cli, r, text, sizeof text);
		if (*text)
			gt_say(cli->out, GT_T_CLI_LS_DAMAGED,
			       gt_json_member(r, "id"), text);
	}
}

static bool print_list(struct gt_cli *cli, json_t *all)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_ID),      gt_text(GT_T_CLI_C_TYPE),
	        gt_text(GT_T_CLI_C_VERDICT), gt_text(GT_T_CLI_C_STATE),
	        gt_text(GT_T_CLI_C_SIZE),    gt_text(GT_T_CLI_C_TITLE)};
	struct gt_table *t = gt_table_new("llllr*", heads);
	bool ok = t != NULL;
	size_t i;
	json_t *r;
	json_array_foreach(all, i, r) ok = ok && add_row(cli, t, r);
	if (ok && i == 0)
		gt_say(cli->out, GT_T_CLI_LS_NONE);
	else if (ok)
		gt_table_print(t, cli->out, gt_term_columns(cli->out));
	gt_table_free(t);
	if (ok) {
		print_damaged(cli, all);
		print_stuck(cli, all);
	}
	return ok;
}

enum gt_exit gt_cmd_ls(struct gt_cli *cli, const struct gt_args *args)
{
	static const char *const verdicts[] = {"deny", "metadata", "on-demand",
	                                       "mirror", NULL};
	static const char *const states[] = {"excluded", "listed",    "wanted",
	                                     "partial",  "complete",  "damaged",
	                                     "refused",  "withdrawn", NULL};
	uint64_t limit = UINT64_MAX;
	if (!gt_cli_number(cli, args, "limit", 1, UINT32_MAX, &limit) ||
	    !gt_cli_choice(cli, args, "verdict", verdicts,
	                   GT_T_CLI_O_VERDICT) ||
	    !gt_cli_choice(cli, args, "state", states, GT_T_CLI_O_STATE) ||
	    !gt_cli_words(cli, args, "type", gt_word_types) ||
	    !gt_cli_words(cli, args, "audience", gt_word_audiences) ||
	    !gt_cli_words(cli, args, "subject", gt_word_subjects))
		return GT_EXIT_USAGE;
	json_t *all = json_array();
	json_t *whole = json_pack("{s:O}", "resources", all);
	enum gt_exit code =
	        whole ? collect(cli, args, limit, all) : gt_cli_no_memory(cli);
	if (!code &&
	    !(cli->json ? gt_cli_json(cli, whole) : print_list(cli, all)))
		code = gt_cli_no_memory(cli);
	json_decref(whole);
	json_decref(all);
	return code;
}

/* ------------------------------------------------------------- show */

static void line(struct gt_cli *cli, enum gt_text label, const char *value)
{
	char clean[GT_TEXT_MAX + 256];
	if (!value || !*value)
		return;
	gt_term_clean(clean, sizeof clean, value, SIZE_MAX);
	const char *head = gt_text(label);
	size_t w = gt_term_width(head);
	(void)fprintf(cli->out, "%s%*s %s\n", head, w < 14 ? (int)(14 - w) : 0,
	              "", clean);
}

static void lines_of(struct gt_cli *cli, enum gt_text label, json_t *by_lang)
{
	const char *lang;
	json_t *v;
	json_object_foreach(by_lang, lang, v)
	{
		char text[GT_TEXT_MAX / 2];
		gt_format(text, sizeof text, "%s  [%s]", gt_json_string(v),
		          lang);
		line(cli, label, text);
	}
}

/* words: of programs (word.h), not as people gave them. */
static void joined(struct gt_cli *cli, enum gt_text label, json_t *list,
                   bool words)
{
	char text[GT_TEXT_MAX / 2] = "";
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
	{
		size_t n = strlen(text);
		gt_format(text + n, sizeof text - n, "%s%s",
		          i ? gt_text(GT_T_CLI_BETWEEN) : "",
		          words ? gt_word(gt_json_string(v))
		                : gt_json_string(v));
	}
	line(cli, label, text);
}

static void print_state(struct gt_cli *cli, json_t *r)
{
	char text[GT_RID_MAX + 600], size[GT_MEASURE_SIZE],
	        plain[GT_MEASURE_SIZE];
	uint64_t frames = gt_client_number(r, "frames");
	uint64_t present = gt_client_number(r, "present");
	const char *layer = gt_json_member(r, "layer");
	const char *rule = gt_json_member(r, "rule");
	const char *verdict = gt_word(gt_json_member(r, "verdict"));
	const char *state = gt_word(gt_json_member(r, "state"));
	if (*layer)
		gt_format(text, sizeof text, "%s  (%s: %s)", verdict, layer,
		          *rule ? rule : gt_text(GT_T_CLI_W_FALLBACK));
	else
		gt_format(text, sizeof text, "%s", verdict);
	line(cli, GT_T_CLI_L_VERDICT, text);
	if (frames && present < frames)
		gt_format(text, sizeof text, "%s  %u / %u", state,
		          (unsigned)present, (unsigned)frames);
	else
		gt_format(text, sizeof text, "%s", state);
	line(cli, GT_T_CLI_L_STATE, text);
	repair_text(cli, r, text, sizeof text);
	line(cli, GT_T_CLI_L_REPAIR, text);
	stuck_text(r, text, sizeof text);
	line(cli, GT_T_CLI_L_STUCK, text);
	if (!gt_client_number(r, "size"))
		return;
	gt_measure_size(size, gt_client_number(r, "size"));
	gt_measure_size(plain, gt_client_number(r, "plain_size"));
	gt_say_into(text, sizeof text, GT_T_CLI_SHOW_SIZE,
	            (unsigned long long)gt_client_number(r, "members"), size,
	            plain);
	line(cli, GT_T_CLI_L_SIZE, text);
	line(cli, GT_T_CLI_L_OBJECT, gt_json_member(r, "object"));
}

static void print_resource(struct gt_cli *cli, json_t *r)
{
	char text[64], at[GT_LOCAL_TIME];
	line(cli, GT_T_CLI_L_ID, gt_json_member(r, "id"));
	lines_of(cli, GT_T_CLI_L_TITLE, json_object_get(r, "title"));
	lines_of(cli, GT_T_CLI_L_DESCRIPTION,
	         json_object_get(r, "description"));
	line(cli, GT_T_CLI_L_TYPE, gt_word(gt_json_member(r, "type")));
	line(cli, GT_T_CLI_L_PUBLISHER, gt_json_member(r, "publisher"));
	gt_format(text, sizeof text, "%llu",
	          (unsigned long long)gt_client_number(r, "version"));
	line(cli, GT_T_CLI_L_VERSION, text);
	joined(cli, GT_T_CLI_L_AUDIENCES, json_object_get(r, "audiences"),
	       true);
	joined(cli, GT_T_CLI_L_SUBJECTS, json_object_get(r, "subjects"), true);
	joined(cli, GT_T_CLI_L_LANGUAGES, json_object_get(r, "languages"),
	       false);
	joined(cli, GT_T_CLI_L_REGIONS, json_object_get(r, "regions"), false);
	joined(cli, GT_T_CLI_L_KEYWORDS, json_object_get(r, "keywords"), false);
	line(cli, GT_T_CLI_L_LICENCE, gt_json_member(r, "licence"));
	line(cli, GT_T_CLI_L_CREATED,
	     gt_local_iso(at, gt_json_member(r, "created")));
	line(cli, GT_T_CLI_L_MODIFIED,
	     gt_local_iso(at, gt_json_member(r, "modified")));
	print_state(cli, r);
}

/* What of a resource is printed so far; its files come one by one. */
struct showing {
	struct gt_cli *cli;
	json_t *resource; /* all but the files */
	struct gt_table *files;
	size_t n; /* of them, that are not printed */
	bool begun;
};

static bool show_file(void *arg, const json_t *file)
{
	struct showing *s = arg;
	char size[GT_MEASURE_SIZE];
	json_int_t n = json_integer_value(json_object_get(file, "size"));
	gt_measure_size(size, (uint64_t)n);
	const char *cells[] = {size, gt_json_member(file, "media_type"),
	                       gt_json_member(file, "path")};
	if (!s->begun) {
		print_resource(s->cli, s->resource);
		(void)fputc('\n', s->cli->out);
	}
	s->begun = true;
	if (!gt_table_row(s->files, cells))
		return false;
	if (++s->n < PAGE)
		return true;
	s->n = 0;
	gt_table_print(s->files, s->cli->out, gt_term_columns(s->cli->out));
	return true;
}

static enum gt_exit show(struct gt_cli *cli, struct gt_client *client,
                         const char *rid)
{
	const char *heads[] = {gt_text(GT_T_CLI_C_SIZE),
	                       gt_text(GT_T_CLI_C_MEDIA),
	                       gt_text(GT_T_CLI_C_PATH)};
	struct showing s = {.cli = cli, .files = gt_table_new("rl*", heads)};
	enum gt_exit code = GT_EXIT_OK;
	if (!s.files)
		return gt_cli_no_memory(cli);
	int status = gt_resource_ask(client, rid, show_file, &s, &s.resource);
	if (status)
		code = gt_cli_refused(cli, status, client);
	else if (!s.begun)
		print_resource(cli, s.resource);
	else if (s.n > 0)
		gt_table_print(s.files, cli->out, gt_term_columns(cli->out));
	gt_table_free(s.files);
	json_decref(s.resource);
	return code;
}

enum gt_exit gt_cmd_show(struct gt_cli *cli, const struct gt_args *args)
{
	char rid[GT_RID_MAX + 1];
	enum gt_exit code;
	if (!gt_cli_rid(cli, gt_args_word(args, 0), rid, &code))
		return code;
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	code = cli->json ? gt_resource_json(cli, client, rid)
	                 : show(cli, client, rid);
	gt_client_close(client);
	return code;
}

/* ---------------------------------------------------------- explain */

static void print_layers(struct gt_cli *cli, json_t *layers)
{
	size_t i;
	json_t *l;
	json_array_foreach(layers, i, l)
	{
		char rule[256];
		const char *name = gt_json_member(l, "rule");
		gt_term_clean(rule, sizeof rule,
		              *name ? name : gt_text(GT_T_CLI_W_FALLBACK), 64);
		gt_say(cli->out, GT_T_CLI_EXPLAIN_LAYER,
		       gt_json_member(l, "layer"),
		       (unsigned long long)gt_client_number(l, "version"), rule,
		       gt_word(gt_json_member(l, "verdict")));
	}
	if (i == 0)
		gt_say(cli->out, GT_T_CLI_EXPLAIN_NO_LAYER);
}

static void print_explain(struct gt_cli *cli, json_t *e)
{
	size_t i;
	json_t *hop;
	gt_say(cli->out, GT_T_CLI_EXPLAIN_HEAD, gt_json_member(e, "id"),
	       gt_json_member(e, "for"));
	json_array_foreach(json_object_get(e, "hops"), i, hop)
	{
		const char *verdict = gt_json_member(hop, "verdict");
		const char *effective = gt_json_member(hop, "effective");
		gt_say(cli->out, GT_T_CLI_EXPLAIN_HOP,
		       gt_json_member(hop, "code"),
		       gt_word(gt_json_member(hop, "level")),
		       gt_word(effective));
		if (json_is_true(json_object_get(hop, "own")))
			gt_say(cli->out, GT_T_CLI_EXPLAIN_OWN);
		else
			print_layers(cli, json_object_get(hop, "layers"));
		if (strcmp(verdict, effective) != 0)
			gt_say(cli->out, GT_T_CLI_EXPLAIN_CEILING,
			       gt_word(verdict), gt_word(effective));
	}
	const char *known = gt_json_member(e, "known_below");
	if (*known && strcmp(known, gt_json_member(e, "for")) != 0)
		gt_say(cli->out, GT_T_CLI_EXPLAIN_KNOWN, known);
}

enum gt_exit gt_cmd_explain(struct gt_cli *cli, const struct gt_args *args)
{
	char rid[GT_RID_MAX + 1], path[PATH] = "/admin/explain?id=";
	const char *code_for = gt_args_get(args, "for");
	enum gt_exit code;
	json_t *e;
	if (!gt_cli_rid(cli, gt_args_word(args, 0), rid, &code))
		return code;
	if (code_for && !gt_code_valid(code_for)) {
		char why[256];
		gt_say_into(why, sizeof why, GT_T_CLI_CODE_BAD, code_for);
		(void)gt_cli_fail(cli, -GT_EINVALID, why);
		return GT_EXIT_USAGE;
	}
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	bool ok = gt_client_escape(path, sizeof path, rid, false);
	if (ok && code_for) {
		size_t n = strlen(path);
		gt_format(path + n, sizeof path - n, "&for=");
		ok = gt_client_escape(path, sizeof path, code_for, false);
	}
	int status = ok ? gt_client_get(client, path, 0, &e) : -GT_ELIMIT;
	if (!ok)
		code = gt_cli_fail(cli, status, gt_text(GT_T_CLI_TOO_LONG));
	else if (gt_cli_answered(cli, client, status, e, &code))
		print_explain(cli, e);
	if (ok)
		json_decref(e);
	gt_client_close(client);
	return code;
}
