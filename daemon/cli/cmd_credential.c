/* guantong credential: who may hand in and read records over the network.
 * Tests: e2e/test_access.py. */
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "access.h"
#include "cli.h"
#include "iso8601.h"
#include "json.h"
#include "launch.h"
#include "listing.h"
#include "measure.h"
#include "say.h"
#include "sys.h"
#include "word.h"

enum { DAY_MS = 86400000 };

static const struct gt_option add_options[] = {
        {"scope", "SCOPES", GT_T_CLI_O_SCOPE, 0},
        {"role", "ROLE", GT_T_CLI_O_ROLE, 0},
        {"expires", "WHEN", GT_T_CLI_O_EXPIRES, 0},
        {"requests", "N", GT_T_CLI_O_REQUESTS, 0},
        {"statements", "N", GT_T_CLI_O_STATEMENTS, 0},
        {"bytes", "SIZE", GT_T_CLI_O_BYTES, 0},
        {"password", NULL, GT_T_CLI_O_PASSWORD, 0},
        {"again", NULL, GT_T_CLI_O_AGAIN, 0},
        {NULL, NULL, 0, 0},
};
static const struct gt_option set_options[] = {
        {"scope", "SCOPES", GT_T_CLI_O_SCOPE, 0},
        {"role", "ROLE", GT_T_CLI_O_ROLE, 0},
        {"expires", "WHEN", GT_T_CLI_O_EXPIRES, 0},
        {"requests", "N", GT_T_CLI_O_REQUESTS, 0},
        {"statements", "N", GT_T_CLI_O_STATEMENTS, 0},
        {"bytes", "SIZE", GT_T_CLI_O_BYTES, 0},
        {NULL, NULL, 0, 0},
};
static const struct gt_option rotate_options[] = {
        {"grace", "TIME", GT_T_CLI_O_GRACE, 0},
        {"password", NULL, GT_T_CLI_O_PASSWORD, 0},
        {NULL, NULL, 0, 0},
};
static const struct gt_option launch_options[] = {
        {"activity", "IRI", GT_T_CLI_O_ACTIVITY, 0},
        {"agent", "JSON", GT_T_CLI_O_AGENT, 0},
        {"url", "COURSE", GT_T_CLI_O_COURSE, 0},
        {"ttl", "TIME", GT_T_CLI_O_TTL, 0},
        {"session", "TIME", GT_T_CLI_O_SESSION, 0},
        {"registration", "UUID", GT_T_CLI_O_REGISTRATION, 0},
        {"mode", "MODE", GT_T_CLI_O_MODE, 0},
        {"move-on", "WHAT", GT_T_CLI_O_MOVE_ON, 0},
        {"mastery-score", "N", GT_T_CLI_O_MASTERY, 0},
        {"publisher-id", "IRI", GT_T_CLI_O_PUBLISHER, 0},
        {"parameters", "TEXT", GT_T_CLI_O_PARAMETERS, 0},
        {"return-url", "URL", GT_T_CLI_O_RETURN, 0},
        {"endpoint", "URL", GT_T_CLI_O_ENDPOINT, 0},
        {NULL, NULL, 0, 0},
};
static const struct gt_option ls_options[] = {
        {"removed", NULL, GT_T_CLI_O_REMOVED, 0},
        {NULL, NULL, 0, 0},
};

/* A line of standard input, unseen where a person types it. False: none, or it
 * is too long; said. */
static bool read_password(struct gt_cli *cli, char *out, size_t cap)
{
	struct termios seen, unseen;
	bool typed = tcgetattr(STDIN_FILENO, &seen) == 0;
	if (typed) {
		unseen = seen;
		unseen.c_lflag &= ~(tcflag_t)ECHO;
		gt_say(cli->err, GT_T_CLI_PASSWORD);
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
	}
	bool ok = fgets(out, (int)cap, stdin) != NULL;
	if (typed) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &seen);
		(void)fputc('\n', cli->err);
	}
	size_t n = ok ? strcspn(out, "\n") : 0;
	ok = ok && (out[n] == '\n' || feof(stdin));
	if (ok)
		out[n] = '\0';
	else
		gt_say(cli->err, GT_T_CLI_NO_PASSWORD);
	return ok;
}

static void told(struct gt_cli *cli, const json_t *answer, const char *name)
{
	const char *secret = gt_json_member(answer, "secret");
	const char *removed = gt_json_member(answer, "removed");
	const char *role = gt_word(gt_json_member(answer, "role"));
	char at[GT_LOCAL_TIME];
	if (strcmp(name, GT_ACCESS_ANONYMOUS) == 0)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_OPEN);
	else if (*secret)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_MADE, name, role, secret);
	else
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_KEPT, name, role);
	if (*removed && strcmp(gt_json_member(answer, "role"), "terminal") == 0)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_AGAIN,
		       gt_local_iso(at, removed));
	if (json_is_true(json_object_get(answer, "forgot")))
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_FORGOT);
}

