/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server's half: what can be offered, and the conversation.
 */
#include "config.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "sasl.h"

/* What can be offered ------------------------------------------------------ */

/* Without `mechanisms`: those that the other keys can serve.  GSSAPI without
 * a keytab would mislead the clients that prefer it.
 */
static int
choose_mechanisms (const struct sasl *s, const struct words *plugins,
                   struct words *chosen)
{
  static const char *const passwords[] = {
    "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", NULL
  };
  bool kerberos = process_has_keytab (s);

  if (kerberos && words_have (plugins, "GSSAPI")
      && words_add (chosen, "GSSAPI", 6) == -1)
    return -1;
  if (s->keytab && s->database == NULL)
    return 0;
  for (const char *const *name = passwords; *name; name++)
    if (words_have (plugins, *name)
        && words_add (chosen, *name, strlen (*name)) == -1)
      return -1;
  return 0;
}

static int
no_memory (const struct sasl *s)
{
  return s->host->error (s->host, "out of memory");
}

static int
make_mech_list (struct sasl *s)
{
  const struct virgate_host *host = s->host;
  CLEANUP (words_free) struct words plugins = { NULL, 0 }, own = { NULL, 0 };
  const struct words *wanted = s->mechanisms.count > 0 ? &s->mechanisms : &own;
  char names[1024];

  if (process_plugins (&plugins) == -1
      || choose_mechanisms (s, &plugins, &own) == -1)
    return no_memory (s);
  words_show (&plugins, names, sizeof names);
  for (size_t i = 0; i < s->mechanisms.count; i++)
    if (!words_have (&plugins, s->mechanisms.word[i]))
      return host->error (host, "Cyrus SASL has no plugin for %s here; it has "
                          "plugins for %s", s->mechanisms.word[i], names);
  if (wanted->count == 0)
    return host->error (host, "Cyrus SASL has no plugin that could be used "
                        "here; it has plugins for %s", names);
  s->mech_list = words_join (wanted, ' ');
  return s->mech_list ? 0 : no_memory (s);
}

/* Ask Cyrus what it would offer on such a connection. */
static int
ask_offer (struct sasl *s, uint32_t caps, char **offer)
{
  const struct virgate_auth_context context = { .caps = caps };
  CLEANUP_FREE struct conv *conv = conv_new (s, &context);
  const char *list = NULL;
  int code;

  if (conv == NULL)
    return -1;
  code = sasl_server_new (s->service, "localhost", s->realm, NULL, NULL,
                          conv->callbacks, SASL_SUCCESS_DATA, &conv->conn);
  if (code == SASL_OK)
    code = conv_secure (conv, &context);
  if (code == SASL_OK
      && sasl_listmech (conv->conn, NULL, "", ",", "", &list, NULL, NULL)
         != SASL_OK)
    list = "";                  /* there is none */
  if (code == SASL_OK)
    *offer = strdup (list);
  else
    s->host->error (s->host, "Cyrus SASL: %s", conv_why (conv, code));
  sasl_dispose (&conv->conn);
  return code != SASL_OK ? -1 : *offer ? 0 : no_memory (s);
}

int
server_ready (struct sasl *s)
{
  if (process_begin_server (s) == -1 || make_mech_list (s) == -1
      || ask_offer (s, 0, &s->offered[0]) == -1
      || ask_offer (s, VIRGATE_CAP_LOCAL, &s->offered[1]) == -1)
    return -1;
  return 0;
}

const char *
server_mechanisms (void *inst, const struct virgate_auth_context *context)
{
  struct sasl *s = inst;
  bool is_secure = context_is_secure (context);

  if (*s->offered[is_secure] || atomic_exchange (&s->is_warned, true))
    return s->offered[is_secure];
  if (is_secure)
    s->host->log (s->host, VIRGATE_LOG_WARNING, "Cyrus SASL would offer none "
                  "of %s", s->mech_list);
  else
    s->host->log (s->host, VIRGATE_LOG_WARNING, "nothing is offered where "
                  "others can listen: at least %u bits of protection are "
                  "needed there, which none of %s gives; use GSSAPI, or the "
                  "transport tls", s->bits_min, s->mech_list);
  return s->offered[is_secure];
}

/* The conversation --------------------------------------------------------- */

static int
make_conn (struct conv *conv, const struct virgate_auth_context *context)
{
  const struct sasl *s = conv->s;
  char local[80], remote[80];
  int code = sasl_server_new (
    s->service, s->hostname ? s->hostname : context->hostname, s->realm,
    conv_address (s, context, VIRGATE_FACT_LOCAL, local, sizeof local),
    conv_address (s, context, VIRGATE_FACT_REMOTE, remote, sizeof remote),
    conv->callbacks, SASL_SUCCESS_DATA, &conv->conn);

  return code == SASL_OK ? conv_secure (conv, context) : code;
}

static bool
matches (const struct words *patterns, const char *name)
{
  for (size_t i = 0; i < patterns->count; i++)
    if (fnmatch (patterns->word[i], name, 0) == 0)
      return true;
  return false;
}

/* Each is "NAME PATTERN". */
static int
add_groups (const struct sasl *s, const char *name,
            struct virgate_identity *identity)
{
  for (size_t i = 0; i < s->groups.count; i++) {
    const char *word = s->groups.word[i];
    size_t len = strcspn (word, " \t");
    const char *pattern = word + len + strspn (word + len, " \t");
    CLEANUP_FREE char *group = strndup (word, len);

    if (fnmatch (pattern, name, 0) != 0)
      continue;
    if (group == NULL
        || s->host->identity_group (identity, group,
                                    VIRGATE_VOUCH_EXCHANGE) == -1)
      return -1;
  }
  return 0;
}

