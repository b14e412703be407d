#include "credential.h"

#include <string.h>

#include "base64.h"
#include "json.h"
#include "multikey.h"
#include "proof.h"

#define VC      "https://www.w3.org/ns/credentials/v2"
#define BADGES  "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
#define DID_KEY "did:key:"

enum { BYTES = GT_CERTIFICATE_BITS / 8, METHOD = 2 * GT_MULTIKEY_CHARS + 12 };

/* --------------------------------------------------------------- names */

void gt_did_format(char out[GT_DID_CHARS], const uint8_t public[GT_KEY_BYTES])
{
	char key[GT_MULTIKEY_CHARS];
	gt_multikey_format(key, public);
	gt_format(out, GT_DID_CHARS, DID_KEY "%s", key);
}

bool gt_did_parse(uint8_t out[GT_KEY_BYTES], const char *did)
{
	size_t n = strlen(DID_KEY);
	return strncmp(did, DID_KEY, n) == 0 && gt_multikey_parse(out, did + n);
}

void gt_list_name(char out[GT_LIST_CHARS], const char *code, int64_t number)
{
	gt_format(out, GT_LIST_CHARS, "urn:guantong:%s:certificates:%lld", code,
	          (long long)number);
}

static void method_of(char out[METHOD], const uint8_t public[GT_KEY_BYTES])
{
	char key[GT_MULTIKEY_CHARS];
	gt_multikey_format(key, public);
	gt_format(out, METHOD, DID_KEY "%s#%s", key, key);
}

/* -------------------------------------------------------------- making */

static json_t *issuer(const char *code, const char *name,
                      const struct gt_key *key)
{
	char did[GT_DID_CHARS];
	gt_did_format(did, key->public);
	return json_pack("{s:s,s:[s],s:s,s:[{s:s,s:s,s:s}]}", "id", did, "type",
	                 "Profile", "name", *name ? name : code,
	                 "otherIdentifier", "type", "IdentifierEntry",
	                 "identifier", code, "identifierType", "ext:division");
}

/* Open Badges 3.0, IdentityObject: SHA-256 of the identifier and the salt. */
static json_t *identities(const struct gt_credential *c)
{
	struct gt_id sum;
	char hash[GT_HEX_ID + 8] = "sha256$";
	const struct gt_bytes parts[] = {gt_bytes_str(c->identifier),
	                                 gt_bytes_str(c->salt)};
	gt_sha256(&sum, parts, 2);
	gt_hex(hash + strlen(hash), sum.b, GT_ID_BYTES);
	json_t *v =
	        json_pack("[{s:s,s:b,s:s,s:s,s:s}]", "type", "IdentityObject",
	                  "hashed", 1, "identityHash", hash, "identityType",
	                  c->identifier_type, "salt", c->salt);
	if (v && *c->name &&
	    json_array_append_new(v, json_pack("{s:s,s:b,s:s,s:s}", "type",
	                                       "IdentityObject", "hashed", 0,
	                                       "identityHash", c->name,
	                                       "identityType", "name")) != 0) {
		json_decref(v);
		return NULL;
	}
	return v;
}

static json_t *achievement(const struct gt_credential *c)
{
	const char *title = *c->title ? c->title : c->activity;
	return json_pack("{s:s,s:[s],s:s,s:s,s:{s:s}}", "id", c->activity,
	                 "type", "Achievement", "name", title, "description",
	                 *c->description ? c->description : title, "criteria",
	                 "narrative", title);
}

static json_t *status(const struct gt_credential *c)
{
	char list[GT_LIST_CHARS], entry[GT_LIST_CHARS + 24], index[24];
	gt_list_name(list, c->issuer_code, c->list);
	gt_format(index, sizeof index, "%lld", (long long)c->index);
	gt_format(entry, sizeof entry, "%s#%s", list, index);
	return json_pack("{s:s,s:s,s:s,s:s,s:s}", "id", entry, "type",
	                 "BitstringStatusListEntry", "statusPurpose",
	                 "revocation", "statusListIndex", index,
	                 "statusListCredential", list);
}

/* Takes v. */
static json_t *sign(json_t *v, const char *from, const struct gt_key *key)
{
	char method[METHOD];
	method_of(method, key->public);
	const struct gt_proof says = {method, from};
	if (v && gt_proof_add(v, key, &says) == 0)
		return v;
	json_decref(v);
	return NULL;
}

