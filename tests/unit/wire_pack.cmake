rehost_unit(wire_pack wire)
