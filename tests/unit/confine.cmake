rehost_unit(confine confine cap)
