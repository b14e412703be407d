/* certificate_kit.h: certificates issued, revoked and looked at by simulated
 * nodes.
 * Used by u_certificate.c, u_certificate_list.c, u_awards.c and u_salvage.c. */
#ifndef GT_CERTIFICATE_KIT_H
#define GT_CERTIFICATE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "credential.h"
#include "json.h"
#include "nodes.h"
#include "read.h"

#define COMPLETED "http://adlnet.gov/expapi/verbs/completed"
#define LI        "{\"mbox\":\"mailto:li@b.cn\",\"name\":\"Li\"}"

static inline void hand_in_at(struct nodes *t, unsigned at, unsigned id,
                              const char *verb, const char *actor)
{
	char text[800], why[300] = "";
	static const uint8_t none[1][GT_UUID_BYTES];
	struct gt_statement s;
	gt_format(text, sizeof text,
	          "{\"id\":\"00000000-0000-4000-8000-%012u\",\"actor\":%s,"
	          "\"verb\":{\"id\":\"%s\"},\"object\":{\"id\":"
	          "\"http://o.cn/1\",\"definition\":{\"name\":{\"en\":"
	          "\"Phones\",\"zh-CN\":\"\xe6\x89\x8b\xe6\x9c\xba\"}}}}",
	          id, actor, verb);
	assert_int_equal(gt_statements_parse(gt_bytes_str(text), GT_XAPI_ANY,
	                                     none, 1, &s, 1, why, sizeof why),
	                 1);
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = ++t->tokens,
	                     .actor = "user:x",
	                     .statements = &s,
	                     .count = 1};
	assert_int_equal(nodes_event(t, at, &e), 0);
	assert_int_equal(nodes_last(t, at, GT_ACT_REPLY, 0)->a.status, 0);
}

static inline int issue_at(struct nodes *t, unsigned at, unsigned id,
                           const char *name)
{
	uint8_t of[GT_UUID_BYTES];
	char text[GT_UUID_TEXT];
	gt_format(text, sizeof text, "00000000-0000-4000-8000-%012u", id);
	assert_true(gt_uuid_parse(of, text));
	struct gt_event e = {.type = GT_EV_CERTIFY,
	                     .token = ++t->tokens,
	                     .actor = "user:x",
	                     .body = gt_bytes_of(of, sizeof of),
	                     .text = name,
	                     .detail = "Place"};
	assert_int_equal(nodes_event(t, at, &e), 0);
	return nodes_last(t, at, GT_ACT_REPLY, 0)->a.status;
}

static inline const char *reply_at(struct nodes *t, unsigned at)
{
	return nodes_last(t, at, GT_ACT_REPLY, 0)->a.text;
}

static inline json_t *parsed(const char *text)
{
	json_error_t error;
	json_t *v = gt_json_load(gt_bytes_str(text), GT_JSON_STRICT, &error);
	assert_non_null(v);
	return v;
}

static inline int revoke_at(struct nodes *t, unsigned at, const char *id)
{
	struct gt_event e = {.type = GT_EV_REVOKE,
	                     .token = ++t->tokens,
	                     .actor = "user:x",
	                     .text = id,
	                     .detail = "because"};
	assert_int_equal(nodes_event(t, at, &e), 0);
	return nodes_last(t, at, GT_ACT_REPLY, 0)->a.status;
}

/* As a reader of that node's database finds it. */
static inline void is_at(struct nodes *t, unsigned at, const json_t *document,
                         const json_t *list, const char *verdict, bool known)
{
	sqlite3 *db;
	char why[300];
	assert_int_equal(sqlite3_open(nodes_path(t, at), &db), SQLITE_OK);
	struct gt_reader *r = gt_reader_new(db, why, sizeof why);
	assert_non_null(r);
	json_t *v = gt_read_verify(r, document, list);
	assert_non_null(v);
	assert_string_equal(gt_json_member(v, "verdict"), verdict);
	assert_int_equal(json_is_string(json_object_get(v, "list_as_of")),
	                 known);
	json_decref(v);
	gt_reader_free(r);
}

#endif
