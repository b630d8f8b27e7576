rehost_unit(pack base)
