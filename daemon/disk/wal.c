#include "wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sums.h"
#include "sys.h"

/* As SQLite has it: sqlite.org/fileformat2.html, section 4, and, of the index,
 * sqlite.org/walformat.html, section 2. */
enum {
	BEGIN = GT_WAL_BEGIN, /* magic, version, page, sequence, salt, sums */
	HEAD = 24,            /* page, size behind a commit, salt, sums */
	SALT = 8,
	MAGIC = 0x377f0682, /* of sums of little-endian words; + 1: big */
	VERSION = 3007000,
	PAGE_MIN = 512,
	PAGE_MAX = 65536,
	INDEX = 136, /* bytes of it that count */
	INDEX_HEAD = 48,
	PATH = GT_WAL_PATH,
};

struct sums {
	uint32_t s[2];
};

struct wal {
	int fd;
	bool big; /* its sums are of big-endian words */
	uint32_t page;
	uint8_t begin[BEGIN];
	uint8_t *frame;  /* HEAD and a page, and the same again for the next */
	uint32_t last;   /* a frame whose sums are known otherwise; 0: none */
	struct sums are; /* what they are */
};

/* What the file of sums knows. */
struct noted {
	bool here;
	enum gt_wal_run run;
	struct gt_sums_noted is;
};

/* What the index knows. Frames are counted from 1. */
struct index {
	bool here;
	uint32_t frames;    /* that are durable and promised */
	uint32_t copied;    /* that the database has */
	uint32_t attempted; /* that it may have some of */
	struct sums last;   /* of the last of the frames */
	uint8_t salt[SALT];
};

/* ------------------------------------------------------------- sums */

static uint32_t word_at(bool big, const uint8_t *p)
{
	return big ? gt_get32(p)
	           : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
	                       (uint32_t)p[1] << 8 | p[0];
}

static void word_put(bool big, uint8_t *p, uint32_t w)
{
	for (int i = 0; i < 4; i++)
		p[big ? 3 - i : i] = (uint8_t)(w >> 8 * i);
}

static void add(bool big, const uint8_t *p, size_t n, struct sums *k)
{
	for (size_t i = 0; i < n; i += 8) {
		k->s[0] += word_at(big, p + i) + k->s[1];
		k->s[1] += word_at(big, p + i + 4) + k->s[0];
	}
}

static struct sums sums_at(const uint8_t *p)
{
	return (struct sums){{gt_get32(p), gt_get32(p + 4)}};
}

static bool same(struct sums a, struct sums b)
{
	return a.s[0] == b.s[0] && a.s[1] == b.s[1];
}

/* Bytes of two that differ. */
static size_t differ(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += a[i] != b[i];
	return count;
}

/* -------------------------------------------------------- beginning */

static bool begins(const uint8_t b[BEGIN])
{
	uint32_t magic = gt_get32(b), page = gt_get32(b + 8);
	struct sums k = {{0, 0}};
	add(magic & 1, b, HEAD, &k);
	return (magic & ~1u) == MAGIC && gt_get32(b + 4) == VERSION &&
	       page >= PAGE_MIN && page <= PAGE_MAX &&
	       (page & (page - 1)) == 0 && same(k, sums_at(b + HEAD));
}

/* ------------------------------------------------------ one frame */

/* What its sums should be behind those of the frame before. */
static struct sums sums_of(const struct wal *w, const uint8_t *f,
                           struct sums before)
{
	add(w->big, f, 8, &before);
	add(w->big, f + HEAD, w->page, &before);
	return before;
}

static bool of_this_log(const struct wal *w, const uint8_t *f)
{
	return gt_get32(f) != 0 && memcmp(f + 8, w->begin + 16, SALT) == 0;
}

static bool fits(const struct wal *w, const uint8_t *f, struct sums before)
{
	return of_this_log(w, f) &&
	       same(sums_of(w, f, before), sums_at(f + 16));
}

static bool is_commit(const uint8_t *f)
{
	return gt_get32(f + 4) != 0;
}

/* x * inverse(x) = 1, modulo 2^32; x is odd. */
static uint32_t inverse(uint32_t x)
{
	uint32_t y = x;
	for (int i = 0; i < 4; i++) /* right bits: 3, 6, 12, 24, 48 */
		y *= 2 - x * y;
	return y;
}

static bool one_byte(uint32_t x)
{
	return (x & 0xff) == x || (x & 0xff00) == x || (x & 0xff0000) == x ||
	       (x & 0xff000000) == x;
}

/* Where the i-th word that has a sum lies in a frame. */
static uint8_t *word_of(uint8_t *f, size_t i)
{
	return i < 2 ? f + 4 * i : f + HEAD + 4 * (i - 2);
}

