/* u_node_attach.c: attachments through whole cores: what must have come with a
 * statement, what is known to be here, and what is not any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "nodes.h"
#include "read.h"
#include "schema.h"

enum { TOP, LOW };

#define SHA2  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OTHER "ca7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* Hands in one statement, number `id`, that names a digest; what more is of its
 * attachment. brought: bytes of it come too; 0: they do not. */
static int hand_in(struct nodes *t, unsigned i, unsigned id, const char *sha2,
                   const char *more, uint64_t brought)
{
	char text[1024], why[300] = "";
	static const uint8_t none[1][GT_UUID_BYTES];
	struct gt_statement s;
	gt_format(text, sizeof text,
	          "{\"id\":\"00000000-0000-4000-8000-%012u\",\"actor\":{"
	          "\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":"
	          "\"http://v/1\"},\"object\":{\"id\":\"http://o/1\"},"
	          "\"attachments\":[{\"usageType\":\"http://u/1\","
	          "\"display\":{\"en\":\"d\"},\"contentType\":\"text/plain\","
	          "\"length\":3,\"sha2\":\"%s\"%s}]}",
	          id, sha2, more);
	assert_int_equal(gt_statements_parse(gt_bytes_str(text), GT_XAPI_ANY,
	                                     none, 1, &s, 1, why, sizeof why),
	                 1);
	struct gt_brought b = {.size = brought};
	assert_true(gt_sha2_parse(&b.sha2, sha2));
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = ++t->tokens,
	                     .detail = t->v[i].terminal,
	                     .actor = "user:x",
	                     .statements = &s,
	                     .brought = brought ? &b : NULL,
	                     .nbrought = brought > 0,
	                     .count = 1};
	assert_int_equal(nodes_event(t, i, &e), 0);
	return nodes_last(t, i, GT_ACT_REPLY, 0)->a.status;
}

/* -1: there is no row. */
static int64_t state(struct nodes *t, unsigned i, const char *hex)
{
	sqlite3_stmt *st = NULL;
	struct gt_sha2 sha2;
	int64_t out = -1;
	assert_true(gt_sha2_parse(&sha2, hex));
	assert_int_equal(sqlite3_prepare_v2(t->v[i].db,
	                                    "SELECT state FROM attachment "
	                                    "WHERE sha2=?1",
	                                    -1, &st, NULL),
	                 SQLITE_OK);
	(void)sqlite3_bind_blob(st, 1, sha2.b, sha2.n, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return out;
}

static const char *reply(struct nodes *t, unsigned i)
{
	return nodes_last(t, i, GT_ACT_REPLY, 0)->a.text;
}

static void bytes_must_come(void **s)
{
	struct nodes *t = *s;
	assert_int_equal(hand_in(t, TOP, 1, SHA2, "", 0), -GT_EINVALID);
	assert_non_null(strstr(reply(t, TOP),
	                       "00000001: attachments[0]: its bytes did "
	                       "not come with it"));
	/* nothing of it is half taken */
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 0);
	assert_int_equal(state(t, TOP, SHA2), -1);
	assert_int_equal(hand_in(t, TOP, 1, SHA2, "", 3), 0);
	assert_int_equal(state(t, TOP, SHA2), GT_ATTACHMENT_HERE);
	assert_int_equal(nodes_int(t, TOP, "SELECT size FROM attachment"), 3);
	/* the same again, without them; for another they are brought again */
	assert_int_equal(hand_in(t, TOP, 1, SHA2, "", 0), 0);
	assert_int_equal(hand_in(t, TOP, 2, SHA2, "", 0), -GT_EINVALID);
	assert_int_equal(hand_in(t, TOP, 2, SHA2, "", 3), 0);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM attachment"),
	                 1);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM attached"), 2);
	/* what lies somewhere else need not come, but what signs must */
	assert_int_equal(
	        hand_in(t, TOP, 3, OTHER, ",\"fileUrl\":\"http://f/1\"", 0), 0);
	assert_int_equal(state(t, TOP, OTHER), GT_ATTACHMENT_AWAITED);
	assert_int_equal(hand_in(t, TOP, 4, OTHER, "", 0), -GT_EINVALID);
}

