/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a client to its gateway's driver; see gateway.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "daemon/builtin.h"
#include "daemon/gateway-hide.h"
#include "daemon/gateway.h"
#include "daemon/link.h"
#include "daemon/refuse.h"
#include "daemon/server.h"
#include "daemon/session.h"

int
gateway_begin (struct session *session)
{
  session->gateway = calloc (1, sizeof *session->gateway);
  return session->gateway ? 0 : -1;
}

/* The daemon answers for features of its own connection to the client.  Not
 * for FD passing: libvirtd claims that over any transport and then fails the
 * calls, so the answer is left to the daemon behind.
 */
static bool
is_own_feature (const struct frame *frame)
{
  uint32_t feature;

  if (frame->len != sizeof feature)
    return true;
  feature = be32_load (frame->payload);
  return feature == FEATURE_KEEPALIVE;
}

bool
gateway_takes (const struct session *session, const struct frame *frame)
{
  if (session->gateway == NULL)
    return false;
  if (frame->head.program == VIRGATE_REMOTE_PROGRAM)
    switch (frame->head.procedure) {
    case VIRGATE_REMOTE_PROC_CONNECT_SUPPORTS_FEATURE:
      return !is_own_feature (frame);
    case VIRGATE_REMOTE_PROC_CONNECT_REGISTER_CLOSE_CALLBACK:
    case VIRGATE_REMOTE_PROC_CONNECT_UNREGISTER_CLOSE_CALLBACK:
      return true;
    }
  return builtin_find (frame->head.program, frame->head.procedure) == NULL;
}

/* Give a frame to the driver. */
static enum wire_verdict
give (struct session *session, const struct frame *frame, bool with_fds)
{
  struct virgate_frame given = {
    .program = frame->head.program, .version = frame->head.version,
    .procedure = frame->head.procedure, .type = frame->head.type,
    .serial = frame->head.serial, .status = frame->head.status,
    .payload = frame->payload, .len = frame->len,
  };
  int result;

  if (given.type == FRAME_CALL_FDS && !with_fds)
    given.type = FRAME_CALL;
  else {
    given.fds = frame->fds;
    given.fd_count = frame->fd_count;
  }
  result = session->driver->ops->frame (session->driver_conn, &given);
  if (result == VIRGATE_AGAIN) {
    session->gateway->is_full = true;
    session->is_waiting = session->is_stuck = true;
    return WIRE_HOLD;
  }
  /* A link that is lost over it has answered everything already. */
  return result == 0 || session->gateway->is_lost ? WIRE_NEXT : WIRE_BROKEN;
}

/* Does this call send or bring descriptors where the link passes none?  The
 * far side would end the link over it, so the call is refused here.  One that
 * takes some may bring none.  Descriptors that a call has no use for are not
 * passed on: libvirtd would close them.
 */
static bool
lacks_fds (struct session *session, const struct frame *frame,
           const struct proc_row *row)
{
  uint32_t flags = row ? row->flags : PROC_FDS_IN;

  if (session->onward == NULL || link_passes_fds (session->onward))
    return false;
  if ((flags & PROC_FDS_IN) && frame->fd_count > 0)
    refuse_fds (session, &frame->head, "Sending");
  else if ((flags & (PROC_FDS_IN | PROC_FDS_OUT)) == PROC_FDS_OUT)
    refuse_fds (session, &frame->head, "Receiving");
  else
    return false;
  return true;
}

/* Was the call refused rather than passed on?  code: out, the error's. */
static bool
is_refused (struct session *session, const struct frame *frame,
            const struct proc_row *row, int32_t *code)
{
  const struct gateway *gateway = session->gateway;

  if (gateway->is_lost) {
    refuse_send (session, &frame->head, FRAME_REPLY, &gateway->lost);
    *code = gateway->lost.code;
    return true;
  }
  *code = VIRGATE_ERR_INTERNAL_ERROR;
  return lacks_fds (session, frame, row);
}

