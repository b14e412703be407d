/* b_cdc.c [.SUFFIX] DIR...: how large cuts come out on real files, what the
 * small frames cost in ratio, and how fast a core does it. One JSON line.
 *
 * Reads every regular file under the directories (only those whose names end in
 * .SUFFIX), in order of name, as one run of bytes, as a package of small files
 * is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "cdc.h"
#include "walk.h"

#include <unistd.h>

struct run {
	uint8_t *p;
	size_t n;
};

static double seconds(void)
{
	struct timespec t;
	int bad = clock_gettime(CLOCK_MONOTONIC, &t);
	assert(!bad);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool add_file(struct run *run, const struct gt_walk *w, size_t i)
{
	size_t n = (size_t)w->files[i].size;
	int fd = gt_walk_open(w, i);
	bool fine = fd >= 0;
	while (fine && n > 0) {
		ssize_t k = read(fd, run->p + run->n, n);
		fine = k > 0;
		if (!fine)
			break;
		run->n += (size_t)k;
		n -= (size_t)k;
	}
	if (fd >= 0)
		close(fd);
	return fine;
}

static bool ends_in(const char *path, const char *suffix)
{
	size_t n = strlen(path), k = strlen(suffix);
	return n >= k && strcmp(path + n - k, suffix) == 0;
}

static bool add_folder(struct run *run, const char *path, const char *suffix)
{
	struct gt_walk w;
	char why[300];
	if (gt_walk_new(&w, path, why, sizeof why)) {
		fprintf(stderr, "%s\n", why);
		return false;
	}
	uint8_t *p = realloc(run->p, run->n + w.bytes + 1);
	bool fine = p != NULL;
	if (fine)
		run->p = p;
	for (size_t i = 0; fine && i < w.n; i++)
		if (ends_in(w.files[i].path, suffix))
			fine = add_file(run, &w, i);
	gt_walk_clear(&w);
	return fine;
}

/* Compressed size at level 3, in frames as cut, or of `fixed` bytes each. */
static size_t compress(const struct run *run, const struct gt_cdc *cdc,
                       size_t fixed)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t cap = ZSTD_compressBound(1 << 20), sum = 0, n;
	uint8_t *out = malloc(cap);
	assert(ctx && out);
	for (size_t at = 0; at < run->n; at += n) {
		size_t left = run->n - at;
		if (fixed)
			n = left < fixed ? left : fixed;
		else
			n = gt_cdc_cut(cdc, run->p + at, left);
		size_t k = ZSTD_compressCCtx(ctx, out, cap, run->p + at, n, 3);
		assert(!ZSTD_isError(k));
		sum += k;
	}
	free(out);
	ZSTD_freeCCtx(ctx);
	return sum;
}

int main(int argc, char **argv)
{
	static struct gt_cdc cdc;
	struct run run = {NULL, 0};
	size_t cuts = 0, forced = 0;
	const char *suffix = argc > 1 && argv[1][0] == '.' ? argv[1] : "";
	for (int i = *suffix ? 2 : 1; i < argc; i++)
		if (!add_folder(&run, argv[i], suffix))
			return 1;
	if (run.n == 0) {
		fprintf(stderr, "usage: b_cdc [.SUFFIX] DIR...\n");
		return 2;
	}
	gt_cdc_init(&cdc);
	double begin = seconds();
	for (size_t at = 0, n; at < run.n; at += n, cuts++) {
		n = gt_cdc_cut(&cdc, run.p + at, run.n - at);
		forced += n == GT_CDC_MAX;
	}
	double took = seconds() - begin;
	double all = (double)run.n;
	printf("{\"bytes\":%zu,\"cuts\":%zu,\"mean_kib\":%.1f,"
	       "\"at_max_percent\":%.1f,\"scan_mb_s\":%.0f,"
	       "\"ratio\":%.3f,\"ratio_64k\":%.3f,\"ratio_256k\":%.3f,"
	       "\"ratio_1m\":%.3f}\n",
	       run.n, cuts, all / (double)cuts / 1024,
	       100.0 * (double)forced / (double)cuts, all / 1e6 / took,
	       all / (double)compress(&run, &cdc, 0),
	       all / (double)compress(&run, &cdc, 64 << 10),
	       all / (double)compress(&run, &cdc, 256 << 10),
	       all / (double)compress(&run, &cdc, 1 << 20));
	free(run.p);
	return 0;
}
