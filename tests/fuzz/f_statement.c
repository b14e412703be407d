/* f_statement.c: statements from anybody.
 *
 * What is accepted must be a slice of what came in, render as a statement that
 * is accepted again with the same id and form, hash alike once its JSON is
 * written canonically, and come to what the plain way comes to. */
#include <stdlib.h>
#include <string.h>

#include "statement.h"
#include "statement_model.h"

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

/* Read by the tree and by jansson, which cannot hold every \u0000. */
static void read_alike(const struct gt_statement *s, const struct gt_id *form)
{
	struct gt_buffer o = {0};
	struct gt_id want;
	char why[300];
	json_t *model = json_loadb((const char *)s->body.p, s->body.n,
	                           GT_JSON_STRICT, NULL);
	if (!model)
		return;
	bool fine = model_check(model, GT_XAPI_ANY, why, sizeof why);
	assert(fine);
	int rc = model_hash(&want, model, &o);
	assert(rc == 0 && gt_id_eq(&want, form));
	json_decref(model);
	gt_buffer_free(&o);
}

static void check(const struct gt_statement *s)
{
	struct gt_buffer o = {0};
	struct gt_json_fault fault;
	const struct gt_json_node *v;
	struct gt_arena *arena = gt_arena_new();
	int rc = gt_json_tree(&v, arena, s->body, &fault);
	assert(rc == 0);
	gt_json_put(&o, v);
	read_alike(s, &s->form);
	again(s, (const char *)o.p, o.n);
	bool timed = gt_json_find(v, "timestamp") != NULL;
	gt_arena_free(arena);
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
