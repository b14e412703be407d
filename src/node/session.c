/* session.c: Hello and Prove. After them a link belongs to a code.
 *
 * Each end signs both codes and both nonces under its role, so that a proof
 * can be neither replayed nor reflected, and is of use on this link only. */
#include <stdlib.h>
#include <string.h>

#include "lineage.h"

enum { NONCE = 32, PROOF = 64, PROOF_TEXT = 256 };

static struct gt_bytes proof_text(uint8_t out[PROOF_TEXT], const char *role,
                                  const char *child, const char *parent,
                                  const uint8_t *child_nonce,
                                  const uint8_t *parent_nonce)
{
	char *text = (char *)out;
	gt_format(text, PROOF_TEXT, "guantong hello v1\n%s\n%s\n%s\n", role,
	          child, parent);
	size_t n = strlen(text);
	assert(n + NONCE + NONCE <= PROOF_TEXT);
	memcpy(out + n, child_nonce, NONCE);
	memcpy(out + n + NONCE, parent_nonce, NONCE);
	return gt_bytes_of(out, n + NONCE + NONCE);
}

static int refuse(struct gt_node *n, struct gt_peer *p, uint64_t token,
                  int code, const char *why)
{
	int status = gt_send_error(n, p, token, code, why, 0);
	return status ? status : gt_drop(n, p, why);
}

static int audit_link(struct gt_node *n, const struct gt_peer *p, bool up)
{
	struct gt_audit row = {.event = "link",
	                       .kind = "link",
	                       .subject = p->code,
	                       .peer = p->code,
	                       .detail = up ? "up" : "down"};
	n->touched = true;
	int status = gt_audit_row(n, &row);
	if (status == 0)
		status = gt_log(n, GT_LOG_INFO,
		                up ? "link to %s (%s) is up"
		                   : "link to %s (%s) is down",
		                p->code, p->address);
	return status;
}

/* -------------------------------------------------------- both ends */

static int say_hello(struct gt_node *n, struct gt_peer *p)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Hello h;
	gt__hello__init(&h);
	struct gt_asking a = {.what = GT_ASKED_HELLO};
	uint8_t lineage[GT_ID_BYTES];
	h.version_min = GT_PROTOCOL_MIN;
	h.version_max = n->config.protocol_max;
	h.code = n->code;
	h.parent = n->parent;
	h.epoch = (ProtobufCBinaryData){sizeof n->epoch, n->epoch};
	h.nonce = (ProtobufCBinaryData){NONCE, p->nonce_ours};
	h.lineage.data = lineage;
	r.body_case = GT__REQUEST__BODY_HELLO;
	r.hello = &h;
	n->base_ms = n->now.mono_ms; /* until the answer comes */
	int status = 0;
	if (gt_version_tokens(h.version_max))
		status = gt_lineage_ours(n, lineage, &h.lineage.len);
	return status ? status : gt_ask(n, &r, &a, NULL);
}

int gt_session_up(struct gt_node *n, struct gt_peer *p)
{
	p->session = GT_S_NEW;
	if (!p->parent)
		return 0;
	if (n->up) {
		int status = gt_drop(n, n->up, "replaced by a newer link");
		if (status != 0)
			return status;
	}
	if (p->certified && strcmp(p->code, n->parent) != 0)
		return gt_drop(n, p, "the certificate is not our parent's");
	gt_copy(p->code, sizeof p->code, n->parent);
	n->up = p;
	return say_hello(n, p);
}

int gt_session_down(struct gt_node *n, struct gt_peer *p)
{
	int status = 0;
	if (p->session == GT_S_READY)
		status = audit_link(n, p, false);
	if (!p->parent)
		gt_serve_forget(n, p->id);
	if (status == 0 && p->cid)
		status = gt_session_save(n, p);
	if (p == n->up) {
		n->up = NULL;
		memset(n->asking, 0, sizeof n->asking);
		n->asking_count = 0;
		n->asking_due = 0;
		n->record_batches = 0;
		gt_transfer_reset(n);
		if (status == 0)
			status = gt_contest_down(n);
		n->reconciling = false;
		n->status.synced = false;
		gt_fetch_reset(n);
	}
	*p = (struct gt_peer){.session = GT_S_GONE};
	n->touched = true;
	return status;
}

/* ---------------------------------------------------- parent's side */

