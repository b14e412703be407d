#include "net_inside.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "fault.h"
#include "sys.h"
#include "tls_name.h"

/* A piece of the sentence that tells; the first that is in it counts. */
static const struct {
	const char *piece;
	enum gt_fault_kind kind;
} told[] = {
#define FAULT(kind, piece) {piece, GT_FAULT_##kind},
#include "fault.def"
#undef FAULT
};

enum gt_fault_kind gt_fault_kind_of(const char *why)
{
	for (size_t i = 0; i < sizeof told / sizeof *told; i++)
		if (strstr(why, told[i].piece))
			return told[i].kind;
	return GT_FAULT_OTHER;
}

const char *gt_fault_name(enum gt_fault_kind kind)
{
	static const char *const names[] = {
#define X(kind, name) name,
	        GT_FAULTS(X)
#undef X
	};
	assert(kind < GT_FAULT_KINDS);
	return names[kind];
}

enum gt_fault_kind gt_fault_named(const char *name)
{
	for (int k = 0; k < GT_FAULT_KINDS; k++)
		if (strcmp(name, gt_fault_name((enum gt_fault_kind)k)) == 0)
			return (enum gt_fault_kind)k;
	return GT_FAULT_OTHER;
}

enum gt_text gt_fault_text(enum gt_fault_kind kind)
{
	static const enum gt_text texts[] = {
#define X(kind, name) GT_T_FAULT_##kind,
	        GT_FAULTS(X)
#undef X
	};
	assert(kind < GT_FAULT_KINDS);
	return texts[kind];
}

/* Lock held. */
static void set(struct gt_links *links, const char *address, const char *why)
{
	links->fault = (struct gt_fault){.kind = gt_fault_kind_of(why),
	                                 .at_ms = gt_sys_now().wall_ms};
	gt_copy(links->fault.address, sizeof links->fault.address, address);
	gt_copy(links->fault.why, sizeof links->fault.why, why);
}

void fault_dialled(struct gt_links *links, const char *address, const char *why)
{
	pthread_mutex_lock(&links->lock);
	set(links, address, why);
	pthread_mutex_unlock(&links->lock);
}

void fault_ended(struct gt_links *links, uint32_t peer, const char *address,
                 const char *why)
{
	pthread_mutex_lock(&links->lock);
	if (!peer || peer != links->parent_peer || !links->parent_told)
		set(links, address, why);
	pthread_mutex_unlock(&links->lock);
}

void fault_dropped(struct gt_links *links, uint32_t peer, const char *why)
{
	pthread_mutex_lock(&links->lock);
	if (peer == links->parent_peer) {
		links->parent_told = true;
		set(links, links->parent_address, why);
	}
	pthread_mutex_unlock(&links->lock);
}

void gt_links_fault(struct gt_links *links, const struct gt_node_status *s,
                    struct gt_fault *out)
{
	*out = (struct gt_fault){0};
	if (links) {
		pthread_mutex_lock(&links->lock);
		*out = links->fault;
		pthread_mutex_unlock(&links->lock);
	}
	if (!s->revoked && !s->parent_revoked)
		return;
	out->kind = GT_FAULT_REVOKED;
	if (out->at_ms == 0)
		out->at_ms = gt_sys_now().wall_ms;
	gt_copy(out->why, sizeof out->why,
	        s->revoked ? "the roster revokes this node"
	                   : "the roster revokes our parent");
}

/* --------------------------------------------------------- validity */

int64_t gt_validity_first(const struct gt_validity *a,
                          const struct gt_validity *b)
{
	if (a->until_ms == 0 || b->until_ms == 0)
		return a->until_ms + b->until_ms;
	return a->until_ms < b->until_ms ? a->until_ms : b->until_ms;
}

bool gt_validity_of(const char *pem, struct gt_validity *out)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	*out = (struct gt_validity){0};
	bool ok = cert &&
	          gt_tls_time(X509_get0_notBefore(cert), &out->from_ms) &&
	          gt_tls_time(X509_get0_notAfter(cert), &out->until_ms);
	if (!ok)
		*out = (struct gt_validity){0};
	X509_free(cert);
	BIO_free(bio);
	ERR_clear_error();
	return ok;
}
