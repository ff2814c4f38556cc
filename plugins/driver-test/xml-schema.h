/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Schemas as tables, and the engine that turns a parsed document into a
 * canonical tree by them: attributes and children in the order of the table,
 * values checked and normalised, the unknown dropped, defaults filled in.
 * What a table cannot say is a hook of a few lines.
 */
#ifndef DRIVER_TEST_XML_SCHEMA_H
#define DRIVER_TEST_XML_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include <libxml/tree.h>

#include <virgate/error.h>

#include "plugins/driver-test/xml-tree.h"

/* Why a document was refused.  The first error stays. */
struct xml_error {
  int code;                     /* enum virgate_error_code; 0 = none */
  int domain;                   /* enum virgate_error_domain */
  char *detail;                 /* owned: the message without its template;
                                   NULL = the code says it all */
};

/* Record an error, unless there is one, and return -1. */
int xml_fail (struct xml_error *err, int domain, int code,
              const char *format, ...) __attribute__ ((format (printf, 4, 5)));

void xml_error_clear (struct xml_error *err);

/* The two kinds of refusal that hooks and checks make; -1. */
#define xml_wrong(load, ...)                                            \
  xml_fail ((load)->err, (load)->domain, VIRGATE_ERR_XML_ERROR, __VA_ARGS__)
#define xml_unsupported(load, ...)                                      \
  xml_fail ((load)->err, (load)->domain, VIRGATE_ERR_CONFIG_UNSUPPORTED, \
            __VA_ARGS__)

/* How a value is read, checked and written. */
enum xml_type {
  XT_STRING = 0,               /* as it is; an empty one counts as absent
                                   in text, not in attributes */
  XT_ENUM,                     /* one of spec->names */
  XT_BOOL,                     /* yes, no */
  XT_SWITCH,                   /* on, off */
  XT_INT,
  XT_UINT,
  XT_LL,
  XT_ULL,
  XT_MAC,
  XT_UUID,
  XT_BITMAP,                    /* 0-3,5,^2; none left is an error */
};

enum xml_spec_flag {
  XT_REQUIRED = 1,             /* absent is an error */
  XT_NONZERO = 2,              /* number 0, or first name of an enum, is one */
  XT_HIDE_ZERO = 4,            /* number 0, or first name, counts as absent */
  XT_DROP = 8,                 /* check, then forget */
  XT_SECRET = 16,              /* printed with XT_SHOW_SECRETS only */
  XT_LIVE = 32,                /* printed with XT_SHOW_LIVE only */
  XT_KIND = 64,                /* an enum whose index is the node's kind */
  XT_BASE0 = 128,              /* numbers may be 0x... or 0... */
  XT_LENIENT = 256,            /* a wrong value counts as absent */
  XT_HEX = 512,                /* format is for unsigned: "0x%04x" */
  XT_NOT_EMPTY = 1024,         /* an empty value counts as absent */
  XT_MADE = 2048,              /* not read from documents: hooks write it */
  XT_NONNEG = 4096,            /* a negative number is an error */
  XT_BASE16 = 8192,             /* numbers are hexadecimal, 0x or not */
  XT_WRAP = 16384,              /* -1 is the largest number of the type */
};

/* One attribute, or the text of an element (name is NULL). */
struct xml_spec {
  const char *name;
  enum xml_type type;
  unsigned flags;               /* enum xml_spec_flag */
  uint64_t when;                /* kinds of the node that have it; 0 = all */
  const char *const *names;     /* enum: NULL-terminated; "" = never matches */
  const char *dflt;             /* value if absent */
  const char *skip;             /* value that counts as absent */
  const char *format;           /* printf format of a number */
  unsigned long long max;       /* numbers: largest; 0 = that of the type */
  const char *bad;              /* message for a wrong value, may use %s once;
                                   NULL = the usual one */
  const char *missing;          /* message if required and absent; "" = the
                                   code's own, without detail */
  int bad_code;                 /* 0 = XML error */
  int missing_code;
};

enum xml_elem_flag {
  XT_MANY = 1,                 /* every occurrence, not the first only */
  XT_KEEP = 2,                 /* stays when nothing is left inside */
  XT_OPEN = 4,                 /* printed <a></a> over two lines when empty */
  XT_RAW = 8,                  /* content is kept verbatim (see metadata) */
  XT_ALWAYS = 16,              /* made when the document has none */
  XT_FIXED = 32,               /* not read from documents: hooks make it */
  XT_ELEM_LIVE = 64,           /* printed with XT_SHOW_LIVE only */
  XT_ELEM_SECRET = 128,        /* printed with XT_SHOW_SECRETS only */
  XT_OWN_KIND = 256,           /* starts at kind 0, not at the parent's */
  XT_TEXT_ONLY = 512,          /* dropped without text */
};

