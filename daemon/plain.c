/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PLAIN for modules that only want a name and a secret; see plain.h.
 */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/transport.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "core/instance.h"
#include "core/peer.h"
#include "core/utf8.h"
#include "daemon/auth.h"
#include "daemon/plain.h"

/* Longest message: three strings of at most 255 and 1024 bytes. */
#define NAME_MAX_LEN 255
#define SECRET_MAX_LEN 1024
#define MESSAGE_MAX (2 * NAME_MAX_LEN + SECRET_MAX_LEN + 2)

/* A client that has not sent its message with the mechanism's name. */
struct plain {
  const struct auth_method *method;
  struct virgate_auth_context context;
};

/* What a client said; in its own memory, which is wiped. */
struct message {
  char text[MESSAGE_MAX + 1];
  const char *authzid, *user, *secret;
};

static const char *
plain_mechanisms (void *inst, const struct virgate_auth_context *context)
{
  return context->caps & (VIRGATE_CAP_LOCAL | VIRGATE_CAP_ENCRYPTED)
         ? "PLAIN" : "";
}

static void
message_wipe (struct message *message)
{
  wipe (message, sizeof *message);
}

static bool
is_printable (const char *text)
{
  while (*text) {
    size_t len = utf8_printable (text);

    if (len == 0)
      return false;
    text += len;
  }
  return true;
}

/* [authzid] NUL user NUL secret.  Returns NULL, or what is wrong with it. */
static const char *
parse (struct message *message, const struct virgate_auth_data *in)
{
  char *text = message->text, *end = text + in->len, *nul;

  if (in->len > MESSAGE_MAX)
    return "its PLAIN message is too long";
  memcpy (text, in->data, in->len);
  *end = '\0';
  message->authzid = text;
  nul = memchr (text, '\0', in->len);
  message->user = nul ? nul + 1 : NULL;
  nul = nul ? memchr (nul + 1, '\0', end - nul - 1) : NULL;
  message->secret = nul ? nul + 1 : NULL;
  if (nul == NULL || memchr (nul + 1, '\0', end - nul - 1))
    return "its PLAIN message does not have three parts";
  if (*message->user == '\0' || strlen (message->user) > NAME_MAX_LEN
      || strlen (message->secret) > SECRET_MAX_LEN)
    return "its PLAIN message has no name, or too long ones";
  if (!is_printable (message->user))
    return "the name in its PLAIN message is not printable UTF-8";
  if (*message->authzid && strcmp (message->authzid, message->user) != 0)
    return "it wants to act for somebody else";
  return NULL;
}

static int
check (const struct auth_method *method,
       const struct virgate_auth_context *context,
       const struct virgate_auth_data *in, struct virgate_identity *identity)
{
  CLEANUP (message_wipe) struct message message;
  const char *wrong = parse (&message, in);
  uint16_t before = identity->len;
  int result;

  if (wrong)
    return host_error_set ("%s", wrong), VIRGATE_AUTH_NO;
  /* A module that knows a better name adds it behind this one. */
  if (identity_name (identity, message.user, VIRGATE_VOUCH_EXCHANGE) == -1)
    return host_error_set ("out of memory"), VIRGATE_AUTH_ERROR;
  result = method->ops->password (method->inst, context, message.user,
                                  message.secret, identity);
  if (result == VIRGATE_AUTH_YES)
    return result;
  identity_rewind (identity, before);
  return result == VIRGATE_AUTH_ERROR ? result : VIRGATE_AUTH_NO;
}

static int
plain_start (void *inst, const struct virgate_auth_context *context,
             const char *mech, const struct virgate_auth_data *in,
             struct virgate_auth_data *out, void **conv,
             struct virgate_identity *identity)
{
  struct plain *plain;

  if (in->data)
    return check (inst, context, in, identity);
  plain = malloc (sizeof *plain);
  if (plain == NULL)
    return host_error_set ("out of memory"), VIRGATE_AUTH_ERROR;
  plain->method = inst;
  plain->context = *context;
  *conv = plain;
  *out = (struct virgate_auth_data) { "", 0 };
  return VIRGATE_AUTH_MORE;
}

static int
plain_step (void *conv, const struct virgate_auth_data *in,
            struct virgate_auth_data *out, struct virgate_identity *identity)
{
  const struct plain *plain = conv;

  if (in->data == NULL)
    return host_error_set ("it sent no PLAIN message"), VIRGATE_AUTH_NO;
  return check (plain->method, &plain->context, in, identity);
}

const struct virgate_auth_ops plain_ops = {
  .mechanisms = plain_mechanisms,
  .start = plain_start,
  .step = plain_step,
  .conv_free = free,
};
