rehost_fuzz(frame wire)
