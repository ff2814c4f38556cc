/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A world: the domains, networks and host that one or more connections see.
 * test:///default is one world for all; it ends with its last connection.
 * test:///FILE is a world of the connection's own.
 */
#ifndef DRIVER_TEST_WORLD_H
#define DRIVER_TEST_WORLD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "plugins/driver-test/driver.h"
#include "plugins/driver-test/table.h"

#define WORLD_CELLS_MAX 2
#define WORLD_MODEL_SIZE 32     /* the protocol's fixed field */

struct node_info {
  char model[WORLD_MODEL_SIZE];
  uint64_t memory;              /* KiB */
  uint32_t cpus, mhz, nodes, sockets, cores, threads;
};

struct cell {
  uint64_t memory, free_memory; /* KiB */
};

struct world {
  pthread_mutex_t lock;         /* guards everything below */
  unsigned refs;                /* guarded by the driver's lock */
  struct list conns;
  int next_watch;               /* number of the next event registration */

  struct node_info node;
  struct cell cells[WORLD_CELLS_MAX];
  uint32_t cell_count;

  struct list doms;             /* oldest first */
  struct table dom_by_uuid, dom_by_name, dom_by_id;
  int next_id;

  struct list nets;             /* oldest first */
};

/* A world with the default objects (test:///default), or that of a file.
 *
 * path    NULL: the default
 * err     filled on failure
 *
 * Returns it with one reference, or NULL.
 */
struct world *world_new (const char *path, struct xml_error *err);
void world_free (struct world *world);

/* All host CPUs that the world's domains can be pinned to. */
static inline uint32_t
world_host_cpus (const struct world *world)
{
  const struct node_info *node = &world->node;

  return node->nodes * node->sockets * node->cores * node->threads;
}

#endif /* DRIVER_TEST_WORLD_H */
