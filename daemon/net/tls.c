#include "tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls_name.h"

enum {
	/* What OpenSSL adds to the clear bytes of a record, and more. */
	OVERHEAD = 256,
	/* For what is answered while sealed bytes wait to be sent: alerts, and
	 * new keys, which a peer that sends nothing else asks for. */
	SLACK = 2 * GT_TLS_RECORD,
};

struct gt_tls_context {
	SSL_CTX *ctx;
};

/*   1. given holds no byte that OpenSSL has not read, once a read said MORE
 *   2. sealed_from <= sealed_to <= the size of sealed; they are both 0 or
 *      differ. What is between them stays where it is: the kernel may be
 *      reading it */
struct gt_tls {
	SSL *ssl;
	const uint8_t *given;
	size_t given_n;
	uint8_t *sealed;
	size_t sealed_from, sealed_to;
	bool failed;
	bool said_goodbye;
	char code[GT_CODE_MAX + 1], above[GT_CODE_MAX + 1];
	/* of its certificate, good or not: the code there, and with it the name */
	char named[GT_CODE_MAX + 1], shown[GT_TLS_SHOWN];
	int64_t until_ms; /* the first end of the peer's chain; 0: none yet */
	char why[256];
};

/* -------------------------------------------------------------- BIO */

static int bio_write(BIO *bio, const char *p, int n)
{
	struct gt_tls *t = BIO_get_data(bio);
	const size_t cap = GT_TLS_SEALED + SLACK;
	BIO_clear_retry_flags(bio);
	if (!t->sealed)
		t->sealed = malloc(cap);
	if (!t->sealed) {
		gt_copy(t->why, sizeof t->why, gt_strerror(-GT_ENOMEM));
		return -1;
	}
	if ((size_t)n > cap - t->sealed_to) {
		gt_copy(t->why, sizeof t->why,
		        "the peer takes too little: its queue is full");
		return -1;
	}
	memcpy(t->sealed + t->sealed_to, p, (size_t)n);
	t->sealed_to += (size_t)n;
	return n;
}

static int bio_read(BIO *bio, char *p, int n)
{
	struct gt_tls *t = BIO_get_data(bio);
	size_t take = t->given_n < (size_t)n ? t->given_n : (size_t)n;
	BIO_clear_retry_flags(bio);
	if (take == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(p, t->given, take);
	t->given += take;
	t->given_n -= take;
	return (int)take;
}

static long bio_ctrl(BIO *bio, int command, long n, void *p)
{
	(void)bio;
	(void)n;
	(void)p;
	return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

/* One for the process, made with the first context and kept: OpenSSL numbers
 * them. */
static BIO_METHOD *bio_method(void)
{
	static BIO_METHOD *method;
	int type = method ? 0 : BIO_get_new_index();
	if (method || type == -1)
		return method;
	BIO_METHOD *m = BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "gt_tls");
	if (m && BIO_meth_set_write(m, bio_write) &&
	    BIO_meth_set_read(m, bio_read) && BIO_meth_set_ctrl(m, bio_ctrl) &&
	    BIO_meth_set_create(m, bio_create))
		method = m;
	else
		BIO_meth_free(m);
	return method;
}

/* ---------------------------------------------------------- context */

static void note_end(struct gt_tls *t, const X509 *cert)
{
	int64_t ms;
	if (gt_tls_time(X509_get0_notAfter(cert), &ms) &&
	    (t->until_ms == 0 || ms < t->until_ms))
		t->until_ms = ms;
}

/* What the certificate says, whatever it is worth. */
static void note_shown(struct gt_tls *t, X509 *cert)
{
	char above[GT_CODE_MAX + 1], name[GT_TLS_SHOWN];
	if (!cert || t->shown[0])
		return;
	if (!gt_tls_code_of(cert, t->named, above))
		t->named[0] = '\0';
	gt_tls_common_name(cert, name);
	gt_format(t->shown, sizeof t->shown, "%s%s%s", t->named,
	          t->named[0] && name[0] ? " " : "", name);
}

/* Called for each certificate of the peer's chain, the leaf last. */
static int verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	        store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct gt_tls *t = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	note_shown(t, X509_STORE_CTX_get0_cert(store));
	if (ok && X509_STORE_CTX_get_error_depth(store) == 0 &&
	    !gt_tls_code_of(cert, t->code, t->above)) {
		X509_STORE_CTX_set_error(store,
		                         X509_V_ERR_APPLICATION_VERIFICATION);
		ok = 0;
	}
	if (ok)
		note_end(t, cert);
	if (!ok) {
		t->code[0] = '\0';
		gt_tls_explain_verify(X509_STORE_CTX_get_error(store), cert,
		                      t->why, sizeof t->why);
	}
	return ok;
}

