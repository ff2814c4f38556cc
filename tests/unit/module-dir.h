/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A folder of modules for tests: libraries that were built beside the tests,
 * copied in under a module's name.
 */
#ifndef VIRGATE_TESTS_MODULE_DIR_H
#define VIRGATE_TESTS_MODULE_DIR_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline char *
module_dir_new (char *template)
{
  strcpy (template, "/tmp/virgate-modules-XXXXXX");
  return mkdtemp (template);
}

static inline void
module_dir_free (const char *dir)
{
  char path[600];
  DIR *entries = opendir (dir);
  struct dirent *entry;

  while (entries && (entry = readdir (entries))) {
    snprintf (path, sizeof path, "%s/%s", dir, entry->d_name);
    unlink (path);
  }
  if (entries)
    closedir (entries);
  rmdir (dir);
}

/* Copy FROM to DIR/NAME; 0 or -1. */
static inline int
module_dir_add (const char *dir, const char *from, const char *name)
{
  char path[600], bytes[65536];
  int in = open (from, O_RDONLY), out;
  ssize_t n = 0;

  snprintf (path, sizeof path, "%s/%s", dir, name);
  out = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  while (in >= 0 && out >= 0 && (n = read (in, bytes, sizeof bytes)) > 0)
    if (write (out, bytes, n) != n)
      break;
  n = in >= 0 && out >= 0 ? n : -1;
  close (in);
  close (out);
  return n == 0 ? 0 : -1;
}

#endif /* VIRGATE_TESTS_MODULE_DIR_H */
