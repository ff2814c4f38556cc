/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SCRAM-SHA-256, the client's side (RFC 5802, RFC 7677).  The server has to
 * prove that it knows the password's verifier, too.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "base64.h"
#include "password.h"

/* What a server may have us compute: some seconds. */
#define COUNT_MAX 4000000

/* Bytes of salt that are taken. */
#define SALT_TAKEN_MAX 1024

/* We know no channel binding. */
#define HEADER "n,,"
#define BINDING "biws"

struct scram_client {
  struct talk talk;
  enum { CHALLENGE, SIGNATURE, DONE } awaits;
  char secret[PASSWORD_MAX + 1];
  char nonce[SCRAM_NONCE_LEN + 1];
  uint8_t signature[SCRAM_KEY]; /* the server's, as it must be */
  char *first;                  /* our first message */
  struct buf out;               /* our final one */
};

/* What a server's first message consists of. */
struct challenge {
  struct piece nonce, salt, count;
};

/* Keys that come from the password. */
struct keys {
  uint8_t client_key[SCRAM_KEY], stored_key[SCRAM_KEY];
  uint8_t server_key[SCRAM_KEY];
};

static int
no_memory (const struct scram_client *c)
{
  return password_error (c->talk.p, "out of memory");
}

/* Words of the server, for messages. */
static int
server_failed (const struct scram_client *c, const struct piece *words)
{
  char text[64];
  size_t len = MIN_OF (words->len, sizeof text - 1);

  for (size_t i = 0; i < len; i++)
    text[i] = words->at[i] >= 0x20 && words->at[i] < 0x7f ? words->at[i]
                                                          : '?';
  text[len] = '\0';
  return password_error (c->talk.p, "the server says '%s'", text);
}

/* The challenge ------------------------------------------------------------ */

static bool
read_challenge (const struct virgate_auth_data *in,
                struct challenge *challenge)
{
  struct piece left = { in->data, in->len };

  return scram_take (&left, 'r', &challenge->nonce)
         && scram_take (&left, 's', &challenge->salt)
         && scram_take (&left, 'i', &challenge->count)
         && scram_skip (&left, '\0');
}

/* Ours with the server's behind it. */
static bool
is_our_nonce (const struct scram_client *c, const struct piece *nonce)
{
  size_t len = strlen (c->nonce);

  return scram_is_nonce (nonce) && nonce->len > len
         && memcmp (nonce->at, c->nonce, len) == 0;
}

/* Digits; 0 when it is none, or too large to matter. */
static uint32_t
read_count (const struct piece *count)
{
  uint32_t value = 0;

  if (count->len == 0 || count->len > 9 || *count->at == '0')
    return 0;
  for (size_t i = 0; i < count->len; i++) {
    if (count->at[i] < '0' || count->at[i] > '9')
      return 0;
    value = value * 10 + (uint32_t) (count->at[i] - '0');
  }
  return value;
}

static int
derive (struct scram_client *c, const struct challenge *challenge,
        uint32_t count, struct keys *keys)
{
  uint8_t salt[SALT_TAKEN_MAX], salted[SCRAM_KEY];
  int len = base64_decode (challenge->salt.at, challenge->salt.len, salt,
                           sizeof salt);
  int result = 0;

  if (len <= 0)
    return password_error (c->talk.p, "the server sends no proper salt");
  if (scram_salted (c->secret, strlen (c->secret), salt, len, count, salted)
        == -1
      || scram_hmac (salted, SCRAM_KEY, "Client Key", 10, keys->client_key)
        == -1
      || scram_hash (keys->client_key, SCRAM_KEY, keys->stored_key) == -1
      || scram_hmac (salted, SCRAM_KEY, "Server Key", 10, keys->server_key)
        == -1)
    result = password_error (c->talk.p, "GnuTLS cannot do SHA-256");
  wipe (salted, sizeof salted);
  wipe (c->secret, sizeof c->secret);
  return result;
}

/* AuthMessage, up to the final message. */
static int
transcribe (const struct scram_client *c, const struct virgate_auth_data *in,
            struct buf *transcript)
{
  const char *bare = c->first + strlen (HEADER);

  if (buf_append (transcript, bare, strlen (bare)) == -1
      || buf_append (transcript, ",", 1) == -1
      || buf_append (transcript, in->data, in->len) == -1
      || buf_append (transcript, ",", 1) == -1)
    return -1;
  return 0;
}

/* c=BINDING,r=NONCE: what is proven and signed ends here. */
static int
put_final (struct scram_client *c, const struct challenge *challenge)
{
  if (buf_append (&c->out, "c=" BINDING ",r=", strlen ("c=" BINDING ",r="))
        == -1
      || buf_append (&c->out, challenge->nonce.at, challenge->nonce.len)
        == -1)
    return -1;
  return 0;
}

static int
put_proof (struct scram_client *c, const struct keys *keys,
           const struct buf *transcript)
{
  char text[BASE64_LEN (SCRAM_KEY) + 1];
  uint8_t proof[SCRAM_KEY];

  if (scram_hmac (keys->stored_key, SCRAM_KEY, buf_data (transcript),
                  buf_len (transcript), proof) == -1
      || scram_hmac (keys->server_key, SCRAM_KEY, buf_data (transcript),
                     buf_len (transcript), c->signature) == -1)
    return -1;
  for (size_t i = 0; i < SCRAM_KEY; i++)
    proof[i] ^= keys->client_key[i];
  base64_encode (proof, SCRAM_KEY, text);
  if (buf_append (&c->out, ",p=", 3) == -1)
    return -1;
  return buf_append (&c->out, text, strlen (text));
}

