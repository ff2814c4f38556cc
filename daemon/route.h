/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which driver is for whom: the keys of a [driver] section that the daemon
 * itself reads.  Fixed once the daemon has started; any thread may read it.
 */
#ifndef VIRGATE_DAEMON_ROUTE_H
#define VIRGATE_DAEMON_ROUTE_H

#include <stdbool.h>

#include "core/conffile.h"
#include "core/uri.h"

struct session;

/* The parameter of a name that chooses among several hosts. */
#define ROUTE_HOST "host"

/* Words of one key, or NULL when the section does not have it; each may be a
 * pattern.
 */
struct route {
  char **uris, **hosts, **listeners, **users, **groups;
  char **migrate_to;            /* URIs that a migration may go to */
};

/* What a client asked for, without what was only for choosing. */
struct route_name {
  const char *name;
  const char *host;             /* NULL: none was given */
  struct uri uri;               /* owns both, when there is a host */
};

/* 0, or -1 with ENOMEM. */
int route_read (struct route *route, const struct config_section *section);
void route_free (struct route *route);

/* Split a name that was found to be plain.  Without any section that has
 * hosts, a parameter of that name is nothing special.  0, or -1.
 */
int route_name_split (struct route_name *wanted, const char *name,
                      bool has_hosts);
void route_name_free (struct route_name *wanted);

/* May it serve this client, whatever that asks for?  And with this name? */
bool route_is_for (const struct route *route, const struct session *session);
bool route_fits (const struct route *route, const struct route_name *wanted,
                 const struct session *session);

#endif /* VIRGATE_DAEMON_ROUTE_H */
