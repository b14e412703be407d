#include "ready.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

#include "access.h"
#include "address.h"
#include "advice.h"
#include "dir.h"
#include "fault.h"
#include "files.h"
#include "listen.h"
#include "measure.h"
#include "ready_tree.h"
#include "say.h"
#include "text.h"
#include "tls.h"
#include "tls_name.h"
#include "translate.h"
#include "yaml.h"

enum {
	POLICY_MAX = 4 << 20,
	PEM_MAX = 256 << 10,
	WHY = 1200,
	KEY_BITS = 112 /* of security: RSA 2048; what Debian's TLS takes */
};

/* ------------------------------------------------------- what is said */

static const char *tongue(void)
{
	return gt_text_chinese(NULL) ? "zh-CN" : "en";
}

/* A sentence that has its place in it. */
static void add(struct gt_complaints *c, const char *why)
{
	char text[GT_TRANSLATE_MAX];
	(void)gt_complaints_add(c, gt_translate(text, NULL, why));
}

/* Of a key of the configuration, in its place. */
static void add_at(struct gt_complaints *c, const char *section,
                   const char *key, const char *why)
{
	gt_config_complain(GT_DIR_CONFIG, section, key, tongue(),
	                   GT_T_READY_WHY, why, c);
}

void gt_ready_advise(const struct gt_config *config, int status, int error,
                     const char *file, char *why, size_t why_cap)
{
	char said[WHY], user[GT_ADVICE_USER];
	(void)gt_copy(said, sizeof said, why);
	if (status == -GT_EUNKNOWN && config) {
		gt_say_into(why, why_cap, GT_T_READY_ENROL, said, config->code);
	} else if (status != -GT_EINVALID && status != -GT_ELIMIT &&
	           (error == EACCES || error == EPERM)) {
		gt_advice_user(user, ".");
		gt_say_into(why, why_cap, GT_T_READY_CLOSED, said, user, file);
	}
}

/* -------------------------------------------------------------- files */

const char *const gt_ready_secrets[] = {GT_DIR_KEY,      GT_DIR_NODE_KEY,
                                        GT_DIR_DATE_KEY, GT_DIR_CREDENTIALS,
                                        GT_DIR_DATA,     GT_DIR_DATABASE,
                                        GT_DIR_LOG,      GT_DIR_KEYRING,
                                        GT_DIR_ALIASES,  NULL};

const char *const gt_ready_plain[] = {
        GT_DIR_DATABASE, GT_DIR_LOG, GT_DIR_INDEX_OF_LOG, GT_DIR_SUMS,
        GT_DIR_RESERVE,  GT_DIR_RUN, GT_DIR_LOCK,         NULL};

static const char *const folders[] = {"pki",          GT_DIR_DATA,
                                      GT_DIR_OBJECTS, GT_DIR_STAGED,
                                      GT_DIR_INDEX,   GT_DIR_ATTACHMENTS};

int gt_ready_kinds(const struct gt_config *config, char *why, size_t why_cap)
{
	struct stat st;
	/* what is not there yet is made; one may be a link to a folder */
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		if (stat(folders[i], &st) != 0 || S_ISDIR(st.st_mode))
			continue;
		gt_say_into(why, why_cap, GT_T_READY_NO_FOLDER, folders[i],
		            config->code);
		return -GT_EINVALID;
	}
	for (size_t i = 0; gt_ready_plain[i]; i++) {
		int status = gt_files_kind(gt_ready_plain[i], why, why_cap);
		if (status != 0)
			return status;
	}
	if (lstat(GT_DIR_CONTROL, &st) != 0 || !S_ISDIR(st.st_mode))
		return 0;
	gt_say_into(why, why_cap, GT_T_READY_NO_SOCKET, GT_DIR_CONTROL);
	return -GT_EINVALID;
}

int gt_ready_key(const struct gt_config *config, const char *file,
                 uint8_t out[32], char *why, size_t why_cap)
{
	int status = gt_dir_read_key(file, out, why, why_cap);
	if (status != 0)
		gt_ready_advise(config, status, errno, file, why, why_cap);
	return status;
}

/* Other users may read or write it, which the start ends; where it is not the
 * node's own user's, it cannot, nor read what is closed to it. False: so. */
