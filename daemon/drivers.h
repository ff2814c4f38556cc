/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drivers: the table of those that new connections are offered to, and the
 * drivers themselves, which live until the last connection to them is closed.
 * Reading the configuration again makes a table beside the one in use.
 */
#ifndef VIRGATE_DAEMON_DRIVERS_H
#define VIRGATE_DAEMON_DRIVERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <virgate/driver.h>

#include "core/instance.h"
#include "daemon/loop.h"
#include "daemon/route.h"
#include "daemon/workers.h"
#include "protocol/table.h"

/* Programs that drivers answer: remote, qemu and lxc, in the order of
 * proc_programs.
 */
#define DRIVER_PROGRAMS 3

struct server;

/* From [driver NAME]. */
struct driver {
  struct driver *next;          /* of all that there are */
  struct mail mail;             /* to loop 0: free it */
  struct server *server;
  _Atomic unsigned refs;        /* tables and sessions */
  char *name, *text;            /* the section, to tell whether it changed */
  struct instance *instance;
  const struct virgate_driver_ops *ops;
  struct route route;           /* whom it is for */
  struct job_line opening;      /* of a gateway, among server->openers: who
                                   wants a connection onward */
  bool passes_unknown;          /* procedures that the tables do not know */
  _Atomic uint64_t changes;     /* that may have given objects other names */
  const struct virgate_handler **handlers[DRIVER_PROGRAMS];
};

/* In the order of the config; constant. */
struct driver_table {
  _Atomic unsigned refs;
  bool has_hosts;               /* one of them has */
  unsigned count;
  struct driver *driver[];
};

struct drivers {
  pthread_mutex_t lock;         /* of table, the pointer */
  struct driver_table *table;
  struct driver *all;           /* main thread */
};

/* Open the drivers that the config names.  0 or -1 with err set. */
int drivers_open (struct server *server, struct virgate_error *err);
/* Free all of them.  Nothing else runs any more. */
void drivers_close (struct server *server);

/* The table that the config of now asks for; sections that did not change
 * keep their driver.  NULL with err set.  Main thread.
 */
struct driver_table *drivers_make (struct server *server,
                                   struct virgate_error *err);
/* Offer these to new connections from now on, and say what is different. */
void drivers_take (struct server *server, struct driver_table *table);

/* The table of now, until it is put back.  Any thread. */
struct driver_table *drivers_get (struct server *server);
void drivers_put (struct driver_table *table);

/* Any thread.  NULL is fine to give back. */
void driver_ref (struct driver *driver);
void driver_unref (struct driver *driver);

/* The handler of a procedure, or NULL. */
const struct virgate_handler *
driver_handler (const struct driver *driver, uint32_t program,
                int32_t procedure);

#endif /* VIRGATE_DAEMON_DRIVERS_H */
