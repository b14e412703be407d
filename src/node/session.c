/* session.c: Hello and Prove. After them a link belongs to a code.
 *
 * Each end signs both codes and both nonces under its role, so that a proof
 * can be neither replayed nor reflected, and is of use on this link only.
 * Tests: u_node.c, u_lineage.c. */
#include "above.h"
#include "documents.h"
#include "lineage.h"
#include "node_inside.h"
#include "twin.h"

#include <string.h>

enum { NONCE = 32, PROOF = 64, PROOF_TEXT = 256 };

/* role: "parent" or "child"; of another kind of link it is another text. */
static struct gt_bytes proof_text(uint8_t out[PROOF_TEXT], const char *role,
                                  const struct gt_node *n,
                                  const struct gt_peer *p)
{
	char *text = (char *)out;
	bool other = p->kind != GT__LINK__CHILD;
	gt_format(text, PROOF_TEXT, "guantong hello v1\n%s%s%s\n%s\n%s\n", role,
	          other ? " " : "", other ? gt_kind_word(p->kind) : "",
	          p->parent ? n->code : p->code, p->parent ? p->code : n->code);
	size_t at = strlen(text);
	assert(at + NONCE + NONCE <= PROOF_TEXT);
	memcpy(out + at, p->parent ? p->nonce_ours : p->nonce_theirs, NONCE);
	memcpy(out + at + NONCE, p->parent ? p->nonce_theirs : p->nonce_ours,
	       NONCE);
	return gt_bytes_of(out, at + NONCE + NONCE);
}

static int refuse(struct gt_node *n, struct gt_peer *p, uint64_t token,
                  int code, const char *why)
{
	int status = gt_send_error(n, p, token, code, why, 0);
	return status ? status : gt_drop(n, p, why);
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
	h.parent = p->code; /* of its certificate, or as configured */
	h.kind = p->kind;
	h.epoch = (ProtobufCBinaryData){sizeof n->epoch, n->epoch};
	h.nonce = (ProtobufCBinaryData){NONCE, p->nonce_ours};
	h.lineage.data = lineage;
	r.body_case = GT__REQUEST__BODY_HELLO;
	r.hello = &h;
	int status = 0;
	if (gt_version_tokens(h.version_max) && p->kind == GT__LINK__CHILD)
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
		if (status == 0) /* before the newer one asks anything */
			status = gt_session_bury(n);
		if (status != 0)
			return status;
	}
	n->up = p;
	const char *no = gt_kind_upward(n, p);
	if (no)
		return gt_drop(n, p, no);
	if (!p->certified && p->kind == GT__LINK__CHILD)
		gt_copy(p->code, sizeof p->code, n->parent);
	return say_hello(n, p);
}

static int bury(struct gt_node *n, struct gt_peer *p)
{
	int status = 0;
	/* a link that never was n->up takes nothing of the one that is */
	if (p->parent && !n->up) {
		gt_ask_reset(n);
		gt_records_down(n);
		gt_content_down(n);
		gt_above_down(n);
		status = gt_catalogue_down(n);
		if (status == 0)
			status = gt_documents_alone(n);
	} else {
		gt_content_forget(n, p->id);
		if (p->child.cid)
			status = gt_peer_save(n, p);
	}
	*p = (struct gt_peer){.session = GT_S_GONE};
	return status;
}

