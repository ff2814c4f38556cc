/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What virgate-ssh-helper says to virgated: one note, which two descriptors
 * come along with, and the answer to it.  Private to these two, which are
 * built together; the version tells when they were not.
 *
 *   note    "VgSh", version, flags, length of the rest (2 bytes, big-endian);
 *           then fields: number, length (one byte each), printable ASCII
 *   answer  NOTE_TAKEN, and later NOTE_DONE when the connection ended in
 *           order; or NOTE_REFUSED and the reason, to the end
 */
#ifndef VIRGATE_TRANSPORT_SSH_NOTE_H
#define VIRGATE_TRANSPORT_SSH_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTE_MAGIC "VgSh"
#define NOTE_VERSION 1
#define NOTE_HEAD 8
#define NOTE_TEXT_MAX 255       /* of one field */

#define NOTE_READ_ONLY 1        /* flag */

#define NOTE_TAKEN 'T'
#define NOTE_DONE 'D'
#define NOTE_REFUSED 'R'

enum note_field {
  NOTE_ADDRESSES,               /* SSH_CONNECTION: address port address port */
  NOTE_USER,                    /* the account */
  NOTE_KEY,                     /* SHA256:... */
  NOTE_IDENTITY,                /* of the command line */
  NOTE_FIELDS
};

/* All fields, each as long as it can be. */
#define NOTE_MAX (NOTE_HEAD + NOTE_FIELDS * (2 + NOTE_TEXT_MAX))

struct note {
  bool read_only;
  char field[NOTE_FIELDS][NOTE_TEXT_MAX + 1]; /* "": not given */
};

/* May this text be a field?  Printable ASCII, not too long, not empty. */
bool note_is_text (const char *text);

/* Returns the length of the note in out. */
size_t note_write (const struct note *note, uint8_t out[NOTE_MAX]);

/* How long the note is that begins so.
 *
 * Returns its length, 0 when more bytes are needed to know, or -1 with *why
 * when it is none.
 */
int note_length (const uint8_t *data, size_t len, const char **why);

/* Read a whole one.  Unknown fields are skipped.  0, or -1 with *why. */
int note_read (const uint8_t *data, size_t len, struct note *note,
               const char **why);

#endif /* VIRGATE_TRANSPORT_SSH_NOTE_H */
