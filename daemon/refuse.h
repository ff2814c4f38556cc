/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Errors that the daemon itself sends, in libvirt's words: about messages
 * that nothing was decoded of yet, and about calls.
 */
#ifndef VIRGATE_DAEMON_REFUSE_H
#define VIRGATE_DAEMON_REFUSE_H

#include <virgate/driver.h>

#include "common/buf.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/frame.h"
#include "protocol/table.h"

struct session;

/* Append an error to out, as a message of this type about a call.  0, or -1
 * with errno.  Any thread.
 */
int error_reply (struct buf *out, const struct frame_header *call_head,
                 int32_t type, const struct virgate_error *error);

/* The same to the client of a session, which breaks without memory. */
SELDOM void refuse_send (struct session *session,
                         const struct frame_header *call_head, int32_t type,
                         const struct virgate_error *error);

/* Answer a message with an error. */
SELDOM void refuse_message (struct session *session,
                            const struct frame_header *head, int32_t code,
                            int32_t domain, const char *fmt, ...)
  VIRGATE_PRINTF (5, 6);

/* Descriptors cannot get through: what libvirt's clients say themselves.
 * doing: "Sending" or "Receiving".
 */
SELDOM void refuse_fds (struct session *session,
                        const struct frame_header *head, const char *doing);

/* Answer what is no proper call, whoever sent it; the trail has it, with the
 * same words.
 */
SELDOM void refuse_no_call (struct session *session,
                            const struct frame_header *head, const char *fmt,
                            ...) VIRGATE_PRINTF (3, 4);

/* There is no such procedure; its arguments cannot be decoded, or not be
 * taken.
 */
SELDOM void refuse_unknown (struct session *session,
                            const struct frame_header *head);
SELDOM void refuse_undecodable (struct session *session,
                                const struct frame_header *head);
SELDOM void refuse_no_memory (struct session *session,
                              const struct frame_header *head);
#define UNDECODABLE "Unable to decode message payload"

/* Why they cannot, for the log only. */
SELDOM void log_undecodable (struct session *session,
                             const struct proc_row *row,
                             const struct xdr_error *why);

/* Answer a call, which is freed, that its client may make on no connection
 * that is read-only; that an access list refuses; that no driver has.
 */
SELDOM void refuse_read_only (struct virgate_call *call);
SELDOM void refuse_access (struct virgate_call *call);
SELDOM void refuse_unsupported (struct virgate_call *call);

/* What refuse_message and call_refuse say of one stream too many. */
#define TOO_MANY_STREAMS                                                \
  VIRGATE_ERR_RESOURCE_BUSY, VIRGATE_FROM_STREAMS, "%s",                \
  "too many streams are open"

#endif /* VIRGATE_DAEMON_REFUSE_H */