json_t *gt_credential_sign(const struct gt_credential *c,
                           const struct gt_key *key)
{
	json_t *v = json_pack(
	        "{s:[s,s],s:s,s:[s,s],s:o,s:s,s:s,s:{s:[s],s:o,s:o},s:o}",
	        "@context", VC, BADGES, "id", c->id, "type",
	        "VerifiableCredential", "AchievementCredential", "issuer",
	        issuer(c->issuer_code, c->issuer_name, key), "name",
	        *c->title ? c->title : c->activity, "validFrom", c->from,
	        "credentialSubject", "type", "AchievementSubject", "identifier",
	        identities(c), "achievement", achievement(c),
	        "credentialStatus", status(c));
	return sign(v, c->from, key);
}

/* ---------------------------------------------------------------- list */

/* RFC 1952 around one stored block of RFC 1951. */
enum { HEAD = 10, BLOCK = 5, TAIL = 8, GZIP = HEAD + BLOCK + BYTES + TAIL };
static_assert(BYTES <= 0xffff, "one block holds it");

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
	uint32_t c = 0xffffffff;
	for (size_t i = 0; i < n; i++) {
		c ^= p[i];
		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
	}
	return ~c;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static const uint8_t gzip_head[HEAD + BLOCK] = {0x1f,
                                                0x8b,
                                                8,
                                                0,
                                                0,
                                                0,
                                                0,
                                                0,
                                                0,
                                                0xff,
                                                1,
                                                BYTES & 0xff,
                                                BYTES >> 8,
                                                ~BYTES & 0xff,
                                                (~BYTES >> 8) & 0xff};

/* Of that index; the first bit is the highest of the first byte. */
static uint8_t bit_of(int64_t index)
{
	return (uint8_t)(0x80 >> (index & 7));
}

/* Of those bits, as the standard writes a list. */
static bool encode(struct gt_buffer *out, const int64_t *revoked, size_t n)
{
	struct gt_buffer b = {0};
	if (!gt_buffer_room(&b, GZIP))
		return false;
	uint8_t *bits = b.p + sizeof gzip_head;
	b.n = GZIP;
	memcpy(b.p, gzip_head, sizeof gzip_head);
	memset(bits, 0, BYTES);
	for (size_t i = 0; i < n; i++)
		if (revoked[i] >= 0 && revoked[i] < GT_CERTIFICATE_BITS)
			bits[revoked[i] / 8] |= bit_of(revoked[i]);
	put32(bits + BYTES, crc32_of(bits, BYTES));
	put32(bits + BYTES + 4, BYTES);
	bool ok = gt_buffer_str(out, "u") && gt_base64_url(out, b.p, b.n);
	gt_buffer_free(&b);
	return ok;
}

json_t *gt_list_sign(const char *code, int64_t number, const char *from,
                     const int64_t *revoked, size_t n, const struct gt_key *key)
{
	struct gt_buffer text = {0};
	char name[GT_LIST_CHARS], subject[GT_LIST_CHARS + 8];
	json_t *v = NULL;
	gt_list_name(name, code, number);
	gt_format(subject, sizeof subject, "%s#list", name);
	if (encode(&text, revoked, n))
		v = json_pack(
		        "{s:[s],s:s,s:[s,s],s:o,s:s,s:{s:s,s:s,s:s,s:s}}",
		        "@context", VC, "id", name, "type",
		        "VerifiableCredential", "BitstringStatusListCredential",
		        "issuer", issuer(code, "", key), "validFrom", from,
		        "credentialSubject", "id", subject, "type",
		        "BitstringStatusList", "statusPurpose", "revocation",
		        "encodedList", (const char *)text.p);
	gt_buffer_free(&text);
	return sign(v, from, key);
}

/* ------------------------------------------------------------- reading */

static const char *text_in(const json_t *list, const char *type)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);
		if (strcmp(gt_json_member(v, "identityType"), type) == 0)
			return gt_json_member(v, "identityHash");
	}
	return "";
}

static bool has_type(const json_t *v, const char *type)
{
	const json_t *types = json_object_get(v, "type");
	if (strcmp(gt_json_string(types), type) == 0)
		return true;
	for (size_t i = 0; i < json_array_size(types); i++)
		if (strcmp(gt_json_string(json_array_get(types, i)), type) == 0)
			return true;
	return false;
}

/* Issuers are objects or their id alone. */
static const char *issuer_of(const json_t *document)
{
	const json_t *v = json_object_get(document, "issuer");
	const char *id = gt_json_string(v);
	return *id ? id : gt_json_member(v, "id");
}

/* Who signed is who issued it: the method is the issuer's own key. */
static int signed_by(const json_t *document, uint8_t key[GT_KEY_BYTES],
                     const char **why)
{
	char method[METHOD];
	struct gt_proof says;
	int status_ = gt_proof_read(document, &says, why);
	if (status_ != 0)
		return status_;
	*why = "its issuer is not named by a key";
	if (!gt_did_parse(key, issuer_of(document)))
		return -GT_EMALFORMED;
	method_of(method, key);
	*why = "it is signed by another than its issuer";
	if (strcmp(says.method, method) != 0)
		return -GT_ESIGNATURE;
	return gt_proof_check(document, key, why);
}