static void lost_and_brought_again(void **s)
{
	struct nodes *t = *s;
	struct gt_sha2 sha2;
	assert_true(gt_sha2_parse(&sha2, SHA2));
	struct gt_event e = {.type = GT_EV_ATTACHMENT_LOST,
	                     .body = gt_sha2_bytes(&sha2),
	                     .status = -GT_EDAMAGED};
	/* of nobody's, and no digest */
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	e.body = gt_bytes_str("abc");
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	assert_int_equal(hand_in(t, TOP, 1, SHA2, "", 3), 0);
	e.body = gt_sha2_bytes(&sha2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(nodes_event(t, TOP, &e), 0);
	assert_int_equal(state(t, TOP, SHA2), GT_ATTACHMENT_LOST);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='damage' AND kind='attachment' AND "
	                           "result='DAMAGED' AND subject='" SHA2 "'"),
	                 1);
	assert_int_equal(hand_in(t, TOP, 2, SHA2, "", 0), -GT_EINVALID);
	/* by a statement that is known, or by another */
	assert_int_equal(hand_in(t, TOP, 1, SHA2, "", 3), 0);
	assert_int_equal(state(t, TOP, SHA2), GT_ATTACHMENT_HERE);
}

/* A record of a child's is taken without, and says what is missing. */
static void handed_up_without(void **s)
{
	struct nodes *t = *s;
	(void)nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_int_equal(hand_in(t, LOW, 1, SHA2, "", 3), 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 1);
	assert_int_equal(state(t, TOP, SHA2), GT_ATTACHMENT_AWAITED);
	assert_int_equal(state(t, LOW, SHA2), GT_ATTACHMENT_HERE);
	/* handed in there as well: it is the same, and brings them */
	assert_int_equal(hand_in(t, TOP, 1, SHA2, "", 0), 0);
	assert_int_equal(hand_in(t, TOP, 1, SHA2, "", 3), 0);
	assert_int_equal(state(t, TOP, SHA2), GT_ATTACHMENT_HERE);
}

/* What one may bring in an hour, beside his records. */
static void share(void **s)
{
	struct nodes *t = *s;
	char hex[sizeof SHA2];
	unsigned taken = 0;
	gt_node_close(t->v[TOP].node);
	t->v[TOP].attachments = 1 << 20;
	t->v[TOP].terminal = "kiosk";
	nodes_open(t, TOP, "33", "", NULL);
	for (unsigned i = 0; i < 30; i++) {
		gt_format(hex, sizeof hex, "%.60s%04x", SHA2, i);
		int status = hand_in(t, TOP, i, hex, "", 100000);
		taken += status == 0;
		if (status == 0)
			continue;
		assert_int_equal(status, -GT_EBUDGET);
		assert_non_null(strstr(reply(t, TOP), "attachments"));
		assert_int_equal(state(t, TOP, hex), -1);
	}
	assert_in_range(taken, 10, 11);
	/* records go on, and an operator is nobody's share */
	assert_int_equal(nodes_statements(t, TOP, 100, 1, 0), 0);
	t->v[TOP].terminal = NULL;
	assert_int_equal(hand_in(t, TOP, 99, SHA2, "", 100000), 0);
}

/* What readers are told, and the look over all files. */
static void read_one_after_the_other(void **s)
{
	struct nodes *t = *s;
	sqlite3 *db;
	char why[300];
	struct gt_sha2 sha2, is;
	uint64_t size;
	int64_t aid = 0;
	bool wanted, here;
	assert_int_equal(hand_in(t, TOP, 1, SHA2, "", 3), 0);
	assert_int_equal(
	        hand_in(t, TOP, 2, OTHER, ",\"fileUrl\":\"http://f/1\"", 0), 0);
	assert_int_equal(sqlite3_open(nodes_path(t, TOP), &db), SQLITE_OK);
	struct gt_reader *r = gt_reader_new(db, why, sizeof why);
	assert_non_null(r);
	assert_true(gt_sha2_parse(&sha2, SHA2));
	assert_int_equal(gt_read_attachment(r, &sha2, &wanted, &here), 0);
	assert_true(wanted && here);
	assert_int_equal(gt_read_attachment_next(r, &aid, &is, &size), 1);
	assert_true(gt_sha2_eq(&is, &sha2) && size == 3 && aid > 0);
	assert_int_equal(gt_read_attachment_next(r, &aid, &is, &size), 0);
	assert_true(gt_sha2_parse(&sha2, OTHER));
	assert_int_equal(gt_read_attachment(r, &sha2, &wanted, &here), 0);
	assert_true(!wanted && !here);
	sha2.b[0] ^= 1;
	assert_int_equal(gt_read_attachment(r, &sha2, &wanted, NULL), 0);
	assert_false(wanted);
	gt_reader_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(bytes_must_come, nodes_two,
	                                        nodes_gone),
	        cmocka_unit_test_setup_teardown(lost_and_brought_again,
	                                        nodes_two, nodes_gone),
	        cmocka_unit_test_setup_teardown(handed_up_without, nodes_two,
	                                        nodes_gone),
	        cmocka_unit_test_setup_teardown(share, nodes_two, nodes_gone),
	        cmocka_unit_test_setup_teardown(read_one_after_the_other,
	                                        nodes_two_on_disk, nodes_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
