/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The daemon's part of the host table; see host-env.h.
 */
#include "config.h"

#include "daemon/host-env.h"
#include "daemon/server.h"

void
host_env_init (struct server *server)
{
  server->env = (struct host_env) {
    .role = VIRGATE_ROLE_SERVER,
    .program = "virgated",
    .log = &server->log,
    .modules = server->modules,
    .driver = &driver_services,
    .opaque = server,
  };
}

void
host_env_end (struct server *server)
{
}
