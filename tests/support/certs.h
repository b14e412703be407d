/* certs.h: a CA and certificates for tests, made on the spot. */
#ifndef GT_TEST_CERTS_H
#define GT_TEST_CERTS_H

#include <stdint.h>

struct ca; /* a key and its certificate */
struct leaf {
	char *cert_pem; /* the leaf first, then intermediates if any */
	char *key_pem;
};

struct ca *ca_new(const char *name);
/* A CA under another one. */
struct ca *ca_under(struct ca *parent, const char *name);
void ca_free(struct ca *ca);
/* Certificate of the CA; owned by it. */
const char *ca_pem(const struct ca *ca);

/* uri NULL: no SAN. Valid from now + from_s to now + until_s. */
struct leaf leaf_new(struct ca *ca, const char *uri, int64_t from_s,
                     int64_t until_s);
/* Valid now. */
struct leaf leaf_for(struct ca *ca, const char *uri);
void leaf_free(struct leaf *leaf);

#endif
