/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Base64 (RFC 4648) as SCRAM wants it: no blanks, padding where it belongs,
 * and one way only to write any bytes.
 */
#ifndef VIRGATE_AUTH_PASSWORD_BASE64_H
#define VIRGATE_AUTH_PASSWORD_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Characters for LEN bytes, without the NUL. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* text has room for BASE64_LEN (len) + 1. */
void base64_encode (const void *data, size_t len, char *text);

/* Decode LEN characters into at most MAX bytes.  Returns how many they are, or
 * -1 when it is not base64, or more than MAX.
 */
int base64_decode (const char *text, size_t len, uint8_t *data, size_t max);

#endif /* VIRGATE_AUTH_PASSWORD_BASE64_H */
