/* store_inside.h: what the files of runs.h share. */
#ifndef GT_STORE_INSIDE_H
#define GT_STORE_INSIDE_H

#include "runs.h"
#include "store.h"

/* ------------------------------------------------- blocks, run_block.c */

enum {
	/* with it a block's row, a group's row, fill a page of 4 KiB */
	GT_BLOCK_BYTES = 4048,
	GT_GUIDE_BYTES = 3984,
	GT_BLOCK_ENTRIES = 2048, /* at most: two bytes each */
	GT_GROUP_BLOCKS = 16,
	GT_GROUP_NAMES = 2900, /* with so many a group of names ends */
};

/* A block being written. */
struct gt_block_make {
	uint8_t b[GT_BLOCK_BYTES];
	size_t at;
	unsigned n, width; /* bytes of each value */
	struct gt_run_entry first, last;
};
void gt_block_begin(struct gt_block_make *m, unsigned width);
/* False: it has no room for e, which comes behind all that is in it. */
bool gt_block_add(struct gt_block_make *m, const struct gt_run_entry *e);
/* Its bytes. */
struct gt_bytes gt_block_end(struct gt_block_make *m);
/* The entries of a block, in order: how many, or -GT_EDAMAGED. out has room for
 * GT_BLOCK_ENTRIES. */
int gt_block_read(struct gt_bytes block, struct gt_run_entry *out);

/* A group being written: whole blocks, and then the guide to them. */
struct gt_group_make {
	struct gt_block_make block; /* the last of them */
	uint8_t blocks[GT_GROUP_BLOCKS][GT_BLOCK_BYTES];
	size_t bytes[GT_GROUP_BLOCKS];
	struct gt_run_entry first[GT_GROUP_BLOCKS];
	unsigned nblocks, n, nhash;
	bool names;
	uint64_t hash[GT_GROUP_NAMES + GT_BLOCK_ENTRIES];
	uint8_t guide[GT_GUIDE_BYTES];
};
/* names: with a filter. */
void gt_group_begin(struct gt_group_make *m, bool names, unsigned width);
/* False: it is full, and e belongs into the next one. */
bool gt_group_add(struct gt_group_make *m, const struct gt_run_entry *e);
/* The guide to its blocks, which are whole then; there is one at least. */
struct gt_bytes gt_group_end(struct gt_group_make *m);

/* What a guide says. */
struct gt_guide {
	unsigned nblocks;
	const uint8_t *first, *filter;
	size_t filter_bytes;
};
/* False: it is none. */
bool gt_guide_read(struct gt_guide *g, struct gt_bytes bytes);
/* Which block the key would be in; -1: it lies before all of them. */
int gt_guide_block(const struct gt_guide *g, uint64_t hi, uint64_t lo);
/* The first key of a block. */
struct gt_run_entry gt_guide_first(const struct gt_guide *g, unsigned block);
/* False: the name is not in the group. */
bool gt_guide_may(const struct gt_guide *g, uint64_t hi, uint64_t lo);
/* -1, 0, 1: the order of two keys. */
int gt_run_compare(const struct gt_run_entry *a, const struct gt_run_entry *b);
/* 16 bytes of a key, as SQLite orders them; and back. */
void gt_run_key(uint8_t out[16], uint64_t hi, uint64_t lo);
struct gt_run_entry gt_run_unkey(const uint8_t key[16]);
/* A check sum of bytes. */
uint32_t gt_run_sum(const uint8_t *p, size_t n);

/* ------------------------------------------------------- the sets */

