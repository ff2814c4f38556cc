/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a domain's XML says about its devices, and the addresses that its
 * interfaces have.
 */
#include "config.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

static void
cleanup_doc (xmlDoc **doc)
{
  xmlFreeDoc (*doc);
}

static void
cleanup_context (xmlXPathContext **context)
{
  xmlXPathFreeContext (*context);
}

static void
cleanup_object (xmlXPathObject **object)
{
  xmlXPathFreeObject (*object);
}

/* The domain of --domain as a document; NULL after an error. */
static xmlDoc *
domain_document (struct cmd *cmd)
{
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  struct virgate_remote_domain_get_xml_desc_args args = {
    .flags = opt_bits (cmd)
  };
  struct virgate_remote_domain_get_xml_desc_ret *ret = NULL;
  xmlDoc *doc;

  if (dom == NULL)
    return NULL;
  args.dom = *dom;
  if (CALL (cmd, domain_get_xml_desc, &args, &ret) < 0)
    return NULL;
  doc = xmlReadMemory (ret->xml, (int) strlen (ret->xml), "domain", NULL,
                       XML_PARSE_NONET | XML_PARSE_NOERROR
                       | XML_PARSE_NOWARNING);
  if (doc == NULL)
    cmd_fail (cmd, STATUS_FAILED, "the server sent XML that cannot be parsed");
  return doc;
}

/* A string below node by XPath; NULL when there is none.  free. */
static char *
xpath_string (xmlXPathContext *context, xmlNode *node, const char *path)
{
  CLEANUP (cleanup_object) xmlXPathObject *object = NULL;

  context->node = node;
  object = xmlXPathEvalExpression (BAD_CAST path, context);
  if (object == NULL || object->type != XPATH_STRING
      || object->stringval == NULL || object->stringval[0] == '\0')
    return NULL;
  return must_strdup ((const char *) object->stringval);
}

/* One column of a table of devices: what to look up in each. */
struct device_column {
  struct column column;
  const char *path;
};

/* Fill the result with a row for each device. */
static int
device_table (struct cmd *cmd, const char *devices,
              const struct device_column *what, uint32_t count,
              struct column *columns)
{
  CLEANUP (cleanup_doc) xmlDoc *doc = domain_document (cmd);
  CLEANUP (cleanup_context) xmlXPathContext *context = NULL;
  CLEANUP (cleanup_object) xmlXPathObject *object = NULL;

  if (doc == NULL)
    return -1;
  context = xmlXPathNewContext (doc);
  object = context ? xmlXPathEvalExpression (BAD_CAST devices, context) : NULL;
  if (object == NULL)
    return cmd_fail (cmd, STATUS_FAILED, "out of memory");
  for (uint32_t n = 0; n < count; n++)
    columns[n] = what[n].column;
  result_table (cmd->out, columns, count);
  for (int i = 0; object->nodesetval && i < object->nodesetval->nodeNr; i++)
    for (uint32_t n = 0; n < count; n++) {
      CLEANUP_FREE char *text = xpath_string (context,
                                              object->nodesetval->nodeTab[i],
                                              what[n].path);

      put_str (cmd->out, NULL, NULL, text);
    }
  return 0;
}

int
run_domblklist (struct cmd *cmd)
{
  static const struct device_column what[] = {
    { { "type", "Type" }, "string(./@type)" },
    { { "device", "Device" }, "string(./@device)" },
    { { "target", "Target" }, "string(./target/@dev)" },
    { { "source", "Source" },
      "string(./source/@file|./source/@dev|./source/@dir|./source/@name"
      "|./source/@volume|./source/@path)" }
  };
  struct column *columns = must_alloc (NULL, COUNT_OF (what),
                                       sizeof *columns);
  uint32_t first = opt_bool (cmd, "details") ? 0 : 2;

  result_own (cmd->out, columns);
  return device_table (cmd, "/domain/devices/disk", what + first,
                       COUNT_OF (what) - first, columns);
}

int
run_domiflist (struct cmd *cmd)
{
  static const struct device_column what[] = {
    { { "interface", "Interface" }, "string(./target/@dev)" },
    { { "type", "Type" }, "string(./@type)" },
    { { "source", "Source" },
      "string(./source/@bridge|./source/@dev|./source/@network"
      "|./source/@name|./source/@path)" },
    { { "model", "Model" }, "string(./model/@type)" },
    { { "mac", "MAC" }, "string(./mac/@address)" }
  };
  struct column *columns = must_alloc (NULL, COUNT_OF (what),
                                       sizeof *columns);

  result_own (cmd->out, columns);
  return device_table (cmd, "/domain/devices/interface", what,
                       COUNT_OF (what), columns);
}

