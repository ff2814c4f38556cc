/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers that modules publish: by name, then in the order in which they came.
 */
#ifndef VIRGATE_DAEMON_GAUGES_H
#define VIRGATE_DAEMON_GAUGES_H

#include <pthread.h>

#include "common/list.h"

struct instance;

struct gauge {
  struct list link;
  const struct instance *instance;
  char *name, *help;
  double value;
};

struct gauges {
  pthread_mutex_t lock;         /* guards list */
  struct list list;
};

#endif /* VIRGATE_DAEMON_GAUGES_H */