#define GT_RUN_STATEMENTS(X)                                                 \
	X(RUNS, "SELECT run,kind,level,place,n,low,high,state,target,cursor" \
	        " FROM run ORDER BY kind,place DESC,run")                    \
	X(RUN_NEW, "INSERT INTO run(kind,level,place,n,low,high,state,"      \
	           "target) VALUES(?1,?2,?3,?4,?5,?6,?7,0)")                 \
	X(RUN_TARGET, "UPDATE run SET target=?2 WHERE run=?1")               \
	X(RUN_CURSOR, "UPDATE run SET cursor=?2,n=?3 WHERE run=?1")          \
	X(RUN_STATE, "UPDATE run SET state=?2,cursor=NULL WHERE run=?1")     \
	X(RUN_MERGED, "UPDATE run SET state=2 WHERE target=?1")              \
	X(RUN_CLEAR, "UPDATE run SET state=2 WHERE kind=?1")                 \
	X(RUN_COUNT, "UPDATE run SET n=max(0,n+?2) WHERE run=?1")            \
	X(RUN_DELETE, "DELETE FROM run WHERE run=?1")                        \
	X(GROUP_NEW, "INSERT INTO run_group(run,first,n,guide)"              \
	             " VALUES(?1,?2,?3,?4)")                                 \
	X(GROUP_PUT, "UPDATE run_group SET first=?2,n=?3,guide=?4"           \
	             " WHERE gid=?1")                                        \
	X(GROUP_OF, "SELECT gid,guide FROM run_group INDEXED BY run_first"   \
	            " WHERE run=?1 AND first<=?2 ORDER BY first DESC"        \
	            " LIMIT 1")                                              \
	X(GROUP_BEHIND, "SELECT gid,guide FROM run_group INDEXED BY"         \
	                " run_first WHERE run=?1 AND first>?2"               \
	                " ORDER BY first LIMIT 1")                           \
	X(GROUP_GET, "SELECT gid,guide FROM run_group WHERE gid=?1")         \
	X(GROUPS, "SELECT gid,first FROM run_group INDEXED BY run_first"     \
	          " WHERE run=?1 ORDER BY first")                            \
	X(GROUP_ANY, "SELECT gid FROM run_group INDEXED BY run_first"        \
	             " WHERE run=?1 LIMIT 1")                                \
	X(GROUP_DELETE, "DELETE FROM run_group WHERE gid=?1")                \
	X(BLOCK_PUT, "INSERT OR REPLACE INTO run_block VALUES(?1,?2)")       \
	X(BLOCK_GET, "SELECT body FROM run_block WHERE bid=?1")              \
	X(BLOCKS_DELETE, "DELETE FROM run_block WHERE bid>=?1 AND bid<?2")   \
	X(TAIL_PUT, "INSERT INTO run_tail(kind,n,body) VALUES(?1,?2,?3)")    \
	X(TAIL, "SELECT tid,n,body FROM run_tail WHERE kind=?1"              \
	        " ORDER BY tid")                                             \
	X(TAIL_SET, "UPDATE run_tail SET n=?2,body=?3 WHERE tid=?1")         \
	X(TAIL_CLEAR, "DELETE FROM run_tail WHERE kind=?1")

enum gt_run_sql {
#define X(name, text) GT_RUN_SQL_##name,
	GT_RUN_STATEMENTS(X)
#undef X
	        GT_RUN_SQL_COUNT
};

enum gt_run_state {
	GT_RUN_WHOLE = 0,
	GT_RUN_MAKING = 1, /* what is in it is in its sources too */
	GT_RUN_GONE = 2,   /* all of it is in another; to be removed */
};

enum {
	GT_RUN_FAN = 8,       /* of a level become one */
	GT_RUN_LEVELS = 12,   /* no higher */
	GT_TAIL_ROWS = 1024,  /* with more, or more entries, it becomes a run */
	GT_TAIL_NAMES = 8192, /* entries */
	GT_TAIL_TERMS = 49152,
	GT_RUN_GUIDES = 8192, /* remembered at most, of 4 KiB each */
};

struct gt_run_top {
	uint64_t hi, lo;
	int64_t gid;
};

struct gt_run {
	int64_t run;
	enum gt_run_kind kind;
	int level;
	int64_t place, n;
	uint64_t low, high; /* values; of postings their numbers */
	enum gt_run_state state;
	int64_t target; /* is merged into that one; 0: into none */
	bool begun;     /* of one being made: something is in it, up to */
	struct gt_run_entry cursor;
	struct gt_run_top *top; /* its groups; NULL: not read yet */
	size_t ntop;
};

/* Entries in memory. */
struct gt_run_list {
	struct gt_run_entry *v;
	size_t n, cap;
};

struct gt_run_merge;

struct gt_runs {
	sqlite3 *db;
	sqlite3_stmt *st[GT_RUN_SQL_COUNT];
	bool keep, known; /* v is what the database has */
	size_t most_rows, most_names, most_terms; /* of a tail */
	struct gt_run *v;                         /* by set, the newest first */
	size_t n, cap;
	/* put in since the last commit, and (names) all of the tail by key,
	 * if known: open addressing, value 0: empty; < 0: gone */
	struct gt_run_list fresh[GT_RUN_KINDS], tail[GT_RUN_KINDS];
	bool tail_known[GT_RUN_KINDS]; /* ... and the two below */
	size_t tail_rows[GT_RUN_KINDS], tail_n[GT_RUN_KINDS];
	struct gt_run_guide {
		int64_t gid; /* 0: none */
		size_t n;
		uint8_t *b;
	} * guides; /* GT_RUN_GUIDES of them, by gid; NULL: none yet */
	uint8_t guide[GT_GUIDE_BYTES]; /* of who keeps none */
	struct gt_run_entry *block;    /* GT_BLOCK_ENTRIES, the last one read */
	struct gt_group_make *make;
	struct gt_run_merge *merge;
	enum gt_run_kind damaged;
	char why[200];
};

/* A group of a run. */
struct gt_run_group {
	int64_t gid;
	struct gt_guide guide; /* good until the next is found */
};

