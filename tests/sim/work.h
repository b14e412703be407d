/* work.h: the people's side of the world, as check.c compares it. */
#ifndef SIM_WORK_H
#define SIM_WORK_H

#include "world.h"

enum { RESOURCES_MAX = 64, RECORDS_MAX = 4096, PROMISES_MAX = 256 };

struct resource {
	char id[GT_RID_MAX + 1];
	unsigned node; /* publisher */
	unsigned type;
	uint64_t version; /* acknowledged; at least so many were made */
	bool withdrawn;
	bool pending, unsure; /* a command is open; its fate is unknown */
	struct gt_id object, next_object;
};

struct record {
	uint8_t id[GT_UUID_BYTES];
	unsigned form_number;
	bool acknowledged;
};

enum promise_kind {
	NO_PROMISE,
	PUBLISH_PROMISE,
	WITHDRAW_PROMISE,
	LAYER_PROMISE,
	RECORD_PROMISE,
};

/* A command that has no answer yet. */
struct promise {
	enum promise_kind kind;
	uint64_t token;
	unsigned node, choice;
	struct resource *resource;
	struct record *records[4];
};

struct work {
	struct resource resources[RESOURCES_MAX];
	unsigned nresources;
	struct record records[RECORDS_MAX];
	unsigned nrecords;
	struct promise promises[PROMISES_MAX];
	unsigned layer[NODES_MAX]; /* choice + 1; 0: none */
	bool layer_unsure[NODES_MAX];
};
extern struct work work;

/* The encoded layer that a choice stands for at a node. */
size_t work_layer(unsigned node, unsigned choice, uint8_t out[1024]);
size_t work_record_body(const struct record *r, char out[256]);

#endif
