/* links.c: what every part of the links calls.
 * Tests: u_link.c. */
#include "net_inside.h"

enum { LOG_PER_SECOND = 20 };

void links_wake(struct gt_links *links)
{
	(void)uv_async_send(&links->wake);
}

/* Anyone may knock as often as he likes: what is said of it is rationed. */
void links_log(struct gt_links *links, int level, const char *what,
               const char *address, const char *shown, const char *why)
{
	char text[400];
	uint64_t second = uv_hrtime() / 1000000000;
	pthread_mutex_lock(&links->lock);
	if (second != links->log_second) {
		links->log_second = second;
		links->logged = 0;
	}
	bool say = links->logged++ < LOG_PER_SECOND;
	unsigned unsaid = links->unlogged;
	links->unlogged = say ? 0 : unsaid + 1;
	pthread_mutex_unlock(&links->lock);
	if (!say)
		return;
	if (unsaid > 0)
		gt_format(text, sizeof text, "%s (and %u more like it)", why,
		          unsaid);
	else
		gt_copy(text, sizeof text, why);
	links->events.log(links->arg, level, what, address, shown, text);
}
