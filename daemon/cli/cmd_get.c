/* guantong get: brings a resource here, and its files where they are wanted.
 * Tests: e2e/test_publish.py, e2e/test_sync.py. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clash.h"
#include "cli.h"
#include "files.h"
#include "object.h"
#include "resource.h"
#include "say.h"
#include "term.h"
#include "translate.h"

enum { PATH = 4096, URL = 6144, TURN_MS = 25000 };

const struct gt_option gt_cmd_get_options[] = {
        {"output", "OUT", GT_T_CLI_O_OUTPUT, 'o'},
        {"to", "OUT", GT_T_CLI_O_TO, 0},
        {NULL, NULL, 0, 0},
};

struct get {
	struct gt_cli *cli;
	struct gt_client *client;
	char rid[GT_RID_MAX + 1];
	const char *out; /* NULL: nowhere */
	uint64_t done, total;
	struct gt_progress bar;
	FILE *file;
};

/* Without its files, which are many. */
static json_t *ask_resource(struct get *g, int *status)
{
	json_t *r;
	*status = gt_resource_ask(g->client, g->rid, NULL, NULL, &r);
	return r;
}

static bool is_here(json_t *r)
{
	return strcmp(gt_json_member(r, "state"), "complete") == 0;
}

static void show_fill(struct get *g, json_t *r)
{
	uint64_t frames = gt_client_number(r, "frames");
	uint64_t size = gt_client_number(r, "size");
	uint64_t present = gt_client_number(r, "present");
	double part = frames ? (double)present / (double)frames : 0;
	gt_progress_set(&g->bar, (uint64_t)(part * (double)size), size);
}

/* Until the object is whole here. *r is the resource as it last was. */
static int bring(struct get *g, json_t **r)
{
	json_t *answer, *status, *body = json_pack("{s:s}", "id", g->rid);
	uint64_t seen = 0;
	int rc = gt_client_post_json(g->client, "/admin/fetch", body, &answer);
	json_decref(body);
	json_decref(answer);
	gt_progress_begin(&g->bar, g->cli->err, g->rid);
	while (!rc && *r && !is_here(*r)) {
		show_fill(g, *r);
		rc = gt_client_wait(g->client, seen, seen ? TURN_MS : 0,
		                    &status);
		seen = gt_client_number(status, "generation");
		json_decref(status);
		if (rc)
			break;
		json_decref(*r);
		*r = ask_resource(g, &rc);
	}
	if (!rc) {
		show_fill(g, *r);
		gt_progress_end(&g->bar);
	}
	return rc;
}

/* ------------------------------------------------------------ files */

static int take(void *arg, const void *p, size_t n)
{
	struct get *g = arg;
	if (fwrite(p, 1, n, g->file) != n)
		return -1;
	g->done += n;
	if (g->out)
		gt_progress_set(&g->bar, g->done, g->total);
	return 0;
}

static enum gt_exit download(struct get *g, const char *path, uint64_t size)
{
	char url[URL] = "/c/";
	uint64_t before = g->done;
	bool fits = gt_client_escape(url, sizeof url, g->rid, true) &&
	            strlen(url) + 1 < sizeof url;
	if (fits) {
		gt_format(url + strlen(url), 2, "/");
		fits = gt_client_escape(url, sizeof url, path, true);
	}
	if (!fits)
		return gt_cli_fail(g->cli, -GT_ELIMIT,
		                   gt_text(GT_T_CLI_TOO_LONG));
	int status = gt_client_download(g->client, url, take, g);
	if (status)
		return gt_cli_refused(g->cli, status, g->client);
	if (g->done - before == size)
		return GT_EXIT_OK;
	gt_say(g->cli->err, GT_T_CLI_GET_SIZE, path,
	       (unsigned long long)(g->done - before),
	       (unsigned long long)size);
	return GT_EXIT_FAILED;
}

