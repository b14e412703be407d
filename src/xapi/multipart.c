#include "multipart.h"

#include <string.h>

enum state {
	PREAMBLE, /* before the first boundary */
	BODY,     /* in a part */
	LINE,     /* behind a boundary */
	DASH,     /* ... and one dash */
	SPACE,    /* ... and space */
	LF,       /* ... and CR */
	HEAD,     /* lines of a part's head */
	EPILOGUE, /* behind the last boundary */
	BROKEN,
};

static bool same(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (gt_lower(a[i]) != gt_lower(b[i]))
			return false;
	return true;
}

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

/* --------------------------------------------------- content types */

bool gt_multipart_is(const char *content_type)
{
	static const char family[] = "multipart/";
	const char *p = skip_space(content_type);
	return strlen(p) >= sizeof family - 1 &&
	       same(p, family, sizeof family - 1);
}

/* RFC 2046 5.1.1 */
static bool fits(const char *boundary)
{
	static const char chars[] = "0123456789abcdefghijklmnopqrstuvwxyz"
	                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? ";
	size_t n = strlen(boundary);
	return n > 0 && strspn(boundary, chars) == n && boundary[n - 1] != ' ';
}

/* A parameter's value, in quotes or not. NULL: it does not fit. */
static const char *value(const char *p, char *out, size_t cap)
{
	bool quoted = *p == '"';
	size_t n = 0;
	p += quoted;
	for (; *p && (quoted ? *p != '"' : !strchr("; \t", *p)); p++) {
		if (quoted && *p == '\\' && p[1])
			p++;
		if (n + 1 < cap)
			out[n] = *p;
		n++;
	}
	if (n >= cap || (quoted && *p != '"'))
		return NULL;
	out[n] = '\0';
	return p + quoted;
}

bool gt_multipart_boundary(char out[GT_BOUNDARY_MAX + 1],
                           const char *content_type)
{
	static const char mixed[] = "multipart/mixed", name[] = "boundary=";
	const char *p = skip_space(content_type);
	char other[GT_PART_FIELD_MAX];
	if (strlen(p) < sizeof mixed - 1 || !same(p, mixed, sizeof mixed - 1))
		return false;
	p = skip_space(p + sizeof mixed - 1);
	while (*p == ';') {
		p = skip_space(p + 1);
		size_t n = strcspn(p, "=;");
		bool is = n == sizeof name - 2 && same(p, name, n);
		p += n;
		if (*p != '=')
			continue;
		p = value(p + 1, is ? out : other,
		          is ? GT_BOUNDARY_MAX + 1 : sizeof other);
		if (is || !p)
			return p && fits(out);
		p = skip_space(p);
	}
	return false;
}

/* ------------------------------------------------------------ heads */

static int refuse(struct gt_multipart *m, int code, const char *why)
{
	m->why = why;
	return code;
}

/* A field's value into out, once. */
static int take_value(struct gt_multipart *m, char out[GT_PART_FIELD_MAX],
                      const char *p, size_t n)
{
	if (*out)
		return refuse(m, -GT_EINVALID,
		              "a part has a field of its head twice");
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (n >= GT_PART_FIELD_MAX)
		return refuse(m, -GT_ELIMIT,
		              "a field of a part's head is too long");
	memcpy(out, p, n);
	out[n] = '\0';
	return 0;
}

/* One line of the head, without its end. */
static int take_field(struct gt_multipart *m, struct gt_part *part,
                      const char *line, size_t n)
{
	const struct {
		const char *name;
		char *out;
	} fields[] = {
	        {"content-type", part->type},
	        {"content-transfer-encoding", part->encoding},
	        {"x-experience-api-hash", part->hash},
	};
	const char *colon = memchr(line, ':', n);
	if (!colon || colon == line)
		return refuse(m, -GT_EINVALID,
		              "a line in a part's head has no name");
	size_t name = (size_t)(colon - line), at = name + 1;
	while (at < n && (line[at] == ' ' || line[at] == '\t'))
		at++;
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (strlen(fields[i].name) == name &&
		    same(line, fields[i].name, name))
			return take_value(m, fields[i].out, line + at, n - at);
	return 0;
}

/* Where the line at p ends: a CR LF that no space follows. */
static size_t line_end(const char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (p[i] == '\r' && p[i + 1] == '\n' &&
		    (i + 2 == n || (p[i + 2] != ' ' && p[i + 2] != '\t')))
			return i;
	return n;
}

static bool has_controls(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f)
			return true;
	return false;
}

/* The head is whole: each of its lines ends in CR LF. */
static int take_head(struct gt_multipart *m)
{
	struct gt_part part = {"", "", ""};
	char *p = (char *)m->head.p;
	size_t n = m->head.n;
	int status = 0;
	while (status == 0 && n > 0) {
		size_t end = line_end(p, n);
		/* what was folded is one line */
		for (size_t i = 0; i < end; i++)
			if (p[i] == '\r' && i + 1 < end && p[i + 1] == '\n')
				p[i] = p[i + 1] = ' ';
		if (has_controls((const uint8_t *)p, end))
			return refuse(m, -GT_EINVALID,
			              "control characters in a part's head");
		status = take_field(m, &part, p, end);
		p += end + 2;
		n -= end + 2;
	}
	m->head.n = 0;
	m->in_part = true;
	m->parts++;
	return status ? status : m->events->part(m->arg, &part);
}

