#include "tls.h"

#include <nng/nng.h>
#include <nng/supplemental/tls/engine.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls_name.h"

/* Laid out for this version of the engine interface, and no other. */
_Static_assert(NNG_TLS_ENGINE_VERSION == NNG_TLS_ENGINE_V1,
               "nng's TLS engine interface has changed");

struct nng_tls_engine_config {
	SSL_CTX *ctx;
	bool server;
};

/* A receive that waits: see gt_tls_recv. */
struct receive {
	nng_aio *aio; /* NULL: none waits */
	uint8_t *p;
	size_t n, *got;
};

struct nng_tls_engine_conn {
	void *nng; /* handle for nng_tls_engine_send and _recv */
	SSL *ssl;
	size_t sent; /* of the buffer at the head of nng's queue */
	struct receive receive;
	size_t received; /* of what receive waits for */
	int ended;       /* why nng gave the connection up, 0: it did not */
	char code[GT_CODE_MAX + 1];
	char why[256];
};

/* nng lets one thing only through to a connection's engine state: the question
 * whether it is verified, asked with the connection locked, on the caller's
 * thread. So what is really asked travels beside it. */
struct question {
	enum { IS_VERIFIED, WHO_IS_IT, GOODBYE, RECEIVE, ENDED } what;
	struct gt_tls_peer *who;
	struct receive receive;
	int ended;
};
static _Thread_local struct question question;

/* -------------------------------------------------------------- BIO */

static int bio_write(BIO *bio, const char *p, int n)
{
	size_t count = (size_t)n;
	BIO_clear_retry_flags(bio);
	int rv = nng_tls_engine_send(BIO_get_data(bio), (const uint8_t *)p,
	                             &count);
	if (rv == 0)
		return (int)count;
	if (rv == NNG_EAGAIN)
		BIO_set_retry_write(bio);
	return -1;
}

static int bio_read(BIO *bio, char *p, int n)
{
	size_t count = (size_t)n;
	BIO_clear_retry_flags(bio);
	int rv = nng_tls_engine_recv(BIO_get_data(bio), (uint8_t *)p, &count);
	if (rv == 0)
		return (int)count;
	if (rv == NNG_EAGAIN)
		BIO_set_retry_read(bio);
	return -1;
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

static BIO_METHOD *method;

static bool method_make(void)
{
	int type = BIO_get_new_index();
	if (type == -1)
		return false;
	method = BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "nng stream");
	return method && BIO_meth_set_write(method, bio_write) &&
	       BIO_meth_set_read(method, bio_read) &&
	       BIO_meth_set_ctrl(method, bio_ctrl) &&
	       BIO_meth_set_create(method, bio_create);
}

/* ------------------------------------------------------ connections */

static int conn_init(nng_tls_engine_conn *c, void *nng,
                     nng_tls_engine_config *config)
{
	BIO *bio = BIO_new(method);
	c->nng = nng;
	c->ssl = SSL_new(config->ctx);
	if (!bio || !c->ssl || SSL_set_app_data(c->ssl, c) != 1) {
		BIO_free(bio);
		SSL_free(c->ssl);
		c->ssl = NULL;
		return NNG_ENOMEM;
	}
	BIO_set_data(bio, nng);
	SSL_set_bio(c->ssl, bio, bio);
	if (config->server)
		SSL_set_accept_state(c->ssl);
	else
		SSL_set_connect_state(c->ssl);
	return 0;
}

/* Also for a connection that never got as far as init. */
static void conn_fini(nng_tls_engine_conn *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
}

static void conn_close(nng_tls_engine_conn *c)
{
	ERR_clear_error();
	if (c->ssl && SSL_is_init_finished(c->ssl))
		(void)SSL_shutdown(c->ssl); /* best effort: it is going away */
	ERR_clear_error();
}

/* What an SSL call that returned ret means to nng; remembers why. */
static int outcome(nng_tls_engine_conn *c, int ret)
{
	int error = SSL_get_error(c->ssl, ret), rv = NNG_ECLOSED;
	switch (error) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return NNG_EAGAIN;
	case SSL_ERROR_SSL:
		rv = SSL_get_verify_result(c->ssl) == X509_V_OK ? NNG_ECRYPTO
		                                                : NNG_EPEERAUTH;
		if (!c->why[0])
			gt_tls_explain_error(ERR_peek_error(), c->why,
			                     sizeof c->why);
		break;
	default:
		break;
	}
	ERR_clear_error();
	return rv;
}

static int conn_handshake(nng_tls_engine_conn *c)
{
	ERR_clear_error();
	int ret = SSL_do_handshake(c->ssl);
	return ret == 1 ? 0 : outcome(c, ret);
}

