rehost_fuzz(meta meta)
