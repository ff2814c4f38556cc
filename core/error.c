/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Error records and their encoding; see error.h.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "core/error-text.h"
#include "core/error.h"

/* Fixed parts of the objects that a record may carry: a domain's uuid and id,
 * a network's uuid.
 */
#define DOMAIN_TAIL_LEN 20
#define NETWORK_TAIL_LEN 16

static char *
dup_or_null (const char *str)
{
  return str ? strdup (str) : NULL;
}

/* The template with its "%s" replaced; the template is data, not a format. */
static char *
fill_template (const char *template, const char *detail)
{
  const char *hole = strstr (template, "%s");
  char *text;

  if (hole == NULL)
    return strdup (template);
  if (asprintf (&text, "%.*s%s%s", (int) (hole - template), template, detail,
                hole + 2) == -1)
    return NULL;
  return text;
}

/* Replace a record by one whose template and detail (both owned) are given. */
static void
store (struct virgate_error *err, int32_t code, int32_t domain,
       const char *template, char *detail)
{
  struct virgate_error fresh = {
    .code = code, .domain = domain, .level = VIRGATE_LEVEL_ERROR,
    .int1 = -1, .int2 = -1,
    .message = template ? fill_template (template, detail ? detail : "")
                        : NULL,
    .str1 = dup_or_null (template),
    .str2 = detail,
  };

  error_clear (err);
  *err = fresh;
}

static char *
format (const char *fmt, va_list args)
{
  char *text;

  if (fmt == NULL || vasprintf (&text, fmt, args) == -1)
    return NULL;
  return text;
}

int
error_vset (struct virgate_error *err, int32_t code, int32_t domain,
            const char *fmt, va_list args)
{
  const struct error_text *text = error_text_for (code);

  if (err)
    store (err, code, domain, fmt ? text->detail : text->plain,
           format (fmt, args));
  return -1;
}

int
error_set (struct virgate_error *err, int32_t code, int32_t domain,
           const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  error_vset (err, code, domain, fmt, args);
  va_end (args);
  return -1;
}

int
error_text (struct virgate_error *err, int32_t code, int32_t domain,
            const char *fmt, ...)
{
  va_list args;

  if (err == NULL)
    return -1;
  va_start (args, fmt);
  store (err, code, domain, "%s", format (fmt, args));
  va_end (args);
  return -1;
}

int
error_system (struct virgate_error *err, int errnum, int32_t domain,
              const char *fmt, ...)
{
  CLEANUP_FREE char *what = NULL;
  va_list args;

  va_start (args, fmt);
  what = format (fmt, args);
  va_end (args);
  error_set (err, VIRGATE_ERR_SYSTEM_ERROR, domain, "%s%s%s",
             what ? what : "", what ? ": " : "", strerror (errnum));
  if (err)
    err->int1 = errnum;
  return -1;
}

/* Put prefix before *str, when there is a str. */
static void
prepend (char **str, const char *prefix)
{
  char *text;

  if (*str == NULL || asprintf (&text, "%s%s", prefix, *str) == -1)
    return;
  free (*str);
  *str = text;
}

int
error_prefix (struct virgate_error *err, const char *fmt, ...)
{
  CLEANUP_FREE char *prefix = NULL;
  va_list args;

  va_start (args, fmt);
  prefix = format (fmt, args);
  va_end (args);
  if (err && prefix) {
    prepend (&err->message, prefix);
    prepend (&err->str2, prefix);
  }
  return -1;
}

void
error_clear (struct virgate_error *err)
{
  free (err->message);
  free (err->str1);
  free (err->str2);
  free (err->str3);
  memset (err, 0, sizeof *err);
}

void
error_copy (struct virgate_error *dst, const struct virgate_error *src)
{
  struct virgate_error copy = *src;

  copy.message = dup_or_null (src->message);
  copy.str1 = dup_or_null (src->str1);
  copy.str2 = dup_or_null (src->str2);
  copy.str3 = dup_or_null (src->str3);
  error_clear (dst);
  *dst = copy;
}

void
error_move (struct virgate_error *dst, struct virgate_error *src)
{
  struct virgate_error moved = *src;

  memset (src, 0, sizeof *src);
  error_clear (dst);
  *dst = moved;
}

