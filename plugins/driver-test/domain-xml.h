/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Domain definitions: XML in, a canonical tree to look at and to change, XML
 * out.  What a change means, and to which domain, is the driver's business.
 */
#ifndef DRIVER_TEST_DOMAIN_XML_H
#define DRIVER_TEST_DOMAIN_XML_H

#include <stdbool.h>

#include <libxml/tree.h>

#include "plugins/driver-test/xml-bits.h"
#include "plugins/driver-test/xml-schema.h"
#include "plugins/driver-test/xml-tree.h"

enum domain_parse_flag {
  DOMAIN_PARSE_INACTIVE = 1,    /* ignore what only running guests have */
  DOMAIN_PARSE_VALIDATE = 2,    /* check against the installed grammar */
  DOMAIN_PARSE_ABI_UPDATE = 4,  /* memory size follows the NUMA cells */
  DOMAIN_PARSE_SKIP_VALIDATE = 8 /* do not check what a start would refuse */
};

/* What a description of a test host says of a domain besides its definition
 * (namespace http://libvirt.org/schemas/domain/test/1.0). */
struct domain_runtime {
  unsigned runstate;            /* the protocol's domain state; 1 = running */
  bool is_transient;
  bool has_managed_save;
  xmlDoc *snapshots;            /* owned; <domainsnapshot> below the root;
                                   NULL = none */
};

struct domain_def {
  struct xml_node *root;        /* <domain> */
  struct domain_runtime runtime;
};

/* Read a definition.
 *
 * text    at most XT_TEXT_MAX bytes
 * flags   enum domain_parse_flag; the protocol's define and create pass
 *         DOMAIN_PARSE_INACTIVE
 *
 * Returns the caller's, domain_def_free; NULL with *err filled.
 */
struct domain_def *domain_def_parse (const char *text, unsigned flags,
                                     struct xml_error *err);

/* The same from a <domain> element inside another document. */
struct domain_def *domain_def_parse_node (xmlNode *node, unsigned flags,
                                          struct xml_error *err);

struct domain_def *domain_def_copy (const struct domain_def *def);
void domain_def_free (struct domain_def *def);

enum domain_format_flag {       /* the protocol's virDomainXMLFlags */
  DOMAIN_FORMAT_SECURE = 1,
  DOMAIN_FORMAT_INACTIVE = 2,
  DOMAIN_FORMAT_MIGRATABLE = 8
};

/* The definition as text, the caller's; NULL = no memory.  A definition
 * without an id is inactive whatever the flags say.
 */
char *domain_def_format (const struct domain_def *def, unsigned flags);

/* The id of a running domain; -1 = not running.  Borrowed names live as long
 * as the definition is not changed. */
int domain_def_set_id (struct domain_def *def, int id);
const char *domain_def_name (const struct domain_def *def);
int domain_def_set_name (struct domain_def *def, const char *name);
void domain_def_uuid (const struct domain_def *def, unsigned char uuid[16]);

/* Text of the first node at PATH below <domain> ("on_poweroff"); NULL = none.
 * Set to NULL removes the node, and its parents if nothing is left in them.
 */
const char *domain_def_text (const struct domain_def *def, const char *path);
int domain_def_set_text (struct domain_def *def, const char *path,
                         const char *text);

/* Numbers below <domain> ("cputune/shares", "memtune/hard_limit"), in the
 * tree's units (memory: KiB); DFLT = absent.  Removing and setting as above;
 * units are written where the schema has them.
 */
unsigned long long domain_def_number (const struct domain_def *def,
                                      const char *path,
                                      unsigned long long dflt);
int domain_def_set_number (struct domain_def *def, const char *path,
                           unsigned long long number);

/* Memory in KiB: total, and what the guest has now.  Lowering the total
 * lowers the other. */
unsigned long long domain_def_memory (const struct domain_def *def);
unsigned long long domain_def_balloon (const struct domain_def *def);
int domain_def_set_memory (struct domain_def *def, unsigned long long kib);
int domain_def_set_balloon (struct domain_def *def, unsigned long long kib);

/* vCPUs: most, online now, one.  Setting the number online brings the first
 * ones up and the others down.  set_vcpus_max forgets pins of those gone. */
unsigned domain_def_vcpus_max (const struct domain_def *def);
unsigned domain_def_vcpus (const struct domain_def *def);
bool domain_def_vcpu_is_online (const struct domain_def *def, unsigned vcpu);
int domain_def_set_vcpus_max (struct domain_def *def, unsigned count);
int domain_def_set_vcpus (struct domain_def *def, unsigned count);

/* CPUs of one vCPU, of the emulator, of an I/O thread.  False = not pinned.
 * Setting an empty set removes the pin.  domain_def_cpuset is the default
 * that <vcpu> gives. */
bool domain_def_cpuset (const struct domain_def *def, struct xml_bits *cpus);
bool domain_def_vcpu_pin (const struct domain_def *def, unsigned vcpu,
                          struct xml_bits *cpus);
int domain_def_set_vcpu_pin (struct domain_def *def, unsigned vcpu,
                             const struct xml_bits *cpus);
bool domain_def_emulator_pin (const struct domain_def *def,
                              struct xml_bits *cpus);
int domain_def_set_emulator_pin (struct domain_def *def,
                                 const struct xml_bits *cpus);
bool domain_def_iothread_pin (const struct domain_def *def, unsigned id,
                              struct xml_bits *cpus);
int domain_def_set_iothread_pin (struct domain_def *def, unsigned id,
                                 const struct xml_bits *cpus);

/* I/O threads: the <iothread> of an id (the first, the next with
 * xml_next); add one, which shows the list; remove one with its pin. */
struct xml_node *domain_def_iothread (const struct domain_def *def,
                                      unsigned id);
struct xml_node *domain_def_iothreads (const struct domain_def *def);
int domain_def_add_iothread (struct domain_def *def, unsigned id);
int domain_def_remove_iothread (struct domain_def *def, unsigned id);

/* Devices: the first of a kind ("disk"), the next with xml_next. */
struct xml_node *domain_def_devices (const struct domain_def *def,
                                     const char *kind);

/* An interface by MAC or target. */
struct xml_node *domain_def_interface (const struct domain_def *def,
                                       const char *name);
/* Name the interfaces that have no name, "testnet0" onwards, as define,
 * create and restore do.  Returns 0, 1 = DOMAIN_INTERFACES_MAX names
 * are taken, -1 = no memory.
 */
#define DOMAIN_INTERFACES_MAX 1024
int domain_def_name_interfaces (struct domain_def *def);
const char *domain_disk_target (const struct xml_node *disk);
const char *domain_disk_source (const struct xml_node *disk);

/* Custom metadata below <metadata>: one element per namespace.
 *
 * get: the element's text, its namespace taken off, the caller's; NULL = none
 * set: XML replaces it, with KEY as prefix of the namespace; NULL removes it.
 * Returns 0, -1 with *err filled.
 */
char *domain_def_metadata (const struct domain_def *def, const char *uri);
int domain_def_set_metadata (struct domain_def *def, const char *uri,
                             const char *key, const char *xml,
                             struct xml_error *err);

#endif /* DRIVER_TEST_DOMAIN_XML_H */
