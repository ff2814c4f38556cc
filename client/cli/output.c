/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Results for people.  One host: as virsh shows it.  Several: one table with
 * a column for the host, or one section for each where a table cannot hold
 * what they said.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* How a result can stand beside those of other hosts. */
enum shape { SHAPE_LINE, SHAPE_TABLE, SHAPE_RECORD, SHAPE_BLOCK };

static void
print_table (const struct result *result, FILE *out)
{
  const char *headings[OPTIONS_MAX];
  struct grid grid = { .ncolumns = result->ncolumns };

  if (result->columns[0].heading == NULL) {
    for (size_t i = 0; i < result->count; i++)
      fprintf (out, "%s%c", result->fields[i].text,
               (i + 1) % result->ncolumns ? ' ' : '\n');
    return;
  }
  for (uint32_t i = 0; i < result->ncolumns; i++)
    headings[i] = result->columns[i].heading;
  grid.headings = headings;
  for (size_t i = 0; i < result->count; i++)
    grid_add (&grid, result->fields[i].text);
  grid_print (&grid, out);
  free (grid.cells);
}

static void
print_records (const struct result *result, FILE *out)
{
  const struct record_style *style = result->style;

  for (size_t i = 0; i < result->count; i++) {
    const struct field *field = &result->fields[i];

    if (i > 0 && field->record != field[-1].record)
      fputs (style->apart, out);
    if (field->label && *field->label)
      fprintf (out, "%s%-*s%s%s\n", style->before, style->width, field->label,
               style->between, field->text);
    else if (field->label)
      fprintf (out, "%s\n", field->text);
  }
}

static void
print_text (const struct result *result, FILE *out)
{
  const char *text = result->fields[0].text;
  size_t len = strlen (text);

  fputs (text, out);
  if (len > 0 && text[len - 1] != '\n')
    putc ('\n', out);
}

static void
print_result (const struct result *result, FILE *out)
{
  switch (result->kind) {
  case RESULT_NONE:
    break;
  case RESULT_TABLE:
    print_table (result, out);
    break;
  case RESULT_RECORD:
  case RESULT_RECORDS:
    print_records (result, out);
    break;
  default:
    print_text (result, out);
  }
}

/* A copy without control characters, which a server could aim at the
 * terminal.
 */
static char *
tame (const char *text)
{
  char *copy = must_strdup (text);

  for (char *c = copy; *c; c++)
    if (iscntrl ((unsigned char) *c))
      *c = *c == '\n' || *c == '\t' ? ' ' : '?';
  return copy;
}

void
output_error (struct app *app, const char *text,
              const struct virgate_error *error)
{
  CLEANUP_FREE char *tamed = tame (text);

  LOCK_FOR_SCOPE (&app->output_lock);
  fflush (stdout);
  fprintf (stderr, "virgate: error: %s\n", tamed);
  if (app->json) {
    fputs ("{\"error\": ", stdout);
    json_error (stdout, text, error);
    fputs ("}\n", stdout);
  }
}

void
output_event (struct app *app, struct host *host, const char *text,
              const char *json)
{
  LOCK_FOR_SCOPE (&app->output_lock);
  if (app->json && app->hosts.count > 1) {
    fputs ("{\"host\": ", stdout);
    json_string (stdout, host->name);
    fprintf (stdout, ", %s\n", json + 1);
  } else if (app->json)
    puts (json);
  else if (app->hosts.count > 1)
    printf ("%s: %s\n", host->name, text);
  else
    puts (text);
  fflush (stdout);
}

static enum shape
result_shape (const struct result *result)
{
  switch (result->kind) {
  case RESULT_TABLE:
    return SHAPE_TABLE;
  case RESULT_RECORD:
    return SHAPE_RECORD;
  case RESULT_RECORDS:
    return SHAPE_BLOCK;
  case RESULT_NONE:
    return SHAPE_LINE;
  default:
    return strchr (result->fields[0].text, '\n') ? SHAPE_BLOCK : SHAPE_LINE;
  }
}

/* The shape that all answers share; blocks when they do not. */
static enum shape
common_shape (const struct hosts *hosts)
{
  enum shape shape = SHAPE_LINE;
  bool any = false;

  for (int i = 0; i < hosts->count; i++) {
    const struct host *host = &hosts->host[i];

    if (host->status != STATUS_OK)
      continue;
    if (any && result_shape (&host->result) != shape)
      return SHAPE_BLOCK;
    shape = result_shape (&host->result);
    any = true;
  }
  return shape;
}

/* The columns, in the order in which the hosts brought them. */
struct headings {
  const char *keys[64];         /* of records' fields */
  const char *names[64];        /* as they are shown */
  size_t count;
};

static void
headings_add (struct headings *headings, const char *key, const char *name)
{
  for (size_t i = 0; i < headings->count; i++)
    if (strcmp (headings->keys[i], key) == 0)
      return;
  if (headings->count == COUNT_OF (headings->keys))
    return;
  headings->keys[headings->count] = key;
  headings->names[headings->count++] = name;
}