/* To a temporary name first: what has the final name is whole. */
static enum gt_exit save(struct get *g, const char *path, uint64_t size,
                         const char *target)
{
	char temp[PATH], why[PATH + 128];
	gt_format(temp, sizeof temp, "%s.XXXXXX", target);
	int fd = strlen(target) + 8 < sizeof temp ? mkstemp(temp) : -1;
	g->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
	if (!g->file) {
		gt_say_into(why, sizeof why, GT_T_CLI_FILE_FAILED, target,
		            gt_translate_errno(errno));
		return gt_cli_fail(g->cli, -GT_EIO, why);
	}
	mode_t mask = umask(0);
	(void)umask(mask);
	enum gt_exit code = download(g, path, size);
	bool ok = fchmod(fd, 0666 & ~mask) == 0;
	ok = fclose(g->file) == 0 && ok;
	if (!code && ok && rename(temp, target) == 0)
		return GT_EXIT_OK;
	if (!code) {
		gt_say_into(why, sizeof why, GT_T_CLI_FILE_FAILED, target,
		            gt_translate_errno(errno));
		code = gt_cli_fail(g->cli, -GT_EIO, why);
	}
	(void)unlink(temp);
	return code;
}

/* Makes the folders above a file. */
static enum gt_exit make_folders(struct get *g, const char *target)
{
	char folder[PATH], why[PATH + 128];
	(void)gt_copy(folder, sizeof folder, target);
	for (char *p = folder + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(folder, 0777) && errno != EEXIST) {
			gt_say_into(why, sizeof why, GT_T_CLI_FILE_FAILED,
			            folder, gt_translate_errno(errno));
			return gt_cli_fail(g->cli, -GT_EIO, why);
		}
		*p = '/';
	}
	return GT_EXIT_OK;
}

/* Where a file goes. False: said that it cannot. */
static bool target_of(struct get *g, const char *path, char out[PATH])
{
	/* the daemon checked it; a file must not escape OUT even so */
	if (gt_path_refusal(path, strlen(path)) ||
	    strlen(g->out) + strlen(path) + 16 > PATH) {
		gt_say(g->cli->err, GT_T_CLI_GET_PATH, path);
		return false;
	}
	gt_format(out, PATH, "%s/%s", g->out, path);
	return true;
}

/* Names and sizes of all the files, close together. */
struct names {
	struct gt_buffer text; /* each with its NUL */
	struct name {
		size_t at; /* in text */
		uint64_t size;
	} * v;
	size_t n, cap;
	uint64_t bytes; /* sum of sizes */
};

static uint64_t size_of(const json_t *file)
{
	json_int_t n = json_integer_value(json_object_get(file, "size"));
	return n > 0 ? (uint64_t)n : 0;
}

static bool add_name(void *arg, const json_t *file)
{
	struct names *names = arg;
	const char *path = gt_json_member(file, "path");
	if (names->n == names->cap) {
		size_t cap = names->cap ? names->cap * 2 : 64;
		void *v = realloc(names->v, cap * sizeof *names->v);
		if (!v)
			return false;
		names->v = v;
		names->cap = cap;
	}
	names->v[names->n++] = (struct name){names->text.n, size_of(file)};
	names->bytes += size_of(file);
	return gt_buffer_add(&names->text, path, strlen(path) + 1);
}

static void names_free(struct names *names)
{
	gt_buffer_free(&names->text);
	free(names->v);
}

static const char *file_path(const void *arg, size_t i)
{
	const struct names *names = arg;
	return (const char *)names->text.p + names->v[i].at;
}

/* Has this file's name become that of one written before? Of names that fold to
 * the same, with[i] is the one before i; whether they do here is for the file
 * system to say. */
static bool is_taken(struct get *g, const struct names *files,
                     const size_t *with, size_t i, const char *target)
{
	struct stat here, there;
	char other[PATH];
	if (with[i] == SIZE_MAX || stat(target, &here) != 0)
		return false;
	for (size_t k = with[i]; k != SIZE_MAX; k = with[k]) {
		const char *path = file_path(files, k);
		if (k > i || !target_of(g, path, other) ||
		    stat(other, &there) != 0 || here.st_dev != there.st_dev ||
		    here.st_ino != there.st_ino)
			continue;
		gt_say(g->cli->err, GT_T_CLI_GET_TAKEN, file_path(files, i),
		       path);
		return true;
	}
	return false;
}

