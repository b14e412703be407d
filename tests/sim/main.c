/* main.c: what to simulate. */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"

static const char usage[] =
        "usage: simulate SEED [COUNT] [options]\n"
        "Runs COUNT seeds from SEED on: a tree under faults for some virtual\n"
        "minutes, then in calm until it is as policy says. Exit status 1 and "
        "a\n"
        "command that replays it if any promise broke.\n"
        "\n"
        "  --nodes N       built-in tree of five levels, 2 to 1024 (7)\n"
        "  --tree FILE     the places in FILE instead, see seeds/zhejiang.txt\n"
        "  --under CODES   of these only what lies above and below CODES\n"
        "  --villages CODES  villages of these townships too\n"
        "  --minutes N     virtual minutes with faults (30)\n"
        "  --pace MS       mean time between two deeds of people (10000;\n"
        "                  in a calendar's busiest hour, of fifty nodes\n"
        "                  1800000, and of others in proportion)\n"
        "  --calendar      office hours, evenings, weekends, and rare faults\n"
        "  --heartbeat MS  of every link (15000; in a calendar, 900000)\n"
        "  --flood N       messages of a child or a terminal that never stops\n"
        "                  (100); from 1000 on its pages are full, too\n"
        "  --skip BITS     kinds of deeds left out: 3 publishing, 4 rules, 8\n"
        "                  asking, 16 reading, 480 records, 512\n"
        "                  documents; 1023 all\n"
        "  --faults LIST   loss,cut,... or all,-forge or 0 (all)\n"
        "  --patience SEC  processor time a seed may take (600, and a second\n"
        "                  for every 1000 minutes of a node)\n"
        "  --shrink        make the first failing run smaller\n"
        "  --campaign SEC  as many seeds as fit in SEC real seconds\n"
        "  -q              only what fails, and the sum\n"
        "  -v              every line the nodes log\n";

static bool bad(const char *what, const char *why)
{
	(void)fprintf(stderr, "simulate: %s: %s; see simulate --help\n", what,
	              why);
	return false;
}

static bool number(const char *what, const char *text, uint64_t least,
                   uint64_t most, uint64_t *out)
{
	char *end, why[80];
	errno = 0;
	*out = strtoull(text, &end, 0);
	if (*text >= '0' && *text <= '9' && !*end && errno == 0 &&
	    *out >= least && *out <= most)
		return true;
	(void)snprintf(why, sizeof why, "takes a number from %llu to %llu",
	               (unsigned long long)least, (unsigned long long)most);
	return bad(what, why);
}

