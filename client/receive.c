/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What comes in: replies find their calls, events the event function, stream
 * packets their streams.  Everything here is the server's word, and a server
 * may lie: what fits nothing that was asked for ends the connection, what
 * cannot be decoded fails the call that it answers.
 *
 * The reading thread decodes for the thread that owns the call, in place,
 * into one block of memory.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <virgate/remote.h>

#include "client/internal.h"

/* From here on a message that is still on its way is looked at. */
#define LOOK_MIN (64 * 1024)

/* End the connection because of a frame.  No lock held. */
static enum wire_verdict __attribute__ ((format (printf, 2, 3)))
refuse (struct virgate_conn *conn, const char *fmt, ...)
{
  CLEANUP_FREE char *text = NULL;
  va_list args;

  va_start (args, fmt);
  if (vasprintf (&text, fmt, args) == -1)
    text = NULL;
  va_end (args);
  pthread_mutex_lock (&conn->lock);
  conn_end (conn, "%s", text ? text : "out of memory");
  pthread_mutex_unlock (&conn->lock);
  return WIRE_BROKEN;
}

/* Replies ----------------------------------------------------------------- */

/* Is it of the program and procedure that were called? */
static bool
answers (const struct call *call, const struct frame_header *head)
{
  return call->program->number == head->program
         && call->program->version == head->version
         && call->row->number == head->procedure;
}

/* Decode what came back into the call.  Errors are the call's. */
static void
take_result (const struct virgate_conn *conn, struct call *call,
             const struct frame *frame)
{
  const struct proc_row *row = call->row;
  struct xdr_error bad = { "", "", 0 };
  int result;

  if (call->want_ret) {
    size_t max = conn->message_memory - MIN_OF (frame->len,
                                                conn->message_memory);

    result = xdr_decode_block (row->ret, frame->payload, frame->len, max,
                               &call->ret, &bad);
  }
  else
    result = xdr_check (row->ret, frame->payload, frame->len, &bad);
  if (result == -1 && errno == ENOMEM)
    error_set (&call->error, VIRGATE_ERR_NO_MEMORY, VIRGATE_FROM_RPC,
               "%s: the reply to %s takes more memory than max-message of the "
               "client config (%u bytes)", conn->where, row->name,
               conn->message_memory);
  else if (result == -1)
    error_set (&call->error, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC,
               "%s: cannot decode the reply to %s: '%s' %s, at byte %zu",
               conn->where, row->name, bad.field, bad.why, bad.offset);
}

static void
take_error (const struct virgate_conn *conn, struct call *call,
            const struct frame *frame)
{
  if (frame->len > ERROR_REPLY_MAX
      || error_decode (frame->payload, frame->len, &call->error) == -1)
    error_set (&call->error, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC,
               "%s: cannot decode the error that answers %s", conn->where,
               call->row->name);
  else if (call->error.code == VIRGATE_ERR_OK)
    error_set (&call->error, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC,
               "%s: %s failed without a reason", conn->where,
               call->row->name);
  else if (call->error.message == NULL)
    call->error.message = strdup (error_message (&call->error));
}

/* The wire closes its own after the frame: keep copies. */
static void
take_fds (const struct virgate_conn *conn, struct call *call,
          const struct frame *frame)
{
  call->fds = calloc (frame->fd_count, sizeof *call->fds);
  for (uint32_t i = 0; call->fds && i < frame->fd_count; i++) {
    call->fds[i] = fcntl (frame->fds[i], F_DUPFD_CLOEXEC, 3);
    if (call->fds[i] == -1)
      break;
    call->fd_count++;
  }
  if (call->fd_count < frame->fd_count)
    error_system (&call->error, errno, VIRGATE_FROM_RPC,
                  "%s: cannot take the descriptors that answer %s",
                  conn->where, call->row->name);
}

static void
take_reply (const struct virgate_conn *conn, struct call *call,
            const struct frame *frame)
{
  if (frame->head.status == FRAME_OK) {
    take_result (conn, call, frame);
    if (call->want_fds && frame->fd_count > 0
        && call->error.code == VIRGATE_ERR_OK)
      take_fds (conn, call, frame);
  }
  else if (frame->head.status == FRAME_ERROR)
    take_error (conn, call, frame);
  else
    error_set (&call->error, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC,
               "%s: the reply to %s has the impossible status %d",
               conn->where, call->row->name, frame->head.status);
}

/* Take the call that a reply answers out of those that wait.  NULL: nobody
 * waits for it.
 */
static struct call *
claim_call (struct virgate_conn *conn, const struct frame_header *head,
            bool *late)
{
  LOCK_FOR_SCOPE (&conn->lock);
  struct call *call = pending_find (&conn->pending, head->serial);

  *late = call == NULL
          && pending_was_abandoned (&conn->pending, head->serial,
                                    conn->next_id);
  if (call == NULL || !answers (call, head))
    return NULL;
  pending_remove (&conn->pending, call);
  if (call->done == NULL) {
    io_claim (conn, &call->waiter);
    conn->returning++;
    conn->batch_begun = true;
  }
  return call;
}

static enum wire_verdict
receive_reply (struct virgate_conn *conn, const struct frame *frame)
{
  bool late;
  struct call *call = claim_call (conn, &frame->head, &late);

  if (late)
    return WIRE_NEXT;
  if (call == NULL)
    return refuse (conn, "the server answers what nobody asked (program "
                   "0x%08x version %u, procedure %d, serial %u)",
                   frame->head.program, frame->head.version,
                   frame->head.procedure, frame->head.serial);
  take_reply (conn, call, frame);
  if (call->done) {
    io_wake_answered (conn);
    call_tell (call);
  }
  else {
    call->next = conn->answered;
    conn->answered = call;
  }
  return WIRE_NEXT;
}