static bool check_owner(const char *file, bool secret, struct gt_complaints *c)
{
	enum { OTHERS = S_IRWXG | S_IRWXO };
	char line[2 * WHY], user[GT_ADVICE_USER];
	struct stat st, here;
	if (stat(".", &here) != 0 || stat(file, &st) != 0)
		return true;
	if (st.st_uid != here.st_uid && (secret || !(st.st_mode & S_IROTH))) {
		gt_advice_user(user, ".");
		gt_say_into(line, sizeof line, GT_T_READY_OWNER, file, user,
		            user, file);
		(void)gt_complaints_add(c, line);
		return false;
	}
	if (secret && (st.st_mode & OTHERS)) {
		gt_say_into(line, sizeof line, GT_T_READY_OPEN_FILE, file);
		(void)gt_complaints_add(c, line);
	}
	return true;
}

bool gt_ready_is_ours(const char *key)
{
	struct stat st;
	return *key && *key != '/' && !strstr(key, "..") &&
	       lstat(key, &st) == 0 && S_ISREG(st.st_mode);
}

bool gt_ready_is_open(const char *key)
{
	struct stat st;
	return stat(key, &st) == 0 && st.st_mode & (S_IRWXO | S_IWGRP);
}

static bool check_key(const char *key, struct gt_complaints *c)
{
	char line[2 * WHY];
	if (gt_ready_is_ours(key))
		return check_owner(key, true, c);
	if (gt_ready_is_open(key)) {
		gt_format(line, sizeof line, "%s: %s", key,
		          gt_text(GT_T_DAEMON_OPEN_KEY));
		(void)gt_complaints_add(c, line);
	}
	return true;
}

static bool check_files(const struct gt_config *config, struct gt_complaints *c)
{
	static const char *const read[] = {GT_DIR_CONFIG,  GT_DIR_CA,
	                                   GT_DIR_CERT,    GT_DIR_ROSTER_KEY,
	                                   GT_DIR_MEMBERS, GT_DIR_OBJECTS};
	char why[WHY];
	bool ok = gt_ready_kinds(config, why, sizeof why) == 0;
	if (!ok)
		add(c, why);
	for (size_t i = 0; gt_ready_secrets[i]; i++)
		ok = check_owner(gt_ready_secrets[i], true, c) && ok;
	ok = check_key(config->key, c) && ok;
	for (size_t i = 0; i < sizeof read / sizeof *read; i++)
		ok = check_owner(read[i], false, c) && ok;
	return ok;
}

/* ------------------------------------------------------------- policy */

int gt_ready_policy(struct gt_ready_policy *out, const struct gt_config *config,
                    const char *lang, struct gt_complaints *c)
{
	struct gt_buffer text;
	char why[WHY];
	*out = (struct gt_ready_policy){0};
	if (!*config->policy)
		return 0;
	int status = gt_files_read(config->policy, POLICY_MAX, &text, why,
	                           sizeof why);
	if (status == -GT_EUNKNOWN &&
	    strcmp(config->policy, "policy.yaml") == 0)
		return 0;
	if (status != 0) {
		gt_config_complain(
		        GT_DIR_CONFIG, "policy", "file", lang,
		        status == -GT_EUNKNOWN ? GT_T_READY_NO_POLICY
		                               : GT_T_READY_WHY,
		        status == -GT_EUNKNOWN ? config->policy : why, c);
		return status;
	}
	gt_sha256_one(&out->hash, text.p, text.n);
	size_t said = c->n;
	status = gt_policy_parse(&out->layer, config->policy,
	                         gt_buffer_bytes(&text), lang, c);
	if (status != 0 && c->n == said) {
		gt_format(why, sizeof why, "%s: %s", config->policy,
		          gt_translate_error(status));
		(void)gt_complaints_add(c, why);
	}
	gt_buffer_free(&text);
	return status;
}

/* ------------------------------------------------------- certificates */

static int no_phrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return 0; /* nobody is there to be asked */
}

/* Whether what the key signs is the certificate's: of a key that is damaged the
 * public half, which is compared, may be whole. */
