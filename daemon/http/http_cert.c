#include "http_cert.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "dir.h"
#include "ready.h"

enum { CHAIN_MAX = 16 };

/* Guards what is shown: pairs and their validity, of every door. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct gt_http_cert *shown[GT_DOOR_CONTROL];

/* ------------------------------------------------------------ showing */

static void drop(gnutls_pcert_st *chain, unsigned n, gnutls_privkey_t key)
{
	for (unsigned i = 0; i < n; i++)
		gnutls_pcert_deinit(&chain[i]);
	gnutls_free(chain);
	gnutls_privkey_deinit(key);
}

/* As GnuTLS has it, to be dropped. 0, or its error. */
static int import(const struct gt_http_cert *cert, gnutls_pcert_st **chain,
                  unsigned *n, gnutls_privkey_t *key)
{
	gnutls_datum_t pem = {cert->cert.p, (unsigned)cert->cert.n};
	gnutls_datum_t key_pem = {cert->key.p, (unsigned)cert->key.n};
	int rc = gnutls_privkey_init(key);
	if (rc != 0)
		return rc;
	*n = CHAIN_MAX;
	*chain = gnutls_calloc(CHAIN_MAX, sizeof **chain);
	rc = *chain ? gnutls_pcert_list_import_x509_raw(*chain, n, &pem,
	                                                GNUTLS_X509_FMT_PEM, 0)
	            : GNUTLS_E_MEMORY_ERROR;
	if (rc < 0)
		*n = 0;
	else
		rc = gnutls_privkey_import_x509_raw(
		        *key, &key_pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc < 0)
		drop(*chain, *n, *key);
	return rc < 0 ? rc : 0;
}

/* A copy for each handshake, so that none holds what another thread changes. */
static int show(enum gt_http_door door, gnutls_pcert_st **chain, unsigned *n,
                gnutls_privkey_t *key, unsigned *flags)
{
	pthread_mutex_lock(&lock);
	int rc = shown[door] ? import(shown[door], chain, n, key) : -1;
	pthread_mutex_unlock(&lock);
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	return rc == 0 ? 0 : -1;
}

#define SHOW(name, door)                                             \
	static int name(gnutls_session_t session,                    \
	                const struct gnutls_cert_retr_st *info,      \
	                gnutls_pcert_st **chain, unsigned *n,        \
	                gnutls_ocsp_data_st **ocsp, unsigned *nocsp, \
	                gnutls_privkey_t *key, unsigned *flags)      \
	{                                                            \
		(void)session;                                       \
		(void)info;                                          \
		*ocsp = NULL;                                        \
		*nocsp = 0;                                          \
		return show(door, chain, n, key, flags);             \
	}
SHOW(show_learner, GT_DOOR_LEARNER)
SHOW(show_content, GT_DOOR_CONTENT)
SHOW(show_staff, GT_DOOR_STAFF)

gnutls_certificate_retrieve_function3 *
gt_http_cert_show(struct gt_http_cert *cert, enum gt_http_door door)
{
	static gnutls_certificate_retrieve_function3 *const all[] = {
	        [GT_DOOR_LEARNER] = show_learner,
	        [GT_DOOR_CONTENT] = show_content,
	        [GT_DOOR_STAFF] = show_staff};
	assert(door < GT_DOOR_CONTROL);
	pthread_mutex_lock(&lock);
	shown[door] = cert;
	pthread_mutex_unlock(&lock);
	return all[door];
}

void gt_http_cert_free(struct gt_http_cert *cert)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < GT_DOOR_CONTROL; i++)
		if (shown[i] == cert)
			shown[i] = NULL;
	pthread_mutex_unlock(&lock);
	gt_buffer_free(&cert->cert);
	gt_buffer_wipe(&cert->key);
	*cert = (struct gt_http_cert){0};
}

struct gt_validity gt_http_cert_validity(struct gt_http_cert *cert)
{
	pthread_mutex_lock(&lock);
	struct gt_validity v = cert->validity;
	pthread_mutex_unlock(&lock);
	return v;
}

