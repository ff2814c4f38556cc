/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Permissions that outlive their call: a stream goes on long after the call
 * that opened it was allowed.  What lists were asked is kept as long as the
 * stream is open, and asked again when lists or policies were read anew.
 */
#ifndef VIRGATE_DAEMON_GRANTS_H
#define VIRGATE_DAEMON_GRANTS_H

#include <stdbool.h>

#include <virgate/acl.h>

#include "core/frame.h"

struct grant;
struct session;
struct virgate_call;

/* Lists allowed this call, asked so; it may open a stream.  0, or -1 without
 * memory: then it must not.
 */
int grants_keep (struct virgate_call *call,
                 const struct virgate_acl_call *question);

/* The call failed, or its stream has ended; of a gateway's session that need
 * not be said.
 */
void grants_drop (struct session *session, const struct frame_header *head);

/* Is each open stream of the session still allowed?  The log has the rule
 * when one is not.
 */
bool grants_hold (struct session *session);

void grants_free (struct session *session);

#endif /* VIRGATE_DAEMON_GRANTS_H */
