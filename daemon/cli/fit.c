#define _XOPEN_SOURCE 700 /* realpath */
#include "fit.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clash.h"
#include "nearest.h"
#include "say.h"
#include "start.h"

enum { BATCH = 1000, NEAR_MAX = 500 };

void gt_fit_where(const struct gt_fit *f, size_t entry, char out[GT_FIT_WHERE])
{
	const struct gt_draft_at *at = &f->drafts->at[entry];
	if (f->file)
		gt_format(out, GT_FIT_WHERE, "%.4000s:%d:%d", f->file, at->line,
		          at->column);
	else
		gt_copy(out, GT_FIT_WHERE, "guantong");
}

json_t *gt_fit_bare(json_t *draft)
{
	json_t *v = json_copy(draft);
	(void)json_object_del(v, "path");
	return v;
}

enum gt_exit gt_fit_exit(int status)
{
	return status == -GT_EINVALID || status == -GT_ELIMIT
	               ? GT_EXIT_USAGE
	               : gt_cli_exit(status);
}

static enum gt_exit no_memory(FILE *err, const char *where)
{
	(void)fprintf(err, "%s: %s\n", where, gt_text(GT_T_CLI_NOMEM));
	return GT_EXIT_FAILED;
}

/* ------------------------------------------------------------ files */

/* Whether the source lies in the folder, wherever links lead. What is not there
 * does: the walk says that it is not. */
static bool is_inside(const char *folder, const char *source)
{
	char *root = realpath(*folder ? folder : ".", NULL);
	char *real = realpath(source, NULL);
	size_t n = root ? strlen(root) : 0;
	bool inside = !root || !real ||
	              (strncmp(real, root, n) == 0 &&
	               (n == 1 || real[n] == '/' || real[n] == '\0'));
	free(root);
	free(real);
	return inside;
}

enum gt_exit gt_fit_files(const struct gt_fit *f, const json_t *draft,
                          const char *where, FILE *err, struct gt_walk *walk)
{
	char source[GT_FIT_PATH], *why = malloc(GT_WALK_WHY);
	const char *path = gt_json_member(draft, "path");
	bool whole = *path == '/' || !*f->base;
	int status = 0;
	if (!why)
		return no_memory(err, where);
	if (strlen(f->base) + strlen(path) + 2 > sizeof source) {
		gt_say_into(why, GT_WALK_WHY, GT_T_CLI_TOO_LONG);
		status = -GT_ELIMIT;
	} else {
		gt_format(source, sizeof source, "%s%s%s", whole ? "" : f->base,
		          whole ? "" : "/", path);
	}
	if (!status && f->file && !is_inside(f->base, source)) {
		gt_say_into(why, GT_WALK_WHY, GT_T_CLI_DRAFT_OUTSIDE, path,
		            *f->base ? f->base : ".");
		status = -GT_EDENIED;
	}
	if (!status)
		status = gt_walk_new(walk, source, why, GT_WALK_WHY);
	if (status)
		(void)fprintf(err, "%s: %s\n", where, why);
	free(why);
	return gt_cli_exit(status);
}

static bool no_file(const char *where, FILE *err, const char *name,
                    const struct gt_walk *w)
{
	const char *names[NEAR_MAX], *near = NULL;
	size_t n = 0;
	for (; w->n <= NEAR_MAX && n < w->n; n++)
		names[n] = w->files[n].path;
	if (n > 0)
		near = gt_nearest(name, names, n, GT_SLIPS_TYPED);
	(void)fprintf(err, "%s: ", where);
	if (near)
		gt_say(err, GT_T_CLI_DRAFT_NO_FILE_NEAR, name, near);
	else
		gt_say(err, GT_T_CLI_DRAFT_NO_FILE, name);
	return false;
}

/* 0: a page; 1: what a browser shows as well; 2: all else. */
static int shown_as(const char *path)
{
	static const char *const kinds[][5] = {
	        {"html", "htm", "xhtml"}, {"pdf", "mp4", "webm", "mp3", "svg"}};
	const char *dot = strrchr(path, '.');
	for (int k = 0; dot && k < 2; k++)
		for (size_t i = 0; i < 5 && kinds[k][i]; i++)
			if (strcasecmp(dot + 1, kinds[k][i]) == 0)
				return k;
	return 2;
}

