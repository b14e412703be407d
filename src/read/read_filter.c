/* read_filter.c: does a record fit what was asked for, or does it target one
 * that does?
 * Tests: u_read_filter.c. */
#include <string.h>

#include "json.h"
#include "read_inside.h"

enum {
	/* A targets B, which targets C, ...: that many are gone after. */
	TARGETS = 8,
	/* what is looked at beside a row that is only passed over */
	COST_READ = 3,
	COST_TARGET = 5,
};

/* What a body says: 1 it fits, 0 it does not, and whom it targets; -1 what is
 * there is not to be read. */
static int judge(const struct gt_filter *f, struct gt_bytes body,
                 const char *authority, bool *targets,
                 uint8_t target[GT_UUID_BYTES])
{
	/* whatever number, whatever character: of what matters none is odd */
	json_t *v = gt_json_load(body, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
	                         NULL);
	json_t *by = *authority ? gt_json_load(gt_bytes_str(authority), 0, NULL)
	                        : NULL;
	int fits = v ? gt_query_matches(f, v, by) : -1;
	*targets = fits == 0 && gt_query_target(v, target);
	json_decref(v);
	json_decref(by);
	return fits;
}

/* The same of a record that is not at hand; 0 if there is none here, or it is
 * another's than `own`. -GT_ESTORE. */
static int look_up(struct gt_reader *r, const struct gt_filter *f,
                   const char *own, bool *targets,
                   uint8_t target[GT_UUID_BYTES])
{
	uint8_t id[GT_UUID_BYTES];
	int fits = 0;
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_RECORD);
	if (!s)
		return -GT_ESTORE;
	memcpy(id, target, sizeof id);
	*targets = false;
	(void)sqlite3_bind_blob(s, 1, id, GT_UUID_BYTES, SQLITE_STATIC);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && (!own || strcmp(gt_col_text(s, 4), own) == 0))
		fits = judge(f, gt_col_bytes(s, 5), gt_col_text(s, 4), targets,
		             target);
	if (!gt_reader_end(r, s, rc))
		return -GT_ESTORE;
	return fits == 1;
}

int gt_reader_fits(struct gt_reader *r, const struct gt_filter *f,
                   struct gt_bytes body, const char *authority, const char *own,
                   size_t *cost)
{
	uint8_t target[GT_UUID_BYTES];
	bool targets = false;
	if (!gt_query_may_match(f, body, authority))
		return 0;
	*cost += COST_READ;
	int fits = judge(f, body, authority, &targets, target);
	for (unsigned n = 0; fits == 0 && targets && n < TARGETS; n++) {
		*cost += COST_TARGET;
		fits = look_up(r, f, own, &targets, target);
	}
	/* damage is told of, whatever was asked for */
	return fits == -1 ? 1 : fits;
}
