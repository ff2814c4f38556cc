/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Access control of a listener: the lists its `acl =` names, asked in their
 * order until one decides.  No list, or none that decides: allowed when the
 * listener names none, refused when it does.
 */
#ifndef VIRGATE_DAEMON_ACCESS_H
#define VIRGATE_DAEMON_ACCESS_H

#include <stdbool.h>

struct listener;
struct session;
struct virgate_call;
struct virgate_peer;

/* May this peer speak at all?  The log has the reason when not. */
bool access_admits (const struct listener *listener,
                    const struct virgate_peer *peer);

/* May this identity come in?  May make the session read-only. */
bool access_enters (struct session *session);

/* May this call be made? */
bool access_permits (struct session *session, struct virgate_call *call);

#endif /* VIRGATE_DAEMON_ACCESS_H */
