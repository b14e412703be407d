#include "usage.h"

#include "files.h"
#include "iso8601.h"
#include "json.h"

enum { FILE_MAX = 1 << 20, US = 1000 };

/* From one clock to the other: of 0, which is never, nothing. */
static int64_t moved_us(int64_t us, int64_t by_ms)
{
	int64_t by_us = by_ms * US;
	return us > 0 && us > -by_us ? us + by_us : 0;
}

static void take(struct gt_credentials *c, const json_t *v, struct gt_now now)
{
	const json_t *until = json_object_get(v, "until_ms");
	int64_t by_ms = (int64_t)now.mono_ms - now.wall_ms, used_ms = 0;
	bool there;
	size_t at = gt_credentials_find(c, gt_json_member(v, "name"), &there);
	if (!there)
		return;
	struct gt_credential *r = &c->v[at];
	if (gt_iso_parse(&used_ms, gt_json_member(v, "used")))
		r->used_ms = used_ms;
	for (unsigned k = 0; k < GT_QUOTAS; k++) {
		json_int_t ms = json_integer_value(json_array_get(until, k));
		/* years from 1970 to 9999 */
		if (ms > 0 && ms < 253402300800000)
			r->meter.until_us[k] = moved_us(ms * US, by_ms);
	}
	gt_quota_settle(&r->meter, (int64_t)now.mono_ms);
}

void gt_usage_read(struct gt_credentials *c, const char *path,
                   struct gt_now now)
{
	char why[256];
	struct gt_buffer text;
	if (gt_files_read(path, FILE_MAX, &text, why, sizeof why) != 0)
		return;
	json_t *v = gt_json_load(gt_buffer_bytes(&text), JSON_REJECT_DUPLICATES,
	                         NULL);
	gt_buffer_free(&text);
	const json_t *list = json_object_get(v, "used");
	for (size_t i = 0; i < json_array_size(list); i++)
		take(c, json_array_get(list, i), now);
	json_decref(v);
}

static json_t *row(const struct gt_credential *r, struct gt_now now)
{
	int64_t by_ms = now.wall_ms - (int64_t)now.mono_ms;
	char at[GT_ISO_CHARS];
	json_t *until = json_array();
	gt_iso_format(at, r->used_ms);
	for (unsigned k = 0; until && k < GT_QUOTAS; k++) {
		int64_t us = moved_us(r->meter.until_us[k], by_ms);
		if (json_array_append_new(until, json_integer(us / US)) != 0) {
			json_decref(until);
			return NULL;
		}
	}
	json_t *v = until ? json_pack("{s:s,s:s,s:O}", "name", r->name, "used",
	                              at, "until_ms", until)
	                  : NULL;
	json_decref(until);
	return v;
}

char *gt_usage_text(const struct gt_credentials *c, struct gt_now now)
{
	json_t *list = json_array();
	bool ok = list != NULL;
	for (size_t i = 0; ok && i < c->n; i++)
		if (c->v[i].used_ms > 0)
			ok = json_array_append_new(list, row(&c->v[i], now)) ==
			     0;
	json_t *v =
	        ok ? json_pack("{s:i,s:O}", "version", 1, "used", list) : NULL;
	char *text = v ? json_dumps(v, JSON_INDENT(1)) : NULL;
	json_decref(v);
	json_decref(list);
	return text;
}
