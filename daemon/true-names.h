/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The names of objects that calls identify by uuid, as the hypervisor has
 * them.  A driver of the daemon's own is asked on the way; one behind a
 * gateway by a call of the daemon's that the client never sees.  What was
 * asked a moment ago need not be asked again, see known-names.h.
 */
#ifndef VIRGATE_DAEMON_TRUE_NAMES_H
#define VIRGATE_DAEMON_TRUE_NAMES_H

#include <stdint.h>

#include "daemon/access.h"
#include "daemon/known-names.h"

/* Find the name, and when it was asked; both stay as they are when there is
 * no such object.  The name lives as long as the call.  YES, or WAIT.
 */
enum access_result true_name (struct virgate_call *call, const char *kind,
                              const uint8_t uuid[16], const char **name,
                              struct names_when *when);

#endif /* VIRGATE_DAEMON_TRUE_NAMES_H */
