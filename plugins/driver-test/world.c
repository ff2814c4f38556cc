/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making worlds: the default one, and those that a file describes.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/driver-test/dom.h"
#include "plugins/driver-test/net.h"

static const char default_domain[] =
  "<domain type='test'>"
  "<name>test</name>"
  "<uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>"
  "<memory>8388608</memory><currentMemory>2097152</currentMemory>"
  "<vcpu>2</vcpu>"
  "<os><type>hvm</type></os>"
  "<devices>"
  "<disk type='file' device='disk'>"
  "<source file='/guest/diskimage1'/><target dev='vda' bus='virtio'/>"
  "<address type='pci' domain='0' bus='1' slot='0' function='0'/>"
  "</disk>"
  "<interface type='network'>"
  "<mac address='aa:bb:cc:dd:ee:ff'/>"
  "<source network='default' bridge='virbr0'/>"
  "<address type='pci' domain='0' bus='0' slot='1' function='0'/>"
  "</interface>"
  "<memballoon model='virtio'>"
  "<address type='pci' domain='0' bus='0' slot='2' function='0'/>"
  "</memballoon>"
  "</devices>"
  "</domain>";

static const char default_network[] =
  "<network>"
  "<name>default</name>"
  "<uuid>dd8fe884-6c02-601e-7551-cca97df1c5df</uuid>"
  "<bridge name='virbr0'/>"
  "<forward/>"
  "<ip address='192.168.122.1' netmask='255.255.255.0'>"
  "<dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>"
  "</ip>"
  "</network>";

static const struct node_info default_node = {
  .model = "i686", .memory = 3 * 1024 * 1024, .cpus = 16, .mhz = 1400,
  .nodes = 2, .sockets = 2, .cores = 2, .threads = 2
};

#define CELL_MEMORY (2048 * 1024)       /* KiB of the first; n times for n */
#define FILE_MAX (4 * 1024 * 1024)      /* bytes of a file with a world */

static int
no_memory (struct xml_error *err)
{
  return xml_fail (err, VIRGATE_FROM_TEST, VIRGATE_ERR_NO_MEMORY, " ");
}

static struct world *
world_empty (void)
{
  struct world *world = calloc (1, sizeof *world);

  if (!world)
    return NULL;
  pthread_mutex_init (&world->lock, NULL);
  world->refs = 1;
  world->next_id = 1;
  world->node = default_node;
  list_init (&world->conns);
  list_init (&world->doms);
  list_init (&world->nets);
  return world;
}

void
world_free (struct world *world)
{
  if (!world)
    return;
  list_for_each (link, &world->doms) {
    struct dom *dom = list_item (link, struct dom, link);

    dom_unlist (world, dom);
    dom_free (dom);
  }
  list_for_each (link, &world->nets)
    net_free (list_item (link, struct net, link));
  table_free (&world->dom_by_uuid);
  table_free (&world->dom_by_name);
  table_free (&world->dom_by_id);
  pthread_mutex_destroy (&world->lock);
  free (world);
}

/* Put a domain in, in the state that its definition says; takes it. */
static int
add_dom (struct world *world, struct def *def, struct xml_error *err)
{
  const struct domain_runtime run = def->body->runtime;
  struct dom *dom = dom_new (def);

  if (!dom)
    return no_memory (err);
  if (dom_by_uuid (world, dom->def->uuid)
      || dom_by_name (world, dom->def->name)) {
    xml_fail (err, VIRGATE_FROM_DOMAIN, VIRGATE_ERR_OPERATION_FAILED,
              "domain '%s' is there twice", dom->def->name);
    dom_free (dom);
    return -1;
  }
  if (dom_list (world, dom) == -1) {
    dom_free (dom);
    return no_memory (err);
  }
  dom->persistent = !run.is_transient;
  dom->managed_save = run.has_managed_save;
  if (run.runstate != DOM_SHUTOFF
      && dom_start (world, dom, DOM_UNKNOWN) == -1)
    return no_memory (err);
  dom->state = run.runstate;
  dom->reason = DOM_UNKNOWN;
  return dom_make_iothreads (dom) == -1 ? no_memory (err) : 0;
}

static int
add_net (struct world *world, struct net_def *def, struct xml_error *err)
{
  struct net *net;

  if (net_by_uuid (world, def->uuid) || net_by_name (world, def->name)) {
    xml_fail (err, VIRGATE_FROM_NETWORK, VIRGATE_ERR_OPERATION_FAILED,
              "network '%s' is there twice", def->name);
    net_def_free (def);
    return -1;
  }
  net = net_new (world, def);
  if (!net)
    return no_memory (err);
  net->active = net->persistent = true;
  return 0;
}

static int
fill_default (struct world *world, struct xml_error *err)
{
  struct net_def *net;
  struct def *def = def_parse (default_domain, DOMAIN_PARSE_INACTIVE, err);

  if (!def || add_dom (world, def, err) == -1)
    return -1;
  net = net_def_parse (default_network, false, err);
  if (!net || add_net (world, net, err) == -1)
    return -1;
  world->cell_count = WORLD_CELLS_MAX;
  for (uint32_t i = 0; i < WORLD_CELLS_MAX; i++)
    world->cells[i] = (struct cell) {
      .memory = (uint64_t) CELL_MEMORY * (i + 1),
      .free_memory = (uint64_t) CELL_MEMORY * (i + 1) / 2
    };
  return 0;
}

/* Worlds from files. ------------------------------------------------------- */

