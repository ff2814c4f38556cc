/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication, the client's side: which method, and the conversation that
 * a module leads.  What the methods themselves do is the modules' business.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "client/clientconf.h"
#include "client/internal.h"
#include "core/layer.h"

/* Messages of one conversation; the longest known takes four. */
#define STEPS_MAX 32

#define SERVICE "libvirt"

enum auth_type {
  AUTH_NONE = 0,
  AUTH_SASL = 1,
  AUTH_POLKIT = 2
};

static const char *const type_names[] = { "none", "sasl", "polkit" };

struct authing {
  struct virgate_conn *conn;
  const struct clientconf *conf;
  int64_t deadline;
  const char *wanted;           /* of `auth=` in the URI, or NULL */
  const char *mech;             /* after "sasl.", or NULL */
};

/* Always returns -1. */
static int __attribute__ ((format (printf, 2, 3)))
fail (const struct authing *a, const char *fmt, ...)
{
  CLEANUP_FREE char *text = NULL;
  va_list args;

  va_start (args, fmt);
  if (vasprintf (&text, fmt, args) == -1)
    text = NULL;
  va_end (args);
  return client_error (VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_RPC, "%s: %s",
                       a->conn->where, text ? text : "out of memory");
}

static int
call (const struct authing *a, int32_t procedure, const void *args,
      void **ret)
{
  return call_run (a->conn, VIRGATE_REMOTE_PROGRAM, procedure, args, ret,
                   NULL, a->deadline);
}

/* Which method ------------------------------------------------------------ */

static const char *
type_name (int32_t type)
{
  return type >= 0 && (size_t) type < COUNT_OF (type_names)
         ? type_names[type] : "one that is unknown here";
}

static void
list_types (const struct virgate_remote_auth_list_ret *list, char *text,
            size_t size)
{
  size_t len = 0;

  snprintf (text, size, "nothing");
  for (uint32_t i = 0; i < list->types.len && len < size; i++)
    len += snprintf (text + len, size - len, "%s%s", i ? ", " : "",
                     type_name (list->types.val[i]));
}

/* What the URI asks for: "sasl", "sasl.MECH", "polkit". */
static int
parse_wanted (struct authing *a)
{
  const char *value = uri_param (&a->conn->parsed, "auth");

  if (value == NULL)
    return 0;
  if (strncmp (value, "sasl.", 5) == 0) {
    a->wanted = "sasl";
    a->mech = value + 5;
  }
  else if (strcmp (value, "sasl") == 0 || strcmp (value, "polkit") == 0)
    a->wanted = value;
  else
    return client_error (VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_REMOTE,
                         "unknown authentication type %s", value);
  return 0;
}

/* The first that the server offers, or the one that the URI names. */
static int
choose (const struct authing *a,
        const struct virgate_remote_auth_list_ret *list, int32_t *type)
{
  char offered[256];

  *type = list->types.len > 0 ? list->types.val[0] : AUTH_NONE;
  if (a->wanted == NULL)
    return 0;
  for (uint32_t i = 0; i < list->types.len; i++)
    if (strcmp (type_name (list->types.val[i]), a->wanted) == 0) {
      *type = list->types.val[i];
      return 0;
    }
  list_types (list, offered, sizeof offered);
  return fail (a, "the URI wants authentication by %s, but the server offers "
               "%s", a->wanted, offered);
}

/* A server from before there was authentication knows no list. */
static bool
knows_no_list (const struct virgate_error *err)
{
  return err->code == VIRGATE_ERR_NO_SUPPORT
         || (err->code == VIRGATE_ERR_RPC && err->message
             && strncmp (err->message, "unknown procedure", 17) == 0);
}

static int
ask_types (const struct authing *a, struct virgate_remote_auth_list_ret **list)
{
  if (call (a, VIRGATE_REMOTE_PROC_AUTH_LIST, NULL, (void **) list) == 0)
    return 1;
  return knows_no_list (virgate_last_error ()) ? 0 : -1;
}

/* SASL -------------------------------------------------------------------- */

