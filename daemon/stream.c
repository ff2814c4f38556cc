/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams; see stream.h.
 */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/big-endian.h"
#include "common/mem.h"
#include "core/error.h"
#include "daemon/call.h"
#include "daemon/grants.h"
#include "daemon/refuse.h"
#include "daemon/session.h"
#include "daemon/stream.h"

struct stream {
  struct stream *next;          /* in the session */
  struct session *session;
  struct frame_header head;     /* of the call that opened it */
  struct virgate_stream_ops ops;
  void *opaque;
  struct virgate_error error;
  struct buf in;                /* data that the driver has not taken */
  struct mail ready, freed;
  atomic_bool is_posted;        /* ready is on its way */
  bool is_sparse;
  bool is_started, is_dead;
  bool is_drained;              /* the driver has nothing further to send */
  bool is_starved;              /* it said AGAIN */
  bool is_finishing;            /* the client is done; data still wait */
};

static void
send_packet (struct stream *stream, int32_t type, int32_t status,
             const void *data, size_t len)
{
  struct session *session = stream->session;
  struct frame_header head = stream->head;

  head.type = type;
  head.status = status;
  if (frame_append (session_out (session), &head, data, len) == -1)
    session->is_broken = true;
  session_touch (session);
}

static void
deliver_freed (struct mail *mail)
{
  free (container_of (mail, struct stream, freed));
}

/* The last mail about a stream is on its way when its memory goes. */
static void
stream_end (struct stream *stream)
{
  struct stream **at = &stream->session->streams;

  while (*at && *at != stream)
    at = &(*at)->next;
  if (*at)
    *at = stream->next;
  grants_drop (stream->session, &stream->head);
  if (stream->is_started)
    stream->session->stream_count--;
  if (stream->session->is_waiting)
    session_again (stream->session);
  stream->is_dead = true;
  if (stream->ops.close)
    stream->ops.close (stream->opaque);
  error_clear (&stream->error);
  stream->session->stream_bytes -= buf_len (&stream->in);
  buf_free (&stream->in);
  stream->freed.deliver = deliver_freed;
  loop_post (stream->session->loop, &stream->freed);
}

static void
stream_fail (struct stream *stream)
{
  struct session *session = stream->session;

  if (stream->error.code == VIRGATE_ERR_OK)
    error_set (&stream->error, VIRGATE_ERR_INTERNAL_ERROR,
               VIRGATE_FROM_STREAMS, "%s", "the stream failed");
  refuse_send (session, &stream->head, FRAME_STREAM, &stream->error);
  stream_end (stream);
}

static void
finish (struct stream *stream)
{
  if (stream->ops.finish && stream->ops.finish (stream->opaque) == -1) {
    stream_fail (stream);
    return;
  }
  send_packet (stream, FRAME_STREAM, FRAME_OK, NULL, 0);
  stream_end (stream);
}

/* Let the driver take what waits.  False when the stream is over. */
static bool
push (struct stream *stream)
{
  while (buf_len (&stream->in) > 0) {
    ssize_t n = stream->ops.write (stream->opaque, buf_data (&stream->in),
                                   buf_len (&stream->in));

    if (n == VIRGATE_AGAIN)
      return true;
    if (n <= 0) {
      stream_fail (stream);
      return false;
    }
    buf_consume (&stream->in, n);
    stream->session->stream_bytes -= n;
  }
  buf_free (&stream->in);
  if (!stream->is_finishing)
    return true;
  finish (stream);
  return false;
}

static void
send_hole (struct stream *stream, int64_t len)
{
  char payload[FRAME_HOLE_LEN] = { 0 };

  be64_store (payload, (uint64_t) len);
  send_packet (stream, FRAME_STREAM_HOLE, FRAME_CONTINUE, payload,
               sizeof payload);
}

/* Ask the driver for one packet, straight into the output. */
static void
pull (struct stream *stream)
{
  struct session *session = stream->session;
  struct buf *out = session_out (session);
  struct frame_header head = stream->head;
  int64_t hole = 0;
  ptrdiff_t mark;
  ssize_t n;
  char *to;

  head.type = FRAME_STREAM;
  head.status = FRAME_CONTINUE;
  mark = frame_begin (out, &head, 0);
  to = mark == -1 ? NULL : buf_reserve (out, FRAME_STREAM_MAX);
  if (to == NULL) {
    session->is_broken = true;
    session_touch (session);
    return;
  }
  n = stream->ops.read (stream->opaque, to, FRAME_STREAM_MAX, &hole);
  if (n < 0 || hole > 0) {
    frame_cancel (out, mark);
    if (hole > 0 && n >= 0)
      send_hole (stream, hole);
    else if (n == VIRGATE_AGAIN)
      stream->is_starved = true;
    else
      stream_fail (stream);
    return;
  }
  out->end += n;
  frame_end (out, mark);
  if (n == 0)
    stream->is_drained = true;
  session_touch (session);
}

static bool
may_pull (const struct stream *stream)
{
  return stream->ops.read && !stream->is_drained && !stream->is_starved;
}

static struct stream *
next_to_pull (const struct session *session)
{
  struct stream *stream = session->streams;

  while (stream && !may_pull (stream))
    stream = stream->next;
  return stream;
}

/* Each stream gets its turn. */
static void
move_to_end (struct session *session, struct stream *stream)
{
  struct stream **at = &session->streams;

  while (*at != stream)
    at = &(*at)->next;
  *at = stream->next;
  while (*at)
    at = &(*at)->next;
  *at = stream;
  stream->next = NULL;
}

