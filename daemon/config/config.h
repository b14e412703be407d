/* config.h: a node's configuration, read from DIR/guantong.yaml.
 *
 * The room daemon/config/ turns what people write in YAML (yaml.h) into what
 * programs use: the configuration and a policy's layer (policy_file.c). It uses
 * libyaml, src/policy, words/ and sys/, runs nothing and keeps nothing. It
 * promises that a file is taken whole or refused with every mistake named by
 * line and column, and that what it prints it reads back the same.
 *
 * One table of keys (config_table.c) parses, checks, prints and documents them.
 * An unknown key is an error with file:line:column and the nearest known key.
 * Sizes take B KiB MiB GiB, times ms s m h d. */
#ifndef GT_CONFIG_H
#define GT_CONFIG_H

#include "award.h"
#include "buffer.h"
#include "text.h"

enum { GT_ADDRESSES_MAX = 8, GT_USERS_MAX = 64, GT_FILE_MAX = 4096 };
enum { GT_CERTIFY_NAME = 200 };

/* A rule for certificates, as xapi/award.h has it. */
struct gt_certify {
	char name[GT_CERTIFY_NAME + 1];
	char activity[GT_PATTERN_MAX + 1];
	char subject[GT_PATTERN_MAX + 1];
	int score; /* thousandths; negative: none */
};

struct gt_user {
	char name[64];
	char password[128];
};

struct gt_config {
	char code[GT_CODE_MAX + 1];            /* node.code */
	char name[128];                        /* node.name, for people */
	char lang[16];                         /* node.language: zh-CN or en */
	char parent[GT_CODE_MAX + 1];          /* parent.code; "" at the root */
	char addresses[GT_ADDRESSES_MAX][256]; /* parent.addresses host:port */
	size_t naddresses;
	char above[GT_ADDRESSES_MAX][256]; /* parent.above, of nodes above it */
	size_t nabove;
	uint64_t above_every_ms;  /* parent.above_every, 24h */
	char listen[256];         /* link.listen host:port; "" no children */
	bool insecure;            /* link.insecure */
	bool mend;                /* no key: guantongd --mend */
	bool restored;            /* no key: guantongd --restored */
	uint64_t heartbeat_ms;    /* link.heartbeat, 15s */
	uint64_t dead_ms;         /* link.dead, 45s */
	uint64_t window_min;      /* link.window_min, 512KiB */
	uint64_t window_max;      /* link.window_max, 8MiB */
	uint64_t max_links;       /* link.max_links, 256 */
	uint64_t max_per_address; /* link.max_per_address, 64 */
	uint64_t date_warn_ms;    /* trust.date_warn, 7d; 0: never */
	uint64_t date_limit_ms;   /* trust.date_limit, 30d; 0: never */
	uint64_t protocol;        /* link.protocol, 0: the newest there is */
	char http[256];           /* http.listen host:port, 127.0.0.1:8080 */
	char content[256];        /* http.content host:port, auto or off */
	char staff[256];          /* http.staff, the same */
	char listen_tls[8];       /* http.listen_tls: off, node or own */
	char content_tls[8];      /* the same of the others */
	char staff_tls[8];
	char certificate[GT_FILE_MAX];     /* http.certificate, of "own" */
	char key[GT_FILE_MAX];             /* http.key */
	char names[GT_ADDRESSES_MAX][256]; /* http.names: hosts beside ours */
	size_t nnames;
	char listen_url[256];  /* http.listen_url: scheme://host[:port] that
	                         browsers see before a proxy; "" ours */
	char content_url[256]; /* http.content_url, the same of content */
	uint64_t connections;  /* http.connections: at each listener, 256 */
	uint64_t per_address;  /* http.per_address: of those, 128 */
	uint64_t head_ms;      /* http.head_time: a request's head, 10s */
	uint64_t body_ms;      /* http.body_time: its body, 60s */
	/* http.terminals: [{name, password}] */
	struct gt_user users[GT_USERS_MAX];
	size_t nusers; /* of earlier releases; taken over once (http_who.c) */
	/* records.certify: [{name, activity, subject, score}] */
	struct gt_certify certify[GT_AWARD_RULES];
	size_t ncertify;
	uint64_t records_reserve; /* records.reserve: kept for the database,
	                             16MiB */
	uint64_t terminal_hour;   /* records.terminal_hour, 256MiB */
	uint64_t child_hour;      /* records.child_hour, 4GiB */
	/* records.terminal_waiting, child_waiting: for the parent; 4GiB,
	 * 64GiB */
	uint64_t terminal_waiting, child_waiting;
	/* records.attachment, attachments: bytes of one, of all in a request;
	 * attachments_hour: of one terminal's in an hour */
	uint64_t attachment_max, attachments_max, attachments_hour;
	uint64_t reserve;         /* storage.reserve: bytes kept free, 64MiB */
	uint64_t on_demand;       /* storage.on_demand: bytes of what somebody
	                             asked for, 0: a quarter of the disk */
	uint64_t entries;         /* storage.entries: of the catalogue,
	                             2000000 */
	uint64_t transfers;       /* storage.transfers: at once, 4 */
	char policy[GT_FILE_MAX]; /* policy.file, policy.yaml; "" none */
	int log_level;            /* log.level: error warn info debug */
};

