rehost_unit(conf conf diag base)
