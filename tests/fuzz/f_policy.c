/* f_policy.c: any bytes as a policy file and as an encoded layer; what either
 * takes decides, and a meet is never above what its layers say, nor a demand
 * below what they ask for. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "demand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void decide(const struct gt_layer *layer)
{
	static char video[] = "video", elderly[] = "elderly", empty[] = "",
	            zh[] = "zh-CN", licence[] = "CC-BY-4.0", here[] = "330106",
	            publisher[] = "33", level[] = "province";
	static char *audiences[] = {elderly, empty}, *languages[] = {zh},
	            *regions[] = {here};
	const struct gt_layer *const twice[] = {layer, layer};
	static const struct gt_receiver to[] = {{"33", "province"},
	                                        {"330106109210", "village"},
	                                        {"33-nju", ""}};
	Gt__Entry e;
	gt__entry__init(&e);
	e.type = video;
	e.audiences = audiences;
	e.n_audiences = 2;
	e.languages = languages;
	e.n_languages = 1;
	e.regions = regions;
	e.n_regions = 1;
	e.licence = licence;
	e.publisher = publisher;
	e.origin_level = level;
	e.stored_size = 20 << 20;
	e.modified_ms = 1700000000000;
	for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
		struct gt_decision d =
		        gt_layer_decide(layer, &e, &to[i], 1750000000000);
		struct gt_decision m =
		        gt_policy_meet(twice, 2, &e, &to[i], 1750000000000);
		check(gt_verdict_name(d.verdict) && d.priority <= 100);
		check(m.verdict == d.verdict || !m.layer[0]);
	}
}

static void demand(const struct gt_layer *layer)
{
	static const char *const ids[] = {"https://x.example/1", "urn:a"};
	struct gt_traits t = {.verb = "http://adlnet.gov/expapi/verbs/passed",
	                      .activities = ids,
	                      .nactivities = 2,
	                      .region = "330106109210",
	                      .classes = ids,
	                      .nclasses = 1,
	                      .minor = GT_MINOR_UNKNOWN};
	const struct gt_layer *const twice[] = {layer, layer};
	static const struct gt_receiver to = {"3301", "city"};
	struct gt_demand d = gt_layer_demand(layer, &t, &to);
	struct gt_demand m = gt_demand_of(twice, 2, &t, "330106", &to);
	check(gt_treatment_name(d.treatment) != NULL);
	check(m.treatment == d.treatment || !m.layer[0]);
	check((d.treatment == GT_AGGREGATE) == (d.group >= GT_GROUP_MIN));
	t.voids = true;
	m = gt_demand_of(twice, 2, &t, "330106", &to);
	check(m.treatment <= GT_PSEUDONYMISE);
}

/* What is read as done says the same when it is written again. */
static void done(struct gt_bytes in)
{
	char text[GT_DONE_CHARS], again[GT_DONE_CHARS];
	const struct gt_demand by = {.layer = "33", .version = 1};
	gt_format(text, sizeof text, "%.*s", (int)(in.n < 150 ? in.n : 150),
	          (const char *)in.p);
	struct gt_done d = gt_done_parse(text);
	if (d.treatment == GT_PASS)
		return;
	gt_done_format(again, &d, &by, "");
	struct gt_done e = gt_done_parse(again);
	check(d.treatment == e.treatment && d.fields == e.fields &&
	      d.group == e.group);
}

static int compile(struct gt_bytes body)
{
	struct gt_layer *layer;
	char why[256] = "";
	int rc = gt_layer_new(&layer, body, why, sizeof why);
	check((rc == 0) == (layer != NULL) && (rc == 0 || why[0]));
	if (layer) {
		decide(layer);
		demand(layer);
	}
	gt_layer_free(layer);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gt_complaints c = {0};
	struct gt_bytes in = gt_bytes_of(data, size);
	struct gt_buffer body;
	int rc = gt_policy_parse(&body, "fuzz", in, "en", &c);
	check(rc == 0 || (rc == -GT_EINVALID && c.n > 0 && !body.p));
	if (rc == 0) {
		check(compile(gt_buffer_bytes(&body)) == 0);
		gt_buffer_free(&body);
	}
	gt_complaints_free(&c);
	compile(in);
	if (size > 0)
		done(in);
	return 0;
}
