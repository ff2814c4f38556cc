/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Small helpers on bytes and arrays.
 */
#ifndef VIRGATE_COMMON_MEM_H
#define VIRGATE_COMMON_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define COUNT_OF(array) (sizeof (array) / sizeof ((array)[0]))

#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

/* The structure of TYPE whose MEMBER is at PTR. */
#define container_of(ptr, type, member)                                 \
  ((type *) (void *) ((char *) (ptr) - offsetof (type, member)))

/* A function that is seldom called: it and the ways to it are kept apart from
 * what every call needs, of which the processor's cache then holds more.
 */
#define SELDOM __attribute__ ((cold, noinline))

/* Overwrite a secret; never removed by the compiler. */
static inline void
wipe (void *ptr, size_t len)
{
  if (ptr)
    explicit_bzero (ptr, len);
}

/* Monotonic nanoseconds: the clock of every deadline in the project. */
static inline int64_t
now_ns (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_MONOTONIC, &ts);
  return ts.tv_sec * INT64_C (1000000000) + ts.tv_nsec;
}

#define NS_PER_MS INT64_C (1000000)
#define NS_PER_S INT64_C (1000000000)

#endif /* VIRGATE_COMMON_MEM_H */
