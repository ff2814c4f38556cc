/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is kept instead of a password: the verifier of SCRAM-SHA-256 (RFC 5802,
 * RFC 7677), and how it is made, written and compared.  The command that edits
 * the file uses it as well as the module.
 */
#ifndef VIRGATE_AUTH_PASSWORD_VERIFIER_H
#define VIRGATE_AUTH_PASSWORD_VERIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of SHA-256. */
#define SCRAM_KEY 32

#define SALT_LEN 16             /* of new verifiers */
#define SALT_MIN 8
#define SALT_MAX 64

/* RFC 7677's least; what one login by PLAIN may cost; what stock clients take
 * at most (Cyrus SASL 2.1 refuses more); and for new verifiers.
 */
#define ITERATIONS_MIN 4096
#define ITERATIONS_MAX 1000000
#define ITERATIONS_STOCK 65536
#define ITERATIONS_DEFAULT 32768

/* Bytes of a password; the protocol would allow more. */
#define PASSWORD_MAX 1024

struct verifier {
  uint32_t iterations;
  uint32_t salt_len;
  uint8_t salt[SALT_MAX];
  uint8_t stored_key[SCRAM_KEY];
  uint8_t server_key[SCRAM_KEY];
};

/* "SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY", as RFC 5803 and
 * PostgreSQL write it; bytes with the NUL.
 */
#define VERIFIER_TEXT_MAX 256

/* A new verifier with a salt of its own. */
int verifier_make (struct verifier *verifier, const char *password,
                   size_t len, uint32_t iterations);

/* Does the password belong to it?  Costs the same in any case. */
bool verifier_fits (const struct verifier *verifier, const char *password,
                    size_t len);

void verifier_format (const struct verifier *verifier, char *text);

/* Read it; text ends in NUL.  Returns NULL, or what is wrong with it. */
const char *verifier_parse (struct verifier *verifier, const char *text);

/* Bring a name or password into the form in which it is hashed and compared
 * (RFC 8265's OpaqueString: other spaces become plain ones, composed
 * characters; control characters are refused).  Returns its length, or -1: not
 * UTF-8, or with characters that are not allowed, or longer than size - 1.
 */
int text_prepare (const char *text, size_t len, char *out, size_t size);

/* Cryptography, by GnuTLS.  Return 0 or -1. */
int scram_hmac (const uint8_t *key, size_t key_len, const void *data,
                size_t len, uint8_t out[SCRAM_KEY]);
int scram_hash (const void *data, size_t len, uint8_t out[SCRAM_KEY]);
int scram_random (void *data, size_t len);
bool scram_same (const void *a, const void *b, size_t len);

/* SaltedPassword. */
int scram_salted (const char *password, size_t len, const uint8_t *salt,
                  size_t salt_len, uint32_t iterations,
                  uint8_t out[SCRAM_KEY]);

#endif /* VIRGATE_AUTH_PASSWORD_VERIFIER_H */
