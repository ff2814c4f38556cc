/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The beginning of a security layer.  It begins in both directions where the
 * last reply of the conversation ends, which goes out in clear: from the end
 * of the conversation until that reply is written nothing is read, and what
 * came in clear meanwhile ends the session.
 */
#ifndef VIRGATE_DAEMON_SEAL_H
#define VIRGATE_DAEMON_SEAL_H

#include "daemon/auth-state.h"
#include "daemon/session.h"

/* The conversation succeeded: if it negotiated a layer, take the conversation
 * over.  Its call has to be answered yet.  0, or -1 after a log line.
 */
int seal_prepare (struct auth *auth);

/* Is a layer about to begin? */
bool seal_is_near (const struct session *session);

/* All output is written: begin if it is time.  Closes the session when bytes
 * in clear are in the way.
 */
void seal_begin (struct session *session);

/* What a session keeps of it. */
void seal_free (struct session *session);

#endif /* VIRGATE_DAEMON_SEAL_H */
