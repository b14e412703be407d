/* guantong publish: files become an object, an object becomes a resource.
 * Tests: e2e/test_publish.py, e2e/test_sync.py, u_draft.c. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "clash.h"
#include "cli.h"
#include "draft.h"
#include "nearest.h"
#include "say.h"
#include "stage.h"
#include "start.h"
#include "term.h"

enum { WHY = 4608, PATH = 4096, BATCH = 1000, LEVEL = 3, NEAR_MAX = 500 };

const struct gt_option gt_cmd_publish_options[] = {
        {"id", "ID", GT_T_CLI_O_ID, 0},
        {"title", "[LANG=]TEXT", GT_T_CLI_O_TITLE, 0},
        {"description", "[LANG=]TEXT", GT_T_CLI_O_DESCRIPTION, 0},
        {"type", "TYPE", GT_T_CLI_O_TYPE, 0},
        {"audience", "AUDIENCE", GT_T_CLI_O_AUDIENCE_MANY, 0},
        {"subject", "SUBJECT", GT_T_CLI_O_SUBJECT_MANY, 0},
        {"language", "LANG", GT_T_CLI_O_LANGUAGE, 0},
        {"licence", "LICENCE", GT_T_CLI_O_LICENCE, 0},
        {"region", "CODE", GT_T_CLI_O_REGION, 0},
        {"keyword", "WORD", GT_T_CLI_O_KEYWORD, 0},
        {"start", "FILE", GT_T_CLI_O_START, 0},
        {"thumbnail", "FILE", GT_T_CLI_O_THUMBNAIL, 0},
        {"meta", "FILE.yaml", GT_T_CLI_O_META, 0},
        {"no-content", NULL, GT_T_CLI_O_NO_CONTENT, 0},
        {"from", "FILE", GT_T_CLI_O_FROM, 0},
        {"batch", "FILE", GT_T_CLI_O_BATCH, 0},
        {"files", "DIR", GT_T_CLI_O_FILES, 0},
        {"compression", "1-19", GT_T_CLI_O_COMPRESSION, 0},
        {NULL, NULL, 0, 0},
};

struct publish {
	struct gt_cli *cli;
	struct gt_client *client;
	uint64_t level;
	const char *file; /* of a batch; NULL: one resource by itself */
	char base[PATH];  /* where paths lead from, "" for here */
	bool bare;        /* no files are meant: somebody said so */
	json_t *done;     /* answers, in order */
};

static int pack_progress(void *arg, uint64_t done, uint64_t total)
{
	gt_progress_set(arg, done, total);
	return 0;
}

static bool put_manifest(json_t *draft, struct gt_bytes manifest)
{
	size_t cap = 4 * ((manifest.n + 2) / 3) + 1;
	unsigned char *text = malloc(cap);
	if (!text)
		return false;
	int n = EVP_EncodeBlock(text, manifest.p, (int)manifest.n);
	bool ok =
	        json_object_set_new(draft, "manifest",
	                            json_stringn((char *)text, (size_t)n)) == 0;
	free(text);
	return ok;
}

static enum gt_exit post(struct publish *p, json_t *body)
{
	json_t *answer;
	int status =
	        gt_client_post_json(p->client, "/admin/publish", body, &answer);
	enum gt_exit code =
	        status ? gt_cli_refused(p->cli, status, p->client) : GT_EXIT_OK;
	int bad = 0;
	if (json_is_array(answer))
		bad = json_array_extend(p->done, answer);
	else if (answer)
		bad = json_array_append(p->done, answer);
	/* published all the same; only the report of it is lost */
	if (bad)
		code = gt_cli_no_memory(p->cli);
	json_decref(answer);
	return code;
}

static enum gt_exit publish_files(struct publish *p, json_t *draft,
                                  const struct gt_walk *walk)
{
	struct gt_progress bar;
	struct gt_staged staged;
	char why[WHY];
	gt_progress_begin(&bar, p->cli->err, gt_json_member(draft, "id"));
	int status =
	        gt_stage_pack(p->cli->dir, walk, (int)p->level, pack_progress,
	                      &bar, &staged, why, sizeof why);
	if (status) {
		if (bar.tty && bar.drawn)
			(void)fputc('\n', p->cli->err);
		return gt_cli_fail(p->cli, status, why);
	}
	gt_progress_end(&bar);
	enum gt_exit code = GT_EXIT_FAILED;
	if (put_manifest(draft, gt_buffer_bytes(&staged.manifest)) &&
	    json_object_set_new(draft, "staged", json_string(staged.name)) == 0)
		code = post(p, draft);
	else
		code = gt_cli_no_memory(p->cli);
	if (code)
		gt_stage_remove(p->cli->dir, staged.name);
	gt_staged_clear(&staged);
	return code;
}

