rehost_fuzz(conf conf diag base)
