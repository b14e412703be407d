#include "multikey.h"

#include <string.h>

static const char alphabet[] =
        "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const uint8_t ed25519[] = {0xed, 0x01};

enum { MULTIKEY_BYTES = sizeof ed25519 + GT_KEY_BYTES };

/* Divides the big number by 58 and returns what is left over. */
static unsigned divide(uint8_t *number, size_t n)
{
	unsigned rest = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned part = rest << 8 | number[i];
		number[i] = (uint8_t)(part / 58);
		rest = part % 58;
	}
	return rest;
}

static bool zero(const uint8_t *number, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (number[i] != 0)
			return false;
	return true;
}

void gt_base58_format(char out[GT_BASE58_CHARS], const void *p, size_t n)
{
	uint8_t number[GT_BASE58_BYTES];
	char digits[GT_BASE58_CHARS];
	size_t lead = 0, count = 0, at = 0;
	assert(n <= sizeof number);
	memcpy(number, p, n);
	while (lead < n && number[lead] == 0)
		lead++;
	while (!zero(number, n))
		digits[count++] = alphabet[divide(number, n)];
	out[at++] = 'z';
	/* a zero byte in front has no weight, so it is written out */
	while (lead-- > 0)
		out[at++] = alphabet[0];
	while (count > 0)
		out[at++] = digits[--count];
	out[at] = '\0';
}

/* number * 58 + digit. False: it does not fit. */
static bool append(uint8_t *number, size_t n, unsigned digit)
{
	for (size_t i = n; i-- > 0;) {
		digit += number[i] * 58u;
		number[i] = (uint8_t)digit;
		digit >>= 8;
	}
	return digit == 0;
}

bool gt_base58_parse(uint8_t *out, size_t n, const char *text)
{
	uint8_t number[GT_BASE58_BYTES] = {0};
	size_t lead = 0, zeros = 0;
	assert(n <= sizeof number);
	if (*text++ != 'z')
		return false;
	while (text[lead] == alphabet[0])
		lead++;
	for (const char *c = text; *c; c++) {
		const char *digit = strchr(alphabet, *c);
		if (!digit || !append(number, n, (unsigned)(digit - alphabet)))
			return false;
	}
	while (zeros < n && number[zeros] == 0)
		zeros++;
	if (zeros != lead)
		return false;
	memcpy(out, number, n);
	return true;
}

void gt_multikey_format(char out[GT_MULTIKEY_CHARS],
                        const uint8_t public[GT_KEY_BYTES])
{
	uint8_t bytes[MULTIKEY_BYTES];
	char text[GT_BASE58_CHARS];
	memcpy(bytes, ed25519, sizeof ed25519);
	memcpy(bytes + sizeof ed25519, public, GT_KEY_BYTES);
	gt_base58_format(text, bytes, sizeof bytes);
	gt_copy(out, GT_MULTIKEY_CHARS, text);
}

bool gt_multikey_parse(uint8_t out[GT_KEY_BYTES], const char *text)
{
	uint8_t bytes[MULTIKEY_BYTES];
	if (!gt_base58_parse(bytes, sizeof bytes, text) ||
	    memcmp(bytes, ed25519, sizeof ed25519) != 0)
		return false;
	memcpy(out, bytes + sizeof ed25519, GT_KEY_BYTES);
	return true;
}
