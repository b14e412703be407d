/* qr.h: a text as a QR code, drawn in the page itself.
 *
 * It is SVG between the page's other elements: no request goes anywhere for it,
 * and the page's policy needs no exception. It is black on white in both colour
 * schemes and on paper, with the quiet margin that readers want, and tells who
 * does not see it what it is.
 * Tests: u_qr.c; read back from the page in e2e/test_certificates.py. */
#ifndef GT_QR_H
#define GT_QR_H

#include "buffer.h"

enum {
	GT_QR_TEXT_MAX = 400, /* bytes */
	GT_QR_MARGIN = 4,     /* modules of quiet around it */
};

/* Appends it with a label, which is escaped here. False, and nothing: the text is
 * longer, empty, or memory was short. */
bool gt_out_qr(struct gt_buffer *o, const char *text, const char *label);

#endif
