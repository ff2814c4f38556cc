/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication as a client: see authenticate.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "core/authmodule.h"
#include "core/layer.h"

/* Messages of one conversation; the longest known takes four. */
#define STEPS_MAX 32

enum auth_type {
  AUTH_NONE = 0,
  AUTH_SASL = 1,
  AUTH_POLKIT = 2
};

static const char *const type_names[] = { "none", "sasl", "polkit" };

struct authing {
  const struct authentication *how;
  const char *wanted;           /* a name of type_names, or NULL */
  const char *mech;             /* after "sasl.", or NULL */
  struct authenticated *out;
  struct virgate_error *err;
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
  return error_set (a->err, VIRGATE_ERR_AUTH_FAILED, VIRGATE_FROM_RPC,
                    "%s: %s", a->how->where, text ? text : "out of memory");
}

static int
call (const struct authing *a, int32_t procedure, const void *args,
      void **ret)
{
  return a->how->call (a->how->opaque, procedure, args, ret, a->err);
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
  const char *value = a->how->wanted;

  if (value == NULL)
    return 0;
  if (strncmp (value, "sasl.", 5) == 0) {
    a->wanted = "sasl";
    a->mech = value + 5;
  }
  else if (strcmp (value, "sasl") == 0 || strcmp (value, "polkit") == 0)
    a->wanted = value;
  else
    return error_set (a->err, VIRGATE_ERR_INVALID_ARG, VIRGATE_FROM_REMOTE,
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
  if (!knows_no_list (a->err))
    return -1;
  error_clear (a->err);
  return 0;
}

/* SASL -------------------------------------------------------------------- */

struct sasl {
  const struct authing *a;
  struct conversation c;
  /* The server's latest word. */
  struct virgate_remote_auth_sasl_step_ret *said;
};

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
send_start (struct sasl *s)
{
  struct virgate_remote_auth_sasl_step_args step;
  struct virgate_remote_auth_sasl_start_args args = { .mech = s->c.mech };
  struct virgate_remote_auth_sasl_start_ret *ret = NULL;

  fill_step (&step, &s->c.first);
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
  result = s->c.ops->client_step (s->c.conv, &in, &out);
  if (result != VIRGATE_AUTH_MORE && result != VIRGATE_AUTH_YES)
    return conversation_failed (s->a->how, s->c.instance, s->a->err);
  s->c.is_done = result == VIRGATE_AUTH_YES;
  if (s->said->complete && s->c.is_done)
    return 1;
  if (s->said->complete)
    return fail (s->a, "the server says that it has finished, but has not "
                 "proved who it is");
  if (send_step (s, &out) == -1)
    return -1;
  return s->said->complete && s->c.is_done;
}

static int
sasl_converse (struct sasl *s)
{
  int result = 0;

  if (send_start (s) == -1)
    return -1;
  for (int i = 0; i < STEPS_MAX && result == 0; i++)
    result = sasl_turn (s);
  if (result == 0)
    return fail (s->a, "the conversation does not end");
  return result == 1 ? 0 : -1;
}

/* A conversation that negotiated a layer lives on. */
static void
hand_out (struct sasl *s)
{
  struct conversation *c = &s->c;

  if (layer_is_wanted (c->ops, c->conv))
    s->a->out->conv = steal_pointer (&c->conv);
  s->a->out->instance = steal_pointer (&c->instance);
}

static int
sasl_run (const struct authing *a)
{
  CLEANUP_FREE struct virgate_remote_auth_sasl_init_ret *init = NULL;
  struct sasl s = { .a = a };
  int result;

  if (call (a, VIRGATE_REMOTE_PROC_AUTH_SASL_INIT, NULL,
            (void **) &init) == -1
      || conversation_begin (a->how, init->mechlist, a->mech, &s.c, a->err)
         == -1)
    return -1;
  result = sasl_converse (&s);
  free (s.said);
  if (result == 0)
    hand_out (&s);
  conversation_end (&s.c);
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
authenticate (const struct authentication *how, struct authenticated *out,
              struct virgate_error *err)
{
  CLEANUP_FREE struct virgate_remote_auth_list_ret *list = NULL;
  struct authing a = { .how = how, .out = out, .err = err };
  char offered[256];
  int32_t type;
  int known;

  *out = (struct authenticated) { NULL };
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
