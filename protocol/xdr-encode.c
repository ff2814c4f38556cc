/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Encoding; see xdr.h.  What the peer would refuse is refused here, so that
 * a fault in a driver or a caller is found on the side where it is.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/big-endian.h"
#include "common/mem.h"
#include "protocol/xdr.h"

#define UNLIKELY(x) __builtin_expect (!!(x), 0)

/* Room that is taken at a time, so that most messages need one step. */
#define ROOM_MIN 256

struct writer {
  uint8_t *at, *end;            /* free room in out */
  struct buf *out;
  size_t before;                /* bytes in out when we started */
  const struct xdr_field *field; /* being written */
  const char *why;
  bool no_memory;
};

static int
fail (struct writer *w, const char *why)
{
  w->why = why;
  return -1;
}

/* Hand what was written to the buffer. */
static void
settle (struct writer *w)
{
  if (w->at)
    w->out->end = (char *) w->at - w->out->base;
}

static int
grow (struct writer *w, size_t len)
{
  settle (w);
  if (buf_len (w->out) - w->before + len > XDR_PAYLOAD_MAX)
    return fail (w, "makes the message longer than the protocol allows");
  w->at = (uint8_t *) buf_reserve (w->out, MAX_OF (len, ROOM_MIN));
  if (w->at == NULL) {
    w->no_memory = true;
    return fail (w, "takes more memory than there is");
  }
  w->end = (uint8_t *) w->out->base + w->out->size;
  return 0;
}

static inline int
room (struct writer *w, size_t len)
{
  return UNLIKELY ((size_t) (w->end - w->at) < len) ? grow (w, len) : 0;
}

static inline int
put32 (struct writer *w, uint32_t value)
{
  if (room (w, 4) == -1)
    return -1;
  be32_store (w->at, value);
  w->at += sizeof value;
  return 0;
}

static int
put_packed (struct writer *w, const void *data, size_t len)
{
  size_t padding = -len & 3;

  if (room (w, len + padding) == -1)
    return -1;
  if (len > 0)
    memcpy (w->at, data, len);
  memset (w->at + len, 0, padding);
  w->at += len + padding;
  return 0;
}

static int
put_string (struct writer *w, bool is_name, const void *from)
{
  const char *str;
  size_t len;

  memcpy (&str, from, sizeof str);
  if (UNLIKELY (str == NULL))
    return fail (w, "is missing");
  len = strnlen (str, XDR_STRING_MAX + 1);
  if (UNLIKELY (len > XDR_STRING_MAX))
    return fail (w, "is longer than the protocol allows");
  if (is_name && UNLIKELY (!xdr_is_utf8 (str, len)))
    return fail (w, "is a name but not valid UTF-8");
  if (put32 (w, len) == -1)
    return -1;
  return put_packed (w, str, len);
}

static int
put_64 (struct writer *w, const void *from)
{
  uint64_t value;

  if (room (w, 8) == -1)
    return -1;
  memcpy (&value, from, sizeof value);
  be64_store (w->at, value);
  w->at += sizeof value;
  return 0;
}

static inline int
put_32 (struct writer *w, const void *from)
{
  uint32_t value;

  memcpy (&value, from, sizeof value);
  return put32 (w, value);
}

/* A smaller number in one unit of four bytes; char is sign-extended. */
static int
put_small (struct writer *w, uint8_t op, const void *from)
{
  uint16_t half;
  uint8_t byte;

  if (op == XDR_U16) {
    memcpy (&half, from, sizeof half);
    return put32 (w, half);
  }
  memcpy (&byte, from, sizeof byte);
  return put32 (w, op == XDR_CHAR ? (uint32_t) (int8_t) byte : byte);
}

static int
put_value (struct writer *w, const struct virgate_typed_param_value *from)
{
  if (put32 (w, from->type) == -1)
    return -1;
  switch (from->type) {
  case VIRGATE_TYPED_PARAM_INT:
  case VIRGATE_TYPED_PARAM_UINT:
  case VIRGATE_TYPED_PARAM_BOOLEAN:
    return put_32 (w, &from->u);
  case VIRGATE_TYPED_PARAM_LLONG:
  case VIRGATE_TYPED_PARAM_ULLONG:
  case VIRGATE_TYPED_PARAM_DOUBLE:
    return put_64 (w, &from->u);
  case VIRGATE_TYPED_PARAM_STRING:
    return put_string (w, false, &from->u);
  default:
    return fail (w, "has an unknown type");
  }
}

static int put_struct (struct writer *w, const struct xdr_type *type,
                       const void *from);

static inline int
put_item (struct writer *w, const struct xdr_field *field, const void *from)
{
  switch (field->op) {
  case XDR_I32:
  case XDR_U32:
    return put_32 (w, from);
  case XDR_I64:
  case XDR_U64:
  case XDR_F64:
    return put_64 (w, from);
  case XDR_STRING:
  case XDR_NAME:
    return put_string (w, field->op == XDR_NAME, from);
  case XDR_STRUCT:
    return put_struct (w, field->type, from);
  case XDR_VALUE:
    return put_value (w, from);
  default:
    return put_small (w, field->op, from);
  }
}

static int
put_items (struct writer *w, const struct xdr_field *field, uint32_t count,
           const char *from)
{
  size_t size = xdr_item_size (field);

  if (field->op == XDR_BYTES)
    return put_packed (w, from, count);
  for (; count > 0; count--, from += size)
    if (put_item (w, field, from) == -1)
      return -1;
  return 0;
}

static int
put_list (struct writer *w, const struct xdr_field *field, const void *from)
{
  struct xdr_list list;

  memcpy (&list, from, sizeof list);
  if (UNLIKELY (list.len > field->limit))
    return fail (w, "has more items than the protocol allows");
  if (UNLIKELY (list.len > 0 && list.val == NULL))
    return fail (w, "is missing");
  if (put32 (w, list.len) == -1)
    return -1;
  return put_items (w, field, list.len, list.val);
}

static int
put_optional (struct writer *w, const struct xdr_field *field,
              const void *from)
{
  const void *item;

  memcpy (&item, from, sizeof item);
  if (put32 (w, item != NULL) == -1)
    return -1;
  if (item == NULL)
    return 0;
  return put_item (w, field, field->op == XDR_STRUCT ? item : from);
}

static int
put_struct (struct writer *w, const struct xdr_type *type, const void *from)
{
  const struct xdr_field *end = type->fields + type->count;

  for (const struct xdr_field *field = type->fields; field < end; field++) {
    const char *member = (const char *) from + field->offset;
    int result;

    w->field = field;
    if (field->form == XDR_ONE)
      result = put_item (w, field, member);
    else if (field->form == XDR_FIXED)
      result = put_items (w, field, field->limit, member);
    else if (field->form == XDR_LIST)
      result = put_list (w, field, member);
    else
      result = put_optional (w, field, member);
    if (UNLIKELY (result == -1))
      return -1;
  }
  return 0;
}

int
xdr_encode (const struct xdr_type *type, const void *obj, struct buf *out,
            struct xdr_error *error)
{
  struct writer w = { .out = out, .before = buf_len (out) };

  if (type == NULL)
    return 0;
  if (put_struct (&w, type, obj) == 0) {
    settle (&w);
    return 0;
  }
  settle (&w);
  if (error) {
    error->field = w.field ? w.field->name : "";
    error->why = w.why;
    error->offset = buf_len (out) - w.before;
  }
  out->end = out->start + w.before;
  errno = w.no_memory ? ENOMEM : EINVAL;
  return -1;
}
