#include "run.h"
#include "certify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "revoke.h"
#include "roam.h"
#include "spoil.h"
#include "vfs.h"
#include "whisper.h"
#include "work.h"

enum {
	MINUTE = 60000,
	HALF_HOUR = 30 * MINUTE,
	FIFTY = 50,       /* nodes, whose people do one thing in that time */
	PATIENCE = 300,   /* minutes after the faults */
	RESTLESS = 20000, /* events per node in that time */
	LONG = 600        /* seconds of the processor, for what has an end */
};

static const char *const names[] = {
#define X(name, text) text,
        FAULTS(X)
#undef X
};

static const char *const bounds[] = {
#define X(name, text) text,
        BOUNDS(X)
#undef X
};

static bool converged(struct world *w)
{
	bool good = false;
	uint64_t busy = w->events + (uint64_t)w->count * RESTLESS;
	for (int i = 0; !w->invariant && !good && i < PATIENCE; i++) {
		roam_ask(w);
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
	whisper_settle(w);
	world_tick_at(w, w->now + 1);
	revoke_settle(w);
	spoil_settle(w);
	if (!converged(w) || (world_upgrade(w) && !converged(w)))
		return;
	check_ask(w);
	if (!converged(w))
		return;
	for (int i = 0; !w->invariant && !audit_told(w) && i < PATIENCE; i++)
		world_run(w, w->now + MINUTE);
	if (!w->invariant)
		check_audit(w);
	if (!w->invariant)
		roam_check(w);
}

/* node_minutes: virtual time, summed over nodes. */
static void be_patient(const struct options *o, uint64_t node_minutes)
{
	struct itimerval t = {.it_value.tv_sec = (time_t)o->patience};
	if (!o->patience)
		t.it_value.tv_sec = LONG + (time_t)(node_minutes / 1000);
	(void)setitimer(ITIMER_PROF, &t, NULL);
}

/* A place does in a calendar what it does, however many there are. */
static uint64_t pace_of(const struct options *o, const struct world *w)
{
	if (o->pace)
		return o->pace;
	return w->calendar ? HALF_HOUR * FIFTY / w->count : 10000;
}

bool run(const struct options *o, uint64_t seed, struct result *out)
{
	static struct world w;
	vfs_register(seed);
	if (!world_init(&w, seed, o->faults, &o->shape)) {
		world_free(&w);
		return false;
	}
	be_patient(o, o->minutes * w.count);
	w.verbose = o->verbose;
	work_init(&w, pace_of(o, &w), o->skip);
	world_run(&w, o->minutes * MINUTE);
	if (!w.invariant)
		until_converged(&w);
	*out = (struct result){.invariant = w.invariant,
	                       .failed_at = w.now,
	                       .virtual_ms = w.now,
	                       .events = w.events,
	                       .messages = w.messages,
	                       .pace = pace_of(o, &w),
	                       .deeds = work.deeds,
	                       .records = work_records(),
	                       .edits = roam_edits(),
	                       .trace = w.trace,
	                       .nodes = w.count};
	memcpy(out->failure, w.failure, sizeof out->failure);
	memcpy(out->struck, w.struck, sizeof out->struck);
	memcpy(out->met, w.met, sizeof out->met);
	work_free();
	certify_free();
	audit_free();
	world_free(&w);
	return true;
}

void run_print_met(const uint64_t met[BOUND_KINDS])
{
	for (unsigned i = 0; i < BOUND_KINDS; i++)
		if (met[i])
			printf(" %s=%llu", bounds[i],
			       (unsigned long long)met[i]);
}

void run_print(const struct options *o, uint64_t seed, const struct result *r)
{
	printf("seed=%llu nodes=%u events=%llu messages=%llu deeds=%llu "
	       "records=%llu edits=%llu "
	       "virtual_ms=%llu trace=%016llx",
	       (unsigned long long)seed, r->nodes,
	       (unsigned long long)r->events, (unsigned long long)r->messages,
	       (unsigned long long)r->deeds, (unsigned long long)r->records,
	       (unsigned long long)r->edits, (unsigned long long)r->virtual_ms,
	       (unsigned long long)r->trace);
	for (unsigned i = 0; i < FAULT_BITS; i++)
		if (r->struck[i])
			printf(" %s=%llu", names[i],
			       (unsigned long long)r->struck[i]);
	run_print_met(r->met);
	printf(" %s%s%s\n", r->invariant ? r->invariant : "ok",
	       r->invariant ? ": " : "", r->failure);
	if (r->invariant)
		run_replay(stdout, o, seed);
	(void)fflush(stdout);
}

void faults_print(FILE *out, unsigned faults)
{
	const char *between = "";
	if (faults == FAULT_ALL || faults == 0) {
		(void)fputs(faults ? "all" : "0", out);
		return;
	}
	for (unsigned i = 0; i < FAULT_BITS; i++)
		if (faults >> i & 1) {
			(void)fprintf(out, "%s%s", between, names[i]);
			between = ",";
		}
}

void run_replay(FILE *out, const struct options *o, uint64_t seed)
{
	(void)fprintf(out, "replay: build/release/simulate %llu",
	              (unsigned long long)seed);
	if (o->shape.file)
		(void)fprintf(out, " --tree %s", o->shape.file);
	else
		(void)fprintf(out, " --nodes %u", o->shape.nodes);
	if (o->shape.under)
		(void)fprintf(out, " --under %s", o->shape.under);
	if (o->shape.villages)
		(void)fprintf(out, " --villages %s", o->shape.villages);
	if (o->shape.calendar)
		(void)fputs(" --calendar", out);
	if (o->shape.heartbeat)
		(void)fprintf(out, " --heartbeat %u", o->shape.heartbeat);
	if (o->shape.flood)
		(void)fprintf(out, " --flood %llu",
		              (unsigned long long)o->shape.flood);
	if (o->pace)
		(void)fprintf(out, " --pace %llu", (unsigned long long)o->pace);
	(void)fprintf(out, " --minutes %llu --skip %llu --faults ",
	              (unsigned long long)o->minutes,
	              (unsigned long long)o->skip);
	faults_print(out, o->faults);
	(void)fputs(" -v\n", out);
}

/* An assertion of the core, a sanitizer: nobody is left to say which seed. */
static char last_words[1024];

static void say_last(void)
{
	ssize_t n = write(STDOUT_FILENO, last_words, strlen(last_words));
	(void)n;
}

static struct sigaction before[2];
static const int forces[2] = {SIGABRT, SIGSEGV};

static void ended(int sig)
{
	say_last();
	for (int i = 0; i < 2; i++)
		if (forces[i] == sig)
			(void)sigaction(sig, &before[i], NULL);
	if (sig == SIGABRT)
		(void)raise(sig);
}

/* A turn that hangs, or one that waits for what never is. */
static void too_long(int sig)
{
	static const char why[] = "this seed takes too long: --patience\n";
	ssize_t n = write(STDOUT_FILENO, why, sizeof why - 1);
	(void)n;
	(void)sig;
	abort();
}

/* NULL where there is no sanitizer. */
extern void __sanitizer_set_death_callback(void (*)(void))
        __attribute__((weak));

void run_mind(const struct options *o, uint64_t seed)
{
	static const struct sigaction mine = {.sa_handler = ended};
	static const struct sigaction late = {.sa_handler = too_long};
	static bool minded;
	FILE *out = fmemopen(last_words, sizeof last_words, "w");
	if (!out)
		return;
	run_replay(out, o, seed);
	(void)fclose(out);
	be_patient(o, 0);
	if (minded)
		return;
	minded = true;
	for (int i = 0; i < 2; i++)
		(void)sigaction(forces[i], &mine, &before[i]);
	(void)sigaction(SIGPROF, &late, NULL);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(say_last);
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
