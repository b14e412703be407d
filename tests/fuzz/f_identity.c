/* f_identity.c: statements from anybody, without what says who.
 *
 * What is a statement stays one, of the same id, whatever is taken out of it;
 * under pseudonyms no mailbox, account or name that was an agent's is left,
 * letter for letter, and what is under pseudonyms already has nothing more to
 * lose. Any bytes have a canonical text, and are an alias file or are not. */
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t ids[1][GT_UUID_BYTES] = {{1}};

enum { LONG = 12 /* shorter names may be part of anything */ };

/* False: it is none, or too long by now. */
static bool parse(struct gt_bytes body, struct gt_statement *s)
{
	char why[200];
	int n = gt_statements_parse(body, GT_XAPI_ANY, ids, 1, s, 1, why,
	                            sizeof why);
	assert(n == 1 || n < 0 || n == 0);
	return n == 1;
}

static void still(const struct gt_buffer *out, const struct gt_statement *of)
{
	struct gt_statement s;
	if (out->n > GT_STATEMENT_MAX)
		return;
	bool is = parse(gt_buffer_bytes(out), &s);
	assert(is);
	assert(memcmp(s.id, of->id, GT_UUID_BYTES) == 0);
	assert(s.flags == of->flags);
}

/* No longer text that stood for an agent stands in it. */
static void without(const struct gt_buffer *out, const json_t *v)
{
	static const char *const keys[] = {"mbox", "mbox_sha1sum", "openid",
	                                   "name"};
	const char *key;
	json_t *value;
	for (size_t i = 0; i < json_array_size(v); i++)
		without(out, json_array_get(v, i));
	if (!json_is_object(v))
		return;
	for (size_t i = 0; i < 4; i++) {
		const char *s = gt_json_member(v, keys[i]);
		assert(strlen(s) < LONG || !strstr((const char *)out->p, s));
	}
	json_object_foreach((json_t *)gt_lend(v), key, value)
	        without(out, value);
}

static void agents(const struct gt_buffer *out, const json_t *statement)
{
	without(out, json_object_get(statement, "actor"));
	without(out,
	        json_object_get(json_object_get(statement, "context"), "team"));
}

static void pseudonymise(const struct gt_statement *s,
                         const struct gt_pseudonyms *how)
{
	struct gt_buffer one = {0}, two = {0};
	struct gt_about about;
	int rc = gt_about_open(&about, s->body);
	assert(rc == 0);
	rc = gt_identity_pseudonymise(&one, &about, "", how);
	assert(rc == 0);
	still(&one, s);
	agents(&one, about.statement);
	gt_about_close(&about);
	rc = gt_about_open(&about, gt_buffer_bytes(&one));
	assert(rc == 0);
	rc = gt_identity_redact(&two, &about, 15);
	assert(rc == 0 && two.n <= one.n);
	gt_about_close(&about);
	gt_buffer_free(&one);
	gt_buffer_free(&two);
}

static void redact(const struct gt_statement *s, uint32_t fields)
{
	struct gt_buffer out = {0};
	struct gt_about about;
	int rc = gt_about_open(&about, s->body);
	assert(rc == 0);
	rc = gt_identity_redact(&out, &about, fields);
	assert(rc == 0);
	still(&out, s);
	gt_about_close(&about);
	gt_buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct gt_pseudonym_key key = {.scope = "33", .number = 1};
	struct gt_pseudonyms how = {.key = &key};
	struct gt_aliases *aliases;
	struct gt_statement s;
	struct gt_buffer text = {0};
	char why[200];
	struct gt_bytes in = gt_bytes_of(data, size);
	if (gt_aliases_new(&aliases, in, why, sizeof why) == 0)
		how.aliases = aliases;
	int rc = gt_canon_text(&text, (const char *)data, size);
	assert(rc == 0);
	gt_buffer_free(&text);
	if (parse(in, &s)) {
		pseudonymise(&s, &how);
		for (uint32_t fields = 1; fields < 32; fields <<= 1)
			redact(&s, fields);
	}
	gt_aliases_free(aliases);
	return 0;
}