/* Takes the body. */
static enum gt_exit order(struct gt_cli *cli, const char *path, json_t *body,
                          json_t **answer, bool *tell)
{
	enum gt_exit code;
	struct gt_client *client = gt_cli_open(cli, &code);
	*answer = NULL;
	*tell = false;
	if (client) {
		int status = gt_client_post_json(client, path, body, answer);
		*tell = gt_cli_answered(cli, client, status, *answer, &code);
	}
	gt_client_close(client);
	json_decref(body);
	return code;
}

/* ------------------------------------------- what it opens, and how much */

/* --scope or --role, into body. False: said what is wrong. */
static bool put_scopes(struct gt_cli *cli, const struct gt_args *args,
                       json_t *body)
{
	static const char *const roles[] = {"terminal", "reader", NULL};
	const char *scope = gt_args_get(args, "scope");
	const char *role = gt_args_get(args, "role");
	char wrong[80];
	unsigned set = 0;
	if (!gt_cli_choice(cli, args, "role", roles, GT_T_CLI_ROLES))
		return false;
	if (scope && role) {
		gt_say(cli->err, GT_T_CLI_SCOPE_OR_ROLE);
		return false;
	}
	if (scope && !gt_scope_parse(&set, scope, wrong, sizeof wrong)) {
		gt_say(cli->err, GT_T_CLI_BAD_SCOPE, wrong);
		return false;
	}
	if (role)
		(void)gt_scope_of_role(&set, role);
	if (set)
		(void)json_object_set_new(body, "scopes", gt_scope_list(set));
	return true;
}

/* A while, or a date; 0 is never. */
static bool put_expiry(struct gt_cli *cli, const struct gt_args *args,
                       json_t *body)
{
	const char *text = gt_args_get(args, "expires");
	int64_t now_ms = gt_sys_now().wall_ms, at_ms;
	char at[GT_ISO_CHARS];
	uint64_t span_ms;
	if (!text)
		return true;
	if (gt_measure_read_duration(&span_ms, text)) {
		if (span_ms == 0)
			return json_object_set_new(body, "expires",
			                           json_null()) == 0;
		at_ms = span_ms < (uint64_t)36525 * DAY_MS
		                ? now_ms + (int64_t)span_ms
		                : 0;
	} else if (!gt_measure_read_date(&at_ms, text, true)) {
		at_ms = 0;
	}
	if (at_ms <= now_ms) {
		gt_say(cli->err, GT_T_CLI_BAD_EXPIRES, text);
		return false;
	}
	gt_iso_format(at, at_ms);
	return json_object_set_new(body, "expires", json_string(at)) == 0;
}

static bool put_quota(struct gt_cli *cli, const struct gt_args *args,
                      json_t *body)
{
	const char *bytes = gt_args_get(args, "bytes");
	json_t *quota = json_object();
	bool ok = quota != NULL;
	for (unsigned k = 0; ok && k < GT_QUOTA_BYTES; k++) {
		uint64_t n = 0;
		if (!gt_args_get(args, gt_quota_name(k)))
			continue;
		ok = gt_cli_number(cli, args, gt_quota_name(k), 0,
		                   GT_QUOTA_MOST, &n) &&
		     json_object_set_new(quota, gt_quota_name(k),
		                         json_integer((json_int_t)n)) == 0;
	}
	if (ok && bytes) {
		uint64_t n = 0;
		ok = gt_measure_read_size(&n, bytes) && n <= GT_QUOTA_MOST;
		if (!ok)
			gt_say(cli->err, GT_T_CLI_BAD_SIZE, "bytes", bytes);
		ok = ok &&
		     json_object_set_new(quota, gt_quota_name(GT_QUOTA_BYTES),
		                         json_integer((json_int_t)n)) == 0;
	}
	if (ok && json_object_size(quota) > 0)
		ok = json_object_set(body, "quota", quota) == 0;
	json_decref(quota);
	return ok;
}

/* {"name"} and what the options say. NULL: said what is wrong. */
static json_t *body_of(struct gt_cli *cli, const struct gt_args *args)
{
	json_t *body = json_pack("{s:s}", "name", gt_args_word(args, 0));
	if (body && put_scopes(cli, args, body) &&
	    put_expiry(cli, args, body) && put_quota(cli, args, body))
		return body;
	json_decref(body);
	return NULL;
}

