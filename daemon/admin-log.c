/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Administration: the log's level, filters and place.  What is set here lasts
 * until the configuration is read again.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "core/error.h"
#include "core/logrules.h"
#include "daemon/admin.h"
#include "daemon/call.h"
#include "daemon/server.h"

static int
refuse_flags (struct virgate_call *call, uint32_t flags)
{
  const struct virgate_admin_server any = { MAIN_SERVER };

  return admin_which (call, &any, flags) == -1 ? -1 : 0;
}

/* 0 and a copy of the text; or -1 after the call's error was set. */
static int
answer (struct virgate_call *call, const char *text, const char **out)
{
  *out = text ? admin_keep (call, text) : NULL;
  return *out ? 0 : call_service_error (call, VIRGATE_ERR_NO_MEMORY,
                                        VIRGATE_FROM_ADMIN, NULL);
}

int
admin_get_outputs (void *conn, struct virgate_call *call, const void *args,
                   void *opaque)
{
  const struct virgate_admin_connect_get_logging_outputs_args *a = args;
  struct virgate_admin_connect_get_logging_outputs_ret *ret = opaque;
  CLEANUP_FREE char *text = NULL;

  if (refuse_flags (call, a->flags) == -1)
    return -1;
  text = log_rules_output (&admin_server_of (call)->log);
  ret->noutputs = 1;
  return answer (call, text, &ret->outputs);
}

int
admin_get_filters (void *conn, struct virgate_call *call, const void *args,
                   void *opaque)
{
  const struct virgate_admin_connect_get_logging_filters_args *a = args;
  struct virgate_admin_connect_get_logging_filters_ret *ret = opaque;
  CLEANUP_FREE char *text = NULL;
  unsigned count;

  if (refuse_flags (call, a->flags) == -1)
    return -1;
  text = log_rules_filters (&admin_server_of (call)->log, &count);
  ret->nfilters = text ? count : 0;
  if (text && count == 0)
    return 0;
  return answer (call, text, &ret->filters);
}

static int
set (struct virgate_call *call, const char *text, uint32_t flags,
     int (*fn) (struct log *log, const char *text, struct virgate_error *err))
{
  CLEANUP_ERROR struct virgate_error err = { 0 };
  struct log *log = &admin_server_of (call)->log;

  if (refuse_flags (call, flags) == -1)
    return -1;
  if (fn (log, text, &err) == -1)
    return call_service_record (call, &err);
  log_write (log, VIRGATE_LOG_NOTICE, "daemon", "an administrator changed "
             "what is logged");
  return 0;
}

int
admin_set_outputs (void *conn, struct virgate_call *call, const void *args,
                   void *ret)
{
  const struct virgate_admin_connect_set_logging_outputs_args *a = args;
  bool is_any = a->outputs && *a->outputs;

  return set (call, is_any ? a->outputs : "3:stderr", a->flags,
              log_rules_set_output);
}

int
admin_set_filters (void *conn, struct virgate_call *call, const void *args,
                   void *ret)
{
  const struct virgate_admin_connect_set_logging_filters_args *a = args;

  return set (call, a->filters, a->flags, log_rules_set_filters);
}