/* The sums are Fibonacci's: e too much in the m-th word from the end is F(m) e
 * too much in the second, F(m - 1) e in the first. Of F(m) and F(m - 1) one is
 * odd and says what e must be, the other whether it can. Counts the words of
 * which one byte may be wrong, and leaves the last such put right. */
static size_t mend_word(const struct wal *w, uint8_t *f, struct sums off)
{
	size_t words = 2 + w->page / 4, found = 0, at = 0;
	uint32_t less = 0, more = 1, right = 0; /* F(m - 1), F(m) */
	for (size_t m = 1; m <= words; m++) {
		uint32_t e = more & 1 ? off.s[1] * inverse(more)
		                      : off.s[0] * inverse(less);
		uint32_t is = word_at(w->big, word_of(f, words - m));
		if (less * e == off.s[0] && more * e == off.s[1] &&
		    one_byte(is ^ (is - e))) {
			found++;
			at = words - m;
			right = is - e;
		}
		uint32_t next = less + more;
		less = more;
		more = next;
	}
	if (found == 1)
		word_put(w->big, word_of(f, at), right);
	return found;
}

/* ---------------------------------------------------------- the log */

static uint64_t place(const struct wal *w, uint32_t frame)
{
	return BEGIN + (uint64_t)(frame - 1) * (HEAD + w->page);
}

/* 0; -GT_EDAMAGED: the file ends before. */
static int read_frame(const struct wal *w, uint32_t frame)
{
	return gt_sys_pread(w->fd, w->frame, HEAD + w->page, place(w, frame));
}

/* That these are the sums of the frame: the next was made with them, or they
 * are known. */
static bool confirmed(const struct wal *w, uint32_t frame, struct sums k)
{
	uint8_t *next = w->frame + HEAD + w->page;
	if (frame == w->last)
		return same(k, w->are);
	return gt_sys_pread(w->fd, next, HEAD + w->page, place(w, frame + 1)) ==
	               0 &&
	       fits(w, next, k);
}

/* Puts one byte of the frame right, if there is no doubt which. If one of its
 * sums is off by one byte, that may be it as well as one of a word: the last
 * one adds to the second sum alone. */
static bool mend_frame(const struct wal *w, uint32_t frame, struct sums before)
{
	uint8_t right[SALT], *f = w->frame;
	struct sums want = sums_of(w, f, before), is = sums_at(f + 16);
	size_t salt = differ(f + 8, w->begin + 16, SALT);
	gt_put32(right, want.s[0]);
	gt_put32(right + 4, want.s[1]);
	size_t sum = differ(f + 16, right, sizeof right);
	if (sum == 0 && salt == 1)
		memcpy(f + 8, w->begin + 16, SALT);
	if (sum == 0 || salt != 0)
		return fits(w, f, before);
	struct sums off = {{want.s[0] - is.s[0], want.s[1] - is.s[1]}};
	if (sum == 1 && confirmed(w, frame, want)) {
		memcpy(f + 16, right, sizeof right);
		return fits(w, f, before);
	}
	size_t found = mend_word(w, f, off);
	if (sum == 1 && found == 1 && !confirmed(w, frame, is))
		return false;
	if (sum == 1 && found == 0)
		memcpy(f + 16, right, sizeof right);
	return fits(w, f, before);
}

static void tell(struct gt_wal_found *out, uint32_t frame)
{
	if (out->mended++ < GT_WAL_TOLD)
		out->frames[out->mended - 1] = frame;
}

/* *good: the last frame of what is left, a commit; *end: the first that does
 * not fit, or is not there. mend: what the database has already is not worth
 * a guess, for a frame altered in two places can look like one altered in a
 * third. */
static int walk(const struct wal *w, bool mend, uint32_t *good, uint32_t *end,
                struct gt_wal_found *out)
{
	struct sums before = sums_at(w->begin + HEAD);
	int status;
	for (*end = 1; (status = read_frame(w, *end)) == 0; ++*end) {
		if (!fits(w, w->frame, before)) {
			if (!mend || !mend_frame(w, *end, before))
				return 0;
			status = gt_sys_pwrite(w->fd, w->frame, HEAD + w->page,
			                       place(w, *end));
			if (status != 0)
				return status;
			tell(out, *end);
		}
		before = sums_at(w->frame + 16);
		if (is_commit(w->frame))
			*good = *end;
	}
	return status == -GT_EDAMAGED ? 0 : status;
}

/* Whether a commit lies at `from` or behind, and a frame that fits what is
 * before it behind that. */
