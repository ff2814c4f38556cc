/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where certificates and keys are put, so that libvirt and virgate find them,
 * with the modes that they must have.  Files are replaced whole or not at
 * all.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pki.h"

static const struct {
  const char *in_folder, *in_system;
  mode_t mode;
} places[PKI_FILES] = {
  [PKI_CA_CERT] = { "cacert.pem", "CA/cacert.pem", 0644 },
  [PKI_CA_CRL] = { "cacrl.pem", "CA/cacrl.pem", 0644 },
  [PKI_CA_KEY] = { "private/cakey.pem", "CA/private/cakey.pem", 0600 },
  [PKI_ISSUED] = { "issued", "CA/issued", 0755 },
  [PKI_SERVER_CERT] = { "servercert.pem", "libvirt/servercert.pem", 0644 },
  [PKI_SERVER_KEY] = { "serverkey.pem", "libvirt/private/serverkey.pem",
                       0600 },
  [PKI_CLIENT_CERT] = { "clientcert.pem", "libvirt/clientcert.pem", 0644 },
  [PKI_CLIENT_KEY] = { "clientkey.pem", "libvirt/private/clientkey.pem",
                       0600 },
};

int
pki_open (struct pki *pki, struct cmd *cmd, const char *folder)
{
  const char *home = getenv ("HOME");

  *pki = (struct pki) { .cmd = cmd, .may_replace = opt_bool (cmd, "force") };
  if (folder)
    pki->folder = must_strdup (folder);
  else if (geteuid () != 0 && (home == NULL || *home != '/'))
    return cmd_fail (cmd, STATUS_FAILED, "HOME is not set: say --dir DIR");
  else if (geteuid () != 0)
    pki->folder = must_format ("%s/.pki/libvirt", home);
  return 0;
}

void
pki_close (struct pki *pki)
{
  free (pki->folder);
}

char *
pki_path (const struct pki *pki, enum pki_file which)
{
  return pki->folder
         ? must_format ("%s/%s", pki->folder, places[which].in_folder)
         : must_format ("%s/%s", PKIDIR, places[which].in_system);
}

int
pki_read (struct cmd *cmd, const char *path, gnutls_datum_t *text)
{
  int r = gnutls_load_file (path, text);

  if (r == 0)
    return 0;
  return cmd_fail (cmd, STATUS_FAILED, "cannot read %s: %s", path,
                   errno ? strerror (errno) : gnutls_strerror (r));
}

/* Make the folder of a path, and those above it.  What holds keys is for its
 * owner alone; so is a folder that somebody made for one set of certificates.
 */
static int
make_folders (const struct pki *pki, char *path)
{
  for (char *slash = strchr (path + 1, '/'); slash;
       slash = strchr (slash + 1, '/')) {
    bool is_ours, is_private;

    *slash = '\0';
    is_ours = pki->folder && strncmp (path, pki->folder,
                                      strlen (pki->folder)) == 0;
    is_private = is_ours || (slash - path > 8
                             && strcmp (slash - 8, "/private") == 0);
    if (mkdir (path, is_private ? 0700 : 0755) == -1 && errno != EEXIST) {
      cmd_fail (pki->cmd, STATUS_FAILED, "cannot make folder %s: %s", path,
                strerror (errno));
      *slash = '/';
      return -1;
    }
    *slash = '/';
  }
  return 0;
}

int
pki_is_free (const struct pki *pki, enum pki_file which)
{
  CLEANUP_FREE char *path = pki_path (pki, which);

  if (pki->may_replace || access (path, F_OK) != 0)
    return 0;
  return cmd_fail (pki->cmd, STATUS_FAILED, "%s exists; --force replaces it",
                   path);
}

static int
write_new (const char *path, mode_t mode, const gnutls_datum_t *text)
{
  CLEANUP_CLOSE int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                               mode);
  size_t at = 0;

  if (fd == -1 || fchmod (fd, mode) == -1)
    return -1;
  while (at < text->size) {
    ssize_t n = write (fd, text->data + at, text->size - at);

    if (n == -1)
      return -1;
    at += n;
  }
  return fsync (fd);
}

int
pki_write (const struct pki *pki, enum pki_file which,
           const gnutls_datum_t *text)
{
  CLEANUP_FREE char *path = pki_path (pki, which);
  CLEANUP_FREE char *fresh = must_format ("%s.new-%ld", path,
                                          (long) getpid ());
  bool may_replace = pki->may_replace || which == PKI_CA_CRL;

  if (make_folders (pki, path) == -1)
    return -1;
  if (write_new (fresh, places[which].mode, text) == 0
      && (may_replace ? rename (fresh, path) : link (fresh, path)) == 0) {
    if (!may_replace)
      unlink (fresh);
    return 0;
  }
  cmd_fail (pki->cmd, STATUS_FAILED, "cannot write %s: %s%s", path,
            strerror (errno),
            errno == EEXIST ? "; --force replaces it" : "");
  unlink (fresh);
  return -1;
}