static const char *no_version(const struct gt_node *n, uint32_t min,
                              uint32_t max, char why[GT_WHY])
{
	gt_format(why, GT_WHY,
	          "no protocol version in common: this node speaks %u to %u, "
	          "the other %u to %u",
	          (unsigned)GT_PROTOCOL_MIN, n->config.protocol_max, min, max);
	return why;
}

static const char *hello_refusal(const struct gt_node *n,
                                 const struct gt_peer *p, const Gt__Hello *m,
                                 int *code, char why[GT_WHY])
{
	*code = GT_EIDENTITY;
	if (p->session != GT_S_NEW || p->parent)
		return "Hello out of place";
	if (p->version == 0) {
		*code = GT_EVERSION;
		return no_version(n, m->version_min, m->version_max, why);
	}
	*code = GT_EMALFORMED;
	if (m->nonce.len != NONCE || m->epoch.len != GT_EPOCH_BYTES)
		return "Hello with a short nonce or epoch";
	if (strlen(m->code) > GT_CODE_MAX || !gt_code_valid(m->code))
		return "Hello with a malformed code";
	if (m->lineage.len != 0 && m->lineage.len != GT_ID_BYTES)
		return "Hello with a malformed lineage";
	*code = GT_EIDENTITY;
	if (p->certified && strcmp(p->code, m->code) != 0)
		return "Hello's code is not the certificate's";
	if (strcmp(m->parent, n->code) != 0)
		return "this node is not the parent that was asked for";
	if (!gt_code_child_of(m->code, n->code))
		return "the code does not lie under this node's";
	return NULL;
}

int gt_session_hello(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Hello *m)
{
	int code;
	bool found;
	char why[GT_WHY];
	uint8_t key[32], text[PROOF_TEXT], proof[PROOF];
	if (p->session == GT_S_NEW)
		p->version = gt_version_common(m->version_min, m->version_max,
		                               n->config.protocol_max);
	const char *no = hello_refusal(n, p, m, &code, why);
	if (no)
		return refuse(n, p, token, code, no);
	int status = gt_member_key(n, m->code, key, &found);
	if (status != 0)
		return status;
	gt_copy(p->code, sizeof p->code, m->code);
	if (!found)
		return refuse(n, p, token, GT_EREVOKED,
		              "the roster has no active member of that code");
	memcpy(p->nonce_theirs, m->nonce.data, NONCE);
	memcpy(p->epoch, m->epoch.data, GT_EPOCH_BYTES);
	if (m->lineage.len > 0)
		memcpy(p->lineage, m->lineage.data, GT_ID_BYTES);
	status = gt_sign(&n->key,
	                 proof_text(text, "parent", p->code, n->code,
	                            p->nonce_theirs, p->nonce_ours),
	                 proof);
	Gt__HelloReply h;
	gt__hello_reply__init(&h);
	Gt__Reply r = GT__REPLY__INIT;
	h.version = p->version;
	h.code = n->code;
	h.epoch = (ProtobufCBinaryData){sizeof n->epoch, n->epoch};
	h.nonce = (ProtobufCBinaryData){NONCE, p->nonce_ours};
	h.proof = (ProtobufCBinaryData){PROOF, proof};
	r.body_case = GT__REPLY__BODY_HELLO;
	r.hello = &h;
	p->session = GT_S_PROVING;
	return status ? status
	              : gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

static int child_row(struct gt_node *n, struct gt_peer *p, bool *same_epoch)
{
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_CHILD_BY_CODE, "t", p->code);
	int row = gt_store_step(n->store, GT_SQL_CHILD_BY_CODE);
	uint8_t epoch[GT_EPOCH_BYTES];
	*same_epoch = true;
	if (row == 1) {
		p->cid = gt_col_int(st, 0);
		*same_epoch = gt_col_fixed(st, 1, epoch, sizeof epoch) &&
		              memcmp(epoch, p->epoch, sizeof epoch) == 0;
		gt_col_fixed(st, 2, p->filter.b, sizeof p->filter.b);
		p->judged_members = gt_col_int(st, 3);
		p->judged = gt_col_int(st, 4);
		p->vseq = gt_col_int(st, 5);
		p->acked = gt_col_int(st, 6);
		p->records = gt_col_int(st, 7);
		p->rooted = gt_col_int(st, 8);
	}
	gt_store_reset(n->store, GT_SQL_CHILD_BY_CODE);
	if (row != 0)
		return row < 0 ? row : 0;
	gt_store_bind(n->store, GT_SQL_CHILD_NEW, "ti", p->code,
	              n->now.wall_ms);
	int status = gt_store_run(n->store, GT_SQL_CHILD_NEW);
	p->cid = gt_store_rowid(n->store);
	return status;
}

