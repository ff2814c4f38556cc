/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table that drivers get, and what it says about clients: who they are,
 * and how events reach them.
 */
#include "config.h"

#include <stdlib.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/call.h"
#include "daemon/gateway.h"
#include "daemon/link.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/stream.h"
#include "daemon/visible.h"

/* libvirtd numbers events so; nobody looks at it. */
#define EVENT_SERIAL 1

/* An event on its way to the loop of its client. */
struct event_mail {
  struct mail mail;
  struct session *session;
  struct buf bytes;
  bool is_close_event;          /* only for those who registered */
};

static struct session *
session_of (struct virgate_client *client)
{
  return (struct session *) client;
}

static const struct virgate_peer *
client_peer (struct virgate_client *client)
{
  return &session_of (client)->peer;
}

static const struct virgate_identity *
client_identity (struct virgate_client *client)
{
  return &session_of (client)->identity;
}

static int
client_is_read_only (struct virgate_client *client)
{
  return session_of (client)->is_read_only;
}

static int
encode_event (struct buf *out, uint32_t program, int32_t procedure,
              const void *msg)
{
  const struct proc_row *row = proc_find (program, procedure);
  const struct frame_header head = {
    .program = program, .version = 1, .procedure = procedure,
    .type = FRAME_MESSAGE, .serial = EVENT_SERIAL, .status = FRAME_OK,
  };
  ptrdiff_t mark;

  if (row == NULL || !(row->flags & PROC_EVENT))
    return -1;
  mark = frame_begin (out, &head, 0);
  if (mark == -1)
    return -1;
  if (xdr_encode (row->args, msg, out, NULL) == -1) {
    frame_cancel (out, mark);
    return -1;
  }
  return frame_end (out, mark);
}

/* May more be put before a client that has not read what is there? */
static bool
has_room (struct session *session)
{
  if (session_is_closing (session) || session->is_ending
      || session->is_broken)
    return false;
  if (wire_out_len (&session->out) < session->loop->limits.max_unread)
    return true;
  session_log (session, VIRGATE_LOG_NOTICE, "leaves %zu bytes of replies and "
               "events unread", wire_out_len (&session->out));
  session->is_broken = true;
  session_touch (session);
  return false;
}

static void
deliver_event (struct mail *mail)
{
  struct event_mail *event = container_of (mail, struct event_mail, mail);
  struct session *session = event->session;

  if ((session->wants_close_event || !event->is_close_event)
      && has_room (session)) {
    if (visible_append_events (session, session_out (session),
                               buf_data (&event->bytes),
                               buf_len (&event->bytes)) == -1)
      session->is_broken = true;
    session_touch (session);
  }
  buf_free (&event->bytes);
  free (event);
}

static int
mail_event (struct session *session, uint32_t program, int32_t procedure,
            const void *msg, bool is_close_event)
{
  struct event_mail *event = calloc (1, sizeof *event);

  if (event == NULL)
    return -1;
  event->session = session;
  event->is_close_event = is_close_event;
  event->mail.deliver = deliver_event;
  if (encode_event (&event->bytes, program, procedure, msg) == -1) {
    buf_free (&event->bytes);
    free (event);
    return -1;
  }
  loop_post (session->loop, &event->mail);
  return 0;
}

/* From a handler of the client's own, behind its reply; from its loop's
 * thread, straight into the output; from elsewhere, by mail.
 */
static int
client_event (struct virgate_client *client, uint32_t program,
              int32_t procedure, const void *msg)
{
  struct session *session = session_of (client);
  struct virgate_call *call = call_current ();

  if (call && call->session == session)
    return encode_event (&call->events, program, procedure, msg);
  if (loop_current () != session->loop)
    return mail_event (session, program, procedure, msg, false);
  if (!has_room (session))
    return -1;
  if (!visible_event (session, proc_find (program, procedure), msg))
    return 0;
  if (encode_event (session_out (session), program, procedure, msg) == -1)
    return -1;
  session_touch (session);
  return 0;
}

static void
client_gone (struct virgate_client *client, int32_t reason)
{
  const struct virgate_remote_connect_event_connection_closed_msg msg = {
    .reason = reason,
  };

  mail_event (session_of (client), VIRGATE_REMOTE_PROGRAM,
              VIRGATE_REMOTE_PROC_CONNECT_EVENT_CONNECTION_CLOSED, &msg,
              true);
}

static struct virgate_client *
call_client (struct virgate_call *call)
{
  return (struct virgate_client *) call->session;
}

const struct virgate_driver_services driver_services = {
  .size = sizeof driver_services,
  .client_peer = client_peer,
  .client_identity = client_identity,
  .client_is_read_only = client_is_read_only,
  .client_event = client_event,
  .client_gone = client_gone,
  .call_alloc = call_service_alloc,
  .call_error = call_service_error,
  .call_error_record = call_service_record,
  .call_client = call_client,
  .call_fds = call_service_fds,
  .call_send_fd = call_service_send_fd,
  .call_done = call_service_done,
  .call_stream = stream_service_open,
  .stream_ready = stream_service_ready,
  .stream_error = stream_service_error,
  .client_send = gateway_service_send,
  .client_resume = gateway_service_resume,
  .link_open = link_service_open,
  .link_send = link_service_send,
  .link_resume = link_service_resume,
  .link_close = link_service_close,
  .client_lost = gateway_service_lost,
  .link_check = link_service_check,
};
