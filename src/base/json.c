#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gt_bytes gt_json_unmarked(struct gt_bytes text)
{
	static const char mark[] = "\xef\xbb\xbf";
	bool marked = text.n >= 3 && memcmp(text.p, mark, 3) == 0;
	return marked ? gt_bytes_of(text.p + 3, text.n - 3) : text;
}

/* Of this thread, since it began to read. */
static _Thread_local bool starved;

static void *watched(size_t n)
{
	void *p = malloc(n);
	starved = starved || !p;
	return p;
}

void gt_json_watch(void)
{
	json_set_alloc_funcs(watched, free);
}

json_t *gt_json_load(struct gt_bytes text, size_t flags, json_error_t *error)
{
	json_error_t own;
	error = error ? error : &own;
	starved = false;
	json_t *v = json_loadb((const char *)text.p, text.n, flags, error);
	if (!starved)
		return v;
	json_decref(v);
	memset(error->text, 0, sizeof error->text);
	error->text[sizeof error->text - 1] = json_error_out_of_memory;
	return NULL;
}

const char *gt_json_flaw(const json_error_t *error)
{
	switch ((int)json_error_code(error)) {
	case json_error_out_of_memory:
		return "out of memory";
	case json_error_stack_overflow:
		return "nested too deep";
	case json_error_invalid_utf8:
		return "a text is not UTF-8";
	case json_error_premature_end_of_input:
		return "it ends too early";
	case json_error_end_of_input_expected:
		return "something follows it";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a text holds \\u0000, which cannot be kept";
	case json_error_duplicate_key:
		return "duplicate name in an object";
	case json_error_numeric_overflow:
		return "a number is too large";
	default:
		return "a character is not expected there";
	}
}

const char *gt_json_string(const json_t *v)
{
	return json_is_string(v) ? json_string_value(v) : "";
}

const char *gt_json_member(const json_t *object, const char *key)
{
	return gt_json_string(json_object_get(object, key));
}

/* ----------------------------------------------------------- output */

static void put_escape(struct gt_buffer *o, unsigned char c)
{
	static const char named[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	char text[8];
	for (size_t i = 0; i + 1 < sizeof named; i += 2) {
		if ((unsigned char)named[i] == c) {
			gt_format(text, sizeof text, "\\%c", named[i + 1]);
			gt_buffer_str(o, text);
			return;
		}
	}
	gt_format(text, sizeof text, "\\u%04x", c);
	gt_buffer_str(o, text);
}

/* Bytes that mean themselves in a string. */
static size_t plain(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && (unsigned char)s[i] >= 0x20 && s[i] != '"' &&
	       s[i] != '\\')
		i++;
	return i;
}

void gt_json_put_string(struct gt_buffer *o, const char *s, size_t n)
{
	size_t run = plain(s, n);
	if (run == n && gt_buffer_room(o, n + 2)) {
		uint8_t *w = o->p + o->n;
		w[0] = '"';
		if (n)
			memcpy(w + 1, s, n);
		w[n + 1] = '"';
		w[n + 2] = '\0';
		o->n += n + 2;
		return;
	}
	gt_buffer_add(o, "\"", 1);
	for (size_t i = 0; i < n; i += run + 1) {
		run = plain(s + i, n - i);
		gt_buffer_add(o, s + i, run);
		if (i + run < n)
			put_escape(o, (unsigned char)s[i + run]);
	}
	gt_buffer_add(o, "\"", 1);
}

/* ---------------------------------------------------------- numbers */

enum { DIGITS_MAX = 17 };

/* d = 0.d1d2d3… × 10^point. */
struct decimal {
	char digit[DIGITS_MAX + 1];
	int n, point;
};

static double decimal_value(const struct decimal *x)
{
	char text[48];
	gt_format(text, sizeof text, "%se%d", x->digit, x->point - x->n);
	return strtod(text, NULL);
}

