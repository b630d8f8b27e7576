rehost_fuzz(verify_records verify)
