/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a stranger may say to a listener for ssh, and to the helper by way of
 * the command that his client asks for.  A note that was read is written and
 * read again as the same.
 */
#include "config.h"

#include <stdlib.h>

#include "plugins/transport-ssh/fingerprint.c"
#include "plugins/transport-ssh/helper-original.c"
#include "plugins/transport-ssh/note.c"

#include "fuzz.h"

static void
check_note (const uint8_t *data, size_t len)
{
  uint8_t again[NOTE_MAX];
  struct note note, copy;
  const char *why = NULL;

  if (note_read (data, len, &note, &why) == -1) {
    if (why == NULL)
      abort ();
    return;
  }
  len = note_write (&note, again);
  if (len > sizeof again || note_read (again, len, &copy, &why) == -1
      || copy.read_only != note.read_only)
    abort ();
  for (int i = 0; i < NOTE_FIELDS; i++)
    if (strcmp (note.field[i], copy.field[i]) != 0
        || (*note.field[i] && !note_is_text (note.field[i])))
      abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  char *text = strndup ((const char *) data, len), print[FINGERPRINT_MAX];
  struct wish wish = { .read_only = false };

  check_note (data, len);
  original_read (text, &wish);
  if (fingerprint (text, strlen (text), print) == 0
      && strlen (print) != FINGERPRINT_MAX - 1)
    abort ();
  free (text);
  return 0;
}
