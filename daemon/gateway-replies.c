/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a gateway's driver to the client: replies, events and streams, which
 * are checked first, and the end of the connection onward.
 */
#include "config.h"

#include <string.h>

#include <virgate/remote.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/gateway-hide.h"
#include "daemon/gateway.h"
#include "daemon/link.h"
#include "daemon/refuse.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* Bytes that a client may leave unread before its driver sends no more. */
#define PRESSED_BYTES (256 * 1024)

/* What came is not passed on, for this reason; the link ends over it.  Always
 * returns -1.
 */
SELDOM static int __attribute__ ((format (printf, 2, 3)))
reject (struct session *session, const char *fmt, ...)
{
  char text[256];
  va_list args;

  va_start (args, fmt);
  vsnprintf (text, sizeof text, fmt, args);
  va_end (args);
  session_log (session, VIRGATE_LOG_WARNING, "%s: not passed on: %s",
               session->driver->instance->title, text);
  return -1;
}

static int
check_payload (struct session *session, const char *what, const char *name,
               const struct xdr_type *type, const struct virgate_frame *frame)
{
  struct xdr_error why = { "", "", 0 };

  if (xdr_check (type, frame->payload, frame->len, &why) == 0)
    return 0;
  return reject (session, "%s %s: %s %s at byte %zu", what, name, why.field,
                 why.why, why.offset);
}

static int
check_error (struct session *session, const char *what, const char *name,
             const struct virgate_frame *frame)
{
  return check_payload (session, what, name, xdr_remote_error_type, frame);
}

static int
check_reply (struct session *session, const struct virgate_frame *frame,
             const struct passed *passed)
{
  const char *name = passed && passed->row ? passed->row->name : "unknown";

  if (passed == NULL)
    return reject (session, "a reply to procedure %d that nothing asked for",
                   (int) frame->procedure);
  if (frame->status == FRAME_ERROR)
    return check_error (session, "an error from", name, frame);
  if (frame->status != FRAME_OK)
    return reject (session, "a reply to %s with status %d", name,
                   (int) frame->status);
  if (passed->row == NULL)
    return 0;
  if (frame->fd_count > 0 && !(passed->row->flags & PROC_FDS_OUT))
    return reject (session, "descriptors from %s", name);
  return check_payload (session, "a reply to", name, passed->row->ret, frame);
}

/* Events that are newer than the tables are the client's to ignore. */
static int
check_event (struct session *session, const struct virgate_frame *frame)
{
  const struct proc_program *program = proc_program_find (frame->program);
  const struct proc_row *row = proc_find (frame->program, frame->procedure);

  if (program == NULL || program - proc_programs >= DRIVER_PROGRAMS
      || program->version != frame->version || frame->status != FRAME_OK)
    return reject (session, "an event %d of program %u version %u status %d",
                   (int) frame->procedure, frame->program, frame->version,
                   (int) frame->status);
  if (row == NULL)
    return 0;
  if (!(row->flags & PROC_EVENT))
    return reject (session, "an event that is the procedure %s", row->name);
  return check_payload (session, "an event", row->name, row->args, frame);
}

static int
check_stream (struct session *session, const struct virgate_frame *frame,
              const struct passed *passed)
{
  const char *name = passed->row->name;

  if (frame->type == FRAME_STREAM_HOLE)
    return frame->len == FRAME_HOLE_LEN && frame->status == FRAME_CONTINUE ? 0
           : reject (session, "a hole of %s that is none", name);
  if (frame->status == FRAME_ERROR)
    return check_error (session, "a stream's error from", name, frame);
  if (frame->status == FRAME_CONTINUE || frame->len == 0)
    return 0;
  return reject (session, "a stream message of %s with status %d", name,
                 (int) frame->status);
}

static int
append (struct session *session, const struct frame_header *head,
        const struct virgate_frame *frame)
{
  session_out (session);
  if (wire_out_frame (&session->out, session->ops, session->conn, head,
                      frame->payload, frame->len, frame->fds,
                      frame->fd_count) == 0)
    return 0;
  session->is_broken = true;
  return -1;
}

