/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams: data that belong to the call which opened them, in packets with
 * its serial.  Opening, reading, writing and ending them is here.
 */
#include "config.h"

#include <stdlib.h>

#include "client/stream.h"

#define STREAM_CHECK(stream) HANDLE_CHECK (stream, STREAM_MAGIC, "stream")

void
stream_drop_packets (struct virgate_client_stream *stream)
{
  list_for_each (link, &stream->packets)
    free (list_item (link, struct packet, link));
  list_init (&stream->packets);
  stream->queued = 0;
}

int
stream_queue (struct virgate_client_stream *stream, int32_t type,
              int32_t status, const void *data, size_t len)
{
  const struct call *call = &stream->call;
  const struct frame_header head = {
    .program = call->program->number, .version = call->program->version,
    .procedure = call->row->number, .serial = (uint32_t) call->id,
    .type = type, .status = status,
  };

  if (frame_append (&stream->conn->queue.buf, &head, data, len) == 0)
    return 0;
  return client_error (VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_STREAMS, NULL);
}

/* Opening and closing ----------------------------------------------------- */

static struct virgate_client_stream *
stream_new (struct virgate_conn *conn)
{
  struct virgate_client_stream *stream = calloc (1, sizeof *stream);

  if (stream == NULL) {
    client_error (VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_STREAMS, NULL);
    return NULL;
  }
  stream->magic = STREAM_MAGIC;
  stream->conn = conn;
  list_init (&stream->link);
  list_init (&stream->packets);
  return stream;
}

static void
stream_destroy (struct virgate_client_stream *stream)
{
  stream_drop_packets (stream);
  error_clear (&stream->error);
  stream->magic = 0;
  free (stream);
}

/* Send the call and wait for its reply. */
static int
stream_start (struct virgate_client_stream *stream, const void *args)
{
  struct virgate_conn *conn = stream->conn;
  struct call *call = &stream->call;

  call->deadline = call_deadline (conn);
  pthread_mutex_lock (&conn->lock);
  if (call_check (conn) == -1 || call_queue (conn, call, args, NULL) == -1) {
    pthread_mutex_unlock (&conn->lock);
    error_clear (&call->error);
    return -1;
  }
  list_append (&conn->streams, &stream->link);
  call_wait (conn, call);
  if (call->error.code == VIRGATE_ERR_OK)
    return 0;
  pthread_mutex_lock (&conn->lock);
  list_remove (&stream->link);
  io_unhold (conn);
  pthread_mutex_unlock (&conn->lock);
  conn_settle (conn);
  return client_error_take (&call->error);
}

struct virgate_client_stream *
virgate_stream_open (struct virgate_conn *conn, uint32_t program,
                     int32_t procedure, const void *args, void **ret)
{
  struct virgate_client_stream *stream;

  CONN_CHECK (conn);
  stream = stream_new (conn);
  if (stream == NULL)
    return NULL;
  if (call_find (&stream->call, program, procedure, args) == -1)
    goto error;
  if (!(stream->call.row->flags & PROC_STREAM)) {
    client_error (VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_STREAMS,
                  "%s opens no stream", stream->call.row->name);
    goto error;
  }
  stream->call.want_ret = ret != NULL;
  if (stream_start (stream, args) == -1)
    goto error;
  if (ret)
    *ret = stream->call.ret;
  return stream;

error:
  stream_destroy (stream);
  return NULL;
}

void
virgate_stream_free (struct virgate_client_stream *stream)
{
  struct virgate_conn *conn;

  if (stream == NULL)
    return;
  STREAM_CHECK (stream);
  conn = stream->conn;
  if (conn) {
    LOCK_FOR_SCOPE (&conn->lock);
    if (!stream->finished && !stream_is_dead (stream) && !conn->ended) {
      stream_queue (stream, FRAME_STREAM, FRAME_ERROR, NULL, 0);
      io_flush (conn);
    }
    list_remove (&stream->link);
    io_unhold (conn);
  }
  stream_destroy (stream);
}

/* Using ------------------------------------------------------------------- */

/* Lock held. */
static int
check (struct virgate_client_stream *stream)
{
  if (stream_is_dead (stream))
    return client_error_copy (&stream->error);
  return call_check (stream->conn);
}

static int
orphaned (const struct virgate_client_stream *stream)
{
  if (stream->conn)
    return 0;
  client_error (VIRGATE_ERR_INVALID_STREAM, VIRGATE_FROM_STREAMS,
                "the stream's connection was closed");
  return -1;
}

/* Wait for what *slot is told of.  Lock held on entry and on return.  False
 * when it did not happen in time.
 */
static bool
wait_for (struct virgate_client_stream *stream, struct waiter **slot,
          int64_t deadline)
{
  struct virgate_conn *conn = stream->conn;
  struct waiter waiter;

  waiter_init (&waiter);
  *slot = &waiter;
  if (!io_wait (conn, &waiter, deadline)) {
    *slot = NULL;
    return false;
  }
  conn_settle (conn);
  pthread_mutex_lock (&conn->lock);
  return true;
}

