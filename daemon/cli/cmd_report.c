/* guantong records report: what was learnt, by place, subject, time.
 * Tests: e2e/test_report.py. */
#include "cmd_report.h"

#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "csv.h"
#include "files.h"
#include "plot.h"
#include "term.h"
#include "word.h"

enum {
	BYS = 8,      /* what it is told apart by, at most */
	MEASURES = 6, /* what stands in a row of it */
	CELL = 32,
	BARS = 400, /* of a plot */
	LABEL = 1024,
	PATH = 2048,
	/* the daemon gives up before that */
	WAIT_MS = 45000
};

const struct gt_option gt_cmd_report_options[] = {
        {"by", "LIST", GT_T_CLI_O_REPORT_BY, 0},
        {"level", "LEVEL", GT_T_CLI_O_REPORT_LEVEL, 0},
        {"within", "CODE", GT_T_CLI_O_REPORT_WITHIN, 0},
        {"from", "MONTH", GT_T_CLI_O_REPORT_FROM, 0},
        {"until", "MONTH", GT_T_CLI_O_REPORT_UNTIL, 0},
        {"counts-by", "CLOCK", GT_T_CLI_O_REPORT_COUNTS, 0},
        {"csv", NULL, GT_T_CLI_O_CSV, 0},
        {"svg", "FILE", GT_T_CLI_O_REPORT_SVG, 0},
        {"measure", "NAME", GT_T_CLI_O_REPORT_MEASURE, 0},
        {NULL, NULL, 0, 0},
};

static const struct {
	const char *name;
	enum gt_text head;
} measures[MEASURES] = {{"visits", GT_T_CLI_C_VISITS},
                        {"learners", GT_T_CLI_C_LEARNERS},
                        {"completions", GT_T_CLI_C_COMPLETIONS},
                        {"hours", GT_T_CLI_C_HOURS},
                        {"needs", GT_T_CLI_C_NEEDS},
                        {"statements", GT_T_CLI_C_STATEMENTS}},
  heads[BYS] = {
          {"region", GT_T_CLI_C_REGION},     {"subject", GT_T_CLI_C_TOPIC},
          {"resource", GT_T_CLI_C_RESOURCE}, {"month", GT_T_CLI_C_MONTH},
          {"day", GT_T_CLI_C_DAY},           {"year", GT_T_CLI_C_YEAR},
          {"verb", GT_T_CLI_C_VERB},         {"activity", GT_T_CLI_C_ACTIVITY}};

/* What is asked for, and the answer. */
struct report {
	struct gt_cli *cli;
	json_t *answer;
	const json_t *by;
	size_t nby;
	int measure;
};

static const char *by_name(const struct report *r, size_t i)
{
	return gt_json_string(json_array_get(r->by, i));
}

static const char *head_of(const char *name)
{
	for (size_t i = 0; i < BYS; i++)
		if (strcmp(heads[i].name, name) == 0)
			return gt_text(heads[i].head);
	return name;
}

/* A number of a row, as it is written. */
static const char *cell(const json_t *row, const char *name, char out[CELL])
{
	const json_t *v = json_object_get(row, name);
	if (json_is_real(v))
		gt_format(out, CELL, "%.2f", json_real_value(v));
	else
		gt_format(out, CELL, "%lld", (long long)json_integer_value(v));
	return out;
}

/* What a row is of, as people read it. */
static const char *of(const struct report *r, const json_t *row, size_t i)
{
	const char *name = by_name(r, i), *v = gt_json_member(row, name);
	return strcmp(name, "subject") == 0 ? gt_word(v) : v;
}

/* --------------------------------------------------------------- table */

static bool add(const struct report *r, struct gt_table *t, const json_t *row,
                bool total)
{
	const char *cells[BYS + MEASURES] = {0};
	char numbers[MEASURES][CELL];
	size_t n = 0;
	for (size_t i = 0; i < r->nby; i++)
		cells[n++] = !total ? of(r, row, i)
		             : i    ? ""
		                    : gt_text(GT_T_CLI_REPORT_TOTAL);
	for (size_t i = 0; i < MEASURES; i++)
		cells[n++] = cell(row, measures[i].name, numbers[i]);
	return gt_table_row(t, cells);
}

