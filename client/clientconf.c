/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading client.conf; see clientconf.h.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/clientconf.h"
#include "client/internal.h"

static const struct virgate_option client_options[] = {
  { "default-uri", VIRGATE_OPTION_STRING, 0, 0, 0, NULL, NULL,
    "what to connect to when no URI is given: a URI or an alias" },
  { "connect-timeout", VIRGATE_OPTION_UINT, 0, 1, 86400, "seconds", "15",
    "for connecting, authenticating and opening together" },
  { "max-message", VIRGATE_OPTION_SIZE, 0, 64 * 1024, 64 * 1024 * 1024,
    "bytes", "12M",
    "what one message may take, as received and decoded together" },
  { NULL }
};

static const struct virgate_option credential_options[] = {
  { "username", VIRGATE_OPTION_STRING,
    .help = "user on the host, for ssh" },
  { "authname", VIRGATE_OPTION_STRING,
    .help = "user that is authenticated; each stands in for the other" },
  { "password-file", VIRGATE_OPTION_PATH,
    .help = "its first line is the password; nobody else may read it" },
  { "realm", VIRGATE_OPTION_STRING, .help = "realm, where there are several" },
  { NULL }
};

static const struct config_kind kinds[] = {
  { "client", false, false, client_options },
  { "alias", false, true, NULL },
  { "transport", true, true, NULL },
  { "auth", true, true, NULL },
  { "credentials", true, false, credential_options },
  { NULL }
};

/* Read one file if it exists. */
static int
read_one (struct clientconf *conf, const char *path,
          struct virgate_error *err)
{
  struct config *config = &conf->files[conf->count];
  int result;

  config_init (config);
  result = config_read (config, path, kinds, err);
  if (result == 0)
    conf->count++;
  else
    config_free (config);
  return result;
}

int
clientconf_read (struct clientconf *conf, const char *file,
                 struct virgate_error *err)
{
  char path[PATH_MAX];
  int result = 0;

  conf->count = 0;
  if (file) {
    result = read_one (conf, file, err);
    if (result == 1)
      result = error_text (err, VIRGATE_ERR_CONF_SYNTAX, VIRGATE_FROM_CONF,
                           "there is no config file %s", file);
    return result;
  }
  if (config_user_path (path, sizeof path, "/virgate/client.conf"))
    result = read_one (conf, path, err);
  if (result != -1)
    result = read_one (conf, SYSCONFDIR "/virgate/client.conf", err);
  if (result == -1)
    clientconf_free (conf);
  return result == -1 ? -1 : 0;
}

void
clientconf_free (struct clientconf *conf)
{
  while (conf->count > 0)
    config_free (&conf->files[--conf->count]);
}

const struct config_section *
clientconf_section (const struct clientconf *conf, const char *kind,
                    const char *name)
{
  const struct config_section *section = NULL;

  for (size_t i = 0; i < conf->count && section == NULL; i++)
    section = config_find (&conf->files[i], kind, name);
  return section;
}

/* The section of the first file that has the key. */
static const struct config_section *
section_with (const struct clientconf *conf, const char *kind,
              const char *key)
{
  for (size_t i = 0; i < conf->count; i++) {
    const struct config_section *section = config_find (&conf->files[i],
                                                        kind, NULL);

    if (config_key (section, key))
      return section;
  }
  return NULL;
}

const char *
clientconf_value (const struct clientconf *conf, const char *key)
{
  return config_value (section_with (conf, "client", key), client_options,
                       key);
}

uint64_t
clientconf_number (const struct clientconf *conf, const char *key)
{
  return config_number (section_with (conf, "client", key), client_options,
                        key);
}

const char *
clientconf_alias (const struct clientconf *conf, const char *name)
{
  const struct config_section *section = section_with (conf, "alias", name);

  return section ? config_key (section, name)->value : NULL;
}
