rehost_fuzz(delta_make delta)
