/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Threads that take no signals: these are for the program's own threads.
 */
#ifndef VIRGATE_COMMON_THREAD_H
#define VIRGATE_COMMON_THREAD_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

/* Begin a thread with all signals blocked.  attr: NULL for the usual ones.
 * 0, or -1 with errno.
 */
static inline int
thread_start (pthread_t *thread, const pthread_attr_t *attr,
              void *(*run) (void *opaque), void *opaque)
{
  sigset_t all, before;
  int err;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  err = pthread_create (thread, attr, run, opaque);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (err == 0)
    return 0;
  errno = err;
  return -1;
}

#endif /* VIRGATE_COMMON_THREAD_H */
