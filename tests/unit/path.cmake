rehost_unit(path base)
