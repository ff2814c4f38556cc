/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which names may be asked of the daemon behind.  libvirt's library opens
 * more than hypervisors: files (test:///PATH), programs (vmwareplayer), other
 * hosts (esx).  What is passed on is a list of what does none of this.
 */
#include "config.h"

#include <fnmatch.h>
#include <string.h>

#include "upstream.h"

/* Drivers that live in libvirt's daemons. */
static const char *const drivers[] = {
  "qemu", "lxc", "test", "xen", "bhyve", "vz", "vbox", "openvz", "ch",
  "network", "nodedev", "storage", "secret", "nwfilter", "interface", NULL
};

/* Paths that are no files. */
static const char *const paths[] = {
  "", "/", "/system", "/session", "/default", NULL
};

static bool
is_one_of (const char *const *words, const char *word, size_t len)
{
  for (; *words; words++)
    if (strlen (*words) == len && strncmp (*words, word, len) == 0)
      return true;
  return false;
}

static bool
is_listed (char *const *patterns, const char *name)
{
  for (; patterns && *patterns; patterns++)
    if (fnmatch (*patterns, name, FNM_PATHNAME) == 0)
      return true;
  return false;
}

/* An empty name lets the daemon choose among its own. */
bool
name_is_harmless (const char *name, char *const *allowed)
{
  size_t driver = strcspn (name, ":");
  const char *path;

  if (*name == '\0' || is_listed (allowed, name))
    return true;
  path = name + driver + strspn (name + driver, ":");
  if (strncmp (path, "//", 2) == 0)
    path += 2;
  return is_one_of (drivers, name, driver)
         && is_one_of (paths, path, strcspn (path, "?#"));
}
