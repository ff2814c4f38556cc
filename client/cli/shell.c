/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Commands one after another: from a line of text, from a pipe, or typed.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

#define LINE_PIECE 4096         /* bytes read at once */

enum status
run_words (struct app *app, int argc, char **argv)
{
  struct parsed parsed = { .def = command_find (argv[0]) };
  CLEANUP_FREE char **args = NULL;
  char why[256];
  int rc;

  if (parsed.def == NULL) {
    CLEANUP_FREE char *text = must_format ("unknown command: '%s'", argv[0]);

    output_error (app, text, NULL);
    return STATUS_USAGE;
  }
  rc = options_parse (&parsed, argc, argv, why, sizeof why);
  args = parsed.args;
  if (rc < 0) {
    output_error (app, why, NULL);
    fputs ("usage: ", stderr);
    command_usage (stderr, parsed.def);
    fputc ('\n', stderr);
    return STATUS_USAGE;
  }
  return hosts_run (app, &parsed);
}

enum status
run_line (struct app *app, const char *line)
{
  enum status status = STATUS_OK;

  while (*line && !app->quit) {
    CLEANUP_FREE char **words = NULL;
    const char *why;
    int count = line_split (&line, &words, &why);

    if (count < 0) {
      output_error (app, why, NULL);
      return STATUS_USAGE;
    }
    if (count > 0)
      status = run_words (app, count, words);
  }
  return status;
}

char *
history_path (void)
{
  const char *state = getenv ("XDG_STATE_HOME"), *home = getenv ("HOME");
  CLEANUP_FREE char *dir = NULL;

  if (state && *state == '/')
    dir = must_format ("%s/virgate", state);
  else if (home && *home == '/')
    dir = must_format ("%s/.local/state/virgate", home);
  else
    return NULL;
  for (char *slash = strchr (dir + 1, '/'); slash;
       slash = strchr (slash + 1, '/')) {
    *slash = '\0';
    mkdir (dir, 0700);          /* those that exist stay as they are */
    *slash = '/';
  }
  if (mkdir (dir, 0700) < 0 && errno != EEXIST)
    return NULL;
  return must_format ("%s/history", dir);
}

/* Is a line free of commands that may carry secrets? */
static bool
is_memorable (const char *line)
{
  const char *why;

  if (*line == ' ')             /* as in bash */
    return false;
  while (*line) {
    CLEANUP_FREE char **words = NULL;
    int count = line_split (&line, &words, &why);
    const struct command *def = count > 0 ? command_find (words[0]) : NULL;

    if (count < 0 || (def && def->flags & COMMAND_SECRET))
      return false;
  }
  return true;
}

/* Take more input; at its end, a last line without newline gets one. */
static void
line_more (struct line_reader *reader, struct app *app)
{
  char *to = buf_reserve (&reader->buf, LINE_PIECE);
  ssize_t n = -1;

  if (to) {
    hosts_wait (app, STDIN_FILENO);
    n = read (STDIN_FILENO, to, LINE_PIECE);
  }
  if (n > 0)
    reader->buf.end += (size_t) n;
  else if (n == 0 || errno != EINTR) {
    reader->at_end = true;
    if (to && buf_len (&reader->buf) > 0) {
      *to = '\n';
      reader->buf.end++;
    }
  }
}

const char *
line_read (struct line_reader *reader, struct app *app)
{
  char *line, *end = NULL;

  buf_consume (&reader->buf, reader->used);
  reader->used = 0;
  for (;;) {
    line = buf_len (&reader->buf) ? buf_data (&reader->buf) : NULL;
    end = line ? memchr (line, '\n', buf_len (&reader->buf)) : NULL;
    if (end || reader->at_end)
      break;
    line_more (reader, app);
  }
  if (end == NULL)
    return NULL;
  *end = '\0';
  reader->used = (size_t) (end - line) + 1;
  return line;
}

/* Lines from a pipe or a file. */
static enum status
shell_read_all (struct app *app)
{
  struct line_reader reader = { BUF_INIT, 0, false };
  enum status status = STATUS_OK;
  const char *line;

  while (!app->quit && (line = line_read (&reader, app))) {
    status = run_line (app, line);
    fflush (stdout);
  }
  buf_free (&reader.buf);
  return status;
}

enum status
shell_run (struct app *app)
{
  const char *prompt = app->read_only ? "virgate > " : "virgate # ";
  enum status status = STATUS_OK;
  struct editor *editor;
  const char *line;

  if (!isatty (STDIN_FILENO))
    return shell_read_all (app);
  editor = editor_open (app);
  if (editor == NULL)
    return shell_read_all (app);
  if (!app->json)
    puts ("Type:  'help' for help with commands\n"
          "       'quit' to quit\n");
  while (!app->quit && (line = editor_read (editor, prompt))) {
    CLEANUP_FREE char *copy = must_strdup (line);

    if (is_memorable (copy))
      editor_remember (editor, copy);
    status = run_line (app, copy);
    fflush (stdout);
  }
  editor_close (editor);
  return status;
}
