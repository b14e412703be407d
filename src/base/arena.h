/* arena.h: memory that is given back all at once. */
#ifndef GT_ARENA_H
#define GT_ARENA_H

#include <protobuf-c/protobuf-c.h>

#include "base.h"

struct gt_arena;

/* Empty; takes its first block when something is asked of it. NULL: out of
 * memory. */
struct gt_arena *gt_arena_new(void);
/* Gives everything back, the arena too. NULL is fine. */
void gt_arena_free(struct gt_arena *arena);
/* Gives everything back; keeps one block for the next round. */
void gt_arena_reset(struct gt_arena *arena);
/* n bytes, 16-byte aligned, not zeroed. NULL: out of memory. */
void *gt_arena_get(struct gt_arena *arena, size_t n);
/* Whether anything was refused for want of memory since the last reset. What
 * unpacks into an arena cannot tell that from a malformed message; this can. */
bool gt_arena_short(const struct gt_arena *arena);
/* A copy of n bytes, of a string with its NUL. NULL in, NULL out; NULL on out
 * of memory. */
void *gt_arena_copy(struct gt_arena *arena, const void *p, size_t n);
char *gt_arena_str(struct gt_arena *arena, const char *s);
/* For protobuf-c's unpack: frees nothing until reset. Lives as the arena. */
ProtobufCAllocator *gt_arena_allocator(struct gt_arena *arena);
/* Encodes a message. p NULL: out of memory. */
struct gt_bytes gt_arena_pack(struct gt_arena *arena,
                              const ProtobufCMessage *m);
/* Bytes lent to a field of a message on its way out (see gt_lend). */
ProtobufCBinaryData gt_lend_bytes(struct gt_bytes b);

#endif
