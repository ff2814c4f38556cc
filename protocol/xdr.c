/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Decoding and checking; see xdr.h.  One walk serves three purposes: with an
 * arena it stores, without one it only checks, and it always adds up what
 * storing takes.  Recursion is as deep as structures nest in the tables,
 * which the generator bounds.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/big-endian.h"
#include "common/mem.h"
#include "protocol/xdr.h"

/* Longer strings are worth a call of what is quicker for them. */
#define PLAIN_MAX 32

#define UNLIKELY(x) __builtin_expect (!!(x), 0)

struct reader {
  const uint8_t *at, *end;
  struct arena *arena;          /* NULL: check only */
  size_t need;                  /* bytes of all allocations */
  const struct xdr_field *field; /* being read */
  const char *why;
  bool no_memory;
};

static const size_t item_sizes[] = {
  [XDR_I32] = sizeof (int32_t), [XDR_U32] = sizeof (uint32_t),
  [XDR_I64] = sizeof (int64_t), [XDR_U64] = sizeof (uint64_t),
  [XDR_F64] = sizeof (double), [XDR_U8] = sizeof (uint8_t),
  [XDR_U16] = sizeof (uint16_t), [XDR_CHAR] = sizeof (uint8_t),
  [XDR_STRING] = sizeof (char *), [XDR_NAME] = sizeof (char *),
  [XDR_BYTES] = sizeof (uint8_t),
  [XDR_VALUE] = sizeof (struct virgate_typed_param_value),
};

/* Least bytes on the wire; BYTES are packed and handled apart. */
static const uint8_t wire_sizes[] = {
  [XDR_I32] = 4, [XDR_U32] = 4, [XDR_I64] = 8, [XDR_U64] = 8, [XDR_F64] = 8,
  [XDR_U8] = 4, [XDR_U16] = 4, [XDR_CHAR] = 4, [XDR_STRING] = 4,
  [XDR_NAME] = 4, [XDR_BYTES] = 1, [XDR_VALUE] = 8,
};

size_t
xdr_item_size (const struct xdr_field *field)
{
  return field->type ? field->type->size : item_sizes[field->op];
}

static int
fail (struct reader *r, const char *why)
{
  r->why = why;
  return -1;
}

static inline size_t
left (const struct reader *r)
{
  return r->end - r->at;
}

static inline int
get32 (struct reader *r, uint32_t *value)
{
  if (UNLIKELY (left (r) < 4))
    return fail (r, "is cut off");
  *value = be32_load (r->at);
  r->at += 4;
  return 0;
}

/* Memory for LEN bytes: *PTR becomes NULL when only checking. */
static inline int
reserve (struct reader *r, size_t count, size_t size, void **ptr)
{
  const size_t align = _Alignof (max_align_t);

  *ptr = NULL;
  r->need += (count * size + align - 1) / align * align;
  if (r->arena == NULL)
    return 0;
  *ptr = arena_array (r->arena, count, size);
  if (UNLIKELY (*ptr == NULL)) {
    r->no_memory = true;
    return fail (r, "takes more memory than is allowed");
  }
  return 0;
}

/* Take LEN packed bytes and their padding off the wire. */
static inline int
get_packed (struct reader *r, size_t len, const uint8_t **data)
{
  size_t padding = -len & 3;

  if (UNLIKELY (left (r) < len || left (r) - len < padding))
    return fail (r, "is cut off");
  *data = r->at;
  r->at += len;
  for (; padding > 0; padding--)
    if (UNLIKELY (*r->at++ != 0))
      return fail (r, "has padding that is not zero");
  return 0;
}

/* Short and nothing but ASCII, as nearly all strings are. */
static inline bool
is_plain (const uint8_t *data, uint32_t len)
{
  uint8_t all = 0;

  if (len > PLAIN_MAX)
    return false;
  for (uint32_t i = 0; i < len; i++) {
    if (data[i] == 0)
      return false;
    all |= data[i];
  }
  return all < 0x80;
}

