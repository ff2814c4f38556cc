/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The objects behind virgate/peer.h: facts about a peer, and the identity
 * made of them.  Both are one compact block of memory, because every idle
 * connection carries them.  Not locked: written before a connection is
 * served, read-only afterwards.
 */
#ifndef VIRGATE_CORE_PEER_H
#define VIRGATE_CORE_PEER_H

#include <stddef.h>
#include <stdint.h>

#include <virgate/peer.h>

/* What one peer's facts, or one identity, may take: bytes. */
#define PEER_MAX 16384

struct virgate_peer {
  char *facts;
  uint16_t len, size;           /* bytes used and allocated */
  uint64_t serial;              /* of the connection; 0: none */
};

struct virgate_identity {
  char *entries;
  uint16_t len, size;
};

/* Both start zeroed.  free leaves them empty; trim gives back what was
 * reserved in advance, once nothing more will be added.
 */
void peer_free (struct virgate_peer *peer);
void peer_trim (struct virgate_peer *peer);

/* As in host.h. */
int peer_string (struct virgate_peer *peer, const char *key, uint32_t vouch,
                 const char *value);
int peer_number (struct virgate_peer *peer, const char *key, uint32_t vouch,
                 uint64_t value);
int peer_address (struct virgate_peer *peer, const char *key, uint32_t vouch,
                  const void *sockaddr, size_t len);
uint64_t peer_serial (const struct virgate_peer *peer);
int peer_get (const struct virgate_peer *peer, const char *key, uint32_t n,
              struct virgate_fact *fact);

/* For log lines: "192.0.2.1:4711", "uid 1000 pid 42", "an unknown peer". */
void peer_describe (const struct virgate_peer *peer, char *text, size_t size);

void identity_free (struct virgate_identity *identity);
void identity_trim (struct virgate_identity *identity);

/* As in host.h; a later name replaces an earlier one. */
int identity_name (struct virgate_identity *identity, const char *name,
                   uint32_t vouch);
int identity_group (struct virgate_identity *identity, const char *group,
                    uint32_t vouch);
const char *identity_get_name (const struct virgate_identity *identity);
const char *identity_get_method (const struct virgate_identity *identity,
                                 uint32_t n);
const char *identity_get_group (const struct virgate_identity *identity,
                                uint32_t n);

int identity_get (const struct virgate_identity *identity, uint32_t kind,
                  uint32_t n, struct virgate_identity_entry *entry);

/* For log lines: "joe (an exchange), by x509+password, of admins (the
 * kernel)".  What does not fit is left out.
 */
#define IDENTITY_TEXT_MAX 512
void identity_describe (const struct virgate_identity *identity, char *text,
                        size_t size);

/* The engine's part: an auth section said yes.  0, or -1 with ENOMEM. */
int identity_method (struct virgate_identity *identity, const char *method);

/* Take back what was added since LEN bytes were used (a chain that failed
 * half way): pass the old identity->len.
 */
void identity_rewind (struct virgate_identity *identity, uint16_t len);

#endif /* VIRGATE_CORE_PEER_H */
