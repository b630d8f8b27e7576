rehost_fuzz(filter rules conf diag base)
