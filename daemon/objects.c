/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finding objects in decoded arguments by the descriptors of their types.
 */
#include "config.h"

#include <pthread.h>
#include <string.h>

#include "common/big-endian.h"
#include "common/mem.h"
#include "daemon/objects.h"

/* Types that stand for an object, and where its names are. */
struct object_type {
  const char *type, *kind;
  const char *name, *uuid, *parent; /* fields; NULL: has none */
  bool goes_by_both;
};

static const struct object_type types[] = {
  { "virgate_domain", "domain", "name", "uuid", NULL },
  { "virgate_network", "network", "name", "uuid", NULL, true },
  { "virgate_network_port", "network_port", NULL, "uuid", "net" },
  { "virgate_nwfilter", "nwfilter", "name", "uuid", NULL },
  { "virgate_nwfilter_binding", "nwfilter_binding", "portdev", NULL, NULL },
  { "virgate_interface", "interface", "name", NULL, NULL },
  { "virgate_storage_pool", "storage_pool", "name", "uuid", NULL, true },
  { "virgate_storage_vol", "storage_vol", "name", NULL, "pool" },
  { "virgate_node_device", "node_device", "name", NULL, NULL },
  { "virgate_secret", "secret", "usageID", "uuid", NULL },
  { "virgate_domain_checkpoint", "domain", NULL, NULL, "dom" },
  { "virgate_domain_snapshot", "domain", NULL, NULL, "dom" },
};

/* Their descriptors; set once and for all. */
static const struct xdr_type *descriptors[COUNT_OF (types)];

static void
find_descriptors (void)
{
  for (size_t n = 0; n < xdr_type_count; n++)
    for (size_t i = 0; i < COUNT_OF (types); i++)
      if (strcmp (types[i].type, xdr_types[n]->name) == 0)
        descriptors[i] = xdr_types[n];
}

static const struct object_type *
find_type (const struct xdr_type *type)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  if (type == NULL)
    return NULL;
  pthread_once (&once, find_descriptors);
  for (size_t i = 0; i < COUNT_OF (types); i++)
    if (descriptors[i] == type)
      return &types[i];
  return NULL;
}

static const struct xdr_field *
find_field (const struct xdr_type *type, const char *name)
{
  for (uint32_t i = 0; name && i < type->count; i++)
    if (strcmp (type->fields[i].name, name) == 0)
      return &type->fields[i];
  return NULL;
}

const char *
objects_string (const struct xdr_type *type, const char *name,
                const void *obj)
{
  const struct xdr_field *field = find_field (type, name);

  if (field == NULL || (field->op != XDR_STRING && field->op != XDR_NAME)
      || (field->form != XDR_ONE && field->form != XDR_OPTIONAL))
    return NULL;
  return *(const char *const *) ((const char *) obj + field->offset);
}

static const uint8_t *
uuid_of (const struct xdr_type *type, const char *name, const void *obj)
{
  const struct xdr_field *field = find_field (type, name);

  if (field == NULL || field->op != XDR_BYTES || field->form != XDR_FIXED)
    return NULL;
  return (const uint8_t *) obj + field->offset;
}

/* The name of what a structure belongs to: a pool, or a structure's name. */
static const char *
parent_of (const struct xdr_type *type, const char *name, const void *obj)
{
  const struct xdr_field *field = find_field (type, name);

  if (field == NULL)
    return NULL;
  if (field->op != XDR_STRUCT)
    return objects_string (type, name, obj);
  return objects_string (field->type, "name",
                         (const char *) obj + field->offset);
}

/* A snapshot or checkpoint is decided on by its domain. */
static void
fill (struct virgate_object *out, const struct object_type *known,
      const struct xdr_type *type, const void *obj)
{
  const struct xdr_field *dom;

  *out = (struct virgate_object) {
    .kind = known->kind,
    .name = objects_string (type, known->name, obj),
    .uuid = uuid_of (type, known->uuid, obj),
    .parent = parent_of (type, known->parent, obj),
  };
  if (out->name || out->uuid || known->parent == NULL)
    return;
  dom = find_field (type, known->parent);
  fill (out, find_type (dom->type), dom->type,
        (const char *) obj + dom->offset);
}

/* The structure behind a field, if it is one that there is. */
static const void *
struct_in (const struct xdr_field *field, const void *args)
{
  const char *at = (const char *) args + field->offset;

  if (field->op != XDR_STRUCT)
    return NULL;
  if (field->form == XDR_ONE)
    return at;
  return field->form == XDR_OPTIONAL ? *(const void *const *) at : NULL;
}

/* X_lookup_by_name and X_lookup_by_uuid name what they look for, unless that is
 * decided on by what it belongs to, which they name as well.
 */
static uint32_t
looked_up (const struct proc_row *row, const void *args,
           struct virgate_object *out)
{
  const struct object_type *known = row->ret && row->ret->count > 0
    ? find_type (row->ret->fields[0].type) : NULL;

