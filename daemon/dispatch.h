/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is done with a message: which procedure, whether it may be called now
 * and by this client, and on to its handler.
 */
#ifndef VIRGATE_DAEMON_DISPATCH_H
#define VIRGATE_DAEMON_DISPATCH_H

#include <virgate/driver.h>

#include "common/mem.h"
#include "core/wire.h"

struct session;

/* Handle one message of a session (opaque); a wire_frame_fn. */
enum wire_verdict dispatch_frame (void *opaque, const struct frame *frame);

/* Calls that were held back: take up as many as may go on; drop all. */
void dispatch_held (struct session *session);
void dispatch_drop_held (struct session *session);

/* Answer a message with an error. */
SELDOM void dispatch_refuse (struct session *session,
                             const struct frame_header *head, int32_t code,
                             int32_t domain, const char *fmt, ...)
  VIRGATE_PRINTF (5, 6);
SELDOM void dispatch_refuse_record (struct session *session,
                                    const struct frame_header *head,
                                    const struct virgate_error *error);

/* Append an error as a message of this type about a call.  0, or -1 with
 * errno.
 */
int error_reply (struct buf *out, const struct frame_header *call_head,
                 int32_t type, const struct virgate_error *error);

#endif /* VIRGATE_DAEMON_DISPATCH_H */
