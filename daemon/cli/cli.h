/* cli.h: `guantong`, the command line: what every command is made of.
 *
 * In the room daemon/cli/, a command is a row: name, words, options, examples,
 * function. The table (cli.c) parses, helps and suggests; the functions
 * (cmd_*.c) do the work and return an exit code. They ask the daemon over its
 * control socket (client.h) and never open its database; what works without a
 * daemon (init, pki, checks) uses config/, pki/ and the stager of disk/. What
 * several share: cli_tell.c says, cli_ask.c asks, pages.h and listing.h print
 * lists, term.h lays them out.
 *   0 done   1 failed   2 wrong usage   3 the daemon does not run
 *   4 not found   5 denied, or in conflict with what is there */
#ifndef GT_CLI_H
#define GT_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "args.h"
#include "client.h"
#include "config.h"
#include "local.h"
#include "say.h"

enum gt_exit {
	GT_EXIT_OK = 0,
	GT_EXIT_FAILED = 1,
	GT_EXIT_USAGE = 2,
	GT_EXIT_NOT_RUNNING = 3,
	GT_EXIT_NOT_FOUND = 4,
	GT_EXIT_DENIED = 5,
};

struct gt_cli {
	const char *dir;  /* -C, $GUANTONG_DIR or "." */
	const char *lang; /* "zh-CN" or "en" */
	bool json;
	FILE *out, *err;
};

struct gt_command {
	const char *name;  /* NULL ends a table */
	const char *words; /* after the options, for the usage line */
	enum gt_text about;
	size_t min_words, max_words;
	const struct gt_option *options; /* NULL: none of its own */
	const char *examples;            /* a line each, each ending in \n */
	enum gt_exit (*run)(struct gt_cli *cli, const struct gt_args *args);
	const struct gt_command *sub; /* commands below it. With run too, that
	                                 is what it does without a word */
};

/* The whole program. argv[0] is the program's name. */
int gt_cli_main(int argc, char *const *argv, FILE *out, FILE *err);
/* Every command, for tests and completion. */
extern const struct gt_command gt_cli_commands[];

/* Exit code for a status 0 or -GT_E.... */
enum gt_exit gt_cli_exit(int status);
/* "guantong: why" on err, in the reader's language (translate.h), and the exit
 * code that fits the status. */
enum gt_exit gt_cli_fail(struct gt_cli *cli, int status, const char *why);
enum { GT_CLI_SENTENCE = GT_SAY_ADVICE };
/* A sentence made elsewhere as people here read it: its times are of their zone,
 * and the commands it advises name the folder of the node that was asked
 * (say.h). Returns out, or the sentence itself. */
const char *gt_cli_told(char out[GT_CLI_SENTENCE], const char *sentence);
/* The same of one of the core's or the daemon's, which speak English: in their
 * language too. */
const char *gt_cli_sentence(char out[GT_CLI_SENTENCE], const char *sentence);
/* A value as indented JSON and a line end on out. False: NULL or no memory. */
bool gt_cli_json(struct gt_cli *cli, const json_t *value);
/* A number of an option within [min, max]; absent: *out is left alone. False:
 * said what is wrong. */
bool gt_cli_number(struct gt_cli *cli, const struct gt_args *args,
                   const char *name, uint64_t min, uint64_t max, uint64_t *out);

/* From now on the commands that are advised are for the node in dir (say.h). */
void gt_cli_here(const char *dir);
/* Whether cli->dir is a node's directory, and open to this user. False: said
 * what is wrong; *code: not found, or denied. */
bool gt_cli_node(struct gt_cli *cli, enum gt_exit *code);
/* Asks the daemon of cli->dir. NULL: said why, *code is what to return. */
struct gt_client *gt_cli_open(struct gt_cli *cli, enum gt_exit *code);
/* gt_cli_fail with the client's sentence. */
enum gt_exit gt_cli_refused(struct gt_cli *cli, int status,
                            const struct gt_client *client);
