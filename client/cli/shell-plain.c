/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The shell's lines without libedit: read as they come, nothing remembered.
 */
#include "config.h"

#include <stdlib.h>

#include "cli.h"

const char editor_name[] = "none";

struct editor {
  char *line;
  size_t size;
};

struct editor *
editor_open (struct app *app)
{
  struct editor *editor = must_alloc (NULL, 1, sizeof *editor);

  editor->line = NULL;
  editor->size = 0;
  return editor;
}

const char *
editor_read (struct editor *editor, const char *prompt)
{
  ssize_t len;

  fputs (prompt, stdout);
  fflush (stdout);
  len = getline (&editor->line, &editor->size, stdin);
  if (len <= 0)
    return NULL;
  if (editor->line[len - 1] == '\n')
    editor->line[len - 1] = '\0';
  return editor->line;
}

void
editor_remember (struct editor *editor, const char *line)
{
}

void
editor_close (struct editor *editor)
{
  free (editor->line);
  free (editor);
}
