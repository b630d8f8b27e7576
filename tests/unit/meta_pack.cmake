rehost_unit(meta_pack meta)
