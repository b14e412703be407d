/* f_statement.c: statements from anybody.
 *
 * What is accepted must be a slice of what came in, render as a statement that
 * is accepted again with the same id and form, and hash alike once its JSON is
 * written canonically. */
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "json.h"
#include "statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 8 };

static const uint8_t ids[CAP][GT_UUID_BYTES] = {{1}, {2}, {3}, {4},
                                                {5}, {6}, {7}, {8}};

/* One statement, which must be accepted. */
static void again(const struct gt_statement *s, const char *text, size_t n)
{
	struct gt_statement back;
	char why[200];
	int rc = gt_statements_parse(gt_bytes_of(text, n), GT_XAPI_ANY, ids, 1,
	                             &back, 1, why, sizeof why);
	/* what is put in may push it over the limit */
	assert(rc == 1 || rc == -GT_ELIMIT);
	if (rc != 1)
		return;
	assert(gt_id_eq(&back.form, &s->form));
	assert(back.flags == s->flags);
}

static void check(const struct gt_statement *s)
{
	struct gt_buffer o = {0};
	json_t *v = json_loadb((const char *)s->body.p, s->body.n,
	                       GT_JSON_STRICT, NULL);
	assert(v);
	int rc = gt_json_canon(&o, v);
	assert(rc == 0);
	again(s, (const char *)o.p, o.n);
	bool timed = json_object_get(v, "timestamp") != NULL;
	json_decref(v);
	gt_buffer_free(&o);
	char *text = gt_statement_render_at(s->body, s->id, 1000,
	                                    "1970-01-01T00:00:01.000004Z",
	                                    "{\"mbox\":\"mailto:a@b.cn\"}");
	assert(text);
	/* a timestamp that was put in is the client's from then on */
	if (timed)
		again(s, text, strlen(text));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gt_statement out[CAP];
	char why[200];
	int n = gt_statements_parse(gt_bytes_of(data, size), GT_XAPI_ANY, ids,
	                            CAP, out, CAP, why, sizeof why);
	assert(n <= CAP);
	if (n < 0) {
		json_t *v = json_string(why);
		assert(*why && v); /* a sentence, and UTF-8 */
		json_decref(v);
	}
	for (int i = 0; i < n; i++) {
		assert(out[i].body.p >= data);
		assert(out[i].body.p + out[i].body.n <= data + size);
		check(&out[i]);
	}
	free(gt_statement_render_at(gt_bytes_of(data, size), ids[0], 0, "",
	                            ""));
	return 0;
}
