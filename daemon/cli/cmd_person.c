/* guantong person: what a node holds of one person.
 * Tests: e2e/test_person.py. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "files.h"
#include "pages.h"
#include "person.h"
#include "say.h"
#include "term.h"
#include "word.h"

enum { NAMES_FILE = 64 << 10, WHY = 512 };

static const struct gt_option export_options[] = {
        {"output", "FILE", GT_T_CLI_O_PERSON_OUT, 'o'},
        {NULL, NULL, 0, 0},
};

static const struct gt_option erase_options[] = {
        {"yes", NULL, GT_T_CLI_O_YES, 0},
        {"mentions", NULL, GT_T_CLI_O_MENTIONS, 0},
        {NULL, NULL, 0, 0},
};

/* ------------------------------------------------------------- names */

/* What stands in the lines of standard input. */
static bool add_lines(json_t *names, struct gt_bytes text)
{
	bool ok = true;
	for (size_t i = 0; ok && i < text.n;) {
		const char *s = (const char *)text.p + i;
		const char *end = memchr(s, '\n', text.n - i);
		size_t n = end ? (size_t)(end - s) : text.n - i;
		i += n + 1;
		n -= n > 0 && s[n - 1] == '\r';
		if (n > 0)
			ok = json_array_append_new(names, json_stringn(s, n)) ==
			     0;
	}
	return ok;
}

static bool each_names(const json_t *names)
{
	struct gt_person p = {0};
	bool ok = true;
	for (size_t i = 0; ok && i < json_array_size(names); i++)
		ok = gt_person_name(
		             &p, gt_json_string(json_array_get(names, i))) == 0;
	gt_person_free(&p);
	return ok;
}

/* The names that were given, as a list; NULL: said why, and *code. */
static json_t *take_names(struct gt_cli *cli, const struct gt_args *args,
                          enum gt_exit *code)
{
	char why[WHY];
	struct gt_buffer text = {0};
	json_t *names = json_array();
	bool ok = names != NULL;
	int status = 0;
	for (size_t i = 0; ok && i < gt_args_words(args); i++) {
		const char *word = gt_args_word(args, i);
		if (strcmp(word, "-") != 0) {
			ok = json_array_append_new(names, json_string(word)) ==
			     0;
			continue;
		}
		status =
		        gt_files_take(word, NAMES_FILE, &text, why, sizeof why);
		ok = status == 0 && add_lines(names, gt_buffer_bytes(&text));
	}
	gt_buffer_free(&text);
	if (status != 0)
		*code = gt_cli_fail(cli, status, why);
	else if (!ok && json_array_size(names) == 0)
		*code = gt_cli_no_memory(cli);
	size_t n = json_array_size(names);
	if (ok && n > 0 && each_names(names))
		return names;
	if (status == 0) {
		(void)fputs("guantong: ", cli->err);
		gt_say(cli->err, GT_T_CLI_PERSON_NAMES, GT_PERSON_NAMES);
		*code = GT_EXIT_USAGE;
	}
	json_decref(names);
	return NULL;
}

/* ------------------------------------------------------------ search */

/* Everything found, page after page; NULL: said why, and *code. */
static json_t *search(struct gt_cli *cli, json_t *names, enum gt_exit *code)
{
	struct gt_client *client = gt_cli_open(cli, code);
	json_t *all = json_array();
	json_t *asked = json_pack("{s:O,s:i,s:i}", "names", names, "part", 0,
	                          "after", 0);
	bool more = client && all && asked;
	if (client && !more)
		*code = gt_cli_no_memory(cli);
	bool ok = more;
	while (more) {
		json_t *page;
		int status = gt_client_post_json(client, "/admin/person/find",
		                                 asked, &page);
		json_t *next = json_object_get(page, "next");
		ok = status == 0;
		if (status != 0)
			*code = gt_cli_refused(cli, status, client);
		else if (json_array_extend(all,
		                           json_object_get(page, "found")) != 0)
			*code = gt_cli_no_memory(cli), ok = false;
		more = ok && json_is_object(next) &&
		       json_object_update(asked, next) == 0;
		json_decref(page);
	}
	gt_client_close(client);
	json_decref(asked);
	if (ok)
		return all;
	json_decref(all);
	return NULL;
}

