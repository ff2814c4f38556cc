/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Facts in one block: a list of records, each a head of four bytes and then
 * its bytes.  Keys that the project knows take no bytes of their own.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/peer.h"

/* A block grows in steps; peer_trim gives the rest of the last one back. */
#define STEP 128

/* Position + 1 is what a head stores; 0 says that the key precedes the value.
 * In memory only: the order means nothing.
 */
static const char *const known_keys[] = {
  VIRGATE_FACT_TRANSPORT, VIRGATE_FACT_LISTENER, VIRGATE_FACT_REMOTE,
  VIRGATE_FACT_LOCAL, VIRGATE_FACT_PATH, VIRGATE_FACT_UID, VIRGATE_FACT_GID,
  VIRGATE_FACT_PID, VIRGATE_FACT_X509_DN, VIRGATE_FACT_X509_ISSUER,
  VIRGATE_FACT_X509_SAN, VIRGATE_FACT_X509_SERIAL,
  VIRGATE_FACT_X509_FINGERPRINT, VIRGATE_FACT_X509_VERDICT,
  VIRGATE_FACT_TLS_VERSION, VIRGATE_FACT_TLS_KEY_BITS, VIRGATE_FACT_SSH_USER,
  VIRGATE_FACT_SSH_KEY, VIRGATE_FACT_READ_ONLY, VIRGATE_FACT_SSH_IDENTITY,
};

struct head {
  uint16_t len;                 /* bytes that follow the head */
  uint8_t key;
  uint8_t type : 4, vouch : 4;
};

/* An address fact: this, then the numeric text with its NUL. */
struct address {
  uint16_t port;
  uint8_t len;
  uint8_t bytes[16];
};

static uint8_t
key_index (const char *key)
{
  for (size_t i = 0; i < COUNT_OF (known_keys); i++)
    if (strcmp (known_keys[i], key) == 0)
      return i + 1;
  return 0;
}

/* Room for LEN more bytes of a block, counted as used. */
static char *
block_add (char **base, uint16_t *used, uint16_t *size, size_t len)
{
  size_t want;
  char *grown;

  if (len > (size_t) PEER_MAX - *used) {
    errno = ENOMEM;
    return NULL;
  }
  if (len > (size_t) *size - *used) {
    want = MIN_OF ((*used + len + STEP - 1) / STEP * STEP, (size_t) PEER_MAX);
    grown = realloc (*base, want);
    if (grown == NULL)
      return NULL;
    *base = grown;
    *size = want;
  }
  grown = *base + *used;
  *used += len;
  return grown;
}

static void
block_trim (char **base, uint16_t used, uint16_t *size)
{
  char *trimmed;

  if (used == *size)
    return;
  if (used == 0) {
    free (steal_pointer (base));
    *size = 0;
    return;
  }
  trimmed = realloc (*base, used);
  if (trimmed) {
    *base = trimmed;
    *size = used;
  }
}

void
peer_free (struct virgate_peer *peer)
{
  free (peer->facts);
  memset (peer, 0, sizeof *peer);
}

uint64_t
peer_serial (const struct virgate_peer *peer)
{
  return peer ? peer->serial : 0;
}

void
peer_trim (struct virgate_peer *peer)
{
  block_trim (&peer->facts, peer->len, &peer->size);
}

/* Add a record of two parts. */
static int
peer_add (struct virgate_peer *peer, const char *key, int type, uint32_t vouch,
          const void *first, size_t first_len, const void *rest,
          size_t rest_len)
{
  struct head head = { .key = key_index (key), .type = type, .vouch = vouch };
  size_t key_len = head.key ? 0 : strlen (key) + 1;
  size_t len;
  char *to;

  if (key_len > PEER_MAX || rest_len > PEER_MAX) {
    errno = ENOMEM;
    return -1;
  }
  len = key_len + first_len + rest_len;
  to = block_add (&peer->facts, &peer->len, &peer->size, sizeof head + len);
  if (to == NULL)
    return -1;
  head.len = len;
  to = mempcpy (to, &head, sizeof head);
  to = mempcpy (to, key, key_len);
  to = first_len ? mempcpy (to, first, first_len) : to;
  if (rest_len)
    memcpy (to, rest, rest_len);
  return 0;
}

int
peer_string (struct virgate_peer *peer, const char *key, uint32_t vouch,
             const char *value)
{
  return peer_add (peer, key, VIRGATE_FACT_STRING, vouch, NULL, 0, value,
                   strlen (value) + 1);
}

