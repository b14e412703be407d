#include "http_out.h"

#include <string.h>

#include "measure.h"

void gt_out_html(struct gt_buffer *o, const char *s)
{
	while (*s) {
		size_t plain = strcspn(s, "&<>\"'");
		gt_buffer_add(o, s, plain);
		s += plain;
		switch (*s) {
		case '&':
			gt_buffer_str(o, "&amp;");
			break;
		case '<':
			gt_buffer_str(o, "&lt;");
			break;
		case '>':
			gt_buffer_str(o, "&gt;");
			break;
		case '"':
			gt_buffer_str(o, "&quot;");
			break;
		case '\'':
			gt_buffer_str(o, "&#39;");
			break;
		default:
			return;
		}
		s++;
	}
}

void gt_out_url(struct gt_buffer *o, const char *s)
{
	for (; *s; s++) {
		unsigned c = (unsigned char)*s;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9') || strchr("-._~/", (int)c);
		if (plain)
			gt_buffer_add(o, s, 1);
		else
			gt_buffer_format(o, "%%%02X", c);
	}
}

void gt_out_size(struct gt_buffer *o, uint64_t bytes)
{
	char text[GT_MEASURE_SIZE];
	gt_measure_size(text, bytes);
	gt_buffer_str(o, text);
}
