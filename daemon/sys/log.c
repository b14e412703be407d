#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "say.h"
#include "translate.h"
#include "utf8.h"

enum { SLOTS = 64, VALUE_MAX = 1024 };

/* One event's second. Two events on one slot share their budget: losing a
 * line is cheaper than a table a peer could fill. */
struct slot {
	char event[48];
	int level;
	time_t second; /* monotonic */
	unsigned count;
	unsigned held;
	unsigned spent; /* of GT_LOG_HOUR; one comes back each second */
	time_t told;    /* when lines held back were last said */
};

struct line {
	char text[GT_LOG_LINE_MAX];
	size_t n;
	bool cut;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[SLOTS];
static unsigned held_slots; /* slots with lines held back */
static atomic_int level_now = GT_LOG_INFO;
static atomic_int log_fd = STDERR_FILENO;

void gt_log_set_level(int level)
{
	atomic_store(&level_now, level);
}

void gt_log_set_fd(int fd)
{
	atomic_store(&log_fd, fd);
}

const char *gt_log_u64(char out[24], uint64_t n)
{
	gt_format(out, 24, "%" PRIu64, n);
	return out;
}

/* --------------------------------------------------------- one line */

/* Bytes left before those for the mark of a cut line and its end. */
static size_t room(const struct line *l)
{
	return sizeof l->text - 5 - l->n;
}

static void put(struct line *l, const char *p, size_t n)
{
	if (l->cut)
		return;
	if (n > room(l)) {
		l->cut = true;
		return;
	}
	memcpy(l->text + l->n, p, n);
	l->n += n;
}

static void puts_(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

/* Length of the character at s if it may be shown, 0: it may not. */
static size_t printable(const char *s)
{
	size_t n;
	uint32_t c = gt_utf8_next(s, GT_UTF8_MAX, &n);
	return c == GT_UTF8_BROKEN || gt_utf8_control(c) ? 0 : n;
}

static bool bare(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"=\\", *s))
			return false;
	return true;
}

static void put_value(struct line *l, const char *value)
{
	if (bare(value)) {
		put(l, value, strnlen(value, VALUE_MAX));
		return;
	}
	puts_(l, "\"");
	const char *s = value;
	/* stops while there is still room to close the quotes */
	while (*s && s - value < VALUE_MAX && room(l) >= 16) {
		size_t n = printable(s);
		char hex[5];
		if (n == 1 && (*s == '"' || *s == '\\')) {
			puts_(l, "\\");
		} else if (n == 0) {
			gt_format(hex, sizeof hex, "\\x%02x", (uint8_t)*s++);
			puts_(l, hex);
			continue;
		}
		put(l, s, n);
		s += n;
	}
	puts_(l, *s ? "...\"" : "\"");
}

static void put_pair(struct line *l, const char *key, const char *value)
{
	puts_(l, " ");
	puts_(l, key);
	puts_(l, "=");
	put_value(l, value);
}

/* What advises a command names this node's folder: the operator stands
 * elsewhere. */
static void put_advice(struct line *l, const char *key, const char *value)
{
	char text[GT_SAY_ADVICE];
	put_pair(l, key, gt_say_advice(text, value));
}

/* The event says in any language what it was; this is for a person. */
static void put_sentence(struct line *l, const char *key, const char *sentence)
{
	char text[GT_TRANSLATE_MAX];
	put_advice(l, key, gt_translate(text, NULL, sentence));
}

/* Local time with its zone: an operator compares it with the clock on the
 * wall. */
static void put_time(struct line *l)
{
	struct timespec now;
	struct tm tm;
	char date[40], zone[8], text[64];
	if (clock_gettime(CLOCK_REALTIME, &now) != 0 ||
	    !localtime_r(&now.tv_sec, &tm) ||
	    !strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm) ||
	    strftime(zone, sizeof zone, "%z", &tm) != 5) {
		puts_(l, "time=?");
		return;
	}
	gt_format(text, sizeof text, "time=%s.%03ld%.3s:%s", date,
	          now.tv_nsec / 1000000, zone, zone + 3);
	puts_(l, text);
}

/* Whether standard error leads to journald (systemd.exec(5)), which takes a
 * priority from the start of the line. */
