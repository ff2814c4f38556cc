/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client's half: which mechanism, with which credentials.  A mechanism
 * that cannot even begin (no ticket, no password) makes way for the next.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "sasl.h"

/* Longest password that is passed on: bytes. */
#define PASSWORD_MAX 4096

/* Credentials -------------------------------------------------------------- */

/* Ask for one.  A Cyrus code; *answer is wiped and freed by secret_free. */
static int
ask (struct conv *conv, uint32_t kind, const char *prompt, char **answer)
{
  const struct virgate_host *host = conv->s->host;

  *answer = NULL;
  if (conv->asked == 0)         /* whoever declined is not asked again */
    conv->asked = VIRGATE_HOST_HAS (host, credential)
                  ? host->credential (host, kind, prompt, NULL, answer) : 1;
  if (conv->asked == 0 && *answer == NULL)
    conv->asked = 1;
  return conv->asked == 0 ? SASL_OK : SASL_FAIL;
}

static int
ask_authname (struct conv *conv)
{
  char prompt[300], *answer;

  if (conv->authname)
    return SASL_OK;
  snprintf (prompt, sizeof prompt, "User name for %s:", conv->peer);
  if (ask (conv, VIRGATE_CRED_AUTHNAME, prompt, &answer) != SASL_OK)
    return SASL_FAIL;
  conv->authname = strdup (answer);
  conv->s->host->secret_free (answer);
  return conv->authname ? SASL_OK : SASL_NOMEM;
}

/* Who to be: always who one proves to be, which an empty name says. */
static int
get_name (void *opaque, int id, const char **result, unsigned *len)
{
  struct conv *conv = opaque;
  int code = id == SASL_CB_AUTHNAME ? ask_authname (conv) : SASL_OK;

  if (code != SASL_OK)
    return code;
  *result = id == SASL_CB_AUTHNAME ? conv->authname : "";
  if (len)
    *len = strlen (*result);
  return SASL_OK;
}

static int
get_password (sasl_conn_t *conn, void *opaque, int id, sasl_secret_t **result)
{
  struct conv *conv = opaque;
  char prompt[600], *answer;
  size_t len;

  if (conv->password == NULL) {
    snprintf (prompt, sizeof prompt, "Password of %.250s for %.250s:",
              conv->authname ? conv->authname : "the user", conv->peer);
    if (ask (conv, VIRGATE_CRED_PASSWORD, prompt, &answer) != SASL_OK)
      return SASL_FAIL;
    len = strlen (answer);
    conv->password = len > PASSWORD_MAX ? NULL
                     : calloc (1, sizeof *conv->password + len);
    if (conv->password) {
      conv->password->len = len;
      memcpy (conv->password->data, answer, len);
    }
    conv->s->host->secret_free (answer);
  }
  *result = conv->password;
  return conv->password ? SASL_OK : SASL_NOMEM;
}

static int
get_realm (void *opaque, int id, const char **realms, const char **result)
{
  struct conv *conv = opaque;

  *result = conv->s->realm ? conv->s->realm : realms && *realms ? *realms : "";
  return SASL_OK;
}

static void
add_callbacks (struct conv *conv)
{
  const sasl_callback_t more[] = {
    { SASL_CB_USER, CALLBACK (get_name), conv },
    { SASL_CB_AUTHNAME, CALLBACK (get_name), conv },
    { SASL_CB_PASS, CALLBACK (get_password), conv },
    { SASL_CB_GETREALM, CALLBACK (get_realm), conv },
    { SASL_CB_LIST_END, NULL, NULL },
  };

  _Static_assert (2 + COUNT_OF (more) <= COUNT_OF (conv->callbacks),
                  "room for all callbacks");
  memcpy (&conv->callbacks[2], more, sizeof more);
}

/* Which mechanism ---------------------------------------------------------- */

struct choice {
  struct conv *conv;
  const struct virgate_auth_context *context;
  struct words offered;         /* by the server */
  struct words wanted;          /* by the user, or by us, best first */
  bool is_named;                /* the user named them */
  char why[600];                /* what was tried */
};

static void
note (struct choice *c, const char *mech, const char *why)
{
  size_t len = strlen (c->why);

  snprintf (c->why + len, sizeof c->why - len, "%s%s: %s", len ? "; " : "",
            mech, why);
}