/* A call is over as far as limits are concerned. */
static void
call_ended (struct session *session, const struct passed *passed)
{
  session->requests--;
  session->request_bytes -= passed->bytes;
  if (session->held || session->is_stopped)
    session_again (session);
}

static void
stream_ended (struct session *session, struct passed *passed)
{
  session->stream_count--;
  passed_remove (&session->gateway->passed, passed);
}

/* A reply that the daemon itself must know of. */
static void
note_reply (struct session *session, const struct passed *passed)
{
  if (passed->program != VIRGATE_REMOTE_PROGRAM)
    return;
  if (passed->procedure == VIRGATE_REMOTE_PROC_CONNECT_REGISTER_CLOSE_CALLBACK)
    session->wants_close_event = true;
  else if (passed->procedure
           == VIRGATE_REMOTE_PROC_CONNECT_UNREGISTER_CLOSE_CALLBACK)
    session->wants_close_event = false;
}

static void
reply_sent (struct session *session, struct passed *passed, int32_t code)
{
  bool ok = code == 0;

  names_touched (session->driver, passed->row);
  record_passed (session, hiding_what (passed), code, passed->began_ns,
                 steal_pointer (&passed->note));
  if (log_wants (&session->loop->server->log, VIRGATE_LOG_DEBUG))
    session_log (session, VIRGATE_LOG_DEBUG, "%s: %s",
                 passed->row ? passed->row->name : "unknown procedure",
                 ok ? "done" : "failed");
  if (ok)
    note_reply (session, passed);
  call_ended (session, passed);
  if (ok && passed->row && (passed->row->flags & PROC_STREAM)) {
    passed->state = PASSED_STREAM;
    session->stream_count++;
  }
  else
    passed_remove (&session->gateway->passed, passed);
  session_retire (session);
}

/* A descriptor came for a client that cannot take it. */
static int
reply_without_fds (struct session *session, const struct frame_header *head,
                   struct passed *passed)
{
  refuse_fds (session, head, "Receiving");
  reply_sent (session, passed, VIRGATE_ERR_INTERNAL_ERROR);
  return 0;
}

/* libvirt's code; the payload was checked.  0: no error. */
static int32_t
code_of (const struct virgate_frame *frame)
{
  uint32_t code;

  if (frame->status == FRAME_OK || frame->len < sizeof code)
    return 0;
  code = be32_load (frame->payload);
  return code ? (int32_t) code : VIRGATE_ERR_INTERNAL_ERROR;
}

/* Whether a connection is secure the daemon behind says of ours to it, which
 * may be called so for being local there.  To the client it is secure only if
 * the link is.
 */
static bool
is_false_claim (const struct session *session, const struct passed *passed,
                const struct virgate_frame *frame)
{
  return session->onward && frame->status == FRAME_OK
         && passed->program == VIRGATE_REMOTE_PROGRAM
         && passed->procedure == VIRGATE_REMOTE_PROC_CONNECT_IS_SECURE
         && !link_is_secure (session->onward);
}

static int
send_reply (struct session *session, const struct frame_header *head,
            const struct virgate_frame *frame)
{
  struct passed *passed;
  struct frame_header given = *head;
  int32_t code = code_of (frame);

  if (session->gateway->names.asked.row
      && gateway_name_answered (session, head, frame))
    return 0;
  passed = passed_find (&session->gateway->passed, head, PASSED_CALL);
  if (check_reply (session, frame, passed) == -1)
    return -1;
  if (frame->fd_count > 0 && !session_passes_fds (session))
    return reply_without_fds (session, head, passed);
  if (is_false_claim (session, passed, frame))
    memset ((char *) frame->payload, 0, frame->len);
  given.procedure = hiding_procedure (passed);
  if (passed->hiding && frame->status == FRAME_OK
      ? hiding_reply (session, &given, frame, passed, &code) == -1
      : append (session, &given, frame) == -1)
    return -1;
  if (passed->row && (passed->row->flags & PROC_SECRET)) {
    session->has_secret = true;
    wipe ((char *) frame->payload, frame->len);
  }
  reply_sent (session, passed, code);
  return 0;
}

