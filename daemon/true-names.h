/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The names of objects that calls identify by uuid, as the hypervisor has
 * them.  A driver of the daemon's own is asked each time: that costs it a
 * look into a table.  One behind a gateway is asked once per call, by a call
 * of the daemon's that the client never sees.
 */
#ifndef VIRGATE_DAEMON_TRUE_NAMES_H
#define VIRGATE_DAEMON_TRUE_NAMES_H

#include <stdint.h>

#include "daemon/access.h"

/* Find the name; *name stays as it is when there is no such object.  It
 * lives as long as the call.  YES, or WAIT.
 */
enum access_result true_name (struct virgate_call *call, const char *kind,
                              const uint8_t uuid[16], const char **name);

#endif /* VIRGATE_DAEMON_TRUE_NAMES_H */
