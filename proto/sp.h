/* sp.h: the bytes between two ends of a link (PROTOCOL.md, "Transport").
 *
 * Scalability-protocol framing exactly as nng's REQ and REP put it on a TCP
 * stream: an 8-byte header each way, then messages of a 64-bit length, a 32-bit
 * request id and a body. guantong's body is a 32-bit head length, the head, and
 * the payload. Pure: bytes in, bytes out; limits are the caller's. */
#ifndef GT_SP_H
#define GT_SP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GT_SP_HEADER_BYTES = 8,
	GT_SP_REQ = 0x30,        /* protocol number of the end that dials */
	GT_SP_REP = 0x31,        /* of the end that listens */
	GT_SP_PREFIX_BYTES = 12, /* length and request id, read */
	GT_SP_LEAD_BYTES = 16,   /* and head length, written */
};
#define GT_SP_TOKEN_MAX 0x7fffffffu

/* Writes the header an end begins with (rule T1). */
void gt_sp_put_header(uint8_t out[GT_SP_HEADER_BYTES], uint16_t protocol);
/* The header is well-formed and names this protocol (rule T2). */
bool gt_sp_header_is(const uint8_t in[GT_SP_HEADER_BYTES], uint16_t protocol);

enum gt_sp_status {
	GT_SP_OK,
	GT_SP_MORE,  /* fewer than GT_SP_PREFIX_BYTES are here */
	GT_SP_SHORT, /* too short to hold a request id (T4) */
	GT_SP_LONG,  /* longer than max (T5) */
	GT_SP_ID,    /* the first word is no request id (T6) */
};
/* A sentence for each but OK and MORE. */
const char *gt_sp_strerror(enum gt_sp_status status);

struct gt_sp_prefix {
	size_t body;    /* bytes after the request id */
	uint32_t token; /* request id without its top bit */
};
/* Reads the start of a message from the n bytes at p. max: most bytes after the
 * length word. Nothing is to be allocated for a message before this says OK. */
enum gt_sp_status gt_sp_parse(const uint8_t *p, size_t n, size_t max,
                              struct gt_sp_prefix *out);

/* Splits a body of n bytes: the head is body[4 .. 4 + *head), the payload the
 * rest. False (T7): it has no such shape, or a part is over its limit. */
bool gt_sp_split(const uint8_t *body, size_t n, size_t head_max,
                 size_t payload_max, size_t *head);

/* Everything that goes before a message's head. */
void gt_sp_put_lead(uint8_t out[GT_SP_LEAD_BYTES], uint32_t token, size_t head,
                    size_t payload);

#endif