static inline bool gt_run_names(enum gt_run_kind kind)
{
	return kind != GT_RUN_TERM;
}

/* A statement, bound anew: letters as gt_store_bind's (i, b). NULL: the next
 * step says why. */
sqlite3_stmt *gt_runs_bind(struct gt_runs *r, enum gt_run_sql q,
                           const char *types, ...);
/* 1, 0, -GT_ESTORE. */
int gt_runs_step(struct gt_runs *r, enum gt_run_sql q);
/* Steps one that returns no row. 0, -GT_ESTORE. */
int gt_runs_run(struct gt_runs *r, enum gt_run_sql q);
void gt_runs_reset(struct gt_runs *r, enum gt_run_sql q);
/* Says what is damaged; -GT_EDAMAGED. */
int gt_runs_rotten(struct gt_runs *r, enum gt_run_kind kind, int64_t run,
                   int64_t gid, const char *what);
/* What is known of runs is not any more. */
void gt_runs_forget_all(struct gt_runs *r);
/* Reads the list of runs if it is not known. */
int gt_runs_know(struct gt_runs *r);
/* The group in which a key would be: 1, 0: it lies before all of them. */
int gt_runs_group(struct gt_runs *r, const struct gt_run *run, uint64_t hi,
                  uint64_t lo, struct gt_run_group *g);
/* The same, by what is kept in memory, if anything is. */
int gt_runs_known_group(struct gt_runs *r, struct gt_run *run, uint64_t hi,
                        uint64_t lo, struct gt_run_group *g);
/* run->top is there. */
int gt_runs_top(struct gt_runs *r, struct gt_run *run);
/* The first group that begins behind a key: 1, 0: none does. */
int gt_runs_behind(struct gt_runs *r, const struct gt_run *run, uint64_t hi,
                   uint64_t lo, struct gt_run_group *g);
/* The entries of a block of a group; how many. */
int gt_runs_block(struct gt_runs *r, const struct gt_run *run, int64_t gid,
                  unsigned block, struct gt_run_entry *out);
/* r->block is there; -GT_ENOMEM. */
int gt_runs_buffer(struct gt_runs *r);

/* Lists of entries: appends; false: out of memory. */
bool gt_run_push(struct gt_run_list *l, struct gt_run_entry e);
/* Gives its memory back. */
void gt_run_drop(struct gt_run_list *l);
/* The order of keys; those of the same key keep theirs. -GT_ENOMEM. */
int gt_run_sort(struct gt_run_list *l);
/* Of a sorted one, of those of the same key the last is left. */
void gt_run_newest(struct gt_run_list *l);

/* What is in a set's tail is known in memory (of who keeps it). */
int gt_runs_know_tail(struct gt_runs *r, enum gt_run_kind kind);
/* All of it, in the order of keys, of two that are the same the newer one. The
 * list is to be dropped, whatever comes. */
int gt_runs_tail(struct gt_runs *r, enum gt_run_kind kind,
                 struct gt_run_list *out);
/* Each entry of its rows, in the order in which they came, until look returns
 * something else than 0, which is returned; *rows: how many there were. */
int gt_runs_each_of_tail(struct gt_runs *r, enum gt_run_kind kind,
                         gt_runs_look *look, void *arg, size_t *rows);
/* The postings of one term in the tail, in order, put behind what out has. */
int gt_runs_tail_of(struct gt_runs *r, uint64_t hash, struct gt_run_list *out);
/* 1: a name is in it (*value > 0), or was and is in the runs no more (< 0). */
int gt_runs_in_tail(struct gt_runs *r, enum gt_run_kind kind, uint64_t hi,
                    uint64_t lo, int64_t *value);
/* A row more. */
int gt_runs_put_tail(struct gt_runs *r, enum gt_run_kind kind,
                     const struct gt_run_list *l);
/* The key is in none of its rows, nor in memory. */
int gt_runs_erase_tail(struct gt_runs *r, enum gt_run_kind kind, uint64_t hi,
                       uint64_t lo);

/* Bytes that numbers up to that one need. */
unsigned gt_run_width(uint64_t most);
/* r->make is there; -GT_ENOMEM. */
int gt_runs_make(struct gt_runs *r);
/* Writes r->make as a group of the run, gid 0: a new one, and begins anew. */
int gt_runs_write(struct gt_runs *r, const struct gt_run *run, unsigned width,
                  int64_t gid);
/* A group and its blocks leave. */
int gt_runs_remove(struct gt_runs *r, int64_t gid);
/* A group was changed or removed: it is not remembered. */
void gt_runs_forget(struct gt_runs *r, int64_t gid);
/* Ends what is in memory of a merge; NULL is fine. */
void gt_run_merge_free(struct gt_run_merge *m);

#endif
