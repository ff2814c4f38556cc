/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a message to its handler; see dispatch.h.  The order of the checks is
 * libvirt's, so that a call with several faults gets the same answer.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/access.h"
#include "daemon/admin.h"
#include "daemon/auth.h"
#include "daemon/builtin.h"
#include "daemon/call.h"
#include "daemon/counts.h"
#include "daemon/dispatch.h"
#include "daemon/gateway-hide.h"
#include "daemon/gateway.h"
#include "daemon/judge.h"
#include "daemon/names.h"
#include "daemon/refuse.h"
#include "daemon/seal.h"
#include "daemon/server.h"
#include "daemon/session.h"
#include "daemon/stream.h"

/* A call that waits behind the limits: its message, without descriptors. */
struct held {
  struct held *next;
  struct frame_header head;
  size_t len;
  char payload[];
};

/* What is to be called. */
struct target {
  const struct proc_row *row;   /* NULL: unknown, but to be passed on */
  const struct virgate_handler *handler; /* NULL: none */
  bool is_passed;               /* a gateway's driver takes it whole */
  bool needs_open;
  int (*prepare) (struct virgate_call *call);
};

static void
find_handler (const struct session *session, const struct frame_header *head,
              struct target *target)
{
  const struct builtin *builtin = session->is_admin
    ? admin_find (head->procedure)
    : builtin_find (head->program, head->procedure);

  target->needs_open = builtin == NULL || builtin->needs_open;
  target->handler = builtin ? &builtin->handler : NULL;
  target->prepare = builtin ? builtin->prepare : NULL;
  if (builtin == NULL && session->driver)
    target->handler = driver_handler (session->driver, head->program,
                                      head->procedure);
}

/* A procedure newer than libvirt 9.0 that the driver lacks is unknown, as to a
 * server of that time, rather than unsupported: then clients fall back to
 * older ones.
 */
static bool
is_too_new (const struct session *session, const struct frame_header *head,
            const struct target *target)
{
  return session->driver && target->handler == NULL && !target->is_passed
         && head->program == VIRGATE_REMOTE_PROGRAM
         && head->procedure > LAST_OF_9_0;
}

/* May a procedure be called that the tables do not know?  Nobody can tell
 * whether it changes something.
 */
static bool
passes_unknown (const struct session *session)
{
  return session->gateway && session->driver->passes_unknown
         && !session->is_read_only;
}

/* The procedure that a call names; false when there is no such one. */
static bool
look_up (const struct session *session, const struct frame *frame,
         struct target *target)
{
  const struct frame_header *head = &frame->head;

  target->row = proc_find (head->program, head->procedure);
  target->is_passed = gateway_takes (session, frame);
  if (target->row ? (target->row->flags & PROC_EVENT) != 0
                  : !passes_unknown (session))
    return false;
  find_handler (session, head, target);
  return !is_too_new (session, head, target);
}

/* Is this a program for clients of this kind? */
static bool
is_served (const struct session *session, const struct proc_program *program)
{
  if (session->is_admin)
    return program->number == VIRGATE_ADMIN_PROGRAM;
  return program - proc_programs < DRIVER_PROGRAMS;
}

/* Find the procedure; -1 after it was refused. */
static int
find_target (struct session *session, const struct frame *frame,
             struct target *target)
{
  const struct frame_header *head = &frame->head;
  const struct proc_program *program = proc_program_find (head->program);

  if (program == NULL || !is_served (session, program)
      || program->version != head->version) {
    refuse_no_call (session, head, "Cannot find program %d version %d",
                    (int) head->program, (int) head->version);
    return -1;
  }
  if (head->status != FRAME_OK) {
    refuse_no_call (session, head, "Unexpected message status %u",
                    (unsigned) head->status);
    return -1;
  }
  if (!look_up (session, frame, target)) {
    refuse_unknown (session, head);
    return -1;
  }
  return 0;
}

static bool
is_for_worker (const struct virgate_handler *handler)
{
  return handler && (handler->flags & VIRGATE_WORKER);
}