/* What it counts by, and what to beware of. */
static void notes(const struct report *r)
{
	FILE *out = r->cli->out;
	bool stored =
	        strcmp(gt_json_member(r->answer, "counts_by"), "stored") == 0;
	uint64_t ahead = gt_client_number(r->answer, "ahead");
	uint64_t gaps = gt_client_number(r->answer, "gaps");
	gt_say(out, stored ? GT_T_CLI_REPORT_STORED : GT_T_CLI_REPORT_TIMESTAMP,
	       gt_json_member(r->answer, "node"));
	if (ahead)
		gt_say(out, GT_T_CLI_REPORT_AHEAD, (unsigned long long)ahead);
	if (gaps)
		gt_say(out, GT_T_CLI_REPORT_GAPS, (unsigned long long)gaps);
}

static enum gt_exit print_table(const struct report *r)
{
	const char *titles[BYS + MEASURES];
	char align[BYS + MEASURES + 1] = "";
	size_t i, n = 0;
	json_t *row;
	for (i = 0; i < r->nby; i++, n++) {
		titles[n] = head_of(by_name(r, i));
		align[n] = i ? 'l' : '*';
	}
	for (i = 0; i < MEASURES; i++, n++) {
		titles[n] = gt_text(measures[i].head);
		align[n] = 'r';
	}
	align[n] = '\0';
	struct gt_table *t = gt_table_new(align, titles);
	bool ok = t != NULL;
	json_array_foreach(json_object_get(r->answer, "rows"), i, row) ok =
	        ok && (r->nby == 0 || add(r, t, row, false));
	ok = ok && add(r, t, json_object_get(r->answer, "total"), true);
	if (ok)
		gt_table_print(t, r->cli->out, gt_term_columns(r->cli->out));
	gt_table_free(t);
	if (ok)
		notes(r);
	return ok ? GT_EXIT_OK : gt_cli_no_memory(r->cli);
}

/* ----------------------------------------------------------------- CSV */

static void csv_row(const struct report *r, const json_t *row)
{
	char number[CELL];
	for (size_t i = 0; i < r->nby; i++)
		gt_csv_cell(r->cli->out,
		            row ? gt_json_member(row, by_name(r, i))
		                : by_name(r, i),
		            false);
	for (size_t i = 0; i < MEASURES; i++)
		gt_csv_cell(r->cli->out,
		            row ? cell(row, measures[i].name, number)
		                : measures[i].name,
		            i + 1 == MEASURES);
}

static enum gt_exit print_csv(const struct report *r)
{
	size_t i;
	json_t *row;
	csv_row(r, NULL);
	json_array_foreach(json_object_get(r->answer, "rows"), i, row)
	        csv_row(r, row);
	return GT_EXIT_OK;
}

/* ---------------------------------------------------------------- plot */

static void label(const struct report *r, const json_t *row, char out[LABEL])
{
	size_t n = 0;
	out[0] = '\0';
	for (size_t i = 0; i < r->nby && n + 1 < LABEL; i++) {
		gt_format(out + n, LABEL - n, "%s%s", i ? " · " : "",
		          of(r, row, i));
		n = strlen(out);
	}
}

struct bars {
	struct gt_bar bar[BARS];
	char label[BARS][LABEL], is[BARS][CELL];
};

static size_t fill(const struct report *r, struct bars *b)
{
	const char *measure = measures[r->measure].name;
	size_t i, n = 0;
	json_t *row;
	json_array_foreach(json_object_get(r->answer, "rows"), i, row)
	{
		if (n == BARS)
			break;
		label(r, row, b->label[n]);
		b->bar[n] = (struct gt_bar){
		        b->label[n],
		        json_number_value(json_object_get(row, measure)),
		        cell(row, measure, b->is[n])};
		n++;
	}
	return n;
}

static enum gt_exit draw(const struct report *r, const char *file)
{
	struct bars *b = calloc(1, sizeof *b);
	struct gt_buffer svg = {0};
	char title[GT_CLI_SENTENCE], note[GT_CLI_SENTENCE], why[512];
	size_t rows = json_array_size(json_object_get(r->answer, "rows"));
	const char *node = gt_json_member(r->answer, "node");
	bool stored =
	        strcmp(gt_json_member(r->answer, "counts_by"), "stored") == 0;
	if (!b)
		return gt_cli_no_memory(r->cli);
	gt_say_into(title, sizeof title, GT_T_CLI_REPORT_TITLE, node,
	            gt_text(measures[r->measure].head));
	gt_say_into(note, sizeof note,
	            stored ? GT_T_CLI_REPORT_STORED : GT_T_CLI_REPORT_TIMESTAMP,
	            node);
	note[strcspn(note, "\n")] = '\0';
	gt_plot_svg(&svg, &(struct gt_plot){title, note, b->bar, fill(r, b)});
	free(b);
	int status = svg.failed ? -GT_ENOMEM
	                        : gt_files_write(file, 0644, GT_FILES_NEW,
	                                         gt_buffer_bytes(&svg), why,
	                                         sizeof why);
	gt_buffer_free(&svg);
	if (status != 0)
		return status == -GT_ENOMEM ? gt_cli_no_memory(r->cli)
		                            : gt_cli_fail(r->cli, status, why);
	gt_say(r->cli->out, GT_T_CLI_REPORT_DRAWN, file);
	if (rows > BARS)
		gt_say(r->cli->out, GT_T_CLI_REPORT_FIRST, BARS,
		       (unsigned long long)rows);
	return GT_EXIT_OK;
}