/* The whole file, the caller's; NULL with the error recorded. */
static char *
read_file (const char *path, struct xml_error *err)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY
                                       | O_NONBLOCK);
  struct stat st;
  char *text = NULL;
  size_t len = 0;

  if (fd == -1 || fstat (fd, &st) == -1 || !S_ISREG (st.st_mode)
      || st.st_size > FILE_MAX)
    goto error;
  text = malloc ((size_t) st.st_size + 1);
  while (text && len < (size_t) st.st_size) {
    ssize_t n = read (fd, text + len, (size_t) st.st_size - len);

    if (n == -1)
      goto error;
    if (n == 0)
      break;
    len += (size_t) n;
  }
  if (text)
    text[len] = '\0';
  else
    no_memory (err);
  return text;

 error:
  free (text);
  xml_fail (err, VIRGATE_FROM_TEST, VIRGATE_ERR_OPEN_FAILED, "%s", path);
  return NULL;
}

/* The numbers of <cpu>, and where they go. */
static int
read_node (struct world *world, xmlNode *root, struct xml_error *err)
{
  xmlNode *cpu = xml_src_child (root, "cpu");
  const struct {
    const char *name;
    uint32_t *to;
  } numbers[] = {
    { "nodes", &world->node.nodes }, { "sockets", &world->node.sockets },
    { "cores", &world->node.cores }, { "threads", &world->node.threads },
    { "mhz", &world->node.mhz }, { "active", NULL }
  };
  unsigned long long value, active = UINT32_MAX;

  for (size_t i = 0; cpu && i < COUNT_OF (numbers); i++) {
    xmlNode *node = xml_src_child (cpu, numbers[i].name);
    CLEANUP_FREE char *text = node ? xml_src_text (node) : NULL;

    if (!text)
      continue;
    if (xml_ull (text, 10, &value) == -1 || value > UINT32_MAX)
      return xml_fail (err, VIRGATE_FROM_TEST, VIRGATE_ERR_XML_ERROR,
                       "invalid node cpu %s value", numbers[i].name);
    if (numbers[i].to)
      *numbers[i].to = (uint32_t) value;
    else
      active = value;
  }
  world->node.cpus = (uint32_t) MIN_OF (world_host_cpus (world), active);
  return 0;
}

static int
read_rest (struct world *world, xmlNode *root, struct xml_error *err)
{
  xmlNode *cpu = xml_src_child (root, "cpu");
  xmlNode *model = cpu ? xml_src_child (cpu, "model") : NULL;
  xmlNode *memory = xml_src_child (root, "memory");
  CLEANUP_FREE char *name = model ? xml_src_text (model) : NULL;
  CLEANUP_FREE char *size = memory ? xml_src_text (memory) : NULL;
  unsigned long long kib;

  if (name && strlen (name) >= sizeof world->node.model)
    return xml_fail (err, VIRGATE_FROM_TEST, VIRGATE_ERR_INTERNAL_ERROR,
                     "Model %s too big for destination", name);
  if (name) {
    memset (world->node.model, 0, sizeof world->node.model);
    memcpy (world->node.model, name, strlen (name));
  }
  if (size && xml_ull (size, 10, &kib) == -1)
    return xml_fail (err, VIRGATE_FROM_TEST, VIRGATE_ERR_XML_ERROR,
                     "invalid node memory value");
  if (size)
    world->node.memory = kib;
  return 0;
}

/* An object must be in the file itself: the administrator allowed no other. */
static int
check_whole (xmlNode *node, struct xml_error *err)
{
  if (!xmlHasProp (node, (const xmlChar *) "file"))
    return 0;
  return xml_fail (err, VIRGATE_FROM_TEST, VIRGATE_ERR_CONFIG_UNSUPPORTED,
                   "element '%s' refers to another file", node->name);
}

static int
fill_from (struct world *world, xmlNode *root, struct xml_error *err)
{
  if (read_node (world, root, err) == -1
      || read_rest (world, root, err) == -1)
    return -1;
  for (xmlNode *node = xml_src_child (root, "domain"); node;
       node = xml_src_next (node, "domain")) {
    struct def *def;

    if (check_whole (node, err) == -1)
      return -1;
    def = def_parse_node (node, DOMAIN_PARSE_INACTIVE, err);
    if (!def || add_dom (world, def, err) == -1)
      return -1;
  }
  for (xmlNode *node = xml_src_child (root, "network"); node;
       node = xml_src_next (node, "network")) {
    struct net_def *def;

    if (check_whole (node, err) == -1)
      return -1;
    def = net_def_parse_node (node, err);
    if (!def || add_net (world, def, err) == -1)
      return -1;
  }
  return 0;
}

static int
fill_file (struct world *world, const char *path, struct xml_error *err)
{
  CLEANUP_FREE char *text = read_file (path, err);
  xmlDoc *doc;
  int result;

  if (!text
      || xml_parse (text, VIRGATE_FROM_TEST, path, "node", NULL, &doc, err)
           == -1)
    return -1;
  result = fill_from (world, xmlDocGetRootElement (doc), err);
  xmlFreeDoc (doc);
  return result;
}

struct world *
world_new (const char *path, struct xml_error *err)
{
  struct world *world = world_empty ();

  if (!world) {
    no_memory (err);
    return NULL;
  }
  if ((path ? fill_file (world, path, err) : fill_default (world, err))
      == -1) {
    world_free (world);
    return NULL;
  }
  return world;
}
