/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * driver-upstream: hands its clients to a stock libvirt daemon.  One instance
 * is one such daemon; each client has one connection to it.
 */
#ifndef VIRGATE_DRIVER_UPSTREAM_H
#define VIRGATE_DRIVER_UPSTREAM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <virgate/driver.h>

/* How a daemon is doing. */
struct health {
  pthread_mutex_t lock;         /* guards all of this */
  uint32_t connections;         /* open, or being opened */
  bool is_failing;
  bool is_probing;              /* somebody is trying while it fails */
  int64_t since;                /* when it began to fail */
  int64_t retry_at;             /* nobody tries before */
  int64_t lost_at;              /* when a lost connection was last logged */
  char why[256];                /* what the last attempt met */
};

struct upstream {
  const struct virgate_host *host;
  const struct virgate_driver_services *driver;
  const struct virgate_transport *transport;
  char *uri;
  bool is_remote;               /* the URI names no driver: clients do */
  char *auth_file;              /* with credentials for it; NULL: libvirt's */
  uint32_t link_flags;          /* enum virgate_link_flags */
  int64_t connect_ns;
  uint32_t max_connections;     /* 0: any number */
  char **allow_names;           /* patterns; ends with NULL */
  struct health health;
};

/* One client's connection. */
struct upstream_conn {
  struct upstream *upstream;
  struct virgate_client *client;
  struct virgate_link *link;
};

/* How much of this name may be asked of the daemon?  -1: it would make it read
 * a file, run a program or connect somewhere.
 */
ptrdiff_t name_harmless_len (const char *name, char *const *allowed);

void health_init (struct health *health);
void health_free (struct health *health);

/* May a connection be tried now?  0, or -1 and the reason in why. */
int health_begin (struct upstream *upstream, char *why, size_t size);
/* How the attempt ended: error NULL for well.  began: now_ns then. */
void health_end (struct upstream *upstream, const char *error, int64_t began);
/* A connection was lost: say so, once for all that go together. */
void health_lost (struct upstream *upstream, const char *why);
/* A connection is closed. */
void health_leave (struct upstream *upstream);

extern const struct virgate_driver_ops upstream_ops;

#endif /* VIRGATE_DRIVER_UPSTREAM_H */
