/* u_absent.c: of nodes that are not linked no more is kept than has room, and
 * what strangers say goes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "net_inside.h"

static void strangers_go_first(void **state)
{
	enum { MANY = 2 * GT_PEERS_MAX };
	static struct gt_links links;
	struct gt_refused v[3];
	struct gt_fault f;
	char code[GT_CODE_MAX + 1];
	(void)state;
	assert_int_equal(pthread_mutex_init(&links.lock, NULL), 0);
	absent_note(&links, "", "a:1", "closed", true);
	assert_null(links.absent);
	absent_note(&links, "3301", "a:1", "silent for too long", true);
	for (int i = 0; i < MANY; i++) {
		gt_format(code, sizeof code, "33%04d", i);
		absent_note(&links, code, "b:1",
		            "certificate comes from an unknown CA (x)", false);
	}
	gt_links_absent(&links, "3301", &f);
	assert_string_equal(f.why, "silent for too long");
	assert_int_equal(f.kind, GT_FAULT_LOST);
	/* refused since: the reason is another, the time is not */
	int64_t since_ms = f.since_ms;
	absent_note(&links, "3301", "c:1", "it is expired", false);
	gt_links_absent(&links, "3301", &f);
	assert_int_equal(f.kind, GT_FAULT_EXPIRED);
	assert_int_equal(f.since_ms, since_ms);
	assert_string_equal(f.address, "c:1");
	/* one that was linked once is none of the strangers */
	assert_int_equal(gt_links_refused(&links, v, 3), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(v[i].fault.kind, GT_FAULT_UNKNOWN_CA);
	assert_int_equal(gt_links_refused(&links, NULL, 0), 0);
	absent_free(&links);
	pthread_mutex_destroy(&links.lock);
}

static void nothing_known(void **state)
{
	struct gt_refused v[1];
	struct gt_fault f;
	(void)state;
	gt_links_absent(NULL, "3301", &f);
	assert_int_equal(f.at_ms, 0);
	assert_int_equal(gt_links_refused(NULL, v, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(strangers_go_first),
	        cmocka_unit_test(nothing_known),
	};
	return cmocka_run_group_tests_name("absent", tests, NULL, NULL);
}
