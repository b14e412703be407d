/* u_node_fault.c: turns in which memory or the store fails.
 *
 * A tree lives through all it can. Before each turn, copies of the process take
 * it: in each something else fails, the n-th request for memory or the n-th
 * statement. That ends the turn: nothing is said, nothing is written, and why is
 * said in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nomem.h"
#include "policy.h"
#include "unit/node_kit.h"

/* ----------------------------------------- the n-th statement fails */

static struct {
	size_t left; /* statements until then; 0: none fails */
	bool due, hit;
} store;

static int begins(unsigned what, void *arg, void *st, void *text)
{
	(void)what;
	(void)arg;
	(void)st;
	(void)text;
	if (store.left > 0 && --store.left == 0)
		store.due = store.hit = true;
	return 0;
}

static int stop(void *arg)
{
	(void)arg;
	bool now = store.due;
	store.due = false;
	return now;
}

static void store_after(sqlite3 *db, size_t n)
{
	store.left = n;
	store.due = store.hit = false;
	sqlite3_trace_v2(db, SQLITE_TRACE_STMT, begins, NULL);
	sqlite3_progress_handler(db, 1, stop, NULL);
}

/* -------------------------------------------------- one turn, tried */

enum { MEMORY, STORE, FAILURES };
enum outcome { ENDED = 50, NOTHING_FAILED, WRONG };

static const int expected[FAILURES] = {-GT_ENOMEM, -GT_ESTORE};

/* Whoever publishes may be told that there is no memory for it, and the node
 * goes on. */
static bool asker_told(const struct gt_actions *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].type == GT_ACT_REPLY &&
		    a->v[i].status == -GT_ENOMEM)
			return true;
	return false;
}

/* All that is committed, byte for byte. */
struct copy {
	unsigned char *p;
	sqlite3_int64 n;
};

static struct copy copy_of(sqlite3 *db)
{
	struct copy c;
	c.p = sqlite3_serialize(db, "main", &c.n, 0);
	return c;
}

static enum outcome try_turn(struct nodes *t, unsigned i,
                             const struct gt_event *e, int what, size_t n)
{
	struct one *s = &t->v[i];
	struct gt_actions a;
	size_t taken;
	struct copy before = copy_of(s->db), after;
	if (what == MEMORY)
		nomem_after(n);
	else
		store_after(s->db, n);
	int status = gt_node_turn(s->node, t->now, e, 1, &taken, &a);
	bool hit = what == MEMORY ? nomem_hit() : store.hit;
	if (!hit)
		return status == 0 ? NOTHING_FAILED : WRONG;
	if (what == MEMORY && e->type == GT_EV_PUBLISH && status == 0 &&
	    asker_told(&a))
		return ENDED;
	if (status != expected[what] || a.n > 0 || !gt_node_why(s->node)[0] ||
	    !sqlite3_get_autocommit(s->db))
		return WRONG;
	after = copy_of(s->db);
	return after.n == before.n &&
	                       memcmp(after.p, before.p, (size_t)after.n) == 0
	               ? ENDED
	               : WRONG;
}

static unsigned seen[NODES_MAX][GT_EV_NOTE + 1][UINT8_MAX + 1];

/* In a copy of this process, which it ends. */
static enum outcome try_aside(struct nodes *t, unsigned i,
                              const struct gt_event *e, int what, size_t n)
{
	int status = 0;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* cmocka would go on with the next test */
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		signal(SIGFPE, SIG_DFL);
		signal(SIGILL, SIG_DFL);
		_exit((int)try_turn(t, i, e, what, n));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? (enum outcome)WEXITSTATUS(status) : WRONG;
}

/* Of what comes again and again, a few. What kind of message it is, its first
 * byte says. */
static bool often(unsigned i, const struct gt_event *e)
{
	enum { FEW = 2 };
	unsigned kind = e->type == GT_EV_MSG && e->body.n ? e->body.p[0] : 0;
	return ++seen[i][e->type][kind] > FEW;
}

