/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the guest is told about its machine (<sysinfo>), and how it is
 * confined and protected (<seclabel>, <keywrap>, <launchSecurity>).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/uuid.h"
#include "plugins/driver-test/domain-schema.h"

#define LABEL_MAX 4095
#define MODEL_MAX 255

/* mm/dd/yyyy, or a year of two digits. */
static bool
is_date (const char *date)
{
  int month, day, year, len = 0;

  if (sscanf (date, "%d/%d/%d%n", &month, &day, &year, &len) != 3
      || date[len])
    return false;
  return month >= 1 && month <= 12 && day >= 1 && day <= 31 && year >= 0
         && !(year >= 100 && year < 1900);
}

/* The system's UUID is the domain's. */
static int
system_uuid (struct xml_load *load, struct xml_node *entry)
{
  struct domain_load *run = domain_load_of (load);
  struct xml_node *own = xml_child (run->root, "uuid");
  unsigned char uuid[16];
  char text[37];

  if (!uuid_parse (entry->text, uuid))
    return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                     "malformed <sysinfo> uuid element");
  uuid_format (uuid, text);
  if (run->uuid_generated && xml_text_set (own, text) == -1)
    return domain_no_memory (load);
  if (strcmp (own->text, text) != 0)
    return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                     "UUID mismatch between <uuid> and <sysinfo>");
  return xml_text_set (entry, text) == -1 ? domain_no_memory (load) : 0;
}

static long long
entry_rank (const struct xml_node *node)
{
  return xml_enum (node->parent->schema->arg, xml_attr (node, "name"));
}

/* The known entries of a block, first of each name, in the table's order. */
static int
block_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  struct xml_node *entry, *next;

  domain_sort (node, "entry", entry_rank);
  for (entry = node->first; entry; entry = next) {
    next = entry->next;
    if (entry->text == NULL || entry_rank (entry) == -1
        || (entry->prev && entry_rank (entry->prev) == entry_rank (entry)))
      xml_node_free (entry);
    else if (strcmp (xml_attr (entry, "name"), "date") == 0
             && !is_date (entry->text))
      return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                       "Invalid BIOS 'date' format");
    else if (strcmp (xml_attr (entry, "name"), "uuid") == 0
             && system_uuid (load, entry) == -1)
      return -1;
  }
  return node->first == NULL;
}

static int
fw_cfg_after (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  if (node->text == NULL && xml_attr (node, "file") == NULL)
    return xml_wrong (load, "Firmware entry must have either value or 'file' "
                      "attribute");
  return xml_attr (node, "file") ? xml_text_set (node, NULL) : 0;
}

#define SMBIOS XT_WHEN (0)
#define FWCFG XT_WHEN (1)
#define BLOCK(tag, more, ...)                                           \
  { tag, .when = SMBIOS, .flags = more, .after = block_after,           \
    .arg = NAMES (__VA_ARGS__), .kids = KIDS (                          \
      { "entry", .flags = XT_MANY, .text = TEXT (0),                    \
        .attrs = ATTRS ({ "name", .dflt = "" }) }) }

const struct xml_elem domain_sysinfo_kids[] = {
  BLOCK ("bios", 0, "vendor", "version", "date", "release"),
  BLOCK ("system", 0, "manufacturer", "product", "version", "serial", "uuid",
         "sku", "family"),
  BLOCK ("baseBoard", XT_MANY, "manufacturer", "product", "version", "serial",
         "asset", "location"),
  BLOCK ("chassis", 0, "manufacturer", "version", "serial", "asset", "sku"),
  { "oemStrings", .when = SMBIOS, .kids = KIDS (
      { "entry", .flags = XT_MANY, .text = TEXT (0) }) },
  { "entry", .when = FWCFG, .flags = XT_MANY, .text = TEXT (0),
    .after = fw_cfg_after, .attrs = ATTRS (
      { "name", .flags = XT_REQUIRED,
        .missing = "Firmware entry is missing 'name' attribute" },
      { "file" }) },
  { 0 }
};

enum seclabel_type { SECLABEL_DEFAULT, SECLABEL_NONE, SECLABEL_DYNAMIC,
                     SECLABEL_STATIC };

const struct xml_spec domain_seclabel_attrs[] = {
  { "type", XT_ENUM, XT_NONZERO | XT_KIND, .dflt = "dynamic",
    .names = NAMES ("default", "none", "dynamic", "static") },
  { "model" },
  { "relabel", XT_BOOL },
  { 0 }
};

const struct xml_elem domain_seclabel_kids[] = {
  { "label", .text = TEXT (0) },
  { "imagelabel", .text = TEXT (0) },
  { "baselabel", .text = TEXT (0) },
  { 0 }
};

static bool
is_too_long (const char *str, size_t max)
{
  return str && strlen (str) > max;
}

/* Which labels count depends on the type, and on whether the document tells
 * of a running guest. */