/* Memory was given back: whoever waits for that may go on. */
static void
packet_done (struct virgate_client_stream *stream, struct packet *packet)
{
  struct virgate_conn *conn = stream->conn;

  stream->queued -= sizeof *packet + packet->len;
  list_remove (&packet->link);
  free (packet);
  if (conn->held) {
    conn->held_since = now_ns ();
    if (stream_has_room (conn))
      io_unhold (conn);
  }
}

/* Fill buf from a packet; returns bytes. */
static size_t
packet_read (struct virgate_client_stream *stream, struct packet *packet,
             char *buf, size_t len)
{
  size_t take;

  if (packet->hole > 0) {
    take = MIN_OF ((uint64_t) packet->hole, len);
    memset (buf, 0, take);
    packet->hole -= take;
    if (packet->hole == 0)
      packet_done (stream, packet);
    return take;
  }
  take = MIN_OF (packet->len - packet->used, len);
  memcpy (buf, packet->data + packet->used, take);
  packet->used += take;
  if (packet->used == packet->len)
    packet_done (stream, packet);
  return take;
}

/* What is there, or the next hole.  Lock held; there is a packet. */
static int64_t
take_packets (struct virgate_client_stream *stream, char *buf, size_t len,
              int64_t *hole)
{
  size_t done = 0;

  while (done < len && !list_is_empty (&stream->packets)) {
    struct packet *packet = list_item (stream->packets.next, struct packet,
                                       link);

    if (hole && packet->hole > 0) {
      if (done > 0)
        break;
      *hole = packet->hole;
      packet_done (stream, packet);
      return 0;
    }
    done += packet_read (stream, packet, buf + done, len - done);
  }
  return (int64_t) done;
}

int64_t
virgate_stream_read (struct virgate_client_stream *stream, void *buf,
                     size_t len, int64_t *hole, int32_t timeout_ms)
{
  int64_t deadline = deadline_in (timeout_ms);

  STREAM_CHECK (stream);
  if (hole)
    *hole = 0;
  if (orphaned (stream) == -1)
    return -1;
  LOCK_FOR_SCOPE (&stream->conn->lock);
  while (list_is_empty (&stream->packets)) {
    if (stream->at_end)
      return 0;
    if (check (stream) == -1)
      return -1;
    if (!wait_for (stream, &stream->reader, deadline))
      return -2;
  }
  return take_packets (stream, buf, MIN_OF (len, (size_t) INT64_MAX), hole);
}

/* Queue a message when there is room for it.  Lock held. */
static int
send_when_room (struct virgate_client_stream *stream, int32_t type,
                const void *data, size_t len)
{
  struct virgate_conn *conn = stream->conn;
  int64_t deadline = call_deadline (conn);

  for (;;) {
    if (check (stream) == -1)
      return -1;
    if (stream->finished)
      return client_error (VIRGATE_ERR_OPERATION_INVALID,
                           VIRGATE_FROM_STREAMS, "the stream is finished");
    if (io_out_len (conn) < OUT_STREAM_MAX)
      break;
    if (!wait_for (stream, &stream->writer, deadline))
      return client_error (VIRGATE_ERR_OPERATION_TIMEOUT,
                           VIRGATE_FROM_STREAMS, "%s: the server does not "
                           "take the stream's data in time", conn->where);
  }
  if (stream_queue (stream, type, FRAME_CONTINUE, data, len) == -1)
    return -1;
  io_flush (conn);
  return 0;
}

int
virgate_stream_write (struct virgate_client_stream *stream, const void *buf,
                      size_t len)
{
  const char *from = buf;

  STREAM_CHECK (stream);
  if (orphaned (stream) == -1)
    return -1;
  LOCK_FOR_SCOPE (&stream->conn->lock);
  while (len > 0) {
    size_t part = MIN_OF (len, (size_t) FRAME_STREAM_MAX);

    if (send_when_room (stream, FRAME_STREAM, from, part) == -1)
      return -1;
    from += part;
    len -= part;
  }
  return 0;
}

int
virgate_stream_write_hole (struct virgate_client_stream *stream, int64_t len)
{
  char payload[FRAME_HOLE_LEN] = { 0 };

  STREAM_CHECK (stream);
  if (orphaned (stream) == -1)
    return -1;
  if (len < 0)
    return client_error (VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_STREAMS,
                         "a hole of negative length");
  be64_store (payload, (uint64_t) len);
  LOCK_FOR_SCOPE (&stream->conn->lock);
  return send_when_room (stream, FRAME_STREAM_HOLE, payload, sizeof payload);
}

int
virgate_stream_finish (struct virgate_client_stream *stream)
{
  int64_t deadline;

  STREAM_CHECK (stream);
  if (orphaned (stream) == -1)
    return -1;
  LOCK_FOR_SCOPE (&stream->conn->lock);
  if (check (stream) == -1)
    return -1;
  if (stream->finished)
    return 0;
  if (stream_queue (stream, FRAME_STREAM, FRAME_OK, NULL, 0) == -1)
    return -1;
  deadline = call_deadline (stream->conn);
  while (!stream->finished) {
    if (check (stream) == -1)
      return -1;
    if (!wait_for (stream, &stream->finisher, deadline))
      return client_error (VIRGATE_ERR_OPERATION_TIMEOUT,
                           VIRGATE_FROM_STREAMS, "%s: the server does not "
                           "confirm the stream's end in time",
                           stream->conn->where);
  }
  return 0;
}