/* A label without its colon, or else the key; kept by the grid's owner. */
static char *
label_name (const struct field *field)
{
  const char *label = field->label && *field->label ? field->label
                                                    : field->key;

  return must_format ("%.*s", (int) strcspn (label, ":"), label);
}

static void
headings_add_record (struct headings *headings, const struct result *result,
                     struct found *names)
{
  for (size_t i = 0; i < result->count; i++)
    if (result->fields[i].key) {
      found_take (names, label_name (&result->fields[i]));
      headings_add (headings, result->fields[i].key,
                    names->words[names->count - 1]);
    }
}

static void
headings_collect (struct headings *headings, const struct hosts *hosts,
                  enum shape shape, struct found *names)
{
  headings_add (headings, "HOST", "HOST");
  for (int i = 0; i < hosts->count; i++) {
    const struct result *result = &hosts->host[i].result;

    if (hosts->host[i].status != STATUS_OK)
      continue;
    if (shape == SHAPE_LINE)
      headings_add (headings, "ANSWER", "ANSWER");
    if (shape == SHAPE_RECORD)
      headings_add_record (headings, result, names);
    for (uint32_t n = 0; shape == SHAPE_TABLE && n < result->ncolumns; n++)
      headings_add (headings, result->columns[n].key,
                    result->columns[n].heading ? result->columns[n].heading
                                               : result->columns[n].key);
  }
  for (int i = 0; i < hosts->count; i++)
    if (hosts->host[i].status != STATUS_OK)
      headings_add (headings, "ERROR", "ERROR");
}

/* The field of a record with this key; NULL: it has none. */
static const char *
record_value (const struct result *result, const char *key)
{
  for (size_t i = 0; i < result->count; i++)
    if (result->fields[i].key && strcmp (result->fields[i].key, key) == 0)
      return result->fields[i].text;
  return NULL;
}

/* Rows of one host. */
static void
host_rows (struct grid *grid, const struct headings *headings,
           const struct host *host, enum shape shape)
{
  const struct result *result = &host->result;
  size_t inner = headings->count - 1, step = result->ncolumns;
  size_t rows = 1;

  if (host->status == STATUS_OK && shape == SHAPE_TABLE)
    rows = result->count / step;
  for (size_t row = 0; row < rows; row++) {
    grid_add (grid, host->name);
    for (size_t n = 0; n < inner; n++)
      if (host->status != STATUS_OK)
        grid_add (grid, n + 1 == inner ? host->failure : NULL);
      else if (shape == SHAPE_TABLE)
        grid_add (grid, n < step ? result->fields[row * step + n].text : NULL);
      else if (shape == SHAPE_RECORD)
        grid_add (grid, record_value (result, headings->keys[n + 1]));
      else if (n == 0)
        grid_add (grid, result->count ? result->fields[0].text : "ok");
      else
        grid_add (grid, NULL);
  }
}

static void
print_hosts_table (const struct hosts *hosts, enum shape shape, FILE *out)
{
  struct headings headings = { .count = 0 };
  struct found names = { NULL, 0 };
  struct grid grid = { .headings = headings.names };

  headings_collect (&headings, hosts, shape, &names);
  grid.ncolumns = headings.count;
  for (int i = 0; i < hosts->count; i++)
    host_rows (&grid, &headings, &hosts->host[i], shape);
  grid_print (&grid, out);
  free (grid.cells);
  found_free (&names);
}

static void
print_hosts_blocks (const struct hosts *hosts, FILE *out)
{
  for (int i = 0; i < hosts->count; i++) {
    const struct host *host = &hosts->host[i];

    fprintf (out, "%s==> %s <==\n", i ? "\n" : "", host->name);
    if (host->status == STATUS_OK)
      print_result (&host->result, out);
    else
      fprintf (out, "error: %s\n", host->failure);
  }
}

/* One code for all hosts: theirs if they agree. */
static enum status
status_of_all (const struct hosts *hosts)
{
  enum status first = hosts->host[0].status;

  for (int i = 1; i < hosts->count; i++)
    if (hosts->host[i].status != first)
      return STATUS_SOME_FAILED;
  return first;
}

enum status
output_results (struct app *app, const struct hosts *hosts)
{
  const struct host *host = hosts->host;

  if (hosts->count == 1 && host->status != STATUS_OK) {
    if (host->failure)
      output_error (app, host->failure, host->error);
    return host->status;
  }
  if (hosts->count == 1 && host->is_silent)
    return host->status;
  if (app->json)
    json_results (hosts, stdout);
  else if (hosts->count == 1)
    print_result (&host->result, stdout);
  else if (common_shape (hosts) == SHAPE_BLOCK)
    print_hosts_blocks (hosts, stdout);
  else
    print_hosts_table (hosts, common_shape (hosts), stdout);
  return status_of_all (hosts);
}