int
peer_number (struct virgate_peer *peer, const char *key, uint32_t vouch,
             uint64_t value)
{
  return peer_add (peer, key, VIRGATE_FACT_NUMBER, vouch, &value,
                   sizeof value, NULL, 0);
}

static void
set_ipv4 (struct address *address, const void *bytes, uint16_t port)
{
  address->port = ntohs (port);
  address->len = 4;
  memcpy (address->bytes, bytes, 4);
}

/* Fill in an address; 0 when the family is another one. */
static int
address_from (struct address *address, const void *sockaddr, size_t len)
{
  const struct sockaddr *any = sockaddr;
  const struct sockaddr_in *in = sockaddr;
  const struct sockaddr_in6 *in6 = sockaddr;

  memset (address, 0, sizeof *address);
  if (len >= sizeof *in && any->sa_family == AF_INET)
    set_ipv4 (address, &in->sin_addr, in->sin_port);
  else if (len < sizeof *in6 || any->sa_family != AF_INET6)
    return 0;
  else if (IN6_IS_ADDR_V4MAPPED (&in6->sin6_addr))
    set_ipv4 (address, in6->sin6_addr.s6_addr + 12, in6->sin6_port);
  else {
    address->port = ntohs (in6->sin6_port);
    address->len = 16;
    memcpy (address->bytes, &in6->sin6_addr, 16);
  }
  return 1;
}

int
peer_address (struct virgate_peer *peer, const char *key, uint32_t vouch,
              const void *sockaddr, size_t len)
{
  char text[INET6_ADDRSTRLEN];
  struct address address;

  if (!address_from (&address, sockaddr, len))
    return 0;
  inet_ntop (address.len == 4 ? AF_INET : AF_INET6, address.bytes, text,
             sizeof text);
  return peer_add (peer, key, VIRGATE_FACT_ADDRESS, vouch, &address,
                   sizeof address, text, strlen (text) + 1);
}

/* Fill in a fact from the record at data. */
static void
fact_from (struct virgate_fact *fact, const struct head *head,
           const char *data)
{
  struct address address;

  *fact = (struct virgate_fact) { .type = head->type, .vouch = head->vouch };
  fact->key = head->key ? known_keys[head->key - 1] : data;
  data += head->key ? 0 : strlen (data) + 1;
  if (fact->type == VIRGATE_FACT_STRING)
    fact->str = data;
  else if (fact->type == VIRGATE_FACT_NUMBER)
    memcpy (&fact->num, data, sizeof fact->num);
  else {
    memcpy (&address, data, sizeof address);
    fact->num = address.port;
    fact->addr = (const uint8_t *) data + offsetof (struct address, bytes);
    fact->addr_len = address.len;
    fact->str = data + sizeof address;
  }
}

int
peer_get (const struct virgate_peer *peer, const char *key, uint32_t n,
          struct virgate_fact *fact)
{
  uint8_t index = key ? key_index (key) : 0;
  struct head head;

  for (size_t at = 0; at < peer->len; at += sizeof head + head.len) {
    const char *data = peer->facts + at + sizeof head;

    memcpy (&head, peer->facts + at, sizeof head);
    if (key && head.key != index)
      continue;
    if (key && index == 0 && strcmp (data, key) != 0)
      continue;
    if (n-- > 0)
      continue;
    fact_from (fact, &head, data);
    return 1;
  }
  return 0;
}

void
peer_describe (const struct virgate_peer *peer, char *text, size_t size)
{
  struct virgate_fact fact, pid;

  if (peer_get (peer, VIRGATE_FACT_REMOTE, 0, &fact))
    snprintf (text, size, fact.addr_len == 4 ? "%s:%" PRIu64
                                             : "[%s]:%" PRIu64,
              fact.str, fact.num);
  else if (!peer_get (peer, VIRGATE_FACT_UID, 0, &fact))
    snprintf (text, size, "an unknown peer");
  else if (peer_get (peer, VIRGATE_FACT_PID, 0, &pid))
    snprintf (text, size, "uid %" PRIu64 " pid %" PRIu64, fact.num, pid.num);
  else
    snprintf (text, size, "uid %" PRIu64, fact.num);
}

/* Identity: a kind, a vouch byte and a string for each entry. -------------- */

#define ENTRY_HEAD 2

void
identity_free (struct virgate_identity *identity)
{
  free (identity->entries);
  memset (identity, 0, sizeof *identity);
}

void
identity_trim (struct virgate_identity *identity)
{
  block_trim (&identity->entries, identity->len, &identity->size);
}

void
identity_rewind (struct virgate_identity *identity, uint16_t len)
{
  identity->len = MIN_OF (len, identity->len);
}