/* No file is the one to begin with: it is published all the same, and whoever
 * opens it is shown a list of files. */
static void suggest_start(const struct gt_fit *f, const char *where, FILE *err,
                          const struct gt_walk *w)
{
	enum { TOLD = 5 };
	const char *found[TOLD];
	char list[GT_FIT_PATH];
	size_t n = 0;
	for (int kind = 0; kind <= 2 && n == 0; kind++)
		for (size_t i = 0; i < w->n && n < TOLD; i++)
			if (shown_as(w->files[i].path) == kind)
				found[n++] = w->files[i].path;
	if (n == 0)
		return;
	gt_nearest_list(list, sizeof list, found, n);
	(void)fprintf(err, "%s: ", where);
	gt_say(err,
	       f->file ? GT_T_CLI_DRAFT_NO_START : GT_T_CLI_PUBLISH_NO_START,
	       list, found[0]);
}

/* What the draft names is among the files; what it opens with is set. */
static bool names_fit(const struct gt_fit *f, json_t *draft, const char *where,
                      FILE *err, const struct gt_walk *w)
{
	static const char *const keys[] = {"start", "thumbnail"};
	struct gt_start first;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const char *name = gt_json_member(draft, keys[i]);
		if (*name && gt_walk_find(w, name) == SIZE_MAX)
			return no_file(where, err, name, w);
	}
	gt_start_begin(&first, gt_json_member(draft, "start"));
	for (size_t i = 0; i < w->n; i++)
		gt_start_member(&first, w->files[i].path);
	const char *start = gt_start_end(&first);
	if (!start)
		suggest_start(f, where, err, w);
	return !start ||
	       json_object_set_new(draft, "start", json_string(start)) == 0;
}

/* A draft that has no files. Whoever forgot them would take from everybody what
 * was published before: it has to be said. In a batch the type may say it. */
static enum gt_exit look_bare(const struct gt_fit *f, json_t *draft,
                              const char *where, FILE *err)
{
	const char *start = gt_json_member(draft, "start");
	const char *thumbnail = gt_json_member(draft, "thumbnail");
	bool meant =
	        f->bare || (f->file && strcmp(gt_json_member(draft, "type"),
	                                      "announcement") == 0);
	(void)json_object_del(draft, "path"); /* an empty one */
	if (meant && !*start && !*thumbnail)
		return GT_EXIT_OK;
	(void)fprintf(err, "%s: ", where);
	if (!meant && f->file)
		gt_say(err, GT_T_CLI_DRAFT_NO_PATH);
	else if (!meant)
		gt_say(err, GT_T_CLI_PUBLISH_NO_PATH);
	else
		gt_say(err, GT_T_CLI_DRAFT_NO_FILES,
		       *start ? "start" : "thumbnail");
	return GT_EXIT_USAGE;
}

static enum gt_exit look(const struct gt_fit *f, json_t *draft,
                         const char *where, FILE *err)
{
	struct gt_walk w;
	if (!*gt_json_member(draft, "path"))
		return look_bare(f, draft, where, err);
	enum gt_exit code = gt_fit_files(f, draft, where, err, &w);
	if (code)
		return code;
	if (!names_fit(f, draft, where, err, &w))
		code = GT_EXIT_FAILED;
	else if (!gt_clash_warn(err, where, &w))
		code = no_memory(err, where);
	gt_walk_clear(&w);
	return code;
}

/* ------------------------------------------------------ what is said */

/* The ids of a batch, and where each was first. */
static enum gt_exit once(const struct gt_fit *f, json_t *seen,
                         const json_t *draft, size_t entry, const char *where,
                         FILE *err)
{
	const char *id = gt_json_member(draft, "id");
	const json_t *first = *id ? json_object_get(seen, id) : NULL;
	if (!*id)
		return GT_EXIT_OK; /* said already */
	if (!first)
		return json_object_set_new(seen, id,
		                           json_integer((json_int_t)entry)) == 0
		               ? GT_EXIT_OK
		               : no_memory(err, where);
	(void)fprintf(err, "%s: ", where);
	gt_say(err, GT_T_CLI_DRAFT_TWICE, id,
	       f->drafts->at[json_integer_value(first)].line);
	return GT_EXIT_USAGE;
}

/* One entry by itself, as far as can be told here; what was read becomes what is
 * to be published. */