static int
prove (struct scram_client *c, const struct virgate_auth_data *in,
       const struct challenge *challenge, const struct keys *keys,
       struct virgate_auth_data *out)
{
  CLEANUP (buf_free) struct buf transcript = BUF_INIT;

  if (transcribe (c, in, &transcript) == -1
      || put_final (c, challenge) == -1
      || buf_append (&transcript, buf_data (&c->out), buf_len (&c->out)) == -1
      || put_proof (c, keys, &transcript) == -1)
    return no_memory (c);
  *out = (struct virgate_auth_data) { buf_data (&c->out),
                                      buf_len (&c->out) };
  c->awaits = SIGNATURE;
  return VIRGATE_AUTH_MORE;
}

static int
answer (struct scram_client *c, const struct virgate_auth_data *in,
        struct virgate_auth_data *out)
{
  const struct password *p = c->talk.p;
  struct challenge challenge;
  struct keys keys;
  uint32_t count;
  int result;

  if (!read_challenge (in, &challenge))
    return password_error (p, "the server's challenge is not one that is "
                           "understood here");
  if (!is_our_nonce (c, &challenge.nonce))
    return password_error (p, "the server's challenge is not for us");
  count = read_count (&challenge.count);
  if (count < ITERATIONS_MIN || count > COUNT_MAX)
    return password_error (p, "the server asks for %.*s iterations; from %d "
                           "to %d are safe", (int) MIN_OF
                           (challenge.count.len, (size_t) 20),
                           challenge.count.at, ITERATIONS_MIN, COUNT_MAX);
  result = derive (c, &challenge, count, &keys);
  if (result == 0)
    result = prove (c, in, &challenge, &keys, out);
  wipe (&keys, sizeof keys);
  return result;
}

/* The end ------------------------------------------------------------------ */

static int
verify (struct scram_client *c, const struct virgate_auth_data *in)
{
  const struct password *p = c->talk.p;
  struct piece left = { in->data, in->len }, value;
  uint8_t signature[SCRAM_KEY];

  if (scram_take (&left, 'e', &value))
    return server_failed (c, &value);
  if (!scram_take (&left, 'v', &value) || !scram_skip (&left, '\0')
      || base64_decode (value.at, value.len, signature, SCRAM_KEY)
         != SCRAM_KEY
      || !scram_same (signature, c->signature, SCRAM_KEY))
    return password_error (p, "the server does not know the password: it is "
                           "not the one it claims to be");
  c->awaits = DONE;
  return VIRGATE_AUTH_YES;
}

static int
client_step (struct talk *talk, const struct virgate_auth_data *in,
             struct virgate_auth_data *out, struct virgate_identity *identity)
{
  struct scram_client *c = container_of (talk, struct scram_client, talk);
  struct virgate_auth_data said = *in;

  if (said.data == NULL)
    said = (struct virgate_auth_data) { "", 0 };
  if (said.len > SCRAM_MESSAGE_MAX)
    return password_error (talk->p, "the server's message is too long");
  if (c->awaits == CHALLENGE)
    return answer (c, &said, out);
  if (c->awaits == SIGNATURE)
    return verify (c, &said);
  return password_error (talk->p, "the server goes on after the end");
}

static void
client_free (struct talk *talk)
{
  struct scram_client *c = container_of (talk, struct scram_client, talk);

  free (c->first);
  buf_free (&c->out);
  wipe (c->secret, sizeof c->secret);
  wipe (c->signature, sizeof c->signature);
  free (c);
}

static const struct talk_kind client_kind = { client_step, client_free };

/* n=NAME,r=NONCE behind the header. */
static int
client_begin (struct scram_client *c, const char *name, const char *secret)
{
  char prepared[USER_NAME_MAX + 1];
  CLEANUP_FREE char *escaped = NULL;

  if (text_prepare (secret, strlen (secret), c->secret, sizeof c->secret)
      == -1)
    return password_error (c->talk.p, "the password is longer than %d bytes, "
                           "not UTF-8, or has control characters in it",
                           PASSWORD_MAX);
  if (text_prepare (name, strlen (name), prepared, sizeof prepared) <= 0)
    return password_error (c->talk.p, "the user's name is empty, longer than "
                           "%d bytes, not UTF-8, or has control characters "
                           "in it", USER_NAME_MAX);
  escaped = scram_escape (prepared);
  if (escaped == NULL || scram_nonce (c->nonce) == -1
      || asprintf (&c->first, HEADER "n=%s,r=%s", escaped, c->nonce) == -1) {
    c->first = NULL;
    return no_memory (c);
  }
  return 0;
}

struct talk *
scram_client_new (const struct password *p, const char *name,
                  const char *secret, struct virgate_auth_data *first)
{
  struct scram_client *c = calloc (1, sizeof *c);

  if (c == NULL) {
    password_error (p, "out of memory");
    return NULL;
  }
  c->talk = (struct talk) { &client_kind, p, true };
  if (client_begin (c, name, secret) == -1) {
    client_free (&c->talk);
    return NULL;
  }
  *first = (struct virgate_auth_data) { c->first, strlen (c->first) };
  return &c->talk;
}