/* What came of a request: says why it was refused, gives the answer to whoever
 * wants JSON, and sets *code to what is to be returned. True: neither, people
 * are to be told. */
bool gt_cli_answered(struct gt_cli *cli, const struct gt_client *client,
                     int status, const json_t *answer, enum gt_exit *code);
/* The node's configuration, malloc'ed; NULL: complaints are said, and *code is
 * the exit code. */
struct gt_config *gt_cli_config(struct gt_cli *cli, enum gt_exit *code);
/* What a check of the file `what` came to: complaints, as lines or as JSON, and
 * the exit code that fits the status. Frees c.
 * also: members for the JSON, taken over; NULL: none. */
enum gt_exit gt_cli_complaints(struct gt_cli *cli, const char *what, int status,
                               struct gt_complaints *c, json_t *also);
/* A resource id; a slug alone is one of this node's. False: said why not, and
 * *code is the exit code. */
bool gt_cli_rid(struct gt_cli *cli, const char *word, char out[GT_RID_MAX + 1],
                enum gt_exit *code);
/* The title a reader of cli->lang wants; "" when there is none. */
const char *gt_cli_title(const struct gt_cli *cli, const json_t *resource);
/* An option's value is absent or one of the words (NULL ends them), which
 * `list` tells people. False: said what is wrong. */
bool gt_cli_choice(struct gt_cli *cli, const struct gt_args *args,
                   const char *name, const char *const *words,
                   enum gt_text list);
/* An option's values, of which there may be others than the words (NULL ends
 * them): what is near one of them is taken for a slip; another that is none of
 * them is noted on err and goes. What has * or ? in it is a pattern and may be
 * anything. False: a slip, said. */
bool gt_cli_words(struct gt_cli *cli, const struct gt_args *args,
                  const char *name, const char *const *words);
/* Out of memory, said. */
enum gt_exit gt_cli_no_memory(struct gt_cli *cli);

/* Every command, in cmd_<name>.c: args hold as many words as its row allows.
 * What it has to tell goes to cli->out, what went wrong to cli->err. */
typedef enum gt_exit gt_cmd(struct gt_cli *cli, const struct gt_args *args);
gt_cmd gt_cmd_ls, gt_cmd_show, gt_cmd_explain; /* cmd_ls.c */
gt_cmd gt_cmd_get;                             /* cmd_get.c */
gt_cmd gt_cmd_publish;                         /* cmd_publish.c */
gt_cmd gt_cmd_withdraw;                        /* cmd_withdraw.c */
gt_cmd gt_cmd_status;                          /* cmd_status.c */
gt_cmd gt_cmd_wait;                            /* cmd_wait.c */
gt_cmd gt_cmd_records;                         /* cmd_records.c */
gt_cmd gt_cmd_init;                            /* cmd_init.c */
gt_cmd gt_cmd_reload;                          /* cmd_config.c */
gt_cmd gt_cmd_policy_test, gt_cmd_policy_explain,
        gt_cmd_policy_diff; /* cmd_demand.c */
/* Their options, where they have any of their own. */
extern const struct gt_option gt_cmd_ls_options[], gt_cmd_explain_options[],
        gt_cmd_get_options[], gt_cmd_publish_options[],
        gt_cmd_withdraw_options[], gt_cmd_status_options[],
        gt_cmd_wait_options[], gt_cmd_records_options[], gt_cmd_init_options[],
        gt_cmd_policy_test_options[], gt_cmd_policy_diff_options[];
/* Commands of commands, in cmd_<name>.c. */
extern const struct gt_command gt_cmd_copies[], gt_cmd_roster[], gt_cmd_audit[],
        gt_cmd_policy[], gt_cmd_config[], gt_cmd_pki[], gt_cmd_records_sub[],
        gt_cmd_credential[], gt_cmd_key[], gt_cmd_person[], gt_cmd_documents[],
        gt_cmd_certificate[];

#endif
