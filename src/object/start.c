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
	for (unsigned i = 0; at == UINT32_MAX && i < INDEXES; i++)
		at = gt_manifest_find(m, indexes[i]);
	return at;
}

int gt_start_first(struct gt_index_cursor *c, const struct gt_index *ix,
                   const char *named, struct gt_member *out)
{
	int status = gt_index_find(c, ix, named, out);
	if (status != -GT_EUNKNOWN)
		return status;
	if (ix->nfiles > 1)
		return gt_start_index(c, ix, "", out);
	status = gt_index_seek(c, ix, "");
	return status ? status : gt_index_next(c, out);
}

int gt_start_folder(struct gt_index_cursor *c, const struct gt_index *ix,
                    const char *folder)
{
	char path[GT_PATH_MAX + 2];
	struct gt_member m;
	assert(strlen(folder) <= GT_PATH_MAX);
	gt_format(path, sizeof path, "%s/", folder);
	int status = gt_index_seek(c, ix, path);
	if (status == 0)
		status = gt_index_next(c, &m);
	if (status == 0 && strncmp(m.file.path, path, strlen(path)) != 0)
		status = -GT_EUNKNOWN;
	return status;
}

int gt_start_index(struct gt_index_cursor *c, const struct gt_index *ix,
                   const char *folder, struct gt_member *out)
{
	char path[GT_PATH_MAX + 16];
	int status = -GT_EUNKNOWN;
	assert(strlen(folder) <= GT_PATH_MAX);
	for (unsigned i = 0; status == -GT_EUNKNOWN && i < INDEXES; i++) {
		gt_format(path, sizeof path, "%s%s%s", folder,
		          *folder ? "/" : "", indexes[i]);
		status = gt_index_find(c, ix, path, out);
	}
	return status;
}
