/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the lines of the audit trail say; see audit.h.  All text in them may
 * be a peer's: everything is escaped.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/mem.h"
#include "common/uuid.h"
#include "core/peer.h"
#include "core/utf8.h"
#include "daemon/audit.h"
#include "daemon/call.h"
#include "daemon/drivers.h"
#include "daemon/listeners.h"
#include "daemon/made.h"
#include "daemon/objects.h"
#include "daemon/record.h"
#include "daemon/session.h"

/* Longest value, in bytes; the rest is left out, and "..." says so. */
#define VALUE_MAX 512

/* Groups and methods that are named. */
#define LIST_MAX 16

static const char *const vouchers[] = {
  [VIRGATE_VOUCH_KERNEL] = "kernel",
  [VIRGATE_VOUCH_CERTIFICATE] = "certificate",
  [VIRGATE_VOUCH_EXCHANGE] = "exchange",
  [VIRGATE_VOUCH_CLAIM] = "claim",
};

/* JSON --------------------------------------------------------------------- */

static void
put_string (FILE *out, const char *text)
{
  size_t used = 0;

  putc ('"', out);
  while (*text && used < VALUE_MAX) {
    size_t len = utf8_printable (text);

    if (len == 0)
      fprintf (out, "\\u%04x", (unsigned char) *text);
    else if (*text == '"' || *text == '\\')
      fprintf (out, "\\%c", *text);
    else
      fwrite (text, 1, len, out);
    text += len ? len : 1;
    used += len ? len : 1;
  }
  fputs (*text ? "...\"" : "\"", out);
}

static void
put (FILE *out, const char *key, const char *value)
{
  if (value == NULL)
    return;
  fprintf (out, ",\"%s\":", key);
  put_string (out, value);
}

static void
put_number (FILE *out, const char *key, uint64_t value)
{
  fprintf (out, ",\"%s\":%" PRIu64, key, value);
}

/* Who ---------------------------------------------------------------------- */

static void
put_fact (FILE *out, const struct session *session, const char *key)
{
  struct virgate_fact fact;

  if (!peer_get (&session->peer, key, 0, &fact))
    return;
  if (fact.type == VIRGATE_FACT_NUMBER)
    put_number (out, key, fact.num);
  else
    put (out, key, fact.str);
  if (fact.type == VIRGATE_FACT_ADDRESS)
    put_number (out, "port", fact.num);
  if (fact.vouch == VIRGATE_VOUCH_CLAIM)
    fprintf (out, ",\"%s-vouch\":\"claim\"", key);
}

static void
put_list (FILE *out, const char *key, const struct session *session,
          uint32_t kind)
{
  struct virgate_identity_entry entry;

  for (uint32_t n = 0; n < LIST_MAX
       && identity_get (&session->identity, kind, n, &entry); n++) {
    fprintf (out, n ? "," : ",\"%s\":[", key);
    put_string (out, entry.value);
    if (n + 1 == LIST_MAX
        || !identity_get (&session->identity, kind, n + 1, &entry))
      fputs ("]", out);
  }
}

/* The last name is the one that counts. */
static void
put_identity (FILE *out, const struct session *session)
{
  struct virgate_identity_entry entry = { NULL, 0 };

  for (uint32_t n = 0; identity_get (&session->identity,
                                     VIRGATE_IDENTITY_NAME, n, &entry); n++)
    ;
  put (out, "user", entry.value);
  if (entry.value && entry.vouch > 0 && entry.vouch < COUNT_OF (vouchers))
    put (out, "user-vouch", vouchers[entry.vouch]);
  put_list (out, "methods", session, VIRGATE_IDENTITY_METHOD);
  put_list (out, "groups", session, VIRGATE_IDENTITY_GROUP);
}

static void
put_time (FILE *out)
{
  char text[sizeof "2026-01-31T12:00:00"];
  struct timespec now;
  struct tm tm;

  clock_gettime (CLOCK_REALTIME, &now);
  strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S",
            gmtime_r (&now.tv_sec, &tm));
  fprintf (out, "\"time\":\"%s.%06ldZ\"", text, now.tv_nsec / 1000);
}

/* Lines -------------------------------------------------------------------- */

/* A line in the making. */
struct line {
  char *text;
  size_t len;
  FILE *out;
};