static bool signs(X509 *cert, EVP_PKEY *key)
{
	static const unsigned char text[] = "a message";
	unsigned char sig[2048];
	size_t n = sizeof sig;
	EVP_MD_CTX *one = EVP_MD_CTX_new(), *two = EVP_MD_CTX_new();
	bool ok = one && two &&
	          EVP_DigestSignInit(one, NULL, NULL, NULL, key) == 1 &&
	          EVP_DigestSign(one, sig, &n, text, sizeof text) == 1 &&
	          EVP_DigestVerifyInit(two, NULL, NULL, NULL,
	                               X509_get0_pubkey(cert)) == 1 &&
	          EVP_DigestVerify(two, sig, n, text, sizeof text) == 1;
	EVP_MD_CTX_free(one);
	EVP_MD_CTX_free(two);
	return ok;
}

/* Whether the first certificate and the key belong together and can be shown:
 * GnuTLS would say no more than that it does not start, or fail at each
 * handshake. False: *wrong is the sentence. */
static bool pair(const struct gt_buffer *cert_pem,
                 const struct gt_buffer *key_pem, enum gt_text *wrong)
{
	BIO *in = BIO_new_mem_buf(cert_pem->p, (int)cert_pem->n);
	BIO *key_in = BIO_new_mem_buf(key_pem->p, (int)key_pem->n);
	X509 *cert = in ? PEM_read_bio_X509(in, NULL, no_phrase, NULL) : NULL;
	EVP_PKEY *key =
	        key_in ? PEM_read_bio_PrivateKey(key_in, NULL, no_phrase, NULL)
	               : NULL;
	bool fit = false;
	if (!cert || !key || X509_check_private_key(cert, key) != 1)
		*wrong = GT_T_HTTP_NO_PAIR;
	else if (EVP_PKEY_get_security_bits(key) < KEY_BITS ||
	         EVP_PKEY_is_a(key, "DSA"))
		*wrong = GT_T_HTTP_WEAK_PAIR;
	else if (!signs(cert, key))
		*wrong = GT_T_HTTP_BAD_KEY;
	else
		fit = true;
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(in);
	BIO_free(key_in);
	ERR_clear_error();
	return fit;
}

int gt_ready_pair(struct gt_buffer *cert, struct gt_buffer *key,
                  const char *cert_file, const char *key_file, char *why,
                  size_t why_cap)
{
	*cert = *key = (struct gt_buffer){0};
	int status = gt_files_read(cert_file, PEM_MAX, cert, why, why_cap);
	if (status == 0)
		status = gt_files_read(key_file, PEM_MAX, key, why, why_cap);
	/* not the operator's to mend, and may go by itself */
	bool passes =
	        status == -GT_ENOMEM ||
	        (status == -GT_EIO && (errno == EIO || errno == ENOMEM ||
	                               errno == EMFILE || errno == ENFILE));
	/* if the second look goes well, it was memory */
	enum gt_text wrong = GT_T_HTTP_NO_PAIR;
	bool fits = status == 0 &&
	            (pair(cert, key, &wrong) || pair(cert, key, &wrong));
	if (status == 0 && !fits)
		gt_say_into(why, why_cap, wrong, cert_file, key_file);
	if (fits)
		return 0;
	gt_buffer_free(cert);
	gt_buffer_wipe(key);
	return passes ? status : -GT_EINVALID;
}

bool gt_ready_own(const struct gt_config *config, const char *cert_pem,
                  char *why, size_t why_cap)
{
	char code[GT_CODE_MAX + 1], above[GT_CODE_MAX + 1];
	/* what names nobody is refused in other words */
	if (!gt_tls_code_of_pem(cert_pem, code, above) ||
	    strcmp(code, config->code) == 0)
		return true;
	gt_say_into(why, why_cap, GT_T_READY_CODE, GT_DIR_CERT, code,
	            config->code, config->code);
	return false;
}

/* Whether a certificate may be used now. */
static bool check_dates(const char *file, const struct gt_buffer *pem,
                        int64_t now_ms, struct gt_complaints *c)
{
	struct gt_validity v;
	char at[GT_MEASURE_TIME], text[WHY], line[WHY + 64];
	if (!gt_validity_of((const char *)pem->p, &v))
		return true; /* that has been said in other words */
	bool early = now_ms < v.from_ms, late = now_ms >= v.until_ms;
	if (!early && v.until_ms - now_ms >= GT_VALIDITY_WARN_MS)
		return true;
	gt_measure_time(at, early ? v.from_ms : v.until_ms);
	gt_say_into(text, sizeof text,
	            early  ? GT_T_EXPIRY_NOT_YET
	            : late ? GT_T_EXPIRY_PAST
	                   : GT_T_EXPIRY_SOON,
	            at);
	gt_format(line, sizeof line, "%s: %s", file, text);
	(void)gt_complaints_add(c, line);
	return !early && !late;
}