static int
get_string (struct reader *r, bool is_name, void *to)
{
  const uint8_t *data;
  uint32_t len;
  void *copy;

  if (get32 (r, &len) == -1)
    return -1;
  if (UNLIKELY (len > XDR_STRING_MAX))
    return fail (r, "is longer than the protocol allows");
  if (get_packed (r, len, &data) == -1)
    return -1;
  if (!is_plain (data, len)) {
    if (UNLIKELY (memchr (data, 0, len)))
      return fail (r, "has a NUL byte inside");
    if (is_name && UNLIKELY (!xdr_is_utf8 ((const char *) data, len)))
      return fail (r, "is a name but not valid UTF-8");
  }
  if (reserve (r, len + 1, 1, &copy) == -1)
    return -1;
  if (to) {
    memcpy (copy, data, len);   /* the arena's memory is zero */
    memcpy (to, &copy, sizeof copy);
  }
  return 0;
}

static int
get_64 (struct reader *r, void *to)
{
  uint64_t value;

  if (UNLIKELY (left (r) < 8))
    return fail (r, "is cut off");
  value = be64_load (r->at);
  r->at += 8;
  if (to)
    memcpy (to, &value, sizeof value);
  return 0;
}

static inline int
get_32 (struct reader *r, void *to)
{
  uint32_t value;

  if (get32 (r, &value) == -1)
    return -1;
  if (to)
    memcpy (to, &value, sizeof value);
  return 0;
}

/* One unit of four bytes that holds a smaller number. */
static int
get_small (struct reader *r, uint8_t op, void *to)
{
  uint32_t value;
  uint16_t half;
  uint8_t byte;

  if (get32 (r, &value) == -1)
    return -1;
  if ((op == XDR_U8 && value > UINT8_MAX)
      || (op == XDR_U16 && value > UINT16_MAX))
    return fail (r, "is out of range");
  byte = half = value;
  if (to && op == XDR_U16)
    memcpy (to, &half, sizeof half);
  else if (to)
    memcpy (to, &byte, sizeof byte);
  return 0;
}

static int
get_value (struct reader *r, struct virgate_typed_param_value *to)
{
  uint32_t type;

  if (get32 (r, &type) == -1)
    return -1;
  if (to)
    to->type = type;
  switch (type) {
  case VIRGATE_TYPED_PARAM_INT:
  case VIRGATE_TYPED_PARAM_UINT:
  case VIRGATE_TYPED_PARAM_BOOLEAN:
    return get_32 (r, to ? &to->u : NULL);
  case VIRGATE_TYPED_PARAM_LLONG:
  case VIRGATE_TYPED_PARAM_ULLONG:
  case VIRGATE_TYPED_PARAM_DOUBLE:
    return get_64 (r, to ? &to->u : NULL);
  case VIRGATE_TYPED_PARAM_STRING:
    return get_string (r, false, to ? &to->u : NULL);
  default:
    return fail (r, "has an unknown type");
  }
}

static int get_struct (struct reader *r, const struct xdr_type *type,
                       void *to);

static inline int
get_item (struct reader *r, const struct xdr_field *field, void *to)
{
  switch (field->op) {
  case XDR_I32:
  case XDR_U32:
    return get_32 (r, to);
  case XDR_I64:
  case XDR_U64:
  case XDR_F64:
    return get_64 (r, to);
  case XDR_STRING:
  case XDR_NAME:
    return get_string (r, field->op == XDR_NAME, to);
  case XDR_STRUCT:
    return get_struct (r, field->type, to);
  case XDR_VALUE:
    return get_value (r, to);
  default:
    return get_small (r, field->op, to);
  }
}

static int
get_items (struct reader *r, const struct xdr_field *field, uint32_t count,
           char *to)
{
  size_t size = xdr_item_size (field);
  const uint8_t *data;

  if (field->op == XDR_BYTES) {
    if (get_packed (r, count, &data) == -1)
      return -1;
    if (to)
      memcpy (to, data, count);
    return 0;
  }
  for (; count > 0; count--) {
    if (get_item (r, field, to) == -1)
      return -1;
    if (to)
      to += size;
  }
  return 0;
}

/* Lists of bytes get a NUL behind them: some are read as strings. */
static inline size_t
is_text (const struct xdr_field *field)
{
  return field->op == XDR_BYTES || field->op == XDR_CHAR;
}

