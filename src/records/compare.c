/* compare.c: the child's end of a comparison (compare.h): before records are
 * sent that the parent may have, it is asked which of them it has not.
 *
 * One question is on its way at a time: the next stretches, and the names of the
 * blocks that were found to differ by the last one. What of the records up to
 * `limit`, the last that was here when it began, is not said to be there is
 * sent. Where a layer demands anything of records on their way none is named, nor
 * is any block: a mark or a form tells whoever guesses what it was made of.
 * Tests: u_compare.c, u_leave.c. */
#include "compare.h"

#include <stdlib.h>
#include <string.h>

enum { CODES = 4096 /* looked for in a turn */ };

/*   1. 0 <= known <= limit
 *   2. rows and fates stay as they are while a question is on its way */
struct gt_compare {
	int64_t limit;
	bool busy, asked;
	/* what is to be asked for next: of that origin, from that number on; ""
	 * before the first, `end` behind the last */
	char code[GT_CODE_MAX + 1];
	int64_t next;
	bool end;
	/* the stretches on their way */
	struct gt_named *rows;
	size_t nrows;
	uint32_t blocks;
	/* numbers of those whose names are; and will be */
	int64_t *named;
	size_t nnamed;
	uint8_t *names; /* to be told */
	uint64_t known;
	uint8_t *there; /* a bit for each up to limit */
};

static void set(struct gt_compare *c, int64_t seq)
{
	c->there[seq / 8] |= (uint8_t)(1 << seq % 8);
	c->known++;
}

/* Nothing is found out any more; what was found stays. */
static void rest(struct gt_compare *c)
{
	c->busy = c->asked = false;
	free(c->rows);
	free(c->named);
	free(c->names);
	c->rows = NULL;
	c->named = NULL;
	c->names = NULL;
}

void gt_compare_free(struct gt_compare *c)
{
	if (!c)
		return;
	rest(c);
	free(c->there);
	free(c);
}

void gt_compare_end(struct gt_node *n)
{
	gt_compare_free(n->records->compare);
	n->records->compare = NULL;
}

/* As far as is known of any parent. */
static int64_t handed(const struct gt_records *r)
{
	int64_t most = r->high > r->root ? r->high : r->root;
	return r->hop > most ? r->hop : most;
}

int gt_compare_begin(struct gt_node *n, int64_t theirs)
{
	struct gt_records *r = n->records;
	gt_compare_end(n);
	if (!gt_version_compares(n->up->version) ||
	    r->seq - theirs < GT_COMPARE_LEAST ||
	    (theirs >= handed(r) && !r->recalls) || gt_record_keeps(n))
		return 0;
	struct gt_compare *c = calloc(1, sizeof *c);
	if (!c)
		return -GT_ENOMEM;
	r->compare = c;
	c->busy = true;
	c->limit = r->seq < GT_COMPARE_MAX ? r->seq : GT_COMPARE_MAX;
	c->there = calloc((size_t)c->limit / 8 + 1, 1);
	c->rows = malloc(GT_NAMES_MAX * sizeof *c->rows);
	c->named = malloc(GT_NAMES_MAX * sizeof *c->named);
	c->names = malloc((size_t)GT_NAMES_MAX * GT_NAME_BYTES);
	return c->there && c->rows && c->named && c->names ? 0 : -GT_ENOMEM;
}

bool gt_compare_there(const struct gt_node *n, int64_t seq)
{
	const struct gt_compare *c = n->records->compare;
	return c && seq > 0 && seq <= c->limit &&
	       c->there[seq / 8] >> seq % 8 & 1;
}

int64_t gt_compare_past(const struct gt_node *n, int64_t seq)
{
	while (gt_compare_there(n, seq + 1))
		seq++;
	return seq;
}

