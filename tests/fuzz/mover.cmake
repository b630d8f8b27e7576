rehost_fuzz(mover engine)
