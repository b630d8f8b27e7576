rehost_unit(delta delta)