/* Where the mistake is and what to do. One line each, malloc'ed. */
struct gt_complaints {
	char **v;
	size_t n;
};
/* Frees the lines; c is empty then. */
void gt_complaints_free(struct gt_complaints *c);

/* Reads and checks text (name for messages). Returns 0, or -GT_EINVALID with
 * at least one complaint "file:line:column: key: what; try this". Warnings
 * (insecure: true, ...) are complaints too, with 0 returned. Messages come in
 * `lang`. */
int gt_config_parse(struct gt_config *out, const char *name,
                    struct gt_bytes text, const char *lang,
                    struct gt_complaints *complaints);
/* The same of a file. One that cannot be read is a complaint too. */
int gt_config_load(struct gt_config *out, const char *path, const char *lang,
                   struct gt_complaints *complaints);
/* The same of whatever a person names: a pipe, "-" for standard input. */
int gt_config_take(struct gt_config *out, const char *path, const char *lang,
                   struct gt_complaints *complaints);
/* Whether that address, "host:port", is this machine's own alone. */
bool gt_config_loopback(const char *address);
enum { GT_CONFIG_WAITS = 2048 }; /* room for the names of all keys */
/* The keys of what differs in `next` and is only read at a start, as
 * "link.listen, http.listen". False: there are none. */
bool gt_config_waits(const struct gt_config *now, const struct gt_config *next,
                     char *out, size_t cap);
/* Something that key of the file at path says is wrong in a way that only who
 * looks further can see: adds a complaint with its place in the file. `what`
 * takes `a`. Needs a file that gt_config_load has taken. */
void gt_config_complain(const char *path, const char *section, const char *key,
                        const char *lang, enum gt_text what, const char *a,
                        struct gt_complaints *complaints);
/* The effective configuration as YAML, malloc'ed; parsing it gives the same
 * struct. Passwords come out as "***". */
char *gt_config_print(const struct gt_config *config);
/* The same as a file to keep: a comment in `lang` above every key, passwords
 * as they are. malloc'ed. */
char *gt_config_write(const struct gt_config *config, const char *lang);
/* Every key with its comment and default, as a file that parses; node.code,
 * which has no default, is 33. malloc'ed. */
char *gt_config_document(const char *lang);
/* Where the content or staff listener (its field of the configuration, "auto",
 * "off" or host:port) listens: into out[256], "" when it is off. True: it was
 * derived from http.listen, so the port may be another's. */
bool gt_config_content(const struct gt_config *config, char out[256]);
bool gt_config_staff(const struct gt_config *config, char out[256]);
/* Whether passwords, if there are any, can travel in clear to the learners'
 * listener, and whether the staff's is open to others than this machine without
 * HTTPS. */
bool gt_config_listen_clear(const struct gt_config *config, bool passwords);
bool gt_config_staff_clear(const struct gt_config *config);
/* Defaults everywhere; node.code is empty. */
void gt_config_defaults(struct gt_config *out);

/* A policy file (configs/policy-*.yaml show all it can say): YAML to an encoded
 * Layer (origin, version and created_ms left unset). Returns and complains as
 * gt_config_parse; *layer is empty then. */
int gt_policy_parse(struct gt_buffer *layer, const char *name,
                    struct gt_bytes text, const char *lang,
                    struct gt_complaints *complaints);
/* The same of a layer that somebody wants to put in force: a type, audience or
 * subject that seems to be a slip for a usual one (gt_word_slip), of which the
 * other only warns, for a node has to start with the file it has, is an error. */
int gt_policy_take(struct gt_buffer *layer, const char *name,
                   struct gt_bytes text, const char *lang,
                   struct gt_complaints *complaints);

#endif
