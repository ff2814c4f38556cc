/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tables on the terminal: libsmartcols lines them up (it knows the width of
 * characters and makes control characters visible); the frame is virsh's.
 */
#include "config.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void
grid_add (struct grid *grid, const char *cell)
{
  if (grid->ncells == grid->size) {
    grid->size = grid->size ? 2 * grid->size : 64;
    grid->cells = must_alloc (grid->cells, grid->size, sizeof (char *));
  }
  grid->cells[grid->ncells++] = cell;
}

static void
cleanup_table (struct libscols_table **table)
{
  scols_unref_table (*table);
}

/* The table as libsmartcols has it; NULL when memory ran out. */
static char *
grid_text (const struct grid *grid)
{
  CLEANUP (cleanup_table) struct libscols_table *table = scols_new_table ();
  struct libscols_line *line = NULL;
  char *text = NULL;

  if (table == NULL)
    return NULL;
  scols_table_set_column_separator (table, "   ");
  scols_table_set_termforce (table, SCOLS_TERMFORCE_NEVER);
  scols_table_enable_noheadings (table, grid->headings == NULL);
  for (size_t i = 0; i < grid->ncolumns; i++)
    if (scols_table_new_column (table, grid->headings ? grid->headings[i] : "",
                                0, 0) == NULL)
      return NULL;
  for (size_t i = 0; i < grid->ncells; i++) {
    if (i % grid->ncolumns == 0)
      line = scols_table_new_line (table, NULL);
    if (line == NULL || scols_line_set_data (line, i % grid->ncolumns,
                                             grid->cells[i]
                                             ? grid->cells[i] : "") < 0)
      return NULL;
  }
  if (scols_print_table_to_string (table, &text) < 0)
    return NULL;
  return text;
}

/* The width of the widest line, in columns of the terminal. */
static size_t
text_width (const char *text)
{
  size_t widest = 0;

  for (const char *at = text; *at; ) {
    const char *end = strchrnul (at, '\n');
    CLEANUP_FREE char *line = strndup (at, end - at);
    int cells = line ? (int) mbstowcs (NULL, line, 0) : 0;

    if (cells < 0)
      cells = (int) (end - at);
    widest = MAX_OF (widest, (size_t) cells);
    at = end + (*end == '\n');
  }
  return widest;
}

/* The headings alone: libsmartcols prints nothing for an empty table. */
static char *
grid_headings (const struct grid *grid)
{
  char *text = NULL;
  size_t len;
  FILE *out = must_memstream (&text, &len);

  for (size_t i = 0; grid->headings && i < grid->ncolumns; i++)
    fprintf (out, "%s%s", i ? "   " : "", grid->headings[i]);
  fclose (out);
  return text;
}

void
grid_print (const struct grid *grid, FILE *out)
{
  CLEANUP_FREE char *text = grid->ncells ? grid_text (grid)
                                         : grid_headings (grid);
  bool is_first = grid->headings != NULL;

  for (const char *at = text ? text : ""; *at; ) {
    const char *end = strchrnul (at, '\n');

    fprintf (out, " %.*s\n", (int) (end - at), at);
    if (is_first) {
      for (size_t n = text_width (text) + 3; n > 0; n--)
        putc ('-', out);
      putc ('\n', out);
    }
    is_first = false;
    at = end + (*end == '\n');
  }
}
