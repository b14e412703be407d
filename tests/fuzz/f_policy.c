/* f_policy.c: any bytes as a policy file and as an encoded layer; what either
 * takes decides, and a meet is never above what its layers say. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "policy.h"

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

static int compile(struct gt_bytes body)
{
	struct gt_layer *layer;
	char why[256] = "";
	int rc = gt_layer_new(&layer, body, why, sizeof why);
	check((rc == 0) == (layer != NULL) && (rc == 0 || why[0]));
	if (layer)
		decide(layer);
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
	return 0;
}