/* ---------------------------------------------------------- commands */

/* --password, from standard input. False: there was none, said. */
static bool put_password(struct gt_cli *cli, const struct gt_args *args,
                         json_t *body)
{
	char password[2 * GT_CREDENTIAL_PASSWORD];
	if (!gt_args_get(args, "password"))
		return true;
	return read_password(cli, password, sizeof password) &&
	       json_object_set_new(body, "password", json_string(password)) ==
	               0;
}

static enum gt_exit credential_add(struct gt_cli *cli,
                                   const struct gt_args *args)
{
	bool tell, again = gt_args_get(args, "again") != NULL;
	json_t *answer, *body = body_of(cli, args);
	if (!body || !put_password(cli, args, body) ||
	    json_object_set_new(body, "again", json_boolean(again)) != 0) {
		json_decref(body);
		return GT_EXIT_USAGE;
	}
	enum gt_exit code =
	        order(cli, "/admin/credentials", body, &answer, &tell);
	if (tell)
		told(cli, answer, gt_args_word(args, 0));
	json_decref(answer);
	return code;
}

static enum gt_exit credential_set(struct gt_cli *cli,
                                   const struct gt_args *args)
{
	json_t *answer, *body = body_of(cli, args);
	bool tell, some = json_object_size(body) > 1;
	if (body && !some)
		gt_say(cli->err, GT_T_CLI_NOTHING_SET);
	if (!body || !some) {
		json_decref(body);
		return GT_EXIT_USAGE;
	}
	enum gt_exit code =
	        order(cli, "/admin/credentials/set", body, &answer, &tell);
	if (tell)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_SET,
		       gt_args_word(args, 0));
	json_decref(answer);
	return code;
}

static enum gt_exit credential_rotate(struct gt_cli *cli,
                                      const struct gt_args *args)
{
	const char *name = gt_args_word(args, 0);
	const char *text = gt_args_get(args, "grace");
	uint64_t grace_ms = (uint64_t)7 * DAY_MS;
	char at[GT_LOCAL_TIME];
	json_t *answer;
	bool tell;
	if (text && (!gt_measure_read_duration(&grace_ms, text) ||
	             grace_ms > (uint64_t)GT_CREDENTIAL_GRACE_MS)) {
		gt_say(cli->err, GT_T_CLI_BAD_WHILE, "grace", text, "366d");
		return GT_EXIT_USAGE;
	}
	json_t *body = json_pack("{s:s,s:I}", "name", name, "grace_ms",
	                         (json_int_t)grace_ms);
	if (!body || !put_password(cli, args, body)) {
		json_decref(body);
		return GT_EXIT_USAGE;
	}
	enum gt_exit code =
	        order(cli, "/admin/credentials/rotate", body, &answer, &tell);
	const char *secret = gt_json_member(answer, "secret");
	const char *before = gt_json_member(answer, "before");
	if (tell && *secret)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_ROTATED, name, secret);
	else if (tell)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_SET, name);
	if (tell && *before)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_BEFORE,
		       gt_local_iso(at, before));
	json_decref(answer);
	return code;
}

static const char *moment(char out[GT_LOCAL_TIME], const json_t *row,
                          const char *key, enum gt_text none)
{
	const char *at = gt_json_member(row, key);
	return *at ? gt_local_iso(out, at) : gt_text(none);
}

static void print_quota(struct gt_cli *cli, const json_t *row)
{
	const json_t *most = json_object_get(row, "quota");
	const json_t *used = json_object_get(row, "using");
	long long n[2][GT_QUOTAS];
	char size[2][GT_MEASURE_SIZE];
	for (unsigned k = 0; k < GT_QUOTAS; k++) {
		const char *name = gt_quota_name(k);
		n[0][k] = json_integer_value(json_object_get(used, name));
		n[1][k] = json_integer_value(json_object_get(most, name));
	}
	for (unsigned i = 0; i < 2; i++)
		gt_measure_size(size[i], (uint64_t)n[i][GT_QUOTA_BYTES]);
	gt_say(cli->out, GT_T_CLI_CREDENTIAL_QUOTA, n[0][GT_QUOTA_REQUESTS],
	       n[1][GT_QUOTA_REQUESTS], n[0][GT_QUOTA_STATEMENTS],
	       n[1][GT_QUOTA_STATEMENTS], size[0], size[1]);
}

