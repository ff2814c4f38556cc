/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SHA-256 and base64, so that the helper needs no library: it is started for
 * each connection, and on hosts that have little else.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "fingerprint.h"

/* SHA-256 ------------------------------------------------------------------ */

#define BLOCK 64

static const uint32_t constants[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
  0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
  0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
  0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t
rotate (uint32_t word, int bits)
{
  return word >> bits | word << (32 - bits);
}

/* The sixteen words of a block, and the 48 that follow from them. */
static void
schedule (const uint8_t *block, uint32_t w[64])
{
  for (int i = 0; i < 16; i++, block += 4)
    w[i] = (uint32_t) block[0] << 24 | block[1] << 16 | block[2] << 8
           | block[3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];

    w[i] = w[i - 16] + (rotate (a, 7) ^ rotate (a, 18) ^ a >> 3)
           + w[i - 7] + (rotate (b, 17) ^ rotate (b, 19) ^ b >> 10);
  }
}

static void
compress (uint32_t state[8], const uint8_t *block)
{
  uint32_t w[64], s[8];

  schedule (block, w);
  memcpy (s, state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t e = s[4], a = s[0];
    uint32_t t1 = s[7] + (rotate (e, 6) ^ rotate (e, 11) ^ rotate (e, 25))
                  + ((e & s[5]) ^ (~e & s[6])) + constants[i] + w[i];
    uint32_t t2 = (rotate (a, 2) ^ rotate (a, 13) ^ rotate (a, 22))
                  + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

    memmove (s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++)
    state[i] += s[i];
}

/* What is left of the data, a bit, zeros, and how many bits there were. */
static void
finish (uint32_t state[8], const uint8_t *rest, size_t rest_len,
        uint64_t bytes)
{
  uint8_t last[2 * BLOCK] = { 0 };
  size_t size = rest_len + 9 > BLOCK ? 2 * BLOCK : BLOCK;

  if (rest_len)
    memcpy (last, rest, rest_len);
  last[rest_len] = 0x80;
  for (int i = 0; i < 8; i++)
    last[size - 1 - i] = bytes * 8 >> 8 * i;
  for (size_t at = 0; at < size; at += BLOCK)
    compress (state, last + at);
}

void
sha256 (const uint8_t *data, size_t len, uint8_t out[32])
{
  uint32_t state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  };
  size_t at = 0;

  for (; len - at >= BLOCK; at += BLOCK)
    compress (state, data + at);
  finish (state, data + at, len - at, len);
  for (int i = 0; i < 32; i++)
    out[i] = state[i / 4] >> 8 * (3 - i % 4);
}

/* Base64 ------------------------------------------------------------------- */

static const char letters[] =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Returns how many bytes, or -1. */
static ssize_t
decode (const char *text, size_t len, uint8_t *out)
{
  uint32_t bits = 0;
  size_t count = 0;

  while (len > 0 && text[len - 1] == '=')
    len--;
  for (size_t i = 0; i < len; i++) {
    const char *letter = text[i] ? strchr (letters, text[i]) : NULL;

    if (letter == NULL)
      return -1;
    bits = bits << 6 | (uint32_t) (letter - letters);
    if (i % 4 > 0)
      out[count++] = bits >> (6 - 2 * (i % 4));
  }
  return count;
}

/* Without padding, as ssh-keygen prints it. */
static void
encode (const uint8_t *data, size_t len, char *out)
{
  for (size_t bit = 0; bit < len * 8; bit += 6) {
    size_t i = bit / 8;
    unsigned both = data[i] << 8 | (i + 1 < len ? data[i + 1] : 0);

    *out++ = letters[both >> (10 - bit % 8) & 63];
  }
  *out = '\0';
}

int
fingerprint (const char *base64, size_t len, char out[FINGERPRINT_MAX])
{
  uint8_t *data = malloc (len + 1);
  uint8_t sum[32];
  ssize_t count = data ? decode (base64, len, data) : -1;

  if (count > 0) {
    sha256 (data, count, sum);
    encode (sum, sizeof sum, stpcpy (out, "SHA256:"));
  }
  free (data);
  return count > 0 ? 0 : -1;
}
