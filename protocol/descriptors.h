/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How the generated tables.c spells descriptors; nothing else includes this.
 */
#ifndef VIRGATE_PROTOCOL_DESCRIPTORS_H
#define VIRGATE_PROTOCOL_DESCRIPTORS_H

#include "common/mem.h"
#include "protocol/table.h"
#include "protocol/xdr.h"

/* One field of struct S. */
#define F(s, member, op_, form_, limit_, type_)                         \
  { #member, type_, limit_, offsetof (struct s, member),                \
    XDR_##op_, XDR_##form_ }

/* The type of struct S, whose fields stand in f_S. */
#define T(s, wire_min_)                                                 \
  static const struct xdr_type t_##s =                                  \
    { #s, f_##s, COUNT_OF (f_##s), sizeof (struct s), wire_min_ };

#define NEVER { PROC_NEVER, 0, 0 }
#define ALWAYS { PROC_ALWAYS, 0, 0 }

#endif /* VIRGATE_PROTOCOL_DESCRIPTORS_H */
