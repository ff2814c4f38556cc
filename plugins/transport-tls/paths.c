/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where certificates lie: libvirt's places, system-wide and per user, so that
 * existing ones work.  CA and revocation list fall back one by one,
 * certificate and key only as a pair.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "creds.h"

static const char *const user_names[2][TLS_FILES] = {
  { "cacert.pem", "cacrl.pem", "clientcert.pem", "clientkey.pem" },
  { "cacert.pem", "cacrl.pem", "servercert.pem", "serverkey.pem" },
};

static const char *const system_names[2][TLS_FILES] = {
  { "CA/cacert.pem", "CA/cacrl.pem", "libvirt/clientcert.pem",
    "libvirt/private/clientkey.pem" },
  { "CA/cacert.pem", "CA/cacrl.pem", "libvirt/servercert.pem",
    "libvirt/private/serverkey.pem" },
};

static char *
join (const char *folder, const char *name)
{
  char *path;

  return asprintf (&path, "%s/%s", folder, name) == -1 ? NULL : path;
}

static bool
exists (const char *folder, const char *name)
{
  CLEANUP_FREE char *path = join (folder, name);

  return path && access (path, F_OK) == 0;
}

static int
set_default (struct tls_paths *paths, enum tls_files which,
             const char *folder, const char *name)
{
  if (paths->file[which])
    return 0;
  paths->file[which] = join (folder, name);
  return paths->file[which] ? 0 : -1;
}

/* The user's folder of certificates, or NULL: root has none. */
static char *
user_folder (void)
{
  const char *home = geteuid () == 0 ? NULL : secure_getenv ("HOME");

  return home && home[0] == '/' ? join (home, ".pki/libvirt") : NULL;
}

static int
defaults_from (struct tls_paths *paths, bool server, const char *user)
{
  const char *const *mine = user_names[server], *const *all
    = system_names[server];
  bool has_pair = user && exists (user, mine[TLS_CERT])
                  && exists (user, mine[TLS_KEY]);

  for (int i = 0; i < TLS_FILES; i++) {
    bool from_user = i < TLS_CERT ? user && exists (user, mine[i]) : has_pair;

    if (set_default (paths, i, from_user ? user : PKIDIR,
                     from_user ? mine[i] : all[i]) == -1)
      return -1;
  }
  return 0;
}

int
tls_paths_default (struct tls_paths *paths, bool server, const char *folder)
{
  CLEANUP_FREE char *user = NULL;

  for (int i = 0; i < TLS_FILES; i++)
    paths->is_optional[i] = paths->file[i] == NULL
                            && (i == TLS_CRL || (i >= TLS_CERT && !server));
  /* Half a pair that was configured does not go with a default half. */
  if (!paths->file[TLS_CERT] != !paths->file[TLS_KEY])
    paths->is_optional[TLS_CERT] = paths->is_optional[TLS_KEY] = false;
  if (folder) {
    for (int i = 0; i < TLS_FILES; i++)
      if (set_default (paths, i, folder, user_names[server][i]) == -1)
        return -1;
    return 0;
  }
  user = user_folder ();
  return defaults_from (paths, server, user);
}

int
tls_paths_copy (struct tls_paths *to, const struct tls_paths *from)
{
  memset (to, 0, sizeof *to);
  for (int i = 0; i < TLS_FILES; i++) {
    to->is_optional[i] = from->is_optional[i];
    if (from->file[i] && (to->file[i] = strdup (from->file[i])) == NULL) {
      tls_paths_free (to);
      return -1;
    }
  }
  return 0;
}

void
tls_paths_free (struct tls_paths *paths)
{
  for (int i = 0; i < TLS_FILES; i++)
    free (paths->file[i]);
  memset (paths, 0, sizeof *paths);
}
