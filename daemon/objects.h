/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The objects that a call's arguments name, as access control sees them.
 */
#ifndef VIRGATE_DAEMON_OBJECTS_H
#define VIRGATE_DAEMON_OBJECTS_H

#include <virgate/acl.h>

#include "protocol/table.h"

/* Objects in one call's arguments that are looked at. */
#define OBJECTS_MAX 4

/* Fill out; the strings are those of the arguments.  Returns how many. */
uint32_t objects_of_call (const struct proc_row *row, const void *args,
                          struct virgate_object *out);

/* The first object in a structure: itself, a field, or a field's field.  The
 * strings are those of the structure.  False: there is none.
 */
bool objects_find (const struct xdr_type *type, const void *obj,
                   struct virgate_object *out);

/* Is it a procedure that looks an object up, and needs nothing but to see it?
 * What the object is its answer says.
 */
bool objects_is_lookup (const struct proc_row *row);

#endif /* VIRGATE_DAEMON_OBJECTS_H */
