/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From JSON to the protocol's structures; see json.h.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "client/json-types.h"
#include "client/json.h"
#include "common/mem.h"

struct maker {
  struct arena *arena;
  struct json_error *error;
};

/* Always returns -1. */
static int __attribute__ ((format (printf, 3, 4)))
fail (struct maker *m, const char *field, const char *fmt, ...)
{
  char what[120];
  va_list args;

  va_start (args, fmt);
  vsnprintf (what, sizeof what, fmt, args);
  va_end (args);
  snprintf (m->error->why, sizeof m->error->why, "'%.60s' %s", field, what);
  return -1;
}

static int
no_memory (struct maker *m, const char *field)
{
  return fail (m, field, "takes more memory than there is");
}

/* Numbers ----------------------------------------------------------------- */

static int
read_signed (struct maker *m, const char *field, const struct json *json,
             int64_t least, int64_t most, int64_t *value)
{
  char *end;

  if (json->kind != JSON_NUMBER)
    return fail (m, field, "is not a number");
  errno = 0;
  *value = strtoll (json->text, &end, 10);
  if (*end)
    return fail (m, field, "is not a whole number");
  if (errno || *value < least || *value > most)
    return fail (m, field, "is not from %" PRId64 " to %" PRId64, least, most);
  return 0;
}

static int
read_unsigned (struct maker *m, const char *field, const struct json *json,
               uint64_t most, uint64_t *value)
{
  char *end;

  if (json->kind != JSON_NUMBER)
    return fail (m, field, "is not a number");
  errno = 0;
  *value = strtoull (json->text, &end, 10);
  if (*end)
    return fail (m, field, "is not a whole number");
  if (errno || *value > most || *json->text == '-')
    return fail (m, field, "is not from 0 to %" PRIu64, most);
  return 0;
}

/* Whatever the program's locale takes for a decimal point. */
static int
read_double (struct maker *m, const char *field, const struct json *json,
             double *value)
{
  locale_t plain;

  if (json->kind != JSON_NUMBER)
    return fail (m, field, "is not a number");
  plain = newlocale (LC_ALL_MASK, "C", (locale_t) 0);
  if (plain == (locale_t) 0)
    return no_memory (m, field);
  *value = strtod_l (json->text, NULL, plain);
  freelocale (plain);
  return 0;
}

/* The kinds of whole numbers: their ranges. */
static const struct {
  bool is_signed;
  uint8_t size;
  int64_t least;
  uint64_t most;
} numbers[] = {
  [XDR_I32] = { true, 4, INT32_MIN, INT32_MAX },
  [XDR_U32] = { false, 4, 0, UINT32_MAX },
  [XDR_I64] = { true, 8, INT64_MIN, INT64_MAX },
  [XDR_U64] = { false, 8, 0, UINT64_MAX },
  [XDR_U8] = { false, 1, 0, UINT8_MAX },
  [XDR_U16] = { false, 2, 0, UINT16_MAX },
  [XDR_CHAR] = { true, 1, INT8_MIN, INT8_MAX },
};

static void
store (void *to, uint8_t size, uint64_t value)
{
  uint8_t u8 = value;
  uint16_t u16 = value;
  uint32_t u32 = value;

  memcpy (to, size == 1 ? (void *) &u8 : size == 2 ? (void *) &u16
              : size == 4 ? (void *) &u32 : (void *) &value, size);
}

static int
read_number (struct maker *m, const char *field, const struct json *json,
             uint8_t op, void *to)
{
  uint64_t value = 0;
  int64_t number = 0;

  if (numbers[op].is_signed) {
    if (read_signed (m, field, json, numbers[op].least,
                     (int64_t) numbers[op].most, &number) == -1)
      return -1;
    value = (uint64_t) number;
  }
  else if (read_unsigned (m, field, json, numbers[op].most, &value) == -1)
    return -1;
  store (to, numbers[op].size, value);
  return 0;
}

/* Strings and bytes ------------------------------------------------------- */

