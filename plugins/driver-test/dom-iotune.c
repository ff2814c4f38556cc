/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Throttling of a domain's disks.  The parameters are named as the elements
 * of <iotune> are, and come in the same order.
 */
#include "config.h"

#include <string.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/params.h"

#define IOTUNE_MAX UINT64_C (1000000000000000)
#define IOTUNE(name) { name, VIRGATE_TYPED_PARAM_ULLONG }

static const struct param_spec iotune_specs[] = {
  IOTUNE ("total_bytes_sec"), IOTUNE ("read_bytes_sec"),
  IOTUNE ("write_bytes_sec"), IOTUNE ("total_iops_sec"),
  IOTUNE ("read_iops_sec"), IOTUNE ("write_iops_sec"),
  IOTUNE ("total_bytes_sec_max"), IOTUNE ("read_bytes_sec_max"),
  IOTUNE ("write_bytes_sec_max"), IOTUNE ("total_iops_sec_max"),
  IOTUNE ("read_iops_sec_max"), IOTUNE ("write_iops_sec_max"),
  IOTUNE ("size_iops_sec"),
  { "group_name", VIRGATE_TYPED_PARAM_STRING },
  IOTUNE ("total_bytes_sec_max_length"), IOTUNE ("read_bytes_sec_max_length"),
  IOTUNE ("write_bytes_sec_max_length"), IOTUNE ("total_iops_sec_max_length"),
  IOTUNE ("read_iops_sec_max_length"), IOTUNE ("write_iops_sec_max_length"),
  { NULL, 0 }
};

#define IOTUNE_PARAMS (COUNT_OF (iotune_specs) - 1)
#define IOTUNE_LIMITS 6         /* the first: each has a maximum six later */

/* All values of one disk; the group's place is unused. */
struct iotune {
  uint64_t values[IOTUNE_PARAMS];
  const char *group;            /* borrowed; NULL = none */
};

static bool
is_group (size_t i)
{
  return iotune_specs[i].type == VIRGATE_TYPED_PARAM_STRING;
}

static void
iotune_read (const struct xml_node *disk, struct iotune *tune)
{
  const struct xml_node *node = xml_child (disk, "iotune");

  memset (tune, 0, sizeof *tune);
  for (size_t i = 0; node && i < IOTUNE_PARAMS; i++) {
    const char *text = xml_path_text (node, iotune_specs[i].name);

    if (is_group (i))
      tune->group = text;
    else
      tune->values[i] = xml_number (text, 0);
  }
}

HANDLER (domain_get_block_io_tune)
{
  static const char function[] = "virDomainGetBlockIoTune";
  struct params_out out;
  struct iotune tune;
  struct def **def;
  const struct xml_node *disk;

  if (params_room (c, args->nparams,
                   VIRGATE_REMOTE_DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX) == -1
      || (args->nparams
          && check_not_null (c, VIRGATE_FROM_DOMAIN, function, "disk",
                             args->disk) == -1)
      || check_affect (c, function, args->flags) == -1
      || check_flags (c, args->flags, AFFECT_BOTH | PARAMS_STRINGS,
                      "testDomainGetBlockIoTune") == -1)
    return -1;
  if (!args->nparams) {
    ret->nparams = IOTUNE_PARAMS;
    return 0;
  }
  LOCK_FOR_SCOPE (&c->world->lock);
  def = find_one_def (c, &args->dom, args->flags);
  if (!def)
    return -1;
  disk = def_disk (*def, args->disk, true);
  if (!disk)
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "disk '%s' was not found in the domain config", args->disk);
  if (params_start (&out, c, (uint32_t) args->nparams, args->flags) == -1)
    return -1;
  iotune_read (disk, &tune);
  for (size_t i = 0; i < IOTUNE_PARAMS; i++) {
    if (is_group (i))
      params_add_string (&out, iotune_specs[i].name,
                         tune.group ? tune.group : "");
    else
      params_add_ull (&out, iotune_specs[i].name, tune.values[i]);
  }
  return params_end (&out, &ret->params.val, &ret->params.len);
}

