/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions of domains: counted references to trees that are shared, so
 * that they can be printed without the world's lock, and copied before they
 * are changed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/driver-test/dom.h"

/* Copy what is asked for often out of the body. */
static void
def_refresh (struct def *def)
{
  const struct domain_def *body = def->body;

  def->name = domain_def_name (body);
  domain_def_uuid (body, def->uuid);
  def->max_memory = domain_def_memory (body);
  def->memory = domain_def_balloon (body);
  def->max_vcpus = domain_def_vcpus_max (body);
  def->vcpus = domain_def_vcpus (body);
}

static struct def *
def_new (struct domain_def *body)
{
  struct def *def = body ? calloc (1, sizeof *def) : NULL;

  if (!def) {
    domain_def_free (body);
    return NULL;
  }
  def->refs = 1;
  def->body = body;
  def_refresh (def);
  return def;
}

static void
def_forget_texts (struct def *def)
{
  for (int i = 0; i < DEF_TEXTS; i++) {
    free (def->text[i]);
    def->text[i] = NULL;
  }
}

struct def *
def_ref (struct def *def)
{
  def->refs++;
  return def;
}

void
def_unref (struct def *def)
{
  if (!def || --def->refs > 0)
    return;
  def_forget_texts (def);
  domain_def_free (def->body);
  free (def);
}

static int
name_interfaces (struct domain_def *body, struct xml_error *err)
{
  int result = domain_def_name_interfaces (body);

  if (result == 1)
    return xml_fail (err, VIRGATE_FROM_TEST, VIRGATE_ERR_INTERNAL_ERROR,
                     "Exceeded max iface limit %d", DOMAIN_INTERFACES_MAX);
  if (result == -1)
    return xml_fail (err, VIRGATE_FROM_TEST, VIRGATE_ERR_NO_MEMORY, " ");
  return 0;
}

/* What the driver adds to every definition that it takes. */
static struct def *
def_finish (struct domain_def *body, struct xml_error *err)
{
  struct def *def;

  if (!body)
    return NULL;
  def = def_new (body);
  if (!def) {
    xml_fail (err, VIRGATE_FROM_TEST, VIRGATE_ERR_NO_MEMORY, " ");
    return NULL;
  }
  if (name_interfaces (def->body, err) == -1) {
    def_unref (def);
    return NULL;
  }
  return def;
}

struct def *
def_parse (const char *xml, unsigned flags, struct xml_error *err)
{
  return def_finish (domain_def_parse (xml, flags, err), err);
}

struct def *
def_parse_node (xmlNode *node, unsigned flags, struct xml_error *err)
{
  return def_finish (domain_def_parse_node (node, flags, err), err);
}

struct def *
def_edit (struct def **slot)
{
  struct def *def = *slot;

  if (def->refs > 1) {
    def = def_new (domain_def_copy (def->body));
    if (!def)
      return NULL;
    def_unref (*slot);
    *slot = def;
  }
  def_forget_texts (def);
  return def;
}

void
def_changed (struct def *def)
{
  def_refresh (def);
}

struct xml_node *
def_device (const struct def *def, const char *kind)
{
  return domain_def_devices (def->body, kind);
}

struct xml_node *
def_disk (const struct def *def, const char *path, bool first)
{
  struct xml_node *found = NULL;

  for (struct xml_node *disk = def_device (def, "disk"); disk;
       disk = xml_next (disk)) {
    bool by_source = *path == '/';
    const char *have = by_source ? domain_disk_source (disk)
                                 : domain_disk_target (disk);

    if (!have || strcmp (have, path) != 0)
      continue;
    if (first || !by_source)
      return disk;
    if (found)
      return NULL;
    found = disk;
  }
  return found;
}

struct xml_node *
def_interface (const struct ctx *c, const struct def *def, const char *device)
{
  struct xml_node *nic = domain_def_interface (def->body, device);

  if (!nic)
    fail_in (c, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INVALID_ARG,
             "'%s' is not a known interface", device);
  return nic;
}

bool
def_has_balloon (const struct def *def)
{
  const struct xml_node *balloon = def_device (def, "memballoon");

  return balloon && !xml_attr_is (balloon, "model", "none");
}
