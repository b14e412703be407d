/* ends.h: ends of links for tests, several on one loop, and waiting for what
 * happens to them without sleeping. */
#ifndef GT_TEST_ENDS_H
#define GT_TEST_ENDS_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "bulk.h"
#include "certs.h"
#include "link.h"

struct end;
struct rig {
	uv_loop_t loop;
	struct end *ends[4]; /* for end_tell when waiting was in vain */
	size_t nends;
	uv_async_t poke;
	uv_timer_t limit;
	bool late;
};

struct end {
	struct rig *rig;
	struct gt_links *links;  /* NULL: not started */
	bool echo;               /* answer each request with itself */
	const char *answer;      /* to malformed messages; NULL: none */
	void (*amid)(void *arg); /* called in each message's callback, if set */
	void *amid_arg;
	atomic_uint ups, downs, logs, messages, malformed;
	atomic_uint disorder; /* tokens out of order, callbacks out of turn */
	atomic_uint damaged;  /* payloads that are not pattern_fill's */
	atomic_ullong bytes;
	_Atomic uint32_t peer;   /* last that came up */
	_Atomic int way;         /* how, enum gt_link_way */
	atomic_uint stopped;     /* callbacks from here on are a fault */
	_Atomic uint64_t expect; /* next token if it is to be in order */
	bool ordered;
	pthread_mutex_t lock;
	char code[64], address[80], why[400];
	char log[16384]; /* every line logged, as far as there is room */
};

/* Makes the loop, and ends it: every end must be stopped by then. */
void rig_start(struct rig *rig);
void rig_stop(struct rig *rig);
/* One round of the loop. False: this wait will never end. */
bool rig_turn(struct rig *rig, bool first);
/* Tells what every end has been through, and ends the program. */
void rig_give_up(struct rig *rig, const char *file, int line, const char *what);
/* Waits until the condition holds; if it never does, the program ends. */
#define RIG_WAIT(rig, condition)                               \
	for (bool first_ = true; !(condition); first_ = false) \
		if (!rig_turn(rig, first_))                    \
	rig_give_up(rig, __FILE__, __LINE__, #condition)

/* An end of the rig's, all zero; its links are not started. */
void end_init(struct end *end, struct rig *rig);
/* gt_links_start, and what that returned; why is kept. */
int end_start(struct end *end, const struct gt_links_config *config);
/* Stops its links if they run: it may be started again. */
void end_stop(struct end *end);
/* Stops, and is done with it. */
void end_fini(struct end *end);
/* What it has been through, on stderr: for the post-mortem. */
void end_tell(struct end *end);
/* Whether that text is in its log; in the last reason a link went, or did not
 * start. */
bool end_logged(struct end *end, const char *text);
bool end_why_has(struct end *end, const char *text);

/* Bytes that depend on place and token, so that mixing shows. */
void pattern_fill(uint8_t *p, size_t n, uint64_t token);
bool pattern_is(const uint8_t *p, size_t n, uint64_t token);

#endif