static int read_records(nng_tls_engine_conn *c, uint8_t *p, size_t n)
{
	size_t got = 0;
	int rv = 0;
	ERR_clear_error();
	/* Every record that is here already: each receive that is done switches
	 * threads. */
	while (c->received < n) {
		int ret = SSL_read_ex(c->ssl, p + c->received, n - c->received,
		                      &got);
		if (ret != 1) {
			rv = outcome(c, ret);
			break;
		}
		c->received += got;
	}
	if (rv == NNG_EAGAIN && n <= GT_TLS_WHOLE && c->received > 0)
		rv = 0;
	/* What came before a failure is delivered, the failure comes again. */
	if (rv != 0 && rv != NNG_EAGAIN && c->received > 0)
		rv = 0;
	return rv;
}

/* Serves the receive that waits with what is here. */
static void serve(nng_tls_engine_conn *c)
{
	struct receive receive = c->receive;
	if (!receive.aio)
		return;
	int rv = read_records(c, receive.p, receive.n);
	if (rv == NNG_EAGAIN && !c->ended)
		return;
	if (rv == NNG_EAGAIN)
		rv = c->ended;
	*receive.got = c->received;
	c->received = 0;
	c->receive = (struct receive){0};
	nng_aio_finish(receive.aio, rv);
}

/* What nng would have filled is the watch: it stays empty, and is over when the
 * connection is. */
/* NOLINTNEXTLINE(readability-non-const-parameter): nng's type */
static int conn_recv(nng_tls_engine_conn *c, uint8_t *p, size_t *n)
{
	(void)p;
	(void)n;
	serve(c);
	return NNG_EAGAIN;
}

/* One record a call. nng calls again when TCP has taken it, with the same
 * buffer, for as long as the answer is EAGAIN; two records at once would only
 * overflow its ring and break the second in two. */
/* NOLINTNEXTLINE(readability-non-const-parameter): nng's type */
static int conn_send(nng_tls_engine_conn *c, const uint8_t *p, size_t *n)
{
	size_t want = *n - c->sent, wrote = 0;
	ERR_clear_error();
	if (want > GT_TLS_RECORD)
		want = GT_TLS_RECORD;
	int ret = SSL_write_ex(c->ssl, p + c->sent, want, &wrote);
	if (ret != 1)
		return outcome(c, ret);
	c->sent += wrote;
	if (c->sent < *n)
		return NNG_EAGAIN;
	c->sent = 0;
	return 0;
}

static bool conn_verified(nng_tls_engine_conn *c)
{
	bool ok = c->ssl && SSL_is_init_finished(c->ssl) &&
	          SSL_get_verify_result(c->ssl) == X509_V_OK && c->code[0];
	switch (question.what) {
	case WHO_IS_IT:
		question.who->verified = ok;
		gt_copy(question.who->code, sizeof question.who->code, c->code);
		gt_copy(question.who->why, sizeof question.who->why, c->why);
		break;
	case GOODBYE:
		conn_close(c);
		break;
	case RECEIVE:
		c->receive = question.receive;
		serve(c);
		break;
	case ENDED:
		c->ended = question.ended;
		serve(c);
		break;
	case IS_VERIFIED:
		break;
	}
	return ok;
}

/* ---------------------------------------------------- configuration */

/* Called for each certificate of the peer's chain, the leaf last. */
static int verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	        store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct nng_tls_engine_conn *c = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	if (ok && X509_STORE_CTX_get_error_depth(store) == 0 &&
	    !gt_tls_code_of(cert, c->code)) {
		X509_STORE_CTX_set_error(store,
		                         X509_V_ERR_APPLICATION_VERIFICATION);
		ok = 0;
	}
	if (!ok) {
		c->code[0] = '\0';
		gt_tls_explain_verify(X509_STORE_CTX_get_error(store), cert,
		                      c->why, sizeof c->why);
	}
	return ok;
}

