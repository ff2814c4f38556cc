/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Custom metadata: one element per namespace below <metadata>, which is kept
 * as the user wrote it.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <libxml/tree.h>

#include "common/cleanup.h"
#include "plugins/driver-test/domain-schema.h"
#include "plugins/driver-test/domain-xml.h"

static xmlNode *
metadata_root (const struct domain_def *def)
{
  const struct xml_node *node = xml_child (def->root, "metadata");

  return node && node->raw ? xmlDocGetRootElement (node->raw) : NULL;
}

static xmlNode *
find_ns (xmlNode *root, const char *uri)
{
  xmlNode *child = root ? root->children : NULL;

  while (child && !(child->ns && child->ns->href
                    && strcmp ((const char *) child->ns->href, uri) == 0))
    child = child->next;
  return child;
}

static bool
is_ns (const xmlNs *ns, const char *uri)
{
  return ns && ns->href && strcmp ((const char *) ns->href, uri) == 0;
}

/* Take a namespace off NODE and all below and beside it. */
static void
strip_ns (xmlNode *node, const char *uri)
{
  for (; node; node = node->next) {
    if (node->type != XML_ELEMENT_NODE)
      continue;
    if (is_ns (node->ns, uri))
      node->ns = NULL;
    strip_ns (node->children, uri);
  }
}

static void
drop_declaration (xmlNode *node, const char *uri)
{
  xmlNs **at = &node->nsDef, *ns;

  for (; *at; at = &(*at)->next)
    if (is_ns (*at, uri)) {
      ns = *at;
      *at = ns->next;
      xmlFreeNs (ns);
      return;
    }
}

static char *
dump (xmlDoc *doc, xmlNode *node)
{
  xmlBuffer *text = xmlBufferCreate ();
  char *out = NULL;

  if (text && xmlNodeDump (text, doc, node, 0, 1) > 0)
    out = strdup ((const char *) xmlBufferContent (text));
  xmlBufferFree (text);
  return out;
}

char *
domain_def_metadata (const struct domain_def *def, const char *uri)
{
  xmlNode *node = find_ns (metadata_root (def), uri), *copy;
  char *text = NULL;

  copy = node ? xmlCopyNode (node, 1) : NULL;
  if (copy == NULL)
    return NULL;
  strip_ns (copy, uri);
  drop_declaration (copy, uri);
  text = dump (copy->doc, copy);
  xmlFreeNode (copy);
  return text;
}

static void
adopt (xmlNode *node, xmlNs *ns)
{
  for (; node; node = node->next) {
    if (node->ns == NULL)
      xmlSetNs (node, ns);
    adopt (node->children, ns);
  }
}

/* Parse the user's element and put all of it that has no namespace into his.
 */
static xmlDoc *
parse_element (const char *uri, const char *key, const char *xml,
               struct xml_error *err)
{
  xmlDoc *doc;
  xmlNs *ns;

  if (xml_parse (xml, VIRGATE_FROM_DOMAIN, "(metadata_xml)", NULL, NULL,
                 &doc, err) == -1)
    return NULL;
  if (key && xmlValidateNCName (BAD_CAST key, 1) != 0) {
    xml_fail (err, VIRGATE_FROM_XML, VIRGATE_ERR_INTERNAL_ERROR,
              "failed to validate prefix for a new XML namespace");
    xmlFreeDoc (doc);
    return NULL;
  }
  ns = xmlNewNs (doc->children, BAD_CAST uri, BAD_CAST key);
  if (ns == NULL) {
    xml_fail (err, VIRGATE_FROM_XML, VIRGATE_ERR_INTERNAL_ERROR,
              "failed to create a new XML namespace");
    xmlFreeDoc (doc);
    return NULL;
  }
  adopt (doc->children, ns);
  return doc;
}

static xmlNode *
make_root (struct domain_def *def)
{
  struct xml_node *node = xml_child_make (def->root, "metadata");
  xmlNode *root;

  if (node == NULL)
    return NULL;
  if (node->raw)
    return xmlDocGetRootElement (node->raw);
  node->raw = xmlNewDoc (NULL);
  root = node->raw ? xmlNewDocNode (node->raw, NULL, BAD_CAST "metadata",
                                    NULL) : NULL;
  if (root)
    xmlDocSetRootElement (node->raw, root);
  return root;
}

static void
remove_ns (xmlNode *root, const char *uri)
{
  xmlNode *old;

  while ((old = find_ns (root, uri))) {
    xmlUnlinkNode (old);
    xmlFreeNode (old);
  }
}

int
domain_def_set_metadata (struct domain_def *def, const char *uri,
                         const char *key, const char *xml,
                         struct xml_error *err)
{
  xmlNode *root = metadata_root (def), *copy = NULL;
  xmlDoc *doc;

  if (xml) {
    doc = parse_element (uri, key, xml, err);
    if (doc == NULL)
      return -1;
    root = make_root (def);
    copy = root ? xmlDocCopyNode (doc->children, root->doc, 1) : NULL;
    xmlFreeDoc (doc);
    if (copy == NULL)
      return xml_fail (err, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INTERNAL_ERROR,
                       "Failed to copy XML node");
  }
  if (root)
    remove_ns (root, uri);
  if (copy && xmlAddChild (root, copy) == NULL) {
    xmlFreeNode (copy);
    return xml_fail (err, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_INTERNAL_ERROR,
                     "failed to add metadata to XML document");
  }
  return 0;
}
