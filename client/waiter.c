/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One sleeping thread, woken by exactly one other: a futex word.  Unlike a
 * condition variable it needs no lock to wake, and the sleeper needs none to
 * go on; waking costs no system call when the thread does not sleep yet.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "client/internal.h"

void
waiter_init (struct waiter *waiter)
{
  list_init (&waiter->link);
  atomic_init (&waiter->word, WAITER_AWAKE);
  waiter->claimed = false;
}

/* Returns false when the (absolute, monotonic) deadline passed. */
static bool
futex_wait (_Atomic uint32_t *word, uint32_t value, int64_t deadline)
{
  struct timespec at = {
    .tv_sec = deadline / NS_PER_S, .tv_nsec = deadline % NS_PER_S
  };

  return syscall (SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value,
                  deadline == NEVER_NS ? NULL : &at, NULL,
                  FUTEX_BITSET_MATCH_ANY) == 0 || errno != ETIMEDOUT;
}

bool
waiter_sleep (struct waiter *waiter, int64_t deadline)
{
  uint32_t word = WAITER_AWAKE;

  atomic_compare_exchange_strong (&waiter->word, &word, WAITER_ASLEEP);
  while (atomic_load (&waiter->word) == WAITER_ASLEEP)
    if (!futex_wait (&waiter->word, WAITER_ASLEEP, deadline)) {
      word = WAITER_ASLEEP;
      return !atomic_compare_exchange_strong (&waiter->word, &word,
                                              WAITER_AWAKE);
    }
  return true;
}

void
waiter_finish (struct waiter *waiter)
{
  while (atomic_load (&waiter->word) != WAITER_DONE) {
    uint32_t word = WAITER_TURN;

    atomic_compare_exchange_strong (&waiter->word, &word, WAITER_AWAKE);
    waiter_sleep (waiter, NEVER_NS);
  }
}

void
waiter_wake (struct waiter *waiter, enum waiter_word word)
{
  _Atomic uint32_t *address = &waiter->word;

  /* What follows the exchange may not touch the waiter's memory; waking an
   * address that is somebody else's by now does no harm.
   */
  if (atomic_exchange (address, word) == WAITER_ASLEEP)
    syscall (SYS_futex, address, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