/* Must the call wait until others are done? */
static bool
must_wait (const struct session *session, const struct target *target,
           size_t len)
{
  const struct limits *limits = &session->loop->limits;

  if (session->is_opening || auth_is_busy (session))
    return true;
  if (target->is_passed && session->gateway->is_full)
    return true;
  if (!target->is_passed && !is_for_worker (target->handler))
    return false;
  return session->requests >= limits->max_requests
         || (session->requests > 0
             && session->request_bytes + len > limits->max_request_bytes);
}

/* Put a call aside, so that what follows it (keepalive, above all) is still
 * seen.
 */
static enum wire_verdict
hold (struct session *session, const struct frame *frame)
{
  struct held *held, **last = &session->held;
  size_t max = session->state < SESSION_OPEN ? LIMIT_STRANGER_HELD
                                             : LIMIT_HELD_BYTES;

  if (frame->fd_count > 0 || session->held_bytes + frame->len > max) {
    session->is_waiting = true;
    return WIRE_HOLD;
  }
  held = malloc (sizeof *held + frame->len);
  if (held == NULL)
    return WIRE_BROKEN;
  held->next = NULL;
  held->head = frame->head;
  held->len = frame->len;
  memcpy (held->payload, frame->payload, frame->len);
  while (*last)
    last = &(*last)->next;
  *last = held;
  session->held_bytes += sizeof *held + frame->len;
  return WIRE_NEXT;
}

/* The message is dealt with: if there was a secret in it, overwrite it. */
static void
forget (const struct frame_header *head, const char *payload, size_t len)
{
  const struct proc_row *row = proc_find (head->program, head->procedure);

  if (row && (row->flags & PROC_SECRET))
    wipe ((char *) payload, len);
}

static bool
has_too_many_streams (const struct session *session,
                      const struct proc_row *row)
{
  return (row->flags & PROC_STREAM)
         && session->stream_count >= session->loop->limits.max_requests;
}

/* Everything that needs the arguments. */
static void
run (struct session *session, struct virgate_call *call,
     const struct target *target)
{
  char why[API_NAME_MAX];

  if (target->needs_open && session->state != SESSION_READY)
    call_refuse (call, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_RPC, "%s",
                 "hypervisor connection not open");
  else if (counts_are_wrong (call->head.program, call->row, call->args, why,
                             sizeof why))
    call_refuse (call, VIRGATE_ERR_RPC, VIRGATE_FROM_RPC, "%s", why);
  else if (session->is_read_only
           && proc_is_denied_read_only (call->row, call->args))
    refuse_read_only (call);
  else if (access_permits (session, call) != ACCESS_YES)
    refuse_access (call);
  else if (target->handler == NULL)
    refuse_unsupported (call);
  else if (has_too_many_streams (session, call->row))
    call_refuse (call, TOO_MANY_STREAMS);
  else if (target->prepare == NULL || target->prepare (call) == 0)
    call_run (call, target->handler);
}

/* A call that a gateway takes. */
static enum wire_verdict
pass (struct session *session, const struct frame *frame,
      const struct proc_row *row, bool may_hold)
{
  const struct proc_row *known = row ? row : &unknown_row;
  record_note note = NULL;
  enum access_result ok = judge_call (session, frame, known, &note);

  if (ok == ACCESS_WAIT)
    return may_hold ? hold (session, frame) : WIRE_HOLD;
  gateway_forget_names (session->gateway);
  if (ok == ACCESS_NO)
    return WIRE_NEXT;
  if (has_too_many_streams (session, known)) {
    refuse_message (session, &frame->head, TOO_MANY_STREAMS);
    record_passed (session, record_what (&frame->head, row),
                   VIRGATE_ERR_RESOURCE_BUSY, session->loop->now, note);
    return WIRE_NEXT;
  }
  return gateway_call (session, frame, row, note);
}

