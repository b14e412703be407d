/* guantong status: the node at a glance.
 * Tests: e2e/test_house.py, e2e/test_faults.py. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "code.h"
#include "fault.h"
#include "measure.h"
#include "say.h"
#include "term.h"
#include "word.h"

enum { TURN_MS = 10000, LEAST_MS = 200 };

const struct gt_option gt_cmd_status_options[] = {
        {"watch", NULL, GT_T_CLI_O_WATCH, 'w'},
        {NULL, NULL, 0, 0},
};

static const char *const verdicts[] = {"mirror", "on-demand", "metadata",
                                       "deny"};
static const char *const states[] = {"complete",  "partial", "wanted",
                                     "damaged",   "listed",  "refused",
                                     "withdrawn", "excluded"};
enum {
	VERDICTS = sizeof verdicts / sizeof *verdicts,
	STATES = sizeof states / sizeof *states
};

static void number_cell(char out[24], uint64_t n)
{
	if (n)
		gt_format(out, 24, "%llu", (unsigned long long)n);
	else
		gt_format(out, 24, "-");
}

/* Where there are any. */
static void print_documents(FILE *out, json_t *s)
{
	unsigned long long waits = gt_client_number(s, "documents_waiting");
	unsigned long long lost = gt_client_number(s, "documents_conflicts");
	if (waits + lost > 0)
		gt_say(out, GT_T_CLI_STATUS_DOCUMENTS, waits, lost);
}

/* Where there are any. */
static void print_certified(FILE *out, json_t *s)
{
	json_t *c = json_object_get(s, "certificates");
	unsigned long long issued = gt_client_number(c, "issued");
	unsigned long long erased = gt_client_number(s, "erased");
	if (issued > 0)
		gt_say(out, GT_T_CLI_STATUS_CERTIFICATES, issued,
		       (unsigned long long)gt_client_number(c, "revoked"));
	if (erased > 0)
		gt_say(out, GT_T_CLI_STATUS_ERASED, erased);
}

static void print_resources(FILE *out, json_t *resources)
{
	const char *heads[STATES + 1] = {gt_text(GT_T_CLI_C_VERDICT)};
	for (size_t s = 0; s < STATES; s++)
		heads[s + 1] = gt_word(states[s]);
	struct gt_table *t = gt_table_new("lrrrrrrrr", heads);
	size_t rows = 0;
	for (size_t v = 0; t && v < VERDICTS; v++) {
		json_t *by = json_object_get(resources, verdicts[v]);
		char text[STATES][24];
		const char *cells[STATES + 1] = {gt_word(verdicts[v])};
		uint64_t sum = 0;
		for (size_t s = 0; s < STATES; s++) {
			uint64_t n = gt_client_number(by, states[s]);
			number_cell(text[s], n);
			cells[s + 1] = text[s];
			sum += n;
		}
		rows += sum && gt_table_row(t, cells);
	}
	if (t && rows)
		gt_table_print(t, out, gt_term_columns(out));
	else
		gt_say(out, GT_T_CLI_LS_NONE);
	gt_table_free(t);
}

static void print_transfers(FILE *out, json_t *list)
{
	const char *heads[] = {gt_text(GT_T_CLI_C_TRANSFER),
	                       gt_text(GT_T_CLI_C_PRESENT),
	                       gt_text(GT_T_CLI_C_SIZE), "%"};
	struct gt_table *t = gt_table_new("*rrr", heads);
	size_t i;
	json_t *x;
	json_array_foreach(list, i, x)
	{
		char done[GT_MEASURE_SIZE], total[GT_MEASURE_SIZE], part[24];
		uint64_t bytes = gt_client_number(x, "bytes");
		uint64_t all = gt_client_number(x, "total");
		gt_measure_size(done, bytes);
		gt_measure_size(total, all);
		gt_format(part, sizeof part, "%u",
		          (unsigned)(all ? (double)bytes * 100 / (double)all
		                         : 0));
		const char *cells[] = {gt_json_member(x, "resource"), done,
		                       total, part};
		if (!t || !gt_table_row(t, cells))
			break;
	}
	if (t && i > 0) {
		(void)fputc('\n', out);
		gt_table_print(t, out, gt_term_columns(out));
	}
	gt_table_free(t);
}