static bool went_on(const struct wal *w, uint32_t from)
{
	bool commit = false;
	struct sums before = {{0, 0}};
	for (uint32_t i = from; read_frame(w, i) == 0; i++) {
		bool known = i > from && fits(w, w->frame, before);
		if (known && commit)
			return true;
		bool here = of_this_log(w, w->frame) && (known || i == from);
		commit = commit || (here && is_commit(w->frame));
		before = sums_at(w->frame + 16);
	}
	return false;
}

/* ------------------------------------------------------------ index */

/* The index is of this machine: its words are as the machine has them. */
static uint32_t native(const uint8_t *p)
{
	uint32_t w;
	memcpy(&w, p, sizeof w);
	return w;
}

static bool index_head(const uint8_t *h)
{
	const uint32_t one = 1;
	uint8_t first;
	memcpy(&first, &one, 1);
	struct sums k = {{0, 0}};
	add(first == 0, h, INDEX_HEAD - 8, &k);
	return native(h) == VERSION && h[12] == 1 && k.s[0] == native(h + 40) &&
	       k.s[1] == native(h + 44);
}

static uint32_t greater(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Its head is there twice: who is killed in between leaves one. */
static void read_index(const char *database, struct index *out)
{
	char path[PATH];
	uint8_t p[INDEX];
	*out = (struct index){0};
	gt_format(path, sizeof path, "%s-shm", database);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool here = fd >= 0 && gt_sys_pread(fd, p, sizeof p, 0) == 0;
	if (fd >= 0)
		close(fd);
	const uint8_t *h = here && index_head(p) ? p : p + INDEX_HEAD;
	if (!here || !index_head(h))
		return;
	out->here = true;
	out->frames = native(h + 16);
	out->last = (struct sums){{native(h + 24), native(h + 28)}};
	memcpy(out->salt, h + 32, SALT);
	out->copied = native(p + 96);
	out->attempted = greater(native(p + 128), out->copied);
}

static bool is_of(const struct index *x, const uint8_t begin[BEGIN])
{
	return x->here && memcmp(x->salt, begin + 16, SALT) == 0;
}

/* What is noted of the log this database had last is an index too: all there is
 * where that one is gone, or of before. Behind an end in order another program
 * may have had the log since, and taken it away. */
static void add_note(const uint8_t begin[BEGIN], const struct noted *k,
                     struct index *x)
{
	const struct gt_sums_mark *m = &k->is.mark;
	bool noted = memcmp(begin, k->is.next, BEGIN) == 0;
	struct index y = {.here = k->here && m->frames > 0,
	                  .frames = m->frames,
	                  .copied = m->copied,
	                  .attempted = m->attempted,
	                  .last = sums_at(m->sums)};
	memcpy(y.salt, m->salt, SALT);
	if (!is_of(&y, k->is.next) || (k->run != GT_WAL_KILLED && !noted))
		return;
	if (!is_of(x, k->is.next) || x->frames < y.frames)
		*x = y;
}

/* ------------------------------------------------------------- look */

/* All of it the database has, or it is older than what the database has: it
 * goes, but for its beginning. */
static int drop(const struct wal *w)
{
	return w->fd < 0 || ftruncate(w->fd, BEGIN) == 0 ? 0
	                                                 : gt_sys_status(errno);
}

/* good: the last frame that is left of the log the index is of. Whether the
 * database lacks what is not. */
static bool lacks(const struct index *x, uint32_t good,
                  struct gt_wal_found *out)
{
	if (x->frames <= x->copied)
		return false;
	out->is = good < x->attempted ? GT_WAL_TANGLED : GT_WAL_LOST;
	out->lost = x->frames - greater(good, x->copied);
	return true;
}

static int judge(const struct wal *w, const struct index *x, uint32_t good,
                 struct gt_wal_found *out)
{
	if (good >= x->frames || lacks(x, good, out))
		return 0;
	if (out->altered)
		tell(out, out->altered);
	out->altered = 0;
	return drop(w);
}

/* The index is of another log: of the next, begun when the database had all of
 * this, with one more in its salt; or of one before, left behind when the power
 * went. What is noted of the log tells it from one of a run before, whose salt
 * may be any. */
static bool index_before(const struct wal *w, const struct index *x,
                         const struct noted *k)
{
	int32_t by = (int32_t)(gt_get32(w->begin + 16) - gt_get32(x->salt));
	return !x->here || (k->here ? by != -1 || x->frames > 0 : by > 0);
}

static int judge_other(const struct wal *w, const struct index *x,
                       const struct noted *k, struct gt_wal_found *out)
{
	if (index_before(w, x, k)) {
		if (out->altered)
			out->is = GT_WAL_LOST;
		return 0;
	}
	bool altered = out->altered;
	int status = judge(w, x, 0, out);
	if (status != 0 || out->is == GT_WAL_TANGLED)
		return status;
	if (out->is == GT_WAL_WHOLE && altered) {
		tell(out, out->altered);
		out->altered = 0;
	}
	return altered || out->is == GT_WAL_LOST ? drop(w) : 0;
}

/* It begins as no log of this database could. One that its index is of may be
 * that of a program without sums, if such a one ran last and was killed. */
static bool is_another(const struct wal *w, const struct index *x,
                       const struct noted *k)
{
	return k->here && memcmp(w->begin, k->is.next, BEGIN) != 0 &&
	       memcmp(w->begin, k->is.last, BEGIN) != 0 &&
	       (k->run != GT_WAL_KILLED_WITHOUT || !is_of(x, w->begin));
}

/* It begins as the log that was noted, and went on otherwise. */
static bool strays(const struct wal *w, const struct noted *k, uint32_t good)
{
	const struct gt_sums_mark *m = &k->is.mark;
	return k->here && memcmp(w->begin, k->is.next, BEGIN) == 0 &&
	       memcmp(m->salt, w->begin + 16, SALT) == 0 && m->frames > 0 &&
	       m->frames <= good && read_frame(w, m->frames) == 0 &&
	       memcmp(w->frame + 16, m->sums, sizeof m->sums) != 0;
}

/* Nothing is here of the log that was noted. */
static void judge_gone(const struct index *x, const struct noted *k,
                       struct gt_wal_found *out)
{
	if (is_of(x, k->is.next))
		(void)lacks(x, 0, out);
	else if (memcmp(k->is.next, k->is.last, BEGIN) == 0 &&
	         gt_get32(k->is.next) != 0 && k->run == GT_WAL_KILLED)
		out->is = GT_WAL_LOST;
}

/* Another's: its frames are not for this database. Of the last log, from which
 * the next was about to be begun, the database has all. */
static int look_aside(const struct wal *w, const struct index *x,
                      const struct noted *k, bool another,
                      struct gt_wal_found *out)
{
	struct stat st;
	judge_gone(x, k, out);
	if (out->is == GT_WAL_TANGLED)
		return 0;
	if (!another)
		return drop(w);
	if (fstat(w->fd, &st) != 0)
		return gt_sys_status(errno);
	if (st.st_size > BEGIN)
		gt_format(out->aside, sizeof out->aside, "aside");
	return 0;
}

/* What is read of the log is as its beginning says. */
static void begin_with(struct wal *w)
{
	w->big = gt_get32(w->begin) & 1;
	w->page = gt_get32(w->begin + 8);
}

/* Whether the first frame was made with this beginning; or, if it need not be
 * right itself, is of the log that begins so. None is of any. */
static bool is_followed(struct wal *w, bool right)
{
	begin_with(w);
	if (gt_sys_pread(w->fd, w->frame, HEAD, BEGIN) != 0)
		return true;
	return right ? read_frame(w, 1) == 0 &&
	                       fits(w, w->frame, sums_at(w->begin + HEAD))
	             : memcmp(w->frame + 8, w->begin + 16, SALT) == 0;
}

/* It is short: each byte is tried with each value. */
static bool try_begins(struct wal *w, bool right)
{
	for (int i = 0; i < BEGIN; i++) {
		uint8_t was = w->begin[i];
		for (int x = 1; x < 256; x++) {
			w->begin[i] = (uint8_t)(was ^ x);
			if (begins(w->begin) && is_followed(w, right))
				return true;
		}
		w->begin[i] = was;
	}
	return false;
}

/* What is altered in its sums may look like another salt: so it is put right as
 * it was noted, or as its first frame has it. */
static bool mend_begin(struct wal *w, const struct noted *k)
{
	if (!k->here || differ(w->begin, k->is.next, BEGIN) != 1)
		return try_begins(w, true) || try_begins(w, false);
	memcpy(w->begin, k->is.next, BEGIN);
	return begins(w->begin);
}

/* 1: there is a beginning; 0: none; or negative. */
static int look_at_begin(struct wal *w, const struct noted *k,
                         struct gt_wal_found *out)
{
	int status = w->fd < 0 ? -GT_EDAMAGED
	                       : gt_sys_pread(w->fd, w->begin, BEGIN, 0);
	if (status != 0)
		return status == -GT_EDAMAGED ? 0 : status;
	if (!begins(w->begin)) {
		if (!mend_begin(w, k))
			return 0;
		tell(out, 0);
		status = gt_sys_pwrite(w->fd, w->begin, BEGIN, 0);
	}
	begin_with(w);
	return status ? status : 1;
}

static int look_at_frames(struct wal *w, const struct index *x,
                          const struct noted *k, struct gt_wal_found *out)
{
	uint32_t good = 0, end = 1;
	bool ours = is_of(x, w->begin);
	w->last = ours ? x->frames : 0;
	w->are = x->last;
	bool needed = !ours || x->frames > x->copied;
	int status = walk(w, needed, &good, &end, out);
	if (status != 0)
		return status;
	if (strays(w, k, good))
		return look_aside(w, x, k, true, out);
	if (good == 0 && k->here)
		judge_gone(x, k, out);
	if (ours ? good < x->frames : went_on(w, end))
		out->altered = end;
	return ours ? judge(w, x, good, out) : judge_other(w, x, k, out);
}

static int look(struct wal *w, struct index *x, const struct noted *k,
                struct gt_wal_found *out)
{
	int begun = look_at_begin(w, k, out);
	add_note(w->begin, k, x);
	out->index = x->here;
	if (begun == 0 && k->here)
		judge_gone(x, k, out);
	if (begun <= 0)
		return begun ? begun : judge(w, x, 0, out);
	bool another = is_another(w, x, k);
	bool last = k->here && memcmp(w->begin, k->is.last, BEGIN) == 0 &&
	            memcmp(w->begin, k->is.next, BEGIN) != 0;
	return another || last ? look_aside(w, x, k, another, out)
	                       : look_at_frames(w, x, k, out);
}

/* An empty one takes its place: so the sums of the pages hold. */
static int put_aside(const char *path, const struct noted *k,
                     struct gt_wal_found *out)
{
	unsigned long long s = (unsigned long long)gt_sys_now().wall_ms / 1000;
	do /* two in a second have two names */
		gt_format(out->aside, sizeof out->aside, "%s.other-%llu", path,
		          s++);
	while (access(out->aside, F_OK) == 0);
	if (link(path, out->aside) != 0 || unlink(path) != 0)
		return gt_sys_status(errno);
	int how = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	int fd = open(path, how, 0600);
	if (fd < 0)
		return gt_sys_status(errno);
	int status = gt_get32(k->is.next) == 0
	                     ? 0
	                     : gt_sys_pwrite(fd, k->is.next, BEGIN, 0);
	int error = errno;
	close(fd);
	errno = error;
	return status ? status : gt_sys_sync_parent(AT_FDCWD, path);
}

int gt_wal_look(const char *database, enum gt_wal_run run,
                struct gt_wal_found *out)
{
	char path[PATH - 64];
	struct wal w = {0};
	struct index x = {0};
	struct noted k = {.run = run};
	struct stat st;
	memset(out, 0, sizeof *out);
	if (stat(database, &st) != 0 || st.st_size == 0)
		return 0;
	if (run != GT_WAL_RESTORED) {
		read_index(database, &x);
		k.here = gt_sums_noted(database, &k.is);
	}
	gt_format(path, sizeof path, "%s-wal", database);
	w.fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (w.fd < 0 && errno != ENOENT)
		return gt_sys_status(errno);
	w.frame = malloc(2 * (HEAD + PAGE_MAX));
	int status = w.frame ? look(&w, &x, &k, out) : -GT_ENOMEM;
	int error = errno;
	free(w.frame);
	if (w.fd >= 0)
		close(w.fd);
	errno = error;
	return status == 0 && out->aside[0] ? put_aside(path, &k, out) : status;
}

bool gt_wal_next(uint8_t begin[GT_WAL_BEGIN])
{
	struct sums k = {{0, 0}};
	if (!begins(begin))
		return false;
	gt_put32(begin + 16, gt_get32(begin + 16) + 1);
	add(gt_get32(begin) & 1, begin, HEAD, &k);
	gt_put32(begin + HEAD, k.s[0]);
	gt_put32(begin + HEAD + 4, k.s[1]);
	return true;
}

void gt_wal_why(char out[GT_WAL_WHY], enum gt_wal_did did, uint32_t frame)
{
	switch (did) {
	case GT_WAL_MENDED:
		gt_format(out, GT_WAL_WHY,
		          "frame %u of the log was altered on disk and was "
		          "mended",
		          frame);
		break;
	case GT_WAL_ALTERED:
		gt_format(out, GT_WAL_WHY,
		          "frame %u of the log is altered on disk", frame);
		break;
	case GT_WAL_OTHER:
		gt_format(out, GT_WAL_WHY,
		          "the log was another one and was put aside");
		break;
	case GT_WAL_CUT:
		gt_format(out, GT_WAL_WHY, "the log was cut short");
		break;
	}
}