static int
read_string (struct maker *m, const char *field, const struct json *json,
             void *to)
{
  if (json->kind != JSON_STRING)
    return fail (m, field, "is not a string");
  memcpy (to, &json->text, sizeof json->text);
  return 0;
}

static int
hex_value (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits, with a uuid's dashes left out.  Returns bytes, or -1. */
static int64_t
read_hex (const char *text, bool dashes, uint8_t *to, size_t max)
{
  size_t len = 0;

  while (*text) {
    int high, low;

    if (dashes && *text == '-') {
      text++;
      continue;
    }
    high = hex_value (text[0]);
    low = high == -1 ? -1 : hex_value (text[1]);
    if (low == -1 || len == max)
      return -1;
    to[len++] = high << 4 | low;
    text += 2;
  }
  return (int64_t) len;
}

static int
read_fixed (struct maker *m, const struct xdr_field *field,
            const struct json *json, void *to)
{
  bool uuid = field->op == XDR_BYTES && field->limit == UUID_LEN;

  if (json->kind != JSON_STRING)
    return fail (m, field->name, "is not a string");
  if (field->op == XDR_CHAR) {
    if (strlen (json->text) > field->limit)
      return fail (m, field->name, "is longer than %u", field->limit);
    memcpy (to, json->text, strlen (json->text));
    return 0;
  }
  if (read_hex (json->text, uuid, to, field->limit) != field->limit)
    return fail (m, field->name, uuid ? "is not a UUID"
                                      : "is not that many bytes in hexadecimal");
  return 0;
}

static int
read_bytes (struct maker *m, const struct xdr_field *field,
            const struct json *json, struct xdr_list *list)
{
  size_t max;
  int64_t len;

  if (json->kind != JSON_STRING)
    return fail (m, field->name, "is not a string");
  max = strlen (json->text) / 2;
  list->val = arena_alloc (m->arena, max);
  if (list->val == NULL)
    return no_memory (m, field->name);
  len = read_hex (json->text, false, list->val, max);
  if (len == -1)
    return fail (m, field->name, "is not hexadecimal");
  list->len = (uint32_t) len;
  return 0;
}

/* Everything else --------------------------------------------------------- */

static int read_struct (struct maker *m, const char *field,
                        const struct json *json, const struct xdr_type *type,
                        void *to);

static const struct json *
member (const struct json *object, const char *name)
{
  if (object == NULL || object->kind != JSON_OBJECT)
    return NULL;
  for (const struct json *item = object->items; item; item = item->next)
    if (strcmp (item->name, name) == 0)
      return item;
  return NULL;
}

/* {"type": "uint", "value": 3} */
static int
read_value (struct maker *m, const char *field, const struct json *json,
            struct virgate_typed_param_value *to)
{
  const struct json *type = member (json, "type");
  const struct json *value = member (json, "value");

  if (type == NULL || value == NULL || json->count != 2
      || type->kind != JSON_STRING)
    return fail (m, field, "is not {\"type\": ..., \"value\": ...}");
  to->type = json_value_type (type->text);
  switch (to->type) {
  case VIRGATE_TYPED_PARAM_INT:
    return read_number (m, field, value, XDR_I32, &to->u.i);
  case VIRGATE_TYPED_PARAM_UINT:
    return read_number (m, field, value, XDR_U32, &to->u.ui);
  case VIRGATE_TYPED_PARAM_LLONG:
    return read_number (m, field, value, XDR_I64, &to->u.l);
  case VIRGATE_TYPED_PARAM_ULLONG:
    return read_number (m, field, value, XDR_U64, &to->u.ul);
  case VIRGATE_TYPED_PARAM_DOUBLE:
    return read_double (m, field, value, &to->u.d);
  case VIRGATE_TYPED_PARAM_BOOLEAN:
    to->u.b = value->kind == JSON_TRUE;
    return value->kind == JSON_TRUE || value->kind == JSON_FALSE ? 0
           : fail (m, field, "is neither true nor false");
  case VIRGATE_TYPED_PARAM_STRING:
    return read_string (m, field, value, &to->u.s);
  default:
    return fail (m, field, "has no type called '%.20s'", type->text);
  }
}

static int
read_item (struct maker *m, const struct xdr_field *field,
           const struct json *json, void *to)
{
  switch (field->op) {
  case XDR_STRING:
  case XDR_NAME:
    return read_string (m, field->name, json, to);
  case XDR_F64:
    return read_double (m, field->name, json, to);
  case XDR_VALUE:
    return read_value (m, field->name, json, to);
  case XDR_STRUCT:
    return read_struct (m, field->name, json, field->type, to);
  default:
    return read_number (m, field->name, json, field->op, to);
  }
}

static int
read_list (struct maker *m, const struct xdr_field *field,
           const struct json *json, void *to)
{
  size_t size = xdr_item_size (field);
  struct xdr_list list = { 0, NULL };
  char *at;

  if (field->op == XDR_BYTES || field->op == XDR_CHAR) {
    if (read_bytes (m, field, json, &list) == -1)
      return -1;
  }
  else if (json->kind != JSON_ARRAY)
    return fail (m, field->name, "is not an array");
  else {
    list.len = json->count;
    at = list.val = arena_array (m->arena, list.len, size);
    if (at == NULL)
      return no_memory (m, field->name);
    for (const struct json *item = json->items; item; item = item->next) {
      if (read_item (m, field, item, at) == -1)
        return -1;
      at += size;
    }
  }
  memcpy (to, &list, sizeof list);
  return 0;
}

static int
read_optional (struct maker *m, const struct xdr_field *field,
               const struct json *json, void *to)
{
  void *item;

  if (json->kind == JSON_NULL)
    return 0;
  if (field->op != XDR_STRUCT)
    return read_item (m, field, json, to);
  item = arena_alloc (m->arena, field->type->size);
  if (item == NULL)
    return no_memory (m, field->name);
  memcpy (to, &item, sizeof item);
  return read_struct (m, field->name, json, field->type, item);
}

static int
read_field (struct maker *m, const struct xdr_field *field,
            const struct json *json, void *to)
{
  static int (*const forms[]) (struct maker *m, const struct xdr_field *field,
                               const struct json *json, void *to) = {
    [XDR_ONE] = read_item, [XDR_OPTIONAL] = read_optional,
    [XDR_LIST] = read_list, [XDR_FIXED] = read_fixed,
  };

  if (json)
    return forms[field->form] (m, field, json, to);
  if (field->form == XDR_OPTIONAL || strcmp (field->name, "flags") == 0)
    return 0;
  return fail (m, field->name, "is missing");
}

static int
read_struct (struct maker *m, const char *name, const struct json *json,
             const struct xdr_type *type, void *to)
{
  uint32_t used = 0;

  if (json && json->kind != JSON_OBJECT)
    return fail (m, name, "is not an object");
  for (uint32_t i = 0; i < type->count; i++) {
    const struct xdr_field *field = &type->fields[i];
    const struct json *item = member (json, field->name);

    used += item != NULL;
    if (read_field (m, field, item, (char *) to + field->offset) == -1)
      return -1;
  }
  for (const struct json *item = json ? json->items : NULL;
       item && used < json->count; item = item->next)
    if (!json_has_field (type, item->name))
      return fail (m, item->name, "is no field of %s", name);
  return 0;
}

int
json_to_struct (const struct json *json, const struct xdr_type *type,
                struct arena *arena, void **obj, struct json_error *error)
{
  struct maker m = { arena, error };

  *obj = NULL;
  if (type == NULL) {
    if (json && (json->kind != JSON_OBJECT || json->items))
      return fail (&m, json->items ? json->items->name : "", "is there, but "
                   "the procedure takes no arguments");
    return 0;
  }
  *obj = arena_alloc (arena, type->size);
  if (*obj == NULL)
    return no_memory (&m, type->name);
  return read_struct (&m, "the arguments", json, type, *obj);
}