static bool set_rules(SSL_CTX *ctx)
{
	SSL_CTX_set_verify(
	        ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verify);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	                              SSL_MODE_RELEASE_BUFFERS);
	/* 128 bits are enough and the fastest everywhere that has AES in
	 * hardware; elsewhere ChaCha20 is taken by who prefers it. */
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:"
	                                     "TLS_CHACHA20_POLY1305_SHA256:"
	                                     "TLS_AES_256_GCM_SHA384") == 1 &&
	       SSL_CTX_set_num_tickets(ctx, 0) == 1;
}

static bool use_ca(SSL_CTX *ctx, const char *pem)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert;
	int n = 0;
	bool ok = bio != NULL;
	while (ok && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		/* OpenSSL reads the extensions at first use and remembers
		 * for ever that it could not: let it be now */
		ok = X509_check_purpose(cert, -1, 0) == 1 &&
		     X509_STORE_add_cert(store, cert) == 1;
		X509_free(cert);
		n++;
	}
	BIO_free(bio);
	return ok && n > 0;
}

static bool use_chain(SSL_CTX *ctx, BIO *bio)
{
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	bool ok = cert && X509_check_purpose(cert, -1, 0) == 1 &&
	          SSL_CTX_use_certificate(ctx, cert) == 1;
	X509_free(cert);
	while (ok && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		ok = SSL_CTX_add0_chain_cert(ctx, cert) == 1;
		if (!ok)
			X509_free(cert);
	}
	return ok;
}

static bool use_own(SSL_CTX *ctx, const char *cert_pem, const char *key_pem)
{
	BIO *certs = BIO_new_mem_buf(cert_pem, -1);
	BIO *keys = BIO_new_mem_buf(key_pem, -1);
	EVP_PKEY *key = NULL;
	bool ok = certs && keys && use_chain(ctx, certs);
	if (ok)
		key = PEM_read_bio_PrivateKey(keys, NULL, NULL, NULL);
	ok = ok && key && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
	     SSL_CTX_check_private_key(ctx) == 1;
	EVP_PKEY_free(key);
	BIO_free(certs);
	BIO_free(keys);
	return ok;
}

int gt_tls_context_new(struct gt_tls_context **out, const char *ca_pem,
                       const char *cert_pem, const char *key_pem, char *why,
                       size_t why_cap)
{
	struct gt_tls_context *c = calloc(1, sizeof *c);
	int rv = 0;
	if (c)
		c->ctx = SSL_CTX_new(TLS_method());
	if (!c || !c->ctx || !bio_method() || !set_rules(c->ctx)) {
		gt_format(why, why_cap, "no TLS: %s", gt_strerror(-GT_ENOMEM));
		rv = -GT_ENOMEM;
	} else if (!ca_pem || !use_ca(c->ctx, ca_pem)) {
		gt_copy(why, why_cap, "the CA certificate cannot be read");
		rv = -GT_EINVALID;
	} else if (!cert_pem || !key_pem ||
	           !use_own(c->ctx, cert_pem, key_pem)) {
		gt_copy(why, why_cap,
		        "this node's certificate and key cannot be read, or do "
		        "not belong together");
		rv = -GT_EINVALID;
	}
	ERR_clear_error(); /* the end of a PEM text is an error, too */
	if (rv != 0) {
		gt_tls_context_free(c);
		return rv;
	}
	*out = c;
	return 0;
}