int64_t gt_compare_run(const struct gt_node *n, int64_t seq, int64_t most)
{
	const struct gt_compare *c = n->records->compare;
	int64_t run = 0;
	if (!c)
		return most;
	while (run < most && !gt_compare_there(n, seq + run) &&
	       seq + run <= c->limit)
		run++;
	return seq + run > c->limit ? most : run;
}

/* -------------------------------------------------------------- to ask */

/* Where the next stretch begins; c->end: there is none. */
static int seek(struct gt_node *n, struct gt_compare *c, int *looks,
                bool *found)
{
	*found = false;
	sqlite3_stmt *st;
	if (*c->code) {
		st = gt_store_bind(n->store, GT_SQL_COMPARE_NEXT, "ti", c->code,
		                   c->next);
		int row = gt_store_step(n->store, GT_SQL_COMPARE_NEXT);
		int64_t next = row == 1 ? gt_col_int(st, 0) : 0;
		gt_store_reset(n->store, GT_SQL_COMPARE_NEXT);
		*found = next > 0 && next <= INT64_MAX / 4;
		if (*found)
			c->next = next - next % GT_BLOCK_SEQS;
		if (row < 0 || *found)
			return row < 0 ? row : 0;
	}
	--*looks;
	st = gt_store_bind(n->store, GT_SQL_COMPARE_CODE, "t", c->code);
	int row = gt_store_step(n->store, GT_SQL_COMPARE_CODE);
	/* a code that was damaged does not fit, and is the last */
	c->end = row != 1 ||
	         !gt_copy(c->code, sizeof c->code, gt_col_text(st, 0));
	c->next = 1;
	gt_store_reset(n->store, GT_SQL_COMPARE_CODE);
	return row < 0 ? row : 0;
}

/* The rows that are to be told of, in the stretch from c->next on. What does not
 * fit goes into the next question; what fits into none is not asked for. */
static int fill(struct gt_node *n, struct gt_compare *c, uint32_t count,
                int64_t *streams, size_t *got)
{
	struct gt_named *v = c->rows + c->nrows;
	bool alone = *streams == GT_COMPARE_STREAMS && c->nrows == 0, all;
	size_t all_rows, kept = 0;
	int status = gt_compare_read(n, c->code, c->next, count, c->blocks, v,
	                             GT_NAMES_MAX - c->nrows, &all_rows,
	                             streams, &all);
	for (size_t i = 0; status == 0 && all && i < all_rows; i++)
		if (v[i].seq > 0 && v[i].seq <= c->limit)
			v[kept++] = v[i];
	*got = kept;
	if (all)
		c->next += (int64_t)count * GT_BLOCK_SEQS;
	else if (alone)
		c->next = INT64_MAX / 2;
	else
		*streams = 0;
	return status;
}

/* One stretch more, as long as its last block that is not empty. */
static int add(struct gt_node *n, struct gt_compare *c, Gt__Compare *m,
               int64_t *streams)
{
	uint32_t room = GT_BLOCKS_MAX - c->blocks;
	uint32_t count = room < GT_BLOCKS ? room : GT_BLOCKS;
	struct gt_named *v = c->rows + c->nrows;
	size_t got, at = 0;
	int64_t first = c->next;
	int status = fill(n, c, count, streams, &got);
	if (status != 0 || got == 0)
		return status;
	count = v[got - 1].block - c->blocks + 1;
	Gt__Stretch *s = gt_arena_get(n->arena, sizeof *s);
	uint8_t *marks = gt_arena_get(n->arena, count * GT_BLOCK_MARK);
	if (!s || !marks)
		return -GT_ENOMEM;
	for (uint32_t b = 0; b < count; b++) {
		size_t k = gt_compare_rows(v, got, &at, c->blocks + b);
		gt_compare_mark(marks + b * GT_BLOCK_MARK, v + at, k);
	}
	gt__stretch__init(s);
	s->origin = gt_arena_str(n->arena, c->code);
	if (!s->origin)
		return -GT_ENOMEM;
	s->first = (uint64_t)first;
	s->marks = (ProtobufCBinaryData){count * GT_BLOCK_MARK, marks};
	m->stretches[m->n_stretches++] = s;
	c->blocks += count;
	c->nrows += got;
	return 0;
}

