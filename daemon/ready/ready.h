/* ready.h: whether what a node needs lies in its directory, and fits together.
 *
 * The room daemon/ready/ looks at what the operator put there: the policy file,
 * keys, certificates, credentials. The start asks it (run/, http/door/), and so
 * do `guantongd --check` and `guantong config check`, so that these find what
 * would keep the node from starting, and nothing else is called fine. It uses
 * config/, net/ and http/access/, opens no port and writes nothing. All names
 * are relative to the node's directory, in which the process must be (dir.h).
 * Tests: e2e/test_ready.py, u_http_cert.c. */
#ifndef GT_READY_H
#define GT_READY_H

#include "base.h"
#include "config.h"
#include "node_dir.h"

/* The node's own layer, and the SHA-256 of its file. */
struct gt_ready_policy {
	struct gt_buffer layer; /* empty: there is none */
	struct gt_id hash;
};
/* No file: no layer, unless one was asked for by name. A file with a mistake is
 * refused whole: half a policy lets through what the other half would have
 * stopped. 0; negative: said in *c, in that language (NULL: the
 * process's), and *out is empty. */
int gt_ready_policy(struct gt_ready_policy *out, const struct gt_config *config,
                    const char *lang, struct gt_complaints *c);

/* Files that only the node's own user may read, and what is opened as a file at
 * the start; each list ends with NULL. */
extern const char *const gt_ready_secrets[];
extern const char *const gt_ready_plain[];

/* The listeners' key (http.key) is there and in the node's folder, where the node
 * closes it to others: who else needs one that lies elsewhere, or behind a link,
 * it cannot know. */
bool gt_ready_is_ours(const char *key);
/* The key is there, and others than its user and group may read or write it, or
 * its group write it. */
bool gt_ready_is_open(const char *key);

/* Whether what is opened as a file is one, where it is there, and what is used as a
 * folder likewise. 0; negative with why, which names it and says what to do. */
int gt_ready_kinds(const struct gt_config *config, char *why, size_t why_cap);

/* Adds to why, which says that a file could not be read, what to do: who gives one
 * that is missing (status -GT_EUNKNOWN; config NULL: nobody), and how one of
 * another user becomes the node's (error, an errno). */
void gt_ready_advise(const struct gt_config *config, int status, int error,
                     const char *file, char *why, size_t why_cap);

/* Reads a key (node_dir.h). 0; negative with why, which names the file and says
 * who gives it. */
int gt_ready_key(const struct gt_config *config, const char *file,
                 uint8_t out[32], char *why, size_t why_cap);

/* Reads what links need, and whether it is of one tree and can be used. 0, and
 * *out is to be freed; -GT_EINVALID: the operator's to mend; other negative: it may
 * go by itself; with why, as above, and *out is empty. */
int gt_ready_pems(const struct gt_config *config, struct gt_dir_pems *out,
                  char *why, size_t why_cap);

/* Reads a certificate and its key, PEM, and whether they belong together: what
 * the one signs is the other's, and TLS takes it. 0;
 * -GT_EINVALID: they are not there, or no such pair; -GT_EIO, -GT_ENOMEM: they could
 * not be read this time; why, a sentence, and both are empty. */
int gt_ready_pair(struct gt_buffer *cert, struct gt_buffer *key,
                  const char *cert_file, const char *key_file, char *why,
                  size_t why_cap);

/* Whether the certificate is this node's own: false with why, which says whose
 * it is and what to do. */
bool gt_ready_own(const struct gt_config *config, const char *cert_pem,
                  char *why, size_t why_cap);

/* Everything there is to look at, of a configuration that was read from
 * GT_DIR_CONFIG; all that is wrong is said in *c. -GT_EINVALID: the node would
 * not start, or nobody would know it; -GT_ESTALE: it would, but a certificate
 * is past its end or not valid yet at now_ms; 0: at most there is something to
 * see to soon. */
int gt_ready_check(const struct gt_config *config, int64_t now_ms,
                   struct gt_complaints *c);

#endif