static void print_row(struct gt_cli *cli, const json_t *row)
{
	char at[3][GT_LOCAL_TIME], scopes[GT_SCOPE_TEXT];
	unsigned set = 0;
	(void)gt_scope_from_list(&set, json_object_get(row, "scopes"));
	gt_scope_text(scopes, set);
	(void)fprintf(cli->out, "%s (%s)\n", gt_json_member(row, "name"),
	              gt_word(gt_json_member(row, "role")));
	gt_say(cli->out, GT_T_CLI_CREDENTIAL_SCOPES, scopes);
	gt_say(cli->out, GT_T_CLI_CREDENTIAL_TIMES,
	       moment(at[0], row, "created", GT_T_CLI_NO_TIME),
	       moment(at[1], row, "used", GT_T_CLI_NEVER),
	       moment(at[2], row, "expires", GT_T_CLI_NEVER_ENDS));
	if (*gt_json_member(row, "before"))
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_UNTIL,
		       moment(at[0], row, "before", GT_T_CLI_NO_TIME));
	print_quota(cli, row);
}

static const json_t *row_of(const json_t *answer, const char *name)
{
	const json_t *list = json_object_get(answer, "credentials");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		if (strcmp(gt_json_member(row, "name"), name) == 0)
			return row;
	}
	return NULL;
}

static enum gt_exit credential_show(struct gt_cli *cli,
                                    const struct gt_args *args)
{
	const char *name = gt_args_word(args, 0);
	char why[400];
	enum gt_exit code;
	json_t *answer = NULL;
	struct gt_client *client = gt_cli_open(cli, &code);
	if (!client)
		return code;
	int status = gt_client_get(client, "/admin/credentials", 0, &answer);
	const json_t *row = row_of(answer, name);
	if (status != 0) {
		code = gt_cli_refused(cli, status, client);
	} else if (!row) {
		gt_say_into(why, sizeof why, GT_T_ACCESS_UNKNOWN, name);
		code = gt_cli_fail(cli, -GT_EUNKNOWN, why);
	} else if (cli->json) {
		code = gt_cli_json(cli, row) ? GT_EXIT_OK : GT_EXIT_FAILED;
	} else {
		code = GT_EXIT_OK;
		print_row(cli, row);
	}
	json_decref(answer);
	gt_client_close(client);
	return code;
}

static enum gt_exit credential_rm(struct gt_cli *cli,
                                  const struct gt_args *args)
{
	const char *name = gt_args_word(args, 0);
	json_t *answer;
	bool tell;
	enum gt_exit code =
	        order(cli, "/admin/credentials/remove",
	              json_pack("{s:s}", "name", name), &answer, &tell);
	if (tell && strcmp(name, GT_ACCESS_ANONYMOUS) == 0)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_SHUT);
	else if (tell)
		gt_say(cli->out, GT_T_CLI_CREDENTIAL_GONE, name, name);
	json_decref(answer);
	return code;
}

static enum gt_exit credential_ls(struct gt_cli *cli,
                                  const struct gt_args *args)
{
	static const struct gt_listing rows = {
	        "/admin/credentials",
	        "credentials",
	        "llllll",
	        6,
	        {"name", "role", "kind", "created", "expires", "used"},
	        "twwiii",
	        {GT_T_CLI_C_NAME, GT_T_CLI_C_ROLE, GT_T_CLI_C_KIND,
	         GT_T_CLI_C_CREATED, GT_T_CLI_C_ENDS, GT_T_CLI_C_USED}};
	static const struct gt_listing removed = {
	        "/admin/credentials",
	        "removed",
	        "ll",
	        2,
	        {"name", "removed"},
	        "ti",
	        {GT_T_CLI_C_NAME, GT_T_CLI_C_REMOVED}};
	return gt_listing_run(cli,
	                      gt_args_get(args, "removed") ? &removed : &rows);
}

/* -------------------------------------------------------------- launch */

/* Texts that go into the body as they are. */
static const char *const launch_texts[][2] = {
        {"activity", "activity"},         {"url", "url"},
        {"registration", "registration"}, {"mode", "mode"},
        {"move-on", "move_on"},           {"publisher-id", "publisher_id"},
        {"parameters", "parameters"},     {"return-url", "return_url"},
        {"endpoint", "endpoint"},
};
enum { LAUNCH_TEXTS = sizeof launch_texts / sizeof *launch_texts };

static bool put_span(struct gt_cli *cli, const struct gt_args *args,
                     const char *option, const char *key, json_t *body)
{
	const char *text = gt_args_get(args, option);
	uint64_t ms;
	if (!text)
		return true;
	if (gt_measure_read_duration(&ms, text) && ms > 0 &&
	    ms <= (uint64_t)GT_LAUNCH_LONGEST_MS)
		return json_object_set_new(body, key,
		                           json_integer((json_int_t)ms)) == 0;
	gt_say(cli->err, GT_T_CLI_BAD_WHILE, option, text, "7d");
	return false;
}

