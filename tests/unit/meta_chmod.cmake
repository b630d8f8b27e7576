rehost_unit(meta_chmod meta)
