/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SCRAM-SHA-256, the server's side (RFC 5802, RFC 7677).  A name that is not
 * in the file gets the same messages and the same work as one that is, and so
 * does whatever is wrong with a proof.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "base64.h"
#include "password.h"

struct scram_server {
  struct talk talk;
  struct users *users;          /* the file as it was at the beginning */
  bool has_begun;               /* the challenge is out */
  bool is_there;                /* the user */
  struct user user;
  char name[USER_NAME_MAX + 1];
  char nonce[SCRAM_NONCE_MAX + SCRAM_NONCE_LEN + 1];
  char *binding;                /* what the client must repeat as "c=" */
  struct buf transcript;        /* AuthMessage, as far as it goes */
  char out[SCRAM_NONCE_MAX + SCRAM_NONCE_LEN + 128];
};

/* What a client's first message consists of. */
struct first {
  struct piece header, authzid, bare, name, nonce;
};

/* What its final one does. */
struct final {
  struct piece binding, nonce, bare, proof;
};

/* The first message -------------------------------------------------------- */

/* "n,," or "y,a=NAME,": whether it knows channel binding, which is not on
 * offer; and whom it wants to act for.  NULL, or what is wrong.
 */
static const char *
read_header (struct piece *left, struct first *first)
{
  const char *begin = left->at;

  first->authzid = (struct piece) { "", 0 };
  if (left->len > 0 && *begin == 'p')
    return "it wants channel binding, which was not offered";
  if (left->len < 3 || (*begin != 'n' && *begin != 'y') || begin[1] != ',')
    return "its first message is not SCRAM's";
  left->at += 2;
  left->len -= 2;
  if (*left->at == ',') {
    left->at++;
    left->len--;
  }
  else if (!scram_take (left, 'a', &first->authzid) || left->at == NULL)
    return "its first message is not SCRAM's";
  first->header = (struct piece) { begin, left->at - begin };
  return NULL;
}

static const char *
read_first (const struct virgate_auth_data *in, struct first *first)
{
  struct piece left = { in->data, in->len };
  const char *wrong = read_header (&left, first);

  if (wrong)
    return wrong;
  first->bare = left;
  if (left.len > 0 && *left.at == 'm')
    return "it wants an extension that is unknown here";
  if (!scram_take (&left, 'n', &first->name)
      || !scram_take (&left, 'r', &first->nonce)
      || !scram_is_nonce (&first->nonce) || !scram_skip (&left, '\0'))
    return "its first message is malformed";
  return NULL;
}

static bool
read_name (const struct piece *piece, char name[USER_NAME_MAX + 1])
{
  char raw[3 * USER_NAME_MAX + 1];
  int len = scram_unescape (piece, raw, sizeof raw);

  return len > 0 && text_prepare (raw, len, name, USER_NAME_MAX + 1) > 0;
}

static const char *
read_names (struct scram_server *s, const struct first *first)
{
  char other[USER_NAME_MAX + 1];

  if (!read_name (&first->name, s->name))
    return "the user's name is empty, too long or not UTF-8";
  if (first->authzid.len > 0
      && (!read_name (&first->authzid, other)
          || strcmp (other, s->name) != 0))
    return "it wants to act for somebody else";
  return NULL;
}

/* r=BOTH-NONCES,s=SALT,i=ITERATIONS */
static int
challenge (struct scram_server *s, const struct first *first,
           struct virgate_auth_data *out)
{
  const struct verifier *v = &s->user.verifier;
  char salt[BASE64_LEN (SALT_MAX) + 1];

  memcpy (s->nonce, first->nonce.at, first->nonce.len);
  if (scram_nonce (s->nonce + first->nonce.len) == -1)
    return -1;
  base64_encode (v->salt, v->salt_len, salt);
  out->len = snprintf (s->out, sizeof s->out, "r=%s,s=%s,i=%u", s->nonce,
                       salt, v->iterations);
  out->data = s->out;
  s->binding = malloc (BASE64_LEN (first->header.len) + 1);
  if (s->binding == NULL)
    return -1;
  base64_encode (first->header.at, first->header.len, s->binding);
  if (buf_append (&s->transcript, first->bare.at, first->bare.len) == -1
      || buf_append (&s->transcript, ",", 1) == -1
      || buf_append (&s->transcript, s->out, out->len) == -1
      || buf_append (&s->transcript, ",", 1) == -1)
    return -1;
  return 0;
}

static int
begin (struct scram_server *s, const struct virgate_auth_data *in,
       struct virgate_auth_data *out)
{
  const struct password *p = s->talk.p;
  struct first first;
  const char *wrong;

