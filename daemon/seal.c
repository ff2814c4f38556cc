/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The beginning of a security layer; see seal.h.
 */
#include "config.h"

#include <stdlib.h>

#include "common/cleanup.h"
#include "core/layer.h"
#include "daemon/call.h"
#include "daemon/policy.h"
#include "daemon/seal.h"

/* The layer uses its module's instance, which belongs to the policy that the
 * client was let in by, for as long as the session lives.
 */
struct seal {
  struct layer *layer;          /* NULL: it has begun */
  struct policy *policy;        /* a reference */
  bool is_due;                  /* the last reply in clear is in the output */
};

/* Nothing comes between this and the reply. */
static void
reply_lands (struct virgate_call *call)
{
  if (call->session->seal)
    call->session->seal->is_due = true;
}

int
seal_prepare (struct auth *auth)
{
  struct session *session = auth->session;
  struct seal *seal;

  if (auth->conv == NULL || !layer_is_wanted (auth->talks->talk, auth->conv))
    return 0;
  seal_free (session);
  seal = session->seal = calloc (1, sizeof *seal);
  if (seal)
    seal->layer = layer_new (auth->talks->talk, auth->conv);
  if (seal == NULL || seal->layer == NULL) {
    session_log (session, VIRGATE_LOG_NOTICE, "%s: cannot set up the security "
                 "layer that was agreed on", auth->talks->name);
    seal_free (session);
    return -1;
  }
  auth->conv = NULL;
  seal->policy = auth->policy;
  policy_ref (seal->policy);
  auth->call->landed = reply_lands;
  return 0;
}

bool
seal_is_near (const struct session *session)
{
  return session->seal && session->seal->layer;
}

void
seal_begin (struct session *session)
{
  struct seal *seal = session->seal;

  if (!seal_is_near (session) || !seal->is_due)
    return;
  if (buf_len (&session->in.part) > 0 || session->held) {
    session_close (session, VIRGATE_LOG_INFO,
                   "went on in clear where protection begins");
    return;
  }
  session->is_stopped = false;
  layer_begin (steal_pointer (&seal->layer), &session->ops, &session->conn);
}

void
seal_free (struct session *session)
{
  struct seal *seal = steal_pointer (&session->seal);

  if (seal == NULL)
    return;
  layer_free (seal->layer);
  if (seal->policy)
    policy_unref (seal->policy);
  free (seal);
}