/* What the running node knows of a child; NULL: it runs no link to it. */
static json_t *running(json_t *status, const char *code)
{
	size_t i;
	json_t *c;
	json_array_foreach(
	        json_object_get(json_object_get(status, "node"), "children"), i,
	        c)
	{
		if (strcmp(gt_json_member(c, "code"), code) == 0)
			return c;
	}
	return NULL;
}

static bool add_child(struct gt_table *t, json_t *status, json_t *c)
{
	enum { FIRST = 2, NUMBERS = 4 };
	const char *code = gt_json_member(c, "code");
	json_t *now = running(status, code);
	json_t *said = json_object_get(c, "status");
	const uint64_t numbers[NUMBERS] = {
	        gt_client_number(now, "lag"),
	        gt_client_number(said, "complete"),
	        gt_client_number(said, "records"),
	        gt_client_number(said, "records_waiting")};
	char text[NUMBERS][24], held[GT_MEASURE_SIZE], seen[GT_LOCAL_TIME];
	bool up = now && gt_client_true(now, "up");
	gt_measure_size(held, gt_client_number(said, "bytes"));
	const char *cells[8] = {code,
	                        gt_text(up ? GT_T_CLI_W_UP : GT_T_CLI_W_DOWN)};
	for (size_t i = 0; i < NUMBERS; i++) {
		gt_format(text[i], sizeof text[i], "%llu",
		          (unsigned long long)numbers[i]);
		cells[FIRST + i] = text[i];
	}
	if (!now) /* how far behind it is shows when it links */
		cells[FIRST] = "-";
	cells[FIRST + NUMBERS] = held;
	cells[FIRST + NUMBERS + 1] =
	        gt_local_iso(seen, gt_json_member(c, "seen"));
	return gt_table_row(t, cells);
}

/* Whom the roster expects here, and who never came: the first of them. How many
 * were added. */
static size_t add_never(struct gt_table *t, json_t *status)
{
	const json_t *never = json_object_get(status, "never_linked");
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(never, "first"), i, c)
	{
		const char *cells[8] = {gt_json_member(c, "code"),
		                        gt_text(GT_T_CLI_W_NEVER),
		                        "-",
		                        "-",
		                        "-",
		                        "-",
		                        "-",
		                        gt_json_member(c, "name")};
		if (!gt_table_row(t, cells))
			break;
	}
	return i;
}

static void print_children(FILE *out, json_t *status)
{
	const char *heads[] = {
	        gt_text(GT_T_CLI_C_CHILD),   gt_text(GT_T_CLI_C_LINK),
	        gt_text(GT_T_CLI_C_LAG),     gt_text(GT_T_CLI_C_READY),
	        gt_text(GT_T_CLI_C_RECORDS), gt_text(GT_T_CLI_C_WAITING),
	        gt_text(GT_T_CLI_C_HELD),    gt_text(GT_T_CLI_C_SEEN)};
	struct gt_table *t = gt_table_new("llrrrrrl", heads);
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(status, "children"), i, c)
	{
		if (!t || !add_child(t, status, c))
			break;
	}
	size_t never = t ? add_never(t, status) : 0;
	if (t && i + never > 0) {
		(void)fputc('\n', out);
		gt_table_print(t, out, gt_term_columns(out));
	}
	gt_table_free(t);
	uint64_t all = gt_client_number(json_object_get(status, "never_linked"),
	                                "count");
	if (all > never)
		gt_say(out, GT_T_CLI_STATUS_NEVER_MORE,
		       (unsigned long long)(all - never));
	if (all > 0)
		gt_say(out, GT_T_CLI_STATUS_NEVER_LINKED,
		       (unsigned long long)all);
}

/* Since when and why each of the others is not linked; and who was refused. */
static void print_absent(FILE *out, json_t *status)
{
	char text[GT_CLI_SENTENCE], at[GT_LOCAL_TIME];
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(status, "children"), i, c)
	{
		const json_t *f = json_object_get(c, "fault");
		if (json_is_object(f))
			gt_say(out, GT_T_CLI_STATUS_ABSENT,
			       gt_json_member(c, "code"),
			       gt_local_iso(at, gt_json_member(f, "since")),
			       gt_cli_sentence(text, gt_json_member(f, "why")));
	}
	json_array_foreach(json_object_get(status, "refused"), i, c)
	        gt_say(out, GT_T_CLI_STATUS_REFUSED, gt_json_member(c, "code"),
	               gt_json_member(c, "address"),
	               gt_local_iso(at, gt_json_member(c, "at")),
	               gt_cli_sentence(text, gt_json_member(c, "why")));
}

