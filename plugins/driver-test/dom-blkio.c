/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Weights and limits of a domain's block I/O: for all of it and by device.
 * Those by device travel as one string: PATH,VALUE,PATH,VALUE...
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/params.h"

static const struct param_spec blkio_specs[] = {
  { "weight", VIRGATE_TYPED_PARAM_UINT },
  { "device_weight", VIRGATE_TYPED_PARAM_STRING },
  { "device_read_iops_sec", VIRGATE_TYPED_PARAM_STRING },
  { "device_write_iops_sec", VIRGATE_TYPED_PARAM_STRING },
  { "device_read_bytes_sec", VIRGATE_TYPED_PARAM_STRING },
  { "device_write_bytes_sec", VIRGATE_TYPED_PARAM_STRING },
  { NULL, 0 }
};

#define BLKIO_PARAMS 6          /* the first is for all, the rest by device */
#define DEVICE_PREFIX 7         /* of "device_": the rest is the element */

/* Values of 64 bits; the others have 32. */
static uint64_t
blkio_max (const char *name)
{
  return strstr (name, "bytes") ? UINT64_MAX : UINT32_MAX;
}

/* "PATH,VALUE,..." of all devices that have the element. */
static char *
blkio_string (const struct def *def, const char *element)
{
  struct buf buf = BUF_INIT;
  struct xml_node *tune = xml_child (def->body->root, "blkiotune");
  char text[32];

  for (struct xml_node *dev = tune ? xml_child (tune, "device") : NULL; dev;
       dev = xml_next (dev)) {
    const char *path = xml_path_text (dev, "path");
    uint64_t value = xml_number (xml_path_text (dev, element), 0);
    int len = snprintf (text, sizeof text, ",%llu",
                        (unsigned long long) value);

    if (!path || !value)
      continue;
    if ((buf_len (&buf) && buf_append (&buf, ",", 1) == -1)
        || buf_append (&buf, path, strlen (path)) == -1
        || buf_append (&buf, text, (size_t) len) == -1)
      break;
  }
  if (buf_append (&buf, "", 1) == -1) {
    buf_free (&buf);
    return NULL;
  }
  return buf.base;
}

HANDLER (domain_get_blkio_parameters)
{
  struct params_out out;
  struct def **def;

  if (params_room (c, args->nparams,
                   VIRGATE_REMOTE_DOMAIN_BLKIO_PARAMETERS_MAX) == -1
      || check_affect (c, "virDomainGetBlkioParameters", args->flags) == -1
      || check_flags (c, args->flags, AFFECT_BOTH | PARAMS_STRINGS,
                      "testDomainGetBlkioParameters") == -1)
    return -1;
  if (!args->nparams) {
    ret->nparams = BLKIO_PARAMS;
    return 0;
  }
  LOCK_FOR_SCOPE (&c->world->lock);
  def = find_one_def (c, &args->dom, args->flags);
  if (!def || params_start (&out, c, (uint32_t) args->nparams, args->flags)
                == -1)
    return -1;
  params_add_uint (&out, blkio_specs[0].name,
                   (uint32_t) domain_def_number ((*def)->body,
                                                 "blkiotune/weight", 0));
  for (int i = 1; i < BLKIO_PARAMS; i++) {
    CLEANUP_FREE char *text
      = blkio_string (*def, blkio_specs[i].name + DEVICE_PREFIX);

    if (!text)
      return fail_memory (c);
    params_add_string (&out, blkio_specs[i].name, text);
  }
  return params_end (&out, &ret->params.val, &ret->params.len);
}

/* One PATH,VALUE of a parameter. */
struct blkio_entry {
  const char *path;
  size_t path_len;
  uint64_t value;
};

static int
bad_string (const struct ctx *c, const char *name, const char *text)
{
  return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INVALID_ARG,
                  "unable to parse blkio device '%s' '%s'", name, text);
}

/* Take one entry off the text.  Returns 1, 0 at the end, -1 after the
 * refusal.
 */
