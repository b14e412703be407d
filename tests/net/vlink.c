/* vlink: an impaired link between two network namespaces, in user space.
 *
 *   vlink SPACE_A DEVICE_A SPACE_B DEVICE_B
 *
 * Makes a TUN device in each namespace and carries packets between the two:
 * late, at a rate, lost, doubled, out of order, or not at all. A kernel without
 * netem will do. Says "ready", then obeys lines on standard input, and says
 * each line again once it is carried out:
 *
 *   [ab|ba] set KEY=NUMBER...   ab: only packets from A to B
 *       delay, jitter (ms)  loss, dup (%)  rate (kbit/s, 0: any)
 *       queue (KiB that may wait for the rate; more is lost)
 *       reorder (1: jitter may turn packets round)  mtu (larger ones vanish)
 *   [ab|ba] cut | restore       a cut link is silent and loses what is on it
 *   stats                       answered by what happened so far
 *
 * A line it does not understand is answered by "? LINE". Ends with its
 * input. */
#define _GNU_SOURCE /* setns, ppoll */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
	PACKET_MAX = 65536,
	BURST = 64,          /* packets taken from one side in a row */
	HELD_MAX = 64 << 20, /* bytes on one direction, whatever is set */
	LINE_MAX_BYTES = 512,
};
static const uint64_t SECOND = 1000000000;

struct packet {
	struct packet *next;
	uint64_t due; /* ns */
	size_t n;
	uint8_t b[];
};

/* One direction. How it behaves, what is on it, what happened. */
struct way {
	const char *name;
	double delay, jitter, loss, dup, rate, queue, reorder, mtu;
	bool cut;
	struct packet *first, *last;
	size_t held;
	uint64_t free_at; /* when the rate lets the next packet start */
	unsigned long carried, lost, full;
	unsigned long long bytes;
};

struct key {
	const char *name;
	size_t at;
	double max;
};
static const struct key keys[] = {
        {"delay", offsetof(struct way, delay), 60000},
        {"jitter", offsetof(struct way, jitter), 60000},
        {"loss", offsetof(struct way, loss), 100},
        {"dup", offsetof(struct way, dup), 100},
        {"rate", offsetof(struct way, rate), 10e6},
        {"queue", offsetof(struct way, queue), 64 << 10},
        {"reorder", offsetof(struct way, reorder), 1},
        {"mtu", offsetof(struct way, mtu), PACKET_MAX},
};

static struct way ways[2] = {
        {.name = "ab", .queue = 256, .mtu = PACKET_MAX},
        {.name = "ba", .queue = 256, .mtu = PACKET_MAX},
};
static uint64_t seed = 1;

