#include "slip.h"

#include <ctype.h>
#include <string.h>

/* ISO 639-1, two letters each; then what China's people speak and has no two. */
static const char languages[] =
        "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca "
        "ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj "
        "fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii "
        "ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la "
        "lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng "
        "nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa "
        "sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk "
        "tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu "
        "cmn yue wuu nan hak gan hsn cdo cjy mnp lzh zha bod khb tdd lis mww ";

bool gt_slip_language(const char *s, size_t n)
{
	char word[5];
	size_t first = strspn(s, "abcdefghijklmnopqrstuvwxyz");
	size_t all = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
	                       "UVWXYZ0123456789-");
	if (all < n || n >= GT_SLIP_TAG || first < 2 || first > 3 ||
	    (first < n && (s[first] != '-' || s[n - 1] == '-')))
		return false;
	gt_format(word, sizeof word, "%.*s ", (int)first, s);
	const char *at = strstr(languages, word);
	return at && (at == languages || at[-1] == ' ');
}

/* Letters as RFC 5646 recommends them: "zh", "zh-CN", "zh-Hans-CN". */
static void put_case(char *tag)
{
	size_t part = 0, at = 0;
	for (char *c = tag; *c; c += *c == '-') {
		size_t n = strcspn(c, "-");
		for (at = 0; at < n; at++, c++) {
			bool upper =
			        part > 0 && (n == 2 || (n == 4 && at == 0));
			*c = (char)(upper ? toupper((unsigned char)*c)
			                  : tolower((unsigned char)*c));
		}
		part++;
	}
}

bool gt_slip_tag(char out[GT_SLIP_TAG], const char *s, size_t n)
{
	/* a bare "IT" or "OS" is rather what a title begins with */
	if (n >= GT_SLIP_TAG || gt_slip_language(s, n) ||
	    (!memchr(s, '_', n) && !memchr(s, '-', n)))
		return false;
	gt_format(out, GT_SLIP_TAG, "%.*s", (int)n, s);
	for (char *c = out; *c; c++)
		*c = *c == '_' ? '-' : *c;
	put_case(out);
	return gt_slip_language(out, strlen(out));
}

bool gt_slip_path(char *out, size_t cap, const char *path)
{
	/* what both languages take these for */
	static const char made[] = "\b\f\n\r\t", from[] = "bfnrt";
	size_t n = 0;
	bool found = false;
	for (; *path && n + 3 < cap; path++) {
		const char *escape = strchr(made, *path);
		if (escape || *path == '\\')
			out[n++] = '/';
		if (escape)
			out[n++] = from[escape - made];
		else if (*path != '\\')
			out[n++] = *path;
		found = found || escape || *path == '\\';
	}
	out[n] = '\0';
	return found;
}

bool gt_slip_escape(struct gt_bytes json)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	for (size_t i = 0; i + 1 < json.n; i++) {
		if (json.p[i] != '\\')
			continue;
		size_t digits = 0;
		i++;
		while (json.p[i] == 'u' && digits < 4 &&
		       i + 1 + digits < json.n &&
		       strchr(hex, json.p[i + 1 + digits]))
			digits++;
		if (json.p[i] == 'u' ? digits < 4
		                     : !strchr("\"\\/bfnrt", json.p[i]))
			return true;
	}
	return false;
}
