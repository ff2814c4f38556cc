/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Payloads recorded from libvirt's own programs decode with our tables and
 * are encoded again to the same bytes.
 *
 * A line of a recording is PROGRAM NUMBER KIND HEX: kind is args, ret, msg
 * (of an event) or error.  Without arguments the recordings in data/ are
 * read; otherwise the named files, and the exit status says whether all was
 * well, for tests that record while they run.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/cleanup.h"
#include "protocol/table.h"

#define MEMORY (64 * 1024 * 1024)

/* A digit's value; recordings are ours, so others do not occur. */
static int
digit (char c)
{
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

static uint8_t *
from_hex (const char *hex, size_t *len)
{
  uint8_t *bytes = malloc (strlen (hex) / 2 + 1);

  *len = 0;
  for (; hex[0] && hex[1]; hex += 2)
    bytes[(*len)++] = digit (hex[0]) << 4 | digit (hex[1]);
  return bytes;
}

static const struct proc_row *
row_of (const char *program, int number)
{
  for (size_t i = 0; i < proc_program_count; i++)
    if (strcmp (proc_programs[i].name, program) == 0)
      return proc_find (proc_programs[i].number, number);
  return NULL;
}

static const struct xdr_type *
type_of (const struct proc_row *row, const char *kind)
{
  if (strcmp (kind, "error") == 0)
    return xdr_remote_error_type;
  return strcmp (kind, "ret") == 0 ? row->ret : row->args;
}

static int
complain (const char *path, int line, const char *what,
          const struct xdr_error *error)
{
  fprintf (stderr, "%s:%d: %s: %s %s, at byte %zu\n", path, line, what,
           error->field, error->why, error->offset);
  return -1;
}

/* Decode, encode, compare. */
static int
check_payload (const char *path, int line, const struct xdr_type *type,
               const char *hex)
{
  struct xdr_error error = { "it", "differs when encoded again", 0 };
  CLEANUP_FREE void *obj = NULL;
  CLEANUP_FREE uint8_t *bytes = NULL;
  CLEANUP (buf_free) struct buf again = BUF_INIT;
  size_t len;

  bytes = from_hex (hex, &len);
  if (xdr_check (type, bytes, len, &error) == -1)
    return complain (path, line, "check", &error);
  if (xdr_decode_block (type, bytes, len, MEMORY, &obj, &error) == -1)
    return complain (path, line, "decode", &error);
  if (xdr_encode (type, obj, &again, &error) == -1)
    return complain (path, line, "encode", &error);
  if (buf_len (&again) != len
      || (len > 0 && memcmp (buf_data (&again), bytes, len)))
    return complain (path, line, "encode", &error);
  return 0;
}

static int
check_line (const char *path, int count, char *line)
{
  const struct proc_row *row;
  char *rest = NULL;
  const char *program = strtok_r (line, " \n", &rest);
  const char *number = strtok_r (NULL, " \n", &rest);
  const char *kind = strtok_r (NULL, " \n", &rest);
  const char *hex = strtok_r (NULL, " \n", &rest);

  if (kind == NULL || (row = row_of (program, atoi (number))) == NULL) {
    fprintf (stderr, "%s:%d: unknown procedure\n", path, count);
    return -1;
  }
  return check_payload (path, count, type_of (row, kind), hex ? hex : "");
}

/* Returns how many payloads were fine, or -1. */
static int
check_file (const char *path)
{
  CLEANUP_FCLOSE FILE *file = fopen (path, "r");
  CLEANUP_FREE char *line = NULL;
  size_t size = 0;
  int count = 0, fine = 0, result = 0;

  if (file == NULL) {
    perror (path);
    return -1;
  }
  while (getline (&line, &size, file) != -1) {
    count++;
    if (line[0] == '#' || line[0] == '\n')
      continue;
    if (check_line (path, count, line) == -1)
      result = -1;
    else
      fine++;
  }
  return result ? result : fine;
}

static void
what_the_specification_shows_is_understood (void **state)
{
  assert_true (check_file (SRCDIR "/data/protocol-spec.hex") > 5);
}

static void
what_virsh_and_libvirtd_say_is_understood (void **state)
{
  assert_true (check_file (SRCDIR "/data/protocol-libvirtd.hex") > 300);
}

static void
what_the_qemu_driver_says_is_understood (void **state)
{
  assert_true (check_file (SRCDIR "/data/protocol-qemu.hex") > 50);
}

int
main (int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (what_the_specification_shows_is_understood),
    cmocka_unit_test (what_virsh_and_libvirtd_say_is_understood),
    cmocka_unit_test (what_the_qemu_driver_says_is_understood),
  };
  int result = 0;

  if (argc < 2)
    return cmocka_run_group_tests (tests, NULL, NULL);
  for (int i = 1; i < argc; i++) {
    int fine = check_file (argv[i]);

    if (fine == -1)
      result = 1;
    else
      printf ("%s: %d payloads\n", argv[i], fine);
  }
  return result;
}
