/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the protocol's structures to JSON; see json.h.
 */
#include "config.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <virgate/remote.h>

#include "client/json-types.h"
#include "client/json.h"
#include "common/mem.h"

/* Longest fixed array of characters; they are short. */
#define CHARS_MAX 511

static const char *const value_names[] = {
  [VIRGATE_TYPED_PARAM_INT] = "int",
  [VIRGATE_TYPED_PARAM_UINT] = "uint",
  [VIRGATE_TYPED_PARAM_LLONG] = "llong",
  [VIRGATE_TYPED_PARAM_ULLONG] = "ullong",
  [VIRGATE_TYPED_PARAM_DOUBLE] = "double",
  [VIRGATE_TYPED_PARAM_BOOLEAN] = "boolean",
  [VIRGATE_TYPED_PARAM_STRING] = "string",
};

static const char *
json_value_name (int32_t type)
{
  return type > 0 && (size_t) type < COUNT_OF (value_names)
         ? value_names[type] : NULL;
}

int32_t
json_value_type (const char *name)
{
  for (size_t i = 1; i < COUNT_OF (value_names); i++)
    if (strcmp (value_names[i], name) == 0)
      return (int32_t) i;
  return 0;
}

bool
json_has_field (const struct xdr_type *type, const char *name)
{
  for (uint32_t i = 0; i < type->count; i++)
    if (strcmp (type->fields[i].name, name) == 0)
      return true;
  return false;
}

/* Numbers ----------------------------------------------------------------- */

static int
put_signed (struct buf *out, int64_t value)
{
  char text[24];

  snprintf (text, sizeof text, "%" PRId64, value);
  return json_put (out, text);
}

static int
put_unsigned (struct buf *out, uint64_t value)
{
  char text[24];

  snprintf (text, sizeof text, "%" PRIu64, value);
  return json_put (out, text);
}

/* Seventeen digits tell any double from its neighbours.  JSON has no word for
 * what is no number.
 */
static int
put_double (struct buf *out, double value)
{
  locale_t plain, before;
  char text[40];

  if (!isfinite (value))
    return json_put (out, "null");
  plain = newlocale (LC_ALL_MASK, "C", (locale_t) 0);
  if (plain == (locale_t) 0)
    return -1;
  before = uselocale (plain);
  snprintf (text, sizeof text, "%.17g", value);
  uselocale (before);
  freelocale (plain);
  return json_put (out, text);
}

static int
put_number (struct buf *out, uint8_t op, const void *from)
{
  union {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    double f64;
    uint8_t u8;
    uint16_t u16;
    int8_t i8;
  } v;

  memcpy (&v, from, op == XDR_I64 || op == XDR_U64 || op == XDR_F64 ? 8
                    : op == XDR_I32 || op == XDR_U32 ? 4
                    : op == XDR_U16 ? 2 : 1);
  switch (op) {
  case XDR_I32:
    return put_signed (out, v.i32);
  case XDR_U32:
    return put_unsigned (out, v.u32);
  case XDR_I64:
    return put_signed (out, v.i64);
  case XDR_U64:
    return put_unsigned (out, v.u64);
  case XDR_F64:
    return put_double (out, v.f64);
  case XDR_U8:
    return put_unsigned (out, v.u8);
  case XDR_U16:
    return put_unsigned (out, v.u16);
  default:
    return put_signed (out, v.i8);
  }
}

/* Strings and bytes ------------------------------------------------------- */

static int
put_string (struct buf *out, const void *from)
{
  const char *str;

  memcpy (&str, from, sizeof str);
  return str ? json_put_string (out, str) : json_put (out, "null");
}

static int
put_hex (struct buf *out, const uint8_t *bytes, size_t len, bool is_uuid)
{
  static const char digits[] = "0123456789abcdef";

  if (json_put (out, "\"") == -1)
    return -1;
  for (size_t i = 0; i < len; i++) {
    const char pair[] = { digits[bytes[i] >> 4], digits[bytes[i] & 15] };

    if (is_uuid && (i == 4 || i == 6 || i == 8 || i == 10)
        && json_put (out, "-") == -1)
      return -1;
    if (buf_append (out, pair, sizeof pair) == -1)
      return -1;
  }
  return json_put (out, "\"");
}

