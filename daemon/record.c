/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * To the counters and to the trail; see record.h.
 */
#include "config.h"

#include <stdlib.h>

#include "common/mem.h"
#include "daemon/audit.h"
#include "daemon/call.h"
#include "daemon/listeners.h"
#include "daemon/record.h"
#include "daemon/server.h"
#include "daemon/session.h"

static struct audit *
audit_of (const struct session *session)
{
  return session->listener->server->audit;
}

/* Before it was given to a loop, it is on the main thread. */
static struct tally *
tally_of (const struct session *session)
{
  const struct server *server = session->listener->server;

  return session->loop ? session->loop->tally : server->loops[0].tally;
}

void
record_refusal (struct session *session, enum tally_refusal refusal,
                const char *why)
{
  struct tally *tally = tally_of (session);

  if (tally)
    tally_add (&tally->refusals[refusal], 1);
  /* Who is turned away unheard comes in floods, which must not push others
   * out of the trail; the beginning of a ban is in the log.
   */
  if (audit_of (session) && refusal != TALLY_BANNED
      && refusal != TALLY_NO_ROOM)
    audit_refusal (audit_of (session), session, why);
}

void
record_entry (struct session *session)
{
  struct tally *tally = tally_of (session);

  if (tally)
    tally_add (&tally->entered, 1);
  if (audit_of (session))
    audit_entry (audit_of (session), session);
}

void
record_end (struct session *session)
{
  if (session->state >= SESSION_OPEN && audit_of (session))
    audit_end (audit_of (session), session);
}

static enum tally_outcome
outcome_of (int32_t code)
{
  switch (code) {
  case VIRGATE_ERR_OK:
    return TALLY_OK;
  case VIRGATE_ERR_ACCESS_DENIED:
  case VIRGATE_ERR_OPERATION_DENIED:
    return TALLY_DENIED;
  }
  return TALLY_FAILED;
}

static int32_t
code_of (const struct virgate_call *call)
{
  if (call->result == 0)
    return 0;
  return call->error.code ? call->error.code : VIRGATE_ERR_INTERNAL_ERROR;
}

bool
record_wants (const struct session *session, const struct proc_row *row)
{
  return audit_of (session) && row->denied.test != PROC_NEVER;
}

/* Calls that change something, and those that were not allowed.  Arguments
 * that are none changed nothing, and do not say what they would have.
 */
static bool
is_audited (const struct virgate_call *call, enum tally_outcome outcome)
{
  const struct proc_row *row = call->row;

  if (outcome == TALLY_DENIED)
    return true;
  return row->denied.test != PROC_NEVER && (call->args || row->args == NULL)
         && proc_is_denied_read_only (row, call->args);
}

void
record_call (struct virgate_call *call)
{
  struct session *session = call->session;
  struct audit *audit = audit_of (session);
  struct tally *tally = session->loop->tally;
  enum tally_outcome outcome;
  record_note note;
  int64_t took;
  bool audited;

  if (tally == NULL && audit == NULL)
    return;
  outcome = outcome_of (code_of (call));
  audited = audit && is_audited (call, outcome);
  if (tally == NULL && !audited)
    return;
  took = now_ns () - call->began_ns;
  if (tally)
    tally_call (tally, call->head.program, call->row, outcome, took);
  if (audited) {
    note = audit_note (call);
    audit_call (audit, session, call->row->name, note, code_of (call), took);
    free (note);
  }
}

record_note
record_denied (const struct session *session, const struct proc_row *row,
               const void *args)
{
  return audit_of (session) ? audit_note_objects (row, args) : NULL;
}

record_note
record_prepare (struct virgate_call *call)
{
  if (audit_of (call->session) == NULL
      || !proc_is_denied_read_only (call->row, call->args))
    return NULL;
  return audit_note (call);
}

void
record_passed (struct session *session, uint32_t program,
               const struct proc_row *row, int32_t code, int64_t began_ns,
               record_note note)
{
  struct audit *audit = audit_of (session);
  struct tally *tally = session->loop->tally;
  int64_t took;

  enum tally_outcome outcome = outcome_of (code);
  bool audited = audit && (note || outcome == TALLY_DENIED);

  if (tally == NULL && !audited) {
    free (note);
    return;
  }
  took = now_ns () - began_ns;
  if (tally)
    tally_call (tally, program, row, outcome, took);
  if (audited)
    audit_call (audit, session, row ? row->name : "unknown", note, code,
                took);
  free (note);
}
