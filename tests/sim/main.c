/* main.c: simulate SEED [COUNT] [--nodes N] [--minutes N] [--faults MASK] [-v]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfs.h"
#include "world.h"

struct options {
	uint64_t seed, count;
	unsigned nodes, faults;
	uint64_t minutes;
	bool verbose;
};

enum { MINUTE = 60000, PATIENCE = 240 /* minutes after the faults */ };

static const char usage[] =
        "simulate SEED [COUNT] [--nodes N] [--minutes N] [--faults MASK] [-v]\n"
        "Runs COUNT seeds from SEED on: a tree of N nodes (5 to 64) for so "
        "many\n"
        "virtual minutes under faults, then in calm until it has converged.\n";

static bool number(const char *text, uint64_t *out)
{
	char *end;
	*out = strtoull(text, &end, 0);
	return *text && !*end;
}

static bool parse(struct options *o, int argc, char **argv)
{
	int plain = 0;
	for (int i = 1; i < argc; i++) {
		uint64_t v = 0;
		if (strcmp(argv[i], "-v") == 0) {
			o->verbose = true;
			continue;
		}
		bool named = argv[i][0] == '-';
		const char *value =
		        named ? i + 1 < argc ? argv[i + 1] : "" : argv[i];
		if (!number(value, &v))
			return false;
		if (!named && plain < 2)
			*(plain++ ? &o->count : &o->seed) = v;
		else if (strcmp(argv[i], "--nodes") == 0)
			o->nodes = (unsigned)v;
		else if (strcmp(argv[i], "--minutes") == 0)
			o->minutes = v;
		else if (strcmp(argv[i], "--faults") == 0)
			o->faults = (unsigned)v;
		else
			return false;
		i += named;
	}
	return plain > 0 && o->nodes >= 2 && o->nodes <= NODES_MAX;
}

static bool run(const struct options *o, uint64_t seed)
{
	static struct world w;
	vfs_register(seed);
	world_init(&w, seed, o->faults, o->nodes);
	w.verbose = o->verbose;
	work_init(&w);
	world_run(&w, o->minutes * MINUTE);
	world_heal(&w);
	world_tick_at(&w, w.now + 1);
	bool good = false;
	for (uint64_t i = 0; !w.failure[0] && !good && i < PATIENCE; i++) {
		world_run(&w, w.now + MINUTE);
		good = check_converged(&w, false);
	}
	if (!w.failure[0] && !good) {
		check_converged(&w, true);
		world_fail(&w, "convergence",
		           "not as policy says %d minutes after the faults",
		           PATIENCE);
	}
	printf("seed=%llu events=%llu messages=%llu lost=%llu doubled=%llu "
	       "cuts=%llu power_cuts=%llu records=%llu virtual_ms=%llu "
	       "trace=%016llx %s\n",
	       (unsigned long long)seed, (unsigned long long)w.events,
	       (unsigned long long)w.messages, (unsigned long long)w.lost,
	       (unsigned long long)w.doubled, (unsigned long long)w.cuts,
	       (unsigned long long)w.power_cuts,
	       (unsigned long long)work_records(), (unsigned long long)w.now,
	       (unsigned long long)w.trace, w.failure[0] ? w.failure : "ok");
	if (w.failure[0])
		printf("replay: simulate %llu --nodes %u --minutes %llu "
		       "--faults %u -v\n",
		       (unsigned long long)seed, o->nodes,
		       (unsigned long long)o->minutes, o->faults);
	world_free(&w);
	return w.failure[0] == '\0';
}

int main(int argc, char **argv)
{
	struct options o = {.count = 1,
	                    .nodes = 7,
	                    .faults = FAULT_ALL & ~(unsigned)FAULT_FULL,
	                    .minutes = 30};
	uint64_t failed = 0;
	if (!parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	for (uint64_t i = 0; i < o.count; i++)
		failed += !run(&o, o.seed + i);
	printf("%llu passed, %llu failed\n",
	       (unsigned long long)(o.count - failed),
	       (unsigned long long)failed);
	return failed ? 1 : 0;
}