/* Events ------------------------------------------------------------------ */

static enum wire_verdict
receive_keepalive (struct virgate_conn *conn, const struct frame *frame)
{
  LOCK_FOR_SCOPE (&conn->lock);

  if (frame->head.procedure == KEEPALIVE_PONG)
    list_for_each (link, &conn->pings) {
      struct ping *ping = list_item (link, struct ping, link);

      list_remove (link);
      io_finish (conn, &ping->waiter);
    }
  /* A server that only pings and never reads gets no more answers. */
  if (io_out_len (conn) > OUT_PONG_MAX)
    return WIRE_NEXT;
  keepalive_frame (frame, &conn->queue.buf);
  return WIRE_NEXT;
}

static enum wire_verdict
give_event (struct virgate_conn *conn, const struct proc_row *row,
            const struct frame *frame)
{
  CLEANUP_FREE void *msg = NULL;
  struct xdr_error bad = { "", "", 0 };
  virgate_event_fn *fn;
  void *opaque;

  pthread_mutex_lock (&conn->lock);
  fn = conn->event_fn;
  opaque = conn->event_opaque;
  pthread_mutex_unlock (&conn->lock);
  if (fn == NULL)
    return WIRE_NEXT;
  if (xdr_decode_block (row->args, frame->payload, frame->len,
                        conn->message_memory, &msg, &bad) == -1)
    return refuse (conn, "cannot decode the event %s: '%s' %s, at byte %zu",
                   row->name, bad.field, bad.why, bad.offset);
  io_wake_answered (conn);
  fn (opaque, frame->head.program, frame->head.procedure, msg);
  return WIRE_NEXT;
}

static enum wire_verdict
receive_message (struct virgate_conn *conn, const struct frame *frame)
{
  const struct frame_header *head = &frame->head;
  const struct proc_program *program = proc_program_find (head->program);
  const struct proc_row *row;

  if (head->program == KEEPALIVE_PROGRAM)
    return receive_keepalive (conn, frame);
  if (program == NULL || program->version != head->version)
    return refuse (conn, "the server speaks of the unknown program 0x%08x, "
                   "version %u", head->program, head->version);
  row = proc_find (head->program, head->procedure);
  if (row == NULL || !(row->flags & PROC_EVENT))
    return WIRE_NEXT;           /* newer than this library */
  return give_event (conn, row, frame);
}

static enum wire_verdict
receive_stream (struct virgate_conn *conn, const struct frame *frame)
{
  LOCK_FOR_SCOPE (&conn->lock);

  return stream_receive (conn, frame);
}

/* All of it --------------------------------------------------------------- */

typedef enum wire_verdict receive_fn (struct virgate_conn *conn,
                                      const struct frame *frame);

static receive_fn *const receivers[] = {
  [FRAME_REPLY] = receive_reply,
  [FRAME_REPLY_FDS] = receive_reply,
  [FRAME_MESSAGE] = receive_message,
  [FRAME_STREAM] = receive_stream,
  [FRAME_STREAM_HOLE] = receive_stream,
};

enum wire_verdict
receive_frame (void *opaque, const struct frame *frame)
{
  struct virgate_conn *conn = opaque;
  uint32_t type = frame->head.type;

  if (type >= COUNT_OF (receivers) || receivers[type] == NULL)
    return refuse (conn, "the server sends a message of type %d",
                   frame->head.type);
  return receivers[type] (conn, frame);
}

/* Could this be the reply to a call, judging by its header and length? */
static bool
expects_reply (struct virgate_conn *conn, const struct frame_header *head,
               size_t len)
{
  LOCK_FOR_SCOPE (&conn->lock);
  const struct call *call = pending_find (&conn->pending, head->serial);

  if (call == NULL)
    return pending_was_abandoned (&conn->pending, head->serial,
                                  conn->next_id);
  if (!answers (call, head))
    return false;
  if (head->status == FRAME_ERROR)
    return len <= ERROR_REPLY_MAX;
  return len <= max_frame_len (call->row->ret);
}

bool
receive_expects (struct virgate_conn *conn)
{
  const char *data = buf_data (&conn->in.part);
  struct frame_header head;
  size_t len;
  bool fits = true;

  if (buf_len (&conn->in.part) < FRAME_PREFIX_LEN
      || (len = frame_unpack_length (data)) < LOOK_MIN)
    return true;
  frame_unpack_header (data + FRAME_WORD_LEN, &head);
  if (head.type == FRAME_REPLY || head.type == FRAME_REPLY_FDS)
    fits = expects_reply (conn, &head, len);
  else if (head.type == FRAME_MESSAGE) {
    const struct proc_row *row = proc_find (head.program, head.procedure);

    fits = row && len <= max_frame_len (row->args);
  }
  else if (head.type == FRAME_STREAM)
    fits = len <= STREAM_PACKET_MAX + FRAME_PREFIX_LEN;
  if (!fits)
    refuse (conn, "the server begins a message of %zu bytes that nobody asked "
            "for (program 0x%08x, procedure %d, type %d, serial %u)", len,
            head.program, head.procedure, head.type, head.serial);
  return fits;
}
