#include "stored.h"

#include <string.h>

unsigned gt_stored_mark(int64_t era)
{
	return era > 0 ? 1 + (unsigned)((era - 1) % GT_STORED_MARKS) : 0;
}

int64_t gt_stored_era(unsigned mark, int64_t newest)
{
	assert(mark >= 1 && mark <= GT_STORED_MARKS);
	int64_t back = (int64_t)gt_stored_mark(newest) - (int64_t)mark;
	if (back < 0)
		back += GT_STORED_MARKS;
	return newest - back > 0 ? newest - back : 0;
}

void gt_stored_format(char out[GT_STORED_CHARS], int64_t ms, int64_t era)
{
	char text[GT_ISO_CHARS];
	unsigned mark = gt_stored_mark(era);
	gt_iso_format(text, ms);
	size_t n = strlen(text);
	assert(n > 0 && text[n - 1] == 'Z');
	if (mark)
		gt_format(out, GT_STORED_CHARS, "%.*s%03uZ", (int)n - 1, text,
		          mark);
	else
		gt_copy(out, GT_STORED_CHARS, text);
}

bool gt_stored_parse(int64_t *ms, unsigned *mark, const char *text)
{
	struct gt_iso_moment m;
	if (!gt_iso_parse(ms, text) || !gt_iso_read(&m, text))
		return false;
	*mark = m.nano / 1000 % 1000;
	return true;
}
