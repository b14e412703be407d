#include "start.h"

#include <string.h>

/* Better ones first. What was made where both cases are one name has either. */
static const char *const indexes[] = {"index.html", "index.htm",  "Index.html",
                                      "Index.htm",  "INDEX.HTML", "INDEX.HTM"};
enum { INDEXES = sizeof indexes / sizeof *indexes, NAMED = INDEXES + 1 };

/* What a name is worth as the first page of its folder, 0: nothing. */
static unsigned worth(const char *name)
{
	for (unsigned i = 0; i < INDEXES; i++)
		if (strcmp(name, indexes[i]) == 0)
			return INDEXES - i;
	return 0;
}

void gt_start_begin(struct gt_start *s, const char *named)
{
	*s = (struct gt_start){.named = named ? named : ""};
}

void gt_start_member(struct gt_start *s, const char *path)
{
	unsigned rank = strcmp(path, s->named) == 0 ? NAMED : worth(path);
	if (s->n++ > 0 && rank <= s->rank)
		return;
	s->found = path;
	s->rank = rank;
}

const char *gt_start_end(const struct gt_start *s)
{
	return s->rank > 0 || s->n == 1 ? s->found : NULL;
}

uint32_t gt_start_of(const struct gt_manifest *m, const char *named)
{
	uint32_t at = named ? gt_manifest_find(m, named) : UINT32_MAX;
	if (at == UINT32_MAX && m->nfiles == 1)
		return 0;
	return at == UINT32_MAX ? gt_start_index(m, "") : at;
}

/* The first member whose path is folder and a slash or would come after. */
static uint32_t first_below(const struct gt_manifest *m, const char *folder,
                            size_t n)
{
	uint32_t lo = 0, hi = m->nfiles;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const char *path = m->files[mid].path;
		int order = strncmp(path, folder, n);
		if (order < 0 || (order == 0 && (uint8_t)path[n] < '/'))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool gt_start_folder(const struct gt_manifest *m, const char *folder)
{
	size_t n = strlen(folder);
	uint32_t i = first_below(m, folder, n);
	return i < m->nfiles && strncmp(m->files[i].path, folder, n) == 0 &&
	       m->files[i].path[n] == '/';
}

uint32_t gt_start_index(const struct gt_manifest *m, const char *folder)
{
	char path[GT_PATH_MAX + 16];
	uint32_t at = UINT32_MAX;
	assert(strlen(folder) <= GT_PATH_MAX);
	for (unsigned i = 0; at == UINT32_MAX && i < INDEXES; i++) {
		gt_format(path, sizeof path, "%s%s%s", folder,
		          *folder ? "/" : "", indexes[i]);
		at = gt_manifest_find(m, path);
	}
	return at;
}
