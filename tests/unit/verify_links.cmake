rehost_unit(verify_links verify)