/* Totals that exclude shares: index of the total, what messages call it. */
static const struct {
  size_t total;
  const char *what;
} totals[] = {
  { 0, "bytes_sec" }, { 3, "iops_sec" }, { 6, "bytes_sec_max" },
  { 9, "iops_sec_max" },
};

static int
iotune_check (const struct ctx *c, const struct iotune *tune)
{
  const uint64_t *v = tune->values;

  for (size_t i = 0; i < COUNT_OF (totals); i++) {
    size_t at = totals[i].total;

    if (v[at] && (v[at + 1] || v[at + 2]))
      return fail (c, VIRGATE_ERR_INVALID_ARG,
                   "total and read/write of %s "
                   "cannot be set at the same time", totals[i].what);
  }
  for (size_t i = 0; i < IOTUNE_LIMITS; i++)
    if (v[i] > v[i + IOTUNE_LIMITS])
      return fail (c, VIRGATE_ERR_INVALID_ARG,
                   "%s cannot be set higher than %s ", iotune_specs[i].name,
                   iotune_specs[i + IOTUNE_LIMITS].name);
  return 0;
}

static int
iotune_merge (const struct ctx *c, struct iotune *tune,
              const struct virgate_typed_param *val, uint32_t len)
{
  for (uint32_t p = 0; p < len; p++) {
    size_t i = 0;

    while (strcmp (iotune_specs[i].name, val[p].field) != 0)
      i++;
    if (is_group (i)) {
      tune->group = val[p].value.u.s;
      continue;
    }
    if (val[p].value.u.ul > IOTUNE_MAX)
      return fail (c, VIRGATE_ERR_ARGUMENT_UNSUPPORTED,
                   "block I/O throttle limit value must"
                   " be no more than %llu", (unsigned long long) IOTUNE_MAX);
    tune->values[i] = val[p].value.u.ul;
  }
  return 0;
}

static int
iotune_write (struct xml_node *disk, const struct iotune *tune)
{
  struct xml_node *node = xml_child_make (disk, "iotune");
  CLEANUP_FREE char *group = NULL;
  bool any = false;

  if (tune->group && !(group = strdup (tune->group)))
    return -1;
  for (size_t i = 0; node && i < IOTUNE_PARAMS; i++) {
    bool set = is_group (i) ? group != NULL : tune->values[i] != 0;
    struct xml_node *child = xml_child_make (node, iotune_specs[i].name);

    if (!child)
      return -1;
    any |= set;
    if (!set)
      xml_node_free (child);
    else if ((is_group (i)
              ? xml_text_set (child, group)
              : xml_text_setf (child, "%llu",
                               (unsigned long long) tune->values[i])) == -1)
      return -1;
  }
  if (node && !any)
    xml_node_free (node);
  return node ? 0 : -1;
}

HANDLER_IN (domain_set_block_io_tune)
{
  static const char function[] = "virDomainSetBlockIoTune";
  struct def **slot, *def;
  struct xml_node *disk;
  struct iotune tune;

  if (check_positive (c, VIRGATE_FROM_DOMAIN, function, "nparams",
                      args->params.len) == -1
      || params_present (c, function, args->params.val, args->params.len)
           == -1
      || check_flags (c, args->flags, AFFECT_BOTH,
                      "testDomainSetBlockIoTune") == -1
      || params_check (c, args->params.val, args->params.len, iotune_specs)
           == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  slot = find_one_def (c, &args->dom, args->flags);
  if (!slot)
    return -1;
  disk = def_disk (*slot, args->disk, true);
  if (!disk)
    return fail (c, VIRGATE_ERR_INVALID_ARG,
                 "missing persistent configuration for disk '%s'",
                 args->disk);
  iotune_read (disk, &tune);
  if (iotune_merge (c, &tune, args->params.val, args->params.len) == -1
      || iotune_check (c, &tune) == -1)
    return -1;
  /* A copy of the definition would take the group's name with it. */
  if (tune.group && !(tune.group = call_strdup (c, tune.group)))
    return -1;
  def = def_edit (slot);
  if (!def || iotune_write (def_disk (def, args->disk, true), &tune) == -1)
    return fail_memory (c);
  return 0;
}