static int
get_list (struct reader *r, const struct xdr_field *field, void *to)
{
  size_t least = field->type ? field->type->wire_min : wire_sizes[field->op];
  struct xdr_list list = { 0, NULL };

  if (get32 (r, &list.len) == -1)
    return -1;
  if (UNLIKELY (list.len > field->limit))
    return fail (r, "has more items than the protocol allows");
  if (UNLIKELY (list.len > left (r) / least))
    return fail (r, "claims more items than there are bytes");
  if (list.len > 0
      && reserve (r, list.len + is_text (field), xdr_item_size (field),
                  &list.val) == -1)
    return -1;
  if (get_items (r, field, list.len, list.val) == -1)
    return -1;
  if (to)
    memcpy (to, &list, sizeof list);
  return 0;
}

static int
get_optional (struct reader *r, const struct xdr_field *field, void *to)
{
  uint32_t present;
  void *item;

  if (get32 (r, &present) == -1)
    return -1;
  if (UNLIKELY (present > 1))
    return fail (r, "is neither absent nor present");
  if (!present)
    return 0;
  if (field->op != XDR_STRUCT)
    return get_item (r, field, to);
  if (reserve (r, 1, field->type->size, &item) == -1)
    return -1;
  if (to)
    memcpy (to, &item, sizeof item);
  return get_struct (r, field->type, item);
}

static int
get_struct (struct reader *r, const struct xdr_type *type, void *to)
{
  const struct xdr_field *end = type->fields + type->count;

  for (const struct xdr_field *field = type->fields; field < end; field++) {
    void *member = to ? (char *) to + field->offset : NULL;
    int result;

    r->field = field;
    if (field->form == XDR_ONE)
      result = get_item (r, field, member);
    else if (field->form == XDR_FIXED)
      result = get_items (r, field, field->limit, member);
    else if (field->form == XDR_LIST)
      result = get_list (r, field, member);
    else
      result = get_optional (r, field, member);
    if (UNLIKELY (result == -1))
      return -1;
  }
  return 0;
}

static int
get_payload (struct reader *r, const struct xdr_type *type, void **obj)
{
  if (type) {
    if (reserve (r, 1, type->size, obj) == -1
        || get_struct (r, type, *obj) == -1)
      return -1;
  }
  if (UNLIKELY (r->at != r->end)) {
    r->field = NULL;
    return fail (r, "has bytes after its end");
  }
  return 0;
}

static int
read_payload (const struct xdr_type *type, const void *data, size_t len,
              struct arena *arena, void **obj, size_t *need,
              struct xdr_error *error)
{
  struct reader r = { .at = data, .end = (const uint8_t *) data + len,
                      .arena = arena };

  if (get_payload (&r, type, obj) == 0) {
    *need = r.need;
    return 0;
  }
  if (error) {
    error->field = r.field ? r.field->name : "";
    error->why = r.why;
    error->offset = r.at - (const uint8_t *) data;
  }
  errno = r.no_memory ? ENOMEM : EBADMSG;
  return -1;
}

int
xdr_decode (const struct xdr_type *type, const void *data, size_t len,
            struct arena *arena, void **obj, struct xdr_error *error)
{
  void *result = NULL;
  size_t need;

  if (read_payload (type, data, len, arena, &result, &need, error) == -1)
    return -1;
  *obj = result;
  return 0;
}

int
xdr_check (const struct xdr_type *type, const void *data, size_t len,
           struct xdr_error *error)
{
  void *none = NULL;
  size_t need;

  return read_payload (type, data, len, NULL, &none, &need, error);
}

/* The block is an arena of one chunk that cannot grow. */
int
xdr_decode_block (const struct xdr_type *type, const void *data, size_t len,
                  size_t max, void **obj, struct xdr_error *error)
{
  struct arena arena = { 0 };
  void *result = NULL;
  size_t need;

  if (read_payload (type, data, len, NULL, &result, &need, error) == -1)
    return -1;
  if (type == NULL) {
    *obj = NULL;
    return 0;
  }
  if (need > max || (arena.next = malloc (need)) == NULL) {
    if (error)
      *error = (struct xdr_error) { "", "takes more memory than is allowed",
                                     0 };
    errno = ENOMEM;
    return -1;
  }
  arena.left = need;
  result = arena.next;
  if (read_payload (type, data, len, &arena, obj, &need, error) == -1) {
    free (result);
    return -1;
  }
  return 0;
}