/* The file of the three that is no PEM at all, NULL: they all are. */
static const char *no_pem(const struct gt_dir_pems *p)
{
	static const char begin[] = "-----BEGIN ";
	const char *ca = (char *)p->ca.p, *cert = (char *)p->cert.p;
	if (!strstr(ca, begin))
		return GT_DIR_CA;
	if (!strstr(cert, begin))
		return GT_DIR_CERT;
	return strstr((char *)p->key.p, begin) ? NULL : GT_DIR_KEY;
}

int gt_ready_pems(const struct gt_config *config, struct gt_dir_pems *out,
                  char *why, size_t why_cap)
{
	char said[WHY], text[GT_TRANSLATE_MAX];
	const char *file;
	/* missing ones first: the sentence names the one it is about */
	int status = gt_dir_read_pems(out, &file, said, sizeof said);
	if (status != 0) {
		(void)gt_copy(why, why_cap, said);
		gt_ready_advise(config, status, errno, file, why, why_cap);
		return -GT_EINVALID;
	}
	/* if it goes well the second time, it was memory */
	status = 1;
	for (int i = 0; status != 0 && i < 2; i++)
		status = gt_tls_rehearse((char *)out->ca.p, (char *)out->cert.p,
		                         (char *)out->key.p, said, sizeof said);
	if (status == 0)
		return 0;
	file = no_pem(out);
	if (status == -GT_EINVALID && file)
		gt_say_into(why, why_cap, GT_T_READY_NO_PEM, file,
		            config->code);
	else
		gt_say_into(why, why_cap, GT_T_READY_PEMS, GT_DIR_CA,
		            GT_DIR_CERT, GT_DIR_KEY,
		            gt_translate(text, NULL, said), config->code);
	gt_dir_pems_free(out);
	return status;
}

/* Those of the links. */
static int check_pems(const struct gt_config *config, int64_t now_ms,
                      struct gt_complaints *c)
{
	struct gt_dir_pems pems = {0};
	char why[2 * WHY] = "";
	int status = gt_ready_pems(config, &pems, why, sizeof why);
	if (status != 0) {
		add(c, why);
		return status;
	}
	if (!gt_ready_own(config, (char *)pems.cert.p, why, sizeof why)) {
		(void)gt_complaints_add(c, why);
		status = -GT_EINVALID;
	}
	bool dated = check_dates(GT_DIR_CERT, &pems.cert, now_ms, c);
	dated = check_dates(GT_DIR_CA, &pems.ca, now_ms, c) && dated;
	gt_dir_pems_free(&pems);
	return status ? status : dated ? 0 : -GT_ESTALE;
}

/* The same of a listener's. */
static int check_door_dates(const char *door, const struct gt_buffer *pem,
                            int64_t now_ms, struct gt_complaints *c)
{
	struct gt_validity v;
	char at[GT_MEASURE_TIME], text[WHY], key[32];
	if (!gt_validity_of((const char *)pem->p, &v))
		return 0;
	bool early = now_ms < v.from_ms, late = now_ms >= v.until_ms;
	if (!early && v.until_ms - now_ms >= GT_VALIDITY_WARN_MS)
		return 0;
	gt_measure_time(at, early ? v.from_ms : v.until_ms);
	if (early)
		gt_say_into(text, sizeof text, GT_T_EXPIRY_NOT_YET, at);
	else
		gt_say_into(text, sizeof text,
		            late ? GT_T_EXPIRY_HTTPS_PAST
		                 : GT_T_EXPIRY_HTTPS_SOON,
		            door, at);
	gt_format(key, sizeof key, "%s_tls", door);
	add_at(c, "http", key, text);
	return early || late ? -GT_ESTALE : 0;
}

