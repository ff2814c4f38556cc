/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The transport's handshake, driven by the loop.
 */
#ifndef VIRGATE_DAEMON_HANDSHAKE_H
#define VIRGATE_DAEMON_HANDSHAKE_H

struct session;

/* Begin, or go on when the wanted event is there; authentication follows. */
void handshake_begin (struct session *session);
void handshake_step (struct session *session);

#endif /* VIRGATE_DAEMON_HANDSHAKE_H */