static enum gt_exit save_each(struct get *g, const struct names *files,
                              const size_t *with)
{
	size_t n = files->n, saved = 0;
	for (size_t i = 0; i < n; i++) {
		char target[PATH];
		const char *path = file_path(files, i);
		enum gt_exit code = target_of(g, path, target)
		                            ? make_folders(g, target)
		                            : GT_EXIT_FAILED;
		if (!code && is_taken(g, files, with, i, target))
			continue;
		if (!code)
			code = save(g, path, files->v[i].size, target);
		if (code)
			return code;
		saved++;
	}
	gt_progress_end(&g->bar);
	if (saved == n)
		gt_say(g->cli->err, GT_T_CLI_GET_SAVED, n, g->out);
	else
		gt_say(g->cli->err, GT_T_CLI_GET_SOME, saved, n, g->out);
	return saved == n ? GT_EXIT_OK : GT_EXIT_FAILED;
}

static enum gt_exit save_all(struct get *g)
{
	struct names files = {.n = 0};
	json_t *r;
	enum gt_exit code = GT_EXIT_OK;
	int status = gt_resource_ask(g->client, g->rid, add_name, &files, &r);
	size_t *with =
	        status ? NULL : gt_clash_find(file_path, &files, files.n);
	if (status) {
		code = gt_cli_refused(g->cli, status, g->client);
	} else if (!with) {
		code = gt_cli_no_memory(g->cli);
	} else {
		g->total = files.bytes;
		gt_progress_begin(&g->bar, g->cli->err, g->out);
		code = save_each(g, &files, with);
	}
	free(with);
	names_free(&files);
	json_decref(r);
	return code;
}

/* The one that is looked for. */
struct wanted {
	const char *path;
	uint64_t size;
	bool found;
};

static bool is_wanted(void *arg, const json_t *file)
{
	struct wanted *w = arg;
	if (strcmp(gt_json_member(file, "path"), w->path) != 0)
		return true;
	w->size = size_of(file);
	w->found = true;
	return true;
}

static enum gt_exit save_member(struct get *g, const char *path)
{
	struct wanted w = {.path = path};
	json_t *r;
	int status = gt_resource_ask(g->client, g->rid, is_wanted, &w, &r);
	json_decref(r);
	if (status)
		return gt_cli_refused(g->cli, status, g->client);
	if (!w.found) {
		gt_say(g->cli->err, GT_T_CLI_GET_NO_FILE, g->rid, path, g->rid);
		return GT_EXIT_NOT_FOUND;
	}
	g->total = w.size;
	if (!g->out || strcmp(g->out, "-") == 0) {
		g->out = NULL;
		g->file = g->cli->out;
		return download(g, path, g->total);
	}
	gt_progress_begin(&g->bar, g->cli->err, path);
	enum gt_exit code = save(g, path, g->total, g->out);
	if (!code)
		gt_progress_end(&g->bar);
	return code;
}

static enum gt_exit run(struct get *g, const char *member)
{
	int status;
	json_t *r = ask_resource(g, &status);
	enum gt_exit code = GT_EXIT_OK;
	if (!status && !gt_client_number(r, "members") &&
	    !*gt_json_member(r, "object")) {
		gt_say(g->cli->err, GT_T_CLI_GET_NO_CONTENT, g->rid);
		json_decref(r);
		return GT_EXIT_NOT_FOUND;
	}
	if (!status && !is_here(r))
		status = bring(g, &r);
	if (status)
		code = gt_cli_refused(g->cli, status, g->client);
	else if (member)
		code = save_member(g, member);
	else if (g->out)
		code = save_all(g);
	else if (g->cli->json)
		code = gt_resource_json(g->cli, g->client, g->rid);
	else
		gt_say(g->cli->out, GT_T_CLI_GET_HERE, g->rid,
		       (unsigned long long)gt_client_number(r, "members"));
	json_decref(r);
	return code;
}

enum gt_exit gt_cmd_get(struct gt_cli *cli, const struct gt_args *args)
{
	struct get g = {.cli = cli, .out = gt_args_get(args, "output")};
	enum gt_exit code;
	if (!g.out)
		g.out = gt_args_get(args, "to");
	if (!gt_cli_rid(cli, gt_args_word(args, 0), g.rid, &code))
		return code;
	g.client = gt_cli_open(cli, &code);
	if (!g.client)
		return code;
	code = run(&g, gt_args_word(args, 1));
	gt_client_close(g.client);
	return code;
}
