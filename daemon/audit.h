/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The audit trail: one line of JSON for each who was let in or refused, left,
 * changed something, or was not allowed to.  Lines wait in a bounded queue for
 * a thread of their own; what does not fit is counted, and the trail says how
 * much is missing.  Arguments and results are never in it.
 */
#ifndef VIRGATE_DAEMON_AUDIT_H
#define VIRGATE_DAEMON_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <virgate/error.h>

struct audit;
struct log;
struct session;
struct proc_row;
struct virgate_call;

/* Open the trail.
 *
 * where  a file's path, or "journal"
 * queue  lines that may wait
 *
 * NULL with err set.  Main thread.
 */
struct audit *audit_open (const char *where, uint64_t queue,
                          const struct log *log, struct virgate_error *err);
/* Write what waits, for at most a second, and end. */
void audit_close (struct audit *audit);
/* The file may have been moved away: open its name again.  On failure the old
 * one is kept, and the log says why.
 */
void audit_reopen (struct audit *audit);
/* Lines that were lost so far.  Any thread. */
uint64_t audit_lost (struct audit *audit);

/* Any loop's thread. */
void audit_refusal (struct audit *audit, const struct session *session,
                    const char *why);
void audit_entry (struct audit *audit, const struct session *session);
void audit_end (struct audit *audit, const struct session *session);
/* What a line says of a call. */
struct audit_call {
  const char *procedure;
  const char *note;             /* of audit_note; NULL: none */
  const char *reason;           /* words; NULL: none */
  int32_t code;                 /* libvirt's, 0 for success, or of record.h */
  int64_t took_ns;
  bool is_refusal;              /* nothing happened */
};
void audit_call (struct audit *audit, const struct session *session,
                 const struct audit_call *call);

/* A line that cannot even be made. */
void audit_lose (struct audit *audit);

/* The objects that a call's arguments name, as members of a JSON object;
 * malloc'ed, NULL without memory.
 */
char *audit_note (struct virgate_call *call);

/* The same of a call that makes nothing. */
char *audit_note_objects (const struct proc_row *row, const void *args);

/* audit.c, for audit-text.c: put a line of LEN bytes into the queue; it is
 * copied.  Refusals, which cost nobody anything, have half of the queue at
 * most: however many there are, the other half is for what happened.
 */
void audit_put (struct audit *audit, const char *line, size_t len,
                bool is_refusal);

#endif /* VIRGATE_DAEMON_AUDIT_H */