/* In order.  Weak ones are used only when they are named. */
static int
list_wanted (struct choice *c, const char *wanted)
{
  static const char good[] = "GSSAPI SCRAM-SHA-512 SCRAM-SHA-256 PLAIN";
  const struct words *own = &c->conv->s->mechanisms;

  c->is_named = wanted || own->count > 0;
  if (wanted)
    return words_add (&c->wanted, wanted, strlen (wanted));
  if (own->count == 0)
    return words_split (&c->wanted, good, " ");
  for (size_t i = 0; i < own->count; i++)
    if (words_add (&c->wanted, own->word[i], strlen (own->word[i])) == -1)
      return -1;
  return 0;
}

static int
make_conn (struct choice *c)
{
  struct conv *conv = c->conv;
  const struct sasl *s = conv->s;
  char local[80], remote[80];
  int code;

  if (conv->conn)
    sasl_dispose (&conv->conn);
  code = sasl_client_new (
    s->service, conv->peer,
    conv_address (s, c->context, VIRGATE_FACT_LOCAL, local, sizeof local),
    conv_address (s, c->context, VIRGATE_FACT_REMOTE, remote, sizeof remote),
    conv->callbacks, SASL_SUCCESS_DATA, &conv->conn);
  return code == SASL_OK ? conv_secure (conv, c->context) : code;
}

static const char *
explain (const struct conv *conv, int code)
{
  if (conv->asked == 1)
    return "nobody gave a user name and a password";
  if (code != SASL_NOMECH)
    return conv_why (conv, code);
  return conv->is_secure ? "there is no plugin for it here"
         : "there is no plugin for it here, or it does not protect what "
           "follows";
}

/* Begin with one mechanism.  True when it can. */
static bool
try_one (struct choice *c, const char *mech, struct virgate_auth_data *out)
{
  struct conv *conv = c->conv;
  const char *data = NULL, *chosen = NULL;
  unsigned len = 0;
  int code = make_conn (c);

  if (code == SASL_OK) {
    process_enter (conv, mech);
    code = sasl_client_start (conv->conn, mech, NULL, &data, &len, &chosen);
    process_leave (conv, mech);
  }
  if (code != SASL_OK && code != SASL_CONTINUE) {
    note (c, mech, explain (conv, code));
    return false;
  }
  snprintf (conv->mech, sizeof conv->mech, "%s", chosen ? chosen : mech);
  *out = (struct virgate_auth_data) { data, data ? len : 0 };
  conv->is_done = code == SASL_OK;
  return true;
}

static bool
try_all (struct choice *c, struct virgate_auth_data *out)
{
  for (size_t i = 0; i < c->wanted.count; i++) {
    const char *mech = c->wanted.word[i];

    if (!words_have (&c->offered, mech))
      continue;
    if (strcasecmp (mech, "PLAIN") == 0 && !c->conv->is_secure)
      note (c, mech, "never where others can listen");
    else if (try_one (c, mech, out))
      return true;
    if (c->conv->asked != 0)
      return false;
  }
  return false;
}

/* What the server offers and this client could, but does only when told. */
static const char *
weak_one (const struct choice *c, const struct words *plugins)
{
  for (size_t i = 0; !c->is_named && i < c->offered.count; i++)
    if (words_have (plugins, c->offered.word[i])
        && !words_have (&c->wanted, c->offered.word[i]))
      return c->offered.word[i];
  return NULL;
}

/* Everything that is needed to see what to do. */
static int
say_why (struct choice *c)
{
  const struct sasl *s = c->conv->s;
  CLEANUP (words_free) struct words plugins = { NULL, 0 };
  char offered[300], wanted[300], installed[300], bits[200] = "", weak[150];
  const char *other;

  words_show (&c->offered, offered, sizeof offered);
  words_show (&c->wanted, wanted, sizeof wanted);
  if (process_plugins (&plugins) == -1)
    words_free (&plugins);
  words_show (&plugins, installed, sizeof installed);
  if (!c->conv->is_secure)
    snprintf (bits, sizeof bits, "; where others can listen at least %u bits "
              "of protection are needed, as GSSAPI gives them: get a ticket, "
              "or use the transport tls", s->bits_min);
  other = weak_one (c, &plugins);
  snprintf (weak, sizeof weak, "; auth=sasl.%.40s in the URI would use what "
            "it takes for weak", other ? other : "");
  return s->host->error_code (
    s->host, c->conv->asked == 1 ? VIRGATE_ERR_AUTH_CANCELLED
                                 : VIRGATE_ERR_AUTH_FAILED,
    VIRGATE_FROM_AUTH, "%s%sthe server offers %s; this client %s %s, and has "
    "plugins for %s%s%s", c->why, *c->why ? "; " : "", offered,
    c->is_named ? "was told to use" : "uses unless told otherwise", wanted,
    installed, bits, other ? weak : "");
}

