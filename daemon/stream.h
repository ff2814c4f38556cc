/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams of data that a call opened, in both directions.  They belong to a
 * session and are driven by its loop: data for the client are asked of the
 * driver when the last packet has left, data from the client wait here when
 * the driver has no room.
 */
#ifndef VIRGATE_DAEMON_STREAM_H
#define VIRGATE_DAEMON_STREAM_H

#include <virgate/driver.h>

#include "core/wire.h"

struct session;
struct stream;

/* The reply of the call went out: begin.  Or: the call failed, forget it. */
void stream_start (struct stream *stream);
void stream_discard (struct stream *stream);

/* A message of type stream or hole. */
enum wire_verdict stream_frame (struct session *session,
                                const struct frame *frame);

/* Everything is written: ask the drivers for more. */
void streams_pull (struct session *session);

/* The session is over. */
void streams_close (struct session *session);

/* driver.h */
struct virgate_stream *stream_service_open (struct virgate_call *call,
                                            const struct virgate_stream_ops *,
                                            void *opaque, int sparse);
void stream_service_ready (struct virgate_stream *stream);
int stream_service_error (struct virgate_stream *stream, int32_t code,
                          int32_t domain, const char *fmt, ...)
  VIRGATE_PRINTF (4, 5);

#endif /* VIRGATE_DAEMON_STREAM_H */
