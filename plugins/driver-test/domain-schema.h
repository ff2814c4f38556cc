/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The schema of <domain>, inside: tables of the parts, each in the file of
 * its name, and what their hooks share.  Users of definitions include
 * domain-xml.h.
 */
#ifndef DRIVER_TEST_DOMAIN_SCHEMA_H
#define DRIVER_TEST_DOMAIN_SCHEMA_H

#include "plugins/driver-test/xml-bits.h"
#include "plugins/driver-test/xml-schema.h"

/* Tables inside tables; at file scope these are constants. */
#define TEXT(...) (&(const struct xml_spec) { __VA_ARGS__ })
#define ATTRS(...) ((const struct xml_spec[]) { __VA_ARGS__, { 0 } })
#define KIDS(...) ((const struct xml_elem[]) { __VA_ARGS__, { 0 } })
#define NAMES(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define UNSUPPORTED .bad_code = VIRGATE_ERR_CONFIG_UNSUPPORTED

/* Most vCPUs that are listed one by one. */
#define DOMAIN_VCPUS_LISTED_MAX 16384

/* Most controllers that a drive address may imply. */
#define DOMAIN_CONTROLLERS_MAX 4096

/* What one run over a document remembers (load->opaque). */
struct domain_load {
  bool uuid_generated;
  bool is_inactive;             /* live state in the document is ignored */
  bool abi_update;
  struct xml_node *root;
  xmlNode *src;                 /* of the root */
};

static inline struct domain_load *
domain_load_of (struct xml_load *load)
{
  return load->opaque;
}

enum domain_os {
  OS_HVM, OS_XEN, OS_LINUX, OS_EXE, OS_UML, OS_XENPVH
};

extern const char *const domain_os_names[];
extern const char *const domain_arch_names[];
extern const char *const domain_storage_formats[];

extern const struct xml_elem domain_schema;
extern const struct xml_elem domain_device_kids[];

/* Parts of the root. */
extern const struct xml_elem domain_features_kids[];
extern const struct xml_spec domain_cpu_attrs[];
extern const struct xml_elem domain_cpu_kids[];
extern const struct xml_elem domain_cputune_kids[];
extern const struct xml_elem domain_iothread_kids[];
extern const struct xml_elem domain_sysinfo_kids[];
extern const struct xml_spec domain_seclabel_attrs[];
extern const struct xml_elem domain_seclabel_kids[];
extern const struct xml_elem domain_sec_kids[];

int domain_features_before (struct xml_load *, struct xml_node *, xmlNode *);
int domain_cpu_before (struct xml_load *, struct xml_node *, xmlNode *);
int domain_cpu_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_vcpu_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_vcpus_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_iothreads_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_cputune_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_numatune_before (struct xml_load *, struct xml_node *, xmlNode *);
int domain_numatune_check (struct xml_load *, struct xml_node *root);
int domain_seclabel_after (struct xml_load *, struct xml_node *, xmlNode *);
int domain_seclabels_check (struct xml_load *, struct xml_node *root);
int domain_keywrap_after (struct xml_load *, struct xml_node *, xmlNode *);

/* Amounts with a unit.
 *
 * path    what messages call the value
 * scale   bytes per unit when none is given
 * max     largest result, in bytes
 *
 * Returns 0 with *bytes, -1 = error recorded.
 */
int domain_scale (struct xml_load *load, const char *path, const char *value,
                  const char *unit, unsigned long long scale,
                  unsigned long long max, unsigned long long *bytes);

/* Hook: text of the element is an amount; arg is a struct domain_amount. */
enum domain_amount_flag {
  AMOUNT_LIMIT = 1,             /* the protocol's "unlimited" is a maximum,
                                   and counts as absent */
  AMOUNT_KEEP_ZERO = 2,
  AMOUNT_BYTES = 4              /* kept in bytes */
};

struct domain_amount {
  const char *path;
  unsigned flags;
  unsigned long long scale;     /* 0 = KiB */
};

#define AMOUNT(p, ...)                                                  \
  .arg = &(const struct domain_amount) { .path = (p), __VA_ARGS__ }
#define AMOUNT_ATTRS ATTRS ({ "unit", .flags = XT_MADE })

int domain_amount_after (struct xml_load *, struct xml_node *, xmlNode *);

/* Hook: attributes arg[0] (an amount) and "unit", both made in KiB. */
int domain_amount_attr (struct xml_load *load, struct xml_node *node,
                        xmlNode *src, const char *name);

/* Rewrite a path in an attribute, if it is there, without idle slashes. */
int domain_clean_path (struct xml_load *load, struct xml_node *node,
                       const char *attr);

/* Sort PARENT's children called NAME by the rank of each, stable. */
void domain_sort (struct xml_node *parent, const char *name,
                  long long (*rank) (const struct xml_node *));

/* Put PARENT's children called NAME in one by one: PLACE says before which of
 * those already in, LAST and before it, each goes; NULL or the next = last.
 */
void domain_replay (struct xml_node *parent, const char *name,
                    struct xml_node *(*place) (const struct xml_node *node,
                                               struct xml_node *last));

/* The number in an attribute; 0 = absent. */
long long domain_attr_number (const struct xml_node *node, const char *name);

/* Take out what a definition for older hosts must not show.  Returns 0, -1 =
 * no memory. */
int domain_make_migratable (struct xml_node *root);

/* Out of memory, recorded; -1. */
int domain_no_memory (struct xml_load *load);

/* The root of the tree that a hook is in. */
const struct xml_node *domain_root_of (const struct xml_node *node);

/* vCPUs that the definition may have. */
unsigned domain_vcpus_max (const struct xml_node *root);

#endif /* DRIVER_TEST_DOMAIN_SCHEMA_H */
