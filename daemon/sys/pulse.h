/* pulse.h: calls under way, and whether one of them does not end.
 *
 * A thread that is handed to us marks the beginning of the call and its end;
 * whoever keeps the watchdog asks whether something began too long ago. What
 * rests has nothing to prove. No locks: it is asked most when they hang. */
#ifndef GT_PULSE_H
#define GT_PULSE_H

#include <stdatomic.h>

#include "base.h"

enum { GT_PULSE_BEATS = 32 }; /* no fewer than threads that are in a call */

/* Zeros: nothing is under way. */
struct gt_pulse {
	struct {
		_Atomic int64_t since_ms; /* 0: free */
		_Atomic(const char *) what;
	} beats[GT_PULSE_BEATS];
};

/* A call begins; what is a text that stays. Returns what to end it with. Any
 * thread. now_ms > 0, monotonic. */
unsigned gt_pulse_begin(struct gt_pulse *pulse, const char *what,
                        int64_t now_ms);
/* It has ended. */
void gt_pulse_end(struct gt_pulse *pulse, unsigned beat);
/* Calls under way, at a moment. Any thread. */
unsigned gt_pulse_count(struct gt_pulse *pulse);
/* How long the longest of those that have been under way for more than limit_ms
 * has been, and what it is. 0: there is none. Any thread. */
int64_t gt_pulse_stuck(struct gt_pulse *pulse, int64_t now_ms, int64_t limit_ms,
                       const char **what);

#endif
