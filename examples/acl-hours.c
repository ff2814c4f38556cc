/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Business hours: outside of them everybody may look, and nobody may change
 * anything.  The clock is asked at each call, so a connection that is left
 * open over night does not keep its rights.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <virgate/acl.h>

struct hours {
  const struct virgate_host *host;
  int first_day, last_day;      /* 1 is Monday, 7 is Sunday */
  int from, to;                 /* minutes of the day */
};

static int
hours_open (const struct virgate_host *host, void **inst)
{
  struct hours *h = calloc (1, sizeof *h);

  if (h == NULL)
    return host->error (host, "out of memory");
  h->host = host;
  *inst = h;
  return 0;
}

/* "1-5 08:00-18:00": the host has checked no more than that it is a string. */
static int
hours_config (void *inst, const char *key, const char *value)
{
  struct hours *h = inst;
  int from[2], to[2], end = 0;

  if (sscanf (value, "%d-%d %d:%d-%d:%d%n", &h->first_day, &h->last_day,
              &from[0], &from[1], &to[0], &to[1], &end) != 6
      || value[end] || h->first_day < 1 || h->last_day > 7
      || h->first_day > h->last_day || from[0] < 0 || to[0] > 24
      || from[1] < 0 || from[1] > 59 || to[1] < 0 || to[1] > 59)
    return h->host->error (h->host, "'%s' is not like '1-5 08:00-18:00'",
                           value);
  h->from = from[0] * 60 + from[1];
  h->to = to[0] * 60 + to[1];
  return h->from < h->to
         ? 0 : h->host->error (h->host, "'%s' ends before it begins", value);
}

static int
is_open (const struct hours *h)
{
  time_t now = time (NULL);
  struct tm tm;
  int day, minute;

  if (localtime_r (&now, &tm) == NULL)
    return 0;
  day = tm.tm_wday ? tm.tm_wday : 7;
  minute = tm.tm_hour * 60 + tm.tm_min;
  return day >= h->first_day && day <= h->last_day && minute >= h->from
         && minute < h->to;
}

/* A loop thread, several at once, before each call: never block here. */
static int
hours_permit (void *inst, const struct virgate_acl_call *call,
              struct virgate_acl_reason *reason)
{
  const struct hours *h = inst;

  if (!call->is_write || is_open (h))
    return VIRGATE_ACL_ALLOW;
  snprintf (reason->text, sizeof reason->text, "hours = %d-%d %02d:%02d-"
            "%02d:%02d", h->first_day, h->last_day, h->from / 60,
            h->from % 60, h->to / 60, h->to % 60);
  return VIRGATE_ACL_DENY;
}

static const struct virgate_option options[] = {
  { "hours", VIRGATE_OPTION_STRING, VIRGATE_OPTION_REQUIRED,
    .help = "when changes are allowed: '1-5 08:00-18:00', 1 is Monday" },
  { NULL }
};

static const struct virgate_acl_ops ops = {
  .permit = hours_permit,
};

VIRGATE_MODULE_EXPORT const struct virgate_module virgate_module = {
  VIRGATE_MODULE_HEAD,
  .kind = VIRGATE_KIND_ACL,
  .ops_size = sizeof ops,
  .name = "hours",
  .version = "1.0",
  .summary = "changes in business hours only",
  .options = options,
  .open = hours_open,
  .config = hours_config,
  .close = free,
  .ops = &ops,
};
