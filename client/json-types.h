/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What reading and writing structures as JSON have in common.
 */
#ifndef VIRGATE_CLIENT_JSON_TYPES_H
#define VIRGATE_CLIENT_JSON_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/xdr.h"

/* A fixed run of so many bytes is a UUID, written with dashes. */
#define UUID_LEN 16

/* The type of a typed parameter by its name, "uint" and so on; 0 for others.
 */
int32_t json_value_type (const char *name);

/* Has the structure a field of this name? */
bool json_has_field (const struct xdr_type *type, const char *name);

#endif /* VIRGATE_CLIENT_JSON_TYPES_H */