static int
next_entry (const struct ctx *c, const char *name, const char *whole,
            const char **text, struct blkio_entry *entry)
{
  const char *comma = strchr (*text, ',');
  unsigned long long value;
  char *end;

  if (!**text)
    return 0;
  if (!comma)
    return bad_string (c, name, whole);
  entry->path = *text;
  entry->path_len = (size_t) (comma - *text);
  errno = 0;
  value = strtoull (comma + 1, &end, 10);
  if (errno || end == comma + 1 || strchr (comma + 1, '-') == comma + 1
      || value > blkio_max (name))
    return fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INVALID_ARG,
                    "invalid value '%s' for parameter '%s' of device '%.*s'",
                    comma + 1, name, (int) entry->path_len, entry->path);
  if (*end && *end != ',')
    return bad_string (c, name, whole);
  entry->value = value;
  *text = *end ? end + 1 : end;
  return 1;
}

static struct xml_node *
find_device (struct xml_node *tune, const struct blkio_entry *entry)
{
  for (struct xml_node *dev = xml_child (tune, "device"); dev;
       dev = xml_next (dev)) {
    const char *path = xml_path_text (dev, "path");

    if (path && strlen (path) == entry->path_len
        && memcmp (path, entry->path, entry->path_len) == 0)
      return dev;
  }
  return NULL;
}

static int
put_entry (struct def *def, const char *element,
           const struct blkio_entry *entry)
{
  struct xml_node *tune = xml_make_path (def->body->root, "blkiotune");
  struct xml_node *dev, *path, *value;

  if (!tune)
    return -1;
  dev = find_device (tune, entry);
  if (!dev) {
    if (!entry->value)
      return 0;
    dev = xml_child_add (tune, "device");
    path = dev ? xml_child_make (dev, "path") : NULL;
    if (!path || xml_text_setf (path, "%.*s", (int) entry->path_len,
                                entry->path) == -1)
      return -1;
  }
  value = xml_child_make (dev, element);
  if (!value || xml_text_setf (value, "%llu",
                               (unsigned long long) entry->value) == -1)
    return -1;
  if (!entry->value)
    xml_node_free (value);
  /* A device of which nothing is left but its path says nothing. */
  if (dev->first == dev->last)
    xml_node_free (dev);
  return 0;
}

static int
put_string (const struct ctx *c, struct def *def,
            const struct virgate_typed_param *param)
{
  const char *text = param->value.u.s;
  size_t commas = 0;
  struct blkio_entry entry = { NULL, 0, 0 };
  int more;

  for (const char *at = text; *at; at++)
    commas += *at == ',';
  if (*text && !(commas & 1))
    return bad_string (c, param->field, text);
  while ((more = next_entry (c, param->field, param->value.u.s, &text,
                             &entry)) > 0)
    if (put_entry (def, param->field + DEVICE_PREFIX, &entry) == -1)
      return fail_memory (c);
  return more;
}

HANDLER_IN (domain_set_blkio_parameters)
{
  struct def **slot, *def;
  int result = 0;

  if (params_present (c, "virDomainSetBlkioParameters", args->params.val,
                      args->params.len) == -1
      || check_flags (c, args->flags, AFFECT_BOTH,
                      "testDomainSetBlkioParameters") == -1
      || params_check (c, args->params.val, args->params.len, blkio_specs)
           == -1)
    return -1;
  LOCK_FOR_SCOPE (&c->world->lock);
  slot = find_one_def (c, &args->dom, args->flags);
  if (!slot)
    return -1;
  def = def_edit (slot);
  if (!def)
    return fail_memory (c);
  for (uint32_t i = 0; i < args->params.len; i++) {
    const struct virgate_typed_param *param = &args->params.val[i];

    if (param->value.type == VIRGATE_TYPED_PARAM_STRING)
      result |= put_string (c, def, param);
    else if ((param->value.u.ui
              ? domain_def_set_number (def->body, "blkiotune/weight",
                                       param->value.u.ui)
              : domain_def_set_text (def->body, "blkiotune/weight", NULL))
             == -1)
      result = fail_memory (c);
  }
  def_changed (def);
  return result ? -1 : 0;
}
