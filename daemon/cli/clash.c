#include "clash.h"

#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "object.h"
#include "say.h"

enum { TOLD = 20 };

/* A name as it is elsewhere, and which it is here. */
struct folded {
	char *key;
	size_t at;
};

static int by_key(const void *a, const void *b)
{
	const struct folded *x = a, *y = b;
	int order = strcmp(x->key, y->key);
	return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

/* The beginning of a name. */
struct head {
	const char *p;
	size_t n;
};

static int by_head(const void *a, const void *b)
{
	const struct head *h = a;
	const char *key = ((const struct folded *)b)->key;
	int order = strncmp(h->p, key, h->n);
	return order ? order : key[h->n] ? -1 : 0;
}

/* A file that stands where a folder of this name is needed. */
static size_t file_above(const struct folded *v, size_t n, const char *key)
{
	for (const char *p = key; (p = strchr(p, '/')); p++) {
		const struct head h = {key, (size_t)(p - key)};
		const struct folded *f = bsearch(&h, v, n, sizeof *v, by_head);
		if (f)
			return f->at;
	}
	return SIZE_MAX;
}

static size_t *pairs(const struct folded *v, size_t n)
{
	size_t *with = malloc((n ? n : 1) * sizeof *with);
	for (size_t i = 0; with && i < n; i++)
		with[v[i].at] = i > 0 && strcmp(v[i - 1].key, v[i].key) == 0
		                        ? v[i - 1].at
		                        : file_above(v, n, v[i].key);
	return with;
}

size_t *gt_clash_find(gt_clash_name *name, const void *arg, size_t n)
{
	struct folded *v = calloc(n ? n : 1, sizeof *v);
	size_t *with = NULL, made = 0;
	for (; v && made < n; made++) {
		struct gt_buffer key = {0};
		bool ok = gt_fold(&key, name(arg, made));
		v[made] = (struct folded){gt_buffer_text(&key, NULL), made};
		if (!ok || !v[made].key)
			break;
	}
	if (v && made == n) {
		qsort(v, n, sizeof *v, by_key);
		with = pairs(v, n);
	}
	for (size_t i = 0; v && i < n; i++)
		free(v[i].key);
	free(v);
	return with;
}

/* ------------------------------------------------------------- warn */

static const char *file_name(const void *arg, size_t i)
{
	return ((const struct gt_walk *)arg)->files[i].path;
}

static void warn_pairs(FILE *err, const char *where, const struct gt_walk *w,
                       const size_t *with)
{
	char a[GT_PATH_SHOWN], b[GT_PATH_SHOWN];
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++) {
		if (with[i] == SIZE_MAX || n++ >= TOLD)
			continue;
		const char *one = w->files[with[i]].path;
		const char *other = w->files[i].path;
		if (n == 1)
			gt_say(err, GT_T_CLI_CLASH, where);
		(void)fprintf(err, "  %s %s\n",
		              gt_path_show(a, one, strlen(one)),
		              gt_path_show(b, other, strlen(other)));
	}
	if (n > TOLD)
		gt_say(err, GT_T_CLI_CLASH_MORE, n);
}

static void warn_reserved(FILE *err, const char *where, const struct gt_walk *w)
{
	char shown[GT_PATH_SHOWN];
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++) {
		const char *path = w->files[i].path;
		if (!gt_fold_reserved(path) || n++ >= TOLD)
			continue;
		if (n == 1)
			gt_say(err, GT_T_CLI_CLASH_RESERVED, where);
		(void)fprintf(err, "  %s\n",
		              gt_path_show(shown, path, strlen(path)));
	}
	if (n > TOLD)
		gt_say(err, GT_T_CLI_CLASH_MORE, n);
}

bool gt_clash_warn(FILE *err, const char *where, const struct gt_walk *w)
{
	size_t *with = gt_clash_find(file_name, w, w->n);
	if (!with)
		return false;
	warn_pairs(err, where, w, with);
	warn_reserved(err, where, w);
	free(with);
	return true;
}
