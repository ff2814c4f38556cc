/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What conversations of both sides have in common: how much protection they
 * need, what Cyrus is told and says, and their end.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "sasl.h"

/* As libvirt says it: any strength. */
#define BITS_MAX 100000

bool
context_is_secure (const struct virgate_auth_context *context)
{
  return context->caps & (VIRGATE_CAP_LOCAL | VIRGATE_CAP_ENCRYPTED);
}

static int
get_option (void *opaque, const char *plugin, const char *name,
            const char **result, unsigned *len)
{
  const struct conv *conv = opaque;
  const char *value = conv->decoy ? decoy_option (name) : NULL;

  if (value == NULL)
    value = sasl_option (conv->s, name);
  if (value == NULL)
    return SASL_FAIL;
  *result = value;
  if (len)
    *len = strlen (value);
  return SASL_OK;
}

/* What Cyrus would tell syslog.  Its passwords start above SASL_LOG_TRACE. */
static int
take_log (void *opaque, int level, const char *message)
{
  const struct sasl *s = opaque;

  if (level > SASL_LOG_NONE && level <= SASL_LOG_NOTE && message)
    s->host->log (s->host, VIRGATE_LOG_DEBUG, "Cyrus SASL: %s", message);
  return SASL_OK;
}

struct conv *
conv_new (const struct sasl *s, const struct virgate_auth_context *context)
{
  struct conv *conv = calloc (1, sizeof *conv);

  if (conv == NULL) {
    s->host->error (s->host, "out of memory");
    return NULL;
  }
  conv->s = s;
  conv->is_secure = context_is_secure (context);
  conv->callbacks[0] = (sasl_callback_t) {
    SASL_CB_GETOPT, CALLBACK (get_option), conv
  };
  conv->callbacks[1] = (sasl_callback_t) {
    SASL_CB_LOG, CALLBACK (take_log), (void *) s
  };
  conv->callbacks[2] = (sasl_callback_t) { SASL_CB_LIST_END, NULL, NULL };
  return conv;
}

const char *
conv_address (const struct sasl *s, const struct virgate_auth_context *context,
              const char *key, char *text, size_t size)
{
  struct virgate_fact fact;

  if (context->peer == NULL
      || !s->host->peer_get (context->peer, key, 0, &fact)
      || fact.type != VIRGATE_FACT_ADDRESS || fact.str == NULL)
    return NULL;
  snprintf (text, size, "%s;%u", fact.str, (unsigned) fact.num);
  return text;
}

int
conv_secure (struct conv *conv, const struct virgate_auth_context *context)
{
  sasl_ssf_t outside = context->key_bits;
  sasl_security_properties_t props = {
    .min_ssf = conv->is_secure ? 0 : conv->s->bits_min,
    .max_ssf = conv->is_secure ? 0 : BITS_MAX,
    .maxbufsize = PACKET_MAX,
    .security_flags = SASL_SEC_NOANONYMOUS
                      | (conv->is_secure ? 0 : SASL_SEC_NOPLAINTEXT),
  };
  int code = sasl_setprop (conv->conn, SASL_SEC_PROPS, &props);

  if (code == SASL_OK && outside > 0)
    code = sasl_setprop (conv->conn, SASL_SSF_EXTERNAL, &outside);
  return code;
}

int
conv_finish (struct conv *conv)
{
  const struct virgate_host *host = conv->s->host;
  const void *bits = NULL;

  if (sasl_getprop (conv->conn, SASL_SSF, &bits) == SASL_OK && bits)
    conv->bits = *(const sasl_ssf_t *) bits;
  if (!conv->is_secure && conv->bits < conv->s->bits_min)
    return host->error (host, "%s gives %u bits of protection where others "
                        "can listen; at least %u are wanted", conv->mech,
                        conv->bits, conv->s->bits_min);
  conv->is_done = true;
  return 0;
}

/* "SASL(-13): authentication failure: " says nothing that follows. */
const char *
conv_why (const struct conv *conv, int code)
{
  const char *detail = conv->conn ? sasl_errdetail (conv->conn) : NULL;
  const char *text = detail ? strstr (detail, "): ") : NULL;
  const char *end = text ? strstr (text + 3, ": ") : NULL;

  if (end && end[2])
    return end + 2;
  return sasl_errstring (code, NULL, NULL);
}

void
conv_free (void *opaque)
{
  struct conv *conv = opaque;

  if (conv == NULL)
    return;
  /* The message of PLAIN is the password, and Cyrus frees it as it is. */
  if (conv->last.data && strcasecmp (conv->mech, "PLAIN") == 0)
    wipe ((void *) conv->last.data, conv->last.len);
  if (conv->conn)
    sasl_dispose (&conv->conn);
  if (conv->password)
    wipe (conv->password, sizeof *conv->password + conv->password->len);
  free (conv->password);
  free (conv->decoy);
  free (conv->authname);
  free (conv);
}
