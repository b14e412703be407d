#include "say.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

/* Formats come from texts.def, not from callers or peers. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

enum { FOLDER = 4096 };

static const char placeholder[] = "guantong -C DIR ";
static char folder[FOLDER]; /* as a shell takes it; "" is none */

void gt_say_node(const char *dir)
{
	static const char plain[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	        "0123456789/._-+,:@";
	bool bare = true;
	size_t n = 0;
	for (const char *c = dir ? dir : ""; *c; c++)
		bare = bare && ((signed char)*c < 0 || strchr(plain, *c));
	if (!bare)
		folder[n++] = '\'';
	/* one that is too long is none: half a path would be wrong */
	for (const char *c = dir ? dir : ""; *c; c++) {
		if (n + 8 > sizeof folder) {
			folder[0] = '\0';
			return;
		}
		if (*c == '\'') {
			memcpy(folder + n, "'\\'", 3);
			n += 3;
		}
		folder[n++] = *c;
	}
	if (!bare)
		folder[n++] = '\'';
	folder[n] = '\0';
}

/* The text with the folder in it; of a format what is a % in the folder is two.
 * The text itself: there is nothing to do; NULL: no room. */
static const char *fill(char out[GT_SAY_ADVICE], const char *text, bool format)
{
	const char *at = *folder ? strstr(text, placeholder) : NULL;
	size_t n = 0, before = strlen("guantong -C "), cost = strlen(folder);
	if (!at)
		return text;
	for (const char *c = folder; format && *c; c++)
		cost += *c == '%';
	for (; at; at = strstr(text, placeholder)) {
		size_t len = (size_t)(at - text) + before;
		if (n + len + cost >= GT_SAY_ADVICE)
			break;
		memcpy(out + n, text, len);
		n += len;
		for (const char *c = folder; *c; c++) {
			out[n++] = *c;
			if (*c == '%' && format)
				out[n++] = '%';
		}
		text = at + before + strlen("DIR");
	}
	if (at || n + strlen(text) >= GT_SAY_ADVICE)
		return NULL;
	memcpy(out + n, text, strlen(text) + 1);
	return out;
}

const char *gt_say_advice(char out[GT_SAY_ADVICE], const char *sentence)
{
	const char *filled = fill(out, sentence, false);
	return filled ? filled : sentence;
}

static const char *format_of(char out[GT_SAY_ADVICE], enum gt_text key)
{
	const char *filled = fill(out, gt_text(key), true);
	return filled ? filled : gt_text(key);
}

void gt_say(FILE *out, enum gt_text key, ...)
{
	char text[GT_SAY_ADVICE];
	va_list ap;
	va_start(ap, key);
	int n = vfprintf(out, format_of(text, key), ap);
	va_end(ap);
	/* A stream that cannot be written is noticed when it is closed. */
	(void)n;
}

void gt_say_into(char *out, size_t cap, enum gt_text key, ...)
{
	char text[GT_SAY_ADVICE];
	va_list ap;
	assert(cap > 0);
	va_start(ap, key);
	int n = vsnprintf(out, cap, format_of(text, key), ap);
	va_end(ap);
	assert(n >= 0);
}