/* One conversation. */
struct sasl {
  const struct authing *a;
  const struct virgate_auth_ops *ops;
  struct instance *instance;
  void *conv;
  bool client_done;
  /* The server's latest word. */
  struct virgate_remote_auth_sasl_step_ret *said;
};

static int
module_failed (const struct sasl *s)
{
  struct virgate_error err = { 0 };

  host_error_take (s->instance, &err);
  return client_error_take (&err);
}

static int
load_module (struct sasl *s, const char *mechs)
{
  struct plumbing *plumbing = s->a->conn->plumbing;
  struct virgate_error err = { 0 };
  const struct module *module = modules_load (plumbing->modules,
                                              VIRGATE_KIND_AUTH, "sasl",
                                              &err);

  if (module)
    plumbing->auth = instance_open (module, &plumbing->env,
                                    clientconf_section (s->a->conf, "auth",
                                                        "sasl"),
                                    NULL, "auth sasl", &err);
  if (plumbing->auth == NULL) {
    fail (s->a, "the server offers authentication by sasl (%s): %s", mechs,
          error_message (&err));
    error_clear (&err);
    return -1;
  }
  s->instance = plumbing->auth;
  s->ops = module->ops;
  if (s->ops->client_start && s->ops->client_step)
    return 0;
  return fail (s->a, "the module auth-sasl has no half for clients");
}

static uint32_t
key_bits (const struct virgate_conn *conn)
{
  struct virgate_fact fact;

  if (peer_get (&conn->plumbing->peer, VIRGATE_FACT_TLS_KEY_BITS, 0, &fact))
    return (uint32_t) fact.num;
  return 0;
}

/* What goes to the server; longer than the protocol's limit is its error. */
static void
fill_step (struct virgate_remote_auth_sasl_step_args *args,
           const struct virgate_auth_data *out)
{
  args->nil = out->data == NULL;
  args->data.len = out->data ? (uint32_t) out->len : 0;
  args->data.val = out->data ? (uint8_t *) out->data : NULL;
}

static int
send_step (struct sasl *s, const struct virgate_auth_data *out)
{
  struct virgate_remote_auth_sasl_step_args args;

  fill_step (&args, out);
  free (steal_pointer (&s->said));
  return call (s->a, VIRGATE_REMOTE_PROC_AUTH_SASL_STEP, &args,
               (void **) &s->said);
}

static int
send_start (struct sasl *s, const char *mech,
            const struct virgate_auth_data *out)
{
  struct virgate_remote_auth_sasl_step_args step;
  struct virgate_remote_auth_sasl_start_args args = { .mech = mech };
  struct virgate_remote_auth_sasl_start_ret *ret = NULL;

  fill_step (&step, out);
  args.nil = step.nil;
  args.data.len = step.data.len;
  args.data.val = step.data.val;
  if (call (s->a, VIRGATE_REMOTE_PROC_AUTH_SASL_START, &args,
            (void **) &ret) == -1)
    return -1;
  /* Both answers have the same fields. */
  _Static_assert (sizeof *ret == sizeof *s->said, "start and step differ");
  s->said = (void *) ret;
  return 0;
}

/* Choose a mechanism and send the first message. */
static int
sasl_start (struct sasl *s, const char *mechs)
{
  struct virgate_conn *conn = s->a->conn;
  const struct virgate_auth_context context = {
    .size = sizeof context, .caps = conn->caps, .key_bits = key_bits (conn),
    .peer = &conn->plumbing->peer, .service = SERVICE,
    .hostname = conn->parsed.v.host ? conn->parsed.v.host : "localhost",
  };
  struct virgate_auth_data out = { NULL, 0 };
  const char *mech = NULL;
  int result;

  host_error_forget ();
  result = s->ops->client_start (s->instance->inst, &context, mechs,
                                 s->a->mech, &mech, &out, &s->conv);
  if (result != VIRGATE_AUTH_MORE && result != VIRGATE_AUTH_YES)
    return module_failed (s);
  s->client_done = result == VIRGATE_AUTH_YES;
  return send_start (s, mech, &out);
}

