/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Typed parameters, as the protocol's library checks and fills them.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/driver-test/params.h"

#define FIELD_SIZE 80           /* of a parameter's name, with its end */

static const char *const type_names[] = {
  "unknown", "int", "uint", "llong", "ullong", "double", "boolean", "string"
};

static const char *
type_name (int32_t type)
{
  return type > 0 && (size_t) type < COUNT_OF (type_names)
         ? type_names[type] : type_names[0];
}

static int
by_name (const void *a, const void *b)
{
  const struct virgate_typed_param *const *one = a;
  const struct virgate_typed_param *const *other = b;

  return strcmp ((*one)->field, (*other)->field);
}

static const struct param_spec *
spec_find (const struct param_spec *specs, const char *name)
{
  while (specs->name && strcmp (specs->name, name) != 0)
    specs++;
  return specs->name ? specs : NULL;
}

static int
check_one (const struct ctx *c, const struct virgate_typed_param *param,
           const char *before, const struct param_spec *specs)
{
  const struct param_spec *spec = spec_find (specs, param->field);

  if (!spec)
    return fail_in (c, VIRGATE_FROM_NONE, VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
                    "parameter '%s' not supported", param->field);
  if (before && strcmp (before, param->field) == 0)
    return fail_in (c, VIRGATE_FROM_NONE, VIRGATE_ERR_INVALID_ARG,
                    "parameter '%s' occurs multiple times", param->field);
  if (param->value.type != spec->type)
    return fail_in (c, VIRGATE_FROM_NONE, VIRGATE_ERR_INVALID_ARG,
                    "invalid type '%s' for parameter '%s', expected '%s'",
                    type_name (param->value.type), param->field,
                    type_name (spec->type));
  return 0;
}

int
params_check (const struct ctx *c, const struct virgate_typed_param *val,
              uint32_t len, const struct param_spec *specs)
{
  const struct virgate_typed_param **sorted
    = call_array (c, len, sizeof *sorted);

  if (!sorted)
    return -1;
  for (uint32_t i = 0; i < len; i++)
    sorted[i] = &val[i];
  if (len)
    qsort (sorted, len, sizeof *sorted, by_name);
  for (uint32_t i = 0; i < len; i++)
    if (check_one (c, sorted[i], i ? sorted[i - 1]->field : NULL, specs)
        == -1)
      return -1;
  return 0;
}

int
params_present (const struct ctx *c, const char *function,
                const struct virgate_typed_param *val, uint32_t len)
{
  for (uint32_t i = 0; i < len; i++)
    if (strlen (val[i].field) >= FIELD_SIZE)
      return fail_in (c, VIRGATE_FROM_NONE, VIRGATE_ERR_INTERNAL_ERROR,
                      "parameter %s too big for destination", val[i].field);
  return check_not_null (c, VIRGATE_FROM_DOMAIN, function, "params",
                         len ? val : NULL);
}

const struct virgate_typed_param *
params_find (const struct virgate_typed_param *val, uint32_t len,
             const char *name)
{
  for (uint32_t i = 0; i < len; i++)
    if (strcmp (val[i].field, name) == 0)
      return &val[i];
  return NULL;
}

int
params_room (const struct ctx *c, int32_t wanted, int32_t limit)
{
  if (check_count (c, "nparams", wanted) == -1)
    return -1;
  if (wanted <= limit)
    return 0;
  return fail_in (c, VIRGATE_FROM_RPC, VIRGATE_ERR_INTERNAL_ERROR,
                  "nparams too large");
}

int
params_start (struct params_out *out, const struct ctx *c, uint32_t max,
              uint32_t flags)
{
  *out = (struct params_out) {
    .c = c, .max = max, .strings = flags & PARAMS_STRINGS,
    .val = call_array (c, max, sizeof *out->val)
  };
  return out->val ? 0 : -1;
}

/* The value of the next parameter, to be filled; NULL = there is no room. */
static struct virgate_typed_param_value *
params_next (struct params_out *out, const char *name, int32_t type)
{
  struct virgate_typed_param *param = &out->val[out->len];

  if (out->next++ >= out->max || out->failed)
    return NULL;
  if (type == VIRGATE_TYPED_PARAM_STRING && !out->strings)
    return NULL;
  param->field = call_strdup (out->c, name);
  if (!param->field) {
    out->failed = true;
    return NULL;
  }
  param->value.type = type;
  out->len++;
  return &param->value;
}

void
params_add_int (struct params_out *out, const char *name, int32_t value)
{
  struct virgate_typed_param_value *to
    = params_next (out, name, VIRGATE_TYPED_PARAM_INT);

  if (to)
    to->u.i = value;
}

void
params_add_uint (struct params_out *out, const char *name, uint32_t value)
{
  struct virgate_typed_param_value *to
    = params_next (out, name, VIRGATE_TYPED_PARAM_UINT);

  if (to)
    to->u.ui = value;
}

void
params_add_ull (struct params_out *out, const char *name, uint64_t value)
{
  struct virgate_typed_param_value *to
    = params_next (out, name, VIRGATE_TYPED_PARAM_ULLONG);

  if (to)
    to->u.ul = value;
}

void
params_add_bool (struct params_out *out, const char *name, bool value)
{
  struct virgate_typed_param_value *to
    = params_next (out, name, VIRGATE_TYPED_PARAM_BOOLEAN);

  if (to)
    to->u.b = value;
}

void
params_add_string (struct params_out *out, const char *name,
                   const char *value)
{
  struct virgate_typed_param_value *to
    = params_next (out, name, VIRGATE_TYPED_PARAM_STRING);

  if (to && !(to->u.s = call_strdup (out->c, value)))
    out->failed = true;
}

int
params_end (const struct params_out *out, struct virgate_typed_param **val,
            uint32_t *len)
{
  *val = out->val;
  *len = out->len;
  return out->failed ? -1 : 0;
}
