/* media.c: media types by extension, as IANA registered them; their form.
 * Tests: u_pack.c, u_manifest.c. */
#include "object.h"

#include <string.h>

static const struct {
	const char *ext, *type;
} table[] = {
        /* what a page is made of */
        {"html", "text/html"},
        {"htm", "text/html"},
        {"xhtml", "application/xhtml+xml"},
        {"css", "text/css"},
        {"js", "text/javascript"},
        {"mjs", "text/javascript"},
        {"json", "application/json"},
        {"map", "application/json"},
        {"xml", "application/xml"},
        {"xsd", "application/xml"},
        {"dtd", "application/xml-dtd"},
        {"wasm", "application/wasm"},
        {"woff", "font/woff"},
        {"woff2", "font/woff2"},
        {"ttf", "font/ttf"},
        {"otf", "font/otf"},
        /* pictures */
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"gif", "image/gif"},
        {"svg", "image/svg+xml"},
        {"webp", "image/webp"},
        {"avif", "image/avif"},
        {"bmp", "image/bmp"},
        {"ico", "image/vnd.microsoft.icon"},
        {"tif", "image/tiff"},
        {"tiff", "image/tiff"},
        /* sound and film */
        {"mp3", "audio/mpeg"},
        {"m4a", "audio/mp4"},
        {"aac", "audio/aac"},
        {"oga", "audio/ogg"},
        {"ogg", "audio/ogg"},
        {"opus", "audio/ogg"},
        {"flac", "audio/flac"},
        {"wav", "audio/vnd.wave"},
        {"mp4", "video/mp4"},
        {"m4v", "video/mp4"},
        {"webm", "video/webm"},
        {"ogv", "video/ogg"},
        {"mkv", "video/matroska"},
        {"mov", "video/quicktime"},
        {"avi", "video/vnd.avi"},
        {"flv", "video/x-flv"},
        {"ts", "video/mp2t"},
        {"m3u8", "application/vnd.apple.mpegurl"},
        {"mpd", "application/dash+xml"},
        {"vtt", "text/vtt"},
        {"srt", "application/x-subrip"},
        /* documents */
        {"txt", "text/plain"},
        {"md", "text/markdown"},
        {"csv", "text/csv"},
        {"pdf", "application/pdf"},
        {"epub", "application/epub+zip"},
        {"rtf", "application/rtf"},
        {"doc", "application/msword"},
        {"xls", "application/vnd.ms-excel"},
        {"ppt", "application/vnd.ms-powerpoint"},
        {"docx", "application/vnd.openxmlformats-officedocument."
                 "wordprocessingml.document"},
        {"xlsx", "application/vnd.openxmlformats-officedocument."
                 "spreadsheetml.sheet"},
        {"pptx", "application/vnd.openxmlformats-officedocument."
                 "presentationml.presentation"},
        {"odt", "application/vnd.oasis.opendocument.text"},
        {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
        {"odp", "application/vnd.oasis.opendocument.presentation"},
        {"ofd", "application/ofd"}, /* GB/T 33190 */
        /* packages */
        {"zip", "application/zip"},
        {"gz", "application/gzip"},
        {"tar", "application/x-tar"},
        {"zst", "application/zstd"},
        {"xz", "application/x-xz"},
        {"7z", "application/x-7z-compressed"},
        {"apk", "application/vnd.android.package-archive"},
};

/* strcasecmp would ask the locale, and object ids hang on the answer. */
static bool same_ext(const char *given, const char *ext)
{
	while (*given && gt_lower(*given) == *ext) {
		given++;
		ext++;
	}
	return *given == *ext;
}

const char *gt_media_type(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');
	for (size_t i = 0; dot && i < sizeof table / sizeof *table; i++)
		if (same_ext(dot + 1, table[i].ext))
			return table[i].type;
	return "application/octet-stream";
}

static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$&^_.+-", c));
}

bool gt_media_type_valid(const char *type, size_t n)
{
	size_t i = 0, slash;
	if (n == 0 || n > GT_MEDIA_TYPE_MAX)
		return false;
	while (i < n && is_token(type[i]))
		i++;
	slash = i;
	if (slash == 0 || i == n || type[i++] != '/')
		return false;
	while (i < n && is_token(type[i]))
		i++;
	if (i == slash + 1 || (i < n && type[i] != ';'))
		return false;
	while (i < n && (is_token(type[i]) || strchr("; =", type[i])) &&
	       type[i] != '\0')
		i++;
	return i == n;
}

void gt_media_type_lower(char out[GT_MEDIA_TYPE_MAX + 1], const char *type)
{
	bool fits = gt_copy(out, GT_MEDIA_TYPE_MAX + 1, type);
	assert(fits);
	for (char *p = out; *p && *p != ';'; p++)
		*p = gt_lower(*p);
}
