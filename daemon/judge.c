/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What decides whether a gateway gets a call; see judge.h.
 */
#include "config.h"

#include <virgate/remote.h>

#include "daemon/call.h"
#include "daemon/dispatch.h"
#include "daemon/gateway.h"
#include "daemon/guard.h"
#include "daemon/judge.h"
#include "daemon/refuse.h"
#include "daemon/session.h"

static const struct proc_permission unknown_needs = {
  .pair = { "connect", "write" }, .when = { .test = PROC_ALWAYS },
};

const struct proc_row unknown_row = {
  .name = "unknown", .permissions = &unknown_needs, .permission_count = 1,
  .denied = { .test = PROC_ALWAYS },
};

/* Must somebody see the arguments? */
static bool
needs_arguments (struct session *session, const struct frame *frame,
                 const struct proc_row *row)
{
  return (session->is_read_only && row->denied.test != PROC_NEVER)
         || guard_watches (row) || record_wants (session, row)
         || access_judges (session, row, frame->payload, frame->len);
}

/* Refused or permitted; of WAIT it is known later.  After NO the call is gone.
 */
static enum access_result
decide (struct session *session, const struct proc_row *row,
        struct virgate_call *call)
{
  char why[GUARD_TEXT_MAX];
  enum access_result permitted;

  if (session->is_read_only && proc_is_denied_read_only (row, call->args)) {
    refuse_read_only (call);
    return ACCESS_NO;
  }
  permitted = access_permits (session, call);
  if (permitted == ACCESS_NO)
    refuse_access (call);
  else if (permitted == ACCESS_YES
           && !guard_allows (session->driver, row, call->args, why,
                             sizeof why)) {
    call_refuse (call, VIRGATE_ERR_OPERATION_DENIED, VIRGATE_FROM_RPC, "%s",
                 why);
    return ACCESS_NO;
  }
  return permitted;
}

/* The call with its arguments, as far as the tables know them; NULL after it
 * was refused.
 */
static struct virgate_call *
take (struct session *session, const struct frame *frame,
      const struct proc_row *row)
{
  struct virgate_call *call;

  if (row != &unknown_row)
    return call_decode (session, frame, row);
  call = call_new (session, frame, row);
  if (call == NULL)
    refuse_no_memory (session, &frame->head);
  return call;
}

/* Once the way onward is lost, all that is left is to say what will fail. */
static enum access_result
judge_arguments (struct session *session, const struct frame *frame,
                 const struct proc_row *row, record_note *note)
{
  struct virgate_call *call = take (session, frame, row);
  enum access_result permitted;

  if (call == NULL)
    return ACCESS_NO;
  permitted = session->gateway->is_lost ? ACCESS_YES
                                        : decide (session, row, call);
  if (permitted == ACCESS_YES)
    *note = record_prepare (call);
  if (permitted != ACCESS_NO)
    call_free (call);
  return permitted;
}

/* Check without decoding, which is all that most calls need.  The far side
 * may be of a time when there was no such procedure: then it would say so
 * before it looked at the arguments.
 */
static bool
has_good_arguments (struct session *session, const struct frame *frame,
                    const struct proc_row *row)
{
  struct xdr_error why = { "", "", 0 };

  if (xdr_check (row->args, frame->payload, frame->len, &why) == 0)
    return true;
  log_undecodable (session, row, &why);
  if (frame->head.program == VIRGATE_REMOTE_PROGRAM
      && row->number > LAST_OF_9_0)
    refuse_unknown (session, &frame->head);
  else
    refuse_undecodable (session, &frame->head);
  return false;
}

enum access_result
judge_call (struct session *session, const struct frame *frame,
            const struct proc_row *row, record_note *note)
{
  if (session->gateway->is_lost ? record_wants (session, row)
                                : needs_arguments (session, frame, row))
    return judge_arguments (session, frame, row, note);
  return row == &unknown_row || has_good_arguments (session, frame, row)
         ? ACCESS_YES : ACCESS_NO;
}