/* The URI of one display, as viewers take it; NULL: there is none. */
static char *
display_uri (xmlXPathContext *context, xmlNode *root, const char *type)
{
  CLEANUP_FREE char *base = must_format ("/domain/devices/graphics[@type='%s']",
                                         type);
  CLEANUP_FREE char *port_path = must_format ("string(%s/@port)", base);
  CLEANUP_FREE char *tls_path = must_format ("string(%s/@tlsPort)", base);
  CLEANUP_FREE char *listen_path =
    must_format ("string(%s/listen/@address|%s/@listen)", base, base);
  CLEANUP_FREE char *socket_path =
    must_format ("string(%s/listen/@socket|%s/@socket)", base, base);
  CLEANUP_FREE char *port = xpath_string (context, root, port_path);
  CLEANUP_FREE char *tls = xpath_string (context, root, tls_path);
  CLEANUP_FREE char *listen = xpath_string (context, root, listen_path);
  CLEANUP_FREE char *path = xpath_string (context, root, socket_path);
  const char *host = listen && strcmp (listen, "0.0.0.0") != 0
                     && strcmp (listen, "::") != 0 ? listen : "localhost";
  long number = port ? strtol (port, NULL, 10) : 0;
  const char *open = strchr (host, ':') ? "[" : "";
  const char *shut = *open ? "]" : "";

  if (path)
    return must_format ("%s+unix://%s", type, path);
  if (strcmp (type, "vnc") == 0 && number >= 5900)
    return must_format ("vnc://%s%s%s:%ld", open, host, shut, number - 5900);
  if (number > 0)
    return must_format ("%s://%s%s%s:%ld%s%s", type, open, host, shut, number,
                        tls ? "?tls-port=" : "", tls ? tls : "");
  if (tls)
    return must_format ("%s://%s%s%s?tls-port=%s", type, open, host, shut, tls);
  return NULL;
}

int
run_domdisplay (struct cmd *cmd)
{
  static const char *const types[] = { "vnc", "spice", "rdp", "dbus" };
  static const struct column columns[] = { { "uri", NULL } };
  CLEANUP (cleanup_doc) xmlDoc *doc = domain_document (cmd);
  CLEANUP (cleanup_context) xmlXPathContext *context = NULL;
  const char *type = opt_str (cmd, "type");

  if (doc == NULL)
    return -1;
  context = xmlXPathNewContext (doc);
  if (context == NULL)
    return cmd_fail (cmd, STATUS_FAILED, "out of memory");
  result_table (cmd->out, columns, 1);
  for (size_t i = 0; i < COUNT_OF (types); i++) {
    CLEANUP_FREE char *uri = NULL;

    if (type && strcmp (type, types[i]) != 0)
      continue;
    uri = display_uri (context, xmlDocGetRootElement (doc), types[i]);
    if (uri)
      put_str (cmd->out, NULL, NULL, uri);
    if (uri && !opt_bool (cmd, "all"))
      return 0;
  }
  if (cmd->out->count > 0)
    return 0;
  return cmd_fail (cmd, STATUS_FAILED, "No graphical display%s%s%s found",
                   type ? " with type '" : "", type ? type : "",
                   type ? "'" : "");
}

static void
put_address (struct cmd *cmd, const struct virgate_domain_interface *iface,
             const struct virgate_domain_ip_addr *address, bool is_named)
{
  put_str (cmd->out, NULL, NULL, is_named ? iface->name : NULL);
  put_str (cmd->out, NULL, NULL, is_named ? iface->hwaddr : NULL);
  put_str (cmd->out, NULL, NULL, address == NULL ? "N/A"
                                 : address->type == 0 ? "ipv4" : "ipv6");
  if (address)
    put_fmt (cmd->out, NULL, NULL, "%s/%u", address->addr, address->prefix);
  else
    put_str (cmd->out, NULL, NULL, "N/A");
}

int
run_domifaddr (struct cmd *cmd)
{
  static const char *const sources[] = { "lease", "agent", "arp" };
  static const struct column columns[] = {
    { "name", "Name" }, { "mac", "MAC address" }, { "protocol", "Protocol" },
    { "address", "Address" }
  };
  const struct virgate_domain *dom = opt_domain (cmd, BY_ANY);
  const char *only = opt_str (cmd, "interface");
  const char *source = opt_str (cmd, "source");
  struct virgate_remote_domain_interface_addresses_args args = { 0 };
  struct virgate_remote_domain_interface_addresses_ret *ret = NULL;

  if (dom == NULL)
    return -1;
  args.dom = *dom;
  while (source && args.source < COUNT_OF (sources)
         && strcmp (source, sources[args.source]) != 0)
    args.source++;
  if (args.source == COUNT_OF (sources))
    return cmd_fail (cmd, STATUS_USAGE, "Unknown data source '%s'", source);
  if (CALL (cmd, domain_interface_addresses, &args, &ret) < 0)
    return cmd_context (cmd, "Failed to query for interfaces addresses");
  result_table (cmd->out, columns, COUNT_OF (columns));
  for (uint32_t i = 0; i < ret->ifaces.len; i++) {
    const struct virgate_domain_interface *iface = &ret->ifaces.val[i];

    if (only && strcmp (only, iface->name) != 0)
      continue;
    if (iface->addrs.len == 0)
      put_address (cmd, iface, NULL, true);
    for (uint32_t n = 0; n < iface->addrs.len; n++)
      put_address (cmd, iface, &iface->addrs.val[n],
                   n == 0 || opt_bool (cmd, "full") || cmd->app->json);
  }
  return 0;
}
