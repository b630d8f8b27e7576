rehost_fuzz(control engine)
