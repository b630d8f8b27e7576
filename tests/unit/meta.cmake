rehost_unit(meta meta)
