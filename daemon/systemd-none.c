/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * No service manager.
 */
#include "config.h"

#include <errno.h>

#include "daemon/systemd.h"

void
systemd_ready (void)
{
}

void
systemd_reloading (void)
{
}

void
systemd_stopping (void)
{
}

int
systemd_journal (const char *line)
{
  errno = ENOSYS;
  return -1;
}

unsigned
systemd_sockets (const char *name, int *fds, unsigned max)
{
  return 0;
}

void
systemd_each_name (void (*fn) (const char *name, void *opaque), void *opaque)
{
}