/* Takes names and found. */
static json_t *whole(json_t *names, json_t *found)
{
	return json_pack("{s:o,s:o}", "names", names, "found", found);
}

/* -------------------------------------------------------------- find */

static bool add_row(struct gt_table *t, json_t *r)
{
	char number[32], at[GT_LOCAL_TIME];
	const char *id = gt_json_member(r, "id");
	const char *cells[] = {
	        gt_word(gt_json_member(r, "part")),
	        gt_pages_cell(r, "number", number),
	        gt_local_iso(at, gt_json_member(r, "at")),
	        gt_json_member(r, "origin"),
	        gt_word(gt_json_member(r, "as")),
	        *id ? id : gt_json_member(r, "name"),
	};
	return gt_table_row(t, cells);
}

static enum gt_exit print(struct gt_cli *cli, const json_t *found)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_PART), gt_text(GT_T_CLI_C_NUMBER),
	        gt_text(GT_T_CLI_C_AT),   gt_text(GT_T_CLI_C_ORIGIN),
	        gt_text(GT_T_CLI_C_AS),   gt_text(GT_T_CLI_C_ID)};
	size_t i, n = json_array_size(found);
	json_t *row;
	struct gt_table *t = gt_table_new("lrlll*", heads);
	bool ok = t != NULL;
	json_array_foreach(found, i, row) ok = ok && add_row(t, row);
	if (ok && n > 0)
		gt_table_print(t, cli->out, gt_term_columns(cli->out));
	gt_table_free(t);
	if (!ok)
		return gt_cli_no_memory(cli);
	if (n > 0)
		gt_say(cli->out, GT_T_CLI_PERSON_COUNT, (unsigned long long)n);
	else
		gt_say(cli->out, GT_T_CLI_PERSON_NONE);
	return GT_EXIT_OK;
}

static enum gt_exit find(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	json_t *names = take_names(cli, args, &code);
	json_t *found = names ? search(cli, names, &code) : NULL;
	if (!found) {
		json_decref(names);
		return code;
	}
	json_t *v = whole(names, found);
	code = GT_EXIT_OK;
	if (!v || (cli->json && !gt_cli_json(cli, v)))
		code = gt_cli_no_memory(cli);
	else if (!cli->json)
		code = print(cli, json_object_get(v, "found"));
	json_decref(v);
	return code;
}

/* ------------------------------------------------------------ export */

static enum gt_exit write_out(struct gt_cli *cli, const char *path,
                              const json_t *v)
{
	char why[WHY];
	char *text = json_dumps(v, JSON_INDENT(2));
	size_t n = json_array_size(json_object_get(v, "found"));
	if (!text)
		return gt_cli_no_memory(cli);
	int status = gt_files_write(path, 0600, GT_FILES_NEW,
	                            gt_bytes_str(text), why, sizeof why);
	free(text);
	if (status != 0)
		return gt_cli_fail(cli, status, why);
	gt_say(cli->out, GT_T_CLI_PERSON_WRITTEN, (unsigned long long)n, path);
	return GT_EXIT_OK;
}

static enum gt_exit hand_out(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	const char *path = gt_args_get(args, "output");
	json_t *names = take_names(cli, args, &code);
	json_t *found = names ? search(cli, names, &code) : NULL;
	if (!found) {
		json_decref(names);
		return code;
	}
	json_t *v = whole(names, found);
	code = GT_EXIT_OK;
	if (v && path)
		code = write_out(cli, path, v);
	else if (!v || !gt_cli_json(cli, v))
		code = gt_cli_no_memory(cli);
	json_decref(v);
	return code;
}

/* ------------------------------------------------------------- erase */

enum { AT_ONCE = 400 };

/* What is to go of what was found: all he takes part in, and with mentions what
 * names him in a text. */
