/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Results as JSON, one value for each command: an object, or an array of
 * objects where there may be any number of things.  With several hosts always
 * an array, each object with the host it came from.
 */
#include "config.h"

#include <string.h>

#include "cli.h"

void
json_string (FILE *out, const char *text)
{
  putc ('"', out);
  for (const unsigned char *c = (const unsigned char *) text; *c; c++)
    if (*c == '"' || *c == '\\')
      fprintf (out, "\\%c", *c);
    else if (*c == '\n')
      fputs ("\\n", out);
    else if (*c < 0x20 || *c == 0x7f)
      fprintf (out, "\\u%04x", *c);
    else
      putc (*c, out);
  putc ('"', out);
}

void
json_error (FILE *out, const char *text, const struct virgate_error *error)
{
  fputs ("{\"message\": ", out);
  json_string (out, text);
  if (error)
    fprintf (out, ", \"code\": %d, \"domain\": %d, \"level\": %d",
             error->code, error->domain, error->level);
  putc ('}', out);
}

/* Opens an object and gives it its host, if hosts are shown. */
static void
object_begin (FILE *out, const char *host, bool *is_first)
{
  fputs (*is_first ? "{" : ",\n {", out);
  *is_first = false;
  if (host) {
    fputs ("\"host\": ", out);
    json_string (out, host);
  }
}

static void
object_field (FILE *out, const char *key, const struct field *field,
              bool is_first)
{
  if (!is_first)
    fputs (", ", out);
  json_string (out, key);
  fputs (": ", out);
  if (field->json)
    fputs (field->json, out);
  else
    json_string (out, field->text);
}

/* The fields from first on that make one object.  Returns where it ends. */
static size_t
object_fields (FILE *out, const struct result *result, size_t first,
               bool has_any)
{
  size_t i = first;

  for (; i < result->count; i++) {
    const struct field *field = &result->fields[i];
    const char *key = field->key;

    if (result->kind == RESULT_TABLE && i - first == result->ncolumns)
      break;
    if (field->record != result->fields[first].record)
      break;
    if (key == NULL && result->kind == RESULT_TABLE)
      key = result->columns[i - first].key;
    if (key == NULL)
      continue;                 /* for people only */
    object_field (out, key, field, !has_any);
    has_any = true;
  }
  return i;
}

static bool
result_is_many (const struct result *result)
{
  return result->kind == RESULT_TABLE || result->kind == RESULT_RECORDS;
}

/* All objects of one host; host NULL: not shown. */
static void
json_host (FILE *out, const struct host *host, const char *name,
           bool *is_first)
{
  const struct result *result = &host->result;
  size_t i = 0;

  if (host->status != STATUS_OK) {
    object_begin (out, name, is_first);
    fputs (name ? ", \"error\": " : "\"error\": ", out);
    json_error (out, host->failure, host->error);
    putc ('}', out);
    return;
  }
  if (result->count == 0 && result_is_many (result))
    return;
  do {
    object_begin (out, name, is_first);
    i = object_fields (out, result, i, name != NULL);
    putc ('}', out);
  } while (i < result->count);
}

void
json_results (const struct hosts *hosts, FILE *out)
{
  bool is_first = true, many = hosts->count > 1;
  const struct host *host = hosts->host;

  if (hosts->count == 1)
    many = result_is_many (&host->result);
  if (many)
    putc ('[', out);
  for (int i = 0; i < hosts->count; i++)
    json_host (out, &host[i], hosts->count > 1 ? host[i].name : NULL,
               &is_first);
  fputs (many ? "]\n" : "\n", out);
}