  /* A client that says nothing with the mechanism's name says it now. */
  if (in->data == NULL) {
    *out = (struct virgate_auth_data) { "", 0 };
    return VIRGATE_AUTH_MORE;
  }
  wrong = read_first (in, &first);
  if (wrong == NULL)
    wrong = read_names (s, &first);
  if (wrong)
    return password_refuse (p, "%s", wrong);
  s->users = password_users (p);
  s->is_there = users_find (s->users, s->name, &s->user);
  if (challenge (s, &first, out) == -1)
    return password_error (p, "out of memory, or of random numbers");
  s->has_begun = true;
  return VIRGATE_AUTH_MORE;
}

/* The final message -------------------------------------------------------- */

/* c=BINDING,r=NONCE,p=PROOF; bare is all before the proof.  What cannot be
 * read is empty.
 */
static bool
read_final (const struct virgate_auth_data *in, struct final *final)
{
  const char *text = in->data ? in->data : "";
  struct piece left = { text, in->len };

  *final = (struct final) { .bare = left };
  if (!scram_take (&left, 'c', &final->binding)
      || !scram_take (&left, 'r', &final->nonce)
      || !scram_skip (&left, 'p') || left.at == NULL)
    return false;
  final->bare.len = left.at - 1 - text;
  return scram_take (&left, 'p', &final->proof) && left.at == NULL;
}

static bool
is_text (const struct piece *piece, const char *text)
{
  return piece->len == strlen (text)
         && memcmp (piece->at, text, piece->len) == 0;
}

/* Does the proof show that the client has the key, for this transcript? */
static bool
is_proven (const struct scram_server *s, const uint8_t proof[SCRAM_KEY])
{
  const uint8_t *stored_key = s->user.verifier.stored_key;
  uint8_t key[SCRAM_KEY], hash[SCRAM_KEY];
  bool result;

  if (scram_hmac (stored_key, SCRAM_KEY, buf_data (&s->transcript),
                  buf_len (&s->transcript), key) == -1)
    return false;
  for (size_t i = 0; i < SCRAM_KEY; i++)
    key[i] ^= proof[i];
  result = scram_hash (key, SCRAM_KEY, hash) == 0
           && scram_same (hash, stored_key, SCRAM_KEY);
  wipe (key, sizeof key);
  return result;
}

/* v=SIGNATURE: that we have the verifier. */
static int
sign (struct scram_server *s, struct virgate_auth_data *out)
{
  uint8_t signature[SCRAM_KEY];

  if (scram_hmac (s->user.verifier.server_key, SCRAM_KEY,
                  buf_data (&s->transcript), buf_len (&s->transcript),
                  signature) == -1)
    return -1;
  memcpy (s->out, "v=", 2);
  base64_encode (signature, SCRAM_KEY, s->out + 2);
  *out = (struct virgate_auth_data) { s->out, strlen (s->out) };
  return 0;
}

static int
finish (struct scram_server *s, const struct virgate_auth_data *in,
        struct virgate_auth_data *out, struct virgate_identity *identity)
{
  const struct password *p = s->talk.p;
  uint8_t proof[SCRAM_KEY] = { 0 };
  struct virgate_auth_data signature;
  struct final final;
  bool is_whole = read_final (in, &final), is_right = is_whole;

  is_right &= is_text (&final.binding, s->binding);
  is_right &= is_text (&final.nonce, s->nonce);
  is_right &= base64_decode (final.proof.at, final.proof.len, proof,
                             SCRAM_KEY) == SCRAM_KEY;
  if (buf_append (&s->transcript, final.bare.at, final.bare.len) == -1)
    return password_error (p, "out of memory");
  is_right &= is_proven (s, proof);
  is_right &= s->is_there;
  if (sign (s, &signature) == -1)
    return password_error (p, "no HMAC");
  if (!is_whole)
    return password_refuse (p, "the final message of user '%s' is malformed",
                            s->name);
  if (!is_right)
    return password_refuse_user (p, s->name, s->is_there);
  *out = signature;
  return password_identify (p, &s->user, identity);
}

/* Its life ----------------------------------------------------------------- */

static int
server_step (struct talk *talk, const struct virgate_auth_data *in,
             struct virgate_auth_data *out, struct virgate_identity *identity)
{
  struct scram_server *s = container_of (talk, struct scram_server, talk);

  if (in->len > SCRAM_MESSAGE_MAX)
    return password_refuse (talk->p, "its message is too long");
  return s->has_begun ? finish (s, in, out, identity) : begin (s, in, out);
}

static void
server_free (struct talk *talk)
{
  struct scram_server *s = container_of (talk, struct scram_server, talk);

  users_unref (s->users);
  buf_free (&s->transcript);
  free (s->binding);
  wipe (&s->user, sizeof s->user);
  free (s);
}

static const struct talk_kind server_kind = { server_step, server_free };

struct talk *
scram_server_new (const struct password *p, bool is_local)
{
  struct scram_server *s = calloc (1, sizeof *s);

  if (s == NULL)
    return NULL;
  s->talk = (struct talk) { &server_kind, p, is_local };
  return &s->talk;
}
