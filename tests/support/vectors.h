/* vectors.h: the messages of proto/vectors, made from fixed seeds. */
#ifndef VECTORS_H
#define VECTORS_H

#include "arena.h"
#include "guantong.pb-c.h"
#include "seal.h"

struct vector {
	const char *name;  /* of its file, without .txt */
	const char *about; /* first lines of the file */
	const ProtobufCMessage *m;
};

enum { VECTORS_MAX = 32 };

/* Child 3301 (Ed25519 seed 01 01 ...), parent and publisher 33 (seed 02 02
 * ...), roster key of seed 03 03 .... All lives in the arena. Returns how
 * many. */
size_t vectors_make(struct gt_arena *arena, struct vector out[VECTORS_MAX]);
/* Fields of a message as text, one per line, as in the files; caller frees. */
char *vectors_show(const ProtobufCMessage *m);

#endif