/* The driver takes no more: the call comes again.  One before it that has the
 * same header stays, with what the trail will say of it.
 */
static void
take_back (struct session *session, const struct frame_header *head)
{
  struct passed_table *table = &session->gateway->passed;
  struct passed *passed = passed_newest (table, head);

  session->requests--;
  session->request_bytes -= passed->bytes;
  free (passed->note);
  passed_remove (table, passed);
}

enum wire_verdict
gateway_call (struct session *session, const struct frame *frame,
              const struct proc_row *row, record_note note)
{
  CLEANUP_FREE char *mine = note;
  const struct record_what what = record_what (&frame->head, row);
  struct gateway *gateway = session->gateway;
  enum wire_verdict verdict;
  struct passed *passed;
  struct frame asked = *frame;
  CLEANUP (buf_free) struct buf payload = BUF_INIT;
  CLEANUP_FREE struct hiding *hiding = NULL;
  int32_t code;

  if (is_refused (session, frame, row, &code)) {
    record_passed (session, what, code, session->loop->now,
                   steal_pointer (&mine));
    return WIRE_NEXT;
  }
  if ((hiding_concerns (session, &asked.head, row)
       && hiding_begin (&asked, &payload, &row, &hiding) == -1)
      || (passed = passed_add (&gateway->passed, &asked.head, row,
                               frame->len)) == NULL) {
    record_passed (session, what, VIRGATE_ERR_NO_MEMORY, session->loop->now,
                   steal_pointer (&mine));
    return WIRE_BROKEN;
  }
  passed->hiding = steal_pointer (&hiding);
  passed->began_ns = session->loop->now;
  passed->note = steal_pointer (&mine);
  names_touched (session->driver, row);
  session->requests++;
  session->request_bytes += frame->len;
  verdict = give (session, &asked, row == NULL || (row->flags & PROC_FDS_IN));
  if (verdict == WIRE_HOLD)
    take_back (session, &asked.head);
  else if (row && (row->flags & PROC_SECRET) && session->onward)
    session->onward->has_secret = true;
  return verdict;
}

bool
gateway_knows (const struct gateway *gateway, const struct frame_header *head)
{
  return passed_find (&gateway->passed, head, PASSED_NONE) != NULL;
}

bool
gateway_awaits_fds (const struct session *session)
{
  const struct gateway *gateway = session->gateway;

  return gateway && (gateway->passed.fd_count > 0 || gateway->openings > 0);
}

/* Of stream messages only data and holes carry a payload, and a hole's length
 * is fixed; from a client, finish and abort are empty.
 */
static bool
is_stream_message (const struct frame *frame)
{
  if (frame->head.type == FRAME_STREAM_HOLE)
    return frame->len == FRAME_HOLE_LEN
           && frame->head.status == FRAME_CONTINUE;
  return frame->head.status == FRAME_CONTINUE || frame->len == 0;
}

/* What comes for a stream that is over is dropped: it was on its way. */
enum wire_verdict
gateway_stream (struct session *session, const struct frame *frame)
{
  struct gateway *gateway = session->gateway;
  struct passed *passed = passed_find (&gateway->passed, &frame->head,
                                       PASSED_NONE);

  if (passed == NULL || passed->row == NULL
      || !(passed->row->flags & PROC_STREAM))
    return WIRE_NEXT;
  if (is_stream_message (frame))
    return give (session, frame, false);
  session_log (session, VIRGATE_LOG_INFO, "%s: sent a stream message that is "
               "none", passed->row->name);
  return WIRE_BROKEN;
}

void
gateway_service_resume (struct virgate_client *client)
{
  struct session *session = (struct session *) client;

  if (session->gateway && session->gateway->openings > 0)
    gateway_left_abort (session);
  if (session_is_closing (session) || session->gateway == NULL
      || !session->gateway->is_full)
    return;
  session->gateway->is_full = false;
  session_again (session);
}
