/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Verifiers of passwords; see verifier.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "common/mem.h"
#include "base64.h"
#include "verifier.h"

#define SCHEME "SCRAM-SHA-256$"

/* Cryptography ------------------------------------------------------------ */

int
scram_hmac (const uint8_t *key, size_t key_len, const void *data, size_t len,
            uint8_t out[SCRAM_KEY])
{
  return gnutls_hmac_fast (GNUTLS_MAC_SHA256, key, key_len, data, len, out)
         < 0 ? -1 : 0;
}

int
scram_hash (const void *data, size_t len, uint8_t out[SCRAM_KEY])
{
  return gnutls_hash_fast (GNUTLS_DIG_SHA256, data, len, out) < 0 ? -1 : 0;
}

int
scram_random (void *data, size_t len)
{
  return gnutls_rnd (GNUTLS_RND_NONCE, data, len) < 0 ? -1 : 0;
}

bool
scram_same (const void *a, const void *b, size_t len)
{
  return gnutls_memcmp (a, b, len) == 0;
}

int
scram_salted (const char *password, size_t len, const uint8_t *salt,
              size_t salt_len, uint32_t iterations, uint8_t out[SCRAM_KEY])
{
  const gnutls_datum_t key = { (unsigned char *) password, (unsigned) len };
  const gnutls_datum_t with = { (unsigned char *) salt, (unsigned) salt_len };

  return gnutls_pbkdf2 (GNUTLS_MAC_SHA256, &key, &with, iterations, out,
                        SCRAM_KEY) < 0 ? -1 : 0;
}

/* Names and passwords ----------------------------------------------------- */

static bool
is_ascii (const char *text, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if ((unsigned char) text[i] >= 0x80)
      return false;
  return true;
}

static bool
has_control (const char *text, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f)
      return true;
  return false;
}

/* Copy what fits. */
static int
put_text (const char *text, size_t len, char *out, size_t size)
{
  if (len >= size)
    return -1;
  memcpy (out, text, len);
  out[len] = '\0';
  return (int) len;
}

int
text_prepare (const char *text, size_t len, char *out, size_t size)
{
  gnutls_datum_t prepared;
  int result;

  if (has_control (text, len))
    return -1;
  if (is_ascii (text, len))
    return put_text (text, len, out, size);
  if (gnutls_utf8_password_normalize ((const unsigned char *) text,
                                      (unsigned) len, &prepared, 0) < 0)
    return -1;
  result = put_text ((char *) prepared.data, prepared.size, out, size);
  wipe (prepared.data, prepared.size);
  gnutls_free (prepared.data);
  return result;
}

/* Verifiers --------------------------------------------------------------- */

/* Keys of a password; a salt and iterations are in the verifier already. */
static int
verifier_derive (struct verifier *verifier, const char *password, size_t len)
{
  uint8_t salted[SCRAM_KEY], client_key[SCRAM_KEY];
  int result = -1;

  if (scram_salted (password, len, verifier->salt, verifier->salt_len,
                    verifier->iterations, salted) == 0
      && scram_hmac (salted, SCRAM_KEY, "Client Key", 10, client_key) == 0
      && scram_hash (client_key, SCRAM_KEY, verifier->stored_key) == 0
      && scram_hmac (salted, SCRAM_KEY, "Server Key", 10,
                     verifier->server_key) == 0)
    result = 0;
  wipe (salted, sizeof salted);
  wipe (client_key, sizeof client_key);
  return result;
}

int
verifier_make (struct verifier *verifier, const char *password, size_t len,
               uint32_t iterations)
{
  verifier->iterations = iterations;
  verifier->salt_len = SALT_LEN;
  if (scram_random (verifier->salt, SALT_LEN) == -1)
    return -1;
  return verifier_derive (verifier, password, len);
}

bool
verifier_fits (const struct verifier *verifier, const char *password,
               size_t len)
{
  struct verifier mine = *verifier;
  bool result = verifier_derive (&mine, password, len) == 0;

  result &= scram_same (mine.stored_key, verifier->stored_key, SCRAM_KEY);
  wipe (&mine, sizeof mine);
  return result;
}

void
verifier_format (const struct verifier *verifier, char *text)
{
  char salt[BASE64_LEN (SALT_MAX) + 1], stored[BASE64_LEN (SCRAM_KEY) + 1];
  char server[BASE64_LEN (SCRAM_KEY) + 1];

  base64_encode (verifier->salt, verifier->salt_len, salt);
  base64_encode (verifier->stored_key, SCRAM_KEY, stored);
  base64_encode (verifier->server_key, SCRAM_KEY, server);
  snprintf (text, VERIFIER_TEXT_MAX, SCHEME "%u:%s$%s:%s",
            verifier->iterations, salt, stored, server);
}

/* Decode up to STOP and move behind it.  Returns the bytes, or -1. */
static int
take_base64 (const char **at, char stop, uint8_t *data, size_t max)
{
  const char *end = stop ? strchr (*at, stop) : *at + strlen (*at);
  int len = end ? base64_decode (*at, end - *at, data, max) : -1;

  if (len != -1)
    *at = end + (stop ? 1 : 0);
  return len;
}

const char *
verifier_parse (struct verifier *verifier, const char *text)
{
  unsigned long iterations;
  char *end;
  int len;

  if (strncmp (text, SCHEME, strlen (SCHEME)) != 0)
    return "does not begin with " SCHEME;
  text += strlen (SCHEME);
  iterations = *text >= '1' && *text <= '9' ? strtoul (text, &end, 10) : 0;
  if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX
      || *end != ':')
    return "has not from 4096 to 1000000 iterations";
  verifier->iterations = (uint32_t) iterations;
  text = end + 1;
  len = take_base64 (&text, '$', verifier->salt, SALT_MAX);
  if (len < SALT_MIN)
    return "has no salt of 8 to 64 bytes in base64";
  verifier->salt_len = (uint32_t) len;
  if (take_base64 (&text, ':', verifier->stored_key, SCRAM_KEY) != SCRAM_KEY)
    return "has no stored key of 32 bytes in base64";
  if (take_base64 (&text, '\0', verifier->server_key, SCRAM_KEY) != SCRAM_KEY)
    return "has no server key of 32 bytes in base64";
  return NULL;
}