/* ------------------------------------------------------------ reading */

/* A pair that OpenSSL calls one and GnuTLS can use. */
static int read_pair(struct gt_http_cert *out, char *why, size_t why_cap)
{
	gnutls_pcert_st *chain;
	gnutls_privkey_t key;
	unsigned n;
	int status = gt_ready_pair(&out->cert, &out->key, out->cert_file,
	                           out->key_file, why, why_cap);
	if (status != 0)
		return status;
	int rc = import(out, &chain, &n, &key);
	if (rc == 0) {
		drop(chain, n, key);
		(void)gt_validity_of((const char *)out->cert.p, &out->validity);
		return 0;
	}
	gt_http_say(why, why_cap, NULL, GT_T_HTTP_NO_PAIR, out->cert_file,
	            out->key_file);
	return rc == GNUTLS_E_MEMORY_ERROR ? -GT_ENOMEM : -GT_EINVALID;
}

static struct gt_http_cert_mark mark_of(const char *file)
{
	struct stat st;
	if (stat(file, &st) != 0)
		return (struct gt_http_cert_mark){0};
	return (struct gt_http_cert_mark){
	        .inode = st.st_ino,
	        .size = (uint64_t)st.st_size,
	        .s = st.st_mtim.tv_sec,
	        .ns = st.st_mtim.tv_nsec,
	};
}

/* True: what lies there is not what was seen. */
static bool look(struct gt_http_cert *cert)
{
	const struct gt_http_cert_mark now[2] = {mark_of(cert->cert_file),
	                                         mark_of(cert->key_file)};
	bool differs = memcmp(now, cert->seen, sizeof now) != 0;
	memcpy(cert->seen, now, sizeof now);
	return differs;
}

int gt_http_cert_read(struct gt_http_cert *out, const struct gt_config *config,
                      const char *tls, char *why, size_t why_cap)
{
	bool own = strcmp(tls, "own") == 0;
	*out = (struct gt_http_cert){.told_days = INT64_MAX};
	if (!*tls || strcmp(tls, "off") == 0)
		return 0;
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		gt_http_say(why, why_cap, NULL, GT_T_HTTP_NO_TLS);
		return -GT_EUNAVAILABLE;
	}
	out->cert_file = own ? config->certificate : GT_DIR_CERT;
	out->key_file = own ? config->key : GT_DIR_KEY;
	(void)look(out); /* before: what is changed meanwhile is read again */
	int status = read_pair(out, why, why_cap);
	if (status != 0)
		gt_http_cert_free(out);
	return status;
}

bool gt_http_cert_changed(struct gt_http_cert *cert)
{
	bool moves = look(cert), rests = cert->moving && !moves;
	cert->moving = moves;
	return rests;
}

int gt_http_cert_renew(struct gt_http_cert *cert, char *why, size_t why_cap)
{
	struct gt_http_cert next = {.cert_file = cert->cert_file,
	                            .key_file = cert->key_file};
	(void)look(cert);
	cert->moving = false;
	int status = read_pair(&next, why, why_cap);
	bool same = status == 0 &&
	            gt_bytes_eq(gt_buffer_bytes(&next.cert),
	                        gt_buffer_bytes(&cert->cert)) &&
	            gt_bytes_eq(gt_buffer_bytes(&next.key),
	                        gt_buffer_bytes(&cert->key));
	if (status == 0 && !same) {
		struct gt_http_cert old = *cert;
		pthread_mutex_lock(&lock);
		cert->cert = next.cert;
		cert->key = next.key;
		cert->validity = next.validity;
		pthread_mutex_unlock(&lock);
		next.cert = old.cert;
		next.key = old.key;
		cert->told_days = INT64_MAX;
	}
	gt_buffer_free(&next.cert);
	gt_buffer_wipe(&next.key);
	return status ? status : !same;
}
