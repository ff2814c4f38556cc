/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Scope-bound release of resources.  A resource marked CLEANUP_* is released
 * when its variable leaves scope; ownership leaves the scope, visibly, by
 *   return steal_pointer (&p);
 */
#ifndef VIRGATE_COMMON_CLEANUP_H
#define VIRGATE_COMMON_CLEANUP_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
cleanup_free (void *ptr)
{
  if (*(void **) ptr)
    free (*(void **) ptr);
}

static inline void
cleanup_close (int *fd)
{
  int saved_errno = errno;

  if (*fd >= 0)
    close (*fd);
  errno = saved_errno;
}

static inline void
cleanup_fclose (FILE **fp)
{
  if (*fp)
    fclose (*fp);
}

static inline void
cleanup_unlock (pthread_mutex_t **lock)
{
  pthread_mutex_unlock (*lock);
}

#define CLEANUP(fn) __attribute__ ((cleanup (fn)))
#define CLEANUP_FREE CLEANUP (cleanup_free)
#define CLEANUP_CLOSE CLEANUP (cleanup_close)
#define CLEANUP_FCLOSE CLEANUP (cleanup_fclose)

#define CLEANUP_NAME2(line) cleanup_lock_##line
#define CLEANUP_NAME(line) CLEANUP_NAME2 (line)

/* Hold LOCK until the end of the enclosing scope. */
#define LOCK_FOR_SCOPE(lock)                                            \
  CLEANUP (cleanup_unlock) __attribute__ ((unused))                     \
  pthread_mutex_t *CLEANUP_NAME (__LINE__) = (lock);                    \
  pthread_mutex_lock (CLEANUP_NAME (__LINE__))

/* Take a pointer out of a variable and leave NULL behind. */
#define steal_pointer(ptrp)                                             \
  ({                                                                    \
    __typeof__ (*(ptrp)) stolen_ = *(ptrp);                             \
    *(ptrp) = NULL;                                                     \
    stolen_;                                                            \
  })

/* Take a descriptor out of a variable and leave -1 behind. */
static inline int
steal_fd (int *fd)
{
  int stolen = *fd;

  *fd = -1;
  return stolen;
}

#endif /* VIRGATE_COMMON_CLEANUP_H */
