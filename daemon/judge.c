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

static enum access_result
judge_arguments (struct session *session, const struct frame *frame,
                 const struct proc_row *row, record_note *note)
{
  struct virgate_call *call = row == &unknown_row
    ? call_new (session, frame, row) : call_decode (session, frame, row);
  char why[GUARD_TEXT_MAX];
  enum access_result permitted;

  if (call == NULL)
    return ACCESS_NO;
  if (session->is_read_only && proc_is_denied_read_only (row, call->args))
    refuse_read_only (call);
  else if ((permitted = access_permits (session, call)) == ACCESS_NO)
    refuse_access (call);
  else if (permitted == ACCESS_WAIT) {
    call_free (call);
    return ACCESS_WAIT;
  }
  else if (!guard_allows (session->driver, row, call->args, why, sizeof why))
    call_refuse (call, VIRGATE_ERR_OPERATION_DENIED, VIRGATE_FROM_RPC, "%s",
                 why);
  else {
    *note = record_prepare (call);
    call_free (call);
    return ACCESS_YES;
  }
  return ACCESS_NO;
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
  if (!session->gateway->is_lost && needs_arguments (session, frame, row))
    return judge_arguments (session, frame, row, note);
  return row == &unknown_row || has_good_arguments (session, frame, row)
         ? ACCESS_YES : ACCESS_NO;
}
