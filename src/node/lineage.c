#include "lineage.h"

#include "twin.h"

#include <string.h>

enum { TOKEN = GT_ID_BYTES, KEY = GT_CODE_MAX + 16 };

static const uint8_t none[TOKEN];

/* One row of meta for each neighbour: 32 bytes for the parent, for a child the
 * confirmed token and the proposed one. */
static void key_of(char out[KEY], const char *code)
{
	gt_format(out, KEY, "lineage/%s", code);
}

static int load(struct gt_node *n, const char *code, uint8_t *out, size_t len)
{
	char key[KEY];
	struct gt_bytes b;
	key_of(key, code);
	memset(out, 0, len);
	int status = gt_meta_get_bytes(n->store, key, n->arena, &b);
	if (status == 0 && b.n == len)
		memcpy(out, b.p, len);
	return status;
}

static int save(struct gt_node *n, const char *code, const uint8_t *token,
                size_t len)
{
	char key[KEY];
	key_of(key, code);
	return gt_meta_put_bytes(n->store, key, gt_bytes_of(token, len));
}

/* From both nonces of this link, the child's first. */
static void derive(const struct gt_peer *p, uint8_t out[TOKEN])
{
	static const uint8_t domain[] = "guantong lineage v1\n";
	const uint8_t *child = p->parent ? p->nonce_ours : p->nonce_theirs;
	const uint8_t *parent = p->parent ? p->nonce_theirs : p->nonce_ours;
	struct gt_id id;
	struct gt_bytes parts[3] = {{domain, sizeof domain - 1},
	                            {child, sizeof p->nonce_ours},
	                            {parent, sizeof p->nonce_ours}};
	gt_sha256(&id, parts, 3);
	memcpy(out, id.b, TOKEN);
}

int gt_lineage_ours(struct gt_node *n, uint8_t out[TOKEN], size_t *len)
{
	int status = load(n, n->up->code, out, TOKEN);
	*len = memcmp(out, none, TOKEN) != 0 ? TOKEN : 0;
	return status;
}

int gt_lineage_adopt(struct gt_node *n, const struct gt_peer *p)
{
	uint8_t token[TOKEN];
	if (!gt_version_tokens(p->version))
		return 0;
	derive(p, token);
	return save(n, p->code, token, sizeof token);
}

int gt_lineage_meet(struct gt_node *n, struct gt_peer *p, bool new_epoch,
                    bool *strange)
{
	uint8_t kept[2 * TOKEN], *confirmed = kept, *proposed = kept + TOKEN;
	*strange = false;
	int status = load(n, p->code, kept, sizeof kept);
	if (status != 0)
		return status;
	if (!gt_version_tokens(p->version)) {
		/* what is kept is no longer of the last session */
		uint8_t had = 0;
		for (size_t i = 0; i < sizeof kept; i++)
			had |= kept[i];
		memset(kept, 0, sizeof kept);
		return had ? save(n, p->code, kept, sizeof kept) : 0;
	}
	bool shown = memcmp(p->child.lineage, none, TOKEN) != 0;
	bool old = memcmp(p->child.lineage, confirmed, TOKEN) == 0;
	bool new = shown &&memcmp(p->child.lineage, proposed, TOKEN) == 0;
	/* An end that has nothing to compare with believes nothing of the
	 * other: a new database, or one whose restoring was told. */
	bool first = memcmp(confirmed, none, TOKEN) == 0 &&
	             memcmp(proposed, none, TOKEN) == 0;
	*strange = !old && !new && !first && (shown || !new_epoch);
	if (*strange)
		return 0;
	memcpy(confirmed, p->child.lineage, TOKEN);
	derive(p, proposed);
	p->child.unconfirmed = true;
	return save(n, p->code, kept, sizeof kept);
}

/* What a stranger showed confirms nothing: the one remembered may come back. */
int gt_lineage_propose(struct gt_node *n, struct gt_peer *p)
{
	uint8_t kept[2 * TOKEN];
	int status = load(n, p->code, kept, sizeof kept);
	derive(p, kept + TOKEN);
	p->child.unconfirmed = false;
	return status ? status : save(n, p->code, kept, sizeof kept);
}

int gt_lineage_confirm(struct gt_node *n, struct gt_peer *p)
{
	uint8_t kept[2 * TOKEN] = {0};
	if (!p->child.unconfirmed)
		return 0;
	p->child.unconfirmed = false;
	derive(p, kept);
	return save(n, p->code, kept, sizeof kept);
}

int gt_lineage_forget(struct gt_node *n)
{
	gt_store_bind(n->store, GT_SQL_LINEAGE_FORGET, "");
	return gt_store_run(n->store, GT_SQL_LINEAGE_FORGET);
}

bool gt_lineage_new(struct gt_node *n, const struct gt_peer *p)
{
	struct gt_pasts *all = n->pasts;
	const unsigned slots = sizeof all->strangers / sizeof *all->strangers;
	struct gt_stranger s = {0};
	gt_copy(s.code, sizeof s.code, p->code);
	memcpy(s.shown, p->child.lineage, sizeof s.shown);
	for (unsigned i = 0; i < slots; i++)
		if (memcmp(&all->strangers[i], &s, sizeof s) == 0)
			return false;
	all->strangers[all->next++ % slots] = s;
	return true;
}

int gt_lineage_note(struct gt_node *n, const struct gt_peer *p, const char *why)
{
	struct gt_audit row = {.event = "link",
	                       .kind = "link",
	                       .subject = p->code,
	                       .peer = p->code,
	                       .result = -GT_ECONFLICT,
	                       .detail = why};
	n->status.strangers++;
	n->status.stranger_ms = n->now.wall_ms;
	gt_copy(n->status.stranger, sizeof n->status.stranger, p->code);
	n->touched = true;
	int status = gt_audit_told(n, p->code, &row, NULL);
	return status ? status
	              : gt_log(n, GT_LOG_WARN,
	                       "%s and this node remember different pasts: %s. "
	                       "If neither was just restored from a backup, a "
	                       "second copy of %s or of this node is running: "
	                       "stop one of the two",
	                       p->code, why, p->code);
}
