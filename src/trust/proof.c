#include "proof.h"

#include <string.h>

#include "iso8601.h"
#include "json.h"
#include "multikey.h"

static const char type[] = "DataIntegrityProof";
static const char suite[] = "eddsa-jcs-2022";
static const char purpose[] = "assertionMethod";

/* SHA-256 of a value's RFC 8785 bytes. */
static int digest(uint8_t out[GT_ID_BYTES], const json_t *v)
{
	struct gt_buffer text = {0};
	struct gt_id id;
	int status = gt_json_canon(&text, v);
	if (status == 0)
		gt_sha256_one(&id, text.p, text.n);
	gt_buffer_free(&text);
	if (status == 0)
		memcpy(out, id.b, GT_ID_BYTES);
	return status == -GT_ELIMIT ? -GT_EMALFORMED : status;
}

/* What is signed: the proof's options, then the document without its proof, in
 * the context that the proof names. */
static int signed_text(uint8_t out[2 * GT_ID_BYTES], const json_t *document,
                       const json_t *proof)
{
	json_t *options = json_copy((json_t *)(uintptr_t)proof);
	json_t *bare = json_copy((json_t *)(uintptr_t)document);
	int status = options && bare ? 0 : -GT_ENOMEM;
	if (status == 0) {
		(void)json_object_del(options, "proofValue");
		(void)json_object_del(bare, "proof");
		json_t *context = json_object_get(options, "@context");
		if (context && json_object_set(bare, "@context", context) != 0)
			status = -GT_ENOMEM;
	}
	if (status == 0)
		status = digest(out, options);
	if (status == 0)
		status = digest(out + GT_ID_BYTES, bare);
	json_decref(options);
	json_decref(bare);
	return status;
}

int gt_proof_add(json_t *document, const struct gt_key *key,
                 const struct gt_proof *says)
{
	uint8_t text[2 * GT_ID_BYTES], sig[GT_SIGNATURE_BYTES];
	char value[GT_BASE58_CHARS];
	if (!json_is_object(document) || json_object_get(document, "proof"))
		return -GT_EMALFORMED;
	json_t *proof = json_pack(
	        "{s:s,s:s,s:s,s:s,s:s,s:O*}", "type", type, "cryptosuite",
	        suite, "created", says->created, "verificationMethod",
	        says->method, "proofPurpose", purpose, "@context",
	        json_object_get(document, "@context"));
	if (!proof)
		return -GT_ENOMEM;
	int status = signed_text(text, document, proof);
	if (status == 0)
		status = gt_sign(key, gt_bytes_of(text, sizeof text), sig);
	if (status == 0) {
		gt_base58_format(value, sig, sizeof sig);
		if (json_object_set_new(proof, "proofValue",
		                        json_string(value)) != 0 ||
		    json_object_set(document, "proof", proof) != 0)
			status = -GT_ENOMEM;
	}
	json_decref(proof);
	return status;
}

int gt_proof_read(const json_t *document, struct gt_proof *out,
                  const char **why)
{
	const json_t *proof = json_object_get(document, "proof");
	int64_t ms;
	*out = (struct gt_proof){
	        .method = gt_json_member(proof, "verificationMethod"),
	        .created = gt_json_member(proof, "created")};
	*why = NULL;
	if (!json_is_object(proof))
		*why = "it has no proof, or more than one";
	else if (strcmp(gt_json_member(proof, "type"), type) != 0 ||
	         strcmp(gt_json_member(proof, "cryptosuite"), suite) != 0)
		*why = "its proof is of another kind than eddsa-jcs-2022";
	else if (strcmp(gt_json_member(proof, "proofPurpose"), purpose) != 0)
		*why = "its proof is made for another purpose than "
		       "assertionMethod";
	else if (!*out->method)
		*why = "its proof does not say by whom it was made";
	else if (*out->created && !gt_iso_parse(&ms, out->created))
		*why = "its proof was made at no time";
	return *why ? -GT_EMALFORMED : 0;
}

/* A proof that names a context must name the document's, from its first on. */
static bool same_context(const json_t *document, const json_t *proof)
{
	const json_t *said = json_object_get(proof, "@context");
	const json_t *has = json_object_get(document, "@context");
	if (!said || json_equal(said, has))
		return true;
	if (!json_is_array(said) || !json_is_array(has) ||
	    json_array_size(said) > json_array_size(has))
		return false;
	for (size_t i = 0; i < json_array_size(said); i++)
		if (!json_equal(json_array_get(said, i),
		                json_array_get(has, i)))
			return false;
	return true;
}

int gt_proof_check(const json_t *document, const uint8_t public[GT_KEY_BYTES],
                   const char **why)
{
	uint8_t text[2 * GT_ID_BYTES], sig[GT_SIGNATURE_BYTES];
	struct gt_proof says;
	int status = gt_proof_read(document, &says, why);
	const json_t *proof = json_object_get(document, "proof");
	if (status != 0)
		return status;
	if (!gt_base58_parse(sig, sizeof sig,
	                     gt_json_member(proof, "proofValue"))) {
		*why = "its signature is not one of Ed25519";
		return -GT_EMALFORMED;
	}
	if (!same_context(document, proof))
		return -GT_ESIGNATURE;
	status = signed_text(text, document, proof);
	return status ? status
	              : gt_verify(public, gt_bytes_of(text, sizeof text), sig);
}
