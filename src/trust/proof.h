/* proof.h: a JSON document that carries its own signature, as W3C's Data
 * Integrity says it for the suite eddsa-jcs-2022: Ed25519 over the SHA-256 of
 * the proof's own properties and that of the document, each in RFC 8785's
 * bytes. Programs that are not ours make and check the same.
 *
 * A proof says who signed by `verificationMethod`; whether that one may sign
 * such a document is asked elsewhere. One proof per document: a list of them is
 * refused.
 *
 * Source: "Data Integrity EdDSA Cryptosuites v1.0", W3C, section 3.3.
 * Tests: u_proof.c, with its example. */
#ifndef GT_PROOF_H
#define GT_PROOF_H

#include <jansson.h>

#include "seal.h"

/* What is said in it beside the signature. Texts are borrowed. */
struct gt_proof {
	const char *method;  /* verificationMethod */
	const char *created; /* ISO 8601 with zone */
};

/* Puts a proof into the document, which has none yet. 0; -GT_ENOMEM;
 * -GT_EMALFORMED: it is no object, has a proof, or cannot be written (deeper
 * than GT_JSON_DEPTH). */
int gt_proof_add(json_t *document, const struct gt_key *key,
                 const struct gt_proof *says);

/* The proof of a document, without asking whether it is good: what it says.
 * -GT_EMALFORMED: there is none of this kind, and why is a sentence. Texts live
 * as long as the document. */
int gt_proof_read(const json_t *document, struct gt_proof *out,
                  const char **why);

/* Whether that key signed the document as it is. 0; -GT_ESIGNATURE;
 * -GT_EMALFORMED as above; -GT_ENOMEM. The document was read with
 * GT_JSON_STRICT. */
int gt_proof_check(const json_t *document, const uint8_t public[GT_KEY_BYTES],
                   const char **why);

#endif
