/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * So many at a time: whoever wants to do something costly takes a slot, or
 * waits for one until a deadline.
 */
#ifndef VIRGATE_COMMON_SLOTS_H
#define VIRGATE_COMMON_SLOTS_H

#include <pthread.h>
#include <stdint.h>

struct slots {
  pthread_mutex_t lock;         /* guards what follows */
  pthread_cond_t freed;
  unsigned max, used;
};

void slots_init (struct slots *slots, unsigned max);
void slots_destroy (struct slots *slots);

/* Take one; the deadline is in monotonic nanoseconds.  0, or -1 when none
 * became free in time.
 */
int slots_take (struct slots *slots, int64_t deadline);
void slots_give (struct slots *slots);

#endif /* VIRGATE_COMMON_SLOTS_H */