static int
begin (struct choice *c, const char *mechanisms, const char *wanted,
       struct virgate_auth_data *out)
{
  const struct virgate_host *host = c->conv->s->host;

  if (words_split (&c->offered, mechanisms, ", ") == -1
      || list_wanted (c, wanted) == -1) {
    host->error (host, "out of memory");
    return VIRGATE_AUTH_ERROR;
  }
  if (try_all (c, out))
    return VIRGATE_AUTH_MORE;
  if (c->conv->asked == -1)     /* the callback has said why */
    return VIRGATE_AUTH_ERROR;
  say_why (c);
  return VIRGATE_AUTH_PASS;
}

/* Cyrus is content already: then nothing may follow. */
static int
done_at_once (struct conv *conv, const struct virgate_auth_data *out)
{
  if (conv_finish (conv) == -1)
    return VIRGATE_AUTH_ERROR;
  conv->last = *out;
  return VIRGATE_AUTH_YES;
}

int
client_start (void *inst, const struct virgate_auth_context *context,
              const char *mechanisms, const char *wanted, const char **mech,
              struct virgate_auth_data *out, void **result)
{
  struct conv *conv = process_begin_client (inst) == 0
                      ? conv_new (inst, context) : NULL;
  struct choice c = { .conv = conv, .context = context };
  int verdict;

  if (conv == NULL)
    return VIRGATE_AUTH_ERROR;
  conv->is_client = true;
  conv->peer = conv->s->hostname ? conv->s->hostname : context->hostname;
  add_callbacks (conv);
  verdict = begin (&c, mechanisms, wanted, out);
  words_free (&c.offered);
  words_free (&c.wanted);
  if (verdict == VIRGATE_AUTH_MORE && conv->is_done)
    verdict = done_at_once (conv, out);
  if (verdict != VIRGATE_AUTH_MORE && verdict != VIRGATE_AUTH_YES) {
    conv_free (conv);
    return verdict;
  }
  *mech = conv->mech;
  *result = conv;
  return verdict;
}

static int
step_failed (struct conv *conv, int code)
{
  const struct virgate_host *host = conv->s->host;

  if (conv->asked == -1)        /* the callback has said why */
    return VIRGATE_AUTH_ERROR;
  if (code == SASL_BADSERV)
    host->error_code (host, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_AUTH,
                      "%s: the server does not prove that it knows the "
                      "password: it is not who it should be", conv->mech);
  else
    host->error_code (host, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_AUTH,
                      "%s: %s", conv->mech, explain (conv, code));
  return VIRGATE_AUTH_ERROR;
}

int
client_step (void *opaque, const struct virgate_auth_data *in,
             struct virgate_auth_data *out)
{
  struct conv *conv = opaque;
  const char *data = NULL;
  unsigned len = 0;
  int code;

  *out = (struct virgate_auth_data) { NULL, 0 };
  if (conv->is_done && in->len == 0)
    return VIRGATE_AUTH_YES;
  if (conv->is_done) {
    conv->s->host->error (conv->s->host, "%s: the server goes on where it "
                          "should have ended", conv->mech);
    return VIRGATE_AUTH_ERROR;
  }
  process_enter (conv, conv->mech);
  code = sasl_client_step (conv->conn, in->data, in->len, NULL, &data, &len);
  process_leave (conv, conv->mech);
  if (code != SASL_OK && code != SASL_CONTINUE)
    return step_failed (conv, code);
  *out = (struct virgate_auth_data) { data, data ? len : 0 };
  if (code == SASL_CONTINUE)
    return VIRGATE_AUTH_MORE;
  return conv_finish (conv) == 0 ? VIRGATE_AUTH_YES : VIRGATE_AUTH_ERROR;
}
