/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finding what a call makes; see made.h.
 */
#include "config.h"

#include <string.h>

#include <virgate/remote.h>

#include "common/mem.h"
#include "daemon/access.h"
#include "daemon/call.h"
#include "daemon/describe.h"
#include "daemon/made.h"
#include "daemon/objects.h"
#include "daemon/standing.h"
#include "daemon/true-names.h"

/* Where the arguments have it: fields, or typed parameters of these names.  A
 * name of its own goes before that in the description.
 */
struct maker {
  const char *kind, *xml, *name;
};

#define MAKES(proc, ...) [VIRGATE_REMOTE_PROC_##proc] = { __VA_ARGS__ }
#define PARAMS "destination_xml", "destination_name"

/* Of what a file holds, and of a device that the host names, nothing can be
 * said.
 */
static const struct maker makers[] = {
  MAKES (DOMAIN_CREATE_XML, "domain", "xml_desc", NULL),
  MAKES (DOMAIN_CREATE_XML_WITH_FILES, "domain", "xml_desc", NULL),
  MAKES (DOMAIN_DEFINE_XML, "domain", "xml", NULL),
  MAKES (DOMAIN_DEFINE_XML_FLAGS, "domain", "xml", NULL),
  MAKES (DOMAIN_RENAME, "domain", NULL, "new_name"),
  MAKES (DOMAIN_MIGRATE_PREPARE, "domain", NULL, "dname"),
  MAKES (DOMAIN_MIGRATE_PREPARE2, "domain", "dom_xml", "dname"),
  MAKES (DOMAIN_MIGRATE_PREPARE3, "domain", "dom_xml", "dname"),
  MAKES (DOMAIN_MIGRATE_PREPARE3_PARAMS, "domain", PARAMS),
  MAKES (DOMAIN_MIGRATE_PREPARE_TUNNEL, "domain", "dom_xml", "dname"),
  MAKES (DOMAIN_MIGRATE_PREPARE_TUNNEL3, "domain", "dom_xml", "dname"),
  MAKES (DOMAIN_MIGRATE_PREPARE_TUNNEL3_PARAMS, "domain", PARAMS),
  MAKES (DOMAIN_MIGRATE_FINISH, "domain", NULL, "dname"),
  MAKES (DOMAIN_MIGRATE_FINISH2, "domain", NULL, "dname"),
  MAKES (DOMAIN_MIGRATE_FINISH3, "domain", NULL, "dname"),
  MAKES (DOMAIN_MIGRATE_FINISH3_PARAMS, "domain", NULL, "destination_name"),
  MAKES (INTERFACE_DEFINE_XML, "interface", "xml", NULL),
  MAKES (NETWORK_CREATE_XML, "network", "xml", NULL),
  MAKES (NETWORK_CREATE_XML_FLAGS, "network", "xml", NULL),
  MAKES (NETWORK_DEFINE_XML, "network", "xml", NULL),
  MAKES (NETWORK_DEFINE_XML_FLAGS, "network", "xml", NULL),
  MAKES (NETWORK_PORT_CREATE_XML, "network_port", "xml", NULL),
  MAKES (NWFILTER_BINDING_CREATE_XML, "nwfilter_binding", "xml", NULL),
  MAKES (NWFILTER_DEFINE_XML, "nwfilter", "xml", NULL),
  MAKES (NWFILTER_DEFINE_XML_FLAGS, "nwfilter", "xml", NULL),
  MAKES (SECRET_DEFINE_XML, "secret", "xml", NULL),
  MAKES (STORAGE_POOL_CREATE_XML, "storage_pool", "xml", NULL),
  MAKES (STORAGE_POOL_DEFINE_XML, "storage_pool", "xml", NULL),
  MAKES (STORAGE_VOL_CREATE_XML, "storage_vol", "xml", NULL),
  MAKES (STORAGE_VOL_CREATE_XML_FROM, "storage_vol", "xml", NULL),
};

static const struct maker *
maker_of (uint32_t program, int32_t number)
{
  if (program != VIRGATE_REMOTE_PROGRAM || number < 0
      || (size_t) number >= COUNT_OF (makers) || makers[number].kind == NULL)
    return NULL;
  return &makers[number];
}

static const struct maker *
find_maker (const struct virgate_call *call)
{
  return call->args ? maker_of (call->head.program, call->head.procedure)
                    : NULL;
}

/* A typed parameter; -1: there are two, of which libvirt takes neither. */
static int
find_param (const struct xdr_list *params, const char *name,
            const char **value)
{
  const struct virgate_typed_param *param = params->val;

  for (uint32_t i = 0; i < params->len; i++, param++) {
    if (strcmp (param->field, name) != 0)
      continue;
    if (*value || param->value.type != VIRGATE_TYPED_PARAM_STRING)
      return -1;
    *value = param->value.u.s;
  }
  return 0;
}

