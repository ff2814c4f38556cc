/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How long a message of a type can be at all, from its descriptor: what
 * claims to be longer is not read in the first place.
 */
#include "config.h"

#include "client/internal.h"

/* Bytes of one item on the wire; a struct's are counted from its fields. */
static const uint8_t item_lens[] = {
  [XDR_I32] = 4, [XDR_U32] = 4, [XDR_I64] = 8, [XDR_U64] = 8, [XDR_F64] = 8,
  [XDR_U8] = 4, [XDR_U16] = 4, [XDR_CHAR] = 4, [XDR_BYTES] = 1,
};

static size_t type_max (const struct xdr_type *type);

static size_t
item_max (const struct xdr_field *field)
{
  switch (field->op) {
  case XDR_STRUCT:
    return type_max (field->type);
  case XDR_STRING:
  case XDR_NAME:
    return 4 + XDR_STRING_MAX;
  case XDR_VALUE:
    return 4 + 4 + XDR_STRING_MAX;
  default:
    return item_lens[field->op];
  }
}

/* With the count or flag in front and the padding behind. */
static size_t
field_max (const struct xdr_field *field)
{
  size_t len = item_max (field);

  if (field->form == XDR_LIST || field->form == XDR_FIXED)
    len = MIN_OF (len, (size_t) FRAME_LEN_MAX) * field->limit;
  return 4 + (len + 3) / 4 * 4;
}

static size_t
type_max (const struct xdr_type *type)
{
  size_t len = 0;

  for (uint32_t i = 0; i < type->count && len < FRAME_LEN_MAX; i++)
    len += field_max (&type->fields[i]);
  return MIN_OF (len, (size_t) FRAME_LEN_MAX);
}

size_t
max_frame_len (const struct xdr_type *type)
{
  size_t len = type ? type_max (type) : 0;

  return MIN_OF (len + FRAME_PREFIX_LEN + FRAME_WORD_LEN,
                 (size_t) FRAME_LEN_MAX);
}
