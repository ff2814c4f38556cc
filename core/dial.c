/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making connections; see dial.h.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>

#include "common/mem.h"
#include "core/dial.h"

/* One connection in the making. */
struct dialing {
  const struct instance *transport;
  const char *where;
  int64_t deadline;
  struct virgate_peer *peer;
  struct dialed made;
  struct virgate_error *err;
};

struct instance *
dial_open (const struct module *module, const struct host_env *env,
           const struct config_section *section, struct uri *uri,
           struct virgate_error *err)
{
  const struct virgate_transport_ops *ops = module->ops;
  struct instance *instance;
  char title[64];

  snprintf (title, sizeof title, "transport %s", module->desc.name);
  instance = instance_open (module, env, section, NULL, title, err);
  if (instance == NULL)
    return NULL;
  if (ops->connect == NULL)
    error_text (err, VIRGATE_ERR_ARGUMENT_UNSUPPORTED, VIRGATE_FROM_REMOTE,
                "the transport %s has no half for clients",
                module->desc.name);
  else if (uri_consume (uri, ops->params, err) == 0)
    return instance;
  instance_close (instance);
  return NULL;
}

/* What a hook of the transport reported, as the caller's error. */
static int
failed (const struct dialing *d)
{
  return host_error_take (d->transport, d->err);
}

/* Wait for what the handshake wants. */
static int
await (const struct dialing *d, short events)
{
  struct pollfd pollfd = {
    .fd = d->made.ops->pollfd (d->made.conn), .events = events,
  };
  int64_t left = d->deadline - now_ns ();
  struct timespec wait = { left / NS_PER_S, left % NS_PER_S };

  if (left <= 0)
    return error_set (d->err, VIRGATE_ERR_OPERATION_TIMEOUT, VIRGATE_FROM_RPC,
                      "%s: the handshake did not end in time", d->where);
  if (ppoll (&pollfd, 1, d->deadline == INT64_MAX ? NULL : &wait, NULL) == -1
      && errno != EINTR)
    return error_system (d->err, errno, VIRGATE_FROM_RPC, "poll");
  return 0;
}

static int
shake_hands (const struct dialing *d)
{
  for (;;) {
    int result;

    host_error_forget ();
    result = d->made.ops->handshake (d->made.conn);
    if (result == 0)
      return 0;
    if (result != VIRGATE_IO_WANT_READ && result != VIRGATE_IO_WANT_WRITE)
      return failed (d);
    if (await (d, result == VIRGATE_IO_WANT_WRITE ? POLLOUT : POLLIN) == -1)
      return -1;
  }
}

static int
state_facts (const struct dialing *d, int after_handshake)
{
  host_error_forget ();
  if (d->made.ops->peer == NULL
      || d->made.ops->peer (d->made.conn, d->peer, after_handshake) == 0)
    return 0;
  return failed (d);
}

int
dial (const struct instance *transport, const struct uri *uri,
      const char *where, int64_t deadline, struct virgate_peer *peer,
      struct dialed *out, struct virgate_error *err)
{
  const struct virgate_transport_ops *ops = transport->module->ops;
  struct dialing d = {
    .transport = transport, .where = where, .deadline = deadline,
    .peer = peer, .made = { .ops = ops }, .err = err,
  };

  host_error_forget ();
  if (ops->connect (transport->inst, &uri->v, deadline, &d.made.conn) == -1)
    return failed (&d);
  if (state_facts (&d, 0) == -1
      || (ops->handshake
          && (shake_hands (&d) == -1 || state_facts (&d, 1) == -1))) {
    ops->close (d.made.conn);
    return -1;
  }
  d.made.caps = ops->conn_caps ? ops->conn_caps (d.made.conn) : ops->caps;
  *out = d.made;
  return 0;
}
