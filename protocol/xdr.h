/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The codec: one interpreter that reads and writes every structure of the
 * protocol as its generated descriptor says.  It knows nothing of frames,
 * procedures or connections.
 *
 * Everything that comes in is hostile: a count is compared with the
 * protocol's limit and with the bytes that are left before anything is
 * reserved for it.  Stricter than libvirt: bytes after the arguments, padding
 * that is not zero, a NUL inside a string, an optional flag besides 0 and 1,
 * a value that its C type cannot hold, and invalid UTF-8 in a name are errors.
 *
 * Wire: RFC 4506.
 */
#ifndef VIRGATE_PROTOCOL_XDR_H
#define VIRGATE_PROTOCOL_XDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"

/* What one item is; in brackets its C type. */
enum xdr_op {
  XDR_I32,                      /* int32_t */
  XDR_U32,                      /* uint32_t */
  XDR_I64,                      /* int64_t */
  XDR_U64,                      /* uint64_t */
  XDR_F64,                      /* double */
  XDR_U8,                       /* uint8_t, four bytes on the wire */
  XDR_U16,                      /* uint16_t, four bytes on the wire */
  XDR_CHAR,                     /* int8_t, in lists uint8_t; four bytes */
  XDR_STRING,                   /* const char *, any bytes but NUL */
  XDR_NAME,                     /* const char *, valid UTF-8 */
  XDR_BYTES,                    /* uint8_t, packed */
  XDR_VALUE,                    /* struct virgate_typed_param_value */
  XDR_STRUCT                    /* the structure that field->type says */
};

/* How often it occurs. */
enum xdr_form {
  XDR_ONE,                      /* inline */
  XDR_OPTIONAL,                 /* pointer, NULL when absent */
  XDR_LIST,                     /* struct { uint32_t len; T *val; } */
  XDR_FIXED                     /* array of limit items, inline */
};

struct xdr_type;

struct xdr_field {
  const char *name;             /* as libvirt spells it */
  const struct xdr_type *type;  /* of XDR_STRUCT items, else NULL */
  uint32_t limit;               /* most items of a list, items of an array */
  uint16_t offset;              /* in the C structure */
  uint8_t op;                   /* enum xdr_op */
  uint8_t form;                 /* enum xdr_form */
};

struct xdr_type {
  const char *name;             /* "virgate_domain": of the C structure */
  const struct xdr_field *fields;
  uint32_t count;               /* of fields */
  uint32_t size;                /* of the C structure */
  uint32_t wire_min;            /* bytes of the shortest encoding */
};

/* The C view of any XDR_LIST member. */
struct xdr_list {
  uint32_t len;
  void *val;
};

/* Longest string, and longest payload that one message carries: 32 MiB less
 * the header (virnetprotocol.x).
 */
#define XDR_STRING_MAX 4194304
#define XDR_PAYLOAD_MAX 33554408

/* What is wrong; both strings are constants. */
struct xdr_error {
  const char *field;            /* innermost; "" when it is none */
  const char *why;              /* "has more items than the protocol allows" */
  size_t offset;                /* in the payload */
};

/* Every type of every program. */
extern const struct xdr_type *const xdr_types[];
extern const size_t xdr_type_count;
/* The payload of a reply or stream message with status 'error'. */
extern const struct xdr_type *const xdr_remote_error_type;

/* Decode a whole payload.
 *
 * type   NULL: the payload must be empty, *obj becomes NULL
 * arena  takes the structure and all that it points to; its ceiling bounds
 *        what a payload can make us reserve
 * obj    out; untouched on error
 * error  out, may be NULL; set only on error
 *
 * Returns 0, or -1 with errno EBADMSG (see error) or ENOMEM.
 */
int xdr_decode (const struct xdr_type *type, const void *data, size_t len,
                struct arena *arena, void **obj, struct xdr_error *error);

/* The same into one block from malloc, which free releases whole; at most
 * max bytes.
 */
int xdr_decode_block (const struct xdr_type *type, const void *data,
                      size_t len, size_t max, void **obj,
                      struct xdr_error *error);

/* Would xdr_decode accept it?  Allocates nothing. */
int xdr_check (const struct xdr_type *type, const void *data, size_t len,
               struct xdr_error *error);

/* Append an encoding; the same limits hold as for decoding.
 *
 * obj  NULL only when type is NULL
 *
 * Returns 0, or -1 with errno EINVAL (see error) or ENOMEM and out unchanged.
 */
int xdr_encode (const struct xdr_type *type, const void *obj,
                struct buf *out, struct xdr_error *error);

/* Bytes that one item takes in C, for example sizeof (char *). */
size_t xdr_item_size (const struct xdr_field *field);

/* Is it UTF-8 without surrogates, overlong forms and what lies beyond
 * U+10FFFF?
 */
bool xdr_is_utf8 (const char *str, size_t len);

#endif /* VIRGATE_PROTOCOL_XDR_H */