static void all_failures(struct nodes *t, unsigned i, const struct gt_event *e)
{
	if (often(i, e))
		return;
	fflush(NULL);
	for (int what = 0; what < FAILURES; what++) {
		size_t n = 1;
		enum outcome was;
		while ((was = try_aside(t, i, e, what, n)) == ENDED)
			n++;
		if (was == WRONG)
			fail_msg("event %d of %s: %s %zu fails, and the turn "
			         "does not end as it should",
			         (int)e->type, t->v[i].code,
			         what == MEMORY ? "request for memory"
			                        : "statement",
			         n);
	}
}

/* -------------------------------------------------------- the lives */

static int tree(void **state)
{
	nodes_three(state);
	struct nodes *t = *state;
	t->trial = all_failures;
	memset(seen, 0, sizeof seen);
	return 0;
}

static void link_all(struct nodes *t)
{
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
}

static void content_comes_and_goes(void **state)
{
	struct nodes *t = *state;
	struct pack one, two;
	package(&one, 1, 70000);
	package(&two, 2, 70000);
	link_all(t);
	assert_int_equal(publish(t, TOP, "a", &one), 0);
	nodes_pass(t, 600);
	assert_holds(t, LOW, &one);
	/* what rots is asked for again, from below too */
	struct blob *b = nodes_file(t, TOP, &one.object);
	b->p[b->n / 2] ^= 1;
	assert_int_equal(publish(t, TOP, "a", &two), 0);
	nodes_pass(t, 600);
	assert_holds(t, LOW, &two);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	nodes_pass(t, 600);
	assert_null(nodes_file(t, LOW, &two.object));
	pack_clear(&one);
	pack_clear(&two);
}

static void rules_and_wishes(void **state)
{
	static const char *const ask[] = {"course", "on-demand", NULL};
	static const char *const deny[] = {"course", "deny", NULL};
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	link_all(t);
	assert_int_equal(nodes_layer(t, TOP, ask), 0);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 600);
	assert_int_equal(nodes_want(t, LOW, "33/a"), 0);
	nodes_pass(t, 600);
	assert_holds(t, LOW, &p);
	assert_int_equal(nodes_layer(t, LOW, deny), 0);
	nodes_pass(t, 600);
	assert_null(nodes_file(t, LOW, &p.object));
	pack_clear(&p);
}

static void records_go_up(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	assert_int_equal(nodes_statements(t, LOW, 2, 3, 1), -GT_ECONFLICT);
	assert_int_equal(nodes_statements(t, MID, 3, 1, 1), 0);
	link_all(t);
	nodes_pass(t, 16000);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 3);
}

/* A parent without its database: all is compared, and issued anew. */
static void a_parent_that_forgot(void **state)
{
	struct nodes *t = *state;
	struct gt_bytes none = {0};
	t->trial = NULL;
	link_all(t);
	for (int k = 0; k < 3; k++)
		assert_int_equal(
		        nodes_publish(t, TOP, "a", "course", none, none), 0);
	nodes_run(t);
	nodes_stop(t, TOP);
	t->trial = all_failures;
	t->v[TOP].restored = true;
	nodes_open(t, TOP, "33", "", NULL);
	t->trial = NULL;
	nodes_enrol(t);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	t->trial = all_failures;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_count(t, LOW, GT_ACT_DROP), 0);
}

static void a_member_leaves(void **state)
{
	struct nodes *t = *state;
	struct gt_event note = {.type = GT_EV_NOTE, .text = "x", .detail = "y"};
	link_all(t);
	assert_int_equal(nodes_event(t, MID, &note), 0);
	nodes_members(t, TOP,
	              nodes_member(t, "330106", t->v[LOW].key.public, 2,
	                           GT__STANDING__REVOKED));
	nodes_run(t);
	assert_true(nodes_dropped(t, MID, "the roster revokes this node"));
	nodes_cut(t, 1);
	nodes_pass(t, 45000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, tree, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(content_comes_and_goes), T(rules_and_wishes),
	        T(records_go_up),          T(a_parent_that_forgot),
	        T(a_member_leaves),
	};
	return cmocka_run_group_tests_name("node_fault", tests, NULL, NULL);
}