static int
find_text (const struct virgate_call *call, const char *name,
           const char **value)
{
  const struct xdr_type *type = call->row->args;

  *value = NULL;
  if (name == NULL)
    return 0;
  for (uint32_t i = 0; i < type->count; i++)
    if (strcmp (type->fields[i].name, "params") == 0)
      return find_param ((const void *) ((const char *) call->args
                                         + type->fields[i].offset),
                         name, value);
  *value = objects_string (type, name, call->args);
  return 0;
}

/* Secrets go by their usage; one without has an empty one. */
static const char *
name_in (const struct maker *maker, const struct description *description)
{
  return description->name[0] || strcmp (maker->kind, "secret") == 0
         ? description->name : NULL;
}

static int
read_description (struct arena *arena, const struct maker *maker,
                  const char *xml, struct virgate_object *out)
{
  struct description description;
  const char *name;
  uint8_t *uuid;

  if (describe (maker->kind, xml, &description) == -1)
    return -1;
  name = name_in (maker, &description);
  if (name && out->name == NULL
      && (out->name = arena_strndup (arena, name, strlen (name))) == NULL)
    return -1;
  if (!description.has_uuid)
    return 0;
  uuid = arena_alloc (arena, 16);
  if (uuid == NULL)
    return -1;
  out->uuid = memcpy (uuid, description.uuid, 16);
  return 0;
}

static bool
read_made (struct virgate_call *call, const struct maker *maker,
           struct virgate_object *out)
{
  const char *xml, *name;

  *out = (struct virgate_object) { .kind = maker->kind };
  if (find_text (call, maker->name, &name) == -1
      || find_text (call, maker->xml, &xml) == -1
      || (maker->xml && xml == NULL))
    return false;
  out->name = name && *name ? name : NULL;
  if (xml && read_description (&call->arena, maker, xml, out) == -1)
    return false;
  return out->name || out->uuid;
}

bool
made_read (struct virgate_call *call, struct virgate_object *out)
{
  const struct maker *maker = find_maker (call);

  return maker && read_made (call, maker, out);
}

/* What the arguments name: whose pool or network it is in, or who gets the
 * new name.
 */
static const struct virgate_object *
find_kind (const struct virgate_object *objects, uint32_t count,
           const char *kind)
{
  for (uint32_t i = 0; i < count; i++)
    if (strcmp (objects[i].kind, kind) == 0)
      return &objects[i];
  return NULL;
}

/* A volume is made in a pool, whose name is the true one by now. */
static void
find_parent (const struct virgate_object *objects, uint32_t count,
             struct virgate_object *made)
{
  const struct virgate_object *pool = find_kind (objects, count,
                                                 "storage_pool");

  if (strcmp (made->kind, "storage_vol") == 0 && pool)
    made->parent = pool->name;
}

/* Somebody may have the uuid already, under another name: then it is about
 * both.
 */
static enum access_result
add_owner (struct virgate_call *call, struct virgate_object *objects,
           uint32_t *count)
{
  const struct virgate_object *made = &objects[*count - 1];
  const char *now = NULL;
  struct names_when when;

  if (made->uuid == NULL || standing_by_name (call->session,
                                              made->kind) != 1)
    return ACCESS_YES;
  if (true_name (call, made->kind, made->uuid, &now, &when) == ACCESS_WAIT)
    return ACCESS_WAIT;
  if (now && (made->name == NULL || strcmp (now, made->name) != 0))
    objects[(*count)++] = (struct virgate_object) {
      .kind = made->kind, .name = now, .uuid = made->uuid,
    };
  return ACCESS_YES;
}

enum access_result
made_by_call (struct virgate_call *call, struct virgate_object *objects,
              uint32_t *count)
{
  const struct maker *maker = find_maker (call);
  struct virgate_object *made = &objects[*count];
  const struct virgate_object *named;

  if (maker == NULL || !access_judges_calls (call->session)
      || !read_made (call, maker, made))
    return ACCESS_YES;
  find_parent (objects, *count, made);
  named = find_kind (objects, *count, made->kind);
  if (named && maker->xml == NULL)      /* it keeps its uuid */
    made->uuid = named->uuid;
  ++*count;
  return maker->xml ? add_owner (call, objects, count) : ACCESS_YES;
}

bool
made_is (uint32_t program, int32_t number, const char *kind)
{
  const struct maker *maker = maker_of (program, number);

  return maker && strcmp (maker->kind, kind) == 0;
}

int
made_by_xml (uint32_t program, int32_t number, const char *xml,
             struct arena *arena, struct virgate_object *objects,
             uint32_t *count)
{
  const struct maker *maker = maker_of (program, number);
  struct virgate_object *made = &objects[*count];

  if (maker == NULL || maker->xml == NULL)
    return -1;
  *made = (struct virgate_object) { .kind = maker->kind };
  if (read_description (arena, maker, xml, made) == -1
      || !(made->name || made->uuid))
    return 0;
  find_parent (objects, *count, made);
  ++*count;
  return 1;
}
