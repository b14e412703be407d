/* runs.h: ordered sets of small keys that grow by millions: log-structured
 * sorted runs inside the database.
 *
 * A B-tree on random keys has a page to write for every key as soon as it is
 * larger than the cache. Here what a turn puts into a set is one row of a
 * *tail*, in the order in which it came. A tail that has grown is sorted and
 * written as a *run*, which never changes; eight runs of a level become one of
 * the next (gt_runs_work), a bounded piece of work a turn. So each key is
 * written some five times in its life, one behind the other.
 *
 * A run lies in *blocks* of a page each, up to sixteen of them in a *group*,
 * whose guide has the first key of each block and, of a set of names, a Bloom
 * filter (10 bits a key: of a hundred names that are not there one costs a
 * block). A key is written as what it differs by from the one before it: a
 * random name of 16 bytes and a number of 3 take 17 bytes among ten million, a
 * hash and number of a posting list 2 to 4.
 *
 *     run        one for each run: which set, its level, its place in age
 *     run_group  its groups, with the index that finds a key's
 *     run_block  their blocks; bid = gid * 16 + which
 *     run_tail   what came since
 *
 * All of it is in the turn's transaction: a turn that never was leaves nothing
 * here, also of a merge. Readers on other connections see a whole state at any
 * moment, within one transaction of theirs. Whoever is killed goes on merging
 * where the last commit was. Everything here can be made anew from the records
 * it speaks of (records/ids.h), and is: a block that is not what was
 * written (-GT_EDAMAGED) names itself, and gt_runs_clear begins anew.
 *
 * What is put under a key that is there takes its place, in a set of names.
 * gt_runs_erase takes a key out of every block, filter and guide; pages that
 * become free are the database's to wipe.
 *
 * Measured by tests/bench/b_records.c: see README, Decisions.
 * Tests: u_runs.c, u_run_block.c. */
#ifndef GT_RUNS_H
#define GT_RUNS_H

#include <sqlite3.h>

#include "base.h"

/* The sets. Of names: each key once, with a number; and of postings: keys
 * alone, which are looked through in order. The numbers are in databases. */
enum gt_run_kind {
	GT_RUN_ID = 1,   /* statement id: seq */
	GT_RUN_KEY = 2,  /* stream, number in it: seq */
	GT_RUN_TERM = 3, /* hash of a term, seq */
	GT_RUN_KINDS = 4
};

/* A key of 16 bytes, as two numbers; value > 0, of a name. */
struct gt_run_entry {
	uint64_t hi, lo;
	int64_t value;
};

struct gt_runs;

/* The sets of a database, whose connection must live longer. keep: it is the
 * one connection that writes, and keeps in memory what it asks often: filters,
 * at most 32 MiB, as far as they are used. NULL: out of memory. */
struct gt_runs *gt_runs_new(sqlite3 *db, bool keep);
void gt_runs_free(struct gt_runs *r); /* NULL is fine */
/* Of a reader: a transaction begins; what is known of the last one is not
 * believed any more. */
void gt_runs_fresh(struct gt_runs *r);
/* Nothing is asked for a while: gives back the memory that only makes it
 * quick. */
void gt_runs_rest(struct gt_runs *r);
/* Behind -GT_EDAMAGED and -GT_ESTORE: what it was, for people. */
const char *gt_runs_why(const struct gt_runs *r);
/* Behind -GT_EDAMAGED: which set. */
enum gt_run_kind gt_runs_damaged(const struct gt_runs *r);

/* Each of the following returns 0 (or what it says), -GT_ENOMEM, -GT_ESTORE,
 * -GT_EDAMAGED. Those that write need `keep` and a transaction. */

/* Puts it in; here it is seen at once, elsewhere and for ever once
 * gt_runs_commit has been called and the transaction is. */
int gt_runs_put(struct gt_runs *r, enum gt_run_kind kind,
                struct gt_run_entry e);
/* How much was put in since the last gt_runs_commit. */
size_t gt_runs_waiting(const struct gt_runs *r);
/* The end of a turn: writes what was put in since the last one. */
int gt_runs_commit(struct gt_runs *r);
/* 1 with *value: a name is there; 0: it is not. */
int gt_runs_get(struct gt_runs *r, enum gt_run_kind kind, uint64_t hi,
                uint64_t lo, int64_t *value);
/* Takes a key out, wherever it is; of what was put in this turn too. */
int gt_runs_erase(struct gt_runs *r, enum gt_run_kind kind, uint64_t hi,
                  uint64_t lo);
/* Nothing is in the set any more. What it took is given back by
 * gt_runs_work. */
int gt_runs_clear(struct gt_runs *r, enum gt_run_kind kind);
/* Merges, and gives back what was merged, up to so many groups each (of some
 * 3,000 names, 20,000 postings; 1 to 3 ms). *more: there is more to do. */
int gt_runs_work(struct gt_runs *r, unsigned groups, bool *more);
/* Shows every entry of a set to `look`, in no order, one that was put twice
 * perhaps twice, also of a database that is damaged: *bad, pieces that cannot
 * be read. 0, what look returned if that is not 0, -GT_ENOMEM. */
typedef int gt_runs_look(void *arg, const struct gt_run_entry *e);
int gt_runs_each(struct gt_runs *r, enum gt_run_kind kind, gt_runs_look *look,
                 void *arg, size_t *bad);
/* How many keys were put into a set and not taken out, as far as is known
 * without looking: those put twice count twice. */
int gt_runs_count(struct gt_runs *r, enum gt_run_kind kind, int64_t *n);

/* --------------------------------------------------------- postings */

/* The numbers of one term, in order. */
struct gt_postings;

/* Those of `hash`; NULL: out of memory. */
struct gt_postings *gt_postings_new(struct gt_runs *r, uint64_t hash);
void gt_postings_free(struct gt_postings *p); /* NULL is fine */
/* The greatest that is not above seq, or (up) the least that is not below it:
 * 1 with *found, 0: there is none; or negative, as above. What was put in this
 * turn is not seen. */
int gt_postings_seek(struct gt_postings *p, int64_t seq, bool up,
                     int64_t *found);
/* How many blocks have been read for it. */
unsigned gt_postings_cost(const struct gt_postings *p);

#endif
