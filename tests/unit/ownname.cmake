rehost_unit(ownname base)
