/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a private key's file shows without its passphrase.
 */
#ifndef VIRGATE_TRANSPORT_SSH_KEYFILE_H
#define VIRGATE_TRANSPORT_SSH_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYFILE_BLOB_MAX 4096

struct keyfile {
  const char *path;             /* borrowed */
  bool is_encrypted;
  char type[64];                /* "ssh-ed25519"; "": the file does not say */
  uint8_t blob[KEYFILE_BLOB_MAX];       /* the public key */
  size_t blob_len;              /* 0: not known */
};

/* Look at a file.  Returns 0; 1 when there is none; -1 with why filled in. */
int keyfile_read (struct keyfile *key, const char *path, char *why,
                  size_t size);

/* The same from the text of a private key. */
void keyfile_parse (struct keyfile *key, const char *text, size_t len);

/* The type that a public key begins with; "" when it is none. */
void keyfile_blob_type (const uint8_t *blob, size_t len, char *type,
                        size_t size);

#endif /* VIRGATE_TRANSPORT_SSH_KEYFILE_H */
