rehost_fuzz(transport transport)
