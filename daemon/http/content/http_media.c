#include "http_media.h"

#include <string.h>

/* Whole types; a family ends in '/'. A script is one only for a page that loads
 * it: opened by itself it is text. A PDF has a viewer's sandbox, and browsers do
 * not show it in ours. */
static const char *const inert[] = {
        "audio/",
        "video/",
        "font/",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/vnd.microsoft.icon",
        "image/webp",
        "image/x-icon",
        "text/css",
        "text/csv",
        "text/javascript",
        "text/plain",
        "text/vtt",
        "application/gzip",
        "application/javascript",
        "application/json",
        "application/octet-stream",
        "application/ofd",
        "application/pdf",
        "application/wasm",
        "application/zip",
        "application/zstd",
};

bool gt_http_inert(const char *served)
{
	size_t n = strcspn(served, "; ");
	for (size_t i = 0; i < sizeof inert / sizeof *inert; i++) {
		size_t len = strlen(inert[i]);
		bool family = inert[i][len - 1] == '/';
		if ((family ? n > len : n == len) &&
		    memcmp(served, inert[i], len) == 0)
			return true;
	}
	return false;
}

static bool is(const char *served, const char *type)
{
	size_t n = strlen(type);
	return strcspn(served, "; ") == n && memcmp(served, type, n) == 0;
}

bool gt_http_page(const char *served)
{
	return is(served, "text/html") || is(served, "application/xhtml+xml");
}

/* "; name=value" again and again, each a token. */
static bool parameters(const char *p)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyz"
	                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "0123456789!#$&^_.+-";
	while (*p) {
		size_t name = 0, value = 0;
		p += strspn(p, " ");
		if (*p++ != ';')
			return false;
		p += strspn(p, " ");
		name = strspn(p, token);
		if (name == 0 || p[name] != '=')
			return false;
		p += name + 1;
		value = strspn(p, token);
		if (value == 0)
			return false;
		p += value;
	}
	return true;
}

void gt_http_media(char out[GT_MEDIA_SERVED], const char *type)
{
	if (!gt_media_type_valid(type, strlen(type)))
		type = "application/octet-stream";
	gt_media_type_lower(out, type);
	char *end = out + strcspn(out, "; ");
	if (!parameters(end))
		*end = '\0';
}