void gt_tls_context_free(struct gt_tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ctx);
	free(context);
}

/* ------------------------------------------------------ connections */

struct gt_tls *gt_tls_new(struct gt_tls_context *context, bool server)
{
	struct gt_tls *t = calloc(1, sizeof *t);
	BIO *bio = BIO_new(bio_method());
	if (t)
		t->ssl = SSL_new(context->ctx);
	if (!t || !bio || !t->ssl || SSL_set_app_data(t->ssl, t) != 1) {
		BIO_free(bio);
		gt_tls_free(t);
		ERR_clear_error();
		return NULL;
	}
	BIO_set_data(bio, t);
	SSL_set_bio(t->ssl, bio, bio);
	if (server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	return t;
}

void gt_tls_free(struct gt_tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	free(tls->sealed);
	free(tls);
}

void gt_tls_give(struct gt_tls *tls, const uint8_t *p, size_t n)
{
	assert(tls->given_n == 0);
	tls->given = p;
	tls->given_n = n;
}

/* What an SSL call that returned ret means; remembers why. */
static enum gt_tls_status status_of(struct gt_tls *t, int ret)
{
	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return GT_TLS_MORE;
	case SSL_ERROR_ZERO_RETURN:
		return GT_TLS_ENDED;
	case SSL_ERROR_SSL:
		if (!t->why[0])
			gt_tls_explain_error(ERR_peek_error(), t->why,
			                     sizeof t->why);
		break;
	default: /* bio_write said why */
		if (!t->why[0])
			gt_copy(t->why, sizeof t->why, "OpenSSL fails");
	}
	t->failed = true;
	ERR_clear_error();
	return GT_TLS_FAILED;
}

enum gt_tls_status gt_tls_read(struct gt_tls *tls, uint8_t *p, size_t n,
                               size_t *got)
{
	enum gt_tls_status status = GT_TLS_OK;
	*got = 0;
	if (tls->failed)
		return GT_TLS_FAILED;
	ERR_clear_error();
	while (*got < n && status == GT_TLS_OK) {
		size_t record = 0;
		int ret = SSL_read_ex(tls->ssl, p + *got, n - *got, &record);
		if (ret != 1)
			status = status_of(tls, ret);
		*got += record;
	}
	/* What came before the end is delivered, the end comes again. */
	return *got > 0 ? GT_TLS_OK : status;
}

enum gt_tls_status gt_tls_write(struct gt_tls *tls, const uint8_t *p, size_t n,
                                size_t *took)
{
	enum gt_tls_status status = GT_TLS_OK;
	*took = 0;
	if (tls->failed)
		return GT_TLS_FAILED;
	ERR_clear_error();
	while (*took < n && status == GT_TLS_OK) {
		size_t wrote = 0, want = n - *took;
		if (want > GT_TLS_RECORD)
			want = GT_TLS_RECORD;
		if (tls->sealed_to + want + OVERHEAD > GT_TLS_SEALED)
			break;
		int ret = SSL_write_ex(tls->ssl, p + *took, want, &wrote);
		if (ret != 1)
			status = status_of(tls, ret);
		*took += wrote;
	}
	return status;
}

bool gt_tls_goodbye(struct gt_tls *tls)
{
	if (tls->failed || tls->said_goodbye || !SSL_is_init_finished(tls->ssl))
		return false;
	tls->said_goodbye = true;
	ERR_clear_error();
	(void)SSL_shutdown(tls->ssl); /* best effort: it is going away */
	ERR_clear_error();
	return true;
}

size_t gt_tls_sealed(const struct gt_tls *tls, const uint8_t **p)
{
	*p = tls->sealed + tls->sealed_from;
	return tls->sealed_to - tls->sealed_from;
}

