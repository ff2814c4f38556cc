/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Canonical trees: making, linking, finding, editing; see xml-tree.h.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/driver-test/xml-schema.h"
#include "plugins/driver-test/xml-tree.h"

/* Longest name in a path. */
#define NAME_MAX_LEN 64

struct xml_node *
xml_node_new (const struct xml_elem *schema)
{
  struct xml_node *node = calloc (1, sizeof *node);

  if (node)
    node->schema = schema;
  return node;
}

static void
attr_free (struct xml_attr *attr)
{
  free (attr->value);
  free (attr);
}

void
xml_node_free (struct xml_node *node)
{
  struct xml_attr *attr, *next;

  if (node == NULL)
    return;
  xml_node_unlink (node);
  while (node->first)
    xml_node_free (node->first);
  for (attr = node->attrs; attr; attr = next) {
    next = attr->next;
    attr_free (attr);
  }
  free (node->text);
  if (node->raw)
    xmlFreeDoc (node->raw);
  free (node);
}

void
xml_node_unlink (struct xml_node *node)
{
  struct xml_node *parent = node->parent;

  if (parent == NULL)
    return;
  if (node->prev)
    node->prev->next = node->next;
  else
    parent->first = node->next;
  if (node->next)
    node->next->prev = node->prev;
  else
    parent->last = node->prev;
  node->parent = node->prev = node->next = NULL;
}

void
xml_node_link_before (struct xml_node *node, struct xml_node *before)
{
  node->parent = before->parent;
  node->prev = before->prev;
  node->next = before;
  if (before->prev)
    before->prev->next = node;
  else
    before->parent->first = node;
  before->prev = node;
}

/* Siblings' schemas lie in one array: its order is the document's. */
void
xml_node_link (struct xml_node *parent, struct xml_node *child)
{
  struct xml_node *after = parent->last;

  while (after && after->schema > child->schema)
    after = after->prev;
  child->parent = parent;
  child->prev = after;
  child->next = after ? after->next : parent->first;
  if (after)
    after->next = child;
  else
    parent->first = child;
  if (child->next)
    child->next->prev = child;
  else
    parent->last = child;
}

static int
copy_attrs (struct xml_node *to, const struct xml_node *from)
{
  struct xml_attr **end = &to->attrs;

  for (const struct xml_attr *attr = from->attrs; attr; attr = attr->next) {
    *end = calloc (1, sizeof **end);
    if (*end == NULL)
      return -1;
    (*end)->spec = attr->spec;
    (*end)->value = strdup (attr->value);
    if ((*end)->value == NULL)
      return -1;
    end = &(*end)->next;
  }
  return 0;
}

struct xml_node *
xml_node_copy (const struct xml_node *node)
{
  struct xml_node *copy = xml_node_new (node->schema), *child;

  if (copy == NULL)
    return NULL;
  copy->kind = node->kind;
  copy->is_hidden = node->is_hidden;
  if (copy_attrs (copy, node) == -1 || xml_text_set (copy, node->text) == -1)
    goto error;
  if (node->raw) {
    copy->raw = xmlCopyDoc (node->raw, 1);
    if (copy->raw == NULL)
      goto error;
  }
  for (const struct xml_node *kid = node->first; kid; kid = kid->next) {
    child = xml_node_copy (kid);
    if (child == NULL)
      goto error;
    xml_node_link (copy, child);
  }
  return copy;

error:
  xml_node_free (copy);
  return NULL;
}

const char *
xml_name (const struct xml_node *node)
{
  return node->schema->name;
}

static struct xml_node *
named_from (struct xml_node *node, const char *name)
{
  while (node && strcmp (xml_name (node), name) != 0)
    node = node->next;
  return node;
}

struct xml_node *
xml_child (const struct xml_node *parent, const char *name)
{
  return parent ? named_from (parent->first, name) : NULL;
}

struct xml_node *
xml_next (const struct xml_node *node)
{
  return named_from (node->next, xml_name (node));
}

unsigned
xml_count (const struct xml_node *first)
{
  unsigned count = 0;

  for (; first; first = xml_next (first))
    count++;
  return count;
}

static const struct xml_elem *
kid_schema (const struct xml_node *parent, const char *name)
{
  const struct xml_elem *kid = parent->schema->kids;

  for (; kid && kid->name; kid++)
    if (strcmp (kid->name, name) == 0
        && (kid->when == 0 || (kid->when & XT_WHEN (parent->kind))))
      return kid;
  return NULL;
}

struct xml_node *
xml_child_add (struct xml_node *parent, const char *name)
{
  const struct xml_elem *schema = kid_schema (parent, name);
  struct xml_node *node = schema ? xml_node_new (schema) : NULL;

  if (node == NULL)
    return NULL;
  node->kind = schema->flags & XT_OWN_KIND ? 0 : parent->kind;
  xml_node_link (parent, node);
  return node;
}

