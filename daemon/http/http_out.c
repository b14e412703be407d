#include "http_out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

static bool room(struct gt_out *o, size_t more)
{
	if (o->failed || more > SIZE_MAX / 4 - o->n) {
		o->failed = true;
		return false;
	}
	if (o->n + more + 1 <= o->cap)
		return true;
	size_t cap = o->cap ? o->cap : 4096;
	while (cap < o->n + more + 1)
		cap *= 2;
	char *p = realloc(o->p, cap);
	if (!p) {
		o->failed = true;
		return false;
	}
	o->p = p;
	o->cap = cap;
	return true;
}

void gt_out_put(struct gt_out *o, const void *p, size_t n)
{
	if (n == 0 || !room(o, n))
		return;
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

void gt_out_str(struct gt_out *o, const char *s)
{
	gt_out_put(o, s, strlen(s));
}

void gt_out_format(struct gt_out *o, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	if (n >= 0 && room(o, (size_t)n)) {
		(void)vsnprintf(o->p + o->n, (size_t)n + 1, fmt, again);
		o->n += (size_t)n;
	} else {
		o->failed = true;
	}
	va_end(again);
	va_end(args);
}

void gt_out_html(struct gt_out *o, const char *s)
{
	while (*s) {
		size_t plain = strcspn(s, "&<>\"'");
		gt_out_put(o, s, plain);
		s += plain;
		switch (*s) {
		case '&':
			gt_out_str(o, "&amp;");
			break;
		case '<':
			gt_out_str(o, "&lt;");
			break;
		case '>':
			gt_out_str(o, "&gt;");
			break;
		case '"':
			gt_out_str(o, "&quot;");
			break;
		case '\'':
			gt_out_str(o, "&#39;");
			break;
		default:
			return;
		}
		s++;
	}
}

void gt_out_url(struct gt_out *o, const char *s)
{
	for (; *s; s++) {
		unsigned c = (unsigned char)*s;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9') || strchr("-._~/", (int)c);
		if (plain)
			gt_out_put(o, s, 1);
		else
			gt_out_format(o, "%%%02X", c);
	}
}

void gt_out_size(struct gt_out *o, uint64_t bytes)
{
	char text[GT_MEASURE_SIZE];
	gt_measure_size(text, bytes);
	gt_out_str(o, text);
}

char *gt_out_take(struct gt_out *o, size_t *n)
{
	bool ok = room(o, 0);
	char *p = o->p;
	if (ok)
		p[o->n] = '\0';
	else
		free(p);
	if (n)
		*n = ok ? o->n : 0;
	*o = (struct gt_out){0};
	return ok ? p : NULL;
}