/* A number as that list writes it; -1: it is none. */
static int64_t index_of(const char *text)
{
	int64_t v = 0;
	size_t n = strspn(text, "0123456789");
	if (n == 0 || n > 6 || text[n])
		return -1;
	for (size_t i = 0; i < n; i++)
		v = 10 * v + (text[i] - '0');
	return v < GT_CERTIFICATE_BITS ? v : -1;
}

static void read_members(const json_t *document,
                         struct gt_certificate_read *out)
{
	const json_t *by = json_object_get(document, "issuer");
	const json_t *subject = json_object_get(document, "credentialSubject");
	const json_t *what = json_object_get(subject, "achievement");
	const json_t *on = json_object_get(document, "credentialStatus");
	const json_t *codes = json_object_get(by, "otherIdentifier");
	out->id = gt_json_member(document, "id");
	out->from = gt_json_member(document, "validFrom");
	out->issuer_name = gt_json_member(by, "name");
	out->issuer_code =
	        gt_json_member(json_array_get(codes, 0), "identifier");
	out->name = text_in(json_object_get(subject, "identifier"), "name");
	out->title = gt_json_member(what, "name");
	out->activity = gt_json_member(what, "id");
	out->list = gt_json_member(on, "statusListCredential");
	out->index = index_of(gt_json_member(on, "statusListIndex"));
}

int gt_credential_read(const json_t *document, struct gt_certificate_read *out,
                       enum gt_genuine *is)
{
	*out = (struct gt_certificate_read){
	        .index = -1, .why = "it is no certificate of this kind"};
	*is = GT_CERTIFICATE_NONE;
	read_members(document, out);
	if (!json_is_object(document) ||
	    !has_type(document, "VerifiableCredential") ||
	    !(has_type(document, "AchievementCredential") ||
	      has_type(document, "OpenBadgeCredential")))
		return 0;
	int signed_ = signed_by(document, out->key, &out->why);
	if (signed_ == -GT_ENOMEM)
		return signed_;
	if (signed_ == -GT_EMALFORMED)
		return 0;
	*is = signed_ == 0 ? GT_CERTIFICATE_SIGNED : GT_CERTIFICATE_ALTERED;
	if (signed_ != 0 && !out->why)
		out->why = "it is not as it was signed";
	return 0;
}

/* Only as it is written here. */
static bool gunzip(const struct gt_buffer *b)
{
	const uint8_t *p = b->p;
	uint8_t tail[TAIL];
	if (b->n != GZIP || memcmp(p, gzip_head, 4) != 0 ||
	    memcmp(p + HEAD, gzip_head + HEAD, BLOCK) != 0)
		return false;
	put32(tail, crc32_of(p + HEAD + BLOCK, BYTES));
	put32(tail + 4, BYTES);
	return memcmp(p + HEAD + BLOCK + BYTES, tail, TAIL) == 0;
}

int gt_list_open(const json_t *list, struct gt_list *out)
{
	const char *why;
	const json_t *subject = json_object_get(list, "credentialSubject");
	const char *text = gt_json_member(subject, "encodedList");
	*out = (struct gt_list){.name = gt_json_member(list, "id"),
	                        .from = gt_json_member(list, "validFrom")};
	if (!has_type(list, "BitstringStatusListCredential"))
		return -GT_EMALFORMED;
	int status_ = signed_by(list, out->key, &why);
	if (status_ == 0)
		status_ = *text == 'u'
		                  ? gt_base64_read(&out->gzip,
		                                   gt_bytes_str(text + 1), true)
		                  : -GT_EMALFORMED;
	if (status_ == -GT_EINVALID || (status_ == 0 && !gunzip(&out->gzip)))
		status_ = -GT_EMALFORMED;
	if (status_ != 0)
		gt_list_close(out);
	return status_;
}

void gt_list_close(struct gt_list *l)
{
	gt_buffer_free(&l->gzip);
}

static const uint8_t *bits_of(const struct gt_list *l)
{
	return l->gzip.p + HEAD + BLOCK;
}

bool gt_list_has(const struct gt_list *l, int64_t index)
{
	return index >= 0 && index < GT_CERTIFICATE_BITS &&
	       (bits_of(l)[index / 8] & bit_of(index));
}

bool gt_list_covers(const struct gt_list *later, const struct gt_list *earlier)
{
	const uint8_t *now = bits_of(later), *then = bits_of(earlier);
	for (size_t i = 0; i < BYTES; i++)
		if (then[i] & ~now[i])
			return false;
	return true;
}