static json_t *chosen(const json_t *found, bool mentions)
{
	size_t i;
	json_t *row, *list = json_array();
	bool ok = list != NULL;
	json_array_foreach(found, i, row)
	{
		bool his = strcmp(gt_json_member(row, "as"), "agent") == 0;
		if (!his && !mentions)
			continue;
		json_t *item = json_pack("{s:s,s:O,s:s}", "part",
		                         gt_json_member(row, "part"), "number",
		                         json_object_get(row, "number"), "id",
		                         gt_json_member(row, "id"));
		ok = ok && json_array_append_new(list, item) == 0;
	}
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

static const char *const counted[] = {"statement", "quarantine", "document",
                                      "lost", "kept"};
enum { COUNTED = sizeof counted / sizeof *counted };

/* Some of the items, from `at` on; adds up what went. False: said why. */
static bool erase_some(struct gt_cli *cli, struct gt_client *client,
                       const json_t *items, size_t at,
                       uint64_t sum[COUNTED + 1], enum gt_exit *code)
{
	json_t *answer = NULL, *some = json_array();
	for (size_t i = at; i < json_array_size(items) && i < at + AT_ONCE; i++)
		(void)json_array_append(some, json_array_get(items, i));
	json_t *body = json_pack("{s:o}", "items", some);
	int status = gt_client_post_json(client, "/admin/person/erase", body,
	                                 &answer);
	if (status != 0)
		*code = gt_cli_refused(cli, status, client);
	for (size_t i = 0; i < COUNTED; i++)
		sum[i] += gt_client_number(answer, counted[i]);
	sum[COUNTED] = gt_client_number(answer, "receipt");
	json_decref(answer);
	json_decref(body);
	return status == 0;
}

static enum gt_exit erase_all(struct gt_cli *cli, const json_t *items)
{
	enum gt_exit code;
	uint64_t sum[COUNTED + 1] = {0};
	struct gt_client *client = gt_cli_open(cli, &code);
	bool ok = client != NULL;
	for (size_t at = 0; ok && at < json_array_size(items); at += AT_ONCE)
		ok = erase_some(cli, client, items, at, sum, &code);
	gt_client_close(client);
	if (!ok)
		return code;
	if (!cli->json) {
		gt_say(cli->out, GT_T_CLI_PERSON_ERASED,
		       (unsigned long long)sum[COUNTED],
		       (unsigned long long)sum[0], (unsigned long long)sum[1],
		       (unsigned long long)sum[2], (unsigned long long)sum[3],
		       (unsigned long long)sum[4]);
		return GT_EXIT_OK;
	}
	json_t *v = json_pack("{s:I}", "receipt", (json_int_t)sum[COUNTED]);
	for (size_t i = 0; i < COUNTED; i++)
		(void)json_object_set_new(v, counted[i],
		                          json_integer((json_int_t)sum[i]));
	code = gt_cli_json(cli, v) ? GT_EXIT_OK : gt_cli_no_memory(cli);
	json_decref(v);
	return code;
}

static enum gt_exit erase(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	json_t *names = take_names(cli, args, &code);
	json_t *found = names ? search(cli, names, &code) : NULL;
	json_t *items = NULL;
	if (!found)
		goto out;
	items = chosen(found, gt_args_get(args, "mentions") != NULL);
	size_t n = json_array_size(items), all = json_array_size(found);
	if (!items)
		code = gt_cli_no_memory(cli);
	else if (gt_args_get(args, "yes") && n > 0)
		code = erase_all(cli, items);
	else if (cli->json)
		code = gt_cli_json(cli, found) ? GT_EXIT_OK
		                               : gt_cli_no_memory(cli);
	else
		code = print(cli, found);
	if (code == GT_EXIT_OK && !gt_args_get(args, "yes") && !cli->json &&
	    all > 0)
		gt_say(cli->out, GT_T_CLI_PERSON_WOULD, (unsigned long long)n,
		       (unsigned long long)(all - n));
out:
	json_decref(items);
	json_decref(found);
	json_decref(names);
	return code;
}

const struct gt_command gt_cmd_person[] = {
        {"find", "NAME...", GT_T_CLI_A_PERSON_FIND, 1, GT_PERSON_NAMES, NULL,
         "guantong person find li@example.org\n"
         "guantong person find 'https://id.example.org|3301-0042' "
         "tel:13800001111\n",
         find, NULL},
        {"export", "NAME...", GT_T_CLI_A_PERSON_EXPORT, 1, GT_PERSON_NAMES,
         export_options, "guantong person export li@example.org -o li.json\n",
         hand_out, NULL},
        {"erase", "NAME...", GT_T_CLI_A_PERSON_ERASE, 1, GT_PERSON_NAMES,
         erase_options,
         "guantong person erase li@example.org\n"
         "guantong person erase li@example.org --yes\n",
         erase, NULL},
        {0},
};
