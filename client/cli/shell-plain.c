/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The shell's lines without libedit: read as they come, nothing remembered.
 */
#include "config.h"

#include <stdlib.h>

#include "cli.h"

const char editor_name[] = "none";

struct editor {
  struct app *app;
  struct line_reader reader;
};

struct editor *
editor_open (struct app *app)
{
  struct editor *editor = must_alloc (NULL, 1, sizeof *editor);

  *editor = (struct editor) { app, { BUF_INIT, 0, false } };
  return editor;
}

const char *
editor_read (struct editor *editor, const char *prompt)
{
  fputs (prompt, stdout);
  fflush (stdout);
  return line_read (&editor->reader, editor->app);
}

void
editor_remember (struct editor *editor, const char *line)
{
}

void
editor_close (struct editor *editor)
{
  buf_free (&editor->reader.buf);
  free (editor);
}
