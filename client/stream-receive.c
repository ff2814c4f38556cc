/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the server sends on streams.  What was not read yet is queued, bounded;
 * internal.h says what happens at the bounds.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "client/stream.h"

static struct virgate_client_stream *
stream_item (struct list *link)
{
  return list_item (link, struct virgate_client_stream, link);
}

static void
tell (struct virgate_conn *conn, struct waiter **waiter)
{
  if (*waiter)
    io_finish (conn, steal_pointer (waiter));
}

static void
tell_all (struct virgate_client_stream *stream)
{
  tell (stream->conn, &stream->reader);
  tell (stream->conn, &stream->writer);
  tell (stream->conn, &stream->finisher);
}

static struct virgate_client_stream *
find (struct virgate_conn *conn, const struct frame_header *head)
{
  list_for_each (link, &conn->streams) {
    struct virgate_client_stream *stream = stream_item (link);
    const struct call *call = &stream->call;

    if ((uint32_t) call->id == head->serial
        && call->program->number == head->program
        && call->row->number == head->procedure)
      return stream;
  }
  return NULL;
}

static int
append (struct virgate_client_stream *stream, const void *data, size_t len,
        int64_t hole)
{
  struct packet *packet = malloc (sizeof *packet + len);

  if (packet == NULL)
    return -1;
  packet->hole = hole;
  packet->used = 0;
  packet->len = len;
  if (len > 0)
    memcpy (packet->data, data, len);
  list_append (&stream->packets, &packet->link);
  stream->queued += sizeof *packet + len;
  return 0;
}

static int
receive_hole (struct virgate_client_stream *stream, const struct frame *frame)
{
  uint64_t len = 0;

  if (frame->len == FRAME_HOLE_LEN)
    len = be64_load (frame->payload);
  if (len == 0 || len > INT64_MAX) {
    errno = EBADMSG;
    return -1;
  }
  return append (stream, NULL, 0, (int64_t) len);
}

static int
receive_status (struct virgate_client_stream *stream,
                const struct frame *frame)
{
  if (frame->head.status == FRAME_OK)
    stream->at_end = stream->finished = true;
  else if (frame->head.status != FRAME_ERROR
           || frame->len > ERROR_REPLY_MAX
           || error_decode (frame->payload, frame->len, &stream->error) == -1
           || !stream_is_dead (stream)) {
    errno = EBADMSG;
    return -1;
  }
  return 0;
}

static int
receive_data (struct virgate_client_stream *stream, const struct frame *frame)
{
  if (frame->len == 0) {
    stream->at_end = true;
    return 0;
  }
  if (stream->at_end) {
    errno = EBADMSG;
    return -1;
  }
  return append (stream, frame->payload, frame->len, 0);
}

enum wire_verdict
stream_receive (struct virgate_conn *conn, const struct frame *frame)
{
  struct virgate_client_stream *stream = find (conn, &frame->head);
  bool has_data = frame->head.status == FRAME_CONTINUE;
  int result;

  /* Late packets of a stream that was given up are nobody's business. */
  if (stream == NULL || stream_is_dead (stream))
    return WIRE_NEXT;
  if (has_data && stream->queued >= STREAM_QUEUE_HARD)
    return WIRE_HOLD;
  if (!has_data)
    result = receive_status (stream, frame);
  else if (frame->head.type == FRAME_STREAM_HOLE)
    result = receive_hole (stream, frame);
  else
    result = receive_data (stream, frame);
  if (result == -1)
    error_set (&stream->error, VIRGATE_ERR_RPC, VIRGATE_FROM_STREAMS,
               "%s: %s", conn->where, errno == ENOMEM ? "out of memory"
               : "the server sends what is no part of a stream");
  tell (conn, &stream->reader);
  if (stream->finished || stream_is_dead (stream))
    tell_all (stream);
  return WIRE_NEXT;
}

bool
stream_has_room (const struct virgate_conn *conn)
{
  list_for_each (link, &conn->streams)
    if (stream_item (link)->queued >= STREAM_QUEUE_SOFT)
      return false;
  return true;
}

void
stream_tell_room (struct virgate_conn *conn)
{
  if (io_out_len (conn) < OUT_STREAM_MAX)
    list_for_each (link, &conn->streams)
      tell (conn, &stream_item (link)->writer);
}

void
stream_end_all (struct virgate_conn *conn)
{
  list_for_each (link, &conn->streams) {
    struct virgate_client_stream *stream = stream_item (link);

    if (!stream->finished && !stream_is_dead (stream))
      error_copy (&stream->error, &conn->why);
    tell_all (stream);
  }
}

void
stream_orphan_all (struct virgate_conn *conn)
{
  list_for_each (link, &conn->streams) {
    stream_item (link)->conn = NULL;
    list_remove (link);
  }
}

void
stream_drop_stalled (struct virgate_conn *conn)
{
  list_for_each (link, &conn->streams) {
    struct virgate_client_stream *stream = stream_item (link);

    if (stream->queued < STREAM_QUEUE_HARD)
      continue;
    stream_drop_packets (stream);
    stream_queue (stream, FRAME_STREAM, FRAME_ERROR, NULL, 0);
    error_set (&stream->error, VIRGATE_ERR_OPERATION_ABORTED,
               VIRGATE_FROM_STREAMS, "%s: nobody read the stream while others "
               "waited for the connection", conn->where);
    tell_all (stream);
  }
  io_unhold (conn);
}
