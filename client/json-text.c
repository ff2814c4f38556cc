/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading and writing JSON text; see json.h.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/json.h"
#include "common/mem.h"

struct reader {
  const char *start, *at;
  struct arena *arena;
  struct json_error *error;
  int depth;
};

/* Always returns -1; the first complaint stays. */
static int __attribute__ ((format (printf, 2, 3)))
fail (struct reader *r, const char *fmt, ...)
{
  char what[120];
  va_list args;

  va_start (args, fmt);
  vsnprintf (what, sizeof what, fmt, args);
  va_end (args);
  snprintf (r->error->why, sizeof r->error->why, "at character %td: %s",
            r->at - r->start + 1, what);
  return -1;
}

static void
skip_blanks (struct reader *r)
{
  r->at += strspn (r->at, " \t\r\n");
}

/* Take one character if it is there. */
static bool
take (struct reader *r, char c)
{
  skip_blanks (r);
  if (*r->at != c)
    return false;
  r->at++;
  return true;
}

/* Strings ----------------------------------------------------------------- */

static int
hex_value (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four hexadecimal digits; -1 when there are none. */
static int
take_unit (struct reader *r)
{
  int unit = 0;

  for (int i = 0; i < 4; i++) {
    int digit = hex_value (*r->at);

    if (digit == -1)
      return -1;
    unit = unit << 4 | digit;
    r->at++;
  }
  return unit;
}

static char *
put_utf8 (char *to, uint32_t c)
{
  if (c < 0x80)
    *to++ = c;
  else if (c < 0x800) {
    *to++ = 0xc0 | c >> 6;
    *to++ = 0x80 | (c & 0x3f);
  }
  else if (c < 0x10000) {
    *to++ = 0xe0 | c >> 12;
    *to++ = 0x80 | (c >> 6 & 0x3f);
    *to++ = 0x80 | (c & 0x3f);
  }
  else {
    *to++ = 0xf0 | c >> 18;
    *to++ = 0x80 | (c >> 12 & 0x3f);
    *to++ = 0x80 | (c >> 6 & 0x3f);
    *to++ = 0x80 | (c & 0x3f);
  }
  return to;
}

/* After "\u".  Half a pair is an error, but for those that stand for bytes. */
static char *
take_unicode (struct reader *r, char *to)
{
  int unit = take_unit (r), low;

  if (unit <= 0) {
    fail (r, unit == 0 ? "a string cannot have a NUL in it"
                       : "expected four hexadecimal digits");
    return NULL;
  }
  if (unit >= 0xdc80 && unit <= 0xdcff) {
    *to++ = unit - 0xdc00;
    return to;
  }
  if (unit < 0xd800 || unit > 0xdfff)
    return put_utf8 (to, unit);
  if (unit < 0xdc00 && strncmp (r->at, "\\u", 2) == 0) {
    r->at += 2;
    low = take_unit (r);
    if (low >= 0xdc00 && low <= 0xdfff)
      return put_utf8 (to, 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff));
  }
  fail (r, "half a character");
  return NULL;
}

/* After a backslash. */
static char *
take_escape (struct reader *r, char *to)
{
  static const char names[] = "\"\\/bfnrt";
  static const char values[] = "\"\\/\b\f\n\r\t";
  const char *name;

  if (*r->at == 'u') {
    r->at++;
    return take_unicode (r, to);
  }
  name = *r->at ? strchr (names, *r->at) : NULL;
  if (name == NULL) {
    fail (r, "there is no such escape");
    return NULL;
  }
  r->at++;
  *to++ = values[name - names];
  return to;
}

/* Copy up to the closing quote; the copy is never longer than the text. */
static int
unescape (struct reader *r, char *to)
{
  while (*r->at != '"') {
    if ((unsigned char) *r->at < 0x20)
      return fail (r, *r->at ? "a control character in a string"
                             : "a string without an end");
    if (*r->at != '\\')
      *to++ = *r->at++;
    else {
      r->at++;
      to = take_escape (r, to);
      if (to == NULL)
        return -1;
    }
  }
  r->at++;
  *to = '\0';
  return 0;
}

/* The length of a string's text, escapes and all. */
static size_t
raw_len (const char *text)
{
  size_t len = 0;

  while (text[len] && text[len] != '"')
    len += text[len] == '\\' && text[len + 1] ? 2 : 1;
  return len;
}

static const char *
take_string (struct reader *r)
{
  size_t len = raw_len (r->at);
  const char *start = r->at;
  char *copy = arena_alloc (r->arena, len + 1);

  if (copy == NULL) {
    fail (r, "out of memory");
    return NULL;
  }
  if (unescape (r, copy) == -1)
    return NULL;
  /* What was written as it is must be UTF-8; escapes may be any bytes. */
  if (!xdr_is_utf8 (start, r->at - start)) {
    fail (r, "the string before is not valid UTF-8");
    return NULL;
  }
  return copy;
}

/* Values ------------------------------------------------------------------ */

