/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What Cyrus SASL has once in a process, however many sections there are:
 * whether it was started, the name of its config file, and Kerberos's keytab.
 * That it was started is never undone: others in the process (libvirt's
 * library in a Python program, LDAP below PAM) may use it as well.
 */
#include "config.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/mem.h"
#include "sasl.h"

/* Where Kerberos looks when nothing names another place. */
#define KEYTAB_DEFAULT "/etc/krb5.keytab"

typedef uint32_t register_fn (const char *keytab);

/* The lock guards this structure, and steps of mechanisms that are not known
 * to bear company.  Nothing else is locked inside it.
 */
static struct {
  pthread_mutex_t lock;
  bool has_server, has_client;
  char app_name[NAME_MAX];      /* of the server half */
  register_fn *set_keytab;      /* once a section names one */
} process = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Messages that belong to no conversation: of plugins that lack a setting
 * they would need, whether they are used or not.
 */
static int
ignore_log (void *context, int level, const char *message)
{
  return SASL_OK;
}

static const sasl_callback_t server_callbacks[] = {
  { SASL_CB_LOG, CALLBACK (ignore_log), NULL },
  { SASL_CB_LIST_END, NULL, NULL },
};

static int
begin_server (const struct sasl *s)
{
  int code;

  if (process.has_server && strcmp (process.app_name, s->app_name) != 0)
    return s->host->error (s->host, "Cyrus SASL reads one config file in a "
                           "process, and has read %s.conf: app-name = %s "
                           "cannot be had, too (after a change, restart)",
                           process.app_name, s->app_name);
  if (process.has_server)
    return 0;
  if (strlen (s->app_name) >= sizeof process.app_name)
    return s->host->error (s->host, "app-name is too long");
  strcpy (process.app_name, s->app_name);
  code = sasl_server_init (server_callbacks, process.app_name);
  if (code != SASL_OK)
    return s->host->error (s->host, "cannot start Cyrus SASL: %s",
                           sasl_errstring (code, NULL, NULL));
  decoy_register ();
  process.has_server = true;
  return 0;
}

/* The program may have started it already, or do so later: that is counted. */
static int
begin_client (const struct sasl *s)
{
  int code = process.has_client ? SASL_OK : sasl_client_init (NULL);

  process.has_client = code == SASL_OK;
  if (code != SASL_OK)
    return s->host->error (s->host, "cannot start Cyrus SASL: %s",
                           sasl_errstring (code, NULL, NULL));
  return 0;
}

/* Cyrus tells Kerberos about a keytab only once, when it loads the plugin;
 * with the function that it uses for that, each section can have its own.
 */
static int
find_set_keytab (const struct sasl *s)
{
  static const struct { const char *library, *symbol; } names[] = {
    { "libgssapi_krb5.so.2", "krb5_gss_register_acceptor_identity" },
    { "libgssapi.so.3", "gsskrb5_register_acceptor_identity" },
  };

  for (size_t i = 0; i < COUNT_OF (names) && !process.set_keytab; i++) {
    void *library = dlopen (names[i].library, RTLD_LAZY | RTLD_NOLOAD);

    if (library)
      process.set_keytab = (register_fn *) (uintptr_t)
                           dlsym (library, names[i].symbol);
  }
  if (process.set_keytab)
    return 0;
  return s->host->error (s->host, "keytab is given, but Cyrus SASL has no "
                         "plugin for GSSAPI here");
}

int
process_begin_client (const struct sasl *s)
{
  LOCK_FOR_SCOPE (&process.lock);

  return begin_client (s);
}

int
process_begin_server (const struct sasl *s)
{
  LOCK_FOR_SCOPE (&process.lock);

  if (begin_server (s) == -1)
    return -1;
  return s->keytab ? find_set_keytab (s) : 0;
}

int
process_plugins (struct words *words)
{
  const char **names = sasl_global_listmech ();

  for (; names && *names; names++)
    if (!words_have (words, *names)
        && words_add (words, *names, strlen (*names)) == -1)
      return -1;
  return 0;
}

/* As Kerberos names it, but for the type in front. */
static const char *
keytab_of (const struct sasl *s)
{
  const char *name = s->keytab ? s->keytab : secure_getenv ("KRB5_KTNAME");

  if (name && strncasecmp (name, "FILE:", 5) == 0)
    name += 5;
  return name && *name ? name : KEYTAB_DEFAULT;
}

bool
process_has_keytab (const struct sasl *s)
{
  return access (keytab_of (s), R_OK) == 0;
}

static bool
uses_keytab (const char *mech)
{
  return strncasecmp (mech, "GS", 2) == 0; /* GSSAPI, GSS-SPNEGO, GS2-KRB5 */
}

/* Other plugins have state of their own, which Cyrus guards with locks that a
 * program would have to provide before anybody has started it; and Kerberos's
 * servers have one keytab.  A client by Kerberos may wait for its KDC.
 */
static bool
goes_alone (const struct conv *conv, const char *mech)
{
  if (uses_keytab (mech))
    return !conv->is_client;
  return strncasecmp (mech, "SCRAM-", 6) != 0
         && strcasecmp (mech, "PLAIN") != 0;
}

void
process_enter (const struct conv *conv, const char *mech)
{
  if (!goes_alone (conv, mech))
    return;
  pthread_mutex_lock (&process.lock);
  if (process.set_keytab && uses_keytab (mech))
    process.set_keytab (keytab_of (conv->s));
}

void
process_leave (const struct conv *conv, const char *mech)
{
  if (goes_alone (conv, mech))
    pthread_mutex_unlock (&process.lock);
}
