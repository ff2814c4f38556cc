/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The shell's lines with libedit: editing, history, completion with Tab.
 */
#include "config.h"

#include <errno.h>
#include <histedit.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <wchar.h>

#include "cli.h"

#define HISTORY_LINES 500
#define KILL_LINE (L'U' - L'@') /* Ctrl-U, which empties the line */

const char editor_name[] = "libedit";

struct editor {
  struct app *app;
  EditLine *el;
  History *history;
  const char *prompt;
  char *line;                   /* the one that was handed out */
};

static char *
editor_prompt (EditLine *el)
{
  struct editor *editor;

  el_get (el, EL_CLIENTDATA, &editor);
  return (char *) editor->prompt;
}

/* libedit's source of characters: one, as soon as it is typed. */
static int
editor_getc (EditLine *el, wchar_t *wc)
{
  struct editor *editor;
  mbstate_t state;
  char byte;

  el_get (el, EL_CLIENTDATA, &editor);
  memset (&state, 0, sizeof state);
  for (;;) {
    ssize_t n;
    size_t len;

    hosts_wait (editor->app, STDIN_FILENO);
    switch (signals_take (editor->app)) {
    case SIGINT:
      *wc = KILL_LINE;
      return 1;
    case SIGTERM:
      return 0;                 /* as if the input had ended */
    }
    n = read (STDIN_FILENO, &byte, 1);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return (int) n;
    len = mbrtowc (wc, &byte, 1, &state);
    if (len == (size_t) -2)
      continue;                 /* a character of several bytes */
    if (len == (size_t) -1)
      *wc = (unsigned char) byte;
    return 1;
  }
}

static void
found_add (void *opaque, const char *word)
{
  found_take (opaque, must_strdup (word));
}

/* How many bytes all of them begin with. */
static size_t
found_common (const struct found *found)
{
  size_t len = strlen (found->words[0]);

  for (size_t i = 1; i < found->count; i++)
    for (size_t n = 0; n < len; n++)
      if (found->words[i][n] != found->words[0][n])
        len = n;
  return len;
}

/* Collect what could complete the last word of text.  Returns its length. */
static size_t
editor_find (struct editor *editor, const char *text, struct found *found)
{
  CLEANUP_FREE char **words = NULL;
  CLEANUP_FREE char **typed = NULL;
  size_t len = strlen (text);
  bool is_new = len == 0 || strchr (" \t;", text[len - 1]);
  const char *why, *last;
  int count = 0;

  do {                          /* the last command of the line counts */
    free (words);
    words = NULL;
    count = line_split (&text, &words, &why);
  } while (count >= 0 && *text);
  if (count < 0)
    return 0;
  typed = must_alloc (NULL, (size_t) count + 1, sizeof (char *));
  memcpy (typed, words, (size_t) count * sizeof (char *));
  if (is_new || count == 0)
    typed[count++] = (char *) "";
  last = typed[count - 1];
  complete_words (editor->app, count, typed, found_add, found);
  return strlen (last);
}

static void
found_print (const struct found *found)
{
  putchar ('\n');
  for (size_t i = 0; i < found->count; i++)
    printf ("%s%s", found->words[i], i + 1 < found->count ? "  " : "\n");
  fflush (stdout);
}

static unsigned char
editor_complete (EditLine *el, int ch)
{
  const LineInfo *info = el_line (el);
  CLEANUP_FREE char *text = strndup (info->buffer,
                                     (size_t) (info->cursor - info->buffer));
  struct found found = { NULL, 0 };
  unsigned char rc = CC_ERROR;
  struct editor *editor;
  size_t typed, common;

  el_get (el, EL_CLIENTDATA, &editor);
  typed = text ? editor_find (editor, text, &found) : 0;
  if (found.count > 0) {
    common = found_common (&found);
    if (common > typed) {
      found.words[0][common] = '\0';
      el_insertstr (el, found.words[0] + typed);
      rc = CC_REFRESH;
    } else if (found.count > 1) {
      found_print (&found);
      rc = CC_REDISPLAY;
    }
    if (found.count == 1) {
      el_insertstr (el, " ");
      rc = CC_REFRESH;
    }
  }
  found_free (&found);
  return rc;
}

static void
editor_history (struct editor *editor)
{
  CLEANUP_FREE char *path = history_path ();
  HistEvent event;

  editor->history = history_init ();
  if (editor->history == NULL)
    return;
  history (editor->history, &event, H_SETSIZE, HISTORY_LINES);
  history (editor->history, &event, H_SETUNIQUE, 1);
  if (path)
    history (editor->history, &event, H_LOAD, path);
  el_set (editor->el, EL_HIST, history, editor->history);
}

struct editor *
editor_open (struct app *app)
{
  struct editor *editor = must_alloc (NULL, 1, sizeof *editor);

  memset (editor, 0, sizeof *editor);
  editor->app = app;
  editor->el = el_init ("virgate", stdin, stdout, stderr);
  if (editor->el == NULL) {
    free (editor);
    return NULL;
  }
  el_set (editor->el, EL_CLIENTDATA, editor);
  el_set (editor->el, EL_PROMPT, editor_prompt);
  el_set (editor->el, EL_EDITOR, "emacs");
  el_set (editor->el, EL_GETCFN, editor_getc);
  el_set (editor->el, EL_ADDFN, "virgate-complete", "complete",
          editor_complete);
  el_set (editor->el, EL_BIND, "\t", "virgate-complete", NULL);
  editor_history (editor);
  el_source (editor->el, NULL);
  return editor;
}

const char *
editor_read (struct editor *editor, const char *prompt)
{
  const char *line;
  sigset_t before;
  int len = 0;

  editor->prompt = prompt;
  signals_watch (editor->app, &before);
  line = el_gets (editor->el, &len);
  signals_unwatch (editor->app, &before);
  free (editor->line);
  editor->line = NULL;
  if (line == NULL || len <= 0)
    return NULL;
  editor->line = must_strdup (line);
  if (editor->line[len - 1] == '\n')
    editor->line[len - 1] = '\0';
  return editor->line;
}

void
editor_remember (struct editor *editor, const char *line)
{
  HistEvent event;

  if (editor->history && *line)
    history (editor->history, &event, H_ENTER, line);
}

void
editor_close (struct editor *editor)
{
  CLEANUP_FREE char *path = history_path ();
  HistEvent event;
  mode_t before;

  if (editor->history && path) {
    before = umask (0077);
    history (editor->history, &event, H_SAVE, path);
    umask (before);
    chmod (path, 0600);
  }
  el_end (editor->el);
  if (editor->history)
    history_end (editor->history);
  free (editor->line);
  free (editor);
}