const char *
error_message (const struct virgate_error *err)
{
  const char *plain;

  if (err->message)
    return err->message;
  plain = error_text_for (err->code)->plain;
  if (plain)
    return plain;
  return err->code == VIRGATE_ERR_OK ? "no error" : "an unknown error";
}

/* Encoding --------------------------------------------------------------- */

static int
put_u32 (struct buf *out, uint32_t value)
{
  const unsigned char bytes[4] = { value >> 24, value >> 16, value >> 8,
                                   value };

  return buf_append (out, bytes, sizeof bytes);
}

/* An optional string. */
static int
put_string (struct buf *out, const char *str)
{
  static const char zeroes[4];
  size_t len;

  if (str == NULL)
    return put_u32 (out, 0);
  len = strlen (str);
  if (len > ERROR_STRING_MAX) {
    errno = EMSGSIZE;
    return -1;
  }
  if (put_u32 (out, 1) == -1 || put_u32 (out, len) == -1)
    return -1;
  return buf_append (out, str, len) == -1
         || buf_append (out, zeroes, -len & 3) == -1 ? -1 : 0;
}

static int
put_record (struct buf *out, const struct virgate_error *err)
{
  return put_u32 (out, err->code) == -1
         || put_u32 (out, err->domain) == -1
         || put_string (out, err->message) == -1
         || put_u32 (out, err->level) == -1
         || put_u32 (out, 0) == -1      /* no domain */
         || put_string (out, err->str1) == -1
         || put_string (out, err->str2) == -1
         || put_string (out, err->str3) == -1
         || put_u32 (out, err->int1) == -1
         || put_u32 (out, err->int2) == -1
         || put_u32 (out, 0) == -1      /* no network */ ? -1 : 0;
}

int
error_encode (struct buf *out, const struct virgate_error *err)
{
  size_t before = buf_len (out);

  if (put_record (out, err) == 0)
    return 0;
  out->end = out->start + before;
  return -1;
}

/* Decoding --------------------------------------------------------------- */

/* What is left to read; after bad, everything reads as zero. */
struct reader {
  const unsigned char *at;
  size_t left;
  bool bad;
};

/* LEN bytes and their padding; NULL when there are not that many. */
static const unsigned char *
take (struct reader *in, size_t len)
{
  const unsigned char *at = in->at;
  size_t padded = len + (-len & 3);

  if (in->bad || in->left < padded) {
    in->bad = true;
    return NULL;
  }
  in->at += padded;
  in->left -= padded;
  return at;
}

static uint32_t
take_u32 (struct reader *in)
{
  const unsigned char *p = take (in, 4);

  if (p == NULL)
    return 0;
  return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
         | (uint32_t) p[2] << 8 | p[3];
}

/* The bytes of a string that must be there. */
static const unsigned char *
take_bytes (struct reader *in, size_t *len)
{
  *len = take_u32 (in);
  if (*len > ERROR_STRING_MAX)
    in->bad = true;
  return take (in, *len);
}

/* An optional string, up to its first NUL.  No memory reads as bad. */
static char *
take_string (struct reader *in)
{
  const unsigned char *bytes;
  size_t len;
  char *str;

  if (take_u32 (in) == 0 || (bytes = take_bytes (in, &len)) == NULL)
    return NULL;
  str = strndup ((const char *) bytes, len);
  if (str == NULL)
    in->bad = true;
  return str;
}

/* An optional object: its name, then TAIL bytes. */
static void
skip_object (struct reader *in, size_t tail)
{
  size_t len;

  if (take_u32 (in) == 0)
    return;
  take_bytes (in, &len);
  take (in, tail);
}

int
error_decode (const void *data, size_t len, struct virgate_error *err)
{
  struct reader in = { data, len, false };
  CLEANUP_ERROR struct virgate_error got = { 0 };

  got.code = take_u32 (&in);
  got.domain = take_u32 (&in);
  got.message = take_string (&in);
  got.level = take_u32 (&in);
  skip_object (&in, DOMAIN_TAIL_LEN);
  got.str1 = take_string (&in);
  got.str2 = take_string (&in);
  got.str3 = take_string (&in);
  got.int1 = take_u32 (&in);
  got.int2 = take_u32 (&in);
  skip_object (&in, NETWORK_TAIL_LEN);
  if (in.bad) {
    errno = EBADMSG;
    return -1;
  }
  error_move (err, &got);
  return 0;
}
