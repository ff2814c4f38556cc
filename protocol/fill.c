/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects of any type; see fill.h.  Random numbers come from xorshift64,
 * so a seed always makes the same object.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "protocol/fill.h"

static uint64_t
next (struct fill *fill)
{
  fill->state ^= fill->state << 13;
  fill->state ^= fill->state >> 7;
  fill->state ^= fill->state << 17;
  return fill->state;
}

static void *
alloc (struct fill *fill, size_t count, size_t size)
{
  void *ptr = arena_array (fill->arena, count, size);

  if (ptr == NULL)
    abort ();
  return ptr;
}

static void fill_struct (struct fill *fill, const struct xdr_type *type,
                         void *obj);

/* Often an extreme, else anything. */
static uint64_t
number (struct fill *fill)
{
  static const uint64_t extremes[] = {
    0, 1, UINT64_MAX, INT64_MAX, (uint64_t) INT64_MIN, INT32_MAX,
    (uint32_t) INT32_MIN, UINT32_MAX, 127, 128, 255, 32768, 65535
  };
  uint64_t pick = next (fill);

  return pick % 3 == 0 ? extremes[pick / 3 % COUNT_OF (extremes)] : pick;
}

static char *
string (struct fill *fill)
{
  static const char *const pieces[] = {
    "", "a", "test", "vm-01", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa7",
    "0123456789abcdef", " ", "\x01\x7f", "<domain type='test'/>"
  };
  size_t count = fill->state ? next (fill) % 4 : 0;
  char *str = alloc (fill, count * 32 + 1, 1);

  for (size_t i = 0; i < count; i++)
    strcat (str, pieces[next (fill) % COUNT_OF (pieces)]);
  return str;
}

static void
fill_value (struct fill *fill, struct virgate_typed_param_value *value)
{
  uint64_t any = fill->state ? number (fill) : 0;

  value->type = fill->state ? 1 + next (fill) % 7 : 1;
  if (value->type == VIRGATE_TYPED_PARAM_STRING)
    value->u.s = string (fill);
  else if (value->type == VIRGATE_TYPED_PARAM_LLONG
           || value->type == VIRGATE_TYPED_PARAM_ULLONG
           || value->type == VIRGATE_TYPED_PARAM_DOUBLE)
    value->u.ul = any;
  else
    value->u.ui = any;
}

static void
fill_item (struct fill *fill, const struct xdr_field *field, void *to)
{
  uint64_t any;
  char *str;

  switch (field->op) {
  case XDR_STRUCT:
    fill_struct (fill, field->type, to);
    break;
  case XDR_VALUE:
    fill_value (fill, to);
    break;
  case XDR_STRING:
  case XDR_NAME:
    str = string (fill);
    memcpy (to, &str, sizeof str);
    break;
  default:
    any = fill->state ? number (fill) : 0;
    memcpy (to, &any, xdr_item_size (field));
  }
}

static void
fill_items (struct fill *fill, const struct xdr_field *field, uint32_t len,
            char *to)
{
  if (fill->state == 0 && (field->op < XDR_STRING || field->op == XDR_BYTES))
    return;                     /* the arena's memory is zero */
  for (; len > 0; len--, to += xdr_item_size (field))
    fill_item (fill, field, to);
}

void
fill_list (struct fill *fill, const struct xdr_field *field, void *obj,
           uint32_t len)
{
  struct xdr_list list = { len, NULL };

  if (len > 0)
    list.val = alloc (fill, len, xdr_item_size (field));
  fill_items (fill, field, len, list.val);
  memcpy ((char *) obj + field->offset, &list, sizeof list);
}

static void
fill_optional (struct fill *fill, const struct xdr_field *field, void *to)
{
  void *item;

  if (fill->state == 0 || next (fill) % 2)
    return;
  if (field->op != XDR_STRUCT) {
    fill_item (fill, field, to);
    return;
  }
  item = alloc (fill, 1, field->type->size);
  fill_struct (fill, field->type, item);
  memcpy (to, &item, sizeof item);
}

static uint32_t
list_len (struct fill *fill, const struct xdr_field *field)
{
  if (fill->state == 0)
    return 0;
  return next (fill) % (MIN_OF (field->limit, fill->list_max) + 1);
}

static void
fill_struct (struct fill *fill, const struct xdr_type *type, void *obj)
{
  for (uint32_t i = 0; i < type->count; i++) {
    const struct xdr_field *field = &type->fields[i];
    char *to = (char *) obj + field->offset;

    if (field->form == XDR_ONE)
      fill_item (fill, field, to);
    else if (field->form == XDR_FIXED)
      fill_items (fill, field, field->limit, to);
    else if (field->form == XDR_LIST)
      fill_list (fill, field, obj, list_len (fill, field));
    else
      fill_optional (fill, field, to);
  }
}

void *
fill_object (struct fill *fill, const struct xdr_type *type)
{
  void *obj = alloc (fill, 1, type->size);

  fill_struct (fill, type, obj);
  return obj;
}

static size_t
item_wire_min (const struct xdr_field *field)
{
  switch (field->op) {
  case XDR_STRUCT:
    return field->type->wire_min;
  case XDR_I64:
  case XDR_U64:
  case XDR_F64:
  case XDR_VALUE:
    return 8;
  default:
    return 4;
  }
}

size_t
fill_wire_min (const struct xdr_field *field)
{
  if (field->form == XDR_FIXED && field->op == XDR_BYTES)
    return (field->limit + 3) / 4 * 4;
  if (field->form == XDR_FIXED)
    return field->limit * item_wire_min (field);
  return field->form == XDR_ONE ? item_wire_min (field) : 4;
}
