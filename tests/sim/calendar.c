/* calendar.c: when people do what, in a week of theirs. */
#include "work.h"

/* Ninths of the busiest hour, from midnight on, Beijing time. Offices publish
 * and set rules; learners come before work, at noon and in the evening, and at
 * weekends all day. */
static const char office[2][25] = {"000000001799614898620000",
                                   "000000000122100111000000"};
static const char learners[2][25] = {"100000123444653345567985",
                                     "210000012456655667778874"};

bool calendar_busy(const struct world *w, bool official, struct prng *p)
{
	/* The world begins on a Thursday, at eight in the morning there. */
	uint64_t hour = w->now / 3600000 + 8;
	bool weekend = (hour / 24 + 3) % 7 >= 5;
	const char *day = official ? office[weekend] : learners[weekend];
	return prng_below(p, 9) < (uint64_t)(day[hour % 24] - '0');
}