static void decimal_round(struct decimal *x, double d, int n)
{
	char text[48];
	gt_format(text, sizeof text, "%.*e", n - 1, d);
	/* The point's character is the locale's; there is one unless n is 1. */
	char *e = strchr(text, 'e');
	x->digit[0] = text[0];
	memcpy(x->digit + 1, text + 2, (size_t)(n - 1));
	x->digit[n] = '\0';
	x->n = n;
	x->point = (int)strtol(e + 1, NULL, 10) + 1;
}

/* One unit up in the last place. */
static void decimal_step(struct decimal *x)
{
	int i = x->n - 1;
	while (i >= 0 && x->digit[i] == '9')
		x->digit[i--] = '0';
	if (i >= 0) {
		x->digit[i]++;
		return;
	}
	x->digit[0] = '1';
	x->point++;
}

/* Just above a power of two the doubles lie closer together below than above:
 * there the nearest decimal can miss while the next one up reads back. */
static bool decimal_fits(struct decimal *x, double d, int n)
{
	decimal_round(x, d, n);
	if (decimal_value(x) == d)
		return true;
	decimal_step(x);
	return decimal_value(x) == d;
}

static void decimal_shortest(struct decimal *x, double d)
{
	/* So many digits survive the way through a double and back: fifteen, or,
	 * of one below the normal ones, as many as its bits allow. Fewer need not
	 * be tried: their zeros are stripped. */
	int exp;
	(void)frexp(d, &exp);
	int bits = exp + 1074, n = bits > 52 ? 15 : (bits - 1) * 301 / 1000;
	n = n > 0 ? n : 1;
	while (n < DIGITS_MAX && !decimal_fits(x, d, n))
		n++;
	if (n == DIGITS_MAX)
		decimal_round(x, d, n);
	while (x->n > 1 && x->digit[x->n - 1] == '0')
		x->digit[--x->n] = '\0';
}

static char *put_digits(char *w, const char *p, int n)
{
	memcpy(w, p, (size_t)n);
	return w + n;
}

static char *put_zeros(char *w, int n)
{
	memset(w, '0', (size_t)n);
	return w + n;
}

static size_t decimal_write(char *out, size_t cap, const struct decimal *x)
{
	int exp = x->point - 1;
	char *w = out;
	if (x->n <= x->point && x->point <= 21) {
		w = put_digits(w, x->digit, x->n);
		w = put_zeros(w, x->point - x->n);
	} else if (0 < x->point && x->point <= 21) {
		w = put_digits(w, x->digit, x->point);
		*w++ = '.';
		w = put_digits(w, x->digit + x->point, x->n - x->point);
	} else if (-6 < x->point && x->point <= 0) {
		w = put_zeros(put_digits(w, "0.", 2), -x->point);
		w = put_digits(w, x->digit, x->n);
	} else {
		gt_format(out, cap, "%c%s%se%+d", x->digit[0],
		          x->n > 1 ? "." : "", x->digit + 1, exp);
		return strlen(out);
	}
	*w = '\0';
	return (size_t)(w - out);
}

size_t gt_json_number(char out[GT_JSON_NUMBER_CHARS], double d)
{
	assert(isfinite(d));
	/* Integers this small are exact and most of what there is. */
	if (fabs(d) < 1e15 && d == (double)(int64_t)d) {
		gt_format(out, GT_JSON_NUMBER_CHARS, "%lld", (long long)d);
		return strlen(out);
	}
	struct decimal x;
	size_t sign = d < 0;
	decimal_shortest(&x, fabs(d));
	out[0] = '-';
	return sign +
	       decimal_write(out + sign, GT_JSON_NUMBER_CHARS - sign, &x);
}

/* ---------------------------------------------- numbers as written */

/* More digits tell no two doubles apart, but for whether any follows. */
enum { DIGITS_KEPT = 800, EXPONENT_FAR = 1000000 };

/* As struct decimal, of as many digits as were asked for, without zeros at
 * either end. n is 0: zero. */
