/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The fingerprint of a public key, as ssh-keygen -l prints it.
 */
#ifndef VIRGATE_TRANSPORT_SSH_FINGERPRINT_H
#define VIRGATE_TRANSPORT_SSH_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

/* "SHA256:", 43 letters, NUL. */
#define FINGERPRINT_MAX 51

/* Of the key in its base64 form, LEN characters.  0, or -1: no base64. */
int fingerprint (const char *base64, size_t len, char out[FINGERPRINT_MAX]);

/* FIPS 180-4. */
void sha256 (const uint8_t *data, size_t len, uint8_t out[32]);

#endif /* VIRGATE_TRANSPORT_SSH_FINGERPRINT_H */
