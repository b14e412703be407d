#include "pulse.h"

unsigned gt_pulse_begin(struct gt_pulse *pulse, const char *what,
                        int64_t now_ms)
{
	assert(now_ms > 0);
	for (unsigned i = 0; i < GT_PULSE_BEATS; i++) {
		int64_t none = 0;
		if (!atomic_compare_exchange_strong(&pulse->beats[i].since_ms,
		                                    &none, now_ms))
			continue;
		atomic_store(&pulse->beats[i].what, what);
		return i;
	}
	return GT_PULSE_BEATS; /* not watched, which harms nobody */
}

void gt_pulse_end(struct gt_pulse *pulse, unsigned beat)
{
	if (beat < GT_PULSE_BEATS)
		atomic_store(&pulse->beats[beat].since_ms, 0);
}

unsigned gt_pulse_count(struct gt_pulse *pulse)
{
	unsigned n = 0;
	for (unsigned i = 0; i < GT_PULSE_BEATS; i++)
		n += atomic_load(&pulse->beats[i].since_ms) != 0;
	return n;
}

int64_t gt_pulse_stuck(struct gt_pulse *pulse, int64_t now_ms, int64_t limit_ms,
                       const char **what)
{
	int64_t longest = 0;
	for (unsigned i = 0; i < GT_PULSE_BEATS; i++) {
		int64_t since = atomic_load(&pulse->beats[i].since_ms);
		if (since == 0 || now_ms - since <= limit_ms ||
		    now_ms - since <= longest)
			continue;
		longest = now_ms - since;
		*what = atomic_load(&pulse->beats[i].what);
	}
	return longest;
}
