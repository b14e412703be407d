/* credential.h: a certificate of completion, as others read one: a Verifiable
 * Credential 2.0 of the kind Open Badges 3.0 calls AchievementCredential, signed
 * by proof.h, and the list that says which of its issuer's were revoked
 * (Bitstring Status List 1.0).
 *
 * Who it is about is told by a salted hash of what identifies him, so that who
 * knows the one can be shown to be him and nobody else is named; and by the name
 * to be printed, if one is given. The issuer is a node, by the key of the roster
 * as did:key.
 *
 * A list is written without compression inside its gzip, so that the core needs
 * no library for it; every reader of gzip reads that, and this one reads no
 * other.
 *
 * Pure.
 * Tests: u_credential.c; others' programs in tests/clients. */
#ifndef GT_CREDENTIAL_H
#define GT_CREDENTIAL_H

#include <jansson.h>

#include "buffer.h"
#include "seal.h"

enum {
	GT_CERTIFICATE_BITS = 131072, /* of a list: the least there may be */
	GT_CERTIFICATE_ID = 48,       /* "urn:uuid:..." */
	GT_DID_CHARS = 72,            /* "did:key:z6Mk..." */
	GT_LIST_CHARS = 80,           /* "urn:guantong:3301:certificates" */
};

/* What a certificate says. Texts are borrowed; "" where there is none. */
struct gt_credential {
	const char *id; /* urn:uuid:... */
	const char *issuer_code, *issuer_name;
	const char *from; /* ISO 8601 with zone */
	/* what identifies the learner, which is not written, and as what */
	const char *identifier, *identifier_type;
	const char *salt;
	const char *name; /* as it is to be printed */
	const char *activity, *title, *description;
	int64_t list, index; /* its bit, of that list */
};

/* "did:key:..." and what it names in a proof, "did:key:z#z". */
void gt_did_format(char out[GT_DID_CHARS], const uint8_t public[GT_KEY_BYTES]);
/* False: it names no Ed25519 key. */
bool gt_did_parse(uint8_t out[GT_KEY_BYTES], const char *did);
/* The name of a node's list; the first is number 0. */
void gt_list_name(char out[GT_LIST_CHARS], const char *code, int64_t number);

/* The document, signed. NULL: memory was short. */
json_t *gt_credential_sign(const struct gt_credential *c,
                           const struct gt_key *key);
/* A list that has the bits of `revoked` set, signed. NULL: memory was short. */
json_t *gt_list_sign(const char *code, int64_t number, const char *from,
                     const int64_t *revoked, size_t n,
                     const struct gt_key *key);

/* What a document is, by itself. */
enum gt_genuine {
	GT_CERTIFICATE_NONE,    /* no certificate of this kind */
	GT_CERTIFICATE_ALTERED, /* not what its key signed */
	GT_CERTIFICATE_SIGNED,  /* by `key`; whose that is is asked elsewhere */
};
struct gt_certificate_read {
	uint8_t key[GT_KEY_BYTES];
	const char *id, *issuer_code, *issuer_name, *from, *name, *title,
	        *activity; /* live as long as the document */
	int64_t index;     /* -1: it has no bit */
	const char *list;  /* "": it is on none */
	const char *why;   /* NONE, ALTERED: a sentence */
};
/* document was read with GT_JSON_STRICT. -GT_ENOMEM; or 0, and *is. */
int gt_credential_read(const json_t *document, struct gt_certificate_read *out,
                       enum gt_genuine *is);
/* A list as it was read, and the key that signed it; whose that is is asked
 * elsewhere. */
struct gt_list {
	uint8_t key[GT_KEY_BYTES];
	const char *name, *from; /* live as long as the document */
	struct gt_buffer gzip;
};
/* 0, to be closed; -GT_EMALFORMED, -GT_ESIGNATURE, -GT_ENOMEM: closed. */
int gt_list_open(const json_t *list, struct gt_list *out);
void gt_list_close(struct gt_list *l);
/* Whether it has that bit; none beyond its end. */
bool gt_list_has(const struct gt_list *l, int64_t index);
/* Whether every bit of the earlier one is the later one's too. */
bool gt_list_covers(const struct gt_list *later, const struct gt_list *earlier);

#endif
