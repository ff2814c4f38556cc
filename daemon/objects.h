/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The objects that a call's arguments name, as access control sees them.
 */
#ifndef VIRGATE_DAEMON_OBJECTS_H
#define VIRGATE_DAEMON_OBJECTS_H

#include <virgate/acl.h>

#include "protocol/table.h"

/* Objects of one call that are looked at: those that its arguments name, and
 * those that it makes (made.h).
 */
#define OBJECTS_NAMED_MAX 4
#define OBJECTS_MADE_MAX 2
#define OBJECTS_MAX (OBJECTS_NAMED_MAX + OBJECTS_MADE_MAX)

/* Fill out, up to OBJECTS_NAMED_MAX; the strings are those of the arguments.
 * Returns how many.
 */
uint32_t objects_of_call (const struct proc_row *row, const void *args,
                          struct virgate_object *out);

/* The string in a field of a structure; NULL: none, or no such field. */
const char *objects_string (const struct xdr_type *type, const char *name,
                            const void *obj);

/* The first object in a structure: itself, a field, or a field's field.  The
 * strings are those of the structure.  False: there is none.
 */
bool objects_find (const struct xdr_type *type, const void *obj,
                   struct virgate_object *out);

/* Do the arguments of such a call say which object of this kind it is about, or
 * does its answer?
 */
bool objects_can_name (const struct proc_row *row, const char *kind);

/* Do some hypervisors go by the name of such objects, and others by the uuid
 * beside it?
 */
bool objects_go_by_both (const char *kind);

/* Is it a procedure that looks an object up, and needs nothing but to see it?
 * What the object is its answer says.
 */
bool objects_is_lookup (const struct proc_row *row);

/* The uuid of the one object that a call is about, when nothing else in its
 * arguments matters to access control, and it changes nothing; NULL
 * otherwise.  The same of arguments that were not decoded, nor checked.
 */
const uint8_t *objects_only_uuid (const struct proc_row *row,
                                  const void *args);
const uint8_t *objects_only_uuid_in (const struct proc_row *row,
                                     const char *payload, size_t len);

#endif /* VIRGATE_DAEMON_OBJECTS_H */