/* The files of a draft, which has some. */
static enum gt_exit find_files(struct publish *p, const json_t *draft,
                               const char *where, struct gt_walk *walk)
{
	char source[PATH], *why = malloc(GT_WALK_WHY);
	const char *path = gt_json_member(draft, "path");
	bool whole = *path == '/' || !*p->base;
	if (!why)
		return gt_cli_no_memory(p->cli);
	if (strlen(p->base) + strlen(path) + 2 > sizeof source) {
		free(why);
		return gt_cli_fail(p->cli, -GT_ELIMIT,
		                   gt_text(GT_T_CLI_TOO_LONG));
	}
	gt_format(source, sizeof source, "%s%s%s", whole ? "" : p->base,
	          whole ? "" : "/", path);
	int status = gt_walk_new(walk, source, why, GT_WALK_WHY);
	if (status)
		(void)fprintf(p->cli->err, "%s: %s\n", where, why);
	free(why);
	return gt_cli_exit(status);
}

/* ------------------------------------------- before anything is packed */

/* Names what an entry is called where somebody must mend it. */
static void place(const struct publish *p, size_t i, char out[WHY])
{
	if (p->file)
		gt_format(out, WHY, "%.4000s (%zu)", p->file, i + 1);
	else
		gt_copy(out, WHY, "guantong");
}

static bool no_file(struct publish *p, const char *where, const char *name,
                    const struct gt_walk *w)
{
	const char *names[NEAR_MAX], *near = NULL;
	size_t n = 0;
	for (; w->n <= NEAR_MAX && n < w->n; n++)
		names[n] = w->files[n].path;
	if (n > 0)
		near = gt_nearest(name, names, n, GT_SLIPS_TYPED);
	(void)fprintf(p->cli->err, "%s: ", where);
	if (near)
		gt_say(p->cli->err, GT_T_CLI_DRAFT_NO_FILE_NEAR, name, near);
	else
		gt_say(p->cli->err, GT_T_CLI_DRAFT_NO_FILE, name);
	return false;
}

/* What the draft names is among the files; what it opens with is set. */
static bool names_fit(struct publish *p, json_t *draft, const char *where,
                      const struct gt_walk *w)
{
	static const char *const keys[] = {"start", "thumbnail"};
	struct gt_start first;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const char *name = gt_json_member(draft, keys[i]);
		if (*name && gt_walk_find(w, name) == SIZE_MAX)
			return no_file(p, where, name, w);
	}
	gt_start_begin(&first, gt_json_member(draft, "start"));
	for (size_t i = 0; i < w->n; i++)
		gt_start_member(&first, w->files[i].path);
	const char *start = gt_start_end(&first);
	return !start ||
	       json_object_set_new(draft, "start", json_string(start)) == 0;
}

/* A draft that has no files. Whoever forgot them would take from everybody what
 * was published before: it has to be said. In a batch the type may say it. */
static enum gt_exit look_bare(struct publish *p, json_t *draft,
                              const char *where)
{
	const char *start = gt_json_member(draft, "start");
	const char *thumbnail = gt_json_member(draft, "thumbnail");
	bool meant =
	        p->bare || (p->file && strcmp(gt_json_member(draft, "type"),
	                                      "announcement") == 0);
	(void)json_object_del(draft, "path"); /* an empty one */
	if (meant && !*start && !*thumbnail)
		return GT_EXIT_OK;
	(void)fprintf(p->cli->err, "%s: ", where);
	if (!meant && p->file)
		gt_say(p->cli->err, GT_T_CLI_DRAFT_NO_PATH);
	else if (!meant)
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_NO_PATH);
	else
		gt_say(p->cli->err, GT_T_CLI_DRAFT_NO_FILES,
		       *start ? "start" : "thumbnail");
	return meant || p->file ? GT_EXIT_FAILED : GT_EXIT_USAGE;
}

static enum gt_exit look(struct publish *p, json_t *draft, const char *where)
{
	struct gt_walk w;
	if (!*gt_json_member(draft, "path"))
		return look_bare(p, draft, where);
	enum gt_exit code = find_files(p, draft, where, &w);
	if (code)
		return code;
	if (!names_fit(p, draft, where, &w))
		code = GT_EXIT_FAILED;
	else if (!gt_clash_warn(p->cli->err, where, &w))
		code = gt_cli_no_memory(p->cli);
	gt_walk_clear(&w);
	return code;
}

