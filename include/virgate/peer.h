/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of the other end of a connection, and who it turned out to
 * be.  Transports state facts, each with who vouches for it; auth modules
 * make an identity of them; access control decides from both.  Both objects
 * are opaque and read and written through the host's table (host.h).
 */
#ifndef VIRGATE_PEER_H
#define VIRGATE_PEER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct virgate_peer;
struct virgate_identity;

/* Who says so, best first. */
enum virgate_vouch {
  VIRGATE_VOUCH_KERNEL = 1,     /* socket addresses, SO_PEERCRED */
  VIRGATE_VOUCH_CERTIFICATE = 2, /* a certificate that was verified */
  VIRGATE_VOUCH_EXCHANGE = 3,   /* a verified exchange: password, ticket, key */
  VIRGATE_VOUCH_CLAIM = 4       /* the peer's own word, or a relay's */
};

enum virgate_fact_type {
  VIRGATE_FACT_STRING = 1,      /* str */
  VIRGATE_FACT_NUMBER = 2,      /* num */
  VIRGATE_FACT_ADDRESS = 3      /* str: numeric address; num: port; addr and
                                   addr_len: 4 or 16 bytes, an IPv4-mapped
                                   one given as 4 */
};

struct virgate_fact {
  const char *key;
  uint32_t type;                /* enum virgate_fact_type */
  uint32_t vouch;               /* enum virgate_vouch */
  const char *str;
  uint64_t num;
  const uint8_t *addr;
  uint32_t addr_len;
};

/* What an identity consists of. */
enum virgate_identity_kind {
  VIRGATE_IDENTITY_NAME = 1,
  VIRGATE_IDENTITY_METHOD = 2,  /* of auth sections that said yes, in order */
  VIRGATE_IDENTITY_GROUP = 3
};

struct virgate_identity_entry {
  const char *value;
  uint32_t vouch;               /* enum virgate_vouch; 0 for methods */
};

/* Keys that the project's own transports use.  A key may occur more than
 * once (a certificate has several names); modules may add keys of their own,
 * prefixed with the module's name and a dot.
 */
#define VIRGATE_FACT_TRANSPORT "transport"       /* string: "unix", "tls" */
#define VIRGATE_FACT_LISTENER "listener"         /* string: section's name */
#define VIRGATE_FACT_READ_ONLY "read-only"       /* 1, of a listener that is,
                                                    or of a peer that is to do
                                                    no more, by any word */
#define VIRGATE_FACT_REMOTE "address"            /* address of the peer */
#define VIRGATE_FACT_LOCAL "local-address"       /* address on this side */
#define VIRGATE_FACT_PATH "path"                 /* Unix socket's path */
#define VIRGATE_FACT_UID "uid"
#define VIRGATE_FACT_GID "gid"                  /* the first is the main one */
#define VIRGATE_FACT_PID "pid"
#define VIRGATE_FACT_X509_DN "x509-dn"           /* RFC 4514 */
#define VIRGATE_FACT_X509_ISSUER "x509-issuer"   /* RFC 4514 */
#define VIRGATE_FACT_X509_SAN "x509-san"         /* "DNS:x", "IP:y" */
#define VIRGATE_FACT_X509_SERIAL "x509-serial"   /* hexadecimal */
#define VIRGATE_FACT_X509_FINGERPRINT "x509-fingerprint" /* SHA-256, hex */
#define VIRGATE_FACT_X509_VERDICT "x509-verdict" /* why a certificate failed */
#define VIRGATE_FACT_TLS_VERSION "tls-version"
#define VIRGATE_FACT_TLS_KEY_BITS "tls-key-bits"
#define VIRGATE_FACT_SSH_USER "ssh-user"
#define VIRGATE_FACT_SSH_KEY "ssh-key"           /* SHA256:... */
#define VIRGATE_FACT_SSH_IDENTITY "ssh-identity" /* the name that sshd's
                                                    configuration gives a key */

#ifdef __cplusplus
}
#endif

#endif /* VIRGATE_PEER_H */