  if (known == NULL || (known->name == NULL && known->uuid == NULL)
      || strstr (row->name, "_lookup_by_") == NULL)
    return 0;
  *out = (struct virgate_object) {
    .kind = known->kind,
    .name = objects_string (row->args, "name", args),
    .uuid = uuid_of (row->args, "uuid", args),
  };
  return out->name || out->uuid;
}

/* Node devices have no structure in arguments, only their name. */
static uint32_t
node_device (const struct proc_row *row, const void *args,
             struct virgate_object *out)
{
  static const char kind[] = "node_device";

  if (row->permission_count == 0
      || strcmp (row->permissions[0].pair.object, kind) != 0)
    return 0;
  *out = (struct virgate_object) {
    .kind = kind, .name = objects_string (row->args, "name", args),
  };
  return out->name != NULL;
}

uint32_t
objects_of_call (const struct proc_row *row, const void *args,
                 struct virgate_object *out)
{
  uint32_t count = 0;

  if (row->args == NULL || args == NULL)
    return 0;
  for (uint32_t i = 0; i < row->args->count && count < OBJECTS_NAMED_MAX; i++) {
    const struct xdr_field *field = &row->args->fields[i];
    const struct object_type *known = find_type (field->type);
    const void *obj = struct_in (field, args);

    if (known && obj)
      fill (&out[count++], known, field->type, obj);
  }
  if (count < OBJECTS_NAMED_MAX)
    count += looked_up (row, args, &out[count]);
  return count ? count : node_device (row, args, out);
}

bool
objects_find (const struct xdr_type *type, const void *obj,
              struct virgate_object *out)
{
  const struct object_type *known = find_type (type);

  if (known)
    fill (out, known, type, obj);
  for (uint32_t i = 0; known == NULL && type && i < type->count; i++) {
    const void *in = struct_in (&type->fields[i], obj);

    if (in && objects_find (type->fields[i].type, in, out))
      return true;
  }
  return known != NULL;
}

bool
objects_go_by_both (const char *kind)
{
  for (size_t i = 0; i < COUNT_OF (types); i++)
    if (strcmp (types[i].kind, kind) == 0)
      return types[i].goes_by_both;
  return false;
}

/* Is the first argument an object, which begins with its name and uuid, and
 * the only one; does it go by the uuid alone; and is what the call needs always
 * the same?
 */
static bool
has_only_uuid (const struct proc_row *row)
{
  const struct object_type *known;
  const struct xdr_field *first, *in;

  if (row->args == NULL || row->args->count == 0 || row->number < 1
      || row->denied.test != PROC_NEVER || (row->flags & PROC_STREAM))
    return false;
  first = &row->args->fields[0];
  known = find_type (first->type);
  if (first->form != XDR_ONE || known == NULL || known->goes_by_both
      || first->type->count < 2)
    return false;
  in = first->type->fields;
  if (in[0].op != XDR_NAME || in[0].form != XDR_ONE || in[1].op != XDR_BYTES
      || in[1].form != XDR_FIXED || in[1].limit != 16)
    return false;
  for (uint32_t i = 1; i < row->args->count; i++)
    if (find_type (row->args->fields[i].type))
      return false;
  for (uint32_t i = 0; i < row->permission_count; i++)
    if (row->permissions[i].when.test != PROC_ALWAYS)
      return false;
  return true;
}

const uint8_t *
objects_only_uuid (const struct proc_row *row, const void *args)
{
  if (!has_only_uuid (row))
    return NULL;
  return (const uint8_t *) args + row->args->fields[0].offset
         + row->args->fields[0].type->fields[1].offset;
}

const uint8_t *
objects_only_uuid_in (const struct proc_row *row, const char *payload,
                      size_t len)
{
  uint64_t at;

  if (!has_only_uuid (row) || len < 4)
    return NULL;
  at = 4 + (((uint64_t) be32_load (payload) + 3) & ~UINT64_C (3));
  return at + 16 <= len ? (const uint8_t *) payload + at : NULL;
}

bool
objects_is_lookup (const struct proc_row *row)
{
  return row->permission_count == 1 && row->ret && row->filter == NULL
         && strcmp (row->permissions[0].pair.permission, "getattr") == 0
         && strstr (row->name, "_lookup_by_") != NULL
         && find_type (row->ret->fields[0].type) != NULL;
}

static bool
is_kind (const struct xdr_type *type, const char *kind)
{
  const struct object_type *known = find_type (type);

  return known && strcmp (known->kind, kind) == 0;
}

bool
objects_can_name (const struct proc_row *row, const char *kind)
{
  if (objects_is_lookup (row) && is_kind (row->ret->fields[0].type, kind))
    return true;
  for (uint32_t i = 0; row->args && i < row->args->count; i++)
    if (is_kind (row->args->fields[i].type, kind))
      return true;
  return strcmp (kind, "node_device") == 0 && row->args
         && find_field (row->args, "name");
}