/* One packet, from the first stream that has one. */
void
streams_pull (struct session *session)
{
  struct stream *stream;

  while (!session->is_ending && !session->is_broken
         && wire_out_len (&session->out) == 0
         && (stream = next_to_pull (session)) != NULL) {
    move_to_end (session, stream);
    pull (stream);
  }
}

void
stream_start (struct stream *stream)
{
  struct session *session = stream->session;

  if (session_is_closing (session)) {
    stream_end (stream);
    return;
  }
  stream->is_started = true;
  session->stream_count++;
  stream->next = session->streams;
  session->streams = stream;
  session_touch (session);
}

void
stream_discard (struct stream *stream)
{
  stream_end (stream);
}

void
streams_close (struct session *session)
{
  while (session->streams)
    stream_end (session->streams);
}

static struct stream *
find_stream (struct session *session, const struct frame_header *head)
{
  struct stream *stream = session->streams;

  while (stream && (stream->head.program != head->program
                    || stream->head.procedure != head->procedure
                    || stream->head.serial != head->serial))
    stream = stream->next;
  return stream;
}

static bool
has_room (const struct stream *stream)
{
  return buf_len (&stream->in) < LIMIT_STREAM_BYTES
         && stream->session->stream_bytes < LIMIT_STREAMS_BYTES;
}

/* Until the driver takes what is there, which may be never. */
static enum wire_verdict
hold_data (struct session *session)
{
  session->is_waiting = session->is_stuck = true;
  return WIRE_HOLD;
}

static enum wire_verdict
take_data (struct stream *stream, const struct frame *frame)
{
  struct session *session = stream->session;

  if (frame->len == 0 || stream->is_finishing)
    return WIRE_NEXT;
  if (stream->ops.write == NULL) {
    error_set (&stream->error, VIRGATE_ERR_NO_SUPPORT, VIRGATE_FROM_STREAMS,
               "%s", "virStreamSend");
    stream_fail (stream);
    return WIRE_NEXT;
  }
  if (!has_room (stream))
    return hold_data (session);
  if (buf_append (&stream->in, frame->payload, frame->len) == -1)
    return WIRE_BROKEN;
  session->stream_bytes += frame->len;
  push (stream);
  return WIRE_NEXT;
}

static enum wire_verdict
take_hole (struct stream *stream, const struct frame *frame)
{
  uint64_t len = 0;

  if (frame->len == FRAME_HOLE_LEN)
    len = be64_load (frame->payload);
  if (!stream->is_sparse || stream->ops.write_hole == NULL || len == 0
      || len > INT64_MAX) {
    error_set (&stream->error, VIRGATE_ERR_RPC, VIRGATE_FROM_STREAMS, "%s",
               "Unexpected stream hole");
    stream_fail (stream);
    return WIRE_NEXT;
  }
  if (buf_len (&stream->in) > 0)
    return hold_data (stream->session);
  if (stream->ops.write_hole (stream->opaque, len) == -1)
    stream_fail (stream);
  return WIRE_NEXT;
}

/* Data may be on their way to a stream that is over: they are dropped. */
enum wire_verdict
stream_frame (struct session *session, const struct frame *frame)
{
  struct stream *stream = find_stream (session, &frame->head);

  if (stream == NULL)
    return WIRE_NEXT;
  if (frame->head.type == FRAME_STREAM_HOLE)
    return take_hole (stream, frame);
  switch (frame->head.status) {
  case FRAME_CONTINUE:
    return take_data (stream, frame);
  case FRAME_OK:
    stream->is_finishing = true;
    push (stream);
    break;
  case FRAME_ERROR:
    send_packet (stream, FRAME_STREAM, FRAME_OK, NULL, 0);
    stream_end (stream);
    break;
  }
  return WIRE_NEXT;
}

static void
deliver_ready (struct mail *mail)
{
  struct stream *stream = container_of (mail, struct stream, ready);
  struct session *session = stream->session;

  atomic_store (&stream->is_posted, false);
  if (stream->is_dead || !stream->is_started)
    return;
  stream->is_starved = false;
  if (buf_len (&stream->in) > 0 && !push (stream))
    return;
  if (session->is_waiting)
    session_again (session);
  if (wire_out_len (&session->out) == 0)
    streams_pull (session);
}

void
stream_service_ready (struct virgate_stream *handle)
{
  struct stream *stream = (struct stream *) handle;

  if (atomic_exchange (&stream->is_posted, true))
    return;
  stream->ready.deliver = deliver_ready;
  loop_post (stream->session->loop, &stream->ready);
}

int
stream_service_error (struct virgate_stream *handle, int32_t code,
                      int32_t domain, const char *fmt, ...)
{
  struct stream *stream = (struct stream *) handle;
  va_list args;

  va_start (args, fmt);
  error_vset (&stream->error, code, domain, fmt, args);
  va_end (args);
  return -1;
}

struct virgate_stream *
stream_service_open (struct virgate_call *call,
                     const struct virgate_stream_ops *ops, void *opaque,
                     int sparse)
{
  struct stream *stream = calloc (1, sizeof *stream);

  if (stream == NULL || call->stream) {
    free (stream);
    call_service_error (call, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC,
                        "%s", "cannot open a stream");
    return NULL;
  }
  memcpy (&stream->ops, ops, MIN_OF ((size_t) ops->size, sizeof stream->ops));
  stream->session = call->session;
  stream->head = call->head;
  stream->opaque = opaque;
  stream->is_sparse = sparse;
  call->stream = stream;
  return (struct virgate_stream *) stream;
}