/* ------------------------------------------------------------- command */

/* Appends &key=value. */
static bool argument(char path[PATH], const char *key, const char *value)
{
	size_t n = strlen(path);
	if (!value)
		return true;
	if (n + strlen(key) + 3 > PATH)
		return false;
	gt_format(path + n, PATH - n, "%c%s=", strchr(path, '?') ? '&' : '?',
	          key);
	return gt_client_escape(path, PATH, value, false);
}

static bool is_by(const char *s, size_t n)
{
	for (size_t i = 0; i < BYS; i++)
		if (strlen(heads[i].name) == n &&
		    memcmp(heads[i].name, s, n) == 0)
			return true;
	return false;
}

static bool check_by(struct gt_cli *cli, const char *list)
{
	for (const char *s = list; *s;) {
		size_t n = strcspn(s, ",");
		if (!is_by(s, n) || (s[n] && !s[n + 1])) {
			gt_say(cli->err, GT_T_CLI_CHOICE, "by", list,
			       gt_text(GT_T_CLI_O_REPORT_BY));
			return false;
		}
		s += n + (s[n] == ',');
	}
	return true;
}

static bool check(struct gt_cli *cli, const struct gt_args *args,
                  struct report *r, const char *by)
{
	static const char *const levels[] = {"province", "city",    "county",
	                                     "township", "village", NULL};
	static const char *const clocks[] = {"timestamp", "stored", NULL};
	const char *names[MEASURES + 1] = {0};
	const char *within = gt_args_get(args, "within");
	const char *measure = gt_args_get(args, "measure");
	for (size_t i = 0; i < MEASURES; i++) {
		names[i] = measures[i].name;
		if (measure && strcmp(measure, names[i]) == 0)
			r->measure = (int)i;
	}
	if (!check_by(cli, by) ||
	    !gt_cli_choice(cli, args, "level", levels,
	                   GT_T_CLI_O_REPORT_LEVEL) ||
	    !gt_cli_choice(cli, args, "counts-by", clocks,
	                   GT_T_CLI_O_REPORT_COUNTS) ||
	    !gt_cli_choice(cli, args, "measure", names,
	                   GT_T_CLI_O_REPORT_MEASURE))
		return false;
	if (!within || gt_code_valid(within))
		return true;
	gt_say(cli->err, GT_T_CLI_CHOICE, "within", within,
	       gt_text(GT_T_CLI_O_REPORT_WITHIN));
	return false;
}

static enum gt_exit tell(struct report *r, const struct gt_args *args,
                         json_t *answer)
{
	const char *svg = gt_args_get(args, "svg");
	r->answer = answer;
	r->by = json_object_get(answer, "by");
	r->nby = json_array_size(r->by);
	if (r->nby > BYS)
		r->nby = BYS;
	if (svg)
		return draw(r, svg);
	if (gt_args_get(args, "csv"))
		return print_csv(r);
	return r->cli->json ? gt_cli_json(r->cli, answer)
	                              ? GT_EXIT_OK
	                              : gt_cli_no_memory(r->cli)
	                    : print_table(r);
}

enum gt_exit gt_cmd_report(struct gt_cli *cli, const struct gt_args *args)
{
	enum gt_exit code;
	char path[PATH] = "/admin/records/report";
	json_t *answer = NULL;
	struct report r = {.cli = cli};
	const char *by = gt_args_get(args, "by");
	by = by ? by : "region,subject,month";
	if (!check(cli, args, &r, by))
		return GT_EXIT_USAGE;
	bool ok = argument(path, "by", by);
	static const char *const keys[] = {"level", "within", "from", "until",
	                                   "counts-by"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		ok = ok && argument(path, keys[i], gt_args_get(args, keys[i]));
	if (!ok)
		return gt_cli_fail(cli, -GT_ELIMIT, "");
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	int status = gt_client_get(client, path, WAIT_MS, &answer);
	code = status ? gt_cli_refused(cli, status, client)
	              : tell(&r, args, answer);
	json_decref(answer);
	gt_client_close(client);
	return code;
}
