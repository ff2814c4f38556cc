/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The words of each error code, without and with a detail, exactly as stock
 * clients know them: people and programs compare these texts, so they are
 * part of the protocol and never translated or reworded.
 */
#include "config.h"

#include <stddef.h>

#include "common/mem.h"
#include "core/error-text.h"

#define COLON(text) { text, text ": %s" }
#define SPACE(text) { text, text " %s" }

static const struct error_text texts[] = {
  [VIRGATE_ERR_INTERNAL_ERROR] = COLON ("internal error"),
  [VIRGATE_ERR_NO_MEMORY] = COLON ("out of memory"),
  [VIRGATE_ERR_NO_SUPPORT] =
    COLON ("this function is not supported by the connection driver"),
  [VIRGATE_ERR_UNKNOWN_HOST] = SPACE ("unknown host"),
  [VIRGATE_ERR_NO_CONNECT] =
    { "no connection driver available",
      "no connection driver available for %s" },
  [VIRGATE_ERR_INVALID_CONN] = SPACE ("invalid connection pointer in"),
  [VIRGATE_ERR_INVALID_DOMAIN] = SPACE ("invalid domain pointer in"),
  [VIRGATE_ERR_INVALID_ARG] = COLON ("invalid argument"),
  [VIRGATE_ERR_OPERATION_FAILED] = COLON ("operation failed"),
  [VIRGATE_ERR_GET_FAILED] = COLON ("GET operation failed"),
  [VIRGATE_ERR_POST_FAILED] = COLON ("POST operation failed"),
  [VIRGATE_ERR_HTTP_ERROR] = SPACE ("got unknown HTTP error code"),
  [VIRGATE_ERR_SEXPR_SERIAL] = COLON ("failed to serialize S-Expr"),
  [VIRGATE_ERR_NO_XEN] = SPACE ("could not use Xen hypervisor entry"),
  [VIRGATE_ERR_XEN_CALL] = SPACE ("failed Xen syscall"),
  [VIRGATE_ERR_OS_TYPE] = SPACE ("unknown OS type"),
  [VIRGATE_ERR_NO_KERNEL] = COLON ("missing kernel information"),
  [VIRGATE_ERR_NO_ROOT] =
    { "missing root device information",
      "missing root device information in %s" },
  [VIRGATE_ERR_NO_SOURCE] = SPACE ("missing source information for device"),
  [VIRGATE_ERR_NO_TARGET] = SPACE ("missing target information for device"),
  [VIRGATE_ERR_NO_NAME] =
    { "missing name information", "missing name information in %s" },
  [VIRGATE_ERR_NO_OS] =
    { "missing operating system information",
      "missing operating system information for %s" },
  [VIRGATE_ERR_NO_DEVICE] =
    { "missing devices information", "missing devices information for %s" },
  [VIRGATE_ERR_NO_XENSTORE] = SPACE ("could not connect to Xen Store"),
  [VIRGATE_ERR_DRIVER_FULL] =
    { "too many drivers registered", "too many drivers registered in %s" },
  [VIRGATE_ERR_CALL_FAILED] = COLON ("library call failed"),
  [VIRGATE_ERR_XML_ERROR] =
    { "XML description is invalid or not well formed", "XML error: %s" },
  [VIRGATE_ERR_DOM_EXIST] =
    { "this domain exists already", "domain %s exists already" },
  [VIRGATE_ERR_OPERATION_DENIED] =
    { "operation forbidden for read only access", "operation forbidden: %s" },
  [VIRGATE_ERR_OPEN_FAILED] = SPACE ("failed to open configuration file"),
  [VIRGATE_ERR_READ_FAILED] = SPACE ("failed to read configuration file"),
  [VIRGATE_ERR_PARSE_FAILED] = SPACE ("failed to parse configuration file"),
  [VIRGATE_ERR_CONF_SYNTAX] = COLON ("configuration file syntax error"),
  [VIRGATE_ERR_WRITE_FAILED] = COLON ("failed to write configuration file"),
  [VIRGATE_ERR_XML_DETAIL] = { "parser error", "%s" },
  [VIRGATE_ERR_INVALID_NETWORK] = SPACE ("invalid network pointer in"),
  [VIRGATE_ERR_NETWORK_EXIST] =
    { "this network exists already", "network %s exists already" },
  [VIRGATE_ERR_SYSTEM_ERROR] = { "system call error", "%s" },
  [VIRGATE_ERR_RPC] = { "RPC error", "%s" },
  [VIRGATE_ERR_GNUTLS_ERROR] = { "GNUTLS call error", "%s" },
  [VIRGATE_WAR_NO_NETWORK] = COLON ("Failed to find the network"),
  [VIRGATE_ERR_NO_DOMAIN] = COLON ("Domain not found"),
  [VIRGATE_ERR_NO_NETWORK] = COLON ("Network not found"),
  [VIRGATE_ERR_INVALID_MAC] = COLON ("invalid MAC address"),
  [VIRGATE_ERR_AUTH_FAILED] = COLON ("authentication failed"),
  [VIRGATE_ERR_INVALID_STORAGE_POOL] =
    SPACE ("invalid storage pool pointer in"),
  [VIRGATE_ERR_INVALID_STORAGE_VOL] =
    SPACE ("invalid storage volume pointer in"),
  [VIRGATE_WAR_NO_STORAGE] = COLON ("Failed to find a storage driver"),
  [VIRGATE_ERR_NO_STORAGE_POOL] = COLON ("Storage pool not found"),
  [VIRGATE_ERR_NO_STORAGE_VOL] = COLON ("Storage volume not found"),
  [VIRGATE_WAR_NO_NODE] = COLON ("Failed to find a node driver"),
  [VIRGATE_ERR_INVALID_NODE_DEVICE] =
    { "invalid node device pointer", "invalid node device pointer in %s" },
  [VIRGATE_ERR_NO_NODE_DEVICE] = COLON ("Node device not found"),
  [VIRGATE_ERR_NO_SECURITY_MODEL] = COLON ("Security model not found"),
  [VIRGATE_ERR_OPERATION_INVALID] = COLON ("Requested operation is not valid"),
  [VIRGATE_WAR_NO_INTERFACE] = COLON ("Failed to find the interface"),
  [VIRGATE_ERR_NO_INTERFACE] = COLON ("Interface not found"),
  [VIRGATE_ERR_INVALID_INTERFACE] = SPACE ("invalid interface pointer in"),
  [VIRGATE_ERR_MULTIPLE_INTERFACES] =
    COLON ("multiple matching interfaces found"),
  [VIRGATE_WAR_NO_NWFILTER] = COLON ("Failed to start the nwfilter driver"),
  [VIRGATE_ERR_INVALID_NWFILTER] = COLON ("Invalid network filter"),
  [VIRGATE_ERR_NO_NWFILTER] = COLON ("Network filter not found"),
  [VIRGATE_ERR_BUILD_FIREWALL] = COLON ("Error while building firewall"),
  [VIRGATE_WAR_NO_SECRET] = COLON ("Failed to find a secret storage driver"),
  [VIRGATE_ERR_INVALID_SECRET] = COLON ("Invalid secret"),
  [VIRGATE_ERR_NO_SECRET] = COLON ("Secret not found"),
  [VIRGATE_ERR_CONFIG_UNSUPPORTED] = COLON ("unsupported configuration"),
  [VIRGATE_ERR_OPERATION_TIMEOUT] = COLON ("Timed out during operation"),
  [VIRGATE_ERR_MIGRATE_PERSIST_FAILED] =
    COLON ("Failed to make domain persistent after migration"),
  [VIRGATE_ERR_HOOK_SCRIPT_FAILED] = COLON ("Hook script execution failed"),
  [VIRGATE_ERR_INVALID_DOMAIN_SNAPSHOT] = COLON ("Invalid domain snapshot"),
  [VIRGATE_ERR_NO_DOMAIN_SNAPSHOT] = COLON ("Domain snapshot not found"),
  [VIRGATE_ERR_INVALID_STREAM] =
    { "invalid stream pointer", "invalid stream pointer in %s" },
  [VIRGATE_ERR_ARGUMENT_UNSUPPORTED] = COLON ("argument unsupported"),
  [VIRGATE_ERR_STORAGE_PROBE_FAILED] = COLON ("Storage pool probe failed"),
  [VIRGATE_ERR_STORAGE_POOL_BUILT] = COLON ("Storage pool already built"),
  [VIRGATE_ERR_SNAPSHOT_REVERT_RISKY] = COLON ("revert requires force"),
  [VIRGATE_ERR_OPERATION_ABORTED] = COLON ("operation aborted"),
  [VIRGATE_ERR_AUTH_CANCELLED] = COLON ("authentication cancelled"),
  [VIRGATE_ERR_NO_DOMAIN_METADATA] = COLON ("metadata not found"),
  [VIRGATE_ERR_MIGRATE_UNSAFE] = COLON ("Unsafe migration"),
  [VIRGATE_ERR_OVERFLOW] = COLON ("numerical overflow"),
  [VIRGATE_ERR_BLOCK_COPY_ACTIVE] = COLON ("block copy still active"),
  [VIRGATE_ERR_OPERATION_UNSUPPORTED] = COLON ("Operation not supported"),
  [VIRGATE_ERR_SSH] = COLON ("SSH transport error"),
  [VIRGATE_ERR_AGENT_UNRESPONSIVE] = COLON ("Guest agent is not responding"),
  [VIRGATE_ERR_RESOURCE_BUSY] = COLON ("resource busy"),
  [VIRGATE_ERR_ACCESS_DENIED] = COLON ("access denied"),
  [VIRGATE_ERR_DBUS_SERVICE] = COLON ("error from service"),
  [VIRGATE_ERR_STORAGE_VOL_EXIST] =
    { "this storage volume exists already",
      "storage volume %s exists already" },
  [VIRGATE_ERR_CPU_INCOMPATIBLE] =
    COLON ("the CPU is incompatible with host CPU"),
  [VIRGATE_ERR_XML_INVALID_SCHEMA] =
    COLON ("XML document failed to validate against schema"),
  [VIRGATE_ERR_MIGRATE_FINISH_OK] = COLON ("migration successfully aborted"),
  [VIRGATE_ERR_AUTH_UNAVAILABLE] = COLON ("authentication unavailable"),
  [VIRGATE_ERR_NO_SERVER] = COLON ("Server not found"),
  [VIRGATE_ERR_NO_CLIENT] = COLON ("Client not found"),
  [VIRGATE_ERR_AGENT_UNSYNCED] =
    COLON ("guest agent replied with wrong id to guest-sync command"),
  [VIRGATE_ERR_LIBSSH] = COLON ("libssh transport error"),
  [VIRGATE_ERR_DEVICE_MISSING] = COLON ("device not found"),
  [VIRGATE_ERR_INVALID_NWFILTER_BINDING] =
    COLON ("Invalid network filter binding"),
  [VIRGATE_ERR_NO_NWFILTER_BINDING] =
    COLON ("Network filter binding not found"),
  [VIRGATE_ERR_INVALID_DOMAIN_CHECKPOINT] = COLON ("Invalid domain checkpoint"),
  [VIRGATE_ERR_NO_DOMAIN_CHECKPOINT] = COLON ("Domain checkpoint not found"),
  [VIRGATE_ERR_NO_DOMAIN_BACKUP] = COLON ("Domain backup job id not found"),
  [VIRGATE_ERR_INVALID_NETWORK_PORT] = COLON ("Invalid network port pointer"),
  [VIRGATE_ERR_NETWORK_PORT_EXIST] =
    { "this network port exists already", "network port %s exists already" },
  [VIRGATE_ERR_NO_NETWORK_PORT] = COLON ("network port not found"),
  [VIRGATE_ERR_NO_HOSTNAME] = COLON ("no hostname found"),
  [VIRGATE_ERR_CHECKPOINT_INCONSISTENT] = COLON ("checkpoint inconsistent"),
  [VIRGATE_ERR_MULTIPLE_DOMAINS] = COLON ("multiple matching domains found"),
};

static const struct error_text unknown = { NULL, "%s" };

const struct error_text *
error_text_for (int32_t code)
{
  if (code < 0 || (size_t) code >= COUNT_OF (texts)
      || texts[code].detail == NULL)
    return &unknown;
  return &texts[code];
}