static int
identity_add (struct virgate_identity *identity, uint32_t kind,
              uint32_t vouch, const char *value)
{
  size_t len = strlen (value) + 1;
  char *to;

  if (len > PEER_MAX) {
    errno = ENOMEM;
    return -1;
  }
  to = block_add (&identity->entries, &identity->len, &identity->size,
                  ENTRY_HEAD + len);
  if (to == NULL)
    return -1;
  to[0] = kind;
  to[1] = vouch;
  memcpy (to + ENTRY_HEAD, value, len);
  return 0;
}

/* The n-th value of a kind of entry; the last one for UINT32_MAX. */
static const char *
identity_find (const struct virgate_identity *identity, uint32_t kind,
               uint32_t n)
{
  const char *last = NULL;
  size_t at = 0;

  while (at < identity->len) {
    const char *head = identity->entries + at;

    at += ENTRY_HEAD + strlen (head + ENTRY_HEAD) + 1;
    if (head[0] != (char) kind)
      continue;
    last = head + ENTRY_HEAD;
    if (n != UINT32_MAX && n-- == 0)
      return last;
  }
  return n == UINT32_MAX ? last : NULL;
}

int
identity_name (struct virgate_identity *identity, const char *name,
               uint32_t vouch)
{
  return identity_add (identity, VIRGATE_IDENTITY_NAME, vouch, name);
}

int
identity_group (struct virgate_identity *identity, const char *group,
                uint32_t vouch)
{
  return identity_add (identity, VIRGATE_IDENTITY_GROUP, vouch, group);
}

int
identity_method (struct virgate_identity *identity, const char *method)
{
  return identity_add (identity, VIRGATE_IDENTITY_METHOD, 0, method);
}

const char *
identity_get_name (const struct virgate_identity *identity)
{
  return identity_find (identity, VIRGATE_IDENTITY_NAME, UINT32_MAX);
}

const char *
identity_get_method (const struct virgate_identity *identity, uint32_t n)
{
  return n == UINT32_MAX
         ? NULL : identity_find (identity, VIRGATE_IDENTITY_METHOD, n);
}

const char *
identity_get_group (const struct virgate_identity *identity, uint32_t n)
{
  return n == UINT32_MAX
         ? NULL : identity_find (identity, VIRGATE_IDENTITY_GROUP, n);
}

int
identity_get (const struct virgate_identity *identity, uint32_t kind,
              uint32_t n, struct virgate_identity_entry *entry)
{
  const char *value = n == UINT32_MAX ? NULL
                                      : identity_find (identity, kind, n);

  if (value == NULL)
    return 0;
  entry->value = value;
  entry->vouch = (uint8_t) value[-1];
  return 1;
}

static const char *
vouch_name (uint32_t vouch)
{
  static const char *const names[] = {
    [VIRGATE_VOUCH_KERNEL] = "the kernel",
    [VIRGATE_VOUCH_CERTIFICATE] = "a certificate",
    [VIRGATE_VOUCH_EXCHANGE] = "an exchange",
    [VIRGATE_VOUCH_CLAIM] = "its own word",
  };

  return vouch < COUNT_OF (names) && names[vouch] ? names[vouch] : "nobody";
}

static void add_text (char *text, size_t size, const char *fmt, ...)
  __attribute__ ((format (printf, 3, 4)));

static void
add_text (char *text, size_t size, const char *fmt, ...)
{
  size_t used = strlen (text);
  va_list args;

  va_start (args, fmt);
  vsnprintf (text + used, size - used, fmt, args);
  va_end (args);
}

void
identity_describe (const struct virgate_identity *identity, char *text,
                   size_t size)
{
  struct virgate_identity_entry entry, name = { NULL, 0 };
  uint32_t n;

  *text = '\0';
  for (n = 0; identity_get (identity, VIRGATE_IDENTITY_NAME, n, &name); n++)
    ;
  if (name.value)
    add_text (text, size, "%s (%s)", name.value, vouch_name (name.vouch));
  else
    add_text (text, size, "nobody");
  for (n = 0; identity_get (identity, VIRGATE_IDENTITY_METHOD, n, &entry); n++)
    add_text (text, size, "%s%s", n == 0 ? ", by " : "+", entry.value);
  for (n = 0; identity_get (identity, VIRGATE_IDENTITY_GROUP, n, &entry); n++)
    add_text (text, size, "%s%s (%s)", n == 0 ? ", of " : ", ", entry.value,
              vouch_name (entry.vouch));
}