/* Text in a fixed array of characters ends where the array does, or before. */
static int
put_chars (struct buf *out, const char *chars, size_t limit)
{
  char text[CHARS_MAX + 1] = "";

  memcpy (text, chars, strnlen (chars, MIN_OF (limit, sizeof text - 1)));
  return json_put_string (out, text);
}

/* Everything else --------------------------------------------------------- */

static int put_struct (struct buf *out, const struct xdr_type *type,
                       const void *from);

static int
put_value_of (struct buf *out, const struct virgate_typed_param_value *value)
{
  switch (value->type) {
  case VIRGATE_TYPED_PARAM_INT:
    return put_signed (out, value->u.i);
  case VIRGATE_TYPED_PARAM_UINT:
    return put_unsigned (out, value->u.ui);
  case VIRGATE_TYPED_PARAM_LLONG:
    return put_signed (out, value->u.l);
  case VIRGATE_TYPED_PARAM_ULLONG:
    return put_unsigned (out, value->u.ul);
  case VIRGATE_TYPED_PARAM_DOUBLE:
    return put_double (out, value->u.d);
  case VIRGATE_TYPED_PARAM_BOOLEAN:
    return json_put (out, value->u.b ? "true" : "false");
  default:
    return put_string (out, &value->u.s);
  }
}

static int
put_value (struct buf *out, const struct virgate_typed_param_value *value)
{
  return json_put (out, "{\"type\": \"") == -1
         || json_put (out, json_value_name (value->type)) == -1
         || json_put (out, "\", \"value\": ") == -1
         || put_value_of (out, value) == -1
         || json_put (out, "}") == -1 ? -1 : 0;
}

static int
put_item (struct buf *out, const struct xdr_field *field, const void *from)
{
  switch (field->op) {
  case XDR_STRING:
  case XDR_NAME:
    return put_string (out, from);
  case XDR_VALUE:
    return put_value (out, from);
  case XDR_STRUCT:
    return put_struct (out, field->type, from);
  default:
    return put_number (out, field->op, from);
  }
}

static int
put_list (struct buf *out, const struct xdr_field *field, const void *from)
{
  size_t size = xdr_item_size (field);
  struct xdr_list list;
  const char *at;

  memcpy (&list, from, sizeof list);
  if (field->op == XDR_BYTES || field->op == XDR_CHAR)
    return put_hex (out, list.val, list.len, false);
  at = list.val;
  for (uint32_t i = 0; i < list.len; i++, at += size)
    if (json_put (out, i ? ", " : "[") == -1
        || put_item (out, field, at) == -1)
      return -1;
  return json_put (out, list.len ? "]" : "[]");
}

static int
put_optional (struct buf *out, const struct xdr_field *field, const void *from)
{
  const void *item;

  memcpy (&item, from, sizeof item);
  if (item == NULL)
    return json_put (out, "null");
  return put_item (out, field, field->op == XDR_STRUCT ? item : from);
}

static int
put_fixed (struct buf *out, const struct xdr_field *field, const void *from)
{
  if (field->op == XDR_CHAR)
    return put_chars (out, from, field->limit);
  return put_hex (out, from, field->limit, field->limit == UUID_LEN);
}

static int
put_struct (struct buf *out, const struct xdr_type *type, const void *from)
{
  static int (*const forms[]) (struct buf *out, const struct xdr_field *field,
                               const void *from) = {
    [XDR_ONE] = put_item, [XDR_OPTIONAL] = put_optional,
    [XDR_LIST] = put_list, [XDR_FIXED] = put_fixed,
  };

  for (uint32_t i = 0; i < type->count; i++) {
    const struct xdr_field *field = &type->fields[i];

    if (json_put (out, i ? ", " : "{") == -1
        || json_put_string (out, field->name) == -1
        || json_put (out, ": ") == -1
        || forms[field->form] (out, field,
                               (const char *) from + field->offset) == -1)
      return -1;
  }
  return json_put (out, "}");
}

int
json_from_struct (const struct xdr_type *type, const void *obj,
                  struct buf *out)
{
  return type ? put_struct (out, type, obj) : json_put (out, "{}");
}
