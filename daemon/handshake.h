/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The transport's handshake: the loop waits for events, workers of its own do
 * the arithmetic.
 */
#ifndef VIRGATE_DAEMON_HANDSHAKE_H
#define VIRGATE_DAEMON_HANDSHAKE_H

#include <stdbool.h>

struct session;

/* Begin, or go on when the wanted event is there; authentication follows. */
void handshake_begin (struct session *session);
void handshake_step (struct session *session);

/* The hands are shaken and the descriptor is watched: state the facts. */
void handshake_over (struct session *session);

/* Has a worker the connection now?  Then nobody else may touch it. */
bool handshake_is_busy (const struct session *session);

/* Forget it, unless a worker is busy: then that does it. */
void handshake_end (struct session *session);

#endif /* VIRGATE_DAEMON_HANDSHAKE_H */
