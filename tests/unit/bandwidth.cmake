rehost_unit(bandwidth limits)
