/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Listeners: a transport's sockets with the rules for who comes in through
 * them.  Made, changed and closed by the main thread, whose loop also
 * accepts; sessions on every loop read what does not change.
 */
#ifndef VIRGATE_DAEMON_LISTENERS_H
#define VIRGATE_DAEMON_LISTENERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#include <virgate/transport.h>

#include "core/conffile.h"
#include "core/instance.h"
#include "daemon/policy.h"
#include "daemon/sources.h"

struct server;

#define LISTENER_SOCKETS_MAX 16

/* One socket that is accepted from. */
struct acceptor {
  uv_poll_t poll;
  struct listener *listener;
  struct virgate_listening at;
  bool is_polled;               /* libuv knows it */
  bool is_ready;                /* a connection waits */
};

struct listener {
  struct mail freed;            /* to the main thread, to be freed there */
  struct listener *next;
  _Atomic unsigned refs;        /* the server's and each session's */
  struct server *server;
  const struct log *log;
  struct instance *instance;
  const struct virgate_transport *transport;
  const char *name;             /* "local" */
  char title[120];              /* "listen local" */
  char *text;                   /* the transport's keys */
  struct policy *_Atomic policy; /* replaced by the main thread */
  struct policy *next_policy;   /* of a reload that is not complete */
  unsigned clients;             /* sources->lock guards these two */
  struct crowd strangers;
  bool is_local;
  bool is_closed;               /* accepts no more */
  unsigned acceptor_count;
  struct acceptor acceptors[LISTENER_SOCKETS_MAX];
};

/* Make a listener of its section; it does not listen yet. */
struct listener *listener_new (struct server *server,
                               const struct config_section *section,
                               struct virgate_error *err);
/* Open its sockets, or adopt these.  0, or -1 with err set. */
int listener_open (struct listener *listener, const int *adopted,
                   uint32_t count, struct virgate_error *err);
/* Begin to accept, and say so on standard output. */
void listener_announce (struct listener *listener);
/* Stop accepting; its sessions go on. */
void listener_close (struct listener *listener);

/* A reload: does the section describe the same sockets?  Make the policy that
 * it asks for; then take it, or drop it.
 */
bool listener_has_transport (const struct listener *listener,
                             const struct config_section *section);
int listener_set_policy (struct listener *listener,
                         const struct config_section *section,
                         struct virgate_error *err);
void listener_commit (struct listener *listener, bool ok);

void listener_ref (struct listener *listener);
void listener_unref (struct listener *listener);

#endif /* VIRGATE_DAEMON_LISTENERS_H */