static bool put_score(struct gt_cli *cli, const struct gt_args *args,
                      json_t *body)
{
	const char *text = gt_args_get(args, "mastery-score");
	char *end;
	if (!text)
		return true;
	double score = strtod(text, &end);
	if (end != text && !*end && score >= 0 && score <= 1)
		return json_object_set_new(body, "mastery_score",
		                           json_real(score)) == 0;
	gt_say(cli->err, GT_T_CLI_BAD_SCORE, text);
	return false;
}

/* NULL: said what is wrong. */
static json_t *launch_body(struct gt_cli *cli, const struct gt_args *args)
{
	const char *agent = gt_args_get(args, "agent");
	json_error_t error;
	if (!agent || !gt_args_get(args, "activity") ||
	    !gt_args_get(args, "url")) {
		gt_say(cli->err, GT_T_CLI_LAUNCH_NEEDS);
		return NULL;
	}
	json_t *v = gt_json_load(gt_bytes_str(agent), 0, &error);
	if (!v) {
		gt_say(cli->err, GT_T_CLI_LAUNCH_AGENT, gt_json_flaw(&error));
		return NULL;
	}
	json_t *body = json_pack("{s:o}", "agent", v);
	bool ok = body != NULL;
	for (size_t i = 0; ok && i < LAUNCH_TEXTS; i++) {
		const char *text = gt_args_get(args, launch_texts[i][0]);
		ok = !text || json_object_set_new(body, launch_texts[i][1],
		                                  json_string(text)) == 0;
	}
	if (ok && put_span(cli, args, "ttl", "ttl_ms", body) &&
	    put_span(cli, args, "session", "session_ms", body) &&
	    put_score(cli, args, body))
		return body;
	json_decref(body);
	return NULL;
}

static enum gt_exit credential_launch(struct gt_cli *cli,
                                      const struct gt_args *args)
{
	json_t *answer, *body = launch_body(cli, args);
	bool tell;
	if (!body)
		return GT_EXIT_USAGE;
	enum gt_exit code = order(cli, "/admin/launch", body, &answer, &tell);
	if (tell)
		(void)fprintf(cli->out, "%s\n", gt_json_member(answer, "url"));
	json_decref(answer);
	return code;
}

const struct gt_command gt_cmd_credential[] = {
        {"add", "NAME", GT_T_CLI_A_CREDENTIAL_ADD, 1, 1, add_options,
         "guantong credential add school-3\n"
         "guantong credential add county-report --role reader\n"
         "guantong credential add kiosk-1 --scope statements/write,state \\\n"
         "        --requests 600 --bytes 64MiB --expires 365d\n"
         "guantong credential add school-4 --password <password.txt\n"
         "guantong credential add school-3 --again\n"
         "guantong credential add anonymous\n",
         credential_add, NULL},
        {"ls", "", GT_T_CLI_A_CREDENTIAL_LS, 0, 0, ls_options,
         "guantong credential ls\n"
         "guantong credential ls --removed\n",
         credential_ls, NULL},
        {"show", "NAME", GT_T_CLI_A_CREDENTIAL_SHOW, 1, 1, NULL,
         "guantong credential show kiosk-1\n", credential_show, NULL},
        {"set", "NAME", GT_T_CLI_A_CREDENTIAL_SET, 1, 1, set_options,
         "guantong credential set kiosk-1 --scope "
         "statements/write,statements/read/mine,state,profile\n"
         "guantong credential set kiosk-1 --requests 0 --expires 2027-12-31\n",
         credential_set, NULL},
        {"rotate", "NAME", GT_T_CLI_A_CREDENTIAL_ROTATE, 1, 1, rotate_options,
         "guantong credential rotate kiosk-1\n"
         "guantong credential rotate kiosk-1 --grace 30d\n",
         credential_rotate, NULL},
        {"launch", "", GT_T_CLI_A_CREDENTIAL_LAUNCH, 0, 0, launch_options,
         "guantong credential launch --activity https://xuexi.example.cn/au/1 "
         "\\\n"
         "        --agent '{\"account\": {\"homePage\": "
         "\"https://xuexi.example.cn\", \"name\": \"1001\"}}' \\\n"
         "        --url https://xuexi.example.cn/au/1/index.html --ttl 30m\n",
         credential_launch, NULL},
        {"rm", "NAME", GT_T_CLI_A_CREDENTIAL_RM, 1, 1, NULL,
         "guantong credential rm school-3\n"
         "guantong credential rm anonymous\n",
         credential_rm, NULL},
        {0},
};