static int
send_event (struct session *session, const struct frame_header *head,
            const struct virgate_frame *frame)
{
  if (check_event (session, frame) == -1)
    return -1;
  if (!hiding_passes_event (session, frame))
    return 0;
  return append (session, head, frame);
}

/* The far side ends a stream by a failure, or by confirming that the client
 * ended it.
 */
static int
send_stream (struct session *session, const struct frame_header *head,
             const struct virgate_frame *frame)
{
  struct passed *passed = passed_find (&session->gateway->passed, head,
                                       PASSED_NONE);

  if (passed == NULL || passed->row == NULL)
    return 0;
  if (check_stream (session, frame, passed) == -1
      || append (session, head, frame) == -1)
    return -1;
  if (frame->status != FRAME_CONTINUE && passed->state == PASSED_STREAM)
    stream_ended (session, passed);
  return 0;
}

typedef int send_fn (struct session *session, const struct frame_header *head,
                     const struct virgate_frame *frame);

static send_fn *const senders[] = {
  [FRAME_REPLY] = send_reply,
  [FRAME_REPLY_FDS] = send_reply,
  [FRAME_MESSAGE] = send_event,
  [FRAME_STREAM] = send_stream,
  [FRAME_STREAM_HOLE] = send_stream,
};

int
gateway_service_send (struct virgate_client *client,
                      const struct virgate_frame *frame)
{
  struct session *session = (struct session *) client;
  const struct frame_header head = {
    .program = frame->program, .version = frame->version,
    .procedure = frame->procedure, .type = frame->type,
    .serial = frame->serial, .status = frame->status,
  };

  if (session->gateway && session->gateway->openings > 0) {
    gateway_left_frame (session, &head, frame);
    return 0;
  }
  if (session_is_closing (session) || session->gateway == NULL)
    return 0;
  if (session->is_ending        /* to be seen once the client is gone */
      || wire_out_len (&session->out) >= PRESSED_BYTES) {
    session->gateway->is_pressed = true;
    return VIRGATE_AGAIN;
  }
  if (frame->type < 0 || (size_t) frame->type >= COUNT_OF (senders)
      || senders[frame->type] == NULL)
    return reject (session, "a message of type %d", (int) frame->type);
  session_touch (session);
  return senders[frame->type] (session, &head, frame);
}

void
gateway_written (struct session *session)
{
  struct gateway *gateway = session->gateway;

  if (gateway == NULL || !gateway->is_pressed)
    return;
  gateway->is_pressed = false;
  if (session->driver->ops->writable)
    session->driver->ops->writable (session->driver_conn);
}

static void
fail_passed (struct session *session, struct passed *passed,
             const struct virgate_error *why)
{
  const struct frame_header head = {
    .program = passed->program, .version = passed->version,
    .procedure = hiding_procedure (passed), .serial = passed->serial,
  };
  bool is_stream = passed->state == PASSED_STREAM;

  refuse_send (session, &head, is_stream ? FRAME_STREAM : FRAME_REPLY, why);
  if (is_stream)
    stream_ended (session, passed);
  else
    reply_sent (session, passed, RECORD_UNKNOWN);
}

void
gateway_service_lost (struct virgate_client *client,
                      const struct virgate_error *why, int32_t reason)
{
  struct session *session = (struct session *) client;
  struct gateway *gateway = session->gateway;
  struct passed *passed;

  if (session_is_closing (session) || gateway == NULL || gateway->is_lost)
    return;
  gateway->is_lost = true;
  error_copy (&gateway->lost, why);
  gateway->names.asked.row = NULL;
  while ((passed = passed_any (&gateway->passed, PASSED_NONE)))
    fail_passed (session, passed, why);
  driver_services.client_gone (client, reason);
  session_touch (session);
  gateway->is_full = false;
  session_again (session);
}
