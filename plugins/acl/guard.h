/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Replacing what hooks read while they read it.  Readers take no lock and
 * never wait: they count themselves into one of two sides.  Whoever replaced
 * the pointer turns the sides and waits until the one that was left is empty;
 * hooks never block, so that is a matter of microseconds.
 */
#ifndef VIRGATE_ACL_GUARD_H
#define VIRGATE_ACL_GUARD_H

#include <stdatomic.h>
#include <time.h>

struct guard {
  _Atomic unsigned turn;        /* its lowest bit is the side */
  _Atomic unsigned readers[2];
};

/* Before the pointer is read; returns the side for guard_leave.  Who is
 * counted into a side while it is current is waited for, whichever pointer
 * was read then: turns never overlap.
 */
static inline unsigned
guard_enter (struct guard *guard)
{
  for (;;) {
    unsigned turn = atomic_load (&guard->turn);

    atomic_fetch_add (&guard->readers[turn & 1], 1);
    if (atomic_load (&guard->turn) == turn)
      return turn & 1;
    atomic_fetch_sub (&guard->readers[turn & 1], 1);
  }
}

static inline void
guard_leave (struct guard *guard, unsigned side)
{
  atomic_fetch_sub_explicit (&guard->readers[side], 1, memory_order_release);
}

/* After the pointer was replaced, on the one thread that does so: when this
 * returns nobody has the old one.
 */
static inline void
guard_wait (struct guard *guard)
{
  unsigned side = atomic_fetch_add (&guard->turn, 1) & 1;
  const struct timespec pause = { 0, 20000 };

  while (atomic_load (&guard->readers[side]) > 0)
    nanosleep (&pause, NULL);
}

#endif /* VIRGATE_ACL_GUARD_H */