static int config_init(nng_tls_engine_config *g, nng_tls_mode mode)
{
	g->server = mode == NNG_TLS_MODE_SERVER;
	g->ctx = SSL_CTX_new(TLS_method());
	if (!g->ctx)
		return NNG_ENOMEM;
	SSL_CTX_set_verify(g->ctx,
	                   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	                   verify);
	SSL_CTX_set_options(g->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(g->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(g->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	                                 SSL_MODE_RELEASE_BUFFERS);
	/* 128 bits are enough and the fastest everywhere that has AES in
	 * hardware; elsewhere ChaCha20 is taken by who prefers it. */
	if (SSL_CTX_set_min_proto_version(g->ctx, TLS1_3_VERSION) == 1 &&
	    SSL_CTX_set_ciphersuites(g->ctx, "TLS_AES_128_GCM_SHA256:"
	                                     "TLS_CHACHA20_POLY1305_SHA256:"
	                                     "TLS_AES_256_GCM_SHA384") == 1 &&
	    SSL_CTX_set_num_tickets(g->ctx, 0) == 1)
		return 0;
	SSL_CTX_free(g->ctx);
	g->ctx = NULL;
	return NNG_ECRYPTO;
}

static void config_fini(nng_tls_engine_config *g)
{
	SSL_CTX_free(g->ctx);
	g->ctx = NULL;
}

/* The host name is no identity here (tls.h). */
static int config_server(nng_tls_engine_config *g, const char *name)
{
	(void)g;
	(void)name;
	return 0;
}

/* Mutual authentication is not negotiable. */
static int config_auth(nng_tls_engine_config *g, nng_tls_auth_mode mode)
{
	(void)g;
	return mode == NNG_TLS_AUTH_MODE_REQUIRED ? 0 : NNG_ENOTSUP;
}

static int config_ca(nng_tls_engine_config *g, const char *pem, const char *crl)
{
	X509_STORE *store = SSL_CTX_get_cert_store(g->ctx);
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert;
	int n = 0;
	bool ok = bio && !crl;
	while (ok && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		/* OpenSSL reads the extensions at first use and remembers
		 * for ever that it could not: let it be now */
		ok = X509_check_purpose(cert, -1, 0) == 1 &&
		     X509_STORE_add_cert(store, cert) == 1;
		X509_free(cert);
		n++;
	}
	BIO_free(bio);
	ERR_clear_error(); /* the end of the text is an error to PEM_read */
	return ok && n > 0 ? 0 : NNG_ECRYPTO;
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

static int config_own(nng_tls_engine_config *g, const char *cert_pem,
                      const char *key_pem, const char *password)
{
	BIO *certs = BIO_new_mem_buf(cert_pem, -1);
	BIO *keys = BIO_new_mem_buf(key_pem, -1);
	EVP_PKEY *key = NULL;
	bool ok = certs && keys && !password && use_chain(g->ctx, certs);
	if (ok)
		key = PEM_read_bio_PrivateKey(keys, NULL, NULL, NULL);
	ok = ok && key && SSL_CTX_use_PrivateKey(g->ctx, key) == 1 &&
	     SSL_CTX_check_private_key(g->ctx) == 1;
	EVP_PKEY_free(key);
	BIO_free(certs);
	BIO_free(keys);
	ERR_clear_error();
	return ok ? 0 : NNG_ECRYPTO;
}

static int config_version(nng_tls_engine_config *g, nng_tls_version min,
                          nng_tls_version max)
{
	(void)g;
	return min <= NNG_TLS_1_3 && max >= NNG_TLS_1_3 ? 0 : NNG_ENOTSUP;
}

static nng_tls_engine_conn_ops conn_ops = {
        .size = sizeof(nng_tls_engine_conn),
        .init = conn_init,
        .fini = conn_fini,
        .close = conn_close,
        .handshake = conn_handshake,
        .recv = conn_recv,
        .send = conn_send,
        .verified = conn_verified,
};

static nng_tls_engine_config_ops config_ops = {
        .size = sizeof(nng_tls_engine_config),
        .init = config_init,
        .fini = config_fini,
        .server = config_server,
        .auth = config_auth,
        .ca_chain = config_ca,
        .own_cert = config_own,
        .version = config_version,
};

static const nng_tls_engine engine = {
        .version = NNG_TLS_ENGINE_VERSION,
        .config_ops = &config_ops,
        .conn_ops = &conn_ops,
        .name = "guantong-openssl",
        .description = "OpenSSL 3, TLS 1.3, mutual",
};

/* ------------------------------------------------------------- ours */

int gt_tls_register(void)
{
	if (method)
		return 0;
	/* Any nng_tls_ call makes nng initialise itself now; left to later, it
	 * would put its own engine over this one. */
	(void)nng_tls_engine_name();
	if (!method_make())
		return NNG_ENOMEM;
	return nng_tls_engine_register(&engine);
}

int gt_tls_config(struct nng_tls_config **out, bool server, const char *ca_pem,
                  const char *cert_pem, const char *key_pem, char *why,
                  size_t why_cap)
{
	nng_tls_config *config;
	int rv = nng_tls_config_alloc(&config, server ? NNG_TLS_MODE_SERVER
	                                              : NNG_TLS_MODE_CLIENT);
	if (rv != 0) {
		gt_format(why, why_cap, "no TLS: %s", nng_strerror(rv));
		return -GT_ENOMEM;
	}
	if (!ca_pem || nng_tls_config_ca_chain(config, ca_pem, NULL) != 0) {
		gt_copy(why, why_cap, "the CA certificate cannot be read");
		rv = -GT_EINVALID;
	} else if (!cert_pem || !key_pem ||
	           nng_tls_config_own_cert(config, cert_pem, key_pem, NULL) !=
	                   0) {
		gt_copy(why, why_cap,
		        "this node's certificate and key cannot be read, or do "
		        "not belong together");
		rv = -GT_EINVALID;
	}
	if (rv != 0) {
		nng_tls_config_free(config);
		return rv;
	}
	*out = config;
	return 0;
}

/* One end of a handshake with oneself. */
static bool rehearsal_end(nng_tls_engine_conn *c, SSL_CTX *ctx, BIO *bio)
{
	c->ssl = SSL_new(ctx);
	if (!c->ssl || SSL_set_app_data(c->ssl, c) != 1) {
		BIO_free(bio);
		return false;
	}
	SSL_set_bio(c->ssl, bio, bio);
	/* a clock that is wrong now may be right when the first link opens */
	return X509_VERIFY_PARAM_set_flags(SSL_get0_param(c->ssl),
	                                   X509_V_FLAG_NO_CHECK_TIME) == 1;
}

static bool say_one_byte(nng_tls_engine_conn *from, nng_tls_engine_conn *to)
{
	uint8_t said = 1, heard = 0;
	size_t n = 1;
	bool ok = conn_send(from, &said, &n) == 0 &&
	          read_records(to, &heard, 1) == 0 && heard == said;
	to->received = 0;
	return ok;
}

static bool rehearse(SSL_CTX *ctx, nng_tls_engine_conn *client,
                     nng_tls_engine_conn *server)
{
	enum { STEPS = 16 };
	BIO *a = NULL, *b = NULL;
	int up = NNG_EAGAIN, down = NNG_EAGAIN;
	if (BIO_new_bio_pair(&a, 0, &b, 0) != 1)
		return false;
	bool ok = rehearsal_end(client, ctx, a);
	ok = rehearsal_end(server, ctx, b) && ok;
	if (!ok)
		return false;
	SSL_set_connect_state(client->ssl);
	SSL_set_accept_state(server->ssl);
	for (int i = 0; i < STEPS && (up || down); i++) {
		up = conn_handshake(client);
		down = conn_handshake(server);
		if ((up && up != NNG_EAGAIN) || (down && down != NNG_EAGAIN))
			return false;
	}
	return !up && !down && conn_verified(client) && conn_verified(server) &&
	       say_one_byte(client, server) && say_one_byte(server, client);
}

int gt_tls_rehearse(const char *ca_pem, const char *cert_pem,
                    const char *key_pem, char *why, size_t why_cap)
{
	nng_tls_engine_config g = {0};
	nng_tls_engine_conn client = {0}, server = {0};
	bool ok = config_init(&g, NNG_TLS_MODE_SERVER) == 0 &&
	          config_ca(&g, ca_pem, NULL) == 0 &&
	          config_own(&g, cert_pem, key_pem, NULL) == 0 &&
	          rehearse(g.ctx, &client, &server);
	if (!ok)
		gt_format(why, why_cap,
		          "this node's certificate, shown to itself, is "
		          "refused: %s",
		          client.why[0]   ? client.why
		          : server.why[0] ? server.why
		                          : "OpenSSL fails");
	conn_fini(&client);
	conn_fini(&server);
	config_fini(&g);
	ERR_clear_error();
	return ok ? 0 : -GT_EINVALID;
}

static void ask(struct nng_stream *stream, const struct question *q)
{
	bool verified;
	question = *q;
	(void)nng_stream_get_bool(stream, NNG_OPT_TLS_VERIFIED, &verified);
	question = (struct question){0};
}

void gt_tls_watch(struct nng_stream *stream, struct nng_aio *aio)
{
	static uint8_t nothing; /* nng wants somewhere to write to */
	nng_iov iov = {&nothing, 1};
	nng_aio_set_iov(aio, 1, &iov);
	nng_stream_recv(stream, aio);
}

void gt_tls_ended(struct nng_stream *stream, int rv)
{
	ask(stream, &(struct question){.what = ENDED, .ended = rv});
}

void gt_tls_recv(struct nng_stream *stream, struct nng_aio *aio, uint8_t *p,
                 size_t n, size_t *got)
{
	if (nng_aio_begin(aio))
		ask(stream, &(struct question){.what = RECEIVE,
		                               .receive = {aio, p, n, got}});
}

void gt_tls_peer(struct nng_stream *stream, struct gt_tls_peer *out)
{
	*out = (struct gt_tls_peer){0};
	ask(stream, &(struct question){.what = WHO_IS_IT, .who = out});
}

void gt_tls_goodbye(struct nng_stream *stream)
{
	ask(stream, &(struct question){.what = GOODBYE});
}
