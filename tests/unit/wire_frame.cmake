rehost_unit(wire_frame wire)
