rehost_fuzz(rules rules conf diag base)
