rehost_unit(check check)