/* A new epoch counts its records from one again. */
static int forget_records(struct gt_node *n, struct gt_peer *p)
{
	p->records = 0;
	p->rooted = 0;
	gt_store_bind(n->store, GT_SQL_BATCH_CLEAR, "i", p->cid);
	return gt_store_run(n->store, GT_SQL_BATCH_CLEAR);
}

int gt_session_save(struct gt_node *n, struct gt_peer *p)
{
	gt_store_bind(n->store, GT_SQL_CHILD_PUT, "ibbiiiiiii", p->cid,
	              gt_bytes_of(p->epoch, sizeof p->epoch),
	              gt_bytes_of(p->filter.b, sizeof p->filter.b),
	              p->judged_members, p->judged, p->vseq, p->acked,
	              p->records, p->rooted, n->now.wall_ms);
	return gt_store_run(n->store, GT_SQL_CHILD_PUT);
}

static int prove_reply(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       bool strange)
{
	struct gt_item layer;
	bool found;
	Gt__ProveReply v = GT__PROVE_REPLY__INIT;
	Gt__Reply r = GT__REPLY__INIT;
	int status = gt_item_get(n, GT__KIND__LAYER, p->code, &layer, &found);
	if (status != 0)
		return status;
	v.strange = strange;
	v.records = (uint64_t)p->records;
	v.acked = (uint64_t)p->acked;
	if (found) {
		v.layer_version = (uint64_t)layer.version;
		v.layer_hash = (ProtobufCBinaryData){GT_ID_BYTES, layer.hash.b};
	}
	r.body_case = GT__REPLY__BODY_PROVE;
	r.prove = &v;
	return gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

/* Whoever this is, it is told so and begins anew; the one remembered keeps its
 * link until then. */
static int turn_away(struct gt_node *n, struct gt_peer *p, uint64_t token)
{
	int status = gt_lineage_note(
	        n, p, "what it showed of its last session is not known here");
	p->records = p->acked = 0;
	p->cid = 0; /* nothing of it is written down */
	return status ? status : prove_reply(n, p, token, true);
}

static int proved(struct gt_node *n, struct gt_peer *p, uint64_t token)
{
	bool same, strange = false;
	struct gt_peer *old = gt_peer_by_code(n, p->code);
	int status = child_row(n, p, &same);
	if (status == 0)
		status = gt_lineage_meet(n, p, !same, &strange);
	if (status == 0 && strange)
		return turn_away(n, p, token);
	if (status == 0 && old) {
		status = gt_drop(n, old, "replaced by a newer link");
		if (status == 0)
			status = child_row(n, p, &same);
	}
	if (status == 0 && !same)
		status = forget_records(n, p);
	if (status == 0)
		status = gt_session_save(n, p);
	if (status != 0)
		return status;
	p->session = GT_S_READY;
	p->receiver.code = p->code;
	p->receiver.level = gt_level_name(gt_code_depth(p->code));
	status = prove_reply(n, p, token, false);
	return status ? status : audit_link(n, p, true);
}

int gt_session_prove(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Prove *m)
{
	uint8_t key[32], text[PROOF_TEXT];
	bool found;
	if (p->session != GT_S_PROVING)
		return refuse(n, p, token, GT_EIDENTITY, "Prove out of place");
	int status = gt_member_key(n, p->code, key, &found);
	if (status != 0)
		return status;
	struct gt_bytes t = proof_text(text, "child", p->code, n->code,
	                               p->nonce_theirs, p->nonce_ours);
	if (!found || m->proof.len != PROOF ||
	    gt_verify(key, t, m->proof.data) != 0)
		return refuse(n, p, token, GT_EIDENTITY,
		              "the proof is not of that code's key");
	return proved(n, p, token);
}

/* ----------------------------------------------------- child's side */

static int say_prove(struct gt_node *n)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Prove v = GT__PROVE__INIT;
	struct gt_asking a = {.what = GT_ASKED_PROVE};
	uint8_t text[PROOF_TEXT], proof[PROOF];
	struct gt_peer *p = n->up;
	int status = gt_sign(&n->key,
	                     proof_text(text, "child", n->code, n->parent,
	                                p->nonce_ours, p->nonce_theirs),
	                     proof);
	v.proof = (ProtobufCBinaryData){PROOF, proof};
	r.body_case = GT__REQUEST__BODY_PROVE;
	r.prove = &v;
	p->session = GT_S_PROVING;
	return status ? status : gt_ask(n, &r, &a, NULL);
}

