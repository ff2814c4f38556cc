/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whom polkit is asked about: a process, by its number, the user that the
 * kernel named when it connected, and the moment it was started, so that
 * another process that gets the same number is not taken for it.
 */
#ifndef VIRGATE_AUTH_POLKIT_SUBJECT_H
#define VIRGATE_AUTH_POLKIT_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include <virgate/host.h>

struct subject {
  uint32_t pid, uid;
  uint64_t start;               /* in clock ticks since boot */
};

/* From the facts; false when the kernel does not vouch for user and process,
 * as on networks.
 */
bool subject_find (struct subject *subject, const struct virgate_host *host,
                   const struct virgate_peer *peer);

/* When was it started?  It must still be, before and after, a process of
 * that user.  0, or -1 after host->error.
 */
int subject_look (struct subject *subject, const struct virgate_host *host);

/* The 22nd field of /proc/PID/stat, which is wanted whatever the process is
 * named.  0 when it is not there.
 */
uint64_t subject_start_of (const char *stat);

/* The effective user in /proc/PID/status; false when it is not there. */
bool subject_user_of (const char *status, uint32_t *uid);

#endif /* VIRGATE_AUTH_POLKIT_SUBJECT_H */
