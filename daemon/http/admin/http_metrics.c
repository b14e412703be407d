/* http_metrics.c: what machines watch.
 * Tests: u_http_api.c. */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "http_admin.h"
#include "http_cert.h"
#include "http_open.h"
#include "http_query.h"
#include "iso8601.h"
#include "json.h"
#include "shelf.h"
#include "sys.h"
#include "version.h"

enum { ALIVE_MS = 2000 };

/* The database answers and the core has not stopped: both are asked the least
 * there is, whatever the node holds. */
enum MHD_Result gt_http_health(struct gt_request *rq)
{
	char why[256];
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	bool readable = w && gt_read_ping(w->reader);
	gt_worker_give(rq->http->workers, w);
	/* a note goes through no turn that matters; settle sees one through */
	bool alive = gt_core_settle(rq->http->env.core, ALIVE_MS);
	if (readable && alive)
		return gt_rq_text(rq, 200, "text/plain; charset=utf-8",
		                  strdup("ok\n"), 3);
	gt_http_say(why, sizeof why, rq->lang,
	            alive ? GT_T_HTTP_NO_DATABASE : GT_T_HTTP_NO_CORE);
	return gt_rq_text(rq, 503, "text/plain; charset=utf-8", strdup(why),
	                  strlen(why));
}

struct row {
	const char *name, *type, *help;
	uint64_t value;
};

static void put_rows(struct gt_buffer *o, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		const char *end =
		        strcmp(r->type, "counter") == 0 ? "_total" : "";
		gt_buffer_format(
		        o,
		        "# HELP guantong_%s%s %s\n# TYPE guantong_%s%s "
		        "%s\nguantong_%s%s %llu\n",
		        r->name, end, r->help, r->name, end, r->type, r->name,
		        end, (unsigned long long)r->value);
	}
}

static void put_node(struct gt_buffer *o, const struct gt_node_status *s)
{
	static const char g[] = "gauge";
	const struct row rows[] = {
	        {"parent_up", g, "1 while the parent is linked and proven",
	         s->parent_up},
	        {"synced", g, "1 when the parent had nothing more", s->synced},
	        {"bulk_paused", g,
	         "1 while no content is taken: no room, or no memory",
	         s->bulk_paused},
	        {"records_short", g, "1 while records are put off for room",
	         s->records_short},
	        {"records_crowded", g,
	         "1 while some are put off because too many wait",
	         s->records_crowded},
	        {"entries_missed", g,
	         "1 while entries of the parent find the catalogue full",
	         s->entries_missed},
	        {"transfers", g, "Objects being filled", s->ntransfers},
#define COUNTER(name, kind, help) {#name, #kind, help, s->name},
#include "counters.def"
#undef COUNTER
	};
	put_rows(o, rows, sizeof rows / sizeof *rows);
}

/* One row for each kind of fault, so that an alert can name the one it is for. */
static void put_fault(struct gt_buffer *o, const struct gt_http_env *env,
                      const struct gt_node_status *s)
{
	struct gt_fault f = {0};
	if (!*env->config->parent)
		return;
	gt_links_fault(env->links, s, &f);
	bool is = !s->parent_up && f.at_ms != 0;
	gt_buffer_str(o,
	              "# HELP guantong_parent_fault 1 for why there is no link "
	              "to the parent\n# TYPE guantong_parent_fault gauge\n");
	for (int kind = 0; kind < GT_FAULT_KINDS; kind++)
		gt_buffer_format(o, "guantong_parent_fault{kind=\"%s\"} %d\n",
		                 gt_fault_name((enum gt_fault_kind)kind),
		                 is && f.kind == (enum gt_fault_kind)kind);
}

