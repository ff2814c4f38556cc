/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * schedinfo: read and set the parameters of a domain's scheduler.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* Read the parameters as they are now; NULL after an error. */
static struct virgate_remote_domain_get_scheduler_parameters_flags_ret *
sched_get (struct cmd *cmd, const struct virgate_domain *dom, int32_t nparams,
           uint32_t flags)
{
  struct virgate_remote_domain_get_scheduler_parameters_flags_args args = {
    .dom = *dom, .nparams = nparams, .flags = flags
  };
  struct virgate_remote_domain_get_scheduler_parameters_flags_ret *ret = NULL;
  /* without flags the older procedure serves; its arguments and result are
   * the beginning of the newer one's */
  bool is_plain = flags == 0 && !opt_bool (cmd, "current");

  if (cmd_call (cmd, is_plain ? REMOTE (DOMAIN_GET_SCHEDULER_PARAMETERS)
                : REMOTE (DOMAIN_GET_SCHEDULER_PARAMETERS_FLAGS),
                &args, (void **) &ret) < 0)
    return NULL;
  return ret;
}

/* Put a text into a parameter by its type.  0 or -1. */
static int
value_parse (struct virgate_typed_param_value *value, const char *text)
{
  char *end;

  switch (value->type) {
  case VIRGATE_TYPED_PARAM_INT:
    value->u.i = (int32_t) strtol (text, &end, 10);
    break;
  case VIRGATE_TYPED_PARAM_UINT:
    value->u.ui = (uint32_t) strtoul (text, &end, 10);
    break;
  case VIRGATE_TYPED_PARAM_LLONG:
    value->u.l = strtoll (text, &end, 10);
    break;
  case VIRGATE_TYPED_PARAM_ULLONG:
    value->u.ul = strtoull (text, &end, 10);
    break;
  case VIRGATE_TYPED_PARAM_DOUBLE:
    value->u.d = strtod (text, &end);
    break;
  case VIRGATE_TYPED_PARAM_BOOLEAN:
    value->u.b = (int32_t) strtol (text, &end, 10);
    break;
  default:
    value->u.s = (char *) text;
    return 0;
  }
  return *text != '\0' && *end == '\0' ? 0 : -1;
}

/* The text that a parameter is to get; NULL: it stays as it is. */
static const char *
sched_wish (struct cmd *cmd, const char *field)
{
  const struct parsed *parsed = cmd->parsed;
  size_t len = strlen (field);

  for (int i = 0; i < parsed->nargs; i++)
    if (strncmp (parsed->args[i], field, len) == 0
        && parsed->args[i][len] == '=')
      return parsed->args[i] + len + 1;
  return strcmp (field, "weight") == 0 || strcmp (field, "cap") == 0
         ? opt_str (cmd, field) : NULL;
}

/* Send what was asked for.  Returns how many parameters, or -1. */
static int
sched_set (struct cmd *cmd, const struct virgate_domain *dom,
           const struct virgate_typed_param *now, uint32_t count,
           uint32_t flags)
{
  CLEANUP_FREE struct virgate_typed_param *params =
    must_alloc (NULL, count, sizeof *params);
  struct virgate_remote_domain_set_scheduler_parameters_flags_args args = {
    .dom = *dom, .params = { 0, params }, .flags = flags
  };
  bool is_plain = flags == 0 && !opt_bool (cmd, "current");

  for (uint32_t i = 0; i < count; i++) {
    const char *wish = sched_wish (cmd, now[i].field);

    if (wish == NULL)
      continue;
    params[args.params.len] = now[i];
    if (value_parse (&params[args.params.len++].value, wish) < 0)
      return cmd_fail (cmd, STATUS_FAILED, "invalid value for parameter %s: "
                       "'%s'", now[i].field, wish);
  }
  if (args.params.len == 0 && cmd->parsed->nargs > 0)
    return cmd_fail (cmd, STATUS_FAILED, "invalid scheduler option: %s",
                     cmd->parsed->args[0]);
  if (args.params.len > 0
      && cmd_call (cmd, is_plain ? REMOTE (DOMAIN_SET_SCHEDULER_PARAMETERS)
                   : REMOTE (DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS),
                   &args, NULL) < 0)
    return -1;
  return (int) args.params.len;
}

int
run_schedinfo (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_scheduler_type_args args = { 0 };
  struct virgate_remote_domain_get_scheduler_type_ret *type = NULL;
  struct virgate_remote_domain_get_scheduler_parameters_flags_ret *ret;
  uint32_t flags = opt_bits (cmd), query = flags;
  int set;

  if (dom == NULL)
    return -1;
  if (flags == (AFFECT_LIVE | AFFECT_CONFIG))
    query = 0;                  /* both can be set, but not read, at once */
  args.dom = *dom;
  if (CALL (cmd, domain_get_scheduler_type, &args, &type) < 0)
    return -1;
  ret = sched_get (cmd, dom, type->nparams, query);
  if (ret == NULL)
    return -1;
  set = sched_set (cmd, dom, ret->params.val, ret->params.len, flags);
  if (set == 0 && flags != query)
    return cmd_fail (cmd, STATUS_FAILED,
                     "cannot query both live and config at once");
  if (set > 0)
    ret = sched_get (cmd, dom, type->nparams, query);
  if (set < 0 || ret == NULL)
    return -1;
  result_record (cmd->out, &style_param);
  put_str (cmd->out, "scheduler", "Scheduler", type->type);
  for (uint32_t i = 0; i < ret->params.len; i++)
    put_param (cmd->out, ret->params.val[i].field, &ret->params.val[i]);
  return 0;
}
