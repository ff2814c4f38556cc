/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a fuzz target over files: the corpus as a regression test in builds
 * without a fuzzer.
 */
#include <errno.h>
#include <stdio.h>

#include "fuzz.h"

static int
replay (const char *path)
{
  FILE *file = fopen (path, "rb");
  static uint8_t data[1 << 22];
  size_t len;

  if (file == NULL) {
    fprintf (stderr, "%s: %s\n", path, strerror (errno));
    return -1;
  }
  len = fread (data, 1, sizeof data, file);
  fclose (file);
  LLVMFuzzerTestOneInput (data, len);
  return 0;
}

int
main (int argc, char **argv)
{
  int status = 0;

  for (int i = 1; i < argc; i++)
    if (replay (argv[i]) == -1)
      status = 1;
  printf ("%d inputs\n", argc - 1);
  return status;
}
