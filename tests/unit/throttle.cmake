rehost_unit(throttle limits)
