/* guantong wait: until something is so. Never sleeps: asks again whenever the
 * node says that it has changed.
 * Tests: e2e/test_house.py. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "nearest.h"
#include "say.h"
#include "sys.h"

enum {
	START_MS = 2000,
	START_POLL_MS = 20,
	PATH = 1024,
	TURN_MS = 25000,
	CONDITION = 512
};

const struct gt_option gt_cmd_wait_options[] = {
        {"until", "CONDITION", GT_T_CLI_O_UNTIL, 'u'},
        {"timeout", "TIME", GT_T_CLI_O_TIMEOUT, 't'},
        {NULL, NULL, 0, 0},
};

struct waiting {
	struct gt_cli *cli;
	struct gt_client *client;
	const char *until;
	const char *name;  /* before '=' */
	const char *value; /* behind it, "" */
	const char *state; /* behind ':' of resource= */
	char text[CONDITION];
	uint64_t number;
	bool root;  /* nobody above: nothing to be synced with */
	int status; /* of the last question */
};

/* The resource's state, "" when it is not listed here. */
static bool ask_state(struct waiting *w, char *out, size_t cap)
{
	char path[PATH] = "/api/resources/";
	json_t *r;
	out[0] = '\0';
	(void)gt_client_escape(path, sizeof path, w->value, true);
	w->status = gt_client_get(w->client, path, 0, &r);
	if (w->status == -GT_EUNKNOWN || w->status == -GT_EDENIED) {
		w->status = 0;
		return true;
	}
	if (w->status)
		return false;
	(void)gt_copy(out, cap, gt_json_member(r, "state"));
	json_decref(r);
	return true;
}

static bool is_resource(struct waiting *w, json_t *status)
{
	char state[32];
	(void)status;
	return ask_state(w, state, sizeof state) &&
	       strcmp(state, w->state) == 0;
}

static bool is_gone(struct waiting *w, json_t *status)
{
	char state[32];
	(void)status;
	return ask_state(w, state, sizeof state) &&
	       (!*state || strcmp(state, "excluded") == 0);
}

static bool is_connected(struct waiting *w, json_t *status)
{
	return w->root || gt_client_true(status, "parent_up");
}

static bool is_disconnected(struct waiting *w, json_t *status)
{
	(void)w;
	return !gt_client_true(status, "parent_up");
}

static bool is_synced(struct waiting *w, json_t *status)
{
	return is_connected(w, status) &&
	       (w->root || gt_client_true(status, "synced"));
}

static bool is_complete(struct waiting *w, json_t *status)
{
	json_t *resources = gt_client_find(status, "resources");
	json_t *mirror = json_object_get(resources, "mirror");
	return is_synced(w, status) &&
	       gt_client_number(mirror, "wanted") == 0 &&
	       gt_client_number(mirror, "partial") == 0 &&
	       gt_client_number(mirror, "damaged") == 0 &&
	       json_array_size(gt_client_find(status, "transfers")) == 0;
}

static bool is_rooted(struct waiting *w, json_t *status)
{
	(void)w;
	return gt_client_find(status, "records_unrooted") &&
	       gt_client_number(status, "records_unrooted") == 0;
}

static bool has_records(struct waiting *w, json_t *status)
{
	json_t *records = gt_client_find(status, "records");
	return gt_client_number(records, "count") >= w->number;
}

static const struct condition {
	const char *name;
	bool (*holds)(struct waiting *w, json_t *status);
	enum { PLAIN, RID, RID_STATE, NUMBER } value;
} conditions[] = {
        {"connected", is_connected, PLAIN},
        {"disconnected", is_disconnected, PLAIN},
        {"synced", is_synced, PLAIN},
        {"complete", is_complete, PLAIN},
        {"records-rooted", is_rooted, PLAIN},
        {"resource", is_resource, RID_STATE},
        {"gone", is_gone, RID},
        {"records", has_records, NUMBER},
};
enum { CONDITIONS = sizeof conditions / sizeof *conditions };

static const struct condition *find(struct waiting *w, const char *text)
{
	const char *names[CONDITIONS];
	(void)gt_copy(w->text, sizeof w->text, text);
	w->name = w->text;
	char *eq = strchr(w->text, '=');
	w->value = eq ? eq + 1 : "";
	w->state = "";
	if (eq)
		*eq = '\0';
	for (size_t i = 0; i < CONDITIONS; i++) {
		names[i] = conditions[i].name;
		if (strcmp(w->name, names[i]) == 0)
			return &conditions[i];
	}
	const char *near =
	        gt_nearest(w->name, names, CONDITIONS, GT_SLIPS_TYPED);
	if (near)
		gt_say(w->cli->err, GT_T_CLI_WAIT_NEAR, w->name, near);
	else
		gt_say(w->cli->err, GT_T_CLI_WAIT_UNKNOWN, w->name);
	return NULL;
}

