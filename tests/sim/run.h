/* run.h: one run of one seed, and making a failing run smaller. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdio.h>

#include "world.h"

struct options {
	uint64_t seed, count;
	struct shape shape;
	unsigned faults;
	uint64_t minutes;
	uint64_t pace; /* mean ms between two deeds of people; 0: see run.c */
	uint64_t skip; /* kinds of deeds left out, as bits */
	bool verbose, quiet, shrink;
	uint64_t campaign; /* seconds of real time */
	uint32_t patience; /* seconds of processor time a seed may take; 0: by
	                      its size, see run.c */
};

struct result {
	const char *invariant; /* NULL: all was well */
	char failure[512];
	uint64_t failed_at, virtual_ms, events, messages, trace;
	uint64_t edits;                /* of documents, acknowledged */
	uint64_t pace, deeds, records; /* records: handed in and acknowledged */
	uint64_t struck[FAULT_BITS], met[BOUND_KINDS];
	unsigned nodes;
};

/* False: the shape cannot be had. */
bool run(const struct options *o, uint64_t seed, struct result *out);
void run_print(const struct options *o, uint64_t seed, const struct result *r);
/* What floods met, each with its number. */
void run_print_met(const uint64_t met[BOUND_KINDS]);
/* The command that replays it. */
void run_replay(FILE *out, const struct options *o, uint64_t seed);
/* From now on, whatever ends the program by force says that command first, and
 * a run that does not end is ended. */
void run_mind(const struct options *o, uint64_t seed);
/* "loss,cut", "all,-forge", or a number. False: no such fault. */
bool faults_parse(const char *text, unsigned *out);
void faults_print(FILE *out, unsigned faults);

/* shrink.c: fewer minutes, nodes, fault classes and deeds, while the same
 * invariant breaks. */
void shrink(const struct options *o, uint64_t seed,
            const struct result *failed);

#endif
