/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Trying a module file; see modprobe.h.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/error.h"
#include "core/modprobe.h"

/* How a child ends that has come back from loading. */
#define BACK 77

/* In the child: whatever happens here stays here, without a core file. */
static void __attribute__ ((noreturn))
load (const char *file)
{
  static const int deadly[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

  prctl (PR_SET_DUMPABLE, 0);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  for (size_t i = 0; i < COUNT_OF (deadly); i++)
    signal (deadly[i], SIG_DFL);
  dlopen (file, RTLD_NOW | RTLD_LOCAL);
  _exit (BACK);
}

/* Wait until the child is gone, which closes its end of the pipe. */
static bool
ends_in_time (int fd, int64_t timeout_ns)
{
  struct pollfd pollfd = { .fd = fd, .events = POLLIN };
  int64_t deadline = now_ns () + timeout_ns;

  for (;;) {
    int64_t left = deadline - now_ns ();
    int ready = left > 0 ? poll (&pollfd, 1, left / NS_PER_MS + 1) : 0;

    if (ready != -1 || errno != EINTR)
      return ready > 0;
  }
}

static int
reap (pid_t child)
{
  int status;

  while (waitpid (child, &status, 0) == -1)
    if (errno != EINTR)
      return BACK << 8;         /* this program reaps all: nothing is known */
  return status;
}

static int
complain (struct virgate_error *err, const char *file, const char *what)
{
  return error_text (err, VIRGATE_ERR_INTERNAL_ERROR, VIRGATE_FROM_CONF,
                     "module %s: %s; take it away, or what names it", file,
                     what);
}

int
modprobe (const char *file, int64_t timeout_ns, struct virgate_error *err)
{
  int ends[2], status;
  char what[100];
  bool in_time;
  pid_t child;

  if (pipe2 (ends, O_CLOEXEC) == -1)
    return error_system (err, errno, VIRGATE_FROM_CONF, "pipe");
  fflush (NULL);                /* or a constructor that exits says it again */
  child = fork ();
  if (child == 0)
    load (file);
  close (ends[1]);
  if (child == -1) {
    close (ends[0]);
    return error_system (err, errno, VIRGATE_FROM_CONF, "fork");
  }
  in_time = ends_in_time (ends[0], timeout_ns);
  close (ends[0]);
  if (!in_time)
    kill (child, SIGKILL);
  status = reap (child);
  if (!in_time)
    return complain (err, file, "it does not finish loading");
  if (WIFSIGNALED (status)) {
    snprintf (what, sizeof what, "it crashes while it is loaded (%s)",
              strsignal (WTERMSIG (status)));
    return complain (err, file, what);
  }
  if (WEXITSTATUS (status) != BACK)
    return complain (err, file, "it ends the program while it is loaded");
  return 0;
}