void gt_tls_sent(struct gt_tls *tls, size_t n)
{
	tls->sealed_from += n;
	assert(tls->sealed_from <= tls->sealed_to);
	if (tls->sealed_from == tls->sealed_to)
		tls->sealed_from = tls->sealed_to = 0;
}

void gt_tls_rest(struct gt_tls *tls)
{
	if (tls->sealed_to > 0)
		return;
	free(tls->sealed);
	tls->sealed = NULL;
}

const char *gt_tls_code(const struct gt_tls *tls)
{
	bool verified = !tls->failed && SSL_is_init_finished(tls->ssl) &&
	                SSL_get_verify_result(tls->ssl) == X509_V_OK;
	return verified ? tls->code : "";
}

const char *gt_tls_above(const struct gt_tls *tls)
{
	return *gt_tls_code(tls) ? tls->above : "";
}

int64_t gt_tls_until(const struct gt_tls *tls)
{
	return *gt_tls_code(tls) ? tls->until_ms : 0;
}

const char *gt_tls_named(const struct gt_tls *tls)
{
	return tls->named;
}

const char *gt_tls_shown(const struct gt_tls *tls)
{
	return tls->shown;
}

const char *gt_tls_why(const struct gt_tls *tls)
{
	return tls->why;
}

/* -------------------------------------------------------- rehearsal */

/* What from has to send goes to to, which reads a byte if it can. */
static enum gt_tls_status pass(struct gt_tls *from, struct gt_tls *to,
                               uint8_t *byte, size_t *got)
{
	const uint8_t *p;
	size_t n = gt_tls_sealed(from, &p);
	gt_tls_give(to, p, n);
	enum gt_tls_status status = gt_tls_read(to, byte, 1, got);
	gt_tls_sent(from, n);
	return status;
}

/* A byte from one end to the other, after as many turns as it needs. */
static bool say_one_byte(struct gt_tls *from, struct gt_tls *to)
{
	enum { STEPS = 16 };
	static const uint8_t said = 1;
	uint8_t heard = 0, none;
	size_t took = 0, got = 0, back;
	for (int i = 0; i < STEPS && got == 0; i++) {
		if (took == 0 &&
		    gt_tls_write(from, &said, 1, &took) == GT_TLS_FAILED)
			return false;
		if (pass(from, to, &heard, &got) == GT_TLS_FAILED ||
		    pass(to, from, &none, &back) != GT_TLS_MORE)
			return false;
	}
	return got == 1 && heard == said;
}

static bool rehearse(struct gt_tls *client, struct gt_tls *server)
{
	/* a clock that is wrong now may be right when the first link opens */
	return X509_VERIFY_PARAM_set_flags(SSL_get0_param(client->ssl),
	                                   X509_V_FLAG_NO_CHECK_TIME) == 1 &&
	       X509_VERIFY_PARAM_set_flags(SSL_get0_param(server->ssl),
	                                   X509_V_FLAG_NO_CHECK_TIME) == 1 &&
	       say_one_byte(client, server) && say_one_byte(server, client) &&
	       *gt_tls_code(client) && *gt_tls_code(server);
}

int gt_tls_rehearse(const char *ca_pem, const char *cert_pem,
                    const char *key_pem, char *why, size_t why_cap)
{
	struct gt_tls_context *context;
	int rv = gt_tls_context_new(&context, ca_pem, cert_pem, key_pem, why,
	                            why_cap);
	if (rv != 0)
		return rv;
	struct gt_tls *client = gt_tls_new(context, false);
	struct gt_tls *server = gt_tls_new(context, true);
	bool ok = client && server && rehearse(client, server);
	if (!ok)
		gt_format(why, why_cap,
		          "this node's certificate, shown to itself, is "
		          "refused: %s",
		          client && client->why[0]   ? client->why
		          : server && server->why[0] ? server->why
		                                     : "OpenSSL fails");
	gt_tls_free(client);
	gt_tls_free(server);
	gt_tls_context_free(context);
	ERR_clear_error();
	return ok ? 0 : -GT_EINVALID;
}