static void put_date(struct gt_buffer *o, const struct gt_node_status *s)
{
	if (s->date == GT_DATE_OFF)
		return;
	gt_buffer_format(o,
	                 "# HELP guantong_date_too_old 1 while no new entries "
	                 "are taken for want of a date\n"
	                 "# TYPE guantong_date_too_old gauge\n"
	                 "guantong_date_too_old %d\n",
	                 s->date == GT_DATE_TOO_OLD);
	if (s->date_ms != 0)
		gt_buffer_format(
		        o,
		        "# HELP guantong_date_age_seconds Age of the newest "
		        "signed date of the tree\n"
		        "# TYPE guantong_date_age_seconds gauge\n"
		        "guantong_date_age_seconds %lld\n",
		        (long long)((gt_sys_now().wall_ms - s->date_ms) /
		                    1000));
}

/* Of the links, and of listeners that speak HTTPS by their names. */
static void put_certificates(struct gt_buffer *o, const struct gt_http *http,
                             const struct gt_node_status *s)
{
	struct {
		const char *name;
		int64_t until_ms;
	} rows[3 + GT_DOOR_CONTROL] = {{"node", http->env.certificate.until_ms},
	                               {"ca", http->env.ca.until_ms},
	                               {"parent", s->parent_until_ms}};
	bool any = rows[0].until_ms != 0;
	for (unsigned i = 0; i < GT_DOOR_CONTROL; i++) {
		rows[3 + i].name = gt_http_door_name(i);
		rows[3 + i].until_ms =
		        gt_http_cert_validity(&http->certs[i]).until_ms;
		any = any || rows[3 + i].until_ms != 0;
	}
	if (!any)
		return;
	gt_buffer_str(o, "# HELP guantong_certificate_expiry_seconds Seconds "
	                 "until a certificate ends; negative: it has\n"
	                 "# TYPE guantong_certificate_expiry_seconds gauge\n");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].until_ms == 0)
			continue;
		gt_buffer_format(
		        o,
		        "guantong_certificate_expiry_seconds{certificate="
		        "\"%s\"} %lld\n",
		        rows[i].name,
		        (long long)((rows[i].until_ms - gt_sys_now().wall_ms) /
		                    1000));
	}
}

static void put_children(struct gt_buffer *o, const struct gt_node_status *s)
{
	uint32_t n = s->nchildren;
	if (n == 0)
		return;
	gt_buffer_str(o,
	              "# HELP guantong_child_up 1 while the child is linked\n"
	              "# TYPE guantong_child_up gauge\n");
	for (uint32_t i = 0; i < n; i++)
		gt_buffer_format(o, "guantong_child_up{child=\"%s\"} %d\n",
		                 s->children[i].code, s->children[i].up);
	gt_buffer_str(o,
	              "# HELP guantong_child_lag Changes the child has yet to "
	              "acknowledge\n# TYPE guantong_child_lag gauge\n");
	for (uint32_t i = 0; i < n; i++)
		gt_buffer_format(o, "guantong_child_lag{child=\"%s\"} %llu\n",
		                 s->children[i].code,
		                 (unsigned long long)s->children[i].lag);
}

/* {"mirror": {"complete": 3}} as rows with two labels. */
static void put_resources(struct gt_buffer *o, json_t *verdicts)
{
	const char *verdict, *state;
	json_t *states, *n;
	gt_buffer_str(o,
	              "# HELP guantong_resources Resources by verdict and state"
	              "\n# TYPE guantong_resources gauge\n");
	json_object_foreach(verdicts, verdict, states)
	{
		json_object_foreach(states, state, n)
		{
			gt_buffer_format(o,
			                 "guantong_resources{verdict=\"%s\","
			                 "state=\"%s\"} %llu\n",
			                 verdict, state,
			                 (unsigned long long)gt_http_count(
			                         states, state));
		}
	}
}

static void put_damaged(struct gt_buffer *o, const json_t *counts)
{
	static const char *const how[] = {"parent", "asked", "publish"};
	gt_buffer_str(o, "# HELP guantong_resources_damaged Resources whose "
	                 "content was whole and is not, by what repairs it\n"
	                 "# TYPE guantong_resources_damaged gauge\n");
	for (size_t i = 0; i < sizeof how / sizeof *how; i++)
		gt_buffer_format(
		        o, "guantong_resources_damaged{repair=\"%s\"} %llu\n",
		        how[i],
		        (unsigned long long)gt_http_count(counts, how[i]));
}