struct written {
	char digit[DIGITS_KEPT + 2];
	int n, most;
	int64_t point;
	bool minus;
};

static void written_digit(struct written *x, char c, int zeros)
{
	while (zeros-- > 0 && x->n < x->most)
		x->digit[x->n++] = '0';
	/* what is cut off is not nothing */
	if (x->n < x->most)
		x->digit[x->n++] = c;
	else
		x->digit[x->most] = '1';
}

static int64_t written_exponent(const char *p, const char *end)
{
	int64_t v = 0;
	bool minus = *p == '-';
	for (p += *p == '-' || *p == '+'; p < end; p++)
		if (v < EXPONENT_FAR)
			v = v * 10 + (*p - '0');
	return minus ? -v : v;
}

/* most: up to DIGITS_KEPT; one more is put behind them where any follows. */
static void written_read(struct written *x, const char *p, size_t n, int most)
{
	const char *end = p + n;
	int zeros = 0;
	bool begun = false, fraction = false;
	x->n = 0;
	x->most = most;
	x->point = 0;
	x->digit[most] = '\0';
	x->minus = *p == '-';
	for (p += x->minus; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			fraction = true;
			continue;
		}
		begun = begun || *p != '0';
		x->point += begun && !fraction;
		x->point -= !begun && fraction;
		if (*p != '0')
			written_digit(x, *p, zeros);
		zeros = *p != '0' || !begun ? 0 : zeros + 1;
	}
	if (p < end)
		x->point += written_exponent(p + 1, end);
	if (x->n == most && x->digit[most] == '1')
		x->n++;
	x->digit[x->n] = '\0';
}

/* Of few digits and near the point: products of two doubles that are exact. */
static bool written_small(const struct written *x, double *d)
{
	static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,
	                              1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
	                              1e18, 1e19, 1e20, 1e21, 1e22};
	int64_t exp = x->point - x->n, v = 0;
	if (x->n > 15 || exp < -22 || exp > 22)
		return false;
	for (int i = 0; i < x->n; i++)
		v = v * 10 + (x->digit[i] - '0');
	*d = exp < 0 ? (double)v / tens[-exp] : (double)v * tens[exp];
	return true;
}

double gt_json_number_value(const char *text, size_t n)
{
	struct written x;
	double d = 0;
	written_read(&x, text, n, DIGITS_KEPT);
	if (!written_small(&x, &d) && x.point > -EXPONENT_FAR) {
		/* without a point, whose character is the locale's */
		char whole[DIGITS_KEPT + 32];
		gt_format(whole, sizeof whole, "%se%lld", x.digit,
		          (long long)(x.point - x.n));
		d = strtod(whole, NULL);
	}
	return x.minus ? -d : d;
}

bool gt_json_number_fits(const char *text, size_t n)
{
	struct written x;
	written_read(&x, text, n, 1);
	if (x.n == 0 || x.point < 309)
		return true;
	return x.point == 309 && isfinite(gt_json_number_value(text, n));
}

void gt_json_put_number(struct gt_buffer *o, const char *text, size_t n)
{
	enum { SAFE = 15 }; /* so many digits survive a double */
	struct written x;
	struct decimal short_;
	char out[GT_JSON_NUMBER_CHARS];
	written_read(&x, text, n, SAFE);
	if (x.n == 0 || x.n > SAFE || x.point < -290 || x.point > 290) {
		n = gt_json_number(out, gt_json_number_value(text, n));
		gt_buffer_add(o, out, n);
		return;
	}
	memcpy(short_.digit, x.digit, (size_t)x.n + 1);
	short_.n = x.n;
	short_.point = (int)x.point;
	if (x.minus)
		gt_buffer_add(o, "-", 1);
	n = decimal_write(out, sizeof out, &short_);
	gt_buffer_add(o, out, n);
}

/* -------------------------------------------------------- canonical */

struct name {
	const char *p;
	size_t n;
	const json_t *value;
};

