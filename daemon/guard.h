/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arguments that would make the daemon behind a gateway connect somewhere:
 * the URIs of migrations.  A URI of libvirt's can name a program to run, so
 * only those that the administrator listed are passed on.
 */
#ifndef VIRGATE_DAEMON_GUARD_H
#define VIRGATE_DAEMON_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/table.h"

struct driver;

#define GUARD_TEXT_MAX 512

/* Must this procedure's arguments be looked at? */
bool guard_watches (const struct proc_row *row);

/* May a call with these arguments be passed on?  why is for the client. */
bool guard_allows (const struct driver *driver, const struct proc_row *row,
                   const void *args, char *why, size_t size);

#endif /* VIRGATE_DAEMON_GUARD_H */
