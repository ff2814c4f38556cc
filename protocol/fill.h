/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects of any type of the protocol, made from its descriptor: for tests
 * and fuzzers, not linked into what is installed.
 */
#ifndef VIRGATE_PROTOCOL_FILL_H
#define VIRGATE_PROTOCOL_FILL_H

#include "common/arena.h"
#include "protocol/xdr.h"

struct fill {
  struct arena *arena;
  uint64_t state;               /* of the random numbers; 0: least values */
  uint32_t list_max;            /* most items of a list */
};

/* A new object; with state 0 it is the one whose encoding is shortest. */
void *fill_object (struct fill *fill, const struct xdr_type *type);

/* One field of an existing object gets exactly LEN items. */
void fill_list (struct fill *fill, const struct xdr_field *field,
                void *obj, uint32_t len);

/* Bytes of the field's shortest encoding. */
size_t fill_wire_min (const struct xdr_field *field);

#endif /* VIRGATE_PROTOCOL_FILL_H */