/* RFC 8785 sorts by UTF-16 units. UTF-8 sorts by code point, which differs only
 * in that U+10000 and beyond come before U+E000..U+FFFF. */
static int rank(unsigned char lead)
{
	return lead == 0xee || lead == 0xef ? lead + 0x20 : lead;
}

static int by_units(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	size_t n = x->n < y->n ? x->n : y->n;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)x->p[i];
		unsigned char d = (unsigned char)y->p[i];
		if (c != d)
			return rank(c) - rank(d);
	}
	return x->n < y->n ? -1 : x->n > y->n;
}

/* objects and arrays hold values, which may be objects and arrays */
static int canon(struct gt_buffer *o, const json_t *v, int depth);

static int canon_names(struct gt_buffer *o, struct name *names, size_t n,
                       int depth)
{
	qsort(names, n, sizeof *names, by_units);
	gt_buffer_add(o, "{", 1);
	for (size_t i = 0; i < n; i++) {
		if (i)
			gt_buffer_add(o, ",", 1);
		gt_json_put_string(o, names[i].p, names[i].n);
		gt_buffer_add(o, ":", 1);
		int rc = canon(o, names[i].value, depth + 1);
		if (rc)
			return rc;
	}
	gt_buffer_add(o, "}", 1);
	return 0;
}

static int canon_object(struct gt_buffer *o, const json_t *v, int depth)
{
	enum { FEW = 16 };
	struct name few[FEW];
	size_t n = json_object_size(v), i = 0;
	struct name *names = n <= FEW ? few : calloc(n, sizeof *names);
	if (!names)
		return -GT_ENOMEM;
	const char *key;
	json_t *value, *whole = gt_lend(v);
	json_object_foreach(whole, key, value)
	{
		names[i++] = (struct name){key, strlen(key), value};
	}
	int rc = canon_names(o, names, i, depth);
	if (names != few)
		free(names);
	return rc;
}

static int canon_array(struct gt_buffer *o, const json_t *v, int depth)
{
	gt_buffer_add(o, "[", 1);
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (i)
			gt_buffer_add(o, ",", 1);
		int rc = canon(o, json_array_get(v, i), depth + 1);
		if (rc)
			return rc;
	}
	gt_buffer_add(o, "]", 1);
	return 0;
}

static int canon(struct gt_buffer *o, const json_t *v, int depth)
{
	char number[GT_JSON_NUMBER_CHARS];
	if (depth > GT_JSON_DEPTH)
		return -GT_ELIMIT;
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return canon_object(o, v, depth);
	case JSON_ARRAY:
		return canon_array(o, v, depth);
	case JSON_STRING:
		gt_json_put_string(o, json_string_value(v),
		                   json_string_length(v));
		return 0;
	case JSON_INTEGER:
	case JSON_REAL:
		gt_buffer_add(o, number,
		              gt_json_number(number, json_number_value(v)));
		return 0;
	case JSON_TRUE:
		gt_buffer_str(o, "true");
		return 0;
	case JSON_FALSE:
		gt_buffer_str(o, "false");
		return 0;
	case JSON_NULL:
		gt_buffer_str(o, "null");
		return 0;
	}
	return -GT_ELIMIT;
}

int gt_json_canon(struct gt_buffer *o, const json_t *v)
{
	int rc = canon(o, v, 1);
	return rc ? rc : o->failed ? -GT_ENOMEM : 0;
}

/* ----------------------------------------------------------- bounds */

size_t gt_json_space(struct gt_bytes in, size_t at)
{
	while (at < in.n && (in.p[at] == ' ' || in.p[at] == '\t' ||
	                     in.p[at] == '\n' || in.p[at] == '\r'))
		at++;
	return at;
}

/* Neither a quote nor a bracket of any kind. */
static bool dull(uint8_t c)
{
	return c != '"' && (c | 0x20) != '{' && (c | 0x20) != '}';
}