static enum wire_verdict
dispatch_call (struct session *session, const struct frame *frame,
               bool may_hold)
{
  struct virgate_call *call;
  struct target target;

  if (find_target (session, frame, &target) == -1)
    return WIRE_NEXT;
  /* A worker may be about to let the client in by facts alone.  Clients that
   * expect so need not ask for a method first (virt-admin does not): their
   * call is held rather than refused.
   */
  if (session->state < SESSION_OPEN
      && !(target.row && (target.row->flags & PROC_NO_AUTH))
      && !(may_hold && auth_is_busy (session))) {
    refuse_no_call (session, &frame->head, "authentication required");
    return WIRE_NEXT;
  }
  if (may_hold && (session->held
                   || must_wait (session, &target, frame->len)))
    return hold (session, frame);
  if (target.is_passed)
    return pass (session, frame, target.row, may_hold);
  call = call_decode (session, frame, target.row);
  if (call)
    run (session, call, &target);
  return WIRE_NEXT;
}

/* After each message: may this session go on at once? */
static enum wire_verdict
turn_verdict (struct session *session)
{
  if (session->is_broken)
    return WIRE_BROKEN;
  session->turn_frames++;
  if (session->state < SESSION_OPEN
      && (session->turn_frames >= LIMIT_STRANGER_TURN_FRAMES
          || wire_out_len (&session->out) >= LIMIT_STRANGER_TURN_BYTES))
    return WIRE_STOP;
  if (session->turn_frames >= LIMIT_TURN_FRAMES || seal_is_near (session)
      || wire_out_len (&session->out) >= LIMIT_TURN_BYTES)
    return WIRE_STOP;
  return WIRE_NEXT;
}

/* A message longer than max-message: nothing that decodes is. */
static enum wire_verdict
refuse_cut (struct session *session, const struct frame *frame)
{
  struct target target;

  if (frame->head.type != FRAME_CALL && frame->head.type != FRAME_CALL_FDS)
    return WIRE_BROKEN;
  if (find_target (session, frame, &target) == 0)
    refuse_undecodable (session, &frame->head);
  return turn_verdict (session);
}

enum wire_verdict
dispatch_frame (void *opaque, const struct frame *frame)
{
  struct session *session = opaque;
  enum wire_verdict verdict = WIRE_NEXT;

  if (session->is_ending)
    return WIRE_NEXT;
  keepalive_heard (&session->keepalive, session->loop->now);
  if (frame->is_cut)
    return refuse_cut (session, frame);
  switch (frame->head.program == KEEPALIVE_PROGRAM ? -1 : frame->head.type) {
  case -1:
    if (keepalive_frame (frame, session_out (session)) == -1)
      session->is_broken = true;
    break;
  case FRAME_CALL:
  case FRAME_CALL_FDS:
    verdict = dispatch_call (session, frame, true);
    if (verdict != WIRE_HOLD)
      forget (&frame->head, frame->payload, frame->len);
    break;
  case FRAME_STREAM:
  case FRAME_STREAM_HOLE:
    verdict = session->gateway ? gateway_stream (session, frame)
                               : stream_frame (session, frame);
    break;
  }
  return verdict == WIRE_NEXT ? turn_verdict (session) : verdict;
}

/* May the call at the front go on?  Once a driver is open, there may be no
 * such procedure any more: then it goes on to be refused.
 */
static bool
may_release (const struct session *session, const struct frame *frame)
{
  struct target target;

  if (session->is_opening || auth_is_busy (session))
    return false;
  return !look_up (session, frame, &target)
         || !must_wait (session, &target, frame->len);
}

void
dispatch_held (struct session *session)
{
  while (session->held && !session_is_closing (session)) {
    struct held *held = session->held;
    const struct frame frame = {
      .head = held->head, .payload = held->payload, .len = held->len,
    };
    enum wire_verdict verdict;

    if (!may_release (session, &frame))
      return;
    session->held = held->next;
    verdict = dispatch_call (session, &frame, false);
    if (verdict == WIRE_HOLD) {
      held->next = session->held;
      session->held = held;
      return;
    }
    session->held_bytes -= sizeof *held + held->len;
    forget (&frame.head, frame.payload, frame.len);
    free (held);
    if (verdict == WIRE_BROKEN)
      session->is_broken = true;
  }
}

void
dispatch_drop_held (struct session *session)
{
  while (session->held) {
    struct held *next = session->held->next;

    forget (&session->held->head, session->held->payload,
            session->held->len);
    free (session->held);
    session->held = next;
  }
  session->held_bytes = 0;
}
