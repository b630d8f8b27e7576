rehost_unit(verify_walk verify)
