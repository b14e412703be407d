#include "disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

/* What a sector held when the file was last synced. */
struct old {
	size_t sector;
	uint8_t bytes[DISK_SECTOR];
};

/* Of sectors, by number. */
struct bits {
	uint8_t *p;
	size_t cap;
};

/* Bytes as programs see them; what the platter has is kept as the difference:
 * its size, and the old contents of each sector written since. */
struct disk_file {
	struct disk_file *next;
	char name[DISK_NAME];    /* live; "" if removed */
	char durable[DISK_NAME]; /* name after a power cut; "" if none */
	bool name_lost;          /* that the two differ a sync failed to mend */
	uint8_t *p;
	size_t n, cap;
	size_t safe; /* size when last synced */
	struct old *olds;
	size_t nolds, olds_cap;
	struct bits saved; /* that are among the olds */
	struct bits lost;  /* that a sync failed to write, and none will */
	bool any_lost;
	size_t dirty_from, dirty_to; /* written since the last sync */
	bool rotten;
	bool homeless; /* some of what is dirty was beyond the limit */
	bool dropped;  /* ... and the last sync let it go */
};

static void *must(void *p)
{
	assert(p);
	return p;
}

/* For n bytes; twice as much, or a file that grows is copied again and
 * again. */
static void reserve(struct disk_file *f, size_t n)
{
	if (n > f->cap) {
		f->cap = f->cap ? f->cap : 4096;
		while (f->cap < n)
			f->cap *= 2;
		f->p = must(realloc(f->p, f->cap));
	}
}

/* Zeros follow the old end. */
static void size(struct disk_file *f, size_t n)
{
	reserve(f, n);
	if (n > f->n)
		memset(f->p + f->n, 0, n - f->n);
	f->n = n;
}

/* ---------------------------------------------- what is not durable */

static bool has(const struct bits *b, size_t i)
{
	return i / 8 < b->cap && (b->p[i / 8] >> i % 8 & 1);
}

static void put(struct bits *b, size_t i)
{
	if (i / 8 >= b->cap) {
		size_t cap = 2 * b->cap > i / 8 ? 2 * b->cap : i / 8 + 1;
		b->p = must(realloc(b->p, cap));
		memset(b->p + b->cap, 0, cap - b->cap);
		b->cap = cap;
	}
	b->p[i / 8] |= (uint8_t)(1u << i % 8);
}

static void take(struct bits *b, size_t i)
{
	if (i / 8 < b->cap)
		b->p[i / 8] = (uint8_t)(b->p[i / 8] & ~(1u << i % 8));
}

static void clear(struct bits *b)
{
	free(b->p);
	*b = (struct bits){0};
}

static size_t sectors(size_t bytes)
{
	return (bytes + DISK_SECTOR - 1) / DISK_SECTOR;
}

static struct old *old_new(struct disk_file *f, size_t sector)
{
	put(&f->saved, sector);
	if (f->nolds == f->olds_cap) {
		f->olds_cap = f->olds_cap ? 2 * f->olds_cap : 8;
		f->olds = must(realloc(f->olds, f->olds_cap * sizeof *f->olds));
	}
	struct old *o = &f->olds[f->nolds++];
	*o = (struct old){.sector = sector};
	return o;
}

static void save_sector(struct disk_file *f, size_t sector)
{
	size_t at = sector * DISK_SECTOR, n = f->n - at;
	if (has(&f->saved, sector))
		return;
	memcpy(old_new(f, sector)->bytes, f->p + at,
	       n < DISK_SECTOR ? n : DISK_SECTOR);
}

/* Before bytes [from, to) change, or are cut off. */
static void save(struct disk_file *f, size_t from, size_t to)
{
	size_t end = to < f->safe ? to : f->safe;
	if (end > f->n)
		end = f->n;
	for (size_t s = from / DISK_SECTOR; s * DISK_SECTOR < end; s++)
		save_sector(f, s);
}

/* The platter is as programs see it. */
static void settled(struct disk_file *f)
{
	free(f->olds);
	clear(&f->saved);
	clear(&f->lost);
	f->olds = NULL;
	f->nolds = f->olds_cap = 0;
	f->any_lost = false;
	f->safe = f->n;
	f->dirty_from = f->dirty_to = 0;
	f->homeless = false;
}

static void dirty(struct disk_file *f, size_t from, size_t to)
{
	if (f->dirty_from >= f->dirty_to) {
		f->dirty_from = from;
		f->dirty_to = to;
		return;
	}
	if (from < f->dirty_from)
		f->dirty_from = from;
	if (to > f->dirty_to)
		f->dirty_to = to;
}

/* The platter's own contents of a sector that programs see otherwise. */
static void revert(struct disk_file *f, size_t sector, const uint8_t *bytes)
{
	size_t at = sector * DISK_SECTOR;
	if (at < f->n)
		memcpy(f->p + at, bytes,
		       f->n - at < DISK_SECTOR ? f->n - at : DISK_SECTOR);
}