static bool small(const char *what, const char *text, uint64_t least,
                  uint64_t most, uint32_t *out)
{
	uint64_t v;
	if (!number(what, text, least, most, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool set(struct options *o, const char *name, const char *value)
{
	if (strcmp(name, "--tree") == 0)
		o->shape.file = value;
	else if (strcmp(name, "--under") == 0)
		o->shape.under = value;
	else if (strcmp(name, "--villages") == 0)
		o->shape.villages = value;
	else if (strcmp(name, "--faults") == 0)
		return faults_parse(value, &o->faults) ||
		       bad(value, "no class of faults");
	else if (strcmp(name, "--minutes") == 0)
		return number(name, value, 0, 100000000, &o->minutes);
	else if (strcmp(name, "--pace") == 0)
		return number(name, value, 1, UINT32_MAX, &o->pace);
	else if (strcmp(name, "--skip") == 0)
		return number(name, value, 0, 1023, &o->skip);
	else if (strcmp(name, "--patience") == 0)
		return small(name, value, 1, INT_MAX, &o->patience);
	else if (strcmp(name, "--campaign") == 0)
		return number(name, value, 1, UINT32_MAX, &o->campaign);
	else if (strcmp(name, "--nodes") == 0)
		return small(name, value, 2, 1024, &o->shape.nodes);
	else if (strcmp(name, "--flood") == 0)
		return number(name, value, 1, 1000000, &o->shape.flood);
	else if (strcmp(name, "--heartbeat") == 0)
		return small(name, value, 1, UINT32_MAX, &o->shape.heartbeat);
	else
		return bad(name, "no such option");
	return true;
}

static bool flag(struct options *o, const char *arg)
{
	if (strcmp(arg, "-v") == 0)
		o->verbose = true;
	else if (strcmp(arg, "-q") == 0)
		o->quiet = true;
	else if (strcmp(arg, "--shrink") == 0)
		o->shrink = true;
	else if (strcmp(arg, "--calendar") == 0)
		o->shape.calendar = true;
	else
		return false;
	return true;
}

static bool plain(struct options *o, int n, const char *text)
{
	if (n == 0)
		return number("SEED", text, 0, UINT64_MAX, &o->seed);
	if (n == 1)
		return number("COUNT", text, 1, UINT64_MAX, &o->count);
	return bad(text, "what is this for?");
}

static bool parse(struct options *o, int argc, char **argv)
{
	int plains = 0;
	for (int i = 1; i < argc; i++) {
		if (flag(o, argv[i]))
			continue;
		if (argv[i][0] != '-') {
			if (!plain(o, plains++, argv[i]))
				return false;
		} else if (i + 1 == argc) {
			return bad(argv[i], "no such option, or no value");
		} else if (!set(o, argv[i], argv[i + 1])) {
			return false;
		} else {
			i++;
		}
	}
	if (!o->shape.file && (o->shape.under || o->shape.villages))
		return bad("--under, --villages", "are for a --tree");
	return plains > 0 || bad("SEED", "none is given");
}

struct sum {
	uint64_t passed, failed, faults, deeds, records;
	double node_years;
	uint64_t struck[FAULT_BITS], met[BOUND_KINDS];
};

static void add(struct sum *sum, const struct result *r)
{
	*(r->invariant ? &sum->failed : &sum->passed) += 1;
	sum->node_years += (double)r->virtual_ms / 1000 / 86400 / 365.25 *
	                   (double)r->nodes;
	sum->deeds += r->deeds;
	sum->records += r->records;
	for (unsigned i = 0; i < FAULT_BITS; i++) {
		sum->faults += r->struck[i];
		sum->struck[i] += r->struck[i];
	}
	for (unsigned i = 0; i < BOUND_KINDS; i++)
		sum->met[i] += r->met[i];
}

/* Floods that nobody was put off in would show nothing. */
static bool met(const struct sum *s)
{
	enum { SURE = 60 };
	bool all = s->met[BOUND_SHARE] && s->met[BOUND_WAITING] &&
	           s->met[BOUND_ROOM] && s->met[BOUND_PUT_OFF];
	if (all || s->struck[FAULT_BIT_FLOOD] < SURE)
		return true;
	printf("%llu floods, and some bound that none of them met:",
	       (unsigned long long)s->struck[FAULT_BIT_FLOOD]);
	run_print_met(s->met);
	putchar('\n');
	return false;
}

/* Once a minute: how a campaign goes. */
static void tell(const struct sum *s)
{
	static time_t told;
	time_t now = time(NULL);
	if (told && now < told + 60)
		return;
	told = now;
	(void)fprintf(stderr, "%llu seeds, %.1f node years, %llu violations\n",
	              (unsigned long long)(s->passed + s->failed),
	              s->node_years, (unsigned long long)s->failed);
}

static void print_campaign(const struct sum *s)
{
	printf("faults:");
	for (unsigned i = 0; i < FAULT_BITS; i++) {
		if (!s->struck[i])
			continue;
		putchar(' ');
		faults_print(stdout, 1u << i);
		printf("=%llu", (unsigned long long)s->struck[i]);
	}
	run_print_met(s->met);
	printf("\npeople: deeds=%llu records=%llu\n",
	       (unsigned long long)s->deeds, (unsigned long long)s->records);
	printf("campaign: seeds=%llu node_years=%.3f faults=%llu "
	       "violations=%llu\n",
	       (unsigned long long)(s->passed + s->failed), s->node_years,
	       (unsigned long long)s->faults, (unsigned long long)s->failed);
}

int main(int argc, char **argv)
{
	struct options o = {.count = 1,
	                    .shape = {.nodes = 7},
	                    .faults = FAULT_ALL,
	                    .minutes = 30};
	struct sum sum = {0};
	time_t end;
	/* Disks come and go with every seed: their memory is kept. */
	(void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, stdout);
		return 0;
	}
	if (!parse(&o, argc, argv))
		return 2;
	end = time(NULL) + (time_t)o.campaign;
	for (uint64_t i = 0; o.campaign ? time(NULL) < end : i < o.count; i++) {
		struct result r;
		run_mind(&o, o.seed + i);
		if (!run(&o, o.seed + i, &r))
			return 2;
		add(&sum, &r);
		if (o.campaign)
			tell(&sum);
		if (!o.quiet || r.invariant)
			run_print(&o, o.seed + i, &r);
		if (r.invariant && o.shrink) {
			shrink(&o, o.seed + i, &r);
			break;
		}
	}
	sum.failed += !met(&sum);
	if (o.campaign)
		print_campaign(&sum);
	else
		printf("%llu passed, %llu failed\n",
		       (unsigned long long)sum.passed,
		       (unsigned long long)sum.failed);
	return sum.failed ? 1 : 0;
}