int gt_session_hello_reply(struct gt_node *n, const Gt__HelloReply *m)
{
	struct gt_peer *p = n->up;
	uint8_t key[32], text[PROOF_TEXT];
	bool found;
	n->base_ms = n->now.mono_ms - n->base_ms;
	p->version = gt_version_common(m->version, m->version,
	                               n->config.protocol_max);
	if (p->version == 0)
		return gt_drop(n, p,
		               "the parent chose a version we do not speak");
	if (m->nonce.len != NONCE || m->proof.len != PROOF ||
	    m->epoch.len != GT_EPOCH_BYTES || strcmp(m->code, n->parent) != 0)
		return gt_drop(n, p, "malformed answer to Hello");
	int status = gt_member_key(n, n->parent, key, &found);
	if (status != 0)
		return status;
	if (!found)
		return gt_drop(n, p, "the parent is not an active member");
	memcpy(p->nonce_theirs, m->nonce.data, NONCE);
	memcpy(p->epoch, m->epoch.data, GT_EPOCH_BYTES);
	struct gt_bytes t = proof_text(text, "parent", n->code, n->parent,
	                               p->nonce_ours, p->nonce_theirs);
	if (gt_verify(key, t, m->proof.data) != 0)
		return gt_drop(n, p, "the parent's proof is not of its key");
	return say_prove(n);
}

/* This is a backup come back, or one of two copies, or our parent is: the next
 * records would get numbers that stand for others there. */
static int behind(struct gt_node *n, const char *why)
{
	int status = gt_lineage_note(n, n->up, why);
	if (status == 0)
		status = gt_node_renew(n);
	if (status == 0)
		status = gt_record_renew(n);
	/* Those below have asked in the old one: they learn of it by Hello. */
	for (uint32_t i = 0; status == 0 && i < n->npeers; i++)
		if (n->peers[i].id)
			status = gt_drop(n, &n->peers[i],
			                 "a new epoch begins: all is compared");
	return status;
}

/* The parent judges by a layer of ours that is not the one here: ours must be
 * the newer one. */
static int settle_layer(struct gt_node *n, const Gt__ProveReply *m)
{
	struct gt_item layer;
	bool found;
	int status = gt_item_get(n, GT__KIND__LAYER, n->code, &layer, &found);
	if (status != 0 || (found && !layer.own) ||
	    (found && m->layer_hash.len == GT_ID_BYTES &&
	     memcmp(m->layer_hash.data, layer.hash.b, GT_ID_BYTES) == 0))
		return status;
	if (found && (uint64_t)layer.version > m->layer_version)
		return gt_follow_offer(n);
	if (m->layer_hash.len != GT_ID_BYTES || m->layer_version > INT64_MAX)
		return 0; /* it says nothing more of it */
	return gt_publish_again(n, GT__KIND__LAYER, n->code,
	                        (int64_t)m->layer_version);
}

int gt_session_prove_reply(struct gt_node *n, const Gt__ProveReply *m)
{
	struct gt_peer *p = n->up;
	p->session = GT_S_READY;
	int status = audit_link(n, p, true);
	n->status.parent_seen_ms = n->now.wall_ms;
	if (status == 0)
		status = gt_lineage_adopt(n, p);
	if (status == 0 && m->strange)
		return behind(n, "what was shown of the last session is not "
		                 "known there");
	if (status == 0 && m->records > (uint64_t)n->record_high)
		return behind(n, "it has records of ours that were not sent "
		                 "from here");
	/* What the parent has is what counts: after a restore it may be behind
	 * what it told us. */
	n->record_sent = (int64_t)m->records;
	if (status == 0 && n->hop > n->record_sent) {
		n->hop = n->record_sent;
		status = gt_meta_put(n->store, "hop", n->hop);
	}
	if (status == 0)
		status = settle_layer(n, m);
	return status ? status : gt_follow_start(n);
}