/* A draft as the daemon takes it: where its files are is not its business. */
static json_t *bare(json_t *draft)
{
	json_t *v = json_copy(draft);
	(void)json_object_del(v, "path");
	return v;
}

/* Whatever the node demands of entries [from, to) it is asked now, and not after
 * an hour of packing; if it refuses, then one by one, to know which. */
static enum gt_exit ask(struct publish *p, json_t *drafts, size_t from,
                        size_t to)
{
	json_t *some = json_array(), *answer = NULL;
	int bad = some ? 0 : -1;
	for (size_t i = from; !bad && i < to; i++)
		bad = json_array_append_new(some,
		                            bare(json_array_get(drafts, i)));
	int status =
	        bad ? -GT_ENOMEM
	            : gt_client_post_json(p->client, "/admin/publish/check",
	                                  some, &answer);
	json_decref(answer);
	json_decref(some);
	if (bad)
		return gt_cli_no_memory(p->cli);
	/* a daemon that was not restarted yet knows no such question */
	if (status == 0 || status == -GT_EUNKNOWN)
		return GT_EXIT_OK;
	if (!p->file || status == -GT_ECLOSED)
		return gt_cli_refused(p->cli, status, p->client);
	if (to - from > 1) {
		enum gt_exit code = GT_EXIT_OK;
		for (size_t i = from; i < to; i++) {
			enum gt_exit one = ask(p, drafts, i, i + 1);
			code = code ? code : one;
		}
		return code ? code : GT_EXIT_FAILED;
	}
	char where[WHY];
	place(p, from, where);
	(void)fprintf(p->cli->err, "%s: %s\n", where, gt_client_why(p->client));
	return gt_cli_exit(status);
}

static enum gt_exit check(struct publish *p, json_t *drafts)
{
	enum gt_exit code = GT_EXIT_OK;
	size_t i, n = json_array_size(drafts);
	json_t *d;
	json_array_foreach(drafts, i, d)
	{
		char where[WHY];
		place(p, i, where);
		enum gt_exit one = look(p, d, where);
		code = code ? code : one;
	}
	for (i = 0; !code && i < n; i += BATCH)
		code = ask(p, drafts, i, i + BATCH < n ? i + BATCH : n);
	return code;
}

/* ---------------------------------------------------------- publishing */

/* One with its files. */
static enum gt_exit publish_one(struct publish *p, json_t *draft, size_t i)
{
	char where[WHY];
	struct gt_walk walk;
	place(p, i, where);
	enum gt_exit code = find_files(p, draft, where, &walk);
	json_t *v = code ? NULL : bare(draft);
	if (!code)
		code = v ? publish_files(p, v, &walk)
		         : gt_cli_no_memory(p->cli);
	json_decref(v);
	gt_walk_clear(&walk);
	return code;
}

/* Those without files that follow one another go a thousand at a time. */
static enum gt_exit publish_some(struct publish *p, json_t *drafts, size_t *i)
{
	json_t *batch = json_array(), *d = json_array_get(drafts, *i);
	int bad = batch ? 0 : -1;
	size_t end = *i;
	for (; d && !*gt_json_member(d, "path") && end - *i < BATCH && !bad;
	     d = json_array_get(drafts, ++end))
		bad = json_array_append(batch, d);
	enum gt_exit code =
	        bad ? gt_cli_no_memory(p->cli)
	            : post(p, p->file ? batch : json_array_get(batch, 0));
	json_decref(batch);
	*i = code ? *i : end;
	return code;
}

/* In the order of the file, so that all before the first that failed are
 * out. */
static enum gt_exit publish_all(struct publish *p, json_t *drafts)
{
	size_t i = 0, n = json_array_size(drafts);
	enum gt_exit code = check(p, drafts);
	while (!code && i < n) {
		json_t *d = json_array_get(drafts, i);
		code = *gt_json_member(d, "path") ? publish_one(p, d, i)
		                                  : publish_some(p, drafts, &i);
		if (!code && *gt_json_member(d, "path"))
			i++;
	}
	if (!code || !p->file)
		return code;
	if (i == 0)
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_NONE, p->file, n);
	else
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_PART, p->file, i, n,
		       gt_json_member(json_array_get(drafts, i - 1), "id"),
		       gt_json_member(json_array_get(drafts, i), "id"), i + 1);
	return code;
}

