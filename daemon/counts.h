/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The oldest list procedures let the client say how many items it wants.
 */
#ifndef VIRGATE_DAEMON_COUNTS_H
#define VIRGATE_DAEMON_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/table.h"

/* Is what the arguments ask for more than a reply can hold, or less than
 * none?  Then why is libvirt's message.
 */
bool counts_are_wrong (uint32_t program, const struct proc_row *row,
                       const void *args, char *why, size_t size);

#endif /* VIRGATE_DAEMON_COUNTS_H */
