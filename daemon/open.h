/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening a driver connection: which driver gets which name.
 */
#ifndef VIRGATE_DAEMON_OPEN_H
#define VIRGATE_DAEMON_OPEN_H

#include <virgate/driver.h>

/* On the loop: may it be opened, and is the name one to look for? */
int open_prepare (struct virgate_call *call);

/* On a worker: ask the drivers. */
int open_run (void *conn, struct virgate_call *call, const void *args,
              void *ret);

#endif /* VIRGATE_DAEMON_OPEN_H */