static void revert_all(struct disk_file *f)
{
	size(f, f->safe);
	for (size_t i = 0; i < f->nolds; i++)
		revert(f, f->olds[i].sector, f->olds[i].bytes);
}

/* A sync failed: nothing of what was dirty is on the platter, and all of it
 * looks clean. */
static void lose(struct disk_file *f)
{
	for (size_t i = 0; i < f->nolds; i++)
		put(&f->lost, f->olds[i].sector);
	for (size_t s = sectors(f->safe); s < sectors(f->n); s++)
		put(&f->lost, s);
	f->any_lost = true;
}

static void found(struct disk_file *f, size_t from, size_t to)
{
	for (size_t s = from / DISK_SECTOR; f->any_lost && s < sectors(to); s++)
		take(&f->lost, s);
}

/* The size that a sync makes durable: none of what is lost lies at its end. */
static size_t safe_size(const struct disk_file *f)
{
	size_t safe = f->safe < f->n ? f->safe : f->n;
	for (size_t s = safe / DISK_SECTOR; s < sectors(f->n); s++)
		if (!has(&f->lost, s))
			safe = s + 1 == sectors(f->n) ? f->n
			                              : (s + 1) * DISK_SECTOR;
	return safe;
}

/* A sync went well: the platter is as programs see it but for what is lost. */
static void synced(struct disk_file *f)
{
	size_t kept = 0, n = f->n;
	if (!f->any_lost) {
		settled(f);
		return;
	}
	for (size_t i = 0; i < f->nolds; i++)
		if (has(&f->lost, f->olds[i].sector))
			f->olds[kept++] = f->olds[i];
		else
			take(&f->saved, f->olds[i].sector);
	f->nolds = kept;
	f->safe = safe_size(f);
	f->dirty_from = f->dirty_to = 0;
	for (size_t s = 0; s < sectors(n); s++) {
		if (!has(&f->lost, s))
			continue;
		if (s < sectors(f->safe) && !has(&f->saved, s))
			old_new(f, s); /* zeros, where none ever was */
		dirty(f, s * DISK_SECTOR,
		      s + 1 == sectors(n) ? n : (s + 1) * DISK_SECTOR);
	}
	f->homeless = false;
}

static void file_free(struct disk_file *f)
{
	settled(f);
	free(f->p);
	free(f);
}

void disk_free(struct disk *d)
{
	while (d->files) {
		struct disk_file *f = d->files;
		d->files = f->next;
		file_free(f);
	}
	d->used = 0;
}

static int fails(struct disk *d)
{
	if (!d->dead && ++d->calls == d->die_at)
		d->dead = true;
	return d->dead ? -GT_EIO : 0;
}

