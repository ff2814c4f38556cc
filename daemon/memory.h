/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Giving memory back to the system: clients that took much and went must not
 * leave the daemon large.
 */
#ifndef VIRGATE_DAEMON_MEMORY_H
#define VIRGATE_DAEMON_MEMORY_H

/* Before the first thread: not one heap for each of them. */
void memory_init (void);

/* Return what is free.  Takes a millisecond or so; any thread. */
void memory_return (void);

#endif /* VIRGATE_DAEMON_MEMORY_H */
