/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The engine: walks a schema's tables along a source document and builds the
 * canonical tree; see xml-schema.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/xml-schema.h"

static int
no_memory (struct xml_load *load)
{
  return xml_fail (load->err, load->domain, VIRGATE_ERR_NO_MEMORY,
                   "%s", "tree");
}

static bool
is_named (const xmlNode *node, const char *name)
{
  return node->type == XML_ELEMENT_NODE && node->ns == NULL
         && strcmp ((const char *) node->name, name) == 0;
}

static xmlNode *
named_from (xmlNode *node, const char *name)
{
  while (node && !is_named (node, name))
    node = node->next;
  return node;
}

xmlNode *
xml_src_child (const xmlNode *src, const char *name)
{
  return src ? named_from (src->children, name) : NULL;
}

xmlNode *
xml_src_next (const xmlNode *src, const char *name)
{
  return named_from (src->next, name);
}

/* libxml2's allocator may be another than ours: hand out plain memory. */
static char *
plain (xmlChar *str)
{
  char *copy = str ? strdup ((char *) str) : NULL;

  xmlFree (str);
  return copy;
}

char *
xml_src_attr (const xmlNode *src, const char *name)
{
  return src ? plain (xmlGetProp (src, BAD_CAST name)) : NULL;
}

char *
xml_src_text (const xmlNode *src)
{
  char *text = src ? plain (xmlNodeGetContent (src)) : NULL;

  if (text && *text == '\0') {
    free (text);
    return NULL;
  }
  return text;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int
fail_missing (struct xml_load *load, const struct xml_spec *spec,
              const struct xml_node *node)
{
  if (spec->missing && *spec->missing == '\0')
    return xml_fail (load->err, load->domain, spec->missing_code, NULL);
  if (spec->missing)
    return xml_fail (load->err, load->domain,
                     spec->missing_code ? spec->missing_code
                     : VIRGATE_ERR_XML_ERROR,
                     spec->missing, xml_name (node));
  return xml_fail (load->err, VIRGATE_FROM_XML, VIRGATE_ERR_XML_ERROR,
                   "Missing required attribute '%s' in element '%s'",
                   spec->name ? spec->name : xml_name (node),
                   xml_name (node));
}
#pragma GCC diagnostic pop

/* Read one value by its spec: *OUT is what the tree shall hold or NULL. */
static int
load_value (struct xml_load *load, const struct xml_spec *spec,
            const struct xml_node *node, char *source, char **out)
{
  *out = NULL;
  if (source && *source == '\0' && (spec->flags & XT_NOT_EMPTY))
    source = NULL;
  if (source == NULL && (spec->flags & XT_REQUIRED))
    return fail_missing (load, spec, node);
  if (source
      && xml_value (load, spec, xml_name (node), source, out) == -1)
    return -1;
  if (*out == NULL && spec->dflt
      && (source == NULL || (spec->flags & XT_LENIENT))) {
    *out = strdup (spec->dflt);
    if (*out == NULL)
      return no_memory (load);
  }
  return 0;
}

static int
load_attr (struct xml_load *load, const struct xml_spec *spec,
           struct xml_node *node, xmlNode *src)
{
  CLEANUP_FREE char *source = NULL, *value = NULL;

  if (!(spec->flags & XT_MADE))
    source = xml_src_attr (src, spec->name);
  if (load_value (load, spec, node, source, &value) == -1)
    return -1;
  if (spec->flags & XT_KIND) {
    int kind = value ? xml_enum (spec->names, value) : 0;

    node->kind = kind < 0 ? 0 : kind;
  }
  if (value == NULL || (spec->flags & XT_DROP))
    return 0;
  if (xml_attr_set (node, spec->name, value) == -1)
    return no_memory (load);
  return 0;
}

/* The attribute that says the variant goes first: others depend on it. */
static int
load_attrs (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const struct xml_spec *spec, *all = node->schema->attrs;

  for (spec = all; spec && spec->name; spec++)
    if ((spec->flags & XT_KIND) && load_attr (load, spec, node, src) == -1)
      return -1;
  for (spec = all; spec && spec->name; spec++)
    if (!(spec->flags & XT_KIND)
        && (spec->when == 0 || (spec->when & XT_WHEN (node->kind)))
        && load_attr (load, spec, node, src) == -1)
      return -1;
  return 0;
}

static int
load_text (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const struct xml_spec *spec = node->schema->text;
  CLEANUP_FREE char *source = NULL, *value = NULL;

  if (spec == NULL)
    return 0;
  source = xml_src_text (src);
  if (load_value (load, spec, node, source, &value) == -1)
    return -1;
  if (!(spec->flags & XT_DROP))
    node->text = steal_pointer (&value);
  return 0;
}

static int
load_raw (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  xmlNode *copy;

  node->raw = src ? xmlNewDoc (NULL) : NULL;
  if (node->raw == NULL)
    return src ? no_memory (load) : 0;
  copy = xmlDocCopyNode (src, node->raw, 1);
  if (copy == NULL)
    return no_memory (load);
  xmlDocSetRootElement (node->raw, copy);
  return 0;
}

/* Every occurrence of an element, or the first that holds anything. */
static int
load_likes (struct xml_load *load, struct xml_node *node,
            const struct xml_elem *kid, xmlNode *from)
{
  struct xml_node *out;
  unsigned count = 0;

  do {
    if (++count > XT_LIKES_MAX)
      return xml_wrong (load, "more than %d '%s' elements in '%s'",
                        XT_LIKES_MAX, kid->name, xml_name (node));
    if (xml_load_child (load, node, kid->name, from, &out) == -1)
      return -1;
    from = from ? xml_src_next (from, kid->name) : NULL;
  } while (from && (out == NULL || (kid->flags & XT_MANY)));
  return 0;
}

static int
load_kids (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const struct xml_elem *kid = node->schema->kids;
  xmlNode *from;

  for (; kid && kid->name; kid++) {
    if (kid->when && !(kid->when & XT_WHEN (node->kind)))
      continue;
    from = kid->flags & XT_FIXED ? NULL : xml_src_child (src, kid->name);
    if (from == NULL && !(kid->flags & XT_ALWAYS))
      continue;
    if (load_likes (load, node, kid, from) == -1)
      return -1;
  }
  return 0;
}

static bool
is_empty (const struct xml_node *node)
{
  return node->attrs == NULL && node->first == NULL && node->text == NULL
         && node->raw == NULL;
}

static bool
to_drop (const struct xml_node *node)
{
  if ((node->schema->flags & XT_TEXT_ONLY) && node->text == NULL)
    return true;
  return is_empty (node) && !(node->schema->flags & XT_KEEP);
}

static int
load_parts (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  const struct xml_elem *schema = node->schema;
  int ret = 0;

  if (schema->flags & XT_RAW)
    return load_raw (load, node, src);
  if (load_attrs (load, node, src) == -1)
    return -1;
  if (schema->before)
    ret = schema->before (load, node, src);
  if (ret != 0)
    return ret;
  if (load_text (load, node, src) == -1 || load_kids (load, node, src) == -1)
    return -1;
  if (schema->after)
    ret = schema->after (load, node, src);
  return ret == 0 && to_drop (node) ? 1 : ret;
}

/* Returns 0, 1 = nothing is left of it, -1 = error recorded. */
static int
load_node (struct xml_load *load, struct xml_node *node, xmlNode *src)
{
  int outer = load->domain, ret;

  if (node->schema->domain)
    load->domain = node->schema->domain == XT_FROM_NONE
                   ? VIRGATE_FROM_NONE : node->schema->domain;
  ret = load_parts (load, node, src);
  load->domain = outer;
  return ret;
}

int
xml_load_child (struct xml_load *load, struct xml_node *parent,
                const char *name, xmlNode *src, struct xml_node **out)
{
  struct xml_node *node = xml_child_add (parent, name);
  int ret;

  *out = NULL;
  if (node == NULL)
    return no_memory (load);
  ret = load_node (load, node, src);
  if (ret == 0)
    *out = node;
  else
    xml_node_free (node);
  return ret == -1 ? -1 : 0;
}

struct xml_node *
xml_load_tree (struct xml_load *load, const struct xml_elem *schema,
               xmlNode *src)
{
  struct xml_node *root = xml_node_new (schema);

  if (root == NULL) {
    no_memory (load);
    return NULL;
  }
  if (load_node (load, root, src) == -1) {
    xml_node_free (root);
    return NULL;
  }
  return root;
}
