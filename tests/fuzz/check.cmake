rehost_fuzz(check check)
