/* http_report.c: what was learnt here and below, by place, subject, time.
 * Tests: e2e/test_report.py. */
#include <stdatomic.h>
#include <string.h>

#include "code.h"
#include "http_admin.h"
#include "http_worker.h"
#include "read.h"
#include "sys.h"

/* So long an answer may take: then whoever asks is told to ask for less. */
enum { PATIENCE_MS = 30000 };

/* One that looks at every record is being made: a second one would take the other
 * thread of this listener from everybody. */
static atomic_bool looking;

static bool enough(void *arg)
{
	const uint64_t *until = arg;
	return gt_sys_now().mono_ms >= *until;
}

static enum MHD_Result known(void *arg, enum MHD_ValueKind kind,
                             const char *key, const char *value)
{
	static const char *const keys[] = {
	        "by", "level", "counts-by", "within", "from", "until", "lang"};
	const char **unknown = arg;
	(void)kind;
	(void)value;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (strcmp(key, keys[i]) == 0)
			return MHD_YES;
	*unknown = key;
	return MHD_NO;
}

/* "region,subject,month", each once. */
static bool take_by(struct gt_report_query *q, const char *s)
{
	unsigned seen = 0;
	while (s && *s) {
		size_t n = strcspn(s, ",");
		int by = gt_report_by_parse(s, n);
		if (by < 0 || seen & 1u << by || (s[n] && !s[n + 1]))
			return false;
		seen |= 1u << by;
		q->by[q->nby++] = (enum gt_report_by)by;
		s += n + (s[n] == ',');
	}
	return true;
}

/* "2026-11", or nothing. */
static bool is_month(const char *s)
{
	size_t n = s ? strlen(s) : 0;
	return !s || (n == 7 && strspn(s, "0123456789") == 4 && s[4] == '-' &&
	              strspn(s + 5, "0123456789") == 2);
}

static bool take_counts_by(struct gt_report_query *q, const char *s)
{
	q->counts_by =
	        s && strcmp(s, "stored") == 0 ? GT_BY_STORED : GT_BY_TIMESTAMP;
	return !s || q->counts_by == GT_BY_STORED ||
	       strcmp(s, "timestamp") == 0;
}

/* What is asked for; *bad names what of it is wrong. */
static bool take(struct gt_request *rq, struct gt_report_query *q,
                 const char **bad)
{
	const char *level = gt_rq_arg(rq, "level");
	*bad = NULL;
	MHD_get_connection_values(rq->connection, MHD_GET_ARGUMENT_KIND, known,
	                          bad);
	*q = (struct gt_report_query){.level = level ? gt_level_depth(level)
	                                             : -1,
	                              .within = gt_rq_arg(rq, "within"),
	                              .from = gt_rq_arg(rq, "from"),
	                              .until = gt_rq_arg(rq, "until"),
	                              .enough = enough};
	if (!take_by(q, gt_rq_arg(rq, "by")))
		*bad = "by";
	if (level && q->level < 0)
		*bad = "level";
	if (q->within && !gt_code_valid(q->within))
		*bad = "within";
	if (!is_month(q->from))
		*bad = "from";
	if (!is_month(q->until))
		*bad = "until";
	if (!take_counts_by(q, gt_rq_arg(rq, "counts-by")))
		*bad = "counts-by";
	return !*bad;
}

/* NULL: *status says why not. */
static json_t *make(struct gt_request *rq, struct gt_report_query *q,
                    int *status)
{
	uint64_t until = gt_sys_now().mono_ms + PATIENCE_MS;
	bool kept = gt_report_kept(q);
	*status = -GT_EBUSY;
	if (!kept && atomic_exchange(&looking, true))
		return NULL;
	*status = -GT_ESTORE;
	q->arg = &until;
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v = w ? gt_read_report(w->reader, q, status) : NULL;
	gt_worker_give(rq->http->workers, w);
	if (!kept)
		atomic_store(&looking, false);
	return v;
}

enum MHD_Result gt_http_report(struct gt_request *rq)
{
	struct gt_report_query q;
	const char *bad;
	int status;
	if (!take(rq, &q, &bad))
		return gt_http_bad_arg(rq, bad);
	json_t *v = make(rq, &q, &status);
	if (status == -GT_ELIMIT)
		return gt_rq_fail(rq, 400, status, GT_T_HTTP_REPORT_ROWS);
	if (status == -GT_ETIMEOUT)
		return gt_rq_fail(rq, 503, status, GT_T_HTTP_REPORT_LONG,
		                  PATIENCE_MS / 1000);
	if (status == -GT_EBUSY)
		return gt_rq_fail(rq, 503, status, GT_T_HTTP_REPORT_BUSY,
		                  PATIENCE_MS / 1000);
	return gt_rq_json(rq, 200, v);
}
