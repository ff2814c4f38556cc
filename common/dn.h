/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Patterns of distinguished names (RFC 4514).  A pattern is compared part by
 * part, so that a '*' never swallows a comma and with it another attribute.
 */
#ifndef VIRGATE_COMMON_DN_H
#define VIRGATE_COMMON_DN_H

#include <stdbool.h>
#include <stddef.h>

/* Does the name match?  Each part of the pattern is a shell pattern for one
 * part of the name, in the name's order or the reverse one; a last part '*'
 * stands for any number of further parts.
 */
bool dn_matches (const char *pattern, const char *dn);

/* The first CN of a name, without escapes.  False when there is none, or it
 * does not fit.
 */
bool dn_common_name (const char *dn, char *cn, size_t size);

#endif /* VIRGATE_COMMON_DN_H */
