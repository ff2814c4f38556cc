/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An event's message as a line for people and as a JSON object, by the table.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"

static const char *const details_defined[] = {
  "Added", "Updated", "Renamed", "Snapshot"
};
static const char *const details_undefined[] = { "Removed", "Renamed" };
static const char *const details_started[] = {
  "Booted", "Migrated", "Restored", "Snapshot", "Event wakeup"
};
static const char *const details_suspended[] = {
  "Paused", "Migrated", "I/O Error", "Watchdog", "Restored", "Snapshot",
  "API error", "Post-copy", "Post-copy Error"
};
static const char *const details_resumed[] = {
  "Unpaused", "Migrated", "Snapshot", "Post-copy", "Post-copy Error"
};
static const char *const details_stopped[] = {
  "Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed",
  "Snapshot"
};
static const char *const details_shutdown[] = {
  "Finished", "Finished after guest request", "Finished after host request"
};
static const char *const details_pmsuspended[] = { "Memory", "Disk" };
static const char *const details_crashed[] = { "Panicked", "Crashloaded" };

#define DETAILS(names) { names, COUNT_OF (names) }
static const struct {
  const char *const *names;
  size_t count;
} details[] = {
  DETAILS (details_defined), DETAILS (details_undefined),
  DETAILS (details_started), DETAILS (details_suspended),
  DETAILS (details_resumed), DETAILS (details_stopped),
  DETAILS (details_shutdown), DETAILS (details_pmsuspended),
  DETAILS (details_crashed)
};
#undef DETAILS

/* Lists in messages all look like this. */
struct params_list { uint32_t len; struct virgate_typed_param *val; };
struct people_list {
  uint32_t len;
  struct virgate_domain_event_graphics_identity *val;
};

static void
params_format (FILE *out, const struct params_list *list, bool is_json)
{
  struct result params = { 0 };

  for (uint32_t i = 0; i < list->len; i++)
    put_param (&params, list->val[i].field, &list->val[i]);
  if (is_json)
    putc ('{', out);
  for (size_t i = 0; i < params.count; i++) {
    const struct field *field = &params.fields[i];

    if (!is_json) {
      fprintf (out, "\n\t%s: %s", field->label, field->text);
      continue;
    }
    fputs (i ? ", " : "", out);
    json_string (out, field->key);
    fputs (": ", out);
    if (field->json)
      fputs (field->json, out);
    else
      json_string (out, field->text);
  }
  if (is_json)
    putc ('}', out);
  result_free (&params);
}

static void
people_format (FILE *out, const struct people_list *list, bool is_json)
{
  if (is_json)
    putc ('[', out);
  for (uint32_t i = 0; i < list->len; i++) {
    if (!is_json) {
      fprintf (out, "\n\t%s=%s", list->val[i].type, list->val[i].name);
      continue;
    }
    fputs (i ? ", {\"type\": " : "{\"type\": ", out);
    json_string (out, list->val[i].type);
    fputs (", \"name\": ", out);
    json_string (out, list->val[i].name);
    putc ('}', out);
  }
  if (is_json)
    putc (']', out);
}

static void
text_format (FILE *out, const char *text, bool is_json)
{
  if (!is_json)
    fputs (text ? text : "<null>", out);
  else if (text)
    json_string (out, text);
  else
    fputs ("null", out);
}

static const char *
detail_name (const struct event_field *field, const char *msg)
{
  /* the row before this one is the event that it details */
  int32_t event = *(const int32_t *) (const void *) (msg + field[-1].offset);
  int32_t detail = *(const int32_t *) (const void *) (msg + field->offset);

  return event >= 0 && (size_t) event < COUNT_OF (details)
         ? name_of (details[event].names, details[event].count, detail)
         : "unknown";
}

static void
field_format (FILE *out, const struct event_field *field, const char *msg,
              bool is_json)
{
  const void *at = msg + field->offset;

  switch (field->type) {
  case EVENT_STR:
    text_format (out, *(char *const *) at, is_json);
    break;
  case EVENT_INT:
    fprintf (out, "%" PRId32, *(const int32_t *) at);
    break;
  case EVENT_LONG:
    fprintf (out, "%" PRId64, *(const int64_t *) at);
    break;
  case EVENT_ULONG:
    fprintf (out, "%" PRIu64, *(const uint64_t *) at);
    break;
  case EVENT_ENUM:
    text_format (out, name_of (field->names, field->count,
                               *(const int32_t *) at), is_json);
    break;
  case EVENT_DETAIL:
    text_format (out, detail_name (field, msg), is_json);
    break;
  case EVENT_PARAMS:
    params_format (out, at, is_json);
    break;
  case EVENT_PEOPLE:
    people_format (out, at, is_json);
    break;
  default:
    fprintf (out, "%d",
             *(const uint32_t *) at >> (field->type == EVENT_BIT1) & 1);
  }
}

/* Write the template with the fields in their places. */
static void
template_format (FILE *out, const struct event_kind *kind, const char *msg)
{
  for (const char *at = kind->text; *at; at++) {
    const struct event_field *field = kind->fields;

    if (*at != '{') {
      putc (*at, out);
      continue;
    }
    at++;
    while (strncmp (field->key, at, strlen (field->key)) != 0
           || at[strlen (field->key)] != '}')
      field++;
    field_format (out, field, msg, false);
    at += strlen (field->key);
  }
}

void
event_format (const struct event_kind *kind, const char *what,
              const void *msg, const char *when, char **text, char **json)
{
  size_t text_len, json_len;
  FILE *people = must_memstream (text, &text_len);
  FILE *programs = must_memstream (json, &json_len);
  /* domains and networks both begin with their names */
  const char *name = *(char *const *) (const void *)
                     ((const char *) msg + kind->subject);

  fprintf (people, "%s%s", when ? when : "", when ? ": " : "");
  fprintf (people, strcmp (what, "domain") == 0 ? "event '%s' for %s '%s'"
                   : "event '%s' for %s %s", kind->name, what, name);
  template_format (people, kind, msg);
  fprintf (programs, "{\"event\": \"%s\", \"%s\": ", kind->name, what);
  json_string (programs, name);
  if (when) {
    fputs (", \"timestamp\": ", programs);
    json_string (programs, when);
  }
  for (const struct event_field *f = kind->fields; f && f->key; f++) {
    const char *key = strcmp (f->key, "event") == 0 ? "change" : f->key;

    fprintf (programs, ", \"%s\": ", key);
    field_format (programs, f, msg, true);
  }
  putc ('}', programs);
  fclose (people);
  fclose (programs);
}