static struct disk_file *find(const struct disk *d, const char *name)
{
	for (struct disk_file *f = d->files; f; f = f->next)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

/* What is done to a name is written with its folder's next sync, whatever a
 * failed one made of what was done before. */
static void touch(struct disk *d, const char *name)
{
	for (struct disk_file *f = d->files; f; f = f->next)
		if (strcmp(f->name, name) == 0 || strcmp(f->durable, name) == 0)
			f->name_lost = false;
}

struct disk_file *disk_open(struct disk *d, const char *name, bool create)
{
	struct disk_file *f = find(d, name);
	if (f || !create || d->dead)
		return f;
	f = calloc(1, sizeof *f);
	assert(f);
	gt_copy(f->name, sizeof f->name, name);
	f->next = d->files;
	d->files = f;
	touch(d, name);
	return f;
}

/* Whether n more bytes may be written; of some only the sync will say. */
static int room(struct disk *d, struct disk_file *f, size_t n)
{
	uint64_t kept = strncmp(f->name, "db", 2) == 0 ? DISK_KEPT : 0;
	bool full = d->limit && d->used + n > d->limit + kept;
	if (full && !d->late)
		return -GT_ENOSPACE;
	if (full && strncmp(f->name, "o/", 2) == 0)
		f->homeless = true;
	d->used += n;
	return 0;
}

int disk_write(struct disk *d, struct disk_file *f, uint64_t at, const void *p,
               size_t n)
{
	size_t end = (size_t)at + n;
	int status = fails(d);
	if (status == 0)
		status = room(d, f, end > f->n ? end - f->n : 0);
	if (status != 0)
		return status;
	dirty(f, (size_t)at < f->n ? (size_t)at : f->n, end);
	save(f, (size_t)at, end);
	found(f, (size_t)at, end);
	if ((size_t)at > f->n)
		size(f, (size_t)at);
	reserve(f, end);
	memcpy(f->p + at, p, n);
	f->n = end > f->n ? end : f->n;
	return 0;
}

/* No sector changes, so that none is saved: what the platter has is either the
 * same, or among the olds already. */
int disk_rewrite(struct disk *d, struct disk_file *f)
{
	int status = fails(d);
	if (status == 0)
		status = room(d, f, 0);
	if (status != 0)
		return status;
	dirty(f, 0, f->n);
	found(f, 0, f->n);
	return 0;
}

int disk_read(const struct disk *d, const struct disk_file *f, uint64_t at,
              void *p, size_t n)
{
	if (d->dead || at + n > f->n)
		return -GT_EIO;
	memcpy(p, f->p + at, n);
	return 0;
}

uint64_t disk_size(const struct disk_file *f)
{
	return f->n;
}

int disk_truncate(struct disk *d, struct disk_file *f, uint64_t n)
{
	if (fails(d))
		return -GT_EIO;
	if (n < f->n)
		d->used -= f->n - n;
	else
		d->used += n - f->n;
	dirty(f, (size_t)n < f->n ? (size_t)n : f->n,
	      (size_t)n > f->n ? (size_t)n : f->n);
	save(f, (size_t)n, f->n);
	found(f, (size_t)n, f->n);
	size(f, (size_t)n);
	return 0;
}

static bool in_folder(const char *name, const char *folder)
{
	size_t n = strlen(folder);
	return n ? strncmp(name, folder, n) == 0 : !strchr(name, '/');
}

static bool strikes(struct disk *d)
{
	if (--d->fail_in)
		return false;
	d->fail_in = --d->fail_times > 0;
	d->failed = true;
	return true;
}

static bool sync_fails(struct disk *d, const struct disk_file *f)
{
	if (!d->fail_in || d->fail_names)
		return false;
	bool this = strchr(d->fail_file, '/')
	                    ? in_folder(f->name, d->fail_file)
	                    : strcmp(f->name, d->fail_file) == 0;
	return this && strikes(d);
}

int disk_sync(struct disk *d, struct disk_file *f)
{
	if (fails(d))
		return -GT_EIO;
	if (d->lies) {
		d->lied = true;
		return 0;
	}
	if (sync_fails(d, f)) {
		lose(f);
		return -GT_EIO;
	}
	bool full = f->homeless && d->limit && d->used > d->limit;
	if (full) {
		d->used -= f->n;
		revert_all(f);
		d->used += f->n;
		settled(f);
	}
	synced(f);
	f->dropped = full;
	return full ? -GT_ENOSPACE : 0;
}

static bool renamed(const struct disk_file *f)
{
	return strcmp(f->name, f->durable) != 0;
}

/* Whoever had the name on the platter has it no more. */
static void write_name(struct disk *d, struct disk_file *f)
{
	for (struct disk_file *g = d->files; g; g = g->next)
		if (g != f && strcmp(g->durable, f->name) == 0)
			g->durable[0] = '\0';
	memcpy(f->durable, f->name, sizeof f->durable);
}

/* Files that have no name any more, nor will have. */
static void bury(struct disk *d)
{
	struct disk_file **at = &d->files;
	while (*at) {
		struct disk_file *f = *at;
		if (f->name[0] || f->durable[0]) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		file_free(f);
	}
}

int disk_sync_names(struct disk *d, const char *folder)
{
	if (fails(d))
		return -GT_EIO;
	if (d->lies) {
		d->lied = true;
		return 0;
	}
	bool lost = d->fail_in && d->fail_names &&
	            strcmp(folder, d->fail_file) == 0 && strikes(d);
	for (struct disk_file *f = d->files; f; f = f->next) {
		if (!renamed(f) ||
		    !in_folder(f->name[0] ? f->name : f->durable, folder))
			continue;
		f->name_lost = f->name_lost || lost;
		if (f->name_lost)
			continue;
		if (f->name[0])
			write_name(d, f);
		else
			f->durable[0] = '\0';
	}
	bury(d);
	return lost ? -GT_EIO : 0;
}

int disk_remove(struct disk *d, const char *name)
{
	if (fails(d))
		return -GT_EIO;
	struct disk_file *f = find(d, name);
	if (!f)
		return -GT_EUNKNOWN;
	d->used -= f->n;
	touch(d, name);
	f->name[0] = '\0';
	return 0;
}

int disk_rename(struct disk *d, const char *from, const char *to)
{
	if (fails(d))
		return -GT_EIO;
	struct disk_file *f = find(d, from), *old = find(d, to);
	if (!f)
		return -GT_EUNKNOWN;
	if (old) {
		d->used -= old->n;
		old->name[0] = '\0';
	}
	gt_copy(f->name, sizeof f->name, to);
	touch(d, to);
	return 0;
}

/* ------------------------------------------------------- power cuts */

/* Unsynced sectors reach the platter one by one, or not. */
static void tear(struct disk_file *f, struct prng *p)
{
	static const uint8_t zeros[DISK_SECTOR];
	enum { NONE, ALL, SOME } keep = (unsigned)prng_below(p, 3);
	size_t to = f->dirty_to, live = f->n;
	size_t first = f->dirty_from / DISK_SECTOR;
	if (f->dirty_from >= to || keep == NONE) {
		revert_all(f);
		return;
	}
	if (keep == ALL)
		return;
	size(f, live > f->safe ? live : f->safe);
	uint8_t *kept = must(calloc(1, sectors(f->n) / 8 + 1));
	for (size_t s = first; s < sectors(f->n); s++) {
		size_t at = s * DISK_SECTOR;
		if (at >= to || at >= live)
			continue;
		if (prng_below(p, 2))
			kept[s / 8] |= (uint8_t)(1u << s % 8);
		else if (at >= f->safe)
			revert(f, s, zeros);
	}
	for (size_t i = 0; i < f->nolds; i++) {
		size_t s = f->olds[i].sector;
		if (!(kept[s / 8] >> s % 8 & 1))
			revert(f, s, f->olds[i].bytes);
	}
	free(kept);
}

/* A name not synced may have reached the platter all the same. What takes the
 * name of another does so in one step. */
static void settle_names(struct disk *d, struct prng *p)
{
	for (struct disk_file *f = d->files; f; f = f->next)
		if (f->name[0] && renamed(f) && prng_below(p, 2))
			write_name(d, f);
	for (struct disk_file *f = d->files; f; f = f->next)
		if (!f->name[0] && f->durable[0] && !find(d, f->durable) &&
		    prng_below(p, 2))
			f->durable[0] = '\0';
}

/* Programs see the names that are on the platter. */
static void back_to_durable(struct disk *d, bool all)
{
	for (struct disk_file *f = d->files; f; f = f->next) {
		if (!all && !f->name_lost)
			continue;
		memcpy(f->name, f->durable, sizeof f->name);
		f->name_lost = false;
	}
	bury(d);
	d->used = 0;
	for (struct disk_file *f = d->files; f; f = f->next)
		d->used += f->name[0] ? f->n : 0;
}

void disk_power_cycle(struct disk *d, struct prng *p)
{
	d->dead = false;
	d->die_at = 0;
	settle_names(d, p);
	for (struct disk_file *f = d->files; f; f = f->next) {
		tear(f, p);
		settled(f);
	}
	back_to_durable(d, true);
}

void disk_evict(struct disk *d)
{
	static const uint8_t zeros[DISK_SECTOR];
	back_to_durable(d, false);
	for (struct disk_file *f = d->files; f; f = f->next) {
		if (!f->any_lost)
			continue;
		for (size_t i = 0; i < f->nolds; i++)
			if (has(&f->lost, f->olds[i].sector))
				revert(f, f->olds[i].sector, f->olds[i].bytes);
		for (size_t s = sectors(f->safe); s < sectors(f->n); s++)
			if (has(&f->lost, s))
				revert(f, s, zeros);
	}
}

/* -------------------------------------------------- rot and backups */

void disk_rot(struct disk_file *f, uint64_t at)
{
	f->rotten = true;
	if (at < f->n)
		f->p[at] ^= 0x10;
	for (size_t i = 0; i < f->nolds; i++)
		if (f->olds[i].sector == at / DISK_SECTOR)
			f->olds[i].bytes[at % DISK_SECTOR] ^= 0x10;
}

void disk_lose(struct disk *d, struct disk_file *f)
{
	d->used -= f->n;
	f->n = 0;
	f->rotten = true;
	settled(f);
}

bool disk_gone(const struct disk_file *f)
{
	return !f || (f->rotten && f->n == 0);
}

bool disk_dropped(const struct disk_file *f)
{
	return f->dropped;
}

bool disk_rotten(const struct disk_file *f)
{
	return f->rotten;
}

const char *disk_next(const struct disk *d, const struct disk_file **at)
{
	do
		*at = *at ? (*at)->next : d->files;
	while (*at && !(*at)->name[0]);
	return *at ? (*at)->name : NULL;
}

void disk_copy(struct disk *to, const struct disk *from)
{
	struct disk_file **at = &to->files;
	disk_free(to);
	*to = (struct disk){0};
	for (const struct disk_file *f = from->files; f; f = f->next) {
		if (!f->name[0])
			continue;
		struct disk_file *c = calloc(1, sizeof *c);
		assert(c);
		memcpy(c->name, f->name, sizeof c->name);
		memcpy(c->durable, f->name, sizeof c->durable);
		c->rotten = f->rotten;
		size(c, f->n);
		if (f->n)
			memcpy(c->p, f->p, f->n);
		settled(c);
		to->used += f->n;
		*at = c;
		at = &c->next;
	}
}