struct xml_load;

/* A hook on an element; SRC is the source node, NULL if there is none.
 * Returns 0, 1 = drop the node, -1 = error recorded.
 */
typedef int (*xml_hook) (struct xml_load *load, struct xml_node *node,
                         xmlNode *src);

struct xml_elem {
  const char *name;
  const struct xml_spec *attrs; /* up to the one without a name; may be NULL */
  const struct xml_elem *kids;  /* likewise */
  const struct xml_spec *text;  /* NULL = no text */
  unsigned flags;               /* enum xml_elem_flag */
  uint64_t when;                /* kinds of the parent that have it; 0 = all */
  xml_hook before;              /* attributes are read, children are not */
  xml_hook after;               /* all is read */
  const void *arg;              /* the hooks' */
  int domain;                   /* of errors in it and below; 0 = as outside */
};

#define XT_FROM_NONE (-1)       /* the domain NONE, whose number is 0 */
#define XT_WHEN(kind) (UINT64_C (1) << (kind))

/* One run of the engine. */
struct xml_load {
  struct xml_error *err;
  int domain;                   /* of errors that spec messages make */
  unsigned flags;               /* the caller's; hooks read them */
  void *opaque;                 /* the caller's */
};

/* Make the canonical tree of SRC by SCHEMA.
 *
 * Returns the root, the caller's, or NULL with the error recorded.
 */
struct xml_node *xml_load_tree (struct xml_load *load,
                                const struct xml_elem *schema, xmlNode *src);

/* Read one more element below PARENT, by the schema of its name there.
 * Returns 0 with *OUT the new node (NULL = dropped), -1 = error recorded.
 */
int xml_load_child (struct xml_load *load, struct xml_node *parent,
                    const char *name, xmlNode *src, struct xml_node **out);

/* Check and normalise one value as SPEC says.
 *
 * elem    name of the element for messages
 * out     the caller's string; NULL = counts as absent
 *
 * Returns 0, -1 = error recorded.
 */
int xml_value (struct xml_load *load, const struct xml_spec *spec,
               const char *elem, const char *value, char **out);

/* Index of a name in an enum's list; -1 = not there. */
int xml_enum (const char *const *names, const char *value);

/* Source documents: first child element of a name (no namespace); next one
 * with the same name; attribute, text (malloc'ed; NULL = absent or, for text,
 * empty). */
xmlNode *xml_src_child (const xmlNode *src, const char *name);
xmlNode *xml_src_next (const xmlNode *src, const char *name);
char *xml_src_attr (const xmlNode *src, const char *name);
char *xml_src_text (const xmlNode *src);

/* Numbers as strtoll and strtoull read them, but whole: nothing may follow.
 * Leading blanks and a sign are fine; xml_ull refuses a minus.  Base 0 reads
 * 0x and 0 prefixes.  Returns 0, -1 = not a number or out of range.
 */
int xml_ll (const char *str, int base, long long *out);
int xml_ull (const char *str, int base, unsigned long long *out);

/* A random version 4 UUID. */
void xml_uuid_make (unsigned char uuid[16]);

/* Six bytes from aa:bb:cc:dd:ee:ff.  Returns 0, -1 = not a MAC. */
int xml_mac_parse (const char *str, unsigned char mac[6]);
void xml_mac_format (const unsigned char mac[6], char out[18]);

/* Parse a document.
 *
 * text     at most XT_TEXT_MAX bytes
 * domain   error domain of syntax errors
 * url      name of the document in messages: "(domain_definition)"
 * root     name that the root element must have; NULL = any
 * schema   name of a RELAX NG file to validate against; NULL = do not
 * out      the caller's, xmlFreeDoc
 *
 * No network, no files, no entities but those of the document itself, which
 * may not expand to more than XT_TEXT_MAX.  Blank nodes are dropped.
 * Returns 0, -1 = error recorded.
 */
#define SCHEMA_DIR "/usr/share/libvirt/schemas/"  /* where grammars are */
#define XT_TEXT_MAX (4 * 1024 * 1024)  /* the protocol's longest string */
#define XT_LIKES_MAX 4096               /* elements of one name in another:
                                           checks compare them in pairs */
#define XT_DEPTH_MAX 256               /* libxml2's own limit */
int xml_parse (const char *text, int domain, const char *url, const char *root,
               const char *schema, xmlDoc **out, struct xml_error *err);

#endif /* DRIVER_TEST_XML_SCHEMA_H */
