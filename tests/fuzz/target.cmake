rehost_fuzz(target target)
