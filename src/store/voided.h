/* voided.h: SQL: is a statement voided?
 *
 * It is once one that voids names it and counts, if it voids none itself (xAPI: a
 * voiding statement cannot be voided). What counts is looked for by its key
 * (schema.h, voids), for there may be any number that do not: an operator's is
 * of the place, or of one above it, which are named without a suffix.
 * Tests: u_read.c, u_reckon.c. */
#ifndef GT_VOIDED_H
#define GT_VOIDED_H

/* clang-format off */
#define GT_VOIDED_ABOVE(digits) \
	",CASE WHEN instr(substr(c.code,1," digits "),'-')=0" \
	" THEN substr(c.code,1," digits ") END"
#define GT_VOIDED_PLACES \
	"(c.code" GT_VOIDED_ABOVE("2") GT_VOIDED_ABOVE("4") \
	GT_VOIDED_ABOVE("6") GT_VOIDED_ABOVE("9") GT_VOIDED_ABOVE("12") ")"
#define GT_VOIDED_BY(how) \
	"EXISTS(SELECT 1 FROM stream c CROSS JOIN voids v WHERE" \
	" c.sid=r.stream AND v.target=r.id AND v.how=" how

/* Of record r; may(flags) is SQL that looks once more at one, v, of how it was
 * handed in, c, and ends with a bracket. */
#define GT_VOIDED(may) \
	"r.flags&1=0 AND EXISTS(SELECT 1 FROM voids WHERE target=r.id)" \
	" AND (EXISTS(SELECT 1 FROM voids WHERE target=r.id AND how=2) OR " \
	GT_VOIDED_BY("0 AND v.code=c.code AND v.authority=r.authority") \
	may("0") " OR " \
	GT_VOIDED_BY("1 AND v.code IN" GT_VOIDED_PLACES) may("4") ")"
/* clang-format on */

#endif
