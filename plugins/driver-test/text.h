/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A reply's text, made piece by piece.
 */
#ifndef DRIVER_TEST_TEXT_H
#define DRIVER_TEST_TEXT_H

#include "common/buf.h"
#include "plugins/driver-test/driver.h"

#define TEXT_INIT { .buf = BUF_INIT }
struct text {
  struct buf buf;
  bool failed;                  /* no memory: the text is of no use */
};

/* Append one piece, less than 1000 bytes of it. */
void text_add (struct text *text, const char *format, ...)
  VIRGATE_PRINTF (2, 3);

/* The whole text, which lives as long as the call; frees TEXT's own.  Returns
 * NULL after the error was set.
 */
char *text_finish (const struct ctx *c, struct text *text);

#endif /* DRIVER_TEST_TEXT_H */
