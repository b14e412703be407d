#include "ready_tree.h"

#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "code.h"
#include "dir.h"
#include "node_dir.h"
#include "say.h"
#include "seal.h"
#include "signed.h"
#include "text.h"
#include "tls_name.h"
#include "yaml.h"

enum { WHY = 1200 };

/* What a node's files say of the tree. */
struct tree {
	struct gt_arena *arena;
	struct gt_dir_members rows; /* none: nothing is known of the roster */
	const Gt__Member *own, *parent;
	const Gt__Signed *sealed;    /* own's */
	char above[GT_CODE_MAX + 1]; /* by the certificate */
};

/* The newest row of that code, and what it came in; NULL: none. A province's
 * roster is long, so that only what is looked for is kept. */
static const Gt__Member *row_of(const struct tree *t, const char *code,
                                const Gt__Signed **sealed)
{
	struct gt_arena *passing = gt_arena_new();
	uint64_t version = 0;
	size_t at = t->rows.n;
	for (size_t i = 0; passing && i < t->rows.n; i++) {
		const Gt__Member *m = gt_signed_member(
		        passing, gt_signed_open(passing, t->rows.v[i]));
		if (m && strcmp(m->code, code) == 0 && m->version >= version) {
			version = m->version;
			at = i;
		}
		gt_arena_reset(passing);
	}
	gt_arena_free(passing);
	*sealed =
	        at < t->rows.n ? gt_signed_open(t->arena, t->rows.v[at]) : NULL;
	return gt_signed_member(t->arena, *sealed);
}

static void read_certificate(struct tree *t, const struct gt_config *config)
{
	struct gt_dir_pems pems;
	char why[WHY], code[GT_CODE_MAX + 1];
	if (config->insecure ||
	    gt_dir_read_pems(&pems, NULL, why, sizeof why) != 0)
		return;
	/* of another node's nothing is taken: that is said elsewhere */
	if (!gt_tls_code_of_pem((char *)pems.cert.p, code, t->above) ||
	    strcmp(code, config->code) != 0)
		*t->above = '\0';
	gt_dir_pems_free(&pems);
}

/* False: out of memory. */
static bool open_tree(struct tree *t, const struct gt_config *config)
{
	char why[WHY];
	const Gt__Signed *of_parent;
	*t = (struct tree){.arena = gt_arena_new()};
	if (!t->arena)
		return false;
	(void)gt_dir_read_members(GT_DIR_MEMBERS, &t->rows, why, sizeof why);
	t->own = row_of(t, config->code, &t->sealed);
	t->parent = row_of(t, config->parent, &of_parent);
	read_certificate(t, config);
	return !gt_arena_short(t->arena);
}

static void close_tree(struct tree *t)
{
	gt_dir_members_free(&t->rows);
	gt_arena_free(t->arena);
}

/* The place above, as the tree has it; "": it does not say, which a row from
 * before that was said does not either. */
static const char *named_by(const struct tree *t)
{
	return t->own && *t->own->parent ? t->own->parent : t->above;
}

static bool other_parent(const struct tree *t, const struct gt_config *config)
{
	const char *named = named_by(t);
	return *named && !gt_code_same_place(named, config->parent);
}

void gt_ready_parent(const struct gt_config *config,
                     char named[GT_CODE_MAX + 1])
{
	struct tree t;
	*named = '\0';
	if (open_tree(&t, config) && other_parent(&t, config))
		(void)gt_copy(named, GT_CODE_MAX + 1, named_by(&t));
	close_tree(&t);
}

/* ------------------------------------------------------- what is said */

static void add(struct gt_complaints *c, enum gt_text what, const char *code)
{
	char line[WHY];
	gt_say_into(line, sizeof line, what, code, code);
	(void)gt_complaints_add(c, line);
}

/* Of parent.code, in its place. */
static void add_parent(struct gt_complaints *c, enum gt_text what,
                       const struct gt_config *config, const char *named)
{
	char line[WHY];
	gt_say_into(line, sizeof line, what,
	            *config->parent ? config->parent : "-", config->code,
	            named);
	gt_config_complain(GT_DIR_CONFIG, "parent", "code",
	                   gt_text_chinese(NULL) ? "zh-CN" : "en",
	                   GT_T_READY_WHY, line, c);
}

static bool key_fits(const struct tree *t)
{
	uint8_t seed[32];
	char why[WHY];
	struct gt_key key;
	bool fits =
	        gt_dir_read_key(GT_DIR_NODE_KEY, seed, why, sizeof why) ||
	        gt_key_from_seed(&key, seed) != 0 ||
	        (t->own->key.len == sizeof key.public &&
	         memcmp(t->own->key.data, key.public, sizeof key.public) == 0);
	OPENSSL_cleanse(seed, sizeof seed);
	OPENSSL_cleanse(&key, sizeof key);
	return fits;
}

/* Whether the node's own row is the roster's of that key. */
static bool roster_fits(const struct tree *t)
{
	uint8_t key[32];
	char why[WHY];
	if (gt_dir_read_key(GT_DIR_ROSTER_KEY, key, why, sizeof why) != 0)
		return true;
	return t->sealed->key.len == sizeof key &&
	       memcmp(t->sealed->key.data, key, sizeof key) == 0 &&
	       gt_unseal(t->sealed, NULL) != -GT_ESIGNATURE;
}

static void look_at_own(const struct tree *t, const struct gt_config *config,
                        struct gt_complaints *c)
{
	if (t->rows.n == 0) {
		/* one that ran has its roster in the database */
		if (access(GT_DIR_MEMBERS, F_OK) != 0 &&
		    access(GT_DIR_DATABASE, F_OK) != 0)
			add(c, GT_T_READY_NO_ROSTER, config->code);
		return;
	}
	if (!t->own) {
		add(c, GT_T_READY_NO_ROW, config->code);
		return;
	}
	if (t->own->standing == GT__STANDING__REVOKED)
		add(c, GT_T_READY_REVOKED, config->code);
	if (!roster_fits(t))
		add(c, GT_T_READY_ROSTER_KEY, config->code);
	if (!key_fits(t))
		add(c, GT_T_READY_NODE_KEY, config->code);
}

static void look_at_parent(const struct tree *t, const struct gt_config *config,
                           struct gt_complaints *c)
{
	const char *named = named_by(t);
	if (other_parent(t, config))
		add_parent(c, GT_T_READY_PARENT, config, named);
	else if (*config->parent && t->rows.n > 0 && !t->parent)
		add_parent(c, GT_T_READY_PARENT_UNKNOWN, config, config->code);
	else if (t->parent && t->parent->standing == GT__STANDING__REVOKED)
		add_parent(c, GT_T_READY_PARENT_REVOKED, config, "");
	else if (t->parent && t->parent->publisher)
		add_parent(c, GT_T_READY_PARENT_PUBLISHER, config, "");
}

int gt_ready_tree(const struct gt_config *config, struct gt_complaints *c)
{
	struct tree t;
	size_t before = c->n;
	bool whole = open_tree(&t, config);
	if (whole) {
		look_at_own(&t, config, c);
		look_at_parent(&t, config, c);
	}
	close_tree(&t);
	return !whole ? -GT_ENOMEM : c->n > before ? -GT_EINVALID : 0;
}
