#include "keyring.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "dir.h"
#include "files.h"
#include "iso8601.h"
#include "say.h"
#include "sys.h"

enum { FILE_MAX = 64 << 10, WORDS = 5, LINE = 300 };

/* The line's words; their number, at most one more than there should be. */
static int split(char *line, char *words[WORDS + 1])
{
	char *rest = NULL;
	int n = 0;
	for (char *w = strtok_r(line, " \t\r", &rest); w && n <= WORDS;
	     w = strtok_r(NULL, " \t\r", &rest))
		words[n++] = w;
	return n;
}

static bool read_number(uint32_t *out, const char *text)
{
	size_t n = strspn(text, "0123456789");
	if (n == 0 || n > 9 || text[n])
		return false;
	*out = (uint32_t)atol(text);
	return *out > 0;
}

static bool read_key(struct gt_pseudonym_key *k, char *words[WORDS + 1], int n)
{
	if (n != WORDS || !gt_code_valid(words[0]) ||
	    !read_number(&k->number, words[1]) ||
	    !gt_iso_parse(&k->from_ms, words[2]))
		return false;
	gt_copy(k->scope, sizeof k->scope, words[0]);
	k->until_ms = INT64_MAX;
	if (strcmp(words[3], "-") != 0 && !gt_iso_parse(&k->until_ms, words[3]))
		return false;
	return gt_unhex(k->secret, sizeof k->secret, words[4]);
}

static bool has(const struct gt_keyring *ring, const struct gt_pseudonym_key *k)
{
	for (size_t i = 0; i < ring->n; i++)
		if (ring->keys[i].number == k->number &&
		    strcmp(ring->keys[i].scope, k->scope) == 0)
			return true;
	return false;
}

static int add_line(struct gt_keyring *ring, const char *s, size_t n)
{
	char line[LINE], *words[WORDS + 1];
	struct gt_pseudonym_key k = {.number = 0};
	const char *comment = memchr(s, '#', n);
	if (comment)
		n = (size_t)(comment - s);
	if (n >= sizeof line || memchr(s, '\0', n))
		return -GT_EINVALID;
	memcpy(line, s, n);
	line[n] = '\0';
	int count = split(line, words), status = 0;
	if (count > 0 && ring->n == GT_PSEUDONYM_KEYS)
		status = -GT_ELIMIT;
	else if (count > 0 && (!read_key(&k, words, count) || has(ring, &k)))
		status = -GT_EINVALID;
	else if (count > 0)
		ring->keys[ring->n++] = k;
	OPENSSL_cleanse(line, sizeof line);
	OPENSSL_cleanse(&k, sizeof k);
	return status;
}

int gt_keyring_parse(struct gt_keyring *out, struct gt_bytes text, char *why,
                     size_t why_cap)
{
	size_t line = 0;
	int status = 0;
	char number[24];
	out->n = 0;
	for (size_t i = 0; status == 0 && i < text.n;) {
		const char *s = (const char *)text.p + i;
		const char *end = memchr(s, '\n', text.n - i);
		size_t n = end ? (size_t)(end - s) : text.n - i;
		line++;
		i += n + 1;
		status = add_line(out, s, n);
	}
	if (status != 0) {
		gt_format(number, sizeof number, "%zu", line);
		gt_say_into(why, why_cap, GT_T_KEYRING_LINE, number);
		gt_keyring_wipe(out);
	}
	return status;
}

bool gt_keyring_print(const struct gt_keyring *ring, struct gt_buffer *out)
{
	if (!gt_buffer_room(out, 200 + ring->n * LINE))
		return false; /* it may not grow: copies would stay behind */
	gt_buffer_str(out, "# scope number from until secret\n");
	for (size_t i = 0; i < ring->n; i++) {
		const struct gt_pseudonym_key *k = &ring->keys[i];
		char from[GT_ISO_CHARS], until[GT_ISO_CHARS] = "-";
		char hex[2 * sizeof k->secret + 1];
		gt_iso_format(from, k->from_ms);
		if (k->until_ms != INT64_MAX)
			gt_iso_format(until, k->until_ms);
		gt_hex(hex, k->secret, sizeof k->secret);
		gt_buffer_format(out, "%s %u %s %s %s\n", k->scope, k->number,
		                 from, until, hex);
		OPENSSL_cleanse(hex, sizeof hex);
	}
	return !out->failed;
}

bool gt_keyring_add(struct gt_keyring *ring, const char *scope, int64_t from_ms)
{
	struct gt_pseudonym_key *open = NULL;
	uint32_t number = 0;
	if (ring->n == GT_PSEUDONYM_KEYS)
		return false;
	for (size_t i = 0; i < ring->n; i++) {
		struct gt_pseudonym_key *k = &ring->keys[i];
		if (strcmp(k->scope, scope) != 0)
			continue;
		if (k->from_ms >= from_ms)
			return false;
		if (k->until_ms > from_ms)
			open = k;
		if (k->number > number)
			number = k->number;
	}
	if (open)
		open->until_ms = from_ms;
	struct gt_pseudonym_key *k = &ring->keys[ring->n++];
	*k = (struct gt_pseudonym_key){.number = number + 1,
	                               .from_ms = from_ms,
	                               .until_ms = INT64_MAX};
	gt_copy(k->scope, sizeof k->scope, scope);
	gt_sys_random(k->secret, sizeof k->secret);
	return true;
}

int gt_keyring_retire(struct gt_keyring *ring, const char *name, int64_t now_ms)
{
	for (size_t i = 0; i < ring->n; i++) {
		char is[GT_PSEUDONYM_NAME];
		gt_pseudonym_name(is, &ring->keys[i]);
		if (strcmp(is, name) != 0)
			continue;
		if (ring->keys[i].until_ms > now_ms)
			return -GT_ESTATE;
		memmove(&ring->keys[i], &ring->keys[i + 1],
		        (ring->n - i - 1) * sizeof *ring->keys);
		OPENSSL_cleanse(&ring->keys[--ring->n], sizeof *ring->keys);
		return 0;
	}
	return -GT_EUNKNOWN;
}

void gt_keyring_wipe(struct gt_keyring *ring)
{
	OPENSSL_cleanse(ring, sizeof *ring);
}

static int load_aliases(struct gt_aliases **out, char *why, size_t why_cap)
{
	struct gt_buffer text;
	char what[200];
	*out = NULL;
	int status = gt_files_read(GT_DIR_ALIASES, GT_ALIAS_FILE, &text, why,
	                           why_cap);
	if (status != 0)
		return status == -GT_EUNKNOWN ? 0 : status;
	status = gt_aliases_new(out, gt_buffer_bytes(&text), what, sizeof what);
	gt_buffer_wipe(&text);
	if (status != 0)
		gt_format(why, why_cap, GT_DIR_ALIASES ": %s", what);
	return status;
}

int gt_keyring_load(struct gt_keyring *out, struct gt_aliases **aliases,
                    char *why, size_t why_cap)
{
	struct gt_buffer text;
	*aliases = NULL;
	out->n = 0;
	int status =
	        gt_files_read(GT_DIR_KEYRING, FILE_MAX, &text, why, why_cap);
	if (status == 0)
		status = gt_keyring_parse(out, gt_buffer_bytes(&text), why,
		                          why_cap);
	else if (status == -GT_EUNKNOWN)
		status = 0;
	gt_buffer_wipe(&text);
	return status ? status : load_aliases(aliases, why, why_cap);
}
