rehost_unit(msg wire)
