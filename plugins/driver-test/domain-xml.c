/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions as a whole: parse, print, copy; see domain-xml.h.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/cleanup.h"
#include "plugins/driver-test/domain-post.h"
#include "plugins/driver-test/domain-schema.h"
#include "plugins/driver-test/domain-xml.h"

#define TEST_URI "http://libvirt.org/schemas/domain/test/1.0"
#define STATE_RUNNING 1
#define STATE_SHUTOFF 5
#define STATE_COUNT 8

static xmlNode *
test_next (xmlNode *node, const char *name)
{
  for (; node; node = node->next)
    if (node->type == XML_ELEMENT_NODE && node->ns
        && strcmp ((const char *) node->ns->href, TEST_URI) == 0
        && strcmp ((const char *) node->name, name) == 0)
      break;
  return node;
}

static int
read_runstate (struct xml_load *load, xmlNode *src,
               struct domain_runtime *runtime)
{
  CLEANUP_FREE char *text = xml_src_text (test_next (src->children,
                                                     "runstate"));
  unsigned long long state;

  runtime->runstate = STATE_RUNNING;
  if (text == NULL)
    return 0;
  if (xml_ull (text, 10, &state) == -1)
    return xml_fail (load->err, VIRGATE_FROM_TEST, VIRGATE_ERR_XML_ERROR,
                     "invalid runstate");
  if (state >= STATE_COUNT)
    return xml_fail (load->err, VIRGATE_FROM_TEST, VIRGATE_ERR_XML_ERROR,
                     "runstate '%d' out of range'", (int) state);
  runtime->runstate = state;
  return 0;
}

static int
copy_snapshots (struct xml_load *load, xmlNode *src,
                struct domain_runtime *runtime)
{
  xmlNode *from = test_next (src->children, "domainsnapshot"), *root, *copy;

  if (from == NULL)
    return 0;
  runtime->snapshots = xmlNewDoc (NULL);
  if (runtime->snapshots == NULL)
    return domain_no_memory (load);
  root = xmlNewDocNode (runtime->snapshots, NULL, BAD_CAST "snapshots", NULL);
  if (root == NULL)
    return domain_no_memory (load);
  xmlDocSetRootElement (runtime->snapshots, root);
  for (; from; from = test_next (from->next, "domainsnapshot")) {
    copy = xmlDocCopyNode (from, runtime->snapshots, 1);
    if (copy == NULL || xmlAddChild (root, copy) == NULL)
      return domain_no_memory (load);
  }
  return 0;
}

static int
read_runtime (struct xml_load *load, xmlNode *src,
              struct domain_runtime *runtime)
{
  runtime->is_transient = test_next (src->children, "transient");
  runtime->has_managed_save = test_next (src->children, "hasmanagedsave");
  if (read_runstate (load, src, runtime) == -1)
    return -1;
  if (runtime->is_transient && runtime->runstate == STATE_SHUTOFF)
    return xml_fail (load->err, VIRGATE_FROM_TEST, VIRGATE_ERR_XML_ERROR,
                     "transient domain cannot have runstate 'shutoff'");
  if (runtime->has_managed_save && runtime->runstate != STATE_SHUTOFF)
    return xml_fail (load->err, VIRGATE_FROM_TEST, VIRGATE_ERR_XML_ERROR,
                     "domain with managedsave data can only have runstate "
                     "'shutoff'");
  return copy_snapshots (load, src, runtime);
}

static int
load_def (struct xml_load *load, struct domain_def *def, xmlNode *src,
          unsigned flags)
{
  def->root = xml_load_tree (load, &domain_schema, src);
  if (def->root == NULL)
    return -1;
  if (read_runtime (load, src, &def->runtime) == -1
      || domain_post_parse (load, def->root) == -1)
    return -1;
  return flags & DOMAIN_PARSE_SKIP_VALIDATE ? 0
         : domain_check (load, def->root);
}

struct domain_def *
domain_def_parse_node (xmlNode *node, unsigned flags, struct xml_error *err)
{
  struct domain_load run = {
    .is_inactive = flags & DOMAIN_PARSE_INACTIVE,
    .abi_update = flags & DOMAIN_PARSE_ABI_UPDATE,
  };
  struct xml_load load = {
    .err = err, .domain = VIRGATE_FROM_DOMAIN, .flags = flags, .opaque = &run
  };
  struct domain_def *def = calloc (1, sizeof *def);

  if (def == NULL)
    domain_no_memory (&load);
  else if (load_def (&load, def, node, flags) == -1) {
    domain_def_free (def);
    def = NULL;
  }
  return def;
}

struct domain_def *
domain_def_parse (const char *text, unsigned flags, struct xml_error *err)
{
  const char *schema = flags & DOMAIN_PARSE_VALIDATE
                       ? SCHEMA_DIR "domain.rng" : NULL;
  struct domain_def *def;
  xmlDoc *doc;

  if (xml_parse (text, VIRGATE_FROM_DOMAIN, "(domain_definition)", "domain",
                 schema, &doc, err) == -1)
    return NULL;
  def = domain_def_parse_node (xmlDocGetRootElement (doc), flags, err);
  xmlFreeDoc (doc);
  return def;
}

struct domain_def *
domain_def_copy (const struct domain_def *def)
{
  struct domain_def *copy = calloc (1, sizeof *copy);

  if (copy == NULL)
    return NULL;
  copy->runtime = def->runtime;
  copy->runtime.snapshots = NULL;
  copy->root = xml_node_copy (def->root);
  if (copy->root == NULL) {
    free (copy);
    return NULL;
  }
  return copy;
}

void
domain_def_free (struct domain_def *def)
{
  if (def == NULL)
    return;
  xml_node_free (def->root);
  if (def->runtime.snapshots)
    xmlFreeDoc (def->runtime.snapshots);
  free (def);
}

static unsigned
shown_by (const struct domain_def *def, unsigned flags)
{
  unsigned show = 0;

  if (flags & DOMAIN_FORMAT_SECURE)
    show |= XT_SHOW_SECRETS;
  if (!(flags & DOMAIN_FORMAT_INACTIVE) && xml_attr (def->root, "id"))
    show |= XT_SHOW_LIVE;
  return show;
}

char *
domain_def_format (const struct domain_def *def, unsigned flags)
{
  struct xml_node *copy;
  char *text = NULL;

  if (!(flags & DOMAIN_FORMAT_MIGRATABLE))
    return xml_format_string (def->root, shown_by (def, flags));
  copy = xml_node_copy (def->root);
  if (copy && domain_make_migratable (copy) == 0)
    text = xml_format_string (copy, shown_by (def, flags));
  xml_node_free (copy);
  return text;
}