/* A name that would garble the log is none. */
static bool
is_name (const char *name)
{
  if (name == NULL || *name == '\0')
    return false;
  for (; *name; name++)
    if ((unsigned char) *name < 0x20 || *name == 0x7f)
      return false;
  return true;
}

/* Cyrus is content. */
static int
finish (struct conv *conv, struct virgate_identity *identity)
{
  const struct sasl *s = conv->s;
  const struct virgate_host *host = s->host;
  const void *name = NULL;

  if (sasl_getprop (conv->conn, SASL_USERNAME, &name) != SASL_OK
      || !is_name (name)) {
    host->error (host, "%s gives no name", conv->mech);
    return VIRGATE_AUTH_NO;
  }
  if (conv_finish (conv) == -1)
    return VIRGATE_AUTH_NO;
  if (s->users.count > 0 && !matches (&s->users, name)) {
    host->error (host, "%s is not in users of [%s]", (const char *) name,
                 host->section);
    return VIRGATE_AUTH_NO;
  }
  if (host->identity_name (identity, name, VIRGATE_VOUCH_EXCHANGE) == -1
      || add_groups (s, name, identity) == -1)
    return VIRGATE_AUTH_ERROR;
  return VIRGATE_AUTH_YES;
}

/* Who a client that failed says it is, as far as that is known. */
static const char *
claimed_name (const struct conv *conv)
{
  const void *name = NULL;

  if (conv->conn == NULL
      || sasl_getprop (conv->conn, SASL_AUTHUSER, &name) != SASL_OK
      || !is_name (name))
    return "somebody";
  return name;
}

/* What Cyrus answered. */
static int
judge (struct conv *conv, int code, const struct virgate_auth_data *said,
       struct virgate_auth_data *out, struct virgate_identity *identity)
{
  const struct virgate_host *host = conv->s->host;

  *out = *said;
  if (said->len > VIRGATE_AUTH_DATA_MAX) {
    host->error (host, "%s wants to say too much", conv->mech);
    return VIRGATE_AUTH_ERROR;
  }
  if (code == SASL_CONTINUE)
    return VIRGATE_AUTH_MORE;
  if (code == SASL_OK && conv->decoy == NULL)
    return finish (conv, identity);
  host->error (host, "%s by %s: %s", conv->mech, claimed_name (conv),
               conv->decoy ? conv->decoy : conv_why (conv, code));
  return code == SASL_NOMEM ? VIRGATE_AUTH_ERROR : VIRGATE_AUTH_NO;
}

static bool
is_offered (const struct sasl *s, const struct conv *conv, const char *mech)
{
  CLEANUP (words_free) struct words offered = { NULL, 0 };

  return words_split (&offered, s->offered[conv->is_secure], ",") == 0
         && words_have (&offered, mech) && strlen (mech) < sizeof conv->mech;
}

/* The first message.  A Cyrus code. */
static int
start (struct conv *conv, const struct virgate_auth_context *context,
       const struct virgate_auth_data *in, struct virgate_auth_data *said)
{
  const char *data = NULL;
  unsigned len = 0;
  int code = make_conn (conv, context);

  if (code != SASL_OK)
    return code;
  process_enter (conv, conv->mech);
  code = sasl_server_start (conv->conn, conv->mech, in->data, in->len, &data,
                            &len);
  process_leave (conv, conv->mech);
  *said = (struct virgate_auth_data) { data, data ? len : 0 };
  return code;
}

static int
begin (struct conv *conv, const struct virgate_auth_context *context,
       const char *mech, const struct virgate_auth_data *in,
       struct virgate_auth_data *out, struct virgate_identity *identity)
{
  const struct sasl *s = conv->s;
  struct virgate_auth_data said = { NULL, 0 };
  int code;

  if (!is_offered (s, conv, mech)) {
    s->host->error (s->host, "the mechanism it chose is not offered here, "
                    "where there are %s", s->offered[conv->is_secure]);
    return VIRGATE_AUTH_NO;
  }
  strcpy (conv->mech, mech);
  code = start (conv, context, in, &said);
  if (decoy_is_wanted (mech, code)
      && (conv->decoy = strdup (code == SASL_NOUSER ? "there is no such user"
                                : conv_why (conv, code))) != NULL) {
    sasl_dispose (&conv->conn);
    code = start (conv, context, in, &said);
  }
  return judge (conv, code, &said, out, identity);
}

int
server_start (void *inst, const struct virgate_auth_context *context,
              const char *mech, const struct virgate_auth_data *in,
              struct virgate_auth_data *out, void **result,
              struct virgate_identity *identity)
{
  struct conv *conv = conv_new (inst, context);
  int verdict;

  if (conv == NULL)
    return VIRGATE_AUTH_ERROR;
  verdict = begin (conv, context, mech, in, out, identity);
  if (verdict == VIRGATE_AUTH_MORE || verdict == VIRGATE_AUTH_YES)
    *result = conv;
  else
    conv_free (conv);
  return verdict;
}

int
server_step (void *opaque, const struct virgate_auth_data *in,
             struct virgate_auth_data *out, struct virgate_identity *identity)
{
  struct conv *conv = opaque;
  struct virgate_auth_data said;
  const char *data = NULL;
  unsigned len = 0;
  int code;

  process_enter (conv, conv->mech);
  code = sasl_server_step (conv->conn, in->data, in->len, &data, &len);
  process_leave (conv, conv->mech);
  said = (struct virgate_auth_data) { data, data ? len : 0 };
  return judge (conv, code, &said, out, identity);
}
