rehost_fuzz(msg wire)
