/* guantong publish: files become an object, an object becomes a resource.
 * Tests: e2e/test_publish.py, e2e/test_sync.py, u_draft.c. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "draft.h"
#include "fit.h"
#include "say.h"
#include "stage.h"
#include "term.h"
#include "word.h"

enum { WHY = 4608, BATCH = 1000, LEVEL = 3 };

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
	struct gt_fit fit;
	json_t *done; /* answers, in order */
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
	enum gt_exit code = gt_fit_exit(status);
	int bad = 0;
	if (status)
		(void)gt_cli_refused(p->cli, status, p->client);
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

/* ---------------------------------------------------------- publishing */

/* One with its files. */
static enum gt_exit publish_one(struct publish *p, json_t *draft, size_t i)
{
	char where[GT_FIT_WHERE];
	struct gt_walk walk;
	gt_fit_where(&p->fit, i, where);
	enum gt_exit code =
	        gt_fit_files(&p->fit, draft, where, p->cli->err, &walk);
	if (code)
		return code;
	json_t *v = gt_fit_bare(draft);
	code = v ? publish_files(p, v, &walk) : gt_cli_no_memory(p->cli);
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
	            : post(p, p->fit.file ? batch : json_array_get(batch, 0));
	json_decref(batch);
	*i = code ? *i : end;
	return code;
}

/* In the order of the file, so that all before the first that failed are
 * out. */
static enum gt_exit publish_all(struct publish *p)
{
	const char *file = p->fit.file;
	enum gt_exit code = gt_fit_all(&p->fit);
	json_t *drafts = p->fit.drafts->v;
	size_t i = 0, n = json_array_size(drafts);
	while (!code && i < n) {
		json_t *d = json_array_get(drafts, i);
		code = *gt_json_member(d, "path") ? publish_one(p, d, i)
		                                  : publish_some(p, drafts, &i);
		if (!code && *gt_json_member(d, "path"))
			i++;
	}
	if (!code || !file)
		return code;
	if (i == 0)
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_NONE, file, n);
	else
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_PART, file, i, n,
		       gt_json_member(json_array_get(drafts, i - 1), "id"),
		       gt_json_member(json_array_get(drafts, i), "id"), i + 1);
	return code;
}

/* What is about one resource says nothing of a batch. True: it was said. */
static bool is_mixed(struct gt_cli *cli, const struct gt_args *args)
{
	const char *key, *option = gt_draft_option_given(args, &key);
	bool mixed = gt_args_word(args, 0) || gt_args_get(args, "meta");
	if (mixed)
		gt_say(cli->err, GT_T_CLI_PUBLISH_MIXED);
	else if (option)
		gt_say(cli->err, GT_T_CLI_PUBLISH_MIXED_OPTION, option, key);
	return mixed || option;
}

static enum gt_exit run_batch(struct publish *p, const struct gt_args *args,
                              const char *file)
{
	const char *files = gt_args_get(args, "files");
	struct gt_fit *f = &p->fit;
	if (is_mixed(p->cli, args))
		return GT_EXIT_USAGE;
	/* names in a file are meant from where the file is */
	if (!gt_copy(f->base, sizeof f->base, files ? files : file))
		return gt_cli_fail(p->cli, -GT_ELIMIT,
		                   gt_text(GT_T_CLI_TOO_LONG));
	char *slash = strrchr(f->base, '/');
	if (!files)
		slash = slash == f->base ? slash + 1 : slash;
	if (!files)
		*(slash ? slash : f->base) = '\0';
	f->file = file;
	enum gt_exit code = gt_draft_read(f->drafts, file, p->cli->lang,
	                                  &f->flaws, p->cli->err);
	return code ? code : publish_all(p);
}