static bool to_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char here[64];
	if (!stream || fstat(fd, &st) != 0)
		return false;
	gt_format(here, sizeof here, "%ju:%ju", (uintmax_t)st.st_dev,
	          (uintmax_t)st.st_ino);
	return strcmp(here, stream) == 0;
}

static void begin(struct line *l, int level, const char *event)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	static const char *const priority[] = {"<3>", "<4>", "<6>", "<7>"};
	l->n = 0;
	l->cut = false;
	if (to_journal(atomic_load(&log_fd)))
		puts_(l, priority[level]);
	put_time(l);
	put_pair(l, "level", names[level]);
	put_pair(l, "event", event);
}

static void finish(struct line *l)
{
	size_t done = 0;
	if (l->cut) {
		memcpy(l->text + l->n, " ...", 4);
		l->n += 4;
	}
	l->text[l->n++] = '\n';
	while (done < l->n) {
		ssize_t n = write(atomic_load(&log_fd), l->text + done,
		                  l->n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nowhere left to complain to */
		done += (size_t)n;
	}
}

/* ------------------------------------------------------- rate limit */

static time_t second_now(void)
{
	struct timespec ts;
	return clock_gettime(CLOCK_MONOTONIC, &ts) == 0 ? ts.tv_sec : 0;
}

static void report_held(struct slot *s)
{
	struct line l;
	begin(&l, s->level, "suppressed");
	put_pair(&l, "of", s->event);
	put_pair(&l, "suppressed", GT_LOG_U(s->held));
	finish(&l);
	s->held = 0;
	s->told = second_now();
	held_slots--;
}

/* Whoever goes on for hours is told of once a minute. */
static bool due(const struct slot *s, time_t now)
{
	enum { MINUTE = 60 };
	if (s->spent < GT_LOG_HOUR)
		return s->second != now;
	return now - s->told >= MINUTE;
}

static void report_old(time_t now)
{
	for (size_t i = 0; held_slots && i < SLOTS; i++)
		if (slots[i].held && (now < 0 || due(&slots[i], now)))
			report_held(&slots[i]);
}

static bool allow(int level, const char *event, time_t now)
{
	uint32_t h = 2166136261u;
	for (const char *p = event; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	struct slot *s = &slots[h % SLOTS];
	if (s->second != now) {
		uint64_t past = (uint64_t)(now - s->second);
		s->spent -= past < s->spent ? (unsigned)past : s->spent;
		s->second = now;
		s->count = 0;
	}
	if (s->spent < GT_LOG_HOUR && s->count++ < GT_LOG_BURST) {
		s->spent++;
		return true;
	}
	if (!s->held++)
		held_slots++;
	s->level = level;
	(void)gt_copy(s->event, sizeof s->event, event);
	return false;
}

void gt_log_line(int level, const char *event, ...)
{
	struct line l;
	va_list ap;
	const char *key;
	assert(level >= GT_LOG_ERROR && level <= GT_LOG_DEBUG);
	if (level > atomic_load(&level_now))
		return;
	pthread_mutex_lock(&lock);
	time_t now = second_now();
	report_old(now);
	if (allow(level, event, now)) {
		begin(&l, level, event);
		va_start(ap, event);
		while ((key = va_arg(ap, const char *))) {
			const char *value = va_arg(ap, const char *);
			if (value && strcmp(key, "why") == 0)
				put_sentence(&l, key, value);
			else if (value)
				put_advice(&l, key, value);
		}
		va_end(ap);
		finish(&l);
	}
	pthread_mutex_unlock(&lock);
}

void gt_log_node(int level, const char *text)
{
	char key[40];
	struct line l;
	if (level < GT_LOG_ERROR || level > GT_LOG_DEBUG)
		level = GT_LOG_WARN;
	if (level > atomic_load(&level_now))
		return;
	(void)gt_copy(key, sizeof key, text);
	key[strcspn(key, "0123456789")] = '\0';
	pthread_mutex_lock(&lock);
	time_t now = second_now();
	report_old(now);
	if (allow(level, key, now)) {
		begin(&l, level, "node");
		put_sentence(&l, "msg", text);
		finish(&l);
	}
	pthread_mutex_unlock(&lock);
}

void gt_log_flush(void)
{
	pthread_mutex_lock(&lock);
	report_old(-1);
	pthread_mutex_unlock(&lock);
}
