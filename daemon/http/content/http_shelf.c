#include "http_shelf.h"

#include <pthread.h>
#include <stdlib.h>

enum { CACHE_ROWS = 4, CACHE_BYTES = 8 << 20 };

struct gt_http_cache {
	pthread_mutex_t lock;
	struct gt_shelf *first;
};

struct gt_http_cache *gt_http_cache_new(void)
{
	struct gt_http_cache *c = calloc(1, sizeof *c);
	if (c && pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return NULL;
	}
	return c;
}

static void shelf_free(struct gt_shelf *s)
{
	gt_manifest_free(s->manifest);
	free(s);
}

void gt_http_cache_free(struct gt_http_cache *c)
{
	if (!c)
		return;
	for (struct gt_shelf *s = c->first, *next; s; s = next) {
		next = s->next;
		assert(s->users == 0);
		shelf_free(s);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Lock held. */
static struct gt_shelf *unlink_shelf(struct gt_http_cache *c,
                                     const struct gt_id *object)
{
	for (struct gt_shelf **p = &c->first; *p; p = &(*p)->next) {
		struct gt_shelf *s = *p;
		if (!gt_id_eq(&s->object, object))
			continue;
		*p = s->next;
		return s;
	}
	return NULL;
}

/* Forgets the rows beyond the bounds. Lock held. */
static void trim(struct gt_http_cache *c)
{
	size_t bytes = 0, rows = 0;
	struct gt_shelf **p = &c->first;
	while (*p) {
		struct gt_shelf *s = *p;
		bytes += s->bytes;
		if (++rows <= CACHE_ROWS && bytes <= CACHE_BYTES) {
			p = &s->next;
			continue;
		}
		*p = s->next;
		s->cached = false;
		if (s->users == 0)
			shelf_free(s);
	}
}

struct gt_shelf *gt_shelf_take(struct gt_http_cache *c,
                               const struct gt_id *object,
                               struct gt_bytes bytes)
{
	pthread_mutex_lock(&c->lock);
	struct gt_shelf *s = unlink_shelf(c, object);
	pthread_mutex_unlock(&c->lock);
	if (!s) {
		char why[256];
		s = calloc(1, sizeof *s);
		if (s && gt_manifest_new(&s->manifest, bytes, why,
		                         sizeof why) != 0) {
			free(s);
			return NULL;
		}
		if (!s)
			return NULL;
		s->object = *object;
		s->bytes = bytes.n;
	}
	pthread_mutex_lock(&c->lock);
	s->users++;
	s->cached = true;
	s->next = c->first;
	c->first = s;
	trim(c); /* leaves alone what has users */
	pthread_mutex_unlock(&c->lock);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	return s;
}

void gt_shelf_give(struct gt_http_cache *c, struct gt_shelf *s)
{
	pthread_mutex_lock(&c->lock);
	assert(s->users > 0);
	bool last = --s->users == 0 && !s->cached;
	pthread_mutex_unlock(&c->lock);
	if (last)
		shelf_free(s);
}
