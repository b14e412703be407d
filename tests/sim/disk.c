#include "disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

struct image {
	uint8_t *p;
	size_t n, cap;
};

struct disk_file {
	struct disk_file *next;
	char name[DISK_NAME];    /* live; "" if removed */
	char durable[DISK_NAME]; /* name after a power cut; "" if none */
	struct image live, safe;
	size_t dirty_from, dirty_to; /* live differs from safe only here */
	bool rotten;
	bool homeless; /* some of what is dirty was beyond the limit */
};

static void image_room(struct image *m, size_t n)
{
	if (n > m->cap) {
		size_t cap = m->cap ? m->cap : 4096;
		while (cap < n)
			cap *= 2;
		uint8_t *p = realloc(m->p, cap);
		assert(p);
		m->p = p;
		m->cap = cap;
	}
}

static void image_size(struct image *m, size_t n)
{
	image_room(m, n);
	if (n > m->n)
		memset(m->p + m->n, 0, n - m->n);
	m->n = n;
}

static void image_put(struct image *m, size_t at, const uint8_t *p, size_t n)
{
	if (at > m->n)
		image_size(m, at);
	image_room(m, at + n);
	memcpy(m->p + at, p, n);
	if (at + n > m->n)
		m->n = at + n;
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

static void file_free(struct disk_file *f)
{
	free(f->live.p);
	free(f->safe.p);
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
	return f;
}

int disk_write(struct disk *d, struct disk_file *f, uint64_t at, const void *p,
               size_t n)
{
	if (fails(d))
		return -GT_EIO;
	size_t end = (size_t)at + n;
	size_t grows = end > f->live.n ? end - f->live.n : 0;
	bool full = d->limit && d->used + grows > d->limit;
	if (full && !(d->late && strncmp(f->name, "o/", 2) == 0))
		return -GT_ENOSPACE;
	f->homeless = f->homeless || full;
	d->used += grows;
	dirty(f, (size_t)at < f->live.n ? (size_t)at : f->live.n, end);
	image_put(&f->live, (size_t)at, p, n);
	return 0;
}

int disk_read(const struct disk *d, const struct disk_file *f, uint64_t at,
              void *p, size_t n)
{
	if (d->dead || at + n > f->live.n)
		return -GT_EIO;
	memcpy(p, f->live.p + at, n);
	return 0;
}

uint64_t disk_size(const struct disk_file *f)
{
	return f->live.n;
}

int disk_truncate(struct disk *d, struct disk_file *f, uint64_t n)
{
	if (fails(d))
		return -GT_EIO;
	if (n < f->live.n)
		d->used -= f->live.n - n;
	else
		d->used += n - f->live.n;
	dirty(f, (size_t)n < f->live.n ? (size_t)n : f->live.n,
	      (size_t)n > f->live.n ? (size_t)n : f->live.n);
	image_size(&f->live, (size_t)n);
	return 0;
}

int disk_sync(struct disk *d, struct disk_file *f)
{
	if (fails(d))
		return -GT_EIO;
	if (d->lies) {
		d->lied = true;
		return 0;
	}
	size_t to = f->dirty_to < f->live.n ? f->dirty_to : f->live.n;
	if (f->dirty_from < to)
		image_put(&f->safe, f->dirty_from, f->live.p + f->dirty_from,
		          to - f->dirty_from);
	image_size(&f->safe, f->live.n);
	f->dirty_from = f->dirty_to = 0;
	return 0;
}

static bool in_folder(const char *name, const char *folder)
{
	size_t n = strlen(folder);
	return n ? strncmp(name, folder, n) == 0 : !strchr(name, '/');
}

int disk_sync_names(struct disk *d, const char *folder)
{
	if (fails(d))
		return -GT_EIO;
	if (d->lies) {
		d->lied = true;
		return 0;
	}
	struct disk_file **at = &d->files;
	while (*at) {
		struct disk_file *f = *at;
		if (!in_folder(f->name[0] ? f->name : f->durable, folder)) {
			at = &f->next;
			continue;
		}
		memcpy(f->durable, f->name, sizeof f->durable);
		if (f->name[0]) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		file_free(f);
	}
	return 0;
}

int disk_remove(struct disk *d, const char *name)
{
	if (fails(d))
		return -GT_EIO;
	struct disk_file *f = find(d, name);
	if (!f)
		return -GT_EUNKNOWN;
	d->used -= f->live.n;
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
		d->used -= old->live.n;
		old->name[0] = '\0';
	}
	gt_copy(f->name, sizeof f->name, to);
	return 0;
}

/* --------------------------------------------------------------- power cuts */

/* Unsynced sectors reach the platter one by one, or not. */
static void tear(struct disk_file *f, struct prng *p)
{
	size_t to = f->dirty_to;
	uint64_t keep = prng_below(p, 3); /* 0 none, 1 all, 2 some */
	if (f->dirty_from >= to || keep == 0)
		return;
	size_t n = f->live.n > f->safe.n || keep == 1 ? f->live.n : f->safe.n;
	image_size(&f->safe, n);
	for (size_t at = f->dirty_from / DISK_SECTOR * DISK_SECTOR; at < n;
	     at += DISK_SECTOR) {
		size_t len = n - at < DISK_SECTOR ? n - at : DISK_SECTOR;
		if (at + len > f->live.n)
			len = at < f->live.n ? f->live.n - at : 0;
		if (at < to && len > 0 && (keep == 1 || prng_below(p, 2)))
			memcpy(f->safe.p + at, f->live.p + at, len);
	}
}

void disk_power_cycle(struct disk *d, struct prng *p)
{
	struct disk_file **at = &d->files;
	d->dead = false;
	d->die_at = 0;
	d->used = 0;
	while (*at) {
		struct disk_file *f = *at;
		/* A name not synced may have reached the disk all the same. */
		if (strcmp(f->name, f->durable) != 0 && prng_below(p, 2))
			memcpy(f->durable, f->name, sizeof f->durable);
		tear(f, p);
		if (!f->durable[0]) {
			*at = f->next;
			file_free(f);
			continue;
		}
		memcpy(f->name, f->durable, sizeof f->name);
		image_size(&f->live, f->safe.n);
		memcpy(f->live.p, f->safe.p, f->safe.n);
		f->dirty_from = f->dirty_to = 0;
		f->homeless = false;
		d->used += f->live.n;
		at = &f->next;
	}
}

/* --------------------------------------------------------- rot and backups */

void disk_rot(struct disk_file *f, uint64_t at)
{
	f->rotten = true;
	if (at < f->live.n)
		f->live.p[at] ^= 0x10;
	if (at < f->safe.n)
		f->safe.p[at] ^= 0x10;
}

bool disk_rotten(const struct disk_file *f)
{
	return f->rotten;
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
		image_size(&c->live, f->live.n);
		image_size(&c->safe, f->live.n);
		if (f->live.n) {
			memcpy(c->live.p, f->live.p, f->live.n);
			memcpy(c->safe.p, f->live.p, f->live.n);
		}
		to->used += f->live.n;
		*at = c;
		at = &c->next;
	}
}
