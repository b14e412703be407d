#include "http_cert.h"

#include <microhttpd.h>
#include <string.h>

#include "dir.h"
#include "http_request.h"
#include "ready.h"

void gt_http_cert_free(struct gt_http_cert *cert)
{
	gt_buffer_free(&cert->cert);
	gt_buffer_wipe(&cert->key);
	*cert = (struct gt_http_cert){0};
}

int gt_http_cert_read(struct gt_http_cert *out, const struct gt_config *config,
                      const char *tls, char *why, size_t why_cap)
{
	bool own = strcmp(tls, "own") == 0;
	const char *cert = own ? config->certificate : GT_DIR_CERT;
	const char *key = own ? config->key : GT_DIR_KEY;
	*out = (struct gt_http_cert){0};
	if (!*tls || strcmp(tls, "off") == 0)
		return 0;
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		gt_http_say(why, why_cap, NULL, GT_T_HTTP_NO_TLS);
		return -GT_EUNAVAILABLE;
	}
	return gt_ready_pair(&out->cert, &out->key, cert, key, why, why_cap);
}
