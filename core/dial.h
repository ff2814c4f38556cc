/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client's side of a transport: from a URI to a connection on which the
 * first message may be sent.  Everything blocks, until a deadline; what is
 * said on the connection is the caller's business.
 */
#ifndef VIRGATE_CORE_DIAL_H
#define VIRGATE_CORE_DIAL_H

#include "core/instance.h"
#include "core/peer.h"
#include "core/uri.h"

/* A connection that was made.  Close with ops->close (conn). */
struct dialed {
  const struct virgate_transport_ops *ops;
  void *conn;
  uint32_t caps;                /* enum virgate_transport_caps */
};

/* Open the module of a transport for a client, and take the parameters that
 * concern it out of the name that is forwarded.
 *
 * module   of transport_for_scheme
 * section  its settings; NULL: defaults
 *
 * Returns the instance (instance_close), or NULL with err set.
 */
struct instance *dial_open (const struct module *module,
                            const struct host_env *env,
                            const struct config_section *section,
                            struct uri *uri, struct virgate_error *err);

/* Connect, and shake hands where the transport does.
 *
 * uri       of dial_open
 * where     whom, for messages
 * deadline  monotonic nanoseconds; INT64_MAX: none
 * peer      facts about the far side are added to it
 * out       filled in on success only
 *
 * Returns 0, or -1 with err set and nothing left open.  Never on an event
 * loop's thread.
 */
int dial (const struct instance *transport, const struct uri *uri,
          const char *where, int64_t deadline, struct virgate_peer *peer,
          struct dialed *out, struct virgate_error *err);

#endif /* VIRGATE_CORE_DIAL_H */