/* The condition's value is one it can have. */
static bool check_value(struct waiting *w, const struct condition *c)
{
	static const char *const states[] = {"excluded",  "listed",   "wanted",
	                                     "partial",   "complete", "damaged",
	                                     "withdrawn", NULL};
	static const char *const forms[] = {
	        [PLAIN] = "",
	        [NUMBER] = "=100",
	        [RID] = "=33/phone-basics",
	        [RID_STATE] = "=33/phone-basics:complete"};
	char *end = NULL;
	char *colon = w->text + (w->value - w->text);
	bool ok = true;
	if (c->value == PLAIN) {
		ok = !*w->value;
	} else if (c->value == NUMBER) {
		errno = 0;
		w->number = strtoull(w->value, &end, 10);
		ok = *w->value >= '0' && *w->value <= '9' && !*end && !errno;
	} else if (c->value == RID) {
		ok = strchr(w->value, '/') != NULL;
	} else {
		colon = *w->value ? strrchr(colon, ':') : NULL;
		ok = colon != NULL;
		if (ok) {
			*colon = '\0';
			w->state = colon + 1;
		}
		size_t i = 0;
		while (ok && states[i] && strcmp(states[i], w->state) != 0)
			i++;
		ok = ok && states[i] && strchr(w->value, '/');
	}
	if (!ok)
		gt_say(w->cli->err, GT_T_CLI_WAIT_VALUE, w->name, c->name,
		       forms[c->value]);
	return ok;
}

/* "60s", "500ms", "2m", "1h", "90" (seconds). False: none of these. */
static bool parse_time(const char *text, uint64_t *ms)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {{"", 1000},   {"ms", 1},      {"s", 1000},
	             {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	char *end = NULL;
	errno = 0;
	if (*text < '0' || *text > '9')
		return false;
	unsigned long long v = strtoull(text, &end, 10);
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		*ms = v * units[i].ms;
		return errno == 0 && v <= UINT32_MAX;
	}
	return false;
}

/* A daemon started on the line before may not be there yet; one that is there
 * and does not answer is starting, and nobody knows for how long. */
static int first_status(struct waiting *w, uint64_t end, json_t **status)
{
	const struct timespec pause = {0, START_POLL_MS * 1000000L};
	uint64_t patience = gt_sys_now().mono_ms + START_MS;
	for (;;) {
		int rc = gt_client_get(w->client, "/admin/status", 0, status);
		uint64_t now = gt_sys_now().mono_ms;
		if (rc == -GT_EUNAVAILABLE)
			patience = now + START_MS;
		else if (rc != -GT_ECLOSED)
			return rc;
		if (now >= patience || now >= end)
			return rc;
		(void)nanosleep(&pause, NULL);
	}
}

static enum gt_exit wait_for(struct waiting *w, const struct condition *c,
                             uint64_t timeout_ms)
{
	uint64_t end = gt_sys_now().mono_ms + timeout_ms;
	json_t *status;
	w->status = first_status(w, end, &status);
	while (!w->status) {
		bool holds = c->holds(w, status);
		uint64_t seen = gt_client_number(status, "generation");
		uint64_t now = gt_sys_now().mono_ms;
		uint64_t left = end > now ? end - now : 0;
		json_decref(status);
		status = NULL;
		if (w->status)
			break;
		if (holds)
			return GT_EXIT_OK;
		if (left == 0) {
			gt_say(w->cli->err, GT_T_CLI_WAIT_OVER, w->until);
			return GT_EXIT_FAILED;
		}
		w->status = gt_client_wait(
		        w->client, seen,
		        (uint32_t)(left < TURN_MS ? left : TURN_MS), &status);
	}
	return gt_cli_refused(w->cli, w->status, w->client);
}

enum gt_exit gt_cmd_wait(struct gt_cli *cli, const struct gt_args *args)
{
	struct waiting w = {.cli = cli, .until = gt_args_get(args, "until")};
	uint64_t timeout_ms = 60000;
	const char *timeout = gt_args_get(args, "timeout");
	enum gt_exit code;
	if (!w.until) {
		gt_say(cli->err, GT_T_CLI_WAIT_NEEDS);
		return GT_EXIT_USAGE;
	}
	const struct condition *c = find(&w, w.until);
	if (!c || !check_value(&w, c))
		return GT_EXIT_USAGE;
	if (timeout && !parse_time(timeout, &timeout_ms)) {
		gt_say(cli->err, GT_T_CLI_WAIT_TIME, timeout);
		return GT_EXIT_USAGE;
	}
	struct gt_config *config = gt_cli_config(cli, &code);
	if (!config)
		return code;
	w.root = !*config->parent;
	free(config);
	w.client = gt_cli_open(cli, &code);
	if (!w.client)
		return code;
	code = wait_for(&w, c, timeout_ms);
	gt_client_close(w.client);
	return code;
}