static int gather(struct gt_node *n, struct gt_compare *c, Gt__Compare *m)
{
	int64_t streams = GT_COMPARE_STREAMS;
	int looks = CODES, status = 0;
	c->nrows = 0;
	c->blocks = 0;
	m->stretches =
	        gt_arena_get(n->arena, GT_STRETCHES_MAX * sizeof *m->stretches);
	if (!m->stretches)
		return -GT_ENOMEM;
	while (status == 0 && !c->end && looks > 0 && streams > 0 &&
	       c->blocks < GT_BLOCKS_MAX && c->nrows < GT_NAMES_MAX &&
	       m->n_stretches < GT_STRETCHES_MAX) {
		bool found;
		status = seek(n, c, &looks, &found);
		if (status == 0 && found)
			status = add(n, c, m, &streams);
	}
	return status;
}

static int tell(struct gt_node *n, const struct gt_compare *c)
{
	return c->known == 0 ? 0
	                     : gt_log(n, GT_LOG_INFO,
	                              "%s has %llu of the %lld records here: "
	                              "the others are sent",
	                              n->up->code, (unsigned long long)c->known,
	                              (long long)n->records->seq);
}

static int ask(struct gt_node *n, struct gt_compare *c)
{
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Compare m = GT__COMPARE__INIT;
	struct gt_asking a = {.what = GT_ASKED_COMPARE};
	const struct gt_compare was = *c;
	bool full;
	int status = gather(n, c, &m);
	if (status != 0)
		return status;
	if (c->end && m.n_stretches == 0 && c->nnamed == 0) {
		rest(c);
		return tell(n, c);
	}
	m.names = (ProtobufCBinaryData){c->nnamed * GT_NAME_BYTES, c->names};
	q.body_case = GT__REQUEST__BODY_COMPARE;
	q.compare = &m;
	status = gt_ask(n, &q, &a, &full);
	if (full) /* asked when there is room */
		*c = was;
	else
		c->asked = true;
	return status;
}

int gt_compare_go(struct gt_node *n, bool *busy)
{
	struct gt_compare *c = n->records->compare;
	int status = c && c->busy && !c->asked ? ask(n, c) : 0;
	*busy = c && c->busy;
	return status;
}

/* ---------------------------------------------------------- the answer */

/* The names of a block that differs are told with the next question. */
static void name(struct gt_compare *c, const struct gt_named *v, size_t k)
{
	for (size_t i = 0; i < k && c->nnamed < GT_NAMES_MAX; i++) {
		c->named[c->nnamed] = v[i].seq;
		memcpy(c->names + c->nnamed * GT_NAME_BYTES, v[i].name,
		       GT_NAME_BYTES);
		c->nnamed++;
	}
}

int gt_records_compared(struct gt_node *n, const Gt__Compared *m)
{
	struct gt_compare *c = n->records->compare;
	size_t at = 0;
	if (!c || !c->asked)
		return 0;
	c->asked = false;
	if (m->fates.len != c->blocks || m->wanted.len != (c->nnamed + 7) / 8)
		return gt_drop(n, n->up,
		               "malformed answer to a comparison of records");
	for (size_t i = 0; i < c->nnamed; i++)
		if (!(m->wanted.data[i / 8] >> i % 8 & 1))
			set(c, c->named[i]);
	c->nnamed = 0;
	for (uint32_t b = 0; b < c->blocks; b++) {
		size_t k = gt_compare_rows(c->rows, c->nrows, &at, b);
		if (m->fates.data[b] == GT__FOUND_THERE__OTHER)
			name(c, c->rows + at, k);
		for (size_t i = 0;
		     m->fates.data[b] == GT__FOUND_THERE__ALL && i < k; i++)
			set(c, c->rows[at + i].seq);
	}
	return 0;
}
