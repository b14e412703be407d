/* guantong publish: files become an object, an object becomes a resource.
 * Tests: e2e/test_house.py, e2e/test_sync.py, u_draft.c. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "draft.h"
#include "say.h"
#include "stage.h"
#include "term.h"

enum { WHY = 4608, PATH = 4096, BATCH = 1000, LEVEL = 3 };

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
                                  const char *source)
{
	struct gt_progress bar;
	struct gt_staged staged;
	char why[WHY];
	gt_progress_begin(&bar, p->cli->err, gt_json_member(draft, "id"));
	int status =
	        gt_stage_pack(p->cli->dir, source, (int)p->level, pack_progress,
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

/* One with its files; "path" is not the daemon's business. */
static enum gt_exit publish_one(struct publish *p, json_t *draft,
                                const char *base)
{
	char source[PATH];
	const char *path = gt_json_member(draft, "path");
	if (!*path)
		return post(p, draft);
	if (strlen(base) + strlen(path) + 2 > sizeof source)
		return gt_cli_fail(p->cli, -GT_ELIMIT,
		                   gt_text(GT_T_CLI_TOO_LONG));
	gt_format(source, sizeof source, "%s%s%s", *path == '/' ? "" : base,
	          *path == '/' || !*base ? "" : "/", path);
	(void)json_object_del(draft, "path");
	return publish_files(p, draft, source);
}

/* Those without files by the thousand, those with files one by one. */
static enum gt_exit publish_all(struct publish *p, json_t *drafts,
                                const char *base)
{
	json_t *batch = json_array(), *d;
	enum gt_exit code = batch ? GT_EXIT_OK : gt_cli_no_memory(p->cli);
	size_t i;
	json_array_foreach(drafts, i, d)
	{
		if (code)
			break;
		if (*gt_json_member(d, "path"))
			code = publish_one(p, d, base);
		else if (json_array_append(batch, d))
			code = gt_cli_no_memory(p->cli);
		if (!code && json_array_size(batch) == BATCH) {
			code = post(p, batch);
			(void)json_array_clear(batch);
		}
	}
	if (!code && json_array_size(batch))
		code = post(p, batch);
	json_decref(batch);
	return code;
}

static enum gt_exit run_batch(struct publish *p, const struct gt_args *args,
                              const char *file, const char *code_of_node)
{
	char base[PATH];
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
	ok = ok && gt_copy(base, sizeof base, files ? files : file);
	char *slash = ok ? strrchr(base, '/') : NULL;
	if (ok && !files)
		*(slash ? slash : base) = '\0';
	enum gt_exit code = ok ? publish_all(p, drafts, base) : GT_EXIT_FAILED;
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
	if (path && gt_args_get(args, "no-content"))
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_BOTH);
	else if (!drafts)
		code = meta ? GT_EXIT_FAILED : gt_cli_no_memory(p->cli);
	else if (json_array_size(drafts) != 1)
		gt_say(p->cli->err, GT_T_CLI_PUBLISH_ONE, meta);
	else if (gt_draft_options(draft, args, p->cli->lang, p->cli->err) &&
	         gt_draft_check(draft, code_of_node, "guantong", p->cli->err))
		code = GT_EXIT_OK;
	/* what has no files is an announcement, unless said otherwise */
	if (!code && !path && !json_object_get(draft, "type") &&
	    json_object_set_new(draft, "type", json_string("announcement")))
		code = gt_cli_no_memory(p->cli);
	if (!code && path &&
	    json_object_set_new(draft, "path", json_string_nocheck(path)))
		code = gt_cli_no_memory(p->cli);
	if (!code)
		code = publish_one(p, draft, "");
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
		gt_say(p->cli->out, GT_T_CLI_PUBLISHED, gt_json_member(d, "id"),
		       (unsigned long long)gt_client_number(d, "version"),
		       *object ? ", " : "", object);
	}
	return GT_EXIT_OK;
}

enum gt_exit gt_cmd_publish(struct gt_cli *cli, const struct gt_args *args)
{
	struct publish p = {.cli = cli, .level = LEVEL};
	const char *from = gt_args_get(args, "from");
	enum gt_exit code;
	if (!gt_cli_number(cli, args, "compression", 1, 19, &p.level))
		return GT_EXIT_USAGE;
	if (!from)
		from = gt_args_get(args, "batch");
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
	if (!code)
		code = tell(&p);
	gt_client_close(p.client);
	json_decref(p.done);
	free(config);
	return code;
}
