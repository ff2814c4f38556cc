/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The grammar of SCRAM's messages (RFC 5802, section 7).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "base64.h"
#include "password.h"

static bool
is_alpha (char c)
{
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool
scram_take (struct piece *left, char name, struct piece *value)
{
  const char *comma;

  if (left->at == NULL || left->len < 2 || left->at[0] != name
      || left->at[1] != '=')
    return false;
  value->at = left->at + 2;
  value->len = left->len - 2;
  comma = memchr (value->at, ',', value->len);
  if (comma == NULL) {
    *left = (struct piece) { NULL, 0 };
    return true;
  }
  value->len = comma - value->at;
  left->len -= comma + 1 - left->at;
  left->at = comma + 1;
  return true;
}

bool
scram_skip (struct piece *left, char stop)
{
  struct piece ignored;

  while (left->at && !(left->len > 0 && left->at[0] == stop))
    if (left->len == 0 || !is_alpha (left->at[0])
        || !scram_take (left, left->at[0], &ignored))
      return false;
  return true;
}

char *
scram_escape (const char *name)
{
  char *text = malloc (3 * strlen (name) + 1), *to = text;

  for (; text && *name; name++)
    if (*name == ',' || *name == '=')
      to = stpcpy (to, *name == ',' ? "=2C" : "=3D");
    else
      *to++ = *name;
  if (text)
    *to = '\0';
  return text;
}

int
scram_unescape (const struct piece *name, char *out, size_t size)
{
  size_t len = 0;

  for (size_t i = 0; i < name->len; i++) {
    char c = name->at[i];

    if (c == '=') {
      if (name->len - i < 3)
        return -1;
      c = memcmp (&name->at[i], "=2C", 3) == 0 ? ','
          : memcmp (&name->at[i], "=3D", 3) == 0 ? '=' : '\0';
      i += 2;
    }
    if (c == '\0' || len + 1 >= size)
      return -1;
    out[len++] = c;
  }
  out[len] = '\0';
  return (int) len;
}

bool
scram_is_nonce (const struct piece *nonce)
{
  for (size_t i = 0; i < nonce->len; i++)
    if (nonce->at[i] < 0x21 || nonce->at[i] > 0x7e || nonce->at[i] == ',')
      return false;
  return nonce->len > 0 && nonce->len <= SCRAM_NONCE_MAX;
}

int
scram_nonce (char nonce[SCRAM_NONCE_LEN + 1])
{
  uint8_t bytes[SCRAM_NONCE_LEN / 4 * 3];

  if (scram_random (bytes, sizeof bytes) == -1)
    return -1;
  base64_encode (bytes, sizeof bytes, nonce);
  return 0;
}
