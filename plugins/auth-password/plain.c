/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PLAIN (RFC 4616), both sides: [authzid] NUL user NUL password.  The same
 * work for a user who is there and for one who is not.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "password.h"

#define MESSAGE_MAX (2 * USER_NAME_MAX + PASSWORD_MAX + 2)

/* The server's side -------------------------------------------------------- */

/* What a client said, in the form that is looked up and hashed. */
struct said {
  char name[USER_NAME_MAX + 1];
  char password[PASSWORD_MAX + 1];
  int len;                      /* of the password */
};

/* NULL, or what is wrong.  A name or password that nobody can have is left
 * empty: it takes the way of a wrong one.
 */
static const char *
read_message (const struct virgate_auth_data *in, struct said *said)
{
  const char *text = in->data, *end = text + in->len, *user, *password;

  if (in->len > MESSAGE_MAX)
    return "its message is too long";
  user = memchr (text, '\0', in->len);
  password = user ? memchr (user + 1, '\0', end - user - 1) : NULL;
  if (password == NULL || memchr (password + 1, '\0', end - password - 1))
    return "its message does not have three parts";
  if (user > text && (user - text != password - user - 1
                      || memcmp (text, user + 1, user - text) != 0))
    return "it wants to act for somebody else";
  if (text_prepare (user + 1, password - user - 1, said->name,
                    sizeof said->name) == -1)
    *said->name = '\0';
  said->len = text_prepare (password + 1, end - password - 1, said->password,
                            sizeof said->password);
  if (said->len == -1)
    *said->password = '\0';
  return NULL;
}

/* The hash; of remote clients only so many at once. */
static bool
fits (const struct talk *talk, const struct verifier *verifier,
      const char *password)
{
  sem_t *gate = (sem_t *) &talk->p->gate;
  bool result;

  while (!talk->is_local && sem_wait (gate) == -1)
    continue;
  result = verifier_fits (verifier, password, strlen (password));
  if (!talk->is_local)
    sem_post (gate);
  return result;
}

static int
judge (const struct talk *talk, const struct said *said,
       struct virgate_identity *identity)
{
  const struct password *p = talk->p;
  struct users *users = password_users (p);
  struct user user;
  bool is_there = users_find (users, said->name, &user), is_right = is_there;
  int result;

  is_right &= said->len > 0;
  is_right &= fits (talk, &user.verifier, said->password);
  result = is_right ? password_identify (p, &user, identity)
                    : password_refuse_user (p, said->name, is_there);
  wipe (&user, sizeof user);
  users_unref (users);
  return result;
}

static int
server_step (struct talk *talk, const struct virgate_auth_data *in,
             struct virgate_auth_data *out, struct virgate_identity *identity)
{
  struct said said;
  const char *wrong;
  int result;

  /* A client that says nothing with the mechanism's name says it now. */
  if (in->data == NULL) {
    *out = (struct virgate_auth_data) { "", 0 };
    return VIRGATE_AUTH_MORE;
  }
  wrong = read_message (in, &said);
  result = wrong ? password_refuse (talk->p, "%s", wrong)
                 : judge (talk, &said, identity);
  wipe (&said, sizeof said);
  return result;
}

static void
server_free (struct talk *talk)
{
  free (talk);
}

static const struct talk_kind server_kind = { server_step, server_free };

struct talk *
plain_server_new (const struct password *p, bool is_local)
{
  struct talk *talk = calloc (1, sizeof *talk);

  if (talk)
    *talk = (struct talk) { &server_kind, p, is_local };
  return talk;
}

/* The client's side -------------------------------------------------------- */

struct plain_client {
  struct talk talk;
  size_t len;
  char message[];
};

static int
client_step (struct talk *talk, const struct virgate_auth_data *in,
             struct virgate_auth_data *out, struct virgate_identity *identity)
{
  if (in->len == 0)
    return VIRGATE_AUTH_YES;
  return password_error (talk->p, "the server goes on after the end");
}

static void
client_free (struct talk *talk)
{
  struct plain_client *c = container_of (talk, struct plain_client, talk);

  wipe (c->message, c->len);
  free (c);
}

static const struct talk_kind client_kind = { client_step, client_free };

struct talk *
plain_client_new (const struct password *p, const char *name,
                  const char *secret, struct virgate_auth_data *first)
{
  size_t name_len = strlen (name), secret_len = strlen (secret);
  size_t len = 1 + name_len + 1 + secret_len;
  struct plain_client *c = calloc (1, sizeof *c + len + 1);

  if (c == NULL) {
    password_error (p, "out of memory");
    return NULL;
  }
  c->talk = (struct talk) { &client_kind, p, true };
  c->len = len;
  memcpy (c->message + 1, name, name_len);
  memcpy (c->message + 1 + name_len + 1, secret, secret_len);
  *first = (struct virgate_auth_data) { c->message, len };
  return &c->talk;
}