static void die(const char *what)
{
	fprintf(stderr, "vlink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		die("clock_gettime");
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* In [0, 1); splitmix64, so that a run's draws do not hang on the C library. */
static double draw(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

/* ---------------------------------------------------------- packets */

static void put(struct way *w, struct packet *p)
{
	struct packet **at = &w->first;
	w->held += p->n;
	if (!w->last || w->last->due <= p->due) {
		*(w->last ? &w->last->next : at) = p;
		w->last = p;
		return;
	}
	while (*at && (*at)->due <= p->due)
		at = &(*at)->next;
	p->next = *at;
	*at = p;
}

static void send_later(struct way *w, uint64_t due, const uint8_t *b, size_t n)
{
	struct packet *p = malloc(sizeof *p + n);
	if (!p)
		die("out of memory");
	*p = (struct packet){.due = due, .n = n};
	memcpy(p->b, b, n);
	put(w, p);
}

/* When the packet's last bit has left; 0: the queue before the rate is full. */
static uint64_t leaves(struct way *w, uint64_t now, size_t n)
{
	if (w->rate <= 0)
		return now;
	double ns_a_byte = 8e6 / w->rate;
	uint64_t waits = w->free_at > now ? w->free_at - now : 0;
	if ((double)waits > w->queue * 1024 * ns_a_byte)
		return 0;
	w->free_at = now + waits + (uint64_t)((double)n * ns_a_byte);
	return w->free_at;
}

static void enter(struct way *w, uint64_t now, const uint8_t *b, size_t n)
{
	if (w->cut || n > (size_t)w->mtu || 100 * draw() < w->loss) {
		w->lost++;
		return;
	}
	uint64_t at = w->held + n > HELD_MAX ? 0 : leaves(w, now, n);
	if (at == 0) {
		w->full++;
		return;
	}
	at += (uint64_t)((w->delay + w->jitter * draw()) * 1e6);
	if (w->reorder < 1 && w->last && at < w->last->due)
		at = w->last->due;
	send_later(w, at, b, n);
	if (100 * draw() < w->dup)
		send_later(w, at, b, n);
}

static void take(struct way *w, int from, uint64_t now)
{
	static uint8_t b[PACKET_MAX];
	ssize_t n;
	for (int i = 0; i < BURST && (n = read(from, b, sizeof b)) > 0; i++)
		enter(w, now, b, (size_t)n);
}

/* Hands over what is due; returns when the next is. */
static uint64_t deliver(struct way *w, int to, uint64_t now)
{
	while (w->first && w->first->due <= now) {
		struct packet *p = w->first;
		w->first = p->next;
		if (!w->first)
			w->last = NULL;
		w->held -= p->n;
		/* a device that is down takes nothing: lost as on a wire */
		if (!w->cut && write(to, p->b, p->n) == (ssize_t)p->n) {
			w->carried++;
			w->bytes += p->n;
		} else {
			w->lost++;
		}
		free(p);
	}
	return w->first ? w->first->due : UINT64_MAX;
}

/* --------------------------------------------------------- commands */

static bool set_one(struct way *w, const char *pair)
{
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		size_t n = strlen(keys[i].name);
		char *end;
		if (strncmp(pair, keys[i].name, n) != 0 || pair[n] != '=')
			continue;
		double v = strtod(pair + n + 1, &end);
		if (end == pair + n + 1 || *end || !(v >= 0) || v > keys[i].max)
			return false;
		memcpy((char *)w + keys[i].at, &v, sizeof v);
		return true;
	}
	return false;
}

/* words: what follows the direction; cut up on the way. */
static bool order(struct way *w, char *words)
{
	char *rest, *word = strtok_r(words, " ", &rest);
	if (!word)
		return false;
	if (strcmp(word, "cut") == 0 || strcmp(word, "restore") == 0) {
		w->cut = *word == 'c';
		return strtok_r(NULL, " ", &rest) == NULL;
	}
	bool ok = strcmp(word, "set") == 0;
	while (ok && (word = strtok_r(NULL, " ", &rest)))
		ok = set_one(w, word);
	return ok;
}

static void obey(const char *line)
{
	bool ok = true;
	if (strcmp(line, "stats") == 0) {
		for (int i = 0; i < 2; i++)
			printf("%s carried=%lu bytes=%llu lost=%lu full=%lu%c",
			       ways[i].name, ways[i].carried, ways[i].bytes,
			       ways[i].lost, ways[i].full, i ? '\n' : ' ');
		return;
	}
	for (int i = 0; i < 2; i++) {
		char words[LINE_MAX_BYTES];
		bool one = strncmp(line, "ab ", 3) == 0 ||
		           strncmp(line, "ba ", 3) == 0;
		snprintf(words, sizeof words, "%s", line + (one ? 3 : 0));
		if (!one || strncmp(line, ways[i].name, 2) == 0)
			ok = order(&ways[i], words) && ok;
	}
	printf("%s%s\n", ok ? "" : "? ", line);
}

/* False: the input has ended. */
static bool listen_to_orders(void)
{
	static char buffer[LINE_MAX_BYTES];
	static size_t used;
	ssize_t n = read(STDIN_FILENO, buffer + used, sizeof buffer - used);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	used += (size_t)n;
	char *end;
	while ((end = memchr(buffer, '\n', used))) {
		size_t line = (size_t)(end - buffer) + 1;
		*end = '\0';
		obey(buffer);
		used -= line;
		memmove(buffer, end + 1, used);
	}
	fflush(stdout);
	return used < sizeof buffer; /* a line that long is nobody's */
}

/* ------------------------------------------------------------- main */

static int make_device(const char *space, const char *device)
{
	char path[256];
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	snprintf(path, sizeof path, "/run/netns/%s", space);
	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", device);
	int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) != 0)
		die(path);
	close(ns);
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) != 0)
		die("/dev/net/tun");
	return fd;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: vlink SPACE_A DEVICE_A SPACE_B DEVICE_B\n",
		      stderr);
		return 2;
	}
	int a = make_device(argv[1], argv[2]),
	    b = make_device(argv[3], argv[4]);
	struct pollfd fds[3] = {
	        {STDIN_FILENO, POLLIN, 0}, {a, POLLIN, 0}, {b, POLLIN, 0}};
	puts("ready");
	fflush(stdout);
	for (;;) {
		uint64_t now = now_ns();
		uint64_t due = deliver(&ways[0], b, now);
		uint64_t other = deliver(&ways[1], a, now);
		due = other < due ? other : due;
		uint64_t wait = due == UINT64_MAX ? SECOND : due - now;
		struct timespec t = {(time_t)(wait / SECOND),
		                     (long)(wait % SECOND)};
		if (ppoll(fds, 3, &t, NULL) < 0 && errno != EINTR)
			die("ppoll");
		now = now_ns();
		take(&ways[0], a, now);
		take(&ways[1], b, now);
		if (fds[0].revents && !listen_to_orders())
			return 0;
	}
}