static enum gt_exit look_at(const struct gt_fit *f, json_t *seen, size_t entry,
                            FILE *err)
{
	char where[GT_FIT_WHERE];
	json_t *draft = json_object();
	json_t *raw = json_array_get(f->drafts->v, entry);
	gt_fit_where(f, entry, where);
	if (!draft)
		return no_memory(err, where);
	bool ok = gt_draft_take(draft, raw, f->cli->lang, where, err);
	ok = gt_draft_check(draft, f->code, where, err) && ok;
	enum gt_exit code = ok ? GT_EXIT_OK : GT_EXIT_USAGE;
	enum gt_exit more = once(f, seen, draft, entry, where, err);
	code = code ? code : more;
	more = look(f, draft, where, err);
	code = code ? code : more;
	if (json_array_set_new(f->drafts->v, entry, draft))
		return no_memory(err, where);
	return code;
}

/* ------------------------------------------------------ what is asked */

/* Those in which nothing is wrong so far, by their places. */
struct good {
	size_t *v, n;
};

static json_t *some_of(const struct gt_fit *f, const struct good *g,
                       size_t from, size_t to)
{
	json_t *some = json_array();
	for (size_t i = from; some && i < to; i++)
		if (json_array_append_new(
		            some, gt_fit_bare(json_array_get(f->drafts->v,
		                                             g->v[i])))) {
			json_decref(some);
			some = NULL;
		}
	return some;
}

/* Whatever the node demands of good entries [from, to) it is asked now, and not
 * after an hour of packing; where it refuses some, by halves, to know which. It
 * does not answer: an exit code. */
static enum gt_exit ask(struct gt_fit *f, const struct good *g, size_t from,
                        size_t to)
{
	json_t *answer = NULL, *some = some_of(f, g, from, to);
	int status = gt_client_post_json(f->client, "/admin/publish/check",
	                                 some, &answer);
	json_decref(answer);
	json_decref(some);
	/* a daemon that was not restarted yet knows no such question */
	if (status == 0 || status == -GT_EUNKNOWN)
		return GT_EXIT_OK;
	/* it is not about the entries */
	if (gt_fit_exit(status) != GT_EXIT_USAGE &&
	    gt_fit_exit(status) != GT_EXIT_DENIED)
		return gt_cli_refused(f->cli, status, f->client);
	if (to - from > 1) {
		size_t mid = from + (to - from) / 2;
		enum gt_exit code = ask(f, g, from, mid);
		return code ? code : ask(f, g, mid, to);
	}
	char where[GT_FIT_WHERE], text[GT_CLI_SENTENCE];
	FILE *err = gt_flaws_open(&f->flaws);
	gt_fit_where(f, g->v[from], where);
	if (err)
		(void)fprintf(err, "%s: %s\n", where,
		              gt_cli_sentence(text, gt_client_why(f->client)));
	gt_flaws_close(&f->flaws, g->v[from], gt_fit_exit(status), f->cli->err);
	return GT_EXIT_OK;
}

static enum gt_exit ask_all(struct gt_fit *f, const struct good *g)
{
	enum gt_exit code = GT_EXIT_OK;
	for (size_t i = 0; !code && i < g->n; i += BATCH)
		code = ask(f, g, i, i + BATCH < g->n ? i + BATCH : g->n);
	return code;
}

enum gt_exit gt_fit_all(struct gt_fit *f)
{
	size_t n = json_array_size(f->drafts->v);
	struct good good = {calloc(n + 1, sizeof *good.v), 0};
	json_t *seen = json_object();
	enum gt_exit code =
	        good.v && seen ? GT_EXIT_OK : gt_cli_no_memory(f->cli);
	for (size_t i = 0; !code && i < n; i++) {
		if (json_is_null(json_array_get(f->drafts->v, i)))
			continue; /* told as it was read */
		FILE *err = gt_flaws_open(&f->flaws);
		enum gt_exit one = look_at(f, seen, i, err ? err : f->cli->err);
		gt_flaws_close(&f->flaws, i, one, f->cli->err);
		if (!one)
			good.v[good.n++] = i;
	}
	if (!code)
		code = ask_all(f, &good);
	free(good.v);
	json_decref(seen);
	enum gt_exit wrong = gt_flaws_tell(&f->flaws, n, f->cli->err);
	return wrong ? wrong : code;
}
