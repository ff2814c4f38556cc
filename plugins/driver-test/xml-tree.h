/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A small tree of canonical XML: what a definition is inside this driver.
 * Nodes and attributes are made and kept in the order that their schema
 * (xml-schema.h) lists them, so editing a tree and printing it always gives
 * the canonical document.  No I/O and no policy here.
 */
#ifndef DRIVER_TEST_XML_TREE_H
#define DRIVER_TEST_XML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include <libxml/tree.h>

struct buf;
struct xml_spec;
struct xml_elem;

struct xml_attr {
  struct xml_attr *next;
  const struct xml_spec *spec;
  char *value;                  /* owned, unescaped */
};

struct xml_node {
  const struct xml_elem *schema;        /* name, order, what may be inside */
  struct xml_node *parent;
  struct xml_node *prev;
  struct xml_node *next;
  struct xml_node *first;
  struct xml_node *last;
  struct xml_attr *attrs;
  char *text;                   /* owned, unescaped; NULL = no text */
  xmlDoc *raw;                  /* owned: printed instead of all else */
  unsigned kind;                /* variant that the schema's "when" asks for */
  bool is_hidden;               /* kept, not printed */
};

/* What a printed document shows; bits for xml_format. */
enum xml_show {
  XT_SHOW_SECRETS = 1,         /* passwords */
  XT_SHOW_LIVE = 2,            /* what only a running object has */
};

/* A node outside any tree.  Returns NULL when out of memory. */
struct xml_node *xml_node_new (const struct xml_elem *schema);

/* Unlink NODE, if it is linked, and free it with all below it. */
void xml_node_free (struct xml_node *node);

/* A deep copy, outside any tree. */
struct xml_node *xml_node_copy (const struct xml_node *node);

/* Take NODE out of its tree; the caller owns it. */
void xml_node_unlink (struct xml_node *node);

/* Link CHILD below PARENT behind all its likes, in the schema's order. */
void xml_node_link (struct xml_node *parent, struct xml_node *child);

/* Link NODE right before BEFORE, one of its likes. */
void xml_node_link_before (struct xml_node *node, struct xml_node *before);

/* The first child called NAME, or the next one after NODE with its name. */
struct xml_node *xml_child (const struct xml_node *parent, const char *name);
struct xml_node *xml_next (const struct xml_node *node);

/* How many of its name there are from FIRST on; of NULL, none. */
unsigned xml_count (const struct xml_node *first);

const char *xml_name (const struct xml_node *node);

/* The first child called NAME, made in its place if there is none; or always
 * made, behind its likes.  NAME must be in the schema.
 *
 * Returns NULL when out of memory or when the schema has no such child.
 */
struct xml_node *xml_child_make (struct xml_node *parent, const char *name);
struct xml_node *xml_child_add (struct xml_node *parent, const char *name);

/* The node at PATH ("cputune/shares"), first child of each name; "" is NODE
 * itself.  xml_make_path makes what is missing.
 */
struct xml_node *xml_path (const struct xml_node *node, const char *path);
struct xml_node *xml_make_path (struct xml_node *node, const char *path);

/* An attribute's value, borrowed; NULL = absent. */
const char *xml_attr (const struct xml_node *node, const char *name);

/* True if the attribute is there with this value. */
bool xml_attr_is (const struct xml_node *node, const char *name,
                  const char *value);

/* Set, or with a NULL value remove, an attribute that the schema knows.
 * xml_attr_setf formats the value.
 *
 * Returns 0, or -1 when out of memory or the schema has no such attribute.
 */
int xml_attr_set (struct xml_node *node, const char *name, const char *value);
int xml_attr_setf (struct xml_node *node, const char *name,
                   const char *format, ...)
  __attribute__ ((format (printf, 3, 4)));

/* Replace a node's text; NULL removes it.  Returns 0, -1 = no memory. */
int xml_text_set (struct xml_node *node, const char *text);
int xml_text_setf (struct xml_node *node, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* The text of the node at PATH, borrowed; NULL = no node or no text. */
const char *xml_path_text (const struct xml_node *node, const char *path);

/* The attribute of the node at PATH, borrowed; NULL = absent. */
const char *xml_path_attr (const struct xml_node *node, const char *path,
                           const char *name);

/* Numbers that the tree itself wrote: an absent or odd one is DFLT. */
unsigned long long xml_number (const char *value, unsigned long long dflt);

/* NODE and all below it as text, the caller's; NULL = no memory.
 * show    bits of enum xml_show
 */
char *xml_format_string (const struct xml_node *node, unsigned show);

#endif /* DRIVER_TEST_XML_TREE_H */
