rehost_unit(base base)