static bool
begin (struct line *line, struct audit *audit, const char *event,
       const struct session *session)
{
  static const char *const facts[] = {
    VIRGATE_FACT_REMOTE, VIRGATE_FACT_UID, VIRGATE_FACT_PID,
    VIRGATE_FACT_X509_DN, VIRGATE_FACT_SSH_USER, VIRGATE_FACT_SSH_KEY,
  };

  line->text = NULL;
  line->out = open_memstream (&line->text, &line->len);
  if (line->out == NULL) {
    audit_lose (audit);
    return false;
  }
  putc ('{', line->out);
  put_time (line->out);
  put (line->out, "event", event);
  put_number (line->out, "client", session->id);
  put (line->out, "listener", session->listener->name);
  for (size_t i = 0; i < COUNT_OF (facts); i++)
    put_fact (line->out, session, facts[i]);
  put_identity (line->out, session);
  return true;
}

static void
end (struct line *line, struct audit *audit, bool is_refusal)
{
  fputs ("}\n", line->out);
  if (fclose (line->out) == 0)
    audit_put (audit, line->text, line->len, is_refusal);
  else
    audit_lose (audit);
  free (line->text);
}

void
audit_refusal (struct audit *audit, const struct session *session,
               const char *why)
{
  char reference[16];
  struct line line;

  if (!begin (&line, audit, "refused", session))
    return;
  put (line.out, "reason", why);
  if (session->reference) {
    snprintf (reference, sizeof reference, "%08x", session->reference);
    put (line.out, "reference", reference);
  }
  end (&line, audit, true);
}

void
audit_entry (struct audit *audit, const struct session *session)
{
  struct line line;

  if (!begin (&line, audit, "entered", session))
    return;
  fprintf (line.out, ",\"read-only\":%s",
           session->is_read_only ? "true" : "false");
  end (&line, audit, false);
}

void
audit_end (struct audit *audit, const struct session *session)
{
  int64_t now = time (NULL);
  struct line line;

  if (!begin (&line, audit, "left", session))
    return;
  put_number (line.out, "seconds",
              now > session->since ? now - session->since : 0);
  if (session->no_calls > 0)
    put_number (line.out, "refused-calls", session->no_calls);
  end (&line, audit, false);
}

static const char *
outcome_name (int32_t code)
{
  if (code == 0)
    return "ok";
  if (code == RECORD_UNKNOWN)
    return "unknown";
  if (code == RECORD_NO_CALL)
    return "refused";
  return code == VIRGATE_ERR_ACCESS_DENIED
         || code == VIRGATE_ERR_OPERATION_DENIED ? "denied" : "failed";
}

void
audit_call (struct audit *audit, const struct session *session,
            const struct audit_call *call)
{
  struct line line;

  if (!begin (&line, audit, "call", session))
    return;
  if (session->driver)
    put (line.out, "driver", session->driver->name);
  put (line.out, "procedure", call->procedure);
  if (call->note)
    fputs (call->note, line.out);
  put (line.out, "outcome", outcome_name (call->code));
  put (line.out, "reason", call->reason);
  if (call->code > 0)
    put_number (line.out, "error", call->code);
  fprintf (line.out, ",\"milliseconds\":%" PRId64 ".%03" PRId64,
           call->took_ns / NS_PER_MS, call->took_ns / 1000 % 1000);
  end (&line, audit, call->is_refusal);
}

static void
put_uuid (FILE *out, const uint8_t *uuid)
{
  char text[UUID_TEXT_LEN];

  uuid_format (uuid, text);
  fprintf (out, ",\"uuid\":\"%s\"", text);
}

static void
put_object (FILE *out, const struct virgate_object *object)
{
  fputs ("{\"kind\":", out);
  put_string (out, object->kind);
  put (out, "name", object->name);
  if (object->uuid)
    put_uuid (out, object->uuid);
  put (out, "parent", object->parent);
  putc ('}', out);
}

static char *
note_of (const struct virgate_object *objects, uint32_t count)
{
  char *text = NULL;
  size_t len;
  FILE *out = open_memstream (&text, &len);

  if (out == NULL)
    return NULL;
  for (uint32_t i = 0; i < count; i++) {
    fputs (i ? "," : ",\"objects\":[", out);
    put_object (out, &objects[i]);
  }
  if (count > 0)
    putc (']', out);
  if (fclose (out) == 0)
    return text;
  free (text);
  return NULL;
}

char *
audit_note_objects (const struct proc_row *row, const void *args)
{
  struct virgate_object objects[OBJECTS_MAX];

  return note_of (objects, objects_of_call (row, args, objects));
}

char *
audit_note (struct virgate_call *call)
{
  struct virgate_object objects[OBJECTS_MAX];
  uint32_t count = call->args ? objects_of_call (call->row, call->args,
                                                 objects) : 0;

  count += made_read (call, &objects[count]);
  return note_of (objects, count);
}