/* What --meta says, or nothing, as the one draft. */
static enum gt_exit read_meta(struct publish *p, const char *meta)
{
	struct gt_fit *f = &p->fit;
	if (!meta) {
		f->drafts->v = json_pack("[{}]");
		f->drafts->at = calloc(1, sizeof *f->drafts->at);
		return f->drafts->v && f->drafts->at ? GT_EXIT_OK
		                                     : gt_cli_no_memory(p->cli);
	}
	enum gt_exit code = gt_draft_read(f->drafts, meta, p->cli->lang,
	                                  &f->flaws, p->cli->err);
	enum gt_exit wrong = gt_flaws_tell(
	        &f->flaws, json_array_size(f->drafts->v), p->cli->err);
	code = code ? code : wrong;
	if (!code && json_array_size(f->drafts->v) != 1) {
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_ONE, meta);
		code = GT_EXIT_USAGE;
	}
	return code;
}

/* Puts the options over what was read. */
static enum gt_exit put_options(struct publish *p, json_t *draft,
                                const struct gt_args *args)
{
	const char *path = gt_args_word(args, 0);
	if (path &&
	    json_object_set_new(draft, "path", json_string_nocheck(path)))
		return gt_cli_no_memory(p->cli);
	if (p->fit.bare && *gt_json_member(draft, "path")) {
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_BOTH);
		return GT_EXIT_USAGE;
	}
	if (!gt_draft_options(draft, args, p->cli->lang, p->cli->err))
		return GT_EXIT_USAGE;
	/* what is said to have no files is an announcement, unless said
	 * otherwise */
	return !p->fit.bare || json_object_get(draft, "type") ||
	                       json_object_set_new(
	                               draft, "type",
	                               json_string("announcement")) == 0
	               ? GT_EXIT_OK
	               : gt_cli_no_memory(p->cli);
}

static enum gt_exit run_one(struct publish *p, const struct gt_args *args)
{
	const char *meta = gt_args_get(args, "meta");
	struct gt_drafts *drafts = p->fit.drafts;
	if (gt_args_get(args, "files")) {
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_FILES);
		return GT_EXIT_USAGE;
	}
	enum gt_exit code = read_meta(p, meta);
	json_t *draft = code ? NULL : json_object();
	char where[GT_FIT_WHERE];
	if (code)
		return code;
	gt_format(where, sizeof where, "%.4000s:%d:%d", meta ? meta : "",
	          drafts->at->line, drafts->at->column);
	if (!draft)
		return gt_cli_no_memory(p->cli);
	if (!gt_draft_take(draft, json_array_get(drafts->v, 0), p->cli->lang,
	                   where, p->cli->err))
		code = GT_EXIT_USAGE;
	enum gt_exit more = put_options(p, draft, args);
	if (json_array_set_new(drafts->v, 0, draft))
		return gt_cli_no_memory(p->cli);
	code = code ? code : more;
	return code ? code : publish_all(p);
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
	struct gt_drafts drafts = {NULL, NULL};
	struct publish p = {.cli = cli, .level = LEVEL, .fit = {.cli = cli}};
	const char *from = gt_args_get(args, "from");
	enum gt_exit code;
	if (!gt_cli_number(cli, args, "compression", 1, 19, &p.level) ||
	    !gt_cli_words(cli, args, "type", gt_word_types) ||
	    !gt_cli_words(cli, args, "audience", gt_word_audiences) ||
	    !gt_cli_words(cli, args, "subject", gt_word_subjects))
		return GT_EXIT_USAGE;
	if (!from)
		from = gt_args_get(args, "batch");
	struct gt_config *config = gt_cli_config(cli, &code);
	if (!config)
		return code;
	p.done = json_array();
	p.client = p.fit.client = gt_cli_open(cli, &code);
	p.fit.bare = gt_args_get(args, "no-content") != NULL;
	p.fit.code = config->code;
	p.fit.drafts = &drafts;
	if (p.client && !p.done)
		code = gt_cli_no_memory(cli);
	if (p.client && p.done)
		code = from ? run_batch(&p, args, from) : run_one(&p, args);
	/* of a batch that was broken off, too, what is out is told */
	if (!code || json_array_size(p.done)) {
		enum gt_exit told = tell(&p);
		code = code ? code : told;
	}
	(void)gt_flaws_tell(&p.fit.flaws, 0, cli->err);
	gt_client_close(p.client);
	gt_drafts_free(&drafts);
	json_decref(p.done);
	free(config);
	return code;
}
