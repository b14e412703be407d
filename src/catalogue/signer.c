/* signer.c: what was refused because the roster does not bear out who signed it.
 *
 * Whoever is revoked can be taken back, whoever is unknown can be named, and a
 * key can be another by the next row; what was refused until then has been
 * acknowledged. So it is kept in mind of whom something was, as one of MARKS
 * marks by the code: rows of most others bring nothing back. When such a one is
 * an active member by a new row, however that came, all is compared with the
 * parent anew.
 * Tests: u_signer.c. */
#include "catalogue_inside.h"

enum { MARKS = 62, BACK = 62 /* the mark of a row that came */ };

#define MISSED_KEY "signers_missed"

static uint64_t mark(const char *code)
{
	uint32_t h = 2166136261u;
	for (; *code; code++)
		h = (h ^ (uint8_t)*code) * 16777619u;
	return UINT64_C(1) << h % MARKS;
}

int gt_signer_load(struct gt_node *n)
{
	int64_t missed = 0;
	int status = gt_meta_get(n->store, MISSED_KEY, 0, &missed);
	n->catalogue->signers_missed = (uint64_t)missed;
	return status;
}

static int set_missed(struct gt_node *n, uint64_t missed)
{
	if (n->catalogue->signers_missed == missed)
		return 0;
	n->catalogue->signers_missed = missed;
	return gt_meta_put(n->store, MISSED_KEY, (int64_t)missed);
}

int gt_signer_miss(struct gt_node *n, const char *code)
{
	return set_missed(n, n->catalogue->signers_missed | mark(code));
}

int gt_signer_heard(struct gt_node *n, const char *code)
{
	uint64_t missed = n->catalogue->signers_missed;
	return missed & mark(code) ? set_missed(n, missed | UINT64_C(1) << BACK)
	                           : 0;
}

bool gt_signer_back(const struct gt_node *n)
{
	return n->catalogue->signers_missed >> BACK != 0;
}

int gt_signer_caught_up(struct gt_node *n)
{
	return set_missed(n, 0);
}
