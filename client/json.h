/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON, strictly as RFC 8259 has it, and the way between it and the
 * protocol's structures, which their descriptors show.  Only virgate_call_json
 * needs it.
 *
 * Numbers are kept as they are written, so that 64 bits survive.  Strings of
 * the protocol may be any bytes: one that is no part of valid UTF-8 is
 * written as the escape \udc80 to \udcff, and read back from it.
 */
#ifndef VIRGATE_CLIENT_JSON_H
#define VIRGATE_CLIENT_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/buf.h"
#include "protocol/xdr.h"

/* Arrays and objects inside each other; the deepest type needs 14. */
#define JSON_DEPTH_MAX 32

/* What reading may allocate. */
#define JSON_MEMORY_MAX (64 * 1024 * 1024)

enum json_kind {
  JSON_NULL,
  JSON_FALSE,
  JSON_TRUE,
  JSON_NUMBER,
  JSON_STRING,
  JSON_ARRAY,
  JSON_OBJECT
};

struct json {
  enum json_kind kind;
  const char *text;             /* of a number or string, ends in NUL */
  const char *name;             /* of an object's member */
  struct json *items;           /* of an array or object, by next */
  struct json *next;
  uint32_t count;               /* of items */
};

/* What is wrong with a text, for a person. */
struct json_error {
  char why[200];
};

/* Read a text; everything lives in the arena.  NULL with error set. */
const struct json *json_parse (const char *text, struct arena *arena,
                               struct json_error *error);

/* Append a string with quotes, or any text.  0, or -1 with errno ENOMEM. */
int json_put_string (struct buf *out, const char *str);
int json_put (struct buf *out, const char *text);

/* Make a structure of a JSON object; json NULL: an empty one.  Members are
 * fields; an optional one may be null or left out, and `flags` left out is 0;
 * others must be there, and there may be no others.  Everything lives in the
 * arena.  0, or -1 with error set.
 */
int json_to_struct (const struct json *json, const struct xdr_type *type,
                    struct arena *arena, void **obj,
                    struct json_error *error);

/* Append a structure as an object; type NULL: {}.  0, or -1 with ENOMEM. */
int json_from_struct (const struct xdr_type *type, const void *obj,
                      struct buf *out);

#endif /* VIRGATE_CLIENT_JSON_H */