int gt_session_bury(struct gt_node *n)
{
	int status = 0;
	n->gone = false;
	for (uint32_t i = 0; status == 0 && i < n->npeers; i++)
		if (n->peers[i].id && n->peers[i].session == GT_S_GONE)
			status = bury(n, &n->peers[i]);
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

/* Whether the child means this node. Who asks for the roster alone takes it of
 * anybody above it, and need not know of whom. */
static bool asked_for(const struct gt_node *n, const struct gt_peer *p,
                      const Gt__Hello *m)
{
	if (!gt_version_kinds(p->version))
		return strcmp(m->parent, n->code) == 0;
	if (m->kind == GT__LINK__ROSTER_ONLY && !*m->parent)
		return true;
	return gt_code_valid(m->parent) &&
	       gt_code_same_place(m->parent, n->code);
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
	if (!gt_code_valid(m->code))
		return "Hello with a malformed code";
	if (m->lineage.len != 0 && m->lineage.len != GT_ID_BYTES)
		return "Hello with a malformed lineage";
	if (!gt_kind_known(m->kind) ||
	    (m->kind != GT__LINK__CHILD && !gt_version_kinds(p->version)))
		return "Hello of an unknown kind of link";
	*code = GT_EIDENTITY;
	if (p->certified && strcmp(p->code, m->code) != 0)
		return "Hello's code is not the certificate's";
	if (!asked_for(n, p, m))
		return "this node is not the parent that was asked for";
	if (m->kind != GT__LINK__PEER && !gt_code_child_of(m->code, n->code))
		return "the code does not lie under this node's";
	return NULL;
}

/* Why one is refused who is no active member. */
static int not_active(struct gt_node *n, struct gt_peer *p, uint64_t token)
{
	bool revoked;
	int status = gt_revoked(n, p->code, &revoked);
	return status ? status
	              : refuse(n, p, token, GT_EREVOKED,
	                       revoked ? "the roster revokes that node"
	                               : "the roster has no active member of "
	                                 "that code");
}

int gt_session_hello(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Hello *m)
{
	int code;
	const Gt__Member *member;
	char why[GT_WHY];
	uint8_t text[PROOF_TEXT], proof[PROOF];
	if (p->session == GT_S_NEW)
		p->version = gt_version_common(m->version_min, m->version_max,
		                               n->config.protocol_max);
	const char *no = hello_refusal(n, p, m, &code, why);
	if (no)
		return refuse(n, p, token, code, no);
	int status = gt_member(n, m->code, &member);
	if (status != 0)
		return status;
	gt_copy(p->code, sizeof p->code, m->code);
	if (!member)
		return not_active(n, p, token);
	p->kind = m->kind;
	no = gt_kind_refusal(n, p, member);
	if (no)
		return refuse(n, p, token, GT_EIDENTITY, no);
	memcpy(p->nonce_theirs, m->nonce.data, NONCE);
	memcpy(p->epoch, m->epoch.data, GT_EPOCH_BYTES);
	if (m->lineage.len > 0)
		memcpy(p->child.lineage, m->lineage.data, GT_ID_BYTES);
	status = gt_sign(&n->key, proof_text(text, "parent", n, p), proof);
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

static int prove_reply(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       bool strange)
{
	int64_t version;
	struct gt_id hash;
	bool found;
	Gt__ProveReply v = GT__PROVE_REPLY__INIT;
	Gt__Reply r = GT__REPLY__INIT;
	int status = gt_layer_known(n, p->code, &version, &hash, &found);
	if (status != 0)
		return status;
	v.strange = strange;
	v.records = (uint64_t)p->child.records;
	v.acked = (uint64_t)p->child.acked;
	if (!strange && gt_version_carries(p->version))
		status = gt_documents_cursor(n, p, &v);
	if (found) {
		v.layer_version = (uint64_t)version;
		v.layer_hash = (ProtobufCBinaryData){sizeof hash.b, hash.b};
	}
	r.body_case = GT__REPLY__BODY_PROVE;
	r.prove = &v;
	return status ? status
	              : gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

/* Whoever this is, it is told so and begins anew; the one remembered keeps its
 * link until then. */
static int turn_away(struct gt_node *n, struct gt_peer *p, uint64_t token)
{
	int status = gt_lineage_propose(n, p);
	if (status == 0 && gt_lineage_new(n, p))
		status = gt_lineage_note(n, p,
		                         "what it showed of its last session "
		                         "is not known here");
	return status ? status : prove_reply(n, p, token, true);
}

/* It ends the link then, and comes again. */
static int put_off(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                   enum gt_twin what)
{
	enum { AGAIN_MS = 60000 };
	if (what == GT_TWIN_HELD_OFF)
		return gt_send_error(
		        n, p, token, GT_ECONFLICT,
		        "another node of this code is linked: this one is "
		        "held off until an operator of the node above says "
		        "which is right (guantong -C DIR copies)",
		        AGAIN_MS);
	return gt_send_error(n, p, token, GT_ECONFLICT,
	                     "a link of this code is there, and has to end "
	                     "first",
	                     GT_SOON_MS);
}

static int act(struct gt_node *n, struct gt_peer *p, uint64_t token,
               enum gt_twin what)
{
	switch (what) {
	case GT_TWIN_OLD:
		return turn_away(n, p, token);
	case GT_TWIN_HELD_OFF:
	case GT_TWIN_ASKS_LATER:
		return put_off(n, p, token, what);
	case GT_TWIN_WAITS:
	default:
		return 0;
	}
}

/* One of another past. */
static int proved_strange(struct gt_node *n, struct gt_peer *p, uint64_t token)
{
	enum gt_twin what;
	p->child.records = p->child.acked = 0;
	p->child.cid = 0; /* nothing of it is written down */
	int status = gt_twin_meet(n, p, token, &what);
	return status ? status : act(n, p, token, what);
}

int gt_session_go(struct gt_node *n)
{
	struct gt_pasts *all = n->pasts;
	size_t left = 0;
	int status = 0;
	for (size_t i = 0; status == 0 && i < all->nholds; i++) {
		struct gt_hold h = all->holds[i];
		struct gt_peer *p = gt_peer_by_id(n, h.peer);
		enum gt_twin what = GT_TWIN_WAITS;
		if (!p)
			continue;
		status = gt_twin_look(n, &h, p, &what);
		if (what == GT_TWIN_WAITS)
			all->holds[left++] = h;
		else if (status == 0)
			status = act(n, p, h.token, what);
	}
	all->nholds = left;
	return status;
}

static int proved(struct gt_node *n, struct gt_peer *p, uint64_t token)
{
	bool same, strange = false;
	struct gt_peer *old = gt_peer_by_code(n, p->code);
	int status = gt_peer_load(n, p, &same);
	if (status == 0)
		status = gt_lineage_meet(n, p, !same, &strange);
	if (status == 0 && strange)
		return proved_strange(n, p, token);
	if (status == 0 && old) {
		status = gt_drop(n, old, "replaced by a newer link");
		if (status == 0) /* its counters are written down first */
			status = gt_session_bury(n);
		if (status == 0)
			status = gt_peer_load(n, p, &same);
	}
	if (status == 0 && (!same || p->child.records == 0))
		status = gt_records_forget(n, p);
	if (status == 0)
		status = gt_peer_save(n, p);
	if (status != 0)
		return status;
	p->session = GT_S_READY;
	p->child.receiver.code = p->code;
	p->child.receiver.level = gt_level_name(gt_code_depth(p->code));
	status = prove_reply(n, p, token, false);
	return status ? status : gt_peer_note(n, p);
}

/* A link that is no child's: there is nothing to remember of it. */
static int proved_other(struct gt_node *n, struct gt_peer *p, uint64_t token)
{
	Gt__ProveReply v = GT__PROVE_REPLY__INIT;
	Gt__Reply r = GT__REPLY__INIT;
	p->session = GT_S_READY;
	r.body_case = GT__REPLY__BODY_PROVE;
	r.prove = &v;
	int status = gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
	return status ? status : gt_peer_note(n, p);
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
	struct gt_bytes t = proof_text(text, "child", n, p);
	if (!found || m->proof.len != PROOF ||
	    gt_verify(key, t, m->proof.data) != 0)
		return refuse(n, p, token, GT_EIDENTITY,
		              "the proof is not of that code's key");
	return p->kind == GT__LINK__CHILD ? proved(n, p, token)
	                                  : proved_other(n, p, token);
}

/* ----------------------------------------------------- child's side */

static int say_prove(struct gt_node *n)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Prove v = GT__PROVE__INIT;
	struct gt_asking a = {.what = GT_ASKED_PROVE};
	uint8_t text[PROOF_TEXT], proof[PROOF];
	struct gt_peer *p = n->up;
	int status = gt_sign(&n->key, proof_text(text, "child", n, p), proof);
	v.proof = (ProtobufCBinaryData){PROOF, proof};
	r.body_case = GT__REQUEST__BODY_PROVE;
	r.prove = &v;
	p->session = GT_S_PROVING;
	return status ? status : gt_ask(n, &r, &a, NULL);
}

int gt_session_hello_reply(struct gt_node *n, const struct gt_asking *a,
                           const Gt__HelloReply *m)
{
	struct gt_peer *p = n->up;
	uint8_t text[PROOF_TEXT];
	const Gt__Member *member;
	if (p->kind == GT__LINK__CHILD)
		gt_content_rtt(n, n->now.mono_ms - a->sent_ms);
	p->version = gt_version_common(m->version, m->version,
	                               n->config.protocol_max);
	if (p->version == 0)
		return gt_drop(n, p,
		               "the parent chose a version we do not speak");
	if (m->nonce.len != NONCE || m->proof.len != PROOF ||
	    m->epoch.len != GT_EPOCH_BYTES ||
	    (*p->code && strcmp(m->code, p->code) != 0) ||
	    !gt_copy(p->code, sizeof p->code, m->code))
		return gt_drop(n, p, "malformed answer to Hello");
	if (p->kind != GT__LINK__CHILD && !gt_version_kinds(p->version))
		return gt_drop(n, p,
		               "the node above knows nothing of links for the "
		               "roster alone");
	int status = gt_member(n, p->code, &member);
	if (status != 0)
		return status;
	const char *no = gt_kind_answered(n, p, member);
	if (no) {
		if (p->kind == GT__LINK__CHILD)
			gt_above_soon(n);
		return gt_drop(n, p, no);
	}
	memcpy(p->nonce_theirs, m->nonce.data, NONCE);
	memcpy(p->epoch, m->epoch.data, GT_EPOCH_BYTES);
	struct gt_bytes t = proof_text(text, "parent", n, p);
	if (gt_verify(member->key.data, t, m->proof.data) != 0)
		return gt_drop(n, p, "the parent's proof is not of its key");
	return say_prove(n);
}

/* What a parent says makes this node begin anew, which costs all below their
 * links, and one that is up to no good says it in each session: it is believed
 * at once, and then the more seldom the oftener it is said. One that says it in
 * good faith says it until then. */
static bool begun_lately(struct gt_node *n)
{
	uint64_t now = n->now.mono_ms;
	if (now < n->renew_due)
		return true;
	bool rested =
	        n->renew_wait == 0 || now >= n->renew_due + GT_RENEW_LAST_MS;
	n->renew_wait = rested ? GT_RENEW_FIRST_MS : 2 * n->renew_wait;
	if (n->renew_wait > GT_RENEW_LAST_MS)
		n->renew_wait = GT_RENEW_LAST_MS;
	n->renew_due = now + n->renew_wait;
	return false;
}

/* This is a backup come back, or one of two copies, or our parent is: the next
 * records would get numbers that stand for others there. */
static int behind(struct gt_node *n, const char *why)
{
	int status = gt_lineage_note(n, n->up, why);
	if (status == 0)
		status = gt_epoch_renew(n);
	if (status == 0)
		status = gt_records_renew(n);
	/* Those below have asked in the old one: they learn of it by Hello. */
	for (uint32_t i = 0; status == 0 && i < n->npeers; i++)
		if (gt_peer_here(&n->peers[i]))
			status = gt_drop(n, &n->peers[i],
			                 "a new epoch begins: all is compared");
	return status;
}

int gt_session_prove_reply(struct gt_node *n, const Gt__ProveReply *m)
{
	struct gt_peer *p = n->up;
	bool unsent = false;
	p->session = GT_S_READY;
	int status = gt_peer_note(n, p);
	if (p->kind != GT__LINK__CHILD)
		return status ? status : gt_above_up(n);
	gt_above_parent(n);
	n->status.parent_seen_ms = n->now.wall_ms;
	if (status == 0 && !m->strange)
		status = gt_records_up(n, m->records, &unsent);
	if (status == 0 && !m->strange)
		status = gt_documents_up(n, m, &unsent);
	/* before the token: who is strange stays so until he begins anew */
	if (status == 0 && (m->strange || unsent) && begun_lately(n))
		return gt_drop(n, p,
		               "the node above takes this one for another "
		               "again, and a new epoch has just begun");
	if (status == 0)
		status = gt_lineage_adopt(n, p);
	if (status == 0 && m->strange)
		return behind(n, "what was shown of the last session is not "
		                 "known there");
	if (status == 0 && unsent)
		return behind(n, "it has records of ours that were not sent "
		                 "from here");
	return status ? status : gt_catalogue_up(n, m);
}
