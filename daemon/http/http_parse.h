/* http_parse.h: the pure half of HTTP: headers, paths, base64.
 *
 * Nothing here touches a socket; every input is hostile. */
#ifndef GT_HTTP_PARSE_H
#define GT_HTTP_PARSE_H

#include "base.h"

enum { GT_HOST_MAX = 256 };

struct gt_range {
	uint64_t from, n;
};
enum gt_ranged {
	/* none asked for, or one we may ignore (RFC 9110 14.2) */
	GT_RANGE_WHOLE,
	GT_RANGE_PART,
	GT_RANGE_UNFIT, /* answer 416 */
};
/* A Range header (NULL: absent) against size bytes. Several ranges are ignored:
 * the whole is a right answer to them. */
enum gt_ranged gt_http_range(const char *header, uint64_t size,
                             struct gt_range *out);

/* The path of a request's target, without its query, as it was sent: of a whole
 * URL ("absolute form") what is behind the host, which is put into host; host
 * is "" else. *n is the path's length. */
const char *gt_http_target(const char *target, size_t *n,
                           char host[GT_HOST_MAX]);
/* Percent-decodes n chars and ends them with NUL. False: a broken escape, a
 * NUL or control character, or too long. */
bool gt_http_decode(char *out, size_t cap, const char *raw, size_t n);
/* "33/slug/dir/file" into "33/slug" and "dir/file" ("" when there is none;
 * *slash tells "33/slug/" from "33/slug"). False: no resource id. */
bool gt_http_split(const char *text, char rid[GT_RID_MAX + 1],
                   const char **path, bool *slash);

/* Accept-Encoding takes the coding (and does not give it q=0). */
bool gt_http_accepts(const char *header, const char *coding);
/* If-None-Match or If-Match names the quoted etag (weak comparison) or "*". */
bool gt_http_etag_listed(const char *header, const char *etag);
/* The same for If-Match, which compares strongly: a weak one names nothing. */
bool gt_http_etag_matches(const char *header, const char *etag);
/* A Content-Type against "type/subtype", whole and in any letters; a charset
 * beside it must be UTF-8. */
enum gt_typed { GT_TYPED_OTHER, GT_TYPED_CHARSET, GT_TYPED_RIGHT };
enum gt_typed gt_http_typed(const char *header, const char *type);
/* Names of headers, commas and blanks, and no more: what a browser wants to
 * send, which may be given back as it is. */
bool gt_http_names(const char *text);
/* "zh-CN" or "en": what ?lang= says, else the best of Accept-Language, else
 * the fallback. Any may be NULL. */
const char *gt_http_language(const char *query, const char *accept,
                             const char *fallback);

/* The host of a Host header ("name:port", "[::1]:port", the port optional), in
 * small letters. False: absent, or no host. */
bool gt_http_host(char out[GT_HOST_MAX], const char *header);

/* "Basic ..." into name and password. False: not that, or too long. */
bool gt_http_basic(const char *header, char *name, size_t name_cap,
                   char *password, size_t password_cap);
/* "Bearer ...", what is behind it. False: not that, or too long. */
bool gt_http_bearer(const char *header, char *secret, size_t cap);
/* Compares without telling by time where two texts differ. */
bool gt_http_same_secret(const char *a, const char *b);

/* RFC 4648 base64, padded, no blanks. out holds 3 * (n / 4) bytes. False: it
 * is not that. */
bool gt_http_unbase64(uint8_t *out, size_t *len, const char *text, size_t n);

/* Decimal digits only. */
bool gt_http_number(const char *text, uint64_t max, uint64_t *out);

#endif
