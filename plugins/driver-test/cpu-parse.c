/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading the description of a host's CPU.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <libxml/tree.h>

#include "plugins/driver-test/cpu.h"
#include "plugins/driver-test/driver.h"

void
host_cpu_clear (struct host_cpu *cpu)
{
  free (cpu->model);
  free (cpu->vendor);
  for (size_t i = 0; i < cpu->feature_count; i++)
    free (cpu->features[i]);
  free (cpu->features);
}

/* The text of the first child called NAME; NULL = none or empty. */
static char *
child_text (xmlNode *root, const char *name)
{
  for (xmlNode *node = root->children; node; node = node->next)
    if (node->type == XML_ELEMENT_NODE
        && strcmp ((const char *) node->name, name) == 0) {
      char *text = (char *) xmlNodeGetContent (node);

      if (text && *text)
        return text;
      free (text);
      return NULL;
    }
  return NULL;
}

static int
parse_feature (struct host_cpu *cpu, xmlNode *node, struct xml_error *err)
{
  char *name = (char *) xmlGetProp (node, (const xmlChar *) "name");
  char **grown;

  if (!name || !*name) {
    free (name);
    return xml_fail (err, VIRGATE_FROM_CPU, VIRGATE_ERR_XML_ERROR,
                     "Invalid CPU feature name");
  }
  for (size_t i = 0; i < cpu->feature_count; i++)
    if (strcmp (cpu->features[i], name) == 0) {
      xml_fail (err, VIRGATE_FROM_CPU, VIRGATE_ERR_XML_ERROR,
                "CPU feature '%s' specified more than once", name);
      free (name);
      return -1;
    }
  grown = reallocarray (cpu->features, cpu->feature_count + 1,
                        sizeof *grown);
  if (!grown) {
    free (name);
    return -1;
  }
  cpu->features = grown;
  cpu->features[cpu->feature_count++] = name;
  return 0;
}

static int
parse_root (struct host_cpu *cpu, xmlNode *root, struct xml_error *err)
{
  char *arch;

  if (strcmp ((const char *) root->name, "cpu") != 0)
    return xml_fail (err, VIRGATE_FROM_CPU, VIRGATE_ERR_XML_ERROR,
                     "XML does not contain expected 'cpu' element");
  if (xmlHasProp (root, (const xmlChar *) "mode"))
    return xml_fail (err, VIRGATE_FROM_CPU, VIRGATE_ERR_CONFIG_UNSUPPORTED,
                     "Attribute mode is only allowed for guest CPU");
  arch = child_text (root, "arch");
  if (!arch)
    return xml_fail (err, VIRGATE_FROM_CPU, VIRGATE_ERR_XML_ERROR,
                     "Missing CPU architecture");
  cpu->arch = cpu_arch_find (arch);
  if (!cpu->arch)
    xml_fail (err, VIRGATE_FROM_CPU, VIRGATE_ERR_CONFIG_UNSUPPORTED,
              "Unknown architecture %s", arch);
  free (arch);
  if (!cpu->arch)
    return -1;
  cpu->model = child_text (root, "model");
  if (!cpu->model)
    return xml_fail (err, VIRGATE_FROM_CPU, VIRGATE_ERR_XML_ERROR,
                     "Missing CPU model name");
  cpu->vendor = child_text (root, "vendor");
  for (xmlNode *node = root->children; node; node = node->next)
    if (node->type == XML_ELEMENT_NODE
        && strcmp ((const char *) node->name, "feature") == 0
        && parse_feature (cpu, node, err) == -1)
      return -1;
  return 0;
}

int
host_cpu_parse (struct host_cpu *cpu, const char *text, struct xml_error *err)
{
  xmlDoc *doc;
  int rc;

  if (xml_parse (text, VIRGATE_FROM_CPU, "(CPU_definition)", NULL, NULL,
                 &doc, err) == -1)
    return -1;
  rc = parse_root (cpu, xmlDocGetRootElement (doc), err);
  xmlFreeDoc (doc);
  return rc;
}
