/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a command found out, before anybody decided how it looks: fields with
 * a text for people and, where it is not a string, a JSON value.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

const struct record_style style_info = { "", 15, " ", "\n" };
const struct record_style style_node = { "", 20, " ", "\n" };
const struct record_style style_plain = { "", 0, " ", "" };
const struct record_style style_param = { "", 15, ": ", "\n" };
const struct record_style style_stats = { "  ", 0, "=", "\n" };

void *
must_alloc (void *ptr, size_t count, size_t size)
{
  size_t len;

  if (__builtin_mul_overflow (count, size, &len)
      || (ptr = realloc (ptr, len ? len : 1)) == NULL) {
    fputs ("virgate: error: out of memory\n", stderr);
    exit (STATUS_FAILED);
  }
  return ptr;
}

char *
must_strdup (const char *text)
{
  size_t len = strlen (text) + 1;

  return memcpy (must_alloc (NULL, len, 1), text, len);
}

static char * CLI_PRINTF (1, 0)
format_va (const char *fmt, va_list args)
{
  char *text;

  if (vasprintf (&text, fmt, args) < 0)
    text = must_alloc (NULL, SIZE_MAX, 2);
  return text;
}

char *
must_format (const char *fmt, ...)
{
  va_list args;
  char *text;

  va_start (args, fmt);
  text = format_va (fmt, args);
  va_end (args);
  return text;
}

FILE *
must_memstream (char **text, size_t *len)
{
  FILE *out = open_memstream (text, len);

  if (out == NULL)
    must_alloc (NULL, SIZE_MAX, 2);
  return out;
}

void
found_take (struct found *found, char *word)
{
  found->words = must_alloc (found->words, found->count + 1, sizeof (char *));
  found->words[found->count++] = word;
}

void
found_free (struct found *found)
{
  for (size_t i = 0; i < found->count; i++)
    free (found->words[i]);
  free (found->words);
}

void
result_free (struct result *result)
{
  for (size_t i = 0; i < result->count; i++) {
    free (result->fields[i].key);
    free (result->fields[i].label);
    free (result->fields[i].text);
    free (result->fields[i].json);
  }
  free (result->fields);
  free (result->owned);
  memset (result, 0, sizeof *result);
}

void
result_own (struct result *result, void *ptr)
{
  result->owned = ptr;
}

/* Takes over text and json. */
static void
result_add (struct result *result, const char *key, const char *label,
            char *text, char *json)
{
  struct field *field;

  if (result->count == result->size) {
    result->size = result->size ? 2 * result->size : 16;
    result->fields = must_alloc (result->fields, result->size,
                                 sizeof *result->fields);
  }
  field = &result->fields[result->count++];
  field->key = key ? must_strdup (key) : NULL;
  field->label = label ? must_strdup (label) : NULL;
  field->text = text;
  field->json = json;
  field->record = result->nrecords;
}

void
result_table (struct result *result, const struct column *columns,
              uint32_t count)
{
  result->kind = RESULT_TABLE;
  result->columns = columns;
  result->ncolumns = count;
}

void
result_record (struct result *result, const struct record_style *style)
{
  result->kind = RESULT_RECORD;
  result->style = style;
}

void
result_next (struct result *result, const struct record_style *style)
{
  result->kind = RESULT_RECORDS;
  result->style = style;
  result->nrecords++;
}

void
result_raw (struct result *result, const char *key, const char *text,
            const char *json)
{
  result->kind = RESULT_TEXT;
  result->key = key;
  put_both (result, key, NULL, text, json);
}

void
result_text (struct result *result, const char *key, const char *text)
{
  result_raw (result, key, text ? text : "", NULL);
}

void
result_message (struct result *result, const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  result->kind = RESULT_MESSAGE;
  result->key = "message";
  result_add (result, "message", NULL, format_va (fmt, args), NULL);
  va_end (args);
}

void
result_done (struct result *result, const struct command *def,
             const char *what, const char *from)
{
  const char *fill = what, *at = def->done, *hole;
  CLEANUP_FREE char *text = NULL;
  size_t len;
  FILE *out = must_memstream (&text, &len);

  for (; (hole = strstr (at, "%s")); at = hole + 2, fill = from)
    fprintf (out, "%.*s%s", (int) (hole - at), at, fill);
  fputs (at, out);
  fclose (out);
  result_message (result, "%s", text);
}

void
put_both (struct result *result, const char *key, const char *label,
          const char *text, const char *json)
{
  result_add (result, key, label, must_strdup (text),
              json ? must_strdup (json) : NULL);
}

void
put_str (struct result *result, const char *key, const char *label,
         const char *text)
{
  put_both (result, key, label, text ? text : "-", text ? NULL : "null");
}

void
put_fmt (struct result *result, const char *key, const char *label,
         const char *fmt, ...)
{
  va_list args;

  va_start (args, fmt);
  result_add (result, key, label, format_va (fmt, args), NULL);
  va_end (args);
}

void
put_num (struct result *result, const char *key, const char *label,
         int64_t number, const char *unit)
{
  result_add (result, key, label,
              must_format ("%" PRId64 "%s", number, unit ? unit : ""),
              must_format ("%" PRId64, number));
}

void
put_unum (struct result *result, const char *key, const char *label,
          uint64_t number, const char *unit)
{
  result_add (result, key, label,
              must_format ("%" PRIu64 "%s", number, unit ? unit : ""),
              must_format ("%" PRIu64, number));
}

void
put_bool (struct result *result, const char *key, const char *label,
          bool value, const char *yes, const char *no)
{
  put_both (result, key, label, value ? yes : no, value ? "true" : "false");
}

void
put_uuid (struct result *result, const char *key, const char *label,
          const uint8_t *uuid)
{
  char text[UUID_TEXT_LEN];

  uuid_format (uuid, text);
  put_both (result, key, label, text, NULL);
}

void
put_param (struct result *result, const char *label,
           const struct virgate_typed_param *param)
{
  const struct virgate_typed_param_value *value = &param->value;

  switch (value->type) {
  case VIRGATE_TYPED_PARAM_INT:
    put_num (result, param->field, label, value->u.i, NULL);
    break;
  case VIRGATE_TYPED_PARAM_UINT:
    put_unum (result, param->field, label, value->u.ui, NULL);
    break;
  case VIRGATE_TYPED_PARAM_LLONG:
    put_num (result, param->field, label, value->u.l, NULL);
    break;
  case VIRGATE_TYPED_PARAM_ULLONG:
    put_unum (result, param->field, label, value->u.ul, NULL);
    break;
  case VIRGATE_TYPED_PARAM_DOUBLE:
    result_add (result, param->field, label,
                must_format ("%f", value->u.d),
                isfinite (value->u.d) ? must_format ("%.17g", value->u.d)
                                      : must_strdup ("null"));
    break;
  case VIRGATE_TYPED_PARAM_BOOLEAN:
    put_bool (result, param->field, label, value->u.b, "yes", "no");
    break;
  default:
    put_str (result, param->field, label, value->u.s);
  }
}