static void put_stuck(struct gt_buffer *o, const json_t *counts)
{
	static const char *const why[] = {"above", "file"};
	gt_buffer_str(o, "# HELP guantong_resources_stuck Objects that are "
	                 "wanted and do not come: the parent has them not "
	                 "whole, or their file here cannot be used\n"
	                 "# TYPE guantong_resources_stuck gauge\n");
	for (size_t i = 0; i < sizeof why / sizeof *why; i++)
		gt_buffer_format(
		        o, "guantong_resources_stuck{why=\"%s\"} %llu\n",
		        why[i],
		        (unsigned long long)gt_http_count(counts, why[i]));
}

static void put_store(struct gt_buffer *o, json_t *status)
{
	static const char g[] = "gauge";
	const json_t *records = json_object_get(status, "records");
	const json_t *objects = json_object_get(status, "objects");
	const json_t *certified = json_object_get(status, "certificates");
	const struct row rows[] = {
	        {"stored_bytes", g, "Bytes of objects held",
	         gt_http_count(status, "bytes")},
	        {"objects_complete", g, "Objects held whole",
	         gt_http_count(objects, "complete")},
	        {"objects_partial", g, "Objects held in part",
	         gt_http_count(objects, "partial")},
	        {"records", g, "Learner records held",
	         gt_http_count(records, "count")},
	        {"quarantined", g, "Learner records set aside, held",
	         gt_http_count(records, "quarantined")},
	        {"certificates_issued", g,
	         "Certificates of completion issued here",
	         gt_http_count(certified, "issued")},
	        {"certificates_revoked", g, "Of these, revoked",
	         gt_http_count(certified, "revoked")},
	        {"records_erased", g,
	         "Learner records known to be erased at somebody's wish",
	         gt_http_count(status, "erased")},
	        {"audit_rows", g, "Rows of the audit log",
	         gt_http_count(status, "audit_rows")},
	};
	put_resources(o, json_object_get(status, "resources"));
	put_damaged(o, json_object_get(status, "damaged"));
	put_stuck(o, json_object_get(status, "stuck"));
	put_rows(o, rows, sizeof rows / sizeof *rows);
}

/* So that an alert can say that somebody set the clock. */
static void put_clock(struct gt_buffer *o, json_t *status)
{
	const json_t *clock = json_object_get(status, "clock");
	const json_t *moved = json_object_get(clock, "moved");
	int64_t at_ms = 0;
	(void)gt_iso_parse(&at_ms, gt_json_member(moved, "at"));
	gt_buffer_format(
	        o,
	        "# HELP guantong_clock_era Clock era of what is stored now: "
	        "one more with each start and where the clock was set\n"
	        "# TYPE guantong_clock_era gauge\nguantong_clock_era %llu\n"
	        "# HELP guantong_clock_set_timestamp_seconds When the clock "
	        "was found set, by what it was set to; 0: never\n"
	        "# TYPE guantong_clock_set_timestamp_seconds gauge\n"
	        "guantong_clock_set_timestamp_seconds %lld\n"
	        "# HELP guantong_clock_set_by_seconds By how much; negative: "
	        "back\n# TYPE guantong_clock_set_by_seconds gauge\n"
	        "guantong_clock_set_by_seconds %lld\n",
	        (unsigned long long)gt_http_count(clock, "era"),
	        (long long)(at_ms / 1000),
	        (long long)json_integer_value(json_object_get(moved, "by_s")));
}

