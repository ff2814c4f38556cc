/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * systemd: readiness, and sockets by name (FileDescriptorName= is the
 * listener's).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#include "common/mem.h"
#include "daemon/systemd.h"

void
systemd_ready (void)
{
  sd_notify (0, "READY=1");
}

void
systemd_reloading (void)
{
  sd_notifyf (0, "RELOADING=1\nMONOTONIC_USEC=%lld",
              (long long) (now_ns () / 1000));
}

void
systemd_stopping (void)
{
  sd_notify (0, "STOPPING=1");
}

int
systemd_journal (const char *line)
{
  int result = sd_journal_send ("MESSAGE=%s", line, "PRIORITY=6",
                                "SYSLOG_IDENTIFIER=virgated-audit", NULL);

  errno = result < 0 ? -result : 0;
  return result < 0 ? -1 : 0;
}

void
systemd_each_name (void (*fn) (const char *name, void *opaque), void *opaque)
{
  char **names = NULL;
  int given = sd_listen_fds_with_names (0, &names);

  for (int i = 0; i < given; i++) {
    fn (names[i], opaque);
    free (names[i]);
  }
  free (names);
}

struct wanted {
  const char *name;
  int *fds;
  unsigned count, max, at;
};

static void
take_socket (const char *name, void *opaque)
{
  struct wanted *wanted = opaque;

  if (strcmp (name, wanted->name) == 0 && wanted->count < wanted->max)
    wanted->fds[wanted->count++] = SD_LISTEN_FDS_START + wanted->at;
  wanted->at++;
}

unsigned
systemd_sockets (const char *name, int *fds, unsigned max)
{
  struct wanted wanted = { name, fds, 0, max, 0 };

  systemd_each_name (take_socket, &wanted);
  return wanted.count;
}
