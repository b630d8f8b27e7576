rehost_fuzz(receiver receiver)
