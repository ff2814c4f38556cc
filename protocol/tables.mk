# SPDX-License-Identifier: LGPL-2.1-or-later
# How something is generated from the protocol tables: a rule depends on
# $(PROTOCOL_INPUTS) and runs $(PROTOCOL_GEN); its target's name says what.
PROTOCOL_DIR = $(top_srcdir)/protocol
PROTOCOL_TABLES = $(PROTOCOL_DIR)/remote.table $(PROTOCOL_DIR)/qemu.table \
  $(PROTOCOL_DIR)/lxc.table $(PROTOCOL_DIR)/admin.table \
  $(PROTOCOL_DIR)/keepalive.table
PROTOCOL_INPUTS = $(PROTOCOL_TABLES) $(PROTOCOL_DIR)/gen.py \
  $(PROTOCOL_DIR)/table.py
PROTOCOL_GEN = $(MKDIR_P) $(@D) && $(PYTHON) -B $(PROTOCOL_DIR)/gen.py \
  $(@F) $(PROTOCOL_TABLES) > $@.tmp && mv $@.tmp $@