struct xml_node *
xml_child_make (struct xml_node *parent, const char *name)
{
  struct xml_node *node = xml_child (parent, name);

  return node ? node : xml_child_add (parent, name);
}

typedef struct xml_node *(*step_fn) (struct xml_node *, const char *);

static struct xml_node *
find_step (struct xml_node *parent, const char *name)
{
  return xml_child (parent, name);
}

static struct xml_node *
walk (struct xml_node *node, const char *path, step_fn step)
{
  char name[NAME_MAX_LEN];
  size_t len;

  while (node && *path) {
    len = strcspn (path, "/");
    if (len >= sizeof name)
      return NULL;
    memcpy (name, path, len);
    name[len] = '\0';
    node = step (node, name);
    path += len + (path[len] == '/');
  }
  return node;
}

struct xml_node *
xml_path (const struct xml_node *node, const char *path)
{
  return walk ((struct xml_node *) node, path, find_step);
}

struct xml_node *
xml_make_path (struct xml_node *node, const char *path)
{
  return walk (node, path, xml_child_make);
}

static struct xml_attr *
find_attr (const struct xml_node *node, const char *name)
{
  struct xml_attr *attr = node ? node->attrs : NULL;

  while (attr && strcmp (attr->spec->name, name) != 0)
    attr = attr->next;
  return attr;
}

const char *
xml_attr (const struct xml_node *node, const char *name)
{
  struct xml_attr *attr = find_attr (node, name);

  return attr ? attr->value : NULL;
}

bool
xml_attr_is (const struct xml_node *node, const char *name, const char *value)
{
  const char *have = xml_attr (node, name);

  return have && strcmp (have, value) == 0;
}

static void
remove_attr (struct xml_node *node, const char *name)
{
  struct xml_attr **at = &node->attrs, *attr = find_attr (node, name);

  if (attr == NULL)
    return;
  while (*at != attr)
    at = &(*at)->next;
  *at = attr->next;
  attr_free (attr);
}

static const struct xml_spec *
attr_spec (const struct xml_node *node, const char *name)
{
  const struct xml_spec *spec = node->schema->attrs;

  for (; spec && spec->name; spec++)
    if (strcmp (spec->name, name) == 0
        && (spec->when == 0 || (spec->when & XT_WHEN (node->kind))))
      return spec;
  return NULL;
}

static struct xml_attr *
add_attr (struct xml_node *node, const char *name)
{
  const struct xml_spec *spec = attr_spec (node, name);
  struct xml_attr **at = &node->attrs, *attr;

  attr = spec ? calloc (1, sizeof *attr) : NULL;
  if (attr == NULL)
    return NULL;
  attr->spec = spec;
  while (*at && (*at)->spec < spec)
    at = &(*at)->next;
  attr->next = *at;
  *at = attr;
  return attr;
}

int
xml_attr_set (struct xml_node *node, const char *name, const char *value)
{
  struct xml_attr *attr;
  char *copy;

  if (value == NULL) {
    remove_attr (node, name);
    return 0;
  }
  copy = strdup (value);
  if (copy == NULL)
    return -1;
  attr = find_attr (node, name);
  if (attr == NULL)
    attr = add_attr (node, name);
  if (attr == NULL) {
    free (copy);
    return -1;
  }
  free (attr->value);
  attr->value = copy;
  return 0;
}

int
xml_attr_setf (struct xml_node *node, const char *name,
               const char *format, ...)
{
  CLEANUP_FREE char *value = NULL;
  va_list args;
  int len;

  va_start (args, format);
  len = vasprintf (&value, format, args);
  va_end (args);
  if (len == -1) {
    value = NULL;
    return -1;
  }
  return xml_attr_set (node, name, value);
}

int
xml_text_set (struct xml_node *node, const char *text)
{
  char *copy = text ? strdup (text) : NULL;

  if (text && copy == NULL)
    return -1;
  free (node->text);
  node->text = copy;
  return 0;
}

int
xml_text_setf (struct xml_node *node, const char *format, ...)
{
  CLEANUP_FREE char *text = NULL;
  va_list args;
  int len;

  va_start (args, format);
  len = vasprintf (&text, format, args);
  va_end (args);
  if (len == -1) {
    text = NULL;
    return -1;
  }
  return xml_text_set (node, text);
}

const char *
xml_path_text (const struct xml_node *node, const char *path)
{
  const struct xml_node *found = xml_path (node, path);

  return found ? found->text : NULL;
}

const char *
xml_path_attr (const struct xml_node *node, const char *path,
               const char *name)
{
  return xml_attr (xml_path (node, path), name);
}

unsigned long long
xml_number (const char *value, unsigned long long dflt)
{
  unsigned long long number;

  if (value == NULL || xml_ull (value, 0, &number) == -1)
    return dflt;
  return number;
}