/* A row for each door. */
static void put_doors(struct gt_buffer *o, struct gt_http *http)
{
	static const struct {
		const char *name, *help;
		size_t at;
	} rows[] = {
#define COUNT(name) offsetof(struct gt_http_counts, name)
	        {"taken", "Connections given a place", COUNT(taken)},
	        {"refused", "Connections told that there is none",
	         COUNT(refused)},
	        {"shut", "Connections closed without a word", COUNT(shut)},
	        {"dropped_idle", "Idle ones that gave way",
	         COUNT(dropped_idle)},
	        {"dropped_slow", "Slow ones that gave way",
	         COUNT(dropped_slow)},
	        {"late_head", "Heads that did not end", COUNT(late_head)},
	        {"late_body", "Bodies that did not end", COUNT(late_body)},
	        {"left", "Gone before all of their request had come",
	         COUNT(left)},
#undef COUNT
	};
	struct gt_http_counts c[GT_DOORS];
	char last[GT_HTTP_FROM_TEXT];
	for (unsigned d = 0; d < GT_DOORS; d++)
		gt_http_open_counts(http->open, d, &c[d], last);
	gt_buffer_str(o, "# HELP guantong_http_connections Connections open\n"
	                 "# TYPE guantong_http_connections gauge\n");
	for (unsigned d = 0; d < GT_DOORS; d++)
		gt_buffer_format(o,
		                 "guantong_http_connections{door=\"%s\"} %u\n",
		                 gt_http_door_name(d), c[d].open);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gt_buffer_format(o,
		                 "# HELP guantong_http_%s_total %s\n"
		                 "# TYPE guantong_http_%s_total counter\n",
		                 rows[i].name, rows[i].help, rows[i].name);
		for (unsigned d = 0; d < GT_DOORS; d++) {
			uint64_t n;
			memcpy(&n, (const char *)&c[d] + rows[i].at, sizeof n);
			gt_buffer_format(
			        o, "guantong_http_%s_total{door=\"%s\"} %llu\n",
			        rows[i].name, gt_http_door_name(d),
			        (unsigned long long)n);
		}
	}
}

/* What requests hold: nothing, once their answers are begun, however slowly
 * they are taken. */
static void put_held(struct gt_buffer *o, struct gt_http *http)
{
	struct gt_shelf_counts shelves;
	gt_shelves_count(http->shelves, &shelves);
	const struct row rows[] = {
	        {"http_threads_busy", "gauge",
	         "HTTP threads in a request, this one's too",
	         gt_pulse_count(&http->pulse)},
	        {"http_database_readers_busy", "gauge",
	         "Readers of the database that requests hold",
	         gt_workers_taken(http->workers)},
	        {"http_indexes_open", "gauge",
	         "Indexes of objects that are being read", shelves.open},
	        {"http_indexes_bytes", "gauge",
	         "Bytes of those that are in memory", shelves.bytes},
	};
	put_rows(o, rows, sizeof rows / sizeof *rows);
}

enum MHD_Result gt_http_metrics(struct gt_request *rq)
{
	const struct gt_http_env *env = &rq->http->env;
	struct gt_node_status *s = malloc(sizeof *s);
	struct gt_buffer o = {0};
	if (!s)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	gt_core_status(env->core, s);
	gt_buffer_format(&o,
	                 "# HELP guantong_info Who this is\n"
	                 "# TYPE guantong_info gauge\n"
	                 "guantong_info{code=\"%s\",version=\"" GT_VERSION
	                 "\"} 1\n",
	                 env->config->code);
	put_node(&o, s);
	put_fault(&o, env, s);
	put_certificates(&o, rq->http, s);
	put_date(&o, s);
	put_children(&o, s);
	put_doors(&o, rq->http);
	put_held(&o, rq->http);
	free(s);
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *status = w ? gt_read_status(w->reader) : NULL;
	gt_worker_give(rq->http->workers, w);
	if (status) {
		put_store(&o, status);
		put_clock(&o, status);
	}
	json_decref(status);
	const struct row gaps = {"record_gaps", "counter",
	                         "Damaged learner records met by readers",
	                         gt_workers_gaps(rq->http->workers)};
	put_rows(&o, &gaps, 1);
	size_t n;
	char *text = gt_buffer_text(&o, &n);
	return gt_rq_text(rq, 200, "text/plain; version=0.0.4; charset=utf-8",
	                  text, n);
}
