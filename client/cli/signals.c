/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SIGINT and SIGTERM as something to poll for, while a command watches or the
 * shell waits for a line; otherwise they end the program as usual.
 */
#include "config.h"

#include <signal.h>
#include <sys/signalfd.h>

#include "cli.h"

void
signals_watch (struct app *app, sigset_t *before)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  pthread_sigmask (SIG_BLOCK, &set, before);
  app->stop_fd = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int
signals_take (struct app *app)
{
  struct signalfd_siginfo info;

  if (app->stop_fd < 0
      || read (app->stop_fd, &info, sizeof info) != sizeof info)
    return 0;
  return (int) info.ssi_signo;
}

void
signals_unwatch (struct app *app, const sigset_t *before)
{
  while (signals_take (app) != 0)
    ;
  if (app->stop_fd >= 0)
    close (app->stop_fd);
  app->stop_fd = -1;
  pthread_sigmask (SIG_SETMASK, before, NULL);
}
