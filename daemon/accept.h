/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accepting connections, on the main thread's loop: local sockets first, a
 * few from each socket in a turn, and at once refused when there is no room.
 */
#ifndef VIRGATE_DAEMON_ACCEPT_H
#define VIRGATE_DAEMON_ACCEPT_H

struct acceptor;
struct server;

/* Before the first listener, after the last. */
int accept_init (struct server *server);
void accept_end (struct server *server);

void acceptor_start (struct acceptor *acceptor);

#endif /* VIRGATE_DAEMON_ACCEPT_H */