static bool ends(const struct gt_buffer *b, const char *end)
{
	size_t n = strlen(end);
	return b->n >= n && memcmp(b->p + b->n - n, end, n) == 0;
}

/* Bytes of the head, up to its end. */
static int feed_head(struct gt_multipart *m, struct gt_bytes *in)
{
	while (in->n > 0) {
		if (m->head.n >= GT_PART_HEAD_MAX)
			return refuse(m, -GT_ELIMIT,
			              "a part's head is too long");
		if (!gt_buffer_add(&m->head, in->p, 1))
			return -GT_ENOMEM;
		in->p++;
		in->n--;
		bool none = m->head.n == 2 && ends(&m->head, "\r\n");
		if (!none && !ends(&m->head, "\r\n\r\n"))
			continue;
		m->head.n -= 2;
		/* the boundary of an empty part may begin with the line that
		 * ends the head */
		m->state = BODY;
		m->met = m->line = 2;
		return take_head(m);
	}
	return 0;
}

/* ----------------------------------------------------------- bodies */

static int give(struct gt_multipart *m, const void *p, size_t n)
{
	return m->in_part && n > 0 ? m->events->bytes(m->arg, gt_bytes_of(p, n))
	                           : 0;
}

/* What was met is no boundary: it was data, but for the line's end that was
 * none. CR stands at its beginning alone, so nothing in it begins another. */
static int not_met(struct gt_multipart *m)
{
	size_t from = m->line, n = m->met;
	m->met = m->line = 0;
	return n > from ? give(m, m->boundary + from, n - from) : 0;
}

/* Data up to the end of a boundary, or of the piece. */
static int feed_body(struct gt_multipart *m, struct gt_bytes *in)
{
	while (in->n > 0 && m->met < m->n) {
		if (*in->p == (uint8_t)m->boundary[m->met]) {
			m->met++;
			in->p++;
			in->n--;
			continue;
		}
		int status = not_met(m);
		if (status != 0)
			return status;
		const uint8_t *cr = memchr(in->p, '\r', in->n);
		size_t n = cr ? (size_t)(cr - in->p) : in->n;
		status = give(m, in->p, n);
		in->p += n;
		in->n -= n;
		if (status != 0)
			return status;
	}
	if (m->met < m->n)
		return 0;
	bool was = m->in_part;
	m->in_part = false;
	m->met = m->line = 0;
	m->state = LINE;
	return was ? m->events->end(m->arg) : 0;
}

/* ------------------------------------------------------- boundaries */

static int feed_line(struct gt_multipart *m, struct gt_bytes *in)
{
	char c = (char)*in->p;
	int old = m->state;
	in->p++;
	in->n--;
	if (c == '-' && old == LINE)
		m->state = DASH;
	else if (c == '-' && old == DASH)
		m->state = EPILOGUE;
	else if ((c == ' ' || c == '\t') && (old == LINE || old == SPACE))
		m->state = SPACE;
	else if (c == '\r' && (old == LINE || old == SPACE))
		m->state = LF;
	else if (c == '\n' && old == LF)
		m->state = HEAD;
	else
		return refuse(m, -GT_EINVALID,
		              "the line of a boundary does not end with it");
	return 0;
}

void gt_multipart_begin(struct gt_multipart *m, const char *boundary,
                        const struct gt_multipart_events *events, void *arg)
{
	*m = (struct gt_multipart){.events = events, .arg = arg};
	gt_format(m->boundary, sizeof m->boundary, "\r\n--%s", boundary);
	m->n = strlen(m->boundary);
	/* it may be the first line */
	m->met = m->line = 2;
}

int gt_multipart_feed(struct gt_multipart *m, struct gt_bytes in)
{
	int status = 0;
	assert(m->state != BROKEN);
	while (status == 0 && in.n > 0) {
		switch (m->state) {
		case PREAMBLE:
		case BODY:
			status = feed_body(m, &in);
			break;
		case HEAD:
			status = feed_head(m, &in);
			break;
		case EPILOGUE:
			return 0;
		default:
			status = feed_line(m, &in);
			break;
		}
	}
	if (status != 0)
		m->state = BROKEN;
	return status;
}

int gt_multipart_end(struct gt_multipart *m)
{
	if (m->state == EPILOGUE)
		return 0;
	bool none = m->state == PREAMBLE;
	m->state = BROKEN;
	return refuse(m, -GT_EINVALID,
	              none ? "the boundary that Content-Type names is not in "
	                     "the body"
	                   : "the boundary that ends the body is missing");
}

void gt_multipart_free(struct gt_multipart *m)
{
	gt_buffer_free(&m->head);
}

/* ---------------------------------------------------------- writing */

void gt_multipart_put(struct gt_buffer *out, const char *boundary, bool first,
                      const char *type, const char *hash)
{
	gt_buffer_format(out, "%s--%s\r\nContent-Type: %s\r\n",
	                 first ? "" : "\r\n", boundary, type);
	if (*hash)
		gt_buffer_format(out,
		                 "Content-Transfer-Encoding: binary\r\n"
		                 "X-Experience-API-Hash: %s\r\n",
		                 hash);
	gt_buffer_str(out, "\r\n");
}

void gt_multipart_close(struct gt_buffer *out, const char *boundary)
{
	gt_buffer_format(out, "\r\n--%s--\r\n", boundary);
}
