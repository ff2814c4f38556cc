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

/* A pattern never stands for parameters. */
static bool
is_listed (char *const *patterns, const char *name)
{
  bool has_params = strpbrk (name, "?#") != NULL;

  for (; patterns && *patterns; patterns++)
    if (has_params ? strcmp (*patterns, name) == 0
                   : fnmatch (*patterns, name, FNM_PATHNAME) == 0)
      return true;
  return false;
}

/* Parameters do not pass either: where the hypervisor has a daemon of its own,
 * one that hands over to it would take "socket" for where that is.  An empty
 * name lets the daemon choose among its own.
 */
ptrdiff_t
name_harmless_len (const char *name, char *const *allowed)
{
  size_t driver = strcspn (name, ":"), len = strcspn (name, "?#");
  const char *path;

  if (*name == '\0' || is_listed (allowed, name))
    return strlen (name);
  path = name + driver + (name[driver] == ':');
  if (strncmp (path, "//", 2) == 0)
    path += 2;
  return is_one_of (drivers, name, driver) && path <= name + len
         && is_one_of (paths, path, name + len - path) ? (ptrdiff_t) len : -1;
}
