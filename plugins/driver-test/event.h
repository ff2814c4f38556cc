/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Events: who asked for which, and sending them.  Registrations belong to
 * connections; their numbers to the world.  All of it under the world's lock.
 */
#ifndef DRIVER_TEST_EVENT_H
#define DRIVER_TEST_EVENT_H

#include <stdint.h>

#include "plugins/driver-test/driver.h"

struct dom;
struct net;

/* virDomainEventID: those that this driver sends, and the bounds. */
#define EVENT_LIFECYCLE 0
#define EVENT_METADATA_CHANGE 23
#define EVENT_DOMAIN_LAST 27
#define EVENT_DOMAIN_LEGACY_MAX 15      /* the last that 167 may ask for */
#define EVENT_NETWORK_LAST 1

/* virDomainEventType. */
enum event_type {
  EVENT_DEFINED = 0,
  EVENT_UNDEFINED = 1,
  EVENT_STARTED = 2,
  EVENT_SUSPENDED = 3,
  EVENT_RESUMED = 4,
  EVENT_STOPPED = 5,
};

/* Their details. */
enum event_detail {
  EVENT_DEFINED_ADDED = 0,
  EVENT_DEFINED_UPDATED = 1,
  EVENT_DEFINED_RENAMED = 2,
  EVENT_UNDEFINED_REMOVED = 0,
  EVENT_UNDEFINED_RENAMED = 1,
  EVENT_STARTED_BOOTED = 0,
  EVENT_STARTED_RESTORED = 2,
  EVENT_SUSPENDED_PAUSED = 0,
  EVENT_RESUMED_UNPAUSED = 0,
  EVENT_STOPPED_SHUTDOWN = 0,
  EVENT_STOPPED_DESTROYED = 1,
  EVENT_STOPPED_CRASHED = 2,
  EVENT_STOPPED_SAVED = 4,
};

/* virNetworkEventLifecycleType. */
enum net_event_type {
  NET_EVENT_DEFINED = 0,
  NET_EVENT_UNDEFINED = 1,
  NET_EVENT_STARTED = 2,
  NET_EVENT_STOPPED = 3,
};

void event_domain (const struct ctx *c, const struct dom *dom,
                   enum event_type type, enum event_detail detail);
void event_metadata (const struct ctx *c, const struct dom *dom, int type,
                     const char *uri);
void event_network (const struct ctx *c, const char *name,
                    const uint8_t uuid[16], enum net_event_type type);

/* Forget all registrations of a connection that is closing. */
void event_drop (struct conn *conn);

#endif /* DRIVER_TEST_EVENT_H */
