#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfs.h"

enum {
	MINUTE = 60000,
	PATIENCE = 300,  /* minutes after the faults */
	RESTLESS = 20000 /* events a node in that time */
};

static const char *const names[] = {
#define X(name, text) text,
        FAULTS(X)
#undef X
};

static bool converged(struct world *w)
{
	bool good = false;
	uint64_t busy = w->events + (uint64_t)w->count * RESTLESS;
	for (int i = 0; !w->invariant && !good && i < PATIENCE; i++) {
		world_run(w, w->now + MINUTE);
		if (w->events > busy)
			break;
		good = !w->invariant && check_converged(w, false);
	}
	if (w->invariant || good)
		return good;
	check_converged(w, true);
	world_fail(w, "convergence", "not as policy says %s after the faults",
	           w->events > busy ? "and busy for no end" : "300 minutes");
	return false;
}

/* First with what programs there are, each beside each; then, when all are of
 * one version, nothing is left to wait for that. */
static void until_converged(struct world *w)
{
	world_heal(w);
	world_tick_at(w, w->now + 1);
	if (!converged(w) || (world_upgrade(w) && !converged(w)))
		return;
	for (int i = 0; !w->invariant && !audit_told(w) && i < PATIENCE; i++)
		world_run(w, w->now + MINUTE);
	if (!w->invariant)
		check_audit(w);
}

bool run(const struct options *o, uint64_t seed, struct result *out)
{
	static struct world w;
	vfs_register(seed);
	if (!world_init(&w, seed, o->faults, &o->shape)) {
		world_free(&w);
		return false;
	}
	w.verbose = o->verbose;
	work_init(&w, o->pace, o->skip);
	world_run(&w, o->minutes * MINUTE);
	if (!w.invariant)
		until_converged(&w);
	*out = (struct result){.invariant = w.invariant,
	                       .failed_at = w.now,
	                       .virtual_ms = w.now,
	                       .events = w.events,
	                       .messages = w.messages,
	                       .records = work_records(),
	                       .trace = w.trace,
	                       .nodes = w.count};
	memcpy(out->failure, w.failure, sizeof out->failure);
	memcpy(out->struck, w.struck, sizeof out->struck);
	work_free();
	audit_free();
	world_free(&w);
	return true;
}

void run_print(const struct options *o, uint64_t seed, const struct result *r)
{
	printf("seed=%llu nodes=%u events=%llu messages=%llu records=%llu "
	       "virtual_ms=%llu trace=%016llx",
	       (unsigned long long)seed, r->nodes,
	       (unsigned long long)r->events, (unsigned long long)r->messages,
	       (unsigned long long)r->records,
	       (unsigned long long)r->virtual_ms, (unsigned long long)r->trace);
	for (unsigned i = 0; i < FAULT_BITS; i++)
		if (r->struck[i])
			printf(" %s=%llu", names[i],
			       (unsigned long long)r->struck[i]);
	printf(" %s%s%s\n", r->invariant ? r->invariant : "ok",
	       r->invariant ? ": " : "", r->failure);
	if (r->invariant)
		run_replay(o, seed);
	(void)fflush(stdout);
}

void faults_print(unsigned faults)
{
	const char *between = "";
	if (faults == FAULT_ALL || faults == 0) {
		printf(faults ? "all" : "0");
		return;
	}
	for (unsigned i = 0; i < FAULT_BITS; i++)
		if (faults >> i & 1) {
			printf("%s%s", between, names[i]);
			between = ",";
		}
}

void run_replay(const struct options *o, uint64_t seed)
{
	printf("replay: build/release/simulate %llu", (unsigned long long)seed);
	if (o->shape.file)
		printf(" --tree %s", o->shape.file);
	else
		printf(" --nodes %u", o->shape.nodes);
	if (o->shape.file && o->shape.under)
		printf(" --under %s", o->shape.under);
	if (o->shape.file && o->shape.villages)
		printf(" --villages %s", o->shape.villages);
	if (o->shape.calendar)
		printf(" --calendar");
	if (o->shape.heartbeat)
		printf(" --heartbeat %u", o->shape.heartbeat);
	printf(" --minutes %llu --pace %llu --skip %llu --faults ",
	       (unsigned long long)o->minutes, (unsigned long long)o->pace,
	       (unsigned long long)o->skip);
	faults_print(o->faults);
	printf(" -v\n");
}

static bool one(const char *name, size_t n, unsigned *bits)
{
	if (n == 3 && strncmp(name, "all", n) == 0) {
		*bits = FAULT_ALL;
		return true;
	}
	for (unsigned i = 0; i < FAULT_BITS; i++)
		if (strlen(names[i]) == n && strncmp(names[i], name, n) == 0) {
			*bits = 1u << i;
			return true;
		}
	return false;
}

bool faults_parse(const char *text, unsigned *out)
{
	char *end;
	unsigned long number = strtoul(text, &end, 0);
	*out = (unsigned)number;
	if (*text && !*end)
		return true;
	*out = 0;
	while (*text) {
		size_t n = strcspn(text, ",");
		bool off = *text == '-';
		unsigned bits;
		if (!one(text + off, n - off, &bits))
			return false;
		*out = off ? *out & ~bits : *out | bits;
		text += n + (text[n] == ',');
	}
	return true;
}
