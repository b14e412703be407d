#include "nomem.h"

#include <assert.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "json.h"
#include "node.h"

static _Thread_local size_t left;   /* until one fails; 0: not armed */
static _Thread_local bool for_good; /* and all after it */
static _Thread_local bool failed;
static _Thread_local long held;

/* What --wrap=f makes of f: here is where calls of f arrive, and what they
 * would have called. */
void *__wrap_malloc(size_t n);
void *__real_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t each);
void *__real_calloc(size_t n, size_t each);
void *__wrap_realloc(void *p, size_t n);
void *__real_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
char *__real_strdup(const char *s);
void __wrap_free(void *p);
void __real_free(void *p);
void *__wrap_gt_arena_get(struct gt_arena *arena, size_t n);
void *__real_gt_arena_get(struct gt_arena *arena, size_t n);
void *__wrap_gt_arena_copy(struct gt_arena *arena, const void *p, size_t n);
void *__real_gt_arena_copy(struct gt_arena *arena, const void *p, size_t n);
char *__wrap_gt_arena_str(struct gt_arena *arena, const char *s);
char *__real_gt_arena_str(struct gt_arena *arena, const char *s);
ProtobufCAllocator *__wrap_gt_arena_allocator(struct gt_arena *arena);
ProtobufCAllocator *__real_gt_arena_allocator(struct gt_arena *arena);
struct gt_bytes __wrap_gt_arena_pack(struct gt_arena *arena,
                                     const ProtobufCMessage *m);
struct gt_bytes __real_gt_arena_pack(struct gt_arena *arena,
                                     const ProtobufCMessage *m);

/* Weak: a program without the core has none. */
struct gt_action *__wrap_gt_act(struct gt_node *n, enum gt_action_type type);
struct gt_action *__real_gt_act(struct gt_node *n, enum gt_action_type type)
        __attribute__((weak));

/* ----------------------------------------------------------- arming */

void nomem_after(size_t n)
{
	left = n;
	for_good = false;
	failed = false;
}

void nomem_from(size_t n)
{
	nomem_after(n);
	for_good = true;
}

void nomem_off(void)
{
	nomem_after(0);
}

bool nomem_hit(void)
{
	left = 0;
	return failed;
}

bool nomem_each(size_t *n)
{
	if (*n > 0 && !nomem_hit()) {
		assert(*n > 1);
		return false;
	}
	nomem_after(++*n);
	return true;
}

long nomem_held(void)
{
	return held;
}

void nomem_json(void)
{
	gt_json_watch();
}

/* Whether this request fails. */
static bool fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	failed = true;
	left = for_good;
	return true;
}

static void *count(void *p)
{
	held += p != NULL;
	return p;
}

/* ---------------------------------------------------- the C library */

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : count(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t each)
{
	return fails() ? NULL : count(__real_calloc(n, each));
}

void *__wrap_realloc(void *p, size_t n)
{
	void *grown = fails() ? NULL : __real_realloc(p, n);
	return p ? grown : count(grown);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : count(__real_strdup(s));
}

/* Who looks at what was freed finds nothing there. */
void __wrap_free(void *p)
{
	held -= p != NULL;
	if (p)
		memset(p, 0xdd, malloc_usable_size(p));
	__real_free(p);
}

/* --------------------------------------------------------- an arena */

/* More than there is, so that the arena knows that it was short. */
static void *refuse(struct gt_arena *arena)
{
	return __real_gt_arena_get(arena, SIZE_MAX);
}

void *__wrap_gt_arena_get(struct gt_arena *arena, size_t n)
{
	return fails() ? refuse(arena) : __real_gt_arena_get(arena, n);
}

void *__wrap_gt_arena_copy(struct gt_arena *arena, const void *p, size_t n)
{
	return p && fails() ? refuse(arena) : __real_gt_arena_copy(arena, p, n);
}

char *__wrap_gt_arena_str(struct gt_arena *arena, const char *s)
{
	return s && fails() ? refuse(arena) : __real_gt_arena_str(arena, s);
}

static void *unpacked(void *arena, size_t n)
{
	return gt_arena_get(arena, n);
}

ProtobufCAllocator *__wrap_gt_arena_allocator(struct gt_arena *arena)
{
	ProtobufCAllocator *a = __real_gt_arena_allocator(arena);
	a->alloc = unpacked;
	return a;
}

struct gt_bytes __wrap_gt_arena_pack(struct gt_arena *arena,
                                     const ProtobufCMessage *m)
{
	if (!fails())
		return __real_gt_arena_pack(arena, m);
	return (struct gt_bytes){refuse(arena), 0};
}

/* -------------------------------------------------------- an action */

struct gt_action *__wrap_gt_act(struct gt_node *n, enum gt_action_type type)
{
	return fails() ? NULL : __real_gt_act(n, type);
}
