/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * auth-sasl: SASL's mechanisms as Cyrus has them, above all SCRAM and
 * Kerberos.  This file reads a section; a conversation is in conv.c and one
 * of server.c and client.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "sasl.h"

static const struct virgate_option options[] = {
  { "mechanisms", VIRGATE_OPTION_LIST,
    .help = "SASL mechanisms to offer, or in a client to use, best first" },
  { "database", VIRGATE_OPTION_PATH,
    .help = "file of users that saslpasswd2 made; servers only" },
  { "keytab", VIRGATE_OPTION_PATH,
    .help = "Kerberos keys of this server; servers only" },
  { "hostname", VIRGATE_OPTION_STRING,
    .help = "the server's name in its Kerberos principal" },
  { "service", VIRGATE_OPTION_STRING, .def = "libvirt",
    .help = "the principal's first part" },
  { "realm", VIRGATE_OPTION_STRING,
    .help = "realm of users who give none" },
  { "users", VIRGATE_OPTION_LIST,
    .help = "patterns of names that may enter; servers only" },
  { "group", VIRGATE_OPTION_LIST,
    .help = "NAME PATTERN: users that belong to a group; servers only" },
  { "min-ssf", VIRGATE_OPTION_UINT, .min = BITS_MIN, .max = 1024,
    .unit = "bits", .def = "56",
    .help = "protection that is needed where others can listen" },
  { "app-name", VIRGATE_OPTION_STRING, .def = "virgated",
    .help = "Cyrus reads NAME.conf in its folder, once; servers only" },
  { "option", VIRGATE_OPTION_LIST,
    .help = "NAME VALUE: an option of Cyrus SASL for this section" },
  { NULL }
};

static int
sasl_open (const struct virgate_host *host, void **inst)
{
  struct sasl *s = calloc (1, sizeof *s);

  if (s == NULL)
    return host->error (host, "out of memory");
  s->host = host;
  s->bits_min = BITS_MIN;
  *inst = s;
  return 0;
}

static void
sasl_close (void *inst)
{
  struct sasl *s = inst;
  char *const strings[] = {
    s->service, s->hostname, s->realm, s->app_name, s->database, s->keytab,
    s->mech_list, s->offered[0], s->offered[1],
  };

  for (size_t i = 0; i < COUNT_OF (strings); i++)
    free (strings[i]);
  words_free (&s->mechanisms);
  words_free (&s->users);
  words_free (&s->groups);
  words_free (&s->options);
  free (s);
}

/* Where the value of a key goes. */
static const struct {
  const char *key;
  size_t string;                /* offset; or */
  size_t words;
  const char *separators;       /* of words; "": the value is one */
  bool is_pair;                 /* NAME and something */
  bool is_server;               /* means nothing in a client */
} places[] = {
#define AT(field) offsetof (struct sasl, field)
  { "mechanisms", 0, AT (mechanisms), " \t," },
  { "database", AT (database), .is_server = true },
  { "keytab", AT (keytab), .is_server = true },
  { "hostname", AT (hostname) },
  { "service", AT (service) },
  { "realm", AT (realm) },
  { "users", 0, AT (users), " \t", .is_server = true },
  { "group", 0, AT (groups), "", .is_pair = true, .is_server = true },
  { "app-name", AT (app_name), .is_server = true },
  { "option", 0, AT (options), "", .is_pair = true },
#undef AT
};

static int
put (struct sasl *s, size_t place, const char *value)
{
  char **string = (char **) ((char *) s + places[place].string);

  if (places[place].words)
    return words_split ((struct words *) ((char *) s + places[place].words),
                        value, places[place].separators);
  free (*string);
  *string = strdup (value);
  return *string ? 0 : -1;
}

static bool
is_pair (const char *value)
{
  size_t len = strcspn (value, " \t");

  return len > 0 && value[len + strspn (value + len, " \t")];
}

static int
sasl_config (void *inst, const char *key, const char *value)
{
  struct sasl *s = inst;
  const struct virgate_host *host = s->host;

  for (size_t i = 0; i < COUNT_OF (places); i++) {
    if (strcmp (key, places[i].key) != 0)
      continue;
    if (places[i].is_server && host->role == VIRGATE_ROLE_CLIENT)
      return host->error (host, "%s is for servers", key);
    if (*value == '\0' || (places[i].is_pair && !is_pair (value)))
      return host->error (host, places[i].is_pair ? "write NAME, then a value"
                                                  : "a value is wanted");
    return put (s, i, value) == 0 ? 0 : host->error (host, "out of memory");
  }
  s->bits_min = strtoul (value, NULL, 10);
  return 0;
}

static int
set_default (struct sasl *s, char **string, const char *value)
{
  if (*string == NULL)
    *string = strdup (value);
  return *string ? 0 : s->host->error (s->host, "out of memory");
}

static int
sasl_ready (void *inst)
{
  struct sasl *s = inst;

  if (set_default (s, &s->service, "libvirt") == -1
      || set_default (s, &s->app_name, "virgated") == -1)
    return -1;
  return s->host->role == VIRGATE_ROLE_CLIENT ? process_begin_client (s)
                                              : server_ready (s);
}

/* Of `option`, the last that has this name. */
static const char *
named_option (const struct sasl *s, const char *name)
{
  size_t len = strlen (name);

  for (size_t i = s->options.count; i > 0; i--) {
    const char *word = s->options.word[i - 1];

    if (strncmp (word, name, len) == 0 && strchr (" \t", word[len]))
      return word + len + strspn (word + len, " \t");
  }
  return NULL;
}

const char *
sasl_option (const struct sasl *s, const char *name)
{
  const char *value = named_option (s, name);

  if (value)
    return value;
  if (strcmp (name, "mech_list") == 0)
    return s->mech_list;
  if (strcmp (name, "keytab") == 0)
    return s->keytab;
  if (s->database == NULL)
    return NULL;
  return strcmp (name, "sasldb_path") == 0 ? s->database
         : strcmp (name, "auxprop_plugin") == 0 ? "sasldb"
         : strcmp (name, "pwcheck_method") == 0 ? "auxprop" : NULL;
}

/* Databases and directories may take their time. */
static const struct virgate_auth_ops ops = {
  .flags = VIRGATE_AUTH_BLOCKS | VIRGATE_AUTH_LONG,
  .mechanisms = server_mechanisms,
  .start = server_start,
  .step = server_step,
  .conv_free = conv_free,
  .client_start = client_start,
  .client_step = client_step,
  .layer = conv_layer,
  .wrap = conv_wrap,
  .unwrap = conv_unwrap,
  .layer_bits = conv_layer_bits,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_AUTH,
  .ops_size = sizeof ops,
  .name = "sasl",
  .version = PACKAGE_VERSION,
  .summary = "SASL: SCRAM, Kerberos and others, by Cyrus SASL",
  .options = options,
  .open = sasl_open,
  .config = sasl_config,
  .ready = sasl_ready,
  .close = sasl_close,
  .ops = &ops,
};
