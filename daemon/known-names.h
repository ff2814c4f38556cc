/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names that a session found out a moment ago, so that a busy client does not
 * have them looked up again for each call.  They serve calls that change
 * nothing, for KNOWN_NAMES_NS at most; and not a moment once a call that may
 * have changed them went to the same driver, whoever made it, or an event
 * that says so came from there.
 */
#ifndef VIRGATE_DAEMON_KNOWN_NAMES_H
#define VIRGATE_DAEMON_KNOWN_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"
#include "protocol/table.h"

struct driver;
struct session;

#define KNOWN_NAMES_NS (50 * NS_PER_MS)

/* When something was asked, by both measures. */
struct names_when {
  int64_t at_ns;
  uint64_t changes;             /* of the driver's names, until then */
};

/* For what is asked now. */
struct names_when names_now (const struct session *session);

/* Does what was asked then still count? */
bool names_are_fresh (const struct session *session, struct names_when when);

/* The name of the object with this uuid, NULL when it is not known.
 *
 * teller  the procedure that tells
 * when    out: it was asked
 *
 * Valid until something else is remembered.
 */
const char *names_known (const struct session *session,
                         const struct proc_row *teller,
                         const uint8_t uuid[16], struct names_when *when);

void names_remember (struct session *session, const struct proc_row *teller,
                     const uint8_t uuid[16], const char *name,
                     struct names_when when);

/* A call goes to the driver, or has come back: may it give names? */
void names_touched (struct driver *driver, const struct proc_row *row);
/* An event came from it. */
void names_event (struct driver *driver, const struct proc_row *row);

void names_free (struct session *session);

#endif /* VIRGATE_DAEMON_KNOWN_NAMES_H */
