/* resource.h: a resource and its files, as the daemon lists them: one file after
 * the other as they come, for a package may have a million of them.
 * Tests: u_resource.c, e2e/test_newcomer.py. */
#ifndef GT_RESOURCE_H
#define GT_RESOURCE_H

#include "cli.h"

/* Takes one file, {"path","size","media_type"}, lent. False: no memory. */
typedef bool gt_resource_file(void *arg, const json_t *file);

/* Reads what the daemon answers of a resource, piece by piece. Zero it, and set
 * file and arg, to begin; free `head` and the buffer in the end. */
struct gt_resource_reading {
	gt_resource_file *file;
	void *arg;
	json_t *head; /* all but the files; there before the first of them */
	struct gt_buffer text; /* not read yet: of the head, or of one file */
	size_t looked;         /* of the text, in vain */
	enum { GT_RESOURCE_HEAD, GT_RESOURCE_FILES, GT_RESOURCE_TAIL } where;
	unsigned depth; /* of brackets in a file */
	bool quoted, escaped;
	int status; /* 0, -GT_EMALFORMED, -GT_ENOMEM */
};
/* Takes the next n bytes. Nonzero: it has failed, with r->status. As
 * gt_client_take. */
int gt_resource_take(void *reading, const void *p, size_t n);
/* There are no more. r->status; 0: r->head is what was answered. */
int gt_resource_end(struct gt_resource_reading *r);

/* Asks for a resource and its files: *head, the caller's, is all but the files
 * and there before the first of them comes; NULL on failure. file NULL: without
 * files. As gt_client_get; gt_client_why has the reason. */
int gt_resource_ask(struct gt_client *client, const char *rid,
                    gt_resource_file *file, void *arg, json_t **head);
/* Prints it all as JSON, as gt_cli_json would. */
enum gt_exit gt_resource_json(struct gt_cli *cli, struct gt_client *client,
                              const char *rid);

#endif
