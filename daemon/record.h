/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What happened, for those who want to know: the metrics count it, the audit
 * trail keeps it.  A daemon that has neither does nothing here.
 */
#ifndef VIRGATE_DAEMON_RECORD_H
#define VIRGATE_DAEMON_RECORD_H

#include <stdbool.h>

#include "core/frame.h"
#include "daemon/tally.h"
#include "protocol/table.h"

struct session;
struct virgate_call;

/* What the audit trail will say of a call that was passed on; NULL: nothing.
 * A heap string, handed over to record_passed.
 */
typedef char *record_note;

/* A connection is refused, for this reason (words for the trail).  The
 * session's loop, or the main thread before it has one.
 */
void record_refusal (struct session *session, enum tally_refusal refusal,
                     const char *why);

/* It is let in; it ends. */
void record_entry (struct session *session);
void record_end (struct session *session);

/* A call of the daemon or a driver is about to be answered: its result and
 * error are set.
 */
void record_call (struct virgate_call *call);

/* Is the trail about this procedure, so that its arguments must be decoded?
 * Then record_prepare makes the note of them while they are there.
 */
bool record_wants (const struct session *session, const struct proc_row *row);
record_note record_prepare (struct virgate_call *call);

/* The note of one whose answer is not for the client; not decoded before. */
record_note record_denied (const struct session *session,
                           const struct proc_row *row, const void *args);

/* What was called. */
struct record_what {
  uint32_t program;
  int32_t procedure;
  const struct proc_row *row;   /* NULL: unknown to the tables */
};

static inline struct record_what
record_what (const struct frame_header *head, const struct proc_row *row)
{
  return (struct record_what) { head->program, head->procedure, row };
}

/* Instead of a code: nobody knows; it was no proper call. */
#define RECORD_UNKNOWN (-1)
#define RECORD_NO_CALL (-2)

/* A call that was to be passed on was answered.  code: libvirt's, 0 for
 * success.
 */
void record_passed (struct session *session, struct record_what what,
                    int32_t code, int64_t began_ns, record_note note);

/* A message was refused for what it is: no such procedure, no arguments of
 * it, too early (words for the trail).  The trail has the first few of a
 * session, whose end says how many there were.
 */
void record_no_call (struct session *session,
                     const struct frame_header *head, const char *why);

#endif /* VIRGATE_DAEMON_RECORD_H */
