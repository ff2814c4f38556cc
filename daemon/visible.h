/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a client may see of what comes back: rows of lists, counts, objects
 * that were looked up, events.  Nothing here is done for listeners without
 * access lists that have an opinion on it.
 */
#ifndef VIRGATE_DAEMON_VISIBLE_H
#define VIRGATE_DAEMON_VISIBLE_H

#include <stdbool.h>

#include <virgate/acl.h>

#include "common/arena.h"
#include "common/buf.h"
#include "protocol/table.h"

struct session;
struct virgate_call;

/* May anything be hidden from this client? */
bool visible_is_judged (const struct session *session);

/* Does the answer to this procedure have to be looked at? */
bool visible_concerns (struct session *session, const struct proc_row *row);

/* What has to be asked instead for an answer that can be filtered: counts and
 * bare ids say nothing of what they count.  Out: the procedure, often the
 * same one, and its arguments.  0, or -1 without memory.
 */
int visible_plan (const struct proc_row *row, void *args,
                  struct arena *arena, const struct proc_row **ask,
                  void **ask_args);

/* Make the answer of what was asked: leave out what is hidden.  0; or -1
 * when it is about something hidden, or without memory.
 */
int visible_answer (struct session *session, const struct proc_row *row,
                    const void *args, const struct proc_row *asked,
                    void *found, struct arena *arena, void *ret);

/* The same for a call that its handler answered. */
void visible_filter (struct virgate_call *call);

/* May the client get this event? */
bool visible_event (const struct session *session, const struct proc_row *row,
                    const void *msg);

/* Append encoded events, but for those about hidden objects. */
int visible_append_events (struct session *session, struct buf *out,
                           const char *events, size_t len);

#endif /* VIRGATE_DAEMON_VISIBLE_H */
