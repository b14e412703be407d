#include "say.h"

#include <assert.h>
#include <stdarg.h>

/* Formats come from texts.def, not from callers or peers. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

void gt_say(FILE *out, enum gt_text key, ...)
{
	va_list ap;
	va_start(ap, key);
	int n = vfprintf(out, gt_text(key), ap);
	va_end(ap);
	/* A stream that cannot be written is noticed when it is closed. */
	(void)n;
}

void gt_say_into(char *out, size_t cap, enum gt_text key, ...)
{
	va_list ap;
	assert(cap > 0);
	va_start(ap, key);
	int n = vsnprintf(out, cap, gt_text(key), ap);
	va_end(ap);
	assert(n >= 0);
}