static int
read_labels (struct xml_load *load, struct xml_node *node)
{
  bool is_live = !domain_load_of (load)->is_inactive;
  struct xml_node *label = xml_child (node, "label");
  struct xml_node *image = xml_child (node, "imagelabel");
  struct xml_node *base = xml_child (node, "baselabel");

  if (node->kind == SECLABEL_STATIC
      || (is_live && node->kind != SECLABEL_NONE)) {
    if (label == NULL || is_too_long (label->text, LABEL_MAX))
      return xml_wrong (load, "security label is missing");
  } else
    xml_node_free (label);
  if (xml_attr_is (node, "relabel", "yes") && is_live
      && node->kind != SECLABEL_NONE) {
    if (image == NULL || is_too_long (image->text, LABEL_MAX))
      return xml_wrong (load, "security imagelabel is missing");
  } else
    xml_node_free (image);
  if (base && (node->kind != SECLABEL_DYNAMIC
               || is_too_long (base->text, LABEL_MAX)))
    xml_node_free (base);
  return 0;
}

static void
drop_kids (struct xml_node *node)
{
  while (node->first)
    xml_node_free (node->first);
}

/* Model "none" confines nothing, whatever the type says. */
static int
no_model (struct xml_load *load, struct xml_node *node)
{
  if (!domain_load_of (load)->is_inactive && node->kind != SECLABEL_NONE)
    return xml_unsupported (load, "unsupported type='%s' to model 'none'",
                            xml_attr (node, "type"));
  drop_kids (node);
  if (xml_attr_set (node, "type", "none") == -1)
    return domain_no_memory (load);
  return xml_attr_set (node, "relabel", NULL);
}

int
domain_seclabel_after (struct xml_load *load, struct xml_node *node,
                       xmlNode *src)
{
  bool relabels = node->kind == SECLABEL_DYNAMIC;

  if (is_too_long (xml_attr (node, "model"), MODEL_MAX))
    xml_attr_set (node, "model", NULL);
  if (xml_attr (node, "relabel"))
    relabels = xml_attr_is (node, "relabel", "yes");
  if (node->kind == SECLABEL_DYNAMIC && !relabels)
    return xml_unsupported (load, "dynamic label type must use resource "
                            "relabeling");
  if (node->kind == SECLABEL_NONE && relabels)
    return xml_unsupported (load, "resource relabeling is not compatible "
                            "with 'none' label type");
  if (xml_attr_is (node, "model", "none"))
    return no_model (load, node);
  if (xml_attr_set (node, "relabel", relabels ? "yes" : "no") == -1)
    return domain_no_memory (load);
  if (read_labels (load, node) == -1)
    return -1;
  return node->kind == SECLABEL_NONE ? xml_attr_set (node, "relabel", NULL)
                                     : 0;
}

static bool
same_model (const struct xml_node *a, const struct xml_node *b)
{
  const char *model_a = xml_attr (a, "model"), *model_b = xml_attr (b, "model");

  if (model_a == NULL || model_b == NULL)
    return model_a == model_b;
  return strcmp (model_a, model_b) == 0;
}

int
domain_seclabels_check (struct xml_load *load, struct xml_node *root)
{
  struct xml_node *first = xml_child (root, "seclabel"), *label, *other;

  for (label = first; label; label = xml_next (label))
    for (other = first; other != label; other = xml_next (other))
      if (same_model (label, other))
        return xml_fail (load->err, load->domain, VIRGATE_ERR_XML_DETAIL,
                         "seclabel for model %s is already provided",
                         xml_attr (label, "model") ?: "(null)");
  if (first && xml_next (first))
    for (label = first; label; label = xml_next (label))
      if (xml_attr (label, "model") == NULL)
        return xml_wrong (load, "missing security model when using multiple "
                          "labels");
  return 0;
}

static long long
cipher_rank (const struct xml_node *node)
{
  return xml_attr_is (node, "name", "dea");
}

int
domain_keywrap_after (struct xml_load *load, struct xml_node *node,
                      xmlNode *src)
{
  struct xml_node *cipher;

  domain_sort (node, "cipher", cipher_rank);
  for (cipher = node->first; cipher && cipher->next; cipher = cipher->next)
    if (cipher_rank (cipher) == cipher_rank (cipher->next))
      return xml_fail (load->err, load->domain, VIRGATE_ERR_INTERNAL_ERROR,
                       "A domain definition can have no more than one cipher "
                       "node with name %s", xml_attr (cipher, "name"));
  return 0;
}

const struct xml_elem domain_sec_kids[] = {
  { "cbitpos", .when = XT_WHEN (1),
    .text = TEXT (.type = XT_UINT,
                  .bad = "Invalid format for launch security cbitpos") },
  { "reducedPhysBits", .when = XT_WHEN (1),
    .text = TEXT (.type = XT_UINT,
                  .bad = "Invalid format for launch security "
                         "reduced-phys-bits") },
  { "policy", .when = XT_WHEN (1), .flags = XT_ALWAYS,
    .text = TEXT (.type = XT_UINT,
                  .flags = XT_REQUIRED | XT_BASE16 | XT_HEX,
                  .format = "0x%04x",
                  .bad = "failed to get launch security policy",
                  .missing = "failed to get launch security policy") },
  { "dhCert", .when = XT_WHEN (1), .text = TEXT (0) },
  { "session", .when = XT_WHEN (1), .text = TEXT (0) },
  { 0 }
};
