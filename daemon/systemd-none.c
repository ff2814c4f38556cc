/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * No service manager.
 */
#include "config.h"

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

unsigned
systemd_sockets (const char *name, int *fds, unsigned max)
{
  return 0;
}