static int take_value (struct reader *r, struct json *json);

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static size_t
number_len (const char *text)
{
  static const char digits[] = "0123456789";
  size_t len = *text == '-', run, exponent;

  run = strspn (text + len, digits);
  if (run == 0 || (run > 1 && text[len] == '0'))
    return 0;
  len += run;
  if (text[len] == '.') {
    run = strspn (text + len + 1, digits);
    if (run == 0)
      return 0;
    len += run + 1;
  }
  if (text[len] == 'e' || text[len] == 'E') {
    exponent = len + 1;
    exponent += text[exponent] == '+' || text[exponent] == '-';
    run = strspn (text + exponent, digits);
    if (run == 0)
      return 0;
    len = exponent + run;
  }
  return len;
}

static int
take_number (struct reader *r, struct json *json)
{
  size_t len = number_len (r->at);

  if (len == 0)
    return fail (r, "expected a value");
  json->kind = JSON_NUMBER;
  json->text = arena_strndup (r->arena, r->at, len);
  r->at += len;
  return json->text ? 0 : fail (r, "out of memory");
}

static int
take_word (struct reader *r, struct json *json)
{
  static const struct {
    const char *word;
    enum json_kind kind;
  } words[] = {
    { "null", JSON_NULL }, { "false", JSON_FALSE }, { "true", JSON_TRUE }
  };

  for (size_t i = 0; i < COUNT_OF (words); i++)
    if (strncmp (r->at, words[i].word, strlen (words[i].word)) == 0) {
      json->kind = words[i].kind;
      r->at += strlen (words[i].word);
      return 0;
    }
  return take_number (r, json);
}

static bool
has_member (const struct json *object, const char *name)
{
  for (const struct json *item = object->items; item; item = item->next)
    if (strcmp (item->name, name) == 0)
      return true;
  return false;
}

static int
take_name (struct reader *r, const struct json *object, struct json *item)
{
  if (!take (r, '"'))
    return fail (r, "expected a name in quotes");
  item->name = take_string (r);
  if (item->name == NULL)
    return -1;
  if (has_member (object, item->name))
    return fail (r, "'%.60s' is there twice", item->name);
  if (!take (r, ':'))
    return fail (r, "expected ':'");
  return 0;
}

/* After the opening bracket, up to the closing one. */
static int
take_items (struct reader *r, struct json *json, char end)
{
  struct json **last = &json->items;

  if (++r->depth > JSON_DEPTH_MAX)
    return fail (r, "too deep");
  if (take (r, end)) {
    r->depth--;
    return 0;
  }
  do {
    struct json *item = arena_alloc (r->arena, sizeof *item);

    if (item == NULL)
      return fail (r, "out of memory");
    if ((json->kind == JSON_OBJECT && take_name (r, json, item) == -1)
        || take_value (r, item) == -1)
      return -1;
    *last = item;
    last = &item->next;
    json->count++;
  } while (take (r, ','));
  r->depth--;
  return take (r, end) ? 0 : fail (r, "expected ',' or '%c'", end);
}

static int
take_value (struct reader *r, struct json *json)
{
  if (take (r, '"')) {
    json->kind = JSON_STRING;
    json->text = take_string (r);
    return json->text ? 0 : -1;
  }
  if (take (r, '[')) {
    json->kind = JSON_ARRAY;
    return take_items (r, json, ']');
  }
  if (take (r, '{')) {
    json->kind = JSON_OBJECT;
    return take_items (r, json, '}');
  }
  return take_word (r, json);
}

const struct json *
json_parse (const char *text, struct arena *arena, struct json_error *error)
{
  struct reader r = { text, text, arena, error, 0 };
  struct json *json = arena_alloc (arena, sizeof *json);

  if (json == NULL) {
    fail (&r, "out of memory");
    return NULL;
  }
  if (take_value (&r, json) == -1)
    return NULL;
  skip_blanks (&r);
  if (*r.at) {
    fail (&r, "text after the end");
    return NULL;
  }
  return json;
}

/* Writing ----------------------------------------------------------------- */

int
json_put (struct buf *out, const char *text)
{
  return buf_append (out, text, strlen (text));
}

/* Bytes of the UTF-8 character at text; 0 when it is none. */
static size_t
utf8_len (const char *text)
{
  for (size_t len = 1; len <= 4 && text[len - 1]; len++)
    if (xdr_is_utf8 (text, len))
      return len;
  return 0;
}

static int
put_escaped (struct buf *out, unsigned char c)
{
  char text[8];

  if (c == '"' || c == '\\')
    snprintf (text, sizeof text, "\\%c", c);
  else if (c == '\n')
    snprintf (text, sizeof text, "\\n");
  else
    snprintf (text, sizeof text, "\\u%04x", c < 0x80 ? c : 0xdc00 + c);
  return json_put (out, text);
}

int
json_put_string (struct buf *out, const char *str)
{
  if (json_put (out, "\"") == -1)
    return -1;
  while (*str) {
    size_t len = utf8_len (str);
    unsigned char c = *str;
    int result;

    if (len == 0 || c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
      result = put_escaped (out, c);
      len = 1;
    }
    else
      result = buf_append (out, str, len);
    if (result == -1)
      return -1;
    str += len;
  }
  return json_put (out, "\"");
}
