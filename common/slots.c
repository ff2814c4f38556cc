/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * So many at a time; see slots.h.
 */
#include "config.h"

#include <errno.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "common/slots.h"

void
slots_init (struct slots *slots, unsigned max)
{
  pthread_condattr_t attr;

  *slots = (struct slots) { .max = max };
  pthread_mutex_init (&slots->lock, NULL);
  pthread_condattr_init (&attr);
  pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
  pthread_cond_init (&slots->freed, &attr);
  pthread_condattr_destroy (&attr);
}

void
slots_destroy (struct slots *slots)
{
  pthread_cond_destroy (&slots->freed);
  pthread_mutex_destroy (&slots->lock);
}

int
slots_take (struct slots *slots, int64_t deadline)
{
  const struct timespec until = {
    .tv_sec = deadline / NS_PER_S, .tv_nsec = deadline % NS_PER_S,
  };
  LOCK_FOR_SCOPE (&slots->lock);

  while (slots->used >= slots->max)
    if (pthread_cond_timedwait (&slots->freed, &slots->lock, &until)
        == ETIMEDOUT && slots->used >= slots->max)
      return -1;
  slots->used++;
  return 0;
}

void
slots_give (struct slots *slots)
{
  LOCK_FOR_SCOPE (&slots->lock);

  slots->used--;
  pthread_cond_signal (&slots->freed);
}