/* Those of listeners that speak HTTPS. */
static int check_doors(const struct gt_config *config, int64_t now_ms,
                       struct gt_complaints *c)
{
	const struct {
		const char *key, *tls, *door;
	} doors[] = {{"listen_tls", config->listen_tls, "listen"},
	             {"content_tls", config->content_tls, "content"},
	             {"staff_tls", config->staff_tls, "staff"}};
	struct gt_buffer cert, key;
	char why[2 * WHY];
	int rv = 0;
	for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
		bool own = strcmp(doors[i].tls, "own") == 0;
		if (!own && strcmp(doors[i].tls, "node") != 0)
			continue;
		int status = gt_ready_pair(
		        &cert, &key, own ? config->certificate : GT_DIR_CERT,
		        own ? config->key : GT_DIR_KEY, why, sizeof why);
		if (status != 0)
			add_at(c, "http", doors[i].key, why);
		else if (own) /* the node's is looked at with the links */
			status = check_door_dates(doors[i].door, &cert, now_ms,
			                          c);
		gt_buffer_free(&cert);
		gt_buffer_wipe(&key);
		if (status != 0 && rv != -GT_EINVALID)
			rv = status;
	}
	return rv;
}

/* ---------------------------------------------------------------- all */

static int check_keys(const struct gt_config *config, struct gt_complaints *c)
{
	static const char *const files[] = {GT_DIR_NODE_KEY, GT_DIR_ROSTER_KEY,
	                                    GT_DIR_DATE_KEY};
	struct gt_dir_members members = {0};
	char why[2 * WHY] = "";
	int rv = 0;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		uint8_t key[32];
		int status =
		        gt_ready_key(config, files[i], key, why, sizeof why);
		OPENSSL_cleanse(key, sizeof key);
		/* most nodes sign no dates */
		if (status == -GT_EUNKNOWN &&
		    strcmp(files[i], GT_DIR_DATE_KEY) == 0)
			continue;
		if (status != 0)
			add(c, why);
		rv = rv ? rv : status;
	}
	int status =
	        gt_dir_read_members(GT_DIR_MEMBERS, &members, why, sizeof why);
	if (status != 0)
		add(c, why);
	gt_dir_members_free(&members);
	return rv ? rv : status;
}

/* What a start sees only when it is too late: an address that is not this
 * machine's, and a parent that is looked for at this node's own door. */
static bool check_ports(const struct gt_config *config, struct gt_complaints *c)
{
	char content[256], staff[256], text[WHY];
	(void)gt_config_content(config, content);
	(void)gt_config_staff(config, staff);
	const struct {
		const char *section, *key, *address;
	} at[] = {{"link", "listen", config->listen},
	          {"http", "listen", config->http},
	          {"http", "content", content},
	          {"http", "staff", staff}};
	bool ok = true;
	for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
		if (!*at[i].address || gt_listen_here(at[i].address))
			continue;
		gt_listen_refused(text, sizeof text, NULL, at[i].address,
		                  EADDRNOTAVAIL);
		add_at(c, at[i].section, at[i].key, text);
		ok = false;
	}
	for (size_t i = 0; *config->listen && i < config->naddresses; i++) {
		if (!gt_address_meets(config->addresses[i], config->listen))
			continue;
		gt_say_into(text, sizeof text, GT_T_READY_SELF,
		            config->addresses[i]);
		add_at(c, "parent", "addresses", text);
		ok = false;
	}
	return ok;
}

static int check_access(struct gt_complaints *c)
{
	struct gt_access *access;
	char why[WHY] = "";
	int status = gt_access_open(&access, GT_DIR_CREDENTIALS,
	                            GT_DIR_ADMITTED, why, sizeof why);
	if (status != 0)
		add(c, why);
	else if (gt_access_lost(access)) /* it starts, and admits nobody */
		(void)gt_complaints_add(c, gt_text(GT_T_ACCESS_LOST));
	gt_access_free(access);
	return status;
}

int gt_ready_check(const struct gt_config *config, int64_t now_ms,
                   struct gt_complaints *c)
{
	struct gt_ready_policy policy;
	bool ok = gt_ready_policy(&policy, config, tongue(), c) == 0;
	gt_buffer_free(&policy.layer);
	ok = check_files(config, c) && ok;
	ok = check_keys(config, c) == 0 && ok;
	ok = gt_ready_tree(config, c) == 0 && ok;
	ok = check_ports(config, c) && ok;
	int links = config->insecure ? 0 : check_pems(config, now_ms, c);
	int doors = check_doors(config, now_ms, c);
	ok = (doors == 0 || doors == -GT_ESTALE) && ok;
	ok = check_access(c) == 0 && ok;
	return !ok ? -GT_EINVALID : links ? links : doors;
}
