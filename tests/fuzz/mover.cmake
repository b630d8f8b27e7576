rehost_fuzz(mover source engine)
