/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The objects that a call makes, redefines or renames: they are in no field of
 * their own but in a description, or a bare name.  Access control judges what
 * the hypervisor will read there.
 */
#ifndef VIRGATE_DAEMON_MADE_H
#define VIRGATE_DAEMON_MADE_H

#include <virgate/acl.h>

#include "common/arena.h"
#include "daemon/access.h"

/* Add to the objects that the call names, which are truly named; there is
 * room for OBJECTS_MADE_MAX.  Nothing, when the arguments do not say what it
 * is, or not clearly; or it, and whoever has its uuid under another name.
 * The strings live as long as the call.  YES with *count advanced, or WAIT.
 */
enum access_result made_by_call (struct virgate_call *call,
                                 struct virgate_object *objects,
                                 uint32_t *count);

/* What it says alone; false: nothing. */
bool made_read (struct virgate_call *call, struct virgate_object *out);

/* Does such a procedure make an object of this kind, of which its arguments
 * say more?
 */
bool made_is (uint32_t program, int32_t number, const char *kind);

/* Add what a description says that such a procedure would be given, and no
 * name beside it; there is room for one.  1, with strings in the arena; 0: it
 * says nothing, or not clearly; -1: the procedure takes none.
 */
int made_by_xml (uint32_t program, int32_t number, const char *xml,
                 struct arena *arena, struct virgate_object *objects,
                 uint32_t *count);

#endif /* VIRGATE_DAEMON_MADE_H */