static enum gt_exit run_batch(struct publish *p, const struct gt_args *args,
                              const char *file, const char *code_of_node)
{
	const char *files = gt_args_get(args, "files");
	json_t *drafts = gt_draft_read(file, p->cli->lang, p->cli->err), *d;
	bool ok = drafts != NULL;
	size_t i;
	if (gt_args_word(args, 0) || gt_args_get(args, "id")) {
		json_decref(drafts);
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_MIXED);
		return GT_EXIT_USAGE;
	}
	json_array_foreach(drafts, i, d)
	{
		char where[WHY];
		gt_format(where, sizeof where, "%.4000s (%zu)", file, i + 1);
		ok = gt_draft_check(d, code_of_node, where, p->cli->err) && ok;
	}
	/* names in a file are meant from where the file is */
	ok = ok && gt_copy(p->base, sizeof p->base, files ? files : file);
	char *slash = ok ? strrchr(p->base, '/') : NULL;
	if (ok && !files)
		*(slash ? slash : p->base) = '\0';
	p->file = file;
	enum gt_exit code = ok ? publish_all(p, drafts) : GT_EXIT_FAILED;
	json_decref(drafts);
	return code;
}

static enum gt_exit run_one(struct publish *p, const struct gt_args *args,
                            const char *code_of_node)
{
	const char *path = gt_args_word(args, 0);
	const char *meta = gt_args_get(args, "meta");
	json_t *drafts = meta ? gt_draft_read(meta, p->cli->lang, p->cli->err)
	                      : json_pack("[{}]");
	json_t *draft = json_array_get(drafts, 0);
	enum gt_exit code = GT_EXIT_USAGE;
	if (!drafts)
		code = meta ? GT_EXIT_FAILED : gt_cli_no_memory(p->cli);
	else if (json_array_size(drafts) != 1)
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_ONE, meta);
	else if (path &&
	         json_object_set_new(draft, "path", json_string_nocheck(path)))
		code = gt_cli_no_memory(p->cli);
	else if (p->bare && *gt_json_member(draft, "path"))
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_BOTH);
	else if (gt_draft_options(draft, args, p->cli->lang, p->cli->err) &&
	         gt_draft_check(draft, code_of_node, "guantong", p->cli->err))
		code = GT_EXIT_OK;
	/* what is said to have no files is an announcement, unless said
	 * otherwise */
	if (!code && p->bare && !json_object_get(draft, "type") &&
	    json_object_set_new(draft, "type", json_string("announcement")))
		code = gt_cli_no_memory(p->cli);
	if (!code)
		code = publish_all(p, drafts);
	json_decref(drafts);
	return code;
}

static enum gt_exit tell(struct publish *p)
{
	size_t i, n = json_array_size(p->done);
	json_t *d;
	const char *object;
	if (p->cli->json)
		return gt_cli_json(p->cli, n == 1 ? json_array_get(p->done, 0)
		                                  : p->done)
		               ? GT_EXIT_OK
		               : gt_cli_no_memory(p->cli);
	json_array_foreach(p->done, i, d)
	{
		object = gt_json_member(d, "object");
		gt_say(p->cli->out,
		       json_is_true(json_object_get(d, "mended"))
		               ? GT_T_CLI_PUBLISH_MENDED
		       : json_is_true(json_object_get(d, "kept"))
		               ? GT_T_CLI_PUBLISH_KEPT
		               : GT_T_CLI_PUBLISHED,
		       gt_json_member(d, "id"),
		       (unsigned long long)gt_client_number(d, "version"),
		       *object ? ", " : "", object);
	}
	return GT_EXIT_OK;
}

enum gt_exit gt_cmd_publish(struct gt_cli *cli, const struct gt_args *args)
{
	struct publish p = {.cli = cli, .level = LEVEL, .base = ""};
	const char *from = gt_args_get(args, "from");
	enum gt_exit code;
	if (!gt_cli_number(cli, args, "compression", 1, 19, &p.level) ||
	    !gt_cli_words(cli, args, "type", gt_cli_types) ||
	    !gt_cli_words(cli, args, "audience", gt_cli_audiences) ||
	    !gt_cli_words(cli, args, "subject", gt_cli_subjects))
		return GT_EXIT_USAGE;
	if (!from)
		from = gt_args_get(args, "batch");
	p.bare = gt_args_get(args, "no-content") != NULL;
	struct gt_config *config = gt_cli_config(cli);
	if (!config)
		return GT_EXIT_FAILED;
	p.done = json_array();
	p.client = gt_cli_open(cli, &code);
	if (p.client && !p.done)
		code = gt_cli_no_memory(cli);
	if (p.client && p.done)
		code = from ? run_batch(&p, args, from, config->code)
		            : run_one(&p, args, config->code);
	/* of a batch that was broken off, too, what is out is told */
	if (!code || json_array_size(p.done)) {
		enum gt_exit told = tell(&p);
		code = code ? code : told;
	}
	gt_client_close(p.client);
	json_decref(p.done);
	free(config);
	return code;
}