/* One turn; 1 when both sides are content. */
static int
sasl_turn (struct sasl *s)
{
  struct virgate_auth_data in, out = { NULL, 0 };
  int result;

  in.data = s->said->nil ? NULL : s->said->data.val ? (void *) s->said->data.val
                                                    : (void *) "";
  in.len = s->said->data.len;
  host_error_forget ();
  result = s->ops->client_step (s->conv, &in, &out);
  if (result != VIRGATE_AUTH_MORE && result != VIRGATE_AUTH_YES)
    return module_failed (s);
  s->client_done = result == VIRGATE_AUTH_YES;
  if (s->said->complete && s->client_done)
    return 1;
  if (s->said->complete)
    return fail (s->a, "the server says that it has finished, but has not "
                 "proved who it is");
  if (send_step (s, &out) == -1)
    return -1;
  return s->said->complete && s->client_done;
}

static int
sasl_converse (struct sasl *s, const char *mechs)
{
  int result = 0;

  if (load_module (s, mechs) == -1 || sasl_start (s, mechs) == -1)
    return -1;
  for (int i = 0; i < STEPS_MAX && result == 0; i++)
    result = sasl_turn (s);
  if (result == 0)
    return fail (s->a, "the conversation does not end");
  return result == 1 ? 0 : -1;
}

/* The layer begins where the server's last answer ends.  What came in clear
 * behind it must not become the beginning of what is protected.
 */
static int
start_layer (struct sasl *s)
{
  struct virgate_conn *conn = s->a->conn;
  struct layer *layer = layer_new (s->ops, s->conv);

  if (layer == NULL)
    return fail (s->a, "cannot set up the security layer that was agreed on");
  s->conv = NULL;
  if (buf_len (&conn->in.part) > 0) {
    layer_free (layer);
    return fail (s->a, "the server went on in clear where protection begins");
  }
  layer_begin (layer, &conn->ops, &conn->transport);
  conn->caps = layer_caps (conn->transport);
  conn->one_at_a_time = true;   /* the module's state is one */
  return 0;
}

static int
sasl_run (const struct authing *a)
{
  CLEANUP_FREE struct virgate_remote_auth_sasl_init_ret *init = NULL;
  struct sasl s = { .a = a };
  int result;

  if (call (a, VIRGATE_REMOTE_PROC_AUTH_SASL_INIT, NULL,
            (void **) &init) == -1)
    return -1;
  result = sasl_converse (&s, init->mechlist);
  free (s.said);
  if (result == 0 && layer_is_wanted (s.ops, s.conv))
    result = start_layer (&s);
  if (s.conv && s.ops->conv_free)
    s.ops->conv_free (s.conv);
  return result;
}

/* All of it --------------------------------------------------------------- */

static int
none_run (const struct authing *a)
{
  return 0;
}

static int
polkit_run (const struct authing *a)
{
  CLEANUP_FREE struct virgate_remote_auth_polkit_ret *ret = NULL;

  if (call (a, VIRGATE_REMOTE_PROC_AUTH_POLKIT, NULL, (void **) &ret) == -1)
    return -1;
  return ret->complete ? 0 : fail (a, "polkit refused");
}

static int (*const methods[]) (const struct authing *a) = {
  [AUTH_NONE] = none_run,
  [AUTH_SASL] = sasl_run,
  [AUTH_POLKIT] = polkit_run,
};

int
auth_run (struct virgate_conn *conn, const struct clientconf *conf,
          int64_t deadline)
{
  CLEANUP_FREE struct virgate_remote_auth_list_ret *list = NULL;
  struct authing a = { .conn = conn, .conf = conf, .deadline = deadline };
  char offered[256];
  int32_t type;
  int known;

  if (parse_wanted (&a) == -1)
    return -1;
  known = ask_types (&a, &list);
  if (known != 1)
    return known;
  if (choose (&a, list, &type) == -1)
    return -1;
  if (type >= 0 && (size_t) type < COUNT_OF (methods))
    return methods[type] (&a);
  list_types (list, offered, sizeof offered);
  return fail (&a, "the server offers authentication by %s", offered);
}
