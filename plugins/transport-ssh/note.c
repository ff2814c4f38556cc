/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writing and reading the helper's note; see note.h.
 */
#include "config.h"

#include <string.h>

#include "note.h"

static bool
is_printable (const uint8_t *text, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if (text[i] < 0x20 || text[i] > 0x7e)
      return false;
  return true;
}

bool
note_is_text (const char *text)
{
  size_t len = strlen (text);

  return len > 0 && len <= NOTE_TEXT_MAX
         && is_printable ((const uint8_t *) text, len);
}

size_t
note_write (const struct note *note, uint8_t out[NOTE_MAX])
{
  uint8_t *to = out + NOTE_HEAD;
  size_t rest;

  for (int i = 0; i < NOTE_FIELDS; i++) {
    size_t len = strlen (note->field[i]);

    if (len == 0)
      continue;
    *to++ = i;
    *to++ = len;
    to = mempcpy (to, note->field[i], len);
  }
  rest = to - out - NOTE_HEAD;
  memcpy (out, NOTE_MAGIC, 4);
  out[4] = NOTE_VERSION;
  out[5] = note->read_only ? NOTE_READ_ONLY : 0;
  out[6] = rest >> 8;
  out[7] = rest & 0xff;
  return to - out;
}

static int
fail (const char **why, const char *text)
{
  *why = text;
  return -1;
}

int
note_length (const uint8_t *data, size_t len, const char **why)
{
  size_t known = len < 4 ? len : 4;
  size_t total;

  if (memcmp (data, NOTE_MAGIC, known) != 0)
    return fail (why, "this is not what virgate-ssh-helper says");
  if (len > 4 && data[4] != NOTE_VERSION)
    return fail (why, "virgate-ssh-helper and virgated are of different "
                 "versions");
  if (len < NOTE_HEAD)
    return 0;
  total = NOTE_HEAD + (data[6] << 8 | data[7]);
  if (total > NOTE_MAX)
    return fail (why, "the helper says too much");
  return total;
}

/* One field; returns the bytes that it takes, or 0. */
static size_t
read_field (const uint8_t *data, size_t len, struct note *note)
{
  size_t text_len;

  if (len < 2)
    return 0;
  text_len = data[1];
  if (text_len > len - 2 || !is_printable (data + 2, text_len))
    return 0;
  if (data[0] < NOTE_FIELDS) {
    if (note->field[data[0]][0] != '\0')
      return 0;
    memcpy (note->field[data[0]], data + 2, text_len);
    note->field[data[0]][text_len] = '\0';
  }
  return 2 + text_len;
}

int
note_read (const uint8_t *data, size_t len, struct note *note,
           const char **why)
{
  int total = note_length (data, len, why);
  size_t at = NOTE_HEAD;

  memset (note, 0, sizeof *note);
  if (total == -1)
    return -1;
  if (total == 0 || len != (size_t) total)
    return fail (why, "the helper's note is not whole");
  note->read_only = data[5] & NOTE_READ_ONLY;
  while (at < len) {
    size_t used = read_field (data + at, len - at, note);

    if (used == 0)
      return fail (why, "the helper's note is damaged");
    at += used;
  }
  return 0;
}
