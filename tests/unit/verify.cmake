rehost_unit(verify verify)
