/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of known host keys, sshd(8)'s format: looking a host up, and adding
 * one.  Nothing here needs libssh2: whether a hashed name is the one that is
 * looked for is the caller's to find out.
 */
#ifndef VIRGATE_TRANSPORT_SSH_KNOWN_H
#define VIRGATE_TRANSPORT_SSH_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KNOWN_FILE_MAX (16 * 1024 * 1024)
#define KNOWN_PLACE_MAX 300     /* "file:line" */

/* Kinds of keys; a set of them has a bit for each. */
enum known_type {
  KNOWN_ED25519, KNOWN_ECDSA_256, KNOWN_ECDSA_384, KNOWN_ECDSA_521, KNOWN_RSA,
  KNOWN_DSA, KNOWN_TYPES
};
extern const char *const known_type_name[KNOWN_TYPES];

/* Is a hashed name ("|1|salt|hash") that of this host? */
typedef bool known_hashed_fn (void *opaque, const char *field, size_t len,
                              const char *name);

struct known_query {
  const char *name;             /* "host" or "[host]:port" */
  const char *type;             /* of the host's key; NULL: not seen yet */
  const char *key;              /* in base64 */
  known_hashed_fn *hashed;
  void *opaque;
};

/* What was found, in all files together. */
struct known_found {
  unsigned types;               /* which the host is known by */
  bool matches;                 /* one is its key */
  bool is_revoked;
  bool has_authority;           /* somebody may vouch for it instead */
  char same_type[KNOWN_PLACE_MAX]; /* a different key of its type; "" */
  char revoked[KNOWN_PLACE_MAX];
};

/* Look into text, or a file; a file that is not there has nothing.  Returns
 * 0, or -1 with errno.
 */
void known_look (struct known_found *found, const struct known_query *query,
                 const char *text, size_t len, const char *file);
int known_look_file (struct known_found *found,
                     const struct known_query *query, const char *file);

/* Add a line; makes the file, and the folder that it is in.  Returns 0, or -1
 * with errno.
 */
int known_add (const char *file, const char *name, const char *type,
               const char *key);

/* base64.c ----------------------------------------------------------------*/

#define BASE64_LEN(len) (((len) + 2) / 3 * 4 + 1)

void base64_encode (const void *data, size_t len, char *text, bool padded);

/* Decode as much as there is, blanks skipped, up to max bytes.  Returns how
 * many.
 */
size_t base64_decode (const char *text, size_t len, uint8_t *out, size_t max);

#endif /* VIRGATE_TRANSPORT_SSH_KNOWN_H */