/* One past the closing quote; 0: it never closes. at is on the first quote. */
static size_t string_end(struct gt_bytes in, size_t at)
{
	at++;
	while (at < in.n && in.p[at] != '"')
		at += in.p[at] == '\\' ? 2 : 1;
	return at < in.n ? at + 1 : 0;
}

static size_t scalar_end(struct gt_bytes in, size_t at)
{
	size_t from = at;
	while (at < in.n && !strchr(",:]}[{\" \t\r\n", in.p[at]))
		at++;
	return at > from ? at : 0;
}

/* One past the bracket that closes the one at `at`; 0: none, or too deep. */
static size_t nest_end(struct gt_bytes in, size_t at)
{
	char close[GT_JSON_DEPTH];
	size_t depth = 0;
	while (at < in.n) {
		char c = (char)in.p[at];
		if (dull(in.p[at])) {
			at++;
			continue;
		}
		if (c == '"') {
			at = string_end(in, at);
			if (at == 0)
				return 0;
			continue;
		}
		if (c == '{' || c == '[') {
			if (depth == GT_JSON_DEPTH)
				return 0;
			close[depth++] = c == '{' ? '}' : ']';
		} else if (c == '}' || c == ']') {
			if (close[--depth] != c)
				return 0;
		}
		at++;
		if (depth == 0)
			return at;
	}
	return 0;
}

/* One past the value that begins at `at`; 0: there is none. */
static size_t value_end(struct gt_bytes in, size_t at)
{
	if (at >= in.n)
		return 0;
	if (in.p[at] == '"')
		return string_end(in, at);
	if (in.p[at] == '{' || in.p[at] == '[')
		return nest_end(in, at);
	return scalar_end(in, at);
}

static struct gt_bytes slice(struct gt_bytes in, size_t from, size_t to)
{
	return gt_bytes_of(in.p + from, to - from);
}

char gt_json_open(struct gt_json_iter *it, struct gt_bytes in)
{
	size_t at = gt_json_space(in, 0);
	if (at == in.n || (in.p[at] != '[' && in.p[at] != '{'))
		return 0;
	bool array = in.p[at] == '[';
	*it = (struct gt_json_iter){.in = in, .at = at + 1};
	it->close = '}';
	if (array)
		it->close = ']';
	return (char)in.p[at];
}

/* The next value's bounds; false: there is none where one must be. */
static bool take(struct gt_json_iter *it, struct gt_bytes *value)
{
	it->at = gt_json_space(it->in, it->at);
	size_t end = value_end(it->in, it->at);
	if (end == 0)
		return false;
	*value = slice(it->in, it->at, end);
	it->at = gt_json_space(it->in, end);
	return true;
}

static bool take_char(struct gt_json_iter *it, char c)
{
	it->at = gt_json_space(it->in, it->at);
	if (it->at == it->in.n || (char)it->in.p[it->at] != c)
		return false;
	it->at++;
	return true;
}

int gt_json_next(struct gt_json_iter *it, struct gt_bytes *key,
                 struct gt_bytes *value)
{
	*key = gt_bytes_of(NULL, 0);
	if (take_char(it, it->close)) {
		it->at = gt_json_space(it->in, it->at);
		return it->at == it->in.n ? 0 : -GT_EMALFORMED;
	}
	if (it->begun && !take_char(it, ','))
		return -GT_EMALFORMED;
	it->begun = true;
	if (it->close == '}' &&
	    (!take(it, key) || key->p[0] != '"' || !take_char(it, ':')))
		return -GT_EMALFORMED;
	return take(it, value) ? 1 : -GT_EMALFORMED;
}

bool gt_json_trim(struct gt_bytes *in)
{
	size_t from = gt_json_space(*in, 0);
	size_t end = value_end(*in, from);
	if (end == 0 || gt_json_space(*in, end) != in->n)
		return false;
	*in = slice(*in, from, end);
	return true;
}
