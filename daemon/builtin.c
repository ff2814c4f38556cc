/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Procedures that the daemon itself answers, but for authentication
 * (auth-calls.c) and opening (open.c).
 */
#include "config.h"

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/auth.h"
#include "daemon/builtin.h"
#include "daemon/call.h"
#include "daemon/open.h"
#include "daemon/server.h"
#include "daemon/session.h"

/* Features that belong to the connection rather than to its driver; others
 * are the driver's to know, and absent when it does not say.
 */
static int
supports_feature (void *conn, struct virgate_call *call, const void *args,
                  void *ret)
{
  const struct virgate_remote_connect_supports_feature_args *what = args;
  struct virgate_remote_connect_supports_feature_ret *answer = ret;
  const struct virgate_handler *handler;
  struct session *session = call->session;

  if (what->feature == FEATURE_KEEPALIVE) {
    session_keepalive_start (session);
    answer->supported = 1;
    return 0;
  }
  if (session->state != SESSION_READY)
    return call_service_error (call, VIRGATE_ERR_INTERNAL_ERROR,
                               VIRGATE_FROM_RPC, "%s",
                               "hypervisor connection not open");
  if (session->gateway)         /* that one it did not take */
    return 0;
  answer->supported = what->feature == FEATURE_EVENT_CALLBACK
                      || what->feature == FEATURE_CLOSE_CALLBACK
                      || what->feature == FEATURE_FD_PASSING;
  handler = driver_handler (session->driver, VIRGATE_REMOTE_PROGRAM,
                            VIRGATE_REMOTE_PROC_CONNECT_SUPPORTS_FEATURE);
  if (answer->supported || handler == NULL
      || (handler->flags & VIRGATE_WORKER))
    return 0;
  return handler->fn (conn, call, args, ret);
}

/* The reply is empty, and the last thing that is sent. */
static int
connect_close (void *conn, struct virgate_call *call, const void *args,
               void *ret)
{
  session_end (call->session);
  return 0;
}

static int
register_close (void *conn, struct virgate_call *call, const void *args,
                void *ret)
{
  call->session->wants_close_event = true;
  return 0;
}

static int
unregister_close (void *conn, struct virgate_call *call, const void *args,
                  void *ret)
{
  call->session->wants_close_event = false;
  return 0;
}

/* A claim to speak for somebody else.  Nobody may; claiming nothing is fine. */
static int
set_identity (void *conn, struct virgate_call *call, const void *args,
              void *ret)
{
  const struct virgate_remote_connect_set_identity_args *identity = args;

  if (identity->params.len > 0)
    return call_service_error (call, VIRGATE_ERR_ACCESS_DENIED,
                               VIRGATE_FROM_ACCESS, NULL);
  return 0;
}

#define BUILTIN(proc, flags, fn, ...)                                   \
  [VIRGATE_REMOTE_PROC_##proc] =                                        \
    { { VIRGATE_REMOTE_PROGRAM, VIRGATE_REMOTE_PROC_##proc, flags, fn }, \
      __VA_ARGS__ }

static const struct builtin builtins[] = {
  BUILTIN (AUTH_LIST, VIRGATE_INLINE, auth_list, false),
  BUILTIN (AUTH_SASL_INIT, VIRGATE_INLINE, auth_sasl_init, false),
  BUILTIN (AUTH_SASL_START, VIRGATE_INLINE, auth_sasl_start, false),
  BUILTIN (AUTH_SASL_STEP, VIRGATE_INLINE, auth_sasl_step, false),
  BUILTIN (AUTH_POLKIT, VIRGATE_INLINE, auth_polkit, false),
  BUILTIN (CONNECT_OPEN, VIRGATE_WORKER | VIRGATE_PRIORITY, open_run, false,
           open_prepare),
  BUILTIN (CONNECT_CLOSE, VIRGATE_INLINE, connect_close, false),
  BUILTIN (CONNECT_SUPPORTS_FEATURE, VIRGATE_INLINE, supports_feature, false),
  BUILTIN (CONNECT_REGISTER_CLOSE_CALLBACK, VIRGATE_INLINE, register_close,
           true),
  BUILTIN (CONNECT_UNREGISTER_CLOSE_CALLBACK, VIRGATE_INLINE,
           unregister_close, true),
  BUILTIN (CONNECT_SET_IDENTITY, VIRGATE_INLINE, set_identity, true),
};

const struct builtin *
builtin_find (uint32_t program, int32_t procedure)
{
  if (program != VIRGATE_REMOTE_PROGRAM || procedure <= 0
      || (size_t) procedure >= COUNT_OF (builtins)
      || builtins[procedure].handler.fn == NULL)
    return NULL;
  return &builtins[procedure];
}
