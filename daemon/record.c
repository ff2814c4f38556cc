/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * To the counters and to the trail; see record.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/audit.h"
#include "daemon/call.h"
#include "daemon/listeners.h"
#include "daemon/record.h"
#include "daemon/refuse.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* Messages that are no calls: so many of a session have a line, and of one
 * that is a stranger yet.
 */
#define NO_CALLS_MAX 16
#define NO_CALLS_STRANGER_MAX 1

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
  case RECORD_NO_CALL:
    return TALLY_REFUSED;
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

static bool
changes (const struct virgate_call *call)
{
  return call->row->denied.test != PROC_NEVER
         && proc_is_denied_read_only (call->row, call->args);
}

static bool
is_open (const struct virgate_call *call)
{
  return call->head.program == VIRGATE_REMOTE_PROGRAM
         && call->head.procedure == VIRGATE_REMOTE_PROC_CONNECT_OPEN;
}

/* Calls that change something, those that were not allowed, and names that
 * were not opened.
 */
static bool
is_audited (const struct virgate_call *call, enum tally_outcome outcome)
{
  return outcome == TALLY_DENIED || changes (call)
         || (outcome != TALLY_OK && is_open (call));
}

/* A line about a call of the daemon or a driver. */
static void
put_call (struct audit *audit, struct virgate_call *call,
          enum tally_outcome outcome, int64_t took)
{
  record_note note = audit_note (call);

  audit_call (audit, call->session, &(struct audit_call) {
    .procedure = call->row->name, .note = note,
    .code = code_of (call), .took_ns = took,
    .is_refusal = outcome == TALLY_DENIED || !changes (call),
  });
  free (note);
}

void
record_call (struct virgate_call *call)
{
  struct session *session = call->session;
  struct audit *audit = audit_of (session);
  struct tally *tally = session->loop->tally;
  enum tally_outcome outcome;
  int64_t took;

  if ((tally == NULL && audit == NULL) || call->is_dropped)
    return;
  if (call->is_undecodable) {
    record_no_call (session, &call->head, UNDECODABLE);
    return;
  }
  outcome = outcome_of (code_of (call));
  took = now_ns () - call->began_ns;
  if (tally)
    tally_call (tally, call->head.program, call->row, outcome, took);
  if (audit && is_audited (call, outcome))
    put_call (audit, call, outcome, took);
}

record_note
record_denied (const struct session *session, const struct proc_row *row,
               const void *args)
{
  return audit_of (session) ? audit_note_objects (row, args) : NULL;
}

/* Without memory for it, its line is one that was lost. */
record_note
record_prepare (struct virgate_call *call)
{
  struct audit *audit = audit_of (call->session);
  record_note note;

  if (audit == NULL || !proc_is_denied_read_only (call->row, call->args))
    return NULL;
  note = audit_note (call);
  if (note == NULL)
    audit_lose (audit);
  return note;
}

/* "domain_destroy", or by its numbers "remote.9999", "program-1.2". */
static const char *
name_of (struct record_what what, char *text, size_t size)
{
  const struct proc_program *program = proc_program_find (what.program);

  if (what.row)
    return what.row->name;
  if (program)
    snprintf (text, size, "%s.%d", program->name, (int) what.procedure);
  else
    snprintf (text, size, "program-%u.%d", what.program,
              (int) what.procedure);
  return text;
}

void
record_passed (struct session *session, struct record_what what,
               int32_t code, int64_t began_ns, record_note note)
{
  struct audit *audit = audit_of (session);
  struct tally *tally = session->loop->tally;
  enum tally_outcome outcome = outcome_of (code);
  bool audited = audit && (note || outcome == TALLY_DENIED);
  int64_t took = tally || audited ? now_ns () - began_ns : 0;
  char name[64];

  if (tally)
    tally_call (tally, what.program, what.row, outcome, took);
  if (audited)
    audit_call (audit, session, &(struct audit_call) {
      .procedure = name_of (what, name, sizeof name), .note = note,
      .code = code, .took_ns = took, .is_refusal = outcome == TALLY_DENIED,
    });
  free (note);
}

void
record_no_call (struct session *session, const struct frame_header *head,
                const char *why)
{
  const struct record_what what = record_what (head, proc_find (head->program,
                                               head->procedure));
  struct tally *tally = session->loop->tally;
  unsigned max = session->state < SESSION_OPEN ? NO_CALLS_STRANGER_MAX
                                               : NO_CALLS_MAX;
  char name[64];

  if (tally)
    tally_refused (tally, what.program, what.row);
  if (audit_of (session) == NULL || session->no_calls++ >= max)
    return;
  audit_call (audit_of (session), session, &(struct audit_call) {
    .procedure = name_of (what, name, sizeof name), .reason = why,
    .code = RECORD_NO_CALL, .is_refusal = true,
  });
}