/* Why there is no link, and what to do. */
static void print_fault(FILE *out, const json_t *f)
{
	char text[GT_CLI_SENTENCE], at[GT_LOCAL_TIME];
	if (!json_is_object(f))
		return;
	(void)fprintf(out, "          %s\n          %s: %s (%s)\n",
	              gt_text(gt_fault_text(
	                      gt_fault_named(gt_json_member(f, "kind")))),
	              gt_json_member(f, "address"),
	              gt_cli_sentence(text, gt_json_member(f, "why")),
	              gt_local_iso(at, gt_json_member(f, "at")));
}

static void print_link(FILE *out, json_t *s, bool root)
{
	char local[GT_LOCAL_TIME];
	const char *at = json_string_value(gt_client_find(s, "parent_seen"));
	at = at ? gt_local_iso(local, at) : NULL;
	if (root) {
		gt_say(out, GT_T_CLI_STATUS_ROOT);
		return;
	}
	if (gt_client_true(s, "parent_up"))
		gt_say(out, GT_T_CLI_STATUS_UP, at ? at : "-",
		       gt_text(gt_client_true(s, "synced")
		                       ? GT_T_CLI_W_SYNCED
		                       : GT_T_CLI_W_SYNCING));
	else if (at)
		gt_say(out, GT_T_CLI_STATUS_DOWN, at);
	else
		gt_say(out, GT_T_CLI_STATUS_NEVER);
	print_fault(out, json_object_get(s, "parent_fault"));
}

static void print_expiry(FILE *out, json_t *s)
{
	static const char *const names[] = {"certificate", "ca"};
	char at[GT_LOCAL_TIME];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const json_t *v = json_object_get(s, names[i]);
		json_int_t left =
		        json_integer_value(json_object_get(v, "seconds"));
		if (!json_is_object(v) || left * 1000 >= GT_VALIDITY_WARN_MS)
			continue;
		(void)fputs(gt_text(GT_T_CLI_STATUS_EXPIRY), out);
		gt_say(out, left < 0 ? GT_T_EXPIRY_PAST : GT_T_EXPIRY_SOON,
		       gt_local_iso(at, gt_json_member(v, "until")));
		(void)fputc('\n', out);
	}
}

/* The listeners' own, where they speak HTTPS. */
static void print_https(FILE *out, json_t *s)
{
	char at[GT_LOCAL_TIME];
	const char *door;
	json_t *v;
	json_object_foreach(json_object_get(s, "https"), door, v)
	{
		json_int_t left =
		        json_integer_value(json_object_get(v, "seconds"));
		if (left * 1000 >= GT_VALIDITY_WARN_MS)
			continue;
		(void)fputs(gt_text(GT_T_CLI_STATUS_EXPIRY), out);
		gt_say(out,
		       left < 0 ? GT_T_EXPIRY_HTTPS_PAST
		                : GT_T_EXPIRY_HTTPS_SOON,
		       door, gt_local_iso(at, gt_json_member(v, "until")));
		(void)fputc('\n', out);
	}
}

static void tell(FILE *out, enum gt_text what, enum gt_text sentence)
{
	gt_say(out, what);
	gt_say(out, sentence);
	(void)fputc('\n', out);
}

static void print_date(FILE *out, json_t *s)
{
	const char *state = gt_json_member(gt_client_find(s, "date"), "state");
	bool late = strcmp(state, "too-old") == 0;
	if (!late && strcmp(state, "old") != 0)
		return;
	tell(out, GT_T_CLI_STATUS_DATE,
	     late ? GT_T_DATE_TOO_OLD : GT_T_DATE_OLD);
}

