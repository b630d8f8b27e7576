rehost_fuzz(delta_apply delta)
