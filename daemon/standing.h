/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the lists of a session's listener permit whatever object it is about.
 * They are asked once for each permission, and once for each kind of object
 * whether they go by its names; answers are remembered until anything that
 * they came from may have changed.  What does not stand is judged object by
 * object; of calls that change nothing, no more often than names are looked
 * up.
 */
#ifndef VIRGATE_DAEMON_STANDING_H
#define VIRGATE_DAEMON_STANDING_H

#include <stdbool.h>

#include "daemon/known-names.h"
#include "protocol/table.h"

struct session;

/* Is this call permitted whatever object it names?  args NULL: whatever its
 * arguments are.  Those that open streams are always judged: their permission
 * is kept, to be asked for again.
 */
bool standing_permits (struct session *session, const struct proc_row *row,
                       const void *args);

/* Was this call, of those that objects_only_uuid is about, permitted by the
 * same lists a moment ago?  standing_note: it is, by what was known then.
 */
bool standing_knows (struct session *session, const struct proc_row *row,
                     const uint8_t uuid[16]);
void standing_note (struct session *session, const struct proc_row *row,
                    const uint8_t uuid[16], struct names_when when);

/* Are all objects visible that this permission lets one see? */
bool standing_sees (struct session *session,
                    const struct proc_permission *permission);

/* Do lists go by names of this kind, a constant of objects.c?  -1: no list
 * says.
 */
int standing_by_name (struct session *session, const char *kind);

void standing_free (struct session *session);

#endif /* VIRGATE_DAEMON_STANDING_H */