static void print_stranger(FILE *out, json_t *s)
{
	uint64_t times = gt_client_number(s, "strangers");
	const char *code = json_string_value(gt_client_find(s, "stranger"));
	const char *at = json_string_value(gt_client_find(s, "stranger_seen"));
	char local[GT_LOCAL_TIME];
	if (times > 0)
		gt_say(out, GT_T_CLI_STATUS_STRANGER, code ? code : "-",
		       (unsigned long long)times,
		       gt_local_iso(local, at ? at : "-"));
}

static void print_held(FILE *out, json_t *s)
{
	uint64_t held = gt_client_number(s, "copies_held");
	if (held > 0)
		gt_say(out, GT_T_CLI_STATUS_HELD, (unsigned long long)held);
	uint64_t below = gt_client_number(s, "copies_below");
	if (below > 0)
		gt_say(out, GT_T_CLI_STATUS_HELD_BELOW,
		       (unsigned long long)below);
}

/* The listeners at which passwords can be read on the way. */
static void print_clear(FILE *out, json_t *s)
{
	size_t i;
	json_t *door;
	json_array_foreach(gt_client_find(s, "clear"), i, door)
	{
		const char *name = gt_json_string(door);
		gt_say(out, GT_T_CLI_STATUS_CLEAR, name, name);
	}
}

static void print_access(FILE *out, json_t *s)
{
	if (gt_client_true(gt_client_find(s, "access"), "lost"))
		tell(out, GT_T_CLI_STATUS_ACCESS, GT_T_ACCESS_LOST);
}

static void print_damaged(FILE *out, json_t *s, const char *parent)
{
	json_t *n = json_object_get(s, "damaged");
	uint64_t publish = gt_client_number(n, "publish");
	uint64_t above = gt_client_number(n, "parent");
	uint64_t asked = gt_client_number(n, "asked");
	if (publish)
		gt_say(out, GT_T_CLI_STATUS_DAMAGED_PUBLISH,
		       (unsigned long long)publish);
	if (above)
		gt_say(out, GT_T_CLI_STATUS_DAMAGED_PARENT,
		       (unsigned long long)above, parent);
	if (asked)
		gt_say(out, GT_T_CLI_STATUS_DAMAGED_ASKED,
		       (unsigned long long)asked, parent);
}

static void print_stuck(FILE *out, json_t *s, const char *parent)
{
	json_t *n = gt_client_find(s, "stuck");
	uint64_t above = gt_client_number(n, "above");
	uint64_t file = gt_client_number(n, "file");
	if (file)
		gt_say(out, GT_T_CLI_STATUS_STUCK_FILE,
		       (unsigned long long)file);
	if (above)
		gt_say(out, GT_T_CLI_STATUS_STUCK_ABOVE,
		       (unsigned long long)above, parent);
}

static void print_clock(FILE *out, json_t *s)
{
	const json_t *v = json_object_get(gt_client_find(s, "clock"), "moved");
	long long by = json_integer_value(json_object_get(v, "by_s"));
	char at[GT_LOCAL_TIME];
	if (json_is_object(v))
		gt_say(out,
		       by < 0 ? GT_T_CLI_STATUS_CLOCK_BACK
		              : GT_T_CLI_STATUS_CLOCK_AHEAD,
		       by < 0 ? -by : by,
		       gt_local_iso(at, gt_json_member(v, "at")),
		       (long long)json_integer_value(
		               json_object_get(v, "era")));
}

/* What was put aside beside the database. */
static void print_copies(FILE *out, json_t *s)
{
	char bytes[GT_MEASURE_SIZE];
	json_t *copies = json_object_get(s, "copies");
	long long count = json_integer_value(json_object_get(copies, "count"));
	json_int_t size = json_integer_value(json_object_get(copies, "bytes"));
	gt_measure_size(bytes, (uint64_t)size);
	if (count > 0)
		gt_say(out, GT_T_CLI_STATUS_COPIES, (unsigned long long)count,
		       bytes);
}

