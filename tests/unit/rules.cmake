rehost_unit(rules rules conf diag base)
