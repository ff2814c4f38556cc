/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Users that do not exist.  SCRAM tells a client its user's salt first; where
 * Cyrus would say at once that there is no such user, everybody could find out
 * who there is.  Instead the conversation is held again with a user of that
 * name whose password nobody knows, and fails where a wrong password does.
 */
#include "config.h"

#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "common/mem.h"
#include "sasl.h"

#include <sasl/saslplug.h>      /* needs what sasl.h includes */

/* Not of Cyrus: only conversations with such a user answer it. */
#define OPTION "virgate_decoy"

static bool
is_decoy (const sasl_utils_t *utils)
{
  const char *value = NULL;

  return utils->getopt (utils->getopt_context, NULL, OPTION, &value, NULL)
         == SASL_OK && value;
}

/* Cyrus asks this source, too, for each user that it looks for. */
static int
look_up (void *opaque, sasl_server_params_t *params, unsigned flags,
         const char *user, unsigned len)
{
  const sasl_utils_t *utils = params->utils;
  char password[32];

  if ((flags & SASL_AUXPROP_AUTHZID) || !is_decoy (utils))
    return SASL_NOUSER;
  if (getrandom (password, sizeof password, 0) != sizeof password)
    return SASL_FAIL;
  for (size_t i = 0; i < sizeof password; i++)
    password[i] = (char) ('A' + (password[i] & 15));
  utils->prop_set (params->propctx, SASL_AUX_PASSWORD, password,
                   sizeof password);
  wipe (password, sizeof password);
  return SASL_OK;
}

static int
init (const sasl_utils_t *utils, int max_version, int *out_version,
      sasl_auxprop_plug_t **plug, const char *name)
{
  static sasl_auxprop_plug_t decoy = {
    .name = (char *) DECOY_SOURCE, .auxprop_lookup = look_up,
  };

  if (max_version < SASL_AUXPROP_PLUG_VERSION)
    return SASL_BADVERS;
  *out_version = SASL_AUXPROP_PLUG_VERSION;
  *plug = &decoy;
  return SASL_OK;
}

void
decoy_register (void)
{
  sasl_auxprop_add_plugin (DECOY_SOURCE, init);
}

const char *
decoy_option (const char *name)
{
  if (strcmp (name, OPTION) == 0)
    return "yes";
  return strcmp (name, "auxprop_plugin") == 0 ? DECOY_SOURCE : NULL;
}

bool
decoy_is_wanted (const char *mech, int code)
{
  return strncasecmp (mech, "SCRAM-", 6) == 0
         && (code == SASL_NOUSER || code == SASL_NOVERIFY || code == SASL_TRANS
             || code == SASL_DISABLED || code == SASL_BADAUTH);
}