static void print_status(FILE *out, json_t *s, const struct gt_config *config)
{
	char bytes[GT_MEASURE_SIZE], name[256];
	json_t *records = gt_client_find(s, "records");
	gt_term_clean(name, sizeof name, config->name, 60);
	(void)fprintf(out, "%s  %s  %s\n", config->code,
	              gt_word(gt_level_name(gt_code_depth(config->code))),
	              strcmp(name, config->code) != 0 ? name : "");
	print_link(out, s, !*config->parent);
	print_expiry(out, s);
	print_https(out, s);
	print_date(out, s);
	print_stranger(out, s);
	print_held(out, s);
	print_clear(out, s);
	print_access(out, s);
	print_clock(out, s);
	gt_measure_size(bytes, gt_client_number(s, "bytes"));
	gt_say(out, GT_T_CLI_STATUS_STORE, bytes);
	print_damaged(out, s, config->parent);
	print_stuck(out, s, config->parent);
	if (gt_client_true(s, "bulk_paused"))
		gt_say(out, strcmp(gt_json_string(
		                           gt_client_find(s, "bulk_paused_by")),
		                   "NOMEM") == 0
		                    ? GT_T_CLI_STATUS_PAUSED_MEMORY
		                    : GT_T_CLI_STATUS_PAUSED);
	if (gt_client_true(s, "entries_missed"))
		gt_say(out, GT_T_CLI_STATUS_ENTRIES);
	if (gt_client_true(s, "records_short"))
		gt_say(out, GT_T_CLI_STATUS_RECORDS_SHORT);
	if (gt_client_true(s, "records_crowded"))
		gt_say(out, GT_T_CLI_STATUS_RECORDS_CROWDED);
	if (gt_client_number(s, "pages_bad") > 0)
		gt_say(out, GT_T_CLI_STATUS_PAGES_BAD,
		       (unsigned long long)gt_client_number(s, "pages_bad"));
	print_copies(out, s);
	if (gt_client_number(s, "records_spoilt") > 0)
		gt_say(out, GT_T_CLI_STATUS_RECORDS_SPOILT,
		       (unsigned long long)gt_client_number(s,
		                                            "records_spoilt"));
	gt_say(out, GT_T_CLI_STATUS_RECORDS,
	       (unsigned long long)gt_client_number(records, "count"),
	       (unsigned long long)gt_client_number(s, "records_waiting"),
	       (unsigned long long)gt_client_number(s, "records_unrooted"),
	       (unsigned long long)gt_client_number(records, "quarantined"));
	print_documents(out, s);
	print_certified(out, s);
	(void)fputc('\n', out);
	print_resources(out, gt_client_find(s, "resources"));
	print_transfers(out, gt_client_find(s, "transfers"));
	print_children(out, s);
	print_absent(out, s);
}

static enum gt_exit print(struct gt_cli *cli, json_t *s,
                          const struct gt_config *config)
{
	if (!cli->json)
		print_status(cli->out, s, config);
	else if (!gt_cli_json(cli, s))
		return gt_cli_no_memory(cli);
	return fflush(cli->out) == 0 ? GT_EXIT_OK : GT_EXIT_FAILED;
}

/* Draws again whenever the node has changed, until interrupted. */
static enum gt_exit watch(struct gt_cli *cli, struct gt_client *client,
                          const struct gt_config *config)
{
	uint64_t seen = 0;
	bool clear = gt_term_columns(cli->out) > 0 && !cli->json;
	const struct timespec least = {0, LEAST_MS * 1000000L};
	for (;;) {
		json_t *s;
		int status =
		        gt_client_wait(client, seen, seen ? TURN_MS : 0, &s);
		if (status)
			return gt_cli_refused(cli, status, client);
		seen = gt_client_number(s, "generation");
		if (clear)
			(void)fputs("\x1b[H\x1b[2J", cli->out);
		enum gt_exit code = print(cli, s, config);
		json_decref(s);
		if (code)
			return code;
		/* a busy node changes thousands of times per second;
		 * eyes don't */
		(void)nanosleep(&least, NULL);
	}
}

enum gt_exit gt_cmd_status(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	json_t *s;
	struct gt_client *client = gt_cli_open(cli, &code);
	struct gt_config *config = client ? gt_cli_config(cli, &code) : NULL;
	if (config && gt_args_get(args, "watch")) {
		code = watch(cli, client, config);
	} else if (config) {
		int status = gt_client_get(client, "/admin/status", 0, &s);
		code = status ? gt_cli_refused(cli, status, client)
		              : print(cli, s, config);
		json_decref(s);
	}
	gt_client_close(client);
	free(config);
	return code;
}
