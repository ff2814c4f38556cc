/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stream, as the two files about streams see it: stream.c has what programs
 * do with one, stream-receive.c what the server sends on it.
 */
#ifndef VIRGATE_CLIENT_STREAM_H
#define VIRGATE_CLIENT_STREAM_H

#include "client/internal.h"

/* Data, or a hole when hole is not 0. */
struct packet {
  struct list link;
  int64_t hole;                 /* bytes of it left */
  size_t used, len;             /* of data */
  char data[];
};

struct virgate_client_stream {
  uint64_t magic;
  struct virgate_conn *conn;    /* NULL once it was freed */
  struct call call;             /* that opened it; names the stream */

  /* Guarded by the connection's lock. */
  struct list link;             /* in conn->streams */
  struct list packets;
  size_t queued;                /* bytes of memory in packets */
  bool at_end;                  /* the server sends no more data */
  bool finished;                /* the server confirmed the end */
  struct virgate_error error;   /* with a code: the stream is dead */
  struct waiter *reader, *writer, *finisher;
};

static inline bool
stream_is_dead (const struct virgate_client_stream *stream)
{
  return stream->error.code != VIRGATE_ERR_OK;
}

/* Queue a message of the stream.  Lock held. */
int stream_queue (struct virgate_client_stream *stream, int32_t type,
                  int32_t status, const void *data, size_t len);

/* Forget what was not read. */
void stream_drop_packets (struct virgate_client_stream *stream);

#endif /* VIRGATE_CLIENT_STREAM_H */
